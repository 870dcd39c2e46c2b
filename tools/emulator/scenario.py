"""Scenario files: reading, checking, variables and field patterns.

Knows: the TOML notation that tools/scenarios/README.md describes. Must not know: sockets, sessions, time.
Everything that can be wrong in a file is found before the first connection and reported with the peer and the step.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from emulator.codec import TASK_KEY, CodecError, Message, Value, row_of, text_of
from emulator.messages import CTI, MR

T = TypeVar("T")
U = TypeVar("U")

DEFAULT_LIMIT_S = 60.0
"""A scenario without `limit_s` may take this long."""
DEFAULT_HEARTBEAT_S = 5.0
NEWEST_CTI_VERSION = 25
NEWEST_MR_VERSION = 5

PROTOCOL_OF_KIND = {"application": MR, "pim": MR, "cti": CTI}
PEER_KEYS = {
    "name", "kind", "protocol", "version", "heartbeat_s", "idle_timeout_s", "reads", "answer_scripts", "connect",
    "ignore", "allow", "open", "steps",
}  # fmt: skip
SCENARIO_KEYS = {"name", "about", "limit_s", "connect"}

# Step word -> the options it takes beside its fields (keys that begin with a capital letter).
STEP_OPTIONS: dict[str, set[str]] = {
    "open": {"ecc"},
    "send": {"ecc", "capture", "times", "first_bytes"},
    "send_hex": {"times"},
    "expect": {"within_s", "capture", "ecc", "next", "count"},
    "expect_set": {"within_s", "next"},
    "expect_nothing": {"for_s"},
    "expect_close_s": set(),
    "pause_s": set(),
    "repeat": {"steps", "first", "part", "parts"},
    "barrier": {"within_s"},
    "wait_for": {"within_s"},
    "connect": set(),
    "close": {"within_s"},
    "sign_in": {"first", "first_id", "mrds", "max_tasks", "rate", "ready", "statuses", "within_s", "part", "parts"},
    "work": {
        "offer_after_s",
        "start_after_s",
        "pauses",
        "work_s",
        "wrapup_s",
        "ignore_agents",
        "ignore_tasks",
        "routable_again_s",
        "disposition",
    },
    "tasks": {"rate", "in_flight", "answer", "resubmit", "ecc", "within_s"},
    "tasks_ended": {"within_s"},
}
WITH_FIELDS = {"open", "send", "expect", "expect_nothing", "tasks"}
ANY = "*"
"""Any message in an expect, any value in a pattern."""
OPEN_WAYS = ("accepted", "sent")
CLOSE_WAYS = ("request", "fin", "reset")
SET_MEMBER_OPTIONS = {"ecc", "capture"}
"""What an expect inside of expect_set may have: how long and how often is said once, for all of them."""
OPERATORS = {"any_of", "at_least", "differs", "absent", "has_bits"}
LIST_OPERATORS = {"all", "all_in_any_order", "times"}
"""These look at all values of a field together, the others at one of them."""
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class ScenarioError(Exception):
    """The scenario file, or a --var, is wrong: exit code 2."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its word and argument, fields (capital letter), options, and the steps of a repeat."""

    word: str
    argument: Value
    fields: dict[str, Value]
    options: dict[str, Value]
    steps: tuple[Step, ...]
    place: str


