"""Dialling out: one connection attempt, with its deadline and TLS.

Knows addresses and certificates; must not know what is spoken. Rules: mr-wire section g (session procedure 1),
engineering F4 (every wait on an outsider has a deadline).
"""

import ssl
from pathlib import Path

import trio

from ctigw.net.listeners import split_address

ATTEMPT_S = 10.0
"""From the first packet to the end of the TLS handshake: the time that a PIM gives an application (mr-wire g)."""


def client_context(ca: Path | None) -> ssl.SSLContext:
    """Context for dialling; the peer's certificate is checked against `ca` or the system's trust. Reads a file."""
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def dial(address: str, context: ssl.SSLContext | None) -> trio.abc.Stream | str:
    """A stream past the handshake, or one line that says why there is none. `context` None: plain TCP."""
    host, port = split_address(address)
    with trio.move_on_after(ATTEMPT_S):
        try:
            stream = await trio.open_tcp_stream(host, port)
        except OSError as error:
            return str(error)
        if context is None:
            return stream
        secured = trio.SSLStream(stream, context, server_hostname=host)
        try:
            await secured.do_handshake()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            await trio.aclose_forcefully(stream)
            return str(error.__cause__ or error)
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return secured
    return f"no connection in {ATTEMPT_S:g} s"
