"""The pair's store in etcd: leases, the leadership, the journal and its snapshots.

Knows which transaction keeps which promise. Must not know threads and endpoints (`etcd_client`), roles or what is in a
batch. A leadership is its key and the epoch's key, both written by one transaction: a later one is guarded by that
transaction's revision, which nobody can bring back. Rules: decisions F2 to F4, engineering G3.
"""

import contextlib
import hashlib
from collections.abc import Sequence

import attrs
from etcd3gw.client import Etcd3Client
from etcd3gw.lease import Lease

from ctigw.config.settings import EtcdTlsSettings
from ctigw.duplex import etcd_keys as etcd
from ctigw.duplex.etcd_client import CompactedError, EtcdClient
from ctigw.duplex.etcd_keys import Answer, Json, Keys
from ctigw.duplex.records import Head, Identity, Leadership, Picture, SideRecord
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
)

READ_BATCHES = 64
"""Most batches in one answer: 90 MB when all are as large as can be."""
READ_BYTES = 4 * 1024 * 1024
"""What an answer should have; the next one asks for fewer batches after a larger one [OURS]."""


@attrs.frozen
class StoreStatus:
    """What an operator wants to know of the store."""

    version: str
    size_bytes: int
    """What its quota is compared with (2 GiB unless configured there)."""
    used_bytes: int
    full: bool
    """It takes no writes: as a full disk (decisions F3)."""


