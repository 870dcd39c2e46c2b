"""What holds after every step of any history (semantics 2.2, 3.2; decisions F1)."""

import typing
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ctigw.config.routing import (
    ApplicationPath,
    ApplicationPathMember,
    Attribute,
    PrecisionQueue,
    PrecisionQueueStep,
    RouterSettings,
    RoutingSettings,
    SkillGroup,
)
from ctigw.routing import events, facts, inputs
from ctigw.routing.apply import is_fact
from ctigw.routing.engine import Engine, rebuild
from ctigw.routing.facts import Event
from ctigw.routing.inputs import TaskId
from ctigw.routing.statistics.numbers import OUTCOMES
from ctigw.routing.terms import (
    TaskState,
)
from interrupt_account import InterruptAccount
from portrait import portrait, state_of
from routing_site import CHAT, DESKTOP, EMAIL, PATH, PERIPHERAL, WEB, Site, agent, settings

REPLAY_KINDS = (
    *("begin_init", "begin_init", "init_agent", "init_agent", "init_task", "init_task", "init_unknown", "init_new"),
    *("end_init", "get_tasks", "path_data"),
)
AGENTS = (101, 102, 103)
SECOND_WEB, SECOND_DESKTOP = 12, 22
DISPOSITIONS = (38, 37, 63, 39, 19, 4711)
"""With which an application ends tasks, one for each kind of end that statistics tell apart (semantics 3.6)."""
SELECTORS = (
    *("8000", "8001", "8001", "8002", "8002", "8002", "8003", "8004", "8006", "8006", "8007", "8008"),
    *("e8000", "e8005", "e8006", "none"),
)
KEY = "ecc.user.c"
STICKY = {"op": "preferred_agent", "wait_s": 20, "key": KEY, "queue_if_not_logged_in": True, "priority": 4}


def history_site() -> RoutingSettings:
    """Every step that this build has, small limits and short times, so that each rule is met often."""
    return settings(
        {
            "8001": (
                {"op": "queue", "to": ["pq:fluent"], "priority": 7, "on_full": "full"},
                {"op": "report_wait"},
                {"op": "wait", "seconds": 20},
                {"op": "queue", "to": ["sg:chat", "agent:102"], "priority": 3},
                {"op": "wait", "seconds": 40},
                {"op": "priority", "value": 1},
                {"op": "wait", "seconds": 5, "label": "full"},
                {"op": "cancel_queue"},
                {"op": "set", "variable": "call.3", "value": "x"},
                {"op": "queue", "to": ["sg:chat"]},
            ),
            "8002": ({"op": "label", "value": "LBL"},),
            "8003": ({"op": "wait", "seconds": 15}, {"op": "release", "cause": 1}),
            "8004": ({"op": "queue", "to": ["sg:chat"], "priority": 9}, {"op": "wait", "seconds": 30}),
            "8006": (STICKY, {"op": "queue", "to": ["sg:chat", "pq:fluent"]}),
            "e8006": (STICKY, {"op": "queue", "to": ["sg:email"]}, {"op": "wait", "seconds": 9}, STICKY),
            "8007": (
                {"op": "if", "when": f"{KEY} == 'x' or service > 2", "goto": "crowd", "label": "begin"},
                {"op": "schedule", "zone": "Europe/Berlin", "open": "00:00-12:00", "goto": "crowd"},
                {"op": "if", "when": "priority == 2 and time_in_queue_s > 20", "goto": "end"},
                {"op": "branch_mrd", "cases": {"email": "end"}, "otherwise": "crowd"},
                {"op": "set", "variable": "call.5", "value": "7", "label": "crowd"},
                {"op": "if", "when": "queue.sg:chat.depth > 2 or queue.sg:chat.oldest_s > 9", "goto": "end"},
                {"op": "queue", "to": ["sg:chat"], "priority": 2},
                {"op": "wait", "seconds": 11},
                {"op": "if", "when": "queue.sg:chat.agents_available == 0", "goto": "begin"},
                {"op": "queue", "to": ["pq:fluent"], "label": "end"},
            ),
            "8008": ({"op": "pick_pull"}, {"op": "queue", "to": ["sg:chat"]}),
            "e8005": ({"op": "queue", "to": ["agent:101", "sg:email"], "priority": 2},),
        },
        agents=tuple(agent(number, english=number - 99) for number in AGENTS),
        attributes=(Attribute("english", "proficiency"),),
        precision_queues=(
            PrecisionQueue(
                "fluent",
                9,
                CHAT,
                (
                    PrecisionQueueStep("english >= 4", 0.0),
                    PrecisionQueueStep("english >= 3", 10.0, "queue.pq:fluent.depth < 2"),
                    PrecisionQueueStep("english == 2 or english == 4", 5.0, f"{KEY} == 'x'", False),
                    PrecisionQueueStep("english > 1"),
                ),
                "most_skilled",
            ),
        ),
        router=RouterSettings(max_tasks_in_queue=6, max_tasks_per_call_type=4, max_time_in_queue_s=90.0),
        chat={"start_timeout_s": 10.0, "task_life_s": 60.0, "max_task_duration_s": 40.0},
        email={
            "start_timeout_s": 15.0,
            "task_life_s": 45.0,
            "max_tasks_in_queue": 3,
            "max_tasks_per_call_type": 2,
            "max_time_in_queue_s": 60.0,
        },
    )


