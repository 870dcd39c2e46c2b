"""Registered variables, alarms, desk settings, agent services (cti.toml 32, 110, 131, 283)."""

import logging

import pytest
from trio.testing import MockClock

from ctigw.gateway.requests.desktop import REPORTS_LOGGED
from ctigw.wire import EccArray, EccName, EccValue, FloatValue, Message, NamedArray, NamedVariable, cti, mr
from town import ADA, ARM_AND_ALL, CHAT, Peer, Town, announced, town

S = cti.ServiceMask
VARIABLES: tuple[tuple[int, FloatValue], ...] = (
    (mr.NewTask.CALL_VARIABLE1, "one"),
    (mr.NewTask.CALL_VARIABLE1 + 2, "three"),
    (mr.NewTask.ECC_NAME, EccName(1, "user.tier")),
    (mr.NewTask.ECC_VALUE, EccValue(1, "gold")),
    (mr.NewTask.ECC_NAME, EccName(2, "user.page")),
    (mr.NewTask.ECC_VALUE, EccValue(2, "start")),
    (mr.NewTask.ECC_NAME, EccName(3, "user.list")),
    (mr.NewTask.ECC_ARRAY, EccArray(3, 0, "a")),
    (mr.NewTask.ECC_ARRAY, EccArray(3, 1, "b")),
)
ALL_THAT_CAME = (
    ["one", "three"],
    [NamedVariable("user.tier", "gold"), NamedVariable("user.page", "start")],
    [NamedArray(0, "user.list", "a"), NamedArray(1, "user.list", "b")],
)


def registration(call_mask: int = 0, scalars: tuple[str, ...] = (), arrays: tuple[str, ...] = ()) -> Message:
    """A REGISTER_VARIABLES_REQ with InvokeID 7."""
    request = cti.RegisterVariablesReq(7, call_mask, len(scalars), len(arrays))
    request.floating += [(request.NAMED_VARIABLE, NamedVariable(name, "ignored")) for name in scalars]
    request.floating += [(request.NAMED_ARRAY, NamedArray(9, name, "")) for name in arrays]
    return request


def variables(event: Message) -> tuple[list[FloatValue], list[FloatValue], list[FloatValue]]:
    """Call variables, ECC scalars, ECC arrays of an event whose counts are right."""
    assert isinstance(event, cti.AgentPreCallEvent | cti.BeginTaskEvent | cti.TaskDataUpdateEvent), event
    call, scalars, arrays = (
        [value for tag, value in event.floating if tag in tags] for tags in (range(13, 23), (82,), (83,))
    )
    assert (event.num_named_variables, event.num_named_arrays) == (len(scalars), len(arrays))
    return call, scalars, arrays


async def seen(place: Town, desktop: Peer, kind: type[Message]) -> Message:
    """The event of a kind when a task with variables comes."""
    application = await place.application()
    await application.new_task(1, *VARIABLES)
    (event,) = [message for message in await desktop.received() if isinstance(message, kind)]
    return event


@pytest.mark.parametrize(
    ("registered", "expected"),
    [
        (None, ALL_THAT_CAME),
        (registration(), ([], [], [])),
        (registration(0x4, ("user.tier", "user.never")), (["three"], [NamedVariable("user.tier", "gold")], [])),
        (registration(0x3FF, (), ("user.list",)), (["one", "three"], [], ALL_THAT_CAME[2])),
        (registration(0, ("user.list",), ("user.tier",)), ([], [], [])),
    ],
)
@pytest.mark.parametrize("kind", [cti.BeginTaskEvent, cti.AgentPreCallEvent])
async def test_events_carry_the_registered_variables_only(
    autojump_clock: MockClock, kind: type[Message], registered: Message | None, expected: object
) -> None:
    async with town() as place:
        desktop = await place.client()
        await desktop.sign_in(ADA)
        if registered is not None:
            await desktop.send(registered)
        assert ("REGISTER_VARIABLES_CONF" in await desktop.names()) == (registered is not None)
        assert variables(await seen(place, desktop, kind)) == expected


