"""`ctigw certs`: files that TLS stacks accept, keys that nobody else reads, an authority that stays (design 5)."""

import os
import shutil
import ssl
import stat
import subprocess
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from ctigw.cli import certs
from ctigw.session.subject import format_subject, subject_matches

Subject = tuple[tuple[tuple[str, str], ...], ...]
"""The form that the ssl module's documentation gives for a subject; its stub is wider."""


def _certs(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(certs.command, [str(folder), *options])


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Shake hands in memory; the server's end."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=name),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0]


def _contexts(folder: Path, client_name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    client = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    client.load_cert_chain(folder / f"{client_name}.pem", folder / f"{client_name}.key")
    server.load_verify_locations(folder / "ca.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    for context in (server, client):
        # What Python 3.13 does by default: identifiers, usage and constraints must all be right.
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    return server, client


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "gw.example", "192.0.2.7"])
def test_strict_peers_accept_the_server_under_each_of_its_names(tmp_path: Path, name: str) -> None:
    assert _certs(tmp_path, "--name", "gw.example", "--name", "192.0.2.7").exit_code == 0
    _handshake(*_contexts(tmp_path, "client"), name)


def test_another_name_is_not_accepted(tmp_path: Path) -> None:
    _certs(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(*_contexts(tmp_path, "client"), "gw.example")


def test_a_client_has_exactly_its_common_name_as_subject(tmp_path: Path) -> None:
    _certs(tmp_path, "--client", "desktop", "--client", "chat.app")
    for name in ("client", "desktop", "chat.app"):
        peer = _handshake(*_contexts(tmp_path, name), "localhost").getpeercert()
        assert peer is not None
        subject = format_subject(cast(Subject, peer["subject"]))
        assert subject == f"CN={name}"
        assert subject_matches(f"CN={name}", subject)


def test_a_client_certificate_is_none_for_servers(tmp_path: Path) -> None:
    _certs(tmp_path)
    server, client = _contexts(tmp_path, "client")
    server.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(server, client, "localhost")


def test_only_the_owner_reads_keys_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _certs(tmp_path, "--client", "desktop")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    keys = {name: mode for name, mode in modes.items() if name.endswith(".key")}
    assert keys == dict.fromkeys(("ca.key", "server.key", "client.key", "desktop.key"), 0o600)
    assert set(modes) - set(keys) == {"ca.pem", "server.pem", "client.pem", "desktop.pem"}


def test_an_authority_that_is_there_signs_again(tmp_path: Path) -> None:
    _certs(tmp_path)
    kept = {name: (tmp_path / name).read_bytes() for name in ("ca.pem", "ca.key")}
    first = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    result = _certs(tmp_path, "--name", "gw.example")
    assert {name: (tmp_path / name).read_bytes() for name in kept} == kept
    assert "ca.pem" not in result.stdout
    second = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    assert second.serial_number != first.serial_number
    _handshake(*_contexts(tmp_path, "client"), "gw.example")


@pytest.mark.parametrize("missing", ["ca.pem", "ca.key"])
def test_half_an_authority_is_not_replaced(tmp_path: Path, missing: str) -> None:
    _certs(tmp_path)
    (tmp_path / missing).unlink()
    result = _certs(tmp_path)
    assert result.exit_code == 1
    assert "is missing" in result.stderr
    assert not (tmp_path / missing).exists()


def test_a_key_of_another_authority_is_refused(tmp_path: Path) -> None:
    _certs(tmp_path / "a")
    _certs(tmp_path / "b")
    shutil.copy(tmp_path / "a" / "ca.key", tmp_path / "b" / "ca.key")
    result = _certs(tmp_path / "b")
    assert result.exit_code == 1
    assert "is not the key of" in result.stderr


@pytest.mark.parametrize("name", ["ca", "server", "../x", "", ".hidden", "x" * 65])
def test_a_client_name_that_is_no_file_or_would_overwrite_is_wrong_use(tmp_path: Path, name: str) -> None:
    result = _certs(tmp_path / "new", "--client", name)
    assert result.exit_code == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(
    shutil.which("openssl") is None and "CI" not in os.environ,
    reason="needs the openssl command; in CI its absence is a failure",
)
def test_openssl_verifies_the_chain_strictly(tmp_path: Path) -> None:
    _certs(tmp_path)
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem"]
    for purpose, name in (("sslserver", "server.pem"), ("sslclient", "client.pem")):
        subprocess.run([*verify, "-purpose", purpose, name], cwd=tmp_path, check=True, capture_output=True)
