"""An agent at work: what is sent, and when, for each way a task can go (cti-notes "Tasks", decisions E3)."""

from pathlib import Path
from typing import TypeVar

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from ctigw.client.errors import ClientError
from ctigw.client.link import Link, unheeded
from ctigw.client.reporting import Identity, reporting_over
from ctigw.client.worker import Behaviour, Script, Seat, Worker, read_script
from ctigw.errors import ConfigurationError
from ctigw.wire import FloatValue, Message, TaskId, cti, cti_codec

T = TypeVar("T")

NULL = 0xFFFFFFFF
TASK = TaskId(150_200, 42, 1)
IDENTITY = Identity("desktop", 1, b"secret")
SEAT = Seat("1080", 5080, (5001,), max_tasks=2)
PLAIN = Script(Behaviour(offer_s=1, start_s=2, work_s=10, wrapup_s=3, return_s=4))


class GatewayEnd:
    """The gateway's end of the connection: says what the test says, answers heartbeats, checks what comes."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._link = Link(stream, cti_codec(), unheeded)

    async def get(self, wanted: type[T]) -> T:
        """The next message that is no heartbeat, which must be of this class."""
        while True:
            message = await self._link.receive()
            if isinstance(message, cti.HeartbeatReq):
                await self.say(cti.HeartbeatConf(message.invoke_id))
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

    async def open(self) -> cti.OpenReq:
        """Take OPEN_REQ and grant what it asks for."""
        request = await self.get(cti.OpenReq)
        await self.say(cti.OpenConf(request.invoke_id, request.services_requested, 0, 0, 0, 1, 17, 0, 0, 1))
        return request

    async def close(self) -> None:
        """Take CLOSE_REQ and answer it."""
        await self.say(cti.CloseConf((await self.get(cti.CloseReq)).invoke_id))


def ends() -> tuple[Link, GatewayEnd]:
    """Both ends of one connection."""
    ours, theirs = memory_stream_pair()
    return Link(ours, cti_codec(), unheeded), GatewayEnd(theirs)


def task_key(task: TaskId = TASK) -> list[tuple[int, FloatValue]]:
    """The floating fields that carry a task id."""
    return [(72, task[0]), (73, task[1]), (110, task[2])]


def announcement(task: TaskId = TASK, agent: int = 5080) -> cti.AgentPreCallEvent:
    """AGENT_PRE_CALL_EVENT of a task."""
    return cti.AgentPreCallEvent(0, 0, 0, NULL, NULL, 5004, 5004, 0, 5001, agent, task_key(task))


def taken_back(task: TaskId = TASK) -> cti.AgentPreCallAbortEvent:
    """AGENT_PRE_CALL_ABORT_EVENT of a task."""
    return cti.AgentPreCallAbortEvent(0, 5001, task_key(task))


class Shift:
    """A worker on one end, the test on the other."""

    def __init__(self, script: Script, tasks: int | None = None, seat: Seat = SEAT) -> None:
        self._link, self.gateway = ends()
        self._script, self._tasks, self._seat = script, tasks, seat
        self.said: list[str] = []
        self.failure: ClientError | None = None
        self.worker: Worker | None = None

    async def run(self) -> None:
        """Work until the shift ends."""
        try:
            async with reporting_over(self._link, IDENTITY) as client:
                self.worker = Worker(client, self._seat, self._script, self._tasks, self.said.append)
                await self.worker.work()
        except ClientError as error:
            self.failure = error

    async def begin(self) -> float:
        """Everything up to being ready; the time then."""
        request = await self.gateway.open()
        assert (request.client_id, request.client_password, request.application_path_id) == ("desktop", b"secret", 1)
        login = await self.gateway.get(cti.MediaLoginReq)
        assert (login.mrd_id, login.icm_agent_id, login.agent_mode, login.max_task_limit) == (5001, 5080, 1, 2)
        await self.gateway.say(cti.MediaLoginResp(login.invoke_id, 0))
        ready = await self.gateway.get(cti.MakeAgentReadyInd)
        assert (ready.icm_agent_id, ready.make_routable) == (5080, 1)
        return trio.current_time()

    async def end(self) -> None:
        """Everything from signing out."""
        logout = await self.gateway.get(cti.MediaLogoutInd)
        assert (logout.mrd_id, logout.icm_agent_id) == (5001, 5080)
        await self.gateway.close()


async def _expect_at(gateway: GatewayEnd, wanted: type[T], when: float) -> T:
    message = await gateway.get(wanted)
    assert trio.current_time() == pytest.approx(when)
    assert getattr(message, "task_id", TASK) == TASK
    return message


async def test_a_task_is_offered_started_wrapped_up_and_ended_after_the_delays_of_the_script(
    autojump_clock: MockClock,
) -> None:
    shift = Shift(PLAIN, tasks=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        began = await shift.begin()
        await shift.gateway.say(announcement())
        await _expect_at(shift.gateway, cti.OfferTaskInd, began + 1)
        await _expect_at(shift.gateway, cti.StartTaskInd, began + 3)
        await _expect_at(shift.gateway, cti.WrapupTaskInd, began + 13)
        ended = await _expect_at(shift.gateway, cti.EndTaskInd, began + 16)
        assert ended.icm_disposition == 38
        await shift.end()
    assert shift.failure is None


async def test_a_pause_stands_in_the_middle_of_the_work(autojump_clock: MockClock) -> None:
    shift = Shift(Script(Behaviour(offer_s=0, start_s=0, work_s=10, pause_s=3, wrapup_s=0)), tasks=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        began = await shift.begin()
        await shift.gateway.say(announcement())
        await _expect_at(shift.gateway, cti.OfferTaskInd, began)
        await _expect_at(shift.gateway, cti.StartTaskInd, began)
        await _expect_at(shift.gateway, cti.PauseTaskInd, began + 5)
        await _expect_at(shift.gateway, cti.ResumeTaskInd, began + 8)
        await _expect_at(shift.gateway, cti.EndTaskInd, began + 13)
        await shift.end()


async def test_two_tasks_are_worked_on_side_by_side(autojump_clock: MockClock) -> None:
    other = TaskId(150_200, 44, 1)
    shift = Shift(PLAIN, tasks=2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        await shift.begin()
        await shift.gateway.say(announcement(), announcement(other))
        offers = [await shift.gateway.get(cti.OfferTaskInd) for _ in range(2)]
        assert sorted(offer.task_id for offer in offers) == [TASK, other]
        shift_worker = shift.worker
        assert shift_worker is not None
        for wanted in (cti.StartTaskInd, cti.WrapupTaskInd, cti.EndTaskInd):
            for _ in range(2):
                await shift.gateway.get(wanted)
        await shift.end()
        assert shift_worker.finished == 2


async def test_an_ignored_task_is_left_to_the_start_timeout_and_the_agent_returns(autojump_clock: MockClock) -> None:
    shift = Shift(Script(PLAIN.every, (Behaviour(ignore=True),)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        began = await shift.begin()
        await shift.gateway.say(announcement())
        with trio.move_on_at(began + 30):
            await shift.gateway.get(cti.OfferTaskInd)
            pytest.fail("offered")
        await shift.gateway.say(taken_back(), cti.AgentMadeNotRoutableEvent(5001, 5080))
        back = await shift.gateway.get(cti.MakeAgentRoutableInd)
        assert (back.mrd_id, back.icm_agent_id, back.max_tasks) == (5001, 5080, 2)
        assert trio.current_time() == pytest.approx(began + 30 + 4)
        await shift.gateway.say(announcement(TaskId(1, 2, 3)))
        await shift.gateway.get(cti.OfferTaskInd)
        assert shift.said == ["task 150200:42:1: taken back"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("kind", ["abort", "failure", "lifetime"])
async def test_a_task_that_is_lost_is_worked_on_no_more(autojump_clock: MockClock, kind: str) -> None:
    shift = Shift(PLAIN, tasks=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        await shift.begin()
        await shift.gateway.say(announcement())
        offer = await shift.gateway.get(cti.OfferTaskInd)
        if kind == "abort":
            await shift.gateway.say(taken_back())
        elif kind == "failure":
            await shift.gateway.say(cti.FailureResp(offer.invoke_id, 18))
        else:
            await shift.gateway.say(cti.MaxTaskLifetimeExceededEvent(5001, 5080, TASK))
        await shift.end()
    assert len(shift.said) == 1


async def test_a_task_of_another_agent_is_left_alone(autojump_clock: MockClock) -> None:
    shift = Shift(PLAIN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        await shift.begin()
        await shift.gateway.say(announcement(agent=5081))
        with trio.move_on_after(30):
            await shift.gateway.get(cti.OfferTaskInd)
            pytest.fail("offered")
        nursery.cancel_scope.cancel()


async def test_stopping_signs_out_in_the_middle_of_a_task(autojump_clock: MockClock) -> None:
    shift = Shift(PLAIN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        await shift.begin()
        await shift.gateway.say(announcement())
        await shift.gateway.get(cti.OfferTaskInd)
        assert shift.worker is not None
        shift.worker.stop()
        await shift.end()
    assert shift.failure is None


async def test_an_agent_who_is_signed_in_already_goes_on(autojump_clock: MockClock) -> None:
    shift = Shift(PLAIN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        await shift.gateway.open()
        login = await shift.gateway.get(cti.MediaLoginReq)
        await shift.gateway.say(cti.MediaLoginResp(login.invoke_id, 1))
        await shift.gateway.get(cti.MakeAgentReadyInd)
        assert shift.said == ["agent 1080 was signed in to 5001 already"]
        nursery.cancel_scope.cancel()


async def test_a_refused_sign_in_says_why(autojump_clock: MockClock) -> None:
    shift = Shift(PLAIN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        await shift.gateway.open()
        login = await shift.gateway.get(cti.MediaLoginReq)
        await shift.gateway.say(cti.MediaLoginResp(login.invoke_id, 27))
        await shift.gateway.close()
    assert str(shift.failure) == "MEDIA_LOGIN_RESP with status 27 (LOGIN_NOT_ALLOWED_FOR_APP_PATH)"


@pytest.mark.parametrize("status", [15, 11])
async def test_a_gateway_that_goes_away_ends_the_shift_at_once(autojump_clock: MockClock, status: int) -> None:
    shift = Shift(PLAIN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        began = await shift.begin()
        await shift.gateway.say(cti.FailureEvent(status))
        await shift.gateway.read_to_the_end()
        assert trio.current_time() == pytest.approx(began)
    assert f"status {status}" in str(shift.failure)


async def test_without_agent_reporting_there_is_no_session(autojump_clock: MockClock) -> None:
    shift = Shift(PLAIN)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(shift.run)
        request = await shift.gateway.get(cti.OpenReq)
        await shift.gateway.say(cti.OpenConf(request.invoke_id, 1, 0, 0, 0, 1, 17, 0, 0, 1))
        await shift.gateway.close()
    assert "does not grant agent reporting" in str(shift.failure)


# Script files.


def _script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "script.toml"
    path.write_text(text)
    return path


def test_a_task_of_a_script_takes_from_every_what_it_does_not_say(tmp_path: Path) -> None:
    text = "[every]\nwork_s = 7\n[[task]]\nignore = true\n[[task]]\nwork_s = 1\n"
    script = read_script(_script(tmp_path, text))
    assert script.for_task(0) == Behaviour(work_s=7, ignore=True)
    assert script.for_task(1) == Behaviour(work_s=1)
    assert script.for_task(2) == Behaviour(work_s=7)


def test_an_empty_script_is_the_usual_behaviour(tmp_path: Path) -> None:
    assert read_script(_script(tmp_path, "")) == Script()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[every]\nwork_s = -1\n", "script.toml:2: [every]: work_s: is out of range"),
        ("[[task]]\nworks = 1\n", "script.toml:2: [task]: works: unknown key"),
        ("[other]\nx = 1\n", "[other]: unknown table"),
        ("work_s = 1\n", "a key outside of any table"),
    ],
)
def test_a_wrong_script_is_refused_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_script(_script(tmp_path, text))
    assert expected in str(caught.value)
