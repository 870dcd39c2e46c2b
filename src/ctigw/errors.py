"""The tree of errors that cross from one part of the gateway to another.

Knows what each kind of failure must tell whoever handles it. Must not know who raises or handles it, and imports
nothing of the gateway. Where its rules come from: engineering E (abstract bases are never raised), design 4 (a
configuration error names file, table, key, value and what is allowed), decisions A6 and A7 (what is fatal to a
connection).
"""

from typing import Self


class GatewayError(Exception):
    """Abstract base of every error that the gateway declares."""

    def __new__(cls, *args: object, **keywords: object) -> Self:
        """Refuse the bases that only group their children: they would say that something is wrong, but not what."""
        if cls.__name__ in _ABSTRACT:
            raise TypeError(f"{cls.__name__} is abstract; raise one of its children")
        return super().__new__(cls)


class ConfigurationError(GatewayError):
    """A file that the operator wrote is wrong. Raised before it has changed anything."""

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        table: str | None = None,
        key: str | None = None,
        value: object = None,
        allowed: str | None = None,
    ) -> None:
        """Keep the place and the remedy; `problem` is the sentence, without them."""
        self.problem = problem
        self.file = file
        self.table = table
        self.key = key
        self.value = value
        self.allowed = allowed
        where = [part for part in (file, f"[{table}]" if table else None, key) if part]
        text = f"{': '.join(where)}: {problem}" if where else problem
        if value is not None:
            text += f" (value {value!r})"
        if allowed:
            text += f"; allowed: {allowed}"
        super().__init__(text)


class WireError(GatewayError):
    """Abstract: bytes and messages do not fit together."""


class FrameError(WireError):
    """The byte stream lost its frame boundaries: fatal to the connection, answered with nothing (decisions A2)."""

    def __init__(self, reason: str, problem: str) -> None:
        """`reason` is the closed word for counters, for instance "length"; `problem` is the sentence."""
        self.reason = reason
        self.problem = problem
        super().__init__(problem)


class _LocatedWireError(WireError):
    """Abstract: a problem at one place of one message."""

    def __init__(self, *, message: str | None, field: str | None, offset: int, problem: str) -> None:
        self.message = message
        self.field = field
        self.offset = offset
        self.problem = problem
        where = ".".join(part for part in (message, field) if part) or "message"
        super().__init__(f"{where} at offset {offset}: {problem}")


class DecodeError(_LocatedWireError):
    """A complete frame whose body does not parse. The connection lives (decisions A7).

    `message`: NAME of the message, None where not even that is known. `field`: name as in the protocol tables,
    "floating" for the walk over the floating part. `offset`: byte in the body, counted after the header.
    """


class EncodeError(_LocatedWireError):
    """A message holds a value that the wire cannot carry. Attributes as in `DecodeError`; nothing was written."""


class ProtocolError(GatewayError):
    """Abstract: a message at the wrong time, or with the wrong meaning."""


class LocalProtocolError(ProtocolError):
    """We were about to do what the protocol forbids: a defect of ours, never blamed on the peer."""


class PeerProtocolError(ProtocolError):
    """The peer did what the protocol forbids."""


class JournalError(GatewayError):
    """Abstract: what has been decided cannot be kept, or what was kept cannot be read."""


class JournalFullError(JournalError):
    """There is no room for the batch. Nothing of it was kept; the same batch may be tried again."""


class JournalStoreError(JournalError):
    """The store does not take the batch for another reason (a disk error, a store that cannot be reached)."""


class JournalLockedError(JournalError):
    """Another process keeps its journal in this place."""


class JournalDamageError(JournalError):
    """What was kept is not what was written: damage that is no torn tail. Nothing may be decided on it."""

    def __init__(self, problem: str, *, sequence: int | None = None, offset: int | None = None) -> None:
        """`sequence` of the batch that should be there; `offset`: bytes of batches read before it."""
        self.problem = problem
        self.sequence = sequence
        self.offset = offset
        place = "" if sequence is None else f"batch {sequence}"
        if offset is not None:
            place += f" at offset {offset}"
        super().__init__(f"{place}: {problem}" if place else problem)


class JournalVersionError(JournalError):
    """Sound, but written in a way that this version does not know: by a newer one, or with a class since removed."""


_ABSTRACT = frozenset({"GatewayError", "WireError", "_LocatedWireError", "ProtocolError", "JournalError"})
