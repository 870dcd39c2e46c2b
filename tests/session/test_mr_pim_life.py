"""We are the PIM: heartbeats, idle time, ends, and applications that we dial (mr-wire (g))."""

import pytest

from ctigw.session.bindings import ApplicationBinding
from ctigw.session.events import MrPimDetails
from ctigw.session.mr_pim import MrPimSession
from ctigw.wire import mr, mr_codec
from pim_frames import ROUTING_ENABLED, cancel, failure
from session_pair import (
    NOW,
    NULL,
    PEER,
    answer,
    closing,
    factory,
    frames,
    hexes,
    messages,
    mr_frame,
    new_task,
    open_pim,
    opening,
    raw,
    refusals,
    taken,
)

# Keeping and ending.


def test_heartbeat_is_answered_with_its_invoke_id() -> None:
    session = open_pim()
    session.receive_bytes(bytes.fromhex("000000040000000500000002"), NOW)
    assert hexes(session) == ["000000040000000600000002"]


def test_silence_of_idle_timeout_closes_and_any_message_counts() -> None:
    session = open_pim(idle_ms=20_000)
    assert session.next_deadline() == NOW + 20
    session.receive_bytes(mr_frame(new_task()), NOW + 15)
    session.handle_deadline(NOW + 20)
    assert closing(session.take()[0]) is None
    assert session.next_deadline() == NOW + 35
    session.handle_deadline(NOW + 35)
    events, written = taken(session)
    assert (closing(events), written) == ("idle", [])
    assert session.next_deadline() is None


def test_half_a_frame_is_silence() -> None:
    session = open_pim(idle_ms=20_000)
    session.receive_bytes(mr_frame(new_task())[:50], NOW + 19)
    session.handle_deadline(NOW + 20)
    assert closing(session.take()[0]) == "idle"


@pytest.mark.parametrize("idle_ms", [0, NULL])
def test_no_idle_timeout_means_no_deadline(idle_ms: int) -> None:
    assert open_pim(idle_ms=idle_ms).next_deadline() is None


def test_close_request_is_confirmed_and_ends_the_session() -> None:
    session = open_pim()
    session.receive_bytes(bytes.fromhex("00000008000000070000000a00000000") + mr_frame(new_task()), NOW)
    events, written = taken(session)
    assert written == ["00000004000000080000000a"]
    assert (closing(events), messages(events)) == ("peer_closed", [])


def test_our_close_waits_5_s_for_the_confirmation() -> None:
    session = open_pim()
    session.close(mr.Status.NO_ERROR, NOW)
    session.close(mr.Status.NO_ERROR, NOW)
    assert hexes(session) == ["00000008000000070000000100000000"]
    assert session.next_deadline() == NOW + 5
    session.handle_deadline(NOW + 4.9)
    assert session.take() == ([], [])
    session.handle_deadline(NOW + 5)
    assert closing(session.take()[0]) == "we_closed"


def test_confirmation_ends_our_close() -> None:
    session = open_pim()
    session.close(0, NOW)
    session.receive_bytes(bytes.fromhex("000000040000000800000001"), NOW + 1)
    assert closing(session.take()[0]) == "we_closed"


def test_crossing_close_requests_end_both() -> None:
    session = open_pim()
    session.close(0, NOW)
    session.take()
    session.receive_bytes(mr_frame(mr.CloseReq(3, 0)), NOW + 1)
    events, written = taken(session)
    assert (closing(events), written) == ("we_closed", ["000000040000000800000003"])


def test_while_we_close_new_tasks_get_reason_2_and_answers_are_not_sent() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task(1)), NOW)
    session.close(0, NOW)
    session.take()
    session.submit(answer(1), NOW)
    session.receive_bytes(mr_frame(new_task(2)) + cancel(1), NOW)
    events, written = taken(session)
    assert (written, messages(events)) == ([failure(2, 2)], [])


def test_end_of_stream_ends_the_session() -> None:
    session = open_pim()
    session.receive_eof(NOW)
    session.receive_eof(NOW)
    assert closing(session.take()[0]) == "eof"
    session.submit(answer(), NOW)
    session.close(0, NOW)
    session.receive_bytes(mr_frame(new_task()), NOW)
    assert session.take() == ([], [])


