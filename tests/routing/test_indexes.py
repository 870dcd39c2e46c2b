"""Heaps and queues give what a plain sorted list would give, and keep no more than they need."""

from random import Random

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ctigw.routing.heap import OrderedHeap
from ctigw.routing.inputs import TaskId
from ctigw.routing.queues import Level, WaitingQueue
from ctigw.routing.task_order import Place
from ctigw.routing.terms import (
    QueueKind,
    QueueRef,
)

changes = st.lists(st.tuples(st.integers(0, 8), st.one_of(st.none(), st.integers(0, 9))), min_size=60, max_size=120)


@hypothesis_settings(max_examples=100, deadline=None)
@given(changes)
def test_heap_begins_with_the_least_of_what_is_in_it(history: list[tuple[int, int | None]]) -> None:
    heap: OrderedHeap[int] = OrderedHeap()
    model: dict[int, int] = {}
    for key, order in history:
        if order is None:
            heap.discard(key)
            model.pop(key, None)
        else:
            heap.put(key, order)
            model[key] = order
        least = min(((order, key) for key, order in model.items()), default=None)
        assert heap.first() == least
        for left_out in (0, 1, least[1] if least else None):
            others = [(order, key) for key, order in model.items() if key != left_out]
            assert heap.first_except(left_out) == min(others, default=None)
        assert heap.first() == least
        assert len(heap) == len(model)


def test_heap_that_nobody_takes_from_does_not_grow() -> None:
    heap: OrderedHeap[int] = OrderedHeap()
    for turn in range(10_000):
        heap.put(turn % 3, turn)
    assert len(heap._heap) <= 2 * 3 + 16 + 1


def test_heap_that_was_filled_goes_on_like_the_one_it_was_filled_from() -> None:
    heap: OrderedHeap[int] = OrderedHeap()
    for key, order in enumerate((5, 2, 8, 1, 9, 2)):
        heap.put(key, order)
    heap.discard(3)
    filled: OrderedHeap[int] = OrderedHeap()
    filled.fill(list(heap.in_order()))
    for each in (heap, filled):
        each.put(2, 0)
        each.discard(1)
        each.put(7, 3)
    assert list(filled.in_order()) == list(heap.in_order()) == [(0, 2), (2, 5), (3, 7), (5, 0), (9, 4)]
    assert filled.first() == (0, 2)


THREE_LEVELS = (Level(10.0), Level(10.0), Level())
REACHED = (1, 2, 3, 4, 5, 6, 7)
AGENTS = (1, 2, 3)

places = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.one_of(
            st.none(),
            st.tuples(
                st.integers(1, 20),
                st.sampled_from(REACHED),
                st.booleans(),
                st.one_of(st.none(), st.sampled_from(AGENTS)),
            ),
        ),
    ),
    min_size=60,
    max_size=120,
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(places)
def test_queue_serves_by_priority_then_age_whatever_changed_before(
    history: list[tuple[int, tuple[int, int, bool, int | None] | None]],
) -> None:
    queue = WaitingQueue(QueueRef(QueueKind.PRECISION_QUEUE, 1, "pq:x"), 5001, THREE_LEVELS)
    model: dict[TaskId, Place] = {}
    kept_from: dict[TaskId, int | None] = {}
    for number, change in history:
        task_id = TaskId(1, number, 1)
        if change is not None:
            priority, reached, held, excluded = change
            model[task_id] = Place(priority, number, task_id, reached, float(number), held)
            kept_from.setdefault(task_id, excluded)  # said when the task comes, and holds from then on
            queue.put(model[task_id], kept_from[task_id])
        elif task_id in model:
            queue.remove(task_id)
            del model[task_id], kept_from[task_id]
        for level in range(3):
            for agent in (*AGENTS, 4):
                waiting = [
                    place
                    for place in model.values()
                    if place.reached >> level & 1 and not place.held and kept_from[place.task_id] != agent
                ]
                assert queue.head(level, agent) == min(waiting, default=None)
    assert len(queue.tasks) == len(model)


def test_queue_in_which_tasks_only_change_does_not_grow() -> None:
    for excluded in (None, 7):
        queue = WaitingQueue(QueueRef(QueueKind.PRECISION_QUEUE, 1, "pq:x"), 5001, (Level(10.0), Level()))
        for turn in range(10_000):
            task_id = TaskId(1, turn % 3, 1)
            queue.put(Place(1 + turn % 20, turn, task_id, 1 + 2 * (turn % 2), 0.0, False), excluded)
        held = [heap for order in queue._orders.values() for heap in (order._open, *order._kept_from.values())]
        assert 3 <= sum(len(heap) for heap in held) <= 2 * (2 * 3 + 16 + 1)


def test_queue_that_is_empty_forgets_what_its_tasks_had_reached() -> None:
    queue = WaitingQueue(QueueRef(QueueKind.PRECISION_QUEUE, 1, "pq:x"), 5001, THREE_LEVELS)
    for reached in REACHED:
        queue.put(Place(5, reached, TaskId(1, reached, 1), reached, 0.0, False), 7)
        assert queue.head(reached.bit_length() - 1, 1) is not None
        queue.remove(TaskId(1, reached, 1))
    assert len(queue._orders) == 1


def test_queue_from_which_most_tasks_have_left_still_serves_in_order() -> None:
    chance = Random(7)
    queue = WaitingQueue(QueueRef(QueueKind.SKILL_GROUP, 1, "sg:x"), 5001)
    numbers = list(range(2_000))
    chance.shuffle(numbers)
    for number in numbers:
        queue.put(Place(1 + number % 20, number, TaskId(1, number, 1), 1, 0.0, False))
    chance.shuffle(numbers)
    for number in numbers[200:]:
        queue.remove(TaskId(1, number, 1))
    served = []
    while (place := queue.head(0, 1)) is not None:
        served.append(place)
        queue.remove(place.task_id)
    assert len(served) == 200
    assert served == sorted(served)
