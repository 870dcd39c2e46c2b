"""What is read at the moment of a scrape: gauges, and counters that the engine keeps.

Knows which counts of engine and connections are which metric (design 6, decisions G3; semantics 10.1); must not know
metrics libraries or who scrapes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from ctigw.net.connection import Connection
from ctigw.observe.metrics import Sample
from ctigw.records.writer import REASONS, RecordWriter
from ctigw.routing.audit import Findings
from ctigw.routing.census import Census
from ctigw.routing.statistics.numbers import OUTCOMES
from ctigw.routing.statistics.views import Tallies

USUAL_SESSIONS = (("mr", "application", "none"), ("mr", "pim", "none"), ("cti", "client", "none"))
"""Label values that are exposed also when there is no such session: an alert on absence must not fire for zero."""


def session_samples(connections: Iterable[Connection], opened: Iterable[tuple[str, str, str]]) -> Iterator[Sample]:
    """What waits to be written, and open sessions by (protocol, role, side)."""
    sessions = Counter(opened)
    waiting: Counter[str] = Counter()
    for connection in connections:
        waiting[connection.session.protocol] += connection.outbox.waiting_bytes()
    for labels in dict.fromkeys((*USUAL_SESSIONS, *sessions)):
        yield Sample("ctigw_sessions", labels, sessions[labels])
    for protocol in ("mr", "cti"):
        yield Sample("ctigw_outbox_bytes", (protocol,), waiting[protocol])


def engine_samples(census: Census, now: float) -> Iterator[Sample]:
    """Tasks, queues and agents; `now` in UTC seconds."""
    for (mrd, task_state), count in census.tasks.items():
        yield Sample("ctigw_tasks", (mrd, task_state.name.lower()), count)
    for queue, (depth, oldest) in census.queues.items():
        yield Sample("ctigw_queue_depth", (queue,), depth)
        yield Sample("ctigw_queue_oldest_seconds", (queue,), 0.0 if oldest is None else max(0.0, now - oldest))
    for (mrd, agent_state), count in census.agents.items():
        yield Sample("ctigw_agents", (mrd, agent_state.name.lower()), count)
    for (mrd, kind), count in census.available.items():
        yield Sample("ctigw_agents_available", (mrd, kind), count)


def statistics_samples(tallies: Tallies) -> Iterator[Sample]:
    """Counters of queues and domains; a queue appears with its first task, all outcomes at once."""
    for queue, numbers in tallies.queues.items():
        yield Sample("ctigw_tasks_offered_total", (queue,), numbers.offered)
        for outcome in OUTCOMES:
            yield Sample("ctigw_queue_outcomes_total", (queue, outcome), getattr(numbers, outcome))
    for queue, level in tallies.service_levels.items():
        yield Sample("ctigw_service_level_ratio", (queue,), level)
    for mrd, (handled, seconds) in tallies.handled.items():
        yield Sample("ctigw_handle_seconds_count", (mrd,), handled)
        yield Sample("ctigw_handle_seconds_sum", (mrd,), seconds)


def audit_samples(findings: Findings) -> Iterator[Sample]:
    """What is 0 unless there is a defect."""
    yield Sample("ctigw_tasks_unaccounted", (), findings.unaccounted)
    yield Sample("ctigw_matchable_waiting_seconds", (), findings.matchable_s)


def record_samples(writer: RecordWriter) -> Iterator[Sample]:
    """Task detail records."""
    yield Sample("ctigw_task_records_written_total", (), writer.written)
    yield Sample("ctigw_task_records_waiting", (), writer.waiting())
    for reason in REASONS:
        yield Sample("ctigw_task_records_dropped_total", (reason,), writer.dropped[reason])
