"""`ctigw status`: what the running daemon is doing, and why a task went where it went (design 5, decisions G4).

Knows the admin face's `/status` and how to show it to people; must not know the engine. Exit code 0 with an answer, 1
when the daemon is not there or knows no such task or agent, 2 for wrong use.
"""

import http.client
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import click
import trio

from ctigw.cli.output import quiet_pipe

DEFAULT_URL = "http://127.0.0.1:9108"
ANSWER_S = 5.0
"""How long the daemon may take for an answer; it needs some milliseconds."""
MOST_BYTES = 16 * 1024 * 1024
"""Of one answer; that of the largest site is below one MiB."""
WATCH_S = 2.0
"""Between two looks."""
CLEAR = "\x1b[H\x1b[2J"


class NoAnswer(Exception):  # noqa: N818 - becomes a message and exit code 1
    """The daemon could not be asked, or had no answer."""


@click.command(name="status")
@click.option("--watch", is_flag=True, help=f"Ask again every {WATCH_S:g} seconds until interrupted.")
@click.option("--task", metavar="ID", default="", help="Explain a task: DAY:KEY:SEQ (or with - or _).")
@click.option("--agent", metavar="ID", default="", help="Explain an agent; with --task, why it does not go there.")
@click.option("--json", "as_json", is_flag=True, help="Print the daemon's JSON, one object a line.")
@click.option("--url", metavar="URL", help=f"The admin face. Default: {DEFAULT_URL}")
@click.option(
    *("-c", "--config", "path"),
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the admin address of this configuration.",
)
def command(watch: bool, task: str, agent: str, as_json: bool, url: str | None, path: Path | None) -> None:
    """Show what the running daemon is doing, or explain a task, an agent, or why that task does not go to that agent.

    Exit code 0 with an answer; 1 when the daemon is not there, or knows no such task or agent; 2 for wrong use.
    """
    if url is not None and path is not None:
        raise click.UsageError("--url and --config exclude each other")
    base = url or (DEFAULT_URL if path is None else _configured(path))
    if urlsplit(base).scheme != "http" or not urlsplit(base).hostname:
        raise click.UsageError(f"--url {base!r} is not like {DEFAULT_URL}")
    query = urlencode({name: value for name, value in (("task", task), ("agent", agent)) if value})
    try:
        with quiet_pipe():
            _show(base, f"/status?{query}" if query else "/status", as_json)
            while watch:
                trio.run(trio.sleep, WATCH_S)
                _show(base, f"/status?{query}" if query else "/status", as_json, clear=sys.stdout.isatty())
    except NoAnswer as error:
        click.echo(f"ctigw status: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(0 if watch else 1)


def _configured(path: Path) -> str:
    from ctigw.config.loader import load

    address = load(path).admin.address
    for everywhere, here in (("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")):
        if address.startswith(everywhere):
            address = here + address.removeprefix(everywhere)
    return f"http://{address}"


def _show(base: str, target: str, as_json: bool, clear: bool = False) -> None:
    body = _get(base, target)
    answer = json.loads(body)
    if clear and not as_json:
        click.echo(CLEAR, nl=False)
    lines = [body.decode().strip()] if as_json else answer["text"] if "text" in answer else _whole(answer)
    for line in lines:
        click.echo(line)


def _get(base: str, target: str) -> bytes:
    """The body of an answer; raises NoAnswer with words for a person."""
    where = urlsplit(base)
    connection = http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=ANSWER_S)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read(MOST_BYTES)
        answer = json.loads(body)
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"no daemon answers at {base}: {error}") from error
    except ValueError as error:
        raise NoAnswer(f"{base} does not answer like ctigw") from error
    finally:
        connection.close()
    if not isinstance(answer, dict) or "error" in answer or response.status != http.client.OK:
        raise NoAnswer(str(answer.get("error", response.status)) if isinstance(answer, dict) else "no answer")
    return body


def _whole(answer: dict[str, Any]) -> Iterator[str]:
    ready = "ready" if answer["ready"] else "not ready"
    about = f"side {answer['side']}, {answer['role']}, up {_span(answer['uptime_s'])}"
    yield f"{answer['name']}: {ready}, {about}, ctigw {answer['version']}"
    queues = [
        (
            *(queue["queue"], queue["mrd"], queue["depth"], _span(queue["oldest_s"])),
            *(_span(queue["estimated_wait_s"]), queue["agents_available"]),
        )
        for queue in answer["queues"]
    ]
    yield from _table(("QUEUE", "DOMAIN", "WAITING", "OLDEST", "EST. WAIT", "AGENTS AVAILABLE"), queues)
    yield from _table(("DOMAIN", "TASKS", "NUMBER"), _by_state(answer["tasks"]))
    yield from _table(("DOMAIN", "AGENTS", "NUMBER"), _by_state(answer["agents"]))
    sessions = [(each["protocol"], each["role"], each["side"], each["open"]) for each in answer["sessions"]]
    yield from _table(("PROTOCOL", "PEER", "SIDE", "SESSIONS"), sessions)
    yield from _table(("APPLICATION", "SESSIONS"), answer["applications"].items())


def _by_state(domains: dict[str, dict[str, int]]) -> Iterator[tuple[str, str, int]]:
    for mrd, states in domains.items():
        for state, number in states.items():
            yield mrd, state, number


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Lines of a table, after an empty one; nothing at all without rows."""
    texts = [[str(cell) for cell in row] for row in rows]
    if not texts:
        return
    widths = [max(map(len, column)) for column in zip(head, *texts, strict=True)]
    yield ""
    for row in (head, *texts):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _span(seconds: int | None) -> str:
    """Hours, minutes and seconds; a dash for None."""
    if seconds is None:
        return "-"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
