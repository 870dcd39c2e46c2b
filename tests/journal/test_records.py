"""Every input and event comes back as it went, and what versions wrote before us is read by name."""

import typing
from typing import Any, NamedTuple, cast

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ctigw.config.routing import RoutingSettings
from ctigw.errors import JournalVersionError
from ctigw.journal.entries import KINDS, Entry, EntryReader, EntryWriter
from ctigw.journal.records import RecordReader, RecordWriter, Renamed
from ctigw.routing.events import TaskAccepted
from ctigw.routing.facts import Event
from ctigw.routing.inputs import CancelTask, DialogueKey, Input, NewTask, TaskContext, TaskId, Variable
from routing_site import agent
from routing_site import settings as site_settings

WHOLE = {
    int: st.integers(-(2**63), 2**63 - 1),
    str: st.text(st.characters(max_codepoint=0xFF)),
    float: st.floats(allow_nan=False),
    RoutingSettings: st.sampled_from((RoutingSettings(), site_settings(agents=(agent(101, english=7),)))),
}
"""What the engine's values are made of: 64 bits, Latin-1, instants; and whole configurations."""


def values(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any type hint
    """Values of a type hint."""
    if hint in WHOLE:
        return WHOLE[hint]
    origin, members = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if members[-1] is Ellipsis:
            return st.lists(values(members[0]), max_size=3).map(tuple)
        return st.tuples(*map(values, members))
    if members:
        return st.one_of(*map(values, members))
    if attrs.has(hint) or hasattr(hint, "_fields"):
        hints = typing.get_type_hints(hint)
        names = [field.name for field in attrs.fields(hint)] if attrs.has(hint) else hint._fields
        return st.builds(hint, **{name: values(hints[name]) for name in names})
    return st.from_type(hint)


WRITER = EntryWriter()
READER = EntryReader(WRITER.schema)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_record_of_every_class_comes_back_equal_and_of_the_same_types(kind: type) -> None:
    carrier = CancelTask(DialogueKey(1, 2), 3)

    @hypothesis_settings(max_examples=25, deadline=None)
    @given(values(kind), st.floats(allow_nan=False))
    def comes_back(record: Event, at: float) -> None:
        entry = Entry(at, cast(Input, record), (record, cast(Event, carrier), record))
        payload = WRITER.payload([WRITER.encode(*entry), WRITER.encode(at, carrier, [])])
        first, second = READER.entries(payload)
        assert first == entry
        assert repr(first) == repr(entry)  # an enum member is no bare number, a named tuple no bare tuple
        assert second == Entry(at, carrier, ())

    comes_back()


def accepted(context: TaskContext) -> TaskAccepted:
    return TaskAccepted(TaskId(1, 1, 1), DialogueKey(1, 2), 5001, "ct", 1, 0, None, context)


def test_context_that_goes_with_several_events_is_written_once_for_each_input() -> None:
    one, other = TaskContext("8000", (), b"u" * 500), TaskContext("8001", (), b"v" * 500)
    item = NewTask(DialogueKey(1, 2), one)
    followed = [accepted(one), accepted(other), accepted(other), accepted(one)]
    encoded = WRITER.encode(1.0, item, followed)
    assert 3 * 500 < len(encoded) < 4 * 500
    again = WRITER.encode(2.0, item, [])
    first, second = READER.entries(WRITER.payload([encoded, again]))
    assert first == Entry(1.0, item, tuple(followed))
    assert [second] == READER.entries(WRITER.payload([again])) == [Entry(2.0, item, ())]


def test_repetition_of_nothing_is_refused() -> None:
    item = NewTask(DialogueKey(1, 2), TaskContext("8000", (), b"mark"))
    good = WRITER.encode(1.0, item, [])
    (context,) = [part for part in msgspec.msgpack.decode(good)[1][1] if isinstance(part, list) and b"mark" in part]
    odd = good.replace(msgspec.msgpack.encode(context), b"\xc0")
    for payload in (WRITER.payload([odd]), WRITER.payload([good, odd])):
        with pytest.raises(JournalVersionError, match="NewTask: repeats a TaskContext"):
            READER.entries(payload)


def test_written_record_carries_no_names() -> None:
    item = NewTask(DialogueKey(1, 2), TaskContext("8000", (Variable("call.1", None, "v"),)))
    encoded = WRITER.encode(1.0, item, [])
    assert b"NewTask" not in encoded
    assert b"dialogue" not in encoded
    assert len(encoded) < 60


@pytest.mark.parametrize("value", ["\ud800", 2**64])
def test_value_that_cannot_be_written_is_an_error_at_once(value: str | int) -> None:
    number: Any = value
    item = NewTask(DialogueKey(1, 2), TaskContext("8000"), preferred_agent_number=number, queue_id=number)
    with pytest.raises((ValueError, OverflowError)):
        WRITER.encode(1.0, item, [])


# --- versions --------------------------------------------------------------------------------------------------------


class Point(NamedTuple):
    x: int
    y: int


@attrs.define
class Inner:
    words: tuple[str, ...]


@attrs.define
class Fact:
    number: int
    inner: Inner
    maybe: Inner | None
    many: tuple[Inner, ...]
    point: Point


ORIGIN = Point(0, 0)
FACT = Fact(7, Inner(("a", "b")), None, (Inner(()), Inner(("c",))), Point(1, 2))


def carried(record: object, kind: type, renamed: Renamed | None = None) -> Any:  # noqa: ANN401 - an object of `kind`
    """Written by the record's own version, read by one that has `kind`."""
    writer = RecordWriter([type(record)])
    number, fields = writer.parts(record)
    return RecordReader([kind], writer.schema, renamed).record(number, msgspec.Raw(msgspec.msgpack.encode(fields)))


def test_records_within_records_come_back() -> None:
    assert carried(FACT, Fact) == FACT


def test_field_that_is_new_takes_its_default() -> None:
    @attrs.define
    class Fact:
        inner: Inner
        number: int
        added: str = "default"
        maybe: Inner | None = None
        many: tuple[Inner, ...] = ()
        point: Point = ORIGIN

    read = carried(FACT, Fact)
    assert (read.number, read.inner, read.many, read.point) == (7, FACT.inner, FACT.many, FACT.point)
    assert read.added == "default"


def test_field_that_is_new_and_has_no_default_is_refused_by_name() -> None:
    @attrs.define
    class Fact:
        number: int
        inner: Inner
        maybe: Inner | None
        many: tuple[Inner, ...]
        point: Point
        added: str

    with pytest.raises(JournalVersionError, match=r"Fact\.added was not written"):
        carried(FACT, Fact)


def test_field_that_is_gone_is_refused_by_name() -> None:
    @attrs.define
    class Fact:
        number: int
        inner: Inner
        maybe: Inner | None
        many: tuple[Inner, ...]

    with pytest.raises(JournalVersionError, match=r"Fact\.point was written"):
        carried(FACT, Fact)


def test_class_that_is_gone_is_refused_by_name_when_a_record_of_it_comes() -> None:
    with pytest.raises(JournalVersionError, match="class Fact"):
        carried(FACT, Inner)


def test_renamed_class_and_field_are_found_by_the_table() -> None:
    @attrs.define
    class Deed:
        count: int
        inner: Inner
        maybe: Inner | None
        many: tuple[Inner, ...]
        point: Point

    renamed = Renamed({"Fact": "Deed"}, {("Deed", "number"): "count"})
    assert carried(FACT, Deed, renamed) == Deed(7, FACT.inner, None, FACT.many, FACT.point)


def test_value_of_another_type_is_refused_with_its_class() -> None:
    @attrs.define
    class Fact:
        number: str
        inner: Inner
        maybe: Inner | None
        many: tuple[Inner, ...]
        point: Point

    with pytest.raises(JournalVersionError, match=r"Fact: Expected `str`, got `int`"):
        carried(FACT, Fact)


def test_named_tuple_may_grow_at_its_end_and_not_change_otherwise() -> None:
    @attrs.define
    class Old:
        point: Point

    class Grown(NamedTuple):
        x: int
        y: int
        z: int = 9

    class Turned(NamedTuple):
        y: int
        x: int

    writer = RecordWriter([Old])
    number, fields = writer.parts(Old(Point(1, 2)))
    raw = msgspec.Raw(msgspec.msgpack.encode(fields))
    for shape, expected in ((Grown, (1, 2, 9)), (Turned, None)):
        shape.__name__ = "Point"
        kind = attrs.make_class("Old", {"point": attrs.field(type=shape)})
        reader = RecordReader([kind], writer.schema)
        if expected is None:
            with pytest.raises(JournalVersionError, match="Point was written with fields"):
                reader.record(number, raw)
        else:
            assert reader.record(number, raw).point == expected


def test_two_classes_of_one_name_are_refused() -> None:
    class Point(NamedTuple):
        z: int

    @attrs.define
    class Fact2:
        one: Point
        other: Fact

    with pytest.raises(TypeError, match="same name"):
        RecordWriter([Fact2])


@pytest.mark.parametrize("hint", [dict[str, int], list[int], Any, Inner | Fact, tuple[Inner, int]])
def test_types_that_would_not_come_back_are_refused_when_the_writer_is_made(hint: object) -> None:
    kind = attrs.make_class("Odd", {"field": attrs.field(type=cast(type, hint))})
    with pytest.raises(TypeError):
        RecordWriter([kind])


@pytest.mark.parametrize("schema", [b"", b"[", b'{"a": 1}', b'[["A"]]'])
def test_schema_that_is_none_is_refused(schema: bytes) -> None:
    with pytest.raises(JournalVersionError, match="schema"):
        RecordReader([Fact], schema)


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x91\x01", b"\x91\x93\x01\x92\x00\x90\x90"])
def test_payload_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(JournalVersionError):
        READER.entries(payload)
