"""Facts about tasks that no routing client asked for, and about limits for them.

Must not decide. Rules: semantics 3.3, decisions E1, F1.
"""

from ctigw.routing import events, facts
from ctigw.routing.agents import refresh
from ctigw.routing.apply.table import applies
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.inputs import TaskId
from ctigw.routing.state import PLAIN_REQUEST, State, TaskRecord
from ctigw.routing.terms import TaskState


@applies(events.ApplicationTaskBegun)
def _begun(state: State, fact: events.ApplicationTaskBegun, now: float) -> None:
    """Begin the record; the fact that gives the task its first state follows at once."""
    domain = state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)]
    task = TaskRecord(
        id=fact.task_id,
        asked=None,
        mrd=domain.mrd,
        runs=None,
        stored_context=fact.context,
        request=PLAIN_REQUEST,
        resend_key=None,
        domain=domain,
        queue=fact.queue,
    )
    _take_id(state, task.id, is_new=fact.is_new_id)
    state.tasks[task.id] = domain.tasks[task.id] = task
    state.task_counts[task.mrd.id, TaskState.PENDING] += 1
    if fact.uses_override:
        domain.overrides -= 1
    refresh(state, fact.skill_target_id, now)


def _take_id(state: State, task_id: TaskId, *, is_new: bool) -> None:
    """Count on from the id. One that was told is counted into its family, where only a first can be without entry."""
    if is_new:
        state.last_day, state.last_key = task_id.day, task_id.key
        return
    state.last_key = max(state.last_key, task_id.key)
    family = (task_id.day, task_id.key)
    alone = (1, 1) if TaskId(*family, 1) in state.tasks else (0, 0)
    highest, number = state.relatives.get(family, alone)
    state.relatives[family] = (max(highest, task_id.sequence), number + 1)


@applies(facts.LimitOverrideGranted)
def _override_granted(state: State, fact: facts.LimitOverrideGranted, now: float) -> None:
    state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)].overrides += 1
