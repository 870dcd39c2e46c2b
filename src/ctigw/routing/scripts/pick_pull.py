"""Pick and pull: an agent takes a task himself, and the router only says whether he may (semantics 9.1, decisions D5).

Knows NEW_TASKs of Service 4 to 7, the checks of the Pick/Pull node and their reasons; must not know messages or queues'
order. The NEW_TASK is the task that is taken: with 4 and 5 it waits in the application's own store, chosen by the agent
(pick) or as the next one there (pull); with 6 and 7 it is with another agent, or being transferred, and PreviousTask
says which one it is. On success it is given to the agent whom PreferredAgent names, as any other task; ending what he
picked it from is the business of the application, as in a transfer.

[OURS] The order of checks, each with its reason: the agent (216) and his gateway (218); the queue, which 4 and 5 must
name and 6 and 7 may (214), and its domain (220); the task picked (215: 6 needs one of the same domain that another
agent has, 7 one that is known); the agent's membership (213); his state (219; 212 where a task that may not be
interrupted holds him, and the task asked for is of an interruptible domain); ready (224); his limit (217), up to which
MaxBeyondTaskLimit counts too. 211 is refused before a script runs, 221 when the script comes to a queue or to its end,
and 223 cannot be: `report_wait` can always be interrupted.
"""

from collections.abc import Iterator
from enum import IntEnum

from ctigw.routing.agents import foreign_task
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.scripts import steps
from ctigw.routing.scripts.queueing import fail
from ctigw.routing.selection import assign
from ctigw.routing.state import AgentDomain, Request, State, TaskRecord
from ctigw.routing.terms import Choice, NewTaskFailureReason, QueueKind, QueueRef, TaskState, Way
from ctigw.routing.turn import Turn

PICK_AND_PULL = range(4, 8)
PULL_EXT_QUEUE, PICK_UCCE_AGENT, TRANSFER_PICK = 5, 6, 7
"""Service numbers (semantics 6.1)."""
PICK_PULL_ERROR = 66
"""Disposition (semantics 3.6)."""
ROUTER_ERROR = 704
"""Router error code of pick and pull (semantics 3.7)."""


class Refusal(IntEnum):
    """Why an agent may not pick or pull, by the number that explanations show (semantics 9.1)."""

    MRD_NOT_INTERRUPTIBLE = 212
    AGENT_NOT_MEMBER_OF_QUEUE = 213
    INVALID_QUEUE_TYPE_OR_ID = 214
    INVALID_DIALOG_ID = 215
    INVALID_AGENT_ID = 216
    AGENT_OVER_TASK_LIMIT = 217
    UNSUPPORTED_AGENT_PERIPHERAL_GATEWAY = 218
    INVALID_AGENT_STATE = 219
    INVALID_QUEUE_FOR_MRD = 220
    NO_PICK_PULL_NODE = 221
    AGENT_NOT_READY = 224


def pick_pull(turn: Turn, task: TaskRecord, step: steps.PickPull, index: int) -> int | None:
    """Give the task to the agent who asks for it, or refuse; for another task the script goes on."""
    if task.request.service not in PICK_AND_PULL:
        return index + 1
    state = turn.state
    refusal = next(_refusals(state, task), None)
    if refusal is not None:
        refuse(turn, task, refusal)
        return None
    ref, _ = _queue(state, task.request) or (None, None)
    domain = _domain(state, task)
    assert domain is not None  # an agent who has not signed in is refused
    left = domain.max_task_limit + domain.max_beyond_task_limit - domain.tally.total
    assign(turn, task, domain, ref, Choice(Way.PICKED, free_slots=left))
    return None


def refuse(turn: Turn, task: TaskRecord, refusal: Refusal) -> None:
    """Give the task back with its reason (decisions D5)."""
    name = refusal.name.lower().replace("_", " ")
    wire = NewTaskFailureReason.__members__.get(refusal.name, NewTaskFailureReason.UNKNOWN_ROUTING_PROBLEM)
    fail(turn, task, wire, 0, f"router error {ROUTER_ERROR}, reason {refusal}: {name}", PICK_PULL_ERROR)


def _refusals(state: State, task: TaskRecord) -> Iterator[Refusal]:
    """Every check that fails, in order; each may rely on those before it."""
    request = task.request
    agent = None if request.preferred is None else state.agents.get(request.preferred)
    if agent is None:
        yield Refusal.INVALID_AGENT_ID
        return
    if (agent.peripheral, task.mrd.id) not in state.paths:
        yield Refusal.UNSUPPORTED_AGENT_PERIPHERAL_GATEWAY
    queue = _queue(state, request)
    if queue is None and (request.service <= PULL_EXT_QUEUE or request.names_queue):
        yield Refusal.INVALID_QUEUE_TYPE_OR_ID
    if queue is not None and queue[1] not in (None, task.mrd.id):
        yield Refusal.INVALID_QUEUE_FOR_MRD
    if not _is_picked_from_somewhere(state, task):
        yield Refusal.INVALID_DIALOG_ID
    domain = _domain(state, task)
    memberships = state.memberships(agent, task.mrd.id) if domain is None else domain.memberships
    own = state.own_queue_ref(agent)
    if queue is not None and queue[0] != own and all(member.queue.ref != queue[0] for member in memberships):
        yield Refusal.AGENT_NOT_MEMBER_OF_QUEUE
    # A path that is down has made its agents not routable.
    if domain is None or not domain.signed_in or not domain.routable or not memberships:
        yield Refusal.INVALID_AGENT_STATE
        return
    if domain.interrupted is not None or agent.skill_target_id in state.temporarily_not_routable:
        yield Refusal.INVALID_AGENT_STATE
    if foreign_task(domain, state.domains_of[agent.skill_target_id]):
        yield Refusal.MRD_NOT_INTERRUPTIBLE if domain.interruptible else Refusal.INVALID_AGENT_STATE
    if not domain.ready and not state.settings.router.pick_pull_while_not_ready:
        yield Refusal.AGENT_NOT_READY
    if domain.tally.total >= domain.max_task_limit + domain.max_beyond_task_limit:
        yield Refusal.AGENT_OVER_TASK_LIMIT


def _queue(state: State, request: Request) -> tuple[QueueRef, int | None] | None:
    """The queue that the NEW_TASK names, and its domain; an agent's own queue has any domain."""
    if request.queue_type == QueueKind.AGENT and request.queue_id is not None:
        agent = state.agents.get(request.queue_id)
        return None if agent is None else (state.own_queue_ref(agent), None)
    return state.queues_by_id.get((request.queue_type, request.queue_id))


def _domain(state: State, task: TaskRecord) -> AgentDomain | None:
    """The agent who asks, in the task's domain; only for an agent who exists."""
    assert task.request.preferred is not None
    return state.domains.get(AgentKey(task.request.preferred, task.mrd.id))


def _is_picked_from_somewhere(state: State, task: TaskRecord) -> bool:
    request = task.request
    if request.service not in (PICK_UCCE_AGENT, TRANSFER_PICK):
        return True
    previous = None if request.previous is None else state.tasks.get(request.previous)
    if previous is None or request.service == TRANSFER_PICK:
        return previous is not None
    with_another = previous.domain is not None and previous.domain.agent.skill_target_id != request.preferred
    return with_another and previous.state is not TaskState.ENDED and previous.mrd is task.mrd
