"""The site's configuration for CTI clients: keys and blocks of records (cti.toml 230 to 238, 245, 254, 260)."""

from collections.abc import Iterable
from typing import TypeVar

import attrs
import pytest
import trio
from trio.testing import MockClock

from ctigw.config.routing import (
    Agent,
    AgentTeam,
    ApplicationPath,
    ApplicationPathMember,
    Peripheral,
    PrecisionQueue,
    PrecisionQueueStep,
    RoutingSettings,
    SkillGroup,
)
from ctigw.gateway.allowance import Allowance
from ctigw.wire import CTI_MAX_BODY, Message, cti, cti_codec
from town import ADA, CHAT, EMAIL, SETTINGS, Peer, Town, town

S = cti.ServiceMask
K = cti.ConfigMask
END = cti.ConfigEndStatus
WHOLE_SITE = 0xFFFFFFFF
M = TypeVar("M", bound=Message)
EVERYTHING = 0x3FF

SITE = attrs.evolve(
    SETTINGS,
    peripherals=(Peripheral(id=5000), Peripheral(id=6000)),
    application_paths=(
        ApplicationPath(id=1, members=(ApplicationPathMember(peripheral=5000, mrds=(EMAIL, CHAT)),)),
        ApplicationPath(id=2, members=(ApplicationPathMember(peripheral=6000, mrds=(CHAT,)),)),
    ),
    agents=(
        Agent(
            id="1001", name="Ada King Lovelace", skill_target_id=ADA, peripheral=5000, skill_groups=("second", "sales")
        ),
        Agent(id="1002", name="Ben", skill_target_id=6002, peripheral=5000),
        Agent(id="1001", name="Cid", skill_target_id=6003, peripheral=6000),
    ),
    agent_teams=(AgentTeam(name="desk", id=7001, peripheral=5000, agents=("1001",), supervisors=("1002",)),),
    precision_queues=(
        PrecisionQueue(name="n" * 32, id=5201, mrd=EMAIL, steps=(PrecisionQueueStep(match="true == true"),)),
    ),
)


def crowded(agents: int) -> RoutingSettings:
    """A site with many agents."""
    many = tuple(Agent(id=str(n), skill_target_id=n, peripheral=5000) for n in range(10_000, 10_000 + agents))
    return attrs.evolve(SETTINGS, agents=many)


async def client(place: Town, version: int = 25) -> Peer:
    return await place.client(S.ALL_TASK_EVENTS, version=version)


async def block(
    peer: Peer, mask: int, peripheral: int = WHOLE_SITE
) -> tuple[Message, list[Message], cti.ConfigEndEvent]:
    """Begin, records and end of what is answered to a CONFIG_REQUEST_EVENT."""
    await peer.send(cti.ConfigRequestEvent(mask, 0, peripheral))
    begin, *records, end = await peer.received()
    assert isinstance(end, cti.ConfigEndEvent)
    return begin, records, end


def only(records: Iterable[Message], kind: type[M]) -> M:
    (found,) = [record for record in records if isinstance(record, kind)]
    return found


async def test_agents_come_with_their_groups_and_domains(autojump_clock: MockClock) -> None:
    async with town(SITE) as place:
        desktop, peer = await place.client(S.AGENT_REPORTING), await client(place)
        await desktop.sign_in(ADA, EMAIL)
        await desktop.received()
        begin, records, end = await block(peer, K.AGENT, 5000)
        assert isinstance(begin, cti.ConfigBeginEvent)
        assert (begin.config_type, begin.config_information) == (cti.ConfigType.SOLICITED, K.AGENT)
        assert end.config_end_status == END.SUCCESS
        agents = only(records, cti.ConfigAgentEvent)
        assert agents.num_records == 2
        assert agents.record_type == [cti.RecordType.ADD] * 2
        assert (agents.login_id, agents.extension) == (["1001", "1002"], ["1001", "1002"])
        assert (agents.first_name, agents.last_name) == (["Ada", ""], ["King Lovelace", "Ben"])
        assert (agents.agent_skill_target_id, agents.agent_type) == ([ADA, 6002], [1, 2])
        assert (agents.num_skills, agents.flt_skill_group_number) == ([2, 0], [[5103, 5101], []])
        assert (agents.num_mrds, agents.flt_agent_mrd_id) == ([2, 2], [[CHAT, EMAIL]] * 2)
        out = cti.AgentState.LOGOUT
        assert agents.flt_agent_mrd_state == [[out, cti.AgentState.NOT_ACTIVE], [out, out]]


