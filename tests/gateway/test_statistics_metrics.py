"""What Prometheus is told of queues and handled tasks (semantics 10.1, decisions G3)."""

import attrs
import pytest
import trio
from trio.testing import MockClock

from ctigw.config.routing import CallType
from ctigw.wire import cti
from test_exchange import task_of
from town import ADA, CHAT, SETTINGS, START_TIMEOUT_S, town

TO_AN_AGENT = attrs.evolve(
    SETTINGS, call_types=(CallType(name="chat", script=({"op": "queue", "to": ["agent:1001"]},)),)
)


async def test_what_becomes_of_tasks_is_counted_by_queue_and_domain(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()

        def value(name: str, **labels: str) -> float | None:
            return place.metrics.registry.get_sample_value(name, labels)

        assert value("ctigw_queue_outcomes_total", queue="sg:sales", outcome="handled") is None
        assert value("ctigw_handle_seconds_count", mrd="chat") == 0
        await desktop.sign_in(ADA)
        await application.new_task(1)
        task = await task_of(application)
        assert value("ctigw_queue_outcomes_total", queue="sg:sales", outcome="handled") == 0
        assert value("ctigw_service_level_ratio", queue="sg:sales") is None
        await desktop.send(cti.StartTaskInd(1, CHAT, ADA, task))
        await trio.sleep(40)
        await desktop.send(cti.EndTaskInd(2, CHAT, ADA, task, 38, 0))
        await application.new_task(2)
        await trio.sleep(START_TIMEOUT_S + 0.1)
        assert value("ctigw_queue_outcomes_total", queue="sg:sales", outcome="handled") == 1
        assert value("ctigw_queue_outcomes_total", queue="sg:sales", outcome="redirect_no_answer") == 1
        assert value("ctigw_tasks_offered_total", queue="sg:sales") == 2
        assert value("ctigw_service_level_ratio", queue="sg:sales") == 0.5
        assert value("ctigw_handle_seconds_count", mrd="chat") == 1
        assert value("ctigw_handle_seconds_sum", mrd="chat") == pytest.approx(40, abs=0.1)


async def test_no_metric_names_an_agent_by_his_own_queue(autojump_clock: MockClock) -> None:
    async with town(TO_AN_AGENT) as place:
        application = await place.application()
        await application.new_task(1)
        await trio.testing.wait_all_tasks_blocked()
        labels = [s.labels for family in place.metrics.registry.collect() for s in family.samples]
        assert labels
        assert not [found for found in labels if any("1001" in str(text) for text in found.values())]
