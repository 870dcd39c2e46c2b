"""Explanations as sentences.

Knows words for what the engine found (`ctigw.routing.explanations`), and which message would change it. Pure: the same
explanation gives the same words; instants are shown as UTC times of day. Must not know how the engine finds anything,
nor show variables of customers (design 7).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from ctigw.config.routing import Agent
from ctigw.routing.events import AgentChosen
from ctigw.routing.explanations import (
    AgentExplanation,
    DomainExplanation,
    Finding,
    PairExplanation,
    TaskExplanation,
)
from ctigw.routing.inputs import TaskId
from ctigw.routing.terms import Choice, ModeCause, Obstacle, QueueRef, TaskState, Way

CAUSES = {
    ModeCause.SIGN_IN: "as signed in",
    ModeCause.REQUEST: "at the request of the agent's application",
    ModeCause.START_TIMEOUT: "made so by a start timeout",
    ModeCause.PATH_DOWN: "made so because the application path went down",
    ModeCause.SIGN_OUT: "made so by signing out",
}
FACTS = {
    Obstacle.SIGNED_OUT: "signed out of {mrd}",
    Obstacle.PATH_DOWN: "the application path of {mrd} is down",
    Obstacle.NOT_READY: "not ready in {mrd}",
    Obstacle.INTERRUPTED: "interrupted in {mrd}",
    Obstacle.NO_SLOT: "no slot free in {mrd}",
    Obstacle.FOREIGN_TASK: "busy with a task of {elsewhere}, which may not be interrupted",
    Obstacle.NOT_ROUTABLE: "not routable in {mrd}",
    Obstacle.TEMPORARILY_NOT_ROUTABLE: "left alone by the router until all tasks of now are done",
    Obstacle.DEFERRED: "about to become not routable in {mrd}",
    Obstacle.NO_MEMBER: "member of none of the task's queues",
    Obstacle.STEP_NOT_REACHED: "the task has not reached the agent's step of the precision queue",
    Obstacle.GAVE_IT_BACK: "gave this task back, and never gets it again",
    Obstacle.HELD: "the task is held for its routing client, which is lost",
}
CHANGES = {
    Obstacle.SIGNED_OUT: "MEDIA_LOGIN_REQ and MAKE_AGENT_READY_IND",
    Obstacle.PATH_DOWN: "a new agent reporting session and MEDIA_LOGIN_REQ",
    Obstacle.NOT_READY: "MAKE_AGENT_READY_IND",
    Obstacle.INTERRUPTED: "the end of the interrupting task",
    Obstacle.NO_SLOT: "END_TASK_IND or CHANGE_MAX_TASK_LIMIT_REQ",
    Obstacle.FOREIGN_TASK: "the end of that task",
    Obstacle.NOT_ROUTABLE: "MAKE_AGENT_ROUTABLE_IND",
    Obstacle.TEMPORARILY_NOT_ROUTABLE: "the end of those tasks",
    Obstacle.DEFERRED: "MAKE_AGENT_ROUTABLE_IND once it is so",
    Obstacle.NO_MEMBER: "the configuration of queues and attributes, or another queue in the script",
    Obstacle.STEP_NOT_REACHED: "the wait of the task's step running out",
    Obstacle.GAVE_IT_BACK: "nothing",
    Obstacle.HELD: "the application's NEW_TASK on a new connection",
}
"""What would take each obstacle away."""


def clock(instant: float) -> str:
    """UTC time of day."""
    return datetime.fromtimestamp(instant, UTC).strftime("%H:%M:%S")


def task_name(task_id: TaskId) -> str:
    """DAY:KEY:SEQ."""
    return ":".join(map(str, task_id))


def agent_name(agent: Agent) -> str:
    """Name and number; the number alone where there is no name."""
    name = agent.name or agent.id
    return f"{name} ({agent.id})" if name != agent.id else agent.id


def finding_sentence(found: Finding, mrd_name: str) -> str:
    """The fact, since when, and what would change it."""
    text = FACTS[found.obstacle].format(mrd=mrd_name, elsewhere=found.elsewhere)
    if found.since is None and found.obstacle is Obstacle.SIGNED_OUT:
        text = f"never signed in to {mrd_name}"
    elif found.since:
        text += f" since {clock(found.since)}"
    if found.cause is not None:
        text += f", {CAUSES[found.cause]}"
    if found.reason_code:
        text += f", reason {found.reason_code}"
    if found.limit:
        text += f", {found.tasks} of {found.limit} tasks"
    return f"{text}; {CHANGES[found.obstacle]} would change it"


def choice_sentence(choice: Choice, queue: QueueRef | None) -> str:
    """Why a task went to its agent."""
    where = "" if queue is None else f" in {queue.label}" + (f" step {choice.step}" if choice.step else "")
    slots = f"{choice.free_slots} free slot{'' if choice.free_slots == 1 else 's'}"
    score = f"score {choice.score}, " if choice.score else ""
    rank = f"{score}{slots}, available since {clock(choice.available_since)}"
    match choice.way:
        case Way.TASK_CAME:
            others = f", {choice.queues} queues had somebody" if choice.queues > 1 else ""
            return f"the task looked for an agent{where}: first of {choice.candidates} ({rank}){others}"
        case Way.AGENT_CAME:
            others = f", {choice.queues} queues had one" if choice.queues > 1 else ""
            place = f"priority {choice.priority}, waiting since {clock(choice.queued_at)}"
            return f"the agent could take a task{where}: first of {choice.candidates} waiting ({place}){others}; {rank}"
        case Way.PREFERRED:
            return f"the script gave it to the agent preferred ({rank})"
    return f"the agent picked it ({slots}, those beyond the limit included)"


def chosen_sentence(event: AgentChosen, agent: Agent) -> str:
    """One line about a task that has been routed."""
    return f"task {task_name(event.task_id)} goes to {agent_name(agent)}: {choice_sentence(event.choice, event.queue)}"


def pair_sentence(pair: PairExplanation) -> str:
    """Why the task does not go to the agent."""
    who, task = agent_name(pair.agent), task_name(pair.task_id)
    if pair.has_it:
        return f"{who} is the agent of task {task}, {pair.state.name.lower()}"
    if pair.finding is not None:
        return f"{who} is not considered: {finding_sentence(pair.finding, pair.mrd_name)}"
    if pair.state in (TaskState.PENDING, TaskState.QUEUED):
        return f"{who} is not considered: task {task} stands in no queue yet"
    return f"{who} is not considered: task {task} waits no more, it is {pair.state.name.lower()}"


def task_sentences(seen: TaskExplanation) -> Iterator[str]:
    """Where the task is and why, the most important first."""
    yield f"task {task_name(seen.task_id)} of {seen.mrd_name}, selector {seen.selector}: {seen.state.name.lower()}"
    if seen.agent is not None:
        if seen.choice is not None:
            yield f"it went to {agent_name(seen.agent)}: {choice_sentence(seen.choice, seen.queue)}"
        elif seen.assigned_by_application:
            yield f"its application assigned it to {agent_name(seen.agent)} itself"
    elif seen.label is not None:
        yield f"the script answered it with label {seen.label}"
    elif not seen.entries:
        yield "it stands in no queue yet: its script has not come to one"
    if seen.queued_at is not None:
        yield f"it waits since {clock(seen.queued_at)}"
    for entry in seen.entries:
        step = f", step {entry.step}" if entry.step else ""
        place = f"priority {entry.priority}{step}, {entry.before} of {entry.waiting} tasks of a better priority"
        yield f"in {entry.queue.label}: {place}"
    for found, number in sorted(seen.obstacles.items()):
        yield f"{number} agent{'' if number == 1 else 's'}: {found.name.lower().replace('_', ' ')}"
    if seen.entries and not seen.obstacles:
        yield f"nobody has signed in to {seen.mrd_name}"
    for pair in seen.candidates:
        yield pair_sentence(pair)
    if not seen.all_looked_at:
        yield "there are more agents than one explanation looks at"


def agent_sentences(seen: AgentExplanation) -> Iterator[str]:
    """Why the agent is idle, domain by domain."""
    if not seen.domains:
        yield f"{agent_name(seen.agent)} never signed in; {CHANGES[Obstacle.SIGNED_OUT]} would change it"
    for domain in seen.domains:
        yield f"{agent_name(seen.agent)} in {domain.mrd_name}: {_domain_sentence(domain)}"


def _domain_sentence(domain: DomainExplanation) -> str:
    text = f"{domain.state.name.lower().replace('_', ' ')}, {len(domain.tasks)} of {domain.limit} tasks; "
    if domain.finding is not None:
        return text + finding_sentence(domain.finding, domain.mrd_name)
    if not domain.queues:
        return text + "available, but member of no queue of this domain"
    waiting = [f"{queue.queue.label} {queue.waiting}" for queue in domain.queues if queue.waiting]
    text += f"available since {clock(domain.available_since)}, and no task for the agent waits"
    return text + (f" (there are tasks, but not for this agent: {', '.join(waiting)})" if waiting else "")
