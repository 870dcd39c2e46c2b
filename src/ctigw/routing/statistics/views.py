"""What is read out of the ledgers, as values that change no more.

Knows periods and sums (semantics 10.1, 10.2): pure functions, values as of `now` with what still lasts included. Must
not know messages or metrics. A queue's agents are counted when somebody asks, at a cost in proportion to those who ever
signed in as its members.
"""

from collections import Counter
from collections.abc import Iterable

import attrs

from ctigw.routing.agents import availability, queue_state
from ctigw.routing.state import State
from ctigw.routing.statistics.ledgers import AgentLedger, QueueLedger
from ctigw.routing.statistics.numbers import AgentNumbers, QueueNumbers, added, grown
from ctigw.routing.terms import AgentState, Availability, QueueRef


@attrs.frozen
class AgentStatistics:
    """An agent in one domain, or over all of them: then every number is a sum, times included."""

    session: AgentNumbers
    """Since the sign-in; of an agent who has signed out: of his last session."""
    today: AgentNumbers


@attrs.frozen
class QueueAgents:
    """A queue's agents, each counted in one state: his state in this queue (semantics 2.1)."""

    logged_on: int
    available: int
    """Doing nothing in the domain; perhaps on a task of another one (semantics 10.1, avail)."""
    not_ready: int
    work_not_ready: int
    reserved: int
    active: int
    paused: int
    work_ready: int
    busy_other: int
    interrupted: int
    ready: int
    """Routable, and neither NOT_READY nor WORK_NOT_READY; beside the states."""
    icm_available: int
    """Can take one more task from the router (semantics 2.2); beside the states."""
    application_available: int
    peripherals: frozenset[int]
    """Peripherals of the queue's agents, also of those who have signed out again."""


@attrs.frozen
class QueuePeriod:
    """A queue in one period."""

    numbers: QueueNumbers
    longest_wait_s: float
    """Of the tasks that ended to wait in the period and of those that still wait."""
    available_s: float
    logged_on_s: float
    not_ready_s: float
    """Time of the queue's agents, added up."""


@attrs.frozen
class QueueStatistics:
    """A skill group or a precision queue."""

    queue: QueueRef
    mrd_id: int
    service_level_type: str
    total: QueueNumbers
    """Since the engine began to count."""
    open: int
    """Offered, and without an outcome yet."""
    in_progress: int
    """Started and not ended (CallsInProgress)."""
    queued_now: int
    queued_now_s: float
    """What they have waited, added up."""
    longest_now_s: float
    agents: QueueAgents
    five_minutes: QueuePeriod
    half_hour: QueuePeriod
    today: QueuePeriod

    @property
    def service_level(self) -> float | None:
        """Of today, 0 to 1; None when there was nothing to judge."""
        return self.today.numbers.service_level(self.service_level_type)


@attrs.frozen
class Tallies:
    """What metrics count; names are those of the configuration."""

    queues: dict[str, QueueNumbers]
    """Since the engine began to count, by label; queues to which nothing was ever offered are left out."""
    service_levels: dict[str, float]
    """Of today, by label, where there is anything to judge."""
    handled: dict[str, tuple[int, float]]
    """Handled tasks and their handle time, by domain."""


def agent_statistics(state: State, skill_target_id: int, mrd_id: int | None, now: float) -> AgentStatistics:
    """Of the agent in a domain, or in all; all 0 where he never signed in."""
    ledgers = [
        state.statistics.agents[domain.key]
        for domain in state.domains_of.get(skill_target_id, ())
        if mrd_id in (None, domain.mrd.id)
    ]
    nothing = AgentNumbers().values()
    session = [grown(ledger.values_at(now), ledger.session) for ledger in ledgers]
    today = [grown(ledger.values_at(now), ledger.before_today(now)) for ledger in ledgers]
    return AgentStatistics(
        session=AgentNumbers.of(added(session, len(nothing))), today=AgentNumbers.of(added(today, len(nothing)))
    )


