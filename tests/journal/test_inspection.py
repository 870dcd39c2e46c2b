"""Verifying names every kind of damage; saving keeps as much as a state can be rebuilt to."""

from collections.abc import Callable

import attrs
import pytest

from ctigw import __version__
from ctigw.errors import JournalDamageError
from ctigw.journal.batch import decode_batch, encode_batch
from ctigw.journal.inspection import copy_sound, plan_salvage, verify
from ctigw.journal.restore import restore
from ctigw.journal.snapshot import decode_snapshot, encode_snapshot
from logbook import Logbook
from memory_store import MemoryStore
from portrait import portrait
from test_histories import random_steps


@pytest.fixture
def log() -> Logbook:
    """Snapshots amid the batches, and all batches still there."""
    made = Logbook(MemoryStore())
    for seed in range(3):
        made.play(random_steps(seed, 60))
        numbers = list(made.store.read(1))
        made.snapshot()
        for number, body in numbers:
            made.store.append(number, body)  # history that a snapshot made unnecessary
    made.play(random_steps(9, 60))
    return made


def store_of(log: Logbook) -> MemoryStore:
    assert isinstance(log.store, MemoryStore)
    return log.store


def damage(store: MemoryStore, number: int) -> None:
    store.batches[number] = store.batches[number][:-1] + b"\0"


def test_sound_journal_is_counted(log: Logbook) -> None:
    findings = verify(log.store, decide_again=True)
    site = log.played.site
    assert findings.problems == findings.notes == []
    assert (findings.first, findings.last) == (1, log.backlog.head.sequence)
    assert findings.inputs == findings.proved == len(site.inputs)
    assert findings.events == len(site.history)
    assert (findings.began_at, findings.ended_at) == (site.inputs[0][1], site.inputs[-1][1])
    assert list(findings.versions) == [__version__]
    assert len(findings.snapshots) == 3


def test_torn_tail_is_a_note_and_no_problem(log: Logbook) -> None:
    store = store_of(log)
    last = log.backlog.head.sequence
    store.batches[last] = store.batches[last][:40]
    findings = verify(store)
    assert findings.problems == []
    assert findings.notes == [f"the last batch, {last}, was not written whole: incomplete: 40 bytes"]


def _other_outcome(store: MemoryStore) -> None:
    """A sound batch in which the facts are not those that follow from the input."""
    batch = decode_batch(store.batches[1])
    store.batches = {1: encode_batch(attrs.evolve(batch, payload=batch.payload.replace(b"webchat", b"webshop", 1)))}


def _foreign_snapshot(store: MemoryStore) -> None:
    (number, *_) = store.snapshots()
    snapshot = decode_snapshot(store.snapshot(number))
    head = attrs.evolve(snapshot.head, checksum=b"x" * 16)
    store.kept_snapshots[number] = encode_snapshot(attrs.evolve(snapshot, head=head))


def _wrong_count(store: MemoryStore) -> None:
    last = max(store.batches)
    batch = decode_batch(store.batches[last])
    store.batches[last] = encode_batch(attrs.evolve(batch, inputs=batch.inputs + 1))


def _lost_documents(store: MemoryStore) -> None:
    store.documents.clear()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda store: damage(store, 7), "batch 7 at offset"),
        (lambda store: store.batches.pop(7), "batch 7 at offset"),
        (lambda store: store.forget(3), "no sound snapshot stands for it"),
        (lambda store: store.kept_snapshots.update({store.snapshots()[0]: b"odd"}), "is no snapshot"),
        (_foreign_snapshot, "is of another history"),
        (_wrong_count, "inputs, says"),
        (_lost_documents, "is missing"),
        (_other_outcome, "decided again has another outcome"),
    ],
)
def test_damage_is_named(log: Logbook, change: Callable[[MemoryStore], object], complaint: str) -> None:
    change(store_of(log))
    findings = verify(log.store, decide_again=True)
    assert len(findings.problems) == 1
    assert complaint in findings.problems[0]


def test_batches_of_another_version_are_followed_and_not_decided_again() -> None:
    log = Logbook(MemoryStore(), version="0.0.1")
    log.play(random_steps(1, 60))
    older = len(log.played.site.inputs)
    log.restart()
    log.play(random_steps(2, 60))
    findings = verify(log.store, decide_again=True)
    assert findings.problems == []
    assert list(findings.versions) == ["0.0.1", __version__]
    assert findings.proved == findings.inputs - older > 0


# --- saving ----------------------------------------------------------------------------------------------------------


def saved(log: Logbook) -> MemoryStore:
    into = MemoryStore()
    copy_sound(log.store, plan_salvage(log.store), into)
    assert verify(into, decide_again=True).problems == []
    return into


def test_damage_before_a_snapshot_costs_nothing_but_history(log: Logbook) -> None:
    store = store_of(log)
    oldest = min(store.snapshots())
    damage(store, oldest - 2)
    salvage = plan_salvage(store)
    assert (salvage.begin.sequence, salvage.lost, salvage.dropped) == (oldest, 0, oldest)
    into = saved(log)
    assert portrait(restore(into, log.settings, "A").engine) == portrait(log.engine)
    assert into.snapshots() == store.snapshots()


def test_snapshot_from_which_nothing_goes_on_is_left_behind(log: Logbook) -> None:
    store = store_of(log)
    newest, middle, oldest = store.snapshots()
    damage(store, oldest + 1)
    assert plan_salvage(store).begin.sequence == middle
    assert saved(log).snapshots() == [newest, middle]


def test_damage_after_the_last_snapshot_costs_what_comes_after_it(log: Logbook) -> None:
    store = store_of(log)
    last, newest = log.backlog.head.sequence, max(store.snapshots())
    assert newest + 2 < last
    damage(store, newest + 2)
    salvage = plan_salvage(store)
    assert (salvage.begin.sequence, salvage.head.sequence, salvage.lost) == (0, newest + 1, last - newest - 1)
    assert saved(log).span() == (1, newest + 1)


def test_damaged_snapshot_is_left_behind(log: Logbook) -> None:
    store = store_of(log)
    newest, *older = store.snapshots()
    store.kept_snapshots[newest] = b"odd"
    into = saved(log)
    assert into.snapshots() == older
    assert into.span() == store.span()


def test_journal_without_any_known_state_cannot_be_saved(log: Logbook) -> None:
    store = store_of(log)
    store.kept_snapshots.clear()
    store.forget(3)
    with pytest.raises(JournalDamageError, match="no sound snapshot"):
        plan_salvage(store)


def test_torn_tail_is_not_copied(log: Logbook) -> None:
    store = store_of(log)
    last = log.backlog.head.sequence
    store.batches[last] = b""
    assert saved(log).span() == (1, last - 1)
