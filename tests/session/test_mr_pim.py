"""We are the PIM: opening, the way of a task, cancelling (mr-wire (g), decisions A4, D1, D2)."""

import pytest

from ctigw.config.settings import ApplicationSettings
from ctigw.errors import LocalProtocolError
from ctigw.session.dialogues import ENDED_DIALOGUES
from ctigw.session.events import Lane, MrPimDetails, NewTaskFailed
from ctigw.session.session import PeerIdentity
from ctigw.wire import EccName, EccValue, Floating, mr
from pim_frames import ROUTING_ENABLED, T1_NEW_TASK, cancel, cancel_conf, dialogue_failure, failure, with_floats
from session_pair import (
    CERTIFIED,
    FEEDS,
    NOW,
    NULL,
    PEER,
    Feed,
    answer,
    closing,
    factory,
    frames,
    hexes,
    messages,
    mr_frame,
    new_task,
    open_pim,
    opening,
    raw,
    refusals,
    taken,
)

# Opening.


@pytest.mark.parametrize(("asked", "used"), [(1, 1), (4, 4), (5, 5), (6, 5), (0xFFFFFFFF, 5)])
def test_the_lower_version_of_both_is_used(asked: int, used: int) -> None:
    session = factory().mr_pim(PEER, NOW)
    session.receive_bytes(mr_frame(mr.OpenReq(1, asked, 20_000, [(135, 2)])), NOW)
    events, written = taken(session)
    assert written == [f"0000000c0000000400000001{used:08x}00000000", ROUTING_ENABLED]
    assert session.version == used
    assert opening(events).protocol == "mr"


def test_version_0_is_refused_with_1() -> None:
    session = factory().mr_pim(PEER, NOW)
    session.receive_bytes(mr_frame(mr.OpenReq(1, 0, 20_000, [(135, 2)])), NOW)
    events, written = taken(session)
    assert written == ["00000008000000010000000100000001"]
    assert closing(events) == "refused"


def test_standby_side_refuses_with_3() -> None:
    session = factory(standby=True).mr_pim(PEER, NOW)
    session.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 2)])), NOW)
    events, written = taken(session)
    assert written == ["00000008000000010000000100000003"]
    assert closing(events) == "refused"


def test_session_messages_take_the_control_lane_and_dialogue_messages_the_data_lane() -> None:
    session = factory().mr_pim(PEER, NOW)
    session.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 2)])) + mr_frame(mr.HeartbeatReq(4)), NOW)
    assert [lane for _, lane in session.take()[1]] == [Lane.CONTROL, Lane.DATA, Lane.CONTROL]


def test_router_that_is_away_at_opening_is_told_by_routing_disabled() -> None:
    session = factory(routing_enabled=False).mr_pim(PEER, NOW)
    session.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 2)])), NOW)
    assert hexes(session)[1] == "000000100000002f00000002ffffffffffffffff00000001"


def test_second_open_request_is_refused_with_2_and_the_session_lives() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(mr.OpenReq(8, 5, 20_000, [(135, 2)])), NOW)
    events, written = taken(session)
    assert written == ["00000008000000010000000800000002"]
    assert (refusals(events), closing(events)) == (["already_open"], None)


@pytest.mark.parametrize(
    ("peer", "peripheral", "bound"),
    [
        (PEER, 7001, MrPimDetails("by_peripheral", True, 7001)),
        (PEER, None, MrPimDetails("alone", False, None)),
        (PEER, 9999, MrPimDetails("alone", False, 9999)),
        (CERTIFIED, None, MrPimDetails("by_certificate", False, None)),
        (PEER, 7002, MrPimDetails("alone", False, 7002)),
        (PeerIdentity("192.0.2.9", "O=x,CN=strict"), 7002, MrPimDetails("both", True, 7002)),
    ],
)
def test_application_is_bound_by_peripheral_or_certificate_or_as_the_only_one_that_dials(
    peer: PeerIdentity, peripheral: int | None, bound: MrPimDetails
) -> None:
    maker = factory(
        [
            ApplicationSettings("by_peripheral", address="a:1", peripheral_id=7001, requeue_on_recovery=True),
            ApplicationSettings("by_certificate", address="b:1", certificate_subject="CN=desktop"),
            ApplicationSettings(
                "both", address="c:1", peripheral_id=7002, certificate_subject="CN=strict", requeue_on_recovery=True
            ),
            ApplicationSettings("alone"),
        ]
    )
    session = maker.mr_pim(peer, NOW)
    request = mr.OpenReq(1, 5, 20_000, [(135, 2)])
    if peripheral is not None:
        request.floating.append((131, peripheral))
    session.receive_bytes(mr_frame(request), NOW)
    assert opening(session.take()[0]).details == bound


