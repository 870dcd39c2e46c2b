"""Which agent dealt last with what a key variable names: a conversation, a customer (semantics 5.2, sticky agent).

Knows the table and when something is noted in it: an agent starts a task that has a value in a key variable of some
script, and ends it. Must not know what scripts do with it. The table holds the `MOST_LAST_AGENTS` noted last, each for
`LAST_AGENT_LIFE_S`; what is older is forgotten.
"""

from ctigw.routing.facts import LastAgentNoted
from ctigw.routing.scripts.variables import value_of
from ctigw.routing.state import LAST_AGENT_LIFE_S, TaskRecord
from ctigw.routing.turn import Turn


def note(turn: Turn, task: TaskRecord) -> None:
    """Note the agent of a started task under every key variable that has a value."""
    if not turn.state.last_agent_keys or not task.started or task.domain is None:
        return
    context = task.context
    for key in turn.state.last_agent_keys:
        value = value_of(context, key)
        if value:
            turn.record(LastAgentNoted(key, value, task.domain.agent.skill_target_id))


def last_agent(turn: Turn, task: TaskRecord, key: str) -> int | None:
    """Who dealt last with what the task's key variable names; None when nobody is remembered."""
    value = value_of(task.context, key)
    noted = turn.state.last_agents.get((key, value)) if value else None
    if noted is None or noted.at + LAST_AGENT_LIFE_S <= turn.now:
        return None
    return noted.skill_target_id
