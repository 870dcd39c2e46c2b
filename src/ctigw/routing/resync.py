"""The replay of agents and tasks by a client that is back.

Knows messages 181 to 185, 209 and 255 (cti-notes "Resynchronisation after failover", semantics 3.3 and 7.3, decisions
C4, C7); must not know sign-in by itself nor what happens to a task afterwards. Where the texts are silent [OURS]:

* A replay belongs to its session. Nothing of it happens outside one (status 19); beginning again begins anew; with the
  session it is dropped and ends nothing.
* What the client tells is right: it was with the agent while we were not. Only ids are ours: a task that has ended here
  does not come back, and a task of another agent or domain does not move.
* A task that has no state yet here passes through those before the told one, so that whoever watches sees a whole life.
* A task that any client has reported on since the replay began is known to be there and is not ended with 51.
"""

from ctigw.routing import inputs, interrupts, temporary_mode
from ctigw.routing.admission import admitted, outside, signed_in_status, task_status
from ctigw.routing.agents import agent_state
from ctigw.routing.application_tasks import NO_SELECTOR, group_status
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.events import (
    AgentTasksTold,
    ApplicationTaskBegun,
    TaskDataUpdated,
    TaskOffered,
    TaskPaused,
    TaskResumed,
    TaskStarted,
    TaskWrapUpBegun,
)
from ctigw.routing.facts import (
    AgentInterruptAccepted,
    AgentInterruptClosed,
    AgentLimitsSet,
    AgentReadinessSet,
    AgentStateDated,
    ReplayBegun,
    ReplayEnded,
    TaskInterruptReplayed,
    TaskReplayed,
)
from ctigw.routing.inputs import TaskId
from ctigw.routing.limits import BEYOND_LIMITS, TASK_LIMITS, are_limits
from ctigw.routing.reports import deferred_mode_due, restore, set_mode, signed_in, take_over
from ctigw.routing.scripts.variables import with_variable
from ctigw.routing.state import AgentDomain, State, TaskRecord
from ctigw.routing.task_ids import HIGHEST_KEY, new_task_id
from ctigw.routing.tasks import end
from ctigw.routing.terms import (
    AgentState,
    ReportKind,
    ReportStatus,
    TaskState,
)
from ctigw.routing.turn import Turn

ENDED_DURING_APPLICATION_INIT = 51
"""Disposition (semantics 3.6)."""
NOT_READY_STATES = (AgentState.LOGIN, AgentState.NOT_READY, AgentState.WORK_NOT_READY, AgentState.UNKNOWN)
READY_STATES = (
    AgentState.WORK_READY,
    AgentState.BUSY_OTHER,
    AgentState.RESERVED,
    AgentState.ACTIVE,
    AgentState.PAUSED,
    AgentState.INTERRUPTED,
    AgentState.NOT_ACTIVE,
)
"""States that a signed-in agent can be told to have; which of the ready ones it is follows from his tasks."""
BEGUN = (TaskState.ACTIVE, TaskState.WRAPUP, TaskState.PAUSED, TaskState.INTERRUPTED)
TOLD = (TaskState.OFFERED, *BEGUN)
"""States of a task that can be told; what is only announced comes by GET_PRECALL_MESSAGES."""
MOST_TASKS = TASK_LIMITS[-1] + BEYOND_LIMITS[-1]
"""Tasks that an agent can have by being told of them: no limit keeps away a task that is there, memory does."""


# --- the replay ------------------------------------------------------------------------------------------------------


def begin(turn: Turn, item: inputs.BeginAgentInit) -> None:
    """BEGIN_AGENT_INIT_IND."""
    if turn.state.arm_paths.get(item.origin.session_id) != item.application_path:
        turn.answer(item.origin, ReportKind.BEGIN_AGENT_INIT, ReportStatus.INVALID_MESSAGE_SEQUENCE)
        return
    turn.record(ReplayBegun(item.origin.session_id))


def finish(turn: Turn, item: inputs.EndAgentInit) -> None:
    """END_AGENT_INIT_IND: what was there before and was not told is over (disposition 51)."""
    if not _replaying(turn, item.origin, ReportKind.END_AGENT_INIT):
        return
    begun = turn.state.replays[item.origin.session_id]
    for domain in turn.state.domains.values():
        if domain.application_path != item.application_path or not _answers_for(turn.state, item.origin, domain):
            continue
        for task in list(domain.tasks.values()):
            if task.state is not TaskState.PRE_CALL and domain.spoken_of.get(task.id, 0) < begun:
                end(turn, task, ENDED_DURING_APPLICATION_INIT)
        deferred_mode_due(turn, domain)
    turn.record(ReplayEnded(item.origin.session_id))


def _replaying(turn: Turn, origin: inputs.Origin, kind: ReportKind) -> bool:
    """Whether the session is in a replay; answers that it is not."""
    if origin.session_id in turn.state.replays:
        return True
    turn.answer(origin, kind, ReportStatus.INVALID_MESSAGE_SEQUENCE)
    return False


