"""What a desktop says about itself, and asks about itself.

Knows variable registration, alarms, desk settings and the use of agent services; must not know tasks. Desk settings
are telephony's: there are none here, so all of an agent's are off or zero, which is true. Rules: cti.toml 32, 110, 131,
283.
"""

import logging
from collections.abc import Iterator

from ctigw.gateway.audience import CtiClient
from ctigw.gateway.registered import RegisteredVariables
from ctigw.gateway.requests.desk import Desk, Handler, Letter, every_bit, refusal
from ctigw.wire import Message, cti

log = logging.getLogger("ctigw.gateway")

REPORTS_LOGGED = 20
"""Alarms that get a line of their own per session; further ones are only confirmed: no client may fill the disk."""

_NO_SETTINGS = (0,) * 14
"""The fields of AGENT_DESK_SETTINGS_CONF after InvokeID and PeripheralID."""

_EVERY_CALL_VARIABLE = every_bit(cti.CallVariableMask)


def register_variables(
    desk: Desk, client: CtiClient, message: cti.RegisterVariablesReq, now: float
) -> Iterator[Letter]:
    """REGISTER_VARIABLES_REQ; a later one takes the place of an earlier one. ECC names are not configured here, so none
    can be refused as unknown (statuses 67 and 68 are not used).
    """
    if message.call_variable_mask & ~_EVERY_CALL_VARIABLE:
        yield refusal(client, message, cti.FailureStatus.INVALID_CALL_VARIABLE_MASK)
    else:
        client.variables = RegisteredVariables.from_request(message)
        yield Letter(client, cti.RegisterVariablesConf(message.invoke_id))


def report_event(desk: Desk, client: CtiClient, message: cti.ClientEventReportReq, now: float) -> Iterator[Letter]:
    """CLIENT_EVENT_REPORT_REQ: an alarm for the operator, so it goes to the log."""
    client.reports += 1
    if client.reports <= REPORTS_LOGGED:
        log.warning(
            "session %d, client %r reports: object %r, state %d: %r",
            client.session_id,
            client.details.client_id,
            message.object_name or "",
            message.state,
            message.text or "",
        )
    yield Letter(client, cti.ClientEventReportConf(message.invoke_id))


def desk_settings(desk: Desk, client: CtiClient, message: cti.AgentDeskSettingsReq, now: float) -> Iterator[Letter]:
    """AGENT_DESK_SETTINGS_REQ; without AgentID: of the client's own agent."""
    directory = desk.directory
    known = directory.agent_by_number(message.peripheral_id, message.agent_id or "") is not None
    if message.peripheral_id not in directory.peripherals:
        yield refusal(client, message, cti.FailureStatus.INVALID_PERIPHERAL_ID)
    elif not message.agent_id and client.skill_target_id is None:
        yield refusal(client, message, cti.FailureStatus.REQUIRED_DATA_MISSING)
    elif message.agent_id and not known:
        yield refusal(client, message, cti.FailureStatus.INVALID_AGENT_DATA)
    else:
        yield Letter(client, cti.AgentDeskSettingsConf(message.invoke_id, message.peripheral_id, *_NO_SETTINGS))


def service_data(desk: Desk, client: CtiClient, message: cti.SetAgentServiceDataReq, now: float) -> Iterator[Letter]:
    """SET_AGENT_SERVICE_DATA_REQ: how a desktop used agent services. No such service is offered here and nothing is
    kept of it; a desktop that reports all the same is thanked, when there is such an agent.
    """
    known = message.agent_skill_target_id in desk.directory.agents
    status = cti.FailureStatus.NO_ERROR if known else cti.FailureStatus.INVALID_AGENT_DATA
    yield Letter(client, cti.SetAgentServiceDataConf(message.invoke_id, status))


HANDLERS: dict[type[Message], Handler] = {
    cti.RegisterVariablesReq: register_variables,
    cti.ClientEventReportReq: report_event,
    cti.AgentDeskSettingsReq: desk_settings,
    cti.SetAgentServiceDataReq: service_data,
}
