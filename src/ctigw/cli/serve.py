"""`ctigw serve`: the daemon.

Knows how a configuration file becomes a running daemon and how it logs; must not know what the daemon does.
"""

import gc
import logging
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
import trio

from ctigw.config.loader import load
from ctigw.gateway.daemon import Daemon, run_until_signalled

LOG_LEVELS = ("debug", "info", "warning", "error")


@click.command(name="serve")
@click.option(
    "-c",
    "--config",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Configuration file (TOML).",
)
@click.option("--log-level", type=click.Choice(LOG_LEVELS), default="info", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Log warnings and errors only.")
def command(path: Path, log_level: str, quiet: bool) -> None:
    """Run the gateway until SIGTERM or SIGINT; a second signal ends it at once. SIGHUP reads FILE again.

    Exit code 0 after an orderly stop, 1 when an address cannot be had, 2 when the configuration is wrong.
    """
    logging.basicConfig(
        level="WARNING" if quiet else log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    daemon = Daemon(load(path), read_again=partial(load, path))
    gc.collect()
    gc.freeze()  # what was loaded stays: a full collection need not look at it again (performance, what things cost)
    try:
        trio.run(run_until_signalled, daemon)
    except* OSError as group:
        for error in _leaves(group):
            click.echo(f"ctigw: {error.strerror or error}", err=True)
        sys.exit(1)


def _leaves(group: BaseExceptionGroup[OSError]) -> Iterator[OSError]:
    """The errors themselves: each nursery on the way wrapped them once more."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
