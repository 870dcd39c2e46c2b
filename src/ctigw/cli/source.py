"""Where `ctigw decode` takes its bytes from.

Knows the forms of SOURCE: a file, `-`, or hexadecimal digits, and inside a file raw bytes or hexadecimal text, plain
or as hexdump, xxd and tcpdump print it. Must not know protocols. Rules: design 5.
"""

import re
import sys
from pathlib import Path
from typing import Final

import click

_LINE_OFFSET: Final = re.compile(r"\s*(?:0x)?([0-9a-fA-F]{4,8})(?::\s*|\s+)")
"""The offset that opens a line of a hexdump."""

_DUMP_LINE_BYTES: Final = 16
"""Bytes on a full line of hexdump, xxd and tcpdump; what follows them is for human eyes."""


_CONTROL: Final = re.compile(r"[^\t\r\n -~]")
"""What no text file of hexadecimal digits holds."""


def _is_file(source: str) -> bool:
    """Whether SOURCE names a file; hexadecimal digits may be longer than any name that the system can look up."""
    try:
        return Path(source).is_file()
    except OSError:
        return False


def read_source(source: str) -> bytes:
    """The bytes that SOURCE means. Raises `click.UsageError` when it means nothing."""
    if source == "-":
        data = sys.stdin.buffer.read()
    elif _is_file(source):
        try:
            data = Path(source).read_bytes()
        except OSError as error:
            raise click.UsageError(f"cannot read {source}: {error.strerror}") from None
    else:
        digits = hex_text(source)
        if digits is None:
            raise click.UsageError(f"{source!r} is neither a file nor hexadecimal digits")
        return digits
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return data
    found = hex_text(text)
    return data if found is None else found


def hex_text(text: str) -> bytes | None:
    """The bytes of hexadecimal text; None when it is something else. Raw frames are never such text: they hold NULs."""
    if _CONTROL.search(text):
        return None
    lines = [line for line in (raw.partition("#")[0] for raw in text.splitlines()) if line.strip()]
    if not lines:
        return b"" if not text.strip() else None
    return _dump(lines) if _is_dump(lines) else _plain("".join(lines))


def _plain(text: str) -> bytes | None:
    digits = re.sub(r"0x|[\s:,]", "", text, flags=re.ASCII)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None


def _is_dump(lines: list[str]) -> bool:
    """Whether the lines open with offsets: the first is 0, the second is the number of bytes on the first line."""
    first = _LINE_OFFSET.match(lines[0])
    if first is None or int(first[1], 16) != 0:
        return False
    if len(lines) == 1:
        return ":" in first[0] or first[0].endswith("  ")
    second = _LINE_OFFSET.match(lines[1])
    return second is not None and int(second[1], 16) == len(_dump_line(lines[0]))


def _dump(lines: list[str]) -> bytes | None:
    parts: list[bytes] = []
    for line in lines:
        offset = _LINE_OFFSET.match(line)
        if offset is None:
            if re.fullmatch(r"\s*[0-9a-fA-F]{4,8}\s*", line):  # hexdump ends with the total alone on a line
                continue
            return None
        if int(offset[1], 16) != sum(map(len, parts)):
            return None
        parts.append(_dump_line(line))
    return b"".join(parts)


def _dump_line(line: str) -> bytes:
    """The bytes after the offset, up to the column for human eyes."""
    offset = _LINE_OFFSET.match(line)
    found = b""
    for token in line[offset.end() if offset else 0 :].split():
        if len(found) >= _DUMP_LINE_BYTES or len(token) % 2 or not re.fullmatch("[0-9a-fA-F]+", token):
            break
        found += bytes.fromhex(token)
    return found[:_DUMP_LINE_BYTES]
