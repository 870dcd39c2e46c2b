"""Section "scale": what a decision costs in a large site, and what a waiting task weighs.

The engine is driven directly for the cost of a decision, because the promise is about its indexes; a daemon of its own
shows that 2,500 agents and 20,000 queued tasks fit in one process that still answers.
"""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

from benchmark import agents, configuration, load
from benchmark.processes import daemon, free_port
from benchmark.report import Report, percentile, say
from benchmark.targets import DECISION_SCALE, QUEUED_TASK_KIB
from benchmark.timing import without_collections
from ctigw.config.loader import load as load_settings
from ctigw.routing.engine import Engine
from ctigw.routing.events import AgentChosen
from ctigw.routing.inputs import (
    ArmClientOpened,
    DialogueKey,
    EndTask,
    MakeAgentReady,
    MediaLogin,
    NewTask,
    Origin,
    RoutingClientOpened,
    StartTask,
    TaskContext,
    TaskId,
    Variable,
)
from ctigw.wire import cti

SMALL = (25, 100)
LARGE = (configuration.AGENT_COUNT, 100_000)
"""(agents, queued tasks), both from the table of targets."""
QUICK_LARGE = (250, 5_000)
ROUNDS = 9
DECISIONS = 400
"""Task lives in one turn: each is a task ended, another one taken from the queue, and one more queued."""
DAEMON_TASKS = 20_000
VARIABLES = 10
KIB = 1024
LAST_DIALOGUE = 0x7FFFFFFF
QUEUED_S = 60.0
"""Time to queue all tasks: a hundred times what it takes."""

_CALL_VARIABLES = tuple(f"call.{n}" for n in range(1, VARIABLES + 1))
"""Names, made once: the gateway takes them from a table too."""
_APPLICATION, _ARM = 1, 2
_START = 1_800_000_000.0


class Site:
    """An engine with every agent busy and many tasks in the queue before them."""

    def __init__(self, folder: Path, agents_count: int, queued: int) -> None:
        """`folder` takes the configuration."""
        folder.mkdir()
        settings = load_settings(configuration.install_plain(folder, agents_count).file)
        self.engine = Engine(settings.routing, settings.gateway.side)
        self.now = _START
        self._dialogue = 0
        self._running: list[tuple[int, TaskId]] = []
        self.engine.handle(RoutingClientOpened(_APPLICATION, ""), self.now)
        self.engine.handle(ArmClientOpened(_ARM, configuration.APPLICATION_PATH), self.now)
        for number in range(agents_count):
            agent = configuration.FIRST_AGENT + number
            origin = Origin(_ARM, number)
            path, mrd = configuration.APPLICATION_PATH, configuration.MRD
            self.engine.handle(MediaLogin(origin, path, mrd, agent, True, 1), self.now)
            self.engine.handle(MakeAgentReady(origin, path, mrd, agent), self.now)
        for _ in range(agents_count + queued):
            self.queue_task()

    def queue_task(self, selector: str = configuration.AGENTS) -> None:
        """One more task with ten variables; an agent who is free gets it and starts it."""
        self._dialogue += 1
        self.now += 0.001
        name = self._dialogue
        variables = tuple(Variable(call, None, f"{n}: {name:08}") for n, call in enumerate(_CALL_VARIABLES, 1))
        task = NewTask(DialogueKey(_APPLICATION, name), TaskContext(selector, variables), configuration.MRD)
        self._start(self.engine.handle(task, self.now))

    def finish_oldest(self) -> None:
        """The task that has run longest ends; its agent gets the next one and starts it."""
        agent, task = self._running.pop(0)
        self.now += 0.001
        origin = Origin(_ARM, 0)
        ended = EndTask(origin, configuration.APPLICATION_PATH, configuration.MRD, agent, task)
        self._start(self.engine.handle(ended, self.now))

    def live(self, count: int) -> None:
        """So many tasks end, are replaced from the queue, and by new ones at its end."""
        for _ in range(count):
            self.finish_oldest()
            self.queue_task()

    def _start(self, events: Sequence[object]) -> None:
        for event in events:
            if isinstance(event, AgentChosen):
                agent = event.skill_target_id
                self._running.append((agent, event.task_id))
                origin = Origin(_ARM, 0)
                path, mrd = configuration.APPLICATION_PATH, configuration.MRD
                self.engine.handle(StartTask(origin, path, mrd, agent, event.task_id), self.now)


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Add the rows of this section."""
    large = QUICK_LARGE if quick else LARGE
    _decision_rows(report, folder, large, 3 if quick else ROUNDS)
    _weight_rows(report, folder, 2_000 if quick else DAEMON_TASKS)
    _daemon_rows(report, folder / "daemon", 1_000 if quick else DAEMON_TASKS)


def _decision_rows(report: Report, folder: Path, large: tuple[int, int], rounds: int) -> None:
    say(f"engine with {large[0]:,} agents and {large[1]:,} queued tasks")
    sites = [Site(folder / "small", *SMALL), Site(folder / "large", *large)]
    spent: list[list[float]] = [[], []]
    for number in range(rounds + 1):
        for index, site in enumerate(sites):
            with without_collections():
                started = time.process_time()
                site.live(DECISIONS)
                if number:  # the first round warms up
                    spent[index].append((time.process_time() - started) / DECISIONS * 1e6)
    small, big = (statistics.median(times) for times in spent)
    ratio = statistics.median(b / s for s, b in zip(*spent, strict=True))
    report.add(
        "scale: the engine alone",
        f"a task's life at {large[0]:,} agents, {large[1]:,} queued / at {SMALL[0]}, {SMALL[1]}",
        f"{big:.1f} us / {small:.1f} us",
        ratio,
        DECISION_SCALE,
    )
    gc.collect()
    started = time.perf_counter()
    gc.collect()
    report.add(
        "scale: the engine alone", "  full garbage collection then", f"{(time.perf_counter() - started) * 1e3:.0f} ms"
    )


def _weight_rows(report: Report, folder: Path, count: int) -> None:
    say("weight of a queued task")
    site = Site(folder / "weight", 1, 0)
    for _ in range(100):  # tables that exist once are filled before it counts
        site.queue_task(configuration.PARKED)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(count):
        site.queue_task(configuration.PARKED)
    gc.collect()
    weight = (tracemalloc.get_traced_memory()[0] - before) / count / KIB
    tracemalloc.stop()
    name = f"memory per queued task, {VARIABLES} variables of 11 bytes (tracemalloc, {count:,} tasks)"
    report.add("scale: the engine alone", name, f"{weight:.2f} KiB", weight, QUEUED_TASK_KIB)


def _await_queued(parking: load.Peer) -> None:
    """One connection's tasks are taken in order: when a last one is answered, all before it stand in the queue."""
    parking.send(load.new_task_frame(LAST_DIALOGUE, configuration.LABEL))
    deadline = time.monotonic() + QUEUED_S
    while time.monotonic() < deadline:
        if any(body[4:8] == LAST_DIALOGUE.to_bytes(4, "big") for _, body in parking.receive_frames(QUEUED_S)):
            return
    raise load.LoadError(f"the tasks are not queued within {QUEUED_S:g} s")