def test_unbound_application_gets_the_defaults_when_two_entries_dial() -> None:
    session = factory([ApplicationSettings("one"), ApplicationSettings("two")]).mr_pim(PEER, NOW)
    session.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 2)])), NOW)
    assert opening(session.take()[0]).details == MrPimDetails("", False, None)


def test_the_only_entry_that_dials_is_not_given_to_a_peer_without_its_certificate() -> None:
    for peer, name in ((PEER, ""), (CERTIFIED, "strict")):
        session = factory([ApplicationSettings("strict", certificate_subject="CN=desktop")]).mr_pim(peer, NOW)
        session.receive_bytes(mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 2)])), NOW)
        assert opening(session.take()[0]).details == MrPimDetails(name, False, None)


def test_open_request_that_does_not_parse_gets_failure_event_33_and_the_end() -> None:
    session = factory().mr_pim(PEER, NOW)
    session.receive_bytes(raw(3, bytes(11)), NOW)
    events, written = taken(session)
    assert (written, closing(events)) == (["000000040000000200000021"], "refused")


# The way of a task.


@pytest.mark.parametrize("feed", FEEDS)
def test_traced_new_task_passes_and_its_answer_carries_sequence_1(feed: Feed) -> None:
    session = open_pim()
    feed(session, T1_NEW_TASK, NOW)
    events, written = taken(session)
    [message] = messages(events)
    assert isinstance(message, mr.NewTask)
    assert (message.mr_domain_id, message.script_selector, written) == (5003, "8000", [])
    session.submit(answer(), NOW)
    [frame] = frames(session)
    assert frame[8:20].hex() == "00000004" + "00000001" + "00000001"


def test_each_message_of_ours_in_a_dialogue_has_the_next_number() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task(1)) + mr_frame(new_task(2)), NOW)
    session.submit(mr.RunScriptReq(1, 0, 1), NOW)
    session.submit(mr.RunScriptReq(2, 0, 2), NOW)
    session.submit(mr.RunScriptReq(1, 0, 3), NOW)
    session.submit(answer(1), NOW)
    session.submit(answer(2), NOW)
    numbers = [(int.from_bytes(frame[12:16], "big"), int.from_bytes(frame[16:20], "big")) for frame in frames(session)]
    assert numbers == [(1, 1), (2, 1), (1, 2), (1, 3), (2, 2)]


def test_answer_for_a_dialogue_that_is_over_is_dropped() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.submit(answer(), NOW)
    frames(session)
    session.submit(answer(), NOW)
    session.submit(mr.NewTaskFailure(1, 0, 7, 0), NOW)
    session.submit(mr.RunScriptReq(1, 0, 1), NOW)
    session.submit(answer(99), NOW)
    assert session.take() == ([], [])


def test_dialogue_id_may_be_used_again_once_answered() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.submit(mr.NewTaskFailure(1, 0, 7, 0), NOW)
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.submit(answer(), NOW)
    events, written = taken(session)
    assert len(messages(events)) == 2
    assert (refusals(events), written[0]) == ([], failure(7))
    assert written[1][32:40] == "00000001"


def test_run_script_result_of_an_open_dialogue_passes() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.submit(mr.RunScriptReq(1, 0, 9), NOW)
    session.take()
    session.receive_bytes(mr_frame(mr.RunScriptResult(1, 2, 9, 1)), NOW)
    events, written = taken(session)
    assert [message.NAME for message in messages(events)] == ["RUN_SCRIPT_RESULT"]
    assert (refusals(events), written) == ([], [])


