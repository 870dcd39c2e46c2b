"""How each fact changes the statistics: one table, class of fact to function, asked by `ctigw.routing.apply` before the
fact changes the records, because what ends is measured by what was.

Knows what ends of a task mean for queues and agents (semantics 3.5, 3.6, 10.1); must not decide, nor change a record.
Every function costs the same whatever the number of tasks and agents.

Where the texts are silent, [OURS]: a task that was started counts as handled however it ends; a task that ends before
the start without a disposition that says otherwise was abandoned.
"""

from collections.abc import Callable
from typing import Any

from ctigw.routing import events, facts
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.state import State
from ctigw.routing.statistics.book import Book
from ctigw.routing.statistics.ledgers import AgentLedger, TaskAccount
from ctigw.routing.terms import Departure

NO_ANSWER = frozenset({15, 19, 36})
"""Redirected, ring no answer, and the number that it had before release 11.5."""
TRANSFERRED = frozenset({63, 65})
"""The task goes on as another one."""
ERRORS = frozenset({39, 40, 41, 42, 44, 45, 46, 47, 48, 49, 51, 60, 61, 62, 64, 66, 67})
"""Before the start: the system's or the agent's end of a task that its customer still waited for."""


def _signed_in(state: State, fact: facts.AgentSignedIn, now: float) -> None:
    book = state.statistics
    key = AgentKey(fact.skill_target_id, fact.mrd_id)
    ledger = book.agents.get(key)
    if ledger is None:
        ledger = book.agents[key] = AgentLedger(since=now)
        ledger.begin(now)
        members = state.memberships(state.agents[fact.skill_target_id], fact.mrd_id)
        for label in dict.fromkeys(member.queue.ref.label for member in members):  # one for each level that he matches
            queue = book.queues.get(label)
            if queue is not None:
                queue.members.append(key)
    ledger.session = ledger.values_at(now)


def _state_changed(state: State, fact: events.AgentStateChanged, now: float) -> None:
    view = fact.view
    ledger = state.statistics.agents[view.skill_target_id, view.mrd_id]
    ledger.change(view.state, view.routable, view.availability, now)


def _queued(state: State, fact: events.TaskQueued, now: float) -> None:
    queues = state.statistics.queues
    for entry in fact.entries:
        queue = queues.get(entry.queue.label)
        if queue is not None:
            queue.enter(fact.task_id, now)
            queue.wait_begins(now)


def _dequeued(state: State, fact: events.TaskDequeued, now: float) -> None:
    book, task_id, departure = state.statistics, fact.task_id, fact.departure
    for entry in fact.entries:
        label = entry.queue.label
        queue = book.queues.get(label)
        if queue is None:
            continue
        entered = state.queues[label, fact.mrd_id].tasks[task_id].entered_at
        queue.wait_ends(entered, now)
        if departure is Departure.ROUTED:
            book.leaving.append((queue, entered))
        elif departure is Departure.ABANDONED:
            queue.total.abandoned_in_queue += 1
            queue.total.abandoned_in_time += queue.in_time(task_id, now)
        elif departure is Departure.TOO_LONG:
            queue.total.router_error += 1
            queue.total.errors_in_time += queue.in_time(task_id, now)
        else:
            queue.total.dequeued += 1
            queue.total.dequeued_in_time += queue.in_time(task_id, now)


def _chosen(state: State, fact: events.AgentChosen, now: float) -> None:
    _open(state.statistics, fact, now)


def _open(book: Book, fact: events.AgentChosen | events.TaskMoved, now: float) -> TaskAccount:
    """An agent has a task now. What becomes of it in other queues that it left is not known yet."""
    task_id = fact.task_id
    agent = book.agents[fact.skill_target_id, fact.mrd_id]
    agent.at(now).offered += 1
    chosen = None if fact.queue is None else book.queues.get(fact.queue.label)
    account = book.tasks[task_id] = TaskAccount(agent, chosen, now, ())
    waited = False
    if book.leaving:
        for queue, entered in book.leaving:
            if queue is chosen:
                waited, account.entered = True, entered
            else:
                queue.total.dequeued_in_time += queue.in_time(task_id, now)
                queue.routed_elsewhere += 1
                account.elsewhere += (queue,)
        book.leaving.clear()
    if chosen is not None:
        if not waited:
            chosen.enter(task_id, now)
        chosen.ringing += 1
    return account


