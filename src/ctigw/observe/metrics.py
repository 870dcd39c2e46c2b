"""Prometheus metrics.

Knows names, labels and buckets (design 6, decisions G3: label sets are closed, no label carries an agent, task or
address); must not know who counts. Children are bound once and kept, because looking labels up costs more than counting
(performance, what things cost).
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

ROUTE_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""From a tenth of a millisecond, the target at light load without a journal, to one second, where people notice."""

LATENESS_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Around the few milliseconds of one read; from a second on, heartbeats of peers are at risk."""


INTERRUPT_OUTCOMES = ("advisory", "accepted", "unaccepted", "done")
"""Advised of; answered either way; the end answered (design 6)."""


class Sample(NamedTuple):
    """One value that is read at scrape time; `name` is that of the series, with its suffix."""

    name: str
    labels: tuple[str, ...]
    value: float


class Family(NamedTuple):
    """What is exposed about a metric that is read at scrape time."""

    about: str
    labels: tuple[str, ...]
    type: str = "gauge"
    suffixes: tuple[str, ...] = ("",)
    """Of its series: a counter has `_total`, a summary `_count` and `_sum`."""


SCRAPED: dict[str, Family] = {
    "ctigw_sessions": Family("Open sessions by what the peer is", ("protocol", "role", "side")),
    "ctigw_tasks": Family("Tasks by state", ("mrd", "state")),
    "ctigw_queue_depth": Family("Tasks waiting in a queue", ("queue",)),
    "ctigw_queue_oldest_seconds": Family("Age of the task that waits longest in a queue", ("queue",)),
    "ctigw_agents": Family("Agents signed in by state", ("mrd", "state")),
    "ctigw_agents_available": Family("Agents that can take one more task, and who may assign it", ("mrd", "kind")),
    "ctigw_outbox_bytes": Family("Bytes that wait to be written to peers", ("protocol",)),
    "ctigw_tasks_offered": Family("Tasks routed to or queued for a queue", ("queue",), "counter", ("_total",)),
    "ctigw_queue_outcomes": Family(
        "Tasks offered to a queue by what became of them there", ("queue", "outcome"), "counter", ("_total",)
    ),
    "ctigw_service_level_ratio": Family("Part of today's tasks answered within the threshold", ("queue",)),
    "ctigw_tasks_unaccounted": Family("Tasks that two ways of counting do not agree on; always 0", ()),
    "ctigw_matchable_waiting_seconds": Family(
        "How long a task has waited beside an agent who could take it; always 0", ()
    ),
    "ctigw_task_records_written": Family("Task detail records written", (), "counter", ("_total",)),
    "ctigw_task_records_dropped": Family("Task detail records given up, by why", ("reason",), "counter", ("_total",)),
    "ctigw_task_records_waiting": Family("Task detail records that wait to be written", ()),
    "ctigw_handle_seconds": Family(
        "Active, paused and wrap-up time of handled tasks", ("mrd",), "summary", ("_count", "_sum")
    ),
}
"""Metrics that are counted when somebody looks."""

_SERIES = {f"{name}{suffix}": name for name, family in SCRAPED.items() for suffix in family.suffixes}


class _ScrapeCollector(Collector):
    def __init__(self, read: Callable[[], Iterable[Sample]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        families = {name: Metric(name, family.about, family.type) for name, family in SCRAPED.items()}
        for name, labels, value in self._read():
            family = _SERIES[name]
            families[family].add_sample(name, dict(zip(SCRAPED[family].labels, labels, strict=True)), value)
        return families.values()


class Metrics:
    """All metrics of one daemon on a registry of its own."""

    def __init__(self, version: str, side: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter that nobody asked for
        self.registry = CollectorRegistry()
        build = Gauge("ctigw_build_info", "Version of this daemon", ["version"], registry=self.registry)
        build.labels(version).set(1)
        self._frames = self._counter("ctigw_frames_total", "Frames", "protocol", "direction", "message")
        self._frame_errors = self._counter(
            "ctigw_frame_errors_total", "Frames that were not taken", "protocol", "reason"
        )
        self._ended = self._counter("ctigw_tasks_ended_total", "Tasks that ended", "mrd", "disposition")
        self._failures = self._counter("ctigw_task_failures_total", "NEW_TASK_FAILUREs sent", "reason")
        self._start_timeouts = self._counter(
            "ctigw_start_timeouts_total", "Tasks taken back because nobody started them", "mrd"
        )
        self._interrupts = self._counter("ctigw_interrupts_total", "Interrupts of agents by outcome", "outcome")
        for outcome in INTERRUPT_OUTCOMES:
            self._interrupts(outcome)
        self._closed = self._counter("ctigw_sessions_closed_total", "Connections that ended", "protocol", "reason")
        self._role = Gauge(
            "ctigw_duplex_role", "1 for the role that this side is in", ["side", "role"], registry=self.registry
        )
        for role in ("active", "standby", "offline"):
            self._role.labels(side, role).set(1 if role == "active" else 0)
        self.route_seconds = Histogram(
            "ctigw_route_seconds",
            "NEW_TASK received to DO_THIS_WITH_TASK written, when an agent was free",
            buckets=ROUTE_BUCKETS_S,
            registry=self.registry,
        )
        self.loop_lateness_seconds = Histogram(
            "ctigw_loop_lateness_seconds",
            "How late the event loop woke a timer",
            buckets=LATENESS_BUCKETS_S,
            registry=self.registry,
        )

    def scrape_from(self, read: Callable[[], Iterable[Sample]]) -> None:
        """Read the metrics of `SCRAPED` from this function at every scrape."""
        self.registry.register(_ScrapeCollector(read))

    def frames(self, protocol: str, counts: dict[tuple[str, str], int]) -> None:
        """Add (direction, message name) counts; once a batch, not once a frame."""
        for (direction, message), count in counts.items():
            self._frames(protocol, direction, message).inc(count)

    def frame_error(self, protocol: str, reason: str) -> None:
        """A frame was refused."""
        self._frame_errors(protocol, reason).inc()

    def task_ended(self, mrd: str, disposition: int) -> None:
        """A task ended."""
        self._ended(mrd, str(disposition)).inc()

    def task_failure(self, reason: int) -> None:
        """NEW_TASK_FAILURE was sent."""
        self._failures(str(reason)).inc()

    def start_timeout(self, mrd: str) -> None:
        """A start timer ran out."""
        self._start_timeouts(mrd).inc()

    def interrupt(self, outcome: str) -> None:
        """An interrupt came to one of `INTERRUPT_OUTCOMES`."""
        self._interrupts(outcome).inc()

    def session_closed(self, protocol: str, reason: str) -> None:
        """A connection ended."""
        self._closed(protocol, reason).inc()

    def _counter(self, name: str, about: str, *labels: str) -> "Callable[..., Counter]":
        """A counter whose children are found in a dictionary instead of through `labels`."""
        counter = Counter(name, about, labels, registry=self.registry)
        children: dict[tuple[str, ...], Counter] = {}

        def child(*values: str) -> Counter:
            found = children.get(values)
            if found is None:
                found = children[values] = counter.labels(*values)
            return found

        return child
