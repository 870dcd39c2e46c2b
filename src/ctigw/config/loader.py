"""From a configuration file to checked settings.

Knows which table becomes which part of the settings: `[name]` for a single settings class, `[[name]]` for each member
of the attribute `names`; single keys are known to the settings classes only. Must not know sockets, sessions or the
engine; scripts stay as written. Rules: design 4, decisions G1.
"""

import os
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import attrs

from ctigw.config.convert import Converter, Rejected, key_types
from ctigw.config.crosscheck import cross_check
from ctigw.config.document import INCLUDE, PlacedValue, read_document
from ctigw.config.forms import FileFinder
from ctigw.config.problems import Problems
from ctigw.config.routing import RoutingSettings
from ctigw.config.settings import Settings
from ctigw.config.tables import Tables
from ctigw.wire.cti import ServiceMask

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""Environment variable under which the service manager says where it put secrets (systemd.exec(5))."""

SERVICE_NAMES = tuple(name.lower() for name in ServiceMask.__members__)
"""Services that a CTI client may be given, as decisions C2 writes them."""


def load(path: Path, *, service_names: Collection[str] = SERVICE_NAMES) -> Settings:
    """Read, convert and cross-check a configuration; files that it names must be readable. Reads files, opens nothing.

    Raises InvalidConfiguration, a ConfigurationError, with everything that is wrong, before anything has changed.
    """
    problems = Problems()
    document = read_document(path, problems)
    credentials = os.environ.get(CREDENTIALS_VARIABLE)
    finder = FileFinder(path.parent, Path(credentials) if credentials else None)
    tables = Tables(document, problems)
    reader = _Reader(tables, Converter(finder, problems))
    settings = reader.settings()
    reader.refuse_unknown_tables()
    cross_check(settings, tables, service_names)
    problems.raise_any()
    return settings


def table_name(attribute: str, annotation: Any) -> str:  # noqa: ANN401 - any annotation of a settings class
    """Name of the table that fills an attribute: singular where the attribute holds several."""
    return attribute.removesuffix("s") if typing.get_origin(annotation) is tuple else attribute


class _Reader:
    """One pass over one document. A table with a problem is left out; the problem itself is in the list."""

    def __init__(self, tables: Tables, converter: Converter) -> None:
        self._tables = tables
        self._document = tables.document
        self._problems = tables.problems
        self._converter = converter
        self._known: list[str] = []

    def settings(self) -> Settings:
        return Settings(**self._attributes(Settings))

    def refuse_unknown_tables(self) -> None:
        for name in [*self._document.tables, *self._document.arrays]:
            if name not in self._known:
                self._problems.add(
                    self._tables.single(name), "unknown table", allowed=", ".join([INCLUDE, *self._known])
                )

    def _attributes(self, settings_class: type[attrs.AttrsInstance]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, annotation in key_types(settings_class).items():
            if annotation is RoutingSettings:
                found[name] = RoutingSettings(**self._attributes(RoutingSettings))
                continue
            table = table_name(name, annotation)
            self._known.append(table)
            if typing.get_origin(annotation) is tuple:
                found[name] = self._members(table, typing.get_args(annotation)[0])
            elif table in self._document.tables:
                self._add_single(found, name, annotation)
            elif table in self._document.arrays:
                self._problems.add(self._tables.single(table), "stands once, as a table", allowed=f"[{table}]")
        return found

    def _members(self, table: str, settings_class: type[attrs.AttrsInstance]) -> tuple[object, ...]:
        if table in self._document.tables:
            self._problems.add(self._tables.single(table), "is a list of tables", allowed=f"[[{table}]]")
        members = []
        for given in self._document.arrays.get(table, ()):
            if not isinstance(given.value, dict):
                self._problems.add(given.place, "must be a table", value=given.value)
                continue
            place = given.place.named(_called(given.value))
            content = {key: PlacedValue(value, place.inside(key)) for key, value in given.value.items()}
            try:
                member = self._converter.table(settings_class, content, place)
            except Rejected:
                continue
            self._tables.place(member, place)
            members.append(member)
        return tuple(members)

    def _add_single(self, found: dict[str, Any], name: str, settings_class: type[attrs.AttrsInstance]) -> None:
        content = self._document.tables[name]
        try:
            found[name] = self._converter.table(settings_class, content, self._tables.single(name))
        except Rejected:
            return


def _called(table: Mapping[str, object]) -> str:
    """What a table calls itself: the first of the usual keys that it has."""
    for key in ("name", "id", "value", "address"):
        if isinstance(table.get(key), str | int):
            return str(table[key])
    return ""
