"""Messages to bytes and back, with plain `struct`.

Knows: header, integers, texts, floating fields, ECC and named variables, and how they differ between MR, CTI below
version 20 (one-byte tags) and CTI from version 20 on (two-byte tags). Must not know: sessions, scenarios, the gateway.
Rules: mr-wire.md (g) and mr.toml; cti-notes.md "Framing".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from emulator.messages import BY_NAME, BY_NUMBER, CTI, MR, SHORT_FAILURE_CONF, TASK_CONTROL, Field, Row, fields_of

Value = int | str | bytes | list["Value"] | dict[str, "Value"]
"""A field's value. TASKID is a list of three, AGENTREF and the ECC and named forms are dicts."""

HEADER_BYTES = 8
TWO_BYTE_TAGS_SINCE = 20
"""First CTI version whose floating fields have two-byte tags and lengths."""
SHORT_FAILURE_BYTES = 8
ONE_BYTE_TAG_LIMIT = 255

UNKNOWN = "TYPE_"
"""Begins the name of a message by its number: its body is one field, Body."""
TASK_KEY = "TaskKey"
TASK_KEY_PARTS = ("RouterCallKeyDay", "RouterCallKeyCallID", "RouterCallKeySequenceNumber")

_PLAIN = {"U": ">I", "I": ">i", "H": ">H", "C": ">B"}
_SIZES = {"U": 4, "I": 4, "H": 2, "C": 1, "T": 12, "R": 16}
_LISTS = {"L": "U", "M": "H"}
_MASKS = {"U": 0xFFFFFFFF, "H": 0xFFFF, "C": 0xFF}
_AGENT_PARTS = ("Kind", "SkillTargetID", "PeripheralID", "PeripheralNumber")
NO_TASK: list[Value] = [-1, -1, -1]
NO_AGENT: dict[str, Value] = {"Kind": 0, "SkillTargetID": -1, "PeripheralID": -1, "PeripheralNumber": -1}


class CodecError(Exception):
    """A message that cannot be written as asked, or bytes that cannot be read."""


def text_of(value: Value) -> str:
    """A value as a person reads it: task ids a:b:c, bytes in hex."""
    if isinstance(value, list):
        return ":".join(text_of(member) for member in value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} {text_of(member)}" for key, member in value.items()) + "}"
    return value.hex() if isinstance(value, bytes) else str(value)


def number_in(table: dict[str, Value], key: str) -> int:
    """A number in a table; CodecError when there is none."""
    value = table.get(key)
    if not isinstance(value, int):
        raise CodecError(f"{key} is no number: {value!r}")
    return value


@dataclass(slots=True)
class Message:
    """One decoded or to be encoded message; `floating` keeps the wire order. `name` is TYPE_n for an unknown number."""

    protocol: str
    name: str
    fields: dict[str, Value] = field(default_factory=dict)
    floating: list[tuple[str, Value]] = field(default_factory=list)

    def find(self, name: str) -> list[Value]:
        """All values of a field: the fixed one, or every floating field of that name in order.

        ``TaskKey`` is the task id that pre-call messages carry in three floating fields.
        """
        if name in self.fields:
            return [self.fields[name]]
        if name == TASK_KEY:
            parts = [self.find(part) for part in TASK_KEY_PARTS]
            return [[part[0] for part in parts]] if all(parts) else []
        return [value for known, value in self.floating if known == name]

    def number(self, name: str) -> int:
        """An integer field; CodecError when the message lacks it."""
        for value in self.find(name):
            if isinstance(value, int):
                return value
        raise CodecError(f"{self.name} has no number {name}")

    def text(self, name: str) -> str:
        """A text field, empty when the message lacks it."""
        return next((value for value in self.find(name) if isinstance(value, str)), "")

    def named(self) -> dict[str, str]:
        """ECC variables (MR) or named variables (CTI) by name; array elements as ``name[index]``."""
        ecc = [value for value in self.find("EccName") if isinstance(value, dict)]
        names = {number_in(value, "EccTag"): text_of(value["Name"]) for value in ecc}
        found = dict.fromkeys(names.values(), "")
        for kind in ("EccValue", "EccArray", "NamedVariable", "NamedArray"):
            for value in self.find(kind):
                if isinstance(value, dict):
                    by_tag = "EccTag" in value
                    name = names.get(number_in(value, "EccTag"), "") if by_tag else text_of(value["Name"])
                    key = f"{name}[{number_in(value, 'Index')}]" if "Index" in value else name
                    found[key] = text_of(value["Value"])
        return found


def _text(value: Value) -> bytes:
    if not isinstance(value, str):
        raise CodecError(f"a text is needed, not {value!r}")
    return bytes.fromhex(value[4:]) if value.startswith("hex:") else value.encode("latin-1")


def _integer(kind: str, value: Value) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int):
        raise CodecError(f"a number is needed, not {value!r}")
    # -1 stands for NULL in unsigned fields, as the references print it.
    number = value & _MASKS[kind] if kind in _MASKS and value == -1 else value
    try:
        return struct.pack(_PLAIN[kind], number)
    except struct.error as error:
        raise CodecError(f"{value} does not fit its field") from error


