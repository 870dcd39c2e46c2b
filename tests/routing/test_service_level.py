"""Service level of a queue: what happens within the threshold (semantics 10.1)."""

import attrs
import pytest

from ctigw.config.routing import PrecisionQueue, RouterSettings, SkillGroup
from ctigw.routing import events, inputs
from ctigw.routing.inputs import TaskId
from ctigw.routing.statistics.numbers import QueueNumbers
from ctigw.routing.statistics.views import QueueStatistics
from routing_site import CHAT, START, Site, agent, of, settings, steps

THRESHOLD_S = 30.0
MIDNIGHT_AFTER_START = (START // 86_400 + 1) * 86_400


def of_queue(site: Site, queue: str = "sg:chat") -> QueueStatistics:
    found = site.engine.queue_statistics(queue, site.now)
    assert found is not None
    return found


def in_time(site: Site, queue: str = "sg:chat") -> dict[str, int]:
    """What is not 0."""
    total = of_queue(site, queue).total
    names = (
        "answered_in_time",
        "abandoned_in_time",
        "dequeued_in_time",
        "redirected_in_time",
        "errors_in_time",
        "late",
    )
    found = {name: getattr(total, name) for name in names}
    assert total.level_offered == sum(found.values())
    return {name: number for name, number in found.items() if number}


def given(site: Site, selector: str = "8000") -> TaskId:
    (chosen,) = of(site.task(selector), events.AgentChosen)
    task_id: TaskId = chosen.task_id
    return task_id


@pytest.mark.parametrize(
    ("kind", "expected"), [("ignore_abandoned", 70 / 90), ("negative", 70 / 100), ("positive", 80 / 100)]
)
def test_worked_example_of_a_hundred_tasks(kind: str, expected: float) -> None:
    """70 answered and 10 abandoned in time, 20 neither: 77.7, 70 and 80 per cent."""
    site = Site(settings(chat={"service_level_type": kind}))
    site.ready(101, limit=100)
    tasks = [given(site) for _ in range(100)]
    site.pass_time(10)
    for task in tasks[:70]:
        site.about(inputs.StartTask, 101, task)
    for task in tasks[70:80]:
        site.about(inputs.EndTask, 101, task, disposition=37)
    site.pass_time(20.5)
    assert of_queue(site).service_level == pytest.approx(expected)


def test_tasks_that_left_for_another_queue_in_time_are_in_no_denominator() -> None:
    numbers = QueueNumbers(answered_in_time=70, abandoned_in_time=10, dequeued_in_time=50, late=20)
    found = [numbers.service_level(kind) for kind in ("ignore_abandoned", "negative", "positive")]
    assert found == pytest.approx([70 / 90, 0.7, 0.8])


def test_without_anything_to_judge_there_is_no_service_level() -> None:
    site = Site()
    assert of_queue(site).service_level is None
    site.task()
    assert of_queue(site).service_level is None
    site.cancel(1)
    assert of_queue(site).service_level is None


def test_a_waiting_task_counts_as_offered_at_the_moment_of_expiry() -> None:
    site = Site()
    site.task()
    site.pass_time(THRESHOLD_S)
    assert in_time(site) == {}
    site.pass_time(0.001)
    assert in_time(site) == {"late": 1}
    assert of_queue(site).service_level == 0
    site.cancel(1)
    assert in_time(site) == {"late": 1}


def test_expiry_belongs_to_the_day_on_which_it_was_however_late_it_is_noticed() -> None:
    site = Site(settings(router=RouterSettings(max_time_in_queue_s=86_400)))
    site.pass_time(MIDNIGHT_AFTER_START - START - 60)
    site.task()
    site.pass_time(40)
    site.task()
    for _ in range(2):
        site.pass_time(60)
        found = of_queue(site)
        assert (found.total.late, found.today.numbers.late) == (2, 1)
        site.cancel(1)


@pytest.mark.parametrize(
    ("disposition", "counted"),
    [(19, "redirected_in_time"), (37, "abandoned_in_time"), (63, "dequeued_in_time"), (42, "errors_in_time")],
)
@pytest.mark.parametrize("after_s", [THRESHOLD_S, THRESHOLD_S + 1])
def test_an_end_before_the_start_counts_within_the_threshold_only(
    disposition: int, counted: str, after_s: float
) -> None:
    site = Site(settings(chat={"start_timeout_s": 100.0}))
    site.ready(101)
    task = given(site)
    site.pass_time(after_s)
    site.about(inputs.EndTask, 101, task, disposition=disposition)
    assert in_time(site) == {counted if after_s <= THRESHOLD_S else "late": 1}


def test_waiting_and_ringing_count_together() -> None:
    site = Site()
    site.task()
    site.pass_time(20)
    (chosen,) = of(site.ready(101), events.AgentChosen)
    site.pass_time(20)
    site.about(inputs.StartTask, 101, chosen.task_id)
    assert in_time(site) == {"late": 1}
    assert of_queue(site).total.answer_wait_s == 40


def test_a_task_answered_elsewhere_in_time_is_offered_and_dequeued_in_the_other_queues() -> None:
    script = ({"op": "queue", "to": ["sg:chat", "sg:other"]},)
    agents = (agent(101, ["chat"]),)
    site = Site(settings({"8000": script}, agents=agents, groups=(SkillGroup("other", 7, CHAT),)))
    site.task()
    site.pass_time(10)
    (chosen,) = of(site.ready(101), events.AgentChosen)
    assert in_time(site, "sg:other") == {"dequeued_in_time": 1}
    site.pass_time(10)
    site.about(inputs.StartTask, 101, chosen.task_id)
    assert in_time(site) == {"answered_in_time": 1}
    assert in_time(site, "sg:other") == {"dequeued_in_time": 1}


def test_a_queue_may_have_a_threshold_of_its_own() -> None:
    groups = (SkillGroup("quick", 7, CHAT, service_level_threshold_s=5.0),)
    queues = (PrecisionQueue("slow", 9, CHAT, steps(("true == true", 0.0)), service_level_threshold_s=50.0),)
    script = ({"op": "queue", "to": ["sg:quick", "sg:chat", "pq:slow"]},)
    site = Site(settings({"8000": script}, agents=(), groups=groups, precision_queues=queues))
    site.task()
    late = []
    for _ in range(3):
        site.pass_time(20)
        late.append([of_queue(site, queue).total.late for queue in ("sg:quick", "sg:chat", "pq:slow")])
    assert late == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_without_a_threshold_there_is_no_service_level_and_nothing_to_remember() -> None:
    site = Site(settings(chat={"service_level_threshold_s": 0.0}))
    site.task()
    site.pass_time(100)
    site.task()
    site.cancel(1)
    (chosen,) = of(site.ready(101), events.AgentChosen)
    site.about(inputs.StartTask, 101, chosen.task_id)
    assert in_time(site) == {}
    assert of_queue(site).service_level is None
    assert attrs.asdict(of_queue(site).total)["answered"] == 1


@pytest.mark.parametrize(
    ("step", "counted"),
    [
        ({"op": "cancel_queue"}, "dequeued_in_time"),
        ({"op": "release", "cause": 1}, "dequeued_in_time"),
        ({"op": "wait", "seconds": 100}, "errors_in_time"),
    ],
)
def test_what_ends_a_wait_in_time_is_counted(step: dict[str, object], counted: str) -> None:
    script = ({"op": "queue", "to": ["sg:chat"]}, {"op": "wait", "seconds": 5}, step)
    site = Site(settings({"8000": script}, router=RouterSettings(max_time_in_queue_s=10)))
    site.task()
    site.pass_time(20)
    assert in_time(site) == {counted: 1}
