"""Preferred, last and sticky agents, and who never gets a task again (semantics 5.2)."""

from typing import Any

import attrs
import pytest

from ctigw.config.routing import Peripheral, RouterSettings, RoutingSettings, SkillGroup
from ctigw.errors import ConfigurationError
from ctigw.routing import events, inputs, terms
from ctigw.routing.apply import last_agents as applied
from ctigw.routing.inputs import TaskId, Variable
from ctigw.routing.scripts.compilation import compile_scripts
from ctigw.routing.state import LAST_AGENT_LIFE_S
from portrait import state_of
from routing_site import CHAT, EMAIL, Site, agent, names, of, only, public, settings

KEY = "ecc.user.conversation"
STICKY = {"op": "preferred_agent", "wait_s": 100, "key": KEY}
THEN = {"op": "queue", "to": ["sg:chat"], "priority": 3}


def sticky_site(step: dict[str, Any] | None = None, **more: Any) -> Site:  # noqa: ANN401 - keywords of settings()
    """Selectors 8001 and e8001 prefer an agent, then queue for everybody."""
    mail = {"op": "queue", "to": ["sg:email"]}
    step = STICKY if step is None else step
    return Site(settings({"8001": (step, THEN), "e8001": (step, mail)}, **more))


def about(conversation: str) -> tuple[Variable, ...]:
    return (Variable(KEY, None, conversation),)


def given(happened: list[Any]) -> int | None:
    found = of(happened, events.AgentChosen)
    return found[0].skill_target_id if found else None


def task_id(happened: list[Any]) -> TaskId:
    found: TaskId = only(happened, events.TaskAccepted).task_id
    return found


def deal(site: Site, number: int, conversation: str) -> None:
    """An agent, alone available, starts and ends a task of a conversation."""
    site.ready(number)
    started = only(site.task("8001", variables=about(conversation)), events.AgentChosen)
    assert started.skill_target_id == number
    site.about(inputs.StartTask, number, started.task_id)
    site.about(inputs.EndTask, number, started.task_id)
    site.report(inputs.MakeAgentNotReady, number)


def ready_again(site: Site, *numbers: int, mrd: int = CHAT) -> list[Any]:
    happened: list[Any] = []
    for number in numbers:
        happened += site.report(inputs.MakeAgentReady, number, mrd)
    return happened


# --- preferred -------------------------------------------------------------------------------------------------------


def test_5_2_preferred_agent_who_is_free_gets_the_task_before_who_is_available_longer() -> None:
    site = sticky_site()
    site.ready(102)
    site.now += 10
    site.ready(101)
    chosen = only(site.task("8001", preferred_skill_target_id=101), events.AgentChosen)
    assert (chosen.skill_target_id, chosen.queue, chosen.waited) == (
        101,
        terms.QueueRef(terms.QueueKind.AGENT, 101, "agent:101"),
        False,
    )


def test_5_2_task_waits_for_the_preferred_agent_in_his_own_queue_and_then_goes_on() -> None:
    site = sticky_site()
    site.sign_in(101)
    site.ready(102)
    waiting = site.task("8001", preferred_skill_target_id=101)
    assert [(entry.queue.label, entry.priority) for entry in only(waiting, events.TaskQueued).entries] == [
        ("agent:101", 5)
    ]
    assert site.pass_time(99) == []
    went_on = site.pass_time(1)
    assert public(went_on) == ["TaskDequeued", "AgentChosen", "AgentStateChanged"]
    assert given(went_on) == 102


def test_5_2_preferred_agent_takes_the_task_when_he_becomes_available_in_time() -> None:
    site = sticky_site()
    site.sign_in(101)
    site.task("8001", preferred_skill_target_id=101)
    site.pass_time(99)
    assert given(ready_again(site, 101)) == 101
    assert [name for name in names(site.pass_time(29)) if name != "AgentStateChanged"] == []


def test_5_2_task_that_waited_in_vain_is_for_everybody_and_no_longer_in_the_agents_own_queue() -> None:
    site = sticky_site()
    site.sign_in(101)
    first = task_id(site.task("8001", preferred_skill_target_id=101))
    site.pass_time(100)
    queues = state_of(site.engine).queues
    assert (list(queues["agent:101", CHAT].tasks), list(queues["sg:chat", CHAT].tasks)) == ([], [first])
    assert given(site.ready(103)) == 103


def test_5_2_who_is_not_signed_in_is_not_waited_for_unless_the_step_says_so() -> None:
    for number in (101, 104):  # 104 signs in first when the task waits
        site = sticky_site()
        site.ready(102)
        assert given(site.task("8001", preferred_skill_target_id=number)) == 102
        site = sticky_site({**STICKY, "queue_if_not_logged_in": True})
        site.ready(102)
        if number == 101:
            site.sign_in(number)
            site.report(inputs.MediaLogout, number)
        assert given(site.task("8001", preferred_skill_target_id=number)) is None
        assert given(site.ready(number)) == number


