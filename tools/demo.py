#!/usr/bin/env python3
"""`make demo`: the daemon and real peers over TLS, with every message readable on the screen.

Knows how to start `ctigw serve` with fresh development certificates, to wait until it is ready, and to let the emulator
play channel applications and an agent desktop server against it. Runs until SIGINT or SIGTERM and leaves no process and
no file (decisions G5).
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import trio

TOOLS = Path(__file__).resolve().parent
CONFIGURATION = TOOLS / "demo" / "ctigw.toml"
SCENARIO = TOOLS / "demo" / "traffic.toml"
READY_S = 20.0
"""The daemon is ready in about a second; on a loaded machine Python may need longer to import everything."""
STOP_S = 10.0
"""The daemon promises to stop within ten seconds (decisions G2)."""


MEANING = {
    "AgentState": {
        "1": "LOGOUT",
        "2": "NOT_READY",
        "6": "WORK_READY",
        "8": "RESERVED",
        "11": "ACTIVE",
        "12": "PAUSED",
        "14": "NOT_ACTIVE",
    },
    "AgentAvailabilityStatus": {"0": "not available", "1": "router may assign", "2": "application may assign"},
    "AgentMode": {"0": "not routable", "1": "routable"},
    "ICMDisposition": {"19": "not started in time", "38": "normal end"},
    "Service": {"3": "RONA"},
    "MRDID": {"5001": "chat", "5002": "email"},
    "MRDomainID": {"5001": "chat", "5002": "email"},
    "ICMAgentID": {"6001": "Ada", "6002": "Ben", "6003": "Cleo", "6004": "Dan", "6005": "Eve"},
    "AgentSkillTargetID": {"6001": "Ada", "6002": "Ben", "6003": "Cleo", "6004": "Dan", "6005": "Eve"},
}
"""What numbers mean to a person who watches (semantics 2.1, 2.2 and 3.6; the agents of tools/demo/ctigw.toml)."""

_FIELD = re.compile(r" (\w+)=(\S+)")
_NO_VALUE = {"-1", "4294967295", "65535"}
_OF_NO_INTEREST = {"MonitorID", "SessionID", "PeripheralType", "AgentExtension", "AgentInstrument", "SkillGroupState"}


def readable(line: str) -> str:
    """One line of the emulator for a person: no empty fields, and what a number means behind it."""

    def field(found: re.Match[str]) -> str:
        name, value = found.groups()
        meaning = MEANING.get(name, {}).get(value)
        if meaning is not None:
            return f" {name}={value} ({meaning})"
        empty = value in _NO_VALUE or value == "0" or name in _OF_NO_INTEREST
        return "" if empty else found.group()

    return _FIELD.sub(field, line)


def free_port(wanted: int) -> int:
    """`wanted`, or another one when somebody has it: metrics are beside the point of a demo."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise OSError("no port is free on 127.0.0.1")


def prepare(folder: Path, port: int, admin_port: int) -> Path:
    """Certificates, a password and the configuration in `folder`; returns the configuration file."""
    subprocess.run([sys.executable, "-m", "ctigw", "certs", str(folder)], check=True, stdout=subprocess.DEVNULL)
    (folder / "desktop.pw").write_text(secrets.token_urlsafe(12), encoding="ascii")
    (folder / "state").mkdir()
    text = CONFIGURATION.read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:38001", f"127.0.0.1:{port}").replace("127.0.0.1:9108", f"127.0.0.1:{admin_port}")
    path = folder / "ctigw.toml"
    path.write_text(text, encoding="utf-8")
    return path


async def ready(notifications: trio.socket.SocketType, daemon: trio.Process) -> bool:
    """True once the daemon says READY=1; False when it ends first or takes too long."""
    with trio.move_on_after(READY_S):
        while daemon.returncode is None:
            with trio.move_on_after(0.2):
                if b"READY=1" in await notifications.recv(4096):
                    return True
    return False


async def end(process: trio.Process) -> None:
    """Ask, wait, insist."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    with trio.move_on_after(STOP_S):
        await process.wait()
        return
    process.kill()
    await process.wait()


async def stop_on_signal(scope: trio.CancelScope) -> None:
    """The person has seen enough."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return


async def stop_with_parent(scope: trio.CancelScope) -> None:
    """Whoever started the demo is gone, so nobody watches: `make` may be killed without a word to its child."""
    parent = os.pidfd_open(os.getppid())  # readable once the process has ended
    try:
        await trio.lowlevel.wait_readable(parent)
    finally:
        os.close(parent)
    scope.cancel()


async def play(folder: Path, port: int, admin_port: int, seconds: float) -> int:
    """Start both, show what they say, stop both. Returns the exit code."""
    code = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_on_signal, nursery.cancel_scope)
        nursery.start_soon(stop_with_parent, nursery.cancel_scope)
        code = await run_daemon(folder, port, admin_port, seconds)
        nursery.cancel_scope.cancel()
    return code


async def run_daemon(folder: Path, port: int, admin_port: int, seconds: float) -> int:
    """The daemon, and as soon as it is ready its peers."""
    configuration = prepare(folder, port, admin_port)
    with trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        address = folder / "notify"
        await notifications.bind(str(address))
        environment = {**os.environ, "NOTIFY_SOCKET": str(address)}
        # A session of their own: Ctrl-C reaches this process only, which then stops them in order.
        daemon = await trio.lowlevel.open_process(
            [sys.executable, "-m", "ctigw", "serve", "-c", str(configuration)], env=environment, start_new_session=True
        )
        try:
            if not await ready(notifications, daemon):
                print("demo: the daemon did not become ready; its own words are above", file=sys.stderr, flush=True)
                return 1
            print(f"demo: TLS on 127.0.0.1:{port}, http://127.0.0.1:{admin_port}/metrics; Ctrl-C ends it", flush=True)
            return await traffic(folder, port, seconds)
        finally:
            with trio.CancelScope(shield=True):
                await end(daemon)


async def show(output: trio.abc.ReceiveStream | None) -> None:
    """Print every line as soon as it is whole."""
    assert output is not None  # asked for as a pipe
    rest = b""
    async for part in output:
        *lines, rest = (rest + bytes(part)).split(b"\n")
        for line in lines:
            if b" -- " not in line:  # steps of the scenario: for its author
                print(readable(line.decode(errors="replace")), flush=True)


async def traffic(folder: Path, port: int, seconds: float) -> int:
    """The peers, until they are done or the time is over."""
    password = (folder / "desktop.pw").read_text(encoding="ascii")
    command = [sys.executable, "-u", str(TOOLS / "pg_emulator.py"), str(SCENARIO), "--verbose"]
    command += ["--connect", f"127.0.0.1:{port}", "--ca", str(folder / "ca.pem"), "--var", f"password={password}"]
    peers = await trio.lowlevel.open_process(command, start_new_session=True, stdout=subprocess.PIPE)
    try:
        with trio.move_on_after(seconds):
            await show(peers.stdout)
            code = await peers.wait()
            print(f"demo: the peers ended with exit code {code}", flush=True)
            return code
        return 0
    finally:
        with trio.CancelScope(shield=True):
            await end(peers)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="The gateway at work, with real peers over TLS.")
    parser.add_argument("--port", type=int, default=38001)
    parser.add_argument("--admin-port", type=int, default=9108)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop by itself after this time")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ctigw-demo-"))
    try:
        sys.exit(trio.run(play, folder, arguments.port, free_port(arguments.admin_port), arguments.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
