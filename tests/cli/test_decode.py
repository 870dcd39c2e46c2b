"""`ctigw decode`: every form of SOURCE, every kind of damage, and the exit code that goes with it."""

import io
import json
import struct
import sys
from pathlib import Path

import dpkt
import pytest
from click.testing import CliRunner, Result

from ctigw.cli.decode import command
from ctigw.cli.encode import command as encode
from ctigw.wire import cti, cti_codec, mr, mr_codec

sys.path.insert(0, str(Path(__file__).parents[1] / "wire"))
from wire_samples import SAMPLES, Sample

NEW_TASK = next(sample.frame for sample in SAMPLES if sample.name == "NEW_TASK")
HEARTBEAT = mr_codec().encode(mr.HeartbeatReq(2))
OPEN = mr_codec().encode(mr.OpenReq(1, 5, 20000))


def decode(*arguments: str, data: bytes | str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=data, catch_exceptions=False)


def objects(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def names(result: Result) -> list[object]:
    return [entry.get("name", entry.get("error")) for entry in objects(result)]


def ids(sample: Sample) -> str:
    return f"{sample.protocol}{sample.version}-{sample.name}"


@pytest.mark.parametrize("sample", SAMPLES, ids=ids)
def test_decode_then_encode_gives_the_bytes_of_every_sample(sample: Sample) -> None:
    decoded = decode("--json", "--protocol", sample.protocol, "--version", str(sample.version), sample.frame.hex())
    assert decoded.exit_code == 0
    assert CliRunner().invoke(encode, [], input=decoded.stdout).stdout_bytes == sample.frame


@pytest.mark.parametrize(("protocol", "version"), [("mr", 5), ("cti", 25), ("cti", 19)])
@pytest.mark.parametrize("auto", [True, False])
def test_decode_then_encode_gives_the_bytes_of_all_samples_in_one_stream(
    protocol: str, version: int, auto: bool
) -> None:
    frames = [sample.frame for sample in SAMPLES if (sample.protocol, sample.version) == (protocol, version)]
    choice = [] if auto else ["--protocol", protocol, "--version", str(version)]
    decoded = decode("--json", *choice, "-", data=b"".join(frames))
    assert decoded.exit_code == 0
    assert {(entry["protocol"], entry["version"]) for entry in objects(decoded)} == {(protocol, version)}
    assert CliRunner().invoke(encode, [], input=decoded.stdout).stdout_bytes == b"".join(frames)


def test_hexadecimal_digits_may_be_longer_than_any_file_name() -> None:
    result = CliRunner().invoke(command, ["--json", "00000004000000050000000a" * 200])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) == 200


def test_the_trace_form_is_the_default() -> None:
    result = decode(NEW_TASK.hex())
    assert result.stdout.startswith("Trace: Application->PG:\nMessage = NEW_TASK; Length = 102 bytes\n")
    assert result.exit_code == 0


def hexdump(data: bytes) -> str:
    """As `hexdump -C` prints it."""
    lines = []
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{offset:08x}  {row[:8].hex(' ')}  {row[8:].hex(' ')}  |{text}|")
    return "\n".join([*lines, f"{len(data):08x}", ""])


def xxd(data: bytes) -> str:
    """As `xxd` prints it."""
    lines = []
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{offset:08x}: {row.hex(' ', -2):39}  {text}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        NEW_TASK.hex(),
        NEW_TASK.hex().upper(),
        NEW_TASK.hex(" ", 4),
        "\n".join(NEW_TASK.hex()[place : place + 32] for place in range(0, len(NEW_TASK.hex()), 32)) + "\n",
        "0x" + NEW_TASK.hex(),
        "# a NEW_TASK\n" + NEW_TASK.hex(":"),
        hexdump(NEW_TASK),
        xxd(NEW_TASK),
    ],
    ids=["plain", "capitals", "words", "lines", "0x", "colons", "hexdump", "xxd"],
)
def test_hex_text_is_read_however_it_is_laid_out(text: str, tmp_path: Path) -> None:
    path = tmp_path / "task.txt"
    path.write_text(text, encoding="ascii")
    assert names(decode("--json", str(path))) == ["NEW_TASK"]
    assert names(decode("--json", "-", data=text)) == ["NEW_TASK"]


