"""How many tasks an agent may have (semantics 3.3, decisions C6; arm.toml 176 to 179)."""

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.limits import MOST_OVERRIDES
from ctigw.routing.terms import (
    ReportStatus,
)
from routing_site import CHAT, DESKTOP, Site, names, only, public
from test_application_tasks import START, begun, own, refused, status

CHANGE, OVERRIDE = inputs.ChangeMaxTaskLimit, inputs.OverrideLimit
OVER = ReportStatus.PERFORMANCE_LIMIT_EXCEEDED


def test_changed_limit_is_answered_and_told_and_gives_the_agent_what_waits() -> None:
    site = Site()
    site.ready(101)
    site.task()
    site.task()
    changed = site.report(CHANGE, 101, max_task_limit=2)
    assert public(changed)[0] == "ReportAnswered"
    assert status(changed) is ReportStatus.NO_ERROR
    assert "AgentChosen" in public(changed)
    view = next(event.view for event in changed if isinstance(event, events.AgentStateChanged))
    assert view.max_task_limit == 2


def test_limit_below_what_the_agent_has_ends_nothing_and_stops_assignment() -> None:
    site = Site()
    site.ready(101, limit=3)
    ids = [only(site.task(), events.AgentChosen).task_id for _ in range(3)]
    lowered = site.report(CHANGE, 101, max_task_limit=1)
    assert "TaskEnded" not in public(lowered)
    site.task()
    for task_id in ids[:2]:
        assert "AgentChosen" not in public(site.about(inputs.EndTask, 101, task_id))
    assert "AgentChosen" in public(site.about(inputs.EndTask, 101, ids[2]))


@pytest.mark.parametrize(("limit", "beyond"), [(0, None), (1001, None), (1, 1001), (1, -1)])
def test_limit_outside_the_allowed_is_refused_wherever_it_can_be_set(limit: int, beyond: int | None) -> None:
    site = Site()
    site.sign_in(101)
    refused_change = site.report(CHANGE, 101, max_task_limit=limit, max_beyond_task_limit=beyond)
    assert public(refused_change) == ["ReportAnswered"]
    assert status(refused_change) is OVER
    again = site.sign_in(101, limit=limit, max_beyond_task_limit=beyond or 0)
    assert public(again) == ["ReportAnswered"]
    assert status(again) is OVER


def test_limit_can_be_changed_only_for_a_signed_in_agent_who_is_not_set_aside() -> None:
    site = Site()
    for kind, fields in ((CHANGE, {"max_task_limit": 2}), (OVERRIDE, {})):
        assert status(site.report(kind, 101, **fields)) is ReportStatus.AGENT_NOT_LOGGED_IN
    site.sign_in(101)
    site.say(inputs.ArmClientLost(DESKTOP))
    for kind, fields in ((CHANGE, {"max_task_limit": 2}), (OVERRIDE, {})):
        assert status(site.report(kind, 101, **fields)) is ReportStatus.INVALID_MESSAGE_SEQUENCE


def test_limit_beyond_is_for_the_application_alone() -> None:
    site = Site()
    site.sign_in(101, max_beyond_task_limit=2)
    site.report(inputs.MakeAgentReady, 101)
    chosen = only(site.task(), events.AgentChosen).task_id
    assert "AgentChosen" not in public(site.task())  # the router stops at the limit
    site.about(inputs.StartTask, 101, chosen)
    site.report(inputs.MakeAgentNotRoutable, 101)
    begun(site.report(START, 101))
    begun(site.report(START, 101))
    assert refused(site) is OVER
    site.report(CHANGE, 101, max_task_limit=1, max_beyond_task_limit=3)
    begun(site.report(START, 101))
    site.report(CHANGE, 101, max_task_limit=2)  # what is not named stays
    begun(site.report(START, 101))
    assert refused(site) is OVER


def test_leave_to_go_beyond_the_limits_is_for_one_task() -> None:
    site = Site()
    own(site, 101)
    begun(site.report(START, 101))
    assert refused(site) is OVER
    assert status(site.report(OVERRIDE, 101)) is ReportStatus.NO_ERROR
    begun(site.report(START, 101))
    assert refused(site) is OVER


def test_next_application_task_uses_the_leave_up_also_within_the_limits() -> None:
    site = Site()
    own(site, 101)
    site.report(OVERRIDE, 101)
    begun(site.report(START, 101))
    assert refused(site) is OVER


def test_leave_does_not_help_the_router() -> None:
    site = Site()
    site.ready(101)
    site.task()
    site.task()
    assert "AgentChosen" not in public(site.report(OVERRIDE, 101))


def test_leaves_are_bounded_and_end_with_the_sign_in() -> None:
    site = Site()
    own(site, 101)
    for _ in range(MOST_OVERRIDES):
        assert status(site.report(OVERRIDE, 101)) is ReportStatus.NO_ERROR
    assert status(site.report(OVERRIDE, 101)) is OVER
    site.report(inputs.MediaLogout, 101)
    own(site, 101)
    begun(site.report(START, 101))
    assert refused(site) is OVER


def test_report_that_names_the_limits_that_there_are_tells_nobody() -> None:
    site = Site()
    site.ready(101)
    assert names(site.report(CHANGE, 101, CHAT, max_task_limit=1)) == ["ReportAnswered"]
