"""The site's configuration as CTI clients read it: records by kind, and a key that changes when a kind changes.

Knows the layouts of CONFIG_*_EVENT records; must not know sessions. What this site has none of (services, devices, desk
settings, terminals, agent services) has no records. Rules: cti.toml 231 to 238, 245, 254, 260; decisions C5 (group
number and id are one number, extension is the agent id). [OURS] where the tables only name a field: an agent's
LastName is what follows the first blank of his name, AgentType is 1 for agents and 2 for supervisors (as the sibling
protocol has it), FltAgentMRDState is the agent's state in the domain now.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ctigw.config.routing import Agent, RoutingSettings
from ctigw.gateway.directory import Directory
from ctigw.routing.engine import Engine
from ctigw.wire import CTI_MAX_BODY, FloatValue, Message, cti, lookup

KEY_BYTES = 8
"""Width of a configuration key."""

OLDER_ARRAY_ENTRIES = 63
"""Most integers in one floating field below version 20, whose length is one byte."""

FIRST_LONG_FLOATS = 20
"""The version from which a floating length has two bytes."""

AGENT, SUPERVISOR = 1, 2
_FLOAT_HEADER_BYTES = 4
_INTEGER_BYTES = 4
_NOTHING = ""

Kind = cti.ConfigMask
Record = list[tuple[int, FloatValue]]

Known = dict[Kind, dict[FloatValue, Record]]

_NUMBERS = {
    Kind.PERIPHERAL: cti.ConfigPeripheralEvent.CONFIG_PERIPHERAL_ID,
    Kind.MEDIA_ROUTING_DOMAIN: cti.ConfigMrdEvent.FLT_MR_DOMAIN_ID,
    Kind.SKILL_GROUP: cti.ConfigSkillGroupEvent.PERIPHERAL_NUMBER,
    Kind.CALL_TYPE: cti.ConfigCallTypeEvent.FLT_CALL_TYPE_ID,
    Kind.AGENT: cti.ConfigAgentEvent.AGENT_SKILL_TARGET_ID,
}
"""The tag by whose value a record is the same one after a change."""

KEY_TAGS = {
    Kind.SERVICE: cti.ConfigKeyEvent.SERVICE_CONFIG_KEY,
    Kind.SKILL_GROUP: cti.ConfigKeyEvent.SKILL_GROUP_CONFIG_KEY,
    Kind.AGENT: cti.ConfigKeyEvent.AGENT_CONFIG_KEY,
    Kind.DEVICE: cti.ConfigKeyEvent.DEVICE_CONFIG_KEY,
    Kind.CALL_TYPE: cti.ConfigKeyEvent.CALL_TYPE_CONFIG_KEY,
    Kind.PERIPHERAL: cti.ConfigKeyEvent.PERIPHERAL_CONFIG_KEY,
    Kind.AGENT_DESK_SETTINGS: cti.ConfigKeyEvent.AGENT_DESK_SETTINGS_CONFIG_KEY,
}
"""The kinds that have a key, and its tag in CONFIG_KEY_EVENT and CONFIG_BEGIN_EVENT."""


_KEY_VERSIONS = {row.tag: row.min_version for row in lookup("cti", cti.ConfigKeyEvent.NAME).floats}


class Scope(NamedTuple):
    """Whose configuration is asked for, by whom, and when."""

    peripheral: int | None
    """None: all peripherals."""
    version: int
    now: float
    """UTC seconds."""


class SiteConfiguration:
    """Records and keys over the configuration of the directory."""

    def __init__(self, engine: Engine, directory: Directory) -> None:
        self._engine = engine
        self._directory = directory
        self._keys: dict[tuple[Kind, int | None], bytes] = {}
        self._builders: dict[Kind, tuple[type[Any], Callable[[Scope], Iterable[Record]]]] = {
            Kind.PERIPHERAL: (cti.ConfigPeripheralEvent, self._peripherals),
            Kind.MEDIA_ROUTING_DOMAIN: (cti.ConfigMrdEvent, self._domains),
            Kind.SKILL_GROUP: (cti.ConfigSkillGroupEvent, self._groups),
            Kind.CALL_TYPE: (cti.ConfigCallTypeEvent, self._call_types),
            Kind.AGENT: (cti.ConfigAgentEvent, self._agents),
        }
        """Kinds that this site has, in the order in which a client can resolve what one says of another."""

    @property
    def _settings(self) -> RoutingSettings:
        return self._directory.settings

    def forget_keys(self) -> None:
        """The configuration has changed."""
        self._keys.clear()

    def key(self, kind: Kind, peripheral: int | None) -> bytes:
        """The key of a kind: the same for the same configuration, in every process."""
        found = self._keys.get((kind, peripheral))
        if found is None:
            content = repr((kind.value, peripheral, self._content(kind, peripheral)))
            found = hashlib.sha256(content.encode()).digest()[:KEY_BYTES]
            self._keys[kind, peripheral] = found
        return found

    def keys(self, kinds: Kind, scope: Scope) -> Record:
        """Keys of the kinds of a mask that have one. A key is opaque, and the codec sends raw bytes in every version:
        which version has which key is heeded here.
        """
        asked = {tag: kind for kind, tag in KEY_TAGS.items() if kind in kinds and _KEY_VERSIONS[tag] <= scope.version}
        return [(tag, self.key(kind, scope.peripheral)) for tag, kind in asked.items()]

    def messages(self, kinds: Kind, scope: Scope) -> Iterator[tuple[Message, int]]:
        """The records of the kinds of a mask in as few messages as hold them, each with about its bytes."""
        for kind, (event, build) in self._builders.items():
            if kind in kinds and lookup("cti", event.NAME).min_version <= scope.version:
                yield from _batches(event, ((cti.RecordType.ADD, record) for record in build(scope)))

    def known(self, scope: Scope) -> Known:
        """Every record by its kind and its number, to be compared with those of another configuration."""
        return {
            kind: {_number(kind, record): record for record in build(scope)}
            for kind, (_, build) in self._builders.items()
        }

    def changes(self, kinds: Kind, before: Known, scope: Scope) -> Iterator[tuple[Message, int]]:
        """What has been added, changed and deleted since `before`, kind by kind, in this order; as `messages`."""
        for kind, (event, build) in self._builders.items():
            if kind in kinds and lookup("cti", event.NAME).min_version <= scope.version:
                yield from _batches(event, _differences(before[kind], {_number(kind, r): r for r in build(scope)}))

    def _content(self, kind: Kind, peripheral: int | None) -> object:
        """What a kind's records are made from, states aside."""
        settings = self._settings
        match kind:
            case Kind.AGENT:
                return tuple(self._agents_of(peripheral)), settings.agent_teams, settings.application_paths
            case Kind.SKILL_GROUP:
                return settings.skill_groups, settings.precision_queues
            case Kind.CALL_TYPE:
                return settings.call_types
            case Kind.PERIPHERAL:
                return settings.peripherals
            case _:
                return ()

    def _agents_of(self, peripheral: int | None) -> Iterator[Agent]:
        for agent in self._settings.agents:
            if peripheral is None or agent.peripheral == peripheral:
                yield agent

    def _peripherals(self, scope: Scope) -> Iterator[Record]:
        event = cti.ConfigPeripheralEvent
        for peripheral in self._settings.peripherals:
            if scope.peripheral in (None, peripheral.id):
                yield [(event.CONFIG_PERIPHERAL_ID, peripheral.id), (event.DEFAULT_AGENT_DESK_SETTINGS_ID, 0)]

    def _domains(self, scope: Scope) -> Iterator[Record]:
        event = cti.ConfigMrdEvent
        for mrd in self._settings.media_routing_domains:
            yield [
                (event.FLT_MR_DOMAIN_ID, mrd.id),
                (event.FLT_ENTERPRISE_NAME, mrd.name),
                (event.FLT_DESCRIPTION, _NOTHING),
                (event.FLT_MAX_TASK_DURATION, int(mrd.max_task_duration_s)),
                (event.FLT_INTERRUPTIBLE, int(mrd.interruptible)),
            ]

    def _groups(self, scope: Scope) -> Iterator[Record]:
        """Groups and queues belong to a domain, not to a peripheral: each is a record of the one asked for."""
        for group in self._settings.skill_groups:
            yield _group(scope, group.id, group.name, group.mrd, queue=(_NO_QUEUE, _NOTHING))
        for queue in self._settings.precision_queues:
            yield _group(scope, queue.id, queue.name, queue.mrd, queue=(queue.id, queue.name))

    def _call_types(self, scope: Scope) -> Iterator[Record]:
        event = cti.ConfigCallTypeEvent
        for position, call_type in enumerate(self._settings.call_types, start=1):
            yield [
                (event.FLT_CALL_TYPE_ID, call_type.id or position),
                (event.CUSTOMER_DEFINITION_ID, 0),
                (event.ENTERPRISE_NAME, call_type.name),
                (event.DESCRIPTION, _NOTHING),
                (event.SERVICE_LEVEL_THRESHOLD, 0),
                (event.SERVICE_LEVEL_TYPE, 0),
            ]

    def _agents(self, scope: Scope) -> Iterator[Record]:
        event = cti.ConfigAgentEvent
        group_ids = {group.name: group.id for group in self._settings.skill_groups}
        most = None if scope.version >= FIRST_LONG_FLOATS else OLDER_ARRAY_ENTRIES
        for agent in self._agents_of(scope.peripheral):
            groups = [group_ids[name] for name in agent.skill_groups][:most]
            states = list(self._states(agent, scope.now))[:most]
            first_name, _, last_name = agent.name.partition(" ")
            supervises = bool(self._directory.supervised_by(agent.skill_target_id))
            yield [
                (event.FLT_PERIPHERAL_ID, agent.peripheral),
                (event.AGENT_TYPE, SUPERVISOR if supervises else AGENT),
                (event.AGENT_DESK_SETTINGS_ID, 0),
                (event.LOGIN_ID, agent.id),
                (event.LOGIN_NAME, agent.name),
                (event.LAST_NAME, last_name or first_name),
                (event.FIRST_NAME, first_name if last_name else _NOTHING),
                (event.EXTENSION, agent.id),
                (event.DESCRIPTION, _NOTHING),
                (event.AGENT_SKILL_TARGET_ID, agent.skill_target_id),
                (event.NUM_SKILLS, len(groups)),
                (event.SSO_ENABLED, 0),
                (event.NUM_MRDS, len(states)),
                (event.FLT_SKILL_GROUP_NUMBER, groups),
                (event.FLT_SKILL_GROUP_PRIORITY, [0] * len(groups)),
                (event.FLT_AGENT_MRD_ID, [mrd for mrd, _ in states]),
                (event.FLT_AGENT_MRD_STATE, [state for _, state in states]),
            ]

    def _states(self, agent: Agent, now: float) -> Iterator[tuple[int, int]]:
        for mrd in self._directory.mrds_of(agent):
            view = self._engine.agent_view(agent.skill_target_id, mrd, now)
            if view is not None:
                yield mrd, view.state


