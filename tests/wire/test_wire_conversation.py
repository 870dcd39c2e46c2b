"""A recorded stream tells its protocol and version by its marks, and by the rule where it has none."""

from typing import Literal

import pytest

from ctigw.wire import cti, cti_codec, mr, mr_codec
from ctigw.wire.conversation import Conversation, Frame, cut


def stream(*parts: bytes) -> tuple[Frame, ...]:
    return cut(b"".join(parts), 12_492).frames


def codecs(
    frames: tuple[Frame, ...], protocol: Literal["mr", "cti", "auto"] = "auto", version: int | None = None
) -> list[str]:
    conversation = Conversation(frames, protocol, version)
    found = [conversation.codec_for(frame.type, frame.body) for frame in frames]
    return [f"{codec.protocol}{codec.version}" for codec in found]


def cti_open(version: int) -> bytes:
    codec = cti_codec(version if 13 <= version <= 25 else 25)
    return codec.encode(cti.OpenReq(1, version, 120, 1, 0, 0, 0, 0, 0, 0, 0))


def mr_open(version: int) -> bytes:
    return mr_codec().encode(mr.OpenReq(1, version, 20000))


HEARTBEAT = mr_codec().encode(mr.HeartbeatReq(2))
TASK_CONTROL = mr_codec().encode(mr.RoutingEnabled(0xFFFFFFFF, 0xFFFFFFFF))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (stream(cti_open(19), HEARTBEAT), ["cti19", "cti19"]),
        (stream(mr_open(4), HEARTBEAT), ["mr4", "mr4"]),
        (stream(HEARTBEAT, mr_open(3)), ["mr3", "mr3"]),
        (stream(cti_open(20), HEARTBEAT, cti_open(14), HEARTBEAT), ["cti20", "cti20", "cti14", "cti14"]),
        (stream(cti_open(99)), ["cti25"]),
        (stream(mr_open(0)), ["mr1"]),
        (stream(cti_open(8)), ["cti13"]),
        (stream(HEARTBEAT, TASK_CONTROL), ["mr5", "mr5"]),
        (stream(HEARTBEAT), ["cti25"]),
        (stream(bytes.fromhex("0000000c 00000004 00000001 00000005 00000000")), ["mr5"]),
        (stream(bytes.fromhex("0000000c 0000002f 0000000d 00000001 00000001")), ["cti25"]),
        ((), []),
    ],
)
def test_a_stream_tells_its_protocol_and_version(frames: tuple[Frame, ...], expected: list[str]) -> None:
    assert codecs(frames) == expected


def test_a_given_protocol_holds_against_the_rule() -> None:
    assert codecs(stream(HEARTBEAT), "mr") == ["mr5"]
    assert codecs(stream(mr_open(4)), "cti") == ["cti25"]


def test_a_given_version_holds_against_an_open_request() -> None:
    assert codecs(stream(cti_open(25), HEARTBEAT), version=19) == ["cti19", "cti19"]
    with pytest.raises(ValueError, match="is not within"):
        codecs(stream(cti_open(25)), version=5)


def test_a_cut_reports_what_is_in_no_frame() -> None:
    found = cut(HEARTBEAT + HEARTBEAT[:10], 100)
    assert [frame.offset for frame in found.frames] == [0]
    assert found.rest == 10
    assert found.problem is not None
    assert "12 bytes" in found.problem


def test_a_cut_ends_at_a_length_above_the_limit() -> None:
    found = cut(HEARTBEAT + bytes.fromhex("00000065 00000005"), 100)
    assert (len(found.frames), found.rest) == (1, 8)
    assert found.problem is not None
    assert "above the limit" in found.problem
