"""Application tasks and limits as messages: who gets what, in which order (arm.toml 161 to 165, 176 to 179)."""

from trio.testing import MockClock

from ctigw.wire import FloatValue, Message, NamedVariable, TaskId, cti
from town import ADA, CHAT, Peer, town

NULL = 0xFFFFFFFF
NO_TASK = TaskId(-1, -1, -1)


async def ready_for_own_work(desktop: Peer, limit: int = 1, *floating: tuple[int, FloatValue]) -> None:
    """Ada signs in and becomes ready, not routable."""
    await desktop.send(
        cti.MediaLoginReq(1, CHAT, ADA, 0, limit, list(floating)), cti.MakeAgentReadyInd(2, CHAT, ADA, 0)
    )
    await desktop.received()


def kinds(messages: list[Message]) -> list[str]:
    return [message.NAME for message in messages]


async def test_offered_application_task_is_answered_first_then_told(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, watcher = await place.client(), await place.client(cti.ServiceMask.ALL_TASK_EVENTS)
        await ready_for_own_work(desktop)
        variables: list[tuple[int, FloatValue]] = [(13, "one"), (82, NamedVariable("user.tier", "gold"))]
        await desktop.send(cti.OfferApplicationTaskReq(7, CHAT, ADA, 5101, NULL, 1, 0, variables))
        told = await desktop.received()
        assert kinds(told) == [
            "OFFER_APPLICATION_TASK_RESP",
            "BEGIN_TASK_EVENT",
            "OFFER_TASK_EVENT",
            "AGENT_STATE_EVENT",
        ]
        answer, begin, offer, state = told
        assert isinstance(answer, cti.OfferApplicationTaskResp)
        assert (answer.invoke_id, answer.status) == (7, 0)
        assert answer.task_id.sequence == 1
        assert begin == cti.BeginTaskEvent(0, 5000, 17, CHAT, answer.task_id, 1, 0, NULL, variables)
        assert isinstance(offer, cti.OfferTaskEvent)
        assert (offer.task_id, offer.icm_agent_id, offer.skill_group_id) == (answer.task_id, ADA, 5101)
        assert isinstance(state, cti.AgentStateEvent)
        assert (state.agent_state, state.num_tasks) == (cti.AgentState.RESERVED, 1)
        assert kinds(await watcher.received()) == ["BEGIN_TASK_EVENT", "OFFER_TASK_EVENT"]
        await desktop.send(
            cti.StartTaskInd(8, CHAT, ADA, answer.task_id), cti.EndTaskInd(9, CHAT, ADA, answer.task_id, 38, 0)
        )
        assert kinds(await watcher.received()) == ["START_TASK_EVENT", "END_TASK_EVENT"]


async def test_started_application_task_is_told_as_begun_and_started(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        await ready_for_own_work(desktop)
        await desktop.send(cti.StartApplicationTaskReq(7, CHAT, ADA, 0, 0, 0, 0))
        assert await desktop.names() == [
            "START_APPLICATION_TASK_RESP",
            "BEGIN_TASK_EVENT",
            "START_TASK_EVENT",
            "AGENT_STATE_EVENT",
        ]


async def test_refused_application_task_is_answered_with_no_task(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        await desktop.send(
            cti.OfferApplicationTaskReq(7, CHAT, ADA, 0, 0, 0, 0, [(268, 1)]),
            cti.StartApplicationTaskReq(8, CHAT, ADA, 0, 0, 0, 0, [(268, 1)]),
        )
        assert await desktop.received() == [
            cti.OfferApplicationTaskResp(7, cti.ArmStatus.AGENT_NOT_LOGGED_IN, NO_TASK),
            cti.StartApplicationTaskResp(8, cti.ArmStatus.AGENT_NOT_LOGGED_IN, NO_TASK),
        ]


async def test_limits_are_changed_and_gone_beyond_by_request(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client(cti.ServiceMask.AGENT_REPORTING)
        await ready_for_own_work(desktop, 1, (266, NULL))  # the null value is no limit beyond
        await desktop.send(
            cti.ChangeMaxTaskLimitReq(3, CHAT, ADA, 1, [(266, 1)]),
            cti.ChangeMaxTaskLimitReq(4, CHAT, ADA, 1, [(266, NULL)]),
            cti.ChangeMaxTaskLimitReq(5, CHAT, ADA, 0),
            cti.StartApplicationTaskReq(6, CHAT, ADA, 0, 0, 0, 0),
            cti.StartApplicationTaskReq(7, CHAT, ADA, 0, 0, 0, 0),
            cti.StartApplicationTaskReq(8, CHAT, ADA, 0, 0, 0, 0),
            cti.OverrideLimitReq(9, CHAT, ADA),
            cti.StartApplicationTaskReq(10, CHAT, ADA, 0, 0, 0, 0),
        )
        told = await desktop.received()
        assert told[:3] == [
            cti.ChangeMaxTaskLimitResp(3, 0),
            cti.ChangeMaxTaskLimitResp(4, 0),
            cti.ChangeMaxTaskLimitResp(5, 34),
        ]
        started = [(m.invoke_id, m.status) for m in told if isinstance(m, cti.StartApplicationTaskResp)]
        assert started == [(6, 0), (7, 0), (8, 34), (10, 0)]
        assert cti.OverrideLimitResp(9, 0) in told
