"""Who gets which task: order of tasks and of agents, limits, estimated wait (semantics 5.2 to 5.5, decisions E4)."""

import pytest

from ctigw.config.routing import Agent, Attribute, PrecisionQueue, RouterSettings, SkillGroup
from ctigw.routing import events, inputs, terms
from ctigw.routing.terms import (
    NewTaskFailureReason,
)
from routing_site import CHAT, EMAIL, QUEUE_CHAT, QUEUE_EMAIL, Site, agent, names, of, only, public, settings, steps

GROUPS = (SkillGroup("second", 3, CHAT),)


def chosen(site: Site, selector: str = "8000") -> int | None:
    found = of(site.task(selector), events.AgentChosen)
    return found[0].skill_target_id if found else None


def test_5_2_most_free_slots_come_before_longest_available() -> None:
    site = Site()
    site.ready(101, limit=2)
    site.now += 10
    site.ready(102, limit=3)
    assert [chosen(site) for _ in range(5)] == [102, 101, 102, 101, 102]


def test_5_2_longest_available_decides_between_equal_slots_and_the_number_between_equal_times() -> None:
    site = Site()
    site.ready(103, 102)
    site.now += 10
    site.ready(101)
    assert [chosen(site) for _ in range(3)] == [102, 103, 101]


def test_5_2_clock_of_an_agent_begins_anew_when_a_slot_comes_free() -> None:
    site = Site()
    site.ready(101)
    site.now += 10
    site.ready(102)
    site.now += 10
    task_id = only(site.task(), events.AgentChosen).task_id
    site.about(inputs.EndTask, 101, task_id)  # available again, but since later than 102
    assert [chosen(site), chosen(site)] == [102, 101]


def test_5_2_clock_of_an_agent_goes_on_when_a_slot_is_taken() -> None:
    site = Site()
    site.ready(102, limit=3)
    site.now += 10
    site.ready(101, limit=2)
    site.now += 10
    assert [chosen(site), chosen(site)] == [102, 102]  # equal slots after the first, but available for longer


def test_5_2_group_with_the_longest_available_agent_wins_even_against_more_slots() -> None:
    site = Site(
        settings(
            {"8001": ({"op": "queue", "to": ["sg:chat", "sg:second"]},)},
            agents=(agent(101, ["chat"]), agent(102, ["second"]), agent(103, ["second"])),
            groups=GROUPS,
        )
    )
    site.ready(102, limit=1)
    site.now += 5
    site.ready(101, limit=9)
    site.ready(103, limit=2)
    assert chosen(site, "8001") == 103  # second group: 102 waits longest there, 103 has most slots in it


def test_5_4_better_priority_goes_first_then_age_over_all_queues_of_the_agent() -> None:
    site = Site(
        settings(
            {
                "8001": ({"op": "queue", "to": ["sg:chat"], "priority": 7},),
                "8002": ({"op": "queue", "to": ["sg:second"], "priority": 2},),
                "8003": ({"op": "queue", "to": ["sg:second"], "priority": 7},),
            },
            agents=(agent(101, ["chat", "second"]),),
            groups=GROUPS,
        )
    )
    ids = [only(site.task(s), events.TaskAccepted).task_id for s in ("8003", "8001", "8002", "8001")]
    served = of(site.ready(101, limit=4), events.AgentChosen)
    assert [event.task_id for event in served] == [ids[2], ids[0], ids[1], ids[3]]


def test_5_4_task_in_two_queues_leaves_both_when_it_is_given() -> None:
    site = Site(settings({"8001": ({"op": "queue", "to": ["sg:chat", "sg:second"]},)}, groups=GROUPS))
    site.task("8001")
    gone = only(site.ready(101), events.TaskDequeued)
    assert [entry.queue.label for entry in gone.entries] == ["sg:chat", "sg:second"]
    assert site.engine.census().queues["sg:second"].depth == 0


