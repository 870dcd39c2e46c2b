"""Look-ups over the configuration that messages need and the engine does not tell.

Knows names, numbers and peripherals of agents, domains and paths; must not know sessions or tasks.
"""

from collections.abc import Iterable, Iterator

from ctigw.config.routing import Agent, AgentTeam, MediaRoutingDomain, RoutingSettings


class Directory:
    """Indexes over the configuration. Whoever looks things up holds the one directory, and asks it each time."""

    def __init__(self, settings: RoutingSettings) -> None:
        self.configure(settings)

    def configure(self, settings: RoutingSettings) -> None:
        """Make all indexes anew over another configuration."""
        self.settings = settings
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

        mrds: dict[int, list[int]] = {}
        for peripheral, mrd in self._path_of:
            if mrd in self.mrds:
                mrds.setdefault(peripheral, []).append(mrd)
        self._mrds_of = {peripheral: tuple(sorted(covered)) for peripheral, covered in mrds.items()}
        self.teams: dict[int, AgentTeam] = {team.id: team for team in settings.agent_teams}
        self._teams_of: dict[int, tuple[int, ...]] = {}
        self._supervised: dict[int, tuple[AgentTeam, ...]] = {}
        for team in settings.agent_teams:
            for agent in self._agents_of(team.peripheral, team.agents):
                self._teams_of[agent.skill_target_id] = (*self.teams_of(agent.skill_target_id), team.id)
            for agent in self._agents_of(team.peripheral, team.supervisors):
                self._supervised[agent.skill_target_id] = (*self.supervised_by(agent.skill_target_id), team)

    def agent_by_number(self, peripheral: int, number: str) -> Agent | None:
        """The agent with that peripheral agent number."""
        return self._by_number.get((peripheral, number))

    def path_of(self, skill_target_id: int, mrd_id: int) -> int | None:
        """The application path that reports for this agent in this domain (semantics 1.2)."""
        agent = self.agents.get(skill_target_id)
        return None if agent is None else self._path_of.get((agent.peripheral, mrd_id))

    def teams_of(self, skill_target_id: int) -> tuple[int, ...]:
        """Ids of the teams of which an agent is a member."""
        return self._teams_of.get(skill_target_id, ())

    def supervised_by(self, skill_target_id: int) -> tuple[AgentTeam, ...]:
        """The teams of a supervisor."""
        return self._supervised.get(skill_target_id, ())

    def mrds_of(self, agent: Agent) -> tuple[int, ...]:
        """Ids of the domains in which somebody may report for the agent: those that he could sign in to."""
        return self._mrds_of.get(agent.peripheral, ())

    def _agents_of(self, peripheral: int, numbers: Iterable[str]) -> Iterator[Agent]:
        for number in numbers:
            agent = self.agent_by_number(peripheral, number)
            if agent is not None:
                yield agent

    def peripherals_of(self, application_path: int) -> tuple[int, ...]:
        """Peripherals that a path covers, in order of configuration."""
        return self._peripherals_of.get(application_path, ())

    def mrd_name(self, mrd_id: int) -> str:
        """Name in metrics; the number of a domain that is not configured never gets here from the engine."""
        mrd = self.mrds.get(mrd_id)
        return "none" if mrd is None else mrd.name
