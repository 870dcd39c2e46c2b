"""`ctigw replay`: the client half of a capture, played again, and its answers compared.

Knows the options, how differences are printed, and the exit code. Must not know protocols. Rules: design 5, issue 3.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs
import click
import trio

from ctigw.cli.capture import CaptureError, is_capture, read_capture
from ctigw.cli.decrypted import decrypt
from ctigw.cli.output import quiet_pipe
from ctigw.cli.playback import PlaybackError, Player
from ctigw.client.errors import ClientError
from ctigw.client.link import Security
from ctigw.config.forms import form_problem
from ctigw.config.key import Form
from ctigw.replay.comparison import Comparison, Difference
from ctigw.replay.connections import Connection
from ctigw.replay.frames import recorded
from ctigw.replay.mask import Mask, read_mask
from ctigw.replay.plan import Plan, plan

ANSWER_S: Final = 10.0
"""Seconds that an answer may be later than in the capture, unless the user says otherwise."""

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOUND_A_PROBLEM: Final = 1


def _address(_: click.Context, __: click.Parameter, value: str) -> str:
    problem = form_problem(Form.DIAL_ADDRESS, value)
    if problem is not None:
        raise click.BadParameter(f"{value!r} {problem}; it must be {Form.DIAL_ADDRESS.value}")
    return value


_TRUST: Final = (
    click.option("--ca", type=_FILE, help="PEM file of the authority to trust; default: the system's."),
    click.option("--insecure", is_flag=True, help="TLS without looking at the server's certificate."),
    click.option("--plain", is_flag=True, help="Plain TCP, for a listener with tls = false."),
    click.option("--certificate", type=_FILE, help="PEM file of a client certificate."),
    click.option("--key", "private_key", type=_FILE, help="PEM file of its private key."),
)


def _trust_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_TRUST):
        function = option(function)
    return function


@attrs.frozen
class _Result:
    """What one playback found."""

    plan: Plan
    comparison: Comparison
    sent: int


@click.command("replay")
@click.option("--to", "address", required=True, metavar="HOST:PORT", callback=_address, help="The server.")
@click.option("--mask", "mask_file", type=_FILE, metavar="FILE", help="What may differ (TOML), see above.")
@click.option("--fast", is_flag=True, help="As fast as the answers allow, not in the rhythm of the capture.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, min_open=True),
    default=ANSWER_S,
    show_default=True,
    help="Seconds that an answer may be later than in the capture.",
)
@click.option("--keylog", type=_FILE, metavar="FILE", help="Session keys of a TLS capture (NSS key log); needs tshark.")
@_trust_options
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit code tells.")
@click.argument("capture", type=_FILE)
def command(
    address: str,
    mask_file: Path | None,
    fast: bool,
    wait_s: float,
    keylog: Path | None,
    ca: Path | None,
    insecure: bool,
    plain: bool,
    certificate: Path | None,
    private_key: Path | None,
    quiet: bool,
    capture: Path,
) -> None:
    """Play the client half of CAPTURE (pcap or pcapng) against a server, and compare the answers.

    All connections that begin with an OPEN_REQ are played in the order of the capture: a message is sent when the
    captured messages before it have come. Task ids, monitor ids and the InvokeIDs of the server's own requests are
    mapped. The server should be in the state that it had when the capture began; one that has seen the same
    conversation a moment ago may take it for a repetition. Times and durations may differ, and what the mask file
    names:

    \b
        built_in = true                         # false: times and durations count, too
        order = "subject"                       # or "free": the order of messages does not count
        ignore = ["cti.SYSTEM_EVENT"]           # messages that are not compared
        [fields]
        "*" = ["CallTypeID"]                    # in every message
        "cti.AGENT_STATE_EVENT" = ["NumTasks"]  # in this one

    Exit code 0: no difference; 1: differences, or no playback; 2: wrong use.
    """
    if (ca is not None) + insecure + plain > 1:
        raise click.UsageError("--ca, --insecure and --plain exclude each other")
    if private_key is not None and certificate is None:
        raise click.UsageError("--key needs --certificate")
    security = Security(plain, ca, insecure, certificate, private_key)
    mask = Mask() if mask_file is None else read_mask(_text(mask_file), str(mask_file))
    try:
        asked = _plan(capture.read_bytes(), keylog, quiet)
        comparison = Comparison(asked, mask)
        player = Player(asked, comparison, address, security.context(), fast=fast, wait_s=wait_s)
        trio.run(player.run)
    except (CaptureError, ClientError, PlaybackError, OSError) as error:
        click.echo(f"ctigw replay: {error}", err=True)
        sys.exit(_FOUND_A_PROBLEM)
    with quiet_pipe():
        if not quiet:
            _print(_Result(asked, comparison, player.sent))
    if comparison.differences:
        sys.exit(_FOUND_A_PROBLEM)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is no text") from None


def _plan(data: bytes, keylog: Path | None, quiet: bool) -> Plan:
    """The plan of a capture file. Raises `CaptureError` when there is nothing to play."""
    if not is_capture(data):
        raise click.UsageError("CAPTURE is neither pcap nor pcapng")
    connections: Sequence[Connection]
    if keylog is not None:
        connections, problem = decrypt(data, keylog), None
    else:
        connections, problem = read_capture(data)
    recordings = [recorded(connection) for connection in connections]
    found = plan(recordings)
    notes = [
        f"{half.direction.way}: {note.problem}" for each in recordings for half in each.halves for note in half.notes
    ]
    if not quiet:
        for said in (
            *([problem] if problem is not None else []),
            *notes,
            *(f"skipped: {why}" for why in found.skipped),
        ):
            click.echo(f"ctigw replay: {said}", err=True)
    if not found.steps:
        raise CaptureError("the capture holds no connection that begins with an OPEN_REQ")
    return found


def _print(result: _Result) -> None:
    for difference in sorted(result.comparison.differences, key=_place):
        click.echo(_heading(result.plan, difference))
        for detail in difference.details:
            click.echo(f"    {detail}")
    count = len(result.comparison.differences)
    found = {0: "no difference", 1: "1 difference"}.get(count, f"{count} differences")
    click.echo(f"{result.sent} messages sent, {result.comparison.compared} answers compared: {found}")


def _place(difference: Difference) -> tuple[float, int]:
    """In the order of the capture; what is not in it comes last."""
    return (difference.step.moment.time, difference.step.moment.packet) if difference.step else (float("inf"), 0)


def _heading(asked: Plan, difference: Difference) -> str:
    way = asked.connections[difference.connection]
    stamp = ""
    if difference.step is not None:
        stamp = datetime.fromtimestamp(difference.step.moment.time, UTC).strftime("%H:%M:%S:%f")[:-3] + " "
    return f"{stamp}{way}: {difference.title} {difference.problem}"
