"""Waiting queues: which tasks wait, in which order, and which agents could take one.

Knows priorities, ages, precision queue levels and sort values of agents; must not know why a task or an agent is put
there. Rules: semantics 5.2 to 5.5. Every question that a decision asks is answered without looking at more than the ten
levels of a precision queue and the combinations of levels that its waiting tasks have reached (ten at most, twice as
many for each step with a `consider_if`), however many tasks and agents there are (performance, consequence 6).
"""

from collections import OrderedDict

import attrs

from ctigw.routing.expressions import Expression
from ctigw.routing.heap import OrderedHeap
from ctigw.routing.inputs import TaskId
from ctigw.routing.task_order import Place, TaskOrder
from ctigw.routing.terms import (
    Obstacle,
    QueueEntry,
    QueueRef,
)

PRIORITIES = range(1, 21)
"""1 is served first (semantics 5.4)."""

EWT_WINDOW_S = 300
"""Departures of the last five minutes count for the estimated wait time (semantics 5.5)."""
EWT_SLOT_S = 5
"""Departures are counted in slots of this length: the window is exact to one slot, its cost the same at any load."""


@attrs.frozen
class Level:
    """One level of a queue: a step of a precision queue, or all there is of another queue."""

    wait_s: float = 0.0
    """How long a task stays; the last level lasts for ever."""
    consider_if: Expression | None = None
    """False when the task comes to the level: it passes on, and agents of the level are not for it."""
    wait_if_no_agents_logged_in: bool = True
    """Whether a task stays though no agent of the level is signed in."""


def is_open(reached: int, level: int) -> bool:
    """Whether a task that has reached these levels is for the agents of this one."""
    return bool(reached >> level & 1)


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

    def __len__(self) -> int:
        return len(self.by_time)

    def longest_available_since(self, excluded: int | None = None) -> float | None:
        """UTC seconds since when the longest available agent but `excluded` is available; None without any."""
        first = self.by_time.first() if excluded is None else self.by_time.first_except(excluded)
        return None if first is None else first[0]

    def chosen(self, excluded: int | None = None) -> tuple[int, int, float, int] | None:
        """Who but `excluded` is chosen next: score and free slots, both negative, since when available, and the id."""
        return self.by_choice.first() if excluded is None else self.by_choice.first_except(excluded)


class WaitingQueue:
    """One queue of one domain: a skill group, a precision queue or an agent's own queue."""

    __slots__ = (
        "_entries",
        "_excluded",
        "_orders",
        "_waiting",
        "agents_available",
        "departures",
        "levels",
        "mrd_id",
        "pools",
        "ref",
        "signed_in",
        "tasks",
    )

    def __init__(self, ref: QueueRef, mrd_id: int, levels: tuple[Level, ...] = (Level(),)) -> None:
        self.ref = ref
        self.mrd_id = mrd_id
        self.levels = levels
        self.pools = [AgentPool() for _ in levels]
        self.agents_available = 0
        """Agents who could be given a task now; not counted for an agent's own queue."""
        self.signed_in = [0] * len(levels)
        """Agents of each level who are signed in; counted for precision queues only."""
        self.departures = Departures()
        self.tasks: OrderedDict[TaskId, Place] = OrderedDict()
        """Every task of the queue in order of entering it."""
        self._entries: dict[int, QueueEntry] = {}
        self._orders: dict[int, TaskOrder] = {1: TaskOrder()}
        """By the levels that the tasks have reached."""
        self._excluded: dict[TaskId, int] = {}
        """The agent who may not have a task; most tasks have none."""
        self._waiting = [0] * (PRIORITIES.stop)

    def entry(self, priority: int) -> QueueEntry:
        """One shared value for each priority, so that a queued task does not carry its own."""
        entry = self._entries.get(priority)
        if entry is None:
            entry = self._entries[priority] = QueueEntry(self.ref, priority)
        return entry

    def put(self, place: Place, excluded: int | None = None) -> None:
        """Add a task, or give it a new place; it keeps its turn in the order of entering.

        `excluded` is the agent who may not have it; once said, it holds as long as the task is in the queue.
        """
        tasks = self.tasks
        task_id = place.task_id
        before = tasks.get(task_id)
        self._waiting[place.priority] += 1
        tasks[task_id] = place
        if excluded is not None:
            self._excluded[task_id] = excluded
        elif self._excluded:
            excluded = self._excluded.get(task_id)
        if before is not None:
            self._waiting[before.priority] -= 1
            self._leave(before, excluded)
        if not place.held:
            order = self._orders.get(place.reached)
            if order is None:
                order = self._orders[place.reached] = TaskOrder()
            order.add(place, excluded, tasks)

    def take_over(self, former: "WaitingQueue") -> None:
        """Take the tasks of the queue as it was defined before, each at its place."""
        self.departures = former.departures
        for task_id, place in former.tasks.items():
            self.put(place, former._excluded.get(task_id))

    def remove(self, task_id: TaskId) -> None:
        """Take a task out."""
        place = self.tasks.pop(task_id)
        self._waiting[place.priority] -= 1
        self._leave(place, self._excluded.pop(task_id, None))
        if not self.tasks and len(self._orders) > 1:
            self._orders = {1: TaskOrder()}

    def head(self, level: int, skill_target_id: int) -> Place | None:
        """The task to be served next among those that an agent of the level may have."""
        best: Place | None = None
        for reached, order in self._orders.items():
            if is_open(reached, level):
                place = order.head(skill_target_id, self.tasks)
                if place is not None and (best is None or place < best):
                    best = place
        return best

    def pool_for(self, reached: int, excluded: int | None = None) -> AgentPool | None:
        """The first pool with an agent for a task: earlier steps are filled first (semantics 5.2)."""
        for level, pool in enumerate(self.pools):
            if is_open(reached, level) and len(pool.by_time) > (excluded is not None and excluded in pool.by_time):
                return pool
        return None

    def obstacle(self, task_id: TaskId, level: int, skill_target_id: int) -> Obstacle | None:
        """What keeps a task of the queue from an agent of the level who could take one; None: nothing does."""
        place = self.tasks[task_id]
        if not is_open(place.reached, level):
            return Obstacle.STEP_NOT_REACHED
        if self._excluded.get(task_id) == skill_target_id:
            return Obstacle.GAVE_IT_BACK
        return Obstacle.HELD if place.held else None

    def tasks_before(self, priority: int) -> int:
        """Tasks of a better priority."""
        return sum(self._waiting[:priority])

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

    def _leave(self, place: Place, excluded: int | None) -> None:
        order = self._orders.get(place.reached)
        if order is not None:
            order.left(excluded, self.tasks)
