"""Carries the manager's steps to the store and to the gateway, and their answers back: the only clock of the pair.

Knows Trio, the `PairStore` protocol and what a gateway has to offer. Must not decide anything, nor know etcd or what is
in a batch. A request is timed from before it leaves (engineering G2); an error that nobody expected ends `run`, and
with it the side (engineering E4): the leadership goes with the lease.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs
import trio

from ctigw.config.timings import PairTimings
from ctigw.duplex import facts, steps
from ctigw.duplex.facts import Fact, Request
from ctigw.duplex.manager import FailoverManager
from ctigw.duplex.records import Head, Leadership, Role
from ctigw.duplex.steps import Step, StepDownReason, TakeoverReason
from ctigw.duplex.store import (
    Batch,
    JournalGapError,
    LeaseUnknownError,
    PairStore,
    SnapshotDamagedError,
    SnapshotInfo,
    StoreError,
)
from ctigw.errors import GatewayError


class PairedGateway(Protocol):
    """What a gateway does when the pair says so. What is not async returns at once."""

    def begin_anew(self) -> None:
        """Forget the engine's state: what comes next is a snapshot, or the first batch."""

    def load(self, info: SnapshotInfo, content: bytes) -> None:
        """Take the state of a snapshot."""

    def apply(self, batch: Batch) -> None:
        """One batch after the other. Raises a GatewayError where it cannot be: this side is unfit then."""

    def become_active(self, leadership: Leadership, head: Head, reason: TakeoverReason) -> None:
        """Act while `may_act` says so; the next batch is appended after `head` under that leadership."""

    def step_down(self, reason: StepDownReason) -> None:
        """Let no effect leave any more. Where the reason is orderly, `stop_writing` follows."""

    async def stop_writing(self) -> None:
        """Return when every batch under way is durable."""

    async def ask_clients(self) -> facts.HandoverAnswered:
        """Ask about a planned handover; silence is no (semantics 7.3)."""

    def cancel_handover(self) -> None:
        """Tell them that nothing changes."""

    def tell_clients(self, role: Role) -> None:
        """The role has changed."""

    def answer_operator(self, answer: steps.AnswerOperator) -> None:
        """To whoever asked last."""

    def explain(self, why: str) -> None:
        """The sentence has changed: for log and status."""

    def warn(self, text: str) -> None:
        """For the log, loudly."""


@attrs.define
class _Position:
    """How far this side's engine is."""

    head: Head = attrs.Factory(Head)
    begun: bool = False


