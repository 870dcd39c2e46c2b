"""Work in bulk: agents that sign in and take tasks by a policy, and an application that asks for many tasks.

Knows: the order of the ARM messages of a task and of a sign-in, pacing and counting. Must not know: sockets and the
scenario's file form. Times are seconds of the event loop's clock. Every wait ends with a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from emulator.codec import TASK_KEY, Message, Value, text_of
from emulator.report import Report

ROUTABLE = 1
NOT_ROUTABLE_IS_ONE = range(14, 18)
"""CTI versions that put AgentMode the other way round."""
SERVICE_RONA = 3
NORMAL_END = 38
FIRST_VERSION_WITH_TARGET = 20
"""Since this CTI version the pre-call event names the agent's skill target; before, only the instrument."""
DRAIN_EVERY = 64
"""Messages between two waits for the socket in a bulk send."""

TaskId = tuple[int, int, int]


class MismatchError(Exception):
    """The gateway did not do what the scenario says."""


class Sender(Protocol):
    """What bulk work needs from the peer that does it."""

    report: Report
    name: str
    version: int

    def post(self, name: str, values: dict[str, Value], named: dict[str, str] | None = None) -> Message:
        """Send a message, filling in InvokeID, DialogueID and SendSeqNo."""
        ...

    async def drain(self) -> None:
        """Wait until the socket takes more."""
        ...


@dataclass(slots=True)
class Abandoned:
    """Tasks taken back from agents, for applications that resubmit them; shared by all peers of a run."""

    tasks: dict[TaskId, None] = field(default_factory=dict)
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def add(self, task: TaskId) -> None:
        """A task was taken back."""
        self.tasks[task] = None
        for listener in self.listeners:
            listener()


def task_id(value: Value) -> TaskId:
    """A task id as a key."""
    if not isinstance(value, list) or len(value) != 3:
        raise MismatchError(f"not a task id: {value!r}")
    first, second, third = (part if isinstance(part, int) else -1 for part in value)
    return first, second, third


async def until(done: Callable[[], bool], changed: asyncio.Event, within_s: float) -> bool:
    """Wait for a condition that `changed` announces; False when the time is over."""
    try:
        async with asyncio.timeout(within_s):
            while not done():
                changed.clear()
                await changed.wait()
    except TimeoutError:
        return done()
    return True


