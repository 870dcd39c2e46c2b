"""Sides of a pair as tests run them: real managers and drivers, an engine that is a list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio

from ctigw.config.timings import PairTimings
from ctigw.duplex import facts, steps
from ctigw.duplex.driver import PairDriver
from ctigw.duplex.facts import HandoverAnswered
from ctigw.duplex.manager import FailoverManager
from ctigw.duplex.records import Head, Identity, Leadership, Role, Side
from ctigw.duplex.steps import StepDownReason, TakeoverReason
from ctigw.duplex.store import Batch, PairStore, SnapshotInfo, StoreError
from ctigw.errors import GatewayError


class UnreadableError(GatewayError):
    """A batch that this engine does not understand."""


@attrs.define
class ListGateway:
    """A `PairedGateway`; its state is the list of all batches, its work is to append numbers."""

    state: list[bytes] = attrs.Factory(list)
    roles: list[Role] = attrs.Factory(list)
    sentences: list[str] = attrs.Factory(list)
    warnings: list[str] = attrs.Factory(list)
    answers: list[steps.AnswerOperator] = attrs.Factory(list)
    stepped_down: list[StepDownReason] = attrs.Factory(list)
    cancelled: int = 0
    agree: bool = True
    leadership: Leadership | None = None
    head: Head = attrs.Factory(Head)
    reason: TakeoverReason | None = None
    active_at: float = 0.0
    stopped_at: float = 0.0
    writing: trio.Lock = attrs.Factory(trio.Lock)

    def begin_anew(self) -> None:
        self.state.clear()

    def load(self, info: SnapshotInfo, content: bytes) -> None:
        self.state.extend(content.split(b"\n"))

    def apply(self, batch: Batch) -> None:
        if batch.content == b"unreadable":
            raise UnreadableError("what is this?")
        self.state.append(batch.content)

    def become_active(self, leadership: Leadership, head: Head, reason: TakeoverReason) -> None:
        self.leadership, self.head, self.reason = leadership, head, reason
        self.active_at = trio.current_time()

    def step_down(self, reason: StepDownReason) -> None:
        self.leadership = None
        self.stepped_down.append(reason)
        self.stopped_at = trio.current_time()

    async def stop_writing(self) -> None:
        async with self.writing:
            pass

    async def ask_clients(self) -> HandoverAnswered:
        await trio.sleep(0.1)
        return HandoverAnswered(self.agree, "" if self.agree else "busy")

    def cancel_handover(self) -> None:
        self.cancelled += 1

    def tell_clients(self, role: Role) -> None:
        self.roles.append(role)

    def answer_operator(self, answer: steps.AnswerOperator) -> None:
        self.answers.append(answer)

    def explain(self, why: str) -> None:
        self.sentences.append(why)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@attrs.define
class RunningSide:
    """One side while it runs."""

    driver: PairDriver
    gateway: ListGateway
    store: PairStore
    scope: trio.CancelScope = attrs.Factory(trio.CancelScope)
    ended: trio.Event = attrs.Factory(trio.Event)

    async def run(self) -> None:
        with self.scope:
            await self.driver.run()
        self.ended.set()

    def kill(self) -> None:
        """As kill -9 does: nothing is given back."""
        self.scope.cancel()

    async def write(self, content: bytes) -> bool:
        """One batch; False when it was not taken."""
        gateway = self.gateway
        async with gateway.writing:
            leadership = gateway.leadership
            if leadership is None or not self.driver.may_act():
                return False
            try:
                head = await self.store.append(leadership, gateway.head, content)
            except StoreError:
                self.driver.tell(facts.Fenced(leadership.epoch))
                return False
            gateway.head = head
            gateway.state.append(content)
            self.driver.appended(head)
            return True


def new_side(side: Side, number: int, store: PairStore, timings: PairTimings) -> RunningSide:
    gateway = ListGateway()
    manager = FailoverManager(Identity(side, f"{side.value}{number}", "1.0"), timings)
    return RunningSide(PairDriver(manager, store, gateway, timings), gateway, store)


@asynccontextmanager
async def running_sides(*sides: RunningSide) -> AsyncIterator[trio.Nursery]:
    async with trio.open_nursery() as nursery:
        for side in sides:
            nursery.start_soon(side.run)
        yield nursery
        nursery.cancel_scope.cancel()


async def active_of(*sides: RunningSide, other_than: RunningSide | None = None) -> RunningSide:
    """Whoever acts, once somebody does."""
    with trio.fail_after(60):
        while True:
            acting = [side for side in sides if side is not other_than and side.driver.may_act()]
            if acting:
                return acting[0]
            await trio.sleep(0.01)