class PairDriver:
    """One side of a pair, for as long as `run` runs."""

    def __init__(
        self, manager: FailoverManager, store: PairStore, gateway: PairedGateway, timings: PairTimings
    ) -> None:
        """Nothing happens before `run`."""
        self._manager = manager
        self._store = store
        self._gateway = gateway
        self._timings = timings
        self._nursery: trio.Nursery | None = None
        self._follower: trio.CancelScope | None = None
        self._position = _Position()
        self._why = ""
        self._troubles: dict[str, str] = {}
        self._changed = trio.Event()

    def may_act(self) -> bool:
        """Whether an effect may leave now."""
        return self._manager.may_act(trio.current_time())

    def tell(self, fact: Fact) -> None:
        """A fact of the gateway or the operator; its steps begin before this returns. Only while `run` runs."""
        self._do(self._manager.receive(fact, trio.current_time()))

    def appended(self, head: Head) -> None:
        """The gateway's own batch is durable."""
        self._position.head = head
        self.tell(facts.JournalApplied(head.sequence))

    async def run(self) -> None:
        """Until the manager has ended (StopAsked), or forever."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self.tell(facts.Started())
                while (deadline := self._manager.next_deadline()) is not None:
                    self._changed = trio.Event()
                    with trio.move_on_at(deadline):
                        await self._changed.wait()
                    self._do(self._manager.handle_deadline(trio.current_time()))
                self._stop_following()
        finally:
            self._nursery = None
            if self._manager.role is Role.ACTIVE:
                self._gateway.step_down(StepDownReason.UNFIT)

    def _do(self, decision: steps.Decision) -> None:
        if decision.why != self._why:
            self._why = decision.why
            self._gateway.explain(decision.why)
        for step in decision.steps:
            self._carry_out(step)
        self._changed.set()

    def _carry_out(self, step: Step) -> None:
        gateway = self._gateway
        match step:
            case steps.FollowJournal():
                self._stop_following()
                self._start(self._follow)
            case steps.BecomeActive(leadership, reason):
                self._stop_following()
                gateway.become_active(leadership, self._position.head, reason)
            case steps.StepDown(reason):
                self._step_down(reason)
            case steps.TellClients(role):
                gateway.tell_clients(role)
            case steps.AskClients():
                self._start(self._ask_clients)
            case steps.HandoverCancelled():
                gateway.cancel_handover()
            case steps.AnswerOperator():
                gateway.answer_operator(step)
            case steps.Warn(text):
                gateway.warn(text)
            case steps.DropLease(lease_id):
                self._start(lambda: self._drop(lease_id))
            case _:
                self._start(lambda: self._ask(step))

    def _start(self, task: Callable[[], Awaitable[None]]) -> None:
        assert self._nursery is not None, "the pair is told facts only while it runs"
        self._nursery.start_soon(task)

    def _step_down(self, reason: StepDownReason) -> None:
        self._stop_following()
        self._gateway.step_down(reason)
        if reason.orderly:
            self._start(self._stop_writing)
        else:
            self._position = _Position()

    # Asking the store

    async def _ask(self, step: Step) -> None:
        request, asking = self._request(step)
        try:
            fact = await asking(trio.current_time())
        except LeaseUnknownError:
            # Renewals, records and acquisitions name the lease that they hang on.
            self.tell(facts.StoreSilent(request))
            fact = facts.LeaseLost(getattr(step, "lease_id", 0))
        except StoreError as error:
            self._say(request.value, str(error))
            fact = facts.StoreSilent(request)
        else:
            self._troubles.pop(request.value, None)
        self.tell(fact)

    def _request(self, step: Step) -> tuple[Request, Callable[[float], Awaitable[Fact]]]:
        store = self._store

        async def lease(sent_at: float) -> Fact:
            grant = await store.grant_lease(self._timings.ttl_s)
            return facts.LeaseGranted(grant.lease_id, grant.ttl_s, sent_at)

        async def look(sent_at: float) -> Fact:
            return facts.StoreSeen(await store.look(), sent_at)

        match step:
            case steps.RequestLease():
                return Request.LEASE, lease
            case steps.RenewLease(lease_id):

                async def renew(sent_at: float) -> Fact:
                    return facts.LeaseKept(lease_id, (await store.renew_lease(lease_id)).ttl_s, sent_at)

                return Request.RENEWAL, renew
            case steps.LookAtStore():
                return Request.LOOK, look
            case steps.WriteRecord(record, lease_id):

                async def write(_: float) -> Fact:
                    await store.write_record(record, lease_id)
                    return facts.RecordWritten()

                return Request.RECORD, write
            case steps.AcquireLeadership(me, lease_id, seen_epoch):

                async def acquire(_: float) -> Fact:
                    got = await store.acquire(me, lease_id, seen_epoch)
                    return facts.LeadershipRefused() if got is None else facts.LeadershipGranted(*got)

                return Request.ACQUISITION, acquire
            case steps.ReleaseLeadership(leadership):

                async def release(_: float) -> Fact:
                    await store.release(leadership)
                    return facts.LeadershipReleased()

                return Request.RELEASE, release
            case _:
                raise TypeError(f"no request: {step!r}")

    async def _drop(self, lease_id: int) -> None:
        try:
            await self._store.drop_lease(lease_id)
        except StoreError as error:
            self._say("a lease could not be given back and runs out", str(error))

    # Asking the gateway

    async def _ask_clients(self) -> None:
        self.tell(await self._gateway.ask_clients())

    async def _stop_writing(self) -> None:
        await self._gateway.stop_writing()
        self.tell(facts.JournalStopped())

    # Following

    def _stop_following(self) -> None:
        if self._follower is not None:
            self._follower.cancel()
            self._follower = None

    async def _follow(self) -> None:
        with trio.CancelScope() as scope:
            self._follower = scope
            if not self._position.begun:
                self._gateway.begin_anew()
                self._position = _Position(begun=True)
            while True:
                try:
                    more = await self._follow_a_little()
                except StoreError as error:
                    self._say("following", str(error))
                    more = False
                except GatewayError as error:
                    after = self._position.head.sequence
                    self.tell(facts.Fitness(False, f"what comes after batch {after} cannot be applied: {error}"))
                    return
                if not more:
                    await trio.sleep(self._timings.look_s)

    async def _follow_a_little(self) -> bool:
        """Whether there may be more at once."""
        position, sequence = self._position, self._position.head.sequence
        try:
            batches = await self._store.read(sequence)
        except JournalGapError:
            await self._load_snapshot()
            return True
        for batch in batches:
            self._gateway.apply(batch)
            position.head = batch.head
        if batches:
            self.tell(facts.JournalApplied(position.head.sequence))
        return bool(batches)

    async def _load_snapshot(self) -> None:
        for info in await self._store.snapshots():
            if info.head.sequence <= self._position.head.sequence:
                break
            try:
                content = await self._store.read_snapshot(info)
            except SnapshotDamagedError as error:
                self._say("snapshot", str(error))
                continue  # Batches after the next older one are still there.
            self._gateway.begin_anew()
            self._gateway.load(info, content)
            self._position.head = info.head
            self.tell(facts.JournalApplied(info.head.sequence))
            return
        raise StoreError(f"no snapshot leads over the gap after batch {self._position.head.sequence}")

    def _say(self, about: str, trouble: str) -> None:
        """Once, until it is another or was over: a silent store would say the same ten times a second."""
        if self._troubles.get(about) != trouble:
            self._troubles[about] = trouble
            self._gateway.warn(f"{about}: {trouble}")
