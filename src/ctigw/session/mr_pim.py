"""An MR session in which we are the PIM: a channel application asks, our router answers.

Knows the dialogues of the application and the checks that a NEW_TASK passes before the router sees it; must not know
routing. Rules: mr-wire (g) session procedure and dialogue procedure, decisions A4, A7, D1, D2, C8 (standby).
"""

from ctigw.errors import LocalProtocolError
from ctigw.session.bindings import ApplicationBinding, ApplicationBindings
from ctigw.session.dialogues import NULL, OPEN_DIALOGUES
from ctigw.session.events import FrameErrorReason, Lane, MessageReceived, MrPimDetails, SessionOpened
from ctigw.session.mr_session import CodecProvider, MrSession
from ctigw.session.new_task import find_context_problem, find_problem, new_task_floats
from ctigw.session.session import PeerIdentity
from ctigw.session.states import MR_PIM, MrState
from ctigw.wire import Message, mr

GRACEFUL_SHUTDOWN_VERSION = 5
"""GRACEFUL_SHUTDOWN_EVENT exists from this version on (mr-wire (g) 8)."""


class MrPimSession(MrSession):
    """The peer is an application. With `we_open_heartbeat_s` we dialled it and OPEN_REQ is among the first frames.

    `MessageReceived` carries NEW_TASK (well-formed, its dialogue is open now), CANCEL_TASK and RUN_SCRIPT_RESULT of
    open dialogues, and DIALOGUE_FAILURE_CONF and _EVENT of open dialogues. A dialogue ends when its DO_THIS_WITH_TASK,
    NEW_TASK_FAILURE or CANCEL_TASK_CONF with status 0 is submitted.
    """

    def __init__(
        self,
        codecs: CodecProvider,
        bindings: ApplicationBindings,
        peer: PeerIdentity,
        now: float,
        *,
        routing_enabled: bool = True,
        routing_disabled_reason: int = mr.RoutingDisabledReason.ROUTER_UNREACHABLE,
        standby: bool = False,
        dialled: ApplicationBinding | None = None,
        we_open_heartbeat_s: float | None = None,
    ) -> None:
        """`dialled`: the entry whose address we dialled; without it `bindings` decides when OPEN_REQ has come."""
        self._bindings = bindings
        self._binding = dialled
        self._routing_enabled = routing_enabled
        self._routing_disabled_reason = routing_disabled_reason
        self._standby = standby
        super().__init__("application", MR_PIM, codecs, peer, now, we_open_heartbeat_s=we_open_heartbeat_s)
        self._float_rows = new_task_floats(self._codec.rows)

    def set_routing_enabled(self, enabled: bool, reason: int, now: float) -> None:
        """Tell the application whether NEW_TASK may be sent. `reason`: 1 router unreachable, 2 not ready, 3
        administrative.

        Disabling fails every open dialogue with reason 24, in order of arrival; the router must drop their tasks
        itself. Setting what is set already does nothing.
        """
        if enabled == self._routing_enabled:
            return
        self._routing_enabled = enabled
        self._routing_disabled_reason = reason
        if self._state is MrState.OPEN:
            self._tell_routing()

    def submit(self, message: Message, now: float) -> None:
        """Send a dialogue message; `send_seq_no` is written into it.

        A message for a dialogue that is not open is dropped without error: the peer, or ROUTING_DISABLED, was faster.
        Only CANCEL_TASK_CONF goes out all the same, since a CANCEL_TASK may cross the answer of its dialogue.
        """
        if self._state is not MrState.OPEN or self._ended:
            return
        match message:
            case mr.DoThisWithTask() | mr.NewTaskFailure():
                self._answer(message)
            case mr.CancelTaskConf():
                self._confirm_cancel(message)
            case mr.RunScriptReq() | mr.DialogueFailureConf() | mr.DialogueFailureEvent():
                if message.dialogue_id in self._dialogues:
                    self._send_in_dialogue(message)
            case mr.RoutingEnabled():
                self.set_routing_enabled(enabled=True, reason=0, now=now)
            case mr.RoutingDisabled():
                self.set_routing_enabled(enabled=False, reason=message.reason, now=now)
            case mr.GracefulShutdownEvent():
                if self.version >= GRACEFUL_SHUTDOWN_VERSION:
                    message.dialogue_id = message.send_seq_no = NULL
                    self._send(message, Lane.DATA)
            case _:
                raise LocalProtocolError(f"a PIM does not send {message.NAME}")

    # Opening.

    def _objection(self, request: mr.OpenReq, now: float) -> tuple[mr.Status, str] | None:
        return (mr.Status.APPLICATION_OFFLINE, "this side is standby") if self._standby else None

    def _opened(self, peripheral_id: int | None, now: float) -> None:
        if self._binding is None:
            self._binding = self._bindings.bind(self._peer, peripheral_id)
        details = MrPimDetails(self._binding.name, self._binding.requeue_on_recovery, peripheral_id)
        self._events.append(SessionOpened(self.protocol, self.role, self.side, details))
        self._tell_routing()

    def _tell_routing(self) -> None:
        if self._routing_enabled:
            self._send(mr.RoutingEnabled(NULL, NULL), Lane.DATA)
            return
        self._send(mr.RoutingDisabled(NULL, NULL, self._routing_disabled_reason), Lane.DATA)
        for dialogue_id in self._dialogues.open_ids():
            self._answer(mr.NewTaskFailure(dialogue_id, 0, mr.NewTaskFailureReason.COMM_FAILURE_ROUTER_AND_PG, 0))

    # What the application says.

    def _handle_dialogue_message(self, message: Message, now: float) -> None:
        match message:
            case mr.NewTask():
                self._take_new_task(message)
            case mr.CancelTask():
                self._take_cancel(message)
            case mr.RunScriptResult():
                if self._state is MrState.OPEN and self._in_dialogue(message.dialogue_id, message.send_seq_no):
                    self._take_script_result(message)
            case mr.DialogueFailureConf() | mr.DialogueFailureEvent():
                self._take_dialogue_failure(message)
            case _:
                raise LocalProtocolError(f"no rule for {message.NAME}")

    def _take_new_task(self, message: mr.NewTask) -> None:
        reason = mr.NewTaskFailureReason
        dialogue_id = message.dialogue_id
        problem = find_problem(message, self._float_rows)
        if problem is not None:
            self._refuse(FrameErrorReason.INVALID_NEW_TASK, problem)
            self._fail_new_task(dialogue_id, reason.INVALID_NEW_TASK_MESSAGE)
        elif not self._routing_enabled or self._state is not MrState.OPEN:
            self._refuse(FrameErrorReason.ROUTING_DISABLED, f"dialogue {dialogue_id}")
            self._fail_new_task(dialogue_id, reason.MEDIA_ROUTING_DISABLED)
        elif dialogue_id in self._dialogues:
            self._refuse(FrameErrorReason.DUPLICATE_DIALOGUE, f"dialogue {dialogue_id}")
            self._fail_new_task(dialogue_id, reason.DUPLICATE_NEW_TASK_REQUEST)
        elif len(self._dialogues) >= OPEN_DIALOGUES:
            self._refuse(FrameErrorReason.DIALOGUE_LIMIT, f"{OPEN_DIALOGUES} dialogues are open")
            self._fail_new_task(dialogue_id, reason.ROUTER_RELEASED_TASK, mr.CauseCode.REQUEUE_AT_HEAD)
        else:
            self._dialogues.open(dialogue_id)
            self._check_sequence(dialogue_id, message.send_seq_no)
            self._events.append(MessageReceived(message))

    def _take_script_result(self, message: mr.RunScriptResult) -> None:
        problem = find_context_problem(message.floating, self._float_rows)
        if problem is None:
            self._events.append(MessageReceived(message))
        else:
            self._refuse(FrameErrorReason.MALFORMED, f"{message.NAME}: {problem}")
            self._fail_dialogue(message.dialogue_id, mr.Status.INVALID_MESSAGE)

    def _take_cancel(self, message: mr.CancelTask) -> None:
        if self._state is not MrState.OPEN:
            return
        dialogue_id = message.dialogue_id
        self._check_sequence(dialogue_id, message.send_seq_no)
        if dialogue_id in self._dialogues:
            self._events.append(MessageReceived(message))
            return
        answered = self._dialogues.was_ended(dialogue_id)
        if not answered:
            self._refuse(FrameErrorReason.UNKNOWN_DIALOGUE, f"CANCEL_TASK of dialogue {dialogue_id}")
        status = mr.Status.OPERATION_NOT_CANCELLED if answered else mr.Status.INVALID_DIALOGUEID
        self._send_in_dialogue(mr.CancelTaskConf(dialogue_id, 0, message.invoke_id, status))

    def _in_dialogue(self, dialogue_id: int, send_seq_no: int) -> bool:
        """Whether a message belongs to an open dialogue; answered when there never was one.

        A message that crossed the answer of its dialogue is nobody's mistake and changes nothing any more: it is
        dropped, so that an application under load does not meet an error for every RUN_SCRIPT_RESULT that came late.
        """
        self._check_sequence(dialogue_id, send_seq_no)
        if dialogue_id in self._dialogues:
            return True
        if self._dialogues.was_ended(dialogue_id):
            return False
        self._refuse(FrameErrorReason.UNKNOWN_DIALOGUE, f"dialogue {dialogue_id}")
        self._fail_dialogue(dialogue_id, mr.Status.INVALID_DIALOGUEID)
        return False

    # What the router says.

    def _answer(self, message: mr.DoThisWithTask | mr.NewTaskFailure) -> None:
        dialogue_id = message.dialogue_id
        if dialogue_id not in self._dialogues:
            return
        if not self._send_in_dialogue(message):
            reason = mr.NewTaskFailureReason.UNKNOWN_ROUTING_PROBLEM
            self._send_in_dialogue(mr.NewTaskFailure(dialogue_id, 0, reason, 0))
        self._dialogues.end(dialogue_id, remember=True)

    def _confirm_cancel(self, message: mr.CancelTaskConf) -> None:
        self._send_in_dialogue(message)
        if message.status == mr.Status.NO_ERROR:
            self._dialogues.end(message.dialogue_id, remember=False)
