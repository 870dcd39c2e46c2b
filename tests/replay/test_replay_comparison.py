"""What counts as a difference between a capture and its replay, and what does not."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from ctigw.cli.capture import read_capture
from ctigw.errors import ConfigurationError
from ctigw.replay.comparison import Comparison
from ctigw.replay.connections import Connection, Direction
from ctigw.replay.frames import recorded
from ctigw.replay.mask import Mask, read_mask
from ctigw.replay.plan import Action, Plan, Step, Told, leaving, plan
from ctigw.replay.reassembly import Moment, Run
from ctigw.wire import cti_codec, mr, mr_codec
from ctigw.wire.json_form import Json, frame_from_json, to_json

FIXTURES = Path(__file__).parents[2] / "fixtures"


def fixture_plan(name: str) -> Plan:
    """The plan of a committed capture."""
    connections, problem = read_capture((FIXTURES / f"{name}.pcapng").read_bytes())
    assert problem is None
    return plan([recorded(connection) for connection in connections])


def changed(message: Told, **fields: Json) -> Told:
    """The same message with other values in its fixed part, or in its floating fields of that name."""
    entry = copy.deepcopy(dict(message.entry))
    fixed, floating = entry["fields"], entry["floating"]
    assert isinstance(fixed, dict)
    assert isinstance(floating, list)
    for name, value in fields.items():
        if name in fixed:
            fixed[name] = value
        for item in floating:
            if isinstance(item, dict) and item["name"] == name:
                item["value"] = value
    return attrs.evolve(message, entry=entry)


def other_task(message: Told) -> Told:
    """The same message of a server whose task ids are 1,000 further on."""
    fields = message.entry["fields"]
    assert isinstance(fields, dict)
    new: dict[str, Json] = {}
    for name in ("TaskID", "ICMTaskID"):
        task = fields.get(name)
        if isinstance(task, list) and isinstance(task[1], int) and task[1] > 0:
            new[name] = [task[0], task[1] + 1000, task[2]]
    floating = message.entry["floating"]
    assert isinstance(floating, list)
    for item in floating:
        if isinstance(item, dict) and item["name"] == "RouterCallKeyCallID" and isinstance(item["value"], int):
            new["RouterCallKeyCallID"] = item["value"] + 1000
    return changed(message, **new)


Change = Callable[[Told], Told | None]


def replayed(asked: Plan, mask: Mask, change: Change) -> list[str]:
    """The differences when every captured answer comes again, after `change`; None: it does not come."""
    comparison = Comparison(asked, mask)
    for step in asked.steps:
        if step.action is Action.EXPECT and step.message is not None:
            message = change(step.message)
            if message is not None:
                comparison.receive(step.connection, message)
            comparison.settle(step)
    comparison.finish()
    return [" ".join([each.title, each.problem, *each.details]) for each in comparison.differences]


def only(name: str, change: Change) -> Change:
    """`change` for the first message of that name."""
    done: list[Told] = []

    def apply(message: Told) -> Told | None:
        if message.name != name or done:
            return message
        done.append(message)
        return change(message)

    return apply


BASIC = fixture_plan("basic_task")


def day_of_capture() -> Json:
    """First part of the captured task ids: the day on which the capture was made."""
    (offer,) = (step.message for step in BASIC.steps if step.message and step.message.name == "OFFER_TASK_IND")
    fields = offer.entry["fields"]
    assert isinstance(fields, dict)
    task_id = fields["TaskID"]
    assert isinstance(task_id, list)
    return task_id[0]


def test_the_same_answers_are_no_difference() -> None:
    assert replayed(BASIC, Mask(), lambda message: message) == []


def test_another_value_is_told_with_its_field_and_both_values() -> None:
    change = only("OFFER_TASK_EVENT", lambda message: changed(message, SkillGroupID=7))
    assert replayed(BASIC, Mask(), change) == ["OFFER_TASK_EVENT differs SkillGroupID: captured 5101, received 7"]
    change = only("DO_THIS_WITH_TASK", lambda message: changed(message, CallVariable1="x"))
    expected = ["DO_THIS_WITH_TASK differs CallVariable1: captured 'order 4711', received 'x'"]
    assert replayed(BASIC, Mask(), change) == expected


def test_a_missing_answer_is_told_with_what_it_is_about() -> None:
    assert replayed(BASIC, Mask(), only("END_TASK_EVENT", lambda _: None)) == [
        f"END_TASK_EVENT is missing TaskID: [{day_of_capture()}, 1, 1] ICMAgentID: 6001 AgentID: '1001'"
    ]


def test_times_and_durations_may_differ_unless_the_mask_says_otherwise() -> None:
    change = only("OPEN_CONF", lambda m: m)
    later = only("SYSTEM_EVENT", lambda message: changed(message, ICMCentralControllerTime=1))
    lasting = only("AGENT_STATE_EVENT", lambda message: changed(message, StateDuration=99))
    for each in (change, later, lasting):
        assert replayed(BASIC, Mask(), each) == []
    strict = Mask(built_in=False)
    later = only("SYSTEM_EVENT", lambda message: changed(message, ICMCentralControllerTime=1))
    assert len(replayed(BASIC, strict, later)) == 1


def test_the_mask_names_fields_and_messages_that_may_differ() -> None:
    mask = read_mask(
        'ignore = ["cti.SYSTEM_EVENT"]\n[fields]\n"cti.AGENT_STATE_EVENT" = ["NumTasks"]\n"*" = ["CallTypeID"]\n', "f"
    )
    assert replayed(BASIC, mask, lambda message: None if message.name == "SYSTEM_EVENT" else message) == []
    assert replayed(BASIC, mask, lambda message: changed(message, CallTypeID=77)) == []
    assert replayed(BASIC, mask, only("AGENT_STATE_EVENT", lambda message: changed(message, NumTasks=77))) == []
    assert replayed(BASIC, mask, only("AGENT_STATE_EVENT", lambda message: changed(message, AgentState=77))) != []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("speed = 1", "speed"),
        ('order = "none"', "order"),
        ("built_in = 1", "built_in"),
        ('ignore = ["cti.NO_SUCH"]', "ignore"),
        ('ignore = "cti.SYSTEM_EVENT"', "ignore"),
        ('[fields]\n"NEW_TASK" = ["x"]', "fields"),
        ('[fields]\n"mr.NEW_TASK" = [1]', "mr.NEW_TASK"),
        ("fields = 1", "fields"),
    ],
)
def test_a_wrong_mask_names_file_key_and_what_is_allowed(text: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_mask(text, "mask.toml")
    assert (caught.value.file, caught.value.key) == ("mask.toml", key)
    assert caught.value.allowed


def test_a_mask_that_is_no_toml_is_told() -> None:
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read_mask("[", "mask.toml")


# ---- ids of the server


def test_task_ids_of_this_run_stand_for_the_captured_ones() -> None:
    assert replayed(BASIC, Mask(), other_task) == []


def test_one_task_id_cannot_stand_for_two() -> None:
    versions = fixture_plan("versions")
    assert replayed(versions, Mask(), other_task) == []

    def one(message: Told) -> Told:
        fields = message.entry["fields"]
        assert isinstance(fields, dict)
        return changed(message, TaskID=[1, 1, 1]) if "TaskID" in fields else message

    assert replayed(versions, Mask(), one) != []


def test_a_task_id_that_changes_in_mid_conversation_is_a_difference() -> None:
    def change(message: Told) -> Told:
        return changed(message, TaskID=[9, 9, 9]) if message.name == "END_TASK_EVENT" else message

    (difference,) = replayed(BASIC, Mask(), change)
    assert f"TaskID: captured [{day_of_capture()}, 1, 1], received [9, 9, 9]" in difference


def sent(asked: Plan, name: str) -> Step:
    return next(
        step for step in asked.steps if step.action is Action.SEND and step.message and step.message.name == name
    )


def test_what_is_sent_carries_the_ids_of_this_run() -> None:
    comparison = Comparison(BASIC, Mask())
    offer = sent(BASIC, "OFFER_TASK_IND")
    assert comparison.frame(offer) == offer.frame
    for step in BASIC.steps:
        if step.action is Action.EXPECT and step.message is not None:
            comparison.receive(step.connection, other_task(step.message))
    body = comparison.frame(offer)[8:]
    told = to_json(
        cti_codec(), cti_codec().decode(int.from_bytes(comparison.frame(offer)[4:8], "big"), body), len(body)
    )
    fields = told["fields"]
    assert isinstance(fields, dict)
    assert fields["TaskID"] == [day_of_capture(), 1001, 1]


def test_the_invoke_id_of_a_request_of_the_server_goes_back_in_the_answer() -> None:
    failures = fixture_plan("failures")
    comparison = Comparison(failures, Mask())
    for step in failures.steps:
        if step.action is Action.EXPECT and step.message is not None:
            other = step.message.name == "RUN_SCRIPT_REQ"
            comparison.receive(step.connection, changed(step.message, InvokeID=4242) if other else step.message)
    answer = comparison.frame(sent(failures, "RUN_SCRIPT_RESULT"))
    entry = to_json(mr_codec(), mr_codec().decode(47, answer[8:]), len(answer) - 8)
    fields = entry["fields"]
    assert isinstance(fields, dict)
    assert fields["InvokeID"] == 4242
    # The client's own numbers stay as they are.
    cancel = sent(failures, "CANCEL_TASK")
    assert comparison.frame(cancel) == cancel.frame
    assert comparison.differences == []


def test_a_second_task_does_not_take_the_id_of_the_first() -> None:
    versions = fixture_plan("versions")
    begun = [step for step in versions.steps if step.message is not None and step.message.name == "BEGIN_TASK_EVENT"]
    first, second = [step for step in begun if step.connection == begun[0].connection][:2]
    comparison = Comparison(versions, Mask())
    for step in (first, second):
        assert step.message is not None
        comparison.receive(step.connection, changed(step.message, TaskID=[5, 5, 5]))
        comparison.settle(step)
    (difference,) = comparison.differences
    assert difference.step is second
    assert difference.details[0].startswith("TaskID: ")


def renumbered(offset: int) -> Callable[[Told], Told]:
    """A server whose session ids are so many further on, and whose clients have other ports."""

    def change(message: Told) -> Told:
        fields = message.entry["fields"]
        assert isinstance(fields, dict)
        new: dict[str, Json] = {}
        for name in ("SessionID", "ClientPort"):
            value = fields.get(name)
            if isinstance(value, int) and value:
                new[name] = value + offset
        return changed(message, **new)

    return change


def test_session_ids_and_ports_of_this_run_stand_for_the_captured_ones() -> None:
    watched = fixture_plan("client_monitor")
    names = {step.message.name for step in watched.steps if step.message is not None}
    assert {"CLIENT_SESSION_OPENED_EVENT", "CLIENT_SESSION_CLOSED_EVENT", "AGENT_STATE_EVENT"} <= names
    assert replayed(watched, Mask(), renumbered(1000)) == []


@pytest.mark.parametrize("name", ["CLIENT_SESSION_CLOSED_EVENT", "AGENT_STATE_EVENT"])
def test_another_session_than_the_one_that_opened_is_a_difference(name: str) -> None:
    watched = fixture_plan("client_monitor")
    found = replayed(watched, Mask(), only(name, renumbered(1000)))
    assert found
    assert all(each.startswith(name) for each in found)


def test_a_session_that_was_told_on_one_connection_is_the_same_on_another() -> None:
    watched = fixture_plan("client_monitor")
    told = [step for step in watched.steps if step.message is not None and step.message.name == "AGENT_STATE_EVENT"]
    first, second = told[0], next(step for step in told if step.connection != told[0].connection)
    comparison = Comparison(watched, Mask())
    for step, session in ((first, 77), (second, 78)):
        assert step.message is not None
        comparison.receive(step.connection, changed(step.message, SessionID=session))
        comparison.settle(step)
    (difference,) = comparison.differences
    assert difference.step is second
    assert difference.details[0].startswith("SessionID: ")


def test_a_session_monitor_is_asked_for_with_the_session_id_of_this_run() -> None:
    watched = fixture_plan("client_monitor")
    comparison = Comparison(watched, Mask())
    for step in watched.steps:
        if step.action is Action.EXPECT and step.message is not None:
            comparison.receive(step.connection, renumbered(1000)(step.message))
    step = sent(watched, "SESSION_MONITOR_START_REQ")
    captured = int.from_bytes(step.frame[12:16], "big")
    assert int.from_bytes(comparison.frame(step)[12:16], "big") == captured + 1000


# ---- what is played


def conversation(*said: tuple[str, bytes], ended: int | None = None, ends: str = "c") -> Plan:
    """The plan of a connection in which client (c) and server (s) speak in turn; `ends` ends it at `ended`."""
    directions = []
    for ways in ("cs", "sc"):
        data, marks = b"", []
        for number, (who, frame) in enumerate(said):
            if who == ways[0]:
                data += frame
                marks.append((len(data), Moment(float(number), number)))
        end = Moment(float(ended), ended) if ended is not None and ways[0] == ends else None
        directions.append(Direction(ways[0], ways[1], True, (Run(0, data, tuple(marks)),), end))
    return plan([recorded(Connection(tuple(directions)))])


def played(asked: Plan) -> list[str]:
    return [f"{step.action.value} {step.message.title if step.message else ''}".strip() for step in asked.steps]


OPENED = (("c", mr_codec().encode(mr.OpenReq(1, 5, 0))), ("s", mr_codec().encode(mr.OpenConf(1, 5, 0))))
ASKED, ANSWERED = mr_codec().encode(mr.HeartbeatReq(9)), mr_codec().encode(mr.HeartbeatConf(9))


def test_heartbeats_of_the_client_are_played_and_those_of_the_server_are_not() -> None:
    opened = ["send OPEN_REQ", "expect OPEN_CONF"]
    asked = conversation(*OPENED, ("c", ASKED), ("s", ANSWERED))
    assert played(asked) == [*opened, "send HEARTBEAT_REQ", "expect HEARTBEAT_CONF"]
    assert played(conversation(*OPENED, ("s", ASKED), ("c", ANSWERED))) == opened


def test_what_the_server_says_after_the_client_has_ended_is_not_expected() -> None:
    asked = conversation(*OPENED, ("c", ASKED), ("s", ANSWERED), ("s", ANSWERED), ended=3)
    assert played(asked)[-3:] == ["send HEARTBEAT_REQ", "expect HEARTBEAT_CONF", "close"]


def test_a_connection_that_does_not_begin_with_an_open_req_is_skipped() -> None:
    asked = conversation(("c", ASKED), ("s", ANSWERED))
    assert (asked.steps, asked.skipped) == ((), ("c->s does not begin with an OPEN_REQ",))


# ---- order


def reordered(mask: Mask, first: str, second: str) -> list[str]:
    """The differences when the first message of one name comes after the first of another."""
    comparison = Comparison(BASIC, mask)
    held: Told | None = None
    for step in BASIC.steps:
        if step.action is not Action.EXPECT or step.message is None:
            continue
        if step.message.name == first and held is None:
            held = step.message
            continue
        comparison.receive(step.connection, step.message)
        if step.message.name == second and held is not None:
            comparison.receive(step.connection, held)
    comparison.finish()
    return [f"{each.title} {each.problem}" for each in comparison.differences]


def test_messages_about_the_same_task_must_come_in_the_captured_order() -> None:
    problem = "OFFER_TASK_EVENT came after START_TASK_EVENT, in the capture before it"
    assert problem in reordered(Mask(), "OFFER_TASK_EVENT", "START_TASK_EVENT")
    assert reordered(Mask(order="free"), "OFFER_TASK_EVENT", "START_TASK_EVENT") == []


def test_answers_to_requests_that_were_sent_together_may_change_places() -> None:
    """NEW_TASK twice with one DialogueID: the refusal of the second may overtake what the first one brings."""
    failures = fixture_plan("failures")
    comparison = Comparison(failures, Mask())
    held: Told | None = None
    for step in failures.steps:
        if step.action is not Action.EXPECT or step.message is None:
            continue
        if step.message.name == "RUN_SCRIPT_REQ":
            held = step.message
            continue
        comparison.receive(step.connection, step.message)
        if held is not None:
            comparison.receive(step.connection, held)
            held = None
    comparison.finish()
    assert comparison.compared > 5
    assert comparison.differences == []


def test_messages_about_different_things_may_change_places() -> None:
    assert reordered(Mask(), "SYSTEM_EVENT", "MEDIA_LOGIN_RESP") == []


def test_what_is_not_in_the_capture_is_told_unless_the_client_is_leaving() -> None:
    extra = next(step.message for step in BASIC.steps if step.message and step.message.name == "OFFER_TASK_EVENT")
    for leaves, expected in ((False, ["OFFER_TASK_EVENT is not in the capture"]), (True, [])):
        comparison = Comparison(BASIC, Mask())
        if leaves:
            comparison.leave(1)
        comparison.receive(1, changed(extra, TaskID=[9, 9, 9], SkillGroupID=1))
        comparison.finish()
        assert [f"{each.title} {each.problem}" for each in comparison.differences] == expected


def test_a_client_leaves_with_the_last_requests_that_it_sends_together_with_the_end() -> None:
    cancel = fixture_plan("cancel")
    (first, numbers), *others = leaving(cancel).items()
    assert first.message is not None
    assert first.message.name == "MEDIA_LOGOUT_IND"
    assert 1 in numbers
    assert all(step.moment > first.moment for step, _ in others)


@pytest.mark.parametrize("ends_first", ["client", "server"])
def test_a_client_that_says_close_req_leaves_whoever_ends_the_connection_first(ends_first: str) -> None:
    close = mr_codec().encode(mr.CloseReq(2, 0)), mr_codec().encode(mr.CloseConf(2))
    said = (*OPENED, ("c", ASKED), ("s", ANSWERED), ("c", ASKED), ("c", close[0]), ("s", close[1]))
    asked = conversation(*said, ended=7, ends=ends_first[0])
    assert asked.steps[-1].action is (Action.CLOSE if ends_first == "client" else Action.EXPECT_CLOSE)
    assert leaving(asked) == {asked.steps[5]: [0]}


def test_a_client_whose_connection_the_server_ends_is_not_leaving() -> None:
    assert leaving(conversation(*OPENED, ("c", ASKED), ("s", ANSWERED), ended=4, ends="s")) == {}


def test_an_unreadable_answer_is_compared_by_its_bytes() -> None:
    raw = json.loads('{"protocol": "mr", "version": 5, "type": 99, "subtype": null, "name": null, "body": "hex:00"}')
    assert frame_from_json(raw) == bytes.fromhex("000000010000006300")
    entry = {"type": 99, "name": None, "length": 1, "body": "hex:00"}
    first = next(step for step in BASIC.steps if step.action is Action.EXPECT)
    unknown = Step(Action.EXPECT, first.moment, 0, Told(mr_codec(), None, entry))
    asked = Plan(("way",), (unknown,), ())
    assert replayed(asked, Mask(), lambda message: message) == []
    assert replayed(asked, Mask(), lambda _: Told(mr_codec(), None, entry | {"body": "hex:01"})) != []
