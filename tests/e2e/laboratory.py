"""A real daemon in this process, on real sockets, and the emulator in a process of its own against it.

The emulator shares no code with the gateway, so what passes here is two readings of the same references agreeing.
"""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio

from ctigw.config.loader import load
from ctigw.gateway.daemon import Daemon
from run_scenarios import CONFIGURATION, DEFAULT_AGENTS, PASSWORD, SCENARIOS, TLS_FILES, agent

ROOT = Path(__file__).resolve().parents[2]
MORE_LISTENERS = """
[[listener]]
address = "127.0.0.1:0"
tls = false

[[listener]]
address = "127.0.0.1:0"
tls = false
limits = { first_message_s = 1, send_s = 2, outbox_age_s = 2, outbox_bytes = 65536 }
"""
"""Plain TCP, and plain TCP with short deadlines, so that silence is seen to end soon."""


def prepare(folder: Path, extra: str = "") -> Path:
    """The scenarios' configuration with ports of the system's choice, certificates and the password file."""
    subprocess.run([sys.executable, "-m", "ctigw", "certs", str(folder)], check=True, capture_output=True)
    (folder / "desktop.pw").write_text(PASSWORD + "\n", encoding="ascii")
    text = CONFIGURATION.read_text(encoding="utf-8").replace("@TLS@", TLS_FILES)
    text = text.replace("@LISTEN@", "127.0.0.1:0").replace("@ADMIN@", "127.0.0.1:0")
    path = folder / "gateway.toml"
    agents = "".join(agent(number) for number in range(DEFAULT_AGENTS))
    path.write_text(text + MORE_LISTENERS + agents + extra, encoding="utf-8")
    return path


@attrs.frozen
class Laboratory:
    """A running daemon and how to reach it."""

    daemon: Daemon
    folder: Path

    @property
    def tls(self) -> str:
        """HOST:PORT of the TLS listener."""
        return self.daemon.addresses[0]

    @property
    def plain(self) -> str:
        """HOST:PORT of the plain listener."""
        return self.daemon.addresses[1]

    @property
    def impatient(self) -> str:
        """HOST:PORT of the plain listener with short deadlines."""
        return self.daemon.addresses[2]

    async def play(self, scenario: str, *arguments: str, plain: str = "") -> dict[str, object]:
        """Play a scenario; its summary. Fails with the emulator's own words when something did not match.

        Over TLS, or over plain TCP to the address `plain`.
        """
        transport = ["--connect", self.tls, "--ca", str(self.folder / "ca.pem")]
        if plain:
            transport = ["--connect", plain, "--plain"]
        command = [
            sys.executable,
            str(ROOT / "tools" / "pg_emulator.py"),
            str(SCENARIOS / f"{scenario}.toml"),
            "--json",
        ]
        result = await trio.run_process(
            [*command, *transport, *arguments], capture_stdout=True, capture_stderr=True, check=False
        )
        assert result.returncode == 0, f"{scenario}: {result.stdout.decode()}{result.stderr.decode()}"
        summary: dict[str, object] = json.loads(result.stdout)
        return summary

    async def metric(self, name: str) -> float:
        """One value of /metrics, by its whole name with labels."""
        for line in (await self.http("/metrics"))[1].splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    async def http(self, path: str) -> tuple[int, str]:
        """Status and body of a GET on the admin face."""
        host, _, port = self.daemon.admin_addresses[0].removeprefix("http://").rpartition(":")
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join([part async for part in stream])
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()


@asynccontextmanager
async def laboratory(folder: Path, extra: str = "") -> AsyncIterator[Laboratory]:
    """A daemon for the length of a block; stopped in order at its end."""
    daemon = Daemon(load(prepare(folder, extra)))
    async with trio.open_nursery() as nursery:
        await nursery.start(daemon.run)
        yield Laboratory(daemon, folder)
        daemon.stop()
