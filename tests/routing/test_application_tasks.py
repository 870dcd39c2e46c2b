"""Tasks that an application assigns itself (semantics 2.2 and 3.3, decisions E1; arm.toml 161 to 165)."""

from typing import Any

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.facts import Event
from ctigw.routing.inputs import TaskId, Variable
from ctigw.routing.task_ids import HIGHEST_KEY
from ctigw.routing.terms import (
    AgentState,
    Availability,
    QueueKind,
    QueueRef,
    ReportStatus,
    TaskState,
)
from portrait import state_of
from routing_site import CHAT, DESKTOP, EMAIL, Site, only, public, settings, variables, views

OFFER, START = inputs.OfferApplicationTask, inputs.StartApplicationTask


def own(site: Site, *numbers: int, mrd: int = CHAT, limit: int = 1, **fields: int) -> None:
    """Agents sign in and become ready, not routable: for the application's work."""
    for number in numbers:
        site.sign_in(number, mrd=mrd, limit=limit, routable=False, **fields)
        site.report(inputs.MakeAgentReady, number, mrd, make_routable=False)


def status(happened: list[Event]) -> ReportStatus:
    answer = only(happened, events.ReportAnswered).status
    assert isinstance(answer, ReportStatus)
    return answer


def begun(happened: list[Event]) -> TaskId:
    answered = only(happened, events.ReportAnswered)
    assert answered.status is ReportStatus.NO_ERROR
    task_id = only(happened, events.ApplicationTaskBegun).task_id
    assert answered.task_id == task_id
    assert isinstance(task_id, TaskId)
    return task_id


def availability(site: Site, number: int, mrd: int = CHAT) -> Availability:
    view = site.engine.agent_view(number, mrd, site.now)
    assert view is not None
    return view.availability


def test_offered_task_is_answered_with_its_id_and_makes_the_agent_reserved() -> None:
    site = Site()
    own(site, 101)
    assert availability(site, 101) is Availability.APPLICATION_AVAILABLE
    offered = site.report(OFFER, 101, variables=variables(call_1="x"))
    assert public(offered) == ["ReportAnswered", "ApplicationTaskBegun", "TaskOffered", "AgentStateChanged"]
    assert views(offered) == [(101, CHAT, AgentState.RESERVED, False)]
    task_id = begun(offered)
    assert (task_id.key, task_id.sequence) == (1, 1)
    assert only(offered, events.ApplicationTaskBegun).context.variables == variables(call_1="x")
    assert site.engine.task_state(task_id) is TaskState.OFFERED
    assert availability(site, 101) is Availability.NOT_AVAILABLE


def test_started_task_is_active_at_once_and_reported_on_like_a_routed_one() -> None:
    site = Site()
    own(site, 101)
    started = site.report(START, 101)
    assert public(started) == ["ReportAnswered", "ApplicationTaskBegun", "TaskStarted", "AgentStateChanged"]
    task_id = begun(started)
    site.about(inputs.PauseTask, 101, task_id)
    site.about(inputs.ResumeTask, 101, task_id)
    site.say(inputs.UpdateTaskContext(site.origin(), 1, task_id, variables(call_2="y")))
    assert views(site.about(inputs.WrapUpTask, 101, task_id)) == [(101, CHAT, AgentState.WORK_READY, False)]
    ended = site.about(inputs.EndTask, 101, task_id, application_disposition=7)
    end = only(ended, events.TaskEnded)
    assert (end.task_id, end.skill_target_id, end.disposition, end.application_disposition) == (task_id, 101, 38, 7)


def test_offered_task_has_no_start_timer_but_a_started_one_its_longest_duration() -> None:
    site = Site(settings(chat={"max_task_duration_s": 100.0}))
    own(site, 101)
    task_id = begun(site.report(OFFER, 101))
    assert site.engine.next_deadline() is None
    assert site.pass_time(10_000) == []
    site.about(inputs.StartTask, 101, task_id)
    assert site.pass_time(99) == []
    over = site.pass_time(1)
    assert public(over) == ["MaxTaskLifetimeExceeded", "TaskEnded", "AgentStateChanged"]
    assert only(over, events.TaskEnded).disposition == 41


def refused(site: Site, number: int = 101, mrd: int = CHAT, **fields: Any) -> ReportStatus:  # noqa: ANN401 - fields of the class
    """The status of a START that is refused without any effect, as its OFFER twin is."""
    offered, started = site.report(OFFER, number, mrd, **fields), site.report(START, number, mrd, **fields)
    assert public(offered) == public(started) == ["ReportAnswered"]
    assert only(started, events.ReportAnswered).task_id is None
    assert status(offered) is status(started)
    return status(started)


