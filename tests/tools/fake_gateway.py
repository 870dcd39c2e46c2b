"""A very small gateway for the emulator's own tests: it answers just enough, in the same event loop.

It uses the emulator's codec on purpose: what is tested is how the emulator plays, not how the gateway reads bytes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from emulator.codec import TASK_KEY_PARTS, Message, Splitter, Value, build, decode, encode
from emulator.messages import CTI, MR

CTI_OPEN_BYTES = 44
DAY = 150_000


class FakeGateway:
    """Opens every session, gives every task to the agents in turn, and ends connections that begin with another type.

    `on_message` may take a message over: it returns the answers, or None for the usual ones.
    """

    def __init__(
        self, on_message: Callable[[str, Message], list[Message] | None] = lambda _kind, _message: None
    ) -> None:
        self._on_message = on_message
        self._desktops: list[tuple[asyncio.StreamWriter, int]] = []
        self._agents: list[int] = []
        self._tasks = 0
        self.received: list[Message] = []

    async def start(self) -> asyncio.Server:
        """Listen on a free port of the loopback."""
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        splitter = Splitter()
        session: tuple[str, int] | None = None
        try:
            while data := await reader.read(65536):
                for number, body in splitter.feed(data):
                    if session is None and number != 3:
                        writer.write(encode(build(MR, "FAILURE_EVENT", {"Status": 4}), 5))
                        return
                    if session is None:
                        session = (CTI if len(body) >= CTI_OPEN_BYTES else MR, int.from_bytes(body[4:8], "big"))
                    message = decode(session[0], session[1], number, body)
                    self.received.append(message)
                    self._answer(session, writer, message)
                    if message.name == "CLOSE_REQ":
                        return
        except ConnectionError:
            return
        finally:
            self._desktops = [entry for entry in self._desktops if entry[0] is not writer]
            writer.close()

    def _answer(self, session: tuple[str, int], writer: asyncio.StreamWriter, message: Message) -> None:
        protocol, version = session
        answers = self._on_message(protocol, message)
        if answers is None:
            answers = self._usual(protocol, version, writer, message)
        for answer in answers:
            writer.write(encode(answer, version))

    def _usual(self, protocol: str, version: int, writer: asyncio.StreamWriter, message: Message) -> list[Message]:
        same = {"InvokeID": message.fields.get("InvokeID", 0)}
        if message.name == "OPEN_REQ":
            if protocol == CTI:
                self._desktops.append((writer, version))
                return [build(CTI, "OPEN_CONF", same | {"ServicesGranted": message.fields["ServicesRequested"]})]
            confirmed = build(MR, "OPEN_CONF", same | {"VersionNumber": version, "Status": 0})
            role = message.find("Role")
            enabled = build(MR, "ROUTING_ENABLED", {"DialogueID": -1, "SendSeqNo": -1})
            return [confirmed, enabled] if role == [2] else [confirmed]
        if message.name in ("HEARTBEAT_REQ", "CLOSE_REQ"):
            return [build(protocol, message.name.replace("_REQ", "_CONF"), same)]
        if message.name == "MEDIA_LOGIN_REQ":
            self._agents.append(message.number("ICMAgentID"))
            return [build(CTI, "MEDIA_LOGIN_RESP", same | {"Status": 0})]
        return self._route(message) if message.name == "NEW_TASK" else []

    def _route(self, message: Message) -> list[Message]:
        dialogue = {"DialogueID": message.fields["DialogueID"], "SendSeqNo": 1}
        previous = message.fields["PreviousTask"]
        if not self._agents:
            return [build(MR, "NEW_TASK_FAILURE", dialogue | {"Reason": 7})]
        self._tasks += 1
        agent = self._agents[self._tasks % len(self._agents)]
        key: list[Value] = [DAY, self._tasks, 1]
        if message.fields["Service"] == 3 and isinstance(previous, list):
            key = [previous[0], previous[1], 2]
        self.announce("AGENT_PRE_CALL_EVENT", agent, key)
        reference: dict[str, Value] = {"Kind": 1, "SkillTargetID": agent, "PeripheralID": 5000, "PeripheralNumber": -1}
        return [build(MR, "DO_THIS_WITH_TASK", dialogue | {"ICMTaskID": key, "Agent": reference}, message.named())]

    def announce(self, name: str, agent: int, key: list[Value]) -> None:
        """Tell every desktop about a task."""
        values: dict[str, Value] = {"MRDID": 5001, "AgentInstrument": str(agent - 5000)}
        values |= dict(zip(TASK_KEY_PARTS, key, strict=True))
        for writer, version in self._desktops:
            target: dict[str, Value] = {"AgentSkillTargetID": agent}
            if name != "AGENT_PRE_CALL_EVENT" or version < 20:
                target = {}
            writer.write(encode(build(CTI, name, values | target), version))

    def tell(self, name: str, values: dict[str, Value]) -> None:
        """Send an event to every desktop."""
        for writer, version in self._desktops:
            writer.write(encode(build(CTI, name, values), version))
