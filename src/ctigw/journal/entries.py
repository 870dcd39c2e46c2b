"""One entry of the journal: an input, its instant, and the facts that the engine decided from it.

Knows which classes the journal keeps: every input and every event of the engine, notices too (a notice rebuilds
nothing, but tells whoever reads the journal what was answered). Must not know batches. Rules: decisions F1, F4.
"""

import typing
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from ctigw.errors import JournalVersionError
from ctigw.journal.records import RecordReader, RecordWriter, Renamed
from ctigw.routing.facts import Event
from ctigw.routing.inputs import Input

KINDS: tuple[type, ...] = (*typing.get_args(Input), *typing.get_args(Event))
"""Top classes of the journal."""

RENAMED = Renamed()
"""Every class and field that has ever been renamed since a release. Names are never used again for something else."""


class Entry(NamedTuple):
    """One input with what followed from it."""

    at: float
    """UTC seconds that the engine was given with the input."""
    input: Input
    events: tuple[Event, ...]
    """In the order in which the engine returned them."""


class EntryWriter:
    """Entries to bytes, in the schema of this version."""

    def __init__(self) -> None:
        self._records = RecordWriter(KINDS)
        self._encode = msgspec.msgpack.Encoder().encode
        self.schema = self._records.schema
        self.schema_digest = self._records.schema_digest

    def encode(self, at: float, item: Input, events: Sequence[Event]) -> bytes:
        """One entry. Raises ValueError or OverflowError when a value cannot be written (a lone surrogate, 2**64)."""
        parts = self._records.parts
        self._records.begin()
        return self._encode((at, parts(item), [parts(event) for event in events]))

    def payload(self, entries: Iterable[bytes]) -> bytes:
        """Encoded entries as the payload of one batch."""
        return self._encode([msgspec.Raw(entry) for entry in entries])


_Part = tuple[int, msgspec.Raw]
_PAYLOAD = msgspec.msgpack.Decoder(list[tuple[float, _Part, list[_Part]]])


class EntryReader:
    """Bytes to entries, for what was written with one schema."""

    def __init__(self, schema: bytes, renamed: Renamed = RENAMED) -> None:
        """JournalVersionError when the schema is none."""
        self._records = RecordReader(KINDS, schema, renamed)

    def entries(self, payload: bytes) -> list[Entry]:
        """Entries of a batch. JournalVersionError when this version cannot read one."""
        try:
            raw = _PAYLOAD.decode(payload)
        except (msgspec.DecodeError, ValueError) as error:
            raise JournalVersionError(f"payload is no list of entries: {error}") from error
        return [self._entry(at, item, events) for at, item, events in raw]

    def _entry(self, at: float, item: "_Part", events: "list[_Part]") -> Entry:
        record = self._records.record
        self._records.begin()
        return Entry(at, record(*item), tuple([record(*event) for event in events]))
