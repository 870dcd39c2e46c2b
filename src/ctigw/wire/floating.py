"""The floating part of a message: tagged fields after the fixed part.

Knows how a value of each type is read from and written to its data bytes, and walks the list with bounds checked. A
value that does not fit its type stays the bytes that it was, and goes back as it was (decisions A6, B3); so does an
unknown tag. Must not know messages. Rules: cti-notes (framing), mr-wire (g), decisions A3, engineering B5.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final

from ctigw.wire.layout import NAMED_ARRAY, NAMED_VARIABLE, OPAQUE, TEXT, FloatRow, ProtocolRow, TypeRow
from ctigw.wire.values import (
    AgentRef,
    EccArray,
    EccName,
    EccValue,
    Floating,
    FloatValue,
    NamedArray,
    NamedVariable,
    TaskId,
)

Reader = Callable[[bytes], FloatValue]
Writer = Callable[[FloatValue], bytes]

_NUL: Final = b"\0"
_VALUE_CLASSES: Final[Mapping[str, type[TaskId | AgentRef | EccName | EccValue | EccArray]]] = {
    "TASKID": TaskId,
    "AGENTREF": AgentRef,
    "ECCNAME": EccName,
    "ECCVALUE": EccValue,
    "ECCARRAY": EccArray,
}


class FloatError(Exception):
    """One floating field cannot be read or written; the codec adds message and field. Never leaves the wire package."""

    def __init__(self, tag: int | None, offset: int, problem: str) -> None:
        self.tag = tag
        self.offset = offset
        self.problem = problem
        super().__init__(problem)


# ---- texts


def read_terminated(data: bytes) -> FloatValue:
    """A text with exactly one NUL, at its end."""
    if data.find(_NUL) == len(data) - 1 and data:
        return data[:-1].decode("latin-1")
    return data


def read_plain(data: bytes) -> FloatValue:
    """A text without any NUL."""
    return data if 0 in data else data.decode("latin-1")


def write_terminated(value: FloatValue) -> bytes:
    """The inverse of `read_terminated`."""
    if isinstance(value, str):
        data = value.encode("latin-1")
        if 0 not in data:
            return data + _NUL
    return _text_kept(value)


def write_plain(value: FloatValue) -> bytes:
    """The inverse of `read_plain`."""
    if isinstance(value, str):
        data = value.encode("latin-1")
        if 0 not in data:
            return data
    return _text_kept(value)


def _text_kept(value: FloatValue) -> bytes:
    return value if isinstance(value, bytes) else _text(value)


def _text(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"needs a text, not {type(value).__name__}")
    data = value.encode("latin-1")
    if 0 in data:
        raise ValueError("a text cannot hold a NUL")
    return data


def read_opaque(data: bytes) -> FloatValue:
    """Bytes, whatever they are."""
    return data


def write_opaque(value: FloatValue) -> bytes:
    """The inverse of `read_opaque`."""
    if not isinstance(value, bytes):
        raise ValueError(f"needs bytes, not {type(value).__name__}")
    return value


# ---- integers


def _integer(code: str) -> tuple[Reader, Writer]:
    packer = struct.Struct(">" + code)
    size, unpack, pack = packer.size, packer.unpack, packer.pack

    def read(data: bytes) -> FloatValue:
        if len(data) == size:
            number: int = unpack(data)[0]
            return number
        return data

    def write(value: FloatValue) -> bytes:
        if isinstance(value, int):
            return pack(value)
        return _raw(value, "a number")

    return read, write


def _integers(code: str) -> tuple[Reader, Writer]:
    """Several integers in one floating field."""
    size = struct.calcsize(">" + code)

    def read(data: bytes) -> FloatValue:
        count, rest = divmod(len(data), size)
        return data if rest else list(struct.unpack(f">{count}{code}", data))

    def write(value: FloatValue) -> bytes:
        if isinstance(value, bytes):
            return value
        if not isinstance(value, list):
            raise ValueError(f"needs a list, not {type(value).__name__}")
        return struct.pack(f">{len(value)}{code}", *value)

    return read, write


# ---- named variables of CTI


_NAMED_VARIABLE_NULS: Final = 2
"""One NUL ends the name, one the value."""

_INDEX: Final = struct.Struct(">B")


def read_named_variable(data: bytes) -> FloatValue:
    """Name NUL value NUL, and no other NUL."""
    if data.count(0) != _NAMED_VARIABLE_NULS or data[-1]:
        return data
    name, value, _ = data.decode("latin-1").split("\0")
    made: FloatValue = tuple.__new__(NamedVariable, (name, value))  # half the cost of calling the class
    return made


def write_named_variable(value: FloatValue) -> bytes:
    """The inverse of `read_named_variable`."""
    if isinstance(value, NamedVariable):
        name, text = value
        data = (name + "\0" + text + "\0").encode("latin-1")
        return data if data.count(0) == _NAMED_VARIABLE_NULS else _pair(name, text)
    return _raw(value, "a NamedVariable")


def read_named_array(data: bytes) -> FloatValue:
    """Index byte, name NUL value NUL, and no other NUL in the texts."""
    if not data or data.count(0, 1) != _NAMED_VARIABLE_NULS or data[-1]:
        return data
    name, value, _ = data[1:].decode("latin-1").split("\0")
    return NamedArray(data[0], name, value)


def write_named_array(value: FloatValue) -> bytes:
    """The inverse of `read_named_array`."""
    if isinstance(value, NamedArray):
        return _INDEX.pack(value.index) + _pair(value.name, value.value)
    return _raw(value, "a NamedArray")


def _pair(name: str, value: str) -> bytes:
    data = (name + "\0" + value + "\0").encode("latin-1")
    if data.count(0) != _NAMED_VARIABLE_NULS:
        raise ValueError("a text cannot hold a NUL")
    return data


def _raw(value: FloatValue, needed: str) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ValueError(f"needs {needed}, not {type(value).__name__}")


# ---- compounds: integers, then perhaps a text


_PAIR: Final = 2
"""Members of the compounds that are written most often: a number and a text."""


def _compound(protocol: ProtocolRow, type_name: str) -> tuple[Reader, Writer]:
    row = protocol.type(type_name)
    has_text = row.members[-1][1] == TEXT
    head = struct.Struct(">" + "".join(protocol.type(kind).code for _, kind in row.members))
    size, unpack_from, pack = head.size, head.unpack_from, head.pack
    value_class = _VALUE_CLASSES[type_name]
    new = tuple.__new__
    members = len(row.members)
    read_text, write_text = _text_functions(protocol)

    def read_with_text(data: bytes) -> FloatValue:
        if len(data) < size:
            return data
        text = read_text(data[size:])
        if isinstance(text, bytes):
            return data
        made: FloatValue = new(value_class, (*unpack_from(data), text))
        return made

    def read_plain_pair(data: bytes) -> FloatValue:
        """As `read_with_text`, for a number and a text without NUL: an ECC variable is made of two of them."""
        text = data[size:]
        if len(data) < size or 0 in text:
            return data
        pair: FloatValue = new(value_class, (unpack_from(data)[0], text.decode("latin-1")))
        return pair

    def read_exact(data: bytes) -> FloatValue:
        if len(data) != size:
            return data
        made: FloatValue = new(value_class, unpack_from(data))
        return made

    def write_with_text(value: FloatValue) -> bytes:
        if isinstance(value, tuple) and len(value) == members:
            return pack(*value[:-1]) + write_text(value[-1])
        return _kept(value, row)

    def write_pair(value: FloatValue) -> bytes:
        if isinstance(value, tuple) and len(value) == _PAIR:
            number, text = value
            return pack(number) + write_text(text)
        return _kept(value, row)

    def write_exact(value: FloatValue) -> bytes:
        return pack(*value) if isinstance(value, tuple) else _kept(value, row)

    if not has_text:
        return read_exact, write_exact
    if members != _PAIR:
        return read_with_text, write_with_text
    return (read_with_text if protocol.text_ends_with_nul else read_plain_pair), write_pair


def _kept(value: FloatValue, row: TypeRow) -> bytes:
    """Raw bytes as they are; anything else is not a value of that compound."""
    if isinstance(value, bytes):
        return value
    raise ValueError(f"needs {len(row.members)} values ({', '.join(name for name, _ in row.members)})")


def text_reader(protocol: ProtocolRow) -> Reader:
    """How the protocol's texts are read."""
    return _text_functions(protocol)[0]


