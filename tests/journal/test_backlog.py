"""Batches form by themselves, stay the same when they are tried again, and say how well inputs are kept."""

import pytest

from ctigw.errors import JournalFullError, JournalStoreError
from ctigw.journal import backlog as backlog_module
from ctigw.journal.backlog import CROWDED_BYTES, MOST_BATCH_BYTES, MOST_BYTES, STUCK_S, Backlog, Keeping, Stamp
from ctigw.journal.batch import Chain, Head, decode_batch
from ctigw.journal.entries import EntryReader
from ctigw.routing.inputs import ArmClientOpened, DialogueKey, Input, NewTask, TaskContext

STAMP = Stamp(0, "A", "1.0", b"c" * 16)


def backlog(head: Head | None = None) -> Backlog:
    return Backlog(head or Head(), STAMP)


def submit(log: Backlog, *sessions: int) -> int:
    token = 0
    for session in sessions:
        token = log.submit(float(session), ArmClientOpened(session, 1), [])
    return token


def big(size: int) -> Input:
    return NewTask(DialogueKey(1, 1), TaskContext("8000", user_to_user_info=bytes(size)))


def write(log: Backlog, now: float = 0.0) -> tuple[int, list[int]]:
    """One batch, kept: its sequence and the sessions in it."""
    begun = log.begin(now)
    assert begun is not None
    sequence, encoded = begun
    entries = EntryReader(log.schema).entries(decode_batch(encoded).payload)
    log.succeeded(now)
    return sequence, [int(entry.at) for entry in entries]


def test_what_comes_while_a_batch_is_written_is_the_next_batch() -> None:
    log = backlog()
    submit(log, 1)
    first = log.begin(0.0)
    submit(log, 2, 3)
    assert first is not None
    assert decode_batch(first[1]).inputs == 1
    assert log.succeeded(0.5).inputs == 1
    submit(log, 4)
    assert write(log) == (2, [2, 3, 4])
    assert log.begin(0.0) is None


def test_tokens_become_durable_with_their_batch_and_not_before() -> None:
    log = backlog()
    token = submit(log, 1, 2)
    log.begin(0.0)
    later = submit(log, 3)
    assert log.durable == 0
    committed = log.succeeded(0.25)
    assert (committed.token, committed.seconds, committed.inputs) == (token, 0.25, 2)
    assert log.durable == token < later


def test_batches_continue_the_journal_where_it_stands() -> None:
    head, stored = Head(41, b"p" * 16, 0), []
    log = backlog(head)
    for session in range(3):
        submit(log, session)
        begun = log.begin(0.0)
        assert begun is not None
        stored.append(begun)
        log.succeeded(0.0)
    assert [batch.sequence for batch in Chain(head).walk(stored)] == [42, 43, 44]


def test_batch_that_failed_is_tried_again_byte_for_byte_though_more_has_come() -> None:
    log = backlog()
    submit(log, 1)
    first = log.begin(0.0)
    log.failed(JournalStoreError("no answer"))
    submit(log, 2)
    assert log.begin(1.0) == first
    assert log.succeeded(1.5).seconds == 1.5
    assert write(log) == (2, [2])


def test_batch_ends_where_the_stamp_changes_and_where_a_snapshot_stands() -> None:
    log = backlog()
    submit(log, 1, 2)
    assert log.end_batch() == 2
    submit(log, 3)
    log.stamp = Stamp(0, "A", "1.0", b"d" * 16)
    submit(log, 4)
    assert [write(log)[1] for _ in range(3)] == [[1, 2], [3], [4]]
    assert log.end_batch() == 4


def test_batch_has_a_size_and_one_entry_that_is_larger_goes_alone() -> None:
    log = backlog()
    for size in (MOST_BATCH_BYTES // 2, MOST_BATCH_BYTES // 3, MOST_BATCH_BYTES // 3, 2 * MOST_BATCH_BYTES, 1):
        log.submit(1.0, big(size), [])
    assert [len(write(log)[1]) for _ in range(4)] == [2, 1, 1, 1]


def test_batch_never_holds_more_inputs_than_its_header_can_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog_module, "MOST_INPUTS", 3)
    log = backlog()
    submit(log, *range(7))
    assert [len(write(log)[1]) for _ in range(3)] == [3, 3, 1]


# --- status ----------------------------------------------------------------------------------------------------------


def keeping(log: Backlog, now: float = 0.0) -> Keeping:
    return log.status(now).keeping


def test_new_tasks_are_welcome_in_good_order_only() -> None:
    log = backlog()
    assert log.status(0.0).welcomes_tasks
    log.tight = True
    assert keeping(log) is Keeping.TIGHT
    assert not log.status(0.0).welcomes_tasks


def test_failure_shows_until_the_batch_is_kept() -> None:
    log = backlog()
    submit(log, 1, 2)
    for error, expected in ((JournalFullError("no room"), Keeping.FULL), (JournalStoreError("EIO"), Keeping.BROKEN)):
        log.begin(0.0)
        log.failed(error)
        assert keeping(log) is expected
        assert log.status(0.0).reason == f"{error}; 2 inputs wait"
        log.begin(1.0)
        assert keeping(log, 1.0) is expected
    log.succeeded(2.0)
    assert keeping(log, 2.0) is Keeping.GOOD


def test_store_that_does_not_answer_shows_after_a_while_and_a_refusal_is_an_answer() -> None:
    log = backlog()
    submit(log, 1)
    log.begin(100.0)
    assert keeping(log, 100.0 + STUCK_S - 0.1) is Keeping.GOOD
    assert keeping(log, 100.0 + STUCK_S) is Keeping.STUCK
    log.failed(JournalStoreError("EIO"))
    assert keeping(log, 500.0) is Keeping.BROKEN


def test_backlog_is_crowded_long_before_it_takes_no_more_and_empties_again() -> None:
    log = backlog()
    step = MOST_BATCH_BYTES
    for _ in range(CROWDED_BYTES // step):
        assert keeping(log) is Keeping.GOOD
        log.submit(1.0, big(step), [])
    assert keeping(log) is Keeping.CROWDED
    for _ in range(MOST_BYTES // step - CROWDED_BYTES // step):
        log.submit(1.0, big(step), [])
    with pytest.raises(JournalStoreError, match=f"{MOST_BYTES} may"):
        log.submit(1.0, big(1), [])
    while log.begin(0.0) is not None:
        log.succeeded(0.0)
    assert keeping(log) is Keeping.GOOD
    for _ in range(CROWDED_BYTES // step):  # nothing is left counted from before
        assert keeping(log) is Keeping.GOOD
        log.submit(1.0, big(step), [])
