"""Records as JSON that a person reads.

Knows the shape of records; must not know any single one. Names are those of the engine's classes and fields; an id of a
task is `[day, key, sequence]` and bytes are `hex:` as in the JSON form of frames (decisions B1).
"""

from enum import Enum
from typing import Any

import attrs

from ctigw.routing.inputs import TaskId

Json = Any  # what the json module writes


def readable(value: object) -> Json:
    """A record as an object that begins with its class, the values in it by their kinds."""
    if attrs.has(type(value)):
        return {"type": type(value).__name__, **_fields(value)}
    return _plain(value)


def _fields(record: Any) -> dict[str, Json]:  # noqa: ANN401 - any record
    return {field.name: _plain(getattr(record, field.name)) for field in attrs.fields(type(record))}


def _plain(value: object) -> Json:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, bytes):
        return f"hex:{value.hex()}"
    if isinstance(value, TaskId):
        return list(value)
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        return [*map(_plain, value)] if names is None else dict(zip(names, map(_plain, value), strict=True))
    return _fields(value) if attrs.has(type(value)) else value
