"""A whole gateway on memory streams and virtual time, and peers that speak to it through the codec.

Peers here share the codec with the gateway: bytes are proved elsewhere, here it is about who gets what, and in order.
"""

import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import attrs
import trio
import trio.testing

from ctigw.config.routing import (
    Agent,
    ApplicationPath,
    ApplicationPathMember,
    CallType,
    MediaRoutingDomain,
    Peripheral,
    RoutingSettings,
    ScriptSelector,
    SkillGroup,
)
from ctigw.config.settings import ApplicationSettings, LimitSettings
from ctigw.gateway.directory import Directory
from ctigw.gateway.exchange import Exchange
from ctigw.gateway.standing import agent_states
from ctigw.net.clock import SteadyClock
from ctigw.net.connection import Connection
from ctigw.observe.metrics import Metrics
from ctigw.routing.engine import Engine
from ctigw.session.access import CtiAccess, CtiClient
from ctigw.session.bindings import ApplicationBindings, PimPlaces
from ctigw.session.factory import SessionFactory
from ctigw.session.greeter import Greeter
from ctigw.session.session import PeerIdentity
from ctigw.wire import AgentRef, Codec, FloatValue, FrameBuffer, Message, TaskId, cti, cti_codec, mr, mr_codec

CHAT, EMAIL = 5001, 5002
ADA, BEN = 6001, 6002
START_TIMEOUT_S = 5.0
ARM_AND_ALL = cti.ServiceMask.AGENT_REPORTING | cti.ServiceMask.ALL_EVENTS | cti.ServiceMask.ALL_TASK_EVENTS
ALL_STATES = 0x3FFF
NO_TASK = TaskId(-1, -1, -1)
NOBODY = AgentRef(0, -1, -1, -1)

SETTINGS = RoutingSettings(
    media_routing_domains=(
        MediaRoutingDomain(id=CHAT, name="chat", start_timeout_s=START_TIMEOUT_S),
        MediaRoutingDomain(id=EMAIL, name="email", interruptible=True, start_timeout_s=START_TIMEOUT_S),
    ),
    peripherals=(Peripheral(id=5000),),
    application_paths=(ApplicationPath(id=1, members=(ApplicationPathMember(peripheral=5000, mrds=(CHAT, EMAIL)),)),),
    agents=(
        Agent(id="1001", name="Ada", skill_target_id=ADA, peripheral=5000, skill_groups=("sales", "second")),
        Agent(id="1002", name="Ben", skill_target_id=BEN, peripheral=5000, skill_groups=("sales",)),
    ),
    skill_groups=(SkillGroup(name="sales", id=5101, mrd=CHAT), SkillGroup(name="second", id=5103, mrd=CHAT)),
    call_types=(CallType(name="chat", script=({"op": "queue", "to": ["sg:sales"], "priority": 5},)),),
    script_selectors=(ScriptSelector(value="chat", mrd=CHAT, call_type="chat"),),
)


@attrs.define
class Peer:
    """The other end of one connection."""

    stream: trio.abc.Stream
    codec: Codec
    buffer: FrameBuffer = attrs.Factory(lambda: FrameBuffer(12492))
    invoke_ids: "itertools.count[int]" = attrs.Factory(lambda: itertools.count(1))

    async def send(self, *messages: Message) -> None:
        """Send messages in one write."""
        await self.stream.send_all(b"".join(self.codec.encode(message) for message in messages))

    async def received(self) -> list[Message]:
        """Everything that has come by the time the gateway has nothing more to do at this moment."""
        found: list[Message] = []
        await trio.testing.wait_all_tasks_blocked()
        with trio.move_on_after(0.001):
            while True:
                data = await self.stream.receive_some(65536)
                if not data:
                    break
                self.buffer.feed(bytes(data))
                while (frame := self.buffer.next_frame()) is not None:
                    message = self.codec.decode(*frame)
                    assert not hasattr(message, "body"), message
                    found.append(message)
        return found

    async def names(self) -> list[str]:
        """Names of what has come."""
        return [message.NAME for message in await self.received()]

    async def sign_in(self, agent: int, mrd: int = CHAT, limit: int = 1) -> None:
        """MEDIA_LOGIN_REQ and MAKE_AGENT_READY_IND."""
        routable = 0 if 14 <= self.codec.version <= 17 else 1
        await self.send(
            cti.MediaLoginReq(next(self.invoke_ids), mrd, agent, routable, limit),
            cti.MakeAgentReadyInd(next(self.invoke_ids), mrd, agent, 1),
        )

    async def new_task(self, dialogue_id: int, *floating: tuple[int, FloatValue], service: int = 0) -> None:
        """NEW_TASK for the selector `chat`."""
        selector: list[tuple[int, FloatValue]] = [(mr.NewTask.SCRIPT_SELECTOR, "chat")]
        await self.send(mr.NewTask(dialogue_id, 1, CHAT, NO_TASK, NOBODY, service, 0, selector + list(floating)))


