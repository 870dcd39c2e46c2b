"""Two managers, one store, two clocks and a bad network, as plain events on simulated time.

What a driver would do, each step taken literally. `violations` says what must never be; the mutants of
`test_two_never_act.py` show that it would say so.
"""

import heapq
import random
from collections.abc import Callable

import attrs

from ctigw.config.timings import PairTimings
from ctigw.duplex import facts, steps
from ctigw.duplex.facts import Request
from ctigw.duplex.manager import FailoverManager
from ctigw.duplex.records import Head, Identity, Leadership, Picture, Side
from ctigw.duplex.steps import Decision, Step
from ctigw.duplex.store import Grant, LeaseUnknownError, NotLeaderError, OutOfStepError, StoreError
from store_model import StoreModel

TIMINGS = PairTimings(lease_s=3.0, heartbeat_s=0.5, misses=3, send_limit_s=0.5, margin_s=0.5)
WORK_S = (0.3, 2.0)
"""About how often an active side has something to write; a run has one of these. Seldom leaves the end of the journal
alone for a while after a takeover, so that the epoch is all that keeps a late batch out."""
DELAY_S = (0.05, 0.25)
"""Longest usual way of a request, or of a reply; a run has one of these."""
LATE, LATE_S = 0.03, 6.0
"""Part of the requests and replies that take longer, and how long at most; while the network is slow, all do."""

Reply = Grant | Picture | tuple[Leadership, Head] | Head | StoreError | None
REQUEST_OF: dict[type[Step], Request] = {
    steps.RequestLease: Request.LEASE,
    steps.RenewLease: Request.RENEWAL,
    steps.LookAtStore: Request.LOOK,
    steps.WriteRecord: Request.RECORD,
    steps.AcquireLeadership: Request.ACQUISITION,
    steps.ReleaseLeadership: Request.RELEASE,
}


@attrs.define(eq=False)
class Node:
    """One side: its manager, its clock, what it is doing."""

    side: Side
    manager: FailoverManager
    offset: float
    rate: float
    """Seconds of its clock in a second."""
    asleep_s: float = 0.0
    """Time that its clock missed while the machine was suspended."""
    stalled_until: float = 0.0
    cut_until: float = 0.0
    replies_lost_until: float = 0.0
    slow_until: float = 0.0
    following: bool = False
    leadership: Leadership | None = None
    head: Head = attrs.Factory(Head)
    writing: bool = False
    stopping: bool = False
    counter: int = 0

    def clock(self, now: float) -> float:
        return self.offset + (now - self.asleep_s) * self.rate


