"""We are the CTI server: what a client may send, what we send, and the end (cti-notes, decisions A7)."""

import pytest

from cti_frames import (
    TASK,
    failure_conf,
    failure_event,
    failure_resp,
)
from ctigw.errors import LocalProtocolError
from ctigw.session import cti_server
from ctigw.session.events import Lane
from ctigw.wire import Message, NamedArray, NamedVariable, cti
from session_pair import (
    FEEDS,
    NOW,
    NULL,
    PEER,
    Feed,
    S,
    closing,
    cti_frame,
    factory,
    hexes,
    messages,
    open_cti,
    open_request,
    raw,
    refusals,
    taken,
)

# What a client may send.


SERVED: list[Message] = [
    cti.MediaLoginReq(5, 5001, 5080, 1, 1),
    cti.MediaLogoutInd(5, 5001, 5080),
    cti.MakeAgentRoutableInd(5, 5001, 5080, 1),
    cti.MakeAgentNotRoutableReq(5, 5001, 5080),
    cti.MakeAgentReadyInd(5, 5001, 5080, 1),
    cti.MakeAgentNotReadyReq(5, 5001, 5080, 0),
    cti.AgentInterruptAcceptedInd(5, 5001, 5080),
    cti.AgentInterruptUnacceptedInd(5, 5001, 5080),
    cti.AgentInterruptDoneAcceptedInd(5, 5001, 5080),
    cti.ChangeMaxTaskLimitReq(5, 5001, 5080, 1),
    cti.OverrideLimitReq(5, 5001, 5080),
    cti.OfferApplicationTaskReq(5, 5001, 5080, 0, 0, 0, 0),
    cti.StartApplicationTaskReq(5, 5001, 5080, 0, 0, 0, 0),
    cti.OfferTaskInd(5, 5001, 5080, TASK),
    cti.StartTaskInd(5, 5001, 5080, TASK),
    cti.PauseTaskInd(5, 5001, 5080, TASK),
    cti.ResumeTaskInd(5, 5001, 5080, TASK),
    cti.WrapupTaskInd(5, 5001, 5080, TASK),
    cti.EndTaskInd(5, 5001, 5080, TASK, 38, 0),
    cti.UpdateTaskContextInd(5, TASK, 0, 0),
    cti.GetPrecallMessagesReq(5, 5001),
    cti.BeginAgentInitInd(5),
    cti.AgentInitReq(5, 5001, 5080, 14, 1, 1, 0),
    cti.TaskInitInd(5, 5001, 5080, TASK, 1, 0, 0, 0),
    cti.TaskInitReq(5, 5001, 5080, 1, 0, 0, 0, 0, 0),
    cti.EndAgentInitInd(5),
    cti.SetAppDataReq(5),
    cti.SetAppPathDataInd(5),
]
SINCE_20: list[Message] = [
    cti.GetAgentTasksReq(5, 5001, 5080),
    cti.SnapshotTaskReq(5, 5001, 5080, TASK),
    cti.AgentTasksRequestEvent(5001, 5080),
]


@pytest.mark.parametrize("version", [13, 19, 20, 25])
@pytest.mark.parametrize("message", SERVED, ids=lambda message: message.NAME)
def test_agent_reporting_message_passes_in_every_version(message: Message, version: int) -> None:
    session = open_cti(version)
    session.receive_bytes(cti_frame(message, version), NOW)
    events, written = taken(session)
    assert messages(events) == [message]
    assert (refusals(events), written) == ([], [])


@pytest.mark.parametrize("message", SERVED, ids=lambda message: message.NAME)
def test_agent_reporting_message_without_the_service_is_refused_in_the_way_of_its_kind(message: Message) -> None:
    session = open_cti(services=S.ALL_EVENTS)
    session.receive_bytes(cti_frame(message), NOW)
    events, written = taken(session)
    refusal = failure_resp(19, 5) if message.NAME.endswith("_IND") else failure_conf(12, 5)
    assert (written, refusals(events)) == ([refusal], ["not_allowed"])