def test_1_1_full_queue_gives_the_task_back_to_be_asked_again() -> None:
    for limit in (
        {"router": RouterSettings(max_tasks_in_queue=2)},
        {"router": RouterSettings(max_tasks_per_call_type=2)},
        {"chat": {"max_tasks_in_queue": 2}},
    ):
        site = Site(settings(**limit))
        site.task(), site.task()
        refused = site.task()
        assert public(refused) == ["TaskAccepted", "TaskFailed", "TaskEnded"]
        failed = only(refused, events.TaskFailed)
        assert (failed.reason, failed.cause_code) == (NewTaskFailureReason.ROUTER_RELEASED_TASK, 1)
        site.cancel(1)
        assert public(site.task()) == ["TaskAccepted", "TaskQueued"]


def test_1_1_task_that_waits_already_may_enter_further_queues_though_they_are_full() -> None:
    script = ({"op": "queue", "to": ["sg:chat"]}, {"op": "wait", "seconds": 1}, {"op": "queue", "to": ["sg:second"]})
    site = Site(settings({"8001": script}, groups=GROUPS, router=RouterSettings(max_tasks_in_queue=1)))
    site.task("8001")
    assert public(site.pass_time(1)) == ["TaskQueued"]


def test_1_1_limits_of_call_type_and_domain_leave_others_alone() -> None:
    site = Site(settings(router=RouterSettings(max_tasks_per_call_type=1), email={"max_tasks_in_queue": 1}))
    site.task()
    assert public(site.task("e8000")) == ["TaskAccepted", "TaskQueued"]


def test_1_1_domain_has_its_own_limit_per_call_type_instead_of_the_routers() -> None:
    scripts = {"8001": QUEUE_CHAT, "e8001": QUEUE_EMAIL}
    for own, router, admitted in ((1, 3, 1), (2, 1, 2), (0, 1, 4), (None, 2, 2), (None, 0, 4)):
        limits = {"router": RouterSettings(max_tasks_per_call_type=router), "chat": {"max_tasks_per_call_type": own}}
        site = Site(settings(scripts, **limits))  # type: ignore[arg-type]  # keywords of settings()
        queued = [bool(of(site.task("8000"), events.TaskQueued)) for _ in range(4)]
        assert queued == [True] * admitted + [False] * (4 - admitted)
        assert of(site.task("8001"), events.TaskQueued)  # another call type has its own count
        site.cancel(1)
        assert of(site.task("8000"), events.TaskQueued)


def test_1_1_domain_has_its_own_longest_time_in_queue_instead_of_the_routers() -> None:
    router = RouterSettings(max_time_in_queue_s=100.0)
    site = Site(settings(router=router, chat={"max_time_in_queue_s": 50.0}, email={"max_time_in_queue_s": 200.0}))
    chat, mail = (only(site.task(selector), events.TaskAccepted).task_id for selector in ("8000", "e8000"))
    assert [event.task_id for event in of(site.pass_time(50), events.TaskFailed)] == [chat]
    assert site.pass_time(149) == []
    assert [event.task_id for event in of(site.pass_time(1), events.TaskFailed)] == [mail]


def test_5_4_task_that_is_queued_again_is_offered_anew_with_a_new_time_in_queue() -> None:
    script = (*QUEUE_CHAT, {"op": "wait", "seconds": 60}, {"op": "cancel_queue"}, *QUEUE_CHAT)
    site = Site(settings({"8001": script}, router=RouterSettings(max_time_in_queue_s=100.0)))
    site.task("8001")
    assert public(site.pass_time(60)) == ["TaskDequeued", "TaskQueued"]
    assert site.pass_time(99) == []
    assert public(site.pass_time(1)) == ["TaskDequeued", "TaskFailed", "TaskEnded"]


