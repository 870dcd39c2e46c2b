"""The supervisor service for tasks: teams, their members, and how those are (cti.toml 128, 133 to 138)."""

import attrs
import pytest
import trio
from trio.testing import MockClock

from ctigw.config.routing import Agent, AgentTeam, RoutingSettings
from ctigw.gateway import allowance
from ctigw.gateway.allowance import Allowance
from ctigw.wire import FloatValue, Message, cti
from town import ADA, ALL_STATES, BEN, CHAT, EMAIL, SETTINGS, Peer, Town, town

S = cti.ServiceMask
CHIEF = 6009
ALL = 0xFFFFFFFF
MEMBER, PRIMARY, SUPERVISOR = 0, 5, 4


def staffed(*teams: AgentTeam, more: int = 0) -> RoutingSettings:
    """The settings with teams, a chief, and `more` agents numbered from 2000."""
    crowd = [Agent(id=str(2000 + n), skill_target_id=8000 + n, peripheral=5000) for n in range(more)]
    chief = Agent(id="1009", name="Chief", skill_target_id=CHIEF, peripheral=5000)
    return attrs.evolve(SETTINGS, agents=(*SETTINGS.agents, chief, *crowd), agent_teams=teams)


def team(number: int, agents: tuple[str, ...] = (), supervisors: tuple[str, ...] = ()) -> AgentTeam:
    return AgentTeam(name=f"team {number}", id=number, peripheral=5000, agents=agents, supervisors=supervisors)


DESK = team(7001, ("1001", "1002"), ("1002", "1009"))
TEAMS = staffed(DESK, team(7002, (), ("1009",)))
CROWDED = staffed(team(7003, tuple(str(2000 + n) for n in range(100))), more=100)


async def supervisor(place: Town, services: cti.ServiceMask = S.SUPERVISOR) -> Peer:
    return await place.client(services, agent_state_mask=0)


async def start(peer: Peer, team_id: int) -> tuple[int, list[cti.AgentTeamConfigEvent]]:
    """Begin a team monitor: its id, and the members told."""
    await peer.send(cti.MonitorAgentTeamStartReq(7, team_id))
    confirmed, *told = await peer.received()
    assert isinstance(confirmed, cti.MonitorAgentTeamStartConf), confirmed
    return confirmed.monitor_id, [event for event in told if isinstance(event, cti.AgentTeamConfigEvent)]


async def test_a_team_monitor_is_told_the_members_and_their_states(autojump_clock: MockClock) -> None:
    async with town(TEAMS) as place:
        desktop, peer = await place.client(S.AGENT_REPORTING), await supervisor(place)
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        await trio.sleep(5)
        _, (told,) = await start(peer, DESK.id)
        assert (told.peripheral_id, told.team_id, told.agent_team_name) == (5000, DESK.id, "team 7001")
        assert (told.number_of_agents, told.config_operation) == (3, cti.TeamConfigOperation.RESTORE)
        entries = list(
            zip(told.atc_agent_id, told.agent_flags, told.atc_agent_state, told.atc_state_duration, strict=True)
        )
        out = cti.AgentState.LOGOUT
        assert entries == [
            ("1001", MEMBER, cti.AgentState.NOT_READY, 5),
            ("1002", PRIMARY, out, 0),
            ("1009", SUPERVISOR, out, 0),
        ]


async def test_a_team_monitor_gets_the_states_of_members_until_it_stops(autojump_clock: MockClock) -> None:
    async with town(TEAMS) as place:
        desktop, peer = await place.client(S.AGENT_REPORTING), await supervisor(place)
        monitor, _ = await start(peer, DESK.id)
        await desktop.send(cti.MediaLoginReq(1, CHAT, CHIEF, 1, 1), cti.MediaLoginReq(2, CHAT, BEN, 1, 1))
        (state,) = await peer.received()
        assert isinstance(state, cti.AgentStateEvent)
        assert (state.monitor_id, state.icm_agent_id) == (monitor, BEN)
        await peer.send(cti.MonitorAgentTeamStopReq(8, monitor), cti.MonitorAgentTeamStopReq(9, monitor))
        assert await peer.received() == [
            cti.MonitorAgentTeamStopConf(8),
            cti.FailureConf(9, cti.FailureStatus.INVALID_MONITORID, 0),
        ]
        await desktop.send(cti.MakeAgentReadyInd(3, CHAT, BEN, 1))
        assert await peer.names() == []


