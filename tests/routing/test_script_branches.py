"""Scripts that go one way or another: `if`, `branch_mrd`, `schedule`, and which ways back are allowed (decisions H)."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ctigw.config.routing import CallType, RoutingSettings, ScriptSelector, SkillGroup
from ctigw.errors import ConfigurationError
from ctigw.routing import events, inputs
from ctigw.routing.inputs import Variable
from ctigw.routing.scripts.compilation import compile_scripts
from ctigw.routing.scripts.local_time import Zone
from ctigw.routing.scripts.schedule import parse_open_hours
from routing_site import CHAT, EMAIL, START, Script, Site, agent, only, settings, without

YES, NO = {"op": "label", "value": "yes", "label": "yes"}, {"op": "label", "value": "no"}
GROUPS = (SkillGroup("second", 3, CHAT),)


def answer(events_: list[Any]) -> str:
    """The label that a script answered with."""
    return str(only(events_, events.LabelChosen).label)


def asked(when: str, *given: Variable, **fields: Any) -> str:  # noqa: ANN401 - fields of NewTask
    """What a script that asks `when` says about a task with these variables."""
    site = Site(settings({"8001": ({"op": "if", "when": when, "goto": "yes"}, NO, YES)}))
    return answer(site.task("8001", variables=given, **fields))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("call.1 == 'gold'", "yes"),
        ("call.1 != 'gold'", "no"),
        ("call.1 == 'silver'", "no"),
        ("call.9 == 'gold'", "no"),
        ("call.9 != 'gold'", "no"),  # a task without the variable: the comparison is false
        ("not call.9 == 'gold'", "yes"),
        ("ecc.user.tier == '7'", "yes"),
        ("ecc.user.tier == 7", "yes"),
        ("ecc.user.tier >= 6.5 and ecc.user.tier < 8", "yes"),
        ("7 == ecc.user.tier", "yes"),
        ("ecc.user.tier > 7", "no"),
        ("call.1 > 1", "no"),  # no number
        ("call.1 != 1", "no"),
        ("call.1 == ecc.user.tier", "no"),
        ("ecc.user.list == 'a'", "no"),  # an array is no text
        ("mrd == 'chat'", "yes"),
        ("mrd == 'email'", "no"),
        ("service == 0", "yes"),
        ("time_in_queue_s == 0", "yes"),
        ("priority > 0", "no"),
    ],
)
def test_if_compares_variables_as_text_and_as_numbers(when: str, expected: str) -> None:
    given = (
        Variable("call.1", None, "gold"),
        Variable("ecc.user.tier", None, "7"),
        Variable("ecc.user.list", 0, "a"),
    )
    assert asked(when, *given) == expected


def test_if_knows_the_service_that_the_task_came_with() -> None:
    assert asked("service == 3", service=3) == "yes"


def test_if_looks_at_a_variable_that_the_script_has_set() -> None:
    script = (
        {"op": "queue", "to": ["sg:chat"]},
        {"op": "set", "variable": "call.1", "value": "x"},
        {"op": "if", "when": "call.1 == 'x'", "goto": "yes"},
        NO,
        YES,
    )
    assert answer(Site(settings({"8001": script})).task("8001")) == "yes"


def test_if_sees_depth_age_and_agents_of_queues_of_any_domain() -> None:
    def says(when: str) -> str:
        return answer(site.task(selector_of[when]))

    conditions = (
        "queue.sg:chat.depth == 0",
        "queue.sg:chat.depth == 2",
        "queue.sg:chat.oldest_s == 0",
        "queue.sg:chat.oldest_s == 30",
        "queue.sg:email.agents_available == 0",
        "queue.sg:email.agents_available == 2",
        "queue.agent:101.depth == 0 and queue.agent:101.agents_available == 0",
        "queue.agent:103.agents_available == 1",
    )
    selector_of = {when: f"if{number}" for number, when in enumerate(conditions)}
    scripts: dict[str, Script] = {
        name: ({"op": "if", "when": when, "goto": "yes"}, NO, YES) for when, name in selector_of.items()
    }
    agents = (agent(101), agent(102), agent(103, ["second"]))
    site = Site(settings(scripts, agents=agents, groups=GROUPS))
    assert [says(when) for when in conditions] == ["yes", "no", "yes", "no", "yes", "no", "yes", "no"]
    site.task(), site.task()
    site.now += 30
    site.ready(101, 102, mrd=EMAIL)
    site.sign_in(103)
    assert says("queue.agent:103.agents_available == 1") == "no"
    site.report(inputs.MakeAgentReady, 103)
    assert [says(when) for when in conditions] == ["no", "yes", "no", "yes", "no", "yes", "yes", "yes"]
    site.report(inputs.MakeAgentNotReady, 101, EMAIL)
    site.task("e8000")
    assert says("queue.sg:email.agents_available == 0") == "yes"


def test_agent_who_has_a_task_and_a_slot_left_is_available_still() -> None:
    when = "queue.sg:chat.agents_available == 1"
    site = Site(settings({"8001": ({"op": "if", "when": when, "goto": "yes"}, NO, YES)}))
    site.ready(101, limit=3)
    for expected in ("yes", "yes", "yes", "no"):
        assert answer(site.task("8001")) == expected
        site.task()


def test_if_sees_the_best_priority_and_the_time_in_queue_of_the_task() -> None:
    script = (
        {"op": "queue", "to": ["sg:chat"], "priority": 7},
        {"op": "queue", "to": ["sg:second"], "priority": 3},
        {"op": "wait", "seconds": 10},
        {"op": "if", "when": "priority == 3 and time_in_queue_s == 10", "goto": "yes"},
        NO,
        YES,
    )
    site = Site(settings({"8001": script}, groups=GROUPS))
    site.task("8001")
    assert answer(site.pass_time(10)) == "yes"


def branch_site(**more: Any) -> Site:  # noqa: ANN401 - keys of the step
    """One script for both domains."""
    script = (
        {"op": "branch_mrd", **more},
        NO,
        YES,
        {"op": "label", "value": "other", "label": "other"},
    )
    made = settings({"8001": script})
    selectors = (*made.script_selectors, ScriptSelector("e8001", EMAIL, "ct_8001"))
    return Site(without(made, script_selectors=selectors))


def test_6_1_branch_mrd_goes_where_the_domain_says_else_otherwise_else_on() -> None:
    site = branch_site(cases={"chat": "yes"}, otherwise="other")
    assert (answer(site.task("8001")), answer(site.task("e8001"))) == ("yes", "other")
    site = branch_site(cases={"chat": "yes"})
    assert (answer(site.task("8001")), answer(site.task("e8001"))) == ("yes", "no")


# --- schedule --------------------------------------------------------------------------------------------------------


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> float:
    """UTC seconds of a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def is_open(hours: str, text: str, zone: str = "Europe/Berlin", fold: int = 0) -> bool:
    return parse_open_hours(hours).hold(*Zone(zone).local_time(at(text, zone, fold)))


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        # 2026-11-23 is a Monday.
        ("Mo-Fr 08:00-18:00", ["2026-11-23T08:00", "2026-11-27T17:59:59"], ["2026-11-23T18:00", "2026-11-28T12:00"]),
        ("Mo 08:00-12:00, 13:00-18:00", ["2026-11-23T11:59", "2026-11-23T13:00"], ["2026-11-23T12:00"]),
        ("Mo 8:00-12:00; Sa 09:00-13:00", ["2026-11-23T08:30", "2026-11-28T09:00"], ["2026-11-28T08:59"]),
        ("Mo 08:00-12:00, Sa 09:00-13:00", ["2026-11-28T09:00"], ["2026-11-28T08:30", "2026-11-23T12:30"]),
        ("Mo, We-Th 08:00-12:00", ["2026-11-23T08:00", "2026-11-26T08:00"], ["2026-11-24T08:00"]),
        ("Mo, We, Fr 08:00-12:00", ["2026-11-23T08:00", "2026-11-25T08:00", "2026-11-27T08:00"], ["2026-11-24T08:00"]),
        ("Fr-Mo 10:00-11:00", ["2026-11-27T10:00", "2026-11-29T10:00", "2026-11-23T10:00"], ["2026-11-24T10:00"]),
        ("Mo 22:00-06:00", ["2026-11-23T22:00", "2026-11-24T05:59"], ["2026-11-24T06:00", "2026-11-23T05:59"]),
        ("Su 22:00-06:00", ["2026-11-23T05:59"], ["2026-11-24T05:59"]),
        ("Mo 22:00-24:00", ["2026-11-23T23:59:59"], ["2026-11-24T00:00"]),
        ("Mo 22:00-00:00", ["2026-11-23T23:59:59"], ["2026-11-24T00:00"]),
        ("08:00-09:00", ["2026-11-28T08:00", "2026-11-29T08:00"], ["2026-11-29T09:00"]),
        ("Sa 10:00-11:00; 08:00-09:00", ["2026-11-24T08:00"], ["2026-11-24T10:00"]),
        ("mo-su 00:00-24:00", ["2026-11-28T00:00", "2026-11-29T23:59:59"], []),
    ],
)
def test_open_hours_hold(hours: str, inside: list[str], outside: list[str]) -> None:
    assert [is_open(hours, text) for text in inside] == [True] * len(inside)
    assert [is_open(hours, text) for text in outside] == [False] * len(outside)


