"""Running accounts: of an agent in a domain, of a queue, and of a task while an agent has it.

Knows how a state that lasts, a task that waits and a service level threshold become numbers; must not know facts.
Rules: semantics 4 (handle time), 10.1 (queues, service level). Every change costs the same whatever the number of
agents and tasks; what passes a threshold unnoticed is found once, by the next change of its queue.
"""

from collections import OrderedDict
from copy import copy

import attrs

from ctigw.routing.deadlines import AgentKey
from ctigw.routing.inputs import TaskId
from ctigw.routing.statistics.numbers import AgentNumbers, QueueNumbers
from ctigw.routing.statistics.periods import Ledger, Peaks
from ctigw.routing.terms import AgentState, Availability, QueueRef, TaskState

_TIME_IN = {
    AgentState.NOT_READY: "not_ready_s",
    AgentState.WORK_NOT_READY: "work_not_ready_s",
    AgentState.NOT_ACTIVE: "available_s",
    AgentState.RESERVED: "reserved_s",
    AgentState.ACTIVE: "active_s",
    AgentState.PAUSED: "paused_s",
    AgentState.WORK_READY: "work_ready_s",
    AgentState.INTERRUPTED: "interrupted_s",
}
"""Signed out is no account, and BUSY_OTHER is a state in a queue, not in a domain."""

NEVER = float("inf")


@attrs.define(eq=False, weakref_slot=False)
class AgentLedger(Ledger):
    """An agent in a domain, from the first sign-in on."""

    SHORT = 3
    """What a skill group tells of its agents' time: available, logged on, not ready."""

    total: AgentNumbers = attrs.Factory(AgentNumbers)
    session: tuple[float, ...] = ()
    """At the last sign-in."""
    state: AgentState = AgentState.LOGOUT
    routable: bool = False
    availability: Availability = Availability.NOT_AVAILABLE
    since: float = 0.0
    """UTC seconds from which on the three hold; time before is in `total`."""

    def at(self, now: float) -> AgentNumbers:
        """The numbers, to be changed at `now`."""
        if now >= self.due:
            self.roll(now)
        return self.total

    def change(self, state: AgentState, routable: bool, availability: Availability, now: float) -> None:
        """From `now` on the agent is in this state."""
        total = self.at(now)
        elapsed = now - self.since
        if elapsed > 0:
            self._accrue(total, elapsed)
        self.state, self.routable, self.availability, self.since = state, routable, availability, now

    def values_at(self, now: float) -> tuple[float, ...]:
        """See `Ledger`: what lasts since the last change has grown by then."""
        total = copy(self.total)
        self._accrue(total, now - self.since)
        return total.values()

    def short_at(self, now: float) -> tuple[float, ...]:
        """See `Ledger`: asked for thousands of agents at once, so without a copy of all numbers."""
        total, state, elapsed = self.total, self.state, now - self.since
        lasts = state in _TIME_IN and state is not AgentState.INTERRUPTED
        return (
            total.available_s + (elapsed if state is AgentState.NOT_ACTIVE else 0),
            total.logged_on_s + (elapsed if lasts else 0),
            total.not_ready_s + (elapsed if state is AgentState.NOT_READY else 0),
        )

    def clock(self, now: float) -> float:
        """The time that passes for the agent's tasks: it stands still while he is NOT_READY (semantics 2.2)."""
        stood_still = self.total.not_ready_s
        if self.state is AgentState.NOT_READY:
            stood_still += now - self.since
        return now - stood_still

    def _accrue(self, total: AgentNumbers, elapsed: float) -> None:
        account = _TIME_IN.get(self.state)
        if account is None:
            return
        setattr(total, account, getattr(total, account) + elapsed)
        if self.state is not AgentState.INTERRUPTED:
            total.logged_on_s += elapsed
        if self.routable:
            total.routable_s += elapsed
        if self.availability is Availability.ICM_AVAILABLE:
            total.icm_available_s += elapsed
        elif self.availability is Availability.APPLICATION_AVAILABLE:
            total.application_available_s += elapsed


