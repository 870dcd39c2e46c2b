"""Whatever network, clocks and operator do, two sides never act at once (issue of the pair, engineering 5.10).

One property, `broken_by`, over random faults in any order. Three mutants, the classic ways to get this wrong, must each
be caught by the same property within a number of seeds, or it proves nothing.
"""

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctigw.duplex import facts
from ctigw.duplex.facts import Fact
from ctigw.duplex.manager import ACTING, FailoverManager
from ctigw.duplex.records import Head, Leadership, Side
from ctigw.duplex.steps import Decision
from pair_world import TIMINGS, World
from store_model import StoreModel

SEEDS_FOR_A_MUTANT = 200
"""Of 60 seeds 44 caught the stored flag, 3 the lease from the reply, 3 the missing epoch."""
CALM_S = 8 * TIMINGS.lease_s
"""Stalls last up to four leases; after them a side needs the other's lease to run out, and its own way back."""


@attrs.frozen
class Fault:
    """After so many seconds, to the side that acts (or to the other one, or to either when none does), for so long."""

    after_s: float
    kind: str
    to_acting: bool
    for_s: float

    def side(self, world: World) -> Side:
        acting = world.acting()[0] if world.acting() else Side.A
        return acting if self.to_acting else acting.other


KINDS: dict[str, Callable[[World, Side, float], None]] = {
    "stall": World.stall,
    "cut": World.cut,
    "lose_replies": World.lose_replies,
    "slow": World.slow,
    "crash": World.crash,
    "switchover": lambda world, side, _: world.tell(side, facts.SwitchoverAsked()),
    "drain": lambda world, side, _: world.tell(side, facts.DrainAsked()),
    "resume": lambda world, side, _: world.tell(side, facts.ResumeAsked()),
}
FAULTS = st.lists(
    st.builds(Fault, st.floats(0, 6), st.sampled_from(sorted(KINDS)), st.booleans(), st.floats(0.1, 12)), max_size=10
)


def random_faults(world: World) -> list[Fault]:
    """For a run that is named by its seed alone."""
    pick = world.random
    kinds = sorted(KINDS) + 4 * ["slow", "stall"]  # What tells good lease arithmetic from bad.
    return [
        Fault(pick.uniform(0, 6), pick.choice(kinds), pick.random() < 0.8, pick.uniform(0.1, 12)) for _ in range(10)
    ]


def suffer(world: World, faults: list[Fault]) -> None:
    """Begin, and let everything happen to it."""
    world.run_until(TIMINGS.lease_s)
    for fault in faults:
        world.run_until(world.now + fault.after_s)
        KINDS[fault.kind](world, fault.side(world), fault.for_s)


def broken_by(world: World, faults: list[Fault]) -> list[str]:
    """The property: what was broken on the way, and afterwards if nobody acts once all is calm."""
    suffer(world, faults)
    world.calm = True
    for side in Side:
        world.tell(side, facts.ResumeAsked())
    world.run_until(world.now + CALM_S)
    missing = [] if len(world.acting()) == 1 else [f"{len(world.acting())} sides act in calm weather"]
    return world.violations + missing


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), FAULTS)
def test_two_never_act_and_afterwards_one_does(seed: int, faults: list[Fault]) -> None:
    assert broken_by(World(seed), faults) == []


@pytest.mark.parametrize("seed", range(40))
def test_the_same_with_faults_from_a_seed(seed: int) -> None:
    world = World(seed)
    assert broken_by(world, random_faults(world)) == []


class StoredFlag(FailoverManager):
    """Mutant: acts because it once became active and nobody has told it otherwise."""

    def may_act(self, now: float) -> bool:
        return self._phase in ACTING


class LeaseFromReply(FailoverManager):
    """Mutant: counts the lease from when the answer came."""

    def receive(self, fact: Fact, now: float) -> Decision:
        if isinstance(fact, facts.LeaseGranted | facts.LeaseKept):
            fact = attrs.evolve(fact, sent_at=now)
        return super().receive(fact, now)


class NoEpoch(StoreModel):
    """Mutant: takes a batch from whoever knows where the journal ends."""

    def _check_leader(self, leadership: Leadership) -> None:
        pass


@pytest.mark.parametrize(
    ("manager_class", "store_class", "expected"),
    [
        (StoredFlag, StoreModel, "both sides may act"),
        (LeaseFromReply, StoreModel, "both sides may act"),
        (FailoverManager, NoEpoch, "was taken in epoch"),
    ],
)
def test_each_mutant_is_caught(
    manager_class: type[FailoverManager], store_class: type[StoreModel], expected: str
) -> None:
    for seed in range(SEEDS_FOR_A_MUTANT):
        world = World(seed, manager_class, store_class(lag_s=0.0))
        if any(expected in one for one in broken_by(world, random_faults(world))):
            return
    pytest.fail(f"no violation in {SEEDS_FOR_A_MUTANT} seeds: the property would not notice this mutant")


@pytest.mark.parametrize("seed", range(20))
def test_a_machine_that_slept_believes_in_its_lease_but_nothing_of_it_is_taken(seed: int) -> None:
    """Its clock stood still (engineering G2), so only the epoch protects: it does, and the side notices."""
    world = World(seed)
    world.run_until(2 * TIMINGS.lease_s)
    first = world.acting()[0]
    world.suspend(first, 3 * TIMINGS.lease_s)
    world.run_until(world.now + 3 * TIMINGS.lease_s - 0.01)
    assert world.acting() == [first, first.other] or world.acting() == [first.other, first]
    world.run_until(world.now + TIMINGS.lease_s)
    assert world.acting() == [first.other]
    assert world.violations == []
    assert world.appended[-1] > Head(0, 1)


@pytest.mark.parametrize("seed", range(10))
def test_a_side_that_stays_active_without_the_store_may_act_beside_the_other_and_yields_when_it_sees_it(
    seed: int,
) -> None:
    world = World(seed, stay_active=True)
    world.run_until(2 * TIMINGS.lease_s)
    first = world.acting()[0]
    world.cut(first, 4 * TIMINGS.lease_s)
    world.run_until(world.now + 3 * TIMINGS.lease_s)
    assert sorted(side.value for side in world.acting()) == ["A", "B"]
    world.run_until(world.now + 4 * TIMINGS.lease_s)
    assert world.acting() == [first.other]


def test_the_same_seed_is_the_same_run() -> None:
    runs = []
    for _ in range(2):
        world = World(7)
        broken_by(world, random_faults(world))
        runs.append((world.takeovers, world.appended))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) > 1
