"""What must hold between tables: references, unique names and numbers, combinations.

Knows every table by name; must not know files' contents, sockets or scripts (`ctigw.routing.scripts` checks those).
Rules: semantics 1.2 (one domain of one peripheral belongs to one path), 5.3 (attributes), 6.1 (selectors), decisions
C2, D1, D2, F2. A table that had a problem of its own is not checked again, but its names still count as known, so
that one mistake is reported once.
"""

import re
from collections.abc import Collection

from ctigw.config.problems import Place
from ctigw.config.routing import (
    Agent,
    AgentTeam,
    ApplicationPath,
    Attribute,
    CallType,
    MediaRoutingDomain,
    Peripheral,
    PrecisionQueue,
    ScriptSelector,
    SkillGroup,
)
from ctigw.config.settings import (
    ApplicationSettings,
    CtiClientSettings,
    DuplexSettings,
    JournalSettings,
    ListenerSettings,
    PeripheralGatewaySettings,
    PeripheralGatewaySideSettings,
    Settings,
    TaskRecordsSettings,
)
from ctigw.config.tables import Found, Tables
from ctigw.config.timings import pair_timings

PROFICIENCY_LOW, PROFICIENCY_HIGH = 1, 10
"""Semantics 5.3."""

MOST_STEPS = 10
"""Steps of a precision queue (semantics 5.3)."""

AGENT_REPORTING = "agent_reporting"
"""The service that needs an application path (decisions C2)."""

VARIABLE_NAME = re.compile(r"call\.([1-9]|10)|ecc\..+")
"""What `[task_records] variables` may name (semantics 6.2)."""

ANY_PORT = ":0"
"""End of an address whose port the system chooses; two of them are two ports."""


def cross_check(settings: Settings, tables: Tables, service_names: Collection[str]) -> None:
    """Add everything that does not fit together to the problems of `tables`."""
    _check_listeners(tables)
    _check_journal(settings.journal, settings.duplex, tables)
    _check_task_records(settings.task_records, tables)
    _check_domains_and_peripherals(tables)
    _check_application_paths(tables)
    _check_agents(tables)
    _check_agent_teams(tables)
    _check_queues(tables)
    _check_scripts(tables)
    _check_cti_clients(tables, service_names)
    _check_applications(tables)
    _check_peripheral_gateways(tables)


def _check_listeners(tables: Tables) -> None:
    listeners = tables.each(ListenerSettings)
    fixed = [(one.address, place.inside("address")) for one, place in listeners if not one.address.endswith(ANY_PORT)]
    tables.unique(fixed)
    for listener, place in listeners:
        if not listener.protocols:
            tables.problems.add(place.inside("protocols"), "takes no protocol", allowed="mr, cti")
        tls = listener.tls
        if tls is not None and tls.require_client_certificate and tls.client_ca is None:
            tables.problems.add(
                place.inside("tls", "require_client_certificate"), "needs client_ca to judge certificates by"
            )


def _check_journal(journal: JournalSettings, duplex: DuplexSettings, tables: Tables) -> None:
    """Decisions F2; engineering G4 for the timings."""
    wanted = "etcd" if duplex.kind == "pair" else "sqlite"
    if journal.kind != wanted:
        tables.problems.add(
            tables.single("journal").inside("kind"),
            f"does not fit duplex.kind = {duplex.kind!r}",
            value=journal.kind,
            allowed=wanted,
        )
    if duplex.kind == "pair" and not duplex.etcd:
        tables.problems.add(
            tables.single("duplex").inside("etcd"), "is missing: a pair needs its store", allowed="URLs"
        )
    if not duplex.etcd_prefix.startswith("/") or duplex.etcd_prefix.endswith("/"):
        at = tables.single("duplex").inside("etcd_prefix")
        tables.problems.add(
            at, "is no prefix", value=duplex.etcd_prefix, allowed="begins with / and does not end with it"
        )
    tls = duplex.etcd_tls
    if tls is not None and (tls.certificate is None) != (tls.private_key is None):
        at = tables.single("duplex").inside("etcd_tls")
        tables.problems.add(
            at, "has one half of a client certificate", allowed="certificate and private_key, or neither"
        )
    problem = pair_timings(duplex).problem()
    if problem is not None:
        tables.problems.add(tables.single("duplex").inside("lease_s"), problem)