def test_open_hours_are_those_of_the_zone() -> None:
    noon = at("2026-11-23T12:00", "America/New_York")
    for zone, expected in (("America/New_York", True), ("Europe/Berlin", False), ("UTC", False)):
        assert parse_open_hours("Mo 09:00-13:00").hold(*Zone(zone).local_time(noon)) is expected


def test_hour_that_the_clocks_leave_out_is_never_open_and_what_goes_past_it_opens_after_it() -> None:
    # 2026-03-29 in Berlin: 02:00 is followed by 03:00.
    before, after = at("2026-03-29T01:59:59"), at("2026-03-29T03:00")
    assert after - before == 1
    zone = Zone("Europe/Berlin")
    assert not any(
        parse_open_hours("Su 02:00-03:00").hold(*zone.local_time(before + second)) for second in range(-3600, 3600)
    )
    for hours, expected in (("Su 02:30-04:00", (False, True)), ("Su 01:00-02:30", (True, False))):
        found = parse_open_hours(hours)
        assert (found.hold(*zone.local_time(before)), found.hold(*zone.local_time(after))) == expected


def test_hour_that_the_clocks_repeat_is_open_twice() -> None:
    # 2026-10-25 in Berlin: 02:00 to 03:00 comes twice.
    assert at("2026-10-25T02:15", fold=1) - at("2026-10-25T02:15") == 3600
    for fold in (0, 1):
        assert is_open("Su 02:00-02:30", "2026-10-25T02:15", fold=fold)
        assert not is_open("Su 02:00-02:30", "2026-10-25T02:45", fold=fold)


