"""Writes the journal: one batch at a time in a thread, while the next one forms.

Knows Trio, the thread and who waits for what to be durable; `ctigw.journal.backlog` knows batches, the store knows
where. Rules: decisions F4, design 4 (durability), engineering H2, F7.
"""

import math
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import attrs
import trio

from ctigw.config.routing import RoutingSettings
from ctigw.errors import JournalFullError, JournalStoreError
from ctigw.journal.backlog import Backlog, Committed, Status
from ctigw.journal.settings_document import settings_document
from ctigw.journal.snapshot import EVERY_INPUTS, KEEP, Snapshot, encode_snapshot, keep_snapshot
from ctigw.journal.store import Store
from ctigw.routing.facts import Event
from ctigw.routing.inputs import Input

RETRY_S = 1.0
"""Pause before a store that refused is asked again: soon enough that room is noticed, seldom enough to cost nothing."""


class RunInThread(Protocol):
    """Runs something that blocks; `trio.to_thread.run_sync`, or a stand-in where time is virtual."""

    def __call__(self, call: Callable[[], Any], /) -> Awaitable[Any]:
        """What the call returns or raises."""


def in_a_thread() -> RunInThread:
    """A thread of Trio's, one call at a time. A call that the disk holds up is left behind when it is cancelled."""
    limiter = trio.CapacityLimiter(1)
    return partial(trio.to_thread.run_sync, abandon_on_cancel=True, limiter=limiter)


class JournalWriter:
    """Between the exchange and the store. Everything but `run` is called from Trio's own thread."""

    def __init__(
        self,
        store: Store,
        backlog: Backlog,
        *,
        relaxed: bool = False,
        run_in_thread: RunInThread | None = None,
        observe: Callable[[Committed], None] = lambda committed: None,
        since_snapshot: int = 0,
    ) -> None:
        """`relaxed`: nobody waits for a batch. `observe` gets every batch that became durable, for metrics.

        The documents that batches refer to have to be in the store by now, `restore` puts them there. `since_snapshot`:
        inputs that a restart would follow now, see `Restored.inputs`.
        """
        self._store = store
        self._backlog = backlog
        self._relaxed = relaxed
        self._run_in_thread = run_in_thread or in_a_thread()
        self._observe = observe
        self._calls: deque[tuple[int, Callable[[], None]]] = deque()
        self._snapshots: deque[tuple[int, Callable[[], None]]] = deque()
        self._since_snapshot = since_snapshot
        self._work = trio.Event()
        self._room_at = -math.inf
        """When the store is next asked for room, monotonic seconds."""

    def status(self) -> Status:
        """Whether new tasks may be accepted, and why not; for readiness, health and the refusal of new tasks."""
        return self._backlog.status(trio.current_time())

    def submit(self, at: float, item: Input, events: list[Event]) -> int:
        """Keep an input, given to the engine at `at` (UTC seconds), with what the engine returned; its token.

        Errors as for `Backlog.submit`.
        """
        token = self._backlog.submit(at, item, events)
        self._work.set()
        return token

    def when_durable(self, token: int, call: Callable[[], None]) -> None:
        """Call once everything up to the token is durable: at once, or after the batch, in the order of asking."""
        if not self._calls and (self._relaxed or token <= self._backlog.durable):
            call()
        else:
            self._calls.append((token, call))

    async def wait_durable(self, token: int) -> None:
        """Return once everything up to the token is durable; at once when durability is relaxed."""
        durable = trio.Event()
        self.when_durable(token, durable.set)
        await durable.wait()

    async def drain(self) -> None:
        """Return once everything submitted so far is in the store, relaxed or not. Cancel it where time is up."""
        while self._backlog.durable < self._backlog.submitted:
            written = trio.Event()
            self._snapshots.append((self._backlog.submitted, written.set))
            await written.wait()

    async def keep_settings(self, settings: RoutingSettings) -> bytes:
        """Keep settings that shall be used from now on; their digest for `use_settings`. Errors of the store."""
        document = settings_document(settings)
        digest: bytes = await self._run_in_thread(partial(self._store.put_document, document))
        return digest

    def use_settings(self, configuration: bytes) -> None:
        """What is submitted from now on was decided under the settings of this digest."""
        self._backlog.stamp = attrs.evolve(self._backlog.stamp, configuration=configuration)

    def wants_snapshot(self) -> bool:
        """Whether a restart would take long enough by now that the state should be frozen for `snapshot`."""
        return self._since_snapshot >= EVERY_INPUTS

    async def snapshot(self, image: bytes, keep: int = KEEP) -> None:
        """Keep `image`, the state after everything submitted so far, made in this very moment.

        JournalFullError, JournalStoreError: it is not kept; the journal goes on without it and takes longer to replay.
        """
        self._since_snapshot = 0
        token, stamp = self._backlog.end_batch(), self._backlog.stamp
        heads = [self._backlog.head]
        if token > self._backlog.durable:
            written = trio.Event()

            def note() -> None:
                heads.append(self._backlog.head)
                written.set()

            self._snapshots.append((token, note))
            await written.wait()
        kept = Snapshot(heads[-1], stamp.side, stamp.engine_version, stamp.configuration, image)
        await self._run_in_thread(partial(_keep, self._store, kept, keep))

    async def run(self) -> None:
        """Write until cancelled. JournalDamageError ends it: the store is not what it was, nothing may be built on it.

        Cancelled while the store is busy, it leaves the batch to its thread; whether it was kept shows at the restart.
        """
        while True:
            await self._room()
            work = self._backlog.begin(trio.current_time())
            if work is None:
                await self._sleep()
                continue
            try:
                await self._run_in_thread(partial(self._store.append, *work))
            except (JournalFullError, JournalStoreError) as error:
                self._backlog.failed(error)
                await trio.sleep(RETRY_S)
                continue
            committed = self._backlog.succeeded(trio.current_time())
            self._since_snapshot += committed.inputs
            self._observe(committed)
            self._release(committed)

    async def _sleep(self) -> None:
        """Until there is work, or until it is time to ask for room again."""
        with trio.move_on_after(RETRY_S if self._backlog.tight else math.inf):
            await self._work.wait()
        self._work = trio.Event()

    async def _room(self) -> None:
        """Note whether the store is tight, and let it try to be so no longer."""
        self._backlog.tight = self._store.tight
        if self._backlog.tight and trio.current_time() >= self._room_at:
            self._room_at = trio.current_time() + RETRY_S
            self._backlog.tight = not await self._run_in_thread(self._store.make_room)

    def _release(self, committed: Committed) -> None:
        for calls in (self._snapshots, self._calls):
            while calls and calls[0][0] <= committed.token:
                calls.popleft()[1]()


def _keep(store: Store, snapshot: Snapshot, keep: int) -> None:
    """Everything about a snapshot that takes time."""
    keep_snapshot(store, snapshot.head.sequence, encode_snapshot(snapshot), keep)
