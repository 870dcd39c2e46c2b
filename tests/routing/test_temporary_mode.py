"""Temporarily not routable (semantics 2.2): no input assigns such a task yet, so the rule is called as one would."""

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.apply import is_fact
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.engine import rebuild
from ctigw.routing.facts import AgentRoutableAgain, AgentTemporarilyNotRoutable
from ctigw.routing.inputs import TaskId
from ctigw.routing.selection import assign
from ctigw.routing.temporary_mode import note_assignment
from ctigw.routing.terms import Availability, Choice, Way
from ctigw.routing.turn import Turn
from portrait import portrait, state_of
from routing_site import CHAT, DESKTOP, EMAIL, Site, names, of, only, public

ADA = 101


def availability(site: Site, mrd: int) -> Availability:
    view = site.engine.agent_view(ADA, mrd, site.now)
    assert view is not None
    return view.availability


def assigned_anyway(site: Site, selector: str, mrd: int) -> tuple[TaskId, list[str]]:
    """Give the agent a task that the router would not, as an application does, and tell the rule of it."""
    task_id = only(site.task(selector), events.TaskAccepted).task_id
    assert isinstance(task_id, TaskId)
    state = state_of(site.engine)
    task, domain = state.tasks[task_id], state.domains[AgentKey(ADA, mrd)]
    turn = Turn(state, site.now)
    assign(turn, task, domain, task.entries[0].queue, Choice(Way.PREFERRED))
    note_assignment(turn, domain)
    site.history.extend((event, site.now) for event in turn.events)
    site.report(
        inputs.MakeAgentReady, ADA, mrd, make_routable=False
    )  # changes nothing; the engine tells what has changed
    return task_id, names(turn.events)


def at_chat(*, limit: int = 2) -> tuple[Site, TaskId]:
    site = Site()
    site.ready(ADA, limit=limit)
    site.ready(ADA, mrd=EMAIL, limit=limit)
    chat = only(site.task(), events.AgentChosen).task_id
    site.about(inputs.StartTask, ADA, chat)
    return site, chat


def test_agent_at_chat_who_is_given_mail_anyway_is_left_alone_in_all_domains() -> None:
    site, _ = at_chat()
    assert availability(site, CHAT) is Availability.ICM_AVAILABLE  # one slot is free
    _, happened = assigned_anyway(site, "e8000", EMAIL)
    assert happened[-1] == "AgentTemporarilyNotRoutable"
    assert availability(site, CHAT) is availability(site, EMAIL) is Availability.NOT_AVAILABLE
    assert public(site.task()) == ["TaskAccepted", "TaskQueued"]


def test_change_of_availability_is_told_and_the_mode_stays() -> None:
    site, _ = at_chat()
    assigned_anyway(site, "e8000", EMAIL)
    told = [event.view for event, _ in site.history if isinstance(event, events.AgentStateChanged)]
    last = [view for view in told if view.mrd_id == CHAT][-1]
    assert (last.routable, last.availability) == (True, Availability.NOT_AVAILABLE)


def test_not_over_before_every_task_is_done_whatever_the_agent_asks_for() -> None:
    site, chat = at_chat()
    mail, _ = assigned_anyway(site, "e8000", EMAIL)
    site.task()  # waits
    site.about(inputs.EndTask, ADA, chat)  # none left that may not be interrupted
    for kind in (inputs.MakeAgentReady, inputs.MakeAgentRoutable):
        for mrd in (CHAT, EMAIL):
            site.report(kind, ADA, mrd)
    assert availability(site, CHAT) is availability(site, EMAIL) is Availability.NOT_AVAILABLE
    done = site.about(inputs.EndTask, ADA, mail, EMAIL)
    assert names(done)[:2] == ["TaskEnded", "AgentRoutableAgain"]
    assert len(of(done, events.AgentChosen)) == 1  # what waited


@pytest.mark.parametrize("ending", ["sign-out", "path down", "nobody starts"])
def test_over_however_the_tasks_end(ending: str) -> None:
    site, chat = at_chat()
    assigned_anyway(site, "e8000", EMAIL)
    begin = len(site.history)
    if ending == "sign-out":
        site.report(inputs.MediaLogout, ADA)
        site.report(inputs.MediaLogout, ADA, EMAIL)
    elif ending == "path down":
        site.say(inputs.ArmClientLost(DESKTOP))
        site.pass_time(1200)
    else:
        site.about(inputs.EndTask, ADA, chat)
        site.pass_time(30)
    assert len(of([event for event, _ in site.history[begin:]], AgentRoutableAgain)) == 1
    assert not state_of(site.engine).temporarily_not_routable


def test_mail_in_an_application_s_hands_stays_there() -> None:
    """A not routable agent is the application's, also now (semantics 2.2: the flag is ANDed into ICM_AVAILABLE)."""
    site, chat = at_chat()
    site.report(inputs.MakeAgentNotRoutable, ADA, EMAIL)
    assigned_anyway(site, "e8000", EMAIL)
    site.about(inputs.EndTask, ADA, chat)
    assert availability(site, EMAIL) is Availability.APPLICATION_AVAILABLE
    assert availability(site, CHAT) is Availability.NOT_AVAILABLE


def test_task_of_the_same_domain_or_beside_one_that_may_be_interrupted_is_nothing_special() -> None:
    site, _ = at_chat(limit=1)
    assert "AgentTemporarilyNotRoutable" not in assigned_anyway(site, "8000", CHAT)[1]
    site = Site()
    site.ready(ADA, mrd=EMAIL)
    site.ready(ADA, limit=1)
    site.about(inputs.StartTask, ADA, only(site.task("e8000"), events.AgentChosen).task_id, EMAIL)
    site.report(inputs.MakeAgentNotRoutable, ADA)
    assert "AgentTemporarilyNotRoutable" not in assigned_anyway(site, "8000", CHAT)[1]


def test_second_task_anyway_says_nothing_new_and_facts_rebuild_the_state() -> None:
    site, _ = at_chat()
    assigned_anyway(site, "e8000", EMAIL)
    assert "AgentTemporarilyNotRoutable" not in assigned_anyway(site, "e8000", EMAIL)[1]
    rebuilt = rebuild(site.settings, "A", [(fact, now) for fact, now in site.history if is_fact(fact)])
    assert portrait(rebuilt) == portrait(site.engine)
    assert list(state_of(rebuilt).temporarily_not_routable) == [ADA]
    assert len(of([event for event, _ in site.history], AgentTemporarilyNotRoutable)) == 1
