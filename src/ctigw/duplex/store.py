"""What a pair asks of its store, whoever keeps it: one protocol, its answers and its refusals.

Knows batches as opaque bytes with (epoch, sequence). Must not know what is in them, nor etcd. Every call ends within
the send limit that the store was made with; one that is cancelled or ends in `StoreUnreachableError` may or may not
have been carried out, and may be repeated as it was: acquiring, releasing and appending notice that they were done.
Rules: decisions F2 to F4, engineering G3, H.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs

from ctigw.duplex.records import Head, Identity, Leadership, Picture, SideRecord
from ctigw.errors import GatewayError

BATCH_BYTES_HIGH = 1_400_000
"""Largest batch: a request may have 1.5 MiB (decisions F3), of which keys and the fence take some hundred bytes.
Whoever makes batches keeps below it; the store refuses what is above."""

SNAPSHOT_CHUNK_BYTES = 1024 * 1024
"""Decisions F3."""


class StoreError(GatewayError):
    """The store did not do what was asked."""


class StoreUnreachableError(StoreError):
    """No endpoint answered in time, or the answer was that the store is not able to: the outcome is not known."""


class StoreUnfitError(StoreError):
    """The store must not be used: a version that corrupts data, another cluster, an answer that makes no sense."""


class StoreFullError(StoreError):
    """The store is out of space: a full disk (decisions F3). A batch was not taken; a lease, a leadership or a record
    may have been, because etcd carries out the write that crosses its quota, and answers as if it had not."""


class LeaseUnknownError(StoreError):
    """The lease has run out, or never was."""


class NotLeaderError(StoreError):
    """Nothing was written: the leadership that guards the request is over."""


class OutOfStepError(StoreError):
    """Nothing was written: the journal does not end where the writer believed. A defect of ours, or lost data."""

    def __init__(self, head: Head) -> None:
        """`head`: where it ends."""
        self.head = head
        super().__init__(f"the journal ends at batch {head.sequence} of epoch {head.epoch}")


class BatchTooLargeError(StoreError):
    """Nothing was written."""


class JournalGapError(StoreError):
    """The wanted batches are deleted: begin with the newest snapshot."""


class SnapshotDamagedError(StoreError):
    """Of a snapshot or a document: a chunk is missing, or the whole does not have the digest of the manifest."""


@attrs.frozen
class Grant:
    """A lease as the store gave it."""

    lease_id: int
    ttl_s: float


@attrs.frozen
class Batch:
    """One batch of the journal."""

    head: Head
    """Its own sequence, and the epoch under which it was written."""
    content: bytes


@attrs.frozen
class SnapshotInfo:
    """What the manifest says."""

    head: Head
    """Everything up to this batch is in it."""
    size_bytes: int
    chunks: int
    sha256: str


class PairStore(Protocol):
    """Every method may raise StoreUnreachableError or StoreUnfitError; writes may raise StoreFullError."""

    async def grant_lease(self, ttl_s: int) -> Grant:
        """A new lease."""

    async def renew_lease(self, lease_id: int) -> Grant:
        """Begin its time anew. Raises LeaseUnknownError."""

    async def drop_lease(self, lease_id: int) -> None:
        """Give it back, with what hangs on it; one that is not there is no error."""

    async def look(self) -> Picture:
        """The pair at one moment."""

    async def write_record(self, record: SideRecord, lease_id: int) -> None:
        """Raises LeaseUnknownError."""

    async def acquire(self, me: Identity, lease_id: int, seen_epoch: int) -> tuple[Leadership, Head] | None:
        """Leadership under the epoch after `seen_epoch`, and the end of the journal; None when somebody has it, or when
        `seen_epoch` is not the last. Raises LeaseUnknownError."""

    async def release(self, leadership: Leadership) -> None:
        """Give it back, unless it is somebody else's already."""

    async def append(self, leadership: Leadership, previous: Head, content: bytes) -> Head:
        """Add the batch after `previous`. Raises NotLeaderError, OutOfStepError, BatchTooLargeError."""

    async def read(self, after: int) -> Sequence[Batch]:
        """Some of the batches after a sequence, in order, at least one unless there is none. Raises JournalGapError."""

    async def write_snapshot(self, leadership: Leadership, head: Head, content: bytes) -> SnapshotInfo:
        """Everything up to `head`; it counts from the moment that its manifest is written. Raises NotLeaderError."""

    async def snapshots(self) -> Sequence[SnapshotInfo]:
        """Whole ones, newest first."""

    async def read_snapshot(self, info: SnapshotInfo) -> bytes:
        """Raises SnapshotDamagedError."""

    async def keep_document(self, leadership: Leadership, name: bytes, content: bytes) -> None:
        """For good, under a name that says what it is (its digest): what is there already stays. Raises NotLeader."""

    async def document(self, name: bytes) -> bytes | None:
        """None when there is none of that name. Raises SnapshotDamaged."""

    async def trim(self, leadership: Leadership, keep: int) -> None:
        """Keep so many snapshots and the batches after the oldest of them; forget the rest. Raises NotLeaderError."""
