"""Capture files as bytes, made by hand from the formats' specifications: what the libraries are tested against."""

import struct

PLAIN_IP = 101
"""Link type of packets without a link layer."""


def pcap(packets: list[bytes], link: int = PLAIN_IP, order: str = "<", nanoseconds: bool = False) -> bytes:
    """A pcap file; its packets come a tenth of a second apart."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    step = 100_000_000 if nanoseconds else 100_000
    return head + b"".join(
        struct.pack(order + "IIII", 1_700_000_000, number * step, len(data), len(data)) + data
        for number, data in enumerate(packets)
    )


def block(order: str, kind: int, body: bytes) -> bytes:
    """A block of pcapng."""
    body += b"\0" * (-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str) -> bytes:
    """The header of a section."""
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def option(order: str, code: int, value: bytes) -> bytes:
    """An option of a block."""
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def interface(order: str, link: int, resolution: int | None = None, options: bytes = b"") -> bytes:
    """The description of an interface; `options` without the end mark."""
    if resolution is not None:
        options += option(order, 9, bytes([resolution]))
    return block(
        order, 1, struct.pack(order + "HHI", link, 0, 0) + options + (option(order, 0, b"") if options else b"")
    )


def enhanced(order: str, number: int, units: int, data: bytes) -> bytes:
    """A packet, captured by interface `number` at `units` of its resolution."""
    head = struct.pack(order + "IIIII", number, units >> 32, units & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data)


def old_packet(order: str, number: int, units: int, data: bytes) -> bytes:
    """A packet as files had it before 2010."""
    head = struct.pack(order + "HHIIII", number, 0, units >> 32, units & 0xFFFFFFFF, len(data), len(data))
    return block(order, 2, head + data)


def simple(order: str, data: bytes) -> bytes:
    """A packet without interface and time."""
    return block(order, 3, struct.pack(order + "I", len(data)) + data)
