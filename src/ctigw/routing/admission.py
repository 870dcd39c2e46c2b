"""Whether an agent reporting client may say something about an agent or a task.

Knows the order in which a report is checked and the status of each refusal (arm.toml arm_status, cti-notes "Tasks");
must not know what a report does. The functions without a turn only look, so that questions are checked like reports.
"""

from ctigw.routing.deadlines import AgentKey
from ctigw.routing.inputs import AgentReport, TaskId, TaskReport
from ctigw.routing.state import AgentDomain, State, TaskRecord
from ctigw.routing.terms import (
    ReportKind,
    ReportStatus,
    TaskState,
)
from ctigw.routing.turn import Turn

VOICE_MRD = 1


def agent_status(state: State, application_path: int, mrd_id: int, skill_target_id: int) -> ReportStatus:
    """Why a client of the path may not speak of this agent and domain at all; NO_ERROR when it may."""
    agent = state.agents.get(skill_target_id)
    if agent is None:
        return ReportStatus.AGENT_NOT_FOUND
    if mrd_id == VOICE_MRD:
        return ReportStatus.CANT_LOGIN_TO_VOICE_MRD
    if mrd_id not in state.mrds:
        return ReportStatus.MRD_LIST_ENTRY_NOT_FOUND
    if state.paths.get((agent.peripheral, mrd_id)) != application_path:
        return ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH
    return ReportStatus.NO_ERROR


def signed_in_status(state: State, application_path: int, mrd_id: int, skill_target_id: int) -> ReportStatus:
    """As `agent_status`, and the agent has to be signed in to the domain."""
    status = agent_status(state, application_path, mrd_id, skill_target_id)
    domain = state.domains.get(AgentKey(skill_target_id, mrd_id))
    if status is ReportStatus.NO_ERROR and (domain is None or not domain.signed_in):
        return ReportStatus.AGENT_NOT_LOGGED_IN
    return status


def task_status(state: State, task_id: TaskId, mrd_id: int, skill_target_id: int) -> ReportStatus:
    """Why this is not a task that the agent has in the domain; NO_ERROR when it is."""
    task = state.tasks.get(task_id)
    if task is None or task.state is TaskState.ENDED:
        return ReportStatus.TASK_OBJECT_NOT_FOUND
    if task.mrd.id != mrd_id:
        return ReportStatus.INCONSISTENT_MEDIA_ROUTING_DOMAIN_IDS
    if task.domain is None:
        return ReportStatus.NO_OFFER_OR_PRE_CALL_RECEIVED
    if task.domain.agent.skill_target_id != skill_target_id:
        return ReportStatus.INCONSISTENT_AGENT_IDS
    return ReportStatus.NO_ERROR


def outside(state: State, item: AgentReport) -> ReportStatus:
    """`agent_status` of a report."""
    return agent_status(state, item.application_path, item.mrd_id, item.skill_target_id)


def reported_task(turn: Turn, item: TaskReport, kind: ReportKind) -> TaskRecord | None:
    """The task that a report is about, or None after having answered why not."""
    status = outside(turn.state, item)
    if status is ReportStatus.NO_ERROR:
        status = task_status(turn.state, item.task_id, item.mrd_id, item.skill_target_id)
    if status is ReportStatus.NO_ERROR:
        return turn.state.tasks[item.task_id]
    turn.answer(item.origin, kind, status)
    return None


def admitted(turn: Turn, item: AgentReport, kind: ReportKind) -> AgentDomain | None:
    """The agent's record in the domain, or None after having answered why not."""
    status = signed_in_status(turn.state, item.application_path, item.mrd_id, item.skill_target_id)
    if status is ReportStatus.NO_ERROR:
        return turn.state.domains[AgentKey(item.skill_target_id, item.mrd_id)]
    turn.answer(item.origin, kind, status)
    return None


def in_charge(turn: Turn, item: AgentReport, kind: ReportKind) -> AgentDomain | None:
    """As `admitted`, and the agent has not been set aside: then only sign-in and sign-out count (semantics 2.4)."""
    domain = admitted(turn, item, kind)
    if domain is None or not domain.set_aside:
        return domain
    turn.answer(item.origin, kind, ReportStatus.INVALID_MESSAGE_SEQUENCE)
    return None
