"""Which messages a CTI client may send, which service each needs, and which of them this build serves.

A table and the reading of the protocol rows; must not know sessions. Rules: cti-notes "Who may send what", decisions
A7.
"""

from enum import Enum
from typing import NamedTuple

from ctigw.wire import cti
from ctigw.wire.catalogue import protocol

_ARM = cti.ServiceMask.AGENT_REPORTING
_CONTROL = cti.ServiceMask.CLIENT_CONTROL
_AGENT_STATE = _CONTROL | cti.ServiceMask.AGENT_STATE_CONTROL_ONLY

SERVED = frozenset(
    {
        cti.QueryAgentStateReq.TYPE,
        cti.QueryAgentStatisticsReq.TYPE,
        cti.QuerySkillGroupStatisticsReq.TYPE,
        cti.SetAgentStateReq.TYPE,
        cti.MediaLoginReq.TYPE,
        cti.MediaLogoutInd.TYPE,
        cti.MakeAgentRoutableInd.TYPE,
        cti.MakeAgentNotRoutableReq.TYPE,
        cti.MakeAgentReadyInd.TYPE,
        cti.MakeAgentNotReadyReq.TYPE,
        cti.AgentInterruptAcceptedInd.TYPE,
        cti.AgentInterruptUnacceptedInd.TYPE,
        cti.AgentInterruptDoneAcceptedInd.TYPE,
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
        cti.MonitorStartReq.TYPE,
        cti.MonitorStopReq.TYPE,
        cti.ChangeMonitorMaskReq.TYPE,
        cti.ConfigRequestKeyEvent.TYPE,
        cti.ConfigRequestEvent.TYPE,
        cti.UserMessageReq.TYPE,
        cti.RegisterVariablesReq.TYPE,
        cti.ClientEventReportReq.TYPE,
        cti.AgentDeskSettingsReq.TYPE,
        cti.SetAgentServiceDataReq.TYPE,
        cti.ListAgentTeamReq.TYPE,
        cti.MonitorAgentTeamStartReq.TYPE,
        cti.MonitorAgentTeamStopReq.TYPE,
        cti.SessionMonitorStartReq.TYPE,
        cti.SessionMonitorStopReq.TYPE,
        cti.TaskMonitorStartReq.TYPE,
        cti.TaskMonitorStopReq.TYPE,
        cti.ChangeTaskMonitorMaskReq.TYPE,
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


class Refusal(NamedTuple):
    """What a message gets that this build does not serve."""

    status: int
    """FailureStatus, or ControlFailureCode when `control`."""
    control: bool = False
    """Answered by CONTROL_FAILURE_CONF, as client control requests are (cti-notes "Failure rules")."""


_NOT_AVAILABLE = Refusal(cti.FailureStatus.FUNCTION_NOT_AVAILABLE)
_NO_SUCH_CALL = Refusal(cti.FailureStatus.INVALID_CALLID)
_NO_CALL_TO_CONTROL = Refusal(cti.ControlFailureCode.INVALID_CSTA_CALL_IDENTIFIER, control=True)
_NO_TELEPHONY = Refusal(cti.ControlFailureCode.INVALID_FEATURE, control=True)

_REFUSED: tuple[tuple[tuple[int, ...], Refusal], ...] = (
    ((40, 42, 44, 46, 48, 50, 52, 54, 60, 62, 64, 91), _NO_CALL_TO_CONTROL),
    # Calls to make, calls for help: agents here have domains and tasks, and no telephone.
    ((56, 58, 118, 121), _NO_TELEPHONY),
    ((249,), Refusal(cti.ControlFailureCode.AGENT_GREETING_CONTROL_OPERATION_FAILURE, control=True)),
    # Data, snapshots, recording and supervision of a call.
    ((26, 28, 82, 124, 139, 147, 149, 268, 270), _NO_SUCH_CALL),
    # Recording services would serve calls: none can be registered, so none can be withdrawn.
    ((145,), Refusal(cti.FailureStatus.INVALID_SERVICE)),
    # Answers to what was never asked.
    ((148, 150, 279, 281), Refusal(cti.FailureStatus.INVALID_REQUEST_TYPE)),
)
"""Refusals of messages that are not in `SERVED`; all others are not available. What is served never gets here."""


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


def refusal_of(message_type: int) -> Refusal:
    """What a message of a type that is not served gets."""
    for types, refusal in _REFUSED:
        if message_type in types:
            return refusal
    return _NOT_AVAILABLE


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