@attrs.define
class Town:
    """The gateway and the means to bring peers to it."""

    exchange: Exchange
    metrics: Metrics
    factory: SessionFactory
    clock: SteadyClock
    nursery: trio.Nursery

    def connect(self, codec: Codec) -> Peer:
        """A new connection."""
        ours, theirs = trio.testing.memory_stream_pair()
        greeter = Greeter(("mr", "cti"), PeerIdentity("127.0.0.1"), self.factory)
        connection = Connection(ours, greeter, self.exchange, self.clock, LimitSettings(), "127.0.0.1")
        self.exchange.add(connection)
        self.nursery.start_soon(connection.run)
        return Peer(theirs, codec)

    async def application(self) -> Peer:
        """A channel application that may send NEW_TASK."""
        peer = self.connect(mr_codec())
        await peer.send(mr.OpenReq(1, 5, 0xFFFFFFFF, [(mr.OpenReq.ROLE, 2)]))
        assert await peer.names() == ["OPEN_CONF", "ROUTING_ENABLED"]
        return peer

    async def client(
        self,
        services: cti.ServiceMask = ARM_AND_ALL,
        *,
        version: int = 25,
        call_mask: int = 0,
        agent_state_mask: int = ALL_STATES,
        floating: Iterable[tuple[int, FloatValue]] = (),
    ) -> Peer:
        """An open CTI session."""
        peer = self.connect(cti_codec(version))
        fields: list[tuple[int, FloatValue]] = [
            (cti.OpenReq.CLIENT_ID, "desktop"),
            (cti.OpenReq.CLIENT_PASSWORD, b"secret"),
            (cti.OpenReq.APPLICATION_PATH_ID, 1),
            *floating,
        ]
        await peer.send(
            cti.OpenReq(1, version, 0xFFFFFFFF, 5000, services, call_mask, agent_state_mask, 0, 0, 0, 0, fields)
        )
        assert (await peer.names())[0] == "OPEN_CONF"
        return peer


@asynccontextmanager
async def town(settings: RoutingSettings = SETTINGS, *, requeue_on_recovery: bool = False) -> AsyncIterator[Town]:
    """A gateway for the length of a block; with one `[[application]]`."""
    clock = SteadyClock(1_795_000_000.0)
    metrics = Metrics("0", "A")
    services = cti.ServiceMask(0xFFFFFFFF)
    access = CtiAccess([CtiClient("desktop", b"secret", "", 1, services)], [1], [5000])
    application = ApplicationSettings(name="webchat", requeue_on_recovery=requeue_on_recovery)
    factory = SessionFactory(access, ApplicationBindings([application]), PimPlaces([]))
    engine, directory = Engine(settings), Directory(settings)
    factory.agent_state = agent_states(engine, directory)
    exchange = Exchange(engine, directory, metrics, clock)
    metrics.scrape_from(exchange.samples)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_engine_time, exchange, clock)
        yield Town(exchange, metrics, factory, clock, nursery)
        nursery.cancel_scope.cancel()


def announced(messages: list[Message]) -> TaskId:
    """The task of the only AGENT_PRE_CALL_EVENT among the messages."""
    (event,) = [message for message in messages if isinstance(message, cti.AgentPreCallEvent)]
    key = event.router_call_key_day, event.router_call_key_call_id, event.router_call_key_sequence_number
    return TaskId(*(number or 0 for number in key))


async def keep_engine_time(exchange: Exchange, clock: SteadyClock) -> None:
    """Wake the engine for its deadlines, as the daemon does."""
    while True:
        changed = trio.Event()
        exchange.on_deadline_change = changed.set
        with trio.move_on_at(clock.trio_deadline(exchange.next_deadline())):
            await changed.wait()
            continue
        exchange.handle_deadlines(clock.now())