def test_schedule_step_goes_to_its_label_while_it_is_open() -> None:
    step = {"op": "schedule", "zone": "UTC", "open": "Mo-Su 00:00-24:00", "goto": "yes"}
    local = Zone("UTC").local_time(START)
    hour = local.second // 3600
    soon = step | {"open": f"{hour + 1:02}:00-{hour + 2:02}:00"}
    site = Site(settings({"8001": (step, NO, YES), "8002": (soon, NO, YES)}))
    assert (answer(site.task("8001")), answer(site.task("8002"))) == ("yes", "no")
    site.now += 3600
    assert answer(site.task("8002")) == "yes"


# --- what is refused -------------------------------------------------------------------------------------------------

IF = {"op": "if", "when": "call.1 == 'x'", "goto": "b"}
MRD = {"op": "branch_mrd", "cases": {"chat": "b"}}
HOURS = {"op": "schedule", "zone": "UTC", "open": "Mo 08:00-09:00", "goto": "b"}


def refused(*script: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        compile_scripts(settings({"8001": script}))
    return str(caught.value)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({**IF, "when": "colour == 'red'"}, ["when", "colour"]),
        ({**IF, "when": ""}, ["when"]),
        ({**IF, "when": 5}, ["when", "5"]),
        ({**IF, "when": "call.11 == 'x'"}, ["call.11"]),
        ({**IF, "when": "queue.sg:none.depth > 1"}, ["queue.sg:none.depth"]),
        ({**IF, "when": "queue.sg:chat.colour > 1"}, ["queue.sg:chat.colour"]),
        ({**IF, "when": "queue.sg:chat.depth == '1'"}, ["int with str"]),
        ({**IF, "when": "call.1 < 'x'"}, ["compares numbers"]),
        ({**IF, "when": "call.1 == true"}, ["str with bool"]),
        ({**IF, "when": "mrd > 5 or"}, ["ends"]),
        ({**IF, "goto": "nowhere"}, ["goto", "nowhere"]),
        ({**IF, "goto": ["b"]}, ["goto"]),
        ({"op": "if", "when": "call.1 == 'x'"}, ["goto", "no step has this label"]),
        ({**MRD, "cases": {}}, ["cases", "names no domain"]),
        ({**MRD, "cases": ["chat"]}, ["cases"]),
        ({**MRD, "cases": {"voice": "b"}}, ["voice", "chat, email"]),
        ({**MRD, "cases": {"chat": "nowhere"}}, ["cases", "nowhere"]),
        ({**MRD, "otherwise": "nowhere"}, ["otherwise", "nowhere"]),
        ({**HOURS, "zone": "Europe/Bonn"}, ["zone", "Europe/Bonn"]),
        ({**HOURS, "zone": "Europe"}, ["zone"]),
        ({**HOURS, "zone": "../etc/passwd"}, ["zone"]),
        ({**HOURS, "zone": ""}, ["zone"]),
        ({**HOURS, "open": "always"}, ["open", "'always'"]),
        ({**HOURS, "open": "Mo"}, ["open", "without times"]),
        ({**HOURS, "open": "Mo; Tu 08:00-09:00"}, ["without times"]),
        ({**HOURS, "open": "Mo 08:00-09:00,"}, ["cannot read"]),
        ({**HOURS, "open": "Mx 08:00-09:00"}, ["Mx"]),
        ({**HOURS, "open": "Mo 08:60-09:00"}, ["08:60"]),
        ({**HOURS, "open": "Mo 08:00-24:01"}, ["24:01"]),
        ({**HOURS, "open": "Mo 08:00-08:00"}, ["empty"]),
        ({**HOURS, "open": "Mo 24:00-08:00"}, ["empty"]),
        ({**HOURS, "closed": "Su"}, ["closed"]),
    ],
)
def test_faulty_branch_is_refused_by_call_type_number_and_operation(step: dict[str, Any], words: list[str]) -> None:
    text = refused(step, {"op": "wait", "seconds": 1, "label": "b"})
    for word in ("ct_8001", "step 1", step["op"], *words):
        assert word in text


