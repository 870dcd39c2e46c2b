"""MR messages as a good engineer would write them by hand: one slots class, one Struct, one loop over tags for each.

The yardstick of the codec (performance.md, "decode one frame: hand-written struct + slots class"). Knows nothing of
ctigw.wire, on purpose. Like the codec it decodes every floating field that the message is known to have, keeps unknown
tags as bytes, keeps the order, and refuses a list that does not end with the body.
"""

from __future__ import annotations

import struct
from typing import Any

Floats = list[tuple[int, Any]]

_UINT = struct.Struct(">I")
_INT = struct.Struct(">i")


class HeartbeatReq:
    """Type 5."""

    __slots__ = ("floating", "invoke_id")

    def __init__(self, invoke_id: int, floating: Floats) -> None:
        self.invoke_id = invoke_id
        self.floating = floating


class NewTask:
    """Type 47, sub-type 3."""

    __slots__ = (
        "cisco_reserved",
        "dialogue_id",
        "floating",
        "mr_domain_id",
        "preferred_agent",
        "previous_task",
        "send_seq_no",
        "service",
    )

    def __init__(
        self,
        dialogue_id: int,
        send_seq_no: int,
        mr_domain_id: int,
        previous_task: tuple[int, int, int],
        preferred_agent: tuple[int, int, int, int],
        service: int,
        cisco_reserved: int,
        floating: Floats,
    ) -> None:
        self.dialogue_id = dialogue_id
        self.send_seq_no = send_seq_no
        self.mr_domain_id = mr_domain_id
        self.previous_task = previous_task
        self.preferred_agent = preferred_agent
        self.service = service
        self.cisco_reserved = cisco_reserved
        self.floating = floating


class DoThisWithTask:
    """Type 47, sub-type 4."""

    __slots__ = ("agent", "dialogue_id", "floating", "icm_task_id", "send_seq_no", "service", "skill_group")

    def __init__(
        self,
        dialogue_id: int,
        send_seq_no: int,
        icm_task_id: tuple[int, int, int],
        skill_group: int,
        service: int,
        agent: tuple[int, int, int, int],
        floating: Floats,
    ) -> None:
        self.dialogue_id = dialogue_id
        self.send_seq_no = send_seq_no
        self.icm_task_id = icm_task_id
        self.skill_group = skill_group
        self.service = service
        self.agent = agent
        self.floating = floating


class NewTaskFailure:
    """Type 47, sub-type 5."""

    __slots__ = ("cause_code", "dialogue_id", "floating", "reason", "send_seq_no")

    def __init__(self, dialogue_id: int, send_seq_no: int, reason: int, cause_code: int, floating: Floats) -> None:
        self.dialogue_id = dialogue_id
        self.send_seq_no = send_seq_no
        self.reason = reason
        self.cause_code = cause_code
        self.floating = floating


# Sets of tags that are read alike; tag numbers of mr.toml.
_TEXTS = frozenset((1, 18, 32, 33, 34, 128, 130, *range(22, 32)))
_ECC = frozenset((42, 43))
_ECC_ARRAY = 44
_INTEGERS = frozenset((129, 132, 134))


def _read_floats(body: bytes, offset: int) -> Floats:
    end = len(body)
    floats: Floats = []
    while offset < end:
        tag = body[offset]
        start = offset + 2
        offset = start + body[offset + 1]
        data = body[start:offset]
        if tag in _TEXTS:
            floats.append((tag, data.decode("latin-1")))
        elif tag in _ECC:
            floats.append((tag, (_UINT.unpack_from(data)[0], data[4:].decode("latin-1"))))
        elif tag == _ECC_ARRAY:
            floats.append((tag, (_UINT.unpack_from(data)[0], data[4], data[5:].decode("latin-1"))))
        elif tag in _INTEGERS:
            floats.append((tag, _INT.unpack(data)[0]))
        else:
            floats.append((tag, data))
    if offset != end:
        raise ValueError("the last floating field reaches beyond the message")
    return floats


