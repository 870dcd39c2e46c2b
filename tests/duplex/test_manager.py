"""(Where a side stands, what it is told) -> what it does, and the sentence that says why."""

from collections.abc import Callable

import attrs
import pytest

from ctigw.duplex import facts, steps
from ctigw.duplex.facts import Fact, Request
from ctigw.duplex.records import Head, Identity, Leadership, Predecessor, Role, Side, SideRecord
from ctigw.duplex.steps import Step, StepDownReason, TakeoverReason
from manager_stages import (
    ME,
    NOBODY,
    OTHER,
    OURS,
    READY,
    THEY_LEAD,
    WE_LEAD,
    Stage,
    active,
    asking,
    leased,
    standby,
    starting,
    stopping,
    taking_over,
)
from pair_world import TIMINGS

T = TIMINGS
ASK = steps.AcquireLeadership(ME, 7, 4)
ROLE_ACTIVE, ROLE_STANDBY, ROLE_OFFLINE = (
    steps.TellClients(role) for role in (Role.ACTIVE, Role.STANDBY, Role.OFFLINE)
)
DROP = steps.DropLease(7)
FOLLOW = steps.FollowJournal()


def down(reason: StepDownReason) -> Step:
    return steps.StepDown(reason)


Case = tuple[Callable[[], Stage], Fact, list[Step], str]
CASES: dict[str, Case] = {
    "who has a lease and a picture follows": (
        leased,
        facts.StoreSeen(THEY_LEAD, 100.0),
        [FOLLOW, ROLE_STANDBY],
        "follows side B, epoch 6",
    ),
    "where nobody leads the leadership is asked for": (
        leased,
        facts.StoreSeen(NOBODY, 100.0),
        [FOLLOW, ROLE_STANDBY, ASK],
        "nobody leads: asks for the leadership",
    ),
    "who is refused goes on following": (standby, facts.LeadershipRefused(), [], "follows side B, epoch 6"),
    "the journal is applied to its end first": (
        taking_over,
        facts.StoreSilent(Request.LOOK),
        [],
        "has epoch 5, applies the journal up to 10",
    ),
    "then the side acts": (
        taking_over,
        facts.JournalApplied(10),
        [steps.BecomeActive(OURS, TakeoverReason.TAKEOVER), ROLE_ACTIVE],
        "active under epoch 5 (takeover)",
    ),
    "a store that ends before what was applied has lost data": (
        taking_over,
        facts.JournalApplied(11),
        [down(StepDownReason.UNFIT), DROP, ROLE_OFFLINE],
        "offline: the store ends at batch 10, this side has applied 11: it has lost data (a backup brought back?)",
    ),
    "a refused batch ends it": (
        active,
        facts.Fenced(5),
        [down(StepDownReason.LEADERSHIP_LOST), DROP, ROLE_OFFLINE],
        "offline: the store refused a batch of epoch 5",
    ),
    "a refused batch of an earlier epoch is old news": (active, facts.Fenced(4), [], "active under epoch 5 (takeover)"),
    "a lease that is gone ends it": (
        active,
        facts.LeaseLost(7),
        [down(StepDownReason.LEASE_LOST), ROLE_OFFLINE],
        "offline: the store does not know the lease any more",
    ),
    "another lease that is gone does not matter": (active, facts.LeaseLost(6), [], "active under epoch 5 (takeover)"),
    "another leader ends it": (
        active,
        facts.StoreSeen(THEY_LEAD, 100.0),
        [down(StepDownReason.LEADERSHIP_LOST), DROP, ROLE_OFFLINE],
        "offline: side B leads",
    ),
    "no leader at all ends it too": (
        active,
        facts.StoreSeen(attrs.evolve(NOBODY, revision=52), 100.0),
        [down(StepDownReason.LEADERSHIP_LOST), DROP, ROLE_OFFLINE],
        "offline: the store has no leader",
    ),
    "a picture from before the takeover does not": (
        active,
        facts.StoreSeen(NOBODY, 100.0),
        [],
        "active under epoch 5 (takeover)",
    ),
    "who is unfit steps down": (
        active,
        facts.Fitness(False, "the engine broke"),
        [down(StepDownReason.UNFIT), DROP, ROLE_OFFLINE],
        "offline: the engine broke",
    ),
    "an unfit standby leaves": (
        standby,
        facts.Fitness(False, "batch 3 does not decode"),
        [DROP, ROLE_OFFLINE],
        "offline: batch 3 does not decode",
    ),
    "an older version does not follow a newer journal": (
        leased,
        facts.StoreSeen(attrs.evolve(THEY_LEAD, predecessor=Predecessor(6, Side.B, "1.10.0")), 100.0),
        [],
        "version 1.0 does not follow a journal of version 1.10.0, which is newer",
    ),
    "a newer version follows an older journal": (
        leased,
        facts.StoreSeen(attrs.evolve(THEY_LEAD, predecessor=Predecessor(6, Side.B, "0.9")), 100.0),
        [FOLLOW, ROLE_STANDBY],
        "follows side B, epoch 6",
    ),
    "two processes are not one side": (
        leased,
        facts.StoreSeen(
            attrs.evolve(NOBODY, sides=(attrs.evolve(READY, identity=Identity(Side.A, "a0", "1.0")),)), 100
        ),
        [],
        "another process is side A, or was until a moment ago",
    ),
    "a planned handover asks clients first": (
        active,
        facts.SwitchoverAsked(),
        [steps.AskClients(), steps.AnswerOperator(True, "asks clients about a handover to side B")],
        "asks clients about a handover to side B",
    ),
    "a standby has nothing to hand over": (
        standby,
        facts.SwitchoverAsked(),
        [steps.AnswerOperator(False, "this side does not act: follows side B, epoch 6")],
        "follows side B, epoch 6",
    ),
    "one client that does not agree cancels it": (
        asking,
        facts.HandoverAnswered(False, "session 4 was silent"),
        [steps.HandoverCancelled()],
        "stays active: clients did not agree: session 4 was silent",
    ),
    "clients that agree let it go on": (
        asking,
        facts.HandoverAnswered(True),
        [down(StepDownReason.HANDOVER), ROLE_STANDBY],
        "hands over to side B",
    ),
    "what is durable is handed over": (
        stopping,
        facts.JournalStopped(),
        [steps.ReleaseLeadership(OURS)],
        "everything is durable: gives the leadership back",
    ),
    "a batch refused on the way out makes the engine begin anew": (
        stopping,
        facts.Fenced(5),
        [down(StepDownReason.LEADERSHIP_LOST), DROP, ROLE_OFFLINE],
        "offline: the store refused a batch of epoch 5",
    ),
    "an active side that is to end stops first": (
        active,
        facts.StopAsked(),
        [down(StepDownReason.STOP), ROLE_STANDBY],
        "the process is to end: stops acting",
    ),
    "a standby that is to end gives its lease back": (standby, facts.StopAsked(), [DROP, ROLE_OFFLINE], "ended"),
    "a second lease is given back": (
        standby,
        facts.LeaseGranted(9, 3, 100.0),
        [steps.DropLease(9)],
        "follows side B, epoch 6",
    ),
    "a drained standby says so": (
        standby,
        facts.DrainAsked(),
        [steps.AnswerOperator(True, "follows side B, epoch 6")],
        "follows side B, epoch 6",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_a_side_does(case: Case) -> None:
    stage, fact, expected, why = case
    side = stage()
    assert side.tell(fact) == expected
    assert side.manager.why == why


def test_authority_counts_from_when_the_renewal_was_sent_less_the_margin() -> None:
    side = active()
    side.now += 1.0
    side.tell(facts.LeaseKept(7, T.ttl_s, side.now - 0.4))
    end = side.now - 0.4 + T.lease_s - T.margin_s
    assert side.manager.may_act(end - 0.001)
    assert not side.manager.may_act(end)


def test_an_answer_that_was_overtaken_shortens_nothing() -> None:
    side = active()
    side.now += 1.0
    side.keep()
    side.tell(facts.LeaseKept(7, T.ttl_s, side.now - 0.9))
    assert side.manager.may_act(side.now + T.authority_s - 0.001)


def test_a_store_that_grants_less_is_believed() -> None:
    side = active()
    side.now += 0.5
    side.tell(facts.LeaseKept(7, 2.0, side.now))
    assert side.manager.may_act(side.now + 2.0 - T.margin_s - 0.001)
    assert not side.manager.may_act(side.now + 2.0 - T.margin_s)


def test_a_clock_that_goes_back_gives_no_authority_back() -> None:
    side = active()
    side.wait(T.silence_s - 0.1)
    assert side.may_act()
    side.manager.handle_deadline(side.now + T.lease_s)
    assert not side.manager.may_act(side.now)


def test_a_look_that_was_overtaken_by_a_later_one_says_nothing() -> None:
    side = active()
    side.now += 1.0
    side.keep()
    side.see(WE_LEAD)
    assert side.tell(facts.StoreSeen(THEY_LEAD, side.now - 0.5)) == []
    assert side.may_act()


def test_without_the_store_it_steps_down_before_its_authority_ends() -> None:
    side = active()
    begun = side.now
    assert side.wait(T.silence_s - 0.001) == []
    assert side.may_act()
    assert side.wait(0.002) == [down(StepDownReason.STORE_SILENT), DROP, ROLE_OFFLINE]
    assert side.now < begun + T.authority_s
    assert side.manager.why == "offline: no answer from the store for 2 s"
    assert not side.may_act()


def test_the_lease_is_renewed_and_looked_at_on_time() -> None:
    side = active()
    asked = list[Step]()
    for _ in range(4):
        side.now += T.heartbeat_s
        asked += side.manager.handle_deadline(side.now).steps
        side.keep()
        side.see(WE_LEAD)
    assert [step for step in asked if isinstance(step, steps.RenewLease)] == [steps.RenewLease(7)] * 4
    assert sum(isinstance(step, steps.LookAtStore) for step in asked) == 4


def test_when_the_store_is_back_the_old_lease_is_given_back_and_a_new_epoch_begins() -> None:
    side = active()
    side.wait(T.lease_s)
    assert side.tell(facts.LeaseGranted(9, 3.0, side.now)) == [DROP, FOLLOW, ROLE_STANDBY]
    assert not side.may_act()
    assert side.see(attrs.evolve(NOBODY, revision=70, sides=())) == [steps.AcquireLeadership(ME, 9, 4)]
    again = Leadership(6, 71, 9)
    assert side.tell(facts.LeadershipGranted(again, Head(10, 4))) == []
    assert side.manager.why == "has epoch 6, applies the journal up to 10"
    assert side.tell(facts.JournalApplied(10))[0] == steps.BecomeActive(again, TakeoverReason.TAKEOVER)


def test_leadership_that_came_with_a_lost_lease_is_not_taken() -> None:
    side = leased()
    side.see(NOBODY)
    side.wait(T.lease_s)
    side.tell(facts.LeaseGranted(9, 3.0, side.now))
    assert side.tell(facts.LeadershipGranted(OURS, Head(10, 4))) == []
    assert not side.may_act()


def test_leadership_whose_answer_was_lost_is_found_in_the_store() -> None:
    side = leased()
    side.see(NOBODY)
    side.tell(facts.StoreSilent(Request.ACQUISITION))
    side.now += 0.1
    assert side.see(WE_LEAD) == [steps.BecomeActive(OURS, TakeoverReason.TAKEOVER), ROLE_ACTIVE]
    assert side.may_act()


def test_after_a_handover_the_other_side_has_the_time_of_a_lease_to_take_over() -> None:
    side = stopping()
    side.tell(facts.JournalStopped())
    assert side.tell(facts.LeadershipReleased()) == [FOLLOW]
    side.keep()
    gone = attrs.evolve(NOBODY, revision=52, predecessor=Predecessor(5, Side.A, "1.0"))
    assert side.see(gone) == []
    assert side.manager.why == "handed over: leaves the leadership to the other side"
    side.now += T.lease_s
    side.keep()
    assert side.see(gone) == [steps.AcquireLeadership(ME, 7, 5)]


def test_an_old_picture_does_not_bring_a_released_leadership_back() -> None:
    side = stopping()
    side.tell(facts.JournalStopped())
    side.tell(facts.LeadershipReleased())
    assert side.see(WE_LEAD) == []
    assert side.manager.leadership is None


def test_there_is_no_fail_back() -> None:
    side = standby()
    for _ in range(100):
        side.now += T.heartbeat_s
        side.keep()
        assert side.see(THEY_LEAD) == []


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ((), "side B is not there"),
        ((SideRecord(OTHER, fit=False, draining=False, applied=10),), "side B is not fit to take over"),
        ((SideRecord(OTHER, fit=True, draining=True, applied=10),), "side B is drained"),
        ((SideRecord(OTHER, fit=True, draining=False, applied=10),), "side B lags 501 batches behind"),
    ],
)
def test_a_switchover_to_who_cannot_take_over_is_refused(other: tuple[SideRecord, ...], why: str) -> None:
    side = active()
    side.see(attrs.evolve(WE_LEAD, sides=other))
    if "lags" in why:
        side.tell(facts.JournalApplied(511))
    assert side.tell(facts.SwitchoverAsked()) == [steps.AnswerOperator(False, why)]
    assert side.may_act()


