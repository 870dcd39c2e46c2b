"""SET_AGENT_STATE_REQ on the wire: how it names the agent, and its two answers (cti.toml 35, 38, 39)."""

import pytest
from trio.testing import MockClock

from ctigw.wire import FloatValue, cti
from town import ADA, CHAT, town

CONTROL = cti.ServiceMask.AGENT_STATE_CONTROL_ONLY
REQUEST = cti.SetAgentStateReq


def request(
    *floating: tuple[int, FloatValue], state: int = cti.AgentState.NOT_READY, reason: int = 0, forced: int = 0
) -> cti.SetAgentStateReq:
    return REQUEST(77, 5000, state, 0, 0, reason, forced, 0, list(floating))


@pytest.mark.parametrize(
    "names",
    [
        [(REQUEST.AGENT_ID, "1001")],
        [(REQUEST.AGENT_INSTRUMENT, "1001")],
        [(REQUEST.AGENT_INSTRUMENT, "1001"), (REQUEST.AGENT_ID, "1001")],
    ],
)
async def test_agent_is_named_by_id_or_instrument(
    autojump_clock: MockClock, names: list[tuple[int, FloatValue]]
) -> None:
    async with town() as place:
        desktop, control = await place.client(), await place.client(CONTROL)
        await desktop.sign_in(ADA)
        await desktop.received()
        await control.send(request(*names, reason=33))
        assert await control.received() == [cti.SetAgentStateConf(77)]
        (state,) = await desktop.received()
        assert isinstance(state, cti.AgentStateEvent)
        assert (state.mrd_id, state.agent_state, state.event_reason_code) == (CHAT, cti.AgentState.NOT_READY, 33)


@pytest.mark.parametrize(
    "names",
    [
        [],
        [(REQUEST.AGENT_ID, "1009")],
        [(REQUEST.AGENT_INSTRUMENT, "1001"), (REQUEST.AGENT_ID, "1002")],
    ],
)
async def test_agent_who_is_not_named_or_not_known_or_two_is_refused_with_256(
    autojump_clock: MockClock, names: list[tuple[int, FloatValue]]
) -> None:
    async with town() as place:
        desktop, control = await place.client(), await place.client(CONTROL)
        await desktop.sign_in(ADA)
        await control.send(request(*names))
        assert await control.received() == [cti.ControlFailureConf(77, 256, 0)]


async def test_forced_flag_of_1_forces_and_no_other_number(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, control = await place.client(), await place.client(CONTROL)
        await desktop.sign_in(ADA)
        await desktop.received()
        named = (REQUEST.AGENT_ID, "1001")
        for flag in (0, 2):
            await control.send(request(named, state=cti.AgentState.LOGOUT, forced=flag))
            assert await control.received() == [cti.ControlFailureConf(77, 22, 0)]
        await control.send(request(named, state=cti.AgentState.LOGOUT, forced=1))
        assert await control.received() == [cti.SetAgentStateConf(77)]
        (state,) = await desktop.received()
        assert isinstance(state, cti.AgentStateEvent)
        assert (state.agent_state, state.event_reason_code) == (cti.AgentState.LOGOUT, 999)
