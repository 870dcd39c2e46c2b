"""We are the PIM: opening, dialogues and refusals towards a channel application (mr-wire (g), decisions A4, A7, D1,
D2).
"""

import pytest

from ctigw.config.settings import ApplicationSettings
from ctigw.errors import LocalProtocolError
from ctigw.session.bindings import ApplicationBinding
from ctigw.session.dialogues import ENDED_DIALOGUES
from ctigw.session.events import Lane, MrPimDetails, NewTaskFailed
from ctigw.session.mr_pim import MrPimSession
from ctigw.session.session import PeerIdentity
from ctigw.wire import EccArray, EccName, EccValue, Floating, FloatValue, mr, mr_codec
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

T1_NEW_TASK = bytes.fromhex(
    "0000005e0000002f0000000300000001000000010000138b"
    "ffffffffffffffffffffffff00000000ffffffffffffffffffffffff"
    "0000000000000000200438303030"
    "2a1800000001757365722e63696d2e61637469766974792e6964"
    "2b080000000131313738"
)
ROUTING_ENABLED = "0000000c0000002f00000001ffffffffffffffff"


def failure(reason: int, dialogue_id: int = 1, cause: int = 0, sequence: int = 1) -> str:
    """Hex of a NEW_TASK_FAILURE."""
    return "000000140000002f00000005" + "".join(f"{number:08x}" for number in (dialogue_id, sequence, reason, cause))


def dialogue_failure(status: int, dialogue_id: int = 1, sequence: int = 1) -> str:
    """Hex of a DIALOGUE_FAILURE_EVENT."""
    return "000000100000002f0000000b" + "".join(f"{number:08x}" for number in (dialogue_id, sequence, status))


def cancel_conf(status: int, dialogue_id: int = 1, sequence: int = 1, invoke_id: int = 7) -> str:
    """Hex of a CANCEL_TASK_CONF."""
    return "000000140000002f00000007" + "".join(f"{n:08x}" for n in (dialogue_id, sequence, invoke_id, status))


def with_floats(*floats: tuple[int, FloatValue]) -> bytes:
    """A NEW_TASK with more floating fields than its selector."""
    message = new_task()
    message.floating.extend(floats)
    return mr_frame(message)


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


# NEW_TASK that is refused.


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(mr_frame(new_task(selector=None)), id="no selector"),
        pytest.param(mr_frame(new_task(selector="")), id="empty selector"),
        pytest.param(mr_frame(new_task(selector="x" * 33)), id="selector of 33"),
        pytest.param(with_floats((32, "other")), id="two selectors"),
        pytest.param(with_floats((18, "x" * 41)), id="ApplicationString1 of 41"),
        pytest.param(with_floats((33, "x" * 41)), id="ApplicationString2 of 41"),
        pytest.param(with_floats((22, "x" * 41)), id="CallVariable1 of 41"),
        pytest.param(with_floats((31, "x" * 41)), id="CallVariable10 of 41"),
        pytest.param(with_floats((25, "a"), (25, "b")), id="CallVariable4 twice"),
        pytest.param(with_floats((19, b"x" * 132)), id="UserToUserInfo of 132"),
        pytest.param(with_floats((130, "x" * 33)), id="AgentNumber of 33"),
        pytest.param(with_floats((22, b"a\0\0")), id="text with two NULs"),
        pytest.param(with_floats((133, b"\0\0\2")), id="QueueType of 3 bytes"),
        pytest.param(with_floats((43, EccValue(1, "v"))), id="ECC value without name"),
        pytest.param(with_floats((44, EccArray(1, 0, "v"))), id="ECC element without name"),
        pytest.param(with_floats((42, EccName(1, "user.x")), (43, EccValue(2, "v"))), id="ECC names cross"),
        pytest.param(
            with_floats((42, EccName(1, "a")), (42, EccName(1, "b")), (43, EccValue(1, "v"))), id="ECC tag twice"
        ),
        pytest.param(
            with_floats((42, EccName(1, "a")), (43, EccValue(1, "v")), (43, EccValue(1, "w"))), id="ECC value twice"
        ),
        pytest.param(
            with_floats((42, EccName(1, "a")), (43, EccValue(1, "v")), (44, EccArray(1, 0, "w"))),
            id="ECC scalar and array",
        ),
        pytest.param(
            with_floats((42, EccName(1, "a")), (44, EccArray(1, 0, "v")), (44, EccArray(1, 0, "w"))),
            id="ECC element twice",
        ),
        pytest.param(with_floats((42, EccName(1, "x" * 33)), (43, EccValue(1, "v"))), id="ECC name of 33"),
        pytest.param(with_floats((42, EccName(1, "a")), (43, EccValue(1, "x" * 211))), id="ECC value of 211"),
        pytest.param(with_floats((42, b"\0\0")), id="ECC name without tag"),
        pytest.param(with_floats((43, b"\0\0")), id="ECC value without tag"),
        pytest.param(with_floats((44, b"\0\0\0\1")), id="ECC element without index"),
        pytest.param(
            with_floats((42, EccName(1, "a")), (42, EccName(2, "a")), (43, EccValue(1, "v")), (43, EccValue(2, "w"))),
            id="ECC name under two tags",
        ),
        pytest.param(mr_frame(new_task())[:-1], id="cut float"),
    ],
)
def test_new_task_that_is_not_well_formed_gets_reason_1_and_opens_no_dialogue(frame: bytes) -> None:
    session = open_pim()
    frame = (len(frame) - 8).to_bytes(4, "big") + frame[4:]
    session.receive_bytes(frame + mr_frame(new_task()), NOW)
    events, written = taken(session)
    assert written == [failure(1)]
    assert len(messages(events)) == 1
    assert refusals(events) in (["invalid_new_task"], ["malformed"])


