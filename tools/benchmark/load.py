"""The load generator: TLS peers that ask and count answers, the same for every server, as cheap as Python allows.

Knows frame headers, NEW_TASK and its two answers; must not know which server it drives. Frames are made once and sent
again and again: a DialogueID is free as soon as its answer has come (decisions D2). One thread, one epoll, no event
loop; a read and a write for each batch that the server writes.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ctigw.wire import AgentRef, EccName, EccValue, TaskId, mr, mr_codec

OPEN_REQ_INVOKE_ID = 1
READ_BYTES = 64 * 1024
WRITE_S = 10.0
"""A server that takes nothing for so long is stuck."""
ANSWER_S = 30.0
"""A server that answers nothing for so long is stuck."""

_HEADER = struct.Struct(">II")
_ANSWER = struct.Struct(">IIII")
"""MessageLength, MessageType, sub-type, DialogueID."""
TASK_CONTROL = 47
NEW_TASK = 3
DO_THIS_WITH_TASK = 4
ROUTING_ENABLED = 1


class LoadError(Exception):
    """A server did not answer as expected."""


def client_context() -> ssl.SSLContext:
    """TLS 1.3 without checking the certificate: what is measured is the server, and the peer is this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def new_task_frame(dialogue_id: int, selector: str, *, variables: int = 0) -> bytes:
    """NEW_TASK like the trace of mr-wire section h (102 bytes with a selector of four), or with ten call variables."""
    kind = mr.NewTask
    message = kind(dialogue_id, 1, 5001, TaskId(-1, -1, -1), AgentRef(0, -1, -1, -1), 0, 0)
    message.floating = [(kind.SCRIPT_SELECTOR, selector)]
    message.floating += [(kind.CALL_VARIABLE1 + n, f"{n}: {dialogue_id:08}") for n in range(variables)]
    if not variables:
        message.floating += [
            (kind.ECC_NAME, EccName(1, "user.cim.activity.id")),
            (kind.ECC_VALUE, EccValue(1, "1178")),
        ]
    return mr_codec().encode(message)


def open_frame() -> bytes:
    """OPEN_REQ of an application that dials in; it sends no heartbeats, so it states no idle timeout."""
    kind = mr.OpenReq
    return mr_codec().encode(kind(OPEN_REQ_INVOKE_ID, 5, 0xFFFFFFFF, [(kind.ROLE, mr.Role.APPLICATION)]))


class Peer:
    """One TLS connection, non-blocking."""

    __slots__ = ("frames", "received", "sent_at", "tls")

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(plain, server_hostname="localhost")
        self.tls.setblocking(False)
        self.received = b""
        self.frames: dict[int, bytes] = {}
        self.sent_at: dict[int, float] = {}

    def send(self, data: bytes) -> None:
        """Everything; LoadError when the server takes nothing for `WRITE_S`."""
        view = memoryview(data)
        while view:
            try:
                view = view[self.tls.send(view) :]
            except ssl.SSLWantWriteError:
                if not select.select([], [self.tls], [], WRITE_S)[1]:
                    raise LoadError("the server takes nothing") from None

    def receive(self) -> bytes:
        """What is there, behind what was left over last time; LoadError when the server has closed."""
        parts = [self.received]
        self.received = b""
        while True:
            try:
                data = self.tls.recv(READ_BYTES)
            except ssl.SSLWantReadError:
                return b"".join(parts)
            if not data:
                raise LoadError("the server closed a connection")
            parts.append(data)
            if not self.tls.pending() and len(data) < READ_BYTES:
                return b"".join(parts)

    def receive_frames(self, within_s: float = ANSWER_S) -> Iterator[tuple[int, bytes]]:
        """(MessageType, body) of what is there after waiting for the first byte."""
        if not self.tls.pending() and not select.select([self.tls], [], [], within_s)[0]:
            raise LoadError("no answer")
        data = self.receive()
        start, end = 0, len(data)
        while end - start >= 8:
            length, number = _HEADER.unpack_from(data, start)
            after = start + 8 + length
            if after > end:
                break
            yield number, data[start + 8 : after]
            start = after
        self.received = data[start:]

    def open_application(self) -> None:
        """Open an MR session with Role 2 and wait for ROUTING_ENABLED."""
        self.send(open_frame())
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            for number, body in self.receive_frames():
                if number == TASK_CONTROL and body[:4] == ROUTING_ENABLED.to_bytes(4, "big"):
                    return
                if number != mr.OpenConf.TYPE:
                    raise LoadError(f"message type {number} instead of OPEN_CONF")
        raise LoadError("no ROUTING_ENABLED")

    def close(self) -> None:
        """Without goodbye."""
        self.tls.close()


