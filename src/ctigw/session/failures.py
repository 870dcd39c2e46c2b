"""FAILURE_CONF in the form that a CTI version has.

Knows one rule; must not know sessions. Rule: decisions A3 (10 body bytes in versions 24 and 25, 8 before, and 8 while
there is no version yet), cti-notes "Failure rules".
"""

from ctigw.wire import cti

FIRST_LONG_VERSION = 24


def failure_conf(version: int, invoke_id: int, status: int) -> cti.FailureConf | cti.FailureConfStatus:
    """The refusal of a request in a session of `version`; 0: no version is settled."""
    if version >= FIRST_LONG_VERSION:
        return cti.FailureConf(invoke_id, status, 0)
    return cti.FailureConfStatus(invoke_id, status)
