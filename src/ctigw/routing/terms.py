"""The terms in which the engine speaks: states, kinds, statuses, and what a queue is called.

Knows numbers of the field (semantics 2.1, 3.1, 3.7; arm.toml arm_status; mr-wire section e), named once for the engine,
which may not import the wire's; `tests/gateway/test_numbers.py` holds them against the wire's. Must not know records.
"""

from enum import IntEnum
from typing import NamedTuple

GIVEN_BACK = (2, 3)
"""ServiceRequested of a task that an agent has given back: transfer, RONA (semantics 6.1)."""


class QueueKind(IntEnum):
    """Kind of a queue; the numbers are QueueType of the MR profile."""

    SKILL_GROUP = 1
    PRECISION_QUEUE = 2
    AGENT = 3


class QueueRef(NamedTuple):
    """A queue: kind, id on the wire, and its name in metrics and scripts (`sg:chat_sales`, `agent:1080`)."""

    kind: QueueKind
    id: int
    label: str


class QueueEntry(NamedTuple):
    """A task's place in one queue."""

    queue: QueueRef
    priority: int


class AgentState(IntEnum):
    """State of an agent in a media routing domain, by its CTI number (semantics 2.1)."""

    LOGIN = 0
    LOGOUT = 1
    NOT_READY = 2
    AVAILABLE = 3
    """Idle in the voice domain; a request may say it for NOT_ACTIVE."""
    WORK_NOT_READY = 5
    WORK_READY = 6
    BUSY_OTHER = 7
    RESERVED = 8
    UNKNOWN = 9
    ACTIVE = 11
    PAUSED = 12
    INTERRUPTED = 13
    NOT_ACTIVE = 14


class Availability(IntEnum):
    """AgentAvailabilityStatus (semantics 2.2)."""

    NOT_AVAILABLE = 0
    ICM_AVAILABLE = 1
    APPLICATION_AVAILABLE = 2


class TaskState(IntEnum):
    """State of a task; from PRE_CALL on the numbers are TaskState of the CTI protocol, below it no agent has it."""

    PENDING = -2
    """Accepted; its script has neither queued nor answered it."""
    QUEUED = -1
    PRE_CALL = 0
    ACTIVE = 1
    WRAPUP = 2
    PAUSED = 3
    OFFERED = 4
    INTERRUPTED = 5
    ENDED = 7


class Departure(IntEnum):
    """Why a task left its queues; statistics tell these cases apart (semantics 10.1)."""

    SCRIPT = 1
    """The script took it out: Cancel Queue, a label, a release."""
    ROUTED = 2
    """An agent was chosen; AgentChosen follows at once and tells of which queue."""
    ABANDONED = 3
    """Nobody waits for it any more."""
    TOO_LONG = 4
    """It may not wait any longer (decisions E4)."""


class Obstacle(IntEnum):
    """The first filter that keeps an agent from a task, in the order of asking (semantics 2.2 and 5.1)."""

    SIGNED_OUT = 1
    PATH_DOWN = 2
    """His application path went down (decisions C7)."""
    NOT_READY = 3
    INTERRUPTED = 4
    NO_SLOT = 5
    FOREIGN_TASK = 6
    """A task of another domain that may not be interrupted."""
    NOT_ROUTABLE = 7
    """Only his application may give him tasks."""
    TEMPORARILY_NOT_ROUTABLE = 8
    DEFERRED = 9
    """He becomes not routable once what was chosen for him has started."""
    NO_MEMBER = 10
    """From here on it depends on the task: he is in none of its queues."""
    STEP_NOT_REACHED = 11
    GAVE_IT_BACK = 12
    HELD = 13
    """The routing client is lost; the task waits for it to come again (decisions D6)."""


class ModeCause(IntEnum):
    """What set an agent's mode last."""

    SIGN_IN = 1
    REQUEST = 2
    START_TIMEOUT = 3
    PATH_DOWN = 4
    SIGN_OUT = 5


class Way(IntEnum):
    """How a task and an agent came together."""

    TASK_CAME = 1
    """The task looked for an agent: it came, or reached another queue or step."""
    AGENT_CAME = 2
    """The agent could take a task, and this one was the next."""
    PREFERRED = 3
    """The script gave it to the agent preferred."""
    PICKED = 4
    """The agent asked for it (semantics 9.1)."""


class Choice(NamedTuple):
    """Why a task went where it went, as it was when that was decided; kept with the task and in the journal."""

    way: Way
    step: int = 0
    """Precision queue step from 1, 0 in other queues."""
    candidates: int = 1
    """TASK_CAME: agents of the step who could have had it, himself among them; AGENT_CAME: tasks in the queue."""
    queues: int = 1
    """Queues with somebody to choose, this one among them; AGENT_CAME: steps of queues where he stands, with a task."""
    score: int = 0
    """What counts first among the agents of a precision queue step, higher first; 0 where nothing but time does."""
    free_slots: int = 0
    """What counts next."""
    available_since: float = 0.0
    """And next, UTC seconds; then the lower id (semantics 5.2)."""
    priority: int = 0
    """AGENT_CAME: what counts first among the tasks; then since when they wait."""
    queued_at: float = 0.0
    """AGENT_CAME: UTC seconds since when the task waited."""


