"""Reading protocol tables: from TOML text to rows.

Knows the notation of protocol/*.toml (protocol/README.md is its law) and refuses everything that the notation does not
have, naming file, table, key and value. Must not know the bytes; the codec reads the rows. The generator uses it for
the committed tables, and the daemon for a corrected MR table at run time (`[protocol] mr = "path"`).
"""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from ctigw.errors import ConfigurationError
from ctigw.wire.layout import (
    EnumRow,
    FieldRow,
    FloatHeader,
    FloatRow,
    MessageRow,
    ProtocolName,
    ProtocolRow,
    TypeRow,
)
from ctigw.wire.naming import attribute_name, class_name

_SCALAR_CODES: Final = {
    (1, False): "B",
    (1, True): "b",
    (2, False): "H",
    (2, True): "h",
    (4, False): "I",
    (4, True): "i",
}
"""(bytes, signed) -> code of the struct module."""

_NAMED_TYPES: Final = ("STRING", "UNSPEC", "NAMEDVAR", "NAMEDARRAY")

_TOP_KEYS: Final = frozenset(("protocol", "sources", "types", "enum", "floating", "message"))
_PROTOCOL_KEYS: Final = frozenset(
    ("name", "oldest", "newest", "max_body", "text_ends_with_nul", "float_headers", "envelopes")
)
_MESSAGE_KEYS: Final = frozenset(
    (
        *("number", "subtype", "name", "class", "body_length", "direction", "purpose", "min_version", "grade"),
        *("layout", "answer", "on_failure", "fields", "floating", "why", "source"),
    )
)
_FIELD_KEYS: Final = frozenset(("name", "type", "enum", "min_version", "grade", "place"))
_FLOAT_KEYS: Final = frozenset(
    (
        *("name", "tag", "type", "max", "min_version", "required", "count", "array", "repeats"),
        *("enum", "grade", "type_grade"),
    )
)

Table = Mapping[str, Any]
"""A TOML table as tomllib gives it; every value is checked where it is taken out."""


@attrs.frozen
class Source:
    """One file of a protocol: its name, for errors, and its text."""

    file: str
    text: str


def read_protocol(sources: Sequence[Source]) -> ProtocolRow:
    """Read the files of one protocol. The first one has the whole `[protocol]` table; the others continue it.

    Raises `ConfigurationError` for bad TOML, unknown keys, missing keys, types that do not exist, and numbers or names
    that occur twice.
    """
    parts = [_Part(source) for source in sources]
    head = parts[0]
    head.known(head.protocol, _PROTOCOL_KEYS, "protocol")
    name = head.text(head.protocol, "protocol", "name")
    if name not in ("mr", "cti"):
        raise head.wrong("protocol", "name", name, "mr, cti")
    protocol: ProtocolName = "mr" if name == "mr" else "cti"
    types = tuple(row for part in parts for row in part.types())
    scalars = {row.name for row in types if row.code}
    known = {row.name for row in types}
    tags = tuple(part.floating(table, "floating", known, {}) for part in parts for table in part.tags())
    shared = {row.tag: row for row in tags}
    messages = tuple(part.message(protocol, table, known, shared) for part in parts for table in part.tables("message"))
    _check_unique(head, messages)
    return ProtocolRow(
        name=protocol,
        oldest=head.integer(head.protocol, "protocol", "oldest"),
        newest=head.integer(head.protocol, "protocol", "newest"),
        max_body=head.integer(head.protocol, "protocol", "max_body"),
        text_ends_with_nul=bool(head.protocol.get("text_ends_with_nul", False)),
        types=types,
        float_headers=head.float_headers(scalars),
        envelopes=tuple((entry["number"], entry["subtype"]) for entry in head.protocol.get("envelopes", ())),
        tags=tags,
        enums=tuple(row for part in parts for row in part.enums()),
        messages=messages,
    )


