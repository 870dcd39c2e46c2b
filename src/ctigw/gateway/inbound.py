"""Which message is which input of the engine.

Knows the messages that sessions let through and the inputs they become; must not know sockets, nor what the engine
makes of an input. One table, message class to function. Rules: decisions C4, C6, D1 to D4.
"""

from collections.abc import Callable
from typing import Any

import attrs

from ctigw.gateway.variables import variables_from_cti, variables_from_mr
from ctigw.routing.inputs import (
    AcceptInterrupt,
    AcceptInterruptDone,
    AgentInit,
    BeginAgentInit,
    CancelTask,
    ChangeMaxTaskLimit,
    DeclineInterrupt,
    DialogueKey,
    EndAgentInit,
    EndTask,
    GetAgentTasks,
    Input,
    MakeAgentNotReady,
    MakeAgentNotRoutable,
    MakeAgentReady,
    MakeAgentRoutable,
    MediaLogin,
    MediaLogout,
    NewTask,
    OfferApplicationTask,
    OfferTask,
    Origin,
    OverrideLimit,
    PauseTask,
    ResumeTask,
    RunScriptResult,
    SetAgentState,
    SetPathData,
    StartApplicationTask,
    StartTask,
    TaskContext,
    TaskId,
    TaskInit,
    TaskInitWithoutId,
    TaskReport,
    UpdateTaskContext,
    WrapUpTask,
)
from ctigw.session.agent_mode import agent_mode
from ctigw.wire import Message, cti, mr
from ctigw.wire.values import NULL_INT, NULL_UINT


@attrs.frozen
class Sender:
    """What a translation needs to know of the session that a message came from."""

    session_id: int
    version: int
    application_path: int
    """0 for a session without agent reporting."""


def _new_task(sender: Sender, message: mr.NewTask) -> NewTask:
    previous = message.previous_task
    preferred = message.preferred_agent
    given = {tag for tag, _ in message.floating}  # most tasks give none of what is optional: not searched for then
    number = message.agent_number if mr.NewTask.AGENT_NUMBER in given else None
    if number is None and preferred.kind == mr.AgentRefKind.PERIPHERAL_NUMBER and preferred.peripheral_number > 0:
        number = str(preferred.peripheral_number)
    user_to_user_info = message.user_to_user_info if mr.NewTask.USER_TO_USER_INFO in given else None
    return NewTask(
        DialogueKey(sender.session_id, message.dialogue_id),
        TaskContext(
            message.script_selector or "",
            variables_from_mr(message.floating),
            user_to_user_info or b"",
            message.application_string1 if mr.NewTask.APPLICATION_STRING1 in given else None,
            message.application_string2 if mr.NewTask.APPLICATION_STRING2 in given else None,
        ),
        mrd_id=None if message.mr_domain_id == NULL_INT else message.mr_domain_id,
        service=message.service,
        previous_task=None if NULL_INT in previous else TaskId(*previous),
        preferred_skill_target_id=preferred.skill_target_id if preferred.skill_target_id > 0 else None,
        preferred_agent_number=number,
        queue_type=message.queue_type if mr.NewTask.QUEUE_TYPE in given else None,
        queue_id=message.queue_id if mr.NewTask.QUEUE_ID in given else None,
    )


def _cancel_task(sender: Sender, message: mr.CancelTask) -> CancelTask:
    return CancelTask(DialogueKey(sender.session_id, message.dialogue_id), message.invoke_id, message.reason)


def _run_script_result(sender: Sender, message: mr.RunScriptResult) -> RunScriptResult:
    return RunScriptResult(
        dialogue=DialogueKey(sender.session_id, message.dialogue_id),
        invoke_id=message.invoke_id,
        succeeded=message.result_code != 0,
        variables=variables_from_mr(message.floating),
        application_string2=message.application_string2,
    )


