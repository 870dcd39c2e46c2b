"""The emulator as a program: scenarios played against a small gateway in the same event loop, and the command line."""

from __future__ import annotations

import ast
import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from emulator.codec import Message, Value, build
from emulator.command import play
from emulator.connection import Endpoint, endpoint_of
from emulator.messages import MR
from emulator.report import Report
from emulator.scenario import ScenarioError, load, parse, resolve
from fake_gateway import FakeGateway

TOOLS = Path(__file__).parents[2] / "tools"
SCENARIOS = sorted((TOOLS / "scenarios").glob("*.toml"))

APPLICATION = """
[[peer]]
name = "application"
kind = "application"
steps = [
  { open = "accepted" },
  { expect = "ROUTING_ENABLED" },
  { barrier = "agents are ready" },
  %s
]
"""
DESKTOP = """
[[peer]]
name = "desktop"
kind = "cti"
version = %d
open = { ServicesRequested = 0x400, ClientID = "desktop", ClientPassword = "secret", ApplicationPathID = 1 }
steps = [
  { open = "accepted" },
  { sign_in = 3, first = 6001, first_id = 1001, mrds = [5001] },
  { work = true, pauses = 1, work_s = 0.003 %s },
  { barrier = "agents are ready" },
  { tasks_ended = %d },
]
"""


def run(text: str, gateway: FakeGateway | None = None, **variables: int | str) -> Report:
    """Play a scenario against a fake gateway."""
    scenario = parse(text)
    report = Report("test", verbose=True, out=io.StringIO())

    async def both() -> None:
        server = await (gateway or FakeGateway()).start()
        async with server:
            port = server.sockets[0].getsockname()[1]
            await play(scenario, Endpoint("127.0.0.1", port), {**scenario.variables, **variables}, report)

    asyncio.run(both())
    return report


def shown(report: Report) -> str:
    assert isinstance(report.out, io.StringIO)
    return report.out.getvalue()


@pytest.mark.parametrize("version", [13, 16, 19, 20, 25])
def test_tasks_are_asked_for_and_worked_off_by_an_agent_client_of_any_version(version: int) -> None:
    gateway = FakeGateway()
    asks = APPLICATION % '{ tasks = 20, in_flight = 4, MRDomainID = 5001, ScriptSelector = "chat" },'
    report = run(asks + DESKTOP % (version, "", 20), gateway)
    assert report.mismatches == []
    assert report.tasks == {"asked": 20, "answered": 20, "announced": 20, "ended": 20}
    assert len(report.latencies) == 20
    task = [message.name for message in gateway.received if message.find("TaskID") == [[150_000, 1, 1]]]
    assert task == [
        "OFFER_TASK_IND",
        "START_TASK_IND",
        "PAUSE_TASK_IND",
        "RESUME_TASK_IND",
        "WRAPUP_TASK_IND",
        "END_TASK_IND",
    ]


def test_an_ignored_task_that_is_taken_back_is_submitted_again_with_service_3() -> None:
    gateway = FakeGateway()

    key: list[Value] = [150_000, 1, 1]

    def take_back(_protocol: str, message: Message) -> None:
        if message.name == "NEW_TASK" and message.fields["Service"] == 0:
            asyncio.get_running_loop().call_later(0.05, gateway.announce, "AGENT_PRE_CALL_ABORT_EVENT", 6002, key)

    gateway._on_message = take_back
    asks = APPLICATION % '{ tasks = 1, resubmit = 1, MRDomainID = 5001, ScriptSelector = "chat" },'
    report = run(asks + DESKTOP % (25, ", ignore_tasks = 1", 1), gateway)
    assert report.mismatches == []
    assert report.tasks["resubmitted"] == 1
    again = [message for message in gateway.received if message.name == "NEW_TASK"][1]
    assert again.fields["Service"] == 3
    assert again.fields["PreviousTask"] == [150_000, 1, 1]
    ended = next(message for message in gateway.received if message.name == "END_TASK_IND")
    assert ended.fields["TaskID"] == [150_000, 1, 2]


