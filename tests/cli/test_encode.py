"""`ctigw encode`: JSON lines in, frames out, and bad lines named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ctigw.cli.encode import command

HEARTBEAT = '{"protocol":"mr","name":"HEARTBEAT_REQ","fields":{"InvokeID":2}}'
FRAME = bytes.fromhex("000000040000000500000002")


def encode(*arguments: str, data: str = "") -> Result:
    return CliRunner().invoke(command, arguments, input=data, catch_exceptions=False)


def test_a_line_gives_a_frame() -> None:
    result = encode(data=f"{HEARTBEAT}\n\n{HEARTBEAT}\n")
    assert (result.exit_code, result.stdout_bytes) == (0, FRAME * 2)


def test_hex_gives_a_line_a_frame() -> None:
    assert encode("--hex", data=f"{HEARTBEAT}\n{HEARTBEAT}").stdout == f"{FRAME.hex()}\n" * 2


def test_lines_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text(HEARTBEAT, encoding="ascii")
    assert encode(str(path)).stdout_bytes == FRAME


def test_a_new_task_gives_the_102_bytes_of_the_profile() -> None:
    entry = {
        "protocol": "mr",
        "name": "NEW_TASK",
        "length": 1,
        "fields": {
            "DialogueID": 1,
            "SendSeqNo": 1,
            "MRDomainID": 5003,
            "PreviousTask": [-1, -1, -1],
            "PreferredAgent": {"Kind": 0, "SkillTargetID": -1, "PeripheralID": -1, "PeripheralNumber": -1},
            "Service": 0,
            "CiscoReserved": 0,
        },
        "floating": [
            {"tag": 32, "name": "ScriptSelector", "value": "8000"},
            {"tag": 42, "name": "EccName", "value": {"EccTag": 1, "Name": "user.cim.activity.id"}},
            {"tag": 43, "name": "EccValue", "value": {"EccTag": 1, "Value": "1178"}},
        ],
    }
    assert encode(data=json.dumps(entry)).stdout_bytes == bytes.fromhex(
        "0000005e0000002f0000000300000001000000010000138bffffffffffffffffffffffff00000000ffffffffffffffffffffffff"
        "00000000000000002004383030302a1800000001757365722e63696d2e61637469766974792e69642b080000000131313738"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"protocol":"mr","name":"HEARTBEAT_REQ","fields":{}}', "HEARTBEAT_REQ.InvokeID: is missing"),
        ('{"name":"HEARTBEAT_REQ","fields":{}}', "protocol: is missing"),
        ("{", "is not JSON"),
        ("[1]", "needs a JSON object"),
        ("\xff", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
    ids=["field", "protocol", "json", "list", "encoding", "depth"],
)
def test_a_bad_line_is_named_and_the_others_are_encoded(line: str, words: str) -> None:
    data = f"{HEARTBEAT}\n{line}\n{HEARTBEAT}\n".encode("latin-1")
    result = CliRunner().invoke(command, [], input=data, catch_exceptions=False)
    assert result.exit_code == 1
    assert result.stdout_bytes == FRAME * 2
    assert "line 2: " in result.stderr
    assert words in result.stderr


def test_quiet_says_nothing_about_bad_lines() -> None:
    result = encode("--quiet", data="{\n")
    assert (result.exit_code, result.output) == (1, "")


def test_a_file_that_is_not_there_is_wrong_use() -> None:
    result = encode("no-such-file")
    assert result.exit_code == 2
    assert "cannot read no-such-file" in result.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = "from ctigw.cli.encode import command; command()"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(
            [sys.executable, "-c", code],
            input=f"{HEARTBEAT}\n".encode() * 10_000,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (0, b"")