def test_raw_bytes_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "task.bin"
    path.write_bytes(HEARTBEAT + NEW_TASK)
    result = decode("--json", str(path))
    assert names(result) == ["HEARTBEAT_REQ", "NEW_TASK"]
    assert {entry["protocol"] for entry in objects(result)} == {"mr"}


def test_a_stray_control_byte_is_no_hex_text() -> None:
    assert decode("--json", "-", data=b"\x1c").exit_code == 1


def test_an_empty_input_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    result = decode("--json", str(path))
    assert (result.exit_code, result.stdout) == (0, "")


def test_decoding_goes_on_after_a_malformed_body() -> None:
    broken = bytes.fromhex("00000002 00000005 0000")
    result = decode("--json", "--protocol", "mr", (broken + HEARTBEAT).hex())
    assert result.exit_code == 1
    assert objects(result)[0] == {
        "error": "needs 4 bytes, 2 are left",
        "message": "HEARTBEAT_REQ",
        "field": "InvokeID",
        "offset": 0,
    }
    assert objects(result)[1]["name"] == "HEARTBEAT_REQ"


def test_a_malformed_body_is_told_on_standard_error_beside_the_trace() -> None:
    result = decode("--protocol", "mr", (bytes.fromhex("00000002 00000005 0000") + HEARTBEAT).hex())
    assert result.exit_code == 1
    assert "HEARTBEAT_REQ.InvokeID at offset 0" in result.stderr
    assert "Message = HEARTBEAT_REQ; Length = 12 bytes" in result.stdout


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (HEARTBEAT + HEARTBEAT[:9], "ends inside a frame"),
        (HEARTBEAT + HEARTBEAT[:3], "ends inside a frame"),
        (OPEN + bytes.fromhex("00001001 00000005"), "above the limit of 4096"),
        (HEARTBEAT + bytes.fromhex("ffffffff 00000005"), "above the limit of 12492"),
    ],
)
def test_bytes_that_are_no_frame_are_told_after_the_frames(data: bytes, problem: str) -> None:
    result = decode("--json", data.hex())
    entries = objects(result)
    assert result.exit_code == 1
    assert problem in str(entries[-1]["error"])
    assert (entries[-1]["message"], entries[-1]["field"]) == (None, "MessageLength")
    assert "name" in entries[0]


