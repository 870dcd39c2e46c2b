"""One peer playing its steps.

Knows: what each step word does, the automatic answers of a peer (heartbeats, RUN_SCRIPT_RESULT, CLOSE_CONF). Must not
know: the file form of scenarios, how messages look in bytes. Rules: mr-wire.md (g) session procedure; cti-notes.md
"Opening", "Keeping and ending".
"""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from emulator.codec import CodecError, Message, Value, build, encode, text_of
from emulator.connection import Connection, Endpoint, endpoint_of
from emulator.inbox import Inbox, Wanted
from emulator.load import Abandoned, MismatchError, Policy, SignIn, TaskSource, Worker, until
from emulator.messages import CTI
from emulator.numbering import Numbering
from emulator.report import RECEIVED, SENT, Report, line
from emulator.scenario import (
    ANY,
    PeerPlan,
    ScenarioError,
    Step,
    is_absent,
    number_of,
    resolve,
    share_of,
)

DEFAULT_WITHIN_S = 5.0
GOODBYE_S = 1.0
"""How long the end of a run waits for CLOSE_CONF."""
UNANSWERED_HEARTBEATS = 3
IDLE_HEARTBEATS = 4
"""IdleTimeout asked for, in heartbeat intervals."""
FIRST_HEARTBEAT_ID = 0x48420000
"""InvokeID of our own heartbeats: far from those of the steps, and easy to see in a capture."""
NO_IDLE_TIMEOUT = 0xFFFFFFFF
ROLE_APPLICATION = 2
INVALID_DIALOGUE = 34
"""MR status INVALID_DIALOGUEID."""
ALL_AGENT_STATES = 0x3FFF
FAILURES = {
    "FAILURE_CONF", "FAILURE_EVENT", "FAILURE_RESP", "CONTROL_FAILURE_CONF", "DIALOGUE_FAILURE_CONF",
    "DIALOGUE_FAILURE_EVENT", "NEW_TASK_FAILURE",
}  # fmt: skip
NEEDS_NO_CONNECTION = {"pause_s", "repeat", "barrier", "wait_for", "connect", "close"}


@dataclass(slots=True)
class Stage:
    """What the peers of one run share."""

    report: Report
    endpoint: Endpoint
    variables: dict[str, Value]
    barriers: dict[str, asyncio.Barrier] = field(default_factory=dict)
    abandoned: Abandoned = field(default_factory=Abandoned)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def store(self, name: str, value: Value) -> None:
        """Set a variable and wake who waits for it."""
        self.variables[name] = value
        self.changed.set()


def _member(value: Value | None, member: str) -> Value | None:
    """Part of a table by name, part of a task id by position."""
    if isinstance(value, dict):
        return value.get(member)
    return value[int(member)] if isinstance(value, list) and member.isdigit() and int(member) < len(value) else None


