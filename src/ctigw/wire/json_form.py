"""Frames as JSON objects and back, byte for byte.

Knows the JSON form: order of keys, plain values, `hex:` for whatever a plain value would not bring back. Field names
are those of the protocol tables. Must not know files or the command line. Rules: design 5, decisions B1 to B4 and B6.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ctigw.errors import EncodeError
from ctigw.wire.build import compound_of, member_index
from ctigw.wire.codec import CTI_VERSION, MR_VERSION, AnyMessage, Codec, cti_codec, mr_codec
from ctigw.wire.layout import NAMED_ARRAY, NAMED_VARIABLE, OPAQUE, TEXT, FieldRow, FloatRow, MessageRow
from ctigw.wire.message import BodyOnly, FieldMessage, UnknownMessage
from ctigw.wire.values import (
    AgentRef,
    EccArray,
    EccName,
    EccValue,
    FloatValue,
    NamedArray,
    NamedVariable,
    TaskId,
)

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

HEX: Final = "hex:"
"""Opens a text that holds bytes as hexadecimal digits."""

_CODECS: Final[Mapping[str, tuple[Callable[[int], Codec], int]]] = {
    "mr": (mr_codec, MR_VERSION),
    "cti": (cti_codec, CTI_VERSION),
}
_TASK_ID_MEMBERS: Final = 3
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    NAMED_VARIABLE: ("Name", "Value"),
    NAMED_ARRAY: ("Index", "Name", "Value"),
}
"""Members of the types that no table spells out."""


# ---- to JSON


def to_json(codec: Codec, message: AnyMessage, length: int) -> dict[str, Json]:
    """The JSON object of a decoded frame; `length` is its MessageLength (bytes after the header)."""
    head: dict[str, Json] = {"protocol": codec.protocol, "version": codec.version}
    if isinstance(message, UnknownMessage):
        head["type"] = message.type
        if codec.protocol == "mr":
            head["subtype"] = message.subtype
        return head | {"name": None, "length": length, "body": _hex(message.body)}
    row = codec.row_of(message)
    head["type"] = row.number
    if codec.protocol == "mr":
        head["subtype"] = row.subtype
    head |= {"name": row.name, "length": length}
    if isinstance(message, BodyOnly):
        return head | {"body": _hex(message.body)}
    fields = row.fields_in(codec.version)
    head["fields"] = {field.name: _fixed(codec, field, getattr(message, field.attribute)) for field in fields}
    floats = _known_floats(codec, row)
    floating = message.floating if isinstance(message, FieldMessage) else []
    head["floating"] = [_floating(codec, floats.get(tag), tag, value) for tag, value in floating]
    return head


def error_json(problem: str, message: str | None, field: str | None, offset: int) -> dict[str, Json]:
    """The object that stands in the place of a malformed frame (design 5)."""
    return {"error": problem, "message": message, "field": field, "offset": offset}


def _known_floats(codec: Codec, row: MessageRow) -> dict[int, FloatRow]:
    return {known.tag: known for known in codec.rows.floats_of(row) if known.min_version <= codec.version}


def _hex(data: bytes) -> str:
    return HEX + data.hex()


def _fixed(codec: Codec, field: FieldRow, value: object) -> Json:
    if isinstance(value, TaskId):
        return list(value)
    if isinstance(value, AgentRef):
        return {name: value[member_index(field.type, name)] for name, _ in codec.rows.type(field.type).members}
    return int(value) if isinstance(value, int) else None


def _floating(codec: Codec, row: FloatRow | None, tag: int, value: FloatValue) -> dict[str, Json]:
    return {"tag": tag, "name": row.name if row is not None else None, "value": _value(codec, row, value)}


def _value(codec: Codec, row: FloatRow | None, value: FloatValue) -> Json:
    if isinstance(value, bytes):
        return _hex(value)
    if isinstance(value, str):
        if not value.startswith(HEX):
            return value
        return _hex(value.encode("latin-1") + (b"\0" if codec.rows.text_ends_with_nul else b""))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, list):
        return [*value]
    if isinstance(value, TaskId) or row is None:
        return list(value)
    return dict(zip(_member_names(codec, row), value, strict=True))


def _member_names(codec: Codec, row: FloatRow) -> tuple[str, ...]:
    return _MEMBERS.get(row.type) or tuple(name for name, _ in codec.rows.type(row.type).members)


# ---- from JSON


def frame_from_json(entry: Json) -> bytes:
    """The frame of a JSON object, header included. `length` is ignored; `version` counts (decisions B6).

    Raises `EncodeError` that names the missing or wrong key.
    """
    if not isinstance(entry, dict):
        raise _wrong(None, None, "needs a JSON object")
    if "error" in entry and "protocol" not in entry:
        raise _wrong(None, None, "is the report of a malformed frame, not a frame")
    codec = _codec(entry)
    number, subtype = _number(entry, "type"), _number(entry, "subtype")
    name = entry.get("name")
    if name is None:
        if number is None:
            raise _wrong(None, "type", "is missing")
        return codec.encode(UnknownMessage(number, subtype, _body(entry, None)))
    row = _row(codec, name, number, subtype, entry)
    if not row.layout:
        return codec.encode(codec.class_of(row)(_body(entry, row.name)))
    fields = _fields(codec, row, entry)
    return codec.encode(codec.class_of(row)(**fields, floating=_floats(codec, row, entry)))


def _wrong(message: str | None, field: str | None, problem: str) -> EncodeError:
    return EncodeError(message=message, field=field, offset=0, problem=problem)


def _codec(entry: Mapping[str, Json]) -> Codec:
    protocol = entry.get("protocol")
    if not isinstance(protocol, str) or protocol not in _CODECS:
        raise _wrong(None, "protocol", "is missing" if protocol is None else f"{protocol!r} is neither mr nor cti")
    make, newest = _CODECS[protocol]
    version = entry.get("version", newest)
    if not isinstance(version, int) or isinstance(version, bool):
        raise _wrong(None, "version", "needs a number")
    try:
        return make(version)
    except ValueError as error:
        raise _wrong(None, "version", str(error)) from None


def _number(entry: Mapping[str, Json], key: str) -> int | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 0xFFFFFFFF:
        raise _wrong(None, key, "needs a number from 0 to 4294967295")
    return value


def _body(entry: Mapping[str, Json], message: str | None) -> bytes:
    body = entry.get("body")
    if body is None:
        raise _wrong(message, "body", "is missing")
    found = _bytes(body)
    if found is None:
        raise _wrong(message, "body", 'needs a text like "hex:00ff"')
    return found


def _bytes(value: Json) -> bytes | None:
    """The bytes of a `hex:` text; None for everything else."""
    if not isinstance(value, str) or not value.startswith(HEX):
        return None
    try:
        return bytes.fromhex(value.removeprefix(HEX))
    except ValueError:
        return None


def _row(codec: Codec, name: Json, number: int | None, subtype: int | None, entry: Mapping[str, Json]) -> MessageRow:
    """The row of that name; of two layouts the one whose fields are given."""
    rows = [row for row in codec.rows.messages if row.name == name]
    if not rows:
        raise _wrong(None, "name", f"{name!r} is no {codec.protocol} message")
    first = rows[0]
    if number not in (None, first.number):
        raise _wrong(first.name, "type", f"is {first.number}, not {number}")
    if subtype not in (None, first.subtype):
        raise _wrong(first.name, "subtype", f"is {first.subtype}, not {subtype}")
    fields = entry.get("fields")
    given = set(fields) if isinstance(fields, dict) else set()
    return max(rows, key=lambda row: len(given & {field.name for field in row.fields}))


def _fields(codec: Codec, row: MessageRow, entry: Mapping[str, Json]) -> dict[str, int | TaskId | AgentRef]:
    given = entry.get("fields", {})
    if not isinstance(given, dict):
        raise _wrong(row.name, "fields", "needs a JSON object")
    names = {field.name for field in row.fields}
    for name in given:
        if name not in names:
            raise _wrong(row.name, name, "is no field of the fixed part")
    values: dict[str, int | TaskId | AgentRef] = {}
    for field in row.fields:
        if field.min_version > codec.version:
            values[field.attribute] = 0 if codec.rows.type(field.type).code else compound_of(field.type, {})
        elif field.name not in given:
            raise _wrong(row.name, field.name, "is missing")
        else:
            values[field.attribute] = _fixed_value(codec, row, field, given[field.name])
    return values


def _fixed_value(codec: Codec, row: MessageRow, field: FieldRow, value: Json) -> int | TaskId | AgentRef:
    kind = codec.rows.type(field.type)
    if kind.code:
        if isinstance(value, int):
            return int(value)
        raise _wrong(row.name, field.name, "needs a number")
    if field.type == "TASKID":
        return _task_id(row, field.name, value)
    return compound_of(field.type, _integers(row, field.name, value, [name for name, _ in kind.members]))


def _task_id(row: MessageRow, field: str, value: Json) -> TaskId:
    if isinstance(value, list) and len(value) == _TASK_ID_MEMBERS:
        day, key, sequence = value
        if isinstance(day, int) and isinstance(key, int) and isinstance(sequence, int):
            return TaskId(day, key, sequence)
    raise _wrong(row.name, field, "needs a list of three numbers")


def _integers(row: MessageRow, field: str, value: Json, names: list[str]) -> dict[str, int]:
    if not isinstance(value, dict):
        raise _wrong(row.name, field, f"needs an object with {', '.join(names)}")
    found: dict[str, int] = {}
    for name in names:
        member = value.get(name)
        if not isinstance(member, int):
            raise _wrong(row.name, f"{field}.{name}", "is missing" if member is None else "needs a number")
        found[name] = member
    return found


def _floats(codec: Codec, row: MessageRow, entry: Mapping[str, Json]) -> list[tuple[int, FloatValue]]:
    given = entry.get("floating", [])
    if not isinstance(given, list):
        raise _wrong(row.name, "floating", "needs a list")
    known = _known_floats(codec, row)
    all_floats = codec.rows.floats_of(row)
    floats: list[tuple[int, FloatValue]] = []
    for item in given:
        if not isinstance(item, dict):
            raise _wrong(row.name, "floating", "needs objects with tag, name and value")
        tag, name = _number(item, "tag"), item.get("name")
        if tag is None:
            tag = next((each.tag for each in all_floats if each.name == name), None)
            if tag is None:
                raise _wrong(row.name, "floating", f"tag is missing, and {name!r} is no floating field of the message")
        found = known.get(tag)
        if name is not None and found is not None and found.name != name:
            raise _wrong(row.name, "floating", f"tag {tag} is {found.name}, not {name}")
        if "value" not in item:
            raise _wrong(row.name, found.name if found is not None else f"tag {tag}", "value is missing")
        floats.append((tag, _float_value(codec, row, found, tag, item["value"])))
    return floats


def _float_value(codec: Codec, row: MessageRow, known: FloatRow | None, tag: int, value: Json) -> FloatValue:
    raw = _bytes(value)
    if raw is not None:
        return raw
    if known is None:
        newer = next((each for each in codec.rows.floats_of(row) if each.tag == tag), None)
        if newer is not None:
            return 0  # typed, so that the codec leaves it out in this version (decisions A3)
        raise _wrong(row.name, f"tag {tag}", 'is unknown, so its value needs a text like "hex:00ff"')
    if known.type == TEXT and isinstance(value, str) and not value.startswith(HEX):
        return value
    if known.type in (TEXT, OPAQUE):
        raise _wrong(row.name, known.name, 'needs a text; bytes are written as "hex:00ff"')
    if known.array is not None:
        if isinstance(value, list) and all(isinstance(member, int) for member in value):
            return [int(member) for member in value if isinstance(member, int)]
        raise _wrong(row.name, known.name, "needs a list of numbers")
    if known.type == "TASKID":
        return _task_id(row, known.name, value)
    if known.type not in _MEMBERS and codec.rows.type(known.type).code:
        if isinstance(value, int):
            return int(value)
        raise _wrong(row.name, known.name, "needs a number")
    return _compound(codec, row, known, value)


def _compound(codec: Codec, row: MessageRow, known: FloatRow, value: Json) -> FloatValue:
    names = _member_names(codec, known)
    if not isinstance(value, dict):
        raise _wrong(row.name, known.name, f"needs an object with {', '.join(names)}")
    texts: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for name in names:
        member = value.get(name)
        if name in ("Name", "Value") and isinstance(member, str):
            texts[name] = member
        elif name not in ("Name", "Value") and isinstance(member, int):
            numbers[name] = member
        else:
            problem = "is missing" if member is None else "has a value of another type"
            raise _wrong(row.name, f"{known.name}.{name}", problem)
    match known.type:
        case "NAMEDVAR":
            return NamedVariable(texts["Name"], texts["Value"])
        case "NAMEDARRAY":
            return NamedArray(numbers["Index"], texts["Name"], texts["Value"])
        case "ECCNAME":
            return EccName(numbers["EccTag"], texts["Name"])
        case "ECCVALUE":
            return EccValue(numbers["EccTag"], texts["Value"])
        case "ECCARRAY":
            return EccArray(numbers["EccTag"], numbers["Index"], texts["Value"])
        case _:
            return compound_of(known.type, numbers)
