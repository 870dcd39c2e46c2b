"""Two drivers and a store: takeover, handover, following, on virtual time with the model and once on real etcd."""

from pathlib import Path

import trio
from trio.testing import MockClock

from ctigw.config.settings import DuplexSettings
from ctigw.config.timings import pair_timings
from ctigw.duplex import facts
from ctigw.duplex.etcd_store import EtcdStore
from ctigw.duplex.records import Role, Side
from ctigw.duplex.steps import StepDownReason, TakeoverReason
from etcd_server import running, until_it_answers
from pair_sides import RunningSide, active_of, new_side, running_sides
from pair_world import TIMINGS
from store_model import ModelStore, StoreModel

WAY_S = 0.005
"""Of a request, and of its answer, on virtual time."""
LAG_S = 0.5
"""What the store may let a lease live beyond its time."""


def two_sides() -> tuple[RunningSide, RunningSide, StoreModel]:
    model = StoreModel(lag_s=LAG_S)
    a, b = (new_side(side, 1, ModelStore(model, way_s=WAY_S), TIMINGS) for side in Side)
    return a, b, model


async def test_the_standby_has_what_the_active_side_wrote_and_takes_over_when_it_is_killed(
    autojump_clock: MockClock,
) -> None:
    a, b, _ = two_sides()
    async with running_sides(a, b):
        first = await active_of(a, b)
        other = b if first is a else a
        for number in range(20):
            assert await first.write(b"%d" % number)
        await trio.sleep(1)
        assert other.gateway.state == first.gateway.state
        assert other.gateway.roles == [Role.STANDBY]
        killed_at = trio.current_time()
        first.kill()
        assert await active_of(a, b, other_than=first) is other
        assert first.gateway.stepped_down == [StepDownReason.UNFIT]
        assert other.gateway.active_at - killed_at < TIMINGS.lease_s + 1.0
        assert other.gateway.reason is TakeoverReason.TAKEOVER
        assert await other.write(b"20")
        assert [int(one) for one in other.gateway.state] == list(range(21))


async def test_a_planned_handover_interrupts_less_than_a_second_and_loses_nothing(autojump_clock: MockClock) -> None:
    a, b, _ = two_sides()
    async with running_sides(a, b) as nursery:
        first = await active_of(a, b)
        other = b if first is a else a
        await trio.sleep(1)
        stopped_at = 0.0

        async def load() -> None:
            nonlocal stopped_at
            number = 0
            while await first.write(b"%d" % number):
                number += 1
                await trio.sleep(0.01)
            stopped_at = trio.current_time()

        nursery.start_soon(load)
        await trio.sleep(1)
        first.driver.tell(facts.SwitchoverAsked())
        assert first.gateway.answers[-1].accepted
        assert await active_of(a, b, other_than=first) is other
        assert other.gateway.active_at - stopped_at < 1.0
        assert [int(one) for one in other.gateway.state] == list(range(len(first.gateway.state)))
        assert len(other.gateway.state) > 50
        assert first.gateway.stepped_down == [StepDownReason.HANDOVER]
        await other.write(b"after")
        await trio.sleep(1)
        assert first.gateway.state == other.gateway.state


async def test_clients_that_refuse_keep_it_active(autojump_clock: MockClock) -> None:
    a, b, _ = two_sides()
    async with running_sides(a, b):
        first = await active_of(a, b)
        first.gateway.agree = False
        await trio.sleep(1)
        first.driver.tell(facts.SwitchoverAsked())
        await trio.sleep(1)
        assert first.gateway.cancelled == 1
        assert first.driver.may_act()


async def test_a_side_without_the_store_stops_before_the_other_begins_and_comes_back_as_a_standby(
    autojump_clock: MockClock,
) -> None:
    a, b, _ = two_sides()
    async with running_sides(a, b):
        first = await active_of(a, b)
        other = b if first is a else a
        await first.write(b"one")
        await trio.sleep(1)
        assert isinstance(first.store, ModelStore)
        first.store.cut = True
        first.gateway.state.append(b"decided, never durable")
        await active_of(a, b, other_than=first)
        assert not first.driver.may_act()
        assert first.gateway.stepped_down == [StepDownReason.STORE_SILENT]
        said = [warning for warning in first.gateway.warnings if "cut" in warning]
        assert "renewal: cut" in said
        assert len(said) == len(set(said))
        await other.write(b"two")
        first.store.cut = False
        await trio.sleep(TIMINGS.lease_s)
        assert first.gateway.roles[-1] is Role.STANDBY
        assert first.gateway.state == [b"one", b"two"]
        first.store.cut = True
        await trio.sleep(1)
        assert first.gateway.warnings.count("look: cut") == 2


async def test_a_side_alone_that_lost_the_store_acts_again_when_it_has_read_the_journal_again(
    autojump_clock: MockClock,
) -> None:
    store = ModelStore(StoreModel(), way_s=WAY_S)
    side = new_side(Side.A, 1, store, TIMINGS)
    async with running_sides(side):
        await active_of(side)
        await side.write(b"one")
        store.cut = True
        await trio.sleep(2 * TIMINGS.lease_s)
        store.cut = False
        await active_of(side)
        assert side.gateway.state == [b"one"]
        assert side.gateway.reason is TakeoverReason.AGAIN
        assert await side.write(b"two")


