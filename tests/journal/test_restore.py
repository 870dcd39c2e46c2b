"""A restart finds what was decided, decides nothing again, and says what it found."""

from copy import deepcopy
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from ctigw import __version__
from ctigw.errors import ConfigurationError, JournalDamageError, JournalVersionError
from ctigw.journal.batch import decode_batch, encode_batch
from ctigw.journal.restore import restore
from ctigw.journal.settings_document import settings_document, settings_of
from ctigw.routing.deadlines import AgentKey
from ctigw.routing.engine import Engine
from ctigw.routing.inputs import ArmClientOpened, MediaLogin, Origin, RoutingClientLost
from ctigw.routing.terms import TaskState
from logbook import Logbook
from memory_store import MemoryStore
from portrait import portrait
from routing_site import CHAT, EMAIL, PATH, WEB, Site, agent
from test_histories import histories, history_site, random_steps


@hypothesis_settings(max_examples=60, deadline=None)
@given(histories, histories, histories)
def test_restart_is_as_if_nothing_had_happened(before: list[Any], between: list[Any], after: list[Any]) -> None:
    log = Logbook(MemoryStore())
    log.play(before)
    log.snapshot()
    log.play(between)
    last_now = log.engine.state.last_now
    restored = log.restart()
    assert portrait(restored.engine) == portrait(log.played.site.engine)
    assert restored.engine.state.last_now == last_now
    assert restored.notes == ()
    log.play(after)
    assert portrait(log.engine) == portrait(log.played.site.engine)
    assert portrait(log.restart().engine) == portrait(log.played.site.engine)


def test_nothing_is_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Logbook(MemoryStore())
    log.play(random_steps(1, 300))

    def decide(self: Engine, item: object, now: float) -> None:
        raise AssertionError("decided again")

    monkeypatch.setattr(Engine, "handle", decide)
    assert portrait(log.restart().engine) == portrait(log.played.site.engine)


def test_without_a_snapshot_everything_is_followed_and_with_one_what_came_after_it() -> None:
    log = Logbook(MemoryStore())
    log.play(random_steps(1, 100))
    first = log.restart()
    assert (first.snapshot, first.batches) == (None, log.backlog.head.sequence)
    number = log.snapshot()
    log.play(random_steps(2, 50))
    second = log.restart()
    assert second.snapshot == number
    assert second.batches == log.backlog.head.sequence - number > 0
    assert second.inputs > second.batches


def test_what_was_not_synced_at_a_crash_never_happened() -> None:
    store = MemoryStore()
    log = Logbook(store)
    log.play(random_steps(1, 60))
    before = deepcopy(portrait(log.engine))
    synced = log.backlog.head
    store._relaxed = True
    log.play(random_steps(2, 60))
    assert portrait(log.engine) != before
    store.crash()
    restored = restore(store, log.settings, "A")
    assert restored.head == synced
    assert portrait(restored.engine) == before


def test_torn_tail_is_dropped_and_said_and_the_journal_goes_on() -> None:
    store = MemoryStore()
    log = Logbook(store)
    log.play(random_steps(1, 60))
    whole = portrait(log.engine)
    last = log.backlog.head.sequence
    store.batches[last + 1] = store.batches[last][:-5]
    restored = log.restart()
    assert portrait(restored.engine) == whole
    assert [f"batch {last + 1}, the last one, was not written whole" in note for note in restored.notes] == [True]
    log.played.site.task()
    log.play([])
    assert log.restart().head.sequence == last + 1


def test_damage_in_the_middle_stops_the_start() -> None:
    store = MemoryStore()
    log = Logbook(store)
    log.play(random_steps(1, 60))
    store.batches[4] = store.batches[4][:-1] + b"\0"
    with pytest.raises(JournalDamageError, match="batch 4 at offset"):
        restore(store, log.settings, "A")


