"""How each fact changes the state: the only way in which it changes (decisions F1).

Knows records and indexes; must not decide. One function for each class of fact, found in one table; a notice has none
and changes nothing. Given the same facts with the same instants, two states are equal.
"""

from collections.abc import Callable
from typing import TypeVar

from ctigw.routing import events, facts
from ctigw.routing.agents import refresh
from ctigw.routing.deadlines import AgentKey, DeadlineKey, DeadlineKind
from ctigw.routing.events import QueueKind, TaskState
from ctigw.routing.facts import Event
from ctigw.routing.inputs import TaskContext
from ctigw.routing.queues import Place
from ctigw.routing.state import AgentDomain, RoutingClient, State, Tally, TaskRecord, pack

Fact = TypeVar("Fact")

_TABLE: dict[type, Callable[..., None]] = {}


def apply(state: State, fact: Event, now: float) -> None:
    """Change the state by one fact that happened at `now`, UTC seconds."""
    change = _TABLE.get(type(fact))
    if change is not None:
        change(state, fact, now)


def is_fact(event: Event) -> bool:
    """Whether the event changes the state; the others are notices and need not be journalled to rebuild it."""
    return type(event) in _TABLE


def _applies(
    kind: type[Fact],
) -> Callable[[Callable[[State, Fact, float], None]], Callable[[State, Fact, float], None]]:
    def register(change: Callable[[State, Fact, float], None]) -> Callable[[State, Fact, float], None]:
        _TABLE[kind] = change
        return change

    return register


# --- sessions --------------------------------------------------------------------------------------------------------


@_applies(facts.RoutingClientJoined)
def _client_joined(state: State, fact: facts.RoutingClientJoined, now: float) -> None:
    state.clients[fact.session_id] = RoutingClient(fact.application, fact.requeue_on_recovery)


@_applies(facts.RoutingClientLeft)
def _client_left(state: State, fact: facts.RoutingClientLeft, now: float) -> None:
    state.clients.pop(fact.session_id, None)


@_applies(facts.ArmClientJoined)
def _arm_joined(state: State, fact: facts.ArmClientJoined, now: float) -> None:
    state.arm_paths[fact.session_id] = fact.application_path


@_applies(facts.ArmClientLeft)
def _arm_left(state: State, fact: facts.ArmClientLeft, now: float) -> None:
    state.arm_paths.pop(fact.session_id, None)


# --- agents ----------------------------------------------------------------------------------------------------------


@_applies(facts.AgentSignedIn)
def _signed_in(state: State, fact: facts.AgentSignedIn, now: float) -> None:
    key = AgentKey(fact.skill_target_id, fact.mrd_id)
    domain = state.domains.get(key)
    if domain is None:
        agent = state.agents[fact.skill_target_id]
        domain = AgentDomain(agent, state.mrds[fact.mrd_id], state.memberships(agent, fact.mrd_id))
        state.domains[key] = domain
        state.domains_of.setdefault(fact.skill_target_id, []).append(domain)
    domain.signed_in = True
    domain.ready = False
    domain.routable = fact.routable
    domain.interruptible = fact.interruptible
    domain.max_task_limit = fact.max_task_limit
    domain.max_beyond_task_limit = fact.max_beyond_task_limit
    domain.reason_code = 0
    domain.session_id = fact.session_id
    domain.application_path = fact.application_path
    refresh(state, fact.skill_target_id, now)


@_applies(facts.AgentSignedOut)
def _signed_out(state: State, fact: facts.AgentSignedOut, now: float) -> None:
    domain = _domain(state, fact)
    domain.signed_in = domain.ready = domain.set_aside = domain.routable = False
    domain.max_task_limit = domain.max_beyond_task_limit = 0
    domain.reason_code = 0
    domain.deferred = ()
    state.deadlines.clear(DeadlineKey(DeadlineKind.TASK_LIFE, domain.key))
    refresh(state, fact.skill_target_id, now)


@_applies(facts.AgentLimitsSet)
def _limits_set(state: State, fact: facts.AgentLimitsSet, now: float) -> None:
    domain = _domain(state, fact)
    domain.session_id = fact.session_id
    domain.max_task_limit = fact.max_task_limit
    domain.max_beyond_task_limit = fact.max_beyond_task_limit
    refresh(state, fact.skill_target_id, now)


@_applies(facts.AgentReadinessSet)
def _readiness_set(state: State, fact: facts.AgentReadinessSet, now: float) -> None:
    domain = _domain(state, fact)
    domain.ready = fact.ready
    domain.reason_code = fact.reason_code
    refresh(state, fact.skill_target_id, now)