def test_a_value_captured_by_one_peer_is_used_by_another() -> None:
    steps = """
      { send = "NEW_TASK", ScriptSelector = "chat", ecc = { "user.a" = "1" }, capture = { d = "DialogueID" } },
      { expect = "DO_THIS_WITH_TASK", DialogueID = "$d", ecc = { "user.a" = "1" }, Agent = { Kind = 1 }, CAPTURE },
    """.replace("CAPTURE", 'capture = { task = "ICMTaskID", key = "ICMTaskID.1", agent = "Agent.SkillTargetID" }')
    desktop = """
[[peer]]
name = "desktop"
kind = "cti"
steps = [
  { open = "accepted", ServicesRequested = 0x400, ClientID = "desktop" },
  { send = "MEDIA_LOGIN_REQ", MRDID = 5001, ICMAgentID = 6001 },
  { expect = "MEDIA_LOGIN_RESP", Status = 0 },
  { barrier = "agents are ready" },
  { wait_for = "task" },
  { expect = "AGENT_PRE_CALL_EVENT", TaskKey = [150000, "$key", 1], AgentSkillTargetID = "$agent" },
  { send = "END_TASK_IND", TaskID = "$task" },
]
"""
    gateway = FakeGateway()
    report = run(APPLICATION % steps + desktop, gateway)
    assert report.mismatches == []
    assert any(
        message.name == "END_TASK_IND" and message.fields["TaskID"] == [150_000, 1, 1] for message in gateway.received
    )


def test_a_field_that_differs_is_a_mismatch_that_names_it() -> None:
    text = """
[[peer]]
kind = "cti"
name = "desktop"
steps = [
  { open = "sent", ServicesRequested = 0x10 },
  { expect = "OPEN_CONF", ServicesGranted = { has_bits = 0x400 }, within_s = 0.1 },
]
"""
    report = run(text)
    assert report.mismatch_count == 1
    assert "OPEN_CONF: ServicesGranted is 16" in report.mismatches[0]


def test_a_message_that_does_not_come_is_a_mismatch_within_its_time() -> None:
    text = """
[[peer]]
kind = "application"
name = "application"
steps = [ { open = "accepted" }, { expect = "DO_THIS_WITH_TASK", within_s = 0.05 } ]
"""
    [mismatch] = run(text).mismatches
    assert "DO_THIS_WITH_TASK did not come within 0.05 s" in mismatch
    assert "others waiting: ROUTING_ENABLED" in mismatch


def test_a_strict_expect_wants_the_very_next_message() -> None:
    text = """
[[peer]]
kind = "application"
name = "application"
ignore = [%s]
steps = [
  { open = "accepted" },
  { send = "HEARTBEAT_REQ", InvokeID = 1 },
  { send = "HEARTBEAT_REQ", InvokeID = 2 },
  { expect = "HEARTBEAT_CONF", InvokeID = 2 },
  { expect = "HEARTBEAT_CONF", InvokeID = 1, next = true },
]
"""
    assert run(text % '"ROUTING_ENABLED"').mismatches == []
    assert run(text % "").mismatch_count == 1


def test_what_is_ignored_is_not_kept_unless_a_step_waits_for_it() -> None:
    text = """
[[peer]]
kind = "application"
name = "application"
ignore = ["*"]
steps = [
  { open = "accepted" },
  { send = "HEARTBEAT_REQ", InvokeID = 1 },
  { send = "HEARTBEAT_REQ", InvokeID = 2 },
  { expect = "HEARTBEAT_CONF", InvokeID = 2 },
  { expect = "HEARTBEAT_CONF", InvokeID = 1, within_s = 0.05 },
]
"""
    report = run(text)
    assert report.messages["application", "<-", "HEARTBEAT_CONF"] == 2
    assert "HEARTBEAT_CONF InvokeID=1 did not come" in report.mismatches[0]
    assert "others" not in report.mismatches[0]


def test_a_failure_that_no_step_expects_is_a_mismatch_unless_it_is_allowed() -> None:
    text = """
[[peer]]
kind = "application"
name = "application"
%s
steps = [
  { open = "accepted" },
  { send = "NEW_TASK", ScriptSelector = "chat" },
  { send = "HEARTBEAT_REQ", InvokeID = 5 },
  { expect = "HEARTBEAT_CONF", InvokeID = 5 },
]
"""
    assert "NEW_TASK_FAILURE" in run(text % "").mismatches[0]
    assert run(text % 'allow = ["NEW_TASK_FAILURE"]').mismatches == []


def test_heartbeats_go_by_themselves_and_three_without_an_answer_are_a_mismatch() -> None:
    text = """
[[peer]]
kind = "pim"
name = "pim"
heartbeat_s = 0.02
steps = [ { open = "accepted" }, { send = "ROUTING_ENABLED" }, { pause_s = 0.2 } ]
"""
    report = run(text)
    assert report.mismatches == []
    assert report.messages["pim", "->", "HEARTBEAT_REQ"] >= 3
    assert report.messages["pim", "<-", "HEARTBEAT_CONF"] >= 3

    deaf = FakeGateway(lambda _protocol, message: [] if message.name == "HEARTBEAT_REQ" else None)
    assert run(text, deaf).mismatches == ["pim: 3 heartbeats without an answer"]


