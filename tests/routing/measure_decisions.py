"""Measures decisions: `python tests/routing/measure_decisions.py`. Not a test: the numbers depend on the machine.

Prints the median time of each kind of decision at 25 agents and 100 queued tasks and at 2,500 and 100,000, and their
ratio (performance, targets), best of three interleaved runs.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator

from ctigw.config.routing import RouterSettings, SkillGroup
from ctigw.routing import events, inputs
from ctigw.routing.engine import Engine
from ctigw.routing.facts import Event
from ctigw.routing.inputs import DialogueKey, Input, NewTask, Origin, TaskContext, TaskId, Variable
from routing_site import CHAT, DESKTOP, EMAIL, PATH, START, WEB, Script, agent, settings

GROUPS = 10
ROUNDS = 3000
NAMES = tuple(f"call.{number}" for number in range(1, 11))


def site(agents: int) -> Engine:
    """Ten groups; every agent is in three of them."""
    own = [f"g{number}" for number in range(GROUPS)]
    scripts: dict[str, Script] = {
        f"s{number}": [{"op": "queue", "to": [f"sg:{name}"]}] for number, name in enumerate(own)
    }
    scripts["label"] = [{"op": "label", "value": "LBL"}]
    engine = Engine(
        settings(
            scripts,
            agents=tuple(agent(n, (own[n % GROUPS], own[(n + 1) % GROUPS], "chat")) for n in range(1, agents + 1)),
            groups=tuple(SkillGroup(name, 100 + number, CHAT) for number, name in enumerate(own)),
            router=RouterSettings(max_tasks_in_queue=1_000_000),
            email={"id": EMAIL},
        )
    )
    engine.handle(inputs.RoutingClientOpened(WEB, "webchat"), START)
    engine.handle(inputs.ArmClientOpened(DESKTOP, PATH), START)
    return engine


def sign_in(engine: Engine, agents: int, limit: int) -> None:
    for number in range(1, agents + 1):
        engine.handle(inputs.MediaLogin(Origin(DESKTOP, 1), PATH, CHAT, number, True, limit), START)
        engine.handle(inputs.MakeAgentReady(Origin(DESKTOP, 2), PATH, CHAT, number), START)


def new_tasks(selectors: int = GROUPS, name: str = "") -> Iterator[NewTask]:
    """Tasks with ten variables each."""
    number = 0
    while True:
        number += 1
        variables = tuple(Variable(variable, None, f"value {number} of {variable}") for variable in NAMES)
        context = TaskContext(name or f"s{number % selectors}", variables)
        yield NewTask(DialogueKey(WEB, number), context)


def timed(handle: Callable[[Input, float], list[Event]], item: Input) -> tuple[float, list[Event]]:
    begin = time.perf_counter()
    happened = handle(item, START + 1)
    return (time.perf_counter() - begin) * 1e6, happened


def measure(agents: int, tasks: int) -> dict[str, float]:
    """Median microseconds by kind of decision."""
    times: dict[str, list[float]] = {"queue": [], "end and next": [], "free agent": [], "label": []}
    busy, asking = site(agents), new_tasks()
    for _ in range(tasks):
        busy.handle(next(asking), START)
    having: dict[int, TaskId] = {}
    sign_in(busy, agents, 1)
    for event in busy.pending_pre_calls(PATH):
        having[event.skill_target_id] = event.task_id
    numbers = sorted(having)
    free, asking_free, asking_label = site(agents), new_tasks(), new_tasks(name="label")
    sign_in(free, agents, 1000)
    for _ in range(agents + 1000):
        free.handle(next(asking_free), START)
    gc.collect()
    gc.freeze()
    for turn in range(ROUNDS):
        number = numbers[turn % len(numbers)]
        took, happened = timed(busy.handle, inputs.EndTask(Origin(DESKTOP, 3), PATH, CHAT, number, having[number]))
        times["end and next"].append(took)
        having.update((e.skill_target_id, e.task_id) for e in happened if isinstance(e, events.AgentChosen))
        times["queue"].append(timed(busy.handle, next(asking))[0])
        times["free agent"].append(timed(free.handle, next(asking_free))[0])
        answered = next(asking_label)
        key = DialogueKey(WEB, answered.dialogue.dialogue_id + 10_000_000)
        times["label"].append(timed(free.handle, NewTask(key, answered.context))[0])
    gc.unfreeze()
    return {kind: statistics.median(values) for kind, values in times.items()}


def main() -> None:
    runs = [(measure(25, 100), measure(2_500, 100_000)) for _ in range(3)]
    for kind in runs[0][0]:
        few = min(run[0][kind] for run in runs)
        many = min(run[1][kind] for run in runs)
        print(f"{kind:14} {few:6.1f} us at 25/100   {many:6.1f} us at 2,500/100,000   ratio {many / few:4.2f}")


if __name__ == "__main__":
    main()
