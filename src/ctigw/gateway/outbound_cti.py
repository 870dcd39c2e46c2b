"""Which event is which message to CTI clients.

Knows the layouts of answers, agent events and task events; must not know who gets them (`audience`) nor sessions.
AgentMode is written per version by the caller's choice of `version` (decisions A3). Rules: decisions C5, D4, E2, E3,
cti.toml, arm.toml.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any

from ctigw.gateway.audience import NO_MONITOR
from ctigw.gateway.directory import Directory
from ctigw.gateway.variables import call_variables_to_cti, ecc_variables_to_cti
from ctigw.routing import inputs
from ctigw.routing.events import (
    AgentChosen,
    AgentInterruptAdvised,
    AgentInterruptOver,
    AgentMadeNotRoutable,
    AgentView,
    ApplicationTaskBegun,
    ControlAnswered,
    MaxTaskLifetimeExceeded,
    PreCallAborted,
    ReportAnswered,
    TaskAccepted,
    TaskDataUpdated,
    TaskDequeued,
    TaskEnded,
    TaskMoved,
    TaskOffered,
    TaskPaused,
    TaskQueued,
    TaskResumed,
    TaskStarted,
    TaskWrapUpBegun,
)
from ctigw.routing.inputs import TaskContext
from ctigw.routing.terms import (
    AgentState,
    QueueEntry,
    QueueKind,
    QueueRef,
    ReportKind,
)
from ctigw.session.agent_mode import wire_agent_mode
from ctigw.session.failures import failure_conf
from ctigw.wire import FloatValue, Message, TaskId, cti
from ctigw.wire.values import NULL_INT, NULL_UINT, NULL_USHORT

SIGNATURE_CHARACTERS = 63
"""Longest CTIClientSignature, without its NUL (cti.toml AGENT_STATE_EVENT)."""

Floats = list[tuple[int, FloatValue]]

_RESPONSES: dict[ReportKind, type[Any]] = {
    ReportKind.MEDIA_LOGIN: cti.MediaLoginResp,
    ReportKind.MAKE_AGENT_NOT_ROUTABLE: cti.MakeAgentNotRoutableResp,
    ReportKind.MAKE_AGENT_NOT_READY: cti.MakeAgentNotReadyResp,
    ReportKind.CHANGE_MAX_TASK_LIMIT: cti.ChangeMaxTaskLimitResp,
    ReportKind.OVERRIDE_LIMIT: cti.OverrideLimitResp,
    ReportKind.AGENT_INIT: cti.AgentInitResp,
}
"""Requests have an answer of their own; every other report is an indication (arm.toml, rules answers)."""

_TASK_RESPONSES: dict[ReportKind, type[Any]] = {
    ReportKind.OFFER_APPLICATION_TASK: cti.OfferApplicationTaskResp,
    ReportKind.START_APPLICATION_TASK: cti.StartApplicationTaskResp,
    ReportKind.TASK_INIT_REQ: cti.TaskInitResp,
}
"""Answers with the id that the task got; no task on failure."""
_NO_TASK = TaskId(NULL_INT, NULL_INT, NULL_INT)


def answer(event: ReportAnswered, version: int) -> Message | None:
    """RESP of a request, FAILURE_RESP of an indication that failed; an indication that went well has none.

    SET_APP_DATA_REQ is no agent report: its refusal is a FAILURE_CONF, whose status is no ARM status (decisions C2).
    """
    if event.kind is ReportKind.SET_APP_DATA:
        if event.status:
            return failure_conf(version, event.origin.invoke_id, cti.FailureStatus.FUNCTION_NOT_AVAILABLE)
        return cti.SetAppDataConf(event.origin.invoke_id)
    response = _RESPONSES.get(event.kind)
    if response is not None:
        built: Message = response(event.origin.invoke_id, event.status)
        return built
    response = _TASK_RESPONSES.get(event.kind)
    if response is not None:
        task_id = _NO_TASK if event.task_id is None else TaskId(*event.task_id)
        with_task: Message = response(event.origin.invoke_id, event.status, task_id)
        return with_task
    return cti.FailureResp(event.origin.invoke_id, event.status) if event.status else None


def control_answer(event: ControlAnswered) -> Message:
    """SET_AGENT_STATE_CONF or CONTROL_FAILURE_CONF."""
    if event.failure is None:
        return cti.SetAgentStateConf(event.origin.invoke_id)
    return cti.ControlFailureConf(event.origin.invoke_id, event.failure, 0)


def _group_numbers(queue: QueueRef | None) -> tuple[int, int, int]:
    """SkillGroupNumber, SkillGroupID, SkillGroupPriority (decisions C5: number and id are the same).

    A precision queue stands in these fields with its id, as a skill group does; an agent's own queue is no group.
    """
    if queue is None or queue.kind is QueueKind.AGENT:
        return NULL_UINT, NULL_UINT, NULL_USHORT
    return queue.id, queue.id, 0


def _task_key(task_id: inputs.TaskId) -> Floats:
    """The task id as the three router call key fields (decisions D4)."""
    return [
        (cti.AgentPreCallEvent.ROUTER_CALL_KEY_DAY, task_id.day),
        (cti.AgentPreCallEvent.ROUTER_CALL_KEY_CALL_ID, task_id.key),
        (cti.AgentPreCallEvent.ROUTER_CALL_KEY_SEQUENCE_NUMBER, task_id.sequence),
    ]


def pre_call(
    directory: Directory,
    task_id: inputs.TaskId,
    mrd_id: int,
    skill_target_id: int,
    queue: QueueRef | None,
    context: TaskContext,
    call_type_id: int,
) -> Message:
    """AGENT_PRE_CALL_EVENT with everything that the task carries."""
    agent = directory.agents[skill_target_id]
    named, arrays, ecc = ecc_variables_to_cti(context.variables)
    floating: Floats = [(cti.AgentPreCallEvent.AGENT_INSTRUMENT, agent.id), *_task_key(task_id)]
    if context.application_string1 is not None:
        floating.append((cti.AgentPreCallEvent.ANI, context.application_string1))
    if context.user_to_user_info:
        floating.append((cti.AgentPreCallEvent.USER_TO_USER_INFO, context.user_to_user_info))
    floating.append((cti.AgentPreCallEvent.DIALED_NUMBER, context.script_selector))
    if context.application_string2 is not None:
        floating.append((cti.AgentPreCallEvent.CALLER_ENTERED_DIGITS, context.application_string2))
    floating.append((cti.AgentPreCallEvent.FLT_CALL_TYPE_ID, call_type_id))
    floating += call_variables_to_cti(context.variables)
    floating += ecc
    floating.append((cti.AgentPreCallEvent.AGENT_ID, agent.id))
    return cti.AgentPreCallEvent(
        NO_MONITOR,
        named,
        arrays,
        NULL_UINT,
        NULL_UINT,
        *_group_numbers(queue),
        mrd_id,
        skill_target_id,
        floating,
    )


def chosen(directory: Directory, event: AgentChosen) -> Message:
    """AGENT_PRE_CALL_EVENT of a task that was just routed."""
    return pre_call(
        directory,
        event.task_id,
        event.mrd_id,
        event.skill_target_id,
        event.queue,
        event.context,
        event.call_type_id,
    )


def pre_call_abort(directory: Directory, event: PreCallAborted) -> Message:
    """AGENT_PRE_CALL_ABORT_EVENT."""
    agent = directory.agents[event.skill_target_id]
    floating: Floats = [(cti.AgentPreCallAbortEvent.AGENT_INSTRUMENT, agent.id), *_task_key(event.task_id)]
    return cti.AgentPreCallAbortEvent(NO_MONITOR, event.mrd_id, floating)


def made_not_routable(event: AgentMadeNotRoutable) -> Message:
    """AGENT_MADE_NOT_ROUTABLE_EVENT."""
    return cti.AgentMadeNotRoutableEvent(event.mrd_id, event.skill_target_id)


def interrupt_advisory(event: AgentInterruptAdvised) -> Message:
    """AGENT_INTERRUPT_ADVISORY_EVENT."""
    return cti.AgentInterruptAdvisoryEvent(event.mrd_id, event.skill_target_id, event.interrupting_mrd_id)


def interrupt_over(event: AgentInterruptOver) -> Message:
    """AGENT_INTERRUPT_DONE_ADVISORY_EVENT."""
    return cti.AgentInterruptDoneAdvisoryEvent(event.mrd_id, event.skill_target_id)


def lifetime_exceeded(event: MaxTaskLifetimeExceeded) -> Message:
    """MAX_TASK_LIFETIME_EXCEEDED_EVENT."""
    return cti.MaxTaskLifetimeExceededEvent(event.mrd_id, event.skill_target_id, TaskId(*event.task_id))


NO_DESKTOP: tuple[int, str | None] = (0, None)
"""SessionID and ClientSignature where an agent has no CLIENT_EVENTS session of his own."""


def agent_state(
    directory: Directory, view: AgentView, version: int, now: float, desktop: tuple[int, str | None] = NO_DESKTOP
) -> Message:
    """AGENT_STATE_EVENT (decisions C5); StateDuration in whole seconds. `desktop`: SessionID and ClientSignature of the
    agent's own CLIENT_EVENTS session.
    """
    session_id, signature = desktop
    agent = directory.agents[view.skill_target_id]
    groups = view.queues
    first = groups[0] if groups else None
    event = cti.AgentStateEvent
    floating: Floats = [
        (event.AGENT_ID, agent.id),
        (event.AGENT_EXTENSION, agent.id),
        (event.AGENT_INSTRUMENT, agent.id),
    ]
    for queue, state in groups[1:]:
        floating += [
            (event.FLT_SKILL_GROUP_NUMBER, queue.id),
            (event.FLT_SKILL_GROUP_ID, queue.id),
            (event.FLT_SKILL_GROUP_PRIORITY, 0),
            (event.FLT_SKILL_GROUP_STATE, state),
        ]
    if signature:
        floating.append((event.CTI_CLIENT_SIGNATURE, signature[:SIGNATURE_CHARACTERS]))
    if view.max_beyond_task_limit:
        floating.append((event.MAX_BEYOND_TASK_LIMIT, view.max_beyond_task_limit))
    return event(
        monitor_id=NO_MONITOR,
        peripheral_id=agent.peripheral,
        session_id=session_id,
        peripheral_type=cti.PeripheralType.ENTERPRISE_AGENT,
        skill_group_state=view.state if first is None else first[1],
        state_duration=max(0, int(now - view.since)),
        skill_group_number=NULL_UINT if first is None else first[0].id,
        skill_group_id=NULL_UINT if first is None else first[0].id,
        skill_group_priority=NULL_USHORT if first is None else 0,
        agent_state=view.state,
        event_reason_code=view.reason_code,
        mrd_id=view.mrd_id,
        num_tasks=view.num_tasks,
        agent_mode=wire_agent_mode(version, view.routable),
        max_task_limit=view.max_task_limit,
        icm_agent_id=view.skill_target_id,
        agent_availability_status=view.availability,
        num_flt_skill_groups=max(0, len(groups) - 1),
        floating=floating,
    )


def queried_state(directory: Directory, invoke_id: int, view: AgentView, version: int) -> Message:
    """QUERY_AGENT_STATE_CONF."""
    agent = directory.agents[view.skill_target_id]
    confirmation = cti.QueryAgentStateConf
    floating: Floats = [
        (confirmation.AGENT_ID, agent.id),
        (confirmation.AGENT_EXTENSION, agent.id),
        (confirmation.AGENT_INSTRUMENT, agent.id),
    ]
    for queue, state in view.queues:
        floating += [
            (confirmation.SKILL_GROUP_NUMBER, queue.id),
            (confirmation.SKILL_GROUP_ID, queue.id),
            (confirmation.SKILL_GROUP_PRIORITY, 0),
            (confirmation.SKILL_GROUP_STATE, state),
        ]
    if view.max_beyond_task_limit:
        floating.append((confirmation.MAX_BEYOND_TASK_LIMIT, view.max_beyond_task_limit))
    return confirmation(
        invoke_id=invoke_id,
        agent_state=view.state,
        num_skill_groups=len(view.queues),
        mrd_id=view.mrd_id,
        num_tasks=view.num_tasks,
        agent_mode=wire_agent_mode(version, view.routable),
        max_task_limit=view.max_task_limit,
        icm_agent_id=view.skill_target_id,
        agent_availability_status=view.availability,
        floating=floating,
    )


# --- task events ------------------------------------------------------------------------------------------------------

_NO_PERIPHERAL = (NO_MONITOR, NULL_UINT, cti.PeripheralType.MEDIA_ROUTING)
"""Prefix of events of a task that no peripheral has yet: it stands in the router, behind its media routing peripheral.
"""


def _begin(_: Directory, event: TaskAccepted) -> Message:
    context = event.context
    named, arrays, ecc = ecc_variables_to_cti(context.variables)
    floating: Floats = [(cti.BeginTaskEvent.SCRIPT_SELECTOR, context.script_selector)]
    if context.application_string1 is not None:
        floating.append((cti.BeginTaskEvent.APPLICATION_STRING1, context.application_string1))
    if context.application_string2 is not None:
        floating.append((cti.BeginTaskEvent.APPLICATION_STRING2, context.application_string2))
    floating += call_variables_to_cti(context.variables)
    return cti.BeginTaskEvent(
        *_NO_PERIPHERAL, event.mrd_id, TaskId(*event.task_id), named, arrays, event.call_type_id, floating + ecc
    )


def _begin_application_task(directory: Directory, event: ApplicationTaskBegun) -> Message:
    """Such a task is with its agent from the first, and belongs to no call type."""
    prefix, _, _ = _agent_part(directory, event.skill_target_id)
    named, arrays, ecc = ecc_variables_to_cti(event.context.variables)
    floating = call_variables_to_cti(event.context.variables) + ecc
    task_id = TaskId(*event.task_id)
    return cti.BeginTaskEvent(*prefix, event.mrd_id, task_id, named, arrays, NULL_UINT, floating)


def _entries(entries: Sequence[QueueEntry]) -> Floats:
    """One list entry for each group; members of an entry follow one another (cti-notes, framing)."""
    floating: Floats = []
    for queue, priority in entries:
        floating += [
            (cti.QueuedTaskEvent.SKILL_GROUP_NUMBER, queue.id),
            (cti.QueuedTaskEvent.SKILL_GROUP_ID, queue.id),
            (cti.QueuedTaskEvent.SKILL_GROUP_PRIORITY, priority),
        ]
    return floating


def _queued(_: Directory, event: TaskQueued | TaskDequeued) -> Message:
    kind = cti.QueuedTaskEvent if isinstance(event, TaskQueued) else cti.DequeuedTaskEvent
    groups = [entry for entry in event.entries if entry.queue.kind is not QueueKind.AGENT]
    return kind(
        *_NO_PERIPHERAL,
        event.mrd_id,
        TaskId(*event.task_id),
        NULL_UINT,
        NULL_UINT,
        len(groups),
        _entries(groups),
    )


def _agent_part(directory: Directory, skill_target_id: int | None) -> tuple[tuple[int, int, int], int, Floats]:
    """Event prefix, ICMAgentID and the floating fields that name the agent."""
    agent = None if skill_target_id is None else directory.agents.get(skill_target_id)
    if agent is None:
        return _NO_PERIPHERAL, NULL_INT, []
    prefix = (NO_MONITOR, agent.peripheral, cti.PeripheralType.ENTERPRISE_AGENT)
    named: Floats = [(cti.OfferTaskEvent.AGENT_ID, agent.id), (cti.OfferTaskEvent.AGENT_INSTRUMENT, agent.id)]
    return prefix, agent.skill_target_id, named


_MOVED: dict[type[Any], type[Any]] = {
    TaskOffered: cti.OfferTaskEvent,
    TaskStarted: cti.StartTaskEvent,
    TaskPaused: cti.PauseTaskEvent,
    TaskResumed: cti.ResumeTaskEvent,
    TaskWrapUpBegun: cti.WrapupTaskEvent,
}


def _moved(directory: Directory, event: TaskMoved) -> Message:
    prefix, agent_id, named = _agent_part(directory, event.skill_target_id)
    built: Message = _MOVED[type(event)](
        *prefix,
        event.mrd_id,
        TaskId(*event.task_id),
        agent_id,
        *_group_numbers(event.queue),
        NULL_UINT,
        NULL_UINT,
        named,
    )
    return built


def _ended(directory: Directory, event: TaskEnded) -> Message:
    prefix, agent_id, named = _agent_part(directory, event.skill_target_id)
    return cti.EndTaskEvent(
        *prefix,
        event.mrd_id,
        TaskId(*event.task_id),
        agent_id,
        *_group_numbers(event.queue),
        NULL_UINT,
        NULL_UINT,
        event.disposition,
        event.application_disposition,
        named,
    )


def _data_updated(directory: Directory, event: TaskDataUpdated) -> Message:
    prefix, _, _ = _agent_part(directory, event.skill_target_id)
    named, arrays, ecc = ecc_variables_to_cti(event.context.variables)
    floating = call_variables_to_cti(event.context.variables) + ecc
    return cti.TaskDataUpdateEvent(*prefix, event.mrd_id, TaskId(*event.task_id), named, arrays, floating)


_TASK_EVENTS: dict[type[Any], Any] = {
    TaskAccepted: _begin,
    ApplicationTaskBegun: _begin_application_task,
    TaskQueued: _queued,
    TaskDequeued: _queued,
    TaskOffered: _moved,
    TaskStarted: _moved,
    TaskPaused: _moved,
    TaskResumed: _moved,
    TaskWrapUpBegun: _moved,
    TaskEnded: _ended,
    TaskDataUpdated: _data_updated,
}


def task_event(directory: Directory, event: object) -> Message | None:
    """The message 191 to 200 that an event is, None when it is none."""
    build = _TASK_EVENTS.get(type(event))
    if build is None:
        return None
    message: Message = build(directory, event)
    return message


_TASK_BITS: dict[type[Any], cti.TaskMsgMask] = {
    TaskAccepted: cti.TaskMsgMask.BEGIN_TASK,
    ApplicationTaskBegun: cti.TaskMsgMask.BEGIN_TASK,
    TaskQueued: cti.TaskMsgMask.QUEUED_TASK,
    TaskDequeued: cti.TaskMsgMask.DEQUEUED_TASK,
    TaskOffered: cti.TaskMsgMask.OFFER_TASK,
    TaskStarted: cti.TaskMsgMask.START_TASK,
    TaskPaused: cti.TaskMsgMask.PAUSE_TASK,
    TaskResumed: cti.TaskMsgMask.RESUME_TASK,
    TaskWrapUpBegun: cti.TaskMsgMask.WRAPUP_TASK,
    TaskEnded: cti.TaskMsgMask.END_TASK,
    TaskDataUpdated: cti.TaskMsgMask.TASK_DATA_UPDATE,
}


def task_subject(directory: Directory, event: object) -> tuple[int, int | None]:
    """Bit of TaskMsgMask that asks for a task event, and the peripheral of the task's agent; None: it has no agent."""
    skill_target_id: int | None = getattr(event, "skill_target_id", None)
    agent = None if skill_target_id is None else directory.agents.get(skill_target_id)
    return _TASK_BITS[type(event)], None if agent is None else agent.peripheral


def by_monitor(message: Message, monitor_id: int) -> Message:
    """The event as a monitor passes it on: with its id, where the event has a place for it."""
    if not hasattr(message, "monitor_id"):
        return message
    told = copy(message)
    told.monitor_id = monitor_id
    return told


def state_mask_bit(state: AgentState) -> int:
    """Bit of AgentStateMask that asks for a state; 0 for a state that the mask table does not name."""
    return _STATE_MASK.get(state, 0)


_STATE_MASK = {
    state: int(cti.AgentStateMask[f"{state.name}"])
    for state in AgentState
    if state.name in cti.AgentStateMask.__members__
}
