"""What every fact about a task may need: its state in all counters, its dialogue, its end.

Must not decide, and registers no fact itself.
"""

from ctigw.routing.state import State, Tally, TaskRecord
from ctigw.routing.terms import TaskState


def move(state: State, task: TaskRecord, to: TaskState) -> None:
    """Change a task's state and every counter of it."""
    before = task.state
    task.state = to
    state.task_counts[task.mrd.id, before] -= 1
    if to is not TaskState.ENDED:
        state.task_counts[task.mrd.id, to] += 1
    if task.domain is None:
        return
    for tally in (task.domain.tally, task.domain.queue_tallies.setdefault(task.queue, Tally())):
        if before >= TaskState.PRE_CALL:
            tally.add(before, -1)
        if to is not TaskState.ENDED:
            tally.add(to, 1)


def spoken_of(state: State, task: TaskRecord) -> None:
    """A client has told of a task with an agent: replays that go on need not tell of it."""
    if state.replays and task.domain is not None:
        task.domain.spoken_of[task.id] = state.replay_count


def close_dialogue(state: State, task: TaskRecord) -> None:
    """The dialogue has its answer, or nobody waits for one."""
    if task.asked is None:
        return
    client = state.clients.get(task.asked.session_id)
    if client is not None and client.open_dialogues.get(task.asked.dialogue_id) == task.id:
        del client.open_dialogues[task.asked.dialogue_id]


def forget(state: State, task: TaskRecord) -> None:
    """Remove every trace of a task."""
    del state.tasks[task.id]
    if task.resend_key is not None and state.resends.get(task.resend_key) == task.id:
        del state.resends[task.resend_key]
    family: tuple[int, int] = (task.id.day, task.id.key)
    known = state.relatives.get(family)
    if known is not None:
        highest, number = known
        if number > 1:
            state.relatives[family] = (highest, number - 1)
        else:
            del state.relatives[family]
