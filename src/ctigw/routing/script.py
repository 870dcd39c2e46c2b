"""Scripts: what the steps of a call type mean, checked before the first task comes.

Knows the operations of decisions H that this build has, and refuses the others by name (decisions E5); must not know
tasks or queues at run time: `ctigw.routing.script_run` carries the steps out. A script that could go round without a
wait is refused here, so that carrying it out always comes to an end.
"""

from collections.abc import Callable
from typing import NoReturn

import attrs

from ctigw.config.routing import CallType, RoutingSettings, ScriptStep
from ctigw.errors import ConfigurationError
from ctigw.routing.inputs import TaskContext, Variable
from ctigw.routing.precision import compile_precision_queue
from ctigw.routing.queues import PRIORITIES
from ctigw.routing.terms import (
    QueueKind,
    QueueRef,
)

DEFAULT_PRIORITY = 5
"""Semantics 5.4."""
LONGEST_WAIT_S = 31_536_000
"""One year, as the longest time in queue of `[router]`."""
LABEL_BYTES = 40
"""Longest Label on the wire (mr-wire section g)."""
CALL_VARIABLE_BYTES = 40
ECC_VALUE_BYTES = 210
ECC_NAME_BYTES = 32
"""Semantics 6.2."""
ECC = "ecc."
"""What the name of an ECC variable begins with in scripts and contexts."""
CONTEXT_BYTES = 2_000
"""Call variables, ECC names and ECC values of one task together (decisions D3, semantics 6.2)."""
NOT_BUILT = ("if", "branch_mrd", "schedule", "preferred_agent", "pick_pull", "upstream")
"""Operations of decisions H that this build does not have."""


@attrs.frozen
class Queue:
    """Put the task into queues, or give it to an agent who is free there."""

    to: tuple[QueueRef, ...]
    priority: int
    on_full: int | None
    """Index of the step to go on with when the queues are full; None: the task fails."""


@attrs.frozen
class Wait:
    """Stay in the queues for a time."""

    seconds: float


@attrs.frozen
class ReportWait:
    """Tell the application the estimated wait time."""


@attrs.frozen
class Priority:
    """Change the priority in every queue."""

    value: int


@attrs.frozen
class CancelQueue:
    """Leave every queue."""


@attrs.frozen
class Set:
    """Set a variable."""

    variable: str
    value: str


@attrs.frozen
class Label:
    """Answer with a label."""

    value: str


@attrs.frozen
class Release:
    """Give the task back with a cause."""

    cause: int


Step = Queue | Wait | ReportWait | Priority | CancelQueue | Set | Label | Release


@attrs.frozen(eq=False)
class CompiledScript:
    """A call type ready to be carried out."""

    name: str
    call_type_id: int
    steps: tuple[Step, ...]


def with_variable(context: TaskContext, variables: tuple[Variable, ...]) -> TaskContext | None:
    """The context with `variables` set: a known one keeps its turn, a new one comes last (decisions D3).

    None when it would hold more than `CONTEXT_BYTES`: what no message could carry must not be taken over.
    """
    merged = {(variable.name, variable.element): variable for variable in context.variables}
    merged.update({(variable.name, variable.element): variable for variable in variables})
    values = sum(len(variable.value) for variable in merged.values())
    names = sum(len(name) - len(ECC) for name in {name for name, _ in merged} if name.startswith(ECC))
    if values + names > CONTEXT_BYTES:
        return None
    return attrs.evolve(context, variables=tuple(merged.values()))


def _is_ecc_name(variable: str) -> bool:
    """Whether a wire can carry the name: Latin-1, no NUL, not too long (semantics 6.2)."""
    name = variable.removeprefix(ECC)
    fits = 0 < len(name) <= ECC_NAME_BYTES and all(0 < ord(character) < 256 for character in name)
    return variable.startswith(ECC) and fits


def compile_scripts(settings: RoutingSettings) -> dict[str, CompiledScript]:
    """Compile every call type, by name; check the precision queues along with them.

    Raises ConfigurationError that names call type, step number (from 1) and operation, or queue and step.
    """
    for precision_queue in settings.precision_queues:
        compile_precision_queue(precision_queue, settings.attributes)
    targets = _targets(settings)
    return {
        call_type.name: CompiledScript(
            call_type.name,
            number if call_type.id is None else call_type.id,
            _Compiler(call_type, targets).compile(),
        )
        for number, call_type in enumerate(settings.call_types, start=1)
    }


def _targets(settings: RoutingSettings) -> dict[str, QueueRef | None]:
    """Every queue that a script may name; None where several agents have the number."""
    targets: dict[str, QueueRef | None] = {}
    for group in settings.skill_groups:
        targets[f"sg:{group.name}"] = QueueRef(QueueKind.SKILL_GROUP, group.id, f"sg:{group.name}")
    for queue in settings.precision_queues:
        targets[f"pq:{queue.name}"] = QueueRef(QueueKind.PRECISION_QUEUE, queue.id, f"pq:{queue.name}")
    for agent in settings.agents:
        label = f"agent:{agent.id}"
        targets[label] = None if label in targets else QueueRef(QueueKind.AGENT, agent.skill_target_id, label)
    return targets


