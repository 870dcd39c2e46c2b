"""What agent reporting clients tell about agents and their tasks.

Knows sign-in, mode, readiness (semantics 2.2 and 2.4, decisions C4, C6, C7) and the order of a task's reports
(semantics 3.2, cti-notes). Must not know messages or scripts. A request is always answered, an indication only when it
fails.
"""

from ctigw.routing import inputs, last_agents
from ctigw.routing.agents import state_of_tasks
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.events import (
    PreCallAborted,
    TaskOffered,
    TaskPaused,
    TaskResumed,
    TaskStarted,
    TaskWrapUpBegun,
)
from ctigw.routing.facts import (
    AgentLimitsSet,
    AgentModeSet,
    AgentNotRoutableDeferred,
    AgentReadinessSet,
    AgentRestored,
    AgentSetAside,
    AgentSignedIn,
    AgentSignedOut,
    ArmClientJoined,
    ArmClientLeft,
)
from ctigw.routing.state import AgentDomain, State, TaskRecord
from ctigw.routing.tasks import end
from ctigw.routing.terms import (
    AgentState,
    ReportKind,
    ReportStatus,
    TaskState,
)
from ctigw.routing.turn import Turn

VOICE_MRD = 1
TASK_LIMITS = range(1, 1001)
"""MaxTaskLimit (decisions C6)."""
AGENT_LOGGED_OUT = 40
APPLICATION_PATH_DOWN = 42
"""Dispositions (semantics 3.6)."""
STARTABLE = (TaskState.PRE_CALL, TaskState.OFFERED)
"""The offer is optional (semantics 3.2)."""


# --- sessions --------------------------------------------------------------------------------------------------------


def open_client(turn: Turn, item: inputs.ArmClientOpened) -> None:
    """A client of an application path is there."""
    turn.record(ArmClientJoined(item.session_id, item.application_path))


def lose_client(turn: Turn, item: inputs.ArmClientLost) -> None:
    """A client is gone; the last one of its path takes the path's agents down with it (decisions C4, C7)."""
    path = turn.state.arm_paths.get(item.session_id)
    if path is None:
        return
    turn.record(ArmClientLeft(item.session_id))
    if path in turn.state.arm_paths.values():
        return
    for domain in turn.state.domains.values():
        if domain.signed_in and not domain.set_aside and domain.application_path == path:
            until = turn.now + domain.mrd.task_life_s
            turn.record(AgentSetAside(domain.mrd.id, domain.agent.skill_target_id, until))


def task_life_over(turn: Turn, domain: AgentDomain) -> None:
    """The path has been down for too long: the tasks end, the agent is signed out (decisions C7)."""
    _sign_out(turn, domain, APPLICATION_PATH_DOWN)


# --- sign-in and sign-out --------------------------------------------------------------------------------------------


def sign_in(turn: Turn, item: inputs.MediaLogin) -> None:
    """MEDIA_LOGIN_REQ (semantics 2.4, decisions C6, C7)."""
    status = _outside(turn.state, item)
    if status is ReportStatus.NO_ERROR and item.max_task_limit not in TASK_LIMITS:
        status = ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    if status is ReportStatus.NO_ERROR:
        domain = turn.state.domains.get(AgentKey(item.skill_target_id, item.mrd_id))
        if domain is not None and domain.signed_in:
            _sign_in_again(turn, item, domain)
            status = ReportStatus.AGENT_ALREADY_LOGGED_IN
        else:
            turn.record(
                AgentSignedIn(
                    mrd_id=item.mrd_id,
                    skill_target_id=item.skill_target_id,
                    session_id=item.origin.session_id,
                    application_path=item.application_path,
                    routable=item.routable,
                    max_task_limit=item.max_task_limit,
                    max_beyond_task_limit=item.max_beyond_task_limit,
                    interruptible=turn.state.mrds[item.mrd_id].interruptible,
                )
            )
    turn.answer(item.origin, ReportKind.MEDIA_LOGIN, status)


def _sign_in_again(turn: Turn, item: inputs.MediaLogin, domain: AgentDomain) -> None:
    """Limits are taken over; an agent set aside comes back in the state of his tasks."""
    turn.record(
        AgentLimitsSet(
            mrd_id=item.mrd_id,
            skill_target_id=item.skill_target_id,
            session_id=item.origin.session_id,
            max_task_limit=item.max_task_limit,
            max_beyond_task_limit=item.max_beyond_task_limit,
        )
    )
    if domain.set_aside:
        ready = state_of_tasks(domain.tally) is not AgentState.NOT_ACTIVE
        turn.record(AgentRestored(item.mrd_id, item.skill_target_id, item.routable, ready))


