"""What addresses, subjects, URLs and files of a configuration must look like.

Knows syntax and the file system as far as existence and readability go; must not know which key a value belongs to.
Rule: decisions G1 (paths are relative to the configuration file; a bare name is looked up in `$CREDENTIALS_DIRECTORY`
first).
"""

import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path

import attrs

from ctigw.config.key import Form

PORT_HIGH = 65_535
BEGINNING_BYTES = 4_096
"""As much of a file as is looked at for anything but blanks; no password is longer."""

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_SUBJECT_PART = re.compile(r"\s*[A-Za-z][A-Za-z0-9.]*\s*=\s*\S.*")
_URL = re.compile(r"https?://(?P<address>[^/?#@]+)/?")


def form_problem(form: Form, value: str) -> str | None:
    """What is wrong with a text of this form; None when nothing is."""
    judge = _JUDGES.get(form)
    return None if judge is None else judge(value)


def _address_problem(value: str, lowest_port: int) -> str | None:
    host, colon, port = value.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port):
        return "has no port"
    if not lowest_port <= int(port) <= PORT_HIGH:
        return "has a port out of range"
    if host.startswith("[") and host.endswith("]"):
        return None if _is_ip(host[1:-1], 6) else "has no IPv6 address in the brackets"
    if ":" in host:
        return "has an IPv6 address without brackets"
    return None if _HOST.fullmatch(host) else "has no usable host"


def _bind_problem(value: str) -> str | None:
    return _address_problem(value, 0)


def _dial_problem(value: str) -> str | None:
    return _address_problem(value, 1)


def _ip_problem(value: str) -> str | None:
    return None if _is_ip(value, 4) or _is_ip(value, 6) else "is no IP address"


def _is_ip(value: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(value).version == version
    except ValueError:
        return False


def _subject_problem(value: str) -> str | None:
    parts = re.split(r"(?<!\\)[,+]", value)
    return None if all(_SUBJECT_PART.fullmatch(part) for part in parts) else "is no certificate subject"


def _url_problem(value: str) -> str | None:
    found = _URL.fullmatch(value)
    return "is no URL of a store" if found is None else _dial_problem(found["address"])


_JUDGES: dict[Form, Callable[[str], str | None]] = {
    Form.BIND_ADDRESS: _bind_problem,
    Form.DIAL_ADDRESS: _dial_problem,
    Form.IP_ADDRESS: _ip_problem,
    Form.SUBJECT: _subject_problem,
    Form.STORE_URL: _url_problem,
}


@attrs.frozen
class FileFinder:
    """Where the files that a configuration names are looked up."""

    folder: Path
    """Folder of the main configuration file; also for names in included files."""
    credentials: Path | None = None
    """`$CREDENTIALS_DIRECTORY`, where the service manager puts secrets."""

    def beside(self, name: str) -> Path:
        """A path as written, relative to the configuration file."""
        return self.folder / name

    def find(self, name: str) -> Path:
        """A file; a bare name is taken from the credentials when it is there."""
        if self.credentials is not None and "/" not in name:
            credential = self.credentials / name
            if credential.exists():
                return credential
        return self.beside(name)

    def problem(self, path: Path) -> str | None:
        """Why a file cannot be used, None when it can."""
        if not path.exists():
            return "does not exist"
        if not path.is_file():
            return "is not a file"
        if not os.access(path, os.R_OK):
            return "may not be read by this user"
        with path.open("rb") as file:
            # An empty password file would let anybody in.
            return None if file.read(BEGINNING_BYTES).strip() else "is empty"
