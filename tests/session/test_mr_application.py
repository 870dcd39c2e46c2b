"""We are the application: a PIM dials us (mr-wire (g), decisions D1, C8)."""

import pytest

from ctigw.config.settings import PeripheralGatewaySettings, PeripheralGatewaySideSettings
from ctigw.errors import LocalProtocolError
from ctigw.session.events import MrApplicationDetails, SessionTouched
from ctigw.session.factory import SessionFactory
from ctigw.session.mr_application import MrApplicationSession
from ctigw.session.session import PeerIdentity
from ctigw.wire import mr
from session_pair import (
    FEEDS,
    NOW,
    NULL,
    PEER,
    Feed,
    answer,
    closing,
    factory,
    hexes,
    is_open,
    messages,
    mr_frame,
    new_task,
    open_application,
    opening,
    raw,
    refusals,
    taken,
)

GATEWAY = PeripheralGatewaySettings(
    name="cce",
    peripheral=5000,
    side_a=PeripheralGatewaySideSettings(mr_certificate="CN=pga"),
    side_b=PeripheralGatewaySideSettings(mr_address="198.51.100.2"),
)
SIDE_A = PeerIdentity("198.51.100.1", "CN=pga,O=x")
SIDE_B = PeerIdentity("198.51.100.2")


def dial(
    maker: SessionFactory, peer: PeerIdentity = PEER, now: float = NOW, peripheral: int | None = None
) -> MrApplicationSession:
    """A PIM dials; nothing taken. Its IdleTimeout is 20 s, so its heartbeat interval 5 s."""
    session = maker.mr_application(peer, now)
    request = mr.OpenReq(1, 5, 20_000)
    if peripheral is not None:
        request.floating.append((131, peripheral))
    session.receive_bytes(mr_frame(request), now)
    return session


@pytest.mark.parametrize("feed", FEEDS)
def test_open_request_is_confirmed_with_the_lower_version(feed: Feed) -> None:
    session = factory().mr_application(PEER, NOW)
    feed(session, bytes.fromhex("0000000c00000003000000010000000300004e20"), NOW)
    events, written = taken(session)
    assert written == ["0000000c00000004000000010000000300000000"]
    assert (opening(events).details, session.version) == (MrApplicationDetails(None, ""), 3)


def test_standby_side_refuses_with_3() -> None:
    events, written = taken(dial(factory(standby=True)))
    assert (written, closing(events)) == (["00000008000000010000000100000003"], "refused")


@pytest.mark.parametrize(
    ("peer", "peripheral", "side", "details"),
    [
        (SIDE_A, 5000, "A", MrApplicationDetails(5000, "cce")),
        (SIDE_A, None, "A", MrApplicationDetails(None, "cce")),
        (SIDE_B, 5000, "B", MrApplicationDetails(5000, "cce")),
        (SIDE_B, 5001, "none", MrApplicationDetails(5001, "")),
        (PEER, 5000, "none", MrApplicationDetails(5000, "")),
        (PeerIdentity("198.51.100.1", "CN=pgb"), 5000, "none", MrApplicationDetails(5000, "")),
    ],
)
def test_side_of_a_pim_is_known_by_its_certificate_or_address(
    peer: PeerIdentity, peripheral: int | None, side: str, details: MrApplicationDetails
) -> None:
    session = dial(factory(gateways=[GATEWAY]), peer, peripheral=peripheral)
    opened = opening(session.take()[0])
    assert (opened.side, session.side, opened.details) == (side, side, details)


def test_gateway_of_one_side_only_knows_nobody_as_its_other_side() -> None:
    gateway = PeripheralGatewaySettings(name="one", peripheral=5000, side_a=GATEWAY.side_a)
    opened = opening(dial(factory(gateways=[gateway]), SIDE_B).take()[0])
    assert (opened.side, opened.details) == ("none", MrApplicationDetails(None, ""))


def test_second_connection_of_a_living_pim_is_refused_with_2() -> None:
    maker = factory()
    first = dial(maker)
    second = dial(maker, now=NOW + 4.9)
    events, written = taken(second)
    assert (written, closing(events)) == (["00000008000000010000000100000002"], "refused")
    assert is_open(first.take()[0])


