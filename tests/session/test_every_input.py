"""Every message in every state is legal or an answered error; any bytes are survived; portions never matter (design 7).

The samples are made from the rows of the protocol tables: one plain message for each row.
"""

from collections.abc import Callable
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctigw.session.bindings import ApplicationBinding
from ctigw.session.events import FrameRefused, SessionEvent, SessionRecognised
from ctigw.session.session import Session
from ctigw.wire import AgentRef, TaskId, mr
from ctigw.wire.catalogue import message_class, protocol
from ctigw.wire.layout import FieldRow, MessageRow
from session_pair import (
    NOW,
    NULL,
    PEER,
    Feed,
    S,
    answer,
    byte_by_byte,
    closing,
    cti_frame,
    cti_session,
    factory,
    greet,
    messages,
    mr_frame,
    new_task,
    open_application,
    open_cti,
    open_pim,
    open_request,
    refusals,
    taken,
    whole,
)

Make = Callable[[], Session]


def dialled_pim() -> Session:
    """We dialled; OPEN_CONF is awaited."""
    return factory().mr_pim_dialled(PEER, ApplicationBinding(), 5.0, NOW)


def open_dialled_pim() -> Session:
    """We dialled and are open."""
    session = dialled_pim()
    session.receive_bytes(mr_frame(mr.OpenConf(1, 5, 0)), NOW)
    return session


def closing_session(make: Make) -> Make:
    """The same session, after we began to close it."""

    def made() -> Session:
        session = make()
        session.close(0, NOW)
        return session

    return made


def busy_pim() -> Session:
    """We are the PIM; dialogue 1 is open, dialogue 2 is answered."""
    session = open_pim()
    session.receive_bytes(mr_frame(new_task(1)) + mr_frame(new_task(2)), NOW)
    session.submit(answer(2), NOW)
    return session


def busy_application() -> Session:
    """We are the application; dialogue 1 is open."""
    session = open_application()
    session.submit(new_task(0), NOW)
    return session


def refusing_cti() -> Session:
    """The refusal of a wrong password is held back."""
    return cti_session(open_request(password=b"wrong"))


def open_old_cti() -> Session:
    """Version 13, agent reporting."""
    return open_cti(13)


def standby_cti() -> Session:
    """An active and standby client of a standby side."""
    return cti_session(open_request(services=S.AGENT_REPORTING | S.ACTIVE_STANDBY), factory(standby=True))


MR_STATES: dict[str, Make] = {
    "pim": busy_pim,
    "pim without routing": lambda: open_pim(factory(routing_enabled=False)),
    "pim closing": closing_session(busy_pim),
    "dialled": dialled_pim,
    "dialled open": open_dialled_pim,
    "application": busy_application,
    "application closing": closing_session(busy_application),
    "unopened pim": lambda: factory().mr_pim(PEER, NOW),
    "unopened application": lambda: factory().mr_application(PEER, NOW),
}
CTI_STATES: dict[str, Make] = {
    "cti": open_cti,
    "cti 13": open_old_cti,
    "cti closing": closing_session(open_cti),
    "cti standby": standby_cti,
    "cti refusing": refusing_cti,
    "unopened cti": lambda: factory().cti_server(PEER, NOW),
}
ALL_STATES = MR_STATES | CTI_STATES | {"greeter": greet}

VALUES = {"TASKID": TaskId(1, 2, 3), "AGENTREF": AgentRef(0, -1, -1, -1)}


def sample(row: MessageRow) -> bytes:
    """A frame of a message: every number 1, no floating fields."""
    kind = message_class(row)
    encode = mr_frame if row.protocol == "mr" else cti_frame
    if not row.layout:
        return encode(kind())
    by_name: dict[str, FieldRow] = {field.attribute: field for field in row.fields}
    values = {
        attribute.name: VALUES.get(by_name[attribute.name].type, 1)
        for attribute in attrs.fields(kind)
        if attribute.name in by_name
    }
    return encode(kind(**values))


