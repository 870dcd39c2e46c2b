"""Text from one client to others (cti.toml 107 to 109)."""

import attrs
import pytest
from trio.testing import MockClock

from ctigw.config.routing import Agent, AgentTeam
from ctigw.gateway.allowance import Allowance
from ctigw.gateway.requests.user_messages import DELIVERY_BYTES
from ctigw.wire import FloatValue, cti
from town import ALL_STATES, SETTINGS, Peer, Town, town

S = cti.ServiceMask
TO = cti.Distribution
M = cti.UserMessageReq
AGENTS = (*SETTINGS.agents, Agent(id="1009", name="Chief", skill_target_id=6009, peripheral=5000))
TEAMS = attrs.evolve(
    SETTINGS,
    agents=AGENTS,
    agent_teams=(AgentTeam(name="desk", id=7001, peripheral=5000, agents=("1001",), supervisors=("1009",)),),
)


def message(distribution: int, *floating: tuple[int, FloatValue], text: str | None = "hello") -> cti.UserMessageReq:
    """A USER_MESSAGE_REQ with InvokeID 7 and peripheral 5000."""
    texts: list[tuple[int, FloatValue]] = [] if text is None else [(M.TEXT, text)]
    return cti.UserMessageReq(7, 5000, distribution, [*floating, *texts])


async def agent(place: Town, number: str) -> Peer:
    return await place.client(S.CLIENT_EVENTS, agent_state_mask=0, floating=[(cti.OpenReq.AGENT_ID, number)])


async def said(peer: Peer, request: cti.UserMessageReq) -> None:
    """Send, and see the confirmation come alone."""
    await peer.send(request)
    assert await peer.received() == [cti.UserMessageConf(7)]


async def test_a_message_to_a_client_id_reaches_all_its_other_sessions(autojump_clock: MockClock) -> None:
    async with town() as place:
        sender, first, second = [await place.client(S.ALL_EVENTS) for _ in range(3)]
        for peer in (sender, first, second):
            await peer.received()
        await said(sender, message(TO.TO_CLIENT, (M.CLIENT_ID, "desktop")))
        for peer in (first, second):
            (event,) = await peer.received()
            assert isinstance(event, cti.UserMessageEvent)
            assert (event.distribution, event.client_id, event.text) == (TO.TO_CLIENT, "desktop", "hello")
            assert event.icm_central_controller_time == 1_795_000_000


async def test_a_message_to_an_agent_device_reaches_its_desktop_only(autojump_clock: MockClock) -> None:
    async with town() as place:
        sender, ada, ben = await place.client(S.ALL_TASK_EVENTS), await agent(place, "1001"), await agent(place, "1002")
        await said(sender, message(TO.TO_CLIENT, (M.AGENT_INSTRUMENT, "1001")))
        assert await ada.names() == ["USER_MESSAGE_EVENT"]
        assert await ben.names() == []


async def test_a_message_to_all_reaches_every_session_but_the_senders(autojump_clock: MockClock) -> None:
    async with town() as place:
        peers = [await place.client(S.ALL_TASK_EVENTS), await agent(place, "1001"), await place.client(S.SERVER)]
        await said(peers[0], message(TO.TO_ALL))
        assert [await peer.names() for peer in peers[1:]] == [["USER_MESSAGE_EVENT"]] * 2
        assert await peers[0].names() == []


@pytest.mark.parametrize("named", [True, False])
async def test_a_message_to_the_supervisor_is_for_the_agents_own(autojump_clock: MockClock, named: bool) -> None:
    async with town(TEAMS) as place:
        chief, watching = await agent(place, "1009"), await place.client(S.SUPERVISOR)
        await watching.send(cti.MonitorAgentTeamStartReq(1, 7001))
        await watching.received()
        ada, ben = await agent(place, "1001"), await agent(place, "1002")
        await chief.received()
        if named:
            await said(ben, message(TO.TO_SUPERVISOR, (M.AGENT_ID, "1001")))
        else:
            await said(ada, message(TO.TO_SUPERVISOR))
        assert [await peer.names() for peer in (chief, watching)] == [["USER_MESSAGE_EVENT"]] * 2
        assert [await peer.names() for peer in (ada, ben)] == [[], []]


