"""Facts about interrupts.

Must not decide. Rules: semantics 4, decisions F1.
"""

from ctigw.routing import events, facts
from ctigw.routing.agents import refresh
from ctigw.routing.apply.table import applies
from ctigw.routing.apply.tasks import move
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.state import State
from ctigw.routing.terms import Advisory, TaskState


@applies(events.AgentInterruptAdvised)
def _advised(state: State, fact: events.AgentInterruptAdvised, now: float) -> None:
    state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)].advisory = Advisory.INTERRUPT


@applies(facts.AgentInterruptAccepted)
def _accepted(state: State, fact: facts.AgentInterruptAccepted, now: float) -> None:
    domain = state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)]
    domain.advisory = None
    domain.interrupted = {}
    for task_id in fact.tasks:
        task = state.tasks[task_id]
        domain.interrupted[task_id] = task.state
        move(state, task, TaskState.INTERRUPTED)
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentInterruptDeclined)
def _declined(state: State, fact: facts.AgentInterruptDeclined, now: float) -> None:
    state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)].advisory = None


@applies(events.AgentInterruptOver)
def _over(state: State, fact: events.AgentInterruptOver, now: float) -> None:
    state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)].advisory = Advisory.INTERRUPT_DONE


@applies(facts.AgentInterruptClosed)
def _closed(state: State, fact: facts.AgentInterruptClosed, now: float) -> None:
    domain = state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)]
    returning = domain.interrupted or {}
    domain.advisory = domain.interrupted = None
    for task_id, before in returning.items():
        move(state, state.tasks[task_id], before)
    refresh(state, fact.skill_target_id, now)
