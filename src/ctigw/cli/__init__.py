"""The command line: one click command for each module here.

Knows exit codes (0 fine, 1 found a problem, 2 wrong use) and that a user's mistake never shows a traceback; must not
know protocols. Commands are imported when they are asked for, so that `ctigw decode` does not load the daemon (design
5).
"""

import importlib
import sys
from typing import Final

import click

from ctigw import __version__
from ctigw.errors import ConfigurationError

COMMANDS: Final = ("agent", "certs", "check", "decode", "encode", "journal", "replay", "serve", "status", "submit")
"""Module names under `ctigw.cli`; each has the click command as `command`."""


class LazyCommands(click.Group):
    """Finds a command by its module."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, sorted."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"ctigw.cli.{cmd_name}")
        command: click.Command = module.command
        return command


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="ctigw")
def group() -> None:
    """Gateway daemon for non-voice contact-centre tasks, and tools around its protocols."""


def main() -> None:
    """Entry point of the `ctigw` script."""
    try:
        group.main(prog_name="ctigw")
    except ConfigurationError as error:
        click.echo(f"ctigw: {error}", err=True)
        sys.exit(2)