class EtcdStore:
    """A `PairStore`."""

    def __init__(
        self, urls: Sequence[str], prefix: str, *, send_limit_s: float, tls: EtcdTlsSettings | None = None
    ) -> None:
        """Opens nothing yet. `send_limit_s` holds for every call."""
        self._client = EtcdClient(urls, tls, send_limit_s)
        self._keys = Keys(prefix)
        self._read_limit = READ_BATCHES

    def close(self) -> None:
        """Give connections back; leases run out by themselves."""
        self._client.close()

    async def status(self) -> StoreStatus:
        """Of the member that answers."""
        status = await self._client.call(Etcd3Client.status)
        full = any("NOSPACE" in str(error) for error in status.get("errors", ()))
        size, used = (int(str(status.get(name, 0))) for name in ("dbSize", "dbSizeInUse"))
        return StoreStatus(str(status["version"]), size, used, full)

    # Leases

    async def grant_lease(self, ttl_s: int) -> Grant:
        """See PairStore. etcd grants what was asked for, or more."""
        lease = await self._client.call(lambda client: client.lease(ttl_s))
        return Grant(lease.id, ttl_s)

    async def renew_lease(self, lease_id: int) -> Grant:
        """See PairStore."""
        ttl_s = await self._client.call(lambda client: Lease(lease_id, client).refresh())
        if ttl_s <= 0:
            raise LeaseUnknownError(f"lease {lease_id} has run out")
        return Grant(lease_id, ttl_s)

    async def drop_lease(self, lease_id: int) -> None:
        """See PairStore."""
        with contextlib.suppress(LeaseUnknownError):
            await self._client.call(lambda client: Lease(lease_id, client).revoke())

    # The pair

    async def look(self) -> Picture:
        """See PairStore."""
        return etcd.picture_of(await self._ask([], etcd.picture_reads(self._keys)))

    async def write_record(self, record: SideRecord, lease_id: int) -> None:
        """See PairStore."""
        await self._ask([], [etcd.put(self._keys.side(record.identity.side), etcd.side_value(record), lease_id)])

    async def acquire(self, me: Identity, lease_id: int, seen_epoch: int) -> tuple[Leadership, Head] | None:
        """See PairStore."""
        keys, epoch = self._keys, seen_epoch + 1
        seen = etcd.holds(keys.epoch, str(seen_epoch).encode()) if seen_epoch else etcd.is_absent(keys.epoch)
        answer = await self._ask(
            [etcd.is_absent(keys.leader), seen],
            [
                etcd.put(keys.leader, etcd.leader_value(me, epoch), lease_id),
                etcd.put(keys.epoch, str(epoch).encode()),
                etcd.put(keys.predecessor, etcd.predecessor_value(me, epoch)),
                etcd.get(keys.head),
            ],
            [etcd.get(keys.head), etcd.get(keys.leader)],
        )
        head = etcd.head_of(answer.one(0))
        if answer.succeeded:
            return Leadership(epoch, answer.revision, lease_id), head
        leader = etcd.leader_of(answer.one(1))
        if leader is not None and leader.leadership.lease_id == lease_id:
            return leader.leadership, head
        return None

    async def release(self, leadership: Leadership) -> None:
        """See PairStore."""
        await self._ask(self._guard(leadership), [etcd.delete(self._keys.leader)])

    # The journal

    async def append(self, leadership: Leadership, previous: Head, content: bytes) -> Head:
        """See PairStore. One transaction: guard, expected end, batch, new end."""
        if len(content) > BATCH_BYTES_HIGH:
            raise BatchTooLargeError(f"a batch of {len(content)} bytes; the store takes {BATCH_BYTES_HIGH}")
        keys, head = self._keys, Head(previous.sequence + 1, leadership.epoch)
        before = etcd.holds(keys.head, etcd.head_value(previous)) if previous.sequence else etcd.is_absent(keys.head)
        batch, end = etcd.put(keys.batch(head), content), etcd.put(keys.head, etcd.head_value(head))
        found = [etcd.get(keys.leader), etcd.get(keys.head), etcd.get(keys.batch(head))]
        try:
            answer = await self._ask([*self._guard(leadership), before], [batch, end], found)
        except StoreFullError:
            # etcd carries out the write that crosses its quota, and answers as if it had not.
            if _is_taken(await self._ask([], found), head, content):
                return head
            raise
        if answer.succeeded or _is_taken(answer, head, content):
            return head
        leader = etcd.leader_of(answer.one(0))
        if leader is None or leader.leadership != leadership:
            raise NotLeaderError(f"epoch {leadership.epoch} is over")
        raise OutOfStepError(etcd.head_of(answer.one(1)))

    async def read(self, after: int) -> Sequence[Batch]:
        """See PairStore."""
        keys = self._keys
        reads = [etcd.get(keys.head), etcd.get(keys.batches_after(after), keys.batches_end, self._read_limit)]
        answer = await self._ask([], reads)
        batches = [etcd.batch_of(found) for found in answer.reads[1]]
        head = etcd.head_of(answer.one(0))
        if [batch.head.sequence for batch in batches] != list(range(after + 1, after + 1 + len(batches))):
            raise JournalGapError(f"the batches after {after} are not all there")
        if not batches and head.sequence > after:
            raise JournalGapError(f"the batches after {after} are deleted")
        size = sum(len(batch.content) for batch in batches)
        average = max(1, size // max(1, len(batches)))
        self._read_limit = max(1, min(READ_BATCHES, READ_BYTES // average))
        return batches

    # Snapshots

    async def write_snapshot(self, leadership: Leadership, head: Head, content: bytes) -> SnapshotInfo:
        """See PairStore. A snapshot that was broken off has no manifest, and goes with a later `trim`."""
        sequence = head.sequence
        return await self._write(
            leadership, self._keys.snapshot(sequence), self._keys.manifest(sequence), head, content
        )

    async def snapshots(self) -> Sequence[SnapshotInfo]:
        """See PairStore."""
        manifests = self._keys.manifests
        answer = await self._ask([], [etcd.get(manifests, etcd.after(manifests), newest_first=True)])
        return [etcd.manifest_of(found) for found in answer.reads[0]]

    async def read_snapshot(self, info: SnapshotInfo) -> bytes:
        """See PairStore."""
        return await self._read(self._keys.snapshot(info.head.sequence), info)

    async def keep_document(self, leadership: Leadership, name: bytes, content: bytes) -> None:
        """See PairStore."""
        key = self._keys.document(name)
        if (await self._ask([], [etcd.get(key)])).one(0) is None:
            await self._write(leadership, key + b"/", key, Head(), content)

    async def document(self, name: bytes) -> bytes | None:
        """See PairStore."""
        key = self._keys.document(name)
        manifest = (await self._ask([], [etcd.get(key)])).one(0)
        return None if manifest is None else await self._read(key + b"/", etcd.manifest_of(manifest))

    async def _write(
        self, leadership: Leadership, beginning: bytes, manifest: bytes, head: Head, content: bytes
    ) -> SnapshotInfo:
        """Chunks first: without its manifest nothing of it counts."""
        starts = range(0, len(content), SNAPSHOT_CHUNK_BYTES)
        info = SnapshotInfo(head, len(content), len(starts), hashlib.sha256(content).hexdigest())
        for number, start in enumerate(starts):
            part = content[start : start + SNAPSHOT_CHUNK_BYTES]
            await self._ask_as_leader(leadership, [etcd.put(etcd.chunk(beginning, number), part)])
        await self._ask_as_leader(leadership, [etcd.put(manifest, etcd.manifest_value(info))])
        return info

    async def _read(self, beginning: bytes, info: SnapshotInfo) -> bytes:
        """Chunk by chunk; judged as a whole."""
        content = bytearray()
        for number in range(info.chunks):
            key = etcd.chunk(beginning, number)
            part = (await self._ask([], [etcd.get(key)])).one(0)
            if part is None:
                raise SnapshotDamagedError(f"{key.decode()} is missing")
            content += part.value
        if len(content) != info.size_bytes or hashlib.sha256(content).hexdigest() != info.sha256:
            raise SnapshotDamagedError(f"what begins with {beginning.decode()} does not have its digest")
        return bytes(content)

    async def trim(self, leadership: Leadership, keep: int) -> None:
        """See PairStore. Deletes in one transaction, then compacts, so that etcd can use the space again."""
        kept = (await self.snapshots())[:keep]
        if not kept:
            return
        keys, oldest = self._keys, kept[-1].head.sequence
        answer = await self._ask_as_leader(
            leadership,
            [
                etcd.delete(keys.batches_after(0), keys.batches_after(oldest)),
                etcd.delete(keys.manifests, keys.manifest(oldest)),
                etcd.delete(keys.snapshot(0), keys.snapshot(oldest)),
            ],
        )
        await self._compact(answer.revision)

    async def _compact(self, revision: int) -> None:
        def compact(client: Etcd3Client) -> None:
            client.post(client.get_url("/kv/compaction"), json={"revision": str(revision)})

        with contextlib.suppress(CompactedError):  # By an earlier try, or by the operator.
            await self._client.call(compact)

    # Transactions

    def _guard(self, leadership: Leadership) -> list[Json]:
        keys, revision = self._keys, leadership.revision
        return [etcd.is_made_at(keys.leader, revision), etcd.is_changed_at(keys.epoch, revision)]

    async def _ask_as_leader(self, leadership: Leadership, success: list[Json]) -> Answer:
        answer = await self._ask(self._guard(leadership), success)
        if not answer.succeeded:
            raise NotLeaderError(f"epoch {leadership.epoch} is over")
        return answer

    async def _ask(self, compare: list[Json], success: list[Json], failure: list[Json] | None = None) -> Answer:
        payload = etcd.transaction(compare, success, failure)
        return etcd.answer_of(await self._client.call(lambda client: client.transaction(payload)))


def _is_taken(answer: Answer, head: Head, content: bytes) -> bool:
    """Whether the journal ends with this batch, by an earlier try whose answer was lost."""
    batch = answer.one(2)
    return etcd.head_of(answer.one(1)) == head and batch is not None and batch.value == content
