"""State over several tasks and queues, and who may assign: semantics 2.1 and 2.2 row by row."""

import itertools

import attrs
import pytest

from ctigw.config.routing import SkillGroup
from ctigw.routing import events, inputs
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import AgentState, Availability
from routing_site import CHAT, EMAIL, Script, Site, agent, of, only, settings

ADA = 101
GROUPS = ("email", "second", "third")


def view(site: Site, mrd: int = EMAIL) -> events.AgentView:
    found = site.engine.agent_view(ADA, mrd, site.now)
    assert found is not None
    return found


def queue_states(site: Site) -> dict[str, AgentState]:
    return {queue.label.removeprefix("sg:"): state for queue, state in view(site).queues}


def three_queues(limit: int = 4) -> Site:
    """An agent in three groups of the domain that may be interrupted, and one task selector for each."""
    scripts: dict[str, Script] = {f"e-{name}": ({"op": "queue", "to": [f"sg:{name}"]},) for name in GROUPS}
    groups = (SkillGroup("second", 3, EMAIL), SkillGroup("third", 4, EMAIL))
    site = Site(settings(scripts, agents=(agent(ADA, ("chat", *GROUPS)),), groups=groups))
    site.ready(ADA, mrd=EMAIL, limit=limit)
    return site


def task(site: Site, state: AgentState, group: str = "email") -> TaskId:
    """A task of the agent that alone would put the agent into this state."""
    task_id = only(site.task(f"e-{group}"), events.AgentChosen).task_id
    assert isinstance(task_id, TaskId)
    ways: dict[AgentState, list[type[inputs.TaskReport]]] = {
        AgentState.RESERVED: [],
        AgentState.ACTIVE: [inputs.StartTask],
        AgentState.PAUSED: [inputs.StartTask, inputs.PauseTask],
        AgentState.WORK_READY: [inputs.StartTask, inputs.WrapUpTask],
    }
    for kind in ways[state]:
        site.about(kind, ADA, task_id, EMAIL)
    return task_id


def chat(site: Site) -> TaskId:
    site.ready(ADA)
    task_id = only(site.task(), events.AgentChosen).task_id
    assert isinstance(task_id, TaskId)
    site.about(inputs.StartTask, ADA, task_id)
    return task_id


# --- 2.1 precedence --------------------------------------------------------------------------------------------------

PRECEDENCE = (AgentState.ACTIVE, AgentState.WORK_READY, AgentState.PAUSED, AgentState.RESERVED)
"""Highest first; INTERRUPTED is above all of them, BUSY_OTHER and NOT_ACTIVE below."""


@pytest.mark.parametrize(("higher", "lower"), list(itertools.combinations(PRECEDENCE, 2)))
@pytest.mark.parametrize("first", ["higher", "lower"])
def test_2_1_higher_state_of_two_tasks_wins_in_domain_and_queue(
    higher: AgentState, lower: AgentState, first: str
) -> None:
    site = three_queues()
    for state in (higher, lower) if first == "higher" else (lower, higher):
        task(site, state)
    assert view(site).state is higher
    assert queue_states(site) == {"email": higher, "second": AgentState.BUSY_OTHER, "third": AgentState.BUSY_OTHER}


@pytest.mark.parametrize("state", PRECEDENCE)
def test_2_1_interrupted_wins_and_spreads_to_all_queues(state: AgentState) -> None:
    site = three_queues()
    task(site, state)
    chat(site)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert view(site).state is AgentState.INTERRUPTED
    assert queue_states(site) == dict.fromkeys(GROUPS, AgentState.INTERRUPTED)


@pytest.mark.parametrize("state", PRECEDENCE)
def test_2_1_not_ready_wins_and_spreads_to_all_queues(state: AgentState) -> None:
    site = three_queues()
    task(site, state)
    site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
    assert queue_states(site) == dict.fromkeys(GROUPS, AgentState.NOT_READY)


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(PRECEDENCE, 2)))
def test_2_1_each_queue_has_the_state_of_its_own_tasks_and_the_domain_the_highest(
    one: AgentState, other: AgentState
) -> None:
    site = three_queues()
    task(site, one, "email")
    task(site, other, "second")
    assert queue_states(site) == {"email": one, "second": other, "third": AgentState.BUSY_OTHER}
    assert view(site).state is min(one, other, key=PRECEDENCE.index)


