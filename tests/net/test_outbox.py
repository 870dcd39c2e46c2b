"""What waits to be written: order, bounds, ages."""

from ctigw.net.outbox import BATCH_BYTES, CONTROL_LIMIT_BYTES, Outbox


def test_control_frames_go_before_data_that_came_earlier() -> None:
    outbox = Outbox(1000, 10.0)
    outbox.put_data(b"data", 1.0)
    outbox.put_control(b"heartbeat")
    assert outbox.take_batch() == b"heartbeatdata"


def test_a_batch_is_short_so_that_a_later_heartbeat_does_not_wait_behind_all_data() -> None:
    outbox = Outbox(10 * BATCH_BYTES, 10.0)
    frame = b"x" * 1000
    for _ in range(3 * BATCH_BYTES // 1000):
        outbox.put_data(frame, 0.0)
    first = outbox.take_batch()
    assert BATCH_BYTES <= len(first) < BATCH_BYTES + 1000
    outbox.put_control(b"heartbeat")
    assert outbox.take_batch().startswith(b"heartbeat")


def test_a_frame_longer_than_a_batch_is_never_split() -> None:
    outbox = Outbox(10 * BATCH_BYTES, 10.0)
    outbox.put_data(b"y" * (BATCH_BYTES + 7), 0.0)
    outbox.put_data(b"z", 0.0)
    assert outbox.take_batch() == b"y" * (BATCH_BYTES + 7)
    assert outbox.take_batch() == b"z"
    assert outbox.take_batch() == b""


def test_bytes_in_flight_still_count_until_the_transport_took_them() -> None:
    outbox = Outbox(10, 10.0)
    outbox.put_data(b"12345678", 0.0)
    outbox.take_batch()
    outbox.put_data(b"1234", 0.0)
    assert outbox.waiting_bytes() == 12
    assert outbox.over_bytes()
    outbox.written()
    assert outbox.waiting_bytes() == 4
    assert not outbox.over_bytes()


def test_the_control_lane_does_not_count_against_the_data_lane_but_has_a_bound_of_its_own() -> None:
    outbox = Outbox(10, 10.0)
    outbox.put_control(b"x" * CONTROL_LIMIT_BYTES)
    assert not outbox.over_bytes()
    assert outbox.age_deadline() is None
    outbox.put_control(b"x")
    assert outbox.over_bytes()
    outbox.take_batch()
    assert not outbox.over_bytes()


def test_age_is_that_of_the_oldest_frame_that_still_waits() -> None:
    outbox = Outbox(10 * BATCH_BYTES, 10.0)
    outbox.put_data(b"x" * BATCH_BYTES, 5.0)
    outbox.put_data(b"late", 7.0)
    assert outbox.age_deadline() == 15.0
    outbox.take_batch()
    assert outbox.age_deadline() == 17.0
    outbox.take_batch()
    assert outbox.age_deadline() is None
