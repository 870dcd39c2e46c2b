"""Section "storm": a site's peers all come back at once.

Opens so many TLS connections from one thread without waiting for any of them, until every peer has its OPEN_CONF; and
beside it the same number of bare handshakes at the echo server. There each peer sends one frame and gets it back,
because in TLS 1.3 a client cannot see the server's end of a handshake otherwise.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmark import configuration
from benchmark.load import ANSWER_S, LoadError, client_context, open_frame
from benchmark.processes import Server, daemon, echo_server, free_port, raise_open_files
from benchmark.report import Report, median_ratio, say
from benchmark.targets import STORM
from benchmark.timing import without_collections

PEERS = 1_000
QUICK_PEERS = 100
ROUNDS = 5
SETTLE_S = 0.5
"""Pause after a storm: the server sees its peers go before the next ones come."""
FIRST_ANSWER_BYTES = 20
"""OPEN_CONF, and the shortest OPEN_REQ echoed, have at least so many bytes."""


@dataclass(slots=True)
class Storm:
    """One storm."""

    seconds: float
    server_cpu_s: float


class Caller:
    """One peer on its way: TCP, TLS, first frame, first answer."""

    __slots__ = ("asked", "received", "tls")

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        plain = socket.socket()
        plain.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            plain.connect(("127.0.0.1", port))
        self.tls = context.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False)
        self.asked = False
        self.received = 0

    def advance(self, frame: bytes) -> int:
        """Go on as far as possible; the epoll events wanted next, 0 when the answer is there."""
        try:
            if not self.asked:
                self.tls.do_handshake()
                self.tls.send(frame)
                self.asked = True
            data = self.tls.recv(4096)
        except ssl.SSLWantReadError:
            return select.EPOLLIN
        except ssl.SSLWantWriteError:
            return select.EPOLLOUT
        if not data:
            raise LoadError("the server closed a connection")
        self.received += len(data)
        return 0 if self.received >= FIRST_ANSWER_BYTES else select.EPOLLIN


def storm(server: Server, count: int) -> Storm:
    """Open `count` connections at once; LoadError when one is refused."""
    frame = open_frame()
    context = client_context()
    poll = select.epoll()
    before, started = server.cpu_seconds(), time.perf_counter()
    callers: dict[int, Caller] = {}
    try:
        for _ in range(count):
            caller = Caller(server.port, context)
            callers[caller.tls.fileno()] = caller
            poll.register(caller.tls.fileno(), select.EPOLLOUT)
        left = count
        while left:
            ready = poll.poll(ANSWER_S)
            if not ready:
                raise LoadError(f"{left} of {count} peers without an answer")
            for number, _ in ready:
                wanted = callers[number].advance(frame)
                if wanted:
                    poll.modify(number, wanted)
                else:
                    poll.unregister(number)
                    left -= 1
        return Storm(time.perf_counter() - started, server.cpu_seconds() - before)
    finally:
        poll.close()
        for caller in callers.values():
            caller.tls.close()


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Add the rows of this section."""
    raise_open_files()
    installation = configuration.install(folder, free_port(), free_port())
    count = QUICK_PEERS if quick else PEERS
    say(f"reconnect storm of {count:,} peers")
    ours: list[Storm] = []
    bare: list[Storm] = []
    with echo_server(installation) as echo, daemon(installation) as gateway:
        for _ in range(1 if quick else ROUNDS):
            for server, storms in ((echo, bare), (gateway, ours)):
                with without_collections():
                    storms.append(storm(server, count))
                select.select([], [], [], SETTLE_S)
    section = f"reconnect storm: {count:,} TLS peers at once, all open"
    ratio = median_ratio([one.seconds for one in ours], [one.seconds for one in bare])
    report.add(section, "seconds: daemon until every OPEN_CONF / bare handshakes", _pair(ours, bare), ratio, STORM)
    cpu = [[one.server_cpu_s for one in storms] for storms in (ours, bare)]
    milliseconds = [statistics.median(values) / count * 1000 for values in cpu]
    measured = f"{milliseconds[0]:.2f} / {milliseconds[1]:.2f} ms"
    report.add(section, "  server CPU per peer, daemon / bare", measured, median_ratio(*cpu))


def _pair(ours: list[Storm], bare: list[Storm]) -> str:
    return " / ".join(f"{statistics.median(one.seconds for one in storms):.2f}" for storms in (ours, bare)) + " s"
