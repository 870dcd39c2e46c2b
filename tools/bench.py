#!/usr/bin/env python3
"""`make bench`: what the gateway costs, beside what the same work costs at its barest, in one run.

Knows which sections there are and how a run is asked for; the sections are in tools/benchmark. Exit code 0 also when a
target is missed, because this is a measurement; 1 when something could not be measured; 2 for wrong use.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmark import codec
from benchmark.report import Report, say

SECTIONS = {"codec": codec.measure}


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Ratios of the performance targets, measured side by side.")
    parser.add_argument("--quick", action="store_true", help="a smoke run of some seconds: the numbers mean little")
    parser.add_argument("--only", choices=sorted(SECTIONS), help="one section")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    arguments = parser.parse_args()
    report = Report()
    started = time.monotonic()
    failed = False
    for name, measure in SECTIONS.items():
        if arguments.only in (None, name):
            try:
                measure(report, quick=arguments.quick)
            except Exception as error:  # noqa: BLE001 - what was measured before is still worth printing
                say(f"{name}: {type(error).__name__}: {error}")
                failed = True
    report.note("ratios are medians of neighbours in one run; absolute numbers depend on this machine and its load")
    report.note(f"took {time.monotonic() - started:.0f} s{', quick' if arguments.quick else ''}")
    print(report.table())
    if arguments.json:
        report.write_json(arguments.json)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