def test_5_2_step_without_a_wait_takes_the_agent_only_when_he_is_free() -> None:
    site = sticky_site({**STICKY, "wait_s": 0})
    site.ready(102)
    site.sign_in(101)
    assert given(site.task("8001", preferred_skill_target_id=101)) == 102
    site.ready(101, 102)
    site.report(inputs.MakeAgentReady, 101)
    assert given(site.task("8001", preferred_skill_target_id=101)) == 101


def test_5_2_task_without_a_preferred_agent_goes_on_at_once() -> None:
    site = sticky_site()
    site.ready(102)
    assert given(site.task("8001")) == 102
    assert given(site.task("8001", preferred_skill_target_id=999)) is None  # nobody; in the next step's queue
    assert len(state_of(site.engine).queues["sg:chat", CHAT].tasks) == 1


def test_5_2_preferred_agent_of_every_domain_has_a_queue_of_his_own() -> None:
    site = sticky_site()
    site.sign_in(101, mrd=CHAT)
    site.sign_in(101, mrd=EMAIL)
    chat = task_id(site.task("8001", preferred_skill_target_id=101))
    mail = task_id(site.task("e8001", preferred_skill_target_id=101))
    assert only(ready_again(site, 101, mrd=EMAIL), events.AgentChosen).task_id == mail
    assert only(ready_again(site, 101, mrd=CHAT), events.AgentChosen).task_id == chat
    assert set(site.engine.census().queues) == {"sg:chat", "sg:email"}


def test_5_2_agents_with_one_number_on_two_peripherals_have_two_queues() -> None:
    agents = (agent(101), attrs.evolve(agent(102), id="101", peripheral=6000))
    site = settings({"8001": ({**STICKY, "queue_if_not_logged_in": True}, THEN)}, agents=agents)
    played = Site(attrs.evolve(site, peripherals=(*site.peripherals, Peripheral(6000))))
    labels = [
        only(played.task("8001", preferred_skill_target_id=number), events.TaskQueued).entries[0].queue.label
        for number in (101, 102)
    ]
    assert labels == ["agent:101@5000", "agent:101@6000"]
    assert given(played.ready(101)) == 101


def test_5_4_task_in_an_agents_own_queue_is_ordered_among_all_his_queues() -> None:
    site = sticky_site({**STICKY, "priority": 7})
    site.sign_in(101)
    own = task_id(site.task("8001", preferred_skill_target_id=101))
    other = task_id(site.task("8000"))
    site.report(inputs.MakeAgentRoutable, 101, max_tasks=2)
    served = of(ready_again(site, 101), events.AgentChosen)
    assert [event.task_id for event in served] == [other, own]


def test_task_does_not_wait_for_its_agent_when_queues_are_full() -> None:
    site = sticky_site(router=RouterSettings(max_tasks_in_queue=1))
    site.sign_in(101)
    site.task("8000")
    assert public(site.task("8001", preferred_skill_target_id=101)) == ["TaskAccepted", "TaskFailed", "TaskEnded"]


def test_task_that_stands_in_queues_already_keeps_them_while_it_waits_for_its_agent() -> None:
    for before, left in (
        ({"op": "queue", "to": ["sg:chat"]}, ["agent:101"]),
        ({"op": "queue", "to": ["agent:101"]}, []),
    ):
        site = Site(settings({"8001": (before, STICKY, {"op": "wait", "seconds": 9}, {"op": "release"})}))
        site.sign_in(101)
        site.task("8001", preferred_skill_target_id=101)
        went_on = site.pass_time(100)
        assert [entry.queue.label for event in of(went_on, events.TaskDequeued) for entry in event.entries] == left
        assert only(site.pass_time(9), events.TaskDequeued).entries[0].queue.label == before["to"][0]
        assert state_of(site.engine).queued == 0
        assert state_of(site.engine).leaving == {}


# --- last agent by a key ---------------------------------------------------------------------------------------------


def test_5_2_task_goes_to_the_agent_who_dealt_last_with_its_key() -> None:
    site = sticky_site()
    deal(site, 102, "c1")
    deal(site, 101, "c2")
    ready_again(site, 102, 101)
    assert given(site.task("8001", variables=about("c2"))) == 101
    assert given(site.task("8001", variables=about("c3"))) == 102  # nobody knows it: for everybody


