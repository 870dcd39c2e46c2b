"""Carrying out a script for a task, up to its next wait or its answer.

Knows what each step does to a task (decisions E4 and H, semantics 5.3 to 5.5); must not know how steps are written.
Compilation has made sure that every way through a script comes to a wait, an answer or the end.
"""

from collections.abc import Callable

from ctigw.routing.events import (
    LabelChosen,
    RunScriptRequested,
    TaskDataUpdated,
    TaskDequeued,
    TaskEnded,
    TaskFailed,
    TaskQueued,
)
from ctigw.routing.facts import PrecisionStepReached, ScriptMoved, TaskPriorityChanged
from ctigw.routing.inputs import Variable
from ctigw.routing.queues import WaitingQueue
from ctigw.routing.scripts import steps
from ctigw.routing.scripts.conditions import holds
from ctigw.routing.scripts.variables import with_variable
from ctigw.routing.selection import assign, find_agent, seek_agent
from ctigw.routing.state import TaskRecord
from ctigw.routing.terms import (
    NewTaskFailureReason,
    QueueKind,
)
from ctigw.routing.turn import Turn

ABANDONED_IN_ROUTER = 35
ROUTING_COMPLETE = 43
"""Dispositions of tasks that no agent had (semantics 3.6)."""
CAUSE_REQUEUE_AT_HEAD = 1
"""CauseCode that asks the application to try again before its other tasks (mr-wire section e)."""
REPORT_ANSWER_S = 10.0
"""How long a script waits for RUN_SCRIPT_RESULT; the application answers at once or not at all (mr-wire section g)."""

_DONE = None
"""What a step returns when the script stops here; else the index of the step that follows."""


def run_script(turn: Turn, task: TaskRecord, step: int) -> None:
    """Carry out the task's script from `step` on."""
    following: int | None = step
    while following is not _DONE:
        if following >= len(task.script.steps):
            _end_of_script(turn, task)
            return
        current = task.script.steps[following]
        following = _STEPS[type(current)](turn, task, current, following)


def fail(turn: Turn, task: TaskRecord, reason: NewTaskFailureReason, cause_code: int = 0, text: str = "") -> None:
    """Give an accepted task back to its application."""
    leave_queues(turn, task)
    turn.record(TaskFailed(task.id, task.dialogue, reason, cause_code, text))
    turn.record(TaskEnded(task.id, task.mrd.id, None, None, ABANDONED_IN_ROUTER))


def leave_queues(turn: Turn, task: TaskRecord) -> None:
    """Take a task out of every queue."""
    if task.entries:
        turn.record(TaskDequeued(task.id, task.mrd.id, task.entries))


def enter_step(turn: Turn, task: TaskRecord, queue: WaitingQueue, level: int) -> None:
    """Let a task stay on a step of a precision queue, passing those without a wait (semantics 5.3)."""
    level = queue.reach(level)
    last = level == len(queue.step_waits) - 1
    until = None if last else turn.now + queue.step_waits[level]
    turn.record(PrecisionStepReached(task.id, queue.ref, level + 1, until))


def next_precision_step(turn: Turn, task: TaskRecord, queue: WaitingQueue) -> None:
    """A task's stay on a step is over: more agents may take it now."""
    enter_step(turn, task, queue, queue.tasks[task.id].level + 1)
    if not task.kept:
        seek_agent(turn, task)


def _end_of_script(turn: Turn, task: TaskRecord) -> None:
    """A task that stands in a queue stays there; another one has found no target (decisions E4)."""
    if not task.entries:
        fail(turn, task, NewTaskFailureReason.NO_TARGET)
    elif task.resume_at is not None:
        turn.record(ScriptMoved(task.id, len(task.script.steps), None))


def _queue(turn: Turn, task: TaskRecord, step: steps.Queue, index: int) -> int | None:
    """Queues of another domain are passed over; where none is left, the step fails and the script goes on."""
    found = [turn.state.queue(ref, task.mrd.id) for ref in step.to]
    queues = [queue for queue in found if queue is not None]
    entered = [queue for queue in queues if task.id not in queue.tasks]
    choice = find_agent(turn, ((queue, queue.reach()) for queue in entered))
    if choice is not None:
        assign(turn, task, *choice)
        return _DONE
    if entered and not task.entries and _full(turn, task):
        if step.on_full is not None:
            return step.on_full
        fail(turn, task, NewTaskFailureReason.ROUTER_RELEASED_TASK, CAUSE_REQUEUE_AT_HEAD, "queue is full")
        return _DONE
    moved = [
        queue.entries[step.priority]
        for queue in queues
        if task.id in queue.tasks and queue.tasks[task.id].priority != step.priority
    ]
    if moved:
        turn.record(TaskPriorityChanged(task.id, tuple(moved)))
    if entered:
        _enter(turn, task, entered, step.priority)
    return index + 1


