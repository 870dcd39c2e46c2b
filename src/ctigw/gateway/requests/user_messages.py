"""Text from one client to others.

Knows who is meant by a distribution; must not know what the text says, and keeps it nowhere. A supervisor or member is
reached where he is at work: in the CLIENT_EVENTS session of his agent device, and in a session that monitors the team.
The sender does not get his own message back [OURS]: he has the confirmation. Rules: cti.toml 107 to 109, decisions C1
(a ClientID may have any number of sessions: all of them are meant).
"""

from collections.abc import Iterable, Iterator

from ctigw.config.routing import Agent, AgentTeam
from ctigw.gateway.audience import CtiClient
from ctigw.gateway.requests.desk import Desk, Handler, Letter, named_agent, refusal
from ctigw.wire import Message, cti

DELIVERY_BYTES = 300
"""What one delivery takes from the sender's allowance: about the longest event, so ten thousand at once."""

_TIME_MASK = 0xFFFFFFFF

Found = list[CtiClient] | cti.FailureStatus
"""Who is meant, or why nobody can be."""


def send(desk: Desk, client: CtiClient, message: cti.UserMessageReq, now: float) -> Iterator[Letter]:
    """USER_MESSAGE_REQ: the confirmation, then the message to everybody whom it is for."""
    found = _recipients(desk, client, message)
    if not message.text:
        found = cti.FailureStatus.REQUIRED_DATA_MISSING
    if isinstance(found, cti.FailureStatus):
        yield refusal(client, message, found)
        return
    others = {one.session_id: one for one in found if one is not client}
    if found and not others and message.distribution == cti.Distribution.TO_CLIENT:
        yield refusal(client, message, cti.FailureStatus.CLIENT_NOT_FOUND)
    elif not client.bulk.take(max(1, len(others)) * DELIVERY_BYTES, now):
        yield refusal(client, message, cti.FailureStatus.UNSPECIFIED_FAILURE)
    else:
        yield Letter(client, cti.UserMessageConf(message.invoke_id))
        event = cti.UserMessageEvent(int(now) & _TIME_MASK, message.distribution)
        event.floating = [(event.CLIENT_ID, client.details.client_id), (event.TEXT, message.text or "")]
        yield from (Letter(other, event) for other in others.values())


def _recipients(desk: Desk, client: CtiClient, message: cti.UserMessageReq) -> Found:
    match message.distribution:
        case cti.Distribution.TO_CLIENT if message.client_id:
            return desk.audience.of_client_id(message.client_id) or cti.FailureStatus.CLIENT_NOT_FOUND
        case cti.Distribution.TO_ALL:
            return desk.audience.sessions()
        case cti.Distribution.TO_CLIENT | cti.Distribution.TO_SUPERVISOR | cti.Distribution.TO_TEAM:
            agent = _agent(desk, client, message)
            return agent if isinstance(agent, cti.FailureStatus) else _of_agent(desk, agent, message.distribution)
        case _:
            return cti.FailureStatus.INVALID_DISTRIBUTION_TYPE


def _agent(desk: Desk, client: CtiClient, message: cti.UserMessageReq) -> Agent | cti.FailureStatus:
    """The agent who is named, else, where that makes sense, the one whose device the client has."""
    if message.agent_id or message.agent_extension or message.agent_instrument:
        if message.peripheral_id not in desk.directory.peripherals:
            return cti.FailureStatus.INVALID_PERIPHERAL_ID
        return named_agent(desk, message.peripheral_id, message) or cti.FailureStatus.INVALID_AGENT_DATA
    if client.skill_target_id is None or message.distribution == cti.Distribution.TO_CLIENT:
        return cti.FailureStatus.REQUIRED_DATA_MISSING
    return desk.directory.agents.get(client.skill_target_id) or cti.FailureStatus.INVALID_AGENT_DATA


def _of_agent(desk: Desk, agent: Agent, distribution: int) -> Found:
    directory, number = desk.directory, agent.skill_target_id
    if distribution == cti.Distribution.TO_CLIENT:
        return desk.audience.of_agent(number) or cti.FailureStatus.CLIENT_NOT_FOUND
    teams = [directory.teams[team] for team in directory.teams_of(number)]
    if distribution == cti.Distribution.TO_SUPERVISOR:
        return list(_at_work(desk, teams, members=False)) or cti.FailureStatus.SUPERVISOR_NOT_FOUND
    teams += [team for team in directory.supervised_by(number) if team not in teams]
    return list(_at_work(desk, teams, members=True)) if teams else cti.FailureStatus.TEAM_NOT_FOUND


def _at_work(desk: Desk, teams: Iterable[AgentTeam], *, members: bool) -> Iterator[CtiClient]:
    """Sessions of the supervisors of teams, and of the members too when they are meant."""
    for team in teams:
        for number in (*team.supervisors, *(team.agents if members else ())):
            agent = desk.directory.agent_by_number(team.peripheral, number)
            if agent is not None:
                yield from desk.audience.of_agent(agent.skill_target_id)
        yield from (monitor.owner for monitor in desk.audience.monitors.of_team(team.id))


HANDLERS: dict[type[Message], Handler] = {cti.UserMessageReq: send}