def _check_task_records(records: TaskRecordsSettings, tables: Tables) -> None:
    place = tables.single("task_records")
    for position, name in enumerate(records.variables):
        if VARIABLE_NAME.fullmatch(name) is None:
            tables.problems.add(
                place.inside("variables", position), "is no variable", value=name, allowed="call.1 to call.10, ecc.NAME"
            )


def _check_domains_and_peripherals(tables: Tables) -> None:
    domains = tables.each(MediaRoutingDomain)
    tables.unique((domain.id, place.inside("id")) for domain, place in domains)
    tables.unique((domain.name, place.inside("name")) for domain, place in domains)
    tables.unique((one.id, place.inside("id")) for one, place in tables.each(Peripheral))


def _check_application_paths(tables: Tables) -> None:
    """A path may cover domains that are not configured (yet): nobody can sign in there, and `check` says so."""
    paths = tables.each(ApplicationPath)
    tables.unique((path.id, place.inside("id")) for path, place in paths)
    taken: Found = {}
    for path, place in paths:
        if not path.members:
            tables.problems.add(place.inside("members"), "covers nothing")
        for position, member in enumerate(path.members):
            inside = place.inside("members", position)
            tables.refer(member.peripheral, inside.inside("peripheral"), "peripheral", "id")
            # The value shown is (peripheral, domain): that pair belongs to one path (semantics 1.2).
            tables.unique(
                (((member.peripheral, mrd), inside.inside("mrds", n)) for n, mrd in enumerate(member.mrds)), taken
            )


def _check_agents(tables: Tables) -> None:
    agents = tables.each(Agent)
    tables.unique((agent.skill_target_id, place.inside("skill_target_id")) for agent, place in agents)
    tables.unique(((agent.peripheral, agent.id), place.inside("id")) for agent, place in agents)
    # Of two attributes with one name, values are judged by the first; the second is the problem.
    attributes = {attribute.name: attribute for attribute, _ in reversed(tables.each(Attribute))}
    tables.unique((attribute.name, place.inside("name")) for attribute, place in tables.each(Attribute))
    for attribute, place in tables.each(Attribute):
        if attribute.default is not None:
            _check_attribute_value(tables, attribute, attribute.default, place.inside("default"))
    for agent, place in agents:
        tables.refer(agent.peripheral, place.inside("peripheral"), "peripheral", "id")
        groups = [(name, place.inside("skill_groups", n)) for n, name in enumerate(agent.skill_groups)]
        for name, at in groups:
            tables.refer(name, at, "skill_group", "name")
        tables.unique(groups)
        for name, value in agent.attributes.items():
            at = place.inside("attributes", name)
            tables.refer(name, at, "attribute", "name")
            if name in attributes:
                _check_attribute_value(tables, attributes[name], value, at)


def _check_attribute_value(tables: Tables, attribute: Attribute, value: bool | int, place: Place) -> None:
    if attribute.type == "boolean":
        if not isinstance(value, bool):
            tables.problems.add(place, "is not boolean", value=value, allowed="true, false")
    elif isinstance(value, bool) or not PROFICIENCY_LOW <= value <= PROFICIENCY_HIGH:
        allowed = f"{PROFICIENCY_LOW} to {PROFICIENCY_HIGH}"
        tables.problems.add(place, "is no proficiency", value=value, allowed=allowed)


def _check_agent_teams(tables: Tables) -> None:
    """Members and supervisors are agents of the team's own peripheral; somebody may be both, and in several teams."""
    teams = tables.each(AgentTeam)
    tables.unique((team.id, place.inside("id")) for team, place in teams)
    tables.unique((team.name, place.inside("name")) for team, place in teams)
    peripherals = tables.known("peripheral", "id")
    peripherals_of: dict[str, set[int]] = {}
    for agent, _ in tables.each(Agent):
        peripherals_of.setdefault(agent.id, set()).add(agent.peripheral)
    for team, place in teams:
        tables.refer(team.peripheral, place.inside("peripheral"), "peripheral", "id")
        for role, numbers in (("agents", team.agents), ("supervisors", team.supervisors)):
            named = [(number, place.inside(role, n)) for n, number in enumerate(numbers)]
            tables.unique(named)
            for number, at in named:
                tables.refer(number, at, "agent", "id")
                # A peripheral that does not exist is one mistake, and told already.
                others = peripherals_of.get(number, {team.peripheral})
                if peripherals >= others | {team.peripheral} and team.peripheral not in others:
                    tables.problems.add(at, f"is no agent of peripheral {team.peripheral}", value=number)


