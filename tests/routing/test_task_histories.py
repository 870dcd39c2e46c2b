"""What a task's history says, put together from facts alone."""

from ctigw.routing import inputs
from ctigw.routing.events import AgentChosen, TaskEnded
from ctigw.routing.inputs import TaskId
from ctigw.routing.task_histories import MOST_STATES, TaskHistories, TaskHistory
from ctigw.routing.terms import Departure, NewTaskFailureReason, TaskState
from portrait import state_of
from routing_site import CHAT, EMAIL, START, Site, of, only, settings, variables
from test_histories import History, random_steps


def histories_of(site: Site, *kept: str) -> TaskHistories:
    found = TaskHistories(kept)
    for event, now in site.history:
        found.observe(event, now)
    return found


def the_history(site: Site, *kept: str) -> TaskHistory:
    (history,) = histories_of(site, *kept).finished
    return history


def served(site: Site) -> TaskId:
    """A task that waited seven seconds for agent 101."""
    site.task(variables=variables(call_1="secret", call_2="plain"))
    site.pass_time(7)
    chosen: AgentChosen = only(site.ready(101), AgentChosen)
    return chosen.task_id


def test_a_whole_life() -> None:
    site = Site()
    task_id = served(site)
    site.now += 1
    site.about(inputs.OfferTask, 101, task_id)
    site.now += 2
    site.about(inputs.StartTask, 101, task_id)
    for kind, after in ((inputs.PauseTask, 30), (inputs.ResumeTask, 5), (inputs.WrapUpTask, 10)):
        site.now += after
        site.about(kind, 101, task_id)
    site.now += 4
    site.about(inputs.EndTask, 101, task_id, disposition=38, application_disposition=12)
    history = the_history(site)
    assert [(state.name, at - START) for state, at in history.states] == [
        *(("PENDING", 0), ("QUEUED", 0), ("PRE_CALL", 7), ("OFFERED", 8), ("ACTIVE", 10), ("PAUSED", 40)),
        *(("ACTIVE", 45), ("WRAPUP", 55)),
    ]
    seconds = {state.name: seconds for state, seconds in history.seconds().items() if seconds}
    assert seconds == {"QUEUED": 7, "PRE_CALL": 1, "OFFERED": 2, "ACTIVE": 40, "PAUSED": 5, "WRAPUP": 4}
    (stay,) = history.stays
    assert (stay.queue.label, stay.entered, stay.left, stay.departure) == (
        "sg:chat",
        START,
        START + 7,
        Departure.ROUTED,
    )
    assert (history.task_id, history.mrd_id, history.selector, history.application) == (
        task_id,
        CHAT,
        "8000",
        "webchat",
    )
    assert (history.skill_target_id, history.queue, history.started) == (101, stay.queue, START + 10)
    assert (history.disposition, history.application_disposition, history.ended) == (38, 12, START + 59)
    assert not history.partial


def test_variables_are_kept_only_where_the_operator_named_them() -> None:
    site = Site()
    task_id = served(site)
    site.about(inputs.EndTask, 101, task_id, disposition=38)
    assert the_history(site).variables == ()
    assert the_history(site, "call.2", "ecc.user.x").variables == variables(call_2="plain")


def test_a_task_that_found_an_agent_at_once_did_not_wait() -> None:
    site = Site()
    site.ready(101)
    chosen = only(site.task(), AgentChosen)
    site.now += 3
    site.about(inputs.EndTask, 101, chosen.task_id, disposition=37)
    history = the_history(site)
    (stay,) = history.stays
    assert (stay.entered, stay.left, stay.departure) == (START, START, None)
    assert history.started is None


def test_a_task_that_waited_too_long_says_why() -> None:
    site = Site()
    site.task()
    site.pass_time(3600)
    history = the_history(site)
    assert history.failure is NewTaskFailureReason.ROUTER_RELEASED_TASK
    assert history.failure_text == "too long in queue"
    assert history.stays[0].departure is Departure.TOO_LONG
    assert (history.disposition, history.skill_target_id) == (35, None)


