"""Compilation of scripts: what the steps of a call type mean, checked before the first task comes.

Knows the operations of decisions H that this build has, and refuses the others by name (decisions E5); must not know
tasks or queues at run time: `ctigw.routing.scripts.run` carries the steps out. A script that could go round without a
wait is refused here, so that carrying it out always comes to an end.
"""

from collections.abc import Callable
from typing import TypeVar

from ctigw.config.routing import CallType, RoutingSettings
from ctigw.routing.precision import compile_precision_queue
from ctigw.routing.queues import PRIORITIES
from ctigw.routing.scripts.local_time import Zone
from ctigw.routing.scripts.loops import endless_branch
from ctigw.routing.scripts.schedule import parse_open_hours
from ctigw.routing.scripts.site import Site
from ctigw.routing.scripts.step_reader import LABEL_BYTES, StepReader
from ctigw.routing.scripts.steps import (
    BranchMrd,
    CancelQueue,
    CompiledScript,
    If,
    Label,
    PickPull,
    PreferredAgent,
    Priority,
    Queue,
    Release,
    ReportWait,
    Schedule,
    Set,
    Step,
    Wait,
)
from ctigw.routing.scripts.variables import longest_value

Made = TypeVar("Made")

DEFAULT_PRIORITY = 5
"""Semantics 5.4."""
STICKY_WAIT_S = 14_400.0
"""Four hours: the sticky agent's timeout by default (semantics 5.2)."""
LONGEST_TEXT = 4096
"""Characters of open hours, as of an expression."""
LONGEST_WAIT_S = 31_536_000
"""One year, as the longest time in queue of `[router]`."""
NOT_BUILT = ("upstream",)
"""Operations of decisions H that this build does not have."""


def compile_scripts(settings: RoutingSettings) -> dict[str, CompiledScript]:
    """Compile every call type, by name; check the precision queues along with them.

    Raises ConfigurationError that names call type, step number (from 1) and operation, or queue and step.
    """
    site = Site(settings)
    for precision_queue in settings.precision_queues:
        compile_precision_queue(precision_queue, settings.attributes, site.kind_of)
    return {
        call_type.name: CompiledScript(
            call_type.name,
            number if call_type.id is None else call_type.id,
            _Compiler(call_type, site).compile(),
        )
        for number, call_type in enumerate(settings.call_types, start=1)
    }


_SCHEDULE_KEYS = {
    "zone": "a zone of the IANA time zone database, e.g. Europe/Berlin",
    "open": "open hours, e.g. Mo-Fr 08:00-12:00, 13:00-18:00; Sa 22:00-02:00",
}
_BRANCHING: dict[type[Step], str] = {Queue: "on_full", If: "goto", Schedule: "goto", BranchMrd: "cases"}
"""The key by which a step leads elsewhere."""


class _Compiler:
    """One call type's script."""

    def __init__(self, call_type: CallType, site: Site) -> None:
        self._call_type = call_type
        self._site = site
        self._labels: dict[str, int] = {}
        kind_of = site.kind_of
        self._operations: dict[str, tuple[Callable[[StepReader], Step], tuple[str, ...]]] = {
            "queue": (self._queue, ("to", "priority", "on_full")),
            "wait": (lambda read: Wait(read.seconds("seconds", 1, LONGEST_WAIT_S)), ("seconds",)),
            "report_wait": (lambda _: ReportWait(), ()),
            "priority": (lambda read: Priority(read.integer("value", PRIORITIES)), ("value",)),
            "cancel_queue": (lambda _: CancelQueue(), ()),
            "set": (_set, ("variable", "value")),
            "label": (lambda read: Label(read.text("value", LABEL_BYTES)), ("value",)),
            "release": (lambda read: Release(read.integer("cause", range(2**31), 0)), ("cause",)),
            "if": (lambda read: If(read.expression("when", kind_of), read.led_to("goto")), ("when", "goto")),
            "branch_mrd": (self._branch_mrd, ("cases", "otherwise")),
            "preferred_agent": (_preferred_agent, ("wait_s", "key", "queue_if_not_logged_in", "priority")),
            "pick_pull": (lambda _: PickPull(), ()),
            "schedule": (_schedule, ("zone", "open", "goto")),
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
            readers[endless].refuse(
                "the script can come back here without passing a wait", key=_BRANCHING[type(steps[endless])]
            )
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
            if label not in self._site.targets:
                read.refuse("there is no such queue", key="to", value=label)
            ref = self._site.targets[label]
            if ref is None:
                read.refuse("several peripherals have an agent with this number", key="to", value=label)
            refs.append(ref)
        if len(set(refs)) < len(refs):
            read.refuse("names a queue twice", key="to", value=to)
        return Queue(tuple(refs), read.integer("priority", PRIORITIES, DEFAULT_PRIORITY), read.goto("on_full"))

    def _branch_mrd(self, read: StepReader) -> BranchMrd:
        """One domain is in one branch (semantics 6.1): TOML refuses a key that stands twice."""
        cases = read.step.get("cases")
        names = self._site.mrds
        if not isinstance(cases, dict) or not cases:
            read.refuse("names no domain", key="cases", value=cases, allowed="{ DOMAIN = LABEL, ... }")
        for name in cases:
            if name not in names:
                read.refuse("there is no such domain", key="cases", value=name, allowed=", ".join(names))
        by_id = {names[name]: read.labelled("cases", label) for name, label in cases.items()}
        return BranchMrd(by_id, read.goto("otherwise"))


def _preferred_agent(read: StepReader) -> PreferredAgent:
    return PreferredAgent(
        read.seconds("wait_s", 0, LONGEST_WAIT_S, STICKY_WAIT_S),
        read.variable("key") if "key" in read.step else None,
        read.boolean("queue_if_not_logged_in", default=False),
        read.integer("priority", PRIORITIES, DEFAULT_PRIORITY),
    )


def _schedule(read: StepReader) -> Schedule:
    return Schedule(_made(read, "zone", Zone), _made(read, "open", parse_open_hours), read.led_to("goto"))


def _made(read: StepReader, key: str, make: Callable[[str], Made]) -> Made:
    text = read.text(key, LONGEST_TEXT)
    try:
        return make(text)
    except ValueError as error:
        read.refuse(str(error), key=key, value=text, allowed=_SCHEDULE_KEYS[key])


def _set(read: StepReader) -> Set:
    variable = read.variable("variable")
    return Set(variable, read.text("value", longest_value(variable), empty=True))
