"""A batch says when it is not what was written, and the chain says when one is missing or of another history."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches import batch, chain
from ctigw.errors import JournalDamageError
from ctigw.journal.batch import Batch, Chain, Head, checksum_of, decode_batch, encode_batch

SIXTEEN = st.binary(min_size=16, max_size=16)
BATCHES = st.builds(
    Batch,
    sequence=st.integers(1, 2**64 - 1),
    epoch=st.integers(0, 2**64 - 1),
    side=st.sampled_from("AB"),
    engine_version=st.text("0123456789.dev+", max_size=20),
    configuration=SIXTEEN,
    schema=SIXTEEN,
    previous=SIXTEEN,
    inputs=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=200),
)


def walked(stored: list[tuple[int, bytes]], head: Head | None = None) -> tuple[list[int], Chain]:
    walk = Chain(head or Head())
    return [each.sequence for each in walk.walk(stored)], walk


@given(BATCHES)
def test_batch_comes_back_as_it_went(written: Batch) -> None:
    assert decode_batch(encode_batch(written)) == written


@given(st.data())
def test_every_changed_bit_and_every_cut_is_noticed(data: st.DataObject) -> None:
    _, encoded = batch(Head(), b"some payload")
    place = data.draw(st.integers(0, len(encoded) - 1))
    changed = bytearray(encoded)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(JournalDamageError):
        decode_batch(bytes(changed))
    with pytest.raises(JournalDamageError, match="incomplete"):
        decode_batch(encoded[:place])


def test_a_walk_gives_every_batch_and_ends_where_the_next_one_continues() -> None:
    stored = chain(5)
    numbers, walk = walked(stored)
    assert numbers == [1, 2, 3, 4, 5]
    assert walk.head == Head(5, checksum_of(stored[-1][1]), 0)
    assert walk.torn is None
    assert walked(chain(2, walk.head), walk.head)[0] == [6, 7]


@pytest.mark.parametrize("damage", [lambda body: body[:-3], lambda body: b"", lambda body: body[:-1] + b"\0"])
def test_damage_at_the_very_end_is_a_torn_tail(damage: object) -> None:
    stored = chain(3)
    assert callable(damage)
    numbers, walk = walked([*stored[:2], (3, damage(stored[2][1]))])
    assert numbers == [1, 2]
    assert walk.torn is not None
    assert walk.head.sequence == 2


def test_damage_in_the_middle_names_sequence_and_offset() -> None:
    stored = chain(4)
    stored[2] = (3, stored[2][1][:-1] + b"\0")
    with pytest.raises(JournalDamageError, match="checksum") as raised:
        walked(stored)
    assert raised.value.sequence == 3
    assert raised.value.offset == len(stored[0][1]) + len(stored[1][1])


@pytest.mark.parametrize("missing", [0, 1])
def test_missing_batch_is_noticed(missing: int) -> None:
    stored = chain(3)
    del stored[missing]
    with pytest.raises(JournalDamageError, match="missing") as raised:
        walked(stored)
    assert raised.value.sequence == missing + 1


@pytest.mark.parametrize("place", [0, 1, 2])
def test_sound_batch_of_another_history_is_noticed_wherever_it_stands(place: int) -> None:
    stored, other = chain(3), chain(3, Head(0, b"x" * 16))
    stored[place] = other[place]
    with pytest.raises(JournalDamageError, match="another history") as raised:
        walked(stored)
    assert raised.value.sequence == place + 1


def test_batch_under_another_number_is_noticed() -> None:
    stored = chain(2)
    with pytest.raises(JournalDamageError, match="says that it is batch 1"):
        walked([(1, stored[0][1]), (2, stored[0][1])])


def test_epoch_never_goes_back() -> None:
    head, first = batch(Head(), epoch=5)
    _, same = batch(head)
    _, older = batch(head, epoch=4)
    assert walked([(1, first), (2, same)])[0] == [1, 2]
    with pytest.raises(JournalDamageError, match="epoch 4"):
        walked([(1, first), (2, older)])


def test_torn_tail_of_the_wrong_number_is_damage() -> None:
    stored = chain(3)
    with pytest.raises(JournalDamageError):
        walked([stored[0], (3, b"torn")])


def test_whole_header_is_under_the_checksum() -> None:
    written = decode_batch(chain(1)[0][1])
    for field in attrs.fields(Batch):
        value = getattr(written, field.name)
        other: Any = value + 1 if isinstance(value, int) else value[:-1] + ("B" if isinstance(value, str) else b"Z")
        changed = encode_batch(attrs.evolve(written, **{field.name: other}))
        assert checksum_of(changed) != checksum_of(chain(1)[0][1]), field.name
