"""The options that `ctigw submit` and `ctigw agent` share: where to connect, whom to trust, how to print.

Knows options and how a signal ends a client in order; must not know protocols. Rules: decisions G4.
"""

import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
import trio

from ctigw.client.errors import ClientError
from ctigw.client.link import Security
from ctigw.client.session import beside
from ctigw.config.forms import form_problem
from ctigw.config.key import Form

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _address(_: click.Context, __: click.Parameter, value: str) -> str:
    problem = form_problem(Form.DIAL_ADDRESS, value)
    if problem is not None:
        raise click.BadParameter(f"{value!r} {problem}; it must be {Form.DIAL_ADDRESS.value}")
    return value


_OPTIONS = (
    click.option("--connect", "address", required=True, metavar="HOST:PORT", callback=_address, help="The gateway."),
    click.option("--ca", type=_FILE, help="PEM file of the authority to trust; default: the system's."),
    click.option("--insecure", is_flag=True, help="TLS without looking at the gateway's certificate."),
    click.option("--plain", is_flag=True, help="Plain TCP, for a listener with tls = false."),
    click.option("--certificate", type=_FILE, help="PEM file of a client certificate."),
    click.option("--key", "private_key", type=_FILE, help="PEM file of its private key."),
    click.option(
        "--json", "as_json", is_flag=True, help="A JSON object a message, as `ctigw decode --json` prints it."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print no messages."),
)


def dialling_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the function gets `address`, `security`, `as_json` and `quiet`."""

    @functools.wraps(function)
    def command(
        ca: Path | None,
        insecure: bool,
        plain: bool,
        certificate: Path | None,
        private_key: Path | None,
        **rest: Any,  # noqa: ANN401 - the options of the command itself
    ) -> None:
        if (ca is not None) + insecure + plain > 1:
            raise click.UsageError("--ca, --insecure and --plain exclude each other")
        if private_key is not None and certificate is None:
            raise click.UsageError("--key needs --certificate")
        security = Security(plain, ca, insecure, certificate, private_key)
        function(security=security, **rest)

    wrapped: Callable[..., Any] = command
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def write_line(text: str) -> None:
    """One flushed line on standard output; a reader that has gone is no error."""
    try:
        click.echo(text)
    except BrokenPipeError:
        # Whoever read has gone; the client still ends in order, and writes into nothing until then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Interruption:
    """What SIGINT and SIGTERM do: the first ends the client in order, once it has said how; another one cuts it."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self._cut = cut
        self._stop = cut

    def stops_with(self, stop: Callable[[], None]) -> None:
        """From now on the first signal calls `stop`."""
        self._stop = stop

    async def watch(self) -> None:
        """Heed signals until cancelled. Main thread only."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                self._stop()
                self._stop = self._cut


def run_client(client: Callable[[Interruption], Awaitable[None]]) -> None:
    """Run a client to its end. Raises ClientError when it failed or was cut."""

    async def run() -> None:
        with trio.CancelScope() as scope:
            interruption = Interruption(scope.cancel)
            async with beside(interruption.watch):
                await client(interruption)
        if scope.cancelled_caught:
            raise ClientError("interrupted")

    trio.run(run)
