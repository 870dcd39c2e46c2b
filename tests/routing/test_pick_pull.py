"""Agents who take tasks themselves: Service 4 to 7, and every reason for which they may not (semantics 9.1)."""

from typing import Any

import attrs
import pytest

from ctigw.config.routing import Attribute, Peripheral, PrecisionQueue, RouterSettings, SkillGroup
from ctigw.routing import events, inputs, terms
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import NewTaskFailureReason, QueueKind, QueueRef
from routing_site import CHAT, EMAIL, Site, agent, of, only, public, settings, steps

PICK, PULL, PICK_FROM_AGENT, TRANSFER_PICK = 4, 5, 6, 7
NODE = ({"op": "pick_pull"}, {"op": "queue", "to": ["sg:chat"]})
CHAT_GROUP = {"queue_type": 1, "queue_id": 1}


def pick_site(router: RouterSettings | None = None, **more: Any) -> Site:  # noqa: ANN401 - keywords of settings()
    """8001 and e8001 have the node; 104 is in a precision queue only, 105's peripheral is in no application path."""
    agents = (
        agent(101),
        agent(102),
        agent(103, ["email"]),
        agent(104, [], a=5),
        attrs.evolve(agent(105), peripheral=6000),
    )
    site = settings(
        {"8001": NODE, "e8001": NODE, "8002": ({"op": "wait", "seconds": 5}, *NODE), "8003": ({"op": "release"},)},
        agents=agents,
        groups=(SkillGroup("second", 3, CHAT),),
        attributes=(Attribute("a", "proficiency"),),
        precision_queues=(PrecisionQueue("pq", 9, CHAT, steps(("a > 1", 0.0))),),
        router=router,
        **more,
    )
    return Site(attrs.evolve(site, peripherals=(*site.peripherals, Peripheral(6000))))


def ask(site: Site, number: int | None, service: int = PICK, selector: str = "8001", **fields: Any) -> list[Any]:  # noqa: ANN401 - fields of NewTask
    return site.task(selector, service=service, preferred_skill_target_id=number, **CHAT_GROUP | fields)


def reason(happened: list[Any]) -> tuple[int, int]:
    """The number in the explanation and the one on the wire; the task is over."""
    failed = only(happened, events.TaskFailed)
    assert only(happened, events.TaskEnded).disposition == 66
    assert failed.cause_code == 0
    assert failed.text.startswith("router error 704, reason ")
    return int(failed.text.split()[4].rstrip(":")), int(failed.reason)


def running(site: Site, number: int, mrd: int = CHAT, selector: str = "8000") -> TaskId:
    """An agent, alone available, starts a task."""
    found: TaskId = only(site.task(selector), events.AgentChosen).task_id
    site.about(inputs.StartTask, number, found, mrd)
    return found


# --- what succeeds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [PICK, PULL])
def test_9_1_pick_and_pull_give_the_task_to_the_agent_who_asks(service: int) -> None:
    site = pick_site()
    site.ready(102)
    site.now += 10
    site.ready(101)
    got = ask(site, 101, service)
    assert public(got) == ["TaskAccepted", "AgentChosen", "AgentStateChanged"]
    chosen = only(got, events.AgentChosen)
    assert (chosen.skill_target_id, chosen.queue) == (101, QueueRef(QueueKind.SKILL_GROUP, 1, "sg:chat"))
    assert site.state(101) is terms.AgentState.RESERVED
    assert "PreCallAborted" in public(site.pass_time(30))  # the start timer runs as for any task


@pytest.mark.parametrize(
    ("number", "fields", "label"),
    [
        (104, {"queue_type": 2, "queue_id": 9}, "pq:pq"),
        (101, {"queue_type": 3, "queue_id": 101}, "agent:101"),
        (101, {"preferred_agent_number": "101"}, "sg:chat"),
    ],
)
def test_9_1_queue_may_be_a_precision_queue_or_the_agents_own(number: int, fields: dict[str, Any], label: str) -> None:
    site = pick_site()
    site.ready(number)
    who = None if "preferred_agent_number" in fields else number
    chosen = only(ask(site, who, **fields), events.AgentChosen)
    assert (chosen.skill_target_id, chosen.queue.label) == (number, label)


def test_9_1_pick_from_an_agent_needs_no_queue_and_leaves_the_other_task_to_the_application() -> None:
    site = pick_site()
    site.ready(102)
    begun = running(site, 102)
    site.ready(101)
    no_queue: dict[str, Any] = {"queue_type": None, "queue_id": None, "previous_task": begun}
    chosen = only(ask(site, 101, PICK_FROM_AGENT, **no_queue), events.AgentChosen)
    assert (chosen.skill_target_id, chosen.queue) == (101, None)
    assert chosen.task_id.key != begun.key
    assert site.engine.task_state(begun) is terms.TaskState.ACTIVE
    assert site.state(102) is terms.AgentState.ACTIVE