def _text_functions(protocol: ProtocolRow) -> tuple[Reader, Writer]:
    if protocol.text_ends_with_nul:
        return read_terminated, write_terminated
    return read_plain, write_plain


def functions(protocol: ProtocolRow, row: FloatRow) -> tuple[Reader, Writer]:
    """How the data of one floating field are read and written.

    Readers never fail: they give bytes back. Writers raise ValueError, TypeError or struct.error.
    """
    if row.type == TEXT:
        return _text_functions(protocol)
    if row.type == OPAQUE:
        return read_opaque, write_opaque
    if row.type == NAMED_VARIABLE:
        return read_named_variable, write_named_variable
    if row.type == NAMED_ARRAY:
        return read_named_array, write_named_array
    code = protocol.type(row.type).code
    if not code:
        return _compound(protocol, row.type)
    return _integers(code) if row.array is not None else _integer(code)


# ---- the list


Walk = Callable[[bytes, int, Mapping[int, Reader], Floating], None]
Join = Callable[[Floating, Mapping[int, Writer], frozenset[int]], bytes]


def walker(tag_code: str, length_code: str) -> Walk:
    """A function that appends (tag, value) for every floating field from an offset to the end of a body.

    The plain form of the loop that each message's decoder has built in; it finds what is wrong where that one fails.
    It raises `FloatError` where the list does not end with the body.
    """
    head = struct.Struct(">" + tag_code + length_code)
    size, unpack_from = head.size, head.unpack_from

    def walk(body: bytes, offset: int, readers: Mapping[int, Reader], floating: Floating) -> None:
        end = len(body)
        find = readers.get
        append = floating.append
        while offset < end:
            start = offset + size
            if start > end:
                raise _cut_head(offset, size, end)
            tag, length = unpack_from(body, offset)
            offset = start + length
            if offset > end:
                raise _cut_data(tag, start - size, length, offset - end)
            read = find(tag)
            data = body[start:offset]
            append((tag, data if read is None else read(data)))

    return walk


