"""Facts about sessions of routing clients and agent reporting clients, and about application paths.

Must not decide. Rules: decisions F1, F4.
"""

from ctigw.routing import facts
from ctigw.routing.apply.table import applies
from ctigw.routing.state import RoutingClient, State


@applies(facts.RoutingClientJoined)
def _client_joined(state: State, fact: facts.RoutingClientJoined, now: float) -> None:
    state.clients[fact.session_id] = RoutingClient(fact.application, fact.requeue_on_recovery)


@applies(facts.RoutingClientLeft)
def _client_left(state: State, fact: facts.RoutingClientLeft, now: float) -> None:
    state.clients.pop(fact.session_id, None)


@applies(facts.ArmClientJoined)
def _arm_joined(state: State, fact: facts.ArmClientJoined, now: float) -> None:
    state.arm_paths[fact.session_id] = fact.application_path


@applies(facts.ArmClientLeft)
def _arm_left(state: State, fact: facts.ArmClientLeft, now: float) -> None:
    state.arm_paths.pop(fact.session_id, None)
    state.replays.pop(fact.session_id, None)


@applies(facts.PathDataSet)
def _path_data_set(state: State, fact: facts.PathDataSet, now: float) -> None:
    state.path_data[fact.application_path] = fact.variables
