"""Frames out of streams that begin anywhere or lack something: what is found is right, and the rest is told."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctigw.cli.capture import read_capture
from ctigw.replay.connections import Connection, Direction
from ctigw.replay.frames import Half, recorded
from ctigw.replay.reassembly import Moment, Run
from ctigw.wire import AgentRef, TaskId, mr, mr_codec

FIXTURES = Path(__file__).parents[2] / "fixtures"
NOW = Moment(0.0, 0)


def streams(name: str) -> list[bytes]:
    """What each direction of a committed capture sent."""
    connections, _ = read_capture((FIXTURES / f"{name}.pcapng").read_bytes())
    return [direction.runs[0].data for each in connections for direction in each.directions]


STREAMS = [stream for name in ("basic_task", "versions", "pim") for stream in streams(name)]


def half(runs: list[tuple[int, bytes]], *, begun: bool) -> Half:
    made = tuple(Run(offset, data, ((len(data), NOW),)) for offset, data in runs)
    return recorded(Connection((Direction("c", "s", begun, made),))).halves[0]


def frames(found: Half) -> list[tuple[int, int, bytes]]:
    return [(each.frame.offset, each.frame.type, each.frame.body) for each in found.frames]


@pytest.mark.parametrize("stream", STREAMS, ids=range(len(STREAMS)))
def test_from_every_offset_the_next_frame_is_found_and_the_skipped_bytes_are_counted(stream: bytes) -> None:
    whole = frames(half([(0, stream)], begun=True))
    boundaries = [offset for offset, _, _ in whole]
    for start in range(1, boundaries[-1] + 1):
        found = half([(0, stream[start:])], begun=False)
        following = next(boundary for boundary in boundaries if boundary >= start)
        assert [(offset + start, *rest) for offset, *rest in frames(found)] == [
            frame for frame in whole if frame[0] >= following
        ], start
        skipped = f"the capture begins inside a frame: {following - start} bytes are skipped"
        assert [note.problem for note in found.notes] == ([skipped] if following > start else [])


@given(st.sampled_from(STREAMS), st.data())
@settings(max_examples=150)
def test_a_gap_loses_the_frames_that_it_touches_and_no_other_is_changed(stream: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(stream) - 2), label="start of the gap")
    end = data.draw(st.integers(start + 1, len(stream) - 1), label="end of the gap")
    whole = frames(half([(0, stream)], begun=True))
    runs = [(0, stream[:start])] if start else []
    found = half([*runs, (end, stream[end:])], begun=True)
    untouched = [frame for frame in whole if frame[0] + 8 + len(frame[2]) <= start or frame[0] >= end]
    assert frames(found) == untouched
    assert found.notes[0].problem.startswith(f"the capture lacks {end - start} bytes")


BEAT = mr_codec().encode(mr.HeartbeatReq(7))


def test_what_looks_like_a_frame_but_is_followed_by_none_is_no_boundary() -> None:
    inside = BEAT + bytes.fromhex("00000004 00007777 00000000")
    found = half([(0, inside + BEAT + BEAT)], begun=False)
    assert [offset for offset, _, _ in frames(found)] == [len(inside), len(inside) + len(BEAT)]


def test_the_length_of_the_cut_frame_counts_more_than_what_looks_like_a_frame_in_it() -> None:
    """A text in a message may well hold a frame."""
    task = mr.NewTask(1, 1, 5001, TaskId(-1, -1, -1), AgentRef(0, -1, -1, -1), 0, 0, floating=[(33, BEAT * 3)])
    frame = mr_codec().encode(task)
    stream = frame + BEAT
    found = half([(0, stream[:20]), (30, stream[30:])], begun=True)
    assert [offset for offset, _, _ in frames(found)] == [len(frame)]
    skipped = f"the capture lacks 10 bytes; {len(frame) - 30} more are skipped, up to the next frame"
    assert [note.problem for note in found.notes] == [skipped]


@given(st.binary(max_size=400), st.booleans())
@settings(max_examples=150)
def test_any_bytes_are_frames_and_told_rests_and_never_an_error(stream: bytes, begun: bool) -> None:
    found = half([(3, stream)] if stream else [], begun=begun)
    taken = sum(8 + len(frame.frame.body) for frame in found.frames)
    assert taken <= len(stream)
    assert taken == len(stream) or found.notes
