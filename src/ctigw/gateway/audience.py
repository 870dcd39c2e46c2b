"""Who gets an event.

Knows services, masks, monitors, application paths and agent devices of open CTI sessions; must not know messages or the
engine. Rules: decisions C3: agent reporting events go to every session of the path whatever its masks, masks filter
only ALL_EVENTS, CLIENT_EVENTS and monitors, and one session gets an event once. What comes by a service has MonitorID
0, what comes by monitors alone the id of the first that asks for it. A session monitor passes on what the session that
it watches gets by its services and monitors; not what that one gets by session monitors of its own.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import attrs

from ctigw.gateway.allowance import Allowance
from ctigw.gateway.monitors import Monitor, Monitors
from ctigw.gateway.registered import RegisteredVariables
from ctigw.net.connection import Connection
from ctigw.session.events import CtiClientDetails
from ctigw.wire import cti

NO_MONITOR = 0
"""MonitorID of events that come from a service and not from a monitor."""


@attrs.define(eq=False)
class CtiClient:
    """An open CTI session as the audience sees it."""

    session_id: int
    connection: Connection
    version: int
    details: CtiClientDetails
    skill_target_id: int | None
    """The agent whose events a CLIENT_EVENTS session wants."""
    variables: RegisteredVariables | None = attrs.field(default=None, init=False)
    """None: all variables."""
    reports: int = attrs.field(default=0, init=False)
    """Alarms that the client reported."""
    bulk: Allowance = attrs.field(factory=Allowance, init=False)
    """For requests that cause much."""
    services: cti.ServiceMask = attrs.field(init=False)
    application_path: int = attrs.field(init=False)
    call_mask: int = attrs.field(init=False)
    agent_state_mask: int = attrs.field(init=False)

    config_mask: int = attrs.field(init=False)
    """Kinds of configuration whose changes the client wants to hear of."""

    def __attrs_post_init__(self) -> None:
        self.services = self.details.services
        self.application_path = self.details.application_path or 0
        self.call_mask = self.details.call_event_mask
        self.agent_state_mask = self.details.agent_state_mask
        self.config_mask = self.details.config_mask


class Recipient(NamedTuple):
    """Who gets an event, and why."""

    client: CtiClient
    monitor_id: int = NO_MONITOR


class Audience:
    """Indexes of open CTI sessions, in the order in which they opened."""

    def __init__(self) -> None:
        self.monitors = Monitors()
        self._sessions: dict[int, CtiClient] = {}
        self._of_client_id: dict[str, dict[int, CtiClient]] = {}
        self._reporting: dict[int, dict[int, CtiClient]] = {}
        self._all_events: dict[int, CtiClient] = {}
        self._task_events: dict[int, CtiClient] = {}
        self._agent_events: dict[int, dict[int, CtiClient]] = {}
        self._client_monitors: dict[int, CtiClient] = {}

    def add(self, client: CtiClient) -> None:
        """A session opened."""
        self._sessions[client.session_id] = client
        self._of_client_id.setdefault(client.details.client_id, {})[client.session_id] = client
        if client.services & cti.ServiceMask.AGENT_REPORTING:
            self._reporting.setdefault(client.application_path, {})[client.session_id] = client
        if client.services & cti.ServiceMask.ALL_EVENTS:
            self._all_events[client.session_id] = client
        if client.services & cti.ServiceMask.ALL_TASK_EVENTS:
            self._task_events[client.session_id] = client
        if client.services & cti.ServiceMask.CLIENT_MONITOR:
            self._client_monitors[client.session_id] = client
        if client.services & cti.ServiceMask.CLIENT_EVENTS and client.skill_target_id is not None:
            self._agent_events.setdefault(client.skill_target_id, {})[client.session_id] = client

    def remove(self, client: CtiClient) -> None:
        """A session ended."""
        self.monitors.end_of_session(client.session_id)
        self._sessions.pop(client.session_id, None)
        self._of_client_id.get(client.details.client_id, {}).pop(client.session_id, None)
        self._reporting.get(client.application_path, {}).pop(client.session_id, None)
        self._all_events.pop(client.session_id, None)
        self._task_events.pop(client.session_id, None)
        self._client_monitors.pop(client.session_id, None)
        if client.skill_target_id is not None:
            self._agent_events.get(client.skill_target_id, {}).pop(client.session_id, None)

    def sessions(self) -> list[CtiClient]:
        """All open sessions."""
        return list(self._sessions.values())

    def session(self, session_id: int) -> CtiClient | None:
        """An open session."""
        return self._sessions.get(session_id)

    def of_client_id(self, client_id: str) -> list[CtiClient]:
        """All open sessions of a ClientID."""
        return list(self._of_client_id.get(client_id, {}).values())

    def of_agent(self, skill_target_id: int) -> list[CtiClient]:
        """CLIENT_EVENTS sessions of an agent."""
        return list(self._agent_events.get(skill_target_id, {}).values())

    def of_client_monitors(self) -> list[CtiClient]:
        """CLIENT_MONITOR sessions."""
        return list(self._client_monitors.values())

    def of_all_events(self) -> list[CtiClient]:
        """ALL_EVENTS sessions."""
        return list(self._all_events.values())

    def wants_task_events(self) -> bool:
        """Does anybody listen to messages 191 to 200."""
        return bool(self._task_events or self.monitors.tasks)

    def of_task_event(self, bit: int, peripheral: int | None) -> list[Recipient]:
        """ALL_TASK_EVENTS sessions, and task monitors with the bit for the peripheral (None: the task has none yet)."""
        return self._once(map(Recipient, self._task_events.values()), self.monitors.of_task(bit, peripheral))

    def of_path(self, application_path: int | None) -> list[Recipient]:
        """Agent reporting sessions of a path."""
        return self._once(map(Recipient, self._of_path(application_path)))

    def of_lifetime_exceeded(self, application_path: int | None, bit: int, peripheral: int) -> list[Recipient]:
        """MAX_TASK_LIFETIME_EXCEEDED_EVENT: the path, and task monitors with the bit."""
        return self._once(map(Recipient, self._of_path(application_path)), self.monitors.of_task(bit, peripheral))

    def of_call_event(self, application_path: int | None, skill_target_id: int, mask: int) -> list[Recipient]:
        """A pre-call or its abort: the path, and who asked for it by mask."""
        if not (self._all_events or self._agent_events or self.monitors):
            return [Recipient(client) for client in self._of_path(application_path)]
        return self._once(
            map(Recipient, self._of_path(application_path)),
            self.monitors.of_call_event(skill_target_id, mask),
            (client for client in self._listeners(skill_target_id) if client.call_mask & mask),
        )

    def of_agent_state(self, skill_target_id: int, mask: int, teams: tuple[int, ...]) -> list[Recipient]:
        """AGENT_STATE_EVENT; a state that no mask bit names (`mask` 0) goes to all who listen to the agent.

        `teams`: ids of the agent's teams.
        """
        if not (self._all_events or self._agent_events or self.monitors):
            return []  # nobody listens to any agent: the usual case of a site that reports only
        return self._once(
            (),
            self.monitors.of_agent_state(skill_target_id, mask, teams),
            (client for client in self._listeners(skill_target_id) if not mask or client.agent_state_mask & mask),
        )

    def _of_path(self, application_path: int | None) -> Iterable[CtiClient]:
        return () if application_path is None else self._reporting.get(application_path, {}).values()

    def _listeners(self, skill_target_id: int) -> Iterator[CtiClient]:
        yield from self._all_events.values()
        yield from self._agent_events.get(skill_target_id, {}).values()

    def _once(
        self,
        served: Iterable[Recipient],
        monitors: Iterable[Monitor] = (),
        listeners: Iterable[CtiClient] = (),
    ) -> list[Recipient]:
        """Each session once: by a service before by a monitor; then who watches one of these sessions."""
        told = {recipient.client.session_id: recipient for recipient in served}
        for client in listeners:
            told.setdefault(client.session_id, Recipient(client))
        for monitor in monitors:
            told.setdefault(monitor.owner.session_id, Recipient(monitor.owner, monitor.id))
        if self.monitors.any_of_sessions():
            for session_id in list(told):
                for monitor in self.monitors.of_session(session_id):
                    told.setdefault(monitor.owner.session_id, Recipient(monitor.owner, monitor.id))
        return list(told.values())
