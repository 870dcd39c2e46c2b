"""Task monitors 201 to 206: who gets which task event, with which MonitorID (decisions C3)."""

import attrs
import pytest
import trio
from trio.testing import MockClock

from ctigw.config.routing import Agent, ApplicationPath, ApplicationPathMember, MediaRoutingDomain, Peripheral
from ctigw.gateway.monitors import TASK_MONITORS_PER_SESSION
from ctigw.wire import Message, cti
from town import ADA, ALL_STATES, CHAT, EMAIL, SETTINGS, Peer, Town, announced, town

CID = 6003
BEGIN_AND_QUEUED = cti.TaskMsgMask.BEGIN_TASK | cti.TaskMsgMask.QUEUED_TASK
EVERYTHING = 0x7FF
NO_PERIPHERAL = 0xFFFFFFFF
TWO_PERIPHERALS = attrs.evolve(
    SETTINGS,
    peripherals=(Peripheral(id=5000), Peripheral(id=6000)),
    application_paths=(
        ApplicationPath(
            id=1,
            members=(
                ApplicationPathMember(peripheral=5000, mrds=(CHAT, EMAIL)),
                ApplicationPathMember(peripheral=6000, mrds=(CHAT, EMAIL)),
            ),
        ),
    ),
    agents=(*SETTINGS.agents, Agent(id="1001", skill_target_id=CID, peripheral=6000, skill_groups=("sales",))),
)
SHORT_LIFE = attrs.evolve(
    SETTINGS,
    media_routing_domains=(
        MediaRoutingDomain(id=CHAT, name="chat", start_timeout_s=5, max_task_duration_s=20),
        SETTINGS.media_routing_domains[1],
    ),
)


async def watcher(place: Town, services: cti.ServiceMask = cti.ServiceMask.TASK_MONITOR) -> Peer:
    return await place.client(services, agent_state_mask=0)


async def start(peer: Peer, mask: int = EVERYTHING, peripheral: int = NO_PERIPHERAL) -> int:
    """Begin a task monitor; its id."""
    await peer.send(cti.TaskMonitorStartReq(7, peripheral, mask))
    (confirmed,) = await peer.received()
    assert isinstance(confirmed, cti.TaskMonitorStartConf), confirmed
    return confirmed.monitor_id


def told(messages: list[Message]) -> list[tuple[str, int]]:
    """Names and MonitorIDs."""
    return [(message.NAME, getattr(message, "monitor_id", -1)) for message in messages]


