"""What both roles of an MR session share: opening with versions, heartbeats, bad input, the orderly end.

Knows session messages of the MR protocol and the counting of dialogue messages; must not know what a dialogue is
about, nor sockets. Rules: mr-wire (g) "Session procedure", decisions A1, A2, A4, A7. Who opened the session sends the
heartbeats.
"""

from collections.abc import Callable

from ctigw.errors import DecodeError
from ctigw.session.core import CLOSE_TIME_S, UNKNOWN_MESSAGE, SessionCore, idle_seconds
from ctigw.session.dialogues import FIRST_SEQUENCE, NULL, Dialogues
from ctigw.session.events import CloseReason, FrameErrorReason, Lane, MessageReceived, NewTaskFailed
from ctigw.session.session import PeerIdentity
from ctigw.session.states import LISTENER_HEARTBEATS, OPENER_HEARTBEATS, MrState, Transitions
from ctigw.wire import MR_MAX_BODY, Codec, Message, UnknownMessage, mr

MR_VERSION = 5
"""Newest version of the profile; it exists by release 12.6(1) (mr-wire (a))."""

TASK_CONTROL = 47
"""MessageType of all dialogue messages."""

TASK_CONTROL_BYTES = 12
"""Subtype, DialogueID and SendSeqNo; a frame of type 47 below that cannot even be answered."""

OPEN_TIME_S = 10.0
"""Time for the peer's answer to our OPEN_REQ (mr-wire (g) 2)."""

UNANSWERED_HEARTBEATS = 3
"""So many unanswered heartbeats end the session (mr-wire (g) 4)."""

IDLE_HEARTBEATS = 4
"""IdleTimeout in heartbeat intervals (mr-wire (g) 2)."""

MILLISECONDS = 1000
"""IdleTimeout is in milliseconds (decisions A3)."""

DialogueMessage = (
    mr.NewTask
    | mr.DoThisWithTask
    | mr.NewTaskFailure
    | mr.CancelTask
    | mr.CancelTaskConf
    | mr.RunScriptReq
    | mr.RunScriptResult
    | mr.DialogueFailureConf
    | mr.DialogueFailureEvent
)
"""What is said inside a dialogue."""

CodecProvider = Callable[[int], Codec]
"""Gives the codec of an MR version: the built-in table or a corrected one."""


