"""Telling peers what became of agents.

Knows when a change is one that peers are told of (decisions C5); must not know what caused it.
"""

from ctigw.routing.agents import changed, view
from ctigw.routing.events import AgentStateChanged
from ctigw.routing.turn import Turn


def publish(turn: Turn) -> None:
    """Tell what became of every agent touched, in order of touching and of first sign-in (decisions C5)."""
    state = turn.state
    if not state.touched:
        return
    for skill_target_id in state.touched:
        for domain in state.domains_of[skill_target_id]:
            if changed(state, domain):
                turn.record(AgentStateChanged(view(state, domain, turn.now)))
    state.touched.clear()
