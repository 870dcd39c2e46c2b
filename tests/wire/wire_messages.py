"""Hypothesis strategies for messages of any row: the rows say which fields there are, the values are drawn here."""

from hypothesis import strategies as st

from ctigw.wire import (
    AgentRef,
    Codec,
    EccArray,
    EccName,
    EccValue,
    FloatValue,
    Message,
    NamedArray,
    NamedVariable,
    TaskId,
)
from ctigw.wire.layout import FloatRow, MessageRow

LIMITS = {"b": (-128, 127), "B": (0, 255), "h": (-32768, 32767), "H": (0, 65535)} | {
    "i": (-(2**31), 2**31 - 1),
    "I": (0, 2**32 - 1),
}

texts = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=12)
int32 = st.integers(*LIMITS["i"])
uint32 = st.integers(*LIMITS["I"])
octets = st.integers(0, 255)

COMPOUNDS: dict[str, st.SearchStrategy[FloatValue]] = {
    "STRING": texts,
    "UNSPEC": st.binary(max_size=12),
    "TASKID": st.builds(TaskId, int32, int32, int32),
    "AGENTREF": st.builds(AgentRef, uint32, int32, int32, int32),
    "NAMEDVAR": st.builds(NamedVariable, texts, texts),
    "NAMEDARRAY": st.builds(NamedArray, octets, texts, texts),
    "ECCNAME": st.builds(EccName, uint32, texts),
    "ECCVALUE": st.builds(EccValue, uint32, texts),
    "ECCARRAY": st.builds(EccArray, uint32, octets, texts),
}


def plain_value(codec: Codec, row: FloatRow) -> st.SearchStrategy[FloatValue]:
    """Values that fit the type of a floating field."""
    code = codec.rows.type(row.type).code
    if not code:
        return COMPOUNDS[row.type]
    numbers = st.integers(*LIMITS[code])
    return st.lists(numbers, max_size=4) if row.array is not None else numbers


@st.composite
def messages(draw: st.DrawFn, codec: Codec, row: MessageRow) -> Message:
    """A message of that row that the codec's version can carry whole."""
    made = codec.class_of(row)
    if not row.layout:
        return made(draw(st.binary(max_size=20)))
    values: dict[str, object] = {}
    for field in row.fields:
        if field.min_version <= codec.version:
            code = codec.rows.type(field.type).code
            values[field.attribute] = draw(st.integers(*LIMITS[code]) if code else COMPOUNDS[field.type])
    # Below version 20 a tag is one byte, and what does not fit is not sent (decisions A3).
    highest = 255 if codec.protocol == "mr" or codec.version < 20 else 65535
    known = [each for each in codec.rows.floats_of(row) if each.min_version <= codec.version and each.tag <= highest]
    floating: list[tuple[int, FloatValue]] = []
    layouts = [other for other in codec.rows.messages if (other.number, other.subtype) == (row.number, row.subtype)]
    if known and len(layouts) == 1:  # a floating field could make the body as long as the other layout
        for each in draw(st.lists(st.sampled_from(known), max_size=4)):
            floating.append((each.tag, draw(plain_value(codec, each))))
    return made(**values, floating=floating)