def test_5_2_last_agent_is_who_started_last_and_what_is_not_started_does_not_count() -> None:
    site = sticky_site({**STICKY, "wait_s": 0})
    deal(site, 101, "c1")
    deal(site, 102, "c1")
    ready_again(site, 101, 102)
    mine = site.task("8001", variables=about("c1"))
    assert given(mine) == 102
    site.pass_time(30)  # the start timer: 102 has not started it
    site.ready(103)
    assert given(site.task("8001", variables=about("c1"))) == 101  # 102 is not routable; 101 is free for longest
    site.report(inputs.MakeAgentRoutable, 102)
    assert given(site.task("8001", variables=about("c1"))) == 102  # still the last one who started it


def test_5_2_key_counts_with_the_value_that_it_has_when_the_task_ends() -> None:
    site = sticky_site()
    site.ready(101)
    begun = only(site.task("8001"), events.AgentChosen).task_id
    site.about(inputs.StartTask, 101, begun)
    site.say(inputs.UpdateTaskContext(site.origin(), 1, begun, about("c9")))
    site.about(inputs.EndTask, 101, begun)
    site.now += 1
    site.ready(102)
    site.report(inputs.MakeAgentNotReady, 101)
    assert given(site.task("8001", variables=about("c9"))) is None  # it waits for 101
    assert given(ready_again(site, 101)) == 101


def test_5_2_named_agent_comes_before_the_remembered_one() -> None:
    site = sticky_site()
    deal(site, 101, "c1")
    site.ready(102)
    ready_again(site, 101)
    assert given(site.task("8001", variables=about("c1"), preferred_skill_target_id=102)) == 102


def test_5_2_last_agent_is_remembered_for_a_month() -> None:
    for age, expected in ((LAST_AGENT_LIFE_S - 1, None), (LAST_AGENT_LIFE_S, 102)):
        site = sticky_site()
        deal(site, 101, "c1")
        site.now += age
        site.ready(102)
        assert given(site.task("8001", variables=about("c1"))) == expected


def test_5_2_table_of_last_agents_is_bounded_and_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applied, "MOST_LAST_AGENTS", 2)
    site = sticky_site()
    for conversation in ("c1", "c2", "c1", "c3"):
        deal(site, 101, conversation)
    assert [value for _, value in state_of(site.engine).last_agents] == ["c1", "c3"]
    site.now += LAST_AGENT_LIFE_S
    deal(site, 101, "c4")
    assert [value for _, value in state_of(site.engine).last_agents] == ["c4"]


def test_without_such_a_step_nobody_is_remembered() -> None:
    site = Site()
    site.ready(101)
    started = only(site.task(variables=about("c1")), events.AgentChosen)
    assert "LastAgentNoted" not in names(site.about(inputs.StartTask, 101, started.task_id))
    deal_with = sticky_site()
    deal_with.ready(101)
    for conversation in ("", "c1"):
        started = only(deal_with.task("8001", variables=about(conversation)), events.AgentChosen)
        noted = [name for name in names(deal_with.about(inputs.StartTask, 101, started.task_id)) if "Noted" in name]
        assert noted == ["LastAgentNoted"] * bool(conversation)
        deal_with.about(inputs.EndTask, 101, started.task_id)


# --- given back ------------------------------------------------------------------------------------------------------


def given_back(site: Site, number: int = 101) -> TaskId:
    """An agent lets a task ring and is made routable again; its id."""
    found: TaskId = only(site.task("8001", variables=about("c1")), events.AgentChosen).task_id
    site.pass_time(30)
    site.report(inputs.MakeAgentRoutable, number)
    return found


def test_5_2_task_after_rona_never_returns_to_the_same_agent_even_if_free() -> None:
    site = sticky_site()
    site.ready(101)
    before = given_back(site)
    again = site.task("8001", service=3, previous_task=before)
    assert only(again, events.TaskAccepted).excluded_skill_target_id == 101
    assert given(again) is None
    assert site.state(101) is terms.AgentState.NOT_ACTIVE
    assert given(site.task("8000")) == 101  # a later task passes it
    assert given(site.ready(102)) == 102


def test_5_2_agent_who_becomes_available_passes_over_what_he_gave_back() -> None:
    site = sticky_site()
    site.ready(101)
    before = given_back(site)
    site.report(inputs.MakeAgentNotReady, 101)
    mine = [task_id(site.task("8001", service=3, previous_task=before)) for _ in range(3)]
    other = task_id(site.task("8000"))
    site.report(inputs.MakeAgentRoutable, 101, max_tasks=9)
    assert [event.task_id for event in of(ready_again(site, 101), events.AgentChosen)] == [other]
    served = of(site.ready(102, limit=3), events.AgentChosen)
    assert [event.task_id for event in served] == mine


def test_5_2_task_given_back_goes_to_the_next_of_several_free_agents() -> None:
    site = sticky_site()
    site.ready(101)
    before = given_back(site)
    site.now += 10
    site.ready(103, 102)
    assert given(site.task("8001", service=3, previous_task=before)) == 102


