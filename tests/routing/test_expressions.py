"""Expressions over attributes (decisions H, semantics 5.3)."""

import pytest

from ctigw.routing.expressions import ExpressionError, Value, evaluate, names, parse

KINDS: dict[str, type[Value]] = {"english": int, "boston": bool, "tier": str, "load": float}
VALUES: dict[str, Value] = {"english": 7, "boston": True, "tier": "gold", "load": 0.5}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("english >= 7", True),
        ("english > 7", False),
        ("7 <= english", True),
        ("english < -1", False),
        ("english != 7", False),
        ("load < 1", True),
        ("boston == true", True),
        ("not boston == true", False),
        ("tier == 'gold'", True),
        ('tier != "gold"', False),
        ("english == 1 or boston == true and tier == 'gold'", True),
        ("(english == 1 or boston == true) and tier == 'silver'", False),
        ("english == 1 or boston == true and tier == 'silver'", False),
        ("not (english == 1) and not not boston == true", True),
    ],
)
def test_expression_has_its_value(text: str, expected: bool) -> None:
    assert evaluate(parse(text, KINDS), VALUES.get) is expected


def test_comparison_with_a_name_without_value_is_false_either_way() -> None:
    for text in ("english == 7", "english != 7", "english < 7"):
        assert evaluate(parse(text, KINDS), lambda _: None) is False


def test_names_come_once_in_order() -> None:
    assert names(parse("tier == 'x' and not (english > 1 or tier == 'y')", KINDS)) == ("tier", "english")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "english",
        "english >=",
        "english = 7",
        "english and english",
        "english >= 7 english",
        "(english >= 7",
        "english >= 7)",
        "and english > 1",
        "unknown == 1",
        "english == 'seven'",
        "boston == 1",
        "boston > true",
        "tier < 'gold'",
        "english >= 7; import os",
        "__import__('os')",
        "not",
        "(" * 60 + "english > 1" + ")" * 60,
        "english > 1 or " * 400 + "english > 1",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text, KINDS)
