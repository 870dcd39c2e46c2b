"""Packets of capture files: every container form is read, and every damage ends as `CaptureError`, after what came."""

import struct
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from capture_files import block, enhanced, interface, old_packet, option, pcap, section, simple
from ctigw.cli.decode import command
from ctigw.cli.packets import MAX_BLOCK, MAX_INTERFACES, CaptureError, Packet, is_capture, packets

FIXTURES = Path(__file__).parents[2] / "fixtures"
ETHERNET = 1
SECOND = 1_000_000
"""Units of an interface that tells no resolution."""


def read(data: bytes) -> tuple[list[Packet], str | None]:
    """The packets, and why reading ended early."""
    found: list[Packet] = []
    try:
        for packet in packets(data):
            found.append(packet)
    except CaptureError as error:
        return found, str(error)
    return found, None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_of_either_byte_order_and_resolution(order: str, nanoseconds: bool) -> None:
    data = pcap([b"one", b"", b"three"], ETHERNET, order, nanoseconds)
    found, problem = read(data)
    assert is_capture(data)
    assert problem is None
    assert [packet.time for packet in found] == pytest.approx([1_700_000_000.0, 1_700_000_000.1, 1_700_000_000.2])
    assert [(packet.link, packet.data) for packet in found] == [(ETHERNET, each) for each in (b"one", b"", b"three")]


def test_frame_check_bits_are_no_part_of_the_link_type() -> None:
    assert read(pcap([b"x"], 0x5000_0000 | ETHERNET))[0][0].link == ETHERNET


def test_pcap_with_an_interface_in_every_header_is_read() -> None:
    head = struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, ETHERNET)
    data = head + struct.pack("<IIIIIHBx", 7, 0, 3, 3, 1, 0, 0) + b"abc"
    assert is_capture(data)
    assert read(data) == ([Packet(7.0, ETHERNET, b"abc")], None)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("make", "time"),
    [
        (lambda order: enhanced(order, 1, 5 * SECOND, b"abcde"), 5.0),
        (lambda order: old_packet(order, 1, 5 * SECOND, b"abcde"), 5.0),
        (lambda order: simple(order, b"abcde"), 0.0),
    ],
    ids=["enhanced", "old", "simple"],
)
def test_every_kind_of_packet_block_is_read(order: str, make: object, time: float) -> None:
    assert callable(make)
    data = section(order) + interface(order, 101) + interface(order, 101) + make(order)
    assert read(data) == ([Packet(time, 101, b"abcde")], None)


