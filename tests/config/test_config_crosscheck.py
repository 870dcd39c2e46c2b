"""What must hold between tables (semantics 1.2, 5.3, 6.1; decisions C2, D1, D2, F2)."""

from pathlib import Path

import pytest

from config_samples import SMALL, problems_of

SECOND_DOMAIN = '[[media_routing_domain]]\nid = 5002\nname = "email"\n'


def test_the_small_configuration_is_right(tmp_path: Path) -> None:
    assert problems_of(tmp_path, SMALL) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("skill_target_id = 5080\nperipheral = 5000", "skill_target_id = 5080\nperipheral = 5", "[[peripheral]]"),
        (
            'skill_groups = ["sales"]',
            'skill_groups = ["sale"]',
            "no [[skill_group]] has this name (value 'sale'); allowed: sales",
        ),
        ("english = 7", "englisch = 7", "no [[attribute]] has this name (value 'englisch')"),
        ("id = 5004\nmrd = 5001", "id = 5004\nmrd = 5002", "no [[media_routing_domain]] has this id (value 5002)"),
        ("id = 6001\nmrd = 5001", "id = 6001\nmrd = 5002", "no [[media_routing_domain]] has this id (value 5002)"),
        ('value = "8000"\nmrd = 5001', 'value = "8000"\nmrd = 5002', "no [[media_routing_domain]]"),
        ('call_type = "chat"', 'call_type = "talk"', "no [[call_type]] has this name (value 'talk'); allowed: chat"),
        ("id = 7001\nperipheral = 5000", "id = 7001\nperipheral = 5", "no [[peripheral]] has this id (value 5)"),
        ('agents = ["1080"]', 'agents = ["1081"]', "no [[agent]] has this id (value '1081'); allowed: 1080"),
        ('supervisors = ["1080"]', 'supervisors = ["1081"]', "no [[agent]] has this id (value '1081')"),
        ("application_path = 1", "application_path = 2", "no [[application_path]] has this id (value 2)"),
        ("members = [{ peripheral = 5000", "members = [{ peripheral = 5001", "no [[peripheral]] has this id"),
        ('["agent_reporting"]', '["agent_reportin"]', "is no service (value 'agent_reportin'); allowed: "),
    ],
)
def test_a_reference_to_nothing_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    found = problems_of(tmp_path, old, new)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    "again",
    [
        '[[media_routing_domain]]\nid = 5001\nname = "email"\n',
        '[[media_routing_domain]]\nid = 5002\nname = "chat"\n',
        "[[peripheral]]\nid = 5000\n",
        "[[application_path]]\nid = 1\nmembers = [{ peripheral = 5000, mrds = [5002] }]\n",
        "[[application_path]]\nid = 2\nmembers = [{ peripheral = 5000, mrds = [5001] }]\n",
        '[[attribute]]\nname = "english"\ntype = "boolean"\n',
        '[[agent]]\nid = "1081"\nskill_target_id = 5080\nperipheral = 5000\n',
        '[[agent]]\nid = "1080"\nskill_target_id = 5081\nperipheral = 5000\n',
        '[[agent_team]]\nname = "desk"\nid = 7002\nperipheral = 5000\n',
        '[[agent_team]]\nname = "x"\nid = 7001\nperipheral = 5000\n',
        '[[agent_team]]\nname = "x"\nid = 7002\nperipheral = 5000\nagents = ["1080", "1080"]\n',
        '[[skill_group]]\nname = "sales"\nid = 1\nmrd = 5001\n',
        '[[skill_group]]\nname = "x"\nid = 5004\nmrd = 5001\n',
        '[[skill_group]]\nname = "x"\nid = 6001\nmrd = 5001\n',
        '[[precision_queue]]\nname = "fluent"\nid = 1\nmrd = 5001\nsteps = [{ match = "english > 1" }]\n',
        '[[call_type]]\nname = "chat"\nscript = [{ op = "release" }]\n',
        '[[call_type]]\nname = "x"\nid = 1\nscript = [{ op = "release" }]\n',
        '[[script_selector]]\nvalue = "8000"\nmrd = 5001\ncall_type = "chat"\n',
        '[[application]]\nname = "webchat"\naddress = "app:1"\n',
        '[[cti_client]]\nid = "desktop"\ncertificate_subject = "CN=x"\n',
        '[[listener]]\naddress = "127.0.0.1:38001"\ntls = false\n',
    ],
)
def test_what_must_be_unique_is_refused_the_second_time(tmp_path: Path, again: str) -> None:
    found = problems_of(tmp_path, SMALL + again)
    assert len(found) == 1
    assert "stands a second time; the first is in " in found[0]


def test_the_same_agent_number_on_another_peripheral_is_another_agent(tmp_path: Path) -> None:
    more = '[[peripheral]]\nid = 6000\n[[agent]]\nid = "1080"\nskill_target_id = 5081\nperipheral = 6000\n'
    assert problems_of(tmp_path, SMALL + more) == []


def test_listeners_whose_ports_the_system_chooses_do_not_collide(tmp_path: Path) -> None:
    assert problems_of(tmp_path, '[[listener]]\naddress = "127.0.0.1:0"\ntls = false\n' * 2) == []


def test_a_reference_to_a_table_that_is_wrong_itself_is_reported_once(tmp_path: Path) -> None:
    found = problems_of(tmp_path, 'id = 5001\nname = "chat"', 'id = 5001\nname = "chat"\nstart_timeout_s = 0')
    assert len(found) == 1


