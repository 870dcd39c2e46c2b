"""The engine knows no messages, so it names states and reasons itself: its numbers must be those of the wire."""

from enum import IntEnum

import pytest

from ctigw.routing import events
from ctigw.wire import cti, mr
from ctigw.wire.catalogue import protocol

SAME = [
    (events.AgentState, cti.AgentState),
    (events.Availability, cti.AgentAvailabilityStatus),
    (events.ReportStatus, cti.ArmStatus),
    (events.NewTaskFailureReason, mr.NewTaskFailureReason),
    (events.QueueKind, mr.QueueType),
]


@pytest.mark.parametrize(("ours", "wire"), SAME, ids=lambda kind: kind.__name__)
def test_a_name_of_the_engine_has_the_number_of_the_wire(ours: type[IntEnum], wire: type[IntEnum]) -> None:
    assert {member.name: int(member) for member in ours}.items() <= {
        member.name: int(member) for member in wire
    }.items()


def test_states_of_a_task_with_an_agent_are_those_of_snapshots() -> None:
    ours = {state.name: int(state) for state in events.TaskState if state >= 0 and state is not events.TaskState.ENDED}
    assert ours.items() <= {state.name: int(state) for state in cti.TaskState}.items()
    assert events.TaskState.ENDED == cti.TaskState.LOGGED_OUT  # the number that snapshots show for a task that ended


def test_a_report_has_the_number_of_its_message() -> None:
    numbers = {row.name: row.number for row in protocol("cti").messages}
    for kind in events.ReportKind:
        assert kind in {numbers.get(f"{kind.name}_REQ"), numbers.get(f"{kind.name}_IND")}
