"""Account of interrupts kept from the engine's events alone (semantics 4).

Knows what must hold at every moment of any history; must not know how the engine keeps it.
"""

from typing import Any, ClassVar

from ctigw.routing import events, facts
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import AgentState, TaskState
from portrait import state_of
from routing_site import Site


class InterruptAccount:
    """What is interrupted, what each task returns to, and who has been told what."""

    MOVES: ClassVar[dict[type[object], TaskState]] = {
        events.AgentChosen: TaskState.PRE_CALL,
        events.TaskOffered: TaskState.OFFERED,
        events.TaskStarted: TaskState.ACTIVE,
        events.TaskPaused: TaskState.PAUSED,
        events.TaskResumed: TaskState.ACTIVE,
        events.TaskWrapUpBegun: TaskState.WRAPUP,
    }

    def __init__(self) -> None:
        self.places: dict[TaskId, tuple[int, int]] = {}
        self.states: dict[TaskId, TaskState] = {}
        """What each task is in, or returns to."""
        self.open: dict[tuple[int, int], set[TaskId]] = {}
        self.to_be_interrupted: TaskId | None = None
        self.told_over: set[tuple[int, int]] = set()
        self.unanswered: dict[tuple[int, int], str] = {}
        """Where an advisory waits for its answer, and for which."""

    def account(self, event: Any) -> None:  # noqa: ANN401 - any event
        if self.to_be_interrupted is not None:
            assert isinstance(event, facts.TaskInterruptReplayed), "an INTERRUPTED agent started a task"
            assert event.task_id == self.to_be_interrupted
            self.to_be_interrupted = None
        place = (getattr(event, "skill_target_id", 0), getattr(event, "mrd_id", 0))
        if (state := self.MOVES.get(type(event))) is not None:
            assert event.task_id not in self.open.get(place, ()), "an interrupted task moved"
            if state is TaskState.ACTIVE and place in self.open:
                self.to_be_interrupted = event.task_id
            assert state is not TaskState.PRE_CALL or place not in self.open, "an INTERRUPTED agent got a task"
            self.places[event.task_id], self.states[event.task_id] = place, state
        elif isinstance(event, facts.TaskInterruptReplayed):
            self.open[place].add(event.task_id)
        elif isinstance(event, events.TaskEnded):
            self.states.pop(event.task_id, None)
            self.open.get(place, set()).discard(event.task_id)
        elif isinstance(event, facts.AgentInterruptAccepted):
            running = (TaskState.ACTIVE, TaskState.PAUSED, TaskState.WRAPUP)
            due = {t for t, state in self.states.items() if self.places[t] == place and state in running}
            assert set(event.tasks) == due
            self.open[place] = due
            self.told_over.discard(place)
        elif isinstance(event, events.AgentInterruptAdvised):
            self.unanswered[place] = "accept"
        elif isinstance(event, events.AgentInterruptOver):
            self.unanswered[place] = "done"
            self.told_over.add(place)
        elif isinstance(event, facts.AgentSetAside):
            self.told_over.discard(place)
        elif isinstance(event, facts.AgentInterruptClosed | facts.AgentSignedOut):
            self.open.pop(place, None)

    def check(self, site: Site, unbreakable: set[int]) -> None:
        """`unbreakable`: agents with a task that may not be interrupted."""
        interrupted = {task_id for tasks in self.open.values() for task_id in tasks}
        for task_id, state in self.states.items():
            expected = TaskState.INTERRUPTED if task_id in interrupted else state
            assert site.engine.task_state(task_id) is expected
        for domain in state_of(site.engine).domains.values():
            place = (domain.agent.skill_target_id, domain.mrd.id)
            if site.state(*place) is AgentState.INTERRUPTED:
                assert place in self.open, "INTERRUPTED without an interrupt"
            if place in self.open and place[0] not in unbreakable and not domain.set_aside:
                assert place in self.told_over, "nobody was told that the interrupt is over"
