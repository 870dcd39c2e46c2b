"""The protocol tables: numbers mean one thing for ever, generated files are fresh, a corrected table takes effect."""

import subprocess
import sys
from enum import IntEnum, IntFlag
from pathlib import Path

import pytest

from ctigw.errors import ConfigurationError
from ctigw.wire import AgentRef, TaskId, catalogue, codec_from_table, cti, lookup, mr
from ctigw.wire.frame import HEADER_BYTES
from ctigw.wire.layout import ProtocolName
from ctigw.wire.naming import attribute_name, class_name, constant_name
from ctigw.wire.table import Source, read_protocol

ROOT = Path(__file__).parents[2]
MR_TABLE = (ROOT / "protocol" / "mr.toml").read_text(encoding="utf-8")

NUMBERS_IN_USE = {
    "FAILURE_CONF": 1,
    "OPEN_REQ": 3,
    "AGENT_STATE_EVENT": 30,
    "CONTROL_FAILURE_CONF": 35,
    "AGENT_PRE_CALL_EVENT": 105,
    "MEDIA_LOGIN_REQ": 151,
    "START_TASK_IND": 163,
    "FAILURE_RESP": 190,
    "END_TASK_EVENT": 199,
    "TASK_INIT_RESP": 210,
    "DESKTOP_CONNECTED_IND": 266,
}
"""Numbers that peers rely on; one more message is one more table, never another number for these."""


def test_the_generated_files_are_what_the_generator_makes() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "generate_messages.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("protocol", ["mr", "cti"])
def test_a_number_means_one_message(protocol: ProtocolName) -> None:
    rows = catalogue.protocol(protocol).messages
    keys = [(row.number, row.subtype, row.body_length) for row in rows]
    assert len(set(keys)) == len(keys)
    names = {(row.number, row.subtype): row.name for row in rows}
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize(("name", "number"), NUMBERS_IN_USE.items())
def test_a_number_in_use_does_not_move(name: str, number: int) -> None:
    assert lookup("cti", name).number == number


def test_every_arm_message_is_there() -> None:
    numbers = {row.number for row in catalogue.protocol("cti").messages}
    assert numbers >= {*range(1, 9), 30, 31, *range(35, 40), 105, 106, *range(151, 211), *range(255, 259)}
    assert numbers >= set(range(262, 267))


def test_every_class_says_what_its_row_says() -> None:
    for protocol in ("mr", "cti"):
        for row in catalogue.protocol(protocol).messages:
            made = catalogue.message_class(row)
            assert (row.name, row.number, row.subtype, protocol) == (made.NAME, made.TYPE, made.SUBTYPE, made.PROTOCOL)
            for known in row.floats:
                assert getattr(made, constant_name(known.name)) == known.tag
                assert isinstance(getattr(made, known.attribute), property)


def test_an_enum_that_a_field_names_exists() -> None:
    for protocol in ("mr", "cti"):
        rows = catalogue.protocol(protocol)
        for message in rows.messages:
            named = [field.enum for field in message.fields] + [known.enum for known in message.floats]
            for enum in named:
                assert enum is None or catalogue.enumeration(protocol, enum).members


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (mr.Status.OPERATION_NOT_CANCELLED, 36),
        (mr.NewTaskFailureReason.COMM_FAILURE_ROUTER_AND_PG, 24),
        (cti.FailureStatus.INVALID_REQUEST_TYPE, 98),
        (cti.ArmStatus.LOGIN_NOT_ALLOWED_FOR_APP_PATH, 27),
        (cti.AgentState.NOT_ACTIVE, 14),
        (cti.DispositionCode.NORMAL_END_TASK, 38),
        (cti.TaskState.INTERRUPTED, 5),
        (cti.ServiceMask.ACTIVE_STANDBY, 0x02000000),
        (cti.PgStatus.CTI_SERVER_OFFLINE, 8),
        (cti.SystemEventId.PERIPHERAL_ONLINE, 3),
        (cti.PeripheralType.ENTERPRISE_AGENT, 17),
        (cti.AgentAvailabilityStatus.APPLICATION_AVAILABLE, 2),
    ],
)
def test_a_code_keeps_its_value(member: IntEnum | IntFlag, value: int) -> None:
    assert member == value


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("MRDomainID", "mr_domain_id"),
        ("ICMTaskID", "icm_task_id"),
        ("FltAgentMRDID", "flt_agent_mrd_id"),
        ("NumMRDs", "num_mrds"),
        ("SendSeqNo", "send_seq_no"),
        ("PGStatus", "pg_status"),
        ("CTIClientSignature", "cti_client_signature"),
        ("CallVariable10", "call_variable10"),
        ("SSOEnabled", "sso_enabled"),
        ("ANI", "ani"),
    ],
)
def test_an_acronym_is_one_word(name: str, attribute: str) -> None:
    assert attribute_name(name) == attribute
    assert constant_name(name) == attribute.upper()


