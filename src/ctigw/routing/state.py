"""Everything that the engine remembers, as plain mutable records and indexes.

Knows how records hang together; must not decide anything. Only `ctigw.routing.apply` and what it calls change a record
(decisions F1). Indexes repeat what the records say, so that no decision has to search.
"""

from collections import Counter, OrderedDict
from typing import Any, NamedTuple

import attrs

from ctigw.config.routing import Agent, MediaRoutingDomain, RoutingSettings
from ctigw.routing.deadlines import AgentKey, Deadlines
from ctigw.routing.events import (
    AgentView,
)
from ctigw.routing.inputs import DialogueKey, Origin, TaskContext, TaskId, Variable
from ctigw.routing.precision import CompiledPrecisionQueue, compile_precision_queue, matched_levels, pool_places
from ctigw.routing.queues import WaitingQueue
from ctigw.routing.scripts.compilation import compile_scripts
from ctigw.routing.scripts.site import Site
from ctigw.routing.scripts.steps import CompiledScript, PreferredAgent, Queue
from ctigw.routing.statistics.book import open_book
from ctigw.routing.terms import (
    Advisory,
    Choice,
    ModeCause,
    Obstacle,
    QueueEntry,
    QueueKind,
    QueueRef,
    TaskState,
)

ResendKey = tuple[str, int, str, int, TaskId | None, bytes]
"""Application, DialogueID, ScriptSelector, Service, PreviousTask, UserToUserInfo: what a resent NEW_TASK repeats."""


PackedContext = tuple[str | bytes | int | None, ...]
"""A TaskContext as one flat tuple: selector, UserToUserInfo, both application strings, then three for each variable."""


class Words:
    """Selectors and variable names are the same few words over and over: one copy of each is enough."""

    __slots__ = ("_known",)

    MOST = 4096
    """Words shared; peers choose names, so that the number needs a bound. Beyond it a word is not shared."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def share(self, word: str) -> str:
        """An equal word, the same object each time."""
        known = self._known.get(word)
        if known is None:
            known = word
            if len(self._known) < self.MOST:
                self._known[word] = word
        return known


def pack(context: TaskContext, words: Words) -> PackedContext:
    """A hundred thousand tasks wait with ten variables each: one tuple takes a third of what eleven objects take."""
    packed: list[str | bytes | int | None] = [
        words.share(context.script_selector),
        context.user_to_user_info,
        context.application_string1,
        context.application_string2,
    ]
    for name, element, value in context.variables:
        packed += (words.share(name), element, value)
    return tuple(packed)


def unpack(packed: PackedContext) -> TaskContext:
    """The inverse of `pack`."""
    fields: tuple[Any, ...] = packed  # the types of a flat tuple's members follow from their places
    variables = tuple(Variable(*fields[at : at + 3]) for at in range(4, len(fields), 3))
    return TaskContext(fields[0], variables, *fields[1:4])


@attrs.define(eq=False, weakref_slot=False)
class RoutingClient:
    """A routing client's session."""

    application: str
    requeue_on_recovery: bool
    open_dialogues: dict[int, TaskId] = attrs.Factory(dict)
    """Tasks without an answer by DialogueID, in the order in which they came."""


class Request(NamedTuple):
    """What a NEW_TASK asked for beside its script selector; most ask for nothing, and share `PLAIN_REQUEST`."""

    service: int = 0
    """ServiceRequested (semantics 6.1)."""
    preferred: int | None = None
    """The agent whom the application named."""
    excluded: int | None = None
    """The agent who gave the task back, and never gets it again."""
    previous: TaskId | None = None
    queue_type: int | None = None
    queue_id: int | None = None
    """Task and queue of pick and pull (semantics 9.1)."""

    @property
    def names_queue(self) -> bool:
        """Whether it says anything of a queue."""
        return self.queue_type is not None or self.queue_id is not None


PLAIN_REQUEST = Request()


MOST_LAST_AGENTS = 100_000
"""Values of key variables that are remembered: some 40 MiB; beyond it those noted first are forgotten."""
LAST_AGENT_LIFE_S = 30 * 86_400
"""How long they are remembered: a conversation that rests for a month is a new one."""


