"""What the failover manager is told.

Knows no store and no clock: times are those of the caller's monotonic clock, and a fact about a request carries when
that request was sent. Every request step is answered by its fact or by `StoreSilent`. Rules: engineering A, G.
"""

import enum

import attrs

from ctigw.duplex.records import Head, Leadership, Picture


class Request(enum.Enum):
    """What is asked of the store."""

    LEASE = "lease"
    RENEWAL = "renewal"
    LOOK = "look"
    RECORD = "record"
    ACQUISITION = "acquisition"
    RELEASE = "release"


@attrs.frozen
class Started:
    """The configuration is read and the process ready to follow."""


@attrs.frozen
class StoreSilent:
    """A request got no usable answer within its limit. Whether it was carried out is not known."""

    request: Request


@attrs.frozen
class LeaseGranted:
    """Answers RequestLease."""

    lease_id: int
    ttl_s: float
    sent_at: float


@attrs.frozen
class LeaseKept:
    """Answers RenewLease."""

    lease_id: int
    ttl_s: float
    sent_at: float


@attrs.frozen
class LeaseLost:
    """The store does not know the lease (any more)."""

    lease_id: int


@attrs.frozen
class StoreSeen:
    """Answers LookAtStore."""

    picture: Picture
    sent_at: float


@attrs.frozen
class RecordWritten:
    """Answers WriteRecord."""


@attrs.frozen
class LeadershipGranted:
    """Answers AcquireLeadership: it is ours, and nobody else adds to the journal from now on."""

    leadership: Leadership
    head: Head
    """End of the journal at that moment, which must be applied before this side acts."""


@attrs.frozen
class LeadershipRefused:
    """Answers AcquireLeadership: somebody else was faster."""


@attrs.frozen
class LeadershipReleased:
    """Answers ReleaseLeadership: it is not ours any more."""


@attrs.frozen
class Fenced:
    """The store refused a batch of ours: the leadership of that epoch is over."""

    epoch: int


@attrs.frozen
class JournalApplied:
    """The engine has everything up to that batch. After a step down that was not orderly the manager counts from 0."""

    sequence: int


@attrs.frozen
class JournalStopped:
    """Answers StepDown where the reason asks for it: the last batch is durable, none follows."""


@attrs.frozen
class Fitness:
    """Whether this side could act at all: its engine, its journal. A full journal is no lack of fitness."""

    fit: bool
    why: str = ""


@attrs.frozen
class SwitchoverAsked:
    """The operator wants the other side to act."""


@attrs.frozen
class DrainAsked:
    """The operator wants this side out of service, as soon as another can take over."""


@attrs.frozen
class ResumeAsked:
    """The operator takes a drain back."""


@attrs.frozen
class HandoverAnswered:
    """Answers AskClients: all agreed, or one did not or was silent (semantics 7.3)."""

    agreed: bool
    why: str = ""


@attrs.frozen
class StopAsked:
    """The process is to end."""


Fact = (
    Started
    | StoreSilent
    | LeaseGranted
    | LeaseKept
    | LeaseLost
    | StoreSeen
    | RecordWritten
    | LeadershipGranted
    | LeadershipRefused
    | LeadershipReleased
    | Fenced
    | JournalApplied
    | JournalStopped
    | Fitness
    | SwitchoverAsked
    | DrainAsked
    | ResumeAsked
    | HandoverAnswered
    | StopAsked
)
