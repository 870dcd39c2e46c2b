"""From the names that the protocol tables print to the names of Python attributes, constants and classes.

Knows the acronyms of the field names. Must not know messages. The rule: an acronym is one word (MRDomainID ->
mr_domain_id, NumMRDs -> num_mrds), a number stays with the word before it (CallVariable10 -> call_variable10).
"""

import re
from typing import Final

_ACRONYMS: Final = ("MRD", "ICM", "CTI", "PG", "SSO", "GUID", "ANI", "ID")
"""Words that stand in capitals before another capital, so that the change of case does not end them."""

_WORD: Final = re.compile(
    rf"(?:{'|'.join(_ACRONYMS)})s?(?![a-z])"  # a known acronym, plural included
    r"|[A-Z]+(?=[A-Z][a-z])"  # another one, up to the capital that begins a word
    r"|[A-Z]?[a-z]+\d*"  # a word
    r"|[A-Z]+\d*|\d+"
)


def attribute_name(name: str) -> str:
    """The attribute of a field: ICMTaskID -> icm_task_id."""
    return "_".join(_WORD.findall(name)).lower()


def constant_name(name: str) -> str:
    """The tag constant of a floating field: ScriptSelector -> SCRIPT_SELECTOR."""
    return attribute_name(name).upper()


def class_name(name: str) -> str:
    """The class of a message or an enumeration: DO_THIS_WITH_TASK -> DoThisWithTask."""
    return "".join(word.capitalize() for word in name.split("_"))
