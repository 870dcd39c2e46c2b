"""`ctigw submit` and `ctigw agent` against `ctigw serve` over TLS: three processes, as a user runs them (design 5)."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ctigw.cli import certs

CONFIGURATION = """\
[[listener]]
address = "127.0.0.1:0"
tls = { certificate = "server.pem", private_key = "server.key", client_ca = "ca.pem" }
[admin]
address = "127.0.0.1:0"
[[media_routing_domain]]
id = 5001
name = "chat"
[[peripheral]]
id = 5000
[[application_path]]
id = 1
members = [{ peripheral = 5000, mrds = [5001] }]
[[skill_group]]
name = "sales"
id = 5004
mrd = 5001
[[agent]]
id = "1080"
skill_target_id = 5080
peripheral = 5000
skill_groups = ["sales"]
[[call_type]]
name = "chat"
script = [{ op = "queue", to = ["sg:sales"] }]
[[script_selector]]
value = "8000"
mrd = 5001
call_type = "chat"
[[cti_client]]
id = "desktop"
password_file = "desktop.pw"
certificate_subject = "CN=desktop"
application_path = 1
services = ["agent_reporting"]
"""

WAIT_S = 30
"""For what takes a second: the machine may be busy."""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """A running daemon; the options that reach it as the client `desktop`."""
    assert CliRunner().invoke(certs.command, ["-q", str(tmp_path), "--client", "desktop"]).exit_code == 0
    (tmp_path / "desktop.pw").write_text("a password\n")
    (tmp_path / "ctigw.toml").write_text(CONFIGURATION)
    with _ctigw("serve", "-c", str(tmp_path / "ctigw.toml"), stream="stderr") as daemon:
        try:
            ready = _line_with(daemon.stderr, "ready: ")
            address = ready.split("['", 1)[1].split("']", 1)[0]
            yield (
                *("--connect", address, "--ca", str(tmp_path / "ca.pem")),
                *("--certificate", str(tmp_path / "desktop.pem"), "--key", str(tmp_path / "desktop.key")),
            )
        finally:
            daemon.terminate()


def _ctigw(*arguments: str, stream: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ctigw", *arguments]
    streams = {stream: subprocess.PIPE}
    return subprocess.Popen(command, text=True, stdout=streams.get("stdout"), stderr=streams.get("stderr"))


def _line_with(stream: object, text: str) -> str:
    """The next line of a process that holds the text; its end fails the test."""
    assert hasattr(stream, "readline")
    while line := str(stream.readline()):
        if text in line:
            return line
    raise AssertionError(f"no line with {text!r}")


def _submit(gateway: tuple[str, ...], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ctigw", "submit", *gateway, "--selector", "8000", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)


def _agent(gateway: tuple[str, ...], password: Path, *options: str) -> subprocess.Popen[str]:
    who = ("--client-id", "desktop", "--password-file", str(password), "--path", "1", "--agent", "1080")
    return _ctigw("agent", *gateway, *who, "--skill-target-id", "5080", "--mrd", "5001", *options, stream="stdout")


def test_a_task_is_routed_worked_on_and_ended(gateway: tuple[str, ...], tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text("[every]\noffer_s = 0\nstart_s = 0\nwork_s = 0\nwrapup_s = 0\n")
    with _agent(gateway, tmp_path / "desktop.pw", "--script", str(script), "--tasks", "1") as agent:
        _line_with(agent.stdout, "MAKE_AGENT_READY_IND")
        submitted = _submit(gateway, "--ecc", "user.conversation=c1", "--variable", "1=hello")
        assert submitted.returncode == 0, submitted.stderr
        assert "< DO_THIS_WITH_TASK " in submitted.stdout
        assert "EccValue=1/c1" in submitted.stdout
        for name in ("AGENT_PRE_CALL_EVENT", "OFFER_TASK_IND", "START_TASK_IND", "END_TASK_IND", "MEDIA_LOGOUT_IND"):
            _line_with(agent.stdout, name)
        assert agent.wait(WAIT_S) == 0


def test_without_an_agent_the_task_is_cancelled_after_the_timeout(gateway: tuple[str, ...]) -> None:
    submitted = _submit(gateway, "--timeout", "0.2", "--count", "2")
    assert submitted.returncode == 1
    assert submitted.stdout.count("< CANCEL_TASK_CONF ") == 2
    assert "0 routed, 0 failed, 2 without an answer" in submitted.stdout


def test_ctrl_c_signs_the_agent_out(gateway: tuple[str, ...], tmp_path: Path) -> None:
    with _agent(gateway, tmp_path / "desktop.pw") as agent:
        _line_with(agent.stdout, "MAKE_AGENT_READY_IND")
        agent.send_signal(signal.SIGINT)
        _line_with(agent.stdout, "MEDIA_LOGOUT_IND")
        _line_with(agent.stdout, "CLOSE_CONF")
        assert agent.wait(WAIT_S) == 0


def test_a_wrong_password_is_exit_1(gateway: tuple[str, ...], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pw"
    wrong.write_text("another password\n")
    with _agent(gateway, wrong) as agent:
        assert agent.wait(WAIT_S) == 1
