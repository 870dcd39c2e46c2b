"""How many of what, for metrics at the moment of a scrape.

Knows counts by name and state (design 6, decisions G3); must not know metrics libraries. Costs in proportion to agents
and queues, not to tasks.
"""

from collections import Counter
from itertools import islice
from typing import NamedTuple

import attrs

from ctigw.routing.state import State
from ctigw.routing.terms import (
    AgentState,
    Availability,
    QueueKind,
    TaskState,
)

_KINDS = {Availability.ICM_AVAILABLE: "icm", Availability.APPLICATION_AVAILABLE: "application"}


class QueueCensus(NamedTuple):
    """One queue."""

    depth: int
    oldest: float | None
    """UTC seconds at which the task that is longest in the queue entered it; None when it is empty."""


class QueueSeen(NamedTuple):
    """One queue, for people to look at."""

    mrd_id: int
    depth: int
    oldest: float | None
    """As in `QueueCensus`."""
    estimated_wait_s: int | None
    """Of a task that would come now with the usual priority; None: nothing left the queue for five minutes."""
    agents_available: int


@attrs.frozen
class Census:
    """What is there now; names are those of the configuration."""

    tasks: dict[tuple[str, TaskState], int]
    """By domain and state; tasks that have ended are not counted."""
    queues: dict[str, QueueCensus]
    """By `sg:name` or `pq:name`; agents' own queues have no label of their own."""
    agents: dict[tuple[str, AgentState], int]
    """By domain and state; agents who never signed in to a domain are not counted there."""
    available: dict[tuple[str, str], int]
    """By domain and `icm` or `application` (semantics 2.2)."""


USUAL_PRIORITY = 5
"""Default of a queue step (semantics 5.4)."""


def queues(state: State, most: int, now: float) -> dict[str, QueueSeen]:
    """The first `most` skill groups and precision queues in order of configuration, by label."""
    named = (queue for queue in state.queues.values() if queue.ref.kind is not QueueKind.AGENT)
    return {
        queue.ref.label: QueueSeen(
            mrd_id=queue.mrd_id,
            depth=len(queue.tasks),
            oldest=queue.oldest(),
            estimated_wait_s=queue.estimated_wait_s(USUAL_PRIORITY, now),
            agents_available=queue.agents_available,
        )
        for queue in islice(named, most)
    }


def take(state: State) -> Census:
    """Count."""
    agents: Counter[tuple[str, AgentState]] = Counter()
    available = {(mrd.name, kind): 0 for mrd in state.mrds.values() for kind in _KINDS.values()}
    for domain in state.domains.values():
        view = domain.published
        if view is not None:
            agents[domain.mrd.name, view.state] += 1
            kind = _KINDS.get(view.availability)
            if kind is not None:
                available[domain.mrd.name, kind] += 1
    return Census(
        tasks={(state.mrds[mrd_id].name, task_state): n for (mrd_id, task_state), n in state.task_counts.items()},
        queues={
            label: QueueCensus(len(queue.tasks), queue.oldest())
            for (label, _), queue in state.queues.items()
            if queue.ref.kind is not QueueKind.AGENT
        },
        agents=dict(agents),
        available=available,
    )
