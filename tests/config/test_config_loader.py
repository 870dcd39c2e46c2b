"""What a configuration file becomes, and what is refused with which words (design 4, decisions G1)."""

from pathlib import Path

import attrs
import pytest

from config_samples import SMALL, load_text, problems_of
from ctigw.config.loader import load
from ctigw.config.problems import InvalidConfiguration
from ctigw.config.routing import MediaRoutingDomain
from ctigw.config.settings import Settings, TlsSettings
from ctigw.errors import ConfigurationError

REFERENCED = ("server.pem", "server.key", "ca.pem", "etcd-ca.pem", "etcd.pem", "etcd.key", "desktop.pw")


def test_the_example_of_the_design_loads_as_printed(tmp_path: Path) -> None:
    for name in REFERENCED:
        (tmp_path / name).write_text("x")
    path = tmp_path / "ctigw.toml"
    path.write_text((Path(__file__).parent / "design_example.toml").read_text())
    settings = load(path)
    assert settings.listeners[0].tls == TlsSettings(
        certificate=tmp_path / "server.pem",
        private_key=tmp_path / "server.key",
        client_ca=tmp_path / "ca.pem",
        require_client_certificate=True,
    )
    assert settings.listeners[0].limits.handshake_s == 5.0
    assert settings.routing.router.max_tasks_in_queue == 100_000
    assert settings.routing.agents[0].attributes == {"english": 7}
    assert [step.wait_s for step in settings.routing.precision_queues[0].steps] == [20.0, 0.0]
    assert settings.routing.call_types[0].script[2] == {"op": "wait", "seconds": 60}
    assert settings.applications[0].requeue_on_recovery
    side_b = settings.peripheral_gateways[0].side_b
    assert side_b is not None
    assert side_b.cti == "pgb.example:43027"


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert load_text(tmp_path, "") == Settings()


def test_a_name_that_is_left_out_is_the_id(tmp_path: Path) -> None:
    routing = load_text(tmp_path, SMALL).routing
    assert (routing.agents[0].name, routing.peripherals[0].name) == ("1080", "5000")


def test_tls_false_is_plain_tcp(tmp_path: Path) -> None:
    assert load_text(tmp_path, '[[listener]]\naddress = "[::1]:0"\ntls = false\n').listeners[0].tls is None


def test_all_problems_are_shown_together_with_line_table_key_value_and_what_is_allowed(tmp_path: Path) -> None:
    text = SMALL.replace('name = "chat"', 'name = "chat"\nnmae = "x"\nstart_timeout_s = 0', 1)
    text = text.replace("skill_target_id = 5080\n", "")
    assert problems_of(tmp_path, text) == [
        "ctigw.toml:8: [media_routing_domain 'chat']: nmae: unknown key (value 'x'); allowed: "
        + ", ".join(attribute.name for attribute in attrs.fields(MediaRoutingDomain)),
        (
            "ctigw.toml:9: [media_routing_domain 'chat']: start_timeout_s: is out of range: "
            "from choosing the agent to START_TASK_IND (value 0); allowed: 1 to 86,400"
        ),
        "ctigw.toml:22: [agent '1080']: skill_target_id: is missing: ICMAgentID on the wire; unique",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("skill_target_id = 5080", 'skill_target_id = "5001"', "must be a whole number (value '5001')"),
        ("skill_target_id = 5080", "skill_target_id = true", "must be a whole number (value True)"),
        ("skill_target_id = 5080", "skill_target_id = 5001.0", "must be a whole number (value 5001.0)"),
        ('name = "chat"', "name = 5", "must be a text (value 5)"),
        ('name = "chat"', 'name = ""', "must not be empty"),
        ('name = "chat"', f'name = "{"x" * 33}"', "allowed: 1 to 32 Latin-1 characters"),
        ('name = "chat"', 'name = "聊天"', "characters that the protocol cannot carry"),
        ('name = "chat"', 'name = "chat"\nstart_timeout_s = nan', "start_timeout_s: must be a number"),
        ('name = "chat"', 'name = "chat"\nstart_timeout_s = 0', "allowed: 1 to 86,400"),
        ('name = "chat"', 'name = "chat"\ninterruptible = 1', "must be true or false (value 1)"),
        ("tls = false", "tls = true", "tls: must be a table (value True)"),
        ("tls = false", 'tls = false\nprotocols = ["http"]', "allowed: mr, cti"),
        ("tls = false", 'tls = false\nprotocols = "mr"', "protocols: must be a list"),
        ("tls = false", "tls = false\nlimits = { handshake_s = 0 }", "limits.handshake_s: is out of range"),
        ("tls = false", "tls = { certificate = 'a.pem', private_key = 'a.key' }", "a.key does not exist"),
        ('type = "proficiency"', 'type = "text"', "allowed: boolean, proficiency"),
        ("mrds = [5001]", "mrds = [true]", "members[1].mrds[1]: must be a whole number"),
        ('name = "chat"', 'name = "chat"\nmax_time_in_queue_s = 0', "max_time_in_queue_s: is out of range"),
        ('name = "chat"', 'name = "chat"\nmax_tasks_per_call_type = -1', "allowed: 0 to 1,000,000"),
        ("[[peripheral]]", "[router]\npick_pull_while_not_ready = 1\n[[peripheral]]", "must be true or false"),
        (
            'match = "english >= 5"',
            'match = "english >= 5", wait_if_no_agents_logged_in = "no"',
            "steps[1].wait_if_no_agents_logged_in: must be true or false",
        ),
        ("mrd = 5001\nsteps", 'mrd = 5001\nagent_order = "best"\nsteps', "least_proficient, most_skilled"),
        ('value = "8000"', "", "[script_selector]: value: is missing"),
    ],
)
def test_a_wrong_value_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    found = problems_of(tmp_path, old, new)
    assert len(found) == 1 or "a.pem" in new
    assert expected in "\n".join(found)


