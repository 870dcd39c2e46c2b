"""Tasks from the application's side: asked for, taken up again, cancelled, left behind; and what time does to them.

Knows the checks of a NEW_TASK (mr-wire section g, dialogue procedure), task ids (decisions E1), the loss of a routing
client (decisions D6) and the limits in time (decisions E3, E4; semantics 3.5). Must not know agent reports or messages.
"""

import attrs

from ctigw.routing import inputs, last_agents
from ctigw.routing.events import (
    AgentMadeNotRoutable,
    AnswerRepeated,
    CancelAnswered,
    LabelRepeated,
    MaxTaskLifetimeExceeded,
    PreCallAborted,
    TaskAccepted,
    TaskDataUpdated,
    TaskEnded,
    TaskKept,
    TaskRejected,
    TaskTakenUp,
)
from ctigw.routing.facts import RoutingClientJoined, RoutingClientLeft, TaskForgotten
from ctigw.routing.inputs import TaskId
from ctigw.routing.scripts.preferred import stop_waiting
from ctigw.routing.scripts.queueing import ABANDONED_IN_ROUTER, fail, leave_queues
from ctigw.routing.scripts.run import run_script
from ctigw.routing.scripts.variables import with_variable
from ctigw.routing.selection import seek_agent
from ctigw.routing.state import ResendKey, State, TaskRecord
from ctigw.routing.task_ids import following_task_id, new_task_id
from ctigw.routing.terms import (
    GIVEN_BACK,
    CancelStatus,
    Departure,
    NewTaskFailureReason,
    ReportKind,
    ReportStatus,
    TaskState,
)
from ctigw.routing.turn import Turn

SERVICES = range(8)
FOLLOWING = (2, 3, 7)
"""Service numbers (semantics 6.1); FOLLOWING carry a task on, so that its id keeps day and key."""
RING_NO_ANSWER = 19
MAX_LIFETIME_EXCEEDED = 41
"""Dispositions (semantics 3.6)."""
MOST_REMEMBERED = 200_000
"""Ended tasks whose answer is kept for a resent NEW_TASK; beyond, the oldest are forgotten: memory is bounded."""


def open_client(turn: Turn, item: inputs.RoutingClientOpened) -> None:
    """A routing client is there."""
    turn.record(RoutingClientJoined(item.session_id, item.application, item.requeue_on_recovery))


def lose_client(turn: Turn, item: inputs.RoutingClientLost) -> None:
    """Keep or drop what the routing client had open, in the order in which it came (decisions D6)."""
    client = turn.state.clients.get(item.session_id)
    if client is None:
        return
    for task_id in list(client.open_dialogues.values()):
        task = turn.state.tasks[task_id]
        if client.requeue_on_recovery:
            turn.record(TaskKept(task_id, turn.now + task.mrd.task_life_s))
        else:
            drop(turn, task)
    turn.record(RoutingClientLeft(item.session_id))


def drop(turn: Turn, task: TaskRecord) -> None:
    """End a task that nobody waits for any more."""
    leave_queues(turn, task, Departure.ABANDONED)
    turn.record(TaskEnded(task.id, task.mrd.id, None, None, ABANDONED_IN_ROUTER))


def new_task(turn: Turn, item: inputs.NewTask) -> None:
    """Check, then repeat an answer, take up a kept task, or accept a new one and begin its script."""
    reason = _refusal(turn.state, item)
    if reason is not None:
        turn.tell(TaskRejected(item.dialogue, reason))
    elif not _resumed(turn, item):
        _accept(turn, item)


def _refusal(state: State, item: inputs.NewTask) -> NewTaskFailureReason | None:
    """The first check that fails, in the order of mr-wire section g."""
    client = state.clients.get(item.dialogue.session_id)
    if client is None:
        return NewTaskFailureReason.UNKNOWN_ROUTING_PROBLEM
    if item.dialogue.dialogue_id in client.open_dialogues:
        return NewTaskFailureReason.DUPLICATE_NEW_TASK_REQUEST
    if item.service not in SERVICES:
        return NewTaskFailureReason.UNSUPPORTED_SERVICE_REQUESTED
    selector = state.selectors.get(item.context.script_selector)
    if selector is None:
        return NewTaskFailureReason.INVALID_SCRIPT_SELECTOR
    if item.mrd_id is not None and item.mrd_id != selector.mrd:
        return NewTaskFailureReason.INVALID_MRD_ID
    script = state.scripts.get(selector.call_type)
    if script is None or not script.steps:
        return NewTaskFailureReason.NO_SCRIPT
    return None


