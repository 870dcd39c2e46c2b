"""The first frame decides what the peer is (decisions A1, A2)."""

import pytest

from ctigw.errors import LocalProtocolError
from ctigw.session.cti_server import CtiServerSession
from ctigw.session.mr_application import MrApplicationSession
from ctigw.session.mr_pim import MrPimSession
from ctigw.wire import mr
from session_pair import (
    FEEDS,
    NOW,
    NULL,
    Feed,
    closing,
    cti_frame,
    factory,
    greet,
    hexes,
    mr_frame,
    open_request,
    opening,
    raw,
    recognised,
    refusals,
    taken,
)

PIM_OPEN = "0000000c00000003000000010000000500004e20"
FAILURE_EVENT_4 = "000000040000000200000004"
FAILURE_CONF_12 = "0000000800000001000000010000000c"


@pytest.mark.parametrize("feed", FEEDS)
def test_mr_open_request_without_role_becomes_an_application_session(feed: Feed) -> None:
    greeter = greet()
    feed(greeter, bytes.fromhex(PIM_OPEN), NOW)
    events, written = taken(greeter)
    session = recognised(events)
    assert isinstance(session, MrApplicationSession)
    assert written == []
    assert hexes(session) == ["0000000c00000004000000010000000500000000"]


def test_mr_open_request_with_role_1_becomes_an_application_session() -> None:
    greeter = greet()
    greeter.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 1)])), NOW)
    assert isinstance(recognised(greeter.take()[0]), MrApplicationSession)


@pytest.mark.parametrize("feed", FEEDS)
def test_mr_open_request_with_role_2_becomes_a_pim_session(feed: Feed) -> None:
    greeter = greet()
    feed(greeter, mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 2)])), NOW)
    session = recognised(greeter.take()[0])
    assert isinstance(session, MrPimSession)
    assert hexes(session) == [
        "0000000c00000004000000010000000500000000",
        "0000000c0000002f00000001ffffffffffffffff",
    ]


@pytest.mark.parametrize("feed", FEEDS)
def test_body_of_44_bytes_or_more_becomes_a_cti_session(feed: Feed) -> None:
    greeter = greet()
    feed(greeter, cti_frame(open_request()), NOW)
    session = recognised(greeter.take()[0])
    assert isinstance(session, CtiServerSession)
    assert opening(session.take()[0]).role == "client"


def test_body_of_43_bytes_is_mr_and_of_44_is_cti() -> None:
    fixed = (1).to_bytes(4, "big") + (5).to_bytes(4, "big") + (20_000).to_bytes(4, "big")
    for length, kind in ((43, MrApplicationSession), (44, CtiServerSession)):
        padding = length - len(fixed) - 2
        greeter = greet()
        greeter.receive_bytes(raw(3, fixed + bytes([250, padding]) + bytes(padding)), NOW)
        assert isinstance(recognised(greeter.take()[0]), kind)


def test_bytes_behind_the_first_frame_reach_the_recognised_session() -> None:
    greeter = greet()
    heartbeat = mr_frame(mr.HeartbeatReq(9))
    greeter.receive_bytes(bytes.fromhex(PIM_OPEN) + heartbeat + heartbeat[:5], NOW)
    session = recognised(greeter.take()[0])
    session.receive_bytes(heartbeat[5:], NOW)
    assert hexes(session)[1:] == [mr_frame(mr.HeartbeatConf(9)).hex()] * 2


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(
    "first",
    [
        pytest.param(raw(5, bytes(4)), id="heartbeat"),
        pytest.param(raw(47, bytes(40)), id="task control"),
        pytest.param(raw(0, b""), id="type 0"),
        pytest.param(raw(0xFFFFFFFF, bytes(20)), id="unknown type"),
        pytest.param(raw(3, bytes(11)), id="open request below 12 bytes"),
        pytest.param(raw(3, b""), id="empty open request"),
    ],
)
def test_another_first_message_gets_failure_event_4_and_the_end(feed: Feed, first: bytes) -> None:
    greeter = greet()
    feed(greeter, first, NOW)
    events, written = taken(greeter)
    assert written == [FAILURE_EVENT_4]
    assert refusals(events) == ["not_open"]
    assert closing(events) == "wrong_first_message"


