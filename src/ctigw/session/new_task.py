"""Whether a NEW_TASK, or the data of a RUN_SCRIPT_RESULT, is well-formed: the first of the checks that a PIM makes.

Knows the limits of texts (`max` of the protocol table), the pairing of ECC names and values, and the limit of call and
ECC data; must not know selectors, domains or queues, which the router checks. Rules: mr-wire (g) "NEW_TASK checks" and
"Maximum text", mr.toml tags (each at most once, but 42 to 44), decisions A6 and D3.
"""

from ctigw.session.dialogues import FIRST_DIALOGUE_ID, LAST_DIALOGUE_ID
from ctigw.wire import MR_MAX_BODY, Floating, mr
from ctigw.wire.layout import OPAQUE, TEXT, FloatRow, ProtocolRow
from ctigw.wire.values import (
    EccArray,
    EccName,
    EccValue,
    FloatValue,
    read_ecc_array,
    read_ecc_name,
    read_ecc_value,
    read_text,
)

CALL_AND_ECC_DATA_BYTES = 2_000
"""Call variables, ECC names and ECC values of one task together, the text only (decisions D3)."""

ANSWER_BYTES = MR_MAX_BODY - 256
"""What of a NEW_TASK may come back in its DO_THIS_WITH_TASK: the rest is room for the fixed part, the selector, and
the agent's name and number (64 and 32 bytes), so that an answer is never longer than a message may be.
"""

_ECC_TAGS = frozenset((mr.NewTask.ECC_NAME, mr.NewTask.ECC_VALUE, mr.NewTask.ECC_ARRAY))
_CALL_VARIABLES = range(mr.NewTask.CALL_VARIABLE1, mr.NewTask.CALL_VARIABLE10 + 1)
_ECHOED = {*_ECC_TAGS, *_CALL_VARIABLES, mr.NewTask.USER_TO_USER_INFO}
_FLOAT_HEADER_BYTES = 2
_ECC_TAG_BYTES = 4
"""mr.toml, floating and tags 42 to 44."""

_LONGEST_FIELD_BYTES = 255
_AROUND_A_TEXT_BYTES = _FLOAT_HEADER_BYTES + _ECC_TAG_BYTES + 2
"""An array element has an index too, and a text as received may end with a NUL that its limit does not count."""
_ALWAYS_FITS = (ANSWER_BYTES - CALL_AND_ECC_DATA_BYTES - _LONGEST_FIELD_BYTES) // _AROUND_A_TEXT_BYTES
"""So few fields fit into an answer whatever they hold, once their texts are within CALL_AND_ECC_DATA_BYTES: next to
these there is only UserToUserInfo. Most tasks have a handful, and need no second look.
"""


def new_task_floats(protocol: ProtocolRow) -> dict[int, FloatRow]:
    """The floating fields that NEW_TASK may have, by tag, from the table in use."""
    return {row.tag: row for message in protocol.messages if message.name == mr.NewTask.NAME for row in message.floats}


def find_problem(message: mr.NewTask, rows: dict[int, FloatRow]) -> str | None:
    """Say what is wrong with a NEW_TASK, None when it is well-formed. `rows`: its floating fields by tag."""
    if not FIRST_DIALOGUE_ID <= message.dialogue_id <= LAST_DIALOGUE_ID:
        return f"DialogueID {message.dialogue_id:#x} is not 1 to 0xFFFFFFFE"
    if not message.script_selector:
        return "ScriptSelector is missing"
    floating = message.floating
    problem = find_context_problem(floating, rows)
    if problem is None and len(floating) > _ALWAYS_FITS and _answer_bytes(floating) > ANSWER_BYTES:
        problem = f"its data would not fit into an answer: more than {ANSWER_BYTES} bytes"
    return problem


def find_context_problem(floating: Floating, rows: dict[int, FloatRow]) -> str | None:
    """Say what is wrong with the data of a task, which NEW_TASK and RUN_SCRIPT_RESULT carry; None: nothing."""
    seen: set[int] = set()
    ecc = _EccCheck(rows)
    call_bytes = 0
    for tag, value in floating:
        if tag in _ECC_TAGS:
            problem = ecc.take(tag, value)
        elif (row := rows.get(tag)) is None:
            continue
        elif tag in seen:
            return f"{row.name} occurs twice"
        else:
            seen.add(tag)
            problem = _problem_of_value(row, value)
            if tag in _CALL_VARIABLES:
                call_bytes += len(read_text(value) or "")
        if problem is not None:
            return problem
    problem = ecc.pairing_problem()
    if problem is not None:
        return problem
    if call_bytes + ecc.text_bytes > CALL_AND_ECC_DATA_BYTES:
        return f"call and ECC data have {call_bytes + ecc.text_bytes} bytes, {CALL_AND_ECC_DATA_BYTES} are allowed"
    return None


