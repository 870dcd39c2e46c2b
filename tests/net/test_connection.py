"""One connection over memory streams and virtual time: rhythm, deadlines, bounds, endings."""

from collections.abc import Callable

import attrs
import pytest
import trio
import trio.testing

from ctigw.config.settings import LimitSettings
from ctigw.net.clock import SteadyClock
from ctigw.net.connection import Connection
from ctigw.session.events import CloseReason, Lane, SessionClosed, SessionEvent
from ctigw.wire import Message


class ScriptedSession:
    """A session whose behaviour a test writes: echoes in the data lane, closes on `bye`, fails on `bug`."""

    protocol = "mr"
    role = "application"
    side = "none"
    version = 5

    def __init__(self) -> None:
        self.frame_counts: dict[tuple[str, str], int] = {}
        self.deadline: float | None = None
        self.fired: list[float] = []
        self.events: list[SessionEvent] = []
        self.frames: list[tuple[bytes, Lane]] = []

    def receive_bytes(self, data: bytes, now: float) -> None:
        if data == b"bug":
            raise RuntimeError("a defect of ours")
        self.frames.append((data, Lane.DATA))
        if data == b"bye":
            self.events.append(SessionClosed(CloseReason.PEER_CLOSED, "said bye"))

    def receive_eof(self, now: float) -> None:
        self.events.append(SessionClosed(CloseReason.EOF, "end of stream"))

    def submit(self, message: Message, now: float) -> None:
        raise AssertionError("no test submits messages")

    def close(self, status: int, now: float) -> None:
        self.events.append(SessionClosed(CloseReason.WE_CLOSED, "asked"))

    def handle_deadline(self, now: float) -> None:
        self.fired.append(now)
        self.deadline = None

    def next_deadline(self) -> float | None:
        return self.deadline

    def take(self) -> tuple[list[SessionEvent], list[tuple[bytes, Lane]]]:
        taken = self.events, self.frames
        self.events, self.frames = [], []
        return taken


@attrs.define
class Recorder:
    """Owner that remembers."""

    closed: list[SessionClosed] = attrs.Factory(list)
    failures: list[BaseException] = attrs.Factory(list)
    written: list[float] = attrs.Factory(list)

    def session_events(self, connection: Connection, events: list[SessionEvent], now: float) -> None:
        self.closed += [event for event in events if isinstance(event, SessionClosed)]

    def batch_written(self, connection: Connection, marks: list[float], now: float) -> None:
        self.written += marks

    def session_failed(self, connection: Connection, error: BaseException) -> None:
        self.failures.append(error)


@attrs.define
class Bench:
    """A connection under test and its peer's end."""

    connection: Connection
    session: ScriptedSession
    owner: Recorder
    peer: trio.abc.Stream
    clock: SteadyClock


LIMITS = LimitSettings(first_message_s=1000, send_s=3, close_s=2, outbox_bytes=65_536, outbox_age_s=10)


def bench(limits: LimitSettings = LIMITS, *, lockstep: bool = False) -> Bench:
    """Lockstep streams take a write only when the other end reads: a peer that never reads never takes anything."""
    make: Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]] = (
        trio.testing.lockstep_stream_pair if lockstep else trio.testing.memory_stream_pair
    )
    ours, peer = make()
    clock = SteadyClock(1000.0)
    session, owner = ScriptedSession(), Recorder()
    return Bench(Connection(ours, session, owner, clock, limits, "127.0.0.1"), session, owner, peer, clock)


async def test_frames_go_out_and_the_end_of_the_peer_ends_the_connection(autojump_clock: trio.abc.Clock) -> None:
    made = bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await made.peer.send_all(b"hello")
        assert await made.peer.receive_some() == b"hello"
        await made.peer.aclose()
    assert [event.reason for event in made.owner.closed] == [CloseReason.EOF]


async def test_what_the_session_said_last_is_written_before_the_stream_closes(autojump_clock: trio.abc.Clock) -> None:
    made = bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await made.peer.send_all(b"bye")
        assert await made.peer.receive_some() == b"bye"
        assert await made.peer.receive_some() == b""
    assert [event.reason for event in made.owner.closed] == [CloseReason.PEER_CLOSED]


async def test_a_deadline_of_the_session_fires_once_and_on_time(autojump_clock: trio.abc.Clock) -> None:
    made = bench()
    made.session.deadline = 1007.0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await trio.sleep(20)
        nursery.cancel_scope.cancel()
    assert made.session.fired == [pytest.approx(1007.0)]


async def test_a_deadline_that_comes_nearer_wakes_the_timer(autojump_clock: trio.abc.Clock) -> None:
    made = bench()
    made.session.deadline = 1500.0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await trio.sleep(1)
        made.session.deadline = 1002.0
        await made.peer.send_all(b"x")
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert made.session.fired == [pytest.approx(1002.0)]


