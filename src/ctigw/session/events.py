"""What a session tells its driver.

Knows the closed sets of reasons that become metric labels, and the events that `Session.take` returns; must not know
which session says what when. Rules: design 6 and 7 (reasons are closed sets), decisions A and C.
"""

from enum import Enum
from typing import TYPE_CHECKING

import attrs

from ctigw.wire import Message, cti

if TYPE_CHECKING:
    from ctigw.session.session import Session


class Lane(Enum):
    """Which lane of the outbox a frame takes. The control lane goes first and does not count against the limit."""

    CONTROL = 1
    """Heartbeats, opening, closing, and answers to bad input outside a dialogue."""
    DATA = 2
    """Everything else. All frames of MR dialogues, so that they keep their order."""


class CloseReason(Enum):
    """Why a session ended. The driver has reasons of its own for what happens below the session."""

    PEER_CLOSED = "peer_closed"
    EOF = "eof"
    IDLE = "idle"
    LENGTH = "length"
    REFUSED = "refused"
    WRONG_FIRST_MESSAGE = "wrong_first_message"
    REPLACED = "replaced"
    WE_CLOSED = "we_closed"
    NO_HEARTBEAT = "no_heartbeat"
    BAD_FRAME = "bad_frame"
    SHUTDOWN = "shutdown"
    INTERNAL = "internal"
    # Given by the driver only.
    HANDSHAKE = "handshake"
    FIRST_MESSAGE = "first_message"
    OUTBOX_BYTES = "outbox_bytes"
    OUTBOX_AGE = "outbox_age"
    SEND_TIMEOUT = "send_timeout"
    BROKEN = "broken"
    LIMIT = "limit"


class FrameErrorReason(Enum):
    """Why a frame was not taken (label `reason` of ctigw_frame_errors_total)."""

    LENGTH = "length"
    MALFORMED = "malformed"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_SUBTYPE = "unknown_subtype"
    WRONG_DIRECTION = "wrong_direction"
    SEQUENCE = "sequence"
    """A gap or repeat of SendSeqNo: counted only, the message was taken (decisions A4)."""
    UNKNOWN_DIALOGUE = "unknown_dialogue"
    NOT_OPEN = "not_open"
    ALREADY_OPEN = "already_open"
    NOT_ALLOWED = "not_allowed"
    """The service that the message needs was not granted."""
    NOT_SERVED = "not_served"
    """Known, allowed, and not built."""
    NOT_FOR_VERSION = "not_for_version"
    DUPLICATE_DIALOGUE = "duplicate_dialogue"
    INVALID_NEW_TASK = "invalid_new_task"
    ROUTING_DISABLED = "routing_disabled"
    DIALOGUE_LIMIT = "dialogue_limit"
    REFUSED_OPEN = "refused_open"
    PEER_FAILURE = "peer_failure"
    """The peer reports a failure: a message of ours, or its own state. Never answered."""
    NOT_SENT = "not_sent"
    """A message of ours that could not be encoded, or not be sent now: our defect, nothing reached the peer."""


@attrs.frozen
class MrPimDetails:
    """Details of a session in which we are the PIM."""

    binding: str
    """Name of the `[[application]]`, empty when none is bound (decisions D1)."""
    requeue_on_recovery: bool
    peripheral_id: int | None = None
    """Float 131 as the peer sent it."""


@attrs.frozen
class MrApplicationDetails:
    """Details of a session in which we are the application."""

    peripheral_id: int | None
    peripheral_gateway: str = ""
    """Name of the `[[peripheral_gateway]]`, empty when none matches."""


@attrs.frozen
class CtiClientDetails:
    """Details of a session in which we are the CTI server."""

    client_id: str
    services: cti.ServiceMask
    """Granted."""
    application_path: int | None
    """Set when agent reporting is granted."""
    call_event_mask: int
    agent_state_mask: int
    config_mask: int
    peripheral_id: int
    """As asked; 0xFFFFFFFF when none."""
    agent_extension: str | None
    agent_id: str | None
    agent_instrument: str | None
    client_signature: str | None = None


SessionDetails = MrPimDetails | MrApplicationDetails | CtiClientDetails


@attrs.frozen
class SessionOpened:
    """The session is open: messages may follow."""

    protocol: str
    role: str
    """What the peer is: "application", "pim", "client" or "server"."""
    side: str
    """"A", "B" or "none"."""
    details: SessionDetails


@attrs.frozen
class MessageReceived:
    """A message that passed every check of the session."""

    message: Message


@attrs.frozen
class FrameRefused:
    """A frame was not taken; its answer, where there is one, is among the frames already."""

    reason: FrameErrorReason
    detail: str


@attrs.frozen
class NewTaskFailed:
    """A NEW_TASK_FAILURE goes out, whoever decided it: for counting (design 6, ctigw_task_failures_total)."""

    reason: int


@attrs.frozen
class SessionClosed:
    """The last event. Frames still to be written come with it; then the driver closes the connection."""

    reason: CloseReason
    detail: str


@attrs.frozen
class SessionRecognised:
    """From the greeter: the driver goes on with `session`, which has been fed everything received so far."""

    session: "Session"


@attrs.frozen
class SessionTouched:
    """Another session changed because of this one (it was replaced): its driver must call its `take` now."""

    session: "Session"


SessionEvent = (
    SessionOpened | MessageReceived | FrameRefused | NewTaskFailed | SessionClosed | SessionRecognised | SessionTouched
)
