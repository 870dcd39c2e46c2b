"""The engine's state as bytes, and back.

Knows how records and containers are taken apart, and which parts of a state are configuration or follow from the rest.
Must not know what any of it means: a field that the state gains is kept without a word here, and a value that cannot be
kept is refused when the image is made, which every test of histories does. Rules: decisions F1.

An image names the classes it uses with their fields, so that a newer version finds fields by name, as in
`ctigw.journal.records`. What is configured (agents, domains, scripts, queues) is named by its key and looked up in the
configuration that the state is restored under. Indexes that only repeat what records say are built anew.
"""

import importlib
import pkgutil
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache, partial
from inspect import signature
from operator import attrgetter
from typing import Any, Protocol, runtime_checkable

import attrs
import msgspec

from ctigw import routing
from ctigw.config.routing import Agent, MediaRoutingDomain, RoutingSettings
from ctigw.errors import JournalVersionError
from ctigw.journal.collection import no_collection
from ctigw.journal.rebuilding import KeptQueue, missing, rebuild
from ctigw.journal.records import Renamed
from ctigw.routing.heap import OrderedHeap
from ctigw.routing.scripts.steps import CompiledScript
from ctigw.routing.state import AgentDomain, State
from ctigw.routing.statistics.book import Book
from ctigw.routing.statistics.ledgers import QueueLedger
from ctigw.routing.terms import QueueKind

Value = Any  # anything that a state holds
Fields = tuple[str, ...]

CONFIGURATION = frozenset(
    {
        "settings",
        "side",
        "mrds",
        "agents",
        "agents_by_number",
        "agents_by_bare_number",
        "selectors",
        "scripts",
        "paths",
        "_positions",
        "_precision",
        "groups",
        "mrd_of_queue",
        "queues_by_id",
        "last_agent_keys",
    }
)
"""Attributes of State that follow from the settings."""

REBUILT = frozenset({"queues", "words"})
"""Attributes of State whose contents `ctigw.journal.rebuilding` puts together again."""

SCRATCH = frozenset({"touched", "unsettled"})
"""Attributes of State that are empty between two inputs."""

LEFT_OUT: dict[type, frozenset[str]] = {
    AgentDomain: frozenset({"memberships", "queues", "matched"}),
    Book: frozenset({"labels"}),
    QueueLedger: frozenset({"members"}),
}
"""Fields of records that follow from the configuration."""


def _no_members(state: State, ledger: QueueLedger) -> None:
    ledger.members = []  # `ctigw.journal.rebuilding` fills it


FINISH: dict[type, Callable[[State, Any], None]] = {
    AgentDomain: lambda state, domain: state.find_queues(domain),
    QueueLedger: _no_members,
}
"""What is done with a record once its fields are there, for those that are left out."""

CONFIGURED: dict[type, tuple[str, Callable[[Any], Any], Callable[[State], dict[Any, Any]]]] = {
    Agent: ("agent", lambda agent: agent.skill_target_id, lambda state: state.agents),
    MediaRoutingDomain: ("media_routing_domain", lambda mrd: mrd.id, lambda state: state.mrds),
    CompiledScript: ("call_type", lambda script: script.name, lambda state: state.scripts),
}
"""What is named by a key: table of the configuration, key, and where it is looked up."""


TUPLE, LIST, DICT, ORDERED_DICT, COUNTER, DEQUE, HEAP, CONFIGURED_ROW, AGAIN, PLAIN_TUPLE = range(10)
"""How an array of the image is to be read, its first member. AGAIN: what was met before, by its number."""
FIRST_CLASS = 16
"""Number of the first class, an array with the fields of one object; leaves room for more kinds."""

_PLAIN = frozenset({type(None), bool, int, float, str, bytes})
_TABLES: dict[type, int] = {dict: DICT, OrderedDict: ORDERED_DICT, Counter: COUNTER}


_Image = tuple[list[tuple[str, Fields]], dict[str, Any], list[KeptQueue]]
"""Classes with their fields; State's attributes; of each queue name, domain, places of its tasks, and departures."""

RENAMED = Renamed()
"""Classes, as `module.Class`, and fields renamed since a release."""


