"""Who gets what, and in which order (decisions C3, C5, D3, D6, E2, E3), on virtual time."""

import attrs
import pytest
import trio
from trio.testing import MockClock

from ctigw.config.routing import CallType, RoutingSettings
from ctigw.wire import AgentRef, EccName, EccValue, FloatValue, Message, NamedVariable, TaskId, cti, cti_codec, mr
from town import ADA, ALL_STATES, ARM_AND_ALL, BEN, CHAT, EMAIL, SETTINGS, START_TIMEOUT_S, Peer, town


def scripted(*steps: dict[str, object]) -> RoutingSettings:
    """The settings with another script for `chat`."""
    return attrs.evolve(SETTINGS, call_types=(CallType(name="chat", script=steps),))


LABELLED = scripted({"op": "label", "value": "LBL_bot"})
QUEUED_TO_AGENT = scripted({"op": "queue", "to": ["agent:1001"]})
REPORTING = scripted({"op": "report_wait"}, {"op": "label", "value": "LBL_bot"})


def only(messages: list[Message], kind: type[Message]) -> Message:
    (found,) = [message for message in messages if isinstance(message, kind)]
    return found


async def task_of(application: Peer) -> TaskId:
    """The id of the task that was just answered."""
    answer = only(await application.received(), mr.DoThisWithTask)
    assert isinstance(answer, mr.DoThisWithTask)
    return answer.icm_task_id


