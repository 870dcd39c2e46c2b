"""Call variables and ECC variables between the two protocols and the engine's own form.

Knows the floating fields that carry variables in MR (decisions D3, mr-wire section d) and in CTI (cti-notes, framing);
must not know what a variable means. Order is kept: a task's variables leave in the order in which they came (decisions
D3).
"""

from collections.abc import Iterable, Iterator, Sequence

from ctigw.routing.inputs import Variable
from ctigw.wire import EccArray, EccName, EccValue, FloatValue, NamedArray, NamedVariable, cti, mr
from ctigw.wire.values import (
    read_ecc_array,
    read_ecc_name,
    read_ecc_value,
    read_named_array,
    read_named_variable,
    read_text,
)

CALL_PREFIX = "call."
ECC_PREFIX = "ecc."
ECC_TO_CTI_BYTES = 2_500
"""ECC names and values of one message to a CTI client (semantics 6.2)."""

_MR_CALL_TAGS = {mr.NewTask.CALL_VARIABLE1 + n - 1: f"{CALL_PREFIX}{n}" for n in range(1, 11)}
_CTI_CALL_TAGS = {cti.AgentPreCallEvent.CALL_VARIABLE1 + n - 1: f"{CALL_PREFIX}{n}" for n in range(1, 11)}
_ECC_NAME, _ECC_VALUE, _ECC_ARRAY = mr.NewTask.ECC_NAME, mr.NewTask.ECC_VALUE, mr.NewTask.ECC_ARRAY
_EMPTY: list[tuple[int | None, str]] = [(None, "")]
"""Values of a name without a value."""
_MR_TAG_OF = {name: tag for tag, name in _MR_CALL_TAGS.items()}
_CTI_TAG_OF = {name: tag for tag, name in _CTI_CALL_TAGS.items()}


def variables_from_mr(floating: Iterable[tuple[int, FloatValue]]) -> tuple[Variable, ...]:
    """Variables of an MR message; the session has checked that every ECC value has its name.

    A value may come before its name; a name without a value is an empty value (mr-wire section d). One NUL at the end
    of a text is tolerated on input (mr.toml floating): such a value is still raw, the readers take it off.
    """
    values: dict[int, list[tuple[int | None, str]]] = {}
    names: list[tuple[int, FloatValue]] = []
    for tag, value in floating:
        if tag == _ECC_VALUE:
            if (scalar := read_ecc_value(value)) is not None:
                values.setdefault(scalar.ecc_tag, []).append((None, scalar.value))
        elif tag == _ECC_ARRAY:
            if (element := read_ecc_array(value)) is not None:
                values.setdefault(element.ecc_tag, []).append((element.index, element.value))
        elif tag == _ECC_NAME or tag in _MR_CALL_TAGS:
            names.append((tag, value))
    found: list[Variable] = []
    for tag, value in names:
        if tag != _ECC_NAME:
            found.append(Variable(_MR_CALL_TAGS[tag], None, read_text(value) or ""))
        elif (named := read_ecc_name(value)) is not None:
            name = ECC_PREFIX + named.name
            for at, text in values.get(named.ecc_tag, _EMPTY):
                found.append(Variable(name, at, text))
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
            yield _ECC_NAME, EccName(ecc_tags[name], name.removeprefix(ECC_PREFIX))
        if element is None:
            yield _ECC_VALUE, EccValue(ecc_tags[name], value)
        else:
            yield _ECC_ARRAY, EccArray(ecc_tags[name], element, value)


def variables_from_cti(floating: Iterable[tuple[int, FloatValue]]) -> tuple[Variable, ...]:
    """Variables of a CTI message in its order; a missing NUL at the end of a text is tolerated."""
    found: list[Variable] = []
    for tag, value in floating:
        if tag in _CTI_CALL_TAGS:
            found.append(Variable(_CTI_CALL_TAGS[tag], None, read_text(value) or ""))
        elif tag == cti.AgentPreCallEvent.NAMED_VARIABLE and (scalar := read_named_variable(value)) is not None:
            found.append(Variable(ECC_PREFIX + scalar.name, None, scalar.value))
        elif tag == cti.AgentPreCallEvent.NAMED_ARRAY and (element := read_named_array(value)) is not None:
            found.append(Variable(ECC_PREFIX + element.name, element.index, element.value))
    return tuple(found)


def call_variables_to_cti(variables: Sequence[Variable]) -> list[tuple[int, FloatValue]]:
    """CallVariable1 to 10 as floating fields of a CTI message."""
    return [(_CTI_TAG_OF[name], value) for name, _, value in variables if name.startswith(CALL_PREFIX)]


def ecc_variables_to_cti(variables: Sequence[Variable]) -> tuple[int, int, list[tuple[int, FloatValue]]]:
    """NumNamedVariables, NumNamedArrays and their floating fields.

    All or none: what is more than `ECC_TO_CTI_BYTES` together leaves the event without ECC data (semantics 6.2). That
    takes arrays, whose every element carries the name, or very many tiny variables: a context holds 2,000 bytes.
    """
    scalars: list[tuple[int, FloatValue]] = []
    arrays: list[tuple[int, FloatValue]] = []
    size = 0
    for name, element, value in variables:
        if not name.startswith(ECC_PREFIX):
            continue
        plain = name.removeprefix(ECC_PREFIX)
        size += len(plain) + len(value)
        if element is None:
            scalars.append((cti.AgentPreCallEvent.NAMED_VARIABLE, NamedVariable(plain, value)))
        else:
            arrays.append((cti.AgentPreCallEvent.NAMED_ARRAY, NamedArray(element, plain, value)))
    if size > ECC_TO_CTI_BYTES:
        return 0, 0, []
    return len(scalars), len(arrays), scalars + arrays
