"""What does not fit its type is kept and goes back; what can be read anyway is read."""

import pytest

from ctigw.errors import DecodeError, EncodeError
from ctigw.wire import (
    AgentRef,
    Codec,
    EccArray,
    EccName,
    EccValue,
    FieldMessage,
    FloatValue,
    Message,
    NamedArray,
    NamedVariable,
    TaskId,
    UnknownMessage,
    cti,
    cti_codec,
    mr,
    mr_codec,
)
from ctigw.wire.frame import HEADER_BYTES

TASK = "00000003 00000001 00000001 0000138b ffffffffffffffffffffffff 00000000ffffffffffffffffffffffff 00000000 00000000"
PRE_CALL = "00000000 0000 0000 ffffffff ffffffff 00000001 00000002 0000 00001389 00001389"


def new_task(floating: str) -> mr.NewTask:
    body = bytes.fromhex(TASK + floating)
    message = mr_codec().decode(47, body)
    assert isinstance(message, mr.NewTask)
    assert mr_codec().encode(message)[HEADER_BYTES:] == body
    return message


def pre_call(floating: str) -> cti.AgentPreCallEvent:
    body = bytes.fromhex(PRE_CALL + floating)
    message = cti_codec().decode(105, body)
    assert isinstance(message, cti.AgentPreCallEvent)
    assert cti_codec().encode(message)[HEADER_BYTES:] == body
    return message


def test_an_mr_text_with_a_nul_stays_raw_and_reads_without_it() -> None:
    message = new_task("2005 3830303000")
    assert message.floating == [(mr.NewTask.SCRIPT_SELECTOR, b"8000\0")]
    assert message.script_selector == "8000"


def test_an_mr_text_with_two_nuls_stays_raw_and_reads_as_absent() -> None:
    message = new_task("2006 383030300000")
    assert message.floating == [(32, b"8000\0\0")]
    assert message.script_selector is None


@pytest.mark.parametrize(
    ("data", "value", "read"),
    [
        ("0005 6d61696c00", "mail", "mail"),
        ("0001 00", "", ""),
        ("0000", b"", ""),
        ("0004 6d61696c", b"mail", "mail"),
        ("0006 6d61696c0000", b"mail\0\0", None),
        ("0006 6d61006c6c00", b"ma\0ll\0", None),
    ],
)
def test_a_cti_text_needs_exactly_one_nul_to_be_plain(data: str, value: str | bytes, read: str | None) -> None:
    message = pre_call(f"000d {data}")
    assert message.floating == [(cti.AgentPreCallEvent.CALL_VARIABLE1, value)]
    assert message.call_variable1 == read


@pytest.mark.parametrize(
    ("data", "value", "read"),
    [("0004 00000007", 7, 7), ("0002 0007", b"\0\7", 7), ("0003 000007", b"\0\0\7", None), ("0000", b"", None)],
)
def test_an_integer_of_another_width_stays_raw_and_is_read_where_it_can_be(
    data: str, value: int | bytes, read: int | None
) -> None:
    message = pre_call(f"0048 {data}")
    assert message.floating == [(cti.AgentPreCallEvent.ROUTER_CALL_KEY_DAY, value)]
    assert message.router_call_key_day == read


def test_a_wide_integer_is_not_read_into_a_narrow_field() -> None:
    message = pre_call("0136 0004 00010000")
    assert message.floating == [(cti.AgentPreCallEvent.NUM_OF_ENABLED_SERVICES, b"\0\1\0\0")]
    assert message.num_of_enabled_services is None


def test_an_array_holds_all_its_values_in_one_field() -> None:
    message = pre_call("0135 0006 000100020001")
    assert message.flt_enabled_services == [1, 2, 1]


def test_an_array_with_half_a_value_stays_raw() -> None:
    message = pre_call("0135 0003 000100")
    assert message.floating == [(309, b"\0\1\0")]
    assert message.flt_enabled_services is None


def test_the_first_of_a_repeated_single_field_counts() -> None:
    assert pre_call("000d 0002 6100 000d 0002 6200").call_variable1 == "a"


def test_named_variables_are_read_in_order_and_odd_ones_leniently() -> None:
    message = pre_call("0052 0004 61006200 0052 0003 630064 0052 0003 666f6f 0053 0005 0261006200")
    assert [value for _, value in message.floating] == [
        NamedVariable("a", "b"),
        b"c\0d",
        b"foo",
        NamedArray(2, "a", "b"),
    ]
    assert message.named_variable == [NamedVariable("a", "b"), NamedVariable("c", "d")]
    assert message.named_array == [NamedArray(2, "a", "b")]


def test_ecc_fields_with_a_nul_are_kept_and_read_without_it() -> None:
    message = new_task("2a06 00000001 6100 2b06 00000001 6200 2c07 00000001 05 6300 2b03 000000")
    assert message.ecc_name == [EccName(1, "a")]
    assert message.ecc_value == [EccValue(1, "b")]
    assert message.ecc_array == [EccArray(1, 5, "c")]


