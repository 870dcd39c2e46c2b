"""A changed configuration and what becomes of whom (semantics 1.1, 5.3; `ctigw.routing.reload`)."""

from typing import Any

import attrs
import pytest

from ctigw.config.routing import (
    ApplicationPath,
    ApplicationPathMember,
    Attribute,
    PrecisionQueue,
    RoutingSettings,
    SkillGroup,
)
from ctigw.errors import ConfigurationError
from ctigw.routing import events, facts, inputs
from ctigw.routing.facts import Event
from ctigw.routing.terms import AgentState, NewTaskFailureReason, TaskState
from portrait import portrait, state_of
from routing_site import (
    CHAT,
    EMAIL,
    PATH,
    PERIPHERAL,
    QUEUE_EMAIL,
    Script,
    Site,
    agent,
    of,
    only,
    public,
    settings,
    steps,
    views,
)

AGENTS = (agent(101), agent(102))
ENGLISH = (Attribute("english", "proficiency"),)
WAITING: Script = ({"op": "queue", "to": ["sg:chat"], "priority": 5}, {"op": "wait", "seconds": 50})


def site(scripts: dict[str, Script] | None = None, **changes: Any) -> Site:  # noqa: ANN401 - those of settings
    return Site(settings(scripts, **({"agents": AGENTS} | changes)))


