"""CTI messages of the services beside agent reporting, in the notation of `emulator.messages`.

Knows: client reports, monitors of calls, devices, sessions and teams, messages to users, registered variables and
services, supervision, statistics, desk settings, configuration (cti.toml 32, 33, 93-104, 107-115, 124, 128-138,
143-146, 230-238, 245, 254, 260, 261, 282-284). Must not know: the gateway's tables. Typed from the reference like the
rest.

Statistics repeat the same counters for several intervals. `_counters` writes such a family once: each name with the
interval's suffix, all of them unsigned.
"""

from __future__ import annotations


def _counters(suffix: str, *families: str) -> str:
    return " ".join(f"{name}{suffix}:U" for family in families for name in family.split())


_LOGGED_ON = "AvailTime LoggedOnTime NotReadyTime"
_AGENT_ONLY = "ICMAvailableTime RoutableTime"
_CALLS = (
    "AgentOutCalls AgentOutCallsTalkTime AgentOutCallsTime AgentOutCallsHeld AgentOutCallsHeldTime HandledCalls "
    "HandledCallsTalkTime HandledCallsAfterCallTime HandledCallsTime IncomingCallsHeld IncomingCallsHeldTime"
)
_INTERNAL_MADE = "InternalCalls InternalCallsTime"
_INTERNAL = "InternalCallsRcvd InternalCallsRcvdTime InternalCallsHeld InternalCallsHeldTime"
_OUTBOUND = (
    "AutoOutCalls AutoOutCallsTalkTime AutoOutCallsTime AutoOutCallsHeld AutoOutCallsHeldTime PreviewCalls "
    "PreviewCallsTalkTime PreviewCallsTime PreviewCallsHeld PreviewCallsHeldTime ReservationCalls "
    "ReservationCallsTalkTime ReservationCallsTime ReservationCallsHeld ReservationCallsHeldTime"
)
_SUPERVISED = "BargeInCalls InterceptCalls MonitorCalls WhisperCalls EmergencyCalls"
_QUEUE = "CallsQ CallsQTime LongestCallQ"
_NOW = _counters(
    "",
    "AgentsLoggedOn AgentsAvail AgentsNotReady AgentsReady AgentsTalkingIn AgentsTalkingOut AgentsTalkingOther "
    "AgentsWorkNotReady AgentsWorkReady AgentsBusyOther AgentsReserved AgentsHold AgentsICMAvailable "
    "AgentsApplicationAvailable AgentsTalkingAutoOut AgentsTalkingPreview AgentsTalkingReservation RouterCallsQNow "
    "LongestRouterCallQNow CallsQNow CallsQTimeNow LongestCallQNow",
)


def _agent(interval: str) -> str:
    families = (_LOGGED_ON, _AGENT_ONLY, _CALLS, _INTERNAL_MADE, _INTERNAL, _OUTBOUND, _SUPERVISED)
    return _counters(interval, *families)


def _group(interval: str, queue: str) -> str:
    return f"{_counters(interval, _LOGGED_ON, _CALLS, _INTERNAL, _OUTBOUND, _SUPERVISED)} {_counters(queue, _QUEUE)}"


_GROUP_INTERVALS = f"{_group('To5', '5')} {_group('ToHalf', 'Half')} {_group('Today', 'Today')}"

SETS = {
    "@client": "81=ClientAddress:S 1=ClientID:S 3=ClientSignature:S @device",
    "@keys": "177=ServiceConfigKey:X 178=SkillGroupConfigKey:X 179=AgentConfigKey:X 180=DeviceConfigKey:X "
    "209=CallTypeConfigKey:X 269=PeripheralConfigKey:X 270=AgentDeskSettingsConfigKey:X",
    "@numbers": "183=RecordType:H 208=FltPeripheralID:U 184=PeripheralNumber:U",
    "@names": "173=Extension:S 134=Description:S",
    "@level": "174=ServiceLevelThreshold:U 175=ServiceLevelType:U",
    "@desk": "273=FltDeskSettingsMask:U 274=FltWrapUpDataIncomingMode:U 275=FltWrapUpDataOutgoingMode:U "
    "276=FltLogoutNonActivityTime:U 277=FltQualityRecordingRate:U 278=FltRingNoAnswerTime:U "
    "279=FltSilentMonitorWarningMessage:U 280=FltSilentMonitorAudibleIndication:U "
    "281=FltSupervisorAssistCallMethod:U 282=FltEmergencyCallMethod:U 283=FltAutoRecordOnEmergency:U "
    "284=FltRecordingMode:U 285=FltWorkModeTimer:U 286=FltRingNoAnswerDnId:U 287=FltDefaultDevicePortAddress:S",
    "@tone": "307=PlayZipTone:U 306=ACDSharedLineUsage:U",
}
"""Floating fields that several of these messages share."""

