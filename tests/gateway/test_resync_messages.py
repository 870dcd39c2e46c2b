"""Replays and snapshots as messages: who gets what, in which order (arm.toml 181 to 186, 209, 255 to 266)."""

from typing import Any

import attrs
import pytest
from trio.testing import MockClock

from ctigw.config.routing import ApplicationPath, ApplicationPathMember, Peripheral
from ctigw.wire import FloatValue, Message, NamedVariable, TaskId, cti, cti_codec, mr
from town import ADA, ARM_AND_ALL, BEN, CHAT, EMAIL, SETTINGS, Peer, Town, town

NULL, NULL_STATE = 0xFFFFFFFF, 0xFFFF
ARM = cti.ServiceMask.AGENT_REPORTING
NO_TASK = TaskId(-1, -1, -1)
TOLD = TaskId(155_550, 900, 1)
NOT_ACTIVE = cti.AgentState.NOT_ACTIVE
VARIABLES: list[tuple[int, FloatValue]] = [(13, "one"), (82, NamedVariable("user.tier", "gold"))]


async def begin(place: Town, services: cti.ServiceMask = ARM) -> Peer:
    """A client that has begun its replay with Ada."""
    desktop = await place.client(services)
    await desktop.send(cti.BeginAgentInitInd(1), cti.AgentInitReq(2, CHAT, ADA, NOT_ACTIVE, 0, 3, 0))
    assert (await desktop.received())[0] == cti.AgentInitResp(2, 0)
    return desktop


async def test_server_is_ready_for_the_replay_after_open_conf_once_for_each_peripheral(
    autojump_clock: MockClock,
) -> None:
    members = tuple(ApplicationPathMember(peripheral, (CHAT,)) for peripheral in (5000, 5001))
    settings = attrs.evolve(
        SETTINGS,
        peripherals=(Peripheral(5000), Peripheral(5001), Peripheral(5002)),
        application_paths=(ApplicationPath(1, (*members, ApplicationPathMember(5000, (EMAIL,)))),),
    )
    async with town(settings) as place:
        watcher = await place.client(cti.ServiceMask.ALL_EVENTS)
        before = await place.client(ARM)
        peer = place.connect(cti_codec(25))
        given: list[tuple[int, FloatValue]] = [(1, "desktop"), (2, b"secret"), (97, 1)]
        await peer.send(cti.OpenReq(1, 25, NULL, 5000, ARM_AND_ALL, 0, 0x3FFF, 0, 0, 0, 0, given))
        told = await peer.received()
        assert [message.NAME for message in told] == ["OPEN_CONF", "SYSTEM_EVENT"] + ["AGENT_INIT_READY_EVENT"] * 2
        assert told[2:] == [cti.AgentInitReadyEvent(5000), cti.AgentInitReadyEvent(5001)]
        assert await before.names() == []
        assert await watcher.names() == []


async def test_replayed_tasks_are_answered_taken_in_and_told_to_watchers(autojump_clock: MockClock) -> None:
    async with town() as place:
        watcher = await place.client(cti.ServiceMask.ALL_TASK_EVENTS)
        desktop = await begin(place)
        await desktop.send(
            cti.TaskInitInd(3, CHAT, ADA, TOLD, cti.TaskState.PAUSED, 5101, NULL, NULL, VARIABLES[:1]),
            cti.TaskInitReq(4, CHAT, ADA, cti.TaskState.OFFERED, 0, 0, 0, 1, 0, VARIABLES),
            cti.TaskInitReq(5, CHAT, ADA, cti.TaskState.PRE_CALL, 0, 0, 0, 0, 0),
            cti.EndAgentInitInd(6),
            cti.EndAgentInitInd(7),
        )
        answers = await desktop.received()
        answer = answers[0]
        assert isinstance(answer, cti.TaskInitResp)
        assert (answer.status, answer.task_id.key) == (0, 901)
        new = answer.task_id
        assert answers[1:] == [cti.TaskInitResp(5, 19, NO_TASK), cti.FailureResp(7, 19)]
        seen: list[Any] = list(await watcher.received())
        assert [(message.NAME, message.task_id) for message in seen] == [
            ("BEGIN_TASK_EVENT", TOLD),
            ("START_TASK_EVENT", TOLD),
            ("PAUSE_TASK_EVENT", TOLD),
            ("BEGIN_TASK_EVENT", new),
            ("OFFER_TASK_EVENT", new),
        ]


