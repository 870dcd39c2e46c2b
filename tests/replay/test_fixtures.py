"""Every capture in fixtures/ decodes to what its sidecar says.

The sidecar was read out of the same packets by the peer emulator's codec, which shares no code with the gateway.
"""

import json
import struct
import sys
import tomllib
from pathlib import Path
from typing import TypedDict

import pytest
from click.testing import CliRunner

from ctigw.cli.decode import command as decode
from ctigw.cli.encode import command as encode

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from emulator.codec import Splitter
from make_fixtures import segments

FIXTURES = Path(__file__).parents[2] / "fixtures"
CAPTURES = sorted(FIXTURES.glob("*.pcapng"))


class Event(TypedDict):
    """One message as sidecar and decoder both tell it."""

    protocol: str
    name: str
    fields: dict[str, object]
    floating: list[tuple[str, object]]


def expected(capture: Path) -> list[Event]:
    document = tomllib.loads(capture.with_suffix(".toml").read_text(encoding="ascii"))
    return [
        Event(
            protocol=entry["protocol"],
            name=entry["name"],
            fields=entry["fields"],
            floating=[(name, value) for name, value in entry["floating"]],
        )
        for entry in document["fixture"]["events"]
    ]


def frames(capture: Path) -> list[bytes]:
    """The frames in the order in which they were complete, read without the gateway's code."""
    halves: dict[tuple[int, int], Splitter] = {}
    found = []
    for source, target, _, payload in segments(capture.read_bytes()):
        for number, body in halves.setdefault((source, target), Splitter()).feed(payload):
            found.append(struct.pack(">II", len(body), number) + body)
    return found


def decoded(capture: Path) -> list[Event]:
    result = CliRunner().invoke(decode, ["--json", str(capture)])
    assert result.exit_code == 0, result.output
    return [
        Event(
            protocol=entry["protocol"],
            name=entry["name"],
            fields=entry["fields"],
            floating=[(member["name"], member["value"]) for member in entry["floating"]],
        )
        for entry in map(json.loads, result.output.splitlines())
    ]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_a_capture_decodes_to_what_its_sidecar_says(capture: Path) -> None:
    wanted, found = expected(capture), decoded(capture)
    assert [event["name"] for event in found] == [event["name"] for event in wanted]
    for event, other in zip(found, wanted, strict=True):
        assert event == other


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_what_was_decoded_encodes_to_the_bytes_of_the_capture(capture: Path) -> None:
    lines = CliRunner().invoke(decode, ["--json", str(capture)]).output
    result = CliRunner().invoke(encode, ["-"], input=lines)
    assert result.exit_code == 0, result.output
    assert result.stdout_bytes == b"".join(frames(capture))


def test_every_capture_has_a_sidecar_and_every_sidecar_a_capture() -> None:
    assert CAPTURES
    assert {path.stem for path in CAPTURES} == {path.stem for path in FIXTURES.glob("*.toml")}