_NO_QUEUE = 0
"""FltPrecisionQueueID of a skill group."""


def _group(scope: Scope, number: int, name: str, mrd: int, queue: tuple[int, str]) -> Record:
    event = cti.ConfigSkillGroupEvent
    peripheral: Record = [] if scope.peripheral is None else [(event.FLT_PERIPHERAL_ID, scope.peripheral)]
    return [
        *peripheral,
        (event.PERIPHERAL_NUMBER, number),
        (event.FLT_SKILL_GROUP_PRIORITY, [0]),
        (event.SKILL_GROUP_SKILL_TARGET_ID, number),
        (event.EXTENSION, _NOTHING),
        (event.PERIPHERAL_NAME, name),
        (event.DESCRIPTION, _NOTHING),
        (event.FLT_MR_DOMAIN_ID, mrd),
        (event.FLT_PRECISION_QUEUE_ID, queue[0]),
        (event.FLT_PRECISION_QUEUE_NAME, queue[1]),
        (event.CONFIG_PARAM, _NOTHING),
    ]


def _number(kind: Kind, record: Record) -> FloatValue:
    return next(value for tag, value in record if tag == _NUMBERS[kind])


def _differences(
    before: dict[FloatValue, Record], after: dict[FloatValue, Record]
) -> Iterator[tuple[cti.RecordType, Record]]:
    for number, record in after.items():
        if number not in before:
            yield cti.RecordType.ADD, record
        elif record != before[number]:
            yield cti.RecordType.CHANGE, record
    for number, record in before.items():
        if number not in after:
            yield cti.RecordType.DELETE, record


