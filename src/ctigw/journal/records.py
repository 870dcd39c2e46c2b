"""Records as bytes: values of the engine's classes, written by field order, read by field name.

Knows how to take a class apart by its own type hints, so that no field is written down twice. Must not know which
classes there are, nor batches or files. A record is written as its class's number and its fields in order; a schema,
kept once beside the records, says which name and which field names belong to a number. So the bytes carry no names, and
a newer version still finds each field by its name:

* a field that the class has and the schema has not takes its default; without one the record is refused;
* a field or a class that the schema has and this version has not is refused: it said something that would be lost;
* what was renamed stands in a table.

A record in a field of another one that is the same object as the last of its class is written as nil.

Encoding is msgpack through msgspec: its typed decoders check every value against the hints in C (performance, what
things cost).
"""

import hashlib
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from operator import attrgetter
from typing import Any, NamedTuple

import attrs
import msgspec

from ctigw.config.routing import RoutingSettings
from ctigw.errors import JournalVersionError
from ctigw.journal.settings_document import settings_document, settings_of

DIGEST_BYTES = 16
"""BLAKE2b truncated to 128 bits: no two documents of one site will ever share it."""

NATIVE = (int, str, bytes, bool, float, type(None))
"""What msgpack writes by itself."""

Value = Any  # one value of a field, of whatever type its class says
Convert = Callable[[Value], Value]


def digest(document: bytes) -> bytes:
    """Name of a document by its content."""
    return hashlib.blake2b(document, digest_size=DIGEST_BYTES).digest()


DOCUMENTS: dict[Any, tuple[Convert, Convert]] = {RoutingSettings: (settings_document, settings_of)}
"""Classes that are written as the documents that the journal has of them anyway, and not taken apart."""


class Renamed(NamedTuple):
    """Names of today by those that older versions wrote."""

    classes: Mapping[str, str] = {}
    fields: Mapping[tuple[str, str], str] = {}
    """By today's class name and the field's older name."""


class _Scope(NamedTuple):
    """What plans of one writer or reader share."""

    layouts: Mapping[str, tuple[str, ...]]
    """Field names by class name, in the order in which they are written."""
    last: dict[type, Any]
    """The record of each class that was met last, since `begin`."""


class _Plan(NamedTuple):
    """How values of one type hint are written and read."""

    wire: Any  # the type that msgspec decodes, itself a type expression
    out: Convert | None = None
    """None: msgspec writes the value as it is."""
    back: Convert | None = None


class RecordWriter:
    """Writes records of the classes given, as they are today."""

    def __init__(self, kinds: Iterable[type]) -> None:
        """TypeError when two classes share a name, or a field has a type that cannot be written."""
        known = _reachable(kinds)
        numbers = {name: number for number, name in enumerate(sorted(known))}
        layouts = {name: _field_names(kind) for name, kind in known.items()}
        scope = _Scope(layouts, {})
        self.begin = scope.last.clear
        """To be called where a reader may begin: from there on a record may be written as the repetition of another."""
        self._parts: dict[type, tuple[int, Convert]] = {
            kind: (numbers[kind.__name__], _taker(kind, scope)) for kind in known.values() if attrs.has(kind)
        }
        self.schema: bytes = msgspec.json.encode([[name, layouts[name]] for name in sorted(known)])
        """What a reader needs to know: JSON, names of classes with the names of their fields."""
        self.schema_digest = digest(self.schema)

    def parts(self, record: object) -> tuple[int, Value]:
        """The record as its class's number and its fields, ready for msgpack. KeyError: not one of the classes."""
        number, take = self._parts[type(record)]
        return number, take(record)


