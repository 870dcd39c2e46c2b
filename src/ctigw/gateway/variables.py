"""Call variables and ECC variables between the two protocols and the engine's own form.

Knows the floating fields that carry variables in MR (decisions D3, mr-wire section d) and in CTI (cti-notes, framing);
must not know what a variable means. Order is kept: a task's variables leave in the order in which they came (decisions
D3).
"""

from collections.abc import Iterable, Iterator, Sequence

from ctigw.routing.inputs import Variable
from ctigw.wire import EccArray, EccName, EccValue, FloatValue, NamedArray, NamedVariable, cti, mr

CALL_PREFIX = "call."
ECC_PREFIX = "ecc."

_MR_CALL_TAGS = {mr.NewTask.CALL_VARIABLE1 + n - 1: f"{CALL_PREFIX}{n}" for n in range(1, 11)}
_CTI_CALL_TAGS = {cti.AgentPreCallEvent.CALL_VARIABLE1 + n - 1: f"{CALL_PREFIX}{n}" for n in range(1, 11)}
_MR_TAG_OF = {name: tag for tag, name in _MR_CALL_TAGS.items()}
_CTI_TAG_OF = {name: tag for tag, name in _CTI_CALL_TAGS.items()}


def _text(value: FloatValue) -> str:
    """Text of a float; one NUL at the end is tolerated on input (mr.toml floating)."""
    return value.removesuffix("\0") if isinstance(value, str) else ""


def variables_from_mr(floating: Iterable[tuple[int, FloatValue]]) -> tuple[Variable, ...]:
    """Variables of an MR message; the session has checked that every ECC value has its name.

    A value may come before its name; a name without a value is an empty value (mr-wire section d).
    """
    pairs = list(floating)
    values: dict[int, list[tuple[int | None, str]]] = {}
    for _, value in pairs:
        if isinstance(value, EccValue):
            values.setdefault(value.ecc_tag, []).append((None, _text(value.value)))
        elif isinstance(value, EccArray):
            values.setdefault(value.ecc_tag, []).append((value.index, _text(value.value)))
    found: list[Variable] = []
    for tag, value in pairs:
        if tag in _MR_CALL_TAGS:
            found.append(Variable(_MR_CALL_TAGS[tag], None, _text(value)))
        elif isinstance(value, EccName):
            name = ECC_PREFIX + _text(value.name)
            found.extend(Variable(name, at, text) for at, text in values.get(value.ecc_tag, [(None, "")]))
    return tuple(found)


def variables_to_mr(variables: Sequence[Variable]) -> Iterator[tuple[int, FloatValue]]:
    """Floating fields of an MR message; EccTag counts names from 1 in order of appearance."""
    ecc_tags: dict[str, int] = {}
    for name, element, value in variables:
        if name.startswith(CALL_PREFIX):
            yield _MR_TAG_OF[name], value
            continue
        if name not in ecc_tags:
            ecc_tags[name] = len(ecc_tags) + 1
            yield mr.NewTask.ECC_NAME, EccName(ecc_tags[name], name.removeprefix(ECC_PREFIX))
        if element is None:
            yield mr.NewTask.ECC_VALUE, EccValue(ecc_tags[name], value)
        else:
            yield mr.NewTask.ECC_ARRAY, EccArray(ecc_tags[name], element, value)


def variables_from_cti(floating: Iterable[tuple[int, FloatValue]]) -> tuple[Variable, ...]:
    """Variables of a CTI message in its order."""
    found: list[Variable] = []
    for tag, value in floating:
        if tag in _CTI_CALL_TAGS:
            found.append(Variable(_CTI_CALL_TAGS[tag], None, _text(value)))
        elif isinstance(value, NamedVariable):
            found.append(Variable(ECC_PREFIX + value.name, None, value.value))
        elif isinstance(value, NamedArray):
            found.append(Variable(ECC_PREFIX + value.name, value.index, value.value))
    return tuple(found)


def call_variables_to_cti(variables: Sequence[Variable]) -> list[tuple[int, FloatValue]]:
    """CallVariable1 to 10 as floating fields of a CTI message."""
    return [(_CTI_TAG_OF[name], value) for name, _, value in variables if name.startswith(CALL_PREFIX)]


def ecc_variables_to_cti(variables: Sequence[Variable]) -> tuple[int, int, list[tuple[int, FloatValue]]]:
    """NumNamedVariables, NumNamedArrays and their floating fields."""
    scalars: list[tuple[int, FloatValue]] = []
    arrays: list[tuple[int, FloatValue]] = []
    for name, element, value in variables:
        if not name.startswith(ECC_PREFIX):
            continue
        plain = name.removeprefix(ECC_PREFIX)
        if element is None:
            scalars.append((cti.AgentPreCallEvent.NAMED_VARIABLE, NamedVariable(plain, value)))
        else:
            arrays.append((cti.AgentPreCallEvent.NAMED_ARRAY, NamedArray(element, plain, value)))
    return len(scalars), len(arrays), scalars + arrays
