"""Sessions for tests: made with few words, fed in portions, joined back to back.

Knows the faces of sessions only; what they answer is each test's business.
"""

from collections.abc import Callable, Iterator

from ctigw.config.settings import ApplicationSettings, PeripheralGatewaySettings
from ctigw.session.access import CtiAccess, CtiClient
from ctigw.session.bindings import ApplicationBinding, ApplicationBindings, PimPlaces
from ctigw.session.cti_server import CtiServerSession
from ctigw.session.events import (
    FrameRefused,
    MessageReceived,
    SessionClosed,
    SessionEvent,
    SessionOpened,
    SessionRecognised,
)
from ctigw.session.factory import SessionFactory
from ctigw.session.greeter import Greeter
from ctigw.session.mr_application import MrApplicationSession
from ctigw.session.mr_pim import MrPimSession
from ctigw.session.session import PeerIdentity, Session
from ctigw.wire import AgentRef, Floating, Message, TaskId, cti, cti_codec, mr, mr_codec

NOW = 1_700_000_000.0
PEER = PeerIdentity("192.0.2.7")
CERTIFIED = PeerIdentity("192.0.2.8", "CN=desktop,O=x")
S = cti.ServiceMask
NO_TASK = TaskId(-1, -1, -1)
NOBODY = AgentRef(0, -1, -1, -1)

CLIENTS = [
    CtiClient("desktop", b"secret", "", 1, S.AGENT_REPORTING | S.ALL_EVENTS | S.CLIENT_CONTROL | S.ALL_TASK_EVENTS),
    CtiClient("watcher", b"secret", "", None, S.ALL_EVENTS),
    CtiClient("screen", b"secret", "", None, S.CLIENT_EVENTS | S.ALL_EVENTS),
    CtiClient("screen2", b"secret", "", None, S.CLIENT_EVENTS),
    CtiClient("certified", None, "CN=desktop", None, S.ALL_EVENTS),
    CtiClient("both", b"secret", "CN=desktop", None, S.ALL_EVENTS),
    CtiClient("nothing", None, "", None, S.ALL_EVENTS),
    CtiClient("lost_path", b"secret", "", 9, S.AGENT_REPORTING),
]


def factory(
    applications: list[ApplicationSettings] | None = None,
    gateways: list[PeripheralGatewaySettings] | None = None,
    *,
    standby: bool = False,
    routing_enabled: bool = True,
) -> SessionFactory:
    """A factory with the clients above, path 1, peripherals 5000 and 5001."""
    return SessionFactory(
        CtiAccess(CLIENTS, application_paths=[1], peripherals=[5001, 5000]),
        ApplicationBindings(applications or []),
        PimPlaces(gateways or []),
        standby=standby,
        routing_enabled=routing_enabled,
    )


def frames(session: Session) -> list[bytes]:
    """What is to be written, events dropped."""
    return [frame for frame, _ in session.take()[1]]


def hexes(session: Session) -> list[str]:
    """What is to be written, as hex."""
    return [frame.hex() for frame in frames(session)]


def taken(session: Session) -> tuple[list[SessionEvent], list[str]]:
    """Events, and frames as hex."""
    events, written = session.take()
    return events, [frame.hex() for frame, _ in written]


def messages(events: list[SessionEvent]) -> list[Message]:
    """The messages received."""
    return [event.message for event in events if isinstance(event, MessageReceived)]


def refusals(events: list[SessionEvent]) -> list[str]:
    """Labels of the frames refused."""
    return [event.reason.value for event in events if isinstance(event, FrameRefused)]


def closing(events: list[SessionEvent]) -> str | None:
    """Label of the end, None while the session lives. The end must be the last event."""
    ends = [position for position, event in enumerate(events) if isinstance(event, SessionClosed)]
    assert ends in ([], [len(events) - 1])
    last = events[-1] if events else None
    return last.reason.value if isinstance(last, SessionClosed) else None


def is_open(events: list[SessionEvent]) -> bool:
    """Whether the session opened, and lives."""
    return any(isinstance(event, SessionOpened) for event in events) and closing(events) is None


def opening(events: list[SessionEvent]) -> SessionOpened:
    """The one SessionOpened."""
    [opened] = [event for event in events if isinstance(event, SessionOpened)]
    return opened


def mr_frame(message: Message, version: int = 5) -> bytes:
    """Bytes of an MR message."""
    return mr_codec(version).encode(message)


def cti_frame(message: Message, version: int = 25) -> bytes:
    """Bytes of a CTI message."""
    return cti_codec(version).encode(message)


def raw(message_type: int, body: bytes) -> bytes:
    """A frame with any type and body."""
    return len(body).to_bytes(4, "big") + message_type.to_bytes(4, "big") + body


def new_task(
    dialogue_id: int = 1, sequence: int = 1, selector: str | None = "chat", floating: Floating | None = None
) -> mr.NewTask:
    """A NEW_TASK with a selector, and what else is given."""
    message = mr.NewTask(dialogue_id, sequence, 5001, NO_TASK, NOBODY, 0, 0)
    if selector is not None:
        message.floating.append((mr.NewTask.SCRIPT_SELECTOR, selector))
    message.floating += floating or []
    return message


