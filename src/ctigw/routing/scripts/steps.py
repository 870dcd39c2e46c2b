"""The steps of a script as values: compilation makes them, carrying out reads them.

Knows the operations of decisions H that this build has; must not know how they are written nor what they do.
"""

import attrs

from ctigw.routing.expressions import Expression
from ctigw.routing.scripts.local_time import Zone
from ctigw.routing.scripts.schedule import OpenHours
from ctigw.routing.terms import QueueRef


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


@attrs.frozen
class PreferredAgent:
    """Give the task to the agent preferred, or wait for that agent."""

    wait_s: float
    key: str | None
    """Variable by which the last agent is found; None: only whom the application named."""
    queue_if_not_logged_in: bool
    priority: int


@attrs.frozen
class PickPull:
    """Let the agent who asks for the task have it."""


@attrs.frozen
class If:
    """Go on elsewhere when a condition holds."""

    when: Expression
    goto: int


@attrs.frozen
class BranchMrd:
    """Go on where the task's domain says."""

    cases: dict[int, int]
    """Index of a step by id of the domain."""
    otherwise: int | None
    """For the other domains; None: the next step."""


@attrs.frozen(eq=False)
class Schedule:
    """Go on elsewhere within open hours."""

    zone: Zone
    open: OpenHours
    goto: int


Step = (
    Queue
    | Wait
    | ReportWait
    | Priority
    | CancelQueue
    | Set
    | Label
    | Release
    | If
    | BranchMrd
    | Schedule
    | PreferredAgent
    | PickPull
)


@attrs.frozen(eq=False)
class CompiledScript:
    """A call type ready to be carried out."""

    name: str
    call_type_id: int
    steps: tuple[Step, ...]