@pytest.mark.parametrize(
    ("resolution", "units", "time"),
    [(None, 1_500_000, 1.5), (9, 1_500_000_000, 1.5), (0, 3, 3.0), (0x80 | 10, 1536, 1.5), (0x80, 3, 3.0)],
)
def test_time_stamps_have_the_resolution_of_their_interface(resolution: int | None, units: int, time: float) -> None:
    data = section("<") + interface("<", ETHERNET, resolution) + enhanced("<", 0, units, b"x")
    assert [packet.time for packet in read(data)[0]] == [pytest.approx(time)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_offset_of_an_interface_is_added_to_its_time_stamps(order: str) -> None:
    offset = option(order, 14, struct.pack(order + "q", 1_700_000_000))
    data = section(order) + interface(order, ETHERNET, options=offset) + enhanced(order, 0, SECOND // 2, b"x")
    assert [packet.time for packet in read(data)[0]] == [1_700_000_000.5]


def test_every_section_has_its_own_byte_order_and_interfaces() -> None:
    data = section("<") + interface("<", ETHERNET) + interface("<", 101) + enhanced("<", 1, 0, b"one")
    data += section(">") + interface(">", 113) + enhanced(">", 0, 0, b"two")
    assert [(packet.link, packet.data) for packet in read(data)[0]] == [(101, b"one"), (113, b"two")]
    found, problem = read(data + enhanced(">", 1, 0, b"three"))
    assert len(found) == 2
    assert problem is not None
    assert "interface 1 is not described" in problem


def test_blocks_without_packets_are_passed_over() -> None:
    comment = option("<", 1, "Grüße".encode())
    name = struct.pack("<HH", 1, 9) + b"\x7f\0\0\1host\0" + b"\0" * 3 + b"\0" * 4
    data = section("<") + interface("<", ETHERNET, options=comment) + block("<", 4, name)
    data += block("<", 5, b"\0" * 12) + block("<", 10, struct.pack("<II", 0x544C534B, 4) + b"keys")
    assert read(data + enhanced("<", 0, 0, b"x")) == ([Packet(0.0, ETHERNET, b"x")], None)


# ---- damage


WHOLE = {
    "pcap": (pcap([b"abcd", b"efgh"]), 24, 20),
    "pcapng": (
        section(">") + interface(">", ETHERNET) + enhanced(">", 0, 0, b"abcd") + enhanced(">", 0, 0, b"efgh"),
        len(section(">") + interface(">", ETHERNET)),
        len(enhanced(">", 0, 0, b"abcd")),
    ),
}


@pytest.mark.parametrize("form", WHOLE)
def test_wherever_a_file_is_cut_what_came_before_counts_and_the_cut_is_told(form: str) -> None:
    data, first, size = WHOLE[form]
    starts = [first, first + size]
    assert len(read(data)[0]) == 2
    for length in range(first, len(data)):
        found, problem = read(data[:length])
        assert len(found) == (length - first) // size, length
        inside = [start for start in starts if start < length < start + size]
        where = f"the capture file is cut: it ends inside the packet at byte {inside[0]}" if inside else None
        assert problem == where, length


@pytest.mark.parametrize("form", WHOLE)
def test_a_header_that_is_cut_is_no_capture(form: str) -> None:
    for length in range(4, 24):
        assert read(WHOLE[form][0][:length]) == ([], "cannot be read as a capture: its header is cut"), length


HEAD = section("<") + interface("<", ETHERNET)
DAMAGED = {
    "block shorter than its frame": (HEAD + struct.pack("<III", 6, 8, 8), "wrong length"),
    "block longer than any": (HEAD + struct.pack("<II", 6, MAX_BLOCK + 16) + b"\0" * 64, "wrong length"),
    "two lengths": (HEAD + enhanced("<", 0, 0, b"abcd")[:-4] + struct.pack("<I", 40), "Mismatching block lengths"),
    "packet longer than its block": (HEAD + block("<", 6, struct.pack("<5I", 0, 0, 0, 99, 99) + b"abcd"), "got 4"),
    "packet block without packet": (HEAD + block("<", 6, struct.pack("<5I", 0, 0, 0, 99, 99)), "ends early"),
    "no interface": (section("<") + enhanced("<", 0, 0, b"abcd"), "interface 0 is not described"),
    "simple packet without interface": (section("<") + simple("<", b"abcd"), "does not hold together"),
    "resolution of two bytes": (
        section("<") + interface("<", 1, options=option("<", 9, b"\6\6")) + enhanced("<", 0, 0, b"x"),
        "exactly one byte",
    ),
    "time after the year 9999": (
        section("<") + interface("<", 1, 0) + enhanced("<", 0, 253_402_300_800, b"x"),
        "none of the years",
    ),
    "time before 1970": (
        section("<") + interface("<", 1, options=option("<", 14, struct.pack("<q", -1))) + enhanced("<", 0, 0, b"x"),
        "none of the years",
    ),
    "too many interfaces": (section("<") + interface("<", 1) * (MAX_INTERFACES + 1), "more than 4096 interfaces"),
    "reserved block": (HEAD + block("<", 0, b""), "reserved"),
    # The library's own defect: it takes the prefix length, an int, for bytes.
    "IPv6 address of an interface": (section("<") + interface("<", 1, options=option("<", 5, b"\0" * 17)), "TypeError"),
    "short IPv4 address": (section("<") + interface("<", 1, options=option("<", 4, b"\x7f\0")), "OSError"),
    "option told twice": (section("<") + interface("<", 1, options=option("<", 13, b"\4") * 2), "TypeError"),
    "neither pcap nor pcapng": (b"GET / HTTP/1.1\r\nHost: example", "invalid tcpdump header"),
    "pcap packet longer than any": (pcap([]) + struct.pack("<IIII", 0, 0, MAX_BLOCK + 1, 0), "wrong length"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_is_told(damage: str) -> None:
    data, why = DAMAGED[damage]
    found, problem = read(data)
    assert found == []
    assert problem is not None
    assert problem.startswith("cannot be read as a capture: ")
    assert why in problem


def test_as_many_interfaces_as_allowed_are_read() -> None:
    data = section("<") + interface("<", ETHERNET) * MAX_INTERFACES
    assert read((data + enhanced("<", MAX_INTERFACES - 1, 0, b"x")) * 2)[1] is None


CAPTURES = [
    *(path.read_bytes() for path in sorted(FIXTURES.glob("*.pcapng"))),
    *(data for data, _, _ in WHOLE.values()),
    HEAD + old_packet("<", 0, 0, b"abcd") + simple("<", b"efgh"),
]
MAGICS = [
    struct.pack(order + "I", magic) for magic in (0x0A0D0D0A, 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34) for order in "<>"
]


@st.composite
def damaged_captures(draw: st.DrawFn) -> bytes:
    """A capture with some bytes set, a part lost or repeated, and its end cut; or bytes behind a right beginning."""
    if draw(st.booleans()):
        begin = draw(st.sampled_from([*MAGICS, section("<"), HEAD, pcap([])]))
        return begin + draw(st.binary(max_size=200))
    data = bytearray(draw(st.sampled_from(CAPTURES)))
    places = st.integers(0, min(len(data), 1200) - 1)
    for place, value in draw(st.lists(st.tuples(places, st.sampled_from([0, 1, 4, 127, 128, 255])), max_size=4)):
        data[place] = value
    first, last = sorted((draw(places), draw(places)))
    if draw(st.booleans()):
        data[first:last] = b"" if draw(st.booleans()) else bytes(data[first:last] * 2)
    return bytes(data[: draw(st.integers(4, len(data)))]) if draw(st.booleans()) else bytes(data)


@given(damaged_captures())
@settings(max_examples=400, deadline=None)
@example(CAPTURES[0])
def test_any_bytes_are_packets_or_a_capture_error(data: bytes) -> None:
    found, problem = read(data)
    assert sum(len(packet.data) for packet in found) <= len(data)
    assert problem is None or problem.startswith(("cannot be read as a capture: ", "the capture file is cut: "))


@given(damaged_captures())
@settings(max_examples=60, deadline=None)
def test_decode_of_any_damaged_capture_ends_with_an_exit_code(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "capture"
    path.write_bytes(data)
    for form in ([], ["--json"], ["--quiet"]):
        result = CliRunner().invoke(command, [*form, str(path)], catch_exceptions=False)
        assert result.exit_code in (0, 1)
