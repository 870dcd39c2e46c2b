"""CTI and ARM messages as a good engineer would write them by hand; see `benchmark.handwritten_mr`.

Protocol version 25: two bytes of tag, two of length, texts with one NUL at their end.
"""

from __future__ import annotations

import struct
from typing import Any

Floats = list[tuple[int, Any]]

_HEAD = struct.Struct(">HH")
_UINT = struct.Struct(">I")
_USHORT = struct.Struct(">H")


class TaskReport:
    """OFFER_TASK_IND, START_TASK_IND and their like: InvokeID, MRDID, ICMAgentID, TaskID."""

    __slots__ = ("floating", "icm_agent_id", "invoke_id", "mrd_id", "task_id")

    def __init__(
        self, invoke_id: int, mrd_id: int, icm_agent_id: int, task_id: tuple[int, int, int], floating: Floats
    ) -> None:
        self.invoke_id = invoke_id
        self.mrd_id = mrd_id
        self.icm_agent_id = icm_agent_id
        self.task_id = task_id
        self.floating = floating


class EndTaskInd:
    """Type 169."""

    __slots__ = (
        "application_disposition",
        "floating",
        "icm_agent_id",
        "icm_disposition",
        "invoke_id",
        "mrd_id",
        "task_id",
    )

    def __init__(
        self,
        invoke_id: int,
        mrd_id: int,
        icm_agent_id: int,
        task_id: tuple[int, int, int],
        icm_disposition: int,
        application_disposition: int,
        floating: Floats,
    ) -> None:
        self.invoke_id = invoke_id
        self.mrd_id = mrd_id
        self.icm_agent_id = icm_agent_id
        self.task_id = task_id
        self.icm_disposition = icm_disposition
        self.application_disposition = application_disposition
        self.floating = floating


class MediaLoginReq:
    """Type 151."""

    __slots__ = ("agent_mode", "floating", "icm_agent_id", "invoke_id", "max_task_limit", "mrd_id")

    def __init__(
        self, invoke_id: int, mrd_id: int, icm_agent_id: int, agent_mode: int, max_task_limit: int, floating: Floats
    ) -> None:
        self.invoke_id = invoke_id
        self.mrd_id = mrd_id
        self.icm_agent_id = icm_agent_id
        self.agent_mode = agent_mode
        self.max_task_limit = max_task_limit
        self.floating = floating


class AgentStateEvent:
    """Type 30."""

    __slots__ = (
        "agent_availability_status",
        "agent_mode",
        "agent_state",
        "department_id",
        "event_reason_code",
        "floating",
        "icm_agent_id",
        "max_task_limit",
        "monitor_id",
        "mrd_id",
        "num_flt_skill_groups",
        "num_tasks",
        "peripheral_id",
        "peripheral_type",
        "session_id",
        "skill_group_id",
        "skill_group_number",
        "skill_group_priority",
        "skill_group_state",
        "state_duration",
    )

    def __init__(
        self,
        floating: Floats,
        monitor_id: int,
        peripheral_id: int,
        session_id: int,
        peripheral_type: int,
        skill_group_state: int,
        state_duration: int,
        skill_group_number: int,
        skill_group_id: int,
        skill_group_priority: int,
        agent_state: int,
        event_reason_code: int,
        mrd_id: int,
        num_tasks: int,
        agent_mode: int,
        max_task_limit: int,
        icm_agent_id: int,
        agent_availability_status: int,
        num_flt_skill_groups: int,
        department_id: int,
    ) -> None:
        self.monitor_id = monitor_id
        self.peripheral_id = peripheral_id
        self.session_id = session_id
        self.peripheral_type = peripheral_type
        self.skill_group_state = skill_group_state
        self.state_duration = state_duration
        self.skill_group_number = skill_group_number
        self.skill_group_id = skill_group_id
        self.skill_group_priority = skill_group_priority
        self.agent_state = agent_state
        self.event_reason_code = event_reason_code
        self.mrd_id = mrd_id
        self.num_tasks = num_tasks
        self.agent_mode = agent_mode
        self.max_task_limit = max_task_limit
        self.icm_agent_id = icm_agent_id
        self.agent_availability_status = agent_availability_status
        self.num_flt_skill_groups = num_flt_skill_groups
        self.department_id = department_id
        self.floating = floating


