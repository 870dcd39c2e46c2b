"""Names and labels that dashboards rely on (design 6, decisions G3)."""

from collections.abc import Iterable

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ctigw.observe.metrics import Metrics, Sample

PROMISED = {
    "ctigw_build_info",
    "ctigw_sessions",
    "ctigw_frames",
    "ctigw_frame_errors",
    "ctigw_tasks",
    "ctigw_tasks_offered",
    "ctigw_tasks_ended",
    "ctigw_task_failures",
    "ctigw_queue_depth",
    "ctigw_queue_oldest_seconds",
    "ctigw_agents",
    "ctigw_agents_available",
    "ctigw_start_timeouts",
    "ctigw_interrupts",
    "ctigw_route_seconds",
    "ctigw_duplex_role",
    "ctigw_loop_lateness_seconds",
    "ctigw_outbox_bytes",
    "ctigw_sessions_closed",
    "ctigw_queue_outcomes",
    "ctigw_service_level_ratio",
    "ctigw_handle_seconds",
}
"""Design 6 as far as it applies so far, and statistics; counters without `_total`, as the parser names families."""


def exposed(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(generate_latest(metrics.registry).decode())
        for sample in family.samples
    }


def test_every_promised_name_is_exposed() -> None:
    metrics = Metrics("1.2.3", "A")
    metrics.scrape_from(list)
    families = {family.name for family in text_string_to_metric_families(generate_latest(metrics.registry).decode())}
    assert families >= PROMISED


def test_frames_are_counted_by_protocol_direction_and_message() -> None:
    metrics = Metrics("1.2.3", "A")
    metrics.frames("mr", {("in", "NEW_TASK"): 3, ("out", "DO_THIS_WITH_TASK"): 2})
    metrics.frames("mr", {("in", "NEW_TASK"): 1})
    found = exposed(metrics)
    labels = (("direction", "in"), ("message", "NEW_TASK"), ("protocol", "mr"))
    assert found["ctigw_frames_total", labels] == 4


def test_reasons_and_dispositions_are_decimal() -> None:
    metrics = Metrics("1.2.3", "A")
    metrics.task_ended("chat", 19)
    metrics.task_failure(6)
    found = exposed(metrics)
    assert found["ctigw_tasks_ended_total", (("disposition", "19"), ("mrd", "chat"))] == 1
    assert found["ctigw_task_failures_total", (("reason", "6"),)] == 1


def test_gauges_are_read_when_somebody_looks() -> None:
    metrics = Metrics("1.2.3", "A")
    depth = 0

    def read() -> Iterable[Sample]:
        yield Sample("ctigw_queue_depth", ("sg:chat_sales",), depth)

    metrics.scrape_from(read)
    depth = 7
    assert exposed(metrics)["ctigw_queue_depth", (("queue", "sg:chat_sales"),)] == 7


def test_counters_and_summaries_of_others_are_exposed_as_what_they_are() -> None:
    metrics = Metrics("1.2.3", "A")
    metrics.scrape_from(
        lambda: [
            Sample("ctigw_queue_outcomes_total", ("sg:chat", "handled"), 3),
            Sample("ctigw_handle_seconds_count", ("chat",), 3),
            Sample("ctigw_handle_seconds_sum", ("chat",), 12.5),
        ]
    )
    lines = generate_latest(metrics.registry).decode().splitlines()
    assert "# TYPE ctigw_queue_outcomes_total counter" in lines
    assert 'ctigw_queue_outcomes_total{outcome="handled",queue="sg:chat"} 3.0' in lines
    assert "# TYPE ctigw_handle_seconds summary" in lines
    assert {'ctigw_handle_seconds_count{mrd="chat"} 3.0', 'ctigw_handle_seconds_sum{mrd="chat"} 12.5'} <= set(lines)


def test_this_side_is_active_and_nothing_else() -> None:
    found = exposed(Metrics("1.2.3", "B"))
    roles = {dict(labels)["role"]: value for (name, labels), value in found.items() if name == "ctigw_duplex_role"}
    assert roles == {"active": 1, "standby": 0, "offline": 0}