@pytest.mark.parametrize(
    ("attribute", "value", "allowed"),
    [
        ('type = "proficiency"', "11", "allowed: 1 to 10"),
        ('type = "proficiency"', "0", "allowed: 1 to 10"),
        ('type = "proficiency"', "true", "allowed: 1 to 10"),
        ('type = "boolean"', "1", "allowed: true, false"),
    ],
)
def test_an_attribute_value_fits_its_type(tmp_path: Path, attribute: str, value: str, allowed: str) -> None:
    text = SMALL.replace('type = "proficiency"', attribute).replace("english = 7", f"english = {value}")
    assert [allowed in problem for problem in problems_of(tmp_path, text)] == [True]
    by_default = SMALL.replace('type = "proficiency"', f"{attribute}\ndefault = {value}").replace(
        "{ english = 7 }", "{}"
    )
    assert [allowed in problem for problem in problems_of(tmp_path, by_default)] == [True]


def test_a_pair_needs_etcd_and_its_address(tmp_path: Path) -> None:
    found = problems_of(tmp_path, '[duplex]\nkind = "pair"\n')
    assert "[journal]: kind: does not fit duplex.kind = 'pair' (value 'sqlite'); allowed: etcd" in found[0]
    assert "[duplex]: etcd: is missing" in found[1]
    right = '[duplex]\nkind = "pair"\netcd = ["http://127.0.0.1:2379"]\n[journal]\nkind = "etcd"\n'
    assert problems_of(tmp_path, right) == []


def test_a_client_certificate_of_the_store_has_two_halves(tmp_path: Path) -> None:
    for name in ("ca.pem", "c.pem", "c.key"):
        (tmp_path / name).write_text("x")
    whole = 'etcd_tls = { ca = "ca.pem", certificate = "c.pem", private_key = "c.key" }'
    assert problems_of(tmp_path, f"[duplex]\n{whole}\n") == []
    for half in (', private_key = "c.key"', ', certificate = "c.pem"'):
        found = problems_of(tmp_path, f"[duplex]\n{whole.replace(half, '')}\n")
        assert ["has one half of a client certificate" in problem for problem in found] == [True]


def test_a_single_side_needs_sqlite(tmp_path: Path) -> None:
    assert "allowed: sqlite" in problems_of(tmp_path, '[journal]\nkind = "etcd"\n')[0]


def test_only_one_application_may_be_told_by_nothing(tmp_path: Path) -> None:
    found = problems_of(tmp_path, SMALL + '[[application]]\nname = "second"\n')
    assert len(found) == 1
    assert "cannot be told from the one in " in found[0]
    for binding in ('certificate_subject = "CN=x"', "peripheral_id = 7", 'address = "app:1"'):
        assert problems_of(tmp_path, f'{SMALL}[[application]]\nname = "second"\n{binding}\n') == []


def test_a_client_that_nobody_could_be_is_refused(tmp_path: Path) -> None:
    assert "nobody could use it" in problems_of(tmp_path, 'certificate_subject = "CN=desktop"\n', "")[0]


def test_agent_reporting_needs_a_path(tmp_path: Path) -> None:
    assert "application_path: is missing" in problems_of(tmp_path, "application_path = 1\n", "")[0]


@pytest.mark.parametrize(("count", "problems"), [(0, 1), (1, 0), (10, 0), (11, 1)])
def test_a_precision_queue_has_one_to_ten_steps(tmp_path: Path, count: int, problems: int) -> None:
    steps = ", ".join(['{ match = "english >= 5" }'] * count)
    assert len(problems_of(tmp_path, 'steps = [{ match = "english >= 5" }]', f"steps = [{steps}]")) == problems


def test_the_last_step_cannot_be_skipped(tmp_path: Path) -> None:
    found = problems_of(tmp_path, '{ match = "english >= 5" }', '{ match = "english >= 5", consider_if = "true" }')
    assert "which is never skipped" in found[0]


def test_a_path_may_cover_a_domain_that_is_not_configured_yet(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "mrds = [5001]", "mrds = [5001, 5002]") == []


def test_a_gateway_side_names_its_peer_in_one_way(tmp_path: Path) -> None:
    gateway = '[[peripheral_gateway]]\nname = "cce"\nperipheral = 5000\nside_a = {}\n'
    assert "names no peer" in problems_of(tmp_path, SMALL + gateway)[0]
    both = gateway.replace("{}", '{ mr_certificate = "CN=pga", mr_address = "192.0.2.1" }')
    assert "stands beside mr_certificate" in problems_of(tmp_path, SMALL + both)[0]


def test_client_certificates_can_be_required_only_with_an_authority(tmp_path: Path) -> None:
    # The files must exist; this one serves, since the loader does not look inside.
    tls = 'tls = { certificate = "ctigw.toml", private_key = "ctigw.toml", require_client_certificate = true }'
    assert "needs client_ca" in problems_of(tmp_path, "tls = false", tls)[0]


def test_a_team_has_agents_of_its_own_peripheral(tmp_path: Path) -> None:
    other = '[[peripheral]]\nid = 5001\n[[agent_team]]\nname = "x"\nid = 7002\nperipheral = 5001\nagents = ["1080"]\n'
    (problem,) = problems_of(tmp_path, SMALL + other)
    assert "is no agent of peripheral 5001 (value '1080')" in problem


@pytest.mark.parametrize("name", ["call.11", "call.0", "ecc.", "user.x", ""])
def test_task_records_name_variables_that_there_can_be(tmp_path: Path, name: str) -> None:
    found = problems_of(tmp_path, SMALL + f'[task_records]\nvariables = ["call.10", "ecc.user.x", "{name}"]\n')
    assert len(found) == 1
    assert "variables" in found[0]