@pytest.mark.parametrize("number", [1, 3, 0, NULL])
def test_gap_or_repeat_of_sequence_is_counted_and_never_answered(number: int) -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.take()
    session.receive_bytes(mr_frame(mr.RunScriptResult(1, number, 9, 1)), NOW)
    session.receive_bytes(mr_frame(mr.RunScriptResult(1, (number + 1) % 2**32, 9, 1)), NOW)
    events, written = taken(session)
    assert refusals(events) == ["sequence"]
    assert len(messages(events)) == 2
    assert written == []


def test_answer_that_cannot_be_encoded_becomes_a_failure_9() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.take()
    message = answer()
    message.floating.append((mr.DoThisWithTask.AGENT_INFO, "x" * 300))
    session.submit(message, NOW)
    events, written = taken(session)
    assert refusals(events) == ["not_sent"]
    assert written == [failure(9)]


def test_message_that_no_pim_sends_is_our_own_defect() -> None:
    session = open_pim()
    with pytest.raises(LocalProtocolError):
        session.submit(new_task(), NOW)


def test_graceful_shutdown_is_sent_from_version_5_on_only() -> None:
    for version, sent in ((5, ["000000100000002f0000000cffffffffffffffff00007530"]), (4, [])):
        session = factory().mr_pim(PEER, NOW)
        session.receive_bytes(mr_frame(mr.OpenReq(1, version, 20_000, [(135, 2)])), NOW)
        session.take()
        session.submit(mr.GracefulShutdownEvent(0, 0, 30_000), NOW)
        assert hexes(session) == sent


# Routing goes and comes.


def test_disabling_routing_fails_open_dialogues_with_24_in_order_of_arrival() -> None:
    session = open_pim()
    for dialogue_id in (5, 2, 9):
        session.receive_bytes(mr_frame(new_task(dialogue_id)), NOW)
    session.submit(answer(2), NOW)
    session.take()
    session.set_routing_enabled(enabled=False, reason=mr.RoutingDisabledReason.ADMINISTRATIVE, now=NOW)
    session.set_routing_enabled(enabled=False, reason=mr.RoutingDisabledReason.ADMINISTRATIVE, now=NOW)
    assert hexes(session) == ["000000100000002f00000002ffffffffffffffff00000003", failure(24, 5), failure(24, 9)]
    session.submit(answer(5), NOW)
    assert hexes(session) == []
    session.set_routing_enabled(enabled=True, reason=0, now=NOW)
    session.receive_bytes(mr_frame(new_task(5)), NOW)
    events, written = taken(session)
    assert (written, len(messages(events))) == ([ROUTING_ENABLED], 1)


def test_routing_messages_may_be_submitted_too() -> None:
    session = open_pim()
    session.submit(mr.RoutingDisabled(0, 0, 2), NOW)
    session.submit(mr.RoutingEnabled(0, 0), NOW)
    assert hexes(session) == ["000000100000002f00000002ffffffffffffffff00000002", ROUTING_ENABLED]


# Cancelling.


def test_cancel_of_an_open_dialogue_passes_and_its_confirmation_ends_the_dialogue() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()) + cancel(), NOW)
    events, written = taken(session)
    assert [message.NAME for message in messages(events)] == ["NEW_TASK", "CANCEL_TASK"]
    assert (refusals(events), written) == ([], [])
    session.submit(mr.CancelTaskConf(1, 0, 7, 0), NOW)
    assert hexes(session) == [cancel_conf(0)]
    session.receive_bytes(cancel(sequence=3), NOW)
    assert hexes(session) == [cancel_conf(34)]


