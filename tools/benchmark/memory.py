"""Section "memory": NEW_TASK to DO_THIS_WITH_TASK without Trio and without TLS.

Bytes are split and decoded by the session, translated, decided by the engine, translated back, numbered and encoded:
every check of the daemon, but no stream, no outbox and no metrics. What the daemon reaches over TLS is set against it.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmark import configuration
from benchmark.load import new_task_frame, open_frame
from benchmark.report import Report, percentile, say
from benchmark.timing import without_collections
from ctigw.config.loader import load
from ctigw.gateway.assembly import session_factory
from ctigw.gateway.directory import Directory
from ctigw.gateway.inbound import Sender, to_input
from ctigw.gateway.outbound_mr import to_application
from ctigw.routing.engine import Engine
from ctigw.routing.inputs import ArmClientOpened, MakeAgentReady, MediaLogin, Origin, RoutingClientOpened
from ctigw.session.events import MessageReceived
from ctigw.session.session import PeerIdentity, Session

SESSION_ID = 1
ARM_SESSION_ID = 2
NOW = 1_800_000_000.0
"""Any moment: nothing here waits."""
TURNS = 7
QUICK_TURNS = 2
TASKS_A_TURN = 12_800
QUICK_TASKS_A_TURN = 1_280


class MemoryPath:
    """One application's session and the engine, joined by hand."""

    def __init__(self, installation: configuration.Installation) -> None:
        settings = load(installation.file)
        self.engine = Engine(settings.routing, settings.gateway.side)
        self.directory = Directory(settings.routing)
        self.session: Session = session_factory(settings).mr_pim(PeerIdentity("127.0.0.1"), NOW)
        self.sender = Sender(SESSION_ID, 5, 0)
        self.now = NOW
        self.session.receive_bytes(open_frame(), NOW)
        self.session.take()
        self.engine.handle(RoutingClientOpened(SESSION_ID, ""), NOW)

    def sign_in(self, agents: int) -> None:
        """So many agents, each with room for as many tasks as the protocol allows."""
        path, mrd = configuration.APPLICATION_PATH, configuration.MRD
        self.engine.handle(ArmClientOpened(ARM_SESSION_ID, path), self.now)
        for number in range(agents):
            agent = configuration.FIRST_AGENT + number
            origin = Origin(ARM_SESSION_ID, number)
            limit = configuration.MOST_TASKS_OF_AN_AGENT
            self.engine.handle(MediaLogin(origin, path, mrd, agent, True, limit), self.now)
            self.engine.handle(MakeAgentReady(origin, path, mrd, agent), self.now)

    def feed(self, data: bytes) -> bytes:
        """What one read brings in, and what it makes the gateway write."""
        self.now += 0.0001
        now = self.now
        session, engine, directory = self.session, self.engine, self.directory
        session.receive_bytes(data, now)
        events, _ = session.take()
        for event in events:
            if isinstance(event, MessageReceived):
                item = to_input(self.sender, event.message)
                if item is None:
                    continue
                for decided in engine.handle(item, now):
                    told = to_application(directory, decided)
                    if told is not None:
                        session.submit(told[1], now)
        _, frames = session.take()
        session.frame_counts.clear()
        return b"".join(frame for frame, _ in frames)


def answers_in(data: bytes) -> int:
    """Frames of the task-control envelope with a good answer in them."""
    count = start = 0
    while start < len(data):
        count += data[start + 4 : start + 12] == b"\0\0\0\x2f\0\0\0\x04"
        start += 8 + int.from_bytes(data[start : start + 4], "big")
    return count


def turn(path: MemoryPath, selector: str, tasks: int, batch: int) -> float:
    """Tasks answered per second of one turn; `batch` of them come in each read. ValueError when one is not answered."""
    data = b"".join(new_task_frame(dialogue, selector) for dialogue in range(1, batch + 1))
    reads = tasks // batch
    written: list[bytes] = []
    with without_collections():
        started = time.perf_counter()
        for _ in range(reads):
            written.append(path.feed(data))
        spent = time.perf_counter() - started
    answered = sum(map(answers_in, written))
    if answered != reads * batch:
        raise ValueError(f"{answered} of {reads * batch} tasks answered")
    return answered / spent


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Add the rows of this section."""
    say("whole path in memory")
    tasks = QUICK_TASKS_A_TURN if quick else TASKS_A_TURN
    installation = configuration.install_plain(folder)
    path = MemoryPath(installation)
    path.sign_in(500)
    for selector in (configuration.LABEL, configuration.AGENTS):
        for batch in (1, 64):
            rates = [turn(path, selector, tasks, batch) for _ in range(QUICK_TURNS if quick else TURNS)]
            report.add(
                "in memory: split, decode, session, engine, encode (tasks answered per second)",
                f"answered by {selector}, {batch} frames a read",
                f"{percentile(rates, 0.5):,.0f}/s",
            )
