"""What waits to be written to one connection.

Knows two lanes, bytes and ages; must not know streams or what a frame means. The control lane goes first but never
splits a frame (engineering F3). It does not count against the data lane's bounds (decisions A8), but a peer can make
it grow by asking and not reading, so it has a bound of its own.
"""

from collections import deque

BATCH_BYTES = 64 * 1024
"""Most bytes of one write, unless a single frame is larger: so short that a heartbeat never queues behind more than one
write.
"""


CONTROL_LIMIT_BYTES = 256 * 1024
"""Most bytes in the control lane: twenty thousand answered heartbeats, of a peer that floods and does not read."""


class Outbox:
    """Bounded by bytes and by the age of the oldest frame; the owner cuts the connection when a bound is passed."""

    def __init__(self, limit_bytes: int, limit_age_s: float) -> None:
        self._limit_bytes = limit_bytes
        self._limit_age_s = limit_age_s
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self._data: deque[tuple[float, bytes]] = deque()
        self._data_bytes = 0
        self._in_flight = 0

    def put_control(self, frame: bytes) -> None:
        """Add a frame that goes before all data."""
        self._control.append(frame)
        self._control_bytes += len(frame)

    def put_data(self, frame: bytes, now: float) -> None:
        """Add a frame behind the others; `now` is in the unit of the age limit, seconds."""
        self._data.append((now, frame))
        self._data_bytes += len(frame)

    def take_batch(self) -> bytes:
        """Everything for one write, empty when nothing waits. It counts as waiting until `written` is called."""
        parts: list[bytes] = []
        size = 0
        while self._control:
            frame = self._control.popleft()
            parts.append(frame)
            size += len(frame)
        self._control_bytes = 0
        data_size = 0
        while self._data and (not parts or size < BATCH_BYTES):
            frame = self._data.popleft()[1]
            parts.append(frame)
            size += len(frame)
            data_size += len(frame)
        self._data_bytes -= data_size
        self._in_flight = data_size
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def written(self) -> None:
        """The batch taken last is with the peer's transport."""
        self._in_flight = 0

    def waiting_bytes(self) -> int:
        """Data bytes not yet written, the batch in flight included."""
        return self._data_bytes + self._in_flight

    def over_bytes(self) -> bool:
        """More bytes wait than one connection may hold; the control lane has a bound of its own."""
        return self.waiting_bytes() > self._limit_bytes or self._control_bytes > CONTROL_LIMIT_BYTES

    def age_deadline(self) -> float | None:
        """When the oldest waiting frame becomes too old; None when nothing waits."""
        return self._data[0][0] + self._limit_age_s if self._data else None

    def __bool__(self) -> bool:
        return bool(self._control or self._data)
