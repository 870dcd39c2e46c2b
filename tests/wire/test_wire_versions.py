"""A peer is sent what its version has, and nothing newer."""

import pytest

from ctigw.wire import cti, cti_codec, mr_codec
from ctigw.wire.frame import HEADER_BYTES


def open_conf() -> cti.OpenConf:
    return cti.OpenConf(1, 1, 2, 0, 0, 1, 17, 0, department_id=7, session_type=1, floating=[(228, 3)])


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (13, "00000001 00000001 00000002 00000000 00000000 0001 0011 0000"),
        (14, "00000001 00000001 00000002 00000000 00000000 0001 0011 0000 e4 02 0003"),
        (18, "00000001 00000001 00000002 00000000 00000000 0001 0011 0000 e4 02 0003"),
        (19, "00000001 00000001 00000002 00000000 00000000 0001 0011 0000 00000007 e4 02 0003"),
        (20, "00000001 00000001 00000002 00000000 00000000 0001 0011 0000 00000007 00e4 0002 0003"),
        (23, "00000001 00000001 00000002 00000000 00000000 0001 0011 0000 00000007 00e4 0002 0003"),
        (24, "00000001 00000001 00000002 00000000 00000000 0001 0011 0000 00000007 0001 00e4 0002 0003"),
    ],
)
def test_fields_and_tags_newer_than_the_version_are_not_sent(version: int, body: str) -> None:
    assert cti_codec(version).encode(open_conf())[HEADER_BYTES:] == bytes.fromhex(body)


def test_a_field_that_the_version_does_not_have_is_zero_when_decoded() -> None:
    codec = cti_codec(18)
    decoded = codec.decode(4, codec.encode(open_conf())[HEADER_BYTES:])
    assert isinstance(decoded, cti.OpenConf)
    assert (decoded.department_id, decoded.session_type, decoded.num_peripherals) == (0, 0, 3)


@pytest.mark.parametrize(("version", "sent"), [(13, False), (19, False), (20, True), (25, True)])
def test_tags_above_255_are_not_sent_below_version_20(version: int, sent: bool) -> None:
    message = cti.ChangeMaxTaskLimitReq(1, 5001, 5001, 3, floating=[(266, 5), (4711, b"x")])
    codec = cti_codec(version)
    decoded = codec.decode(176, codec.encode(message)[HEADER_BYTES:])
    assert isinstance(decoded, cti.ChangeMaxTaskLimitReq)
    assert decoded.floating == (message.floating if sent else [])


def test_a_tag_of_a_later_version_is_kept_raw_and_goes_back() -> None:
    body = bytes.fromhex("00000001 00000001 00000002 00000000 00000000 0001 0011 0000 e4 02 0003")
    decoded = cti_codec(13).decode(4, body)
    assert isinstance(decoded, cti.OpenConf)
    assert decoded.floating == [(228, b"\0\3")]
    assert decoded.num_peripherals == 3
    assert cti_codec(13).encode(decoded)[HEADER_BYTES:] == body


def test_both_layouts_of_a_refusal_are_sent_by_class_in_every_version() -> None:
    for version in range(13, 26):
        codec = cti_codec(version)
        for message, length in ((cti.FailureConf(1, 2, 3), 10), (cti.FailureConfStatus(1, 2), 8)):
            frame = codec.encode(message)
            assert len(frame) == HEADER_BYTES + length
            assert codec.decode(1, frame[HEADER_BYTES:]) == message


def test_agent_mode_is_left_as_it_is_on_the_wire() -> None:
    message = cti.MediaLoginReq(1, 5001, 5001, cti.AgentMode.ROUTABLE, 1)
    assert cti_codec(15).encode(message)[HEADER_BYTES:] == cti_codec(25).encode(message)[HEADER_BYTES:]


@pytest.mark.parametrize("version", [0, 12, 26])
def test_a_version_that_the_protocol_does_not_have_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match="is not within"):
        cti_codec(version)
    with pytest.raises(ValueError, match="is not within"):
        mr_codec(version)


def test_a_codec_is_made_once() -> None:
    assert mr_codec(5) is mr_codec(5)
    assert cti_codec(19) is cti_codec(19)
