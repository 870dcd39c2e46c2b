"""The fast codec and the construct declarations agree on values, on failures and on bytes."""

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctigw.errors import DecodeError
from ctigw.wire import BodyOnly, Codec, FieldMessage, UnknownMessage, cti_codec, mr_codec, reference
from ctigw.wire.frame import HEADER_BYTES
from wire_messages import messages
from wire_samples import SAMPLES

CODECS = [mr_codec(), cti_codec(13), cti_codec(19), cti_codec(20), cti_codec(24), cti_codec(25)]


def ids(codec: Codec) -> str:
    return f"{codec.protocol}{codec.version}"


def compare(codec: Codec, number: int, body: bytes) -> None:
    """Both read the body alike, and both write what they read alike."""
    try:
        row = reference.find_row(codec.rows, number, body)
        parsed = None if row is None or not row.layout else reference.parse(codec.rows, codec.version, row, body)
    except reference.MisfitError:
        with pytest.raises(DecodeError):
            codec.decode(number, body)
        return
    message = codec.decode(number, body)
    if parsed is None or row is None:
        assert isinstance(message, UnknownMessage | BodyOnly)
        return
    assert isinstance(message, FieldMessage)
    assert row.name == message.NAME
    fields = {field.name: getattr(message, field.attribute) for field in row.fields_in(codec.version)}
    assert fields == parsed.fields
    assert message.floating == parsed.floating
    assert codec.encode(message) == reference.build(codec.rows, codec.version, row, parsed)


@pytest.mark.parametrize("codec", CODECS, ids=ids)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whole_and_damaged_messages_are_read_alike(codec: Codec, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(codec.rows.messages))
    body = codec.encode(data.draw(messages(codec, row)))[HEADER_BYTES:]
    compare(codec, row.number, body)
    compare(codec, row.number, body[: data.draw(st.integers(0, len(body)))])
    compare(codec, row.number, body + data.draw(st.binary(max_size=8)))
    if body:
        position = data.draw(st.integers(0, len(body) - 1))
        compare(
            codec, row.number, body[:position] + data.draw(st.binary(min_size=1, max_size=1)) + body[position + 1 :]
        )


@pytest.mark.parametrize("codec", CODECS, ids=ids)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_bytes_are_read_alike(codec: Codec, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(codec.rows.messages))
    compare(codec, row.number, data.draw(st.binary(max_size=60)))


def test_the_samples_are_read_alike() -> None:
    for sample in SAMPLES:
        codec = mr_codec(sample.version) if sample.protocol == "mr" else cti_codec(sample.version)
        compare(codec, int.from_bytes(sample.frame[4:8], "big"), sample.frame[HEADER_BYTES:])


def test_a_difference_would_be_seen() -> None:
    codec = mr_codec()
    other = attrs.evolve(codec.rows, text_ends_with_nul=True)
    body = bytes.fromhex("0000000a 00000000 01 01 41")
    row = reference.find_row(other, 7, body)
    assert row is not None
    assert reference.parse(other, 5, row, body).floating == [(1, b"A")]
    assert reference.parse(codec.rows, 5, row, body).floating == [(1, "A")]