def _batches(event: type[Any], records: Iterable[tuple[cti.RecordType, Record]]) -> Iterator[tuple[Message, int]]:
    """Records one after the other until the next would not fit the largest message any more (decisions A2)."""
    longest = {row.tag: row.max - 1 for row in lookup("cti", event.NAME).floats if row.type == "STRING"}
    floating: Record = []
    count, size = 0, 0
    for record_type, record in records:
        whole = [(event.RECORD_TYPE, record_type), *((tag, _cut(value, longest.get(tag))) for tag, value in record)]
        more = sum(_bytes_of(value) for _, value in whole)
        if count and size + more > CTI_MAX_BODY - _FLOAT_HEADER_BYTES:
            yield event(count, floating), size
            floating, count, size = [], 0, 0
        floating += whole
        count, size = count + 1, size + more
    if count:
        yield event(count, floating), size


def _cut(value: FloatValue, longest: int | None) -> FloatValue:
    return value[:longest] if isinstance(value, str) and longest is not None else value


def _bytes_of(value: FloatValue) -> int:
    """No fewer than the value takes in any version."""
    if isinstance(value, str):
        return _FLOAT_HEADER_BYTES + len(value) + 1
    integers = len(value) if isinstance(value, list) else 1
    return _FLOAT_HEADER_BYTES + integers * _INTEGER_BYTES
