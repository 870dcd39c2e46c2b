"""What agent reporting clients tell about agents and their tasks.

Knows sign-in, mode, readiness (semantics 2.2 and 2.4, decisions C4, C6, C7) and the order of a task's reports
(semantics 3.2, cti-notes). Must not know messages or scripts. A request is always answered, an indication only when it
fails.
"""

from ctigw.routing import inputs, interrupts, last_agents
from ctigw.routing.admission import admitted, in_charge, outside, reported_task
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
from ctigw.routing.limits import TASK_LIMITS, are_limits
from ctigw.routing.state import AgentDomain, TaskRecord
from ctigw.routing.tasks import end
from ctigw.routing.terms import (
    AgentState,
    ReportKind,
    ReportStatus,
    TaskState,
)
from ctigw.routing.turn import Turn

AGENT_LOGGED_OUT = 40
APPLICATION_PATH_DOWN = 42
"""Dispositions (semantics 3.6)."""
CTI_COMPONENT_FAILED = 50002
"""Reason of a logout that the agent's desktop or its path caused (semantics 2.6)."""
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
    end_login(turn, domain, APPLICATION_PATH_DOWN, reason_code=CTI_COMPONENT_FAILED)


# --- sign-in and sign-out --------------------------------------------------------------------------------------------


def sign_in(turn: Turn, item: inputs.MediaLogin) -> None:
    """MEDIA_LOGIN_REQ (semantics 2.4, decisions C6, C7)."""
    status = outside(turn.state, item)
    if status is ReportStatus.NO_ERROR and not are_limits(item.max_task_limit, item.max_beyond_task_limit):
        status = ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    if status is ReportStatus.NO_ERROR:
        domain = turn.state.domains.get(AgentKey(item.skill_target_id, item.mrd_id))
        if domain is not None and domain.signed_in:
            take_over(turn, item, domain)
            status = ReportStatus.AGENT_ALREADY_LOGGED_IN
        else:
            signed_in(turn, item)
    turn.answer(item.origin, ReportKind.MEDIA_LOGIN, status)


def signed_in(turn: Turn, item: inputs.SignIn) -> AgentDomain:
    """Sign in an agent who is not; he is NOT_READY."""
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
    return turn.state.domains[AgentKey(item.skill_target_id, item.mrd_id)]


def take_limits(turn: Turn, item: inputs.SignIn) -> None:
    """Take over the limits for an agent who is signed in, and the agent for the session (decisions C4)."""
    turn.record(
        AgentLimitsSet(
            mrd_id=item.mrd_id,
            skill_target_id=item.skill_target_id,
            session_id=item.origin.session_id,
            max_task_limit=item.max_task_limit,
            max_beyond_task_limit=item.max_beyond_task_limit,
        )
    )


def take_over(turn: Turn, item: inputs.SignIn, domain: AgentDomain) -> None:
    """An agent who is signed in signs in again: limits, and what his client may not have heard."""
    take_limits(turn, item)
    if domain.set_aside:
        restore(turn, domain, routable=item.routable)
    else:
        interrupts.renew(turn, domain, restored=False)


def restore(turn: Turn, domain: AgentDomain, *, routable: bool) -> None:
    """Bring back an agent who was set aside; he is ready when he has tasks (decisions C7)."""
    ready = state_of_tasks(domain.tally) is not AgentState.NOT_ACTIVE
    turn.record(AgentRestored(domain.mrd.id, domain.agent.skill_target_id, routable, ready))
    interrupts.renew(turn, domain, restored=True)


def sign_out(turn: Turn, item: inputs.MediaLogout) -> None:
    """MEDIA_LOGOUT_IND: open tasks end with the disposition given, else 40 (semantics 3.5)."""
    domain = admitted(turn, item, ReportKind.MEDIA_LOGOUT)
    if domain is not None:
        disposition = AGENT_LOGGED_OUT if item.disposition is None else item.disposition
        end_login(turn, domain, disposition, item.application_disposition or 0)


def end_login(
    turn: Turn, domain: AgentDomain, disposition: int, application_disposition: int = 0, *, reason_code: int = 0
) -> None:
    """Sign an agent out of a domain: tasks first, with this disposition."""
    agent = domain.agent.skill_target_id
    deferred = domain.deferred
    for task in list(domain.tasks.values()):
        announced = task.state is TaskState.PRE_CALL
        end(turn, task, disposition, application_disposition)
        if announced:
            turn.record(PreCallAborted(task.id, task.mrd.id, agent))
    turn.record(AgentSignedOut(domain.mrd.id, agent, reason_code))
    for origin in deferred:
        turn.answer(origin, ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.AGENT_NOT_LOGGED_IN)


# --- mode and readiness ----------------------------------------------------------------------------------------------


def make_routable(turn: Turn, item: inputs.MakeAgentRoutable) -> None:
    """MAKE_AGENT_ROUTABLE_IND; a limit in it is set (decisions C6)."""
    domain = in_charge(turn, item, ReportKind.MAKE_AGENT_ROUTABLE)
    if domain is None:
        return
    if item.max_tasks > 0 and item.max_tasks not in TASK_LIMITS:
        turn.answer(item.origin, ReportKind.MAKE_AGENT_ROUTABLE, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED)
        return
    if item.max_tasks > 0 and item.max_tasks != domain.max_task_limit:
        beyond = domain.max_beyond_task_limit
        limits = AgentLimitsSet(item.mrd_id, item.skill_target_id, domain.session_id, item.max_tasks, beyond)
        turn.record(limits)
    set_routable(turn, domain)