def test_quiet_says_nothing_and_the_exit_code_tells() -> None:
    assert (decode("--quiet", HEARTBEAT.hex()).exit_code, decode("--quiet", HEARTBEAT.hex()).output) == (0, "")
    for form in ([], ["--json"]):
        result = decode("--quiet", *form, HEARTBEAT[:9].hex())
        assert (result.exit_code, result.output) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [["no-such-file"], ["--version", "99", NEW_TASK.hex()], ["--protocol", "sip", "00"], ["--version", "x", "00"], []],
)
def test_wrong_use_is_exit_code_2_without_a_traceback(arguments: list[str]) -> None:
    result = decode(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_option_holds_for_the_whole_input() -> None:
    frame = cti_codec(19).encode(cti.ChangeMaxTaskLimitReq(1, 2, 3, 4, floating=[(200, b"\1")]))
    assert objects(decode("--json", "--version", "19", frame.hex()))[0]["version"] == 19
    assert decode("--json", frame.hex()).exit_code == 1


# ---- captures


def packet(source: int, target: int, sequence: int, data: bytes = b"", flags: int = dpkt.tcp.TH_ACK) -> bytes:
    tcp = dpkt.tcp.TCP(sport=source, dport=target, seq=sequence % 2**32, flags=flags, data=data)
    address = (b"\x0a\0\0\1", b"\x0a\0\0\2")
    first, second = address if source < target else address[::-1]
    ip = dpkt.ip.IP(src=first, dst=second, p=dpkt.ip.IP_PROTO_TCP, data=tcp)
    return bytes(dpkt.ethernet.Ethernet(type=dpkt.ethernet.ETH_TYPE_IP, data=ip))


def capture(packets: list[bytes], pcapng: bool = False) -> bytes:
    file = io.BytesIO()
    writer = dpkt.pcapng.Writer(file) if pcapng else dpkt.pcap.Writer(file)
    for number, each in enumerate(packets):
        writer.writepkt(each, ts=1_700_000_000 + number / 10)
    return file.getvalue()


CLIENT, SERVER = 1024, 38001
START = 2**32 - 20
"""A sequence number that wraps inside the first frames."""


def exchange() -> list[bytes]:
    """The client opens and sends a task in two pieces, out of order and one of them twice; the server answers."""
    task, answer = NEW_TASK, mr_codec().encode(mr.OpenConf(1, 5, 0))
    begun = START + 1 + len(OPEN)
    return [
        packet(CLIENT, SERVER, START, flags=dpkt.tcp.TH_SYN),
        packet(SERVER, CLIENT, 700, flags=dpkt.tcp.TH_SYN | dpkt.tcp.TH_ACK),
        packet(CLIENT, SERVER, START + 1, OPEN),
        packet(SERVER, CLIENT, 701, answer),
        packet(CLIENT, SERVER, begun + 50, task[50:]),
        packet(CLIENT, SERVER, START + 1, OPEN),
        packet(CLIENT, SERVER, begun, task[:60]),
        packet(SERVER, CLIENT, 701 + len(answer), HEARTBEAT),
    ]


@pytest.mark.parametrize("pcapng", [False, True])
def test_a_capture_gives_both_directions_in_the_order_of_time(pcapng: bool, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(capture(exchange(), pcapng))
    result = decode("--json", str(path))
    assert result.exit_code == 0
    assert names(result) == ["OPEN_REQ", "OPEN_CONF", "NEW_TASK", "HEARTBEAT_REQ"]
    assert {entry["protocol"] for entry in objects(result)} == {"mr"}


def test_a_captured_frame_is_traced_with_its_time_and_way(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(capture(exchange()))
    lines = decode(str(path)).stdout.splitlines()
    assert lines[0] == "22:13:20:200 Trace: 10.0.0.1:1024->10.0.0.2:38001:"
    assert "22:13:20:300 Trace: 10.0.0.2:38001->10.0.0.1:1024:" in lines
    assert "22:13:20:600 Trace: 10.0.0.1:1024->10.0.0.2:38001:" in lines


def test_a_gap_in_a_capture_is_told_and_nothing_behind_it_is_guessed(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    packets = exchange()
    del packets[6]
    path.write_bytes(capture(packets))
    result = decode("--json", str(path))
    assert result.exit_code == 1
    assert names(result) == ["the capture lacks 50 bytes", "OPEN_REQ", "OPEN_CONF", "HEARTBEAT_REQ"]


def test_ports_used_again_begin_another_connection(tmp_path: Path) -> None:
    again = cti_codec().encode(cti.OpenReq(1, 25, 120, 1, 0, 0, 0, 0, 0, 0, 0))
    packets = [
        *exchange(),
        packet(CLIENT, SERVER, 90_000, flags=dpkt.tcp.TH_SYN),
        packet(CLIENT, SERVER, 90_001, again),
    ]
    path = tmp_path / "capture"
    path.write_bytes(capture(packets))
    result = decode("--json", str(path))
    assert [entry["protocol"] for entry in objects(result)] == ["mr"] * 4 + ["cti"]


def test_a_broken_capture_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(capture(exchange())[:4] + b"\0" * 3)
    result = decode(str(path))
    assert result.exit_code == 1
    assert "cannot be read as a capture" in result.stderr


def test_packets_that_are_no_tcp_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    arp = bytes(dpkt.ethernet.Ethernet(type=dpkt.ethernet.ETH_TYPE_ARP, data=b"\0" * 28))
    path.write_bytes(capture([arp, struct.pack(">14s", b""), *exchange()]))
    assert len(names(decode("--json", str(path)))) == 4
