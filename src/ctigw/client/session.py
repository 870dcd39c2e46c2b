"""What both kinds of client sessions share: the reader, heartbeats, awaited answers, the orderly end.

Knows the messages that MR and CTI have in common by shape; must not know what the session is for. Rules: cti-notes and
mr-wire (g) "Session procedure" (who opened sends the heartbeats; three unanswered end the session).
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import attrs
import trio

from ctigw.client.errors import ClientError
from ctigw.client.link import Link
from ctigw.wire import AnyMessage, Message

ANSWER_S = 10.0
"""Time for the answer to anything that the gateway answers at once."""

CLOSE_S = 5.0
"""Time for CLOSE_CONF; after that the connection is just cut."""

HEARTBEAT_S = 5.0
"""Interval of heartbeats (mr-wire, PIM settings)."""

UNANSWERED_HEARTBEATS = 3
IDLE_HEARTBEATS = 4
"""IdleTimeout that we ask for, in heartbeat intervals."""

T = TypeVar("T")


class Awaited(Generic[T]):
    """An answer that will come, or the reason why it cannot come any more."""

    def __init__(self) -> None:
        self._come = trio.Event()
        self._value: T | None = None
        self._problem: str | None = None

    def set(self, value: T) -> None:
        """The answer is here; a second one changes nothing."""
        if not self._come.is_set():
            self._value = value
            self._come.set()

    def fail(self, problem: str) -> None:
        """It will never come."""
        if not self._come.is_set():
            self._problem = problem
            self._come.set()

    @property
    def is_set(self) -> bool:
        """Whether the answer, or its failure, is here."""
        return self._come.is_set()

    async def wait(self, seconds: float | None, what: str) -> T:
        """The answer. Raises ClientError when there is none within `seconds` (None: wait for ever) or ever."""
        with trio.move_on_after(math.inf if seconds is None else seconds):
            await self._come.wait()
        if self._problem is not None:
            raise ClientError(self._problem)
        if self._value is None:
            raise ClientError(f"no {what} within {seconds:g} s")
        return self._value


@attrs.frozen
class SessionMessages:
    """The session messages of a protocol, and how a refusal reads."""

    heartbeat: Callable[[int], Message]
    """InvokeID -> HEARTBEAT_REQ."""
    heartbeat_answer: type[Message]
    close: Callable[[int, int], Message]
    """InvokeID, Status -> CLOSE_REQ."""
    close_request: type[Message]
    close_answer: Callable[[int], Message]
    close_answer_class: type[Message]
    failures: tuple[type[Message], ...]
    failure_text: Callable[[Any], str]
    """A sentence for one of `failures`."""


class ClientSession:
    """One open session. Subclasses say what its messages mean."""

    def __init__(self, link: Link, messages: SessionMessages) -> None:
        self._link = link
        self._messages = messages
        self._awaited: dict[Hashable, Awaited[Any]] = {}
        self._heartbeats_open = 0
        self._next_invoke_id = 1
        self.lost: str | None = None
        """Why the session is over; None while it lives."""

    async def send(self, message: Message) -> None:
        """Send a message. Raises ClientError when the session is over."""
        if self.lost is not None:
            raise ClientError(self.lost)
        await self._link.send(message)

    def invoke_id(self) -> int:
        """A new InvokeID of this session."""
        number = self._next_invoke_id
        self._next_invoke_id += 1
        return number

    def expect(self, key: Hashable) -> Awaited[Any]:
        """Register for the answer that `_received` will find under `key`."""
        awaited: Awaited[Any] = Awaited()
        if self.lost is not None:
            awaited.fail(self.lost)
        else:
            self._awaited[key] = awaited
        return awaited

    def answer(self, key: Hashable, value: object) -> bool:
        """Hand an answer to whoever waits for it; False when nobody does."""
        awaited = self._awaited.pop(key, None)
        if awaited is None:
            return False
        awaited.set(value)
        return True

    async def close(self) -> None:
        """Say goodbye and wait a little for the answer. Never raises ClientError."""
        if self.lost is not None:
            return
        closed = self.expect("close")
        try:
            await self.send(self._messages.close(self.invoke_id(), 0))
            await closed.wait(CLOSE_S, "CLOSE_CONF")
        except ClientError:
            return

    async def run(self) -> None:
        """Read until the session is over, then let everybody know who waits. Never raises ClientError."""
        problem = "the gateway closed the connection"
        try:
            while (message := await self._link.receive()) is not None:
                if not await self._take_session_message(message):
                    await self._received(message)
        except ClientError as error:
            problem = str(error)
        self._end(problem)

    async def keep_alive(self) -> None:
        """Send heartbeats until cancelled or the session is over."""
        while self.lost is None:
            await trio.sleep(HEARTBEAT_S)
            if self._heartbeats_open >= UNANSWERED_HEARTBEATS:
                self._end(f"the gateway left {UNANSWERED_HEARTBEATS} heartbeats unanswered")
                return
            self._heartbeats_open += 1
            try:
                await self.send(self._messages.heartbeat(self.invoke_id()))
            except ClientError as error:
                self._end(str(error))

    async def _take_session_message(self, message: AnyMessage) -> bool:
        """Deal with what every session has; False for anything else."""
        self._heartbeats_open = 0  # whatever comes shows that the gateway lives
        known = self._messages
        if isinstance(message, known.heartbeat_answer):
            return True
        if isinstance(message, known.close_answer_class):
            return self.answer("close", message) or True
        if isinstance(message, known.close_request):
            await self.send(known.close_answer(getattr(message, "invoke_id", 0)))
            raise ClientError("the gateway ended the session")
        if isinstance(message, known.failures):
            self._failed(message)
            return True
        return False

    def _failed(self, message: AnyMessage) -> None:
        """A refusal: of the request with its InvokeID, else of the session itself while it is being opened."""
        text = self._messages.failure_text(message)
        awaited = self._awaited.pop(getattr(message, "invoke_id", None), None)
        if awaited is not None:
            awaited.fail(text)
        elif "open" in self._awaited:
            self._end(text)

    async def _received(self, message: AnyMessage) -> None:
        """Take a message that is not a session message."""
        raise NotImplementedError

    def _end(self, problem: str) -> None:
        if self.lost is not None:
            return
        self.lost = problem
        waiting, self._awaited = self._awaited, {}
        for awaited in waiting.values():
            awaited.fail(problem)


@asynccontextmanager
async def beside(*tasks: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run tasks while the block runs; a ClientError of the block comes out as it is, in no group."""
    failure: ClientError | None = None
    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(task)
        try:
            yield
        except ClientError as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


@asynccontextmanager
async def running(session: ClientSession, link: Link) -> AsyncIterator[None]:
    """Read and beat while the block runs, then close in order. Cancelled from outside, it cuts the connection."""
    try:
        async with beside(session.run, session.keep_alive):
            try:
                yield
            finally:
                if trio.current_effective_deadline() > -math.inf:
                    await session.close()
    finally:
        await link.aclose()
