"""Rows of semantics 5 (who gets which task) and 6.1 (which script) that no other test here is named after."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from ctigw.config.routing import Attribute, PrecisionQueue, RouterSettings, SkillGroup
from ctigw.routing import events, facts, inputs
from ctigw.routing.inputs import TaskContext
from ctigw.routing.terms import NewTaskFailureReason
from routing_site import CHAT, DESKTOP, EMAIL, QUEUE_CHAT, WEB, Script, Site, agent, of, only, settings, steps

SECOND = (SkillGroup("second", 3, CHAT),)


def given(happened: list[Any]) -> int | None:
    found = of(happened, events.AgentChosen)
    return found[0].skill_target_id if found else None


# --- 5.1 -------------------------------------------------------------------------------------------------------------


def busy_elsewhere(site: Site) -> None:
    site.ready(101, mrd=EMAIL)
    site.about(inputs.StartTask, 101, only(site.task("e8000"), events.AgentChosen).task_id, EMAIL)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda site: site.report(inputs.MediaLogout, 101),
        lambda site: site.say(inputs.ArmClientLost(DESKTOP)),
        lambda site: site.report(inputs.MakeAgentNotReady, 101),
        lambda site: site.report(inputs.MakeAgentNotRoutable, 101),
        lambda site: site.task(),
        busy_elsewhere,
    ],
    ids=["signed out", "path down", "not ready", "not routable", "no slot", "foreign task"],
)
def test_5_1_agent_is_given_no_task_unless_everything_holds(spoil: Callable[[Site], Any]) -> None:
    site = Site(settings(email={"interruptible": False}))
    site.ready(101)
    spoil(site)
    waiting = site.task()
    assert given(waiting) is None
    assert of(waiting, events.TaskQueued)


def test_5_1_agent_takes_tasks_of_his_own_queues_only() -> None:
    agents = (agent(101, ["second"], english=1),)
    queue = PrecisionQueue("pq", 9, CHAT, steps(("english >= 2", 0.0)))
    scripts: dict[str, Script] = {"8001": ({"op": "queue", "to": ["pq:pq"]},)}
    english = (Attribute("english", "proficiency"),)
    site = Site(settings(scripts, agents=agents, groups=SECOND, attributes=english, precision_queues=(queue,)))
    site.ready(101)
    assert [given(site.task(selector)) for selector in ("8000", "8001")] == [None, None]


# --- 5.2 -------------------------------------------------------------------------------------------------------------


def test_5_2_preferred_group_is_filled_to_the_limit_before_the_overflow_group_gets_one() -> None:
    script = ({"op": "queue", "to": ["sg:second"]}, {"op": "queue", "to": ["sg:chat"]})
    site = Site(settings({"8001": script}, agents=(agent(101, ["chat"]), agent(102, ["second"])), groups=SECOND))
    site.ready(101, limit=9)
    site.now += 10
    site.ready(102, limit=2)
    assert [given(site.task("8001")) for _ in range(3)] == [102, 102, 101]


def test_5_2_cx_routing_push_takes_fewest_tasks_then_longest_available() -> None:
    site = Site()
    site.ready(101, limit=3)
    site.now += 1
    site.ready(102, limit=3)
    assert [given(site.task()) for _ in range(5)] == [101, 102, 101, 102, 101]


# --- 5.3 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("skill == 5", {102}),
        ("skill != 5", {101, 103}),
        ("skill < 5", {101}),
        ("skill <= 5", {101, 102}),
        ("skill > 5", {103}),
        ("skill >= 5", {102, 103}),
        ("night == true", {103}),
        ("night != true", {101, 102}),
        ("day == true", set[int]()),
    ],
)
def test_5_3_operators_and_default_values_of_attributes(match: str, expected: set[int]) -> None:
    """Night has a default that 103 overrides; day has none and nobody a value: it matches nobody."""
    agents = (agent(101, [], skill=3), agent(102, [], skill=5), agent(103, [], skill=9, night=True))
    attributes = (
        Attribute("skill", "proficiency"),
        Attribute("night", "boolean", default=False),
        Attribute("day", "boolean"),
    )
    queue = PrecisionQueue("pq", 9, CHAT, steps((match, 0.0)))
    scripts: dict[str, Script] = {"8001": ({"op": "queue", "to": ["pq:pq"]},)}
    site = Site(settings(scripts, agents=agents, attributes=attributes, precision_queues=(queue,)))
    site.ready(101, 102, 103)
    assert {number for _ in agents if (number := given(site.task("8001")))} == expected


def test_5_3_last_step_has_no_wait_and_lasts_as_long_as_the_task_may_wait() -> None:
    queue = PrecisionQueue("pq", 9, CHAT, steps(("skill > 1", 5.0), ("skill > 0", 7.0)))
    scripts: dict[str, Script] = {"8001": ({"op": "queue", "to": ["pq:pq"]},)}
    router = RouterSettings(max_time_in_queue_s=1000.0)
    skill = (Attribute("skill", "proficiency"),)
    site = Site(settings(scripts, agents=(), attributes=skill, precision_queues=(queue,), router=router))
    site.task("8001")
    reached = only(site.pass_time(999), facts.PrecisionStepReached)
    assert (reached.step, reached.until) == (2, None)
    assert of(site.pass_time(1), events.TaskFailed)


# --- 5.4 -------------------------------------------------------------------------------------------------------------


def test_5_4_priority_is_5_unless_given_1_is_the_best_and_20_the_last() -> None:
    scripts: dict[str, Script] = {
        f"p{n}": ({"op": "queue", "to": ["sg:chat"], "priority": n},) for n in (1, 4, 5, 6, 20)
    }
    site = Site(settings(scripts))
    ids = {selector: only(site.task(selector), events.TaskAccepted).task_id for selector in ("p20", "p6", "8000")}
    ids |= {selector: only(site.task(selector), events.TaskAccepted).task_id for selector in ("p5", "p4", "p1")}
    served = [event.task_id for event in of(site.ready(101, limit=9), events.AgentChosen)]
    assert served == [ids[selector] for selector in ("p1", "p4", "8000", "p5", "p6", "p20")]


def test_5_4_one_task_may_stand_in_several_queues_with_different_priorities() -> None:
    script = (
        {"op": "queue", "to": ["sg:chat"], "priority": 9},
        {"op": "queue", "to": ["sg:second"], "priority": 2},
    )
    scripts: dict[str, Script] = {"8001": script, "8002": ({"op": "queue", "to": ["sg:second"]},)}
    site = Site(settings(scripts, groups=SECOND, agents=(agent(101, ["chat"]), agent(102, ["second"]))))
    plain = [only(site.task(s), events.TaskAccepted).task_id for s in ("8000", "8002")]
    both = [only(site.task("8001"), events.TaskAccepted).task_id for _ in range(2)]
    assert only(site.ready(101), events.AgentChosen).task_id == plain[0]
    assert only(site.ready(102), events.AgentChosen).task_id == both[0]


def test_5_4_better_priority_may_starve_a_worse_one() -> None:
    site = Site(settings({"8001": ({"op": "queue", "to": ["sg:chat"], "priority": 1},)}))
    site.ready(101)
    running = only(site.task("8001"), events.AgentChosen).task_id
    starving = only(site.task("8000"), events.TaskAccepted).task_id
    for _ in range(20):
        after = only(site.task("8001"), events.TaskAccepted).task_id
        assert only(site.about(inputs.EndTask, 101, running), events.AgentChosen).task_id == after
        running = after
    assert only(site.about(inputs.EndTask, 101, running), events.AgentChosen).task_id == starving


# --- 5.5 -------------------------------------------------------------------------------------------------------------


def test_5_5_estimate_is_the_least_over_the_queues_and_does_not_change_once_it_is_given() -> None:
    report = {"op": "report_wait"}
    script = ({"op": "queue", "to": ["sg:chat", "sg:second"]}, report, {"op": "wait", "seconds": 20}, report)
    site = Site(settings({"8001": script, "8002": ({"op": "queue", "to": ["sg:second"]},)}, groups=SECOND))
    for selector, count in (("8000", 1), ("8002", 3)):
        for _ in range(count):
            site.task(selector)
            site.cancel(site._dialogues)
    assert only(site.task("8001"), events.RunScriptRequested).estimated_wait_time_s == 100
    site.task("8002"), site.cancel(site._dialogues)
    assert only(site.pass_time(30), events.RunScriptRequested).estimated_wait_time_s == 100


def test_5_5_queue_to_agent_gives_no_estimate() -> None:
    script = ({"op": "queue", "to": ["agent:101"]}, {"op": "report_wait"})
    site = Site(settings({"8001": script}))
    for _ in range(2):
        assert only(site.task("8001"), events.RunScriptRequested).estimated_wait_time_s is None
        site.cancel(site._dialogues)


# --- 6.1 -------------------------------------------------------------------------------------------------------------


def test_6_1_selector_gives_the_domain_and_the_script_and_application_strings_change_nothing() -> None:
    site = Site(settings({"8001": ({"op": "label", "value": "L1"},), "e8001": ({"op": "label", "value": "L2"},)}))
    for number, (selector, mrd, label) in enumerate((("8001", CHAT, "L1"), ("e8001", EMAIL, "L2")), start=1):
        context = TaskContext(selector, (), b"", "8000", "e8000")
        happened = site.say(inputs.NewTask(inputs.DialogueKey(WEB, number), context))
        assert only(happened, events.TaskAccepted).mrd_id == mrd
        assert only(happened, events.LabelChosen).label == label


def test_6_1_several_selectors_may_lead_to_one_call_type() -> None:
    made = settings({"8001": QUEUE_CHAT})
    selectors = tuple(attrs.evolve(selector, call_type="ct_8001") for selector in made.script_selectors)
    site = Site(attrs.evolve(made, script_selectors=selectors))
    kinds = {only(site.task(selector), events.TaskAccepted).call_type for selector in ("8000", "8001")}
    assert kinds == {"ct_8001"}
    mail = site.task("e8000")  # its domain has none of the script's queues
    assert only(mail, events.TaskFailed).reason is NewTaskFailureReason.NO_TARGET