def test_9_1_transfer_pick_takes_a_task_over_under_the_same_key() -> None:
    site = pick_site()
    site.ready(102)
    begun = running(site, 102)
    site.about(inputs.EndTask, 102, begun)
    site.ready(101)
    chosen = only(ask(site, 101, TRANSFER_PICK, previous_task=begun), events.AgentChosen)
    assert (chosen.skill_target_id, chosen.task_id) == (101, TaskId(begun.day, begun.key, 2))


def test_9_1_max_beyond_task_limit_is_for_pick_and_pull_only() -> None:
    site = pick_site()
    site.sign_in(101, limit=1, max_beyond_task_limit=2)
    site.report(inputs.MakeAgentReady, 101)
    assert [bool(of(ask(site, 101), events.AgentChosen)) for _ in range(3)] == [True] * 3
    assert reason(ask(site, 101)) == (217, 16)
    first, *_ = [event.task_id for event, _ in site.history if isinstance(event, events.AgentChosen)]
    site.about(inputs.EndTask, 101, first)
    assert public(site.task("8000")) == ["TaskAccepted", "TaskQueued"]  # two tasks of one: nothing is pushed
    assert of(ask(site, 101), events.AgentChosen)


def test_9_1_agent_who_is_not_ready_may_pick_where_the_router_allows_it() -> None:
    for allowed in (False, True):
        site = pick_site(RouterSettings(pick_pull_while_not_ready=allowed))
        site.sign_in(101)
        got = ask(site, 101)
        if not allowed:
            assert reason(got) == (224, 21)
            continue
        assert only(got, events.AgentChosen).skill_target_id == 101
        assert site.state(101) is terms.AgentState.NOT_READY
        started = site.about(inputs.StartTask, 101, only(got, events.AgentChosen).task_id)
        assert public(started) == ["TaskStarted"]


def test_9_1_other_services_leave_the_node_by_its_failure_branch() -> None:
    site = pick_site()
    site.ready(102)
    site.now += 10
    site.ready(101)
    assert only(ask(site, 101, service=0), events.AgentChosen).skill_target_id == 102


# --- every reason ----------------------------------------------------------------------------------------------------


def test_9_1_reason_211_unsupported_service_is_refused_before_the_script() -> None:
    refused = only(ask(pick_site(), 101, service=8), events.TaskRejected)
    assert refused.reason is NewTaskFailureReason.UNSUPPORTED_SERVICE_REQUESTED


def test_9_1_reason_212_task_that_may_not_be_interrupted_keeps_from_an_interruptible_domain() -> None:
    site = pick_site()
    site.ready(101)
    running(site, 101)
    site.ready(101, mrd=EMAIL)
    assert reason(ask(site, 101, selector="e8001", queue_id=2)) == (212, 9)


def test_9_1_reason_219_task_that_may_not_be_interrupted_keeps_from_another_such_domain() -> None:
    site = pick_site(email={"interruptible": False})
    site.ready(101)
    running(site, 101)
    site.ready(101, mrd=EMAIL)
    assert reason(ask(site, 101, selector="e8001", queue_id=2)) == (219, 18)


def test_9_1_interruptible_task_does_not_keep_from_picking() -> None:
    site = pick_site()
    site.ready(101, mrd=EMAIL)
    running(site, 101, EMAIL, "e8000")
    site.ready(101)
    assert of(ask(site, 101), events.AgentChosen)


@pytest.mark.parametrize(
    ("number", "fields", "expected"),
    [
        (103, {}, (213, 12)),
        (103, {"queue_type": 3, "queue_id": 101}, (213, 12)),
        (101, {"queue_type": 2, "queue_id": 9}, (213, 12)),
        (101, {"queue_id": 3}, (213, 12)),
        (101, {"queue_id": 99}, (214, 13)),
        (101, {"queue_type": 2}, (214, 13)),
        (101, {"queue_type": 4}, (214, 13)),
        (101, {"queue_type": 3, "queue_id": 999}, (214, 13)),
        (101, {"queue_type": None, "queue_id": None}, (214, 13)),
        (101, {"queue_type": None}, (214, 13)),
        (101, {"service": PICK_FROM_AGENT, "queue_id": None}, (214, 13)),
        (101, {"service": PICK_FROM_AGENT}, (215, 14)),
        (101, {"service": PICK_FROM_AGENT, "previous_task": TaskId(1, 2, 3)}, (215, 14)),
        (101, {"service": TRANSFER_PICK}, (215, 14)),
        (101, {"service": TRANSFER_PICK, "previous_task": TaskId(1, 2, 3)}, (215, 14)),
        (999, {}, (216, 15)),
        (None, {}, (216, 15)),
        (105, {}, (218, 17)),
        (101, {"queue_id": 2}, (220, 19)),
    ],
)
def test_9_1_reason_for_what_the_request_names(
    number: int | None, fields: dict[str, Any], expected: tuple[int, int]
) -> None:
    site = pick_site()
    site.ready(101, 103, 104)
    assert reason(ask(site, number, **fields)) == expected


