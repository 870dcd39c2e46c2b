"""A changed configuration takes effect between two inputs, for everything at once.

Knows what becomes of agents, tasks and queues that the new configuration does not have, or has otherwise; must not know
files, nor how indexes are made (`ctigw.routing.apply.reload`). Rules: design 4, semantics 1.1 (interruptible), 5.3
(definition changed). Recorded in this order, each [OURS] where it names no rule:

1. An agent is signed out of a domain, as by the system (tasks end with 40, reason 50002), when agent or domain is gone,
   or another application path than the one that signed the agent in reports for them now.
2. A waiting task of a domain that is gone fails with reason 4, as a new one would; one that is kept for a lost client
   ends with 35. A task leaves a queue that is gone; a queue whose number or domain is another is another queue.
3. Ended tasks of such agents and domains are forgotten, and peers are told of the agents.
4. The configuration is the new one (SettingsApplied). Groups, attributes and precision queues have the members of now;
   whoever fits gets waiting tasks at once. `interruptible` stays as it was at sign-in; other times and limits of a
   domain count for what begins from now on, a deadline that runs stays. Call types and selectors count for new tasks.
5. A task in a precision queue whose definition changed begins at its step 1 with the whole wait (semantics 5.3).
6. A task whose script changed goes on at the beginning of the new one, and keeps its places and its age in the queues
   where it stands, but for the queue of a preferred agent, which it leaves as when that wait is over. One that waited
   for a preferred agent who is gone goes on at once. One that stands in no queue any more and whose script has ended
   fails with reason 7. All three are due at once, as a `wait` that is over; for a kept task when it is taken up.
"""

import attrs

from ctigw.config.routing import PrecisionQueue, RoutingSettings
from ctigw.routing.events import TaskDequeued
from ctigw.routing.facts import ScriptMoved, SettingsApplied, TaskForgotten
from ctigw.routing.inputs import SettingsChanged, TaskId
from ctigw.routing.publication import publish
from ctigw.routing.reports import AGENT_LOGGED_OUT, CTI_COMPONENT_FAILED, end_login
from ctigw.routing.scripts import steps
from ctigw.routing.scripts.queueing import fail, stay, walk
from ctigw.routing.state import AgentDomain, State, TaskRecord
from ctigw.routing.tasks import drop
from ctigw.routing.temporary_mode import finish
from ctigw.routing.terms import NewTaskFailureReason, TaskState
from ctigw.routing.turn import Turn


def change_settings(turn: Turn, item: SettingsChanged) -> None:
    """Apply changed settings; the same settings again change nothing.

    Raises ConfigurationError before anything is decided, when they do not compile.
    """
    state = turn.state
    if item.settings == state.settings:
        return
    coming = State(item.settings, state.side)
    for domain in list(state.domains.values()):
        if domain.signed_in and not _may_stay(coming, domain):
            end_login(turn, domain, AGENT_LOGGED_OUT, reason_code=CTI_COMPONENT_FAILED)
    moved = _moved_scripts(turn, coming)
    for task_id in list(state.remembered):
        if _is_of_nobody(coming, state.tasks[task_id]):
            turn.record(TaskForgotten(task_id))
    finish(turn, tuple(state.touched))
    publish(turn)
    redefined = _redefined(state.settings, item.settings)
    turn.record(SettingsApplied(item.settings))
    for queue in state.queues.values():
        if queue.ref.label in redefined:
            for task_id in list(queue.tasks):
                task = state.tasks[task_id]
                stay(turn, task, queue, walk(turn, task, queue, 0))
    for task_id, step in moved.items():
        turn.record(ScriptMoved(task_id, step, turn.now))


def _may_stay(coming: State, domain: AgentDomain) -> bool:
    """Whether agent and domain are there, and the path that signed the agent in reports for them."""
    agent = coming.agents.get(domain.agent.skill_target_id)
    if agent is None or domain.mrd.id not in coming.mrds:
        return False
    return coming.paths.get((agent.peripheral, domain.mrd.id)) == domain.application_path


def _is_of_nobody(coming: State, task: TaskRecord) -> bool:
    """Whether an ended task had an agent or a domain that will not be there to repeat its answer."""
    agent_is_gone = task.domain is not None and task.domain.agent.skill_target_id not in coming.agents
    return agent_is_gone or task.mrd.id not in coming.mrds


def _moved_scripts(turn: Turn, coming: State) -> dict[TaskId, int]:
    """Take waiting tasks out of what is gone; returns those whose scripts go on at once, and at which step."""
    state = turn.state
    before, after = _meanings(state), _meanings(coming)
    moved = {}
    for task in list(state.tasks.values()):
        if task.domain is not None or task.state is TaskState.ENDED:
            continue
        if task.mrd.id not in coming.mrds:
            _end(turn, task)
            continue
        gone = tuple(entry for entry in task.entries if not coming.stands(entry.queue, task.mrd.id))
        waited_for = state.leaving.get(task.id)
        if gone:
            turn.record(TaskDequeued(task.id, task.mrd.id, gone))
        name = task.script.name
        if before.get(name) != after.get(name):
            moved[task.id] = 0
        elif waited_for is not None and any(entry.queue == waited_for for entry in gone):
            moved[task.id] = task.step
        elif gone and not task.entries and task.resume_at is None:
            moved[task.id] = len(task.script.steps)
    return moved


def _end(turn: Turn, task: TaskRecord) -> None:
    if task.kept:
        drop(turn, task)
    else:
        fail(turn, task, NewTaskFailureReason.INVALID_MRD_ID)


def _meanings(state: State) -> dict[str, object]:
    """What each call type's script says, and which queues and domains it means by the names in it."""
    return {
        call_type.name: (
            call_type.script,
            [step for step in state.scripts[call_type.name].steps if isinstance(step, steps.Queue | steps.BranchMrd)],
        )
        for call_type in state.settings.call_types
    }


def _redefined(before: RoutingSettings, after: RoutingSettings) -> set[str]:
    """Labels of the precision queues whose definition changed; a service level threshold is none of it."""
    former = {queue.name: _definition(queue) for queue in before.precision_queues}
    return {
        f"pq:{queue.name}"
        for queue in after.precision_queues
        if queue.name in former and former[queue.name] != _definition(queue)
    }


def _definition(queue: PrecisionQueue) -> PrecisionQueue:
    return attrs.evolve(queue, service_level_threshold_s=None)
