"""Channel applications that listen: we dial them, as a Media Routing PIM does.

Knows the two addresses of an application and the pauses between attempts; must not know what the session says. Rules:
mr-wire section g (session procedure 1: alternate between the addresses until one opens), design 2.
"""

import itertools
import logging

import trio

from ctigw.config.settings import ApplicationSettings, LimitSettings
from ctigw.gateway.exchange import Exchange
from ctigw.net.clock import SteadyClock
from ctigw.net.connection import Connection
from ctigw.net.dialling import client_context, dial
from ctigw.session.bindings import ApplicationBinding
from ctigw.session.factory import SessionFactory
from ctigw.session.session import PeerIdentity

log = logging.getLogger("ctigw.applications")


class ApplicationDialler:
    """Keeps one session with one application."""

    def __init__(
        self, settings: ApplicationSettings, factory: SessionFactory, exchange: Exchange, clock: SteadyClock
    ) -> None:
        self._settings = settings
        self._factory = factory
        self._exchange = exchange
        self._clock = clock
        self._context = client_context(settings.tls_ca) if settings.tls else None

    async def run(self, connections: trio.Nursery) -> None:
        """Dial, serve, pause, again, until cancelled.

        The connection itself runs in `connections`, so that it can end in order after dialling has stopped.
        """
        settings = self._settings
        addresses = [address for address in (settings.address, settings.address_2) if address]
        for address in itertools.cycle(addresses):
            stream = await dial(address, self._context)
            if isinstance(stream, str):
                log.warning("application %s at %s: %s", settings.name, address, stream)
            else:
                ended = trio.Event()
                connections.start_soon(self._serve, stream, address, ended)
                await ended.wait()
            await trio.sleep(settings.reconnect_s)

    async def _serve(self, stream: trio.abc.Stream, address: str, ended: trio.Event) -> None:
        now = self._clock.now()
        binding = ApplicationBinding(self._settings.name, self._settings.requeue_on_recovery)
        session = self._factory.mr_pim_dialled(PeerIdentity(address), binding, self._settings.heartbeat_s, now)
        connection = Connection(stream, session, self._exchange, self._clock, LimitSettings(), address)
        self._exchange.add(connection)
        connection.pump(now)
        try:
            await connection.run()
        finally:
            ended.set()
