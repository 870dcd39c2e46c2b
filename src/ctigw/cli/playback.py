"""Playing the steps of a plan against a server.

Knows sockets, deadlines and when a step is due: a message of the client is sent when the captured messages before it,
on whatever connection, have come or their time is over. Must not know how answers are compared; `ctigw.replay` does
that. Rules: design 5 (replay), engineering F2 and F4 (nothing is written after a failed write; every wait has a
deadline).
"""

import math
import ssl
from typing import Final

import attrs
import trio

from ctigw.errors import FrameError
from ctigw.net.dialling import dial
from ctigw.replay.comparison import Comparison
from ctigw.replay.plan import (
    CLOSE_REQUEST,
    HEARTBEAT_ANSWER,
    HEARTBEAT_REQUEST,
    Action,
    Plan,
    Step,
    Told,
    leaving,
    told,
)
from ctigw.wire.codec import Codec
from ctigw.wire.frame import CTI_MAX_BODY, MR_MAX_BODY, FrameBuffer
from ctigw.wire.json_form import frame_from_json

SEND_S: Final = 10.0
"""For one message to be taken by the server."""
SETTLE_S: Final = 0.5
"""After a message that is like the expected one, but not equal: so long the equal one may still come. And after the
last step: so long something may come that is not in the capture."""
CROSSING_S: Final = 0.02
"""Between messages on two connections with no answer between them, so that the server takes the first one first, as it
did; and before the last message of a client, so that it hears what it heard."""
PIPELINE_S: Final = 0.003
"""Between two messages on one connection with no answer between them, so that the server need not take both at once."""
CLOSE_S: Final = 1.0
_READ_BYTES: Final = 65_536


class PlaybackError(Exception):
    """The server cannot be reached; the text says why."""


@attrs.define(eq=False)
class _Live:
    """One connection that is played."""

    stream: trio.abc.Stream
    codec: Codec
    reading: trio.CancelScope = attrs.Factory(trio.CancelScope)
    # Heartbeats are answered by the reader while a step is sent; trio's strict lock keeps frames whole.
    sending: trio.StrictFIFOLock = attrs.Factory(trio.StrictFIFOLock)
    over: str | None = None
    """Why nothing more can be sent; None while it lives."""
    ended: bool = False
    """The server has ended its half."""


@attrs.define
class _Anchor:
    """The last message that was sent: its time here and in the capture."""

    now: float
    captured: float

    def due(self, step: Step) -> float:
        """When a step would follow in the rhythm of the capture."""
        return self.now + max(0.0, step.moment.time - self.captured)


