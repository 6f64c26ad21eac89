"""An independent counter of terms, day by day, that shares no code with the service."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta

import holidays

Closure = tuple[date, date, str]
SATURDAY_AND_SUNDAY = (6, 7)
# The general holidays bind offices in Hong Kong; the library calls some of them optional.
OF_OFFICES = {"HK": ("public", "optional")}


def days_off(code: str, first: date, last: date, closures: Iterable[Closure] = ()) -> frozenset[date]:
    """The days between two days that a place does not work, from the library itself; `plain` has its weekends only."""
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    closed = {day for day in every for start, end, _name in closures if start <= day <= end}
    if code == "plain":
        return frozenset(closed | {day for day in every if day.isoweekday() in SATURDAY_AND_SUNDAY})
    country, _hyphen, part = code.partition("-")
    calendar = holidays.country_holidays(country, subdiv=part or None, categories=OF_OFFICES.get(code))
    return frozenset(closed | {day for day in every if not calendar.is_working_day(day)})


def counted(trigger: date, period: str, roll: str, off: Collection[date]) -> date:
    """The day on which the period ends, without the day of the trigger, and rolled as the rule says."""
    number, unit = period.split(" ")
    day = _walked(trigger, int(number), unit.removesuffix("s"), off)
    if roll == "next-working-day":
        while day in off:
            day = _next(day)
    if roll == "from-saturday-sunday" and day.isoweekday() in SATURDAY_AND_SUNDAY:
        while day in off or day.isoweekday() in SATURDAY_AND_SUNDAY:
            day = _next(day)
    return day


def _walked(trigger: date, number: int, unit: str, off: Collection[date]) -> date:
    if unit == "month":
        return _walked_months(trigger, number)
    day, left = trigger, number * 7 if unit == "week" else number
    while left:
        day = _next(day)
        if unit != "working-day" or day not in off:
            left -= 1
    return day


def _walked_months(trigger: date, number: int) -> date:
    """The last day of the target month whose number is not above that of the trigger."""
    day, begun, fits = trigger, 0, trigger
    while True:
        day = _next(day)
        begun += day.day == 1
        if begun > number:
            return fits
        if begun == number and day.day <= trigger.day:
            fits = day


def _next(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
