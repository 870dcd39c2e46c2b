"""Facts about agents in their domains.

Must not decide. Rules: semantics 2, decisions C6, C7, F1.
"""

from ctigw.routing import events, facts
from ctigw.routing.agents import refresh
from ctigw.routing.apply.table import applies
from ctigw.routing.deadlines import AgentKey, DeadlineKey, DeadlineKind
from ctigw.routing.state import AgentDomain, State
from ctigw.routing.terms import ModeCause


@applies(facts.AgentSignedIn)
def _signed_in(state: State, fact: facts.AgentSignedIn, now: float) -> None:
    key = AgentKey(fact.skill_target_id, fact.mrd_id)
    domain = state.domains.get(key)
    if domain is None:
        domain = AgentDomain(state.agents[fact.skill_target_id], state.mrds[fact.mrd_id])
        state.find_queues(domain)
        state.domains[key] = domain
        state.domains_of.setdefault(fact.skill_target_id, []).append(domain)
    domain.signed_in = True
    for queue, level in domain.matched:
        queue.signed_in[level] += 1
    domain.ready = False
    _mode(domain, fact.routable, ModeCause.SIGN_IN, now)
    domain.interruptible = fact.interruptible
    domain.max_task_limit = fact.max_task_limit
    domain.max_beyond_task_limit = fact.max_beyond_task_limit
    domain.reason_code = 0
    domain.session_id = fact.session_id
    domain.application_path = fact.application_path
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentSignedOut)
def _signed_out(state: State, fact: facts.AgentSignedOut, now: float) -> None:
    domain = _domain(state, fact)
    for queue, level in domain.matched:
        queue.signed_in[level] -= 1
    domain.signed_in = domain.ready = domain.set_aside = False
    _mode(domain, False, ModeCause.SIGN_OUT, now)
    domain.max_task_limit = domain.max_beyond_task_limit = 0
    domain.reason_code = fact.reason_code
    domain.overrides = 0
    domain.deferred = ()
    domain.advisory = domain.interrupted = None
    state.deadlines.clear(DeadlineKey(DeadlineKind.TASK_LIFE, domain.key))
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentLimitsSet)
def _limits_set(state: State, fact: facts.AgentLimitsSet, now: float) -> None:
    domain = _domain(state, fact)
    domain.session_id = fact.session_id
    domain.max_task_limit = fact.max_task_limit
    domain.max_beyond_task_limit = fact.max_beyond_task_limit
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentReadinessSet)
def _readiness_set(state: State, fact: facts.AgentReadinessSet, now: float) -> None:
    domain = _domain(state, fact)
    domain.ready = fact.ready
    domain.reason_code = fact.reason_code
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentModeSet)
def _mode_set(state: State, fact: facts.AgentModeSet, now: float) -> None:
    domain = _domain(state, fact)
    _mode(domain, fact.routable, ModeCause.REQUEST, now)
    domain.deferred = ()
    refresh(state, fact.skill_target_id, now)


@applies(events.AgentMadeNotRoutable)
def _made_not_routable(state: State, fact: events.AgentMadeNotRoutable, now: float) -> None:
    domain = _domain(state, fact)
    _mode(domain, False, ModeCause.START_TIMEOUT, now)
    domain.deferred = ()
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentNotRoutableDeferred)
def _not_routable_deferred(state: State, fact: facts.AgentNotRoutableDeferred, now: float) -> None:
    domain = _domain(state, fact)
    domain.deferred = (*domain.deferred, fact.origin)
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentSetAside)
def _set_aside(state: State, fact: facts.AgentSetAside, now: float) -> None:
    domain = _domain(state, fact)
    domain.set_aside = True
    _mode(domain, False, ModeCause.PATH_DOWN, now)
    domain.deferred = ()
    domain.advisory = None
    state.deadlines.set(DeadlineKey(DeadlineKind.TASK_LIFE, domain.key), fact.until)
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentRestored)
def _restored(state: State, fact: facts.AgentRestored, now: float) -> None:
    domain = _domain(state, fact)
    domain.set_aside = False
    _mode(domain, fact.routable, ModeCause.SIGN_IN, now)
    domain.ready = fact.ready
    state.deadlines.clear(DeadlineKey(DeadlineKind.TASK_LIFE, domain.key))
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentTemporarilyNotRoutable)
def _temporarily_not_routable(state: State, fact: facts.AgentTemporarilyNotRoutable, now: float) -> None:
    state.temporarily_not_routable[fact.skill_target_id] = None
    refresh(state, fact.skill_target_id, now)


@applies(facts.AgentRoutableAgain)
def _routable_again(state: State, fact: facts.AgentRoutableAgain, now: float) -> None:
    del state.temporarily_not_routable[fact.skill_target_id]
    refresh(state, fact.skill_target_id, now)


@applies(events.AgentStateChanged)
def _state_changed(state: State, fact: events.AgentStateChanged, now: float) -> None:
    domain = state.domains[AgentKey(fact.view.skill_target_id, fact.view.mrd_id)]
    domain.published = fact.view
    domain.state_since = None


def _mode(domain: AgentDomain, routable: bool, cause: ModeCause, now: float) -> None:
    """Set the mode; a mode that stays keeps its age and its cause."""
    if routable != domain.routable or cause is ModeCause.SIGN_IN:
        domain.mode_since = now
        domain.mode_cause = cause
    domain.routable = routable


def _domain(
    state: State,
    fact: facts.AgentSignedOut
    | facts.AgentLimitsSet
    | facts.AgentReadinessSet
    | facts.AgentModeSet
    | facts.AgentNotRoutableDeferred
    | facts.AgentSetAside
    | facts.AgentRestored
    | events.AgentMadeNotRoutable,
) -> AgentDomain:
    return state.domains[AgentKey(fact.skill_target_id, fact.mrd_id)]
