"""`ctigw decode`: frames as readable text or as JSON.

Knows the options, the order of the output and the exit code. Must not know layouts; `ctigw.wire` has them. Rules:
design 5, decisions B5. Decoding goes on after a malformed body; a broken length ends a stream, as it would end a
connection.
"""

import heapq
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import attrs
import click

from ctigw.cli.capture import CaptureError, is_capture, read_capture
from ctigw.cli.decrypted import decrypt
from ctigw.cli.output import quiet_pipe
from ctigw.cli.source import read_source
from ctigw.errors import DecodeError
from ctigw.replay.connections import Connection
from ctigw.replay.frames import Recording, TimedFrame, recorded
from ctigw.wire.conversation import Conversation, Cut, Frame, cut
from ctigw.wire.frame import CTI_MAX_BODY, MR_MAX_BODY
from ctigw.wire.json_form import Json, error_json, to_json
from ctigw.wire.trace_form import to_trace

Choice = Literal["mr", "cti", "auto"]

_FOUND_A_PROBLEM: Final = 1


@attrs.define
class _Printer:
    """Writes frames and errors in the chosen form, and remembers whether there was a problem."""

    as_json: bool
    quiet: bool
    problems: int = 0

    def frame(self, conversation: Conversation, frame: Frame, prefix: str = "", way: str | None = None) -> None:
        codec = conversation.codec_for(frame.type, frame.body)
        try:
            message = codec.decode(frame.type, frame.body)
        except DecodeError as error:
            place = f"frame at byte {frame.offset} of {way}" if way else f"frame at byte {frame.offset}"
            self.error(error.problem, error.message, error.field, error.offset, place)
            return
        if self.quiet:
            return
        if self.as_json:
            self._object(to_json(codec, message, len(frame.body)))
        else:
            click.echo(prefix + to_trace(codec, message, len(frame.body), way), nl=False)

    def error(self, problem: str, message: str | None, field: str | None, offset: int, place: str) -> None:
        self.problems += 1
        if self.as_json and not self.quiet:
            self._object(error_json(problem, message, field, offset))
        elif not self.quiet:
            sys.stdout.flush()
            name = ".".join(part for part in (message, field) if part)
            where = f"{place}, {name} at offset {offset}" if name else f"{place}, offset {offset}"
            click.echo(f"ctigw decode: {where}: {problem}", err=True)

    def rest(self, found: Cut, total: int, place: str) -> None:
        """Report the bytes that are in no frame."""
        if found.problem is not None:
            self.error(found.problem, None, "MessageLength", total - found.rest, place)

    def _object(self, entry: dict[str, Json]) -> None:
        click.echo(json.dumps(entry, separators=(",", ":")))


@click.command("decode")
@click.option("--protocol", type=click.Choice(["mr", "cti", "auto"]), default="auto", show_default=True)
@click.option("--version", type=int, metavar="N", help="Protocol version of the whole input.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a frame, the input of `ctigw encode`.")
@click.option("--quiet", is_flag=True, help="Print nothing; the exit code tells.")
@click.option(
    "--keylog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Session keys (NSS key log) of the TLS connections in a capture; needs tshark.",
)
@click.argument("source", metavar="SOURCE")
def command(
    protocol: Choice, version: int | None, as_json: bool, quiet: bool, keylog: Path | None, source: str
) -> None:
    """Decode frames: SOURCE is a file (raw bytes, hex text, pcap or pcapng), - for standard input, or hex digits.

    Exit code 0: everything decoded; 1: something is malformed; 2: wrong use.
    """
    data = read_source(source)
    printer = _Printer(as_json, quiet)
    if keylog is not None and not is_capture(data):
        raise click.UsageError("--keylog needs a pcap or pcapng file")
    with quiet_pipe():
        try:
            if is_capture(data):
                _decode_capture(data, keylog, protocol, version, printer)
            else:
                _decode_stream(data, protocol, version, printer)
        except CaptureError as error:
            printer.error(str(error), None, None, 0, "capture")
    if printer.problems:
        sys.exit(_FOUND_A_PROBLEM)


def _conversation(frames: Iterable[Frame], protocol: Choice, version: int | None) -> Conversation:
    try:
        return Conversation(frames, protocol, version)
    except ValueError as error:  # a version that the protocol does not have
        raise click.UsageError(str(error)) from None


def _cut(data: bytes, protocol: Choice, version: int | None) -> tuple[Cut, Conversation]:
    """Frames and their conversation; the limit for lengths is that of the protocol that turns out."""
    found = cut(data, MR_MAX_BODY if protocol == "mr" else CTI_MAX_BODY)
    conversation = _conversation(found.frames, protocol, version)
    if conversation.max_body < CTI_MAX_BODY:
        found = cut(data, conversation.max_body)
    return found, conversation


def _decode_stream(data: bytes, protocol: Choice, version: int | None, printer: _Printer) -> None:
    found, conversation = _cut(data, protocol, version)
    for frame in found.frames:
        printer.frame(conversation, frame)
    printer.rest(found, len(data), "input")


def _decode_capture(data: bytes, keylog: Path | None, protocol: Choice, version: int | None, printer: _Printer) -> None:
    if keylog is None:
        connections, problem = read_capture(data)
        if problem is not None:
            printer.error(problem, None, None, 0, "capture")
    else:
        if not printer.quiet:
            click.echo("ctigw decode: tshark decrypts TLS with the key log file", err=True)
        connections = decrypt(data, keylog)
    _decode_connections(connections, protocol, version, printer)


def _decode_connections(
    connections: Sequence[Connection], protocol: Choice, version: int | None, printer: _Printer
) -> None:
    """All connections, merged in the order in which their frames were complete."""
    streams: list[list[tuple[TimedFrame, str, Conversation]]] = []
    for connection in connections:
        recording = _recording(connection, protocol, version)
        for half in recording.halves:
            way = half.direction.way
            streams.append([(timed, way, recording.conversation) for timed in half.frames])
            for note in half.notes:
                printer.error(note.problem, None, note.field, note.offset, way)
    for timed, way, conversation in heapq.merge(*streams, key=lambda each: each[0].moment):
        stamp = datetime.fromtimestamp(timed.moment.time, UTC).strftime("%H:%M:%S:%f")[:-3] + " "
        printer.frame(conversation, timed.frame, stamp, way)


def _recording(connection: Connection, protocol: Choice, version: int | None) -> Recording:
    try:
        return recorded(connection, protocol, version)
    except ValueError as error:  # a version that the protocol does not have
        raise click.UsageError(str(error)) from None
