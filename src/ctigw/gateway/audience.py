"""Who gets an event.

Knows services, masks, application paths and agent devices of open CTI sessions; must not know messages or the engine.
Rules: decisions C3: agent reporting events go to every session of the path whatever its masks, masks filter only
ALL_EVENTS and CLIENT_EVENTS, and one session gets an event once.
"""

from collections.abc import Iterator

import attrs

from ctigw.net.connection import Connection
from ctigw.wire import cti


@attrs.define(eq=False)
class CtiClient:
    """An open CTI session as the audience sees it."""

    session_id: int
    connection: Connection
    version: int
    services: cti.ServiceMask
    application_path: int
    call_mask: int
    agent_state_mask: int
    skill_target_id: int | None
    """The agent whose events a CLIENT_EVENTS session wants."""


class Audience:
    """Indexes of open CTI sessions, in the order in which they opened."""

    def __init__(self) -> None:
        self._reporting: dict[int, dict[int, CtiClient]] = {}
        self._all_events: dict[int, CtiClient] = {}
        self._task_events: dict[int, CtiClient] = {}
        self._agent_events: dict[int, dict[int, CtiClient]] = {}

    def add(self, client: CtiClient) -> None:
        """A session opened."""
        if client.services & cti.ServiceMask.AGENT_REPORTING:
            self._reporting.setdefault(client.application_path, {})[client.session_id] = client
        if client.services & cti.ServiceMask.ALL_EVENTS:
            self._all_events[client.session_id] = client
        if client.services & cti.ServiceMask.ALL_TASK_EVENTS:
            self._task_events[client.session_id] = client
        if client.services & cti.ServiceMask.CLIENT_EVENTS and client.skill_target_id is not None:
            self._agent_events.setdefault(client.skill_target_id, {})[client.session_id] = client

    def remove(self, client: CtiClient) -> None:
        """A session ended."""
        self._reporting.get(client.application_path, {}).pop(client.session_id, None)
        self._all_events.pop(client.session_id, None)
        self._task_events.pop(client.session_id, None)
        if client.skill_target_id is not None:
            self._agent_events.get(client.skill_target_id, {}).pop(client.session_id, None)

    def wants_task_events(self) -> bool:
        """Does anybody listen to messages 191 to 200."""
        return bool(self._task_events)

    def of_task_events(self) -> Iterator[CtiClient]:
        """Sessions with ALL_TASK_EVENTS."""
        yield from list(self._task_events.values())

    def of_path(self, application_path: int | None) -> Iterator[CtiClient]:
        """Agent reporting sessions of a path."""
        if application_path is not None:
            yield from list(self._reporting.get(application_path, {}).values())

    def of_call_event(self, application_path: int | None, skill_target_id: int, mask: int) -> Iterator[CtiClient]:
        """A pre-call or its abort: the path, and who asked for it by mask."""
        told: set[int] = set()
        for client in self.of_path(application_path):
            told.add(client.session_id)
            yield client
        for client in self._listeners(skill_target_id):
            if client.call_mask & mask and client.session_id not in told:
                told.add(client.session_id)
                yield client

    def of_agent_state(self, skill_target_id: int, mask: int) -> Iterator[CtiClient]:
        """AGENT_STATE_EVENT; a state that no mask bit names (`mask` 0) goes to all who listen to the agent."""
        told: set[int] = set()
        for client in self._listeners(skill_target_id):
            if (not mask or client.agent_state_mask & mask) and client.session_id not in told:
                told.add(client.session_id)
                yield client

    def _listeners(self, skill_target_id: int) -> Iterator[CtiClient]:
        yield from list(self._all_events.values())
        yield from list(self._agent_events.get(skill_target_id, {}).values())
