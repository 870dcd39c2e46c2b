"""Facts of replays.

Must not decide. Rules: cti-notes "Resynchronisation after failover", decisions F1.
"""

from ctigw.routing import facts
from ctigw.routing.agents import refresh
from ctigw.routing.apply.table import applies
from ctigw.routing.apply.tasks import move, spoken_of
from ctigw.routing.deadlines import AgentKey, DeadlineKey, DeadlineKind
from ctigw.routing.state import State
from ctigw.routing.terms import TaskState


@applies(facts.ReplayBegun)
def _begun(state: State, fact: facts.ReplayBegun, now: float) -> None:
    state.replay_count += 1
    state.replays[fact.session_id] = state.replay_count


@applies(facts.ReplayEnded)
def _ended(state: State, fact: facts.ReplayEnded, now: float) -> None:
    del state.replays[fact.session_id]


@applies(facts.TaskReplayed)
def _replayed(state: State, fact: facts.TaskReplayed, now: float) -> None:
    spoken_of(state, state.tasks[fact.task_id])
    if fact.until is not None:
        state.deadlines.set(DeadlineKey(DeadlineKind.DURATION, fact.task_id), fact.until)


@applies(facts.TaskInterruptReplayed)
def _interrupt_replayed(state: State, fact: facts.TaskInterruptReplayed, now: float) -> None:
    task = state.tasks[fact.task_id]
    domain = state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)]
    assert domain.interrupted is not None  # a task only joins an interrupt that there is
    domain.interrupted[task.id] = task.state
    move(state, task, TaskState.INTERRUPTED)
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentStateDated)
def _state_dated(state: State, fact: facts.AgentStateDated, now: float) -> None:
    state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)].state_since = fact.since