@dataclass(slots=True)
class SignIn:
    """Signs agents in to MRDs and makes them ready. `pairs` are (MRDID, ICMAgentID)."""

    peer: Sender
    pairs: list[tuple[int, int]]
    max_tasks: int
    ready: bool
    statuses: list[int]
    waiting: dict[int, tuple[int, int]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def handle(self, message: Message) -> bool:
        """Take the answers to our own requests."""
        if message.name != "MEDIA_LOGIN_RESP" or message.number("InvokeID") not in self.waiting:
            return False
        domain, agent = self.waiting.pop(message.number("InvokeID"))
        status = message.number("Status")
        if status not in self.statuses:
            self.peer.report.mismatch(self.peer.name, f"agent {agent}, MRD {domain}: sign-in status {status}")
        elif self.ready:
            self.peer.post("MAKE_AGENT_READY_IND", {"MRDID": domain, "ICMAgentID": agent, "MakeRoutable": 1})
        self.changed.set()
        return True

    async def run(self, rate: float, within_s: float) -> None:
        """All requests at `rate` a second (0: at once), then all answers within `within_s`."""
        mode = 0 if self.peer.version in NOT_ROUTABLE_IS_ONE else ROUTABLE
        pace = Pace(rate)
        for domain, agent in self.pairs:
            await pace.next()
            values: dict[str, Value] = {"MRDID": domain, "ICMAgentID": agent, "AgentMode": mode}
            request = self.peer.post("MEDIA_LOGIN_REQ", values | {"MaxTaskLimit": self.max_tasks})
            self.waiting[request.number("InvokeID")] = (domain, agent)
            if pace.count % DRAIN_EVERY == 0:
                await self.peer.drain()
        if not await until(lambda: not self.waiting, self.changed, within_s):
            left = f"{len(self.waiting)} of {len(self.pairs)}"
            raise MismatchError(f"{left} MEDIA_LOGIN_REQ without an answer in {within_s} s")


class Pace:
    """An even rate; `rate` 0 does not hold anything back."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._started = asyncio.get_running_loop().time()
        self.count = 0

    async def next(self) -> None:
        """Wait for the next turn; turns missed are caught up without a pause."""
        if self._rate > 0:
            due = self._started + self.count / self._rate
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        self.count += 1


@dataclass(frozen=True, slots=True)
class Policy:
    """What an agent does with a task. Seconds; `wrapup_s` below 0: no wrap-up; `routable_again_s` below 0: never."""

    offer_after_s: float = 0.0
    start_after_s: float = 0.0
    pauses: int = 0
    work_s: float = 0.0
    wrapup_s: float = 0.0
    ignore_agents: frozenset[int] = frozenset()
    ignore_tasks: int = 0
    routable_again_s: float = -1.0
    disposition: int = NORMAL_END

    def timeline(self) -> list[tuple[float, str]]:
        """(seconds after the step before, message) from the offer to the end. `offer_after_s` below 0: no offer."""
        slices = 2 * self.pauses + 1
        lead = max(0.0, self.offer_after_s)
        steps = [(lead, "OFFER_TASK_IND")] if self.offer_after_s >= 0 else []
        steps.append((self.start_after_s, "START_TASK_IND"))
        for _ in range(self.pauses):
            steps += [(self.work_s / slices, "PAUSE_TASK_IND"), (self.work_s / slices, "RESUME_TASK_IND")]
        rest = self.work_s / slices
        if self.wrapup_s < 0:
            return [*steps, (rest, "END_TASK_IND")]
        return [*steps, (rest, "WRAPUP_TASK_IND"), (self.wrapup_s, "END_TASK_IND")]


@dataclass(slots=True)
class Worker:
    """The agents of one ARM session.

    `instruments` holds the agents that this session has signed in, by instrument. The gateway announces a task to every
    session of the application path, so a worker leaves alone what is for agents of another session.
    """

    peer: Sender
    policy: Policy
    abandoned: Abandoned
    instruments: dict[str, int]
    running: dict[TaskId, asyncio.TimerHandle | None] = field(default_factory=dict)
    ignored: int = 0
    ended: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def handle(self, message: Message) -> bool:
        """Take announcements, aborts and mode changes."""
        if message.name == "AGENT_PRE_CALL_EVENT":
            self._announced(message)
        elif message.name == "AGENT_PRE_CALL_ABORT_EVENT":
            self._aborted(task_id(message.find(TASK_KEY)[0]))
        elif message.name == "AGENT_MADE_NOT_ROUTABLE_EVENT":
            self._made_not_routable(message.number("MRDID"), message.number("ICMAgentID"))
        else:
            return False
        return True

    def _announced(self, message: Message) -> None:
        agent = self._agent_of(message)
        if agent is None:
            return
        task = task_id(next(iter(message.find(TASK_KEY)), []))
        self.peer.report.tasks["announced"] += 1
        if task in self.running:
            self.peer.report.mismatch(self.peer.name, f"task {task} was announced twice")
            return
        self.running[task] = None
        if agent in self.policy.ignore_agents or self.ignored < self.policy.ignore_tasks:
            self.ignored += 1
            self.peer.report.tasks["ignored"] += 1
            return
        self._advance(message.number("MRDID"), agent, task, 0)

    def _agent_of(self, message: Message) -> int | None:
        if self.peer.version < FIRST_VERSION_WITH_TARGET:
            return self.instruments.get(message.text("AgentInstrument"))
        agent = message.number("AgentSkillTargetID")
        return agent if agent in self.instruments.values() else None

    def _advance(self, domain: int, agent: int, task: TaskId, position: int) -> None:
        """Send what is due at this position of the timeline and set the timer for the rest."""
        timeline = self.policy.timeline()
        while position < len(timeline):
            delay, name = timeline[position]
            if delay > 0 and self.running[task] is None:
                loop = asyncio.get_running_loop()
                self.running[task] = loop.call_later(delay, self._due, domain, agent, task, position)
                return
            self.running[task] = None
            values: dict[str, Value] = {"MRDID": domain, "ICMAgentID": agent, "TaskID": list(task)}
            if name == "END_TASK_IND":
                values["ICMDisposition"] = self.policy.disposition
            self.peer.post(name, values)
            position += 1
        del self.running[task]
        self.ended += 1
        self.peer.report.tasks["ended"] += 1
        self.changed.set()

    def _due(self, domain: int, agent: int, task: TaskId, position: int) -> None:
        if task in self.running:
            self._advance(domain, agent, task, position)

    def _aborted(self, task: TaskId) -> None:
        if task not in self.running:
            return
        timer = self.running.pop(task)
        if timer is not None:
            timer.cancel()
        self.peer.report.tasks["taken back"] += 1
        self.abandoned.add(task)

    def _made_not_routable(self, domain: int, agent: int) -> None:
        if agent not in self.instruments.values():
            return
        self.peer.report.tasks["agents made not routable"] += 1
        if self.policy.routable_again_s >= 0:
            values: dict[str, Value] = {"MRDID": domain, "ICMAgentID": agent, "MaxTasks": 0}
            asyncio.get_running_loop().call_later(
                self.policy.routable_again_s, self.peer.post, "MAKE_AGENT_ROUTABLE_IND", values
            )

    def stop(self) -> None:
        """No timer acts after this."""
        for timer in self.running.values():
            if timer is not None:
                timer.cancel()
        self.running.clear()

    async def wait_ended(self, count: int, within_s: float) -> None:
        """Until `count` tasks have been ended by us."""
        if not await until(lambda: self.ended >= count, self.changed, within_s):
            raise MismatchError(f"{self.ended} of {count} tasks ended in {within_s} s")


@dataclass(slots=True)
class TaskSource:
    """An application that asks for many tasks. `form` gives the fields and variables of task number n."""

    peer: Sender
    count: int
    answer: str
    resubmit: int
    form: Callable[[int], tuple[dict[str, Value], dict[str, str]]]
    abandoned: Abandoned
    asked: dict[int, tuple[int, float]] = field(default_factory=dict)
    assigned: dict[TaskId, int] = field(default_factory=dict)
    resubmitted: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def handle(self, message: Message) -> bool:
        """Take the answers to our own dialogues."""
        if message.name not in ("DO_THIS_WITH_TASK", "NEW_TASK_FAILURE"):
            return False
        dialogue = message.number("DialogueID")
        if dialogue not in self.asked:
            return False
        number, sent = self.asked.pop(dialogue)
        self.peer.report.latencies.append(asyncio.get_running_loop().time() - sent)
        self.peer.report.tasks["answered" if message.name == "DO_THIS_WITH_TASK" else "refused"] += 1
        if message.name == "DO_THIS_WITH_TASK":
            self.assigned[task_id(message.fields["ICMTaskID"])] = number
        if message.name != self.answer:
            reason = text_of(message.fields.get("Reason", ""))
            text = f"dialogue {dialogue}: {message.name} {reason}, not {self.answer}"
            self.peer.report.mismatch(self.peer.name, text)
        self._resubmit_abandoned()
        self.changed.set()
        return True

    def _ask(self, number: int, extra: dict[str, Value]) -> None:
        values, named = self.form(number)
        request = self.peer.post("NEW_TASK", values | extra, named)
        self.asked[request.number("DialogueID")] = (number, asyncio.get_running_loop().time())
        self.peer.report.tasks["asked"] += 1

    def _resubmit_abandoned(self) -> None:
        if self.resubmitted >= self.resubmit:
            return
        for task in [task for task in self.abandoned.tasks if task in self.assigned]:
            del self.abandoned.tasks[task]
            self.resubmitted += 1
            self.peer.report.tasks["resubmitted"] += 1
            self._ask(self.assigned.pop(task), {"Service": SERVICE_RONA, "PreviousTask": list(task)})
        self.changed.set()

    async def run(self, rate: float, in_flight: int, within_s: float) -> None:
        """Ask at `rate` a second with at most `in_flight` open (0: no limit of either), then wait for the answers."""
        self.abandoned.listeners.append(self._resubmit_abandoned)
        pace = Pace(rate)
        for number in range(self.count):
            await pace.next()
            if in_flight and not await until(lambda: len(self.asked) < in_flight, self.changed, within_s):
                raise MismatchError(f"no answer to any of {len(self.asked)} tasks in {within_s} s")
            self._ask(number, {})
            if pace.count % DRAIN_EVERY == 0:
                await self.peer.drain()
        if not await until(lambda: not self.asked and self.resubmitted >= self.resubmit, self.changed, within_s):
            raise MismatchError(
                f"{len(self.asked)} tasks without an answer and {self.resubmitted} of {self.resubmit} resubmitted"
                f" in {within_s} s"
            )
