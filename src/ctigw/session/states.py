"""States of sessions, and which message moves which state where.

Enums and tables only (engineering D). A row that is absent is a violation by whoever sent the message; how it is
answered is decided in one place of each session. Rules: mr-wire (g) session procedure 2 to 8, cti-notes "Opening" and
"Keeping and ending".
"""

from enum import Enum

from ctigw.wire import Message, cti, mr


class MrState(Enum):
    """State of an MR session."""

    OPENING = "opening"
    """The peer dialled; its OPEN_REQ is awaited."""
    CONNECTING = "connecting"
    """We dialled; OPEN_REQ is sent, OPEN_CONF awaited."""
    OPEN = "open"
    CLOSING = "closing"
    """We sent CLOSE_REQ; what else the peer has under way is dropped."""
    CLOSED = "closed"

    __hash__ = object.__hash__  # a state is looked up for every frame, and Enum hashes its name in Python


class CtiState(Enum):
    """State of a session in which we are the CTI server."""

    OPENING = "opening"
    REFUSING = "refusing"
    """The refusal of a wrong password waits for its time."""
    OPEN = "open"
    CLOSING = "closing"
    """FAILURE_EVENT 15 is sent; the client is to close."""
    CLOSED = "closed"


Transitions = dict[tuple[MrState, type[Message]], MrState]

_BOTH_MR: Transitions = {
    (MrState.OPEN, mr.OpenReq): MrState.OPEN,  # answered: FAILURE_CONF 2
    (MrState.OPEN, mr.CloseReq): MrState.CLOSED,
    (MrState.CLOSING, mr.CloseReq): MrState.CLOSED,  # both began to close
    (MrState.CLOSING, mr.CloseConf): MrState.CLOSED,
    (MrState.CLOSING, mr.HeartbeatReq): MrState.CLOSING,
    (MrState.CLOSING, mr.HeartbeatConf): MrState.CLOSING,
    (MrState.CONNECTING, mr.OpenConf): MrState.OPEN,
    (MrState.CONNECTING, mr.CloseReq): MrState.CLOSED,
    (MrState.CONNECTING, mr.FailureConf): MrState.CLOSED,
    (MrState.CONNECTING, mr.FailureEvent): MrState.CLOSED,
    (MrState.OPENING, mr.OpenReq): MrState.OPEN,
    # A failure is never answered, or two peers could answer each other for ever.
    (MrState.OPEN, mr.FailureConf): MrState.OPEN,
    (MrState.OPEN, mr.FailureEvent): MrState.OPEN,
    (MrState.OPEN, mr.DialogueFailureConf): MrState.OPEN,
    (MrState.OPEN, mr.DialogueFailureEvent): MrState.OPEN,
    (MrState.CLOSING, mr.FailureConf): MrState.CLOSING,
    (MrState.CLOSING, mr.FailureEvent): MrState.CLOSING,
    (MrState.CLOSING, mr.DialogueFailureConf): MrState.CLOSING,
    (MrState.CLOSING, mr.DialogueFailureEvent): MrState.CLOSING,
}

LISTENER_HEARTBEATS: Transitions = {(MrState.OPEN, mr.HeartbeatReq): MrState.OPEN}
"""The peer opened the session and so sends the heartbeats (mr-wire, "Who opens also sends the heartbeats")."""

OPENER_HEARTBEATS: Transitions = {(MrState.OPEN, mr.HeartbeatConf): MrState.OPEN}
"""We opened the session and send the heartbeats."""

MR_PIM: Transitions = _BOTH_MR | {
    (MrState.OPEN, mr.NewTask): MrState.OPEN,
    (MrState.OPEN, mr.CancelTask): MrState.OPEN,
    (MrState.OPEN, mr.RunScriptResult): MrState.OPEN,
    (MrState.CLOSING, mr.NewTask): MrState.CLOSING,  # answered: NEW_TASK_FAILURE 2
    (MrState.CLOSING, mr.CancelTask): MrState.CLOSING,
    (MrState.CLOSING, mr.RunScriptResult): MrState.CLOSING,
}
"""We are the PIM, the peer is an application."""

MR_APPLICATION: Transitions = _BOTH_MR | {
    (state, message): state
    for state in (MrState.OPEN, MrState.CLOSING)
    for message in (
        mr.RoutingEnabled,
        mr.RoutingDisabled,
        mr.DoThisWithTask,
        mr.NewTaskFailure,
        mr.CancelTaskConf,
        mr.RunScriptReq,
        mr.GracefulShutdownEvent,
    )
}
"""We are the application, the peer is a PIM."""

CTI_SESSION: dict[tuple[CtiState, type[Message]], CtiState] = {
    (CtiState.OPENING, cti.OpenReq): CtiState.OPEN,
    (CtiState.OPEN, cti.OpenReq): CtiState.OPEN,  # answered: FAILURE_CONF 5
    (CtiState.OPEN, cti.HeartbeatReq): CtiState.OPEN,
    (CtiState.OPEN, cti.CloseReq): CtiState.CLOSED,
    (CtiState.CLOSING, cti.HeartbeatReq): CtiState.CLOSING,  # answered: FAILURE_CONF 15, the server is offline
    (CtiState.CLOSING, cti.CloseReq): CtiState.CLOSED,
}
"""Session messages only; which service messages an open session may carry is `ctigw.session.cti_services`."""