class World:
    """`run_until` moves time; faults are methods. Everything random comes from the seed."""

    def __init__(
        self,
        seed: int,
        manager_class: type[FailoverManager] = FailoverManager,
        store: StoreModel | None = None,
        *,
        stay_active: bool = False,
    ) -> None:
        self.random = random.Random(seed)
        self.store = store or StoreModel(lag_s=self.random.choice([0.0, 0.5]))
        self.now = 0.0
        self.violations: list[str] = []
        self.takeovers: list[tuple[float, Side, int]] = []
        self.appended: list[Head] = []
        self._work_s = self.random.choice(WORK_S)
        self._delay_s = self.random.choice(DELAY_S)
        self.calm = False
        """Everything is as fast as it should be."""
        self.watch_clocks = True
        """Off when a machine was suspended: then only the epoch protects (engineering G2)."""
        self._manager_class = manager_class
        self._stay_active = stay_active
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._started = 0
        self.nodes = {side: self._start(side) for side in Side}

    # Faults

    def crash(self, side: Side, back_after: float) -> None:
        self.nodes[side].counter = -1

        def restart() -> None:
            if self.nodes[side].counter < 0:
                self.nodes[side] = self._start(side)

        self.at(self.now + back_after, restart)

    def stall(self, side: Side, for_s: float) -> None:
        self.nodes[side].stalled_until = max(self.nodes[side].stalled_until, self.now + for_s)

    def suspend(self, side: Side, for_s: float) -> None:
        self.watch_clocks = False
        self.stall(side, for_s)
        self.nodes[side].asleep_s += for_s

    def cut(self, side: Side, for_s: float) -> None:
        self.nodes[side].cut_until = self.now + for_s

    def lose_replies(self, side: Side, for_s: float) -> None:
        self.nodes[side].replies_lost_until = self.now + for_s

    def slow(self, side: Side, for_s: float) -> None:
        self.nodes[side].slow_until = self.now + for_s

    def tell(self, side: Side, fact: facts.Fact) -> None:
        self._deliver(self.nodes[side], fact)

    # Time

    def at(self, when: float, event: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (max(when, self.now), self._order, event))

    def run_until(self, end: float) -> None:
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
            self._check()
        self.now = end

    def acting(self) -> list[Side]:
        alive = [node for node in self.nodes.values() if node.counter >= 0]
        return [node.side for node in alive if node.manager.may_act(node.clock(self.now))]

    def _check(self) -> None:
        if self.watch_clocks and not self._stay_active and len(self.acting()) > 1:
            self.violations.append(f"{self.now:.3f}: both sides may act")

    # A side

    def _start(self, side: Side) -> Node:
        self._started += 1
        me = Identity(side, f"{side.value}{self._started}", "1.0")
        manager = self._manager_class(me, TIMINGS, stay_active=self._stay_active)
        node = Node(side, manager, self.random.uniform(0, 1000), self.random.uniform(0.98, 1.02))
        self.at(self.now + self.random.uniform(0, 0.2), lambda: self._deliver(node, facts.Started()))
        self.at(self.now, lambda: self._work(node))
        return node

    def _on(self, node: Node, event: Callable[[], None]) -> None:
        """Let a side do something, later if it is stalled, never if it has crashed."""
        if node.counter < 0:
            return
        if self.now < node.stalled_until:
            # Whoever wakes up sees what has come meanwhile, and that time has passed, in any order.
            self.at(node.stalled_until + self.random.uniform(0, 0.01), lambda: self._on(node, event))
        else:
            event()

    def _deliver(self, node: Node, fact: facts.Fact) -> None:
        self._on(node, lambda: self._do(node, node.manager.receive(fact, node.clock(self.now))))

    def _do(self, node: Node, decision: Decision) -> None:
        for step in decision.steps:
            if type(step) in REQUEST_OF:
                self._ask(node, step)
            else:
                self._obey(node, step)
        deadline = node.manager.next_deadline()
        node.counter += 1
        counter = node.counter
        if deadline is not None:
            when = self.now + max(0.0, (deadline - node.clock(self.now)) / node.rate) + 1e-6
            self.at(when, lambda: self._on(node, lambda: self._wake(node, counter)))

    def _wake(self, node: Node, counter: int) -> None:
        if node.counter == counter:
            self._do(node, node.manager.handle_deadline(node.clock(self.now)))

    def _obey(self, node: Node, step: Step) -> None:
        match step:
            case steps.FollowJournal():
                if not node.following:
                    node.following = True
                    self._follow(node)
            case steps.BecomeActive(leadership, _):
                node.following, node.stopping, node.leadership = False, False, leadership
                self.takeovers.append((self.now, node.side, leadership.epoch))
            case steps.StepDown(reason):
                node.stopping = reason.orderly
                if reason.orderly:
                    self._finish(node)
                else:
                    node.leadership, node.head, node.following, node.writing = None, Head(), False, False
            case steps.AskClients():
                agreed = self.random.random() < 0.8
                self.at(
                    self.now + self.random.uniform(0, 6), lambda: self._deliver(node, facts.HandoverAnswered(agreed))
                )
            case steps.DropLease(lease_id):
                self._send(node, lambda: self.store.drop_lease(lease_id, self.now), lambda _: None)
            case _:
                pass

    def _ask(self, node: Node, step: Step) -> None:
        sent_at = node.clock(self.now)
        answered = False

        def answer(result: Reply) -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._deliver(node, fact_of(step, result, sent_at))

        def give_up() -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._deliver(node, facts.StoreSilent(REQUEST_OF[type(step)]))

        self._send(node, lambda: carry_out(self.store, step, self.now), answer)
        self.at(self.now + TIMINGS.send_limit_s / node.rate, lambda: self._on(node, give_up))

    def _send(self, node: Node, request: Callable[[], Reply], answer: Callable[[Reply], None]) -> None:
        """The request reaches the store later or never, the reply comes back later or never."""

        def arrive() -> None:
            try:
                result = request()
            except StoreError as error:
                result = error
            if self.now >= node.replies_lost_until:
                self.at(self.now + self._delay(node), lambda: self._on(node, lambda: answer(result)))

        if self.now >= node.cut_until:
            self.at(self.now + self._delay(node), arrive)

    def _delay(self, node: Node) -> float:
        if self.calm:
            return self.random.uniform(0.001, min(DELAY_S))
        late = self.random.random() < LATE or self.now < node.slow_until
        return self.random.uniform(0.1, LATE_S) if late else self.random.uniform(0.001, self._delay_s)

    # Journal

    def _follow(self, node: Node) -> None:
        def applied(picture: Reply) -> None:
            if node.following and isinstance(picture, Picture) and picture.head.sequence > node.head.sequence:
                node.head = picture.head
                self._deliver(node, facts.JournalApplied(picture.head.sequence))

        def again() -> None:
            if node.following:
                self._send(node, lambda: self.store.look(self.now), applied)
                self.at(self.now + 0.1, lambda: self._on(node, again))

        again()

    def _work(self, node: Node) -> None:
        if node.manager.may_act(node.clock(self.now)) and not node.writing and node.leadership is not None:
            self._append(node, node.leadership)
        self.at(self.now + self.random.uniform(0, 2 * self._work_s), lambda: self._on(node, lambda: self._work(node)))

    def _append(self, node: Node, leadership: Leadership) -> None:
        node.writing = True
        previous = node.head
        content = f"{node.side.value} {leadership.epoch} {previous.sequence + 1}".encode()

        def arrive() -> Head:
            head = self.store.append(leadership, previous, content, self.now)
            if not self.appended or head != self.appended[-1]:
                last = self.store.look(self.now).predecessor.epoch
                if head.epoch < last or (self.appended and head.sequence != self.appended[-1].sequence + 1):
                    self.violations.append(
                        f"{self.now:.3f}: {head} was taken in epoch {last} after {self.appended[-1:]}"
                    )
                self.appended.append(head)
            return head

        def answer(result: Reply) -> None:
            if node.leadership != leadership or not node.writing or node.head != previous:
                return
            node.writing = False
            if isinstance(result, NotLeaderError | OutOfStepError):
                self._deliver(node, facts.Fenced(leadership.epoch))
            elif isinstance(result, Head):
                node.head = result
                self._deliver(node, facts.JournalApplied(result.sequence))
                self._finish(node)

        def give_up() -> None:
            node.writing = False
            if node.head == previous and node.leadership == leadership and node.counter >= 0:
                self._append(node, leadership)

        self._send(node, arrive, answer)
        self.at(
            self.now + TIMINGS.send_limit_s,
            lambda: self._on(node, lambda: give_up() if node.writing and node.head == previous else None),
        )

    def _finish(self, node: Node) -> None:
        if node.stopping and not node.writing:
            node.stopping = False
            self._deliver(node, facts.JournalStopped())


