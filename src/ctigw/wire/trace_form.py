"""Frames as the text of a CCE PIM log.

Knows how that log prints a message: integers in decimal and hexadecimal, triples with colons, "Undefined" for nobody,
an ECC variable on two lines. CTI messages are printed in the same style. Must not know where the text goes. Rules:
mr-wire (f) and the last paragraph of (g), design 7 (a password never reaches a trace).
"""

from collections.abc import Iterator
from typing import Final

from ctigw.wire.codec import AnyMessage, Codec
from ctigw.wire.frame import HEADER_BYTES
from ctigw.wire.layout import FieldRow, FloatRow, MessageRow
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

_INDENT: Final = "   "
_HIDDEN: Final = "***"
_SECRET: Final = "Password"
"""Floating fields with this word in their name are not printed."""

_DIRECTIONS: Final = {
    "application->pim": "Application->PG",
    "pim->application": "PG->Application",
    "client->server": "Client->Server",
    "server->client": "Server->Client",
}
"""Direction of the tables -> direction of the log. Who opens an MR session, and who sends what goes both ways, is
unknown."""

_HEX_DIGITS: Final = {"B": 2, "b": 2, "H": 4, "h": 4, "I": 8, "i": 8}


def to_trace(codec: Codec, message: AnyMessage, length: int, way: str | None = None) -> str:
    """The lines of a decoded frame, each ended. `length` is its MessageLength; `way` says who sent it to whom."""
    return "".join(f"{line}\n" for line in _lines(codec, message, length, way))


def _lines(codec: Codec, message: AnyMessage, length: int, way: str | None) -> Iterator[str]:
    total = f"Length = {length + HEADER_BYTES} bytes"
    if isinstance(message, UnknownMessage):
        number = str(message.type) if message.subtype is None else f"{message.type}/{message.subtype}"
        yield _heading(codec, way)
        yield f"Message = unknown type {number}; {total}"
        yield f"{_INDENT}Body: hex:{message.body.hex()}"
        return
    row = codec.row_of(message)
    yield _heading(codec, way or _DIRECTIONS.get(row.direction))
    yield f"Message = {row.name}; {total}"
    if isinstance(message, BodyOnly):
        yield f"{_INDENT}Body: hex:{message.body.hex()}"
        return
    for field in row.fields_in(codec.version):
        yield f"{_INDENT}{field.name} = {_fixed(codec, field, getattr(message, field.attribute))}"
    if isinstance(message, FieldMessage):
        yield from _floating(codec, row, message)


def _heading(codec: Codec, way: str | None) -> str:
    return f"Trace: {way}:" if way else f"Trace: {codec.protocol.upper()}:"


def _fixed(codec: Codec, field: FieldRow, value: object) -> str:
    if isinstance(value, TaskId):
        return ":".join(map(str, value))
    if isinstance(value, AgentRef):
        return _agent(value)
    number = value if isinstance(value, int) else 0
    digits = _HEX_DIGITS[codec.rows.type(field.type).code]
    return f"({number:d}) Hex {number & (16**digits - 1):0{digits}x}"


def _agent(agent: AgentRef) -> str:
    if agent == AgentRef(0, -1, -1, -1):
        return "Undefined"
    kind, target, peripheral, number = agent
    return f"Kind {kind}, SkillTargetID {target}, PeripheralID {peripheral}, PeripheralNumber {number}"


def _floating(codec: Codec, row: MessageRow, message: FieldMessage) -> Iterator[str]:
    floats = {known.tag: known for known in codec.rows.floats_of(row) if known.min_version <= codec.version}
    names = {value.ecc_tag: value.name for _, value in message.floating if isinstance(value, EccName)}
    printed: int | None = None  # EccTag whose name is on the line above
    for tag, value in message.floating:
        if isinstance(value, EccValue | EccArray) and printed != value.ecc_tag:
            yield f"{_INDENT}ECC Variable Name: {_safe(names.get(value.ecc_tag, f'tag {value.ecc_tag}'))}"
        printed = value.ecc_tag if isinstance(value, EccName | EccArray) else None
        yield from (_INDENT + line for line in _float_lines(floats.get(tag), tag, value))


def _float_lines(row: FloatRow | None, tag: int, value: FloatValue) -> Iterator[str]:
    name = row.name if row is not None else f"Tag {tag}"
    match value:
        case _ if _SECRET in name:
            yield f"{name}: {_HIDDEN}"
        case EccName():
            yield f"ECC Variable Name: {_safe(value.name)}"
        case EccValue():
            yield f"Value: {_safe(value.value)}"
        case EccArray():
            yield f"Value[{value.index}]: {_safe(value.value)}"
        case NamedVariable():
            yield f"ECC Variable Name: {_safe(value.name)}"
            yield f"Value: {_safe(value.value)}"
        case NamedArray():
            yield f"ECC Variable Name: {_safe(value.name)}"
            yield f"Value[{value.index}]: {_safe(value.value)}"
        case TaskId():
            yield f"{name}: {':'.join(map(str, value))}"
        case bytes():
            yield f"{name}: hex:{value.hex()}"
        case str():
            yield f"{name}: {_safe(value)}"
        case list():
            yield f"{name}: {', '.join(map(str, value))}"
        case int():
            yield f"{name}: {value:d}"
        case AgentRef():
            yield f"{name}: {_agent(value)}"


def _safe(text: str) -> str:
    """One printable line: a peer must not be able to forge lines or send escape sequences to a terminal."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
