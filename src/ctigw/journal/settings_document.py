"""The settings that decisions were made by, as a document of the journal.

Knows settings classes by their type hints, as `ctigw.config.convert` does; must not know single keys. A journal is
rebuilt under the settings of its time: a fact may name an agent whom today's configuration has no more (decisions F1).
What was checked when the configuration was loaded is not checked again.
"""

import typing
from typing import Any

import attrs
import msgspec

from ctigw.config.convert import key_types, optional_of
from ctigw.config.routing import RoutingSettings
from ctigw.errors import JournalVersionError


def settings_document(settings: RoutingSettings) -> bytes:
    """Everything that decisions depend on besides the state, as JSON; equal settings give equal bytes."""
    return msgspec.json.encode(settings, order="sorted")


def settings_of(document: bytes) -> RoutingSettings:
    """The inverse. JournalVersionError when this version does not know what is in it."""
    try:
        made: RoutingSettings = _made(RoutingSettings, msgspec.json.decode(document), "settings")
    except (msgspec.DecodeError, TypeError, ValueError) as error:
        raise JournalVersionError(f"settings kept in the journal: {error}") from error
    return made


def _made(hint: Any, value: Any, place: str) -> Any:  # noqa: ANN401 - any annotation, and a value of it
    if value is None:
        return None
    hint = optional_of(hint) or hint
    if attrs.has(hint):
        if not isinstance(value, dict):
            raise ValueError(f"{place} is no table")
        hints = key_types(hint)
        unknown = [name for name in value if name not in hints]
        if unknown:
            raise ValueError(f"{place}.{unknown[0]} is a key that this version does not know")
        return hint(**{name: _made(hints[name], each, f"{place}.{name}") for name, each in value.items()})
    if typing.get_origin(hint) is tuple:
        member = typing.get_args(hint)[0]
        return tuple(_made(member, each, place) for each in value)
    return float(value) if hint is float else value
