"""Step words and patterns for long conversations: sets, lists, cut messages, going on after a reconnection."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from emulator.codec import Message, Value, build, encode
from emulator.messages import CTI, MR
from emulator.scenario import ScenarioError, difference, pair_up, parse
from fake_gateway import FakeGateway
from test_pg_emulator_play import run

DESKTOP = """
[[peer]]
name = "desktop"
kind = "cti"
%s
open = { ServicesRequested = 0x400, ClientID = "desktop" }
steps = [
  { open = "accepted" },
  %s
]
"""


def announcing(*events: Message, after: str = "HEARTBEAT_REQ") -> FakeGateway:
    """A gateway that tells these events when `after` comes."""
    return FakeGateway(lambda _protocol, message: list(events) if message.name == after else None)


def state(agent: int, agent_state: int) -> Message:
    return build(CTI, "AGENT_STATE_EVENT", {"ICMAgentID": agent, "AgentState": agent_state, "MRDID": 5001})


BEGIN = build(CTI, "BEGIN_TASK_EVENT", {"TaskID": [150_000, 7, 1]})
QUEUED = build(CTI, "QUEUED_TASK_EVENT", {"TaskID": [150_000, 7, 1], "SkillGroupID": [5004, 5005, 5004]})
NEXT = "{ send = 'HEARTBEAT_REQ', InvokeID = 1 }, "


# ---- sets


@pytest.mark.parametrize("events", [(BEGIN, QUEUED, state(6001, 8)), (state(6001, 8), QUEUED, BEGIN)])
@pytest.mark.parametrize("strict", ["", ", next = true"])
def test_the_messages_of_a_set_come_in_any_order_and_are_captured(events: tuple[Message, ...], strict: str) -> None:
    wanted = """
      { expect_set = [
        { expect = "AGENT_STATE_EVENT", AgentState = 8 },
        { expect = "BEGIN_TASK_EVENT", capture = { task = "TaskID" } },
        { expect = ["QUEUED_TASK_EVENT", "DEQUEUED_TASK_EVENT"] },
      ] STRICT },
      { send = "END_TASK_IND", TaskID = "$task" },
      { send = "QUERY_AGENT_STATE_REQ" },
    """.replace("STRICT", strict)
    gateway = announcing(*events)
    assert run(DESKTOP % ("", NEXT + wanted), gateway).mismatches == []
    [ended] = [message for message in gateway.received if message.name == "END_TASK_IND"]
    assert ended.fields["TaskID"] == [150_000, 7, 1]


def test_one_message_does_not_stand_for_two_of_a_set() -> None:
    wanted = '{ expect_set = [ { expect = "AGENT_STATE_EVENT" }, { expect = "AGENT_STATE_EVENT" } ], within_s = 0.05 },'
    [mismatch] = run(DESKTOP % ("", NEXT + wanted), announcing(state(6001, 8), BEGIN)).mismatches
    assert "AGENT_STATE_EVENT did not come within 0.05 s" in mismatch
    assert run(DESKTOP % ("", NEXT + wanted), announcing(state(6001, 8), state(6001, 11))).mismatches == []


def test_what_is_missing_of_a_set_is_told_and_what_came_is_not() -> None:
    wanted = '{ expect_set = [ { expect = "BEGIN_TASK_EVENT" }, { expect = "OFFER_TASK_EVENT" } ], within_s = 0.05 },'
    [mismatch] = run(DESKTOP % ("", NEXT + wanted), announcing(BEGIN)).mismatches
    assert "OFFER_TASK_EVENT did not come" in mismatch
    assert "BEGIN_TASK_EVENT did not come" not in mismatch


def test_nothing_comes_between_the_messages_of_a_strict_set() -> None:
    wanted = '{ expect_set = [ { expect = "BEGIN_TASK_EVENT" }, { expect = "QUEUED_TASK_EVENT" } ], %s within_s = 1 },'
    for strict, count in (("", 0), ("next = true,", 1)):
        gateway = announcing(BEGIN, state(6001, 8), QUEUED)
        assert run(DESKTOP % ("", NEXT + wanted % strict), gateway).mismatch_count == count


def test_a_set_takes_what_is_ignored_otherwise_and_only_once() -> None:
    steps = """
      { expect_set = [ { expect = "AGENT_STATE_EVENT", AgentState = 8 } ] },
      { expect_nothing = "AGENT_STATE_EVENT", for_s = 0.01 },
    """
    report = run(DESKTOP % ('ignore = ["*"]', NEXT + steps), announcing(state(6001, 8), state(6001, 11)))
    assert report.mismatches == []
    assert report.messages["desktop", "<-", "AGENT_STATE_EVENT"] == 2


def test_who_fits_several_makes_room_for_who_fits_one() -> None:
    def fits(wanted: set[str], found: str) -> bool:
        return found in wanted

    assert pair_up([{"a", "b"}, {"a"}], ["a", "b"], fits) == [1, 0]
    assert pair_up([{"a"}, {"a"}, {"c"}], ["c", "a"], fits) == [1, None, 0]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("{ expect_set = [] }", "at least one expect"),
        ('{ expect_set = [ { send = "HEARTBEAT_REQ" } ] }', "only expect has a place"),
        ('{ expect_set = [ { expect = "OPEN_CONF", within_s = 1 } ] }', "'within_s' is not known here"),
        ('{ expect_set = [ { expect = "OPEN_CNF" } ] }', "no cti message is called OPEN_CNF"),
        ('{ expect_set = [ { expect = "OPEN_CONF" } ], count = 2 }', "'count' is not known here"),
    ],
)
def test_a_slip_in_a_set_is_found_before_anything_is_sent(steps: str, problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        parse(DESKTOP % ("", steps))


# ---- lists


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (5005, True),
        ({"all": [5004, 5005, 5004]}, True),
        ({"all": [5004, "*", {"any_of": [1, 5004]}]}, True),
        ({"all": [5004, 5004, 5005]}, False),
        ({"all": [5004, 5005]}, False),
        ({"all_in_any_order": [5005, 5004, 5004]}, True),
        ({"all_in_any_order": ["*", 5004, 5005]}, True),
        ({"all_in_any_order": [5005, 5005, 5004]}, False),
        ({"all_in_any_order": [5004, 5005]}, False),
        ({"times": 3}, True),
        ({"times": 2}, False),
    ],
)
def test_all_values_of_a_field_are_compared_together(pattern: Value, fits: bool) -> None:
    assert (difference(QUEUED, {"SkillGroupID": pattern}, {}) is None) is fits


@pytest.mark.parametrize("pattern", [{"all": []}, {"times": 0}, {"all_in_any_order": []}])
def test_a_field_that_is_not_there_has_no_values(pattern: Value) -> None:
    assert difference(BEGIN, {"CallVariable1": pattern}, {}) is None
    assert difference(BEGIN, {"CallVariable1": {"times": 1}}, {}) == "CallVariable1 is missing, not {times 1}"


def test_a_list_in_one_field_is_compared_as_a_list() -> None:
    fields: dict[str, Value] = {"NumRecords": 1, "FltSkillGroupNumber": [5004, 5005], "FltSkillGroupPriority": [1, 2]}
    message = build(CTI, "CONFIG_AGENT_EVENT", fields)
    assert difference(message, {"FltSkillGroupPriority": [1, 2], "FltSkillGroupNumber": [5004, "*"]}, {}) is None
    assert difference(message, {"FltSkillGroupPriority": [2, 1]}, {}) is not None


# ---- messages by number, and messages that are cut


def test_a_message_that_the_table_lacks_is_sent_and_expected_by_its_number() -> None:
    answer = build(CTI, "TYPE_278", {"Body": "hex:00000007"})
    gateway = announcing(answer, after="TYPE_92")
    steps = """
      { send = "TYPE_92", Body = "hex:0000000500001388" },
      { expect = "TYPE_278", Body = "hex:00000007" },
    """
    assert run(DESKTOP % ("", steps), gateway).mismatches == []
    [sent] = [message for message in gateway.received if message.name == "TYPE_92"]
    assert sent.fields == {"Body": bytes.fromhex("0000000500001388")}
    assert encode(build(CTI, "TYPE_92", {}), 25) == bytes.fromhex("000000000000005c")


@pytest.mark.parametrize(("way", "count"), [("reset", 20), ("fin", 20), ("reset", 0)])
def test_a_connection_is_cut_inside_a_message_and_the_next_one_goes_on_with_what_was_captured(
    way: str, count: int
) -> None:
    gateway = announcing(BEGIN)
    steps = f"""
      {NEXT}
      {{ expect = "BEGIN_TASK_EVENT", capture = {{ task = "TaskID" }} }},
      {{ send = "START_TASK_IND", TaskID = "$task", first_bytes = {count} }},
      {{ close = "{way}" }},
      {{ connect = true }},
      {{ open = "accepted" }},
      {{ send = "TASK_INIT_IND", TaskID = "$task", TaskState = 1 }},
    """
    report = run(DESKTOP % ("", steps), gateway)
    assert report.mismatches == []
    names = [message.name for message in gateway.received]
    assert names.count("OPEN_REQ") == 2
    assert "START_TASK_IND" not in names
    assert report.messages["desktop", "->", "(raw bytes)"] == 1
    assert report.messages["desktop", "->", "START_TASK_IND"] == 0
    [resumed] = [message for message in gateway.received if message.name == "TASK_INIT_IND"]
    assert resumed.fields["TaskID"] == [150_000, 7, 1]


@pytest.mark.parametrize("count", [-1, 12, 13])
def test_a_message_that_would_not_be_cut_is_wrong_use(count: int) -> None:
    with pytest.raises(ScenarioError, match="HEARTBEAT_REQ has 12 bytes here: first_bytes is 0 to 11"):
        run(DESKTOP % ("", f'{{ send = "HEARTBEAT_REQ", first_bytes = {count} }}'))


# ---- going on


def test_agents_work_on_after_a_reconnection_and_are_counted_anew() -> None:
    text = (
        """
