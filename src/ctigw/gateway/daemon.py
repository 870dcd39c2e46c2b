"""The daemon: every part put together, started and stopped in order.

Knows the nursery tree, signals, readiness and the budget of a stop; must not know protocol details. Start: engine,
admin face, sockets bound, then READY (engineering F6). Stop: not ready, no more accepting, sessions told, outboxes
drained, connections cut, all within the ten seconds of decisions G2.
"""

import logging
import math
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from ctigw import __version__
from ctigw.config.settings import ListenerSettings, Settings
from ctigw.errors import ConfigurationError
from ctigw.gateway.applications import ApplicationDialler
from ctigw.gateway.assembly import session_factory
from ctigw.gateway.directory import Directory
from ctigw.gateway.exchange import Exchange
from ctigw.gateway.notify import ServiceManager
from ctigw.gateway.reloading import read_change
from ctigw.gateway.standing import agent_states
from ctigw.gateway.status import StatusPages, StatusReport
from ctigw.gateway.task_records import keep_written, record_writer, write_last
from ctigw.net.clock import SteadyClock
from ctigw.net.connection import Connection
from ctigw.net.listeners import Accepted, Listener, open_sockets
from ctigw.net.tls import server_context
from ctigw.observe.admin import AdminApplication, Health, serve_admin
from ctigw.observe.metrics import Metrics
from ctigw.routing.engine import Engine
from ctigw.routing.task_histories import TaskHistories
from ctigw.session.events import CloseReason
from ctigw.session.greeter import Greeter
from ctigw.session.session import PeerIdentity

log = logging.getLogger("ctigw.daemon")

STOP_BUDGET_S = 7.0
"""From the signal to cutting what is still open; with the admin face's second this stays within the ten of decisions
G2.
"""

LATENESS_PERIOD_S = 0.5
"""How often the loop's lateness is measured: cheap, and often enough that a stall of a second is seen."""

STUCK_S = 15.0
"""A loop that has not turned for this long is not alive (decisions G2); the longest tick in normal use is some
milliseconds.
"""


