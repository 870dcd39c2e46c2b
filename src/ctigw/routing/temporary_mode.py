"""Temporarily not routable: an agent on a task that may not be interrupted got another task anyway (semantics 2.2).

Knows when the router leaves an agent alone and when it comes back. Must not know who assigned the task: the router
never does, because such an agent is not available to it elsewhere; an application or a pick may.

The agent's mode in each domain stays what it is, and reports that make ready or routable change it as ever; what they
do not change is that the router gives the agent nothing. Over when the agent has no task at all (semantics 2.2, the
stricter of two readings). [OURS] A not routable agent belongs to the application in any case, so that
APPLICATION_AVAILABLE stays.
"""

from collections.abc import Iterable

from ctigw.routing.agents import foreign_task
from ctigw.routing.facts import AgentRoutableAgain, AgentTemporarilyNotRoutable
from ctigw.routing.state import AgentDomain
from ctigw.routing.turn import Turn


def note_assignment(turn: Turn, domain: AgentDomain) -> None:
    """An agent has been given a task in `domain` by somebody else than the router. To be called for every such task."""
    agent = domain.agent.skill_target_id
    if agent not in turn.state.temporarily_not_routable and foreign_task(domain, turn.state.domains_of[agent]):
        turn.record(AgentTemporarilyNotRoutable(agent))


def finish(turn: Turn, skill_target_ids: Iterable[int]) -> None:
    """Let the router come back to those of these agents who have no task any more."""
    for agent in skill_target_ids:
        if agent in turn.state.temporarily_not_routable and not any(
            domain.tally.total for domain in turn.state.domains_of[agent]
        ):
            turn.record(AgentRoutableAgain(agent))
