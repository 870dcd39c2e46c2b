"""Messages over one dialled stream.

Knows TLS, frames and the deadline of a write; must not know what is said. Rules: decisions A2 (largest frames), G4
(`--ca`, `--insecure`, `--plain`), engineering F2 (after a failed or cancelled write nothing is ever written again) and
F4 (every wait on an outsider has a deadline).
"""

import enum
import ssl
from collections.abc import Callable
from pathlib import Path

import attrs
import trio

from ctigw.client.errors import ClientError
from ctigw.errors import DecodeError, FrameError
from ctigw.net.dialling import client_context, dial
from ctigw.wire import CTI_MAX_BODY, HEADER_BYTES, MR_MAX_BODY, AnyMessage, Codec, FrameBuffer, Message

SEND_S = 10.0
"""Time for one message to be taken by the gateway."""

READ_BYTES = 65_536


class Way(enum.Enum):
    """Which way a message went."""

    SENT = ">"
    RECEIVED = "<"


Observer = Callable[[Way, Codec, AnyMessage, int], None]
"""Sees every message: its way, its codec, the message and its MessageLength."""


def unheeded(*_: object) -> None:
    """An observer, or any other listener, that does not listen."""


@attrs.frozen
class Security:
    """How the gateway is reached and trusted."""

    plain: bool = False
    """No TLS: only for a listener with `tls = false`."""
    ca: Path | None = None
    """PEM file of the authority that the gateway's certificate must come from; None: the system's trust."""
    insecure: bool = False
    """TLS, but any certificate will do."""
    certificate: Path | None = None
    """PEM file of our own certificate; it may hold the key too."""
    private_key: Path | None = None

    def context(self) -> ssl.SSLContext | None:
        """None for plain TCP. Raises ClientError when a file does not hold what it should; reads files."""
        if self.plain:
            return None
        try:
            context = client_context(self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.private_key)
        except (OSError, ssl.SSLError) as error:
            raise ClientError(f"certificates cannot be used: {error}") from error
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Link:
    """One stream that carries messages of one codec."""

    def __init__(self, stream: trio.abc.Stream, codec: Codec, observe: Observer) -> None:
        self.codec = codec
        self._stream = stream
        self._observe = observe
        self._frames = FrameBuffer(MR_MAX_BODY if codec.protocol == "mr" else CTI_MAX_BODY)
        # Several tasks send; trio's strict lock keeps the order in which they asked.
        self._sending = trio.StrictFIFOLock()
        self._dead = False

    async def send(self, message: Message) -> None:
        """Send one message whole. Raises ClientError; after that, or when cancelled, the link is dead."""
        frame = self.codec.encode(message)
        async with self._sending:
            if self._dead:
                raise ClientError("the connection is lost")
            self._observe(Way.SENT, self.codec, message, len(frame) - HEADER_BYTES)
            try:
                with trio.fail_after(SEND_S):
                    await self._stream.send_all(frame)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                self._dead = True
                raise ClientError("the gateway closed the connection") from error
            except trio.TooSlowError as error:
                self._dead = True
                raise ClientError(f"the gateway did not take a message within {SEND_S:g} s") from error
            except BaseException:
                self._dead = True
                raise

    async def receive(self) -> AnyMessage | None:
        """The next message; None at the end of the stream. Raises ClientError for bytes that are no messages.

        Waits without a deadline: the caller knows what it waits for. Cancelling it loses nothing.
        """
        while True:
            try:
                frame = self._frames.next_frame()
                if frame is not None:
                    message = self.codec.decode(*frame)
                    self._observe(Way.RECEIVED, self.codec, message, len(frame[1]))
                    return message
                data = await self._stream.receive_some(READ_BYTES)
            except (DecodeError, FrameError) as error:
                raise ClientError(f"the gateway sent what cannot be read: {error}") from error
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return None
            if not data:
                return None
            self._frames.feed(bytes(data))

    async def aclose(self) -> None:
        """Close at once; what was sent stays sent."""
        self._dead = True
        await trio.aclose_forcefully(self._stream)


async def connect(address: str, security: Security, codec: Codec, observe: Observer) -> Link:
    """Dial HOST:PORT and shake hands. Raises ClientError when that fails or takes too long."""
    stream = await dial(address, security.context())
    if isinstance(stream, str):
        raise ClientError(f"{address}: {stream}")
    return Link(stream, codec, observe)
