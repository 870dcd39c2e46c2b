"""Which function applies which fact: one table, filled by the modules beside this one.

Must not know any fact.
"""

from collections.abc import Callable
from typing import TypeVar

from ctigw.routing.state import State

Fact = TypeVar("Fact")
Change = Callable[[State, Fact, float], None]

TABLE: dict[type, Callable[..., None]] = {}


def applies(kind: type[Fact]) -> Callable[[Change[Fact]], Change[Fact]]:
    """Register the function that changes the state by one fact of this class."""

    def register(change: Change[Fact]) -> Change[Fact]:
        TABLE[kind] = change
        return change

    return register
