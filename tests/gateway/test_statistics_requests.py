"""Numbers of agents and skill groups as a CTI client gets them (messages 112 to 115)."""

import attrs
import pytest
import trio
from trio.testing import MockClock

from ctigw.config.routing import Peripheral, PrecisionQueue, PrecisionQueueStep
from ctigw.wire import Message, TaskId, cti, mr
from ctigw.wire.values import NULL_UINT
from town import ADA, CHAT, EMAIL, SETTINGS, Peer, Town, town

SALES = 5101
STATISTICS = attrs.evolve(
    SETTINGS,
    media_routing_domains=tuple(attrs.evolve(mrd, start_timeout_s=60.0) for mrd in SETTINGS.media_routing_domains),
    peripherals=(Peripheral(5000), Peripheral(5001)),
    precision_queues=(PrecisionQueue("fluent", 6100, CHAT, (PrecisionQueueStep("true == true"),)),),
)
"""With time between offer and start, a second peripheral and a precision queue."""


def fields(message: Message) -> dict[str, int]:
    """The fixed fields that are not 0."""
    values = attrs.asdict(message, recurse=False)
    return {name: value for name, value in values.items() if value and name != "floating"}


async def offered(place: Town, application: Peer, dialogue: int) -> TaskId:
    await application.new_task(dialogue)
    (answer,) = [message for message in await application.received() if isinstance(message, mr.DoThisWithTask)]
    return answer.icm_task_id


async def work(desktop: Peer, task: TaskId) -> None:
    """4 s to the start, 30 s of work, a pause of 7 s, 3 s of wrap-up; then 6 s of nothing."""
    for report, seconds in (
        (None, 4),
        (cti.StartTaskInd(1, CHAT, ADA, task), 30),
        (cti.PauseTaskInd(2, CHAT, ADA, task), 7),
        (cti.WrapupTaskInd(3, CHAT, ADA, task), 3),
        (cti.EndTaskInd(4, CHAT, ADA, task, 38, 0), 6),
    ):
        if report is not None:
            await desktop.send(report)
        await trio.sleep(seconds)
    await desktop.received()


async def asked(peer: Peer, message: Message) -> Message:
    await peer.send(message)
    (answer,) = await peer.received()
    return answer


def of_agent(number: str, peripheral: int = 5000, tag: int = cti.QueryAgentStatisticsReq.AGENT_ID) -> Message:
    return cti.QueryAgentStatisticsReq(77, peripheral, [(tag, number)])


def of_group(number: int, group_id: int = NULL_UINT, peripheral: int = 5000) -> Message:
    return cti.QuerySkillGroupStatisticsReq(78, peripheral, number, group_id)


async def test_an_agents_numbers_are_told_for_the_session_and_for_today(autojump_clock: MockClock) -> None:
    async with town(STATISTICS) as place:
        desktop, application = await place.client(), await place.application()
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        await trio.sleep(10)
        await desktop.send(cti.MakeAgentReadyInd(2, CHAT, ADA, 1))
        await desktop.received()
        await work(desktop, await offered(place, application, 1))
        answer = await asked(desktop, of_agent("1001"))
        assert isinstance(answer, cti.QueryAgentStatisticsConf)
        assert (answer.agent_id, answer.agent_extension, answer.agent_instrument) == ("1001", "1001", "1001")
        told = {
            "logged_on_time": 60,
            "not_ready_time": 10,
            "avail_time": 6,
            "icm_available_time": 6,
            "routable_time": 60,
            "handled_calls": 1,
            "handled_calls_talk_time": 30,
            "handled_calls_after_call_time": 3,
            "handled_calls_time": 40,
            "incoming_calls_held": 1,
            "incoming_calls_held_time": 7,
        }
        expected = {f"{name}_{period}": value for name, value in told.items() for period in ("session", "today")}
        assert fields(answer) == {"invoke_id": 77, "peripheral_id": 5000, **expected}


