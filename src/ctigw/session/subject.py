"""Subjects of client certificates: writing one down, and the rule that compares it with a configured one.

Knows "CN=desktop,O=x" (RFC 4514 order and escapes, as far as an operator writes them); must not know TLS libraries.
Rule: every attribute of the configured subject must stand in the certificate's subject with an equal value (decisions
D1, design 4 `certificate_subject`). The order does not matter, further attributes of the certificate do not either.
"""

from collections.abc import Iterable, Sequence

_SHORT_NAMES = {
    "COMMONNAME": "CN",
    "COUNTRYNAME": "C",
    "STATEORPROVINCENAME": "ST",
    "LOCALITYNAME": "L",
    "STREETADDRESS": "STREET",
    "ORGANIZATIONNAME": "O",
    "ORGANIZATIONALUNITNAME": "OU",
    "DOMAINCOMPONENT": "DC",
    "USERID": "UID",
}
_SEPARATORS = ",+"
_ESCAPED = set(',+"\\<>;=')


def format_subject(relative_names: Iterable[Sequence[tuple[str, str]]]) -> str:
    """Write a subject as text, from the form that `ssl.SSLSocket.getpeercert()["subject"]` has."""
    return ",".join(
        f"{_short(name)}={_escape(value)}" for relative_name in relative_names for name, value in relative_name
    )


def parse_subject(text: str) -> list[tuple[str, str]]:
    """Attributes of a written subject, names in their short upper-case form. An item without "=" has an empty value."""
    attributes = []
    for item in _split(text):
        name, _, value = item.partition("=")
        attributes.append((_short(name.strip()), _unescape(value.strip())))
    return attributes


def subject_matches(configured: str, certificate: str | None) -> bool:
    """Whether a certificate's subject fulfils the configured one. Anybody fulfils an empty one."""
    wanted = parse_subject(configured)
    if not wanted:
        return True
    if certificate is None:
        return False
    present = parse_subject(certificate)
    return all(attribute in present for attribute in wanted)


def _short(name: str) -> str:
    upper = name.upper()
    return _SHORT_NAMES.get(upper, upper)


def _split(text: str) -> list[str]:
    items, item, escaped = [], "", False
    for character in text:
        if character in _SEPARATORS and not escaped:
            items.append(item)
            item = ""
            continue
        item += character
        escaped = character == "\\" and not escaped
    return [part for part in (*items, item) if part.strip()]


def _escape(value: str) -> str:
    return "".join("\\" + character if character in _ESCAPED else character for character in value)


def _unescape(value: str) -> str:
    plain, escaped = "", False
    for character in value:
        if character == "\\" and not escaped:
            escaped = True
            continue
        plain += character
        escaped = False
    return plain
