"""The part of the configuration that the routing engine decides by.

Knows media routing domains, agents, queues and scripts as frozen values; must not know files, sockets or protocols.
Rules: design 4, semantics 1, 2, 5, 6; defaults decided in semantics 11 and decisions E4, G1.
"""

from typing import Any

import attrs

from ctigw.config.key import key

ID_HIGH = 2**31 - 1
"""Largest id that an INT field carries on the wire."""

SERVICE_LEVEL_TYPES = ("ignore_abandoned", "negative", "positive")
"""How abandoned tasks count in a service level: not at all, against it, for it (semantics 1.1 and 10.1)."""

ScriptStep = dict[str, Any]
"""One step of a script as written; `ctigw.routing.scripts` gives it its meaning (decisions H)."""


@attrs.frozen
class RouterSettings:
    """`[router]`: limits that hold over all media routing domains (decisions E4)."""

    max_tasks_in_queue: int = key("tasks that may wait in queues at once", default=100_000, low=1, high=1_000_000)
    max_tasks_per_call_type: int = key(
        "tasks of one call type that may wait at once; 0: no limit", default=0, low=0, high=1_000_000
    )
    max_time_in_queue_s: float = key("longest stay of a task in queues", default=3600.0, low=1, high=31_536_000)
    pick_pull_while_not_ready: bool = key(
        "may an agent who is not ready pick and pull (EnablePickPullWhileInNotReady)", default=False
    )


@attrs.frozen
class MediaRoutingDomain:
    """`[[media_routing_domain]]` (semantics 1.1)."""

    id: int = key("MRDomainID; 1 is voice and refused", low=2, high=ID_HIGH)
    name: str = key("unique name, used in metrics and scripts", max_bytes=32)
    interruptible: bool = key("may an agent on a task here be given a task of another domain", default=False)
    start_timeout_s: float = key("from choosing the agent to START_TASK_IND", default=30.0, low=1, high=86_400)
    max_task_duration_s: float = key("longest life of a task with an agent", default=28_800.0, low=1, high=31_536_000)
    task_life_s: float = key(
        "how long tasks live on after their application path went down", default=1200.0, low=1, high=604_800
    )
    service_level_threshold_s: float = key(
        "service level threshold; 0: no service level event", default=30.0, low=0, high=604_800
    )
    service_level_type: str = key(
        "how abandoned tasks count in the service level", default="ignore_abandoned", choices=SERVICE_LEVEL_TYPES
    )
    max_tasks_in_queue: int | None = key(
        "tasks of this domain that may wait at once; absent: no limit of its own", default=None, low=1, high=1_000_000
    )
    max_tasks_per_call_type: int | None = key(
        "tasks of one call type that may wait at once in this domain; 0: no limit; absent: as the router says",
        default=None,
        low=0,
        high=1_000_000,
    )
    max_time_in_queue_s: float | None = key(
        "longest stay of a task of this domain in queues; absent: as the router says",
        default=None,
        low=1,
        high=31_536_000,
    )


@attrs.frozen
class Peripheral:
    """`[[peripheral]]`: a peripheral that agents belong to."""

    id: int = key("PeripheralID", low=1, high=ID_HIGH)
    name: str = key(
        "name in logs; default: the id",
        default=attrs.Factory(lambda self: str(self.id), takes_self=True),
        max_bytes=32,
    )


@attrs.frozen
class ApplicationPathMember:
    """One entry of an application path: a peripheral and the domains that a client of the path may report on."""

    peripheral: int = key("PeripheralID", low=1, high=ID_HIGH)
    mrds: tuple[int, ...] = key("ids of media routing domains", low=2, high=ID_HIGH)


@attrs.frozen
class ApplicationPath:
    """`[[application_path]]` (semantics 1.2): one domain of one peripheral belongs to exactly one path."""

    id: int = key("ApplicationPathID, tag 97 of OPEN_REQ", low=1, high=ID_HIGH)
    members: tuple[ApplicationPathMember, ...] = key("what the path covers")


@attrs.frozen
class Attribute:
    """`[[attribute]]` of agents, for precision queues (semantics 5.3)."""

    name: str = key("name in expressions", max_bytes=32)
    type: str = key("kind of value", choices=("boolean", "proficiency"))
    default: bool | int | None = key("value for an agent without a value of his own", default=None)


