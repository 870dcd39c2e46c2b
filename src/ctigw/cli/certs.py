"""`ctigw certs`: certificates for development and laboratories.

Knows what a certificate needs so that strict verifiers take it (authority and subject key identifiers, key usage, basic
constraints); must not know the daemon. A site with an authority of its own uses that one. Rules: design 5, decisions D1
(`certificate_subject`: a client's subject is exactly CN=NAME).
"""

import ipaddress
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import click
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_NAME = "ctigw development CA"
AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=825)
"""Longest life that common TLS stacks accept of a server certificate."""

CLOCK_SLACK = timedelta(hours=1)
"""Certificates are valid a little before they were made: peers' clocks differ."""

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
LONGEST_COMMON_NAME = 64
"""ub-common-name of X.520."""

Key = ec.EllipticCurvePrivateKey


@attrs.frozen
class Authority:
    """The development CA."""

    certificate: x509.Certificate
    key: Key


@click.command(name="certs")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", "names", multiple=True, metavar="HOST", help="Further host name or address of the server.")
@click.option(
    "--client", "clients", multiple=True, metavar="NAME", help="Also NAME.pem and NAME.key, with subject CN=NAME."
)
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
def command(folder: Path, names: tuple[str, ...], clients: tuple[str, ...], quiet: bool) -> None:
    """Make a development CA (ca.pem), a server and a client certificate in DIR.

    The server certificate is for localhost, 127.0.0.1, ::1 and each --name. An authority that is there is used again,
    so that what it signed stays valid; server and client certificates are made anew. Keys are readable by you only.
    """
    try:
        wanted = [_client_name(name) for name in clients]
        subjects = [_server_name(name) for name in (*LOCAL_NAMES, *names)]
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        written = _make(folder, list(dict.fromkeys(subjects)), wanted)
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        click.echo(f"ctigw certs: {error}", err=True)
        sys.exit(1)
    if not quiet:
        for path in written:
            click.echo(str(path))


def _make(folder: Path, names: list[x509.GeneralName], clients: list[str]) -> list[Path]:
    """Make the files; those that were written, in order. Raises OSError, and ValueError for an unusable authority."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_files = (folder / "ca.pem", folder / "ca.key")
    written: list[Path] = []
    if any(path.exists() for path in authority_files):
        authority = _read_authority(*authority_files)
    else:
        authority = _new_authority()
        written += _write_pair(folder / "ca", authority.certificate, authority.key)
    written += _write_pair(folder / "server", *_server(authority, names))
    for name in ["client", *clients]:
        written += _write_pair(folder / name, *_client(authority, name))
    return written


def _new_authority() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CA_NAME)])
    builder = _builder(name, name, key, AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = _with_authority_identifier(builder, key)
    return Authority(builder.sign(key, hashes.SHA256()), key)


def _read_authority(certificate_file: Path, key_file: Path) -> Authority:
    if not (certificate_file.exists() and key_file.exists()):
        raise ValueError(f"one of {certificate_file} and {key_file} is missing; remove the other one to start anew")
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"{key_file} is not the key of {certificate_file}")
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        raise ValueError(f"{certificate_file} has expired; remove it and {key_file} to start anew")
    return Authority(certificate, key)


def _server(authority: Authority, names: list[x509.GeneralName]) -> tuple[x509.Certificate, Key]:
    builder, key = _leaf(authority, "localhost", ExtendedKeyUsageOID.SERVER_AUTH)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256()), key


def _client(authority: Authority, name: str) -> tuple[x509.Certificate, Key]:
    builder, key = _leaf(authority, name, ExtendedKeyUsageOID.CLIENT_AUTH)
    return builder.sign(authority.key, hashes.SHA256()), key


def _leaf(
    authority: Authority, common_name: str, purpose: x509.ObjectIdentifier
) -> tuple[x509.CertificateBuilder, Key]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _builder(subject, authority.certificate.subject, key, LEAF_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return _with_authority_identifier(builder, authority.key), key


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, life: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _with_authority_identifier(builder: x509.CertificateBuilder, authority_key: Key) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return builder.add_extension(identifier, critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_pair(stem: Path, certificate: x509.Certificate, key: Key) -> list[Path]:
    """STEM.pem and STEM.key; a name may hold dots, so the suffix is appended."""
    certificate_file, key_file = Path(f"{stem}.pem"), Path(f"{stem}.key")
    encoded_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key_file, encoded_key, PRIVATE_MODE)
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), PUBLIC_MODE)
    return [certificate_file, key_file]


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace a file at once; nobody sees half of it, nor the key with a wider mode."""
    fresh = Path(f"{path}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
    fresh.replace(path)


def _server_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name.encode("idna").decode("ascii"))
    except UnicodeError:
        raise ValueError(f"{name!r} is no host name") from None


def _client_name(name: str) -> str:
    """A client's name is a file name and a common name."""
    if name in ("ca", "server") or "/" in name or "\0" in name or name.startswith(".") or not name:
        raise ValueError(f"{name!r} cannot be the name of a client")
    if len(name) > LONGEST_COMMON_NAME:
        raise ValueError(f"{name!r} is longer than {LONGEST_COMMON_NAME} characters")
    return name
