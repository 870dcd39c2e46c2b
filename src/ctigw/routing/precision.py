"""Precision queues: which agents belong to which step, and how well.

Knows attributes and match expressions; must not know tasks, states or time. Rules: semantics 5.3. Membership is
computed from the configuration and never assigned.
"""

from collections.abc import Iterable
from typing import NamedTuple

import attrs

from ctigw.config.routing import Agent, Attribute, PrecisionQueue, PrecisionQueueStep
from ctigw.errors import ConfigurationError
from ctigw.routing.expressions import (
    Expression,
    ExpressionError,
    KindOf,
    Value,
    comparisons,
    evaluate,
    names,
    parse,
)
from ctigw.routing.queues import Level

MOST_STEPS = 10
MOST_TERMS = 10
MOST_ATTRIBUTES = 10
"""Of one queue (semantics 5.3)."""
SKILL_SCALE = 2**32
"""Parts sums of competence from places in the configuration, of which there are fewer: the sum counts first."""


@attrs.frozen
class CompiledPrecisionQueue:
    """A precision queue with its expressions parsed."""

    name: str
    matches: tuple[Expression, ...]
    levels: tuple[Level, ...]
    agent_order: str
    defaults: dict[str, bool | int | None]
    """Value of each attribute that the queue uses, for an agent without a value of his own."""


class PoolPlace(NamedTuple):
    """Where an agent stands in a precision queue, and with which score; a higher one is chosen earlier."""

    level: int
    score: int


def compile_precision_queue(
    queue: PrecisionQueue, attributes: tuple[Attribute, ...], kind_of: KindOf
) -> CompiledPrecisionQueue:
    """Parse a queue's steps; `kind_of` knows the names that `consider_if` may use.

    Raises ConfigurationError that names queue and step.
    """
    table = f"precision_queue {queue.name}"
    if not 1 <= len(queue.steps) <= MOST_STEPS:
        raise ConfigurationError("wrong number of steps", table=table, key="steps", allowed=f"1 to {MOST_STEPS}")
    kinds: dict[str, type[Value]] = {
        attribute.name: bool if attribute.type == "boolean" else int for attribute in attributes
    }
    matches = []
    levels = []
    for number, step in enumerate(queue.steps, start=1):
        place = f"{table}, step {number}"
        if step.consider_if and number == len(queue.steps):
            raise ConfigurationError(
                "stands on the last step, which is never skipped",
                table=place,
                key="consider_if",
                value=step.consider_if,
            )
        try:
            matches.append(parse(step.match, kinds.get, left_to_right=True))
        except ExpressionError as error:
            raise ConfigurationError(str(error), table=place, key="match", value=step.match) from error
        levels.append(_level(queue, step, place, kind_of))
    if sum(comparisons(match) for match in matches) > MOST_TERMS:
        raise ConfigurationError("too many terms", table=table, key="steps", allowed=f"up to {MOST_TERMS} in all steps")
    used = tuple(dict.fromkeys(name for match in matches for name in names(match)))
    if len(used) > MOST_ATTRIBUTES:
        raise ConfigurationError("too many attributes", table=table, key="steps", allowed=f"up to {MOST_ATTRIBUTES}")
    return CompiledPrecisionQueue(
        name=queue.name,
        matches=tuple(matches),
        levels=tuple(levels),
        agent_order=queue.agent_order,
        defaults={attribute.name: attribute.default for attribute in attributes if attribute.name in used},
    )


def _level(queue: PrecisionQueue, step: PrecisionQueueStep, place: str, kind_of: KindOf) -> Level:
    own = step.wait_if_no_agents_logged_in
    stays = queue.wait_if_no_agents_logged_in if own is None else own
    if not step.consider_if:
        return Level(step.wait_s, None, stays)
    try:
        return Level(step.wait_s, parse(step.consider_if, kind_of), stays)
    except ExpressionError as error:
        raise ConfigurationError(str(error), table=place, key="consider_if", value=step.consider_if) from error


def matched_levels(queue: CompiledPrecisionQueue, agent: Agent) -> tuple[int, ...]:
    """The steps (from 0) that the agent matches; none: no member."""

    def value(name: str) -> bool | int | None:
        return _value(queue, agent, name)

    return tuple(level for level, match in enumerate(queue.matches) if evaluate(match, value))


def pool_places(queue: CompiledPrecisionQueue, agent: Agent, position: int) -> tuple[PoolPlace, ...]:
    """Where the agent stands: on the first step that he matches, and when a task may skip that, on the next one too.

    `position` is the agent's place in the configuration.
    """
    places = []
    for level in matched_levels(queue, agent):
        places.append(PoolPlace(level, _score(queue, agent, level, position)))
        if queue.levels[level].consider_if is None:
            break
    return tuple(places)


def _score(queue: CompiledPrecisionQueue, agent: Agent, level: int, position: int) -> int:
    """What orders agents of one step before free slots and time do (semantics 5.2).

    Proficiency is the sum over the attributes that the step uses, skill the sum over those that the queue uses; a
    boolean counts 1 when true. [OURS] Of equally skilled agents the one "updated first" is the one configured first, so
    that no two scores are equal and he is filled to his limit before the next.
    """
    if queue.agent_order == "most_skilled":
        return _total(queue, agent, queue.defaults) * SKILL_SCALE - position
    if queue.agent_order == "longest_available":
        return 0
    total = _total(queue, agent, names(queue.matches[level]))
    return total if queue.agent_order == "most_proficient" else -total


def _total(queue: CompiledPrecisionQueue, agent: Agent, attributes: Iterable[str]) -> int:
    return sum(int(_value(queue, agent, name) or 0) for name in attributes)


def _value(queue: CompiledPrecisionQueue, agent: Agent, name: str) -> bool | int | None:
    own = agent.attributes.get(name)
    return queue.defaults[name] if own is None else own
