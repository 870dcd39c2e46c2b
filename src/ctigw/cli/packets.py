"""Packets out of a capture file.

Knows the two container formats, pcap and pcapng: byte orders, time resolutions, several sections and interfaces with
their own link layers, and files that end inside a packet because the capturer was stopped. Must not know what is in a
packet. Rules: the formats' public specifications (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).
"""

import struct
from collections.abc import Iterator
from typing import Final

import attrs

_PCAP_MAGICS: Final = {
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
}
"""First bytes -> (byte order, seconds of one unit of the finer part of the time)."""
_PCAP_HEADER_BYTES: Final = 24
_LINK_MASK: Final = 0x0FFF_FFFF
"""The upper bits of the link type tell about frame check sequences."""

_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_SECTION_BLOCK, _INTERFACE_BLOCK, _OLD_PACKET_BLOCK, _SIMPLE_PACKET_BLOCK, _PACKET_BLOCK = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDERS: Final = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_BLOCK_FRAME_BYTES: Final = 12
"""Type and length in front of a block, the length again after it."""
_OPTION_RESOLUTION, _OPTION_OFFSET = 9, 14
_BINARY_RESOLUTION: Final = 0x80
_MICROSECONDS: Final = 1e-6


class CaptureError(Exception):
    """The file is no capture that can be read; the text says why."""


@attrs.frozen
class Packet:
    """One captured packet; it may have been captured shorter than it was."""

    time: float
    """Seconds since 1970-01-01 UTC."""
    link: int
    """Link layer: the LINKTYPE_ number of the tcpdump registry."""
    data: bytes


@attrs.frozen
class _Interface:
    link: int
    unit: float
    """Seconds of one unit of its time stamps."""
    offset: int
    """Seconds to be added to its time stamps."""


def is_capture(data: bytes) -> bool:
    """Whether a file is pcap or pcapng, by its first four bytes."""
    return data[:4] in _PCAP_MAGICS or data[:4] == _SECTION


def packets(data: bytes) -> Iterator[Packet]:
    """All packets in the order of the file. Raises `CaptureError` where it cannot be read on; what came counts."""
    try:
        yield from _pcapng(data) if data[:4] == _SECTION else _pcap(data)
    except struct.error as error:
        raise CaptureError(f"cannot be read as a capture: {error}") from None


def _cut(where: int) -> CaptureError:
    return CaptureError(f"the capture file is cut: it ends inside the packet at byte {where}")


def _pcap(data: bytes) -> Iterator[Packet]:
    order, unit = _PCAP_MAGICS[data[:4]]
    if len(data) < _PCAP_HEADER_BYTES:
        raise CaptureError("cannot be read as a capture: the header is cut")
    link: int = struct.unpack_from(order + "I", data, _PCAP_HEADER_BYTES - 4)[0] & _LINK_MASK
    record = struct.Struct(order + "IIII")
    offset = _PCAP_HEADER_BYTES
    while offset < len(data):
        start = offset + record.size
        if start > len(data):
            raise _cut(offset)
        seconds, fraction, length, _ = record.unpack_from(data, offset)
        if start + length > len(data):
            raise _cut(offset)
        yield Packet(seconds + fraction * unit, link, data[start : start + length])
        offset = start + length


def _pcapng(data: bytes) -> Iterator[Packet]:
    interfaces: list[_Interface] = []
    offset, order = 0, "<"
    while offset < len(data):
        if data[offset : offset + 4] == _SECTION:
            order = _byte_order(data, offset)
            interfaces = []
        if offset + _BLOCK_FRAME_BYTES > len(data):
            raise _cut(offset)
        kind, length = struct.unpack_from(order + "II", data, offset)
        if length < _BLOCK_FRAME_BYTES or length % 4:
            raise CaptureError(f"cannot be read as a capture: the block at byte {offset} has a length of {length}")
        if offset + length > len(data):
            raise _cut(offset)
        body = data[offset + 8 : offset + length - 4]
        if kind == _INTERFACE_BLOCK:
            interfaces.append(_interface(order, body))
        elif kind in (_PACKET_BLOCK, _OLD_PACKET_BLOCK, _SIMPLE_PACKET_BLOCK):
            yield _packet(order, kind, body, interfaces)
        offset += length


def _byte_order(data: bytes, offset: int) -> str:
    order = _BYTE_ORDERS.get(data[offset + 8 : offset + 12])
    if order is None:
        raise CaptureError(f"cannot be read as a capture: the section at byte {offset} has an unknown byte order")
    return order


def _interface(order: str, body: bytes) -> _Interface:
    unit, seconds = _MICROSECONDS, 0
    link = struct.unpack_from(order + "H", body)[0]
    offset = 8
    while offset + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, offset)
        value = body[offset + 4 : offset + 4 + length]
        if code == _OPTION_RESOLUTION:
            power = value[0] & ~_BINARY_RESOLUTION
            unit = 2.0**-power if value[0] & _BINARY_RESOLUTION else 10.0**-power
        elif code == _OPTION_OFFSET:
            seconds = struct.unpack(order + "q", value)[0]
        offset += 4 + -(-length // 4) * 4
    return _Interface(link, unit, seconds)


def _packet(order: str, kind: int, body: bytes, interfaces: list[_Interface]) -> Packet:
    """A packet block. A simple one has neither time nor interface: the first interface, at time 0."""
    number, high, low, start = 0, 0, 0, 4
    if kind == _SIMPLE_PACKET_BLOCK:
        length = min(struct.unpack_from(order + "I", body)[0], len(body) - start)
    else:
        form = "IIII" if kind == _PACKET_BLOCK else "HxxIII"
        number, high, low, length = struct.unpack_from(order + form, body)
        start = 20
    if number >= len(interfaces):
        raise CaptureError(f"cannot be read as a capture: a packet names interface {number}, which is not described")
    interface = interfaces[number]
    time = ((high << 32) | low) * interface.unit + interface.offset
    return Packet(time, interface.link, body[start : start + length])
