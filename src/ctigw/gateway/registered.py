"""Which variables a CTI session wants to see.

Knows call variables and ECC names in events; must not know sessions or what a variable means. Without a registration a
session sees all; with one it sees what it registered and nothing else (the guides of versions 9 and 14; cti.toml 110).
"""

import attrs

from ctigw.wire import FloatValue, Message, cti
from ctigw.wire.values import read_named_array, read_named_variable

CALL_VARIABLES = 10
"""CallVariable1 to CallVariable10, with tags that follow one another."""

_FIRST_TAG = cti.AgentPreCallEvent.CALL_VARIABLE1
_CALL_TAGS = range(_FIRST_TAG, _FIRST_TAG + CALL_VARIABLES)
_SCALAR, _ARRAY = cti.AgentPreCallEvent.NAMED_VARIABLE, cti.AgentPreCallEvent.NAMED_ARRAY
_Carrier = cti.AgentPreCallEvent | cti.BeginTaskEvent | cti.TaskDataUpdateEvent
"""Events that carry a task's variables; they use the same tags."""


@attrs.frozen
class RegisteredVariables:
    """What one session registered. Its size is bounded by the named data of one message, 2,000 bytes (cti-notes)."""

    call_mask: int
    """Bit n - 1: CallVariable n."""
    scalars: frozenset[str]
    arrays: frozenset[str]

    @classmethod
    def from_request(cls, request: cti.RegisterVariablesReq) -> "RegisteredVariables":
        """Values and indexes in the request mean nothing."""
        scalars = [read_named_variable(value) for tag, value in request.floating if tag == request.NAMED_VARIABLE]
        arrays = [read_named_array(value) for tag, value in request.floating if tag == request.NAMED_ARRAY]
        return cls(
            request.call_variable_mask,
            frozenset(named.name for named in scalars if named is not None),
            frozenset(named.name for named in arrays if named is not None),
        )

    def narrow(self, message: Message) -> Message:
        """The event without the variables that the session did not ask for."""
        if not isinstance(message, _Carrier):
            return message
        floating = [(tag, value) for tag, value in message.floating if self._wants(tag, value)]
        return attrs.evolve(
            message,
            num_named_variables=sum(tag == _SCALAR for tag, _ in floating),
            num_named_arrays=sum(tag == _ARRAY for tag, _ in floating),
            floating=floating,
        )

    def _wants(self, tag: int, value: FloatValue) -> bool:
        if tag in _CALL_TAGS:
            return bool(self.call_mask >> (tag - _FIRST_TAG) & 1)
        if tag == _SCALAR:
            scalar = read_named_variable(value)
            return scalar is not None and scalar.name in self.scalars
        if tag == _ARRAY:
            element = read_named_array(value)
            return element is not None and element.name in self.arrays
        return True