@dataclass(frozen=True, slots=True)
class PeerPlan:
    """One peer as written: how it connects, how it opens and what it does. `heartbeat_s` 0 means none."""

    name: str
    kind: str
    protocol: str
    version: Value
    heartbeat_s: Value
    idle_timeout_s: Value
    reads: bool
    answer_scripts: bool
    connect: str
    ignore: frozenset[str]
    allow: frozenset[str]
    opening: dict[str, Value]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file. `limit_s` bounds the run, whatever the steps say."""

    name: str
    about: str
    limit_s: float
    connect: str
    variables: dict[str, Value]
    peers: tuple[PeerPlan, ...]


def _value(found: object, place: str) -> Value:
    """TOML data as Value: booleans become 1 and 0, since the wire knows numbers only."""
    if isinstance(found, bool):
        return int(found)
    if isinstance(found, float):
        return str(found)
    if isinstance(found, int | str):
        return found
    if isinstance(found, list):
        return [_value(member, place) for member in found]
    if isinstance(found, dict):
        return {str(key): _value(member, place) for key, member in found.items()}
    raise ScenarioError(f"{place}: {found!r} has no meaning here")


def _table(found: object, place: str) -> dict[str, object]:
    if not isinstance(found, dict):
        raise ScenarioError(f"{place}: a table is needed")
    return {str(key): member for key, member in found.items()}


def _list(found: object, place: str) -> list[object]:
    if not isinstance(found, list):
        raise ScenarioError(f"{place}: a list is needed")
    return list(found)


def _known(keys: set[str], allowed: set[str], place: str) -> None:
    for key in sorted(keys - allowed):
        raise ScenarioError(f"{place}: {key!r} is not known here; allowed: {', '.join(sorted(allowed))}")


def _names(found: object, place: str) -> frozenset[str]:
    return frozenset(str(member) for member in _list(found, place))


def _check_fields(protocol: str, word: str, argument: Value, fields: dict[str, Value], place: str) -> None:
    """Names of messages and fields exist, so that a slip of the pen is not taken for a silent gateway."""
    if word not in WITH_FIELDS:
        if fields:
            raise ScenarioError(f"{place}: {word} takes no fields")
        return
    names = {"open": ["OPEN_REQ"], "tasks": ["NEW_TASK"]}.get(word)
    if names is None:
        names = [text_of(name) for name in (argument if isinstance(argument, list) else [argument])]
    for name in names:
        if name == ANY:
            continue
        try:
            row = row_of(protocol, name)
        except CodecError as error:
            raise ScenarioError(f"{place}: {error}") from error
        known = {entry.name for entry in row.fields} | {entry for entry, _ in row.tags.values()} | {"Status", TASK_KEY}
        for key in fields:
            if key not in known:
                raise ScenarioError(f"{place}: {name} has no field {key}")


def _step(protocol: str, found: object, place: str) -> Step:
    table = _table(found, place)
    words = [key for key in table if key in STEP_OPTIONS]
    if len(words) != 1:
        raise ScenarioError(f"{place}: exactly one of {', '.join(STEP_OPTIONS)} is needed, found {words or 'none'}")
    word = words[0]
    fields = {key: _value(member, place) for key, member in table.items() if key[:1].isupper()}
    _known({key for key in table if not key[:1].isupper()}, STEP_OPTIONS[word] | {word}, f"{place} ({word})")
    inner = _list(table.pop("steps"), place) if word == "repeat" and "steps" in table else []
    if word == "expect_set":
        inner = _list(table[word], place)
        table[word] = len(inner)
    argument = _value(table[word], place)
    _check_fields(protocol, word, argument, fields, place)
    ways = {"open": OPEN_WAYS, "close": CLOSE_WAYS}.get(word)
    if ways is not None and argument not in ways:
        raise ScenarioError(f"{place}: {word} takes one of {', '.join(ways)}")
    options = {key: _value(member, place) for key, member in table.items() if not key[:1].isupper() and key != word}
    steps = _steps(protocol, inner, place)
    if word == "expect_set" and not steps:
        raise ScenarioError(f"{place}: expect_set needs at least one expect")
    for member in steps if word == "expect_set" else ():
        if member.word != "expect":
            raise ScenarioError(f"{member.place}: only expect has a place in expect_set")
        _known(set(member.options), SET_MEMBER_OPTIONS, member.place)
    return Step(word, argument, fields, options, steps, f"{place} ({word} {text_of(argument)})")


def _steps(protocol: str, found: list[object], place: str) -> tuple[Step, ...]:
    return tuple(_step(protocol, member, f"{place}, step {number}") for number, member in enumerate(found, start=1))


def _peer(found: object, number: int) -> PeerPlan:
    table = _table(found, f"peer {number}")
    place = f"peer {table.get('name', number)}"
    _known(set(table), PEER_KEYS, place)
    kind = str(table.get("kind", ""))
    if kind != "raw" and kind not in PROTOCOL_OF_KIND:
        raise ScenarioError(f"{place}: kind is one of application, pim, cti, raw")
    protocol = PROTOCOL_OF_KIND.get(kind, str(table.get("protocol", MR)))
    if protocol not in (MR, CTI):
        raise ScenarioError(f"{place}: protocol is mr or cti")
    newest = NEWEST_CTI_VERSION if protocol == CTI else NEWEST_MR_VERSION
    opening = {key: _value(member, place) for key, member in _table(table.get("open", {}), place).items()}
    _check_fields(protocol, "open", "", opening, f"{place}, open")
    return PeerPlan(
        name=str(table.get("name", f"peer{number}")),
        kind=kind,
        protocol=protocol,
        version=_value(table.get("version", newest), place),
        heartbeat_s=_value(table.get("heartbeat_s", DEFAULT_HEARTBEAT_S), place),
        idle_timeout_s=_value(table.get("idle_timeout_s", 0), place),
        reads=bool(table.get("reads", True)),
        answer_scripts=bool(table.get("answer_scripts", True)),
        connect=str(table.get("connect", "")),
        ignore=_names(table.get("ignore", []), place),
        allow=_names(table.get("allow", []), place),
        opening=opening,
        steps=_steps(protocol, _list(table.get("steps", []), place), place),
    )


def parse(text: str) -> Scenario:
    """A scenario from its TOML text; ScenarioError tells peer, step and what is allowed."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(str(error)) from error
    _known(set(document), {"scenario", "variables", "peer"}, "file")
    head = _table(document.get("scenario", {}), "scenario")
    _known(set(head), SCENARIO_KEYS, "scenario")
    peers = tuple(_peer(found, number) for number, found in enumerate(_list(document.get("peer", []), "peer"), start=1))
    if not peers:
        raise ScenarioError("file: at least one [[peer]] is needed")
    if len({peer.name for peer in peers}) != len(peers):
        raise ScenarioError("file: two peers have the same name")
    limit = head.get("limit_s", DEFAULT_LIMIT_S)
    if not isinstance(limit, int | float) or limit <= 0:
        raise ScenarioError("scenario: limit_s is a number of seconds above 0")
    variables = _value(document.get("variables", {}), "variables")
    return Scenario(
        name=str(head.get("name", "")),
        about=str(head.get("about", "")),
        limit_s=float(limit),
        connect=str(head.get("connect", "")),
        variables=variables if isinstance(variables, dict) else {},
        peers=peers,
    )


