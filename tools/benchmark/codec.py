"""Section "codec": frames decoded and encoded per second, every message; and beside `struct` code written by hand.

Knows the wire package from outside and the hand-written yardsticks; must not know sessions. Both decoders get the same
bytes and both encoders give the same bytes, which is checked before anything is timed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmark import handwritten_cti, handwritten_mr
from benchmark.report import Report, median_ratio, say
from benchmark.samples import sample, samples
from benchmark.targets import CODEC
from benchmark.timing import SLICE_S, side_by_side
from ctigw.wire import HEADER_BYTES, Codec, cti_codec, mr_codec

BY_HAND: tuple[tuple[str, str], ...] = (
    ("mr", "NEW_TASK"),
    ("mr", "DO_THIS_WITH_TASK"),
    ("mr", "NEW_TASK_FAILURE"),
    ("mr", "HEARTBEAT_REQ"),
    ("cti", "MEDIA_LOGIN_REQ"),
    ("cti", "OFFER_TASK_IND"),
    ("cti", "START_TASK_IND"),
    ("cti", "END_TASK_IND"),
    ("cti", "AGENT_STATE_EVENT"),
    ("cti", "AGENT_PRE_CALL_EVENT"),
)
ROUNDS = 21
QUICK_ROUNDS = 3
EVERY_MESSAGE_ROUNDS = 3
QUICK_SLICE_S = 0.0005


class DisagreementError(Exception):
    """Codec and hand-written code do not give the same: the benchmark itself is wrong."""


def measure(report: Report, folder: Path, *, quick: bool) -> None:
    """Add the rows of this section."""
    codecs: dict[str, Codec] = {"mr": mr_codec(), "cti": cti_codec()}
    say("codec against hand-written struct code")
    for protocol, name in BY_HAND:
        _by_hand(report, codecs[protocol], name, QUICK_ROUNDS if quick else ROUNDS)
    say("every message")
    for codec in codecs.values():
        _every_message(report, codec, quick=quick)


def hand_functions(protocol: str, name: str) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    """The hand-written decoder and encoder of a message."""
    module = handwritten_mr if protocol == "mr" else handwritten_cti
    return getattr(module, f"decode_{name.lower()}"), getattr(module, f"encode_{name.lower()}")


def check_agreement(codec: Codec, name: str) -> None:
    """DisagreementError unless both ways give the same bytes for the sample."""
    message = sample(codec, name)
    frame = codec.encode(message)
    decode, encode = hand_functions(codec.protocol, name)
    if encode(decode(frame[HEADER_BYTES:])) != frame:
        raise DisagreementError(f"{name}: hand-written code does not give back {frame.hex()}")
    if codec.decode(codec.row_of(message).number, frame[HEADER_BYTES:]) != message:
        raise DisagreementError(f"{name}: the codec does not give back its sample")


def _by_hand(report: Report, codec: Codec, name: str, rounds: int) -> None:
    check_agreement(codec, name)
    message = sample(codec, name)
    frame = codec.encode(message)
    body = frame[HEADER_BYTES:]
    number = int.from_bytes(frame[4:8], "big")
    decode, encode = hand_functions(codec.protocol, name)
    by_hand = decode(body)
    spent = side_by_side(
        [
            partial(codec.decode, number, body),
            partial(decode, body),
            partial(codec.encode, message),
            partial(encode, by_hand),
        ],
        rounds,
    )
    for verb, ours, theirs in (("decode", spent[0], spent[1]), ("encode", spent[2], spent[3])):
        measured = f"{statistics.median(ours) * 1e6:.2f} us / {statistics.median(theirs) * 1e6:.2f} us"
        report.add(
            f"codec / hand-written struct ({rounds} rounds side by side, medians)",
            f"{verb} {codec.protocol} {name} ({len(frame)} bytes)",
            measured,
            median_ratio(ours, theirs),
            CODEC,
        )


def _every_message(report: Report, codec: Codec, *, quick: bool) -> None:
    rounds, slice_s = (1, QUICK_SLICE_S) if quick else (EVERY_MESSAGE_ROUNDS, SLICE_S)
    section = f"every message, {codec.protocol} version {codec.version}: frames decoded / encoded per second"
    for row, message in samples(codec):
        frame = codec.encode(message)
        body = frame[HEADER_BYTES:]
        calls: list[Callable[[], object]] = [partial(codec.decode, row.number, body), partial(codec.encode, message)]
        decoded, encoded = (statistics.median(times) for times in side_by_side(calls, rounds, slice_s))
        report.add(section, f"{row.name} ({len(frame)} bytes)", f"{1 / decoded:,.0f} / {1 / encoded:,.0f}")
