"""The JSON form of a frame: keys and values as users rely on them, and errors that name what is wrong."""

import json

import pytest

from ctigw.errors import EncodeError
from ctigw.wire import Codec, cti_codec, mr_codec
from ctigw.wire.frame import HEADER_BYTES
from ctigw.wire.json_form import Json, frame_from_json, to_json
from wire_samples import SAMPLES

EXPECTED_NEW_TASK = (
    '{"protocol":"mr","version":5,"type":47,"subtype":3,"name":"NEW_TASK","length":94,'
    '"fields":{"DialogueID":1,"SendSeqNo":1,"MRDomainID":5003,"PreviousTask":[-1,-1,-1],'
    '"PreferredAgent":{"Kind":0,"SkillTargetID":-1,"PeripheralID":-1,"PeripheralNumber":-1},'
    '"Service":0,"CiscoReserved":0},'
    '"floating":[{"tag":32,"name":"ScriptSelector","value":"8000"},'
    '{"tag":42,"name":"EccName","value":{"EccTag":1,"Name":"user.cim.activity.id"}},'
    '{"tag":43,"name":"EccValue","value":{"EccTag":1,"Value":"1178"}}]}'
)
TASK = "00000003 00000001 00000001 0000138b ffffffffffffffffffffffff 00000000ffffffffffffffffffffffff 00000000 00000000"


def json_of(codec: Codec, number: int, body: str) -> dict[str, Json]:
    data = bytes.fromhex(body)
    entry = to_json(codec, codec.decode(number, data), len(data))
    frame = frame_from_json(json.loads(json.dumps(entry)))
    assert frame == len(data).to_bytes(4, "big") + number.to_bytes(4, "big") + data
    return entry


def first_value(codec: Codec, number: int, body: str) -> Json:
    floating = json_of(codec, number, body)["floating"]
    assert isinstance(floating, list)
    assert isinstance(floating[0], dict)
    return floating[0]["value"]


def test_the_form_of_a_new_task_is_the_documented_one() -> None:
    frame = next(sample.frame for sample in SAMPLES if sample.name == "NEW_TASK")
    codec = mr_codec()
    entry = to_json(codec, codec.decode(47, frame[HEADER_BYTES:]), len(frame) - HEADER_BYTES)
    assert json.dumps(entry, separators=(",", ":")) == EXPECTED_NEW_TASK
    assert frame_from_json(json.loads(EXPECTED_NEW_TASK)) == frame


def test_a_cti_object_has_no_subtype() -> None:
    assert list(json_of(cti_codec(), 5, "00000002")) == [
        "protocol",
        "version",
        "type",
        "name",
        "length",
        "fields",
        "floating",
    ]


def test_an_unknown_message_has_no_name_and_its_body() -> None:
    assert json_of(cti_codec(), 400, "0102") == {
        "protocol": "cti",
        "version": 25,
        "type": 400,
        "name": None,
        "length": 2,
        "body": "hex:0102",
    }


def test_an_unknown_sub_type_keeps_its_number() -> None:
    entry = json_of(mr_codec(), 47, "00000063 00000001 00000001")
    assert (entry["subtype"], entry["name"], entry["body"]) == (99, None, "hex:000000630000000100000001")


def test_a_message_without_a_layout_has_its_name_and_its_body() -> None:
    entry = json_of(cti_codec(), 211, "ff")
    assert (entry["name"], entry["body"]) == ("ROUTE_REGISTER_EVENT", "hex:ff")
    assert "fields" not in entry


def test_a_message_of_a_header_only_has_no_fields_and_no_body() -> None:
    entry = json_of(cti_codec(), 281, "")
    assert (entry["name"], entry["fields"], entry["floating"]) == ("STOPPING_REQUESTS_TO_THIS_SIDE_IND", {}, [])
    assert "body" not in entry


def test_an_unknown_tag_has_no_name_and_its_bytes() -> None:
    assert json_of(mr_codec(), 5, "00000002 c8 02 0001")["floating"] == [
        {"tag": 200, "name": None, "value": "hex:0001"}
    ]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("2004 38303030", "8000"),
        ("2001 e9", "é"),
        ("2005 3830303000", "hex:3830303000"),
        ("2005 6865783a30", "hex:6865783a30"),
        ("1303 000102", "hex:000102"),
        ("8104 ffffffff", -1),
        ("8304 ffffffff", 4294967295),
        ("8302 ffff", "hex:ffff"),
        ("2c06 00000001 05 63", {"EccTag": 1, "Index": 5, "Value": "c"}),
        ("2b08 00000001 6865783a", {"EccTag": 1, "Value": "hex:"}),
    ],
)
def test_mr_values_have_their_plain_form_or_hex(data: str, value: Json) -> None:
    assert first_value(mr_codec(), 47, TASK + data) == value