def _parts(value: Value, count: int) -> list[int]:
    if not isinstance(value, list) or len(value) != count:
        raise CodecError(f"{count} numbers are needed, not {value!r}")
    try:
        return [part if isinstance(part, int) else int(text_of(part)) for part in value]
    except ValueError as error:
        raise CodecError(f"numbers are needed, not {value!r}") from error


def _member(value: Value, name: str) -> Value:
    if not isinstance(value, dict) or name not in value:
        raise CodecError(f"a table with {name} is needed, not {value!r}")
    return value[name]


def pack(kind: str, value: Value, protocol: str) -> bytes:
    """One value of the given type; CodecError when it does not fit."""
    if kind in _PLAIN:
        return _integer(kind, value)
    if kind == "T":
        return struct.pack(">3i", *_parts(value, 3))
    if kind == "R":
        return b"".join(_integer("U" if name == "Kind" else "I", _member(value, name)) for name in _AGENT_PARTS)
    if kind == "S":
        return _text(value) + (b"\0" if protocol == CTI else b"")
    if kind == "X":
        return value if isinstance(value, bytes) else _text(value)
    if kind in _LISTS:
        return b"".join(_integer(_LISTS[kind], member) for member in (value if isinstance(value, list) else [value]))
    if kind in "NWY":
        head = _integer("U", _member(value, "EccTag"))
        index = _integer("C", _member(value, "Index")) if kind == "Y" else b""
        return head + index + _text(_member(value, "Name" if kind == "N" else "Value"))
    index = _integer("C", _member(value, "Index")) if kind == "A" else b""
    return index + _text(_member(value, "Name")) + b"\0" + _text(_member(value, "Value")) + b"\0"


def _read_text(data: bytes) -> str:
    return data.removesuffix(b"\0").decode("latin-1")


def unpack(kind: str, data: bytes) -> Value:
    """One value of the given type; CodecError when the bytes do not fit it."""
    if kind in _SIZES and len(data) != _SIZES[kind]:
        raise CodecError(f"{len(data)} bytes where {_SIZES[kind]} belong")
    if kind in _PLAIN:
        number: int = struct.unpack(_PLAIN[kind], data)[0]
        return number
    if kind == "T":
        return [*struct.unpack(">3i", data)]
    if kind == "R":
        return dict(zip(_AGENT_PARTS, struct.unpack(">I3i", data), strict=True))
    if kind == "S":
        return _read_text(data)
    if kind == "X":
        return data
    if kind in _LISTS:
        form = _PLAIN[_LISTS[kind]]
        if len(data) % struct.calcsize(form):
            raise CodecError(f"{len(data)} bytes are no whole numbers of {struct.calcsize(form)}")
        return [number for (number,) in struct.iter_unpack(form, data)]
    if kind in "NWY":
        head = 5 if kind == "Y" else 4
        if len(data) < head:
            raise CodecError("an ECC field is shorter than its tag")
        ecc: dict[str, Value] = {"EccTag": struct.unpack_from(">I", data)[0]}
        if kind == "Y":
            ecc["Index"] = data[4]
        ecc["Name" if kind == "N" else "Value"] = _read_text(data[head:])
        return ecc
    return _read_named(kind, data)


def _read_named(kind: str, data: bytes) -> Value:
    start = 1 if kind == "A" else 0
    name, separator, rest = data[start:].partition(b"\0")
    if not separator or len(data) <= start:
        raise CodecError("a named variable without the NUL after its name")
    named: dict[str, Value] = {"Index": data[0]} if kind == "A" else {}
    named["Name"] = name.decode("latin-1")
    named["Value"] = _read_text(rest)
    return named


def _floating_head(protocol: str, version: int) -> struct.Struct:
    return struct.Struct(">HH" if protocol == CTI and version >= TWO_BYTE_TAGS_SINCE else ">BB")


def _default(kind: str) -> Value:
    nothing: dict[str, Value] = {"T": NO_TASK, "R": NO_AGENT, "X": ""}
    return nothing.get(kind, 0)


def row_of(protocol: str, name: str) -> Row:
    """The table's row, or that of TYPE_n with its Body; CodecError for a name that it does not know."""
    row = BY_NAME.get((protocol, name))
    if row is None:
        number = name.removeprefix(UNKNOWN)
        if number != name and number.isdecimal():
            return Row(protocol, int(number), None, name, (Field("Body", "X", 0),), {})
        raise CodecError(f"no {protocol} message is called {name}")
    return row


def _layout(row: Row, version: int, names: set[str]) -> tuple[Field, ...]:
    """The fixed fields of this version; FAILURE_CONF takes its short form when Status is named."""
    if row.protocol == CTI and row.name == "FAILURE_CONF" and "Status" in names:
        return fields_of(SHORT_FAILURE_CONF)
    return tuple(entry for entry in row.fields if entry.since <= version or row.protocol == MR)


