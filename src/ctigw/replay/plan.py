"""What a recorded conversation asks to be done again, step by step, and what is expected to come back.

Knows which half of a recording is the client's, the order of all connections by the capture's time, and what belongs to
keeping a session alive rather than to the conversation. Must not know sockets or how answers are compared. Rules:
design 5 (replay).
"""

import enum
import struct
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from ctigw.errors import DecodeError
from ctigw.replay.connections import Direction
from ctigw.replay.frames import Half, Recording
from ctigw.replay.reassembly import Moment
from ctigw.wire.codec import Codec
from ctigw.wire.conversation import Frame, opening
from ctigw.wire.json_form import Json, to_json

HEARTBEAT_REQUEST: Final = "HEARTBEAT_REQ"
HEARTBEAT_ANSWER: Final = "HEARTBEAT_CONF"
CLOSE_REQUEST: Final = "CLOSE_REQ"
LEAVING_S: Final = 0.1
"""So long before a client closes, what the server says about others depends on who is quicker."""

_HEADER: Final = struct.Struct(">II")


@attrs.frozen
class Told:
    """A message as both sides of a comparison have it."""

    codec: Codec
    name: str | None
    """None: the number is in no table, or the body does not parse."""
    entry: Mapping[str, Json]
    """Its JSON form; of a body that does not parse only type and body."""

    @property
    def title(self) -> str:
        """For messages to people."""
        return self.name or f"unknown type {self.entry.get('type')}"


def told(codec: Codec, message_type: int, body: bytes) -> Told:
    """A frame as a message; whatever is in it, this does not fail."""
    try:
        entry = to_json(codec, codec.decode(message_type, body), len(body))
    except DecodeError:
        entry = {"type": message_type, "name": None, "length": len(body), "body": "hex:" + body.hex()}
    name = entry["name"]
    return Told(codec, name if isinstance(name, str) else None, entry)


class Action(enum.Enum):
    """What a step is."""

    SEND = "send"
    EXPECT = "expect"
    CLOSE = "close"
    """The client ends the connection."""
    EXPECT_CLOSE = "expect close"
    """The server ends the connection."""


@attrs.frozen(eq=False)
class Step:
    """One step of a plan."""

    action: Action
    moment: Moment
    connection: int
    """Place in `Plan.connections`."""
    message: Told | None = None
    """Of SEND and EXPECT."""
    frame: bytes = b""
    """The whole captured frame of SEND."""


@attrs.frozen
class Plan:
    """The steps of all connections in the order of the capture."""

    connections: tuple[str, ...]
    """The ways of the clients, for messages to people."""
    steps: tuple[Step, ...]
    skipped: tuple[str, ...]
    """One sentence for each connection that cannot be played."""


def plan(recordings: Sequence[Recording]) -> Plan:
    """The plan of a capture. Connections that do not begin with an OPEN_REQ are skipped."""
    ways: list[str] = []
    steps: list[Step] = []
    skipped: list[str] = []
    for recording in recordings:
        client = next((half for half in recording.halves if _opens(half)), None)
        if client is None:
            skipped.append(f"{recording.halves[0].direction.way} does not begin with an OPEN_REQ")
            continue
        steps += _steps(len(ways), recording, client)
        ways.append(client.direction.way)
    return Plan(tuple(ways), tuple(sorted(steps, key=lambda step: step.moment)), tuple(skipped))


def leaving(plan: Plan) -> dict[Step, list[int]]:
    """The connections whose client is about to leave when a step comes.

    A client often sends its last requests and the end at once, and does not see what comes of the requests. In a replay
    the server may be quicker: what it says then, beyond what was captured, is no difference.
    """
    found: dict[Step, list[int]] = {}
    for number in range(len(plan.connections)):
        own = [step for step in plan.steps if step.connection == number]
        requests = [step for step in own if step.message is not None and step.message.name == CLOSE_REQUEST]
        asked = next((step for step in requests if step.action is Action.SEND), None)
        if not own or (asked is None and own[-1].action is not Action.CLOSE):
            continue
        end = own[-1] if asked is None else asked
        heard = [step.moment for step in own if step.action is Action.EXPECT and step.moment < end.moment]
        first = next(
            step
            for step in plan.steps
            if step.moment >= end.moment
            or (step.moment.time >= end.moment.time - LEAVING_S and step.moment > max(heard, default=own[0].moment))
        )
        found.setdefault(first, []).append(number)
    return found


def _opens(half: Half) -> bool:
    return bool(half.frames) and opening(half.frames[0].frame.type, half.frames[0].frame.body) is not None


def _steps(number: int, recording: Recording, client: Half) -> list[Step]:
    frames = [(timed, half is client) for half in recording.halves for timed in half.frames]
    steps: list[Step] = []
    # Heartbeats of the server are answered when they come, and not played: they keep time, not the conversation.
    open_beats = 0
    for timed, sent in sorted(frames, key=lambda pair: pair[0].moment):
        codec = recording.conversation.codec_for(timed.frame.type, timed.frame.body)
        message = told(codec, timed.frame.type, timed.frame.body)
        if message.name == HEARTBEAT_REQUEST and not sent:
            open_beats += 1
        elif message.name == HEARTBEAT_ANSWER and sent and open_beats:
            open_beats -= 1
        elif sent:
            steps.append(Step(Action.SEND, timed.moment, number, message, _whole(timed.frame)))
        else:
            steps.append(Step(Action.EXPECT, timed.moment, number, message))
    end = _end(number, client.direction, [half.direction for half in recording.halves if half is not client])
    if end is None:
        return steps
    kept = [step for step in steps if step.moment <= end.moment]
    return [*kept, end]


def _end(number: int, client: Direction, servers: Sequence[Direction]) -> Step | None:
    """The end that came first; what the other end does after it says nothing."""
    ends = [(client.ended, Action.CLOSE), *((server.ended, Action.EXPECT_CLOSE) for server in servers)]
    known = [(moment, action) for moment, action in ends if moment is not None]
    if not known:
        return None
    moment, action = min(known, key=lambda pair: pair[0])
    return Step(action, moment, number)


def _whole(frame: Frame) -> bytes:
    return _HEADER.pack(len(frame.body), frame.type) + frame.body