def test_a_class_is_named_after_its_message() -> None:
    assert class_name("DO_THIS_WITH_TASK") == "DoThisWithTask"
    assert mr.DoThisWithTask.NAME == "DO_THIS_WITH_TASK"


# ---- a corrected MR table


def corrected(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = MR_TABLE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "mr.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_unchanged_table_gives_the_same_bytes(tmp_path: Path) -> None:
    codec = codec_from_table(corrected(tmp_path))
    assert codec.encode(mr.OpenReq(1, 5, 20000)) == bytes.fromhex("0000000c 00000003 00000001 00000005 00004e20")


def new_task() -> mr.NewTask:
    return mr.NewTask(
        1, 1, 5003, TaskId(-1, -1, -1), AgentRef(0, 7, -1, -1), 0, 0, [(mr.NewTask.SCRIPT_SELECTOR, "8000")]
    )


def test_a_correction_of_widths_order_and_texts_takes_effect(tmp_path: Path) -> None:
    path = corrected(
        tmp_path,
        ('"Kind UINT", "SkillTargetID INT", "PeripheralID INT", "PeripheralNumber INT"', '"SkillTargetID INT"'),
        ('{ tag = "UCHAR", length = "UCHAR" }', '{ tag = "USHORT", length = "USHORT" }'),
        ("UCHAR    = { size = 1 }", "UCHAR    = { size = 1 }\nUSHORT   = { size = 2 }"),
        ("text_ends_with_nul = false", "text_ends_with_nul = true"),
        ("subtype = 3\n", "subtype = 33\n"),
    )
    codec = codec_from_table(path)
    frame = codec.encode(new_task())
    assert frame[HEADER_BYTES:] == bytes.fromhex(
        "00000021 00000001 00000001 0000138b ffffffffffffffffffffffff 00000007 00000000 00000000 0020 0005 3830303000"
    )
    assert codec.decode(47, frame[HEADER_BYTES:]) == new_task()


def test_a_correction_can_add_a_field_that_goes_back(tmp_path: Path) -> None:
    added = '  { name = "CiscoReserved",  type = "UINT", grade = "A" },\n'
    path = corrected(tmp_path, (added, added + '  { name = "Hidden", type = "UINT", grade = "A" },\n'))
    codec = codec_from_table(path)
    frame = codec.encode(new_task())
    assert frame[56:60] == b"\0\0\0\0"
    changed = frame[HEADER_BYTES:56] + frame[56:60] + b"\0\0\0\7" + frame[64:]
    decoded = codec.decode(47, changed)
    assert isinstance(decoded, mr.NewTask)
    assert decoded.script_selector == "8000"
    assert codec.encode(decoded)[HEADER_BYTES:] == changed


@pytest.mark.parametrize(
    ("old", "new", "table", "key"),
    [
        ('name = "NEW_TASK"\n', 'name = "NEW_JOB"\n', "NEW_JOB", "name"),
        ("subtype = 4\n", "subtype = 3\n", "DO_THIS_WITH_TASK", "number"),
        ("subtype = 4\n", "subtyp = 4\n", "DO_THIS_WITH_TASK", "subtyp"),
        (
            'name = "PreviousTask",   type = "TASKID"',
            'name = "PreviousTask", type = "TASK"',
            "NEW_TASK.PreviousTask",
            "type",
        ),
        ('"Kind UINT"', '"Sort UINT"', "types.AGENTREF", "members"),
        ('"Kind UINT"', '"Kind"', "types.AGENTREF", "members"),
        ('name = "mr"\n', 'name = "cti"\n', "protocol", "name"),
        ("tag = 32, required = true", "tag = 33, required = true", "NEW_TASK.ScriptSelector", "name"),
        ('length = "UCHAR"', 'length = "BYTE"', "protocol.float_headers", "length"),
        ('class = "Status"\n', 'class = "Status"\nswapped = [1, 2]\n', "enum.status", "swapped"),
    ],
)
def test_a_correction_that_does_not_fit_is_refused_by_file_table_and_key(
    tmp_path: Path, old: str, new: str, table: str, key: str
) -> None:
    path = corrected(tmp_path, (old, new))
    with pytest.raises(ConfigurationError) as caught:
        codec_from_table(path)
    assert (caught.value.file, caught.value.table, caught.value.key) == (str(path), table, key)


def test_a_table_that_cannot_be_read_is_refused_by_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        codec_from_table(tmp_path / "absent.toml")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read_protocol([Source("mr.toml", "[protocol")])
