"""A dialling application: opens in Role 2, asks, waits, and never hangs (mr-wire (g))."""

from typing import TypeVar

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from ctigw.client.application import Application, Request, application_over
from ctigw.client.errors import ClientError
from ctigw.client.link import Link, unheeded
from ctigw.wire import AgentRef, EccName, EccValue, Message, TaskId, mr, mr_codec

T = TypeVar("T")

NULL = 0xFFFFFFFF
REQUEST = Request("8000", variables=[(10, "ten"), (1, "one")], ecc=[("user.a", "x"), ("user.b", "y")])


class GatewayEnd:
    """The gateway's end of the connection: says what the test says, answers heartbeats, checks what comes."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._link = Link(stream, mr_codec(), unheeded)

    async def get(self, wanted: type[T]) -> T:
        """The next message that is no heartbeat, which must be of this class."""
        while True:
            message = await self._link.receive()
            if isinstance(message, mr.HeartbeatReq):
                await self.say(mr.HeartbeatConf(message.invoke_id))
                continue
            assert isinstance(message, wanted), message
            return message

    async def say(self, *messages: Message) -> None:
        """Send messages."""
        for message in messages:
            await self._link.send(message)

    async def read_to_the_end(self) -> None:
        """Swallow everything, until the client hangs up."""
        while await self._link.receive() is not None:
            continue

    async def open(self) -> mr.OpenReq:
        """Take OPEN_REQ and enable routing."""
        request = await self.get(mr.OpenReq)
        await self.say(mr.OpenConf(request.invoke_id, 5, 0), mr.RoutingEnabled(NULL, NULL))
        return request

    async def close(self) -> None:
        """Take CLOSE_REQ and answer it."""
        await self.say(mr.CloseConf((await self.get(mr.CloseReq)).invoke_id))


def ends() -> tuple[Link, GatewayEnd]:
    """Both ends of one connection."""
    ours, theirs = memory_stream_pair()
    return Link(ours, mr_codec(), unheeded), GatewayEnd(theirs)


def routed(request: mr.NewTask) -> mr.DoThisWithTask:
    """The answer to a NEW_TASK that found its agent."""
    return mr.DoThisWithTask(request.dialogue_id, 1, TaskId(150_200, 42, 1), 5004, -1, AgentRef(1, 5080, 5000, -1))


async def _one_task(application: Application) -> object:
    dialogue = await application.submit(REQUEST)
    return await dialogue.answer(60)


async def test_it_opens_as_application_and_submits_only_when_routing_is_enabled(autojump_clock: MockClock) -> None:
    link, gateway = ends()
    enabled_at = 0.0

    async def play() -> None:
        nonlocal enabled_at
        request = await gateway.get(mr.OpenReq)
        assert request.role == mr.Role.APPLICATION
        assert request.idle_timeout == 20_000
        await gateway.say(mr.OpenConf(request.invoke_id, 5, 0))
        await trio.sleep(3)
        enabled_at = trio.current_time()
        await gateway.say(mr.RoutingEnabled(NULL, NULL))
        asked = await gateway.get(mr.NewTask)
        assert trio.current_time() == enabled_at
        await gateway.say(routed(asked))
        await gateway.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with application_over(link) as application:
            assert isinstance(await _one_task(application), mr.DoThisWithTask)


async def test_a_new_task_carries_selector_then_variables_then_ecc_in_the_order_given() -> None:
    assert REQUEST.message(7).floating == [
        (32, "8000"),
        (31, "ten"),
        (22, "one"),
        (42, EccName(1, "user.a")),
        (43, EccValue(1, "x")),
        (42, EccName(2, "user.b")),
        (43, EccValue(2, "y")),
    ]


async def test_each_task_gets_its_own_answer_in_whatever_order_they_come(autojump_clock: MockClock) -> None:
    link, gateway = ends()

    async def play() -> None:
        await gateway.open()
        first, second = await gateway.get(mr.NewTask), await gateway.get(mr.NewTask)
        assert (first.dialogue_id, second.dialogue_id) == (1, 2)
        await gateway.say(mr.NewTaskFailure(second.dialogue_id, 1, 6, 0), routed(first))
        await gateway.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with application_over(link) as application:
            dialogues = [await application.submit(REQUEST) for _ in range(2)]
            answers = [await dialogue.answer(60) for dialogue in dialogues]
    assert isinstance(answers[0], mr.DoThisWithTask)
    assert isinstance(answers[1], mr.NewTaskFailure)
    assert answers[1].reason == 6


async def test_a_script_request_is_answered_at_once_with_the_next_sequence_number(autojump_clock: MockClock) -> None:
    link, gateway = ends()

    async def play() -> None:
        await gateway.open()
        asked = await gateway.get(mr.NewTask)
        await gateway.say(mr.RunScriptReq(asked.dialogue_id, 1, 9))
        answer = await gateway.get(mr.RunScriptResult)
        assert (answer.dialogue_id, answer.send_seq_no, answer.invoke_id, answer.result_code) == (1, 2, 9, 1)
        await gateway.say(routed(asked))
        await gateway.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with application_over(link) as application:
            await _one_task(application)


async def test_a_cancelled_task_is_confirmed_and_its_waiter_is_told(autojump_clock: MockClock) -> None:
    link, gateway = ends()

    async def play() -> None:
        await gateway.open()
        await gateway.get(mr.NewTask)
        cancel = await gateway.get(mr.CancelTask)
        assert (cancel.dialogue_id, cancel.send_seq_no) == (1, 2)
        await gateway.say(mr.CancelTaskConf(cancel.dialogue_id, 1, cancel.invoke_id, 0))
        await gateway.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with application_over(link) as application:
            dialogue = await application.submit(REQUEST)
            assert (await dialogue.cancel()).status == 0
            with pytest.raises(ClientError, match="cancelled"):
                await dialogue.answer(60)


async def _opening_fails(gateway: GatewayEnd, *answer: Message) -> None:
    await gateway.get(mr.OpenReq)
    await gateway.say(*answer)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (mr.FailureConf(1, 3), r"FAILURE_CONF with status 3 \(APPLICATION_OFFLINE\)"),
        (mr.FailureEvent(99), r"FAILURE_EVENT with status 99 \(unknown\)"),
        (mr.OpenConf(1, 5, 12), "OPEN_CONF with status 12"),
    ],
)
async def test_a_refused_session_says_why(autojump_clock: MockClock, answer: Message, text: str) -> None:
    link, gateway = ends()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_opening_fails, gateway, answer)
        with pytest.raises(ClientError, match=text):
            async with application_over(link):
                pytest.fail("opened")


async def test_a_gateway_that_says_nothing_is_given_up_after_ten_seconds(autojump_clock: MockClock) -> None:
    link, _ = ends()
    began = trio.current_time()
    with pytest.raises(ClientError, match="no OPEN_CONF within 10 s"):
        async with application_over(link):
            pytest.fail("opened")
    # Ten for the answer, five for the answer to CLOSE_REQ.
    assert trio.current_time() - began == pytest.approx(15)


async def test_a_lost_connection_reaches_whoever_waits(autojump_clock: MockClock) -> None:
    link, gateway = ends()

    async def play() -> None:
        await gateway.open()
        await gateway.get(mr.NewTask)
        await gateway.stream.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ClientError, match="the gateway closed the connection"):
            async with application_over(link) as application:
                await _one_task(application)


async def test_heartbeats_keep_a_quiet_session_alive(autojump_clock: MockClock) -> None:
    link, gateway = ends()

    async def play() -> None:
        await gateway.open()
        asked = await gateway.get(mr.NewTask)
        with trio.move_on_after(59):
            await gateway.get(mr.CloseReq)
        await gateway.say(routed(asked))
        await gateway.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        async with application_over(link) as application:
            assert isinstance(await _one_task(application), mr.DoThisWithTask)


async def test_a_gateway_that_answers_no_heartbeat_is_lost(autojump_clock: MockClock) -> None:
    link, gateway = ends()

    async def play() -> None:
        await gateway.open()
        await gateway.read_to_the_end()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ClientError, match="left 3 heartbeats unanswered"):
            async with application_over(link) as application:
                await _one_task(application)


async def test_bytes_that_are_no_message_end_the_session(autojump_clock: MockClock) -> None:
    link, gateway = ends()

    async def play() -> None:
        await gateway.open()
        await gateway._link._stream.send_all(b"\xff" * 8)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(play)
        with pytest.raises(ClientError, match="cannot be read"):
            async with application_over(link) as application:
                await _one_task(application)