def reload(
    site: Site,
    scripts: dict[str, Script] | None = None,
    change: dict[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - those of settings
) -> list[Event]:
    """Other settings, and what is due at once because of them."""
    new = attrs.evolve(settings(scripts, **({"agents": AGENTS} | changes)), **change or {})
    return site.say(inputs.SettingsChanged(new)) + site.pass_time(0.0)


def started(site: Site, number: int = 101, mrd: int = CHAT, selector: str = "8000") -> Any:  # noqa: ANN401 - a TaskId
    """A task that the agent works on."""
    task_id = only(site.task(selector), events.AgentChosen).task_id
    site.about(inputs.StartTask, number, task_id, mrd)
    return task_id


def accepted(happened: list[Event]) -> Any:  # noqa: ANN401 - a TaskId
    return only(happened, events.TaskAccepted).task_id


# --- the whole -------------------------------------------------------------------------------------------------------


def test_the_same_settings_change_nothing() -> None:
    one = site()
    one.ready(101)
    assert reload(one) == []


def test_settings_that_do_not_compile_change_nothing() -> None:
    one = site()
    one.ready(101)
    started(one)
    before = portrait(one.engine)
    with pytest.raises(ConfigurationError, match="no such step"):
        reload(one, {"8000": ({"op": "nonsense"},)}, agents=())
    assert portrait(one.engine) == before
    assert state_of(one.engine).settings == one.settings


def test_peers_hear_of_the_end_of_what_is_gone_before_the_new_configuration_holds() -> None:
    one = site()
    one.ready(101)
    started(one)
    happened = [type(event).__name__ for event in reload(one, agents=AGENTS[1:])]
    assert happened == ["TaskEnded", "AgentSignedOut", "TaskForgotten", "AgentStateChanged", "SettingsApplied"]


# --- agents ----------------------------------------------------------------------------------------------------------


def test_an_agent_who_is_gone_is_signed_out_everywhere_as_by_the_system() -> None:
    one = site()
    for mrd in (CHAT, EMAIL):
        one.ready(101, mrd=mrd)
    email = started(one, mrd=EMAIL, selector="e8000")
    chat = only(one.task(), events.AgentChosen).task_id
    happened = reload(one, agents=AGENTS[1:])
    assert [(e.task_id, e.disposition) for e in of(happened, events.TaskEnded)] == [(chat, 40), (email, 40)]
    assert only(happened, events.PreCallAborted).task_id == chat
    assert [e.view.reason_code for e in of(happened, events.AgentStateChanged)] == [50002, 50002]
    assert [state for _, _, state, _ in views(happened)] == [AgentState.LOGOUT] * 2
    assert one.engine.agent(101) is None
    assert one.engine.agent_view(101, CHAT, one.now) is None
    assert state_of(one.engine).domains == {}


def test_an_agent_who_stays_keeps_task_state_and_clock() -> None:
    one = site()
    one.ready(102)
    one.now += 10
    one.ready(101)
    task = started(one, 102)
    before = [one.engine.agent_view(number, CHAT, one.now) for number in (101, 102)]
    assert public(reload(one, chat={"start_timeout_s": 7.0}, agents=tuple(reversed(AGENTS)))) == []
    assert [one.engine.agent_view(number, CHAT, one.now) for number in (101, 102)] == before
    one.about(inputs.EndTask, 102, task, disposition=38)
    assert only(one.task(), events.AgentChosen).skill_target_id == 101, "has been available for longer"


def test_an_agent_who_comes_can_sign_in_and_is_given_what_waits() -> None:
    one = site(agents=AGENTS[:1])
    waiting = accepted(one.task())
    reload(one)
    chosen = only(one.ready(102), events.AgentChosen)
    assert (chosen.task_id, chosen.skill_target_id) == (waiting, 102)


def test_a_changed_member_of_a_group_is_given_what_waits_there_at_once() -> None:
    one = site(agents=(agent(101, ("email",)), agent(102)))
    one.ready(101)
    waiting = accepted(one.task())
    chosen = only(reload(one), events.AgentChosen)
    assert (chosen.task_id, chosen.skill_target_id) == (waiting, 101)


def test_who_leaves_a_group_gets_nothing_of_it_any_more() -> None:
    one = site()
    one.ready(101)
    reload(one, agents=(agent(101, ("email",)), agent(102)))
    assert not of(one.task(), events.AgentChosen)


def test_an_agent_for_whom_another_path_reports_is_signed_out() -> None:
    one = site()
    one.ready(101)
    path = ApplicationPath(PATH + 1, (ApplicationPathMember(PERIPHERAL, (CHAT, EMAIL)),))
    assert views(reload(one, change={"application_paths": (path,)})) == [(101, CHAT, AgentState.LOGOUT, False)]


def test_the_answer_of_an_ended_task_is_forgotten_with_its_agent() -> None:
    one = site()
    one.ready(101)
    task = started(one)
    one.about(inputs.EndTask, 101, task, disposition=38)
    assert only(reload(one, agents=AGENTS[1:]), facts.TaskForgotten).task_id == task


# --- domains ---------------------------------------------------------------------------------------------------------


def test_interruptible_stays_as_it_was_at_sign_in_until_the_next_one() -> None:
    one = site()
    one.ready(101, mrd=EMAIL)
    key = (101, EMAIL)
    reload(one, email={"interruptible": False})
    assert state_of(one.engine).domains[key].interruptible  # type: ignore[index]
    one.report(inputs.MediaLogout, 101, EMAIL)
    one.ready(101, mrd=EMAIL)
    assert not state_of(one.engine).domains[key].interruptible  # type: ignore[index]


def test_times_of_a_domain_count_for_what_begins_from_now_on() -> None:
    one = site(chat={"start_timeout_s": 30.0})
    one.ready(101, 102)
    running = only(one.task(), events.AgentChosen)
    reload(one, chat={"start_timeout_s": 5.0})
    later = only(one.task(), events.AgentChosen)
    assert running.start_deadline == one.now + 30
    assert later.start_deadline == one.now + 5
    assert [e.task_id for e in of(one.pass_time(29), events.TaskEnded)] == [later.task_id]


def test_limits_of_a_domain_count_what_waits_already() -> None:
    one = site()
    one.task()
    reload(one, chat={"max_tasks_per_call_type": 2})
    one.task()
    assert only(one.task(), events.TaskFailed).reason is NewTaskFailureReason.ROUTER_RELEASED_TASK


def test_a_domain_that_is_gone_signs_its_agents_out_and_fails_what_waits() -> None:
    one = site()
    one.ready(101, mrd=EMAIL)
    one.ready(101)
    held = started(one, mrd=EMAIL, selector="e8000")
    waiting = accepted(one.task("e8000"))
    old = settings({}, agents=(agent(101, ("chat",)), agent(102, ("chat",))))
    new = attrs.evolve(
        old,
        media_routing_domains=old.media_routing_domains[:1],
        skill_groups=old.skill_groups[:1],
        call_types=old.call_types[:1],
        script_selectors=old.script_selectors[:1],
        application_paths=(ApplicationPath(PATH, (ApplicationPathMember(PERIPHERAL, (CHAT,)),)),),
    )
    happened = one.say(inputs.SettingsChanged(new))
    assert {e.task_id: e.disposition for e in of(happened, events.TaskEnded)} == {held: 40, waiting: 35}
    assert only(happened, events.TaskFailed).reason is NewTaskFailureReason.INVALID_MRD_ID
    assert views(happened) == [(101, EMAIL, AgentState.LOGOUT, False)]
    assert one.state(101) is AgentState.NOT_ACTIVE
    assert only(one.task("e8000"), events.TaskRejected)
    assert only(one.task(), events.AgentChosen).skill_target_id == 101


# --- queues ----------------------------------------------------------------------------------------------------------


OTHER = (SkillGroup("other", 3, CHAT),)
BOTH: Script = ({"op": "queue", "to": ["sg:chat", "sg:other"]},)


def test_tasks_leave_a_queue_that_is_gone_and_stay_in_the_others() -> None:
    one = site({"8000": BOTH}, groups=OTHER)
    task = accepted(one.task())
    happened = reload(one, {"8000": ({"op": "queue", "to": ["sg:chat"]},)})
    assert [entry.queue.label for entry in only(happened, events.TaskDequeued).entries] == ["sg:other"]
    assert [entry.queue.label for entry in state_of(one.engine).tasks[task].entries] == ["sg:chat"]


def test_a_task_that_then_stands_nowhere_and_has_no_step_left_fails_with_reason_7() -> None:
    one = site({"8001": ({"op": "queue", "to": ["sg:other"]},)}, groups=OTHER)
    task = accepted(one.task("8001"))
    happened = reload(one)
    assert only(happened, events.TaskFailed).reason is NewTaskFailureReason.NO_TARGET
    assert only(happened, events.TaskEnded).task_id == task


def test_a_queue_with_another_number_is_another_queue_and_the_script_comes_to_it_again() -> None:
    one = site({"8001": ({"op": "queue", "to": ["sg:other"]},)}, groups=OTHER)
    task = accepted(one.task("8001"))
    reload(one, {"8001": ({"op": "queue", "to": ["sg:other"]},)}, groups=(SkillGroup("other", 33, CHAT),))
    assert [entry.queue.id for entry in state_of(one.engine).tasks[task].entries] == [33]


def test_a_task_that_waited_for_an_agent_who_is_gone_goes_on_at_once() -> None:
    script: Script = (
        {"op": "preferred_agent", "wait_s": 600, "queue_if_not_logged_in": True},
        {"op": "queue", "to": ["sg:chat"]},
    )
    one = site({"8001": script})
    task = accepted(one.task("8001", preferred_skill_target_id=101))
    assert [e.queue.label for e in state_of(one.engine).tasks[task].entries] == ["agent:101"]
    reload(one, {"8001": script}, agents=AGENTS[1:])
    assert [e.queue.label for e in state_of(one.engine).tasks[task].entries] == ["sg:chat"]


def test_a_task_waits_on_for_a_preferred_agent_who_stays() -> None:
    script: Script = ({"op": "preferred_agent", "wait_s": 600, "queue_if_not_logged_in": True},)
    one = site({"8001": script})
    task = accepted(one.task("8001", preferred_skill_target_id=101))
    reload(one, {"8001": script}, agents=AGENTS[:1])
    chosen = only(one.ready(101), events.AgentChosen)
    assert (chosen.task_id, chosen.skill_target_id) == (task, 101)


def test_statistics_of_a_queue_go_on_and_are_judged_by_the_new_threshold() -> None:
    one = site(chat={"service_level_threshold_s": 100.0})
    one.task()
    reload(one, chat={"service_level_threshold_s": 5.0})
    one.pass_time(6)
    statistics = one.engine.queue_statistics("sg:chat", one.now)
    assert statistics is not None
    assert (statistics.total.offered, statistics.total.late, statistics.queued_now) == (1, 1, 1)


# --- precision queues ------------------------------------------------------------------------------------------------


def fluent(*matches: tuple[str, float], **changes: Any) -> RoutingSettings:  # noqa: ANN401 - those of the queue
    return settings(
        {"8001": ({"op": "queue", "to": ["pq:fluent"]},)},
        agents=(agent(101, english=3), agent(102, english=9)),
        attributes=ENGLISH,
        precision_queues=(attrs.evolve(PrecisionQueue("fluent", 9, CHAT, steps(*matches)), **changes),),
    )


def test_tasks_of_a_precision_queue_whose_definition_changed_begin_at_step_1_with_the_whole_wait() -> None:
    one = Site(fluent(("english >= 10", 10.0), ("english >= 5", 10.0), ("english >= 1", 0.0)))
    one.ready(101)
    one.task("8001")
    one.pass_time(15)
    one.say(inputs.SettingsChanged(fluent(("english >= 10", 12.0), ("english >= 3", 10.0))))
    assert one.pass_time(11.9) == []
    assert only(one.pass_time(0.2), events.AgentChosen).skill_target_id == 101


def test_of_another_precision_queue_the_wait_goes_on() -> None:
    waits = (("english >= 10", 10.0), ("english >= 1", 0.0))
    one = Site(fluent(*waits))
    one.ready(101)
    one.task("8001")
    one.pass_time(6)
    one.say(inputs.SettingsChanged(fluent(*waits, service_level_threshold_s=3.0)))
    assert of(one.pass_time(4), events.AgentChosen)


def test_an_agent_whose_attribute_changed_moves_in_the_precision_queue_at_once() -> None:
    waits = (("english >= 10", 100.0), ("english >= 9", 0.0))
    one = Site(fluent(*waits))
    one.ready(101)
    one.task("8001")
    new = attrs.evolve(fluent(*waits), agents=(agent(101, english=10), agent(102, english=9)))
    assert only(one.say(inputs.SettingsChanged(new)), events.AgentChosen).skill_target_id == 101


def test_a_precision_queue_of_one_step_serves_tasks_that_had_come_to_the_third() -> None:
    one = Site(fluent(("english >= 10", 1.0), ("english >= 10", 1.0), ("english >= 10", 0.0)))
    one.ready(101)
    one.task("8001")
    one.pass_time(5)
    assert only(one.say(inputs.SettingsChanged(fluent(("english >= 1", 0.0)))), events.AgentChosen)


# --- scripts and selectors -------------------------------------------------------------------------------------------


def test_a_waiting_task_goes_on_at_the_beginning_of_a_changed_script_and_keeps_its_place() -> None:
    one = site({"8000": WAITING, "8001": WAITING}, groups=OTHER)
    first, second = accepted(one.task("8000")), accepted(one.task("8001"))
    changed: Script = ({"op": "queue", "to": ["sg:chat"], "priority": 5}, *BOTH, {"op": "wait", "seconds": 7})
    reload(one, {"8000": changed, "8001": WAITING}, groups=OTHER)
    state = state_of(one.engine)
    assert [entry.queue.label for entry in state.tasks[first].entries] == ["sg:chat", "sg:other"]
    assert state.tasks[first].resume_at == one.now + 7
    assert [entry.queue.label for entry in state.tasks[second].entries] == ["sg:chat"]
    assert only(one.ready(101), events.AgentChosen).task_id == first


def test_a_task_whose_script_stays_waits_on() -> None:
    one = site({"8001": (*WAITING, {"op": "label", "value": "L"})})
    one.task("8001")
    one.pass_time(20)
    reload(one, {"8001": (*WAITING, {"op": "label", "value": "L"}), "8002": WAITING})
    assert not of(one.pass_time(29.9), events.LabelChosen)
    assert of(one.pass_time(0.2), events.LabelChosen)


def test_a_task_whose_call_type_is_gone_stays_where_it_stands() -> None:
    one = site({"8001": WAITING})
    task = accepted(one.task("8001"))
    reload(one)
    one.pass_time(60)
    assert state_of(one.engine).tasks[task].state is TaskState.QUEUED
    assert only(one.ready(101), events.AgentChosen).task_id == task


def test_a_task_kept_for_a_lost_client_goes_on_with_the_new_script_when_it_is_taken_up() -> None:
    one = Site(settings({"8001": WAITING}, agents=AGENTS, groups=OTHER), requeue=True)
    task = accepted(one.task("8001", uui=b"u", dialogue=7))
    one.say(inputs.RoutingClientLost(11))
    happened = reload(one, {"8001": BOTH}, groups=OTHER) + one.pass_time(30)
    assert not of(happened, events.TaskQueued)
    one.say(inputs.RoutingClientOpened(12, "webchat", True))
    one.task("8001", uui=b"u", dialogue=7, session=12)
    one.pass_time(0)
    assert [e.queue.label for e in state_of(one.engine).tasks[task].entries] == ["sg:chat", "sg:other"]


def test_selectors_count_for_new_tasks() -> None:
    one = site({"8001": WAITING})
    old = accepted(one.task("8001"))
    reload(one, {"8001": QUEUE_EMAIL})
    assert state_of(one.engine).tasks[old].mrd.id == CHAT
    assert only(one.task("8001"), events.TaskAccepted).mrd_id == CHAT
    assert only(reload(one), facts.SettingsApplied)
    assert only(one.task("8001"), events.TaskRejected)
