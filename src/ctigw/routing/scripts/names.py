"""What an expression of a script may name: variables, queues, and the task's own place (decisions H).

Knows which names there are and of which kind; must not know tasks: `ctigw.routing.scripts.conditions` gives values.

    call.N, ecc.NAME                    text of a variable; a task without it makes the comparison false
    queue.LABEL.depth                   tasks in the queue; LABEL is sg:NAME, pq:NAME or agent:ID
    queue.LABEL.oldest_s                seconds that its longest waiting task has been in it; 0 when it is empty
    queue.LABEL.agents_available        agents of the queue who could be given a task now
    mrd                                 name of the task's domain
    service                             ServiceRequested of its NEW_TASK: 2 transfer, 3 RONA, ...
    priority                            its best priority over the queues where it stands; none: the comparison is false
    time_in_queue_s                     seconds since it began to wait; 0 when it stands in no queue

[OURS] The last four stand beside the names of decisions H, because scripts restore fairness to tasks that come again
(semantics 3.5). A label with other characters than letters, digits, `_.:-` cannot be named.
"""

from collections.abc import Container, Mapping
from typing import Final

from ctigw.routing.expressions import Expression, ExpressionError, KindOf, Value, parse
from ctigw.routing.scripts.variables import is_variable

QUEUE: Final = "queue."
DEPTH, OLDEST_S, AGENTS_AVAILABLE = "depth", "oldest_s", "agents_available"
MRD, SERVICE, PRIORITY, TIME_IN_QUEUE_S = "mrd", "service", "priority", "time_in_queue_s"

_OF_QUEUES: Final[Mapping[str, type[Value]]] = {DEPTH: int, OLDEST_S: float, AGENTS_AVAILABLE: int}
_OF_TASKS: Final[Mapping[str, type[Value]]] = {MRD: str, SERVICE: int, PRIORITY: int, TIME_IN_QUEUE_S: float}


def split_queue_name(name: str) -> tuple[str, str]:
    """Label and property of `queue.LABEL.property`."""
    label, _, what = name.removeprefix(QUEUE).rpartition(".")
    return label, what


def kinds_of_names(labels: Container[str]) -> KindOf:
    """The kind of every name of scripts, where `labels` are the queues that there are."""

    def kind_of(name: str) -> type[Value] | None:
        if name.startswith(QUEUE):
            label, what = split_queue_name(name)
            return _OF_QUEUES.get(what) if label in labels else None
        return str if is_variable(name) else _OF_TASKS.get(name)

    return kind_of


def parse_condition(text: object, kind_of: KindOf) -> Expression:
    """Parse `when` or `consider_if`. Raises ExpressionError."""
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError("is no expression")
    return parse(text, kind_of)
