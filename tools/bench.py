#!/usr/bin/env python3
"""`make bench`: what the gateway costs, beside what the same work costs at its barest, in one run.

Knows which sections there are and how a run is asked for; the sections are in tools/benchmark. Exit code 0 also when a
target is missed, because this is a measurement; 1 when something could not be measured; 2 for wrong use.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Protocol

from benchmark import codec, memory, scale, storm, whole_path
from benchmark.report import Report, say


class Section(Protocol):
    """Measures and adds its rows. `folder` is an empty directory of its own."""

    def __call__(self, report: Report, folder: Path, *, quick: bool) -> None:
        """Measure."""


SECTIONS: dict[str, Section] = {
    "codec": codec.measure,
    "memory": memory.measure,
    "tls": whole_path.measure,
    "scale": scale.measure,
    "storm": storm.measure,
}


def run(names: list[str], report: Report, *, quick: bool) -> bool:
    """Measure the sections named; False when one of them failed, with its error on standard error."""
    good = True
    for name in names:
        with tempfile.TemporaryDirectory(prefix="ctigw-bench-") as folder:
            try:
                SECTIONS[name](report, Path(folder), quick=quick)
            except Exception:  # noqa: BLE001 - what was measured before is still worth printing
                say(f"{name} failed")
                traceback.print_exc()
                good = False
    return good


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Ratios of the performance targets, measured side by side.")
    parser.add_argument("--quick", action="store_true", help="a smoke run of some seconds: the numbers mean little")
    parser.add_argument("--only", choices=list(SECTIONS), help="one section")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    arguments = parser.parse_args()
    report = Report()
    started = time.monotonic()
    good = run([arguments.only] if arguments.only else list(SECTIONS), report, quick=arguments.quick)
    report.note("ratios are medians of neighbours in one run; absolute numbers depend on this machine and its load")
    report.note(f"took {time.monotonic() - started:.0f} s{', quick' if arguments.quick else ''}")
    print(report.table())
    if arguments.json:
        report.write_json(arguments.json)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
