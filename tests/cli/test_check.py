"""`ctigw check`: exit 0 or 2, a summary, notes on what is not built yet, all values (design 5, decisions G1)."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctigw.cli import certs, check

CONFIGURATION = """\
[[listener]]
address = "127.0.0.1:38001"
tls = { certificate = "server.pem", private_key = "server.key", client_ca = "ca.pem" }

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
application_path = 1
services = ["agent_reporting"]
"""

STICKY = """\
[[call_type]]
name = "sticky"
script = [{ op = "preferred_agent" }]
[[script_selector]]
value = "1"
mrd = 5001
call_type = "sticky"
"""

Check = Callable[..., Result]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    assert CliRunner().invoke(certs.command, [str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def run_check(tmp_path: Path, certificates: Path) -> Check:
    """Runs the command on the configuration, one piece of it replaced."""

    def run(*options: str, old: str = "", new: str = "", password_mode: int = 0o600) -> Result:
        for name in ("server.pem", "server.key", "ca.pem"):
            (tmp_path / name).write_bytes((certificates / name).read_bytes())
        (tmp_path / "desktop.pw").write_text("very secret\n")
        (tmp_path / "desktop.pw").chmod(password_mode)
        assert old in CONFIGURATION
        path = tmp_path / "ctigw.toml"
        path.write_text(CONFIGURATION.replace(old, new, 1) if old else CONFIGURATION + new)
        return CliRunner().invoke(check.command, [str(path), *options])

    return run


def test_a_right_configuration_is_summed_up(run_check: Check) -> None:
    result = run_check()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "listeners         1  127.0.0.1:38001 mr+cti (TLS, client certificate optional)" in lines
    assert "agents            1  1080" in lines
    assert "queues            1  sg:sales" in lines
    assert lines[-1].endswith("ctigw.toml: fine")


def test_it_says_that_nothing_survives_a_restart(run_check: Check) -> None:
    assert "this build keeps nothing across a restart" in run_check().stdout


@pytest.mark.parametrize(
    ("addition", "note"),
    [
        ('[duplex]\nkind = "pair"\netcd = ["http://e:1"]\n[journal]\nkind = "etcd"\n', "this side runs alone"),
        (
            '[[peripheral_gateway]]\nname = "cce"\nperipheral = 5000\nside_a = { cti = "a:1" }\n',
            "[[peripheral_gateway]] cce is checked but not built yet",
        ),
        ('[[listener]]\naddress = "127.0.0.1:1"\ntls = false\n', "listener 127.0.0.1:1 is plain TCP"),
        ('[[media_routing_domain]]\nid = 5002\nname = "email"\n', "domain 5002 stands in no application path"),
        (
            STICKY,
            "step 1 (preferred_agent) waits 14400 s, but tasks of domain chat may stay in queues for 3600 s only",
        ),
        ('[[skill_group]]\nname = "empty"\nid = 1\nmrd = 5001\n', "skill group empty has no agent"),
    ],
)
def test_what_deserves_a_look_is_noted(run_check: Check, addition: str, note: str) -> None:
    assert note not in run_check().stdout
    result = run_check(new=addition)
    assert result.exit_code == 0, result.output
    assert note in result.stdout


def test_a_password_that_everybody_can_read_is_noted(run_check: Check) -> None:
    note = "desktop.pw can be read by everybody"
    assert note not in run_check().stdout
    assert note in run_check(password_mode=0o644).stdout


def test_show_prints_every_value_as_toml_and_no_secret(run_check: Check) -> None:
    result = run_check("--show")
    assert result.exit_code == 0
    shown = tomllib.loads(result.stdout)
    assert shown["router"]["max_time_in_queue_s"] == 3600
    assert shown["media_routing_domain"][0]["task_life_s"] == 1200
    assert shown["listener"][0]["limits"]["outbox_bytes"] == 4 * 1024 * 1024
    assert "very secret" not in result.output


def test_quiet_says_nothing_about_a_right_configuration(run_check: Check) -> None:
    assert run_check("--quiet").output == ""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id = 5004", "id = 0", "id: is out of range"),
        ('private_key = "server.key"', 'private_key = "server.pem"', "listener 127.0.0.1:38001: "),
        ('op = "queue"', 'op = "teleport"', "teleport"),
        ("sg:sales", "sg:sail", "sg:sail"),
        ('op = "queue", to = ["sg:sales"]', 'op = "upstream", gateway = "cce"', "this build does not have this step"),
        (
            'op = "queue", to = ["sg:sales"]',
            'op = "if", when = "queue.sg:sail.depth > 1", goto = "a", label = "a"',
            "[call_type chat, step 1 (if)]: when: unknown name 'queue.sg:sail.depth'",
        ),
        (
            'op = "queue", to = ["sg:sales"]',
            'op = "if", when = "mrd == \'chat\'", goto = "a", label = "a"',
            "[call_type chat, step 1 (if)]: goto: the script can come back here without passing a wait",
        ),
    ],
)
def test_a_wrong_configuration_is_exit_2_with_the_problem_on_stderr(
    run_check: Check, old: str, new: str, expected: str
) -> None:
    result = run_check(old=old, new=new)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr
    assert result.stderr.splitlines()[-1].endswith("ctigw.toml: 1 problem")


def test_problems_of_different_parts_are_shown_together(run_check: Check) -> None:
    result = run_check(old='private_key = "server.key"', new='private_key = "desktop.pw"')
    both = run_check(new='[[call_type]]\nname = "x"\nscript = [{ op = "teleport" }]\n[protocol]\nmr = "desktop.pw"\n')
    assert result.exit_code == both.exit_code == 2
    assert both.stderr.splitlines()[-1].endswith("2 problems")


def test_a_file_that_is_not_there_is_wrong_use() -> None:
    result = CliRunner().invoke(check.command, ["/nowhere/ctigw.toml"])
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
