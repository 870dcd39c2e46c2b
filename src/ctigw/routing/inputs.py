"""What can happen to the routing engine, one class for each thing.

Knows who said it (session ids that the gateway gives out) and what was said, already decoded; must not know messages or
bytes. The engine takes inputs one by one in order (design 3); opening and losing a session and the passing of a
deadline are inputs too (decisions F4). Sources: semantics 3.2 and 2.4, decisions C, D, E.
"""

from typing import NamedTuple

from ctigw.config.routing import RoutingSettings
from ctigw.routing.record import record


class TaskId(NamedTuple):
    """ICM task id: RouterCallKeyDay, RouterCallKey, SequenceNumber (decisions E1)."""

    day: int
    key: int
    sequence: int


class Variable(NamedTuple):
    """One variable of a task.

    `name` is `call.1` to `call.10`, or `ecc.NAME`; `element` is the index within an ECC array, None for a scalar.
    Text is Latin-1 (semantics 6.2).
    """

    name: str
    element: int | None
    value: str


class Origin(NamedTuple):
    """Which request of which session an answer belongs to."""

    session_id: int
    invoke_id: int


class DialogueKey(NamedTuple):
    """A dialogue of a routing client: its session and the DialogueID that it chose."""

    session_id: int
    dialogue_id: int


@record
class TaskContext:
    """What a task carries along; replaced as a whole when a variable changes."""

    script_selector: str
    variables: tuple[Variable, ...] = ()
    user_to_user_info: bytes = b""
    application_string1: str | None = None
    application_string2: str | None = None


@record
class RoutingClientOpened:
    """A channel application opened a session (we are its PIM)."""

    session_id: int
    application: str
    """Name of its `[[application]]`, empty when none is bound (decisions D1)."""
    requeue_on_recovery: bool = False


@record
class RoutingClientLost:
    """The session of a channel application ended, in whatever way (decisions D6)."""

    session_id: int


@record
class NewTask:
    """NEW_TASK that the session found well-formed (checks 1, 2 and 10 of mr-wire are the session's)."""

    dialogue: DialogueKey
    context: TaskContext
    mrd_id: int | None = None
    """None: take it from the script selector (decisions D2)."""
    service: int = 0
    previous_task: TaskId | None = None
    preferred_skill_target_id: int | None = None
    preferred_agent_number: str | None = None
    queue_type: int | None = None
    queue_id: int | None = None


@record
class CancelTask:
    """CANCEL_TASK for a dialogue that the session knows as open."""

    dialogue: DialogueKey
    invoke_id: int
    reason: int = 0


@record
class RunScriptResult:
    """RUN_SCRIPT_RESULT: the application took note of a RUN_SCRIPT_REQ."""

    dialogue: DialogueKey
    invoke_id: int
    succeeded: bool
    variables: tuple[Variable, ...] = ()
    application_string2: str | None = None


@record
class ArmClientOpened:
    """A CTI client opened with agent reporting on an application path; the path is up (decisions C7)."""

    session_id: int
    application_path: int


@record
class ArmClientLost:
    """An agent reporting session ended; the last one of a path takes the path down (decisions C4, C7)."""

    session_id: int


@record
class AgentReport:
    """What every agent reporting message names."""

    origin: Origin
    application_path: int
    mrd_id: int
    skill_target_id: int
    """ICMAgentID on the wire."""


@record
class SignIn(AgentReport):
    """What signs an agent in."""

    routable: bool = True
    max_task_limit: int = 1
    max_beyond_task_limit: int = 0


@record
class MediaLogin(SignIn):
    """MEDIA_LOGIN_REQ (decisions C6, C7)."""


@record
class MediaLogout(AgentReport):
    """MEDIA_LOGOUT_IND with the dispositions for tasks still open."""

    disposition: int | None = None
    application_disposition: int | None = None


@record
class MakeAgentRoutable(AgentReport):
    """MAKE_AGENT_ROUTABLE_IND; `max_tasks` above 0 sets the limit (decisions C6)."""

    max_tasks: int = 0


@record
class MakeAgentNotRoutable(AgentReport):
    """MAKE_AGENT_NOT_ROUTABLE_REQ; deferred while offers are unstarted (semantics 2.2)."""


@record
class MakeAgentReady(AgentReport):
    """MAKE_AGENT_READY_IND (decisions C6)."""

    make_routable: bool = True


@record
class MakeAgentNotReady(AgentReport):
    """MAKE_AGENT_NOT_READY_REQ."""

    reason_code: int = 0


@record
class AcceptInterrupt(AgentReport):
    """AGENT_INTERRUPT_ACCEPTED_IND (semantics 4)."""


@record
class DeclineInterrupt(AgentReport):
    """AGENT_INTERRUPT_UNACCEPTED_IND (semantics 4)."""


