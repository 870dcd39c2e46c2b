"""Building the decoder and the encoder of one message in one version.

Knows how a row becomes two functions: one precompiled Struct for header and fixed part, one positional construction, no
loop over fields. They are built from source text, as attrs builds its methods, because that is as fast as the same
functions written by hand (performance.md, consequence 1). On failure it looks for the field that is to blame, slowly.
Must not know frames, sessions or any particular message.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from ctigw.errors import DecodeError, EncodeError
from ctigw.wire.floating import FloatError, Join, Reader, Walk, Writer, text_reader
from ctigw.wire.layout import FieldRow, MessageRow, ProtocolRow
from ctigw.wire.message import BodyOnly, FieldMessage, Message
from ctigw.wire.values import AgentRef, TaskId

Decoder = Callable[[bytes], Message]
Encoder = Callable[[Message], bytes]

_COMPOUNDS: Final[Mapping[str, tuple[type[tuple[int, ...]], tuple[tuple[str, ...], ...], tuple[int, ...]]]] = {
    "TASKID": (
        TaskId,
        (("RouterCallKeyDay", "TaskGroupHigh"), ("RouterCallKey", "TaskGroupLow"), ("SequenceNumber",)),
        (-1, -1, -1),
    ),
    "AGENTREF": (
        AgentRef,
        (("Kind",), ("SkillTargetID",), ("PeripheralID",), ("PeripheralNumber",)),
        (0, -1, -1, -1),
    ),
}
"""Compound type -> its class, the names that tables give its members, the values of members that a table leaves out."""

_TWO_SINGLE_BYTES: Final = 2
"""Size of a floating field's tag and length that indexing reads faster than a Struct does."""

_ABSENT: Final[Mapping[object, str]] = {TaskId: "TaskId(-1, -1, -1)", AgentRef: "AgentRef(0, -1, -1, -1)"}
"""Type of an attribute -> its value in a version whose body does not have the field; 0 for all others."""


@attrs.frozen
class Tools:
    """What the functions of one codec share."""

    protocol: ProtocolRow
    version: int
    walk: Walk
    join: Join
    readers: Mapping[int, Reader]
    writers: Mapping[int, Writer]
    newer: frozenset[int]
    """Tags that only later versions have."""


def fixed_code(tools: Tools, row: MessageRow) -> str:
    """The struct code of the fixed part, without the sub-type."""
    return "".join(_field_code(tools.protocol, field) for field in row.fields_in(tools.version))


def _field_code(protocol: ProtocolRow, field: FieldRow) -> str:
    row = protocol.type(field.type)
    return row.code or "".join(protocol.type(kind).code for _, kind in row.members)


def _subtype_code(protocol: ProtocolRow, row: MessageRow) -> str:
    """The struct code of the sub-type; empty for messages that have none."""
    if row.subtype is None:
        return ""
    return protocol.type(dict(protocol.envelopes)[row.number]).code


def build(tools: Tools, row: MessageRow, message_class: type[FieldMessage]) -> tuple[Decoder, Encoder]:
    """The two functions of one message. Errors are `DecodeError` and `EncodeError`, located."""
    subtype = _subtype_code(tools.protocol, row)
    subtype_bytes = struct.calcsize(">" + subtype)
    code = fixed_code(tools, row)
    reader = struct.Struct(f">{subtype_bytes}x{code}")
    writer = struct.Struct(f">II{subtype}{code}")
    names: dict[str, Any] = {
        "unpack_from": reader.unpack_from,
        "pack": writer.pack,
        "make": message_class,
        "new": tuple.__new__,
        "TaskId": TaskId,
        "AgentRef": AgentRef,
        "no_TaskId": TaskId(*_COMPOUNDS["TASKID"][2]),
        "no_AgentRef": AgentRef(*_COMPOUNDS["AGENTREF"][2]),
        "walk": tools.walk,
        "find": tools.readers.get,
        "read_text": text_reader(tools.protocol),
        "unpack_head": struct.Struct(_float_head_code(tools)).unpack_from,
        "join": tools.join,
        "readers": tools.readers,
        "writers": tools.writers,
        "newer": tools.newer,
        "decode_failed": lambda body, error: _decode_error(tools, row, subtype_bytes, body, error),
        "encode_failed": lambda message, error: _encode_error(tools, row, subtype_bytes, message, error),
        "Failures": (struct.error, FloatError, IndexError),
        "EncodeFailures": (struct.error, FloatError, TypeError, ValueError, AttributeError, IndexError),
    }
    source = _source(tools, row, message_class, reader.size, writer.size)
    exec(compile(source, f"<{row.protocol} {row.name} version {tools.version}>", "exec"), names)
    return names["decode"], names["encode"]


