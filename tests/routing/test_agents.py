"""Agents: sign-in, mode, readiness, state and availability (semantics 2.1, 2.2, 2.4; decisions C4 to C7)."""

import pytest

from ctigw.config.routing import SkillGroup
from ctigw.routing import events, inputs
from ctigw.routing.facts import Event
from ctigw.routing.terms import (
    AgentState,
    Availability,
    QueueKind,
    QueueRef,
    ReportStatus,
)
from routing_site import CHAT, DESKTOP, EMAIL, PERIPHERAL, START, Site, agent, names, of, only, public, settings, views

SECOND = 22


def status(happened: list[Event]) -> ReportStatus:
    answer = only(happened, events.ReportAnswered).status
    assert isinstance(answer, ReportStatus)
    return answer


def availability(site: Site, number: int, mrd: int = CHAT) -> Availability:
    view = site.engine.agent_view(number, mrd, site.now)
    assert view is not None
    return view.availability


def test_sign_in_makes_not_ready_and_routable_and_is_answered() -> None:
    site = Site()
    signed_in = site.sign_in(101, limit=3)
    assert status(signed_in) is ReportStatus.NO_ERROR
    assert public(signed_in) == ["ReportAnswered", "AgentStateChanged"]
    view = only(signed_in, events.AgentStateChanged).view
    assert (view.state, view.routable, view.availability) == (AgentState.NOT_READY, True, Availability.NOT_AVAILABLE)
    assert (view.max_task_limit, view.num_tasks, view.since) == (3, 0, START)
    assert view.queues == ((QueueRef(QueueKind.SKILL_GROUP, 1, "sg:chat"), AgentState.NOT_READY),)


@pytest.mark.parametrize(
    ("number", "mrd", "path", "limit", "expected"),
    [
        (999, CHAT, 1, 1, ReportStatus.AGENT_NOT_FOUND),
        (101, 1, 1, 1, ReportStatus.CANT_LOGIN_TO_VOICE_MRD),
        (101, 4711, 1, 1, ReportStatus.MRD_LIST_ENTRY_NOT_FOUND),
        (101, CHAT, 2, 1, ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH),
        (101, CHAT, 1, 0, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED),
        (101, CHAT, 1, 1001, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED),
        (101, CHAT, 1, 1000, ReportStatus.NO_ERROR),
    ],
)
def test_sign_in_is_refused_with_the_status_of_its_fault(
    number: int, mrd: int, path: int, limit: int, expected: ReportStatus
) -> None:
    site = Site()
    answered = site.sign_in(number, mrd=mrd, path=path, limit=limit)
    assert status(answered) is expected
    assert (len(answered) == 1) == (expected is not ReportStatus.NO_ERROR)


def test_second_sign_in_answers_1_takes_the_limit_and_leaves_state_and_mode() -> None:
    site = Site()
    site.ready(101)
    again = site.sign_in(101, limit=4, routable=False, session=SECOND)
    assert status(again) is ReportStatus.AGENT_ALREADY_LOGGED_IN
    view = only(again, events.AgentStateChanged).view
    assert (view.state, view.routable, view.max_task_limit) == (AgentState.NOT_ACTIVE, True, 4)


def test_report_that_changes_nothing_tells_nobody() -> None:
    site = Site()
    site.ready(101)
    assert site.report(inputs.MakeAgentReady, 101) == []
    assert site.report(inputs.MakeAgentRoutable, 101) == []
    site.report(inputs.MakeAgentNotReady, 101, reason_code=1)
    assert public(site.report(inputs.MakeAgentNotReady, 101, reason_code=1)) == ["ReportAnswered"]


def test_agent_who_is_not_signed_in_cannot_be_reported_on() -> None:
    site = Site()
    for kind in (inputs.MakeAgentReady, inputs.MakeAgentRoutable, inputs.MakeAgentNotReady, inputs.MediaLogout):
        assert status(site.report(kind, 101)) is ReportStatus.AGENT_NOT_LOGGED_IN


def test_ready_without_make_routable_keeps_the_mode() -> None:
    site = Site()
    site.sign_in(101, routable=False)
    ready = site.report(inputs.MakeAgentReady, 101, make_routable=False)
    assert views(ready) == [(101, CHAT, AgentState.NOT_ACTIVE, False)]
    assert availability(site, 101) is Availability.APPLICATION_AVAILABLE
    assert public(site.task()) == ["TaskAccepted", "TaskQueued"]  # the router does not assign


