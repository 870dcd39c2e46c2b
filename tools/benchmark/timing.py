"""Timing functions against one another, side by side.

Knows that the machine is noisy: what is to be compared runs in turns, in short slices, and the median of many ratios of
neighbours counts. Must not know what is timed. Times are seconds of the process's own CPU clock where nothing waits.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

YOUNG = 1
"""Generations that a collection before a measurement covers: what was just made; the rest is not ours to time."""
SLICE_S = 0.004
"""One turn of one function: long against the clock's resolution, short against the machine's moods."""


@contextmanager
def without_collections() -> Iterator[None]:
    """Garbage collections happen between measurements, not within."""
    gc.collect(YOUNG)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def loops_for(call: Callable[[], object], slice_s: float = SLICE_S) -> int:
    """How many calls fill a slice."""
    loops = 1
    while True:
        spent = time_loops(call, loops)
        if spent >= slice_s / 4:
            return max(1, int(loops * slice_s / spent))
        loops *= 4


def time_loops(call: Callable[[], object], loops: int) -> float:
    """CPU seconds of `loops` calls."""
    turns = range(loops)
    started = time.process_time()
    for _ in turns:
        call()
    return time.process_time() - started


def side_by_side(calls: list[Callable[[], object]], rounds: int, slice_s: float = SLICE_S) -> list[list[float]]:
    """Seconds per call of each function in each round, the functions taking turns within a round."""
    loops = [loops_for(call, slice_s) for call in calls]
    spent: list[list[float]] = [[] for _ in calls]
    with without_collections():
        for _ in range(rounds):
            for index, call in enumerate(calls):
                spent[index].append(time_loops(call, loops[index]) / loops[index])
    return spent
