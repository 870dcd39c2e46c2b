"""The unit is sound and hardened, and the example configuration explains every key and loads."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from ctigw.cli import certs, check
from ctigw.config import routing, settings

FOLDER = Path(__file__).parents[2] / "systemd"
EXAMPLE = FOLDER / "ctigw.example.toml"

EXPOSURE = 1.2
"""Overall exposure that `systemd-analyze security` gave the unit when it was written; lower is better."""

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and os.environ.get("CI") != "true",
    reason="needs systemd-analyze; in CI its absence is a failure",
)


def _analyze(*arguments: str) -> str:
    """Output of systemd-analyze; fails the test when it finds a problem."""
    command = ["systemd-analyze", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as they are, but for the program, which is not installed where the manager looks."""
    unit = (FOLDER / "ctigw.service").read_text()
    assert "\nExecStart=ctigw serve -c /etc/ctigw/ctigw.toml\n" in unit
    (tmp_path / "ctigw.service").write_text(unit.replace("ExecStart=ctigw ", f"ExecStart={sys.executable} -m ctigw "))
    shutil.copy(FOLDER / "ctigw.socket", tmp_path)
    return tmp_path


@needs_analyze
def test_systemd_finds_nothing_wrong_with_the_units(installed: Path) -> None:
    said = _analyze("verify", str(installed / "ctigw.service"), str(installed / "ctigw.socket"))
    assert "ctigw" not in said


@needs_analyze
def test_the_service_is_not_more_exposed_than_it_was(installed: Path) -> None:
    said = _analyze("security", "--offline=true", "--no-pager", str(installed / "ctigw.service"))
    exposure = re.search(r"Overall exposure level for ctigw\.service: ([0-9.]+)", said)
    assert exposure is not None, said
    assert float(exposure[1]) <= EXPOSURE


def test_the_manager_waits_longer_than_an_orderly_stop_takes() -> None:
    unit = (FOLDER / "ctigw.service").read_text()
    stop = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert stop is not None
    assert int(stop[1]) > 10


def test_reload_is_the_signal_that_the_daemon_heeds() -> None:
    assert re.search(r"^ExecReload=/bin/kill -HUP \$MAINPID$", (FOLDER / "ctigw.service").read_text(), re.MULTILINE)


def test_the_example_configuration_is_right(tmp_path: Path) -> None:
    assert CliRunner().invoke(certs.command, ["-q", str(tmp_path)]).exit_code == 0
    (tmp_path / "desktop.pw").write_text("x\n")
    shutil.copy(EXAMPLE, tmp_path / "ctigw.toml")
    result = CliRunner().invoke(check.command, [str(tmp_path / "ctigw.toml")])
    assert result.exit_code == 0, result.output


def test_commented_defaults_of_the_example_are_the_defaults(tmp_path: Path) -> None:
    """A `# key = value` whose value is not the default would mislead; those without a default show an example."""
    text = EXAMPLE.read_text()
    for settings_class in (settings.LimitSettings, routing.RouterSettings, routing.MediaRoutingDomain):
        for attribute in attrs.fields(settings_class):
            if isinstance(attribute.default, float | int) and not isinstance(attribute.default, bool):
                shown = re.findall(rf"^# {attribute.name} = (\d+)", text, re.MULTILINE)
                assert float(attribute.default) in [float(value) for value in shown], attribute.name


@pytest.mark.parametrize(
    "settings_class",
    [
        one
        for module in (settings, routing)
        for one in vars(module).values()
        if attrs.has(one)
        and one.__module__ == module.__name__
        and one not in (settings.Settings, routing.RoutingSettings)
    ],
    ids=lambda one: str(one.__name__),
)
def test_the_example_shows_every_key(settings_class: type[attrs.AttrsInstance]) -> None:
    text = EXAMPLE.read_text()
    missing = [a.name for a in attrs.fields(settings_class) if not re.search(rf"\b{a.name} = |\.{a.name}\]", text)]
    assert missing == []
