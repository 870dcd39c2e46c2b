"""Frames out of recorded connections, with the moment at which each was complete.

Knows how to find the next frame where the recording begins in the middle of a conversation or lacks bytes: by the
length of the frame that was cut, or by the first place that frames follow. What was skipped is said, never guessed.
Must not know files or the command line. Rules: design 5, decisions A2, B5, issue 3.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from ctigw.errors import DecodeError
from ctigw.replay.connections import Connection, Direction
from ctigw.replay.reassembly import Moment, Run
from ctigw.wire.codec import Codec, cti_codec, mr_codec
from ctigw.wire.conversation import Conversation, Frame, ProtocolChoice, cut
from ctigw.wire.frame import CTI_MAX_BODY, HEADER_BYTES, MR_MAX_BODY
from ctigw.wire.message import FieldMessage

_HEADER: Final = struct.Struct(">II")
_LENGTH: Final = struct.Struct(">I")
TLS_HANDSHAKE: Final = b"\x16\x03"
"""A TLS stream opens with a handshake record of major version 3."""

_SEARCHED_FRAMES: Final = 4
"""A stream of ours has a boundary in every stretch as long as the largest frame; so many of them are searched."""
_FOLLOWING_FRAMES: Final = 8
"""A boundary is believed when so many frames follow it, or all that there are."""

_SHORT_TAGS: Final = 19
"""Newest CTI version whose floating fields have one byte of tag and of length (decisions A3)."""


@attrs.frozen
class TimedFrame:
    """A frame, and the moment at which its last byte had been captured."""

    moment: Moment
    frame: Frame
    """Its offset counts from the first byte that is known of the direction, missing ones included."""


@attrs.frozen
class Note:
    """Bytes of a direction that are in no frame."""

    offset: int
    problem: str
    field: str | None = None


@attrs.frozen
class Half:
    """What one direction said."""

    direction: Direction
    frames: tuple[TimedFrame, ...]
    notes: tuple[Note, ...]


@attrs.frozen
class Recording:
    """A connection as messages."""

    conversation: Conversation
    halves: tuple[Half, ...]


def recorded(connection: Connection, protocol: ProtocolChoice = "auto", version: int | None = None) -> Recording:
    """Cut a connection into frames; the limit for lengths is that of the protocol that turns out.

    ValueError when `version` is none of the protocol that is found.
    """
    candidates = _candidates(protocol, version)
    halves = _halves(connection, candidates, MR_MAX_BODY if protocol == "mr" else CTI_MAX_BODY)
    conversation = Conversation(_in_order(halves), protocol, version)
    if conversation.max_body < CTI_MAX_BODY and protocol != "mr":
        halves = _halves(connection, candidates, conversation.max_body)
    return Recording(conversation, halves)


def _in_order(halves: Sequence[Half]) -> list[Frame]:
    timed = sorted((each for half in halves for each in half.frames), key=lambda each: each.moment)
    return [each.frame for each in timed]


def _candidates(protocol: ProtocolChoice, version: int | None) -> list[Codec]:
    """The codecs by which a frame in the middle of a conversation is recognised."""
    makers = {"mr": (mr_codec,), "cti": (cti_codec,), "auto": (mr_codec, cti_codec)}[protocol]
    if version is None:
        found = [make() for make in makers]
        return found if protocol == "mr" else [*found, cti_codec(_SHORT_TAGS)]
    codecs = []
    for make in makers:
        try:
            codecs.append(make(version))
        except ValueError:  # a version of the other protocol
            continue
    return codecs


def _halves(connection: Connection, candidates: Sequence[Codec], max_body: int) -> tuple[Half, ...]:
    return tuple(_Cutter(direction, candidates, max_body).half() for direction in connection.directions)


class _Cutter:
    """Cuts the runs of one direction."""

    def __init__(self, direction: Direction, candidates: Sequence[Codec], max_body: int) -> None:
        self._direction = direction
        self._candidates = candidates
        self._max_body = max_body
        self._frames: list[TimedFrame] = []
        self._notes: list[Note] = []

    def half(self) -> Half:
        boundary: int | None = 0 if self._direction.begun else None
        end = 0
        for run in self._direction.runs:
            missing = run.offset - end
            start = self._start(run, boundary, missing)
            last = run is self._direction.runs[-1]
            if start is None:
                boundary = boundary if boundary is not None and boundary >= run.end else None
            elif not self._cut(run, start, last):
                break
            else:
                boundary = self._boundary_after(run, start)
            end = run.end
        return Half(self._direction, tuple(self._frames), tuple(self._notes))

    def _start(self, run: Run, boundary: int | None, missing: int) -> int | None:
        """Where in a run the first frame begins; None: nowhere that can be told. Notes what is lost."""
        known = boundary is not None and boundary >= run.offset
        start = boundary - run.offset if known and boundary is not None else self._search(run.data)
        if start is not None and start > len(run.data):
            start = None
        if missing:
            skipped = f"; {start} more are skipped, up to the next frame" if start else ""
            self._notes.append(Note(run.offset - missing, f"the capture lacks {missing} bytes{skipped}"))
        elif start != 0 and not known:
            skipped = f"{len(run.data)} bytes are in no frame" if start is None else f"{start} bytes are skipped"
            self._notes.append(Note(run.offset, f"the capture begins inside a frame: {skipped}"))
        return start

    def _cut(self, run: Run, start: int, last: bool) -> bool:
        """Take the frames of a run from `start`; False: nothing after them can be read."""
        found = cut(run.data[start:], self._max_body)
        for frame in found.frames:
            moment = run.moment_of(start + frame.end)
            self._frames.append(TimedFrame(moment, attrs.evolve(frame, offset=run.offset + start + frame.offset)))
        offset = run.end - found.rest
        broken = found.rest >= _LENGTH.size and self._length(run, offset) > self._max_body
        if found.problem is not None and (last or broken):
            problem = found.problem
            if broken and offset == 0 and run.data.startswith(TLS_HANDSHAKE):
                problem = "is encrypted with TLS: --keylog FILE decodes it with the keys of the session"
            self._notes.append(Note(offset, problem, "MessageLength"))
        return not broken

    def _length(self, run: Run, offset: int) -> int:
        length: int = _LENGTH.unpack_from(run.data, offset - run.offset)[0]
        return length

    def _boundary_after(self, run: Run, start: int) -> int | None:
        """Offset of the first frame that begins after the run, where the cut frame tells it."""
        last = self._frames[-1].frame.end if self._frames else 0
        offset = max(run.offset + start, last)
        if offset == run.end:
            return offset
        return offset + HEADER_BYTES + self._length(run, offset) if run.end - offset >= _LENGTH.size else None

    def _search(self, data: bytes) -> int | None:
        """The first place from which everything reads as frames."""
        last = min(len(data) - HEADER_BYTES, _SEARCHED_FRAMES * (self._max_body + HEADER_BYTES))
        return next((start for start in range(last + 1) if self._is_boundary(data, start)), None)

    def _is_boundary(self, data: bytes, start: int) -> bool:
        """Whether a frame that a codec knows begins there, followed by nothing but frames."""
        length, number = _HEADER.unpack_from(data, start)
        end = start + HEADER_BYTES + length
        if length > self._max_body or end > len(data):
            return False
        body = data[start + HEADER_BYTES : end]
        codecs = [codec for codec in self._candidates if _reads(codec, number, body)]
        return bool(codecs) and self._goes_on(data, end, codecs)

    def _goes_on(self, data: bytes, offset: int, codecs: Iterable[Codec]) -> bool:
        numbers = {row.number for codec in codecs for row in codec.rows.messages}
        for _ in range(_FOLLOWING_FRAMES):
            if len(data) - offset < HEADER_BYTES:
                return True
            length, number = _HEADER.unpack_from(data, offset)
            if length > self._max_body or number not in numbers:
                return False
            offset += HEADER_BYTES + length
        return True


def _reads(codec: Codec, number: int, body: bytes) -> bool:
    try:
        return isinstance(codec.decode(number, body), FieldMessage)
    except DecodeError:
        return False
