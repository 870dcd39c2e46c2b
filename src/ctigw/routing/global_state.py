"""SET_AGENT_STATE_REQ: one request for an agent as a whole.

Knows which states a client may ask for and what they mean for an agent who has a state in each media routing domain.
Must not know messages. Rules: semantics 2.3 (who may sign out from which state), 2.6 (reason codes), cti.toml
SET_AGENT_STATE_REQ.

[OURS] The request names no domain. It acts on every domain where the agent is signed in and the application path is
up; what the path's loss has set aside waits for a sign-in (semantics 2.4), unless a logout is forced. NOT_READY takes
the reason; AVAILABLE or NOT_ACTIVE makes ready and routable; LOGOUT signs out of all domains, from NOT_READY only or,
forced, from any state, and open tasks end with 40. LOGIN needs MEDIA_LOGIN_REQ, which names domain and limit; the WORK
states follow from tasks and cannot be set. All or nothing: a request that fails has changed nothing. Whoever has the
service may force, because such a client speaks for supervisors too.
"""

from ctigw.routing.agents import agent_state
from ctigw.routing.events import ControlAnswered
from ctigw.routing.facts import AgentReadinessSet
from ctigw.routing.inputs import SetAgentState
from ctigw.routing.reports import AGENT_LOGGED_OUT, end_login, set_routable
from ctigw.routing.state import AgentDomain
from ctigw.routing.terms import AgentState, ControlFailure
from ctigw.routing.turn import Turn

WORK_MODES = range(5)
"""AgentWorkMode (cti.toml agent_work_mode); how a telephone takes calls, so that all of them are the same here."""
READY = (AgentState.AVAILABLE, AgentState.NOT_ACTIVE)
NOT_TO_BE_SET = (AgentState.WORK_NOT_READY, AgentState.WORK_READY)
LOGGED_OUT_BY_SUPERVISOR = 999
"""Reason of a forced logout that gives none (semantics 2.6)."""


def set_agent_state(turn: Turn, item: SetAgentState) -> None:
    """Carry a request out or say why not."""
    turn.tell(ControlAnswered(item.origin, _carry_out(turn, item)))


def _carry_out(turn: Turn, item: SetAgentState) -> ControlFailure | None:
    agent = turn.state.agents_by_number.get((item.peripheral, item.agent_number))
    if agent is None:
        return ControlFailure.INVALID_AGENT_ID_SPECIFIED
    if item.work_mode not in WORK_MODES:
        return ControlFailure.INVALID_AGENT_WORKMODE
    signed_in = [domain for domain in turn.state.domains_of.get(agent.skill_target_id, ()) if domain.signed_in]
    if item.state == AgentState.LOGIN:
        return _refused_login(signed_in)
    if item.state in NOT_TO_BE_SET:
        return ControlFailure.REQUEST_INCOMPATIBLE_WITH_OBJECT
    if item.state not in (AgentState.LOGOUT, AgentState.NOT_READY, *READY):
        return ControlFailure.VALUE_OUT_OF_RANGE
    if item.state == AgentState.LOGOUT:
        return _log_out(turn, item, signed_in)
    return _set_readiness(turn, item, [domain for domain in signed_in if not domain.set_aside])


def _refused_login(signed_in: list[AgentDomain]) -> ControlFailure:
    if signed_in:
        return ControlFailure.SPECIFIED_AGENT_ALREADY_SIGNED_ON
    return ControlFailure.REQUEST_INCOMPATIBLE_WITH_OBJECT


def _log_out(turn: Turn, item: SetAgentState, signed_in: list[AgentDomain]) -> ControlFailure | None:
    if not signed_in:
        return ControlFailure.INVALID_OBJECT_STATE
    if not item.forced and any(agent_state(domain) is not AgentState.NOT_READY for domain in signed_in):
        return ControlFailure.INVALID_OBJECT_STATE
    reason = item.reason_code or (LOGGED_OUT_BY_SUPERVISOR if item.forced else 0)
    for domain in signed_in:
        end_login(turn, domain, AGENT_LOGGED_OUT, reason_code=reason)
    return None


def _set_readiness(turn: Turn, item: SetAgentState, domains: list[AgentDomain]) -> ControlFailure | None:
    if not domains:
        return ControlFailure.INVALID_OBJECT_STATE
    ready = item.state in READY
    for domain in domains:
        reason = 0 if ready else item.reason_code
        if (domain.ready, domain.reason_code) != (ready, reason):
            turn.record(AgentReadinessSet(domain.mrd.id, domain.agent.skill_target_id, ready, reason))
        if ready:
            set_routable(turn, domain)
    return None
