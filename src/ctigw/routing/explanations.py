"""Why a task went where it went, why an agent is idle, why this task does not go to that agent (design 5).

Knows the filters that decide, and asks those themselves: `agents.obstacle` for what depends on the agent alone,
`WaitingQueue.obstacle` for what depends on the task too. Must not decide anything, change anything, or know words for
people. What was decided is kept with the task (`Choice`); what keeps a waiting task from agents is found when somebody
asks, so that waiting tasks carry nothing for it.
"""

from collections import Counter
from collections.abc import Iterator

import attrs

from ctigw.config.routing import Agent
from ctigw.routing.agents import agent_state, foreign_task, obstacle
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.inputs import TaskId
from ctigw.routing.state import AgentDomain, State, TaskRecord
from ctigw.routing.terms import AgentState, Choice, ModeCause, Obstacle, QueueKind, QueueRef, TaskState

MOST_AGENTS_LOOKED_AT = 10_000
"""Agents looked at for one explanation: some 20 ms at most that a question may keep the daemon from its work."""
MOST_CANDIDATES_LISTED = 50
"""Agents named one by one in the explanation of a task; the others are counted by what keeps them from it."""


@attrs.frozen
class Finding:
    """The first filter that failed, with the fact behind it."""

    obstacle: Obstacle
    since: float | None = None
    """UTC seconds since when; None: he never signed in, or it has no beginning."""
    cause: ModeCause | None = None
    """NOT_ROUTABLE: what made him so."""
    reason_code: int = 0
    """SIGNED_OUT and NOT_READY: the reason that was given (semantics 2.6)."""
    tasks: int = 0
    limit: int = 0
    """NO_SLOT: how many he has, and how many he may have."""
    elsewhere: str = ""
    """FOREIGN_TASK: name of the domain."""


@attrs.frozen
class QueueSeen:
    """One of an agent's queues: on which step he stands, what waits there."""

    queue: QueueRef
    step: int
    """Precision queue step from 1; 0 in other queues."""
    waiting: int


@attrs.frozen
class DomainExplanation:
    """An agent in one domain: what keeps him from tasks there."""

    mrd_id: int
    mrd_name: str
    state: AgentState
    routable: bool
    finding: Finding | None
    """None: he could be given a task, and `available_since` says since when."""
    available_since: float
    tasks: tuple[TaskId, ...]
    limit: int
    queues: tuple[QueueSeen, ...]


@attrs.frozen
class AgentExplanation:
    """An agent in every domain that he ever signed in to."""

    agent: Agent
    domains: tuple[DomainExplanation, ...]


@attrs.frozen
class PairExplanation:
    """One agent as a candidate for one task."""

    task_id: TaskId
    agent: Agent
    mrd_name: str
    state: TaskState
    has_it: bool
    """The task went to this agent; nothing else is said then."""
    finding: Finding | None
    """None: nothing keeps him from it; then he has it, or it does not wait in a queue."""


@attrs.frozen
class EntrySeen:
    """A waiting task's place in one queue."""

    queue: QueueRef
    priority: int
    step: int
    """Precision queue step from 1 where it stays; 0 in other queues."""
    before: int
    """Tasks of a better priority in the queue."""
    waiting: int


@attrs.frozen
class TaskExplanation:
    """One task: why it waits, or why it went where it went."""

    task_id: TaskId
    mrd_name: str
    state: TaskState
    selector: str
    service: int
    queued_at: float | None
    """UTC seconds since when it waits; None: it does not."""
    entries: tuple[EntrySeen, ...]
    agent: Agent | None
    queue: QueueRef | None
    choice: Choice | None
    """None: it has not been given to anybody, or an application assigned it itself."""
    label: str | None
    assigned_by_application: bool
    obstacles: dict[Obstacle, int]
    """Agents signed in to the domain by what keeps them from the task; empty when it does not wait in a queue."""
    candidates: tuple[PairExplanation, ...]
    """The first of those agents who are members of its queues, one by one."""
    all_looked_at: bool
    """False: there are more agents than one explanation looks at."""


def explain_task(state: State, task_id: TaskId) -> TaskExplanation | None:
    """Explain a task; None when it is not known (any more)."""
    task = state.tasks.get(task_id)
    if task is None:
        return None
    obstacles: Counter[Obstacle] = Counter()
    candidates: list[PairExplanation] = []
    left = MOST_AGENTS_LOOKED_AT
    for domain in state.domains.values() if task.entries else ():
        if left == 0:
            break
        left -= 1
        if domain.mrd is not task.mrd:
            continue
        finding = _finding(state, domain, task)
        if finding is None:
            continue
        obstacles[finding.obstacle] += 1
        if len(candidates) < MOST_CANDIDATES_LISTED and any(_shared_levels(domain, task)):
            candidates.append(_pair(task, domain.agent, finding))
    return TaskExplanation(
        task_id=task.id,
        mrd_name=task.mrd.name,
        state=task.state,
        selector=task.context.script_selector,
        service=task.request.service,
        queued_at=task.queued_at if task.entries else None,
        entries=tuple(_entries(state, task)),
        agent=None if task.domain is None else task.domain.agent,
        queue=task.queue,
        choice=task.choice,
        label=task.label,
        assigned_by_application=task.asked is None,
        obstacles=dict(obstacles),
        candidates=tuple(candidates),
        all_looked_at=left > 0,
    )