def test_1_1_on_full_goes_on_at_its_label() -> None:
    script = (
        {"op": "queue", "to": ["sg:chat"], "on_full": "elsewhere"},
        {"op": "wait", "seconds": 60},
        {"op": "label", "value": "LBL", "label": "elsewhere"},
    )
    site = Site(settings({"8001": script}, router=RouterSettings(max_tasks_in_queue=1)))
    site.task("8001")
    assert public(site.task("8001")) == ["TaskAccepted", "LabelChosen", "TaskEnded"]


def test_1_1_task_too_long_in_queues_is_given_back_with_cause_0() -> None:
    site = Site(settings(router=RouterSettings(max_time_in_queue_s=100.0)))
    site.task()
    assert site.pass_time(99) == []
    old = site.pass_time(1)
    assert names(old) == ["TaskDequeued", "TaskFailed", "TaskEnded"]
    failed = only(old, events.TaskFailed)
    assert (failed.reason, failed.cause_code) == (NewTaskFailureReason.ROUTER_RELEASED_TASK, 0)
    assert only(old, events.TaskEnded).disposition == 35


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"service": 8, "selector": "none"}, NewTaskFailureReason.UNSUPPORTED_SERVICE_REQUESTED),
        ({"selector": "none", "mrd_id": 9}, NewTaskFailureReason.INVALID_SCRIPT_SELECTOR),
        ({"selector": "unwritten", "mrd_id": EMAIL}, NewTaskFailureReason.INVALID_MRD_ID),
        ({"selector": "8000", "mrd_id": 9}, NewTaskFailureReason.INVALID_MRD_ID),
        ({"selector": "unwritten", "service": 4}, NewTaskFailureReason.NO_SCRIPT),
        ({"session": 99}, NewTaskFailureReason.UNKNOWN_ROUTING_PROBLEM),
    ],
)
def test_6_1_new_task_is_refused_for_the_first_check_that_fails(
    changes: dict[str, object], reason: NewTaskFailureReason
) -> None:
    site = Site(settings({"unwritten": ()}))
    refused = site.task(**changes)  # type: ignore[arg-type]  # parametrized fields of NewTask
    assert names(refused) == ["TaskRejected"]
    assert only(refused, events.TaskRejected).reason is reason
    assert only(site.task(), events.TaskAccepted).task_id.key == 1  # no task id was used


def test_duplicate_dialogue_is_refused_and_the_open_one_untouched() -> None:
    site = Site()
    site.task(dialogue=5)
    refused = site.task(dialogue=5)
    assert only(refused, events.TaskRejected).reason is NewTaskFailureReason.DUPLICATE_NEW_TASK_REQUEST
    assert public(site.cancel(5)) == ["TaskDequeued", "TaskEnded", "CancelAnswered"]


def test_5_5_estimated_wait_is_position_times_window_by_departures() -> None:
    site = Site(settings({"8001": ({"op": "queue", "to": ["sg:chat"]}, {"op": "report_wait"})}))
    assert only(site.task("8001"), events.RunScriptRequested).estimated_wait_time_s is None
    site.cancel(1)  # one departure
    assert only(site.task("8001"), events.RunScriptRequested).estimated_wait_time_s == 300
    site.task("8001")
    site.cancel(3)  # two departures, one task ahead: 2 * 300 / 2
    assert only(site.task("8001"), events.RunScriptRequested).estimated_wait_time_s == 300
    assert only(site.task("8001"), events.RunScriptRequested).estimated_wait_time_s == 450
    site.pass_time(305)  # the departures are out of the window
    assert only(site.task("8001"), events.RunScriptRequested).estimated_wait_time_s is None


def precise(*agents: Agent, order: str = "longest_available") -> Site:
    queue = PrecisionQueue(
        "fluent",
        9,
        CHAT,
        steps(
            ("english >= 7", 20.0), ("english >= 5", 0.0), ("english >= 3 and boston == true", 30.0), ("english > 0", 0)
        ),
        order,
    )
    return Site(
        settings(
            {"8001": ({"op": "queue", "to": ["pq:fluent"]},)},
            agents=agents,
            attributes=(Attribute("english", "proficiency"), Attribute("boston", "boolean", default=True)),
            precision_queues=(queue,),
        )
    )