def test_2_1_busy_other_ends_with_the_last_task_of_the_domain() -> None:
    site = three_queues()
    assert queue_states(site) == dict.fromkeys(GROUPS, AgentState.NOT_ACTIVE)
    task_id = task(site, AgentState.ACTIVE)
    assert queue_states(site)["third"] is AgentState.BUSY_OTHER
    site.about(inputs.EndTask, ADA, task_id, EMAIL)
    assert queue_states(site) == dict.fromkeys(GROUPS, AgentState.NOT_ACTIVE)


def test_2_1_work_in_another_domain_makes_no_queue_busy_other() -> None:
    site = three_queues()
    chat(site)
    assert queue_states(site) == dict.fromkeys(GROUPS, AgentState.NOT_ACTIVE)


# --- 2.2 mode and availability ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("routable", [True, False])
@pytest.mark.parametrize("foreign", [True, False])
@pytest.mark.parametrize("full", [True, False])
def test_2_2_availability(ready: bool, routable: bool, foreign: bool, full: bool) -> None:
    """Available: not NOT_READY, no foreign task that may not be interrupted, tasks below the limit; then the mode."""
    site = three_queues(limit=1)
    if full:
        task(site, AgentState.ACTIVE)
    if foreign:
        chat(site)
    if not routable:
        site.report(inputs.MakeAgentNotRoutable, ADA, EMAIL)
    if not ready:
        site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
    available = ready and not foreign and not full
    kinds = {True: Availability.ICM_AVAILABLE, False: Availability.APPLICATION_AVAILABLE}
    assert view(site).availability is (kinds[routable] if available else Availability.NOT_AVAILABLE)
    assert (len(of(site.task("e-email"), events.AgentChosen)) == 1) == (available and routable)


@pytest.mark.parametrize("state", PRECEDENCE)
def test_2_2_agent_with_a_task_and_a_free_slot_is_available(state: AgentState) -> None:
    site = three_queues(limit=2)
    task(site, state)
    assert view(site).availability is Availability.ICM_AVAILABLE


@pytest.mark.parametrize(("state", "expected"), [*((state, 1) for state in PRECEDENCE[:3]), (AgentState.RESERVED, 0)])
def test_2_2_num_tasks_counts_all_but_what_is_only_announced(state: AgentState, expected: int) -> None:
    site = three_queues()
    task_id = task(site, state)
    assert view(site).num_tasks == expected
    if state is AgentState.RESERVED:
        site.about(inputs.OfferTask, ADA, task_id, EMAIL)
        assert view(site).num_tasks == 1


def test_2_2_sign_in_gives_not_ready_and_routable_and_ready_makes_routable() -> None:
    site = Site()
    site.sign_in(ADA)
    assert (view(site, CHAT).state, view(site, CHAT).routable) == (AgentState.NOT_READY, True)
    site.report(inputs.MakeAgentNotRoutable, ADA)
    site.report(inputs.MakeAgentReady, ADA)
    assert (view(site, CHAT).state, view(site, CHAT).routable) == (AgentState.NOT_ACTIVE, True)


def test_2_2_modes_of_two_domains_are_two() -> None:
    site = three_queues()
    site.ready(ADA)
    site.report(inputs.MakeAgentNotRoutable, ADA)
    assert (view(site).routable, view(site, CHAT).routable) == (True, False)


def counts(site: Site, mrd: int) -> tuple[int, int]:
    """Agents doing nothing in the domain, and agents who can take one more task there (semantics 10.1)."""
    census = site.engine.census()
    name = {CHAT: "chat", EMAIL: "email"}[mrd]
    return census.agents.get((name, AgentState.NOT_ACTIVE), 0), census.available[name, "icm"]


def test_2_2_worked_table_of_three_agents_in_two_domains_that_may_not_be_interrupted() -> None:
    """The field's own table, with email for calls: one on a call 2/2, another on a chat 2/1, then 3/2 and 3/3."""
    site = Site(settings(email={"interruptible": False}))
    for number in (101, 102, 103):
        site.ready(number, mrd=EMAIL)
        site.ready(number)
    seen = [counts(site, EMAIL)]
    call = only(site.task("e8000"), events.AgentChosen)
    seen.append(counts(site, EMAIL))
    talk = only(site.task(), events.AgentChosen)
    assert talk.skill_target_id != call.skill_target_id
    seen.append(counts(site, EMAIL))
    site.about(inputs.EndTask, call.skill_target_id, call.task_id, EMAIL)
    seen.append(counts(site, EMAIL))
    site.about(inputs.EndTask, talk.skill_target_id, talk.task_id)
    seen.append(counts(site, EMAIL))
    assert seen == [(3, 3), (2, 2), (2, 1), (3, 2), (3, 3)]


