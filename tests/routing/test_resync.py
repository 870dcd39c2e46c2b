"""The replay of agents and tasks by a client that is back (cti-notes "Resynchronisation", semantics 3.3; C4, C7)."""

from typing import Any

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import (
    AgentState,
    ReportKind,
    ReportStatus,
    TaskState,
)
from portrait import state_of
from resync_steps import (
    DAY,
    READY,
    SECOND,
    SEQUENCE,
    TOO_MANY,
    UNKNOWN,
    agent,
    back,
    begin,
    end,
    told,
    without_id,
)
from routing_site import CHAT, DESKTOP, EMAIL, PATH, Site, names, of, only, public, settings, variables, views
from test_application_tasks import begun, status

# The replay.


def test_nothing_of_a_replay_happens_outside_one() -> None:
    site = Site()
    site.ready(101)
    for happened in (end(site), agent(site), told(site, UNKNOWN), without_id(site)):
        assert public(happened) == ["ReportAnswered"]
        assert status(happened) is SEQUENCE
    assert names(begin(site)) == ["ReplayBegun"]
    assert names(end(site)) == ["ReplayEnded"]
    assert status(end(site)) is SEQUENCE
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    begin(site, SECOND)
    assert status(agent(site)) is SEQUENCE  # the replay of another session


def test_session_that_is_not_open_begins_no_replay() -> None:
    site = Site()
    assert status(begin(site, 99)) is SEQUENCE
    assert status(site.say(inputs.BeginAgentInit(site.origin(), 2))) is SEQUENCE


def test_replay_is_dropped_with_its_session_and_ends_nothing() -> None:
    site = Site()
    site.ready(101)
    site.about(inputs.StartTask, 101, only(site.task(), events.AgentChosen).task_id)
    begin(site)
    lost = site.say(inputs.ArmClientLost(DESKTOP))
    assert "TaskEnded" not in public(lost)
    assert state_of(site.engine).replays == {}
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    assert status(end(site, SECOND)) is SEQUENCE


# Agents.


def test_agent_who_is_not_signed_in_is_signed_in_as_told() -> None:
    site = Site()
    begin(site)
    happened = agent(site, routable=False, max_task_limit=3, max_beyond_task_limit=2, reason_code=8)
    assert status(happened) is ReportStatus.NO_ERROR
    view = only(happened, events.AgentStateChanged).view
    assert (view.state, view.routable, view.max_task_limit) == (AgentState.NOT_ACTIVE, False, 3)
    assert (view.max_beyond_task_limit, view.reason_code) == (2, 0)
    resting = only(agent(site, 102, int(AgentState.NOT_READY), reason_code=9), events.AgentStateChanged).view
    assert (resting.state, resting.routable, resting.reason_code) == (AgentState.NOT_READY, True, 9)


def test_agent_who_was_set_aside_comes_back_as_told_and_the_task_life_stops() -> None:
    site = Site(settings(chat={"task_life_s": 60.0}))
    site.ready(101, limit=2)
    task_id = only(site.task(), events.AgentChosen).task_id
    site.about(inputs.StartTask, 101, task_id)
    site.say(inputs.ArmClientLost(DESKTOP))
    back(site)
    happened = agent(site, session=SECOND, routable=False, max_task_limit=4)
    assert status(happened) is ReportStatus.NO_ERROR
    assert views(happened) == [(101, CHAT, AgentState.ACTIVE, False)]
    assert "TaskEnded" not in public(site.pass_time(100))
    assert site.state(101) is AgentState.ACTIVE


def test_agent_who_is_there_takes_state_mode_limit_and_reason_told_and_belongs_to_the_session() -> None:
    site = Site()
    site.ready(101)
    back(site)
    fields = {"state": int(AgentState.NOT_READY), "routable": False, "max_task_limit": 5, "reason_code": 3}
    happened = agent(site, session=SECOND, **fields)
    assert status(happened) is ReportStatus.NO_ERROR
    view = only(happened, events.AgentStateChanged).view
    assert (view.state, view.routable, view.max_task_limit, view.reason_code) == (AgentState.NOT_READY, False, 5, 3)
    assert state_of(site.engine).domains[AgentKey(101, CHAT)].session_id == SECOND
    assert names(agent(site, session=SECOND, **fields)) == ["AgentLimitsSet", "ReportAnswered"]
    again = agent(site, session=SECOND, **(fields | {"reason_code": 4}))
    assert public(again) == ["ReportAnswered"]  # told to nobody (C5), but kept
    view = site.engine.agent_view(101, CHAT, site.now)
    assert view is not None
    assert view.reason_code == 4


