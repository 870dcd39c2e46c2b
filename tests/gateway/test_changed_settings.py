"""A changed configuration reaches sessions that stay open, and the records that they read."""

from pathlib import Path

import attrs
import pytest
import trio

from ctigw.config.routing import Agent, CallType, RoutingSettings, SkillGroup
from ctigw.config.settings import AdminSettings, ApplicationSettings, CtiClientSettings, Settings
from ctigw.errors import ConfigurationError
from ctigw.gateway.reloading import read_change
from ctigw.wire import FloatValue, Message, cti, cti_codec, mr
from town import ADA, ARM_AND_ALL, BEN, CHAT, SETTINGS, town


def routed_by(script: tuple[dict[str, object], ...], settings: RoutingSettings = SETTINGS) -> RoutingSettings:
    return attrs.evolve(settings, call_types=(CallType("chat", script),))


LABELLED = routed_by(({"op": "label", "value": "L1"},))


async def test_the_next_task_of_an_open_session_is_routed_by_the_new_script(autojump_clock: object) -> None:
    async with town() as here:
        application, client = await here.application(), await here.client()
        await client.sign_in(ADA)
        await client.received()
        here.exchange.change_settings(LABELLED, here.clock.now())
        assert await client.received() == []
        await application.new_task(1)
        (answer,) = await application.received()
        assert isinstance(answer, mr.DoThisWithTask)
        assert (mr.DoThisWithTask.LABEL, "L1") in answer.floating


async def test_a_task_that_waits_is_answered_by_the_new_script(autojump_clock: object) -> None:
    async with town() as here:
        application = await here.application()
        await application.new_task(1)
        assert await application.received() == []
        here.exchange.change_settings(LABELLED, here.clock.now())
        assert await application.names() == ["DO_THIS_WITH_TASK"]


async def test_an_agent_who_is_gone_is_told_to_watchers_by_the_old_names(autojump_clock: object) -> None:
    async with town() as here:
        client = await here.client()
        await client.sign_in(ADA)
        await client.received()
        without_ada = attrs.evolve(SETTINGS, agents=SETTINGS.agents[1:])
        here.exchange.change_settings(without_ada, here.clock.now())
        (event,) = await client.received()
        assert isinstance(event, cti.AgentStateEvent)
        assert (event.agent_id, event.agent_state, event.event_reason_code) == ("1001", cti.AgentState.LOGOUT, 50002)
        await client.sign_in(BEN)
        states = [m.agent_id for m in await client.received() if isinstance(m, cti.AgentStateEvent)]
        assert states == ["1002", "1002"]


async def test_an_agent_who_comes_can_sign_in_and_is_told_by_his_number(autojump_clock: object) -> None:
    async with town() as here:
        client = await here.client()
        cleo = Agent(id="1003", name="Cleo", skill_target_id=6003, peripheral=5000, skill_groups=("sales",))
        here.exchange.change_settings(attrs.evolve(SETTINGS, agents=(*SETTINGS.agents, cleo)), here.clock.now())
        await client.sign_in(6003)
        states = [m.agent_id for m in await client.received() if isinstance(m, cti.AgentStateEvent)]
        assert states == ["1003", "1003"]


async def test_a_configuration_that_does_not_compile_changes_nothing(autojump_clock: object) -> None:
    async with town() as here:
        application, client = await here.application(), await here.client()
        await client.sign_in(ADA)
        await client.received()
        with pytest.raises(ConfigurationError, match="no such step"):
            here.exchange.change_settings(routed_by(({"op": "nonsense"},)), here.clock.now())
        await application.new_task(1)
        assert await application.names() == ["DO_THIS_WITH_TASK"]


async def test_keys_of_the_configuration_change_with_what_changed_alone(autojump_clock: object) -> None:
    async with town() as here:
        client = await here.client()

        async def keys() -> dict[int, object]:
            await client.send(cti.ConfigRequestKeyEvent(5000))
            (event,) = await client.received()
            assert isinstance(event, cti.ConfigKeyEvent)
            return dict(event.floating)

        before = await keys()
        group = SkillGroup(name="third", id=5109, mrd=CHAT)
        changed = attrs.evolve(SETTINGS, skill_groups=(*SETTINGS.skill_groups, group))
        here.exchange.change_settings(changed, here.clock.now())
        after = await keys()
        assert [tag for tag in before if before[tag] != after[tag]] == [cti.ConfigKeyEvent.SKILL_GROUP_CONFIG_KEY]


