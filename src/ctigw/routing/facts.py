"""Facts that change the engine's state and that no peer sees, and the union of all events.

Knows what a journal must keep beside the events of `ctigw.routing.events` so that a state can be rebuilt by applying
facts alone (decisions F1). Must not know who reads them. A fact carries every instant that was decided; an instant that
is simply "when it happened" is the `now` that it is applied with.
"""

from ctigw.config.routing import RoutingSettings
from ctigw.routing import events
from ctigw.routing.inputs import Origin, TaskId, Variable
from ctigw.routing.record import record
from ctigw.routing.terms import (
    QueueEntry,
    QueueRef,
)


@record
class RoutingClientJoined:
    """A routing client opened its session."""

    session_id: int
    application: str
    requeue_on_recovery: bool


@record
class RoutingClientLeft:
    """A routing client's session is over; what was open in it has been decided on."""

    session_id: int


@record
class ArmClientJoined:
    """An agent reporting session opened on an application path."""

    session_id: int
    application_path: int


@record
class ArmClientLeft:
    """An agent reporting session is over."""

    session_id: int


@record
class PathDataSet:
    """All call variables of an application path, as they now stand."""

    application_path: int
    variables: tuple[Variable, ...]


@record
class AgentSignedIn:
    """An agent signed in to a domain and is NOT_READY there; `interruptible` is latched for this login."""

    mrd_id: int
    skill_target_id: int
    session_id: int
    application_path: int
    routable: bool
    max_task_limit: int
    max_beyond_task_limit: int
    interruptible: bool


@record
class AgentSignedOut:
    """An agent signed out of a domain, or was signed out; no task of the domain is left with the agent."""

    mrd_id: int
    skill_target_id: int
    reason_code: int = 0
    """Semantics 2.6; 0 when the agent's own client signed out."""


@record
class AgentLimitsSet:
    """A later sign-in or a routable report set the limits; `session_id` is the session that the agent belongs to."""

    mrd_id: int
    skill_target_id: int
    session_id: int
    max_task_limit: int
    max_beyond_task_limit: int


@record
class LimitOverrideGranted:
    """An application may assign one task more than the agent's limits allow."""

    mrd_id: int
    skill_target_id: int


@record
class AgentReadinessSet:
    """The agent became ready, or not ready with a reason."""

    mrd_id: int
    skill_target_id: int
    ready: bool
    reason_code: int


@record
class AgentModeSet:
    """The agent's mode in the domain; requests waiting to become not routable are settled with it."""

    mrd_id: int
    skill_target_id: int
    routable: bool


@record
class AgentNotRoutableDeferred:
    """The agent becomes not routable once every task chosen for the agent has started (semantics 2.2)."""

    mrd_id: int
    skill_target_id: int
    origin: Origin


@record
class AgentSetAside:
    """The agent's application path went down: WORK_NOT_READY, not routable, tasks live on until `until`."""

    mrd_id: int
    skill_target_id: int
    until: float


@record
class AgentRestored:
    """The agent signed in again after the path was down (decisions C7)."""

    mrd_id: int
    skill_target_id: int
    routable: bool
    ready: bool


@record
class AgentTemporarilyNotRoutable:
    """The agent is given no task of any domain by the router until all tasks of now are done (semantics 2.2)."""

    skill_target_id: int


@record
class AgentRoutableAgain:
    """The agent has no task any more: a temporary not-routable is over."""

    skill_target_id: int


@record
class AgentInterruptAccepted:
    """The agent is INTERRUPTED in the domain, and so are these tasks; each keeps the state that it returns to."""

    mrd_id: int
    skill_target_id: int
    tasks: tuple[TaskId, ...]


@record
class AgentInterruptDeclined:
    """The agent works on in the domain beside the interrupting task."""

    mrd_id: int
    skill_target_id: int


@record
class AgentInterruptClosed:
    """The end of an interrupt was taken note of: interrupted tasks are in the states that they had."""

    mrd_id: int
    skill_target_id: int


