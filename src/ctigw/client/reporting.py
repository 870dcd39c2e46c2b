"""An agent reporting client: it opens a CTI session with the ARM service and reports for one agent.

Knows the client's half of sign-in, state and task messages; must not know how an agent spends the time (that is
`ctigw.client.worker`). Rules: cti-notes, decisions C2, C6.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs

from ctigw.client.errors import ClientError
from ctigw.client.link import Link, Observer, Security, connect, unheeded
from ctigw.client.session import ANSWER_S, HEARTBEAT_S, IDLE_HEARTBEATS, ClientSession, SessionMessages, running
from ctigw.wire import AnyMessage, FloatValue, TaskId, cti, cti_codec

CTI_VERSION = 25
NULL_PERIPHERAL = 0xFFFFFFFF
ROUTABLE = 1
"""AgentMode in the version that we speak (decisions A3)."""

_Failure = cti.FailureConf | cti.FailureConfStatus | cti.FailureEvent | cti.FailureResp


def _failure_text(message: _Failure) -> str:
    code = message.failure_code if isinstance(message, cti.FailureConf) else message.status
    codes = cti.ArmStatus if isinstance(message, cti.FailureResp) else cti.FailureStatus
    return f"the gateway answered {message.NAME} with status {named(codes, code)}"


def named(codes: type[cti.ArmStatus] | type[cti.FailureStatus], code: int) -> str:
    """A code as number and name, where it has one."""
    try:
        return f"{code} ({codes(code).name})"
    except ValueError:
        return str(code)


_MESSAGES = SessionMessages(
    heartbeat=cti.HeartbeatReq,
    heartbeat_answer=cti.HeartbeatConf,
    close=cti.CloseReq,
    close_request=cti.CloseReq,
    close_answer=cti.CloseConf,
    close_answer_class=cti.CloseConf,
    failures=(cti.FailureConf, cti.FailureConfStatus, cti.FailureEvent),
    failure_text=_failure_text,
)


_ENDS_SESSION = (cti.FailureStatus.CTI_SERVER_OFFLINE, cti.FailureStatus.NEW_SESSION_OPENED)
"""Statuses of FAILURE_EVENT after which the client has to go (decisions C1, cti-notes)."""


@attrs.frozen
class Identity:
    """Who opens the session."""

    client_id: str
    application_path: int
    password: bytes | None = attrs.field(default=None, repr=False)
    """None where a certificate stands for it."""


@attrs.frozen
class Assignment:
    """A task that the gateway announced (AGENT_PRE_CALL_EVENT)."""

    task_id: TaskId
    mrd_id: int
    skill_target_id: int
    """0 where the message names the agent by its number only."""
    agent_id: str


Announced = Callable[[Assignment], None]
Lost = Callable[[TaskId, str], None]
NotRoutable = Callable[[int, int], None]


class ReportingClient(ClientSession):
    """An open session with agent reporting."""

    def __init__(self, link: Link) -> None:
        super().__init__(link, _MESSAGES)
        self.on_assignment: Announced = unheeded
        self.on_task_lost: Lost = unheeded
        """Called with the task and why, when the gateway took it back or refused a report about it."""
        self.on_not_routable: NotRoutable = unheeded
        """Called with the domain and the agent's skill target id (message 170)."""
        self._reports: dict[int, TaskId] = {}

    async def sign_in(self, mrd_id: int, skill_target_id: int, max_tasks: int) -> bool:
        """MEDIA_LOGIN, routable. False when the agent was signed in already (limits are taken over then, decisions C7).

        Raises ClientError with the status of a refusal.
        """
        invoke_id = self.invoke_id()
        answered = self.expect(invoke_id)
        await self.send(cti.MediaLoginReq(invoke_id, mrd_id, skill_target_id, ROUTABLE, max_tasks))
        answer: cti.MediaLoginResp = await answered.wait(ANSWER_S, "MEDIA_LOGIN_RESP")
        if answer.status not in (cti.ArmStatus.NO_ERROR, cti.ArmStatus.AGENT_ALREADY_LOGGED_IN):
            raise ClientError(f"MEDIA_LOGIN_RESP with status {named(cti.ArmStatus, answer.status)}")
        return answer.status == cti.ArmStatus.NO_ERROR

    async def make_ready(self, mrd_id: int, skill_target_id: int) -> None:
        """Ready and routable."""
        await self.send(cti.MakeAgentReadyInd(self.invoke_id(), mrd_id, skill_target_id, ROUTABLE))

    async def make_routable(self, mrd_id: int, skill_target_id: int, max_tasks: int) -> None:
        """Routable again, after a start timeout for instance."""
        await self.send(cti.MakeAgentRoutableInd(self.invoke_id(), mrd_id, skill_target_id, max_tasks))

    async def sign_out(self, mrd_id: int, skill_target_id: int) -> None:
        """MEDIA_LOGOUT; open tasks end with disposition 40."""
        await self.send(cti.MediaLogoutInd(self.invoke_id(), mrd_id, skill_target_id))

    async def report(
        self,
        kind: Callable[[int, int, int, TaskId], cti.OfferTaskInd | cti.StartTaskInd | cti.PauseTaskInd]
        | Callable[[int, int, int, TaskId], cti.ResumeTaskInd | cti.WrapupTaskInd],
        mrd_id: int,
        skill_target_id: int,
        task_id: TaskId,
    ) -> None:
        """An indication about a task; a refusal comes later, to `on_task_lost`."""
        invoke_id = self.invoke_id()
        self._reports[invoke_id] = task_id
        await self.send(kind(invoke_id, mrd_id, skill_target_id, task_id))

    async def end_task(self, mrd_id: int, skill_target_id: int, task_id: TaskId, disposition: int) -> None:
        """END_TASK."""
        invoke_id = self.invoke_id()
        await self.send(cti.EndTaskInd(invoke_id, mrd_id, skill_target_id, task_id, disposition, 0))
        self._reports = {number: task for number, task in self._reports.items() if task != task_id}

    def _failed(self, message: AnyMessage) -> None:
        if isinstance(message, cti.FailureEvent) and message.status in _ENDS_SESSION:
            self._end(_failure_text(message))
        else:
            super()._failed(message)

    async def _received(self, message: AnyMessage) -> None:
        match message:
            case cti.OpenConf():
                self.answer("open", message)
            case cti.MediaLoginResp():
                self.answer(message.invoke_id, message)
            case cti.AgentPreCallEvent():
                self._announced(message)
            case cti.AgentPreCallAbortEvent():
                self._lost(_task_id(message), "taken back")
            case cti.MaxTaskLifetimeExceededEvent():
                self._lost(TaskId(*message.task_id), "longest life reached")
            case cti.AgentMadeNotRoutableEvent():
                self.on_not_routable(message.mrd_id, message.icm_agent_id)
            case cti.FailureResp():
                task = self._reports.pop(message.invoke_id, None)
                if task is not None:
                    self._lost(task, _failure_text(message))
            case _:  # shown by the observer, and of no consequence here
                return

    def _announced(self, message: cti.AgentPreCallEvent) -> None:
        task_id = _task_id(message)
        if task_id is not None:
            agent = message.agent_id or message.agent_instrument or ""
            self.on_assignment(Assignment(task_id, message.mrd_id, message.agent_skill_target_id, agent))

    def _lost(self, task_id: TaskId | None, why: str) -> None:
        if task_id is not None:
            self._reports = {number: task for number, task in self._reports.items() if task != task_id}
            self.on_task_lost(task_id, why)


