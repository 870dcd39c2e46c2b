"""Handing over never waits; what is lost is counted and told once a minute."""

import errno
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from ctigw.config.routing import RoutingSettings
from ctigw.config.settings import TaskRecordsSettings
from ctigw.records.files import RecordFiles
from ctigw.records.form import RecordForm
from ctigw.records.writer import RecordWriter
from ctigw.routing.inputs import TaskId, Variable
from ctigw.routing.task_histories import TaskHistory
from ctigw.routing.terms import TaskState

NOW = 1_795_000_000.0


class FullDisk(RecordFiles):
    def append(self, lines: Sequence[bytes], now: float) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def ended(key: int) -> TaskHistory:
    history = TaskHistory(TaskId(1, key, 1), 5001, NOW, "8000", since=NOW, ended=NOW + 1)
    history.move(TaskState.PENDING, NOW)
    history.move(TaskState.ENDED, NOW + 1)
    return history


def writer(directory: Path, files: type[RecordFiles] = RecordFiles) -> RecordWriter:
    return RecordWriter(RecordForm(RoutingSettings(), "gw", "A"), files(TaskRecordsSettings(), directory))


def test_what_waits_is_written_in_order(tmp_path: Path) -> None:
    records = writer(tmp_path)
    for key in (1, 3, 5):
        records.put(ended(key))
    assert records.waiting() == 3
    records.close(NOW)
    lines = (tmp_path / "tasks.jsonl").read_text().splitlines()
    assert [json.loads(line)["task_id"] for line in lines] == ["1.1.1", "1.3.1", "1.5.1"]
    assert (records.written, records.waiting(), records.dropped.total()) == (3, 0, 0)


def test_a_disk_that_hangs_costs_no_more_than_the_backlog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctigw.records.writer.MOST_WAITING", 2)
    records = writer(tmp_path)
    for key in range(5):
        records.put(ended(key))
    assert records.waiting() == 2
    assert records.dropped == {"backlog": 3}


def test_a_full_disk_is_told_once_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    records = writer(tmp_path, FullDisk)
    with caplog.at_level(logging.WARNING):
        for second in range(90):
            records.put(ended(second))
            records.write_pending(NOW + second)
    assert [record.getMessage() for record in caplog.records] == [
        "1 task records are lost: [Errno 28] No space left on device",
        "60 task records are lost: [Errno 28] No space left on device",
    ]
    assert records.dropped == {"disk": 90}
    assert records.written == 0


def test_a_variable_with_a_lone_surrogate_is_written_all_the_same(tmp_path: Path) -> None:
    history = ended(1)
    history.variables = (Variable("ecc.user.y", 2, 'a"\ud800\n'),)
    records = writer(tmp_path)
    records.put(history)
    records.write_pending(NOW)
    (line,) = (tmp_path / "tasks.jsonl").read_bytes().splitlines()
    assert json.loads(line)["variables"] == {"ecc.user.y[2]": 'a"\ud800\n'}
