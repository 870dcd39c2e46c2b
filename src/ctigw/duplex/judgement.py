"""What a picture of the pair means to one side. Each answer is a reason why not, None where there is none.

Knows pictures and identities. Must not know phases, time, or what is done about it.
"""

from ctigw.duplex.records import Identity, Picture, SideRecord, is_older

HANDOVER_LAG = 500
"""Batches that the other side may lack at a planned handover: it reads them in well under a second [OURS]."""


def other_not_ready(me: Identity, picture: Picture | None, applied: int) -> str | None:
    """Why the other side could not take over now."""
    name = f"side {me.side.other.value}"
    other = _other(me, picture)
    if other is None:
        return f"{name} is not there"
    if not other.fit:
        return f"{name} is not fit to take over"
    if other.draining:
        return f"{name} is drained"
    if other.applied < applied - HANDOVER_LAG:
        return f"{name} lags {applied - other.applied} batches behind"
    return None


def other_is_ahead(me: Identity, picture: Picture, applied: int) -> bool:
    """Whether this side lacks batches and the other one, which could take over, lacks fewer."""
    other = _other(me, picture)
    if other is None or not other.fit or other.draining:
        return False
    return applied < picture.head.sequence and applied < other.applied


def outdated(me: Identity, picture: Picture | None) -> str | None:
    """Decisions F2: an older version does not follow a newer journal; both are named."""
    newest = picture.predecessor.version if picture is not None else ""
    if not is_older(me.version, newest):
        return None
    return f"version {me.version} does not follow a journal of version {newest}, which is newer"


def twice(me: Identity, picture: Picture | None) -> str | None:
    """Two processes must not be one side; one that was killed counts until its lease has run out."""
    mine = picture.record_of(me.side) if picture is not None else None
    if mine is None or mine.identity.instance == me.instance:
        return None
    return f"another process is side {me.side.value}, or was until a moment ago"


def who_leads(picture: Picture | None) -> str:
    """For sentences."""
    leader = picture.leader if picture is not None else None
    return "the store has no leader" if leader is None else f"side {leader.identity.side.value} leads"


def _other(me: Identity, picture: Picture | None) -> SideRecord | None:
    return picture.record_of(me.side.other) if picture is not None else None
