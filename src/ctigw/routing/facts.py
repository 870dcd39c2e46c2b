"""Facts that change the engine's state and that no peer sees, and the union of all events.

Knows what a journal must keep beside the events of `ctigw.routing.events` so that a state can be rebuilt by applying
facts alone (decisions F1). Must not know who reads them. A fact carries every instant that was decided; an instant that
is simply "when it happened" is the `now` that it is applied with.
"""

from ctigw.routing import events
from ctigw.routing.inputs import Origin, TaskId
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


@record
class AgentLimitsSet:
    """A later sign-in or a routable report set the limits; `session_id` is the session that the agent belongs to."""

    mrd_id: int
    skill_target_id: int
    session_id: int
    max_task_limit: int
    max_beyond_task_limit: int


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
class TaskForgotten:
    """An ended task is no longer remembered: neither its answer nor its id as a PreviousTask."""

    task_id: TaskId


Event = (
    RoutingClientJoined
    | RoutingClientLeft
    | ArmClientJoined
    | ArmClientLeft
    | AgentSignedIn
    | AgentSignedOut
    | AgentLimitsSet
    | AgentReadinessSet
    | AgentModeSet
    | AgentNotRoutableDeferred
    | AgentSetAside
    | AgentRestored
    | TaskPriorityChanged
    | PrecisionStepReached
    | ScriptMoved
    | LastAgentNoted
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
    | events.AgentStateChanged
    | events.ReportAnswered
)
"""Everything that `Engine.handle` may return."""
