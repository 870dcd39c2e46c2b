"""The whole CTI catalogue: numbers, names and sizes as the guides print them, and decisions where they contradict."""

import subprocess
import sys

import pytest

from ctigw.errors import DecodeError
from ctigw.wire import FieldMessage, UnknownMessage, catalogue, cti, cti_codec, lookup
from ctigw.wire.frame import HEADER_BYTES

PRINTED = """
1 FAILURE_CONF 10
2 FAILURE_EVENT 4
3 OPEN_REQ 44
4 OPEN_CONF 32
5 HEARTBEAT_REQ 4
6 HEARTBEAT_CONF 4
7 CLOSE_REQ 8
8 CLOSE_CONF 4
9 CALL_DELIVERED_EVENT 54
10 CALL_ESTABLISHED_EVENT 50
11 CALL_HELD_EVENT 22
12 CALL_RETRIEVED_EVENT 22
13 CALL_CLEARED_EVENT 20
14 CALL_CONNECTION_CLEARED_EVENT 22
15 CALL_ORIGINATED_EVENT 46
16 CALL_FAILED_EVENT 24
17 CALL_CONFERENCED_EVENT 46
18 CALL_TRANSFERRED_EVENT 46
19 CALL_DIVERTED_EVENT 32
20 CALL_SERVICE_INITIATED_EVENT 44
21 CALL_QUEUED_EVENT 40
22 CALL_TRANSLATION_ROUTE_EVENT 4
23 BEGIN_CALL_EVENT 26
24 END_CALL_EVENT 16
25 CALL_DATA_UPDATE_EVENT 40
26 SET_CALL_DATA_REQ 30
27 SET_CALL_DATA_CONF 4
28 RELEASE_CALL_REQ 14
29 RELEASE_CALL_CONF 4
30 AGENT_STATE_EVENT 62
31 SYSTEM_EVENT 26
32 CLIENT_EVENT_REPORT_REQ 6
33 CLIENT_EVENT_REPORT_CONF 4
34 CALL_REACHED_NETWORK_EVENT 28
35 CONTROL_FAILURE_CONF 10
36 QUERY_AGENT_STATE_REQ 16
37 QUERY_AGENT_STATE_CONF 34
38 SET_AGENT_STATE_REQ 21
39 SET_AGENT_STATE_CONF 4
40 ALTERNATE_CALL_REQ 20
41 ALTERNATE_CALL_CONF 4
42 ANSWER_CALL_REQ 14
43 ANSWER_CALL_CONF 4
44 CLEAR_CALL_REQ 14
45 CLEAR_CALL_CONF 4
46 CLEAR_CONNECTION_REQ 14
47 CLEAR_CONNECTION_CONF 4
48 CONFERENCE_CALL_REQ 40
49 CONFERENCE_CALL_CONF 16
50 CONSULTATION_CALL_REQ 36
51 CONSULTATION_CALL_CONF 14
52 DEFLECT_CALL_REQ 16
53 DEFLECT_CALL_CONF 4
54 HOLD_CALL_REQ 16
55 HOLD_CALL_CONF 4
56 MAKE_CALL_REQ 32
57 MAKE_CALL_CONF 14
58 MAKE_PREDICTIVE_CALL_REQ 42
59 MAKE_PREDICTIVE_CALL_CONF 14
60 RECONNECT_CALL_REQ 20
61 RECONNECT_CALL_CONF 4
62 RETRIEVE_CALL_REQ 14
63 RETRIEVE_CALL_CONF 4
64 TRANSFER_CALL_REQ 40
65 TRANSFER_CALL_CONF 16
78 QUERY_DEVICE_INFO_REQ 10
79 QUERY_DEVICE_INFO_CONF 40
82 SNAPSHOT_CALL_REQ 14
83 SNAPSHOT_CALL_CONF 16
84 SNAPSHOT_DEVICE_REQ 10
85 SNAPSHOT_DEVICE_CONF 6
86 CALL_DEQUEUED_EVENT 34
91 SEND_DTMF_SIGNAL_REQ 20
92 SEND_DTMF_SIGNAL_CONF 4
93 MONITOR_START_REQ 24
94 MONITOR_START_CONF 8
95 MONITOR_STOP_REQ 8
96 MONITOR_STOP_CONF 4
97 CHANGE_MONITOR_MASK_REQ 16
98 CHANGE_MONITOR_MASK_CONF 4
99 CLIENT_SESSION_OPENED_EVENT 24
100 CLIENT_SESSION_CLOSED_EVENT 16
101 SESSION_MONITOR_START_REQ 8
102 SESSION_MONITOR_START_CONF 8
103 SESSION_MONITOR_STOP_REQ 8
104 SESSION_MONITOR_STOP_CONF 4
105 AGENT_PRE_CALL_EVENT 34
106 AGENT_PRE_CALL_ABORT_EVENT 8
107 USER_MESSAGE_REQ 10
108 USER_MESSAGE_CONF 4
109 USER_MESSAGE_EVENT 6
110 REGISTER_VARIABLES_REQ 10
111 REGISTER_VARIABLES_CONF 4
112 QUERY_AGENT_STATISTICS_REQ 8
113 QUERY_AGENT_STATISTICS_CONF 344
114 QUERY_SKILL_GROUP_STATISTICS_REQ 16
115 QUERY_SKILL_GROUP_STATISTICS_CONF 596
116 RTP_STARTED_EVENT 34
117 RTP_STOPPED_EVENT 20
118 SUPERVISOR_ASSIST_REQ 14
119 SUPERVISOR_ASSIST_CONF 14
120 SUPERVISOR_ASSIST_EVENT -
121 EMERGENCY_CALL_REQ 14
122 EMERGENCY_CALL_CONF 14
123 EMERGENCY_CALL_EVENT 14
124 SUPERVISE_CALL_REQ 22
125 SUPERVISE_CALL_CONF 10
126 AGENT_TEAM_CONFIG_REQ -
127 AGENT_TEAM_CONFIG_CONF -
128 AGENT_TEAM_CONFIG_EVENT 16
129 SET_APP_DATA_REQ 4
130 SET_APP_DATA_CONF 4
131 AGENT_DESK_SETTINGS_REQ 8
132 AGENT_DESK_SETTINGS_CONF 64
133 LIST_AGENT_TEAM_REQ 8
134 LIST_AGENT_TEAM_CONF 10
135 MONITOR_AGENT_TEAM_START_REQ 8
136 MONITOR_AGENT_TEAM_START_CONF 8
137 MONITOR_AGENT_TEAM_STOP_REQ 8
138 MONITOR_AGENT_TEAM_STOP_CONF 4
139 BAD_CALL_REQ 14
140 BAD_CALL_CONF 4
141 SET_DEVICE_ATTRIBUTES_REQ 30
142 SET_DEVICE_ATTRIBUTES_CONF 4
143 REGISTER_SERVICE_REQ 6
144 REGISTER_SERVICE_CONF 8
145 UNREGISTER_SERVICE_REQ 8
146 UNREGISTER_SERVICE_CONF 4
147 START_RECORDING_REQ 34
148 START_RECORDING_CONF 12
149 STOP_RECORDING_REQ 28
150 STOP_RECORDING_CONF 4
211 ROUTE_REGISTER_EVENT -
212 ROUTE_REGISTER_REPLY_EVENT -
213 ROUTE_REQUEST_EVENT -
214 ROUTE_SELECT_EVENT -
215 ROUTE_END_EVENT -
230 CONFIG_REQUEST_KEY_EVENT 4
231 CONFIG_KEY_EVENT 4
232 CONFIG_REQUEST_EVENT 12
233 CONFIG_BEGIN_EVENT 6
234 CONFIG_END_EVENT 4
235 CONFIG_SERVICE_EVENT 2
236 CONFIG_SKILL_GROUP_EVENT 2
237 CONFIG_AGENT_EVENT 2
238 CONFIG_DEVICE_EVENT 2
240 CALL_ATTRIBUTE_CHANGE_EVENT 20
242 TEAM_CONFIG_REQ -
243 TEAM_CONFIG_EVENT -
244 TEAM_CONFIG_CONF -
245 CONFIG_CALL_TYPE_EVENT 2
247 CALL_TERMINATION_EVENT -
248 CALL_AGENT_GREETING_EVENT 20
249 AGENT_GREETING_CONTROL_REQ 10
250 AGENT_GREETING_CONTROL_CONF 4
254 CONFIG_MRD_EVENT 2
260 CONFIG_PERIPHERAL_EVENT 2
261 CONFIG_AGENT_DESK_SETTINGS_EVENT 2
268 START_NETWORK_RECORDING_REQ 14
269 START_NETWORK_RECORDING_CONF 4
270 STOP_NETWORK_RECORDING_REQ 14
271 STOP_NETWORK_RECORDING_CONF 4
272 NETWORK_RECORDING_STARTED_EVENT 16
273 NETWORK_RECORDING_ENDED_EVENT 16
274 NETWORK_RECORDING_FAILED_EVENT 18
275 NETWORK_RECORDING_TARGET_INFO_EVENT 20
276 CONFIG_TERMINAL_EVENT 2
277 STANDBY_ACTIVE_EVENT_MSG 0
278 ACTIVE_MAINTENANCE_REQ_MSG 4
279 ACTIVE_MAINTENANCE_RESP_MSG 6
280 ACTIVE_MAINTENANCE_EVENT_MSG 2
281 STOPPING_REQUESTS_TO_THIS_SIDE_IND 0
282 CONFIG_AGENT_SERVICE_EVENT 2
283 SET_AGENT_SERVICE_DATA_REQ 20
284 SET_AGENT_SERVICE_DATA_CONF 8
"""
"""Number, name, bytes of the fixed part in version 25; a dash where the guides print no layout."""

