"""One documented configuration key.

Knows how a key states its meaning, range and allowed values beside the attribute that holds it, so that the loader,
`ctigw check --show` and the documentation read one place (design 4: every key documented; errors say what is allowed).
Must not know files or TOML.
"""

import enum
from collections.abc import Sequence
from typing import Any, Final

import attrs

KEY: Final = "ctigw.config.key"
"""Metadata slot under which an attribute carries its `Key`."""


class Form(enum.Enum):
    """What a text or a path must look like, beyond its length. The value is the sentence that errors show."""

    BIND_ADDRESS = "HOST:PORT or [IPv6]:PORT, port 0 to 65535"
    """An address that we listen on; port 0 lets the system choose."""
    DIAL_ADDRESS = "HOST:PORT or [IPv6]:PORT, port 1 to 65535"
    IP_ADDRESS = "an IPv4 or IPv6 address without a port"
    SUBJECT = "ATTRIBUTE=VALUE, for instance CN=desktop; several separated by commas"
    STORE_URL = "http://HOST:PORT or https://HOST:PORT"
    FILE = "the path of a readable file"
    DIRECTORY = "the path of a directory; made when it is needed"


@attrs.frozen
class Key:
    """What the documentation and the loader need to know about one key, besides its type and default."""

    about: str
    low: float | None = None
    """Smallest allowed number, inclusive; in the unit that the key's name states."""
    high: float | None = None
    choices: tuple[str, ...] = ()
    """Allowed texts; empty: any."""
    max_bytes: int | None = None
    """Longest allowed text in Latin-1 bytes; None: no limit of its own."""
    form: Form | None = None
    """What the text or path must look like; None: anything."""


def key(
    about: str,
    *,
    default: Any = attrs.NOTHING,  # noqa: ANN401 - the attribute's annotation gives the type, as in attrs.field itself
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] = (),
    max_bytes: int | None = None,
    form: Form | None = None,
) -> Any:  # noqa: ANN401 - stands on the right of an annotated attribute, as attrs.field does
    """Declare an attribute of a settings class; mutable defaults are given as `attrs.Factory`."""
    described = Key(about=about, low=low, high=high, choices=tuple(choices), max_bytes=max_bytes, form=form)
    return attrs.field(default=default, metadata={KEY: described})