@pytest.mark.parametrize("dialogue_id", [0, NULL])
def test_new_task_without_a_usable_dialogue_id_gets_reason_1(dialogue_id: int) -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task(dialogue_id)), NOW)
    assert hexes(session) == [failure(1, dialogue_id)]


def test_new_task_cut_in_its_fixed_part_gets_reason_1() -> None:
    session = open_pim()
    session.receive_bytes(raw(47, bytes.fromhex("000000030000000500000001") + bytes(20)), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([failure(1, 5)], ["malformed"])


def ecc(count: int, value: str) -> list[tuple[int, FloatValue]]:
    """`count` ECC variables with names of one byte each."""
    names: list[tuple[int, FloatValue]] = [(42, EccName(tag, chr(97 + tag))) for tag in range(count)]
    return names + [(43, EccValue(tag, value)) for tag in range(count)]


def test_call_and_ecc_data_of_2000_bytes_pass_and_of_2001_are_refused_with_1() -> None:
    nine_and_call = [*ecc(9, "x" * 210), (22, "y" * 40)]
    passes = [*nine_and_call, (23, "y" * 40), (24, "y" * 21)]
    session = open_pim()
    session.receive_bytes(with_floats(*passes), NOW)
    assert hexes(session) == []
    session = open_pim()
    session.receive_bytes(with_floats(*passes[:-1], (24, "y" * 22)), NOW)
    assert hexes(session) == [failure(1)]


def test_texts_of_the_greatest_length_and_one_trailing_nul_and_unknown_tags_pass() -> None:
    message = new_task(selector="s" * 32)
    message.floating += [
        (18, b"x" * 40 + b"\0"),
        (33, "x" * 40),
        (19, b"u" * 131),
        (130, "n" * 32),
        (200, b"?"),
        (34, "label"),
    ]
    message.floating += [(42, EccName(3, "x" * 32)), (44, EccArray(3, 0, "v")), (44, EccArray(3, 1, "v" * 210))]
    session = open_pim()
    session.receive_bytes(mr_frame(message), NOW)
    events, written = taken(session)
    assert (len(messages(events)), written) == (1, [])


def test_new_task_while_routing_is_disabled_gets_reason_2() -> None:
    session = open_pim(factory(routing_enabled=False))
    session.receive_bytes(mr_frame(new_task()), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([failure(2)], ["routing_disabled"])


def test_malformed_new_task_gets_reason_1_even_while_routing_is_disabled() -> None:
    session = open_pim(factory(routing_enabled=False))
    session.receive_bytes(mr_frame(new_task(selector=None)), NOW)
    assert hexes(session) == [failure(1)]


def test_duplicate_dialogue_gets_reason_10_and_the_open_dialogue_is_untouched() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.submit(mr.RunScriptReq(1, 0, 1), NOW)
    session.take()
    session.receive_bytes(mr_frame(new_task()), NOW)
    events, written = taken(session)
    assert (written, refusals(events), messages(events)) == ([failure(10)], ["duplicate_dialogue"], [])
    session.submit(answer(), NOW)
    assert hexes(session)[0][32:40] == "00000002"


def test_more_open_dialogues_than_the_limit_get_reason_8_with_requeue_at_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctigw.session.mr_pim.OPEN_DIALOGUES", 3)
    session = open_pim()
    for dialogue_id in (1, 2, 3, 4):
        session.receive_bytes(mr_frame(new_task(dialogue_id)), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([failure(8, 4, cause=1)], ["dialogue_limit"])
    session.submit(answer(2), NOW)
    session.take()
    session.receive_bytes(mr_frame(new_task(4)), NOW)
    assert hexes(session) == []


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


def cancel(dialogue_id: int = 1, sequence: int = 2) -> bytes:
    """Bytes of a CANCEL_TASK with InvokeID 7."""
    return mr_frame(mr.CancelTask(dialogue_id, sequence, 7, 0))


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


# Bad input.


def test_message_of_an_unknown_dialogue_gets_34() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(mr.RunScriptResult(4, 1, 9, 1)), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([dialogue_failure(34, 4)], ["unknown_dialogue"])


@pytest.mark.parametrize("subtype", [0, 13, 99, NULL])
def test_unknown_subtype_gets_33_before_the_dialogue_is_looked_at(subtype: int) -> None:
    session = open_pim()
    session.receive_bytes(raw(47, subtype.to_bytes(4, "big") + (4).to_bytes(4, "big") + bytes(4)), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([dialogue_failure(33, 4)], ["unknown_subtype"])


def test_unknown_base_type_gets_failure_event_33_and_the_session_lives() -> None:
    session = open_pim()
    session.receive_bytes(raw(49, b"abc") + mr_frame(mr.HeartbeatReq(3)), NOW)
    events, written = taken(session)
    assert written == ["000000040000000200000021", "000000040000000600000003"]
    assert (refusals(events), closing(events)) == (["unknown_type"], None)


def test_malformed_dialogue_message_gets_dialogue_failure_33_and_the_dialogue_lives() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()), NOW)
    session.take()
    session.receive_bytes(raw(47, bytes.fromhex("000000060000000100000002") + b"\0"), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([dialogue_failure(33)], ["malformed"])
    session.submit(answer(), NOW)
    assert hexes(session)[0][32:40] == "00000002"


def test_malformed_session_message_gets_failure_event_33() -> None:
    session = open_pim()
    session.receive_bytes(raw(5, b"\0\0\0"), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == (["000000040000000200000021"], ["malformed"])


@pytest.mark.parametrize("length", range(12))
def test_task_control_below_12_bytes_closes_unanswered(length: int) -> None:
    session = open_pim()
    session.receive_bytes(raw(47, bytes(length)), NOW)
    events, written = taken(session)
    assert (written, closing(events)) == ([], "bad_frame")


@pytest.mark.parametrize("feed", FEEDS)
def test_length_above_4096_closes_unanswered(feed: Feed) -> None:
    session = open_pim()
    feed(session, raw(47, bytes(4097)), NOW)
    events, written = taken(session)
    assert (written, closing(events)) == ([], "length")


def test_messages_of_the_pim_from_the_application_get_33() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(mr.RoutingEnabled(NULL, NULL)) + mr_frame(answer(3)), NOW)
    session.receive_bytes(mr_frame(mr.OpenConf(1, 5, 0)) + mr_frame(mr.HeartbeatConf(1)), NOW)
    events, written = taken(session)
    event = "000000040000000200000021"
    assert written == [dialogue_failure(33, NULL, NULL), dialogue_failure(33, 3), event, event]
    assert refusals(events) == ["wrong_direction"] * 4


def test_failures_from_the_peer_are_never_answered() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(mr.FailureConf(1, 15)) + mr_frame(mr.FailureEvent(33)), NOW)
    session.receive_bytes(mr_frame(mr.DialogueFailureEvent(8, 1, 34)), NOW)
    events, written = taken(session)
    assert (written, refusals(events), closing(events)) == ([], ["peer_failure"] * 3, None)


def test_failure_of_an_open_dialogue_is_reported() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task()) + mr_frame(mr.DialogueFailureConf(1, 2, 9, 30)), NOW)
    assert [message.NAME for message in messages(session.take()[0])] == ["NEW_TASK", "DIALOGUE_FAILURE_CONF"]


