"""One time for everything that decides.

Knows how to give steady UTC seconds: wall time read once, then carried on by Trio's monotonic clock, so that a wall
clock that jumps moves no deadline and virtual time works in tests. Must not know who asks.
"""

import time

import trio


class SteadyClock:
    """UTC seconds that never decrease and never jump while the process lives.

    Made inside a running Trio loop. Two processes agree as well as their wall clocks did when each began.
    """

    def __init__(self, epoch: float | None = None) -> None:
        """`epoch`: UTC seconds to begin from; None reads the wall clock once."""
        started = time.time() if epoch is None else epoch
        self._offset = started - trio.current_time()

    def now(self) -> float:
        """UTC seconds."""
        return self._offset + trio.current_time()

    def trio_deadline(self, at: float) -> float:
        """The moment `at` on Trio's own clock, for cancel scopes."""
        return at - self._offset
