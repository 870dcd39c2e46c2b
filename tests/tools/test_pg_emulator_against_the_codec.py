"""The emulator and the gateway: what one writes the other reads, field for field, and writes back as the same bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from ctigw.wire import catalogue, cti_codec, mr_codec
from ctigw.wire.json_form import Json, to_json
from ctigw.wire.layout import ProtocolName
from emulator.codec import Message, Value, decode, encode
from emulator.messages import CTI, MR, ROWS, Row

PROTOCOLS: dict[str, ProtocolName] = {MR: "mr", CTI: "cti"}
LONG_FAILURE_VERSION = 24
"""From here on FAILURE_CONF of CTI has the form that the table spells out."""
VERSIONS = {MR: [5], CTI: [13, 19, 20, 25]}
BIG = {"U": 4_000_000_000, "I": -70_000, "H": 60_000, "C": 200}
LAST_ONE_BYTE_TAG_VERSION = 19


def sample(kind: str, seed: int) -> Value:
    """A value of a type, other for every seed."""
    match kind:
        case "U" | "I" | "H" | "C":
            return BIG[kind] + seed % 50
        case "T":
            return [150_000 + seed, -seed, seed]
        case "R":
            return {"Kind": 1, "SkillTargetID": seed, "PeripheralID": 5000, "PeripheralNumber": -1}
        case "L":
            return [seed, 4_000_000_000, 0]
        case "M":
            return [seed, 60_000]
        case "S":
            return f"text {seed}"
        case "X":
            return bytes((seed % 256, 255, 7))
        case "N":
            return {"EccTag": seed, "Name": f"user.{seed}"}
        case "W":
            return {"EccTag": seed, "Value": f"value {seed}"}
        case "Y":
            return {"EccTag": seed, "Index": 3, "Value": f"value {seed}"}
        case "V":
            return {"Name": f"user.{seed}", "Value": f"value {seed}"}
        case _:
            return {"Index": 3, "Name": f"user.{seed}", "Value": f"value {seed}"}


def message_of(row: Row, version: int) -> Message:
    """The message with all fields that the version has."""
    short = row.protocol == CTI and version <= LAST_ONE_BYTE_TAG_VERSION
    fixed = [entry for entry in row.fields if entry.since <= version or row.protocol == MR]
    tags = [(name, kind) for tag, (name, kind) in row.tags.items() if not (short and tag > 255)]
    fields = {entry.name: sample(entry.kind, place) for place, entry in enumerate(fixed, start=1)}
    floating = [(name, sample(kind, place)) for place, (name, kind) in enumerate(tags, start=100)]
    return Message(row.protocol, row.name, fields, floating)


def plain(value: Value) -> Json:
    """A value of the emulator as the gateway's JSON form has it."""
    if isinstance(value, bytes):
        return f"hex:{value.hex()}"
    if isinstance(value, list):
        return [plain(member) for member in value]
    return {name: plain(member) for name, member in value.items()} if isinstance(value, dict) else value


def oldest(row: Row) -> int:
    """The first version that has a message, as the gateway knows it."""
    if (row.protocol, row.name) == (CTI, "FAILURE_CONF"):
        return LONG_FAILURE_VERSION
    return catalogue.lookup(PROTOCOLS[row.protocol], row.name).min_version


CASES = [(row, version) for row in ROWS for version in VERSIONS[row.protocol] if version >= oldest(row)]


@pytest.mark.parametrize(("row", "version"), CASES, ids=lambda case: case.name if isinstance(case, Row) else str(case))
def test_what_the_emulator_writes_is_what_the_gateway_reads_and_writes(row: Row, version: int) -> None:
    codec = mr_codec(version) if row.protocol == MR else cti_codec(version)
    message = message_of(row, version)
    frame = encode(message, version)
    read = codec.decode(row.number, frame[8:])
    assert codec.encode(read) == frame
    told = to_json(codec, read, len(frame) - 8)
    assert told["name"] == row.name
    assert told["fields"] == {name: plain(value) for name, value in message.fields.items()}
    if version == VERSIONS[row.protocol][-1]:
        entries = told["floating"]
        assert isinstance(entries, list)
        found = [(entry["name"], entry["value"]) for entry in entries if isinstance(entry, dict)]
        assert found == [(name, plain(value)) for name, value in message.floating]
    assert decode(row.protocol, version, row.number, frame[8:]) == message
