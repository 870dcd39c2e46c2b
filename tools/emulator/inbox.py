"""Messages that have come and that no step has taken yet.

Knows: waiting for a message that fits, and saying why none did. Must not know: connections and steps.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from emulator.codec import Message, Value, text_of
from emulator.load import MismatchError, until
from emulator.scenario import ANY, difference, pair_up

LIMIT = 100_000
"""Messages kept; the oldest goes first. A peer under load lists what it does not want to see in `ignore`."""
NEARLY_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """One of these names, with fields and variables that fit."""

    names: list[str]
    patterns: dict[str, Value] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)

    def named(self, message: Message) -> bool:
        """Whether the name fits."""
        return message.name in self.names or ANY in self.names

    def fits(self, message: Message) -> bool:
        """Whether all of it fits."""
        return self.named(message) and difference(message, self.patterns, self.variables) is None

    def __str__(self) -> str:
        return " or ".join(self.names) + "".join(f" {key}={text_of(value)}" for key, value in self.patterns.items())


class Inbox:
    """`end` tells how the connection ended, None while it lives. Set `arrived` when it ends."""

    def __init__(self, end: Callable[[], str | None]) -> None:
        self._end = end
        self.messages: deque[Message] = deque(maxlen=LIMIT)
        self.arrived = asyncio.Event()
        self._waiting: Sequence[Wanted] = ()

    def awaits(self, message: Message) -> bool:
        """Whether a step waits for just this message now."""
        return any(wanted.fits(message) for wanted in self._waiting)

    def put(self, message: Message) -> None:
        """A message has come."""
        self.messages.append(message)
        self.arrived.set()

    async def take(self, wanted: Wanted, within_s: float, strict: bool = False) -> Message:
        """The first message that fits, taken out; with `strict` the very next one must fit. MismatchError otherwise."""

        def settled() -> bool:
            return any(map(wanted.fits, self.messages)) or self._end() is not None or (strict and bool(self.messages))

        self._waiting = (wanted,)
        await until(settled, self.arrived, within_s)
        self._waiting = ()
        found = next(filter(wanted.fits, self.messages), None)
        if found is None or (strict and found is not self.messages[0]):
            raise MismatchError(self._explain(wanted, within_s))
        self.messages.remove(found)
        return found

    async def take_set(self, wanted: Sequence[Wanted], within_s: float, strict: bool = False) -> list[Message]:
        """A message for each of `wanted`, in whatever order they come; with `strict` nothing else may come between.

        The messages are in the order of `wanted`. MismatchError tells those that got none.
        """

        def candidates() -> list[Message]:
            return list(islice(self.messages, len(wanted) if strict else None))

        def settled() -> bool:
            full = strict and len(self.messages) >= len(wanted)
            return full or self._end() is not None or None not in pair_up(wanted, candidates(), Wanted.fits)

        self._waiting = wanted
        await until(settled, self.arrived, within_s)
        self._waiting = ()
        messages = candidates()
        places = pair_up(wanted, messages, Wanted.fits)
        found = [messages[place] for place in places if place is not None]
        if len(found) < len(wanted):
            missing = (each for each, place in zip(wanted, places, strict=True) if place is None)
            raise MismatchError("; ".join(self._explain(each, within_s) for each in missing))
        kept = [message for message in self.messages if not any(message is taken for taken in found)]
        self.messages.clear()
        self.messages.extend(kept)
        return found

    def _explain(self, wanted: Wanted, within_s: float) -> str:
        end = self._end()
        why = f"did not come within {within_s} s" if end is None else f"did not come; the connection was {end}"
        near = [
            f"{message.name}: {difference(message, wanted.patterns, wanted.variables) or 'came later'}"
            for message in self.messages
            if wanted.named(message)
        ]
        others = sorted({message.name for message in self.messages if not wanted.named(message)})
        hints = [*near[:NEARLY_SHOWN], *([f"others waiting: {', '.join(others)}"] if others else [])]
        return f"{wanted} {why}" + (f" ({'; '.join(hints)})" if hints else "")