@_applies(facts.AgentModeSet)
def _mode_set(state: State, fact: facts.AgentModeSet, now: float) -> None:
    domain = _domain(state, fact)
    domain.routable = fact.routable
    domain.deferred = ()
    refresh(state, fact.skill_target_id, now)


@_applies(events.AgentMadeNotRoutable)
def _made_not_routable(state: State, fact: events.AgentMadeNotRoutable, now: float) -> None:
    domain = _domain(state, fact)
    domain.routable = False
    domain.deferred = ()
    refresh(state, fact.skill_target_id, now)


@_applies(facts.AgentNotRoutableDeferred)
def _not_routable_deferred(state: State, fact: facts.AgentNotRoutableDeferred, now: float) -> None:
    domain = _domain(state, fact)
    domain.deferred = (*domain.deferred, fact.origin)
    refresh(state, fact.skill_target_id, now)


@_applies(facts.AgentSetAside)
def _set_aside(state: State, fact: facts.AgentSetAside, now: float) -> None:
    domain = _domain(state, fact)
    domain.set_aside = True
    domain.routable = False
    domain.deferred = ()
    state.deadlines.set(DeadlineKey(DeadlineKind.TASK_LIFE, domain.key), fact.until)
    refresh(state, fact.skill_target_id, now)


@_applies(facts.AgentRestored)
def _restored(state: State, fact: facts.AgentRestored, now: float) -> None:
    domain = _domain(state, fact)
    domain.set_aside = False
    domain.routable = fact.routable
    domain.ready = fact.ready
    state.deadlines.clear(DeadlineKey(DeadlineKind.TASK_LIFE, domain.key))
    refresh(state, fact.skill_target_id, now)


@_applies(events.AgentStateChanged)
def _state_changed(state: State, fact: events.AgentStateChanged, now: float) -> None:
    state.domains[AgentKey(fact.view.skill_target_id, fact.view.mrd_id)].published = fact.view


# --- tasks without an agent ------------------------------------------------------------------------------------------


@_applies(events.TaskAccepted)
def _accepted(state: State, fact: events.TaskAccepted, now: float) -> None:
    task_id = fact.task_id
    client = state.clients[fact.dialogue.session_id]
    resend_key = None
    if fact.context.user_to_user_info:
        resend_key = (
            client.application,
            fact.dialogue.dialogue_id,
            fact.context.script_selector,
            fact.service,
            fact.previous_task,
            fact.context.user_to_user_info,
        )
        state.resends[resend_key] = task_id
    state.tasks[task_id] = TaskRecord(
        id=task_id,
        dialogue=fact.dialogue,
        mrd=state.mrds[fact.mrd_id],
        script=state.scripts[fact.call_type],
        stored_context=fact.context,
        preferred=fact.preferred_skill_target_id,
        resend_key=resend_key,
    )
    client.open_dialogues[fact.dialogue.dialogue_id] = task_id
    state.task_counts[fact.mrd_id, TaskState.PENDING] += 1
    if task_id.sequence == 1:
        state.last_key = task_id.key
    else:
        _, number = state.relatives.get((task_id.day, task_id.key), (0, 1))
        state.relatives[task_id.day, task_id.key] = (task_id.sequence, number + 1)


@_applies(events.TaskQueued)
def _queued(state: State, fact: events.TaskQueued, now: float) -> None:
    task = state.tasks[fact.task_id]
    if not task.entries:
        state.sequences += 1
        task.sequence = state.sequences
        task.queued_at = now
        task.waited = True
        task.stored_context = pack(task.context, state.words)
        state.queued += 1
        state.queued_by_mrd[task.mrd.id] += 1
        state.queued_by_call_type[task.script.name] += 1
        _move(state, task, TaskState.QUEUED)
        _set_queue_age(state, task)
    task.entries += fact.entries
    task.estimated_wait_s = fact.estimated_wait_time_s
    for entry in fact.entries:
        queue = state.queues[entry.queue.label, task.mrd.id]
        queue.put(Place(entry.priority, task.sequence, task.id, 0, now, False))


