"""Whether every task is accounted for, and whether one waits that need not: two questions whose answer is always no.

Knows two ways of counting tasks that share nothing, the facts that begin and end them against the places where they
are, and a matcher that asks the agents' records themselves instead of the pools that decisions use. Must not decide
anything or change the state. Rules: semantics 3.2 (every task ends once), 5.2 (no task waits beside an agent who could
take it). Counting costs the same whatever there is; looking costs in proportion to agents and is bounded, so that it is
done when somebody asks, not after every input.
"""

from typing import NamedTuple

from ctigw.routing.agents import availability
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.events import ApplicationTaskBegun, TaskAccepted, TaskEnded
from ctigw.routing.inputs import TaskId
from ctigw.routing.state import AgentDomain, Membership, State
from ctigw.routing.terms import Availability, TaskState

MOST_AGENTS_LOOKED_AT = 2_000
"""Agents in a domain who are asked in one look, some microseconds each: a look shall not hold up the loop for more than
some milliseconds. The next look goes on where this one stopped.
"""
MOST_PLACES_LOOKED_AT = 10_000
"""Places in queues that one look passes over because their tasks are kept, excluded or not that far: same reason."""


class Pair(NamedTuple):
    """A task that waits and an agent who could take it."""

    task_id: TaskId
    agent: AgentKey
    since: float
    """UTC seconds from which on both are there."""


class Findings(NamedTuple):
    """What a look found."""

    unaccounted: int
    """Tasks that one way of counting has and the other has not; 0 unless there is a defect."""
    matchable_s: float
    """How long a pair that should have been brought together has existed; 0 unless there is a defect."""
    pair: Pair | None = None


class Audit:
    """Counts tasks by facts; looks at a state when asked."""

    def __init__(self, state: State) -> None:
        """Begin with the tasks that are there already, which facts of before began."""
        self.accepted = living(state)
        """Tasks begun, by facts; those of the beginning included."""
        self.ended = 0
        self._next_agent = 0
        self._pair: Pair | None = None

    def count_begun(self, event: TaskAccepted | ApplicationTaskBegun, now: float) -> None:
        """A fact began a task."""
        self.accepted += 1

    def count_ended(self, event: TaskEnded, now: float) -> None:
        """A fact ended a task."""
        self.ended += 1

    def look(self, state: State, now: float) -> Findings:
        """Compare, and search for a pair; between inputs only, when the state is at rest."""
        pair = self._still(state) or self._search(state)
        self._pair = pair
        waited = 0.0 if pair is None else max(0.0, now - pair.since)
        return Findings(self._unaccounted(state), waited, pair)

    def _unaccounted(self, state: State) -> int:
        """Differences of four counts, each kept by other code, added up so that two never cancel out."""
        by_facts = self.accepted - self.ended
        by_records = living(state)
        waiting = assigned = 0
        for (_, task_state), number in state.task_counts.items():
            if task_state >= TaskState.PRE_CALL:
                assigned += number
            else:
                waiting += number
        with_agents = sum(len(domain.tasks) for domain in state.domains.values())
        return abs(by_facts - by_records) + abs(by_records - waiting - assigned) + abs(assigned - with_agents)

    def _still(self, state: State) -> Pair | None:
        """The pair found before, as long as it is one."""
        pair = self._pair
        if pair is None:
            return None
        domain = state.domains.get(pair.agent)
        if domain is None or not _could_take_one(state, domain):
            return None
        for member in domain.memberships:
            place = member.queue.tasks.get(pair.task_id)
            if place is not None and _is_for(state, pair.task_id, member, domain):
                return pair
        return None

    def _search(self, state: State) -> Pair | None:
        domains = list(state.domains.values())
        number = min(len(domains), MOST_AGENTS_LOOKED_AT)
        begin = self._next_agent if self._next_agent < len(domains) else 0
        self._next_agent = begin + number
        places = MOST_PLACES_LOOKED_AT
        for at in range(begin, begin + number):
            domain = domains[at % len(domains)]
            members = [member for member in domain.memberships if member.queue.tasks]
            if not members or not _could_take_one(state, domain):
                continue
            for member in members:
                for task_id, place in member.queue.tasks.items():
                    if _is_for(state, task_id, member, domain):
                        return Pair(task_id, domain.key, max(place.entered_at, domain.available_since))
                    places -= 1
                    if places == 0:
                        return None
        return None


def living(state: State) -> int:
    """Tasks that have begun and not ended."""
    return len(state.tasks) - len(state.remembered)


def _could_take_one(state: State, domain: AgentDomain) -> bool:
    """An agent whose mode is about to change gets none (semantics 2.2)."""
    return not domain.deferred and availability(state, domain) is Availability.ICM_AVAILABLE


def _is_for(state: State, task_id: TaskId, member: Membership, domain: AgentDomain) -> bool:
    place = member.queue.tasks[task_id]
    task = state.tasks.get(task_id)
    return (
        not place.held
        and bool(place.reached >> member.level & 1)
        and (task is None or task.request.excluded != domain.agent.skill_target_id)
    )
