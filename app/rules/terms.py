"""Counts terms: pure arithmetic of days and calendars."""

import re
from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.rules.model import SET_PER_CASE, Citation, Term

COUNTINGS = ("day-after",)
ROLLS = ("none", "next-working-day", "from-saturday-sunday")
RUNS_FROM = ("step", "dispatch", "receipt")
CALENDARS = ("seat", "parties", "addressee", "institution")
# In some zones the midnight that ends a later day would be beyond the last year of `datetime`.
LAST_DAY = date(9998, 12, 31)
SATURDAY = 5
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_PERIOD = re.compile(r"([1-9][0-9]{0,3}) (day|week|month|working-day)s?", re.ASCII)
_DAY = timedelta(days=1)
# No country rests for longer, and a calendar without working days would never end the count.
_LONGEST_REST = 400


class TermFault(ValueError):
    """An unknown period, or a day on which the term cannot end."""


@dataclass(frozen=True, slots=True)
class Period:
    """A number of days, weeks, months or working days."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days off at a place: its weekend (Monday is 0) and its holidays, with their names.

    `worked` are days of the weekend that are working days.
    """

    name: str
    version: str
    weekend: frozenset[int]
    holidays: Mapping[date, str]
    worked: Collection[date] = ()

    def off(self, day: date) -> str | None:
        """Why the day is a day off; None if it is a working day."""
        if name := self.holidays.get(day):
            return f"{name} ({self.name})"
        rests = day.weekday() in self.weekend and day not in self.worked
        return f"a {WEEKDAYS[day.weekday()]} ({self.name})" if rests else None


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a term, and its explanation in ordered lines; `was_given` if the day itself was given."""

    due_on: date
    explanation: tuple[str, ...]
    was_given: bool = False


def parse_period(text: str) -> Period | None:
    """Parse a period (`30 days`, `10 working-days`); None for `set-per-case`. Raises TermFault for anything else."""
    if text == SET_PER_CASE:
        return None
    match = _PERIOD.fullmatch(text)
    if match is None:
        choices = f"{SET_PER_CASE}, or a number of days, weeks, months or working-days"
        raise TermFault(f"unknown period '{text}' (known: {choices})")
    return Period(int(match[1]), match[2])


def last_day(period: Period, trigger_on: date, calendars: Sequence[Calendar] = ()) -> date:
    """The last day of the period, which begins on the day after the trigger.

    A period of months ends on the day of the same number, or on the last day of a month that is too short for it. A
    working day is a working day in every calendar. Raises TermFault beyond the calendar.
    """
    return _counted(period, trigger_on, calendars)[0]


def _counted(period: Period, trigger_on: date, calendars: Sequence[Calendar]) -> tuple[date, list[str]]:
    try:
        if period.unit == "month":
            years, month = divmod(trigger_on.month - 1 + period.count, 12)
            year = trigger_on.year + years
            return date(year, month + 1, min(trigger_on.day, monthrange(year, month + 1)[1])), []
        if period.unit == "working-day":
            return _after_working_days(trigger_on, period.count, calendars)
        return trigger_on + period.count * (7 if period.unit == "week" else 1) * _DAY, []
    except TermFault:
        raise
    except (OverflowError, ValueError) as error:
        raise TermFault(f"a period of {period.count} {period.unit}s ends beyond the calendar") from error


def _after_working_days(day: date, count: int, calendars: Sequence[Calendar]) -> tuple[date, list[str]]:
    skipped: list[str] = []
    for _working_day in range(count):
        day, lines = next_working_day(day + _DAY, calendars)
        skipped += lines
    return day, skipped


def next_working_day(day: date, calendars: Sequence[Calendar]) -> tuple[date, list[str]]:
    """The first working day of every calendar from that day on, and a line for each day that was skipped.

    Raises TermFault if the calendars have none.
    """
    skipped: list[str] = []
    while reasons := [why for calendar in calendars if (why := calendar.off(day)) is not None]:
        skipped.append(f"Not counted: {written(day)}, {' and '.join(reasons)}.")
        if len(skipped) > _LONGEST_REST:
            raise TermFault(f"the calendars have no working day for {_LONGEST_REST} days")
        day += _DAY
    return day, skipped


def due(
    term: Term,
    trigger: str,
    trigger_on: date,
    set_on: date | None,
    calendars: Sequence[Calendar] = (),
    received_by: str | None = None,
) -> Due:
    """When the term that the trigger starts is due, and why.

    `set_on` is the day of a term whose period is `set-per-case`, or settable; `received_by` names the party whose
    receipt is the trigger. Raises TermFault for a day that is missing, set for a term that is counted, not after the
    trigger, or beyond the calendar.
    """
    period = parse_period(term.period)
    if period is not None and set_on is not None and not term.settable:
        raise TermFault(f"the period of '{term.name}' is {term.period}, so no day can be set for it")
    if period is None or set_on is not None:
        due_on = _day_set(term, trigger_on, set_on)
        lines = [*_lines_of_a_set_day(term), "Roll: none, since the day itself was given."]
    else:
        due_on, counted = _counted_and_rolled(term, trigger_on, period, calendars)
        lines = [
            f"Period: {term.period}.",
            f"Counting: the day of the trigger does not count, so the first day is {written(trigger_on + _DAY)}.",
            *(calendar_lines(calendars) if _needs_calendars(term, period) else ()),
            *counted,
        ]
    _within_the_calendar(term, due_on)
    return Due(
        due_on,
        (
            f"Trigger: '{trigger}'{f', received by {received_by},' if received_by else ''} on {written(trigger_on)}.",
            *lines,
            f"Due: {written(due_on)}, until the end of that day at the seat.",
            _rests_on(term.citation),
        ),
        was_given=period is None or set_on is not None,
    )


def _counted_and_rolled(
    term: Term, since: date, period: Period | None, calendars: Sequence[Calendar]
) -> tuple[date, list[str]]:
    """The last day of a period (None: that day itself) after the term's rule of rolling, and the lines about days."""
    day, skipped = (since, []) if period is None else _counted(period, since, calendars)
    _within_the_calendar(term, day)
    day, rolled = _rolled(term, day, calendars)
    _within_the_calendar(term, day)
    return day, [*skipped, *rolled]


