"""Where a pair's things stand in etcd, and the transactions and answers in etcd's JSON form.

Knows keys, comparisons and operations of etcd's v3 API. Must not know connections, threads or time. Numbers of 64 bits
travel as texts, bytes as base64 (etcd's grpc-gateway). A record that does not read is `StoreUnfitError`: somebody else
uses the prefix. Rules: decisions F2, F3.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import attrs

from ctigw.duplex.records import (
    Head,
    Identity,
    LeaderRecord,
    Leadership,
    Picture,
    Predecessor,
    Side,
    SideRecord,
)
from ctigw.duplex.store import Batch, SnapshotInfo, StoreUnfitError

DIGITS = 20
"""Of a sequence in a key, so that keys sort as numbers do; 2**64 has as many."""

Json = dict[str, Any]


@attrs.frozen
class Keys:
    """All keys of one pair."""

    prefix: str

    @property
    def leader(self) -> bytes:
        """Hangs on the leader's lease; made anew by every takeover."""
        return self._key("leader")

    @property
    def epoch(self) -> bytes:
        """The highest epoch ever given, written in the same transaction as the leader's key."""
        return self._key("epoch")

    @property
    def predecessor(self) -> bytes:
        """Who took that epoch."""
        return self._key("predecessor")

    @property
    def head(self) -> bytes:
        """End of the journal."""
        return self._key("head")

    @property
    def sides(self) -> bytes:
        """What the sides say of themselves, each on its own lease."""
        return self._key("side/")

    @property
    def manifests(self) -> bytes:
        """One for each whole snapshot."""
        return self._key("manifest/")

    def side(self, side: Side) -> bytes:
        """Of one side."""
        return self.sides + side.value.encode()

    def batch(self, head: Head) -> bytes:
        """One batch; the epoch is in the key so that reading needs nothing but the content."""
        return self.batches_after(head.sequence - 1) + f"/{head.epoch}".encode()

    def batches_after(self, sequence: int) -> bytes:
        """Where the batch after that one begins to be looked for."""
        return self._key(f"batch/{sequence + 1:0{DIGITS}d}")

    @property
    def batches_end(self) -> bytes:
        """Behind every batch: the colon comes after the digits."""
        return self._key("batch/:")

    def manifest(self, sequence: int) -> bytes:
        """Of the snapshot up to that batch."""
        return self.manifests + f"{sequence:0{DIGITS}d}".encode()

    def snapshot(self, sequence: int) -> bytes:
        """Where its chunks begin."""
        return self._key(f"snapshot/{sequence:0{DIGITS}d}/")

    def document(self, name: bytes) -> bytes:
        """Its manifest; its chunks begin with it and a slash."""
        return self._key(f"document/{name.hex()}")

    def _key(self, name: str) -> bytes:
        return f"{self.prefix}/{name}".encode()


def chunk(beginning: bytes, number: int) -> bytes:
    """Of a snapshot or a document, from 0."""
    return beginning + f"{number:05d}".encode()


def after(prefix: bytes) -> bytes:
    """End of the range of keys that begin so."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


# Comparisons and operations


def encoded(content: bytes) -> str:
    """Bytes in JSON."""
    return base64.b64encode(content).decode()


def is_absent(key: bytes) -> Json:
    """The key does not exist."""
    return {"key": encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}


def is_made_at(key: bytes, revision: int) -> Json:
    """It exists, and was made by that change."""
    return {"key": encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": str(revision)}


def is_changed_at(key: bytes, revision: int) -> Json:
    """That change was the last one."""
    return {"key": encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}


def holds(key: bytes, value: bytes) -> Json:
    """It exists with that value."""
    return {"key": encoded(key), "target": "VALUE", "result": "EQUAL", "value": encoded(value)}


def put(key: bytes, value: bytes, lease_id: int = 0) -> Json:
    """Write."""
    return {"request_put": {"key": encoded(key), "value": encoded(value), "lease": str(lease_id)}}


def get(key: bytes, end: bytes | None = None, limit: int = 0, *, newest_first: bool = False) -> Json:
    """Read one key, or those from `key` to before `end`."""
    asked: Json = {"key": encoded(key), "limit": str(limit)}
    if end is not None:
        asked["range_end"] = encoded(end)
    if newest_first:
        asked |= {"sort_order": "DESCEND", "sort_target": "KEY"}
    return {"request_range": asked}


def delete(key: bytes, end: bytes | None = None) -> Json:
    """Remove one key, or those from `key` to before `end`."""
    asked: Json = {"key": encoded(key)}
    if end is not None:
        asked["range_end"] = encoded(end)
    return {"request_delete_range": asked}


def transaction(compare: list[Json], success: list[Json], failure: list[Json] | None = None) -> Json:
    """All of `success` if all of `compare` holds, else all of `failure`."""
    return {"compare": compare, "success": success, "failure": failure or []}


# Answers


@attrs.frozen
class Found:
    """One key with its value, as the store holds it."""

    key: bytes
    value: bytes
    made_at: int
    lease_id: int


@attrs.frozen
class Answer:
    """How a transaction ended: which branch, at which revision, what its reads found."""

    succeeded: bool
    revision: int
    reads: tuple[tuple[Found, ...], ...]

    def one(self, position: int) -> Found | None:
        """What a read of one key found."""
        return self.reads[position][0] if self.reads[position] else None


def answer_of(result: Mapping[str, Any]) -> Answer:
    """From etcd's JSON, where what is zero, false or empty is left out."""
    try:
        responses = [
            response["response_range"] for response in result.get("responses", ()) if "response_range" in response
        ]
        reads = tuple(tuple(_found(kv) for kv in response.get("kvs", ())) for response in responses)
        return Answer(bool(result.get("succeeded", False)), int(result["header"]["revision"]), reads)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StoreUnfitError(f"the store answers what etcd does not: {error!r}") from error


