#!/usr/bin/env python3
"""Plays the gateway's peers from a scenario file, checks its answers, and prints a summary.

It plays channel applications that dial in, ARM clients with many agents, PIMs, and raw peers for hostile input, several
at once, over TLS or plain TCP. It shares no code with ctigw and needs the standard library only: what it thinks of the
protocols is a second reading of the same references. The file form is described in tools/scenarios/README.md.

    python tools/pg_emulator.py tools/scenarios/basic_task.toml --connect 127.0.0.1:38001 --ca ca.pem --verbose

Exit code: 0 all as the scenario says, 1 a mismatch, 2 wrong use.
"""

from __future__ import annotations

import sys

from emulator.command import main

if __name__ == "__main__":
    sys.exit(main((__doc__ or "").splitlines()[0]))
