"""What a CTI client asks and the gateway answers without the engine deciding anything.

One table, message class to handler, put together from one module for each theme. A handler sees the desk (views of the
engine, directory, audience) and returns letters; it sends nothing itself and changes no engine state. Must not know
sockets or Trio. What the engine has to decide on is an input instead (`ctigw.gateway.inbound`).
"""

from collections.abc import Iterable

from ctigw.gateway.audience import CtiClient
from ctigw.gateway.requests import (
    agents,
    client_monitor,
    configuration,
    desktop,
    device_monitors,
    snapshots,
    statistics,
    task_monitors,
    teams,
    user_messages,
)
from ctigw.gateway.requests.desk import Desk, Handler, Letter
from ctigw.wire import Message

_HANDLERS: dict[type[Message], Handler] = {
    **agents.HANDLERS,
    **client_monitor.HANDLERS,
    **device_monitors.HANDLERS,
    **snapshots.HANDLERS,
    **statistics.HANDLERS,
    **task_monitors.HANDLERS,
    **teams.HANDLERS,
    **desktop.HANDLERS,
    **configuration.HANDLERS,
    **user_messages.HANDLERS,
}


def answer(desk: Desk, client: CtiClient, message: Message, now: float) -> Iterable[Letter]:
    """Letters that follow from a request, in order; none for a message that is no request of this kind."""
    handler = _HANDLERS.get(type(message))
    return () if handler is None else handler(desk, client, message, now)
