"""Routing clients that are lost and ask again (decisions D6, E1)."""

import pytest

from ctigw.config.routing import Attribute, PrecisionQueue, RouterSettings
from ctigw.routing import events, inputs, tasks, terms
from ctigw.routing.terms import (
    TaskState,
)
from routing_site import CHAT, WEB, Script, Site, agent, names, of, only, public, settings, steps

SECOND = 12


def second_session(site: Site, *, requeue: bool = True, application: str = "webchat") -> None:
    site.say(inputs.RoutingClientOpened(SECOND, application, requeue))


def test_without_requeue_what_is_queued_is_dropped_in_order_of_arrival() -> None:
    site = Site()
    ids = [only(site.task(uui=b"u"), events.TaskAccepted).task_id for _ in range(2)]
    lost = site.say(inputs.RoutingClientLost(WEB))
    assert public(lost) == ["TaskDequeued", "TaskEnded"] * 2
    assert [(event.task_id, event.disposition) for event in of(lost, events.TaskEnded)] == [(i, 35) for i in ids]


def test_task_with_an_agent_survives_the_loss() -> None:
    site = Site()
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    assert public(site.say(inputs.RoutingClientLost(WEB))) == []
    assert public(site.about(inputs.StartTask, 101, task_id)) == ["TaskStarted", "AgentStateChanged"]


def test_kept_task_is_given_to_nobody_until_taken_up_with_its_place_and_age() -> None:
    site = Site(requeue=True)
    first = only(site.task(dialogue=1, uui=b"one"), events.TaskAccepted).task_id
    site.say(inputs.RoutingClientLost(WEB))
    second_session(site)
    later = only(site.task(dialogue=9, session=SECOND), events.TaskAccepted).task_id
    assert of(site.ready(101), events.AgentChosen)[0].task_id == later
    assert site.engine.task_state(first) is TaskState.QUEUED
    assert site.engine.census().queues["sg:chat"].depth == 1
    third = only(site.task(dialogue=10, session=SECOND), events.TaskAccepted).task_id
    taken = site.task(dialogue=1, uui=b"one", session=SECOND)
    assert names(taken) == ["TaskTakenUp"]
    assert only(taken, events.TaskTakenUp) == events.TaskTakenUp(first, inputs.DialogueKey(SECOND, 1))
    served = only(site.about(inputs.EndTask, 101, later), events.AgentChosen)
    assert (served.task_id, served.dialogue) == (first, (SECOND, 1))
    assert site.engine.task_state(third) is TaskState.QUEUED


def test_kept_task_taken_up_goes_to_an_agent_who_is_free_at_once() -> None:
    site = Site(requeue=True)
    task_id = only(site.task(dialogue=1, uui=b"one"), events.TaskAccepted).task_id
    site.say(inputs.RoutingClientLost(WEB))
    site.ready(101)
    second_session(site)
    taken = site.task(dialogue=1, uui=b"one", session=SECOND)
    assert public(taken) == ["TaskTakenUp", "TaskDequeued", "AgentChosen", "AgentStateChanged"]
    assert only(taken, events.AgentChosen).task_id == task_id


def test_what_nobody_takes_up_ends_with_35() -> None:
    site = Site(requeue=True)
    site.task(uui=b"one")
    kept = only(site.say(inputs.RoutingClientLost(WEB)), events.TaskKept)
    assert kept.until == site.now + 1200
    over = site.pass_time(1200)
    assert public(over) == ["TaskDequeued", "TaskEnded"]
    assert only(over, events.TaskEnded).disposition == 35


def test_script_of_a_kept_task_stands_still_and_goes_on_when_taken_up() -> None:
    script = ({"op": "queue", "to": ["sg:chat"]}, {"op": "wait", "seconds": 30}, {"op": "label", "value": "LBL"})
    site = Site(settings({"8001": script}), requeue=True)
    site.task("8001", dialogue=1, uui=b"one")
    site.say(inputs.RoutingClientLost(WEB))
    assert site.pass_time(60) == []
    second_session(site)
    assert names(site.task("8001", dialogue=1, uui=b"one", session=SECOND)) == ["TaskTakenUp"]
    assert public(site.pass_time(0)) == ["TaskDequeued", "LabelChosen", "TaskEnded"]


def test_kept_task_is_not_given_away_by_a_precision_queue_step_either() -> None:
    queue = PrecisionQueue("fluent", 9, CHAT, steps(("english >= 5", 20.0), ("english > 0", 0.0)))
    scripts: dict[str, Script] = {"8001": ({"op": "queue", "to": ["pq:fluent"]},)}
    attributes = (Attribute("english", "proficiency"),)
    agents = (agent(101, english=1),)
    site = Site(settings(scripts, agents=agents, attributes=attributes, precision_queues=(queue,)), requeue=True)
    site.ready(101)
    site.task("8001", dialogue=1, uui=b"one")
    site.say(inputs.RoutingClientLost(WEB))
    assert public(site.pass_time(20)) == []
    second_session(site)
    taken = site.task("8001", dialogue=1, uui=b"one", session=SECOND)
    assert "AgentChosen" in public(taken)  # the step was reached meanwhile


def test_time_in_queue_goes_on_for_a_task_taken_up() -> None:
    site = Site(settings(router=RouterSettings(max_time_in_queue_s=100.0)), requeue=True)
    site.task(dialogue=1, uui=b"one")
    site.say(inputs.RoutingClientLost(WEB))
    site.pass_time(60)
    second_session(site)
    site.task(dialogue=1, uui=b"one", session=SECOND)
    assert site.pass_time(39) == []
    assert public(site.pass_time(1)) == ["TaskDequeued", "TaskFailed", "TaskEnded"]