def test_routable_report_with_max_tasks_sets_the_limit() -> None:
    site = Site()
    site.ready(101)
    changed = site.report(inputs.MakeAgentRoutable, 101, max_tasks=2)
    assert only(changed, events.AgentStateChanged).view.max_task_limit == 2
    refused = site.report(inputs.MakeAgentRoutable, 101, max_tasks=1001)
    assert status(refused) is ReportStatus.PERFORMANCE_LIMIT_EXCEEDED


def test_limit_bounds_the_tasks_and_a_higher_one_takes_what_waits() -> None:
    site = Site()
    site.ready(101, limit=2)
    for _ in range(4):
        site.task()
    assert availability(site, 101) is Availability.NOT_AVAILABLE
    more = site.report(inputs.MakeAgentRoutable, 101, max_tasks=3)
    assert len(of(more, events.AgentChosen)) == 1


def test_tasks_count_once_offered_but_a_pre_call_takes_the_slot_already() -> None:
    site = Site()
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    view = site.engine.agent_view(101, CHAT, site.now)
    assert view is not None
    assert (view.num_tasks, view.availability) == (0, Availability.NOT_AVAILABLE)
    site.about(inputs.OfferTask, 101, task_id)
    view = site.engine.agent_view(101, CHAT, site.now)
    assert view is not None
    assert view.num_tasks == 1


def test_state_precedence_over_several_tasks() -> None:
    site = Site()
    site.ready(101, limit=4)
    ids = [only(site.task(), events.AgentChosen).task_id for _ in range(4)]
    assert site.state(101) is AgentState.RESERVED
    for task_id in ids[:3]:
        site.about(inputs.StartTask, 101, task_id)
    assert site.state(101) is AgentState.ACTIVE
    site.about(inputs.PauseTask, 101, ids[0])
    site.about(inputs.WrapUpTask, 101, ids[1])
    assert site.state(101) is AgentState.ACTIVE
    site.about(inputs.EndTask, 101, ids[2])
    assert site.state(101) is AgentState.WORK_READY  # above paused and reserved
    site.about(inputs.EndTask, 101, ids[1])
    assert site.state(101) is AgentState.PAUSED  # above reserved
    site.about(inputs.EndTask, 101, ids[0])
    assert site.state(101) is AgentState.RESERVED
    site.report(inputs.MakeAgentNotReady, 101)
    assert site.state(101) is AgentState.NOT_READY
    site.report(inputs.MakeAgentReady, 101)
    assert site.state(101) is AgentState.RESERVED


def test_work_for_one_queue_makes_the_others_busy_other() -> None:
    groups = (SkillGroup("second", 3, CHAT),)
    site = Site(settings(agents=(agent(101, ("chat", "second")),), groups=groups))
    site.ready(101, limit=2)
    site.about(inputs.StartTask, 101, only(site.task(), events.AgentChosen).task_id)
    view = site.engine.agent_view(101, CHAT, site.now)
    assert view is not None
    assert [(ref.label, state) for ref, state in view.queues] == [
        ("sg:chat", AgentState.ACTIVE),
        ("sg:second", AgentState.BUSY_OTHER),
    ]
    site.report(inputs.MakeAgentNotReady, 101)
    view = site.engine.agent_view(101, CHAT, site.now)
    assert view is not None
    assert {state for _, state in view.queues} == {AgentState.NOT_READY}


def test_task_that_may_not_be_interrupted_makes_unavailable_elsewhere_and_the_other_way_round_not() -> None:
    site = Site()
    site.ready(101)
    site.ready(101, mrd=EMAIL, limit=2)
    mail = only(site.task("e8000"), events.AgentChosen).task_id
    site.about(inputs.StartTask, 101, mail, EMAIL)
    assert availability(site, 101) is Availability.ICM_AVAILABLE  # email may be interrupted
    chat = site.task()
    told = {(number, mrd) for number, mrd, _, _ in views(chat)}
    assert told == {(101, CHAT), (101, EMAIL)}  # availability in the other domain changed too
    assert availability(site, 101, EMAIL) is Availability.NOT_AVAILABLE
    assert public(site.task("e8000")) == ["TaskAccepted", "TaskQueued"]
    freed = site.about(inputs.EndTask, 101, only(chat, events.AgentChosen).task_id)
    assert only(freed, events.AgentChosen).mrd_id == EMAIL


