"""Facts about who dealt last with what.

Must not decide. Rules: semantics 5.2 (sticky agent), decisions F1.
"""

from ctigw.routing import facts
from ctigw.routing.apply.table import applies
from ctigw.routing.state import LAST_AGENT_LIFE_S, MOST_LAST_AGENTS, LastAgent, State


@applies(facts.LastAgentNoted)
def _noted(state: State, fact: facts.LastAgentNoted, now: float) -> None:
    """The table stays in order of noting, so that what is too old or too much stands in front."""
    table = state.last_agents
    key = (fact.variable, fact.value)
    table[key] = LastAgent(fact.skill_target_id, now)
    table.move_to_end(key)
    while len(table) > MOST_LAST_AGENTS or next(iter(table.values())).at + LAST_AGENT_LIFE_S <= now:
        table.popitem(last=False)
