"""Telling which protocol and version a recorded byte stream is.

Knows the marks: the first frame of a connection, and task control. Must not know where the bytes come from. Rules:
decisions A1 (12 to 43 body bytes open MR, 44 and more CTI), B5 (what holds when nothing in the stream tells).
"""

import struct
from collections.abc import Iterable
from typing import Final, Literal

import attrs

from ctigw.errors import FrameError
from ctigw.wire.codec import CTI_VERSION, MR_VERSION, Codec, cti_codec, mr_codec
from ctigw.wire.frame import CTI_MAX_BODY, HEADER_BYTES, MR_MAX_BODY, FrameBuffer
from ctigw.wire.layout import ProtocolName

ProtocolChoice = Literal["mr", "cti", "auto"]

OPEN_REQ: Final = 3
MR_OPEN_BODY: Final = 12
"""Smallest body of an MR OPEN_REQ, bytes."""
CTI_OPEN_BODY: Final = 44
"""Smallest body of a CTI OPEN_REQ, bytes; from here on a first frame is CTI (decisions A1)."""

_TASK_CONTROL: Final = 47
_SUBTYPES: Final = range(1, 13)
"""Sub-types that MR knows; the same number means another message in CTI."""

_OPEN_CONF: Final = 4
_MR_OPEN_CONF_BODY: Final = 12
"""Body of an MR OPEN_CONF, bytes; that of CTI has 26 and more in every version."""

_UINT: Final = struct.Struct(">I")
_VERSION_OFFSET: Final = 4
"""VersionNumber follows InvokeID in the OPEN_REQ of both protocols."""


@attrs.frozen
class Frame:
    """One frame of a recorded stream."""

    offset: int
    """Of its header in the stream, bytes."""
    type: int
    body: bytes

    @property
    def end(self) -> int:
        """Offset of the first byte after it."""
        return self.offset + HEADER_BYTES + len(self.body)


@attrs.frozen
class Cut:
    """A recorded stream cut into frames."""

    frames: tuple[Frame, ...]
    rest: int
    """Bytes at the end that are in no frame."""
    problem: str | None
    """Why there is a rest; None when there is none."""


def cut(data: bytes, max_body: int) -> Cut:
    """Cut a whole stream. A length above the limit ends it, as it would end a connection (decisions A2)."""
    buffer = FrameBuffer(max_body)
    buffer.feed(data)
    frames: list[Frame] = []
    offset = 0
    problem: str | None = None
    try:
        while (found := buffer.next_frame()) is not None:
            frames.append(Frame(offset, *found))
            offset += HEADER_BYTES + len(found[1])
    except FrameError as error:
        problem = error.problem
    rest = len(data) - offset
    if rest and problem is None:
        header = buffer.peek_header()
        needed = f"{HEADER_BYTES} bytes of header" if header is None else f"{HEADER_BYTES + header[0]} bytes"
        problem = f"the input ends inside a frame: it needs {needed}, {rest} are left"
    return Cut(tuple(frames), rest, problem)


def opening(message_type: int, body: bytes) -> tuple[ProtocolName, int] | None:
    """The protocol and version that a frame opens; None when it is no OPEN_REQ.

    A version that we do not have is read as the nearest that we do: the layout of a refused OPEN_REQ is anyone's guess,
    but whoever is older than CTI 13 has the short tags of 13.
    """
    if message_type != OPEN_REQ or len(body) < MR_OPEN_BODY:
        return None
    version: int = _UINT.unpack_from(body, _VERSION_OFFSET)[0]
    if len(body) < CTI_OPEN_BODY:
        return "mr", min(max(version, 1), MR_VERSION)
    oldest = cti_codec().rows.oldest
    return "cti", min(max(version, oldest), CTI_VERSION)


class Conversation:
    """Gives the codec for each frame of one connection, in the order of time.

    `protocol` and `version` hold for everything when they are given. Otherwise an OPEN_REQ sets them from its place
    on, and the first one for what comes before it.
    """

    def __init__(self, frames: Iterable[Frame], protocol: ProtocolChoice = "auto", version: int | None = None) -> None:
        """Look through all frames once. ValueError when `version` is none of the protocol that is found."""
        self._choice = protocol
        self._version = version
        self._codec = self._first(list(frames))

    def codec_for(self, message_type: int, body: bytes) -> Codec:
        """The codec of the next frame."""
        opened = opening(message_type, body)
        if opened is not None and self._choice in ("auto", opened[0]):
            self._codec = self._make(*opened)
        return self._codec

    @property
    def max_body(self) -> int:
        """The limit for MessageLength, as far as the protocol is known."""
        return MR_MAX_BODY if self._codec.protocol == "mr" else CTI_MAX_BODY

    def _first(self, frames: list[Frame]) -> Codec:
        for frame in frames:
            opened = opening(frame.type, frame.body)
            if opened is not None and self._choice in ("auto", opened[0]):
                return self._make(*opened)
        if self._choice == "auto":
            protocol: ProtocolName = "mr" if any(map(_is_mr, frames)) else "cti"
        else:
            protocol = self._choice
        return self._make(protocol, MR_VERSION if protocol == "mr" else CTI_VERSION)

    def _make(self, protocol: ProtocolName, version: int) -> Codec:
        version = version if self._version is None else self._version
        return mr_codec(version) if protocol == "mr" else cti_codec(version)


def _is_mr(frame: Frame) -> bool:
    """Whether a frame by itself can only be MR: task control, or an OPEN_CONF shorter than any of CTI."""
    if frame.type == _OPEN_CONF:
        return len(frame.body) == _MR_OPEN_CONF_BODY
    if frame.type != _TASK_CONTROL or len(frame.body) < _UINT.size:
        return False
    return _UINT.unpack_from(frame.body)[0] in _SUBTYPES
