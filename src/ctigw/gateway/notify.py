"""What systemd wants to know and gives (sd_notify, socket activation).

Knows the environment variables and datagrams of sd_notify(3) and sd_listen_fds(3); must not know what the daemon does.
"""

import os
import socket
import time
from collections.abc import MutableMapping

import trio

FIRST_PASSED_SOCKET = 3
"""SD_LISTEN_FDS_START."""


class ServiceManager:
    """Speaks to the service manager; silent when there is none."""

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def notify(self, *lines: str) -> None:
        """Send one notification, e.g. `READY=1`. Never raises: a missing manager must not stop the daemon."""
        address = self._environment.get("NOTIFY_SOCKET", "")
        if not address:
            return
        if address.startswith("@"):  # abstract namespace
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), address)
        except OSError:
            return

    def reloading(self) -> None:
        """A reload begins; READY=1 says that it is over. The stamp tells it from earlier ones (sd_notify(3))."""
        self.notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def watchdog_interval_s(self) -> float | None:
        """How often to say WATCHDOG=1: half of what the manager allows; None when it does not watch us."""
        if self._environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return None
        limit = self._environment.get("WATCHDOG_USEC", "")
        return int(limit) / 2_000_000 if limit.isdigit() and int(limit) else None

    def passed_sockets(self) -> list[trio.SocketListener]:
        """Listening sockets that the manager opened for us, in its order; they are ours once."""
        if self._environment.get("LISTEN_PID") != str(os.getpid()):
            return []
        count = int(self._environment.get("LISTEN_FDS", "0"))
        for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
            self._environment.pop(name, None)
        return [
            trio.SocketListener(trio.socket.from_stdlib_socket(_adopt(FIRST_PASSED_SOCKET + n))) for n in range(count)
        ]


def _adopt(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    passed = socket.socket(fileno=descriptor)
    passed.setblocking(False)
    return passed
