"""From configuration to what sessions are made of.

Knows which settings a session factory needs, and reads the password files and a corrected MR table; must not know Trio.
"""

from pathlib import Path

from ctigw.config.settings import CtiClientSettings, Settings
from ctigw.errors import ConfigurationError
from ctigw.session.access import CtiAccess, CtiClient, service_mask
from ctigw.session.bindings import ApplicationBindings, PimPlaces
from ctigw.session.factory import SessionFactory
from ctigw.session.mr_session import MR_VERSION, CodecProvider
from ctigw.wire import mr_codec
from ctigw.wire.corrected import codec_from_table


def session_factory(settings: Settings) -> SessionFactory:
    """One factory for all listeners. ConfigurationError when a file cannot be read or the MR table is wrong."""
    routing = settings.routing
    access = CtiAccess(
        [_client(client) for client in settings.cti_clients],
        application_paths=[path.id for path in routing.application_paths],
        peripherals=[peripheral.id for peripheral in routing.peripherals],
    )
    return SessionFactory(
        access,
        ApplicationBindings(settings.applications),
        PimPlaces(settings.peripheral_gateways),
        mr_codecs=_mr_codecs(settings.protocol.mr),
    )


def _mr_codecs(table: Path | None) -> CodecProvider:
    """Codec of each MR version, from the operator's corrected table where there is one."""
    if table is None:
        return mr_codec
    codecs = {version: codec_from_table(table, version) for version in range(1, MR_VERSION + 1)}
    return codecs.__getitem__


def _client(client: CtiClientSettings) -> CtiClient:
    return CtiClient(
        id=client.id,
        password=_password(client),
        certificate_subject=client.certificate_subject,
        application_path=client.application_path,
        services=service_mask(client.services),
    )


def _password(client: CtiClientSettings) -> bytes | None:
    """The password of a client; one trailing newline is dropped (decisions G1)."""
    if client.password_file is None:
        return None
    try:
        return client.password_file.read_bytes().removesuffix(b"\n")
    except OSError as error:
        raise ConfigurationError(
            f"password file of {client.id} cannot be read: {error.strerror}",
            table="cti_client",
            key="password_file",
            value=str(client.password_file),
        ) from error
