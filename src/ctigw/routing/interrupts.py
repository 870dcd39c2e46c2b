"""Interrupts: a task of a domain that may not be interrupted comes between an agent and work that may be.

Knows semantics 4 and the order 171, 172 or 173, 174, 175 of the two advisories and their answers. Must not know how a
task starts or ends: who starts one calls `begin`, and `finish` looks at every agent whom an input has touched. So
nobody who ends a task, signs an agent out or takes a path down has to think of interrupts.

[OURS] The moment is the start of the interrupting task (the worked example of the field's texts), not the choice of
the agent: what rings and is not taken interrupts nobody. Each start advises anew where the agent is not INTERRUPTED
and no advisory is open. The interrupt ends as the texts say, when the agent has no such task at all, chosen and offered
ones included; the next task, given in the same instant, prolongs it.
"""

from collections.abc import Iterable

from ctigw.routing.agents import agent_state
from ctigw.routing.events import AgentInterruptAdvised, AgentInterruptOver
from ctigw.routing.facts import AgentInterruptAccepted, AgentInterruptClosed, AgentInterruptDeclined
from ctigw.routing.inputs import Origin
from ctigw.routing.state import AgentDomain
from ctigw.routing.terms import Advisory, AgentState, ReportKind, ReportStatus, TaskState
from ctigw.routing.turn import Turn

INTERRUPTIBLE_AGENTS = (AgentState.ACTIVE, AgentState.WORK_READY, AgentState.PAUSED, AgentState.RESERVED)
INTERRUPTIBLE_TASKS = (TaskState.ACTIVE, TaskState.PAUSED, TaskState.WRAPUP)
"""Semantics 4. A task that is only chosen or offered is not interrupted, and its start timer runs on."""


def begin(turn: Turn, domain: AgentDomain) -> None:
    """A task has started in `domain`: advise wherever it interrupts the agent. To be called after every such start."""
    if domain.interruptible:
        return
    for other in turn.state.domains_of[domain.agent.skill_target_id]:
        _advise(turn, other, domain.mrd.id)


def finish(turn: Turn, skill_target_ids: Iterable[int]) -> None:
    """Advise of the end wherever these agents have no more task that may not be interrupted."""
    for skill_target_id in skill_target_ids:
        domains = turn.state.domains_of[skill_target_id]
        ongoing = [domain for domain in domains if _goes_on(domain)]
        if ongoing and _interrupting(domains) is None:
            for domain in ongoing:
                turn.record(AgentInterruptOver(domain.mrd.id, skill_target_id))


def renew(turn: Turn, domain: AgentDomain, *, restored: bool) -> None:
    """The agent signed in again: say again what waits for an answer; the client may be one that has not heard it.

    What was open when the path went down is taken up: an interrupt that the agent accepted ends as usual, and one that
    nobody answered is advised of anew.
    """
    domains = turn.state.domains_of[domain.agent.skill_target_id]
    if domain.advisory is Advisory.INTERRUPT_DONE:
        turn.record(AgentInterruptOver(domain.mrd.id, domain.agent.skill_target_id))
    elif domain.advisory is Advisory.INTERRUPT:
        by = _interrupting(domains)
        assert by is not None  # else the advisory would have been followed by the one of the end
        turn.record(AgentInterruptAdvised(domain.mrd.id, domain.agent.skill_target_id, by.mrd.id))
    elif restored:
        _advise_of_started(turn, domain)


def accept(turn: Turn, domain: AgentDomain, origin: Origin) -> None:
    """172: agent and tasks become INTERRUPTED in the domain."""
    if domain.advisory is not Advisory.INTERRUPT:
        turn.answer(origin, ReportKind.AGENT_INTERRUPT_ACCEPTED, ReportStatus.INVALID_MESSAGE_SEQUENCE)
        return
    tasks = tuple(task.id for task in domain.tasks.values() if task.state in INTERRUPTIBLE_TASKS)
    turn.record(AgentInterruptAccepted(domain.mrd.id, domain.agent.skill_target_id, tasks))


def decline(turn: Turn, domain: AgentDomain, origin: Origin) -> None:
    """173: both tasks go on side by side, and no end will be told."""
    if domain.advisory is not Advisory.INTERRUPT:
        turn.answer(origin, ReportKind.AGENT_INTERRUPT_UNACCEPTED, ReportStatus.INVALID_MESSAGE_SEQUENCE)
        return
    turn.record(AgentInterruptDeclined(domain.mrd.id, domain.agent.skill_target_id))


def close(turn: Turn, domain: AgentDomain, origin: Origin) -> None:
    """175: the tasks return to the states that they had; what has started since the advisory interrupts them again."""
    if domain.advisory is not Advisory.INTERRUPT_DONE:
        turn.answer(origin, ReportKind.AGENT_INTERRUPT_DONE_ACCEPTED, ReportStatus.INVALID_MESSAGE_SEQUENCE)
        return
    turn.record(AgentInterruptClosed(domain.mrd.id, domain.agent.skill_target_id))
    _advise_of_started(turn, domain)


def _advise(turn: Turn, domain: AgentDomain, interrupting_mrd_id: int) -> None:
    """Advise, unless the domain or the agent's state is not one to interrupt, or an advisory waits for its answer."""
    asked_already = domain.advisory is Advisory.INTERRUPT
    if domain.interruptible and not asked_already and agent_state(domain) in INTERRUPTIBLE_AGENTS:
        turn.record(AgentInterruptAdvised(domain.mrd.id, domain.agent.skill_target_id, interrupting_mrd_id))


def _advise_of_started(turn: Turn, domain: AgentDomain) -> None:
    by = _interrupting(turn.state.domains_of[domain.agent.skill_target_id], started=True)
    if by is not None:
        _advise(turn, domain, by.mrd.id)


def _interrupting(domains: list[AgentDomain], *, started: bool = False) -> AgentDomain | None:
    """A domain where the agent has a task that may not be interrupted; `started`: one that has started."""
    for domain in domains:
        if not domain.interruptible and (domain.tally.started if started else domain.tally.total):
            return domain
    return None


def _goes_on(domain: AgentDomain) -> bool:
    """Whether an interrupt is open here, and peers have not been told that it is over.

    While the path is down nobody could be told: the agent's next sign-in makes up for it.
    """
    if domain.set_aside:
        return False
    return domain.advisory is Advisory.INTERRUPT or (domain.advisory is None and domain.interrupted is not None)
