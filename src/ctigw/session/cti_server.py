"""A CTI session in which we are the server.

Knows opening, keeping and ending, and which messages may pass; must not know agents or tasks. Rules: cti-notes
"Opening", "Keeping and ending", "Failure rules", decisions A3, A7, C1, C2, C8.
"""

from collections.abc import Callable

from ctigw.errors import DecodeError, LocalProtocolError
from ctigw.session.access import CtiAccess, Grant, RefusalLedger, device_names
from ctigw.session.core import CLOSE_TIME_S, UNKNOWN_MESSAGE, SessionCore, idle_seconds
from ctigw.session.cti_content import find_problem
from ctigw.session.cti_services import (
    SERVED,
    Kind,
    first_version,
    is_for_clients,
    kind_of,
    name_of,
    needed_services,
    refusal_of,
)
from ctigw.session.device_registry import Device, DeviceRegistry
from ctigw.session.events import (
    CloseReason,
    CtiClientDetails,
    FrameErrorReason,
    Lane,
    MessageReceived,
    SessionOpened,
    SessionTouched,
)
from ctigw.session.failures import failure_conf
from ctigw.session.session import PeerIdentity
from ctigw.session.states import CTI_SESSION, CtiState
from ctigw.session.system_events import system_event
from ctigw.wire import CTI_MAX_BODY, Message, UnknownMessage, cti, cti_codec, lookup

OLDEST_VERSION = 13
NEWEST_VERSION = 25
"""Decisions A3."""

ACTIVE_STANDBY_VERSION = 24
"""The active and standby service, and SessionType, exist from this version on (cti-notes)."""

PERIPHERAL_TYPE = 17
"""Type of every peripheral that we serve (decisions C5)."""

_INVOKE_ID_BYTES = 4
_SECONDS = 1
"""IdleTimeout is in seconds (decisions A3)."""

_TIME_MASK = 0xFFFFFFFF


AgentStateOf = Callable[[int, str, float], int]
"""Peripheral, number of an agent, now (UTC seconds) -> overall state of the agent for OPEN_CONF.AgentState."""


def no_agent_state(peripheral: int, number: str, now: float) -> int:
    """The answer of one who knows no agents."""
    return cti.AgentState.UNKNOWN


