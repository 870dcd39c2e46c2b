"""Questions about numbers: what an agent has done, what a skill group has done and is doing.

Knows which counter of the engine is which field, and that the fields of a message repeat one list of names for each of
its periods; must not know how numbers come to be. Rules: cti_statistics.toml, semantics 10.1. Tasks are neither
dialled, previewed nor listened to: every field of that kind is 0 (semantics 10.2, non-voice is always inbound).

[OURS]: an agent's numbers are added up over his domains, because the message names none. Tasks wait in the router and
nowhere else, so the fields of both queues (RouterCallsQ and CallsQ) tell of the same tasks. Times are rounded to the
nearest second.
"""

from collections.abc import Iterator, Mapping

import attrs

from ctigw.gateway.audience import CtiClient
from ctigw.gateway.requests.desk import Desk, Handler, Letter
from ctigw.routing.statistics.numbers import AgentNumbers
from ctigw.routing.statistics.views import QueueAgents, QueuePeriod, QueueStatistics
from ctigw.session.failures import failure_conf
from ctigw.wire import FloatValue, Message, cti
from ctigw.wire.values import NULL_UINT

NOT_GIVEN = (0, NULL_UINT)
"""SkillGroupID when the number counts; no group has either id."""

_AGENT_FIELDS = {
    "avail_time": "available_s",
    "logged_on_time": "logged_on_s",
    "not_ready_time": "not_ready_s",
    "icm_available_time": "icm_available_s",
    "routable_time": "routable_s",
    "handled_calls": "handled",
    "handled_calls_talk_time": "talk_s",
    "handled_calls_after_call_time": "wrap_up_s",
    "handled_calls_time": "handle_s",
    "incoming_calls_held": "held",
    "incoming_calls_held_time": "hold_s",
}
"""Field without its period, and the number of AgentNumbers that it is."""

_QUEUE_FIELDS = {
    name: number for name, number in _AGENT_FIELDS.items() if name.startswith(("handled_calls", "incoming_calls"))
}
"""The same fields tell the same numbers of a queue."""

_AGENTS_FIELDS = {
    "agents_logged_on": "logged_on",
    "agents_avail": "available",
    "agents_not_ready": "not_ready",
    "agents_ready": "ready",
    "agents_talking_in": "active",
    "agents_work_not_ready": "work_not_ready",
    "agents_work_ready": "work_ready",
    "agents_busy_other": "busy_other",
    "agents_reserved": "reserved",
    "agents_hold": "paused",
    "agents_icm_available": "icm_available",
    "agents_application_available": "application_available",
}


def query_agent_statistics(
    desk: Desk, client: CtiClient, message: cti.QueryAgentStatisticsReq, now: float
) -> Iterator[Letter]:
    """QUERY_AGENT_STATISTICS_REQ; an agent may be named by AgentID, AgentExtension or AgentInstrument."""
    number = message.agent_id or message.agent_extension or message.agent_instrument
    if message.peripheral_id not in desk.directory.peripherals:
        yield _refused(client, message.invoke_id, cti.FailureStatus.INVALID_PERIPHERAL_ID)
        return
    agent = desk.directory.agent_by_number(message.peripheral_id, number) if number else None
    found = None if agent is None else desk.engine.agent_statistics(agent.skill_target_id, None, now)
    if agent is None or found is None:
        yield _refused(client, message.invoke_id, cti.FailureStatus.INVALID_AGENT_DATA)
        return
    conf = cti.QueryAgentStatisticsConf
    fields = {
        **_zeros(conf),
        **_agent_fields(found.session, "_session"),
        **_agent_fields(found.today, "_today"),
        "invoke_id": message.invoke_id,
        "peripheral_id": message.peripheral_id,
    }
    names: list[tuple[int, FloatValue]] = [
        (tag, agent.id) for tag in (conf.AGENT_EXTENSION, conf.AGENT_ID, conf.AGENT_INSTRUMENT)
    ]
    yield Letter(client, conf(**fields, floating=names))


