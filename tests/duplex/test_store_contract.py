"""What a `PairStore` promises, held against real etcd and against the model that simulations use."""

import inspect
import itertools
import os
from collections.abc import AsyncIterator, Sequence

import attrs
import pytest
import trio

from ctigw.duplex.etcd_store import EtcdStore
from ctigw.duplex.records import Head, Identity, Leadership, Predecessor, Side, SideRecord
from ctigw.duplex.store import (
    BATCH_BYTES_HIGH,
    SNAPSHOT_CHUNK_BYTES,
    BatchTooLargeError,
    JournalGapError,
    LeaseUnknownError,
    NotLeaderError,
    OutOfStepError,
    PairStore,
    SnapshotDamagedError,
)
from etcd_server import START_S, until_it_answers
from store_model import ModelStore, StoreModel

A = Identity(Side.A, "a1", "1.0")
B = Identity(Side.B, "b1", "1.1")
LONG_S = 60
prefixes = itertools.count(1)


@pytest.fixture(params=["etcd", "model"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[PairStore]:
    if request.param == "model":
        yield ModelStore(StoreModel(lag_s=0.1))
        return
    etcd = EtcdStore(
        [request.getfixturevalue("shared_etcd").url], f"/test/{os.getpid()}/{next(prefixes)}", send_limit_s=5
    )
    await until_it_answers(etcd)
    yield etcd
    etcd.close()


async def lead(store: PairStore, me: Identity = A, seen_epoch: int = 0) -> Leadership:
    lease = await store.grant_lease(LONG_S)
    got = await store.acquire(me, lease.lease_id, seen_epoch)
    assert got is not None
    return got[0]


async def write(store: PairStore, leadership: Leadership, contents: Sequence[bytes], head: Head) -> Head:
    for content in contents:
        head = await store.append(leadership, head, content)
    return head


def test_the_model_offers_what_the_protocol_names() -> None:
    names = [name for name in vars(PairStore) if not name.startswith("_")]
    for name in names:
        expected = list(inspect.signature(getattr(PairStore, name)).parameters)
        assert list(inspect.signature(getattr(StoreModel, name)).parameters) == [*expected, "now"]
        assert list(inspect.signature(getattr(EtcdStore, name)).parameters) == expected
    assert len(names) == 15


async def test_an_empty_store_shows_nobody(store: PairStore) -> None:
    picture = await store.look()
    assert picture.leader is None
    assert (picture.predecessor, picture.sides, picture.head) == (Predecessor(), (), Head())
    assert list(await store.read(0)) == []
    assert list(await store.snapshots()) == []


async def test_the_picture_shows_leader_predecessor_sides_and_end(store: PairStore) -> None:
    leadership = await lead(store)
    mine = SideRecord(A, fit=True, draining=False, applied=1)
    theirs = SideRecord(B, fit=False, draining=True, applied=0)
    await store.write_record(mine, leadership.lease_id)
    await store.write_record(theirs, (await store.grant_lease(LONG_S)).lease_id)
    head = await store.append(leadership, Head(), b"first")
    picture = await store.look()
    assert picture.leader is not None
    assert (picture.leader.identity, picture.leader.leadership) == (A, leadership)
    assert picture.predecessor == Predecessor(1, Side.A, "1.0")
    assert picture.record_of(Side.A) == mine
    assert picture.record_of(Side.B) == theirs
    assert picture.head == head == Head(1, 1)
    assert picture.revision >= leadership.revision


async def test_only_one_side_gets_the_leadership(store: PairStore) -> None:
    leases = [(await store.grant_lease(LONG_S)).lease_id for _ in range(2)]
    got: list[object] = []

    async def ask(me: Identity, lease_id: int) -> None:
        got.append(await store.acquire(me, lease_id, 0))

    async with trio.open_nursery() as nursery:
        for me, lease_id in zip((A, B), leases, strict=True):
            nursery.start_soon(ask, me, lease_id)
    assert sorted(one is None for one in got) == [False, True]


async def test_every_takeover_has_a_higher_epoch_and_sees_the_end(store: PairStore) -> None:
    first = await lead(store)
    head = await write(store, first, [b"one", b"two"], Head())
    await store.release(first)
    lease = await store.grant_lease(LONG_S)
    assert await store.acquire(B, lease.lease_id, 0) is None
    got = await store.acquire(B, lease.lease_id, 1)
    assert got is not None
    assert (got[0].epoch, got[1]) == (2, head)
    assert got[0].revision > first.revision


async def test_who_leads_is_not_pushed_out(store: PairStore) -> None:
    leadership = await lead(store)
    lease = await store.grant_lease(LONG_S)
    assert await store.acquire(B, lease.lease_id, 1) is None
    assert await store.append(leadership, Head(), b"still here") == Head(1, 1)


async def test_acquiring_twice_under_one_lease_is_acquiring_once(store: PairStore) -> None:
    lease = await store.grant_lease(LONG_S)
    first = await store.acquire(A, lease.lease_id, 0)
    assert first is not None
    assert await store.acquire(A, lease.lease_id, 0) == first


async def test_what_hangs_on_a_lease_goes_with_it(store: PairStore) -> None:
    lease = await store.grant_lease(1)
    await store.write_record(SideRecord(A, fit=True, draining=False, applied=0), lease.lease_id)
    got = await store.acquire(A, lease.lease_id, 0)
    assert got is not None
    with trio.fail_after(START_S):
        while (await store.look()).leader is not None:  # noqa: ASYNC110 - the store tells nobody
            await trio.sleep(0.05)
    assert (await store.look()).sides == ()
    assert (await store.look()).predecessor.epoch == 1
    with pytest.raises(NotLeaderError):
        await store.append(got[0], Head(), b"late")
    with pytest.raises(LeaseUnknownError):
        await store.renew_lease(lease.lease_id)
    with pytest.raises(LeaseUnknownError):
        await store.acquire(A, lease.lease_id, 1)
    with pytest.raises(LeaseUnknownError):
        await store.write_record(SideRecord(A, fit=True, draining=False, applied=0), lease.lease_id)


async def test_a_renewed_lease_lives_on(store: PairStore) -> None:
    lease = await store.grant_lease(1)
    await store.write_record(SideRecord(A, fit=True, draining=False, applied=0), lease.lease_id)
    for _ in range(4):
        await trio.sleep(0.5)
        assert await store.renew_lease(lease.lease_id) == lease
    assert (await store.look()).record_of(Side.A) is not None


async def test_a_lease_given_back_frees_the_leadership_at_once(store: PairStore) -> None:
    leadership = await lead(store)
    await store.drop_lease(leadership.lease_id)
    await store.drop_lease(leadership.lease_id)
    assert (await store.look()).leader is None


async def test_releasing_twice_takes_nothing_from_the_next_leader(store: PairStore) -> None:
    first = await lead(store)
    await store.release(first)
    second = await lead(store, B, 1)
    await store.release(first)
    assert (await store.append(second, Head(), b"mine")) == Head(1, 2)


async def test_batches_are_read_as_they_were_written(store: PairStore) -> None:
    leadership = await lead(store)
    contents = [b"", b"\x00\xff", b"x" * 5000, "ä".encode()]
    await write(store, leadership, contents, Head())
    batches = await store.read(0)
    assert [batch.content for batch in batches] == contents
    assert [batch.head for batch in batches] == [Head(sequence, 1) for sequence in range(1, 5)]
    assert [batch.head.sequence for batch in await store.read(3)] == [4]


async def test_a_long_journal_is_read_in_parts_without_gaps(store: PairStore) -> None:
    leadership = await lead(store)
    await write(store, leadership, [b"%d" % number for number in range(150)], Head())
    found: list[int] = []
    while batches := await store.read(len(found)):
        found += [int(batch.content) for batch in batches]
    assert found == list(range(150))


async def test_an_old_leader_adds_nothing(store: PairStore) -> None:
    first = await lead(store)
    head = await store.append(first, Head(), b"one")
    await store.release(first)
    await lead(store, B, 1)
    with pytest.raises(NotLeaderError):
        await store.append(first, head, b"two")
    assert len(await store.read(0)) == 1


async def test_nobody_adds_with_an_epoch_that_was_given_to_another(store: PairStore) -> None:
    leadership = await lead(store)
    forged = attrs.evolve(leadership, revision=leadership.revision - 1)
    with pytest.raises(NotLeaderError):
        await store.append(forged, Head(), b"x")


async def test_a_batch_goes_only_after_the_one_that_was_expected(store: PairStore) -> None:
    leadership = await lead(store)
    head = await store.append(leadership, Head(), b"one")
    for wrong in (Head(), Head(2, 1), Head(1, 9)):
        with pytest.raises(OutOfStepError) as caught:
            await store.append(leadership, wrong, b"other")
        assert caught.value.head == head
    assert len(await store.read(0)) == 1


async def test_a_repeated_batch_is_taken_once(store: PairStore) -> None:
    leadership = await lead(store)
    assert await store.append(leadership, Head(), b"one") == Head(1, 1)
    assert await store.append(leadership, Head(), b"one") == Head(1, 1)
    await store.release(leadership)
    assert await store.append(leadership, Head(), b"one") == Head(1, 1)
    with pytest.raises(NotLeaderError):
        await store.append(leadership, Head(), b"two")
    assert len(await store.read(0)) == 1


async def test_the_largest_batch_is_taken_and_a_larger_one_refused(store: PairStore) -> None:
    leadership = await lead(store)
    head = await store.append(leadership, Head(), b"z" * BATCH_BYTES_HIGH)
    with pytest.raises(BatchTooLargeError):
        await store.append(leadership, head, b"z" * (BATCH_BYTES_HIGH + 1))
    assert [len(batch.content) for batch in await store.read(0)] == [BATCH_BYTES_HIGH]


async def test_a_snapshot_comes_back_whole(store: PairStore) -> None:
    leadership = await lead(store)
    content = bytes(range(256)) * (SNAPSHOT_CHUNK_BYTES // 256) + b"and a little"
    info = await store.write_snapshot(leadership, Head(7, 1), content)
    assert (info.head, info.size_bytes, info.chunks) == (Head(7, 1), len(content), 2)
    await store.write_snapshot(leadership, Head(3, 1), b"")
    assert [found.head.sequence for found in await store.snapshots()] == [7, 3]
    assert await store.read_snapshot(info) == content
    assert await store.read_snapshot((await store.snapshots())[1]) == b""


async def test_a_document_stays_as_it_was_first_written_also_after_trimming(store: PairStore) -> None:
    leadership = await lead(store)
    body = b"settings" * 200_000
    await store.keep_document(leadership, b"\x00/name", body)
    await store.keep_document(leadership, b"\x00/name", b"other")
    await store.keep_document(leadership, b"\x00", b"")
    await store.write_snapshot(leadership, Head(), b"")
    await store.trim(leadership, 1)
    assert await store.document(b"\x00/name") == body
    assert await store.document(b"\x00") == b""
    assert await store.document(b"unknown") is None
    await store.release(leadership)
    await store.keep_document(leadership, b"\x00", b"")
    with pytest.raises(NotLeaderError):
        await store.keep_document(leadership, b"new", b"late")
    assert await store.document(b"new") is None


async def test_trimming_keeps_the_snapshots_asked_for_and_the_batches_after_the_oldest(store: PairStore) -> None:
    leadership = await lead(store)
    head = await write(store, leadership, [b"%d" % number for number in range(1, 7)], Head())
    await store.trim(leadership, 2)
    assert len(await store.read(0)) == 6
    forgotten, *_ = [
        await store.write_snapshot(leadership, Head(sequence, 1), b"up to %d" % sequence) for sequence in (2, 4, 5)
    ]
    await store.trim(leadership, 2)
    assert [info.head.sequence for info in await store.snapshots()] == [5, 4]
    assert [await store.read_snapshot(info) for info in await store.snapshots()] == [b"up to 5", b"up to 4"]
    assert [batch.content for batch in await store.read(4)] == [b"5", b"6"]
    with pytest.raises(JournalGapError):
        await store.read(3)
    with pytest.raises(SnapshotDamagedError):
        await store.read_snapshot(forgotten)
    await store.trim(leadership, 2)
    assert await store.append(leadership, head, b"7") == Head(7, 1)


async def test_who_follows_into_nothing_but_a_snapshot_is_told(store: PairStore) -> None:
    leadership = await lead(store)
    await write(store, leadership, [b"1", b"2"], Head())
    await store.write_snapshot(leadership, Head(2, 1), b"both")
    await store.trim(leadership, 1)
    assert list(await store.read(2)) == []
    with pytest.raises(JournalGapError):
        await store.read(0)


async def test_an_old_leader_writes_no_snapshot_and_trims_nothing(store: PairStore) -> None:
    first = await lead(store)
    await write(store, first, [b"1", b"2"], Head())
    await store.write_snapshot(first, Head(1, 1), b"one")
    await store.release(first)
    await lead(store, B, 1)
    with pytest.raises(NotLeaderError):
        await store.write_snapshot(first, Head(2, 1), b"two")
    with pytest.raises(NotLeaderError):
        await store.trim(first, 1)
    assert len(await store.read(0)) == 2
