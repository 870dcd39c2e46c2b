"""Each message of each protocol in each version: whole, cut at every offset, and with every byte flipped once."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctigw.errors import DecodeError
from ctigw.wire import (
    AgentRef,
    AnyMessage,
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
    catalogue,
    cti_codec,
    mr_codec,
)
from ctigw.wire.frame import HEADER_BYTES
from ctigw.wire.json_form import frame_from_json, to_json
from ctigw.wire.layout import FloatRow, MessageRow, ProtocolName
from wire_messages import LIMITS, messages

PROTOCOLS: tuple[ProtocolName, ...] = ("mr", "cti")
CTI_CODECS = [cti_codec(version) for version in range(13, 26)]
CODECS = [mr_codec(version) for version in range(1, 6)] + CTI_CODECS
DAMAGED = [mr_codec(5), *(cti_codec(version) for version in (13, 19, 20, 25))]
"""Both forms of tag and length, and the versions at which they change."""

NAMES = {name: {row.name for row in catalogue.protocol(name).messages} for name in PROTOCOLS}

FULL: dict[str, FloatValue] = {
    "STRING": "a\xe9 text",
    "UNSPEC": b"\0\xff\0",
    "TASKID": TaskId(151635, -2, 1),
    "AGENTREF": AgentRef(1, 5080, -1, 7),
    "NAMEDVAR": NamedVariable("user.name", "value"),
    "NAMEDARRAY": NamedArray(3, "user.list", ""),
    "ECCNAME": EccName(1, "user.name"),
    "ECCVALUE": EccValue(1, ""),
    "ECCARRAY": EccArray(1, 2, "third"),
}


def ids(value: object) -> str:
    if isinstance(value, MessageRow):
        return f"{value.protocol}-{value.class_name}"
    return f"{value.protocol}{value.version}" if isinstance(value, Codec) else str(value)


def number(code: str, position: int) -> int:
    """A number that tells its place: different bytes, the sign bit set in every other one."""
    lowest, highest = LIMITS[code]
    spread = (position * 0x3D1B_4F07 + 0x8181_8181) & 0xFFFF_FFFF
    return lowest + spread % (highest - lowest + 1)


def full_value(codec: Codec, row: FloatRow, position: int) -> FloatValue:
    code = codec.rows.type(row.type).code
    if not code:
        return FULL[row.type]
    return [number(code, position), number(code, position + 1)] if row.array is not None else number(code, position)


def full_message(codec: Codec, row: MessageRow) -> Message:
    """A message with a value in every field and every floating field that the version can carry; lists hold two."""
    if not row.layout:
        return codec.class_of(row)(b"\0body\xff")
    values: dict[str, object] = {}
    for position, field in enumerate(row.fields_in(codec.version)):
        code = codec.rows.type(field.type).code
        values[field.attribute] = number(code, position) if code else FULL[field.type]
    for field in row.fields:
        values.setdefault(field.attribute, 0)
    highest_tag = 255 if codec.protocol == "mr" or codec.version < 20 else 65535
    floating: list[tuple[int, FloatValue]] = []
    if len([other for other in codec.rows.messages if other.name == row.name]) == 1:
        for position, known in enumerate(codec.rows.floats_of(row)):
            if known.min_version <= codec.version and known.tag <= highest_tag:
                times = 2 if known.repeats else 1
                floating += [(known.tag, full_value(codec, known, position + time)) for time in range(times)]
    return codec.class_of(row)(**values, floating=floating)


def decode_or_error(codec: Codec, row: MessageRow, body: bytes) -> AnyMessage | DecodeError:
    try:
        return codec.decode(row.number, body)
    except DecodeError as error:
        return error


def found_in(codec: Codec, row: MessageRow, body: bytes) -> bool:
    """Whether a damaged body is still a message, which then goes back unchanged; otherwise the error has its place."""
    decoded = decode_or_error(codec, row, body)
    if isinstance(decoded, DecodeError):
        assert 0 <= decoded.offset <= len(body)
        assert decoded.field is not None
        assert decoded.message is None or decoded.message in NAMES[codec.protocol]
        return False
    assert codec.encode(decoded)[HEADER_BYTES:] == body
    return True


@pytest.mark.parametrize("codec", CODECS, ids=ids)
def test_every_message_with_all_its_fields_comes_back(codec: Codec) -> None:
    for row in codec.rows.messages:
        message = full_message(codec, row)
        frame = codec.encode(message)
        decoded = codec.decode(row.number, frame[HEADER_BYTES:])
        assert decoded == message
        assert type(decoded) is type(message)
        assert codec.encode(decoded) == frame


@pytest.mark.parametrize("codec", CODECS, ids=ids)
def test_every_message_with_all_its_fields_survives_the_way_through_json(codec: Codec) -> None:
    for row in codec.rows.messages:
        frame = codec.encode(full_message(codec, row))
        decoded = codec.decode(row.number, frame[HEADER_BYTES:])
        assert not isinstance(decoded, UnknownMessage)
        assert frame_from_json(to_json(codec, decoded, len(frame) - HEADER_BYTES)) == frame


@pytest.mark.parametrize("codec", DAMAGED, ids=ids)
def test_every_message_cut_at_every_offset_is_shorter_or_a_located_error(codec: Codec) -> None:
    for row in codec.rows.messages:
        message = full_message(codec, row)
        body = codec.encode(message)[HEADER_BYTES:]
        whole = [length for length in range(len(body)) if found_in(codec, row, body[:length])]
        if isinstance(message, FieldMessage) and row.body_length is None:
            # Where the fixed part ends, and after every floating field; the last of them is the whole body.
            layouts = [other for other in codec.rows.messages if other.number == row.number and other.body_length]
            assert len(whole) == len(message.floating) + len(layouts), row.name


@pytest.mark.parametrize("codec", DAMAGED, ids=ids)
def test_every_message_with_any_byte_flipped_is_a_message_or_a_located_error(codec: Codec) -> None:
    for row in codec.rows.messages:
        body = codec.encode(full_message(codec, row))[HEADER_BYTES:]
        for position, octet in enumerate(body):
            found_in(codec, row, body[:position] + bytes([octet ^ 0xFF]) + body[position + 1 :])
            found_in(codec, row, body[:position] + bytes([octet ^ 0x01]) + body[position + 1 :])


@pytest.mark.parametrize("row", catalogue.protocol("cti").messages, ids=ids)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_any_values_of_a_cti_message_come_back_in_any_version(row: MessageRow, data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(CTI_CODECS))
    message = data.draw(messages(codec, row))
    frame = codec.encode(message)
    body = frame[HEADER_BYTES:]
    assert codec.decode(row.number, body) == message
    if body:
        found_in(codec, row, body[: data.draw(st.integers(0, len(body) - 1))])
        position = data.draw(st.integers(0, len(body) - 1))
        flipped = bytes([body[position] ^ data.draw(st.integers(1, 255))])
        found_in(codec, row, body[:position] + flipped + body[position + 1 :])
