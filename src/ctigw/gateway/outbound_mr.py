"""Which event is which message to a channel application (we are its PIM).

Knows the answers of the MR profile; must not know sessions: sequence numbers are the session's business. Rules:
decisions D3, D6, E4, mr.toml, mr-wire section g.
"""

from collections.abc import Callable
from typing import Any

from ctigw.gateway.directory import Directory
from ctigw.gateway.variables import variables_to_mr
from ctigw.routing.events import (
    AgentChosen,
    AnswerRepeated,
    CancelAnswered,
    LabelChosen,
    LabelRepeated,
    RunScriptRequested,
    TaskFailed,
    TaskRejected,
)
from ctigw.routing.inputs import TaskContext
from ctigw.routing.terms import (
    QueueKind,
)
from ctigw.wire import AgentRef, FloatValue, Message, TaskId, mr
from ctigw.wire.values import NULL_INT

ESTIMATED_WAIT_TIME_SCRIPT = "EWT"
"""ScriptID of the RUN_SCRIPT_REQ that carries the estimated wait time, as in the sample of mr-wire section h."""

_UNDEFINED_AGENT = AgentRef(mr.AgentRefKind.UNDEFINED, NULL_INT, NULL_INT, NULL_INT)
_STAMPED_BY_SESSION = 0
"""SendSeqNo: the session numbers what it sends."""


def _context_floats(context: TaskContext) -> list[tuple[int, FloatValue]]:
    """UserToUserInfo as given, then the variables as they now stand (decisions D3)."""
    floating: list[tuple[int, FloatValue]] = []
    if context.user_to_user_info:
        floating.append((mr.DoThisWithTask.USER_TO_USER_INFO, context.user_to_user_info))
    if context.variables:
        floating.extend(variables_to_mr(context.variables))
    return floating


def _agent_answer(directory: Directory, event: AgentChosen | AnswerRepeated) -> mr.DoThisWithTask:
    agent = directory.agents[event.skill_target_id]
    queue = event.queue
    floating: list[tuple[int, FloatValue]] = [
        (mr.DoThisWithTask.SCRIPT_SELECTOR, event.context.script_selector),
        (mr.DoThisWithTask.AGENT_INFO, agent.name),
        (mr.DoThisWithTask.AGENT_NUMBER, agent.id),
    ]
    skill_group = NULL_INT
    if queue is not None and queue.kind is QueueKind.SKILL_GROUP:
        skill_group = queue.id
    elif queue is not None and queue.kind is QueueKind.PRECISION_QUEUE:
        floating.append((mr.DoThisWithTask.PRECISION_QUEUE_ID, queue.id))
    floating += _context_floats(event.context)
    return mr.DoThisWithTask(
        event.dialogue.dialogue_id,
        _STAMPED_BY_SESSION,
        TaskId(*event.task_id),
        skill_group,
        NULL_INT,
        AgentRef(mr.AgentRefKind.SKILL_TARGET_ID, event.skill_target_id, agent.peripheral, NULL_INT),
        floating,
    )


def _label_answer(_: Directory, event: LabelChosen | LabelRepeated) -> mr.DoThisWithTask:
    floating: list[tuple[int, FloatValue]] = [
        (mr.DoThisWithTask.SCRIPT_SELECTOR, event.context.script_selector),
        (mr.DoThisWithTask.LABEL, event.label),
    ]
    floating += _context_floats(event.context)
    return mr.DoThisWithTask(
        event.dialogue.dialogue_id,
        _STAMPED_BY_SESSION,
        TaskId(*event.task_id),
        NULL_INT,
        NULL_INT,
        _UNDEFINED_AGENT,
        floating,
    )


def _failure(_: Directory, event: TaskRejected | TaskFailed) -> mr.NewTaskFailure:
    cause = event.cause_code if isinstance(event, TaskFailed) else 0
    floating: list[tuple[int, FloatValue]] = [(mr.NewTaskFailure.TEXT, event.text)] if event.text else []
    return mr.NewTaskFailure(event.dialogue.dialogue_id, _STAMPED_BY_SESSION, event.reason, cause, floating)


def _run_script(_: Directory, event: RunScriptRequested) -> mr.RunScriptReq:
    wait = event.estimated_wait_time_s
    floating: list[tuple[int, FloatValue]] = [
        (mr.RunScriptReq.SCRIPT_ID, ESTIMATED_WAIT_TIME_SCRIPT),
        (mr.RunScriptReq.ESTIMATED_WAIT_TIME, NULL_INT if wait is None else wait),
    ]
    floating.extend(variables_to_mr(event.context.variables))
    return mr.RunScriptReq(event.dialogue.dialogue_id, _STAMPED_BY_SESSION, event.invoke_id, floating)


def _cancel_answer(_: Directory, event: CancelAnswered) -> mr.CancelTaskConf:
    return mr.CancelTaskConf(event.dialogue.dialogue_id, _STAMPED_BY_SESSION, event.invoke_id, event.status)


_MESSAGES: dict[type[Any], Callable[[Directory, Any], Message]] = {
    AgentChosen: _agent_answer,
    AnswerRepeated: _agent_answer,
    LabelChosen: _label_answer,
    LabelRepeated: _label_answer,
    TaskRejected: _failure,
    TaskFailed: _failure,
    RunScriptRequested: _run_script,
    CancelAnswered: _cancel_answer,
}


def to_application(directory: Directory, event: object) -> tuple[int, Message] | None:
    """Session id and message for the application that asked; None when the event is none of its business."""
    build = _MESSAGES.get(type(event))
    if build is None:
        return None
    session_id: int = event.dialogue.session_id  # type: ignore[attr-defined]  # every event of the table has a dialogue
    return session_id, build(directory, event)
