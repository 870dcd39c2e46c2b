"""Look-ups over the configuration that messages need and the engine does not tell.

Knows names, numbers and peripherals of agents, domains and paths; must not know sessions or tasks.
"""

from ctigw.config.routing import Agent, MediaRoutingDomain, RoutingSettings


class Directory:
    """Indexes over one configuration; made anew when the configuration changes."""

    def __init__(self, settings: RoutingSettings) -> None:
        self.agents: dict[int, Agent] = {agent.skill_target_id: agent for agent in settings.agents}
        self.mrds: dict[int, MediaRoutingDomain] = {mrd.id: mrd for mrd in settings.media_routing_domains}
        self.peripherals: tuple[int, ...] = tuple(peripheral.id for peripheral in settings.peripherals)
        self._by_number = {(agent.peripheral, agent.id): agent for agent in settings.agents}
        self._peripherals_of = {
            path.id: tuple(dict.fromkeys(member.peripheral for member in path.members))
            for path in settings.application_paths
        }
        self._path_of = {
            (member.peripheral, mrd): path.id
            for path in settings.application_paths
            for member in path.members
            for mrd in member.mrds
        }

    def agent_by_number(self, peripheral: int, number: str) -> Agent | None:
        """The agent with that peripheral agent number."""
        return self._by_number.get((peripheral, number))

    def path_of(self, skill_target_id: int, mrd_id: int) -> int | None:
        """The application path that reports for this agent in this domain (semantics 1.2)."""
        agent = self.agents.get(skill_target_id)
        return None if agent is None else self._path_of.get((agent.peripheral, mrd_id))

    def peripherals_of(self, application_path: int) -> tuple[int, ...]:
        """Peripherals that a path covers, in order of configuration."""
        return self._peripherals_of.get(application_path, ())

    def mrd_name(self, mrd_id: int) -> str:
        """Name in metrics; the number of a domain that is not configured never gets here from the engine."""
        mrd = self.mrds.get(mrd_id)
        return "none" if mrd is None else mrd.name