class LastAgent(NamedTuple):
    """Who dealt with something last, and when, in UTC seconds."""

    skill_target_id: int
    at: float


@attrs.define(eq=False, weakref_slot=False)
class TaskRecord:
    """One task, from its id until it is forgotten."""

    id: TaskId
    asked: DialogueKey | None
    """Who asked the router for it; None: an application assigned it itself (semantics 3.3), then no script runs."""
    mrd: MediaRoutingDomain
    runs: CompiledScript | None
    stored_context: TaskContext | PackedContext
    """Packed while the task waits; as it came otherwise, because most tasks are answered at once."""
    request: Request
    resend_key: ResendKey | None
    state: TaskState = TaskState.PENDING
    step: int = 0
    """Step of the script that comes next."""
    resume_at: float | None = None
    """When the script goes on; None: it has ended, or has not stopped yet."""
    awaited_report: int = 0
    """InvokeID of a RUN_SCRIPT_REQ without a result; 0: none."""
    reports: int = 0
    """RUN_SCRIPT_REQs so far, which number their InvokeIDs."""
    entries: tuple[QueueEntry, ...] = ()
    sequence: int = 0
    """The task's age among those that wait (see `Place.sequence`)."""
    queued_at: float = 0.0
    """UTC seconds at which it began to wait."""
    estimated_wait_s: int | None = None
    waited: bool = False
    kept: bool = False
    domain: "AgentDomain | None" = None
    """The agent who has it or had it."""
    queue: QueueRef | None = None
    start_deadline: float = 0.0
    started: bool = False
    label: str | None = None
    choice: Choice | None = None
    """Why it went to `domain`, when the router decided that."""

    @property
    def dialogue(self) -> DialogueKey:
        """Who asked for it; never read of a task that an application assigned itself."""
        assert self.asked is not None
        return self.asked

    @property
    def script(self) -> CompiledScript:
        """The script that routes it; never read of a task that an application assigned itself."""
        assert self.runs is not None
        return self.runs

    @property
    def context(self) -> TaskContext:
        """What the task carries along."""
        stored = self.stored_context
        return unpack(stored) if isinstance(stored, tuple) else stored


class Tally:
    """How many tasks are in which state."""

    __slots__ = ("_numbers", "total")

    def __init__(self) -> None:
        self._numbers = [0] * (TaskState.ENDED + 1)
        self.total = 0

    def __getitem__(self, state: TaskState) -> int:
        return self._numbers[state]

    def add(self, state: TaskState, number: int) -> None:
        """Count `number` tasks more (or fewer)."""
        self._numbers[state] += number
        self.total += number

    @property
    def unstarted(self) -> int:
        """Tasks chosen for the agent or offered, but not started."""
        return self._numbers[TaskState.PRE_CALL] + self._numbers[TaskState.OFFERED]

    @property
    def started(self) -> int:
        """Tasks that the agent has begun to work on."""
        return self.total - self.unstarted

    def numbers(self) -> tuple[int, ...]:
        """The counters; for looking at."""
        return tuple(self._numbers)


@attrs.frozen(eq=False)
class Membership:
    """An agent's place in one queue: on which level, and how well; in a precision queue there may be several."""

    queue: WaitingQueue
    level: int
    score: int


