"""The client monitor: who is connected, and what another session is told (cti.toml 99 to 104)."""

import pytest
from trio.testing import MockClock

from ctigw.gateway.requests.client_monitor import CLOSE_STATUS
from ctigw.session.events import CloseReason
from ctigw.wire import FloatValue, Message, cti
from town import ADA, ALL_STATES, BEN, CHAT, Peer, Town, town

S = cti.ServiceMask
NEVER_OPEN = {
    CloseReason.REFUSED,
    CloseReason.WRONG_FIRST_MESSAGE,
    CloseReason.HANDSHAKE,
    CloseReason.FIRST_MESSAGE,
    CloseReason.LIMIT,
    CloseReason.NO_HEARTBEAT,
}
"""Ends of connections that never had an open CTI session."""


async def monitor(place: Town, services: cti.ServiceMask = S.CLIENT_MONITOR) -> Peer:
    return await place.client(services, agent_state_mask=0)


async def watch(peer: Peer, session_id: int) -> int:
    """Begin a session monitor; its id."""
    await peer.send(cti.SessionMonitorStartReq(7, session_id))
    (confirmed,) = await peer.received()
    assert isinstance(confirmed, cti.SessionMonitorStartConf), confirmed
    return confirmed.monitor_id


def opened(messages: list[Message]) -> list[cti.ClientSessionOpenedEvent]:
    return [message for message in messages if isinstance(message, cti.ClientSessionOpenedEvent)]