def test_a_secret_in_the_wrong_key_is_not_repeated(tmp_path: Path) -> None:
    found = problems_of(tmp_path, 'id = "desktop"', 'id = "desktop"\npassword = "hunter2"')
    assert len(found) == 1
    assert "password: unknown key; allowed" in found[0]
    assert "hunter2" not in found[0]


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("localhost:38001", None),
        ("0.0.0.0:0", None),
        ("[::]:38001", None),
        ("[fe80::1]:65535", None),
        ("localhost", "has no port"),
        ("localhost:http", "has no port"),
        ("localhost:65536", "has a port out of range"),
        (":38001", "has no usable host"),
        ("::1:38001", "has an IPv6 address without brackets"),
        ("[127.0.0.1]:38001", "has no IPv6 address in the brackets"),
        ("a b:1", "has no usable host"),
    ],
)
def test_an_address_is_host_and_port(tmp_path: Path, address: str, problem: str | None) -> None:
    found = problems_of(tmp_path, '"127.0.0.1:38001"', f'"{address}"')
    assert len(found) == (problem is not None)
    if problem is not None:
        assert problem in found[0]


def test_an_address_to_dial_has_a_real_port(tmp_path: Path) -> None:
    assert "port out of range" in problems_of(tmp_path, 'name = "webchat"', 'name = "webchat"\naddress = "app:0"')[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[listner]\naddress = 1\n", "ctigw.toml:1: [listner]: unknown table"),
        ("[[gateway]]\nname = 'x'\n", "ctigw.toml:1: [gateway]: stands once, as a table; allowed: [gateway]"),
        ("[agent]\nid = '1'\n", "ctigw.toml:1: [agent]: is a list of tables; allowed: [[agent]]"),
        ("agent = [5]\n", "ctigw.toml:1: [agent]: must be a table (value 5)"),
        ("answer = 42\n", "ctigw.toml:1: [answer]: a key outside of any table (value 42)"),
        ("[gateway\n", "ctigw.toml: is no TOML"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert problems_of(tmp_path, text)[0].startswith(expected)


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.toml: cannot be read: No such file"):
        load(tmp_path / "nothing.toml")


def test_bytes_that_are_no_text_are_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "ctigw.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is no TOML"):
        load(path)


# Files that the configuration names.


def test_a_path_is_relative_to_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "desktop.pw").write_text("x")
    settings = load_text(tmp_path, SMALL.replace('certificate_subject = "CN=desktop"', 'password_file = "desktop.pw"'))
    assert settings.cti_clients[0].password_file == tmp_path / "desktop.pw"


