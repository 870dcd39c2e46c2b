#!/usr/bin/env python3
"""Makes fixtures/: captures of the scenarios against the daemon, each with a sidecar that says what it must decode to.

    python tools/make_fixtures.py [NAME...]       needs dumpcap and the right to capture on the loopback

The packets are real (dumpcap on the loopback, plain TCP). What the sidecar expects is read out of the packets by the
emulator's codec, which shares no code with ctigw, and compared with what the emulator says it sent and received; the
test in tests/replay then holds `ctigw decode` against it. Who the machine was is taken out of the capture.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from emulator.codec import Message, Splitter, decode
from emulator.report import RECEIVED, SENT, plain
from run_scenarios import SCENARIOS, Gateway

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
# Scenario -> variables other than its defaults, to keep the captures small.
WANTED: dict[str, dict[str, int]] = {
    "agent_states": {},
    "application_tasks": {},
    "basic_task": {},
    "broadband": {},
    "cancel": {},
    "client_monitor": {},
    "configuration": {},
    "device_monitor": {},
    "each_refusal": {},
    "ece_email": {},
    "email_interrupted_by_chat": {},
    "failures": {},
    "interrupt": {},
    "pim": {},
    "refused": {},
    "resync": {"cut_after": 0},
    "rona": {},
    "sign_out_close": {},
    "sign_out_transfer": {},
    "task_monitor": {},
    "transfer": {},
    "versions": {"tasks": 2},
}
SECTION_HEADER, INTERFACE, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
SECTION_BYTES, INTERFACE_BYTES = 16, 8
"""Fixed parts of these blocks; options follow."""
TIME_RESOLUTION = 9
ETHERNET_BYTES, IPV6 = 14, 0x86DD
IPV6_BYTES = 40
SETTLE_S = 1.5
STOP_S = 10.0


@dataclass(slots=True)
class Half:
    """One direction of a connection while its packets are read."""

    splitter: Splitter = field(default_factory=Splitter)
    next_sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One message on the wire, told from the peer's side."""

    peer: str
    way: str
    message: Message


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of the blocks of a little-endian pcapng file."""
    offset = 0
    while offset < len(data):
        kind, length = struct.unpack_from("<II", data, offset)
        yield kind, data[offset + 8 : offset + length - 4]
        offset += length


def resolution_only(options: bytes) -> bytes:
    """Of an interface's options only if_tsresol, without which the times would be read wrongly."""
    kept, offset = b"", 0
    while offset + 4 <= len(options):
        code, length = struct.unpack_from("<HH", options, offset)
        end = offset + 4 + -(-length // 4) * 4
        kept += options[offset:end] if code == TIME_RESOLUTION else b""
        offset = end
    return kept + bytes(4) if kept else b""


def without_machine(data: bytes) -> bytes:
    """The same capture without the options that name hardware and system."""
    parts = []
    for kind, body in blocks(data):
        kept = body
        if kind == SECTION_HEADER:
            kept = body[:SECTION_BYTES]
        elif kind == INTERFACE:
            kept = body[:INTERFACE_BYTES] + resolution_only(body[INTERFACE_BYTES:])
        length = struct.pack("<I", len(kept) + 12)
        parts.append(struct.pack("<I", kind) + length + kept + length)
    return b"".join(parts)


def segments(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """(source port, target port, sequence number, payload) of every packet with payload."""
    for kind, body in blocks(data):
        if kind != ENHANCED_PACKET:
            continue
        (size,) = struct.unpack_from("<I", body, 12)
        packet = body[20 : 20 + size]
        (ethernet_type,) = struct.unpack_from(">H", packet, 12)
        start = ETHERNET_BYTES
        if ethernet_type == IPV6:
            end = start + IPV6_BYTES + struct.unpack_from(">H", packet, start + 4)[0]
            start += IPV6_BYTES
        else:
            end = start + struct.unpack_from(">H", packet, start + 2)[0]
            start += (packet[start] & 0x0F) * 4
        source, target, sequence = struct.unpack_from(">HHI", packet, start)
        payload = packet[start + (packet[start + 12] >> 4) * 4 : end]
        if payload:
            yield source, target, sequence, payload


def events(data: bytes, gateway_port: int, peers: dict[int, tuple[str, str, int]]) -> Iterator[Event]:
    """All messages in the order in which their last byte was sent; SystemExit when the capture lacks packets."""
    halves: defaultdict[tuple[int, int], Half] = defaultdict(Half)
    for source, target, sequence, payload in segments(data):
        half = halves[source, target]
        if half.next_sequence not in (None, sequence):
            raise SystemExit("the capture lacks packets or holds repeated ones: make it again")
        half.next_sequence = (sequence + len(payload)) & 0xFFFFFFFF
        sent = target == gateway_port
        name, protocol, protocol_version = peers[source if sent else target]
        for number, body in half.splitter.feed(payload):
            message = decode(protocol, protocol_version, number, body)
            yield Event(name, SENT if sent else RECEIVED, message)
    if any(half.splitter.pending() for half in halves.values()):
        raise SystemExit("the capture ends inside a message: make it again")


def toml(value: object) -> str:
    """A value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(member)}" for key, member in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def sidecar(name: str, about: str, about_capture: dict[str, str], found: list[Event]) -> str:
    """The text that stands beside a capture."""
    lines = [
        "# Made by tools/make_fixtures.py; make it again instead of editing it. `way` is as the peer sees it.",
        "# `events` are all messages in the order in which they were complete on the wire.",
        "",
        "[fixture]",
        f"capture = {toml(name + '.pcapng')}",
        f"about = {toml(about)}",
        *(f"{key} = {toml(value)}" for key, value in about_capture.items()),
        "",
        "events = [",
    ]
    for event in found:
        message = event.message
        entry: dict[str, object] = {"peer": event.peer, "way": event.way, "protocol": message.protocol}
        entry |= {"name": message.name, "fields": plain(message.fields), "floating": plain(message.floating)}
        lines.append(f"  {toml(entry)},")
    return "\n".join([*lines, "]", ""])


def capture(gateway: Gateway, scenario: Path, variables: dict[str, int], folder: Path) -> tuple[bytes, Path]:
    """Play a scenario while dumpcap listens; the capture and the emulator's record. SystemExit when it fails."""
    file, record = folder / "capture.pcapng", folder / "record.jsonl"
    listener = subprocess.Popen(
        ["dumpcap", "-i", "lo", "-f", f"tcp port {gateway.port}", "-w", str(file)], stderr=subprocess.PIPE, text=True
    )
    assert listener.stderr is not None
    try:
        # dumpcap names its file when it has begun to capture.
        for line in listener.stderr:
            if line.startswith("File:"):
                break
        options = [part for key, value in variables.items() for part in ("--var", f"{key}={value}")]
        done = subprocess.run(gateway.emulator(scenario, "--record", str(record), *options), check=False)
        # The kernel hands packets over in blocks; what is not handed over when dumpcap ends is lost.
        with contextlib.suppress(subprocess.TimeoutExpired):
            listener.wait(SETTLE_S)
    finally:
        listener.send_signal(signal.SIGINT)
        listener.stderr.read()
        listener.wait(STOP_S)
    if done.returncode:
        raise SystemExit(f"{scenario.stem}: the daemon does not do what the scenario says")
    return without_machine(file.read_bytes()), record


def check_record(found: list[Event], record: Path) -> None:
    """The wire holds what the emulator says it sent and received, peer by peer and in its order."""
    said: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for line in record.read_text(encoding="ascii").splitlines():
        entry = json.loads(line)
        if "name" in entry:
            said[entry["peer"], entry["direction"]].append(
                json.dumps([entry[key] for key in ("name", "fields", "floating")])
            )
    seen: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for event in found:
        values = [event.message.name, plain(event.message.fields), plain(event.message.floating)]
        seen[event.peer, event.way].append(json.dumps(values))
    for key in sorted({*said, *seen}):
        names = [[json.loads(text)[0] for text in texts] for texts in (said[key], seen[key])]
        # Bytes that came after the emulator had stopped reading are on the wire only.
        if names[0] != names[1][: len(names[0])]:
            raise SystemExit(f"{key}: the emulator says {Counter(names[0])}, the capture {Counter(names[1])}")


def peers_of(record: Path) -> dict[int, tuple[str, str, int]]:
    """Port -> (peer, protocol, version)."""
    ports: dict[str, list[int]] = defaultdict(list)
    peers: dict[int, tuple[str, str, int]] = {}
    for line in record.read_text(encoding="ascii").splitlines():
        entry = json.loads(line)
        if "port" in entry:
            ports[entry["peer"]].append(entry["port"])
        else:
            peers |= dict.fromkeys(ports[entry["peer"]], (entry["peer"], entry["protocol"], entry["version"]))
    return peers


def make(name: str, variables: dict[str, int]) -> None:
    """One fixture, with a daemon of its own."""
    with tempfile.TemporaryDirectory(prefix="ctigw-fixtures-") as folder, Gateway(Path(folder)) as gateway:
        scenario = SCENARIOS / f"{name}.toml"
        data, record = capture(gateway, scenario, variables, Path(folder))
        found = list(events(data, gateway.port, peers_of(record)))
        check_record(found, record)
    tool = subprocess.run(["dumpcap", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    about = tomllib.loads(scenario.read_text(encoding="utf-8"))["scenario"]["about"]
    command = " ".join(["python tools/make_fixtures.py", name])
    origin = {
        "made_on": datetime.now(UTC).strftime("%Y-%m-%d"),
        "made_with": command,
        "scenario": f"tools/scenarios/{name}.toml"
        + "".join(f" --var {key}={value}" for key, value in variables.items()),
        "gateway": f"ctigw {version('ctigw')}",
        "capturer": tool.rstrip("."),
        "transport": "plain TCP on the loopback",
    }
    FIXTURES.mkdir(exist_ok=True)
    (FIXTURES / f"{name}.pcapng").write_bytes(data)
    (FIXTURES / f"{name}.toml").write_text(sidecar(name, about, origin, found), encoding="ascii")
    print(f"{name}: {len(found)} messages, {len(data)} bytes", flush=True)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Makes captures of the scenarios against the daemon.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {', '.join(WANTED)}")
    options = parser.parse_args()
    if shutil.which("dumpcap") is None:
        parser.error("dumpcap is needed; it comes with Wireshark")
    for name in options.names or WANTED:
        if name not in WANTED:
            parser.error(f"no fixture {name}")
        make(name, WANTED[name])
    return 0


if __name__ == "__main__":
    sys.exit(main())
