"""SYSTEM_EVENT for ALL_EVENTS sessions (cti.toml 31)."""

import logging

import pytest
import trio
from trio.testing import MockClock

from ctigw.wire import cti
from town import ADA, CHAT, START_TIMEOUT_S, town

S = cti.ServiceMask
HALF_HOUR_S = 1800
BEGUN = 1_795_000_000
"""Where the town's clock begins: 400 s after a half hour."""


async def test_each_half_hour_is_told_to_all_events_sessions(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer, other = await place.client(S.ALL_EVENTS), await place.client(S.ALL_TASK_EVENTS)
        await trio.sleep(HALF_HOUR_S - BEGUN % HALF_HOUR_S - 1)
        assert await peer.received() == []
        await trio.sleep(2)
        await trio.sleep(2 * HALF_HOUR_S)
        told = [event for event in await peer.received() if isinstance(event, cti.SystemEvent)]
        assert [event.system_event_id for event in told] == [cti.SystemEventId.HALF_HOUR_CHANGE] * 3
        times = [event.icm_central_controller_time for event in told]
        first = BEGUN + HALF_HOUR_S - BEGUN % HALF_HOUR_S
        assert times == [first, first + HALF_HOUR_S, first + 2 * HALF_HOUR_S]
        assert (told[0].event_device_type, told[0].system_event_arg1, told[0].pg_status) == (0xFFFF, 0, 0)
        assert await other.names() == []


async def test_the_engine_keeps_its_deadlines_besides_the_half_hour(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(S.AGENT_REPORTING), await place.application()
        await trio.sleep(HALF_HOUR_S - BEGUN % HALF_HOUR_S - START_TIMEOUT_S / 2)
        await desktop.sign_in(ADA)
        await application.new_task(1)
        await desktop.received()
        await trio.sleep(START_TIMEOUT_S + 0.1)
        assert await desktop.names() == ["AGENT_PRE_CALL_ABORT_EVENT", "AGENT_MADE_NOT_ROUTABLE_EVENT"]


async def test_a_half_hour_is_no_input_of_the_engine(autojump_clock: MockClock) -> None:
    async with town() as place:
        handled = []
        engine = place.exchange._engine
        handle = engine.handle

        def noting(item: object, now: float) -> object:
            handled.append(item)
            return handle(item, now)  # type: ignore[arg-type]  # whatever the exchange gives

        engine.handle = noting  # type: ignore[method-assign,assignment]  # a look at what it is given
        await trio.sleep(3 * HALF_HOUR_S)
        assert handled == []
        desktop = await place.client(S.AGENT_REPORTING)
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        await desktop.received()
        assert len(handled) == 2


@pytest.mark.parametrize("monitored", [True, False])
async def test_connection_monitor_raises_alarms_by_opening_and_closing(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, monitored: bool
) -> None:
    services = S.ALL_TASK_EVENTS | (S.CONNECTION_MONITOR if monitored else S(0))
    async with town() as place:
        with caplog.at_level(logging.WARNING, "ctigw.gateway"):
            peer = await place.client(services)
            await peer.send(cti.CloseReq(1, 0))
            await peer.received()
        alarms = [record.getMessage().split(":")[0].split()[-1] for record in caplog.records]
        assert alarms == (["open", "closed"] if monitored else [])
