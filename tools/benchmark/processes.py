"""The servers that are measured, each in a process of its own, and what the system says about them.

Knows how to start and end them and how to read /proc; must not know protocols. Every child is ended when its block
ends, whatever happened.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.configuration import Installation
from ctigw.net.connection import READ_BYTES

READY_S = 60.0
"""The daemon is ready in about a second; a loaded machine and 2,500 agents need more."""
STOP_S = 12.0
"""The daemon promises ten seconds (decisions G2)."""
OPEN_FILES = 16_384
"""Both ends of some thousand connections."""


class ServerError(Exception):
    """A server did not start."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server on the loopback interface."""

    name: str
    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time so far, in steps of a hundredth of a second."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Resident memory now."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def raise_open_files() -> None:
    """As many open files as allowed, at most `OPEN_FILES`; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def echo_server(installation: Installation) -> Iterator[Server]:
    """The bare echo."""
    folder = installation.folder
    script = Path(__file__).with_name("echo_server.py")
    command = [sys.executable, str(script), str(folder / "server.pem"), str(folder / "server.key"), str(READ_BYTES)]
    with _child(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], READY_S)[0]:
            raise ServerError("the echo server did not start")
        yield Server("echo", int(process.stdout.readline()), process.pid)


@contextlib.contextmanager
def daemon(installation: Installation) -> Iterator[Server]:
    """`ctigw serve`, ready. Its warnings go to this process's standard error."""
    address = installation.folder / "notify"
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as notifications:
        address.unlink(missing_ok=True)
        notifications.bind(str(address))
        notifications.settimeout(READY_S)
        command = [sys.executable, "-m", "ctigw", "serve", "-q", "-c", str(installation.file)]
        with _child(command, {"NOTIFY_SOCKET": str(address)}) as process:
            _await_ready(notifications, process)
            yield Server("daemon", installation.port, process.pid)


def _await_ready(notifications: socket.socket, process: subprocess.Popen[bytes]) -> None:
    notifications.settimeout(0.2)
    for _ in range(int(READY_S / 0.2)):
        with contextlib.suppress(TimeoutError):
            if b"READY=1" in notifications.recv(4096):
                return
        if process.poll() is not None:
            raise ServerError(f"the daemon ended with exit code {process.returncode}")
    raise ServerError("the daemon did not become ready")


@contextlib.contextmanager
def _child(
    command: list[str], environment: dict[str, str] | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, stdout=stdout, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