async def test_who_asked_by_mask_is_told_what_is_new_changed_and_gone(autojump_clock: object) -> None:
    async with town() as here:
        client, other = await here.client(), await here.client()
        mask = cti.ConfigMask.AGENT | cti.ConfigMask.SKILL_GROUP
        await client.send(cti.ConfigRequestEvent(cti.ConfigMask.CALL_TYPE, mask, 0xFFFFFFFF))
        await client.received()
        ada, ben = SETTINGS.agents
        cleo = Agent(id="1003", name="Cleo", skill_target_id=6003, peripheral=5000)
        changed = attrs.evolve(
            SETTINGS,
            agents=(attrs.evolve(ben, name="Benjamin", skill_groups=("sold",)), cleo),
            skill_groups=(attrs.evolve(SETTINGS.skill_groups[0], name="sold"), SETTINGS.skill_groups[1]),
            call_types=(CallType("chat", ({"op": "queue", "to": ["sg:sold"]},)),),
        )
        here.exchange.change_settings(changed, here.clock.now())
        begin, groups, agents, end = await client.received()
        assert isinstance(begin, cti.ConfigBeginEvent)
        assert (begin.config_type, begin.config_information) == (cti.ConfigType.UNSOLICITED, mask)
        assert [told(groups, cti.ConfigSkillGroupEvent.PERIPHERAL_NAME)] == [[(cti.RecordType.CHANGE, "sold")]]
        assert told(agents, cti.ConfigAgentEvent.LOGIN_NAME) == [
            (cti.RecordType.CHANGE, "Benjamin"),
            (cti.RecordType.ADD, "Cleo"),
            (cti.RecordType.DELETE, ada.name),
        ]
        assert isinstance(end, cti.ConfigEndEvent)
        assert end.config_end_status == cti.ConfigEndStatus.SUCCESS
        assert await other.received() == []


async def test_a_change_of_nothing_that_the_mask_names_is_not_told(autojump_clock: object) -> None:
    async with town() as here:
        client = await here.client()
        await client.send(cti.ConfigRequestEvent(cti.ConfigMask.CALL_TYPE, cti.ConfigMask.AGENT, 0xFFFFFFFF))
        await client.received()
        here.exchange.change_settings(LABELLED, here.clock.now())
        assert await client.received() == []


def told(message: Message, tag: int) -> list[tuple[object, object]]:
    """RecordType of each record, and the value of one of its fields."""
    assert isinstance(message, cti.ConfigAgentEvent | cti.ConfigSkillGroupEvent)
    types = [value for number, value in message.floating if number == message.RECORD_TYPE]
    return list(zip(types, [value for number, value in message.floating if number == tag], strict=True))


# --- what of a file can change ---------------------------------------------------------------------------------------

RUNNING = Settings(routing=SETTINGS, applications=(ApplicationSettings("web"), ApplicationSettings("far", "a:1")))


def test_what_cannot_change_while_the_gateway_runs_is_named_and_keeps_its_value() -> None:
    asked = attrs.evolve(RUNNING, admin=AdminSettings("127.0.0.1:9"), routing=LABELLED)
    change = read_change(lambda: asked, RUNNING)
    assert change.kept == ("[admin]",)
    assert change.settings == attrs.evolve(RUNNING, routing=LABELLED)


def test_applications_that_dial_us_can_change_and_those_that_we_dial_cannot() -> None:
    ours, dialled = RUNNING.applications
    changed = (attrs.evolve(ours, requeue_on_recovery=True), dialled)
    assert read_change(lambda: attrs.evolve(RUNNING, applications=changed), RUNNING).settings.applications == changed
    change = read_change(lambda: attrs.evolve(RUNNING, applications=(ours,)), RUNNING)
    assert (change.kept, change.settings) == (("[[application]]",), RUNNING)


async def test_new_sessions_are_admitted_as_the_new_configuration_says(autojump_clock: object, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("secret\n")
    nobody = attrs.evolve(RUNNING, cti_clients=(CtiClientSettings("other", tmp_path / "pw"),))
    async with town() as here:
        open_client = await here.client()
        here.factory.take_over(read_change(lambda: nobody, RUNNING).factory)
        late = here.connect(cti_codec(25))
        asked: list[tuple[int, FloatValue]] = [
            (cti.OpenReq.CLIENT_ID, "desktop"),
            (cti.OpenReq.CLIENT_PASSWORD, b"secret"),
        ]
        await late.send(cti.OpenReq(1, 25, 0xFFFFFFFF, 5000, ARM_AND_ALL, 0, 0, 0, 0, 0, 0, asked))
        await trio.sleep(1)  # a refusal is held back
        assert await late.names() == ["FAILURE_CONF"]
        await open_client.sign_in(ADA)
        assert "MEDIA_LOGIN_RESP" in await open_client.names()


def test_a_script_that_does_not_compile_is_refused_when_it_is_read() -> None:
    with pytest.raises(ConfigurationError, match="no such step"):
        read_change(lambda: attrs.evolve(RUNNING, routing=routed_by(({"op": "nonsense"},))), RUNNING)
