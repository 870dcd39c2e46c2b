"""Interrupts on the wire: who is told, with which message, and what is counted (semantics 4, decisions C3)."""

import attrs
import trio
from prometheus_client import generate_latest
from trio.testing import MockClock

from ctigw.config.routing import CallType, ScriptSelector, SkillGroup
from ctigw.wire import AgentRef, FloatValue, Message, TaskId, cti, mr
from town import ADA, CHAT, EMAIL, SETTINGS, Peer, Town, town

MAIL_TOO = attrs.evolve(
    SETTINGS,
    agents=tuple(attrs.evolve(agent, skill_groups=(*agent.skill_groups, "mail")) for agent in SETTINGS.agents),
    skill_groups=(*SETTINGS.skill_groups, SkillGroup(name="mail", id=5102, mrd=EMAIL)),
    call_types=(*SETTINGS.call_types, CallType(name="mail", script=({"op": "queue", "to": ["sg:mail"]},))),
    script_selectors=(*SETTINGS.script_selectors, ScriptSelector(value="mail", mrd=EMAIL, call_type="mail")),
)
ARM = cti.ServiceMask.AGENT_REPORTING


def told(messages: list[Message], *kinds: type[Message]) -> list[Message]:
    return [message for message in messages if isinstance(message, kinds)]


async def task(application: Peer, desktop: Peer, dialogue: int, mrd: int, selector: str) -> TaskId:
    """A task that ADA has started."""
    floating: list[tuple[int, FloatValue]] = [(mr.NewTask.SCRIPT_SELECTOR, selector)]
    nothing = TaskId(-1, -1, -1)
    await application.send(mr.NewTask(dialogue, 1, mrd, nothing, AgentRef(0, -1, -1, -1), 0, 0, floating))
    (answer,) = told(await application.received(), mr.DoThisWithTask)
    assert isinstance(answer, mr.DoThisWithTask)
    await desktop.send(cti.StartTaskInd(next(desktop.invoke_ids), mrd, ADA, answer.icm_task_id))
    await trio.testing.wait_all_tasks_blocked()
    return answer.icm_task_id


async def interrupted(place: Town) -> tuple[Peer, Peer, TaskId, TaskId]:
    """Two clients of a path; mail and chat of ADA have started, the advisory waits for its answer."""
    desktop, second = await place.client(), await place.client(ARM, agent_state_mask=0)
    application = await place.application()
    await desktop.sign_in(ADA, EMAIL)
    await desktop.sign_in(ADA, CHAT)
    mail = await task(application, desktop, 1, EMAIL, "mail")
    await desktop.received()
    await second.received()
    chat = await task(application, desktop, 2, CHAT, "chat")
    return desktop, second, mail, chat


async def test_an_interrupt_is_told_to_every_session_of_the_path_and_answered_step_by_step(
    autojump_clock: MockClock,
) -> None:
    async with town(MAIL_TOO) as place:
        desktop, second, mail, chat = await interrupted(place)
        advisory = cti.AgentInterruptAdvisoryEvent(EMAIL, ADA, CHAT)
        messages = await desktop.received()
        assert told(messages, cti.AgentInterruptAdvisoryEvent) == [advisory]
        # 195 first, then 171, then the agent's state in the domain of the chat (decisions E2).
        assert [message.NAME for message in messages][-3:] == [
            "START_TASK_EVENT",
            "AGENT_INTERRUPT_ADVISORY_EVENT",
            "AGENT_STATE_EVENT",
        ]
        assert told(await second.received(), cti.AgentInterruptAdvisoryEvent) == [advisory]

        await desktop.send(cti.AgentInterruptAcceptedInd(70, EMAIL, ADA))
        (state,) = await desktop.received()
        assert isinstance(state, cti.AgentStateEvent)
        assert (state.agent_state, state.mrd_id, state.num_tasks) == (cti.AgentState.INTERRUPTED, EMAIL, 1)

        await second.send(cti.AgentInterruptAcceptedInd(71, EMAIL, ADA))
        assert await second.received() == [cti.FailureResp(71, 19)]

        await desktop.send(cti.PauseTaskInd(72, EMAIL, ADA, mail))
        assert await desktop.received() == [cti.FailureResp(72, 30)]

        await desktop.send(cti.EndTaskInd(73, CHAT, ADA, chat, 38, 0))
        done = cti.AgentInterruptDoneAdvisoryEvent(EMAIL, ADA)
        assert told(await desktop.received(), cti.AgentInterruptDoneAdvisoryEvent) == [done]
        assert await second.received() == [done]

        await desktop.send(cti.AgentInterruptDoneAcceptedInd(74, EMAIL, ADA))
        (state,) = await desktop.received()
        assert isinstance(state, cti.AgentStateEvent)
        assert state.agent_state == cti.AgentState.ACTIVE


async def test_outcomes_of_interrupts_are_counted(autojump_clock: MockClock) -> None:
    def counted(place: Town) -> list[int]:
        lines = generate_latest(place.metrics.registry).decode().splitlines()
        found = {
            line.split('"')[1]: int(float(line.split()[-1])) for line in lines if "ctigw_interrupts_total{" in line
        }
        return [found[outcome] for outcome in ("advisory", "accepted", "unaccepted", "done")]

    async with town(MAIL_TOO) as place:
        assert counted(place) == [0, 0, 0, 0]
        desktop, _, mail, chat = await interrupted(place)
        assert counted(place) == [1, 0, 0, 0]
        await desktop.send(cti.AgentInterruptUnacceptedInd(70, EMAIL, ADA))
        await trio.testing.wait_all_tasks_blocked()
        assert counted(place) == [1, 0, 1, 0]
        await desktop.send(cti.EndTaskInd(71, CHAT, ADA, chat, 38, 0), cti.EndTaskInd(72, EMAIL, ADA, mail, 38, 0))
        await trio.testing.wait_all_tasks_blocked()
    async with town(MAIL_TOO) as place:
        desktop, _, mail, chat = await interrupted(place)
        await desktop.send(cti.AgentInterruptAcceptedInd(70, EMAIL, ADA), cti.EndTaskInd(71, CHAT, ADA, chat, 38, 0))
        await desktop.send(cti.AgentInterruptDoneAcceptedInd(72, EMAIL, ADA))
        await trio.testing.wait_all_tasks_blocked()
        assert counted(place) == [1, 1, 0, 1]