class AgentPreCallEvent:
    """Type 105."""

    __slots__ = (
        "agent_skill_target_id",
        "floating",
        "monitor_id",
        "mrd_id",
        "num_named_arrays",
        "num_named_variables",
        "service_id",
        "service_number",
        "skill_group_id",
        "skill_group_number",
        "skill_group_priority",
    )

    def __init__(
        self,
        floating: Floats,
        monitor_id: int,
        num_named_variables: int,
        num_named_arrays: int,
        service_number: int,
        service_id: int,
        skill_group_number: int,
        skill_group_id: int,
        skill_group_priority: int,
        mrd_id: int,
        agent_skill_target_id: int,
    ) -> None:
        self.monitor_id = monitor_id
        self.num_named_variables = num_named_variables
        self.num_named_arrays = num_named_arrays
        self.service_number = service_number
        self.service_id = service_id
        self.skill_group_number = skill_group_number
        self.skill_group_id = skill_group_id
        self.skill_group_priority = skill_group_priority
        self.mrd_id = mrd_id
        self.agent_skill_target_id = agent_skill_target_id
        self.floating = floating


class Kinds:
    """How the floating fields of one message are read: sets of tags."""

    __slots__ = ("named_arrays", "named_variables", "texts", "uints", "ushorts")

    def __init__(
        self,
        texts: frozenset[int],
        uints: frozenset[int],
        ushorts: frozenset[int] = frozenset(),
        named_variables: int = -1,
        named_arrays: int = -1,
    ) -> None:
        self.texts = texts
        self.uints = uints
        self.ushorts = ushorts
        self.named_variables = named_variables
        self.named_arrays = named_arrays


_NONE = Kinds(frozenset(), frozenset())
_LOGIN = Kinds(frozenset((312, 313)), frozenset((266,)))
_STATE = Kinds(frozenset((3, 4, 5, 6, 303)), frozenset((62, 63, 150, 244, 266)), frozenset((64, 65, 123)))
_PRE_CALL = Kinds(
    frozenset((5, 6, 8, 11, 12, 294, 311, *range(13, 23))),
    frozenset((72, 73, 110, 210, 221)),
    frozenset((309, 310)),
    82,
    83,
)


def _read_floats(body: bytes, offset: int, kinds: Kinds) -> Floats:
    end = len(body)
    floats: Floats = []
    texts, uints = kinds.texts, kinds.uints
    while offset < end:
        tag, length = _HEAD.unpack_from(body, offset)
        start = offset + 4
        offset = start + length
        data = body[start:offset]
        if tag in texts:
            floats.append((tag, data[:-1].decode("latin-1")))
        elif tag in uints:
            floats.append((tag, _UINT.unpack(data)[0]))
        elif tag in kinds.ushorts:
            floats.append((tag, _USHORT.unpack(data)[0]))
        elif tag == kinds.named_variables:
            name, value, _ = data.decode("latin-1").split("\0")
            floats.append((tag, (name, value)))
        elif tag == kinds.named_arrays:
            name, value, _ = data[1:].decode("latin-1").split("\0")
            floats.append((tag, (data[0], name, value)))
        else:
            floats.append((tag, data))
    if offset != end:
        raise ValueError("the last floating field reaches beyond the message")
    return floats


def _write_floats(floats: Floats, kinds: Kinds) -> bytes:
    parts: list[bytes] = []
    texts, uints = kinds.texts, kinds.uints
    for tag, value in floats:
        if tag in texts:
            data = value.encode("latin-1") + b"\0"
        elif tag in uints:
            data = _UINT.pack(value)
        elif tag in kinds.ushorts:
            data = _USHORT.pack(value)
        elif tag == kinds.named_variables:
            data = f"{value[0]}\0{value[1]}\0".encode("latin-1")
        elif tag == kinds.named_arrays:
            data = bytes((value[0],)) + f"{value[1]}\0{value[2]}\0".encode("latin-1")
        else:
            data = value
        parts.append(_HEAD.pack(tag, len(data)))
        parts.append(data)
    return b"".join(parts)


_REPORT = struct.Struct(">Iiiiii")
_REPORT_FRAME = struct.Struct(">IIIiiiii")


def _decode_report(body: bytes) -> TaskReport:
    invoke, mrd, agent, day, key, number = _REPORT.unpack_from(body)
    floats = _read_floats(body, 24, _NONE) if len(body) > 24 else []
    return TaskReport(invoke, mrd, agent, (day, key, number), floats)


def decode_offer_task_ind(body: bytes) -> TaskReport:
    """OFFER_TASK_IND from its body."""
    return _decode_report(body)


def encode_offer_task_ind(message: TaskReport) -> bytes:
    """The frame of OFFER_TASK_IND."""
    return _encode_report(message, 160)


def decode_start_task_ind(body: bytes) -> TaskReport:
    """START_TASK_IND from its body."""
    return _decode_report(body)


def encode_start_task_ind(message: TaskReport) -> bytes:
    """The frame of START_TASK_IND."""
    return _encode_report(message, 163)


