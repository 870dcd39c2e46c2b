"""`ctigw agent`: an agent reporting client with one agent, on the command line.

Knows the options and the exit code; must not know bytes. Rules: design 5, decisions G4.
"""

import sys
from functools import partial
from pathlib import Path

import click

from ctigw.cli.dialling import Interruption, dialling_options, run_client, write_line
from ctigw.client.errors import ClientError
from ctigw.client.lines import printer
from ctigw.client.link import Observer, Security
from ctigw.client.reporting import Identity, open_reporting
from ctigw.client.worker import Script, Seat, Worker, read_script

MOST_TASKS_AT_ONCE = 1_000
"""Decisions C6."""


@click.command(name="agent")
@dialling_options
@click.option("--client-id", required=True, help="ClientID, an [[cti_client]] of the gateway.")
@click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its password.")
@click.option("--path", "application_path", required=True, type=click.IntRange(1), help="ApplicationPathID.")
@click.option("--agent", "agent_id", required=True, help="Peripheral agent number.")
@click.option("--skill-target-id", type=click.IntRange(1), help="ICMAgentID; default: the agent number.")
@click.option("--mrd", "mrds", required=True, multiple=True, type=click.IntRange(2), help="May be repeated.")
@click.option(
    "--max-tasks", type=click.IntRange(1, MOST_TASKS_AT_ONCE), default=1, show_default=True, help="Tasks at once."
)
@click.option("--script", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="How to work (TOML).")
@click.option("--tasks", type=click.IntRange(1), help="End after so many tasks.")
def command(
    address: str,
    security: Security,
    as_json: bool,
    quiet: bool,
    client_id: str,
    password_file: Path | None,
    application_path: int,
    agent_id: str,
    skill_target_id: int | None,
    mrds: tuple[int, ...],
    max_tasks: int,
    script: Path | None,
    tasks: int | None,
) -> None:
    """Sign an agent in, make ready and routable, take tasks until Ctrl-C or --tasks, sign out.

    The protocol has no message that finds an ICMAgentID by an agent number: where the gateway's skill_target_id is not
    the agent number, say it with --skill-target-id.

    A --script is TOML: [every] for every task, a [[task]] for the first, second, ... one instead, with the keys
    offer_s, start_s, work_s, pause_s, wrapup_s (seconds), ignore = true (let the start timeout take the task),
    disposition, and in [every] return_s (routable again so long after a start timeout).

    Exit code 0 after signing out, 1 when the gateway refused or was lost, 2 for wrong use.
    """
    if skill_target_id is None and not agent_id.isdecimal():
        raise click.UsageError("--skill-target-id is needed, since --agent is no number")
    seat = Seat(agent_id, skill_target_id or int(agent_id), mrds, max_tasks)
    plan = Script() if script is None else read_script(script)
    identity = Identity(client_id, application_path, _password(password_file))
    observe = printer(write_line, as_json=as_json, quiet=quiet)
    try:
        run_client(partial(_work, address, security, identity, observe, seat, plan, tasks))
    except ClientError as error:
        click.echo(f"ctigw agent: {error}", err=True)
        sys.exit(1)


def _password(path: Path | None) -> bytes | None:
    """As the gateway reads its own: one trailing newline is dropped (decisions G1)."""
    if path is None:
        return None
    try:
        return path.read_bytes().removesuffix(b"\n")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from None


def _say(text: str) -> None:
    click.echo(f"ctigw agent: {text}", err=True)


async def _work(
    address: str,
    security: Security,
    identity: Identity,
    observe: Observer,
    seat: Seat,
    script: Script,
    tasks: int | None,
    interruption: Interruption,
) -> None:
    async with open_reporting(address, security, identity, observe=observe) as client:
        worker = Worker(client, seat, script, tasks, _say)
        interruption.stops_with(worker.stop)
        await worker.work()
