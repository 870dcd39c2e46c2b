"""`ctigw submit`: a channel application on the command line.

Knows the options and the exit code; must not know bytes. Rules: design 5, decisions G4.
"""

import sys
from functools import partial

import attrs
import click
import trio

from ctigw.cli.dialling import Interruption, dialling_options, run_client, write_line
from ctigw.client.application import NULL, Application, Request, open_application
from ctigw.client.errors import ClientError
from ctigw.client.lines import printer
from ctigw.client.link import Observer, Security
from ctigw.errors import EncodeError
from ctigw.wire import mr, mr_codec

CALL_VARIABLES = range(1, 11)
LONGEST_WAIT_S = 3600.0
"""As long as the router keeps a task in its queues by default (decisions E4)."""

MOST_TASKS = 100_000


@attrs.define
class _Outcome:
    """Counts for the last line."""

    routed: int = 0
    failed: int = 0
    unanswered: int = 0

    def __str__(self) -> str:
        return f"{self.routed} routed, {self.failed} failed, {self.unanswered} without an answer"


def _ecc(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = []
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE")
        pairs.append((name, value))
    return pairs


def _variables(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[int, str]]:
    pairs = []
    for name, value in _ecc(context, parameter, values):
        if not name.isdecimal() or int(name) not in CALL_VARIABLES:
            raise click.BadParameter(f"{name!r} is no call variable; allowed: 1 to 10")
        pairs.append((int(name), value))
    return pairs


@click.command(name="submit")
@dialling_options
@click.option("--selector", required=True, help="Script selector.")
@click.option("--mrd", type=click.IntRange(2), help="MRDomainID; default: the selector's.")
@click.option("--ecc", multiple=True, metavar="NAME=VALUE", callback=_ecc, help="ECC variable; may be repeated.")
@click.option("--variable", "variables", multiple=True, metavar="N=VALUE", callback=_variables, help="Call variable.")
@click.option("--count", type=click.IntRange(1, MOST_TASKS), default=1, show_default=True, help="Tasks to ask for.")
@click.option("--peripheral-id", type=click.IntRange(1), help="Binds the session to an [[application]].")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=LONGEST_WAIT_S, show_default=True, help="Seconds."
)
def command(
    address: str,
    security: Security,
    as_json: bool,
    quiet: bool,
    selector: str,
    mrd: int | None,
    ecc: list[tuple[str, str]],
    variables: list[tuple[int, str]],
    count: int,
    peripheral_id: int | None,
    timeout: float,
) -> None:
    """Ask the gateway to route a task, and follow it to its answer.

    Prints every message by its protocol name. A task without an answer after --timeout, or at Ctrl-C, is cancelled.
    Exit code 0 when every task was routed (to an agent or a label), 1 when not, 2 for wrong use.
    """
    request = Request(selector, NULL if mrd is None else mrd, variables, ecc)
    try:
        mr_codec().encode(request.message(1))
    except EncodeError as error:
        raise click.UsageError(str(error)) from None
    observe = printer(write_line, as_json=as_json, quiet=quiet)
    outcome = _Outcome()
    try:
        run_client(partial(_submit, address, security, peripheral_id, observe, request, count, timeout, outcome))
    except ClientError as error:
        click.echo(f"ctigw submit: {error}", err=True)
        sys.exit(1)
    if not quiet and not as_json:
        click.echo(str(outcome))
    sys.exit(0 if outcome.routed == count else 1)


async def _submit(
    address: str,
    security: Security,
    peripheral_id: int | None,
    observe: Observer,
    request: Request,
    count: int,
    timeout: float,  # noqa: ASYNC109 - the user's, for all tasks together; what is left then is cancelled in order
    outcome: _Outcome,
    interruption: Interruption,
) -> None:
    async with open_application(address, security, peripheral_id=peripheral_id, observe=observe) as application:
        scope = trio.CancelScope(deadline=trio.current_time() + timeout)
        interruption.stops_with(scope.cancel)
        await _follow(application, request, count, scope, outcome)


async def _follow(
    application: Application, request: Request, count: int, scope: trio.CancelScope, outcome: _Outcome
) -> None:
    """Ask, wait for the answers within `scope`, and cancel what has none."""
    dialogues = [await application.submit(request) for _ in range(count)]
    waiting = list(dialogues)
    with scope:
        for dialogue in dialogues:
            answer = await dialogue.answer()
            waiting.remove(dialogue)
            if isinstance(answer, mr.DoThisWithTask):
                outcome.routed += 1
            else:
                outcome.failed += 1
    outcome.unanswered = len(waiting)
    for dialogue in waiting:
        await dialogue.cancel(mr.CancelReason.TIMED_OUT_IN_APPLICATION)
