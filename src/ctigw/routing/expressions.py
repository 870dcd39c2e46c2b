"""Expressions over named values: `english >= 5 and (boston == true or not trainee == true)`.

Knows the small grammar of decisions H; must not know what the names stand for: whoever parses says which names exist
and of which kind, whoever evaluates gives their values. Parsed once, by hand, never by `eval`.

    expression = term { "or" term }        term   = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | comparison
    comparison = operand operator operand   operand = name | number | true | false | quoted text

A name without a value makes its comparison false, whatever the operator. A name that stands for text (a task's
variable) may be compared with a number: it counts as that number when the whole text is one (`7`, `-1.5`), and has no
value otherwise. [OURS] `and` binds tighter than `or`, unless whoever parses asks for the rule of precision queues: from
left to right (semantics 5.3). Brackets group either way.
"""

import re
from collections.abc import Callable
from typing import Final

import attrs

Value = bool | int | float | str
Lookup = Callable[[str], Value | None]
KindOf = Callable[[str], type[Value] | None]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<text>'[^']*'|\"[^\"]*\")|(?P<operator>==|!=|<=|>=|<|>)|(?P<bracket>[()])"
    r"|(?P<name>[A-Za-z_][\w.:\-]*))"
)
_EQUALITY: Final = ("==", "!=")
_OPERATORS: Final = (*_EQUALITY, "<", "<=", ">", ">=")
_NUMBERS: Final = (int, float)
_NUMBER_TEXT: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WORDS: Final = ("and", "or", "not", "true", "false")
LONGEST_EXPRESSION = 4096
"""Characters; with NESTING it bounds what a configuration file can make the parser do."""
NESTING = 50
"""Brackets and `not` within one another; from left to right also changes between `and` and `or`."""


class ExpressionError(ValueError):
    """An expression does not parse, or names what does not exist; the text says where."""


@attrs.frozen
class Literal:
    """A value written in the expression."""

    value: Value


@attrs.frozen
class Name:
    """A value looked up when the expression is evaluated."""

    name: str


@attrs.frozen
class Comparison:
    """Two operands and how they are compared."""

    left: "Literal | Name"
    operator: str
    right: "Literal | Name"


@attrs.frozen
class Not:
    """The opposite."""

    part: "Expression"


@attrs.frozen
class All:
    """`and`."""

    parts: "tuple[Expression, ...]"


@attrs.frozen
class Any:
    """`or`."""

    parts: "tuple[Expression, ...]"


Expression = Comparison | Not | All | Any


def parse(text: str, kind_of: KindOf, *, left_to_right: bool = False) -> Expression:
    """Parse `text`; `kind_of` gives the kind of a name that may be used, and None for any other name.

    Raises ExpressionError on anything else than one whole expression.
    """
    if len(text) > LONGEST_EXPRESSION:
        raise ExpressionError(f"longer than {LONGEST_EXPRESSION} characters")
    parser = _Parser(_tokens(text), kind_of, left_to_right)
    expression = parser.expression(0)
    parser.expect_end()
    return expression


def evaluate(expression: Expression, lookup: Lookup) -> bool:
    """Whether the expression holds; `lookup` gives a name's value or None."""
    match expression:
        case All(parts):
            return all(evaluate(part, lookup) for part in parts)
        case Any(parts):
            return any(evaluate(part, lookup) for part in parts)
        case Not(part):
            return not evaluate(part, lookup)
        case Comparison(left, operator, right):
            first, second = _value(left, lookup), _value(right, lookup)
            return first is not None and second is not None and _compare(first, operator, second)


def names(expression: Expression) -> tuple[str, ...]:
    """Every name used, once, in order of appearance."""
    match expression:
        case All(parts) | Any(parts):
            found = [name for part in parts for name in names(part)]
        case Not(part):
            found = list(names(part))
        case Comparison(left, _, right):
            found = [operand.name for operand in (left, right) if isinstance(operand, Name)]
    return tuple(dict.fromkeys(found))


def _value(operand: Literal | Name, lookup: Lookup) -> Value | None:
    return operand.value if isinstance(operand, Literal) else lookup(operand.name)


def comparisons(expression: Expression) -> int:
    """How many terms the expression has."""
    match expression:
        case All(parts) | Any(parts):
            return sum(comparisons(part) for part in parts)
        case Not(part):
            return comparisons(part)
    return 1


