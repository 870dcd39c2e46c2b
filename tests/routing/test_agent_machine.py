"""The agent's state machine in one domain: every state and every input, as a table (semantics 2.4, 4).

The table is written from the texts, not from the code. The domain is email, which may be interrupted by a chat.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from ctigw.routing import events, inputs
from ctigw.routing.facts import Event
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import AgentState
from routing_site import CHAT, DESKTOP, EMAIL, PATH, Site, of, only, settings

ADA = 101
START_TIMEOUT_S, DURATION_S, TASK_LIFE_S = 30.0, 100.0, 1200.0
UNKNOWN_TASK = TaskId(1, 1, 1)

STATES = {
    "LO": AgentState.LOGOUT,
    "NR": AgentState.NOT_READY,
    "NA": AgentState.NOT_ACTIVE,
    "RP": AgentState.RESERVED,  # pre-call
    "RO": AgentState.RESERVED,  # offered
    "AC": AgentState.ACTIVE,
    "PA": AgentState.PAUSED,
    "WR": AgentState.WORK_READY,
    "IN": AgentState.INTERRUPTED,  # the task was active
    "NB": AgentState.NOT_READY,  # with an active task beneath
    "WN": AgentState.WORK_NOT_READY,  # with an active task; another client of the path is back
}

TABLE = """
                 LO   NR   NA   RP   RO   AC   PA   WR   IN   NB   WN
login            NR   x1   x1   x1   x1   x1   x1   x1   x1   x1   AC/1
logout           x6   LO   LO   LO   LO   LO   LO   LO   LO   LO   LO
ready            x6   NA   =    =    =    =    =    =    =    AC   x19
not_ready        x6   =    NR   NR   NR   NR   NR   NR   NR   =    x19
routable         x6   =    =    =    =    =    =    =    =    =    x19
not_routable     x6   =    =    =    =    =    =    =    =    =    x19
task             =    =    RP   =    =    =    =    =    =    =    =
offer            x18  x18  x18  =    x19  x19  x19  x19  x30  x19  x19
start            x18  x18  x18  AC   AC   x19  x19  x19  x30  x19  x19
pause            x18  x18  x18  x19  x19  PA   x19  x19  x30  =    =
resume           x18  x18  x18  x19  x19  x19  AC   x19  x30  x19  x19
wrap_up          x18  x18  x18  x19  x19  WR   WR   x19  x30  =    =
end              x18  x18  x18  NA   NA   NA   NA   NA   x30  =    =
accept           x6   x19  x19  x19  x19  x19  x19  x19  x19  x19  x19
decline          x6   x19  x19  x19  x19  x19  x19  x19  x19  x19  x19
done             x6   x19  x19  x19  x19  x19  x19  x19  x19  x19  x19
start_timeout    =    =    =    NA   NA   =    =    =    =    =    =
duration         =    =    =    NA   NA   NA   NA   NA   =    =    =
path_lost        =    WN   WN   WN   WN   WN   WN   WN   WN   WN   =
task_life        =    =    =    NA   NA   NA   NA   NA   =    =    LO
"""
"""Row: input. Column: state before. Cell: state after; `=` the same; `xN` refused with ARM status N, state the same;
`AC/1` state and status. Hours pass in `duration` and `task_life`: what was chosen is taken back, what was active ends.
"""

MODES = {
    "login": {"LO": 1, "WN": 1},
    "logout": dict.fromkeys(STATES, 0),
    "ready": {},
    "not_routable": dict.fromkeys(STATES, 0) | {"RP": 1, "RO": 1},  # deferred until the task has started
    "start_timeout": {"RP": 0, "RO": 0},
    "duration": {"RP": 0, "RO": 0},
    "task_life": {"RP": 0, "RO": 0},
    "path_lost": dict.fromkeys(STATES, 0),
}
"""Mode after an input, by state before; where nothing is written it stays: 1, and 0 in LOGOUT and WORK_NOT_READY."""

ASSIGNED = {"NA", "RP", "RO", "AC", "PA", "WR"}
"""Where the router gives the agent a task that comes (semantics 2.2): ready, routable, not INTERRUPTED, a slot free."""

REPORTS: dict[str, type[inputs.AgentReport]] = {
    "logout": inputs.MediaLogout,
    "ready": inputs.MakeAgentReady,
    "not_ready": inputs.MakeAgentNotReady,
    "routable": inputs.MakeAgentRoutable,
    "not_routable": inputs.MakeAgentNotRoutable,
    "accept": inputs.AcceptInterrupt,
    "decline": inputs.DeclineInterrupt,
    "done": inputs.AcceptInterruptDone,
}
TASK_REPORTS: dict[str, type[inputs.TaskReport]] = {
    "offer": inputs.OfferTask,
    "start": inputs.StartTask,
    "pause": inputs.PauseTask,
    "resume": inputs.ResumeTask,
    "wrap_up": inputs.WrapUpTask,
    "end": inputs.EndTask,
}
PASSING = {"start_timeout": START_TIMEOUT_S, "duration": DURATION_S, "task_life": TASK_LIFE_S}


class Case(NamedTuple):
    before: str
    given: str
    after: str
    status: int


def cases() -> list[Case]:
    lines = [line.split() for line in TABLE.strip().splitlines()]
    columns, rows = lines[0], lines[1:]
    found = []
    for given, *cells in rows:
        assert len(cells) == len(columns)
        for before, cell in zip(columns, cells, strict=True):
            state, _, status = cell.partition("/")
            if cell.startswith("x"):
                state, status = "=", cell[1:]
            found.append(Case(before, given, before if state == "=" else state, int(status or 0)))
    return found


def site_in(before: str) -> tuple[Site, TaskId]:
    """A site whose agent is in this state; the agent's task, or one that is not there."""
    site = Site(settings(email={"max_task_duration_s": DURATION_S}))
    if before == "LO":
        return site, UNKNOWN_TASK
    if before == "NR":
        site.sign_in(ADA, mrd=EMAIL, limit=3)
        return site, UNKNOWN_TASK
    site.ready(ADA, mrd=EMAIL, limit=3)
    if before == "NA":
        return site, UNKNOWN_TASK
    task_id = only(site.task("e8000"), events.AgentChosen).task_id
    assert isinstance(task_id, TaskId)
    ways: dict[str, list[str]] = {"RP": [], "RO": ["offer"], "PA": ["start", "pause"], "WR": ["start", "wrap_up"]}
    for kind in ways.get(before, ["start"]):
        site.about(TASK_REPORTS[kind], ADA, task_id, EMAIL)
    if before == "IN":
        chat_starts(site)
        site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    elif before == "NB":
        site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
    elif before == "WN":
        site.say(inputs.ArmClientLost(DESKTOP))
        site.say(inputs.ArmClientOpened(DESKTOP, PATH))
    return site, task_id


