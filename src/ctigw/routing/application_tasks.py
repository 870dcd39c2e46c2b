"""Tasks that an application assigns to an agent itself, without the router.

Knows OFFER_APPLICATION_TASK and START_APPLICATION_TASK (semantics 2.2 and 3.3): the agent must be there for the
application's work, that is ready and not routable, so that the router and an application can never give away the same
slot. Must not know scripts or queues of waiting tasks. From its first state on such a task is reported on like a routed
one. It has no pre-call and so no start timer: when it starts is the application's own business. MaxTaskDuration runs
from its start.
"""

from ctigw.routing import inputs, interrupts
from ctigw.routing.admission import in_charge
from ctigw.routing.agents import foreign_task
from ctigw.routing.events import ApplicationTaskBegun, TaskOffered, TaskStarted
from ctigw.routing.inputs import TaskContext
from ctigw.routing.scripts.variables import with_variable
from ctigw.routing.state import AgentDomain, State
from ctigw.routing.task_ids import new_task_id
from ctigw.routing.terms import (
    ReportKind,
    ReportStatus,
    TaskState,
)
from ctigw.routing.turn import Turn

NO_SELECTOR = TaskContext("")
"""Where the context of a task begins that nobody asked the router for."""


def offer(turn: Turn, item: inputs.OfferApplicationTask) -> None:
    """OFFER_APPLICATION_TASK_REQ."""
    _assign(turn, item, ReportKind.OFFER_APPLICATION_TASK, TaskOffered)


def start(turn: Turn, item: inputs.StartApplicationTask) -> None:
    """START_APPLICATION_TASK_REQ: the task begins ACTIVE, the offer is left out."""
    _assign(turn, item, ReportKind.START_APPLICATION_TASK, TaskStarted)


def group_status(state: State, mrd_id: int, skill_group_id: int, service_id: int) -> ReportStatus:
    """Whether a task may be booked on these; 0 is none. A skill group or precision queue of the domain; no service."""
    if skill_group_id and (skill_group_id, mrd_id) not in state.groups:
        return ReportStatus.SKILL_GROUP_NOT_FOUND
    if service_id:
        return ReportStatus.SERVICE_NOT_FOUND
    return ReportStatus.NO_ERROR


def _assign(turn: Turn, item: inputs.ApplicationTask, kind: ReportKind, moved: type[TaskOffered | TaskStarted]) -> None:
    """Give the task an id and begin it, or say why not.

    XferInWhileLoggedOut changes nothing: a task of an agent who is not signed in could be neither counted nor ended, so
    it is refused with 6 like any other. [OURS]
    """
    domain = in_charge(turn, item, kind)
    if domain is None:
        return
    state = turn.state
    status = group_status(state, item.mrd_id, item.skill_group_id, item.service_id)
    if status is ReportStatus.NO_ERROR:
        status = _availability_status(state, domain)
    context = with_variable(NO_SELECTOR, item.variables)
    if status is ReportStatus.NO_ERROR and context is None:
        status = ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    if status is not ReportStatus.NO_ERROR or context is None:
        turn.answer(item.origin, kind, status)
        return
    task_id = new_task_id(state, turn.now)
    queue = state.groups.get((item.skill_group_id, item.mrd_id))
    turn.answer(item.origin, kind, status, task_id)  # first: its asker must know the id before events name it
    turn.record(
        ApplicationTaskBegun(
            task_id=task_id,
            mrd_id=item.mrd_id,
            skill_target_id=item.skill_target_id,
            queue=queue,
            context=context,
            uses_override=domain.overrides > 0,
        )
    )
    turn.record(moved(task_id, item.mrd_id, item.skill_target_id, queue))
    if moved is TaskStarted:
        interrupts.begin(turn, domain)


def _availability_status(state: State, domain: AgentDomain) -> ReportStatus:
    """Whether the application may assign now (semantics 2.2), up to the limit beyond the router's, or with leave."""
    if domain.routable and domain.tally[TaskState.PRE_CALL]:
        return ReportStatus.DO_THIS_WITH_TASK_SENT_RECENTLY
    if domain.interrupted is not None:
        return ReportStatus.NOT_VALID_AFTER_INTERRUPT_ADVISORY_ACCEPT
    if domain.routable or not domain.ready or foreign_task(domain, state.domains_of[domain.agent.skill_target_id]):
        return ReportStatus.INVALID_MESSAGE_SEQUENCE
    limit = domain.max_task_limit + domain.max_beyond_task_limit
    if domain.tally.total >= limit and not domain.overrides:
        return ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    return ReportStatus.NO_ERROR
