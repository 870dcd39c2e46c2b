"""How connections end, as the other end sees it."""

import ssl
from pathlib import Path

import trio

from laboratory import Laboratory, laboratory

CTI_OPEN_OF_VERSION_12 = bytes.fromhex("0000002c00000003000000010000000c000000ff" + "00" * 32)
REFUSED = bytes.fromhex("00000008000000010000000100000001")
"""FAILURE_CONF with status 1, invalid version."""


async def strict_client(lab: Laboratory) -> trio.SSLStream[trio.SocketStream]:
    """A TLS client that takes an end without close_notify for an error, as Trio does unless told otherwise."""
    context = ssl.create_default_context(cafile=str(lab.folder / "ca.pem"))
    host, _, port = lab.tls.rpartition(":")
    return await trio.open_ssl_over_tcp_stream(host, int(port), ssl_context=context)


async def test_an_orderly_end_over_tls_says_so(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        with trio.fail_after(10):
            stream = await strict_client(lab)
            await stream.send_all(CTI_OPEN_OF_VERSION_12)
            said = b"".join([bytes(part) async for part in stream])
            assert said == REFUSED
            await trio.aclose_forcefully(stream)


async def test_a_tls_peer_that_just_ends_tcp_is_an_end_of_stream_and_not_a_broken_link(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        with trio.fail_after(10):
            stream = await strict_client(lab)
            await stream.do_handshake()
            await trio.aclose_forcefully(stream.transport_stream)
            closed = 'ctigw_sessions_closed_total{protocol="none",reason="eof"}'
            while not await lab.metric(closed):
                pass


async def test_silence_at_the_start_ends_with_an_end_of_stream(tmp_path: Path) -> None:
    async with laboratory(tmp_path) as lab:
        host, _, port = lab.impatient.rpartition(":")
        with trio.fail_after(10):
            async with await trio.open_tcp_stream(host, int(port)) as silent:
                assert await silent.receive_some(1) == b""