def chat_starts(site: Site) -> TaskId:
    site.ready(ADA)
    chat = only(site.task(), events.AgentChosen).task_id
    assert isinstance(chat, TaskId)
    site.about(inputs.StartTask, ADA, chat)
    return chat


def give(site: Site, given: str, task_id: TaskId) -> list[Event]:
    if given == "login":
        return site.sign_in(ADA, mrd=EMAIL, limit=3)
    if given in REPORTS:
        return site.report(REPORTS[given], ADA, EMAIL)
    if given in TASK_REPORTS:
        return site.about(TASK_REPORTS[given], ADA, task_id, EMAIL)
    if given == "task":
        return site.task("e8000")
    if given == "path_lost":
        return site.say(inputs.ArmClientLost(DESKTOP))
    return site.pass_time(PASSING[given])


def mode(site: Site) -> bool:
    view = site.engine.agent_view(ADA, EMAIL, site.now)
    assert view is not None
    return view.routable


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.before}-{case.given}")
def test_2_4_every_input_in_every_state(case: Case) -> None:
    site, task_id = site_in(case.before)
    assert site.state(ADA, EMAIL) is STATES[case.before]
    routable = mode(site)
    assert routable == (case.before not in ("LO", "WN"))
    happened = give(site, case.given, task_id)
    assert site.state(ADA, EMAIL) is STATES[case.after]
    refused = [event.status for event in of(happened, events.ReportAnswered) if event.status]
    assert refused == ([case.status] if case.status else [])
    assert mode(site) == MODES.get(case.given, {}).get(case.before, routable)
    assert (len(of(happened, events.AgentChosen)) == 1) == (case.given == "task" and case.before in ASSIGNED)
    told = [event.view.state for event in of(happened, events.AgentStateChanged) if event.view.mrd_id == EMAIL]
    assert told[-1:] == [STATES[case.after]] or not told
    assert bool(told) or STATES[case.after] is STATES[case.before]