def test_2_2_worked_table_of_three_agents_with_two_chats_each() -> None:
    """One chat 2/3, one chat each 0/3, a fourth chat 0/2."""
    site = Site()
    site.ready(101, 102, 103, limit=2)
    seen = []
    for _ in range(4):
        site.task()
        seen.append(counts(site, CHAT))
    assert [seen[0], seen[2], seen[3]] == [(2, 3), (0, 3), (0, 2)]


def test_2_2_a_login_without_ready_is_never_given_anything() -> None:
    site = Site()
    site.sign_in(ADA, limit=3)
    assert of(site.task(), events.AgentChosen) == []
    assert view(site, CHAT).availability is Availability.NOT_AVAILABLE


# --- 2.5 the states of CX-Routing ------------------------------------------------------------------------------------


@attrs.frozen
class Seen:
    """What tells the states of CX-Routing apart in CCE's terms."""

    state: AgentState
    routable: bool
    free: bool
    """Whether the router may give one more task."""


CX_ROUTING = {
    "NOT_READY": Seen(AgentState.NOT_READY, True, False),
    "READY": Seen(AgentState.NOT_ACTIVE, True, True),
    "ACTIVE": Seen(AgentState.ACTIVE, True, True),
    "BUSY": Seen(AgentState.ACTIVE, True, False),
    "PENDING_NOT_READY": Seen(AgentState.ACTIVE, False, False),
    "INTERRUPTED": Seen(AgentState.INTERRUPTED, True, False),
}
"""BUSY is ACTIVE without a free slot. PENDING_NOT_READY is not routable with tasks; no message of CCE asks for "not
ready after the last task", so that the client sends two: not routable now, not ready at the last end. UNKNOWN is not
given to our own clients (semantics 4)."""


def seen(site: Site) -> Seen:
    found = view(site)
    return Seen(found.state, found.routable, found.availability is Availability.ICM_AVAILABLE)


def test_2_5_states_of_cx_routing_in_the_terms_of_cce() -> None:
    site = three_queues(limit=2)
    site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
    assert seen(site) == CX_ROUTING["NOT_READY"]
    site.report(inputs.MakeAgentReady, ADA, EMAIL)
    assert seen(site) == CX_ROUTING["READY"]
    first = task(site, AgentState.ACTIVE)
    assert seen(site) == CX_ROUTING["ACTIVE"]
    second = task(site, AgentState.ACTIVE)
    assert seen(site) == CX_ROUTING["BUSY"]
    site.about(inputs.EndTask, ADA, second, EMAIL)
    assert seen(site) == CX_ROUTING["ACTIVE"]  # one task closed while another remains
    talk = chat(site)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert seen(site) == CX_ROUTING["INTERRUPTED"]
    site.about(inputs.EndTask, ADA, talk)
    site.report(inputs.AcceptInterruptDone, ADA, EMAIL)
    assert seen(site) == CX_ROUTING["ACTIVE"]
    site.about(inputs.EndTask, ADA, first, EMAIL)
    assert seen(site) == CX_ROUTING["READY"]


def test_2_5_pending_not_ready_is_two_messages_of_the_client() -> None:
    site = three_queues(limit=2)
    task_id = task(site, AgentState.ACTIVE)
    site.report(inputs.MakeAgentNotRoutable, ADA, EMAIL)
    assert seen(site) == CX_ROUTING["PENDING_NOT_READY"]
    site.report(inputs.MakeAgentRoutable, ADA, EMAIL)
    assert seen(site) == CX_ROUTING["ACTIVE"]  # toggled on again
    site.report(inputs.MakeAgentNotRoutable, ADA, EMAIL)
    site.about(inputs.EndTask, ADA, task_id, EMAIL)
    site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
    assert view(site).state is AgentState.NOT_READY
    site.report(inputs.MakeAgentReady, ADA, EMAIL)
    assert seen(site) == CX_ROUTING["READY"]


def test_2_5_global_not_ready_takes_nothing_whatever_the_domains_and_ready_lets_them_decide() -> None:
    site = three_queues()
    site.ready(ADA)
    site.say(inputs.SetAgentState(site.origin(), 5000, str(ADA), AgentState.NOT_READY, 0, 0, False))
    assert of(site.task() + site.task("e-email"), events.AgentChosen) == []
    site.report(inputs.MakeAgentReady, ADA, EMAIL)  # one domain toggled on
    assert (view(site).state, view(site, CHAT).state) == (AgentState.RESERVED, AgentState.NOT_READY)