def test_a_script_request_is_answered_by_itself() -> None:
    def ask(_protocol: str, message: Message) -> list[Message] | None:
        dialogue = {"DialogueID": message.fields.get("DialogueID", 0), "SendSeqNo": 1}
        if message.name == "NEW_TASK":
            return [build(MR, "RUN_SCRIPT_REQ", {**dialogue, "InvokeID": 9, "EstimatedWaitTime": 30})]
        if message.name == "RUN_SCRIPT_RESULT":
            assert message.fields == {"DialogueID": 1, "SendSeqNo": 2, "InvokeID": 9, "ResultCode": 1}
            return [build(MR, "DO_THIS_WITH_TASK", {**dialogue, "Label": "LBL_x"})]
        return None

    steps = """
      { send = "NEW_TASK", ScriptSelector = "chat" },
      { expect = "RUN_SCRIPT_REQ", EstimatedWaitTime = 30 },
      { expect = "DO_THIS_WITH_TASK", Label = "LBL_x", Agent = { SkillTargetID = -1 }, AgentInfo = { absent = true } },
    """
    report = run(APPLICATION % steps, FakeGateway(ask))
    assert report.mismatches == []


def test_a_script_result_that_meets_the_answer_half_way_is_not_a_mismatch() -> None:
    def answer_first(_protocol: str, message: Message) -> list[Message] | None:
        dialogue = {"DialogueID": message.fields.get("DialogueID", 0), "SendSeqNo": 1}
        if message.name == "NEW_TASK":
            asked = build(MR, "RUN_SCRIPT_REQ", {**dialogue, "InvokeID": 9})
            return [asked, build(MR, "DO_THIS_WITH_TASK", {**dialogue, "Label": "LBL_x"})]
        if message.name == "RUN_SCRIPT_RESULT":
            return [build(MR, "DIALOGUE_FAILURE_EVENT", {**dialogue, "ErrorCode": 34})]
        return None

    steps = """
      { tasks = 3, ScriptSelector = "chat" },
      { send = "HEARTBEAT_REQ", InvokeID = 5 },
      { expect = "HEARTBEAT_CONF", InvokeID = 5 },
    """
    report = run(APPLICATION % steps, FakeGateway(answer_first))
    assert report.mismatches == []
    assert report.messages["application", "<-", "DIALOGUE_FAILURE_EVENT"] == 3


def test_a_raw_peer_sends_what_it_is_given_and_sees_the_refusal_and_the_close() -> None:
    text = """
[[peer]]
kind = "raw"
name = "raw"
steps = [
  { repeat = 3, steps = [
    { connect = true },
    { send_hex = "00000004 00000005 00000001" },
    { expect = "FAILURE_EVENT", Status = 4 },
    { expect_close_s = 1 },
  ] },
]
"""
    report = run(text)
    assert report.mismatches == []
    assert report.messages["raw", "<-", "FAILURE_EVENT"] == 3


def test_a_gateway_that_does_not_close_is_a_mismatch() -> None:
    text = """
[[peer]]
kind = "raw"
name = "raw"
steps = [ { send_hex = "0000" }, { expect_close_s = 0.05 } ]
"""
    [mismatch] = run(text).mismatches
    assert "the gateway has not closed within 0.05 s" in mismatch


def test_a_connection_that_the_gateway_closes_unasked_is_a_mismatch() -> None:
    text = """
[[peer]]
kind = "application"
name = "application"
steps = [ { open = "accepted" }, { send = "CLOSE_REQ" }, { expect = "CLOSE_CONF" }, { pause_s = 0.05 } ]
"""
    assert "closed by the gateway before the end" in run(text).mismatches[0]


def test_passwords_are_not_shown() -> None:
    report = run(DESKTOP % (25, "", 0))
    assert report.mismatches == []
    assert "ClientPassword=***" in shown(report)
    assert "secret" not in shown(report)


def test_the_record_holds_every_message_with_its_values_in_order() -> None:
    record = io.StringIO()
    report = Report("test", record=record)
    report.message("p", "->", build(MR, "NEW_TASK", {"UserToUserInfo": b"\xff"}, {"user.a": "1"}), 5)
    [line] = [json.loads(text) for text in record.getvalue().splitlines()]
    assert (line["peer"], line["direction"], line["protocol"], line["version"]) == ("p", "->", "mr", 5)
    assert line["name"] == "NEW_TASK"
    assert line["floating"] == [
        ["UserToUserInfo", "hex:ff"],
        ["EccName", {"EccTag": 1, "Name": "user.a"}],
        ["EccValue", {"EccTag": 1, "Value": "1"}],
    ]