def test_a_drain_waits_for_the_other_side() -> None:
    side = active()
    side.see(attrs.evolve(WE_LEAD, sides=()))
    assert side.tell(facts.DrainAsked()) == [steps.AnswerOperator(True, "goes on until then: side B is not there")]
    assert side.see(WE_LEAD) == [steps.AskClients()]


def test_clients_that_refuse_end_a_drain() -> None:
    side = active()
    side.tell(facts.DrainAsked())
    assert side.tell(facts.HandoverAnswered(False, "busy")) == [steps.HandoverCancelled()]
    assert side.see(WE_LEAD) == []
    assert side.may_act()


def test_a_drained_side_does_not_take_over_until_it_is_resumed() -> None:
    side = standby()
    side.tell(facts.DrainAsked())
    assert side.see(NOBODY) == []
    assert side.manager.why == "drained: does not take over until it is resumed"
    assert side.tell(facts.ResumeAsked())[-1] == ASK


def test_clients_that_nobody_answers_for_cancel_the_handover() -> None:
    side = asking()
    asked_at = side.now
    for _ in range(33):
        side.now += 0.3
        assert side.keep() + side.see(WE_LEAD) == []
    side.now = asked_at + 10.0
    assert side.keep() == [steps.HandoverCancelled()]
    assert side.may_act()


