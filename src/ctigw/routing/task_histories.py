"""What happened to each task that lives, put together from facts: what reporting asks for when the task has ended.

Knows which fact says what about a task; must not know files or how a record is written, and nothing is decided by it.
Facts are complete in themselves, so that the engine is never asked. Memory is bounded by the tasks that live: a few
numbers each, `MOST_STATES` and `MOST_QUEUES` entries at most, and of the variables only those that the operator named,
because the others are customers' data.

[OURS] A task whose beginning was not seen (it was taken over from before a restart) has a history that is `partial`.
"""

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ctigw.routing import events, facts
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.inputs import DialogueKey, TaskContext, TaskId, Variable
from ctigw.routing.terms import Departure, NewTaskFailureReason, QueueEntry, QueueRef, TaskState

MOST_STATES = 200
"""Changes of state that are kept one by one; a client may pause and resume for ever. Further time is in the sums."""
MOST_QUEUES = 100
"""Stays in queues that are kept; a script may queue and cancel in a loop for an hour."""


@attrs.define(eq=False, weakref_slot=False)
class QueueStay:
    """A task's stay in one queue."""

    queue: QueueRef
    priority: int
    entered: float
    """UTC seconds."""
    left: float | None = None
    departure: Departure | None = None
    """Why it left; None: it has not, or it never waited there and was given to an agent at once."""
    step: int = 0
    """Step of a precision queue that it reached; 0 in other queues."""


@attrs.define(eq=False, weakref_slot=False)
class TaskHistory:
    """One task; instants are UTC seconds."""

    task_id: TaskId
    mrd_id: int
    began: float
    selector: str
    dialogue: DialogueKey | None = None
    """None: an application assigned the task itself."""
    application: str = ""
    call_type: str = ""
    service: int = 0
    previous_task: TaskId | None = None
    variables: tuple[Variable, ...] = ()
    estimated_wait_s: int | None = None
    """As told when the task was first queued."""
    stays: list[QueueStay] = attrs.Factory(list)
    states: list[tuple[TaskState, float]] = attrs.Factory(list)
    """Each state with the instant at which it began."""
    omitted: int = 0
    """Changes of state beyond `MOST_STATES`."""
    sums: dict[TaskState, float] | None = None
    """Seconds by state; filled from the first change that is not kept on, and at the end."""
    state: TaskState = TaskState.PENDING
    since: float = 0.0
    skill_target_id: int | None = None
    queue: QueueRef | None = None
    """From which the agent was chosen."""
    started: float | None = None
    label: str | None = None
    failure: NewTaskFailureReason | None = None
    cause_code: int = 0
    failure_text: str = ""
    disposition: int = 0
    application_disposition: int = 0
    ended: float = 0.0
    partial: bool = False

    def seconds(self) -> dict[TaskState, float]:
        """Seconds by state up to the last change."""
        if self.sums is not None:
            return self.sums
        found: dict[TaskState, float] = {}
        for place, (state, at) in enumerate(self.states):
            until = self.states[place + 1][1] if place + 1 < len(self.states) else self.since
            found[state] = found.get(state, 0.0) + until - at
        return found

    def move(self, state: TaskState, now: float) -> None:
        """The task is in another state from `now` on; the same state again is no change."""
        if state is self.state and self.states:
            return
        if len(self.states) >= MOST_STATES and self.sums is None:
            self.sums = self.seconds()
        if self.sums is not None:
            self.sums[self.state] = self.sums.get(self.state, 0.0) + now - self.since
            self.omitted += state is not TaskState.ENDED
        elif state is not TaskState.ENDED:
            self.states.append((state, now))
        self.state, self.since = state, now