def test_frames_are_counted_by_direction_and_name() -> None:
    session = open_pim()
    session.frame_counts.clear()
    session.receive_bytes(mr_frame(new_task()) + mr_frame(mr.HeartbeatReq(1)) * 2 + raw(99, b""), NOW)
    session.submit(answer(), NOW)
    assert session.frame_counts == {
        ("in", "NEW_TASK"): 1,
        ("in", "HEARTBEAT_REQ"): 2,
        ("in", "unknown"): 1,
        ("out", "HEARTBEAT_CONF"): 2,
        ("out", "FAILURE_EVENT"): 1,
        ("out", "DO_THIS_WITH_TASK"): 1,
    }


# We dial.


def dialled(now: float = NOW, heartbeat_s: float = 5.0) -> MrPimSession:
    """A session that we opened; nothing taken."""
    return factory().mr_pim_dialled(PEER, ApplicationBinding("webchat", True), heartbeat_s, now)


def test_we_dial_with_version_5_and_four_heartbeats_of_idle_time() -> None:
    assert hexes(dialled()) == ["0000000c00000003000000010000000500004e20"]


def test_dialled_session_opens_with_its_binding_and_enables_routing() -> None:
    session = dialled()
    session.take()
    session.receive_bytes(bytes.fromhex("0000000c00000004000000010000000400000000"), NOW + 1)
    events, written = taken(session)
    assert opening(events).details == MrPimDetails("webchat", True, None)
    assert (written, session.version) == ([ROUTING_ENABLED], 4)


def test_no_answer_within_10_s_ends_the_attempt() -> None:
    session = dialled()
    assert session.next_deadline() == NOW + 10
    session.handle_deadline(NOW + 10)
    assert closing(session.take()[0]) == "refused"


@pytest.mark.parametrize(
    "reply",
    [
        mr_frame(mr.FailureConf(1, 2)),
        mr_frame(mr.FailureEvent(4)),
        mr_frame(mr.OpenConf(1, 6, 0)),
        mr_frame(mr.OpenConf(1, 0, 0)),
        mr_frame(mr.OpenConf(1, 5, 3)),
    ],
)
def test_refusal_or_senseless_confirmation_ends_the_attempt(reply: bytes) -> None:
    session = dialled()
    session.take()
    session.receive_bytes(reply, NOW)
    events, written = taken(session)
    assert (closing(events), written) == ("refused", [])


def test_task_before_the_confirmation_gets_failure_event_4() -> None:
    session = dialled()
    session.take()
    session.receive_bytes(mr_frame(new_task()), NOW)
    events, written = taken(session)
    assert (written, refusals(events), closing(events)) == (["000000040000000200000004"], ["not_open"], None)


def open_dialled() -> MrPimSession:
    """A session that we opened and the application confirmed."""
    session = dialled()
    session.receive_bytes(mr_frame(mr.OpenConf(1, 5, 0)), NOW)
    session.take()
    return session


def test_we_send_a_heartbeat_every_interval_and_end_after_three_unanswered() -> None:
    session = open_dialled()
    sent = []
    for beat in (1, 2, 3):
        assert session.next_deadline() == NOW + 5 * beat
        session.handle_deadline(NOW + 5 * beat)
        events, written = taken(session)
        assert events == []
        sent += written
    assert sent == [f"0000000400000005{number:08x}" for number in (2, 3, 4)]
    session.handle_deadline(NOW + 20)
    assert closing(session.take()[0]) == "no_heartbeat"


def test_answered_heartbeats_keep_the_session_open() -> None:
    session = open_dialled()
    codec = mr_codec()
    for beat in range(1, 20):
        session.handle_deadline(NOW + 5 * beat)
        [frame] = frames(session)
        if beat % 3 == 0:
            session.receive_bytes(codec.encode(mr.HeartbeatConf(int.from_bytes(frame[8:12], "big"))), NOW + 5 * beat)
    events, _ = taken(session)
    assert closing(events) is None


def test_close_before_the_confirmation_ends_at_once() -> None:
    session = dialled()
    session.close(0, NOW)
    assert closing(session.take()[0]) == "we_closed"