def test_a_stay_has_the_priority_that_the_script_gave_it_last() -> None:
    steps = ({"op": "queue", "to": ["sg:chat"]}, {"op": "wait", "seconds": 9}, {"op": "priority", "value": 2})
    site = Site(settings({"8001": steps}))
    site.task("8001")
    assert [history.stays[0].priority for history in histories_of(site).living().values()] == [5]
    site.pass_time(9)
    assert [history.stays[0].priority for history in histories_of(site).living().values()] == [2]


def test_an_abandoned_task_says_so() -> None:
    site = Site()
    site.task()
    site.now += 5
    site.cancel(1)
    assert the_history(site).stays[0].departure is Departure.ABANDONED


def test_a_client_that_pauses_for_ever_does_not_grow_a_history() -> None:
    site = Site()
    task_id = served(site)
    site.about(inputs.StartTask, 101, task_id)
    for _ in range(MOST_STATES):
        site.now += 1
        site.about(inputs.PauseTask, 101, task_id)
        site.now += 2
        site.about(inputs.ResumeTask, 101, task_id)
    site.about(inputs.EndTask, 101, task_id, disposition=38)
    history = the_history(site)
    assert len(history.states) == MOST_STATES
    assert history.omitted == 2 * MOST_STATES + 4 - MOST_STATES
    assert history.seconds()[TaskState.PAUSED] == 2 * MOST_STATES
    assert history.seconds()[TaskState.ACTIVE] == MOST_STATES


def test_a_task_whose_beginning_was_not_seen_is_partial() -> None:
    site = Site()
    task_id = served(site)
    seen = len(site.history)
    site.about(inputs.StartTask, 101, task_id)
    site.now += 9
    site.about(inputs.EndTask, 101, task_id, disposition=38)
    found = TaskHistories()
    for event, now in site.history[seen:]:
        found.observe(event, now)
    (history,) = found.finished
    assert history.partial
    assert (history.mrd_id, history.skill_target_id, history.disposition) == (CHAT, 101, 38)


def test_an_interrupted_task_returns_to_what_it_was() -> None:
    site = Site()
    site.ready(101, mrd=EMAIL)
    mail = only(site.task("e8000"), AgentChosen)
    site.about(inputs.StartTask, 101, mail.task_id, EMAIL)
    site.about(inputs.PauseTask, 101, mail.task_id, EMAIL)
    site.ready(101)
    chat = only(site.task(), AgentChosen)
    site.about(inputs.StartTask, 101, chat.task_id)
    site.report(inputs.AcceptInterrupt, 101, EMAIL)
    site.now += 6
    site.about(inputs.EndTask, 101, chat.task_id, disposition=38)
    site.report(inputs.AcceptInterruptDone, 101, EMAIL)
    site.now += 2
    site.about(inputs.EndTask, 101, mail.task_id, EMAIL, disposition=38)
    history = histories_of(site).finished[1]
    assert [state.name for state, _ in history.states][-3:] == ["PAUSED", "INTERRUPTED", "PAUSED"]
    assert (history.seconds()[TaskState.INTERRUPTED], history.seconds()[TaskState.PAUSED]) == (6, 2)


def test_histories_agree_with_the_engine_through_a_long_history() -> None:
    played = History()
    found = TaskHistories()
    seen = 0
    for step in random_steps(11, 5_000):
        played.play(step)
        for event, now in played.site.history[seen:]:
            found.observe(event, now)
        seen = len(played.site.history)
        state = state_of(played.site.engine)
        living = {task_id: task for task_id, task in state.tasks.items() if task.state is not TaskState.ENDED}
        assert {task_id: history.state for task_id, history in found.living().items()} == {
            task_id: task.state for task_id, task in living.items()
        }
        for task_id, task in living.items():
            open_stays = [s for s in found.living()[task_id].stays if s.left is None]
            assert [(s.queue, s.priority) for s in open_stays] == list(task.entries)
    ended = of([event for event, _ in played.site.history], TaskEnded)
    assert [history.task_id for history in found.finished] == [event.task_id for event in ended]
    for history in found.finished:
        assert abs(sum(history.seconds().values()) - (history.ended - history.began)) < 0.001