async def test_an_agents_numbers_are_added_up_over_domains_and_a_new_session_begins_anew(
    autojump_clock: MockClock,
) -> None:
    async with town(STATISTICS) as place:
        desktop = await place.client()
        for mrd in (CHAT, EMAIL):
            await desktop.sign_in(ADA, mrd)
        await trio.sleep(10)
        await desktop.send(*(cti.MediaLogoutInd(9, mrd, ADA) for mrd in (CHAT, EMAIL)))
        await desktop.sign_in(ADA)
        await trio.sleep(5)
        await desktop.received()
        answer = await asked(desktop, of_agent("1001", tag=cti.QueryAgentStatisticsReq.AGENT_EXTENSION))
        assert isinstance(answer, cti.QueryAgentStatisticsConf)
        assert (answer.logged_on_time_session, answer.logged_on_time_today) == (15, 25)


async def test_a_groups_numbers_are_told_for_now_and_for_three_periods(autojump_clock: MockClock) -> None:
    async with town(STATISTICS) as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await desktop.received()
        await work(desktop, await offered(place, application, 1))
        await application.new_task(2)
        await application.new_task(3)
        await desktop.received()
        await trio.sleep(20)
        answer = await asked(desktop, of_group(SALES))
        waited = {"calls_q5": 1, "calls_q_half": 1, "calls_q_today": 1}
        waiting = {"router_calls_q_now", "calls_q_now"}
        longest = ("longest_router_call_q_now", "longest_call_q_now", "longest_call_q5", "longest_call_q_half")
        of_period = {
            "logged_on_time": 70,
            "avail_time": 6,
            "handled_calls": 1,
            "handled_calls_talk_time": 30,
            "handled_calls_after_call_time": 3,
            "handled_calls_time": 40,
            "incoming_calls_held": 1,
            "incoming_calls_held_time": 7,
        }
        assert fields(answer) == {
            "invoke_id": 78,
            "peripheral_id": 5000,
            "skill_group_number": SALES,
            "skill_group_id": SALES,
            "agents_logged_on": 1,
            "agents_reserved": 1,
            "agents_ready": 1,
            **dict.fromkeys(waiting, 1),
            **dict.fromkeys((*longest, "longest_call_q_today", "calls_q_time_now"), 20),
            **waited,
            **{f"{n}_{period}": v for n, v in of_period.items() for period in ("to5", "to_half", "today")},
        }


async def test_groups_and_precision_queues_are_named_by_number_or_id(autojump_clock: MockClock) -> None:
    async with town(STATISTICS) as place:
        desktop = await place.client()
        found = [
            fields(await asked(desktop, request))
            for request in (of_group(SALES), of_group(0, SALES), of_group(SALES, 0), of_group(0, 6100))
        ]
        assert [one["skill_group_id"] for one in found] == [SALES, SALES, SALES, 6100]
        assert {one["peripheral_id"] for one in found} == {NULL_UINT}, "two peripherals, and nobody has signed in"
        await desktop.sign_in(ADA)
        await desktop.received()
        assert fields(await asked(desktop, of_group(SALES, peripheral=NULL_UINT)))["peripheral_id"] == 5000


async def test_where_there_is_one_peripheral_a_group_belongs_to_it_before_anybody_signs_in(
    autojump_clock: MockClock,
) -> None:
    async with town() as place:
        desktop = await place.client()
        assert fields(await asked(desktop, of_group(SALES)))["peripheral_id"] == 5000


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (of_agent("9999"), cti.FailureStatus.INVALID_AGENT_DATA),
        (of_agent("1001", 5001), cti.FailureStatus.INVALID_AGENT_DATA),
        (cti.QueryAgentStatisticsReq(77, 5000), cti.FailureStatus.INVALID_AGENT_DATA),
        (of_agent("1001", 4711), cti.FailureStatus.INVALID_PERIPHERAL_ID),
        (of_group(4711), cti.FailureStatus.INVALID_SKILL_GROUP),
        (of_group(SALES, 4711), cti.FailureStatus.INVALID_SKILL_GROUP),
        (of_group(SALES, peripheral=4711), cti.FailureStatus.INVALID_PERIPHERAL_ID),
    ],
)
async def test_what_is_not_there_is_refused(
    autojump_clock: MockClock, request_: Message, status: cti.FailureStatus
) -> None:
    async with town(STATISTICS) as place:
        desktop = await place.client()
        invoke_id = fields(request_)["invoke_id"]
        assert await asked(desktop, request_) == cti.FailureConf(invoke_id, status, 0)
