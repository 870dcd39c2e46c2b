"""TCP connections out of a packet capture.

Knows the link layers that captures of a server usually have, with VLAN tags, and IPv4 and IPv6 by way of dpkt. Must not
know the protocols above TCP; `ctigw.replay` puts the segments in order.
"""

import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

import dpkt

from ctigw.cli.packets import CaptureError, Packet, is_capture, packets
from ctigw.replay.connections import Connection, Segment, Tracker
from ctigw.replay.reassembly import Moment

__all__ = ["CaptureError", "is_capture", "read_capture"]

_LOOPBACK, _ETHERNET, _OPENBSD_LOOPBACK, _COOKED, _COOKED_2 = 0, 1, 108, 113, 276
_RAW_IP: Final = frozenset({12, 14, 101, 228, 229})
_VLAN_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
_IP: Final = frozenset({0x0800, 0x86DD})
_TYPE: Final = struct.Struct(">H")
_TYPE_PLACES: Final = {_ETHERNET: (12, 14), _COOKED: (14, 16), _COOKED_2: (0, 20)}
"""Link layer -> (offset of the type of what it carries, offset of that)."""
_FAMILY_BYTES: Final = 4
"""The loopback layers open with an address family, in either byte order; the IP version says the same."""


def read_capture(data: bytes) -> tuple[list[Connection], str | None]:
    """All TCP connections with data, and why reading ended before the end of the file (None: it did not).

    Raises `CaptureError` when no packet at all can be read.
    """
    tracker = Tracker()
    problem: str | None = None
    number = -1
    try:
        for number, packet in enumerate(packets(data)):
            for segment in _segments(number, packet):
                tracker.take(segment)
    except CaptureError as error:
        if number < 0:
            raise
        problem = str(error)
    return tracker.connections(), problem


def _segments(number: int, packet: Packet) -> Iterator[Segment]:
    """The TCP segment in a packet, if there is a whole header of one."""
    try:
        ip = _ip(packet)
    except (dpkt.UnpackError, struct.error, IndexError):
        return
    if ip is None or not isinstance(ip.data, dpkt.tcp.TCP):
        return
    segment = ip.data
    yield Segment(
        moment=Moment(packet.time, number),
        source=_name(ip.src, segment.sport),
        target=_name(ip.dst, segment.dport),
        sequence=segment.seq,
        data=bytes(segment.data),
        syn=bool(segment.flags & dpkt.tcp.TH_SYN),
        ack=bool(segment.flags & dpkt.tcp.TH_ACK),
        last=bool(segment.flags & (dpkt.tcp.TH_FIN | dpkt.tcp.TH_RST)),
    )


def _ip(packet: Packet) -> dpkt.ip.IP | dpkt.ip6.IP6 | None:
    """The IP packet in a captured one; None for anything else."""
    start = _network_start(packet)
    if start is None:
        return None
    data = packet.data[start:]
    match data[0] >> 4:
        case 4:
            return dpkt.ip.IP(data)
        case 6:
            return dpkt.ip6.IP6(data)
        case _:
            return None


def _network_start(packet: Packet) -> int | None:
    """Where the IP header begins; None when the packet carries something else."""
    if packet.link in _RAW_IP:
        return 0
    if packet.link in (_LOOPBACK, _OPENBSD_LOOPBACK):
        return _FAMILY_BYTES
    if packet.link not in _TYPE_PLACES:
        return None
    place, start = _TYPE_PLACES[packet.link]
    kind = _TYPE.unpack_from(packet.data, place)[0]
    while kind in _VLAN_TAGS:
        kind = _TYPE.unpack_from(packet.data, start + 2)[0]
        start += 4
    return start if kind in _IP else None


def _name(address: bytes, port: int) -> str:
    readable = ip_address(address)
    return f"[{readable}]:{port}" if readable.version == 6 else f"{readable}:{port}"
