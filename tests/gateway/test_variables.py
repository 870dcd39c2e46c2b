"""Variables keep their order and their values on the way through both protocols (decisions D3, D4)."""

from ctigw.gateway.variables import (
    call_variables_to_cti,
    ecc_variables_to_cti,
    variables_from_cti,
    variables_from_mr,
    variables_to_mr,
)
from ctigw.routing.inputs import Variable
from ctigw.wire import EccArray, EccName, EccValue, FloatValue, NamedArray, NamedVariable

MIXED: list[tuple[int, FloatValue]] = [
    (24, "third"),
    (42, EccName(1, "user.cim.activity.id")),
    (43, EccValue(1, "1178")),
    (22, "first"),
    (42, EccName(2, "user.list")),
    (44, EccArray(2, 0, "zero")),
    (44, EccArray(2, 1, "one")),
]


def test_variables_leave_towards_mr_in_the_order_in_which_they_came() -> None:
    assert list(variables_to_mr(variables_from_mr(MIXED))) == MIXED


def test_ecc_tags_are_numbered_anew_from_one_in_order_of_appearance() -> None:
    sent_by_peer: list[tuple[int, FloatValue]] = [(42, EccName(77, "user.a")), (43, EccValue(77, "x"))]
    sent_by_us = list(variables_to_mr(variables_from_mr(sent_by_peer)))
    assert sent_by_us == [(42, EccName(1, "user.a")), (43, EccValue(1, "x"))]


def test_a_value_may_come_before_its_name() -> None:
    swapped: list[tuple[int, FloatValue]] = [(43, EccValue(5, "late")), (42, EccName(5, "user.a"))]
    assert variables_from_mr(swapped) == (Variable("ecc.user.a", None, "late"),)


def test_a_name_without_a_value_is_an_empty_value() -> None:
    assert variables_from_mr([(42, EccName(1, "user.a"))]) == (Variable("ecc.user.a", None, ""),)


def test_one_nul_at_the_end_of_a_text_is_tolerated() -> None:
    raw: list[tuple[int, FloatValue]] = [(22, b"abc\0"), (42, b"\0\0\0\1user.a\0"), (43, b"\0\0\0\1x\0")]
    assert variables_from_mr(raw) == (Variable("call.1", None, "abc"), Variable("ecc.user.a", None, "x"))
    assert variables_from_cti([(13, b"abc"), (82, b"user.a\0x")]) == (
        Variable("call.1", None, "abc"),
        Variable("ecc.user.a", None, "x"),
    )


def test_cti_counts_scalars_and_array_elements_apart() -> None:
    variables = variables_from_mr(MIXED)
    assert call_variables_to_cti(variables) == [(15, "third"), (13, "first")]
    assert ecc_variables_to_cti(variables) == (
        1,
        2,
        [
            (82, NamedVariable("user.cim.activity.id", "1178")),
            (83, NamedArray(0, "user.list", "zero")),
            (83, NamedArray(1, "user.list", "one")),
        ],
    )


def test_variables_of_a_context_update_come_back_as_the_engine_names_them() -> None:
    floating: list[tuple[int, FloatValue]] = [
        (14, "two"),
        (82, NamedVariable("user.tier", "gold")),
        (83, NamedArray(3, "user.list", "three")),
    ]
    assert variables_from_cti(floating) == (
        Variable("call.2", None, "two"),
        Variable("ecc.user.tier", None, "gold"),
        Variable("ecc.user.list", 3, "three"),
    )


def test_ecc_data_above_the_limit_of_cti_are_left_out_together() -> None:
    """Semantics 6.2: the event goes without them; an array carries its name with every element."""
    fits = [Variable("ecc.user.list", index, "") for index in range(2_500 // len("user.list"))]
    named, elements, floating = ecc_variables_to_cti(fits)
    assert (named, elements, len(floating)) == (0, len(fits), len(fits))
    assert ecc_variables_to_cti([Variable("ecc.user.a", None, "xx"), *fits]) == (0, 0, [])
