"""What was measured, in lines that a person reads and in JSON.

Knows names, values, ratios and targets; must not know how they came about. A missed target is printed as missed: this
is a measurement, not a test.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.targets import Target


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `measured` is text with its unit; `ratio` is what the target speaks of."""

    section: str
    name: str
    measured: str
    ratio: float | None = None
    target: Target | None = None

    @property
    def verdict(self) -> str:
        """ "met", "MISSED", or nothing where there is no target."""
        if self.target is None or self.ratio is None:
            return ""
        return "met" if self.target.met(self.ratio) else "MISSED"


@dataclass(slots=True)
class Report:
    """Rows in the order in which they were measured."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, section: str, name: str, measured: str, ratio: float | None = None, target: Target | None = None
    ) -> None:
        """Add a line."""
        self.rows.append(Row(section, name, measured, ratio, target))

    def note(self, text: str) -> None:
        """Add a remark below the table."""
        self.notes.append(text)

    def table(self) -> str:
        """Everything as text."""
        width = max((len(row.name) for row in self.rows), default=0)
        measured_width = max((len(row.measured) for row in self.rows), default=0)
        lines: list[str] = []
        section = ""
        for row in self.rows:
            if row.section != section:
                section = row.section
                lines += ["", f"{section}"]
                lines.append(f"  {'name':{width}}  {'measured':>{measured_width}}  {'ratio':>7}  {'target':>8}")
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            target = "" if row.target is None else str(row.target)
            line = f"  {row.name:{width}}  {row.measured:>{measured_width}}  {ratio:>7}  {target:>8}  {row.verdict}"
            lines.append(line.rstrip())
        judged = [row for row in self.rows if row.verdict]
        missed = [row for row in judged if row.verdict == "MISSED"]
        lines += ["", f"{len(judged) - len(missed)} of {len(judged)} targets met."]
        lines += [f"  missed: {row.section}: {row.name}: {row.ratio:.2f}, target {row.target}" for row in missed]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def write_json(self, path: Path) -> None:
        """Everything as JSON."""
        rows = [
            {
                "section": row.section,
                "name": row.name,
                "measured": row.measured,
                "ratio": row.ratio,
                "target": None if row.target is None else str(row.target),
                "source": None if row.target is None else row.target.source,
                "met": None if not row.verdict else row.verdict == "met",
            }
            for row in self.rows
        ]
        path.write_text(json.dumps({"rows": rows, "notes": self.notes}, indent=2) + "\n", encoding="utf-8")


def say(text: str) -> None:
    """Progress, on standard error, so that the table can be kept by itself."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lies, nearest rank. ValueError when there are none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios of values that were measured side by side. ValueError when the lengths differ."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))
