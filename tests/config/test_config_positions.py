"""Lines of keys are found in every way of writing TOML, and never by a crash."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctigw.config.positions import positions

TEXT = '''\
top = 1            # "not = here"
[plain]
a.b = [1,
  2, { c = 3 }]
"quoted key" = """
x = 1
[no.header]
"""
[[list]]
a = 1
[[list]]
a = 2
[list.inner]
b = \'single = "quoted" [\'
[[list.deep]]
c = 3
[[list.deep]]
c = { d = { e = 1 } }
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 1),
        (("plain",), 2),
        (("plain", "a", "b"), 3),
        (("plain", "a", "b", 1), 4),
        (("plain", "a", "b", 2, "c"), 4),
        (("plain", "quoted key"), 5),
        (("list",), 9),
        (("list", 0, "a"), 10),
        (("list", 1), 11),
        (("list", 1, "a"), 12),
        (("list", 1, "inner"), 13),
        (("list", 1, "inner", "b"), 14),
        (("list", 1, "deep", 0, "c"), 16),
        (("list", 1, "deep", 1, "c", "d", "e"), 18),
    ],
)
def test_a_key_is_found_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert positions(TEXT)[path] == line


def test_what_looks_like_a_key_inside_a_text_is_none() -> None:
    found = positions(TEXT)
    assert ("plain", "x") not in found
    assert ("no",) not in found


def _paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += _paths(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += _paths(inner, (*path, index))
    return found


@pytest.mark.parametrize("name", ["tests/config/design_example.toml", "systemd/ctigw.example.toml", "pyproject.toml"])
def test_every_value_of_a_real_file_has_a_line(name: str) -> None:
    text = (Path(__file__).parents[2] / name).read_text()
    found = positions(text)
    assert [path for path in _paths(tomllib.loads(text)) if path not in found] == []


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab.=[]{}\"'\\#,\n 1", max_size=60))
def test_any_text_is_walked_to_its_end(text: str) -> None:
    positions(text)
