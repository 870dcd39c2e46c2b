"""What is asked of the store routinely, and when: the lease, its renewals, looks, this side's record.

Knows intervals and what is not answered yet. Must not know phases or what the answers mean for them.
"""

from collections.abc import Iterator

from ctigw.config.timings import PairTimings
from ctigw.duplex.facts import Request
from ctigw.duplex.lease import Lease
from ctigw.duplex.records import SideRecord
from ctigw.duplex.steps import LookAtStore, RenewLease, RequestLease, Step, WriteRecord

PATIENCE = 2
"""Send limits after which a request that nobody answered for may be made again: the caller owes an answer after one,
and a caller that stalled must not stop the upkeep for ever."""


class Upkeep:
    """Each request is under way at most once, except renewals, whose answers may overtake each other."""

    def __init__(self, timings: PairTimings) -> None:
        """Everything is due at once."""
        self._timings = timings
        self._until: dict[Request, float] = {}
        self._next_lease = self._next_renewal = self._next_look = self._next_record = float("-inf")
        self._written: SideRecord | None = None

    def ask(self, request: Request, now: float) -> bool:
        """Whether a request may be made now; then it counts as made."""
        if self._until.get(request, now) > now:
            return False
        self._until[request] = now + PATIENCE * self._timings.send_limit_s
        return True

    def answered(self, request: Request) -> None:
        """It may be made again."""
        self._until.pop(request, None)

    def silent(self, request: Request) -> None:
        """Nobody answered: what it would have changed is not known to be so."""
        self.answered(request)
        if request is Request.RECORD:
            self._written = None

    def look_now(self) -> None:
        """Something has changed at the store."""
        self._next_look = float("-inf")

    def lease_came(self, now: float) -> None:
        """It is fresh."""
        self._next_renewal = now + self._timings.heartbeat_s

    def lease_gone(self) -> None:
        """What hung on it is gone too; the next one is asked for at once."""
        self._written = None
        self._next_lease = self._next_renewal = float("-inf")

    def due(self, now: float, lease: Lease | None, record: SideRecord | None, *, often: bool) -> Iterator[Step]:
        """Steps of this moment. `record`: None while this side must not write one; `often`: look as a standby does."""
        timings = self._timings
        if lease is None:
            if now >= self._next_lease and self.ask(Request.LEASE, now):
                self._next_lease = now + timings.heartbeat_s
                yield RequestLease(timings.ttl_s)
        else:
            if now >= self._next_renewal:
                self._next_renewal = now + timings.heartbeat_s
                yield RenewLease(lease.lease_id)
            changed = record is not None and record != self._written and now >= self._next_record
            if record is not None and changed and self.ask(Request.RECORD, now):
                self._next_record = now + timings.heartbeat_s
                self._written = record
                yield WriteRecord(record, lease.lease_id)
        if now >= self._next_look and self.ask(Request.LOOK, now):
            self._next_look = now + (timings.look_s if often else timings.heartbeat_s)
            yield LookAtStore()

    def times(self, lease: Lease | None) -> Iterator[float]:
        """When something is due next."""
        yield self._next_look
        if lease is None:
            yield self._next_lease
        else:
            yield self._next_renewal
            yield self._next_record
        yield from self._until.values()