@attrs.define(eq=False, weakref_slot=False)
class AgentDomain:
    """One agent in one domain, from the first sign-in on."""

    agent: Agent
    mrd: MediaRoutingDomain
    memberships: tuple[Membership, ...] = ()
    queues: tuple[WaitingQueue, ...] = ()
    """Skill groups and precision queues of the memberships, each once."""
    matched: tuple[tuple[WaitingQueue, int], ...] = ()
    """Every step of a precision queue that the agent matches."""
    signed_in: bool = False
    ready: bool = False
    set_aside: bool = False
    """WORK_NOT_READY: the application path went down (decisions C7)."""
    routable: bool = False
    interruptible: bool = False
    """As it was at sign-in (semantics 1.1)."""
    max_task_limit: int = 0
    max_beyond_task_limit: int = 0
    reason_code: int = 0
    overrides: int = 0
    """Leaves for one application task each beyond both limits (semantics 3.3)."""
    session_id: int = 0
    """The agent reporting session that signed the agent in last (decisions C4)."""
    application_path: int = 0
    advisory: Advisory | None = None
    """What the agent's client was advised of about interrupts here and has not answered (semantics 4)."""
    interrupted: dict[TaskId, TaskState] | None = None
    """While the agent is INTERRUPTED here: the interrupted tasks, each with the state that it returns to."""
    deferred: tuple[Origin, ...] = ()
    """Requests to become not routable that wait for tasks to start (semantics 2.2)."""
    mode_since: float = 0.0
    """UTC seconds at which the mode was set last."""
    mode_cause: ModeCause = ModeCause.SIGN_IN
    obstacle: Obstacle | None = Obstacle.SIGNED_OUT
    """What kept him from any task when a fact touched him last."""
    obstacle_since: float = 0.0
    """UTC seconds since when that was the first filter that failed, or since when none did."""
    tasks: dict[TaskId, TaskRecord] = attrs.Factory(dict)
    spoken_of: dict[TaskId, int] = attrs.Factory(dict)
    """Replays begun when a client last told of a task, for those that were told of while there was a replay."""
    tally: Tally = attrs.Factory(Tally)
    queue_tallies: dict[QueueRef | None, Tally] = attrs.Factory(dict)
    free_slots: int = 0
    icm_available: bool = False
    available_since: float = 0.0
    """The clock of the longest available agent (semantics 5.2): slots rose, or the agent became available."""
    pooled: tuple[int, float] | None = None
    """Free slots and clock with which the agent stands in the pools of his queues; None: in none."""
    state_since: float | None = None
    """When the state began that peers are about to be told of, where that is not now."""
    published: AgentView | None = None
    """What peers know (decisions C5)."""

    @property
    def key(self) -> AgentKey:
        """Agent and domain."""
        return AgentKey(self.agent.skill_target_id, self.mrd.id)