def encode(message: Message, version: int) -> bytes:
    """A whole frame with header. Fixed fields not given are 0 (task ids, agents: none). CodecError names the field."""
    row = row_of(message.protocol, message.name)
    body = bytearray()
    if row.subtype is not None:
        body += struct.pack(">I", row.subtype)
    layout = _layout(row, version, set(message.fields))
    strangers = set(message.fields) - {entry.name for entry in row.fields} - {entry.name for entry in layout}
    if strangers:
        raise CodecError(f"{row.name} has no field {sorted(strangers)[0]}")
    for entry in layout:
        try:
            body += pack(entry.kind, message.fields.get(entry.name, _default(entry.kind)), row.protocol)
        except CodecError as error:
            raise CodecError(f"{row.name} {entry.name}: {error}") from error
    head = _floating_head(row.protocol, version)
    tags = {name: (tag, kind) for tag, (name, kind) in row.tags.items()}
    for name, value in message.floating:
        if name not in tags:
            raise CodecError(f"{row.name} has no field {name}")
        tag, kind = tags[name]
        data = pack(kind, value, row.protocol)
        try:
            body += head.pack(tag, len(data)) + data
        except struct.error as error:
            raise CodecError(f"{row.name} {name}: tag {tag} with {len(data)} bytes has no place here") from error
    return struct.pack(">II", len(body), row.number) + bytes(body)


def decode(protocol: str, version: int, number: int, body: bytes) -> Message:
    """A message from its body. An unknown number gives TYPE_n with the body as ``Body``. CodecError names the field."""
    subtype: int | None = None
    offset = 0
    if protocol == MR and number == TASK_CONTROL and len(body) >= 4:
        subtype = struct.unpack_from(">I", body)[0]
        offset = 4
    row = BY_NUMBER.get((protocol, number, subtype))
    if row is None:
        return Message(protocol, f"{UNKNOWN}{number}", {"Body": body})
    short = protocol == CTI and row.name == "FAILURE_CONF" and len(body) == SHORT_FAILURE_BYTES
    message = Message(protocol, row.name)
    for entry in _layout(row, version, {"Status"} if short else set()):
        size = _SIZES[entry.kind]
        if offset + size > len(body):
            raise CodecError(f"{row.name} ends inside {entry.name}")
        message.fields[entry.name] = unpack(entry.kind, body[offset : offset + size])
        offset += size
    _read_floating(message, row, body, offset, _floating_head(protocol, version))
    return message


def _read_floating(message: Message, row: Row, body: bytes, offset: int, head: struct.Struct) -> None:
    while offset < len(body):
        if offset + head.size > len(body):
            raise CodecError(f"{row.name} ends inside a tag at {offset}")
        tag, length = head.unpack_from(body, offset)
        offset += head.size
        if offset + length > len(body):
            raise CodecError(f"{row.name} ends inside tag {tag}")
        name, kind = row.tags.get(tag, (f"TAG_{tag}", "X"))
        try:
            message.floating.append((name, unpack(kind, body[offset : offset + length])))
        except CodecError as error:
            raise CodecError(f"{row.name} {name}: {error}") from error
        offset += length


def build(protocol: str, name: str, values: dict[str, Value], named: dict[str, str] | None = None) -> Message:
    """A message from plain names: fixed or floating is looked up, and variables become ECC or named variables."""
    row = row_of(protocol, name)
    fixed = {entry.name for entry in row.fields}
    if protocol == CTI and name == "FAILURE_CONF":
        fixed.add("Status")
    message = Message(protocol, name)
    kinds = dict(row.tags.values())
    for key, value in values.items():
        if key in fixed:
            message.fields[key] = value
        elif isinstance(value, list) and kinds.get(key) not in _LISTS and not _is_task_id(kinds.get(key), value):
            message.floating.extend((key, member) for member in value)
        else:
            message.floating.append((key, value))
    for ecc_tag, (key, text) in enumerate((named or {}).items(), start=1):
        if protocol == MR:
            message.floating += [("EccName", {"EccTag": ecc_tag, "Name": key})]
            message.floating += [("EccValue", {"EccTag": ecc_tag, "Value": text})]
        else:
            message.floating.append(("NamedVariable", {"Name": key, "Value": text}))
    for count, member in (("NumNamedVariables", "NamedVariable"), ("NumNamedArrays", "NamedArray")):
        if count in fixed and count not in message.fields:
            message.fields[count] = len([key for key, _ in message.floating if key == member])
    return message


def _is_task_id(kind: str | None, value: list[Value]) -> bool:
    return kind == "T" and not isinstance(value[0] if value else None, list)


class Splitter:
    """Cuts a byte stream into (number, body); no limit is enforced here, the peer under test is not hostile."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """All frames that are complete with these bytes."""
        self._buffer += data
        frames = []
        offset = 0
        while len(self._buffer) - offset >= HEADER_BYTES:
            length, number = struct.unpack_from(">II", self._buffer, offset)
            end = offset + HEADER_BYTES + length
            if len(self._buffer) < end:
                break
            frames.append((number, bytes(self._buffer[offset + HEADER_BYTES : end])))
            offset = end
        del self._buffer[:offset]
        return frames

    def pending(self) -> bytes:
        """Bytes of a frame that has not ended yet."""
        return bytes(self._buffer)