async def test_groups_and_precision_queues_are_skill_group_records(autojump_clock: MockClock) -> None:
    async with town(SITE) as place:
        _, records, _ = await block(await client(place), K.SKILL_GROUP, 5000)
        groups = only(records, cti.ConfigSkillGroupEvent)
        assert groups.num_records == 3
        assert groups.peripheral_number == groups.skill_group_skill_target_id == [5101, 5103, 5201]
        assert groups.flt_mr_domain_id == [CHAT, CHAT, EMAIL]
        assert groups.flt_peripheral_id == [5000] * 3
        assert groups.flt_precision_queue_id == [0, 0, 5201]
        assert groups.flt_precision_queue_name == ["", "", "n" * 31], "cut to what the field can hold"


async def test_domains_call_types_and_peripherals_have_records(autojump_clock: MockClock) -> None:
    async with town(SITE) as place:
        _, records, _ = await block(await client(place), K.MEDIA_ROUTING_DOMAIN | K.CALL_TYPE | K.PERIPHERAL)
        domains = only(records, cti.ConfigMrdEvent)
        assert (domains.flt_mr_domain_id, domains.flt_enterprise_name) == ([CHAT, EMAIL], ["chat", "email"])
        assert (domains.flt_max_task_duration, domains.flt_interruptible) == ([28_800] * 2, [0, 1])
        call_types = only(records, cti.ConfigCallTypeEvent)
        assert (call_types.flt_call_type_id, call_types.enterprise_name) == ([1], ["chat"])
        assert only(records, cti.ConfigPeripheralEvent).config_peripheral_id == [5000, 6000]


async def test_the_whole_site_has_the_agents_of_all_peripherals(autojump_clock: MockClock) -> None:
    async with town(SITE) as place:
        _, records, _ = await block(await client(place), EVERYTHING)
        assert only(records, cti.ConfigAgentEvent).flt_peripheral_id == [5000, 5000, 6000]
        _, records, _ = await block(await client(place), EVERYTHING, 6000)
        assert only(records, cti.ConfigAgentEvent).flt_peripheral_id == [6000]
        assert only(records, cti.ConfigPeripheralEvent).config_peripheral_id == [6000]


@pytest.mark.parametrize("mask", [0, K.SERVICE | K.DEVICE, K.AGENT_DESK_SETTINGS | K.TERMINAL | K.AGENT_SERVICES])
async def test_kinds_that_there_are_none_of_give_an_empty_block(autojump_clock: MockClock, mask: int) -> None:
    async with town(SITE) as place:
        begin, records, end = await block(await client(place), mask)
        assert (begin.NAME, records, end) == ("CONFIG_BEGIN_EVENT", [], cti.ConfigEndEvent(END.EMPTY))


async def test_an_unknown_peripheral_has_no_configuration(autojump_clock: MockClock) -> None:
    async with town(SITE) as place:
        peer = await client(place)
        _, records, end = await block(peer, EVERYTHING, 5009)
        assert (records, end) == ([], cti.ConfigEndEvent(END.NO_SERVICE_PROVIDER))
        await peer.send(cti.ConfigRequestKeyEvent(5009))
        assert await peer.received() == [cti.ConfigKeyEvent(cti.ConfigKeyStatus.SERVICE_PROVIDER)]


@pytest.mark.parametrize(("wanted", "changes"), [(0x400, 0), (K.AGENT, 0x400)])
async def test_a_mask_with_unknown_kinds_is_refused(autojump_clock: MockClock, wanted: int, changes: int) -> None:
    async with town(SITE) as place:
        peer = await client(place)
        await peer.send(cti.ConfigRequestEvent(wanted, changes, WHOLE_SITE))
        assert await peer.received() == [cti.FailureEvent(cti.FailureStatus.INVALID_CONFIG_MSG_MASK)]


@pytest.mark.parametrize(
    ("version", "names"),
    [
        (19, ["CONFIG_SKILL_GROUP_EVENT", "CONFIG_CALL_TYPE_EVENT", "CONFIG_AGENT_EVENT"]),
        (
            21,
            ["CONFIG_MRD_EVENT", "CONFIG_SKILL_GROUP_EVENT", "CONFIG_CALL_TYPE_EVENT", "CONFIG_AGENT_EVENT"],
        ),
        (
            22,
            [
                "CONFIG_PERIPHERAL_EVENT",
                "CONFIG_MRD_EVENT",
                "CONFIG_SKILL_GROUP_EVENT",
                "CONFIG_CALL_TYPE_EVENT",
                "CONFIG_AGENT_EVENT",
            ],
        ),
    ],
)
async def test_a_version_gets_the_records_that_it_has(
    autojump_clock: MockClock, version: int, names: list[str]
) -> None:
    async with town(SITE) as place:
        _, records, end = await block(await client(place, version), EVERYTHING)
        assert [record.NAME for record in records] == names
        assert end.config_end_status == END.SUCCESS


