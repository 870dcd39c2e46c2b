"""`ctigw serve` as the service manager sees it: a process, its notifications, signals and exit codes."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from laboratory import prepare

START_S = 30.0
STOP_S = 10.0
"""Decisions G2."""


OPEN_AS_APPLICATION = bytes.fromhex("00000012000000030000000100000005ffffffff870400000002")
"""MR OPEN_REQ, version 5, no idle timeout, Role 2."""


@attrs.define
class Served:
    """A daemon in a process of its own."""

    process: subprocess.Popen[bytes]
    notifications: socket.socket
    log: Path

    def wait_for(self, word: bytes) -> bytes:
        """The first notification that holds `word`."""
        self.notifications.settimeout(START_S)
        while True:
            message = self.notifications.recv(4096)
            if word in message:
                return message

    def port(self, position: int) -> int:
        """Port of the listener at a position of the configuration."""
        text = self.wait_for(b"READY=1").decode()
        return int(re.findall(r"127\.0\.0\.1:(\d+)", text)[position])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    configuration = prepare(tmp_path)
    path = str(tmp_path / "notify")
    log = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, log.open("wb") as errors:
        notifications.bind(path)
        process = subprocess.Popen(
            [sys.executable, "-m", "ctigw", "serve", "-c", str(configuration)],
            env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"},
            stderr=errors,
        )
        try:
            yield Served(process, notifications, log)
        finally:
            process.kill()
            process.wait()


def test_ready_is_said_once_the_listeners_are_bound(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port(0)), timeout=5):
        assert served.process.poll() is None


def test_the_watchdog_is_fed(served: Served) -> None:
    assert served.wait_for(b"WATCHDOG=1") == b"WATCHDOG=1"


def test_sigterm_ends_it_in_order_within_ten_seconds_though_a_peer_never_answers(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port(1)), timeout=5) as silent:
        silent.sendall(OPEN_AS_APPLICATION)
        assert silent.recv(20)[4:8] == b"\0\0\0\x04"  # OPEN_CONF
        started = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.wait_for(b"STOPPING=1")
        assert served.process.wait(STOP_S) == 0
        assert time.monotonic() - started < STOP_S
        silent.settimeout(5)
        said = b"".join(iter(lambda: silent.recv(4096), b""))
    assert b"\0\0\0\x07" in said  # CLOSE_REQ: applications are told


def test_a_second_sigterm_ends_it_at_once(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port(1)), timeout=5) as silent:
        silent.sendall(OPEN_AS_APPLICATION)
        assert silent.recv(20)
        served.process.send_signal(signal.SIGTERM)
        served.wait_for(b"STOPPING=1")
        started = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(STOP_S)
        assert time.monotonic() - started < 3


def test_sighup_does_not_end_it(served: Served) -> None:
    served.port(0)
    served.process.send_signal(signal.SIGHUP)
    served.wait_for(b"WATCHDOG=1")
    assert served.process.poll() is None
    assert b"SIGHUP" in served.log.read_bytes()


def test_probes_follow_the_life_of_the_daemon(served: Served) -> None:
    served.wait_for(b"READY=1")
    admin = re.search(r"admin on \['(http://127\.0\.0\.1:\d+)'\]", served.log.read_text())
    assert admin is not None
    for path in ("/readyz", "/healthz", "/metrics"):
        with urllib.request.urlopen(admin[1] + path, timeout=5) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("interruptible = false", "interruptible = maybe"), "gateway.toml"),
        (("id = 5101\nmrd = 5001", "id = 5101\nmrd = 5009"), "5009"),
        (('certificate = "server.pem"', 'certificate = "missing.pem"'), "missing.pem"),
    ],
)
def test_a_wrong_configuration_is_exit_code_2_with_one_clear_text(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    path = prepare(tmp_path)
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    result = subprocess.run(
        [sys.executable, "-m", "ctigw", "serve", "-c", str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=START_S,
    )
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_an_address_in_use_is_exit_code_1_and_no_traceback(tmp_path: Path) -> None:
    path = prepare(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path.write_text(path.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}", 1))
        result = subprocess.run(
            [sys.executable, "-m", "ctigw", "serve", "-c", str(path)],
            check=False,
            capture_output=True,
            text=True,
            timeout=START_S,
        )
    assert result.returncode == 1
    assert "in use" in result.stderr
    assert "Traceback" not in result.stderr
