"""`ctigw journal`: looks after the journal of a single daemon.

Knows options, output, questions and exit codes; must not know how a journal is laid out. Rules: design 5 (exit code 0,
1 when a problem was found, 2 for wrong use), issue of the journal.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from ctigw.cli.output import quiet_pipe
from ctigw.config.loader import load
from ctigw.config.settings import GatewaySettings
from ctigw.errors import ConfigurationError, JournalDamageError, JournalError
from ctigw.journal.batch import Batch, Chain
from ctigw.journal.follower import Documents
from ctigw.journal.inspection import Findings, Salvage, copy_sound, plan_salvage, sound_snapshots, verify
from ctigw.journal.readable import readable
from ctigw.journal.snapshot import first_head
from ctigw.journal.sqlite_store import FILE, SqliteStore, hold

_FOUND_A_PROBLEM = 1
_WRONG_USE = 2


@click.group(name="journal")
def command() -> None:
    """Look after the journal: what the daemon decided, and can be rebuilt from."""


def _place(context: click.Context, parameter: click.Parameter, state_dir: Path | None) -> Path:
    """The folder: given by itself, by a configuration, or the default."""
    config: Path | None = context.params.pop("config", None)
    if state_dir is None:
        state_dir = GatewaySettings().state_dir if config is None else load(config).gateway.state_dir
    if not (state_dir / FILE).is_file():
        raise click.UsageError(f"there is no journal in {state_dir}")
    return state_dir


config_option = click.option(
    "-c",
    "--config",
    is_eager=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Configuration file that names the state directory.",
)
place_option = click.option(
    "--state-dir",
    callback=_place,
    type=click.Path(file_okay=False, path_type=Path),
    help="The state directory itself; without either, the default one.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print problems only.")


@command.command(name="verify", short_help="Is it sound, and what is in it?")
@config_option
@place_option
@click.option("--decide-again", is_flag=True, help="Also decide every input of this version again, and compare.")
@quiet_option
def verify_command(state_dir: Path, decide_again: bool, quiet: bool) -> None:
    """Read the whole journal and say whether a state can be rebuilt from it. The daemon may be running.

    Exit code 0: sound, a torn tail is; 1: damaged; 2: wrong use.
    """
    with _looking(state_dir) as store:
        problems = store.problems()
        findings = verify(store, decide_again=decide_again)
        problems += [problem for problem in findings.problems if problem not in problems]
        if not quiet:
            _summary(findings, store.size())
    for problem in problems:
        click.echo(f"ctigw journal: {problem}", err=True)
    if problems:
        click.echo("ctigw journal: `ctigw journal repair` keeps what is sound", err=True)
        sys.exit(_FOUND_A_PROBLEM)


@command.command(name="dump", short_help="One JSON object for each input.")
@config_option
@place_option
@click.option("--from", "first", type=click.IntRange(min=1), default=1, help="First batch, by its sequence.")
@click.option("--count", type=click.IntRange(min=1), help="Inputs at most.")
def dump_command(state_dir: Path, first: int, count: int | None) -> None:
    """Print one JSON object for each input, with everything that was decided from it. The daemon may be running.

    Exit code 0; 1 when there is damage, after what stands before it; 2: wrong use.
    """
    with _looking(state_dir) as store, quiet_pipe():
        for line in _lines(store, first, count):
            click.echo(line)


@command.command(name="repair", short_help="Keep what is sound of a damaged journal.")
@config_option
@place_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@quiet_option
def repair_command(state_dir: Path, yes: bool, quiet: bool) -> None:
    """Keep what is sound of a damaged journal: all up to the last batch that a state can be rebuilt to.

    What comes after it is lost to the daemon. The damaged file stays beside the new one. The daemon must not be
    running. Exit code 0: sound now; 1: cannot be repaired, or it was declined; 2: wrong use.
    """
    with _exit_code(), hold(state_dir):
        path = state_dir / FILE
        with _looking(state_dir) as store:
            if not store.problems() and not _damaged(store):
                if not quiet:
                    click.echo("nothing to repair")
                return
            salvage = plan_salvage(store)
            _explain(salvage)
            if not yes and not click.confirm("Repair?", err=True):
                sys.exit(_FOUND_A_PROBLEM)
            fresh = state_dir / f"{FILE}.repaired"
            _write(store, salvage, fresh)
        damaged = _aside(path)
        fresh.replace(path)  # the name never points to nothing: a daemon that finds no journal begins a new one
        if not quiet:
            click.echo(f"repaired; the damaged file is {damaged}")


def _damaged(store: SqliteStore) -> bool:
    """Whether there is anything to do; a torn tail is dropped at the next start, and no snapshot is needed twice."""
    return bool(verify(store).problems)


def _write(store: SqliteStore, salvage: Salvage, fresh: Path) -> None:
    """What is sound in a file of its own, all of it on disk."""
    fresh.unlink(missing_ok=True)
    saved = SqliteStore.create(fresh)
    try:
        copy_sound(store, salvage, saved)
    finally:
        saved.close()


def _aside(path: Path) -> Path:
    """Give a database another name, too, one that is free; its log moves there, for it belongs to no other database."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    os.link(path, aside)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside


