"""Scripts: what their steps do, and what is refused before a task comes (decisions H, E4, E5)."""

from typing import Any

import attrs
import pytest

from ctigw.config.routing import (
    Attribute,
    PrecisionQueue,
    PrecisionQueueStep,
    RouterSettings,
    RoutingSettings,
    SkillGroup,
)
from ctigw.errors import ConfigurationError
from ctigw.routing import events, inputs, terms
from ctigw.routing.scripts.compilation import compile_scripts
from routing_site import CHAT, WEB, Site, agent, names, of, only, public, settings, steps

GROUPS = (SkillGroup("second", 3, CHAT),)


def script_site(*script: dict[str, Any]) -> Site:
    return Site(settings({"8001": script}, groups=GROUPS))


def test_wait_goes_on_in_time_and_a_task_stays_in_its_queues_meanwhile() -> None:
    site = script_site(
        {"op": "queue", "to": ["sg:chat"], "priority": 5},
        {"op": "wait", "seconds": 60},
        {"op": "queue", "to": ["sg:second"], "priority": 3},
    )
    site.task("8001")
    assert site.pass_time(59) == []
    more = site.pass_time(1)
    assert [(entry.queue.label, entry.priority) for entry in only(more, events.TaskQueued).entries] == [
        ("sg:second", 3)
    ]
    depths = {label: depth for label, (depth, _) in site.engine.census().queues.items()}
    assert depths == {"sg:chat": 1, "sg:second": 1, "sg:email": 0}


def test_6_1_script_that_ends_in_no_queue_finds_no_target() -> None:
    site = script_site({"op": "wait", "seconds": 5}, {"op": "set", "variable": "call.1", "value": "x"})
    site.task("8001")
    ended = site.pass_time(5)
    assert public(ended) == ["TaskDataUpdated", "TaskFailed", "TaskEnded"]
    assert only(ended, events.TaskFailed).reason is terms.NewTaskFailureReason.NO_TARGET


def test_6_1_queue_of_another_domain_is_passed_over() -> None:
    site = script_site({"op": "queue", "to": ["sg:email"]})
    assert public(site.task("8001")) == ["TaskAccepted", "TaskFailed", "TaskEnded"]


def test_5_4_priority_step_lets_a_task_overtake_and_keeps_its_age() -> None:
    site = script_site(
        {"op": "queue", "to": ["sg:chat"], "priority": 9},
        {"op": "wait", "seconds": 10},
        {"op": "priority", "value": 1},
    )
    slow = only(site.task("8001"), events.TaskAccepted).task_id
    quick = only(site.task("8000"), events.TaskAccepted).task_id
    site.pass_time(10)
    served = of(site.ready(101, limit=2), events.AgentChosen)
    assert [event.task_id for event in served] == [slow, quick]


def test_5_4_queue_step_resets_the_priority_in_its_own_queue_only() -> None:
    site = script_site(
        {"op": "queue", "to": ["sg:chat", "sg:second"], "priority": 9},
        {"op": "wait", "seconds": 1},
        {"op": "queue", "to": ["sg:chat"], "priority": 2},
    )
    site.task("8001")
    changed = site.pass_time(1)
    assert public(changed) == []  # nobody is told of a priority
    gone = only(site.cancel(1), events.TaskDequeued)
    assert [(entry.queue.label, entry.priority) for entry in gone.entries] == [("sg:chat", 2), ("sg:second", 9)]


def test_5_4_cancel_queue_leaves_every_queue_and_later_queues_begin_a_new_age() -> None:
    site = script_site(
        {"op": "queue", "to": ["sg:chat"]},
        {"op": "wait", "seconds": 10},
        {"op": "cancel_queue"},
        {"op": "queue", "to": ["sg:chat"]},
    )
    early = only(site.task("8001"), events.TaskAccepted).task_id
    late = only(site.task("8000"), events.TaskAccepted).task_id
    assert public(site.pass_time(10)) == ["TaskDequeued", "TaskQueued"]
    served = of(site.ready(101, limit=2), events.AgentChosen)
    assert [event.task_id for event in served] == [late, early]


