"""Precision queues: steps, conditions, pools and orders of agents (semantics 5.2, 5.3)."""

from collections.abc import Sequence
from typing import Any

import pytest

from ctigw.config.routing import Agent, Attribute, PrecisionQueue, PrecisionQueueStep, RoutingSettings
from ctigw.errors import ConfigurationError
from ctigw.routing import events, facts, inputs
from ctigw.routing.scripts.compilation import compile_scripts
from portrait import state_of
from routing_site import CHAT, Site, agent, of, only, settings, variables

ATTRIBUTES = (*(Attribute(name, "proficiency") for name in ("a", "b", "c")), Attribute("night", "boolean"))


def site_of(
    agents: Sequence[Agent],
    *own: PrecisionQueueStep,
    second: tuple[PrecisionQueueStep, ...] = (),
    **q: Any,  # noqa: ANN401 - fields of the queue
) -> Site:
    """Selector 8001 leads to `pq:first`, and 8002 to both queues."""
    queues = [PrecisionQueue("first", 9, CHAT, tuple(own), **q)]
    scripts: dict[str, Any] = {"8001": ({"op": "queue", "to": ["pq:first"]},)}
    if second:
        queues.append(PrecisionQueue("second", 10, CHAT, second))
        scripts["8002"] = ({"op": "queue", "to": ["pq:first", "pq:second"]},)
    site = settings(scripts, agents=tuple(agents), attributes=ATTRIBUTES, precision_queues=tuple(queues))
    return Site(site)


def step(match: str, wait_s: float = 0.0, **more: Any) -> PrecisionQueueStep:  # noqa: ANN401 - fields of the step
    return PrecisionQueueStep(match, wait_s, **more)


def given(events_: Sequence[Any]) -> int | None:
    """Who was chosen."""
    found = of(events_, events.AgentChosen)
    return found[0].skill_target_id if found else None


GOLD = "call.1 == 'gold'"


def tiered(*numbers: int) -> Site:
    """Step 1 is for gold customers; 101 matches it only, 102 matches both steps, 103 the second one."""
    agents = (agent(101, [], a=9), agent(102, [], a=9, b=1), agent(103, [], b=1))
    site = site_of(agents, step("a >= 9", 30, consider_if=GOLD), step("b >= 1"))
    site.ready(*numbers)
    return site


def test_5_3_consider_if_that_is_false_skips_the_step_without_waiting() -> None:
    site = tiered(103)
    assert given(site.task("8001", variables=variables(call_1="silver"))) == 103
    site = tiered(103)
    assert given(site.task("8001", variables=variables(call_1="gold"))) is None
    assert given(site.pass_time(30)) == 103


def test_5_3_agents_of_a_skipped_step_are_not_for_the_task() -> None:
    site = tiered(101)
    waiting = site.task("8001", variables=variables(call_1="silver"))
    reached = only(waiting, facts.PrecisionStepReached)
    assert (reached.step, reached.until, reached.skipped) == (2, None, (1,))
    site.report(inputs.MakeAgentNotReady, 101)
    assert given(site.report(inputs.MakeAgentReady, 101)) is None
    assert given(site.task("8001", variables=variables(call_1="gold"))) == 101


def test_5_3_agent_of_a_skipped_step_who_matches_a_later_one_too_takes_the_task() -> None:
    site = tiered(102)
    assert given(site.task("8001", variables=variables(call_1="silver"))) == 102
    site = tiered()
    site.task("8001", variables=variables(call_1="silver"))
    assert given(site.ready(102)) == 102


def test_5_3_agent_who_matches_a_skipped_and_a_later_step_counts_once() -> None:
    site = tiered(101, 102, 103)
    queue = state_of(site.engine).queues["pq:first", CHAT]
    assert queue.agents_available == 3
    site.report(inputs.MakeAgentNotReady, 102)
    assert queue.agents_available == 2


def test_5_3_agent_stands_on_later_steps_only_where_a_task_may_come_past_the_first() -> None:
    for condition, places in ((GOLD, [0, 1]), ("", [0])):
        site = site_of((agent(102, [], a=9, b=1),), step("a >= 9", 30, consider_if=condition), step("b >= 1"))
        site.sign_in(102)
        (domain,) = state_of(site.engine).domains_of[102]
        assert [member.level for member in domain.memberships] == places


