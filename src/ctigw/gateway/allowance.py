"""How much one session may have us do for others, or for itself, in one go.

Knows a bucket that fills with time; must not know what is taken from it. A request of a few bytes that is answered by
megabytes, or that is passed on to thousands of sessions, would otherwise let one client stop the whole loop (design 7).
"""

import attrs

BULK_BYTES = 3 * 1024 * 1024
"""Bytes that one session may cause at once: less than what may wait in an outbox (decisions A8), and enough for the
whole configuration of a site with twenty thousand agents.
"""

BULK_BYTES_PER_S = 300 * 1024
"""How fast it comes back: the whole after ten seconds, the age at which an outbox is given up (decisions A8)."""


@attrs.define(eq=False)
class Allowance:
    """Full at first; `now` in UTC seconds that never decrease."""

    most: float = BULK_BYTES
    per_s: float = BULK_BYTES_PER_S
    _left: float = attrs.field(init=False)
    _as_of: float | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._left = self.most

    def take(self, amount: float, now: float) -> bool:
        """Take `amount` if it is there; more than there can ever be is given when the bucket is full."""
        if self._as_of is not None:
            self._left = min(self.most, self._left + (now - self._as_of) * self.per_s)
        self._as_of = now
        if self._left < min(amount, self.most):
            return False
        self._left -= amount
        return True