def _check_unique(head: "_Part", messages: Sequence[MessageRow]) -> None:
    """A number means one message for ever; two layouts of one message differ in `body_length`."""
    numbers: set[tuple[int, int | None, int | None]] = set()
    classes: set[str] = set()
    names: dict[str, tuple[int, int | None]] = {}
    for row in messages:
        number = (row.number, row.subtype, row.body_length)
        if number in numbers:
            raise head.wrong(row.name, "number", row.number, "a number that no other message has")
        if row.class_name in classes:
            raise head.wrong(row.name, "class", row.class_name, "a class name that no other message has")
        if names.setdefault(row.name, number[:2]) != number[:2]:
            raise head.wrong(row.name, "name", row.name, "a name that no other message has")
        numbers.add(number)
        classes.add(row.class_name)


def _is_range(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(each, int) for each in value)


class _Part:
    """One file while it is read. Every method raises `ConfigurationError` for what does not fit."""

    def __init__(self, source: Source) -> None:
        self.file = source.file
        try:
            self.document: Table = tomllib.loads(source.text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"is not TOML: {error}", file=source.file) from None
        self.known(self.document, _TOP_KEYS, "(top)")
        protocol = self.document.get("protocol")
        if not isinstance(protocol, dict):
            raise self.wrong("protocol", None, protocol, "a table with the name of the protocol")
        self.protocol: Table = protocol

    def wrong(self, table: str, key: str | None, value: object, allowed: str) -> ConfigurationError:
        return ConfigurationError(
            "does not fit the notation", file=self.file, table=table, key=key, value=value, allowed=allowed
        )

    def known(self, table: Table, keys: frozenset[str], where: str) -> None:
        for key in table:
            if key not in keys:
                raise self.wrong(where, key, table[key], ", ".join(sorted(keys)))

    def text(self, table: Table, where: str, key: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value:
            raise self.wrong(where, key, value, "a text")
        return value

    def integer(self, table: Table, where: str, key: str) -> int:
        value = table.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.wrong(where, key, value, "a whole number from 0")
        return value

    def tables(self, key: str) -> list[Table]:
        value = self.document.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.wrong(key, None, value, "a list of tables")
        return value

    def tags(self) -> list[Table]:
        value = self.document.get("floating", {}).get("tags", [])
        if not isinstance(value, list):
            raise self.wrong("floating", "tags", value, "a list of tables")
        return value

    def float_headers(self, scalars: set[str]) -> tuple[FloatHeader, ...]:
        headers = []
        for entry in self.protocol.get("float_headers", ()):
            self.known(entry, frozenset(("tag", "length", "upto")), "protocol.float_headers")
            tag, length = (
                self.text(entry, "protocol.float_headers", "tag"),
                self.text(entry, "protocol.float_headers", "length"),
            )
            for key, value in (("tag", tag), ("length", length)):
                if value not in scalars:
                    raise self.wrong("protocol.float_headers", key, value, ", ".join(sorted(scalars)))
            headers.append(FloatHeader(tag, length, entry.get("upto")))
        if not headers or headers[-1].upto is not None:
            raise self.wrong("protocol", "float_headers", len(headers), "a list whose last entry has no upto")
        return tuple(headers)

    def types(self) -> list[TypeRow]:
        rows: list[TypeRow] = []
        for name, entry in self.document.get("types", {}).items():
            where = f"types.{name}"
            self.known(entry, frozenset(("size", "signed", "members")), where)
            if "members" in entry:
                members = tuple(tuple(member.split()) for member in entry["members"])
                if not all(len(member) == 2 for member in members):
                    raise self.wrong(where, "members", entry["members"], 'texts like "Name TYPE"')
                rows.append(TypeRow(name, members=tuple((member[0], member[1]) for member in members)))
            elif "size" in entry:
                code = _SCALAR_CODES.get((entry["size"], bool(entry.get("signed", False))))
                if code is None:
                    raise self.wrong(where, "size", entry["size"], "1, 2, 4")
                rows.append(TypeRow(name, code=code))
            elif name in _NAMED_TYPES:
                rows.append(TypeRow(name))
            else:
                raise self.wrong(where, "size", None, "size, or members")
        return rows

    def enums(self) -> list[EnumRow]:
        rows: list[EnumRow] = []
        for name, entry in self.document.get("enum", {}).items():
            where = f"enum.{name}"
            self.known(entry, frozenset(("class", "flags", "strip", "strip_suffix", "swapped", "members")), where)
            suffix = entry.get("strip_suffix", "")
            members = []
            for printed, value in entry.get("members", {}).items():
                short = next(
                    (printed.removeprefix(p) for p in entry.get("strip", ()) if printed.startswith(p)), printed
                )
                members.append((short.removesuffix(suffix).upper(), value))
            if len({member for member, _ in members}) != len(members):
                raise self.wrong(where, "strip", entry.get("strip"), "prefixes that leave different names")
            swapped = entry.get("swapped")
            if swapped is not None and (len(members) != 2 or not _is_range(swapped)):
                raise self.wrong(where, "swapped", swapped, "the first and the last version, for two members")
            rows.append(
                EnumRow(
                    name,
                    self.text(entry, where, "class"),
                    bool(entry.get("flags", False)),
                    tuple(members),
                    None if swapped is None else (swapped[0], swapped[1]),
                )
            )
        return rows

    def message(
        self, protocol: ProtocolName, table: Table, types: set[str], shared: Mapping[int, FloatRow]
    ) -> MessageRow:
        name = self.text(table, "message", "name")
        self.known(table, _MESSAGE_KEYS, name)
        grade = table.get("grade", "A")
        floats = [self.floating(entry, name, types, shared, grade) for entry in table.get("floating", ())]
        return MessageRow(
            protocol=protocol,
            number=self.integer(table, name, "number"),
            subtype=table.get("subtype"),
            name=name,
            class_name=table.get("class", class_name(name)),
            direction=self.text(table, name, "direction"),
            purpose=self.text(table, name, "purpose"),
            fields=tuple(self.field(entry, name, types, grade) for entry in table.get("fields", ())),
            floats=tuple(row for row in floats if row.tag),  # tag 0: no tag is printed (decisions A5)
            grade=grade,
            min_version=table.get("min_version", 0),
            body_length=table.get("body_length"),
            layout=bool(table.get("layout", True)),
        )

    def field(self, table: Table, message: str, types: set[str], grade: str) -> FieldRow:
        name = self.text(table, message, "name")
        self.known(table, _FIELD_KEYS, f"{message}.{name}")
        type_name = self.text(table, message, "type")
        if type_name not in types or type_name in _NAMED_TYPES:
            raise self.wrong(f"{message}.{name}", "type", type_name, "a type with a size, or with members")
        return FieldRow(
            name=name,
            type=type_name,
            attribute=attribute_name(name),
            grade=table.get("grade", grade),
            enum=table.get("enum"),
            min_version=table.get("min_version", 0),
        )

    def floating(
        self, table: Table, message: str, types: set[str], shared: Mapping[int, FloatRow], grade: str = "A"
    ) -> FloatRow:
        name = self.text(table, message, "name")
        where = f"{message}.{name}"
        self.known(table, _FLOAT_KEYS, where)
        tag = self.integer(table, where, "tag")
        if tag in shared and "type" not in table:
            if shared[tag].name != name:
                raise self.wrong(where, "name", name, f"{shared[tag].name}, the name of tag {tag} under [floating]")
            return attrs.evolve(shared[tag], required=bool(table.get("required", False)))
        type_name = self.text(table, where, "type")
        if type_name not in types:
            raise self.wrong(where, "type", type_name, ", ".join(sorted(types)))
        count = table.get("count")
        return FloatRow(
            name=name,
            tag=tag,
            type=type_name,
            attribute=attribute_name(name),
            max=self.integer(table, where, "max"),
            grade=table.get("grade", grade),
            enum=table.get("enum"),
            min_version=table.get("min_version", 0),
            required=bool(table.get("required", False)),
            count=count,
            array=table.get("array"),
            repeats=bool(table.get("repeats", False)) or count is not None,
        )