async def test_a_monitor_gets_what_its_mask_asks_for_with_its_id(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer, application = await watcher(place), await place.application()
        monitor = await start(peer, BEGIN_AND_QUEUED)
        await application.new_task(1)
        assert told(await peer.received()) == [("BEGIN_TASK_EVENT", monitor), ("QUEUED_TASK_EVENT", monitor)]
        desktop = await place.client()
        await desktop.sign_in(ADA)
        assert await peer.names() == []


async def test_a_monitor_of_a_peripheral_gets_tasks_of_its_agents_only(autojump_clock: MockClock) -> None:
    async with town(TWO_PERIPHERALS) as place:
        first, second, every = await watcher(place), await watcher(place), await watcher(place)
        for peer, peripheral in ((first, 5000), (second, 6000), (every, NO_PERIPHERAL)):
            await start(peer, EVERYTHING, peripheral)
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(CID)
        await desktop.received()
        await application.new_task(1)
        task = announced(await desktop.received())
        await desktop.send(cti.OfferTaskInd(9, CHAT, CID, task))
        assert await every.names() == ["BEGIN_TASK_EVENT", "OFFER_TASK_EVENT"]
        assert await second.names() == ["OFFER_TASK_EVENT"]
        assert await first.names() == []


@pytest.mark.parametrize("also", [cti.ServiceMask(0), cti.ServiceMask.ALL_TASK_EVENTS])
async def test_an_event_comes_once_and_by_the_service_or_the_first_monitor(
    autojump_clock: MockClock, also: cti.ServiceMask
) -> None:
    async with town() as place:
        peer = await watcher(place, cti.ServiceMask.TASK_MONITOR | also)
        application = await place.application()
        await start(peer, cti.TaskMsgMask.END_TASK)
        second = await start(peer, cti.TaskMsgMask.BEGIN_TASK)
        await start(peer, cti.TaskMsgMask.BEGIN_TASK)
        await application.new_task(1)
        begun = [entry for entry in told(await peer.received()) if entry[0] == "BEGIN_TASK_EVENT"]
        assert begun == [("BEGIN_TASK_EVENT", 0 if also else second)]


async def test_the_end_of_a_life_is_told_to_monitors_that_ask_for_it(autojump_clock: MockClock) -> None:
    async with town(SHORT_LIFE) as place:
        asks, does_not = await watcher(place), await watcher(place)
        await start(asks, cti.TaskMsgMask.MAX_TASK_LIFETIME_EXCEEDED, 5000)
        await start(does_not, cti.TaskMsgMask.BEGIN_TASK, 5000)
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await desktop.received()
        await application.new_task(1)
        task = announced(await desktop.received())
        await desktop.send(cti.StartTaskInd(9, CHAT, ADA, task))
        await desktop.received()
        await trio.sleep(21)
        assert await asks.names() == ["MAX_TASK_LIFETIME_EXCEEDED_EVENT"]
        assert await does_not.names() == []
        assert (await desktop.names()).count("MAX_TASK_LIFETIME_EXCEEDED_EVENT") == 1


async def test_a_changed_mask_counts_from_then_on(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer, application = await watcher(place), await place.application()
        monitor = await start(peer, cti.TaskMsgMask.END_TASK)
        await peer.send(cti.ChangeTaskMonitorMaskReq(8, monitor, cti.TaskMsgMask.QUEUED_TASK))
        assert await peer.received() == [cti.ChangeTaskMonitorMaskConf(8)]
        await application.new_task(1)
        assert told(await peer.received()) == [("QUEUED_TASK_EVENT", monitor)]


async def test_a_stopped_monitor_is_silent_and_its_id_is_gone(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer, application = await watcher(place), await place.application()
        monitor = await start(peer)
        await peer.send(cti.TaskMonitorStopReq(8, monitor), cti.TaskMonitorStopReq(9, monitor))
        stopped, again = await peer.received()
        assert (stopped, again) == (cti.TaskMonitorStopConf(8), cti.FailureConf(9, 55, 0))
        await application.new_task(1)
        assert await peer.names() == []


@pytest.mark.parametrize(
    ("request_made", "status"),
    [
        (cti.TaskMonitorStartReq(3, 5009, 1), cti.FailureStatus.INVALID_PERIPHERAL_ID),
        (cti.TaskMonitorStartReq(3, 5000, 0x800), cti.FailureStatus.INVALID_TASK_MSG_MASK),
        (cti.ChangeTaskMonitorMaskReq(3, 99, 1), cti.FailureStatus.INVALID_MONITORID),
        (cti.ChangeTaskMonitorMaskReq(3, 1, 0x800), cti.FailureStatus.INVALID_TASK_MSG_MASK),
        (cti.TaskMonitorStopReq(3, 99), cti.FailureStatus.INVALID_MONITORID),
    ],
)
async def test_what_cannot_be_is_refused(autojump_clock: MockClock, request_made: Message, status: int) -> None:
    async with town() as place:
        peer = await watcher(place)
        assert await start(peer) == 1
        await peer.send(request_made)
        assert await peer.received() == [cti.FailureConf(3, status, 0)]


async def test_a_monitor_belongs_to_its_session_and_ends_with_it(autojump_clock: MockClock) -> None:
    async with town() as place:
        owner, other = await watcher(place), await watcher(place)
        monitor = await start(owner)
        await other.send(cti.TaskMonitorStopReq(3, monitor))
        assert await other.received() == [cti.FailureConf(3, cti.FailureStatus.INVALID_MONITORID, 0)]
        await owner.send(cti.CloseReq(4, 0))
        await owner.received()
        assert not place.exchange._audience.wants_task_events()


async def test_one_session_has_a_bounded_number_of_task_monitors(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await watcher(place)
        for _ in range(TASK_MONITORS_PER_SESSION):
            last = await start(peer)
        await peer.send(cti.TaskMonitorStartReq(3, NO_PERIPHERAL, 1))
        assert await peer.received() == [cti.FailureConf(3, cti.FailureStatus.UNSPECIFIED_FAILURE, 0)]
        await peer.send(cti.TaskMonitorStopReq(4, last))
        await peer.received()
        await start(peer)


async def test_without_the_service_a_task_monitor_is_refused(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await place.client(cti.ServiceMask.ALL_EVENTS, agent_state_mask=ALL_STATES)
        await peer.received()
        await peer.send(cti.TaskMonitorStartReq(3, NO_PERIPHERAL, 1))
        assert await peer.received() == [cti.FailureConf(3, cti.FailureStatus.FUNCTION_NOT_AVAILABLE, 0)]
