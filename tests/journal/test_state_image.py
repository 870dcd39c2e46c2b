"""A state that was kept is the state that was, and goes on alike; what cannot be kept is refused."""

import gc
import re
from collections import deque
from collections.abc import Callable
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from ctigw.config.routing import Attribute, PrecisionQueue, RoutingSettings, SkillGroup
from ctigw.errors import ConfigurationError, JournalVersionError
from ctigw.journal import state_image
from ctigw.journal.records import Renamed
from ctigw.journal.state_image import CONFIGURATION, LEFT_OUT, REBUILT, SCRATCH, MadeFromSettings, freeze, thaw
from ctigw.routing.engine import Engine
from ctigw.routing.inputs import DialogueKey, NewTask, TaskContext, Variable
from ctigw.routing.state import AgentDomain, State, TaskRecord
from portrait import portrait
from routing_site import CHAT, WEB, Script, Site, agent, settings, steps
from test_histories import History, histories, history_site, random_steps


def restored(engine: Engine, settings: RoutingSettings) -> Engine:
    return Engine.of(thaw(freeze(engine.state), settings, "A"))


def rewritten(image: bytes, change: Callable[..., object]) -> bytes:
    """The image of another version."""
    decoded = msgspec.msgpack.decode(image)
    change(*decoded)
    return msgspec.msgpack.encode(decoded)


@pytest.fixture
def played() -> History:
    history = History(reloads=False)
    for step in random_steps(3, 600):
        history.play(step)
    assert len(history.site.engine.state.tasks) > 3
    return history


# --- the same state --------------------------------------------------------------------------------------------------


@hypothesis_settings(max_examples=150, deadline=None)
@given(histories, histories)
def test_restored_state_is_equal_and_goes_on_alike(history: list[Any], sequel: list[Any]) -> None:
    played = History(reloads=False)
    for step in history:
        played.play(step)
    again = restored(played.site.engine, played.site.settings)
    assert portrait(again) == portrait(played.site.engine)
    assert again.next_deadline() == played.site.engine.next_deadline()
    begin = len(played.site.inputs)
    events_begin = len(played.site.history)
    for step in sequel:
        played.play(step)
    answers = [(event, now) for item, now in played.site.inputs[begin:] for event in again.handle(item, now)]
    assert answers == played.site.history[events_begin:]
    assert portrait(again) == portrait(played.site.engine)


@pytest.mark.parametrize("seed", range(2))
def test_restored_again_and_again_through_a_long_history(seed: int) -> None:
    played = History(reloads=False)
    twin = restored(played.site.engine, played.site.settings)
    done = len(played.site.inputs)
    for number, step in enumerate(random_steps(seed, 6_000)):
        played.play(step)
        if number % 200 == 0:
            for item, now in played.site.inputs[done:]:
                twin.handle(item, now)
            done = len(played.site.inputs)
            assert portrait(twin) == portrait(played.site.engine)
            twin = restored(twin, played.site.settings)


def test_time_goes_on_from_where_it_stood(played: History) -> None:
    again = restored(played.site.engine, played.site.settings)
    assert again.state.last_now == played.site.engine.state.last_now


def test_equal_states_have_equal_images(played: History) -> None:
    image = freeze(played.site.engine.state)
    assert freeze(played.site.engine.state) == image
    assert freeze(thaw(image, played.site.settings, "A")) == image


def test_image_holds_nothing_of_the_configuration(played: History) -> None:
    """Portrait and image together name every attribute of a state: a new one is stored, or named here."""
    classes, kept, _ = msgspec.msgpack.decode(freeze(played.site.engine.state))
    assert set(kept) == set(vars(played.site.engine.state)) - CONFIGURATION - REBUILT - SCRATCH
    written = {name: set(fields) for name, fields in classes}
    assert written["state.TaskRecord"] == {field.name for field in attrs.fields(TaskRecord)}
    assert written["state.AgentDomain"] == {field.name for field in attrs.fields(AgentDomain)} - LEFT_OUT[AgentDomain]
    assert not [name for name in written if name.startswith("config")]


def test_what_follows_from_the_configuration_is_not_kept() -> None:
    """A new attribute of State that is made from the settings belongs into CONFIGURATION; kept, it outlives them.

    Or it knows how to take over what was kept.
    """
    state = State(history_site(), "A")
    knows = {name for name, value in vars(state).items() if isinstance(value, MadeFromSettings)}
    fresh = [msgspec.msgpack.decode(freeze(each))[1] for each in (state, State(RoutingSettings(), "A"))]
    assert {name: value for name, value in fresh[0].items() if name not in knows} == {
        name: value for name, value in fresh[1].items() if name not in knows
    }


