"""Batches for tests. Knows how to number and chain them; must not know what is in one."""

from ctigw.journal.batch import Batch, Head, checksum_of, encode_batch

CONFIGURATION, SCHEMA = b"c" * 16, b"s" * 16


def batch(head: Head, payload: bytes = b"payload", **changes: object) -> tuple[Head, bytes]:
    """The batch after `head`, encoded, and where the journal stands with it."""
    fields: dict[str, object] = {
        "sequence": head.sequence + 1,
        "epoch": head.epoch,
        "side": "A",
        "engine_version": "1.2.3",
        "configuration": CONFIGURATION,
        "schema": SCHEMA,
        "previous": head.checksum,
        "inputs": 1,
        "payload": payload,
    }
    made = Batch(**(fields | changes))  # type: ignore[arg-type]  # fields by name
    encoded = encode_batch(made)
    return Head(made.sequence, checksum_of(encoded), made.epoch), encoded


def chain(count: int, head: Head | None = None) -> list[tuple[int, bytes]]:
    """So many batches in a row, each with its number."""
    stored, at = [], head or Head()
    for number in range(count):
        at, encoded = batch(at, b"payload %d" % number)
        stored.append((at.sequence, encoded))
    return stored
