"""What the failover manager wants done, in this order.

Knows no store and no client. Steps that ask the store are answered by a fact (`facts`) within the send limit.
"""

import enum

import attrs

from ctigw.duplex.records import Identity, Leadership, Role, SideRecord


class StepDownReason(enum.Enum):
    """Why a side stops acting; the value is the label of `ctigw_failovers_total`."""

    HANDOVER = "handover"
    STOP = "stop"
    STORE_SILENT = "store_silent"
    LEASE_LOST = "lease_lost"
    LEADERSHIP_LOST = "leadership_lost"
    UNFIT = "unfit"

    @property
    def orderly(self) -> bool:
        """Whether batches under way may still become durable, so that the engine keeps its state; JournalStopped
        answers. Otherwise what is not durable never happened: the engine begins anew from the journal (decisions F4).
        """
        return self in (StepDownReason.HANDOVER, StepDownReason.STOP)


class TakeoverReason(enum.Enum):
    """Why a side begins to act."""

    FIRST = "first"
    """Nobody ever led this pair."""
    AGAIN = "again"
    """This side led last."""
    TAKEOVER = "takeover"
    """The other side led last; it handed over or is gone."""


@attrs.frozen
class RequestLease:
    """A new lease, answered by LeaseGranted."""

    ttl_s: int


@attrs.frozen
class RenewLease:
    """Answered by LeaseKept or LeaseLost."""

    lease_id: int


@attrs.frozen
class DropLease:
    """Give the lease back, and with it all that hangs on it; not answered."""

    lease_id: int


@attrs.frozen
class LookAtStore:
    """Answered by StoreSeen."""


@attrs.frozen
class WriteRecord:
    """Under the lease; answered by RecordWritten."""

    record: SideRecord
    lease_id: int


@attrs.frozen
class AcquireLeadership:
    """If nobody has it; under the lease, with the epoch after the seen one. LeadershipGranted or LeadershipRefused."""

    me: Identity
    lease_id: int
    seen_epoch: int


@attrs.frozen
class ReleaseLeadership:
    """If it is still ours; answered by LeadershipReleased."""

    leadership: Leadership


@attrs.frozen
class FollowJournal:
    """Apply batches as they appear, until BecomeActive; each progress is a JournalApplied."""


@attrs.frozen
class BecomeActive:
    """Act, as long as `may_act` says so, and guard every batch with this leadership."""

    leadership: Leadership
    reason: TakeoverReason


@attrs.frozen
class StepDown:
    """Stop acting, at once. `reason.orderly` says what becomes of batches under way."""

    reason: StepDownReason


@attrs.frozen
class TellClients:
    """The role has changed (decisions C8; semantics 7.3: STANDBY_ACTIVE_EVENT, FAILURE_EVENT server offline)."""

    role: Role


@attrs.frozen
class AskClients:
    """A handover is planned (semantics 7.3: 278 to 281; MR GRACEFUL_SHUTDOWN); answered by HandoverAnswered."""


@attrs.frozen
class HandoverCancelled:
    """Clients that were asked are told that nothing changes."""


@attrs.frozen
class AnswerOperator:
    """Whether what the operator asked for is under way, and why (not)."""

    accepted: bool
    why: str


@attrs.frozen
class Warn:
    """For the log, loudly."""

    text: str


Step = (
    RequestLease
    | RenewLease
    | DropLease
    | LookAtStore
    | WriteRecord
    | AcquireLeadership
    | ReleaseLeadership
    | FollowJournal
    | BecomeActive
    | StepDown
    | TellClients
    | AskClients
    | HandoverCancelled
    | AnswerOperator
    | Warn
)


@attrs.frozen
class Decision:
    """Steps, in order, and one sentence that says what this side is doing and why: for log, status and tests."""

    steps: tuple[Step, ...]
    why: str
