"""What the messages look like: the emulator's own table, typed by hand.

Knows: numbers, names, fields, widths and tags of every MR message, of the CTI session and agent state messages, and of
the ARM and task messages; `emulator.service_messages` adds the other services, `emulator.call_messages` what clients
ask about calls. Must not know: the gateway's tables. This is a second, independent reading of the same references
(mr.toml and mr-wire.md; cti.toml 1-8, 30, 31, 35-39, 105, 106; arm.toml 151-210, 255-266), so that a slip in one of the
two readings shows up as a mismatch between the two programs.

Notation, one message a line: ``number NAME fixed fields | floating fields``. A fixed field is ``Name:type`` and may end
in ``@N``: only since protocol version N. A floating field is ``tag=Name:type``. ``@word`` is a set of floating fields.

Types: U unsigned 32, I signed 32, H unsigned 16, C unsigned 8, T task id (three I), R agent reference (U I I I),
S text, X opaque bytes, L and M lists of U and of H in one field, V named variable, A named array element, and of MR
only N, W, Y: ECC name, value and array element.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator import call_messages, service_messages

MR = "mr"
CTI = "cti"

TASK_CONTROL = 47
"""MR message type whose body begins with a sub-type."""

_MR_MESSAGES = """
1     FAILURE_CONF            InvokeID:U Status:U
2     FAILURE_EVENT           Status:U
3     OPEN_REQ                InvokeID:U VersionNumber:U IdleTimeout:U
4     OPEN_CONF               InvokeID:U VersionNumber:U Status:U
5     HEARTBEAT_REQ           InvokeID:U
6     HEARTBEAT_CONF          InvokeID:U
7     CLOSE_REQ               InvokeID:U Status:U
8     CLOSE_CONF              InvokeID:U
47.1  ROUTING_ENABLED
47.2  ROUTING_DISABLED        Reason:U
47.3  NEW_TASK                MRDomainID:I PreviousTask:T PreferredAgent:R Service:U CiscoReserved:U
47.4  DO_THIS_WITH_TASK       ICMTaskID:T SkillGroup:I Service:I Agent:R
47.5  NEW_TASK_FAILURE        Reason:U CauseCode:U
47.6  CANCEL_TASK             InvokeID:U Reason:U
47.7  CANCEL_TASK_CONF        InvokeID:U Status:U
47.8  RUN_SCRIPT_REQ          InvokeID:U
47.9  RUN_SCRIPT_RESULT       InvokeID:U ResultCode:U
47.10 DIALOGUE_FAILURE_CONF   InvokeID:U ErrorCode:U
47.11 DIALOGUE_FAILURE_EVENT  ErrorCode:U
47.12 GRACEFUL_SHUTDOWN_EVENT GraceTime:U
"""

# One tag space for all MR messages.
_MR_TAGS = """
1=Text:S 18=ApplicationString1:S 19=UserToUserInfo:X 32=ScriptSelector:S 33=ApplicationString2:S 34=Label:S
22=CallVariable1:S 23=CallVariable2:S 24=CallVariable3:S 25=CallVariable4:S 26=CallVariable5:S
27=CallVariable6:S 28=CallVariable7:S 29=CallVariable8:S 30=CallVariable9:S 31=CallVariable10:S
38=ScriptID:S 39=ScriptConfiguration:S 42=EccName:N 43=EccValue:W 44=EccArray:Y
128=AgentInfo:S 129=EstimatedWaitTime:I 130=AgentNumber:S 131=PeripheralID:U 132=PrecisionQueueID:I
133=QueueType:U 134=QueueID:I 135=Role:U
"""

_CTI_SETS = {
    "@calls": "13=CallVariable1:S 14=CallVariable2:S 15=CallVariable3:S 16=CallVariable4:S 17=CallVariable5:S "
    "18=CallVariable6:S 19=CallVariable7:S 20=CallVariable8:S 21=CallVariable9:S 22=CallVariable10:S",
    "@named": "82=NamedVariable:V 83=NamedArray:A",
    "@device": "4=AgentExtension:S 5=AgentID:S 6=AgentInstrument:S",
    "@key": "72=RouterCallKeyDay:U 73=RouterCallKeyCallID:U 110=RouterCallKeySequenceNumber:U",
    "@groups": "62=SkillGroupNumber:U 63=SkillGroupID:U 64=SkillGroupPriority:H",
    "@strings": "99=ScriptSelector:S 100=ApplicationString1:S 101=ApplicationString2:S",
    "@precall": "6=AgentInstrument:S @key 8=ANI:S 9=UserToUserInfo:X 11=DialedNumber:S 12=CallerEnteredDigits:S "
    "@calls @named",
}
_CTI_SETS |= service_messages.SETS | call_messages.SETS

# Fixed fields that several messages share, spelled once.
_TASK = "InvokeID:U MRDID:I ICMAgentID:I TaskID:T"
_AGENT = "InvokeID:U MRDID:I ICMAgentID:I"
_EVENT = "MonitorID:U PeripheralID:U PeripheralType:H MRDID:I TaskID:T"
_AT_AGENT = _EVENT + " ICMAgentID:I SkillGroupNumber:U SkillGroupID:U SkillGroupPriority:H ServiceNumber:U ServiceID:U"
_QUEUE = _EVENT + " ServiceNumber:U ServiceID:U NumSkillGroups:H"
_STATUS = "InvokeID:U Status:U"
_NAMED = "NumNamedVariables:H NumNamedArrays:H"
_PRECALL = (
    f"MonitorID:U {_NAMED} ServiceNumber:U ServiceID:U SkillGroupNumber:U SkillGroupID:U SkillGroupPriority:H MRDID:I"
)

_CTI_MESSAGES = f"""
1   FAILURE_CONF                 InvokeID:U FailureCode:H PeripheralErrorCode:U
2   FAILURE_EVENT                Status:U
3   OPEN_REQ                     InvokeID:U VersionNumber:U IdleTimeout:U PeripheralID:U ServicesRequested:U CallMsgMask:U AgentStateMask:U ConfigMsgMask:U Reserved1:U Reserved2:U Reserved3:U | 1=ClientID:S 2=ClientPassword:X 3=ClientSignature:S @device 97=ApplicationPathID:I
4   OPEN_CONF                    InvokeID:U ServicesGranted:U MonitorID:U PGStatus:U ICMCentralControllerTime:U PeripheralOnline:H PeripheralType:H AgentState:H DepartmentID:I@19 SessionType:H@24 | @device 228=NumPeripherals:H 208=FltPeripheralID:U 224=MultilineAgentControl:H
5   HEARTBEAT_REQ                InvokeID:U
6   HEARTBEAT_CONF               InvokeID:U
7   CLOSE_REQ                    {_STATUS}
8   CLOSE_CONF                   InvokeID:U
30  AGENT_STATE_EVENT            MonitorID:U PeripheralID:U SessionID:U PeripheralType:H SkillGroupState:H StateDuration:U SkillGroupNumber:U SkillGroupID:U SkillGroupPriority:H AgentState:H EventReasonCode:H MRDID:I NumTasks:U AgentMode:H MaxTaskLimit:U ICMAgentID:I AgentAvailabilityStatus:U NumFltSkillGroups:H DepartmentID:I@19 | 3=CTIClientSignature:S @device 62=FltSkillGroupNumber:I 63=FltSkillGroupID:U 64=FltSkillGroupPriority:H 65=FltSkillGroupState:H 123=NextAgentState:H 150=Duration:U 244=Direction:U 266=MaxBeyondTaskLimit:U 303=ActiveTerminal:S
31  SYSTEM_EVENT                 PGStatus:U ICMCentralControllerTime:U SystemEventID:U SystemEventArg1:U SystemEventArg2:U SystemEventArg3:U EventDeviceType:H | 7=Text:S 206=EventDeviceID:S
35  CONTROL_FAILURE_CONF         InvokeID:U FailureCode:H PeripheralErrorCode:U
36  QUERY_AGENT_STATE_REQ        InvokeID:U PeripheralID:U MRDID:I ICMAgentID:I | @device
37  QUERY_AGENT_STATE_CONF       InvokeID:U AgentState:H NumSkillGroups:H MRDID:I NumTasks:U AgentMode:H MaxTaskLimit:U ICMAgentID:I AgentAvailabilityStatus:U DepartmentID:I@19 | @device @groups 65=SkillGroupState:H 255=InternalAgentState:H 266=MaxBeyondTaskLimit:U
38  SET_AGENT_STATE_REQ          InvokeID:U PeripheralID:U AgentState:H AgentWorkMode:H NumSkillGroups:H EventReasonCode:H ForcedFlag:C AgentServiceReq:U | 5=AgentID:S 6=AgentInstrument:S 49=AgentPassword:S 62=SkillGroupNumber:I 64=SkillGroupPriority:H 68=PositionID:S 69=SupervisorID:S 257=SSOEnabled:H 303=ActiveTerminal:S
39  SET_AGENT_STATE_CONF         InvokeID:U
105 AGENT_PRE_CALL_EVENT         {_PRECALL} AgentSkillTargetID:U@20 | @precall 5=AgentID:S 210=FltCallTypeID:U 221=PreCallInvokeID:U 294=ProtocolReferenceGUID:S 310=NumOfEnabledServices:H 311=CcaiConfigId:S 309=FltEnabledServices:M
106 AGENT_PRE_CALL_ABORT_EVENT   MonitorID:U MRDID:I | 6=AgentInstrument:S @key
151 MEDIA_LOGIN_REQ              {_AGENT} AgentMode:H MaxTaskLimit:U | 266=MaxBeyondTaskLimit:U 312=MediaType:S 313=MediaProvider:S
152 MEDIA_LOGIN_RESP             {_STATUS}
153 MEDIA_LOGOUT_IND             {_AGENT} | 259=FltICMDisposition:H 260=FltApplicationDisposition:U
154 MAKE_AGENT_ROUTABLE_IND      {_AGENT} MaxTasks:U
155 MAKE_AGENT_NOT_ROUTABLE_REQ  {_AGENT}
156 MAKE_AGENT_NOT_ROUTABLE_RESP {_STATUS}
157 MAKE_AGENT_READY_IND         {_AGENT} MakeRoutable:H
158 MAKE_AGENT_NOT_READY_REQ     {_AGENT} ReasonCode:H
159 MAKE_AGENT_NOT_READY_RESP    {_STATUS}
160 OFFER_TASK_IND               {_TASK}
161 OFFER_APPLICATION_TASK_REQ   {_AGENT} SkillGroupID:U ServiceID:U {_NAMED} | @calls @named 268=XferInWhileLoggedOut:H
162 OFFER_APPLICATION_TASK_RESP  {_STATUS} TaskID:T
163 START_TASK_IND               {_TASK}
164 START_APPLICATION_TASK_REQ   {_AGENT} SkillGroupID:U ServiceID:U {_NAMED} | @calls @named 268=XferInWhileLoggedOut:H
165 START_APPLICATION_TASK_RESP  {_STATUS} TaskID:T
166 PAUSE_TASK_IND               {_TASK}
167 RESUME_TASK_IND              {_TASK}
168 WRAPUP_TASK_IND              {_TASK}
169 END_TASK_IND                 {_TASK} ICMDisposition:H ApplicationDisposition:U
170 AGENT_MADE_NOT_ROUTABLE_EVENT MRDID:I ICMAgentID:I
171 AGENT_INTERRUPT_ADVISORY_EVENT MRDID:I ICMAgentID:I InterruptingMRDID:I
172 AGENT_INTERRUPT_ACCEPTED_IND {_AGENT}
173 AGENT_INTERRUPT_UNACCEPTED_IND {_AGENT}
174 AGENT_INTERRUPT_DONE_ADVISORY_EVENT MRDID:I ICMAgentID:I
175 AGENT_INTERRUPT_DONE_ACCEPTED_IND {_AGENT}
176 CHANGE_MAX_TASK_LIMIT_REQ    {_AGENT} MaxTaskLimit:U | 266=MaxBeyondTaskLimit:U
177 CHANGE_MAX_TASK_LIMIT_RESP   {_STATUS}
178 OVERRIDE_LIMIT_REQ           {_AGENT}
179 OVERRIDE_LIMIT_RESP          {_STATUS}
180 UPDATE_TASK_CONTEXT_IND      InvokeID:U TaskID:T {_NAMED} | @calls @named
181 BEGIN_AGENT_INIT_IND         InvokeID:U
182 AGENT_INIT_REQ               {_AGENT} AgentState:H AgentMode:H MaxTaskLimit:U ReasonCode:H | 266=MaxBeyondTaskLimit:U
183 AGENT_INIT_RESP              {_STATUS}
184 END_AGENT_INIT_IND           InvokeID:U
185 TASK_INIT_IND                {_TASK} TaskState:H SkillGroupID:U ServiceID:U StateDuration:U | @calls
186 AGENT_INIT_READY_EVENT       PeripheralID:U
187 GET_PRECALL_MESSAGES_REQ     InvokeID:U MRDID:I
188 GET_PRECALL_MESSAGES_RESP    {_STATUS} NumPreCalls:H
189 AGENT_LEGACY_PRE_CALL_EVENT  {_PRECALL} AgentSkillTargetID:U | @precall
190 FAILURE_RESP                 {_STATUS}
191 BEGIN_TASK_EVENT             {_EVENT} {_NAMED} CallTypeID:U | @strings @calls @named
192 QUEUED_TASK_EVENT            {_QUEUE} | @groups
193 DEQUEUED_TASK_EVENT          {_QUEUE} | @groups
194 OFFER_TASK_EVENT             {_AT_AGENT} | 5=AgentID:S 6=AgentInstrument:S
195 START_TASK_EVENT             {_AT_AGENT} | 5=AgentID:S 6=AgentInstrument:S
196 PAUSE_TASK_EVENT             {_AT_AGENT} | 5=AgentID:S 6=AgentInstrument:S
197 RESUME_TASK_EVENT            {_AT_AGENT} | 5=AgentID:S 6=AgentInstrument:S
198 WRAPUP_TASK_EVENT            {_AT_AGENT} | 5=AgentID:S 6=AgentInstrument:S
199 END_TASK_EVENT               {_AT_AGENT} ICMDisposition:H ApplicationDisposition:U | 5=AgentID:S 6=AgentInstrument:S
200 TASK_DATA_UPDATE_EVENT       {_EVENT} {_NAMED} | @calls @named
201 TASK_MONITOR_START_REQ       InvokeID:U PeripheralID:U TaskMsgMask:U
202 TASK_MONITOR_START_CONF      InvokeID:U MonitorID:U
203 TASK_MONITOR_STOP_REQ        InvokeID:U MonitorID:U
204 TASK_MONITOR_STOP_CONF       InvokeID:U
205 CHANGE_TASK_MONITOR_MASK_REQ InvokeID:U MonitorID:U TaskMsgMask:U
206 CHANGE_TASK_MONITOR_MASK_CONF InvokeID:U
207 MAX_TASK_LIFETIME_EXCEEDED_EVENT MRDID:I ICMAgentID:I TaskID:T
208 SET_APP_PATH_DATA_IND        InvokeID:U | @calls 97=ApplicationPathID:I 210=FltCallTypeID:U
209 TASK_INIT_REQ                {_AGENT} TaskState:H SkillGroupID:U ServiceID:U StateDuration:U {_NAMED} | @calls @named
210 TASK_INIT_RESP               {_STATUS} TaskID:T
255 GET_AGENT_TASKS_REQ          {_AGENT}
256 AGENT_TASKS_RESP             {_STATUS} MRDID:I ICMAgentID:I NumTasks:H | 258=FltTaskID:T
257 SNAPSHOT_TASK_REQ            {_TASK}
258 SNAPSHOT_TASK_RESP           {_STATUS} TaskID:T TaskState:H {_NAMED} | @strings @calls @named
262 AGENT_TASKS_EVENT            MRDID:I ICMAgentID:I NumTasks:H | 258=FltTaskID:T
263 SNAPSHOT_TASK_EVENT          MRDID:I ICMAgentID:I TaskID:T TaskState:H {_NAMED} | @strings @calls @named
264 AGENT_TASKS_REQUEST_EVENT    MRDID:I ICMAgentID:I | 288=DesktopConnectedFlag:H
265 AGENT_TASKS_END_EVENT        MRDID:I ICMAgentID:I Status:U | 7=Text:S
266 DESKTOP_CONNECTED_IND        ICMAgentID:I | 261=NumMRDs:H 262=FltAgentMRDID:L
"""  # noqa: E501 - one message a line, so that the table can be laid beside the reference

SHORT_FAILURE_CONF = "InvokeID:U Status:U"
"""FAILURE_CONF of CTI versions up to 23, told from the later form by its length (8 body bytes)."""


@dataclass(frozen=True, slots=True)
class Field:
    """A fixed field; `since` is the first protocol version that has it (0: all)."""

    name: str
    kind: str
    since: int


@dataclass(frozen=True, slots=True)
class Row:
    """A message: `subtype` is None except for MR task control; `tags` maps tag to (name, type)."""

    protocol: str
    number: int
    subtype: int | None
    name: str
    fields: tuple[Field, ...]
    tags: dict[int, tuple[str, str]]


def _tags(text: str) -> dict[int, tuple[str, str]]:
    """Expand the ``@sets`` and read ``tag=Name:type`` entries."""
    found: dict[int, tuple[str, str]] = {}
    for word in text.split():
        if word in _CTI_SETS:
            found.update(_tags(_CTI_SETS[word]))
            continue
        tag, _, rest = word.partition("=")
        name, _, kind = rest.partition(":")
        found[int(tag)] = (name, kind)
    return found


def fields_of(text: str) -> tuple[Field, ...]:
    """Read ``Name:type[@version]`` words."""
    found = []
    for word in text.split():
        name, _, rest = word.partition(":")
        kind, _, since = rest.partition("@")
        found.append(Field(name, kind, int(since or 0)))
    return tuple(found)


def _rows(protocol: str, table: str, shared_tags: dict[int, tuple[str, str]]) -> list[Row]:
    rows = []
    for line in table.strip().splitlines():
        number, _, rest = line.partition(" ")
        name, _, layout = rest.strip().partition(" ")
        fixed, _, floating = layout.partition("|")
        kind, _, subtype = number.partition(".")
        if subtype:
            fixed = "DialogueID:U SendSeqNo:U " + fixed
        tags = shared_tags or _tags(floating)
        rows.append(Row(protocol, int(kind), int(subtype) if subtype else None, name, fields_of(fixed), tags))
    return rows


ROWS = [
    *_rows(MR, _MR_MESSAGES, _tags(_MR_TAGS)),
    *_rows(CTI, _CTI_MESSAGES, {}),
    *_rows(CTI, service_messages.MESSAGES, {}),
    *_rows(CTI, call_messages.MESSAGES, {}),
]
BY_NAME = {(row.protocol, row.name): row for row in ROWS}
BY_NUMBER = {(row.protocol, row.number, row.subtype): row for row in ROWS}