@attrs.frozen
class Agent:
    """`[[agent]]`."""

    id: str = key("peripheral agent number", max_bytes=11)
    skill_target_id: int = key("ICMAgentID on the wire; unique", low=1, high=ID_HIGH)
    peripheral: int = key("PeripheralID", low=1, high=ID_HIGH)
    name: str = key(
        "name in answers; default: the id",
        default=attrs.Factory(lambda self: self.id, takes_self=True),
        max_bytes=64,
    )
    attributes: dict[str, bool | int] = key("attribute name = value", default=attrs.Factory(dict))
    skill_groups: tuple[str, ...] = key("names of skill groups", default=())


@attrs.frozen
class SkillGroup:
    """`[[skill_group]]`; its members are the agents that name it."""

    name: str = key("unique name", max_bytes=32)
    id: int = key("SkillGroupID; unique among skill groups and precision queues", low=1, high=ID_HIGH)
    mrd: int = key("id of its media routing domain", low=2, high=ID_HIGH)
    service_level_threshold_s: float | None = key(
        "service level threshold of its own; absent: that of its domain", default=None, low=0, high=604_800
    )


@attrs.frozen
class AgentTeam:
    """`[[agent_team]]`: agents of one peripheral and who supervises them. Nothing is routed by it; supervisor clients
    watch it, and user messages go to it (cti.toml 107, 128 to 138).
    """

    name: str = key("unique name", max_bytes=31)
    id: int = key("TeamID; unique", low=1, high=ID_HIGH)
    peripheral: int = key("PeripheralID of its agents", low=1, high=ID_HIGH)
    agents: tuple[str, ...] = key("peripheral agent numbers of its members", default=())
    supervisors: tuple[str, ...] = key("peripheral agent numbers of its supervisors, the primary one first", default=())


@attrs.frozen
class PrecisionQueueStep:
    """One step of a precision queue (semantics 5.3)."""

    match: str = key("expression over attributes, e.g. english >= 5 and boston == true")
    wait_s: float = key(
        "how long to stay on this step; the last step waits for ever", default=0.0, low=0, high=2_147_483_647
    )
    consider_if: str = key(
        "expression of scripts, asked when a task comes to the step; false skips it; not on the last step", default=""
    )
    wait_if_no_agents_logged_in: bool | None = key(
        "stay though no agent of the step is signed in; absent: as the queue says", default=None
    )


@attrs.frozen
class PrecisionQueue:
    """`[[precision_queue]]`."""

    name: str = key("unique name", max_bytes=32)
    id: int = key("PrecisionQueueID; unique among skill groups and precision queues", low=1, high=ID_HIGH)
    mrd: int = key("id of its media routing domain", low=2, high=ID_HIGH)
    steps: tuple[PrecisionQueueStep, ...] = key("steps in order, 1 to 10")
    agent_order: str = key(
        "which agent of a step",
        default="longest_available",
        choices=("longest_available", "most_proficient", "least_proficient", "most_skilled"),
    )
    wait_if_no_agents_logged_in: bool = key(
        "stay on a step though no agent of it is signed in; false: such a step is passed at once", default=True
    )
    service_level_threshold_s: float | None = key(
        "service level threshold of its own; absent: that of its domain", default=None, low=0, high=604_800
    )


@attrs.frozen
class CallType:
    """`[[call_type]]`: a script; steps stay as written until `ctigw.routing.scripts` compiles them (decisions H)."""

    name: str = key("unique name", max_bytes=32)
    script: tuple[ScriptStep, ...] = key("steps in order; empty: nothing scheduled, NO_SCRIPT")
    id: int | None = key(
        "CallTypeID on the wire; default: numbered in order of the file from 1", default=None, low=1, high=ID_HIGH
    )


@attrs.frozen
class ScriptSelector:
    """`[[script_selector]]` (semantics 6.1): belongs to one domain and one call type."""

    value: str = key("the dialed number that an application names", max_bytes=32)
    mrd: int = key("id of its media routing domain", low=2, high=ID_HIGH)
    call_type: str = key("name of a call type")


@attrs.frozen
class RoutingSettings:
    """Everything that the engine decides by; the loader has checked that references resolve and ids are unique."""

    router: RouterSettings = attrs.Factory(RouterSettings)
    media_routing_domains: tuple[MediaRoutingDomain, ...] = ()
    peripherals: tuple[Peripheral, ...] = ()
    application_paths: tuple[ApplicationPath, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    agents: tuple[Agent, ...] = ()
    skill_groups: tuple[SkillGroup, ...] = ()
    precision_queues: tuple[PrecisionQueue, ...] = ()
    call_types: tuple[CallType, ...] = ()
    script_selectors: tuple[ScriptSelector, ...] = ()
    agent_teams: tuple[AgentTeam, ...] = ()