async def test_an_agent_in_very_many_groups_is_told_to_an_old_client_too(autojump_clock: MockClock) -> None:
    groups = tuple(SkillGroup(name=f"g{n}", id=9000 + n, mrd=CHAT) for n in range(80))
    busy = Agent(id="1", skill_target_id=1, peripheral=5000, skill_groups=tuple(group.name for group in groups))
    settings = attrs.evolve(SETTINGS, agents=(busy,), skill_groups=(*SETTINGS.skill_groups, *groups))
    async with town(settings) as place:
        for version, told in ((19, 63), (20, 80)):
            _, records, _ = await block(await client(place, version), K.AGENT)
            agents = only(records, cti.ConfigAgentEvent)
            assert (agents.num_skills, len(agents.flt_skill_group_number[0])) == ([told], told)


@pytest.mark.parametrize("version", [19, 25])
async def test_many_records_come_in_messages_of_at_most_the_largest_size(
    autojump_clock: MockClock, version: int
) -> None:
    async with town(crowded(500)) as place:
        _, records, end = await block(await client(place, version), K.AGENT)
        agents = [record for record in records if isinstance(record, cti.ConfigAgentEvent)]
        assert [number for record in agents for number in record.login_id] == [str(10_000 + n) for n in range(500)]
        sizes = [len(cti_codec(version).encode(record)) - 8 for record in agents]
        assert max(sizes) <= CTI_MAX_BODY
        assert len(agents) > 2
        assert end.config_end_status == END.SUCCESS


async def test_asking_again_and_again_ends_in_a_partial_block_until_time_has_passed(autojump_clock: MockClock) -> None:
    async with town(crowded(200)) as place:
        peer = await client(place)
        (link,) = place.exchange._links.values()
        assert link.cti_client is not None
        link.cti_client.bulk = Allowance(most=50_000, per_s=5_000)
        assert (await block(peer, K.AGENT))[2].config_end_status == END.SUCCESS
        _, records, end = await block(peer, K.AGENT)
        assert (len(records) < 3, end.config_end_status) == (True, END.PARTIAL)
        await trio.sleep(10)
        assert (await block(peer, K.AGENT))[2].config_end_status == END.SUCCESS


# Keys.


async def keys(settings: RoutingSettings, version: int = 25, peripheral: int = WHOLE_SITE) -> dict[int, object]:
    """Tag -> key, as CONFIG_KEY_EVENT tells them."""
    async with town(settings) as place:
        peer = await client(place, version)
        await peer.send(cti.ConfigRequestKeyEvent(peripheral))
        (told,) = await peer.received()
        assert isinstance(told, cti.ConfigKeyEvent)
        assert told.configkey_status == cti.ConfigKeyStatus.SUCCESS
        return dict(told.floating)


async def test_there_is_a_key_of_eight_bytes_for_each_kind_that_the_version_has(autojump_clock: MockClock) -> None:
    assert set(await keys(SITE)) == {177, 178, 179, 180, 209, 269, 270}
    assert set(await keys(SITE, 21)) == {177, 178, 179, 180, 209}
    assert {len(key) for key in (await keys(SITE)).values() if isinstance(key, bytes)} == {8}


async def test_a_key_changes_with_its_kind_only(autojump_clock: MockClock) -> None:
    before = await keys(SITE)
    assert await keys(attrs.evolve(SITE)) == before
    renamed = attrs.evolve(SITE, agents=(attrs.evolve(SITE.agents[0], name="Grace"), *SITE.agents[1:]))
    after = await keys(renamed)
    assert {tag for tag in before if before[tag] != after[tag]} == {cti.ConfigKeyEvent.AGENT_CONFIG_KEY}
    assert await keys(renamed, peripheral=6000) == await keys(SITE, peripheral=6000)


async def test_a_block_begins_with_the_keys_of_its_kinds(autojump_clock: MockClock) -> None:
    every = await keys(SITE, peripheral=5000)
    async with town(SITE) as place:
        begin, _, _ = await block(await client(place), K.AGENT | K.CALL_TYPE | K.MEDIA_ROUTING_DOMAIN, 5000)
        assert isinstance(begin, cti.ConfigBeginEvent)
        assert dict(begin.floating) == {tag: every[tag] for tag in (179, 209)}


async def test_a_state_is_no_part_of_a_key(autojump_clock: MockClock) -> None:
    async with town(SITE) as place:
        desktop, peer = await place.client(S.AGENT_REPORTING), await client(place)
        told = []
        for _ in range(2):
            await peer.send(cti.ConfigRequestKeyEvent(WHOLE_SITE))
            told += await peer.received()
            await desktop.sign_in(ADA)
        assert told[0] == told[1]