[[peer]]
name = "application"
kind = "application"
steps = [
  { open = "accepted" },
  { barrier = "first" },
  { tasks = 3, in_flight = 1 },
  { barrier = "second" },
  { tasks = 2, in_flight = 1 },
]
"""
        + DESKTOP
        % (
            "",
            """
  { sign_in = 2, first = 6001, mrds = [5001] },
  { work = true },
  { barrier = "first" },
  { tasks_ended = 3 },
  { close = "reset" },
  { connect = true },
  { open = "accepted" },
  { work = true },
  { barrier = "second" },
  { tasks_ended = 2 },
""",
        )
    )
    report = run(text)
    assert report.mismatches == []
    assert report.tasks["ended"] == 5


def test_an_application_task_has_the_id_that_its_answer_gave() -> None:
    def answer(_protocol: str, message: Message) -> list[Message] | None:
        if message.name != "START_APPLICATION_TASK_REQ":
            return None
        confirmed: dict[str, Value] = {"InvokeID": message.fields["InvokeID"], "TaskID": [150_000, 900, 1]}
        return [build(CTI, "START_APPLICATION_TASK_RESP", confirmed)]

    gateway = FakeGateway(answer)
    steps = """
      { send = "START_APPLICATION_TASK_REQ", MRDID = 5001, ICMAgentID = 6001, capture = { invoke = "InvokeID" } },
      { expect = "START_APPLICATION_TASK_RESP", InvokeID = "$invoke", Status = 0, capture = { own = "TaskID" } },
      { send = "END_TASK_IND", MRDID = 5001, ICMAgentID = 6001, TaskID = "$own", ICMDisposition = 38 },
    """
    assert run(DESKTOP % ("", steps), gateway).mismatches == []
    [ended] = [message for message in gateway.received if message.name == "END_TASK_IND"]
    assert ended.fields["TaskID"] == [150_000, 900, 1]


def test_a_repeat_counts_from_its_first_number() -> None:
    gateway = FakeGateway()
    steps = '{ repeat = 3, first = 6001, steps = [ { send = "AGENT_INIT_REQ", ICMAgentID = "$index" } ] },'
    assert run(DESKTOP % ("", steps), gateway).mismatches == []
    agents = [message.fields["ICMAgentID"] for message in gateway.received if message.name == "AGENT_INIT_REQ"]
    assert agents == [6001, 6002, 6003]


def test_peers_share_a_number_between_them() -> None:
    told: list[Value] = []
    for part in (1, 2, 3):
        gateway = FakeGateway()
        steps = """
          { repeat = 8, first = 6001, part = %d, parts = 3, steps = [
            { send = "AGENT_INIT_REQ", ICMAgentID = "$index" },
          ] },
        """
        assert run(DESKTOP % ("", steps % part), gateway).mismatches == []
        told += [message.fields["ICMAgentID"] for message in gateway.received if message.name == "AGENT_INIT_REQ"]
    assert told == list(range(6001, 6009))
    with pytest.raises(ScenarioError, match="part is 1 to 3, not 4"):
        run(DESKTOP % ("", steps % 4), FakeGateway())


def test_so_many_events_are_expected() -> None:
    events = [state(6000 + number, 3) for number in range(250)]
    steps = """
      { expect = "AGENT_STATE_EVENT", AgentState = 3, count = %d, within_s = 0.2 },
      { expect_nothing = "AGENT_STATE_EVENT", for_s = 0.01 },
    """
    assert run(DESKTOP % ("", NEXT + steps % 250), announcing(*events)).mismatches == []
    assert "did not come" in run(DESKTOP % ("", NEXT + steps % 251), announcing(*events)).mismatches[0]
    assert "must not" in run(DESKTOP % ("", NEXT + steps % 249), announcing(*events)).mismatches[0]


def test_mr_messages_have_their_numbers_too() -> None:
    assert encode(build(MR, "TYPE_99", {"Body": b"\1"}), 5) == bytes.fromhex("00000001 00000063 01")