def test_set_agent_state_needs_client_control() -> None:
    asked = cti_frame(cti.SetAgentStateReq(5, 5000, 2, 0, 0, 7, 0, 0, [(cti.SetAgentStateReq.AGENT_ID, "1080")]))
    session = open_cti(services=S.CLIENT_CONTROL)
    session.receive_bytes(asked, NOW)
    assert [message.NAME for message in messages(session.take()[0])] == ["SET_AGENT_STATE_REQ"]
    session = open_cti()
    session.receive_bytes(asked, NOW)
    assert hexes(session) == [failure_conf(12, 5)]


@pytest.mark.parametrize("message", SINCE_20, ids=lambda message: message.NAME)
def test_question_about_tasks_passes_from_version_20_on(message: Message) -> None:
    for version in (20, 25):
        session = open_cti(version)
        session.receive_bytes(cti_frame(message, version), NOW)
        assert messages(session.take()[0]) == [message]
    session = open_cti(19)
    session.receive_bytes(cti_frame(message, 20), NOW)
    events, written = taken(session)
    assert refusals(events) == ["not_for_version"]
    asks = message.NAME.endswith("_REQ")
    assert written == [failure_conf(48, 5, 19) if asks else failure_event(48)]


def test_bad_tasks_request_event_gets_failure_event_because_it_has_no_invoke_id() -> None:
    session = open_cti(services=S.ALL_EVENTS)
    session.receive_bytes(cti_frame(cti.AgentTasksRequestEvent(5001, 5080)) + raw(264, b"\0"), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([failure_event(12), failure_event(25)], ["not_allowed", "malformed"])


def test_query_agent_state_needs_client_control() -> None:
    query = cti_frame(cti.QueryAgentStateReq(5, 5000, 5001, 5080))
    session = open_cti(services=S.CLIENT_CONTROL)
    session.receive_bytes(query, NOW)
    assert [message.NAME for message in messages(session.take()[0])] == ["QUERY_AGENT_STATE_REQ"]
    session = open_cti()
    session.receive_bytes(query, NOW)
    assert hexes(session) == [failure_conf(12, 5)]


@pytest.mark.parametrize("version", [23, 25])
@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (cti.OverrideLimitReq(5, 5001, 5080), None),
        (cti.BeginAgentInitInd(5), 19),
    ],
)
def test_message_that_is_not_built_is_refused_in_the_way_of_its_kind(
    version: int, message: Message, answer: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cti_server, "SERVED", frozenset())  # which are built is not the question here
    session = open_cti(version)
    session.receive_bytes(cti_frame(message, version), NOW)
    events, written = taken(session)
    expected = failure_conf(12, 5, version) if answer is None else failure_resp(answer, 5)
    assert (written, refusals(events)) == ([expected], ["not_served"])


@pytest.mark.parametrize(
    "message",
    [cti.MediaLoginResp(5, 0), cti.HeartbeatConf(5), cti.FailureEvent(25), cti.OpenConf(5, 1, 0, 0, 0, 1, 17, 0)],
)
def test_message_of_the_server_from_a_client_gets_failure_event_98(message: Message) -> None:
    session = open_cti()
    session.receive_bytes(cti_frame(message), NOW)
    events, written = taken(session)
    assert (written, refusals(events), closing(events)) == ([failure_event(98)], ["wrong_direction"], None)


@pytest.mark.parametrize("message_type", [0, 66, 9999, NULL])
def test_unknown_type_gets_failure_event_98_and_the_session_lives(message_type: int) -> None:
    session = open_cti()
    session.receive_bytes(raw(message_type, b"abcdefgh") + raw(5, bytes(4)), NOW)
    events, written = taken(session)
    assert written == [failure_event(98), "000000040000000600000000"]
    assert (refusals(events), closing(events)) == (["unknown_type"], None)