def other_site() -> RoutingSettings:
    """The same site after a change of everything that may change: who and what is gone, new, moved or redefined."""
    site = history_site()
    domains = [
        attrs.evolve(site.media_routing_domains[0], start_timeout_s=4.0, max_tasks_per_call_type=3),
        attrs.evolve(site.media_routing_domains[1], interruptible=False, max_tasks_per_call_type=None),
    ]
    fluent = site.precision_queues[0]
    scripts = {
        "ct_8001": ({"op": "queue", "to": ["pq:fluent"]}, {"op": "wait", "seconds": 3}, {"op": "cancel_queue"}),
        "ct_8006": (STICKY, {"op": "queue", "to": ["sg:spare", "pq:fluent"]}),
        "ct_e8005": ({"op": "queue", "to": ["sg:email"], "priority": 2},),
    }
    return attrs.evolve(
        site,
        media_routing_domains=tuple(domains),
        agents=(agent(103, ("chat", "spare"), english=2), agent(102, ("email", "spare"), english=4)),
        skill_groups=(*site.skill_groups[:1], SkillGroup("email", 22, EMAIL), SkillGroup("spare", 8, CHAT, 5.0)),
        precision_queues=(attrs.evolve(fluent, steps=fluent.steps[1:], agent_order="longest_available"),),
        call_types=tuple(
            attrs.evolve(call_type, script=scripts.get(call_type.name, call_type.script))
            for call_type in site.call_types
            if call_type.name != "ct_8007"
        ),
        script_selectors=tuple(selector for selector in site.script_selectors if selector.value != "8007"),
    )


def site_without_email() -> RoutingSettings:
    """The same site after one of its domains was given up."""
    site = history_site()
    chat = [call_type for call_type in site.call_types if not call_type.name.startswith("ct_e")]
    scripts = {
        "ct_8007": ({"op": "queue", "to": ["sg:chat"]},),  # names the domain that is gone
    }
    return attrs.evolve(
        site,
        media_routing_domains=site.media_routing_domains[:1],
        application_paths=(ApplicationPath(PATH, (ApplicationPathMember(PERIPHERAL, (CHAT,)),)),),
        skill_groups=site.skill_groups[:1],
        agents=tuple(attrs.evolve(one, skill_groups=("chat",)) for one in site.agents),
        call_types=tuple(attrs.evolve(one, script=scripts.get(one.name, one.script)) for one in chat),
        script_selectors=tuple(selector for selector in site.script_selectors if selector.mrd == CHAT),
    )


SITES = (history_site(), other_site(), site_without_email())

