"""Every filter is named where it keeps a task from an agent, with since when (semantics 2.2 and 5.1)."""

import pytest

from ctigw.config.routing import Attribute, PrecisionQueue
from ctigw.routing import events, facts, inputs
from ctigw.routing.explanations import Finding, PairExplanation
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import ModeCause, Obstacle, TaskState, Way
from routing_site import CHAT, DESKTOP, EMAIL, START, WEB, Site, agent, of, only, settings, steps

ADA, BEN = 101, 102


def asked(site: Site, selector: str = "8000", **changes: object) -> TaskId:
    """A task comes."""
    task_id = only(site.task(selector, **changes), events.TaskAccepted).task_id
    assert isinstance(task_id, TaskId)
    return task_id


def pair(site: Site, task_id: TaskId, number: int = ADA) -> PairExplanation:
    seen = site.engine.explain_pair(task_id, number)
    assert seen is not None
    return seen


def finding(site: Site, task_id: TaskId, number: int = ADA) -> Finding:
    seen = pair(site, task_id, number)
    assert not seen.has_it
    assert seen.finding is not None
    return seen.finding


def test_never_signed_in() -> None:
    site = Site()
    assert finding(site, asked(site)) == Finding(Obstacle.SIGNED_OUT)


def test_signed_out_since_then() -> None:
    site = Site()
    site.ready(ADA)
    site.now += 5
    site.report(inputs.MediaLogout, ADA)
    task_id = asked(site)
    assert finding(site, task_id).obstacle is Obstacle.SIGNED_OUT
    assert finding(site, task_id).since == START + 5


def test_path_down() -> None:
    site = Site()
    site.ready(ADA)
    site.say(inputs.ArmClientLost(DESKTOP), after=4)
    assert finding(site, asked(site)) == Finding(Obstacle.PATH_DOWN, START + 4)


def test_not_ready_with_the_reason() -> None:
    site = Site()
    site.ready(ADA)
    site.now += 3
    site.report(inputs.MakeAgentNotReady, ADA, reason_code=9)
    site.now += 3
    assert finding(site, asked(site)) == Finding(Obstacle.NOT_READY, START + 3, reason_code=9)


def test_no_slot() -> None:
    site = Site()
    site.ready(ADA)
    site.now += 2
    first, second = asked(site), asked(site)
    assert pair(site, first).has_it
    assert finding(site, second) == Finding(Obstacle.NO_SLOT, START + 2, tasks=1, limit=1)


def test_foreign_task_names_its_domain() -> None:
    site = Site()
    site.ready(ADA, limit=2)
    site.ready(ADA, mrd=EMAIL)
    site.now += 6
    asked(site)
    assert finding(site, asked(site, "e8000")) == Finding(Obstacle.FOREIGN_TASK, START + 6, elsewhere="chat")


def test_interrupted() -> None:
    site = Site()
    site.ready(ADA, mrd=EMAIL, limit=2)
    site.ready(ADA, limit=2)
    mail = asked(site, "e8000")
    site.about(inputs.StartTask, ADA, mail, EMAIL)
    chat = asked(site)
    site.now += 1
    site.about(inputs.StartTask, ADA, chat)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert finding(site, asked(site, "e8000")) == Finding(Obstacle.INTERRUPTED, START + 1)


def test_not_routable_by_a_start_timeout_since_then_even_if_something_else_failed_first_meanwhile() -> None:
    site = Site()
    site.ready(ADA)
    asked(site)
    out = site.engine.next_deadline()
    assert out is not None
    site.pass_time(out - site.now)
    site.report(inputs.MakeAgentNotReady, ADA)
    site.now += 50
    site.report(inputs.MakeAgentReady, ADA, make_routable=False)
    assert finding(site, asked(site)) == Finding(Obstacle.NOT_ROUTABLE, out, cause=ModeCause.START_TIMEOUT)


@pytest.mark.parametrize("routable", [True, False])
def test_not_routable_as_signed_in_or_at_request(routable: bool) -> None:
    site = Site()
    site.sign_in(ADA, routable=routable)
    site.report(inputs.MakeAgentReady, ADA, make_routable=False)
    site.now += 2
    site.report(inputs.MakeAgentNotRoutable, ADA)
    cause, since = (ModeCause.REQUEST, START + 2) if routable else (ModeCause.SIGN_IN, START)
    assert finding(site, asked(site)) == Finding(Obstacle.NOT_ROUTABLE, since, cause=cause)


def test_temporarily_not_routable() -> None:
    site = Site()
    site.ready(ADA)
    site.now += 8
    site.engine.apply(facts.AgentTemporarilyNotRoutable(ADA), site.now)
    seen = finding(site, asked(site))
    assert (seen.obstacle, seen.since) == (Obstacle.TEMPORARILY_NOT_ROUTABLE, START + 8)


def test_deferred() -> None:
    site = Site()
    site.ready(ADA, limit=2)
    asked(site)
    site.now += 1
    site.report(inputs.MakeAgentNotRoutable, ADA)
    assert finding(site, asked(site)) == Finding(Obstacle.DEFERRED, START + 1)


def test_no_member() -> None:
    site = Site(settings(agents=(agent(ADA, ["email"]), agent(BEN))))
    site.ready(ADA)
    assert finding(site, asked(site)) == Finding(Obstacle.NO_MEMBER)


