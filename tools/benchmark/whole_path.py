"""Section "tls": NEW_TASK to DO_THIS_WITH_TASK through TLS on loopback, beside a bare echo and the in-memory path.

Daemon, echo and load generator are three processes; the two servers take turns of a second within each round, and the
median of the rounds' ratios counts. The load generator costs the same for both, so ratios of rates are diluted by it
where it is the slower side: the servers' own CPU time stands beside them.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from benchmark import agents, configuration, load, memory
from benchmark.processes import Server, daemon, echo_server, free_port, raise_open_files
from benchmark.report import Report, median_ratio, percentile, say
from benchmark.targets import ADDED_LATENCY_MS, NOT_YET, WHOLE_TO_ECHO, WHOLE_TO_MEMORY
from benchmark.timing import without_collections
from ctigw.wire import cti

TARGET_SHAPE = (100, 1)
MEMORY_SHAPE = (10, 64)
SHAPES = ((1, 1), (1, 64), (1, 256), TARGET_SHAPE, MEMORY_SHAPE)
"""(connections, tasks in flight on each)."""
PREFILLED_AGENTS = 500
WORKING_AGENTS = 200
WORKING_LIMIT = 50
"""MaxTaskLimit of agents who work: more places than tasks in flight, so that nobody waits for a free agent."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long."""

    rounds: int
    turn_s: float


FULL = Plan(rounds=7, turn_s=0.8)
QUICK = Plan(rounds=1, turn_s=0.1)


@dataclass(slots=True)
class Turns:
    """All turns of one server in one shape."""

    turns: list[load.Measurement] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        """Answers per second of each turn."""
        return [turn.rate for turn in self.turns]

    def p(self, share: float) -> list[float]:
        """A percentile of the latency of each turn, in milliseconds."""
        return [percentile(turn.latencies, share) * 1000 for turn in self.turns]

    @property
    def server_cpu_ms(self) -> float:
        """CPU milliseconds of the server for a thousand answers."""
        spent = sum(turn.server_cpu_s for turn in self.turns)
        return spent / sum(len(turn.latencies) for turn in self.turns) * 1e6

    @property
    def client_cpu_share(self) -> float:
        """Share of the time that the load generator was busy."""
        return sum(turn.client_cpu_s for turn in self.turns) / sum(turn.seconds for turn in self.turns)

    def __str__(self) -> str:
        rate, p50, p99 = (statistics.median(values) for values in (self.rates, self.p(0.5), self.p(0.99)))
        return f"{rate:,.0f}/s p50 {p50:.3f} p99 {p99:.3f} ms"


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Add the rows of this section."""
    raise_open_files()
    plan = QUICK if quick else FULL
    installation = configuration.install(folder, free_port(), free_port())
    path = memory.MemoryPath(installation)
    with echo_server(installation) as echo, daemon(installation) as gateway:
        for shape in SHAPES:
            say(f"TLS, {shape[0]} connections x {shape[1]}, answered by label")
            _label_rows(report, plan, shape, echo, gateway, path)
        with agents.arm_session(installation, cti.ServiceMask.AGENT_REPORTING) as listener:
            agents.sign_in(listener, PREFILLED_AGENTS, configuration.MOST_TASKS_OF_AN_AGENT)
            for shape in SHAPES:
                say(f"TLS, {shape[0]} connections x {shape[1]}, answered by agents")
                _agent_rows(report, plan, shape, echo, gateway, listener)
    with daemon(installation) as gateway:
        say("TLS, agents at work over CTI")
        _work_rows(report, plan, installation, gateway)
    for row in NOT_YET:
        report.note(f"not measured, this build has no journal: {row}")


def turn(
    server: Server, peers: list[load.Peer], in_flight: int, seconds: float, answer: int, listener: load.Peer | None
) -> load.Measurement:
    """One server's turn."""
    with without_collections():
        before = server.cpu_seconds()
        result = load.drive(peers, in_flight, seconds, answer, listener)
        result.server_cpu_s = server.cpu_seconds() - before
    return result


def side_by_side(
    plan: Plan,
    shape: tuple[int, int],
    echo: Server,
    gateway: Server,
    selector: str,
    listener: load.Peer | None = None,
    path: memory.MemoryPath | None = None,
) -> tuple[Turns, Turns, list[float]]:
    """Turns of the daemon and of the echo, and rates of the in-memory path where it is given."""
    ours, floor, in_memory = Turns(), Turns(), list[float]()
    connections, in_flight = shape
    with (
        load.peers(echo.port, connections, application=False) as plain,
        load.peers(gateway.port, connections, application=True) as opened,
    ):
        for peers in (plain, opened):
            load.prepare(peers, in_flight, selector)
        for number in range(plan.rounds + 1):
            floor.turns.append(turn(echo, plain, in_flight, plan.turn_s, load.NEW_TASK, None))
            ours.turns.append(turn(gateway, opened, in_flight, plan.turn_s, load.DO_THIS_WITH_TASK, listener))
            if path is not None:
                in_memory.append(memory.turn(path, selector, memory.TASKS_A_TURN, in_flight))
            if number == 0:  # the first turn warms up
                ours, floor, in_memory = Turns(), Turns(), []
    return ours, floor, in_memory


