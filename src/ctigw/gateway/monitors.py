"""What CTI sessions asked to watch besides what their services give them.

Knows monitors of tasks, agent devices, sessions and teams, their ids and bounds; must not know messages or the engine.
A monitor is given back when its session ends. Rules: decisions C3, cti.toml 93 to 104, arm.toml 201 to 206.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

import attrs

if TYPE_CHECKING:
    from ctigw.gateway.audience import CtiClient

MONITORS_PER_SESSION = 1_000
"""Monitors of one session: a desktop server that watches each agent of a large site by a device monitor of its own."""

TASK_MONITORS_PER_SESSION = 16
"""Task monitors among them. Every task event looks at each of them; one for each peripheral is already many."""


@attrs.define(eq=False)
class TaskWatch:
    """Events of tasks (TASK_MONITOR_START_REQ)."""

    peripheral: int | None
    """None: of all peripherals, and tasks that have none yet."""
    mask: int

    def wants(self, bit: int, peripheral: int | None) -> bool:
        """Whether an event with mask bit `bit` of a task of `peripheral` (None: it has none yet) is asked for."""
        return bool(self.mask & bit) and (self.peripheral is None or self.peripheral == peripheral)


@attrs.define(eq=False)
class DeviceWatch:
    """Events of one agent device (MONITOR_START_REQ)."""

    skill_target_id: int
    call_mask: int
    agent_state_mask: int


@attrs.define(eq=False)
class SessionWatch:
    """What another session is told (SESSION_MONITOR_START_REQ)."""

    session_id: int


@attrs.define(eq=False)
class TeamWatch:
    """State events of a team's members (MONITOR_AGENT_TEAM_START_REQ)."""

    team_id: int


Watch = TaskWatch | DeviceWatch | SessionWatch | TeamWatch
W = TypeVar("W", TaskWatch, DeviceWatch, SessionWatch, TeamWatch)


@attrs.define(eq=False)
class Monitor:
    """One monitor of one session."""

    id: int
    owner: "CtiClient"
    watch: Watch


_Found = dict[int, dict[int, Monitor]]
"""What is watched -> monitor id -> monitor."""


class Monitors:
    """All monitors of all sessions, found by what they watch, in the order in which they began."""

    def __init__(self) -> None:
        self._last_id = 0
        self._of_owner: _Found = {}
        self.tasks: dict[int, tuple[Monitor, TaskWatch]] = {}
        """By monitor id. Looked at for each task event, so it is no call."""
        self._devices: _Found = {}
        self._sessions: _Found = {}
        self._teams: _Found = {}

    def __len__(self) -> int:
        """Sessions that have monitors."""
        return len(self._of_owner)

    def has_room(self, owner: "CtiClient", kind: type[Watch]) -> bool:
        """Whether a session may begin one more monitor of a kind."""
        own = self._of_owner.get(owner.session_id, {})
        if len(own) >= MONITORS_PER_SESSION:
            return False
        tasks = sum(isinstance(monitor.watch, TaskWatch) for monitor in own.values()) if kind is TaskWatch else 0
        return tasks < TASK_MONITORS_PER_SESSION

    def start(self, owner: "CtiClient", watch: Watch) -> Monitor:
        """Begin a monitor; its id is never used twice."""
        self._last_id += 1
        monitor = Monitor(self._last_id, owner, watch)
        self._of_owner.setdefault(owner.session_id, {})[monitor.id] = monitor
        if isinstance(watch, TaskWatch):
            self.tasks[monitor.id] = monitor, watch
        else:
            index, key = self._place(watch)
            index.setdefault(key, {})[monitor.id] = monitor
        return monitor

    def stop(self, monitor: Monitor) -> None:
        """End a monitor."""
        _take(self._of_owner, monitor.owner.session_id, monitor)
        if isinstance(monitor.watch, TaskWatch):
            del self.tasks[monitor.id]
        else:
            _take(*self._place(monitor.watch), monitor)

    def end_of_session(self, session_id: int) -> None:
        """A session ended: its own monitors end, and those that watched it."""
        for monitor in [*self._of_owner.get(session_id, {}).values(), *self._sessions.get(session_id, {}).values()]:
            self.stop(monitor)

    def find(self, owner: "CtiClient", monitor_id: int, kind: type[W]) -> tuple[Monitor, W] | None:
        """The session's own monitor with that id and of that kind."""
        monitor = self._of_owner.get(owner.session_id, {}).get(monitor_id)
        return None if monitor is None or not isinstance(monitor.watch, kind) else (monitor, monitor.watch)

    def of_owner(self, owner: "CtiClient", kind: type[W]) -> Iterator[W]:
        """What a session watches, of one kind."""
        for monitor in self._of_owner.get(owner.session_id, {}).values():
            if isinstance(monitor.watch, kind):
                yield monitor.watch

    def of_task(self, bit: int, peripheral: int | None) -> Iterator[Monitor]:
        """Monitors that want an event of a task; see `TaskWatch.wants`."""
        for monitor, watch in self.tasks.values():
            if watch.wants(bit, peripheral):
                yield monitor

    def of_call_event(self, skill_target_id: int, mask: int) -> Iterator[Monitor]:
        """Device monitors that want a pre-call or its abort."""
        for monitor in self._devices.get(skill_target_id, {}).values():
            if isinstance(monitor.watch, DeviceWatch) and monitor.watch.call_mask & mask:
                yield monitor

    def of_agent_state(self, skill_target_id: int, mask: int, teams: tuple[int, ...]) -> Iterator[Monitor]:
        """Device monitors of an agent that want a state (`mask` 0: one that no bit names), monitors of his teams."""
        for monitor in self._devices.get(skill_target_id, {}).values():
            if isinstance(monitor.watch, DeviceWatch) and (not mask or monitor.watch.agent_state_mask & mask):
                yield monitor
        for team in teams:
            yield from self.of_team(team)

    def of_team(self, team_id: int) -> Iterator[Monitor]:
        """Monitors of a team."""
        yield from self._teams.get(team_id, {}).values()

    def any_of_sessions(self) -> bool:
        """Whether anybody watches sessions."""
        return bool(self._sessions)

    def of_session(self, session_id: int) -> Iterator[Monitor]:
        """Monitors of a session."""
        yield from self._sessions.get(session_id, {}).values()

    def _place(self, watch: DeviceWatch | SessionWatch | TeamWatch) -> tuple[_Found, int]:
        if isinstance(watch, DeviceWatch):
            return self._devices, watch.skill_target_id
        if isinstance(watch, SessionWatch):
            return self._sessions, watch.session_id
        return self._teams, watch.team_id


def _take(index: _Found, key: int, monitor: Monitor) -> None:
    """Out of an index, and the entry with it when it was the last."""
    found = index[key]
    del found[monitor.id]
    if not found:
        del index[key]
