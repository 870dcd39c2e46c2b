"""One connection: a stream, a session, and the three tasks between them.

Knows streams, deadlines and the outbox; must not know what messages mean or which sessions exist besides this one.
Reader, writer and timer share one rhythm: tell the session, take what it has to say, hand it on; nothing awaits in
between, so nothing can be half done at a cancellation (engineering A3, F1). Only the writer touches `send_all`; a
failed or cancelled one ends the stream for good.
"""

import math
import ssl
import struct
from typing import Protocol

import trio

from ctigw.config.settings import LimitSettings
from ctigw.net.clock import SteadyClock
from ctigw.net.outbox import Outbox
from ctigw.session.events import CloseReason, Lane, SessionClosed, SessionEvent, SessionOpened, SessionRecognised
from ctigw.session.session import Session

READ_BYTES = 32 * 1024
"""Most bytes of one read: some hundred frames, a few milliseconds of work before other connections get their turn."""


_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST and frees the buffers."""


class ConnectionOwner(Protocol):
    """Who hears what the session reports.

    Called synchronously; must not await and must not raise for anything a peer does.
    """

    def session_events(self, connection: "Connection", events: list[SessionEvent], now: float) -> None:
        """Events of one pump, in order; the last may be SessionClosed."""

    def batch_written(self, connection: "Connection", marks: list[float], now: float) -> None:
        """A write was taken by the transport; `marks` are the moments given to `mark` before it."""

    def session_failed(self, connection: "Connection", error: BaseException) -> None:
        """Our own bug ended this connection (engineering A4): to be logged with its traceback and counted."""


class Connection:
    """Runs one session over one stream until either ends."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        session: Session,
        owner: ConnectionOwner,
        clock: SteadyClock,
        limits: LimitSettings,
        address: str,
        port: int = 0,
    ) -> None:
        """`port`: the peer's, 0 where it has none."""
        self.session = session
        self.address = address
        self.port = port
        self.outbox = Outbox(limits.outbox_bytes, limits.outbox_age_s)
        self._stream = stream
        self._owner = owner
        self._clock = clock
        self._limits = limits
        self._first_message_deadline: float | None = clock.now() + limits.first_message_s
        self._marks: list[float] = []
        self._closed: SessionClosed | None = None
        self._dead = False
        self._writer_idle = trio.lowlevel.ParkingLot()
        self._wake_timer = trio.Event()
        self._timer_at = math.inf
        self._send_deadline = math.inf
        """When the write under way has taken too long. The timer watches it: to move a scope's deadline for each write
        costs more than all of the write's own bookkeeping.
        """
        self._drained = trio.Event()
        self._read_scope = trio.CancelScope()

    async def run(self) -> SessionClosed:
        """Serve until the session or the stream ends; returns why.

        The stream is closed on return; when cancelled, without any further wait.
        """
        cancelled = True
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                nursery.start_soon(self._keep_time)
                with self._read_scope:
                    await self._read()
                self._writer_idle.unpark_all()
                with trio.move_on_after(0 if self._dead else self._limits.close_s):
                    await self._drained.wait()
                nursery.cancel_scope.cancel()
            cancelled = False
        except* Exception as failures:  # noqa: BLE001 - the outermost try of a connection: the others must live (F5)
            self._owner.session_failed(self, failures)
            self.cut(CloseReason.INTERNAL, "error of ours")
        finally:
            self._dead = self._dead or cancelled
            self._end(CloseReason.SHUTDOWN, "cancelled")
            await self._close_stream()
        assert self._closed is not None  # _end has just seen to it
        return self._closed

    def pump(self, now: float) -> None:
        """Move what the session has to say to the owner and the outbox.

        Never awaits; may be called by the owner after `submit`.
        """
        while True:
            events, frames = self.session.take()
            for frame, lane in frames:
                if lane is Lane.CONTROL:
                    self.outbox.put_control(frame)
                else:
                    self.outbox.put_data(frame, now)
            if not events:
                break
            for event in events:
                if isinstance(event, SessionRecognised):
                    self.session = event.session
                    self._first_message_deadline = None
                elif isinstance(event, SessionOpened):
                    self._first_message_deadline = None
                elif isinstance(event, SessionClosed):
                    self._closed = event
                    self._read_scope.cancel()
            self._owner.session_events(self, events, now)
        if self.outbox:
            self._writer_idle.unpark_all()
            if self.outbox.over_bytes():
                self.cut(CloseReason.OUTBOX_BYTES, f"{self.outbox.waiting_bytes()} bytes waiting")
        self._arm(now)

    def mark(self, moment: float) -> None:
        """Report `moment` to the owner once what is in the outbox now has been written."""
        self._marks.append(moment)

    def cut(self, reason: CloseReason, detail: str) -> None:
        """End the connection at once; nothing more is written."""
        self._dead = True
        self._end(reason, detail)
        self._read_scope.cancel()
        self._drained.set()

    def _end(self, reason: CloseReason, detail: str) -> None:
        if self._closed is None:
            self._closed = SessionClosed(reason=reason, detail=detail)
            self._owner.session_events(self, [self._closed], self._clock.now())

    async def _read(self) -> None:
        while self._closed is None:
            try:
                data = await self._stream.receive_some(READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                if not _ended_without_close_notify(error):
                    self.cut(CloseReason.BROKEN, _cause(error))
                    return
                data = b""
            now = self._clock.now()
            if data:
                self.session.receive_bytes(bytes(data), now)
            else:
                self.session.receive_eof(now)
            self.pump(now)

    async def _write(self) -> None:
        while not self._dead:
            batch = self.outbox.take_batch()
            if not batch:
                if self._closed is not None:
                    break
                await self._writer_idle.park()
                continue
            marks, self._marks = self._marks, []
            self._send_deadline = self._clock.now() + self._limits.send_s
            if self._send_deadline < self._timer_at:
                self._wake_timer.set()
            try:
                await self._stream.send_all(batch)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                self.cut(CloseReason.BROKEN, _cause(error))
            except BaseException:
                self._dead = True  # a cancelled send leaves half a frame: nothing may follow it (engineering F2)
                raise
            else:
                self._send_deadline = math.inf
                self.outbox.written()
                if marks:
                    self._owner.batch_written(self, marks, self._clock.now())
        self._drained.set()

    async def _keep_time(self) -> None:
        while True:
            self._wake_timer = trio.Event()
            self._timer_at = self._next_deadline()
            with trio.move_on_at(self._clock.trio_deadline(self._timer_at)):
                await self._wake_timer.wait()
            now = self._clock.now()
            if now < self._timer_at:
                continue
            self._enforce(now)
            if self._closed is None:
                self.session.handle_deadline(now)
                self.pump(now)

    def _enforce(self, now: float) -> None:
        """The driver's own deadlines; the session's are its own business."""
        oldest = self.outbox.age_deadline()
        if self._send_deadline <= now:
            # The write is cancelled with the nursery: a cut connection does not wait for its outbox.
            self.cut(CloseReason.SEND_TIMEOUT, f"nothing taken for {self._limits.send_s:g} s")
        elif oldest is not None and oldest <= now:
            self.cut(CloseReason.OUTBOX_AGE, f"older than {self._limits.outbox_age_s:g} s")
        elif self._first_message_deadline is not None and self._first_message_deadline <= now:
            self._first_message_deadline = None
            self._end(CloseReason.FIRST_MESSAGE, f"no whole first message in {self._limits.first_message_s:g} s")
            self._read_scope.cancel()

    def _next_deadline(self) -> float:
        earliest = self._send_deadline
        for at in (self.session.next_deadline(), self.outbox.age_deadline(), self._first_message_deadline):
            if at is not None and at < earliest:
                earliest = at
        return earliest

    def _arm(self, now: float) -> None:
        """Wake the timer only when something is due earlier than it sleeps: a later deadline is looked at when it
        wakes.
        """
        if self._next_deadline() < self._timer_at:
            self._wake_timer.set()

    async def _close_stream(self) -> None:
        """Orderly end within a deadline, then without asking.

        Shielded, because a cancelled task must not leak a socket.
        """
        with trio.CancelScope(deadline=trio.current_time() + self._limits.close_s, shield=True):
            try:
                if self._dead:
                    drop_unsent(self._stream)
                    await trio.aclose_forcefully(self._stream)
                else:
                    await self._stream.aclose()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                await trio.aclose_forcefully(self._stream)
        await trio.aclose_forcefully(self._stream)


def drop_unsent(stream: trio.abc.Stream) -> None:
    """Have the kernel forget what the peer did not take.

    Otherwise a peer that never reads would hold the socket and its buffers long after the connection was cut.
    """
    if isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    if isinstance(stream, trio.SocketStream):
        stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, _RESET_ON_CLOSE)


def _ended_without_close_notify(error: BaseException) -> bool:
    """Whether a TLS peer just ended TCP: peers here say goodbye with CLOSE_REQ, many of them not with TLS's own."""
    return isinstance(error.__cause__, ssl.SSLEOFError)


def _cause(error: BaseException) -> str:
    """What broke a stream, in one line: Trio keeps the system's own error as the cause."""
    return str(error.__cause__ or error) or type(error).__name__
