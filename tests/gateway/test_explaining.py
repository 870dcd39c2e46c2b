"""Explanations read as sentences, with the fact, since when, and what would change it."""

import pytest

from ctigw.config.routing import Agent
from ctigw.gateway.explaining import CHANGES, FACTS, choice_sentence, finding_sentence, pair_sentence
from ctigw.routing.explanations import Finding, PairExplanation
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import Choice, ModeCause, Obstacle, QueueKind, QueueRef, TaskState, Way

AT = 1_790_000_000.0
"""14:13:20 UTC."""
BEN = Agent(id="1002", name="Ben", skill_target_id=5002, peripheral=1)
CHAT = QueueRef(QueueKind.SKILL_GROUP, 1, "sg:chat")


def test_agent_made_not_routable_by_a_start_timeout() -> None:
    found = Finding(Obstacle.NOT_ROUTABLE, AT, cause=ModeCause.START_TIMEOUT)
    pair = PairExplanation(
        TaskId(1, 2, 3),
        Agent(id="1002", name="Ben", skill_target_id=5002, peripheral=1),
        "chat",
        TaskState.QUEUED,
        False,
        found,
    )
    assert pair_sentence(pair) == (
        "Ben (1002) is not considered: not routable in chat since 14:13:20, made so by a start timeout; "
        "MAKE_AGENT_ROUTABLE_IND would change it"
    )


def test_full_agent() -> None:
    assert finding_sentence(Finding(Obstacle.NO_SLOT, AT, tasks=2, limit=2), "chat") == (
        "no slot free in chat since 14:13:20, 2 of 2 tasks; END_TASK_IND or CHANGE_MAX_TASK_LIMIT_REQ would change it"
    )


def test_task_that_came() -> None:
    choice = Choice(Way.TASK_CAME, 0, 3, 1, 0, 1, AT)
    assert choice_sentence(choice, CHAT) == (
        "the task looked for an agent in sg:chat: first of 3 (1 free slot, available since 14:13:20)"
    )


@pytest.mark.parametrize("obstacle", list(Obstacle))
def test_every_obstacle_has_words(obstacle: Obstacle) -> None:
    assert FACTS[obstacle]
    assert CHANGES[obstacle]
