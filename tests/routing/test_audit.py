"""The audit is silent through every history, and speaks up when a defect is planted."""

import pytest

from ctigw.routing import inputs
from ctigw.routing.audit import Audit, Findings
from ctigw.routing.events import ApplicationTaskBegun, TaskAccepted, TaskEnded
from portrait import state_of
from routing_site import Site, of
from test_histories import History, random_steps


class Audited:
    """A site whose events an audit counts."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.audit = Audit(state_of(site.engine))
        self._seen = len(site.history)

    def look(self) -> Findings:
        for event, now in self.site.history[self._seen :]:
            if isinstance(event, TaskAccepted | ApplicationTaskBegun):
                self.audit.count_begun(event, now)
            elif isinstance(event, TaskEnded):
                self.audit.count_ended(event, now)
        self._seen = len(self.site.history)
        return self.site.engine.look(self.audit, self.site.now)


def test_nothing_is_found_through_a_long_history() -> None:
    played = History()
    audited = Audited(played.site)
    most = 0
    for step in random_steps(7, 6_000):
        played.play(step)
        assert audited.look() == Findings(0, 0.0, None)
        most = max(most, state_of(played.site.engine).queued)
    assert most == 6  # queues were full
    assert audited.audit.ended > 500


def audited_site() -> Audited:
    site = Site()
    site.ready(101)
    audited = Audited(site)
    site.task()
    site.task()
    assert audited.look() == Findings(0, 0.0, None)
    return audited


def test_a_task_counted_twice_is_unaccounted() -> None:
    audited = audited_site()
    begun = of([event for event, _ in audited.site.history], TaskAccepted)[0]
    audited.audit.count_begun(begun, audited.site.now)
    assert audited.look().unaccounted == 1


def test_a_task_lost_from_its_agent_is_unaccounted() -> None:
    audited = audited_site()
    state = state_of(audited.site.engine)
    for domain in state.domains.values():
        domain.tasks.clear()
    assert audited.look().unaccounted == 1


def test_a_task_that_vanished_without_an_end_is_unaccounted() -> None:
    audited = audited_site()
    state = state_of(audited.site.engine)
    del state.tasks[next(iter(state.tasks))]
    assert audited.look().unaccounted == 2  # by facts and by states


def unmatched(monkeypatch: pytest.MonkeyPatch) -> Audited:
    """A mutant that gives no task to an agent who becomes available: a task waits beside him."""
    monkeypatch.setattr("ctigw.routing.engine.settle", lambda turn: turn.state.unsettled.clear())
    audited = Audited(Site())
    audited.site.task()
    audited.site.pass_time(5)
    assert audited.look().pair is None
    audited.site.ready(101)
    return audited


def test_a_task_left_beside_a_free_agent_is_found_for_as_long_as_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    audited = unmatched(monkeypatch)
    audited.site.pass_time(3)
    found = audited.look()
    assert found.pair is not None
    assert found.pair.agent == (101, 5001)
    assert found.matchable_s == pytest.approx(3)
    audited.site.pass_time(4)
    assert audited.look().matchable_s == pytest.approx(7)
    assert audited.look().unaccounted == 0
    audited.site.cancel(1)
    assert audited.look() == Findings(0, 0.0, None)


def test_a_pair_is_over_when_the_agent_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    audited = unmatched(monkeypatch)
    assert audited.look().pair is not None
    audited.site.report(inputs.MakeAgentNotReady, 101)
    assert audited.look() == Findings(0, 0.0, None)


@pytest.mark.parametrize("change", [{"held": True}, {"reached": 2}])
def test_a_task_that_is_kept_or_not_that_far_is_no_pair(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, int]
) -> None:
    audited = unmatched(monkeypatch)
    queue = state_of(audited.site.engine).queues["sg:chat", 5001]
    for task_id, place in list(queue.tasks.items()):
        queue.tasks[task_id] = place._replace(**change)  # type: ignore[arg-type]  # fields of the parametrisation
    assert audited.look().pair is None


def test_a_task_that_the_agent_gave_back_is_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    audited = unmatched(monkeypatch)
    state = state_of(audited.site.engine)
    for task in state.tasks.values():
        task.request = task.request._replace(excluded=101)
    assert audited.look().pair is None


def test_a_look_asks_so_many_agents_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctigw.routing.audit.MOST_AGENTS_LOOKED_AT", 2)
    monkeypatch.setattr("ctigw.routing.engine.settle", lambda turn: turn.state.unsettled.clear())
    audited = Audited(Site())
    audited.site.sign_in(101, 102, 103)
    audited.site.task()
    audited.site.report(inputs.MakeAgentReady, 103)
    assert audited.look().pair is None
    assert audited.look().pair is not None


def test_an_audit_that_begins_later_counts_what_is_there() -> None:
    audited = audited_site()
    audited.audit = Audit(state_of(audited.site.engine))
    assert audited.look() == Findings(0, 0.0, None)
