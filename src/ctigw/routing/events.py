"""What the engine says: facts that change its state, and notices that only answer somebody.

Knows values that peers, journal and metrics need, complete in themselves: a reader never has to ask the engine what an
event meant, because by then the engine may be further on. Must not know messages. Order within one input is the order
of sending (decisions E2, E3). Facts that no peer sees are in `ctigw.routing.facts`.
"""

from ctigw.routing.inputs import DialogueKey, Origin, TaskContext, TaskId, Variable
from ctigw.routing.record import record
from ctigw.routing.terms import (
    AgentState,
    Availability,
    CancelStatus,
    Choice,
    ControlFailure,
    Departure,
    NewTaskFailureReason,
    QueueEntry,
    QueueRef,
    ReportKind,
    ReportStatus,
)


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
    excluded_skill_target_id: int | None = None
    """The agent who gave the task back (PreviousTask of Service 2 or 3), and must not have it again (semantics 5.2)."""
    queue_type: int | None = None
    queue_id: int | None = None
    """The queue that pick and pull name (semantics 9.1)."""


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
    departure: Departure = Departure.SCRIPT


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
    choice: Choice
    """Why this agent."""


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
class ApplicationTaskBegun:
    """An application assigned a task to an agent itself (BEGIN_TASK_EVENT); its first state follows."""

    task_id: TaskId
    mrd_id: int
    skill_target_id: int
    queue: QueueRef | None
    context: TaskContext
    is_new_id: bool = True
    """False: the id was given before we came to be, and the client told it."""
    uses_override: bool = False
    """It uses up a leave to go beyond the limits."""


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
class AgentInterruptAdvised:
    """A task of a domain that may not be interrupted interrupts the agent here (AGENT_INTERRUPT_ADVISORY_EVENT)."""

    mrd_id: int
    skill_target_id: int
    interrupting_mrd_id: int


@record
class AgentInterruptOver:
    """The agent has no such task any more (AGENT_INTERRUPT_DONE_ADVISORY_EVENT); an interrupt goes on until 175."""

    mrd_id: int
    skill_target_id: int


@record
class AgentStateChanged:
    """State, mode, limit or availability of an agent in a domain changed (AGENT_STATE_EVENT, decisions C5)."""

    view: AgentView


@record
class ControlAnswered:
    """Answer to SET_AGENT_STATE_REQ: SET_AGENT_STATE_CONF, or CONTROL_FAILURE_CONF with a failure."""

    origin: Origin
    failure: ControlFailure | None


@record
class AgentTasksTold:
    """AGENT_TASKS_RESP."""

    origin: Origin
    mrd_id: int
    skill_target_id: int
    status: ReportStatus
    tasks: tuple[TaskId, ...]
    """Oldest first; none when the status is not 0."""


@record
class ReportAnswered:
    """Answer to an agent report: a request always gets one, an indication only when it failed (cti-notes)."""

    origin: Origin
    kind: ReportKind
    status: ReportStatus
    task_id: TaskId | None = None
    """The id that a task got by the request."""