STATED_SIZES = [
    ("QUERY_AGENT_STATE_REQ", 14, 122),
    ("CLIENT_EVENT_REPORT_CONF", 15, 12),
    ("USER_MESSAGE_CONF", 9, 12),
    ("USER_MESSAGE_EVENT", 9, 337),
    ("CONSULTATION_CALL_CONF", 9, 88),
    ("SNAPSHOT_DEVICE_REQ", 9, 82),
    ("SESSION_MONITOR_START_REQ", 14, 16),
    ("SESSION_MONITOR_START_CONF", 14, 16),
    ("CHANGE_MONITOR_MASK_CONF", 9, 12),
]
"""Message, version, largest size with header as older guides state it (newer ones state none)."""

BYTES = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4}


def printed() -> list[tuple[int, str, int | None]]:
    entries = (line.split() for line in PRINTED.split("\n") if line)
    return [(int(number), name, None if size == "-" else int(size)) for number, name, size in entries]


def fixed_bytes(name: str, version: int) -> int:
    rows = catalogue.protocol("cti")
    return sum(BYTES[rows.type(field.type).code] for field in lookup("cti", name).fields_in(version))


@pytest.mark.parametrize(("number", "name", "size"), printed(), ids=str)
def test_a_printed_message_has_its_number_its_name_and_its_size(number: int, name: str, size: int | None) -> None:
    row = lookup("cti", name)
    assert (row.number, row.layout) == (number, size is not None)
    assert size is None or fixed_bytes(name, 25) == size


