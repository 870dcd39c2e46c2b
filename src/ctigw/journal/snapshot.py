"""A snapshot: the engine's state after one batch, with what is needed to go on from there.

Knows where in the chain of batches a state belongs, how many snapshots are kept, and which batches are not needed any
more. Must not know what is in a state. Rules: issue of the journal (snapshots bound replay time, old ones are kept by
number), decisions F1, F3.
"""

import hashlib

import attrs
import msgspec

from ctigw.errors import JournalDamageError
from ctigw.journal.batch import FIRST_SEQUENCE, Head
from ctigw.journal.records import DIGEST_BYTES
from ctigw.journal.store import Store

MAGIC = b"CS01"
"""Kind and version of the layout: magic, one msgpack array, checksum of both."""

KEEP = 3
"""Snapshots kept: one that turns out to be damaged costs a longer replay, two of them a longer one still."""

EVERY_INPUTS = 25_000
"""After so many a new one is due: a slow core follows them in three seconds, of the five that a restart may take."""


@attrs.frozen
class Snapshot:
    """What is kept."""

    head: Head
    """The last batch in the state."""
    side: str
    engine_version: str
    configuration: bytes
    """Digest of the document with the settings that the state was made under."""
    image: bytes


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Bytes of a snapshot."""
    head = snapshot.head
    fields = (head.sequence, head.checksum, head.epoch, snapshot.side, snapshot.engine_version, snapshot.configuration)
    body = MAGIC + msgspec.msgpack.encode((*fields, snapshot.image))
    return body + _checksum(body)


def decode_snapshot(encoded: bytes) -> Snapshot:
    """The snapshot. JournalDamageError when the bytes are not what was written."""
    body = encoded[:-DIGEST_BYTES]
    if not body.startswith(MAGIC):
        raise JournalDamageError(f"is no snapshot: begins with {body[:4].hex()}")
    if _checksum(body) != encoded[-DIGEST_BYTES:]:
        raise JournalDamageError("snapshot: checksum does not match")
    sequence, checksum, epoch, side, version, configuration, image = msgspec.msgpack.decode(
        body[len(MAGIC) :], type=tuple[int, bytes, int, str, str, bytes, bytes]
    )
    return Snapshot(Head(sequence, checksum, epoch), side, version, configuration, image)


def keep_snapshot(store: Store, sequence: int, encoded: bytes, keep: int = KEEP) -> None:
    """Keep a snapshot and drop what is not needed any more: older snapshots, and the batches before the oldest kept.

    Blocks. Errors of the store leave what was there.
    """
    store.put_snapshot(sequence, encoded)
    numbers = store.snapshots()
    for number in numbers[keep:]:
        store.drop_snapshot(number)
    store.forget(numbers[:keep][-1] + 1)


def first_head(store: Store, snapshots: list[Snapshot]) -> Head:
    """What the first batch that is there continues. JournalDamageError when nothing stands for what is not there."""
    span = store.span()
    first = FIRST_SEQUENCE if span is None else span[0]
    if first == FIRST_SEQUENCE:
        return Head()
    for snapshot in snapshots:
        if snapshot.head.sequence == first - 1:
            return snapshot.head
    raise JournalDamageError("missing, and no sound snapshot stands for it", sequence=first - 1, offset=0)


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()
