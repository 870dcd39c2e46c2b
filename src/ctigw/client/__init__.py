"""The other end of the gateway's two protocols: a channel application and an agent reporting client.

Knows how to dial, open, keep alive and close a session, and offers what a small program needs of it; must not know the
gateway's sessions, engine or daemon. `ctigw submit` and `ctigw agent` stand on it.
"""

from ctigw.client.application import Application, open_application
from ctigw.client.errors import ClientError
from ctigw.client.link import Link, Observer, Security, Way, connect
from ctigw.client.reporting import Identity, ReportingClient, open_reporting

__all__ = [
    "Application",
    "ClientError",
    "Identity",
    "Link",
    "Observer",
    "ReportingClient",
    "Security",
    "Way",
    "connect",
    "open_application",
    "open_reporting",
]
