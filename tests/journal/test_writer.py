"""The writer on virtual time: what waits for what, and what happens when the store refuses or does not answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from ctigw.errors import JournalDamageError, JournalFullError, JournalStoreError
from ctigw.journal import writer as writer_module
from ctigw.journal.backlog import STUCK_S, Backlog, Committed, Keeping, Stamp
from ctigw.journal.batch import Chain, Head, decode_batch
from ctigw.journal.settings_document import settings_of
from ctigw.journal.snapshot import decode_snapshot
from ctigw.journal.sqlite_store import SqliteStore
from ctigw.journal.store import Store
from ctigw.journal.writer import RETRY_S, JournalWriter
from ctigw.routing.inputs import ArmClientLost, ArmClientOpened
from memory_store import MemoryStore
from test_histories import history_site

SYNC_S = 0.002
"""How long the store of these tests takes."""
STAMP = Stamp(3, "A", "1.0", b"c" * 16)


class SlowThread:
    """Calls take their time, one after another, on Trio's clock."""

    def __init__(self) -> None:
        self.seconds = SYNC_S
        self._lock = trio.Lock()

    async def __call__(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the call returns
        async with self._lock:
            await trio.sleep(self.seconds)
            return call()


class Desk:
    """A writer with its store, thread and what it observed."""

    def __init__(self, store: Store, relaxed: bool = False) -> None:
        self.thread = SlowThread()
        self.observed: list[Committed] = []
        backlog = Backlog(Head(), STAMP)
        self.writer = JournalWriter(
            store, backlog, relaxed=relaxed, run_in_thread=self.thread, observe=self.observed.append
        )
        self._sessions = 0

    def submit(self) -> int:
        self._sessions += 1
        return self.writer.submit(float(self._sessions), ArmClientOpened(self._sessions, 1), [])


@asynccontextmanager
async def running(store: Store, relaxed: bool = False) -> AsyncIterator[Desk]:
    desk = Desk(store, relaxed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.writer.run)
        yield desk
        nursery.cancel_scope.cancel()


async def test_promise_leaves_after_its_batch_and_in_order(autojump_clock: trio.testing.MockClock) -> None:
    store = MemoryStore()
    left: list[tuple[str, int]] = []

    def leave(name: str) -> None:
        left.append((name, len(store.batches)))

    async with running(store) as desk:
        for name in "abc":
            desk.writer.when_durable(desk.submit(), partial(leave, name))
        assert left == []
        await trio.sleep(SYNC_S / 2)
        desk.writer.when_durable(desk.submit(), partial(leave, "d"))
        assert left == []
        await desk.writer.drain()
    assert left == [("a", 1), ("b", 1), ("c", 1), ("d", 2)]


async def test_call_for_what_is_durable_already_comes_at_once_but_never_before_an_older_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    left = []
    async with running(MemoryStore()) as desk:
        old = desk.submit()
        await desk.writer.wait_durable(old)
        desk.writer.when_durable(old, lambda: left.append("old"))
        assert left == ["old"]
        desk.writer.when_durable(desk.submit(), lambda: left.append("new"))
        desk.writer.when_durable(old, lambda: left.append("old after new"))
        assert left == ["old"]
        await desk.writer.drain()
    assert left == ["old", "new", "old after new"]


async def test_relaxed_durability_waits_for_nothing_and_still_writes(autojump_clock: trio.testing.MockClock) -> None:
    store, left = MemoryStore(relaxed=True), []
    async with running(store, relaxed=True) as desk:
        token = desk.submit()
        desk.writer.when_durable(token, lambda: left.append(len(store.batches)))
        assert left == [0]
        before = trio.current_time()
        await desk.writer.wait_durable(token)
        assert trio.current_time() == before
        await desk.writer.drain()
        assert len(store.batches) == 1


async def test_under_load_batches_grow_instead_of_the_wait(autojump_clock: trio.testing.MockClock) -> None:
    async with running(MemoryStore()) as desk:
        waits = []
        async with trio.open_nursery() as clients:

            async def client() -> None:
                for _ in range(20):
                    begin = trio.current_time()
                    await desk.writer.wait_durable(desk.submit())
                    waits.append(trio.current_time() - begin)

            for _ in range(50):
                clients.start_soon(client)
    assert max(waits) <= 2 * SYNC_S + 1e-6
    assert sum(committed.inputs for committed in desk.observed) == 1000
    assert len(desk.observed) <= 41
    assert {round(committed.seconds, 6) for committed in desk.observed} == {SYNC_S}


async def test_full_disk_holds_promises_back_until_there_is_room(autojump_clock: trio.testing.MockClock) -> None:
    store = MemoryStore()
    store.failures = [JournalFullError("no room")] * 5
    async with running(store) as desk:
        token = desk.submit()
        await trio.sleep(RETRY_S)
        assert desk.writer.status().keeping is Keeping.FULL
        begin = trio.current_time()
        await desk.writer.wait_durable(token)
        assert 3 * RETRY_S < trio.current_time() - begin < 6 * RETRY_S
        assert desk.writer.status().welcomes_tasks
    assert [decode_batch(body).inputs for body in store.batches.values()] == [1]


async def test_tight_store_goes_on_and_is_asked_for_room_though_nothing_is_written(
    autojump_clock: trio.testing.MockClock,
) -> None:
    store = MemoryStore()
    async with running(store) as desk:
        store.tight = True
        await desk.writer.wait_durable(desk.submit())
        await trio.sleep(5 * RETRY_S)
        assert desk.writer.status().keeping is Keeping.TIGHT
        await desk.writer.wait_durable(desk.submit())
        store.room = True
        await trio.sleep(2 * RETRY_S)
        assert desk.writer.status().welcomes_tasks


async def test_store_that_does_not_answer_shows_and_keeps_nobody_from_stopping(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running(MemoryStore()) as desk:
        desk.thread.seconds = 1e6
        token = desk.submit()
        await trio.sleep(STUCK_S + SYNC_S)
        assert desk.writer.status().keeping is Keeping.STUCK
        with trio.move_on_after(2) as time_is_up:
            await desk.writer.drain()
        assert time_is_up.cancelled_caught
        assert not desk.observed
        assert token == 1


async def test_damage_of_the_store_ends_the_writer(autojump_clock: trio.testing.MockClock) -> None:
    store = MemoryStore()
    store.failures = [JournalDamageError("another batch has this number")]
    with pytest.raises(ExceptionGroup) as raised:
        await _submit_one(store)
    assert raised.value.split(JournalDamageError)[1] is None


async def _submit_one(store: MemoryStore) -> None:
    async with running(store) as desk:
        desk.submit()
        await trio.sleep(1)


async def test_snapshot_stands_after_everything_submitted_before_it_and_nothing_after(
    autojump_clock: trio.testing.MockClock,
) -> None:
    store = MemoryStore()
    async with running(store) as desk, trio.open_nursery() as nursery:
        desk.submit()
        await trio.testing.wait_all_tasks_blocked()  # the first batch is under way
        desk.submit()
        desk.submit()
        nursery.start_soon(desk.writer.snapshot, b"image of three")
        await trio.testing.wait_all_tasks_blocked()
        desk.submit()
        await desk.writer.drain()
    (number,) = store.snapshots()
    kept = decode_snapshot(store.snapshot(number))
    assert (kept.image, kept.head.sequence, kept.side, kept.engine_version) == (b"image of three", 2, "A", "1.0")
    assert [batch.inputs for batch in Chain(kept.head).walk(store.read(1))] == [1]


async def test_snapshot_of_a_journal_at_rest_stands_after_its_last_batch(
    autojump_clock: trio.testing.MockClock,
) -> None:
    store = MemoryStore()
    async with running(store) as desk:
        await desk.writer.snapshot(b"nothing yet")
        for round_ in range(4):
            await desk.writer.wait_durable(desk.submit())
            await desk.writer.snapshot(b"image %d" % round_, keep=2)
        assert store.snapshots() == [4, 3]
        assert store.span() == (4, 4)
        await desk.writer.wait_durable(desk.submit())
    head = decode_snapshot(store.snapshot(3)).head
    assert [batch.sequence for batch in Chain(head).walk(store.read(4))] == [4, 5]


async def test_settings_hold_for_what_is_submitted_after_they_are_used(
    autojump_clock: trio.testing.MockClock,
) -> None:
    store = MemoryStore()
    async with running(store) as desk:
        desk.submit()
        configuration = await desk.writer.keep_settings(history_site())
        assert settings_of(store.document(configuration)) == history_site()
        await desk.writer.wait_durable(desk.submit())
        desk.submit()
        desk.writer.use_settings(configuration)
        desk.submit()
        await desk.writer.drain()
    stamps = [(decode_batch(body).configuration, decode_batch(body).epoch) for body in store.batches.values()]
    assert stamps[-2:] == [(STAMP.configuration, 3), (configuration, 3)]
    assert configuration not in [stamp[0] for stamp in stamps[:-1]]


async def test_snapshot_is_wanted_when_a_restart_would_take_long(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "EVERY_INPUTS", 3)
    async with running(MemoryStore()) as desk:
        for wanted in (False, False, True):
            await desk.writer.wait_durable(desk.submit())
            assert desk.writer.wants_snapshot() is wanted
        await desk.writer.snapshot(b"image")
        assert not desk.writer.wants_snapshot()
    assert JournalWriter(MemoryStore(), Backlog(Head(), STAMP), since_snapshot=3).wants_snapshot()


async def test_snapshot_that_finds_no_room_leaves_the_journal_as_it_is(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    async with running(store) as desk:
        await desk.writer.wait_durable(desk.submit())

        def refuse(sequence: int, encoded: bytes) -> None:
            raise JournalStoreError("no")

        monkeypatch.setattr(store, "put_snapshot", refuse)
        with pytest.raises(JournalStoreError):
            await desk.writer.snapshot(b"image")
        await desk.writer.wait_durable(desk.submit())
    assert store.span() == (1, 2)


async def test_real_thread_and_real_store(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, reserve_bytes=4096)
    writer = JournalWriter(store, Backlog(Head(), STAMP))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            for session in range(50):
                await writer.wait_durable(writer.submit(1.0, ArmClientLost(session), []))
            await writer.snapshot(b"image")
            nursery.cancel_scope.cancel()
    assert store.snapshots() == [50]
    store.close()