async def test_task_that_is_not_told_is_ended_for_everybody(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await begin(place, ARM_AND_ALL)
        await desktop.send(cti.StartApplicationTaskReq(3, CHAT, ADA, 0, 0, 0, 0))
        await desktop.received()
        await desktop.send(cti.BeginAgentInitInd(4), cti.EndAgentInitInd(5))
        told = await desktop.received()
        assert [message.NAME for message in told] == ["END_TASK_EVENT", "AGENT_STATE_EVENT"]
        assert isinstance(told[0], cti.EndTaskEvent)
        assert told[0].icm_disposition == 51


async def test_replay_outside_of_one_is_refused_in_the_way_of_its_kind(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client(ARM)
        await desktop.send(
            cti.AgentInitReq(2, CHAT, ADA, NOT_ACTIVE, 1, 1, 0),
            cti.TaskInitInd(3, CHAT, ADA, TOLD, 1, 0, 0, 0),
            cti.TaskInitReq(4, CHAT, ADA, 1, 0, 0, 0, 0, 0),
            cti.EndAgentInitInd(5),
        )
        assert await desktop.received() == [
            cti.AgentInitResp(2, 19),
            cti.FailureResp(3, 19),
            cti.TaskInitResp(4, 19, NO_TASK),
            cti.FailureResp(5, 19),
        ]


@pytest.mark.parametrize(("version", "mode"), [(16, 1), (19, 0)])
async def test_mode_told_is_read_in_the_way_of_the_version(autojump_clock: MockClock, version: int, mode: int) -> None:
    async with town() as place:
        desktop = await place.client(version=version)
        await desktop.send(cti.BeginAgentInitInd(1), cti.AgentInitReq(2, CHAT, ADA, NOT_ACTIVE, mode, 3, 0))
        state = (await desktop.received())[-1]
        assert isinstance(state, cti.AgentStateEvent)
        assert (state.agent_mode, state.agent_availability_status) == (mode, 2)  # the application's


# Snapshots.


async def two_tasks(place: Town, desktop: Peer) -> list[TaskId]:
    """Ada has a routed task, announced, and is not routable any more."""
    application = await place.application()
    await desktop.sign_in(ADA, limit=3)
    await application.new_task(1, (mr.NewTask.APPLICATION_STRING1, "caller"), (mr.NewTask.CALL_VARIABLE1, "one"))
    await application.new_task(2)
    answers = await application.received()
    await desktop.received()
    return [message.icm_task_id for message in answers if isinstance(message, mr.DoThisWithTask)]


async def test_tasks_of_an_agent_are_listed(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        ids = await two_tasks(place, desktop)
        await desktop.send(
            cti.GetAgentTasksReq(7, CHAT, ADA),
            cti.GetAgentTasksReq(8, CHAT, 4711),
            cti.GetAgentTasksReq(9, 4711, ADA),
            cti.GetAgentTasksReq(10, CHAT, BEN),
        )
        assert await desktop.received() == [
            cti.AgentTasksResp(7, 0, CHAT, ADA, 2, [(258, ids[0]), (258, ids[1])]),
            cti.AgentTasksResp(8, 2, CHAT, 4711, 0),
            cti.AgentTasksResp(9, 3, 4711, ADA, 0),
            cti.AgentTasksResp(10, 6, CHAT, BEN, 0),
        ]


async def test_snapshot_shows_state_and_context_of_a_task(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        ids = await two_tasks(place, desktop)
        await desktop.send(cti.StartTaskInd(3, CHAT, ADA, ids[1]), cti.SnapshotTaskReq(7, CHAT, ADA, ids[0]))
        context: list[tuple[int, FloatValue]] = [(99, "chat"), (100, "caller"), (13, "one")]
        snapshot = (await desktop.received())[-1]
        assert snapshot == cti.SnapshotTaskResp(7, 0, ids[0], cti.TaskState.PRE_CALL, 0, 0, context)
        await desktop.send(cti.SnapshotTaskReq(8, CHAT, ADA, ids[1]))
        assert await desktop.received() == [
            cti.SnapshotTaskResp(8, 0, ids[1], cti.TaskState.ACTIVE, 0, 0, [(99, "chat")])
        ]


async def test_snapshot_of_an_application_task_names_no_selector(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await begin(place)
        await desktop.send(cti.TaskInitReq(3, CHAT, ADA, cti.TaskState.ACTIVE, 0, 0, 0, 1, 0, VARIABLES))
        answer = (await desktop.received())[0]
        assert isinstance(answer, cti.TaskInitResp)
        await desktop.send(cti.SnapshotTaskReq(4, CHAT, ADA, answer.task_id))
        assert await desktop.received() == [
            cti.SnapshotTaskResp(4, 0, answer.task_id, cti.TaskState.ACTIVE, 1, 0, VARIABLES)
        ]


async def test_snapshot_is_refused_with_the_status_of_the_fault(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        task, _ = await two_tasks(place, desktop)
        await desktop.sign_in(BEN)
        await desktop.sign_in(ADA, EMAIL)
        await desktop.received()
        wrong = [
            (CHAT, 4711, task, 2),
            (4711, ADA, task, 3),
            (EMAIL, BEN, task, 6),
            (CHAT, ADA, NO_TASK, 18),
            (EMAIL, ADA, task, 20),
            (CHAT, BEN, task, 22),
        ]
        for mrd, agent, named, _ in wrong:
            await desktop.send(cti.SnapshotTaskReq(7, mrd, agent, named))
        assert await desktop.received() == [
            cti.SnapshotTaskResp(7, status, named, NULL_STATE, 0, 0) for _, _, named, status in wrong
        ]


async def test_tasks_are_told_domain_by_domain_each_list_before_its_tasks(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        ids = await two_tasks(place, desktop)
        await desktop.sign_in(ADA, EMAIL)
        await desktop.received()
        context: list[tuple[int, FloatValue]] = [(99, "chat"), (100, "caller"), (13, "one")]
        chat: list[Message] = [
            cti.AgentTasksEvent(CHAT, ADA, 2, [(258, ids[0]), (258, ids[1])]),
            cti.SnapshotTaskEvent(CHAT, ADA, ids[0], 0, 0, 0, context),
            cti.SnapshotTaskEvent(CHAT, ADA, ids[1], 0, 0, 0, [(99, "chat")]),
        ]
        await desktop.send(cti.AgentTasksRequestEvent(CHAT, ADA))
        assert await desktop.received() == [*chat, cti.AgentTasksEndEvent(CHAT, ADA, 0)]
        await desktop.send(cti.AgentTasksRequestEvent(-1, ADA))
        email = cti.AgentTasksEvent(EMAIL, ADA, 0)
        assert await desktop.received() == [*chat, email, cti.AgentTasksEndEvent(-1, ADA, 0)]


@pytest.mark.parametrize(
    ("mrd", "agent", "status"),
    [(CHAT, 4711, 2), (-1, 4711, 2), (4711, ADA, 3), (CHAT, BEN, 6), (-1, BEN, 6), (1, ADA, 11)],
)
async def test_tasks_that_cannot_be_told_end_with_the_status_at_once(
    autojump_clock: MockClock, mrd: int, agent: int, status: int
) -> None:
    async with town() as place:
        desktop, other = await place.client(ARM), await place.client(ARM)
        await desktop.sign_in(ADA)
        await desktop.received()
        await desktop.send(cti.AgentTasksRequestEvent(mrd, agent, [(288, 1)]))
        assert await desktop.received() == [cti.AgentTasksEndEvent(mrd, agent, status)]
        assert await other.names() == []


async def test_agent_of_another_path_is_not_told_of(autojump_clock: MockClock) -> None:
    path = ApplicationPath(2, (ApplicationPathMember(5000, (CHAT,)),))
    mine = ApplicationPath(1, (ApplicationPathMember(5000, (EMAIL,)),))
    async with town(attrs.evolve(SETTINGS, application_paths=(mine, path))) as place:
        desktop = await place.client(ARM)
        await desktop.send(
            cti.GetAgentTasksReq(7, CHAT, ADA),
            cti.SnapshotTaskReq(8, CHAT, ADA, TOLD),
            cti.AgentTasksRequestEvent(CHAT, ADA),
        )
        assert await desktop.received() == [
            cti.AgentTasksResp(7, 27, CHAT, ADA, 0),
            cti.SnapshotTaskResp(8, 27, TOLD, NULL_STATE, 0, 0),
            cti.AgentTasksEndEvent(CHAT, ADA, 27),
        ]


async def test_other_clients_of_the_path_hear_that_a_desktop_is_back(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, other = await place.client(ARM), await place.client(ARM)
        old, watcher = await place.client(ARM, version=19), await place.client(cti.ServiceMask.ALL_EVENTS)
        await desktop.sign_in(ADA)
        await desktop.sign_in(ADA, EMAIL)
        for peer in (desktop, watcher):
            await peer.received()
        await desktop.send(cti.AgentTasksRequestEvent(-1, ADA, [(288, 0)]))
        assert await other.names() == []
        await desktop.send(cti.AgentTasksRequestEvent(-1, ADA, [(288, 1)]))
        assert await other.received() == [cti.DesktopConnectedInd(ADA, [(261, 2), (262, [CHAT, EMAIL])])]
        assert "DESKTOP_CONNECTED_IND" not in await desktop.names()
        assert (await old.names(), await watcher.names()) == ([], [])


async def test_list_longer_than_a_message_is_told_in_parts_and_answered_in_part(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client(ARM)
        await desktop.send(cti.BeginAgentInitInd(1), cti.AgentInitReq(2, CHAT, ADA, NOT_ACTIVE, 0, 1000, 0))
        ids = [TaskId(TOLD.day, 1000 + number, 1) for number in range(1000)]
        for task in ids:
            await desktop.send(cti.TaskInitInd(3, CHAT, ADA, task, cti.TaskState.ACTIVE, 0, 0, 0))
        await desktop.received()
        await desktop.send(cti.GetAgentTasksReq(7, CHAT, ADA), cti.AgentTasksRequestEvent(CHAT, ADA))
        told = await desktop.received()
        answer = told[0]
        assert isinstance(answer, cti.AgentTasksResp)
        assert (answer.status, answer.num_tasks) == (34, 700)
        lists = [message for message in told if isinstance(message, cti.AgentTasksEvent)]
        assert [message.num_tasks for message in lists] == [700, 300]
        assert [value for message in lists for _, value in message.floating] == ids
        assert [m.task_id for m in told if isinstance(m, cti.SnapshotTaskEvent)] == ids


# Variables of the path.


@pytest.mark.parametrize(("version", "refusal"), [(25, cti.FailureConf(9, 12, 0)), (23, cti.FailureConfStatus(9, 12))])
async def test_variables_of_the_path_are_confirmed_and_foreign_paths_refused(
    autojump_clock: MockClock, version: int, refusal: Message
) -> None:
    async with town() as place:
        desktop = await place.client(ARM, version=version)
        await desktop.send(
            cti.SetAppDataReq(7, [(97, 1), (13, "one")]),
            cti.SetAppPathDataInd(8, [(97, 1), (14, "two")]),
            cti.SetAppDataReq(9, [(97, 2), (13, "three")]),
            cti.SetAppPathDataInd(10, [(97, 2), (14, "four")]),
        )
        assert await desktop.received() == [cti.SetAppDataConf(7), refusal, cti.FailureResp(10, 27)]
        assert [value for _, _, value in place.exchange._engine.path_variables(1)] == ["one", "two"]
