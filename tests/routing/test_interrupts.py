"""Interrupts (semantics 4): chat may not be interrupted, email may."""

import attrs
import pytest

from ctigw.config.routing import ApplicationPath, ApplicationPathMember, MediaRoutingDomain
from ctigw.routing import events, facts, inputs
from ctigw.routing.apply import is_fact
from ctigw.routing.engine import rebuild
from ctigw.routing.facts import Event
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import AgentState, Availability, ReportStatus, TaskState
from routing_site import CHAT, DESKTOP, EMAIL, PATH, PERIPHERAL, Script, Site, names, of, only, public, settings, views

SECOND = 22
NEWS = 5003
ADA = 101
REFUSED = ReportStatus.NOT_VALID_AFTER_INTERRUPT_ADVISORY_ACCEPT
SEQUENCE = ReportStatus.INVALID_MESSAGE_SEQUENCE


def status(happened: list[Event]) -> ReportStatus:
    answered = only(happened, events.ReportAnswered).status
    assert isinstance(answered, ReportStatus)
    return answered


def start(site: Site, selector: str, mrd: int) -> TaskId:
    """A task that the agent has started."""
    task_id = only(site.task(selector), events.AgentChosen).task_id
    assert isinstance(task_id, TaskId)
    site.about(inputs.StartTask, ADA, task_id, mrd)
    return task_id


def at_mail(*, mails: int = 1, chats: int = 2) -> tuple[Site, list[TaskId]]:
    """An agent with started mails, ready for chats."""
    site = Site()
    site.ready(ADA, mrd=EMAIL, limit=mails + 2)
    site.ready(ADA, limit=chats)
    return site, [start(site, "e8000", EMAIL) for _ in range(mails)]