def test_second_connection_of_a_pim_that_was_silent_for_a_heartbeat_interval_wins() -> None:
    maker = factory()
    first = dial(maker)
    first.take()
    second = dial(maker, now=NOW + 5)
    events, _ = taken(second)
    assert events[0] == SessionTouched(first)
    assert is_open(events)
    events, written = taken(first)
    assert (closing(events), written) == ("replaced", ["000000040000000200000002"])


def test_any_message_keeps_a_pim_from_being_silent() -> None:
    maker = factory()
    first = dial(maker)
    first.receive_bytes(mr_frame(mr.HeartbeatReq(1)), NOW + 3)
    assert closing(dial(maker, now=NOW + 7.9).take()[0]) == "refused"


def test_both_sides_and_other_peripherals_have_a_connection_each() -> None:
    maker = factory(gateways=[GATEWAY])
    sessions = [
        dial(maker, SIDE_A, peripheral=5000),
        dial(maker, SIDE_B, peripheral=5000),
        dial(maker, PEER, peripheral=5001),
        dial(maker, PEER),
    ]
    assert all(is_open(session.take()[0]) for session in sessions)


def test_pim_that_ended_may_dial_again_at_once() -> None:
    maker = factory()
    dial(maker).receive_eof(NOW)
    assert is_open(dial(maker).take()[0])


def test_session_that_was_refused_does_not_free_the_place_of_the_other() -> None:
    maker = factory()
    dial(maker)
    dial(maker).receive_eof(NOW)
    assert closing(dial(maker).take()[0]) == "refused"


def test_routing_is_tracked_and_reported() -> None:
    session = dial(factory())
    session.take()
    seen = [session.routing_enabled]
    for message in (mr.RoutingEnabled(NULL, NULL), mr.RoutingDisabled(NULL, NULL, 1)):
        session.receive_bytes(mr_frame(message), NOW)
        seen.append(session.routing_enabled)
    assert seen == [False, True, False]
    names = [message.NAME for message in messages(session.take()[0])]
    assert names == ["ROUTING_ENABLED", "ROUTING_DISABLED"]


def test_heartbeats_are_answered_and_silence_of_idle_timeout_ends() -> None:
    session = open_application()
    session.receive_bytes(mr_frame(mr.HeartbeatReq(6)), NOW + 5)
    assert hexes(session) == ["000000040000000600000006"]
    assert session.next_deadline() == NOW + 25
    session.handle_deadline(NOW + 25)
    assert closing(session.take()[0]) == "idle"


def test_graceful_shutdown_is_reported_from_version_5_on_only() -> None:
    frame = mr_frame(mr.GracefulShutdownEvent(NULL, NULL, 30_000))
    session = open_application()
    session.receive_bytes(frame, NOW)
    assert [message.NAME for message in messages(session.take()[0])] == ["GRACEFUL_SHUTDOWN_EVENT"]
    session = factory().mr_application(PEER, NOW)
    session.receive_bytes(mr_frame(mr.OpenReq(1, 4, 20_000)), NOW)
    session.take()
    session.receive_bytes(frame, NOW)
    events, written = taken(session)
    assert refusals(events) == ["not_for_version"]
    assert written == ["000000100000002f0000000bffffffffffffffff00000021"]


# Dialogues.


def ask(session: MrApplicationSession, dialogue_id: int = 0) -> int:
    """Submit a NEW_TASK; the DialogueID that it got."""
    message = new_task(dialogue_id, 99)
    session.submit(message, NOW)
    assert message.send_seq_no in (1, 99)
    return message.dialogue_id


def test_new_tasks_are_numbered_from_1_and_carry_sequence_1() -> None:
    session = open_application()
    assert [ask(session) for _ in range(3)] == [1, 2, 3]
    written = hexes(session)
    assert [frame[24:40] for frame in written] == [f"{number:08x}00000001" for number in (1, 2, 3)]


def test_dialogue_id_that_is_given_is_kept_and_skipped_by_the_numbering() -> None:
    session = open_application()
    assert ask(session, 2) == 2
    assert [ask(session), ask(session)] == [1, 3]
    session.take()
    ask(session, 2)
    events, written = taken(session)
    assert (refusals(events), written) == (["not_sent"], [])


def test_new_task_is_not_sent_before_routing_is_enabled() -> None:
    session = dial(factory())
    session.take()
    ask(session)
    events, written = taken(session)
    assert (refusals(events), written) == (["not_sent"], [])