def test_wrong_first_message_is_refused_from_its_header_alone() -> None:
    greeter = greet()
    greeter.receive_bytes(raw(5, bytes(400))[:8], NOW)
    assert closing(greeter.take()[0]) == "wrong_first_message"


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"\xff\xff\xff\xff", id="4 GiB"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="http"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls"),
        pytest.param(raw(3, bytes(12_493)), id="one byte above the limit"),
    ],
)
def test_length_above_the_limit_closes_unanswered(feed: Feed, first: bytes) -> None:
    greeter = greet()
    feed(greeter, first, NOW)
    events, written = taken(greeter)
    assert written == []
    assert (refusals(events), closing(events)) == (["length"], "length")


def test_four_bytes_of_length_are_enough_to_close() -> None:
    greeter = greet()
    greeter.receive_bytes((12_493).to_bytes(4, "big"), NOW)
    assert closing(greeter.take()[0]) == "length"


@pytest.mark.parametrize("role", [0, 3, NULL])
def test_unknown_role_is_refused_with_12(role: int) -> None:
    greeter = greet()
    greeter.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000, [(135, role)])), NOW)
    events, written = taken(greeter)
    assert written == [FAILURE_CONF_12]
    assert closing(events) == "refused"


def test_role_that_is_no_number_is_refused_with_12() -> None:
    greeter = greet()
    greeter.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000, [(135, b"pim")])), NOW)
    assert hexes(greeter) == [FAILURE_CONF_12]


@pytest.mark.parametrize(
    ("allowed", "first"),
    [
        ("cti", bytes.fromhex(PIM_OPEN)),
        ("cti", mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 2)]))),
        ("mr", cti_frame(open_request())),
        ("mr", cti_frame(open_request(version=13), 13)),
    ],
)
def test_protocol_that_the_listener_excludes_is_refused_with_12_in_the_short_form(allowed: str, first: bytes) -> None:
    greeter = greet(None, allowed)
    greeter.receive_bytes(first, NOW)
    events, written = taken(greeter)
    assert written == [FAILURE_CONF_12]
    assert closing(events) == "refused"


def test_mr_open_request_whose_floats_do_not_end_with_it_gets_failure_event_33_and_the_end() -> None:
    greeter = greet()
    greeter.receive_bytes(raw(3, bytes.fromhex("000000010000000500004e20") + b"\x87\x04\x00"), NOW)
    events, written = taken(greeter)
    assert written == ["000000040000000200000021"]
    assert (refusals(events), closing(events)) == (["malformed"], "refused")


def test_standby_side_recognises_and_then_refuses() -> None:
    greeter = greet(factory(standby=True))
    greeter.receive_bytes(bytes.fromhex(PIM_OPEN), NOW)
    events, written = taken(recognised(greeter.take()[0]))
    assert written == ["00000008000000010000000100000003"]
    assert closing(events) == "refused"


def test_nothing_is_read_after_a_refusal() -> None:
    greeter = greet()
    greeter.receive_bytes(raw(5, bytes(4)) + bytes.fromhex(PIM_OPEN), NOW)
    greeter.take()
    greeter.receive_bytes(bytes.fromhex(PIM_OPEN), NOW)
    assert greeter.take() == ([], [])


def test_silence_then_end_of_stream_is_an_end_without_an_answer() -> None:
    greeter = greet()
    greeter.receive_bytes(bytes.fromhex(PIM_OPEN)[:13], NOW)
    greeter.receive_eof(NOW)
    events, written = taken(greeter)
    assert (closing(events), written) == ("eof", [])
    assert greeter.next_deadline() is None


def test_close_before_the_first_message_ends_at_once() -> None:
    greeter = greet()
    greeter.close(0, NOW)
    assert closing(greeter.take()[0]) == "we_closed"


def test_nothing_can_be_sent_to_a_peer_that_is_not_known() -> None:
    with pytest.raises(LocalProtocolError):
        greet().submit(mr.HeartbeatReq(1), NOW)


def test_refused_frames_are_counted_by_direction_and_name() -> None:
    greeter = greet()
    greeter.receive_bytes(raw(5, bytes(4)), NOW)
    assert greeter.frame_counts == {("in", "unknown"): 1, ("out", "FAILURE_EVENT"): 1}