@pytest.mark.parametrize(
    ("number", "mrd", "path", "expected"),
    [
        (999, CHAT, 1, ReportStatus.AGENT_NOT_FOUND),
        (101, 1, 1, ReportStatus.CANT_LOGIN_TO_VOICE_MRD),
        (101, 4711, 1, ReportStatus.MRD_LIST_ENTRY_NOT_FOUND),
        (101, CHAT, 2, ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH),
        (102, CHAT, 1, ReportStatus.AGENT_NOT_LOGGED_IN),
    ],
)
def test_what_no_report_may_name_is_refused(number: int, mrd: int, path: int, expected: ReportStatus) -> None:
    site = Site()
    own(site, 101)
    assert refused(site, number, mrd, path=path) is expected


def test_agent_whom_the_router_may_choose_is_not_the_applications() -> None:
    site = Site()
    site.ready(101, limit=2)
    assert refused(site) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    chosen = only(site.task(), events.AgentChosen).task_id
    assert refused(site) is ReportStatus.DO_THIS_WITH_TASK_SENT_RECENTLY
    site.about(inputs.StartTask, 101, chosen)
    assert refused(site) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    site.report(inputs.MakeAgentNotRoutable, 101)
    begun(site.report(START, 101))


def test_agent_who_is_not_ready_or_set_aside_is_given_nothing() -> None:
    site = Site()
    site.sign_in(101, routable=False)
    assert refused(site) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    site.report(inputs.MakeAgentReady, 101, make_routable=False)
    site.say(inputs.ArmClientLost(DESKTOP))
    assert refused(site) is ReportStatus.INVALID_MESSAGE_SEQUENCE


def test_task_elsewhere_that_may_not_be_interrupted_keeps_the_application_out() -> None:
    site = Site()
    own(site, 101)
    own(site, 101, mrd=EMAIL, limit=2)
    mail = begun(site.report(START, 101, EMAIL))
    chat = begun(site.report(START, 101))  # email may be interrupted
    assert refused(site, mrd=EMAIL) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    site.about(inputs.EndTask, 101, chat)
    site.about(inputs.EndTask, 101, mail, EMAIL)
    begun(site.report(START, 101, EMAIL))


def test_slot_goes_either_to_the_router_or_to_the_application() -> None:
    site = Site()
    own(site, 101)
    site.task()
    task_id = begun(site.report(OFFER, 101))
    site.about(inputs.StartTask, 101, task_id)
    assert "AgentChosen" not in public(site.report(inputs.MakeAgentRoutable, 101))
    assert "AgentChosen" in public(site.about(inputs.EndTask, 101, task_id))
    assert refused(site) is ReportStatus.DO_THIS_WITH_TASK_SENT_RECENTLY


def test_task_is_booked_on_the_group_named_and_an_unknown_one_is_refused() -> None:
    site = Site()
    own(site, 101, limit=2)
    assert refused(site, skill_group_id=4711) is ReportStatus.SKILL_GROUP_NOT_FOUND
    assert refused(site, skill_group_id=2) is ReportStatus.SKILL_GROUP_NOT_FOUND  # of another domain
    assert refused(site, service_id=1) is ReportStatus.SERVICE_NOT_FOUND
    group = QueueRef(QueueKind.SKILL_GROUP, 1, "sg:chat")
    started = site.report(START, 101, skill_group_id=1)
    assert only(started, events.TaskStarted).queue == group
    view = only(started, events.AgentStateChanged).view
    assert view.queues == ((group, AgentState.ACTIVE),)


def test_context_that_no_message_could_carry_is_refused() -> None:
    site = Site()
    own(site, 101)
    elements = tuple(Variable("ecc.a", n, "x" * 200) for n in range(10))
    assert refused(site, variables=elements) is ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    begun(site.report(START, 101, variables=elements[:9]))


def test_sign_out_ends_what_the_application_assigned() -> None:
    site = Site()
    own(site, 101, limit=2)
    ids = {begun(site.report(kind, 101)) for kind in (OFFER, START)}
    out = site.report(inputs.MediaLogout, 101)
    ended = {(event.task_id, event.disposition) for event in out if isinstance(event, events.TaskEnded)}
    assert ended == {(task_id, 40) for task_id in ids}


def test_transferred_task_keeps_the_key_that_the_application_task_had() -> None:
    site = Site()
    own(site, 101)
    task_id = begun(site.report(START, 101))
    site.about(inputs.EndTask, 101, task_id, disposition=63)
    moved = only(site.task(service=2, previous_task=task_id), events.TaskAccepted).task_id
    assert moved == (task_id.day, task_id.key, 2)


def test_ids_of_both_kinds_of_tasks_come_from_one_count_that_passes_over_ids_in_use() -> None:
    site = Site()
    own(site, 101, limit=3)
    first = begun(site.report(START, 101))
    second = only(site.task(), events.TaskAccepted).task_id
    assert [first.key, second.key] == [1, 3]
    state_of(site.engine).last_key = HIGHEST_KEY  # the count begins anew
    assert begun(site.report(START, 101)).key == 5
