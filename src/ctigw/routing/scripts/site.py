"""What scripts may refer to: queues and domains of a configuration, by the names that scripts use.

Knows names and numbers only; must not know scripts, tasks or agents' states.
"""

from ctigw.config.routing import RoutingSettings
from ctigw.routing.scripts.names import kinds_of_names
from ctigw.routing.terms import QueueKind, QueueRef


class Site:
    """One configuration, as scripts see it."""

    def __init__(self, settings: RoutingSettings) -> None:
        self.targets = _targets(settings)
        """Every queue by its label; None where several agents have the number."""
        self.mrds = {mrd.name: mrd.id for mrd in settings.media_routing_domains}
        self.kind_of = kinds_of_names({label for label, ref in self.targets.items() if ref is not None})
        """Kind of every name that a condition may use."""


def _targets(settings: RoutingSettings) -> dict[str, QueueRef | None]:
    targets: dict[str, QueueRef | None] = {}
    for group in settings.skill_groups:
        targets[f"sg:{group.name}"] = QueueRef(QueueKind.SKILL_GROUP, group.id, f"sg:{group.name}")
    for queue in settings.precision_queues:
        targets[f"pq:{queue.name}"] = QueueRef(QueueKind.PRECISION_QUEUE, queue.id, f"pq:{queue.name}")
    for agent in settings.agents:
        label = f"agent:{agent.id}"
        targets[label] = None if label in targets else QueueRef(QueueKind.AGENT, agent.skill_target_id, label)
    return targets
