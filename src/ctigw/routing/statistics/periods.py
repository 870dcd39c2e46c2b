"""Periods over which numbers are told: today, the half hour that runs, the last five minutes.

Knows how to keep what numbers were when a period began, in fixed places; must not know what they count. [OURS]: days
and half hours are those of UTC; "the last five minutes" move in steps of one slot and are at most five minutes long, as
departures of a queue are (semantics 5.5). Nobody has to wake a ledger when a period begins: the first change after it
notes what the numbers were at that instant, and reading before that change works it out.
"""

import abc
from typing import ClassVar

import attrs

SLOT_S = 30
"""Step in which the five minutes move. Half hours and days begin with a slot."""
SLOTS = 10
HALF_HOUR_S = 1800
DAY_S = 86_400


@attrs.define(eq=False, weakref_slot=False)
class Ledger(abc.ABC):
    """Numbers that only grow, with what they were when the periods began."""

    SHORT: ClassVar[int | None] = None
    """How many numbers, from the first, are also told for the short periods, half hour and five minutes; None: all."""

    due: float = 0.0
    """UTC seconds of the next slot: a change at or after it has to `roll` first."""
    day: tuple[float, ...] = ()
    half_hour: tuple[float, ...] = ()
    """Short."""
    slots: list[tuple[float, ...]] = attrs.Factory(list)
    """At the beginning of each of the last slots, by its number modulo `SLOTS`. Short."""

    @abc.abstractmethod
    def values_at(self, now: float) -> tuple[float, ...]:
        """All numbers at an instant not before the last change."""

    def short_at(self, now: float) -> tuple[float, ...]:
        """Those of the values that are told for short periods."""
        return self.values_at(now)[: self.SHORT]

    def begin(self, now: float) -> None:
        """Everything is 0 before `now`."""
        self.day = self.values_at(now)
        self.half_hour = self.day[: self.SHORT]
        self.slots = [self.half_hour] * SLOTS
        self.due = (now // SLOT_S + 1) * SLOT_S

    def roll(self, now: float) -> None:
        """Note what the numbers were when periods began since the last change."""
        slot = int(now // SLOT_S)
        for number in range(max(int(self.due // SLOT_S), slot - SLOTS + 1), slot + 1):
            self.slots[number % SLOTS] = self.short_at(number * SLOT_S)
        half_hour, day = _begin(now, HALF_HOUR_S), _begin(now, DAY_S)
        if half_hour >= self.due:
            self.half_hour = self.short_at(half_hour)
        if day >= self.due:
            self.day = self.values_at(day)
        self.due = (slot + 1) * SLOT_S

    def before_today(self, now: float) -> tuple[float, ...]:
        """The numbers when the day of `now` began."""
        begin = _begin(now, DAY_S)
        return self.day if begin < self.due else self.values_at(begin)

    def before_half_hour(self, now: float) -> tuple[float, ...]:
        """The short numbers when the half hour of `now` began."""
        begin = _begin(now, HALF_HOUR_S)
        return self.half_hour if begin < self.due else self.short_at(begin)

    def before_five_minutes(self, now: float) -> tuple[float, ...]:
        """The short numbers when the last five minutes before `now` began."""
        number = int(now // SLOT_S) - SLOTS + 1
        begin = number * SLOT_S
        return self.slots[number % SLOTS] if begin < self.due else self.short_at(begin)


def _begin(now: float, length_s: int) -> float:
    return now // length_s * length_s


@attrs.define(weakref_slot=False)
class Peaks:
    """The greatest value of each period. A maximum cannot be had from two readings, so it is kept for each."""

    slots: dict[int, float] = attrs.Factory(dict)
    """By number of the slot; no more than `SLOTS` of them."""
    half_hour: tuple[int, float] = (0, 0.0)
    day: tuple[int, float] = (0, 0.0)
    """Number of the period, and the greatest value in it."""

    def note(self, value: float, now: float) -> None:
        """One value at `now`."""
        slot = int(now // SLOT_S)
        if value <= self.slots.get(slot, -1.0):
            return  # the other periods include the slot
        self.slots[slot] = value
        while (oldest := next(iter(self.slots))) <= slot - SLOTS:
            del self.slots[oldest]
        half_hour, day = int(now // HALF_HOUR_S), int(now // DAY_S)
        self.half_hour = (half_hour, max(value, _within(self.half_hour, half_hour)))
        self.day = (day, max(value, _within(self.day, day)))

    def five_minutes(self, now: float) -> float:
        """Greatest of the last five minutes; 0 when there was none."""
        begin = int(now // SLOT_S) - SLOTS
        return max((value for slot, value in self.slots.items() if slot > begin), default=0.0)

    def of_half_hour(self, now: float) -> float:
        """Greatest of the half hour that runs."""
        return _within(self.half_hour, int(now // HALF_HOUR_S))

    def today(self, now: float) -> float:
        """Greatest of today."""
        return _within(self.day, int(now // DAY_S))


def _within(kept: tuple[int, float], number: int) -> float:
    return kept[1] if kept[0] == number else 0.0