class RecordReader:
    """Reads records that were written with one schema, by this version or another."""

    def __init__(self, kinds: Iterable[type], schema: bytes, renamed: Renamed | None = None) -> None:
        """JournalVersionError when the schema is none."""
        self._known = _reachable(kinds)
        self._renamed = renamed or Renamed()
        try:
            written = msgspec.json.decode(schema, type=list[tuple[str, tuple[str, ...]]])
        except msgspec.DecodeError as error:
            raise JournalVersionError(f"schema of records does not parse: {error}") from error
        self._names = [self._renamed.classes.get(name, name) for name, _ in written]
        layouts = {
            name: tuple(self._renamed.fields.get((name, field), field) for field in fields)
            for name, (_, fields) in zip(self._names, written, strict=True)
        }
        self._scope = _Scope(layouts, {})
        self.begin = self._scope.last.clear
        """To be called wherever the writer's was."""
        self._makers: dict[int, Callable[[msgspec.Raw], Value]] = {}

    def record(self, number: int, fields: msgspec.Raw) -> Value:
        """The record. JournalVersionError names class and field when this version does not know what was written."""
        make = self._makers.get(number)
        if make is None:
            make = self._makers[number] = self._maker(number)
        try:
            return make(fields)
        except (msgspec.DecodeError, ValueError) as error:
            raise JournalVersionError(f"{self._names[number]}: {error}") from error

    def _maker(self, number: int) -> Callable[[msgspec.Raw], Value]:
        if not 0 <= number < len(self._names):
            raise JournalVersionError(f"record of class number {number}, of which the schema knows nothing")
        name = self._names[number]
        kind = self._known.get(name)
        if kind is None or not attrs.has(kind):
            raise JournalVersionError(f"record of class {name}, which this version does not know")
        plan = _plan_record(kind, self._scope)
        decode = msgspec.msgpack.Decoder(plan.wire).decode
        back = typing.cast(Convert, plan.back)
        return lambda fields: back(decode(fields))


def _reachable(kinds: Iterable[type]) -> dict[str, type]:
    """Records and named tuples that the classes are made of, by name."""
    known: dict[str, type] = {}
    todo: list[Any] = list(kinds)
    while todo:
        hint = todo.pop()
        if hint in DOCUMENTS:
            continue
        if not _has_fields(hint):
            todo.extend(typing.get_args(hint))
            continue
        other = known.get(hint.__name__)
        if other is None:
            known[hint.__name__] = hint
            todo.extend(_hints(hint).values())
        elif other is not hint:
            raise TypeError(f"{hint} and {other} have the same name")
    return known


def _has_fields(hint: Value) -> bool:
    return isinstance(hint, type) and (attrs.has(hint) or (issubclass(hint, tuple) and hasattr(hint, "_fields")))


def _field_names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - an attrs class or a named tuple
    return tuple(field.name for field in attrs.fields(kind)) if attrs.has(kind) else tuple(kind._fields)


def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {name: hints[name] for name in _field_names(kind)}


def _plan(hint: Any, scope: _Scope) -> _Plan:  # noqa: ANN401 - any type hint
    """Take a type hint apart."""
    origin: Any = typing.get_origin(hint)
    members = typing.get_args(hint)
    if hint in DOCUMENTS:
        return _Plan(bytes, *DOCUMENTS[hint])
    if attrs.has(hint):
        return _plan_record(hint, scope)
    if hint in NATIVE or (isinstance(hint, type) and issubclass(hint, Enum)):
        return _Plan(hint)
    if _has_fields(hint):
        return _plan_named_tuple(hint, scope)
    if origin in (typing.Union, types.UnionType):
        return _plan_optional(hint, [member for member in members if member is not type(None)], scope)
    if origin is tuple:
        return _plan_tuple(hint, members, scope)
    raise TypeError(f"values of type {hint} cannot be written to the journal")


def _plan_optional(hint: Value, members: list[Any], scope: _Scope) -> _Plan:
    plans = [_plan(member, scope) for member in members]
    if all(plan.out is None for plan in plans):
        return _Plan(hint)
    if len(plans) > 1:
        raise TypeError(f"{hint}: a union of records cannot be told apart in the journal")
    wire, out, back = plans[0]
    return _Plan(
        wire | None,
        lambda value: None if value is None else typing.cast(Convert, out)(value),
        lambda value: None if value is None else typing.cast(Convert, back)(value),
    )