def _resumed(turn: Turn, item: inputs.NewTask) -> bool:
    """Whether the NEW_TASK is one resent on another connection, and has been dealt with (decisions D6)."""
    if not item.context.user_to_user_info:
        return False
    client = turn.state.clients[item.dialogue.session_id]
    key: ResendKey = (
        client.application,
        item.dialogue.dialogue_id,
        item.context.script_selector,
        item.service,
        item.previous_task,
        item.context.user_to_user_info,
    )
    task_id = turn.state.resends.get(key)
    if task_id is None:
        return False
    task = turn.state.tasks[task_id]
    if task.dialogue.session_id == item.dialogue.session_id:
        return False
    if task.label is not None:
        turn.tell(LabelRepeated(task.id, item.dialogue, task.mrd.id, task.label, task.context))
        return True
    if task.domain is not None:
        agent = task.domain.agent.skill_target_id
        turn.tell(AnswerRepeated(task.id, item.dialogue, task.mrd.id, agent, task.queue, task.context))
        return True
    before = turn.state.clients.get(task.dialogue.session_id)
    if not task.kept and not (before is not None and before.requeue_on_recovery):
        return False
    turn.record(TaskTakenUp(task.id, item.dialogue))
    seek_agent(turn, task)
    return True


def _accept(turn: Turn, item: inputs.NewTask) -> None:
    state = turn.state
    selector = state.selectors[item.context.script_selector]
    script = state.scripts[selector.call_type]
    task_id = _task_id(turn, item)
    turn.record(
        TaskAccepted(
            task_id=task_id,
            dialogue=item.dialogue,
            mrd_id=selector.mrd,
            call_type=script.name,
            call_type_id=script.call_type_id,
            service=item.service,
            previous_task=item.previous_task,
            context=item.context,
            preferred_skill_target_id=_preferred(state, item),
            excluded_skill_target_id=_gave_back(state, item) if item.service else None,
            queue_type=item.queue_type,
            queue_id=item.queue_id,
        )
    )
    run_script(turn, state.tasks[task_id], 0)


def _task_id(turn: Turn, item: inputs.NewTask) -> TaskId:
    """Decisions E1."""
    state = turn.state
    previous = item.previous_task
    if item.service in FOLLOWING and previous is not None and previous in state.tasks:
        return following_task_id(state, previous)
    return new_task_id(state, turn.now)


def _preferred(state: State, item: inputs.NewTask) -> int | None:
    """The agent asked for: the skill target id counts, else a number that only one agent has."""
    if item.preferred_skill_target_id is not None:
        return item.preferred_skill_target_id if item.preferred_skill_target_id in state.agents else None
    if item.preferred_agent_number is None:
        return None
    named = state.agents_by_bare_number.get(item.preferred_agent_number, ())
    return named[0].skill_target_id if len(named) == 1 else None


def _gave_back(state: State, item: inputs.NewTask) -> int | None:
    """The agent who has given the task back: he had its PreviousTask (semantics 5.2, requeue by an agent)."""
    if item.service not in GIVEN_BACK or item.previous_task is None:
        return None
    previous = state.tasks.get(item.previous_task)
    return None if previous is None or previous.domain is None else previous.domain.agent.skill_target_id


def cancel(turn: Turn, item: inputs.CancelTask) -> None:
    """The application gives a task up; a dialogue of an open session that is not open any more was answered before."""
    client = turn.state.clients.get(item.dialogue.session_id)
    task_id = None if client is None else client.open_dialogues.get(item.dialogue.dialogue_id)
    if task_id is not None:
        drop(turn, turn.state.tasks[task_id])
        status = CancelStatus.DONE
    else:
        status = CancelStatus.UNKNOWN_DIALOGUE if client is None else CancelStatus.TOO_LATE
    turn.tell(CancelAnswered(item.dialogue, item.invoke_id, status))