number = st.sampled_from(AGENTS)
mrd = st.sampled_from((CHAT, EMAIL))
about_agent = st.tuples(
    st.sampled_from(
        (
            *("login", "login", "logout", "ready", "ready", "ready", "not_ready", "routable"),
            *("not_routable", "not_routable", "limit", "override", "own_offer", "own_start", "own_start"),
        )
    ),
    number,
    mrd,
    st.integers(1, 3),
)
about_interrupt = st.one_of(
    st.tuples(st.just("answer"), st.booleans()),
    st.tuples(st.sampled_from(("accept", "decline", "done")), number, mrd, st.just(1)),
)
about_task = st.tuples(
    st.sampled_from(("offer", "start", "start", "pause", "resume", "wrap_up", "end", "end", "update")),
    st.integers(0, 5),
)
asking = st.tuples(
    st.just("task"),
    st.sampled_from(SELECTORS),
    st.integers(1, 4),
    st.sampled_from((WEB, SECOND_WEB)),
    st.sampled_from((b"", b"u")),
    st.sampled_from((0, 0, 0, 2, 3, 4, 5, 6, 7, 9)),
    st.sampled_from(("", "x", "y")),
    st.sampled_from((None, None, None, 101, 103)),
)
replaying = st.tuples(
    st.sampled_from(REPLAY_KINDS),
    st.sampled_from((DESKTOP, DESKTOP, SECOND_DESKTOP)),
    number,
    mrd,
    st.integers(0, 9),
)
others = st.one_of(
    st.tuples(st.just("cancel"), st.integers(1, 4), st.sampled_from((WEB, SECOND_WEB))),
    st.tuples(st.just("result"), st.integers(1, 4), st.sampled_from((WEB, SECOND_WEB))),
    st.tuples(st.just("resend"), st.integers(0, 3), st.sampled_from((WEB, SECOND_WEB))),
    st.tuples(st.sampled_from(("lose_web", "open_web")), st.sampled_from((WEB, SECOND_WEB))),
    st.tuples(st.sampled_from(("lose_arm", "open_arm")), st.sampled_from((DESKTOP, SECOND_DESKTOP))),
    st.tuples(st.just("set_state"), number, st.sampled_from((0, 1, 2, 3, 5, 14)), st.booleans()),
)
reloading = st.tuples(st.just("reload"), st.sampled_from((0, 0, 1, 1, 2)))
passing = st.tuples(st.just("time"), st.sampled_from((0.0, 1.0, 5.0, 10.0, 30.0, 100.0)))
histories = st.lists(
    st.one_of(
        *(asking, asking, about_agent, about_agent, about_task, about_task),
        *(about_interrupt, passing, others, replaying, reloading),
    ),
    max_size=70,
)

AGENT_REPORTS: dict[str, Any] = {
    "login": lambda o, n, m, k: inputs.MediaLogin(o, PATH, m, n, k != 3, k, k - 1),
    "logout": lambda o, n, m, k: inputs.MediaLogout(o, PATH, m, n),
    "ready": lambda o, n, m, k: inputs.MakeAgentReady(o, PATH, m, n, k != 3),
    "not_ready": lambda o, n, m, k: inputs.MakeAgentNotReady(o, PATH, m, n, k),
    "routable": lambda o, n, m, k: inputs.MakeAgentRoutable(o, PATH, m, n, k - 1),
    "not_routable": lambda o, n, m, k: inputs.MakeAgentNotRoutable(o, PATH, m, n),
    "accept": lambda o, n, m, k: inputs.AcceptInterrupt(o, PATH, m, n),
    "decline": lambda o, n, m, k: inputs.DeclineInterrupt(o, PATH, m, n),
    "done": lambda o, n, m, k: inputs.AcceptInterruptDone(o, PATH, m, n),
    "limit": lambda o, n, m, k: inputs.ChangeMaxTaskLimit(o, PATH, m, n, k, k - 1),
    "override": lambda o, n, m, k: inputs.OverrideLimit(o, PATH, m, n),
    "own_offer": lambda o, n, m, k: inputs.OfferApplicationTask(o, PATH, m, n, (0, 1, 2)[k - 1]),
    "own_start": lambda o, n, m, k: inputs.StartApplicationTask(o, PATH, m, n, (0, 1, 2)[k - 1]),
}
STATES_TOLD = (1, 5, 2, 3, 4, 5, 0)
REPLAYS: dict[str, Any] = {
    "init_task": None,
    "init_unknown": None,
    "begin_init": lambda o, n, m, k: inputs.BeginAgentInit(o, PATH),
    "end_init": lambda o, n, m, k: inputs.EndAgentInit(o, PATH),
    "init_agent": lambda o, n, m, k: inputs.AgentInit(
        o, PATH, m, n, k % 2 == 0, 1 + k % 3, k % 2, (2, 14, 11)[k % 3], k % 2
    ),
    "init_new": lambda o, n, m, k: inputs.TaskInitWithoutId(
        o, PATH, m, n, 0, 0, (), STATES_TOLD[k % len(STATES_TOLD)], k
    ),
    "get_tasks": lambda o, n, m, k: inputs.GetAgentTasks(o, PATH, m, n),
    "path_data": lambda o, n, m, k: inputs.SetPathData(
        o, PATH, 1 + k // 9, (inputs.Variable("call.1", None, str(k)),), k % 2 == 0
    ),
}
TASK_REPORTS = {
    "offer": inputs.OfferTask,
    "start": inputs.StartTask,
    "pause": inputs.PauseTask,
    "resume": inputs.ResumeTask,
    "wrap_up": inputs.WrapUpTask,
    "end": inputs.EndTask,
}


