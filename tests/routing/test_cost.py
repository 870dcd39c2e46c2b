"""What a decision and a queued task cost (performance, targets).

Counted in executed lines and allocated bytes, so that a busy machine does not change the result.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

from ctigw.config.routing import RouterSettings
from ctigw.routing import events, inputs
from ctigw.routing.facts import Event
from routing_site import CHAT, Site, agent, of, settings

NAMES = tuple(f"call.{number}" for number in range(1, 11))
KIBIBYTE = 1024


def lines_of(decision: Callable[[], list[Event]]) -> int:
    """Lines of Python that a decision executes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:  # noqa: ANN401 - the shape that sys.settrace asks for
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        decision()
    finally:
        sys.settrace(before)
    return count


def full_site(agents: int, tasks: int) -> tuple[Site, list[inputs.TaskId]]:
    """Every agent busy with one task, and tasks waiting."""
    site = Site(
        settings(
            agents=tuple(agent(number, ["chat"]) for number in range(1, agents + 1)),
            router=RouterSettings(max_tasks_in_queue=1_000_000),
        )
    )
    site.ready(*range(1, agents + 1))
    given = [of(site.task(), events.AgentChosen)[0].task_id for _ in range(agents)]
    for _ in range(tasks):
        site.task()
    return site, given


def test_decision_costs_the_same_however_many_agents_and_tasks_there_are() -> None:
    costs = []
    for agents, tasks in ((25, 100), (2_500, 10_000)):
        site, given = full_site(agents, tasks)
        queueing = lines_of(site.task)
        handing_over = lines_of(lambda site=site, given=given: site.about(inputs.EndTask, 1, given[0], CHAT))  # type: ignore[misc]  # binds this round's values
        costs.append((queueing, handing_over))
    (queue_few, hand_few), (queue_many, hand_many) = costs
    assert queue_many <= 2 * queue_few
    assert hand_many <= 2 * hand_few


def test_choosing_among_many_free_agents_costs_as_much_as_among_few() -> None:
    costs = []
    for agents in (25, 2_500):
        site = Site(settings(agents=tuple(agent(number, ["chat"]) for number in range(1, agents + 1))))
        site.ready(*range(1, agents + 1), limit=5)
        costs.append(lines_of(site.task))
    assert costs[1] <= 2 * costs[0]


def test_tasks_that_agents_gave_back_cost_an_agent_nothing_to_pass_over() -> None:
    costs = []
    for agents, each in ((5, 2), (1_000, 3)):
        site = Site(settings(agents=tuple(agent(number, ["chat"]) for number in range(1, agents + 1))))
        site.ready(*range(1, agents + 1))
        before = [of(site.task(), events.AgentChosen)[0] for _ in range(agents)]
        for chosen in before:
            for _ in range(each):
                site.task(service=2, previous_task=chosen.task_id)
        first = before[0]  # what its agent transferred stands in front
        handing_over = lines_of(
            lambda site=site, first=first: site.about(inputs.EndTask, first.skill_target_id, first.task_id)  # type: ignore[misc]  # binds this round's values
        )
        assert of([event for event, _ in site.history[-6:]], events.AgentChosen)
        costs.append(handing_over)
    assert costs[1] <= 2 * costs[0]


def test_queued_task_with_ten_variables_takes_at_most_two_kibibytes() -> None:
    site = Site(settings(router=RouterSettings(max_tasks_in_queue=1_000_000)))
    count = 4_000
    gc.collect()
    tracemalloc.start()
    try:
        begin, _ = tracemalloc.get_traced_memory()
        for number in range(count):
            variables = tuple(inputs.Variable(name, None, f"value {number} of {name}") for name in NAMES)
            context = inputs.TaskContext("8000", variables)
            site.engine.handle(inputs.NewTask(inputs.DialogueKey(11, number), context), site.now + number)
        gc.collect()
        end, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (end - begin) / count <= 2 * KIBIBYTE


def test_agents_coming_and_going_leave_nothing_behind() -> None:
    site = Site()
    site.ready(101)
    sizes = []
    for _ in range(2):
        for _ in range(300):
            site.report(inputs.MakeAgentNotReady, 101)
            site.report(inputs.MakeAgentReady, 101)
            site.task()
            site.cancel(site._dialogues)
        site.history.clear()
        site.inputs.clear()
        gc.collect()
        sizes.append(len(gc.get_objects()))
    assert sizes[1] - sizes[0] < 50
