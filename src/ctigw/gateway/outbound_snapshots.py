"""Tasks of an agent as messages 256 to 258, 262 and 263.

Knows the layouts and how many tasks one message holds; must not know who asked. Rules: arm.toml, decisions A2.
"""

from collections.abc import Sequence

from ctigw.gateway.variables import call_variables_to_cti, ecc_variables_to_cti
from ctigw.routing import inputs
from ctigw.routing.events import AgentTasksTold
from ctigw.routing.inputs import TaskContext
from ctigw.routing.snapshots import TaskView
from ctigw.routing.terms import ReportStatus
from ctigw.wire import FloatValue, Message, TaskId, cti
from ctigw.wire.values import NULL_USHORT

Floats = list[tuple[int, FloatValue]]

MOST_LISTED = 700
"""Task ids in one message: 16 bytes each, and a message has at most 12,492 (decisions A2)."""


def _task_list(tasks: Sequence[inputs.TaskId]) -> Floats:
    return [(cti.AgentTasksEvent.FLT_TASK_ID, TaskId(*task_id)) for task_id in tasks]


def tasks_answer(event: AgentTasksTold) -> Message:
    """AGENT_TASKS_RESP; what one message cannot hold is left out, and status 34 says so. [OURS]"""
    listed = event.tasks[:MOST_LISTED]
    status = event.status if len(listed) == len(event.tasks) else ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    return cti.AgentTasksResp(
        event.origin.invoke_id, status, event.mrd_id, event.skill_target_id, len(listed), _task_list(listed)
    )


def task_lists(mrd_id: int, skill_target_id: int, tasks: Sequence[inputs.TaskId]) -> list[Message]:
    """AGENT_TASKS_EVENT, as many as the list needs, one when it is empty."""
    parts = [tasks[at : at + MOST_LISTED] for at in range(0, max(1, len(tasks)), MOST_LISTED)]
    return [cti.AgentTasksEvent(mrd_id, skill_target_id, len(part), _task_list(part)) for part in parts]


def _snapshot_floats(context: TaskContext) -> tuple[int, int, Floats]:
    """NumNamedVariables, NumNamedArrays and everything that a task carries."""
    named, arrays, ecc = ecc_variables_to_cti(context.variables)
    floating: Floats = []
    if context.script_selector:
        floating.append((cti.SnapshotTaskEvent.SCRIPT_SELECTOR, context.script_selector))
    if context.application_string1 is not None:
        floating.append((cti.SnapshotTaskEvent.APPLICATION_STRING1, context.application_string1))
    if context.application_string2 is not None:
        floating.append((cti.SnapshotTaskEvent.APPLICATION_STRING2, context.application_string2))
    return named, arrays, floating + call_variables_to_cti(context.variables) + ecc


def task_snapshot(invoke_id: int, status: int, asked: TaskId, task: TaskView | None) -> Message:
    """SNAPSHOT_TASK_RESP; without a task the status says why, and there is no state."""
    if task is None:
        return cti.SnapshotTaskResp(invoke_id, status, asked, NULL_USHORT, 0, 0)
    return cti.SnapshotTaskResp(invoke_id, status, asked, task.state, *_snapshot_floats(task.context))


def task_told(mrd_id: int, skill_target_id: int, task: TaskView) -> Message:
    """SNAPSHOT_TASK_EVENT."""
    task_id = TaskId(*task.task_id)
    return cti.SnapshotTaskEvent(mrd_id, skill_target_id, task_id, task.state, *_snapshot_floats(task.context))