def test_set_changes_the_context_that_the_answer_carries() -> None:
    site = script_site({"op": "set", "variable": "ecc.user.x", "value": "v"}, {"op": "label", "value": "LBL"})
    answered = site.task("8001", variables=(inputs.Variable("call.1", None, "a"),))
    assert only(answered, events.LabelChosen).context.variables == (("call.1", None, "a"), ("ecc.user.x", None, "v"))


def test_report_waits_for_its_result_takes_its_variables_and_goes_on() -> None:
    site = script_site({"op": "queue", "to": ["sg:chat"]}, {"op": "report_wait"}, {"op": "label", "value": "LBL"})
    asked = only(site.task("8001"), events.RunScriptRequested)
    key = inputs.DialogueKey(WEB, 1)
    assert (asked.dialogue, asked.invoke_id) == (key, 1)
    assert site.say(inputs.RunScriptResult(key, 2, True)) == []  # another report's result
    variables = (inputs.Variable("call.2", None, "b"),)
    went_on = site.say(inputs.RunScriptResult(key, 1, True, variables))
    assert public(went_on) == ["TaskDataUpdated", "TaskDequeued", "LabelChosen", "TaskEnded"]
    assert only(went_on, events.LabelChosen).context.variables == variables


def test_report_without_result_goes_on_after_its_timeout() -> None:
    site = script_site({"op": "report_wait"}, {"op": "label", "value": "LBL"})
    site.task("8001")
    assert site.pass_time(9.9) == []
    assert public(site.pass_time(0.1)) == ["LabelChosen", "TaskEnded"]


def test_result_after_the_timeout_is_ignored() -> None:
    site = script_site({"op": "report_wait"}, {"op": "wait", "seconds": 60}, {"op": "label", "value": "LBL"})
    site.task("8001")
    site.pass_time(10)
    assert site.say(inputs.RunScriptResult(inputs.DialogueKey(WEB, 1), 1, True)) == []


def test_agent_is_given_while_a_report_is_out_and_its_result_is_ignored() -> None:
    site = script_site({"op": "queue", "to": ["sg:chat"]}, {"op": "report_wait"}, {"op": "label", "value": "LBL"})
    site.task("8001")
    site.ready(101)
    assert site.say(inputs.RunScriptResult(inputs.DialogueKey(WEB, 1), 1, True)) == []
    assert names(site.pass_time(29)) == []


def refused(*script: dict[str, Any], **more: Any) -> str:  # noqa: ANN401 - keywords of settings()
    with pytest.raises(ConfigurationError) as caught:
        compile_scripts(settings({"8001": script}, **more))
    return str(caught.value)


WAIT = {"op": "wait", "seconds": 1}


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"op": "upstream", "gateway": "cce"}, ["upstream", "does not have"]),
        ({"op": "pick_pull", "agent": "101"}, ["pick_pull", "agent", "no key"]),
        ({"op": "dance"}, ["dance", "no such step"]),
        ({}, ["no op"]),
        ({"op": "wait"}, ["seconds"]),
        ({"op": "wait", "seconds": 0}, ["seconds", "1 to"]),
        ({"op": "wait", "seconds": True}, ["seconds"]),
        ({"op": "wait", "seconds": 1, "minutes": 1}, ["minutes"]),
        ({"op": "queue", "to": []}, ["to"]),
        ({"op": "queue", "to": ["sg:none"]}, ["sg:none"]),
        ({"op": "queue", "to": ["sg:chat", "sg:chat"]}, ["twice"]),
        ({"op": "queue", "to": ["sg:chat"], "priority": 21}, ["priority", "1 to 20"]),
        ({"op": "queue", "to": ["sg:chat"], "priority": 0}, ["priority"]),
        ({"op": "queue", "to": ["sg:chat"], "on_full": "nowhere"}, ["on_full", "nowhere"]),
        ({"op": "priority"}, ["value"]),
        ({"op": "set", "value": "x"}, ["variable"]),
        ({"op": "set", "variable": "call.11", "value": "x"}, ["call.11"]),
        ({"op": "set", "variable": "call.1", "value": "x" * 41}, ["value", "40"]),
        ({"op": "set", "variable": "ecc.user.x", "value": "x" * 211}, ["value", "210"]),
        ({"op": "set", "variable": "call.1", "value": "€"}, ["Latin-1"]),
        ({"op": "set", "variable": "ecc.user.€", "value": "x"}, ["ecc.user.€"]),
        ({"op": "set", "variable": "ecc." + "n" * 33, "value": "x"}, ["32"]),
        ({"op": "set", "variable": "ecc.a\0b", "value": "x"}, ["Latin-1"]),
        ({"op": "label", "value": ""}, ["value"]),
        ({"op": "release", "cause": -1}, ["cause"]),
        ({"op": "wait", "seconds": 1, "label": "a"}, ["label", "twice"]),
    ],
)
def test_faulty_step_is_refused_by_call_type_number_and_operation(step: dict[str, Any], words: list[str]) -> None:
    text = refused({"op": "wait", "seconds": 1, "label": "a"}, step)
    for word in ("ct_8001", "step 2", *words):
        assert word in text


