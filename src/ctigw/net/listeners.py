"""Listening: sockets, limits per listener and per address, the TLS handshake and its deadline.

Knows how a stream comes to be and who may have one; must not know what a session is beyond being handed one. A handler
given to `trio.serve_listeners` must never raise, or the whole server goes down (engineering F5).
"""

import ssl
from collections import Counter
from collections.abc import Awaitable, Callable

import attrs
import trio

from ctigw.config.settings import ListenerSettings
from ctigw.net.tls import peer_subject
from ctigw.session.events import CloseReason

BACKLOG = 2048
"""Connections that the kernel holds for us in a storm: a site's agents reconnecting at once (performance, TLS
handshakes).
"""


@attrs.frozen
class Accepted:
    """One connection past the handshake."""

    stream: trio.abc.Stream
    address: str
    """The peer's IP address, for limits and logs."""
    certificate_subject: str | None
    listener: ListenerSettings
    port: int = 0
    """The peer's port."""


Handler = Callable[[Accepted], Awaitable[None]]
Refused = Callable[[ListenerSettings, CloseReason, str], None]


def split_address(address: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPv6]:PORT`; the configuration has checked the form."""
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


async def open_sockets(settings: ListenerSettings) -> list[trio.SocketListener]:
    """Bind and listen; OSError that names the address when it cannot be had. `[::]` takes IPv4 peers too."""
    host, port = split_address(settings.address)
    try:
        if host == "::":
            return [await _open_dual_stack(port)]
        return await trio.open_tcp_listeners(port, host=host or None, backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {settings.address}: {error.strerror}") from error


async def _open_dual_stack(port: int) -> trio.SocketListener:
    """One IPv6 socket that also takes IPv4: the kernel's default for it differs from system to system."""
    listening = trio.socket.socket(trio.socket.AF_INET6, trio.socket.SOCK_STREAM)
    try:
        listening.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_REUSEADDR, 1)
        listening.setsockopt(trio.socket.IPPROTO_IPV6, trio.socket.IPV6_V6ONLY, 0)
        await listening.bind(("::", port))
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return trio.SocketListener(listening)


def plain_address(address: str) -> str:
    """An IPv4 address that came in over an IPv6 socket, as people write it."""
    return address.removeprefix("::ffff:") if "." in address else address


class Listener:
    """Accepts on one listener's sockets and hands on what passed its limits and the handshake."""

    def __init__(
        self, settings: ListenerSettings, context: ssl.SSLContext | None, handler: Handler, refused: Refused
    ) -> None:
        self._settings = settings
        self._context = context
        self._handler = handler
        self._refused = refused
        self._open = 0
        self._open_per_address: Counter[str] = Counter()

    async def serve(
        self,
        sockets: list[trio.SocketListener],
        connections: trio.Nursery,
        task_status: trio.TaskStatus[list[trio.SocketListener]] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept until cancelled; each connection runs in `connections`, so that accepting can stop before they do."""
        await trio.serve_listeners(self._accepted, sockets, handler_nursery=connections, task_status=task_status)

    async def _accepted(self, stream: trio.SocketStream) -> None:
        try:
            host, port = stream.socket.getpeername()[:2]
        except OSError:  # gone before it was looked at
            await trio.aclose_forcefully(stream)
            return
        address, limits = plain_address(str(host)), self._settings.limits
        if self._open >= limits.connections or self._open_per_address[address] >= limits.connections_per_peer:
            self._refused(self._settings, CloseReason.LIMIT, address)
            await trio.aclose_forcefully(stream)
            return
        self._open += 1
        self._open_per_address[address] += 1
        try:
            await self._serve_one(stream, address, port)
        finally:
            self._open -= 1
            self._open_per_address[address] -= 1
            if not self._open_per_address[address]:
                del self._open_per_address[address]

    async def _serve_one(self, stream: trio.SocketStream, address: str, port: int) -> None:
        if self._context is None:
            await self._handler(Accepted(stream, address, None, self._settings, port))
            return
        secured = trio.SSLStream(stream, self._context, server_side=True)
        problem = await self._handshake(secured)
        if problem is not None:
            self._refused(self._settings, CloseReason.HANDSHAKE, f"{address}: {problem}")
            await trio.aclose_forcefully(stream)
            return
        await self._handler(Accepted(secured, address, peer_subject(secured), self._settings, port))

    async def _handshake(self, secured: trio.SSLStream[trio.SocketStream]) -> str | None:
        """None, or what went wrong: a silent client is pending for ever unless asked under a deadline (engineering
        5.7).
        """
        with trio.move_on_after(self._settings.limits.handshake_s):
            try:
                await secured.do_handshake()
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                return str(error.__cause__ or error)
            return None
        return f"no handshake in {self._settings.limits.handshake_s:g} s"