def _task_id(message: cti.AgentPreCallEvent | cti.AgentPreCallAbortEvent) -> TaskId | None:
    """The three numbers of the task, None when one is absent (cti-notes "Tasks")."""
    numbers = (
        message.router_call_key_day,
        message.router_call_key_call_id,
        message.router_call_key_sequence_number,
    )
    known = [number for number in numbers if number is not None]
    return TaskId(*known) if len(known) == len(numbers) else None


@asynccontextmanager
async def open_reporting(
    address: str, security: Security, identity: Identity, *, observe: Observer = unheeded
) -> AsyncIterator[ReportingClient]:
    """Dial and open; closes in order at the end of the block. Raises ClientError."""
    link = await connect(address, security, cti_codec(CTI_VERSION), observe)
    async with reporting_over(link, identity) as client:
        yield client


@asynccontextmanager
async def reporting_over(link: Link, identity: Identity) -> AsyncIterator[ReportingClient]:
    """As `open_reporting`, over a link that is there. Raises ClientError."""
    client = ReportingClient(link)
    async with running(client, link):
        opened = client.expect("open")
        await client.send(_open_request(client.invoke_id(), identity))
        answer: cti.OpenConf = await opened.wait(ANSWER_S, "OPEN_CONF")
        if not answer.services_granted & cti.ServiceMask.AGENT_REPORTING:
            raise ClientError("the gateway does not grant agent reporting to this client")
        yield client


def _open_request(invoke_id: int, identity: Identity) -> cti.OpenReq:
    floating: list[tuple[int, FloatValue]] = [(cti.OpenReq.CLIENT_ID, identity.client_id)]
    if identity.password is not None:
        floating.append((cti.OpenReq.CLIENT_PASSWORD, identity.password))
    floating.append((cti.OpenReq.APPLICATION_PATH_ID, identity.application_path))
    return cti.OpenReq(
        invoke_id=invoke_id,
        version_number=CTI_VERSION,
        idle_timeout=round(IDLE_HEARTBEATS * HEARTBEAT_S),
        peripheral_id=NULL_PERIPHERAL,
        services_requested=cti.ServiceMask.AGENT_REPORTING,
        call_msg_mask=0,
        agent_state_mask=0,
        config_msg_mask=0,
        reserved1=0,
        reserved2=0,
        reserved3=0,
        floating=floating,
    )