def test_cancel_of_an_unknown_dialogue_gets_34() -> None:
    session = open_pim()
    session.receive_bytes(cancel(77), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([cancel_conf(34, 77)], ["unknown_dialogue"])


def test_cancel_that_crossed_the_answer_gets_36_with_the_next_number() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.submit(answer(), NOW)
    session.take()
    session.receive_bytes(cancel(), NOW)
    events, written = taken(session)
    assert (written, refusals(events), messages(events)) == ([cancel_conf(36, sequence=2)], [], [])


def test_an_ecc_name_without_a_value_is_an_empty_value() -> None:
    session = open_pim()
    session.receive_bytes(with_floats((42, EccName(1, "user.x"))), NOW)
    events, written = taken(session)
    assert (written, refusals(events), len(messages(events))) == ([], [], 1)


def test_script_result_that_crossed_the_answer_is_dropped_without_an_error() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.submit(answer(), NOW)
    session.take()
    session.receive_bytes(mr_frame(mr.RunScriptResult(1, 2, 9, 1)), NOW)
    events, written = taken(session)
    assert (written, refusals(events), messages(events)) == ([], [], [])


@pytest.mark.parametrize(
    "floating",
    [
        pytest.param([(22, "x" * 41)], id="CallVariable1 of 41"),
        pytest.param([(22, "a"), (22, "b")], id="CallVariable1 twice"),
        pytest.param([(43, EccValue(1, "v"))], id="ECC value without name"),
    ],
)
def test_script_result_with_bad_data_is_refused_and_the_dialogue_goes_on(floating: Floating) -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.take()
    session.receive_bytes(mr_frame(mr.RunScriptResult(1, 2, 9, 1, floating)), NOW)
    events, written = taken(session)
    assert (written, refusals(events), messages(events)) == ([dialogue_failure(33)], ["malformed"], [])
    session.submit(answer(), NOW)
    assert len(taken(session)[1]) == 1


def test_new_task_whose_answer_would_be_too_long_gets_reason_1() -> None:
    session = open_pim()
    many: Floating = [each for n in range(1, 269) for each in ((42, EccName(n, f"{n:03}")), (43, EccValue(n, "")))]
    session.receive_bytes(mr_frame(new_task(floating=many)), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([failure(1)], ["invalid_new_task"])


def test_close_conf_goes_behind_the_answers_that_wait() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.submit(answer(), NOW)
    session.receive_bytes(mr_frame(mr.CloseReq(4, 0)), NOW)
    lanes = [lane for _, lane in session.take()[1]]
    assert lanes == [Lane.DATA, Lane.DATA]


def test_every_new_task_failure_is_reported_for_counting() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()) + mr_frame(new_task()) + mr_frame(new_task(2, selector=None)), NOW)
    session.submit(mr.NewTaskFailure(1, 0, 8, 1), NOW)
    session.receive_bytes(mr_frame(new_task(3)), NOW)
    session.set_routing_enabled(enabled=False, reason=1, now=NOW)
    failed = [event.reason for event in session.take()[0] if isinstance(event, NewTaskFailed)]
    assert failed == [10, 1, 8, 24]


def test_late_confirmation_from_the_router_is_sent_although_the_dialogue_was_answered() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()) + cancel(), NOW)
    session.submit(answer(), NOW)
    session.take()
    session.submit(mr.CancelTaskConf(1, 0, 7, 36), NOW)
    assert hexes(session) == [cancel_conf(36, sequence=2)]


def test_confirmation_that_is_not_a_success_keeps_the_dialogue_open() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()) + cancel(), NOW)
    session.submit(mr.CancelTaskConf(1, 0, 7, 36), NOW)
    session.submit(answer(), NOW)
    assert len(hexes(session)) == 2


def test_answered_dialogues_are_remembered_up_to_a_limit() -> None:
    session = open_pim()
    for dialogue_id in range(1, ENDED_DIALOGUES + 2):
        session.receive_bytes(mr_frame(new_task(dialogue_id)), NOW)
        session.submit(mr.NewTaskFailure(dialogue_id, 0, 7, 0), NOW)
    session.take()
    session.receive_bytes(cancel(1) + cancel(2), NOW)
    assert hexes(session) == [cancel_conf(34, 1), cancel_conf(36, 2, sequence=2)]
