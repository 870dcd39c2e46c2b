"""Questions about agents: their state in a domain, and what was announced to them.

Knows how a request names an agent, and the answers' layouts through `outbound_cti`; must not know sessions. Rules:
cti.toml QUERY_AGENT_STATE_REQ, semantics 3.2 row 14, decisions C4.
"""

from collections.abc import Iterator

from ctigw.gateway import outbound_cti
from ctigw.gateway.audience import CtiClient
from ctigw.gateway.requests.desk import Desk, Handler, Letter, named_agent
from ctigw.session.failures import failure_conf
from ctigw.wire import Message, cti


def query_agent_state(desk: Desk, client: CtiClient, message: cti.QueryAgentStateReq, now: float) -> Iterator[Letter]:
    """QUERY_AGENT_STATE_REQ; an agent may be named by ICMAgentID, AgentID, AgentExtension or AgentInstrument."""
    agent = desk.directory.agents.get(message.icm_agent_id) or named_agent(desk, message.peripheral_id, message)
    answer: Message
    if message.mrd_id not in desk.directory.mrds:
        answer = failure_conf(client.version, message.invoke_id, cti.FailureStatus.INVALID_MR_DOMAIN)
    else:
        view = None if agent is None else desk.engine.agent_view(agent.skill_target_id, message.mrd_id, now)
        if view is None:
            answer = failure_conf(client.version, message.invoke_id, cti.FailureStatus.INVALID_AGENT_DATA)
        else:
            answer = outbound_cti.queried_state(desk.directory, message.invoke_id, view, client.version)
    yield Letter(client, answer)


def repeat_pre_calls(desk: Desk, client: CtiClient, message: cti.GetPrecallMessagesReq, now: float) -> Iterator[Letter]:
    """GET_PRECALL_MESSAGES_REQ: how many, then each again (semantics 3.2 row 14)."""
    pending = [
        event for event in desk.engine.pending_pre_calls(client.application_path) if event.mrd_id == message.mrd_id
    ]
    known = message.mrd_id in desk.directory.mrds
    status = cti.ArmStatus.NO_ERROR if known else cti.ArmStatus.MRD_LIST_ENTRY_NOT_FOUND
    yield Letter(client, cti.GetPrecallMessagesResp(message.invoke_id, status, len(pending)))
    for event in pending:
        announced = outbound_cti.chosen(desk.directory, event)
        yield Letter(client, announced if client.variables is None else client.variables.narrow(announced))


HANDLERS: dict[type[Message], Handler] = {
    cti.QueryAgentStateReq: query_agent_state,
    cti.GetPrecallMessagesReq: repeat_pre_calls,
}
