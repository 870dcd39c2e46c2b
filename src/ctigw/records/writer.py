"""Between the loop, which hands histories over, and the files, which may be slow or full.

Knows the backlog and its bound, and what is lost when; must not know Trio: whoever drives it calls `write_pending` in a
thread, one call at a time. Handing over never waits and never fails. Records that cannot be written are given up and
counted with the reason; tasks go on.
"""

import logging
from collections import Counter

from ctigw.records.files import RecordFiles
from ctigw.records.form import RecordForm
from ctigw.routing.task_histories import TaskHistory

log = logging.getLogger("ctigw.records")

MOST_WAITING = 20_000
"""Histories that wait to be written, some two thousand bytes each: a disk that hangs costs 40 MB, not all memory."""
BACKLOG, DISK = "backlog", "disk"
REASONS = (BACKLOG, DISK)
"""Why a record was given up: too many waited; it could not be written."""
COMPLAINT_PERIOD_S = 60.0
"""One line a minute about records that are lost: a full disk must not be filled by the log of it."""


class RecordWriter:
    """The loop calls `put`; a thread calls the rest."""

    def __init__(self, form: RecordForm, files: RecordFiles) -> None:
        self.form = form
        self._files = files
        self._waiting: list[TaskHistory] = []
        self.dropped: Counter[str] = Counter()
        self._told: int = 0
        self._told_at = float("-inf")

    def put(self, history: TaskHistory) -> None:
        """Hand over the history of a task that has ended; it must not change any more."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped[BACKLOG] += 1
        else:
            self._waiting.append(history)

    def waiting(self) -> int:
        """How many have not been taken up yet."""
        return len(self._waiting)

    @property
    def written(self) -> int:
        """How many are in files."""
        return self._files.lines

    def write_pending(self, now: float) -> None:
        """Write what waits at `now`, UTC seconds; never raises OSError."""
        before = self._files.lines
        batch, self._waiting = self._waiting, []
        try:
            if batch:
                self._files.append([self.form.line(history) for history in batch], now)
            else:
                self._files.rotate_if_due(now)
        except OSError as error:
            self.dropped[DISK] += len(batch) - (self._files.lines - before)
            self._complain(now, str(error))
        else:
            self._complain(now, "too many waited to be written")

    def close(self, now: float) -> None:
        """Write what waits and bring it to the disk."""
        self.write_pending(now)
        try:
            self._files.close()
        except OSError as error:
            log.warning("task records may not be on the disk: %s", error)

    def _complain(self, now: float, why: str) -> None:
        lost = self.dropped.total() - self._told
        if lost and now - self._told_at >= COMPLAINT_PERIOD_S:
            log.warning("%d task records are lost: %s", lost, why)
            self._told += lost
            self._told_at = now
