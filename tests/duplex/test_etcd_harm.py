"""What happens to etcd, and what the store says about it: killed, frozen, full, of a wrong version, unreachable."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trio

from ctigw.config.settings import EtcdTlsSettings
from ctigw.duplex.etcd_client import CompactedError, version_problem
from ctigw.duplex.etcd_keys import Answer, Json, Keys, delete, put
from ctigw.duplex.etcd_keys import chunk as chunk_key
from ctigw.duplex.etcd_store import EtcdStore
from ctigw.duplex.records import Head, Identity, Leadership, Side
from ctigw.duplex.store import (
    SnapshotDamagedError,
    StoreFullError,
    StoreUnfitError,
    StoreUnreachableError,
)
from etcd_server import START_S, EtcdServer, free_ports, running, until_it_answers

ME = Identity(Side.A, "a1", "1.0")
LIMIT_S = 0.5
LATE_S = 0.3
"""What a thread and a busy machine may add to a limit."""
PREFIX = "/harm"


@contextmanager
def store_at(*urls: str, limit_s: float = LIMIT_S, tls: EtcdTlsSettings | None = None) -> Iterator[EtcdStore]:
    store = EtcdStore(urls, PREFIX, send_limit_s=limit_s, tls=tls)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    with running(tmp_path / "etcd") as server:
        yield server


async def lead(store: EtcdStore, ttl_s: int = 60) -> Leadership:
    got = await store.acquire(ME, (await store.grant_lease(ttl_s)).lease_id, 0)
    assert got is not None
    return got[0]


async def test_what_was_appended_is_there_after_a_kill_and_the_leadership_lives_on(etcd: EtcdServer) -> None:
    with store_at(etcd.url) as store:
        await until_it_answers(store)
        leadership = await lead(store)
        head = Head()
        for number in range(20):
            head = await store.append(leadership, head, b"%d" % number)
        etcd.kill()
        with pytest.raises(StoreUnreachableError):
            await store.append(leadership, head, b"20")
        etcd.start()
        await until_it_answers(store)
        assert [int(batch.content) for batch in await store.read(0)] == list(range(20))
        assert await store.append(leadership, head, b"20") == Head(21, 1)


async def test_a_frozen_store_is_silent_within_the_limit_and_takes_a_late_batch_once(etcd: EtcdServer) -> None:
    with store_at(etcd.url) as store:
        await until_it_answers(store)
        leadership = await lead(store)
        etcd.signal(signal.SIGSTOP)
        begun = trio.current_time()
        with pytest.raises(StoreUnreachableError, match="gave no answer within"):
            await store.append(leadership, Head(), b"one")
        assert trio.current_time() - begun < LIMIT_S + LATE_S
        etcd.signal(signal.SIGCONT)
        await until_it_answers(store)
        assert await store.append(leadership, Head(), b"one") == Head(1, 1)
        assert [batch.content for batch in await store.read(0)] == [b"one"]


async def test_endpoints_are_tried_in_turn_and_the_one_that_answers_is_kept(etcd: EtcdServer) -> None:
    dead = f"http://127.0.0.1:{free_ports(1)[0]}"
    with store_at(dead, etcd.url) as store:
        await until_it_answers(store)
        etcd.signal(signal.SIGSTOP)
        with pytest.raises(StoreUnreachableError) as caught:
            await store.look()
        assert dead in str(caught.value)
        assert etcd.url in str(caught.value)
        etcd.signal(signal.SIGCONT)
        await until_it_answers(store)


async def test_an_endpoint_that_hangs_costs_its_share_of_the_limit_once(shared_etcd: EtcdServer) -> None:
    with trio.socket.socket() as silent:
        await silent.bind(("127.0.0.1", 0))
        silent.listen()
        hung = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with store_at(hung, shared_etcd.url, limit_s=1.0) as store:
            begun = trio.current_time()
            await store.look()
            assert 0.5 <= trio.current_time() - begun < 1.0 + LATE_S
            begun = trio.current_time()
            await store.look()
            assert trio.current_time() - begun < 0.4


async def test_a_full_store_refuses_writes_and_takes_them_again_when_the_operator_has_made_room(tmp_path: Path) -> None:
    with (
        running(tmp_path / "etcd", "--quota-backend-bytes", str(8 * 1024 * 1024)) as etcd,
        store_at(etcd.url, limit_s=5.0) as store,
    ):
        await until_it_answers(store)
        leadership = await lead(store)
        head = await fill(store, leadership)
        assert (await store.status()).full
        assert (await store.renew_lease(leadership.lease_id)).lease_id == leadership.lease_id
        assert (await store.look()).head == head
        with pytest.raises(StoreFullError, match="space exceeded"):
            await store.append(leadership, head, b"small")
        await make_room(store)
        assert not (await store.status()).full
        assert (await store.append(leadership, head, b"small")).sequence == head.sequence + 1


class QuotaCrossed(EtcdStore):
    """etcd sometimes does the write that crosses its quota and says that it did not; here it does so once, for sure."""

    crossed = False

    async def _ask(self, compare: list[Json], success: list[Json], failure: list[Json] | None = None) -> Answer:
        answer = await super()._ask(compare, success, failure)
        if compare and not self.crossed:
            self.crossed = True
            raise StoreFullError("mvcc: database space exceeded")
        return answer


async def test_a_batch_that_was_written_although_the_store_said_full_counts(shared_etcd: EtcdServer) -> None:
    with store_at(shared_etcd.url, limit_s=5.0) as plain:
        await until_it_answers(plain)
        leadership = await lead(plain)
    store = QuotaCrossed([shared_etcd.url], PREFIX, send_limit_s=5.0)
    assert await store.append(leadership, Head(), b"one") == Head(1, 1)
    assert [batch.content for batch in await store.read(0)] == [b"one"]
    await forget_everything(store)
    store.close()


async def forget_everything(store: EtcdStore) -> None:
    await store._ask([], [delete(b"/harm/", b"/harm0")])


async def test_trimming_lets_etcd_forget_the_history_too(shared_etcd: EtcdServer) -> None:
    with store_at(shared_etcd.url, limit_s=5.0) as store:
        await until_it_answers(store)
        leadership = await lead(store)
        before = (await store.look()).revision
        await store.write_snapshot(leadership, Head(), b"")
        await store.trim(leadership, 1)
        old = {"key": "AA==", "revision": str(before)}
        with pytest.raises(CompactedError):
            await store._client.call(lambda client: client.post(client.get_url("/kv/range"), json=old))
        await store.trim(leadership, 1)
        await forget_everything(store)


async def test_large_batches_are_read_in_smaller_parts(shared_etcd: EtcdServer) -> None:
    with store_at(shared_etcd.url, limit_s=5.0) as store:
        await until_it_answers(store)
        leadership, head = await lead(store), Head()
        for _ in range(5):
            head = await store.append(leadership, head, b"z" * 1_400_000)
        assert len(await store.read(0)) == 5
        assert len(await store.read(0)) == 2
        await forget_everything(store)


async def test_threads_that_were_left_behind_end_by_themselves() -> None:
    with trio.socket.socket() as silent:
        await silent.bind(("127.0.0.1", 0))
        silent.listen()
        with store_at(f"http://127.0.0.1:{silent.getsockname()[1]}", limit_s=0.2) as store:
            for _ in range(3):
                with pytest.raises(StoreUnreachableError):
                    await store.look()
            with trio.fail_after(START_S):
                while store._client._limiter.borrowed_tokens:  # noqa: ASYNC110 - threads tell nobody
                    await trio.sleep(0.02)


async def fill(store: EtcdStore, leadership: Leadership) -> Head:
    head = Head()
    for _ in range(20):
        try:
            head = await store.append(leadership, head, b"z" * 1024 * 1024)
        except StoreFullError:
            return head
    pytest.fail("twenty MiB went into eight")


async def make_room(store: EtcdStore) -> None:
    """What an operator does with etcdctl: delete, compact, defrag, disarm."""
    keys = Keys(PREFIX)

    async def post(path: str, body: dict[str, object]) -> dict[str, list[dict[str, str]]]:
        answer: dict[str, list[dict[str, str]]] = await store._client.call(
            lambda client: client.post(client.get_url(path), json=body)
        )
        return answer

    await store._ask([], [delete(keys.batches_after(0), keys.batches_end)])
    await post("/kv/compaction", {"revision": str((await store.look()).revision), "physical": True})
    await post("/maintenance/defragment", {})
    for alarm in (await post("/maintenance/alarm", {"action": "GET"}))["alarms"]:
        await post("/maintenance/alarm", {"action": "DEACTIVATE", **alarm})


@pytest.mark.parametrize("version", ["3.5.0", "3.5.1", "3.5.2", "3.3.27", "2.3.8", "3.5", "unknown"])
def test_versions_that_corrupt_data_or_are_too_old_are_refused(version: str) -> None:
    assert version_problem(version) is not None


@pytest.mark.parametrize("version", ["3.4.0", "3.4.23", "3.4.37", "3.5.3", "3.5.21", "3.6.0", "3.6.0-rc.1", "4.0.0"])
def test_other_versions_are_taken(version: str) -> None:
    assert version_problem(version) is None


@contextmanager
def pretending(body: bytes, dribble_s: float = 0.0, asked: list[str] | None = None) -> Iterator[str]:
    """An HTTP server that answers everything with one body, in two halves and pauses if wanted."""
    pause = threading.Event()
    paths = asked if asked is not None else []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            paths.append(self.path)
            for part in (body[:9], body[9:18], body[18:]):
                pause.wait(dribble_s)
                self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def test_a_server_of_a_corrupting_version_is_not_used_and_named() -> None:
    body = b'{"header":{"cluster_id":"1"},"version":"3.5.1"}'
    with (
        pretending(body) as url,
        store_at(url, limit_s=2.0) as store,
        pytest.raises(
            StoreUnfitError, match=r"runs etcd 3\.5\.1, which is known to corrupt data, as are all of 3\.5\.0"
        ),
    ):
        await store.look()


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'"x"'])
async def test_what_does_not_answer_as_etcd_does_is_not_used(body: bytes) -> None:
    with pretending(body) as url, store_at(url, limit_s=2.0) as store, pytest.raises(StoreUnfitError):
        await store.look()


async def test_nothing_is_done_behind_the_back_of_who_has_given_up() -> None:
    """The answer dribbles, so that no single read of it is late; when it is whole, nobody waits for what follows."""
    asked: list[str] = []
    status = b'{"header":{"cluster_id":"1"},"version":"3.4.23"}'
    with pretending(status, 0.15, asked) as url, store_at(url, limit_s=0.2) as store:
        with pytest.raises(StoreUnreachableError):
            await store.look()
        with trio.fail_after(START_S):
            while store._client._limiter.borrowed_tokens:  # noqa: ASYNC110 - threads tell nobody
                await trio.sleep(0.02)
    assert asked == ["/v3/maintenance/status"]


async def test_endpoints_of_two_clusters_are_not_mixed(shared_etcd: EtcdServer) -> None:
    with (
        pretending(b'{"header":{"cluster_id":"1"},"version":"3.4.23"}') as other,
        store_at(shared_etcd.url, other, limit_s=2.0) as store,
    ):
        await store.look()
        with store_at(other) as alone, pytest.raises(StoreUnfitError, match="etcd does not"):
            await alone.look()
        store._client._endpoints.reverse()
        await store.look()
        assert store._client._endpoints[0].url == shared_etcd.url


async def test_keys_of_somebody_else_are_not_taken_for_ours(shared_etcd: EtcdServer) -> None:
    with store_at(shared_etcd.url, limit_s=5.0) as store:
        await until_it_answers(store)
        for value in (b"not json", b"[]", b'{"sequence":"1","epoch":1}'):
            await store._ask([], [put(Keys(PREFIX).head, value)])
            with pytest.raises(StoreUnfitError, match="/harm/head in the store is not ours"):
                await store.look()
        await forget_everything(store)


async def test_a_damaged_snapshot_is_noticed(shared_etcd: EtcdServer) -> None:
    with store_at(shared_etcd.url, limit_s=5.0) as store:
        await until_it_answers(store)
        leadership = await lead(store)
        info = await store.write_snapshot(leadership, Head(1, 1), b"whole")
        chunk = chunk_key(Keys(PREFIX).snapshot(1), 0)
        await store._ask([], [put(chunk, b"wHole")])
        with pytest.raises(SnapshotDamagedError, match="digest"):
            await store.read_snapshot(info)
        await store._ask([], [delete(chunk, chunk + b"\x00")])
        with pytest.raises(SnapshotDamagedError, match="missing"):
            await store.read_snapshot(info)
        await forget_everything(store)


async def test_a_cancelled_call_ends_at_once(etcd: EtcdServer) -> None:
    with store_at(etcd.url, limit_s=5.0) as store:
        await until_it_answers(store)
        etcd.signal(signal.SIGSTOP)
        begun = trio.current_time()
        with trio.move_on_after(0.2):
            await store.look()
        assert trio.current_time() - begun < 0.2 + LATE_S
        etcd.signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A development CA with a client, and a server certificate that is good for clients too: etcd's JSON gateway dials
    its own server with it when client certificates are asked for."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run([sys.executable, "-m", "ctigw", "certs", str(folder)], check=True, capture_output=True)
    (folder / "both.ext").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    for command in (
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout etcd.key -subj /CN=etcd -out etcd.csr",
        "x509 -req -in etcd.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile both.ext -out etcd.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


async def test_a_store_behind_tls_wants_the_right_certificates_of_both_ends(tmp_path: Path, certificates: Path) -> None:
    own, ca = ("--cert-file", "etcd.pem", "--key-file", "etcd.key"), ("--trusted-ca-file", "ca.pem")
    arguments = [str(certificates / one) if "." in one else one for one in (*own, *ca)]
    files = [certificates / name for name in ("ca.pem", "client.pem", "client.key")]
    with running(tmp_path / "etcd", *arguments, "--client-cert-auth", scheme="https") as etcd:
        with store_at(etcd.url, limit_s=2.0, tls=EtcdTlsSettings(*files)) as store:
            await until_it_answers(store)
            assert (await lead(store)).epoch == 1
        with store_at(etcd.url, tls=EtcdTlsSettings(files[0])) as without, pytest.raises(StoreUnreachableError):
            await without.look()
        strangers = EtcdTlsSettings(ca_of_strangers(tmp_path), *files[1:])
        with (
            store_at(etcd.url, tls=strangers) as other,
            pytest.raises(StoreUnreachableError, match="CERTIFICATE_VERIFY"),
        ):
            await other.look()


def ca_of_strangers(folder: Path) -> Path:
    """Another CA."""
    subprocess.run([sys.executable, "-m", "ctigw", "certs", str(folder / "strangers")], check=True, capture_output=True)
    return folder / "strangers" / "ca.pem"
