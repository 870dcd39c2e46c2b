"""A gateway's journal in short: a history whose inputs are kept in a store as the gateway will do it.

Knows how inputs become batches and where snapshots are made; must not know what a store does with them.
"""

from collections.abc import Iterable
from typing import Any

from ctigw import __version__
from ctigw.journal.backlog import Backlog, Stamp
from ctigw.journal.restore import Restored, restore
from ctigw.journal.snapshot import KEEP, Snapshot, encode_snapshot, keep_snapshot
from ctigw.journal.state_image import freeze
from ctigw.journal.store import Store
from test_histories import History


class Logbook:
    """A history that is kept, and the engine that decided it."""

    def __init__(self, store: Store, version: str = __version__) -> None:
        self.store = store
        # Not held against a configuration that changes while the engine runs yet: see README, what is not durable.
        self.played = History(reloads=False)
        self.settings = self.played.site.settings
        self._done = 0
        self.restart(version)

    def restart(self, version: str = __version__) -> Restored:
        """A daemon starts and goes on with what it finds."""
        restored = restore(self.store, self.settings, "A")
        self.engine = restored.engine
        self.backlog = Backlog(restored.head, Stamp(0, "A", version, restored.configuration))
        return restored

    def play(self, steps: Iterable[tuple[Any, ...]], size: int = 5) -> None:
        """Play on; inputs go into batches of `size`."""
        for step in steps:
            self.played.play(step)
        new = self.played.site.inputs[self._done :]
        self._done += len(new)
        for number, (item, now) in enumerate(new, start=1):
            self.backlog.submit(now, item, self.engine.handle(item, now))
            if number % size == 0:
                self.write()
        self.write()

    def write(self) -> None:
        """Everything that waits, in one batch."""
        begun = self.backlog.begin(0.0)
        if begun is not None:
            self.store.append(*begun)
            self.backlog.succeeded(0.0)

    def snapshot(self, keep: int = KEEP) -> int:
        """The state now, after everything written; its number."""
        stamp = self.backlog.stamp
        image = freeze(self.engine.state)
        head = self.backlog.head
        snapshot = Snapshot(head, stamp.side, stamp.engine_version, stamp.configuration, image)
        keep_snapshot(self.store, head.sequence, encode_snapshot(snapshot), keep)
        return head.sequence
