"""SET_AGENT_STATE_REQ acts on an agent as a whole (semantics 2.3, 2.6)."""

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.facts import Event
from ctigw.routing.terms import AgentState, ControlFailure, ReportStatus
from routing_site import CHAT, DESKTOP, EMAIL, PATH, PERIPHERAL, Site, names, of, only, public, views

ADA = 101
SECOND = 22


def ask(
    site: Site,
    state: int,
    *,
    peripheral: int = PERIPHERAL,
    number: str = str(ADA),
    work_mode: int = 0,
    reason: int = 0,
    forced: bool = False,
) -> list[Event]:
    return site.say(inputs.SetAgentState(site.origin(), peripheral, number, state, work_mode, reason, forced))


def failure(happened: list[Event]) -> ControlFailure | None:
    answered = only(happened, events.ControlAnswered)
    assert isinstance(answered, events.ControlAnswered)
    return answered.failure


def at_work() -> Site:
    """Ready in both domains, a mail started."""
    site = Site()
    site.ready(ADA, limit=2)
    site.ready(ADA, mrd=EMAIL, limit=2)
    site.about(inputs.StartTask, ADA, only(site.task("e8000"), events.AgentChosen).task_id, EMAIL)
    return site


def test_not_ready_with_its_reason_in_every_domain() -> None:
    site = at_work()
    asked = ask(site, AgentState.NOT_READY, reason=17)
    assert failure(asked) is None
    told = [event.view for event in of(asked, events.AgentStateChanged)]
    assert [(view.mrd_id, view.state, view.reason_code) for view in told] == [
        (CHAT, AgentState.NOT_READY, 17),
        (EMAIL, AgentState.NOT_READY, 17),
    ]
    assert names(asked)[-3:] == ["ControlAnswered", "AgentStateChanged", "AgentStateChanged"]


@pytest.mark.parametrize("state", [3, AgentState.NOT_ACTIVE])
def test_available_or_not_active_makes_ready_and_routable_in_every_domain(state: int) -> None:
    site = at_work()
    ask(site, AgentState.NOT_READY)
    site.report(inputs.MakeAgentNotRoutable, ADA)
    asked = ask(site, state)
    assert failure(asked) is None
    assert views(asked) == [(ADA, CHAT, AgentState.NOT_ACTIVE, True), (ADA, EMAIL, AgentState.ACTIVE, True)]
    assert public(ask(site, state)) == ["ControlAnswered"]  # nothing more to change


def test_available_overtakes_a_deferred_not_routable() -> None:
    site = Site()
    site.ready(ADA)
    site.task()
    site.report(inputs.MakeAgentNotRoutable, ADA)
    asked = ask(site, 3)
    assert only(asked, events.ReportAnswered).status is ReportStatus.INVALID_MESSAGE_SEQUENCE


def test_domains_where_the_agent_is_not_signed_in_are_left_alone() -> None:
    site = Site()
    site.ready(ADA)
    ask(site, AgentState.NOT_READY)
    assert (site.state(ADA), site.state(ADA, EMAIL)) == (AgentState.NOT_READY, AgentState.LOGOUT)


def test_logout_from_not_ready_ends_tasks_with_40_and_signs_out_of_every_domain() -> None:
    site = at_work()
    ask(site, AgentState.NOT_READY)
    asked = ask(site, AgentState.LOGOUT, reason=21)
    assert failure(asked) is None
    assert only(asked, events.TaskEnded).disposition == 40
    told = {event.view.mrd_id: event.view for event in of(asked, events.AgentStateChanged)}
    assert {mrd: (view.state, view.reason_code) for mrd, view in told.items()} == {
        CHAT: (AgentState.LOGOUT, 21),
        EMAIL: (AgentState.LOGOUT, 21),
    }


def test_logout_from_another_state_needs_force_and_changes_nothing_without() -> None:
    site = at_work()
    site.report(inputs.MakeAgentNotReady, ADA)
    refused = ask(site, AgentState.LOGOUT)  # still ACTIVE in email
    assert names(refused) == ["ControlAnswered"]
    assert failure(refused) is ControlFailure.INVALID_OBJECT_STATE
    asked = ask(site, AgentState.LOGOUT, forced=True)
    assert failure(asked) is None
    assert {view.reason_code for view in (event.view for event in of(asked, events.AgentStateChanged))} == {999}
    assert (site.state(ADA), site.state(ADA, EMAIL)) == (AgentState.LOGOUT, AgentState.LOGOUT)