async def test_an_opening_is_told_with_all_that_is_known_of_the_client(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await monitor(place)
        await place.client(
            S.CLIENT_EVENTS,
            call_mask=3,
            agent_state_mask=5,
            floating=[(cti.OpenReq.CLIENT_SIGNATURE, "x" * 70), (cti.OpenReq.AGENT_ID, "1001")],
        )
        (told,) = opened(await peer.received())
        assert (told.peripheral_id, told.services_granted, told.call_msg_mask, told.agent_state_mask) == (5000, 1, 3, 5)
        assert (told.client_address, told.client_id, told.agent_id) == ("127.0.0.1", "desktop", "1001")
        assert told.client_signature == "x" * 63
        assert (told.agent_extension, told.agent_instrument) == (None, None)


async def test_a_new_client_monitor_is_told_of_the_sessions_that_are_open(autojump_clock: MockClock) -> None:
    async with town() as place:
        first = await monitor(place)
        await place.client(S.ALL_EVENTS)
        assert len(opened(await first.received())) == 1
        second = place.connect(first.codec)
        await second.send(cti.OpenReq(1, 25, 0xFFFFFFFF, 5000, S.CLIENT_MONITOR, 0, 0, 0, 0, 0, 0, FIELDS))
        confirmed, *told = await second.received()
        assert confirmed.NAME == "OPEN_CONF"
        assert [event.services_granted for event in opened(told)] == [S.CLIENT_MONITOR, S.ALL_EVENTS]
        assert [event.services_granted for event in opened(await first.received())] == [S.CLIENT_MONITOR]


FIELDS: list[tuple[int, FloatValue]] = [(1, "desktop"), (2, b"secret")]


async def test_without_the_service_nobody_is_told(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await place.client(S.ALL_EVENTS)
        await peer.received()
        await place.client(S.ALL_EVENTS)
        assert await peer.names() == []


@pytest.mark.parametrize("orderly", [True, False])
async def test_a_close_is_told_with_its_status(autojump_clock: MockClock, orderly: bool) -> None:
    async with town() as place:
        peer, other = await monitor(place), await place.client(S.ALL_EVENTS)
        (begun,) = opened(await peer.received())
        if orderly:
            await other.send(cti.CloseReq(1, 0))
        else:
            await other.stream.aclose()
        (ended,) = await peer.received()
        assert isinstance(ended, cti.ClientSessionClosedEvent)
        expected = cti.FailureStatus.NO_ERROR if orderly else cti.FailureStatus.CLIENT_DISCONNECTED
        assert (ended.session_id, ended.status, ended.client_id) == (begun.session_id, expected, "desktop")


async def test_a_replaced_session_ends_with_status_11(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await monitor(place)
        for _ in range(2):
            await place.client(S.CLIENT_EVENTS, floating=[(cti.OpenReq.AGENT_ID, "1001")])
        (ended,) = [event for event in await peer.received() if isinstance(event, cti.ClientSessionClosedEvent)]
        assert ended.status == cti.FailureStatus.NEW_SESSION_OPENED


def test_every_end_of_an_open_session_has_a_status() -> None:
    assert set(CLOSE_STATUS) == set(CloseReason) - NEVER_OPEN


async def test_a_session_monitor_passes_on_what_the_session_gets_and_nothing_else(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await monitor(place)
        agent = await place.client(S.CLIENT_EVENTS, call_mask=0x80000, floating=[(cti.OpenReq.AGENT_ID, "1001")])
        (begun,) = opened(await peer.received())
        monitor_id = await watch(peer, begun.session_id)
        desktop, application = await place.client(S.AGENT_REPORTING), await place.application()
        await peer.received()
        await desktop.sign_in(ADA)
        await desktop.sign_in(BEN)
        await application.new_task(1)
        await agent.send(cti.HeartbeatReq(1))
        passed = await peer.received()
        got = [message for message in await agent.received() if message.NAME != "HEARTBEAT_CONF"]
        assert [message.NAME for message in passed] == [message.NAME for message in got]
        assert [message.NAME for message in passed][-2:] == ["AGENT_PRE_CALL_EVENT", "AGENT_STATE_EVENT"]
        assert {getattr(message, "monitor_id", None) for message in passed} == {monitor_id}
        assert {getattr(message, "monitor_id", None) for message in got} == {0}


async def test_a_session_monitor_passes_on_no_event_that_came_to_its_owner_anyway(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await place.client(S.CLIENT_MONITOR | S.ALL_EVENTS, agent_state_mask=ALL_STATES)
        await place.client(S.ALL_EVENTS, agent_state_mask=ALL_STATES)
        (begun,) = opened(await peer.received())
        await watch(peer, begun.session_id)
        desktop = await place.client(S.AGENT_REPORTING)
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        (state,) = [event for event in await peer.received() if isinstance(event, cti.AgentStateEvent)]
        assert state.monitor_id == 0


async def test_session_monitors_make_no_chain(autojump_clock: MockClock) -> None:
    async with town() as place:
        outer, inner = await monitor(place), await monitor(place)
        (of_inner,) = opened(await outer.received())
        await place.client(S.ALL_EVENTS, agent_state_mask=ALL_STATES)
        (of_last,) = [event for event in opened(await inner.received()) if event.services_granted == S.ALL_EVENTS]
        await outer.received()
        await watch(outer, of_inner.session_id)
        await watch(inner, of_last.session_id)
        desktop = await place.client(S.AGENT_REPORTING)
        await outer.received()
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        assert await outer.names() == []
        assert "AGENT_STATE_EVENT" in await inner.names()


async def test_a_session_monitor_ends_with_its_stop_or_with_its_session(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer, other = await monitor(place), await place.client(S.ALL_EVENTS, agent_state_mask=ALL_STATES)
        (begun,) = opened(await peer.received())
        first = await watch(peer, begun.session_id)
        await peer.send(cti.SessionMonitorStopReq(2, first), cti.SessionMonitorStopReq(3, first))
        assert await peer.received() == [cti.SessionMonitorStopConf(2), cti.FailureConf(3, 55, 0)]
        second = await watch(peer, begun.session_id)
        await other.send(cti.CloseReq(1, 0))
        await peer.received()
        await peer.send(cti.SessionMonitorStopReq(4, second))
        assert await peer.received() == [cti.FailureConf(4, 55, 0)]


async def test_what_cannot_be_watched_is_refused(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await monitor(place)
        await place.client(S.ALL_EVENTS)
        (begun,) = opened(await peer.received())
        own = begun.session_id - 1
        await watch(peer, begun.session_id)
        await peer.send(*(cti.SessionMonitorStartReq(9, session) for session in (begun.session_id, own, 999)))
        statuses = [getattr(message, "failure_code", None) for message in await peer.received()]
        assert statuses == [
            cti.FailureStatus.SESSION_MONITOR_ALREADY_EXISTS,
            cti.FailureStatus.SESSION_MONITOR_IS_CLIENTS,
            cti.FailureStatus.CLIENT_NOT_FOUND,
        ]


async def test_an_ended_session_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    async with town() as place:
        other = await monitor(place)
        peer = await place.client(S(0xFFFFFFFF), floating=[(cti.OpenReq.AGENT_ID, "1001")])
        (begun,) = opened(await other.received())
        await watch(other, begun.session_id)
        await peer.send(cti.TaskMonitorStartReq(1, 0xFFFFFFFF, 1))
        for one in (other, peer):
            await one.send(cti.CloseReq(1, 0))
            await one.received()
        audience = place.exchange._audience
        for registry in (audience, audience.monitors):
            kept = {name: value for name, value in vars(registry).items() if isinstance(value, dict)}
            assert len(kept) >= 5
            assert [name for name, index in kept.items() if any(index.values())] == []