class _Compiler:
    """One call type's script."""

    def __init__(self, call_type: CallType, targets: dict[str, QueueRef | None]) -> None:
        self._call_type = call_type
        self._targets = targets
        self._labels: dict[str, int] = {}
        self._operations: dict[str, tuple[Callable[[ScriptStep], Step], frozenset[str]]] = {
            "queue": (self._queue, frozenset({"to", "priority", "on_full"})),
            "wait": (self._wait, frozenset({"seconds"})),
            "report_wait": (lambda _: ReportWait(), frozenset()),
            "priority": (lambda step: Priority(self._integer(step, "value", PRIORITIES)), frozenset({"value"})),
            "cancel_queue": (lambda _: CancelQueue(), frozenset()),
            "set": (self._set, frozenset({"variable", "value"})),
            "label": (lambda step: Label(self._text(step, "value", LABEL_BYTES)), frozenset({"value"})),
            "release": (self._release, frozenset({"cause"})),
        }
        self._number = 0
        self._operation = ""

    def compile(self) -> tuple[Step, ...]:
        """All steps in order."""
        script = self._call_type.script
        for index, step in enumerate(script):
            self._number, self._operation = index + 1, str(step.get("op", ""))
            if "label" in step and self._text(step, "label", LABEL_BYTES) in self._labels:
                self._refuse("this label is given twice", key="label", value=step["label"])
            if "label" in step:
                self._labels[step["label"]] = index
        steps = tuple(self._step(index, step) for index, step in enumerate(script))
        self._refuse_endless_loops(steps)
        return steps

    def _step(self, index: int, step: ScriptStep) -> Step:
        self._number, self._operation = index + 1, str(step.get("op", ""))
        if self._operation not in self._operations:
            problem = "this build does not have this step" if self._operation in NOT_BUILT else "there is no such step"
            self._refuse(problem, key="op", value=step.get("op"), allowed=", ".join(self._operations))
        build, keys = self._operations[self._operation]
        for name in step:
            if name not in keys and name not in ("op", "label"):
                self._refuse("the step has no such key", key=name, allowed=", ".join(sorted(keys)) or "no key")
        return build(step)

    def _queue(self, step: ScriptStep) -> Queue:
        to = step.get("to")
        if not isinstance(to, list | tuple) or not to:
            self._refuse("names no queue", key="to", value=to, allowed="a list of sg:NAME, pq:NAME, agent:ID")
        refs = []
        for label in to:
            if label not in self._targets:
                self._refuse("there is no such queue", key="to", value=label)
            ref = self._targets[label]
            if ref is None:
                self._refuse("several peripherals have an agent with this number", key="to", value=label)
            refs.append(ref)
        if len(set(refs)) < len(refs):
            self._refuse("names a queue twice", key="to", value=to)
        priority = self._integer(step, "priority", PRIORITIES, DEFAULT_PRIORITY)
        return Queue(tuple(refs), priority, self._goto(step, "on_full"))

    def _wait(self, step: ScriptStep) -> Wait:
        seconds = step.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= LONGEST_WAIT_S:
            self._refuse("is no length of time", key="seconds", value=seconds, allowed=f"1 to {LONGEST_WAIT_S}")
        return Wait(float(seconds))

    def _set(self, step: ScriptStep) -> Set:
        variable = step.get("variable")
        if not isinstance(variable, str):
            self._refuse("names no variable", key="variable", value=variable, allowed="call.1 to call.10, ecc.NAME")
        call_variables = {f"call.{number}" for number in range(1, 11)}
        allowed = f"call.1 to call.10, ecc.NAME with a NAME of 1 to {ECC_NAME_BYTES} Latin-1 characters"
        if variable not in call_variables and not _is_ecc_name(variable):
            self._refuse("is no variable", key="variable", value=variable, allowed=allowed)
        longest = CALL_VARIABLE_BYTES if variable in call_variables else ECC_VALUE_BYTES
        return Set(variable, self._text(step, "value", longest, empty=True))

    def _release(self, step: ScriptStep) -> Release:
        return Release(self._integer(step, "cause", range(2**31), 0))

    def _goto(self, step: ScriptStep, name: str) -> int | None:
        if name not in step:
            return None
        if step[name] not in self._labels:
            self._refuse("no step has this label", key=name, value=step[name])
        return self._labels[step[name]]

    def _integer(self, step: ScriptStep, name: str, allowed: range, default: int | None = None) -> int:
        value = step.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            self._refuse("is out of range", key=name, value=value, allowed=f"{allowed.start} to {allowed.stop - 1}")
        return value

    def _text(self, step: ScriptStep, name: str, longest: int, *, empty: bool = False) -> str:
        value = step.get(name)
        allowed = f"text of at most {longest} Latin-1 bytes"
        if not isinstance(value, str) or (not value and not empty) or "\0" in value:
            self._refuse("is no such text", key=name, value=value, allowed=allowed)
        try:
            size = len(value.encode("latin-1"))
        except UnicodeEncodeError:
            self._refuse("has characters outside Latin-1", key=name, value=value, allowed=allowed)
        if size > longest:
            self._refuse("is too long", key=name, value=value, allowed=allowed)
        return value

    def _refuse_endless_loops(self, steps: tuple[Step, ...]) -> None:
        """Every way round must pass a `wait`: without the waits the steps must have an order."""
        after: list[tuple[int, ...]] = []
        for index, step in enumerate(steps):
            following = [] if isinstance(step, Wait | Label | Release) else [index + 1]
            if isinstance(step, Queue) and step.on_full is not None:
                following.append(step.on_full)
            after.append(tuple(target for target in following if target < len(steps)))
        settled: set[int] = set()
        while True:
            ready = [i for i in range(len(steps)) if i not in settled and settled.issuperset(after[i])]
            if not ready:
                break
            settled.update(ready)
        for index in range(len(steps)):
            if index not in settled:
                self._number, self._operation = index + 1, str(self._call_type.script[index]["op"])
                self._refuse("the script can come back here without passing a wait", key="on_full")

    def _refuse(self, problem: str, *, key: str, value: object = None, allowed: str | None = None) -> NoReturn:
        raise ConfigurationError(
            problem,
            table=f"call_type {self._call_type.name}, step {self._number} ({self._operation or 'no op'})",
            key=key,
            value=value,
            allowed=allowed,
        )