def _explain(salvage: Salvage) -> None:
    click.echo(f"sound up to batch {salvage.head.sequence}", err=True)
    if salvage.begin.sequence:
        click.echo(f"it begins with the snapshot after batch {salvage.begin.sequence}", err=True)
    if salvage.dropped:
        click.echo(f"{salvage.dropped} older batches are dropped; no state needs them", err=True)
    click.echo(f"{salvage.lost} batches after it are lost to the daemon", err=True)


def _summary(findings: Findings, size: int) -> None:
    if findings.began_at is None or findings.ended_at is None:
        click.echo("no batch")
    else:
        click.echo(f"batches   {findings.batches}, {findings.first} to {findings.last}")
        click.echo(f"inputs    {findings.inputs} with {findings.events} events")
        click.echo(f"time      {_instant(findings.began_at)} to {_instant(findings.ended_at)}")
        click.echo(f"versions  {', '.join(findings.versions)}")
    click.echo(f"snapshots {', '.join(map(str, findings.snapshots)) or 'none'}")
    click.echo(f"size      {size} bytes")
    if findings.proved:
        click.echo(f"decided again with the same outcome: {findings.proved} inputs")
    for note in findings.notes:
        click.echo(f"note: {note}")


def _lines(store: SqliteStore, first: int, count: int | None) -> Iterator[str]:
    chain = Chain(first_head(store, sound_snapshots(store, [])))
    documents = Documents(store)
    shown = 0
    for batch in chain.walk(store.read(chain.head.sequence + 1)):
        if batch.sequence < first:
            continue
        for line in _batch_lines(batch, documents):
            if count is not None and shown == count:
                return
            shown += 1
            yield line


def _batch_lines(batch: Batch, documents: Documents) -> Iterator[str]:
    for entry in documents.entries(batch):
        yield json.dumps(
            {
                "sequence": batch.sequence,
                "epoch": batch.epoch,
                "side": batch.side,
                "version": batch.engine_version,
                "configuration": batch.configuration.hex(),
                "at": _instant(entry.at),
                "input": readable(entry.input),
                "events": [readable(event) for event in entry.events],
            }
        )


def _instant(seconds: float) -> str:
    """UTC seconds as ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def _looking(state_dir: Path) -> Iterator[SqliteStore]:
    """The journal, for reading."""
    with _exit_code():
        store = SqliteStore.look(state_dir)
        try:
            yield store
        finally:
            store.close()


@contextmanager
def _exit_code() -> Iterator[None]:
    """An error of the journal as a sentence and an exit code."""
    try:
        yield
    except JournalDamageError as error:
        click.echo(f"ctigw journal: damaged: {error}", err=True)
        sys.exit(_FOUND_A_PROBLEM)
    except JournalError as error:
        click.echo(f"ctigw journal: {error}", err=True)
        sys.exit(_FOUND_A_PROBLEM)
    except ConfigurationError as error:
        click.echo(f"ctigw journal: {error}", err=True)
        sys.exit(_WRONG_USE)
