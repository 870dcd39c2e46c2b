"""An agent at work: signs in, takes tasks, spends time on them as a script says, signs out.

Knows the order of task messages and the delays of a script; must not know TLS or the command line. Rules: cti-notes
"Tasks" (offer, start, pause, resume, wrap-up, end), decisions C6, E3 (made not routable after a start timeout).
"""

import math
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import trio

from ctigw.client.errors import ClientError
from ctigw.client.reporting import Assignment, ReportingClient
from ctigw.config.convert import Converter, Rejected
from ctigw.config.document import PlacedValue, read_document
from ctigw.config.forms import FileFinder
from ctigw.config.key import key
from ctigw.config.problems import Problems
from ctigw.wire import TaskId, cti

LONGEST_DELAY_S = 86_400
DISPOSITION_HIGH = 99
NORMAL_END = 38
"""Disposition of a task that ended as it should (cti-notes "Tasks")."""


@attrs.frozen
class Behaviour:
    """What an agent does with one task. All times follow one another."""

    ignore: bool = key("do nothing at all: the start timeout takes the task back", default=False)
    offer_s: float = key("from the announcement to OFFER_TASK_IND", default=0.2, low=0, high=LONGEST_DELAY_S)
    start_s: float = key("from the offer to START_TASK_IND", default=1.0, low=0, high=LONGEST_DELAY_S)
    work_s: float = key("work on the task, in total", default=5.0, low=0, high=LONGEST_DELAY_S)
    pause_s: float = key(
        "pause in the middle of the work; 0: no PAUSE_TASK_IND", default=0.0, low=0, high=LONGEST_DELAY_S
    )
    wrapup_s: float = key("wrap-up after the work; 0: no WRAPUP_TASK_IND", default=1.0, low=0, high=LONGEST_DELAY_S)
    return_s: float = key(
        "from being made not routable to MAKE_AGENT_ROUTABLE_IND", default=5.0, low=0, high=LONGEST_DELAY_S
    )
    disposition: int = key("ICMDisposition of END_TASK_IND", default=NORMAL_END, low=0, high=DISPOSITION_HIGH)


@attrs.frozen
class Script:
    """`[every]` holds for every task, a `[[task]]` for the first, second, ... one instead."""

    every: Behaviour = attrs.Factory(Behaviour)
    tasks: tuple[Behaviour, ...] = ()

    def for_task(self, number: int) -> Behaviour:
        """Behaviour for the task of this number, from 0."""
        return self.tasks[number] if number < len(self.tasks) else self.every


def read_script(path: Path) -> Script:
    """Read a script file. A `[[task]]` takes what it does not say from `[every]`.

    Raises ConfigurationError with all problems.
    """
    problems = Problems()
    document = read_document(path, problems)
    converter = Converter(FileFinder(path.parent), problems)
    every = document.tables.get("every", {})
    tasks: list[dict[str, PlacedValue]] = [
        every | {name: PlacedValue(value, given.place.inside(name)) for name, value in given.value.items()}
        for given in document.arrays.get("task", [])
        if isinstance(given.value, dict)
    ]
    for name in [*document.tables, *document.arrays]:
        if name not in ("every", "task"):
            problems.add(document.main.inside(name), "unknown table", allowed="[every], [[task]]")
    behaviours = []
    for content in (every, *tasks):
        try:
            behaviours.append(converter.table(Behaviour, content, document.main))
        except Rejected:
            continue
    problems.raise_any()
    return Script(behaviours[0], tuple(behaviours[1:]))


@attrs.frozen
class Seat:
    """Which agent works, and in which domains."""

    agent_id: str
    """Peripheral agent number."""
    skill_target_id: int
    mrds: tuple[int, ...]
    max_tasks: int = 1


