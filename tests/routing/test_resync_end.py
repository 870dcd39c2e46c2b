"""Ids and times of what was replayed, and what the end of a replay ends (cti-notes, decisions C4, C7, E1)."""

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.facts import Event
from ctigw.routing.inputs import TaskId
from ctigw.routing.task_ids import HIGHEST_KEY
from ctigw.routing.terms import (
    AgentState,
    ReportStatus,
    TaskState,
)
from portrait import state_of
from resync_steps import DAY, SECOND, UNKNOWN, agent, back, begin, end, since, told, without_id
from routing_site import CHAT, DESKTOP, PATH, START, Site, names, of, only, public, settings, views
from test_application_tasks import begun, own, status

# Ids.


def test_ids_given_later_never_meet_an_id_that_was_told() -> None:
    site = Site()
    begin(site)
    agent(site)
    told(site, UNKNOWN)
    told(site, UNKNOWN._replace(key=7))
    assert begun(without_id(site)).key == 501
    assert only(site.task(), events.TaskAccepted).task_id.key == 503


def test_count_begins_anew_past_the_highest_key_and_passes_over_ids_told() -> None:
    site = Site()
    begin(site)
    agent(site)
    told(site, TaskId(DAY, 1, 2))
    told(site, TaskId(DAY, HIGHEST_KEY, 1))
    assert begun(without_id(site)).key == 3


def test_families_of_told_ids_are_counted_and_leave_nothing_behind() -> None:
    site = Site(settings(chat={"task_life_s": 60.0}))
    begin(site)
    agent(site)
    family = [TaskId(DAY, 500, sequence) for sequence in (2, 4, 1)]
    for task_id in family:
        told(site, task_id)
    following = only(site.task(service=2, previous_task=family[0]), events.TaskAccepted).task_id
    assert following == (DAY, 500, 5)
    site.cancel(1)
    for task_id in family:
        site.about(inputs.EndTask, 101, task_id)
    site.pass_time(61)
    state = state_of(site.engine)
    assert (state.tasks, state.relatives) == ({}, {})
    assert [domain.spoken_of for domain in state.domains.values()] == [{}]


def test_sequence_counts_on_when_the_highest_of_the_family_is_forgotten() -> None:
    site = Site(settings(chat={"task_life_s": 60.0}))
    begin(site)
    agent(site)
    first, last = only(site.task(), events.TaskAccepted).task_id, TaskId(DAY, 1, 4)
    told(site, last)
    site.about(inputs.EndTask, 101, last)
    site.pass_time(61)
    assert site.engine.task_state(last) is None
    assert only(site.task(service=2, previous_task=first), events.TaskAccepted).task_id == (DAY, 1, 5)


# Time.


def test_told_duration_dates_the_agents_state_and_shortens_the_tasks_life() -> None:
    site = Site(settings(chat={"max_task_duration_s": 100.0}))
    begin(site)
    agent(site)
    happened = told(site, UNKNOWN, state_duration_s=40)
    assert only(happened, events.AgentStateChanged).view.since == START - 40
    assert since(site) == START - 40
    assert "TaskEnded" not in public(site.pass_time(59))
    assert only(site.pass_time(1), events.TaskEnded).disposition == 41
    assert since(site) == START + 60  # the next state began when it began


@pytest.mark.parametrize("duration", [100, 2**32 - 2])
def test_duration_that_cannot_be_true_is_not_believed(duration: int) -> None:
    site = Site(settings(chat={"max_task_duration_s": 100.0}))
    begin(site)
    agent(site)
    happened = told(site, UNKNOWN, state_duration_s=duration)
    assert only(happened, events.AgentStateChanged).view.since == START
    assert "TaskEnded" not in public(site.pass_time(99))
    assert "TaskEnded" in public(site.pass_time(1))


def test_duration_of_a_state_that_the_agent_does_not_get_by_it_dates_nothing() -> None:
    site = Site()
    begin(site)
    agent(site)
    told(site, UNKNOWN)
    site.now += 10
    told(site, UNKNOWN._replace(key=501), TaskState.PAUSED, state_duration_s=500)
    assert since(site) == START
    site.about(inputs.EndTask, 101, UNKNOWN)
    assert since(site) == START + 10


def test_known_task_keeps_the_time_that_it_has() -> None:
    site = Site(settings(chat={"max_task_duration_s": 100.0}))
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    site.about(inputs.StartTask, 101, task_id)
    site.pass_time(50)
    begin(site)
    told(site, task_id, state_duration_s=90)
    assert "TaskEnded" not in public(site.pass_time(49))
    assert "TaskEnded" in public(site.pass_time(1))


def test_offered_task_that_was_told_has_no_timer() -> None:
    site = Site()
    begin(site)
    agent(site)
    told(site, UNKNOWN, TaskState.OFFERED, state_duration_s=5)
    assert site.engine.next_deadline() is None


# The end.


def busy(site: Site, *numbers: int) -> dict[int, list[TaskId]]:
    """Agents with two started tasks each."""
    own(site, *numbers, limit=3)
    start = inputs.StartApplicationTask
    return {number: [begun(site.report(start, number)) for _ in range(2)] for number in numbers}


