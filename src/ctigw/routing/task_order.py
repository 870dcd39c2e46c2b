"""In which order the tasks of a queue are served, when a task may be kept from one agent.

Knows places and, for some tasks, the agent who may not have them (semantics 5.2: a task that an agent has given back
never returns to the same agent); must not know queues' rules. Asking costs the same however many tasks there are and
however many of them are kept from whom: tasks without such an agent stand in one heap, the others in one heap for each
agent, and the heads of those in a heap of their own.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from ctigw.routing.heap import SWEEP_SLACK, OrderedHeap
from ctigw.routing.inputs import TaskId


class Place(NamedTuple):
    """A task's place in one queue. The first three sort: priority, then age, then the id."""

    priority: int
    sequence: int
    """Counts tasks in the order in which they began to wait: the age that orders tasks of one priority."""
    task_id: TaskId
    reached: int
    """Precision queue steps whose agents may have the task, one bit for each from step 1 on; 1 in other queues."""
    entered_at: float
    """UTC seconds at which the task entered this queue."""
    held: bool
    """Kept for a lost routing client: has its place, but no agent is given to it (decisions D6)."""

    @property
    def level(self) -> int:
        """Precision queue step from 0 where the task stays; 0 in other queues."""
        return self.reached.bit_length() - 1


Places = Mapping[TaskId, Place]
"""Where every task of the queue stands now; a place in a heap that is not among them is superseded."""


class TaskOrder:
    """Tasks that have reached the same steps."""

    __slots__ = ("_heads", "_kept_from", "_open")

    def __init__(self) -> None:
        self._open: list[Place] = []
        self._kept_from: dict[int, list[Place]] = {}
        self._heads: OrderedHeap[int] = OrderedHeap()
        """Agents of `_kept_from` in order of the first task that is kept from each."""

    def add(self, place: Place, excluded: int | None, places: Places) -> None:
        """Add a task at its place; `excluded` is the agent who may not have it."""
        if excluded is None:
            heap = self._open
            heappush(heap, place)
            if len(heap) > 2 * len(places) + SWEEP_SLACK:
                self._open = _swept(heap, places)
        else:
            heappush(self._kept_from.setdefault(excluded, []), place)
            self._settle(excluded, places)

    def left(self, excluded: int | None, places: Places) -> None:
        """A task has left its place; `excluded` as when it was added."""
        if excluded is None:
            if len(self._open) > 2 * len(places) + SWEEP_SLACK:
                self._open = _swept(self._open, places)
        elif excluded in self._kept_from:
            self._settle(excluded, places)

    def head(self, skill_target_id: int, places: Places) -> Place | None:
        """The task to be served next among those that this agent may have."""
        best = _head(self._open, places)
        if not self._kept_from:
            return best
        first = self._heads.first_except(skill_target_id)
        if first is None:
            return best
        other = self._kept_from[first[-1]][0]
        return other if best is None or other < best else best

    def _settle(self, excluded: int, places: Places) -> None:
        heap = self._kept_from[excluded]
        if len(heap) > 2 * len(places) + SWEEP_SLACK:
            heap = self._kept_from[excluded] = _swept(heap, places)
        head = _head(heap, places)
        if head is None:
            del self._kept_from[excluded]
            self._heads.discard(excluded)
        else:
            self._heads.put(excluded, head.priority, head.sequence)


def _head(heap: list[Place], places: Places) -> Place | None:
    while heap:
        place = heap[0]
        if places.get(place.task_id) is place:
            return place
        heappop(heap)
    return None


def _swept(heap: list[Place], places: Places) -> list[Place]:
    """The heap without superseded places; done when they outweigh what the queue holds."""
    kept = [place for place in heap if places.get(place.task_id) is place]
    heapify(kept)
    return kept