def _write_floats(floats: Floats) -> bytes:
    parts: list[bytes] = []
    for tag, value in floats:
        if tag in _TEXTS:
            data = value.encode("latin-1")
        elif tag in _ECC:
            data = _UINT.pack(value[0]) + value[1].encode("latin-1")
        elif tag == _ECC_ARRAY:
            data = _UINT.pack(value[0]) + bytes((value[1],)) + value[2].encode("latin-1")
        elif tag in _INTEGERS:
            data = _INT.pack(value)
        else:
            data = value
        parts.append(bytes((tag, len(data))))
        parts.append(data)
    return b"".join(parts)


_HEARTBEAT = struct.Struct(">I")
_HEARTBEAT_FRAME = struct.Struct(">III")


def decode_heartbeat_req(body: bytes) -> HeartbeatReq:
    """HEARTBEAT_REQ from its body."""
    return HeartbeatReq(_HEARTBEAT.unpack_from(body)[0], _read_floats(body, 4) if len(body) > 4 else [])


def encode_heartbeat_req(message: HeartbeatReq) -> bytes:
    """The frame of HEARTBEAT_REQ."""
    tail = _write_floats(message.floating) if message.floating else b""
    return _HEARTBEAT_FRAME.pack(4 + len(tail), 5, message.invoke_id) + tail


_NEW_TASK = struct.Struct(">4xIIiiiiIiiiII")
_NEW_TASK_FRAME = struct.Struct(">IIIIIiiiiIiiiII")


def decode_new_task(body: bytes) -> NewTask:
    """NEW_TASK from its body."""
    dialogue, sequence, mrd, day, key, number, kind, target, peripheral, agent, service, reserved = (
        _NEW_TASK.unpack_from(body)
    )
    return NewTask(
        dialogue,
        sequence,
        mrd,
        (day, key, number),
        (kind, target, peripheral, agent),
        service,
        reserved,
        _read_floats(body, 52),
    )


def encode_new_task(message: NewTask) -> bytes:
    """The frame of NEW_TASK."""
    tail = _write_floats(message.floating)
    day, key, number = message.previous_task
    kind, target, peripheral, agent = message.preferred_agent
    head = _NEW_TASK_FRAME.pack(
        52 + len(tail),
        47,
        3,
        message.dialogue_id,
        message.send_seq_no,
        message.mr_domain_id,
        day,
        key,
        number,
        kind,
        target,
        peripheral,
        agent,
        message.service,
        message.cisco_reserved,
    )
    return head + tail


_ANSWER = struct.Struct(">4xIIiiiiiIiii")
_ANSWER_FRAME = struct.Struct(">IIIIIiiiiiIiii")


def decode_do_this_with_task(body: bytes) -> DoThisWithTask:
    """DO_THIS_WITH_TASK from its body."""
    dialogue, sequence, day, key, number, group, service, kind, target, peripheral, agent = _ANSWER.unpack_from(body)
    return DoThisWithTask(
        dialogue,
        sequence,
        (day, key, number),
        group,
        service,
        (kind, target, peripheral, agent),
        _read_floats(body, 48),
    )


def encode_do_this_with_task(message: DoThisWithTask) -> bytes:
    """The frame of DO_THIS_WITH_TASK."""
    tail = _write_floats(message.floating)
    day, key, number = message.icm_task_id
    kind, target, peripheral, agent = message.agent
    head = _ANSWER_FRAME.pack(
        48 + len(tail),
        47,
        4,
        message.dialogue_id,
        message.send_seq_no,
        day,
        key,
        number,
        message.skill_group,
        message.service,
        kind,
        target,
        peripheral,
        agent,
    )
    return head + tail


_FAILURE = struct.Struct(">4xIIII")
_FAILURE_FRAME = struct.Struct(">IIIIIII")


def decode_new_task_failure(body: bytes) -> NewTaskFailure:
    """NEW_TASK_FAILURE from its body."""
    dialogue, sequence, reason, cause = _FAILURE.unpack_from(body)
    return NewTaskFailure(dialogue, sequence, reason, cause, _read_floats(body, 20) if len(body) > 20 else [])


def encode_new_task_failure(message: NewTaskFailure) -> bytes:
    """The frame of NEW_TASK_FAILURE."""
    tail = _write_floats(message.floating) if message.floating else b""
    head = _FAILURE_FRAME.pack(
        20 + len(tail), 47, 5, message.dialogue_id, message.send_seq_no, message.reason, message.cause_code
    )
    return head + tail