async def test_a_peer_that_says_nothing_whole_is_cut_after_the_first_message_limit(
    autojump_clock: trio.abc.Clock,
) -> None:
    made = bench(attrs.evolve(LIMITS, first_message_s=4))
    started = trio.current_time()
    closed = await made.connection.run()
    assert closed.reason is CloseReason.FIRST_MESSAGE
    assert trio.current_time() - started == pytest.approx(4)


async def test_a_peer_that_never_reads_is_cut_when_a_write_takes_too_long(autojump_clock: trio.abc.Clock) -> None:
    made = bench(lockstep=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await made.peer.send_all(b"x" * 100)
        await trio.sleep(60)
    assert [event.reason for event in made.owner.closed] == [CloseReason.SEND_TIMEOUT]


async def test_a_write_that_takes_too_long_while_closing_ends_the_connection_then(
    autojump_clock: trio.abc.Clock,
) -> None:
    made = bench(attrs.evolve(LIMITS, send_s=1, close_s=1000), lockstep=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await made.peer.send_all(b"bye")
        started = trio.current_time()
    assert trio.current_time() - started == pytest.approx(1)
    assert [event.reason for event in made.owner.closed] == [CloseReason.PEER_CLOSED]


async def test_a_control_frame_that_nobody_takes_is_timed_too(autojump_clock: trio.abc.Clock) -> None:
    made = bench(lockstep=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await trio.sleep(5)
        made.session.frames.append((b"heartbeat", Lane.CONTROL))
        made.connection.pump(made.clock.now())
        started = trio.current_time()
    assert trio.current_time() - started == pytest.approx(LIMITS.send_s)
    assert [event.reason for event in made.owner.closed] == [CloseReason.SEND_TIMEOUT]


async def test_too_many_waiting_bytes_cut_the_connection_at_once(autojump_clock: trio.abc.Clock) -> None:
    made = bench(attrs.evolve(LIMITS, send_s=100, outbox_age_s=100), lockstep=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await made.peer.send_all(b"x" * 30_000)
        await trio.sleep(1)
        made.session.frames += [(b"y" * 30_000, Lane.DATA)] * 2
        made.connection.pump(made.clock.now())
    assert [event.reason for event in made.owner.closed] == [CloseReason.OUTBOX_BYTES]


async def test_old_data_cuts_the_connection(autojump_clock: trio.abc.Clock) -> None:
    made = bench(attrs.evolve(LIMITS, send_s=100), lockstep=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await made.peer.send_all(b"in flight")
        await trio.sleep(1)
        made.session.frames.append((b"waiting", Lane.DATA))
        made.connection.pump(made.clock.now())
        await trio.sleep(60)
    assert [event.reason for event in made.owner.closed] == [CloseReason.OUTBOX_AGE]


@attrs.define
class RecordingStream(trio.abc.SendStream):
    """A stream that tells what was asked of it."""

    inner: trio.abc.SendStream
    sent: list[bytes]

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self.inner.aclose()


async def test_nothing_is_written_after_a_write_was_given_up(autojump_clock: trio.abc.Clock) -> None:
    ours, peer = trio.testing.lockstep_stream_pair()
    sent: list[bytes] = []
    ours.send_stream = RecordingStream(ours.send_stream, sent)
    session, owner = ScriptedSession(), Recorder()
    connection = Connection(ours, session, owner, SteadyClock(0.0), LIMITS, "127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        await peer.send_all(b"first")
        await trio.sleep(60)
        session.frames.append((b"later", Lane.CONTROL))
        connection.pump(0.0)
        await trio.sleep(1)
    assert sent == [b"first"]


async def test_a_defect_of_ours_ends_one_connection_and_is_reported(autojump_clock: trio.abc.Clock) -> None:
    made = bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await made.peer.send_all(b"bug")
    assert [event.reason for event in made.owner.closed] == [CloseReason.INTERNAL]
    assert len(made.owner.failures) == 1


async def test_marks_are_reported_once_their_batch_is_written(autojump_clock: trio.abc.Clock) -> None:
    made = bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        made.connection.mark(999.0)
        await made.peer.send_all(b"x")
        await made.peer.receive_some()
        await trio.testing.wait_all_tasks_blocked()
        assert made.owner.written == [999.0]
        nursery.cancel_scope.cancel()


async def test_cancelling_closes_the_stream_and_tells_the_owner(autojump_clock: trio.abc.Clock) -> None:
    made = bench()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.connection.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert [event.reason for event in made.owner.closed] == [CloseReason.SHUTDOWN]
    with pytest.raises(trio.BrokenResourceError):
        await made.peer.send_all(b"anybody?")
