"""From a file and what it includes to one set of tables, each with the place where it stands.

Knows TOML, `include` and merging; must not know what keys mean. Rules: decisions G1 (`include = ["agents.d/*.toml"]`
merges tables), design 4. Arrays of tables are appended, the main file first, then the included files in order of their
names; a plain table may be spread over files, but each of its keys stands once.
"""

import glob
import tomllib
from pathlib import Path
from typing import Any

import attrs

from ctigw.config.positions import positions
from ctigw.config.problems import Place, Problems

Table = dict[str, Any]
"""A table as tomllib gives it."""

INCLUDE = "include"
_WILDCARDS = "*?["


@attrs.frozen
class PlacedValue:
    """A value as tomllib gives it, and where it stands."""

    value: object
    place: Place


@attrs.define
class Document:
    """The merged files."""

    main: Place
    """The main file itself, for problems that belong to no table."""
    tables: dict[str, dict[str, PlacedValue]] = attrs.Factory(dict)
    """Plain tables: name -> key -> value."""
    arrays: dict[str, list[PlacedValue]] = attrs.Factory(dict)
    """Arrays of tables: name -> elements."""


def read_document(path: Path, problems: Problems) -> Document:
    """Read the file and what it includes. Problems are added, what could be read is returned; reads files."""
    document = Document(Place(str(path), {}))
    top = _merge_file(document, path, problems)
    for included in _included(path, top, problems):
        inner = _merge_file(document, included, problems)
        if INCLUDE in inner:
            problems.add(inner[INCLUDE].place, "only the main file may include others")
    return document


def _merge_file(document: Document, path: Path, problems: Problems) -> dict[str, PlacedValue]:
    """Add the tables of one file; the plain keys at its top are returned."""
    place = Place(str(path), {})
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        problems.add(place, f"cannot be read: {error.strerror}")
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.add(place, f"is no TOML: {error}")
        return {}
    place = Place(str(path), positions(text))
    top = {}
    for name, value in content.items():
        here = place.inside(name)
        if isinstance(value, dict):
            _merge_table(document, name, value, here, problems)
        elif isinstance(value, list) and name != INCLUDE:
            document.arrays.setdefault(name, []).extend(
                PlacedValue(element, here.inside(index)) for index, element in enumerate(value)
            )
        else:
            top[name] = PlacedValue(value, here)
            if name != INCLUDE:
                problems.add(here, "a key outside of any table", value=value)
    return top


def _merge_table(document: Document, name: str, table: Table, place: Place, problems: Problems) -> None:
    merged = document.tables.setdefault(name, {})
    for key, value in table.items():
        here = place.inside(key)
        if key in merged:
            first = merged[key].place
            problems.add(here, f"stands a second time; the first is in {first.file}:{first.line}")
        else:
            merged[key] = PlacedValue(value, here)


def _included(path: Path, top: dict[str, PlacedValue], problems: Problems) -> list[Path]:
    """Files that the patterns of `include` name, each once, in order of their names."""
    if INCLUDE not in top:
        return []
    value, place = top[INCLUDE].value, top[INCLUDE].place
    if not isinstance(value, list) or not all(isinstance(pattern, str) and pattern for pattern in value):
        problems.add(place, "must be a list of file names or patterns", value=value, allowed='["agents.d/*.toml"]')
        return []
    found: set[str] = set()
    for pattern in value:
        names = glob.glob(str(path.parent / pattern), recursive=True)
        if not names and not any(character in pattern for character in _WILDCARDS):
            problems.add(place, "names a file that does not exist", value=pattern)
        found.update(names)
    return [Path(name) for name in sorted(found) if not path.samefile(name)]