def _script_failure(sender: Sender, message: mr.DialogueFailureConf) -> RunScriptResult:
    """The application cannot run the script: the script of the router goes on without its result."""
    return RunScriptResult(
        dialogue=DialogueKey(sender.session_id, message.dialogue_id), invoke_id=message.invoke_id, succeeded=False
    )


def _report(
    kind: Callable[..., Input],
    extra: Callable[[Sender, Any], dict[str, Any]] = lambda sender, message: {},
) -> Callable[[Sender, Any], Input]:
    """Translation of a message that begins with InvokeID, MRDID and ICMAgentID (arm.toml, rules prefix)."""
    about_task = isinstance(kind, type) and issubclass(kind, TaskReport)

    def translate(sender: Sender, message: Any) -> Input:  # noqa: ANN401 - one of many generated classes of one shape
        task = {"task_id": TaskId(*message.task_id)} if about_task else {}
        return kind(
            origin=Origin(sender.session_id, message.invoke_id),
            application_path=sender.application_path,
            mrd_id=message.mrd_id,
            skill_target_id=message.icm_agent_id,
            **task,
            **extra(sender, message),
        )

    return translate


def _login(sender: Sender, message: cti.MediaLoginReq) -> dict[str, Any]:
    return {
        "routable": agent_mode(sender.version, message.agent_mode),
        "max_task_limit": message.max_task_limit,
        "max_beyond_task_limit": _given(message.max_beyond_task_limit),
    }


def _given(number: int | None) -> int:
    """A number that is 0 when it is absent or the null value."""
    return 0 if number is None or number == NULL_UINT else number


def _limit(_: Sender, message: cti.ChangeMaxTaskLimitReq) -> dict[str, Any]:
    beyond = message.max_beyond_task_limit
    return {
        "max_task_limit": message.max_task_limit,
        "max_beyond_task_limit": None if beyond == NULL_UINT else beyond,
    }


def _agent_init(sender: Sender, message: cti.AgentInitReq) -> dict[str, Any]:
    return {
        "routable": agent_mode(sender.version, message.agent_mode),
        "max_task_limit": message.max_task_limit,
        "max_beyond_task_limit": _given(message.max_beyond_task_limit),
        "agent_state": message.agent_state,
        "reason_code": message.reason_code,
    }


def _replay_mark(kind: type[BeginAgentInit | EndAgentInit]) -> Callable[[Sender, Any], Input]:
    def translate(sender: Sender, message: cti.BeginAgentInitInd | cti.EndAgentInitInd) -> Input:
        return kind(Origin(sender.session_id, message.invoke_id), sender.application_path)

    return translate


def _task_init(sender: Sender, message: cti.TaskInitInd | cti.TaskInitReq) -> dict[str, Any]:
    with_id = {"task_id": TaskId(*message.task_id)} if isinstance(message, cti.TaskInitInd) else {}
    return {
        "skill_group_id": _given(message.skill_group_id),
        "service_id": _given(message.service_id),
        "variables": variables_from_cti(message.floating),
        "task_state": message.task_state,
        "state_duration_s": _given(message.state_duration),
        **with_id,
    }


def _application_task(_: Sender, message: cti.OfferApplicationTaskReq | cti.StartApplicationTaskReq) -> dict[str, Any]:
    return {
        "skill_group_id": _given(message.skill_group_id),
        "service_id": _given(message.service_id),
        "variables": variables_from_cti(message.floating),
    }


def _logout(_: Sender, message: cti.MediaLogoutInd) -> dict[str, Any]:
    return {
        "disposition": message.flt_icm_disposition,
        "application_disposition": message.flt_application_disposition,
    }


def _end(_: Sender, message: cti.EndTaskInd) -> dict[str, Any]:
    return {
        "disposition": message.icm_disposition,
        "application_disposition": message.application_disposition,
    }


FORCED = 1
"""ForcedFlag; other numbers ask for something else than a change of state."""


