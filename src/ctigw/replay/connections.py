"""TCP connections out of the segments of a capture.

Knows which segments belong together: two ends, and a new SYN on the same ends that begins another connection. Must not
know packets, files or protocols.
"""

import attrs

from ctigw.replay.reassembly import Assembly, Moment, Run


@attrs.frozen
class Segment:
    """What of a captured TCP segment matters here. Ends are printable, "address:port"."""

    moment: Moment
    source: str
    target: str
    sequence: int
    data: bytes
    syn: bool = False
    ack: bool = True
    last: bool = False
    """The sender sends nothing after it: FIN or RST."""


@attrs.frozen
class Direction:
    """One direction of a TCP connection."""

    source: str
    target: str
    begun: bool
    """The first run begins with the first byte that was sent; False: the capture began later."""
    runs: tuple[Run, ...]
    ended: Moment | None = None
    """When the sender said that nothing more follows; None: the capture does not tell."""

    @property
    def way(self) -> str:
        """For messages to people."""
        return f"{self.source}->{self.target}"


@attrs.frozen
class Connection:
    """The directions of one TCP connection that have data or an end; first that of whoever opened it, or was seen."""

    directions: tuple[Direction, ...]


@attrs.define
class _Running:
    """A connection while its segments are read."""

    opener: str
    assemblies: dict[tuple[str, str], Assembly]
    ended: dict[tuple[str, str], Moment]


class Tracker:
    """Takes segments in the order of the capture."""

    def __init__(self) -> None:
        """No connection yet."""
        self._current: dict[frozenset[str], _Running] = {}
        self._all: list[_Running] = []

    def take(self, segment: Segment) -> None:
        """Take one segment."""
        ends = frozenset((segment.source, segment.target))
        running = self._current.get(ends)
        direction = (segment.source, segment.target)
        if running is None or (segment.syn and running.assemblies[direction].is_other(segment.sequence)):
            running = _Running(segment.source, {direction: Assembly(), direction[::-1]: Assembly()}, {})
            self._current[ends] = running
            self._all.append(running)
        if segment.syn:
            running.opener = segment.target if segment.ack else segment.source
        running.assemblies[direction].take(segment.moment, segment.sequence, segment.data, syn=segment.syn)
        if segment.last:
            running.ended.setdefault(direction, segment.moment)

    def connections(self) -> list[Connection]:
        """All connections in which data were sent, in the order of their first packet."""
        found = []
        for running in self._all:
            directions = [
                Direction(*ends, assembly.begun, assembly.runs(), running.ended.get(ends))
                for ends, assembly in sorted(running.assemblies.items(), key=lambda item: item[0][0] != running.opener)
            ]
            if any(direction.runs for direction in directions):
                kept = (direction for direction in directions if direction.runs or direction.ended is not None)
                found.append(Connection(tuple(kept)))
        return found
