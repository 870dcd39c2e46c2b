"""What holds of interrupts after every step of any history of one agent (semantics 4)."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ctigw.config.routing import RouterSettings
from ctigw.routing import events, facts, inputs
from ctigw.routing.apply import is_fact
from ctigw.routing.engine import rebuild
from ctigw.routing.terms import TaskState
from interrupt_account import InterruptAccount
from portrait import portrait
from routing_site import CHAT, DESKTOP, EMAIL, PATH, Site, of, settings

ADA = 101
SECOND = 22

moves = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("task", "work", "work", "work")), st.sampled_from(("8000", "e8000"))),
        st.tuples(st.sampled_from(("start", "pause", "end", "end")), st.integers(0, 3)),
        st.tuples(st.sampled_from(("answer", "answer", "accept", "decline", "done")), st.just(EMAIL)),
        st.tuples(st.just("answer"), st.just(EMAIL)),
        st.tuples(st.sampled_from(("work", "end chats", "end chats")), st.just("8000")),
        st.tuples(st.sampled_from(("ready", "not_ready", "logout", "login")), st.sampled_from((CHAT, EMAIL))),
        st.tuples(st.sampled_from(("lose", "open")), st.sampled_from((DESKTOP, SECOND))),
        st.tuples(st.just("time"), st.sampled_from((10.0, 30.0, 700.0))),
    ),
    min_size=5,
    max_size=40,
)
REPORTS: dict[str, type[inputs.AgentReport]] = {
    "accept": inputs.AcceptInterrupt,
    "decline": inputs.DeclineInterrupt,
    "done": inputs.AcceptInterruptDone,
    "ready": inputs.MakeAgentReady,
    "not_ready": inputs.MakeAgentNotReady,
    "logout": inputs.MediaLogout,
    "start": inputs.StartTask,
    "pause": inputs.PauseTask,
    "end": inputs.EndTask,
}


class Played:
    """One agent in both domains, at work on a mail, and the account."""

    def __init__(self) -> None:
        self.site = Site(settings(router=RouterSettings(max_tasks_in_queue=1)))
        self.account = InterruptAccount()
        self.sessions = {DESKTOP}
        self.site.ready(ADA, mrd=EMAIL, limit=3)
        self.site.ready(ADA, limit=2)
        self.play("work", "e8000")

    def play(self, kind: str, what: Any) -> None:  # noqa: ANN401 - differs by kind
        begin = len(self.site.history)
        if kind in ("task", "work"):
            chosen = of(self.site.task(what), events.AgentChosen)
            for event in chosen if kind == "work" else []:
                self.site.about(inputs.StartTask, ADA, event.task_id, event.mrd_id)
        elif kind == "start all":
            for task_id, state in list(self.account.states.items()):
                if state in (TaskState.PRE_CALL, TaskState.OFFERED):
                    self.site.about(inputs.StartTask, ADA, task_id, self.account.places[task_id][1])
        elif kind == "end chats":
            for task_id in [t for t in self.account.states if self.account.places[t][1] == CHAT]:
                self.site.about(inputs.EndTask, ADA, task_id)
        elif kind == "answer":
            for place, answer in list(self.account.unanswered.items()):
                self.site.report(REPORTS[answer], *place)
            self.account.unanswered.clear()
        elif kind == "time":
            self.site.pass_time(what)
        elif kind == "login":
            self.site.sign_in(ADA, mrd=what, limit=3)
        elif kind in ("start", "pause", "end"):
            held = list(self.account.states)
            if held:
                task_id = held[what % len(held)]
                self.site.about(REPORTS[kind], ADA, task_id, self.account.places[task_id][1])  # type: ignore[arg-type]  # task reports
        elif kind in REPORTS:
            self.site.report(REPORTS[kind], ADA, what)
        elif (kind == "open") == (what not in self.sessions):
            self.sessions ^= {what}
            lost = kind == "lose"
            self.site.say(inputs.ArmClientLost(what) if lost else inputs.ArmClientOpened(what, PATH))
        for event, _ in self.site.history[begin:]:
            self.account.account(event)
        chats = any(self.account.places[task_id][1] == CHAT for task_id in self.account.states)
        self.account.check(self.site, {ADA} if chats else set())


@hypothesis_settings(max_examples=500, deadline=None)
@given(moves)
def test_agent_is_interrupted_only_while_an_interrupt_is_open_and_never_stuck(history: list[tuple[str, Any]]) -> None:
    played = Played()
    for move in history:
        played.play(*move)
    rebuilt = rebuild(played.site.settings, "A", [(f, now) for f, now in played.site.history if is_fact(f)])
    assert portrait(rebuilt) == portrait(played.site.engine)


WALK: tuple[tuple[int, tuple[str, tuple[Any, ...]]], ...] = (
    (10, ("work", ("8000", "e8000"))),
    (2, ("task", ("8000", "e8000"))),
    (8, ("answer", (EMAIL,))),
    (6, ("decline", (EMAIL,))),
    (4, ("end chats", ("8000",))),
    (4, ("pause", (0, 1, 2, 3))),
    (6, ("start all", (EMAIL,))),
    (4, ("end", (0, 1, 2, 3))),
    (8, ("ready", (CHAT, EMAIL))),
    (1, ("not_ready", (CHAT, EMAIL))),
    (1, ("logout", (CHAT, EMAIL))),
    (5, ("login", (CHAT, EMAIL))),
    (1, ("lose", (DESKTOP, SECOND))),
    (4, ("open", (DESKTOP, SECOND))),
    (1, ("time", (10.0, 30.0, 700.0))),
)
"""Weight, kind and choices of a step: a long walk goes where only many steps in the right order come."""


@pytest.mark.parametrize("seed", range(3))
def test_the_same_through_a_long_walk_that_meets_interrupts_often(seed: int) -> None:
    chance = Random(seed)
    played = Played()
    weights = [weight for weight, _ in WALK]
    for _ in range(8_000):
        ((_, (kind, choices)),) = chance.choices(WALK, weights)
        played.play(kind, chance.choice(choices))
    met = Counter(type(event) for event, _ in played.site.history)
    for kind_of_event in (
        events.AgentInterruptAdvised,
        events.AgentInterruptOver,
        facts.AgentInterruptAccepted,
        facts.AgentInterruptDeclined,
        facts.AgentInterruptClosed,
        facts.AgentSetAside,
        facts.AgentRestored,
    ):
        assert met[kind_of_event] >= 10, kind_of_event
