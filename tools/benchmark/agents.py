"""The agents' side of the load: one CTI session that signs agents in, and that can do their work.

Knows the few ARM messages of a task's life; must not know which server it talks to. The work is done with frames packed
by hand, so that the load generator does not hide the server's cost.
"""

from __future__ import annotations

import contextlib
import select
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.configuration import APPLICATION_PATH, CLIENT_ID, FIRST_AGENT, MRD, Installation
from benchmark.load import ANSWER_S, DO_THIS_WITH_TASK, TASK_CONTROL, LoadError, Peer, client_context
from ctigw.wire import Message, cti, cti_codec

NO_IDLE_TIMEOUT = 0xFFFFFFFF
NO_PERIPHERAL = 0xFFFFFFFF
LOGINS_AT_ONCE = 100
"""Requests between two looks at the answers."""

_HEADER = struct.Struct(">II")
_FLOAT = struct.Struct(">HH")
_UINT = struct.Struct(">I")
_REPORT = struct.Struct(">IIIiiIII")
_END = struct.Struct(">IIIiiIIIHI")
_AGENT_OFFSET = 38
"""AgentSkillTargetID of AGENT_PRE_CALL_EVENT, counted from the frame's first byte; its floating fields follow."""
_DAY, _KEY, _SEQUENCE = 72, 73, 110
"""Tags of RouterCallKeyDay, RouterCallKeyCallID, RouterCallKeySequenceNumber."""
_PRE_CALL = 105
_OFFER, _START, _FINISH = 160, 163, 169
_NORMAL_END = 38


def _expect(peer: Peer, wanted: type[Message], count: int) -> None:
    """Wait for so many messages of a type; others are skipped, refusals are errors."""
    codec = cti_codec()
    deadline = time.monotonic() + ANSWER_S
    while count > 0:
        if time.monotonic() > deadline:
            raise LoadError(f"{count} {wanted.NAME} missing")
        for number, body in peer.receive_frames():
            if number == wanted.TYPE:
                count -= 1
            if number in (cti.FailureConf.TYPE, cti.FailureEvent.TYPE, cti.FailureResp.TYPE):
                raise LoadError(f"refused: {codec.decode(number, body)!r}")


@contextlib.contextmanager
def arm_session(installation: Installation, services: cti.ServiceMask) -> Iterator[Peer]:
    """An open CTI session of version 25 on the application path."""
    peer = Peer(installation.port, client_context())
    kind = cti.OpenReq
    request = kind(1, 25, NO_IDLE_TIMEOUT, NO_PERIPHERAL, services, 0, 0, 0, 0, 0, 0)
    request.floating = [
        (kind.CLIENT_ID, CLIENT_ID),
        (kind.CLIENT_PASSWORD, installation.password.encode("ascii") + b"\0"),
        (kind.APPLICATION_PATH_ID, APPLICATION_PATH),
    ]
    try:
        peer.send(cti_codec().encode(request))
        _expect(peer, cti.OpenConf, 1)
        yield peer
    finally:
        peer.close()


def sign_in(peer: Peer, count: int, max_tasks: int) -> None:
    """Agents ready and routable; their order is that of the configuration."""
    encode = cti_codec().encode
    for first in range(0, count, LOGINS_AT_ONCE):
        some = range(first, min(count, first + LOGINS_AT_ONCE))
        logins = [cti.MediaLoginReq(n, MRD, FIRST_AGENT + n, 1, max_tasks) for n in some]
        peer.send(b"".join(map(encode, logins)))
        _expect(peer, cti.MediaLoginResp, len(some))
        ready = [cti.MakeAgentReadyInd(n, MRD, FIRST_AGENT + n, 1) for n in some]
        peer.send(b"".join(map(encode, ready)))