BEGIN = {"op": "set", "variable": "call.2", "value": "x", "label": "b"}
WAIT = {"op": "wait", "seconds": 1}


@pytest.mark.parametrize(
    ("step", "key"),
    [
        (IF, "goto"),
        (HOURS, "goto"),
        (MRD, "cases"),
        ({**MRD, "cases": {"chat": "end"}, "otherwise": "b"}, "cases"),
        ({"op": "queue", "to": ["sg:chat"], "on_full": "b"}, "on_full"),
    ],
)
def test_way_back_is_allowed_only_past_a_wait(step: dict[str, Any], key: str) -> None:
    end = {"op": "release", "label": "end"}
    text = refused(BEGIN, step, end)
    assert "without passing a wait" in text
    assert "step 2" in text
    assert key in text
    compile_scripts(settings({"8001": (BEGIN, WAIT, step, end)}))


def test_way_round_that_one_branch_takes_without_the_wait_is_refused() -> None:
    around = {"op": "if", "when": "call.1 == 'x'", "goto": "over"}
    back = {"op": "if", "when": "call.2 == 'x'", "goto": "b", "label": "over"}
    text = refused(BEGIN, around, WAIT, back)
    assert "step 4 (if)" in text
    compile_scripts(settings({"8001": (BEGIN, WAIT, around, WAIT, back)}))


def test_forward_branches_of_a_long_script_compile_in_passing() -> None:
    script = [{**IF, "goto": f"l{n + 1}", "label": f"l{n}"} for n in range(3000)]
    site = RoutingSettings(
        call_types=(CallType("long", (*script, {"op": "release", "label": "l3000"})),),
    )
    assert len(compile_scripts(site)["long"].steps) == 3001