def queue_statistics(state: State, queue: str | int, now: float) -> QueueStatistics | None:
    """Of the queue with that label (`sg:name`, `pq:name`) or id; None when there is none."""
    book = state.statistics
    ledger = book.queues.get(book.labels.get(queue, "") if isinstance(queue, int) else queue)
    if ledger is None:
        return None
    values, longest = ledger.values_at(now), ledger.longest
    short = AgentLedger.SHORT
    members = [(agent, agent.short_at(now)) for agent in map(book.agents.__getitem__, ledger.members)]
    oldest = state.queues[ledger.ref.label, ledger.mrd_id].oldest()
    longest_now_s = 0.0 if oldest is None else now - oldest

    def period(before: tuple[float, ...], longest_s: float, agents: Iterable[list[float]]) -> QueuePeriod:
        return QueuePeriod(QueueNumbers.of(grown(values, before)), max(longest_s, longest_now_s), *added(agents, short))

    return QueueStatistics(
        queue=ledger.ref,
        mrd_id=ledger.mrd_id,
        service_level_type=ledger.level_type,
        total=QueueNumbers.of(values),
        open=ledger.open,
        in_progress=ledger.in_progress,
        queued_now=ledger.waiting,
        queued_now_s=ledger.waited_s(now),
        longest_now_s=longest_now_s,
        agents=_agents(state, ledger),
        five_minutes=period(
            ledger.before_five_minutes(now),
            longest.five_minutes(now),
            (grown(own, agent.before_five_minutes(now)) for agent, own in members),
        ),
        half_hour=period(
            ledger.before_half_hour(now),
            longest.of_half_hour(now),
            (grown(own, agent.before_half_hour(now)) for agent, own in members),
        ),
        today=period(
            ledger.before_today(now),
            longest.today(now),
            (grown(own, agent.before_today(now)[:short]) for agent, own in members),
        ),
    )


def tallies(state: State, now: float) -> Tallies:
    """Costs in proportion to queues and agents, not to tasks."""
    queues, levels = {}, {}
    for label, ledger in state.statistics.queues.items():
        if not ledger.total.offered:
            continue
        values = ledger.values_at(now)
        queues[label] = QueueNumbers.of(values)
        level = QueueNumbers.of(grown(values, ledger.before_today(now))).service_level(ledger.level_type)
        if level is not None:
            levels[label] = level
    handled = {mrd.name: (0, 0.0) for mrd in state.mrds.values()}
    for (_, mrd_id), agent in state.statistics.agents.items():
        name = state.mrds[mrd_id].name
        number, seconds = handled[name]
        handled[name] = (number + agent.total.handled, seconds + agent.total.handle_s)
    return Tallies(queues, levels, handled)


def _agents(state: State, ledger: QueueLedger) -> QueueAgents:
    domains = [state.domains[key] for key in ledger.members]
    states = Counter(queue_state(domain, ledger.ref) for domain in domains)
    signed_in = [domain for domain in domains if domain.signed_in]
    availabilities = Counter(availability(state, domain) for domain in signed_in)
    return QueueAgents(
        logged_on=len(signed_in),
        available=states[AgentState.NOT_ACTIVE],
        not_ready=states[AgentState.NOT_READY],
        work_not_ready=states[AgentState.WORK_NOT_READY],
        reserved=states[AgentState.RESERVED],
        active=states[AgentState.ACTIVE],
        paused=states[AgentState.PAUSED],
        work_ready=states[AgentState.WORK_READY],
        busy_other=states[AgentState.BUSY_OTHER],
        interrupted=states[AgentState.INTERRUPTED],
        ready=sum(domain.routable and domain.ready and not domain.set_aside for domain in signed_in),
        icm_available=availabilities[Availability.ICM_AVAILABLE],
        application_available=availabilities[Availability.APPLICATION_AVAILABLE],
        peripherals=frozenset(domain.agent.peripheral for domain in domains),
    )