def test_the_catalogue_is_whole() -> None:
    entries = printed()
    assert len(entries) == 175
    assert [number for number, _, size in entries if size is None] == [
        120,
        126,
        127,
        *range(211, 216),
        242,
        243,
        244,
        247,
    ]
    assert len({row.number for row in catalogue.protocol("cti").messages}) == 175 + 69


@pytest.mark.parametrize(("name", "version", "size"), STATED_SIZES)
def test_the_largest_size_is_the_one_that_an_older_guide_states(name: str, version: int, size: int) -> None:
    tag_and_length = 2
    floats = [known for known in lookup("cti", name).floats if known.min_version <= version]
    assert HEADER_BYTES + fixed_bytes(name, version) + sum(tag_and_length + known.max for known in floats) == size


def test_every_enumeration_that_a_field_names_exists() -> None:
    rows = catalogue.protocol("cti")
    named = {field.enum for row in rows.messages for field in row.fields}
    named |= {known.enum for row in rows.messages for known in row.floats}
    assert named - {None} <= {row.name for row in rows.enums}


def test_every_count_is_a_field_of_its_message() -> None:
    lost = set()
    for row in catalogue.protocol("cti").messages:
        names = {field.name for field in row.fields} | {known.name for known in row.floats}
        wanted = {known.count for known in row.floats} | {known.array for known in row.floats}
        lost |= {(row.name, name) for name in wanted - names if name is not None}
    assert lost == {("CONFIG_SKILL_GROUP_EVENT", "NumSkills")}  # as printed; the length of the field tells