def test_the_table_has_every_state_and_every_input() -> None:
    assert {case.before for case in cases()} == set(STATES)
    given = {"login", "task", "path_lost"} | REPORTS.keys() | TASK_REPORTS.keys() | PASSING.keys()
    assert {case.given for case in cases()} == given
    assert len(cases()) == len(STATES) * len(given)
    assert {STATES[case.after] for case in cases()} == {
        state
        for state in AgentState
        # LOGIN is passed at once, BUSY_OTHER is of queues, AVAILABLE of voice, UNKNOWN not for our own clients.
        if state.name not in ("LOGIN", "BUSY_OTHER", "AVAILABLE", "UNKNOWN")
    }


@pytest.mark.parametrize("before", ["RP", "RO", "AC", "PA", "WR"])
@pytest.mark.parametrize(("answer", "after"), [("accept", "IN"), ("decline", "=")])
def test_2_4_interrupt_advisory_accepted_or_not(before: str, answer: str, after: str) -> None:
    site, task_id = site_in(before)
    chat_starts(site)
    assert of(give(site, answer, task_id), events.ReportAnswered) == []
    assert site.state(ADA, EMAIL) is STATES[before if after == "=" else after]


@pytest.mark.parametrize("before", ["RP", "RO", "AC", "PA", "WR"])
def test_2_4_interrupt_done_gives_the_state_of_the_tasks_back(before: str) -> None:
    site, task_id = site_in(before)
    chat = chat_starts(site)
    give(site, "accept", task_id)
    site.about(inputs.EndTask, ADA, chat)
    assert site.state(ADA, EMAIL) is AgentState.INTERRUPTED
    assert of(give(site, "done", task_id), events.ReportAnswered) == []
    assert site.state(ADA, EMAIL) is STATES[before]


@pytest.mark.parametrize(
    ("before", "after"),
    [("NR", "NR"), ("NA", "NR"), ("RP", "RP"), ("RO", "RO"), ("AC", "AC"), ("PA", "PA"), ("WR", "WR"), ("NB", "AC")],
)
def test_2_4_sign_in_after_path_lost_gives_the_state_of_the_tasks_or_not_ready(before: str, after: str) -> None:
    site, _ = site_in(before)
    site.say(inputs.ArmClientLost(DESKTOP))
    assert site.state(ADA, EMAIL) is AgentState.WORK_NOT_READY
    site.say(inputs.ArmClientOpened(DESKTOP, PATH))
    site.sign_in(ADA, mrd=EMAIL, limit=3)
    assert (site.state(ADA, EMAIL), mode(site)) == (STATES[after], True)


@pytest.mark.parametrize("end", ["end", "duration"])
def test_2_4_end_of_the_last_task_leaves_not_ready_as_it_is(end: str) -> None:
    site, task_id = site_in("NB")
    give(site, end, task_id)
    assert site.state(ADA, EMAIL) is AgentState.NOT_READY
    site.report(inputs.MakeAgentReady, ADA, EMAIL)
    assert site.state(ADA, EMAIL) is AgentState.NOT_ACTIVE


