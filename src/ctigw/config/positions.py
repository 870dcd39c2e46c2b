"""Where each key of a TOML text stands.

Knows TOML's shape just well enough to count lines: `tomllib` has already judged the text and gives the values, but no
line numbers. Must not know what keys mean. Rule: design 4 (errors name file, line or table, key).
"""

import re

Path = tuple[str | int, ...]
"""The way to a value from the top of the file: names of keys and tables, positions in arrays."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def positions(text: str) -> dict[Path, int]:
    """Line, from 1, of every table, key and element of a text that `tomllib` accepts; else what is found."""
    scan = _Scan(text)
    scan.document()
    return scan.lines


class _Scan:
    """One walk over one text. Every step consumes at least a character, so that it ends on any text."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._counted_to = 0
        self._array_lengths: dict[Path, int] = {}
        """Arrays of tables: how many elements their headers have opened."""

    def document(self) -> None:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)

    def _header(self) -> Path:
        line = self._line_here()
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        names = self._dotted_key()
        self._at += 2 if is_array else 1
        path: Path = ()
        for position, name in enumerate(names):
            path = (*path, name)
            if is_array and position == len(names) - 1:
                self._array_lengths[path] = self._array_lengths.get(path, 0) + 1
                self.lines.setdefault(path, line)
            if path in self._array_lengths:
                path = (*path, self._array_lengths[path] - 1)
            self.lines.setdefault(path, line)
        return path

    def _pair(self, table: Path) -> None:
        line = self._line_here()
        path = table
        for name in self._dotted_key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _dotted_key(self) -> list[str]:
        names = []
        while True:
            self._skip(_BLANK)
            names.append(self._simple_key())
            self._skip(_BLANK)
            if self._peek() != ".":
                return names
            self._at += 1

    def _simple_key(self) -> str:
        start = self._at
        if self._skip_string():
            return self._text[start + 1 : self._at - 1]
        self._skip(_BARE_KEY)
        return self._text[start : self._at]

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        self.lines.setdefault(path, self._line_here())
        if self._peek() == "[":
            self._members(path, "]")
        elif self._peek() == "{":
            self._members(path, "}")
        elif not self._skip_string():
            self._skip(_SCALAR)

    def _members(self, path: Path, end: str) -> None:
        self._at += 1
        index = 0
        while self._at < len(self._text):
            self._skip(_BLANK)
            if self._peek() in (end, ""):
                break
            before = self._at
            if end == "]":
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._skip(_BLANK)
            if self._peek() == "," or self._at == before:
                self._at += 1
        self._at += 1

    def _skip_string(self) -> bool:
        return any(self._skip(string) for string in _STRINGS)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self._text, self._at)
        if found is None or found.end() == self._at:
            return False
        self._at = found.end()
        return True

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line
