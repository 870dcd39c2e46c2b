"""Waiting queues: which tasks wait, in which order, and which agents could take one.

Knows priorities, ages, precision queue levels and sort values of agents; must not know why a task or an agent is put
there. Rules: semantics 5.2 to 5.5. Every question that a decision asks is answered without looking at more than the ten
levels of a precision queue, however many tasks and agents there are (performance, consequence 6).
"""

from collections import OrderedDict
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from ctigw.routing.heap import SWEEP_SLACK, OrderedHeap
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import (
    QueueEntry,
    QueueRef,
)

PRIORITIES = range(1, 21)
"""1 is served first (semantics 5.4)."""

EWT_WINDOW_S = 300
"""Departures of the last five minutes count for the estimated wait time (semantics 5.5)."""
EWT_SLOT_S = 5
"""Departures are counted in slots of this length: the window is exact to one slot, its cost the same at any load."""


class Place(NamedTuple):
    """A task's place in one queue. The first three sort: priority, then age, then the id."""

    priority: int
    sequence: int
    """Counts tasks in the order in which they began to wait: the age that orders tasks of one priority."""
    task_id: TaskId
    level: int
    """Precision queue step from 0; 0 in other queues."""
    entered_at: float
    """UTC seconds at which the task entered this queue."""
    held: bool
    """Kept for a lost routing client: has its place, but no agent is given to it (decisions D6)."""


class Departures:
    """How many tasks left within the window."""

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}

    def count(self, now: float) -> None:
        """One task leaves."""
        slot = int(now // EWT_SLOT_S)
        self._slots[slot] = self._slots.get(slot, 0) + 1
        while (oldest := next(iter(self._slots))) <= slot - EWT_WINDOW_S // EWT_SLOT_S:
            del self._slots[oldest]

    def within_window(self, now: float) -> int:
        """Tasks that left in the last five minutes."""
        begin = int(now // EWT_SLOT_S) - EWT_WINDOW_S // EWT_SLOT_S
        return sum(number for slot, number in self._slots.items() if slot > begin)

    def slots(self) -> tuple[tuple[int, int], ...]:
        """The counters; for looking at."""
        return tuple(self._slots.items())


class AgentPool:
    """Agents who could take a task now, of one queue and level, by skill_target_id."""

    __slots__ = ("by_choice", "by_time")

    def __init__(self) -> None:
        self.by_choice: OrderedHeap[int] = OrderedHeap()
        """In the order in which they are chosen: score, free slots, time available, id (semantics 5.2)."""
        self.by_time: OrderedHeap[int] = OrderedHeap()
        """Longest available first: decides between several queues of one step."""

    def put(self, skill_target_id: int, score: int, free_slots: int, since: float) -> None:
        """Add or move an agent; `score` counts downwards: a higher one is chosen earlier."""
        self.by_choice.put(skill_target_id, -score, -free_slots, since)
        self.by_time.put(skill_target_id, since)

    def discard(self, skill_target_id: int) -> None:
        """Remove an agent."""
        self.by_choice.discard(skill_target_id)
        self.by_time.discard(skill_target_id)

    def longest_available_since(self) -> float | None:
        """UTC seconds since when the longest available agent is available; None without any."""
        first = self.by_time.first()
        return None if first is None else first[0]

    def chosen(self) -> int | None:
        """Who is chosen next."""
        first = self.by_choice.first()
        return None if first is None else first[-1]


class WaitingQueue:
    """One queue of one domain: a skill group, a precision queue or an agent's own queue."""

    __slots__ = (
        "_heaps",
        "_waiting",
        "agents_available",
        "departures",
        "entries",
        "mrd_id",
        "pools",
        "ref",
        "step_waits",
        "tasks",
    )

    def __init__(self, ref: QueueRef, mrd_id: int, step_waits: tuple[float, ...] = (0.0,)) -> None:
        self.ref = ref
        self.mrd_id = mrd_id
        self.step_waits = step_waits
        """Seconds to stay on each level; the last level lasts for ever."""
        self.pools = [AgentPool() for _ in step_waits]
        self.agents_available = 0
        """Agents of the queue who could be given a task now."""
        self.departures = Departures()
        self.tasks: OrderedDict[TaskId, Place] = OrderedDict()
        """Every task of the queue in order of entering it."""
        self.entries = {priority: QueueEntry(ref, priority) for priority in PRIORITIES}
        """One shared value for each priority, so that a queued task does not carry its own."""
        self._heaps: list[list[Place]] = [[] for _ in step_waits]
        self._waiting = [0] * (PRIORITIES.stop)

    def put(self, place: Place) -> None:
        """Add a task, or give it a new place; it keeps its turn in the order of entering."""
        before = self.tasks.get(place.task_id)
        if before is not None:
            self._waiting[before.priority] -= 1
        self._waiting[place.priority] += 1
        self.tasks[place.task_id] = place
        if not place.held:
            heappush(self._heaps[place.level], place)
        self._sweep(place.level)
        if before is not None and before.level != place.level:
            self._sweep(before.level)

    def remove(self, task_id: TaskId) -> None:
        """Take a task out."""
        place = self.tasks.pop(task_id)
        self._waiting[place.priority] -= 1
        self._sweep(place.level)

    def head(self, from_level: int = 0) -> Place | None:
        """The task to be served next among those that have reached `from_level` or more."""
        best: Place | None = None
        for heap in self._heaps[from_level:]:
            while heap:
                place = heap[0]
                if self.tasks.get(place.task_id) is place:
                    if best is None or place < best:
                        best = place
                    break
                heappop(heap)
        return best

    def reach(self, level: int = 0) -> int:
        """The level that a task at `level` stays on: steps without a wait are passed at once (semantics 5.3)."""
        while level < len(self.step_waits) - 1 and self.step_waits[level] <= 0:
            level += 1
        return level

    def pool_for(self, level: int) -> AgentPool | None:
        """The first pool with an agent up to `level`: earlier steps are filled first (semantics 5.2)."""
        for pool in self.pools[: level + 1]:
            if len(pool.by_time):
                return pool
        return None

    def oldest(self) -> float | None:
        """UTC seconds at which the task that is longest in this queue entered it."""
        return next(iter(self.tasks.values())).entered_at if self.tasks else None

    def estimated_wait_s(self, priority: int, now: float) -> int | None:
        """Seconds that a task entering now would wait; None: nothing left the queue in the window (semantics 5.5)."""
        left = self.departures.within_window(now)
        if left == 0:
            return None
        position = sum(self._waiting[: priority + 1]) + 1
        return -(-position * EWT_WINDOW_S // left)

    def _sweep(self, level: int) -> None:
        heap = self._heaps[level]
        if len(heap) > 2 * len(self.tasks) + SWEEP_SLACK:
            tasks = self.tasks
            self._heaps[level] = kept = [place for place in heap if tasks.get(place.task_id) is place]
            heapify(kept)
