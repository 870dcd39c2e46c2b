#!/usr/bin/env python3
"""Starts the daemon as the scenarios expect it and plays them against it, one after the other.

    python tools/run_scenarios.py                       all scenarios in tools/scenarios but loads, plain TCP
    python tools/run_scenarios.py --tls basic_task      one, over TLS
    python tools/run_scenarios.py --agents 2500 many_agents --var tasks=20000

Knows: tools/scenarios/gateway/ctigw.toml, readiness by sd_notify, how to stop the daemon. Must not know the protocols.
Exit code: 0 all scenarios as written, 1 not, 2 wrong use.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

TOOLS = Path(__file__).resolve().parent
SCENARIOS = TOOLS / "scenarios"
CONFIGURATION = SCENARIOS / "gateway" / "ctigw.toml"
PASSWORD = "desktop-password"
"""The scenarios' default; it protects nothing."""
DEFAULT_AGENTS = 5
FIRST_AGENT_ID, FIRST_SKILL_TARGET_ID = 1001, 6001
LOADS = {"many_agents", "login_storm"}
"""They want more agents than a daemon for the others has; played only when they are named."""
READY_S = 30.0
STOP_S = 12.0
"""The daemon promises to stop within 10 s (decisions G2)."""
TLS_FILES = '{ certificate = "server.pem", private_key = "server.key", client_ca = "ca.pem" }'


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def agent(number: int) -> str:
    """The configuration of agent `number`, counted from 0."""
    return (
        f'\n[[agent]]\nid = "{FIRST_AGENT_ID + number}"\nskill_target_id = {FIRST_SKILL_TARGET_ID + number}\n'
        'peripheral = 5000\nskill_groups = ["chat_agents", "email_agents"]\n'
    )


class Gateway:
    """A running daemon in a folder of its own; a context manager. `output` holds what it says."""

    def __init__(self, folder: Path, agents: int = DEFAULT_AGENTS, tls: bool = False) -> None:
        self.folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self.output = folder / "ctigw.log"
        self._agents = agents
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    def _configure(self) -> Path:
        if self._tls:
            subprocess.run([sys.executable, "-m", "ctigw", "certs", str(self.folder)], check=True, capture_output=True)
        (self.folder / "desktop.pw").write_text(PASSWORD, encoding="ascii")
        (self.folder / "state").mkdir()
        text = CONFIGURATION.read_text(encoding="utf-8")
        text = text.replace("@LISTEN@", f"127.0.0.1:{self.port}").replace("@ADMIN@", f"127.0.0.1:{self.admin_port}")
        text = text.replace("@TLS@", TLS_FILES if self._tls else "false")
        path = self.folder / "ctigw.toml"
        path.write_text(text + "".join(map(agent, range(self._agents))), encoding="utf-8")
        return path

    def __enter__(self) -> Gateway:
        configuration = self._configure()
        notify = self.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, self.output.open("wb") as output:
            notifications.bind(str(notify))
            notifications.settimeout(READY_S)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ctigw", "serve", "-c", str(configuration)],
                env={**os.environ, "NOTIFY_SOCKET": str(notify)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            notifications.settimeout(0.2)
            for _ in range(int(READY_S / 0.2)):
                try:
                    if b"READY=1" in notifications.recv(4096):
                        return self
                except TimeoutError:
                    if self._process.poll() is not None:
                        break
        self.stop()
        raise RuntimeError(f"the daemon did not become ready:\n{self.output.read_text(errors='replace')}")

    def stop(self) -> int | None:
        """SIGTERM and the exit code; SIGKILL when it does not stop in time (then None)."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    @property
    def process_id(self) -> int:
        """The daemon's process, for who wants to measure it."""
        return self._process.pid if self._process is not None else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def emulator(self, scenario: Path, *options: str) -> list[str]:
        """The command that plays a scenario against this daemon."""
        trust = ["--ca", str(self.folder / "ca.pem")] if self._tls else ["--plain"]
        program = [sys.executable, str(TOOLS / "pg_emulator.py"), str(scenario)]
        return [*program, "--connect", f"127.0.0.1:{self.port}", *trust, *options]


def memory_kib(process_id: int) -> int:
    """Resident memory of a process, 0 when it is gone."""
    try:
        text = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")), 0)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Plays scenarios against a daemon of its own.")
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help="names in tools/scenarios; default: all but loads"
    )
    parser.add_argument("--agents", type=int, default=DEFAULT_AGENTS)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--verbose", action="store_true", help="every message, and what the daemon said")
    options = parser.parse_args()
    names = options.scenarios or sorted({path.stem for path in SCENARIOS.glob("*.toml")} - LOADS)
    paths = [SCENARIOS / f"{name}.toml" for name in names]
    for path in paths:
        if not path.exists():
            parser.error(f"no scenario {path.stem}")
    extra = [part for text in options.var for part in ("--var", text)] + (["--verbose"] if options.verbose else [])
    failed = 0
    with tempfile.TemporaryDirectory(prefix="ctigw-scenarios-") as folder:
        with Gateway(Path(folder), options.agents, options.tls) as gateway:
            for path in paths:
                failed += subprocess.run(gateway.emulator(path, *extra), check=False).returncode != 0
                print(f"daemon: {memory_kib(gateway.process_id)} KiB resident", flush=True)
            code = gateway.stop()
        if options.verbose or failed or code != 0:
            print(gateway.output.read_text(errors="replace"), flush=True)
    print(f"{len(paths) - failed} of {len(paths)} scenarios as written; the daemon ended with {code}")
    return 1 if failed or code != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