def _name(shape: tuple[int, int]) -> str:
    return f"{shape[0]} connection{'s' if shape[0] > 1 else ''} x {shape[1]} in flight"


def _label_rows(
    report: Report, plan: Plan, shape: tuple[int, int], echo: Server, gateway: Server, path: memory.MemoryPath
) -> None:
    section = "TLS, answered by label: daemon, and as ratio daemon / bare Trio TLS echo of the same frames"
    beside = path if shape == MEMORY_SHAPE else None
    ours, floor, in_memory = side_by_side(plan, shape, echo, gateway, configuration.LABEL, path=beside)
    target = WHOLE_TO_ECHO if shape == TARGET_SHAPE else None
    report.add(section, _name(shape), str(ours), median_ratio(ours.rates, floor.rates), target)
    report.add(section, f"  echo, {_name(shape)}", str(floor))
    _cost_row(report, section, ours, floor)
    if shape == (1, 1):
        added = statistics.median(one - other for one, other in zip(ours.p(0.5), floor.p(0.5), strict=True))
        name = "  added latency at light load, p50 of one task in flight, ms, without commit"
        report.add(section, name, f"{added:.3f} ms", added, ADDED_LATENCY_MS)
    if in_memory:
        measured = f"{statistics.median(ours.rates):,.0f}/s / {statistics.median(in_memory):,.0f}/s"
        name = "  frames/s over TLS / frames/s in memory, 64 frames a read"
        report.add(section, name, measured, median_ratio(ours.rates, in_memory), WHOLE_TO_MEMORY)


def _agent_rows(
    report: Report, plan: Plan, shape: tuple[int, int], echo: Server, gateway: Server, listener: load.Peer
) -> None:
    section = "TLS, answered by agents signed in before, tasks never offered; the CTI session hears every pre-call"
    ours, floor, _ = side_by_side(plan, shape, echo, gateway, configuration.AGENTS, listener)
    report.add(section, _name(shape), str(ours), median_ratio(ours.rates, floor.rates))
    _cost_row(report, section, ours, floor)


def _cost_row(report: Report, section: str, ours: Turns, floor: Turns) -> None:
    measured = f"{ours.server_cpu_ms:.1f} / {floor.server_cpu_ms:.1f} ms"
    busy = f"load generator busy {ours.client_cpu_share:.0%} / {floor.client_cpu_share:.0%}"
    ratio = floor.server_cpu_ms / ours.server_cpu_ms if ours.server_cpu_ms else None
    report.add(section, f"  server CPU per 1,000 tasks, daemon / echo ({busy})", measured, ratio)


def _work_rows(report: Report, plan: Plan, installation: configuration.Installation, gateway: Server) -> None:
    section = "TLS, agents at work: NEW_TASK, pre-call, OFFER, START and END of every task over MR and CTI"
    services = cti.ServiceMask.AGENT_REPORTING | cti.ServiceMask.ALL_EVENTS
    with (
        agents.arm_session(installation, services) as arm,
        load.peers(gateway.port, 1, application=True) as (application,),
    ):
        agents.sign_in(arm, WORKING_AGENTS, WORKING_LIMIT)
        agents.quiet(arm)
        for in_flight in (1, 64, 256):
            load.prepare([application], in_flight, configuration.AGENTS)
            shift = agents.Shift(application, arm, in_flight)
            worked = []
            before = gateway.cpu_seconds()
            for _ in range(plan.rounds):
                with without_collections():
                    worked.append(shift.run(plan.turn_s))
            spent = gateway.cpu_seconds() - before
            tasks = statistics.median(one.tasks / one.seconds for one in worked)
            frames = statistics.median(one.frames / one.seconds for one in worked)
            cpu = spent / sum(one.tasks for one in worked) * 1e6
            measured = f"{frames:,.0f} frames/s = {tasks:,.0f} tasks/s, CPU {cpu:.0f} ms/1,000"
            report.add(section, f"1 application x {in_flight} in flight, {WORKING_AGENTS} agents, ALL_EVENTS", measured)