def _check_queues(tables: Tables) -> None:
    groups, queues = tables.each(SkillGroup), tables.each(PrecisionQueue)
    tables.unique((group.name, place.inside("name")) for group, place in groups)
    tables.unique((queue.name, place.inside("name")) for queue, place in queues)
    ids: Found = {}
    tables.unique(((group.id, place.inside("id")) for group, place in groups), ids)
    tables.unique(((queue.id, place.inside("id")) for queue, place in queues), ids)
    for mrd, place in [(one.mrd, at) for one, at in groups] + [(one.mrd, at) for one, at in queues]:
        tables.refer(mrd, place.inside("mrd"), "media_routing_domain", "id")
    for queue, place in queues:
        if not 1 <= len(queue.steps) <= MOST_STEPS:
            at = place.inside("steps")
            tables.problems.add(at, f"has {len(queue.steps)} steps", allowed=f"1 to {MOST_STEPS} steps")
        elif queue.steps[-1].consider_if:
            at = place.inside("steps", len(queue.steps) - 1, "consider_if")
            tables.problems.add(at, "stands on the last step, which is never skipped")


def _check_scripts(tables: Tables) -> None:
    call_types = tables.each(CallType)
    tables.unique((call_type.name, place.inside("name")) for call_type, place in call_types)
    tables.unique(
        (call_type.id or position, place.inside("id")) for position, (call_type, place) in enumerate(call_types, 1)
    )
    selectors = tables.each(ScriptSelector)
    tables.unique((selector.value, place.inside("value")) for selector, place in selectors)
    for selector, place in selectors:
        tables.refer(selector.mrd, place.inside("mrd"), "media_routing_domain", "id")
        tables.refer(selector.call_type, place.inside("call_type"), "call_type", "name")


def _check_cti_clients(tables: Tables, service_names: Collection[str]) -> None:
    clients = tables.each(CtiClientSettings)
    tables.unique((client.id, place.inside("id")) for client, place in clients)
    for client, place in clients:
        for position, service in enumerate(client.services):
            if service not in service_names:
                at = place.inside("services", position)
                tables.problems.add(at, "is no service", value=service, allowed=", ".join(service_names))
        if client.password_file is None and not client.certificate_subject:
            tables.problems.add(place, "has neither password_file nor certificate_subject: nobody could use it")
        if client.application_path is not None:
            tables.refer(client.application_path, place.inside("application_path"), "application_path", "id")
        elif AGENT_REPORTING in client.services:
            at = place.inside("application_path")
            tables.problems.add(at, f"is missing: the service {AGENT_REPORTING} needs it")


def _check_applications(tables: Tables) -> None:
    applications = tables.each(ApplicationSettings)
    tables.unique((one.name, place.inside("name")) for one, place in applications)
    tables.unique(
        (one.peripheral_id, place.inside("peripheral_id"))
        for one, place in applications
        if one.peripheral_id is not None
    )
    tables.unique(
        (one.certificate_subject, place.inside("certificate_subject"))
        for one, place in applications
        if one.certificate_subject and one.peripheral_id is None
    )
    unbound = [
        place
        for one, place in applications
        if not (one.address or one.certificate_subject or one.peripheral_id is not None)
    ]
    for place in unbound[1:]:
        tables.problems.add(
            place,
            f"cannot be told from the one in {unbound[0].file}:{unbound[0].line}",
            allowed="address, certificate_subject or peripheral_id on all but one",
        )
    for one, place in applications:
        if one.address_2 and not one.address:
            tables.problems.add(place.inside("address_2"), "needs address", value=one.address_2)


def _check_peripheral_gateways(tables: Tables) -> None:
    gateways = tables.each(PeripheralGatewaySettings)
    tables.unique((gateway.name, place.inside("name")) for gateway, place in gateways)
    tables.unique((gateway.peripheral, place.inside("peripheral")) for gateway, place in gateways)
    for gateway, place in gateways:
        tables.refer(gateway.peripheral, place.inside("peripheral"), "peripheral", "id")
        _check_gateway_side(tables, gateway.side_a, place.inside("side_a"))
        if gateway.side_b is not None:
            _check_gateway_side(tables, gateway.side_b, place.inside("side_b"))


def _check_gateway_side(tables: Tables, side: PeripheralGatewaySideSettings, place: Place) -> None:
    if not (side.cti or side.mr_certificate or side.mr_address):
        tables.problems.add(place, "names no peer", allowed="cti, mr_certificate or mr_address")
    if side.mr_certificate and side.mr_address:
        tables.problems.add(place.inside("mr_address"), "stands beside mr_certificate", allowed="one of both")