def ended(happened: list[Event]) -> list[tuple[TaskId, int]]:
    return [(event.task_id, event.disposition) for event in of(happened, events.TaskEnded)]


def test_what_was_there_and_was_not_told_ends_with_51() -> None:
    site = Site()
    kept, lost = busy(site, 101)[101]
    begin(site)
    told(site, kept)
    newer = begun(site.report(inputs.StartApplicationTask, 101))
    assert ended(end(site)) == [(lost, 51)]
    assert site.engine.task_state(newer) is TaskState.ACTIVE


def test_announced_task_is_not_ended_nor_one_that_was_started_during_the_replay() -> None:
    site = Site()
    site.ready(101, limit=2)
    announced, started = (only(site.task(), events.AgentChosen).task_id for _ in range(2))
    begin(site)
    site.about(inputs.StartTask, 101, started)
    assert ended(end(site)) == []
    begin(site)
    assert ended(end(site)) == [(started, 51)]
    assert site.engine.task_state(announced) is TaskState.PRE_CALL


def test_replay_that_begins_again_begins_anew() -> None:
    site = Site()
    first, second = busy(site, 101)[101]
    begin(site)
    told(site, first)
    begin(site)
    told(site, second)
    assert ended(end(site)) == [(first, 51)]


def test_agents_of_other_living_sessions_are_untouched_and_of_gone_ones_not() -> None:
    site = Site()
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    tasks = busy(site, 101, 102)
    site.sign_in(102, limit=3, session=SECOND)
    begin(site)
    assert [task for task, _ in ended(end(site))] == tasks[101]
    site.say(inputs.ArmClientOpened(33, PATH))
    site.say(inputs.ArmClientLost(SECOND))
    begin(site, 33)
    assert [task for task, _ in ended(end(site, 33))] == tasks[102]


def test_agents_of_another_path_are_untouched() -> None:
    site = Site()
    busy(site, 101)
    site.say(inputs.ArmClientOpened(SECOND, 2))
    site.say(inputs.ArmClientLost(DESKTOP))
    site.say(inputs.BeginAgentInit(site.origin(SECOND), 2))
    assert ended(site.say(inputs.EndAgentInit(site.origin(SECOND), 2))) == []


def test_agent_who_was_set_aside_and_not_told_loses_his_tasks_and_waits_on() -> None:
    site = Site(settings(chat={"task_life_s": 60.0}))
    tasks = busy(site, 101)[101]
    site.say(inputs.ArmClientLost(DESKTOP))
    back(site)
    assert [task for task, _ in ended(end(site, SECOND))] == tasks
    assert site.state(101) is AgentState.WORK_NOT_READY
    site.pass_time(61)
    assert site.state(101) is AgentState.LOGOUT


def test_request_that_waited_for_a_task_is_answered_when_the_replay_ends_it() -> None:
    site = Site()
    site.ready(101)
    site.about(inputs.OfferTask, 101, only(site.task(), events.AgentChosen).task_id)
    site.report(inputs.MakeAgentNotRoutable, 101)
    begin(site)
    assert status(end(site)) is ReportStatus.NO_ERROR


# GET_AGENT_TASKS.


def test_asking_for_tasks_lists_them_and_brings_back_an_agent_who_was_set_aside() -> None:
    site = Site(settings(chat={"task_life_s": 60.0}))
    tasks = busy(site, 101)[101]
    site.say(inputs.ArmClientLost(DESKTOP))
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    happened = site.report(inputs.GetAgentTasks, 101, session=SECOND)
    answer = only(happened, events.AgentTasksTold)
    assert (answer.status, answer.tasks, answer.origin.session_id) == (ReportStatus.NO_ERROR, tuple(tasks), SECOND)
    assert views(happened) == [(101, CHAT, AgentState.ACTIVE, False)]
    assert site.pass_time(100) == []
    assert state_of(site.engine).domains[AgentKey(101, CHAT)].session_id == SECOND
    assert names(site.report(inputs.GetAgentTasks, 101)) == ["AgentTasksTold"]  # who is there stays as he is


def test_agent_without_tasks_comes_back_not_ready() -> None:
    site = Site()
    site.ready(101)
    site.say(inputs.ArmClientLost(DESKTOP))
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    happened = site.report(inputs.GetAgentTasks, 101, session=SECOND)
    assert only(happened, events.AgentTasksTold).tasks == ()
    assert views(happened) == [(101, CHAT, AgentState.NOT_READY, False)]


@pytest.mark.parametrize(
    ("number", "mrd", "path", "expected"),
    [
        (999, CHAT, 1, ReportStatus.AGENT_NOT_FOUND),
        (101, 4711, 1, ReportStatus.MRD_LIST_ENTRY_NOT_FOUND),
        (101, CHAT, 2, ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH),
        (102, CHAT, 1, ReportStatus.AGENT_NOT_LOGGED_IN),
    ],
)
def test_asking_for_tasks_is_refused_with_the_status_of_the_fault(
    number: int, mrd: int, path: int, expected: ReportStatus
) -> None:
    site = Site()
    site.ready(101)
    happened = site.report(inputs.GetAgentTasks, number, mrd, path=path)
    assert only(happened, events.AgentTasksTold).status is expected
