"""Which messages a CTI client may send, which service each needs, and which of them this build serves.

A table and the reading of the protocol rows; must not know sessions. Rules: cti-notes "Who may send what", decisions
A7.
"""

from enum import Enum

from ctigw.wire import cti
from ctigw.wire.catalogue import protocol

_ARM = cti.ServiceMask.AGENT_REPORTING
_CONTROL = cti.ServiceMask.CLIENT_CONTROL
_AGENT_STATE = _CONTROL | cti.ServiceMask.AGENT_STATE_CONTROL_ONLY

SERVED = frozenset(
    {
        cti.QueryAgentStateReq.TYPE,
        cti.MediaLoginReq.TYPE,
        cti.MediaLogoutInd.TYPE,
        cti.MakeAgentRoutableInd.TYPE,
        cti.MakeAgentNotRoutableReq.TYPE,
        cti.MakeAgentReadyInd.TYPE,
        cti.MakeAgentNotReadyReq.TYPE,
        cti.ChangeMaxTaskLimitReq.TYPE,
        cti.OverrideLimitReq.TYPE,
        cti.OfferApplicationTaskReq.TYPE,
        cti.StartApplicationTaskReq.TYPE,
        cti.OfferTaskInd.TYPE,
        cti.StartTaskInd.TYPE,
        cti.PauseTaskInd.TYPE,
        cti.ResumeTaskInd.TYPE,
        cti.WrapupTaskInd.TYPE,
        cti.EndTaskInd.TYPE,
        cti.UpdateTaskContextInd.TYPE,
        cti.GetPrecallMessagesReq.TYPE,
        cti.BeginAgentInitInd.TYPE,
        cti.AgentInitReq.TYPE,
        cti.TaskInitInd.TYPE,
        cti.TaskInitReq.TYPE,
        cti.EndAgentInitInd.TYPE,
        cti.GetAgentTasksReq.TYPE,
        cti.SnapshotTaskReq.TYPE,
        cti.AgentTasksRequestEvent.TYPE,
        cti.SetAppDataReq.TYPE,
        cti.SetAppPathDataInd.TYPE,
    }
)
"""Types that the gateway has an answer for. A further message becomes served by a line here and its handling."""


_ROWS = {row.number: row for row in protocol("cti").messages}


_NEEDED: tuple[tuple[range | tuple[int, ...], cti.ServiceMask], ...] = (
    ((26, 28, 141), cti.ServiceMask.CALL_DATA_UPDATE),
    ((36, 38), _AGENT_STATE),
    (range(40, 65), _CONTROL),
    ((78, 82, 84, 91, 118, 121, 139, 249, 268, 270), _CONTROL),
    ((93, 95, 97), cti.ServiceMask.PERIPHERAL_MONITOR),
    ((101, 103), cti.ServiceMask.CLIENT_MONITOR),
    ((124, 133, 135, 137), cti.ServiceMask.SUPERVISOR),
    ((143, 145), cti.ServiceMask.SERVER),
    ((129,), _ARM),
    (range(151, 191), _ARM),
    ((201, 203, 205), cti.ServiceMask.TASK_MONITOR),
    (range(208, 211), _ARM),
    (range(255, 267), _ARM),
)


class Kind(Enum):
    """How a bad message of a type is answered (decisions A7, cti-notes "Failure rules")."""

    REQUEST = "request"
    """FAILURE_CONF with its InvokeID."""
    ARM_INDICATION = "arm_indication"
    """FAILURE_RESP with its InvokeID."""
    OTHER = "other"
    """FAILURE_EVENT."""
    NOT_FROM_CLIENT = "not_from_client"
    """A message that only a server sends."""


def needed_services(message_type: int) -> cti.ServiceMask:
    """The services of which one must be granted; empty: the message needs none."""
    for types, services in _NEEDED:
        if message_type in types:
            return services
    return cti.ServiceMask(0)


def kind_of(message_type: int) -> Kind:
    """How a bad message of this type is answered; types in no table are OTHER."""
    row = _ROWS.get(message_type)
    if row is None:
        return Kind.OTHER
    if row.direction == "server->client":
        return Kind.NOT_FROM_CLIENT
    if row.name.endswith("_REQ"):
        return Kind.REQUEST
    return Kind.ARM_INDICATION if row.name.endswith("_IND") and needed_services(message_type) == _ARM else Kind.OTHER


def is_for_clients(message_type: int) -> bool:
    """Whether a server may send this type."""
    row = _ROWS.get(message_type)
    return row is not None and row.direction != "client->server"


def name_of(message_type: int) -> str | None:
    """NAME of a type, None when it is in no table."""
    row = _ROWS.get(message_type)
    return None if row is None else row.name


def first_version(message_type: int) -> int:
    """The first protocol version that has this type; 0 when every one has."""
    row = _ROWS.get(message_type)
    return 0 if row is None else row.min_version