def test_attribute_that_is_made_from_the_settings_takes_over_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Accounts(dict[str, int]):
        def take_over(self, kept: dict[str, int]) -> None:
            self.update((name, number) for name, number in kept.items() if name in self)

    begin = State.__init__

    def begin_with_accounts(self: State, settings: RoutingSettings, side: str) -> None:
        begin(self, settings, side)
        self.accounts = Accounts.fromkeys([group.name for group in settings.skill_groups], 0)  # type: ignore[attr-defined]

    monkeypatch.setattr(State, "__init__", begin_with_accounts)
    site = Site()
    state: Any = site.engine.state
    state.accounts = {"chat": 7, "email": 9}
    again: Any = thaw(freeze(state), _without_email(site), "A")
    assert again.accounts == {"chat": 7}


def _without_email(site: Site) -> RoutingSettings:
    chat = ({"op": "queue", "to": ["sg:chat"]},)
    scripts = tuple(attrs.evolve(call_type, script=chat) for call_type in site.settings.call_types)
    return attrs.evolve(site.settings, skill_groups=(SkillGroup("chat", 1, CHAT),), call_types=scripts)


def test_what_is_taken_for_configuration_never_changes(played: History) -> None:
    fresh = State(played.site.settings, "A")
    for name in CONFIGURATION:
        now, then = (repr(getattr(state, name)) for state in (played.site.engine.state, fresh))
        assert _without_addresses(now) == _without_addresses(then), name


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", text)


@pytest.mark.parametrize("names", [CONFIGURATION, REBUILT, SCRATCH])
def test_what_is_left_out_still_exists(names: frozenset[str], played: History) -> None:
    assert names <= set(vars(played.site.engine.state))


def test_ids_and_entries_are_one_object_each_after_reading(played: History) -> None:
    state = restored(played.site.engine, played.site.settings).state
    queued = [task for task in state.tasks.values() if task.entries]
    assert queued
    for key, task in state.tasks.items():
        assert task.id is key
    for task in queued:
        for entry in task.entries:
            queue = state.queues[entry.queue.label, task.mrd.id]
            assert entry is queue.entry(entry.priority)
            assert queue.tasks[task.id].task_id is task.id


def test_words_of_waiting_tasks_are_shared_after_reading() -> None:
    site = Site()
    for number in range(3):
        site.task(variables=(Variable("ecc.user.tier", None, str(number)),))
    state = restored(site.engine, site.settings).state
    packed = [task.stored_context for task in state.tasks.values()]
    assert len({id(word) for stored in packed if isinstance(stored, tuple) for word in (stored[0], stored[4])}) == 2


def test_collection_of_garbage_is_as_it_was(played: History) -> None:
    assert gc.isenabled()
    restored(played.site.engine, played.site.settings)
    assert gc.isenabled()


# --- what cannot be kept ---------------------------------------------------------------------------------------------


class Foreign:
    """No class of the engine."""


@pytest.mark.parametrize("value", [Foreign(), {1, 2}, frozenset({1}), bytearray(b"x"), 1j, print])
def test_value_that_an_image_cannot_keep_is_refused(played: History, value: object) -> None:
    state = played.site.engine.state
    state.surprise = value  # type: ignore[attr-defined]  # what a later state might gain
    with pytest.raises(TypeError, match="which an image cannot keep"):
        freeze(state)


def test_attribute_that_the_state_gains_is_kept_without_a_word_here(
    played: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = played.site.engine.state
    gained = {"numbers": deque([1, 2.5, None], 9), "nested": [{(1, "x"): [next(iter(state.tasks))]}]}
    state.gained = gained  # type: ignore[attr-defined]
    begin = State.__init__

    def begin_with_more(self: State, settings: RoutingSettings, side: str) -> None:
        begin(self, settings, side)
        self.gained = {}  # type: ignore[attr-defined]

    image = freeze(state)
    with pytest.raises(JournalVersionError, match=r"State\.gained"):
        thaw(image, played.site.settings, "A")
    monkeypatch.setattr(State, "__init__", begin_with_more)
    again: Any = thaw(image, played.site.settings, "A")
    assert again.gained == gained
    assert again.gained["numbers"].maxlen == 9


def test_container_that_stands_in_two_places_is_refused(played: History) -> None:
    state = played.site.engine.state
    shared: list[int] = []
    state.surprise = [shared, shared]  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="same list in two places"):
        freeze(state)


def test_state_in_the_middle_of_an_input_is_refused(played: History) -> None:
    played.site.engine.state.touched[101] = None
    with pytest.raises(TypeError, match=r"State\.touched"):
        freeze(played.site.engine.state)


# --- versions --------------------------------------------------------------------------------------------------------


def test_attribute_and_field_of_a_later_version_take_their_defaults(played: History) -> None:
    played.site.task("8001")

    def older(classes: list[Any], kept: dict[str, Any], queues: list[Any]) -> None:
        kept.pop("last_key")
        for row in classes:
            if row[0] == "state.TaskRecord":
                place = row[1].index("waited")
                row[1].remove("waited")
                number = state_image.FIRST_CLASS + classes.index(row)
        _drop(kept, number, place + 1)

    state = thaw(rewritten(freeze(played.site.engine.state), older), played.site.settings, "A")
    assert state.last_key == 0
    assert {task.waited for task in state.tasks.values()} == {False}
    assert [task.state for task in state.tasks.values()] == [
        task.state for task in played.site.engine.state.tasks.values()
    ]