def test_a_number_in_a_call_cause_means_one_thing() -> None:
    assert cti.EventCause(1056) is cti.EventCause.CECX_NETWORK_CONFERENCE
    assert cti.EventCause.CECX_APPL_INVALID_DIALOGUE_ID == 1000 + cti.DispositionCode.APPLICATION_INVALID_DIALOGUE_ID
    assert cti.CallType(27) is cti.CallType.RESERVATION_PREVIEW
    assert cti.CallType(38) is cti.CallType.NON_ACD
    assert len(cti.EventCause.__members__) == len(set(cti.EventCause))


def test_a_field_without_a_printed_tag_is_neither_read_nor_written() -> None:
    tags = {row.name: {known.name for known in row.floats} for row in catalogue.protocol("cti").messages}
    assert "GreetingType" not in tags["CALL_AGENT_GREETING_EVENT"]
    assert "AutoWork" not in tags["CONFIG_SKILL_GROUP_EVENT"]
    assert tags["SET_AGENT_SERVICE_DATA_REQ"] == {"NumOfEnabledServices", "FltEnabledServices"}
    assert all(known.tag for row in catalogue.protocol("cti").messages for known in row.floats)


def test_an_event_of_a_call_is_read_field_by_field() -> None:
    body = bytes.fromhex(
        "00000001 00001388 0011 0000 00000007 0000 0000 001e"  # a hold by device 2001 on peripheral 5000
        "0019 0005 3230303100 001f 0005 3230303100"
    )
    message = cti_codec(25).decode(11, body)
    assert message == cti.CallHeldEvent(
        1, 5000, 17, cti.ConnectionDeviceIdType.STATIC, 7, 0, 0, 30, floating=[(25, "2001"), (31, "2001")]
    )
    assert cti_codec(25).encode(message)[HEADER_BYTES:] == body


def test_records_of_a_configuration_keep_their_order() -> None:
    body = bytes.fromhex("000200b7 0002 0000 00d3 0001 0700b7 0002 0002 010d")
    with pytest.raises(DecodeError):
        cti_codec(25).decode(245, body)
    message = cti_codec(25).decode(245, body[:-2])
    assert isinstance(message, cti.ConfigCallTypeEvent)
    assert message.record_type == [cti.RecordType.ADD, cti.RecordType.DELETE]
    assert message.floating == [(183, 0), (211, b"\7"), (183, 2)]
    assert message.customer_definition_id == [7]


@pytest.mark.parametrize(("version", "size"), [(13, 28), (14, 32), (25, 32)])
def test_a_call_request_of_an_older_version_lacks_what_came_later(version: int, size: int) -> None:
    request = cti.MakeCallReq(1, 5000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, skill_group_number=9)
    assert len(cti_codec(version).encode(request)) == HEADER_BYTES + size


def test_a_number_that_no_table_has_is_unknown() -> None:
    for number in (0, 66, 216, 239, 285):
        assert cti_codec(25).decode(number, b"ab") == UnknownMessage(number, None, b"ab")


def test_tables_of_calls_are_imported_when_they_are_needed() -> None:
    program = (
        "import sys; from ctigw.wire import cti, cti_codec\n"
        "late = lambda: sorted(name.split('.')[-1] for name in sys.modules if '.generated.cti_ca' in name)\n"
        "cti_codec(25).decode(5, bytes(4)); print(late())\n"
        "cti_codec(25).decode(13, bytes(20)); print(late(), cti.CallClearedEvent.TYPE)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n['cti_calls_messages'] 13\n"


def test_every_exported_name_is_there_and_no_other() -> None:
    for name in cti.__all__:
        assert getattr(cti, name).__name__ == name
    with pytest.raises(AttributeError, match="CallLostEvent"):
        cti.CallLostEvent  # type: ignore[attr-defined]  # noqa: B018 - looking it up is the test


def test_statistics_hold_every_counter_in_wire_order() -> None:
    counters = range(1, 87)
    body = b"".join(number.to_bytes(4, "big") for number in counters)
    message = cti_codec(25).decode(113, body)
    assert isinstance(message, cti.QueryAgentStatisticsConf)
    assert isinstance(message, FieldMessage)
    assert (message.invoke_id, message.avail_time_session, message.emergency_calls_today) == (1, 3, 86)
