"""Two readings of the same references must say the same: the emulator's table and the gateway's protocol/*.toml."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TypedDict

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from emulator.messages import CTI, MR, ROWS, Row

PROTOCOL = Path(__file__).parents[2] / "protocol"
LETTERS = {
    "UINT": "U", "TIME": "U", "INT": "I", "USHORT": "H", "UCHAR": "C", "TASKID": "T", "AGENTREF": "R", "STRING": "S",
    "UNSPEC": "X", "NAMEDVAR": "V", "NAMEDARRAY": "A", "ECCNAME": "N", "ECCVALUE": "W", "ECCARRAY": "Y",
}  # fmt: skip
OLDEST_CTI_VERSION = 13
ARRAY_LETTERS = {"UINT": "L", "USHORT": "M"}
CTI_FILES = sorted(path.stem for path in PROTOCOL.glob("*.toml") if path.stem != "mr")
SERVICES = {
    *(32, 33, 124, 245, 254, 260, 261),
    *range(93, 105), *range(107, 116), *range(128, 139), *range(143, 147), *range(230, 239), *range(282, 285),
}  # fmt: skip


class Entry(TypedDict, total=False):
    name: str
    type: str
    tag: int
    min_version: int
    array: str
    fields: list[Entry]
    floating: list[Entry]
    number: int
    subtype: int
    body_length: int


def letter(protocol: str, entry: Entry) -> str:
    if "array" in entry:
        return ARRAY_LETTERS[entry["type"]]
    if entry["type"] == "BOOL":
        return "H" if protocol == CTI else "U"
    return LETTERS[entry["type"]]


def messages(file: str) -> list[Entry]:
    document = tomllib.loads((PROTOCOL / f"{file}.toml").read_text(encoding="utf-8"))
    found: list[Entry] = document["message"]
    return found


def mr_tags() -> dict[int, tuple[str, str]]:
    tags: list[Entry] = tomllib.loads((PROTOCOL / "mr.toml").read_text(encoding="utf-8"))["floating"]["tags"]
    return {entry["tag"]: (entry["name"], letter(MR, entry)) for entry in tags}


TABLE: dict[tuple[str, int, int | None], Entry] = {
    (protocol, entry["number"], entry.get("subtype")): entry
    for protocol, file in ((MR, "mr"), *((CTI, name) for name in CTI_FILES))
    for entry in messages(file)
    if "body_length" not in entry
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.protocol}-{row.name}")
def test_the_emulator_and_the_gateway_read_a_message_alike(row: Row) -> None:
    entry = TABLE[row.protocol, row.number, row.subtype]
    assert entry["name"] == row.name
    ours = [(field.name, field.kind, field.since) for field in row.fields]
    theirs = []
    for field in entry["fields"]:
        since = field.get("min_version", 0)
        kind = letter(row.protocol, field)
        theirs.append((field["name"], kind, since if since > OLDEST_CTI_VERSION else 0))
    assert ours == theirs
    if row.protocol == MR:
        assert row.tags == mr_tags()
    else:
        assert row.tags == {
            field["tag"]: (field["name"], letter(CTI, field)) for field in entry.get("floating", []) if field["tag"]
        }


def test_the_emulator_knows_every_mr_message_and_those_of_tasks_and_services() -> None:
    known = {(row.protocol, row.number, row.subtype) for row in ROWS}
    needed = {key for key in TABLE if key[0] == MR or 151 <= key[1] <= 210 or key[1] <= 8 or key[1] in SERVICES}
    assert needed <= known
