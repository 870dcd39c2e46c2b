"""Open hours: `Mo-Fr 08:00-12:00, 13:00-18:00; Sa 09:00-13:00`.

Knows how hours are written and whether a weekday and time of day falls into them; must not know zones or instants.

    hours  = item { ("," | ";") item }        item  = days times | days | times
    days   = day [ "-" day ]                   times = HH:MM "-" HH:MM, 24:00 as an end is midnight

Days without times belong to the next times (`Mo, We 08:00-12:00`). Times without days are for the days before them;
after `;` or at the beginning for every day. Times that end at or before their beginning go over midnight and belong to
the day on which they begin. [OURS] A range that begins and ends at the same time is refused: it could mean all or
nothing.
"""

import re

import attrs

WEEK = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
DAY_S = 86_400
_ITEM = re.compile(
    r"(?:(?P<day>[A-Za-z]{2})(?:\s*-\s*(?P<last>[A-Za-z]{2}))?)?\s*"
    r"(?:(?P<begin>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2}))?"
)
_NUMBERS = {name.lower(): number for number, name in enumerate(WEEK)}


@attrs.frozen
class OpenHours:
    """Ranges of seconds of the day for each weekday, those from the evening before included."""

    by_weekday: tuple[tuple[tuple[int, int], ...], ...]

    def hold(self, weekday: int, second: int) -> bool:
        """Whether it is open; the beginning of a range belongs to it, its end does not."""
        return any(begin <= second < end for begin, end in self.by_weekday[weekday])


def parse_open_hours(text: str) -> OpenHours:
    """Parse. Raises ValueError that names the part that cannot be read."""
    hours: list[list[tuple[int, int]]] = [[] for _ in WEEK]
    waiting: set[int] = set()
    days: set[int] = set(range(len(WEEK)))
    separators = [";", *re.findall(r"[,;]", text)]
    for separator, part in zip(separators, re.split(r"[,;]", text), strict=True):
        item = part.strip()
        found = _ITEM.fullmatch(item)
        if found is None or not item:
            raise ValueError(f"cannot read {item!r}")
        if separator == ";":
            if waiting:
                raise ValueError(f"days without times before {item!r}")
            days = set(range(len(WEEK)))
        named = _days(found["day"], found["last"])
        if found["begin"] is None:
            waiting |= named
            continue
        if named or waiting:
            days, waiting = named | waiting, set()
        for day in sorted(days):
            _add(hours, day, _second(found["begin"], item), _second(found["end"], item), item)
    if waiting:
        raise ValueError("ends with days without times")
    return OpenHours(tuple(tuple(sorted(ranges)) for ranges in hours))


def _add(hours: list[list[tuple[int, int]]], day: int, begin: int, end: int, item: str) -> None:
    if begin in (end, DAY_S):
        raise ValueError(f"{item!r} is empty; all day is 00:00-24:00")
    if begin < end:
        hours[day].append((begin, end))
        return
    hours[day].append((begin, DAY_S))
    if end:
        hours[(day + 1) % len(WEEK)].append((0, end))


def _days(first: str | None, last: str | None) -> set[int]:
    """Days from `first` to `last`, through Sunday if need be."""
    if first is None:
        return set()
    begin, end = (_day(name) for name in (first, last or first))
    return {(begin + offset) % len(WEEK) for offset in range((end - begin) % len(WEEK) + 1)}


def _day(name: str) -> int:
    if name.lower() not in _NUMBERS:
        raise ValueError(f"no day {name!r}, days are {', '.join(WEEK)}")
    return _NUMBERS[name.lower()]


def _second(text: str, item: str) -> int:
    hour, minute = (int(number) for number in text.split(":"))
    if minute > 59 or hour * 60 + minute > 24 * 60:
        raise ValueError(f"{item!r} has no time of day")
    return (hour * 60 + minute) * 60