@dataclass(slots=True)
class Measurement:
    """What one turn gave."""

    answers: int = 0
    seconds: float = 0.0
    client_cpu_s: float = 0.0
    server_cpu_s: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def server_cpu_per_thousand_ms(self) -> float:
        """CPU milliseconds of the server for a thousand answers, those that came in after the time included."""
        return self.server_cpu_s / len(self.latencies) * 1e6


@contextlib.contextmanager
def peers(port: int, count: int, *, application: bool) -> Iterator[list[Peer]]:
    """So many connections; with `application`, each with an open MR session."""
    context = client_context()
    made: list[Peer] = []
    try:
        for _ in range(count):
            made.append(Peer(port, context))
            if application:
                made[-1].open_application()
        yield made
    finally:
        for peer in made:
            peer.close()


def prepare(group: Sequence[Peer], in_flight: int, selector: str) -> None:
    """Give every peer its frames, DialogueIDs 1 to `in_flight`."""
    frames = {dialogue: new_task_frame(dialogue, selector) for dialogue in range(1, in_flight + 1)}
    for peer in group:
        peer.frames = frames


def drive(
    group: Sequence[Peer], in_flight: int, seconds: float, answer: int, listener: Peer | None = None
) -> Measurement:
    """Keep `in_flight` tasks under way on every peer for `seconds`; then let them all come in.

    `answer` is the sub-type that a good answer has; LoadError for any other. Only answers within the time count. What
    comes to `listener` (the agents' CTI session) is read and dropped.
    """
    result = Measurement()
    latencies = result.latencies
    by_number = {peer.tls.fileno(): peer for peer in group}
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    heard = -1
    if listener is not None:
        heard = listener.tls.fileno()
        poll.register(heard, select.EPOLLIN)
    clock = time.perf_counter
    cpu = time.process_time()
    started = clock()
    until = started + seconds
    for peer in group:
        first = b"".join(peer.frames[dialogue] for dialogue in range(1, in_flight + 1))
        moment = clock()
        peer.sent_at = dict.fromkeys(range(1, in_flight + 1), moment)
        peer.send(first)
    under_way = in_flight * len(group)
    running = True
    unpack = _ANSWER.unpack_from
    while under_way:
        ready = poll.poll(ANSWER_S)
        if not ready:
            raise LoadError(f"{under_way} tasks without an answer for {ANSWER_S:g} s")
        for number, _ in ready:
            if number == heard and listener is not None:
                listener.receive()
                continue
            peer = by_number[number]
            data = peer.receive()
            moment = clock()
            start, end = 0, len(data)
            again: list[bytes] = []
            frames, sent_at = peer.frames, peer.sent_at
            count = 0
            while end - start >= 16:
                length, kind, subtype, dialogue = unpack(data, start)
                after = start + 8 + length
                if after > end:
                    break
                start = after
                if kind != TASK_CONTROL or subtype != answer:
                    raise LoadError(f"type {kind} sub-type {subtype} is not the answer {answer}")
                count += 1
                latencies.append(moment - sent_at[dialogue])
                sent_at[dialogue] = moment
                again.append(frames[dialogue])
            peer.received = data[start:]
            under_way -= count
            if running:
                result.answers += count
                if again:
                    under_way += count
                    peer.send(b"".join(again))
        if running and clock() >= until:
            running = False
            result.seconds = clock() - started
            result.client_cpu_s = time.process_time() - cpu
    poll.close()
    return result
