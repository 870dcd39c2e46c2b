"""What `/status` of the admin face says: the daemon as a whole, a task, an agent, or both (design 2 and 5).

Knows counts of the engine and sentences of `ctigw.gateway.explaining`; must not know HTTP beyond path and query, and
shows no password and no variable of a customer (design 7). A whole status costs in proportion to agents and queues,
never to tasks; the queues listed are bounded.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Any
from urllib.parse import parse_qs

import attrs

from ctigw import __version__
from ctigw.config.settings import Settings
from ctigw.gateway import explaining
from ctigw.gateway.directory import Directory
from ctigw.routing.engine import Engine
from ctigw.routing.inputs import TaskId

MOST_QUEUES = 2_000
"""Queues listed in one status, by configuration; some 300 KiB of JSON."""
JSON = "application/json"
PAGE = resources.files("ctigw.gateway").joinpath("status_page.html").read_bytes()
"""The live page: it draws what `/status` says, with nothing from outside."""
TASK_ID = re.compile(r"([0-9]{1,10})[:_-]([0-9]{1,10})[:_-]([0-9]{1,10})")
"""DAY:KEY:SEQ, DAY-KEY-SEQ or DAY_KEY_SEQ."""


class UnknownSubject(Exception):  # noqa: N818 - what was asked about is not there; nothing failed
    """No such task or agent, or a question that is not understood; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class StatusPages:
    """The answers as pages of the admin face (`ctigw.observe.admin.Pages`)."""

    def __init__(self, report: "StatusReport") -> None:
        self._report = report

    def __call__(self, path: str, query: str) -> tuple[int, str, bytes] | None:
        """HTTP status, content type and body; None when there is no such page."""
        if path == "/":
            return 200, "text/html; charset=utf-8", PAGE
        try:
            answer = self._report.answer(path, query)
        except UnknownSubject as unknown:
            return unknown.status, JSON, _body({"error": str(unknown)})
        return None if answer is None else (200, JSON, _body(answer))