def freeze(state: State) -> bytes:
    """The state as bytes, between two inputs. TypeError: it holds something that cannot be kept."""
    for name in SCRATCH:
        if getattr(state, name):
            raise TypeError(f"State.{name} is not empty: an input is being handled")
    with no_collection():
        return _image(state)


def _image(state: State) -> bytes:
    writer = _Writer()
    kept = {
        name: writer.value(value)
        for name, value in vars(state).items()
        if name not in CONFIGURATION | REBUILT | SCRATCH
    }
    queues = [
        (
            writer.value(queue.ref),
            queue.mrd_id,
            writer.values(queue.tasks.values()),
            writer.value(queue.departures),
        )
        for queue in state.queues.values()
        if queue.tasks or queue.departures.slots() or queue.ref.kind is QueueKind.AGENT
    ]
    return msgspec.msgpack.encode((writer.classes(), kept, queues))


def thaw(image: bytes, settings: RoutingSettings, side: str, renamed: Renamed = RENAMED) -> State:
    """The state under these settings.

    JournalVersionError: the image is of a newer version, or none. ConfigurationError: the settings no longer have what
    the state holds on to, an agent who is signed in or a queue with tasks.
    """
    with no_collection():
        try:
            classes, kept, queues = msgspec.msgpack.decode(image, type=_Image)
        except (msgspec.DecodeError, ValueError) as error:
            raise JournalVersionError(f"image of the state does not parse: {error}") from error
        state = State(settings, side)
        reader = _Reader(state, classes, renamed)
        for name, value in kept.items():
            if name not in vars(state):
                raise JournalVersionError(f"State.{name} was kept, but this version does not know it")
            _take_over(state, name, reader.value(value))
        rebuild(
            state,
            [
                (reader.value(ref), mrd_id, list(map(reader.value, places)), reader.value(left))
                for ref, mrd_id, places, left in queues
            ],
        )
    return state


@runtime_checkable
class MadeFromSettings(Protocol):
    """An attribute of State that is there from the beginning, with an account for each thing configured."""

    def take_over(self, kept: Any, /) -> None:  # noqa: ANN401 - another one of the same class
        """Become what was kept, as far as the settings still have what it is about."""


def _take_over(state: State, name: str, kept: Value) -> None:
    begun = getattr(state, name)
    if isinstance(begun, MadeFromSettings):
        begun.take_over(kept)
    else:
        setattr(state, name, kept)


def _fields(kind: type) -> Fields:
    """Names of what an object of the class consists of."""
    if attrs.has(kind):
        names: Fields = tuple(field.name for field in attrs.fields(kind))
    elif issubclass(kind, tuple):
        names = tuple(kind._fields)  # type: ignore[attr-defined]  # a named tuple, see `_classes`
    elif issubclass(kind, Enum):
        names = ()
    else:
        names = tuple(name for base in reversed(kind.__mro__) for name in getattr(base, "__slots__", ()))
    return tuple(name for name in names if name not in LEFT_OUT.get(kind, ()))


def _name(kind: type) -> str:
    return f"{kind.__module__.removeprefix(routing.__name__ + '.')}.{kind.__qualname__}"


def _has_identity(kind: type) -> bool:
    """Whether two equal objects of the class are two: then one object must stay one."""
    return all("__eq__" not in vars(base) for base in kind.__mro__[:-1])


