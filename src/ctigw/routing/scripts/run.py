"""Carrying out a script for a task, up to its next wait or its answer.

Knows what each step does to a task (decisions E4 and H, semantics 5.3 to 5.5); must not know how steps are written.
Compilation has made sure that every way through a script comes to a wait, an answer or the end.
"""

from collections.abc import Callable

from ctigw.routing.events import (
    LabelChosen,
    RunScriptRequested,
    TaskDataUpdated,
    TaskEnded,
)
from ctigw.routing.facts import ScriptMoved, TaskPriorityChanged
from ctigw.routing.inputs import Variable
from ctigw.routing.scripts import steps
from ctigw.routing.scripts.conditions import holds
from ctigw.routing.scripts.pick_pull import PICK_AND_PULL, Refusal, pick_pull, refuse
from ctigw.routing.scripts.preferred import preferred_agent
from ctigw.routing.scripts.queueing import fail, leave_queues, queue_task
from ctigw.routing.scripts.variables import with_variable
from ctigw.routing.state import PLAIN_REQUEST, TaskRecord
from ctigw.routing.terms import (
    NewTaskFailureReason,
)
from ctigw.routing.turn import Turn

ROUTING_COMPLETE = 43
"""Disposition of a task that was answered by a label (semantics 3.6)."""
REPORT_ANSWER_S = 10.0
"""How long a script waits for RUN_SCRIPT_RESULT; the application answers at once or not at all (mr-wire section g)."""

_DONE = None
"""What a step returns when the script stops here; else the index of the step that follows."""


def run_script(turn: Turn, task: TaskRecord, step: int) -> None:
    """Carry out the task's script from `step` on.

    A task that an agent takes himself seeks none: it fails where it comes to a queue (semantics 9.1, reason 221).
    """
    following: int | None = step
    picked = task.request is not PLAIN_REQUEST and task.request.service in PICK_AND_PULL
    while following is not _DONE:
        if following >= len(task.script.steps):
            _end_of_script(turn, task)
            return
        current = task.script.steps[following]
        if picked and isinstance(current, steps.Queue | steps.PreferredAgent):
            refuse(turn, task, Refusal.NO_PICK_PULL_NODE)
            return
        following = _STEPS[type(current)](turn, task, current, following)


def _end_of_script(turn: Turn, task: TaskRecord) -> None:
    """A task that stands in a queue stays there; another one has found no target (decisions E4)."""
    if task.request.service in PICK_AND_PULL:
        refuse(turn, task, Refusal.NO_PICK_PULL_NODE)
    elif not task.entries:
        fail(turn, task, NewTaskFailureReason.NO_TARGET)
    elif task.resume_at is not None:
        turn.record(ScriptMoved(task.id, len(task.script.steps), None))


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
    moved = tuple(queue.entry(step.value) for queue in queues if queue.tasks[task.id].priority != step.value)
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
    steps.Queue: queue_task,
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
    steps.PickPull: pick_pull,
    steps.PreferredAgent: preferred_agent,
}
