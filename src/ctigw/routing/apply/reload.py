"""The one fact by which the configuration changes.

Must not decide: what a changed configuration ends has been ended by facts before this one, and what it begins anew is
begun by facts after it (`ctigw.routing.reload`). Here every index that follows from the configuration is made anew, and
what lives is put into it: waiting tasks at their places, agents into the pools of their queues, ledgers. Costs in
proportion to agents and tasks, once.
"""

from collections import Counter

from ctigw.config.routing import RoutingSettings
from ctigw.routing import facts
from ctigw.routing.agents import refresh
from ctigw.routing.apply.table import applies
from ctigw.routing.queues import WaitingQueue
from ctigw.routing.scripts.steps import CompiledScript
from ctigw.routing.state import State
from ctigw.routing.statistics import book
from ctigw.routing.terms import QueueKind, TaskState


@applies(facts.SettingsApplied)
def _applied(state: State, fact: facts.SettingsApplied, now: float) -> None:
    former = state.queues
    state.configure(fact.settings)
    _fill_queues(state, former)
    _renew_tasks(state)
    _renew_agents(state, fact.settings, now)


def _fill_queues(state: State, former: dict[tuple[str, int], WaitingQueue]) -> None:
    """Tasks stay where they wait; an agent's own queue is there only as long as it is needed."""
    for (label, mrd_id), queue in former.items():
        if not state.stands(queue.ref, mrd_id):
            continue
        if queue.ref.kind is QueueKind.AGENT and queue.tasks:
            state.queues.setdefault((label, mrd_id), WaitingQueue(queue.ref, mrd_id))
        renewed = state.queues.get((label, mrd_id))
        if renewed is not None:
            renewed.take_over(queue)


def _renew_tasks(state: State) -> None:
    """Every task has the domain and the script of its names as they are now; a script that is gone has no step left."""
    state.task_counts = Counter({key: number for key, number in state.task_counts.items() if key[0] in state.mrds})
    state.queued_in_domain = Counter()
    for task in state.tasks.values():
        task.mrd = state.mrds[task.mrd.id]
        if task.runs is not None:
            name, number = task.runs.name, task.runs.call_type_id
            task.runs = state.scripts.get(name) or CompiledScript(name, number, ())
            if task.state is TaskState.QUEUED and task.mrd.max_tasks_per_call_type is not None:
                state.queued_in_domain[task.mrd.id, name] += 1


def _renew_agents(state: State, settings: RoutingSettings, now: float) -> None:
    """Forget who is gone; all others stand in the pools of the queues that are theirs now, with their clocks."""
    book.renew(state.statistics, settings, now)
    for key, domain in list(state.domains.items()):
        agent, mrd = state.agents.get(key.skill_target_id), state.mrds.get(key.mrd_id)
        if agent is None or mrd is None:
            del state.domains[key], state.statistics.agents[key]
            state.domains_of[key.skill_target_id].remove(domain)
            continue
        domain.agent, domain.mrd = agent, mrd
        state.find_queues(domain)
        domain.pooled = None
        domain.queue_tallies = {queue: tally for queue, tally in domain.queue_tallies.items() if tally.total}
        for queue, level in domain.matched:
            queue.signed_in[level] += domain.signed_in
        for label in dict.fromkeys(member.queue.ref.label for member in domain.memberships):
            ledger = state.statistics.queues.get(label)
            if ledger is not None:
                ledger.members.append(key)
    for skill_target_id, domains in list(state.domains_of.items()):
        if domains:
            refresh(state, skill_target_id, now)
        else:
            del state.domains_of[skill_target_id]
