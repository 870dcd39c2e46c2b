"""Pick and pull over the wire: what a NEW_TASK must carry, and what comes back (mr-wire sections e and g)."""

import attrs
import pytest
from trio.testing import MockClock

from ctigw.config.routing import CallType
from ctigw.wire import AgentRef, FloatValue, mr
from town import ADA, CHAT, NO_TASK, SETTINGS, Peer, town

NODE = attrs.evolve(SETTINGS, call_types=(CallType(name="chat", script=({"op": "pick_pull"},)),))
QUEUE: tuple[tuple[int, FloatValue], ...] = ((mr.NewTask.QUEUE_TYPE, 1), (mr.NewTask.QUEUE_ID, 5101))


async def pick(application: Peer, dialogue: int, agent: int, *floating: tuple[int, FloatValue]) -> None:
    selector: tuple[int, FloatValue] = (mr.NewTask.SCRIPT_SELECTOR, "chat")
    ref = AgentRef(mr.AgentRefKind.SKILL_TARGET_ID, agent, -1, -1)
    await application.send(mr.NewTask(dialogue, 1, CHAT, NO_TASK, ref, 4, 0, [selector, *floating]))


async def test_agent_who_picks_gets_the_task_with_the_queue_that_was_named(autojump_clock: MockClock) -> None:
    async with town(NODE) as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await desktop.received()
        await pick(application, 1, ADA, *QUEUE)
        (answer,) = await application.received()
        assert isinstance(answer, mr.DoThisWithTask)
        assert (answer.skill_group, answer.agent.skill_target_id) == (5101, ADA)
        assert "AGENT_PRE_CALL_EVENT" in await desktop.names()


@pytest.mark.parametrize(
    ("agent", "floating", "reason", "number"),
    [(ADA, (), 13, 214), (1, QUEUE, 15, 216), (ADA, QUEUE, 18, 219)],
)
async def test_agent_who_may_not_pick_is_told_why(
    autojump_clock: MockClock, agent: int, floating: tuple[tuple[int, FloatValue], ...], reason: int, number: int
) -> None:
    async with town(NODE) as place:
        application = await place.application()
        await pick(application, 1, agent, *floating)
        (refused,) = await application.received()
        assert isinstance(refused, mr.NewTaskFailure)
        assert (refused.reason, refused.cause_code) == (reason, 0)
        assert f"router error 704, reason {number}" in (refused.text or "")
        await pick(application, 1, agent, *floating)  # the dialogue is free again
        assert await application.names() == ["NEW_TASK_FAILURE"]


async def test_no_metric_is_labelled_with_an_agent(autojump_clock: MockClock) -> None:
    script = ({"op": "preferred_agent", "wait_s": 60, "queue_if_not_logged_in": True}, {"op": "pick_pull"})
    settings = attrs.evolve(SETTINGS, call_types=(CallType(name="chat", script=script),))
    async with town(settings) as place:
        desktop, application = await place.client(), await place.application()
        ref = AgentRef(mr.AgentRefKind.SKILL_TARGET_ID, ADA, -1, -1)
        floating: list[tuple[int, FloatValue]] = [(mr.NewTask.SCRIPT_SELECTOR, "chat")]
        for dialogue in (1, 2):  # the first one waits in Ada's own queue, the second comes when she is free
            await application.send(mr.NewTask(dialogue, 1, CHAT, NO_TASK, ref, 0, 0, floating))
            await application.received()
            await desktop.sign_in(ADA, limit=2)
            await desktop.received()
        assert place.metrics.registry.get_sample_value("ctigw_tasks", {"mrd": "chat", "state": "pre_call"}) == 2
        samples = [sample for metric in place.metrics.registry.collect() for sample in metric.samples]
        labels = {value for sample in samples for value in sample.labels.values()}
        assert "sg:sales" in labels
        assert not {label for label in labels if label.startswith("agent:")}
