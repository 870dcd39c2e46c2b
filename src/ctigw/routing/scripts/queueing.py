"""Putting a task into queues, and taking it out again.

Knows the queue step, limits (decisions E4), and how a task walks the steps of its precision queues, each queue by
itself (semantics 5.3, 5.4); must not know other steps of a script.
"""

from ctigw.routing.events import TaskDequeued, TaskEnded, TaskFailed, TaskQueued
from ctigw.routing.facts import PrecisionStepReached, TaskPriorityChanged
from ctigw.routing.queues import WaitingQueue
from ctigw.routing.scripts import steps
from ctigw.routing.scripts.conditions import holds
from ctigw.routing.selection import assign, find_agent, seek_agent
from ctigw.routing.state import TaskRecord
from ctigw.routing.terms import Departure, NewTaskFailureReason, QueueKind
from ctigw.routing.turn import Turn

ABANDONED_IN_ROUTER = 35
"""Disposition of a task that no agent had (semantics 3.6)."""
CAUSE_REQUEUE_AT_HEAD = 1
"""CauseCode that asks the application to try again before its other tasks (mr-wire section e)."""


def fail(
    turn: Turn,
    task: TaskRecord,
    reason: NewTaskFailureReason,
    cause_code: int = 0,
    text: str = "",
    disposition: int = ABANDONED_IN_ROUTER,
    departure: Departure = Departure.SCRIPT,
) -> None:
    """Give an accepted task back to its application."""
    leave_queues(turn, task, departure)
    turn.record(TaskFailed(task.id, task.dialogue, reason, cause_code, text))
    turn.record(TaskEnded(task.id, task.mrd.id, None, None, disposition))


def leave_queues(turn: Turn, task: TaskRecord, departure: Departure = Departure.SCRIPT) -> None:
    """Take a task out of every queue."""
    if task.entries:
        turn.record(TaskDequeued(task.id, task.mrd.id, task.entries, departure))


def queue_task(turn: Turn, task: TaskRecord, step: steps.Queue, index: int) -> int | None:
    """Carry out a queue step; returns the index of the step that follows, None when the script stops here.

    Queues of another domain are passed over; where none is left, the step fails and the script goes on.
    """
    found = [turn.state.queue(ref, task.mrd.id) for ref in step.to]
    queues = [queue for queue in found if queue is not None]
    entered = [
        (queue, walk(turn, task, queue, 0) if len(queue.levels) > 1 else 1)
        for queue in queues
        if task.id not in queue.tasks
    ]
    choice = find_agent(turn, entered, task.request.excluded)
    if choice is not None:
        domain, queue, why = choice
        assign(turn, task, domain, queue.ref, why)
        return None
    if entered and not task.entries and is_full(turn, task):
        if step.on_full is not None:
            return step.on_full
        fail(turn, task, NewTaskFailureReason.ROUTER_RELEASED_TASK, CAUSE_REQUEUE_AT_HEAD, "queue is full")
        return None
    moved = [
        queue.entry(step.priority)
        for queue in queues
        if task.id in queue.tasks and queue.tasks[task.id].priority != step.priority
    ]
    if moved:
        turn.record(TaskPriorityChanged(task.id, tuple(moved)))
    if entered:
        _enter(turn, task, entered, step.priority)
    return index + 1


def walk(turn: Turn, task: TaskRecord, queue: WaitingQueue, reached: int) -> int:
    """How far a task comes that leaves the levels `reached` of a queue behind it, 0 when it enters the queue.

    Returns those and the further ones whose agents it may have, one bit for each; it stays on the highest. A level
    whose `consider_if` is false is passed and its agents are not for the task [OURS: else the condition would hold
    nobody back]; one without a wait, or where nobody is signed in and the queue shall not wait for that, is passed with
    its agents, who remain eligible: the pool grows (semantics 5.3).
    """
    levels = queue.levels
    last = len(levels) - 1
    level = reached.bit_length()
    while level < last:
        here = levels[level]
        if here.consider_if is None or holds(turn, task, here.consider_if):
            reached |= 1 << level
            if here.wait_s > 0 and (here.wait_if_no_agents_logged_in or queue.signed_in[level]):
                return reached
        level += 1
    return reached | 1 << last


def stay(turn: Turn, task: TaskRecord, queue: WaitingQueue, reached: int) -> None:
    """Let a task stay on the highest level that it has reached."""
    level = reached.bit_length() - 1
    until = None if level == len(queue.levels) - 1 else turn.now + queue.levels[level].wait_s
    skipped = tuple(number for number in range(1, level + 1) if not reached >> number - 1 & 1)
    turn.record(PrecisionStepReached(task.id, queue.ref, level + 1, until, skipped))


def next_precision_step(turn: Turn, task: TaskRecord, queue: WaitingQueue) -> None:
    """A task's stay on a step is over: more agents may take it now."""
    stay(turn, task, queue, walk(turn, task, queue, queue.tasks[task.id].reached))
    if not task.kept:
        seek_agent(turn, task)


def is_full(turn: Turn, task: TaskRecord) -> bool:
    """Whether one task more may not wait (decisions E4); a domain's limit per call type replaces the router's."""
    state, router = turn.state, turn.state.settings.router
    if state.queued >= router.max_tasks_in_queue:
        return True
    mrd, call_type = task.mrd, task.script.name
    if mrd.max_tasks_in_queue is not None and state.queued_by_mrd[mrd.id] >= mrd.max_tasks_in_queue:
        return True
    if mrd.max_tasks_per_call_type is None:
        return 0 < router.max_tasks_per_call_type <= state.queued_by_call_type[call_type]
    return 0 < mrd.max_tasks_per_call_type <= state.queued_in_domain[mrd.id, call_type]


def _enter(turn: Turn, task: TaskRecord, entered: list[tuple[WaitingQueue, int]], priority: int) -> None:
    """Put a task into queues; the estimated wait time is that of the moment (semantics 5.5)."""
    estimates = [task.estimated_wait_s] + [
        queue.estimated_wait_s(priority, turn.now) for queue, _ in entered if queue.ref.kind is not QueueKind.AGENT
    ]
    known = [estimate for estimate in estimates if estimate is not None]
    entries = tuple(queue.entry(priority) for queue, _ in entered)
    turn.record(TaskQueued(task.id, task.mrd.id, entries, min(known) if known else None))
    for queue, reached in entered:
        if len(queue.levels) > 1:
            stay(turn, task, queue, reached)
