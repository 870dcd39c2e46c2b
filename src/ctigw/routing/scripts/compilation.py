"""Compilation of scripts: what the steps of a call type mean, checked before the first task comes.

Knows the operations of decisions H that this build has, and refuses the others by name (decisions E5); must not know
tasks or queues at run time: `ctigw.routing.scripts.run` carries the steps out. A script that could go round without a
wait is refused here, so that carrying it out always comes to an end.
"""

from collections.abc import Callable

from ctigw.config.routing import CallType, RoutingSettings
from ctigw.routing.precision import compile_precision_queue
from ctigw.routing.queues import PRIORITIES
from ctigw.routing.scripts.loops import endless_branch
from ctigw.routing.scripts.step_reader import LABEL_BYTES, StepReader
from ctigw.routing.scripts.steps import (
    CancelQueue,
    CompiledScript,
    Label,
    Priority,
    Queue,
    Release,
    ReportWait,
    Set,
    Step,
    Wait,
)
from ctigw.routing.scripts.variables import longest_value
from ctigw.routing.terms import (
    QueueKind,
    QueueRef,
)

DEFAULT_PRIORITY = 5
"""Semantics 5.4."""
LONGEST_WAIT_S = 31_536_000
"""One year, as the longest time in queue of `[router]`."""
NOT_BUILT = ("if", "branch_mrd", "schedule", "preferred_agent", "pick_pull", "upstream")
"""Operations of decisions H that this build does not have."""


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
        self._operations: dict[str, tuple[Callable[[StepReader], Step], tuple[str, ...]]] = {
            "queue": (self._queue, ("to", "priority", "on_full")),
            "wait": (lambda read: Wait(read.seconds("seconds", 1, LONGEST_WAIT_S)), ("seconds",)),
            "report_wait": (lambda _: ReportWait(), ()),
            "priority": (lambda read: Priority(read.integer("value", PRIORITIES)), ("value",)),
            "cancel_queue": (lambda _: CancelQueue(), ()),
            "set": (_set, ("variable", "value")),
            "label": (lambda read: Label(read.text("value", LABEL_BYTES)), ("value",)),
            "release": (lambda read: Release(read.integer("cause", range(2**31), 0)), ("cause",)),
        }

    def compile(self) -> tuple[Step, ...]:
        """All steps in order."""
        readers = [
            StepReader(self._call_type.name, index, step, self._labels)
            for index, step in enumerate(self._call_type.script)
        ]
        for index, read in enumerate(readers):
            if "label" in read.step:
                label = read.text("label", LABEL_BYTES)
                if label in self._labels:
                    read.refuse("this label is given twice", key="label", value=label)
                self._labels[label] = index
        steps = tuple(self._step(read) for read in readers)
        endless = endless_branch(steps)
        if endless is not None:
            readers[endless].refuse("the script can come back here without passing a wait", key="on_full")
        return steps

    def _step(self, read: StepReader) -> Step:
        known = self._operations.get(read.operation)
        if known is None:
            problem = "this build does not have this step" if read.operation in NOT_BUILT else "there is no such step"
            read.refuse(problem, key="op", value=read.step.get("op"), allowed=", ".join(self._operations))
        build, keys = known
        read.allow(keys)
        return build(read)

    def _queue(self, read: StepReader) -> Queue:
        to = read.step.get("to")
        if not isinstance(to, list | tuple) or not to:
            read.refuse("names no queue", key="to", value=to, allowed="a list of sg:NAME, pq:NAME, agent:ID")
        refs = []
        for label in to:
            if label not in self._targets:
                read.refuse("there is no such queue", key="to", value=label)
            ref = self._targets[label]
            if ref is None:
                read.refuse("several peripherals have an agent with this number", key="to", value=label)
            refs.append(ref)
        if len(set(refs)) < len(refs):
            read.refuse("names a queue twice", key="to", value=to)
        return Queue(tuple(refs), read.integer("priority", PRIORITIES, DEFAULT_PRIORITY), read.goto("on_full"))


def _set(read: StepReader) -> Set:
    variable = read.variable("variable")
    return Set(variable, read.text("value", longest_value(variable), empty=True))