class MrSession(SessionCore):
    """Base of the two MR sessions; `transitions` is the table of the role."""

    def __init__(
        self,
        role: str,
        transitions: Transitions,
        codecs: CodecProvider,
        peer: PeerIdentity,
        now: float,
        *,
        we_open_heartbeat_s: float | None,
    ) -> None:
        """`we_open_heartbeat_s`: heartbeat interval when we dialled, None when the peer did."""
        super().__init__("mr", role, codecs(MR_VERSION), MR_MAX_BODY, now)
        self._codecs = codecs
        self._peer = peer
        self._heartbeat_s = we_open_heartbeat_s
        heartbeats = LISTENER_HEARTBEATS if we_open_heartbeat_s is None else OPENER_HEARTBEATS
        self._transitions = transitions | heartbeats
        self._state = MrState.OPENING
        self._dialogues = Dialogues()
        self._next_invoke_id = 1
        self._idle_s: float | None = None
        self._heartbeat_due = now
        self._heartbeats_open: list[int] = []
        self._limit = now
        """When opening or closing has taken too long."""
        if we_open_heartbeat_s is not None:
            self._connect(now, we_open_heartbeat_s)

    # Facts from the driver.

    def receive_eof(self, now: float) -> None:
        """See `Session`."""
        reason = CloseReason.WE_CLOSED if self._state is MrState.CLOSING else CloseReason.EOF
        self._end(reason, "the peer closed the connection")

    def close(self, status: int, now: float) -> None:
        """See `Session`: CLOSE_REQ with `status` (0 NO_ERROR)."""
        if self._ended or self._state is MrState.CLOSING:
            return
        if self._state is not MrState.OPEN:
            self._end(CloseReason.WE_CLOSED, "closed before it was open")
            return
        self._send(mr.CloseReq(self._invoke_id(), status), Lane.CONTROL)
        self._state = MrState.CLOSING
        self._limit = now + CLOSE_TIME_S

    def next_deadline(self) -> float | None:
        """See `Session`."""
        if self._ended or self._state is MrState.OPENING:
            return None
        if self._state in (MrState.CONNECTING, MrState.CLOSING):
            return self._limit
        if self._heartbeat_s is not None:
            return self._heartbeat_due
        return None if self._idle_s is None else self._last_received + self._idle_s

    def handle_deadline(self, now: float) -> None:
        """See `Session`."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return
        if self._state is MrState.CONNECTING:
            self._end(CloseReason.REFUSED, f"no OPEN_CONF within {OPEN_TIME_S:g} s")
        elif self._state is MrState.CLOSING:
            self._end(CloseReason.WE_CLOSED, f"no CLOSE_CONF within {CLOSE_TIME_S:g} s")
        elif self._heartbeat_s is not None:
            self._beat(now, self._heartbeat_s)
        else:
            self._end(CloseReason.IDLE, f"no message for {self._idle_s:g} s")

    # Frames.

    def _receive_frame(self, message_type: int, body: bytes, now: float) -> None:
        if message_type == TASK_CONTROL and len(body) < TASK_CONTROL_BYTES:
            self._count("in", UNKNOWN_MESSAGE)
            self._refuse(FrameErrorReason.MALFORMED, f"type 47 with {len(body)} bytes")
            self._end(CloseReason.BAD_FRAME, f"type 47 needs {TASK_CONTROL_BYTES} bytes, got {len(body)}")
            return
        if self._state is MrState.OPENING and message_type != mr.OpenReq.TYPE:
            self._count("in", UNKNOWN_MESSAGE)
            self._refuse(FrameErrorReason.NOT_OPEN, f"first message has type {message_type}")
            self._send(mr.FailureEvent(mr.Status.SESSION_NOT_ACTIVE), Lane.CONTROL)
            self._end(CloseReason.WRONG_FIRST_MESSAGE, f"first message has type {message_type}, not OPEN_REQ")
            return
        try:
            message = self._codec.decode(message_type, body)
        except DecodeError as error:
            self._count("in", error.message or UNKNOWN_MESSAGE)
            self._refuse(FrameErrorReason.MALFORMED, str(error))
            self._answer_malformed(message_type, body)
            return
        if isinstance(message, UnknownMessage):
            self._count("in", UNKNOWN_MESSAGE)
            self._answer_unknown(message)
            return
        self._count("in", message.NAME)
        before = self._state
        after = self._transitions.get((before, type(message)))
        if after is None:
            self._answer_misplaced(message)
            return
        self._handle(message, now)
        if self._state is before and not self._ended:
            self._state = after

    def _handle(self, message: Message, now: float) -> None:
        """Take a message that the table allows in this state."""
        if message.TYPE == TASK_CONTROL:  # by far the most frequent
            self._handle_dialogue_message(message, now)
            return
        match message:
            case mr.OpenReq() if self._state is MrState.OPENING:
                self._answer_open(message, now)
            case mr.OpenReq():
                self._refuse(FrameErrorReason.ALREADY_OPEN, "OPEN_REQ in an open session")
                self._send(mr.FailureConf(message.invoke_id, mr.Status.SESSION_ALREADY_ACTIVE), Lane.CONTROL)
            case mr.OpenConf():
                self._take_open_conf(message, now)
            case mr.HeartbeatReq():
                self._send(mr.HeartbeatConf(message.invoke_id), Lane.CONTROL)
            case mr.HeartbeatConf():
                if message.invoke_id in self._heartbeats_open:
                    # An answer to a later heartbeat answers the earlier ones too: the link lives.
                    del self._heartbeats_open[: self._heartbeats_open.index(message.invoke_id) + 1]
            case mr.CloseReq():
                # Behind the answers that are still waiting: a peer stops reading at CLOSE_CONF.
                self._send(mr.CloseConf(message.invoke_id), Lane.DATA)
                closing = self._state is MrState.CLOSING
                reason = CloseReason.WE_CLOSED if closing else CloseReason.PEER_CLOSED
                self._end(reason, f"CLOSE_REQ with status {message.status}")
            case mr.CloseConf():
                self._end(CloseReason.WE_CLOSED, "CLOSE_CONF")
            case mr.FailureConf() | mr.FailureEvent():
                self._take_failure(message)
            case _:
                self._handle_dialogue_message(message, now)

    def _handle_dialogue_message(self, message: Message, now: float) -> None:
        raise NotImplementedError

    # Opening.

    def _answer_open(self, request: mr.OpenReq, now: float) -> None:
        """Check OPEN_REQ and answer it. Common part: the version; the role decides the rest in `_accept`."""
        if request.version_number == 0:
            self._refuse_open(request.invoke_id, mr.Status.INVALID_VERSION, "version 0")
            return
        refusal = self._objection(request, now)
        if refusal is not None:
            self._refuse_open(request.invoke_id, *refusal)
            return
        self._settle(min(MR_VERSION, request.version_number))
        self._idle_s = idle_seconds(request.idle_timeout, MILLISECONDS)
        self._send(mr.OpenConf(request.invoke_id, self.version, mr.Status.NO_ERROR), Lane.CONTROL)
        self._opened(request.peripheral_id, now)

    def _objection(self, request: mr.OpenReq, now: float) -> tuple[mr.Status, str] | None:
        """Why the role does not open this session."""
        raise NotImplementedError

    def _opened(self, peripheral_id: int | None, now: float) -> None:
        """The session is open: say so, and send what follows at once."""
        raise NotImplementedError

    def _refuse_open(self, invoke_id: int, status: mr.Status, detail: str) -> None:
        self._refuse(FrameErrorReason.REFUSED_OPEN, detail)
        self._send(mr.FailureConf(invoke_id, status), Lane.CONTROL)
        self._end(CloseReason.REFUSED, f"OPEN_REQ refused with status {status.value}: {detail}")

    def _connect(self, now: float, heartbeat_s: float) -> None:
        idle_timeout = round(IDLE_HEARTBEATS * heartbeat_s * MILLISECONDS)
        self._send(mr.OpenReq(self._invoke_id(), MR_VERSION, idle_timeout), Lane.CONTROL)
        self._state = MrState.CONNECTING
        self._limit = now + OPEN_TIME_S

    def _take_open_conf(self, answer: mr.OpenConf, now: float) -> None:
        if answer.status != mr.Status.NO_ERROR or not 1 <= answer.version_number <= MR_VERSION:
            self._refuse(FrameErrorReason.REFUSED_OPEN, f"OPEN_CONF with version {answer.version_number}")
            self._end(CloseReason.REFUSED, f"OPEN_CONF with version {answer.version_number} and status {answer.status}")
            return
        self._settle(answer.version_number)
        assert self._heartbeat_s is not None
        self._heartbeat_due = now + self._heartbeat_s
        self._opened(None, now)

    def _settle(self, version: int) -> None:
        self.version = version
        self._codec = self._codecs(version)
        self._state = MrState.OPEN

    # Keeping.

    def _beat(self, now: float, heartbeat_s: float) -> None:
        if len(self._heartbeats_open) >= UNANSWERED_HEARTBEATS:
            self._end(CloseReason.NO_HEARTBEAT, f"{UNANSWERED_HEARTBEATS} heartbeats unanswered")
            return
        invoke_id = self._invoke_id()
        self._heartbeats_open.append(invoke_id)
        self._send(mr.HeartbeatReq(invoke_id), Lane.CONTROL)
        self._heartbeat_due = now + heartbeat_s

    def _take_failure(self, message: mr.FailureConf | mr.FailureEvent) -> None:
        detail = f"the peer sent {message.NAME} with status {message.status}"
        self._refuse(FrameErrorReason.PEER_FAILURE, detail)
        if self._state is MrState.CONNECTING:
            self._end(CloseReason.REFUSED, detail)

    def _invoke_id(self) -> int:
        number = self._next_invoke_id
        self._next_invoke_id = number % 0x7FFFFFFF + 1
        return number

    # Bad input (decisions A7).

    def _answer_malformed(self, message_type: int, body: bytes) -> None:
        if message_type == TASK_CONTROL:
            if int.from_bytes(body[:4], "big") == mr.NewTask.SUBTYPE:
                self._fail_new_task(_dialogue_id(body), mr.NewTaskFailureReason.INVALID_NEW_TASK_MESSAGE)
            else:
                self._fail_dialogue(_dialogue_id(body), mr.Status.INVALID_MESSAGE)
            return
        self._send(mr.FailureEvent(mr.Status.INVALID_MESSAGE), Lane.CONTROL)
        if self._state is MrState.OPENING:
            self._end(CloseReason.REFUSED, "OPEN_REQ does not parse")

    def _answer_unknown(self, message: UnknownMessage) -> None:
        if message.type == TASK_CONTROL:
            self._refuse(FrameErrorReason.UNKNOWN_SUBTYPE, f"sub-type {message.subtype}")
            self._fail_dialogue(_dialogue_id(message.body), mr.Status.INVALID_MESSAGE)
            return
        self._refuse(FrameErrorReason.UNKNOWN_TYPE, f"type {message.type}")
        self._send(mr.FailureEvent(mr.Status.INVALID_MESSAGE), Lane.CONTROL)

    def _answer_misplaced(self, message: Message) -> None:
        """Answer a message that the table does not have: before the session is open, or never from this peer."""
        if self._state is MrState.CONNECTING:
            self._refuse(FrameErrorReason.NOT_OPEN, f"{message.NAME} before OPEN_CONF")
            self._send(mr.FailureEvent(mr.Status.SESSION_NOT_ACTIVE), Lane.CONTROL)
            return
        self._refuse(FrameErrorReason.WRONG_DIRECTION, f"{message.NAME} from a peer that is {self.role}")
        if self._state is MrState.CLOSING:
            return
        if message.TYPE == TASK_CONTROL:
            dialogue_id = getattr(message, "dialogue_id", 0)
            self._fail_dialogue(dialogue_id, mr.Status.INVALID_MESSAGE)
        else:
            self._send(mr.FailureEvent(mr.Status.INVALID_MESSAGE), Lane.CONTROL)

    def _release(self) -> None:
        self._state = MrState.CLOSED

    # Dialogue failures.

    def _take_dialogue_failure(self, message: mr.DialogueFailureConf | mr.DialogueFailureEvent) -> None:
        """Report a failure of an open dialogue; one of no dialogue is counted, never answered."""
        if message.dialogue_id in self._dialogues:
            self._check_sequence(message.dialogue_id, message.send_seq_no)
            self._events.append(MessageReceived(message))
        else:
            detail = f"the peer sent {message.NAME} with code {message.error_code} for no open dialogue"
            self._refuse(FrameErrorReason.PEER_FAILURE, detail)

    def _fail_new_task(self, dialogue_id: int, reason: mr.NewTaskFailureReason, cause_code: int = 0) -> None:
        """Refuse a NEW_TASK that opened no dialogue: the one message of its dialogue, so SendSeqNo is 1.

        A duplicate is refused in the same way: the open dialogue and its numbers stay untouched (decisions D2).
        """
        self._send(mr.NewTaskFailure(dialogue_id, FIRST_SEQUENCE, reason, cause_code), Lane.DATA)

    def _fail_dialogue(self, dialogue_id: int, status: mr.Status) -> None:
        if dialogue_id == NULL:
            self._send(mr.DialogueFailureEvent(NULL, NULL, status), Lane.DATA)
        else:
            self._send_in_dialogue(mr.DialogueFailureEvent(dialogue_id, 0, status))

    def _send(self, message: Message, lane: Lane) -> bool:
        """Encode and queue, and report a NEW_TASK_FAILURE: every one of them passes here."""
        sent = super()._send(message, lane)
        if sent and isinstance(message, mr.NewTaskFailure):
            self._events.append(NewTaskFailed(message.reason))
        return sent

    def _send_in_dialogue(self, message: DialogueMessage) -> bool:
        """Send with the next SendSeqNo of the dialogue, which is used up only by a message that goes out."""
        message.send_seq_no = self._dialogues.next_to_send(message.dialogue_id)
        sent = self._send(message, Lane.DATA)
        if sent:
            self._dialogues.sent(message.dialogue_id)
        return sent

    def _check_sequence(self, dialogue_id: int, number: int) -> None:
        due = self._dialogues.check_received(dialogue_id, number)
        if due is not None:
            detail = f"dialogue {dialogue_id}: SendSeqNo {number} instead of {due}"
            self._refuse(FrameErrorReason.SEQUENCE, detail)


def _dialogue_id(body: bytes) -> int:
    """DialogueID of a type 47 body, which is known to be long enough."""
    return int.from_bytes(body[4:8], "big")