def sign_out(turn: Turn, item: inputs.MediaLogout) -> None:
    """MEDIA_LOGOUT_IND: open tasks end with the disposition given, else 40 (semantics 3.5)."""
    domain = _admitted(turn, item, ReportKind.MEDIA_LOGOUT)
    if domain is not None:
        disposition = AGENT_LOGGED_OUT if item.disposition is None else item.disposition
        _sign_out(turn, domain, disposition, item.application_disposition or 0)


def _sign_out(turn: Turn, domain: AgentDomain, disposition: int, application_disposition: int = 0) -> None:
    agent = domain.agent.skill_target_id
    deferred = domain.deferred
    for task in list(domain.tasks.values()):
        announced = task.state is TaskState.PRE_CALL
        end(turn, task, disposition, application_disposition)
        if announced:
            turn.record(PreCallAborted(task.id, task.mrd.id, agent))
    turn.record(AgentSignedOut(domain.mrd.id, agent))
    for origin in deferred:
        turn.answer(origin, ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.AGENT_NOT_LOGGED_IN)


# --- mode and readiness ----------------------------------------------------------------------------------------------


def make_routable(turn: Turn, item: inputs.MakeAgentRoutable) -> None:
    """MAKE_AGENT_ROUTABLE_IND; a limit in it is set (decisions C6)."""
    domain = _in_charge(turn, item, ReportKind.MAKE_AGENT_ROUTABLE)
    if domain is None:
        return
    if item.max_tasks > 0 and item.max_tasks not in TASK_LIMITS:
        turn.answer(item.origin, ReportKind.MAKE_AGENT_ROUTABLE, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED)
        return
    if item.max_tasks > 0 and item.max_tasks != domain.max_task_limit:
        beyond = domain.max_beyond_task_limit
        limits = AgentLimitsSet(item.mrd_id, item.skill_target_id, domain.session_id, item.max_tasks, beyond)
        turn.record(limits)
    _set_routable(turn, domain)


def make_not_routable(turn: Turn, item: inputs.MakeAgentNotRoutable) -> None:
    """MAKE_AGENT_NOT_ROUTABLE_REQ: answered only when every task chosen for the agent has started (semantics 2.2)."""
    domain = _in_charge(turn, item, ReportKind.MAKE_AGENT_NOT_ROUTABLE)
    if domain is None:
        return
    if domain.routable and domain.tally.unstarted:
        turn.record(AgentNotRoutableDeferred(item.mrd_id, item.skill_target_id, item.origin))
        return
    if domain.routable:
        turn.record(AgentModeSet(item.mrd_id, item.skill_target_id, False))
    turn.answer(item.origin, ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.NO_ERROR)


def make_ready(turn: Turn, item: inputs.MakeAgentReady) -> None:
    """MAKE_AGENT_READY_IND (decisions C6)."""
    domain = _in_charge(turn, item, ReportKind.MAKE_AGENT_READY)
    if domain is None:
        return
    if not domain.ready:
        turn.record(AgentReadinessSet(item.mrd_id, item.skill_target_id, True, 0))
    if item.make_routable:
        _set_routable(turn, domain)


def make_not_ready(turn: Turn, item: inputs.MakeAgentNotReady) -> None:
    """MAKE_AGENT_NOT_READY_REQ: allowed in every state, open tasks stay (semantics 2.4)."""
    domain = _in_charge(turn, item, ReportKind.MAKE_AGENT_NOT_READY)
    if domain is None:
        return
    if domain.ready or domain.reason_code != item.reason_code:
        turn.record(AgentReadinessSet(item.mrd_id, item.skill_target_id, False, item.reason_code))
    turn.answer(item.origin, ReportKind.MAKE_AGENT_NOT_READY, ReportStatus.NO_ERROR)


def _set_routable(turn: Turn, domain: AgentDomain) -> None:
    """Make routable; requests to become not routable that still wait have been overtaken (decisions C4)."""
    deferred = domain.deferred
    if not domain.routable or deferred:
        turn.record(AgentModeSet(domain.mrd.id, domain.agent.skill_target_id, True))
    for origin in deferred:
        turn.answer(origin, ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.INVALID_MESSAGE_SEQUENCE)


def _deferred_mode_due(turn: Turn, domain: AgentDomain) -> None:
    """Change the mode when the last task that held it back has started or ended."""
    deferred = domain.deferred
    if not deferred or domain.tally.unstarted:
        return
    turn.record(AgentModeSet(domain.mrd.id, domain.agent.skill_target_id, False))
    for origin in deferred:
        turn.answer(origin, ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.NO_ERROR)


# --- tasks -----------------------------------------------------------------------------------------------------------


def offer(turn: Turn, item: inputs.OfferTask) -> None:
    """OFFER_TASK_IND: PRE_CALL to OFFERED."""
    _move(turn, item, ReportKind.OFFER_TASK, (TaskState.PRE_CALL,), TaskOffered)