class Peer:
    """Plays one plan. `run` returns when the steps are done and raises MismatchError at the first that fails."""

    def __init__(self, plan: PeerPlan, stage: Stage) -> None:
        self.plan = plan
        self.stage = stage
        self.report = stage.report
        self.name = plan.name
        self.scope: Mapping[str, Value] = stage.variables
        self.version = int(number_of(resolve(plan.version, stage.variables), "version"))
        self._connection: Connection | None = None
        self._inbox = Inbox(self._end)
        self._handlers: list[Callable[[Message], bool]] = []
        self._worker: Worker | None = None
        self._instruments: dict[str, int] = {}
        self._numbering = Numbering()
        self._heartbeats: set[int] = set()
        self._script_dialogues: set[int] = set()
        self._watch: asyncio.Task[None] | None = None
        self._heart: asyncio.Task[None] | None = None
        self._is_open = False
        self._end_expected = False
        self._words: dict[str, Callable[[Step], Coroutine[None, None, None]]] = {
            "open": self._open,
            "send": self._send,
            "send_hex": self._send_hex,
            "expect": self._expect,
            "expect_set": self._expect_set,
            "expect_nothing": self._expect_nothing,
            "expect_close_s": self._expect_close,
            "pause_s": self._pause,
            "repeat": self._repeat,
            "barrier": self._barrier,
            "wait_for": self._wait_for,
            "connect": self._connect_again,
            "close": self._close,
            "sign_in": self._sign_in,
            "work": self._work,
            "tasks": self._tasks,
            "tasks_ended": self._tasks_ended,
        }

    # -- sending ---------------------------------------------------------------------------------------------------

    def post(self, name: str, values: dict[str, Value], named: dict[str, str] | None = None) -> Message:
        """Send a message. InvokeID, DialogueID and SendSeqNo are filled in where the caller gives none."""
        message, data = self._made(name, values, named)
        if self._connection is not None:
            self._connection.write(data)
        self.report.message(self.name, SENT, message, self.version)
        return message

    def _made(self, name: str, values: dict[str, Value], named: dict[str, str] | None) -> tuple[Message, bytes]:
        message = build(self.plan.protocol, name, values, named)
        self._numbering.fill_in(message)
        return message, encode(message, self.version)

    def _post_cut(self, step: Step, name: str) -> None:
        """Send the beginning of a message; whatever follows on this connection is read as its rest."""
        _, data = self._made(name, self._values(step), self._named(step))
        count = int(self._figure(step, "first_bytes", 0))
        if not 0 <= count < len(data):
            raise ScenarioError(f"{name} has {len(data)} bytes here: first_bytes is 0 to {len(data) - 1}")
        if self._connection is not None and count:
            self._connection.write(data[:count])
        self.report.raw(self.name, data[:count])

    async def drain(self) -> None:
        """Wait until the socket takes more."""
        if self._connection is not None:
            await self._connection.drain()

    # -- receiving -------------------------------------------------------------------------------------------------

    def _received(self, message: Message) -> None:
        self.report.message(self.name, RECEIVED, message, self.version)
        try:
            taken = self._answered_by_itself(message) or any(handler(message) for handler in self._handlers)
        except (CodecError, MismatchError) as error:
            self.report.mismatch(self.name, str(error))
            return
        if not taken and (self._inbox.awaits(message) or not self._ignores(message.name)):
            self._inbox.put(message)

    def _ignores(self, name: str) -> bool:
        return name in self.plan.ignore or (ANY in self.plan.ignore and name not in FAILURES)

    def _answered_by_itself(self, message: Message) -> bool:
        if self.plan.kind == "raw":
            return False
        if message.name == "HEARTBEAT_CONF" and message.number("InvokeID") in self._heartbeats:
            self._heartbeats.clear()
            return True
        if message.name == "HEARTBEAT_REQ":
            self.post("HEARTBEAT_CONF", {"InvokeID": message.fields["InvokeID"]})
            return True
        if message.name == "CLOSE_REQ":
            self.post("CLOSE_CONF", {"InvokeID": message.fields["InvokeID"]})
        if message.name == "OPEN_CONF":
            self._is_open = True
            self._start_heart()
        if message.name == "DIALOGUE_FAILURE_EVENT" and message.fields["ErrorCode"] == INVALID_DIALOGUE:
            # Our RUN_SCRIPT_RESULT met the answer half-way: nobody is to blame.
            return message.number("DialogueID") in self._script_dialogues
        if message.name == "RUN_SCRIPT_REQ" and self.plan.answer_scripts:
            self._script_dialogues.add(message.number("DialogueID"))
            kept = {key: message.fields[key] for key in ("DialogueID", "InvokeID")}
            self.post("RUN_SCRIPT_RESULT", kept | {"ResultCode": 1})
        return False

    def _start_heart(self) -> None:
        interval = number_of(resolve(self.plan.heartbeat_s, self.scope), "heartbeat_s")
        if interval > 0 and self._heart is None:
            self._heart = asyncio.create_task(self._beat(interval))

    async def _beat(self, interval_s: float) -> None:
        invoke_id = FIRST_HEARTBEAT_ID
        while len(self._heartbeats) < UNANSWERED_HEARTBEATS:
            await asyncio.sleep(interval_s)
            if self._connection is None or self._connection.ended.is_set():
                return
            invoke_id += 1
            self._heartbeats.add(invoke_id)
            self.post("HEARTBEAT_REQ", {"InvokeID": invoke_id})
        self.report.mismatch(self.name, f"{UNANSWERED_HEARTBEATS} heartbeats without an answer")

    # -- life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Play all steps."""
        await self._play(self.plan.steps, {})

    async def _play(self, steps: tuple[Step, ...], local: dict[str, Value]) -> None:
        for step in steps:
            self.scope = ChainMap(local, self.stage.variables)
            if self._connection is None and step.word not in NEEDS_NO_CONNECTION:
                await self._connect()
            self.report.say(f"{self.name} -- {step.place}")
            try:
                await self._words[step.word](step)
            except (MismatchError, CodecError) as error:
                raise MismatchError(f"{step.place}: {error}") from error
            except ScenarioError as error:
                raise ScenarioError(f"{step.place}: {error}") from error

    async def _connect(self) -> None:
        place = resolve(self.plan.connect, self.scope)
        endpoint = endpoint_of(text_of(place), self.stage.endpoint.tls) if place else self.stage.endpoint
        try:
            self._connection = await Connection.connect(endpoint, deaf=not self.plan.reads)
        except OSError as error:
            raise MismatchError(f"cannot connect to {endpoint.host}:{endpoint.port}: {error}") from error
        self.report.connected(self.name, self._connection.local_port())
        self._heartbeats.clear()
        self._end_expected = False
        if self.plan.reads:
            self._read()

    def _read(self) -> None:
        if self._connection is not None:
            self._connection.start_reading(
                self.plan.protocol, self.version, self._received, lambda text: self.report.mismatch(self.name, text)
            )
            self._watch = asyncio.create_task(self._tell_end(self._connection))

    async def _tell_end(self, connection: Connection) -> None:
        await connection.ended.wait()
        self.report.say(f"{self.name} -- {connection.end_reason}")
        # Whoever waits for a message learns of the end, too.
        self._inbox.arrived.set()

    def _end(self) -> str | None:
        if self._connection is None:
            return "closed"
        return self._connection.end_reason if self._connection.ended.is_set() else None

    async def _disconnect(self, reset: bool = False) -> None:
        for task in (self._heart, self._watch):
            if task is not None:
                task.cancel()
        self._heart = None
        if self._worker is not None:
            self._worker.stop()
        connection, self._connection = self._connection, None
        self._is_open = False
        if connection is not None:
            await connection.close(reset)
            connection.ended.set()

    async def finish(self, failed: bool) -> None:
        """Say goodbye, close, and report what came without being expected."""
        if not failed and self._connection is not None and self._end() is not None and not self._end_expected:
            self.report.mismatch(self.name, f"connection {self._connection.end_reason} before the end")
        if not failed and self._is_open and self._end() is None:
            self.post("CLOSE_REQ", {"Status": 0})
            with suppress(MismatchError):
                await self._inbox.take(Wanted(["CLOSE_CONF"]), GOODBYE_S)
        await self._disconnect()
        if not failed:
            for message in self._inbox.messages:
                if message.name in FAILURES and message.name not in self.plan.allow:
                    self.report.mismatch(self.name, f"not expected: {line(message)}")

    # -- options ---------------------------------------------------------------------------------------------------

    def _figure(self, step: Step, option: str, default: float) -> float:
        return number_of(resolve(step.options.get(option, str(default)), self.scope), option)

    def _argument(self, step: Step) -> float:
        return number_of(resolve(step.argument, self.scope), step.word)

    def _values(self, step: Step) -> dict[str, Value]:
        return {name: resolve(value, self.scope) for name, value in step.fields.items()}

    def _share(self, step: Step) -> range:
        parts = int(self._figure(step, "parts", 1))
        return share_of(int(self._argument(step)), int(self._figure(step, "part", 1)), parts)

    def _table(self, step: Step, option: str) -> dict[str, Value]:
        found = resolve(step.options.get(option, {}), self.scope)
        if not isinstance(found, dict):
            raise ScenarioError(f"{option} is a table")
        return found

    def _named(self, step: Step) -> dict[str, str]:
        return {name: text_of(value) for name, value in self._table(step, "ecc").items()}

    def _numbers(self, step: Step, option: str, default: list[Value]) -> list[int]:
        found = resolve(step.options.get(option, default), self.scope)
        return [int(number_of(member, option)) for member in (found if isinstance(found, list) else [found])]

    # -- the step words --------------------------------------------------------------------------------------------

    async def _open(self, step: Step) -> None:
        opening = self._opening() | {name: resolve(value, self.scope) for name, value in self.plan.opening.items()}
        opening |= self._values(step)
        self.post("OPEN_REQ", {name: value for name, value in opening.items() if not is_absent(value)})
        if step.argument == "accepted":
            self._capture(step, await self._inbox.take(Wanted(["OPEN_CONF"]), DEFAULT_WITHIN_S))

    def _opening(self) -> dict[str, Value]:
        """What OPEN_REQ says unless the scenario says otherwise."""
        heartbeat = number_of(resolve(self.plan.heartbeat_s, self.scope), "heartbeat_s")
        idle = number_of(resolve(self.plan.idle_timeout_s, self.scope), "idle_timeout_s") or IDLE_HEARTBEATS * heartbeat
        unit = 1 if self.plan.protocol == CTI else 1000
        opening: dict[str, Value] = {
            "VersionNumber": self.version,
            "IdleTimeout": int(idle * unit) if idle else NO_IDLE_TIMEOUT,
        }
        if self.plan.protocol == CTI:
            return opening | {"PeripheralID": -1, "AgentStateMask": ALL_AGENT_STATES}
        return opening | {"Role": ROLE_APPLICATION} if self.plan.kind == "application" else opening

    async def _send(self, step: Step) -> None:
        for _ in range(int(self._figure(step, "times", 1))):
            name = text_of(resolve(step.argument, self.scope))
            if "first_bytes" in step.options:
                self._post_cut(step, name)
            else:
                self._capture(step, self.post(name, self._values(step), self._named(step)))
            await self.drain()

    async def _send_hex(self, step: Step) -> None:
        text = text_of(resolve(step.argument, self.scope))
        try:
            data = bytes.fromhex(text)
        except ValueError as error:
            raise ScenarioError(f"not hex: {error}") from error
        for _ in range(int(self._figure(step, "times", 1))):
            if self._connection is None or self._end() is not None:
                return
            self._connection.write(data)
            self.report.raw(self.name, data)
            if self.plan.reads:
                await self.drain()

    def _capture(self, step: Step, message: Message) -> None:
        captures = step.options.get("capture", {})
        for variable, source in captures.items() if isinstance(captures, dict) else ():
            name, _, member = text_of(source).partition(".")
            values = message.find(name)
            value = values[0] if values else None
            if member:
                value = _member(value, member)
            if value is None:
                raise MismatchError(f"{message.name} has no {text_of(source)} to capture")
            self.stage.store(variable, value)

    def _wanted(self, step: Step) -> Wanted:
        names = step.argument if isinstance(step.argument, list) else [step.argument]
        return Wanted([text_of(name) for name in names], self._values(step), self._table(step, "ecc"))

    async def _expect(self, step: Step) -> None:
        wanted = self._wanted(step)
        within_s = self._figure(step, "within_s", DEFAULT_WITHIN_S)
        for _ in range(int(self._figure(step, "count", 1))):
            self._capture(step, await self._inbox.take(wanted, within_s, strict=bool(step.options.get("next", 0))))

    async def _expect_set(self, step: Step) -> None:
        within_s = self._figure(step, "within_s", DEFAULT_WITHIN_S)
        wanted = [self._wanted(member) for member in step.steps]
        found = await self._inbox.take_set(wanted, within_s, strict=bool(step.options.get("next", 0)))
        for member, message in zip(step.steps, found, strict=True):
            self._capture(member, message)

    async def _expect_nothing(self, step: Step) -> None:
        wanted = self._wanted(step)
        await asyncio.sleep(self._figure(step, "for_s", 1))
        for message in self._inbox.messages:
            if wanted.fits(message):
                raise MismatchError(f"came, but must not: {line(message)}")

    async def _expect_close(self, step: Step) -> None:
        if self._connection is None:
            return
        self._end_expected = True
        self._read()
        within_s = self._argument(step)
        if not await until(self._connection.ended.is_set, self._connection.ended, within_s):
            raise MismatchError(f"the gateway has not closed within {within_s} s")
        await self._disconnect()

    async def _pause(self, step: Step) -> None:
        await asyncio.sleep(self._argument(step))

    async def _repeat(self, step: Step) -> None:
        outer = dict(self.scope.maps[0]) if isinstance(self.scope, ChainMap) else {}
        first = int(self._figure(step, "first", 0))
        for index in self._share(step):
            await self._play(step.steps, outer | {"index": first + index})

    async def _barrier(self, step: Step) -> None:
        within_s = self._figure(step, "within_s", DEFAULT_WITHIN_S)
        try:
            async with asyncio.timeout(within_s):
                await self.stage.barriers[text_of(step.argument)].wait()
        except TimeoutError as error:
            raise MismatchError(f"the other peers did not come within {within_s} s") from error

    async def _wait_for(self, step: Step) -> None:
        name, within_s = text_of(step.argument), self._figure(step, "within_s", DEFAULT_WITHIN_S)
        try:
            async with asyncio.timeout(within_s):
                while name not in self.stage.variables:
                    self.stage.changed.clear()
                    await self.stage.changed.wait()
        except TimeoutError as error:
            raise MismatchError(f"${name} got no value within {within_s} s") from error

    async def _connect_again(self, step: Step) -> None:
        await self._disconnect()
        await self._connect()

    async def _close(self, step: Step) -> None:
        self._end_expected = True
        if step.argument == "request":
            self.post("CLOSE_REQ", {"Status": 0})
            await self._inbox.take(Wanted(["CLOSE_CONF"]), self._figure(step, "within_s", DEFAULT_WITHIN_S))
        await self._disconnect(reset=step.argument == "reset")

    async def _sign_in(self, step: Step) -> None:
        share, first = self._share(step), int(self._figure(step, "first", 1))
        first_id = int(self._figure(step, "first_id", first))
        self._instruments |= {str(first_id + index): first + index for index in share}
        job = SignIn(
            peer=self,
            pairs=[(domain, first + index) for index in share for domain in self._numbers(step, "mrds", [])],
            max_tasks=int(self._figure(step, "max_tasks", 1)),
            ready=bool(self._figure(step, "ready", 1)),
            statuses=self._numbers(step, "statuses", [0, 1]),
        )
        self._handlers.append(job.handle)
        await job.run(self._figure(step, "rate", 0), self._figure(step, "within_s", DEFAULT_WITHIN_S))
        self._handlers.remove(job.handle)

    async def _work(self, step: Step) -> None:
        policy = Policy(
            offer_after_s=self._figure(step, "offer_after_s", 0),
            start_after_s=self._figure(step, "start_after_s", 0),
            pauses=int(self._figure(step, "pauses", 0)),
            work_s=self._figure(step, "work_s", 0),
            wrapup_s=self._figure(step, "wrapup_s", 0),
            ignore_agents=frozenset(self._numbers(step, "ignore_agents", [])),
            ignore_tasks=int(self._figure(step, "ignore_tasks", 0)),
            routable_again_s=self._figure(step, "routable_again_s", -1),
            disposition=int(self._figure(step, "disposition", 38)),
        )
        if self._worker is not None:
            self._handlers.remove(self._worker.handle)
        self._worker = Worker(self, policy, self.stage.abandoned, self._instruments)
        self._handlers.append(self._worker.handle)

    async def _tasks(self, step: Step) -> None:
        template, named = step.fields, step.options.get("ecc", {})

        def form(number: int) -> tuple[dict[str, Value], dict[str, str]]:
            scope: Mapping[str, Value] = ChainMap({"index": number}, self.stage.variables)
            variables = resolve(named, scope)
            texts = {key: text_of(value) for key, value in variables.items()} if isinstance(variables, dict) else {}
            return {key: resolve(value, scope) for key, value in template.items()}, texts

        source = TaskSource(
            peer=self,
            count=int(self._argument(step)),
            answer=text_of(resolve(step.options.get("answer", "DO_THIS_WITH_TASK"), self.scope)),
            resubmit=int(self._figure(step, "resubmit", 0)),
            form=form,
            abandoned=self.stage.abandoned,
        )
        self._handlers.append(source.handle)
        within_s = self._figure(step, "within_s", DEFAULT_WITHIN_S)
        await source.run(self._figure(step, "rate", 0), int(self._figure(step, "in_flight", 0)), within_s)
        self._handlers.remove(source.handle)

    async def _tasks_ended(self, step: Step) -> None:
        if self._worker is None:
            raise ScenarioError("tasks_ended needs a work step before it")
        await self._worker.wait_ended(int(self._argument(step)), self._figure(step, "within_s", DEFAULT_WITHIN_S))
