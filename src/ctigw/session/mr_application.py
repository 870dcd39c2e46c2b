"""An MR session in which we are the application: a PIM dialled us and offers routing.

Knows our dialogues with the PIM; must not know who wants a task routed. Rules: mr-wire (g) session procedure and
dialogue procedure, decisions A4, A7, C8 (standby), D1 (one connection per PIM, told apart by PeripheralID and side).
"""

from ctigw.errors import LocalProtocolError
from ctigw.session.bindings import PimPlaces
from ctigw.session.dialogues import FIRST_DIALOGUE_ID, LAST_DIALOGUE_ID
from ctigw.session.events import (
    CloseReason,
    FrameErrorReason,
    Lane,
    MessageReceived,
    MrApplicationDetails,
    SessionOpened,
    SessionTouched,
)
from ctigw.session.mr_pim import GRACEFUL_SHUTDOWN_VERSION
from ctigw.session.mr_session import IDLE_HEARTBEATS, CodecProvider, MrSession
from ctigw.session.pim_registry import Pim, PimRegistry
from ctigw.session.session import PeerIdentity
from ctigw.session.states import MR_APPLICATION, MrState
from ctigw.wire import Message, mr

Answer = mr.DoThisWithTask | mr.NewTaskFailure | mr.CancelTaskConf | mr.RunScriptReq