def test_who_lags_leaves_the_leadership_to_the_other_side_for_the_time_of_a_lease() -> None:
    side = leased()
    side.tell(facts.JournalApplied(3))
    assert side.see(NOBODY) == [FOLLOW, ROLE_STANDBY]
    side.now += T.lease_s
    side.keep()
    assert side.see(NOBODY) == [ASK]


@pytest.mark.parametrize(
    "other", [attrs.evolve(READY, fit=False), attrs.evolve(READY, draining=True), attrs.evolve(READY, applied=3)]
)
def test_who_lags_behind_nobody_better_asks_at_once(other: SideRecord) -> None:
    side = leased()
    side.tell(facts.JournalApplied(3))
    assert side.see(attrs.evolve(NOBODY, sides=(other,))) == [FOLLOW, ROLE_STANDBY, ASK]


def test_the_last_batch_of_a_handover_has_the_time_of_a_lease() -> None:
    side = stopping()
    side.now += T.lease_s - 0.01
    assert side.keep() == []
    side.now += 0.01
    assert side.keep()[0] == down(StepDownReason.STORE_SILENT)


def test_an_ending_side_gives_everything_back_when_all_is_durable() -> None:
    side = active()
    side.tell(facts.StopAsked())
    assert side.tell(facts.JournalStopped()) == [DROP, ROLE_OFFLINE]
    assert side.manager.next_deadline() is None