class Daemon:
    """One running gateway."""

    def __init__(
        self,
        settings: Settings,
        manager: ServiceManager | None = None,
        read_again: Callable[[], Settings] | None = None,
    ) -> None:
        """Builds everything that needs no event loop; ConfigurationError when certificates cannot be used.

        `read_again` reads the settings for a reload; without it the daemon cannot reload.
        """
        self._settings = settings
        self._manager = manager or ServiceManager()
        self._contexts = [_context(listener) for listener in settings.listeners]
        self.metrics = Metrics(__version__, settings.gateway.side)
        self._directory = Directory(settings.routing)
        self._engine = Engine(settings.routing, settings.gateway.side)
        self._factory = session_factory(settings)
        self._factory.agent_state = agent_states(self._engine, self._directory)
        self._read_again = read_again
        self._reload_asked = trio.Event()
        self._stopping = trio.Event()
        self._ready = False
        self._turned_at = 0.0
        self.addresses: list[str] = []
        """HOST:PORT of every bound listener, once ready."""
        self.admin_addresses: list[str] = []

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `stop` or a signal handler says so.

        OSError when an address cannot be had. Cancelling it cuts everything.
        """
        self._clock = SteadyClock()
        self._turned_at = trio.current_time()
        self.exchange = Exchange(self._engine, self._directory, self.metrics, self._clock)
        writer = record_writer(self._settings)
        if writer is not None:
            self.exchange.observers.keep_records(TaskHistories(self._settings.task_records.variables), writer)
        self.metrics.scrape_from(self.exchange.samples)
        async with trio.open_nursery() as background:
            if writer is not None:
                background.start_soon(keep_written, writer, self._clock)
            background.start_soon(self._measure_lateness)
            background.start_soon(self._keep_engine_time)
            admin_ended = trio.Event()
            application = AdminApplication(self.metrics.registry, self._healthy, self._readiness, self._status())
            self.admin_addresses = await background.start(
                serve_admin, application, self._settings.admin.address, admin_ended
            )
            async with trio.open_nursery() as connections:
                async with self._accepting(connections), self._dialling(connections):
                    self._ready = True
                    side = self._settings.gateway.side
                    log.info("ready: side %s on %s, admin on %s", side, self.addresses, self.admin_addresses)
                    self._say_ready()
                    background.start_soon(self._heed_reloads)
                    task_status.started()
                    await self._stopping.wait()
                    self._ready = False
                    self._manager.notify("STOPPING=1", "STATUS=draining")
                self._drain(connections)
            admin_ended.set()
            background.cancel_scope.cancel()
        if writer is not None:
            await write_last(writer, self._clock)
        log.info("stopped")

    def _status(self) -> StatusPages:
        """What `/status` and `/` show."""
        report = StatusReport(
            settings=self._settings,
            directory=self._directory,
            engine=self._engine,
            sessions=self.exchange.open_sessions,
            applications=self.exchange.applications,
            ready=lambda: self._ready,
            now=self._clock.now,
            started_at=self._clock.now(),
        )
        return StatusPages(report)

    def stop(self) -> None:
        """Begin the orderly stop; a second call changes nothing."""
        self._stopping.set()

    def reload(self) -> None:
        """Read the configuration again as soon as the daemon is ready; asked several times at once, once."""
        self._reload_asked.set()

    async def _heed_reloads(self) -> None:
        while True:
            await self._reload_asked.wait()
            self._reload_asked = trio.Event()
            self._manager.reloading()
            await self._reload()
            if self._ready:
                self._say_ready()

    async def _reload(self) -> None:
        """Let a changed configuration hold; a bad one changes nothing, and the log says why (design 4)."""
        if self._read_again is None:
            log.warning("reload: nothing to read the configuration from")
            return
        try:
            change = await trio.to_thread.run_sync(read_change, self._read_again, self._settings)
            self.exchange.change_settings(change.settings.routing, self._clock.now())
        except ConfigurationError as error:
            for line in ("reload: nothing has changed, the configuration is wrong", *str(error).splitlines()):
                log.error("%s", line)
            return
        for table in change.kept:
            log.warning(
                "reload: %s cannot change while the gateway runs and stays as it was; restart to apply it", table
            )
        self._factory.take_over(change.factory)
        self._settings = change.settings
        log.info("reload: done")

    def _say_ready(self) -> None:
        self._manager.notify("READY=1", f"STATUS=serving on {', '.join(self.addresses)}")

    @asynccontextmanager
    async def _accepting(self, connections: trio.Nursery) -> AsyncIterator[None]:
        """Accept on every listener while the block runs.

        Sockets passed by the service manager stand for the first listeners.
        """
        passed = self._manager.passed_sockets()
        async with trio.open_nursery() as accepting:
            for settings, context in zip(self._settings.listeners, self._contexts, strict=True):
                sockets = [passed.pop(0)] if passed else await open_sockets(settings)
                listener = Listener(settings, context, self._serve, self._refused)
                await accepting.start(listener.serve, sockets, connections)
                self.addresses += [_bound(one) for one in sockets]
            yield
            accepting.cancel_scope.cancel()

    @asynccontextmanager
    async def _dialling(self, connections: trio.Nursery) -> AsyncIterator[None]:
        """Keep sessions with the applications that listen, while the block runs."""
        async with trio.open_nursery() as dialling:
            for settings in self._settings.applications:
                if settings.address:
                    dialler = ApplicationDialler(settings, self._factory, self.exchange, self._clock)
                    dialling.start_soon(dialler.run, connections)
            yield
            dialling.cancel_scope.cancel()

    async def _serve(self, accepted: Accepted) -> None:
        """One connection, from the handshake to its end."""
        identity = PeerIdentity(accepted.address, accepted.certificate_subject)
        greeter = Greeter(accepted.listener.protocols, identity, self._factory)
        connection = Connection(
            accepted.stream,
            greeter,
            self.exchange,
            self._clock,
            accepted.listener.limits,
            accepted.address,
            accepted.port,
        )
        self.exchange.add(connection)
        if self._stopping.is_set():
            connection.cut(CloseReason.SHUTDOWN, "accepted too late")
        await connection.run()

    def _refused(self, settings: ListenerSettings, reason: CloseReason, detail: str) -> None:
        """A connection that never had a session; which protocol it would have spoken nobody knows."""
        self.metrics.session_closed("none", reason.value)
        log.info("refused on %s: %s: %s", settings.address, reason.value, detail)

    def _drain(self, connections: trio.Nursery) -> None:
        """Tell every session that we go, and give all of them the budget; what is left then is cut."""
        connections.cancel_scope.deadline = trio.current_time() + STOP_BUDGET_S
        self.exchange.tell_all_to_end(self._clock.now())

    async def _keep_engine_time(self) -> None:
        """Wake the engine when its next deadline comes."""
        changed = trio.Event()

        def wake() -> None:
            changed.set()

        self.exchange.on_deadline_change = wake
        while True:
            changed = trio.Event()
            with trio.move_on_at(self._clock.trio_deadline(self.exchange.next_deadline())):
                await changed.wait()
                continue
            self.exchange.handle_deadlines(self._clock.now())

    async def _measure_lateness(self) -> None:
        """Turn now and then, note how late, and tell the service manager that we live."""
        interval = self._manager.watchdog_interval_s()
        alive_at = -math.inf
        while True:
            due = trio.current_time() + LATENESS_PERIOD_S
            await trio.sleep_until(due)
            self._turned_at = trio.current_time()
            self.metrics.loop_lateness_seconds.observe(max(0.0, self._turned_at - due))
            if interval is not None and self._turned_at - alive_at >= min(interval, STUCK_S):
                alive_at = self._turned_at
                self._manager.notify("WATCHDOG=1")

    def _healthy(self) -> Health:
        """Would a restart help? Losing peers never makes it so (decisions G2)."""
        silent = trio.current_time() - self._turned_at
        return Health(silent < STUCK_S, f"loop turned {silent:.1f} s ago")

    def _readiness(self) -> Health:
        return Health(self._ready, "ready" if self._ready else "not ready: starting or draining")


async def run_until_signalled(daemon: Daemon) -> None:
    """Run the daemon; SIGTERM or SIGINT stops it in order, a second one at once; SIGHUP reloads. Main thread only."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_heed_signals, daemon.stop, daemon.reload, nursery.cancel_scope.cancel)
        await daemon.run()
        nursery.cancel_scope.cancel()


async def _heed_signals(stop: Callable[[], None], reload: Callable[[], None], end: Callable[[], None]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        asked = False
        async for number in signals:
            if number == signal.SIGHUP:
                log.info("SIGHUP: reading the configuration again")
                reload()
            elif asked:
                log.warning("second %s: ending at once", signal.Signals(number).name)
                end()
            else:
                log.info("%s: stopping", signal.Signals(number).name)
                asked = True
                stop()


def _context(listener: ListenerSettings) -> ssl.SSLContext | None:
    try:
        return None if listener.tls is None else server_context(listener.tls)
    except ConfigurationError as error:
        raise ConfigurationError(f"listener {listener.address}: {error}") from error


def _bound(listening: trio.SocketListener) -> str:
    host, port = listening.socket.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