def load(path: Path) -> Scenario:
    """`parse` of a file; an unreadable file is a ScenarioError too."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def variable_of(text: str) -> tuple[str, Value]:
    """``NAME=VALUE`` of the command line; a whole number becomes one."""
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise ScenarioError(f"--var takes NAME=VALUE, not {text!r}")
    return name, int(value) if re.fullmatch(r"-?\d+", value) else value


def resolve(value: Value, scope: Mapping[str, Value]) -> Value:
    """Replace ``$name`` (whole value, keeps its type) and ``${name}`` (inside a text); ScenarioError when unknown."""
    if isinstance(value, list):
        return [resolve(member, scope) for member in value]
    if isinstance(value, dict):
        return {key: resolve(member, scope) for key, member in value.items()}
    if not isinstance(value, str) or "$" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole and whole.group(2):
        return _lookup(whole, scope)
    return _REFERENCE.sub(lambda found: text_of(_lookup(found, scope)), value)


def _lookup(found: re.Match[str], scope: Mapping[str, Value]) -> Value:
    name = found.group(1) or found.group(2)
    if name not in scope:
        raise ScenarioError(f"the variable {name!r} has no value")
    return resolve(scope[name], scope)


def number_of(value: Value, what: str) -> float:
    """A resolved option as a number; ScenarioError when it is none."""
    try:
        return float(value) if isinstance(value, int | str) else float("nan")
    except ValueError as error:
        raise ScenarioError(f"{what} is a number, not {value!r}") from error


def barrier_names(steps: tuple[Step, ...]) -> Iterator[str]:
    """Every barrier that these steps meet, repeats included."""
    for step in steps:
        if step.word == "barrier":
            yield text_of(step.argument)
        yield from barrier_names(step.steps)


def share_of(count: int, part: int, parts: int) -> range:
    """Which of `count`, counted from 0, are part number `part` of so many `parts`; ScenarioError: no such part."""
    if not 1 <= part <= parts:
        raise ScenarioError(f"part is 1 to {parts}, not {part}")
    return range(count * (part - 1) // parts, count * part // parts)


def is_absent(pattern: Value) -> bool:
    """``{ absent = true }``: leave the field out (open), or it must not be there (expect)."""
    return isinstance(pattern, dict) and "absent" in pattern


def matches(pattern: Value, value: Value) -> bool:
    """Whether a value fits a pattern: a literal, ``"*"``, a list of these, a table of members or one operator."""
    if pattern == ANY:
        return True
    if isinstance(pattern, dict):
        operator = next((key for key in pattern if key in OPERATORS), None)
        if operator is None:
            return isinstance(value, dict) and all(
                key in value and matches(member, value[key]) for key, member in pattern.items()
            )
        return _operate(operator, pattern[operator], value)
    if isinstance(pattern, list):
        return (
            isinstance(value, list)
            and len(value) == len(pattern)
            and all(matches(one, other) for one, other in zip(pattern, value, strict=True))
        )
    if isinstance(value, bytes) and not isinstance(pattern, bytes):
        return isinstance(pattern, str) and value == (
            bytes.fromhex(pattern[4:]) if pattern.startswith("hex:") else pattern.encode("latin-1")
        )
    # NULL is written -1 for signed and unsigned fields alike.
    return value == pattern or (pattern == -1 and value in (0xFFFFFFFF, 0xFFFF))


def _operate(operator: str, operand: Value, value: Value) -> bool:
    if operator == "any_of":
        return isinstance(operand, list) and any(matches(member, value) for member in operand)
    if operator == "differs":
        return not matches(operand, value)
    if not isinstance(operand, int) or not isinstance(value, int):
        return False
    return value >= operand if operator == "at_least" else value & operand == operand


def pair_up(wanted: Sequence[T], found: Sequence[U], fits: Callable[[T, U], bool]) -> list[int | None]:
    """For each wanted the place of the found that is its own, the earliest possible; None where none is left.

    As many as can get one get one: who fits several makes room for who fits one only.
    """
    owner: dict[int, int] = {}

    def place(number: int, tried: set[int]) -> bool:
        for position, candidate in enumerate(found):
            if position not in tried and fits(wanted[number], candidate):
                tried.add(position)
                if position not in owner or place(owner[position], tried):
                    owner[position] = number
                    return True
        return False

    for number in range(len(wanted)):
        place(number, set())
    places = {number: position for position, number in owner.items()}
    return [places.get(number) for number in range(len(wanted))]


def _together(operator: str, operand: Value, values: list[Value]) -> bool:
    """Whether all values of a field fit."""
    if operator == "times":
        return len(values) == operand
    if not isinstance(operand, list) or len(operand) != len(values):
        return False
    if operator == "all":
        return all(matches(pattern, value) for pattern, value in zip(operand, values, strict=True))
    return None not in pair_up(operand, values, matches)


def _fits(pattern: Value, values: list[Value]) -> bool:
    """Whether one value of a field fits, or all of them where the pattern looks at all."""
    operator = next((key for key in pattern if key in LIST_OPERATORS), None) if isinstance(pattern, dict) else None
    if isinstance(pattern, dict) and operator is not None:
        return _together(operator, pattern[operator], values)
    return any(matches(pattern, value) for value in values)


def difference(message: Message, patterns: Mapping[str, Value], named: Mapping[str, Value]) -> str | None:
    """The first field that does not fit, in words; None when all do."""
    for name, pattern in patterns.items():
        values = message.find(name)
        if is_absent(pattern):
            if values:
                return f"{name} is there: {values[0]!r}"
        elif not _fits(pattern, values):
            found = text_of(values[0]) if len(values) == 1 else text_of(values) or "missing"
            return f"{name} is {found}, not {text_of(pattern)}"
    variables = message.named()
    for name, pattern in named.items():
        if name not in variables or not matches(pattern, variables[name]):
            return f"variable {name} is {variables.get(name, 'missing')!r}, not {text_of(pattern)!r}"
    return None
