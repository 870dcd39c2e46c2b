"""Settings as TOML again, every key with its effective value (decisions G1: `ctigw check --show`).

Knows settings classes as the loader does; must not know single keys. What is written loads again to the same settings.
Secrets are in files, and files are shown by name only.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from ctigw.config.convert import described, key_types, optional_of
from ctigw.config.loader import table_name
from ctigw.config.routing import RoutingSettings
from ctigw.config.settings import Settings

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def render(settings: Settings) -> str:
    """The whole configuration as one file; keys without a value stand in comments with their meaning."""
    return "\n".join(_tables(settings)) + "\n"


def _tables(settings: attrs.AttrsInstance) -> Iterator[str]:
    for name, annotation in key_types(type(settings)).items():
        value = getattr(settings, name)
        if isinstance(value, RoutingSettings):
            yield from _tables(value)
        elif isinstance(value, tuple):
            header = f"[[{table_name(name, annotation)}]]"
            for member in value:
                yield from _table(header, member)
        else:
            yield from _table(f"[{name}]", value)


def _table(header: str, settings: attrs.AttrsInstance) -> Iterator[str]:
    yield header
    hints = key_types(type(settings))
    for attribute in attrs.fields(type(settings)):
        value = getattr(settings, attribute.name)
        if value is None and attrs.has(optional_of(hints[attribute.name])):
            yield f"{attribute.name} = false"
        elif value is None:
            yield f"# {attribute.name}: not set; {described(attribute).about}"
        else:
            yield f"{attribute.name} = {_value(value)}"
    yield ""


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Path):
        return _text(str(value.absolute()))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_value(member) for member in value)}]"
    if isinstance(value, Mapping):
        return _inline(value)
    if attrs.has(type(value)):
        return _inline(attrs.asdict(value, recurse=False))  # type: ignore[arg-type]  # attrs.has says it is one
    return str(value)


def _inline(table: Mapping[str, object]) -> str:
    pairs = ", ".join(f"{_key(name)} = {_value(value)}" for name, value in table.items() if value is not None)
    return f"{{ {pairs} }}" if pairs else "{}"


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes, and DEL, which TOML wants escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
