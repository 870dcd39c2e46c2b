"""Captures as people have them: any link layer, file form and damage; `ctigw decode` says what it could not use."""

import json
import os
import shutil
import ssl
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import dpkt
import pytest
from click.testing import CliRunner, Result

from capture_files import block, enhanced, interface, pcap, section, simple
from ctigw.cli.certs import command as certs
from ctigw.cli.decode import command
from ctigw.wire import AgentRef, TaskId, cti, cti_codec, mr, mr_codec

ASKED = mr_codec().encode(mr.HeartbeatReq(7))
OPEN = mr_codec().encode(mr.OpenReq(1, 5, 20000))
CONF = mr_codec().encode(mr.OpenConf(1, 5, 0))
CLIENT, SERVER = (b"\x0a\0\0\1", 40_000), (b"\x0a\0\0\2", 38_001)
NUL_BYTES = b"\0" * 12
SYN, ACK = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK


def ip(data: bytes, sequence: int, flags: int = ACK, back: bool = False, six: bool = False) -> bytes:
    """An IP packet from the client to the server, or back."""
    source, target = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    tcp = dpkt.tcp.TCP(sport=source[1], dport=target[1], seq=sequence % 2**32, flags=flags, data=data)
    if six:
        head = dpkt.ip6.IP6(src=NUL_BYTES + source[0], dst=NUL_BYTES + target[0], nxt=6, plen=len(tcp), data=tcp)
    else:
        head = dpkt.ip.IP(src=source[0], dst=target[0], p=6, data=tcp)
    return bytes(head)


def decode(tmp_path: Path, data: bytes, *options: str) -> Result:
    path = tmp_path / "capture"
    path.write_bytes(data)
    return CliRunner().invoke(command, [*options, str(path)], catch_exceptions=False)


def told(tmp_path: Path, data: bytes, *options: str) -> tuple[int, list[str]]:
    """Exit code, and names or errors in order."""
    result = decode(tmp_path, data, "--json", *options)
    entries = [json.loads(line) for line in result.stdout.splitlines()]
    return result.exit_code, [entry.get("name") or entry["error"] for entry in entries]