# Keeping and ending.


def test_heartbeat_is_answered_with_its_invoke_id() -> None:
    session = open_pim()
    session.receive_bytes(bytes.fromhex("000000040000000500000002"), NOW)
    assert hexes(session) == ["000000040000000600000002"]


def test_silence_of_idle_timeout_closes_and_any_message_counts() -> None:
    session = open_pim(idle_ms=20_000)
    assert session.next_deadline() == NOW + 20
    session.receive_bytes(mr_frame(new_task()), NOW + 15)
    session.handle_deadline(NOW + 20)
    assert closing(session.take()[0]) is None
    assert session.next_deadline() == NOW + 35
    session.handle_deadline(NOW + 35)
    events, written = taken(session)
    assert (closing(events), written) == ("idle", [])
    assert session.next_deadline() is None


def test_half_a_frame_is_silence() -> None:
    session = open_pim(idle_ms=20_000)
    session.receive_bytes(mr_frame(new_task())[:50], NOW + 19)
    session.handle_deadline(NOW + 20)
    assert closing(session.take()[0]) == "idle"


@pytest.mark.parametrize("idle_ms", [0, NULL])
def test_no_idle_timeout_means_no_deadline(idle_ms: int) -> None:
    assert open_pim(idle_ms=idle_ms).next_deadline() is None