@attrs.define(eq=False, weakref_slot=False)
class QueueLedger(Ledger):
    """A skill group or a precision queue."""

    ref: QueueRef = attrs.field(kw_only=True)
    mrd_id: int = attrs.field(kw_only=True)
    threshold_s: float = attrs.field(kw_only=True)
    """Service level threshold; 0: no service level."""
    level_type: str = attrs.field(kw_only=True)

    total: QueueNumbers = attrs.Factory(QueueNumbers)
    members: list[AgentKey] = attrs.Factory(list)
    """Who may get tasks of it, in order of first sign-in."""
    waiting: int = 0
    ringing: int = 0
    """An agent of the queue was chosen and has not started."""
    in_progress: int = 0
    """Started and not ended."""
    routed_elsewhere: int = 0
    """Left for an agent of another queue who has not started yet."""
    waiting_from: float = 0.0
    """Instants at which the tasks that wait entered, added up, each relative to `reference`."""
    reference: float = 0.0
    """Instant at which the first of them came: keeps the sum small and exact."""
    longest: Peaks = attrs.Factory(Peaks)
    fresh: OrderedDict[TaskId, float] = attrs.Factory(OrderedDict)
    """Tasks to which nothing has happened and whose threshold had not passed at the last change: when they entered, UTC
    seconds, in that order.
    """
    next_late: float = NEVER
    """No task of `fresh` passes the threshold before this instant."""

    def at(self, now: float) -> QueueNumbers:
        """The numbers, to be changed at `now`."""
        if now >= self.due:
            self.roll(now)
        if now > self.next_late:
            self._notice_late(now)
        return self.total

    @property
    def open(self) -> int:
        """Tasks that were offered and have no outcome yet."""
        return self.waiting + self.ringing + self.in_progress + self.routed_elsewhere

    def values_at(self, now: float) -> tuple[float, ...]:
        """See `Ledger`: thresholds that have passed by then are counted."""
        total = self.total
        if now > self.next_late:
            total = copy(total)
            for entered in self.fresh.values():
                if now - entered <= self.threshold_s:
                    break
                total.late += 1
        return total.values()

    def waited_s(self, now: float) -> float:
        """Seconds that the tasks that wait have waited, added up."""
        return self.waiting * (now - self.reference) - self.waiting_from

    def enter(self, task_id: TaskId, now: float) -> None:
        """A task is offered to the queue."""
        self.at(now).offered += 1
        if self.threshold_s:
            if not self.fresh:
                self.next_late = now + self.threshold_s
            self.fresh[task_id] = now

    def wait_begins(self, now: float) -> None:
        """A task that has entered waits for an agent."""
        if not self.waiting:
            self.reference = (
                now  # the sum is 0 again: instants are multiples of a float's last place and add up exactly
            )
        self.waiting += 1
        self.waiting_from += now - self.reference
        self.total.queued += 1

    def wait_ends(self, entered: float, now: float) -> None:
        """It waits no more."""
        self.waiting -= 1
        self.waiting_from -= entered - self.reference
        self.at(now).queue_s += now - entered
        self.longest.note(now - entered, now)

    def in_time(self, task_id: TaskId, now: float) -> bool:
        """Whether what happens to the task now, the first thing that does, is within the threshold."""
        self.at(now)
        return self.fresh.pop(task_id, None) is not None

    def redefine(self, threshold_s: float, level_type: str, now: float) -> None:
        """Judge by another threshold from `now` on; what has passed the old one by then stays late."""
        self.at(now)
        self.threshold_s, self.level_type = threshold_s, level_type
        if not threshold_s:
            self.fresh.clear()
        self.next_late = next(iter(self.fresh.values())) + threshold_s if self.fresh else NEVER

    def _notice_late(self, now: float) -> None:
        while self.fresh:
            task_id, entered = next(iter(self.fresh.items()))
            if now - entered <= self.threshold_s:
                self.next_late = entered + self.threshold_s
                return
            del self.fresh[task_id]
            self.total.late += 1
        self.next_late = NEVER


@attrs.define(eq=False, weakref_slot=False)
class TaskAccount:
    """A task while an agent has it."""

    agent: AgentLedger
    queue: QueueLedger | None
    entered: float
    """UTC seconds at which the task entered the queue."""
    elsewhere: tuple[QueueLedger, ...]
    """Other queues that the task left for this agent; they learn what became of it when he starts it, or never does."""
    started: bool = False
    since: float = 0.0
    """On the agent's clock, like all times of a task: from when on it is in its state."""
    talk_s: float = 0.0
    hold_s: float = 0.0
    wrap_up_s: float = 0.0
    held: bool = False

    def spend(self, state: TaskState, now: float) -> None:
        """The task was in `state` up to now."""
        clock = self.agent.clock(now)
        elapsed = clock - self.since
        if state is TaskState.ACTIVE:
            self.talk_s += elapsed
        elif state is TaskState.PAUSED:
            self.hold_s += elapsed
            self.held = True
        elif state is TaskState.WRAPUP:
            self.wrap_up_s += elapsed
        self.since = clock

    def record(self, total: AgentNumbers | QueueNumbers) -> None:
        """Count a task that was started and has ended."""
        total.handled += 1
        total.held += self.held
        total.talk_s += self.talk_s
        total.hold_s += self.hold_s
        total.wrap_up_s += self.wrap_up_s
        total.handle_s += self.talk_s + self.hold_s + self.wrap_up_s
