"""What a client can fail with.

Knows one sentence for a person; must not know protocols. Rule: engineering E (one tree).
"""

from ctigw.errors import GatewayError


class ClientError(GatewayError):
    """The session could not be had, or is lost, or the gateway refused. The text says which and why."""
