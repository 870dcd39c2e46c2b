"""CTI requests about calls and telephones, in the notation of `emulator.messages`.

Knows: what a client may ask of a telephone exchange (cti.toml 26, 28, 40-64, 78, 82, 84, 91, 118, 121, 139, 141,
147-150, 249, 268, 270, 279). A gateway without telephones refuses all of it, so only the client's half is here. Must
not know: the gateway's tables. Typed from the reference like the rest.
"""

from __future__ import annotations

_CALL = "PeripheralID:U ConnectionCallID:U ConnectionDeviceIDType:H"
_TWO_CALLS = (
    "HeldConnectionCallID:U ActiveConnectionCallID:U HeldConnectionDeviceIDType:H ActiveConnectionDeviceIDType:H"
)
_ACTIVE_FIRST = (
    "ActiveConnectionCallID:U HeldConnectionCallID:U ActiveConnectionDeviceIDType:H HeldConnectionDeviceIDType:H"
)
_DIALLING = "AlertRings:H CallOption:H FacilityType:H AnsweringMachine:H Priority:H"
_PLACING = f"CallPlacementType:H CallMannerType:H {_DIALLING}"
_NAMED = "NumNamedVariables:H NumNamedArrays:H"

SETS = {
    "@leg": "25=ConnectionDeviceID:S 6=AgentInstrument:S",
    "@legs": "50=ActiveConnectionDeviceID:S 53=HeldConnectionDeviceID:S 6=AgentInstrument:S",
    "@codes": "51=FacilityCode:S 77=AuthorizationCode:S 78=AccountCode:S",
    "@dialled": "11=DialedNumber:S 9=UserToUserInfo:X @calls 46=CallWrapupData:S @named @codes",
}
"""Floating fields that several of these messages share."""