class Player:
    """Plays a plan once."""

    def __init__(
        self,
        plan: Plan,
        comparison: Comparison,
        address: str,
        context: ssl.SSLContext | None,
        *,
        fast: bool,
        wait_s: float,
    ) -> None:
        """`context` None: plain TCP. `fast`: waits for answers only. `wait_s`: seconds that an answer may be late."""
        self._plan = plan
        self._comparison = comparison
        self._address = address
        self._context = context
        self._fast = fast
        self._wait_s = wait_s
        self._live: dict[int, _Live] = {}
        self._changed = trio.Event()
        self._last_sent: int | None = None
        self._leaving = leaving(plan)
        self.sent = 0
        """Messages that the server has taken."""

    async def run(self) -> None:
        """Play all steps. Raises `PlaybackError`; cancelled, it cuts all connections."""
        if not self._plan.steps:
            return
        anchor = _Anchor(trio.current_time(), self._plan.steps[0].moment.time)
        failure: PlaybackError | None = None
        async with trio.open_nursery() as nursery:
            try:
                for step in self._plan.steps:
                    for connection in self._leaving.get(step, ()):
                        self._comparison.leave(connection)
                    await self._step(nursery, step, anchor)
                await trio.sleep(SETTLE_S)
                for live in self._live.values():
                    await _close(live)
            except PlaybackError as error:
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure
        self._comparison.finish()

    async def _step(self, nursery: trio.Nursery, step: Step, anchor: _Anchor) -> None:
        match step.action:
            case Action.SEND:
                await self._send(nursery, step, anchor)
            case Action.EXPECT:
                self._last_sent = None
                await self._expect(step, anchor.due(step) + self._wait_s)
            case Action.EXPECT_CLOSE:
                await self._expect_close(step, anchor.due(step) + self._wait_s)
            case Action.CLOSE:
                if not self._fast:
                    await trio.sleep_until(anchor.due(step))
                live = self._live.get(step.connection)
                if live is not None:
                    await _close(live)

    # ---- steps

    async def _send(self, nursery: trio.Nursery, step: Step, anchor: _Anchor) -> None:
        live = self._live.get(step.connection)
        if live is None:
            live = await self._open(nursery, step)
        if not self._fast:
            await trio.sleep_until(anchor.due(step))
        if self._last_sent == step.connection:
            await trio.sleep_until(anchor.now + PIPELINE_S)
        closing = step.message is not None and step.message.name == CLOSE_REQUEST
        if closing or self._last_sent not in (None, step.connection):
            await trio.sleep(CROSSING_S)
        self._last_sent = step.connection
        if step.message is not None:
            live.codec = step.message.codec
        anchor.now, anchor.captured = trio.current_time(), step.moment.time
        told_before = live.over is not None
        await _write(live, self._comparison.frame(step))
        if live.over is None:
            self.sent += 1
        elif not told_before:
            self._comparison.note(step, f"cannot be sent: {live.over}")

    async def _open(self, nursery: trio.Nursery, step: Step) -> _Live:
        if step.message is None:
            raise PlaybackError("the plan opens a connection without a message")
        stream = await dial(self._address, self._context)
        if isinstance(stream, str):
            raise PlaybackError(f"{self._address}: {stream}")
        live = self._live[step.connection] = _Live(stream, step.message.codec)
        nursery.start_soon(self._read, step.connection, live)
        return live

    async def _expect(self, step: Step, deadline: float) -> None:
        """Wait for a captured message. Something like it that stays ends the wait early."""
        limit = deadline
        while self._comparison.is_outstanding(step):
            live = self._live.get(step.connection)
            if live is None or live.ended:
                break
            if limit == deadline and self._comparison.has_candidate(step):
                limit = min(deadline, trio.current_time() + SETTLE_S)
            if not await self._change(limit):
                break
        self._comparison.settle(step)

    async def _expect_close(self, step: Step, deadline: float) -> None:
        live = self._live.get(step.connection)
        while live is not None and not live.ended:
            if not await self._change(deadline):
                self._comparison.note(step, "is still open; in the capture the server ends it")
                await _close(live)
                return

    async def _change(self, deadline: float) -> bool:
        """Wait until something comes; False: nothing came until `deadline`."""
        self._changed = trio.Event()
        with trio.move_on_at(deadline):
            await self._changed.wait()
            return True
        return False

    # ---- reading

    async def _read(self, number: int, live: _Live) -> None:
        """Take what the server sends until it ends."""
        frames = FrameBuffer(MR_MAX_BODY if live.codec.protocol == "mr" else CTI_MAX_BODY)
        with live.reading:
            try:
                while data := await live.stream.receive_some(_READ_BYTES):
                    frames.feed(bytes(data))
                    while (frame := frames.next_frame()) is not None:
                        await self._take(number, live, told(live.codec, *frame))
            except FrameError as error:
                live.over = f"the server sends no frames any more: {error}"
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                live.over = live.over or "the server has cut the connection"
        live.ended = True
        self._changed.set()

    async def _take(self, number: int, live: _Live, message: Told) -> None:
        if message.name == HEARTBEAT_REQUEST:
            answer = {
                "protocol": message.codec.protocol,
                "version": message.codec.version,
                "name": HEARTBEAT_ANSWER,
                "fields": message.entry["fields"],
            }
            await _write(live, frame_from_json(answer))
            return
        self._comparison.receive(number, message)
        self._changed.set()


async def _write(live: _Live, frame: bytes) -> None:
    """Send a frame whole; after a failure the connection takes nothing more."""
    async with live.sending:
        if live.over is not None:
            return
        live.over = "a message was not sent whole"  # holds if this is cancelled
        try:
            with trio.fail_after(SEND_S):
                await live.stream.send_all(frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            live.over = "the server has closed the connection"
        except trio.TooSlowError:
            live.over = f"the server does not take it within {SEND_S:g} s"
        else:
            live.over = None


async def _close(live: _Live) -> None:
    """End a connection from our side."""
    live.over = live.over or "the client has closed the connection"
    live.reading.cancel()
    with trio.move_on_after(CLOSE_S):
        await live.stream.aclose()
    if trio.current_effective_deadline() > -math.inf:
        await trio.aclose_forcefully(live.stream)
