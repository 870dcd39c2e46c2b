"""One TCP or TLS connection to the gateway: bytes out, messages in.

Knows: connecting, cutting the stream into messages, ending in three ways. Must not know: what a message means.
Cancellation of `connect` leaves nothing open; everything else returns at once.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass

from emulator.codec import CodecError, Message, Splitter, decode

CONNECT_LIMIT_S = 10.0
READ_BYTES = 65536
DEAF_BUFFER_BYTES = 1024
"""Buffers of a peer that never reads: small, so that the gateway soon feels it."""
HEARING_BUFFER_BYTES = 1 << 20
NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER on with 0 s: closing sends RST."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the gateway listens; `tls` None means plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


def endpoint_of(text: str, tls: ssl.SSLContext | None) -> Endpoint:
    """``HOST:PORT`` or ``[IPV6]:PORT``; ValueError otherwise."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or not host:
        raise ValueError(f"HOST:PORT is needed, not {text!r}")
    return Endpoint(host.removeprefix("[").removesuffix("]"), int(port), tls)


class Connection:
    """An open connection. `ended` is set when the gateway has closed it or it broke; `end_reason` says how."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._deaf = False
        self._reading: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()
        self.end_reason = ""

    @classmethod
    async def connect(cls, endpoint: Endpoint, deaf: bool) -> Connection:
        """OSError (TLS errors and a timeout are OSErrors too) when it cannot be made."""
        limit = DEAF_BUFFER_BYTES if deaf else READ_BYTES
        async with asyncio.timeout(CONNECT_LIMIT_S):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=endpoint.tls, limit=limit)
        connection = cls(reader, writer)
        connection._deaf = deaf
        if deaf:
            connection._socket_option(socket.SO_RCVBUF, DEAF_BUFFER_BYTES)
        return connection

    def _socket_option(self, option: int, value: int | bytes) -> None:
        raw = self._writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:  # asyncio closes it by itself when a write meets a reset
            raw.setsockopt(socket.SOL_SOCKET, option, value)

    def local_port(self) -> int:
        """Our port, 0 when the connection has gone already."""
        name = self._writer.get_extra_info("sockname")
        return int(name[1]) if name else 0

    def start_reading(
        self, protocol: str, version: int, on_message: Callable[[Message], None], on_problem: Callable[[str], None]
    ) -> None:
        """Deliver messages from now on; bytes that do not decode go to `on_problem`. A second call changes nothing."""
        if self._reading is None:
            # Who was deaf until now hears at full speed.
            if self._deaf:
                self._socket_option(socket.SO_RCVBUF, HEARING_BUFFER_BYTES)
            self._reading = asyncio.create_task(self._read(protocol, version, on_message, on_problem))

    async def _read(
        self, protocol: str, version: int, on_message: Callable[[Message], None], on_problem: Callable[[str], None]
    ) -> None:
        splitter = Splitter()
        try:
            while data := await self._reader.read(READ_BYTES):
                for number, body in splitter.feed(data):
                    try:
                        message = decode(protocol, version, number, body)
                    except CodecError as error:
                        on_problem(f"received bytes that do not decode: {error}; type {number}, body {body.hex()}")
                    else:
                        on_message(message)
            self.end_reason = "closed by the gateway"
        except OSError as error:
            self.end_reason = f"broken: {error}"
        finally:
            self.ended.set()

    def write(self, data: bytes) -> None:
        """Queue bytes; writing to a connection that has ended is not an error here, reading tells."""
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the socket takes more; a broken connection is left to the reading side."""
        try:
            await self._writer.drain()
        except OSError:
            return

    async def close(self, reset: bool = False) -> None:
        """End it from our side, by FIN or by RST."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if reset:
            self._socket_option(socket.SO_LINGER, NO_LINGER)
            self._writer.transport.abort()
        else:
            self._writer.close()
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await self._writer.wait_closed()
        except OSError:
            return
