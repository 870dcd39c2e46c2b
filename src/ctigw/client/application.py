"""A channel application that dials in: it opens an MR session in Role 2 and asks for tasks to be routed.

Knows the application's half of the MR dialogues; must not know how the gateway routes. Rules: mr-wire (g), mr.toml
(Role), decisions D3.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import attrs

from ctigw.client.errors import ClientError
from ctigw.client.link import Link, Observer, Security, connect, unheeded
from ctigw.client.session import (
    ANSWER_S,
    HEARTBEAT_S,
    IDLE_HEARTBEATS,
    Awaited,
    ClientSession,
    SessionMessages,
    running,
)
from ctigw.wire import AgentRef, AnyMessage, EccName, EccValue, FloatValue, Message, TaskId, mr, mr_codec

MR_VERSION = 5
MILLISECONDS = 1000
NULL = -1

Answer = mr.DoThisWithTask | mr.NewTaskFailure | mr.DialogueFailureEvent
"""What ends a NEW_TASK."""

NO_TASK = TaskId(NULL, NULL, NULL)
NOBODY = AgentRef(mr.AgentRefKind.UNDEFINED, NULL, NULL, NULL)


def _failure_text(message: mr.FailureConf | mr.FailureEvent) -> str:
    try:
        name = mr.Status(message.status).name
    except ValueError:
        name = "unknown"
    return f"the gateway answered {message.NAME} with status {message.status} ({name})"


_MESSAGES = SessionMessages(
    heartbeat=mr.HeartbeatReq,
    heartbeat_answer=mr.HeartbeatConf,
    close=mr.CloseReq,
    close_request=mr.CloseReq,
    close_answer=mr.CloseConf,
    close_answer_class=mr.CloseConf,
    failures=(mr.FailureConf, mr.FailureEvent),
    failure_text=_failure_text,
)


@attrs.frozen
class Request:
    """What an application says about a task."""

    selector: str
    mrd: int = NULL
    """MRDomainID; NULL takes the domain of the selector."""
    variables: Sequence[tuple[int, str]] = ()
    """Number 1 to 10 and value of call variables."""
    ecc: Sequence[tuple[str, str]] = ()
    """Name and value of ECC variables."""
    user_to_user_info: bytes = b""
    service: int = 0
    previous_task: TaskId = NO_TASK

    def message(self, dialogue_id: int) -> mr.NewTask:
        """The NEW_TASK, first message of its dialogue."""
        floating: list[tuple[int, FloatValue]] = [(mr.NewTask.SCRIPT_SELECTOR, self.selector)]
        floating += [(mr.NewTask.CALL_VARIABLE1 + number - 1, value) for number, value in self.variables]
        if self.user_to_user_info:
            floating.append((mr.NewTask.USER_TO_USER_INFO, self.user_to_user_info))
        for tag, (name, value) in enumerate(self.ecc, 1):
            floating += [(mr.NewTask.ECC_NAME, EccName(tag, name)), (mr.NewTask.ECC_VALUE, EccValue(tag, value))]
        return mr.NewTask(dialogue_id, 1, self.mrd, self.previous_task, NOBODY, self.service, 0, floating)


class Dialogue:
    """One task that was asked for."""

    def __init__(self, application: "Application", number: int, awaited: Awaited[Answer]) -> None:
        self.id = number
        self._application = application
        self._awaited = awaited

    async def answer(self, seconds: float | None = None) -> Answer:
        """The gateway's answer; ClientError when none comes within `seconds`, or the session is lost."""
        return await self._awaited.wait(seconds, "answer")

    async def cancel(self, reason: mr.CancelReason = mr.CancelReason.APPLICATION_SHUTDOWN) -> mr.CancelTaskConf:
        """Take the task back. ClientError when the session is lost or nothing comes."""
        invoke_id = self._application.invoke_id()
        confirmed = self._application.expect(("cancel", invoke_id))
        number = self._application.next_sequence(self.id)
        await self._application.send(mr.CancelTask(self.id, number, invoke_id, reason))
        confirmation: mr.CancelTaskConf = await confirmed.wait(ANSWER_S, "CANCEL_TASK_CONF")
        return confirmation