def test_close_request_is_confirmed_and_ends_the_session() -> None:
    session = open_pim()
    session.receive_bytes(bytes.fromhex("00000008000000070000000a00000000") + mr_frame(new_task()), NOW)
    events, written = taken(session)
    assert written == ["00000004000000080000000a"]
    assert (closing(events), messages(events)) == ("peer_closed", [])


def test_our_close_waits_5_s_for_the_confirmation() -> None:
    session = open_pim()
    session.close(mr.Status.NO_ERROR, NOW)
    session.close(mr.Status.NO_ERROR, NOW)
    assert hexes(session) == ["00000008000000070000000100000000"]
    assert session.next_deadline() == NOW + 5
    session.handle_deadline(NOW + 4.9)
    assert session.take() == ([], [])
    session.handle_deadline(NOW + 5)
    assert closing(session.take()[0]) == "we_closed"


def test_confirmation_ends_our_close() -> None:
    session = open_pim()
    session.close(0, NOW)
    session.receive_bytes(bytes.fromhex("000000040000000800000001"), NOW + 1)
    assert closing(session.take()[0]) == "we_closed"


def test_crossing_close_requests_end_both() -> None:
    session = open_pim()
    session.close(0, NOW)
    session.take()
    session.receive_bytes(mr_frame(mr.CloseReq(3, 0)), NOW + 1)
    events, written = taken(session)
    assert (closing(events), written) == ("we_closed", ["000000040000000800000003"])


def test_while_we_close_new_tasks_get_reason_2_and_answers_are_not_sent() -> None:
    session = open_pim()
    session.receive_bytes(mr_frame(new_task(1)), NOW)
    session.close(0, NOW)
    session.take()
    session.submit(answer(1), NOW)
    session.receive_bytes(mr_frame(new_task(2)) + cancel(1), NOW)
    events, written = taken(session)
    assert (written, messages(events)) == ([failure(2, 2)], [])


def test_end_of_stream_ends_the_session() -> None:
    session = open_pim()
    session.receive_eof(NOW)
    session.receive_eof(NOW)
    assert closing(session.take()[0]) == "eof"
    session.submit(answer(), NOW)
    session.close(0, NOW)
    session.receive_bytes(mr_frame(new_task()), NOW)
    assert session.take() == ([], [])


