"""Facts about tasks that no agent has yet: accepted, queued, kept, answered by a label.

Must not decide. Rules: semantics 5, decisions D6, E1, E4, F1.
"""

from ctigw.routing import events, facts
from ctigw.routing.apply.table import applies
from ctigw.routing.apply.tasks import close_dialogue, move
from ctigw.routing.deadlines import DeadlineKey, DeadlineKind
from ctigw.routing.state import PLAIN_REQUEST, Request, State, TaskRecord, pack
from ctigw.routing.task_order import Place
from ctigw.routing.terms import QueueKind, TaskState


@applies(events.TaskAccepted)
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
    request = PLAIN_REQUEST
    if fact.service or fact.preferred_skill_target_id is not None:
        request = Request(
            fact.service,
            fact.preferred_skill_target_id,
            fact.excluded_skill_target_id,
            fact.previous_task,
            fact.queue_type,
            fact.queue_id,
        )
    state.tasks[task_id] = TaskRecord(
        id=task_id,
        asked=fact.dialogue,
        mrd=state.mrds[fact.mrd_id],
        runs=state.scripts[fact.call_type],
        stored_context=fact.context,
        request=request,
        resend_key=resend_key,
    )
    client.open_dialogues[fact.dialogue.dialogue_id] = task_id
    state.task_counts[fact.mrd_id, TaskState.PENDING] += 1
    if task_id.sequence == 1:
        state.last_day, state.last_key = task_id.day, task_id.key
    else:
        _, number = state.relatives.get((task_id.day, task_id.key), (0, 1))
        state.relatives[task_id.day, task_id.key] = (task_id.sequence, number + 1)


@applies(events.TaskQueued)
def _queued(state: State, fact: events.TaskQueued, now: float) -> None:
    task = state.tasks[fact.task_id]
    if not task.entries:
        state.sequences += 1
        task.sequence = state.sequences
        task.queued_at = now
        task.waited = True
        task.stored_context = pack(task.context, state.words)
        _count_queued(state, task, 1)
        move(state, task, TaskState.QUEUED)
        _set_queue_age(state, task)
    task.entries += fact.entries
    task.estimated_wait_s = fact.estimated_wait_time_s
    for entry in fact.entries:
        queue = state.queues.get((entry.queue.label, task.mrd.id))
        if queue is None:
            queue = state.open_own_queue(entry.queue, task.mrd.id)
        queue.put(Place(entry.priority, task.sequence, task.id, 1, now, False), task.request.excluded)


@applies(events.TaskDequeued)
def _dequeued(state: State, fact: events.TaskDequeued, now: float) -> None:
    task = state.tasks[fact.task_id]
    for entry in fact.entries:
        queue = state.queues[entry.queue.label, task.mrd.id]
        queue.remove(task.id)
        queue.departures.count(now)
        if entry.queue.kind is QueueKind.PRECISION_QUEUE:
            state.deadlines.clear(DeadlineKey(DeadlineKind.PRECISION_STEP, task.id, entry.queue.label))
    if state.leaving:
        state.leaving.pop(task.id, None)
    if len(fact.entries) < len(task.entries):
        task.entries = tuple(entry for entry in task.entries if entry not in fact.entries)
        return
    task.entries = ()
    task.estimated_wait_s = None
    _count_queued(state, task, -1)
    state.deadlines.clear(DeadlineKey(DeadlineKind.QUEUE_AGE, task.id))
    move(state, task, TaskState.PENDING)


@applies(facts.TaskPriorityChanged)
def _priority_changed(state: State, fact: facts.TaskPriorityChanged, now: float) -> None:
    task = state.tasks[fact.task_id]
    new = {entry.queue: entry for entry in fact.entries}
    task.entries = tuple(new.get(entry.queue, entry) for entry in task.entries)
    for entry in fact.entries:
        queue = state.queues[entry.queue.label, task.mrd.id]
        queue.put(queue.tasks[task.id]._replace(priority=entry.priority))


@applies(facts.PrecisionStepReached)
def _precision_step_reached(state: State, fact: facts.PrecisionStepReached, now: float) -> None:
    task = state.tasks[fact.task_id]
    queue = state.queues[fact.queue.label, task.mrd.id]
    reached = (1 << fact.step) - 1
    for step in fact.skipped:
        reached ^= 1 << step - 1
    queue.put(queue.tasks[task.id]._replace(reached=reached))
    key = DeadlineKey(DeadlineKind.PRECISION_STEP, task.id, fact.queue.label)
    if fact.until is None:
        state.deadlines.clear(key)
    else:
        state.deadlines.set(key, fact.until)


@applies(facts.ScriptMoved)
def _script_moved(state: State, fact: facts.ScriptMoved, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.step = fact.step
    task.resume_at = fact.until
    task.awaited_report = 0
    if fact.leaves is not None:
        state.leaving[task.id] = fact.leaves
    key = DeadlineKey(DeadlineKind.SCRIPT, task.id)
    if fact.until is None or task.kept:  # the script of a kept task goes on when somebody takes the task up
        state.deadlines.clear(key)
    else:
        state.deadlines.set(key, fact.until)


@applies(events.RunScriptRequested)
def _run_script_requested(state: State, fact: events.RunScriptRequested, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.reports = task.awaited_report = fact.invoke_id


@applies(events.TaskDataUpdated)
def _data_updated(state: State, fact: events.TaskDataUpdated, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.stored_context = pack(fact.context, state.words) if task.entries else fact.context


@applies(events.TaskKept)
def _kept(state: State, fact: events.TaskKept, now: float) -> None:
    task = state.tasks[fact.task_id]
    task.kept = True
    _hold(state, task, held=True)
    state.deadlines.clear(DeadlineKey(DeadlineKind.SCRIPT, task.id))
    state.deadlines.clear(DeadlineKey(DeadlineKind.QUEUE_AGE, task.id))
    state.deadlines.set(DeadlineKey(DeadlineKind.KEPT, task.id), fact.until)


@applies(events.TaskTakenUp)
def _taken_up(state: State, fact: events.TaskTakenUp, now: float) -> None:
    task = state.tasks[fact.task_id]
    close_dialogue(state, task)
    task.asked = fact.dialogue
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


@applies(events.LabelChosen)
def _label_chosen(state: State, fact: events.LabelChosen, now: float) -> None:
    state.tasks[fact.task_id].label = fact.label


def _hold(state: State, task: TaskRecord, *, held: bool) -> None:
    """Keep a task's places from agents, or give them back."""
    for entry in task.entries:
        queue = state.queues[entry.queue.label, task.mrd.id]
        queue.put(queue.tasks[task.id]._replace(held=held))


def _count_queued(state: State, task: TaskRecord, change: int) -> None:
    state.queued += change
    state.queued_by_mrd[task.mrd.id] += change
    state.queued_by_call_type[task.script.name] += change
    if task.mrd.max_tasks_per_call_type is not None:
        state.queued_in_domain[task.mrd.id, task.script.name] += change


def _set_queue_age(state: State, task: TaskRecord) -> None:
    own = task.mrd.max_time_in_queue_s
    until = task.queued_at + (state.settings.router.max_time_in_queue_s if own is None else own)
    state.deadlines.set(DeadlineKey(DeadlineKind.QUEUE_AGE, task.id), until)