def _encode_report(message: TaskReport, number: int) -> bytes:
    tail = _write_floats(message.floating, _NONE) if message.floating else b""
    day, key, sequence = message.task_id
    head = _REPORT_FRAME.pack(
        24 + len(tail), number, message.invoke_id, message.mrd_id, message.icm_agent_id, day, key, sequence
    )
    return head + tail


_END = struct.Struct(">IiiiiiHI")
_END_FRAME = struct.Struct(">IIIiiiiiHI")


def decode_end_task_ind(body: bytes) -> EndTaskInd:
    """END_TASK_IND from its body."""
    invoke, mrd, agent, day, key, number, disposition, application = _END.unpack_from(body)
    floats = _read_floats(body, 30, _NONE) if len(body) > 30 else []
    return EndTaskInd(invoke, mrd, agent, (day, key, number), disposition, application, floats)


def encode_end_task_ind(message: EndTaskInd) -> bytes:
    """The frame of END_TASK_IND."""
    tail = _write_floats(message.floating, _NONE) if message.floating else b""
    day, key, number = message.task_id
    head = _END_FRAME.pack(
        30 + len(tail),
        169,
        message.invoke_id,
        message.mrd_id,
        message.icm_agent_id,
        day,
        key,
        number,
        message.icm_disposition,
        message.application_disposition,
    )
    return head + tail


_LOGIN_FIXED = struct.Struct(">IiiHI")
_LOGIN_FRAME = struct.Struct(">IIIiiHI")


def decode_media_login_req(body: bytes) -> MediaLoginReq:
    """MEDIA_LOGIN_REQ from its body."""
    invoke, mrd, agent, mode, limit = _LOGIN_FIXED.unpack_from(body)
    return MediaLoginReq(invoke, mrd, agent, mode, limit, _read_floats(body, 18, _LOGIN) if len(body) > 18 else [])


def encode_media_login_req(message: MediaLoginReq) -> bytes:
    """The frame of MEDIA_LOGIN_REQ."""
    tail = _write_floats(message.floating, _LOGIN) if message.floating else b""
    head = _LOGIN_FRAME.pack(
        18 + len(tail),
        151,
        message.invoke_id,
        message.mrd_id,
        message.icm_agent_id,
        message.agent_mode,
        message.max_task_limit,
    )
    return head + tail


_STATE_FIXED = struct.Struct(">IIIHHIIIHHHiIHIiIHi")
_STATE_FRAME = struct.Struct(">II" + "IIIHHIIIHHHiIHIiIHi")


def decode_agent_state_event(body: bytes) -> AgentStateEvent:
    """AGENT_STATE_EVENT from its body."""
    return AgentStateEvent(_read_floats(body, _STATE_FIXED.size, _STATE), *_STATE_FIXED.unpack_from(body))


def encode_agent_state_event(message: AgentStateEvent) -> bytes:
    """The frame of AGENT_STATE_EVENT."""
    tail = _write_floats(message.floating, _STATE)
    head = _STATE_FRAME.pack(
        _STATE_FIXED.size + len(tail),
        30,
        message.monitor_id,
        message.peripheral_id,
        message.session_id,
        message.peripheral_type,
        message.skill_group_state,
        message.state_duration,
        message.skill_group_number,
        message.skill_group_id,
        message.skill_group_priority,
        message.agent_state,
        message.event_reason_code,
        message.mrd_id,
        message.num_tasks,
        message.agent_mode,
        message.max_task_limit,
        message.icm_agent_id,
        message.agent_availability_status,
        message.num_flt_skill_groups,
        message.department_id,
    )
    return head + tail


_PRE_CALL_FIXED = struct.Struct(">IHHIIIIHii")
_PRE_CALL_FRAME = struct.Struct(">II" + "IHHIIIIHii")


def decode_agent_pre_call_event(body: bytes) -> AgentPreCallEvent:
    """AGENT_PRE_CALL_EVENT from its body."""
    return AgentPreCallEvent(_read_floats(body, _PRE_CALL_FIXED.size, _PRE_CALL), *_PRE_CALL_FIXED.unpack_from(body))


def encode_agent_pre_call_event(message: AgentPreCallEvent) -> bytes:
    """The frame of AGENT_PRE_CALL_EVENT."""
    tail = _write_floats(message.floating, _PRE_CALL)
    head = _PRE_CALL_FRAME.pack(
        _PRE_CALL_FIXED.size + len(tail),
        105,
        message.monitor_id,
        message.num_named_variables,
        message.num_named_arrays,
        message.service_number,
        message.service_id,
        message.skill_group_number,
        message.skill_group_id,
        message.skill_group_priority,
        message.mrd_id,
        message.agent_skill_target_id,
    )
    return head + tail