@record
class AcceptInterruptDone(AgentReport):
    """AGENT_INTERRUPT_DONE_ACCEPTED_IND (semantics 4)."""


@record
class SetAgentState:
    """SET_AGENT_STATE_REQ: it names no domain and acts on all where the agent is signed in (semantics 2.3)."""

    origin: Origin
    peripheral: int
    agent_number: str
    """Peripheral agent number; empty when the request names none, or two."""
    state: int
    work_mode: int
    reason_code: int
    forced: bool


@record
class ChangeMaxTaskLimit(AgentReport):
    """CHANGE_MAX_TASK_LIMIT_REQ; `max_beyond_task_limit` None: not named."""

    max_task_limit: int
    max_beyond_task_limit: int | None = None


@record
class OverrideLimit(AgentReport):
    """OVERRIDE_LIMIT_REQ."""


@record
class ApplicationTask(AgentReport):
    """A task that the application assigns itself (semantics 3.3). Skill group and service: 0 is none."""

    skill_group_id: int = 0
    service_id: int = 0
    variables: tuple[Variable, ...] = ()


@record
class OfferApplicationTask(ApplicationTask):
    """OFFER_APPLICATION_TASK_REQ."""


@record
class StartApplicationTask(ApplicationTask):
    """START_APPLICATION_TASK_REQ."""


@record
class TaskReport(AgentReport):
    """An agent report about one task."""

    task_id: TaskId


@record
class OfferTask(TaskReport):
    """OFFER_TASK_IND."""


@record
class StartTask(TaskReport):
    """START_TASK_IND."""


@record
class PauseTask(TaskReport):
    """PAUSE_TASK_IND."""


@record
class ResumeTask(TaskReport):
    """RESUME_TASK_IND."""


@record
class WrapUpTask(TaskReport):
    """WRAPUP_TASK_IND."""


@record
class EndTask(TaskReport):
    """END_TASK_IND."""

    disposition: int = 38
    application_disposition: int = 0


@record
class UpdateTaskContext:
    """UPDATE_TASK_CONTEXT_IND: sets the variables named, leaves the others."""

    origin: Origin
    application_path: int
    task_id: TaskId
    variables: tuple[Variable, ...]


@record
class BeginAgentInit:
    """BEGIN_AGENT_INIT_IND: a session begins to replay what it knows."""

    origin: Origin
    application_path: int


@record
class EndAgentInit:
    """END_AGENT_INIT_IND."""

    origin: Origin
    application_path: int


@record
class AgentInit(SignIn):
    """AGENT_INIT_REQ; `agent_state` by its CTI number."""

    agent_state: int = 2
    reason_code: int = 0


@record
class TaskInitWithoutId(ApplicationTask):
    """TASK_INIT_REQ; `task_state` by its CTI number, `state_duration_s` 0: not told."""

    task_state: int = 1
    state_duration_s: int = 0


@record
class TaskInit(TaskInitWithoutId):
    """TASK_INIT_IND."""

    task_id: TaskId = TaskId(-1, -1, -1)


@record
class GetAgentTasks(AgentReport):
    """GET_AGENT_TASKS_REQ."""


@record
class SetPathData:
    """SET_APP_DATA_REQ, or SET_APP_PATH_DATA_IND: sets call variables of an application path, leaves the others."""

    origin: Origin
    application_path: int
    """Of the session."""
    named_path: int | None
    """In the message."""
    variables: tuple[Variable, ...]
    is_request: bool = False


@record
class SettingsChanged:
    """The operator changed the configuration; whoever says so has checked that it is sound and that it compiles."""

    settings: RoutingSettings


@record
class DeadlinesPassed:
    """Time has come to `now`; everything due by then happens, in order of its deadline."""


Input = (
    RoutingClientOpened
    | RoutingClientLost
    | NewTask
    | CancelTask
    | RunScriptResult
    | ArmClientOpened
    | ArmClientLost
    | MediaLogin
    | MediaLogout
    | MakeAgentRoutable
    | MakeAgentNotRoutable
    | MakeAgentReady
    | MakeAgentNotReady
    | SetAgentState
    | AcceptInterrupt
    | DeclineInterrupt
    | AcceptInterruptDone
    | ChangeMaxTaskLimit
    | OverrideLimit
    | OfferApplicationTask
    | StartApplicationTask
    | OfferTask
    | StartTask
    | PauseTask
    | ResumeTask
    | WrapUpTask
    | EndTask
    | UpdateTaskContext
    | BeginAgentInit
    | AgentInit
    | TaskInit
    | TaskInitWithoutId
    | EndAgentInit
    | GetAgentTasks
    | SetPathData
    | SettingsChanged
    | DeadlinesPassed
)