async def test_many_members_come_in_several_events(autojump_clock: MockClock) -> None:
    async with town(CROWDED) as place:
        _, told = await start(await supervisor(place), 7003)
        assert [(event.number_of_agents, event.config_operation) for event in told] == [
            (64, cti.TeamConfigOperation.RESTORE),
            (36, cti.TeamConfigOperation.ADD_AGENT),
        ]
        assert [number for event in told for number in event.atc_agent_id] == [str(2000 + n) for n in range(100)]


async def test_a_supervisor_who_opens_is_told_of_his_teams(autojump_clock: MockClock) -> None:
    async with town(TEAMS) as place:
        other = await supervisor(place)
        peer = place.connect(other.codec)
        fields: list[tuple[int, FloatValue]] = [(1, "desktop"), (2, b"secret"), (5, "1009")]
        services = S.SUPERVISOR | S.CLIENT_EVENTS
        await peer.send(cti.OpenReq(1, 25, ALL, 5000, services, 0, 0, 0, 0, 0, 0, fields))
        opened, *told = await peer.received()
        assert opened.NAME == "OPEN_CONF"
        assert [event.team_id for event in told if isinstance(event, cti.AgentTeamConfigEvent)] == [7001, 7002]
        assert await other.names() == []


@pytest.mark.parametrize(("asked", "ids"), [(CHIEF, [7001, 7002]), (BEN, [7001]), (ALL, [7001, 7002])])
async def test_the_teams_of_a_supervisor_are_listed(autojump_clock: MockClock, asked: int, ids: list[int]) -> None:
    async with town(TEAMS) as place:
        peer = await supervisor(place)
        await peer.send(cti.ListAgentTeamReq(4, asked))
        (listed,) = await peer.received()
        assert isinstance(listed, cti.ListAgentTeamConf)
        assert (listed.invoke_id, listed.number_of_agent_teams, listed.segment_number, listed.more) == (
            4,
            len(ids),
            1,
            0,
        )
        assert listed.team_id == ids


async def test_a_long_list_comes_in_segments(autojump_clock: MockClock) -> None:
    async with town(staffed(*(team(number, (), ("1009",)) for number in range(1, 131)))) as place:
        peer = await supervisor(place)
        await peer.send(cti.ListAgentTeamReq(4, CHIEF))
        segments = [part for part in await peer.received() if isinstance(part, cti.ListAgentTeamConf)]
        assert [(part.segment_number, part.number_of_agent_teams, part.more) for part in segments] == [
            (1, 64, 1),
            (2, 64, 1),
            (3, 2, 0),
        ]
        assert [number for part in segments for number in part.team_id] == list(range(1, 131))


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (cti.ListAgentTeamReq(7, ADA), cti.FailureStatus.SUPERVISOR_NOT_FOUND),
        (cti.MonitorAgentTeamStartReq(7, 1), cti.FailureStatus.TEAM_NOT_FOUND),
        (cti.MonitorAgentTeamStartReq(7, DESK.id), cti.FailureStatus.AGENT_TEAM_MONITOR_ALREADY_EXISTS),
        (cti.MonitorAgentTeamStopReq(7, 99), cti.FailureStatus.INVALID_MONITORID),
    ],
)
async def test_what_cannot_be_is_refused(autojump_clock: MockClock, message: Message, status: int) -> None:
    async with town(TEAMS) as place:
        peer = await supervisor(place)
        await start(peer, DESK.id)
        await peer.send(message)
        assert await peer.received() == [cti.FailureConf(7, status, 0)]