async def test_a_lease_that_the_store_lost_is_replaced_at_once(autojump_clock: MockClock) -> None:
    a, b, model = two_sides()
    async with running_sides(a, b):
        first = await active_of(a, b)
        await trio.sleep(1)
        standby = Side.B if first is a else Side.A
        model.drop_lease(model.lease_of(standby), trio.current_time())
        assert model.look(trio.current_time()).record_of(standby) is None
        await trio.sleep(1.2)
        assert model.look(trio.current_time()).record_of(standby) is not None


async def test_a_standby_that_was_away_goes_on_from_a_snapshot_and_catches_up_without_pauses(
    autojump_clock: MockClock,
) -> None:
    a, b, _ = two_sides()
    async with running_sides(a) as nursery:
        await active_of(a)
        nursery.start_soon(b.run)
        await a.write(b"0")
        await trio.sleep(1)
        assert isinstance(b.store, ModelStore)
        b.store.cut = True
        for number in range(1, 2000):
            assert await a.write(b"%d" % number)
        assert a.gateway.leadership is not None
        tenth = (await a.store.read(9))[0].head
        await a.store.write_snapshot(a.gateway.leadership, tenth, b"\n".join(a.gateway.state[:10]))
        await a.store.trim(a.gateway.leadership, 1)
        b.store.cut = False
        await trio.sleep(1)
        assert b.gateway.state == a.gateway.state


async def test_a_standby_ends_when_it_is_asked_to(autojump_clock: MockClock) -> None:
    a, b, _ = two_sides()
    async with running_sides(a, b):
        first = await active_of(a, b)
        await trio.sleep(1)
        other = b if first is a else a
        other.driver.tell(facts.StopAsked())
        with trio.fail_after(1):
            await other.ended.wait()
        assert first.driver.may_act()


async def test_the_lease_counts_from_when_its_renewal_set_out(autojump_clock: MockClock) -> None:
    store = ModelStore(StoreModel(), way_s=0.2)
    side = new_side(Side.A, 1, store, TIMINGS)
    async with running_sides(side):
        await active_of(side)
        await trio.sleep(5)
        store.cut = True
        await trio.sleep(TIMINGS.lease_s)
        assert side.gateway.stepped_down == [StepDownReason.STORE_SILENT]
        assert abs(side.gateway.stopped_at - store.renewed_at - TIMINGS.silence_s) < 0.001


async def test_an_ending_side_frees_the_leadership_at_once(autojump_clock: MockClock) -> None:
    a, b, _ = two_sides()
    async with running_sides(a, b):
        first = await active_of(a, b)
        await trio.sleep(1)
        ended_at = trio.current_time()
        first.driver.tell(facts.StopAsked())
        await active_of(a, b, other_than=first)
        assert trio.current_time() - ended_at < 0.5
        await first.ended.wait()


async def test_who_comes_late_begins_with_the_newest_snapshot(autojump_clock: MockClock) -> None:
    a, b, model = two_sides()
    async with running_sides(a) as nursery:
        first = await active_of(a)
        for number in range(4):
            await first.write(b"%d" % number)
        assert first.gateway.leadership is not None
        content = b"\n".join(first.gateway.state[:3])
        await first.store.write_snapshot(first.gateway.leadership, model.look(trio.current_time()).head, b"damaged")
        third = (await first.store.read(2))[0].head
        await first.store.write_snapshot(first.gateway.leadership, third, content)
        model.damage(4)
        await first.store.trim(first.gateway.leadership, 2)
        nursery.start_soon(b.run)
        await trio.sleep(1)
        assert b.gateway.state == [b"0", b"1", b"2", b"3"]
        assert "does not have its digest" in b.gateway.warnings[0]


async def test_a_standby_that_cannot_apply_a_batch_is_unfit_and_does_not_take_over(autojump_clock: MockClock) -> None:
    a, b, _ = two_sides()
    async with running_sides(a, b):
        first = await active_of(a, b)
        other = b if first is a else a
        await trio.sleep(1)
        await first.write(b"unreadable")
        await trio.sleep(1)
        assert other.gateway.sentences[-1] == "what comes after batch 0 cannot be applied: what is this?"
        first.kill()
        await trio.sleep(10 * TIMINGS.lease_s)
        assert not other.driver.may_act()


async def test_on_real_etcd_a_takeover_stays_within_a_lease_and_a_second(tmp_path: Path) -> None:
    timings = pair_timings(DuplexSettings(lease_s=2.0))
    with running(tmp_path / "etcd") as etcd:
        stores = [EtcdStore([etcd.url], "/pair", send_limit_s=timings.send_limit_s) for _ in Side]
        await until_it_answers(stores[0])
        a, b = (new_side(side, 1, store, timings) for side, store in zip(Side, stores, strict=True))
        async with running_sides(a, b):
            first = await active_of(a, b)
            other = b if first is a else a
            for number in range(50):
                assert await first.write(b"%d" % number)
            killed_at = trio.current_time()
            first.kill()
            await active_of(a, b, other_than=first)
            assert other.gateway.active_at - killed_at < timings.lease_s + 1.0
            assert await other.write(b"50")
            assert [int(one) for one in other.gateway.state] == list(range(51))
        for store in stores:
            store.close()
