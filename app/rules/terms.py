"""How a term is counted, and where a day lies at the seat of a case: pure arithmetic of days and zones."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.rules.model import SET_PER_CASE, Citation, Term

COUNTINGS = ("day-after",)
ROLLS = ("none",)
# Later days leave no room for the midnight that ends them in every zone.
LAST_DAY = date(9998, 12, 31)

_PERIOD = re.compile(r"([1-9][0-9]{0,3}) (day|week|month)s?", re.ASCII)
_MICROSECOND = timedelta(microseconds=1)


class TermFault(ValueError):
    """A period that is not understood, or a day that the term cannot have."""


class LocalTimeFault(ValueError):
    """A local time that does not exist at the seat, or that comes twice there."""


@dataclass(frozen=True, slots=True)
class Period:
    """A number of days, weeks or months."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a term, and how it was found: ordered lines that a person can read."""

    due_on: date
    explanation: tuple[str, ...]


def parse_period(text: str) -> Period | None:
    """The period that a rule set writes (`30 days`, `1 month`); None for `set-per-case`; TermFault for another."""
    if text == SET_PER_CASE:
        return None
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise TermFault(f"unknown period '{text}' (known: {SET_PER_CASE}, or a number of days, weeks or months)")
    return Period(int(found[1]), found[2])


def last_day(period: Period, trigger_on: date) -> date:
    """The last day of the period when the day of the trigger is not counted; TermFault beyond the calendar.

    A period of months ends on the day of the same number, or on the last day of a month that is too short for it.
    """
    try:
        if period.unit == "month":
            years, month = divmod(trigger_on.month - 1 + period.count, 12)
            year = trigger_on.year + years
            return date(year, month + 1, min(trigger_on.day, monthrange(year, month + 1)[1]))
        return trigger_on + timedelta(days=period.count * (7 if period.unit == "week" else 1))
    except (OverflowError, ValueError) as error:
        raise TermFault(f"a period of {period.count} {period.unit}s ends beyond the calendar") from error


def due(term: Term, trigger: str, trigger_on: date, set_on: date | None) -> Due:
    """When the term that this trigger starts is due, and why.

    `set_on` is the day that is given to a term whose period is `set-per-case`, or settable. Raises TermFault where it
    is missing, given for a term that is counted, not after the trigger, or beyond the calendar.
    """
    period = parse_period(term.period)
    if period is not None and set_on is not None and term.settable:
        due_on = _given(term, trigger_on, set_on)
        counted = (
            f"Period: {term.period}, unless another is stated; the day was stated for this case.",
            "Counting: none, since the day itself was stated.",
        )
    elif period is None:
        due_on = _given(term, trigger_on, set_on)
        counted = (
            "Period: set for this case by the registry; the rules give no number.",
            "Counting: none, since the registry gave the day itself.",
        )
    else:
        if set_on is not None:
            raise TermFault(f"the period of '{term.name}' is {term.period}; no day is set for it")
        due_on = last_day(period, trigger_on)
        first = trigger_on + timedelta(days=1)
        counted = (
            f"Period: {term.period}.",
            f"Counting: the day of the trigger does not count, so the first day is {_written(first)}.",
        )
    if due_on > LAST_DAY:
        raise TermFault(f"'{term.name}' cannot be due after {LAST_DAY.isoformat()}")
    return Due(
        due_on,
        (
            f"Trigger: '{trigger}' on {_written(trigger_on)}.",
            *counted,
            "Roll: none; the day stays where it falls.",
            f"Due: {_written(due_on)}, until the end of that day at the seat.",
            _rests_on(term.citation),
        ),
    )


def _given(term: Term, trigger_on: date, set_on: date | None) -> date:
    if set_on is None:
        raise TermFault(f"'{term.name}' needs a day, which is set for each case")
    if set_on <= trigger_on:
        raise TermFault(f"'{term.name}' cannot be due on {set_on.isoformat()}, which is not after its trigger")
    return set_on


def _written(day: date) -> str:
    """The day with its weekday, in English whatever the locale of the machine."""
    weekday = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")[day.weekday()]
    return f"{weekday} {day.isoformat()}"


def _rests_on(citation: Citation) -> str:
    if citation.standing == "institution":
        return "Rule: no article; the registry's own practice (standing: institution)."
    places = ", ".join(place for place in (citation.article, citation.source) if place is not None)
    return f"Rule: {places} (standing: {citation.standing})."


def day_at(instant: datetime, zone: ZoneInfo) -> date:
    """The day on which an instant falls at the seat; ValueError for a time without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return instant.astimezone(zone).date()


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the day is over at the seat: 00:00 of the next day, exclusive.

    Where clocks jump over that midnight, the day is over when they jump; where they go back over it, the last time.
    """
    midnight = datetime.combine(day + timedelta(days=1), time())
    for fold in (1, 0):
        instant = midnight.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        exists = instant.astimezone(zone).replace(tzinfo=None) == midnight
        if exists and day_at(instant - _MICROSECOND, zone) <= day:
            return instant
    return _jump_over(day, midnight, zone)


def _jump_over(day: date, midnight: datetime, zone: ZoneInfo) -> datetime:
    """The second at which clocks jump from that day into a later one."""
    before = midnight.replace(tzinfo=zone, fold=1).astimezone(UTC) - timedelta(seconds=1)
    seconds = int((midnight.replace(tzinfo=zone, fold=0).astimezone(UTC) - before).total_seconds())
    low, high = 0, seconds
    while low < high:
        middle = (low + high) // 2
        if day_at(before + timedelta(seconds=middle), zone) > day:
            high = middle
        else:
            low = middle + 1
    return before + timedelta(seconds=low)


def at_seat(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) of a local time at the seat.

    Raises LocalTimeFault for a time that summer time skips or repeats, for one that carries a zone of its own, and
    for one beyond the calendar.
    """
    if local.tzinfo is not None:
        raise LocalTimeFault("a local time at the seat carries no zone of its own")
    try:
        first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        back = first.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError as error:
        raise LocalTimeFault(f"{local.isoformat()} lies beyond the calendar") from error
    if back != local.replace(fold=0):
        raise LocalTimeFault(f"{local.isoformat()} does not exist in {zone.key}: clocks skip it")
    if first != second:
        raise LocalTimeFault(f"{local.isoformat()} comes twice in {zone.key}: clocks go back over it")
    return first