def _set_agent_state(sender: Sender, message: cti.SetAgentStateReq) -> SetAgentState:
    """Instrument and id name the agent in one namespace (decisions C5); two different names are none."""
    names = {name for name in (message.agent_id, message.agent_instrument) if name}
    return SetAgentState(
        origin=Origin(sender.session_id, message.invoke_id),
        peripheral=message.peripheral_id,
        agent_number=names.pop() if len(names) == 1 else "",
        state=message.agent_state,
        work_mode=message.agent_work_mode,
        reason_code=message.event_reason_code,
        forced=message.forced_flag == FORCED,
    )


def _update_task_context(sender: Sender, message: cti.UpdateTaskContextInd) -> UpdateTaskContext:
    return UpdateTaskContext(
        origin=Origin(sender.session_id, message.invoke_id),
        application_path=sender.application_path,
        task_id=TaskId(*message.task_id),
        variables=variables_from_cti(message.floating),
    )


def _set_path_data(sender: Sender, message: cti.SetAppDataReq | cti.SetAppPathDataInd) -> SetPathData:
    return SetPathData(
        origin=Origin(sender.session_id, message.invoke_id),
        application_path=sender.application_path,
        named_path=message.application_path_id,
        variables=variables_from_cti(message.floating),
        is_request=isinstance(message, cti.SetAppDataReq),
    )


_TRANSLATIONS: dict[type[Any], Callable[[Sender, Any], Input]] = {
    mr.NewTask: _new_task,
    mr.CancelTask: _cancel_task,
    mr.RunScriptResult: _run_script_result,
    mr.DialogueFailureConf: _script_failure,
    cti.SetAgentStateReq: _set_agent_state,
    cti.MediaLoginReq: _report(MediaLogin, _login),
    cti.MediaLogoutInd: _report(MediaLogout, _logout),
    cti.MakeAgentRoutableInd: _report(MakeAgentRoutable, lambda _, message: {"max_tasks": message.max_tasks}),
    cti.MakeAgentNotRoutableReq: _report(MakeAgentNotRoutable),
    cti.MakeAgentReadyInd: _report(MakeAgentReady, lambda _, message: {"make_routable": message.make_routable != 0}),
    cti.MakeAgentNotReadyReq: _report(MakeAgentNotReady, lambda _, message: {"reason_code": message.reason_code}),
    cti.AgentInterruptAcceptedInd: _report(AcceptInterrupt),
    cti.AgentInterruptUnacceptedInd: _report(DeclineInterrupt),
    cti.AgentInterruptDoneAcceptedInd: _report(AcceptInterruptDone),
    cti.ChangeMaxTaskLimitReq: _report(ChangeMaxTaskLimit, _limit),
    cti.OverrideLimitReq: _report(OverrideLimit),
    cti.OfferApplicationTaskReq: _report(OfferApplicationTask, _application_task),
    cti.StartApplicationTaskReq: _report(StartApplicationTask, _application_task),
    cti.OfferTaskInd: _report(OfferTask),
    cti.StartTaskInd: _report(StartTask),
    cti.PauseTaskInd: _report(PauseTask),
    cti.ResumeTaskInd: _report(ResumeTask),
    cti.WrapupTaskInd: _report(WrapUpTask),
    cti.EndTaskInd: _report(EndTask, _end),
    cti.UpdateTaskContextInd: _update_task_context,
    cti.BeginAgentInitInd: _replay_mark(BeginAgentInit),
    cti.AgentInitReq: _report(AgentInit, _agent_init),
    cti.TaskInitInd: _report(TaskInit, _task_init),
    cti.TaskInitReq: _report(TaskInitWithoutId, _task_init),
    cti.EndAgentInitInd: _replay_mark(EndAgentInit),
    cti.GetAgentTasksReq: _report(GetAgentTasks),
    cti.SetAppDataReq: _set_path_data,
    cti.SetAppPathDataInd: _set_path_data,
}


def to_input(sender: Sender, message: Message) -> Input | None:
    """The input that a message is; None when it is none (a query, or something that only the session heeds)."""
    translate = _TRANSLATIONS.get(type(message))
    return None if translate is None else translate(sender, message)
