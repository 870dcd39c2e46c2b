"""The face of every session, and who the peer is.

Knows the verbs that a driver may use; must not know any protocol. Rules: engineering A1 (one object, few verbs), A2
(time is an argument), decisions A8 (lanes).
"""

from typing import Protocol

import attrs

from ctigw.session.events import Lane, SessionEvent
from ctigw.wire import Message


@attrs.frozen
class PeerIdentity:
    """What the transport knows about the peer."""

    address: str
    """IP address without port."""
    certificate_subject: str | None = None
    """Subject of its verified client certificate, as `ctigw.session.subject.format_subject` writes it; None: no
    certificate.
    """


class Session(Protocol):
    """One session. No method blocks, none raises for what a peer sent; `now` never decreases."""

    protocol: str
    """"mr", "cti", or "none" before the first frame."""
    role: str
    """What the peer is: "application", "pim", "client", "server", or "none"."""
    side: str
    """"A", "B" or "none"."""
    version: int
    """Protocol version in use; 0 before it is settled."""
    frame_counts: dict[tuple[str, str], int]
    """("in" or "out", message name or "unknown") -> frames since the driver last cleared it."""

    def receive_bytes(self, data: bytes, now: float) -> None:
        """Take received bytes, in any portions. Ignored once closed."""

    def receive_eof(self, now: float) -> None:
        """The peer will send nothing more."""

    def submit(self, message: Message, now: float) -> None:
        """Send a message. Ignored once closing. The session may write session-owned fields into `message`.

        Raises LocalProtocolError for a message that this kind of session never sends.
        """

    def close(self, status: int, now: float) -> None:
        """Begin the orderly end; SessionClosed comes when the peer has agreed, at the latest 5 s later."""

    def handle_deadline(self, now: float) -> None:
        """Time has passed. Harmless when nothing is due."""

    def next_deadline(self) -> float | None:
        """When `handle_deadline` is wanted next; None: not at all."""

    def take(self) -> tuple[list[SessionEvent], list[tuple[bytes, Lane]]]:
        """Take what has happened and what is to be written since the last call, both in order."""