def answer(dialogue_id: int = 1) -> mr.DoThisWithTask:
    """A DO_THIS_WITH_TASK as the gateway makes it; SendSeqNo is the session's."""
    return mr.DoThisWithTask(dialogue_id, 0, TaskId(153000, 7, 1), 5004, -1, AgentRef(1, 5080, 5000, -1))


def open_pim(maker: SessionFactory | None = None, idle_ms: int = 20_000, now: float = NOW) -> MrPimSession:
    """An open session in which we are the PIM; its opening has been taken."""
    session = (maker or factory()).mr_pim(PEER, now)
    session.receive_bytes(mr_frame(mr.OpenReq(1, 5, idle_ms, [(135, 2)])), now)
    assert opening(session.take()[0]).role == "application"
    return session


def open_application(maker: SessionFactory | None = None, now: float = NOW) -> MrApplicationSession:
    """An open session in which we are the application, routing enabled; its opening has been taken."""
    session = (maker or factory()).mr_application(PEER, now)
    session.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000)) + mr_frame(mr.RoutingEnabled(NULL, NULL)), now)
    assert opening(session.take()[0]).role == "pim"
    return session


NULL = 0xFFFFFFFF


def open_request(
    version: int = 25,
    services: int = S.AGENT_REPORTING,
    client_id: str | None = "desktop",
    password: bytes | None = b"secret",
    path: int | None = 1,
    idle_s: int = 120,
    peripheral: int = NULL,
    agent_extension: str | None = None,
    agent_id: str | None = None,
    agent_instrument: str | None = None,
) -> cti.OpenReq:
    """A CTI OPEN_REQ; what is None is left out."""
    request = cti.OpenReq(1, version, idle_s, peripheral, services, 0, 0, 0, 0, 0, 0)
    if client_id is not None:
        request.floating.append((1, client_id))
    if password is not None:
        request.floating.append((2, password))
    if path is not None:
        request.floating.append((97, path))
    for tag, text in ((4, agent_extension), (5, agent_id), (6, agent_instrument)):
        if text is not None:
            request.floating.append((tag, text))
    return request


def cti_session(
    request: cti.OpenReq, maker: SessionFactory | None = None, peer: PeerIdentity = PEER, now: float = NOW
) -> CtiServerSession:
    """A CTI session that has received `request`; nothing taken."""
    session = (maker or factory()).cti_server(peer, now)
    version = request.version_number if 13 <= request.version_number <= 25 else 25
    session.receive_bytes(cti_frame(request, version), now)
    return session


def open_cti(
    version: int = 25,
    services: int = S.AGENT_REPORTING,
    maker: SessionFactory | None = None,
    idle_s: int = 120,
) -> CtiServerSession:
    """An open CTI session; its opening has been taken."""
    session = cti_session(open_request(version, services, idle_s=idle_s), maker)
    opening(session.take()[0])
    return session


Feed = Callable[[Session, bytes, float], None]


def whole(session: Session, data: bytes, now: float) -> None:
    """Everything in one portion."""
    session.receive_bytes(data, now)


def byte_by_byte(session: Session, data: bytes, now: float) -> None:
    """One byte a portion."""
    for position in range(len(data)):
        session.receive_bytes(data[position : position + 1], now)


def in_sevens(session: Session, data: bytes, now: float) -> None:
    """Seven bytes a portion, so that headers are cut."""
    for position in range(0, len(data), 7):
        session.receive_bytes(data[position : position + 7], now)


FEEDS = [whole, byte_by_byte, in_sevens]


class SessionPair:
    """Our PIM and our application joined back to back: the PIM dials."""

    def __init__(self, feed: Feed = whole, heartbeat_s: float = 5.0) -> None:
        maker = factory()
        self.feed = feed
        self.now = NOW
        self.pim = maker.mr_pim_dialled(PEER, ApplicationBinding("webchat"), heartbeat_s, NOW)
        self.application = maker.mr_application(PEER, NOW)
        self.pim_events: list[SessionEvent] = []
        self.application_events: list[SessionEvent] = []

    def exchange(self) -> None:
        """Carry frames both ways until nobody has any left."""
        while True:
            events, to_application = self.pim.take()
            self.pim_events += events
            events, to_pim = self.application.take()
            self.application_events += events
            if not to_application and not to_pim:
                return
            self.feed(self.application, b"".join(frame for frame, _ in to_application), self.now)
            self.feed(self.pim, b"".join(frame for frame, _ in to_pim), self.now)

    def advance(self, seconds: float) -> None:
        """Let time pass, deadline by deadline, carrying frames after each."""
        end = self.now + seconds
        while True:
            due = min(self._deadlines(), default=end)
            if due > end:
                break
            self.now = max(due, self.now)
            self.pim.handle_deadline(self.now)
            self.application.handle_deadline(self.now)
            self.exchange()
            if due == end:
                break
        self.now = end

    def _deadlines(self) -> Iterator[float]:
        for session in (self.pim, self.application):
            due = session.next_deadline()
            if due is not None:
                yield due


def greet(maker: SessionFactory | None = None, *protocols: str, peer: PeerIdentity = PEER) -> Greeter:
    """A greeter; all protocols unless some are named."""
    return Greeter(protocols or ("mr", "cti"), peer, maker or factory())


def recognised(events: list[SessionEvent]) -> Session:
    """The session that a greeter names."""
    [event] = [event for event in events if isinstance(event, SessionRecognised)]
    return event.session
