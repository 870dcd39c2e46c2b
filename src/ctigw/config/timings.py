"""The times of a pair, derived from its lease, and the sum that they have to keep.

Knows seconds. Must not know clocks, stores or roles. Rules: decisions F2 (everything derives from lease_s), engineering
G4: `heartbeat x misses + send limit + margin < lease`, refused at start with the sum shown.
"""

import math

import attrs

from ctigw.config.settings import DuplexSettings

PARTS_OF_A_LEASE = 6
"""Heartbeat, send limit and margin are one part each [OURS]: with three misses five of six parts are spent, so that
what is left (a third of a second of the shortest lease) covers a slow event loop."""

LONGEST_LOOK_S = 0.1
"""A standby looks at the store at least this often: part of the interruption of a planned handover [OURS]."""


@attrs.frozen
class PairTimings:
    """All in seconds, except `misses`."""

    lease_s: float
    heartbeat_s: float
    misses: int
    send_limit_s: float
    margin_s: float

    @property
    def silence_s(self) -> float:
        """Counted from the last renewal that was answered: after this the store counts as silent."""
        return self.heartbeat_s * self.misses + self.send_limit_s

    @property
    def authority_s(self) -> float:
        """Counted from the moment a renewal was sent: how long it allows to act."""
        return self.lease_s - self.margin_s

    @property
    def look_s(self) -> float:
        """Time between two looks of a standby at the store."""
        return min(LONGEST_LOOK_S, self.heartbeat_s)

    @property
    def ttl_s(self) -> int:
        """What the store is asked for: it counts in whole seconds."""
        return math.ceil(self.lease_s)

    def problem(self) -> str | None:
        """The worked sum when it does not close, else None."""
        needed = self.silence_s + self.margin_s
        if needed < self.lease_s:
            return None
        return (
            f"does not cover heartbeat_s {self.heartbeat_s:g} x heartbeat_misses {self.misses} + send_limit_s "
            f"{self.send_limit_s:g} + margin_s {self.margin_s:g} = {needed:g} s: "
            f"lease_s {self.lease_s:g} must be longer"
        )


def pair_timings(settings: DuplexSettings) -> PairTimings:
    """The times that a configuration means; not yet judged."""
    part = settings.lease_s / PARTS_OF_A_LEASE
    return PairTimings(
        lease_s=settings.lease_s,
        heartbeat_s=part if settings.heartbeat_s is None else settings.heartbeat_s,
        misses=settings.heartbeat_misses,
        send_limit_s=part if settings.send_limit_s is None else settings.send_limit_s,
        margin_s=part if settings.margin_s is None else settings.margin_s,
    )
