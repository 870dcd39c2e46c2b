"""Precision queues: which agents belong to which step, and how well.

Knows attributes and match expressions; must not know tasks, states or time. Rules: semantics 5.3. Membership is
computed from the configuration and never assigned.
"""

import attrs

from ctigw.config.routing import Agent, Attribute, PrecisionQueue
from ctigw.errors import ConfigurationError
from ctigw.routing.expressions import Expression, ExpressionError, evaluate, names, parse

MOST_STEPS = 10
MOST_ATTRIBUTES = 10
"""Of one queue (semantics 5.3)."""


@attrs.frozen
class CompiledPrecisionQueue:
    """A precision queue with its expressions parsed."""

    name: str
    matches: tuple[Expression, ...]
    waits: tuple[float, ...]
    agent_order: str
    defaults: dict[str, bool | int | None]


def compile_precision_queue(queue: PrecisionQueue, attributes: tuple[Attribute, ...]) -> CompiledPrecisionQueue:
    """Parse a queue's steps. Raises ConfigurationError that names queue and step."""
    table = f"precision_queue {queue.name}"
    if not 1 <= len(queue.steps) <= MOST_STEPS:
        raise ConfigurationError("wrong number of steps", table=table, key="steps", allowed=f"1 to {MOST_STEPS}")
    kinds: dict[str, type[bool | int | float | str]] = {
        attribute.name: bool if attribute.type == "boolean" else int for attribute in attributes
    }
    matches = []
    for number, step in enumerate(queue.steps, start=1):
        place = f"{table}, step {number}"
        if step.consider_if:
            raise ConfigurationError(
                "this build does not have consider_if", table=place, key="consider_if", value=step.consider_if
            )
        try:
            matches.append(parse(step.match, kinds.get, left_to_right=True))
        except ExpressionError as error:
            raise ConfigurationError(str(error), table=place, key="match", value=step.match) from error
    used = tuple(dict.fromkeys(name for match in matches for name in names(match)))
    if len(used) > MOST_ATTRIBUTES:
        raise ConfigurationError("too many attributes", table=table, key="steps", allowed=f"up to {MOST_ATTRIBUTES}")
    return CompiledPrecisionQueue(
        name=queue.name,
        matches=tuple(matches),
        waits=tuple(step.wait_s for step in queue.steps),
        agent_order=queue.agent_order,
        defaults={attribute.name: attribute.default for attribute in attributes if attribute.name in used},
    )


def membership(queue: CompiledPrecisionQueue, agent: Agent) -> tuple[int, int] | None:
    """The first step (from 0) that the agent matches, and the score that orders agents there; None: no member.

    The score is 0 for the longest available order, the sum of the attribute values that the step uses for the most
    proficient one, and its negative for the least proficient one. A boolean counts 1 when true.
    """

    def value(name: str) -> bool | int | None:
        own = agent.attributes.get(name)
        return queue.defaults[name] if own is None else own

    for level, match in enumerate(queue.matches):
        if evaluate(match, value):
            if queue.agent_order == "longest_available":
                return level, 0
            total = sum(int(value(name) or 0) for name in names(match))
            return level, total if queue.agent_order == "most_proficient" else -total
    return None