def work_on(frame: bytes, invoke_id: int) -> bytes:
    """OFFER_TASK_IND, START_TASK_IND and END_TASK_IND for the task of an AGENT_PRE_CALL_EVENT."""
    agent = int.from_bytes(frame[_AGENT_OFFSET : _AGENT_OFFSET + 4], "big")
    parts: dict[int, int] = {}
    offset = _AGENT_OFFSET + 4
    while offset < len(frame) and len(parts) < 3:
        tag, length = _FLOAT.unpack_from(frame, offset)
        if tag in (_DAY, _KEY, _SEQUENCE):
            parts[tag] = _UINT.unpack_from(frame, offset + 4)[0]
        offset += 4 + length
    task = parts[_DAY], parts[_KEY], parts[_SEQUENCE]
    return (
        _REPORT.pack(24, _OFFER, invoke_id, MRD, agent, *task)
        + _REPORT.pack(24, _START, invoke_id + 1, MRD, agent, *task)
        + _END.pack(30, _FINISH, invoke_id + 2, MRD, agent, *task, _NORMAL_END, 0)
    )


@dataclass(slots=True)
class Worked:
    """What a turn with agents gave."""

    tasks: int = 0
    frames: int = 0
    """To and from the daemon, on both connections."""
    seconds: float = 0.0
    client_cpu_s: float = 0.0


class Shift:
    """One application and the agents' session, driven together until a moment."""

    def __init__(self, application: Peer, arm: Peer, in_flight: int) -> None:
        self._application = application
        self._arm = arm
        self._in_flight = in_flight
        self._invoke_id = 1_000_000
        self._result = Worked()

    def run(self, seconds: float) -> Worked:
        """Keep `in_flight` tasks waiting for their answer; each is offered, started and ended as soon as it is known.

        LoadError for an answer that is none.
        """
        result = self._result = Worked()
        application, arm = self._application, self._arm
        started, cpu = time.perf_counter(), time.process_time()
        application.send(b"".join(application.frames.values()))
        under_way, begun, ended = self._in_flight, self._in_flight, 0
        running = True
        while under_way or ended < begun:
            ready = select.select([application.tls, arm.tls], [], [], ANSWER_S)[0]
            if not ready:
                raise LoadError("no answer")
            if application.tls in ready:
                answered = self._answers()
                under_way -= len(answered)
                if running:
                    application.send(b"".join(application.frames[dialogue] for dialogue in answered))
                    under_way += len(answered)
                    begun += len(answered)
            if arm.tls in ready:
                ended += self._pre_calls()
            if running and time.perf_counter() - started >= seconds:
                running = False
        result.tasks = ended
        result.frames += begun
        result.seconds = time.perf_counter() - started
        result.client_cpu_s = time.process_time() - cpu
        return result

    def _answers(self) -> list[int]:
        """DialogueIDs that were answered."""
        answered = []
        for frame in _frames(self._application):
            kind, subtype, dialogue = struct.unpack_from(">III", frame, 4)
            if kind != TASK_CONTROL or subtype != DO_THIS_WITH_TASK:
                raise LoadError(f"type {kind} sub-type {subtype} is no answer")
            answered.append(dialogue)
        self._result.frames += len(answered)
        return answered

    def _pre_calls(self) -> int:
        """Work on every task that the agents' session was told of; how many."""
        replies = []
        for frame in _frames(self._arm):
            self._result.frames += 1
            number = int.from_bytes(frame[4:8], "big")
            if number == _PRE_CALL:
                replies.append(work_on(frame, self._invoke_id))
                self._invoke_id += 3
            elif number == cti.FailureResp.TYPE:
                raise LoadError("an agent report was refused")
        if replies:
            self._arm.send(b"".join(replies))
            self._result.frames += 3 * len(replies)
        return len(replies)


def _frames(peer: Peer) -> list[bytes]:
    """Whole frames that have come, headers included."""
    data = peer.receive()
    start, end = 0, len(data)
    frames = []
    while end - start >= _HEADER.size:
        after = start + _HEADER.size + _HEADER.unpack_from(data, start)[0]
        if after > end:
            break
        frames.append(data[start:after])
        start = after
    peer.received = data[start:]
    return frames


def quiet(peer: Peer, silence_s: float = 0.2) -> None:
    """Read and drop until nothing has come for a while."""
    while select.select([peer.tls], [], [], silence_s)[0]:
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.receive()
