"""What an answer to a CTI client is made from, and what it is.

Knows the parts that every handler may look at; must not know any message.
"""

from collections.abc import Callable, Iterable
from enum import IntFlag
from typing import Any, NamedTuple

import attrs

from ctigw.config.routing import Agent
from ctigw.gateway.audience import Audience, CtiClient
from ctigw.gateway.configuration import SiteConfiguration
from ctigw.gateway.directory import Directory
from ctigw.routing.engine import Engine
from ctigw.session.failures import failure_conf
from ctigw.wire import Message, cti


@attrs.frozen
class Desk:
    """Where requests are answered from."""

    engine: Engine
    """To look at, never to give an input to."""
    directory: Directory
    audience: Audience
    configuration: SiteConfiguration = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "configuration", SiteConfiguration(self.engine, self.directory))


class Letter(NamedTuple):
    """A message and who gets it."""

    client: CtiClient
    message: Message


def refusal(client: CtiClient, request: Any, status: cti.FailureStatus) -> Letter:  # noqa: ANN401 - any request class
    """FAILURE_CONF for a request, in the form of the client's version."""
    return Letter(client, failure_conf(client.version, request.invoke_id, status))


def named_agent(desk: Desk, peripheral: int, message: Any) -> Agent | None:  # noqa: ANN401 - many classes of one shape
    """The agent that AgentID, AgentExtension or AgentInstrument names; all three are the agent's number (decisions
    C5).
    """
    number = message.agent_id or message.agent_extension or message.agent_instrument
    return desk.directory.agent_by_number(peripheral, number) if number else None


def every_bit(mask: type[IntFlag]) -> int:
    """The bits that a mask table names, together."""
    return sum(member.value for member in mask)


Handler = Callable[[Desk, CtiClient, Any, float], Iterable[Letter]]
"""Desk, who asks, the message of the handler's class, now (UTC seconds)."""