def test_5_3_precision_queue_takes_earlier_steps_first_and_grows_its_pool_with_time() -> None:
    site = precise(
        agent(101, english=5), agent(102, english=3), agent(103, english=1), agent(104, english=2, boston=True)
    )
    site.ready(101, 102, 103)
    assert names(site.task("8001")) == ["TaskAccepted", "TaskQueued", "PrecisionStepReached"]
    assert site.pass_time(19) == []
    assert only(site.pass_time(1), events.AgentChosen).skill_target_id == 101  # step 2
    site.task("8001")
    assert only(site.pass_time(20), events.AgentChosen).skill_target_id == 102  # step 2 has no wait: step 3
    site.task("8001")
    assert of(site.pass_time(49), events.AgentChosen) == []
    assert only(site.pass_time(1), events.AgentChosen).skill_target_id == 103  # last step


def test_5_3_agent_of_an_earlier_step_takes_a_task_that_waits_on_a_later_one() -> None:
    site = precise(agent(101, english=8))
    site.task("8001")
    site.pass_time(100)
    assert only(site.ready(101), events.AgentChosen).skill_target_id == 101


def test_5_3_agent_of_a_later_step_takes_no_task_that_has_not_reached_it() -> None:
    site = precise(agent(103, english=1), agent(104, english=0))
    first = only(site.task("8001"), events.TaskAccepted).task_id
    site.pass_time(45)  # on step 3
    second = only(site.task("8001"), events.TaskAccepted).task_id
    site.ready(104)  # matches no step
    site.ready(103, limit=2)
    assert site.engine.task_state(first) is terms.TaskState.QUEUED
    served = of(site.pass_time(10), events.AgentChosen)
    assert [event.task_id for event in served] == [first]
    assert site.engine.task_state(second) is terms.TaskState.QUEUED


def test_5_2_precision_queue_proficiency_orders_agents_of_one_step_by_the_attributes_it_uses() -> None:
    agents = (agent(101, english=8, boston=False), agent(102, english=10), agent(103, english=7))
    for order, expected in (
        ("most_proficient", [102, 101, 103]),
        ("least_proficient", [103, 101, 102]),
        ("longest_available", [103, 101, 102]),
    ):
        site = precise(*agents, order=order)
        site.ready(103)
        site.now += 1
        site.ready(101)
        site.now += 1
        site.ready(102)
        assert [chosen(site, "8001") for _ in range(3)] == expected


def test_5_2_queue_to_agent_waits_for_that_agent() -> None:
    site = Site(settings({"8001": ({"op": "queue", "to": ["agent:102"]},)}))
    site.ready(101)
    waiting = only(site.task("8001"), events.TaskQueued)
    assert waiting.entries[0].queue == terms.QueueRef(terms.QueueKind.AGENT, 102, "agent:102")
    served = only(site.ready(102), events.AgentChosen)
    assert (served.skill_target_id, served.queue.label) == (102, "agent:102")


def test_agents_own_queues_are_not_in_the_census() -> None:
    site = Site(settings({"8001": ({"op": "queue", "to": ["agent:102"]},)}))
    site.task("8001")
    assert set(site.engine.census().queues) == {"sg:chat", "sg:email"}


def test_5_2_preferred_agent_is_the_skill_target_id_else_the_number() -> None:
    site = Site()
    for fields, expected in (
        ({"preferred_skill_target_id": 103, "preferred_agent_number": "104"}, 103),
        ({"preferred_agent_number": "104"}, 104),
        ({"preferred_agent_number": "nobody"}, None),
        ({"preferred_skill_target_id": 999}, None),
        ({}, None),
    ):
        accepted = only(site.task(**fields), events.TaskAccepted)
        assert accepted.preferred_skill_target_id == expected