def test_damaged_snapshot_is_passed_over_for_an_older_one() -> None:
    store = MemoryStore()
    log = Logbook(store)
    for seed in range(3):
        log.play(random_steps(seed, 60))
        log.snapshot()
    newest, older, oldest = store.snapshots()
    store.kept_snapshots[newest] = store.kept_snapshots[newest][:-1]
    restored = log.restart()
    assert restored.snapshot == older
    assert [f"snapshot {newest} was passed over" in note for note in restored.notes] == [True]
    assert portrait(restored.engine) == portrait(log.played.site.engine)
    for number in (older, oldest):
        store.kept_snapshots[number] = b"not a snapshot"
    with pytest.raises(JournalDamageError, match="no sound snapshot stands for it"):
        restore(store, log.settings, "A")


def test_empty_store_gives_an_engine_that_nothing_has_happened_to() -> None:
    restored = restore(MemoryStore(), history_site(), "B")
    assert portrait(restored.engine) == portrait(Engine(history_site(), "B"))
    assert (restored.head.sequence, restored.batches, restored.notes) == (0, 0, ())
    assert restored.engine.state.side == "B"


# --- versions --------------------------------------------------------------------------------------------------------


def test_what_another_version_wrote_and_this_one_cannot_read_names_both() -> None:
    store = MemoryStore()
    log = Logbook(store, version="9.9")
    log.play([], size=100)
    schema = log.backlog.schema.replace(b"ArmClientJoined", b"ArmClientNovelty")
    _reschema(store, store.put_document(schema))
    with pytest.raises(JournalVersionError, match=rf"batch 1, written by ctigw 9\.9, .*ctigw {__version__}: .*Novelty"):
        restore(store, log.settings, "A")


def test_missing_schema_is_damage() -> None:
    store = MemoryStore()
    log = Logbook(store)
    log.play([], size=100)
    _reschema(store, b"x" * 16)
    with pytest.raises(JournalDamageError, match=r"document \w+ is missing"):
        restore(store, log.settings, "A")


def _reschema(store: MemoryStore, schema: bytes) -> None:
    (body,) = store.batches.values()
    store.batches[1] = encode_batch(attrs.evolve(decode_batch(body), schema=schema))


# --- configuration ---------------------------------------------------------------------------------------------------


def test_settings_come_back_from_their_document() -> None:
    for settings in (history_site(), Site().settings):
        document = settings_document(settings)
        assert settings_of(document) == settings
        assert settings_document(settings_of(document)) == document


def test_settings_that_are_equal_have_one_document_whatever_the_order_of_keys_in_the_file() -> None:
    one = attrs.evolve(history_site(), agents=(agent(101, english=1, boston=True),))
    other = attrs.evolve(history_site(), agents=(agent(101, boston=True, english=1),))
    assert one == other
    assert settings_document(one) == settings_document(other)


@pytest.mark.parametrize("document", [b"", b"[]", b'{"novelty": 1}', b'{"agents": [{"id": "1"}]}', b'{"agents": 1}'])
def test_settings_document_that_is_none_is_refused(document: bytes) -> None:
    with pytest.raises(JournalVersionError, match="settings kept in the journal"):
        settings_of(document)


def test_journal_is_followed_under_the_settings_of_its_time() -> None:
    """An agent who has signed out is taken from the configuration: what the agent once did is still followed."""
    store = MemoryStore()
    log = Logbook(store)
    site = log.played.site
    fewer = attrs.evolve(site.settings, agents=site.settings.agents[:2])
    log.play([("login", 103, CHAT, 1), ("ready", 103, CHAT, 1)])
    with pytest.raises(ConfigurationError, match=r"\[agent\].*103"):
        restore(store, fewer, "A")
    log.play([("logout", 103, CHAT, 1)])
    assert AgentKey(103, CHAT) in log.engine.state.domains
    restored = restore(store, fewer, "A")
    assert restored.notes == ("the configuration has changed since the journal's end",)
    assert {key.skill_target_id for key in restored.engine.state.domains} == {101, 102}
    assert 103 not in restored.engine.state.domains_of


