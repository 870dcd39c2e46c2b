"""Whatever a message holds comes back, in every version; whatever bytes arrive are a message or a located error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctigw.errors import DecodeError
from ctigw.wire import AnyMessage, Codec, FieldMessage, cti_codec, mr_codec
from ctigw.wire.frame import HEADER_BYTES
from ctigw.wire.json_form import frame_from_json, to_json
from ctigw.wire.layout import MessageRow
from ctigw.wire.trace_form import to_trace
from wire_messages import messages

CODECS = [mr_codec(version) for version in range(1, 6)] + [cti_codec(version) for version in range(13, 26)]


def rows(codec: Codec) -> list[MessageRow]:
    return list(codec.rows.messages)


def ids(value: object) -> str:
    return f"{value.protocol}{value.version}" if isinstance(value, Codec) else str(value)


def decode_or_error(codec: Codec, number: int, body: bytes) -> AnyMessage | DecodeError:
    try:
        return codec.decode(number, body)
    except DecodeError as error:
        return error


def body_of(frame: bytes) -> tuple[int, bytes]:
    assert int.from_bytes(frame[:4], "big") == len(frame) - HEADER_BYTES
    return int.from_bytes(frame[4:8], "big"), frame[HEADER_BYTES:]


@pytest.mark.parametrize("codec", CODECS, ids=ids)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_message_comes_back_in_every_version(codec: Codec, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows(codec)), label="row")
    message = data.draw(messages(codec, row), label="message")
    frame = codec.encode(message)
    number, body = body_of(frame)
    decoded = codec.decode(number, body)
    assert decoded == message
    assert type(decoded) is type(message)
    assert codec.encode(decoded) == frame


@pytest.mark.parametrize("codec", [mr_codec(), cti_codec(19), cti_codec(25)], ids=ids)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_json_form_brings_back_every_byte(codec: Codec, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows(codec)))
    frame = codec.encode(data.draw(messages(codec, row)))
    number, body = body_of(frame)
    assert frame_from_json(to_json(codec, codec.decode(number, body), len(body))) == frame


@pytest.mark.parametrize("codec", [mr_codec(), cti_codec(19), cti_codec(25)], ids=ids)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_flipped_byte_gives_a_message_that_goes_back_or_a_located_error(codec: Codec, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows(codec)))
    number, body = body_of(codec.encode(data.draw(messages(codec, row))))
    if not body:
        return
    position = data.draw(st.integers(0, len(body) - 1))
    flipped = body[:position] + bytes([body[position] ^ data.draw(st.integers(1, 255))]) + body[position + 1 :]
    decoded = decode_or_error(codec, number, flipped)
    if isinstance(decoded, DecodeError):
        # A flip in the sub-type makes it another message of the same envelope.
        assert decoded.message in {each.name for each in rows(codec) if each.number == number}
        assert decoded.field is not None
        assert 0 <= decoded.offset <= len(flipped)
    else:
        frame = codec.encode(decoded)
        assert frame[HEADER_BYTES:] == flipped
        assert frame_from_json(to_json(codec, decoded, len(flipped))) == frame
        assert to_trace(codec, decoded, len(flipped)).endswith("\n")


@pytest.mark.parametrize("codec", [mr_codec(), cti_codec(13), cti_codec(25)], ids=ids)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_body_cut_anywhere_is_located_or_shorter_by_whole_floating_fields(codec: Codec, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from([row for row in rows(codec) if row.layout and row.body_length is None]))
    message = data.draw(messages(codec, row))
    assert isinstance(message, FieldMessage)
    number, body = body_of(codec.encode(message))
    for length in range(len(body)):
        decoded = decode_or_error(codec, number, body[:length])
        if isinstance(decoded, DecodeError):
            assert decoded.offset <= length
            continue
        assert codec.encode(decoded)[HEADER_BYTES:] == body[:length]
        if type(decoded) is type(message):
            assert isinstance(decoded, FieldMessage)
            assert decoded.floating == message.floating[: len(decoded.floating)]


def test_a_cut_fixed_part_names_the_field_that_is_cut() -> None:
    codec = mr_codec()
    body = bytes.fromhex("00000003 00000001 00000001 0000138b ffffffffffffffff")
    with pytest.raises(DecodeError) as caught:
        codec.decode(47, body)
    assert (caught.value.message, caught.value.field, caught.value.offset) == ("NEW_TASK", "PreviousTask", 16)


def test_a_floating_field_beyond_the_body_names_the_field_and_its_place() -> None:
    with pytest.raises(DecodeError) as caught:
        mr_codec().decode(7, bytes.fromhex("0000000a 00000000 01 05 41"))
    assert (caught.value.message, caught.value.field, caught.value.offset) == ("CLOSE_REQ", "Text", 8)


def test_bytes_that_are_no_floating_field_are_located() -> None:
    with pytest.raises(DecodeError) as caught:
        cti_codec(25).decode(5, bytes.fromhex("00000002 0001 00"))
    assert (caught.value.message, caught.value.field, caught.value.offset) == ("HEARTBEAT_REQ", "floating", 4)


def test_task_control_without_a_sub_type_is_located() -> None:
    with pytest.raises(DecodeError) as caught:
        mr_codec().decode(47, b"\0\0")
    assert (caught.value.message, caught.value.field, caught.value.offset) == (None, "Subtype", 0)
