"""TLS connections of a capture, decrypted with a key log file.

Knows how to ask tshark for it: reassembling and decrypting TLS is its business, not ours. Must not know the protocols
inside. Rules: design 5, issue 3 (delegate to tshark when present, say so when not).
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ctigw.cli.capture import CaptureError, read_capture
from ctigw.replay.connections import Connection, Segment, Tracker
from ctigw.replay.frames import TLS_HANDSHAKE
from ctigw.replay.reassembly import Moment

TSHARK_S: Final = 300.0
"""For one capture; tshark reads some megabytes a second."""

_FIELDS: Final = (
    *("frame.number", "frame.time_epoch", "tcp.stream"),
    *("ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "data.data"),
)
_SEQUENCE_MODULUS: Final = 1 << 32


def decrypt(capture: bytes, keylog: Path) -> list[Connection]:
    """The decrypted bytes of all TLS connections. Raises `CaptureError` when there is no tshark, or it fails."""
    program = shutil.which("tshark")
    if program is None:
        raise CaptureError("--keylog needs tshark, which is not installed (it comes with Wireshark)")
    ports = _server_ports(read_capture(capture)[0])
    if not ports:
        raise CaptureError("the capture holds no beginning of a TLS connection to decrypt")
    with tempfile.NamedTemporaryFile(suffix=".pcapng") as file:
        file.write(capture)
        file.flush()
        try:
            done = subprocess.run(
                [program, *_arguments(Path(file.name), keylog, ports)],
                capture_output=True,
                timeout=TSHARK_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CaptureError(f"tshark has not decrypted the capture in {TSHARK_S:g} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CaptureError(f"tshark cannot read the capture: {said[-1] if said else f'exit {done.returncode}'}")
    connections = _connections(done.stdout.decode("ascii", "replace"))
    if not connections:
        raise CaptureError("the key log file decrypts no TLS connection of the capture")
    return connections


def _server_ports(connections: list[Connection]) -> list[str]:
    """Ports on which TLS was spoken; the first direction is that of the client."""
    firsts = [each.directions[0] for each in connections if each.directions[0].runs]
    clients = [first for first in firsts if first.runs[0].data.startswith(TLS_HANDSHAKE)]
    return sorted({client.target.rpartition(":")[2] for client in clients})


def _arguments(capture: Path, keylog: Path, ports: list[str]) -> list[str]:
    """What is inside must stay undissected bytes, record by record."""
    settings = ("tcp.reassemble_out_of_order:TRUE", f"tls.keylog_file:{keylog}")
    ways = [way for port in ports for way in (f"tcp.port=={port},tls", f"tls.port=={port},data")]
    return [
        *("-n", "-r", str(capture), "-2"),
        *(part for setting in settings for part in ("-o", setting)),
        *(part for way in ways for part in ("-d", way)),
        *("-Y", "tls && data.data", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"),
        *(part for name in _FIELDS for part in ("-e", name)),
    ]


def _connections(text: str) -> list[Connection]:
    """tshark's lines as segments of streams without TLS; each direction is numbered on from where its last ended."""
    tracker = Tracker()
    sent: dict[tuple[str, str], int] = {}
    for segment in _segments(text):
        ends = (segment.source, segment.target)
        if ends not in sent:
            opening = ends[::-1] not in sent
            tracker.take(Segment(segment.moment, *ends, _SEQUENCE_MODULUS - 1, b"", syn=True, ack=not opening))
            sent[ends] = 0
        sequence = sent[ends] % _SEQUENCE_MODULUS
        tracker.take(Segment(segment.moment, *ends, sequence, segment.data))
        sent[ends] += len(segment.data)
    return tracker.connections()


def _segments(text: str) -> Iterator[Segment]:
    for line in text.splitlines():
        columns = line.split("\t")
        if len(columns) != len(_FIELDS):
            raise CaptureError("tshark writes lines of another form than expected")
        number, time, stream, source, source6, source_port, target, target6, target_port, data = columns
        # The stream number keeps connections apart that used the same ports one after the other.
        yield Segment(
            moment=Moment(float(time), int(number) - 1),
            source=_end(source, source6, source_port, stream),
            target=_end(target, target6, target_port, stream),
            sequence=0,
            data=bytes.fromhex(data.replace(",", "")),
        )


def _end(address: str, address6: str, port: str, stream: str) -> str:
    return f"[{address6}]:{port}/{stream}" if address6 else f"{address}:{port}/{stream}"
