"""From a journal back to an engine, at a start.

Knows the way: newest sound snapshot, the facts of every batch after it, then today's settings. Must not decide anything
again (decisions F1), and must not know where the journal is kept.
"""

import attrs

from ctigw.config.routing import RoutingSettings
from ctigw.errors import JournalDamageError
from ctigw.journal.batch import Chain, Head
from ctigw.journal.collection import no_collection
from ctigw.journal.entries import EntryWriter
from ctigw.journal.follower import Documents, Follower
from ctigw.journal.settings_document import settings_document
from ctigw.journal.snapshot import Snapshot, decode_snapshot, first_head
from ctigw.journal.store import Store
from ctigw.routing.engine import Engine


@attrs.frozen
class Restored:
    """An engine that goes on where the journal ends."""

    engine: Engine
    head: Head
    """What the next batch continues."""
    configuration: bytes
    """Digest of the settings given, for the stamp of batches; the document is in the store."""
    snapshot: int | None
    """Sequence of the snapshot that it began with."""
    batches: int
    inputs: int
    """Followed after the snapshot."""
    notes: tuple[str, ...]
    """What an operator should know: a torn tail, a damaged snapshot that was passed over, changed settings."""


def restore(store: Store, settings: RoutingSettings, side: str) -> Restored:
    """Rebuild, and go on under `settings`. Blocks. Drops a torn tail from the store and keeps settings and schema.

    JournalDamageError and JournalVersionError: the journal has to be looked after by hand. ConfigurationError:
    `settings` lack what the state holds on to. JournalFullError, JournalStoreError: as they say.
    """
    with no_collection():
        return _restored(store, settings, side)


def _restored(store: Store, settings: RoutingSettings, side: str) -> Restored:
    notes: list[str] = []
    configuration = store.put_document(settings_document(settings))
    store.put_document(EntryWriter().schema)
    snapshot = _newest_sound(store, notes)
    follower = Follower(Documents(store), side)
    chain = Chain(Head() if snapshot is None else snapshot.head)
    begun_at, batches, inputs = chain.head.sequence, 0, 0
    if snapshot is not None:
        follower.begin(snapshot, snapshot.configuration)
    ended_with = configuration if snapshot is None else snapshot.configuration
    for batch in chain.walk(store.read(begun_at + 1)):
        if snapshot is None and not batches:
            follower.begin(None, batch.configuration)
        inputs += len(follower.follow(batch))
        batches += 1
        ended_with = batch.configuration
    if snapshot is None and not batches:
        follower.begin(None, configuration)
    if chain.torn is not None:
        store.cut(chain.head.sequence + 1)
        notes.append(f"batch {chain.head.sequence + 1}, the last one, was not written whole: {chain.torn}")
    if ended_with != configuration:
        follower.configure(configuration)
        notes.append("the configuration has changed since the journal's end")
    number = None if snapshot is None else begun_at
    return Restored(follower.engine, chain.head, configuration, number, batches, inputs, tuple(notes))


def _newest_sound(store: Store, notes: list[str]) -> Snapshot | None:
    """The newest sound snapshot. JournalDamageError when there is none, and the batches do not begin with the first."""
    for number in store.snapshots():
        try:
            return decode_snapshot(store.snapshot(number))
        except JournalDamageError as error:
            notes.append(f"snapshot {number} was passed over: {error.problem}")
    first_head(store, [])
    return None
