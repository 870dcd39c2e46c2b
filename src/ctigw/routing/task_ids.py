"""Which id the next task gets.

Knows decisions E1; must not know why a task begins. An id that a task still has, or is remembered by, is never given
again, also after the count has begun anew or a client has told of ids that are ahead of it.
"""

from ctigw.routing.inputs import TaskId
from ctigw.routing.state import State

DAY_OF_1970 = 134_774
"""Days from 1601-01-01 to 1970-01-01: task ids count days from the earlier one (decisions E1)."""
DAY_S = 86_400
HIGHEST_KEY = 2**31 - 1
"""RouterCallKey is an INT on the wire; the count begins anew after it, by then on another day."""


def new_task_id(state: State, now: float) -> TaskId:
    """An id with a key of its own: odd on side A, even on side B."""
    own_parity = 1 if state.side == "A" else 0
    day = DAY_OF_1970 + int(now // DAY_S)
    if day == state.last_day:
        day = state.last_day  # the same object: a hundred thousand waiting tasks carry it
    key = state.last_key
    while True:
        key += 2 if key % 2 == own_parity else 1
        if key > HIGHEST_KEY:
            key = 2 - own_parity
        task_id = TaskId(day, key, 1)
        if task_id not in state.tasks and (day, key) not in state.relatives:
            return task_id


def following_task_id(state: State, previous: TaskId) -> TaskId:
    """An id for a task that carries a known one on: its day and key, the highest sequence given for them plus 1."""
    highest, _ = state.relatives.get((previous.day, previous.key), (previous.sequence, 1))
    return TaskId(previous.day, previous.key, highest + 1)