def _drop(value: object, number: int, place: int) -> None:
    """Remove one field from every record of a class."""
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        _drop(member, number, place)
    if isinstance(value, list) and value and value[0] == number:
        del value[place]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda classes, kept, queues: kept.update(novelty=1), r"State\.novelty"),
        (lambda classes, kept, queues: _rename(classes, "state.TaskRecord", "state.Gone"), r"state\.Gone"),
        (lambda classes, kept, queues: _field(classes, "state.TaskRecord", "step", "odd"), r"TaskRecord\.odd"),
        (lambda classes, kept, queues: kept.update(last_key=[12, 1]), "kind 12"),
        (lambda classes, kept, queues: kept.update(last_key=[7, "planet", 1]), "planet"),
    ],
)
def test_what_a_newer_version_wrote_is_refused_by_name(
    played: History, change: Callable[..., object], complaint: str
) -> None:
    with pytest.raises(JournalVersionError, match=complaint):
        thaw(rewritten(freeze(played.site.engine.state), change), played.site.settings, "A")


def test_renamed_class_and_field_are_found_by_the_table(played: History) -> None:
    def older(classes: list[Any], kept: dict[str, Any], queues: list[Any]) -> None:
        _rename(classes, "state.TaskRecord", "state.Chore")
        _field(classes, "state.Chore", "step", "position")

    image = rewritten(freeze(played.site.engine.state), older)
    renamed = Renamed({"state.Chore": "state.TaskRecord"}, {("state.TaskRecord", "position"): "step"})
    assert portrait(Engine.of(thaw(image, played.site.settings, "A", renamed))) == portrait(played.site.engine)


def _rename(classes: list[Any], old: str, new: str) -> None:
    for row in classes:
        row[0] = new if row[0] == old else row[0]


def _field(classes: list[Any], kind: str, old: str, new: str) -> None:
    for row in classes:
        if row[0] == kind:
            row[1][row[1].index(old)] = new


def test_image_that_is_none_is_refused(played: History) -> None:
    for image in (b"", b"\xc1", b"\x93\x00\x00\x00"):
        with pytest.raises(JournalVersionError, match="does not parse"):
            thaw(image, played.site.settings, "A")


# --- another configuration -------------------------------------------------------------------------------------------


def changed(site: Site, **changes: Any) -> RoutingSettings:  # noqa: ANN401 - keys of the settings
    return attrs.evolve(site.settings, **changes)


def test_agent_who_is_gone_from_the_configuration_is_named() -> None:
    site = Site()
    site.ready(103)
    fewer = changed(site, agents=tuple(a for a in site.settings.agents if a.skill_target_id != 103))
    with pytest.raises(ConfigurationError, match=r"\[agent\].*103"):
        restored(site.engine, fewer)
    idle = changed(site, agents=tuple(a for a in site.settings.agents if a.skill_target_id != 105))
    assert restored(site.engine, idle).agent(105) is None


def test_queue_that_is_gone_with_tasks_in_it_is_named() -> None:
    site = Site()
    site.task()
    email = ({"op": "queue", "to": ["sg:email"]},)
    scripts = tuple(attrs.evolve(call_type, script=email) for call_type in site.settings.call_types)
    without = changed(site, skill_groups=site.settings.skill_groups[1:], call_types=scripts)
    with pytest.raises(ConfigurationError, match=r"\[queue\].*sg:chat"):
        restored(site.engine, without)


def test_agents_stand_in_the_pools_that_the_new_configuration_gives_them() -> None:
    site = Site()
    site.ready(101, 102)
    moved = tuple(
        attrs.evolve(a, skill_groups=("email",)) if a.skill_target_id == 101 else a for a in site.settings.agents
    )
    engine = restored(site.engine, changed(site, agents=moved))
    pool = engine.state.queues["sg:chat", CHAT].pools[0]
    chosen = pool.chosen()
    assert chosen is not None
    assert chosen[-1] == 102
    assert [entry[-1] for entry in pool.by_choice.in_order()] == [102]


def test_task_on_a_step_that_a_precision_queue_no_longer_has_stands_on_its_last() -> None:
    long, short = (
        (PrecisionQueue("pq", 9, CHAT, steps(*[("english >= 1", 5.0)] * count, ("english >= 0", 0.0))),)
        for count in (2, 0)
    )
    script: dict[str, Script] = {"8001": ({"op": "queue", "to": ["pq:pq"]},)}
    common: dict[str, Any] = {"attributes": (Attribute("english", "proficiency"),), "agents": (agent(101, english=3),)}
    site = Site(settings(script, precision_queues=long, **common))
    site.say(NewTask(DialogueKey(WEB, 77), TaskContext("8001")))
    site.pass_time(11.0)
    engine = restored(site.engine, settings(script, precision_queues=short, **common))
    head = engine.state.queues["pq:pq", CHAT].head(0, 101)
    assert head is not None
    assert head.level == 0
