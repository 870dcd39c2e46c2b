"""What a place that keeps a journal must be able to do.

Knows numbers and bytes; must not know what is in them, except that documents are named by their content. Every call may
block; a store is used by one thread at a time, but not always by the same one. Rules: engineering H2, H3, decisions F3.
"""

from collections.abc import Iterator
from typing import Protocol


class Store(Protocol):
    """Batches by sequence, snapshots by the sequence of the last batch in them, documents by digest."""

    @property
    def tight(self) -> bool:
        """Whether what little room is left is kept for work under way: new tasks should be refused."""

    def append(self, sequence: int, encoded: bytes) -> None:
        """Keep a batch; durable on return, unless the store was opened for relaxed durability.

        Appending the same batch again is the same as appending it once, so that an outcome that nobody learned of can
        be tried again. JournalFullError, JournalStoreError: it is not kept as far as the store knows, try again later.
        JournalDamageError: another batch has this number.
        """

    def make_room(self) -> bool:
        """Try to be no longer `tight`. True when there is room."""

    def span(self) -> tuple[int, int] | None:
        """Sequences of the first and the last batch; None without any."""

    def read(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Batches from sequence `first` on, in order of their numbers, each with its number."""

    def cut(self, first: int) -> int:
        """Drop every batch from sequence `first` on; how many there were."""

    def forget(self, before: int) -> int:
        """Drop every batch below sequence `before`; how many there were."""

    def put_document(self, body: bytes) -> bytes:
        """Keep a document for good, once; its digest. Errors as for `append`."""

    def document(self, name: bytes) -> bytes:
        """The document by its digest. JournalDamageError when it is not there or not what was written."""

    def put_snapshot(self, sequence: int, encoded: bytes) -> None:
        """Keep a snapshot. Errors as for `append`."""

    def snapshots(self) -> list[int]:
        """Sequences of the snapshots, the newest first."""

    def snapshot(self, sequence: int) -> bytes:
        """The snapshot. KeyError when there is none of that number."""

    def drop_snapshot(self, sequence: int) -> None:
        """Drop the snapshot, if there is one of that number."""

    def size(self) -> int:
        """Bytes that the journal takes up."""

    def close(self) -> None:
        """Give up the place; another process may have it."""
