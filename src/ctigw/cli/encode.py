"""`ctigw encode`: JSON lines in, frames out; the inverse of `ctigw decode --json`, byte for byte.

Knows lines, options and the exit code. Must not know layouts; `ctigw.wire` has them. Rules: design 5, decisions B6.
"""

import json
import sys
from pathlib import Path
from typing import BinaryIO, Final

import click

from ctigw.cli.output import quiet_pipe
from ctigw.errors import EncodeError
from ctigw.wire.json_form import Json, frame_from_json

_FOUND_A_PROBLEM: Final = 1


@click.command("encode")
@click.option("--hex", "as_hex", is_flag=True, help="Print one line of hex digits a frame instead of raw bytes.")
@click.option("--quiet", is_flag=True, help="No word about bad lines; the exit code tells.")
@click.argument("source", metavar="[SOURCE]", default="-")
def command(as_hex: bool, quiet: bool, source: str) -> None:
    """Encode frames from JSON lines: SOURCE is a file, or - (the default) for standard input.

    A bad line is reported and left out. Exit code 0: everything encoded; 1: a line was bad; 2: wrong use.
    """
    problems = 0
    with _open(source) as lines, quiet_pipe():
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                frame = _frame(line)
            except EncodeError as error:
                problems += 1
                if not quiet:
                    where = ".".join(part for part in (error.message, error.field) if part)
                    text = f"{where}: {error.problem}" if where else error.problem
                    click.echo(f"ctigw encode: line {number}: {text}", err=True)
                continue
            click.echo(f"{frame.hex()}\n" if as_hex else frame, nl=False)
    if problems:
        sys.exit(_FOUND_A_PROBLEM)


def _open(source: str) -> BinaryIO:
    if source == "-":
        return sys.stdin.buffer
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise click.UsageError(f"cannot read {source}: {error.strerror}") from None


def _frame(line: bytes) -> bytes:
    try:
        entry: Json = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise EncodeError(message=None, field=None, offset=0, problem=f"is not JSON: {error}") from None
    return frame_from_json(entry)