@pytest.mark.parametrize("sender", ["1001", "1009"])
async def test_a_message_to_the_team_reaches_members_and_supervisors(autojump_clock: MockClock, sender: str) -> None:
    async with town(TEAMS) as place:
        peers = {number: await agent(place, number) for number in ("1001", "1002", "1009")}
        await peers["1009"].received()
        await said(peers[sender], message(TO.TO_TEAM))
        reached = [number for number, peer in peers.items() if await peer.names() == ["USER_MESSAGE_EVENT"]]
        assert reached == ["1009" if sender == "1001" else "1001"]


@pytest.mark.parametrize(
    ("request_made", "status"),
    [
        (message(4), cti.FailureStatus.INVALID_DISTRIBUTION_TYPE),
        (message(TO.TO_CLIENT, (M.CLIENT_ID, "nobody")), cti.FailureStatus.CLIENT_NOT_FOUND),
        (message(TO.TO_CLIENT, (M.AGENT_ID, "1002")), cti.FailureStatus.CLIENT_NOT_FOUND),
        (message(TO.TO_CLIENT, (M.AGENT_ID, "4711")), cti.FailureStatus.INVALID_AGENT_DATA),
        (message(TO.TO_CLIENT, (M.CLIENT_ID, "desktop")), cti.FailureStatus.CLIENT_NOT_FOUND),
        (message(TO.TO_CLIENT), cti.FailureStatus.REQUIRED_DATA_MISSING),
        (message(TO.TO_ALL, text=None), cti.FailureStatus.REQUIRED_DATA_MISSING),
        (message(TO.TO_ALL, text="x" * 255), cti.FailureStatus.BAD_MESSAGE_FORMAT),
        (message(TO.TO_SUPERVISOR), cti.FailureStatus.SUPERVISOR_NOT_FOUND),
        (message(TO.TO_TEAM, (M.AGENT_ID, "1002")), cti.FailureStatus.TEAM_NOT_FOUND),
        (cti.UserMessageReq(7, 1, TO.TO_TEAM, [(5, "1001"), (7, "x")]), cti.FailureStatus.INVALID_PERIPHERAL_ID),
    ],
)
async def test_a_message_for_nobody_is_refused(
    autojump_clock: MockClock, request_made: cti.UserMessageReq, status: int
) -> None:
    async with town(TEAMS) as place:
        ada = await agent(place, "1001")
        await ada.send(request_made)
        assert await ada.received() == [cti.FailureConf(7, status, 0)]


async def test_a_client_without_an_agent_must_name_one(autojump_clock: MockClock) -> None:
    async with town(TEAMS) as place:
        peer = await place.client(S.ALL_TASK_EVENTS)
        await peer.send(message(TO.TO_TEAM))
        assert await peer.received() == [cti.FailureConf(7, cti.FailureStatus.REQUIRED_DATA_MISSING, 0)]


async def test_the_longest_text_passes_in_the_oldest_version(autojump_clock: MockClock) -> None:
    async with town() as place:
        old, sender = await place.client(S.ALL_TASK_EVENTS, version=13), await place.client(S.ALL_TASK_EVENTS)
        await said(sender, message(TO.TO_ALL, text="x" * 254))
        (event,) = await old.received()
        assert isinstance(event, cti.UserMessageEvent)
        assert event.text == "x" * 254


async def test_a_flood_of_messages_is_refused_by_deliveries(autojump_clock: MockClock) -> None:
    async with town() as place:
        sender, *others = [await place.client(S.ALL_TASK_EVENTS, agent_state_mask=ALL_STATES) for _ in range(3)]
        link = next(iter(place.exchange._links.values()))
        assert link.cti_client is not None
        link.cti_client.bulk = Allowance(most=5 * DELIVERY_BYTES, per_s=0)
        await sender.send(*[message(TO.TO_ALL)] * 3)
        assert await sender.names() == ["USER_MESSAGE_CONF", "USER_MESSAGE_CONF", "FAILURE_CONF"]
        assert [await other.names() for other in others] == [["USER_MESSAGE_EVENT"] * 2] * 2