class Worker:
    """One agent on one session."""

    def __init__(
        self, client: ReportingClient, seat: Seat, script: Script, tasks: int | None, say: Callable[[str], None]
    ) -> None:
        """`tasks`: end after so many; None: only `stop` ends the work. `say` gets a line for a person."""
        self._client = client
        self._seat = seat
        self._script = script
        self._limit = tasks
        self._say = say
        self._announced = 0
        self.finished = 0
        """Tasks that were ended, taken back or lost."""
        self._scopes: dict[TaskId, trio.CancelScope] = {}
        self._done = trio.Event()
        self._failure: ClientError | None = None
        self._to_do, self._doing = trio.open_memory_channel[Callable[[trio.Nursery], None]](math.inf)
        client.on_assignment = self._assigned
        client.on_task_lost = self._task_lost
        client.on_not_routable = self._made_not_routable

    def stop(self) -> None:
        """Sign out and end, as soon as `work` gets to it."""
        self._done.set()

    async def work(self) -> None:
        """Sign in, work, sign out. Raises ClientError when the session is lost or the gateway refuses."""
        seat = self._seat
        for mrd in seat.mrds:
            if not await self._client.sign_in(mrd, seat.skill_target_id, seat.max_tasks):
                self._say(f"agent {seat.agent_id} was signed in to {mrd} already")
            await self._client.make_ready(mrd, seat.skill_target_id)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._guard, self._fail_when_lost)
            nursery.start_soon(self._dispatch, nursery)
            await self._done.wait()
            nursery.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure
        for mrd in seat.mrds:
            await self._client.sign_out(mrd, seat.skill_target_id)

    async def _guard(self, task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except ClientError as error:
            self._failure = self._failure or error
            self._done.set()

    async def _fail_when_lost(self) -> None:
        await self._client.expect("end of session").wait(None, "end of session")

    async def _dispatch(self, nursery: trio.Nursery) -> None:
        async for start in self._doing:
            start(nursery)

    # What the session tells; called while it reads, so nothing here waits.

    def _assigned(self, assignment: Assignment) -> None:
        seat = self._seat
        named = assignment.skill_target_id or seat.skill_target_id
        if named != seat.skill_target_id or (assignment.agent_id and assignment.agent_id != seat.agent_id):
            return
        behaviour = self._script.for_task(self._announced)
        self._announced += 1
        scope = trio.CancelScope()
        self._scopes[assignment.task_id] = scope
        self._start(lambda: self._handle(assignment, behaviour, scope))

    def _task_lost(self, task_id: TaskId, why: str) -> None:
        scope = self._scopes.pop(task_id, None)
        if scope is not None:
            self._say(f"task {':'.join(map(str, task_id))}: {why}")
            scope.cancel()

    def _made_not_routable(self, mrd_id: int, skill_target_id: int) -> None:
        if skill_target_id == self._seat.skill_target_id:
            self._start(lambda: self._return(mrd_id))

    def _start(self, task: Callable[[], Awaitable[None]]) -> None:
        self._to_do.send_nowait(lambda nursery: nursery.start_soon(self._guard, task))

    # What the agent does.

    async def _handle(self, assignment: Assignment, behaviour: Behaviour, scope: trio.CancelScope) -> None:
        with scope:
            if behaviour.ignore:
                await trio.sleep_forever()
            await self._take(assignment, behaviour)
        self._scopes.pop(assignment.task_id, None)
        self.finished += 1
        if self._limit is not None and self.finished >= self._limit:
            self._done.set()

    async def _take(self, assignment: Assignment, behaviour: Behaviour) -> None:
        place = (assignment.mrd_id, self._seat.skill_target_id, assignment.task_id)
        report = self._client.report
        await trio.sleep(behaviour.offer_s)
        await report(cti.OfferTaskInd, *place)
        await trio.sleep(behaviour.start_s)
        await report(cti.StartTaskInd, *place)
        if behaviour.pause_s:
            await trio.sleep(behaviour.work_s / 2)
            await report(cti.PauseTaskInd, *place)
            await trio.sleep(behaviour.pause_s)
            await report(cti.ResumeTaskInd, *place)
            await trio.sleep(behaviour.work_s / 2)
        else:
            await trio.sleep(behaviour.work_s)
        if behaviour.wrapup_s:
            await report(cti.WrapupTaskInd, *place)
            await trio.sleep(behaviour.wrapup_s)
        await self._client.end_task(*place, behaviour.disposition)

    async def _return(self, mrd_id: int) -> None:
        await trio.sleep(self._script.every.return_s)
        await self._client.make_routable(mrd_id, self._seat.skill_target_id, self._seat.max_tasks)