class CtiServerSession(SessionCore):
    """The peer is a CTI client.

    `MessageReceived` carries only messages that this build serves, whose service is granted, and that the session's
    version has.
    """

    def __init__(
        self,
        access: CtiAccess,
        ledger: RefusalLedger,
        devices: DeviceRegistry,
        peer: PeerIdentity,
        now: float,
        *,
        standby: bool = False,
        agent_state: AgentStateOf = no_agent_state,
    ) -> None:
        super().__init__("cti", "client", cti_codec(NEWEST_VERSION), CTI_MAX_BODY, now)
        self.client_id = ""
        self._access = access
        self._ledger = ledger
        self._registry = devices
        self._peer = peer
        self._standby = standby
        self._agent_state = agent_state
        self._state = CtiState.OPENING
        self._services = cti.ServiceMask(0)
        self._devices: tuple[Device, ...] = ()
        self._idle_s: float | None = None
        self._limit = now
        """When a refusal is due, or closing has taken too long."""
        self._held_back: tuple[int, cti.FailureStatus, str] | None = None

    # Facts from the driver.

    def receive_eof(self, now: float) -> None:
        """See `Session`."""
        reason = CloseReason.WE_CLOSED if self._state is CtiState.CLOSING else CloseReason.EOF
        self._end(reason, "the peer closed the connection")

    def submit(self, message: Message, now: float) -> None:
        """See `Session`. What the session's version does not have is left out by the codec."""
        if self._state is not CtiState.OPEN or self._ended:
            return
        if not is_for_clients(message.TYPE):
            raise LocalProtocolError(f"a CTI server does not send {message.NAME}")
        self._send(message, Lane.DATA)

    def close(self, status: int, now: float) -> None:
        """See `Session`: FAILURE_EVENT with `status`, 15 (server offline) for 0; the client closes within 5 s, or we
        do.
        """
        if self._ended or self._state is CtiState.CLOSING:
            return
        if self._state is not CtiState.OPEN:
            self._end(CloseReason.WE_CLOSED, "closed before it was open")
            return
        self._send(cti.FailureEvent(status or cti.FailureStatus.CTI_SERVER_OFFLINE), Lane.CONTROL)
        self._state = CtiState.CLOSING
        self._limit = now + CLOSE_TIME_S

    def replace(self, now: float) -> None:
        """Another session of the same client took this session's device (decisions C1)."""
        if not self._ended:
            self._send(cti.FailureEvent(cti.FailureStatus.NEW_SESSION_OPENED), Lane.CONTROL)
            self._end(CloseReason.REPLACED, "the client opened a new session for the same agent device")

    def next_deadline(self) -> float | None:
        """See `Session`."""
        if self._ended:
            return None
        if self._state in (CtiState.REFUSING, CtiState.CLOSING):
            return self._limit
        if self._state is CtiState.OPENING or self._idle_s is None:
            return None
        return self._last_received + self._idle_s

    def handle_deadline(self, now: float) -> None:
        """See `Session`."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return
        if self._held_back is not None:
            self._refuse_open(*self._held_back)
        elif self._state is CtiState.CLOSING:
            self._end(CloseReason.WE_CLOSED, f"the client did not close within {CLOSE_TIME_S:g} s")
        else:
            self._end(CloseReason.IDLE, f"no message for {self._idle_s:g} s")

    # Frames.

    def _receive_frame(self, message_type: int, body: bytes, now: float) -> None:
        if self._state is CtiState.OPENING:
            self._receive_first(message_type, body, now)
            return
        try:
            message = self._codec.decode(message_type, body)
        except DecodeError as error:
            self._count("in", name_of(message_type) or UNKNOWN_MESSAGE)
            self._refuse(FrameErrorReason.MALFORMED, str(error))
            self._answer(message_type, body, cti.FailureStatus.BAD_MESSAGE_FORMAT)
            return
        if isinstance(message, UnknownMessage):
            self._count("in", UNKNOWN_MESSAGE)
            self._refuse(FrameErrorReason.UNKNOWN_TYPE, f"type {message_type}")
            self._fail(cti.FailureStatus.INVALID_REQUEST_TYPE)
            return
        self._count("in", message.NAME)
        before = self._state
        after = CTI_SESSION.get((before, type(message)))
        if after is None:
            self._receive_service_message(message, body)
            return
        self._handle(message)
        if self._state is before and not self._ended:
            self._state = after

    def _receive_first(self, message_type: int, body: bytes, now: float) -> None:
        if message_type != cti.OpenReq.TYPE:
            self._count("in", name_of(message_type) or UNKNOWN_MESSAGE)
            self._refuse(FrameErrorReason.NOT_OPEN, f"first message has type {message_type}")
            self._fail(cti.FailureStatus.SESSION_NOT_OPEN)
            self._end(CloseReason.WRONG_FIRST_MESSAGE, f"first message has type {message_type}, not OPEN_REQ")
            return
        self._count("in", cti.OpenReq.NAME)
        invoke_id, version = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        if not OLDEST_VERSION <= version <= NEWEST_VERSION:
            self._refuse_open(invoke_id, cti.FailureStatus.INVALID_VERSION, f"version {version}")
            return
        self.version = version
        self._codec = cti_codec(version)
        try:
            message = self._codec.decode(message_type, body)
        except DecodeError as error:
            self._refuse(FrameErrorReason.MALFORMED, str(error))
            self._refuse_open(invoke_id, cti.FailureStatus.BAD_MESSAGE_FORMAT, str(error))
            return
        if isinstance(message, cti.OpenReq):
            self._answer_open(message, now)

    def _handle(self, message: Message) -> None:
        """Take a session message that the table allows in this state."""
        match message:
            case cti.OpenReq():
                self._refuse(FrameErrorReason.ALREADY_OPEN, "OPEN_REQ in an open session")
                self._fail_request(message.invoke_id, cti.FailureStatus.SESSION_ALREADY_OPEN)
            case cti.HeartbeatReq() if self._state is CtiState.CLOSING:
                self._fail_request(message.invoke_id, cti.FailureStatus.CTI_SERVER_OFFLINE)
            case cti.HeartbeatReq():
                self._send(cti.HeartbeatConf(message.invoke_id), Lane.CONTROL)
            case cti.CloseReq():
                # Behind the events that are still waiting: a client stops reading at CLOSE_CONF.
                self._send(cti.CloseConf(message.invoke_id), Lane.DATA)
                closing = self._state is CtiState.CLOSING
                reason = CloseReason.WE_CLOSED if closing else CloseReason.PEER_CLOSED
                self._end(reason, f"CLOSE_REQ with status {message.status}")
            case _:
                raise LocalProtocolError(f"no rule for {message.NAME}")

    def _receive_service_message(self, message: Message, body: bytes) -> None:
        message_type = message.TYPE
        kind = kind_of(message_type)
        if kind is Kind.NOT_FROM_CLIENT:
            self._refuse(FrameErrorReason.WRONG_DIRECTION, f"{message.NAME} from a client")
            self._fail(cti.FailureStatus.INVALID_REQUEST_TYPE)
            return
        if self._state is CtiState.CLOSING:
            self._refuse(FrameErrorReason.NOT_OPEN, f"{message.NAME} while the session ends")
            self._answer(message_type, body, cti.FailureStatus.CTI_SERVER_OFFLINE)
            return
        if first_version(message_type) > self.version:
            self._refuse(FrameErrorReason.NOT_FOR_VERSION, f"{message.NAME} in version {self.version}")
            self._answer(message_type, body, cti.FailureStatus.INVALID_MSG_TYPE_FOR_VERSION)
            return
        needed = needed_services(message_type)
        if needed and not needed & self._services:
            self._refuse(FrameErrorReason.NOT_ALLOWED, f"{message.NAME} without the service that it needs")
            self._answer(message_type, body, cti.FailureStatus.FUNCTION_NOT_AVAILABLE)
            return
        if message_type not in SERVED:
            self._refuse(FrameErrorReason.NOT_SERVED, message.NAME)
            self._answer_not_served(message_type, body)
            return
        if self._standby:
            self._refuse(FrameErrorReason.NOT_SERVED, f"{message.NAME} to a standby side")
            self._answer(message_type, body, cti.FailureStatus.INVALID_CLIENT_FOR_STANDBY)
            return
        problem = find_problem(message, lookup("cti", message.NAME))
        if problem is not None:
            self._refuse(FrameErrorReason.MALFORMED, f"{message.NAME}: {problem}")
            self._answer(message_type, body, cti.FailureStatus.BAD_MESSAGE_FORMAT)
            return
        self._events.append(MessageReceived(message))

    # Opening.

    def _answer_open(self, request: cti.OpenReq, now: float) -> None:
        if self._standby and not self._may_open_on_standby(request):
            self._refuse_open(request.invoke_id, cti.FailureStatus.CTI_SERVER_OFFLINE, "this side is standby")
            return
        verdict = self._access.check(request, self._peer)
        if not isinstance(verdict, Grant):
            if verdict.held_back:
                self._state = CtiState.REFUSING
                self._deaf = True
                self._limit = now + self._ledger.next_delay(self._peer.address, now)
                self._held_back = request.invoke_id, verdict.status, verdict.detail
            else:
                self._refuse_open(request.invoke_id, verdict.status, verdict.detail)
            return
        if verdict.services & cti.ServiceMask.CLIENT_EVENTS:
            devices = tuple((request.peripheral_id, name) for name in device_names(request))
            if self._registry.is_taken(devices, verdict.client.id):
                self._refuse_open(request.invoke_id, cti.FailureStatus.DEVICE_IN_USE, "another client has the device")
                return
            self._devices = devices
        self._open(request, verdict, now)

    def _may_open_on_standby(self, request: cti.OpenReq) -> bool:
        asked = request.services_requested & cti.ServiceMask.ACTIVE_STANDBY
        return self.version >= ACTIVE_STANDBY_VERSION and bool(asked)

    def _open(self, request: cti.OpenReq, grant: Grant, now: float) -> None:
        self.client_id = grant.client.id
        self._services = grant.services
        self._idle_s = idle_seconds(request.idle_timeout, _SECONDS)
        self._state = CtiState.OPEN
        for session in self._registry.claim(self._devices, self, now):
            self._events.append(SessionTouched(session))
        self._send(self._open_conf(request, grant, now), Lane.CONTROL)
        details = CtiClientDetails(
            client_id=grant.client.id,
            services=grant.services,
            application_path=grant.application_path,
            call_event_mask=request.call_msg_mask,
            agent_state_mask=request.agent_state_mask,
            config_mask=request.config_msg_mask,
            peripheral_id=request.peripheral_id,
            agent_extension=request.agent_extension,
            agent_id=request.agent_id,
            agent_instrument=request.agent_instrument,
            client_signature=request.client_signature,
        )
        self._events.append(SessionOpened(self.protocol, self.role, self.side, details))
        if grant.services & cti.ServiceMask.ALL_EVENTS:
            for peripheral in self._access.peripherals:
                self._send(system_event(cti.SystemEventId.PERIPHERAL_ONLINE, now, peripheral), Lane.DATA)

    def _open_conf(self, request: cti.OpenReq, grant: Grant, now: float) -> cti.OpenConf:
        agent_state: int = cti.AgentState.LOGIN
        for peripheral, number in self._devices:
            agent_state = self._agent_state(peripheral, number, now)
        answer = cti.OpenConf(
            invoke_id=request.invoke_id,
            services_granted=grant.services,
            monitor_id=0,
            pg_status=0,
            icm_central_controller_time=int(now) & _TIME_MASK,
            peripheral_online=1,
            peripheral_type=PERIPHERAL_TYPE,
            agent_state=agent_state,
            department_id=0,
            session_type=cti.SessionType.STANDBY if self._standby else cti.SessionType.ACTIVE,
        )
        if self._devices:
            given = (
                (cti.OpenConf.AGENT_EXTENSION, request.agent_extension),
                (cti.OpenConf.AGENT_ID, request.agent_id),
                (cti.OpenConf.AGENT_INSTRUMENT, request.agent_instrument),
            )
            answer.floating.extend((tag, text) for tag, text in given if text is not None)
        return answer

    def _refuse_open(self, invoke_id: int, status: cti.FailureStatus, detail: str) -> None:
        self._refuse(FrameErrorReason.REFUSED_OPEN, detail)
        self._fail_request(invoke_id, status)
        self._end(CloseReason.REFUSED, f"OPEN_REQ refused with status {status.value}: {detail}")

    def _release(self) -> None:
        self._state = CtiState.CLOSED
        self._held_back = None
        self._registry.release(self._devices, self)

    # Failures (decisions A7).

    def _answer(self, message_type: int, body: bytes, status: cti.FailureStatus) -> None:
        """Answer a bad message in the way that its type wants."""
        kind = kind_of(message_type)
        if kind is Kind.ARM_INDICATION and len(body) >= _INVOKE_ID_BYTES:
            sequence = cti.ArmStatus.INVALID_MESSAGE_SEQUENCE
            self._send(cti.FailureResp(_invoke_id(body), sequence), Lane.CONTROL)
        elif kind is Kind.REQUEST:
            self._answer_request(body, status)
        else:
            self._fail(status)

    def _answer_not_served(self, message_type: int, body: bytes) -> None:
        refusal = refusal_of(message_type)
        if refusal.control and len(body) >= _INVOKE_ID_BYTES:
            self._send(cti.ControlFailureConf(_invoke_id(body), refusal.status, 0), Lane.CONTROL)
        else:
            self._answer(message_type, body, cti.FailureStatus(refusal.status))

    def _answer_request(self, body: bytes, status: cti.FailureStatus) -> None:
        if len(body) >= _INVOKE_ID_BYTES:
            self._fail_request(_invoke_id(body), status)
        else:
            self._fail(status)

    def _fail_request(self, invoke_id: int, status: cti.FailureStatus) -> None:
        self._send(failure_conf(self.version, invoke_id, status), Lane.CONTROL)

    def _fail(self, status: cti.FailureStatus) -> None:
        self._send(cti.FailureEvent(status), Lane.CONTROL)


def _invoke_id(body: bytes) -> int:
    return int.from_bytes(body[:_INVOKE_ID_BYTES], "big")
