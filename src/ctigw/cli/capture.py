"""TCP payloads out of a packet capture.

Knows pcap and pcapng files by way of dpkt, the link layers that captures of a server usually have, and how the payload
of one TCP direction is put in order: by sequence number, retransmissions dropped, a gap never bridged silently. Must
not know the protocols above TCP. This is the only module that imports dpkt.
"""

import io
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

import attrs
import dpkt

_MAGICS: Final = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\x0a\x0d\x0d\x0a",  # pcapng, section header block
)

_SEQUENCE_MODULUS: Final = 1 << 32
_HALF: Final = 1 << 31


class CaptureError(Exception):
    """The file is no capture that can be read; the text says why."""


@attrs.frozen
class Payload:
    """Bytes of one direction that became complete with one packet."""

    time: float
    """Seconds since 1970-01-01 UTC, as the capture has them."""
    data: bytes


@attrs.define
class Direction:
    """One direction of a TCP connection."""

    source: str
    target: str
    payloads: list[Payload] = attrs.Factory(list)
    missing: int = 0
    """Bytes that the capture does not hold, before the first byte that could not be used; 0: nothing is missing."""


@attrs.define
class Connection:
    """Both directions of one TCP connection, in the order in which they first sent."""

    directions: list[Direction] = attrs.Factory(list)


def is_capture(data: bytes) -> bool:
    """Whether a file is pcap or pcapng, by its first four bytes."""
    return data[:4] in _MAGICS


def read_capture(data: bytes) -> list[Connection]:
    """All TCP connections with payload, in the order of their first packet. Raises `CaptureError`."""
    connections: list[Connection] = []
    current: dict[tuple[bytes, bytes], Connection] = {}
    running: dict[tuple[bytes, bytes], _Assembly] = {}
    assemblies: list[_Assembly] = []
    for time, segment, source, target in _segments(data):
        ends = (source + segment.sport.to_bytes(2, "big"), target + segment.dport.to_bytes(2, "big"))
        pair = (min(ends), max(ends))
        opened = bool(segment.flags & dpkt.tcp.TH_SYN)
        assembly = running.get(ends)
        if opened and not segment.flags & dpkt.tcp.TH_ACK and assembly is not None and assembly.is_over(segment.seq):
            assembly = None
            for each in (ends, ends[::-1]):
                running.pop(each, None)
            del current[pair]
        if pair not in current:
            connections.append(current.setdefault(pair, Connection()))
        if assembly is None:
            direction = Direction(_name(ends[0]), _name(ends[1]))
            current[pair].directions.append(direction)
            assembly = running[ends] = _Assembly(direction)
            assemblies.append(assembly)
        assembly.take(time, segment.seq, bytes(segment.data), opened)
    for assembly in assemblies:
        assembly.finish()
    return [found for found in connections if any(each.payloads for each in found.directions)]


class _Assembly:
    """Puts the segments of one direction in order."""

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._next: int | None = None
        self._first = 0
        self._waiting: dict[int, bytes] = {}

    def is_over(self, sequence: int) -> bool:
        """Whether a SYN with `sequence` begins another connection on the same ports, not this one once more."""
        return self._next is not None and sequence != self._first

    def take(self, time: float, sequence: int, data: bytes, opened: bool) -> None:
        """Take one segment as the capture has it."""
        if self._next is None:
            self._first = sequence
            self._next = (sequence + opened) % _SEQUENCE_MODULUS
        start = (sequence + opened) % _SEQUENCE_MODULUS
        if not data:
            return
        known = self._waiting.get(start, b"")
        if len(data) > len(known):
            self._waiting[start] = data
        ready = self._ready()
        if ready:
            self._direction.payloads.append(Payload(time, ready))

    def _ready(self) -> bytes:
        """The bytes that now follow without a gap."""
        parts: list[bytes] = []
        while self._next is not None:
            for start in sorted(self._waiting):
                behind = (self._next - start) % _SEQUENCE_MODULUS
                if behind < _HALF:  # begins at or before what is expected
                    fresh = self._waiting.pop(start)[behind:]
                    self._next = (self._next + len(fresh)) % _SEQUENCE_MODULUS
                    parts.append(fresh)
                    break
            else:
                break
        return b"".join(parts)

    def finish(self) -> None:
        """Note what is missing before segments that still wait."""
        if self._next is not None and self._waiting:
            self._direction.missing = min((start - self._next) % _SEQUENCE_MODULUS for start in self._waiting)


def _segments(data: bytes) -> Iterator[tuple[float, dpkt.tcp.TCP, bytes, bytes]]:
    try:
        reader = dpkt.pcap.UniversalReader(io.BytesIO(data))
        link = reader.datalink()
        for time, packet in reader:
            ip = _ip(link, packet)
            if ip is not None and isinstance(ip.data, dpkt.tcp.TCP):
                yield float(time), ip.data, bytes(ip.src), bytes(ip.dst)
    except (ValueError, dpkt.UnpackError) as error:
        raise CaptureError(f"cannot be read as a capture: {error}") from None


def _ip(link: int, packet: bytes) -> dpkt.ip.IP | dpkt.ip6.IP6 | None:
    """The IP packet in a captured one; None for anything else, or when it was captured too short."""
    try:
        match link:
            case dpkt.pcap.DLT_EN10MB:
                inner = dpkt.ethernet.Ethernet(packet).data
            case dpkt.pcap.DLT_LINUX_SLL:
                inner = dpkt.sll.SLL(packet).data
            case dpkt.pcap.DLT_LINUX_SLL2:
                inner = dpkt.sll2.SLL2(packet).data
            case dpkt.pcap.DLT_NULL | dpkt.pcap.DLT_LOOP:
                inner = dpkt.loopback.Loopback(packet).data
            case _:
                inner = dpkt.ip6.IP6(packet) if packet[:1] >= b"\x60" else dpkt.ip.IP(packet)
    except dpkt.UnpackError:
        return None
    return inner if isinstance(inner, dpkt.ip.IP | dpkt.ip6.IP6) else None


def _name(end: bytes) -> str:
    address, port = ip_address(end[:-2]), int.from_bytes(end[-2:], "big")
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