def _daemon_rows(report: Report, folder: Path, tasks: int) -> None:
    say(f"a daemon with {configuration.AGENT_COUNT:,} agents and {tasks:,} queued tasks")
    section = "scale: one daemon"
    folder.mkdir()
    installation = configuration.install(folder, free_port(), free_port())
    with (
        daemon(installation) as gateway,
        agents.arm_session(installation, cti.ServiceMask.AGENT_REPORTING) as arm,
        load.peers(gateway.port, 2, application=True) as (parking, asking),
    ):
        started = time.perf_counter()
        agents.sign_in(arm, configuration.AGENT_COUNT, 1)
        agents.quiet(arm)
        report.add(section, f"{configuration.AGENT_COUNT:,} agents signed in", f"{time.perf_counter() - started:.1f} s")
        load.prepare([asking], 1, configuration.LABEL)
        idle = load.drive([asking], 1, 0.5, load.DO_THIS_WITH_TASK)
        before = gateway.resident_bytes()
        for first in range(1, tasks + 1, 500):
            batch = range(first, min(first + 500, tasks + 1))
            parking.send(b"".join(load.new_task_frame(n, configuration.PARKED, variables=VARIABLES) for n in batch))
        _await_queued(parking)
        weight = (gateway.resident_bytes() - before) / tasks / KIB
        busy = load.drive([asking], 1, 0.5, load.DO_THIS_WITH_TASK)
        load.prepare([asking], 1, configuration.AGENTS)
        chosen = load.drive([asking], 1, 0.5, load.DO_THIS_WITH_TASK, arm)
        report.add(section, f"resident memory per queued task ({tasks:,} over one connection)", f"{weight:.2f} KiB")
        for name, turn in (
            ("empty queue", idle),
            (f"{tasks:,} queued", busy),
            (f"{tasks:,} queued, to agents", chosen),
        ):
            p50, p99 = (percentile(turn.latencies, share) * 1000 for share in (0.5, 0.99))
            report.add(section, f"one task at a time, {name}", f"p50 {p50:.3f} p99 {p99:.3f} ms")
