"""What the engine says: facts that change its state, and notices that only answer somebody.

Knows values that peers, journal and metrics need, complete in themselves: a reader never has to ask the engine what an
event meant, because by then the engine may be further on. Must not know messages. Order within one input is the order
of sending (decisions E2, E3). Facts that no peer sees are in `ctigw.routing.facts`.
"""

from enum import IntEnum
from typing import NamedTuple

from ctigw.routing.inputs import DialogueKey, Origin, TaskContext, TaskId, Variable
from ctigw.routing.record import record


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
    NO_PICK_PULL_NODE = 20


class ReportStatus(IntEnum):
    """ARM status of an answer (arm.toml arm_status), those that the engine gives."""

    NO_ERROR = 0
    AGENT_ALREADY_LOGGED_IN = 1
    AGENT_NOT_FOUND = 2
    MRD_LIST_ENTRY_NOT_FOUND = 3
    AGENT_NOT_LOGGED_IN = 6
    ALREADY_HAVE_PENDING_MAKE_AGENT_NOT_READY = 9
    CANT_LOGIN_TO_VOICE_MRD = 11
    DO_THIS_WITH_TASK_SENT_RECENTLY = 14
    TASK_OBJECT_NOT_FOUND = 18
    INVALID_MESSAGE_SEQUENCE = 19
    INCONSISTENT_MEDIA_ROUTING_DOMAIN_IDS = 20
    NO_OFFER_OR_PRE_CALL_RECEIVED = 21
    INCONSISTENT_AGENT_IDS = 22
    LOGIN_NOT_ALLOWED_FOR_APP_PATH = 27
    PERFORMANCE_LIMIT_EXCEEDED = 34


class CancelStatus(IntEnum):
    """Status of CANCEL_TASK_CONF."""

    DONE = 0
    UNKNOWN_DIALOGUE = 34
    TOO_LATE = 36


@record
class AgentView:
    """One agent in one domain as peers see it (decisions C5)."""

    skill_target_id: int
    mrd_id: int
    state: AgentState
    routable: bool
    availability: Availability
    num_tasks: int
    max_task_limit: int
    max_beyond_task_limit: int
    reason_code: int
    since: float
    """UTC seconds at which `state` began."""
    queues: tuple[tuple[QueueRef, AgentState], ...]
    """The agent's skill groups in this domain in order of configuration, each with its state (semantics 2.1)."""


# --- tasks -----------------------------------------------------------------------------------------------------------


@record
class TaskAccepted:
    """A task entered the system and has its id (BEGIN_TASK_EVENT)."""

    task_id: TaskId
    dialogue: DialogueKey
    mrd_id: int
    call_type: str
    call_type_id: int
    service: int
    previous_task: TaskId | None
    context: TaskContext
    preferred_skill_target_id: int | None = None
    """The agent whom the application asked for, when there is such an agent (Call.PreferredAgentID, semantics 5.2)."""


@record
class TaskRejected:
    """NEW_TASK was refused before a task came to be (NEW_TASK_FAILURE); no task id was used."""

    dialogue: DialogueKey
    reason: NewTaskFailureReason
    text: str = ""


@record
class TaskFailed:
    """An accepted task was released or found no target (NEW_TASK_FAILURE); TaskEnded follows."""

    task_id: TaskId
    dialogue: DialogueKey
    reason: NewTaskFailureReason
    cause_code: int = 0
    text: str = ""


@record
class TaskQueued:
    """A task was put into queues (QUEUED_TASK_EVENT)."""

    task_id: TaskId
    mrd_id: int
    entries: tuple[QueueEntry, ...]
    estimated_wait_time_s: int | None = None
    """Shortest over the queues entered (semantics 5.5); None: not enough data."""


@record
class TaskDequeued:
    """A task left its queues (DEQUEUED_TASK_EVENT)."""

    task_id: TaskId
    mrd_id: int
    entries: tuple[QueueEntry, ...]


@record
class AgentChosen:
    """An agent was reserved for a task (DO_THIS_WITH_TASK, then AGENT_PRE_CALL_EVENT); the dialogue is over."""

    task_id: TaskId
    dialogue: DialogueKey
    mrd_id: int
    skill_target_id: int
    queue: QueueRef | None
    context: TaskContext
    call_type_id: int
    waited: bool
    """False: an agent was free when the task came, so the answer counts for `ctigw_route_seconds`."""
    start_deadline: float
    """UTC seconds by which START_TASK_IND must have come."""