async def test_asking_for_members_again_and_again_is_refused_until_time_has_passed(autojump_clock: MockClock) -> None:
    async with town(CROWDED) as place:
        peer = await supervisor(place)
        (link,) = place.exchange._links.values()
        assert link.cti_client is not None
        link.cti_client.bulk = Allowance(most=9_000, per_s=100)
        for expected in ("MONITOR_AGENT_TEAM_START_CONF", "MONITOR_AGENT_TEAM_START_CONF", "FAILURE_CONF"):
            await peer.send(cti.MonitorAgentTeamStartReq(7, 7003))
            answered, *_ = await peer.received()
            assert expected == answered.NAME
            if isinstance(answered, cti.MonitorAgentTeamStartConf):
                await peer.send(cti.MonitorAgentTeamStopReq(8, answered.monitor_id))
                await peer.received()
        await trio.sleep(40)
        await start(peer, 7003)


def test_an_allowance_comes_back_with_time_and_no_further_than_full() -> None:
    bucket = Allowance(most=10, per_s=1)
    assert bucket.take(10, 100.0)
    assert not bucket.take(1, 100.5)
    assert bucket.take(1, 101.0)
    assert bucket.take(10, 500.0)
    assert not bucket.take(1, 500.0)
    assert bucket.take(25, 600.0), "more than there can ever be is given when the bucket is full"
    assert not bucket.take(1, 610.0), "and paid for afterwards"
    assert allowance.BULK_BYTES < 4 * 1024 * 1024, "less than may wait in an outbox"


# How an agent stands over all domains (OPEN_CONF.AgentState), and whose desktop it is.


async def open_agent(place: Town, agent_id: str) -> cti.OpenConf:
    """OPEN_CONF of a CLIENT_EVENTS session."""
    peer = place.connect((await place.client(S.ALL_TASK_EVENTS)).codec)
    fields: list[tuple[int, FloatValue]] = [(1, "desktop"), (2, b"secret"), (3, "Sig"), (5, agent_id)]
    await peer.send(cti.OpenReq(1, 25, ALL, 5000, S.CLIENT_EVENTS, 0, ALL_STATES, 0, 0, 0, 0, fields))
    opened = (await peer.received())[0]
    assert isinstance(opened, cti.OpenConf)
    return opened


async def test_open_conf_tells_the_state_that_changed_last(autojump_clock: MockClock) -> None:
    async with town(TEAMS) as place:
        desktop = await place.client(S.AGENT_REPORTING)
        assert (await open_agent(place, "1001")).agent_state == cti.AgentState.LOGOUT
        await desktop.sign_in(ADA, EMAIL)
        await trio.sleep(1)
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        await desktop.received()
        assert (await open_agent(place, "1001")).agent_state == cti.AgentState.NOT_READY
        await trio.sleep(1)
        await desktop.send(cti.MediaLogoutInd(2, CHAT, ADA))
        await desktop.received()
        assert (await open_agent(place, "1001")).agent_state == cti.AgentState.NOT_ACTIVE
        assert (await open_agent(place, "4711")).agent_state == cti.AgentState.UNKNOWN


async def test_a_state_event_names_the_agents_own_desktop_session(autojump_clock: MockClock) -> None:
    async with town(TEAMS) as place:
        watcher = await place.client(S.ALL_EVENTS)
        desktop = await place.client(S.AGENT_REPORTING)
        await watcher.received()
        await desktop.send(cti.MediaLoginReq(1, CHAT, ADA, 1, 1))
        await open_agent(place, "1001")
        await desktop.send(cti.MakeAgentReadyInd(2, CHAT, ADA, 1))
        before, after = [event for event in await watcher.received() if isinstance(event, cti.AgentStateEvent)]
        assert (before.session_id, before.cti_client_signature) == (0, None)
        assert after.session_id > 0
        assert after.cti_client_signature == "Sig"