def test_step_not_reached_until_it_is() -> None:
    site = Site(
        settings(
            {"8100": ({"op": "queue", "to": ["pq:fluent"]},)},
            agents=(agent(ADA, (), english=2), agent(BEN, (), english=9)),
            attributes=(Attribute("english", "proficiency"),),
            precision_queues=(PrecisionQueue("fluent", 9, CHAT, steps(("english > 5", 30.0), ("english > 1", 0.0))),),
        )
    )
    site.ready(ADA)
    task_id = asked(site, "8100")
    site.sign_in(BEN)
    assert finding(site, task_id) == Finding(Obstacle.STEP_NOT_REACHED)
    site.pass_time(30)
    assert pair(site, task_id).has_it
    seen = site.engine.explain_task(task_id)
    assert seen is not None
    assert seen.choice is not None
    assert (seen.choice.way, seen.choice.step, seen.choice.candidates) == (Way.TASK_CAME, 2, 1)


def test_gave_it_back() -> None:
    site = Site()
    site.ready(ADA, limit=2)
    first = asked(site)
    site.about(inputs.StartTask, ADA, first)
    assert finding(site, asked(site, service=2, previous_task=first)) == Finding(Obstacle.GAVE_IT_BACK)


def test_held_for_a_lost_client() -> None:
    site = Site(requeue=True)
    task_id = asked(site, uui=b"u")
    site.say(inputs.RoutingClientLost(WEB))
    site.ready(ADA)
    assert finding(site, task_id) == Finding(Obstacle.HELD)


def test_task_that_waits_no_more_or_not_yet_has_no_obstacle() -> None:
    site = Site(settings({"8200": ({"op": "wait", "seconds": 9}, {"op": "queue", "to": ["sg:chat"]})}))
    pending = asked(site, "8200")
    site.ready(BEN)
    taken = asked(site)
    for task_id, state in ((pending, TaskState.PENDING), (taken, TaskState.PRE_CALL)):
        seen = pair(site, task_id)
        assert (seen.finding, seen.has_it, seen.state) == (None, False, state)


def test_unknown_tasks_and_agents_have_no_explanation() -> None:
    site = Site()
    task_id = asked(site)
    assert site.engine.explain_pair(TaskId(1, 2, 3), ADA) is None
    assert site.engine.explain_pair(task_id, 999) is None
    assert site.engine.explain_task(TaskId(1, 2, 3)) is None
    assert site.engine.explain_agent(999) is None


def test_waiting_task_lists_members_by_what_keeps_them_from_it() -> None:
    site = Site(settings(agents=(agent(ADA), agent(BEN), agent(103, ["email"]))))
    site.sign_in(ADA, BEN)
    site.report(inputs.MakeAgentReady, BEN, make_routable=False)
    site.report(inputs.MakeAgentNotRoutable, BEN)
    site.ready(103)
    seen = site.engine.explain_task(asked(site))
    assert seen is not None
    assert seen.obstacles == {Obstacle.NOT_READY: 1, Obstacle.NOT_ROUTABLE: 1, Obstacle.NO_MEMBER: 1}
    assert [candidate.agent.skill_target_id for candidate in seen.candidates] == [ADA, BEN]
    assert (seen.choice, seen.agent, seen.all_looked_at) == (None, None, True)


def test_idle_agent_is_available_with_the_queues_that_could_serve_him() -> None:
    site = Site()
    site.ready(ADA)
    seen = site.engine.explain_agent(ADA)
    assert seen is not None
    (chat,) = seen.domains
    assert (chat.mrd_name, chat.finding, chat.available_since, chat.tasks) == ("chat", None, START, ())
    assert [(queue.queue.label, queue.waiting) for queue in chat.queues] == [("sg:chat", 0)]


def test_task_given_to_an_agent_who_came_keeps_priority_age_and_how_many_waited() -> None:
    site = Site()
    first = asked(site)
    site.now += 10
    asked(site)
    chosen = only(site.ready(ADA), events.AgentChosen)
    assert chosen.task_id == first
    choice = chosen.choice
    assert (choice.way, choice.candidates, choice.queues) == (Way.AGENT_CAME, 2, 1)
    assert (choice.priority, choice.queued_at) == (5, START)


def test_task_that_came_keeps_how_many_could_have_had_it_and_what_decided() -> None:
    site = Site()
    site.ready(ADA, limit=1)
    site.now += 10
    site.ready(BEN, limit=2)
    (chosen,) = of(site.task(), events.AgentChosen)
    assert chosen.skill_target_id == BEN
    choice = chosen.choice
    assert (choice.way, choice.candidates, choice.free_slots, choice.available_since) == (
        *(Way.TASK_CAME, 2, 2),
        START + 10,
    )
    assert site.engine.pending_pre_calls(1)[0].choice == choice


def test_agent_who_gave_the_task_back_is_not_counted_among_those_who_could_have_had_it() -> None:
    site = Site()
    site.ready(ADA, BEN, limit=3)
    first = only(site.task(), events.AgentChosen)
    site.about(inputs.StartTask, first.skill_target_id, first.task_id)
    again = only(site.task(service=2, previous_task=first.task_id), events.AgentChosen)
    assert again.skill_target_id != first.skill_target_id
    assert again.choice.candidates == 1