def _answers_for(state: State, origin: inputs.Origin, domain: AgentDomain) -> bool:
    """Whether a session's replay is the last word on the agent: nobody else's living session has him (C4)."""
    owner = domain.session_id
    return owner == origin.session_id or owner not in state.arm_paths


# --- agents ----------------------------------------------------------------------------------------------------------


def init_agent(turn: Turn, item: inputs.AgentInit) -> None:
    """AGENT_INIT_REQ: sign the agent in, or take him over, in the state, mode and limits told."""
    kind = ReportKind.AGENT_INIT
    if not _replaying(turn, item.origin, kind):
        return
    status = outside(turn.state, item)
    if status is ReportStatus.NO_ERROR and item.agent_state not in (*READY_STATES, *NOT_READY_STATES):
        status = ReportStatus.INVALID_MESSAGE_SEQUENCE
    if status is ReportStatus.NO_ERROR and not are_limits(item.max_task_limit, item.max_beyond_task_limit):
        status = ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    if status is ReportStatus.NO_ERROR:
        _take_over(turn, item, ready=item.agent_state in READY_STATES)
    turn.answer(item.origin, kind, status)


def _take_over(turn: Turn, item: inputs.AgentInit, *, ready: bool) -> None:
    domain = turn.state.domains.get(AgentKey(item.skill_target_id, item.mrd_id))
    if domain is None or not domain.signed_in:
        domain = signed_in(turn, item)
    else:
        take_over(turn, item, domain)
        if domain.interrupted is not None and item.agent_state != AgentState.INTERRUPTED:
            turn.record(AgentInterruptClosed(item.mrd_id, item.skill_target_id))
    set_mode(turn, domain, routable=item.routable)
    reason_code = 0 if ready else item.reason_code
    if (domain.ready, domain.reason_code) != (ready, reason_code):
        turn.record(AgentReadinessSet(item.mrd_id, item.skill_target_id, ready, reason_code))


def agent_tasks(turn: Turn, item: inputs.GetAgentTasks) -> None:
    """GET_AGENT_TASKS_REQ: the agent's tasks; an agent who was set aside comes back by it, not routable.

    His state is that of his tasks, NOT_READY when there are none (cti-notes, clients of version 20 and later).
    """
    status = signed_in_status(turn.state, item.application_path, item.mrd_id, item.skill_target_id)
    tasks: tuple[TaskId, ...] = ()
    if status is ReportStatus.NO_ERROR:
        domain = turn.state.domains[AgentKey(item.skill_target_id, item.mrd_id)]
        tasks = tuple(domain.tasks)
        if domain.set_aside:
            session, limit, beyond = item.origin.session_id, domain.max_task_limit, domain.max_beyond_task_limit
            turn.record(AgentLimitsSet(item.mrd_id, item.skill_target_id, session, limit, beyond))
            restore(turn, domain, routable=False)
    turn.tell(AgentTasksTold(item.origin, item.mrd_id, item.skill_target_id, status, tasks))


# --- tasks -----------------------------------------------------------------------------------------------------------


def init_task(turn: Turn, item: inputs.TaskInit) -> None:
    """TASK_INIT_IND: a task takes the state told; one that we do not know is taken in under its id."""
    kind = ReportKind.TASK_INIT
    domain = _told_domain(turn, item, kind)
    if domain is None:
        return
    known = turn.state.tasks.get(item.task_id)
    if known is None:
        status = _room(domain) if _could_be_ours(item.task_id) else ReportStatus.TASK_OBJECT_NOT_FOUND
    else:
        status = task_status(turn.state, item.task_id, item.mrd_id, item.skill_target_id)
    context = with_variable(NO_SELECTOR if known is None else known.context, item.variables)
    if status is ReportStatus.NO_ERROR and context is None:
        status = ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    if status is not ReportStatus.NO_ERROR or context is None:
        turn.answer(item.origin, kind, status)
    elif known is None:
        _take_in(turn, item, domain, item.task_id, context, is_new_id=False)
    else:
        if context != known.context:
            turn.record(TaskDataUpdated(known.id, item.mrd_id, context, item.skill_target_id))
        _tell(turn, item, domain, known, None)


def init_task_without_id(turn: Turn, item: inputs.TaskInitWithoutId) -> None:
    """TASK_INIT_REQ: a task that began while the link was down gets its id."""
    kind = ReportKind.TASK_INIT_REQ
    domain = _told_domain(turn, item, kind)
    if domain is None:
        return
    status = _room(domain)
    context = with_variable(NO_SELECTOR, item.variables)
    if status is not ReportStatus.NO_ERROR or context is None:
        turn.answer(item.origin, kind, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED)
        return
    task_id = new_task_id(turn.state, turn.now)
    turn.answer(item.origin, kind, status, task_id)
    _take_in(turn, item, domain, task_id, context, is_new_id=True)


