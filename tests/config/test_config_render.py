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


def test_every_key_of_every_table_is_shown(tmp_path: Path) -> None:
    shown = render(load_text(tmp_path, SMALL))
    for value in _tables(load_text(tmp_path, SMALL)):
        for attribute in attrs.fields(type(value)):
            assert f"{attribute.name} = " in shown or f"# {attribute.name}: " in shown


def _tables(settings: Any) -> list[Any]:  # noqa: ANN401 - any settings class
    found = []
    for attribute in attrs.fields(type(settings)):
        value = getattr(settings, attribute.name)
        if attribute.name == "routing":
            found += _tables(value)
        else:
            found += list(value) if isinstance(value, tuple) else [value]
    return found
