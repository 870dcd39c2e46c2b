"""Packets out of a capture file.

Reads pcap by way of dpkt and pcapng by way of python-pcapng: byte orders, time resolutions, sections, interfaces and
the three kinds of packet block are their business. Must not know what is in a packet. What is left to us is what the
two libraries pass over in silence, each with a test in tests/cli/test_packets.py:

- a file that ends inside a packet, and a negative or absurd length (`_File` refuses them);
- a packet block whose bytes end early: python-pcapng takes it for the end of the file;
- `if_tsoffset`, which python-pcapng reads but does not add;
- registries that a hostile file makes grow: the interfaces of a section.

An `if_IPv6addr` option, which no capturer that we know writes, is what python-pcapng 2.1 cannot read: reading ends
there, and says so. Rules: the formats' public specifications (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).
"""

import io
import struct
import warnings
from collections.abc import Iterator
from typing import Final

import attrs
import dpkt
import pcapng
from pcapng import blocks
from pcapng.exceptions import PcapngException

_LINK_MASK: Final = 0x0FFF_FFFF
"""The upper bits of the link type of a pcap file tell about frame check sequences."""

MAX_BLOCK: Final = 16 << 20
"""Bytes of one packet or block. Packets have 262,144 at most, blocks of names or keys more; it is Wireshark's limit."""
MAX_INTERFACES: Final = 4_096
"""In one section; each costs some kilobytes here, and twenty bytes of the file."""
_LAST_SECOND: Final = 253_402_300_800.0
"""Seconds since 1970 at the end of the year 9999; later times cannot be printed."""

_DAMAGES: Final = (
    PcapngException,
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    OSError,
)
"""What python-pcapng lets through for blocks that do not hold together: also what the functions raise that it calls."""


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


def is_capture(data: bytes) -> bool:
    """Whether a file is pcap or pcapng, by its first four bytes."""
    return int.from_bytes(data[:4], "big") in dpkt.pcap.MAGIC_TO_PKT_HDR or _is_pcapng(data)


def packets(data: bytes) -> Iterator[Packet]:
    """All packets in the order of the file. Raises `CaptureError` where it cannot be read on; what came counts."""
    return _pcapng(data) if _is_pcapng(data) else _pcap(data)


def _is_pcapng(data: bytes) -> bool:
    return bool(int.from_bytes(data[:4], "big") == blocks.SectionHeader.magic_number)


class _File(io.BytesIO):
    """The file as both libraries read it: they would take fewer bytes than they asked for without a word."""

    start = 0
    """Offset of the packet or block that is being read."""

    def read(self, size: int | None = -1) -> bytes:
        """`size` bytes, or none at the end of the last packet. Raises `CaptureError` for all else."""
        if size is None or not 0 <= size <= MAX_BLOCK:
            raise _unreadable(f"the packet or block at byte {self.start} has a wrong length")
        found = super().read(size)
        if len(found) < size and self.tell() > self.start:
            if self.start == 0:
                raise _unreadable("its header is cut")
            raise CaptureError(f"the capture file is cut: it ends inside the packet at byte {self.start}")
        return found


def _unreadable(why: str) -> CaptureError:
    return CaptureError(f"cannot be read as a capture: {why}")


def _pcap(data: bytes) -> Iterator[Packet]:
    file = _File(data)
    try:
        reader = dpkt.pcap.Reader(file)
    except ValueError as error:
        raise _unreadable(str(error)) from None
    link = reader.datalink() & _LINK_MASK
    file.start = file.tell()
    for time, packet in reader:
        yield Packet(float(time), link, packet)
        file.start = file.tell()


def _pcapng(data: bytes) -> Iterator[Packet]:
    file = _File(data)
    scanner = iter(pcapng.FileScanner(file))
    while (packet := _next_packet(scanner, file)) is not None:
        yield packet
    if file.start != len(data):
        raise _unreadable(f"the block at byte {file.start} ends early")


def _next_packet(scanner: Iterator[blocks.Block], file: _File) -> Packet | None:
    """The next packet; None where the library finds no more blocks."""
    try:
        with warnings.catch_warnings():
            # python-pcapng warns of its own table whenever a file tells its time resolution.
            warnings.simplefilter("ignore")
            for block in scanner:
                found = _packet(block)
                file.start = file.tell()
                if found is not None:
                    return found
    except _DAMAGES as error:
        what = f"{type(error).__name__}: {error}"
        raise _unreadable(f"the block at byte {file.start} does not hold together ({what})") from None
    return None


def _packet(block: blocks.Block) -> Packet | None:
    """The packet in a block. A simple one has no time: it came at time 0."""
    if isinstance(block, blocks.InterfaceDescription) and len(block.section.interfaces) > MAX_INTERFACES:
        raise ValueError(f"more than {MAX_INTERFACES} interfaces")
    if not isinstance(block, blocks.BasePacketBlock):
        return None
    if block.interface_id not in block.section.interfaces:
        raise ValueError(f"interface {block.interface_id} is not described")
    interface = block.interface
    time = 0.0
    if isinstance(block, blocks.BlockWithTimestampMixin):
        time = float(block.timestamp + interface.options.get("if_tsoffset", 0))
    if not 0 <= time < _LAST_SECOND:
        raise ValueError("its time is none of the years 1970 to 9999")
    return Packet(time, interface.link_type, block.packet_data)
