"""Explanations agree with what the engine does, in any history."""

from collections import Counter

import pytest

from ctigw.routing import selection
from ctigw.routing.inputs import TaskId
from ctigw.routing.state import AgentDomain, TaskRecord
from ctigw.routing.terms import Choice, Obstacle, QueueRef, TaskState, Way
from ctigw.routing.turn import Turn
from portrait import state_of
from routing_site import CHAT, EMAIL
from test_histories import AGENTS, History, random_steps

LONG = 12_000
"""Steps after which every filter and every way has been met."""


@pytest.mark.parametrize("seed", range(2))
def test_something_keeps_every_waiting_task_from_every_agent(seed: int) -> None:
    """Else the engine would have given it: `explain_pair` never says that a task could go where it did not."""
    played = History()
    met: set[Obstacle] = set()
    for step in random_steps(seed, LONG):
        played.play(step)
        engine = played.site.engine
        for task in [task for task in state_of(engine).tasks.values() if task.state is not TaskState.ENDED]:
            for number in AGENTS:
                seen = engine.explain_pair(task.id, number)
                assert (seen is None) == (number not in state_of(engine).agents)
                if seen is None:
                    continue
                assert seen.has_it == (task.id in played.with_agent and played.with_agent[task.id][0] == number)
                assert (seen.finding is not None) == bool(task.entries)
                met |= set() if seen.finding is None else {seen.finding.obstacle}
    assert met == set(Obstacle)


def available(turn: Turn, mrd_id: int) -> list[AgentDomain]:
    """Every agent whom the router may give a task, found the long way."""
    state = turn.state
    return [
        domain
        for domain in state.domains.values()
        if domain.mrd.id == mrd_id
        and domain.signed_in
        and domain.ready
        and domain.routable
        and not domain.set_aside
        and domain.interrupted is None
        and not domain.deferred
        and domain.tally.total < domain.max_task_limit
        and domain.agent.skill_target_id not in state.temporarily_not_routable
        and not any(
            other.tally.total and not other.interruptible
            for other in state.domains_of[domain.agent.skill_target_id]
            if other is not domain
        )
    ]


def check_task_came(turn: Turn, task: TaskRecord, domain: AgentDomain, queue: QueueRef, choice: Choice) -> None:
    """Nobody else of the step would have come before the agent chosen."""
    level = max(choice.step - 1, 0)
    ranks = {
        other.agent.skill_target_id: (
            -member.score,
            other.tally.total - other.max_task_limit,
            other.available_since,
            other.agent.skill_target_id,
        )
        for other in available(turn, task.mrd.id)
        if other.agent.skill_target_id != task.request.excluded
        for member in other.memberships
        if (member.queue.ref, member.level) == (queue, level)
    }
    chosen = (-choice.score, -choice.free_slots, choice.available_since, domain.agent.skill_target_id)
    assert ranks[domain.agent.skill_target_id] == chosen == min(ranks.values())
    assert choice.candidates == len(ranks)


def check_agent_came(turn: Turn, task: TaskRecord, domain: AgentDomain, queue: QueueRef, choice: Choice) -> None:
    """No other task that he could have had comes before it."""
    state = turn.state
    agent = domain.agent.skill_target_id
    open_to_him: dict[TaskId, tuple[int, int]] = {}
    heads = set()
    for own in (*available(turn, CHAT), *available(turn, EMAIL)):
        if own.agent.skill_target_id != agent:
            continue
        for member in own.memberships:
            for task_id, place in member.queue.tasks.items():
                other = state.tasks[task_id]
                if not place.held and place.reached >> member.level & 1 and other.request.excluded != agent:
                    before = open_to_him.get(task_id, (99, 0))
                    open_to_him[task_id] = min(before, (place.priority, place.sequence))
                    heads.add((own.mrd.id, member.queue.ref, member.level))
    assert open_to_him[task.id] == min(open_to_him.values())
    assert choice.priority == open_to_him[task.id][0]
    assert (choice.queued_at, choice.queues) == (task.queued_at, len(heads))


@pytest.mark.parametrize("seed", range(2))
def test_what_is_kept_with_a_chosen_task_beats_every_other_candidate(seed: int) -> None:
    met: Counter[Way] = Counter()
    assign = selection.assign

    def checked(turn: Turn, task: TaskRecord, domain: AgentDomain, queue: QueueRef, choice: Choice) -> None:
        met[choice.way] += 1
        if choice.way is Way.TASK_CAME:
            check_task_came(turn, task, domain, queue, choice)
        elif choice.way is Way.AGENT_CAME:
            check_agent_came(turn, task, domain, queue, choice)
        assign(turn, task, domain, queue, choice)
        assert task.choice == choice

    with pytest.MonkeyPatch.context() as patch:
        for module in ("selection", "scripts.queueing", "scripts.preferred", "scripts.pick_pull"):
            patch.setattr(f"ctigw.routing.{module}.assign", checked)
        played = History()
        for step in random_steps(seed, LONG):
            played.play(step)
    assert set(met) == set(Way)