async def test_a_registration_is_the_sessions_own_and_a_later_one_replaces_it(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, other = await place.client(), await place.client()
        await desktop.send(registration(0x1), registration(0x4))
        await desktop.sign_in(ADA)
        await desktop.received()
        await other.received()
        event = await seen(place, desktop, cti.AgentPreCallEvent)
        assert variables(event)[0] == ["three"]
        full = [message for message in await other.received() if isinstance(message, cti.AgentPreCallEvent)]
        assert variables(full[0]) == ALL_THAT_CAME


async def test_announcements_and_updates_asked_for_again_are_narrowed_too(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        await desktop.sign_in(ADA)
        await desktop.send(registration(0x1))
        await desktop.received()
        task = announced([await seen(place, desktop, cti.AgentPreCallEvent)])
        await desktop.send(cti.GetPrecallMessagesReq(3, CHAT))
        _, again = await desktop.received()
        assert variables(again) == (["one"], [], [])
        await desktop.send(cti.UpdateTaskContextInd(4, task, 0, 0, [(15, "changed")]))
        (update,) = await desktop.received()
        assert variables(update) == (["one"], [], [])


async def test_a_mask_of_unknown_variables_is_refused_and_changes_nothing(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        await desktop.sign_in(ADA)
        await desktop.received()
        await desktop.send(registration(0x400))
        assert await desktop.received() == [cti.FailureConf(7, cti.FailureStatus.INVALID_CALL_VARIABLE_MASK, 0)]
        assert variables(await seen(place, desktop, cti.BeginTaskEvent)) == ALL_THAT_CAME


async def test_alarms_are_logged_up_to_a_bound_and_always_confirmed(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with town() as place:
        peer = await place.client(ARM_AND_ALL)
        await peer.received()
        report = cti.ClientEventReportReq(7, 2, [(66, "disk\n1"), (7, "full")])
        with caplog.at_level(logging.WARNING, "ctigw.gateway"):
            await peer.send(*[report] * (REPORTS_LOGGED + 5))
            assert await peer.received() == [cti.ClientEventReportConf(7)] * (REPORTS_LOGGED + 5)
        lines = [record.getMessage() for record in caplog.records if "reports" in record.getMessage()]
        assert len(lines) == REPORTS_LOGGED
        assert lines[0].endswith("client 'desktop' reports: object 'disk\\n1', state 2: 'full'")


@pytest.mark.parametrize(
    ("peripheral", "floating", "status"),
    [
        (5009, [(5, "1001")], cti.FailureStatus.INVALID_PERIPHERAL_ID),
        (5000, [], cti.FailureStatus.REQUIRED_DATA_MISSING),
        (5000, [(5, "4711")], cti.FailureStatus.INVALID_AGENT_DATA),
        (5000, [(5, "1001")], None),
    ],
)
async def test_desk_settings_of_an_agent_are_all_off(
    autojump_clock: MockClock, peripheral: int, floating: list[tuple[int, FloatValue]], status: int | None
) -> None:
    async with town() as place:
        peer = await place.client(S.ALL_TASK_EVENTS)
        await peer.send(cti.AgentDeskSettingsReq(7, peripheral, floating))
        expected: Message = cti.AgentDeskSettingsConf(7, 5000, *(0,) * 14)
        if status is not None:
            expected = cti.FailureConf(7, status, 0)
        assert await peer.received() == [expected]


async def test_a_desktop_need_not_name_its_own_agent(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = await place.client(S.CLIENT_EVENTS, floating=[(cti.OpenReq.AGENT_ID, "1001")])
        await peer.send(cti.AgentDeskSettingsReq(7, 5000))
        assert await peer.names() == ["AGENT_DESK_SETTINGS_CONF"]


@pytest.mark.parametrize(("agent", "status"), [(ADA, 0), (4711, cti.FailureStatus.INVALID_AGENT_DATA)])
async def test_a_report_of_agent_services_is_answered(autojump_clock: MockClock, agent: int, status: int) -> None:
    async with town() as place:
        peer = await place.client(S.ALL_TASK_EVENTS)
        await peer.send(cti.SetAgentServiceDataReq(7, 1, 2, 3, agent))
        assert await peer.received() == [cti.SetAgentServiceDataConf(7, status)]
