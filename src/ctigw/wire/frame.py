"""Cutting a byte stream into frames.

Knows the 8-byte header that both protocols share (MessageLength, MessageType) and the length limit. Must not know any
message type. Rules: decisions A2 (limits, a length above the limit is fatal), engineering B1 to B3 (the length is
checked before the body is waited for; consumed bytes are deleted once per read, not once per frame).
"""

import struct
from typing import Final

from ctigw.errors import FrameError

HEADER_BYTES: Final = 8
"""MessageLength and MessageType, four bytes each; MessageLength does not count them."""

CTI_MAX_BODY: Final = 12_492
"""Largest CTI MessageLength: 12,500 with the header (decisions A2)."""

MR_MAX_BODY: Final = 4_096
"""Largest MR MessageLength (decisions A2)."""

_LENGTH_BYTES: Final = 4
_LENGTH: Final = struct.Struct(">I")
_HEADER: Final = struct.Struct(">II")


class FrameBuffer:
    """Bytes received but not yet cut into frames.

    Never holds more than one unfinished frame of `max_body` plus what the last `feed` brought. `max_body` (bytes) may
    be lowered at any time, for instance when the first frame has told the protocol. Not safe for concurrent use.
    """

    __slots__ = ("_bytes", "_offset", "max_body")

    def __init__(self, max_body: int) -> None:
        """`max_body`: largest MessageLength that is accepted, in bytes."""
        self.max_body = max_body
        self._bytes = bytearray()
        self._offset = 0

    def feed(self, data: bytes) -> None:
        """Add received bytes, and drop those that earlier calls of `next_frame` consumed."""
        if self._offset:
            del self._bytes[: self._offset]
            self._offset = 0
        self._bytes += data

    def next_frame(self) -> tuple[int, bytes] | None:
        """Take the next complete frame: (MessageType, body). None: more bytes are needed.

        Raises `FrameError` with reason "length" as soon as a MessageLength above `max_body` can be read; every further
        call raises again, since nothing after such a length can be trusted.
        """
        start = self._offset
        held = len(self._bytes) - start
        if held < HEADER_BYTES:
            if held >= _LENGTH_BYTES:
                self._check(_LENGTH.unpack_from(self._bytes, start)[0])
            return None
        length, message_type = _HEADER.unpack_from(self._bytes, start)
        if length > self.max_body:
            self._check(length)
        end = start + HEADER_BYTES + length
        if len(self._bytes) < end:
            return None
        self._offset = end
        return message_type, bytes(self._bytes[start + HEADER_BYTES : end])

    def peek_header(self) -> tuple[int, int] | None:
        """(MessageLength, MessageType) of the next frame once its header is there. Consumes and checks nothing."""
        if len(self._bytes) - self._offset < HEADER_BYTES:
            return None
        length, message_type = _HEADER.unpack_from(self._bytes, self._offset)
        return length, message_type

    def pending(self) -> int:
        """Bytes that no frame has consumed yet."""
        return len(self._bytes) - self._offset

    def _check(self, length: int) -> None:
        if length > self.max_body:
            raise FrameError("length", f"MessageLength {length} is above the limit of {self.max_body}")
