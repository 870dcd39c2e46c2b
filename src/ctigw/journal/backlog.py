"""Group commit without a clock: what waits, what is being written, what is durable.

Knows when the next batch is formed and out of what, and in which state keeping is; must not know threads, files or
Trio. Rules: performance, consequence 5 (a batch forms by itself while the last one is being synced), decisions F3, F4,
engineering H2.
"""

from collections import deque
from enum import Enum
from typing import NamedTuple

import attrs

from ctigw.errors import JournalError, JournalFullError, JournalStoreError
from ctigw.journal.batch import MOST_INPUTS, Batch, Head, checksum_of, encode_batch
from ctigw.journal.entries import EntryWriter
from ctigw.routing.facts import Event
from ctigw.routing.inputs import Input

MOST_BATCH_BYTES = 1024 * 1024
"""Payload of one batch: a request to etcd may have 1.5 MiB (decisions F3). A single entry may be longer than that."""

CROWDED_BYTES = 32 * 1024 * 1024
"""From here on new tasks should be refused: some ten seconds of full load, more than a disk that works ever takes."""
MOST_BYTES = 2 * CROWDED_BYTES
"""Beyond it nothing more is taken: what follows from inputs that cannot be kept must not pile up in memory."""

STUCK_S = 10.0
"""A disk that has not answered for so long is not expected to answer (a spinning disk that remaps a sector takes two
or three).
"""


class Keeping(Enum):
    """How well inputs are kept; new tasks are welcome in GOOD alone. The value is for logs and readiness."""

    GOOD = "good"
    CROWDED = "crowded"
    """More comes than can be written."""
    TIGHT = "tight"
    """The disk is full; what room is left is for work under way."""
    FULL = "full"
    """The disk is full and nothing can be kept; it is tried again."""
    BROKEN = "broken"
    """The store refuses for another reason; it is tried again."""
    STUCK = "stuck"
    """The store does not answer."""


class Status(NamedTuple):
    """How well inputs are kept, and the sentence that says why."""

    keeping: Keeping
    reason: str

    @property
    def welcomes_tasks(self) -> bool:
        """Whether a new task may be accepted; what goes on goes on in any case."""
        return self.keeping is Keeping.GOOD


@attrs.frozen
class Stamp:
    """What a batch says about whoever decided."""

    epoch: int
    side: str
    engine_version: str
    configuration: bytes


class Waiting(NamedTuple):
    """One encoded entry."""

    token: int
    entry: bytes
    stamp: Stamp
    ends_batch: bool


class Committed(NamedTuple):
    """A batch that has become durable."""

    token: int
    """Everything up to it is durable."""
    head: Head
    inputs: int
    seconds: float
    """From the first try to the answer."""


@attrs.define
class _Writing:
    """The batch under way."""

    batch: Batch
    encoded: bytes
    token: int
    begun_at: float
    size: int
    """Bytes of its entries."""
    asked_at: float
    """When the store was last asked."""


class Backlog:
    """Everything between the engine and the store. `now` is monotonic seconds, for durations only."""

    def __init__(self, head: Head, stamp: Stamp, writer: EntryWriter | None = None) -> None:
        """`head`: where the journal stands, see `ctigw.journal.restore`."""
        self.head = head
        self.stamp = stamp
        """Of what is submitted from now on; a batch holds entries of one stamp."""
        self.tight = False
        """What the store said about its room."""
        self._writer = writer or EntryWriter()
        self._waiting: deque[Waiting] = deque()
        self._writing: _Writing | None = None
        self._failure: JournalError | None = None
        self._bytes = 0
        self.submitted = 0
        """Token of the newest entry; tokens count from 1."""
        self.durable = 0
        """Token of the newest entry that is durable."""

    @property
    def schema(self) -> bytes:
        """The document that entries are read with."""
        return self._writer.schema

    def submit(self, at: float, item: Input, events: list[Event]) -> int:
        """Take one input with what was decided from it; its token.

        JournalStoreError: far too much waits, and the state is ahead of what can be kept; the gateway has to stop.
        ValueError, OverflowError: a value cannot be written, a defect of whoever let it in.
        """
        if self._bytes >= MOST_BYTES:
            raise JournalStoreError(f"{self._bytes} bytes wait to be written, {MOST_BYTES} may")
        entry = self._writer.encode(at, item, events)
        self.submitted += 1
        self._bytes += len(entry)
        self._waiting.append(Waiting(self.submitted, entry, self.stamp, ends_batch=False))
        return self.submitted

    def end_batch(self) -> int:
        """Let the batch end with what has been submitted so far, so that a snapshot can stand after it; its token."""
        if self._waiting:
            self._waiting[-1] = self._waiting[-1]._replace(ends_batch=True)
        return self.submitted

    def begin(self, now: float) -> tuple[int, bytes] | None:
        """Sequence and bytes of the batch to be written now; None: nothing waits.

        After a failure it is the same batch again, byte for byte: the store may have kept it without our learning.
        """
        if self._writing is None:
            if not self._waiting:
                return None
            self._writing = self._form(now)
        self._writing.asked_at = now
        return self._writing.batch.sequence, self._writing.encoded

    def succeeded(self, now: float) -> Committed:
        """The store has kept the batch."""
        writing = self._under_way()
        self._writing = self._failure = None
        self._bytes -= writing.size
        self.head = Head(writing.batch.sequence, checksum_of(writing.encoded), writing.batch.epoch)
        self.durable = writing.token
        return Committed(self.durable, self.head, writing.batch.inputs, now - writing.begun_at)

    def failed(self, error: JournalFullError | JournalStoreError) -> None:
        """The store has not kept the batch; `begin` gives it again."""
        self._under_way()
        self._failure = error

    def status(self, now: float) -> Status:
        """How well inputs are kept."""
        if self._failure is not None:
            keeping = Keeping.FULL if isinstance(self._failure, JournalFullError) else Keeping.BROKEN
            return Status(keeping, f"{self._failure}; {self.submitted - self.durable} inputs wait")
        silent = 0.0 if self._writing is None else now - self._writing.asked_at
        if silent >= STUCK_S:
            return Status(Keeping.STUCK, f"the store has not answered for {silent:.1f} s")
        if self.tight:
            return Status(Keeping.TIGHT, "the disk is full; what room is left is kept for tasks under way")
        if self._bytes >= CROWDED_BYTES:
            return Status(Keeping.CROWDED, f"{self._bytes} bytes wait to be written")
        return Status(Keeping.GOOD, "journal is written")

    def _under_way(self) -> _Writing:
        if self._writing is None:
            raise AssertionError("no batch is being written")
        return self._writing

    def _form(self, now: float) -> _Writing:
        """A batch of everything that waits, up to its size and of one stamp."""
        waiting = self._waiting
        last = waiting.popleft()
        entries, size, stamp = [last.entry], len(last.entry), last.stamp
        while waiting and not last.ends_batch and len(entries) < MOST_INPUTS:
            following = waiting[0]
            if following.stamp is not stamp or size + len(following.entry) > MOST_BATCH_BYTES:
                break
            last = waiting.popleft()
            entries.append(last.entry)
            size += len(last.entry)
        batch = Batch(
            sequence=self.head.sequence + 1,
            epoch=stamp.epoch,
            side=stamp.side,
            engine_version=stamp.engine_version,
            configuration=stamp.configuration,
            schema=self._writer.schema_digest,
            previous=self.head.checksum,
            inputs=len(entries),
            payload=self._writer.payload(entries),
        )
        return _Writing(batch, encode_batch(batch), last.token, now, size, now)
