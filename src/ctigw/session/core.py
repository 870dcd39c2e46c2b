"""What all sessions share: cutting frames, collecting events and frames, counting, the end.

Knows no message of any protocol. Must not know sockets or time. Rules: engineering A1 to A3 (results are taken, nobody
is called back), decisions A2 (a length above the limit closes unanswered).
"""

from ctigw.errors import EncodeError, FrameError
from ctigw.session.events import CloseReason, FrameErrorReason, FrameRefused, Lane, SessionClosed, SessionEvent
from ctigw.wire import HEADER_BYTES, Codec, FrameBuffer, Message

CLOSE_TIME_S = 5.0
"""Time that the peer has to agree to an orderly end (mr-wire (g) 5, cti-notes "Keeping and ending")."""

NO_TIMEOUT = 0xFFFFFFFF
"""IdleTimeout of a peer that sends no heartbeats (cti-notes)."""

UNKNOWN_MESSAGE = "unknown"
"""Name under which frames of no known type are counted (decisions G3)."""


class SessionCore:
    """Base of the sessions. A subclass takes complete frames in `_receive_frame`."""

    def __init__(self, protocol: str, role: str, codec: Codec, max_body: int, now: float) -> None:
        """`codec` writes until the version is settled; `max_body` in bytes."""
        self.protocol = protocol
        self.role = role
        self.side = "none"
        self.version = 0
        self.frame_counts: dict[tuple[str, str], int] = {}
        self._codec = codec
        self._buffer = FrameBuffer(max_body)
        self._events: list[SessionEvent] = []
        self._frames: list[tuple[bytes, Lane]] = []
        self._ended = False
        self._deaf = False
        """Set while nothing that comes is read any more, although the session has not ended."""
        self._last_received = now
        """When the last complete frame came; half a frame is silence."""

    def receive_bytes(self, data: bytes, now: float) -> None:
        """See `Session`."""
        if not self._is_listening():
            return
        self._buffer.feed(data)
        while self._is_listening():
            try:
                frame = self._buffer.next_frame()
            except FrameError as error:
                self._refuse(FrameErrorReason.LENGTH, error.problem)
                self._end(CloseReason.LENGTH, error.problem)
                return
            if frame is None:
                return
            self._last_received = now
            self._receive_frame(frame[0], frame[1], now)

    def take(self) -> tuple[list[SessionEvent], list[tuple[bytes, Lane]]]:
        """See `Session`."""
        taken = self._events, self._frames
        self._events, self._frames = [], []
        return taken

    def _is_listening(self) -> bool:
        return not (self._ended or self._deaf)

    def _receive_frame(self, message_type: int, body: bytes, now: float) -> None:
        raise NotImplementedError

    def _send(self, message: Message, lane: Lane) -> bool:
        """Encode and queue; False when the message cannot be encoded, which is counted and reaches nobody."""
        try:
            frame = self._codec.encode(message)
        except EncodeError as error:
            self._refuse(FrameErrorReason.NOT_SENT, str(error))
            return False
        if len(frame) - HEADER_BYTES > self._buffer.max_body:
            self._refuse(FrameErrorReason.NOT_SENT, f"{message.NAME} of {len(frame)} bytes is longer than allowed")
            return False
        self._frames.append((frame, lane))
        self._count("out", message.NAME)
        return True

    def _count(self, direction: str, name: str) -> None:
        key = (direction, name)
        self.frame_counts[key] = self.frame_counts.get(key, 0) + 1

    def _refuse(self, reason: FrameErrorReason, detail: str) -> None:
        self._events.append(FrameRefused(reason, detail))

    def _end(self, reason: CloseReason, detail: str) -> None:
        if not self._ended:
            self._ended = True
            self._events.append(SessionClosed(reason, detail))
            self._release()

    def _release(self) -> None:
        """Give back what the session holds in registries; called once, at the end."""


def idle_seconds(timeout: int, units_per_second: int) -> float | None:
    """Seconds of silence after which a peer is gone, None for never.

    0 is read as "none stated" like 0xFFFFFFFF: a session that may be silent for no time at all could not live.
    """
    return None if timeout in (0, NO_TIMEOUT) else timeout / units_per_second
