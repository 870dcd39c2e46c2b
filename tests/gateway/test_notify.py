"""What the service manager hears and gives (sd_notify, socket activation)."""

import os
import socket
from pathlib import Path

import pytest

from ctigw.gateway.notify import ServiceManager


def test_a_notification_reaches_the_socket_that_the_environment_names(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(5)
        ServiceManager({"NOTIFY_SOCKET": path}).notify("READY=1", "STATUS=here")
        assert manager.recv(100) == b"READY=1\nSTATUS=here"


def test_a_missing_manager_is_no_error(tmp_path: Path) -> None:
    ServiceManager({}).notify("READY=1")
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).notify("READY=1")
    assert ServiceManager({}).watchdog_interval_s() is None


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog_is_fed_twice_as_often_as_it_bites(environment: dict[str, str], interval: float | None) -> None:
    assert ServiceManager(environment).watchdog_interval_s() == interval


def test_sockets_for_another_process_are_left_alone() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "3"}
    assert ServiceManager(environment).passed_sockets() == []
    assert environment["LISTEN_FDS"] == "3"
