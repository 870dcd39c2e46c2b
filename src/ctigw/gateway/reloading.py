"""Reading a changed configuration for a gateway that runs.

Knows which parts can change without a restart and which cannot; reads files, so that it belongs into a thread. Must not
know Trio, connections or what becomes of agents and tasks (`ctigw.routing.reload`). Rules: design 4: a bad file changes
nothing and says why.

[OURS] What is routed, and who may open a CTI session with which password and services, can change; a session that is
open keeps what it was granted. What sockets, dialled links and stores were made from cannot: it is named and stays.
Channel applications that dial us can change for new sessions, as long as those that we dial stay the same.
"""

from collections.abc import Callable, Iterator

import attrs

from ctigw.config.settings import ApplicationSettings, Settings
from ctigw.gateway.assembly import session_factory
from ctigw.routing.engine import Engine
from ctigw.session.factory import SessionFactory

FIXED = {
    "gateway": "[gateway]",
    "listeners": "[[listener]]",
    "admin": "[admin]",
    "journal": "[journal]",
    "duplex": "[duplex]",
    "protocol": "[protocol]",
    "peripheral_gateways": "[[peripheral_gateway]]",
}
"""Parts of the settings that stay as they are until a restart, and how the file calls them."""


@attrs.frozen
class Change:
    """A configuration that can hold from now on."""

    settings: Settings
    """The new ones, with the old values where they cannot change."""
    factory: SessionFactory
    """To take over from what new sessions are made of."""
    kept: tuple[str, ...]
    """Tables that were changed in the file and keep their old values, as the file calls them."""


def read_change(read: Callable[[], Settings], running: Settings) -> Change:
    """Read the configuration again and check all of it. ConfigurationError when it is wrong; nothing has changed."""
    asked = read()
    held = dict(_held(asked, running))
    settings = attrs.evolve(asked, **{name: getattr(running, name) for name in held})
    Engine(settings.routing, settings.gateway.side)  # raises where a script does not compile
    return Change(settings, session_factory(settings), tuple(held.values()))


def _held(asked: Settings, running: Settings) -> Iterator[tuple[str, str]]:
    for name, table in FIXED.items():
        if getattr(asked, name) != getattr(running, name):
            yield name, table
    if _dialled(asked) != _dialled(running):
        yield "applications", "[[application]]"


def _dialled(settings: Settings) -> list[ApplicationSettings]:
    return [application for application in settings.applications if application.address]
