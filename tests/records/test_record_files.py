"""Files of task records: rotation, retention, and disks that fail."""

import errno
import os
from pathlib import Path

import pytest

from ctigw.config.settings import TaskRecordsSettings
from ctigw.records.files import RecordFiles

NOW = 1_795_000_000.0
LINE = b'{"v":1}\n'


def contents(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(directory.glob("tasks-*.jsonl"))]


def current(directory: Path) -> bytes:
    return (directory / "tasks.jsonl").read_bytes()


def files(directory: Path, **settings: float) -> RecordFiles:
    unlimited = {"keep_files": 0, "keep_days": 0, "keep_bytes": 0}
    return RecordFiles(TaskRecordsSettings(**{**unlimited, **settings}), directory)  # type: ignore[arg-type]


def test_lines_are_appended_and_nobody_else_reads_them(tmp_path: Path) -> None:
    directory = tmp_path / "records"
    written = files(directory)
    written.append([LINE], NOW)
    written.append([LINE, LINE], NOW)
    assert current(directory) == LINE * 3
    assert (directory / "tasks.jsonl").stat().st_mode & 0o137 == 0
    assert directory.stat().st_mode & 0o027 == 0


def test_a_full_file_is_put_away_under_its_final_name(tmp_path: Path) -> None:
    written = files(tmp_path, rotate_bytes=3 * len(LINE))
    written.append([LINE] * 7, NOW)
    assert contents(tmp_path) == [LINE * 3, LINE * 3]
    assert current(tmp_path) == LINE
    names = [path.name for path in sorted(tmp_path.glob("tasks-*"))]
    assert names == ["tasks-20261118T110640Z-0000.jsonl", "tasks-20261118T110640Z-0001.jsonl"]


def test_an_old_file_is_put_away_though_nothing_is_written(tmp_path: Path) -> None:
    written = files(tmp_path, rotate_s=60)
    written.append([LINE], NOW)
    written.rotate_if_due(NOW + 59)
    assert contents(tmp_path) == []
    written.rotate_if_due(NOW + 60)
    assert contents(tmp_path) == [LINE]
    written.append([LINE], NOW + 61)
    assert current(tmp_path) == LINE


def test_a_start_leaves_what_another_wrote_and_cuts_a_torn_line(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_bytes(LINE * 2 + LINE[:4])
    files(tmp_path).append([LINE], NOW)
    assert contents(tmp_path) == [LINE * 2]
    assert current(tmp_path) == LINE


@pytest.mark.parametrize("limit", [{"keep_files": 2}, {"keep_bytes": 2 * len(LINE)}])
def test_the_oldest_files_go_when_there_are_too_many_or_too_much(tmp_path: Path, limit: dict[str, float]) -> None:
    (tmp_path / "other.txt").write_text("stays")
    written = files(tmp_path, rotate_bytes=len(LINE), **limit)
    for turn in range(6):
        written.append([LINE], NOW + turn)
    names = [path.name for path in sorted(tmp_path.glob("tasks-*"))]
    assert names == ["tasks-20261118T110644Z-0000.jsonl", "tasks-20261118T110645Z-0000.jsonl"]
    assert (tmp_path / "other.txt").exists()


def test_files_go_when_they_are_too_old(tmp_path: Path) -> None:
    written = files(tmp_path, rotate_bytes=len(LINE), keep_days=1)
    written.append([LINE] * 2, NOW)
    (old,) = tmp_path.glob("tasks-*")
    os.utime(old, (NOW, NOW))
    written.rotate_if_due(NOW + 86_000)
    assert old.exists()
    written.rotate(NOW + 90_000)
    assert not old.exists()


def test_what_a_full_disk_took_half_of_is_cut_off_and_writing_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = files(tmp_path)
    written.append([LINE], NOW)
    write = os.write

    def full(file: int, data: bytes) -> int:
        if len(data) < len(LINE):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:5])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        written.append([LINE], NOW)
    assert current(tmp_path) == LINE
    monkeypatch.setattr(os, "write", write)
    written.append([LINE], NOW + 1)
    assert [*contents(tmp_path), current(tmp_path)] == [LINE, LINE]
    assert written.lines == 2


def test_a_missing_state_directory_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files(tmp_path / "missing" / "records").append([LINE], NOW)
    assert not (tmp_path / "missing").exists()
