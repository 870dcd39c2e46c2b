"""The first frame of a connection decides what the peer is.

Knows the shape of the two OPEN_REQ messages; everything after that is the recognised session's. Rules: decisions A1,
A2, design 2 (one port takes every kind of peer).
"""

from collections.abc import Collection

from ctigw.errors import DecodeError, LocalProtocolError
from ctigw.session.core import UNKNOWN_MESSAGE, SessionCore
from ctigw.session.events import CloseReason, FrameErrorReason, Lane, SessionRecognised
from ctigw.session.factory import SessionFactory
from ctigw.session.mr_session import MR_VERSION
from ctigw.session.session import PeerIdentity, Session
from ctigw.wire import CTI_MAX_BODY, Message, mr

__all__ = ["Greeter", "PeerIdentity"]

SHORTEST_MR_OPEN = 12
SHORTEST_CTI_OPEN = 44
"""MessageLength of OPEN_REQ: from 12 it is MR, from 44 it is CTI (decisions A1)."""


class Greeter(SessionCore):
    """A session until the first frame is complete; then `SessionRecognised` names the session that goes on.

    That session has been fed everything that came. The greeter has no deadline of its own: the driver gives the whole
    first message a time.
    """

    def __init__(self, protocols: Collection[str], peer: PeerIdentity, factory: SessionFactory) -> None:
        """`protocols`: "mr", "cti" or both, as the listener allows."""
        super().__init__("none", "none", factory.mr_codecs(MR_VERSION), CTI_MAX_BODY, 0.0)
        self._protocols = frozenset(protocols)
        self._peer = peer
        self._factory = factory
        self._received = bytearray()

    def receive_bytes(self, data: bytes, now: float) -> None:
        """See `Session`."""
        if not self._ended:
            self._received += data
            super().receive_bytes(data, now)
            self._look_at_header()

    def receive_eof(self, now: float) -> None:
        """See `Session`."""
        self._end(CloseReason.EOF, "the peer closed the connection before its first message")

    def submit(self, message: Message, now: float) -> None:
        """Nothing can be sent before the peer is known."""
        if not self._ended:
            raise LocalProtocolError(f"{message.NAME} before the first message of the peer")

    def close(self, status: int, now: float) -> None:
        """See `Session`: there is nobody yet to agree with."""
        self._end(CloseReason.WE_CLOSED, "closed before the first message")

    def next_deadline(self) -> float | None:
        """See `Session`."""
        return None

    def handle_deadline(self, now: float) -> None:
        """See `Session`."""

    def _look_at_header(self) -> None:
        """Refuse what can be no OPEN_REQ without waiting for the rest of it."""
        header = None if self._ended else self._buffer.peek_header()
        if header is not None and not self._is_open_request(*header):
            self._refuse_first(*header)

    def _receive_frame(self, message_type: int, body: bytes, now: float) -> None:
        if not self._is_open_request(len(body), message_type):
            self._refuse_first(len(body), message_type)
            return
        invoke_id = int.from_bytes(body[:4], "big")
        if len(body) >= SHORTEST_CTI_OPEN:
            if "cti" not in self._protocols:
                self._refuse_protocol(invoke_id, "this listener takes no CTI clients")
                return
            self._recognise(self._factory.cti_server(self._peer, now), now)
        elif "mr" not in self._protocols:
            self._refuse_protocol(invoke_id, "this listener takes no MR peers")
        else:
            self._recognise_mr(invoke_id, body, now)

    def _recognise_mr(self, invoke_id: int, body: bytes, now: float) -> None:
        try:
            request = self._codec.decode(mr.OpenReq.TYPE, body)
        except DecodeError as error:
            self._count("in", mr.OpenReq.NAME)
            self._refuse(FrameErrorReason.MALFORMED, str(error))
            self._send(mr.FailureEvent(mr.Status.INVALID_MESSAGE), Lane.CONTROL)
            self._end(CloseReason.REFUSED, "OPEN_REQ does not parse")
            return
        role = _role_of(request) if isinstance(request, mr.OpenReq) else None
        if role is mr.Role.PIM:
            self._recognise(self._factory.mr_application(self._peer, now), now)
        elif role is mr.Role.APPLICATION:
            self._recognise(self._factory.mr_pim(self._peer, now), now)
        else:
            self._refuse_protocol(invoke_id, "Role is neither 1 nor 2")

    def _recognise(self, session: Session, now: float) -> None:
        self._ended = True
        received = bytes(self._received)
        self._received.clear()
        session.receive_bytes(received, now)
        self._events.append(SessionRecognised(session))

    def _refuse_first(self, length: int, message_type: int) -> None:
        self._count("in", UNKNOWN_MESSAGE)
        detail = f"first message has type {message_type} and {length} bytes, not an OPEN_REQ"
        self._refuse(FrameErrorReason.NOT_OPEN, detail)
        self._send(mr.FailureEvent(mr.Status.SESSION_NOT_ACTIVE), Lane.CONTROL)
        self._end(CloseReason.WRONG_FIRST_MESSAGE, detail)

    def _refuse_protocol(self, invoke_id: int, detail: str) -> None:
        self._count("in", mr.OpenReq.NAME)
        self._refuse(FrameErrorReason.REFUSED_OPEN, detail)
        self._send(mr.FailureConf(invoke_id, mr.Status.REQUEST_REFUSED), Lane.CONTROL)
        self._end(CloseReason.REFUSED, detail)

    def _release(self) -> None:
        self._received.clear()

    @staticmethod
    def _is_open_request(length: int, message_type: int) -> bool:
        return message_type == mr.OpenReq.TYPE and length >= SHORTEST_MR_OPEN


def _role_of(request: mr.OpenReq) -> mr.Role | None:
    """The Role of an OPEN_REQ: PIM where the field is absent, None where it is neither known role."""
    if all(tag != mr.OpenReq.ROLE for tag, _ in request.floating):
        return mr.Role.PIM
    try:
        return mr.Role(request.role or 0)
    except ValueError:
        return None
