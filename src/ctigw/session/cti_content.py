"""Whether the floating fields of a client's message mean anything: required ones, counts, lengths, named data.

Knows the rows of the protocol tables; must not know sessions. The codec has checked the structure only (decisions A6).
Rules: cti-notes "Framing" (a list has as many members as its count field says; named data of a message together at most
2,000 bytes; the length of a text counts its NUL).
"""

from ctigw.wire import FloatValue, Message, cti
from ctigw.wire.layout import NAMED_ARRAY, NAMED_VARIABLE, OPAQUE, TEXT, FloatRow, MessageRow
from ctigw.wire.message import FieldMessage
from ctigw.wire.values import NamedArray, NamedVariable, read_named_array, read_named_variable, read_text

NAMED_DATA_BYTES = 2_000
"""Named variables and arrays of one message together, with their NULs and indexes."""

_OPTIONAL = {(cti.OpenReq.NAME, cti.OpenReq.CLIENT_ID), (cti.OpenReq.NAME, cti.OpenReq.CLIENT_PASSWORD)}
"""Printed as required, yet a client that shows a certificate needs no password, and one without an id gets the refusal
of a wrong one (decisions C2).
"""


def find_problem(message: Message, row: MessageRow) -> str | None:
    """Say what is wrong with the floating part of `message`, None when it is fit to be used."""
    if not isinstance(message, FieldMessage):
        return None
    counts: dict[int, int] = {}
    rows = {known.tag: known for known in row.floats}
    named_bytes = 0
    for tag, value in message.floating:
        known = rows.get(tag)
        if known is None:
            continue
        counts[tag] = counts.get(tag, 0) + 1
        length = _length(known, value)
        if length is None:
            return f"{known.name} does not fit its type"
        if length > known.max:
            return f"{known.name} has {length} bytes, {known.max} are allowed"
        if known.type in (NAMED_VARIABLE, NAMED_ARRAY):
            named_bytes += length
    if named_bytes > NAMED_DATA_BYTES:
        return f"named data has {named_bytes} bytes, {NAMED_DATA_BYTES} are allowed"
    return _counting_problem(message, row, counts)


def _counting_problem(message: FieldMessage, row: MessageRow, counts: dict[int, int]) -> str | None:
    attributes = {field.name: field.attribute for field in row.fields}
    for known in row.floats:
        found = counts.get(known.tag, 0)
        if known.count is not None:
            stated = getattr(message, attributes[known.count]) if known.count in attributes else found
            if stated != found:
                return f"{known.count} is {stated}, {known.name} occurs {found} times"
        elif found > 1 and not known.repeats:
            return f"{known.name} occurs {found} times"
        if known.required and not found and (row.name, known.tag) not in _OPTIONAL:
            return f"{known.name} is missing"
    return None


def _length(row: FloatRow, value: FloatValue) -> int | None:
    """Bytes of a value on the wire, NULs included; None where it does not fit its type."""
    if row.type == TEXT:
        text = read_text(value)
        return None if text is None else len(text) + 1
    if row.type == OPAQUE:
        return len(value) if isinstance(value, bytes) else None
    if row.type == NAMED_VARIABLE:
        return _named_length(read_named_variable(value))
    if row.type == NAMED_ARRAY:
        return _named_length(read_named_array(value))
    return None if isinstance(value, bytes) else 0


def _named_length(value: NamedVariable | NamedArray | None) -> int | None:
    if value is None:
        return None
    index_bytes = 1 if isinstance(value, NamedArray) else 0
    return index_bytes + len(value.name) + len(value.value) + 2