def carry_out(store: StoreModel, step: Step, now: float) -> Reply:
    """Do at the store what a step says."""
    match step:
        case steps.RequestLease(ttl_s):
            return store.grant_lease(ttl_s, now)
        case steps.RenewLease(lease_id):
            return store.renew_lease(lease_id, now)
        case steps.LookAtStore():
            return store.look(now)
        case steps.WriteRecord(record, lease_id):
            store.write_record(record, lease_id, now)
            return None
        case steps.AcquireLeadership(me, lease_id, seen_epoch):
            return store.acquire(me, lease_id, seen_epoch, now)
        case steps.ReleaseLeadership(leadership):
            store.release(leadership, now)
            return None
        case _:
            raise AssertionError(step)


def fact_of(step: Step, result: Reply, sent_at: float) -> facts.Fact:
    """The fact that tells a manager how a request ended."""
    match step, result:
        case steps.RenewLease(lease_id), LeaseUnknownError():
            return facts.LeaseLost(lease_id)
        case ((steps.WriteRecord(_, lease_id) | steps.AcquireLeadership(_, lease_id, _)), LeaseUnknownError()):
            return facts.LeaseLost(lease_id)
        case _, StoreError():
            return facts.StoreSilent(REQUEST_OF[type(step)])
        case steps.RequestLease(), Grant(lease_id, ttl_s):
            return facts.LeaseGranted(lease_id, ttl_s, sent_at)
        case steps.RenewLease(), Grant(lease_id, ttl_s):
            return facts.LeaseKept(lease_id, ttl_s, sent_at)
        case steps.LookAtStore(), Picture() as picture:
            return facts.StoreSeen(picture, sent_at)
        case steps.WriteRecord(), _:
            return facts.RecordWritten()
        case steps.AcquireLeadership(), None:
            return facts.LeadershipRefused()
        case steps.AcquireLeadership(), (leadership, head):
            return facts.LeadershipGranted(leadership, head)
        case _:
            return facts.LeadershipReleased()