class Application(ClientSession):
    """An open session as an application. Answers RUN_SCRIPT_REQ by itself, as an application should."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, _MESSAGES)
        self._next_dialogue_id = 1
        self._sequences: dict[int, int] = {}

    async def submit(self, request: Request) -> Dialogue:
        """Ask for a task to be routed; the answer is awaited on the dialogue. ClientError when the session is lost."""
        number = self._next_dialogue_id
        self._next_dialogue_id += 1
        awaited = self.expect(("answer", number))
        self._sequences[number] = 1
        await self.send(request.message(number))
        return Dialogue(self, number, awaited)

    def next_sequence(self, dialogue_id: int) -> int:
        """SendSeqNo of the next message that we send in a dialogue."""
        number = self._sequences.get(dialogue_id, 0) + 1
        self._sequences[dialogue_id] = number
        return number

    async def _received(self, message: AnyMessage) -> None:
        match message:
            case mr.OpenConf():
                self.answer("open", message)
            case mr.RoutingEnabled():
                self.answer("routing", message)
            case mr.DoThisWithTask() | mr.NewTaskFailure() | mr.DialogueFailureEvent():
                self.answer(("answer", message.dialogue_id), message)
                self._sequences.pop(message.dialogue_id, None)
            case mr.CancelTaskConf():
                self.answer(("cancel", message.invoke_id), message)
                if message.status == mr.Status.NO_ERROR:
                    self._cancelled(message)
            case mr.RunScriptReq():
                number = self.next_sequence(message.dialogue_id)
                await self.send(mr.RunScriptResult(message.dialogue_id, number, message.invoke_id, 1))
            case _:  # shown by the observer, and of no consequence here
                return

    def _cancelled(self, message: mr.CancelTaskConf) -> None:
        self._sequences.pop(message.dialogue_id, None)
        awaited = self._awaited.pop(("answer", message.dialogue_id), None)
        if awaited is not None:
            awaited.fail("the task was cancelled")


@asynccontextmanager
async def open_application(
    address: str,
    security: Security,
    *,
    peripheral_id: int | None = None,
    observe: Observer = unheeded,
) -> AsyncIterator[Application]:
    """Dial, open and wait until routing is enabled; closes in order at the end of the block.

    `peripheral_id` (float 131) binds the session to an `[[application]]` of the gateway. Raises ClientError.
    """
    link = await connect(address, security, mr_codec(MR_VERSION), observe)
    async with application_over(link, peripheral_id=peripheral_id) as application:
        yield application


@asynccontextmanager
async def application_over(link: Link, *, peripheral_id: int | None = None) -> AsyncIterator[Application]:
    """As `open_application`, over a link that is there. Raises ClientError."""
    application = Application(link)
    async with running(application, link):
        opened, enabled = application.expect("open"), application.expect("routing")
        await application.send(_open_request(application.invoke_id(), peripheral_id))
        answer: mr.OpenConf = await opened.wait(ANSWER_S, "OPEN_CONF")
        if answer.status != mr.Status.NO_ERROR:
            raise ClientError(f"the gateway answered OPEN_CONF with status {answer.status}")
        link.codec = mr_codec(min(answer.version_number, MR_VERSION))
        await enabled.wait(ANSWER_S, "ROUTING_ENABLED")
        yield application


def _open_request(invoke_id: int, peripheral_id: int | None) -> Message:
    floating: list[tuple[int, FloatValue]] = [(mr.OpenReq.ROLE, int(mr.Role.APPLICATION))]
    if peripheral_id is not None:
        floating.append((mr.OpenReq.PERIPHERAL_ID, peripheral_id))
    idle_timeout = round(IDLE_HEARTBEATS * HEARTBEAT_S * MILLISECONDS)
    return mr.OpenReq(invoke_id, MR_VERSION, idle_timeout, floating)