EXCHANGE = [ip(b"", 9, SYN), ip(b"", 99, SYN | ACK, back=True), ip(OPEN, 10), ip(CONF, 100, back=True)]
ETHERNET, VLAN = b"\x02" * 12, struct.pack(">HH", 0x8100, 42)
QINQ = struct.pack(">HH", 0x88A8, 7)
LAYERS = {
    "raw": (101, b"", False),
    "raw IPv6": (229, b"", True),
    "ethernet": (1, ETHERNET + b"\x08\0", False),
    "ethernet IPv6": (1, ETHERNET + b"\x86\xdd", True),
    "VLAN": (1, ETHERNET + VLAN + b"\x08\0", False),
    "VLAN in VLAN": (1, ETHERNET + QINQ + VLAN + b"\x86\xdd", True),
    "cooked": (113, b"\0" * 14 + b"\x08\0", False),
    "cooked, VLAN": (113, b"\0" * 14 + VLAN + b"\x08\0", False),
    "cooked 2": (276, b"\x86\xdd" + b"\0" * 18, True),
    "loopback of this byte order": (0, struct.pack("<I", 2), False),
    "loopback of the other": (0, struct.pack(">I", 30), True),
    "OpenBSD loopback": (108, struct.pack(">I", 24), True),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_every_usual_link_layer_is_read(layer: str, tmp_path: Path) -> None:
    link, head, six = LAYERS[layer]
    packets = [ip(b"", 9, SYN, six=six), ip(OPEN, 10, six=six), ip(CONF, 100, back=True, six=six)]
    assert told(tmp_path, pcap([head + packet for packet in packets], link)) == (0, ["OPEN_REQ", "OPEN_CONF"])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_times_of_pcap_files_of_either_byte_order_and_resolution(order: str, nanoseconds: bool, tmp_path: Path) -> None:
    result = decode(tmp_path, pcap(EXCHANGE, order=order, nanoseconds=nanoseconds))
    assert [line[:12] for line in result.stdout.splitlines() if "Trace:" in line] == ["22:13:20:200", "22:13:20:300"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_pcapng_file_of_several_interfaces_and_sections_is_one_capture(order: str, tmp_path: Path) -> None:
    data = section(order) + interface(order, 101, 9) + interface(order, 1)
    data += enhanced(order, 0, 1_700_000_000_100_000_000, EXCHANGE[0])
    data += enhanced(order, 1, 1_700_000_000_200_000, ETHERNET + b"\x08\0" + EXCHANGE[2])
    data += block(order, 5, b"\0" * 12)  # interface statistics
    data += section(">") + interface(">", 101, 0x80 | 10) + enhanced(">", 0, 1_700_000_000 * 1024 + 512, EXCHANGE[3])
    result = decode(tmp_path, data)
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if "Trace:" in line]
    assert [line[:12] for line in lines] == ["22:13:20:200", "22:13:20:500"]


def test_a_packet_without_time_is_read(tmp_path: Path) -> None:
    data = section("<") + interface("<", 101) + b"".join(simple("<", packet) for packet in EXCHANGE)
    assert told(tmp_path, data) == (0, ["OPEN_REQ", "OPEN_CONF"])


def test_tls_keys_for_a_capture_without_tls_are_a_problem(tmp_path: Path) -> None:
    needs_tshark()
    keylog = tmp_path / "keys.log"
    keylog.write_text("", encoding="ascii")
    expected = ["the capture holds no beginning of a TLS connection to decrypt"]
    assert told(tmp_path, pcap(EXCHANGE), "--keylog", str(keylog)) == (1, expected)


@pytest.mark.parametrize("cut", [1, 30, 60])
def test_a_file_that_ends_inside_a_packet_is_read_up_to_there(cut: int, tmp_path: Path) -> None:
    code, names = told(tmp_path, pcap(EXCHANGE)[:-cut])
    assert code == 1
    assert names[0].startswith("the capture file is cut: it ends inside the packet at byte")
    assert names[1:] == ["OPEN_REQ"]


@pytest.mark.parametrize(
    "data",
    [
        section("<") + enhanced("<", 0, 0, EXCHANGE[0]),
        section("<") + interface("<", 101) + struct.pack("<III", 6, 2, 2),
        b"\x0a\x0d\x0d\x0a" + b"\x20\0\0\0" + b"????" * 6,
    ],
    ids=["no interface", "block length", "byte order"],
)
def test_a_damaged_file_is_a_problem_and_no_traceback(data: bytes, tmp_path: Path) -> None:
    code, names = told(tmp_path, data)
    assert code == 1
    assert "cannot be read as a capture" in names[0]


def test_padding_behind_a_short_packet_is_no_data(tmp_path: Path) -> None:
    """Ethernet frames have 60 bytes and more; what fills a bare acknowledgement up is no part of the stream."""
    packets = [ip(b"", 9, SYN), ip(OPEN, 10), ip(b"", 10 + len(OPEN)), ip(ASKED, 10 + len(OPEN))]
    padded = [ETHERNET + b"\x08\0" + packet + b"\xee" * 6 for packet in packets]
    assert told(tmp_path, pcap(padded, 1)) == (0, ["OPEN_REQ", "HEARTBEAT_REQ"])


def test_a_packet_that_the_network_card_will_cut_has_no_length_and_is_read_whole(tmp_path: Path) -> None:
    packets = [packet[:2] + b"\0\0" + packet[4:] for packet in EXCHANGE]
    assert told(tmp_path, pcap(packets)) == (0, ["OPEN_REQ", "OPEN_CONF"])


def test_headers_between_ipv6_and_tcp_are_passed_over(tmp_path: Path) -> None:
    hop_by_hop = bytes.fromhex("06 00 01 04 00000000")
    packets = [ip(b"", 9, SYN, six=True), ip(OPEN, 10, six=True)]
    longer = [
        packet[:4]
        + struct.pack(">H", len(packet) - 40 + len(hop_by_hop))
        + b"\0"
        + packet[7:40]
        + hop_by_hop
        + packet[40:]
        for packet in packets
    ]
    assert told(tmp_path, pcap(longer)) == (0, ["OPEN_REQ"])


def test_a_packet_that_was_captured_in_part_leaves_a_gap(tmp_path: Path) -> None:
    """As `tcpdump -s` does it: the packet says how long it was."""
    packets = [ip(b"", 9, SYN), ip(OPEN, 10)[:-5], ip(ASKED, 10 + len(OPEN))]
    assert told(tmp_path, pcap(packets)) == (1, ["the capture lacks 5 bytes", "HEARTBEAT_REQ"])


def test_every_connection_has_its_own_protocol_and_version(tmp_path: Path) -> None:
    """Three at once; 19 writes floating fields with one byte of tag and of length, 25 with two."""
    opened = {
        version: cti_codec(version).encode(cti.OpenReq(1, version, 120, 1, 0, 0, 0, 0, 0, 0, 0, floating=[(1, "desk")]))
        for version in (19, 25)
    }
    task = mr_codec().encode(mr.NewTask(1, 1, 5001, TaskId(-1, -1, -1), AgentRef(0, -1, -1, -1), 0, 0))
    streams = [[opened[19], opened[19]], [opened[25], opened[25]], [OPEN, task]]
    packets = []
    for place in (0, 1):
        for number, frames in enumerate(streams):
            sequence = 10 + place * len(frames[0])
            packet = dpkt.ip.IP(ip(frames[place], sequence))
            packet.data.sport, packet.sum, packet.data.sum = 40_000 + number, 0, 0
            packets.append(bytes(packet))
    result = decode(tmp_path, pcap(packets), "--json")
    entries = [json.loads(line) for line in result.stdout.splitlines()]
    found = [(entry["protocol"], entry["version"], entry["name"]) for entry in entries]
    opens = [("cti", 19, "OPEN_REQ"), ("cti", 25, "OPEN_REQ")]
    assert found == [*opens, ("mr", 5, "OPEN_REQ"), *opens, ("mr", 5, "NEW_TASK")]
    assert [entry["floating"][0]["value"] for entry in entries if entry["protocol"] == "cti"] == ["desk"] * 4


def test_quiet_says_nothing_about_a_damaged_capture_and_the_exit_code_tells(tmp_path: Path) -> None:
    for form in ([], ["--json"]):
        result = decode(tmp_path, pcap(EXCHANGE)[:-1], "--quiet", *form)
        assert (result.exit_code, result.output) == (1, "")


def test_a_cut_capture_is_told_beside_the_trace(tmp_path: Path) -> None:
    result = decode(tmp_path, pcap(EXCHANGE)[:-1])
    assert (result.exit_code, result.stdout.count("Trace:")) == (1, 1)
    assert result.stderr.startswith("ctigw decode: capture, offset 0: the capture file is cut")


def test_a_capture_that_begins_in_the_middle_says_how_much_was_skipped(tmp_path: Path) -> None:
    task = mr_codec().encode(mr.NewTask(1, 1, 5001, TaskId(-1, -1, -1), AgentRef(0, -1, -1, -1), 0, 0))
    code, names = told(tmp_path, pcap([ip(task[30:] + ASKED, 500), ip(ASKED, 500 + len(task) - 30 + len(ASKED))]))
    skipped = f"the capture begins inside a frame: {len(task) - 30} bytes are skipped"
    assert (code, names) == (1, [skipped, "HEARTBEAT_REQ", "HEARTBEAT_REQ"])


def test_a_capture_that_begins_between_two_frames_skips_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, pcap([ip(ASKED, 500), ip(ASKED, 512)])) == (0, ["HEARTBEAT_REQ", "HEARTBEAT_REQ"])


