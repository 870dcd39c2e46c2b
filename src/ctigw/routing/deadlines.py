"""Instants at which the engine has to act by itself.

Knows kinds of deadlines and their order; must not know what happens at one. Two deadlines of the same instant come in
the order in which they were set, so that the same history always ends the same way.
"""

from enum import IntEnum
from typing import NamedTuple

from ctigw.routing.heap import OrderedHeap
from ctigw.routing.inputs import TaskId


class DeadlineKind(IntEnum):
    """What is due."""

    SCRIPT = 1
    """A script's wait is over."""
    QUEUE_AGE = 2
    """A task has been in queues for too long (decisions E4)."""
    PRECISION_STEP = 3
    """A task's stay on a precision queue step is over (semantics 5.3)."""
    START = 4
    """An agent chosen for a task has not started it (decisions E3)."""
    DURATION = 5
    """A task has lived with its agent for too long (semantics 3.5)."""
    KEPT = 6
    """A kept task was not taken up (decisions D6)."""
    FORGET = 7
    """An ended task's answer need not be repeated any more (decisions D6)."""
    TASK_LIFE = 8
    """An application path has been down for too long (decisions C7)."""


class AgentKey(NamedTuple):
    """One agent in one domain."""

    skill_target_id: int
    mrd_id: int


class DeadlineKey(NamedTuple):
    """Whose deadline of which kind; `queue` is the label where a task can have one for each queue."""

    kind: DeadlineKind
    subject: TaskId | AgentKey
    queue: str = ""


class Deadlines:
    """All deadlines of the engine, each key at most once."""

    __slots__ = ("_heap", "_set_count")

    def __init__(self) -> None:
        self._heap: OrderedHeap[DeadlineKey] = OrderedHeap()
        self._set_count = 0

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, key: DeadlineKey, when: float) -> None:
        """Set or move a deadline to `when`, UTC seconds."""
        self._set_count += 1
        self._heap.put(key, when, self._set_count)

    def clear(self, key: DeadlineKey) -> None:
        """Remove a deadline; nothing happens when it is not set."""
        self._heap.discard(key)

    def first(self) -> tuple[float, DeadlineKey] | None:
        """The earliest deadline."""
        entry = self._heap.first()
        return None if entry is None else (entry[0], entry[2])

    def in_order(self) -> list[tuple[float, DeadlineKey]]:
        """All deadlines in order; for looking at."""
        return [(entry[0], entry[2]) for entry in self._heap.in_order()]