def test_interruptible_is_latched_at_sign_in() -> None:
    site = Site()
    site.ready(101)
    signed_in = [event for event, _ in site.history if type(event).__name__ == "AgentSignedIn"]
    assert [event.interruptible for event in signed_in if hasattr(event, "interruptible")] == [False]


def test_not_routable_waits_until_every_chosen_task_has_started() -> None:
    site = Site()
    site.ready(101, limit=3)
    first, second = (only(site.task(), events.AgentChosen).task_id for _ in range(2))
    asked = site.report(inputs.MakeAgentNotRoutable, 101)
    assert public(asked) == []
    assert public(site.task()) == ["TaskAccepted", "TaskQueued"]  # no further task meanwhile
    assert public(site.report(inputs.MakeAgentNotRoutable, 101)) == []
    site.about(inputs.StartTask, 101, first)
    started = site.about(inputs.StartTask, 101, second)
    assert public(started) == ["TaskStarted", "ReportAnswered", "ReportAnswered", "AgentStateChanged"]
    assert {event.status for event in of(started, events.ReportAnswered)} == {ReportStatus.NO_ERROR}
    assert views(started) == [(101, CHAT, AgentState.ACTIVE, False)]


def test_not_routable_without_chosen_tasks_is_answered_at_once_also_when_it_is_so_already() -> None:
    site = Site()
    site.ready(101)
    assert public(site.report(inputs.MakeAgentNotRoutable, 101)) == ["ReportAnswered", "AgentStateChanged"]
    again = site.report(inputs.MakeAgentNotRoutable, 101)
    assert public(again) == ["ReportAnswered"]
    assert status(again) is ReportStatus.NO_ERROR


def test_start_timeout_answers_a_deferred_not_routable() -> None:
    site = Site()
    site.ready(101)
    site.task()
    site.report(inputs.MakeAgentNotRoutable, 101)
    late = site.pass_time(30)
    assert public(late) == [
        "TaskEnded",
        "PreCallAborted",
        "AgentMadeNotRoutable",
        "ReportAnswered",
        "AgentStateChanged",
    ]


def test_end_of_the_last_unstarted_task_answers_a_deferred_not_routable() -> None:
    site = Site()
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    site.report(inputs.MakeAgentNotRoutable, 101)
    ended = site.about(inputs.EndTask, 101, task_id)
    assert public(ended) == ["TaskEnded", "ReportAnswered", "AgentStateChanged"]
    assert views(ended) == [(101, CHAT, AgentState.NOT_ACTIVE, False)]


def test_routable_overtakes_a_deferred_not_routable() -> None:
    site = Site()
    site.ready(101, limit=2)
    site.task()
    site.report(inputs.MakeAgentNotRoutable, 101)
    site.task()
    overtaken = site.report(inputs.MakeAgentRoutable, 101)
    assert status(overtaken) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    assert len(of(overtaken, events.AgentChosen)) == 1  # what waited meanwhile


def test_sign_out_ends_open_tasks_with_40_or_as_given() -> None:
    for given, expected in ((None, 40), (65, 65)):
        site = Site()
        site.ready(101, limit=2)
        started = only(site.task(), events.AgentChosen).task_id
        site.about(inputs.StartTask, 101, started)
        site.task()
        gone = site.report(inputs.MediaLogout, 101, disposition=given)
        assert public(gone) == ["TaskEnded", "TaskEnded", "PreCallAborted", "AgentStateChanged"]
        assert [event.disposition for event in of(gone, events.TaskEnded)] == [expected, expected]
        assert views(gone) == [(101, CHAT, AgentState.LOGOUT, False)]


def test_sign_out_answers_a_deferred_not_routable_and_the_next_sign_in_knows_nothing_of_it() -> None:
    site = Site()
    site.ready(101)
    site.task()
    site.report(inputs.MakeAgentNotRoutable, 101)
    assert status(site.report(inputs.MediaLogout, 101)) is ReportStatus.AGENT_NOT_LOGGED_IN
    again = site.ready(101)
    assert [event.status for event in of(again, events.ReportAnswered)] == [ReportStatus.NO_ERROR]  # the sign-in's
    assert "AgentChosen" in public(site.task())


