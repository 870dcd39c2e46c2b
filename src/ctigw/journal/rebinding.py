"""The same state under other settings.

Knows which records are only memory (agents who have signed out, tasks that have ended) and may go with what they refer
to; whatever is alive keeps the settings from being used, with an error that names it. Must not decide what happens to
an agent or a task that the settings have no more. It depends on state and settings alone, so that everybody who follows
the journal comes to the same state where the configuration of the batches changes (decisions F1).
"""

from ctigw.config.routing import RoutingSettings
from ctigw.journal.state_image import freeze, thaw
from ctigw.routing.engine import Engine
from ctigw.routing.facts import TaskForgotten
from ctigw.routing.state import AgentDomain, State
from ctigw.routing.terms import TaskState


def rebound(engine: Engine, settings: RoutingSettings, side: str) -> Engine:
    """An engine with the same state under other settings; the one given is used up.

    ConfigurationError: the settings no longer have what the state holds on to. What the change makes possible (an agent
    who newly belongs to a queue with tasks) is decided with the next input that touches it, not here.
    """
    _forget_what_is_gone(engine, settings)
    return Engine.of(thaw(freeze(engine.state), settings, side))


def _forget_what_is_gone(engine: Engine, settings: RoutingSettings) -> None:
    state = engine.state
    agents = {agent.skill_target_id for agent in settings.agents}
    mrds = {mrd.id for mrd in settings.media_routing_domains}
    scripts = {call_type.name for call_type in settings.call_types}

    def is_gone(domain: AgentDomain) -> bool:
        return domain.agent.skill_target_id not in agents or domain.mrd.id not in mrds

    ended = [task for task in state.tasks.values() if task.state is TaskState.ENDED]
    for task in ended:
        gone = task.domain is not None and is_gone(task.domain)
        if gone or task.mrd.id not in mrds or (task.runs is not None and task.runs.name not in scripts):
            engine.apply(TaskForgotten(task.id), state.last_now)
    for domain in [domain for domain in state.domains.values() if is_gone(domain)]:
        if not domain.signed_in and not domain.tasks:
            _drop(state, domain)


def _drop(state: State, domain: AgentDomain) -> None:
    del state.domains[domain.key]
    state.statistics.agents.pop(domain.key, None)
    others = state.domains_of[domain.agent.skill_target_id]
    others.remove(domain)
    if not others:
        del state.domains_of[domain.agent.skill_target_id]
