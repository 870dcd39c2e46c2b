"""The trace form reads like a PIM log, and neither leaks a password nor lets a peer forge lines."""

from ctigw.wire import EccArray, EccName, EccValue, Floating, Message, cti, cti_codec, mr, mr_codec
from ctigw.wire.frame import HEADER_BYTES
from ctigw.wire.trace_form import to_trace
from wire_samples import SAMPLES

NEW_TASK_LINES = """\
Trace: Application->PG:
Message = NEW_TASK; Length = 102 bytes
   DialogueID = (1) Hex 00000001
   SendSeqNo = (1) Hex 00000001
   MRDomainID = (5003) Hex 0000138b
   PreviousTask = -1:-1:-1
   PreferredAgent = Undefined
   Service = (0) Hex 00000000
   CiscoReserved = (0) Hex 00000000
   ScriptSelector: 8000
   ECC Variable Name: user.cim.activity.id
   Value: 1178
"""


def trace(message: Message) -> str:
    codec = mr_codec() if message.PROTOCOL == "mr" else cti_codec()
    return to_trace(codec, message, len(codec.encode(message)) - HEADER_BYTES)


def test_the_public_trace_is_reproduced() -> None:
    frame = next(sample.frame for sample in SAMPLES if sample.name == "NEW_TASK")
    assert to_trace(mr_codec(), mr_codec().decode(47, frame[HEADER_BYTES:]), 94) == NEW_TASK_LINES


def test_an_agent_and_narrow_integers_are_printed_in_full() -> None:
    frame = next(sample.frame for sample in SAMPLES if sample.name == "DO_THIS_WITH_TASK")
    text = to_trace(mr_codec(), mr_codec().decode(47, frame[HEADER_BYTES:]), 113)
    assert "   ICMTaskID = 150200:42:1\n" in text
    assert "   Service = (-1) Hex ffffffff\n" in text
    assert "   Agent = Kind 1, SkillTargetID 5010, PeripheralID 5000, PeripheralNumber -1\n" in text
    assert "   MakeRoutable = (1) Hex 0001\n" in trace(cti.MakeAgentReadyInd(1, 2, 3, 1))


def test_a_value_far_from_its_name_is_printed_with_it() -> None:
    floating: Floating = [
        (42, EccName(1, "a")),
        (42, EccName(2, "b")),
        (43, EccValue(1, "x")),
        (44, EccArray(2, 0, "y")),
    ]
    lines = trace(mr.RunScriptReq(1, 1, 9, floating=floating)).splitlines()
    assert [line.strip() for line in lines[5:]] == [
        "ECC Variable Name: a",
        "ECC Variable Name: b",
        "ECC Variable Name: a",
        "Value: x",
        "ECC Variable Name: b",
        "Value[0]: y",
    ]


def test_a_password_is_not_printed() -> None:
    message = cti.OpenReq(1, 25, 120, 1, 0, 0, 0, 0, 0, 0, 0, floating=[(1, "demo"), (2, b"secret\0")])
    text = trace(message)
    assert "   ClientID: demo\n" in text
    assert "   ClientPassword: ***\n" in text
    assert "secret" not in text
    assert b"secret".hex() not in text


def test_a_text_cannot_forge_lines_or_escape_sequences() -> None:
    text = trace(mr.CloseReq(1, 0, floating=[(1, "a\nMessage = OPEN_REQ\x1b[2J")]))
    assert "   Text: a\\x0aMessage = OPEN_REQ\\x1b[2J\n" in text


def test_unknown_numbers_and_tags_are_printed_as_bytes() -> None:
    codec = mr_codec()
    assert to_trace(codec, codec.decode(99, b"\1\2"), 2).splitlines()[1:] == [
        "Message = unknown type 99; Length = 10 bytes",
        "   Body: hex:0102",
    ]
    assert "   Tag 200: hex:ff\n" in trace(mr.HeartbeatReq(1, floating=[(200, b"\xff")]))


def test_the_way_of_a_captured_frame_stands_in_the_heading() -> None:
    assert to_trace(mr_codec(), mr.HeartbeatReq(1), 4, "a->b").startswith("Trace: a->b:\n")
    assert trace(mr.HeartbeatReq(1)).startswith("Trace: MR:\n")