def test_staying_active_without_the_store_is_said_every_minute() -> None:
    side = active(stay_active=True)
    warned = side.wait(T.silence_s + 130)
    assert [type(step) for step in warned] == [steps.Warn] * 3
    assert side.may_act()
    assert "the other side may act too" in side.manager.why


def test_staying_active_ends_when_the_other_side_leads() -> None:
    side = active(stay_active=True)
    side.wait(2 * T.lease_s)
    side.tell(facts.LeaseLost(7))
    assert side.may_act()
    assert side.see(THEY_LEAD)[0] == down(StepDownReason.LEADERSHIP_LOST)


@pytest.mark.parametrize(("end", "goes_on"), [(Head(10, 5), True), (Head(11, 6), False)])
def test_staying_active_goes_on_under_a_new_epoch_when_nobody_wrote_meanwhile(end: Head, goes_on: bool) -> None:
    side = active(stay_active=True)
    side.wait(2 * T.lease_s)
    side.tell(facts.LeaseLost(7))
    side.tell(facts.LeaseGranted(9, 3.0, side.now))
    assert side.see(attrs.evolve(NOBODY, revision=70)) == [steps.AcquireLeadership(ME, 9, 4)]
    again = Leadership(6, 71, 9)
    first = side.tell(facts.LeadershipGranted(again, end))[0]
    expected: Step = (
        steps.BecomeActive(again, TakeoverReason.AGAIN) if goes_on else down(StepDownReason.LEADERSHIP_LOST)
    )
    assert first == expected
    assert side.may_act() == goes_on
    assert side.manager.leadership == (again if goes_on else None)


def test_nothing_is_asked_before_the_start() -> None:
    side = starting()
    fresh = Stage(type(side.manager)(ME, T))
    assert fresh.manager.next_deadline() is None
    assert fresh.all_steps(facts.Fitness(True)) == []
    assert fresh.all_steps(facts.Started()) == [steps.RequestLease(3), steps.LookAtStore()]
