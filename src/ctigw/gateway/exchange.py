"""Where sessions and engine meet.

Knows who said what to whom: session events become inputs, the engine's events become messages to the sessions that
shall have them. Must not know sockets, and decides nothing about routing. Everything here is synchronous: between a
read and the frames that follow from it nothing awaits, so connections cannot overtake one another (engineering A3).
Rules: decisions C3, E2, E3, F4.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from ctigw.config.routing import RoutingSettings
from ctigw.gateway import outbound_cti, outbound_snapshots
from ctigw.gateway.audience import NO_MONITOR, Audience, CtiClient, Recipient
from ctigw.gateway.directory import Directory
from ctigw.gateway.explaining import chosen_sentence
from ctigw.gateway.gauges import session_samples
from ctigw.gateway.inbound import Sender, to_input
from ctigw.gateway.observers import Observers
from ctigw.gateway.outbound_mr import to_application
from ctigw.gateway.requests import answer, client_monitor, configuration, teams
from ctigw.gateway.requests.desk import Desk, Letter
from ctigw.net.clock import SteadyClock
from ctigw.net.connection import Connection
from ctigw.observe.metrics import Metrics, Sample
from ctigw.routing.engine import Engine
from ctigw.routing.events import (
    AgentChosen,
    AgentInterruptAdvised,
    AgentInterruptOver,
    AgentMadeNotRoutable,
    AgentStateChanged,
    AgentTasksTold,
    ControlAnswered,
    MaxTaskLifetimeExceeded,
    PreCallAborted,
    ReportAnswered,
)
from ctigw.routing.facts import Event, SettingsApplied
from ctigw.routing.inputs import (
    ArmClientLost,
    ArmClientOpened,
    DeadlinesPassed,
    Input,
    RoutingClientLost,
    RoutingClientOpened,
    SettingsChanged,
)
from ctigw.session.events import (
    CtiClientDetails,
    FrameRefused,
    MessageReceived,
    MrPimDetails,
    NewTaskFailed,
    SessionClosed,
    SessionEvent,
    SessionOpened,
    SessionTouched,
)
from ctigw.session.session import Session
from ctigw.session.system_events import next_half_hour, system_event
from ctigw.wire import Message, cti

log = logging.getLogger("ctigw.gateway")
decisions_log = logging.getLogger("ctigw.decisions")
"""One line for each task routed, with why; at DEBUG, so that it costs nothing unless somebody wants it."""

COMPLAINTS_LOGGED = 10
"""Refused frames that get a line of their own per connection; a broken peer must not fill the disk. All of them are
counted.
"""


@attrs.define(eq=False)
class Link:
    """One connection in the exchange."""

    session_id: int
    connection: Connection
    sender: Sender
    opened: SessionOpened | None = None
    cti_client: CtiClient | None = None
    complaints: int = 0


class Exchange:
    """The synchronous heart of the daemon; owner of every connection (`ctigw.net.connection.ConnectionOwner`)."""

    def __init__(self, engine: Engine, directory: Directory, metrics: Metrics, clock: SteadyClock) -> None:
        self._engine = engine
        self._directory = directory
        self._metrics = metrics
        self._clock = clock
        self._audience = Audience()
        self._desk = Desk(engine, directory, self._audience)
        self._links: dict[int, Link] = {}
        self._by_connection: dict[Connection, Link] = {}
        self._dirty: dict[Connection, None] = {}
        self._last_session_id = 0
        self._known_deadline = math.inf
        """The deadline that whoever waits for it knows of."""
        self._half_hour = next_half_hour(clock.now())
        self._releases: dict[type[Any], Callable[[Any, float], None]] = {
            AgentStateChanged: self._agent_state,
            AgentChosen: self._agent_chosen,
            PreCallAborted: self._pre_call_aborted,
            AgentMadeNotRoutable: self._made_not_routable,
            AgentInterruptAdvised: self._interrupt_advised,
            AgentInterruptOver: self._interrupt_over,
            MaxTaskLifetimeExceeded: self._lifetime_exceeded,
            ReportAnswered: self._report_answered,
            ControlAnswered: self._control_answered,
            AgentTasksTold: self._tasks_told,
            SettingsApplied: self._settings_applied,
        }
        """What CTI sessions are told of an event, besides task events."""
        self.observers = Observers(engine, directory, metrics)
        self.observers.add(AgentChosen, self._count_chosen)
        self.on_deadline_change = _nothing
        """Called when the engine's next deadline may have become earlier."""

    # --- connections --------------------------------------------------------------------------------------------------

    def add(self, connection: Connection) -> None:
        """A connection begins; its session ids are never used twice."""
        self._last_session_id += 1
        link = Link(self._last_session_id, connection, Sender(self._last_session_id, 0, 0))
        self._links[link.session_id] = link
        self._by_connection[connection] = link

    def connections(self) -> Iterator[Connection]:
        """Connections that have not ended, oldest first."""
        return iter([link.connection for link in self._links.values()])

    def session_events(self, connection: Connection, events: list[SessionEvent], now: float) -> None:
        """What a session reports, in order."""
        link = self._by_connection.get(connection)
        if link is None:
            return
        for event in events:
            if isinstance(event, MessageReceived):
                self._message(link, event.message, now)
            elif isinstance(event, SessionOpened):
                self._opened(link, event, now)
            elif isinstance(event, FrameRefused):
                self._refused(link, event)
            elif isinstance(event, NewTaskFailed):
                self._metrics.task_failure(event.reason)
            elif isinstance(event, SessionTouched):
                self._touched(event.session)
            elif isinstance(event, SessionClosed):
                self._closed(link, event, now)
        self._count_frames(connection)
        self._dirty.pop(connection, None)  # its own pump is under way and takes the rest
        self._flush(now)

    def batch_written(self, connection: Connection, marks: list[float], now: float) -> None:
        """Answers to NEW_TASKs read at `marks` are with the transport."""
        for read_at in marks:
            self._metrics.route_seconds.observe(max(0.0, now - read_at))

    def session_failed(self, connection: Connection, error: BaseException) -> None:
        """A defect of ours ended one connection; the others go on."""
        log.error("error of ours on the connection from %s", connection.address, exc_info=error)

    # --- time ---------------------------------------------------------------------------------------------------------

    def next_deadline(self) -> float:
        """When `handle_deadlines` is wanted, UTC seconds. `on_deadline_change` speaks up for earlier ones only."""
        due = self._engine.next_deadline()
        self._known_deadline = self._half_hour if due is None else min(due, self._half_hour)
        return self._known_deadline

    def handle_deadlines(self, now: float) -> None:
        """Let the engine act on everything that is due, and tell of the half hour when it is over."""
        due = self._engine.next_deadline()
        if due is not None and due <= now:
            self._decide(DeadlinesPassed(), now)
        if self._half_hour <= now:
            self._half_hour = next_half_hour(now)
            changed = system_event(cti.SystemEventId.HALF_HOUR_CHANGE, now)
            self._tell(map(Recipient, self._audience.of_all_events()), changed, now)
        self._flush(now)

    def change_settings(self, settings: RoutingSettings, now: float) -> None:
        """Hand a changed configuration to the engine, between whatever else it takes.

        Raises ConfigurationError, and nothing has changed, when it does not compile.
        """
        self._decide(SettingsChanged(settings), now)
        self._flush(now)

    # --- what sessions say --------------------------------------------------------------------------------------------

    def _opened(self, link: Link, event: SessionOpened, now: float) -> None:
        link.opened = event
        details = event.details
        version = link.connection.session.version
        if isinstance(details, MrPimDetails):
            link.sender = Sender(link.session_id, version, 0)
            self._decide(RoutingClientOpened(link.session_id, details.binding, details.requeue_on_recovery), now)
        elif isinstance(details, CtiClientDetails):
            path = details.application_path or 0
            link.sender = Sender(link.session_id, version, path)
            link.cti_client = self._cti_client(link, details, version)
            self._audience.add(link.cti_client)
            self._post(client_monitor.opened(self._desk, link.cti_client), now)
            self._post(teams.opened(self._desk, link.cti_client, now), now)
            if details.services & cti.ServiceMask.AGENT_REPORTING:
                self._decide(ArmClientOpened(link.session_id, path), now)
                for peripheral in self._directory.peripherals_of(path):
                    self._submit(link.connection, cti.AgentInitReadyEvent(peripheral), now)
        log.log(
            _level(link.cti_client),
            "session %d open: %s %s version %d from %s",
            link.session_id,
            event.protocol,
            event.role,
            version,
            link.connection.address,
        )

    def _cti_client(self, link: Link, details: CtiClientDetails, version: int) -> CtiClient:
        number = details.agent_id or details.agent_extension or details.agent_instrument
        agent = self._directory.agent_by_number(details.peripheral_id, number) if number else None
        return CtiClient(
            session_id=link.session_id,
            connection=link.connection,
            version=version,
            details=details,
            skill_target_id=None if agent is None else agent.skill_target_id,
        )

    def _closed(self, link: Link, event: SessionClosed, now: float) -> None:
        del self._links[link.session_id]
        del self._by_connection[link.connection]
        session = link.connection.session
        self._metrics.session_closed(session.protocol, event.reason.value)
        if link.cti_client is not None:
            self._audience.remove(link.cti_client)
            self._post(client_monitor.closed(self._desk, link.cti_client, event.reason), now)
            if link.cti_client.services & cti.ServiceMask.AGENT_REPORTING:
                self._decide(ArmClientLost(link.session_id), now)
        elif link.opened is not None and link.opened.role == "application":
            self._decide(RoutingClientLost(link.session_id), now)
        log.log(
            _level(link.cti_client),
            "session %d closed: %s %s from %s: %s (%s)%s",
            link.session_id,
            session.protocol,
            session.role,
            link.connection.address,
            event.reason.value,
            event.detail,
            f"; {link.complaints} frames refused" if link.complaints else "",
        )

    def _touched(self, session: Session) -> None:
        """Another connection's session changed because of this one: it was replaced."""
        for connection in self.connections():
            if connection.session is session:
                self._dirty[connection] = None

    def _refused(self, link: Link, event: FrameRefused) -> None:
        session = link.connection.session
        self._metrics.frame_error(session.protocol, event.reason.value)
        link.complaints += 1
        if link.complaints <= COMPLAINTS_LOGGED:
            log.warning(
                "session %d from %s: %s: %s", link.session_id, link.connection.address, event.reason.value, event.detail
            )

    def _message(self, link: Link, message: Message, now: float) -> None:
        item = to_input(link.sender, message)
        if item is not None:
            self._decide(item, now)
        elif link.cti_client is not None:
            self._post(answer(self._desk, link.cti_client, message, now), now)

    # --- what the engine says -----------------------------------------------------------------------------------------

    def _decide(self, item: Input, now: float) -> None:
        for event in self._engine.handle(item, now):
            kind = type(event)
            self._release(kind, event, now)
            self.observers.observe(kind, event, now)
        due = self._engine.next_deadline()
        if due is not None and due < self._known_deadline:
            self._known_deadline = due
            self.on_deadline_change()

    def _release(self, kind: type[Any], event: Event, now: float) -> None:
        """Send what follows from one event, in the order of decisions E2 and E3."""
        if self._audience.wants_task_events():
            self._task_event(event, now)
        to_client = to_application(self._directory, event)
        if to_client is not None:
            self._send(*to_client, now)
        to_agents = self._releases.get(kind)
        if to_agents is not None:
            to_agents(event, now)

    def _task_event(self, event: Event, now: float) -> None:
        told = outbound_cti.task_event(self._directory, event)
        if told is not None:
            bit, peripheral = outbound_cti.task_subject(self._directory, event)
            self._tell(self._audience.of_task_event(bit, peripheral), told, now)

    def _agent_chosen(self, event: AgentChosen, now: float) -> None:
        self._call_event(event, outbound_cti.chosen(self._directory, event), cti.CallEventMask.AGENT_PRE_CALL, now)

    def _pre_call_aborted(self, event: PreCallAborted, now: float) -> None:
        message = outbound_cti.pre_call_abort(self._directory, event)
        self._call_event(event, message, cti.CallEventMask.AGENT_PRE_CALL_ABORT, now)

    def _made_not_routable(self, event: AgentMadeNotRoutable, now: float) -> None:
        path = self._directory.path_of(event.skill_target_id, event.mrd_id)
        self._tell(self._audience.of_path(path), outbound_cti.made_not_routable(event), now)

    def _interrupt_advised(self, event: AgentInterruptAdvised, now: float) -> None:
        path = self._directory.path_of(event.skill_target_id, event.mrd_id)
        self._tell(self._audience.of_path(path), outbound_cti.interrupt_advisory(event), now)

    def _interrupt_over(self, event: AgentInterruptOver, now: float) -> None:
        path = self._directory.path_of(event.skill_target_id, event.mrd_id)
        self._tell(self._audience.of_path(path), outbound_cti.interrupt_over(event), now)

    def _lifetime_exceeded(self, event: MaxTaskLifetimeExceeded, now: float) -> None:
        path = self._directory.path_of(event.skill_target_id, event.mrd_id)
        peripheral = self._directory.agents[event.skill_target_id].peripheral
        told = self._audience.of_lifetime_exceeded(path, cti.TaskMsgMask.MAX_TASK_LIFETIME_EXCEEDED, peripheral)
        self._tell(told, outbound_cti.lifetime_exceeded(event), now)

    def _report_answered(self, event: ReportAnswered, now: float) -> None:
        link = self._links.get(event.origin.session_id)
        answered = None if link is None else outbound_cti.answer(event, link.sender.version)
        if answered is not None:
            self._send(event.origin.session_id, answered, now)

    def _control_answered(self, event: ControlAnswered, now: float) -> None:
        self._send(event.origin.session_id, outbound_cti.control_answer(event), now)

    def _tasks_told(self, event: AgentTasksTold, now: float) -> None:
        self._send(event.origin.session_id, outbound_snapshots.tasks_answer(event), now)

    def _settings_applied(self, event: SettingsApplied, now: float) -> None:
        """What is told from here on is told by the names and numbers of the new configuration."""
        before = configuration.known_before(self._desk, now)
        self._directory.configure(event.settings)
        self._desk.configuration.forget_keys()
        self._post(configuration.changes(self._desk, before, now), now)

    def _call_event(self, event: AgentChosen | PreCallAborted, message: Message, mask: int, now: float) -> None:
        path = self._directory.path_of(event.skill_target_id, event.mrd_id)
        self._tell(self._audience.of_call_event(path, event.skill_target_id, mask), message, now)

    def _agent_state(self, event: AgentStateChanged, now: float) -> None:
        view = event.view
        mask = outbound_cti.state_mask_bit(view.state)
        teams_of = self._directory.teams_of(view.skill_target_id)
        own = self._audience.of_agent(view.skill_target_id)
        desktop = (own[0].session_id, own[0].details.client_signature) if own else outbound_cti.NO_DESKTOP
        for recipient in self._audience.of_agent_state(view.skill_target_id, mask, teams_of):
            message = outbound_cti.agent_state(self._directory, view, recipient.client.version, now, desktop)
            self._tell((recipient,), message, now)

    def _tell(self, recipients: Iterable[Recipient], message: Message, now: float) -> None:
        for client, monitor_id in recipients:
            told = message if monitor_id == NO_MONITOR else outbound_cti.by_monitor(message, monitor_id)
            if client.variables is not None:
                told = client.variables.narrow(told)
            self._submit(client.connection, told, now)

    def _post(self, letters: Iterable[Letter], now: float) -> None:
        for client, message in letters:
            self._submit(client.connection, message, now)

    def _send(self, session_id: int, message: Message, now: float) -> None:
        """To one session; one that has ended meanwhile misses it (decisions F4: an event lost with a connection is not
        repeated).
        """
        link = self._links.get(session_id)
        if link is not None:
            self._submit(link.connection, message, now)

    def _submit(self, connection: Connection, message: Message, now: float) -> None:
        connection.session.submit(message, now)
        self._dirty[connection] = None

    def _flush(self, now: float) -> None:
        while self._dirty:
            connection = next(iter(self._dirty))
            del self._dirty[connection]
            connection.pump(now)
            self._count_frames(connection)

    # --- counting -----------------------------------------------------------------------------------------------------

    def _count_frames(self, connection: Connection) -> None:
        counts = connection.session.frame_counts
        if counts:
            self._metrics.frames(connection.session.protocol, counts)
            counts.clear()

    def _count_chosen(self, event: AgentChosen, now: float) -> None:
        if decisions_log.isEnabledFor(logging.DEBUG):  # writing it costs more than deciding
            decisions_log.debug("%s", chosen_sentence(event, self._directory.agents[event.skill_target_id]))
        if event.waited:
            return
        link = self._links.get(event.dialogue.session_id)
        if link is not None:
            link.connection.mark(now)

    def open_sessions(self) -> Iterator[tuple[str, str, str]]:
        """Protocol, role and side of every open session."""
        opened = (link.opened for link in self._links.values() if link.opened is not None)
        return ((session.protocol, session.role, session.side) for session in opened)

    def applications(self) -> Iterator[str]:
        """Name of the application of every session of one, empty when none is bound."""
        details = (link.opened.details for link in self._links.values() if link.opened is not None)
        return (detail.binding for detail in details if isinstance(detail, MrPimDetails))

    def samples(self) -> Iterator[Sample]:
        """Gauges and the engine's counters at scrape time."""
        yield from session_samples(self.connections(), self.open_sessions())
        yield from self.observers.samples(self._clock.now())

    def tell_all_to_end(self, now: float) -> None:
        """Begin the orderly end of every session: the daemon is going away."""
        for connection in self.connections():
            connection.session.close(0, now)
            connection.pump(now)


def _level(client: CtiClient | None) -> int:
    """How loud opening and closing are: CONNECTION_MONITOR raises alarms by them (cti-notes "Who may send what")."""
    alarming = client is not None and client.services & cti.ServiceMask.CONNECTION_MONITOR
    return logging.WARNING if alarming else logging.INFO


def _nothing() -> None:
    """Nobody waits for deadlines yet."""