def _found(kv: Mapping[str, Any]) -> Found:
    value = base64.b64decode(kv.get("value", ""), validate=True)
    key = base64.b64decode(kv["key"], validate=True)
    return Found(key, value, int(kv.get("create_revision", 0)), int(kv.get("lease", 0)))


# Records


def written(**fields: object) -> bytes:
    """A record; always the same bytes for the same fields, because some are compared."""
    return json.dumps(fields, separators=(",", ":")).encode()


def head_value(head: Head) -> bytes:
    """End of the journal."""
    return written(sequence=head.sequence, epoch=head.epoch)


def head_of(found: Found | None) -> Head:
    """The journal begins without one."""
    if found is None:
        return Head()
    fields = _fields(found)
    return Head(_number(found, fields, "sequence"), _number(found, fields, "epoch"))


def leader_value(me: Identity, epoch: int) -> bytes:
    """Who leads."""
    return written(side=me.side.value, instance=me.instance, version=me.version, epoch=epoch)


def leader_of(found: Found | None) -> LeaderRecord | None:
    """Nobody, when the lease has run out."""
    if found is None:
        return None
    fields = _fields(found)
    leadership = Leadership(_number(found, fields, "epoch"), found.made_at, found.lease_id)
    return LeaderRecord(_identity(found, fields), leadership)


def predecessor_value(me: Identity, epoch: int) -> bytes:
    """Who led last."""
    return written(epoch=epoch, side=me.side.value, version=me.version)


def side_value(record: SideRecord) -> bytes:
    """What a side says of itself."""
    me = record.identity
    return written(
        side=me.side.value,
        instance=me.instance,
        version=me.version,
        fit=record.fit,
        draining=record.draining,
        applied=record.applied,
    )


def manifest_value(info: SnapshotInfo) -> bytes:
    """What a snapshot consists of."""
    return written(
        sequence=info.head.sequence,
        epoch=info.head.epoch,
        size_bytes=info.size_bytes,
        chunks=info.chunks,
        sha256=info.sha256,
    )


def manifest_of(found: Found) -> SnapshotInfo:
    """The other way."""
    fields = _fields(found)
    sequence, epoch, size, chunks = (
        _number(found, fields, name) for name in ("sequence", "epoch", "size_bytes", "chunks")
    )
    return SnapshotInfo(Head(sequence, epoch), size, chunks, _text(found, fields, "sha256"))


def batch_of(found: Found) -> Batch:
    """Sequence and epoch stand in the key."""
    try:
        sequence, epoch = found.key.decode().split("/")[-2:]
        return Batch(Head(int(sequence), int(epoch)), found.value)
    except ValueError as error:
        raise _unreadable(found) from error


def picture_reads(keys: Keys) -> list[Json]:
    """What `picture_of` wants to see, at one moment."""
    return [get(keys.leader), get(keys.predecessor), get(keys.head), get(keys.sides, after(keys.sides))]


def picture_of(answer: Answer) -> Picture:
    """The pair at that moment."""
    last = answer.one(1)
    predecessor = Predecessor()
    if last is not None:
        fields = _fields(last)
        predecessor = Predecessor(_number(last, fields, "epoch"), _side(last, fields), _text(last, fields, "version"))
    sides = tuple(_side_record(found) for found in answer.reads[3])
    return Picture(answer.revision, leader_of(answer.one(0)), predecessor, sides, head_of(answer.one(2)))


def _side_record(found: Found) -> SideRecord:
    fields = _fields(found)
    return SideRecord(
        _identity(found, fields),
        fit=fields.get("fit") is True,
        draining=fields.get("draining") is True,
        applied=_number(found, fields, "applied"),
    )


def _fields(found: Found) -> Json:
    try:
        fields = json.loads(found.value)
    except ValueError as error:
        raise _unreadable(found) from error
    if not isinstance(fields, dict):
        raise _unreadable(found)
    return fields


def _number(found: Found, fields: Json, name: str) -> int:
    if not isinstance(fields.get(name), int):
        raise _unreadable(found)
    return int(fields[name])


def _text(found: Found, fields: Json, name: str) -> str:
    if not isinstance(fields.get(name), str):
        raise _unreadable(found)
    return str(fields[name])


def _side(found: Found, fields: Json) -> Side:
    try:
        return Side(fields.get("side"))
    except ValueError as error:
        raise _unreadable(found) from error


def _identity(found: Found, fields: Json) -> Identity:
    return Identity(_side(found, fields), _text(found, fields, "instance"), _text(found, fields, "version"))


def _unreadable(found: Found) -> StoreUnfitError:
    return StoreUnfitError(
        f"{found.key.decode(errors='replace')} in the store is not ours: does another use the prefix?"
    )