@pytest.mark.parametrize("version", [19, 24])
@pytest.mark.parametrize(
    ("message_type", "body", "answer"),
    [
        (151, "000000050000", lambda version: failure_conf(25, 5, version)),
        (151, "0000", lambda _: failure_event(25)),
        (154, "000000050000", lambda _: failure_resp(19, 5)),
        (154, "", lambda _: failure_event(25)),
        (36, "00000005", lambda version: failure_conf(25, 5, version)),
        (5, "0000", lambda _: failure_event(25)),
        (152, "00000005", lambda _: failure_event(25)),
    ],
)
def test_message_that_does_not_parse_is_answered_in_the_way_of_its_kind(
    version: int, message_type: int, body: str, answer: object
) -> None:
    assert callable(answer)
    session = open_cti(version)
    session.receive_bytes(raw(message_type, bytes.fromhex(body)), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([answer(version)], ["malformed"])
    assert closing(events) is None


def update(*variables: tuple[str, str], stated: int | None = None) -> cti.UpdateTaskContextInd:
    """UPDATE_TASK_CONTEXT_IND with named variables."""
    message = cti.UpdateTaskContextInd(5, TASK, len(variables) if stated is None else stated, 0)
    message.floating.extend((82, NamedVariable(name, value)) for name, value in variables)
    return message


def test_named_data_of_2000_bytes_passes_and_of_2001_is_refused() -> None:
    pairs = [(f"n{number}", "x" * 196) for number in range(10)]
    for extra, written in ((0, []), (1, [failure_resp(19, 5)])):
        session = open_cti()
        session.receive_bytes(cti_frame(update(*pairs[:-1], ("n9", "x" * (196 + extra)))), NOW)
        assert hexes(session) == written


@pytest.mark.parametrize("stated", [0, 2])
def test_count_that_does_not_match_its_list_is_refused(stated: int) -> None:
    session = open_cti()
    session.receive_bytes(cti_frame(update(("user.x", "1"), stated=stated)), NOW)
    events, written = taken(session)
    assert (written, refusals(events)) == ([failure_resp(19, 5)], ["malformed"])


def test_text_that_is_too_long_or_repeated_or_unreadable_is_refused_with_25() -> None:
    for floats in ([(5, "x" * 12)], [(5, "1"), (5, "2")], [(5, b"a\0b\0")]):
        query = cti.QueryAgentStateReq(5, 5000, 5001, 5080)
        query.floating.extend(floats)
        session = open_cti(services=S.CLIENT_CONTROL)
        session.receive_bytes(cti_frame(query), NOW)
        assert hexes(session) == [failure_conf(25, 5)]


def test_named_arrays_are_counted_and_read() -> None:
    message = cti.UpdateTaskContextInd(5, TASK, 0, 2)
    message.floating += [(83, NamedArray(0, "user.list", "a")), (83, NamedArray(1, "user.list", "b"))]
    session = open_cti()
    session.receive_bytes(cti_frame(message), NOW)
    assert messages(session.take()[0]) == [message]
    message.floating.append((83, b"\0user.list"))
    session.receive_bytes(cti_frame(message), NOW)
    assert hexes(session) == [failure_resp(19, 5)]


def test_unknown_tag_is_skipped() -> None:
    message = cti.MediaLoginReq(5, 5001, 5080, 1, 1)
    message.floating.append((9999, b"?"))
    session = open_cti()
    session.receive_bytes(cti_frame(message), NOW)
    assert messages(session.take()[0]) == [message]


# Sending.


def test_submitted_event_is_written_in_the_form_of_the_version() -> None:
    event = cti.AgentMadeNotRoutableEvent(5001, 5080)
    for version in (13, 25):
        session = open_cti(version)
        session.submit(event, NOW)
        assert session.take()[1] == [(cti_frame(event, version), Lane.DATA)]


def test_message_of_the_client_is_never_submitted() -> None:
    with pytest.raises(LocalProtocolError):
        open_cti().submit(cti.MediaLoginReq(5, 5001, 5080, 1, 1), NOW)


def test_message_that_cannot_be_encoded_is_counted_and_the_session_lives() -> None:
    session = open_cti()
    session.submit(cti.FailureEvent(-1), NOW)
    events, written = taken(session)
    assert (refusals(events), written, closing(events)) == (["not_sent"], [], None)


# Keeping and ending.


def test_second_open_request_is_refused_with_5_and_the_session_lives() -> None:
    session = open_cti()
    session.receive_bytes(cti_frame(open_request()), NOW)
    events, written = taken(session)
    assert (written, refusals(events), closing(events)) == ([failure_conf(5)], ["already_open"], None)


def test_first_message_that_is_no_open_request_gets_failure_event_4() -> None:
    session = factory().cti_server(PEER, NOW)
    session.receive_bytes(raw(5, bytes(4)), NOW)
    events, written = taken(session)
    assert (written, closing(events)) == ([failure_event(4)], "wrong_first_message")


@pytest.mark.parametrize("version", [13, 25])
def test_open_request_that_does_not_parse_is_refused_with_25(version: int) -> None:
    session = factory().cti_server(PEER, NOW)
    session.receive_bytes(raw(3, cti_frame(open_request(version), version)[8:] + b"\0\0\7"), NOW)
    events, written = taken(session)
    assert (written, closing(events)) == ([failure_conf(25, version=version)], "refused")


def test_idle_timeout_is_in_seconds_and_any_message_counts() -> None:
    session = open_cti(idle_s=20)
    assert session.next_deadline() == NOW + 20
    session.receive_bytes(raw(9999, b""), NOW + 12)
    assert session.next_deadline() == NOW + 32
    session.take()
    session.handle_deadline(NOW + 32)
    events, written = taken(session)
    assert (closing(events), written) == ("idle", [])


@pytest.mark.parametrize("idle_s", [0, NULL])
def test_client_without_heartbeats_has_no_deadline(idle_s: int) -> None:
    assert open_cti(idle_s=idle_s).next_deadline() is None


@pytest.mark.parametrize("feed", FEEDS)
def test_close_request_is_confirmed(feed: Feed) -> None:
    session = open_cti()
    feed(session, bytes.fromhex("00000008000000070000000300000000"), NOW)
    events, written = taken(session)
    assert (closing(events), written) == ("peer_closed", ["000000040000000800000003"])


@pytest.mark.parametrize(("status", "sent"), [(0, 15), (15, 15), (92, 92)])
def test_our_end_is_failure_event_15_and_waits_5_s_for_the_client(status: int, sent: int) -> None:
    session = open_cti()
    session.close(status, NOW)
    session.close(status, NOW)
    assert hexes(session) == [failure_event(sent)]
    assert session.next_deadline() == NOW + 5
    session.handle_deadline(NOW + 5)
    assert closing(session.take()[0]) == "we_closed"


def test_client_that_closes_after_our_end_is_confirmed() -> None:
    session = open_cti()
    session.close(0, NOW)
    session.take()
    session.receive_bytes(raw(5, bytes.fromhex("00000009")) + cti_frame(cti.MediaLoginReq(5, 5001, 5080, 1, 1)), NOW)
    session.receive_bytes(cti_frame(cti.CloseReq(3, 15)), NOW)
    events, written = taken(session)
    assert written == [failure_conf(15, 9), failure_conf(15, 5), "000000040000000800000003"]
    assert (closing(events), messages(events)) == ("we_closed", [])


def test_nothing_is_sent_once_the_end_has_begun() -> None:
    session = open_cti()
    session.close(0, NOW)
    session.take()
    session.submit(cti.AgentMadeNotRoutableEvent(5001, 5080), NOW)
    assert session.take() == ([], [])


def test_length_above_12492_closes_unanswered() -> None:
    session = open_cti()
    session.receive_bytes((12_493).to_bytes(4, "big"), NOW)
    events, written = taken(session)
    assert (closing(events), written) == ("length", [])


def test_largest_length_is_read() -> None:
    session = open_cti()
    session.receive_bytes(raw(9999, bytes(12_492)), NOW)
    assert refusals(session.take()[0]) == ["unknown_type"]