@pytest.mark.parametrize(("routable", "expected"), [(False, ReportStatus.NO_ERROR), (True, SEQUENCE)])
def test_told_mode_settles_a_request_that_waits(routable: bool, expected: ReportStatus) -> None:
    site = Site()
    site.ready(101)
    site.task()
    site.report(inputs.MakeAgentNotRoutable, 101)
    begin(site)
    answers = of(agent(site, routable=routable), events.ReportAnswered)
    assert [(a.kind, a.status) for a in answers] == [
        (ReportKind.MAKE_AGENT_NOT_ROUTABLE, expected),
        (ReportKind.AGENT_INIT, ReportStatus.NO_ERROR),
    ]


@pytest.mark.parametrize(
    ("number", "mrd", "path", "state", "limit", "expected"),
    [
        (999, CHAT, 1, READY, 1, ReportStatus.AGENT_NOT_FOUND),
        (101, 1, 1, READY, 1, ReportStatus.CANT_LOGIN_TO_VOICE_MRD),
        (101, 4711, 1, READY, 1, ReportStatus.MRD_LIST_ENTRY_NOT_FOUND),
        (101, CHAT, 2, READY, 1, ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH),
        (101, CHAT, 1, int(AgentState.LOGOUT), 1, SEQUENCE),
        (101, CHAT, 1, 4, 1, SEQUENCE),  # a state of calls
        (101, CHAT, 1, READY, 0, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED),
    ],
)
def test_agent_is_refused_with_the_status_of_the_fault(
    number: int, mrd: int, path: int, state: int, limit: int, expected: ReportStatus
) -> None:
    site = Site()
    begin(site)
    happened = agent(site, number, state, mrd=mrd, path=path, max_task_limit=limit)
    assert public(happened) == ["ReportAnswered"]
    assert status(happened) is expected


# Tasks.


@pytest.mark.parametrize(
    ("state", "expected", "agent_state"),
    [
        (TaskState.OFFERED, ["TaskOffered"], AgentState.RESERVED),
        (TaskState.ACTIVE, ["TaskStarted"], AgentState.ACTIVE),
        (TaskState.PAUSED, ["TaskStarted", "TaskPaused"], AgentState.PAUSED),
        (TaskState.WRAPUP, ["TaskStarted", "TaskWrapUpBegun"], AgentState.WORK_READY),
    ],
)
def test_unknown_task_is_taken_in_under_its_id_and_lives_a_whole_life(
    state: TaskState, expected: list[str], agent_state: AgentState
) -> None:
    site = Site()
    begin(site)
    agent(site)
    happened = told(site, UNKNOWN, state, variables=variables(call_1="x"))
    assert public(happened) == ["ApplicationTaskBegun", *expected, "AgentStateChanged"]
    assert only(happened, events.ApplicationTaskBegun).context.variables == variables(call_1="x")
    assert site.engine.task_state(UNKNOWN) is state
    assert site.state(101) is agent_state
    assert "TaskEnded" not in public(end(site))
    assert only(site.about(inputs.EndTask, 101, UNKNOWN), events.TaskEnded).disposition == 38


def test_interrupted_task_is_taken_in_as_interrupted() -> None:
    site = Site()
    begin(site)
    agent(site, mrd=EMAIL)
    happened = told(site, UNKNOWN, TaskState.INTERRUPTED, mrd=EMAIL)
    assert public(happened)[:2] == ["ApplicationTaskBegun", "TaskStarted"]
    assert site.engine.task_state(UNKNOWN) is TaskState.INTERRUPTED
    assert site.state(101, EMAIL) is AgentState.INTERRUPTED


@pytest.mark.parametrize(
    ("before", "state", "expected"),
    [
        ((), TaskState.OFFERED, ["TaskOffered"]),
        ((), TaskState.PAUSED, ["TaskStarted", "TaskPaused"]),
        ((inputs.StartTask,), TaskState.ACTIVE, []),
        ((inputs.StartTask,), TaskState.OFFERED, ["TaskOffered"]),
        ((inputs.StartTask,), TaskState.WRAPUP, ["TaskWrapUpBegun"]),
        ((inputs.StartTask, inputs.PauseTask), TaskState.ACTIVE, ["TaskResumed"]),
        ((inputs.StartTask, inputs.WrapUpTask), TaskState.ACTIVE, ["TaskResumed"]),
    ],
)
def test_known_task_takes_the_state_told(
    before: tuple[type[inputs.TaskReport], ...], state: TaskState, expected: list[str]
) -> None:
    site = Site()
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    for report in before:
        site.about(report, 101, task_id)
    begin(site)
    happened = told(site, task_id, state)
    assert [name for name in public(happened) if name != "AgentStateChanged"] == expected
    assert site.engine.task_state(task_id) is state