def _told_domain(turn: Turn, item: inputs.TaskInitWithoutId, kind: ReportKind) -> AgentDomain | None:
    """The agent's record when the message may tell of a task of his, or None after having answered why not."""
    if not _replaying(turn, item.origin, kind):
        return None
    domain = admitted(turn, item, kind)
    if domain is None:
        return None
    status = group_status(turn.state, item.mrd_id, item.skill_group_id, item.service_id)
    if status is ReportStatus.NO_ERROR and not _can_be_told(item.task_state, domain):
        status = ReportStatus.INVALID_MESSAGE_SEQUENCE
    if status is ReportStatus.NO_ERROR:
        return domain
    turn.answer(item.origin, kind, status)
    return None


def _can_be_told(task_state: int, domain: AgentDomain) -> bool:
    """A task of a domain that may not be interrupted is never INTERRUPTED (semantics 4): nothing could end that."""
    return task_state in TOLD and (domain.interruptible or task_state != TaskState.INTERRUPTED)


def _could_be_ours(task_id: TaskId) -> bool:
    """Whether it is an id that a gateway could have given."""
    return task_id.day > 0 and 0 < task_id.key <= HIGHEST_KEY and task_id.sequence > 0


def _room(domain: AgentDomain) -> ReportStatus:
    full = domain.tally.total >= MOST_TASKS
    return ReportStatus.PERFORMANCE_LIMIT_EXCEEDED if full else ReportStatus.NO_ERROR


def _take_in(
    turn: Turn,
    item: inputs.TaskInitWithoutId,
    domain: AgentDomain,
    task_id: TaskId,
    context: inputs.TaskContext,
    *,
    is_new_id: bool,
) -> None:
    """Begin the task. Its time runs since the state told at least: what it was before, nobody says."""
    turn.record(
        ApplicationTaskBegun(
            task_id=task_id,
            mrd_id=item.mrd_id,
            skill_target_id=item.skill_target_id,
            queue=turn.state.groups.get((item.skill_group_id, item.mrd_id)),
            context=context,
            is_new_id=is_new_id,
        )
    )
    temporary_mode.note_assignment(turn, domain)
    until = turn.now + domain.mrd.max_task_duration_s - _believed_s(item, domain)
    _tell(turn, item, domain, turn.state.tasks[task_id], None if item.task_state == TaskState.OFFERED else until)


def _tell(
    turn: Turn,
    item: inputs.TaskInitWithoutId,
    domain: AgentDomain,
    task: TaskRecord,
    until: float | None,
) -> None:
    """Bring the task into the state told, and date the agent's state when it is by this task that he has it."""
    before, started = agent_state(domain), domain.tally.started
    interrupted = domain.interrupted
    if interrupted is not None and _says_it_is_over(item, task, interrupted):
        turn.record(AgentInterruptClosed(item.mrd_id, item.skill_target_id))
    _move(turn, task, TaskState(item.task_state), item.skill_target_id)
    turn.record(TaskReplayed(task.id, until))
    if domain.tally.started > started:
        interrupts.begin(turn, domain)
    lasting = _believed_s(item, domain)
    if lasting and agent_state(domain) is not before:
        turn.record(AgentStateDated(item.mrd_id, item.skill_target_id, turn.now - lasting))
    deferred_mode_due(turn, domain)


def _move(turn: Turn, task: TaskRecord, told: TaskState, agent: int) -> None:
    place = (task.id, task.mrd.id, agent, task.queue)
    had_begun = task.state in BEGUN
    if told is task.state:
        return
    if told is TaskState.OFFERED:
        turn.record(TaskOffered(*place))
        return
    if not had_begun:
        turn.record(TaskStarted(*place))
    if told is TaskState.INTERRUPTED:
        _interrupt(turn, task, agent)
    elif told is TaskState.PAUSED:
        turn.record(TaskPaused(*place))
    elif told is TaskState.WRAPUP:
        turn.record(TaskWrapUpBegun(*place))
    elif had_begun:
        turn.record(TaskResumed(*place))


def _says_it_is_over(item: inputs.TaskInitWithoutId, task: TaskRecord, interrupted: dict[TaskId, TaskState]) -> bool:
    """Whether the state told says that the interrupt of the domain is over: the agent works on, or the task is free."""
    if item.task_state == TaskState.INTERRUPTED:
        return False
    return item.task_state != TaskState.OFFERED or task.id in interrupted


def _interrupt(turn: Turn, task: TaskRecord, agent: int) -> None:
    """An interrupt is of the domain, not of the task: with the first task told, all that run are INTERRUPTED."""
    domain = turn.state.domains[AgentKey(agent, task.mrd.id)]
    if domain.interrupted is not None:
        turn.record(TaskInterruptReplayed(task.id, task.mrd.id, agent))
        return
    running = tuple(t.id for t in domain.tasks.values() if t.state in interrupts.INTERRUPTIBLE_TASKS)
    turn.record(AgentInterruptAccepted(task.mrd.id, agent, running))


def _believed_s(item: inputs.TaskInitWithoutId, domain: AgentDomain) -> float:
    """StateDuration where it can be true; a task would not have lived longer than the domain lets one."""
    told = item.state_duration_s
    return told if 0 < told < domain.mrd.max_task_duration_s else 0
