"""Listening on real sockets: limits, the TLS handshake and its deadline, client certificates."""

import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
import trio.lowlevel

from ctigw.config.settings import LimitSettings, ListenerSettings, TlsSettings
from ctigw.errors import ConfigurationError
from ctigw.net.listeners import Accepted, Listener, open_sockets, plain_address, split_address
from ctigw.net.tls import server_context
from ctigw.session.events import CloseReason

LIMITS = LimitSettings(handshake_s=0.5)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run(
        [sys.executable, "-m", "ctigw", "certs", str(folder), "--client", "desktop"], check=True, capture_output=True
    )
    return folder


@attrs.define
class Place:
    """A listener at work, and what became of its connections."""

    port: int
    accepted: list[Accepted] = attrs.Factory(list)
    refused: list[CloseReason] = attrs.Factory(list)
    told: trio.Event = attrs.Factory(trio.Event)

    def refuse(self, settings: ListenerSettings, reason: CloseReason, detail: str) -> None:
        self.refused.append(reason)
        self.told.set()

    async def handle(self, accepted: Accepted) -> None:
        self.accepted.append(accepted)
        self.told.set()
        await accepted.stream.send_all(b"hello")
        await accepted.stream.receive_some(1)


@asynccontextmanager
async def listening(settings: ListenerSettings) -> AsyncIterator[Place]:
    place = Place(0)
    context = None if settings.tls is None else server_context(settings.tls)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            sockets = await open_sockets(settings)
            place.port = sockets[0].socket.getsockname()[1]
            listener = Listener(settings, context, place.handle, place.refuse)
            await nursery.start(listener.serve, sockets, nursery)
            yield place
            nursery.cancel_scope.cancel()


def plain(**limits: int) -> ListenerSettings:
    return ListenerSettings(address="127.0.0.1:0", tls=None, limits=attrs.evolve(LIMITS, **limits))


def secured(folder: Path, *, require: bool) -> ListenerSettings:
    files = TlsSettings(folder / "server.pem", folder / "server.key", folder / "ca.pem", require)
    return ListenerSettings(address="127.0.0.1:0", tls=files, limits=LIMITS)


def client(folder: Path, *, certificate: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if certificate:
        context.load_cert_chain(folder / "desktop.pem", folder / "desktop.key")
    return context


async def says_hello(port: int) -> bool:
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        return await stream.receive_some(5) == b"hello"


async def test_an_accepted_connection_knows_the_peers_port() -> None:
    async with listening(plain()) as place, await trio.open_tcp_stream("127.0.0.1", place.port) as one:
        await place.told.wait()
        assert place.accepted[0].port == one.socket.getsockname()[1]


async def test_connections_beyond_the_limit_of_the_listener_are_closed_and_counted() -> None:
    async with listening(plain(connections=2)) as place:
        async with await trio.open_tcp_stream("127.0.0.1", place.port) as one:
            assert await one.receive_some(5) == b"hello"
            async with await trio.open_tcp_stream("127.0.0.1", place.port) as two:
                assert await two.receive_some(5) == b"hello"
                assert not await says_hello(place.port)
        assert place.refused == [CloseReason.LIMIT]


async def test_a_place_is_free_again_when_a_connection_has_ended() -> None:
    async with listening(plain(connections=1)) as place:
        assert await says_hello(place.port)
        while not await says_hello(place.port):
            await trio.lowlevel.checkpoint()
        assert len(place.accepted) == 2


async def test_connections_from_one_address_have_a_limit_of_their_own() -> None:
    async with (
        listening(plain(connections=10, connections_per_peer=1)) as place,
        await trio.open_tcp_stream("127.0.0.1", place.port) as one,
    ):
        assert await one.receive_some(5) == b"hello"
        assert not await says_hello(place.port)
        async with await trio.open_tcp_stream("127.0.0.1", place.port, local_address="127.0.0.2") as other:
            assert await other.receive_some(5) == b"hello"


async def test_a_client_that_never_speaks_tls_is_refused_after_the_handshake_limit(certificates: Path) -> None:
    async with listening(secured(certificates, require=False)) as place:
        async with await trio.open_tcp_stream("127.0.0.1", place.port) as silent:
            started = trio.current_time()
            assert await silent.receive_some(1) == b""
            assert trio.current_time() - started >= 0.4
        assert place.refused == [CloseReason.HANDSHAKE]


async def test_bytes_that_are_not_tls_are_refused_at_once(certificates: Path) -> None:
    async with listening(secured(certificates, require=False)) as place:
        async with await trio.open_tcp_stream("127.0.0.1", place.port) as stream:
            await stream.send_all(bytes(64))
            await place.told.wait()
        assert place.refused == [CloseReason.HANDSHAKE]


@pytest.mark.parametrize(("shown", "subject"), [(True, "CN=desktop"), (False, None)])
async def test_a_client_certificate_is_optional_and_its_subject_is_known(
    *, shown: bool, subject: str | None, certificates: Path
) -> None:
    async with listening(secured(certificates, require=False)) as place:
        stream = await trio.open_ssl_over_tcp_stream(
            "127.0.0.1", place.port, ssl_context=client(certificates, certificate=shown)
        )
        assert await stream.receive_some(5) == b"hello"
        assert [accepted.certificate_subject for accepted in place.accepted] == [subject]
        await trio.aclose_forcefully(stream)


async def test_a_required_client_certificate_is_required(certificates: Path) -> None:
    async with listening(secured(certificates, require=True)) as place:
        stream = await trio.open_ssl_over_tcp_stream(
            "127.0.0.1", place.port, ssl_context=client(certificates, certificate=False)
        )
        with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - in TLS 1.3 the client notices with its first read
            await stream.do_handshake()
            await stream.receive_some(5)
        assert place.refused == [CloseReason.HANDSHAKE]
        await trio.aclose_forcefully(stream)


async def test_tls_below_1_2_is_refused(certificates: Path) -> None:
    context = client(certificates, certificate=False)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with listening(secured(certificates, require=False)) as place:
        stream = await trio.open_ssl_over_tcp_stream("127.0.0.1", place.port, ssl_context=context)
        with pytest.raises(trio.BrokenResourceError):
            await stream.do_handshake()
        await trio.aclose_forcefully(stream)
        assert place.accepted == []


def test_files_that_are_no_certificates_are_a_configuration_error(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    with pytest.raises(ConfigurationError, match="wrong"):
        server_context(TlsSettings(wrong, wrong))


def test_addresses_are_split_and_written_as_people_know_them() -> None:
    assert split_address("[::1]:38001") == ("::1", 38001)
    assert split_address("127.0.0.1:9108") == ("127.0.0.1", 9108)
    assert plain_address("::ffff:192.0.2.7") == "192.0.2.7"
    assert plain_address("::1") == "::1"


async def test_the_wildcard_of_ipv6_takes_ipv4_peers_too() -> None:
    async with listening(ListenerSettings(address="[::]:0", tls=None, limits=LIMITS)) as place:
        assert await says_hello(place.port)
        assert place.accepted[0].address == "127.0.0.1"
