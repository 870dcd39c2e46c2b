"""Monitors of tasks: begin, change, end.

Knows the requests and their refusals; who gets what by a monitor is the audience's business. Rules: arm.toml 201 to
206, decisions C3.
"""

from collections.abc import Iterator

from ctigw.gateway.audience import CtiClient
from ctigw.gateway.monitors import TaskWatch
from ctigw.gateway.requests.desk import Desk, Handler, Letter, every_bit, refusal
from ctigw.wire import Message, cti
from ctigw.wire.values import NULL_UINT

_EVERY_EVENT = every_bit(cti.TaskMsgMask)


def start(desk: Desk, client: CtiClient, message: cti.TaskMonitorStartReq, now: float) -> Iterator[Letter]:
    """TASK_MONITOR_START_REQ; PeripheralID NULL: tasks of all peripherals, and those that no peripheral has yet."""
    monitors = desk.audience.monitors
    peripheral = None if message.peripheral_id == NULL_UINT else message.peripheral_id
    if peripheral is not None and peripheral not in desk.directory.peripherals:
        yield refusal(client, message, cti.FailureStatus.INVALID_PERIPHERAL_ID)
    elif message.task_msg_mask & ~_EVERY_EVENT:
        yield refusal(client, message, cti.FailureStatus.INVALID_TASK_MSG_MASK)
    elif not monitors.has_room(client, TaskWatch):
        yield refusal(client, message, cti.FailureStatus.UNSPECIFIED_FAILURE)
    else:
        monitor = monitors.start(client, TaskWatch(peripheral, message.task_msg_mask))
        yield Letter(client, cti.TaskMonitorStartConf(message.invoke_id, monitor.id))


def change(desk: Desk, client: CtiClient, message: cti.ChangeTaskMonitorMaskReq, now: float) -> Iterator[Letter]:
    """CHANGE_TASK_MONITOR_MASK_REQ."""
    found = desk.audience.monitors.find(client, message.monitor_id, TaskWatch)
    if found is None:
        yield refusal(client, message, cti.FailureStatus.INVALID_MONITORID)
    elif message.task_msg_mask & ~_EVERY_EVENT:
        yield refusal(client, message, cti.FailureStatus.INVALID_TASK_MSG_MASK)
    else:
        found[1].mask = message.task_msg_mask
        yield Letter(client, cti.ChangeTaskMonitorMaskConf(message.invoke_id))


def stop(desk: Desk, client: CtiClient, message: cti.TaskMonitorStopReq, now: float) -> Iterator[Letter]:
    """TASK_MONITOR_STOP_REQ."""
    found = desk.audience.monitors.find(client, message.monitor_id, TaskWatch)
    if found is None:
        yield refusal(client, message, cti.FailureStatus.INVALID_MONITORID)
    else:
        desk.audience.monitors.stop(found[0])
        yield Letter(client, cti.TaskMonitorStopConf(message.invoke_id))


HANDLERS: dict[type[Message], Handler] = {
    cti.TaskMonitorStartReq: start,
    cti.ChangeTaskMonitorMaskReq: change,
    cti.TaskMonitorStopReq: stop,
}