def test_5_2_task_given_back_goes_past_its_agent_to_the_next_step() -> None:
    site = site_of((agent(101, [], a=9), agent(102, [], b=1)), step("a >= 9"), step("b >= 1"))
    site.ready(101)
    before = only(site.task("8001"), events.AgentChosen).task_id
    site.pass_time(30)
    site.report(inputs.MakeAgentRoutable, 101)
    site.ready(102)
    assert given(site.task("8001", service=3, previous_task=before)) == 102


def test_5_3_consider_if_is_asked_each_time_the_task_comes_to_the_step() -> None:
    agents = (agent(101, [], b=1), agent(102, [], c=1))
    condition = "queue.sg:chat.depth == 1"
    site = site_of(agents, step("a > 1", 10), step("b >= 1", 10, consider_if=condition), step("c >= 1"))
    site.task("8001")
    site.task("8000")  # makes the condition true before the first task comes to the second step
    assert only(site.pass_time(10), facts.PrecisionStepReached).step == 2
    site.cancel(2)
    site.task("8001")
    assert [fact.step for fact in of(site.pass_time(10), facts.PrecisionStepReached)] == [3, 3]


def test_5_3_consider_if_of_a_queues_own_depth_does_not_count_the_task_itself() -> None:
    site = site_of((), step("a >= 1", 10, consider_if="queue.pq:first.depth == 0"), step("b >= 1"))
    first, second = site.task("8001"), site.task("8001")
    assert [only(events_, facts.PrecisionStepReached).step for events_ in (first, second)] == [1, 2]


def test_5_3_step_without_signed_in_agents_is_passed_at_once_where_it_shall_not_wait() -> None:
    agents = (agent(101, [], a=1), agent(102, [], b=1))
    own = (step("a >= 1", 10), step("b >= 1", 20), step("c >= 1"))
    for number, expected in ((None, 3), (101, 1), (102, 2)):
        site = site_of(agents, *own, wait_if_no_agents_logged_in=False)
        if number is not None:
            site.sign_in(number)  # signed in is enough; the agent need not be ready
        assert only(site.task("8001"), facts.PrecisionStepReached).step == expected
        if number is not None:
            site.report(inputs.MediaLogout, number)
            assert only(site.task("8001"), facts.PrecisionStepReached).step == 3
    assert only(site_of(agents, *own).task("8001"), facts.PrecisionStepReached).step == 1


def test_5_3_agents_of_a_step_passed_for_want_of_them_remain_eligible() -> None:
    site = site_of((agent(101, [], a=1),), step("a >= 1", 10, wait_if_no_agents_logged_in=False), step("b >= 1"))
    site.task("8001")
    assert given(site.ready(101)) == 101


def test_5_3_step_says_for_itself_whether_it_waits_for_signed_in_agents() -> None:
    own = (step("a >= 1", 10, wait_if_no_agents_logged_in=True), step("b >= 1"))
    site = site_of((), *own, wait_if_no_agents_logged_in=False)
    assert only(site.task("8001"), facts.PrecisionStepReached).step == 1


def test_5_3_task_in_several_queues_walks_the_steps_of_each_and_leaves_all_together() -> None:
    agents = (agent(101, [], b=1), agent(102, [], c=1))
    site = site_of(
        agents, step("a > 1", 30), step("b >= 1"), second=(step("a > 1", 10), step("a > 2", 10), step("c >= 1"))
    )
    site.task("8002")
    reached = of(site.pass_time(30), facts.PrecisionStepReached)
    assert [(fact.queue.label, fact.step) for fact in reached] == [("pq:second", 2), ("pq:second", 3), ("pq:first", 2)]
    taken = site.ready(102)
    assert given(taken) == 102
    assert [entry.queue.label for entry in only(taken, events.TaskDequeued).entries] == ["pq:first", "pq:second"]
    assert given(site.ready(101)) is None


def test_5_2_precision_queue_fills_agents_of_a_step_to_their_limit_before_the_next_step() -> None:
    site = site_of((agent(101, [], a=5), agent(102, [], a=4)), step("a >= 5", 0), step("a >= 1"))
    site.ready(102, limit=9)
    site.ready(101, limit=2)
    assert [given(site.task("8001")) for _ in range(3)] == [101, 101, 102]