def test_frames_are_counted_by_direction_and_name() -> None:
    session = open_pim()
    session.frame_counts.clear()
    session.receive_bytes(mr_frame(new_task()) + mr_frame(mr.HeartbeatReq(1)) * 2 + raw(99, b""), NOW)
    session.submit(answer(), NOW)
    assert session.frame_counts == {
        ("in", "NEW_TASK"): 1,
        ("in", "HEARTBEAT_REQ"): 2,
        ("in", "unknown"): 1,
        ("out", "HEARTBEAT_CONF"): 2,
        ("out", "FAILURE_EVENT"): 1,
        ("out", "DO_THIS_WITH_TASK"): 1,
    }


# We dial.


def dialled(now: float = NOW, heartbeat_s: float = 5.0) -> MrPimSession:
    """A session that we opened; nothing taken."""
    return factory().mr_pim_dialled(PEER, ApplicationBinding("webchat", True), heartbeat_s, now)


def test_we_dial_with_version_5_and_four_heartbeats_of_idle_time() -> None:
    assert hexes(dialled()) == ["0000000c00000003000000010000000500004e20"]


def test_dialled_session_opens_with_its_binding_and_enables_routing() -> None:
    session = dialled()
    session.take()
    session.receive_bytes(bytes.fromhex("0000000c00000004000000010000000400000000"), NOW + 1)
    events, written = taken(session)
    assert opening(events).details == MrPimDetails("webchat", True, None)
    assert (written, session.version) == ([ROUTING_ENABLED], 4)


def test_no_answer_within_10_s_ends_the_attempt() -> None:
    session = dialled()
    assert session.next_deadline() == NOW + 10
    session.handle_deadline(NOW + 10)
    assert closing(session.take()[0]) == "refused"


@pytest.mark.parametrize(
    "reply",
    [
        mr_frame(mr.FailureConf(1, 2)),
        mr_frame(mr.FailureEvent(4)),
        mr_frame(mr.OpenConf(1, 6, 0)),
        mr_frame(mr.OpenConf(1, 0, 0)),
        mr_frame(mr.OpenConf(1, 5, 3)),
    ],
)
def test_refusal_or_senseless_confirmation_ends_the_attempt(reply: bytes) -> None:
    session = dialled()
    session.take()
    session.receive_bytes(reply, NOW)
    events, written = taken(session)
    assert (closing(events), written) == ("refused", [])


def test_task_before_the_confirmation_gets_failure_event_4() -> None:
    session = dialled()
    session.take()
    session.receive_bytes(mr_frame(new_task()), NOW)
    events, written = taken(session)
    assert (written, refusals(events), closing(events)) == (["000000040000000200000004"], ["not_open"], None)


def open_dialled() -> MrPimSession:
    """A session that we opened and the application confirmed."""
    session = dialled()
    session.receive_bytes(mr_frame(mr.OpenConf(1, 5, 0)), NOW)
    session.take()
    return session


def test_we_send_a_heartbeat_every_interval_and_end_after_three_unanswered() -> None:
    session = open_dialled()
    sent = []
    for beat in (1, 2, 3):
        assert session.next_deadline() == NOW + 5 * beat
        session.handle_deadline(NOW + 5 * beat)
        events, written = taken(session)
        assert events == []
        sent += written
    assert sent == [f"0000000400000005{number:08x}" for number in (2, 3, 4)]
    session.handle_deadline(NOW + 20)
    assert closing(session.take()[0]) == "no_heartbeat"


def test_answered_heartbeats_keep_the_session_open() -> None:
    session = open_dialled()
    codec = mr_codec()
    for beat in range(1, 20):
        session.handle_deadline(NOW + 5 * beat)
        [frame] = frames(session)
        if beat % 3 == 0:
            session.receive_bytes(codec.encode(mr.HeartbeatConf(int.from_bytes(frame[8:12], "big"))), NOW + 5 * beat)
    events, _ = taken(session)
    assert closing(events) is None


def test_close_before_the_confirmation_ends_at_once() -> None:
    session = dialled()
    session.close(0, NOW)
    assert closing(session.take()[0]) == "we_closed"
