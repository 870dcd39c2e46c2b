"""Rows: what the protocol tables say about messages, in the form that all code reads.

Knows the shape of a protocol, a message, a field. Codec, JSON form, trace form, reference, generator and documentation
read the same rows, so that they cannot disagree. Must not know where rows come from (`ctigw.wire.table` reads TOML, the
generated catalogue holds the committed tables). Rules: protocol/README.md, design 3 (definitions are data).
"""

from typing import Final, Literal

import attrs

ProtocolName = Literal["mr", "cti"]

TEXT: Final = "STRING"
OPAQUE: Final = "UNSPEC"
NAMED_VARIABLE: Final = "NAMEDVAR"
NAMED_ARRAY: Final = "NAMEDARRAY"


@attrs.frozen
class TypeRow:
    """One data type. A scalar has a `code` of the struct module; a compound has members, each a scalar or a last text.

    Types with neither are known by name: STRING, UNSPEC, NAMEDVAR, NAMEDARRAY.
    """

    name: str
    code: str = ""
    members: tuple[tuple[str, str], ...] = ()
    """(member name, type name) in wire order."""


@attrs.frozen
class EnumRow:
    """One table of codes or bits."""

    name: str
    class_name: str
    flags: bool
    """True: the members are bits that are combined."""
    members: tuple[tuple[str, int], ...]
    swapped: tuple[int, int] | None = None
    """First and last version in which the two members stand for each other."""


@attrs.frozen
class FieldRow:
    """One field of a fixed part."""

    name: str
    type: str
    attribute: str
    grade: str = "A"
    enum: str | None = None
    min_version: int = 0
    """First protocol version whose body has the field; 0: every version."""


@attrs.frozen
class FloatRow:
    """One floating field, in one message or, for MR, in all of them."""

    name: str
    tag: int
    type: str
    attribute: str
    max: int
    """Largest data length in bytes that the tables print. Not the codec's business (decisions A6)."""
    grade: str = "A"
    enum: str | None = None
    min_version: int = 0
    required: bool = False
    count: str | None = None
    """The field that says how often this floating field occurs."""
    array: str | None = None
    """The field that says how many values stand in this one floating field."""
    repeats: bool = False
    """May occur more than once: `count` is given, or the table says so."""


@attrs.frozen
class MessageRow:
    """One message, or one of two layouts of it (`body_length`)."""

    protocol: ProtocolName
    number: int
    subtype: int | None
    name: str
    class_name: str
    direction: str
    purpose: str
    fields: tuple[FieldRow, ...] = ()
    floats: tuple[FloatRow, ...] = ()
    grade: str = "A"
    min_version: int = 0
    body_length: int | None = None
    """This layout is meant when the body has exactly this many bytes; None: the layout in all other cases."""
    layout: bool = True
    """False: no layout is published; the body stays bytes (decisions B4)."""

    def fields_in(self, version: int) -> tuple[FieldRow, ...]:
        """The fields of the fixed part as `version` has it."""
        return tuple(field for field in self.fields if field.min_version <= version)


@attrs.frozen
class FloatHeader:
    """Types of tag and length that stand before the data of a floating field, up to a version."""

    tag: str
    length: str
    upto: int | None = None
    """Last version with this form; None: no last one."""


@attrs.frozen
class ProtocolRow:
    """One protocol."""

    name: ProtocolName
    oldest: int
    newest: int
    max_body: int
    text_ends_with_nul: bool
    types: tuple[TypeRow, ...]
    float_headers: tuple[FloatHeader, ...]
    """Oldest form first; the last one has no `upto`."""
    envelopes: tuple[tuple[int, str], ...]
    """(MessageType, type of the sub-type) of messages whose body opens with a sub-type."""
    tags: tuple[FloatRow, ...]
    """Floating fields that are known in every message; empty where tags belong to messages."""
    enums: tuple[EnumRow, ...]
    messages: tuple[MessageRow, ...]

    def type(self, name: str) -> TypeRow:
        """The row of a type; KeyError when there is none."""
        for row in self.types:
            if row.name == name:
                return row
        raise KeyError(name)

    def float_header(self, version: int) -> FloatHeader:
        """How `version` writes tag and length."""
        for header in self.float_headers:
            if header.upto is None or version <= header.upto:
                return header
        raise KeyError(version)

    def floats_of(self, message: MessageRow) -> tuple[FloatRow, ...]:
        """Every floating field that is known by its tag in `message`; its own first."""
        own = {row.tag for row in message.floats}
        return message.floats + tuple(row for row in self.tags if row.tag not in own)
