"""One direction of a TCP connection, put together from captured segments.

Knows sequence numbers: how they wrap, that a SYN counts as a byte, and that segments come late, twice, overlapping or
not at all. Where two segments hold the same byte, the one that was captured first counts, as it would for a receiver.
A gap is never bridged: the bytes on both sides of it are runs of their own. Must not know packets or protocols. Rules:
issue 3 (out of order, retransmitted, cut at the start).
"""

from bisect import bisect_left, bisect_right
from typing import Final

import attrs

_SEQUENCE_MODULUS: Final = 1 << 32
_HALF: Final = 1 << 31

LATEST_SYN: Final = 1 << 20
"""Bytes that may have been captured before the SYN that they follow; captures of several queues mix that much at most.
A SYN that is further away belongs to another connection on the same ports."""


@attrs.frozen(order=True)
class Moment:
    """When something was captured. Packets of one clock tick are told apart by their place in the file."""

    time: float
    """Seconds since 1970-01-01 UTC, as the capture has them."""
    packet: int
    """Place in the capture, counted from 0."""


@attrs.frozen
class Run:
    """Bytes of one direction that follow each other without a gap."""

    offset: int
    """Of the first byte, counted from the first byte that is known of the direction."""
    data: bytes
    marks: tuple[tuple[int, Moment], ...]
    """(number of bytes, moment at which so many bytes of this run, and all before it, had been captured), ascending."""

    @property
    def end(self) -> int:
        """Offset of the first byte after it."""
        return self.offset + len(self.data)

    def moment_of(self, count: int) -> Moment:
        """The moment at which the first `count` bytes had been captured; `count` is 1 to the length of the run."""
        return self.marks[bisect_left(self.marks, count, key=lambda mark: mark[0])][1]


@attrs.frozen
class _Piece:
    start: int
    data: bytes
    moment: Moment

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class Assembly:
    """Takes the segments of one direction in the order of the capture. Holds every byte once."""

    def __init__(self) -> None:
        """Nothing is known yet, not even the sequence number."""
        self._syn: int | None = None
        self._reference: tuple[int, int] | None = None  # (sequence number, position that it stands for)
        self._starts: list[int] = []
        self._pieces: list[_Piece] = []

    @property
    def begun(self) -> bool:
        """Whether the capture holds the beginning: the SYN of this direction."""
        return self._syn is not None

    def is_other(self, sequence: int) -> bool:
        """Whether a SYN with `sequence` opens another connection, not the one that this direction belongs to."""
        if self._syn is not None:
            return sequence != self._syn
        if self._reference is None:
            return False
        distance = (self._starts[0] if self._starts else self._reference[1]) - self._position(sequence)
        return not 0 < distance <= LATEST_SYN

    def take(self, moment: Moment, sequence: int, data: bytes, *, syn: bool = False) -> None:
        """Take one segment; `sequence` is 0 to 2**32 - 1, of the SYN where the segment has one."""
        if self._reference is None:
            self._reference = (sequence, 0)
        position = self._position(sequence)
        if syn:
            self._syn = sequence
            position += 1
        if data:
            self._reference = ((sequence + syn) % _SEQUENCE_MODULUS, position)
            self._keep(_Piece(position, data, moment))

    def runs(self) -> tuple[Run, ...]:
        """What was captured, in order. Bytes before the SYN are no part of the stream."""
        if not self._pieces:
            return ()
        begin = self._pieces[0].start if self._syn is None else self._position(self._syn) + 1
        runs: list[Run] = []
        held: list[_Piece] = []
        latest = self._pieces[0].moment
        for piece in self._pieces:
            if piece.start < begin:
                continue
            if held and held[-1].end != piece.start:
                runs.append(_run(held, begin, latest))
                latest = runs[-1].marks[-1][1]
                held = []
            held.append(piece)
        return (*runs, _run(held, begin, latest)) if held else tuple(runs)

    def _position(self, sequence: int) -> int:
        """Where a sequence number stands, whatever has wrapped: the place nearest to the last data."""
        if self._reference is None:
            return 0
        known, position = self._reference
        return position + (sequence - known + _HALF) % _SEQUENCE_MODULUS - _HALF

    def _keep(self, piece: _Piece) -> None:
        """Keep what no earlier segment has brought."""
        start = piece.start
        before = bisect_right(self._starts, start) - 1
        if before >= 0:
            start = max(start, self._pieces[before].end)
        while start < piece.end:
            after = bisect_left(self._starts, start)
            taken = self._pieces[after] if after < len(self._pieces) else None
            end = piece.end if taken is None else min(piece.end, taken.start)
            if start < end:
                part = piece.data[start - piece.start : end - piece.start]
                self._starts.insert(after, start)
                self._pieces.insert(after, _Piece(start, part, piece.moment))
            start = piece.end if taken is None else taken.end


def _run(pieces: list[_Piece], begin: int, latest: Moment) -> Run:
    """One run; a receiver gets nothing of a byte before it has all bytes that come earlier."""
    marks = []
    for piece in pieces:
        latest = max(latest, piece.moment)
        marks.append((piece.end - pieces[0].start, latest))
    return Run(pieces[0].start - begin, b"".join(piece.data for piece in pieces), tuple(marks))
