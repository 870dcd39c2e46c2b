"""Whatever an authenticated client asks for, in whatever order: answered, survived, and nobody else is touched."""

import random
from typing import Any

import attrs
import pytest
from trio.testing import MockClock

from ctigw.config.routing import AgentTeam
from ctigw.net.connection import Connection
from ctigw.session.cti_services import SERVED
from ctigw.wire import FloatValue, Message, NamedArray, NamedVariable, TaskId, cti
from ctigw.wire.catalogue import message_class, protocol
from ctigw.wire.layout import FloatRow, MessageRow
from town import SETTINGS, Town, town

ROWS = [
    row
    for row in protocol("cti").messages
    if row.direction != "server->client" and row.layout and row.name not in ("OPEN_REQ", "CLOSE_REQ")
]
NUMBERS = (0, 1, 2, 3, 4, 5, 7, 76, 0xFFFF)
LONG_NUMBERS = (*NUMBERS, 5000, 5001, 6001, 7001, 0x7FF, 0x3FFF, 0x7FFFFFFF, 0xFFFFFFFF)
TEXTS = ("", "1001", "1002", "1009", "desktop", "x" * 11, "é\n")
TEAM = AgentTeam(name="desk", id=7001, peripheral=5000, agents=("1001",), supervisors=("1002",))
SERVICES = [row for row in ROWS if row.number in SERVED and not row.name.endswith("_IND")]
LIKELY = {
    "PeripheralID": (5000, 5000, 0xFFFFFFFF),
    "TeamID": (7001, 7001, 1),
    "SupervisorID": (6002, 0xFFFFFFFF),
    "SessionID": range(1, 6),
    "MonitorID": range(1, 40),
    "MRDID": (5001, 5002),
    "ICMAgentID": (6001, 6002),
    "AgentSkillTargetID": (6001, 6002),
    "Distribution": range(5),
    "MonitoredDeviceType": (76, 0),
    "ConfigInformation": (0xFF, 0x44, 0x400),
    "ConfigMsgMask": (0, 4),
    "CallVariableMask": (1, 0x3FF, 0),
    "TaskMsgMask": (0x7FF, 1),
    "AgentStateMask": (0x3FFF, 0),
}
"""Values with a meaning, so that requests get behind their first check; every fourth is any value all the same."""
REQUESTS = 400


def number(draw: random.Random, type_name: str) -> int:
    """A number that fits a type."""
    if type_name in ("USHORT", "BOOL"):
        return draw.choice(NUMBERS)
    if type_name in ("UCHAR", "CHAR"):
        return draw.choice((0, 1, 127))
    found = draw.choice(LONG_NUMBERS)
    return found - (1 << 32) if type_name == "INT" and found > 0x7FFFFFFF else found


def float_value(draw: random.Random, row: FloatRow) -> FloatValue:
    """A value that fits a floating field, mostly."""
    match row.type:
        case "STRING":
            return draw.choice(TEXTS)
        case "UNSPEC":
            return b"\x00\x01"
        case "NAMEDVAR":
            return NamedVariable(draw.choice(TEXTS), "v")
        case "NAMEDARRAY":
            return NamedArray(draw.choice((0, 1)), draw.choice(TEXTS), "v")
        case "TASKID":
            return TaskId(1, 2, 3)
        case _:
            value = number(draw, row.type)
            return [value] if row.array is not None else value


def any_message(draw: random.Random, row: MessageRow) -> Message:
    """A message with likely and unlikely values; its lists are counted right more often than not."""
    kind: Any = message_class(row)
    floating: list[tuple[int, FloatValue]] = []
    counts: dict[str, int] = {}
    for field in row.floats:
        times = draw.choice((0, 1, 1, 2 if field.repeats else 1)) if field.tag else 0
        floating += [(field.tag, float_value(draw, field)) for _ in range(times)]
        if field.count is not None:
            counts[field.count] = times
    types = {field.attribute: field for field in row.fields}
    values: dict[str, object] = {}
    for attribute in attrs.fields(kind):
        field_row = types.get(attribute.name)
        if field_row is not None:
            plain = TaskId(1, 2, 3) if field_row.type == "TASKID" else number(draw, field_row.type)
            if field_row.name in LIKELY and draw.randrange(4):
                plain = draw.choice(LIKELY[field_row.name])
            values[attribute.name] = counts.get(field_row.name, plain)
    made: Message = kind(**values, floating=floating)
    return made


def broken(place: Town, monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Errors of ours, as they come."""
    found: list[BaseException] = []

    def note(connection: Connection, error: BaseException) -> None:
        found.append(error)

    monkeypatch.setattr(place.exchange, "session_failed", note)
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("version", [13, 19, 25])
async def test_any_requests_are_answered_and_touch_nobody_else(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, seed: int, version: int
) -> None:
    draw = random.Random(seed)
    async with town(attrs.evolve(SETTINGS, agent_teams=(TEAM,))) as place:
        errors = broken(place, monkeypatch)
        bystander = await place.client(cti.ServiceMask.CLIENT_MONITOR)
        peer = await place.client(
            cti.ServiceMask(0xFFFFFFFF), version=version, floating=[(cti.OpenReq.AGENT_ID, "1001")]
        )
        application = await place.application()
        for dialogue in range(1, REQUESTS // 20):
            for _ in range(20):
                await peer.send(any_message(draw, draw.choice(draw.choice((ROWS, SERVICES)))))
            await application.new_task(dialogue)
            await peer.received()
        assert errors == []
        for one in (peer, bystander):
            await one.received()
            await one.send(cti.HeartbeatReq(9))
            assert await one.received() == [cti.HeartbeatConf(9)]
        await peer.send(cti.CloseReq(9, 0))
        await peer.received()
        monitors = place.exchange._audience.monitors
        assert [name for name, index in vars(monitors).items() if isinstance(index, dict) and index] == []