class State:
    """All of it."""

    def __init__(self, settings: RoutingSettings, side: str) -> None:
        self.side = side
        self.configure(settings)
        self.last_now = float("-inf")
        self.last_day = 0
        self.last_key = 0
        """First and second part of the last task id given (decisions E1)."""
        self.sequences = 0
        """Tasks that ever began to wait."""
        self.clients: dict[int, RoutingClient] = {}
        self.arm_paths: dict[int, int] = {}
        """Application path by agent reporting session."""
        self.replays: dict[int, int] = {}
        """Number of its replay by agent reporting session, while the replay goes on."""
        self.replay_count = 0
        self.path_data: dict[int, tuple[Variable, ...]] = {}
        """Call variables by application path, as its clients set them."""
        self.tasks: dict[TaskId, TaskRecord] = {}
        self.remembered: OrderedDict[TaskId, None] = OrderedDict()
        """Ended tasks that are not forgotten yet, in order of their ends."""
        self.relatives: dict[tuple[int, int], tuple[int, int]] = {}
        """Highest sequence and number of tasks by day and key, where there is more than one sequence (decisions E1)."""
        self.resends: dict[ResendKey, TaskId] = {}
        self.domains: dict[AgentKey, AgentDomain] = {}
        self.domains_of: dict[int, list[AgentDomain]] = {}
        """By skill_target_id, in order of first sign-in."""
        self.temporarily_not_routable: dict[int, None] = {}
        """Agents (skill_target_id) whom the router leaves alone until they have no task (semantics 2.2)."""
        self.deadlines = Deadlines()
        self.queued_by_mrd: Counter[int] = Counter()
        self.queued_by_call_type: Counter[str] = Counter()
        self.queued_in_domain: Counter[tuple[int, str]] = Counter()
        """By domain and call type, for domains that have a limit for it."""
        self.queued = 0
        self.task_counts: Counter[tuple[int, TaskState]] = Counter()
        self.leaving: dict[TaskId, QueueRef] = {}
        """Tasks that wait for an agent preferred, and the queue that they leave when their scripts go on."""
        self.last_agents: OrderedDict[tuple[str, str], LastAgent] = OrderedDict()
        """By variable and value, in order of noting (see `ctigw.routing.last_agents`)."""
        self.words = Words()
        self.statistics = open_book(settings)
        self.touched: dict[int, None] = {}
        """Agents (skill_target_id) that facts of the current input have changed, in order; scratch of the engine."""
        self.unsettled: dict[int, None] = {}
        """Those of them for whom no task has been sought since; scratch of the engine."""

    def configure(self, settings: RoutingSettings) -> None:
        """Everything that follows from the configuration alone; queues are empty, and nobody is in them.

        Raises ConfigurationError when a script or a precision queue does not compile; nothing has changed then.
        """
        scripts = compile_scripts(settings)
        self.settings = settings
        self.mrds = {mrd.id: mrd for mrd in settings.media_routing_domains}
        self.agents = {agent.skill_target_id: agent for agent in settings.agents}
        self._positions = {agent.skill_target_id: place for place, agent in enumerate(settings.agents)}
        self.agents_by_number = {(agent.peripheral, agent.id): agent for agent in settings.agents}
        self.agents_by_bare_number: dict[str, list[Agent]] = {}
        for agent in settings.agents:
            self.agents_by_bare_number.setdefault(agent.id, []).append(agent)
        self.selectors = {selector.value: selector for selector in settings.script_selectors}
        self.scripts = scripts
        self.paths = {
            (member.peripheral, mrd_id): path.id
            for path in settings.application_paths
            for member in path.members
            for mrd_id in member.mrds
        }
        """Application path by peripheral and domain (semantics 1.2)."""
        kind_of = Site(settings).kind_of
        self._precision = [
            (f"pq:{queue.name}", queue.mrd, compile_precision_queue(queue, settings.attributes, kind_of))
            for queue in settings.precision_queues
        ]
        self.queues = _queues(settings, self.scripts, self._precision)
        self.groups = {
            (queue.ref.id, queue.mrd_id): queue.ref
            for queue in self.queues.values()
            if queue.ref.kind is not QueueKind.AGENT
        }
        """Skill groups and precision queues by id on the wire and domain."""
        self.mrd_of_queue = {
            label: mrd for (label, mrd), queue in self.queues.items() if queue.ref.kind is not QueueKind.AGENT
        }
        """Domain of each skill group and precision queue, by label."""
        self.queues_by_id: dict[tuple[int | None, int | None], tuple[QueueRef, int | None]] = {
            (queue.ref.kind, queue.ref.id): (queue.ref, mrd_id)
            for (_, mrd_id), queue in self.queues.items()
            if queue.ref.kind is not QueueKind.AGENT
        }
        """Skill groups and precision queues with their domains, by QueueType and QueueID."""
        self.last_agent_keys = tuple(
            dict.fromkeys(
                step.key
                for script in self.scripts.values()
                for step in script.steps
                if isinstance(step, PreferredAgent) and step.key is not None
            )
        )
        """Variables by which scripts ask for a last agent."""

    def queue(self, ref: QueueRef, mrd_id: int) -> WaitingQueue | None:
        """The queue in that domain; None when it belongs to another one."""
        return self.queues.get((ref.label, mrd_id))

    def memberships(self, agent: Agent, mrd_id: int) -> tuple[Membership, ...]:
        """The agent's queues in a domain: skill groups in order of configuration, precision queues, his own."""
        found = []
        for name in agent.skill_groups:
            queue = self.queues.get((f"sg:{name}", mrd_id))
            if queue is not None:
                found.append(Membership(queue, 0, 0))
        for label, queue_mrd, compiled in self._precision:
            if queue_mrd == mrd_id:
                position = self._positions[agent.skill_target_id]
                places = pool_places(compiled, agent, position)
                found.extend(Membership(self.queues[label, mrd_id], *place) for place in places)
        own = self.queues.get((self.own_queue_ref(agent).label, mrd_id))
        if own is not None:
            found.append(Membership(own, 0, 0))
        return tuple(found)

    def find_queues(self, domain: AgentDomain) -> None:
        """Give the record of an agent in a domain the queues that he belongs to."""
        agent, mrd_id = domain.agent, domain.mrd.id
        domain.memberships = self.memberships(agent, mrd_id)
        groups = (member.queue for member in domain.memberships if member.queue.ref.kind is not QueueKind.AGENT)
        domain.queues = tuple(dict.fromkeys(groups))
        domain.matched = self.matched_levels(agent, mrd_id)

    def own_queue_ref(self, agent: Agent) -> QueueRef:
        """An agent's own queue: `agent:NUMBER` as in scripts, or with the peripheral where several have the number."""
        label = f"agent:{agent.id}"
        if len(self.agents_by_bare_number[agent.id]) > 1:
            label += f"@{agent.peripheral}"
        return QueueRef(QueueKind.AGENT, agent.skill_target_id, label)

    def stands(self, ref: QueueRef, mrd_id: int) -> bool:
        """Whether the configuration has that very queue in that domain, or the agent whose own queue it is."""
        if ref.kind is QueueKind.AGENT:
            agent = self.agents.get(ref.id)
            return mrd_id in self.mrds and agent is not None and self.own_queue_ref(agent) == ref
        queue = self.queue(ref, mrd_id)
        return queue is not None and queue.ref == ref

    def open_own_queue(self, ref: QueueRef, mrd_id: int) -> WaitingQueue:
        """Make an agent's own queue when the first task waits there: most of the agents never need one.

        He is not available at that moment, or the task would not wait; so he is in no pool, and not put into this one.
        """
        queue = self.queues[ref.label, mrd_id] = WaitingQueue(ref, mrd_id)
        domain = self.domains.get(AgentKey(ref.id, mrd_id))
        if domain is not None:
            domain.memberships += (Membership(queue, 0, 0),)
        return queue

    def matched_levels(self, agent: Agent, mrd_id: int) -> tuple[tuple[WaitingQueue, int], ...]:
        """Every step of a precision queue of the domain that the agent matches."""
        return tuple(
            (self.queues[label, mrd_id], level)
            for label, queue_mrd, compiled in self._precision
            if queue_mrd == mrd_id
            for level in matched_levels(compiled, agent)
        )

    def skill_groups(self, agent: Agent, mrd_id: int) -> tuple[QueueRef, ...]:
        """The agent's skill groups in a domain in order of configuration."""
        queues = (self.queues.get((f"sg:{name}", mrd_id)) for name in agent.skill_groups)
        return tuple(queue.ref for queue in queues if queue is not None)


def _queues(
    settings: RoutingSettings,
    scripts: dict[str, CompiledScript],
    precision: list[tuple[str, int, CompiledPrecisionQueue]],
) -> dict[tuple[str, int], WaitingQueue]:
    """Every queue that can ever hold a task, by label and domain; agents' own queues only where a script names them."""
    queues: dict[tuple[str, int], WaitingQueue] = {}
    for group in settings.skill_groups:
        label = f"sg:{group.name}"
        queues[label, group.mrd] = WaitingQueue(QueueRef(QueueKind.SKILL_GROUP, group.id, label), group.mrd)
    ids = {f"pq:{queue.name}": queue.id for queue in settings.precision_queues}
    for label, mrd_id, compiled in precision:
        ref = QueueRef(QueueKind.PRECISION_QUEUE, ids[label], label)
        queues[label, mrd_id] = WaitingQueue(ref, mrd_id, compiled.levels)
    for script in scripts.values():
        refs = [ref for step in script.steps if isinstance(step, Queue) for ref in step.to]
        for ref in refs:
            if ref.kind is QueueKind.AGENT:
                for mrd in settings.media_routing_domains:
                    queues.setdefault((ref.label, mrd.id), WaitingQueue(ref, mrd.id))
    return queues
