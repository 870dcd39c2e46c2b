"""All ledgers of one engine.

Knows how to find them; must not know facts. Bounded: one ledger for each configured skill group and precision queue
(agents' own queues have none, as they have no label in metrics), one for each agent and domain that the agent ever
signed in to, one account for each task that an agent has.
"""

import attrs

from ctigw.config.routing import MediaRoutingDomain, PrecisionQueue, RoutingSettings, SkillGroup
from ctigw.routing.inputs import TaskId
from ctigw.routing.statistics.ledgers import AgentLedger, QueueLedger, TaskAccount
from ctigw.routing.terms import QueueKind, QueueRef


@attrs.define(eq=False, weakref_slot=False)
class Book:
    """The ledgers."""

    queues: dict[str, QueueLedger]
    """By `sg:name` and `pq:name`."""
    labels: dict[int, str]
    """Label by SkillGroupID or PrecisionQueueID; the two share one range of numbers."""
    agents: dict[tuple[int, int], AgentLedger] = attrs.Factory(dict)
    """By skill_target_id and domain, in order of first sign-in."""
    tasks: dict[TaskId, TaskAccount] = attrs.Factory(dict)
    leaving: list[tuple[QueueLedger, float]] = attrs.Factory(list)
    """Queues that a task has just left for an agent, and when it entered each; empty but between the two facts."""

    def take_over(self, kept: "Book") -> None:
        """Go on with the accounts of another book, where the queue is still configured, under its threshold of now."""
        for label, begun in self.queues.items():
            before = kept.queues.get(label)
            if before is not None:
                before.ref, before.mrd_id = begun.ref, begun.mrd_id
                before.threshold_s, before.level_type = begun.threshold_s, begun.level_type
                self.queues[label] = before
        self.agents, self.tasks, self.leaving = kept.agents, kept.tasks, kept.leaving


def open_book(settings: RoutingSettings) -> Book:
    """Ledgers of the configured queues, all numbers 0."""
    domains = {mrd.id: mrd for mrd in settings.media_routing_domains}
    ledgers = [
        _queue_ledger(QueueRef(kind, queue.id, f"{prefix}:{queue.name}"), domains[queue.mrd], queue)
        for kind, prefix, queues in (
            (QueueKind.SKILL_GROUP, "sg", settings.skill_groups),
            (QueueKind.PRECISION_QUEUE, "pq", settings.precision_queues),
        )
        for queue in queues
    ]
    return Book(
        queues={ledger.ref.label: ledger for ledger in ledgers},
        labels={ledger.ref.id: ledger.ref.label for ledger in ledgers},
    )


def renew(book: Book, settings: RoutingSettings, now: float) -> None:
    """Ledgers of the queues of other settings: of a queue that is the same its own, judged as the settings say."""
    fresh = open_book(settings)
    for label, ledger in fresh.queues.items():
        former = book.queues.get(label)
        if former is not None and (former.ref, former.mrd_id) == (ledger.ref, ledger.mrd_id):
            former.redefine(ledger.threshold_s, ledger.level_type, now)
            former.members.clear()
            fresh.queues[label] = former
    book.queues, book.labels = fresh.queues, fresh.labels


def _queue_ledger(ref: QueueRef, mrd: MediaRoutingDomain, queue: SkillGroup | PrecisionQueue) -> QueueLedger:
    """With the threshold of the queue, else that of its domain (semantics 1.1)."""
    own = queue.service_level_threshold_s
    ledger = QueueLedger(
        ref=ref,
        mrd_id=mrd.id,
        threshold_s=mrd.service_level_threshold_s if own is None else own,
        level_type=mrd.service_level_type,
    )
    ledger.begin(0.0)
    return ledger
