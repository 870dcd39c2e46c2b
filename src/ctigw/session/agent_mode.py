"""AgentMode on the wire, which versions 14 to 17 write the other way round.

Knows one rule; must not know messages. Rule: decisions A3, cti-notes "Agents in an MRD"; the versions stand in the
protocol tables.
"""

from typing import Final

from ctigw.wire import catalogue

ROUTABLE = 1
NOT_ROUTABLE = 0

_INVERTED: Final = catalogue.enumeration("cti", "agent_mode").swapped
"""First and last version."""


def agent_mode(version: int, wire: int) -> bool:
    """Whether an AgentMode read from a session of `version` means routable. Any number other than 0 counts as 1."""
    return (wire != NOT_ROUTABLE) != _inverted(version)


def wire_agent_mode(version: int, routable: bool) -> int:
    """AgentMode to write in a session of `version`."""
    return ROUTABLE if routable != _inverted(version) else NOT_ROUTABLE


def _inverted(version: int) -> bool:
    return _INVERTED is not None and _INVERTED[0] <= version <= _INVERTED[1]
