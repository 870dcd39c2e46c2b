"""How each fact changes the state: the only way in which it changes (decisions F1).

Knows records and indexes; must not decide. One function for each class of fact, found in one table; a notice has none
and changes nothing. Statistics take note of a fact just before it changes the records
(`ctigw.routing.statistics.accounting`). Given the same facts with the same instants, two states are equal.
"""

from ctigw.routing.apply import (
    agents,
    application_tasks,
    assigned_tasks,
    interrupts,
    last_agents,
    reload,
    resync,
    sessions,
    waiting_tasks,
)
from ctigw.routing.apply.table import TABLE
from ctigw.routing.facts import Event
from ctigw.routing.state import State
from ctigw.routing.statistics.accounting import ACCOUNTING

__all__ = [
    "agents",
    "application_tasks",
    "apply",
    "assigned_tasks",
    "interrupts",
    "is_fact",
    "last_agents",
    "reload",
    "resync",
    "sessions",
    "waiting_tasks",
]


def apply(state: State, fact: Event, now: float) -> None:
    """Change the state by one fact that happened at `now`, UTC seconds."""
    kind = type(fact)
    change = TABLE.get(kind)
    if change is None:
        return
    account = ACCOUNTING.get(kind)
    if account is not None:
        account(state, fact, now)
    change(state, fact, now)


def is_fact(event: Event) -> bool:
    """Whether the event changes the state; the others are notices and need not be journalled to rebuild it."""
    return type(event) in TABLE
