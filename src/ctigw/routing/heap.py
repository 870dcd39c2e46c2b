"""An ordered set with cheap replacement: a heap whose superseded entries are dropped when they come up, or earlier.

Knows keys and sort values; must not know what they mean. Removal only forgets the entry; what is forgotten but still in
the heap is swept out as soon as it outweighs what is live, so that a set nobody takes from does not grow (performance,
"lazy heaps leak on queues nobody picks from").
"""

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

SWEEP_SLACK = 16
"""Superseded entries tolerated beside as many live ones: keeps small sets from being swept at every change."""


class OrderedHeap(Generic[Key]):
    """Keys in order of a tuple of sort values; two keys must never have equal sort values and incomparable keys."""

    __slots__ = ("_heap", "_live")

    def __init__(self) -> None:
        self._heap: list[tuple[Any, ...]] = []  # sort values of any comparable kind, the key last
        self._live: dict[Key, tuple[Any, ...]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, key: Key | None) -> bool:
        return key in self._live

    def put(self, key: Key, *order: float) -> None:
        """Add the key, or move it to a new place."""
        entry = (*order, key)
        if self._live.get(key) == entry:
            return
        self._live[key] = entry
        heappush(self._heap, entry)
        self._sweep()

    def discard(self, key: Key) -> None:
        """Remove the key; nothing happens when it is not there."""
        if self._live.pop(key, None) is not None:
            self._sweep()

    def first(self) -> tuple[Any, ...] | None:
        """Sort values and key of the first, as one tuple; None when empty."""
        heap = self._heap
        while heap:
            entry = heap[0]
            if self._live.get(entry[-1]) is entry:
                return entry
            heappop(heap)
        return None

    def first_except(self, key: Key | None) -> tuple[Any, ...] | None:
        """As `first`, leaving out one key."""
        entry = self.first()
        if entry is None or entry[-1] != key:
            return entry
        heappop(self._heap)
        other = self.first()
        heappush(self._heap, entry)
        return other

    def in_order(self) -> Iterator[tuple[Any, ...]]:
        """All live entries in order; for looking at, costs a sort."""
        return iter(sorted(self._live.values()))

    def fill(self, entries: list[tuple[Any, ...]]) -> None:
        """Become a heap of these entries, as `in_order` gives them, each of another key."""
        self._heap = entries
        heapify(entries)
        self._live = {entry[-1]: entry for entry in entries}

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._live) + SWEEP_SLACK:
            self._heap = list(self._live.values())
            heapify(self._heap)
