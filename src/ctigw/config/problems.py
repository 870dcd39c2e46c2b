"""Everything that is wrong with a configuration, collected, and where it stands.

Knows files, lines and tables as places; must not know what keys mean. Rule: design 4 (errors name file, line or table,
key, value and what is allowed); an operator sees all of them at once, not one for each attempt.
"""

from collections.abc import Mapping

import attrs

from ctigw.config.positions import Path as TomlPath
from ctigw.errors import ConfigurationError


class InvalidConfiguration(ConfigurationError):  # noqa: N818 - it is a ConfigurationError that holds several
    """All problems of one configuration; its text has a line for each."""

    def __init__(self, problems: tuple[ConfigurationError, ...]) -> None:
        """At least one problem."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@attrs.frozen
class Place:
    """A table or a key in a file."""

    file: str
    lines: Mapping[TomlPath, int] = attrs.field(repr=False)
    path: TomlPath = ()
    name: str = ""
    """What the table calls itself (its name or id), so that a person finds it among its likes."""

    def inside(self, *steps: str | int) -> "Place":
        """The place of a key or element in here."""
        return attrs.evolve(self, path=self.path + steps)

    def named(self, name: str) -> "Place":
        """The same place, of a table that calls itself so."""
        return attrs.evolve(self, name=name)

    @property
    def line(self) -> int | None:
        """Line of the innermost known part of the way here."""
        for length in range(len(self.path), 0, -1):
            if self.path[:length] in self.lines:
                return self.lines[self.path[:length]]
        return None

    @property
    def table(self) -> str:
        """The top table as its header has it, and what it calls itself."""
        top = str(self.path[0]) if self.path else ""
        return f"{top} {self.name!r}" if self.name else top

    @property
    def key(self) -> str:
        """The way inside the table: `limits.connections`, `steps[2].match`."""
        text = ""
        inner = self.path[2:] if len(self.path) > 1 and isinstance(self.path[1], int) else self.path[1:]
        for step in inner:
            text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
        return text.removeprefix(".")


class Problems:
    """The list that grows while a configuration is read."""

    def __init__(self) -> None:
        self._found: list[ConfigurationError] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: Place, problem: str, *, value: object = None, allowed: str | None = None) -> None:
        """Note one more problem; `value` is shown, so it must never be a secret."""
        at = place.file if place.line is None else f"{place.file}:{place.line}"
        self._found.append(
            ConfigurationError(
                problem, file=at, table=place.table or None, key=place.key or None, value=value, allowed=allowed
            )
        )

    def raise_any(self) -> None:
        """InvalidConfiguration when something was found, in the order in which it was found."""
        if self._found:
            raise InvalidConfiguration(tuple(self._found))