def test_losing_one_of_two_clients_of_a_path_changes_nothing() -> None:
    site = Site()
    site.say(inputs.ArmClientOpened(SECOND, 1))
    site.ready(101)
    assert public(site.say(inputs.ArmClientLost(DESKTOP))) == []
    assert site.state(101) is AgentState.NOT_ACTIVE


def path_down(site: Site) -> tuple[inputs.TaskId, list[Event]]:
    site.ready(101, 102, limit=2)
    task_id = only(site.task(), events.AgentChosen).task_id
    site.about(inputs.StartTask, 101, task_id)
    return task_id, site.say(inputs.ArmClientLost(DESKTOP))


def test_path_down_makes_work_not_ready_and_not_routable_and_keeps_the_tasks() -> None:
    site = Site()
    task_id, down = path_down(site)
    assert views(down) == [
        (101, CHAT, AgentState.WORK_NOT_READY, False),
        (102, CHAT, AgentState.WORK_NOT_READY, False),
    ]
    assert public(site.task()) == ["TaskAccepted", "TaskQueued"]
    site.say(inputs.ArmClientOpened(SECOND, 1))
    assert public(site.about(inputs.PauseTask, 101, task_id)) == ["TaskPaused"]  # reports count at once
    for kind in (inputs.MakeAgentReady, inputs.MakeAgentRoutable, inputs.MakeAgentNotReady):
        assert status(site.report(kind, 101)) is ReportStatus.INVALID_MESSAGE_SEQUENCE


def test_sign_in_after_path_down_restores_the_state_of_the_tasks_and_stops_the_task_life() -> None:
    site = Site()
    path_down(site)
    site.say(inputs.ArmClientOpened(SECOND, 1))
    back = site.sign_in(101, session=SECOND, limit=5)
    assert status(back) is ReportStatus.AGENT_ALREADY_LOGGED_IN
    view = only(back, events.AgentStateChanged).view
    assert (view.state, view.routable, view.max_task_limit) == (AgentState.ACTIVE, True, 5)
    idle = site.sign_in(102, session=SECOND)
    assert views(idle) == [(102, CHAT, AgentState.NOT_READY, True)]
    assert of(site.pass_time(2000), events.TaskEnded) == []


def test_path_down_for_longer_than_the_task_life_ends_tasks_with_42_and_signs_out() -> None:
    site = Site()
    task_id, _ = path_down(site)
    assert site.pass_time(1199) == []
    over = site.pass_time(1)
    ended = only(over, events.TaskEnded)
    assert (ended.task_id, ended.disposition) == (task_id, 42)
    assert {state for _, _, state, _ in views(over)} == {AgentState.LOGOUT}
    assert site.state(102) is AgentState.LOGOUT


def test_start_timer_runs_on_while_the_path_is_down() -> None:
    site = Site()
    site.ready(101)
    site.task()
    site.say(inputs.ArmClientLost(DESKTOP))
    late = site.pass_time(30)
    assert names(late) == ["TaskEnded", "PreCallAborted", "AgentMadeNotRoutable"]
    assert only(late, events.TaskEnded).disposition == 19


def test_state_began_when_it_changed_and_not_when_something_else_did() -> None:
    site = Site()
    site.ready(101)
    site.now += 10
    changed = site.report(inputs.MakeAgentRoutable, 101, max_tasks=2)
    assert only(changed, events.AgentStateChanged).view.since == START
    site.now += 10
    reserved = site.task()
    assert only(reserved, events.AgentStateChanged).view.since == START + 20


def test_agents_are_found_by_number_on_their_peripheral() -> None:
    site = Site()
    found = site.engine.agent_by_number(PERIPHERAL, "103")
    assert found is not None
    assert found.skill_target_id == 103
    assert site.engine.agent(103) is found
    domain = site.engine.mrd(CHAT)
    assert domain is not None
    assert domain.name == "chat"
    assert site.engine.agent_by_number(PERIPHERAL + 1, "103") is None
    assert site.engine.agent_view(999, CHAT, START) is None
    assert site.state(103) is AgentState.LOGOUT
