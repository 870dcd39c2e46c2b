"""Statistics are what a slow reading of the whole story gives: every interval and every task written out.

The model below keeps everything and knows nothing of ledgers, slots or the order of facts within an input: it sees the
events that peers see, with their instants. Rules: semantics 4, 10.1.
"""

import typing
from collections import defaultdict
from random import Random

import attrs
import pytest

from ctigw.routing import events, facts
from ctigw.routing.facts import Event
from ctigw.routing.inputs import TaskId
from ctigw.routing.statistics.accounting import ACCOUNTING
from ctigw.routing.statistics.numbers import AgentNumbers
from ctigw.routing.statistics.views import QueuePeriod
from ctigw.routing.terms import AgentState, Availability
from portrait import state_of
from routing_site import Site
from test_histories import AGENTS, History, random_steps

THRESHOLD_S = 30.0
Span = tuple[float, float]


@attrs.define
class Visit:
    """A task in a queue: from entering to what happened first, and to the end."""

    entered: float
    happened: float | None = None
    answered: bool = False


@attrs.define
class Work:
    """A task with an agent: spans of ACTIVE, PAUSED and WRAPUP, and when it ended."""

    place: tuple[int, int]
    queue: str | None
    spans: list[tuple[str, float, float]] = attrs.Factory(list)
    doing: tuple[str, float] | None = None
    ended: float | None = None
    before_interrupt: str | None = None


class Model:
    """The story, written out."""

    def __init__(self) -> None:
        self.states: dict[tuple[int, int], list[tuple[float, events.AgentView]]] = defaultdict(list)
        self.visits: dict[str, list[Visit]] = defaultdict(list)
        self.present: dict[tuple[TaskId, str], Visit] = {}
        self.work: dict[TaskId, Work] = {}

    def read(self, event: Event, now: float) -> None:
        match event:
            case events.AgentStateChanged(view=view):
                self.states[view.skill_target_id, view.mrd_id].append((now, view))
            case events.TaskQueued(task_id=task_id, entries=entries):
                for entry in entries:
                    self._enter(task_id, entry.queue.label, now)
            case events.TaskDequeued(task_id=task_id, entries=entries):
                for entry in entries:
                    self.present[task_id, entry.queue.label].happened = now
            case events.AgentChosen(task_id=task_id, queue=queue):
                label = None if queue is None else queue.label
                self.work[task_id] = Work((event.skill_target_id, event.mrd_id), label)
                if label is not None:
                    visit = self.present.get((task_id, label))
                    if visit is None or visit.happened not in (None, now):
                        visit = self._enter(task_id, label, now)
                    visit.happened = None
            case events.TaskEnded(task_id=task_id) if task_id in self.work:
                self._switch(task_id, None, now)
                self.work[task_id].ended = now
                self._first(task_id, now)
            case events.TaskStarted(task_id=task_id):
                self._switch(task_id, "talk_s", now)
                visit = self._first(task_id, now)
                if visit is not None:
                    visit.answered = True
            case events.TaskPaused(task_id=task_id):
                self._switch(task_id, "hold_s", now)
            case events.TaskResumed(task_id=task_id):
                self._switch(task_id, "talk_s", now)
            case events.TaskWrapUpBegun(task_id=task_id):
                self._switch(task_id, "wrap_up_s", now)
            case events.ApplicationTaskBegun(task_id=task_id, queue=queue):
                label = None if queue is None else queue.label
                self.work[task_id] = Work((event.skill_target_id, event.mrd_id), label)
                if label is not None:
                    self._enter(task_id, label, now)
            case events.TaskOffered(task_id=task_id):
                self._switch(task_id, None, now)  # a replay may tell it of a task that had begun
            case facts.AgentInterruptAccepted(tasks=tasks):
                for task_id in tasks:
                    self._interrupt(task_id, now)
            case facts.TaskInterruptReplayed(task_id=task_id):
                self._interrupt(task_id, now)
            case facts.AgentInterruptClosed(mrd_id=mrd_id, skill_target_id=agent):
                for task_id, work in self.work.items():
                    if work.place == (agent, mrd_id) and work.before_interrupt is not None and work.ended is None:
                        self._switch(task_id, work.before_interrupt, now)
                        work.before_interrupt = None

    def _enter(self, task_id: TaskId, label: str, now: float) -> Visit:
        visit = self.present[task_id, label] = Visit(now)
        self.visits[label].append(visit)
        return visit

    def _first(self, task_id: TaskId, now: float) -> Visit | None:
        label = self.work[task_id].queue
        visit = None if label is None else self.present[task_id, label]
        if visit is not None and visit.happened is None:
            visit.happened = now
        return visit

    def _interrupt(self, task_id: TaskId, now: float) -> None:
        doing = self.work[task_id].doing
        assert doing is not None
        self.work[task_id].before_interrupt = doing[0]
        self._switch(task_id, None, now)

    def _switch(self, task_id: TaskId, name: str | None, now: float) -> None:
        work = self.work[task_id]
        if work.doing is not None:
            work.spans.append((*work.doing, now))
        work.doing = None if name is None else (name, now)

    def spans(self, place: tuple[int, int], now: float) -> list[tuple[float, float, events.AgentView]]:
        """When an agent was in which state."""
        story = self.states[place]
        ends = [begin for begin, _ in story[1:]] + [now]
        return [(begin, end, view) for (begin, view), end in zip(story, ends, strict=True)]

    def time(self, place: tuple[int, int], period: Span, *states: AgentState) -> float:
        return sum(shared((a, b), period) for a, b, view in self.spans(place, period[1]) if view.state in states)

    def handled(self, period: Span, *, place: tuple[int, int] | None = None, queue: str | None = None) -> list[Work]:
        """Tasks that were started and ended in a period."""
        return [
            work
            for work in self.work.values()
            if (place is None or work.place == place) and (queue is None or work.queue == queue)
            if work.spans and work.ended is not None and period[0] <= work.ended <= period[1]
        ]

    def worked(self, work: Work, name: str) -> float:
        """Seconds of a task in a state, without the time in which its agent was NOT_READY."""
        assert work.ended is not None
        spans = [(a, b) for doing, a, b in work.spans if doing == name]
        idle = [(a, b) for a, b, view in self.spans(work.place, work.ended) if view.state is AgentState.NOT_READY]
        return sum(b - a - sum(shared((a, b), other) for other in idle) for a, b in spans)


