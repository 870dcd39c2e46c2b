"""Answers of a replay held against the captured ones.

Knows how a received message finds the captured one that it stands for (the first one on its connection that is equal
but for what may differ), how ids that the server chose are mapped while messages are matched, and what is left over.
Must not know sockets or clocks: the player says what came, and when it has waited long enough. Rules: design 5.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from ctigw.errors import EncodeError
from ctigw.replay.leaves import Kind, Leaf, leaves, message_key, with_ids
from ctigw.replay.mask import Mask
from ctigw.replay.plan import Action, Plan, Step, Told
from ctigw.wire.json_form import Json, frame_from_json

_NO_TASKS: Final = ([-1, -1, -1], [0, 0, 0])
_KNOWN_EVERYWHERE: Final = frozenset({Kind.TASK, Kind.SESSION, Kind.PORT})
_SUBJECTS: Final = frozenset({"DialogueID", "TaskID", "ICMTaskID", "RouterCallKey", "ICMAgentID", "AgentID"})
"""Messages that agree in one of these are about the same thing; their order counts."""


@attrs.frozen
class Difference:
    """One thing that is not as in the capture."""

    connection: int
    step: Step | None
    """The captured message; None: there is none."""
    title: str
    problem: str
    details: tuple[str, ...] = ()


@attrs.define(eq=False)
class _Expected:
    """A captured message of the server that has not come yet."""

    step: Step
    message: Told
    leaves: list[Leaf]
    burst: int | None
    """Which requests that were sent together it follows; None: it follows a single one."""
    overtaken_by: "tuple[_Expected, int] | None" = None
    """The first later message about the same thing that came, and its place among all that came."""


@attrs.define(eq=False)
class _Received:
    place: int
    """Among all messages that came."""
    message: Told
    leaves: list[Leaf]
    excused: bool
    """It is no difference that the capture does not have it."""


@attrs.define
class _Connection:
    expected: list[_Expected] = attrs.Factory(list)
    received: list[_Received] = attrs.Factory(list)
    """What stands for no captured message yet."""
    leaves: bool = False
    """The client is about to close: what the server still says beyond what was captured is no difference."""


Identity = tuple[Kind, int, str]
"""Kind, connection that it is known on (-1 for what is known on all of them), captured value."""


class Comparison:
    """Compares the answers of one replay."""

    def __init__(self, plan: Plan, mask: Mask) -> None:
        """Everything that the plan expects is outstanding."""
        self._mask = mask
        self._connections = [_Connection() for _ in plan.connections]
        self._ids: dict[Identity, Json] = {}
        self._taken: set[Identity] = set()
        """New values that stand for a captured one already."""
        self.differences: list[Difference] = []
        self._came = 0
        self.compared = 0
        """Messages that came and stand for a captured one."""
        for step, burst in _bursts(plan):
            if step.action is Action.EXPECT and step.message is not None and not self._ignored(step.message):
                expected = _Expected(step, step.message, leaves(step.message), burst)
                self._connections[step.connection].expected.append(expected)

    def _ignored(self, message: Told) -> bool:
        return message_key(message) in self._mask.ignore

    # ---- what the player asks

    def frame(self, step: Step) -> bytes:
        """What to send for a SEND step: the captured bytes, with the ids that the server has chosen this time."""
        if step.message is None:
            return step.frame
        entry = with_ids(step.message, lambda kind, value: self._now(kind, step.connection, value))
        if entry == dict(step.message.entry):
            return step.frame
        try:
            return frame_from_json(entry)
        except EncodeError:  # it was decoded from bytes: only an id that does not fit the field can do this
            return step.frame

    def receive(self, connection: int, message: Told) -> None:
        """Take a message of the server."""
        if self._ignored(message):
            return
        self._came += 1
        received = _Received(self._came, message, leaves(message), self._connections[connection].leaves)
        for expected in self._connections[connection].expected:
            if expected.message.name == message.name and not self._differ(expected, received, bind=False):
                self._match(connection, expected, received)
                return
        self._connections[connection].received.append(received)

    def is_outstanding(self, step: Step) -> bool:
        """Whether the captured message of an EXPECT step has not come yet."""
        return any(expected.step is step for expected in self._connections[step.connection].expected)

    def has_candidate(self, step: Step) -> bool:
        """Whether something of the same name has come that stands for no captured message."""
        received = self._connections[step.connection].received
        return step.message is not None and any(each.message.name == step.message.name for each in received)

    def settle(self, step: Step) -> None:
        """Wait no longer for an EXPECT step: what came of the same name is what differs, otherwise it is missing."""
        connection = self._connections[step.connection]
        expected = next((each for each in connection.expected if each.step is step), None)
        if expected is None:
            return
        candidates = [each for each in connection.received if each.message.name == expected.message.name]
        if not candidates:
            connection.expected.remove(expected)
            self._report(step.connection, step, expected.message, "is missing")
            return
        best = min(candidates, key=lambda each: len(self._differ(expected, each, bind=False)))
        connection.received.remove(best)
        self._match(step.connection, expected, best)

    def leave(self, connection: int) -> None:
        """From now on it is no difference when more comes on a connection than the capture has."""
        self._connections[connection].leaves = True

    def note(self, step: Step, problem: str) -> None:
        """Report that a step itself went otherwise."""
        title = step.message.title if step.message is not None else "the connection"
        self.differences.append(Difference(step.connection, step, title, problem))

    def finish(self) -> None:
        """Report what came and stands for nothing in the capture."""
        for number, connection in enumerate(self._connections):
            for received in connection.received:
                if received.excused:
                    continue
                self._report(number, None, received.message, "is not in the capture")
            connection.received.clear()

    # ---- matching

    def _match(self, number: int, expected: _Expected, received: _Received) -> None:
        connection = self._connections[number]
        details = self._differ(expected, received, bind=True)
        self._overtake(connection.expected, expected, received.place)
        connection.expected.remove(expected)
        self.compared += 1
        if details:
            self.differences.append(
                Difference(number, expected.step, expected.message.title, "differs", tuple(details))
            )
        if expected.overtaken_by is not None and received.place > expected.overtaken_by[1]:
            problem = f"came after {expected.overtaken_by[0].message.title}, in the capture before it"
            self.differences.append(Difference(number, expected.step, expected.message.title, problem))

    def _overtake(self, outstanding: Sequence[_Expected], expected: _Expected, place: int) -> None:
        """Remember for captured messages about the same thing that this later one has come first."""
        if self._mask.order == "free":
            return
        subjects = _subjects(expected.leaves)
        for each in outstanding[: outstanding.index(expected)]:
            together = expected.burst is not None and each.burst == expected.burst
            if each.overtaken_by is None and not together and subjects & _subjects(each.leaves):
                each.overtaken_by = (expected, place)

    def _differ(self, expected: _Expected, received: _Received, *, bind: bool) -> list[str]:
        """Readable differences. Ids that are met for the first time are bound when `bind` says so."""
        new = {leaf.path: leaf for leaf in received.leaves}
        bound: dict[Identity, Json] = {}
        found: list[str] = []
        for leaf in expected.leaves:
            other = new.pop(leaf.path, None)
            if self._mask.passes_over(message_key(expected.message), leaf.field, leaf.type_name):
                continue
            if other is None:
                found.append(f"{leaf.path}: captured {leaf.value!r}, now absent")
            elif not self._same(leaf, other, expected.step.connection, bound):
                captured = self._now(leaf.kind, expected.step.connection, leaf.value)
                mapped = f" (now {captured!r})" if captured != leaf.value else ""
                found.append(f"{leaf.path}: captured {leaf.value!r}{mapped}, received {other.value!r}")
        for other in new.values():
            if not self._mask.passes_over(message_key(expected.message), other.field, other.type_name):
                found.append(f"{other.path}: not in the capture, received {other.value!r}")
        if bind:
            self._ids |= bound
            self._taken |= {(kind, scope, str(value)) for (kind, scope, _), value in bound.items()}
        return found

    def _same(self, leaf: Leaf, other: Leaf, connection: int, bound: dict[Identity, Json]) -> bool:
        identity = _identity(leaf.kind, connection, leaf.value)
        if identity is None or _identity(leaf.kind, connection, other.value) is None:
            return leaf.value == other.value
        known = bound.get(identity, self._ids.get(identity))
        if known is not None:
            return known == other.value
        taken = {(kind, scope, str(value)) for (kind, scope, _), value in bound.items()} | self._taken
        if (*identity[:2], str(other.value)) in taken:
            return False
        bound[identity] = other.value
        return True

    def _now(self, kind: Kind, connection: int, value: Json) -> Json:
        identity = _identity(kind, connection, value)
        return value if identity is None else self._ids.get(identity, value)

    def _report(self, number: int, step: Step | None, message: Told, problem: str) -> None:
        details = tuple(f"{leaf.path}: {leaf.value!r}" for leaf in leaves(message) if leaf.field in _SUBJECTS)
        self.differences.append(Difference(number, step, message.title, problem, details))


def _bursts(plan: Plan) -> Iterator[tuple[Step, int | None]]:
    """Every step with the burst that it follows: requests with no answer between them, on whatever connections.

    In which order a server takes what is sent together is chance, and so is the order of its answers.
    """
    first, sends = 0, 0
    for number, step in enumerate(plan.steps):
        if step.action is Action.SEND:
            follows = number > 0 and plan.steps[number - 1].action is Action.SEND
            first, sends = (first, sends + 1) if follows else (number, 1)
        yield step, first if sends > 1 else None


def _identity(kind: Kind, connection: int, value: Json) -> Identity | None:
    """Under which a value of the server is known; None for what is compared as it is."""
    if kind is Kind.PLAIN or value in (0, None) or value in _NO_TASKS:
        return None
    return kind, -1 if kind in _KNOWN_EVERYWHERE else connection, str(value)


def _subjects(of: Sequence[Leaf]) -> set[str]:
    """What a message is about; task ids are the same thing under every name."""
    return {
        f"{'task' if leaf.kind is Kind.TASK else leaf.field} {leaf.value}" for leaf in of if leaf.field in _SUBJECTS
    }
