"""Questions about an agent's tasks: one task, or all of them as events.

Knows SNAPSHOT_TASK_REQ and AGENT_TASKS_REQUEST_EVENT (arm.toml 257, 258, 262 to 266; versions 20 and later). Must not
know sessions. Only GET_AGENT_TASKS_REQ also says that a client is back (cti-notes): that one is an input of the engine.
"""

from collections.abc import Iterator

from ctigw.gateway import outbound_snapshots
from ctigw.gateway.audience import CtiClient
from ctigw.gateway.requests.desk import Desk, Handler, Letter
from ctigw.routing import inputs
from ctigw.routing.terms import ReportStatus
from ctigw.wire import Message, cti
from ctigw.wire.values import NULL_INT

FIRST_SNAPSHOT_VERSION = 20
"""Messages 255 to 266 exist from this version on (arm.toml)."""


def snapshot_task(desk: Desk, client: CtiClient, message: cti.SnapshotTaskReq, now: float) -> Iterator[Letter]:
    """SNAPSHOT_TASK_REQ."""
    task_id = inputs.TaskId(*message.task_id)
    status, task = desk.engine.agent_task(client.application_path, message.mrd_id, message.icm_agent_id, task_id)
    yield Letter(client, outbound_snapshots.task_snapshot(message.invoke_id, status, message.task_id, task))


def tell_tasks(desk: Desk, client: CtiClient, message: cti.AgentTasksRequestEvent, now: float) -> Iterator[Letter]:
    """AGENT_TASKS_REQUEST_EVENT: for each domain its list and each of its tasks, then the end with the status.

    MRDID -1: every domain of the path that the agent is signed in to; one that he is not signed in to is no failure
    then. A failure is told by the end alone. [OURS]
    """
    agent = message.icm_agent_id
    every = message.mrd_id == NULL_INT
    mrds = list(desk.directory.mrds) if every else [message.mrd_id]
    found = {mrd: desk.engine.agent_tasks(client.application_path, mrd, agent) for mrd in mrds}
    told = {mrd: tasks for mrd, (status, tasks) in found.items() if status is ReportStatus.NO_ERROR}
    for mrd, tasks in told.items():
        for part in outbound_snapshots.task_lists(mrd, agent, [task.task_id for task in tasks]):
            yield Letter(client, part)
        for task in tasks:
            yield Letter(client, outbound_snapshots.task_told(mrd, agent, task))
    # Not signed in (6) says more than that some domains are another path's (27): the lower number it is.
    status = min((status for status, _ in found.values()), default=ReportStatus.MRD_LIST_ENTRY_NOT_FOUND)
    yield Letter(client, cti.AgentTasksEndEvent(message.mrd_id, agent, status))
    if told and message.desktop_connected_flag:
        yield from _desktop_connected(desk, client, agent, list(told))


def _desktop_connected(desk: Desk, client: CtiClient, agent: int, mrds: list[int]) -> Iterator[Letter]:
    """DESKTOP_CONNECTED_IND to the other clients of the path, those whose version has it."""
    message: Message = cti.DesktopConnectedInd(
        agent,
        [(cti.DesktopConnectedInd.NUM_MRDS, len(mrds)), (cti.DesktopConnectedInd.FLT_AGENT_MRD_ID, mrds)],
    )
    for other, _ in desk.audience.of_path(client.application_path):
        if other is not client and other.version >= FIRST_SNAPSHOT_VERSION:
            yield Letter(other, message)


HANDLERS: dict[type[Message], Handler] = {
    cti.SnapshotTaskReq: snapshot_task,
    cti.AgentTasksRequestEvent: tell_tasks,
}