@pytest.mark.parametrize(
    ("others", "first", "last"),
    [
        (("AC",), "pause", AgentState.ACTIVE),
        (("AC",), "wrap_up", AgentState.ACTIVE),
        (("PA",), "pause", AgentState.PAUSED),
        (("PA",), "wrap_up", AgentState.WORK_READY),
        (("WR", "PA"), "pause", AgentState.WORK_READY),
        (("PA",), "end", AgentState.PAUSED),
        (("RP",), "end", AgentState.RESERVED),
        (("RP",), "pause", AgentState.PAUSED),
    ],
)
def test_2_4_pause_wrap_up_and_end_of_one_of_several_tasks(
    others: tuple[str, ...], first: str, last: AgentState
) -> None:
    """PAUSED is all tasks paused, WORK_READY no task active (rows `PAUSE (all)` and `WRAPUP (no other active)`)."""
    site, task_id = site_in("AC")
    reached: dict[str, Callable[[TaskId], object]] = {
        "RP": lambda other: None,
        "AC": lambda other: site.about(inputs.StartTask, ADA, other, EMAIL),
        "PA": lambda other: [site.about(kind, ADA, other, EMAIL) for kind in (inputs.StartTask, inputs.PauseTask)],
        "WR": lambda other: [site.about(kind, ADA, other, EMAIL) for kind in (inputs.StartTask, inputs.WrapUpTask)],
    }
    for other in others:
        reached[other](only(site.task("e8000"), events.AgentChosen).task_id)
    give(site, first, task_id)
    assert site.state(ADA, EMAIL) is last


def test_2_4_pre_call_takes_the_slot_that_the_end_gives_back() -> None:
    site = Site()
    site.ready(ADA, mrd=EMAIL, limit=1)
    task_id = only(site.task("e8000"), events.AgentChosen).task_id
    assert of(site.task("e8000"), events.AgentChosen) == []
    assert len(of(site.about(inputs.EndTask, ADA, task_id, EMAIL), events.AgentChosen)) == 1


@pytest.mark.parametrize("given", ["end", "ready"])
def test_2_4_end_of_the_last_task_and_ready_restart_the_clock_of_the_longest_available(given: str) -> None:
    """101 was available before 102; what restarts his clock makes 102 the next."""
    site = Site()
    site.ready(ADA, 102, mrd=EMAIL, limit=2)
    site.now += 10
    if given == "end":
        site.about(inputs.EndTask, ADA, only(site.task("e8000"), events.AgentChosen).task_id, EMAIL)
    else:
        site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
        site.report(inputs.MakeAgentReady, ADA, EMAIL)
    assert only(site.task("e8000"), events.AgentChosen).skill_target_id == 102


def test_2_4_not_ready_leaves_the_queues_and_keeps_open_tasks() -> None:
    site, task_id = site_in("AC")
    site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
    assert of(site.task("e8000"), events.AgentChosen) == []
    assert len(of(site.about(inputs.PauseTask, ADA, task_id, EMAIL), events.TaskPaused)) == 1


def test_2_4_not_routable_while_offered_is_answered_late() -> None:
    site, task_id = site_in("RO")
    assert of(give(site, "not_routable", task_id), events.ReportAnswered) == []
    started = give(site, "start", task_id)
    assert [event.status for event in of(started, events.ReportAnswered)] == [0]
    assert (site.state(ADA, EMAIL), mode(site)) == (AgentState.ACTIVE, False)


def test_2_4_start_timeout_is_told_with_170_and_19() -> None:
    site, task_id = site_in("RO")
    late = give(site, "start_timeout", task_id)
    assert only(late, events.AgentMadeNotRoutable) == events.AgentMadeNotRoutable(EMAIL, ADA)
    assert only(late, events.TaskEnded).disposition == 19


def test_2_4_sign_in_again_sets_the_limit_and_leaves_the_rest() -> None:
    site, _ = site_in("AC")
    again = site.sign_in(ADA, mrd=EMAIL, limit=7)
    assert only(again, events.ReportAnswered).status == 1
    view = only(again, events.AgentStateChanged).view
    assert (view.max_task_limit, view.state, view.num_tasks) == (7, AgentState.ACTIVE, 1)


def test_2_4_domains_have_states_of_their_own() -> None:
    site, _ = site_in("PA")
    site.sign_in(ADA)
    assert (site.state(ADA, EMAIL), site.state(ADA, CHAT)) == (AgentState.PAUSED, AgentState.NOT_READY)
    site.report(inputs.MediaLogout, ADA)
    assert (site.state(ADA, EMAIL), site.state(ADA, CHAT)) == (AgentState.PAUSED, AgentState.LOGOUT)
