"""How many tasks an agent may have in a domain, and who may change it.

Knows MaxTaskLimit, up to which the router assigns, MaxBeyondTaskLimit, up to which an application may go on beyond it,
and leave for single tasks beyond both (semantics 3.3, decisions C6); must not know tasks. A limit below what the agent
has ends nothing, it only stops assignment.
"""

from ctigw.routing import inputs
from ctigw.routing.admission import in_charge
from ctigw.routing.facts import AgentLimitsSet, LimitOverrideGranted
from ctigw.routing.terms import (
    ReportKind,
    ReportStatus,
)
from ctigw.routing.turn import Turn

TASK_LIMITS = range(1, 1001)
"""MaxTaskLimit (decisions C6)."""
BEYOND_LIMITS = range(1001)
"""MaxBeyondTaskLimit, bounded as the limit itself is: what an agent holds takes memory. [OURS]"""
MOST_OVERRIDES = 10
"""Leaves for one task that an agent may have open in a domain; an application asks for one at a time. [OURS]"""


def are_limits(max_task_limit: int, max_beyond_task_limit: int) -> bool:
    """Whether both are within what is allowed; else the status is 34."""
    return max_task_limit in TASK_LIMITS and max_beyond_task_limit in BEYOND_LIMITS


def change_limit(turn: Turn, item: inputs.ChangeMaxTaskLimit) -> None:
    """CHANGE_MAX_TASK_LIMIT_REQ: a limit beyond that is not named stays."""
    kind = ReportKind.CHANGE_MAX_TASK_LIMIT
    domain = in_charge(turn, item, kind)
    if domain is None:
        return
    named = item.max_beyond_task_limit
    beyond = domain.max_beyond_task_limit if named is None else named
    if not are_limits(item.max_task_limit, beyond):
        turn.answer(item.origin, kind, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED)
        return
    if (item.max_task_limit, beyond) != (domain.max_task_limit, domain.max_beyond_task_limit):
        session = domain.session_id
        turn.record(AgentLimitsSet(item.mrd_id, item.skill_target_id, session, item.max_task_limit, beyond))
    turn.answer(item.origin, kind, ReportStatus.NO_ERROR)


def override(turn: Turn, item: inputs.OverrideLimit) -> None:
    """OVERRIDE_LIMIT_REQ: the next application task may go beyond the limits; it uses the leave up. [OURS]"""
    domain = in_charge(turn, item, ReportKind.OVERRIDE_LIMIT)
    if domain is None:
        return
    if domain.overrides >= MOST_OVERRIDES:
        turn.answer(item.origin, ReportKind.OVERRIDE_LIMIT, ReportStatus.PERFORMANCE_LIMIT_EXCEEDED)
        return
    turn.record(LimitOverrideGranted(item.mrd_id, item.skill_target_id))
    turn.answer(item.origin, ReportKind.OVERRIDE_LIMIT, ReportStatus.NO_ERROR)