class _Writer:
    """Takes values apart."""

    def __init__(self) -> None:
        self._classes: dict[type, tuple[int, Fields]] = {}
        self._met: dict[int, int] = {}
        self._count = 0
        """Objects and named tuples so far: the number of the next one, for AGAIN."""
        self._containers: set[int] = set()
        self._ways: dict[type, Callable[[Any], Any]] = {
            tuple: self._tuple,
            list: self._list,
            deque: self._deque,
            OrderedHeap: self._heap,
        }
        for kind, number in _TABLES.items():
            self._ways[kind] = self._table(number)
        for kind, (table, key, _) in CONFIGURED.items():
            self._ways[kind] = self._configured(table, key)

    def value(self, value: Value) -> Value:
        """What msgpack writes for the value."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        way = self._ways.get(kind)
        if way is None:
            way = self._ways[kind] = self._way(kind)
        return way(value)

    def classes(self) -> list[tuple[str, Fields]]:
        """Names and fields of the classes met, in order of their numbers."""
        return [(_name(kind), fields) for kind, (_, fields) in self._classes.items()]

    def values(self, values: Any) -> list[Any]:  # noqa: ANN401 - any container
        """All of them. Most are plain, and looking at them all at once is quick."""
        if _PLAIN.issuperset(map(type, values)):
            return list(values)
        return [each if type(each) in _PLAIN else self.value(each) for each in values]

    def _way(self, kind: type) -> Callable[[Any], Any]:
        known = _classes().get(_name(kind))
        if known is not kind:
            raise TypeError(f"a state holds a {kind}, which an image cannot keep")
        fields = _fields(kind)
        number = FIRST_CLASS + len(self._classes)
        self._classes[kind] = (number, fields)
        if issubclass(kind, Enum):
            members = {member: (number, member.value) for member in kind}
            return members.__getitem__
        if issubclass(kind, tuple):
            return self._named_tuple(number)
        get = attrgetter(*fields, "__class__")  # with one name more it gives a tuple whatever the number of fields
        if not _has_identity(kind):
            return lambda record: (number, *self.values(get(record)[:-1]))
        return lambda record: self._object(record, number, get)

    def _object(self, record: Value, number: int, get: Callable[[Any], tuple[Any, ...]]) -> Value:
        before = self._met.get(id(record))
        if before is not None:
            return (AGAIN, before)
        self._met[id(record)] = self._count
        self._count += 1
        return (number, *self.values(get(record)[:-1]))

    def _named_tuple(self, number: int) -> Callable[[Any], Any]:
        """Ids of tasks and queues stand in many places: once is enough, and they are one object after reading."""
        known: dict[Any, int] = {}

        def write(values: tuple[Any, ...]) -> Value:
            before = known.get(values)
            if before is not None:
                return (AGAIN, before)
            parts = (number, *self.values(values))
            known[values] = self._count
            self._count += 1
            return parts

        return write

    def _heap(self, heap: OrderedHeap[Any]) -> Value:
        self._once(heap)
        return (HEAP, *[self.values(entry) for entry in heap.in_order()])

    def _tuple(self, values: tuple[Any, ...]) -> Value:
        """The context of a task that waits is a long one of plain values."""
        if _PLAIN.issuperset(map(type, values)):
            return (PLAIN_TUPLE, values)
        return (TUPLE, *self.values(values))

    def _list(self, values: list[Any]) -> Value:
        self._once(values)
        return (LIST, *self.values(values))

    def _deque(self, values: deque[Any]) -> Value:
        self._once(values)
        return (DEQUE, values.maxlen, *self.values(values))

    def _table(self, kind: int) -> Callable[[Any], Any]:
        def write(table: dict[Any, Any]) -> Value:
            self._once(table)
            return (kind, self.values(table), self.values(table.values()))

        return write

    def _configured(self, table: str, key: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda thing: (CONFIGURED_ROW, table, key(thing))

    def _once(self, container: object) -> None:
        """A container that two records share would be two after reading."""
        if id(container) in self._containers:
            raise TypeError(f"a state holds the same {type(container).__name__} in two places")
        self._containers.add(id(container))


class _Reader:
    """Puts values together."""

    def __init__(self, state: State, classes: list[tuple[str, Fields]], renamed: Renamed) -> None:
        self._state = state
        self._classes = classes
        self._renamed = renamed
        self._objects: list[Any] = []
        self._ways: dict[int, Callable[[list[Any]], Any]] = {
            TUPLE: lambda parts: tuple(self._rest(parts)),
            PLAIN_TUPLE: lambda parts: tuple(parts[1]),
            LIST: self._rest,
            DICT: lambda parts: dict(self._pairs(parts)),
            ORDERED_DICT: lambda parts: OrderedDict(self._pairs(parts)),
            COUNTER: lambda parts: Counter(dict(self._pairs(parts))),
            DEQUE: lambda parts: deque(self._rest(parts)[1:], parts[1]),
            AGAIN: lambda parts: self._objects[parts[1]],
            HEAP: self._heap,
            CONFIGURED_ROW: self._configured,
        }

    def value(self, value: Value) -> Value:
        """The value that was taken apart."""
        if type(value) is not list:
            return value
        way = self._ways.get(value[0])
        if way is None:
            way = self._ways[value[0]] = self._way(value[0])
        return way(value)

    def _rest(self, parts: list[Any]) -> list[Any]:
        return [self.value(part) if type(part) is list else part for part in parts[1:]]

    def _pairs(self, parts: list[Any]) -> Iterator[tuple[Any, Any]]:
        keys = list(map(self.value, parts[1]))
        return zip(keys, map(self.value, parts[2]), strict=True)

    def _heap(self, parts: list[Any]) -> OrderedHeap[Any]:
        heap: OrderedHeap[Any] = OrderedHeap()
        entries = [tuple(map(self.value, entry)) for entry in parts[1:]]
        heap.fill(entries)
        return heap

    def _configured(self, parts: list[Any]) -> Value:
        _, table, key = parts
        for name, _, where in CONFIGURED.values():
            if name == table:
                found = where(self._state).get(key)
                if found is None:
                    raise missing(table, key)
                return found
        raise JournalVersionError(f"image refers to the table {table}, which this version does not know")

    def _way(self, number: int) -> Callable[[list[Any]], Any]:
        if not FIRST_CLASS <= number < FIRST_CLASS + len(self._classes):
            raise JournalVersionError(f"image has an array of kind {number}, which this version does not know")
        written_name, written = self._classes[number - FIRST_CLASS]
        name = self._renamed.classes.get(written_name, written_name)
        kind = _classes().get(name)
        if kind is None:
            raise JournalVersionError(f"image has a {name}, which this version does not know")
        if issubclass(kind, Enum):
            members = {member.value: member for member in kind}
            return lambda parts: members[parts[1]]
        names = tuple(self._renamed.fields.get((name, field), field) for field in written)
        known = _fields(kind)
        for field in names:
            if field not in known:
                raise JournalVersionError(f"{name}.{field} was kept, but this version does not know the field")
        if _has_identity(kind):
            return self._object_way(kind, names)
        return self._value_way(kind, names, known)

    def _value_way(self, kind: type, names: Fields, known: Fields) -> Callable[[list[Any]], Any]:
        objects, numbered = self._objects, issubclass(kind, tuple)
        in_order = names == known[: len(names)]

        def make(parts: list[Any]) -> Value:
            fields = self._rest(parts)
            value = kind(*fields) if in_order else kind(**dict(zip(names, fields, strict=True)))
            if numbered:
                objects.append(value)
            return value

        return make

    def _object_way(self, kind: type, names: Fields) -> Callable[[list[Any]], Any]:
        """The object is there before its fields are, because they may lead back to it."""
        begin, finish = _beginner(kind, names), FINISH.get(kind)

        def make(parts: list[Any]) -> Value:
            made = begin()
            self._objects.append(made)
            for name, value in zip(names, parts[1:], strict=True):
                setattr(made, name, self.value(value) if type(value) is list else value)
            if finish is not None:
                finish(self._state, made)
            return made

        return make


def _beginner(kind: type, names: Fields) -> Callable[[], Any]:
    """Makes an object with the defaults of what an older version did not write."""
    if not attrs.has(kind):
        needed = [each for each in signature(kind).parameters.values() if each.default is each.empty]
        return partial(object.__new__, kind) if needed else kind
    missing = [field for field in attrs.fields(kind) if field.name not in names and field.name in _fields(kind)]
    for field in missing:
        if field.default is attrs.NOTHING:
            raise JournalVersionError(f"{_name(kind)}.{field.name} was not kept, and it has no default")

    def begin() -> Value:
        made = object.__new__(kind)
        for field in missing:
            default: Any = field.default
            setattr(made, field.name, default.factory() if hasattr(default, "factory") else default)
        return made

    return begin


@cache
def _classes() -> dict[str, type]:
    """Every class of the engine by the name that it has in images."""
    found: dict[str, type] = {}
    for place in pkgutil.walk_packages(routing.__path__, routing.__name__ + "."):
        module = importlib.import_module(place.name)
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == place.name:
                found[_name(kind)] = kind
    return found
