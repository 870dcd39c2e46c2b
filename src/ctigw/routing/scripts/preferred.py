"""The preferred agent of a task, and waiting for that agent.

Knows whom the application named, whom a key variable remembers, and the agent's own queue (semantics 5.2:
PreferredAgent, Queue to Agent, last and sticky agent); must not know other queues. [OURS] An agent whom the application
names comes before the one whom a key remembers. A task that an agent has given back (Service 2 or 3) ignores the key
and never goes to that agent; another agent whom the application names may have it. A task that has waited in vain
leaves the agent's own queue, and where it is queued next its age begins anew, as for every task that is queued again.
"""

from ctigw.config.routing import Agent
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.events import TaskDequeued, TaskQueued
from ctigw.routing.facts import ScriptMoved
from ctigw.routing.last_agents import last_agent
from ctigw.routing.scripts import steps
from ctigw.routing.scripts.queueing import is_full
from ctigw.routing.selection import assign
from ctigw.routing.state import TaskRecord
from ctigw.routing.terms import GIVEN_BACK, Choice, QueueEntry, Way
from ctigw.routing.turn import Turn


def preferred_agent(turn: Turn, task: TaskRecord, step: steps.PreferredAgent, index: int) -> int | None:
    """Give the task to the agent preferred, or let it wait for him; without such an agent the script goes on.

    It goes on too where the agent is not signed in and the step does not queue for that, or where queues are full.
    """
    agent = _wanted(turn, task, step)
    if agent is None:
        return index + 1
    state = turn.state
    domain = state.domains.get(AgentKey(agent.skill_target_id, task.mrd.id))
    ref = state.own_queue_ref(agent)
    if domain is not None and domain.pooled is not None:
        slots, since = domain.pooled
        assign(turn, task, domain, ref, Choice(Way.PREFERRED, free_slots=slots, available_since=since))
        return None
    signed_in = domain is not None and domain.signed_in
    if not step.wait_s or not (signed_in or step.queue_if_not_logged_in):
        return index + 1
    if any(entry.queue == ref for entry in task.entries):  # the script has put it there before: it stays there
        turn.record(ScriptMoved(task.id, index + 1, turn.now + step.wait_s))
        return None
    if not task.entries and is_full(turn, task):
        return index + 1
    turn.record(TaskQueued(task.id, task.mrd.id, (QueueEntry(ref, step.priority),), task.estimated_wait_s))
    turn.record(ScriptMoved(task.id, index + 1, turn.now + step.wait_s, ref))
    return None


def stop_waiting(turn: Turn, task: TaskRecord) -> None:
    """The script goes on: leave the queue of the agent preferred, when the task waited there for him only."""
    ref = turn.state.leaving.get(task.id)
    if ref is not None:
        left = tuple(entry for entry in task.entries if entry.queue == ref)
        turn.record(TaskDequeued(task.id, task.mrd.id, left))


def _wanted(turn: Turn, task: TaskRecord, step: steps.PreferredAgent) -> Agent | None:
    request = task.request
    number = request.preferred
    if number is None and step.key is not None and request.service not in GIVEN_BACK:
        number = last_agent(turn, task, step.key)
    if number is None or number == request.excluded:
        return None
    return turn.state.agents.get(number)
