"""Every message that a CTI client can send is served or gets a failure with its InvokeID; nothing meets silence."""

import attrs
import pytest
from trio.testing import MockClock

from ctigw.session.cti_services import SERVED, Kind, kind_of
from ctigw.wire import Message, TaskId, cti
from ctigw.wire.catalogue import message_class, protocol
from ctigw.wire.layout import MessageRow
from ctigw.wire.message import BodyOnly
from town import town

INVOKE_ID = 77
ROWS = [row for row in protocol("cti").messages if row.direction != "server->client"]
CONTROL = cti.ControlFailureCode
STATUS = cti.FailureStatus

# Typed once more on purpose: this is what a client of telephony is promised.
CALL_CONTROL = (
    "ALTERNATE_CALL ANSWER_CALL CLEAR_CALL CLEAR_CONNECTION CONFERENCE_CALL CONSULTATION_CALL DEFLECT_CALL HOLD_CALL "
    "RECONNECT_CALL RETRIEVE_CALL TRANSFER_CALL SEND_DTMF_SIGNAL"
)
OF_A_CALL = (
    "SET_CALL_DATA RELEASE_CALL SNAPSHOT_CALL SUPERVISE_CALL BAD_CALL START_RECORDING STOP_RECORDING "
    "START_NETWORK_RECORDING STOP_NETWORK_RECORDING"
)
TELEPHONY = "MAKE_CALL MAKE_PREDICTIVE_CALL SUPERVISOR_ASSIST EMERGENCY_CALL"
NOT_AVAILABLE = (
    "QUERY_DEVICE_INFO SNAPSHOT_DEVICE SET_DEVICE_ATTRIBUTES AGENT_TEAM_CONFIG SET_APP_DATA TEAM_CONFIG "
    "REGISTER_SERVICE"
)


def expected() -> dict[str, Message]:
    """Name -> the refusal of a request that has no meaning here."""
    refusals: dict[str, Message] = {
        "AGENT_GREETING_CONTROL_REQ": cti.ControlFailureConf(
            INVOKE_ID, CONTROL.AGENT_GREETING_CONTROL_OPERATION_FAILURE, 0
        ),
        "UNREGISTER_SERVICE_REQ": cti.FailureConf(INVOKE_ID, STATUS.INVALID_SERVICE, 0),
        "START_RECORDING_CONF": cti.FailureEvent(STATUS.INVALID_REQUEST_TYPE),
        "STOP_RECORDING_CONF": cti.FailureEvent(STATUS.INVALID_REQUEST_TYPE),
        "ACTIVE_MAINTENANCE_RESP_MSG": cti.FailureEvent(STATUS.INVALID_REQUEST_TYPE),
        "STOPPING_REQUESTS_TO_THIS_SIDE_IND": cti.FailureEvent(STATUS.INVALID_REQUEST_TYPE),
        "ROUTE_REGISTER_EVENT": cti.FailureEvent(STATUS.FUNCTION_NOT_AVAILABLE),
        "ROUTE_SELECT_EVENT": cti.FailureEvent(STATUS.FUNCTION_NOT_AVAILABLE),
        "ROUTE_END_EVENT": cti.FailureEvent(STATUS.FUNCTION_NOT_AVAILABLE),
    }
    for name in CALL_CONTROL.split():
        refusals[f"{name}_REQ"] = cti.ControlFailureConf(INVOKE_ID, CONTROL.INVALID_CSTA_CALL_IDENTIFIER, 0)
    for name in TELEPHONY.split():
        refusals[f"{name}_REQ"] = cti.ControlFailureConf(INVOKE_ID, CONTROL.INVALID_FEATURE, 0)
    for name in OF_A_CALL.split():
        refusals[f"{name}_REQ"] = cti.FailureConf(INVOKE_ID, STATUS.INVALID_CALLID, 0)
    for name in NOT_AVAILABLE.split():
        refusals[f"{name}_REQ"] = cti.FailureConf(INVOKE_ID, STATUS.FUNCTION_NOT_AVAILABLE, 0)
    return refusals


def sample(row: MessageRow) -> Message:
    """A message with every number 1 and InvokeID 77."""
    kind = message_class(row)
    if issubclass(kind, BodyOnly):
        return kind(INVOKE_ID.to_bytes(4, "big"))
    types = {field.attribute: field.type for field in row.fields}
    values: dict[str, object] = {
        attribute.name: TaskId(1, 2, 3) if types[attribute.name] == "TASKID" else 1
        for attribute in attrs.fields(kind)
        if attribute.name in types
    }
    if "invoke_id" in types:
        values["invoke_id"] = INVOKE_ID
    return kind(**values)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_no_message_of_a_client_meets_silence(autojump_clock: MockClock, row: MessageRow) -> None:
    async with town() as place:
        peer = await place.client(cti.ServiceMask(0xFFFFFFFF), floating=[(cti.OpenReq.AGENT_ID, "1001")])
        await peer.received()
        message = sample(row)
        await peer.send(message)
        answers = await peer.received()
        if row.number in SERVED and kind_of(row.number) is Kind.ARM_INDICATION and not answers:
            return  # an indication that went well has no answer
        assert answers, f"{row.name} met silence"
        if hasattr(message, "invoke_id") and kind_of(row.number) is not Kind.OTHER:
            assert getattr(answers[0], "invoke_id", None) == INVOKE_ID


@pytest.mark.parametrize("name", expected())
async def test_what_telephony_only_knows_is_refused_in_its_own_way(autojump_clock: MockClock, name: str) -> None:
    (row,) = [row for row in ROWS if row.name == name]
    async with town() as place:
        peer = await place.client(cti.ServiceMask(0xFFFFFFFF), floating=[(cti.OpenReq.AGENT_ID, "1001")])
        await peer.received()
        await peer.send(sample(row))
        assert await peer.received() == [expected()[name]]
        await peer.send(cti.HeartbeatReq(1))
        assert await peer.received() == [cti.HeartbeatConf(1)], "and the session lives"


async def test_a_control_request_too_short_for_an_invoke_id_gets_an_event(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await place.client(cti.ServiceMask(0xFFFFFFFF), floating=[(cti.OpenReq.AGENT_ID, "1001")])
        await peer.received()
        await peer.stream.send_all(bytes.fromhex("00000002 00000028 0001"))
        assert await peer.received() == [cti.FailureEvent(STATUS.BAD_MESSAGE_FORMAT)]
