"""The protocol tables as construct declarations: slow, readable, and built without any of the codec's code.

Knows the same rows as the codec, and reads and writes messages by them in the plainest way. It is the oracle of the
differential test, and a readable statement of the layout. Must not be used on traffic: it is tens of times slower than
the codec (performance.md). The floating part is walked by our own loop, never by a bare GreedyRange, which would take a
truncated list for a shorter one (engineering 5.8).
"""

from collections.abc import Mapping, Sequence

import attrs
import construct  # type: ignore[import-untyped]  # ships no types, and is used in this module only

from ctigw.wire.layout import FieldRow, FloatRow, MessageRow, ProtocolRow

Plain = int | str | bytes | tuple["Plain", ...] | list[int]
"""Values as the reference has them: compounds are plain tuples."""

_INTEGERS: Mapping[str, construct.Construct] = {
    "B": construct.Int8ub,
    "b": construct.Int8sb,
    "H": construct.Int16ub,
    "h": construct.Int16sb,
    "I": construct.Int32ub,
    "i": construct.Int32sb,
}


class MisfitError(Exception):
    """The body does not fit the declaration."""


@attrs.frozen
class Parsed:
    """One body, read by its declaration."""

    name: str
    fields: Mapping[str, Plain]
    floating: Sequence[tuple[int, Plain]]


def declare_fixed(protocol: ProtocolRow, row: MessageRow, version: int) -> construct.Construct:
    """The fixed part of a message in a version, sub-type included."""
    parts = []
    for number, kind in protocol.envelopes:
        if number == row.number and row.subtype is not None:
            parts.append("Subtype" / construct.Const(row.subtype, _INTEGERS[protocol.type(kind).code]))
    parts += [field.name / _declare_field(protocol, field) for field in row.fields_in(version)]
    return construct.Struct(*parts)


def _declare_field(protocol: ProtocolRow, field: FieldRow) -> construct.Construct:
    kind = protocol.type(field.type)
    if kind.code:
        return _INTEGERS[kind.code]
    return construct.Sequence(*(_INTEGERS[protocol.type(member).code] for _, member in kind.members))


def declare_header(protocol: ProtocolRow, version: int) -> construct.Construct:
    """Tag and data of one floating field."""
    header = protocol.float_header(version)
    tag, length = (_INTEGERS[protocol.type(kind).code] for kind in (header.tag, header.length))
    return construct.Struct("tag" / tag, "data" / construct.Prefixed(length, construct.GreedyBytes))


def declare_float(protocol: ProtocolRow, row: FloatRow) -> construct.Construct:
    """The data of one floating field, to their last byte. It refuses data that are not a plain value of the type."""
    text = _declare_text(protocol)
    kind = protocol.type(row.type)
    match row.type:
        case "STRING":
            return construct.FocusedSeq("value", "value" / text, construct.Terminated)
        case "UNSPEC":
            return construct.GreedyBytes
        case "NAMEDVAR":
            return construct.Sequence(_terminated(), _terminated(), construct.Terminated)
        case "NAMEDARRAY":
            return construct.Sequence(construct.Int8ub, _terminated(), _terminated(), construct.Terminated)
        case _ if kind.members:
            parts = [
                text if member == "STRING" else _INTEGERS[protocol.type(member).code] for _, member in kind.members
            ]
            return construct.Sequence(*parts, construct.Terminated)
        case _ if row.array is not None:
            return construct.FocusedSeq(
                "value",
                # Safe here: Terminated refuses what an incomplete last element leaves behind.
                "value" / construct.GreedyRange(_INTEGERS[kind.code]),
                construct.Terminated,
            )
        case _:
            return construct.FocusedSeq("value", "value" / _INTEGERS[kind.code], construct.Terminated)


def _terminated() -> construct.Construct:
    return construct.NullTerminated(construct.GreedyString("latin-1"), require=True)


def _declare_text(protocol: ProtocolRow) -> construct.Construct:
    if protocol.text_ends_with_nul:
        return _terminated()
    # Rebuilding the text ends at a NUL, which a plain value cannot hold.
    return construct.ExprValidator(construct.GreedyString("latin-1"), lambda text, _: "\0" not in text)


def find_row(protocol: ProtocolRow, message_type: int, body: bytes) -> MessageRow | None:
    """The row of a body: by number, sub-type and, where a message has two layouts, by its length."""
    subtype: int | None = None
    for number, kind in protocol.envelopes:
        if number == message_type:
            try:
                subtype = _INTEGERS[protocol.type(kind).code].parse(body)
            except construct.ConstructError as error:
                raise MisfitError(str(error)) from None
    rows = [row for row in protocol.messages if (row.number, row.subtype) == (message_type, subtype)]
    exact = [row for row in rows if row.body_length == len(body)]
    return next(iter(exact or [row for row in rows if row.body_length is None]), None)


def parse(protocol: ProtocolRow, version: int, row: MessageRow, body: bytes) -> Parsed:
    """Read a body. Raises `MisfitError` when the fixed part is cut or the floating part does not end with the body."""
    declared = declare_fixed(protocol, row, version)
    try:
        fixed = declared.parse(body)
    except construct.ConstructError as error:
        raise MisfitError(str(error)) from None
    fields = {field.name: _plain(fixed[field.name]) for field in row.fields_in(version)}
    known = {each.tag: each for each in protocol.floats_of(row) if each.min_version <= version}
    header = declare_header(protocol, version)
    floating: list[tuple[int, Plain]] = []
    rest = body[len(declared.build(fixed)) :]
    while rest:
        try:
            entry = header.parse(rest)
        except construct.ConstructError as error:
            raise MisfitError(str(error)) from None
        floating.append((entry.tag, _value(protocol, known.get(entry.tag), entry.data)))
        rest = rest[len(header.build(entry)) :]
    return Parsed(row.name, fields, floating)


def build(protocol: ProtocolRow, version: int, row: MessageRow, parsed: Parsed) -> bytes:
    """Write a whole frame, header included; the values must fit."""
    body: bytes = declare_fixed(protocol, row, version).build(dict(parsed.fields))
    known = {each.tag: each for each in protocol.floats_of(row)}
    header = declare_header(protocol, version)
    for tag, value in parsed.floating:
        data = value if isinstance(value, bytes) else declare_float(protocol, known[tag]).build(_buildable(value))
        body += header.build({"tag": tag, "data": data})
    frame: bytes = construct.Struct("length" / construct.Int32ub, "type" / construct.Int32ub).build(
        {"length": len(body), "type": row.number}
    )
    return frame + body


def _buildable(value: Plain) -> object:
    """Values for FocusedSeq and Sequence: a compound also needs one for the mark of its end."""
    return [*value, None] if isinstance(value, tuple) else value


def _value(protocol: ProtocolRow, row: FloatRow | None, data: bytes) -> Plain:
    """The plain value; the bytes themselves where the data do not fit, or the tag is unknown."""
    if row is None:
        return data
    declared = declare_float(protocol, row)
    try:
        found = declared.parse(data)
    except construct.ConstructError:
        return data
    if row.array is not None:
        return [int(member) for member in found]
    return _plain(found)


def _plain(value: object) -> Plain:
    if isinstance(value, int | str | bytes):
        return value
    if isinstance(value, construct.ListContainer):
        return tuple(_plain(member) for member in value if member is not None)
    raise TypeError(type(value).__name__)
