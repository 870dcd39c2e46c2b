"""Variables of a task: which names there are, how long they may be, and setting them.

Knows the limits of semantics 6.2 and decisions D3; must not know scripts or tasks.
"""

import attrs

from ctigw.routing.inputs import TaskContext, Variable

CALL_VARIABLES = frozenset(f"call.{number}" for number in range(1, 11))
CALL_VARIABLE_BYTES = 40
ECC_VALUE_BYTES = 210
ECC_NAME_BYTES = 32
"""Semantics 6.2."""
ECC = "ecc."
"""What the name of an ECC variable begins with in scripts and contexts."""
CONTEXT_BYTES = 2_000
"""Call variables, ECC names and ECC values of one task together (decisions D3, semantics 6.2)."""
ALLOWED_NAMES = f"call.1 to call.10, ecc.NAME with a NAME of 1 to {ECC_NAME_BYTES} Latin-1 characters"


def is_variable(name: str) -> bool:
    """Whether a task can have a variable of this name: ECC names as a wire can carry them (semantics 6.2)."""
    return name in CALL_VARIABLES or _is_ecc_name(name)


def longest_value(name: str) -> int:
    """Bytes that the variable's value may have."""
    return CALL_VARIABLE_BYTES if name in CALL_VARIABLES else ECC_VALUE_BYTES


def value_of(context: TaskContext, name: str) -> str | None:
    """Text of a variable that is no array; None when the task does not have it."""
    for variable in context.variables:
        if variable.name == name and variable.element is None:
            return variable.value
    return None


def with_variable(context: TaskContext, variables: tuple[Variable, ...]) -> TaskContext | None:
    """The context with `variables` set: a known one keeps its turn, a new one comes last (decisions D3).

    None when it would hold more than `CONTEXT_BYTES`: what no message could carry must not be taken over.
    """
    merged = {(variable.name, variable.element): variable for variable in context.variables}
    merged.update({(variable.name, variable.element): variable for variable in variables})
    values = sum(len(variable.value) for variable in merged.values())
    names = sum(len(name) - len(ECC) for name in {name for name, _ in merged} if name.startswith(ECC))
    if values + names > CONTEXT_BYTES:
        return None
    return attrs.evolve(context, variables=tuple(merged.values()))


def _is_ecc_name(variable: str) -> bool:
    name = variable.removeprefix(ECC)
    fits = 0 < len(name) <= ECC_NAME_BYTES and all(0 < ord(character) < 256 for character in name)
    return variable.startswith(ECC) and fits
