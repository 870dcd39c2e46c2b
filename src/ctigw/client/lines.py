"""Messages as lines for a person or a program.

Knows the JSON form of frames; must not know sessions. Rules: decisions G4 (`--json`), G5 (one flushed line a
message with its protocol name), design 7 (passwords never reach a trace).
"""

import json
from collections.abc import Callable
from datetime import datetime

from ctigw.client.link import Observer, Way
from ctigw.wire import AnyMessage, Codec
from ctigw.wire.json_form import Json, to_json

HIDDEN = "***"
_HEARTBEATS = ("HEARTBEAT_REQ", "HEARTBEAT_CONF")


def printer(write: Callable[[str], None], *, as_json: bool, quiet: bool = False) -> Observer:
    """An observer that writes a line for each message: the JSON form of `ctigw decode --json`, or readable text.

    Heartbeats are left out of the text. `quiet` writes nothing.
    """

    def observe(way: Way, codec: Codec, message: AnyMessage, length: int) -> None:
        if quiet:
            return
        entry = _without_secrets(to_json(codec, message, length))
        if as_json:
            write(json.dumps(entry, separators=(",", ":")))
        elif entry["name"] not in _HEARTBEATS:
            stamp = f"{datetime.now().astimezone():%H:%M:%S.%f}"[:-3]
            write(f"{stamp} {way.value} {line(entry)}")

    return observe


def line(entry: dict[str, Json]) -> str:
    """One frame's JSON object as readable text."""
    name = entry["name"] or f"unknown type {entry['type']}"
    parts = [f"{key}={_text(value)}" for key, value in _table(entry.get("fields")).items()]
    floating = entry.get("floating")
    for field in floating if isinstance(floating, list) else []:
        known = _table(field)
        parts.append(f"{known['name'] or known['tag']}={_text(known['value'])}")
    return " ".join([str(name), *parts])


def _table(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str:
    if isinstance(value, dict):
        return "/".join(_text(member) for member in value.values())
    if isinstance(value, list):
        return ":".join(_text(member) for member in value)
    if isinstance(value, str) and (not value or " " in value):
        return json.dumps(value)
    return str(value)


def _without_secrets(entry: dict[str, Json]) -> dict[str, Json]:
    """The same frame with passwords blotted out; the only place where a line does not encode back to its frame."""
    floating = entry.get("floating")
    for field in floating if isinstance(floating, list) else []:
        if isinstance(field, dict) and "Password" in str(field["name"]):
            field["value"] = HIDDEN
    return entry
