"""The files of one directory: the one being written, and those that are kept.

Knows names, rotation by size and age, and retention by number, age and total size; must not know what a line says.
Lines go to `tasks.jsonl`; a full file is renamed to `tasks-YYYYMMDDTHHMMSSZ-NNNN.jsonl` (when it was closed, and a
number that tells apart those of one second), never written again, and deleted when retention says so; other files are
left alone. Each start begins a new file. Files are 0640 and the directory 0750: reporting reads them by group.

Durability: lines are with the operating system after each batch, so that a crash of the daemon loses none of them; on
the disk (fsync) when a file is rotated or closed. What a power failure takes is in the journal, as far as it keeps it.
A batch that could not be written whole is cut off again, and what an interrupted daemon left torn is cut off at the
next start, so that every file holds whole lines.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ctigw.config.settings import TaskRecordsSettings

CURRENT = "tasks.jsonl"
KEPT = "tasks-*.jsonl"
DIRECTORY_MODE, FILE_MODE = 0o750, 0o640
TAIL = 1 << 20
"""Bytes at the end of a left file among which the end of its last whole line is looked for: hundreds of lines."""
DAY_S = 86_400
RETENTION_PERIOD_S = 60.0
"""How often age is looked at while no file is rotated: a thousand files cost some milliseconds of a thread."""


class RecordFiles:
    """Appends lines. One thread at a time uses it. OSError leaves it usable: the next `append` opens anew."""

    def __init__(self, settings: TaskRecordsSettings, directory: Path) -> None:
        self._settings = settings
        self._directory = directory
        self._file: int | None = None
        self._size = 0
        self._opened = 0.0
        self._retained = 0.0
        self.lines = 0
        """Lines written ever: says how many of a batch there are when its rest failed."""

    def append(self, lines: Sequence[bytes], now: float) -> None:
        """Write lines at `now`, UTC seconds, in the current file or, when it is full or old, a new one."""
        begin = 0
        while begin < len(lines):
            if self._file is not None and self._is_due(now):
                self.rotate(now)
            if self._file is None:
                self._open(now)
            end, size = begin, self._size
            while end < len(lines) and (end == begin or size < self._settings.rotate_bytes):
                size += len(lines[end])
                end += 1
            self._write(b"".join(lines[begin:end]))
            self.lines += end - begin
            begin = end

    def rotate_if_due(self, now: float) -> None:
        """Close a file that is old though nothing is written; delete what need not be kept any more."""
        if self._file is not None and self._is_due(now):
            self.rotate(now)
        elif now - self._retained >= RETENTION_PERIOD_S:
            self._retain(now)

    def rotate(self, now: float) -> None:
        """Close the current file under its final name."""
        self.close()
        self._put_away(now)
        self._retain(now)

    def close(self) -> None:
        """Bring everything to the disk; the file stays the current one."""
        file, self._file = self._file, None
        if file is not None:
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def _is_due(self, now: float) -> bool:
        too_old = self._size > 0 and now - self._opened >= self._settings.rotate_s
        return self._size >= self._settings.rotate_bytes or too_old

    def _open(self, now: float) -> None:
        """The parent is not made: where the state directory is missing, something is wrong."""
        if not self._directory.is_dir():
            self._directory.mkdir(DIRECTORY_MODE)
        current = self._directory / CURRENT
        if current.exists() and current.stat().st_size:
            _cut_torn_line(current)
            self._put_away(now)
        self._file = os.open(current, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        self._size, self._opened = 0, now
        self._retain(now)

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # opened by the caller
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            file, self._file = self._file, None
            try:
                os.ftruncate(file, self._size)
            finally:
                os.close(file)
            raise
        self._size += len(data)

    def _put_away(self, now: float) -> None:
        current = self._directory / CURRENT
        if not current.exists() or not current.stat().st_size:
            return
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        number = 0
        while (kept := self._directory / f"tasks-{stamp}-{number:04}.jsonl").exists():
            number += 1
        current.rename(kept)

    def _retain(self, now: float) -> None:
        """Delete the oldest until number, age and total size are within their limits; 0 is no limit.

        A file that cannot be deleted is no reason not to write: it is tried again the next time.
        """
        self._retained = now
        limits = self._settings
        with suppress(OSError):
            kept = [(path, path.stat()) for path in sorted(self._directory.glob(KEPT))]
            total = sum(stat.st_size for _, stat in kept)
            for place, (path, stat) in enumerate(kept):
                too_many = 0 < limits.keep_files < len(kept) - place
                too_old = 0 < limits.keep_days * DAY_S < now - stat.st_mtime
                too_large = 0 < limits.keep_bytes < total
                if not (too_many or too_old or too_large):
                    break
                path.unlink()
                total -= stat.st_size


def _cut_torn_line(path: Path) -> None:
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        begin = file.seek(max(0, size - TAIL))
        file.truncate(begin + file.read().rfind(b"\n") + 1)