@record
class LabelChosen:
    """The script answered with a label (DO_THIS_WITH_TASK); the dialogue is over, TaskEnded follows."""

    task_id: TaskId
    dialogue: DialogueKey
    mrd_id: int
    label: str
    context: TaskContext


@record
class AnswerRepeated:
    """A resent NEW_TASK gets the answer that its task already has (decisions D6)."""

    task_id: TaskId
    dialogue: DialogueKey
    mrd_id: int
    skill_target_id: int
    queue: QueueRef | None
    context: TaskContext


@record
class LabelRepeated:
    """A resent NEW_TASK gets the label that its task was answered with (decisions D6)."""

    task_id: TaskId
    dialogue: DialogueKey
    mrd_id: int
    label: str
    context: TaskContext


@record
class TaskKept:
    """The routing client was lost; a queued task keeps its place until somebody takes it up (decisions D6)."""

    task_id: TaskId
    until: float


@record
class TaskTakenUp:
    """A resent NEW_TASK took up a kept task: same task, new dialogue (decisions D6)."""

    task_id: TaskId
    dialogue: DialogueKey


@record
class TaskMoved:
    """Base of the events that tell of a task with an agent; not used by itself."""

    task_id: TaskId
    mrd_id: int
    skill_target_id: int
    queue: QueueRef | None


@record
class TaskOffered(TaskMoved):
    """OFFER_TASK_EVENT."""


@record
class TaskStarted(TaskMoved):
    """START_TASK_EVENT."""


@record
class TaskPaused(TaskMoved):
    """PAUSE_TASK_EVENT."""


@record
class TaskResumed(TaskMoved):
    """RESUME_TASK_EVENT."""


@record
class TaskWrapUpBegun(TaskMoved):
    """WRAPUP_TASK_EVENT."""


@record
class TaskEnded:
    """END_TASK_EVENT: every accepted task has exactly one; agent and queue are None when it never had any."""

    task_id: TaskId
    mrd_id: int
    skill_target_id: int | None
    queue: QueueRef | None
    disposition: int
    """Semantics 3.6."""
    application_disposition: int = 0


@record
class TaskDataUpdated:
    """A task's variables changed (TASK_DATA_UPDATE_EVENT)."""

    task_id: TaskId
    mrd_id: int
    context: TaskContext
    skill_target_id: int | None = None
    """The agent who has the task; None while it has none."""


@record
class PreCallAborted:
    """An announced task will not come (AGENT_PRE_CALL_ABORT_EVENT)."""

    task_id: TaskId
    mrd_id: int
    skill_target_id: int


@record
class MaxTaskLifetimeExceeded:
    """A task outlived its limit (MAX_TASK_LIFETIME_EXCEEDED_EVENT); TaskEnded with 41 follows."""

    task_id: TaskId
    mrd_id: int
    skill_target_id: int


@record
class RunScriptRequested:
    """The script reports the estimated wait time (RUN_SCRIPT_REQ)."""

    task_id: TaskId
    dialogue: DialogueKey
    invoke_id: int
    estimated_wait_time_s: int | None
    """None: not enough data (-1 on the wire)."""
    context: TaskContext
    variables: tuple[Variable, ...] = ()


@record
class CancelAnswered:
    """CANCEL_TASK_CONF."""

    dialogue: DialogueKey
    invoke_id: int
    status: CancelStatus


# --- agents ----------------------------------------------------------------------------------------------------------


@record
class AgentMadeNotRoutable:
    """The system made the agent not routable in the domain (AGENT_MADE_NOT_ROUTABLE_EVENT)."""

    mrd_id: int
    skill_target_id: int


@record
class AgentStateChanged:
    """State, mode, limit or availability of an agent in a domain changed (AGENT_STATE_EVENT, decisions C5)."""

    view: AgentView


class ReportKind(IntEnum):
    """Which request or indication an answer belongs to; the numbers are the CTI message types of the request."""

    MEDIA_LOGIN = 151
    MEDIA_LOGOUT = 153
    MAKE_AGENT_ROUTABLE = 154
    MAKE_AGENT_NOT_ROUTABLE = 155
    MAKE_AGENT_READY = 157
    MAKE_AGENT_NOT_READY = 158
    OFFER_TASK = 160
    START_TASK = 163
    PAUSE_TASK = 166
    RESUME_TASK = 167
    WRAPUP_TASK = 168
    END_TASK = 169
    UPDATE_TASK_CONTEXT = 180


@record
class ReportAnswered:
    """Answer to an agent report: a request always gets one, an indication only when it failed (cti-notes)."""

    origin: Origin
    kind: ReportKind
    status: ReportStatus