def make_not_routable(turn: Turn, item: inputs.MakeAgentNotRoutable) -> None:
    """MAKE_AGENT_NOT_ROUTABLE_REQ: answered only when every task chosen for the agent has started (semantics 2.2)."""
    domain = in_charge(turn, item, ReportKind.MAKE_AGENT_NOT_ROUTABLE)
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
    domain = in_charge(turn, item, ReportKind.MAKE_AGENT_READY)
    if domain is None:
        return
    if not domain.ready:
        turn.record(AgentReadinessSet(item.mrd_id, item.skill_target_id, True, 0))
    if item.make_routable:
        set_routable(turn, domain)


def make_not_ready(turn: Turn, item: inputs.MakeAgentNotReady) -> None:
    """MAKE_AGENT_NOT_READY_REQ: allowed in every state, open tasks stay (semantics 2.4)."""
    domain = in_charge(turn, item, ReportKind.MAKE_AGENT_NOT_READY)
    if domain is None:
        return
    if domain.ready or domain.reason_code != item.reason_code:
        turn.record(AgentReadinessSet(item.mrd_id, item.skill_target_id, False, item.reason_code))
    turn.answer(item.origin, ReportKind.MAKE_AGENT_NOT_READY, ReportStatus.NO_ERROR)


def set_mode(turn: Turn, domain: AgentDomain, *, routable: bool) -> None:
    """Set the mode at once; requests to become not routable that wait are settled by it."""
    if routable:
        set_routable(turn, domain)
    elif domain.routable:
        deferred = domain.deferred
        turn.record(AgentModeSet(domain.mrd.id, domain.agent.skill_target_id, False))
        for origin in deferred:
            turn.answer(origin, ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.NO_ERROR)


def set_routable(turn: Turn, domain: AgentDomain) -> None:
    """Make routable; requests to become not routable that still wait have been overtaken (decisions C4)."""
    deferred = domain.deferred
    if not domain.routable or deferred:
        turn.record(AgentModeSet(domain.mrd.id, domain.agent.skill_target_id, True))
    for origin in deferred:
        turn.answer(origin, ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.INVALID_MESSAGE_SEQUENCE)


def deferred_mode_due(turn: Turn, domain: AgentDomain) -> None:
    """Change the mode when the last task that held it back has started or ended."""
    if domain.deferred and not domain.tally.unstarted:
        set_mode(turn, domain, routable=False)


# --- interrupts ------------------------------------------------------------------------------------------------------


def accept_interrupt(turn: Turn, item: inputs.AcceptInterrupt) -> None:
    """AGENT_INTERRUPT_ACCEPTED_IND."""
    domain = in_charge(turn, item, ReportKind.AGENT_INTERRUPT_ACCEPTED)
    if domain is not None:
        interrupts.accept(turn, domain, item.origin)


def decline_interrupt(turn: Turn, item: inputs.DeclineInterrupt) -> None:
    """AGENT_INTERRUPT_UNACCEPTED_IND."""
    domain = in_charge(turn, item, ReportKind.AGENT_INTERRUPT_UNACCEPTED)
    if domain is not None:
        interrupts.decline(turn, domain, item.origin)


def accept_interrupt_done(turn: Turn, item: inputs.AcceptInterruptDone) -> None:
    """AGENT_INTERRUPT_DONE_ACCEPTED_IND."""
    domain = in_charge(turn, item, ReportKind.AGENT_INTERRUPT_DONE_ACCEPTED)
    if domain is not None:
        interrupts.close(turn, domain, item.origin)


# --- tasks -----------------------------------------------------------------------------------------------------------


def offer(turn: Turn, item: inputs.OfferTask) -> None:
    """OFFER_TASK_IND: PRE_CALL to OFFERED."""
    _move(turn, item, ReportKind.OFFER_TASK, (TaskState.PRE_CALL,), TaskOffered)


def start(turn: Turn, item: inputs.StartTask) -> None:
    """START_TASK_IND: PRE_CALL or OFFERED to ACTIVE; the start timer ends."""
    task = _move(turn, item, ReportKind.START_TASK, STARTABLE, TaskStarted)
    if task is not None and task.domain is not None:
        interrupts.begin(turn, task.domain)
        last_agents.note(turn, task)
        deferred_mode_due(turn, task.domain)


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
    """END_TASK_IND: from any state that a task with an agent can have, but not from INTERRUPTED (semantics 3.4)."""
    task = reported_task(turn, item, ReportKind.END_TASK)
    if task is None or task.domain is None:
        return
    if task.state is TaskState.INTERRUPTED:
        turn.answer(item.origin, ReportKind.END_TASK, ReportStatus.NOT_VALID_AFTER_INTERRUPT_ADVISORY_ACCEPT)
        return
    end(turn, task, item.disposition, item.application_disposition)
    deferred_mode_due(turn, task.domain)


def _move(
    turn: Turn,
    item: inputs.TaskReport,
    kind: ReportKind,
    allowed: tuple[TaskState, ...],
    fact: type[TaskOffered | TaskStarted | TaskPaused | TaskResumed | TaskWrapUpBegun],
) -> TaskRecord | None:
    """Record that the task moved, when it is in one of the states `allowed`; returns the task then."""
    task = reported_task(turn, item, kind)
    if task is None or task.domain is None:
        return None
    # An INTERRUPTED agent starts nothing; what was offered before is taken back when its start timer ends.
    if task.state is TaskState.INTERRUPTED or (fact is TaskStarted and task.domain.interrupted is not None):
        turn.answer(item.origin, kind, ReportStatus.NOT_VALID_AFTER_INTERRUPT_ADVISORY_ACCEPT)
        return None
    if task.state not in allowed:
        turn.answer(item.origin, kind, ReportStatus.INVALID_MESSAGE_SEQUENCE)
        return None
    turn.record(fact(task.id, task.mrd.id, item.skill_target_id, task.queue))
    return task
