"""How long a lease allows to act: arithmetic on times of this side's own clock.

Knows seconds on the monotonic clock of this process; such a time never leaves it (engineering G2). Must not know the
store. Rule: engineering G2, measured there: a lease counts from the moment its request was sent. Counted from the
reply it outlives the store's own count by the time that the reply took; kept as a flag it outlives everything.
"""

import attrs

from ctigw.config.timings import PairTimings


@attrs.frozen
class Lease:
    """A lease that the store has granted, and the youngest request for it that was answered."""

    lease_id: int
    length_s: float
    """What the store granted, but no more than was wanted."""
    counted_from: float
    """When that request was sent. The store counts from its arrival, which cannot be earlier."""

    @classmethod
    def granted(cls, lease_id: int, ttl_s: float, sent_at: float, timings: PairTimings) -> "Lease":
        """A new lease."""
        return cls(lease_id, min(ttl_s, timings.lease_s), sent_at)

    def renewed(self, ttl_s: float, sent_at: float, timings: PairTimings) -> "Lease":
        """After a renewal; answers may overtake each other, the youngest request counts."""
        if sent_at < self.counted_from:
            return self
        return Lease.granted(self.lease_id, ttl_s, sent_at, timings)

    def ends_at(self, timings: PairTimings) -> float:
        """From then on nobody may act on it, although the store may keep it a little longer."""
        return self.counted_from + self.length_s - timings.margin_s

    def silent_at(self, timings: PairTimings) -> float:
        """From then on the store counts as silent; before `ends_at`, so that the side steps down while it leads."""
        return min(self.counted_from + timings.silence_s, self.ends_at(timings))
