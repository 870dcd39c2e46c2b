"""One representative value of every message.

Knows what each field type may hold; must not know meanings beyond that. For the messages that are also written by hand
the values are those of real traffic (mr-wire section h); for all others, every required floating field and the first
few of the others are present, which is about what peers send.
"""

from __future__ import annotations

from ctigw.wire import (
    AgentRef,
    Codec,
    EccArray,
    EccName,
    EccValue,
    Floating,
    FloatValue,
    Message,
    NamedArray,
    NamedVariable,
    TaskId,
    cti,
    lookup,
    mr,
)
from ctigw.wire.layout import FloatRow, MessageRow

USUAL_FLOATS = 3
"""Optional floating fields of a made-up sample: most messages of the references' samples have two to four."""

_TASK = TaskId(150200, 42, 1)
_NOBODY = AgentRef(0, -1, -1, -1)
_VALUES: dict[str, FloatValue] = {
    "TASKID": _TASK,
    "AGENTREF": _NOBODY,
    "STRING": "1080",
    "UNSPEC": b"4711",
    "NAMEDVAR": NamedVariable("user.cim.activity.id", "1178"),
    "NAMEDARRAY": NamedArray(0, "user.tags", "vip"),
    "ECCNAME": EccName(1, "user.cim.activity.id"),
    "ECCVALUE": EccValue(1, "1178"),
    "ECCARRAY": EccArray(1, 0, "vip"),
}


def _value(row: FloatRow) -> FloatValue:
    if row.array is not None:
        return [1, 2]
    return _VALUES.get(row.type, 7)


def _made(codec: Codec, row: MessageRow) -> Message:
    kind = codec.class_of(row)
    if not row.layout:
        return kind(b"\0" * 16)
    fixed = {field.attribute: _VALUES.get(field.type, 5) for field in row.fields}
    known = [known for known in row.floats if known.min_version <= codec.version]
    chosen = [one for one in known if one.required] + [one for one in known if not one.required][:USUAL_FLOATS]
    return kind(**fixed, floating=[(one.tag, _value(one)) for one in chosen])


def _context() -> Floating:
    kind = mr.NewTask
    return [(kind.ECC_NAME, EccName(1, "user.cim.activity.id")), (kind.ECC_VALUE, EccValue(1, "1178"))]


def _real() -> list[Message]:
    """What gateways and peers really send most."""
    answer = mr.DoThisWithTask
    event = cti.AgentPreCallEvent
    state = cti.AgentStateEvent
    return [
        mr.NewTask(1, 1, 5003, TaskId(-1, -1, -1), _NOBODY, 0, 0, [(mr.NewTask.SCRIPT_SELECTOR, "8000"), *_context()]),
        answer(
            1,
            1,
            _TASK,
            5004,
            -1,
            AgentRef(1, 5010, 5000, -1),
            [(answer.SCRIPT_SELECTOR, "8000"), (answer.AGENT_INFO, "CUCM_PG_1.Goofy_Goofy"), *_context()],
        ),
        mr.NewTaskFailure(1, 1, 8, 1, [(mr.NewTaskFailure.TEXT, "queue is full")]),
        event(
            monitor_id=0,
            num_named_variables=1,
            num_named_arrays=0,
            service_number=0xFFFFFFFF,
            service_id=0xFFFFFFFF,
            skill_group_number=5004,
            skill_group_id=5004,
            skill_group_priority=0,
            mrd_id=5001,
            agent_skill_target_id=5080,
            floating=[
                (event.AGENT_INSTRUMENT, "1080"),
                (event.ROUTER_CALL_KEY_DAY, 150200),
                (event.ROUTER_CALL_KEY_CALL_ID, 42),
                (event.ROUTER_CALL_KEY_SEQUENCE_NUMBER, 1),
                (event.DIALED_NUMBER, "8000"),
                (event.CALL_VARIABLE1, "Alice"),
                (event.NAMED_VARIABLE, NamedVariable("user.cim.activity.id", "1178")),
                (event.AGENT_ID, "1080"),
            ],
        ),
        state(
            0, 5000, 0, 17, 8, 0, 5004, 5004, 0, 8, 0, 5001, 1, 1, 3, 5080, 1, 0, 0,
            floating=[(state.AGENT_ID, "1080"), (state.AGENT_EXTENSION, "1080"), (state.AGENT_INSTRUMENT, "1080")],
        ),
    ]  # fmt: skip


def samples(codec: Codec) -> list[tuple[MessageRow, Message]]:
    """Row and value of every message of a codec, in the order of its tables."""
    real = {(one.PROTOCOL, one.NAME): one for one in _real()}
    rows = [row for row in codec.rows.messages if row.body_length is None]
    return [(row, real.get((row.protocol, row.name)) or _made(codec, row)) for row in rows]


def sample(codec: Codec, name: str) -> Message:
    """The value of one message."""
    wanted = lookup(codec.protocol, name)
    return next(value for row, value in samples(codec) if row is wanted)
