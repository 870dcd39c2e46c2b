"""Ways round in a script: each must pass a `wait`, so that carrying a script out always comes to an end.

Knows which steps may follow which; must not know anything else about them (decisions H).
"""

from collections.abc import Sequence

from ctigw.routing.scripts.steps import BranchMrd, If, Label, Queue, Release, Schedule, Step, Wait


def branches(step: Step) -> tuple[int, ...]:
    """Where a step may lead to, other than to the next one."""
    match step:
        case Queue(on_full=int(target)):
            return (target,)
        case If() | Schedule():
            return (step.goto,)
        case BranchMrd(cases, otherwise):
            return (*cases.values(), *(() if otherwise is None else (otherwise,)))
    return ()


def endless_branch(steps: Sequence[Step]) -> int | None:
    """Index of a step whose branch closes a way round without a wait; None: there is none.

    Without the waits the steps must have an order: take away again and again what leads nowhere any more.
    """
    number = len(steps)
    after = [tuple(target for target in _following(index, step) if target < number) for index, step in enumerate(steps)]
    before: list[list[int]] = [[] for _ in steps]
    for index, targets in enumerate(after):
        for target in targets:
            before[target].append(index)
    left = [len(targets) for targets in after]
    ready = [index for index in range(number) if not left[index]]
    ordered: set[int] = set()
    while ready:
        done = ready.pop()
        ordered.add(done)
        for index in before[done]:
            left[index] -= 1
            if not left[index]:
                ready.append(index)
    for index, step in enumerate(steps):
        if any(target not in ordered and target <= index for target in branches(step)) and index not in ordered:
            return index
    return None


def _following(index: int, step: Step) -> tuple[int, ...]:
    return () if isinstance(step, Wait | Label | Release) else (index + 1, *branches(step))
