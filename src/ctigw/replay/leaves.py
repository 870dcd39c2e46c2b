"""Messages taken apart into single values that can be compared, and put together again with other ids.

Knows which values are chosen anew in every run: task ids (also as the three RouterCallKey fields), monitor and session
ids, ports of other clients, and the InvokeIDs of the server's own requests. Must not know masks or which messages
belong together.
"""

import copy
import enum
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

import attrs

from ctigw.replay.plan import Told
from ctigw.wire import catalogue
from ctigw.wire.json_form import Json
from ctigw.wire.layout import ProtocolName

TASK_TYPE: Final = "TASKID"
_INVOKE: Final = "InvokeID"
_KEY_PARTS: Final = ("RouterCallKeyDay", "RouterCallKeyCallID", "RouterCallKeySequenceNumber")
_REQUEST: Final = "_REQ"
_ANSWERS: Final = ("_CONF", "_RESULT", "_RESP")
_TASK_ID_MEMBERS: Final = 3


class Kind(enum.Enum):
    """What a value is to a comparison."""

    PLAIN = "plain"
    TASK = "task"
    MONITOR = "monitor"
    SESSION = "session"
    PORT = "port"
    """Of a client, as other clients are told it."""
    INVOKE = "invoke"
    """InvokeID of a request of the server, and of the client's answer to it."""


_KINDS: Final = {"MonitorID": Kind.MONITOR, "SessionID": Kind.SESSION, "ClientPort": Kind.PORT}


@attrs.frozen
class Leaf:
    """One value of a message."""

    path: str
    """For messages to people: Agent.SkillTargetID, NamedVariable[2].Value."""
    field: str
    """Name of the field that it is in, as masks have it."""
    type_name: str | None
    kind: Kind
    value: Json


def message_key(message: Told) -> str:
    """The message as masks name it."""
    return f"{message.codec.protocol}.{message.name}"


@cache
def _types(protocol: ProtocolName, message: str) -> dict[str, str]:
    """Field and floating field -> type; of two layouts both."""
    rows = catalogue.protocol(protocol)
    found: dict[str, str] = {}
    for row in rows.messages:
        if row.name == message:
            found |= {known.name: known.type for known in rows.floats_of(row)}
            found |= {field.name: field.type for field in row.fields}
    return found


def _kind(message: Told, name: str, type_name: str | None, by_client: bool) -> Kind:
    if type_name == TASK_TYPE:
        return Kind.TASK
    if name in _KINDS:
        return _KINDS[name]
    title = message.title
    if name == _INVOKE and (title.endswith(_ANSWERS) if by_client else title.endswith(_REQUEST)):
        return Kind.INVOKE
    return Kind.PLAIN


def leaves(message: Told) -> list[Leaf]:
    """The values of a message of the server."""
    if message.name is None or "fields" not in message.entry:
        return [Leaf("body", "body", None, Kind.PLAIN, message.entry.get("body"))]
    types = _types(message.codec.protocol, message.name)
    found: list[Leaf] = []
    for name, value in _object(message.entry["fields"]).items():
        kind = _kind(message, name, types.get(name), by_client=False)
        found += _leaves(name, name, types.get(name), kind, value)
    names: list[Json] = []
    key_parts: dict[str, Json] = {}
    seen: Counter[str] = Counter()
    for item in _items(message.entry["floating"]):
        name = str(item["name"] or f"tag {item['tag']}")
        names.append(name)
        seen[name] += 1
        if name in _KEY_PARTS and name not in key_parts:
            key_parts[name] = item["value"]
            continue
        path = name if seen[name] == 1 else f"{name}[{seen[name]}]"
        kind = _kind(message, name, types.get(name), by_client=False)
        found += _leaves(path, name, types.get(name), kind, item["value"])
    found += _router_call_key(key_parts)
    return [*found, Leaf("floating fields", "floating", None, Kind.PLAIN, names)]


def _router_call_key(parts: Mapping[str, Json]) -> Iterator[Leaf]:
    """The three fields together are a task id."""
    if all(isinstance(parts.get(name), int) for name in _KEY_PARTS):
        yield Leaf("RouterCallKey", "RouterCallKey", TASK_TYPE, Kind.TASK, [parts[name] for name in _KEY_PARTS])
    else:
        for name, value in parts.items():
            yield Leaf(name, name, None, Kind.PLAIN, value)


def _leaves(path: str, field: str, type_name: str | None, kind: Kind, value: Json) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield Leaf(f"{path}.{name}", field, type_name, kind, member)
    else:
        yield Leaf(path, field, type_name, kind, value)


def with_ids(message: Told, new: Callable[[Kind, Json], Json]) -> dict[str, Json]:
    """A message of the client with every id of the server as `new` has it now."""
    entry = copy.deepcopy(dict(message.entry))
    if message.name is None or "fields" not in entry:
        return entry
    types = _types(message.codec.protocol, message.name)
    fields = _object(entry["fields"])
    for name in fields:
        fields[name] = new(_kind(message, name, types.get(name), by_client=True), fields[name])
    items = list(_items(entry["floating"]))
    for item in items:
        name = str(item["name"])
        item["value"] = new(_kind(message, name, types.get(name), by_client=True), item["value"])
    parts = {str(item["name"]): item for item in items if item["name"] in _KEY_PARTS}
    if len(parts) == _TASK_ID_MEMBERS:
        key = new(Kind.TASK, [parts[name]["value"] for name in _KEY_PARTS])
        if isinstance(key, list):
            for name, value in zip(_KEY_PARTS, key, strict=True):
                parts[name]["value"] = value
    return entry


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _items(value: Json) -> Iterator[dict[str, Json]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