def explain_agent(state: State, skill_target_id: int) -> AgentExplanation | None:
    """Explain an agent; None when there is none of that number."""
    agent = state.agents.get(skill_target_id)
    if agent is None:
        return None
    domains = state.domains_of.get(skill_target_id, ())
    return AgentExplanation(agent, tuple(_domain(state, domain) for domain in domains))


def explain_pair(state: State, task_id: TaskId, skill_target_id: int) -> PairExplanation | None:
    """Explain why a task does not go to an agent; None when one of them is not known."""
    task, agent = state.tasks.get(task_id), state.agents.get(skill_target_id)
    if task is None or agent is None:
        return None
    if not task.entries:
        return _pair(task, agent, None)
    domain = state.domains.get(AgentKey(skill_target_id, task.mrd.id))
    return _pair(task, agent, Finding(Obstacle.SIGNED_OUT) if domain is None else _finding(state, domain, task))


def _finding(state: State, domain: AgentDomain, task: TaskRecord) -> Finding | None:
    """The first filter that keeps the agent from a task that waits; of several queues the one where he comes furthest.

    The order is that of semantics 5.1: what holds for every task comes first.
    """
    own = _own_finding(state, domain)
    if own is not None:
        return own
    furthest = Obstacle.NO_MEMBER
    agent = domain.agent.skill_target_id
    for level, label in _shared_levels(domain, task):
        found = state.queues[label, task.mrd.id].obstacle(task.id, level, agent)
        if found is None:
            return None
        furthest = max(furthest, found)
    return Finding(furthest)


def _own_finding(state: State, domain: AgentDomain) -> Finding | None:
    """What keeps the agent from every task of the domain."""
    found = obstacle(state, domain)
    if found is None:
        return None
    since = domain.obstacle_since if domain.obstacle is found else None
    match found:
        case Obstacle.NOT_ROUTABLE:
            return Finding(found, domain.mode_since, cause=domain.mode_cause)
        case Obstacle.SIGNED_OUT | Obstacle.NOT_READY:
            return Finding(found, since, reason_code=domain.reason_code)
        case Obstacle.NO_SLOT:
            return Finding(found, since, tasks=domain.tally.total, limit=domain.max_task_limit)
        case Obstacle.FOREIGN_TASK:
            others = state.domains_of[domain.agent.skill_target_id]
            names = (
                other.mrd.name for other in others if other is not domain and foreign_task(domain, [domain, other])
            )
            return Finding(found, since, elsewhere=next(names))
    return Finding(found, since)


def _shared_levels(domain: AgentDomain, task: TaskRecord) -> Iterator[tuple[int, str]]:
    """Level and label of every place that the agent has in a queue of the task."""
    labels = [entry.queue.label for entry in task.entries]
    for member in domain.memberships:
        if member.queue.ref.label in labels:
            yield member.level, member.queue.ref.label


def _pair(task: TaskRecord, agent: Agent, finding: Finding | None) -> PairExplanation:
    has_it = task.domain is not None and task.domain.agent is agent
    return PairExplanation(task.id, agent, task.mrd.name, task.state, has_it, finding)


def _entries(state: State, task: TaskRecord) -> Iterator[EntrySeen]:
    for entry in task.entries:
        queue = state.queues[entry.queue.label, task.mrd.id]
        step = queue.tasks[task.id].level + 1 if queue.ref.kind is QueueKind.PRECISION_QUEUE else 0
        yield EntrySeen(entry.queue, entry.priority, step, queue.tasks_before(entry.priority), len(queue.tasks))


def _domain(state: State, domain: AgentDomain) -> DomainExplanation:
    precise = QueueKind.PRECISION_QUEUE
    return DomainExplanation(
        mrd_id=domain.mrd.id,
        mrd_name=domain.mrd.name,
        state=agent_state(domain),
        routable=domain.routable,
        finding=_own_finding(state, domain),
        available_since=domain.available_since,
        tasks=tuple(domain.tasks),
        limit=domain.max_task_limit,
        queues=tuple(
            QueueSeen(m.queue.ref, m.level + 1 if m.queue.ref.kind is precise else 0, len(m.queue.tasks))
            for m in domain.memberships
        ),
    )