def test_an_unknown_tag_is_kept() -> None:
    assert new_task("c803 010203").floating == [(200, b"\1\2\3")]


def test_a_known_mr_tag_is_decoded_in_every_message() -> None:
    message = mr_codec().decode(5, bytes.fromhex("00000002 20 04 38303030"))
    assert isinstance(message, mr.HeartbeatReq)
    assert message.floating == [(32, "8000")]


@pytest.mark.parametrize(
    ("codec", "number", "body", "subtype"),
    [
        (mr_codec(), 48, "00000001", None),
        (mr_codec(), 47, "0000000d 00000001 00000001", 13),
        (cti_codec(), 400, "", None),
    ],
)
def test_an_unknown_number_is_a_message_of_its_own(codec: Codec, number: int, body: str, subtype: int | None) -> None:
    message = codec.decode(number, bytes.fromhex(body))
    assert message == UnknownMessage(number, subtype, bytes.fromhex(body))
    assert codec.encode(message)[HEADER_BYTES:] == bytes.fromhex(body)


def test_a_message_without_a_published_layout_keeps_its_body() -> None:
    message = cti_codec().decode(211, b"abc")
    assert message == cti.RouteRegisterEvent(b"abc")
    assert cti_codec().encode(message) == bytes.fromhex("00000003 000000d3 616263")


def test_a_message_that_is_printed_as_a_header_only_has_no_fields() -> None:
    assert cti_codec().decode(277, b"") == cti.StandbyActiveEventMsg()
    assert cti_codec().encode(cti.StandbyActiveEventMsg()) == bytes.fromhex("00000000 00000115")
    with pytest.raises(DecodeError, match="STANDBY_ACTIVE_EVENT_MSG"):
        cti_codec().decode(277, b"abc")


def bad_task(**changes: object) -> mr.NewTask:
    values: dict[str, object] = {"dialogue_id": 1, "send_seq_no": 1, "mr_domain_id": 1} | {
        "previous_task": TaskId(-1, -1, -1),
        "preferred_agent": AgentRef(0, -1, -1, -1),
        "service": 0,
        "cisco_reserved": 0,
        "floating": [],
    }
    return mr.NewTask(**(values | changes))  # type: ignore[arg-type]  # wrong values are the point


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (bad_task(dialogue_id=-1), "DialogueID"),
        (bad_task(mr_domain_id=2**31), "MRDomainID"),
        (bad_task(previous_task=(1, 2)), "PreviousTask"),
        (bad_task(service="0"), "Service"),
        (bad_task(floating=[(32, "8000"), (18, "a" * 256)]), "ApplicationString1"),
        (bad_task(floating=[(32, "Ω")]), "ScriptSelector"),
        (bad_task(floating=[(32, "a\0b")]), "ScriptSelector"),
        (bad_task(floating=[(32, 8000)]), "ScriptSelector"),
        (bad_task(floating=[(42, EccName(1, "Ω"))]), "EccName"),
        (bad_task(floating=[(200, "text")]), "floating"),
        (bad_task(floating=[(300, b"")]), "floating"),
    ],
)
def test_a_value_that_the_wire_cannot_carry_is_refused_by_name(message: Message, field: str) -> None:
    with pytest.raises(EncodeError) as caught:
        mr_codec().encode(message)
    assert (caught.value.message, caught.value.field) == ("NEW_TASK", field)


@pytest.mark.parametrize(
    ("tag", "value", "field"),
    [
        (82, NamedVariable("a\0", "b"), "NamedVariable"),
        (82, NamedVariable("a", 1), "NamedVariable"),  # type: ignore[arg-type]  # the wrong type is the point
        (82, "a", "NamedVariable"),
        (83, NamedArray(256, "a", "b"), "NamedArray"),
        (72, "1", "RouterCallKeyDay"),
        (309, [65536], "FltEnabledServices"),
        (13, "x" * 65536, "CallVariable1"),
    ],
)
def test_a_cti_value_that_the_wire_cannot_carry_is_refused_by_name(tag: int, value: FloatValue, field: str) -> None:
    message = cti.AgentPreCallEvent(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, [(tag, value)])
    with pytest.raises(EncodeError) as caught:
        cti_codec().encode(message)
    assert (caught.value.message, caught.value.field) == ("AGENT_PRE_CALL_EVENT", field)


def test_a_message_of_the_other_protocol_is_refused() -> None:
    with pytest.raises(EncodeError):
        mr_codec().encode(cti.HeartbeatReq(1))


def test_every_message_class_ends_with_its_floating_fields() -> None:
    assert FieldMessage.__subclasses__()
    for made in FieldMessage.__subclasses__():
        assert made.__attrs_attrs__[-1].name == "floating"
