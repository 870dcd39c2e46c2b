"""Tasks of an agent as peers may ask for them.

Knows what a snapshot shows (semantics 3.1) and when one is refused; decides nothing and changes nothing.
"""

from ctigw.routing.admission import signed_in_status, task_status
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.inputs import TaskContext, TaskId
from ctigw.routing.record import record
from ctigw.routing.state import State, TaskRecord
from ctigw.routing.terms import ReportStatus, TaskState


@record
class TaskView:
    """One task that an agent has."""

    task_id: TaskId
    state: TaskState
    context: TaskContext


def tasks_of(
    state: State, application_path: int, mrd_id: int, skill_target_id: int
) -> tuple[ReportStatus, list[TaskView]]:
    """The agent's tasks in a domain, oldest first, those included that are only announced."""
    status = signed_in_status(state, application_path, mrd_id, skill_target_id)
    if status is not ReportStatus.NO_ERROR:
        return status, []
    return status, [_view(task) for task in state.domains[AgentKey(skill_target_id, mrd_id)].tasks.values()]


def task(
    state: State, application_path: int, mrd_id: int, skill_target_id: int, task_id: TaskId
) -> tuple[ReportStatus, TaskView | None]:
    """One task; None with the status that says why not."""
    status = signed_in_status(state, application_path, mrd_id, skill_target_id)
    if status is ReportStatus.NO_ERROR:
        status = task_status(state, task_id, mrd_id, skill_target_id)
    return status, _view(state.tasks[task_id]) if status is ReportStatus.NO_ERROR else None


def _view(task: TaskRecord) -> TaskView:
    return TaskView(task.id, task.state, task.context)
