"""Weekday and time of day in a time zone, for an instant given in UTC seconds.

The only file of the cores that may use `datetime`: with the time zone database given, this is a pure function of the
instant, and no clock is read (tests/test_architecture.py holds it to that). The database is read once, when a script
is compiled.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class LocalTime(NamedTuple):
    """What a clock on the wall shows."""

    weekday: int
    """0 is Monday."""
    second: int
    """Of the day by the clock's face: 3600 is 01:00, whatever a change of the clocks left out or repeated."""


class Zone:
    """A time zone of the IANA database."""

    def __init__(self, name: str) -> None:
        """Raises ValueError when there is no such zone."""
        try:
            self._zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError) as error:
            raise ValueError(f"no time zone {name!r}") from error

    def local_time(self, now: float) -> LocalTime:
        """Weekday and time of day at an instant."""
        local = datetime.fromtimestamp(now, UTC).astimezone(self._zone)
        return LocalTime(local.weekday(), (local.hour * 60 + local.minute) * 60 + local.second)
