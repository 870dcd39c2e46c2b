"""What is counted of a queue: outcomes, waits, periods, and its agents (semantics 10.1)."""

from collections import Counter

import attrs
import pytest

from ctigw.config.routing import RouterSettings, SkillGroup
from ctigw.routing import events, inputs
from ctigw.routing.inputs import TaskId
from ctigw.routing.statistics.numbers import OUTCOMES
from ctigw.routing.statistics.periods import SLOTS, Peaks
from ctigw.routing.statistics.views import QueueStatistics
from routing_site import CHAT, EMAIL, START, Script, Site, agent, of, settings

BOTH: Script = ({"op": "queue", "to": ["sg:chat", "sg:other"]},)
OTHER = SkillGroup("other", 7, CHAT)
HALF_HOUR_AFTER_START = (START // 1800 + 1) * 1800


def two_groups(**site: object) -> Site:
    """Agent 101 is in the group `chat`, agent 102 in `other`."""
    agents = (agent(101, ["chat"]), agent(102, ["other"]))
    return Site(settings({"both": BOTH}, agents=agents, groups=(OTHER,), **site))  # type: ignore[arg-type]  # keywords of settings


def of_queue(site: Site, queue: str | int = "sg:chat") -> QueueStatistics:
    found = site.engine.queue_statistics(queue, site.now)
    assert found is not None
    return found


def outcomes(site: Site, queue: str = "sg:chat") -> Counter[str]:
    """The outcomes that are not 0, and `open` where tasks are."""
    found = of_queue(site, queue)
    counted = Counter({name: getattr(found.total, name) for name in OUTCOMES} | {"open": found.open})
    assert found.total.offered == counted.total()
    return +counted


def given(site: Site, selector: str = "8000") -> TaskId:
    """The id of a new task that goes to an agent at once."""
    (chosen,) = of(site.task(selector), events.AgentChosen)
    task_id: TaskId = chosen.task_id
    return task_id


def test_a_task_is_offered_then_answered_then_handled() -> None:
    site = Site()
    site.ready(101)
    task = given(site)
    assert outcomes(site) == {"open": 1}
    site.pass_time(6)
    site.about(inputs.StartTask, 101, task)
    found = of_queue(site)
    assert (found.total.answered, found.total.answer_wait_s, found.in_progress) == (1, 6, 1)
    assert outcomes(site) == {"open": 1}
    site.pass_time(20)
    site.about(inputs.WrapUpTask, 101, task)
    site.pass_time(4)
    site.about(inputs.EndTask, 101, task)
    assert outcomes(site) == {"handled": 1}
    found = of_queue(site)
    assert (found.total.talk_s, found.total.wrap_up_s, found.total.handle_s, found.in_progress) == (20, 4, 24, 0)


@pytest.mark.parametrize("disposition", [38, 40, 41, 42, 63, 65, 4711])
def test_what_was_started_is_handled_however_it_ends(disposition: int) -> None:
    site = Site()
    site.ready(101)
    task = given(site)
    site.about(inputs.StartTask, 101, task)
    site.about(inputs.EndTask, 101, task, disposition=disposition)
    assert outcomes(site) == {"handled": 1}


@pytest.mark.parametrize(
    ("disposition", "outcome"),
    [
        (15, "redirect_no_answer"),
        (19, "redirect_no_answer"),
        (36, "redirect_no_answer"),
        (35, "abandoned_to_agent"),
        (37, "abandoned_to_agent"),
        (38, "abandoned_to_agent"),
        (4711, "abandoned_to_agent"),
        (63, "dequeued"),
        (65, "dequeued"),
        (39, "router_error"),
        (40, "router_error"),
        (42, "router_error"),
        (67, "router_error"),
    ],
)
def test_what_was_not_started_has_the_outcome_of_its_disposition(disposition: int, outcome: str) -> None:
    site = Site()
    site.ready(101)
    site.about(inputs.EndTask, 101, given(site), disposition=disposition)
    assert outcomes(site) == {outcome: 1}


def test_a_task_that_is_cancelled_while_it_waits_is_abandoned_in_each_of_its_queues() -> None:
    site = two_groups()
    site.task("both")
    assert outcomes(site) == outcomes(site, "sg:other") == {"open": 1}
    site.cancel(1)
    assert outcomes(site) == outcomes(site, "sg:other") == {"abandoned_in_queue": 1}


def test_a_task_that_waited_too_long_is_an_error_of_the_router() -> None:
    site = two_groups(router=RouterSettings(max_time_in_queue_s=50))
    site.task("both")
    site.pass_time(60)
    assert outcomes(site) == {"router_error": 1}


@pytest.mark.parametrize(
    "step", [{"op": "release", "cause": 1}, {"op": "label", "value": "LBL"}, {"op": "cancel_queue"}]
)
def test_a_task_that_its_script_takes_out_is_dequeued(step: dict[str, object]) -> None:
    site = Site(settings({"8000": ({"op": "queue", "to": ["sg:chat"]}, {"op": "wait", "seconds": 5}, step)}))
    site.task()
    site.pass_time(5)
    assert outcomes(site) == {"dequeued": 1}


def test_a_task_that_is_queued_again_is_offered_again() -> None:
    queue = {"op": "queue", "to": ["sg:chat"]}
    site = Site(settings({"8000": (queue, {"op": "wait", "seconds": 5}, {"op": "cancel_queue"}, queue)}))
    site.task()
    site.pass_time(5)
    assert outcomes(site) == {"dequeued": 1, "open": 1}
    assert of_queue(site).total.queued == 2


def test_other_queues_learn_when_the_task_is_started_that_they_have_lost_it() -> None:
    site = two_groups()
    site.task("both")
    (chosen,) = of(site.ready(101), events.AgentChosen)
    assert outcomes(site, "sg:other") == {"open": 1}
    site.about(inputs.StartTask, 101, chosen.task_id)
    assert outcomes(site, "sg:other") == {"dequeued": 1}
    assert outcomes(site) == {"open": 1}


@pytest.mark.parametrize(("disposition", "outcome"), [(37, "abandoned_dequeued"), (19, "dequeued"), (42, "dequeued")])
def test_other_queues_count_a_task_that_is_never_started(disposition: int, outcome: str) -> None:
    site = two_groups()
    site.task("both")
    (chosen,) = of(site.ready(101), events.AgentChosen)
    site.about(inputs.EndTask, 101, chosen.task_id, disposition=disposition)
    assert outcomes(site, "sg:other") == {outcome: 1}


def test_a_waiting_task_may_go_to_an_agent_of_a_queue_that_it_never_waited_in() -> None:
    script: Script = (
        {"op": "queue", "to": ["sg:chat"]},
        {"op": "wait", "seconds": 5},
        {"op": "queue", "to": ["sg:other"]},
    )
    site = Site(settings({"8000": script}, agents=(agent(102, ["other"]),), groups=(OTHER,)))
    site.ready(102)
    site.task()
    (chosen,) = of(site.pass_time(5), events.AgentChosen)
    site.about(inputs.StartTask, 102, chosen.task_id)
    assert (outcomes(site), outcomes(site, "sg:other")) == ({"dequeued": 1}, {"open": 1})
    assert of_queue(site, "sg:other").total.answer_wait_s == 0


def test_a_kept_task_stays_offered_until_nobody_takes_it_up() -> None:
    site = Site(settings(chat={"task_life_s": 60.0}), requeue=True)
    site.task()
    site.say(inputs.RoutingClientLost(11))
    assert outcomes(site) == {"open": 1}
    site.pass_time(61)
    assert outcomes(site) == {"abandoned_in_queue": 1}


def test_waiting_tasks_are_told_by_number_age_and_sum() -> None:
    site = Site()
    site.task()
    site.pass_time(10)
    site.task()
    site.pass_time(5)
    found = of_queue(site)
    assert (found.queued_now, found.longest_now_s, found.queued_now_s) == (2, 15, 20)
    site.ready(101)
    found = of_queue(site)
    assert (found.queued_now, found.longest_now_s, found.queued_now_s) == (1, 5, 5)
    assert (found.total.queued, found.total.queue_s) == (2, 15)


def test_periods_forget_what_lies_before_them() -> None:
    site = Site()
    site.ready(101)
    site.pass_time(HALF_HOUR_AFTER_START - START - 100)
    task = given(site)
    site.about(inputs.StartTask, 101, task)
    site.pass_time(40)
    site.about(inputs.EndTask, 101, task)

    def handled() -> tuple[float, ...]:
        found = of_queue(site)
        periods = (found.five_minutes, found.half_hour, found.today)
        assert all(period.numbers.handle_s == 40 * period.numbers.handled for period in periods)
        return tuple(period.numbers.handled for period in periods)

    assert handled() == (1, 1, 1)
    site.pass_time(59)
    assert handled() == (1, 1, 1)
    site.pass_time(1)
    assert handled() == (1, 0, 1)
    site.pass_time(180)
    assert handled() == (1, 0, 1)
    site.task()  # a change in the meantime makes no difference
    site.pass_time(60)
    assert handled() == (0, 0, 1)
    site.pass_time(86_400)
    assert handled() == (0, 0, 0)


def test_longest_wait_of_a_period_is_of_those_that_left_in_it_and_those_that_still_wait() -> None:
    site = Site()
    site.task()
    site.pass_time(100)
    site.cancel(1)
    site.pass_time(200)
    site.task()
    site.pass_time(50)
    found = of_queue(site)
    assert (found.five_minutes.longest_wait_s, found.today.longest_wait_s) == (100, 100)
    site.pass_time(100)
    assert of_queue(site).five_minutes.longest_wait_s == 150
    site.cancel(2)
    site.pass_time(330)
    found = of_queue(site)
    assert (found.five_minutes.longest_wait_s, found.today.longest_wait_s) == (0, 150)


def test_longest_wait_of_today_is_not_forgotten_for_a_shorter_one() -> None:
    site = Site()
    for number, seconds in enumerate((100, 50), 1):
        site.task()
        site.pass_time(seconds)
        site.cancel(number)
        site.pass_time(400)
    assert of_queue(site).today.longest_wait_s == 100


def test_longest_waits_are_kept_for_as_many_slots_as_are_told() -> None:
    peaks = Peaks()
    for turn in range(1000):
        peaks.note(1.0, START + 30 * turn)
    assert len(peaks.slots) == SLOTS


def test_sum_of_waits_does_not_drift() -> None:
    site = Site()
    for number in range(1, 200):
        site.task()
        site.pass_time(0.1 * number)
        if number > 1:
            site.cancel(number - 1)
    site.cancel(199)
    site.task()
    site.pass_time(0.3)
    found = of_queue(site)
    assert found.queued_now_s == found.longest_now_s


def test_time_of_a_queues_agents_is_added_up_for_each_period() -> None:
    site = Site()
    site.ready(101, 102)
    site.pass_time(1000)
    site.report(inputs.MakeAgentNotReady, 102)
    site.pass_time(100)
    found = of_queue(site)
    assert (found.today.logged_on_s, found.today.available_s, found.today.not_ready_s) == (2200, 2100, 100)
    five_minutes_s = (START + 1100) % 30 + 270
    assert found.five_minutes.logged_on_s == 2 * five_minutes_s
    assert found.five_minutes.available_s == 2 * five_minutes_s - 100
    assert found.five_minutes.not_ready_s == 100
    half_hour_s = START + 1100 - HALF_HOUR_AFTER_START
    assert (found.half_hour.logged_on_s, found.half_hour.not_ready_s) == (2 * half_hour_s, 100)


def test_queues_are_found_by_label_and_by_number() -> None:
    site = Site()
    assert of_queue(site, 1) == of_queue(site, "sg:chat")
    assert of_queue(site, 2).queue.label == "sg:email"
    assert site.engine.queue_statistics(4711, site.now) is None
    assert site.engine.queue_statistics("agent:101", site.now) is None


# --- a queue's agents (semantics 10.1, worked tables) ----------------------------------------------------------------


def avail(site: Site, queue: str) -> tuple[int, int]:
    """Avail and ICMAvailable."""
    agents = of_queue(site, queue).agents
    return agents.available, agents.icm_available


def test_worked_table_of_two_domains_that_may_not_be_interrupted() -> None:
    """Three agents of a voice and a chat domain; here the email domain, not interruptible, stands for voice."""
    site = Site(settings(email={"interruptible": False}, agents=tuple(agent(n) for n in (101, 102, 103))))
    site.ready(101, 102, 103, mrd=EMAIL)
    site.ready(101, 102, 103, mrd=CHAT)
    assert avail(site, "sg:email") == (3, 3)
    call = of(site.task("e8000"), events.AgentChosen)[0]
    assert avail(site, "sg:email") == (2, 2)
    chat = of(site.task("8000"), events.AgentChosen)[0]
    assert chat.skill_target_id != call.skill_target_id
    assert avail(site, "sg:email") == (2, 1)
    site.about(inputs.EndTask, call.skill_target_id, call.task_id, EMAIL)
    assert avail(site, "sg:email") == (3, 2)
    site.about(inputs.EndTask, chat.skill_target_id, chat.task_id)
    assert avail(site, "sg:email") == (3, 3)


def test_worked_table_of_agents_with_two_chats() -> None:
    site = Site(settings(agents=tuple(agent(n) for n in (101, 102, 103))))
    site.ready(101, 102, 103, limit=2)
    found = []
    for _ in range(4):
        given(site)
        found.append(avail(site, "sg:chat"))
    assert (found[0], found[2], found[3]) == ((2, 3), (0, 3), (0, 2))


def test_agents_are_counted_by_their_state_in_the_queue() -> None:
    site = Site(settings(agents=tuple(agent(n, ["chat", "other"]) for n in range(101, 108)), groups=(OTHER,)))
    site.ready(*range(101, 107))
    tasks = {e.skill_target_id: e.task_id for e in (of(site.task(), events.AgentChosen)[0] for _ in range(4))}
    for number, reports in (
        (102, (inputs.StartTask,)),
        (103, (inputs.StartTask, inputs.PauseTask)),
        (104, (inputs.StartTask, inputs.WrapUpTask)),
    ):
        for report in reports:
            site.about(report, number, tasks[number])
    site.report(inputs.MakeAgentNotReady, 105)
    site.report(inputs.MakeAgentNotRoutable, 106)
    site.sign_in(107)
    site.report(inputs.MediaLogout, 107)
    found = of_queue(site).agents
    assert found.logged_on == 6
    states = (found.reserved, found.active, found.paused, found.work_ready, found.not_ready, found.available)
    assert states == (1, 1, 1, 1, 1, 1)
    assert (found.busy_other, found.ready, found.icm_available, found.application_available) == (0, 4, 0, 1)
    other = of_queue(site, "sg:other").agents
    assert (other.busy_other, other.active, other.not_ready, other.available) == (4, 0, 1, 1)
    site.say(inputs.ArmClientLost(21))
    assert attrs.asdict(of_queue(site).agents)["work_not_ready"] == 6
