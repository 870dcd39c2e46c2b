"""How a client that is back says what it knows, in short; must not know what the engine should answer."""

from typing import Any

from ctigw.routing import inputs
from ctigw.routing.facts import Event
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import (
    AgentState,
    ReportStatus,
)
from routing_site import CHAT, DESKTOP, PATH, START, Site

SECOND = 22
SEQUENCE = ReportStatus.INVALID_MESSAGE_SEQUENCE
DAY = 134_774 + int(START // 86_400)
UNKNOWN = TaskId(DAY, 500, 1)
TOO_MANY = tuple(inputs.Variable("ecc.a", n, "x" * 210) for n in range(10))
READY = int(AgentState.NOT_ACTIVE)


def back(site: Site, session: int = SECOND) -> list[Event]:
    """A client opens a session and begins its replay."""
    return site.say(inputs.ArmClientOpened(session, PATH)) + begin(site, session)


def begin(site: Site, session: int = DESKTOP) -> list[Event]:
    return site.say(inputs.BeginAgentInit(site.origin(session), PATH))


def end(site: Site, session: int = DESKTOP) -> list[Event]:
    return site.say(inputs.EndAgentInit(site.origin(session), PATH))


def agent(site: Site, number: int = 101, state: int = READY, **fields: Any) -> list[Event]:  # noqa: ANN401 - fields of the class
    return site.report(inputs.AgentInit, number, fields.pop("mrd", CHAT), agent_state=state, **fields)


def told(site: Site, task_id: TaskId, state: int = 1, number: int = 101, **fields: Any) -> list[Event]:  # noqa: ANN401 - fields of the class
    return site.report(inputs.TaskInit, number, fields.pop("mrd", CHAT), task_id=task_id, task_state=state, **fields)


def without_id(site: Site, state: int = 1, number: int = 101, **fields: Any) -> list[Event]:  # noqa: ANN401 - fields of the class
    return site.report(inputs.TaskInitWithoutId, number, task_state=state, **fields)


def since(site: Site, number: int = 101) -> float:
    view = site.engine.agent_view(number, CHAT, site.now)
    assert view is not None
    return view.since
