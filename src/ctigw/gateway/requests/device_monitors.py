"""Monitors of agent devices: begin, change, end. There are no calls, so there is no monitor of one.

Knows the requests and their refusals; who gets what by a monitor is the audience's business. A device is an agent's
device and is named by the agent's number, whether as agent device or as plain device identifier (decisions C5:
instrument and extension are the agent id); no other kind of device exists here. Rules: cti.toml 93 to 98, decisions C3.
"""

from collections.abc import Iterator

from ctigw.gateway.audience import CtiClient
from ctigw.gateway.monitors import DeviceWatch
from ctigw.gateway.requests.desk import Desk, Handler, Letter, every_bit, refusal
from ctigw.wire import Message, cti

_DEVICE_TYPES = frozenset(cti.DeviceIdType)
_AGENT_DEVICES = (cti.DeviceIdType.AGENT_DEVICE, cti.DeviceIdType.DEVICE_IDENTIFIER)
_EVERY_STATE = every_bit(cti.AgentStateMask)


def start(desk: Desk, client: CtiClient, message: cti.MonitorStartReq, now: float) -> Iterator[Letter]:
    """MONITOR_START_REQ; one monitor of an agent's device for each session."""
    problem = _problem(desk, message)
    agent = desk.directory.agent_by_number(message.peripheral_id, message.monitored_device_id or "")
    monitors = desk.audience.monitors
    if problem is not None or agent is None:
        yield refusal(client, message, problem or cti.FailureStatus.INVALID_DEVICE)
    elif any(watch.skill_target_id == agent.skill_target_id for watch in monitors.of_owner(client, DeviceWatch)):
        yield refusal(client, message, cti.FailureStatus.MONITOR_ALREADY_EXISTS)
    elif not monitors.has_room(client, DeviceWatch):
        yield refusal(client, message, cti.FailureStatus.UNSPECIFIED_FAILURE)
    else:
        watch = DeviceWatch(agent.skill_target_id, message.call_msg_mask, message.agent_state_mask)
        yield Letter(client, cti.MonitorStartConf(message.invoke_id, monitors.start(client, watch).id))


def _problem(desk: Desk, message: cti.MonitorStartReq) -> cti.FailureStatus | None:
    """What is wrong with a request, whichever device it names."""
    kind = message.monitored_device_type
    if message.peripheral_id not in desk.directory.peripherals:
        return cti.FailureStatus.INVALID_PERIPHERAL_ID
    if kind not in _DEVICE_TYPES:
        return cti.FailureStatus.INVALID_DEVICE_ID_TYPE
    if kind == cti.DeviceIdType.NONE:
        return cti.FailureStatus.INVALID_CALLID
    if message.connection_device_id:
        return cti.FailureStatus.MUTUALLY_EXCLUS_DEVICEID_TYPES
    if not message.monitored_device_id:
        return cti.FailureStatus.REQUIRED_DATA_MISSING
    if message.agent_state_mask & ~_EVERY_STATE:
        return cti.FailureStatus.INVALID_AGENT_STATE_MASK
    return None if kind in _AGENT_DEVICES else cti.FailureStatus.INVALID_DEVICE


def change(desk: Desk, client: CtiClient, message: cti.ChangeMonitorMaskReq, now: float) -> Iterator[Letter]:
    """CHANGE_MONITOR_MASK_REQ."""
    found = desk.audience.monitors.find(client, message.monitor_id, DeviceWatch)
    if found is None:
        yield refusal(client, message, cti.FailureStatus.INVALID_MONITORID)
    elif message.agent_state_mask & ~_EVERY_STATE:
        yield refusal(client, message, cti.FailureStatus.INVALID_AGENT_STATE_MASK)
    else:
        found[1].call_mask, found[1].agent_state_mask = message.call_msg_mask, message.agent_state_mask
        yield Letter(client, cti.ChangeMonitorMaskConf(message.invoke_id))


def stop(desk: Desk, client: CtiClient, message: cti.MonitorStopReq, now: float) -> Iterator[Letter]:
    """MONITOR_STOP_REQ."""
    found = desk.audience.monitors.find(client, message.monitor_id, DeviceWatch)
    if found is None:
        yield refusal(client, message, cti.FailureStatus.INVALID_MONITORID)
    else:
        desk.audience.monitors.stop(found[0])
        yield Letter(client, cti.MonitorStopConf(message.invoke_id))


HANDLERS: dict[type[Message], Handler] = {
    cti.MonitorStartReq: start,
    cti.ChangeMonitorMaskReq: change,
    cti.MonitorStopReq: stop,
}
