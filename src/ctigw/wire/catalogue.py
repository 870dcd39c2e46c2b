"""Finding rows and classes of the committed protocol tables.

Knows where the generator puts them. Must not know how they are encoded. Everything that wants to say something about a
message (JSON form, trace form, documentation, metrics) starts here.
"""

from functools import cache
from typing import Final

from ctigw.wire import cti, mr
from ctigw.wire.generated import cti_rows, mr_rows
from ctigw.wire.layout import EnumRow, MessageRow, ProtocolName, ProtocolRow
from ctigw.wire.message import Message

_MODULES: Final = {"mr": mr, "cti": cti}


def protocol(name: ProtocolName) -> ProtocolRow:
    """All rows of one protocol."""
    return mr_rows.PROTOCOL if name == "mr" else cti_rows.PROTOCOL


@cache
def _by_name(protocol_name: ProtocolName) -> dict[str, MessageRow]:
    """Name -> row; of two layouts the one that is not bound to a body length."""
    return {row.name: row for row in protocol(protocol_name).messages if row.body_length is None}


def lookup(protocol_name: ProtocolName, name: str) -> MessageRow:
    """The row of a message by its name, for instance ("mr", "NEW_TASK"). KeyError when there is none."""
    return _by_name(protocol_name)[name]


def message_class(row: MessageRow) -> type[Message]:
    """The generated class of a row."""
    found: type[Message] = getattr(_MODULES[row.protocol], row.class_name)
    return found


def enumeration(protocol_name: ProtocolName, name: str) -> EnumRow:
    """The row of a table of codes. KeyError when there is none."""
    for row in protocol(protocol_name).enums:
        if row.name == name:
            return row
    raise KeyError(name)