def _started(state: State, fact: events.TaskStarted, now: float) -> None:
    book = state.statistics
    account = book.tasks.get(fact.task_id) or _open(book, fact, now)
    if account.started:  # a replay told the task as offered meanwhile
        account.spend(state.tasks[fact.task_id].state, now)
        return
    account.started = True
    account.since = account.agent.clock(now)
    queue = account.queue
    if queue is not None:
        total = queue.at(now)
        queue.ringing -= 1
        queue.in_progress += 1
        total.answered += 1
        total.answered_in_time += queue.in_time(fact.task_id, now)
        total.answer_wait_s += now - account.entered
    for queue in account.elsewhere:
        queue.routed_elsewhere -= 1
        queue.at(now).dequeued += 1
    account.elsewhere = ()


def _moved(state: State, fact: events.TaskMoved, now: float) -> None:
    """The time in the state that the task leaves. A task that the application gave the agent is heard of first here."""
    book = state.statistics
    account = book.tasks.get(fact.task_id) or _open(book, fact, now)
    if account.started:
        account.spend(state.tasks[fact.task_id].state, now)


def _interrupted(state: State, fact: facts.AgentInterruptAccepted, now: float) -> None:
    """The agent's time on these tasks stands still from now on (semantics 4)."""
    for task_id in fact.tasks:
        state.statistics.tasks[task_id].spend(state.tasks[task_id].state, now)


def _interrupt_replayed(state: State, fact: facts.TaskInterruptReplayed, now: float) -> None:
    state.statistics.tasks[fact.task_id].spend(state.tasks[fact.task_id].state, now)


def _interrupt_closed(state: State, fact: facts.AgentInterruptClosed, now: float) -> None:
    interrupted = state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)].interrupted or {}
    for task_id in interrupted:
        state.statistics.tasks[task_id].spend(state.tasks[task_id].state, now)


def _ended(state: State, fact: events.TaskEnded, now: float) -> None:
    if fact.skill_target_id is None:
        return  # what its queues need to know was in TaskDequeued
    account = state.statistics.tasks.pop(fact.task_id, None)
    if account is None:
        return
    if account.started:
        account.spend(state.tasks[fact.task_id].state, now)
        account.record(account.agent.at(now))
        if account.queue is not None:
            account.queue.in_progress -= 1
            account.record(account.queue.at(now))
    else:
        _lost(account, fact, now)
    if fact.disposition in TRANSFERRED:
        account.agent.at(now).transferred_out += 1


def _lost(account: TaskAccount, fact: events.TaskEnded, now: float) -> None:
    """The agent never started the task."""
    outcome, in_time = _outcome(fact.disposition)
    abandoned = outcome == "abandoned_to_agent"
    agent = account.agent.at(now)
    agent.redirect_no_answer += outcome == "redirect_no_answer"
    agent.abandoned_while_offered += abandoned
    queue = account.queue
    if queue is not None:
        total = queue.at(now)
        queue.ringing -= 1
        setattr(total, outcome, getattr(total, outcome) + 1)
        setattr(total, in_time, getattr(total, in_time) + queue.in_time(fact.task_id, now))
    for queue in account.elsewhere:
        total = queue.at(now)
        queue.routed_elsewhere -= 1
        if abandoned:
            total.abandoned_dequeued += 1
        else:
            total.dequeued += 1


def _outcome(disposition: int) -> tuple[str, str]:
    """What a disposition before the start is for the queue, and within its threshold."""
    if disposition in NO_ANSWER:
        return "redirect_no_answer", "redirected_in_time"
    if disposition in TRANSFERRED:
        return "dequeued", "dequeued_in_time"
    if disposition in ERRORS:
        return "router_error", "errors_in_time"
    return "abandoned_to_agent", "abandoned_in_time"


ACCOUNTING: dict[type, Callable[[State, Any, float], None]] = {
    facts.AgentSignedIn: _signed_in,
    facts.AgentInterruptAccepted: _interrupted,
    facts.AgentInterruptClosed: _interrupt_closed,
    facts.TaskInterruptReplayed: _interrupt_replayed,
    events.AgentStateChanged: _state_changed,
    events.TaskQueued: _queued,
    events.TaskDequeued: _dequeued,
    events.AgentChosen: _chosen,
    events.TaskOffered: _moved,
    events.TaskStarted: _started,
    events.TaskPaused: _moved,
    events.TaskResumed: _moved,
    events.TaskWrapUpBegun: _moved,
    events.TaskEnded: _ended,
}
"""Facts that are not here change no number."""
