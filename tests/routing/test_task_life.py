"""A task's way from NEW_TASK to its end (semantics 3.2, 3.5; decisions E1 to E3)."""

import attrs

from ctigw.routing import events, inputs, terms
from ctigw.routing.terms import (
    AgentState,
    Availability,
    ReportKind,
    ReportStatus,
    TaskState,
)
from routing_site import CHAT, EMAIL, START, Site, names, of, only, public, settings, views

DAY = 134_774 + int(START // 86_400)


def test_task_goes_to_a_free_agent_and_through_its_whole_life() -> None:
    site = Site()
    site.ready(101)
    chosen = site.task(variables=())
    assert public(chosen) == ["TaskAccepted", "AgentChosen", "AgentStateChanged"]
    answer = only(chosen, events.AgentChosen)
    assert (answer.skill_target_id, answer.waited, answer.start_deadline) == (101, False, START + 30)
    assert answer.queue == terms.QueueRef(terms.QueueKind.SKILL_GROUP, 1, "sg:chat")
    task_id = answer.task_id
    assert task_id == (DAY, 1, 1)
    assert views(chosen) == [(101, CHAT, AgentState.RESERVED, True)]

    def step(kind: type[inputs.TaskReport]) -> list[str]:
        return public(site.about(kind, 101, task_id))

    assert step(inputs.OfferTask) == ["TaskOffered"]
    assert step(inputs.StartTask) == ["TaskStarted", "AgentStateChanged"]
    assert site.state(101) is AgentState.ACTIVE
    assert step(inputs.PauseTask) == ["TaskPaused", "AgentStateChanged"]
    assert site.state(101) is AgentState.PAUSED
    assert step(inputs.ResumeTask) == ["TaskResumed", "AgentStateChanged"]
    assert step(inputs.WrapUpTask) == ["TaskWrapUpBegun", "AgentStateChanged"]
    assert site.state(101) is AgentState.WORK_READY
    ended = site.about(inputs.EndTask, 101, task_id)
    assert public(ended) == ["TaskEnded", "AgentStateChanged"]
    assert only(ended, events.TaskEnded).disposition == 38
    assert site.state(101) is AgentState.NOT_ACTIVE


def test_start_timeout_ends_the_task_then_aborts_then_makes_not_routable_then_tells_the_state() -> None:
    site = Site()
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    site.about(inputs.OfferTask, 101, task_id)  # an offer does not stop the timer
    assert site.pass_time(29.9) == []
    timed_out = site.pass_time(0.1)
    assert names(timed_out) == ["TaskEnded", "PreCallAborted", "AgentMadeNotRoutable", "AgentStateChanged"]
    assert only(timed_out, events.TaskEnded).disposition == 19
    assert views(timed_out) == [(101, CHAT, AgentState.NOT_ACTIVE, False)]
    view = only(timed_out, events.AgentStateChanged).view
    assert view.availability is Availability.APPLICATION_AVAILABLE


def test_five_agents_two_domains_an_ignored_offer_goes_to_another_agent_when_resubmitted() -> None:
    site = Site()
    site.ready(101, 102, 103)
    site.ready(104, 105, 103, mrd=EMAIL)
    first = only(site.task(), events.AgentChosen)
    assert first.skill_target_id == 101
    site.pass_time(30)
    again = site.task(service=3, previous_task=first.task_id)
    second = only(again, events.AgentChosen)
    assert second.skill_target_id == 102
    assert second.task_id == (first.task_id.day, first.task_id.key, 2)
    mail = only(site.task("e8000"), events.AgentChosen)
    assert (mail.skill_target_id, mail.mrd_id) == (103, EMAIL)  # all equal but the number
    site.about(inputs.StartTask, 102, second.task_id)
    late = only(site.pass_time(30), events.TaskEnded)
    assert (late.task_id, late.disposition) == (mail.task_id, 19)  # only the mail was not started
    assert site.state(102) is AgentState.ACTIVE


def test_task_waits_and_goes_to_the_agent_who_becomes_ready() -> None:
    site = Site()
    site.sign_in(101)
    waiting = site.task()
    assert public(waiting) == ["TaskAccepted", "TaskQueued"]
    ready = site.report(inputs.MakeAgentReady, 101)
    assert public(ready) == ["AgentStateChanged", "TaskDequeued", "AgentChosen", "AgentStateChanged"]
    assert only(ready, events.AgentChosen).waited is True
    assert views(ready) == [(101, CHAT, AgentState.NOT_ACTIVE, True), (101, CHAT, AgentState.RESERVED, True)]


def test_oldest_task_is_served_first() -> None:
    site = Site()
    ids = [only(site.task(), events.TaskAccepted).task_id for _ in range(3)]
    site.ready(101, limit=3)
    served = [event.task_id for event, _ in site.history if isinstance(event, events.AgentChosen)]
    assert served == ids


def test_cancelled_task_leaves_its_queue_then_ends_then_the_cancel_is_answered() -> None:
    site = Site()
    site.task()
    gone = site.cancel(1)
    assert public(gone) == ["TaskDequeued", "TaskEnded", "CancelAnswered"]
    assert only(gone, events.TaskEnded).disposition == 35
    assert only(gone, events.CancelAnswered).status is terms.CancelStatus.DONE
    site.ready(101)
    site.task()
    late = site.cancel(2)
    assert names(late) == ["CancelAnswered"]
    assert only(late, events.CancelAnswered).status is terms.CancelStatus.TOO_LATE


def test_cancel_from_a_session_that_is_not_there_names_an_unknown_dialogue() -> None:
    site = Site()
    assert only(site.cancel(1, session=99), events.CancelAnswered).status is terms.CancelStatus.UNKNOWN_DIALOGUE


def test_label_answers_and_ends_with_43() -> None:
    site = Site(settings({"9000": ({"op": "label", "value": "LBL_x"},)}))
    answered = site.task("9000")
    assert public(answered) == ["TaskAccepted", "LabelChosen", "TaskEnded"]
    assert only(answered, events.LabelChosen).label == "LBL_x"
    assert only(answered, events.TaskEnded).disposition == 43


def test_release_gives_the_task_back_with_its_cause() -> None:
    site = Site(settings({"9000": ({"op": "release", "cause": 7},)}))
    released = site.task("9000")
    assert public(released) == ["TaskAccepted", "TaskFailed", "TaskEnded"]
    failed = only(released, events.TaskFailed)
    assert (failed.reason, failed.cause_code) == (terms.NewTaskFailureReason.ROUTER_RELEASED_TASK, 7)


def test_task_that_lives_too_long_is_announced_and_ended_with_41() -> None:
    site = Site(settings(chat={"max_task_duration_s": 60.0}))
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    site.about(inputs.StartTask, 101, task_id)
    site.about(inputs.PauseTask, 101, task_id)
    assert site.pass_time(59.9) == []
    over = site.pass_time(0.1)
    assert names(over) == ["MaxTaskLifetimeExceeded", "TaskEnded", "AgentStateChanged"]
    assert only(over, events.TaskEnded).disposition == 41


def test_end_carries_the_dispositions_given() -> None:
    site = Site()
    site.ready(101)
    task_id = only(site.task(), events.AgentChosen).task_id
    ended = only(site.about(inputs.EndTask, 101, task_id, disposition=37, application_disposition=5), events.TaskEnded)
    assert (ended.disposition, ended.application_disposition) == (37, 5)


def test_reports_out_of_order_are_refused_with_the_status_of_their_fault() -> None:
    site = Site()
    site.ready(101, 102)
    task_id = only(site.task(), events.AgentChosen).task_id
    site.task()
    queued = only(site.task(), events.TaskAccepted).task_id

    def status(kind: type[inputs.TaskReport], task: inputs.TaskId, number: int = 101, mrd: int = CHAT) -> ReportStatus:
        refused = site.about(kind, number, task, mrd)
        assert names(refused) == ["ReportAnswered"]
        answer = only(refused, events.ReportAnswered)
        assert isinstance(answer.status, ReportStatus)
        return answer.status

    assert status(inputs.PauseTask, task_id) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    assert status(inputs.StartTask, inputs.TaskId(1, 1, 1)) is ReportStatus.TASK_OBJECT_NOT_FOUND
    assert status(inputs.StartTask, task_id, mrd=EMAIL) is ReportStatus.INCONSISTENT_MEDIA_ROUTING_DOMAIN_IDS
    assert status(inputs.StartTask, queued) is ReportStatus.NO_OFFER_OR_PRE_CALL_RECEIVED
    assert status(inputs.StartTask, task_id, 102) is ReportStatus.INCONSISTENT_AGENT_IDS
    site.about(inputs.OfferTask, 101, task_id)
    assert status(inputs.OfferTask, task_id) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    site.about(inputs.StartTask, 101, task_id)
    assert status(inputs.OfferTask, task_id) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    assert status(inputs.StartTask, task_id) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    assert status(inputs.ResumeTask, task_id) is ReportStatus.INVALID_MESSAGE_SEQUENCE
    site.about(inputs.EndTask, 101, task_id)
    assert status(inputs.EndTask, task_id) is ReportStatus.TASK_OBJECT_NOT_FOUND


def test_context_update_sets_what_it_names_and_leaves_the_rest_in_order() -> None:
    site = Site()
    site.ready(101)
    first = (inputs.Variable("call.1", None, "a"), inputs.Variable("ecc.user.x", None, "b"))
    task_id = only(site.task(variables=first), events.AgentChosen).task_id
    changes = (inputs.Variable("ecc.user.y", None, "c"), inputs.Variable("call.1", None, "d"))
    updated = site.say(inputs.UpdateTaskContext(site.origin(), 1, task_id, changes))
    assert only(updated, events.TaskDataUpdated).context.variables == (
        ("call.1", None, "d"),
        ("ecc.user.x", None, "b"),
        ("ecc.user.y", None, "c"),
    )
    queued = only(site.task(), events.TaskAccepted).task_id
    for path, task, status in (
        (2, task_id, ReportStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH),
        (1, queued, ReportStatus.NO_OFFER_OR_PRE_CALL_RECEIVED),
        (1, inputs.TaskId(1, 1, 1), ReportStatus.TASK_OBJECT_NOT_FOUND),
    ):
        refused = only(site.say(inputs.UpdateTaskContext(site.origin(), path, task, changes)), events.ReportAnswered)
        assert (refused.kind, refused.status) == (ReportKind.UPDATE_TASK_CONTEXT, status)


def test_keys_of_side_b_are_even_and_days_change_at_midnight() -> None:
    site = Site(side="B")
    keys = [only(site.task(), events.TaskAccepted).task_id for _ in range(2)]
    assert keys == [(DAY, 2, 1), (DAY, 4, 1)]
    site.now = (START // 86_400 + 1) * 86_400
    assert only(site.task(), events.TaskAccepted).task_id == (DAY + 1, 6, 1)


def test_keys_begin_anew_after_the_highest_that_the_wire_carries() -> None:
    for side, last, first in (("A", 2**31 - 1, 1), ("B", 2**31 - 2, 2)):
        site = Site(side=side)
        accepted = attrs.evolve(only(site.task(), events.TaskAccepted), task_id=inputs.TaskId(DAY, last, 1))
        site.engine.apply(accepted, site.now)
        site.now += 86_400
        assert only(site.task(dialogue=70), events.TaskAccepted).task_id == (DAY + 1, first, 1)


def test_time_never_goes_back() -> None:
    site = Site()
    site.ready(101)
    site.now -= 1000
    assert only(site.task(), events.AgentChosen).start_deadline == START + 30


def test_unknown_previous_task_gets_a_new_id() -> None:
    site = Site()
    fresh = only(site.task(service=2, previous_task=inputs.TaskId(DAY, 77, 1)), events.TaskAccepted).task_id
    assert fresh == (DAY, 1, 1)


def test_census_counts_tasks_queues_and_agents() -> None:
    site = Site()
    site.ready(101)
    site.task()
    site.task()
    site.now += 5
    site.task()
    census = site.engine.census()
    assert census.tasks["chat", TaskState.PRE_CALL] == 1
    assert census.tasks["chat", TaskState.QUEUED] == 2
    assert census.queues["sg:chat"] == (2, START)
    assert census.queues["sg:email"] == (0, None)
    assert census.agents["chat", AgentState.RESERVED] == 1
    assert census.available["chat", "icm"] == 0
    site.ready(102, mrd=EMAIL)
    assert site.engine.census().available["email", "icm"] == 1
    assert of(site.engine.pending_pre_calls(1), events.AgentChosen)[0].skill_target_id == 101
