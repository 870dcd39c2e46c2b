"""Facts in any order, true or not, on a clock that jumps both ways: a side stays consistent and never overstays."""

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from ctigw.duplex import facts, steps
from ctigw.duplex.facts import Fact, Request
from ctigw.duplex.manager import FailoverManager
from ctigw.duplex.records import Head, Leadership, Role
from manager_stages import ME, NOBODY, THEY_LEAD, WE_LEAD
from pair_world import TIMINGS

LEASES = st.integers(7, 9)
AGES = st.floats(0, 4)
"""How long before it is told something was sent."""


@attrs.frozen
class Told:
    """After so many seconds (a clock may go back), a fact; those with a time get it less `age_s`."""

    after_s: float
    fact: Fact
    age_s: float


FACTS: st.SearchStrategy[Fact] = st.one_of(
    st.builds(facts.LeaseGranted, LEASES, st.sampled_from([1.0, 3.0, 30.0]), st.just(0.0)),
    st.builds(facts.LeaseKept, LEASES, st.sampled_from([1.0, 3.0, 30.0]), st.just(0.0)),
    st.builds(facts.LeaseLost, LEASES),
    st.builds(facts.StoreSeen, st.sampled_from([NOBODY, WE_LEAD, THEY_LEAD]), st.just(0.0)),
    st.builds(
        facts.LeadershipGranted, st.builds(Leadership, st.integers(5, 7), st.just(50), LEASES), st.just(Head(10, 4))
    ),
    st.builds(facts.StoreSilent, st.sampled_from(Request)),
    st.builds(facts.Fenced, st.integers(5, 7)),
    st.builds(facts.JournalApplied, st.sampled_from([0, 10, 11])),
    st.builds(facts.Fitness, st.booleans()),
    st.builds(facts.HandoverAnswered, st.booleans()),
    st.sampled_from(
        [
            facts.Started(),
            facts.RecordWritten(),
            facts.LeadershipRefused(),
            facts.LeadershipReleased(),
            facts.JournalStopped(),
            facts.SwitchoverAsked(),
            facts.DrainAsked(),
            facts.ResumeAsked(),
        ]
    ),
)
HISTORIES = st.lists(st.builds(Told, st.floats(-1, 5), FACTS, AGES), max_size=60)
USUAL: list[Fact] = [
    facts.Started(),
    facts.LeaseGranted(7, 3.0, 0.0),
    facts.JournalApplied(10),
    facts.StoreSeen(NOBODY, 0.0),
    facts.LeadershipGranted(Leadership(5, 50, 7), Head(10, 4)),
]
"""Leads to an active side, so that what comes after meets one."""


@settings(max_examples=300, deadline=None)
@given(HISTORIES, st.booleans())
def test_no_order_of_facts_makes_a_side_overstay(history: list[Told], usual: bool) -> None:
    manager = FailoverManager(ME, TIMINGS)
    now, latest, youngest, acts = 1000.0, 1000.0, float("-inf"), False
    for told in [*(Told(0.0, fact, 0.0) for fact in USUAL if usual), *history]:
        now += told.after_s
        latest = max(latest, now)
        fact = told.fact
        if isinstance(fact, facts.LeaseGranted | facts.LeaseKept | facts.StoreSeen):
            fact = attrs.evolve(fact, sent_at=now - told.age_s)
        if isinstance(fact, facts.LeaseGranted | facts.LeaseKept):
            youngest = max(youngest, fact.sent_at)
        for step in manager.receive(fact, now).steps:
            acts = isinstance(step, steps.BecomeActive) or (acts and not isinstance(step, steps.StepDown))
        assert not manager.may_act(youngest + TIMINGS.lease_s - TIMINGS.margin_s)
        assert acts == (manager.role is Role.ACTIVE)
        assert acts or not manager.may_act(now)
        assert (manager.leadership is not None) or not acts
        deadline = manager.next_deadline()
        assert deadline is None or deadline > latest