def test_a_scenario_ends_at_its_limit_whatever_its_steps_say() -> None:
    text = """
[scenario]
limit_s = 0.05
[[peer]]
kind = "pim"
name = "pim"
steps = [ { open = "accepted" }, { pause_s = 60 } ]
"""
    assert "limit of 0.05 s" in run(text).mismatches[0]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ('{ expct = "OPEN_CONF" }', "exactly one of"),
        ('{ expect = "OPEN_CNF" }', "no mr message is called OPEN_CNF"),
        ('{ expect = "OPEN_CONF", Statsu = 0 }', "OPEN_CONF has no field Statsu"),
        ('{ expect = "OPEN_CONF", within = 3 }', "'within' is not known here"),
        ('{ close = "nicely" }', "close takes one of"),
        ("{ repeat = 2, steps = [ { pause = 1 } ] }", "step 1, step 1"),
    ],
)
def test_a_slip_in_a_scenario_is_found_before_anything_is_sent(steps: str, problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        parse(f'[[peer]]\nname = "p"\nkind = "application"\nsteps = [ {steps} ]\n')


def test_a_variable_keeps_its_type_alone_and_becomes_text_in_braces() -> None:
    scope: dict[str, Value] = {"agent": 1001, "task": [1, 2, 3]}
    assert resolve("$agent", scope) == 1001
    assert resolve("${agent}", scope) == "1001"
    assert resolve({"of": ["$task", "n ${agent}/$agent"]}, scope) == {"of": [[1, 2, 3], "n 1001/1001"]}


def test_a_variable_without_a_value_is_wrong_use() -> None:
    with pytest.raises(ScenarioError, match="nowhere"):
        run('[[peer]]\nname = "p"\nkind = "application"\nsteps = [ { open = "sent", IdleTimeout = "$nowhere" } ]\n')


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario_that_we_ship_can_be_read(path: Path) -> None:
    scenario = load(path)
    assert scenario.name == path.stem
    assert scenario.about
    assert all(peer.steps for peer in scenario.peers)


@pytest.mark.parametrize(
    ("text", "host", "port"), [("[::1]:38001", "::1", 38001), ("gateway.example:1", "gateway.example", 1)]
)
def test_an_endpoint_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    endpoint = endpoint_of(text, None)
    assert (endpoint.host, endpoint.port) == (host, port)


@pytest.mark.parametrize("text", ["38001", ":38001", "host:", "host:x"])
def test_half_an_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        endpoint_of(text, None)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, str(TOOLS / "pg_emulator.py"), *arguments]
    return subprocess.run(program, capture_output=True, text=True, timeout=30, check=False)


def test_the_command_exits_with_2_and_one_line_for_wrong_use(tmp_path: Path) -> None:
    scenario = tmp_path / "bad.toml"
    scenario.write_text('[[peer]]\nname = "p"\nkind = "ghost"\n', encoding="utf-8")
    for arguments in ([str(scenario)], [str(tmp_path / "none.toml")], [str(SCENARIOS[0]), "--var", "nobody=1"]):
        done = command(*arguments, "--plain")
        assert done.returncode == 2
        assert done.stderr.startswith("pg_emulator: ")
        assert done.stderr.count("\n") == 1
    assert command(str(SCENARIOS[0]), "--plain", "--insecure").returncode == 2


def test_the_command_exits_with_1_and_a_json_summary_when_nobody_listens(tmp_path: Path) -> None:
    scenario = tmp_path / "alone.toml"
    scenario.write_text('[[peer]]\nname = "p"\nkind = "pim"\nsteps = [ { open = "sent" } ]\n', encoding="utf-8")
    done = command(str(scenario), "--plain", "--connect", "127.0.0.1:1", "--json")
    assert done.returncode == 1
    summary = json.loads(done.stdout)
    assert summary["ok"] is False
    assert "cannot connect" in summary["mismatches"][0]


def test_the_emulator_uses_the_standard_library_only_and_nothing_of_the_gateway() -> None:
    imported: set[str] = set()
    for path in [*(TOOLS / "emulator").glob("*.py"), TOOLS / "pg_emulator.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    assert "struct" in imported
    assert imported <= set(sys.stdlib_module_names) | {"emulator"}