MR_ROWS = protocol("mr").messages
CTI_ROWS = protocol("cti").messages
NEVER_ANSWERED = {"FAILURE_CONF", "FAILURE_EVENT", "DIALOGUE_FAILURE_CONF", "DIALOGUE_FAILURE_EVENT"}


def check_outcome(session: Session, frame: bytes, name: str, *, silence_is_legal: bool) -> None:
    """Feed one frame: it is taken, answered, ends the session, or is known to want no answer."""
    session.take()
    session.receive_bytes(frame, NOW)
    events, written = taken(session)
    closing(events)  # the end, if any, is the last event
    assert len(refusals(events)) <= 1
    if messages(events):
        assert not [event for event in events if isinstance(event, FrameRefused) and event.reason.value != "sequence"]
        return
    assert written or closing(events) or silence_is_legal, f"{name} was neither taken nor answered"


@pytest.mark.parametrize("row", MR_ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("state", MR_STATES)
def test_every_mr_message_in_every_state_is_taken_or_answered(state: str, row: MessageRow) -> None:
    silence = row.name in NEVER_ANSWERED or row.name == "HEARTBEAT_CONF" or "closing" in state
    check_outcome(MR_STATES[state](), sample(row), row.name, silence_is_legal=silence)


@pytest.mark.parametrize("row", CTI_ROWS, ids=lambda row: row.class_name)
@pytest.mark.parametrize("state", CTI_STATES)
def test_every_cti_message_in_every_state_is_taken_or_answered(state: str, row: MessageRow) -> None:
    check_outcome(CTI_STATES[state](), sample(row), row.name, silence_is_legal=state == "cti refusing")


# Hostile bytes.

numbers = st.sampled_from([0, 1, 2, 3, 5, 7, 12, 47, 151, 160, 190, 5001, 0x7FFFFFFF, 0xFFFFFFFE, NULL])
types = st.one_of(
    st.sampled_from([row.number for row in (*MR_ROWS, *CTI_ROWS)]), st.just(47), st.integers(0, 300), numbers
)
words = st.lists(numbers, max_size=14).map(lambda values: b"".join(value.to_bytes(4, "big") for value in values))
bodies = st.one_of(st.binary(max_size=60), words, st.tuples(words, st.binary(max_size=20)).map(b"".join))
any_frames = st.builds(lambda kind, body: len(body).to_bytes(4, "big") + kind.to_bytes(4, "big") + body, types, bodies)
task_control = st.builds(
    lambda subtype, dialogue, sequence, rest: (
        b"".join(number.to_bytes(4, "big") for number in (12 + len(rest), 47, subtype, dialogue, sequence)) + rest
    ),
    st.integers(0, 14),
    st.sampled_from([0, 1, 2, 3, NULL]),
    st.integers(0, 4),
    bodies,
)
known_frames = st.sampled_from([sample(row) for row in (*MR_ROWS, *CTI_ROWS)])
useful_frames = st.sampled_from(
    [mr_frame(new_task(number)) for number in (1, 2, 3)]
    + [mr_frame(mr.OpenReq(1, 5, 20_000, [(135, 2)])), mr_frame(mr.OpenReq(1, 5, 20_000)), cti_frame(open_request())]
)
streams = st.lists(
    st.one_of(useful_frames, known_frames, task_control, any_frames, st.binary(max_size=30)), max_size=12
).map(b"".join)
opened_streams = st.tuples(useful_frames, streams).map(b"".join)


def fed(make: Make, data: bytes, feed: Feed) -> tuple[list[SessionEvent], list[bytes], Session]:
    """Events and frames of a session that received `data`, across a greeter's recognition."""
    session = make()
    session.take()
    feed(session, data, NOW)
    events, written = session.take()
    all_events, all_frames = list(events), [frame for frame, _ in written]
    recognised = [event.session for event in events if isinstance(event, SessionRecognised)]
    if recognised:
        session = recognised[0]
        events, written = session.take()
        all_events = all_events[:-1] + events
        all_frames += [frame for frame, _ in written]
    return all_events, all_frames, session


@pytest.mark.parametrize("state", ALL_STATES)
def test_any_bytes_are_survived_and_portions_never_matter(state: str) -> None:
    make = ALL_STATES[state]

    @settings(max_examples=60, deadline=None)
    @given(streams)
    def check(data: bytes) -> None:
        events, written, session = fed(make, data, whole)
        closing(events)
        if state != "greeter":
            again, rewritten, other = fed(make, data, byte_by_byte)
            assert (again, rewritten) == (events, written)
            assert other.next_deadline() == session.next_deadline()
        session.handle_deadline(NOW + 1e6)
        session.close(0, NOW + 1e6)
        session.receive_eof(NOW + 1e6)
        rest, _ = session.take()
        assert closing(events) or closing(rest)
        assert session.next_deadline() is None

    check()


def portions_with_greeter(data: bytes, cuts: list[int]) -> tuple[list[SessionEvent], list[bytes]]:
    """Feed a greeter as the driver does, going on with the recognised session."""
    session: Session = greet()
    events: list[SessionEvent] = []
    written: list[bytes] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        session.receive_bytes(data[start:end], NOW)
        while True:
            new, frames = session.take()
            written += [frame for frame, _ in frames]
            events += [event for event in new if not isinstance(event, SessionRecognised)]
            found = [event.session for event in new if isinstance(event, SessionRecognised)]
            if not found:
                break
            session = found[0]
    return events, written


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(streams, st.tuples(useful_frames, streams).map(b"".join)), st.lists(st.integers(0, 10_000), max_size=6)
)
def test_a_greeter_and_its_session_do_the_same_however_the_bytes_are_cut(data: bytes, cuts: list[int]) -> None:
    assert portions_with_greeter(data, cuts) == portions_with_greeter(data, [])