def _compare(left: Value, operator: str, right: Value) -> bool:
    if isinstance(left, str) is not isinstance(right, str):
        first, second = _number(left), _number(right)
        return first is not None and second is not None and _compare(first, operator, second)
    if operator == "==":
        return left == right
    if operator == "!=":
        return left != right
    if isinstance(left, str) or isinstance(right, str):
        return False  # the parser lets no two texts come to an order comparison
    if operator == "<":
        return left < right
    if operator == "<=":
        return left <= right
    if operator == ">":
        return left > right
    return left >= right


def _number(value: Value) -> bool | int | float | None:
    if not isinstance(value, str):
        return value
    if _NUMBER_TEXT.fullmatch(value) is None:
        return None
    return float(value) if "." in value else int(value)


def _tokens(text: str) -> list[str]:
    tokens = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise ExpressionError(f"cannot read {stripped[position:].strip()[:20]!r} at character {position + 1}")
        tokens.append(match.group().strip())
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens; one method for each rule of the grammar."""

    def __init__(self, tokens: list[str], kind_of: KindOf, left_to_right: bool) -> None:
        self._tokens = tokens
        self._kind_of = kind_of
        self._left_to_right = left_to_right
        self._at = 0

    def expect_end(self) -> None:
        if self._at < len(self._tokens):
            raise ExpressionError(f"unexpected {self._tokens[self._at]!r}")

    def expression(self, depth: int) -> Expression:
        return self._in_order(depth) if self._left_to_right else self._any_of(depth)

    def _any_of(self, depth: int) -> Expression:
        parts = [self._all_of(depth)]
        while self._take("or"):
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all_of(self, depth: int) -> Expression:
        parts = [self._factor(depth)]
        while self._take("and"):
            parts.append(self._factor(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _in_order(self, depth: int) -> Expression:
        """What was read so far is the left side of the next operator, whichever it is."""
        result = self._factor(depth)
        while (word := self._peek()) in ("and", "or"):
            parts = [result]
            while self._take(word):
                parts.append(self._factor(depth))
            result = All(tuple(parts)) if word == "and" else Any(tuple(parts))
            depth += 1
            if depth > NESTING:
                raise ExpressionError(f"changes between and and or more than {NESTING} times")
        return result

    def _factor(self, depth: int) -> Expression:
        if depth > NESTING:
            raise ExpressionError(f"nested deeper than {NESTING}")
        if self._take("not"):
            return Not(self._factor(depth + 1))
        if self._take("("):
            expression = self.expression(depth + 1)
            if not self._take(")"):
                raise ExpressionError("a bracket is not closed")
            return expression
        return self._comparison()

    def _comparison(self) -> Comparison:
        left, left_kind = self._operand()
        operator = self._next("an operator")
        if operator not in _OPERATORS:
            raise ExpressionError(f"expected an operator instead of {operator!r}")
        right, right_kind = self._operand()
        kinds = {_comparable(left, left_kind), _comparable(right, right_kind)}
        if left_kind is not right_kind and kinds - {int, float, None}:
            raise ExpressionError(f"compares {left_kind.__name__} with {right_kind.__name__}")
        if operator not in _EQUALITY and not ({left_kind, right_kind} & set(_NUMBERS)):
            raise ExpressionError(f"{operator} compares numbers, not {left_kind.__name__}")
        return Comparison(left, operator, right)

    def _operand(self) -> tuple[Literal | Name, type[Value]]:
        token = self._next("a name or a value")
        if token in ("true", "false"):
            return Literal(token == "true"), bool
        if token[0] in "'\"":
            return Literal(token[1:-1]), str
        if token[0].isdigit() or (token[0] == "-" and len(token) > 1):
            return (Literal(float(token)), float) if "." in token else (Literal(int(token)), int)
        if token in _WORDS or not (token[0].isalpha() or token[0] == "_"):
            raise ExpressionError(f"expected a name or a value instead of {token!r}")
        kind = self._kind_of(token)
        if kind is None:
            raise ExpressionError(f"unknown name {token!r}")
        return Name(token), kind

    def _next(self, expected: str) -> str:
        if self._at >= len(self._tokens):
            raise ExpressionError(f"ends where {expected} should follow")
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False


def _comparable(operand: Literal | Name, kind: type[Value]) -> type[Value] | None:
    """The operand's kind when it is compared with another kind; None: a text variable may be any number."""
    return None if kind is str and isinstance(operand, Name) else kind
