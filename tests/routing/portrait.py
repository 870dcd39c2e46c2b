"""A state as plain values, so that two engines can be compared whole.

Knows every field of the engine's records; must not know what a right value is. Left out: `last_now`, which an input
without facts moves too, and what is scratch within one input.
"""

from typing import Any

import attrs

from ctigw.routing.engine import Engine
from ctigw.routing.queues import AgentPool, WaitingQueue
from ctigw.routing.state import AgentDomain, State, Tally, TaskRecord
from ctigw.routing.statistics.book import Book
from ctigw.routing.statistics.ledgers import TaskAccount


def state_of(engine: Engine) -> State:
    """The engine's state; the only place where the tests look inside."""
    return engine._state


def portrait(engine: Engine) -> dict[str, Any]:
    """Everything that decisions can depend on."""
    state = state_of(engine)
    return {
        "settings": state.settings,
        "last_key": state.last_key,
        "sequences": state.sequences,
        "clients": {
            number: (client.application, client.requeue_on_recovery, list(client.open_dialogues.items()))
            for number, client in state.clients.items()
        },
        "arm_paths": list(state.arm_paths.items()),
        "path_data": dict(state.path_data),
        "replays": (list(state.replays.items()), state.replay_count),
        "tasks": [_task(task) for task in state.tasks.values()],
        "remembered": list(state.remembered),
        "relatives": dict(state.relatives),
        "leaving": dict(state.leaving),
        "last_agents": list(state.last_agents.items()),
        "resends": dict(state.resends),
        "domains": [_domain(domain) for domain in state.domains.values()],
        "domains_of": {number: [d.key for d in domains] for number, domains in state.domains_of.items()},
        "temporarily_not_routable": list(state.temporarily_not_routable),
        "deadlines": state.deadlines.in_order(),
        "queued": (state.queued, +state.queued_by_mrd, +state.queued_by_call_type, +state.queued_in_domain),
        "task_counts": +state.task_counts,
        "queues": {key: _queue(queue) for key, queue in state.queues.items()},
        "statistics": _book(state.statistics),
    }


def _task(task: TaskRecord) -> dict[str, Any]:
    values = {field.name: getattr(task, field.name) for field in attrs.fields(TaskRecord)}
    values["runs"] = task.runs and (task.runs.name, task.runs.call_type_id, len(task.runs.steps))
    values["domain"] = task.domain and task.domain.key
    return values


def _domain(domain: AgentDomain) -> dict[str, Any]:
    values = {field.name: getattr(domain, field.name) for field in attrs.fields(AgentDomain)}
    values["memberships"] = [(m.queue.ref, m.level, m.score) for m in domain.memberships]
    values["queues"] = [queue.ref for queue in domain.queues]
    values["matched"] = [(queue.ref, level) for queue, level in domain.matched]
    values["tasks"] = list(domain.tasks)
    values["tally"] = _tally(domain.tally)
    values["queue_tallies"] = {queue: _tally(tally) for queue, tally in domain.queue_tallies.items()}
    return values


def _tally(tally: Tally) -> tuple[object, ...]:
    return (*tally.numbers(), tally.total)


def _queue(queue: WaitingQueue) -> dict[str, Any]:
    return {
        "tasks": list(queue.tasks.values()),
        "agents_available": queue.agents_available,
        "pools": [_pool(pool) for pool in queue.pools],
        "departures": queue.departures.slots(),
        "signed_in": queue.signed_in,
        "excluded": queue._excluded,
        "heads": [queue.head(level, number) for level in range(len(queue.levels)) for number in (0, 101, 102, 103)],
    }


def _book(book: Book) -> dict[str, Any]:
    return {
        "queues": {label: _fields(ledger) for label, ledger in book.queues.items()},
        "agents": {key: _fields(ledger) for key, ledger in book.agents.items()},
        "tasks": {task_id: _account(account) for task_id, account in book.tasks.items()},
        "leaving": len(book.leaving),
    }


def _account(account: TaskAccount) -> dict[str, Any]:
    agent, queue = _fields(account.agent), account.queue and account.queue.ref
    return _fields(account) | {"agent": agent, "queue": queue, "elsewhere": [q.ref for q in account.elsewhere]}


def _fields(record: attrs.AttrsInstance) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in attrs.fields(type(record))}


def _pool(pool: AgentPool) -> tuple[object, ...]:
    return list(pool.by_choice.in_order()), list(pool.by_time.in_order())
