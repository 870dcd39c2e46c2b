"""Whether a condition holds for a task at this moment.

Knows where the values of `ctigw.routing.scripts.names` stand; must not know how conditions are written. Costs the same
however many tasks and agents a queue has.
"""

from ctigw.routing.deadlines import AgentKey
from ctigw.routing.expressions import Expression, Value, evaluate
from ctigw.routing.scripts import names
from ctigw.routing.scripts.variables import value_of
from ctigw.routing.state import State, TaskRecord
from ctigw.routing.turn import Turn

AGENT = "agent:"


def holds(turn: Turn, task: TaskRecord, condition: Expression) -> bool:
    """Evaluate."""
    return evaluate(condition, lambda name: _value(turn, task, name))


def _value(turn: Turn, task: TaskRecord, name: str) -> Value | None:
    if name.startswith(names.QUEUE):
        return _of_queue(turn, task, *names.split_queue_name(name))
    if name == names.MRD:
        return task.mrd.name
    if name == names.SERVICE:
        return task.request.service
    if name == names.PRIORITY:
        return min((entry.priority for entry in task.entries), default=None)
    if name == names.TIME_IN_QUEUE_S:
        return turn.now - task.queued_at if task.entries else 0.0
    return value_of(task.context, name)


def _of_queue(turn: Turn, task: TaskRecord, label: str, what: str) -> Value:
    """A queue of any domain; an agent's own queue is that of the task's domain."""
    state = turn.state
    queue = state.queues.get((label, state.mrd_of_queue.get(label, task.mrd.id)))
    if what == names.DEPTH:
        return 0 if queue is None else len(queue.tasks)
    if what == names.OLDEST_S:
        oldest = None if queue is None else queue.oldest()
        return 0.0 if oldest is None else turn.now - oldest
    if label.startswith(AGENT):
        return int(_is_available(state, label, task.mrd.id))
    return 0 if queue is None else queue.agents_available


def _is_available(state: State, label: str, mrd_id: int) -> bool:
    """Whether the agent of an own queue could take a task; compilation has made sure that the number is one agent's."""
    agent = state.agents_by_bare_number[label.removeprefix(AGENT)][0]
    domain = state.domains.get(AgentKey(agent.skill_target_id, mrd_id))
    return domain is not None and domain.pooled is not None