def test_answer_of_an_ended_task_goes_with_the_agent_who_had_it() -> None:
    store = MemoryStore()
    log = Logbook(store)
    log.play([("logout", number, mrd, 1) for number in (101, 102) for mrd in (CHAT, EMAIL)])
    log.play([("login", 103, EMAIL, 1), ("ready", 103, EMAIL, 1), ("task", "e8000", 1, WEB, b"u", 0, "", None)])
    (task_id,) = log.engine.state.tasks
    log.play([("start", 0), ("end", 0), ("logout", 103, EMAIL, 1)])
    assert log.engine.state.tasks[task_id].state is TaskState.ENDED
    restored = restore(store, attrs.evolve(log.settings, agents=log.settings.agents[:2]), "A")
    state = restored.engine.state
    assert (state.tasks, state.remembered, state.resends) == ({}, {}, {})
    assert restored.engine.next_deadline() is None


def test_settings_that_differ_and_lack_nothing_change_nothing_else() -> None:
    store = MemoryStore()
    log = Logbook(store)
    log.play(random_steps(4, 200))
    shorter = attrs.evolve(log.settings.router, max_time_in_queue_s=5.0)
    restored = restore(store, attrs.evolve(log.settings, router=shorter), "A")
    assert restored.engine.state.settings.router.max_time_in_queue_s == 5.0
    found, before = portrait(restored.engine), portrait(log.engine)
    assert found.pop("settings") != before.pop("settings")
    assert found == before


def test_settings_may_change_in_the_middle_of_a_journal_and_back() -> None:
    store = MemoryStore()
    log = Logbook(store)
    before = log.settings
    log.play(random_steps(1, 40))
    log.settings = attrs.evolve(before, router=attrs.evolve(before.router, max_time_in_queue_s=7.0))
    log.restart()
    item = log.played.site.inputs[-1][0]
    now = log.played.site.now
    log.backlog.submit(now, item, log.engine.handle(item, now))
    log.write()
    log.settings = before
    restored = log.restart()
    assert restored.engine.state.settings == before
    assert len({decode_batch(body).configuration for body in store.batches.values()}) == 2


def test_batches_are_followed_under_the_settings_that_they_were_decided_by() -> None:
    log = Logbook(MemoryStore())
    log.play(random_steps(1, 40))
    log.settings = attrs.evolve(log.settings, agents=(*log.settings.agents, agent(104)))
    log.restart()
    now = log.played.site.now
    for item in (ArmClientOpened(77, PATH), MediaLogin(Origin(77, 1), PATH, CHAT, 104)):
        log.backlog.submit(now, item, log.engine.handle(item, now))
    log.write()
    assert AgentKey(104, CHAT) in log.engine.state.domains
    assert portrait(restore(log.store, log.settings, "A").engine) == portrait(log.engine)


def test_time_goes_on_with_inputs_from_which_nothing_followed() -> None:
    log = Logbook(MemoryStore())
    log.play([])
    later = log.played.site.now + 50.0
    item = RoutingClientLost(999)
    followed = log.engine.handle(item, later)
    assert followed == []
    log.backlog.submit(later, item, followed)
    log.write()
    assert log.restart().engine.state.last_now == later


def test_snapshot_under_other_settings_is_read_under_those() -> None:
    store = MemoryStore()
    log = Logbook(store)
    log.play(random_steps(1, 40))
    log.snapshot()
    other = attrs.evolve(log.settings, router=attrs.evolve(log.settings.router, max_time_in_queue_s=7.0))
    restored = restore(store, other, "A")
    assert restored.engine.state.settings == other
    assert restored.notes == ("the configuration has changed since the journal's end",)


def test_batch_that_says_another_number_of_inputs_is_still_followed_whole() -> None:
    """The payload counts; `ctigw journal verify` says that the header is wrong."""
    store = MemoryStore()
    log = Logbook(store)
    log.play([], size=10)
    (body,) = store.batches.values()
    store.batches[1] = encode_batch(attrs.evolve(decode_batch(body), inputs=1))
    assert restore(store, log.settings, "A").inputs == len(log.played.site.inputs)