def _answer_bytes(floating: Floating) -> int:
    """Bytes that the variables and UserToUserInfo take on the wire: tag, length, EccTag and index with them."""
    return sum(_FLOAT_HEADER_BYTES + _data_bytes(value) for tag, value in floating if tag in _ECHOED)


def _data_bytes(value: FloatValue) -> int:
    match value:
        case EccName(_, text) | EccValue(_, text):
            return _ECC_TAG_BYTES + len(text)
        case EccArray(_, _, text):
            return _ECC_TAG_BYTES + 1 + len(text)
        case str() | bytes():
            return len(value)
    return 0


def _problem_of_value(row: FloatRow, value: FloatValue) -> str | None:
    if row.type == TEXT:
        text = read_text(value)
        if text is None:
            return f"{row.name} is not a text"
        return _too_long(row, len(text))
    if row.type == OPAQUE:
        return _too_long(row, len(value) if isinstance(value, bytes) else 0)
    return f"{row.name} has a wrong length" if isinstance(value, bytes) else None


def _too_long(row: FloatRow, length: int) -> str | None:
    return f"{row.name} has {length} bytes, {row.max} are allowed" if length > row.max else None


class _EccCheck:
    """Names and values of ECC variables, collected from one message."""

    def __init__(self, rows: dict[int, FloatRow]) -> None:
        self._rows = rows
        self.names: dict[int, str] = {}
        self.scalars: set[int] = set()
        self.elements: set[tuple[int, int]] = set()
        self.text_bytes = 0

    def take(self, tag: int, value: FloatValue) -> str | None:
        """Take one floating field; say what is wrong with it."""
        if tag == mr.NewTask.ECC_NAME:
            return self._take_name(read_ecc_name(value))
        if tag == mr.NewTask.ECC_VALUE:
            return self._take_scalar(read_ecc_value(value))
        return self._take_element(read_ecc_array(value))

    def pairing_problem(self) -> str | None:
        """Say which value lacks its name. A name without a value is an empty value (mr-wire (d))."""
        arrays = {ecc_tag for ecc_tag, _ in self.elements}
        nameless = (self.scalars | arrays) - self.names.keys()
        if nameless:
            return f"ECC value {min(nameless)} has no name"
        both = self.scalars & arrays
        if both:
            return f"ECC variable {min(both)} is scalar and array"
        if len(set(self.names.values())) != len(self.names):
            return "an ECC name occurs twice"
        return None

    def _take_name(self, name: EccName | None) -> str | None:
        if name is None or not name.name:
            return "an ECC name is malformed"
        if name.ecc_tag in self.names:
            return f"ECC name {name.ecc_tag} occurs twice"
        self.names[name.ecc_tag] = name.name
        return self._take_text(mr.NewTask.ECC_NAME, 4, name.name)

    def _take_scalar(self, value: EccValue | None) -> str | None:
        if value is None:
            return "an ECC value is malformed"
        if value.ecc_tag in self.scalars:
            return f"ECC value {value.ecc_tag} occurs twice"
        self.scalars.add(value.ecc_tag)
        return self._take_text(mr.NewTask.ECC_VALUE, 4, value.value)

    def _take_element(self, element: EccArray | None) -> str | None:
        if element is None:
            return "an ECC array element is malformed"
        key = (element.ecc_tag, element.index)
        if key in self.elements:
            return f"ECC array element {element.ecc_tag}[{element.index}] occurs twice"
        self.elements.add(key)
        return self._take_text(mr.NewTask.ECC_ARRAY, 5, element.value)

    def _take_text(self, tag: int, header_bytes: int, text: str) -> str | None:
        self.text_bytes += len(text)
        row = self._rows.get(tag)
        return _too_long(row, header_bytes + len(text)) if row is not None else None
