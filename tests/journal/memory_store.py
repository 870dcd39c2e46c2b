"""A store in memory: the twin of the real one for virtual time.

Knows which calls were durable, fails when it is told to, and on a crash keeps only what was synced. Must not know what
is in a batch.
"""

from collections.abc import Iterator

from ctigw.errors import JournalDamageError, JournalError
from ctigw.journal.records import digest


class MemoryStore:
    """See `ctigw.journal.store.Store`."""

    def __init__(self, *, relaxed: bool = False) -> None:
        self.batches: dict[int, bytes] = {}
        self.documents: dict[bytes, bytes] = {}
        self.kept_snapshots: dict[int, bytes] = {}
        self.failures: list[JournalError | None] = []
        """What the next appends raise, in order; None: nothing."""
        self.tight = False
        self.room = False
        """Whether `make_room` finds any."""
        self._relaxed = relaxed
        self._synced = 0

    def append(self, sequence: int, encoded: bytes) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        if self.batches.setdefault(sequence, encoded) != encoded:
            raise JournalDamageError("another batch has this number", sequence=sequence)
        if not self._relaxed:
            self._synced = sequence

    def crash(self) -> None:
        """Lose what was not synced."""
        self.cut(self._synced + 1)

    def make_room(self) -> bool:
        self.tight = not self.room
        return self.room

    def span(self) -> tuple[int, int] | None:
        return (min(self.batches), max(self.batches)) if self.batches else None

    def read(self, first: int) -> Iterator[tuple[int, bytes]]:
        yield from sorted((number, body) for number, body in self.batches.items() if number >= first)

    def cut(self, first: int) -> int:
        return self._drop([number for number in self.batches if number >= first])

    def forget(self, before: int) -> int:
        return self._drop([number for number in self.batches if number < before])

    def _drop(self, numbers: list[int]) -> int:
        for number in numbers:
            del self.batches[number]
        return len(numbers)

    def put_document(self, body: bytes) -> bytes:
        self.documents[digest(body)] = body
        return digest(body)

    def document(self, name: bytes) -> bytes:
        if name not in self.documents:
            raise JournalDamageError(f"document {name.hex()} is missing")
        return self.documents[name]

    def put_snapshot(self, sequence: int, encoded: bytes) -> None:
        self.kept_snapshots[sequence] = encoded

    def snapshots(self) -> list[int]:
        return sorted(self.kept_snapshots, reverse=True)

    def snapshot(self, sequence: int) -> bytes:
        return self.kept_snapshots[sequence]

    def drop_snapshot(self, sequence: int) -> None:
        self.kept_snapshots.pop(sequence, None)

    def size(self) -> int:
        return sum(map(len, self.batches.values()))

    def close(self) -> None:
        pass