def _source(tools: Tools, row: MessageRow, message_class: type[FieldMessage], size: int, frame_size: int) -> str:
    fields = {field.attribute: field for field in row.fields_in(tools.version)}
    targets: list[str] = []
    arguments = {name: _argument(tools.protocol, field, targets) for name, field in fields.items()}
    arguments["floating"] = "floating"
    made = ", ".join(arguments.get(a.name) or _ABSENT.get(a.type, "0") for a in attrs.fields(message_class))
    subtype = f", {row.subtype}" if row.subtype is not None else ""
    known = [attribute.name for attribute in attrs.fields(message_class)]
    added = known[known.index("floating") + 1 :]  # fields that only a corrected table has
    packed = "".join(f", {_packed(tools.protocol, field, field.attribute in added)}" for field in fields.values())
    return f"""
def decode(body):
    try:
        {"(" + ", ".join(targets) + ",) = " if targets else ""}unpack_from(body)
        floating = []
        if len(body) != {size}:
            end = len(body)
            offset = {size}
            while offset < end:
                {_float_head(tools)}
                offset = start + length
                data = body[start:offset]
                read = find(tag)
                if read is read_text and {_TEXT_FITS[tools.protocol.text_ends_with_nul]}:
                    floating.append((tag, {_TEXT_VALUE[tools.protocol.text_ends_with_nul]}))
                else:
                    floating.append((tag, data if read is None else read(data)))
            if offset != end:
                walk(body, {size}, readers, [])
    except Failures as error:
        raise decode_failed(body, error) from None
    return make({made})

def encode(message):
    try:
        floating = message.floating
        if not floating:
            return pack({size}, {row.number}{subtype}{packed})
        tail = join(floating, writers, newer)
        return pack({size} + len(tail), {row.number}{subtype}{packed}) + tail
    except EncodeFailures as error:
        raise encode_failed(message, error) from None
"""


_TEXT_FITS: Final = {False: "0 not in data", True: "length and not data[-1] and 0 not in (text := data[:-1])"}
_TEXT_VALUE: Final = {False: 'data.decode("latin-1")', True: 'text.decode("latin-1")'}
"""How a text ends with a NUL, or does not: most fields are texts, and a call for each costs as much as all the rest."""


def _float_head(tools: Tools) -> str:
    """Statements that read tag and length; they fail where the body ends too early."""
    size = struct.calcsize(_float_head_code(tools))
    if size == _TWO_SINGLE_BYTES:
        return "tag = body[offset]; length = body[offset + 1]; start = offset + 2"
    return f"tag, length = unpack_head(body, offset); start = offset + {size}"


def _float_head_code(tools: Tools) -> str:
    header = tools.protocol.float_header(tools.version)
    return ">" + tools.protocol.type(header.tag).code + tools.protocol.type(header.length).code


def _argument(protocol: ProtocolRow, field: FieldRow, targets: list[str]) -> str:
    """The expression that makes the attribute; adds the names that the Struct unpacks into."""
    members = protocol.type(field.type).members
    if not members:
        targets.append(field.attribute)
        return field.attribute
    made, member_names, absent = _COMPOUNDS[field.type]
    unpacked = {name: f"{field.attribute}_{index}" for index, (name, _) in enumerate(members)}
    targets.extend(unpacked.values())
    values = []
    for names, value in zip(member_names, absent, strict=True):
        found = next((unpacked[name] for name in names if name in unpacked), None)
        values.append(found or str(value))
    is_absent = " and ".join(f"{name} == {value}" for name, value in zip(values, absent, strict=True))
    # "No task" and "nobody" are what most messages say; one value stands for all of them.
    return f"(no_{made.__name__} if {is_absent} else new({made.__name__}, ({', '.join(values)})))"