class TaskHistories:
    """Follows facts; gives out each history once, when its task has ended."""

    def __init__(self, variables: Iterable[str] = ()) -> None:
        """`variables`: names of those that are kept, `call.N` or `ecc.NAME`."""
        self._kept = frozenset(variables)
        self._applications: dict[int, str] = {}
        """By session of a routing client."""
        self._living: dict[TaskId, TaskHistory] = {}
        self._interrupted: dict[AgentKey, dict[TaskId, TaskState]] = {}
        """While an agent is interrupted: his tasks with the states that they return to."""
        self.finished: list[TaskHistory] = []
        """Tasks that have ended; whoever takes them clears the list."""
        self._last = 0.0
        self.table: dict[type, Callable[[Any, float], None]] = {
            facts.RoutingClientJoined: self._client_joined,
            facts.RoutingClientLeft: self._client_left,
            events.TaskAccepted: self._accepted,
            events.ApplicationTaskBegun: self._begun,
            events.TaskTakenUp: self._taken_up,
            events.TaskQueued: self._queued,
            facts.TaskPriorityChanged: self._priority_changed,
            facts.PrecisionStepReached: self._step_reached,
            events.TaskDequeued: self._dequeued,
            events.AgentChosen: self._chosen,
            events.LabelChosen: self._labelled,
            events.TaskFailed: self._failed,
            events.TaskOffered: self._moves(TaskState.OFFERED),
            events.TaskStarted: self._moves(TaskState.ACTIVE),
            events.TaskResumed: self._moves(TaskState.ACTIVE),
            events.TaskPaused: self._moves(TaskState.PAUSED),
            events.TaskWrapUpBegun: self._moves(TaskState.WRAPUP),
            facts.AgentInterruptAccepted: self._interrupt_accepted,
            facts.TaskInterruptReplayed: self._interrupt_replayed,
            facts.AgentInterruptClosed: self._interrupt_closed,
            events.TaskDataUpdated: self._data_updated,
            events.TaskEnded: self._ended,
        }
        """What to do with which fact; the others say nothing about a task's history."""

    def observe(self, event: object, now: float) -> None:
        """Take note of one event of `now`, UTC seconds."""
        note = self.table.get(type(event))
        if note is not None:
            note(event, now)

    def living(self) -> dict[TaskId, TaskHistory]:
        """Histories of tasks that have not ended; for looking at."""
        return self._living

    def _at(self, now: float) -> float:
        """The engine's time never goes back, and neither does a history's."""
        self._last = max(self._last, now)
        return self._last

    def _of(self, fact: Any, now: float) -> TaskHistory:  # noqa: ANN401 - any fact that names a task
        """The task's history; a partial one when its beginning was not seen."""
        history = self._living.get(fact.task_id)
        if history is None:
            mrd_id = getattr(fact, "mrd_id", 0)
            history = TaskHistory(fact.task_id, mrd_id, self._at(now), "", since=self._at(now), partial=True)
            self._living[fact.task_id] = history
        return history

    def _variables(self, context: TaskContext) -> tuple[Variable, ...]:
        if not self._kept:
            return ()
        return tuple(variable for variable in context.variables if variable.name in self._kept)

    # --- before an agent has it ---------------------------------------------------------------------------------------

    def _client_joined(self, fact: facts.RoutingClientJoined, now: float) -> None:
        self._applications[fact.session_id] = fact.application

    def _client_left(self, fact: facts.RoutingClientLeft, now: float) -> None:
        self._applications.pop(fact.session_id, None)

    def _accepted(self, fact: events.TaskAccepted, now: float) -> None:
        at = self._at(now)
        history = self._living[fact.task_id] = TaskHistory(
            task_id=fact.task_id,
            mrd_id=fact.mrd_id,
            began=at,
            selector=fact.context.script_selector,
            dialogue=fact.dialogue,
            application=self._applications.get(fact.dialogue.session_id, ""),
            call_type=fact.call_type,
            service=fact.service,
            previous_task=fact.previous_task,
            variables=self._variables(fact.context),
        )
        history.move(TaskState.PENDING, at)

    def _begun(self, fact: events.ApplicationTaskBegun, now: float) -> None:
        at = self._at(now)
        history = self._living[fact.task_id] = TaskHistory(
            task_id=fact.task_id,
            mrd_id=fact.mrd_id,
            began=at,
            selector=fact.context.script_selector,
            variables=self._variables(fact.context),
            skill_target_id=fact.skill_target_id,
            queue=fact.queue,
            partial=not fact.is_new_id,
        )
        history.since = at
        if fact.queue is not None:
            history.stays.append(QueueStay(fact.queue, 0, at, at))

    def _taken_up(self, fact: events.TaskTakenUp, now: float) -> None:
        history = self._of(fact, now)
        history.dialogue = fact.dialogue
        history.application = self._applications.get(fact.dialogue.session_id, "")

    def _queued(self, fact: events.TaskQueued, now: float) -> None:
        at = self._at(now)
        history = self._of(fact, now)
        if not history.stays:
            history.estimated_wait_s = fact.estimated_wait_time_s
        for queue, priority in fact.entries:
            if len(history.stays) < MOST_QUEUES:
                history.stays.append(QueueStay(queue, priority, at))
        history.move(TaskState.QUEUED, at)

    def _priority_changed(self, fact: facts.TaskPriorityChanged, now: float) -> None:
        for stay, entry in _open_stays(self._of(fact, now), fact.entries):
            stay.priority = entry.priority

    def _step_reached(self, fact: facts.PrecisionStepReached, now: float) -> None:
        for stay, _ in _open_stays(self._of(fact, now), (QueueEntry(fact.queue, 0),)):
            stay.step = fact.step

    def _dequeued(self, fact: events.TaskDequeued, now: float) -> None:
        at = self._at(now)
        history = self._of(fact, now)
        for stay, _ in _open_stays(history, fact.entries):
            stay.left, stay.departure = at, fact.departure
        if fact.departure is not Departure.ROUTED and not any(stay.left is None for stay in history.stays):
            history.move(TaskState.PENDING, at)  # routed: the agent is chosen at the same instant

    def _labelled(self, fact: events.LabelChosen, now: float) -> None:
        self._of(fact, now).label = fact.label

    def _failed(self, fact: events.TaskFailed, now: float) -> None:
        history = self._of(fact, now)
        history.failure, history.cause_code, history.failure_text = fact.reason, fact.cause_code, fact.text

    def _data_updated(self, fact: events.TaskDataUpdated, now: float) -> None:
        if self._kept:
            self._of(fact, now).variables = self._variables(fact.context)

    # --- while an agent has it ----------------------------------------------------------------------------------------

    def _chosen(self, fact: events.AgentChosen, now: float) -> None:
        at = self._at(now)
        history = self._of(fact, now)
        history.skill_target_id, history.queue = fact.skill_target_id, fact.queue
        if fact.queue is not None and not any(stay.queue == fact.queue and stay.left == at for stay in history.stays):
            history.stays.append(QueueStay(fact.queue, 0, at, at))
        history.move(TaskState.PRE_CALL, at)

    def _moves(self, state: TaskState) -> Callable[[events.TaskMoved, float], None]:
        def note(fact: events.TaskMoved, now: float) -> None:
            at = self._at(now)
            history = self._of(fact, now)
            history.skill_target_id = fact.skill_target_id
            if state is TaskState.ACTIVE and history.started is None:
                history.started = at
            history.move(state, at)

        return note

    def _interrupt_accepted(self, fact: facts.AgentInterruptAccepted, now: float) -> None:
        before = self._interrupted[AgentKey(fact.skill_target_id, fact.mrd_id)] = {}
        for task_id in fact.tasks:
            history = self._living.get(task_id)
            if history is not None:
                before[task_id] = history.state
                history.move(TaskState.INTERRUPTED, self._at(now))

    def _interrupt_replayed(self, fact: facts.TaskInterruptReplayed, now: float) -> None:
        history = self._of(fact, now)
        before = self._interrupted.setdefault(AgentKey(fact.skill_target_id, fact.mrd_id), {})
        before[fact.task_id] = history.state
        history.move(TaskState.INTERRUPTED, self._at(now))

    def _interrupt_closed(self, fact: facts.AgentInterruptClosed, now: float) -> None:
        for task_id, state in self._interrupted.pop(AgentKey(fact.skill_target_id, fact.mrd_id), {}).items():
            history = self._living.get(task_id)
            if history is not None:
                history.move(state, self._at(now))

    def _ended(self, fact: events.TaskEnded, now: float) -> None:
        at = self._at(now)
        history = self._of(fact, now)
        del self._living[fact.task_id]
        if fact.skill_target_id is not None:
            history.skill_target_id, history.queue = fact.skill_target_id, fact.queue
            if self._interrupted:
                interrupted = self._interrupted.get(AgentKey(fact.skill_target_id, fact.mrd_id))
                if interrupted is not None:
                    interrupted.pop(fact.task_id, None)
        history.mrd_id = fact.mrd_id
        history.disposition, history.application_disposition = fact.disposition, fact.application_disposition
        history.ended = at
        history.move(TaskState.ENDED, at)
        self.finished.append(history)


def _open_stays(history: TaskHistory, entries: Iterable[QueueEntry]) -> list[tuple[QueueStay, QueueEntry]]:
    """The stays that go on in these queues."""
    by_queue = {entry.queue: entry for entry in entries}
    return [(stay, by_queue[stay.queue]) for stay in history.stays if stay.left is None and stay.queue in by_queue]
