"""Segments to streams: however a stream was cut, shuffled and repeated, the same bytes come out at the right moment."""

from itertools import pairwise

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from ctigw.replay.connections import Segment, Tracker
from ctigw.replay.reassembly import Assembly, Moment, Run

MODULUS = 2**32


@attrs.frozen
class Part:
    """One segment of a test."""

    start: int
    end: int
    syn: bool = False


def assembled(stream: bytes, first: int, parts: list[Part]) -> Assembly:
    """An assembly that has taken `parts` of `stream`; `first` is the sequence number of the SYN."""
    assembly = Assembly()
    for number, part in enumerate(parts):
        sequence = first if part.syn else first + 1 + part.start
        data = b"" if part.syn else stream[part.start : part.end]
        assembly.take(Moment(float(number), number), sequence % MODULUS, data, syn=part.syn)
    return assembly


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[bytes, int, list[Part]]:
    """A stream, its first sequence number, and segments that cover it all: overlapping, repeated, in any order."""
    stream = draw(st.binary(min_size=1, max_size=120))
    first = draw(st.integers(0, MODULUS - 1) | st.integers(MODULUS - 130, MODULUS - 1))
    places = sorted(draw(st.sets(st.integers(1, len(stream)), max_size=8)) | {0, len(stream)})
    cover = [Part(start, end) for start, end in pairwise(places)]
    offsets = st.integers(0, len(stream))
    more = [Part(min(pair), max(pair)) for pair in draw(st.lists(st.tuples(offsets, offsets), max_size=6))]
    opening = draw(st.sampled_from([[], [Part(0, 0, syn=True)], [Part(0, 0, syn=True)] * 2]))
    return stream, first, draw(st.permutations([*opening, *cover, *more]))


@given(cut_streams())
@settings(max_examples=300)
def test_any_shuffle_repetition_and_cut_gives_the_same_stream(case: tuple[bytes, int, list[Part]]) -> None:
    stream, first, parts = case
    assembly = assembled(stream, first, parts)
    (run,) = assembly.runs()
    assert (run.offset, run.data) == (0, stream)
    assert assembly.begun == any(part.syn for part in parts)


@given(cut_streams())
@settings(max_examples=200)
def test_a_byte_comes_when_it_and_all_before_it_have_been_captured(case: tuple[bytes, int, list[Part]]) -> None:
    stream, first, parts = case
    (run,) = assembled(stream, first, parts).runs()
    came = [min(n for n, p in enumerate(parts) if p.start <= i < p.end) for i in range(len(stream))]
    for count in range(1, len(stream) + 1):
        assert run.moment_of(count).packet == max(came[:count])


@given(cut_streams(), st.data())
@settings(max_examples=200)
def test_lost_bytes_leave_a_gap_and_everything_else_in_its_place(
    case: tuple[bytes, int, list[Part]], data: st.DataObject
) -> None:
    stream, first, parts = case
    lost = data.draw(st.sets(st.integers(0, len(parts) - 1), max_size=3))
    kept = [Part(0, 0, syn=True)] + [part for number, part in enumerate(parts) if number not in lost]
    there = {offset for part in kept for offset in range(part.start, part.end)}
    runs = assembled(stream, first, kept).runs()
    assert {offset for run in runs for offset in range(run.offset, run.end)} == there
    assert all(run.data == stream[run.offset : run.end] for run in runs)
    assert all(before.end < after.offset for before, after in pairwise(runs))


def test_where_two_segments_differ_the_first_one_counts() -> None:
    assembly = Assembly()
    for number, (sequence, data) in enumerate([(3, b"def"), (0, b"abXXXXg"), (2, b"c")]):
        assembly.take(Moment(0.0, number), sequence, data)
    assert assembly.runs()[0].data == b"abXdefg"


def test_a_stream_longer_than_the_sequence_numbers_goes_on() -> None:
    assembly = Assembly()
    step = 2**30
    for number in range(6):
        assembly.take(Moment(0.0, number), (7 + number * step) % MODULUS, b"x")
    assert [run.offset for run in assembly.runs()] == [number * step for number in range(6)]


def test_bytes_before_the_syn_are_no_part_of_the_stream() -> None:
    assembly = Assembly()
    assembly.take(Moment(0.0, 0), 100, b"", syn=True)
    assembly.take(Moment(0.1, 1), 100, b"?")
    assembly.take(Moment(0.2, 2), 101, b"abc")
    assert assembly.runs() == (Run(0, b"abc", ((3, Moment(0.2, 2)),)),)


def segment(number: int, ways: str, sequence: int, data: bytes = b"", syn: bool = False, ack: bool = True) -> Segment:
    return Segment(Moment(0.0, number), ways[0], ways[1], sequence, data, syn, ack)


def streams(segments: list[Segment]) -> list[list[tuple[str, bool, bytes]]]:
    tracker = Tracker()
    for each in segments:
        tracker.take(each)
    return [
        [(each.way, each.begun, b"".join(run.data for run in each.runs)) for each in connection.directions]
        for connection in tracker.connections()
    ]


def test_the_end_that_opened_a_connection_comes_first() -> None:
    begun = [segment(0, "cs", 10, syn=True, ack=False), segment(1, "sc", 50, syn=True)]
    data = [segment(2, "sc", 51, b"late"), segment(3, "cs", 11, b"early")]
    expected = [[("c->s", True, b"early"), ("s->c", True, b"late")]]
    assert streams([*begun, *data]) == expected
    assert streams([begun[1], *data, begun[0]]) == expected


def test_another_syn_on_the_same_ends_begins_another_connection() -> None:
    first = [segment(0, "cs", 10, syn=True, ack=False), segment(1, "sc", 50, syn=True), segment(2, "cs", 11, b"one")]
    again = [
        segment(3, "cs", 90_000, syn=True, ack=False),
        segment(4, "sc", 80_000, syn=True),
        segment(5, "cs", 90_001, b"two"),
    ]
    assert streams([*first, first[0], *again]) == [[("c->s", True, b"one")], [("c->s", True, b"two")]]
    # The first one was captured from its middle on.
    assert streams([first[2], *again]) == [[("c->s", False, b"one")], [("c->s", True, b"two")]]