def test_forced_logout_keeps_the_reason_that_it_gives() -> None:
    site = at_work()
    asked = ask(site, AgentState.LOGOUT, forced=True, reason=5)
    assert {event.view.reason_code for event in of(asked, events.AgentStateChanged)} >= {5}
    assert 999 not in {event.view.reason_code for event in of(asked, events.AgentStateChanged)}


def test_forced_logout_of_a_reserved_agent_takes_the_announced_task_back() -> None:
    site = Site()
    site.ready(ADA)
    site.task()
    asked = ask(site, AgentState.LOGOUT, forced=True)
    assert public(asked)[:2] == ["TaskEnded", "PreCallAborted"]


def test_agent_set_aside_can_only_be_logged_out_by_force() -> None:
    site = at_work()
    site.say(inputs.ArmClientLost(DESKTOP))
    for state in (AgentState.NOT_READY, AgentState.NOT_ACTIVE, AgentState.LOGOUT):
        assert failure(ask(site, state)) is ControlFailure.INVALID_OBJECT_STATE
    assert site.state(ADA) is AgentState.WORK_NOT_READY
    assert failure(ask(site, AgentState.LOGOUT, forced=True)) is None
    assert site.state(ADA) is AgentState.LOGOUT


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"number": "999"}, ControlFailure.INVALID_AGENT_ID_SPECIFIED),
        ({"number": ""}, ControlFailure.INVALID_AGENT_ID_SPECIFIED),
        ({"peripheral": PERIPHERAL + 1}, ControlFailure.INVALID_AGENT_ID_SPECIFIED),
        ({"work_mode": 5}, ControlFailure.INVALID_AGENT_WORKMODE),
        ({"state": AgentState.LOGIN}, ControlFailure.SPECIFIED_AGENT_ALREADY_SIGNED_ON),
        ({"state": AgentState.LOGIN, "number": "102"}, ControlFailure.REQUEST_INCOMPATIBLE_WITH_OBJECT),
        ({"state": AgentState.WORK_READY}, ControlFailure.REQUEST_INCOMPATIBLE_WITH_OBJECT),
        ({"state": AgentState.WORK_NOT_READY}, ControlFailure.REQUEST_INCOMPATIBLE_WITH_OBJECT),
        ({"state": AgentState.INTERRUPTED}, ControlFailure.VALUE_OUT_OF_RANGE),
        ({"state": 15}, ControlFailure.VALUE_OUT_OF_RANGE),
        ({"state": AgentState.NOT_READY, "number": "102"}, ControlFailure.INVALID_OBJECT_STATE),
        ({"state": AgentState.LOGOUT, "number": "102", "forced": True}, ControlFailure.INVALID_OBJECT_STATE),
        ({"work_mode": 4}, None),
    ],
)
def test_request_that_cannot_be_carried_out_says_why_and_changes_nothing(
    fields: dict[str, object], expected: ControlFailure | None
) -> None:
    site = at_work()
    asked = ask(site, **({"state": AgentState.NOT_READY} | fields))  # type: ignore[arg-type]  # fields of the request
    assert failure(asked) is expected
    assert (names(asked) == ["ControlAnswered"]) == (expected is not None)


def test_reason_of_a_logout_that_the_lost_path_caused_is_50002_and_the_next_sign_in_forgets_it() -> None:
    site = at_work()
    site.say(inputs.ArmClientLost(DESKTOP))
    over = site.pass_time(1200)
    assert {event.view.reason_code for event in of(over, events.AgentStateChanged)} == {50002}
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    back = site.sign_in(ADA, session=SECOND)
    assert only(back, events.AgentStateChanged).view.reason_code == 0


def test_own_sign_out_and_a_start_timeout_carry_no_reason() -> None:
    site = Site()
    site.ready(ADA)
    site.task()
    late = site.pass_time(30)
    assert [event.view.reason_code for event in of(late, events.AgentStateChanged)] == [0]  # 32767 is of voice
    gone = site.report(inputs.MediaLogout, ADA)
    assert [event.view.reason_code for event in of(gone, events.AgentStateChanged)] == [0]
