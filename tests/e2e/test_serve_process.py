"""`ctigw serve` as the service manager sees it: a process, its notifications, signals and exit codes."""

import itertools
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from ctigw.wire import AgentRef, FloatValue, TaskId, mr, mr_codec
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


class OpenApplication:
    """A channel application whose one connection stays open over everything that happens."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._socket.sendall(OPEN_AS_APPLICATION)
        self._dialogues = itertools.count(1)
        self._read_until(b"\0\0\0\x04")  # OPEN_CONF

    def close(self) -> None:
        self._socket.close()

    def ask(self, selector: str) -> bytes:
        """What comes up to the end of the label that answers a task."""
        floating: list[tuple[int, FloatValue]] = [(mr.NewTask.SCRIPT_SELECTOR, selector)]
        nobody, none = AgentRef(0, -1, -1, -1), TaskId(-1, -1, -1)
        task = mr.NewTask(next(self._dialogues), 1, -1, none, nobody, 0, 0, floating)
        self._socket.sendall(mr_codec().encode(task))
        return self._read_until(b"LBL_")

    def _read_until(self, word: bytes) -> bytes:
        data = b""
        while word not in data:
            more = self._socket.recv(4096)
            assert more, "the connection was closed"
            data += more
        return data


def reload(served: Served) -> None:
    """SIGHUP, and wait until the manager would say that the reload is over."""
    served.process.send_signal(signal.SIGHUP)
    begun = served.wait_for(b"RELOADING=1")
    assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", begun)
    served.wait_for(b"READY=1")


def test_sighup_lets_a_changed_script_answer_the_next_task_of_a_session_that_stays_open(served: Served) -> None:
    with closing(OpenApplication(served.port(1))) as application:
        assert b"LBL_night" in application.ask("label")
        file = served.log.with_name("gateway.toml")
        file.write_text(file.read_text().replace("LBL_night", "LBL_day"))
        reload(served)
        assert b"LBL_day" in application.ask("label")
        assert served.process.poll() is None


def test_sighup_with_a_wrong_file_changes_nothing_and_the_log_says_why(served: Served) -> None:
    with closing(OpenApplication(served.port(1))) as application:
        file = served.log.with_name("gateway.toml")
        right = file.read_text()
        for wrong, said in (
            (right.replace("LBL_night", "LBL_day").replace('"sg:email_agents"', '"sg:nowhere"'), "sg:nowhere"),
            (right.replace("LBL_night", "LBL_day") + "\nthis is no TOML\n", "gateway.toml"),
            (None, "gateway.toml"),
        ):
            if wrong is None:
                file.unlink()
            else:
                file.write_text(wrong)
            before = len(served.log.read_text())
            reload(served)
            log = served.log.read_text()[before:]
            assert "nothing has changed" in log
            assert said in log
            assert "Traceback" not in log
            assert b"LBL_night" in application.ask("label")
        file.write_text(right.replace("LBL_night", "LBL_day"))
        reload(served)
        assert b"LBL_day" in application.ask("label")


def test_sighup_names_what_needs_a_restart(served: Served) -> None:
    served.wait_for(b"READY=1")
    file = served.log.with_name("gateway.toml")
    text = file.read_text()
    file.write_text(text + '\n[[listener]]\naddress = "127.0.0.1:0"\ntls = false\n')
    reload(served)
    warnings = [line for line in served.log.read_text().splitlines() if "WARNING" in line and "reload" in line]
    assert len(warnings) == 1
    assert "[[listener]]" in warnings[0]


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