MESSAGES = f"""
32  CLIENT_EVENT_REPORT_REQ       InvokeID:U State:H | 66=ObjectName:S 7=Text:S
33  CLIENT_EVENT_REPORT_CONF      InvokeID:U
93  MONITOR_START_REQ             InvokeID:U PeripheralID:U ConnectionCallID:U CallMsgMask:U AgentStateMask:U ConnectionDeviceIDType:H MonitoredDeviceType:H | 25=ConnectionDeviceID:S 76=MonitoredDeviceID:S
94  MONITOR_START_CONF            InvokeID:U MonitorID:U
95  MONITOR_STOP_REQ              InvokeID:U MonitorID:U
96  MONITOR_STOP_CONF             InvokeID:U
97  CHANGE_MONITOR_MASK_REQ       InvokeID:U MonitorID:U CallMsgMask:U AgentStateMask:U
98  CHANGE_MONITOR_MASK_CONF      InvokeID:U
99  CLIENT_SESSION_OPENED_EVENT   SessionID:U PeripheralID:U ServicesGranted:U CallMsgMask:U AgentStateMask:U ClientPort:U | @client
100 CLIENT_SESSION_CLOSED_EVENT   SessionID:U PeripheralID:U Status:U ClientPort:U | @client
101 SESSION_MONITOR_START_REQ     InvokeID:U SessionID:U
102 SESSION_MONITOR_START_CONF    InvokeID:U MonitorID:U
103 SESSION_MONITOR_STOP_REQ      InvokeID:U MonitorID:U
104 SESSION_MONITOR_STOP_CONF     InvokeID:U
107 USER_MESSAGE_REQ              InvokeID:U PeripheralID:U Distribution:H | 1=ClientID:S @device 7=Text:S
108 USER_MESSAGE_CONF             InvokeID:U
109 USER_MESSAGE_EVENT            ICMCentralControllerTime:U Distribution:H | 1=ClientID:S 7=Text:S
110 REGISTER_VARIABLES_REQ        InvokeID:U CallVariableMask:H NumNamedVariables:H NumNamedArrays:H | @named
111 REGISTER_VARIABLES_CONF       InvokeID:U
112 QUERY_AGENT_STATISTICS_REQ    InvokeID:U PeripheralID:U | @device
113 QUERY_AGENT_STATISTICS_CONF   InvokeID:U PeripheralID:U {_agent("Session")} {_agent("Today")} | @device
114 QUERY_SKILL_GROUP_STATISTICS_REQ  InvokeID:U PeripheralID:U SkillGroupNumber:U SkillGroupID:U
115 QUERY_SKILL_GROUP_STATISTICS_CONF InvokeID:U PeripheralID:U SkillGroupNumber:U SkillGroupID:U {_NOW} {_GROUP_INTERVALS}
124 SUPERVISE_CALL_REQ            InvokeID:U PeripheralID:U AgentConnectionCallID:U SupervisorConnectionCallID:U AgentConnectionDeviceIDType:H SupervisorConnectionDeviceIDType:H SupervisoryAction:H | 90=AgentConnectionDeviceID:S 91=SupervisorConnectionDeviceID:S @device 85=SupervisorInstrument:S
128 AGENT_TEAM_CONFIG_EVENT       PeripheralID:U TeamID:U NumberOfAgents:H ConfigOperation:H DepartmentID:I@19 | 243=AgentTeamName:S 86=AtcAgentID:S 87=AgentFlags:H 88=AtcAgentState:H 89=AtcStateDuration:U
129 SET_APP_DATA_REQ              InvokeID:U | 97=ApplicationPathID:I @calls 210=FltCallTypeID:U 221=PreCallInvokeID:U
130 SET_APP_DATA_CONF             InvokeID:U
131 AGENT_DESK_SETTINGS_REQ       InvokeID:U PeripheralID:U | 5=AgentID:S
132 AGENT_DESK_SETTINGS_CONF      InvokeID:U PeripheralID:U DeskSettingsMask:U WrapupDataIncomingMode:U WrapupDataOutgoingMode:U LogoutNonActivityTime:U QualityRecordingRate:U RingNoAnswerTime:U SilentMonitorWarningMessage:U SilentMonitorAudibleIndication:U SupervisorAssistCallMethod:U EmergencyCallMethod:U AutoRecordOnEmergency:U RecordingMode:U WorkModeTimer:U RingNoAnswerDN:U | 93=DefaultDevicePortAddress:S @tone
133 LIST_AGENT_TEAM_REQ           InvokeID:U SupervisorID:U
134 LIST_AGENT_TEAM_CONF          InvokeID:U NumberOfAgentTeams:H SegmentNumber:H More:H | 92=TeamID:U
135 MONITOR_AGENT_TEAM_START_REQ  InvokeID:U TeamID:U
136 MONITOR_AGENT_TEAM_START_CONF InvokeID:U MonitorID:U
137 MONITOR_AGENT_TEAM_STOP_REQ   InvokeID:U MonitorID:U
138 MONITOR_AGENT_TEAM_STOP_CONF  InvokeID:U
143 REGISTER_SERVICE_REQ          InvokeID:U ServerMode:H | 94=ServiceName:S
144 REGISTER_SERVICE_CONF         InvokeID:U RegisteredServiceID:U
145 UNREGISTER_SERVICE_REQ        InvokeID:U RegisteredServiceID:U
146 UNREGISTER_SERVICE_CONF       InvokeID:U
230 CONFIG_REQUEST_KEY_EVENT      PeripheralID:U | 131=CustomerID:U
231 CONFIG_KEY_EVENT              ConfigkeyStatus:U | @keys
232 CONFIG_REQUEST_EVENT          ConfigInformation:U ConfigMsgMask:U@24 PeripheralID:U | 131=CustomerID:U
233 CONFIG_BEGIN_EVENT            ConfigType:H ConfigInformation:U | @keys
234 CONFIG_END_EVENT              ConfigEndStatus:U | 7=Text:S
235 CONFIG_SERVICE_EVENT          NumRecords:H | @numbers 213=OldPeripheralNumber:U 129=MaxQueued:U @names 132=ServiceSkillTargetID:U 133=PeripheralName:S @level 176=ConfigParam:S 216=FltMRDomainID:U 186=NumServiceMembers:H 187=ServiceMember:L 188=ServicePriority:M
236 CONFIG_SKILL_GROUP_EVENT      NumRecords:H | @numbers 213=OldPeripheralNumber:U 64=FltSkillGroupPriority:M 192=SkillGroupSkillTargetID:U @names 133=PeripheralName:S 216=FltMRDomainID:U 264=FltPrecisionQueueID:U 265=FltPrecisionQueueName:S 176=ConfigParam:S
237 CONFIG_AGENT_EVENT            NumRecords:H | 183=RecordType:H 208=FltPeripheralID:U 303=ActiveTerminal:S 189=AgentType:H 267=AgentDeskSettingsID:U 190=LoginID:S 214=OldLoginID:S 207=LoginName:S 138=LastName:S 137=FirstName:S @names 141=AgentSkillTargetID:U 191=NumSkills:H 257=SSOEnabled:H 261=NumMRDs:H 62=FltSkillGroupNumber:L 64=FltSkillGroupPriority:M 262=FltAgentMRDID:L 263=FltAgentMRDState:M
238 CONFIG_DEVICE_EVENT           NumRecords:H | @numbers 195=DeviceType:H 129=MaxQueued:U 193=FltServiceID:U 11=DialedNumber:S 10=DNIS:S @names
245 CONFIG_CALL_TYPE_EVENT        NumRecords:H | 183=RecordType:H 210=FltCallTypeID:U 211=CustomerDefinitionID:U 212=EnterpriseName:S 134=Description:S @level
254 CONFIG_MRD_EVENT              NumRecords:H | 183=RecordType:H 216=FltMRDomainID:U 212=FltEnterpriseName:S 134=FltDescription:S 250=FltMaxTaskDuration:U 251=FltInterruptible:H
260 CONFIG_PERIPHERAL_EVENT       NumRecords:H | 183=RecordType:H 271=ConfigPeripheralID:U 272=DefaultAgentDeskSettingsID:U
261 CONFIG_AGENT_DESK_SETTINGS_EVENT NumRecords:H | 183=RecordType:H 267=AgentDeskSettingsID:U @desk @tone
282 CONFIG_AGENT_SERVICE_EVENT    NumRecords:H | 141=AgentSkillTargetID:U 310=NumOfEnabledServices:H 309=FltEnabledServices:M 183=RecordType:H
283 SET_AGENT_SERVICE_DATA_REQ    InvokeID:U RouterCallKeyDay:U RouterCallKeyCallID:U RouterCallKeySequenceNumber:U AgentSkillTargetID:U | 310=NumOfEnabledServices:H 309=FltEnabledServices:M
284 SET_AGENT_SERVICE_DATA_CONF   InvokeID:U Status:U
"""  # noqa: E501 - one message a line, so that the table can be laid beside the reference