def with_reason(explanation: Sequence[str], why: str | None) -> list[str]:
    """An explanation that says, after its trigger, why the trigger counts on its day; None adds nothing."""
    return [*explanation[:1], *([why] if why else []), *explanation[1:]]


def _within_the_calendar(term: Term, day: date) -> None:
    if day > LAST_DAY:
        raise TermFault(f"'{term.name}' cannot be due after {LAST_DAY.isoformat()}")


def _needs_calendars(term: Term, period: Period | None) -> bool:
    return term.roll != "none" or (period is not None and period.unit == "working-day")


def _lines_of_a_set_day(term: Term) -> tuple[str, str]:
    if term.period == SET_PER_CASE:
        return (
            "Period: set for this case by the registry; the rules give no number.",
            "Counting: none, since the registry gave the day itself.",
        )
    return (
        f"Period: {term.period}, unless another is stated; the day was stated for this case.",
        "Counting: none, since the day itself was stated.",
    )


def calendar_lines(calendars: Iterable[Calendar]) -> tuple[str, ...]:
    """A line for each calendar by which a term is counted: its version, and the days of the week on which it rests."""
    return tuple(
        f"Calendar: {calendar.name} ({calendar.version}); it rests on "
        f"{' and '.join(f'{WEEKDAYS[day]}s' for day in sorted(calendar.weekend)) or 'no day of the week'}."
        for calendar in calendars
    )


def _rolled(term: Term, day: date, calendars: Sequence[Calendar]) -> tuple[date, list[str]]:
    """The last day after the term's rule of rolling, and the lines that explain it."""
    if term.roll == "none":
        return day, ["Roll: none; the day stays where it falls."]
    if term.roll == "from-saturday-sunday" and day.weekday() < SATURDAY:
        return day, [f"Roll: only from a Saturday or Sunday; {written(day)} is neither, so the day stays."]
    # The rule names the two days itself, whatever the calendars say.
    resting = (*calendars, _SATURDAY_AND_SUNDAY) if term.roll == "from-saturday-sunday" else tuple(calendars)
    moved, skipped = next_working_day(day, resting)
    if moved == day:
        return day, [f"Roll: to the next working day; {written(day)} is one, so the day stays."]
    return moved, [*skipped, f"Roll: from {written(day)} to the next working day, {written(moved)}."]


