"""What is asked of the store, how often, and again when nobody answered."""

import attrs

from ctigw.duplex.facts import Request
from ctigw.duplex.lease import Lease
from ctigw.duplex.steps import LookAtStore, RenewLease, RequestLease, Step, WriteRecord
from ctigw.duplex.upkeep import Upkeep
from manager_stages import READY
from pair_world import TIMINGS

LEASE = Lease(7, 3.0, 0.0)
RECORD = WriteRecord(READY, 7)


def due(upkeep: Upkeep, now: float, lease: Lease | None = LEASE, *, often: bool = False) -> list[Step]:
    return list(upkeep.due(now, lease, READY, often=often))


def fresh() -> Upkeep:
    """With a lease, its record written and the store seen at 0."""
    upkeep = Upkeep(TIMINGS)
    upkeep.lease_came(0.0)
    assert due(upkeep, 0.0) == [RECORD, LookAtStore()]
    upkeep.answered(Request.RECORD)
    upkeep.answered(Request.LOOK)
    return upkeep


def test_each_is_asked_for_in_its_interval() -> None:
    upkeep = fresh()
    assert due(upkeep, 0.49) == []
    assert due(upkeep, 0.5) == [RenewLease(7), LookAtStore()]
    assert due(upkeep, 0.51) == []


def test_a_standby_looks_more_often() -> None:
    upkeep = Upkeep(TIMINGS)
    upkeep.lease_came(0.0)
    due(upkeep, 0.0, often=True)
    upkeep.answered(Request.LOOK)
    assert due(upkeep, 0.1, often=True) == [LookAtStore()]


def test_a_look_is_under_way_once_but_a_caller_that_never_answers_does_not_end_it() -> None:
    upkeep = fresh()
    assert LookAtStore() in due(upkeep, 0.5)
    assert LookAtStore() not in due(upkeep, 1.4)
    assert LookAtStore() in due(upkeep, 1.5)


def test_a_record_is_written_when_it_changes_or_when_nobody_said_that_it_was() -> None:
    upkeep = fresh()
    assert RECORD not in due(upkeep, 1.0)
    upkeep.silent(Request.RECORD)
    assert RECORD in due(upkeep, 1.0)
    upkeep.answered(Request.RECORD)
    other = attrs.evolve(READY, applied=11)
    assert WriteRecord(other, 7) in list(upkeep.due(1.5, LEASE, other, often=False))


def test_another_lease_has_another_record() -> None:
    upkeep = fresh()
    upkeep.lease_gone()
    assert due(upkeep, 1.0, None) == [RequestLease(3), LookAtStore()]
    upkeep.lease_came(1.0)
    assert RECORD in due(upkeep, 1.0)


def test_a_lease_is_asked_for_again_after_a_heartbeat_not_at_once() -> None:
    upkeep = Upkeep(TIMINGS)
    assert RequestLease(3) in due(upkeep, 0.0, None)
    upkeep.silent(Request.LEASE)
    assert RequestLease(3) not in due(upkeep, 0.4, None)
    assert RequestLease(3) in due(upkeep, 0.5, None)
