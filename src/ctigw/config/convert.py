"""From TOML values to settings values, by the types and `Key` descriptions of the settings classes.

Knows the kinds of types that settings classes are made of, so that no key is named twice; must not know any single key,
and nothing of references between tables. Rules: design 4 (unknown keys, wrong types, values out of range and missing
keys are errors that say what is allowed), decisions G1 (`tls = false`; where files are looked up).
"""

import functools
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from ctigw.config.document import PlacedValue
from ctigw.config.forms import FileFinder, form_problem
from ctigw.config.key import KEY, Form, Key
from ctigw.config.problems import Place, Problems

T = TypeVar("T", bound=attrs.AttrsInstance)
_NO_KEY = Key("")
_SECRET_WORDS = ("pass", "secret", "token")
_KEY_TYPES: dict[type[attrs.AttrsInstance], dict[str, Any]] = {}
"""Resolving costs more than converting, and there are thousands of agents."""


class Rejected(Exception):  # noqa: N818 - never leaves this package; the problem itself is in the list
    """A value could not be converted; what is wrong was added to the problems."""


def key_types(settings_class: type[attrs.AttrsInstance]) -> dict[str, Any]:
    """Types of the attributes of a settings class, resolved."""
    if settings_class not in _KEY_TYPES:
        _KEY_TYPES[settings_class] = typing.get_type_hints(settings_class)
    return _KEY_TYPES[settings_class]


def described(attribute: "attrs.Attribute[Any]") -> Key:
    """What the key says about itself."""
    key: Key = attribute.metadata.get(KEY, _NO_KEY)
    return key


def optional_of(annotation: Any) -> Any:  # noqa: ANN401 - any annotation; types have no better name at run time
    """T of `T | None`, None for anything else."""
    if typing.get_origin(annotation) is types.UnionType and types.NoneType in typing.get_args(annotation):
        rest = tuple(member for member in typing.get_args(annotation) if member is not types.NoneType)
        return functools.reduce(lambda left, right: left | right, rest)
    return None