def script_result(turn: Turn, item: inputs.RunScriptResult) -> None:
    """The application took note of a report: take its variables over and go on; a late result is ignored."""
    client = turn.state.clients.get(item.dialogue.session_id)
    task_id = None if client is None else client.open_dialogues.get(item.dialogue.dialogue_id)
    if task_id is None:
        return
    task = turn.state.tasks[task_id]
    if task.awaited_report == 0 or task.awaited_report != item.invoke_id:
        return
    if item.succeeded and (item.variables or item.application_string2 is not None):
        context = with_variable(task.context, item.variables)
        if context is not None:  # a result that does not fit changes nothing; the script goes on
            if item.application_string2 is not None:
                context = attrs.evolve(context, application_string2=item.application_string2)
            turn.record(TaskDataUpdated(task.id, task.mrd.id, context))
    run_script(turn, task, task.step)


def update_context(turn: Turn, item: inputs.UpdateTaskContext) -> None:
    """UPDATE_TASK_CONTEXT_IND: answered only when it fails."""
    task = turn.state.tasks.get(item.task_id)
    if task is None or task.state is TaskState.ENDED:
        turn.answer(item.origin, ReportKind.UPDATE_TASK_CONTEXT, ReportStatus.TASK_OBJECT_NOT_FOUND)
    elif task.domain is None:
        turn.answer(item.origin, ReportKind.UPDATE_TASK_CONTEXT, ReportStatus.NO_OFFER_OR_PRE_CALL_RECEIVED)
    elif turn.state.paths.get((task.domain.agent.peripheral, task.mrd.id)) != item.application_path:
        turn.answer(item.origin, ReportKind.UPDATE_TASK_CONTEXT, ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH)
    else:
        context = with_variable(task.context, item.variables)
        if context is None:
            turn.answer(item.origin, ReportKind.UPDATE_TASK_CONTEXT, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED)
        else:
            agent = task.domain.agent.skill_target_id
            turn.record(TaskDataUpdated(task.id, task.mrd.id, context, agent))


def end(turn: Turn, task: TaskRecord, disposition: int, application_disposition: int = 0) -> None:
    """End a task that an agent has."""
    last_agents.note(turn, task)
    agent = None if task.domain is None else task.domain.agent.skill_target_id
    turn.record(TaskEnded(task.id, task.mrd.id, agent, task.queue, disposition, application_disposition))


# --- deadlines -------------------------------------------------------------------------------------------------------


def wait_over(turn: Turn, task: TaskRecord) -> None:
    """A script's wait is over, or nobody answered its report."""
    stop_waiting(turn, task)
    run_script(turn, task, task.step)


def too_long_in_queue(turn: Turn, task: TaskRecord) -> None:
    """Decisions E4."""
    fail(turn, task, NewTaskFailureReason.ROUTER_RELEASED_TASK, 0, "too long in queue", departure=Departure.TOO_LONG)


def start_timed_out(turn: Turn, task: TaskRecord) -> None:
    """The agent did not start the task: 199, 106, 170 in this order, never requeued (decisions E3)."""
    domain = task.domain
    assert domain is not None  # a start deadline is set with the agent and cleared with the task
    agent = domain.agent.skill_target_id
    deferred = domain.deferred
    end(turn, task, RING_NO_ANSWER)
    turn.record(PreCallAborted(task.id, task.mrd.id, agent))
    turn.record(AgentMadeNotRoutable(task.mrd.id, agent))
    for origin in deferred:
        turn.answer(origin, ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.NO_ERROR)


def lived_too_long(turn: Turn, task: TaskRecord) -> None:
    """Semantics 3.5: message 207, then the end."""
    domain = task.domain
    assert domain is not None  # a duration runs only while an agent has the task
    turn.record(MaxTaskLifetimeExceeded(task.id, task.mrd.id, domain.agent.skill_target_id))
    end(turn, task, MAX_LIFETIME_EXCEEDED)


def forget(turn: Turn, task: TaskRecord) -> None:
    """Nobody will ask for the answer again."""
    turn.record(TaskForgotten(task.id))


def forget_overflow(turn: Turn) -> None:
    """Keep the number of remembered tasks within bounds."""
    while len(turn.state.remembered) > MOST_REMEMBERED:
        turn.record(TaskForgotten(next(iter(turn.state.remembered))))