def _cut_head(offset: int, size: int, end: int) -> FloatError:
    return FloatError(None, offset, f"tag and length need {size} bytes, {end - offset} are left")


def _cut_data(tag: int, offset: int, length: int, beyond: int) -> FloatError:
    return FloatError(tag, offset, f"length {length} reaches {beyond} bytes beyond the message")


def joiner(tag_code: str, length_code: str, *, older_form: bool) -> Join:
    """The inverse of `walker`.

    `newer` are tags that the table knows from a later version only: their typed values are left out, raw ones go back
    as they came (decisions A3, A6). In an older form of the list, tags that its tag field cannot hold are left out too.
    """
    pack = struct.Struct(">" + tag_code + length_code).pack
    highest_tag = (1 << (8 * struct.calcsize(">" + tag_code))) - 1

    def join(floating: Floating, writers: Mapping[int, Writer], newer: frozenset[int]) -> bytes:
        parts: list[bytes] = []
        append = parts.append
        find = writers.get
        tag = -1
        try:
            for tag, value in floating:
                write = find(tag)
                if write is not None:
                    data = write(value)
                elif (older_form and tag > highest_tag) or (tag in newer and not isinstance(value, bytes)):
                    continue
                elif isinstance(value, bytes):
                    data = value
                else:
                    raise ValueError("an unknown tag carries bytes only")
                append(pack(tag, len(data)))
                append(data)
        except (ValueError, TypeError, struct.error) as error:
            raise FloatError(tag, sum(map(len, parts)), str(error)) from None
        return b"".join(parts)

    return join