@pytest.mark.parametrize(
    ("order", "expected"), [("most_proficient", [102, 103, 101, 104]), ("least_proficient", [104, 102, 103, 101])]
)
def test_5_2_equal_proficiency_is_decided_by_slots_then_time_then_number(order: str, expected: list[int]) -> None:
    agents = [agent(number, [], a=8) for number in (101, 102, 103)] + [agent(104, [], a=7)]
    site = site_of(agents, step("a >= 1"), agent_order=order)
    site.ready(104)
    site.now += 1
    site.ready(103, 102)  # as long as each other
    site.now += 1
    site.ready(101)
    assert [given(site.task("8001")) for _ in range(4)] == expected
    site = site_of(agents, step("a >= 1"), agent_order="most_proficient")
    site.ready(101)
    site.now += 1
    site.ready(103, limit=2)
    assert given(site.task("8001")) == 103  # more slots before longer available


def test_5_2_uccx_most_skilled_adds_the_competence_in_the_skills_of_the_queue() -> None:
    agents = (
        agent(101, [], a=5, c=7),  # 12
        agent(102, [], a=5, b=10, c=6),  # 11: b is no skill of the queue
        agent(103, [], a=10),  # 10
        agent(104, [], a=9, c=2, night=True),  # 11, configured after 102
    )
    # Every agent matches the first step, which asks about one of the two skills only.
    site = site_of(agents, step("a >= 5"), step("c >= 1"), agent_order="most_skilled")
    site.ready(104)
    site.now += 1
    site.ready(103, 101)
    site.now += 1
    site.ready(102)
    assert [given(site.task("8001")) for _ in range(4)] == [101, 102, 104, 103]


def test_5_2_uccx_of_equally_skilled_agents_the_first_configured_is_filled_to_his_limit() -> None:
    agents = (agent(103, [], a=5), agent(101, [], a=5), agent(102, [], a=4))
    site = site_of(agents, step("a >= 1"), agent_order="most_skilled")
    site.ready(101, 102, limit=9)
    site.now += 1
    site.ready(103, limit=3)
    assert [given(site.task("8001")) for _ in range(5)] == [103, 103, 103, 101, 101]


def refusal(*own: PrecisionQueueStep) -> str:
    names = [f"x{number}" for number in range(11)]
    site = RoutingSettings(
        attributes=(*ATTRIBUTES, *(Attribute(name, "proficiency") for name in names)),
        precision_queues=(PrecisionQueue("q", 9, CHAT, own),),
    )
    with pytest.raises(ConfigurationError) as caught:
        compile_scripts(site)
    return str(caught.value)


def test_5_3_limits_are_ten_steps_ten_terms_and_ten_attributes() -> None:
    def compiles(*own: PrecisionQueueStep) -> None:
        names = [Attribute(f"x{number}", "proficiency") for number in range(11)]
        queue = PrecisionQueue("q", 9, CHAT, own)
        compile_scripts(RoutingSettings(attributes=(*ATTRIBUTES, *names), precision_queues=(queue,)))

    compiles(*[step("a > 1", 1)] * 10)
    assert "1 to 10" in refusal(*[step("a > 1", 1)] * 11)
    nested = "(a > 1 or b > 1) and not (b > 2 and c > 1 or a < 2)"
    compiles(step(" and ".join(["a > 1"] * 4), 1), step(nested, 1), step("a > 1"))
    assert "terms" in refusal(step(" and ".join(["a > 1"] * 6), 1), step(" or ".join(["b > 1"] * 5)))
    compiles(step(" or ".join(f"x{number} > 1" for number in range(10))))
    assert "up to 10" in refusal(step(" or ".join(f"x{number} > 1" for number in range(11))))


@pytest.mark.parametrize(
    ("condition", "word"),
    [("a > 5", "unknown name 'a'"), ("call.1 >", "ends"), ("queue.pq:none.depth > 1", "queue.pq:none.depth")],
)
def test_5_3_consider_if_is_refused_by_queue_and_step(condition: str, word: str) -> None:
    text = refusal(step("a > 1", 1, consider_if=condition), step("a > 1"))
    for expected in ("precision_queue q, step 1", "consider_if", word):
        assert expected in text


def test_5_3_membership_follows_operators_and_brackets() -> None:
    agents = (agent(101, [], a=5, night=True), agent(102, [], a=5, night=False), agent(103, [], b=3), agent(104, []))
    site = site_of(agents, step("b == 3 or a > 1 and night != false"))
    site.ready(104, 103, 102, 101)
    assert [given(site.task("8001")) for _ in range(3)] == [101, None, None]
    site = site_of(agents, step("b == 3 or (a > 1 and night != false)"), agent_order="most_proficient")
    site.ready(104, 103, 102, 101)
    assert [given(site.task("8001")) for _ in range(3)] == [101, 103, None]
    assert site.engine.census().queues["pq:first"].depth == 1
