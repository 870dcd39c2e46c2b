"""The targets, as data.

Knows what the project promised itself and where that stands; must not know how anything is measured. Source: the table
"Targets" of performance.md, column "first", one row each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Bound(Enum):
    """Which side of the limit is the good one."""

    AT_MOST = "<="
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Target:
    """One promise. `limit` is in the unit that the measurement reports as its ratio."""

    bound: Bound
    limit: float
    source: str

    def met(self, value: float) -> bool:
        """Whether a measured value keeps the promise."""
        return value <= self.limit if self.bound is Bound.AT_MOST else value >= self.limit

    def __str__(self) -> str:
        return f"{self.bound.value} {self.limit:g}"


CODEC = Target(Bound.AT_MOST, 1.5, "decode and encode per message / hand-written struct for that message")
WHOLE_TO_ECHO = Target(Bound.AT_LEAST, 0.70, "whole path / raw Trio SSLStream echo, 100 connections x 1")
WHOLE_TO_MEMORY = Target(Bound.AT_LEAST, 0.50, "whole path at 10 connections x 64, frames/s / in-memory path")
ADDED_LATENCY_MS = Target(
    Bound.AT_MOST, 0.3, "added latency of one task at light load over raw echo, p50, relaxed (ms)"
)
DECISION_SCALE = Target(Bound.AT_MOST, 2.0, "decision cost at 2,500 agents and 100,000 queued tasks / at 25 and 100")
QUEUED_TASK_KIB = Target(Bound.AT_MOST, 2.0, "memory per queued task with 10 variables (KiB)")
STORM = Target(Bound.AT_MOST, 2.0, "reconnect storm of 1,000 TLS peers: within 2 x handshake limit of one core")

NOT_YET = (
    'the same with the journal at durability "commit" / without',
    "added latency with commit",
)
"""Rows of the same table that need the journal, which this build does not have."""
