"""ctigw: a protocol-level gateway daemon for non-voice contact-centre tasks.

Knows its own version and nothing else; every part is imported by its own name.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ctigw")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0+unknown"
