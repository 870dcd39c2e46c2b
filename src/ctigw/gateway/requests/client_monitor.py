"""Who else is connected, and what another session is told.

Knows CLIENT_SESSION_OPENED_EVENT and CLOSED_EVENT, and the requests about session monitors; what a session monitor
passes on is the audience's business: the events that its session gets, never answers, texts or anything of the opening.
A new session with the service is told of every session that is open already, as if that had just opened (the guides of
versions 9 and 15). Rules: cti.toml 99 to 104, decisions C3.
"""

from collections.abc import Iterator

from ctigw.gateway.audience import CtiClient
from ctigw.gateway.monitors import SessionWatch
from ctigw.gateway.requests.desk import Desk, Handler, Letter, refusal
from ctigw.session.events import CloseReason
from ctigw.wire import FloatValue, Message, cti, lookup

_LONGEST = {row.tag: row.max for row in lookup("cti", cti.ClientSessionOpenedEvent.NAME).floats}
"""Bytes that the events have for a text, its NUL included; what an OPEN_REQ said may be longer."""

CLOSE_STATUS = {
    CloseReason.PEER_CLOSED: cti.FailureStatus.NO_ERROR,
    CloseReason.EOF: cti.FailureStatus.CLIENT_DISCONNECTED,
    CloseReason.IDLE: cti.FailureStatus.TIMEOUT,
    CloseReason.LENGTH: cti.FailureStatus.INVALID_MESSAGE_LENGTH,
    CloseReason.REPLACED: cti.FailureStatus.NEW_SESSION_OPENED,
    CloseReason.WE_CLOSED: cti.FailureStatus.CTI_SERVER_OFFLINE,
    CloseReason.BAD_FRAME: cti.FailureStatus.BAD_MESSAGE_FORMAT,
    CloseReason.SHUTDOWN: cti.FailureStatus.CTI_SERVER_OFFLINE,
    CloseReason.INTERNAL: cti.FailureStatus.UNSPECIFIED_FAILURE,
    CloseReason.OUTBOX_BYTES: cti.FailureStatus.TIMEOUT,
    CloseReason.OUTBOX_AGE: cti.FailureStatus.TIMEOUT,
    CloseReason.SEND_TIMEOUT: cti.FailureStatus.TIMEOUT,
    CloseReason.BROKEN: cti.FailureStatus.CLIENT_DISCONNECTED,
}
"""Status of CLIENT_SESSION_CLOSED_EVENT for the ends that an open session can have. [OURS] by the nearest meaning."""


def opened(desk: Desk, client: CtiClient) -> Iterator[Letter]:
    """A session opened: the others are told of it, and it of the others, as their services ask."""
    news = _opened_event(client)
    for monitoring in desk.audience.of_client_monitors():
        if monitoring is not client:
            yield Letter(monitoring, news)
    if client.services & cti.ServiceMask.CLIENT_MONITOR:
        for other in desk.audience.sessions():
            if other is not client:
                yield Letter(client, _opened_event(other))


def closed(desk: Desk, client: CtiClient, reason: CloseReason) -> Iterator[Letter]:
    """A session, taken out of the audience already, ended."""
    monitoring = desk.audience.of_client_monitors()
    if monitoring:
        status = CLOSE_STATUS.get(reason, cti.FailureStatus.UNSPECIFIED_FAILURE)
        details, port = client.details, client.connection.port
        news = cti.ClientSessionClosedEvent(client.session_id, details.peripheral_id, status, port, _identity(client))
        yield from (Letter(other, news) for other in monitoring)


def _opened_event(client: CtiClient) -> Message:
    details = client.details
    return cti.ClientSessionOpenedEvent(
        client.session_id,
        details.peripheral_id,
        details.services,
        client.call_mask,
        client.agent_state_mask,
        client.connection.port,
        _identity(client),
    )


def _identity(client: CtiClient) -> list[tuple[int, FloatValue]]:
    event, details = cti.ClientSessionOpenedEvent, client.details
    given = (
        (event.CLIENT_ADDRESS, client.connection.address),
        (event.CLIENT_ID, details.client_id),
        (event.CLIENT_SIGNATURE, details.client_signature),
        (event.AGENT_EXTENSION, details.agent_extension),
        (event.AGENT_ID, details.agent_id),
        (event.AGENT_INSTRUMENT, details.agent_instrument),
    )
    return [(tag, text[: _LONGEST[tag] - 1]) for tag, text in given if text is not None]


def start(desk: Desk, client: CtiClient, message: cti.SessionMonitorStartReq, now: float) -> Iterator[Letter]:
    """SESSION_MONITOR_START_REQ."""
    monitors = desk.audience.monitors
    watched = desk.audience.session(message.session_id)
    if watched is None:
        yield refusal(client, message, cti.FailureStatus.CLIENT_NOT_FOUND)
    elif watched is client:
        yield refusal(client, message, cti.FailureStatus.SESSION_MONITOR_IS_CLIENTS)
    elif any(watch.session_id == watched.session_id for watch in monitors.of_owner(client, SessionWatch)):
        yield refusal(client, message, cti.FailureStatus.SESSION_MONITOR_ALREADY_EXISTS)
    elif not monitors.has_room(client, SessionWatch):
        yield refusal(client, message, cti.FailureStatus.UNSPECIFIED_FAILURE)
    else:
        monitor = monitors.start(client, SessionWatch(watched.session_id))
        yield Letter(client, cti.SessionMonitorStartConf(message.invoke_id, monitor.id))


def stop(desk: Desk, client: CtiClient, message: cti.SessionMonitorStopReq, now: float) -> Iterator[Letter]:
    """SESSION_MONITOR_STOP_REQ."""
    found = desk.audience.monitors.find(client, message.monitor_id, SessionWatch)
    if found is None:
        yield refusal(client, message, cti.FailureStatus.INVALID_MONITORID)
    else:
        desk.audience.monitors.stop(found[0])
        yield Letter(client, cti.SessionMonitorStopConf(message.invoke_id))


HANDLERS: dict[type[Message], Handler] = {
    cti.SessionMonitorStartReq: start,
    cti.SessionMonitorStopReq: stop,
}