@attrs.frozen
class StatusReport:
    """Answers questions about the daemon."""

    settings: Settings
    directory: Directory
    engine: Engine
    sessions: Callable[[], Iterable[tuple[str, str, str]]]
    """Protocol, role and side of every open session."""
    applications: Callable[[], Iterable[str]]
    """Names of the applications that are connected, once for each session."""
    ready: Callable[[], bool]
    now: Callable[[], float]
    started_at: float

    def answer(self, path: str, query: str) -> dict[str, Any] | None:
        """The answer to a question below /status; None when it is none. Raises UnknownSubject."""
        if path == "/status":
            asked = parse_qs(query, max_num_fields=8)
            task, agent = asked.get("task", [""])[0], asked.get("agent", [""])[0]
            if task and agent:
                return self._pair(task, agent)
            if task:
                return self._task(task)
            return self._agent(agent) if agent else self.whole()
        if path.startswith("/status/task/"):
            return self._task(path.removeprefix("/status/task/"))
        if path.startswith("/status/agent/"):
            return self._agent(path.removeprefix("/status/agent/"))
        return None

    def whole(self) -> dict[str, Any]:
        """The daemon as a whole."""
        now = self.now()
        census = self.engine.census()
        tasks: dict[str, dict[str, int]] = {mrd.name: {} for mrd in self.directory.mrds.values()}
        for (mrd, task_state), number in census.tasks.items():
            if number:
                tasks[mrd][task_state.name.lower()] = number
        agents: dict[str, dict[str, int]] = {mrd: {} for mrd in tasks}
        for (mrd, agent_state), number in census.agents.items():
            agents[mrd][agent_state.name.lower()] = number
        return {
            "version": __version__,
            "name": self.settings.gateway.name,
            "side": self.settings.gateway.side,
            "role": "active",  # a single daemon is; a pair says which once there is one
            "ready": self.ready(),
            "uptime_s": int(max(0.0, now - self.started_at)),
            "now": now,
            "sessions": [
                {"protocol": protocol, "role": role, "side": side, "open": number}
                for (protocol, role, side), number in sorted(Counter(self.sessions()).items())
            ],
            "applications": dict(sorted(Counter(name or "(unbound)" for name in self.applications()).items())),
            "tasks": tasks,
            "agents": agents,
            "available": {
                mrd: {kind: n for (name, kind), n in census.available.items() if name == mrd} for mrd in tasks
            },
            "queues": [
                {
                    "queue": label,
                    "mrd": self.directory.mrd_name(queue.mrd_id),
                    "depth": queue.depth,
                    "oldest_s": None if queue.oldest is None else int(max(0.0, now - queue.oldest)),
                    "estimated_wait_s": queue.estimated_wait_s,
                    "agents_available": queue.agents_available,
                }
                for label, queue in self.engine.queues_seen(MOST_QUEUES, now).items()
            ],
        }

    def _task(self, written: str) -> dict[str, Any]:
        seen = self.engine.explain_task(_task_id(written))
        if seen is None:
            raise UnknownSubject(404, f"task {written} is not known, or has been forgotten")
        return {
            "task": explaining.task_name(seen.task_id),
            "state": seen.state.name.lower(),
            "mrd": seen.mrd_name,
            "agent": None if seen.agent is None else seen.agent.id,
            "queue": None if seen.queue is None else seen.queue.label,
            "choice": None if seen.choice is None else seen.choice._asdict() | {"way": seen.choice.way.name.lower()},
            "queues": [
                {"queue": e.queue.label, "priority": e.priority, "step": e.step, "before": e.before}
                for e in seen.entries
            ],
            "obstacles": {found.name.lower(): number for found, number in sorted(seen.obstacles.items())},
            "candidates": [
                {
                    "agent": pair.agent.id,
                    "obstacle": None if pair.finding is None else pair.finding.obstacle.name.lower(),
                }
                for pair in seen.candidates
            ],
            "text": list(explaining.task_sentences(seen)),
        }

    def _agent(self, written: str) -> dict[str, Any]:
        seen = self.engine.explain_agent(self._skill_target_id(written))
        assert seen is not None  # the number was looked up in the same configuration
        return {
            "agent": seen.agent.id,
            "skill_target_id": seen.agent.skill_target_id,
            "name": seen.agent.name,
            "domains": [
                {
                    "mrd": domain.mrd_name,
                    "state": domain.state.name.lower(),
                    "routable": domain.routable,
                    "obstacle": None if domain.finding is None else domain.finding.obstacle.name.lower(),
                    "tasks": [explaining.task_name(task_id) for task_id in domain.tasks],
                    "limit": domain.limit,
                    "queues": [{"queue": q.queue.label, "step": q.step, "waiting": q.waiting} for q in domain.queues],
                }
                for domain in seen.domains
            ],
            "text": list(explaining.agent_sentences(seen)),
        }

    def _pair(self, task: str, agent: str) -> dict[str, Any]:
        seen = self.engine.explain_pair(_task_id(task), self._skill_target_id(agent))
        if seen is None:
            raise UnknownSubject(404, f"task {task} is not known, or has been forgotten")
        found = seen.finding
        return {
            "task": explaining.task_name(seen.task_id),
            "agent": seen.agent.id,
            "state": seen.state.name.lower(),
            "has_it": seen.has_it,
            "obstacle": None if found is None else found.obstacle.name.lower(),
            "since": None if found is None else found.since,
            "text": [explaining.pair_sentence(seen)],
        }

    def _skill_target_id(self, written: str) -> int:
        """An agent by peripheral number, with `@PERIPHERAL` where several have it, or by skill_target_id."""
        number, _, peripheral = written.partition("@")
        found = [
            agent
            for agent in self.directory.agents.values()
            if agent.id == number and peripheral in ("", str(agent.peripheral))
        ]
        if len(found) > 1:
            raise UnknownSubject(400, f"{len(found)} agents have the number {number}: say {number}@PERIPHERAL")
        if found:
            return found[0].skill_target_id
        if written.isascii() and written.isdigit() and len(written) <= 10 and int(written) in self.directory.agents:
            return int(written)
        raise UnknownSubject(404, f"agent {written} is not configured")


def _body(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def _task_id(written: str) -> TaskId:
    match = TASK_ID.fullmatch(written)
    if match is None:
        raise UnknownSubject(400, f"{written!r} is no task id: write DAY:KEY:SEQ, DAY-KEY-SEQ or DAY_KEY_SEQ")
    return TaskId(*map(int, match.groups()))