def test_answer_ends_the_dialogue_and_a_second_one_gets_34() -> None:
    session = open_application()
    ask(session)
    session.take()
    message = answer()
    message.send_seq_no = 1
    session.receive_bytes(mr_frame(message), NOW)
    events, written = taken(session)
    assert (messages(events), written) == ([message], [])
    session.receive_bytes(mr_frame(mr.NewTaskFailure(1, 2, 7, 0)), NOW)
    events, written = taken(session)
    assert (refusals(events), messages(events)) == (["unknown_dialogue"], [])
    assert written == ["000000100000002f0000000b000000010000000200000022"]


def test_run_script_request_is_answered_with_the_next_number() -> None:
    session = open_application()
    ask(session)
    session.take()
    session.receive_bytes(mr_frame(mr.RunScriptReq(1, 1, 9)), NOW)
    [message] = messages(session.take()[0])
    assert isinstance(message, mr.RunScriptReq)
    session.submit(mr.RunScriptResult(1, 0, message.invoke_id, 1), NOW)
    assert hexes(session) == ["000000140000002f0000000900000001000000020000000900000001"]


def test_confirmed_cancel_ends_the_dialogue() -> None:
    session = open_application()
    ask(session)
    session.submit(mr.CancelTask(1, 0, 7, 0), NOW)
    assert hexes(session)[1] == "000000140000002f0000000600000001000000020000000700000000"
    session.receive_bytes(mr_frame(mr.CancelTaskConf(1, 1, 7, 0)), NOW)
    events, written = taken(session)
    assert ([message.NAME for message in messages(events)], written) == (["CANCEL_TASK_CONF"], [])
    session.submit(mr.CancelTask(1, 0, 8, 0), NOW)
    assert session.take() == ([], [])


def test_confirmation_that_comes_after_the_answer_is_reported_and_not_refused() -> None:
    session = open_application()
    ask(session)
    session.submit(mr.CancelTask(1, 0, 7, 0), NOW)
    session.take()
    message = answer()
    message.send_seq_no = 1
    session.receive_bytes(mr_frame(message) + mr_frame(mr.CancelTaskConf(1, 2, 7, 36)), NOW)
    events, written = taken(session)
    assert [message.NAME for message in messages(events)] == ["DO_THIS_WITH_TASK", "CANCEL_TASK_CONF"]
    assert (refusals(events), written) == ([], [])


def test_messages_of_the_application_from_the_pim_get_33() -> None:
    session = open_application()
    session.receive_bytes(mr_frame(new_task(4)), NOW)
    events, written = taken(session)
    assert refusals(events) == ["wrong_direction"]
    assert written == ["000000100000002f0000000b000000040000000100000021"]


def test_message_that_no_application_sends_is_our_own_defect() -> None:
    with pytest.raises(LocalProtocolError):
        open_application().submit(answer(), NOW)


def test_new_task_that_cannot_be_encoded_leaves_no_dialogue_behind() -> None:
    session = open_application()
    message = new_task(7)
    message.floating.append((19, b"x" * 300))
    session.submit(message, NOW)
    assert refusals(session.take()[0]) == ["not_sent"]
    assert ask(session, 7) == 7
    assert len(hexes(session)) == 1


def test_failures_of_no_open_dialogue_are_counted_and_those_of_an_open_one_reported() -> None:
    session = open_application()
    ask(session)
    session.take()
    session.receive_bytes(
        mr_frame(mr.DialogueFailureEvent(1, 1, 34)) + mr_frame(mr.DialogueFailureConf(9, 1, 1, 30)), NOW
    )
    events, written = taken(session)
    assert ([message.NAME for message in messages(events)], written) == (["DIALOGUE_FAILURE_EVENT"], [])
    assert refusals(events) == ["peer_failure"]


def test_type_47_below_12_bytes_closes_unanswered() -> None:
    session = open_application()
    session.receive_bytes(raw(47, bytes(11)), NOW)
    events, written = taken(session)
    assert (written, closing(events)) == ([], "bad_frame")


def test_while_we_close_the_pim_is_not_listened_to() -> None:
    session = open_application()
    session.close(0, NOW)
    session.take()
    session.receive_bytes(mr_frame(mr.RoutingDisabled(NULL, NULL, 1)) + mr_frame(answer(3)), NOW)
    assert session.take() == ([], [])
    session.receive_bytes(mr_frame(mr.CloseConf(1)), NOW)
    assert closing(session.take()[0]) == "we_closed"
    assert session.routing_enabled is False
