"""A manager of side A, brought to where a test begins, on a clock that the test moves."""

import attrs

from ctigw.duplex import facts, steps
from ctigw.duplex.facts import Fact
from ctigw.duplex.manager import FailoverManager
from ctigw.duplex.records import Head, Identity, LeaderRecord, Leadership, Picture, Predecessor, Side, SideRecord
from ctigw.duplex.steps import Step
from pair_world import TIMINGS

ME = Identity(Side.A, "a1", "1.0")
OTHER = Identity(Side.B, "b1", "1.0")
OURS = Leadership(epoch=5, revision=50, lease_id=7)
THEIRS = Leadership(epoch=6, revision=60, lease_id=8)
READY = SideRecord(OTHER, fit=True, draining=False, applied=10)
ROUTINE = (steps.RenewLease, steps.LookAtStore, steps.WriteRecord, steps.RequestLease)
NOBODY = Picture(40, None, Predecessor(4, Side.B, "1.0"), (READY,), Head(10, 4))
WE_LEAD = Picture(51, LeaderRecord(ME, OURS), Predecessor(5, Side.A, "1.0"), (READY,), Head(10, 4))
THEY_LEAD = Picture(61, LeaderRecord(OTHER, THEIRS), Predecessor(6, Side.B, "1.0"), (READY,), Head(10, 4))


@attrs.define
class Stage:
    """`tell` returns the steps without the routine ones."""

    manager: FailoverManager
    now: float = 100.0

    def tell(self, fact: Fact) -> list[Step]:
        return [step for step in self.all_steps(fact) if not isinstance(step, ROUTINE)]

    def all_steps(self, fact: Fact) -> list[Step]:
        return list(self.manager.receive(fact, self.now).steps)

    def see(self, picture: Picture) -> list[Step]:
        return self.tell(facts.StoreSeen(picture, self.now))

    def keep(self) -> list[Step]:
        return self.tell(facts.LeaseKept(7, TIMINGS.ttl_s, self.now))

    def wait(self, seconds: float) -> list[Step]:
        """Time passes, the manager is called whenever it wants to be; all steps that are not routine."""
        end, found = self.now + seconds, list[Step]()
        while (deadline := self.manager.next_deadline()) is not None and deadline <= end:
            assert deadline > self.now
            self.now = deadline
            found += self.manager.handle_deadline(self.now).steps
        self.now = end
        return [step for step in found if not isinstance(step, ROUTINE)]

    def may_act(self) -> bool:
        return self.manager.may_act(self.now)


def starting(*, stay_active: bool = False) -> Stage:
    stage = Stage(FailoverManager(ME, TIMINGS, stay_active=stay_active))
    stage.tell(facts.Started())
    return stage


def leased(*, stay_active: bool = False) -> Stage:
    stage = starting(stay_active=stay_active)
    stage.tell(facts.LeaseGranted(7, TIMINGS.ttl_s, stage.now))
    stage.tell(facts.JournalApplied(10))
    return stage


def standby() -> Stage:
    stage = leased()
    stage.see(THEY_LEAD)
    return stage


def taking_over(*, stay_active: bool = False) -> Stage:
    stage = leased(stay_active=stay_active)
    stage.tell(facts.JournalApplied(9))
    stage.see(attrs.evolve(NOBODY, sides=()))
    stage.tell(facts.LeadershipGranted(OURS, Head(10, 4)))
    return stage


def active(*, stay_active: bool = False) -> Stage:
    stage = taking_over(stay_active=stay_active)
    stage.tell(facts.JournalApplied(10))
    stage.see(WE_LEAD)
    return stage


def asking() -> Stage:
    stage = active()
    stage.tell(facts.SwitchoverAsked())
    return stage


def stopping() -> Stage:
    stage = asking()
    stage.tell(facts.HandoverAnswered(True))
    return stage
