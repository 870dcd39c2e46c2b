"""`--show` writes every key, and what it writes means the same (decisions G1)."""

from pathlib import Path
from typing import Any

import attrs

from config_samples import SMALL, load_text
from ctigw.config.loader import load
from ctigw.config.render import render


def test_what_is_shown_loads_to_the_same_settings(tmp_path: Path) -> None:
    for name in ("server.pem", "server.key", "ca.pem", "etcd-ca.pem", "etcd.pem", "etcd.key", "desktop.pw"):
        (tmp_path / name).write_text("x")
    settings = load_text(tmp_path, (Path(__file__).parent / "design_example.toml").read_text())
    shown = tmp_path / "elsewhere" / "shown.toml"
    shown.parent.mkdir()
    shown.write_text(render(settings))
    assert load(shown) == settings


def test_odd_texts_survive(tmp_path: Path) -> None:
    odd = SMALL.replace('name = "webchat"', r'name = "q\"uote\\ ä ="').replace("english = 7", '"english" = 7')
    settings = load_text(tmp_path, odd)
    assert load_text(tmp_path, render(settings)) == settings


def test_every_key_of_every_table_is_shown_also_where_it_is_empty_or_zero(tmp_path: Path) -> None:
    settings = load_text(tmp_path, SMALL)
    shown = render(settings)
    for name in _names(settings):
        assert f"{name} = " in shown or f"# {name}: " in shown, name
    assert 'steps = [{ match = "english >= 5", wait_s = 0, consider_if = "" }]' in shown


def _names(settings: Any) -> set[str]:  # noqa: ANN401 - any settings class
    """Names of all keys, however deep; the names of the tables themselves are headers."""
    found = set()
    for attribute in attrs.fields(type(settings)):
        value = getattr(settings, attribute.name)
        members = value if isinstance(value, tuple) else (value,)
        tables = [member for member in members if attrs.has(type(member))]
        if not tables:
            found.add(attribute.name)
        for table in tables:
            found |= _names(table)
    return found - {"peripheral_gateways"}  # none is configured, so there is no header