async def test_a_chosen_agent_is_told_in_the_order_of_decision_e2(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await desktop.received()
        await application.new_task(1)
        assert await desktop.names() == ["BEGIN_TASK_EVENT", "AGENT_PRE_CALL_EVENT", "AGENT_STATE_EVENT"]


async def test_a_task_that_waited_is_dequeued_before_its_agent_is_told(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await application.new_task(1)
        assert await desktop.names() == ["BEGIN_TASK_EVENT", "QUEUED_TASK_EVENT"]
        await desktop.sign_in(ADA)
        names = await desktop.names()
        assert names[-3:] == ["DEQUEUED_TASK_EVENT", "AGENT_PRE_CALL_EVENT", "AGENT_STATE_EVENT"]
        assert await application.names() == ["DO_THIS_WITH_TASK"]


async def test_a_start_timeout_is_told_in_the_order_of_decision_e3(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1)
        task = await task_of(application)
        await desktop.received()
        await desktop.send(cti.OfferTaskInd(9, CHAT, ADA, task))
        assert await desktop.names() == ["OFFER_TASK_EVENT"]
        await trio.sleep(START_TIMEOUT_S + 0.1)
        told = await desktop.received()
        assert [message.NAME for message in told] == [
            "END_TASK_EVENT",
            "AGENT_PRE_CALL_ABORT_EVENT",
            "AGENT_MADE_NOT_ROUTABLE_EVENT",
            "AGENT_STATE_EVENT",
        ]
        ended, state = told[0], told[3]
        assert isinstance(ended, cti.EndTaskEvent)
        assert (ended.task_id, ended.icm_disposition) == (task, 19)
        assert isinstance(state, cti.AgentStateEvent)
        assert (state.agent_state, state.agent_mode) == (cti.AgentState.NOT_ACTIVE, 0)


async def test_a_resubmitted_task_keeps_its_key_and_goes_to_another_agent(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1)
        first = await task_of(application)
        await trio.sleep(START_TIMEOUT_S + 0.1)
        await desktop.sign_in(BEN)
        selector: list[tuple[int, FloatValue]] = [(mr.NewTask.SCRIPT_SELECTOR, "chat")]
        again = mr.NewTask(2, 1, CHAT, first, AgentRef(0, -1, -1, -1), 3, 0, selector)
        await application.send(again)
        answer = only(await application.received(), mr.DoThisWithTask)
        assert isinstance(answer, mr.DoThisWithTask)
        assert answer.icm_task_id == TaskId(first.day, first.key, 2)
        assert answer.agent.skill_target_id == BEN


async def test_an_answer_carries_agent_group_and_variables_in_the_order_of_decision_d3(
    autojump_clock: MockClock,
) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(
            7,
            (mr.NewTask.ECC_NAME, EccName(9, "user.tier")),
            (mr.NewTask.ECC_VALUE, EccValue(9, "gold")),
            (mr.NewTask.CALL_VARIABLE1 + 2, "third"),
            (mr.NewTask.USER_TO_USER_INFO, b"\x01\x02"),
        )
        answer = only(await application.received(), mr.DoThisWithTask)
        assert isinstance(answer, mr.DoThisWithTask)
        assert (answer.dialogue_id, answer.send_seq_no, answer.skill_group, answer.service) == (7, 1, 5101, -1)
        assert answer.agent == AgentRef(1, ADA, 5000, -1)
        assert answer.floating == [
            (32, "chat"),
            (128, "Ada"),
            (130, "1001"),
            (19, b"\x01\x02"),
            (42, EccName(1, "user.tier")),
            (43, EccValue(1, "gold")),
            (24, "third"),
        ]


async def test_a_pre_call_carries_the_task_id_and_what_the_task_brought(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1, (mr.NewTask.APPLICATION_STRING1, "caller"), (mr.NewTask.CALL_VARIABLE1, "one"))
        task = await task_of(application)
        told = only(await desktop.received(), cti.AgentPreCallEvent)
        assert isinstance(told, cti.AgentPreCallEvent)
        key = (told.router_call_key_day, told.router_call_key_call_id, told.router_call_key_sequence_number)
        assert key == tuple(task)
        assert (told.dialed_number, told.ani, told.call_variable1) == ("chat", "caller", "one")
        assert (told.agent_skill_target_id, told.agent_id, told.mrd_id) == (ADA, "1001", CHAT)


@pytest.mark.parametrize(("version", "routable"), [(13, 1), (14, 0), (17, 0), (18, 1), (25, 1)])
async def test_agent_mode_is_turned_round_in_versions_14_to_17(
    autojump_clock: MockClock, version: int, routable: int
) -> None:
    async with town() as place:
        desktop = await place.client(version=version)
        await desktop.sign_in(ADA)
        states = [message for message in await desktop.received() if isinstance(message, cti.AgentStateEvent)]
        assert [state.agent_mode for state in states] == [routable, routable]


async def test_below_version_20_the_instrument_names_the_agent(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(version=19), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1)
        told = only(await desktop.received(), cti.AgentPreCallEvent)
        assert isinstance(told, cti.AgentPreCallEvent)
        assert told.agent_instrument == "1001"


async def test_reporting_events_go_to_every_session_of_the_path_whatever_its_masks(autojump_clock: MockClock) -> None:
    async with town() as place:
        first = await place.client(cti.ServiceMask.AGENT_REPORTING, agent_state_mask=0)
        second = await place.client(cti.ServiceMask.AGENT_REPORTING, agent_state_mask=0)
        application = await place.application()
        await first.sign_in(ADA)
        await application.new_task(1)
        await trio.sleep(START_TIMEOUT_S + 0.1)
        expected = ["AGENT_PRE_CALL_EVENT", "AGENT_PRE_CALL_ABORT_EVENT", "AGENT_MADE_NOT_ROUTABLE_EVENT"]
        assert await second.names() == expected
        assert await first.names() == ["MEDIA_LOGIN_RESP", *expected]


@pytest.mark.parametrize(("mask", "told"), [(0, []), (0x80000, ["AGENT_PRE_CALL_EVENT"])])
async def test_masks_filter_what_an_all_events_session_gets(
    autojump_clock: MockClock, mask: int, told: list[str]
) -> None:
    async with town() as place:
        watcher = await place.client(cti.ServiceMask.ALL_EVENTS, call_mask=mask, agent_state_mask=0)
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1)
        assert await watcher.names() == told


async def test_one_session_gets_an_event_once_however_many_services_ask_for_it(autojump_clock: MockClock) -> None:
    services = ARM_AND_ALL | cti.ServiceMask.CLIENT_EVENTS
    async with town() as place:
        desktop = await place.client(services, call_mask=0xFFFFFFFF, floating=[(cti.OpenReq.AGENT_ID, "1001")])
        application = await place.application()
        await desktop.sign_in(ADA)
        await desktop.received()
        await application.new_task(1)
        assert (await desktop.names()).count("AGENT_PRE_CALL_EVENT") == 1


async def test_a_client_events_session_hears_of_its_own_agent_only(autojump_clock: MockClock) -> None:
    async with town() as place:
        agent = await place.client(cti.ServiceMask.CLIENT_EVENTS, floating=[(cti.OpenReq.AGENT_ID, "1002")])
        desktop = await place.client()
        await desktop.sign_in(ADA)
        await desktop.sign_in(BEN)
        states = [message for message in await agent.received() if isinstance(message, cti.AgentStateEvent)]
        assert {state.icm_agent_id for state in states} == {BEN}


async def test_the_agent_state_mask_chooses_states(autojump_clock: MockClock) -> None:
    async with town() as place:
        watcher = await place.client(
            cti.ServiceMask.ALL_EVENTS, agent_state_mask=cti.AgentStateMask.NOT_ACTIVE & ALL_STATES
        )
        desktop = await place.client()
        await watcher.received()
        await desktop.sign_in(ADA)
        states = [message for message in await watcher.received() if isinstance(message, cti.AgentStateEvent)]
        assert [state.agent_state for state in states] == [cti.AgentState.NOT_ACTIVE]


async def test_an_agent_state_event_names_all_groups_of_the_domain(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop = await place.client()
        await desktop.sign_in(ADA)
        await desktop.sign_in(ADA, EMAIL)
        states = [message for message in await desktop.received() if isinstance(message, cti.AgentStateEvent)]
        chat = next(state for state in states if state.mrd_id == CHAT)
        email = next(state for state in states if state.mrd_id == EMAIL)
        assert (chat.skill_group_id, chat.num_flt_skill_groups, chat.flt_skill_group_id) == (5101, 1, [5103])
        assert (email.skill_group_id, email.skill_group_priority) == (0xFFFFFFFF, 0xFFFF)
        assert email.skill_group_state == email.agent_state


async def test_a_report_about_an_unknown_task_is_refused_and_a_good_one_is_not_answered(
    autojump_clock: MockClock,
) -> None:
    async with town() as place:
        desktop, application = await place.client(cti.ServiceMask.AGENT_REPORTING), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1)
        task = await task_of(application)
        await desktop.received()
        await desktop.send(cti.StartTaskInd(50, CHAT, ADA, TaskId(1, 2, 3)), cti.StartTaskInd(51, CHAT, ADA, task))
        refused = await desktop.received()
        assert refused == [cti.FailureResp(50, cti.ArmStatus.TASK_OBJECT_NOT_FOUND)]


async def test_an_agent_state_can_be_asked_for(autojump_clock: MockClock) -> None:
    services = ARM_AND_ALL | cti.ServiceMask.CLIENT_CONTROL
    async with town() as place:
        desktop = await place.client(services)
        await desktop.sign_in(ADA)
        await desktop.received()
        await desktop.send(
            cti.QueryAgentStateReq(1, 5000, CHAT, ADA),
            cti.QueryAgentStateReq(2, 5000, CHAT, 0, [(cti.QueryAgentStateReq.AGENT_ID, "1002")]),
            cti.QueryAgentStateReq(3, 5000, CHAT, 424242),
            cti.QueryAgentStateReq(4, 5000, 4711, ADA),
        )
        ada, ben, nobody, nowhere = await desktop.received()
        assert isinstance(ada, cti.QueryAgentStateConf)
        assert (ada.agent_state, ada.skill_group_id) == (cti.AgentState.NOT_ACTIVE, [5101, 5103])
        assert isinstance(ben, cti.QueryAgentStateConf)
        assert (ben.agent_state, ben.icm_agent_id) == (cti.AgentState.LOGOUT, BEN)
        assert nobody == cti.FailureConf(3, cti.FailureStatus.INVALID_AGENT_DATA, 0)
        assert nowhere == cti.FailureConf(4, cti.FailureStatus.INVALID_MR_DOMAIN, 0)


async def test_pending_pre_calls_can_be_asked_for_again(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1)
        task = await task_of(application)
        await desktop.received()
        await desktop.send(cti.GetPrecallMessagesReq(4, 4711), cti.GetPrecallMessagesReq(5, CHAT))
        nowhere, answer, again = await desktop.received()
        assert nowhere == cti.GetPrecallMessagesResp(4, cti.ArmStatus.MRD_LIST_ENTRY_NOT_FOUND, 0)
        assert answer == cti.GetPrecallMessagesResp(5, 0, 1)
        assert isinstance(again, cti.AgentPreCallEvent)
        assert again.router_call_key_call_id == task.key


async def test_losing_the_last_reporting_session_makes_its_agents_work_not_ready(autojump_clock: MockClock) -> None:
    async with town() as place:
        watcher = await place.client(cti.ServiceMask.ALL_EVENTS)
        desktop = await place.client(cti.ServiceMask.AGENT_REPORTING)
        await desktop.sign_in(ADA)
        await watcher.received()
        await desktop.stream.aclose()
        state = only(await watcher.received(), cti.AgentStateEvent)
        assert isinstance(state, cti.AgentStateEvent)
        assert (state.agent_state, state.agent_mode) == (cti.AgentState.WORK_NOT_READY, 0)


async def test_a_lost_application_finds_its_task_again_when_it_resends(autojump_clock: MockClock) -> None:
    about = (mr.NewTask.USER_TO_USER_INFO, b"conversation 1")
    async with town(requeue_on_recovery=True) as place:
        desktop, application = await place.client(), await place.application()
        await application.new_task(1, about)
        begun = only(await desktop.received(), cti.BeginTaskEvent)
        assert isinstance(begun, cti.BeginTaskEvent)
        await application.stream.aclose()
        again = await place.application()
        await again.new_task(1, about)
        await desktop.sign_in(ADA)
        assert await task_of(again) == begun.task_id


async def test_without_requeue_on_recovery_a_lost_application_loses_what_was_queued(autojump_clock: MockClock) -> None:
    async with town(requeue_on_recovery=False) as place:
        desktop, application = await place.client(), await place.application()
        await application.new_task(1)
        await desktop.received()
        await application.stream.aclose()
        ended = only(await desktop.received(), cti.EndTaskEvent)
        assert isinstance(ended, cti.EndTaskEvent)
        assert ended.icm_disposition == 35


async def test_what_happens_is_counted(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1)
        await application.new_task(2)
        await application.new_task(2)

        def value(name: str, **labels: str) -> float | None:
            return place.metrics.registry.get_sample_value(name, labels)

        await trio.testing.wait_all_tasks_blocked()
        assert value("ctigw_sessions", protocol="mr", role="application", side="none") == 1
        assert value("ctigw_sessions", protocol="cti", role="client", side="none") == 1
        assert value("ctigw_tasks", mrd="chat", state="pre_call") == 1
        assert value("ctigw_tasks", mrd="chat", state="queued") == 1
        assert value("ctigw_queue_depth", queue="sg:sales") == 1
        assert value("ctigw_tasks_offered_total", queue="sg:sales") == 2
        assert value("ctigw_agents", mrd="chat", state="reserved") == 1
        assert value("ctigw_agents_available", mrd="chat", kind="icm") == 0
        assert value("ctigw_task_failures_total", reason="10") == 1
        assert value("ctigw_route_seconds_count") == 1
        assert value("ctigw_frames_total", protocol="mr", direction="in", message="NEW_TASK") == 3
        await trio.sleep(START_TIMEOUT_S + 0.1)
        assert value("ctigw_start_timeouts_total", mrd="chat") == 1
        assert value("ctigw_tasks_ended_total", mrd="chat", disposition="19") == 1


async def test_a_label_is_told_again_to_an_application_that_resends_on_another_connection(
    autojump_clock: MockClock,
) -> None:
    about = (mr.NewTask.USER_TO_USER_INFO, b"conversation 1")
    async with town(LABELLED) as place:
        application = await place.application()
        await application.new_task(1, about)
        first = only(await application.received(), mr.DoThisWithTask)
        again = await place.application()
        await again.new_task(1, about)
        assert await again.received() == [first]
        assert isinstance(first, mr.DoThisWithTask)
        assert first.label == "LBL_bot"


async def test_call_variables_stand_in_task_events_too(autojump_clock: MockClock) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await desktop.received()
        await application.new_task(1, (mr.NewTask.CALL_VARIABLE1, "one"))
        told = await desktop.received()
        begun, task = only(told, cti.BeginTaskEvent), await task_of(application)
        assert isinstance(begun, cti.BeginTaskEvent)
        assert begun.call_variable1 == "one"
        await desktop.send(cti.UpdateTaskContextInd(9, task, 0, 0, [(cti.UpdateTaskContextInd.CALL_VARIABLE2, "two")]))
        updated = only(await desktop.received(), cti.TaskDataUpdateEvent)
        assert isinstance(updated, cti.TaskDataUpdateEvent)
        assert (updated.call_variable1, updated.call_variable2) == ("one", "two")
        assert (updated.peripheral_id, updated.peripheral_type) == (5000, cti.PeripheralType.ENTERPRISE_AGENT)


async def test_a_context_never_grows_beyond_what_messages_can_carry(autojump_clock: MockClock) -> None:
    def update(number: int) -> cti.UpdateTaskContextInd:
        named = [(82, NamedVariable(f"user.v{number}{n}", "x" * 200)) for n in range(8)]
        return cti.UpdateTaskContextInd(number, task, 8, 0, [*named])

    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await desktop.sign_in(ADA)
        await application.new_task(1)
        task = await task_of(application)
        await desktop.received()
        await desktop.send(update(1), update(2))
        updated, refused = await desktop.received()
        assert isinstance(updated, cti.TaskDataUpdateEvent)
        assert refused == cti.FailureResp(2, cti.ArmStatus.PERFORMANCE_LIMIT_EXCEEDED)


async def test_an_agents_own_queue_is_no_skill_group(autojump_clock: MockClock) -> None:
    async with town(QUEUED_TO_AGENT) as place:
        desktop, application = await place.client(), await place.application()
        await application.new_task(1)
        queued = only(await desktop.received(), cti.QueuedTaskEvent)
        assert isinstance(queued, cti.QueuedTaskEvent)
        assert (queued.num_skill_groups, queued.floating) == (0, [])
        await desktop.sign_in(ADA)
        told = only(await desktop.received(), cti.AgentPreCallEvent)
        assert isinstance(told, cti.AgentPreCallEvent)
        assert (told.skill_group_id, told.skill_group_priority) == (0xFFFFFFFF, 0xFFFF)
        answer = only(await application.received(), mr.DoThisWithTask)
        assert isinstance(answer, mr.DoThisWithTask)
        assert answer.skill_group == -1


async def test_a_script_goes_on_at_once_when_the_application_cannot_take_the_report(
    autojump_clock: MockClock,
) -> None:
    async with town(REPORTING) as place:
        application = await place.application()
        await application.new_task(1)
        asked = only(await application.received(), mr.RunScriptReq)
        assert isinstance(asked, mr.RunScriptReq)
        await application.send(mr.DialogueFailureConf(1, 2, asked.invoke_id, mr.Status.INVALID_SCRIPT))
        assert await application.names() == ["DO_THIS_WITH_TASK"]


async def test_a_script_result_may_change_application_string2(autojump_clock: MockClock) -> None:
    async with town(REPORTING) as place:
        watcher, application = await place.client(cti.ServiceMask.ALL_TASK_EVENTS), await place.application()
        await application.new_task(1)
        asked = only(await application.received(), mr.RunScriptReq)
        assert isinstance(asked, mr.RunScriptReq)
        changes: list[tuple[int, FloatValue]] = [(33, "digits"), (22, "one")]
        await application.send(mr.RunScriptResult(1, 2, asked.invoke_id, 1, changes))
        answer = only(await application.received(), mr.DoThisWithTask)
        assert isinstance(answer, mr.DoThisWithTask)
        assert (22, "one") in answer.floating
        assert "TASK_DATA_UPDATE_EVENT" in await watcher.names()


async def test_an_empty_script_is_nothing_scheduled(autojump_clock: MockClock) -> None:
    async with town(attrs.evolve(SETTINGS, call_types=(CallType(name="chat", script=()),))) as place:
        application = await place.application()
        await application.new_task(1)
        refused = only(await application.received(), mr.NewTaskFailure)
        assert isinstance(refused, mr.NewTaskFailure)
        assert refused.reason == mr.NewTaskFailureReason.NO_SCRIPT


async def test_an_agent_who_becomes_ready_is_told_so_before_he_gets_the_waiting_task(
    autojump_clock: MockClock,
) -> None:
    async with town() as place:
        desktop, application = await place.client(), await place.application()
        await application.new_task(1)
        await desktop.received()
        await desktop.sign_in(ADA)
        states = [event.agent_state for event in await desktop.received() if isinstance(event, cti.AgentStateEvent)]
        assert states == [cti.AgentState.NOT_READY, cti.AgentState.NOT_ACTIVE, cti.AgentState.RESERVED]


async def test_contradictory_names_of_an_agent_device_are_refused(autojump_clock: MockClock) -> None:
    async with town() as place:
        peer = place.connect(cti_codec(25))
        fields: list[tuple[int, FloatValue]] = [(1, "desktop"), (2, b"secret"), (5, "1001"), (4, "1002")]
        services = cti.ServiceMask.CLIENT_EVENTS
        await peer.send(cti.OpenReq(7, 25, 0xFFFFFFFF, 5000, services, 0, 0, 0, 0, 0, 0, fields))
        assert await peer.received() == [cti.FailureConf(7, cti.FailureStatus.INCONSISTENT_AGENT_DATA, 0)]


async def test_a_refusal_that_is_held_back_outlives_the_first_message_limit(autojump_clock: MockClock) -> None:
    fields: list[tuple[int, FloatValue]] = [(1, "desktop"), (2, b"wrong")]
    wrong = cti.OpenReq(7, 25, 0xFFFFFFFF, 5000, ARM_AND_ALL, 0, 0, 0, 0, 0, 0, fields)
    async with town() as place:
        for _ in range(6):  # each refusal is held back longer, up to five seconds
            peer = place.connect(cti_codec(25))
            await trio.sleep(7)  # with the delay beyond the limit of ten seconds for the first message
            await peer.send(wrong)
            await trio.sleep(5.1)
            assert await peer.received() == [cti.FailureConf(7, cti.FailureStatus.INVALID_PASSWORD, 0)]
