"""One batch of the journal as bytes, and the chain that batches form.

Knows layout, checksum, numbering and what a torn tail is; must not know what a payload means nor where bytes are kept.
Rules: decisions F1, engineering H1.

Each batch carries the checksum of the one before it, so that a batch that is missing, or was put there from another
journal, is found although it is sound in itself. Checksums are BLAKE2b of 128 bits: CRC-32C is not in the standard
library, 32 bits are few for naming a whole history, and hashing costs about two microseconds for a usual batch beside
a sync of three hundred.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator

import attrs

from ctigw.errors import JournalDamageError
from ctigw.journal.records import DIGEST_BYTES

MAGIC = b"CJ01"
"""Kind and version of the layout."""

HEADER = struct.Struct(f">4sIQQcBH{DIGEST_BYTES}s{DIGEST_BYTES}s{DIGEST_BYTES}s")
"""Magic, bytes of the whole batch, sequence, epoch, side, length of the engine version, inputs, then the digests of
configuration and schema, and the checksum of the batch before. Engine version, payload and checksum follow.
"""

MOST_INPUTS = 0xFFFF
"""In one batch: what the header can count. The writer stays far below."""

FIRST_SEQUENCE = 1
NO_BATCH = bytes(DIGEST_BYTES)
"""Stands for the checksum of the batch before the first."""


@attrs.frozen
class Batch:
    """Inputs with their facts that became durable together."""

    sequence: int
    """Increases by one, from 1, without end: neither a restart nor another epoch begins anew."""
    epoch: int
    """Of the side's authority to act; 0 for a single daemon."""
    side: str
    """Who decided: A or B."""
    engine_version: str
    configuration: bytes
    """Digest of the document with the settings that the engine decided by."""
    schema: bytes
    """Digest of the document that the payload is read with."""
    previous: bytes
    """Checksum of the batch before."""
    inputs: int
    payload: bytes


def encode_batch(batch: Batch) -> bytes:
    """Bytes of a batch, the checksum last."""
    version = batch.engine_version.encode("ascii")
    length = HEADER.size + len(version) + len(batch.payload) + DIGEST_BYTES
    header = HEADER.pack(
        MAGIC,
        length,
        batch.sequence,
        batch.epoch,
        batch.side.encode("ascii"),
        len(version),
        batch.inputs,
        batch.configuration,
        batch.schema,
        batch.previous,
    )
    body = header + version + batch.payload
    return body + _checksum(body)


def checksum_of(encoded: bytes) -> bytes:
    """Checksum of an encoded batch, which the next one carries."""
    return encoded[-DIGEST_BYTES:]


def decode_batch(encoded: bytes) -> Batch:
    """The batch. JournalDamageError without a place when the bytes are not what was written."""
    if len(encoded) < HEADER.size + DIGEST_BYTES:
        raise JournalDamageError(f"incomplete: {len(encoded)} bytes")
    magic, length, sequence, epoch, side, version_length, inputs, configuration, schema, previous = HEADER.unpack_from(
        encoded
    )
    if magic != MAGIC:
        raise JournalDamageError(f"is no batch: begins with {magic.hex()}")
    if length != len(encoded):
        raise JournalDamageError(f"incomplete: {len(encoded)} of {length} bytes")
    body = encoded[:-DIGEST_BYTES]
    if _checksum(body) != encoded[-DIGEST_BYTES:]:
        raise JournalDamageError("checksum does not match")
    payload_at = HEADER.size + version_length
    return Batch(
        sequence=sequence,
        epoch=epoch,
        side=side.decode("ascii"),
        engine_version=body[HEADER.size : payload_at].decode("ascii"),
        configuration=configuration,
        schema=schema,
        previous=previous,
        inputs=inputs,
        payload=body[payload_at:],
    )


@attrs.frozen
class Head:
    """Where a journal stands: the next batch continues this one."""

    sequence: int = FIRST_SEQUENCE - 1
    checksum: bytes = NO_BATCH
    epoch: int = 0


@attrs.define
class Chain:
    """Walks batches in order, from a place that is known, and says where it has come to."""

    head: Head
    offset: int = 0
    """Bytes of sound batches so far."""
    torn: str | None = None
    """What was wrong with the last batch, when it had not been written whole."""

    def walk(self, stored: Iterable[tuple[int, bytes]]) -> Iterator[Batch]:
        """Batches from the store, each with the number that the store keeps it under.

        The very last one may be incomplete or have a wrong checksum: it ends the walk, with `torn` set.
        JournalDamageError names sequence and offset for everything else.
        """
        numbered = iter(stored)
        for number, encoded in numbered:
            try:
                batch = decode_batch(encoded)
            except JournalDamageError as error:
                if number == self.head.sequence + 1 and next(numbered, None) is None:
                    self.torn = error.problem
                    return
                raise self._damaged(error.problem) from error
            self._continues(number, batch)
            self.offset += len(encoded)
            self.head = Head(batch.sequence, checksum_of(encoded), batch.epoch)
            yield batch

    def _continues(self, number: int, batch: Batch) -> None:
        expected = self.head.sequence + 1
        if number != expected:
            raise self._damaged(f"missing: the journal goes on with batch {number}")
        if batch.sequence != number:
            raise self._damaged(f"says that it is batch {batch.sequence}")
        if batch.previous != self.head.checksum:
            raise self._damaged("does not continue the batch before it: one of them is of another history")
        if batch.epoch < self.head.epoch:
            raise self._damaged(f"is of epoch {batch.epoch}, the batch before it of {self.head.epoch}")

    def _damaged(self, problem: str) -> JournalDamageError:
        return JournalDamageError(problem, sequence=self.head.sequence + 1, offset=self.offset)


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest()