class History:
    """Plays steps at a site and keeps account of its tasks from the events alone."""

    def __init__(self, *, reloads: bool = True) -> None:
        self.reloads = reloads
        self.site = Site(history_site(), requeue=True)
        self.accepted: list[TaskId] = []
        self.excluded: dict[TaskId, int | None] = {}
        self.picked: set[TaskId] = set()
        self.ended: Counter[TaskId] = Counter()
        self.with_agent: dict[TaskId, tuple[int, int]] = {}
        self.interruptible: dict[tuple[int, int], bool] = {}
        """As it was at the agent's sign-in to the domain."""
        self.interrupts = InterruptAccount()
        self.invented = 0
        for number_ in AGENTS[:2]:
            self.play(("login", number_, CHAT, 2))
            self.play(("ready", number_, CHAT, 1))
        self.play(("login", AGENTS[1], EMAIL, 2))
        self.play(("ready", AGENTS[1], EMAIL, 1))

    def play(self, step: tuple[Any, ...]) -> None:
        kind, *rest = step
        begin = len(self.site.history)
        if kind == "time":
            self.site.pass_time(rest[0])
        elif kind == "task":
            self._ask(*rest)
        elif kind == "resend":
            self._resend(*rest)
        elif kind == "answer":
            self._answer(*rest)
        elif kind == "set_state":
            number_, state, forced = rest
            asked = inputs.SetAgentState(self.site.origin(), PERIPHERAL, str(number_), state, 0, 7, forced)
            self.site.say(asked)
        elif kind == "reload" and not self.reloads:
            pass
        elif kind == "reload":
            self.site.say(inputs.SettingsChanged(SITES[rest[0]]))
        elif kind in AGENT_REPORTS:
            self.site.say(AGENT_REPORTS[kind](self.site.origin(), *rest))
        elif kind in ("cancel", "result"):
            self._dialogue(kind, *rest)
        elif kind in REPLAYS:
            self._replay(kind, *rest)
        elif kind in ("lose_web", "open_web", "lose_arm", "open_arm"):
            self._session(kind, rest[0])
        else:
            self._task(kind, rest[0])
        for event, _ in self.site.history[begin:]:
            self._account(event)
            self.interrupts.account(event)
        for event, _ in self.site.history[begin:]:
            if isinstance(event, events.AgentChosen):
                place = (event.skill_target_id, event.mrd_id)
                view = self.site.engine.agent_view(*place, self.site.now)
                assert view is not None
                beyond = view.max_beyond_task_limit if event.task_id in self.picked else 0
                assert list(self.with_agent.values()).count(place) <= view.max_task_limit + beyond, "over the limit"

    def _ask(
        self, selector: str, dialogue: int, session: int, uui: bytes, service: int, value: str, agent_: int | None
    ) -> None:
        if service > 3 and selector < "8005":  # most of those who pick come to a node that lets them
            selector, agent_ = "8008", agent_ or 102
        held = sorted(self.with_agent)
        known = held or self.accepted
        previous = known[-1] if known and service else None
        self.site.task(
            selector,
            dialogue=dialogue,
            session=session,
            uui=uui,
            service=service,
            previous_task=previous,
            preferred_skill_target_id=agent_,
            queue_type=1 if service > 3 else None,
            queue_id=1 if service > 3 else None,
            variables=(inputs.Variable(KEY, None, value),) if value else (),
        )

    def _resend(self, back: int, session: int) -> None:
        asked = [item for item, _ in self.site.inputs[-60:] if isinstance(item, inputs.NewTask)]
        asked = [item for item in asked if item.context.user_to_user_info]
        if asked:
            item = asked[-1 - back % len(asked)]
            dialogue = inputs.DialogueKey(session, item.dialogue.dialogue_id)
            self.site.say(attrs.evolve(item, dialogue=dialogue))

    def _answer(self, accepting: bool) -> None:
        """Answer an advisory of interrupts, if there is any."""
        for place, awaited in list(self.interrupts.unanswered.items())[:1]:
            del self.interrupts.unanswered[place]
            kind = "decline" if awaited == "accept" and not accepting else awaited
            self.site.say(AGENT_REPORTS[kind](self.site.origin(), *place, 1))

    def _replay(self, kind: str, session: int, number_: int, mrd_: int, k: int) -> None:
        origin = self.site.origin(session)
        if kind not in ("init_task", "init_unknown"):
            self.site.say(REPLAYS[kind](origin, number_, mrd_, k))
            return
        held = sorted(self.with_agent)
        if kind == "init_task" and held:
            task_id = held[k % len(held)]
            number_, mrd_ = self.with_agent[task_id]
        else:  # an id that was never given, now and then of a family that there is
            self.invented += 1
            task_id = TaskId(1, 50 + self.invented // 2, 1 + 1000 * self.invented)
        duration = (0, 5, 39, 4_000_000)[k % 4]
        told = inputs.TaskInit(
            origin, PATH, mrd_, number_, k % 4 % 3, 0, (), STATES_TOLD[k % len(STATES_TOLD)], duration, task_id
        )
        self.site.say(told)

    def _dialogue(self, kind: str, dialogue: int, session: int) -> None:
        if kind == "cancel":
            self.site.cancel(dialogue, session)
        else:
            key = inputs.DialogueKey(session, dialogue)
            self.site.say(inputs.RunScriptResult(key, 1, True, (inputs.Variable("call.1", None, "r"),)))

    def _session(self, kind: str, session: int) -> None:
        state = state_of(self.site.engine)
        known = session in state.clients or session in state.arm_paths
        if kind == "lose_web":
            self.site.say(inputs.RoutingClientLost(session))
        elif kind == "lose_arm":
            self.site.say(inputs.ArmClientLost(session))
        elif kind == "open_web" and not known:
            self.site.say(inputs.RoutingClientOpened(session, "webchat", session == WEB))
        elif not known:
            self.site.say(inputs.ArmClientOpened(session, PATH))

    def _task(self, kind: str, index: int) -> None:
        held = sorted(self.with_agent)
        if not held:
            return
        task_id = held[index % len(held)]
        number_, mrd_ = self.with_agent[task_id]
        if kind == "update":
            variables = (inputs.Variable("call.2", None, str(index)),)
            self.site.say(inputs.UpdateTaskContext(self.site.origin(), PATH, task_id, variables))
        else:
            ending = {"disposition": DISPOSITIONS[index]} if kind == "end" else {}
            self.site.about(TASK_REPORTS[kind], number_, task_id, mrd_, **ending)

    def _account(self, event: object) -> None:
        if isinstance(event, events.TaskAccepted):
            assert event.task_id not in self.accepted
            self.accepted.append(event.task_id)
            if event.service > 3:
                self.picked.add(event.task_id)
            self.excluded[event.task_id] = event.excluded_skill_target_id
        elif isinstance(event, facts.AgentSignedIn):
            self.interruptible[event.skill_target_id, event.mrd_id] = event.interruptible
        elif isinstance(event, events.ApplicationTaskBegun):
            assert event.task_id not in self.accepted
            self.accepted.append(event.task_id)
            self.with_agent[event.task_id] = (event.skill_target_id, event.mrd_id)
        elif isinstance(event, events.AgentChosen):
            for other in self.with_agent.values():
                if other[0] == event.skill_target_id and other[1] != event.mrd_id:
                    assert self.interruptible[other], "assigned beside a foreign task that may not be interrupted"
            assert self.excluded[event.task_id] != event.skill_target_id, "given back to the same agent"
            self.with_agent[event.task_id] = (event.skill_target_id, event.mrd_id)
        elif isinstance(event, events.TaskEnded):
            self.ended[event.task_id] += 1
            self.with_agent.pop(event.task_id, None)

    def check(self) -> None:
        """Every invariant."""
        state = state_of(self.site.engine)
        assert max(self.ended.values(), default=1) == 1, "a task ended twice"
        living = {task_id for task_id, task in state.tasks.items() if task.state is not TaskState.ENDED}
        assert len(self.accepted) == len(living) + len(self.ended)
        assert set(self.accepted) == living | set(self.ended)
        waiting: Counter[TaskId] = Counter()
        for queue in state.queues.values():
            waiting.update(list(queue.tasks))
        for task_id in living:
            task = state.tasks[task_id]
            queued, held = task_id in waiting, task_id in self.with_agent
            assert not (queued and held), "a task is in two places"
            assert queued == (task.state is TaskState.QUEUED)
            assert held == (task.state >= TaskState.PRE_CALL)
            assert waiting[task_id] == len(task.entries)
        assert set(+waiting) <= living
        for domain in state.domains.values():
            held_here = [
                t for t, place in self.with_agent.items() if place == (domain.key.skill_target_id, domain.mrd.id)
            ]
            assert set(held_here) == set(domain.tasks)
            assert domain.tally.total == len(domain.tasks)
            assert domain.signed_in or not domain.tasks
            if domain.pooled is not None:
                assert len(domain.tasks) < domain.max_task_limit
                for member in domain.memberships:
                    assert member.queue.head(member.level, domain.key.skill_target_id) is None, (
                        "a task waits where an agent is free"
                    )
            published = domain.published
            view = self.site.engine.agent_view(*domain.key, self.site.now)
            if published is not None and view is not None:
                assert (published.state, published.routable, published.max_task_limit, published.availability) == (
                    view.state,
                    view.routable,
                    view.max_task_limit,
                    view.availability,
                )
        self.interrupts.check(
            self.site, {place[0] for place in self.with_agent.values() if not self.interruptible[place]}
        )
        assert sum(n for (_, s), n in state.task_counts.items()) == len(living)
        self._check_statistics()
        assert sum(self.site.engine.census().tasks.values()) == len(living)

    def _check_statistics(self) -> None:
        """Semantics 10.1: what was offered to a queue is still there or has one outcome, at every moment."""
        state = state_of(self.site.engine)
        book = state.statistics
        assert set(book.tasks) == set(self.with_agent)
        assert set(self.site.engine.tallies(self.site.now).handled) == {mrd.name for mrd in state.mrds.values()}
        for label, ledger in book.queues.items():
            queue = state.queues[label, ledger.mrd_id]
            numbers = ledger.total
            assert numbers.offered == sum(getattr(numbers, outcome) for outcome in OUTCOMES) + ledger.open, label
            assert ledger.waiting == len(queue.tasks)
            with_agents = [account for account in book.tasks.values() if account.queue is ledger]
            assert ledger.in_progress == sum(account.started for account in with_agents)
            assert ledger.ringing == len(with_agents) - ledger.in_progress
            assert ledger.routed_elsewhere == sum(ledger in account.elsewhere for account in book.tasks.values())
            assert len(ledger.fresh) <= ledger.waiting + ledger.ringing
            assert numbers.answered == numbers.handled + ledger.in_progress
            waited = sum(self.site.now - place.entered_at for place in queue.tasks.values())
            assert ledger.waited_s(self.site.now) == pytest.approx(waited)


@hypothesis_settings(max_examples=300, deadline=None)
@given(histories)
def test_invariants_hold_after_every_step(history: list[tuple[Any, ...]]) -> None:
    played = History()
    for step in history:
        played.play(step)
        played.check()


@hypothesis_settings(max_examples=150, deadline=None)
@given(histories, histories)
def test_facts_alone_rebuild_a_state_that_goes_on_alike(
    history: list[tuple[Any, ...]], sequel: list[tuple[Any, ...]]
) -> None:
    played = History()
    for step in history:
        played.play(step)
    recorded = [(fact, now) for fact, now in played.site.history if is_fact(fact)]
    rebuilt = rebuild(played.site.settings, "A", recorded)
    assert portrait(rebuilt) == portrait(played.site.engine)
    begin = len(played.site.inputs)
    for step in sequel:
        played.play(step)
    for item, now in played.site.inputs[begin:]:
        rebuilt.handle(item, now)
    assert portrait(rebuilt) == portrait(played.site.engine)


@hypothesis_settings(max_examples=100, deadline=None)
@given(histories)
def test_same_inputs_give_the_same_events(history: list[tuple[Any, ...]]) -> None:
    played = History()
    for step in history:
        played.play(step)
    again = Engine(played.site.settings)
    replayed = [(event, now) for item, now in played.site.inputs for event in again.handle(item, now)]
    assert replayed == played.site.history


def test_a_site_where_nothing_is_configured_refuses_everything_and_waits_for_nothing() -> None:
    engine = Engine(RoutingSettings())
    assert engine.next_deadline() is None
    assert engine.handle(inputs.DeadlinesPassed(), 1.0) == []
    assert engine.agent_view(1, CHAT, 1.0) is None
    assert engine.agent_by_number(PERIPHERAL, "1") is None


def interrupted_client(number_: int) -> Iterator[tuple[Any, ...]]:
    """A client is back with an agent at a chat and at two mails that it interrupted."""
    interrupted = STATES_TOLD.index(TaskState.INTERRUPTED)
    for mrd_ in (CHAT, EMAIL):
        yield "login", number_, mrd_, 2
        yield "ready", number_, mrd_, 1
    yield "begin_init", DESKTOP, number_, CHAT, 0
    yield "init_new", DESKTOP, number_, CHAT, STATES_TOLD.index(TaskState.ACTIVE)
    for _ in range(2):
        yield "init_new", DESKTOP, number_, EMAIL, interrupted
    yield "end_init", DESKTOP, number_, CHAT, 0


def random_steps(seed: int, count: int) -> Iterator[tuple[Any, ...]]:
    """A long history; Hypothesis makes short ones that shrink, this one goes where only long ones come."""
    chance = Random(seed)
    for _ in range(count):
        roll = chance.random()
        if roll < 0.3:
            service = chance.choice((0, 0, 0, 2, 3, 4, 6))
            where = chance.choice((WEB, WEB, SECOND_WEB))
            more = service, chance.choice(("", "x", "y")), chance.choice((None, None, 101, 103))
            yield "task", chance.choice(SELECTORS), chance.randint(1, 30), where, chance.choice((b"", b"u")), *more
        elif roll < 0.45:
            often = ("login", "ready", "ready", "routable", "not_routable", "own_start")
            kind = chance.choice((*often, *often, "not_ready", "own_offer", "limit", "override"))
            yield kind, chance.choice(AGENTS), chance.choice((CHAT, EMAIL)), chance.randint(1, 3)
        elif roll < 0.47:
            yield "answer", chance.random() < 0.7
        elif roll < 0.48:
            yield chance.choice(("accept", "decline", "done")), chance.choice(AGENTS), EMAIL, 1
        elif roll < 0.8:
            yield (
                chance.choice(("offer", "start", "start", "pause", "resume", "wrap_up", "end", "update")),
                chance.randint(0, 5),
            )
        elif roll < 0.86:
            kind = chance.choice(REPLAY_KINDS)
            where = chance.choice((DESKTOP, DESKTOP, SECOND_DESKTOP))
            yield kind, where, chance.choice(AGENTS), chance.choice((CHAT, EMAIL)), chance.randint(0, 9)
        elif roll < 0.94:
            yield "time", chance.choice((0.0, 0.5, 1.0, 1.0, 10.0))
        elif roll < 0.955:
            yield "resend", chance.randint(0, 5), chance.choice((WEB, SECOND_WEB))
        elif roll < 0.965:
            yield chance.choice(("cancel", "result")), chance.randint(1, 30), chance.choice((WEB, SECOND_WEB))
        elif roll < 0.968:
            yield from interrupted_client(chance.choice(AGENTS))
        elif roll < 0.975:
            yield "set_state", chance.choice(AGENTS), chance.choice((1, 2, 3, 14)), chance.random() < 0.3
        elif roll < 0.979:
            yield "reload", chance.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 2))
        elif roll < 0.98:
            yield "logout", chance.choice(AGENTS), chance.choice((CHAT, EMAIL)), 1
        else:
            what = chance.choice(("lose_web", "open_web", "open_web", "lose_arm", "lose_arm", "open_arm", "open_arm"))
            second = chance.random() < 0.5
            sessions = (WEB, SECOND_WEB) if what.endswith("web") else (DESKTOP, SECOND_DESKTOP)
            yield what, sessions[second]


@pytest.mark.parametrize("seed", range(2))
def test_invariants_hold_through_a_long_history_that_meets_every_kind_of_event(seed: int) -> None:
    played = History()
    for step in random_steps(seed, 12_000):
        played.play(step)
        played.check()
    met = {type(event) for event, _ in played.site.history}
    assert {kind.__name__ for kind in typing.get_args(Event)} - {kind.__name__ for kind in met} == set()
    rebuilt = rebuild(played.site.settings, "A", played.site.history)
    assert portrait(rebuilt) == portrait(played.site.engine)
    deadlines = state_of(played.site.engine).deadlines
    assert len(deadlines) <= 4 * (len(state_of(played.site.engine).tasks) + len(AGENTS) * 2)
