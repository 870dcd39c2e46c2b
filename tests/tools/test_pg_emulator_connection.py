"""The emulator's connection: an end that comes before anybody listens is still an end."""

import asyncio
import socket
import struct

from emulator.connection import Connection, Endpoint
from emulator.messages import MR

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def reset_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.close()


async def end_of_a_deaf_connection() -> str:
    server = await asyncio.start_server(reset_at_once, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        connection = await Connection.connect(Endpoint("127.0.0.1", port), deaf=True)
        async with asyncio.timeout(10):
            raw = connection._writer.get_extra_info("socket")
            while raw.fileno() >= 0:  # until a write has met the reset
                connection.write(b"x" * 4096)
                await asyncio.sleep(0)
            connection.start_reading(MR, 5, lambda message: None, lambda problem: None)
            await connection.ended.wait()
        await connection.close()
    return connection.end_reason


def test_a_connection_reset_while_nobody_read_ends_with_a_reason() -> None:
    assert asyncio.run(end_of_a_deaf_connection())
