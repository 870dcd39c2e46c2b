"""Options, exit codes and lines of `ctigw submit` and `ctigw agent` (decisions G4, design 5 and 7)."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ctigw.cli import agent, submit
from ctigw.client.lines import printer
from ctigw.client.link import Way
from ctigw.client.reporting import Identity, _open_request
from ctigw.wire import cti_codec

SUBMIT = ("--connect", "localhost:1", "--selector", "8000")
AGENT = ("--connect", "localhost:1", "--client-id", "desktop", "--path", "1", "--agent", "1080", "--mrd", "5001")


@pytest.mark.parametrize(
    ("command", "arguments", "problem"),
    [
        (submit.command, (*SUBMIT, "--plain", "--insecure"), "exclude each other"),
        (submit.command, (*SUBMIT, "--connect", "localhost"), "has no port"),
        (submit.command, (*SUBMIT, "--ca", "/nowhere.pem"), "does not exist"),
        (submit.command, (*SUBMIT, "--ecc", "user.a"), "is not NAME=VALUE"),
        (submit.command, (*SUBMIT, "--ecc", "=x"), "is not NAME=VALUE"),
        (submit.command, (*SUBMIT, "--ecc", f"user.a={'x' * 300}"), "NEW_TASK"),
        (submit.command, (*SUBMIT, "--ecc", "user.a=聊"), "NEW_TASK"),
        (submit.command, (*SUBMIT, "--variable", "11=x"), "allowed: 1 to 10"),
        (submit.command, (*SUBMIT, "--variable", "one=x"), "allowed: 1 to 10"),
        (submit.command, (*SUBMIT, "--count", "0"), "0 is not in the range"),
        (submit.command, (*SUBMIT, "--mrd", "1"), "1 is not in the range"),
        (submit.command, SUBMIT[:2], "Missing option '--selector'"),
        (agent.command, (*AGENT, "--agent", "goofy"), "--skill-target-id is needed"),
        (agent.command, (*AGENT, "--tasks", "0"), "0 is not in the range"),
        (agent.command, AGENT[:-2], "Missing option '--mrd'"),
    ],
)
def test_wrong_use_is_exit_2_and_says_what(command: click.Command, arguments: tuple[str, ...], problem: str) -> None:
    result = CliRunner().invoke(command, list(arguments))
    assert result.exit_code == 2
    assert problem in result.stderr


@pytest.mark.parametrize(("command", "arguments"), [(submit.command, SUBMIT), (agent.command, AGENT)])
def test_nobody_there_is_exit_1_in_one_line(command: click.Command, arguments: tuple[str, ...]) -> None:
    with socket.socket() as taken:  # bound, but not listening: nobody else gets the port meanwhile
        taken.bind(("127.0.0.1", 0))
        there = f"127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(command, [*arguments, "--connect", there, "--plain"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"ctigw {command.name}: {there}: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_is_no_certificate_is_exit_1_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    result = CliRunner().invoke(submit.command, [*SUBMIT, "--ca", str(tmp_path / "ca.pem")])
    assert result.exit_code == 1
    assert "certificates cannot be used" in result.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_a_password_is_never_printed(as_json: bool) -> None:
    written: list[str] = []
    request = _open_request(1, Identity("desktop", 7, b"hunter2"))
    printer(written.append, as_json=as_json)(Way.SENT, cti_codec(), request, 60)
    assert len(written) == 1
    assert "desktop" in written[0]
    assert "hunter2" not in written[0]
    assert b"hunter2".hex() not in written[0]
    assert "***" in written[0]


def test_a_json_line_is_the_json_form_of_the_frame() -> None:
    written: list[str] = []
    printer(written.append, as_json=True)(Way.SENT, cti_codec(), _open_request(1, Identity("desktop", 7)), 60)
    entry = json.loads(written[0])
    assert (entry["protocol"], entry["name"], entry["length"]) == ("cti", "OPEN_REQ", 60)
    assert entry["floating"][-1] == {"tag": 97, "name": "ApplicationPathID", "value": 7}


def test_ctrl_c_while_the_gateway_says_nothing_ends_at_once_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "ctigw", "submit", "--connect", address, "--plain", "--selector", "8000"]
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
            assert client.stdout is not None
            assert "OPEN_REQ" in client.stdout.readline()
            client.send_signal(signal.SIGINT)
            _, said = client.communicate(timeout=30)
    assert said == "ctigw submit: interrupted\n"
    assert client.returncode == 1
