"""Facts about tasks that no routing client asked for, and about limits for them.

Must not decide. Rules: semantics 3.3, decisions E1, F1.
"""

from ctigw.routing import events, facts
from ctigw.routing.agents import refresh
from ctigw.routing.apply.table import applies
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.state import State, TaskRecord
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
        preferred=None,
        resend_key=None,
        domain=domain,
        queue=fact.queue,
    )
    state.tasks[task.id] = domain.tasks[task.id] = task
    state.task_counts[task.mrd.id, TaskState.PENDING] += 1
    state.last_key = task.id.key
    if fact.uses_override:
        domain.overrides -= 1
    refresh(state, fact.skill_target_id, now)


@applies(facts.LimitOverrideGranted)
def _override_granted(state: State, fact: facts.LimitOverrideGranted, now: float) -> None:
    state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)].overrides += 1
