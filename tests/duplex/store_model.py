"""A store as a plain object with time as an argument: what etcd promises, and nothing more, for simulations.

`tests/duplex/test_store_contract.py` holds it and real etcd against the same rules.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import trio

from ctigw.duplex.records import Head, Identity, LeaderRecord, Leadership, Picture, Predecessor, Side, SideRecord
from ctigw.duplex.store import (
    BATCH_BYTES_HIGH,
    SNAPSHOT_CHUNK_BYTES,
    Batch,
    BatchTooLargeError,
    Grant,
    JournalGapError,
    LeaseUnknownError,
    NotLeaderError,
    OutOfStepError,
    SnapshotDamagedError,
    SnapshotInfo,
    StoreFullError,
    StoreUnreachableError,
)

BATCHES_AT_ONCE = 100


@attrs.define
class StoreModel:
    """Leases run out up to `lag_s` late, as the store's own clock ticks; never early."""

    lag_s: float = 0.5
    full: bool = False
    revision: int = 1
    _leases: dict[int, tuple[int, float]] = attrs.Factory(dict)
    _next_lease: int = 1
    _leader: LeaderRecord | None = None
    _predecessor: Predecessor = attrs.Factory(Predecessor)
    _records: dict[Side, tuple[SideRecord, int]] = attrs.Factory(dict)
    _batches: dict[int, Batch] = attrs.Factory(dict)
    _head: Head = attrs.Factory(Head)
    _snapshots: dict[int, tuple[SnapshotInfo, bytes]] = attrs.Factory(dict)
    _documents: dict[bytes, bytes] = attrs.Factory(dict)

    def grant_lease(self, ttl_s: int, now: float) -> Grant:
        self._refuse_when_full()
        lease_id, self._next_lease = self._next_lease, self._next_lease + 1
        self._leases[lease_id] = (ttl_s, now + ttl_s + self.lag_s)
        return Grant(lease_id, ttl_s)

    def renew_lease(self, lease_id: int, now: float) -> Grant:
        ttl_s = self._live(lease_id, now)
        self._leases[lease_id] = (ttl_s, now + ttl_s + self.lag_s)
        return Grant(lease_id, ttl_s)

    def drop_lease(self, lease_id: int, now: float) -> None:
        if self._leases.pop(lease_id, None) is not None:
            self._expire(now)

    def look(self, now: float) -> Picture:
        self._expire(now)
        records = tuple(record for record, _ in self._records.values())
        return Picture(self.revision, self._leader, self._predecessor, records, self._head)

    def write_record(self, record: SideRecord, lease_id: int, now: float) -> None:
        self._refuse_when_full()
        self._live(lease_id, now)
        self.revision += 1
        self._records[record.identity.side] = (record, lease_id)

    def acquire(self, me: Identity, lease_id: int, seen_epoch: int, now: float) -> tuple[Leadership, Head] | None:
        self._refuse_when_full()
        self._live(lease_id, now)
        if self._leader is not None and self._leader.leadership.lease_id == lease_id:
            return self._leader.leadership, self._head
        if self._leader is not None or seen_epoch != self._predecessor.epoch:
            return None
        self.revision += 1
        leadership = Leadership(seen_epoch + 1, self.revision, lease_id)
        self._leader = LeaderRecord(me, leadership)
        self._predecessor = Predecessor(leadership.epoch, me.side, me.version)
        return leadership, self._head

    def release(self, leadership: Leadership, now: float) -> None:
        self._expire(now)
        if self._leads(leadership):
            self._leader = None
            self.revision += 1

    def append(self, leadership: Leadership, previous: Head, content: bytes, now: float) -> Head:
        if len(content) > BATCH_BYTES_HIGH:
            raise BatchTooLargeError
        self._refuse_when_full()
        self._expire(now)
        head = Head(previous.sequence + 1, leadership.epoch)
        if self._head == head and self._batches[head.sequence].content == content:
            return head
        self._check_leader(leadership)
        if self._head != previous:
            raise OutOfStepError(self._head)
        self.revision += 1
        self._batches[head.sequence] = Batch(head, content)
        self._head = head
        return head

    def read(self, after: int, now: float) -> Sequence[Batch]:
        if after < self._head.sequence and after + 1 not in self._batches:
            raise JournalGapError
        wanted = range(after + 1, min(self._head.sequence, after + BATCHES_AT_ONCE) + 1)
        return [self._batches[sequence] for sequence in wanted]

    def write_snapshot(self, leadership: Leadership, head: Head, content: bytes, now: float) -> SnapshotInfo:
        self._refuse_when_full()
        self._expire(now)
        self._check_leader(leadership)
        chunks = -(-len(content) // SNAPSHOT_CHUNK_BYTES)
        info = SnapshotInfo(head, len(content), chunks, hashlib.sha256(content).hexdigest())
        self._snapshots[head.sequence] = (info, content)
        self.revision += 1
        return info

    def snapshots(self, now: float) -> Sequence[SnapshotInfo]:
        return [self._snapshots[sequence][0] for sequence in sorted(self._snapshots, reverse=True)]

    def read_snapshot(self, info: SnapshotInfo, now: float) -> bytes:
        if info.head.sequence not in self._snapshots:
            raise SnapshotDamagedError("it is missing")
        content = self._snapshots[info.head.sequence][1]
        if hashlib.sha256(content).hexdigest() != info.sha256:
            raise SnapshotDamagedError("it does not have its digest")
        return content

    def keep_document(self, leadership: Leadership, name: bytes, content: bytes, now: float) -> None:
        if name not in self._documents:
            self._refuse_when_full()
            self._expire(now)
            self._check_leader(leadership)
            self._documents[name] = content

    def document(self, name: bytes, now: float) -> bytes | None:
        return self._documents.get(name)

    def trim(self, leadership: Leadership, keep: int, now: float) -> None:
        self._expire(now)
        self._check_leader(leadership)
        kept = sorted(self._snapshots)[-keep:]
        if kept:
            self._snapshots = {sequence: self._snapshots[sequence] for sequence in kept}
            self._batches = {sequence: batch for sequence, batch in self._batches.items() if sequence > kept[0]}

    def lease_of(self, side: Side) -> int:
        """Of a side that has written its record."""
        return self._records[side][1]

    def damage(self, sequence: int) -> None:
        """A snapshot that is not what its manifest says."""
        info, content = self._snapshots[sequence]
        self._snapshots[sequence] = (info, content + b"!")

    def _check_leader(self, leadership: Leadership) -> None:
        if not self._leads(leadership):
            raise NotLeaderError

    def _leads(self, leadership: Leadership) -> bool:
        return self._leader is not None and self._leader.leadership == leadership

    def _refuse_when_full(self) -> None:
        if self.full:
            raise StoreFullError

    def _live(self, lease_id: int, now: float) -> int:
        self._expire(now)
        if lease_id not in self._leases:
            raise LeaseUnknownError
        return self._leases[lease_id][0]

    def _expire(self, now: float) -> None:
        self._leases = {lease_id: lease for lease_id, lease in self._leases.items() if lease[1] > now}
        self._records = {side: kept for side, kept in self._records.items() if kept[1] in self._leases}
        if self._leader is not None and self._leader.leadership.lease_id not in self._leases:
            self._leader = None
            self.revision += 1


class ModelStore:
    """The model as a `PairStore` on Trio's clock; each side has one of its own, so that its way can be cut."""

    def __init__(self, model: StoreModel, *, way_s: float = 0.0, limit_s: float = 0.5) -> None:
        self._model = model
        self._way_s = way_s
        self._limit_s = limit_s
        self.cut = False
        self.renewed_at = 0.0
        """When the last renewal that was answered set out."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._model, name)

        async def call(*arguments: object) -> object:
            if self.cut:
                await trio.sleep(self._limit_s)
                raise StoreUnreachableError("cut")
            sent_at = trio.current_time()
            await trio.sleep(self._way_s)
            result = method(*arguments, now=trio.current_time())
            await trio.sleep(self._way_s)
            if name == "renew_lease":
                self.renewed_at = sent_at
            return result

        return call