@pytest.mark.parametrize(
    ("number", "body", "value"),
    [
        (105, "0052 0004 61006200", {"Name": "a", "Value": "b"}),
        (105, "0053 0005 0261006200", {"Index": 2, "Name": "a", "Value": "b"}),
        (105, "000d 0003 616200", "ab"),
        (105, "000d 0002 6162", "hex:6162"),
        (105, "000d 0006 6865783a3000", "hex:6865783a3000"),
        (105, "0135 0002 0001", [1]),
        (105, "0048 0004 ffffffff", 4294967295),
    ],
)
def test_cti_values_have_their_plain_form_or_hex(number: int, body: str, value: Json) -> None:
    fixed = "00000000 0000 0000 ffffffff ffffffff 00000001 00000002 0000 00001389 00001389"
    assert first_value(cti_codec(), number, fixed + body) == value


def test_a_task_id_in_a_floating_field_is_a_list() -> None:
    fixed = "00000009 00000000 00001389 00001389 0001"
    assert first_value(cti_codec(), 256, fixed + "0102 000c 000250530000013800000001") == [151635, 312, 1]


def test_both_layouts_of_a_refusal_come_back_from_their_fields() -> None:
    assert json_of(cti_codec(25), 1, "00000001 0013 00000000")["fields"] == {
        "InvokeID": 1,
        "FailureCode": 19,
        "PeripheralErrorCode": 0,
    }
    assert json_of(cti_codec(25), 1, "00000001 00000013")["fields"] == {"InvokeID": 1, "Status": 19}


def test_fields_newer_than_the_version_are_neither_shown_nor_needed() -> None:
    fields = json_of(cti_codec(18), 4, "00000001 00000001 00000002 00000000 00000000 0001 0011 0000")["fields"]
    assert isinstance(fields, dict)
    assert "DepartmentID" not in fields


HEARTBEAT: dict[str, Json] = {"protocol": "mr", "name": "HEARTBEAT_REQ", "fields": {"InvokeID": 2}}


def test_the_shortest_object_is_enough() -> None:
    assert frame_from_json(HEARTBEAT) == bytes.fromhex("00000004 00000005 00000002")


def test_the_version_of_the_object_counts() -> None:
    entry: Json = {
        "protocol": "cti",
        "version": 19,
        "name": "CHANGE_MAX_TASK_LIMIT_REQ",
        "fields": {"InvokeID": 1, "MRDID": 2, "ICMAgentID": 3, "MaxTaskLimit": 4},
        "floating": [{"tag": 266, "name": "MaxBeyondTaskLimit", "value": 1}, {"tag": 200, "value": "hex:01"}],
    }
    assert frame_from_json(entry)[HEADER_BYTES:] == bytes.fromhex("00000001 00000002 00000003 00000004 c8 01 01")


@pytest.mark.parametrize(
    ("change", "message", "field"),
    [
        ({"protocol": "sip"}, None, "protocol"),
        ({"version": 9}, None, "version"),
        ({"version": "5"}, None, "version"),
        ({"name": "HEARTBEAT"}, None, "name"),
        ({"type": 6}, "HEARTBEAT_REQ", "type"),
        ({"subtype": 3}, "HEARTBEAT_REQ", "subtype"),
        ({"fields": {}}, "HEARTBEAT_REQ", "InvokeID"),
        ({"fields": {"InvokeID": "2"}}, "HEARTBEAT_REQ", "InvokeID"),
        ({"fields": {"InvokeID": -2}}, "HEARTBEAT_REQ", "InvokeID"),
        ({"fields": {"InvokeID": 2, "Invoke": 2}}, "HEARTBEAT_REQ", "Invoke"),
        ({"fields": []}, "HEARTBEAT_REQ", "fields"),
        ({"floating": {}}, "HEARTBEAT_REQ", "floating"),
        ({"floating": [{"value": "x"}]}, "HEARTBEAT_REQ", "floating"),
        ({"floating": [{"tag": 32, "name": "Label", "value": "x"}]}, "HEARTBEAT_REQ", "floating"),
        ({"floating": [{"tag": 32}]}, "HEARTBEAT_REQ", "ScriptSelector"),
        ({"floating": [{"tag": 32, "value": 8000}]}, "HEARTBEAT_REQ", "ScriptSelector"),
        ({"floating": [{"tag": 32, "value": "hex:0"}]}, "HEARTBEAT_REQ", "ScriptSelector"),
        ({"floating": [{"tag": 131, "value": "1"}]}, "HEARTBEAT_REQ", "PeripheralID"),
        ({"floating": [{"tag": 42, "value": {"EccTag": 1}}]}, "HEARTBEAT_REQ", "EccName.Name"),
        ({"floating": [{"tag": 200, "value": "x"}]}, "HEARTBEAT_REQ", "tag 200"),
        ({"name": None}, None, "type"),
        ({"name": None, "type": 99}, None, "body"),
    ],
)
def test_a_wrong_object_is_refused_by_the_key_that_is_wrong(
    change: dict[str, Json], message: str | None, field: str
) -> None:
    with pytest.raises(EncodeError) as caught:
        frame_from_json(HEARTBEAT | change)
    assert (caught.value.message, caught.value.field) == (message, field)


@pytest.mark.parametrize("entry", [None, 1, "text", [], {"error": "x", "message": None, "field": None, "offset": 0}])
def test_what_is_no_frame_is_refused(entry: Json) -> None:
    with pytest.raises(EncodeError):
        frame_from_json(entry)
