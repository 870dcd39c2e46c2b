"""What happened: counts, latencies and mismatches, and how they are shown.

Knows: how a message is written in one line, and the two forms of the summary. Must not know: how messages travel.
Times are seconds of the event loop's clock; the stamps of verbose lines are the machine's local time.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from emulator.codec import Message, text_of

SENT = "->"
RECEIVED = "<-"
SECRET_FIELDS = {"ClientPassword", "AgentPassword"}
MISMATCHES_SHOWN = 50
"""A load run can go wrong thousands of times in the same way."""


def line(message: Message) -> str:
    """Name and fields of a message; passwords are hidden."""
    parts = [message.name]
    for name, value in [*message.fields.items(), *message.floating]:
        parts.append(f"{name}={'***' if name in SECRET_FIELDS else text_of(value)}")
    return " ".join(parts)


def plain(value: object) -> object:
    """A value for JSON: bytes as ``hex:`` text, as `ctigw decode --json` writes them."""
    if isinstance(value, bytes):
        return f"hex:{value.hex()}"
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    return [plain(member) for member in value] if isinstance(value, list | tuple) else value


def percentile(sorted_values: list[float], share: float) -> float:
    """Nearest-rank percentile of a sorted, non-empty list; `share` from 0 to 1."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


@dataclass(slots=True)
class Report:
    """Collects one run. `out` receives the verbose lines, each flushed."""

    scenario: str
    verbose: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    record: TextIO | None = None
    messages: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)
    mismatch_count: int = 0

    def message(self, peer: str, direction: str, message: Message, version: int = 0) -> None:
        """Count a message, show it when verbose, keep it in the record."""
        self.messages[(peer, direction, message.name)] += 1
        if self.record is not None:
            entry = {"peer": peer, "direction": direction, "protocol": message.protocol, "version": version}
            entry |= {"name": message.name, "fields": plain(message.fields), "floating": plain(message.floating)}
            print(json.dumps(entry), file=self.record)
        if self.verbose:
            self.say(f"{peer} {direction} {line(message)}")

    def connected(self, peer: str, port: int) -> None:
        """Tell the record which of our ports a peer has, so that a capture can be told apart by peers."""
        if self.record is not None:
            print(json.dumps({"peer": peer, "port": port}), file=self.record)

    def raw(self, peer: str, data: bytes) -> None:
        """Count bytes sent as they stand; they are no message and have no place in the record."""
        self.messages[(peer, SENT, "(raw bytes)")] += 1
        if self.verbose:
            self.say(f"{peer} {SENT} (raw bytes) {len(data)}")

    def say(self, text: str) -> None:
        """One stamped line, when verbose."""
        if self.verbose:
            stamp = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
            print(f"{stamp} {text}", file=self.out, flush=True)

    def mismatch(self, peer: str, text: str) -> None:
        """Something was not as the scenario says."""
        self.mismatch_count += 1
        if len(self.mismatches) < MISMATCHES_SHOWN:
            self.mismatches.append(f"{peer}: {text}")
        self.say(f"{peer} MISMATCH {text}")

    def latency(self) -> dict[str, float]:
        """NEW_TASK to its answer, in milliseconds; empty without tasks."""
        if not self.latencies:
            return {}
        ordered = sorted(self.latencies)
        values = {"p50_ms": percentile(ordered, 0.5), "p99_ms": percentile(ordered, 0.99), "max_ms": ordered[-1]}
        return {name: round(value * 1000, 3) for name, value in values.items()}

    def as_object(self, duration_s: float) -> dict[str, object]:
        """The summary for --json."""
        return {
            "scenario": self.scenario,
            "ok": self.mismatch_count == 0,
            "duration_s": round(duration_s, 3),
            "messages": [
                {"peer": peer, "direction": "sent" if direction == SENT else "received", "name": name, "count": count}
                for (peer, direction, name), count in sorted(self.messages.items())
            ],
            "tasks": dict(sorted(self.tasks.items())),
            "latency": self.latency(),
            "mismatch_count": self.mismatch_count,
            "mismatches": self.mismatches,
        }

    def summary(self, duration_s: float, as_json: bool) -> str:
        """The text that ends a run."""
        if as_json:
            return json.dumps(self.as_object(duration_s))
        verdict = "ok" if self.mismatch_count == 0 else f"{self.mismatch_count} mismatches"
        lines = [f"scenario {self.scenario}: {verdict} ({duration_s:.2f} s)"]
        width = max((len(name) for _, _, name in self.messages), default=0)
        peers = max((len(peer) for peer, _, _ in self.messages), default=0)
        for (peer, direction, name), count in sorted(self.messages.items()):
            lines.append(f"  {peer:<{peers}} {direction} {name:<{width}} {count:>7}")
        if self.tasks:
            lines.append("  tasks: " + ", ".join(f"{count} {name}" for name, count in sorted(self.tasks.items())))
        if self.latencies:
            lines.append("  latency: " + ", ".join(f"{name} {value}" for name, value in self.latency().items()))
        lines += [f"  MISMATCH {text}" for text in self.mismatches]
        return "\n".join(lines)