@_applies(events.TaskDequeued)
def _dequeued(state: State, fact: events.TaskDequeued, now: float) -> None:
    task = state.tasks[fact.task_id]
    for entry in task.entries:
        queue = state.queues[entry.queue.label, task.mrd.id]
        queue.remove(task.id)
        queue.departures.count(now)
        if entry.queue.kind is QueueKind.PRECISION_QUEUE:
            state.deadlines.clear(DeadlineKey(DeadlineKind.PRECISION_STEP, task.id, entry.queue.label))
    task.entries = ()
    task.estimated_wait_s = None
    state.queued -= 1
    state.queued_by_mrd[task.mrd.id] -= 1
    state.queued_by_call_type[task.script.name] -= 1
    state.deadlines.clear(DeadlineKey(DeadlineKind.QUEUE_AGE, task.id))
    _move(state, task, TaskState.PENDING)


@_applies(facts.TaskPriorityChanged)
def _priority_changed(state: State, fact: facts.TaskPriorityChanged, now: float) -> None:
    task = state.tasks[fact.task_id]
    new = {entry.queue: entry for entry in fact.entries}
    task.entries = tuple(new.get(entry.queue, entry) for entry in task.entries)
    for entry in fact.entries:
        queue = state.queues[entry.queue.label, task.mrd.id]
        queue.put(queue.tasks[task.id]._replace(priority=entry.priority))


@_applies(facts.PrecisionStepReached)
def _precision_step_reached(state: State, fact: facts.PrecisionStepReached, now: float) -> None:
    task = state.tasks[fact.task_id]
    queue = state.queues[fact.queue.label, task.mrd.id]
    queue.put(queue.tasks[task.id]._replace(level=fact.step - 1))
    key = DeadlineKey(DeadlineKind.PRECISION_STEP, task.id, fact.queue.label)
    if fact.until is None:
        state.deadlines.clear(key)
    else:
        state.deadlines.set(key, fact.until)


