"""A task's record from the gateway, end to end; the audit's gauges; every metric by its name (design 6)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from ctigw.config.settings import GatewaySettings, Settings, TaskRecordsSettings
from ctigw.gateway.task_records import keep_written, record_writer, write_last
from ctigw.routing.task_histories import TaskHistories
from ctigw.wire import cti, mr
from test_exchange import task_of
from town import ADA, CHAT, SETTINGS, START_TIMEOUT_S, Town, town


@pytest.fixture(autouse=True)
def threads_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time does not wait for a thread; so what belongs into one is done in place."""

    async def in_place(call: Callable[..., object], *arguments: object, abandon_on_cancel: bool = False) -> None:
        await trio.lowlevel.checkpoint()
        call(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", in_place)


def recording(place: Town, directory: Path, **records: Any) -> Any:  # noqa: ANN401 - fields of the settings
    wanted = Settings(
        gateway=GatewaySettings(state_dir=directory),
        task_records=TaskRecordsSettings(**records),
        routing=SETTINGS,
    )
    writer = record_writer(wanted)
    if writer is not None:
        place.exchange.observers.keep_records(TaskHistories(wanted.task_records.variables), writer)
    return writer


def lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "records" / "tasks.jsonl").read_text().splitlines()]


async def test_every_ended_task_has_one_line(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with town() as place:
        writer = recording(place, tmp_path, variables=("call.1",))
        place.nursery.start_soon(keep_written, writer, place.clock)
        desktop, application = await place.client(), await place.application()
        await application.new_task(
            1, (mr.NewTask.CALL_VARIABLE1, "for reports"), (mr.NewTask.CALL_VARIABLE2, "private")
        )
        await trio.sleep(10)
        await desktop.sign_in(ADA)
        task = await task_of(application)
        await desktop.send(cti.StartTaskInd(1, CHAT, ADA, task))
        await trio.sleep(40)
        await desktop.send(cti.EndTaskInd(2, CHAT, ADA, task, 38, 7))
        await trio.sleep(3)
        (line,) = lines(tmp_path)
        assert line["agent"] == {"skill_target_id": ADA, "number": "1001", "name": "Ada"}
        assert line["mrd"] == {"id": CHAT, "name": "chat"}
        assert line["disposition"]["number"] == 38
        assert line["application_disposition"] == 7
        assert line["variables"] == {"call.1": "for reports"}
        assert line["call_type"] == "chat"
        assert line["queue"] == "sg:sales"
        (stay,) = line["queues"]
        assert (stay["queue"], stay["priority"], stay["why"]) == ("sg:sales", 5, "routed")
        assert 9.9 < stay["wait_s"] < 10.1
        assert line["service_level"] == {"queue": "sg:sales", "threshold_s": 30, "inside": True}
        assert 39.9 < line["seconds"]["active"] < 40.1
        assert line["failure"] is None
        assert place.metrics.registry.get_sample_value("ctigw_task_records_written_total") == 1
        await application.new_task(2)
        await trio.sleep(START_TIMEOUT_S + 0.1)
        await write_last(writer, place.clock)
        assert [one["disposition"]["number"] for one in lines(tmp_path)] == [38, 19]


async def test_an_answer_late_and_an_abandoned_task_are_outside_the_level(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with town() as place:
        writer = recording(place, tmp_path)
        application = await place.application()
        await application.new_task(1)
        await trio.sleep(31)
        await application.send(mr.CancelTask(1, 2, 9, 0))
        await application.new_task(2)
        await trio.sleep(1)
        await application.send(mr.CancelTask(2, 2, 9, 0))
        await application.received()
        writer.write_pending(place.clock.now())
        assert [one["service_level"]["inside"] for one in lines(tmp_path)] == [False, True]
        assert [one["queues"][0]["why"] for one in lines(tmp_path)] == ["abandoned", "abandoned"]
        assert [one["agent"] for one in lines(tmp_path)] == [None, None]


async def test_a_disk_that_does_not_take_records_stops_no_task(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with town() as place:
        writer = recording(place, tmp_path / "missing")
        place.nursery.start_soon(keep_written, writer, place.clock)
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        for dialogue in (1, 2):
            await application.new_task(dialogue)
            task = await task_of(application)
            await desktop.send(cti.StartTaskInd(1, CHAT, ADA, task), cti.EndTaskInd(2, CHAT, ADA, task, 38, 0))
            await trio.sleep(3)
        value = place.metrics.registry.get_sample_value
        assert value("ctigw_task_records_dropped_total", {"reason": "disk"}) == 2
        assert value("ctigw_task_records_dropped_total", {"reason": "backlog"}) == 0


async def test_records_that_are_not_wanted_are_not_made(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with town() as place:
        assert recording(place, tmp_path, enabled=False) is None
        assert place.metrics.registry.get_sample_value("ctigw_task_records_written_total") is None


async def test_the_audit_finds_nothing_while_tasks_come_and_go(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        value = place.metrics.registry.get_sample_value
        await desktop.sign_in(ADA)
        for dialogue in (1, 2, 3):
            await application.new_task(dialogue)
            await application.received()
            assert value("ctigw_tasks_unaccounted") == 0
            assert value("ctigw_matchable_waiting_seconds") == 0
        await trio.sleep(START_TIMEOUT_S + 1)
        assert value("ctigw_tasks_ended_total", {"mrd": "chat", "disposition": "19"}) == 1
        assert value("ctigw_tasks_unaccounted") == 0


async def test_a_task_that_is_lost_shows_in_the_gauge(autojump_clock: MockClock) -> None:
    async with town() as place:
        application = await place.application()
        await application.new_task(1)
        await application.received()
        tasks = place.exchange._engine._state.tasks
        task_id, task = tasks.popitem()
        assert place.metrics.registry.get_sample_value("ctigw_tasks_unaccounted") == 2  # by facts and by states
        tasks[task_id] = task
        assert place.metrics.registry.get_sample_value("ctigw_tasks_unaccounted") == 0


NAMES = """ctigw_build_info ctigw_sessions ctigw_frames_total ctigw_frame_errors_total ctigw_tasks
ctigw_tasks_offered_total ctigw_tasks_ended_total ctigw_task_failures_total ctigw_queue_depth ctigw_queue_oldest_seconds
ctigw_agents ctigw_agents_available ctigw_start_timeouts_total ctigw_interrupts_total ctigw_route_seconds
ctigw_duplex_role ctigw_loop_lateness_seconds ctigw_outbox_bytes ctigw_sessions_closed_total"""
"""Design 6, without those of the journal and of a pair."""


async def test_every_metric_of_the_contract_is_exposed(autojump_clock: MockClock) -> None:
    async with town() as place:
        families = {family.name for family in place.metrics.registry.collect()}
        assert {name.removesuffix("_total") for name in NAMES.split()} - families == set()
        labels = {
            family.name: tuple(sample.labels)
            for family in place.metrics.registry.collect()
            for sample in family.samples
        }
        assert labels["ctigw_agents_available"] == ("mrd", "kind")
        assert labels["ctigw_queue_depth"] == ("queue",)