def query_skill_group_statistics(
    desk: Desk, client: CtiClient, message: cti.QuerySkillGroupStatisticsReq, now: float
) -> Iterator[Letter]:
    """QUERY_SKILL_GROUP_STATISTICS_REQ, by SkillGroupID or else SkillGroupNumber, which are the same number here
    (decisions C5); a precision queue is asked for by its id.
    """
    if message.peripheral_id not in (*desk.directory.peripherals, NULL_UINT):
        yield _refused(client, message.invoke_id, cti.FailureStatus.INVALID_PERIPHERAL_ID)
        return
    given = message.skill_group_number if message.skill_group_id in NOT_GIVEN else message.skill_group_id
    found = desk.engine.queue_statistics(given, now)
    if found is None:
        yield _refused(client, message.invoke_id, cti.FailureStatus.INVALID_SKILL_GROUP)
        return
    fields = {
        **_zeros(cti.QuerySkillGroupStatisticsConf),
        **{field: getattr(found.agents, name) for field, name in _AGENTS_FIELDS.items()},
        **_queue_fields(found),
        "invoke_id": message.invoke_id,
        "peripheral_id": _peripheral(desk, found.agents),
        "skill_group_number": given,
        "skill_group_id": given,
    }
    yield Letter(client, cti.QuerySkillGroupStatisticsConf(**fields, floating=[]))


def _queue_fields(found: QueueStatistics) -> dict[str, int]:
    waiting, longest_s = found.queued_now, _seconds(found.longest_now_s)
    return {
        "router_calls_q_now": waiting,
        "longest_router_call_q_now": longest_s,
        "calls_q_now": waiting,
        "calls_q_time_now": _seconds(found.queued_now_s),
        "longest_call_q_now": longest_s,
        **_period_fields(found.five_minutes, "_to5", "5"),
        **_period_fields(found.half_hour, "_to_half", "_half"),
        **_period_fields(found.today, "_today", "_today"),
    }


def _agent_fields(numbers: AgentNumbers, period: str) -> dict[str, int]:
    return {f"{field}{period}": _seconds(getattr(numbers, name)) for field, name in _AGENT_FIELDS.items()}


def _period_fields(found: QueuePeriod, period: str, queue_period: str) -> dict[str, int]:
    """The fields of a queue have a suffix of their own: HandledCallsTo5, CallsQ5."""
    numbers: Mapping[str, float] = {
        **{f"{field}{period}": getattr(found.numbers, name) for field, name in _QUEUE_FIELDS.items()},
        f"avail_time{period}": found.available_s,
        f"logged_on_time{period}": found.logged_on_s,
        f"not_ready_time{period}": found.not_ready_s,
        f"calls_q{queue_period}": found.numbers.queued,
        f"calls_q_time{queue_period}": found.numbers.queue_s,
        f"longest_call_q{queue_period}": found.longest_wait_s,
    }
    return {field: _seconds(number) for field, number in numbers.items()}


def _peripheral(desk: Desk, agents: QueueAgents) -> int:
    """The peripheral of the queue's agents; NULL when they belong to several, or nobody knows."""
    known = agents.peripherals or desk.directory.peripherals
    return next(iter(known)) if len(known) == 1 else NULL_UINT


def _zeros(conf: type[attrs.AttrsInstance]) -> dict[str, int]:
    return {field.name: 0 for field in attrs.fields(conf) if field.name != "floating"}


def _seconds(number: float) -> int:
    """A count as it is, a time to the nearest second; never the number that means "unknown"."""
    return min(round(number), NULL_UINT - 1)


def _refused(client: CtiClient, invoke_id: int, status: cti.FailureStatus) -> Letter:
    return Letter(client, failure_conf(client.version, invoke_id, status))


HANDLERS: dict[type[Message], Handler] = {
    cti.QueryAgentStatisticsReq: query_agent_statistics,
    cti.QuerySkillGroupStatisticsReq: query_skill_group_statistics,
}