@_applies(facts.ScriptMoved)
def _script_moved(state: State, fact: facts.ScriptMoved, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.step = fact.step
    task.resume_at = fact.until
    task.awaited_report = 0
    key = DeadlineKey(DeadlineKind.SCRIPT, task.id)
    if fact.until is None:
        state.deadlines.clear(key)
    else:
        state.deadlines.set(key, fact.until)


@_applies(events.RunScriptRequested)
def _run_script_requested(state: State, fact: events.RunScriptRequested, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.reports = task.awaited_report = fact.invoke_id


@_applies(events.TaskDataUpdated)
def _data_updated(state: State, fact: events.TaskDataUpdated, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.stored_context = pack(fact.context, state.words) if task.entries else fact.context


@_applies(events.TaskKept)
def _kept(state: State, fact: events.TaskKept, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.kept = True
    _hold(state, task, held=True)
    state.deadlines.clear(DeadlineKey(DeadlineKind.SCRIPT, task.id))
    state.deadlines.clear(DeadlineKey(DeadlineKind.QUEUE_AGE, task.id))
    state.deadlines.set(DeadlineKey(DeadlineKind.KEPT, task.id), fact.until)


@_applies(events.TaskTakenUp)
def _taken_up(state: State, fact: events.TaskTakenUp, now: float) -> None:
    task = state.tasks[fact.task_id]
    _close_dialogue(state, task)
    task.dialogue = fact.dialogue
    state.clients[fact.dialogue.session_id].open_dialogues[fact.dialogue.dialogue_id] = task.id
    if not task.kept:
        return
    task.kept = False
    _hold(state, task, held=False)
    state.deadlines.clear(DeadlineKey(DeadlineKind.KEPT, task.id))
    if task.resume_at is not None:
        state.deadlines.set(DeadlineKey(DeadlineKind.SCRIPT, task.id), task.resume_at)
    if task.entries:
        _set_queue_age(state, task)


@_applies(events.LabelChosen)
def _label_chosen(state: State, fact: events.LabelChosen, now: float) -> None:
    state.tasks[fact.task_id].label = fact.label


# --- tasks with an agent ---------------------------------------------------------------------------------------------


@_applies(events.AgentChosen)
def _agent_chosen(state: State, fact: events.AgentChosen, now: float) -> None:
    task = state.tasks[fact.task_id]
    _close_dialogue(state, task)
    task.domain = state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)]
    task.queue = fact.queue
    if task.resume_at is not None:
        task.resume_at = None
        state.deadlines.clear(DeadlineKey(DeadlineKind.SCRIPT, task.id))
    task.start_deadline = fact.start_deadline
    state.deadlines.set(DeadlineKey(DeadlineKind.START, task.id), fact.start_deadline)
    task.domain.tasks[task.id] = task
    _move(state, task, TaskState.PRE_CALL)
    refresh(state, fact.skill_target_id, now)


def _task_moved(to: TaskState) -> Callable[[State, events.TaskMoved, float], None]:
    def change(state: State, fact: events.TaskMoved, now: float) -> None:
        task = state.tasks[fact.task_id]
        _move(state, task, to)
        refresh(state, fact.skill_target_id, now)

    return change


_applies(events.TaskOffered)(_task_moved(TaskState.OFFERED))
_applies(events.TaskPaused)(_task_moved(TaskState.PAUSED))
_applies(events.TaskResumed)(_task_moved(TaskState.ACTIVE))
_applies(events.TaskWrapUpBegun)(_task_moved(TaskState.WRAPUP))


@_applies(events.TaskStarted)
def _started(state: State, fact: events.TaskStarted, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.started = True
    state.deadlines.clear(DeadlineKey(DeadlineKind.START, task.id))
    state.deadlines.set(DeadlineKey(DeadlineKind.DURATION, task.id), now + task.mrd.max_task_duration_s)
    _move(state, task, TaskState.ACTIVE)
    refresh(state, fact.skill_target_id, now)


@_applies(events.TaskEnded)
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
    _move(state, task, TaskState.ENDED)
    _close_dialogue(state, task)
    if task.domain is not None:
        del task.domain.tasks[task.id]
        refresh(state, task.domain.agent.skill_target_id, now)
    answered = task.domain is not None or (task.label is not None and task.resend_key is not None)
    if not answered:
        _forget(state, task)
        return
    if task.resend_key is None:
        task.stored_context = TaskContext(task.context.script_selector)
    state.remembered[task.id] = None
    state.deadlines.set(DeadlineKey(DeadlineKind.FORGET, task.id), now + task.mrd.task_life_s)


@_applies(facts.TaskForgotten)
def _forgotten(state: State, fact: facts.TaskForgotten, now: float) -> None:
    state.deadlines.clear(DeadlineKey(DeadlineKind.FORGET, fact.task_id))
    del state.remembered[fact.task_id]
    _forget(state, state.tasks[fact.task_id])


def _announced(state: State, fact: object, now: float) -> None:
    """What it tells is in the facts that follow; kept so that a journal of facts is also the whole story."""


_applies(events.TaskFailed)(_announced)
_applies(events.PreCallAborted)(_announced)
_applies(events.MaxTaskLifetimeExceeded)(_announced)


# --- shared ----------------------------------------------------------------------------------------------------------


def _domain(
    state: State,
    fact: facts.AgentSignedOut
    | facts.AgentLimitsSet
    | facts.AgentReadinessSet
    | facts.AgentModeSet
    | facts.AgentNotRoutableDeferred
    | facts.AgentSetAside
    | facts.AgentRestored
    | events.AgentMadeNotRoutable,
) -> AgentDomain:
    return state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)]


def _move(state: State, task: TaskRecord, to: TaskState) -> None:
    """Change a task's state and every counter of it."""
    before = task.state
    task.state = to
    state.task_counts[task.mrd.id, before] -= 1
    if to is not TaskState.ENDED:
        state.task_counts[task.mrd.id, to] += 1
    if task.domain is None:
        return
    for tally in (task.domain.tally, task.domain.queue_tallies.setdefault(task.queue, Tally())):
        if before >= TaskState.PRE_CALL:
            tally.add(before, -1)
        if to is not TaskState.ENDED:
            tally.add(to, 1)


def _hold(state: State, task: TaskRecord, *, held: bool) -> None:
    """Keep a task's places from agents, or give them back."""
    for entry in task.entries:
        queue = state.queues[entry.queue.label, task.mrd.id]
        queue.put(queue.tasks[task.id]._replace(held=held))


def _set_queue_age(state: State, task: TaskRecord) -> None:
    until = task.queued_at + state.settings.router.max_time_in_queue_s
    state.deadlines.set(DeadlineKey(DeadlineKind.QUEUE_AGE, task.id), until)


def _close_dialogue(state: State, task: TaskRecord) -> None:
    client = state.clients.get(task.dialogue.session_id)
    if client is not None and client.open_dialogues.get(task.dialogue.dialogue_id) == task.id:
        del client.open_dialogues[task.dialogue.dialogue_id]


def _forget(state: State, task: TaskRecord) -> None:
    del state.tasks[task.id]
    if task.resend_key is not None and state.resends.get(task.resend_key) == task.id:
        del state.resends[task.resend_key]
    family: tuple[int, int] = (task.id.day, task.id.key)
    known = state.relatives.get(family)
    if known is not None:
        highest, number = known
        if number > 1:
            state.relatives[family] = (highest, number - 1)
        else:
            del state.relatives[family]
