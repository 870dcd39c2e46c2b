"""One step of a script as written, read key by key.

Knows types, ranges and how a mistake is reported: call type, step number (from 1), operation, key, value and what is
allowed. Must not know operations.
"""

from collections.abc import Collection
from typing import NoReturn

from ctigw.config.routing import ScriptStep
from ctigw.errors import ConfigurationError
from ctigw.routing.expressions import Expression, ExpressionError, KindOf
from ctigw.routing.scripts.names import parse_condition
from ctigw.routing.scripts.variables import ALLOWED_NAMES, is_variable

LABEL_BYTES = 40
"""Longest Label on the wire (mr-wire section g)."""


class StepReader:
    """A step and the place where it stands."""

    def __init__(self, call_type: str, index: int, step: ScriptStep, labels: dict[str, int]) -> None:
        """`index` counts from 0; `labels` are the steps that a key may lead to."""
        self.operation = str(step.get("op", ""))
        self.step = step
        self._table = f"call_type {call_type}, step {index + 1} ({self.operation or 'no op'})"
        self._labels = labels

    def allow(self, keys: Collection[str]) -> None:
        """Refuse every key that is not one of these."""
        for name in self.step:
            if name not in keys and name not in ("op", "label"):
                self.refuse("the step has no such key", key=name, allowed=", ".join(sorted(keys)) or "no key")

    def integer(self, name: str, allowed: range, default: int | None = None) -> int:
        """A whole number."""
        value = self.step.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            self.refuse("is out of range", key=name, value=value, allowed=f"{allowed.start} to {allowed.stop - 1}")
        return value

    def boolean(self, name: str, *, default: bool) -> bool:
        """Yes or no."""
        value = self.step.get(name, default)
        if not isinstance(value, bool):
            self.refuse("is not boolean", key=name, value=value, allowed="true, false")
        return value

    def seconds(self, name: str, low: float, high: float, default: float | None = None) -> float:
        """A length of time."""
        value = self.step.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.refuse("is no length of time", key=name, value=value, allowed=f"{low} to {high}")
        return float(value)

    def text(self, name: str, longest: int, *, empty: bool = False) -> str:
        """A text that a message can carry."""
        value = self.step.get(name)
        allowed = f"text of at most {longest} Latin-1 bytes"
        if not isinstance(value, str) or (not value and not empty) or "\0" in value:
            self.refuse("is no such text", key=name, value=value, allowed=allowed)
        try:
            size = len(value.encode("latin-1"))
        except UnicodeEncodeError:
            self.refuse("has characters outside Latin-1", key=name, value=value, allowed=allowed)
        if size > longest:
            self.refuse("is too long", key=name, value=value, allowed=allowed)
        return value

    def variable(self, name: str) -> str:
        """The name of a variable."""
        value = self.step.get(name)
        if not isinstance(value, str) or not is_variable(value):
            self.refuse("is no variable", key=name, value=value, allowed=ALLOWED_NAMES)
        return value

    def expression(self, name: str, kind_of: KindOf) -> Expression:
        """A condition."""
        value = self.step.get(name)
        try:
            return parse_condition(value, kind_of)
        except ExpressionError as error:
            self.refuse(str(error), key=name, value=value)

    def goto(self, name: str) -> int | None:
        """Index of the step that the key leads to; None when the key is not there."""
        return self.led_to(name) if name in self.step else None

    def led_to(self, name: str) -> int:
        """Index of the step that the key leads to; the key must be there."""
        return self.labelled(name, self.step.get(name))

    def labelled(self, key: str, label: object) -> int:
        """Index of the step with this label."""
        if not isinstance(label, str) or label not in self._labels:
            self.refuse("no step has this label", key=key, value=label)
        return self._labels[label]

    def refuse(self, problem: str, *, key: str, value: object = None, allowed: str | None = None) -> NoReturn:
        """Say what is wrong."""
        raise ConfigurationError(problem, table=self._table, key=key, value=value, allowed=allowed)