class Converter:
    """Turns tables into settings; every problem is added, and the table that has one is rejected in the end."""

    def __init__(self, finder: FileFinder, problems: Problems) -> None:
        self._finder = finder
        self._problems = problems

    def table(self, settings_class: type[T], content: Mapping[str, PlacedValue], place: Place) -> T:
        """One table as its settings class. Raises Rejected after the problems of all its keys are added."""
        before = len(self._problems)
        hints = key_types(settings_class)
        known = {attribute.name: attribute for attribute in attrs.fields(settings_class)}
        for name in content:
            if name not in known:
                self._refuse_unknown(name, content[name], ", ".join(known))
        values = {}
        for name, attribute in known.items():
            key = described(attribute)
            if name not in content:
                if attribute.default is attrs.NOTHING:
                    self._problems.add(place.inside(name), f"is missing: {key.about}")
                continue
            try:
                values[name] = self.value(hints[name], content[name], key, required=attribute.default is attrs.NOTHING)
            except Rejected:
                continue
        if len(self._problems) > before:
            raise Rejected
        return settings_class(**values)

    def _refuse_unknown(self, name: str, given: PlacedValue, allowed: str) -> None:
        """The value is shown unless somebody wrote a secret where the name of its file belongs."""
        value = None if any(word in name.lower() for word in _SECRET_WORDS) else given.value
        self._problems.add(given.place, "unknown key", value=value, allowed=allowed)

    def value(self, annotation: Any, given: PlacedValue, key: Key, *, required: bool) -> object:  # noqa: ANN401
        """One value as its annotation wants it. Raises Rejected after its problem is added."""
        inner = optional_of(annotation)
        if inner is not None:
            if attrs.has(inner) and given.value is False:
                return None
            annotation = inner
        origin = typing.get_origin(annotation)
        if attrs.has(annotation):
            return self.table(annotation, self._placed_table(given, key), given.place)
        if origin is tuple:
            return self._members(typing.get_args(annotation)[0], given, key)
        if origin is dict:
            return self._mapping(typing.get_args(annotation)[1], given, key)
        if origin is types.UnionType:
            return self._plain(typing.get_args(annotation), given, key)
        if annotation is Path:
            return self._path(given, key)
        if annotation is str:
            return self._text(given, key, required=required)
        return self._plain((annotation,), given, key)

    def _placed_table(self, given: PlacedValue, key: Key) -> dict[str, PlacedValue]:
        if not isinstance(given.value, dict):
            raise self._reject(given, key, "must be a table")
        return {str(name): PlacedValue(value, given.place.inside(str(name))) for name, value in given.value.items()}

    def _members(self, annotation: Any, given: PlacedValue, key: Key) -> tuple[object, ...]:  # noqa: ANN401
        if not isinstance(given.value, list):
            raise self._reject(given, key, "must be a list")
        members = []
        rejected = False
        for index, element in enumerate(given.value):
            placed = PlacedValue(element, given.place.inside(index))
            try:
                members.append(self.value(annotation, placed, key, required=True))
            except Rejected:
                rejected = True
        if rejected:
            raise Rejected
        return tuple(members)

    def _mapping(self, annotation: Any, given: PlacedValue, key: Key) -> dict[str, object]:  # noqa: ANN401
        content = self._placed_table(given, key)
        if annotation is Any:  # a script step, which has its own compiler
            return {name: placed.value for name, placed in content.items()}
        return {name: self.value(annotation, placed, key, required=True) for name, placed in content.items()}

    def _plain(self, kinds: tuple[Any, ...], given: PlacedValue, key: Key) -> object:
        """A number or a truth value; true is no number here, though Python thinks so."""
        value = given.value
        if isinstance(value, bool):
            if bool in kinds:
                return value
        elif isinstance(value, int) and int in kinds:
            return self._in_range(value, given, key)
        elif isinstance(value, int | float) and float in kinds and math.isfinite(value):
            return float(self._in_range(value, given, key))
        wanted = " or ".join(_KIND_NAMES[kind] for kind in kinds if kind in _KIND_NAMES)
        raise self._reject(given, key, f"must be {wanted}")

    def _in_range(self, value: float, given: PlacedValue, key: Key) -> float:
        if (key.low is not None and value < key.low) or (key.high is not None and value > key.high):
            raise self._reject(given, key, f"is out of range: {key.about}")
        return value

    def _text(self, given: PlacedValue, key: Key, *, required: bool) -> str:
        value = given.value
        if not isinstance(value, str):
            raise self._reject(given, key, "must be a text")
        if key.choices and value not in key.choices:
            raise self._reject(given, key, f"is not allowed: {key.about}")
        if not value:
            if required:
                raise self._reject(given, key, f"must not be empty: {key.about}")
            return value
        if key.max_bytes is not None and not _fits(value, key.max_bytes):
            raise self._reject(given, key, "is too long or holds characters that the protocol cannot carry")
        if key.form is not None:
            problem = form_problem(key.form, value)
            if problem is not None:
                raise self._reject(given, key, problem)
        return value

    def _path(self, given: PlacedValue, key: Key) -> Path:
        if not isinstance(given.value, str) or not given.value or "\0" in given.value:
            raise self._reject(given, key, "must be the name of a file" if key.form is Form.FILE else "must be a path")
        if key.form is not Form.FILE:
            return self._finder.beside(given.value)
        path = self._finder.find(given.value)
        problem = self._finder.problem(path)
        if problem is not None:
            self._problems.add(given.place, f"{path} {problem}", value=given.value, allowed=Form.FILE.value)
            raise Rejected
        return path

    def _reject(self, given: PlacedValue, key: Key, problem: str) -> Rejected:
        self._problems.add(given.place, problem, value=given.value, allowed=allowed_text(key))
        return Rejected()


_KIND_NAMES: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}


def allowed_text(key: Key) -> str | None:
    """What a key allows, in words; None when its type says it all."""
    if key.choices:
        return ", ".join(key.choices)
    if key.form is not None:
        return key.form.value
    if key.max_bytes is not None:
        return f"1 to {key.max_bytes} Latin-1 characters, no control characters"
    if key.low is not None and key.high is not None:
        return f"{key.low:_} to {key.high:_}".replace("_", ",")
    return None


def _fits(value: str, max_bytes: int) -> bool:
    """Whether a text can stand in a field of so many Latin-1 bytes, one character a byte."""
    printable = all(ord(character) <= 0xFF and character.isprintable() for character in value)
    return printable and len(value) <= max_bytes
