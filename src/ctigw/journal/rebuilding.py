"""What a state repeats of itself and of the settings, put together again after its records have been read.

Knows queues, pools and counters of agents, shared words and entries; must not know bytes. Everything here follows from
records and settings, so that it is never kept (decisions F1).
"""

from typing import Any

from ctigw.errors import ConfigurationError
from ctigw.routing.queues import Departures, WaitingQueue
from ctigw.routing.state import AgentDomain, State, TaskRecord, pack, unpack
from ctigw.routing.task_order import Place
from ctigw.routing.terms import QueueKind, QueueRef

KeptQueue = tuple[Any, int, list[Any], Any]
"""Name, domain, places of the tasks, and departures."""


def rebuild(state: State, queues: list[KeptQueue]) -> None:
    """Fill queues, put available agents into their pools, count them, share words and entries again."""
    for ref, mrd_id, places, departures in queues:
        _fill_queue(state, ref, mrd_id, places, departures)
    for domain in state.domains.values():
        _enrol(state, domain)
    for task in state.tasks.values():
        if isinstance(task.stored_context, tuple):
            task.stored_context = pack(unpack(task.stored_context), state.words)
        if task.entries:
            task.entries = tuple(_shared_entry(state, task, *entry) for entry in task.entries)


def _fill_queue(state: State, ref: QueueRef, mrd_id: int, places: list[Place], departures: Departures) -> None:
    queue = state.queues.get((ref.label, mrd_id))
    if queue is None and ref.kind is QueueKind.AGENT and ref.id in state.agents and mrd_id in state.mrds:
        queue = state.open_own_queue(ref, mrd_id)
    if queue is None:
        if places:
            raise missing("queue", ref.label)
        return
    queue.departures = departures
    last = 1 << len(queue.levels) - 1
    for place in places:
        shrunk = place.reached >= 2 * last  # the queue has fewer levels than it had: the last one it is
        stands = place._replace(reached=place.reached & last - 1 | last) if shrunk else place
        queue.put(stands, state.tasks[place.task_id].request.excluded)


def _enrol(state: State, domain: AgentDomain) -> None:
    """Put the agent into pools and count him where a queue counts agents."""
    if domain.signed_in:
        for queue, level in domain.matched:
            queue.signed_in[level] += 1
    for queue in domain.queues:
        ledger = state.statistics.queues.get(queue.ref.label)
        if ledger is not None:
            ledger.members.append(domain.key)
    if domain.pooled is not None:
        for queue in domain.queues:
            queue.agents_available += 1
        for member in domain.memberships:
            member.queue.pools[member.level].put(domain.agent.skill_target_id, member.score, *domain.pooled)


def _shared_entry(state: State, task: TaskRecord, ref: Any, priority: int) -> Any:  # noqa: ANN401 - a named tuple's parts
    queue: WaitingQueue = state.queues[ref.label, task.mrd.id]
    return queue.entry(priority)


def missing(table: str, key: object) -> ConfigurationError:
    """The settings lack what the state holds on to."""
    return ConfigurationError(
        "is not configured any more, but the journal's state holds on to it; keep it until nothing refers to it",
        table=table,
        value=key,
    )