class MrApplicationSession(MrSession):
    """The peer is a PIM.

    `MessageReceived` carries ROUTING_ENABLED, ROUTING_DISABLED, GRACEFUL_SHUTDOWN_EVENT, the PIM's messages of open
    dialogues, and a CANCEL_TASK_CONF that comes after its dialogue was answered.
    """

    def __init__(
        self,
        codecs: CodecProvider,
        places: PimPlaces,
        registry: PimRegistry,
        peer: PeerIdentity,
        now: float,
        *,
        standby: bool = False,
    ) -> None:
        super().__init__("pim", MR_APPLICATION, codecs, peer, now, we_open_heartbeat_s=None)
        self.routing_enabled = False
        """Whether NEW_TASK may be sent now."""
        self._places = places
        self._registry = registry
        self._standby = standby
        self._pim: Pim | None = None
        self._next_dialogue_id = FIRST_DIALOGUE_ID

    def submit(self, message: Message, now: float) -> None:
        """Send a message of a dialogue; `send_seq_no` is written into it, and `dialogue_id` into a NEW_TASK that has 0
        there.

        NEW_TASK while routing is not enabled is not sent and counted as `not_sent`; other messages of a dialogue that
        is not open are dropped without error, since the PIM's answer may have been faster.
        """
        if self._state is not MrState.OPEN or self._ended:
            return
        match message:
            case mr.NewTask():
                self._ask(message)
            case mr.CancelTask() | mr.RunScriptResult() | mr.DialogueFailureConf() | mr.DialogueFailureEvent():
                if message.dialogue_id in self._dialogues:
                    self._send_in_dialogue(message)
            case _:
                raise LocalProtocolError(f"an application does not send {message.NAME}")

    def is_silent(self, now: float) -> bool:
        """Whether nothing came for a heartbeat interval, a quarter of IdleTimeout; False without an IdleTimeout."""
        return self._idle_s is not None and now - self._last_received >= self._idle_s / IDLE_HEARTBEATS

    def replace(self, now: float) -> None:
        """A new connection of the same PIM takes over (decisions D1)."""
        if not self._ended:
            self._send(mr.FailureEvent(mr.Status.SESSION_ALREADY_ACTIVE), Lane.CONTROL)
            self._end(CloseReason.REPLACED, "a new connection of the same PIM took over")

    # Opening.

    def _objection(self, request: mr.OpenReq, now: float) -> tuple[mr.Status, str] | None:
        if self._standby:
            return mr.Status.APPLICATION_OFFLINE, "this side is standby"
        if self._registry.is_taken(self._places.find(self._peer, request.peripheral_id).pim, now):
            return mr.Status.SESSION_ALREADY_ACTIVE, "the PIM has a connection that is alive"
        return None

    def _opened(self, peripheral_id: int | None, now: float) -> None:
        place = self._places.find(self._peer, peripheral_id)
        self.side = place.pim.side
        self._pim = place.pim
        replaced = self._registry.claim(self._pim, self, now)
        if replaced is not None:
            self._events.append(SessionTouched(replaced))
        details = MrApplicationDetails(peripheral_id, place.gateway)
        self._events.append(SessionOpened(self.protocol, self.role, self.side, details))

    def _release(self) -> None:
        super()._release()
        self.routing_enabled = False
        if self._pim is not None:
            self._registry.release(self._pim, self)

    # What the PIM says.

    def _handle_dialogue_message(self, message: Message, now: float) -> None:
        if self._state is not MrState.OPEN:
            return
        match message:
            case mr.RoutingEnabled() | mr.RoutingDisabled():
                self.routing_enabled = isinstance(message, mr.RoutingEnabled)
                self._events.append(MessageReceived(message))
            case mr.GracefulShutdownEvent():
                self._take_graceful_shutdown(message)
            case mr.DoThisWithTask() | mr.NewTaskFailure() | mr.CancelTaskConf() | mr.RunScriptReq():
                self._take_answer(message)
            case mr.DialogueFailureConf() | mr.DialogueFailureEvent():
                self._take_dialogue_failure(message)
            case _:
                raise LocalProtocolError(f"no rule for {message.NAME}")

    def _take_graceful_shutdown(self, message: mr.GracefulShutdownEvent) -> None:
        if self.version >= GRACEFUL_SHUTDOWN_VERSION:
            self._events.append(MessageReceived(message))
            return
        self._refuse(FrameErrorReason.NOT_FOR_VERSION, f"{message.NAME} in version {self.version}")
        self._fail_dialogue(message.dialogue_id, mr.Status.INVALID_MESSAGE)

    def _take_answer(self, message: Answer) -> None:
        dialogue_id = message.dialogue_id
        late_confirmation = isinstance(message, mr.CancelTaskConf) and self._dialogues.was_ended(dialogue_id)
        self._check_sequence(dialogue_id, message.send_seq_no)
        if dialogue_id not in self._dialogues and not late_confirmation:
            self._refuse(FrameErrorReason.UNKNOWN_DIALOGUE, f"{message.NAME} of dialogue {dialogue_id}")
            self._fail_dialogue(dialogue_id, mr.Status.INVALID_DIALOGUEID)
            return
        self._events.append(MessageReceived(message))
        match message:
            case mr.DoThisWithTask() | mr.NewTaskFailure():
                self._dialogues.end(dialogue_id, remember=True)
            case mr.CancelTaskConf() if message.status == mr.Status.NO_ERROR:
                self._dialogues.end(dialogue_id, remember=False)

    # What we say.

    def _ask(self, message: mr.NewTask) -> None:
        if not self.routing_enabled:
            self._refuse(FrameErrorReason.NOT_SENT, "NEW_TASK while routing is not enabled")
            return
        dialogue_id = message.dialogue_id or self._free_dialogue_id()
        if dialogue_id in self._dialogues:
            self._refuse(FrameErrorReason.NOT_SENT, f"NEW_TASK for dialogue {dialogue_id}, which is open")
            return
        message.dialogue_id = dialogue_id
        self._dialogues.open(dialogue_id)
        if not self._send_in_dialogue(message):
            self._dialogues.end(dialogue_id, remember=False)

    def _free_dialogue_id(self) -> int:
        while self._next_dialogue_id in self._dialogues:
            self._advance_dialogue_id()
        dialogue_id = self._next_dialogue_id
        self._advance_dialogue_id()
        return dialogue_id

    def _advance_dialogue_id(self) -> None:
        self._next_dialogue_id = self._next_dialogue_id % LAST_DIALOGUE_ID + 1
