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
    assert evaluate(parse(text, KINDS.get), VALUES.get) is expected


def test_comparison_with_a_name_without_value_is_false_either_way() -> None:
    for text in ("english == 7", "english != 7", "english < 7"):
        assert evaluate(parse(text, KINDS.get), lambda _: None) is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("boston == true or english == 1 and english == 2", False),
        ("english == 2 and english == 1 or boston == true", True),
        ("boston == true or (english == 1 and english == 2)", True),
        ("boston == true or not english == 7 and english == 2", False),
        ("english == 7 and boston == true and tier == 'gold' or english == 1", True),
    ],
)
def test_5_3_precision_queue_terms_are_evaluated_from_left_to_right(text: str, expected: bool) -> None:
    assert evaluate(parse(text, KINDS.get, left_to_right=True), VALUES.get) is expected


def test_and_binds_tighter_than_or_elsewhere() -> None:
    assert evaluate(parse("boston == true or english == 1 and english == 2", KINDS.get), VALUES.get) is True


@pytest.mark.parametrize("text", ["7", "7.0", "-1.5"])
def test_text_variable_that_is_a_number_is_compared_as_one(text: str) -> None:
    number = float(text)
    values: dict[str, Value] = {"tier": text, "load": number}
    for operator, expected in (("==", True), ("!=", False), ("<=", True), ("<", False)):
        assert evaluate(parse(f"tier {operator} {number}", KINDS.get), values.get) is expected
        assert evaluate(parse(f"load {operator} tier", KINDS.get), values.get) is expected


@pytest.mark.parametrize("text", ["", "seven", " 7", "7 ", "1e3", "0x7", "٧", "7.", "--7", "nan"])
def test_text_variable_that_is_no_number_makes_its_comparison_with_one_false(text: str) -> None:
    for operator in ("==", "!=", "<", "<=", ">", ">="):
        assert not evaluate(parse(f"tier {operator} 7", KINDS.get), {"tier": text}.get)


def test_names_come_once_in_order() -> None:
    assert names(parse("tier == 'x' and not (english > 1 or tier == 'y')", KINDS.get)) == ("tier", "english")


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
        "tier < tier",
        "'seven' == 7",
        "tier == true",
        "english >= 7; import os",
        "__import__('os')",
        "not",
        "(" * 60 + "english > 1" + ")" * 60,
        "english > 1 or " * 400 + "english > 1",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    for left_to_right in (False, True):
        with pytest.raises(ExpressionError):
            parse(text, KINDS.get, left_to_right=left_to_right)


def test_changes_between_and_and_or_are_bounded_from_left_to_right() -> None:
    with pytest.raises(ExpressionError, match="changes"):
        parse("english > 1 or english > 1 and " * 60 + "english > 1", KINDS.get, left_to_right=True)
