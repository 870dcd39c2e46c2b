"""Who takes note of what the engine says, besides those who send it: counters, the audit, task records.

Knows which event goes to which of them, in one table, so that an event that nobody counts costs one look-up; must not
know sessions, and nothing that is decided depends on it.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ctigw.gateway.directory import Directory
from ctigw.gateway.gauges import audit_samples, engine_samples, record_samples, statistics_samples
from ctigw.observe.metrics import Metrics, Sample
from ctigw.records.writer import RecordWriter
from ctigw.routing.engine import Engine
from ctigw.routing.events import AgentInterruptAdvised, ApplicationTaskBegun, TaskAccepted, TaskEnded
from ctigw.routing.facts import AgentInterruptAccepted, AgentInterruptClosed, AgentInterruptDeclined, Event
from ctigw.routing.task_histories import TaskHistories
from ctigw.wire import cti

Note = Callable[[Any, float], None]


class Observers:
    """All of them."""

    def __init__(self, engine: Engine, directory: Directory, metrics: Metrics) -> None:
        """Begin with the engine as it is: what it decided before was observed by nobody here."""
        self._engine = engine
        self._directory = directory
        self._metrics = metrics
        self._audit = engine.new_audit()
        self._records: RecordWriter | None = None
        self._histories: TaskHistories | None = None
        self._table: dict[type[Any], tuple[Note, ...]] = {}
        self.add(TaskAccepted, self._audit.count_begun)
        self.add(ApplicationTaskBegun, self._audit.count_begun)
        self.add(TaskEnded, self._audit.count_ended)
        self.add(TaskEnded, self._count_ended)
        self.add(AgentInterruptAdvised, lambda event, now: metrics.interrupt("advisory"))
        self.add(AgentInterruptAccepted, lambda event, now: metrics.interrupt("accepted"))
        self.add(AgentInterruptDeclined, lambda event, now: metrics.interrupt("unaccepted"))
        self.add(AgentInterruptClosed, lambda event, now: metrics.interrupt("done"))

    def add(self, kind: type[Any], note: Note) -> None:
        """Call a function with every event of a class and its instant."""
        self._table[kind] = (*self._table.get(kind, ()), note)

    def keep_records(self, histories: TaskHistories, writer: RecordWriter) -> None:
        """Write a record of every task that ends; `histories` may have seen facts of before."""
        self._histories, self._records = histories, writer
        for kind, note in histories.table.items():
            self.add(kind, note)
        self.add(TaskEnded, self._hand_over)

    def observe(self, kind: type[Any], event: Event, now: float) -> None:
        """Take note of one event of this class that the engine decided at `now`, UTC seconds."""
        for note in self._table.get(kind, ()):
            note(event, now)

    def samples(self, now: float) -> Iterator[Sample]:
        """Gauges and the engine's counters at scrape time."""
        yield from engine_samples(self._engine.census(), now)
        yield from statistics_samples(self._engine.tallies(now))
        yield from audit_samples(self._engine.look(self._audit, now))
        if self._records is not None:
            yield from record_samples(self._records)

    def _count_ended(self, event: TaskEnded, now: float) -> None:
        name = self._directory.mrd_name(event.mrd_id)
        self._metrics.task_ended(name, event.disposition)
        if event.disposition == cti.DispositionCode.RING_NO_ANSWER:
            self._metrics.start_timeout(name)

    def _hand_over(self, event: TaskEnded, now: float) -> None:
        if self._histories is None or self._records is None:
            return
        for history in self._histories.finished:
            self._records.put(history)
        self._histories.finished.clear()
