"""How an agent stands over all domains: the one state that some messages have room for.

Knows views of the engine; must not know messages. An agent has a state for each domain (cti-notes "Agents in an MRD")
and no voice state here. [OURS]: his overall state is the one of the domain in which his state changed last, among those
that he is signed in to; signed in to none, he is logged out. So it is the newest thing that a watcher could have seen.
"""

from typing import NamedTuple

from ctigw.config.routing import Agent
from ctigw.gateway.directory import Directory
from ctigw.routing.engine import Engine
from ctigw.routing.terms import AgentState
from ctigw.session.cti_server import AgentStateOf
from ctigw.wire import cti


class Standing(NamedTuple):
    """An agent's overall state."""

    state: AgentState
    duration_s: int
    """Whole seconds since it began; 0 for an agent who is logged out."""


def standing(engine: Engine, directory: Directory, agent: Agent, now: float) -> Standing:
    """The overall state of an agent at `now` (UTC seconds)."""
    views = (engine.agent_view(agent.skill_target_id, mrd, now) for mrd in directory.mrds_of(agent))
    signed_in = [view for view in views if view is not None and view.state is not AgentState.LOGOUT]
    if not signed_in:
        return Standing(AgentState.LOGOUT, 0)
    newest = max(signed_in, key=lambda view: view.since)
    return Standing(newest.state, max(0, int(now - newest.since)))


def agent_states(engine: Engine, directory: Directory) -> AgentStateOf:
    """What sessions ask for OPEN_CONF; an agent who is not configured is UNKNOWN."""

    def state_of(peripheral: int, number: str, now: float) -> int:
        agent = directory.agent_by_number(peripheral, number)
        return cti.AgentState.UNKNOWN if agent is None else standing(engine, directory, agent, now).state

    return state_of