def test_resent_task_is_taken_up_also_before_the_loss_is_noticed() -> None:
    site = Site(requeue=True)
    task_id = only(site.task(dialogue=1, uui=b"one"), events.TaskAccepted).task_id
    second_session(site)
    assert names(site.task(dialogue=1, uui=b"one", session=SECOND)) == ["TaskTakenUp"]
    assert public(site.say(inputs.RoutingClientLost(WEB))) == []
    assert site.engine.task_state(task_id) is TaskState.QUEUED
    assert only(site.cancel(1, session=SECOND), events.CancelAnswered).status is terms.CancelStatus.DONE


def test_resent_task_that_was_answered_gets_the_same_answer_until_it_is_forgotten() -> None:
    site = Site()
    site.ready(101)
    answer = only(site.task(dialogue=1, uui=b"one"), events.AgentChosen)
    second_session(site, requeue=False)

    def again() -> list[str]:
        return names(site.task(dialogue=1, uui=b"one", session=SECOND))

    repeated = only(site.task(dialogue=1, uui=b"one", session=SECOND), events.AnswerRepeated)
    assert (repeated.task_id, repeated.skill_target_id) == (answer.task_id, 101)
    assert repeated.dialogue == (SECOND, 1)
    site.about(inputs.EndTask, 101, answer.task_id)
    site.pass_time(1199)
    assert again() == ["AnswerRepeated"]
    site.pass_time(1)
    assert again()[0] == "TaskAccepted"


def test_resent_task_that_was_answered_with_a_label_gets_the_label_again() -> None:
    site = Site(settings({"8001": ({"op": "label", "value": "LBL"},)}))
    task_id = only(site.task("8001", dialogue=1, uui=b"one"), events.TaskAccepted).task_id
    second_session(site)
    repeated = only(site.task("8001", dialogue=1, uui=b"one", session=SECOND), events.LabelRepeated)
    assert (repeated.task_id, repeated.label) == (task_id, "LBL")


def test_task_is_a_new_one_when_anything_that_names_it_differs() -> None:
    site = Site(requeue=True)
    site.say(inputs.RoutingClientOpened(13, "other", True))
    site.task(dialogue=1, uui=b"one")
    site.say(inputs.RoutingClientLost(WEB))
    second_session(site)
    resend = {"dialogue": 1, "uui": b"one", "session": SECOND}
    changes = ({"dialogue": 2}, {"uui": b"two"}, {"uui": b""}, {"session": 13}, {"service": 2})
    for change in changes:
        fields = resend | change
        assert public(site.task(**fields))[0] == "TaskAccepted", change  # type: ignore[arg-type]  # fields of NewTask
        dialogue, session = fields["dialogue"], fields["session"]
        site.cancel(dialogue, session)  # type: ignore[arg-type]  # the two are numbers
    assert public(site.task("e8000", **resend))[0] == "TaskAccepted"


def test_same_connection_asking_again_asks_for_a_new_task() -> None:
    site = Site()
    site.ready(101)
    site.task(dialogue=1, uui=b"one")
    assert public(site.task(dialogue=1, uui=b"one"))[0] == "TaskAccepted"


def test_without_requeue_a_resent_queued_task_is_a_new_one() -> None:
    site = Site()
    site.task(dialogue=1, uui=b"one")
    second_session(site, requeue=False)
    assert public(site.task(dialogue=1, uui=b"one", session=SECOND)) == ["TaskAccepted", "TaskQueued"]
    assert public(site.say(inputs.RoutingClientLost(WEB))) == ["TaskDequeued", "TaskEnded"]


def test_sequence_counts_on_over_a_family_of_tasks() -> None:
    site = Site()
    site.ready(101)
    first = only(site.task(), events.AgentChosen).task_id
    ids = [only(site.task(service=2, previous_task=first), events.TaskAccepted).task_id.sequence for _ in range(2)]
    assert ids == [2, 3]
    plain = only(site.task(service=0, previous_task=first), events.TaskAccepted).task_id
    assert plain.sequence == 1
    site.about(inputs.EndTask, 101, first)
    assert only(site.task(service=3, previous_task=first), events.TaskAccepted).task_id == (*first[:2], 4)


def test_oldest_answers_are_forgotten_when_too_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MOST_REMEMBERED", 2)
    site = Site(settings({"8001": ({"op": "label", "value": "LBL"},)}))
    for dialogue in (1, 2, 3):
        site.task("8001", dialogue=dialogue, uui=b"one")
    second_session(site)
    again = [names(site.task("8001", dialogue=d, uui=b"one", session=SECOND))[0] for d in (3, 2, 1)]
    assert again == ["LabelRepeated", "LabelRepeated", "TaskAccepted"]


def test_side_that_takes_over_counts_on_in_its_own_parity() -> None:
    site = Site()
    for _ in range(3):
        site.task()
    other = Site(side="B")
    for event, now in site.history:
        other.engine.apply(event, now)
    assert only(other.task(dialogue=50), events.TaskAccepted).task_id.key == 6


def test_gone_client_that_never_came_changes_nothing() -> None:
    site = Site()
    assert site.say(inputs.RoutingClientLost(99)) == []
    assert site.say(inputs.ArmClientLost(99)) == []
