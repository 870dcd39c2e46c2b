"""One input's turn: what has been decided so far, already applied.

Knows state, time and the events of this input; must not decide. Recording a fact applies it at once, so that the next
rule sees its effect, and nothing can be decided without being recorded (decisions F1).
"""

from ctigw.routing.apply import apply
from ctigw.routing.events import (
    ReportAnswered,
)
from ctigw.routing.facts import Event
from ctigw.routing.inputs import Origin, TaskId
from ctigw.routing.state import State
from ctigw.routing.terms import (
    ReportKind,
    ReportStatus,
)


class Turn:
    """State, time and the events so far."""

    __slots__ = ("events", "now", "state")

    def __init__(self, state: State, now: float) -> None:
        self.state = state
        self.now = now
        self.events: list[Event] = []

    def record(self, fact: Event) -> None:
        """Decide a fact."""
        apply(self.state, fact, self.now)
        self.events.append(fact)

    def tell(self, notice: Event) -> None:
        """Say something that changes nothing."""
        self.events.append(notice)

    def answer(self, origin: Origin, kind: ReportKind, status: ReportStatus, task_id: TaskId | None = None) -> None:
        """Answer an agent report."""
        self.events.append(ReportAnswered(origin, kind, status, task_id))