def _enter(turn: Turn, task: TaskRecord, queues: list[WaitingQueue], priority: int) -> None:
    """Put a task into queues; the estimated wait time is that of the moment (semantics 5.5)."""
    estimates = [task.estimated_wait_s] + [
        queue.estimated_wait_s(priority, turn.now) for queue in queues if queue.ref.kind is not QueueKind.AGENT
    ]
    known = [estimate for estimate in estimates if estimate is not None]
    entries = tuple(queue.entries[priority] for queue in queues)
    turn.record(TaskQueued(task.id, task.mrd.id, entries, min(known) if known else None))
    for queue in queues:
        if queue.ref.kind is QueueKind.PRECISION_QUEUE and len(queue.step_waits) > 1:
            enter_step(turn, task, queue, 0)


def _full(turn: Turn, task: TaskRecord) -> bool:
    """Whether one task more may not wait (decisions E4)."""
    state, router = turn.state, turn.state.settings.router
    if state.queued >= router.max_tasks_in_queue:
        return True
    if 0 < router.max_tasks_per_call_type <= state.queued_by_call_type[task.script.name]:
        return True
    own = task.mrd.max_tasks_in_queue
    return own is not None and state.queued_by_mrd[task.mrd.id] >= own


def _wait(turn: Turn, task: TaskRecord, step: steps.Wait, index: int) -> int | None:
    turn.record(ScriptMoved(task.id, index + 1, turn.now + step.seconds))
    return _DONE


def _report_wait(turn: Turn, task: TaskRecord, step: steps.ReportWait, index: int) -> int | None:
    turn.record(ScriptMoved(task.id, index + 1, turn.now + REPORT_ANSWER_S))
    turn.record(
        RunScriptRequested(
            task_id=task.id,
            dialogue=task.dialogue,
            invoke_id=task.reports + 1,
            estimated_wait_time_s=task.estimated_wait_s,
            context=task.context,
            variables=task.context.variables,
        )
    )
    return _DONE


def _priority(turn: Turn, task: TaskRecord, step: steps.Priority, index: int) -> int | None:
    queues = [turn.state.queues[entry.queue.label, task.mrd.id] for entry in task.entries]
    moved = tuple(queue.entries[step.value] for queue in queues if queue.tasks[task.id].priority != step.value)
    if moved:
        turn.record(TaskPriorityChanged(task.id, moved))
    return index + 1


def _cancel_queue(turn: Turn, task: TaskRecord, step: steps.CancelQueue, index: int) -> int | None:
    leave_queues(turn, task)
    return index + 1


def _set(turn: Turn, task: TaskRecord, step: steps.Set, index: int) -> int | None:
    context = with_variable(task.context, (Variable(step.variable, None, step.value),))
    if context is not None:  # a task that is full already keeps what it has
        turn.record(TaskDataUpdated(task.id, task.mrd.id, context))
    return index + 1


def _label(turn: Turn, task: TaskRecord, step: steps.Label, index: int) -> int | None:
    leave_queues(turn, task)
    turn.record(LabelChosen(task.id, task.dialogue, task.mrd.id, step.value, task.context))
    turn.record(TaskEnded(task.id, task.mrd.id, None, None, ROUTING_COMPLETE))
    return _DONE


def _release(turn: Turn, task: TaskRecord, step: steps.Release, index: int) -> int | None:
    fail(turn, task, NewTaskFailureReason.ROUTER_RELEASED_TASK, step.cause)
    return _DONE


def _if(turn: Turn, task: TaskRecord, step: steps.If, index: int) -> int | None:
    return step.goto if holds(turn, task, step.when) else index + 1


def _branch_mrd(turn: Turn, task: TaskRecord, step: steps.BranchMrd, index: int) -> int | None:
    otherwise = index + 1 if step.otherwise is None else step.otherwise
    return step.cases.get(task.mrd.id, otherwise)


def _schedule(turn: Turn, task: TaskRecord, step: steps.Schedule, index: int) -> int | None:
    return step.goto if step.open.hold(*step.zone.local_time(turn.now)) else index + 1


_STEPS: dict[type[steps.Step], Callable[..., int | None]] = {
    steps.Queue: _queue,
    steps.Wait: _wait,
    steps.ReportWait: _report_wait,
    steps.Priority: _priority,
    steps.CancelQueue: _cancel_queue,
    steps.Set: _set,
    steps.Label: _label,
    steps.Release: _release,
    steps.If: _if,
    steps.BranchMrd: _branch_mrd,
    steps.Schedule: _schedule,
}