def test_a_bare_name_is_taken_from_the_credentials_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for folder in (tmp_path, credentials):
        (folder / "desktop.pw").write_text("x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    by_name = SMALL.replace('certificate_subject = "CN=desktop"', 'password_file = "desktop.pw"')
    assert load_text(tmp_path, by_name).cti_clients[0].password_file == credentials / "desktop.pw"
    by_path = by_name.replace('"desktop.pw"', '"./desktop.pw"')
    assert load_text(tmp_path, by_path).cti_clients[0].password_file == tmp_path / "desktop.pw"


def test_a_folder_is_no_password_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    found = problems_of(tmp_path, 'certificate_subject = "CN=desktop"', 'password_file = "folder"')
    assert "is not a file (value 'folder')" in found[0]


@pytest.mark.parametrize("content", ["", "\n", " \n\n"])
def test_an_empty_password_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "desktop.pw").write_text(content)
    found = problems_of(tmp_path, 'certificate_subject = "CN=desktop"', 'password_file = "desktop.pw"')
    assert "is empty (value 'desktop.pw')" in found[0]


def test_the_state_directory_need_not_exist_yet(tmp_path: Path) -> None:
    assert load_text(tmp_path, '[gateway]\nstate_dir = "state"\n').gateway.state_dir == tmp_path / "state"


# Included files.


def _included(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "agents.d").mkdir(exist_ok=True)
    (tmp_path / "agents.d" / name).write_text(text)


AGENT = '[[agent]]\nid = "{0}"\nskill_target_id = {0}\nperipheral = 5000\n'


def test_included_agents_follow_those_of_the_main_file_in_order_of_file_names(tmp_path: Path) -> None:
    _included(tmp_path, "20.toml", AGENT.format(2020))
    _included(tmp_path, "10.toml", AGENT.format(2010))
    settings = load_text(tmp_path, 'include = ["agents.d/*.toml", "agents.d/10.toml"]\n' + SMALL)
    assert [agent.id for agent in settings.routing.agents] == ["1080", "2010", "2020"]


def test_a_problem_in_an_included_file_names_that_file_and_its_line(tmp_path: Path) -> None:
    _included(tmp_path, "10.toml", "\n" + AGENT.format(2010).replace("5000", "7"))
    found = problems_of(tmp_path, 'include = ["agents.d/*.toml"]\n' + SMALL)
    assert found == [
        "agents.d/10.toml:5: [agent '2010']: peripheral: no [[peripheral]] has this id (value 7); allowed: 5000"
    ]


def test_a_single_table_may_be_spread_over_files_but_a_key_stands_once(tmp_path: Path) -> None:
    _included(tmp_path, "10.toml", "[router]\nmax_tasks_per_call_type = 7\n")
    router = load_text(tmp_path, 'include = ["agents.d/*.toml"]\n[router]\nmax_tasks_in_queue = 5\n').routing.router
    assert (router.max_tasks_in_queue, router.max_tasks_per_call_type) == (5, 7)
    found = problems_of(tmp_path, 'include = ["agents.d/*.toml"]\n[router]\nmax_tasks_per_call_type = 5\n')
    assert "agents.d/10.toml:2: [router]: max_tasks_per_call_type: stands a second time" in found[0]


def test_only_the_main_file_includes(tmp_path: Path) -> None:
    _included(tmp_path, "10.toml", 'include = ["x.toml"]\n')
    assert problems_of(tmp_path, 'include = ["agents.d/*.toml"]\n') == [
        "agents.d/10.toml:1: [include]: only the main file may include others"
    ]


@pytest.mark.parametrize("value", ['"agents.d/*.toml"', "[5]", '[""]'])
def test_include_is_a_list_of_patterns(tmp_path: Path, value: str) -> None:
    assert "must be a list of file names or patterns" in problems_of(tmp_path, f"include = {value}\n")[0]


def test_a_pattern_may_match_nothing_but_a_named_file_must_exist(tmp_path: Path) -> None:
    assert problems_of(tmp_path, 'include = ["agents.d/*.toml"]\n') == []
    assert "names a file that does not exist" in problems_of(tmp_path, 'include = ["agents.toml"]\n')[0]


def test_the_error_is_one_error_with_a_line_for_each_problem(tmp_path: Path) -> None:
    path = tmp_path / "ctigw.toml"
    path.write_text("[a]\nx = 1\n[b]\nx = 1\n")
    with pytest.raises(InvalidConfiguration) as caught:
        load(path)
    assert len(str(caught.value).splitlines()) == len(caught.value.problems) == 2