MESSAGES = f"""
26  SET_CALL_DATA_REQ             InvokeID:U PeripheralID:U ConnectionDeviceIDType:H ConnectionCallID:U {_NAMED} CallType:H CalledPartyDisposition:H CampaignID:U QueryRuleID:U | 25=ConnectionDeviceID:S 8=ANI:S 9=UserToUserInfo:X 12=CallerEnteredDigits:S @calls 46=CallWrapupData:S @named 95=CustomerPhoneNumber:S 96=CustomerAccountNumber:S @key 232=CallOriginatedFrom:C
28  RELEASE_CALL_REQ              InvokeID:U PeripheralID:U ConnectionDeviceIDType:H ConnectionCallID:U | 25=ConnectionDeviceID:S
40  ALTERNATE_CALL_REQ            InvokeID:U PeripheralID:U ActiveConnectionCallID:U OtherConnectionCallID:U ActiveConnectionDeviceIDType:H OtherConnectionDeviceIDType:H | 50=ActiveConnectionDeviceID:S 52=OtherConnectionDeviceID:S 6=AgentInstrument:S
42  ANSWER_CALL_REQ               InvokeID:U {_CALL} | @leg
44  CLEAR_CALL_REQ                InvokeID:U {_CALL} | @leg
46  CLEAR_CONNECTION_REQ          InvokeID:U {_CALL} | @leg 220=RequestingDeviceIDType:H 219=RequestingDeviceID:S
48  CONFERENCE_CALL_REQ           InvokeID:U PeripheralID:U {_TWO_CALLS} {_PLACING} PostRoute:H {_NAMED} | @legs @dialled
50  CONSULTATION_CALL_REQ         InvokeID:U PeripheralID:U ActiveConnectionCallID:U ActiveConnectionDeviceIDType:H CallPlacementType:H CallMannerType:H ConsultType:H {_DIALLING} PostRoute:H {_NAMED} | 50=ActiveConnectionDeviceID:S 6=AgentInstrument:S @dialled
52  DEFLECT_CALL_REQ              InvokeID:U {_CALL} CalledDeviceType:H | @leg 28=CalledDeviceID:S
54  HOLD_CALL_REQ                 InvokeID:U {_CALL} Reservation:H | @leg
56  MAKE_CALL_REQ                 InvokeID:U PeripheralID:U {_PLACING} PostRoute:H {_NAMED} SkillGroupNumber:U@14 | 6=AgentInstrument:S @dialled 84=CCT:S
58  MAKE_PREDICTIVE_CALL_REQ      InvokeID:U PeripheralID:U {_PLACING} AllocationState:H DestinationCountry:H AnswerDetectMode:H AnswerDetectTime:H AnswerDetectControl1:U AnswerDetectControl2:U {_NAMED} | 79=OriginatingDeviceID:S @dialled 80=OriginatingLineID:S 84=CCT:S
60  RECONNECT_CALL_REQ            InvokeID:U PeripheralID:U {_ACTIVE_FIRST} | @legs
62  RETRIEVE_CALL_REQ             InvokeID:U PeripheralID:U HeldConnectionCallID:U HeldConnectionDeviceIDType:H | 53=HeldConnectionDeviceID:S 6=AgentInstrument:S
64  TRANSFER_CALL_REQ             InvokeID:U PeripheralID:U {_ACTIVE_FIRST} {_PLACING} PostRoute:H {_NAMED} | @legs @dialled
78  QUERY_DEVICE_INFO_REQ         InvokeID:U PeripheralID:U Reserved:H | 6=AgentInstrument:S
82  SNAPSHOT_CALL_REQ             InvokeID:U {_CALL} | 25=ConnectionDeviceID:S
84  SNAPSHOT_DEVICE_REQ           InvokeID:U PeripheralID:U SnapshotDeviceType:H | 6=AgentInstrument:S
91  SEND_DTMF_SIGNAL_REQ          InvokeID:U {_CALL} ToneDuration:H PauseDuration:U | @leg 67=DTMFString:S
118 SUPERVISOR_ASSIST_REQ         InvokeID:U {_CALL} | 25=ConnectionDeviceID:S @device
121 EMERGENCY_CALL_REQ            InvokeID:U {_CALL} | 25=ConnectionDeviceID:S @device
139 BAD_CALL_REQ                  InvokeID:U PeripheralID:U ConnectionDeviceIDType:H ConnectionCallID:U | 25=ConnectionDeviceID:S 5=AgentID:S
141 SET_DEVICE_ATTRIBUTES_REQ     InvokeID:U PeripheralID:U ServiceNumber:U ServiceID:U SkillGroupNumber:U SkillGroupID:U SkillGroupPriority:H CallType:H CallingDeviceType:H | 27=CallingDeviceID:S
147 START_RECORDING_REQ           InvokeID:U PeripheralID:U ConnectionCallID:U ClientPort:U BitRate:U PacketSize:U ConnectionDeviceIDType:H Direction:H RTPType:H EchoCancellation:H PayloadType:H | 25=ConnectionDeviceID:S 1=ClientID:S 81=ClientAddress:S @device
148 START_RECORDING_CONF          InvokeID:U SessionID:U ServerData:U | 1=ClientID:S 81=ClientAddress:S
149 STOP_RECORDING_REQ            InvokeID:U PeripheralID:U ConnectionCallID:U ClientPort:U SessionID:U ServerData:U ConnectionDeviceIDType:H Direction:H | 25=ConnectionDeviceID:S 1=ClientID:S 81=ClientAddress:S @device
150 STOP_RECORDING_CONF           InvokeID:U | 1=ClientID:S 81=ClientAddress:S
249 AGENT_GREETING_CONTROL_REQ    InvokeID:U PeripheralID:U AgentAction:H | 5=AgentID:S
268 START_NETWORK_RECORDING_REQ   InvokeID:U {_CALL} | 289=PlayToneDirection:H 290=InvocationType:H @leg
270 STOP_NETWORK_RECORDING_REQ    InvokeID:U {_CALL} | 290=InvocationType:H @leg
279 ACTIVE_MAINTENANCE_RESP_MSG   InvokeID:U MaintenanceModeAccepted:H
"""  # noqa: E501 - one message a line, so that the table can be laid beside the reference
