"""Facts about tasks with an agent, and the end of every task.

Must not decide. Rules: semantics 3, decisions E3, F1.
"""

from collections.abc import Callable

from ctigw.routing import events, facts
from ctigw.routing.agents import refresh
from ctigw.routing.apply.table import applies
from ctigw.routing.apply.tasks import close_dialogue, forget, move, spoken_of
from ctigw.routing.deadlines import AgentKey, DeadlineKey, DeadlineKind
from ctigw.routing.inputs import TaskContext
from ctigw.routing.state import State
from ctigw.routing.terms import TaskState


@applies(events.AgentChosen)
def _agent_chosen(state: State, fact: events.AgentChosen, now: float) -> None:
    task = state.tasks[fact.task_id]
    close_dialogue(state, task)
    task.domain = state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)]
    task.queue = fact.queue
    task.choice = fact.choice
    if task.resume_at is not None:
        task.resume_at = None
        state.deadlines.clear(DeadlineKey(DeadlineKind.SCRIPT, task.id))
    task.start_deadline = fact.start_deadline
    state.deadlines.set(DeadlineKey(DeadlineKind.START, task.id), fact.start_deadline)
    task.domain.tasks[task.id] = task
    move(state, task, TaskState.PRE_CALL)
    refresh(state, fact.skill_target_id, now)


def _task_moved(to: TaskState) -> Callable[[State, events.TaskMoved, float], None]:
    def change(state: State, fact: events.TaskMoved, now: float) -> None:
        task = state.tasks[fact.task_id]
        spoken_of(state, task)
        move(state, task, to)
        refresh(state, fact.skill_target_id, now)

    return change


applies(events.TaskOffered)(_task_moved(TaskState.OFFERED))
applies(events.TaskPaused)(_task_moved(TaskState.PAUSED))
applies(events.TaskResumed)(_task_moved(TaskState.ACTIVE))
applies(events.TaskWrapUpBegun)(_task_moved(TaskState.WRAPUP))


@applies(events.TaskStarted)
def _started(state: State, fact: events.TaskStarted, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.started = True
    spoken_of(state, task)
    state.deadlines.clear(DeadlineKey(DeadlineKind.START, task.id))
    state.deadlines.set(DeadlineKey(DeadlineKind.DURATION, task.id), now + task.mrd.max_task_duration_s)
    move(state, task, TaskState.ACTIVE)
    refresh(state, fact.skill_target_id, now)


@applies(events.TaskEnded)
def _ended(state: State, fact: events.TaskEnded, now: float) -> None:
    """End a task; remember it when its answer may have to be repeated, or its id be a PreviousTask."""
    task = state.tasks[fact.task_id]
    if task.kept:
        state.deadlines.clear(DeadlineKey(DeadlineKind.KEPT, task.id))
    elif task.resume_at is not None:
        state.deadlines.clear(DeadlineKey(DeadlineKind.SCRIPT, task.id))
    if task.domain is not None:
        timer = DeadlineKind.DURATION if task.started else DeadlineKind.START
        state.deadlines.clear(DeadlineKey(timer, task.id))
    move(state, task, TaskState.ENDED)
    close_dialogue(state, task)
    if task.domain is not None:
        del task.domain.tasks[task.id]
        if task.domain.interrupted is not None:
            task.domain.interrupted.pop(task.id, None)
        task.domain.spoken_of.pop(task.id, None)
        refresh(state, task.domain.agent.skill_target_id, now)
    answered = task.domain is not None or (task.label is not None and task.resend_key is not None)
    if not answered:
        forget(state, task)
        return
    if task.resend_key is None:
        task.stored_context = TaskContext(task.context.script_selector)
    state.remembered[task.id] = None
    state.deadlines.set(DeadlineKey(DeadlineKind.FORGET, task.id), now + task.mrd.task_life_s)


@applies(facts.TaskForgotten)
def _forgotten(state: State, fact: facts.TaskForgotten, now: float) -> None:
    state.deadlines.clear(DeadlineKey(DeadlineKind.FORGET, fact.task_id))
    del state.remembered[fact.task_id]
    forget(state, state.tasks[fact.task_id])


def _announced(state: State, fact: object, now: float) -> None:
    """What it tells is in the facts that follow; kept so that a journal of facts is also the whole story."""


applies(events.TaskFailed)(_announced)
applies(events.PreCallAborted)(_announced)
applies(events.MaxTaskLifetimeExceeded)(_announced)