@record
class AgentStateDated:
    """The state that the agent is about to be told to have began at `since`, UTC seconds: before we heard of it."""

    mrd_id: int
    skill_target_id: int
    since: float


@record
class ReplayBegun:
    """An agent reporting session begins to replay its agents and tasks; one begun before is given up."""

    session_id: int


@record
class ReplayEnded:
    """A session has replayed everything."""

    session_id: int


@record
class TaskReplayed:
    """A client told of a task in a replay; `until`: by when it has to end, None: that is as it was."""

    task_id: TaskId
    until: float | None


@record
class TaskInterruptReplayed:
    """A task was told to be INTERRUPTED."""

    task_id: TaskId
    mrd_id: int
    skill_target_id: int


@record
class TaskPriorityChanged:
    """A task's priority in queues where it stands; it keeps its age."""

    task_id: TaskId
    entries: tuple[QueueEntry, ...]


@record
class PrecisionStepReached:
    """A task reached a step (from 1) of a precision queue and stays on it until `until`, on the last one for ever."""

    task_id: TaskId
    queue: QueueRef
    step: int
    until: float | None
    skipped: tuple[int, ...] = ()
    """Earlier steps whose `consider_if` was false: their agents are not for the task."""


@record
class ScriptMoved:
    """A task's script stands before `step` (from 0) and goes on at `until`; None: it has ended."""

    task_id: TaskId
    step: int
    until: float | None
    leaves: QueueRef | None = None
    """The agent's own queue where the task waits until then, and no longer."""


@record
class LastAgentNoted:
    """An agent dealt with what a key variable names."""

    variable: str
    value: str
    skill_target_id: int


@record
class SettingsApplied:
    """From now on the configuration is this one; what had to end for it has ended before."""

    settings: RoutingSettings


@record
class TaskForgotten:
    """An ended task is no longer remembered: neither its answer nor its id as a PreviousTask."""

    task_id: TaskId


Event = (
    RoutingClientJoined
    | RoutingClientLeft
    | ArmClientJoined
    | ArmClientLeft
    | PathDataSet
    | AgentSignedIn
    | AgentSignedOut
    | AgentLimitsSet
    | LimitOverrideGranted
    | AgentReadinessSet
    | AgentModeSet
    | AgentNotRoutableDeferred
    | AgentSetAside
    | AgentRestored
    | AgentTemporarilyNotRoutable
    | AgentRoutableAgain
    | AgentInterruptAccepted
    | AgentInterruptDeclined
    | AgentInterruptClosed
    | AgentStateDated
    | ReplayBegun
    | ReplayEnded
    | TaskReplayed
    | TaskInterruptReplayed
    | TaskPriorityChanged
    | PrecisionStepReached
    | ScriptMoved
    | LastAgentNoted
    | SettingsApplied
    | TaskForgotten
    | events.TaskAccepted
    | events.TaskRejected
    | events.TaskFailed
    | events.TaskQueued
    | events.TaskDequeued
    | events.AgentChosen
    | events.LabelChosen
    | events.AnswerRepeated
    | events.LabelRepeated
    | events.TaskKept
    | events.TaskTakenUp
    | events.ApplicationTaskBegun
    | events.TaskOffered
    | events.TaskStarted
    | events.TaskPaused
    | events.TaskResumed
    | events.TaskWrapUpBegun
    | events.TaskEnded
    | events.TaskDataUpdated
    | events.PreCallAborted
    | events.MaxTaskLifetimeExceeded
    | events.RunScriptRequested
    | events.CancelAnswered
    | events.AgentMadeNotRoutable
    | events.AgentInterruptAdvised
    | events.AgentInterruptOver
    | events.AgentStateChanged
    | events.ControlAnswered
    | events.AgentTasksTold
    | events.ReportAnswered
)
"""Everything that `Engine.handle` may return."""
