"""Monitors of agent devices 93 to 98 (decisions C3, C5)."""

import pytest
from trio.testing import MockClock

from ctigw.gateway import monitors
from ctigw.wire import Message, cti
from town import ADA, ALL_STATES, BEN, CHAT, Peer, Town, town

S = cti.ServiceMask
PRE_CALL = cti.CallEventMask.AGENT_PRE_CALL
AGENT_DEVICE = cti.DeviceIdType.AGENT_DEVICE
NONE = 0xFFFF


def request(
    device: str | None = "1001",
    kind: int = AGENT_DEVICE,
    *,
    calls: int = PRE_CALL,
    states: int = ALL_STATES,
    peripheral: int = 5000,
    connection: str | None = None,
) -> cti.MonitorStartReq:
    """A MONITOR_START_REQ with InvokeID 7."""
    message = cti.MonitorStartReq(7, peripheral, 0xFFFFFFFF, calls, states, NONE, kind)
    if device is not None:
        message.floating.append((cti.MonitorStartReq.MONITORED_DEVICE_ID, device))
    if connection is not None:
        message.floating.append((cti.MonitorStartReq.CONNECTION_DEVICE_ID, connection))
    return message


async def start(peer: Peer, message: cti.MonitorStartReq) -> int:
    await peer.send(message)
    (confirmed,) = await peer.received()
    assert isinstance(confirmed, cti.MonitorStartConf), confirmed
    return confirmed.monitor_id


async def watcher(place: Town, services: cti.ServiceMask = S.PERIPHERAL_MONITOR) -> Peer:
    return await place.client(services, agent_state_mask=0)


def told(messages: list[Message]) -> list[tuple[str, int]]:
    """Names and MonitorIDs."""
    return [(message.NAME, getattr(message, "monitor_id", -1)) for message in messages]


@pytest.mark.parametrize("kind", [AGENT_DEVICE, cti.DeviceIdType.DEVICE_IDENTIFIER])
async def test_a_device_monitor_gets_the_events_of_its_agent_by_its_masks(
    autojump_clock: MockClock, kind: cti.DeviceIdType
) -> None:
    async with town() as place:
        peer, desktop = await watcher(place), await place.client(S.AGENT_REPORTING)
        monitor = await start(peer, request(kind=kind, states=cti.AgentStateMask.RESERVED))
        await desktop.sign_in(BEN)
        await desktop.sign_in(ADA)
        application = await place.application()
        await application.new_task(1)
        await application.new_task(2)
        assert told(await peer.received()) == [("AGENT_PRE_CALL_EVENT", monitor), ("AGENT_STATE_EVENT", monitor)]


async def test_a_device_monitor_without_the_bit_gets_no_pre_call(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer, desktop = await watcher(place), await place.client(S.AGENT_REPORTING)
        await start(peer, request(calls=cti.CallEventMask.AGENT_PRE_CALL_ABORT, states=0))
        await desktop.sign_in(ADA)
        application = await place.application()
        await application.new_task(1)
        assert await peer.names() == []


async def test_changed_masks_count_from_then_on_and_a_stopped_monitor_is_silent(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer, desktop = await watcher(place), await place.client(S.AGENT_REPORTING)
        monitor = await start(peer, request(states=0))
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        assert await peer.names() == []
        await peer.send(cti.ChangeMonitorMaskReq(8, monitor, 0, ALL_STATES))
        assert await peer.received() == [cti.ChangeMonitorMaskConf(8)]
        await desktop.send(cti.MakeAgentReadyInd(2, CHAT, ADA, 1))
        assert told(await peer.received()) == [("AGENT_STATE_EVENT", monitor)]
        await peer.send(cti.MonitorStopReq(9, monitor))
        assert await peer.received() == [cti.MonitorStopConf(9)]
        await desktop.send(cti.MediaLogoutInd(3, CHAT, ADA))
        assert await peer.names() == []


async def test_what_comes_by_a_service_does_not_come_by_a_monitor_again(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await place.client(S.PERIPHERAL_MONITOR | S.ALL_EVENTS)
        await peer.received()
        await start(peer, request())
        desktop = await place.client(S.AGENT_REPORTING)
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        assert told(await peer.received()) == [("AGENT_STATE_EVENT", 0)]


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (request(peripheral=5009), cti.FailureStatus.INVALID_PERIPHERAL_ID),
        (request(kind=5), cti.FailureStatus.INVALID_DEVICE_ID_TYPE),
        (request(None, NONE), cti.FailureStatus.INVALID_CALLID),
        (request(connection="1001"), cti.FailureStatus.MUTUALLY_EXCLUS_DEVICEID_TYPES),
        (request(None), cti.FailureStatus.REQUIRED_DATA_MISSING),
        (request(states=0x4000), cti.FailureStatus.INVALID_AGENT_STATE_MASK),
        (request("1009"), cti.FailureStatus.INVALID_DEVICE),
        (request("1001", cti.DeviceIdType.QUEUE), cti.FailureStatus.INVALID_DEVICE),
        (request(), cti.FailureStatus.MONITOR_ALREADY_EXISTS),
        (cti.ChangeMonitorMaskReq(7, 99, 0, 0), cti.FailureStatus.INVALID_MONITORID),
        (cti.ChangeMonitorMaskReq(7, 1, 0, 0x4000), cti.FailureStatus.INVALID_AGENT_STATE_MASK),
        (cti.MonitorStopReq(7, 99), cti.FailureStatus.INVALID_MONITORID),
    ],
)
async def test_what_cannot_be_is_refused(autojump_clock: MockClock, message: Message, status: int) -> None:
    async with town() as place:
        peer = await watcher(place)
        assert await start(peer, request()) == 1
        await peer.send(message)
        assert await peer.received() == [cti.FailureConf(7, status, 0)]


async def test_a_monitor_of_another_kind_is_not_stopped(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await watcher(place, S.PERIPHERAL_MONITOR | S.TASK_MONITOR)
        monitor = await start(peer, request())
        await peer.send(cti.TaskMonitorStopReq(8, monitor))
        assert await peer.received() == [cti.FailureConf(8, cti.FailureStatus.INVALID_MONITORID, 0)]


async def test_all_monitors_of_a_session_together_have_a_bound(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitors, "MONITORS_PER_SESSION", 2)
    async with town() as place:
        peer = await watcher(place, S.PERIPHERAL_MONITOR | S.TASK_MONITOR)
        await peer.send(cti.TaskMonitorStartReq(1, 0xFFFFFFFF, 1))
        await peer.received()
        await start(peer, request())
        await peer.send(request("1002"), cti.TaskMonitorStartReq(9, 0xFFFFFFFF, 1))
        assert await peer.received() == [cti.FailureConf(7, 17, 0), cti.FailureConf(9, 17, 0)]
