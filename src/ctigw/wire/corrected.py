"""An MR codec from a corrected table, at run time.

Knows what a correction may change: numbers, sub-types, types and their sizes, order, new fixed fields, tags, the form
of tag and length, the NUL of texts. A correction cannot rename messages or fields that the committed profile has,
since the rest of the gateway calls them by these names. Must not know sessions. Rules: mr-wire (i), protocol/README.md.
"""

from pathlib import Path

from ctigw.errors import ConfigurationError
from ctigw.wire import catalogue
from ctigw.wire.build import member_is_known
from ctigw.wire.codec import MR_VERSION, Codec, build_codec
from ctigw.wire.layout import MessageRow, ProtocolRow
from ctigw.wire.table import Source, read_protocol


def codec_from_table(path: str | Path, version: int = MR_VERSION) -> Codec:
    """Read the table at `path` once and build a codec that follows it.

    Raises `ConfigurationError` when the file cannot be read, does not fit the notation, is not a table of MR, or names
    a message or a member that the gateway does not know.
    """
    file = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot be read: {error}", file=file, table="protocol", key="mr") from None
    return codec_from_text(file, text, version)


def codec_from_text(file: str, text: str, version: int = MR_VERSION) -> Codec:
    """As `codec_from_table`, for a text that is already read; `file` is its name in errors."""
    rows = read_protocol([Source(file, text)])
    _check(file, rows)
    codec = build_codec(rows, version)
    codec.make_all()  # a mistake must show now, not when the first message of its kind comes
    return codec


def _check(file: str, rows: ProtocolRow) -> None:
    if rows.name != "mr":
        raise ConfigurationError("only MR can be corrected", file=file, table="protocol", key="name", value=rows.name)
    committed = catalogue.protocol("mr")
    if (rows.oldest, rows.newest) != (committed.oldest, committed.newest):
        allowed = f"oldest = {committed.oldest}, newest = {committed.newest}"
        raise ConfigurationError("versions cannot be corrected", file=file, table="protocol", allowed=allowed)
    names = {row.name for row in committed.messages}
    for row in rows.messages:
        if row.name not in names:
            raise ConfigurationError(
                "names a message that the gateway does not know",
                file=file,
                table=row.name,
                key="name",
                value=row.name,
                allowed=", ".join(sorted(names)),
            )
        _check_added(file, committed, rows, row)
    for kind in rows.types:
        for member, _ in kind.members:
            if not member_is_known(kind.name, member):
                raise ConfigurationError(
                    "names a member that the gateway does not know",
                    file=file,
                    table=f"types.{kind.name}",
                    key="members",
                    value=member,
                )


def _check_added(file: str, committed: ProtocolRow, rows: ProtocolRow, row: MessageRow) -> None:
    """Fields that the committed profile does not have must be integers: what we send in them is 0."""
    known = {field.name for each in committed.messages if each.name == row.name for field in each.fields}
    for field in row.fields:
        if field.name not in known and not rows.type(field.type).code:
            raise ConfigurationError(
                "adds a field that is no integer",
                file=file,
                table=f"{row.name}.{field.name}",
                key="type",
                value=field.type,
                allowed=", ".join(kind.name for kind in rows.types if kind.code),
            )