def _packed(protocol: ProtocolRow, field: FieldRow, added: bool) -> str:
    """The expression that gives the Struct its values; a message made by us lacks a field that was `added`."""
    members = protocol.type(field.type).members
    if added:
        return f'getattr(message, "{field.attribute}", 0)'
    if not members:
        return f"message.{field.attribute}"
    indices = [member_index(field.type, name) for name, _ in members]
    return ", ".join(f"message.{field.attribute}[{index}]" for index in indices)


def member_index(type_name: str, member: str) -> int:
    """Where the value of a compound type of fixed parts holds a member of the wire. KeyError for an unknown one."""
    for index, names in enumerate(_COMPOUNDS[type_name][1]):
        if member in names:
            return index
    raise KeyError(member)


def compound_of(type_name: str, members: Mapping[str, int]) -> TaskId | AgentRef:
    """The value of a compound type from the members that a table gives it; the others get their value for absent."""
    made, names_of_members, absent = _COMPOUNDS[type_name]
    values = list(absent)
    for index, names in enumerate(names_of_members):
        for name in names:
            if name in members:
                values[index] = members[name]
    return TaskId(*values) if made is TaskId else AgentRef(*values)


def member_is_known(type_name: str, member: str) -> bool:
    """Whether a compound type of fixed parts has that member; True for types that only occur as floating fields."""
    compound = _COMPOUNDS.get(type_name)
    return compound is None or any(member in names for names in compound[1])


def build_body_only(tools: Tools, row: MessageRow, message_class: type[BodyOnly]) -> tuple[Decoder, Encoder]:
    """The two functions of a message without a published layout."""
    header = struct.Struct(">II")

    def decode(body: bytes) -> Message:
        return message_class(body)

    def encode(message: Message) -> bytes:
        body = message.body if isinstance(message, BodyOnly) else None
        if not isinstance(body, bytes):
            raise EncodeError(message=row.name, field="body", offset=0, problem="needs bytes")
        return header.pack(len(body), row.number) + body

    return decode, encode


# ---- who is to blame


def _decode_error(tools: Tools, row: MessageRow, offset: int, body: bytes, error: Exception) -> DecodeError:
    for field in row.fields_in(tools.version):
        size = struct.calcsize(">" + _field_code(tools.protocol, field))
        if offset + size > len(body):
            left = max(0, len(body) - offset)
            problem = f"needs {size} bytes, {left} are left"
            return DecodeError(message=row.name, field=field.name, offset=offset, problem=problem)
        offset += size
    try:
        tools.walk(body, offset, tools.readers, [])
    except FloatError as blamed:
        error = blamed
    if isinstance(error, FloatError):
        name = _float_name(tools.protocol, row, error.tag)
        return DecodeError(message=row.name, field=name, offset=error.offset, problem=error.problem)
    return DecodeError(message=row.name, field=None, offset=0, problem=str(error))


def _encode_error(tools: Tools, row: MessageRow, offset: int, message: Message, error: Exception) -> EncodeError:
    for field in row.fields_in(tools.version):
        packer = struct.Struct(">" + _field_code(tools.protocol, field))
        value: object = getattr(message, field.attribute, 0)
        values = value if isinstance(value, tuple) else (value,)
        try:
            packer.pack(*values)
        except (struct.error, TypeError) as cause:
            problem = f"{field.type} cannot hold {value!r}: {cause}"
            return EncodeError(message=row.name, field=field.name, offset=offset, problem=problem)
        offset += packer.size
    if isinstance(error, FloatError):
        name = _float_name(tools.protocol, row, error.tag)
        return EncodeError(message=row.name, field=name, offset=offset + error.offset, problem=error.problem)
    return EncodeError(message=row.name, field="floating", offset=offset, problem=str(error))


def _float_name(protocol: ProtocolRow, row: MessageRow, tag: int | None) -> str:
    return next((known.name for known in protocol.floats_of(row) if known.tag == tag), "floating")
