"""Values that take more than one integer, and lenient reading of floating fields.

Knows the shapes that field types take in memory, and how a message's read properties find a value in its floating list:
the first occurrence counts, a raw value that still makes sense is read (one NUL at the end of a text, an integer sent
in another width). Must not know messages, tags or versions. Rules: decisions A6 and B1, mr-wire (d) and (g), cti.toml
types.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

Value = TypeVar("Value")


NULL_UINT = 0xFFFFFFFF
NULL_INT = -1
NULL_USHORT = 0xFFFF
"""No value, in a field of that type (mr.toml null; cti.toml writes the same numbers)."""


class TaskId(NamedTuple):
    """TASKID: the three numbers by which a task is known on every interface. All -1: no task."""

    day: int
    key: int
    sequence: int


class AgentRef(NamedTuple):
    """AGENTREF: an agent by skill target id, by peripheral and number, or nobody (0, -1, -1, -1)."""

    kind: int
    skill_target_id: int
    peripheral_id: int
    peripheral_number: int


class NamedVariable(NamedTuple):
    """NAMEDVAR: an ECC scalar as CTI carries it."""

    name: str
    value: str


class NamedArray(NamedTuple):
    """NAMEDARRAY: one element of an ECC array as CTI carries it."""

    index: int  # type: ignore[assignment]  # the protocol's name; tuple.index has no use here
    name: str
    value: str


class EccName(NamedTuple):
    """MR: gives the name of an ECC variable a number that is local to the message."""

    ecc_tag: int
    name: str


class EccValue(NamedTuple):
    """MR: the value of the ECC scalar with that number."""

    ecc_tag: int
    value: str


class EccArray(NamedTuple):
    """MR: one element of the ECC array with that number."""

    ecc_tag: int
    index: int  # type: ignore[assignment]  # the protocol's name; tuple.index has no use here
    value: str


FloatValue = (
    int | str | bytes | TaskId | AgentRef | NamedVariable | NamedArray | EccName | EccValue | EccArray | list[int]
)
"""What a floating field can hold; `bytes` where the data do not fit the field's type, and for unknown tags."""

Floating = list[tuple[int, FloatValue]]
"""(tag, value) in wire order."""


def read_text(value: FloatValue) -> str | None:
    """A text; raw bytes are read when nothing but one NUL at their end keeps them from being one."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        plain = value[:-1] if value.endswith(b"\0") else value
        return None if b"\0" in plain else plain.decode("latin-1")
    return None


def read_bytes(value: FloatValue) -> bytes | None:
    """Opaque bytes."""
    return value if isinstance(value, bytes) else None


def integer_reader(size: int, signed: bool) -> Callable[[FloatValue], int | None]:
    """A reader of one integer of `size` bytes; another width of 1, 2 or 4 bytes is read while its value fits."""
    lowest = -(1 << (8 * size - 1)) if signed else 0
    highest = (1 << (8 * size - signed)) - 1

    def read(value: FloatValue) -> int | None:
        if isinstance(value, int):
            return value
        if isinstance(value, bytes) and len(value) in (1, 2, 4):
            number = int.from_bytes(value, "big", signed=signed)
            return number if lowest <= number <= highest else None
        return None

    return read


def read_integers(value: FloatValue) -> list[int] | None:
    """An array of integers in one floating field."""
    return value if isinstance(value, list) else None


def read_task_id(value: FloatValue) -> TaskId | None:
    """A task id."""
    return value if isinstance(value, TaskId) else None


def read_agent_ref(value: FloatValue) -> AgentRef | None:
    """An agent reference."""
    return value if isinstance(value, AgentRef) else None


def read_named_variable(value: FloatValue) -> NamedVariable | None:
    """A named variable; the NUL that ends its value may be missing."""
    if isinstance(value, NamedVariable):
        return value
    if isinstance(value, bytes):
        name, nul, rest = value.partition(b"\0")
        text = read_text(rest)
        return NamedVariable(name.decode("latin-1"), text) if nul and text is not None else None
    return None


def read_named_array(value: FloatValue) -> NamedArray | None:
    """A named array element; the NUL that ends its value may be missing."""
    if isinstance(value, NamedArray):
        return value
    if isinstance(value, bytes) and value:
        pair = read_named_variable(value[1:])
        return NamedArray(value[0], pair.name, pair.value) if pair is not None else None
    return None


_ECC_TAG_BYTES = 4
"""EccTag is a UINT (mr.toml, tags 42 to 44)."""


def read_ecc_name(value: FloatValue) -> EccName | None:
    """An ECC name; one NUL at its end is tolerated (mr-wire d)."""
    if isinstance(value, EccName):
        return value
    if isinstance(value, bytes) and len(value) >= _ECC_TAG_BYTES:
        text = read_text(value[_ECC_TAG_BYTES:])
        return EccName(int.from_bytes(value[:_ECC_TAG_BYTES], "big"), text) if text is not None else None
    return None


def read_ecc_value(value: FloatValue) -> EccValue | None:
    """An ECC value; one NUL at its end is tolerated (mr-wire d)."""
    if isinstance(value, EccValue):
        return value
    named = read_ecc_name(value) if isinstance(value, bytes) else None
    return EccValue(named.ecc_tag, named.name) if named is not None else None


def read_ecc_array(value: FloatValue) -> EccArray | None:
    """An ECC array element; one NUL at its end is tolerated (mr-wire d)."""
    if isinstance(value, EccArray):
        return value
    if isinstance(value, bytes) and len(value) > _ECC_TAG_BYTES:
        text = read_text(value[_ECC_TAG_BYTES + 1 :])
        tag = int.from_bytes(value[:_ECC_TAG_BYTES], "big")
        return EccArray(tag, value[_ECC_TAG_BYTES], text) if text is not None else None
    return None


def first(floating: Floating, tag: int, read: Callable[[FloatValue], Value | None]) -> Value | None:
    """The first value of `tag`, None where it is absent or cannot be read."""
    for found, value in floating:
        if found == tag:
            return read(value)
    return None


def every(floating: Floating, tag: int, read: Callable[[FloatValue], Value | None]) -> list[Value]:
    """All values of `tag` in order, without those that cannot be read."""
    values = [read(value) for found, value in floating if found == tag]
    return [value for value in values if value is not None]


read_char = integer_reader(1, signed=True)
read_uchar = integer_reader(1, signed=False)
read_short = integer_reader(2, signed=True)
read_ushort = integer_reader(2, signed=False)
read_int = integer_reader(4, signed=True)
read_uint = integer_reader(4, signed=False)
