"""How each fact changes the state: the only way in which it changes (decisions F1).

Knows records and indexes; must not decide. One function for each class of fact, found in one table; a notice has none
and changes nothing. Given the same facts with the same instants, two states are equal.
"""

from ctigw.routing.apply import agents, assigned_tasks, last_agents, sessions, waiting_tasks
from ctigw.routing.apply.table import TABLE
from ctigw.routing.facts import Event
from ctigw.routing.state import State

__all__ = ["agents", "apply", "assigned_tasks", "is_fact", "last_agents", "sessions", "waiting_tasks"]


def apply(state: State, fact: Event, now: float) -> None:
    """Change the state by one fact that happened at `now`, UTC seconds."""
    change = TABLE.get(type(fact))
    if change is not None:
        change(state, fact, now)


def is_fact(event: Event) -> bool:
    """Whether the event changes the state; the others are notices and need not be journalled to rebuild it."""
    return type(event) in TABLE
