"""An engine that follows a journal: it applies what was decided, under the settings by which it was.

Knows documents, snapshots and batches; must not decide anything (decisions F1), and must not know where a journal is
kept. A restart follows to the end of the journal and goes on alone; a standby keeps following.
"""

from ctigw import __version__
from ctigw.config.routing import RoutingSettings
from ctigw.errors import JournalVersionError
from ctigw.journal.batch import Batch
from ctigw.journal.entries import Entry, EntryReader
from ctigw.journal.rebinding import rebound
from ctigw.journal.settings_document import settings_of
from ctigw.journal.snapshot import Snapshot
from ctigw.journal.state_image import thaw
from ctigw.journal.store import Store
from ctigw.routing.engine import Engine


class Documents:
    """Documents of a journal, each read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._readers: dict[bytes, EntryReader] = {}
        self._settings: dict[bytes, RoutingSettings] = {}

    def entries(self, batch: Batch) -> list[Entry]:
        """Inputs and events. JournalDamageError: the schema is missing; JournalVersionError names both versions."""
        try:
            if batch.schema not in self._readers:
                self._readers[batch.schema] = EntryReader(self._store.document(batch.schema))
            return self._readers[batch.schema].entries(batch.payload)
        except JournalVersionError as error:
            raise _of_another_version(f"batch {batch.sequence}", batch.engine_version, error) from error

    def settings(self, configuration: bytes) -> RoutingSettings:
        """The settings of that digest. JournalDamageError, JournalVersionError."""
        if configuration not in self._settings:
            self._settings[configuration] = settings_of(self._store.document(configuration))
        return self._settings[configuration]


class Follower:
    """The engine, and the settings that it has now."""

    def __init__(self, documents: Documents, side: str) -> None:
        """`side`: ours, for what the engine decides when it comes to deciding."""
        self._documents = documents
        self._side = side
        self._configuration = b""
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """Begun, and as far as what was followed."""
        if self._engine is None:
            raise AssertionError("not begun")
        return self._engine

    def begin(self, snapshot: Snapshot | None, configuration: bytes) -> None:
        """Begin with a snapshot, or with an engine that nothing has happened to, under settings of that digest."""
        if snapshot is None:
            self._configuration = configuration
            self._engine = Engine(self._documents.settings(configuration), self._side)
            return
        self._configuration = snapshot.configuration
        settings = self._documents.settings(snapshot.configuration)
        try:
            self._engine = Engine.of(thaw(snapshot.image, settings, self._side))
        except JournalVersionError as error:
            what = f"snapshot {snapshot.head.sequence}"
            raise _of_another_version(what, snapshot.engine_version, error) from error

    def follow(self, batch: Batch, entries: list[Entry] | None = None) -> list[Entry]:
        """Apply a batch; its entries, which may be given when they were read already."""
        self.configure(batch.configuration)
        engine = self.engine
        if entries is None:
            entries = self._documents.entries(batch)
        for at, _, events in entries:
            engine.advance(at)
            for event in events:
                engine.apply(event, at)
        return entries

    def configure(self, configuration: bytes) -> None:
        """Go on under settings of that digest."""
        if configuration != self._configuration:
            self._engine = rebound(self.engine, self._documents.settings(configuration), self._side)
            self._configuration = configuration


def _of_another_version(what: str, version: str, error: JournalVersionError) -> JournalVersionError:
    return JournalVersionError(f"{what}, written by ctigw {version}, cannot be read by ctigw {__version__}: {error}")
