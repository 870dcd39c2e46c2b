"""The routing engine: one input and the time in, what follows from it out.

Knows which rule takes which input, and the order of one turn: the input's own facts, what they made of agents' states,
then tasks for agents who became available, then what those made of the states (decisions C5, E2, E3). Must not know
messages, sessions' insides or a clock. Nothing but `apply` changes the state, so that the facts alone can rebuild it
(decisions F1).
"""

from collections.abc import Callable, Iterable

from ctigw.config.routing import Agent, MediaRoutingDomain, RoutingSettings
from ctigw.routing import (
    application_tasks,
    audit,
    census,
    explanations,
    global_state,
    inputs,
    interrupts,
    limits,
    path_data,
    reload,
    reports,
    resync,
    snapshots,
    tasks,
    temporary_mode,
)
from ctigw.routing.agents import signed_out_view, view
from ctigw.routing.apply import apply
from ctigw.routing.deadlines import AgentKey, DeadlineKey, DeadlineKind
from ctigw.routing.events import (
    AgentChosen,
    AgentView,
)
from ctigw.routing.facts import Event
from ctigw.routing.inputs import Input, TaskId, Variable
from ctigw.routing.publication import publish
from ctigw.routing.scripts.queueing import next_precision_step
from ctigw.routing.selection import settle
from ctigw.routing.state import State, TaskRecord
from ctigw.routing.statistics import views
from ctigw.routing.terms import (
    ReportStatus,
    TaskState,
)
from ctigw.routing.turn import Turn

_RULES: dict[type, Callable[..., None]] = {
    inputs.RoutingClientOpened: tasks.open_client,
    inputs.RoutingClientLost: tasks.lose_client,
    inputs.NewTask: tasks.new_task,
    inputs.CancelTask: tasks.cancel,
    inputs.RunScriptResult: tasks.script_result,
    inputs.UpdateTaskContext: tasks.update_context,
    inputs.BeginAgentInit: resync.begin,
    inputs.AgentInit: resync.init_agent,
    inputs.TaskInit: resync.init_task,
    inputs.TaskInitWithoutId: resync.init_task_without_id,
    inputs.EndAgentInit: resync.finish,
    inputs.GetAgentTasks: resync.agent_tasks,
    inputs.SetPathData: path_data.set_path_data,
    inputs.SettingsChanged: reload.change_settings,
    inputs.ArmClientOpened: reports.open_client,
    inputs.ArmClientLost: reports.lose_client,
    inputs.MediaLogin: reports.sign_in,
    inputs.MediaLogout: reports.sign_out,
    inputs.MakeAgentRoutable: reports.make_routable,
    inputs.MakeAgentNotRoutable: reports.make_not_routable,
    inputs.MakeAgentReady: reports.make_ready,
    inputs.MakeAgentNotReady: reports.make_not_ready,
    inputs.SetAgentState: global_state.set_agent_state,
    inputs.AcceptInterrupt: reports.accept_interrupt,
    inputs.DeclineInterrupt: reports.decline_interrupt,
    inputs.AcceptInterruptDone: reports.accept_interrupt_done,
    inputs.ChangeMaxTaskLimit: limits.change_limit,
    inputs.OverrideLimit: limits.override,
    inputs.OfferApplicationTask: application_tasks.offer,
    inputs.StartApplicationTask: application_tasks.start,
    inputs.OfferTask: reports.offer,
    inputs.StartTask: reports.start,
    inputs.PauseTask: reports.pause,
    inputs.ResumeTask: reports.resume,
    inputs.WrapUpTask: reports.wrap_up,
    inputs.EndTask: reports.end_task,
}

_TASK_DEADLINES: dict[DeadlineKind, Callable[[Turn, TaskRecord], None]] = {
    DeadlineKind.SCRIPT: tasks.wait_over,
    DeadlineKind.QUEUE_AGE: tasks.too_long_in_queue,
    DeadlineKind.START: tasks.start_timed_out,
    DeadlineKind.DURATION: tasks.lived_too_long,
    DeadlineKind.KEPT: tasks.drop,
    DeadlineKind.FORGET: tasks.forget,
}


