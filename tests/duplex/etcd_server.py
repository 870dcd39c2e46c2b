"""A real etcd for tests: own process, own folder, loopback ports that were free a moment ago."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
import trio

from ctigw.duplex.etcd_store import EtcdStore
from ctigw.duplex.store import StoreUnreachableError

START_S = 20.0
BEAT_MS, ELECTION_MS = "20", "200"
"""Of etcd's own raft: a server alone elects itself faster so, and takes leases of a second."""


def executable() -> str:
    """Path of etcd; without it the test is skipped, or has failed where everything must be there."""
    found = shutil.which("etcd")
    if found is None:
        reason = "etcd is not installed (Debian: etcd-server)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@attrs.define
class EtcdServer:
    """One member alone; the data stay in `folder` when it is killed."""

    folder: Path
    arguments: Sequence[str] = ()
    scheme: str = "http"
    ports: list[int] = attrs.Factory(lambda: free_ports(2))
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.ports[0]}"

    def start(self) -> None:
        peer = f"http://127.0.0.1:{self.ports[1]}"
        with (self.folder / "etcd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    executable(),
                    *("--data-dir", str(self.folder / "data"), "--name", "one"),
                    *("--listen-client-urls", self.url, "--advertise-client-urls", self.url),
                    *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                    *("--initial-cluster", f"one={peer}"),
                    *("--heartbeat-interval", BEAT_MS, "--election-timeout", ELECTION_MS),
                    *self.arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """As a power cut does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)


async def until_it_answers(store: EtcdStore) -> None:
    with trio.fail_after(START_S):
        while True:
            try:
                await store.look()
            except StoreUnreachableError:
                await trio.sleep(0.05)
            else:
                return


@contextmanager
def running(folder: Path, *arguments: str, scheme: str = "http") -> Iterator[EtcdServer]:
    """A server that is started and, whatever happens, gone afterwards."""
    executable()
    folder.mkdir(exist_ok=True)
    server = EtcdServer(folder, arguments, scheme)
    server.start()
    try:
        yield server
    finally:
        server.kill()
