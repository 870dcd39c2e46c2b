"""Which side acts: one decision loop, facts and `now` in, steps and one sentence out.

Knows facts, the picture of the pair, its lease and its timings. Must not know the store's protocol, clients, journal
contents, any clock. Rules: issue of the pair, semantics 7.3 to 7.5 (no fail-back), decisions F2, engineering 1.6
(patroni's sentence), 5.10, G1 to G6.

Theory. The store gives the leadership to one side, in one transaction, under that side's lease, with an epoch above
all earlier ones; both sides asking at once is settled there and nowhere else. Whoever has it first applies the journal
to its end, which nobody can extend any more, and then acts. Whether it may act is never stored: `may_act` asks the
clock at each use and counts from when the last answered renewal was sent. Before that time runs out the side has
stepped down on its own (`PairTimings.silence_s`), so the last thing it does is still covered. What the clock cannot see
(a suspended machine, a batch that was long under way) the epoch makes harmless: the store takes none under an old one.
"""

import enum

from ctigw.config.timings import PairTimings
from ctigw.duplex import facts, steps
from ctigw.duplex.facts import Fact, Request
from ctigw.duplex.judgement import other_is_ahead, other_not_ready, outdated, twice, who_leads
from ctigw.duplex.lease import Lease
from ctigw.duplex.records import Head, Identity, Leadership, Picture, Predecessor, Role, SideRecord
from ctigw.duplex.steps import Decision, Step, StepDownReason, TakeoverReason
from ctigw.duplex.upkeep import Upkeep

ANSWER_LIMIT_S = 10.0
"""Clients have 5 s to answer a planned handover (semantics 7.3); the gateway gets as much again to ask them [OURS]."""

WARNING_INTERVAL_S = 60.0
"""Between two warnings that this side acts without the store (issue of the pair: loudly)."""


class Phase(enum.Enum):
    """Where a side stands; the role that others see follows from it."""

    OFFLINE = enum.auto()
    STANDBY = enum.auto()
    TAKING_OVER = enum.auto()
    """The leadership is ours; the journal is not applied to its end yet."""
    ACTIVE = enum.auto()
    ASKING = enum.auto()
    """Active; clients are asked about a planned handover."""
    STOPPING = enum.auto()
    """Stopped acting in an orderly way; the last batch is on its way."""
    RELEASING = enum.auto()
    """All is durable; the leadership is being given back."""
    ENDED = enum.auto()


ROLES = {Phase.OFFLINE: Role.OFFLINE, Phase.ENDED: Role.OFFLINE, Phase.ACTIVE: Role.ACTIVE, Phase.ASKING: Role.ACTIVE}
"""Every other phase is a standby to the outside."""

ACTING = frozenset({Phase.ACTIVE, Phase.ASKING})
LEADING = ACTING | {Phase.TAKING_OVER, Phase.STOPPING, Phase.RELEASING}


