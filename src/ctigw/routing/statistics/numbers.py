"""The counters themselves: of an agent in a domain, and of a queue.

Knows names and meanings of the field (semantics 4 "Handle time", 10.1, 10.2); must not know when they change. Names
that end in `_s` are seconds, the others numbers of tasks. In a ledger they grow and never shrink; in a view they are a
copy that changes no more.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Self

import attrs


@attrs.define(weakref_slot=False)
class AgentNumbers:
    """One agent in one domain. State times are intervals between changes of the agent's state: they never overlap.
    Times of tasks are counted when the task ends, and tasks overlap (semantics 4).
    """

    available_s: float = 0
    """NOT_ACTIVE: ready and doing nothing in the domain; perhaps busy in another one (semantics 10.1, avail)."""
    logged_on_s: float = 0
    """Signed in, without the interrupted time, which is an account of its own (semantics 4)."""
    not_ready_s: float = 0
    work_not_ready_s: float = 0
    reserved_s: float = 0
    active_s: float = 0
    paused_s: float = 0
    work_ready_s: float = 0
    interrupted_s: float = 0
    icm_available_s: float = 0
    application_available_s: float = 0
    """Availability (semantics 2.2), beside the state times."""
    routable_s: float = 0
    """Mode, beside the state times."""

    offered: int = 0
    """Tasks that were chosen for the agent, or that his application gave him."""
    handled: int = 0
    """Tasks that the agent started and that have ended, wrap-up included."""
    redirect_no_answer: int = 0
    """RONA."""
    abandoned_while_offered: int = 0
    transferred_out: int = 0
    """Ended because they go on as another task (dispositions 63 and 65)."""
    held: int = 0
    """Handled tasks that were paused at least once."""
    talk_s: float = 0
    hold_s: float = 0
    wrap_up_s: float = 0
    """ACTIVE, PAUSED and WRAPUP time of handled tasks; while they were INTERRUPTED, no time passes for them."""
    handle_s: float = 0
    """Talk, hold and wrap-up together."""

    def values(self) -> tuple[float, ...]:
        """All of them in the order above."""
        return _agent_values(self)

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """From all values in that order."""
        return cls(*values)  # type: ignore[arg-type]  # sums and differences of counts are whole numbers too


_agent_values = attrgetter(*(field.name for field in attrs.fields(AgentNumbers)))


@attrs.define(weakref_slot=False)
class QueueNumbers:
    """One queue; a task that stands in several queues counts in each (semantics 10.1).

    `offered` is at every moment the sum of the seven outcomes and of the tasks that are still open.
    """

    offered: int = 0
    """Routed to the queue or queued for it; each new entry counts anew."""
    answered: int = 0
    """Started by an agent of the queue: no outcome, the task is open until its end."""

    handled: int = 0
    abandoned_in_queue: int = 0
    """Before routing."""
    abandoned_to_agent: int = 0
    """After routing, before the start."""
    abandoned_dequeued: int = 0
    """Left because an agent of another queue was chosen, and abandoned before that agent had started."""
    dequeued: int = 0
    """Left for another queue, or taken out by a script."""
    redirect_no_answer: int = 0
    router_error: int = 0

    answered_in_time: int = 0
    abandoned_in_time: int = 0
    dequeued_in_time: int = 0
    redirected_in_time: int = 0
    errors_in_time: int = 0
    """What happened to tasks within the service level threshold."""
    late: int = 0
    """Tasks to which nothing had happened when the threshold passed; counted at that instant."""

    queued: int = 0
    """Began to wait."""
    queue_s: float = 0
    """Waiting of those that wait no more."""
    answer_wait_s: float = 0
    """From entering to the start, of answered tasks (AnswerWaitTime)."""
    held: int = 0
    talk_s: float = 0
    hold_s: float = 0
    wrap_up_s: float = 0
    handle_s: float = 0
    """As of agents."""

    def values(self) -> tuple[float, ...]:
        """All of them in the order above."""
        return _queue_values(self)

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """From all values in that order."""
        return cls(*values)  # type: ignore[arg-type]  # sums and differences of counts are whole numbers too

    @property
    def level_offered(self) -> int:
        """Service level offered: something happened in time, or the threshold passed."""
        return (
            self.answered_in_time
            + self.abandoned_in_time
            + self.dequeued_in_time
            + self.redirected_in_time
            + self.errors_in_time
            + self.late
        )

    def service_level(self, kind: str) -> float | None:
        """Part of the tasks answered in time, 0 to 1, by a service_level_type (semantics 10.1); None: nothing to judge.

        What left for another queue in time is in no denominator of a queue.
        """
        answered, offered = self.answered_in_time, self.level_offered - self.dequeued_in_time
        if kind == "ignore_abandoned":
            offered -= self.abandoned_in_time
        elif kind == "positive":
            answered += self.abandoned_in_time
        return answered / offered if offered else None


_queue_values = attrgetter(*(field.name for field in attrs.fields(QueueNumbers)))

OUTCOMES = (
    "handled",
    "abandoned_in_queue",
    "abandoned_to_agent",
    "abandoned_dequeued",
    "dequeued",
    "redirect_no_answer",
    "router_error",
)
"""How a task that was offered to a queue can leave its account: exactly one of these (semantics 10.1, identity)."""


def grown(now: Sequence[float], before: Sequence[float]) -> list[float]:
    """How much each value has grown."""
    return [value - earlier for value, earlier in zip(now, before, strict=True)]


def added(rows: Iterable[Sequence[float]], width: int) -> list[float]:
    """The sum of each column of rows of that width."""
    totals: list[float] = [0] * width
    for row in rows:
        for at, value in enumerate(row):
            totals[at] += value
    return totals
