"""Which agent for a task, which task for an agent.

Knows semantics 5.2 to 5.4; must not know reports or scripts. After every input no task waits in a queue where an agent
is available: a task that comes looks for an agent, an agent who becomes available looks for a task, and nobody else has
to look.
"""

from collections.abc import Iterable

from ctigw.routing.deadlines import AgentKey
from ctigw.routing.events import AgentChosen, TaskDequeued
from ctigw.routing.queues import AgentPool, WaitingQueue
from ctigw.routing.state import AgentDomain, Membership, TaskRecord
from ctigw.routing.task_order import Place
from ctigw.routing.terms import Choice, Departure, QueueRef, Way
from ctigw.routing.turn import Turn


def find_agent(
    turn: Turn, targets: Iterable[tuple[WaitingQueue, int]], excluded: int | None
) -> tuple[AgentDomain, WaitingQueue, Choice] | None:
    """The agent for a task that may go to any of these queues, each on the levels it has reached, but never `excluded`.

    The queue whose agent has been available longest comes first, an earlier one of the list when equal; inside it the
    order of its pool (semantics 5.2).
    """
    best: tuple[float, AgentPool, WaitingQueue] | None = None
    considered = 0
    for queue, reached in targets:
        pool = queue.pool_for(reached, excluded)
        since = None if pool is None else pool.longest_available_since(excluded)
        if pool is not None and since is not None:
            considered += 1
            if best is None or since < best[0]:
                best = (since, pool, queue)
    first = None if best is None else best[1].chosen(excluded)
    if best is None or first is None:
        return None
    _, pool, queue = best
    score, slots, available_since, skill_target_id = first
    others = excluded is not None and excluded in pool.by_time
    step = queue.pools.index(pool) + 1 if len(queue.pools) > 1 else 0
    choice = Choice(Way.TASK_CAME, step, len(pool) - others, considered, -score, -slots, available_since)
    return turn.state.domains[AgentKey(skill_target_id, queue.mrd_id)], queue, choice


def find_task(turn: Turn, skill_target_id: int) -> tuple[TaskRecord, AgentDomain, WaitingQueue, Choice] | None:
    """The task for an agent who can take one: best priority, then longest wait, over all queues of all domains."""
    best: tuple[Place, AgentDomain, Membership] | None = None
    considered = 0
    for domain in turn.state.domains_of.get(skill_target_id, ()):
        if domain.pooled is None:
            continue
        for member in domain.memberships:
            place = member.queue.head(member.level, skill_target_id)
            if place is not None:
                considered += 1
                if best is None or place[:2] < best[0][:2]:
                    best = (place, domain, member)
    if best is None or best[1].pooled is None:
        return None
    place, domain, member = best
    queue, task = member.queue, turn.state.tasks[place.task_id]
    step = member.level + 1 if len(queue.pools) > 1 else 0
    number, since = best[1].pooled
    score, tasks = member.score, len(queue.tasks)
    choice = Choice(Way.AGENT_CAME, step, tasks, considered, score, number, since, place.priority, task.queued_at)
    return task, domain, queue, choice


def assign(turn: Turn, task: TaskRecord, domain: AgentDomain, queue: QueueRef | None, choice: Choice) -> None:
    """Reserve the agent for the task (decisions E2)."""
    waited = task.waited
    if task.entries:
        turn.record(TaskDequeued(task.id, task.mrd.id, task.entries, Departure.ROUTED))
    turn.record(
        AgentChosen(
            task_id=task.id,
            dialogue=task.dialogue,
            mrd_id=task.mrd.id,
            skill_target_id=domain.agent.skill_target_id,
            queue=queue,
            context=task.context,
            call_type_id=task.script.call_type_id,
            waited=waited,
            start_deadline=turn.now + task.mrd.start_timeout_s,
            choice=choice,
        )
    )


def seek_agent(turn: Turn, task: TaskRecord) -> bool:
    """Look for an agent for a task in the queues where it stands; True when one was found."""
    targets = []
    for entry in task.entries:
        queue = turn.state.queues[entry.queue.label, task.mrd.id]
        targets.append((queue, queue.tasks[task.id].reached))
    found = find_agent(turn, targets, task.request.excluded)
    if found is None:
        return False
    domain, queue, choice = found
    assign(turn, task, domain, queue.ref, choice)
    return True


def settle(turn: Turn) -> None:
    """Give tasks to every agent that facts have touched, as long as one can take one, in order of touching.

    Giving a task to an agent touches no other agent, so that each has to be looked at once.
    """
    unsettled = list(turn.state.unsettled)
    for skill_target_id in unsettled:
        while (found := find_task(turn, skill_target_id)) is not None:
            task, domain, queue, choice = found
            assign(turn, task, domain, queue.ref, choice)
    turn.state.unsettled.clear()
