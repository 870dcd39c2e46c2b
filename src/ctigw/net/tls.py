"""TLS contexts and what a certificate says about a peer.

Knows certificates and versions; must not know sessions. TLS 1.2 and up (issue: one listener on 38001 with TLS); client
certificates are asked for only where a CA for them is configured (decisions G1).
"""

import ssl

import trio

from ctigw.config.settings import TlsSettings
from ctigw.errors import ConfigurationError
from ctigw.session.subject import format_subject


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """A server's context; ConfigurationError when a file does not hold what it should. Reads files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.private_key)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED if settings.require_client_certificate else ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        files = f"{settings.certificate}, {settings.private_key}, {settings.client_ca}"
        raise ConfigurationError(f"certificates cannot be used: {error}", key="tls", value=files) from error
    return context


def peer_subject(stream: trio.SSLStream[trio.SocketStream]) -> str | None:
    """Subject of the peer's verified certificate as `ctigw.session.subject` writes it, None when it showed none."""
    certificate = stream.getpeercert()
    return format_subject(certificate["subject"]) if certificate else None