def test_bytes_of_another_protocol_are_in_no_frame(tmp_path: Path) -> None:
    code, names = told(tmp_path, pcap([ip(b"GET / HTTP/1.1\r\n\r\n", 500)]))
    assert (code, names) == (1, ["the capture begins inside a frame: 18 bytes are in no frame"])


def test_after_a_gap_inside_a_frame_its_length_tells_where_the_next_one_begins(tmp_path: Path) -> None:
    client = cti_codec().encode(cti.OpenReq(1, 25, 120, 1, 0, 0, 0, 0, 0, 0, 0)) + ASKED + ASKED
    parts = [ip(b"", 9, SYN), ip(client[:20], 10), ip(client[40:], 50)]
    code, names = told(tmp_path, pcap(parts), "--protocol", "cti")
    assert (code, names) == (
        1,
        [f"the capture lacks 20 bytes; {len(client) - 24 - 40} more are skipped, up to the next frame"]
        + ["HEARTBEAT_REQ"] * 2,
    )


def test_after_a_lost_header_the_next_frame_is_searched_for(tmp_path: Path) -> None:
    parts = [ip(b"", 9, SYN), ip(OPEN, 10), ip(ASKED[6:] + ASKED, 10 + len(OPEN) + 6)]
    code, names = told(tmp_path, pcap(parts))
    lacking = "the capture lacks 6 bytes; 6 more are skipped, up to the next frame"
    assert (code, names) == (1, [lacking, "OPEN_REQ", "HEARTBEAT_REQ"])


# ---- TLS