class FailoverManager:
    """One side. Every method takes `now`, seconds of the monotonic clock; time that goes back is not believed."""

    def __init__(self, me: Identity, timings: PairTimings, *, stay_active: bool = False) -> None:
        """`stay_active`: on_store_loss of the configuration; then two sides may act at once while the store is lost."""
        self._me = me
        self._timings = timings
        self._stay_active = stay_active
        self._upkeep = Upkeep(timings)
        self._now = float("-inf")
        self._phase = Phase.OFFLINE
        self._role = Role.OFFLINE
        self._why = "not started"
        self._started = False
        self._lease: Lease | None = None
        self._leadership: Leadership | None = None
        self._given_up_epoch = 0
        self._owed: list[int] = []
        """Leases to give back as soon as the store answers."""
        self._picture: Picture | None = None
        self._looked_at = float("-inf")
        self._before = Predecessor()
        """Who led before the leadership that was asked for last."""
        self._end = Head()
        """End of the journal when the leadership became ours."""
        self._applied = 0
        self._unfit = ""
        self._draining = False
        self._ending = False
        self._hold_off_until = float("-inf")
        self._leaderless_since: float | None = None
        self._limit = float("inf")
        """When waiting for clients, or for the last batch, ends."""
        self._warn_at: float | None = None
        """Not None: acting without the store."""
        self._steps: list[Step] = []

    # What others ask

    @property
    def role(self) -> Role:
        """What this side is doing; for status and metrics, never for deciding whether to act: that is `may_act`."""
        return self._role

    @property
    def why(self) -> str:
        """The sentence of the last decision."""
        return self._why

    @property
    def leadership(self) -> Leadership | None:
        """What guards our batches; None when there is none."""
        return self._leadership

    def may_act(self, now: float) -> bool:
        """Whether an effect may leave at this moment."""
        if self._phase not in ACTING or self._leadership is None:
            return False
        if self._warn_at is not None:
            return True
        return self._lease is not None and now < self._lease.ends_at(self._timings)

    def next_deadline(self) -> float | None:
        """When `handle_deadline` wants to be called."""
        times = [*self._upkeep.times(self._lease), self._limit, self._hold_off_until]
        if self._lease is not None:
            times += [self._lease.silent_at(self._timings), self._lease.ends_at(self._timings)]
        if self._leaderless_since is not None:
            times.append(self._leaderless_since + self._timings.lease_s)
        if self._warn_at is not None:
            times.append(self._warn_at)
        ahead = [time for time in times if self._now < time < float("inf")]
        return min(ahead) if ahead and self._started and self._phase is not Phase.ENDED else None

    def receive(self, fact: Fact, now: float) -> Decision:
        """Take a fact; the steps are to be done in order."""
        self._now = max(self._now, now)
        self._take(fact)
        return self._decision()

    def handle_deadline(self, now: float) -> Decision:
        """Time has passed."""
        self._now = max(self._now, now)
        return self._decision()

    # Facts

    def _take(self, fact: Fact) -> None:
        match fact:
            case facts.Started():
                self._started = True
                self._why = "waits for the store"
            case facts.StoreSilent(request):
                self._upkeep.silent(request)
            case facts.LeaseGranted() | facts.LeaseKept() | facts.LeaseLost():
                self._take_lease(fact)
            case facts.StoreSeen(picture, sent_at):
                self._take_picture(picture, sent_at)
            case facts.RecordWritten():
                self._upkeep.answered(Request.RECORD)
            case facts.LeadershipGranted(leadership, head):
                self._upkeep.answered(Request.ACQUISITION)
                self._take_leadership(leadership, head)
            case facts.LeadershipRefused():
                self._upkeep.answered(Request.ACQUISITION)
                self._upkeep.look_now()
            case facts.LeadershipReleased():
                self._take_release()
            case facts.Fenced(epoch):
                if self._leadership is not None and epoch == self._leadership.epoch:
                    self._lose(StepDownReason.LEADERSHIP_LOST, f"the store refused a batch of epoch {epoch}")
            case facts.JournalApplied(sequence):
                self._applied = sequence
            case facts.JournalStopped():
                if self._phase is Phase.STOPPING:
                    self._enter(Phase.RELEASING, "everything is durable: gives the leadership back")
            case facts.Fitness(fit, why):
                self._unfit = "" if fit else why or "not fit to act"
            case _:
                self._take_wish(fact)

    def _take_wish(self, fact: Fact) -> None:
        """What operator and clients want."""
        match fact:
            case facts.SwitchoverAsked():
                self._answer(self._ask_clients())
            case facts.DrainAsked():
                self._draining = True
                refusal = self._ask_clients() if self._phase in ACTING else None
                accepted = f"goes on until then: {refusal}" if refusal else None
                self._steps.append(steps.AnswerOperator(True, accepted or self._why))
            case facts.ResumeAsked():
                self._draining = False
                if self._phase is Phase.ASKING:
                    self._cancel("the operator took it back")
                self._steps.append(steps.AnswerOperator(True, self._why))
            case facts.HandoverAnswered(agreed, why):
                if self._phase is Phase.ASKING:
                    self._take_clients_answer(agreed, why)
            case facts.StopAsked():
                self._ending = True
            case _:
                raise TypeError(f"no fact: {fact!r}")

    def _take_lease(self, fact: facts.LeaseGranted | facts.LeaseKept | facts.LeaseLost) -> None:
        ours = self._lease is not None and self._lease.lease_id == fact.lease_id
        match fact:
            case facts.LeaseGranted(lease_id, ttl_s, sent_at):
                self._upkeep.answered(Request.LEASE)
                if self._lease is not None or self._phase is Phase.ENDED:
                    self._steps.append(steps.DropLease(lease_id))
                    return
                self._lease = Lease.granted(lease_id, ttl_s, sent_at, self._timings)
                self._upkeep.lease_came(self._now)
                self._steps += [steps.DropLease(owed) for owed in self._owed]
                self._owed.clear()
            case facts.LeaseKept(_, ttl_s, sent_at):
                if ours and self._lease is not None:
                    self._lease = self._lease.renewed(ttl_s, sent_at, self._timings)
            case facts.LeaseLost():
                if ours:
                    self._lease = None
                    self._upkeep.lease_gone()
                    self._upkeep.look_now()
                    if not (self._stay_active and self._phase in ACTING):
                        self._lose(StepDownReason.LEASE_LOST, "the store does not know the lease any more")

    def _take_picture(self, picture: Picture, sent_at: float) -> None:
        self._upkeep.answered(Request.LOOK)
        if sent_at < self._looked_at:
            return
        self._picture, self._looked_at = picture, sent_at
        if picture.leader is not None:
            self._leaderless_since = None
            if picture.leader.identity.side is not self._me.side:
                self._hold_off_until = float("-inf")
        elif self._leaderless_since is None:
            self._leaderless_since = self._now

    def _take_leadership(self, leadership: Leadership, head: Head) -> None:
        if self._lease is None or self._lease.lease_id != leadership.lease_id:
            return  # It hangs on a lease that was given up, and goes with it.
        if self._phase in ACTING and self._warn_at is not None:
            if head.sequence != self._applied:
                self._lose(StepDownReason.LEADERSHIP_LOST, "somebody added to the journal while the store was lost")
                return
            self._leadership, self._warn_at = leadership, None
            self._steps.append(steps.BecomeActive(leadership, TakeoverReason.AGAIN))
            self._why = f"active again under epoch {leadership.epoch}: the store is back, nobody led meanwhile"
        elif self._phase is Phase.STANDBY:
            self._leadership, self._end = leadership, head
            self._enter(Phase.TAKING_OVER, f"has epoch {leadership.epoch}, applies the journal up to {head.sequence}")
        elif self._phase not in LEADING:
            self._drop_lease()

    def _take_release(self) -> None:
        self._upkeep.answered(Request.RELEASE)
        if self._phase is not Phase.RELEASING:
            return
        self._forget_leadership()
        self._hold_off_until = self._now + self._timings.lease_s
        self._upkeep.look_now()
        self._steps.append(steps.FollowJournal())
        self._enter(Phase.STANDBY, f"handed over to side {self._me.side.other.value}")

    def _take_clients_answer(self, agreed: bool, why: str) -> None:
        refusal = other_not_ready(self._me, self._picture, self._applied) if agreed else f"clients did not agree: {why}"
        if refusal is not None:
            self._cancel(refusal)
            return
        self._stop_acting(StepDownReason.HANDOVER, f"hands over to side {self._me.side.other.value}")

    # Rules, in order, after every fact

    def _decision(self) -> Decision:
        if self._started and self._phase is not Phase.ENDED:
            self._judge_silence()
            self._judge_fitness()
            before = None
            while before is not self._phase:
                before = self._phase
                self._judge_phase()
            self._steps += self._upkeep.due(self._now, self._lease, self._record(), often=self._phase not in ACTING)
        made, self._steps = tuple(self._steps), []
        return Decision(made, self._why)

    def _judge_silence(self) -> None:
        lease = self._lease
        silent = lease is not None and self._now >= lease.silent_at(self._timings)
        if self._stay_active and self._phase in ACTING:
            if silent or lease is None:
                self._go_on_without_store()
            elif self._warn_at is not None and not self._lost_leadership():
                self._go_on_with_store()
        elif silent:
            self._lose(StepDownReason.STORE_SILENT, f"no answer from the store for {self._timings.silence_s:g} s")

    def _go_on_without_store(self) -> None:
        if self._warn_at is None or self._now >= self._warn_at:
            self._warn_at = self._now + WARNING_INTERVAL_S
            self._why = 'acts without the store (on_store_loss = "stay_active"): the other side may act too'
            self._steps.append(steps.Warn(self._why))

    def _go_on_with_store(self) -> None:
        """The lease is alive. The leadership may hang on an older one: then it has to be acquired anew."""
        if self._lease is not None and self._leadership is not None:
            if self._leadership.lease_id == self._lease.lease_id:
                self._warn_at = None
                self._why = "active, the store answers again"
            elif self._may_ask() is None and self._upkeep.ask(Request.ACQUISITION, self._now):
                self._acquire(self._lease)

    def _judge_fitness(self) -> None:
        problem = self._unfit or outdated(self._me, self._picture) or twice(self._me, self._picture)
        if self._ending:
            if self._phase in ACTING:
                self._stop_acting(StepDownReason.STOP, "the process is to end: stops acting")
            elif self._phase not in (Phase.STOPPING, Phase.RELEASING):
                self._drop_lease()
                self._enter(Phase.ENDED, "ended")
        elif problem and self._phase is not Phase.OFFLINE:
            self._lose(StepDownReason.UNFIT, problem)
        elif problem:
            self._why = problem

    def _judge_phase(self) -> None:
        match self._phase:
            case Phase.OFFLINE:
                if self._may_follow():
                    self._steps.append(steps.FollowJournal())
                    self._enter(Phase.STANDBY, "follows the journal")
            case Phase.STANDBY:
                self._judge_standby()
            case Phase.TAKING_OVER:
                self._judge_takeover()
            case Phase.ACTIVE:
                if self._lost_leadership():
                    self._lose(StepDownReason.LEADERSHIP_LOST, who_leads(self._picture))
                elif self._draining and other_not_ready(self._me, self._picture, self._applied) is None:
                    self._ask_clients()
            case Phase.ASKING:
                if self._lost_leadership():
                    self._lose(StepDownReason.LEADERSHIP_LOST, who_leads(self._picture))
                elif self._now >= self._limit:
                    self._cancel("clients did not answer in time")
            case Phase.STOPPING:
                if self._now >= self._limit:
                    self._lose(StepDownReason.STORE_SILENT, "the last batch took too long to become durable")
            case Phase.RELEASING:
                self._release()

    def _judge_standby(self) -> None:
        leader = self._picture.leader if self._picture is not None else None
        lease = self._lease
        if lease is not None and leader is not None and leader.leadership.lease_id == lease.lease_id:
            # The answer to our acquisition was lost, the acquisition was not.
            if leader.leadership.epoch > self._given_up_epoch and self._picture is not None:
                self._take_leadership(leader.leadership, self._picture.head)
            return
        refusal = self._may_ask()
        if refusal is not None:
            self._why = refusal
        elif lease is not None and self._upkeep.ask(Request.ACQUISITION, self._now):
            self._why = "nobody leads: asks for the leadership"
            self._acquire(lease)

    def _judge_takeover(self) -> None:
        if self._lost_leadership():
            self._lose(StepDownReason.LEADERSHIP_LOST, who_leads(self._picture))
        elif self._applied > self._end.sequence:
            self._unfit = (
                f"the store ends at batch {self._end.sequence}, this side has applied {self._applied}: it has lost "
                "data (a backup brought back?)"
            )
            self._lose(StepDownReason.UNFIT, self._unfit)
        elif self._applied == self._end.sequence and self._leadership is not None:
            reason = self._takeover_reason()
            self._steps.append(steps.BecomeActive(self._leadership, reason))
            self._enter(Phase.ACTIVE, f"active under epoch {self._leadership.epoch} ({reason.value})")

    # Judgements; a text is a reason why not

    def _may_follow(self) -> bool:
        fit = not (self._unfit or outdated(self._me, self._picture) or twice(self._me, self._picture))
        return self._lease is not None and self._picture is not None and fit

    def _may_ask(self) -> str | None:
        """Why this side does not ask for the leadership; None when it may."""
        picture, timings = self._picture, self._timings
        if self._lease is None or self._now >= self._lease.silent_at(timings) or picture is None:
            return "has no lease"
        if self._now >= self._looked_at + timings.silence_s:
            return "has not seen the store lately"
        if picture.leader is not None:
            return f"follows side {picture.leader.identity.side.value}, epoch {picture.leader.leadership.epoch}"
        if self._draining:
            return "drained: does not take over until it is resumed"
        if self._now < self._hold_off_until:
            return "handed over: leaves the leadership to the other side"
        patience_ends = (self._leaderless_since or self._now) + timings.lease_s
        if self._now < patience_ends and other_is_ahead(self._me, picture, self._applied):
            return "lags behind: leaves the leadership to the other side"
        return None

    def _lost_leadership(self) -> bool:
        """Whether the store has shown that the leadership is not ours, later than it was granted."""
        picture, leadership = self._picture, self._leadership
        if picture is None or leadership is None or picture.revision < leadership.revision:
            return False
        if picture.leader is None:
            return self._warn_at is None
        return picture.leader.leadership.epoch != leadership.epoch

    def _takeover_reason(self) -> TakeoverReason:
        if self._before.side is None:
            return TakeoverReason.FIRST
        return TakeoverReason.AGAIN if self._before.side is self._me.side else TakeoverReason.TAKEOVER

    def _record(self) -> SideRecord | None:
        """What the other side may know; a process that is not alone as its side writes nothing."""
        if twice(self._me, self._picture) or self._picture is None or self._phase is Phase.ENDED:
            return None
        fit = not (self._unfit or outdated(self._me, self._picture))
        return SideRecord(self._me, fit=fit, draining=self._draining or self._ending, applied=self._applied)

    # Changes

    def _enter(self, phase: Phase, why: str) -> None:
        self._phase, self._why = phase, why
        if phase not in (Phase.ASKING, Phase.STOPPING):
            self._limit = float("inf")
        role = ROLES.get(phase, Role.STANDBY)
        if role is not self._role:
            self._role = role
            self._steps.append(steps.TellClients(role))

    def _acquire(self, lease: Lease) -> None:
        self._before = self._picture.predecessor if self._picture is not None else Predecessor()
        self._steps.append(steps.AcquireLeadership(self._me, lease.lease_id, self._before.epoch))

    def _release(self) -> None:
        if self._ending:
            self._drop_lease()
            self._enter(Phase.ENDED, "ended: the leadership is free")
        elif self._leadership is not None and self._upkeep.ask(Request.RELEASE, self._now):
            self._steps.append(steps.ReleaseLeadership(self._leadership))

    def _ask_clients(self) -> str | None:
        """Begin a planned handover; otherwise say why not."""
        if self._phase is not Phase.ACTIVE:
            return f"this side does not act: {self._why}"
        refusal = other_not_ready(self._me, self._picture, self._applied) or (
            "acts without the store" if self._warn_at is not None else None
        )
        if refusal is None:
            self._limit = self._now + ANSWER_LIMIT_S
            self._steps.append(steps.AskClients())
            self._enter(Phase.ASKING, f"asks clients about a handover to side {self._me.side.other.value}")
        return refusal

    def _answer(self, refusal: str | None) -> None:
        self._steps.append(steps.AnswerOperator(refusal is None, refusal or self._why))

    def _cancel(self, why: str) -> None:
        self._draining = False  # Else it would ask again at once; whoever drains reads the answer and asks again.
        self._steps.append(steps.HandoverCancelled())
        self._enter(Phase.ACTIVE, f"stays active: {why}")

    def _stop_acting(self, reason: StepDownReason, why: str) -> None:
        """In an orderly way: what is under way becomes durable first."""
        self._steps.append(steps.StepDown(reason))
        self._enter(Phase.STOPPING, why)
        self._limit = self._now + self._timings.lease_s

    def _lose(self, reason: StepDownReason, why: str) -> None:
        """Stop acting at once, whatever is under way; begin anew with another lease and another epoch."""
        if self._phase in LEADING:
            self._steps.append(steps.StepDown(reason))
            self._applied = 0
        self._drop_lease()
        self._enter(Phase.OFFLINE, f"offline: {why}")

    def _drop_lease(self) -> None:
        """Give it back now, and once more when the store answers again: it may not hear the first time."""
        self._forget_leadership()
        if self._lease is not None:
            self._steps.append(steps.DropLease(self._lease.lease_id))
            self._owed = [*self._owed[-1:], self._lease.lease_id]
        self._lease = None
        self._upkeep.lease_gone()

    def _forget_leadership(self) -> None:
        if self._leadership is not None:
            self._given_up_epoch = max(self._given_up_epoch, self._leadership.epoch)
        self._leadership, self._warn_at = None, None