def interrupted(*, mails: int = 1) -> tuple[Site, list[TaskId], TaskId]:
    """The same agent with a chat, mails interrupted."""
    site, ids = at_mail(mails=mails)
    chat = start(site, "8000", CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert site.state(ADA, EMAIL) is AgentState.INTERRUPTED
    return site, ids, chat


def test_start_of_a_chat_interrupts_mail_and_neither_choice_nor_offer_does() -> None:
    site, _ = at_mail()
    chosen = site.task()
    chat = only(chosen, events.AgentChosen).task_id
    assert of(chosen, events.AgentInterruptAdvised) == []
    assert of(site.about(inputs.OfferTask, ADA, chat), events.AgentInterruptAdvised) == []
    started = site.about(inputs.StartTask, ADA, chat)
    assert public(started) == ["TaskStarted", "AgentInterruptAdvised", "AgentStateChanged"]
    assert only(started, events.AgentInterruptAdvised) == events.AgentInterruptAdvised(EMAIL, ADA, CHAT)
    assert site.state(ADA, EMAIL) is AgentState.ACTIVE  # nothing changes before the answer


def test_chat_that_nobody_starts_interrupts_nobody() -> None:
    site, _ = at_mail()
    site.task()
    assert [name for name in names(site.pass_time(30)) if "Interrupt" in name] == []
    assert site.state(ADA, EMAIL) is AgentState.ACTIVE


def test_accepted_interrupt_makes_agent_and_started_tasks_interrupted_and_others_not() -> None:
    site, mails = at_mail(mails=3)
    site.about(inputs.PauseTask, ADA, mails[1], EMAIL)
    site.about(inputs.WrapUpTask, ADA, mails[2], EMAIL)
    offered, announced = (only(site.task("e8000"), events.AgentChosen).task_id for _ in range(2))
    site.about(inputs.OfferTask, ADA, offered, EMAIL)
    start(site, "8000", CHAT)
    accepted = site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert public(accepted) == ["AgentStateChanged"]  # no event of tasks
    assert views(accepted) == [(ADA, EMAIL, AgentState.INTERRUPTED, True)]
    view = only(accepted, events.AgentStateChanged).view
    assert (view.num_tasks, view.availability) == (4, Availability.NOT_AVAILABLE)
    assert {state for _, state in view.queues} == {AgentState.INTERRUPTED}
    assert {site.engine.task_state(mail) for mail in mails} == {TaskState.INTERRUPTED}
    assert site.engine.task_state(offered) is TaskState.OFFERED
    assert site.engine.task_state(announced) is TaskState.PRE_CALL
    assert site.engine.census().tasks["email", TaskState.INTERRUPTED] == 3


def test_end_of_the_interrupt_gives_every_task_the_state_that_it_had() -> None:
    site, mails = at_mail(mails=3)
    site.about(inputs.PauseTask, ADA, mails[1], EMAIL)
    site.about(inputs.WrapUpTask, ADA, mails[2], EMAIL)
    chat = start(site, "8000", CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    over = site.about(inputs.EndTask, ADA, chat)
    assert public(over) == ["TaskEnded", "AgentStateChanged", "AgentInterruptOver"]
    assert only(over, events.AgentInterruptOver) == events.AgentInterruptOver(EMAIL, ADA)
    assert site.state(ADA, EMAIL) is AgentState.INTERRUPTED  # until the client has taken note
    closed = site.report(inputs.AcceptInterruptDone, ADA, EMAIL)
    assert views(closed) == [(ADA, EMAIL, AgentState.ACTIVE, True)]
    assert [site.engine.task_state(mail) for mail in mails] == [TaskState.ACTIVE, TaskState.PAUSED, TaskState.WRAPUP]


def test_declined_interrupt_changes_nothing_and_has_no_end() -> None:
    site, mails = at_mail()
    chat = start(site, "8000", CHAT)
    assert public(site.report(inputs.DeclineInterrupt, ADA, EMAIL)) == []
    assert public(site.about(inputs.PauseTask, ADA, mails[0], EMAIL)) == ["TaskPaused", "AgentStateChanged"]
    assert site.state(ADA) is AgentState.ACTIVE
    over = site.about(inputs.EndTask, ADA, chat)
    assert "AgentInterruptOver" not in names(over)
    assert site.state(ADA, EMAIL) is AgentState.PAUSED


def test_every_start_advises_anew_unless_an_advisory_is_open_or_the_agent_is_interrupted() -> None:
    def advised(site: Site) -> int:
        chat = only(site.task(), events.AgentChosen).task_id
        return len(of(site.about(inputs.StartTask, ADA, chat), events.AgentInterruptAdvised))

    site, _ = at_mail(chats=4)
    assert [advised(site), advised(site)] == [1, 0]  # the first waits for its answer
    site.report(inputs.DeclineInterrupt, ADA, EMAIL)
    assert advised(site) == 1
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert advised(site) == 0


def test_interrupt_goes_on_until_the_last_chat_is_gone_also_one_that_is_only_offered() -> None:
    site, _, chat = interrupted()
    second = only(site.task(), events.AgentChosen).task_id
    assert "AgentInterruptOver" not in names(site.about(inputs.EndTask, ADA, chat))
    assert only(site.about(inputs.EndTask, ADA, second), events.AgentInterruptOver).mrd_id == EMAIL


def test_next_chat_given_in_the_same_instant_prolongs_the_interrupt() -> None:
    site, _ = at_mail(chats=1)
    chat = start(site, "8000", CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    site.task()  # waits
    ended = site.about(inputs.EndTask, ADA, chat)
    assert len(of(ended, events.AgentChosen)) == 1
    assert "AgentInterruptOver" not in names(ended)
    assert names(site.pass_time(30))[-1] == "AgentInterruptOver"  # nobody started it


@pytest.mark.parametrize("kind", [inputs.PauseTask, inputs.ResumeTask, inputs.WrapUpTask, inputs.EndTask])
def test_every_action_on_an_interrupted_task_is_refused_with_30(kind: type[inputs.TaskReport]) -> None:
    site, mails, _ = interrupted()
    refused = site.about(kind, ADA, mails[0], EMAIL)
    assert public(refused) == ["ReportAnswered"]
    assert status(refused) is REFUSED


def test_interrupted_agent_can_be_offered_what_was_chosen_but_not_start_it_and_it_is_taken_back() -> None:
    site, _ = at_mail()
    mail = only(site.task("e8000"), events.AgentChosen).task_id
    start(site, "8000", CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert names(site.about(inputs.OfferTask, ADA, mail, EMAIL)) == ["TaskOffered"]
    assert status(site.about(inputs.StartTask, ADA, mail, EMAIL)) is REFUSED
    late = site.pass_time(30)
    assert (only(late, events.TaskEnded).disposition, only(late, events.AgentMadeNotRoutable).mrd_id) == (19, EMAIL)
    assert views(late) == [(ADA, EMAIL, AgentState.INTERRUPTED, False)]


def test_customer_may_take_back_an_offer_to_an_interrupted_agent() -> None:
    site, _ = at_mail()
    mail = only(site.task("e8000"), events.AgentChosen).task_id
    start(site, "8000", CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert only(site.about(inputs.EndTask, ADA, mail, EMAIL, disposition=37), events.TaskEnded).disposition == 37


def test_agent_who_is_only_reserved_becomes_interrupted() -> None:
    site = Site()
    site.ready(ADA, mrd=EMAIL)
    site.ready(ADA)
    mail = only(site.task("e8000"), events.AgentChosen).task_id
    start(site, "8000", CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert site.state(ADA, EMAIL) is AgentState.INTERRUPTED
    assert site.engine.task_state(mail) is TaskState.PRE_CALL


@pytest.mark.parametrize("make", ["idle", "not ready", "signed out"])
def test_agent_without_work_that_could_be_interrupted_is_not_advised(make: str) -> None:
    site = Site()
    site.ready(ADA)
    if make != "signed out":
        site.ready(ADA, mrd=EMAIL)
    if make == "not ready":
        start(site, "e8000", EMAIL)
        site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
    chat = only(site.task(), events.AgentChosen).task_id
    assert of(site.about(inputs.StartTask, ADA, chat), events.AgentInterruptAdvised) == []


def two_interruptible() -> Site:
    """Chat, email, and news, which may be interrupted too."""
    script: Script = ({"op": "queue", "to": ["agent:101"]},)
    base = settings()
    path = ApplicationPath(PATH, (ApplicationPathMember(PERIPHERAL, (CHAT, EMAIL, NEWS)),))
    grown = attrs.evolve(
        settings({"e9": script}),
        media_routing_domains=(*base.media_routing_domains, MediaRoutingDomain(NEWS, "news", interruptible=True)),
        application_paths=(path,),
    )
    selectors = tuple(attrs.evolve(s, mrd=NEWS) if s.value == "e9" else s for s in grown.script_selectors)
    site = Site(attrs.evolve(grown, script_selectors=selectors))
    for mrd in (CHAT, EMAIL, NEWS):
        site.ready(ADA, mrd=mrd)
    return site


def test_domains_that_may_be_interrupted_do_not_interrupt_one_another_and_chat_interrupts_both() -> None:
    site = two_interruptible()
    mail = only(site.task("e8000"), events.AgentChosen).task_id
    assert names(site.about(inputs.StartTask, ADA, mail, EMAIL)) == ["TaskStarted", "AgentStateChanged"]
    news = only(site.task("e9"), events.AgentChosen).task_id
    assert names(site.about(inputs.StartTask, ADA, news, NEWS)) == ["TaskStarted", "AgentStateChanged"]
    chat = only(site.task(), events.AgentChosen).task_id
    advised = of(site.about(inputs.StartTask, ADA, chat), events.AgentInterruptAdvised)
    assert [event.mrd_id for event in advised] == [EMAIL, NEWS]
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    site.report(inputs.DeclineInterrupt, ADA, NEWS)  # each domain has its own answer
    assert (site.state(ADA, EMAIL), site.state(ADA, NEWS)) == (AgentState.INTERRUPTED, AgentState.ACTIVE)
    over = of(site.about(inputs.EndTask, ADA, chat), events.AgentInterruptOver)
    assert [event.mrd_id for event in over] == [EMAIL]


def test_answer_without_an_advisory_is_out_of_sequence() -> None:
    site, _ = at_mail()
    answers = (inputs.AcceptInterrupt, inputs.DeclineInterrupt, inputs.AcceptInterruptDone)

    def statuses() -> list[ReportStatus | None]:
        """Of the three answers, each to a state of its own."""
        found: list[ReportStatus | None] = []
        for kind in answers:
            facts_so_far = [(fact, now) for fact, now in site.history if is_fact(fact)]
            engine = rebuild(site.settings, "A", facts_so_far)
            answered = engine.handle(kind(site.origin(), PATH, EMAIL, ADA), site.now)
            found.append(of(answered, events.ReportAnswered)[0].status if of(answered, events.ReportAnswered) else None)
        return found

    assert statuses() == [SEQUENCE, SEQUENCE, SEQUENCE]
    chat = start(site, "8000", CHAT)
    assert statuses() == [None, None, SEQUENCE]
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert statuses() == [SEQUENCE, SEQUENCE, SEQUENCE]
    site.about(inputs.EndTask, ADA, chat)
    assert statuses() == [SEQUENCE, SEQUENCE, None]
    site.report(inputs.AcceptInterruptDone, ADA, EMAIL)
    assert statuses() == [SEQUENCE, SEQUENCE, SEQUENCE]


def test_advisory_that_the_end_overtakes_is_withdrawn_by_the_advisory_of_the_end() -> None:
    site, mails = at_mail()
    chat = start(site, "8000", CHAT)
    assert names(site.about(inputs.EndTask, ADA, chat))[-1] == "AgentInterruptOver"
    assert status(site.report(inputs.AcceptInterrupt, ADA, EMAIL)) is SEQUENCE
    assert site.engine.task_state(mails[0]) is TaskState.ACTIVE
    assert public(site.report(inputs.AcceptInterruptDone, ADA, EMAIL)) == []


def test_client_that_leaves_the_end_of_an_unaccepted_interrupt_unanswered_is_advised_of_the_next() -> None:
    site, _ = at_mail()
    chat = start(site, "8000", CHAT)
    site.about(inputs.EndTask, ADA, chat)
    again = only(site.task(), events.AgentChosen).task_id
    assert only(site.about(inputs.StartTask, ADA, again), events.AgentInterruptAdvised).mrd_id == EMAIL


def test_chat_that_starts_before_the_end_is_answered_interrupts_again_after_the_answer() -> None:
    site, mails, chat = interrupted()
    site.about(inputs.EndTask, ADA, chat)
    again = start(site, "8000", CHAT)
    closed = site.report(inputs.AcceptInterruptDone, ADA, EMAIL)
    assert public(closed) == ["AgentInterruptAdvised", "AgentStateChanged"]
    assert site.engine.task_state(mails[0]) is TaskState.ACTIVE
    site.about(inputs.EndTask, ADA, again)


def test_no_mail_between_the_end_and_its_answer() -> None:
    site, _, chat = interrupted()
    site.about(inputs.EndTask, ADA, chat)
    assert public(site.task("e8000")) == ["TaskAccepted", "TaskQueued"]
    closed = site.report(inputs.AcceptInterruptDone, ADA, EMAIL)
    assert len(of(closed, events.AgentChosen)) == 1  # what waited


def test_not_ready_stands_above_interrupted_and_the_interrupt_goes_on_beneath() -> None:
    site, mails, chat = interrupted()
    site.report(inputs.MakeAgentNotReady, ADA, EMAIL)
    assert site.state(ADA, EMAIL) is AgentState.NOT_READY
    assert status(site.about(inputs.PauseTask, ADA, mails[0], EMAIL)) is REFUSED
    site.report(inputs.MakeAgentReady, ADA, EMAIL)
    assert site.state(ADA, EMAIL) is AgentState.INTERRUPTED
    assert "AgentInterruptOver" in names(site.about(inputs.EndTask, ADA, chat))


def test_interrupted_task_lives_no_longer_than_another() -> None:
    site = Site(settings(email={"max_task_duration_s": 100.0}))
    site.ready(ADA, mrd=EMAIL)
    site.ready(ADA)
    start(site, "e8000", EMAIL)
    site.pass_time(40)
    start(site, "8000", CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert site.pass_time(59.9) == []
    over = site.pass_time(0.1)
    assert only(over, events.TaskEnded).disposition == 41
    assert site.state(ADA, EMAIL) is AgentState.INTERRUPTED  # the interrupt is not over


def test_end_of_an_interrupt_whose_tasks_are_gone_leaves_the_agent_idle() -> None:
    site = Site(settings(email={"max_task_duration_s": 10.0}))
    site.ready(ADA, mrd=EMAIL)
    site.ready(ADA)
    start(site, "e8000", EMAIL)
    chat = start(site, "8000", CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    site.pass_time(10)
    site.about(inputs.EndTask, ADA, chat)
    site.report(inputs.AcceptInterruptDone, ADA, EMAIL)
    assert site.state(ADA, EMAIL) is AgentState.NOT_ACTIVE


def test_sign_out_of_the_interrupted_domain_ends_its_tasks_and_the_interrupt() -> None:
    site, mails, _ = interrupted()
    gone = site.report(inputs.MediaLogout, ADA, EMAIL)
    assert (only(gone, events.TaskEnded).task_id, only(gone, events.TaskEnded).disposition) == (mails[0], 40)
    site.sign_in(ADA, mrd=EMAIL)
    assert site.state(ADA, EMAIL) is AgentState.NOT_READY
    assert status(site.report(inputs.AcceptInterruptDone, ADA, EMAIL)) is SEQUENCE


def test_sign_out_of_the_interrupting_domain_ends_the_interrupt() -> None:
    site, _, _ = interrupted()
    gone = site.report(inputs.MediaLogout, ADA)
    assert public(gone) == ["TaskEnded", "AgentStateChanged", "AgentInterruptOver"]


def test_interruptible_is_what_it_was_at_sign_in() -> None:
    """The configuration may have changed meanwhile (semantics 1.1): facts of that login say what counts."""
    site = Site(settings(email={"interruptible": False}))
    site.ready(ADA, mrd=EMAIL)
    signed_in = [fact for fact, _ in site.history if isinstance(fact, facts.AgentSignedIn)]
    changed = rebuild(settings(), "A", [(fact, now) for fact, now in site.history if is_fact(fact)])
    site.engine = changed  # email may be interrupted now, but this login is older
    assert [fact.interruptible for fact in signed_in] == [False]
    site.ready(ADA)
    start(site, "e8000", EMAIL)
    assert public(site.task()) == ["TaskAccepted", "TaskQueued"]  # mail counts as before


def test_path_down_and_up_keeps_an_accepted_interrupt_with_the_states_before() -> None:
    site, mails, chat = interrupted()
    site.say(inputs.ArmClientLost(DESKTOP))
    assert site.state(ADA, EMAIL) is AgentState.WORK_NOT_READY
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    back = site.sign_in(ADA, mrd=EMAIL, session=SECOND, limit=5)
    assert views(back) == [(ADA, EMAIL, AgentState.INTERRUPTED, True)]
    site.sign_in(ADA, session=SECOND, limit=2)
    site.about(inputs.EndTask, ADA, chat)
    site.report(inputs.AcceptInterruptDone, ADA, EMAIL)
    assert site.engine.task_state(mails[0]) is TaskState.ACTIVE  # never unknown


def test_interrupt_that_ended_while_the_path_was_down_is_told_at_the_sign_in() -> None:
    site, mails, chat = interrupted()
    site.say(inputs.ArmClientLost(DESKTOP))
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    assert "AgentInterruptOver" not in names(site.about(inputs.EndTask, ADA, chat))
    back = site.sign_in(ADA, mrd=EMAIL, session=SECOND, limit=5)
    assert public(back) == ["ReportAnswered", "AgentStateChanged", "AgentInterruptOver"]
    site.report(inputs.AcceptInterruptDone, ADA, EMAIL)
    assert site.engine.task_state(mails[0]) is TaskState.ACTIVE


def test_end_that_was_told_before_the_path_went_down_is_told_again() -> None:
    site, _, chat = interrupted()
    site.about(inputs.EndTask, ADA, chat)
    site.say(inputs.ArmClientLost(DESKTOP))
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    assert len(of(site.sign_in(ADA, mrd=EMAIL, session=SECOND, limit=5), events.AgentInterruptOver)) == 1


def test_advisory_that_was_open_when_the_path_went_down_is_given_again() -> None:
    site, _ = at_mail()
    start(site, "8000", CHAT)
    site.say(inputs.ArmClientLost(DESKTOP))
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    assert status(site.report(inputs.AcceptInterrupt, ADA, EMAIL)) is SEQUENCE  # not before the sign-in
    assert len(of(site.sign_in(ADA, mrd=EMAIL, session=SECOND, limit=5), events.AgentInterruptAdvised)) == 1


def test_advisory_whose_chat_ended_while_the_path_was_down_is_forgotten() -> None:
    site, _ = at_mail()
    chat = start(site, "8000", CHAT)
    site.say(inputs.ArmClientLost(DESKTOP))
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    site.about(inputs.EndTask, ADA, chat)
    assert public(site.sign_in(ADA, mrd=EMAIL, session=SECOND, limit=5)) == ["ReportAnswered", "AgentStateChanged"]


def test_sign_in_from_another_session_repeats_what_waits_for_an_answer() -> None:
    site, _ = at_mail()
    chat = start(site, "8000", CHAT)
    site.say(inputs.ArmClientOpened(SECOND, PATH))
    again = site.sign_in(ADA, mrd=EMAIL, session=SECOND, limit=3)
    assert only(again, events.AgentInterruptAdvised) == events.AgentInterruptAdvised(EMAIL, ADA, CHAT)
    site.report(inputs.AcceptInterrupt, ADA, EMAIL)
    assert "AgentInterruptAdvised" not in names(site.sign_in(ADA, mrd=EMAIL, session=SECOND, limit=3))
    site.about(inputs.EndTask, ADA, chat)
    assert len(of(site.sign_in(ADA, mrd=EMAIL, session=SECOND, limit=3), events.AgentInterruptOver)) == 1


def test_path_down_for_longer_than_the_task_life_ends_interrupted_tasks_with_42() -> None:
    site, mails, _ = interrupted()
    site.say(inputs.ArmClientLost(DESKTOP))
    over = site.pass_time(1200)
    assert {event.disposition for event in of(over, events.TaskEnded)} == {42}
    assert mails[0] in {event.task_id for event in of(over, events.TaskEnded)}
    assert "AgentInterruptOver" not in names(over)
    assert (site.state(ADA), site.state(ADA, EMAIL)) == (AgentState.LOGOUT, AgentState.LOGOUT)