def test_task_told_as_started_settles_a_request_that_waited_for_it() -> None:
    site = Site()
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    site.report(inputs.MakeAgentNotRoutable, 101)
    begin(site)
    answer = only(told(site, task_id), events.ReportAnswered)
    assert (answer.kind, answer.status) == (ReportKind.MAKE_AGENT_NOT_ROUTABLE, ReportStatus.NO_ERROR)


def test_variables_told_are_set_in_a_known_task() -> None:
    site = Site()
    site.ready(101)
    task_id = only(site.task(variables=variables(call_1="a", call_2="b")), events.AgentChosen).task_id
    begin(site)
    happened = told(site, task_id, variables=variables(call_2="c"))
    assert only(happened, events.TaskDataUpdated).context.variables == variables(call_1="a", call_2="c")
    assert "TaskDataUpdated" not in public(told(site, task_id, variables=variables(call_2="c")))


def test_task_that_began_meanwhile_is_answered_with_its_id_first() -> None:
    site = Site()
    begin(site)
    agent(site)
    happened = without_id(site, skill_group_id=1)
    assert public(happened) == ["ReportAnswered", "ApplicationTaskBegun", "TaskStarted", "AgentStateChanged"]
    assert only(happened, events.ApplicationTaskBegun).queue.label == "sg:chat"
    task_id = begun(happened)
    assert "TaskEnded" not in public(end(site))
    assert site.engine.task_state(task_id) is TaskState.ACTIVE


def test_no_limit_keeps_away_a_task_that_is_there_but_memory_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctigw.routing.resync.MOST_TASKS", 3)
    site = Site()
    begin(site)
    agent(site)  # limit 1
    for _ in range(2):
        begun(without_id(site))
    assert "ApplicationTaskBegun" in public(told(site, UNKNOWN))
    assert status(without_id(site)) is ReportStatus.PERFORMANCE_LIMIT_EXCEEDED
    assert status(told(site, UNKNOWN._replace(key=501))) is ReportStatus.PERFORMANCE_LIMIT_EXCEEDED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"number": 999}, ReportStatus.AGENT_NOT_FOUND),
        ({"mrd": 4711}, ReportStatus.MRD_LIST_ENTRY_NOT_FOUND),
        ({"path": 2}, ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH),
        ({"number": 103}, ReportStatus.AGENT_NOT_LOGGED_IN),
        ({"skill_group_id": 4711}, ReportStatus.SKILL_GROUP_NOT_FOUND),
        ({"service_id": 1}, ReportStatus.SERVICE_NOT_FOUND),
        ({"state": 0}, SEQUENCE),
        ({"state": 7}, SEQUENCE),
        ({"state": 5}, SEQUENCE),  # in a domain that may not be interrupted
        ({"task_id": TaskId(DAY, 0, 1)}, ReportStatus.TASK_OBJECT_NOT_FOUND),
        ({"task_id": TaskId(-1, -1, -1)}, ReportStatus.TASK_OBJECT_NOT_FOUND),
        ({"variables": TOO_MANY}, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED),
    ],
)
def test_task_is_refused_with_the_status_of_the_fault(fields: dict[str, Any], expected: ReportStatus) -> None:
    site = Site()
    begin(site)
    agent(site)
    happened = told(site, **({"task_id": UNKNOWN} | fields))
    assert public(happened) == ["ReportAnswered"]
    assert status(happened) is expected
    if "task_id" not in fields and "mrd" not in fields:
        assert status(without_id(site, **fields)) is expected


def test_known_task_does_not_change_hands_and_an_ended_one_does_not_come_back() -> None:
    site = Site()
    site.ready(101, 102)
    site.sign_in(101, mrd=EMAIL)
    chosen = only(site.task(), events.AgentChosen)
    other = 102 if chosen.skill_target_id == 101 else 101
    begin(site)
    assert status(told(site, chosen.task_id, number=other)) is ReportStatus.INCONSISTENT_AGENT_IDS
    elsewhere = told(site, chosen.task_id, number=101, mrd=EMAIL)
    assert status(elsewhere) is ReportStatus.INCONSISTENT_MEDIA_ROUTING_DOMAIN_IDS
    site.about(inputs.EndTask, chosen.skill_target_id, chosen.task_id)
    assert status(told(site, chosen.task_id, number=chosen.skill_target_id)) is ReportStatus.TASK_OBJECT_NOT_FOUND
    waiting = [only(site.task(), events.TaskAccepted).task_id for _ in range(3)][-1]
    assert status(told(site, waiting)) is ReportStatus.NO_OFFER_OR_PRE_CALL_RECEIVED
