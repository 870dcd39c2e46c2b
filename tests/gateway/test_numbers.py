"""The engine knows no messages, so it names states and reasons itself: its numbers must be those of the wire."""

from enum import IntEnum

import pytest

from ctigw.routing import terms
from ctigw.wire import cti, mr
from ctigw.wire.catalogue import protocol


def numbers(kind: type[IntEnum]) -> dict[str, int]:
    return {member.name: int(member) for member in kind}


@pytest.mark.parametrize(
    ("ours", "wire"),
    [
        (terms.AgentState, cti.AgentState),
        (terms.Availability, cti.AgentAvailabilityStatus),
        (terms.ReportStatus, cti.ArmStatus),
        (terms.ControlFailure, cti.ControlFailureCode),
        (terms.NewTaskFailureReason, mr.NewTaskFailureReason),
        (terms.QueueKind, mr.QueueType),
    ],
    ids=lambda kind: kind.__name__,
)
def test_a_name_of_the_engine_has_the_number_of_the_wire(ours: type[IntEnum], wire: type[IntEnum]) -> None:
    assert numbers(ours).items() <= numbers(wire).items()


def test_states_of_a_task_with_an_agent_are_those_of_snapshots() -> None:
    ours = {name: number for name, number in numbers(terms.TaskState).items() if number >= 0}
    # An ended task is shown under the number that snapshots call LOGGED_OUT (semantics 3.1).
    assert ours.pop("ENDED") == numbers(cti.TaskState)["LOGGED_OUT"]
    assert ours.items() <= numbers(cti.TaskState).items()


def test_a_report_has_the_number_of_its_message() -> None:
    types = {row.name: row.number for row in protocol("cti").messages}
    for kind in terms.ReportKind:
        assert kind in {types.get(f"{kind.name}_REQ"), types.get(f"{kind.name}_IND"), types.get(kind.name)}
