"""We are the CTI server: opening, credentials, devices, standby (cti-notes, decisions A3, C1, C2, C8)."""

import pytest

from cti_frames import (
    SAMPLE_CONF,
    SAMPLE_OPEN_19,
    SAMPLE_OPEN_25,
    VERSIONS,
    failure_conf,
    failure_event,
)
from ctigw.session.access import CtiAccess, CtiClient
from ctigw.session.cti_server import CtiServerSession
from ctigw.session.events import CtiClientDetails, Lane, SessionTouched
from ctigw.session.session import PeerIdentity
from ctigw.wire import cti, cti_codec
from session_pair import (
    CERTIFIED,
    FEEDS,
    NOW,
    NULL,
    PEER,
    Feed,
    S,
    closing,
    cti_frame,
    cti_session,
    factory,
    hexes,
    is_open,
    open_request,
    opening,
    refusals,
    taken,
)

# Opening.


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(
    ("sample", "conf"),
    [
        (SAMPLE_OPEN_25, SAMPLE_CONF),
        # Version 19 has DepartmentID and no SessionType.
        (SAMPLE_OPEN_19, "0000001e00000004000000010000041000000000000000006553f10000010011000000000000"),
    ],
)
def test_sample_open_requests_are_granted(feed: Feed, sample: str, conf: str) -> None:
    maker = factory()
    client = CtiClient("demo", b"", "", 5000, S.AGENT_REPORTING | S.ALL_EVENTS)
    maker.cti_access = CtiAccess([client], application_paths=[5000])
    session = maker.cti_server(PEER, NOW)
    feed(session, bytes.fromhex(sample), NOW)
    events, written = taken(session)
    assert written == [conf]
    assert opening(events).details == CtiClientDetails(
        "demo", S.AGENT_REPORTING | S.ALL_EVENTS, 5000, 0x180000, 0x3FFF, 0, NULL, None, None, None
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_from_13_to_25_opens_and_answers_a_heartbeat(version: int) -> None:
    session = cti_session(open_request(version))
    events, written = taken(session)
    assert opening(events).side == "none"
    assert session.version == version
    expected = cti_codec(version).decode(4, bytes.fromhex(written[0])[8:])
    assert isinstance(expected, cti.OpenConf)
    assert (expected.services_granted, expected.peripheral_type, expected.peripheral_online) == (0x400, 17, 1)
    session.receive_bytes(bytes.fromhex("000000040000000500000002"), NOW)
    assert hexes(session) == ["000000040000000600000002"]


@pytest.mark.parametrize("version", [0, 12, 26, NULL])
def test_other_versions_are_refused_with_1_in_the_8_byte_form_before_the_password_is_looked_at(version: int) -> None:
    session = cti_session(open_request(version, password=b"wrong"))
    events, written = taken(session)
    assert written == [failure_conf(1, version=0)]
    assert (closing(events), refusals(events)) == ("refused", ["refused_open"])


@pytest.mark.parametrize(("field", "size"), [(cti.OpenReq.CLIENT_SIGNATURE, 64), (cti.OpenReq.AGENT_ID, 130)])
def test_open_request_with_a_text_that_is_too_long_is_refused_with_25(field: int, size: int) -> None:
    request = open_request()
    request.floating.append((field, "x" * size))
    session = cti_session(request)
    events, written = taken(session)
    assert written == [failure_conf(25, 1)]
    assert refusals(events) == ["refused_open"]
    assert closing(events)


def test_granted_is_asked_and_allowed() -> None:
    session = cti_session(open_request(services=S.AGENT_REPORTING | S.ALL_EVENTS | S.SUPERVISOR))
    details = opening(session.take()[0]).details
    assert isinstance(details, CtiClientDetails)
    assert details.services == S.AGENT_REPORTING | S.ALL_EVENTS
    assert details.application_path == 1


def test_path_is_none_without_agent_reporting() -> None:
    details = opening(cti_session(open_request(services=S.ALL_EVENTS)).take()[0]).details
    assert isinstance(details, CtiClientDetails)
    assert details.application_path is None


@pytest.mark.parametrize("version", [13, 23, 24, 25])
@pytest.mark.parametrize(
    ("request_words", "status"),
    [
        ({"services": 0}, 19),
        ({"services": S.SUPERVISOR}, 19),
        ({"services": S.AGENT_REPORTING, "client_id": "watcher"}, 19),
        ({"path": None}, 6),
        ({"path": 2}, 12),
        ({"path": -1}, 12),
        ({"client_id": "lost_path", "path": 9}, 12),
        ({"client_id": "screen", "services": S.CLIENT_EVENTS, "agent_id": "1080"}, 6),
        ({"client_id": "screen", "services": S.CLIENT_EVENTS, "peripheral": 5000}, 6),
        ({"client_id": "screen", "services": S.CLIENT_EVENTS, "peripheral": 7, "agent_id": "1080"}, 7),
    ],
)
def test_refusals_carry_their_status_in_the_form_of_the_version(
    version: int, request_words: dict[str, object], status: int
) -> None:
    session = cti_session(open_request(version, **request_words))  # type: ignore[arg-type]  # words of the table
    events, written = taken(session)
    assert written == [failure_conf(status, version=version)]
    assert (closing(events), refusals(events)) == ("refused", ["refused_open"])


def test_services_are_checked_before_required_data_and_required_data_before_the_path() -> None:
    assert hexes(cti_session(open_request(services=0, path=None))) == [failure_conf(19)]
    request = open_request(services=S.CLIENT_EVENTS | S.AGENT_REPORTING, client_id="screen", path=None, peripheral=5000)
    assert hexes(cti_session(request)) == [failure_conf(6)]


# Passwords and certificates.


@pytest.mark.parametrize(
    ("client_id", "password", "peer", "granted"),
    [
        ("watcher", b"secret", PEER, True),
        ("watcher", b"secret\0", PEER, True),
        ("watcher", b"secret\0\0", PEER, False),
        ("watcher", b"secre", PEER, False),
        ("watcher", b"", PEER, False),
        ("watcher", None, PEER, False),
        ("nobody", b"secret", PEER, False),
        ("", b"secret", PEER, False),
        (None, b"secret", PEER, False),
        ("certified", None, CERTIFIED, True),
        ("certified", b"anything", CERTIFIED, True),
        ("certified", None, PEER, False),
        ("certified", None, PeerIdentity("192.0.2.8", "CN=other"), False),
        ("both", b"secret", CERTIFIED, True),
        ("both", b"wrong", CERTIFIED, False),
        ("both", b"secret", PEER, False),
        ("nothing", None, CERTIFIED, False),
        ("nothing", b"", CERTIFIED, False),
    ],
)
def test_id_password_and_certificate_decide(
    client_id: str | None, password: bytes | None, peer: PeerIdentity, granted: bool
) -> None:
    request = open_request(services=S.ALL_EVENTS, client_id=client_id, password=password)
    session = cti_session(request, peer=peer)
    session.handle_deadline(NOW + 5)
    events, written = taken(session)
    if granted:
        assert is_open(events)
    else:
        assert written == [failure_conf(36)]
        assert closing(events) == "refused"


def refusal_delay(maker_session: CtiServerSession) -> float:
    """How long a refusal is held back."""
    due = maker_session.next_deadline()
    assert due is not None
    return due - NOW


def test_refusal_of_a_wrong_password_is_held_back_longer_each_time_up_to_5_s_and_a_right_one_never() -> None:
    maker = factory()
    wrong = open_request(password=b"wrong")
    delays = []
    for _ in range(7):
        session = cti_session(wrong, maker)
        assert session.take() == ([], [])
        delays.append(refusal_delay(session))
    assert delays == [0.25, 0.5, 1, 2, 4, 5, 5]
    assert is_open(cti_session(open_request(), maker).take()[0])
    other = cti_session(wrong, maker, PeerIdentity("198.51.100.1"))
    assert refusal_delay(other) == 0.25


def test_refusals_are_forgotten_after_five_quiet_minutes() -> None:
    maker = factory()
    for _ in range(3):
        cti_session(open_request(password=b"wrong"), maker)
    later = cti_session(open_request(password=b"wrong"), maker, now=NOW + 301)
    assert later.next_deadline() == NOW + 301.25


def test_held_back_refusal_leaves_at_its_time_and_reads_nothing_meanwhile() -> None:
    session = cti_session(open_request(password=b"wrong"))
    session.receive_bytes(cti_frame(open_request()) * 3 + b"\xff" * 100, NOW + 0.1)
    session.handle_deadline(NOW + 0.2)
    assert session.take() == ([], [])
    session.handle_deadline(NOW + 0.25)
    events, written = taken(session)
    assert (written, closing(events)) == ([failure_conf(36)], "refused")
    assert session.next_deadline() is None


def test_our_end_before_the_session_is_open_sends_nothing() -> None:
    session = cti_session(open_request(password=b"wrong"))
    session.close(0, NOW)
    events, written = taken(session)
    assert (closing(events), written) == ("we_closed", [])


def test_client_that_leaves_before_its_refusal_gets_none() -> None:
    session = cti_session(open_request(password=b"wrong"))
    session.receive_eof(NOW + 0.1)
    session.handle_deadline(NOW + 5)
    events, written = taken(session)
    assert (closing(events), written) == ("eof", [])


def test_password_is_not_in_the_text_of_a_client() -> None:
    assert "hidden" not in repr(CtiClient("x", b"hidden"))


# After OPEN_CONF.


def test_all_events_client_gets_one_system_event_per_peripheral_after_its_confirmation() -> None:
    session = cti_session(open_request(services=S.ALL_EVENTS, client_id="watcher"))
    _, written = session.take()
    online = "0000001a0000001f000000006553f10000000003{:08x}0000000000000000ffff"
    assert [frame.hex() for frame, _ in written][1:] == [online.format(5000), online.format(5001)]
    assert [lane for _, lane in written] == [Lane.CONTROL, Lane.DATA, Lane.DATA]


def test_client_events_session_hears_its_device_back() -> None:
    request = open_request(services=S.CLIENT_EVENTS, client_id="screen", peripheral=5000, agent_id="1080")
    events, written = taken(cti_session(request))
    conf = cti_codec(25).decode(4, bytes.fromhex(written[0])[8:])
    assert isinstance(conf, cti.OpenConf)
    assert (conf.agent_id, conf.agent_extension, conf.agent_state) == ("1080", None, cti.AgentState.UNKNOWN)
    details = opening(events).details
    assert isinstance(details, CtiClientDetails)
    assert (details.peripheral_id, details.agent_id) == (5000, "1080")


# One device, one client (C1).


def screen(
    client_id: str = "screen",
    peripheral: int = 5000,
    agent_id: str | None = None,
    agent_extension: str | None = None,
    agent_instrument: str | None = None,
) -> cti.OpenReq:
    """An OPEN_REQ for client events."""
    return open_request(
        services=S.CLIENT_EVENTS,
        client_id=client_id,
        peripheral=peripheral,
        agent_extension=agent_extension,
        agent_id=agent_id,
        agent_instrument=agent_instrument,
    )


def test_same_client_on_the_same_device_replaces_its_older_session_with_11() -> None:
    maker = factory()
    older = cti_session(screen(agent_id="1080"), maker)
    older.take()
    newer = cti_session(screen(agent_instrument="1080"), maker)
    events, _ = taken(newer)
    assert events[0] == SessionTouched(older)
    assert is_open(events)
    events, written = taken(older)
    assert (closing(events), written) == ("replaced", [failure_event(11)])


def test_another_client_on_the_same_device_is_refused_with_10_until_the_owner_has_gone() -> None:
    maker = factory()
    owner = cti_session(screen(agent_id="1080"), maker)
    refused = cti_session(screen("screen2", agent_extension="1080"), maker)
    assert hexes(refused) == [failure_conf(10)]
    owner.receive_eof(NOW)
    assert is_open(cti_session(screen("screen2", agent_id="1080"), maker).take()[0])


def test_devices_of_another_name_or_peripheral_do_not_meet() -> None:
    maker = factory()
    for request in (
        screen(agent_id="1080"),
        screen("screen2", agent_id="1081"),
        screen("screen2", 5001, agent_id="1080"),
    ):
        assert is_open(cti_session(request, maker).take()[0])


def test_older_session_that_ends_late_does_not_free_the_device_of_the_newer() -> None:
    maker = factory()
    older = cti_session(screen(agent_id="1080"), maker)
    cti_session(screen(agent_id="1080"), maker)
    older.receive_eof(NOW)
    assert hexes(cti_session(screen("screen2", agent_id="1080"), maker)) == [failure_conf(10)]


def test_sessions_that_share_credentials_without_client_events_live_side_by_side() -> None:
    maker = factory()
    sessions = [cti_session(open_request(), maker) for _ in range(3)]
    assert all(closing(session.take()[0]) is None for session in sessions)


# Standby (C8).


@pytest.mark.parametrize(("version", "asks"), [(23, True), (25, False)])
def test_standby_side_refuses_with_15(version: int, asks: bool) -> None:
    services = S.AGENT_REPORTING | (S.ACTIVE_STANDBY if asks else S(0))
    session = cti_session(open_request(version, services), factory(standby=True))
    events, written = taken(session)
    assert (written, closing(events)) == ([failure_conf(15, version=version)], "refused")


def test_standby_side_takes_a_client_that_asks_for_it_and_serves_nothing_but_the_session() -> None:
    session = cti_session(open_request(24, S.AGENT_REPORTING | S.ACTIVE_STANDBY), factory(standby=True))
    events, written = taken(session)
    assert is_open(events)
    assert written[0].endswith("0002")
    session.receive_bytes(cti_frame(cti.MediaLoginReq(5, 5001, 5080, 1, 1), 24), NOW)
    assert hexes(session) == [failure_conf(107, 5)]
