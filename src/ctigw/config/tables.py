"""The converted tables with their places, as cross-checks look at them.

Knows which settings came from where; must not know what has to hold between them.
"""

from collections.abc import Hashable, Iterable
from typing import Any, TypeVar

import attrs

from ctigw.config.document import Document
from ctigw.config.problems import Place, Problems

T = TypeVar("T")
Found = dict[Hashable, Place]
"""Where each value was seen first."""


@attrs.frozen
class Tables:
    """Every table that had no problem of its own, in order of the files; and the names of those that had."""

    document: Document
    problems: Problems
    _placed: dict[type[Any], list[tuple[Any, Place]]] = attrs.Factory(dict)
    _known: dict[tuple[str, str], frozenset[Hashable]] = attrs.Factory(dict)
    """Filled on first use: thousands of agents refer to the same few tables."""

    def place(self, value: object, place: Place) -> None:
        """Note where a table stands."""
        self._placed.setdefault(type(value), []).append((value, place))

    def each(self, settings_class: type[T]) -> list[tuple[T, Place]]:
        """All tables of one class."""
        return list(self._placed.get(settings_class, ()))

    def single(self, table: str) -> Place:
        """Where a table of that name stands first, or the main file when it is left to its defaults."""
        given = [*self.document.tables.get(table, {}).values(), *self.document.arrays.get(table, ())]
        if given:
            first = given[0].place
            return Place(first.file, first.lines, (table,))
        return self.document.main.inside(table)

    def known(self, table: str, key: str) -> frozenset[Hashable]:
        """Values of a key over all tables of a name, also of those that had a problem of their own."""
        if (table, key) not in self._known:
            found = (
                given.value.get(key) for given in self.document.arrays.get(table, ()) if isinstance(given.value, dict)
            )
            self._known[table, key] = frozenset(value for value in found if isinstance(value, str | int))
        return self._known[table, key]

    def refer(self, value: Hashable, place: Place, table: str, key: str) -> None:
        """A value must be that of a key of some table."""
        known = self.known(table, key)
        if value not in known:
            allowed = ", ".join(str(name) for name in sorted(known, key=str)[:SHOWN_NAMES])
            rest = len(known) - SHOWN_NAMES
            self.problems.add(
                place,
                f"no [[{table}]] has this {key}",
                value=value,
                allowed=(f"{allowed} and {rest} more" if rest > 0 else allowed) or f"none: there is no [[{table}]]",
            )

    def unique(self, values: Iterable[tuple[Hashable, Place]], found: Found | None = None) -> None:
        """No value stands twice; `found` carries values from another call that must differ too."""
        seen: Found = {} if found is None else found
        for value, place in values:
            if value in seen:
                first = seen[value]
                self.problems.add(
                    place, f"stands a second time; the first is in {first.file}:{first.line}", value=value
                )
            else:
                seen[value] = place


SHOWN_NAMES = 20
"""Names that an error lists: enough to find a misspelling, not a screen full of agents."""