def test_5_2_transfer_ignores_stickiness_and_the_transferring_agent() -> None:
    site = sticky_site()
    deal(site, 103, "c1")
    ready_again(site, 103)
    running = only(site.task("8001", variables=about("c1")), events.AgentChosen).task_id
    site.about(inputs.StartTask, 103, running)
    site.report(inputs.MakeAgentRoutable, 103, max_tasks=5)
    passed_on = site.task("8001", variables=about("c1"), service=2, previous_task=running)
    assert only(passed_on, events.TaskQueued).entries[0].queue.label == "sg:chat"  # not his own queue
    assert given(site.ready(102)) == 102


def test_5_2_transfer_ignores_the_agent_whom_the_key_remembers_whoever_transfers() -> None:
    site = sticky_site()
    deal(site, 103, "c1")
    site.ready(102)
    running = only(site.task("8001", preferred_skill_target_id=102), events.AgentChosen).task_id
    moved = site.task("8001", variables=about("c1"), service=2, previous_task=running)
    assert only(moved, events.TaskQueued).entries[0].queue.label == "sg:chat"


def test_5_2_task_given_back_goes_where_another_agent_than_its_own_is_available_longest() -> None:
    agents = (agent(101, ["chat"]), agent(102, ["chat"]), agent(103, ["second"]))
    both = ({"op": "queue", "to": ["sg:chat", "sg:second"]},)
    site = Site(settings({"8001": both}, agents=agents, groups=(SkillGroup("second", 3, CHAT),)))
    site.ready(101)
    before = given_back(site)
    for number in (103, 102):  # 101 is available longest, then 103
        site.now += 10
        site.ready(number)
    assert given(site.task("8001", service=3, previous_task=before)) == 103


def test_5_2_agent_who_has_not_started_a_task_is_not_its_last_agent() -> None:
    site = sticky_site()
    site.ready(103)
    assert given(site.task("8001", variables=about("c5"))) == 103
    assert "LastAgentNoted" not in names(site.pass_time(30))
    site.ready(102)
    assert given(site.task("8001", variables=about("c5"))) == 102


def test_5_2_transfer_to_an_agent_whom_the_application_names_is_honoured() -> None:
    site = sticky_site()
    site.ready(101, limit=3)
    running = only(site.task("8001"), events.AgentChosen).task_id
    site.ready(102, 103)
    for number, expected in ((103, 103), (101, 102)):
        asked = {"service": 2, "previous_task": running, "preferred_skill_target_id": number}
        assert given(site.task("8001", **asked)) == expected


def test_5_2_new_service_or_unknown_previous_task_keeps_nobody_away() -> None:
    site = sticky_site()
    site.ready(101)
    before = given_back(site)
    for fields in (
        {"service": 0, "previous_task": before},
        {"service": 3, "previous_task": TaskId(1, 2, 3)},
        {"service": 3, "previous_task": None},
    ):
        chosen = only(site.task("8001", **fields), events.AgentChosen)
        assert chosen.skill_target_id == 101
        site.about(inputs.EndTask, 101, chosen.task_id)


def test_5_2_task_given_back_keeps_away_from_its_agent_in_precision_steps_and_own_queues_too() -> None:
    site = Site(settings({"8001": ({"op": "queue", "to": ["agent:101", "sg:chat"]},)}))
    site.ready(101)
    before = given_back(site)
    again = site.task("8001", service=3, previous_task=before)
    assert [entry.queue.label for entry in only(again, events.TaskQueued).entries] == ["agent:101", "sg:chat"]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wait_s": -1}, ["wait_s", "0 to"]),
        ({"wait_s": "long"}, ["wait_s"]),
        ({"key": "conversation"}, ["key", "conversation"]),
        ({"key": 5}, ["key"]),
        ({"queue_if_not_logged_in": 1}, ["queue_if_not_logged_in", "true, false"]),
        ({"priority": 0}, ["priority", "1 to 20"]),
        ({"agent": "101"}, ["agent"]),
    ],
)
def test_faulty_step_is_refused(changes: dict[str, Any], words: list[str]) -> None:
    site: RoutingSettings = settings({"8001": (STICKY | changes,)})
    with pytest.raises(ConfigurationError) as caught:
        compile_scripts(site)
    for word in ("step 1 (preferred_agent)", *words):
        assert word in str(caught.value)


def test_wait_is_four_hours_unless_the_step_says_otherwise() -> None:
    site = sticky_site({"op": "preferred_agent"}, router=RouterSettings(max_time_in_queue_s=20_000.0))
    site.sign_in(101)
    site.task("8001", preferred_skill_target_id=101)
    assert public(site.pass_time(4 * 3600 - 1)) == []
    assert public(site.pass_time(1)) == ["TaskDequeued", "TaskQueued"]