def _plan_tuple(hint: Value, members: tuple[Any, ...], scope: _Scope) -> _Plan:
    plans = [_plan(member, scope) for member in members if member is not Ellipsis]
    if all(plan.out is None for plan in plans):
        return _Plan(hint)
    if len(members) != 2 or members[1] is not Ellipsis:
        raise TypeError(f"{hint}: records in a tuple of fixed length cannot be written to the journal")
    wire, out, back = plans[0]
    return _Plan(
        tuple[wire, ...],  # type: ignore[valid-type]  # made of data
        lambda values: tuple(map(typing.cast(Convert, out), values)),
        lambda values: tuple(map(typing.cast(Convert, back), values)),
    )


def _plan_named_tuple(kind: Any, scope: _Scope) -> _Plan:  # noqa: ANN401 - typing has no type for named tuple classes
    """Written as it is, so what an older version wrote must be its beginning; the rest takes its defaults."""
    written, fields = scope.layouts[kind.__name__], kind._fields
    if written != fields[: len(written)]:
        raise JournalVersionError(f"{kind.__name__} was written with fields {written}, this version has {fields}")
    if any(_plan(member, scope).out is not None for member in _hints(kind).values()):
        raise TypeError(f"{kind.__name__}: records in a named tuple cannot be written to the journal")
    return _Plan(kind)


def _plan_record(kind: type, scope: _Scope) -> _Plan:
    """Fields in the order in which they were written."""
    written, hints = scope.layouts[kind.__name__], _hints(kind)
    for name in written:
        if name not in hints:
            raise JournalVersionError(f"{kind.__name__}.{name} was written, but this version does not know the field")
    for field in attrs.fields(kind):
        if field.name not in written and field.default is attrs.NOTHING:
            raise JournalVersionError(f"{kind.__name__}.{field.name} was not written, and it has no default")
    plans = [_field_plan(hints[name], scope) for name in written]
    wire = tuple[tuple(plan.wire for plan in plans)] if plans else tuple[()]  # type: ignore[misc]  # made of data
    backs = [(place, plan.back) for place, plan in enumerate(plans) if plan.back is not None]
    return _Plan(wire, _taker(kind, scope), _maker(kind, written, backs))


def _field_plan(hint: Any, scope: _Scope) -> _Plan:  # noqa: ANN401 - any type hint
    """A record in a field may be the very one that was written last: a task's context goes with most of its events."""
    plan = _plan(hint, scope)
    if not attrs.has(hint):
        return plan
    out, back, last = typing.cast(Convert, plan.out), typing.cast(Convert, plan.back), scope.last

    def write(record: Value) -> Value:
        if last.get(hint) is record:
            return None
        last[hint] = record
        return out(record)

    def read(value: Value) -> Value:
        if value is None:
            if hint not in last:
                raise ValueError(f"repeats a {hint.__name__}, and there was none")
            return last[hint]
        last[hint] = made = back(value)
        return made

    return _Plan(plan.wire | None, write, read)


def _taker(kind: type, scope: _Scope) -> Convert:
    """Takes the fields out of a record of today."""
    names, hints = _field_names(kind), _hints(kind)
    plans = [_field_plan(hints[name], scope) for name in names]
    outs = [(place, plan.out) for place, plan in enumerate(plans) if plan.out is not None]
    if not names:
        return lambda record: ()
    get = attrgetter(*names)
    if len(names) == 1:
        only = outs[0][1] if outs else None
        return (lambda record: (get(record),)) if only is None else (lambda record: (only(get(record)),))
    if not outs:
        return get

    def take(record: Value) -> Value:
        values = list(get(record))
        for place, out in outs:
            values[place] = out(values[place])
        return values

    return take


def _maker(kind: type, written: tuple[str, ...], backs: list[tuple[int, Convert]]) -> Convert:
    """Makes a record from its fields; by position when they were written in today's order."""
    if written == _field_names(kind)[: len(written)] and not any(field.kw_only for field in attrs.fields(kind)):
        if not backs:
            return lambda values: kind(*values)

        def make(values: Value) -> Value:
            fields = list(values)
            for place, back in backs:
                fields[place] = back(fields[place])
            return kind(*fields)

        return make

    def make_by_name(values: Value) -> Value:
        fields = list(values)
        for place, back in backs:
            fields[place] = back(fields[place])
        return kind(**dict(zip(written, fields, strict=True)))

    return make_by_name