class Advisory(IntEnum):
    """What the agent's client has been advised of and has not answered; the numbers are the CTI message types."""

    INTERRUPT = 171
    INTERRUPT_DONE = 174


class NewTaskFailureReason(IntEnum):
    """Reason of NEW_TASK_FAILURE (mr-wire section e)."""

    INVALID_NEW_TASK_MESSAGE = 1
    MEDIA_ROUTING_DISABLED = 2
    NO_SCRIPT = 3
    INVALID_MRD_ID = 4
    ICM_TIMEOUT = 5
    INVALID_SCRIPT_SELECTOR = 6
    NO_TARGET = 7
    ROUTER_RELEASED_TASK = 8
    UNKNOWN_ROUTING_PROBLEM = 9
    DUPLICATE_NEW_TASK_REQUEST = 10
    UNSUPPORTED_SERVICE_REQUESTED = 11
    AGENT_NOT_MEMBER_OF_QUEUE = 12
    INVALID_QUEUE_TYPE_OR_ID = 13
    INVALID_DIALOG_ID = 14
    INVALID_AGENT_ID = 15
    AGENT_OVER_TASK_LIMIT = 16
    UNSUPPORTED_AGENT_PERIPHERAL_GATEWAY = 17
    INVALID_AGENT_STATE = 18
    INVALID_QUEUE_FOR_MRD = 19
    NO_PICK_PULL_NODE = 20
    AGENT_NOT_READY = 21


class ReportStatus(IntEnum):
    """ARM status of an answer (arm.toml arm_status), those that the engine gives."""

    NO_ERROR = 0
    AGENT_ALREADY_LOGGED_IN = 1
    AGENT_NOT_FOUND = 2
    MRD_LIST_ENTRY_NOT_FOUND = 3
    AGENT_NOT_LOGGED_IN = 6
    CANT_LOGIN_TO_VOICE_MRD = 11
    DO_THIS_WITH_TASK_SENT_RECENTLY = 14
    TASK_OBJECT_NOT_FOUND = 18
    INVALID_MESSAGE_SEQUENCE = 19
    INCONSISTENT_MEDIA_ROUTING_DOMAIN_IDS = 20
    NO_OFFER_OR_PRE_CALL_RECEIVED = 21
    INCONSISTENT_AGENT_IDS = 22
    LOGIN_NOT_ALLOWED_FOR_APP_PATH = 27
    NOT_VALID_AFTER_INTERRUPT_ADVISORY_ACCEPT = 30
    SKILL_GROUP_NOT_FOUND = 32
    SERVICE_NOT_FOUND = 33
    PERFORMANCE_LIMIT_EXCEEDED = 34


class ControlFailure(IntEnum):
    """FailureCode of CONTROL_FAILURE_CONF (cti.toml control_failure_code), those that the engine gives."""

    REQUEST_INCOMPATIBLE_WITH_OBJECT = 2
    VALUE_OUT_OF_RANGE = 3
    INVALID_OBJECT_STATE = 22
    INVALID_AGENT_ID_SPECIFIED = 256
    SPECIFIED_AGENT_ALREADY_SIGNED_ON = 259
    INVALID_AGENT_WORKMODE = 265


class CancelStatus(IntEnum):
    """Status of CANCEL_TASK_CONF."""

    DONE = 0
    UNKNOWN_DIALOGUE = 34
    TOO_LATE = 36


class ReportKind(IntEnum):
    """Which request or indication an answer belongs to; the numbers are the CTI message types of the request."""

    SET_APP_DATA = 129
    MEDIA_LOGIN = 151
    MEDIA_LOGOUT = 153
    MAKE_AGENT_ROUTABLE = 154
    MAKE_AGENT_NOT_ROUTABLE = 155
    MAKE_AGENT_READY = 157
    MAKE_AGENT_NOT_READY = 158
    OFFER_TASK = 160
    OFFER_APPLICATION_TASK = 161
    START_TASK = 163
    START_APPLICATION_TASK = 164
    PAUSE_TASK = 166
    RESUME_TASK = 167
    WRAPUP_TASK = 168
    END_TASK = 169
    AGENT_INTERRUPT_ACCEPTED = 172
    AGENT_INTERRUPT_UNACCEPTED = 173
    AGENT_INTERRUPT_DONE_ACCEPTED = 175
    CHANGE_MAX_TASK_LIMIT = 176
    OVERRIDE_LIMIT = 178
    UPDATE_TASK_CONTEXT = 180
    BEGIN_AGENT_INIT = 181
    AGENT_INIT = 182
    END_AGENT_INIT = 184
    TASK_INIT = 185
    SET_APP_PATH_DATA = 208
    TASK_INIT_REQ = 209