class Engine:
    """Decides. One thread uses it at a time; no method waits for anything."""

    def __init__(self, settings: RoutingSettings, side: str = "A") -> None:
        """Begin with no session, no agent signed in and no task.

        Raises ConfigurationError when a script or a precision queue does not compile.
        """
        self._state = State(settings, side)

    def handle(self, item: Input, now: float) -> list[Event]:
        """Take one input at `now` (UTC seconds; earlier than before counts as before).

        Returns facts and notices in the order in which peers are told; the facts have been applied. Raises
        ConfigurationError, and nothing has changed, when changed settings do not compile.
        """
        turn = self._begin(now)
        if isinstance(item, inputs.DeadlinesPassed):
            self._deadlines_passed(turn)
        else:
            _RULES[type(item)](turn, item)
            self._settle(turn)
        tasks.forget_overflow(turn)
        return turn.events

    @property
    def state(self) -> State:
        """Everything that it remembers; for keeping it, and not to be changed."""
        return self._state

    @classmethod
    def of(cls, state: State) -> "Engine":
        """An engine that goes on from a state."""
        engine = cls.__new__(cls)
        engine._state = state
        return engine

    def advance(self, now: float) -> None:
        """Let time come to `now`, as an input without facts does; decides nothing."""
        self._begin(now)

    def apply(self, fact: Event, now: float) -> None:
        """Apply a fact that an engine decided at `now`; decides nothing. A notice changes nothing."""
        apply(self._state, fact, self._begin(now).now)
        self._state.touched.clear()
        self._state.unsettled.clear()

    def next_deadline(self) -> float | None:
        """UTC seconds at which DeadlinesPassed is due; None: the engine has nothing to do by itself."""
        first = self._state.deadlines.first()
        return None if first is None else first[0]

    def agent_view(self, skill_target_id: int, mrd_id: int, now: float) -> AgentView | None:
        """The agent as peers see it; None when agent or domain is not configured."""
        agent = self._state.agents.get(skill_target_id)
        if agent is None or mrd_id not in self._state.mrds:
            return None
        domain = self._state.domains.get(AgentKey(skill_target_id, mrd_id))
        return signed_out_view(self._state, agent, mrd_id) if domain is None else view(self._state, domain, now)

    def agent(self, skill_target_id: int) -> Agent | None:
        """The configured agent."""
        return self._state.agents.get(skill_target_id)

    def agent_by_number(self, peripheral: int, agent_id: str) -> Agent | None:
        """The agent with this number on the peripheral."""
        return self._state.agents_by_number.get((peripheral, agent_id))

    def mrd(self, mrd_id: int) -> MediaRoutingDomain | None:
        """The configured media routing domain."""
        return self._state.mrds.get(mrd_id)

    def task_state(self, task_id: TaskId) -> TaskState | None:
        """Where a task is; None when it is not known (any more)."""
        task = self._state.tasks.get(task_id)
        return None if task is None else task.state

    def pending_pre_calls(self, application_path: int) -> list[AgentChosen]:
        """Announcements on an application path that nobody has acted on, as they were made, oldest first."""
        return [
            AgentChosen(
                task_id=task.id,
                dialogue=task.dialogue,
                mrd_id=task.mrd.id,
                skill_target_id=domain.agent.skill_target_id,
                queue=task.queue,
                context=task.context,
                call_type_id=task.script.call_type_id,
                waited=task.waited,
                start_deadline=task.start_deadline,
                choice=task.choice,
            )
            for domain in self._state.domains.values()
            if domain.application_path == application_path
            for task in domain.tasks.values()
            if task.state is TaskState.PRE_CALL and task.choice is not None
        ]

    def agent_tasks(
        self, application_path: int, mrd_id: int, skill_target_id: int
    ) -> tuple[ReportStatus, list[snapshots.TaskView]]:
        """The agent's tasks in a domain, as a client of the path may see them."""
        return snapshots.tasks_of(self._state, application_path, mrd_id, skill_target_id)

    def agent_task(
        self, application_path: int, mrd_id: int, skill_target_id: int, task_id: TaskId
    ) -> tuple[ReportStatus, snapshots.TaskView | None]:
        """One of them."""
        return snapshots.task(self._state, application_path, mrd_id, skill_target_id, task_id)

    def path_variables(self, application_path: int) -> tuple[Variable, ...]:
        """Call variables that clients of the path set."""
        return self._state.path_data.get(application_path, ())

    def queues_seen(self, most: int, now: float) -> dict[str, census.QueueSeen]:
        """The first `most` skill groups and precision queues, by label."""
        return census.queues(self._state, most, max(now, self._state.last_now))

    def census(self) -> census.Census:
        """Counts for metrics."""
        return census.take(self._state)

    def new_audit(self) -> audit.Audit:
        """An account of tasks that begins now."""
        return audit.Audit(self._state)

    def look(self, account: audit.Audit, now: float) -> audit.Findings:
        """Whether every task is accounted for, and whether one waits that need not; for metrics, between inputs."""
        return account.look(self._state, max(now, self._state.last_now))

    def explain_task(self, task_id: TaskId) -> explanations.TaskExplanation | None:
        """Why a task waits, or went where it went; None when it is not known (any more)."""
        return explanations.explain_task(self._state, task_id)

    def explain_agent(self, skill_target_id: int) -> explanations.AgentExplanation | None:
        """Why an agent is idle, or is not; None when he is not configured."""
        return explanations.explain_agent(self._state, skill_target_id)

    def explain_pair(self, task_id: TaskId, skill_target_id: int) -> explanations.PairExplanation | None:
        """Why a task does not go to an agent; None when either is not known."""
        return explanations.explain_pair(self._state, task_id, skill_target_id)

    def agent_statistics(self, skill_target_id: int, mrd_id: int | None, now: float) -> views.AgentStatistics | None:
        """Numbers of an agent in a domain, None: in all of them; None when agent or domain is not configured."""
        if skill_target_id not in self._state.agents or (mrd_id is not None and mrd_id not in self._state.mrds):
            return None
        return views.agent_statistics(self._state, skill_target_id, mrd_id, max(now, self._state.last_now))

    def queue_statistics(self, queue: str | int, now: float) -> views.QueueStatistics | None:
        """Numbers of a skill group or precision queue, by `sg:name`, `pq:name` or id; None when there is none."""
        return views.queue_statistics(self._state, queue, max(now, self._state.last_now))

    def tallies(self, now: float) -> views.Tallies:
        """Counters for metrics."""
        return views.tallies(self._state, max(now, self._state.last_now))

    def _begin(self, now: float) -> Turn:
        self._state.last_now = max(now, self._state.last_now)
        return Turn(self._state, self._state.last_now)

    def _deadlines_passed(self, turn: Turn) -> None:
        """Everything due, in order; each removes its own deadline by the facts that it records."""
        while (first := self._state.deadlines.first()) is not None and first[0] <= turn.now:
            self._deadline_passed(turn, first[1])
            self._settle(turn)
            if self._state.deadlines.first() == first:
                raise AssertionError(f"deadline {first} was not removed by what it caused")

    def _deadline_passed(self, turn: Turn, key: DeadlineKey) -> None:
        if isinstance(key.subject, AgentKey):
            reports.task_life_over(turn, self._state.domains[key.subject])
            return
        task = self._state.tasks[key.subject]
        if key.kind is DeadlineKind.PRECISION_STEP:
            next_precision_step(turn, task, self._state.queues[key.queue, task.mrd.id])
        else:
            _TASK_DEADLINES[key.kind](turn, task)

    def _settle(self, turn: Turn) -> None:
        """Tell what an event made of its agents before they are given the next task: each change is told (C5).

        Whether an interrupt is over is seen only then, because the next task may prolong it.
        """
        touched = tuple(self._state.touched)
        temporary_mode.finish(turn, touched)
        publish(turn)
        settle(turn)
        publish(turn)
        interrupts.finish(turn, touched)


def rebuild(settings: RoutingSettings, side: str, recorded: Iterable[tuple[Event, float]]) -> Engine:
    """An engine in the state that the recorded facts led to, each given with the instant at which it was decided.

    Nothing is decided again (decisions F1); notices among the facts change nothing.
    """
    engine = Engine(settings, side)
    for fact, now in recorded:
        engine.apply(fact, now)
    return engine