def tls_records(folder: Path) -> tuple[list[tuple[bool, bytes]], Path]:
    """(back, bytes) of a TLS conversation that carries OPEN_REQ and OPEN_CONF, and its key log file."""
    CliRunner().invoke(certs, [str(folder)], catch_exceptions=False)
    keylog = folder / "keys.log"
    client_context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    client_context.check_hostname = False
    client_context.keylog_filename = str(keylog)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(folder / "server.pem", folder / "server.key")
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(down, up)
    server = server_context.wrap_bio(up, down, server_side=True)
    sent: list[tuple[bool, bytes]] = []

    def pass_on() -> None:
        for back, pipe in ((False, up), (True, down)):
            data = pipe.read()
            if data:
                sent.append((back, data))
                assert pipe.write(data) == len(data)

    for end in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            end.do_handshake()
        pass_on()
    with suppress(ssl.SSLWantReadError):
        client.read()  # the server's session tickets
    for writer, frame in ((client, OPEN), (server, CONF), (client, ASKED)):
        writer.write(frame[:5])
        writer.write(frame[5:])
        pass_on()
        reader = server if writer is client else client
        assert reader.read() + reader.read() == frame
    return sent, keylog


def tls_capture(records: list[tuple[bool, bytes]]) -> bytes:
    packets = [ip(b"", 9, SYN), ip(b"", 9, SYN | ACK, back=True)]
    following = {False: 10, True: 10}
    for back, data in records:
        packets.append(ip(data, following[back], back=back))
        following[back] += len(data)
    return pcap(packets)


@pytest.fixture
def tls(tmp_path: Path) -> tuple[bytes, str]:
    """A capture of a TLS conversation, and its key log file."""
    records, keylog = tls_records(tmp_path)
    return tls_capture(records), str(keylog)


def needs_tshark() -> None:
    if shutil.which("tshark") is None:
        assert "CI" not in os.environ, "tshark is missing"
        pytest.skip("needs tshark")


def test_tls_without_keys_is_told_as_tls(tls: tuple[bytes, str], tmp_path: Path) -> None:
    code, names = told(tmp_path, tls[0])
    assert code == 1
    assert set(names) == {"is encrypted with TLS: --keylog FILE decodes it with the keys of the session"}


def test_tls_with_a_key_log_file_is_decoded_by_way_of_tshark(tls: tuple[bytes, str], tmp_path: Path) -> None:
    needs_tshark()
    assert told(tmp_path, tls[0], "--keylog", tls[1]) == (0, ["OPEN_REQ", "OPEN_CONF", "HEARTBEAT_REQ"])
    lines = [
        line for line in decode(tmp_path, tls[0], "--keylog", tls[1]).output.splitlines() if not line.startswith(" ")
    ]
    assert lines[0] == "ctigw decode: tshark decrypts TLS with the key log file"


def test_keys_of_another_session_decode_nothing(tls: tuple[bytes, str], tmp_path: Path) -> None:
    needs_tshark()
    other = tmp_path / "other.log"
    other.write_text("CLIENT_RANDOM " + "00" * 32 + " " + "11" * 48 + "\n", encoding="ascii")
    assert told(tmp_path, tls[0], "--keylog", str(other)) == (
        1,
        ["the key log file decrypts no TLS connection of the capture"],
    )


def test_without_tshark_the_key_log_file_is_refused_in_one_line(
    tls: tuple[bytes, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    result = decode(tmp_path, tls[0], "--keylog", tls[1], "--json")
    assert result.exit_code == 1
    assert "--keylog needs tshark, which is not installed" in result.stdout


def test_a_key_log_file_without_a_capture_is_wrong_use(tls: tuple[bytes, str], tmp_path: Path) -> None:
    assert decode(tmp_path, b"\0\1", "--keylog", tls[1]).exit_code == 2


def test_the_wireshark_dissector_reads_decrypted_tls_too(tls: tuple[bytes, str], tmp_path: Path) -> None:
    needs_tshark()
    path = tmp_path / "tls.pcap"
    path.write_bytes(tls[0])
    script = Path(__file__).parents[2] / "tools" / "wireshark" / "ctigw.lua"
    arguments = ["tshark", "-n", "-2", "-r", str(path), "-o", f"tls.keylog_file:{tls[1]}", "-X", f"lua_script:{script}"]
    fields = ["-T", "fields", "-e", "ctigw_mr.Name", "-e", "ctigw_cti.Name", "-Y", "ctigw_mr || ctigw_cti"]
    done = subprocess.run([*arguments, *fields], capture_output=True, check=True, timeout=60, text=True)
    assert done.stdout.split() == ["OPEN_REQ", "OPEN_CONF", "HEARTBEAT_REQ"]
