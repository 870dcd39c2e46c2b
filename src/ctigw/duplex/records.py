"""What the two sides of a pair know of each other, as values.

Knows identities (side A, side B), roles and what the store says about them. Must not know how the store keeps it, nor
who decides. Rules: design 3 (roles are never mixed up with identities), decisions F2 (versions), engineering G2, G3.
"""

import enum
import re
from typing import Self

import attrs


class Side(enum.Enum):
    """Identity: configured, never changes."""

    A = "A"
    B = "B"

    @property
    def other(self) -> "Side":
        """The partner."""
        return Side.B if self is Side.A else Side.A


class Role(enum.Enum):
    """What a side is doing; the value is the label of `ctigw_duplex_role` (decisions G3)."""

    ACTIVE = "active"
    STANDBY = "standby"
    OFFLINE = "offline"
    """Neither acts nor follows: not started, without the store, unfit, or of an older version."""


@attrs.frozen
class Identity:
    """Who this process is."""

    side: Side
    instance: str
    """Different for every process that ever ran, so that two daemons configured as one side are noticed."""
    version: str
    """Of the gateway: an older one does not follow a newer journal (decisions F2)."""


@attrs.frozen(order=True)
class Head:
    """The last batch of the journal; sequences are from 1, without gaps. 0: there is none."""

    sequence: int = 0
    epoch: int = 0
    """Epoch of the side that wrote it."""


@attrs.frozen
class Leadership:
    """Proof of being the active side, as the store judges it: a batch is taken only from whoever still holds it."""

    epoch: int
    """Grows with every takeover, never used twice."""
    revision: int
    """When the leadership key was made, in the store's own count; the key dies with the lease."""
    lease_id: int


@attrs.frozen
class LeaderRecord:
    """Whoever holds the leadership at the moment."""

    identity: Identity
    leadership: Leadership


@attrs.frozen
class Predecessor:
    """Whoever led last, whether or not it still does; survives its lease."""

    epoch: int = 0
    side: Side | None = None
    version: str = ""


@attrs.frozen
class SideRecord:
    """What a side says of itself; gone with its lease."""

    identity: Identity
    fit: bool
    draining: bool
    applied: int
    """Sequence of the last batch in its engine."""


@attrs.frozen
class Picture:
    """The pair as the store showed it at one moment."""

    revision: int
    leader: LeaderRecord | None
    predecessor: Predecessor
    sides: tuple[SideRecord, ...]
    head: Head

    def record_of(self, side: Side) -> SideRecord | None:
        """What a side says of itself; None when no process of that side holds a lease."""
        return next((record for record in self.sides if record.identity.side is side), None)


@attrs.frozen(order=True)
class _Release:
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, version: str) -> Self:
        """Leading numbers only: 0.2.0rc1 counts as 0.2.0, because its journal does."""
        found = re.match(r"\d+(\.\d+)*", version)
        return cls(tuple(int(number) for number in found[0].split(".")) if found else ())


def is_older(version: str, than: str) -> bool:
    """Whether a version must not follow a journal written by the other (decisions F2)."""
    return _Release.of(version) < _Release.of(than)
