"""The base of all message classes, and the two classes for what has no layout of its own.

Knows what every message has: a name, a number, floating fields. Must not know any particular message; those are
generated from protocol/*.toml. Rules: decisions A6 and B4, engineering B3 (an unknown type is an event, not an error).
"""

from typing import ClassVar

import attrs

from ctigw.wire.values import Floating


@attrs.define
class Message:
    """One decoded frame. Subclasses hold their fixed fields in wire order, then `floating` last.

    Mutable and unchecked: ranges are checked when it is encoded.
    """

    NAME: ClassVar[str] = ""
    """Name on the wire as the protocol tables print it, for instance NEW_TASK."""
    TYPE: ClassVar[int] = 0
    """MessageType."""
    SUBTYPE: ClassVar[int | None] = None
    """Sub-type that opens the body, for messages of an MR task-control envelope."""
    PROTOCOL: ClassVar[str] = ""
    """"mr" or "cti"."""
    LAYOUT: ClassVar[bool] = True
    """False: the number has a name, but no layout of it is published (`BodyOnly`)."""


@attrs.define
class FieldMessage(Message):
    """A message whose layout is known. Every subclass declares `floating` again, so that it stands last."""

    floating: Floating = attrs.Factory(list)


@attrs.define
class BodyOnly(Message):
    """A message with a published name and no published layout: everything after the header stays as it is."""

    LAYOUT: ClassVar[bool] = False

    body: bytes = b""


@attrs.define
class UnknownMessage:
    """A frame whose number (or sub-type) is in no table: a newer peer is not an attacker.

    `subtype` is None outside an envelope. `body` is everything after the header, the sub-type included.
    """

    type: int
    subtype: int | None
    body: bytes
