"""Which session is the one connection of a PIM.

Knows sessions by what they can do here; must not know protocols. Shared by all sessions of one factory; an entry is
given back when its session ends. Rule: decisions D1, mr-wire (g) 2 (a new connection wins if the old one has been
silent for a heartbeat interval).
"""

from typing import NamedTuple, Protocol

from ctigw.session.session import Session


class Pim(NamedTuple):
    """What tells PIMs apart."""

    peripheral_id: int | None
    side: str


class PimSession(Session, Protocol):
    """A session that is some PIM's connection."""

    def is_silent(self, now: float) -> bool:
        """Whether nothing came for a heartbeat interval."""

    def replace(self, now: float) -> None:
        """A new connection of the same PIM takes over: end."""


class PimRegistry:
    """The connection of each PIM."""

    def __init__(self) -> None:
        self._sessions: dict[Pim, PimSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def is_taken(self, pim: Pim, now: float) -> bool:
        """Whether the PIM has a connection that is not silent."""
        session = self._sessions.get(pim)
        return session is not None and not session.is_silent(now)

    def claim(self, pim: Pim, owner: PimSession, now: float) -> Session | None:
        """Make `owner` the PIM's connection; the session that it replaced."""
        previous = self._sessions.get(pim)
        if previous is not None:
            previous.replace(now)  # gives its entry back
        self._sessions[pim] = owner
        return previous

    def release(self, pim: Pim, owner: PimSession) -> None:
        """Forget `owner`, unless another one has taken over."""
        if self._sessions.get(pim) is owner:
            del self._sessions[pim]