def start(turn: Turn, item: inputs.StartTask) -> None:
    """START_TASK_IND: PRE_CALL or OFFERED to ACTIVE; the start timer ends."""
    task = _move(turn, item, ReportKind.START_TASK, STARTABLE, TaskStarted)
    if task is not None and task.domain is not None:
        last_agents.note(turn, task)
        _deferred_mode_due(turn, task.domain)


def pause(turn: Turn, item: inputs.PauseTask) -> None:
    """PAUSE_TASK_IND: ACTIVE to PAUSED."""
    _move(turn, item, ReportKind.PAUSE_TASK, (TaskState.ACTIVE,), TaskPaused)


def resume(turn: Turn, item: inputs.ResumeTask) -> None:
    """RESUME_TASK_IND: PAUSED to ACTIVE."""
    _move(turn, item, ReportKind.RESUME_TASK, (TaskState.PAUSED,), TaskResumed)


def wrap_up(turn: Turn, item: inputs.WrapUpTask) -> None:
    """WRAPUP_TASK_IND: ACTIVE or PAUSED to WRAPUP."""
    _move(turn, item, ReportKind.WRAPUP_TASK, (TaskState.ACTIVE, TaskState.PAUSED), TaskWrapUpBegun)


def end_task(turn: Turn, item: inputs.EndTask) -> None:
    """END_TASK_IND: from any state that a task with an agent can have."""
    task = _task(turn, item, ReportKind.END_TASK)
    if task is None or task.domain is None:
        return
    end(turn, task, item.disposition, item.application_disposition)
    _deferred_mode_due(turn, task.domain)


def _move(
    turn: Turn,
    item: inputs.TaskReport,
    kind: ReportKind,
    allowed: tuple[TaskState, ...],
    fact: type[TaskOffered | TaskStarted | TaskPaused | TaskResumed | TaskWrapUpBegun],
) -> TaskRecord | None:
    """Record that the task moved, when it is in one of the states `allowed`; returns the task then."""
    task = _task(turn, item, kind)
    if task is None:
        return None
    if task.state not in allowed:
        turn.answer(item.origin, kind, ReportStatus.INVALID_MESSAGE_SEQUENCE)
        return None
    turn.record(fact(task.id, task.mrd.id, item.skill_target_id, task.queue))
    return task


def _task(turn: Turn, item: inputs.TaskReport, kind: ReportKind) -> TaskRecord | None:
    """The task that a report is about, or None after having answered why not."""
    task = turn.state.tasks.get(item.task_id)
    status = _outside(turn.state, item)
    if status is ReportStatus.NO_ERROR:
        if task is None or task.state is TaskState.ENDED:
            status = ReportStatus.TASK_OBJECT_NOT_FOUND
        elif task.mrd.id != item.mrd_id:
            status = ReportStatus.INCONSISTENT_MEDIA_ROUTING_DOMAIN_IDS
        elif task.domain is None:
            status = ReportStatus.NO_OFFER_OR_PRE_CALL_RECEIVED
        elif task.domain.agent.skill_target_id != item.skill_target_id:
            status = ReportStatus.INCONSISTENT_AGENT_IDS
    if status is ReportStatus.NO_ERROR:
        return task
    turn.answer(item.origin, kind, status)
    return None


# --- admission -------------------------------------------------------------------------------------------------------


def _outside(state: State, item: inputs.AgentReport) -> ReportStatus:
    """Why a client may not report on this agent and domain at all; NO_ERROR when it may."""
    agent = state.agents.get(item.skill_target_id)
    if agent is None:
        return ReportStatus.AGENT_NOT_FOUND
    if item.mrd_id == VOICE_MRD:
        return ReportStatus.CANT_LOGIN_TO_VOICE_MRD
    if item.mrd_id not in state.mrds:
        return ReportStatus.MRD_LIST_ENTRY_NOT_FOUND
    if state.paths.get((agent.peripheral, item.mrd_id)) != item.application_path:
        return ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH
    return ReportStatus.NO_ERROR


def _admitted(turn: Turn, item: inputs.AgentReport, kind: ReportKind) -> AgentDomain | None:
    """The agent's record in the domain, or None after having answered why not."""
    status = _outside(turn.state, item)
    domain = turn.state.domains.get(AgentKey(item.skill_target_id, item.mrd_id))
    if status is ReportStatus.NO_ERROR and (domain is None or not domain.signed_in):
        status = ReportStatus.AGENT_NOT_LOGGED_IN
    if status is ReportStatus.NO_ERROR:
        return domain
    turn.answer(item.origin, kind, status)
    return None


def _in_charge(turn: Turn, item: inputs.AgentReport, kind: ReportKind) -> AgentDomain | None:
    """As `_admitted`, and the agent has not been set aside: then only sign-in and sign-out count (semantics 2.4)."""
    domain = _admitted(turn, item, kind)
    if domain is None or not domain.set_aside:
        return domain
    turn.answer(item.origin, kind, ReportStatus.INVALID_MESSAGE_SEQUENCE)
    return None
