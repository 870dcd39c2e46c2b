"""The emulator's codec against the worked examples of mr-wire (h) and cti-notes "Samples"."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from emulator.codec import CodecError, Message, Splitter, Value, build, decode, encode
from emulator.messages import CTI, MR, ROWS

NEW_TASK = (
    "0000005e 0000002f 00000003 00000001 00000001 0000138b ffffffff ffffffff ffffffff 00000000 ffffffff ffffffff"
    "ffffffff 00000000 00000000 2004 38303030 2a18 00000001 757365722e63696d2e61637469766974792e6964 2b08 00000001"
    "31313738"
)
DO_THIS_WITH_TASK = (
    "00000071 0000002f 00000004 00000001 00000001 00024ab8 0000002a 00000001 0000138c ffffffff 00000001 00001392"
    "00001388 ffffffff 2004 38303030 8015 4355434d5f50475f312e476f6f66795f476f6f6679 2a18 00000001"
    "757365722e63696d2e61637469766974792e6964 2b08 00000001 31313738"
)
MR_SAMPLES = [
    ("NEW_TASK", 102, NEW_TASK),
    ("DO_THIS_WITH_TASK", 121, DO_THIS_WITH_TASK),
    ("OPEN_REQ", 20, "0000000c 00000003 00000001 00000005 00004e20"),
    ("OPEN_CONF", 20, "0000000c 00000004 00000001 00000005 00000000"),
    ("HEARTBEAT_REQ", 12, "00000004 00000005 00000002"),
    ("HEARTBEAT_CONF", 12, "00000004 00000006 00000002"),
    ("ROUTING_ENABLED", 20, "0000000c 0000002f 00000001 ffffffff ffffffff"),
    ("ROUTING_DISABLED", 24, "00000010 0000002f 00000002 ffffffff ffffffff 00000001"),
    ("NEW_TASK_FAILURE", 28, "00000014 0000002f 00000005 00000001 00000001 00000003 00000000"),
    ("CANCEL_TASK", 28, "00000014 0000002f 00000006 00000001 00000002 00000007 00000000"),
    ("CANCEL_TASK_CONF", 28, "00000014 0000002f 00000007 00000001 00000001 00000007 00000000"),
    ("RUN_SCRIPT_REQ", 35, "0000001b 0000002f 00000008 00000001 00000001 00000009 2603455754 81040000012c"),
    ("RUN_SCRIPT_RESULT", 28, "00000014 0000002f 00000009 00000001 00000002 00000009 00000001"),
    ("DIALOGUE_FAILURE_EVENT", 24, "00000010 0000002f 0000000b 00000001 00000001 00000022"),
    ("CLOSE_REQ", 16, "00000008 00000007 0000000a 00000000"),
    ("CLOSE_CONF", 12, "00000004 00000008 0000000a"),
]
CTI_SAMPLES = [
    (
        "OPEN_REQ",
        25,
        (
            "0000004100000003000000010000001900000078ffffffff000004100018000000003fff000000000000000000000000000000000001"
            "000564656d6f00000200000061000400001388"
        ),
    ),
    (
        "OPEN_REQ",
        19,
        (
            "0000003b00000003000000010000001300000078ffffffff000004100018000000003fff000000000000000000000000000000000105"
            "64656d6f000200610400001388"
        ),
    ),
    ("OPEN_CONF", 25, "0000002000000004000000010000041000000000000000006553f100000100110000000000000001"),
    ("FAILURE_CONF", 25, "0000000a0000000100000001001300000000"),
    ("FAILURE_CONF", 23, "00000008000000010000000100000013"),
    ("FAILURE_EVENT", 25, "00000004000000020000000f"),
    ("MEDIA_LOGIN_REQ", 25, "0000001a000000970000a2320000138900001389000100000001010a000400000000"),
    ("MEDIA_LOGIN_RESP", 25, "00000008000000980000a23200000000"),
    ("MAKE_AGENT_ROUTABLE_IND", 25, "000000100000009a0000a233000013890000138900000001"),
    ("MAKE_AGENT_READY_IND", 25, "0000000e0000009d0000a23400001389000013890001"),
    (
        "AGENT_STATE_EVENT",
        25,
        (
            "000000470000001e0000000000001388000000000011000e000000000001caf90000138e0000000e000000001389000000000001"
            "000000010000138900000001000000000000000500053130383000"
        ),
    ),
    (
        "AGENT_PRE_CALL_EVENT",
        25,
        (
            "00000061000000690000000000010000ffffffffffffffff0001caf90000138e00000000138900001389004800040002505300490004"
            "00000138006e000400000001000d00056d61696c000052001a757365722e63696d2e61637469766974792e6964003131373800"
        ),
    ),
    ("OFFER_TASK_IND", 25, "00000018000000a00000a2350000138900001389000250530000013800000001"),
    ("END_TASK_IND", 25, "0000001e000000a90000a2370000138900001389000250530000013800000001002600000000"),
    ("FAILURE_RESP", 25, "00000008000000be0000a23700000012"),
    ("AGENT_TASKS_RESP", 25, "00000022000001000000000900000000000013890000138900010102000c000250530000013800000001"),
]


def read(protocol: str, version: int, text: str) -> Message:
    [(number, body)] = Splitter().feed(bytes.fromhex(text))
    return decode(protocol, version, number, body)


@pytest.mark.parametrize(("name", "size", "text"), MR_SAMPLES)
def test_a_worked_mr_example_is_read_and_written_back_unchanged(name: str, size: int, text: str) -> None:
    message = read(MR, 5, text)
    assert message.name == name
    assert encode(message, 5) == bytes.fromhex(text)
    assert len(bytes.fromhex(text)) == size


@pytest.mark.parametrize(("name", "version", "text"), CTI_SAMPLES)
def test_a_worked_cti_example_is_read_and_written_back_unchanged(name: str, version: int, text: str) -> None:
    message = read(CTI, version, text)
    assert message.name == name
    assert encode(message, version) == bytes.fromhex(text)


def test_the_traced_new_task_is_built_from_plain_names() -> None:
    fields: dict[str, Value] = {"DialogueID": 1, "SendSeqNo": 1, "MRDomainID": 5003, "ScriptSelector": "8000"}
    message = build(MR, "NEW_TASK", fields, {"user.cim.activity.id": "1178"})
    assert encode(message, 5) == bytes.fromhex(NEW_TASK)


def test_values_of_a_pre_call_event_are_found_by_name() -> None:
    message = read(CTI, 25, CTI_SAMPLES[11][2])
    assert message.find("TaskKey") == [[151635, 312, 1]]
    assert message.text("CallVariable1") == "mail"
    assert message.named() == {"user.cim.activity.id": "1178"}
    assert message.number("AgentSkillTargetID") == 5001


def test_a_client_below_version_20_sends_one_byte_tags_and_no_newer_fixed_fields() -> None:
    message = build(CTI, "OPEN_CONF", {"InvokeID": 1, "DepartmentID": 7, "SessionType": 1, "AgentID": "1001"})
    frame_18, frame_19, frame_20, frame_25 = (encode(message, version) for version in (18, 19, 20, 25))
    assert (len(frame_18), len(frame_19)) == (8 + 26 + 7, 8 + 30 + 7)
    assert (len(frame_20), len(frame_25)) == (8 + 30 + 9, 8 + 32 + 9)
    assert frame_18.endswith(b"\x05\x051001\0")
    assert frame_25.endswith(b"\0\x05\0\x051001\0")


def test_a_tag_above_255_has_no_place_below_version_20() -> None:
    message = build(CTI, "MEDIA_LOGIN_REQ", {"MaxBeyondTaskLimit": 1})
    with pytest.raises(CodecError, match="MaxBeyondTaskLimit"):
        encode(message, 19)


@pytest.mark.parametrize("protocol", [MR, CTI])
def test_frames_split_anywhere_are_put_together_again(protocol: str) -> None:
    texts = [text for _, _, text in (MR_SAMPLES if protocol == MR else CTI_SAMPLES)]
    stream = b"".join(bytes.fromhex(text) for text in texts)
    splitter = Splitter()
    frames = [frame for position in range(len(stream)) for frame in splitter.feed(stream[position : position + 1])]
    assert frames == Splitter().feed(stream)
    assert len(frames) == len(texts)
    assert splitter.pending() == b""


def test_a_message_that_ends_too_early_names_the_field() -> None:
    with pytest.raises(CodecError, match="NEW_TASK ends inside PreviousTask"):
        read(MR, 5, "00000014 0000002f 00000003 00000042 00000001 00001389 ffffffff")
    with pytest.raises(CodecError, match="NEW_TASK ends inside tag 32"):
        read(MR, 5, "0000003a" + NEW_TASK[8:].replace(" ", "")[:112] + "2010" + "41424344")


def test_an_unknown_message_is_kept_by_its_number() -> None:
    message = read(CTI, 25, "000000040000011600000007")
    assert (message.name, message.fields["Body"]) == ("TYPE_278", bytes.fromhex("00000007"))


def test_an_unknown_field_is_refused_before_it_is_sent() -> None:
    with pytest.raises(CodecError, match="no field Selector"):
        encode(build(MR, "NEW_TASK", {"Selector": "x"}), 5)


def test_no_number_is_given_twice() -> None:
    numbers = [(row.protocol, row.number, row.subtype) for row in ROWS]
    assert len(numbers) == len(set(numbers))