# Whatever the driver does.

Act = tuple[str, bytes, float]
acts: st.SearchStrategy[Act] = st.tuples(
    st.sampled_from(["receive", "receive", "receive", "deadline", "submit", "close", "eof", "take"]),
    st.one_of(useful_frames, known_frames, task_control, any_frames),
    st.floats(0, 30),
)


@pytest.mark.parametrize("state", [name for name in ALL_STATES if name != "greeter"])
def test_a_session_says_its_end_once_and_nothing_after_it(state: str) -> None:
    make = ALL_STATES[state]

    @settings(max_examples=40, deadline=None)
    @given(st.lists(acts, max_size=15))
    def check(history: list[Act]) -> None:
        session, now = make(), NOW
        ended = False
        for act, frame, seconds in history:
            now += seconds
            if act == "receive":
                session.receive_bytes(frame, now)
            elif act == "deadline":
                session.handle_deadline(now)
            elif act == "close":
                session.close(0, now)
            elif act == "eof":
                session.receive_eof(now)
            elif act == "submit":
                submit_something(session, now)
            events, written = session.take()
            if ended:
                assert (events, written) == ([], [])
                assert session.next_deadline() is None
            ended = ended or closing(events) is not None

    check()


def submit_something(session: Session, now: float) -> None:
    """What the gateway might send at any moment."""
    if session.role == "application":
        session.submit(answer(1), now)
        session.submit(mr.CancelTaskConf(2, 0, 7, 36), now)
    elif session.role == "pim":
        session.submit(new_task(0), now)
        session.submit(mr.CancelTask(1, 0, 7, 0), now)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(useful_frames, task_control, known_frames), max_size=40))
def test_the_pim_answers_each_dialogue_message_of_the_peer_at_most_once(history: list[bytes]) -> None:
    session = open_pim()
    for frame in history:
        session.receive_bytes(frame, NOW)
        events, written = session.take()
        if closing(events) is None:
            assert len(written) <= 1
            assert len(messages(events)) + len(written) <= 1
