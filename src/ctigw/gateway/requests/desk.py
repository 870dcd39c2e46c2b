"""What an answer to a CTI client is made from, and what it is.

Knows the parts that every handler may look at; must not know any message.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import attrs

from ctigw.gateway.audience import Audience, CtiClient
from ctigw.gateway.directory import Directory
from ctigw.routing.engine import Engine
from ctigw.wire import Message


@attrs.frozen
class Desk:
    """Where requests are answered from."""

    engine: Engine
    """To look at, never to give an input to."""
    directory: Directory
    audience: Audience


class Letter(NamedTuple):
    """A message and who gets it."""

    client: CtiClient
    message: Message


Handler = Callable[[Desk, CtiClient, Any, float], Iterable[Letter]]
"""Desk, who asks, the message of the handler's class, now (UTC seconds)."""
