"""The floor: a bare Trio SSLStream that sends back what it reads, in a process of its own.

Same read size, same certificates and the same interpreter as the daemon; no frames, no session, no limits. Prints its
port and serves until it is killed: `python echo_server.py CERTIFICATE PRIVATE_KEY READ_BYTES`.
"""

from __future__ import annotations

import gc
import ssl
import sys

import trio

BACKLOG = 2048
"""As the daemon's."""


async def serve(certificate: str, private_key: str, read_bytes: int) -> None:
    """Echo for ever on a port of the system's choice."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, private_key)

    async def echo(stream: trio.SocketStream) -> None:
        secured = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            while data := await secured.receive_some(read_bytes):
                await secured.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        await trio.aclose_forcefully(secured)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=BACKLOG)
    print(listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(echo, listeners)


if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # as the daemon does
    trio.run(serve, sys.argv[1], sys.argv[2], int(sys.argv[3]))