def test_9_1_reason_215_picked_task_must_be_with_another_agent_in_the_same_domain() -> None:
    site = pick_site()
    site.ready(101, limit=3)
    own = running(site, 101)
    site.ready(102, mrd=EMAIL)
    mail = running(site, 102, EMAIL, "e8000")
    queued = only(site.task("e8000"), events.TaskAccepted).task_id
    for previous in (own, queued, mail):
        assert reason(ask(site, 101, PICK_FROM_AGENT, previous_task=previous)) == (215, 14)
    site.about(inputs.EndTask, 101, own)
    assert reason(ask(site, 102, PICK_FROM_AGENT, previous_task=own, queue_type=None, queue_id=None)) == (215, 14)


def test_9_1_reason_217_agent_over_his_limit() -> None:
    site = pick_site()
    site.ready(101)
    running(site, 101)
    assert reason(ask(site, 101)) == (217, 16)


def test_9_1_reason_219_agent_in_a_state_in_which_nobody_picks() -> None:
    site = pick_site()
    assert reason(ask(site, 101)) == (219, 18)  # has never signed in
    site.ready(101)
    site.report(inputs.MakeAgentNotRoutable, 101)
    assert reason(ask(site, 101)) == (219, 18)
    site.report(inputs.MediaLogout, 101)
    assert reason(ask(site, 101)) == (219, 18)
    site.ready(101)
    site.say(inputs.ArmClientLost(21))  # the path is down
    assert reason(ask(site, 101)) == (219, 18)


def test_9_1_reason_219_agent_without_any_queue_of_the_domain() -> None:
    site = pick_site()
    site.ready(102)
    begun = running(site, 102)
    site.ready(103)
    no_queue: dict[str, Any] = {"queue_type": None, "queue_id": None, "previous_task": begun}
    assert reason(ask(site, 103, PICK_FROM_AGENT, **no_queue)) == (219, 18)


@pytest.mark.parametrize(
    "script",
    [
        ({"op": "queue", "to": ["sg:chat"]}, {"op": "pick_pull"}),
        ({"op": "preferred_agent"}, {"op": "pick_pull"}),
        ({"op": "set", "variable": "call.1", "value": "x"},),
    ],
)
def test_9_1_reason_221_script_executed_no_node(script: tuple[dict[str, Any], ...]) -> None:
    site = Site(settings({"8001": script}))
    site.ready(101)
    for service in (PICK, PULL, PICK_FROM_AGENT, TRANSFER_PICK):
        assert reason(ask(site, 101, service)) == (221, 20)
    assert site.state(101) is terms.AgentState.NOT_ACTIVE


def test_9_1_checks_come_in_the_documented_order() -> None:
    """Everything is wrong; one thing after the other is put right."""
    site = pick_site()
    other: dict[str, Any] = {"previous_task": None, "queue_type": 1, "queue_id": 99, "service": PICK_FROM_AGENT}
    assert reason(ask(site, 999, **other)) == (216, 15)
    assert reason(ask(site, 105, **other)) == (218, 17)
    assert reason(ask(site, 103, **other)) == (214, 13)
    assert reason(ask(site, 103, **other | {"queue_id": 2})) == (220, 19)
    assert reason(ask(site, 103, **other | {"queue_id": 1})) == (215, 14)
    site.ready(102)
    picked = other | {"queue_id": 1, "previous_task": running(site, 102)}
    assert reason(ask(site, 103, **picked)) == (213, 12)
    assert reason(ask(site, 101, **picked)) == (219, 18)
    site.ready(101)
    held = running(site, 101)
    site.report(inputs.MakeAgentNotReady, 101)
    assert reason(ask(site, 101, **picked)) == (224, 21)
    site.report(inputs.MakeAgentReady, 101)
    assert reason(ask(site, 101, **picked)) == (217, 16)
    site.about(inputs.EndTask, 101, held)
    assert of(ask(site, 101, **picked), events.AgentChosen)


def test_9_1_script_may_wait_before_the_node_and_release_instead_of_it() -> None:
    site = pick_site()
    site.ready(101)
    assert public(ask(site, 101, selector="8002")) == ["TaskAccepted"]
    assert only(site.pass_time(5), events.AgentChosen).skill_target_id == 101
    released = ask(site, 102, selector="8003")
    assert only(released, events.TaskFailed).reason is NewTaskFailureReason.ROUTER_RELEASED_TASK
    assert only(released, events.TaskEnded).disposition == 35
