"""Supervisors and their teams: which there are, who is in them, and how the members are.

Knows the requests of the supervisor service for tasks; who gets a member's state by a team monitor is the audience's
business, and SUPERVISE_CALL has no call to act on. A supervisor who opens a session with the service is told his teams'
members at once (the guides of versions 9 and 15); a monitor that begins is told those of its team [OURS]. Rules:
cti.toml 128, 133 to 138.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from ctigw.config.routing import Agent, AgentTeam
from ctigw.gateway.audience import CtiClient
from ctigw.gateway.directory import Directory
from ctigw.gateway.monitors import TeamWatch
from ctigw.gateway.requests.desk import Desk, Handler, Letter, refusal
from ctigw.gateway.standing import standing
from ctigw.wire import FloatValue, Message, cti
from ctigw.wire.values import NULL_UINT

T = TypeVar("T")

ENTRIES_PER_MESSAGE = 64
"""Agents of an AGENT_TEAM_CONFIG_EVENT and teams of a LIST_AGENT_TEAM_CONF (the guides up to version 17)."""

MEMBER, PRIMARY_SUPERVISOR, SUPERVISOR = 0, 0x0001, 0x0004
"""Bits of AgentFlags (the guides of versions 9 and 15). The primary supervisor is a supervisor too: he has both."""

_ENTRY_BYTES = 40
"""About what one member takes in an event, or one team in a list: what is taken from the allowance for it."""


def opened(desk: Desk, client: CtiClient, now: float) -> Iterator[Letter]:
    """A session opened: a supervisor is told of his teams."""
    if client.services & cti.ServiceMask.SUPERVISOR and client.skill_target_id is not None:
        for team in desk.directory.supervised_by(client.skill_target_id):
            yield from _members(desk, client, team, now)


def list_teams(desk: Desk, client: CtiClient, message: cti.ListAgentTeamReq, now: float) -> Iterator[Letter]:
    """LIST_AGENT_TEAM_REQ; SupervisorID is a skill target id, NULL asks for all teams [OURS]."""
    every = message.supervisor_id == NULL_UINT
    teams = list(desk.directory.teams.values()) if every else desk.directory.supervised_by(message.supervisor_id)
    if not teams and not every:
        yield refusal(client, message, cti.FailureStatus.SUPERVISOR_NOT_FOUND)
    elif not client.bulk.take(len(teams) * _ENTRY_BYTES, now):
        yield refusal(client, message, cti.FailureStatus.UNSPECIFIED_FAILURE)
    else:
        segments = _chunks(teams)
        for number, segment in enumerate(segments, start=1):
            ids: list[tuple[int, FloatValue]] = [(cti.ListAgentTeamConf.TEAM_ID, team.id) for team in segment]
            more = int(number < len(segments))
            yield Letter(client, cti.ListAgentTeamConf(message.invoke_id, len(segment), number, more, ids))


def start(desk: Desk, client: CtiClient, message: cti.MonitorAgentTeamStartReq, now: float) -> Iterator[Letter]:
    """MONITOR_AGENT_TEAM_START_REQ: the confirmation, then the members."""
    monitors = desk.audience.monitors
    team = desk.directory.teams.get(message.team_id)
    if team is None:
        yield refusal(client, message, cti.FailureStatus.TEAM_NOT_FOUND)
    elif any(watch.team_id == team.id for watch in monitors.of_owner(client, TeamWatch)):
        yield refusal(client, message, cti.FailureStatus.AGENT_TEAM_MONITOR_ALREADY_EXISTS)
    elif not monitors.has_room(client, TeamWatch) or not client.bulk.take(_bytes_of(team), now):
        yield refusal(client, message, cti.FailureStatus.UNSPECIFIED_FAILURE)
    else:
        monitor = monitors.start(client, TeamWatch(team.id))
        yield Letter(client, cti.MonitorAgentTeamStartConf(message.invoke_id, monitor.id))
        yield from _members(desk, client, team, now)


def stop(desk: Desk, client: CtiClient, message: cti.MonitorAgentTeamStopReq, now: float) -> Iterator[Letter]:
    """MONITOR_AGENT_TEAM_STOP_REQ."""
    found = desk.audience.monitors.find(client, message.monitor_id, TeamWatch)
    if found is None:
        yield refusal(client, message, cti.FailureStatus.INVALID_MONITORID)
    else:
        desk.audience.monitors.stop(found[0])
        yield Letter(client, cti.MonitorAgentTeamStopConf(message.invoke_id))


def _bytes_of(team: AgentTeam) -> int:
    return (len(team.agents) + len(team.supervisors)) * _ENTRY_BYTES


def _members(desk: Desk, client: CtiClient, team: AgentTeam, now: float) -> Iterator[Letter]:
    """AGENT_TEAM_CONFIG_EVENTs: the first restores the list, further ones add to it."""
    operation = cti.TeamConfigOperation.RESTORE
    for entries in _chunks(list(_entries(desk.directory, team))):
        event = cti.AgentTeamConfigEvent
        floating: list[tuple[int, FloatValue]] = [(event.AGENT_TEAM_NAME, team.name)]
        for agent, flags in entries:
            state, duration_s = standing(desk.engine, desk.directory, agent, now)
            floating += [
                (event.ATC_AGENT_ID, agent.id),
                (event.AGENT_FLAGS, flags),
                (event.ATC_AGENT_STATE, state),
                (event.ATC_STATE_DURATION, duration_s),
            ]
        yield Letter(client, event(team.peripheral, team.id, len(entries), operation, floating=floating))
        operation = cti.TeamConfigOperation.ADD_AGENT


def _entries(directory: Directory, team: AgentTeam) -> Iterator[tuple[Agent, int]]:
    """Members, then supervisors who are none, each with his flags."""
    flags = dict.fromkeys(team.agents, MEMBER)
    for place, number in enumerate(team.supervisors):
        flags[number] = SUPERVISOR if place else SUPERVISOR | PRIMARY_SUPERVISOR
    for number, found in flags.items():
        agent = directory.agent_by_number(team.peripheral, number)
        if agent is not None:
            yield agent, found


def _chunks(entries: Sequence[T]) -> list[Sequence[T]]:
    """The entries by messages; one message at least, with none."""
    starts = range(0, max(len(entries), 1), ENTRIES_PER_MESSAGE)
    return [entries[start : start + ENTRIES_PER_MESSAGE] for start in starts]


HANDLERS: dict[type[Message], Handler] = {
    cti.ListAgentTeamReq: list_teams,
    cti.MonitorAgentTeamStartReq: start,
    cti.MonitorAgentTeamStopReq: stop,
}
