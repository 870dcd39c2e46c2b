"""The Wireshark dissector says what `ctigw decode` says: the same names, numbers and texts, for every message."""

import io
import json
import os
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import dpkt
import pytest
from click.testing import CliRunner

import make_dissector
from ctigw.cli.capture import read_capture
from ctigw.cli.decode import command as decode
from ctigw.replay.connections import Connection
from ctigw.wire import catalogue, cti, cti_codec, mr, mr_codec
from ctigw.wire.layout import FloatRow, MessageRow, ProtocolName, ProtocolRow

ROOT = Path(__file__).parents[2]
FIXTURES = sorted((ROOT / "fixtures").glob("*.pcapng"))
MEMBERS_SHOWN = ("AGENTREF", "ECCNAME", "ECCVALUE", "ECCARRAY", "NAMEDVAR", "NAMEDARRAY")
HEADER = ("MessageLength", "MessageType", "Version", "Name", "SubType")

Pair = tuple[str, str]
"""What is shown of a message: name, value."""


def needs_tshark() -> None:
    if shutil.which("tshark") is None:
        assert "CI" not in os.environ, "tshark is missing"
        pytest.skip("needs tshark")


def dissected(capture: Path, *options: str) -> list[tuple[str, list[Pair], list[str]]]:
    """(message, what is shown of it, texts of codes) of all frames, as tshark prints them."""
    needs_tshark()
    done = subprocess.run(
        ["tshark", "-n", "-r", str(capture), "-X", f"lua_script:{make_dissector.DISSECTOR}", "-T", "pdml", *options],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert b"Lua" not in done.stderr, done.stderr
    found = []
    for tree in ET.fromstring(done.stdout).iter("proto"):
        if str(tree.get("name")).startswith("ctigw_"):
            name = next(
                (str(field.get("show")) for field in tree if str(field.get("name")).endswith(".Name")), "unknown"
            )
            found.append((name, list(shown(tree)), list(texts(tree))))
    return found


def label(field: ET.Element) -> str:
    return str(field.get("showname")).partition(":")[0].strip("[")


def is_ours(field: ET.Element) -> bool:
    return str(field.get("name")).startswith("ctigw_")


def shown(tree: ET.Element) -> Iterator[Pair]:
    for field in tree:
        if "_ws.expert" in str(field.get("name")):
            yield "Malformed", str(field.get("showname"))
        if not is_ours(field) or label(field) in HEADER:
            continue
        value = str(field.get("show"))
        inner = [member for member in field if is_ours(member)]
        if label(field) == "FloatingField":
            yield "FloatingField", value
            yield from shown(field)
        elif inner and not label(inner[0]).startswith(("TaskGroupHigh", "RouterCallKeyDay")):
            yield from ((f"{label(field)}.{label(member)}", str(member.get("show"))) for member in inner)
        else:
            yield label(field), value


def texts(tree: ET.Element) -> Iterator[str]:
    """Codes with their text: "AgentState: ACTIVE (14)"."""
    for field in tree.iter("field"):
        known = is_ours(field) and label(field) not in HEADER
        if known and str(field.get("showname")).endswith(f"({field.get('show')})"):
            yield str(field.get("showname"))


def decoded(capture: Path, *options: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(decode, ["--json", *options, str(capture)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def expected(entry: dict[str, object]) -> list[Pair]:
    """What the JSON object of a frame should be shown as."""
    if "body" in entry:
        body = str(entry["body"]).removeprefix("hex:")
        return [("Body", colons(body))] if body else []
    fields, floating = entry["fields"], entry["floating"]
    assert isinstance(fields, dict)
    assert isinstance(floating, list)
    found = [pair for name, value in fields.items() for pair in pairs(name, value, None)]
    protocol: ProtocolName = "mr" if entry["protocol"] == "mr" else "cti"
    known = {row.tag: row for row in floats_of(protocol, str(entry["name"]))}
    for item in floating:
        name = item["name"] or f"Tag {item['tag']}"
        found += [("FloatingField", name), ("Tag", str(item["tag"]))]
        row = known.get(item["tag"]) if item["name"] else None
        values = list(pairs(name, item["value"], row))
        found += [("FieldLength", "?"), *values]
    return found


def expected_texts(entry: dict[str, object]) -> Iterator[str]:
    """The codes of a message with their texts, as the protocol tables have them; AgentMode as decisions A3 have it."""
    protocol: ProtocolName = "mr" if entry["protocol"] == "mr" else "cti"
    if entry["name"] is None or "body" in entry:
        return
    fields, floating = entry["fields"], entry["floating"]
    assert isinstance(fields, dict)
    assert isinstance(floating, list)
    rows = [row for row in catalogue.protocol(protocol).messages if row.name == entry["name"]]
    enums = {field.name: field.enum for row in rows for field in row.fields}
    float_enums = {row.name: row.enum for row in floats_of(protocol, str(entry["name"]))}
    named = [(name, value, enums[name]) for name, value in fields.items()]
    named += [(item["name"], item["value"], float_enums.get(item["name"])) for item in floating]
    for name, values, enum in named:
        for value in values if isinstance(values, list) else [values]:
            row = None if enum is None else catalogue.enumeration(protocol, enum)
            if row is not None and not row.flags and isinstance(value, int):
                inverted = enum == "agent_mode" and value in (0, 1) and entry["version"] in (14, 15, 16, 17)
                shown = 1 - value if inverted else value
                text = next((text for text, number in row.members if number == shown), "Unknown")
                yield f"{name}: {text} ({value})"


def floats_of(protocol: ProtocolName, name: str) -> tuple[FloatRow, ...]:
    return catalogue.protocol(protocol).floats_of(catalogue.lookup(protocol, name))


def colons(digits: str) -> str:
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))


def pairs(name: str, value: object, row: FloatRow | None) -> Iterator[Pair]:
    if isinstance(value, dict):
        yield from ((f"{name}.{member}", str(inner)) for member, inner in value.items())
    elif isinstance(value, list) and (row is None or row.array is None):
        yield name, ":".join(map(str, value))
    elif isinstance(value, list):
        yield from ((name, str(inner)) for inner in value)
    elif isinstance(value, str) and value.startswith("hex:"):
        digits = value.removeprefix("hex:")
        if digits:
            yield (name if row is not None and row.type == "UNSPEC" else "Raw"), colons(digits)
    else:
        yield name, str(value)


def without_lengths(found: list[Pair]) -> list[Pair]:
    return [(name, "?" if name == "FieldLength" else value) for name, value in found]


def connections(capture: Path) -> list[Connection]:
    return read_capture(capture.read_bytes())[0]


def compare(capture: Path, *options: str) -> int:
    """Hold tshark against `ctigw decode`; the number of messages."""
    left, right = dissected(capture, *options), decoded(capture)
    assert [name for name, _, _ in left] == [entry["name"] or "unknown" for entry in right]
    for (name, found, codes), entry in zip(left, right, strict=True):
        assert without_lengths(found) == expected(entry), name
        assert codes == list(expected_texts(entry)), name
    return len(right)


@pytest.mark.parametrize("capture", FIXTURES, ids=lambda path: path.stem)
def test_a_capture_is_dissected_to_what_decode_says(capture: Path) -> None:
    """The port is told: which heuristic Wireshark asks first, others' or ours, depends on what it has seen before."""
    (port,) = {connection.directions[0].target.rpartition(":")[2] for connection in connections(capture)}
    assert compare(capture, "-d", f"tcp.port=={port},ctigw") > 5


# ---- every message


def capture_of(frames: list[bytes], path: Path, port: int) -> Path:
    """A capture of a client that sends `frames`, cut into segments that do not end where frames end."""
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file, linktype=dpkt.pcap.DLT_RAW)
    stream = b"".join(frames)
    parts = [(b"", dpkt.tcp.TH_SYN)] + [(stream[at : at + 1000], dpkt.tcp.TH_ACK) for at in range(0, len(stream), 1000)]
    sequence = 1
    for number, (data, flags) in enumerate(parts):
        tcp = dpkt.tcp.TCP(sport=50_000, dport=port, seq=sequence, flags=flags, data=data)
        packet = dpkt.ip.IP(src=b"\x0a\0\0\1", dst=b"\x0a\0\0\2", p=6, data=tcp)
        writer.writepkt(bytes(packet), ts=1_700_000_000 + number)
        sequence += len(data) + (flags == dpkt.tcp.TH_SYN)
    path.write_bytes(file.getvalue())
    return path


def sample(protocol: ProtocolRow, type_name: str, seed: int) -> bytes:
    """Data of a type, other for every seed; of a text or bytes now and then none."""
    row = protocol.type(type_name)
    end = b"\0" if protocol.text_ends_with_nul else b""
    if row.code:
        size = struct.calcsize(">" + row.code)
        return (seed * 0x9E3779B97F4A7C15).to_bytes(16, "big")[-size:]
    if row.members:
        return b"".join(sample(protocol, kind, seed + place) for place, (_, kind) in enumerate(row.members))
    match type_name:
        case "STRING":
            return (b"" if seed % 7 == 0 else f"text {seed} \xe9".encode("latin-1")) + end
        case "NAMEDVAR":
            return f"user.{seed}\0value {seed}\0".encode()
        case "NAMEDARRAY":
            return bytes((seed % 256,)) + f"user.{seed}\0\0".encode()
        case _:
            return bytes(range(seed % 5))


def frames_of(protocol: ProtocolRow, row: MessageRow, version: int) -> Iterator[bytes]:
    """A message with all its floating fields, one with data that do not fit, and an unknown tag."""
    header = protocol.float_header(version)
    head = ">" + protocol.type(header.tag).code + protocol.type(header.length).code
    highest = 256 ** struct.calcsize(">" + protocol.type(header.tag).code) - 1
    sub = [(kind, row.subtype) for number, kind in protocol.envelopes if number == row.number]
    body = b"".join(struct.pack(">" + protocol.type(kind).code, subtype) for kind, subtype in sub)
    for place, field in enumerate(row.fields_in(version)):
        body += sample(protocol, field.type, row.number + place)
    if row.body_length not in (None, len(body)):
        return
    if row.layout and row.body_length is None:
        for place, known in enumerate(protocol.floats_of(row)):
            if known.tag <= highest:
                data = sample(protocol, known.type, row.number + place) * (3 if known.array is not None else 1)
                body += struct.pack(head, known.tag, len(data)) + data
                if place % 5 == 0 and known.type not in ("STRING", "UNSPEC"):
                    body += struct.pack(head, known.tag, len(data) + 1) + data + b"\0"
        body += struct.pack(head, 254, 2) + b"\xff\0"
    yield struct.pack(">II", len(body), row.number) + body


@pytest.mark.parametrize(("name", "version", "port"), [("mr", 5, 38001), ("cti", 25, 42027), ("cti", 14, 43027)])
def test_every_message_is_dissected_to_what_decode_says(
    name: ProtocolName, version: int, port: int, tmp_path: Path
) -> None:
    protocol = catalogue.protocol(name)
    if name == "mr":
        frames = [mr_codec().encode(mr.OpenReq(1, version, 20000))]
    else:
        frames = [cti_codec(version).encode(cti.OpenReq(1, version, 120, 1, 0, 0, 0, 0, 0, 0, 0))]
    for row in protocol.messages:
        if row.name != "OPEN_REQ" and row.min_version <= version:
            frames += frames_of(protocol, row, version)
    frames.append(struct.pack(">II", 3, 9999) + b"abc")
    assert compare(capture_of(frames, tmp_path / "all.pcap", port)) == len(frames)


def test_codes_are_shown_with_their_texts(tmp_path: Path) -> None:
    answer = mr_codec().encode(mr.OpenConf(1, 5, mr.Status.APPLICATION_OFFLINE))
    state = cti_codec().encode(cti.SetAgentStateReq(1, 5000, cti.AgentState.HOLD, 0, 0, 0, 0, 0))
    opened = cti_codec().encode(cti.OpenReq(1, 25, 120, 1, 0, 0, 0, 0, 0, 0, 0))
    (_, (_, _, codes)) = dissected(
        capture_of([mr_codec().encode(mr.OpenReq(1, 5, 0)), answer], tmp_path / "mr.pcap", 38001)
    )
    assert "Status: APPLICATION_OFFLINE (3)" in codes
    (_, (_, _, codes)) = dissected(capture_of([opened, state], tmp_path / "cti.pcap", 38001))
    assert f"AgentState: HOLD ({int(cti.AgentState.HOLD)})" in codes


@pytest.mark.parametrize(
    ("version", "texts_of_1_and_0"),
    [
        (13, ["ROUTABLE (1)", "NOT_ROUTABLE (0)"]),
        (14, ["NOT_ROUTABLE (1)", "ROUTABLE (0)"]),
        (17, ["NOT_ROUTABLE (1)", "ROUTABLE (0)"]),
        (18, ["ROUTABLE (1)", "NOT_ROUTABLE (0)"]),
        (25, ["ROUTABLE (1)", "NOT_ROUTABLE (0)"]),
        (None, []),
    ],
)
def test_agent_mode_has_the_text_of_the_conversations_version(
    version: int | None, texts_of_1_and_0: list[str], tmp_path: Path
) -> None:
    """Without an OPEN_REQ the version is not known, and the number stands alone."""
    codec = cti_codec(version or 25)
    frames = [codec.encode(cti.MediaLoginReq(1, 5001, 6001, mode, 1)) for mode in (1, 0)]
    if version is not None:
        frames.insert(0, codec.encode(cti.OpenReq(1, version, 120, 1, 0, 0, 0, 0, 0, 0, 0)))
    found = dissected(capture_of(frames, tmp_path / "mode.pcap", 42027))
    modes = [text for _, _, codes in found for text in codes if text.startswith("AgentMode: ")]
    assert modes == [f"AgentMode: {text}" for text in texts_of_1_and_0]
    assert [dict(values).get("AgentMode") for _, values, _ in found[-2:]] == ["1", "0"]


def test_on_other_ports_a_connection_is_found_by_its_open_req_only(tmp_path: Path) -> None:
    opened = mr_codec().encode(mr.OpenReq(1, 5, 0))
    beat = mr_codec().encode(mr.HeartbeatReq(2))
    names = [name for name, _, _ in dissected(capture_of([opened, beat], tmp_path / "a.pcap", 5555))]
    assert names == ["OPEN_REQ", "HEARTBEAT_REQ"]
    assert dissected(capture_of([beat, opened], tmp_path / "b.pcap", 5555)) == []
    assert len(dissected(capture_of([beat, beat], tmp_path / "c.pcap", 38001))) == 2


@pytest.mark.parametrize("kept", [0, 3, 4, 8, 12, 13, 14, 17])
def test_a_cut_message_is_malformed_and_stops_nothing(kept: int, tmp_path: Path) -> None:
    """So many bytes of an OPEN_REQ with a floating field are kept; the frame after it is dissected."""
    whole = mr_codec().encode(mr.OpenReq(1, 5, 0, floating=[(135, 2)]))
    opened, beat = mr_codec().encode(mr.OpenReq(1, 5, 0)), mr_codec().encode(mr.HeartbeatReq(2))
    broken = struct.pack(">II", kept, 3) + whole[8 : 8 + kept]
    capture = capture_of([opened, broken, beat], tmp_path / "cut.pcap", 38001)
    found = dissected(capture)
    assert [name for name, _, _ in found] == ["OPEN_REQ", "OPEN_REQ", "HEARTBEAT_REQ"]
    complaints = [name for name, value in found[1][1] if name == "Malformed"]
    assert bool(complaints) == (kept != 12)


# ---- the generator


def test_the_committed_dissector_is_what_the_tables_say() -> None:
    assert make_dissector.DISSECTOR.read_text(encoding="ascii") == make_dissector.dissector()


def test_check_says_when_the_dissector_is_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["make_dissector.py", "--check"])
    assert make_dissector.main() == 0
    monkeypatch.setattr(make_dissector, "DISSECTOR", tmp_path / "ctigw.lua")
    assert make_dissector.main() == 1
    assert "is stale" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["make_dissector.py"])
    assert make_dissector.main() == 0
    monkeypatch.setattr(sys, "argv", ["make_dissector.py", "--check"])
    assert make_dissector.main() == 0
