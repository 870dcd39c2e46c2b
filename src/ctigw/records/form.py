"""A task's history as one line of JSON.

Knows the format of the files, which is this; must not know files. One object a line, UTF-8, keys always in this order.
Instants are UTC in ISO 8601 with milliseconds, durations seconds with milliseconds. `null` says: there is none.

    v                        1; a reader refuses a number that it does not know; new keys do not raise it
    task_id                  "DAY.KEY.SEQUENCE": RouterCallKeyDay, RouterCallKey, SequenceNumber (decisions E1)
    side, gateway            of the daemon that wrote the line
    begun, ended             the task entered the system; it ended
    partial                  true: its beginning was not seen, because the daemon was started meanwhile; what is missing
                             is null, and `begun` is when it was first heard of
    application, dialogue    name of the application (empty: none is bound), [session, DialogueID]; null: an application
                             assigned the task itself
    mrd, selector, call_type {"id", "name"}; script selector; name of the call type
    service, previous_task   ServiceRequested; the task that this one carries on
    queues                   every stay in a queue, in order: {"queue": "sg:name", "priority", "step" of a precision
                             queue, "entered", "left", "wait_s", "why"}. why: routed, script (the script took it out),
                             abandoned, too_long; none: it did not wait, an agent was free
    queue                    the queue from which the agent was chosen; null: none
    agent                    {"skill_target_id", "number", "name"}; null: no agent had it
    states                   [[state, since], ...]: pending, queued, pre_call, offered, active, paused, wrapup,
                             interrupted
    states_omitted           changes of state after the first 200; their time is in `seconds`
    seconds                  {state: seconds}, from begun to ended altogether
    estimated_wait_s         as told when it was first queued
    service_level            {"queue", "threshold_s", "inside"} for `queue`, else for the first queue that it entered:
                             whether it was started, or else left or ended, within the threshold after entering it;
                             null: there is no queue, or it has no threshold
    label                    with which the script answered
    failure                  {"reason", "name", "cause", "text"} of its NEW_TASK_FAILURE
    disposition              {"number", "name"} (semantics 3.6); name is empty for a number of the application's own
    application_disposition  number, 0: none was given
    variables                {"call.1": "...", "ecc.user.x": "...", "ecc.user.y[0]": "..."}: those that
                             `[task_records] variables` names, as they were last; by default none, because they are
                             customers' data
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ctigw.config.routing import RoutingSettings
from ctigw.routing.inputs import TaskId
from ctigw.routing.statistics.book import open_book
from ctigw.routing.task_histories import QueueStay, TaskHistory
from ctigw.routing.terms import Departure, QueueKind, TaskState
from ctigw.wire.cti import DispositionCode

VERSION = 1
_STATES = {state: state.name.lower() for state in TaskState}
_WHY: Mapping[Departure | None, str | None] = {None: None} | {why: why.name.lower() for why in Departure}
_DISPOSITIONS = {int(code): code.name.lower() for code in DispositionCode}
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class RecordForm:
    """Names of one configuration; made anew when the configuration changes."""

    def __init__(self, settings: RoutingSettings, gateway: str, side: str) -> None:
        self._gateway, self._side = gateway, side
        self._mrds = {mrd.id: mrd.name for mrd in settings.media_routing_domains}
        self._agents = {agent.skill_target_id: (agent.id, agent.name or agent.id) for agent in settings.agents}
        self._thresholds = {label: ledger.threshold_s for label, ledger in open_book(settings).queues.items()}

    def line(self, history: TaskHistory) -> bytes:
        """The line of a task that has ended, with its newline."""
        text = _encode(self.record(history)) + "\n"
        return text.encode("utf-8", "backslashreplace")

    def record(self, history: TaskHistory) -> dict[str, Any]:
        """The object."""
        agent = None
        if history.skill_target_id is not None:
            number, name = self._agents.get(history.skill_target_id, ("", ""))
            agent = {"skill_target_id": history.skill_target_id, "number": number, "name": name}
        failure = None
        if history.failure is not None:
            reason = history.failure
            failure = {
                "reason": int(reason),
                "name": reason.name.lower(),
                "cause": history.cause_code,
                "text": history.failure_text,
            }
        code = history.disposition
        return {
            "v": VERSION,
            "task_id": _id(history.task_id),
            "side": self._side,
            "gateway": self._gateway,
            "begun": instant(history.began),
            "ended": instant(history.ended),
            "partial": history.partial,
            "application": None if history.dialogue is None else history.application,
            "dialogue": None if history.dialogue is None else list(history.dialogue),
            "mrd": {"id": history.mrd_id, "name": self._mrds.get(history.mrd_id, "")},
            "selector": history.selector or None,
            "call_type": history.call_type or None,
            "service": history.service,
            "previous_task": None if history.previous_task is None else _id(history.previous_task),
            "queues": [_stay(stay, history.ended) for stay in history.stays],
            "queue": None if history.queue is None else history.queue.label,
            "agent": agent,
            "states": [(_STATES[state], instant(at)) for state, at in history.states],
            "states_omitted": history.omitted,
            "seconds": {_STATES[state]: round(seconds, 3) for state, seconds in history.seconds().items()},
            "estimated_wait_s": history.estimated_wait_s,
            "service_level": self._service_level(history),
            "label": history.label,
            "failure": failure,
            "disposition": {"number": code, "name": _DISPOSITIONS.get(code, "")},
            "application_disposition": history.application_disposition,
            "variables": {
                name if element is None else f"{name}[{element}]": value for name, element, value in history.variables
            },
        }

    def _service_level(self, history: TaskHistory) -> dict[str, Any] | None:
        stays = [stay for stay in history.stays if history.queue is None or stay.queue == history.queue]
        if not stays:
            return None
        stay = stays[-1] if history.queue is not None else stays[0]
        threshold_s = self._thresholds.get(stay.queue.label, 0)
        if not threshold_s:
            return None
        if history.queue is None:
            until = history.ended if stay.left is None else stay.left
        else:
            until = history.ended if history.started is None else history.started
        inside = until - stay.entered <= threshold_s
        return {"queue": stay.queue.label, "threshold_s": threshold_s, "inside": inside}


def _stay(stay: QueueStay, ended: float) -> dict[str, Any]:
    left = ended if stay.left is None else stay.left
    return {
        "queue": stay.queue.label,
        "priority": stay.priority or None,
        "step": stay.step if stay.queue.kind is QueueKind.PRECISION_QUEUE and stay.step else None,
        "entered": instant(stay.entered),
        "left": instant(left),
        "wait_s": round(left - stay.entered, 3),
        "why": _WHY[stay.departure],
    }


def _id(task_id: TaskId) -> str:
    return f"{task_id.day}.{task_id.key}.{task_id.sequence}"


@lru_cache(maxsize=4096)
def instant(at: float) -> str:
    """UTC seconds in ISO 8601; one line says most of its instants more than once."""
    milliseconds = round(at * 1000)
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=1024)
def _second(at: int) -> str:
    """Tasks end together with others and name the same few seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
