"""What is counted of an agent (semantics 4 "Handle time" and time accounting, 10.2)."""

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.inputs import TaskId
from ctigw.routing.statistics.numbers import AgentNumbers
from ctigw.routing.statistics.views import AgentStatistics
from routing_site import CHAT, EMAIL, START, Site, of

MINUTE = 60.0
MIDNIGHT_AFTER_START = (START // 86_400 + 1) * 86_400


def numbers(site: Site, agent: int = 101, mrd: int | None = CHAT) -> AgentStatistics:
    found = site.engine.agent_statistics(agent, mrd, site.now)
    assert found is not None
    return found


def session(site: Site, agent: int = 101, mrd: int | None = CHAT) -> AgentNumbers:
    return numbers(site, agent, mrd).session


def given(site: Site, selector: str = "8000") -> TaskId:
    """The id of a new task that goes to an agent at once."""
    (chosen,) = of(site.task(selector), events.AgentChosen)
    task_id: TaskId = chosen.task_id
    return task_id


def worked_on(site: Site, task: TaskId, *, mrd: int = CHAT, start_s: float, active_s: float) -> None:
    """The agent starts after `start_s`, works for `active_s` and ends the task."""
    site.pass_time(start_s)
    site.about(inputs.StartTask, 101, task, mrd)
    site.pass_time(active_s)
    site.about(inputs.EndTask, 101, task, mrd)


def test_every_second_is_in_the_state_that_the_agent_was_in() -> None:
    site = Site()
    site.sign_in(101)
    site.pass_time(10)
    site.report(inputs.MakeAgentReady, 101)
    site.pass_time(20)
    task = given(site)
    for report, seconds in (
        (inputs.OfferTask, 5),
        (inputs.StartTask, 30),
        (inputs.PauseTask, 7),
        (inputs.ResumeTask, 3),
        (inputs.WrapUpTask, 4),
        (inputs.EndTask, 6),
    ):
        site.about(report, 101, task)
        site.pass_time(seconds)
    found = session(site)
    assert (found.not_ready_s, found.reserved_s, found.active_s) == (10, 5, 33)
    assert (found.paused_s, found.work_ready_s, found.available_s) == (7, 4, 26)
    assert found.logged_on_s == 85
    assert found.icm_available_s == 26
    assert found.routable_s == 85


def test_what_lasts_is_included() -> None:
    site = Site()
    site.ready(101)
    site.pass_time(12)
    assert session(site).available_s == 12
    site.pass_time(5)
    assert session(site).available_s == 17


def test_an_agent_with_a_slot_left_is_available_to_the_router_but_does_not_do_nothing() -> None:
    site = Site()
    site.ready(101, limit=2)
    given(site)
    site.pass_time(10)
    assert (session(site).available_s, session(site).icm_available_s) == (0, 10)


def test_a_not_routable_agent_is_available_to_the_application() -> None:
    site = Site()
    site.ready(101)
    site.report(inputs.MakeAgentNotRoutable, 101)
    site.pass_time(10)
    found = session(site)
    assert (found.routable_s, found.icm_available_s, found.application_available_s) == (0, 0, 10)


def test_handle_time_is_active_and_paused_and_wrap_up_and_counts_when_the_task_ends() -> None:
    site = Site()
    site.ready(101)
    task = given(site)
    site.pass_time(9)
    for report, seconds in (
        (inputs.StartTask, 30),
        (inputs.PauseTask, 7),
        (inputs.ResumeTask, 3),
        (inputs.WrapUpTask, 4),
    ):
        site.about(report, 101, task)
        site.pass_time(seconds)
        assert session(site).handle_s == 0
        assert session(site).handled == 0
    site.about(inputs.EndTask, 101, task)
    found = session(site)
    assert (found.talk_s, found.hold_s, found.wrap_up_s, found.handle_s) == (33, 7, 4, 44)
    assert (found.handled, found.held) == (1, 1)


def test_two_tasks_at_once_take_their_own_time_and_the_agent_the_time_of_the_clock() -> None:
    site = Site()
    site.ready(101, limit=2)
    tasks = given(site), given(site)
    for task in tasks:
        site.about(inputs.StartTask, 101, task)
    site.pass_time(20)
    for task in tasks:
        site.about(inputs.EndTask, 101, task)
    found = session(site)
    assert (found.handle_s, found.active_s, found.handled, found.held) == (40, 20, 2, 0)


def test_an_ignored_interrupt_makes_twenty_and_three_minutes() -> None:
    site = Site()
    site.ready(101, mrd=EMAIL)
    site.ready(101, mrd=CHAT)
    email = given(site, "e8000")
    site.about(inputs.StartTask, 101, email, EMAIL)
    site.pass_time(10 * MINUTE)
    worked_on(site, given(site), start_s=0, active_s=3 * MINUTE)
    site.pass_time(7 * MINUTE)
    site.about(inputs.EndTask, 101, email, EMAIL)
    assert session(site, mrd=EMAIL).handle_s == 20 * MINUTE
    assert session(site, mrd=CHAT).handle_s == 3 * MINUTE
    assert session(site, mrd=None).handle_s == 23 * MINUTE


def test_an_accepted_interrupt_makes_seventeen_and_three_minutes() -> None:
    site = Site()
    site.ready(101, mrd=EMAIL)
    site.ready(101, mrd=CHAT)
    email = given(site, "e8000")
    site.about(inputs.StartTask, 101, email, EMAIL)
    site.pass_time(10 * MINUTE)
    chat = given(site)
    site.about(inputs.StartTask, 101, chat)
    site.report(inputs.AcceptInterrupt, 101, EMAIL)
    site.pass_time(3 * MINUTE)
    site.about(inputs.EndTask, 101, chat)
    site.report(inputs.AcceptInterruptDone, 101, EMAIL)
    site.pass_time(7 * MINUTE)
    site.about(inputs.EndTask, 101, email, EMAIL)
    found = session(site, mrd=EMAIL)
    assert (found.handle_s, found.active_s, found.interrupted_s) == (17 * MINUTE, 17 * MINUTE, 3 * MINUTE)
    assert found.logged_on_s == 17 * MINUTE
    assert session(site, mrd=CHAT).handle_s == 3 * MINUTE


def test_no_time_passes_for_tasks_of_an_agent_who_is_not_ready() -> None:
    site = Site()
    site.ready(101)
    task = given(site)
    site.about(inputs.StartTask, 101, task)
    site.pass_time(10)
    site.report(inputs.MakeAgentNotReady, 101)
    site.pass_time(100)
    site.about(inputs.PauseTask, 101, task)
    site.pass_time(100)
    site.report(inputs.MakeAgentReady, 101)
    site.pass_time(5)
    site.about(inputs.EndTask, 101, task)
    found = session(site)
    assert (found.talk_s, found.hold_s, found.handle_s) == (10, 5, 15)
    assert (found.active_s, found.not_ready_s) == (10, 200)


def test_a_session_begins_with_the_sign_in_and_today_does_not() -> None:
    site = Site()
    site.ready(101)
    worked_on(site, given(site), start_s=5, active_s=20)
    site.report(inputs.MediaLogout, 101)
    site.pass_time(50)
    assert (session(site).logged_on_s, session(site).handled) == (25, 1)
    site.ready(101)
    site.pass_time(3)
    assert (session(site).logged_on_s, session(site).handled, session(site).talk_s) == (3, 0, 0)
    today = numbers(site).today
    assert (today.logged_on_s, today.handled, today.talk_s) == (28, 1, 20)


@pytest.mark.parametrize("change_after_s", [None, 40.0, 4000.0])
def test_today_begins_at_midnight_also_for_what_lasts_over_it(change_after_s: float | None) -> None:
    site = Site()
    site.ready(101)
    site.pass_time(MIDNIGHT_AFTER_START - START)
    assert numbers(site).today.available_s == 0
    if change_after_s is not None:
        site.pass_time(change_after_s)
        site.report(inputs.MakeAgentNotReady, 101)
    site.pass_time(100)
    found = numbers(site)
    assert found.today.logged_on_s == 100 + (change_after_s or 0)
    assert found.today.available_s == (100 if change_after_s is None else change_after_s)
    assert found.session.logged_on_s == MIDNIGHT_AFTER_START - START + found.today.logged_on_s


@pytest.mark.parametrize(
    ("disposition", "counted"),
    [(19, "redirect_no_answer"), (37, "abandoned_while_offered"), (63, "transferred_out"), (65, "transferred_out")],
)
def test_a_task_that_was_never_started_is_offered_and_lost(disposition: int, counted: str) -> None:
    site = Site()
    site.ready(101)
    site.about(inputs.EndTask, 101, given(site), disposition=disposition)
    found = session(site)
    names = ("redirect_no_answer", "abandoned_while_offered", "transferred_out", "handled")
    assert {name: getattr(found, name) for name in names} == {name: int(name == counted) for name in names}
    assert (found.offered, found.handle_s) == (1, 0)


def test_a_start_timeout_is_a_redirection() -> None:
    site = Site()
    site.ready(101)
    given(site)
    site.pass_time(31)
    assert (session(site).redirect_no_answer, session(site).reserved_s, session(site).available_s) == (1, 30, 1)


def test_a_transferred_task_was_handled_when_it_had_been_started() -> None:
    site = Site()
    site.ready(101)
    task = given(site)
    site.about(inputs.StartTask, 101, task)
    site.about(inputs.EndTask, 101, task, disposition=63)
    assert (session(site).handled, session(site).transferred_out) == (1, 1)


def test_an_agent_who_never_signed_in_has_done_nothing_and_an_unknown_one_has_no_numbers() -> None:
    site = Site()
    assert numbers(site, 102, None) == AgentStatistics(AgentNumbers(), AgentNumbers())
    assert site.engine.agent_statistics(999, None, site.now) is None
    assert site.engine.agent_statistics(101, 4711, site.now) is None