def test_loop_without_a_wait_is_refused_and_with_one_allowed() -> None:
    back = {"op": "queue", "to": ["sg:second"], "on_full": "begin"}
    first = {"op": "set", "variable": "call.1", "value": "x", "label": "begin"}
    assert "without passing a wait" in refused(first, back, groups=GROUPS)
    compile_scripts(settings({"8001": (first, WAIT, back)}, groups=GROUPS))


def test_loop_through_a_wait_goes_round_until_the_queue_has_room() -> None:
    script = ({**WAIT, "label": "begin"}, {"op": "queue", "to": ["sg:chat"], "on_full": "begin"})
    site = Site(settings({"8001": script}, router=RouterSettings(max_tasks_in_queue=1)))
    site.task("8000")
    site.task("8001")
    assert public(site.pass_time(10)) == []
    site.cancel(1)
    assert public(site.pass_time(1)) == ["TaskQueued"]


def test_agent_number_of_several_peripherals_is_refused_as_a_queue() -> None:
    agents = (agent(101), attrs.evolve(agent(102), id="101", peripheral=5001))
    assert "several peripherals" in refused({"op": "queue", "to": ["agent:101"]}, agents=agents)


def test_call_types_are_numbered_in_order_unless_they_have_a_number() -> None:
    scripts = compile_scripts(settings())
    assert [(script.name, script.call_type_id) for script in scripts.values()] == [("ct_8000", 1), ("ct_e8000", 2)]


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        (PrecisionQueue("q", 9, CHAT, steps(("english >", 0))), ["step 1", "english >"]),
        (PrecisionQueue("q", 9, CHAT, steps(("english > 1", 0), ("spanish > 1", 0))), ["step 2", "spanish"]),
        (PrecisionQueue("q", 9, CHAT, ()), ["steps", "1 to 10"]),
        (
            PrecisionQueue("q", 9, CHAT, (PrecisionQueueStep("english > 1", 1, "call.1 == 'x'"),)),
            ["consider_if", "last step"],
        ),
        (PrecisionQueue("q", 9, CHAT, steps((" or ".join(f"a{n} > 1" for n in range(11)), 0))), ["up to 10"]),
        (PrecisionQueue("q", 9, CHAT, steps(*[("english > 1", 0.0)] * 11)), ["1 to 10"]),
    ],
)
def test_faulty_precision_queue_is_refused_by_name_and_step(queue: PrecisionQueue, words: list[str]) -> None:
    attributes = tuple(Attribute(name, "proficiency") for name in ("english", *(f"a{n}" for n in range(11))))
    site = RoutingSettings(attributes=attributes, precision_queues=(queue,))
    with pytest.raises(ConfigurationError) as caught:
        compile_scripts(site)
    for word in ("precision_queue q", *words):
        assert word in str(caught.value)


def test_a_full_context_takes_nothing_more_and_the_script_goes_on() -> None:
    steps = [{"op": "set", "variable": f"ecc.user.v{number}", "value": "x" * 200} for number in range(10)]
    site = script_site(*steps, {"op": "label", "value": "LBL"})
    answer = only(site.task("8001"), events.LabelChosen)
    assert len(answer.context.variables) == 9