def shared(one: Span, other: Span) -> float:
    """Length of what two spans have in common."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


LOGGED_ON = [state for state in AgentState if state not in (AgentState.LOGOUT, AgentState.INTERRUPTED)]


def check_agent(model: Model, found: AgentNumbers, place: tuple[int, int], period: Span) -> None:
    for state, seconds in (
        (AgentState.NOT_ACTIVE, found.available_s),
        (AgentState.NOT_READY, found.not_ready_s),
        (AgentState.WORK_NOT_READY, found.work_not_ready_s),
        (AgentState.RESERVED, found.reserved_s),
        (AgentState.ACTIVE, found.active_s),
        (AgentState.PAUSED, found.paused_s),
        (AgentState.WORK_READY, found.work_ready_s),
    ):
        assert seconds == pytest.approx(model.time(place, period, state), abs=1e-3), state
    assert found.logged_on_s == pytest.approx(model.time(place, period, *LOGGED_ON), abs=1e-3)
    views = model.spans(place, period[1])
    icm = sum(shared((a, b), period) for a, b, v in views if v.availability is Availability.ICM_AVAILABLE)
    assert found.icm_available_s == pytest.approx(icm, abs=1e-3)
    routable = sum(shared((a, b), period) for a, b, view in views if view.routable)
    assert found.routable_s == pytest.approx(routable, abs=1e-3)
    handled = model.handled(period, place=place)
    assert found.handled == len(handled)
    for name in ("talk_s", "hold_s", "wrap_up_s"):
        expected = sum(model.worked(work, name) for work in handled)
        assert getattr(found, name) == pytest.approx(expected, abs=1e-3), name


def check_queue(model: Model, found: QueuePeriod, label: str, period: Span) -> None:
    numbers, visits = found.numbers, model.visits[label]
    assert numbers.offered == sum(period[0] <= visit.entered <= period[1] for visit in visits)
    answered = [v for v in visits if v.answered and v.happened is not None and period[0] <= v.happened <= period[1]]
    assert numbers.answered == len(answered)
    assert numbers.answer_wait_s == pytest.approx(sum((v.happened or 0) - v.entered for v in answered), abs=1e-3)
    assert numbers.handled == len(model.handled(period, queue=label))
    quick = [v for v in visits if v.happened is not None and v.happened - v.entered <= THRESHOLD_S]
    assert numbers.answered_in_time == sum(v.answered and period[0] <= (v.happened or 0) <= period[1] for v in quick)
    in_time = sum(period[0] <= (v.happened or 0) <= period[1] for v in quick)
    late = sum(period[0] <= v.entered + THRESHOLD_S < period[1] for v in visits if v not in quick)
    assert (numbers.late, numbers.level_offered) == (late, late + in_time)


@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_all_periods_are_those_of_the_whole_story(seed: int) -> None:
    # Whose members are whose after a reload is the configuration's business, not the story's.
    played, model, chance = History(reloads=False), Model(), Random(seed)
    site: Site = played.site
    before_midnight = (site.now // 86_400 + 1) * 86_400 - site.now - 900 + 0.25
    played.play(("time", before_midnight))
    begin, read = site.now, 0
    for number, step in enumerate(random_steps(seed, 4_000)):
        if number % 90 == 0:
            played.play(("time", chance.choice((0.0, 7.0, 200.0, 700.0))))
        played.play(step)
        for event, now in site.history[read:]:
            model.read(event, now)
        read = len(site.history)
        if number % 60 == 0:
            check(model, site)
    assert site.now // 86_400 > begin // 86_400, "midnight was in the middle"
    assert {label for label, visits in model.visits.items() if len(visits) > 20} >= {"sg:chat", "sg:email", "pq:fluent"}


def check(model: Model, site: Site) -> None:
    now = site.now
    midnight, half_hour = now // 86_400 * 86_400, now // 1800 * 1800
    slot = now // 30 * 30 - 270
    for place in state_of(site.engine).statistics.agents:
        found = site.engine.agent_statistics(*place, now)
        assert found is not None
        check_agent(model, found.today, place, (midnight, now))
    for label in ("sg:chat", "sg:email", "pq:fluent"):
        queue = site.engine.queue_statistics(label, now)
        assert queue is not None
        for period, begin in ((queue.today, midnight), (queue.half_hour, half_hour), (queue.five_minutes, slot)):
            check_queue(model, period, label, (begin, now))
            members = [place for place in model.states if place[1] == queue.mrd_id and place[0] in AGENTS]
            for seconds, states in (
                (period.available_s, [AgentState.NOT_ACTIVE]),
                (period.logged_on_s, LOGGED_ON),
                (period.not_ready_s, [AgentState.NOT_READY]),
            ):
                expected = sum(model.time(place, (begin, now), *states) for place in members)
                assert seconds == pytest.approx(expected, abs=1e-3)


def test_no_move_of_a_task_is_left_out() -> None:
    moves = {kind for kind in typing.get_args(Event) if issubclass(kind, events.TaskMoved)}
    assert moves
    assert moves <= set(ACCOUNTING)
