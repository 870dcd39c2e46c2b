"""Every frame that is known from outside comes out by name and goes back byte for byte."""

import json

import pytest

from ctigw.wire import AgentRef, Codec, EccName, EccValue, NamedVariable, TaskId, cti, cti_codec, mr, mr_codec
from ctigw.wire.frame import HEADER_BYTES
from ctigw.wire.json_form import frame_from_json, to_json
from wire_samples import SAMPLES, Sample


def codec_of(sample: Sample) -> Codec:
    return mr_codec(sample.version) if sample.protocol == "mr" else cti_codec(sample.version)


def decode(sample: Sample) -> object:
    return codec_of(sample).decode(int.from_bytes(sample.frame[4:8], "big"), sample.frame[HEADER_BYTES:])


def named(name: str, position: int = 0) -> Sample:
    return [sample for sample in SAMPLES if sample.name == name][position]


def ids(sample: Sample) -> str:
    return f"{sample.protocol}{sample.version}-{sample.name}"


@pytest.mark.parametrize("sample", SAMPLES, ids=ids)
def test_a_sample_decodes_to_its_name_and_encodes_to_its_bytes(sample: Sample) -> None:
    codec = codec_of(sample)
    message = codec.decode(int.from_bytes(sample.frame[4:8], "big"), sample.frame[HEADER_BYTES:])
    assert getattr(message, "NAME", None) == sample.name
    assert codec.encode(message) == sample.frame


@pytest.mark.parametrize("sample", SAMPLES, ids=ids)
def test_a_sample_survives_the_way_through_json(sample: Sample) -> None:
    codec = codec_of(sample)
    message = codec.decode(int.from_bytes(sample.frame[4:8], "big"), sample.frame[HEADER_BYTES:])
    line = json.dumps(to_json(codec, message, len(sample.frame) - HEADER_BYTES))
    assert line.isascii()
    assert frame_from_json(json.loads(line)) == sample.frame


def test_the_new_task_of_the_public_trace_has_its_values() -> None:
    sample = named("NEW_TASK")
    assert len(sample.frame) == 102
    assert decode(sample) == mr.NewTask(
        dialogue_id=1,
        send_seq_no=1,
        mr_domain_id=5003,
        previous_task=TaskId(-1, -1, -1),
        preferred_agent=AgentRef(0, -1, -1, -1),
        service=0,
        cisco_reserved=0,
        floating=[(32, "8000"), (42, EccName(1, "user.cim.activity.id")), (43, EccValue(1, "1178"))],
    )


def test_the_do_this_with_task_of_the_profile_has_its_values() -> None:
    sample = named("DO_THIS_WITH_TASK")
    assert len(sample.frame) == 121
    message = decode(sample)
    assert isinstance(message, mr.DoThisWithTask)
    assert message.icm_task_id == TaskId(150200, 42, 1)
    assert message.agent == AgentRef(1, 5010, 5000, -1)
    assert (message.skill_group, message.service) == (5004, -1)
    assert message.agent_info == "CUCM_PG_1.Goofy_Goofy"
    assert message.ecc_value == [EccValue(1, "1178")]


@pytest.mark.parametrize("position", [0, 1], ids=["two-byte tags", "one-byte tags"])
def test_both_forms_of_an_open_request_say_the_same(position: int) -> None:
    message = decode(named("OPEN_REQ", position + 1))
    assert isinstance(message, cti.OpenReq)
    assert message.version_number == (25, 19)[position]
    assert message.services_requested == cti.ServiceMask.ALL_EVENTS | cti.ServiceMask.AGENT_REPORTING
    assert (message.client_id, message.client_password, message.application_path_id) == ("demo", b"", 5000)


def test_both_forms_of_a_refusal_are_told_apart_by_length() -> None:
    assert decode(named("FAILURE_CONF", 0)) == cti.FailureConf(1, cti.FailureStatus.INVALID_SERVICE_MASK, 0)
    assert decode(named("FAILURE_CONF", 1)) == cti.FailureConfStatus(1, cti.FailureStatus.INVALID_SERVICE_MASK)


def test_the_traced_agent_state_event_has_its_values() -> None:
    message = decode(named("AGENT_STATE_EVENT"))
    assert isinstance(message, cti.AgentStateEvent)
    assert message.agent_state == cti.AgentState.NOT_ACTIVE
    assert (message.skill_group_number, message.skill_group_id) == (117497, 5006)
    assert (message.mrd_id, message.num_tasks, message.max_task_limit, message.icm_agent_id) == (5001, 0, 1, 5001)
    assert message.agent_mode == cti.AgentMode.ROUTABLE
    assert message.agent_id == "1080"


def test_an_announced_task_carries_its_id_and_context() -> None:
    message = decode(named("AGENT_PRE_CALL_EVENT"))
    assert isinstance(message, cti.AgentPreCallEvent)
    assert (message.router_call_key_day, message.router_call_key_call_id) == (151635, 312)
    assert message.router_call_key_sequence_number == 1
    assert message.call_variable1 == "mail"
    assert message.named_variable == [NamedVariable("user.cim.activity.id", "1178")]
    assert message.user_to_user_info is None


def test_a_list_of_tasks_is_read_whole() -> None:
    message = decode(named("AGENT_TASKS_RESP"))
    assert isinstance(message, cti.AgentTasksResp)
    assert message.flt_task_id == [TaskId(151635, 312, 1)]
