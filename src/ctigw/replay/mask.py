"""What may differ between a capture and its replay.

Knows the mask file (TOML) and what differs in every run: times and durations. Must not know messages on the wire or
files. Rules: design 5 (replay), issue 3; the notation is in the help of `ctigw replay`.

    built_in = true                                 # false: times and durations count, too
    order = "subject"                               # or "free"
    ignore = ["cti.SYSTEM_EVENT"]                   # whether these come or not
    [fields]
    "*" = ["CallTypeID"]                            # in every message
    "cti.AGENT_STATE_EVENT" = ["NumTasks"]          # in this one
"""

import tomllib
from collections.abc import Mapping
from typing import Final, Literal

import attrs

from ctigw.errors import ConfigurationError
from ctigw.wire import catalogue
from ctigw.wire.layout import ProtocolName

Order = Literal["subject", "free"]

EVERY_MESSAGE: Final = "*"
TIME_TYPE: Final = "TIME"
DURATIONS: Final = frozenset({"StateDuration", "Duration", "AtcStateDuration", "EstimatedWaitTime"})
"""Fields that count time without being of the type for it."""

_KEYS: Final = ("built_in", "order", "ignore", "fields")


@attrs.frozen
class Mask:
    """What a comparison passes over."""

    built_in: bool = True
    """Times and durations may differ."""
    order: Order = "subject"
    """subject: messages about the same task, dialogue or agent come in the captured order, except after requests that
    were sent together; free: in any order."""
    ignore: frozenset[str] = frozenset()
    """Messages as "cti.NAME" that are not compared."""
    fields: Mapping[str, frozenset[str]] = attrs.field(factory=dict)
    """Message, or "*" -> fields and floating fields whose value may differ."""

    def passes_over(self, message: str, field: str, type_name: str | None) -> bool:
        """Whether the value of a field may differ. `message` is as in `ignore`."""
        if self.built_in and (type_name == TIME_TYPE or field in DURATIONS):
            return True
        return field in self.fields.get(message, ()) or field in self.fields.get(EVERY_MESSAGE, ())


def read_mask(text: str, file: str) -> Mask:
    """The mask in the text of a mask file. Raises `ConfigurationError` with file, key, value and what is allowed."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"is not TOML: {error}", file=file) from None
    for key, value in document.items():
        if key not in _KEYS:
            raise _wrong(file, key, value, ", ".join(_KEYS))
    built_in, order = document.get("built_in", True), document.get("order", "subject")
    ignore, fields = document.get("ignore", []), document.get("fields", {})
    if not isinstance(built_in, bool):
        raise _wrong(file, "built_in", built_in, "true, false")
    if order not in ("subject", "free"):
        raise _wrong(file, "order", order, "subject, free")
    if not isinstance(fields, dict):
        raise _wrong(file, "fields", fields, "a table of messages")
    for message in fields:
        if message != EVERY_MESSAGE:
            _known_message(file, "fields", message)
    masked = {message: _names(file, message, names) for message, names in fields.items()}
    ignored = _names(file, "ignore", ignore)
    for message in sorted(ignored):
        _known_message(file, "ignore", message)
    return Mask(built_in, order, ignored, masked)


def _wrong(file: str, key: str, value: object, allowed: str) -> ConfigurationError:
    return ConfigurationError("is no mask", file=file, key=key, value=value, allowed=allowed)


def _names(file: str, key: str, value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _wrong(file, key, value, "a list of names")
    return frozenset(value)


def _known_message(file: str, key: str, message: str) -> None:
    protocol, _, name = message.partition(".")
    protocols: dict[str, ProtocolName] = {"mr": "mr", "cti": "cti"}
    try:
        catalogue.lookup(protocols[protocol], name)
    except KeyError:
        raise _wrong(file, key, message, "mr.NAME or cti.NAME of a message of the protocol tables") from None