_SATURDAY_AND_SUNDAY = Calendar("the rule itself", "", frozenset({5, 6}), {})


def _day_set(term: Term, trigger_on: date, set_on: date | None) -> date:
    if set_on is None:
        raise TermFault(f"'{term.name}' needs a day, which is set for each case")
    if set_on <= trigger_on:
        raise TermFault(f"'{term.name}' cannot be due on {set_on.isoformat()}, which is not after its trigger")
    return set_on


def extended(term: Term, first_due_on: date, due_on: date, until_on: date, calendars: Sequence[Calendar] = ()) -> Due:
    """The term with a later last day.

    `first_due_on` is its day before any extension; `calendars` matter to a limit in working days. Raises TermFault for
    a day that is not later, or beyond the limit of all extensions.
    """
    if until_on <= due_on:
        raise TermFault(f"an extension must end after {due_on.isoformat()}, the present day of the term")
    _within_the_calendar(term, until_on)
    at_most = parse_period(term.extend_at_most) if term.extend_at_most else None
    if at_most is not None and until_on > (latest := last_day(at_most, first_due_on, calendars)):
        raise TermFault(
            f"extensions of '{term.name}' must end by {latest.isoformat()}: at most {term.extend_at_most} in all"
        )
    return Due(
        until_on,
        (
            f"Extended: from {written(due_on)} to {written(until_on)}.",
            f"Due: {written(until_on)}, until the end of that day at the seat.",
        ),
    )


def remaining(term: Term, on: date, due_on: date, calendars: Sequence[Calendar] = ()) -> int:
    """The days of the term that are left after a day, in the unit of the term: days or working days."""
    if not counts_working_days(term):
        return (due_on - on).days
    left, day = 0, on
    while day < due_on:
        day, _skipped = next_working_day(day + _DAY, calendars)
        left += day <= due_on
    return left


def resumed(term: Term, on: date, left: int, calendars: Sequence[Calendar] = ()) -> Due:
    """The term resumed on a day with `left` days or working days left; the first is the day after."""
    day, counted = _counted_and_rolled(term, on, _left(term, left), calendars)
    lines = (f"Resumed: on {written(on)}, with {days_in_words(term, left)} left.", *counted)
    return Due(day, (*lines, f"Due: {written(day)}, until the end of that day at the seat."))


def counted_again(term: Term, since: date, left: int | None, due_on: date, calendars: Sequence[Calendar]) -> Due:
    """A running term counted again by calendars that have changed; `due_on` is its present day.

    It counts from the day `since`, for its whole period or, where it was resumed, for the days that were `left`.
    """
    period = parse_period(term.period) if left is None else _left(term, left)
    day, counted = _counted_and_rolled(term, since, period, calendars)
    lines = (f"Moved: from {written(due_on)} to {written(day)}.", *counted)
    return Due(day, (*lines, f"Due: {written(day)}, until the end of that day at the seat."))


def _left(term: Term, count: int) -> Period | None:
    unit = "working-day" if counts_working_days(term) else "day"
    return Period(count, unit) if count > 0 else None


def days_in_words(term: Term, count: int) -> str:
    """A number of days in the unit of the term: `3 working days`, `1 day`."""
    return f"{count} {'working day' if counts_working_days(term) else 'day'}{'' if count == 1 else 's'}"


def counts_working_days(term: Term) -> bool:
    """Whether the period of a term is a number of working days."""
    period = parse_period(term.period)
    return period is not None and period.unit == "working-day"


def written(day: date) -> str:
    """The day with its weekday, in English in every locale."""
    return f"{WEEKDAYS[day.weekday()]} {day.isoformat()}"


def _rests_on(citation: Citation) -> str:
    if citation.standing == "institution":
        return "Rule: no article; the registry's own practice (standing: institution)."
    places = ", ".join(place for place in (citation.article, citation.source) if place is not None)
    return f"Rule: {places} (standing: {citation.standing})."
