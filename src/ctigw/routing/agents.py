"""What follows from an agent's record: state, availability, and the place in the pools of the queues.

Knows the rules of semantics 2.1 and 2.2; must not know reports or scripts. All functions are pure but `refresh`, which
brings indexes up to date after a fact and is called only from `ctigw.routing.apply`.
"""

from ctigw.config.routing import Agent
from ctigw.routing.events import (
    AgentView,
)
from ctigw.routing.state import AgentDomain, State, Tally
from ctigw.routing.terms import (
    AgentState,
    Availability,
    Obstacle,
    QueueRef,
    TaskState,
)


def foreign_task(domain: AgentDomain, domains: list[AgentDomain]) -> bool:
    """Whether the agent has a task in another domain that may not be interrupted (semantics 2.2)."""
    if len(domains) == 1:  # most agents, and this is asked at every turn
        return False
    return any(other.tally.total and not other.interruptible and other is not domain for other in domains)


def obstacle(state: State, domain: AgentDomain) -> Obstacle | None:
    """The first filter that keeps the router from giving the agent any task now; None: it may.

    A task that is only announced takes a slot already (semantics 2.4). [OURS] An INTERRUPTED agent is not available,
    also between the end of the interrupt and the client's answer to its advisory: a task given then could not be
    started. This decides and explains at once: there is no other place where these rules are written.
    """
    if not domain.signed_in:
        return Obstacle.SIGNED_OUT
    if domain.set_aside:
        return Obstacle.PATH_DOWN
    if not domain.ready:
        return Obstacle.NOT_READY
    if domain.interrupted is not None:
        return Obstacle.INTERRUPTED
    if domain.tally.total >= domain.max_task_limit:
        return Obstacle.NO_SLOT
    agent = domain.agent.skill_target_id
    if foreign_task(domain, state.domains_of[agent]):
        return Obstacle.FOREIGN_TASK
    if not domain.routable:
        return Obstacle.NOT_ROUTABLE
    if agent in state.temporarily_not_routable:
        return Obstacle.TEMPORARILY_NOT_ROUTABLE
    return Obstacle.DEFERRED if domain.deferred else None


def availability(state: State, domain: AgentDomain) -> Availability:
    """AgentAvailabilityStatus; peers go on seeing an agent as available whose mode is about to change."""
    found = obstacle(state, domain)
    if found is None or found is Obstacle.DEFERRED:
        return Availability.ICM_AVAILABLE
    return Availability.APPLICATION_AVAILABLE if found is Obstacle.NOT_ROUTABLE else Availability.NOT_AVAILABLE


def state_of_tasks(tally: Tally) -> AgentState:
    """State by the tasks alone, the highest of the precedence in semantics 2.1."""
    if tally[TaskState.INTERRUPTED]:
        return AgentState.INTERRUPTED
    if tally[TaskState.ACTIVE]:
        return AgentState.ACTIVE
    if tally[TaskState.WRAPUP]:
        return AgentState.WORK_READY
    if tally[TaskState.PAUSED]:
        return AgentState.PAUSED
    if tally.unstarted:
        return AgentState.RESERVED
    return AgentState.NOT_ACTIVE


def agent_state(domain: AgentDomain) -> AgentState:
    """State in the domain."""
    if not domain.signed_in:
        return AgentState.LOGOUT
    if domain.set_aside:
        return AgentState.WORK_NOT_READY
    if not domain.ready:
        return AgentState.NOT_READY
    return AgentState.INTERRUPTED if domain.interrupted is not None else state_of_tasks(domain.tally)


def queue_state(domain: AgentDomain, queue: QueueRef) -> AgentState:
    """State in one queue: what holds for the whole domain, else by its own tasks, else busy for another queue."""
    overall = agent_state(domain)
    if not domain.signed_in or not domain.ready or domain.set_aside or overall is AgentState.INTERRUPTED:
        return overall
    own = domain.queue_tallies.get(queue)
    if own is not None and own.total:
        return state_of_tasks(own)
    return AgentState.BUSY_OTHER if domain.tally.total else AgentState.NOT_ACTIVE


def view(state: State, domain: AgentDomain, now: float) -> AgentView:
    """The agent as peers see it; `since` moves to `now` when the state is another than the one published."""
    current = agent_state(domain)
    published = domain.published
    return AgentView(
        skill_target_id=domain.agent.skill_target_id,
        mrd_id=domain.mrd.id,
        state=current,
        routable=domain.routable,
        availability=availability(state, domain),
        num_tasks=domain.tally.total - domain.tally[TaskState.PRE_CALL],
        max_task_limit=domain.max_task_limit,
        max_beyond_task_limit=domain.max_beyond_task_limit,
        reason_code=domain.reason_code,
        since=published.since if published is not None and published.state is current else domain.state_since or now,
        queues=tuple((group, queue_state(domain, group)) for group in state.skill_groups(domain.agent, domain.mrd.id)),
    )


def signed_out_view(state: State, agent: Agent, mrd_id: int) -> AgentView:
    """An agent who never signed in to the domain."""
    groups = state.skill_groups(agent, mrd_id)
    return AgentView(
        skill_target_id=agent.skill_target_id,
        mrd_id=mrd_id,
        state=AgentState.LOGOUT,
        routable=False,
        availability=Availability.NOT_AVAILABLE,
        num_tasks=0,
        max_task_limit=0,
        max_beyond_task_limit=0,
        reason_code=0,
        since=0.0,
        queues=tuple((group, AgentState.LOGOUT) for group in groups),
    )


def changed(state: State, domain: AgentDomain) -> bool:
    """Whether peers have to be told: state, mode, limit or availability is not as published (decisions C5)."""
    published = domain.published
    if published is None:
        return domain.signed_in
    return (
        published.state is not agent_state(domain)
        or published.routable != domain.routable
        or published.max_task_limit != domain.max_task_limit
        or published.availability is not availability(state, domain)
    )


def refresh(state: State, skill_target_id: int, now: float) -> None:
    """Bring clock and pools of an agent up to date in every domain, after a fact that touched him in one.

    An agent whose mode is about to change keeps the availability that peers see, but is given no task meanwhile: else
    there might always be one more task that has not started.
    """
    state.touched[skill_target_id] = state.unsettled[skill_target_id] = None
    for domain in state.domains_of[skill_target_id]:
        free_slots = domain.max_task_limit - domain.tally.total
        found = obstacle(state, domain)
        icm_available = found is None or found is Obstacle.DEFERRED
        if found is not domain.obstacle:
            domain.obstacle = found
            domain.obstacle_since = now
        if (icm_available and not domain.icm_available) or free_slots > domain.free_slots:
            domain.available_since = now
        domain.icm_available = icm_available
        domain.free_slots = free_slots
        pooled = (free_slots, domain.available_since) if found is None else None
        if pooled == domain.pooled:
            continue
        if (pooled is None) is not (domain.pooled is None):
            change = -1 if pooled is None else 1
            for queue in domain.queues:
                queue.agents_available += change
        domain.pooled = pooled
        for member in domain.memberships:
            pool = member.queue.pools[member.level]
            if pooled is None:
                pool.discard(skill_target_id)
            else:
                pool.put(skill_target_id, member.score, *pooled)
