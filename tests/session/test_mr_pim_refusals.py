"""We are the PIM: NEW_TASKs that are refused, and bad input (mr-wire (g), decisions A7, D2, D3)."""

import pytest

from ctigw.wire import EccArray, EccName, EccValue, FloatValue, mr
from pim_frames import dialogue_failure, failure, with_floats
from session_pair import (
    FEEDS,
    NOW,
    NULL,
    Feed,
    answer,
    closing,
    factory,
    hexes,
    messages,
    mr_frame,
    new_task,
    open_pim,
    raw,
    refusals,
    taken,
)

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
