"""Deadlines calculated by hand on a calendar, and counted again by an independent counter."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from app.institution.calendars.countries import calendar_of, plain
from app.rules.days import day_at, end_of_day
from app.rules.model import Citation, Term
from app.rules.terms import Calendar, due
from tests.rules.counter import Closure, counted, days_off

NONE, NEXT, WEEKEND = "none", "next-working-day", "from-saturday-sunday"


class Worked(NamedTuple):
    """A deadline: its trigger, how it is counted, the day on which it ends, and why."""

    trigger: str
    period: str
    roll: str
    calendars: str
    due: str
    why: str


def closed(first: str, last: str, name: str) -> Closure:
    """A closure from one day to another."""
    return date.fromisoformat(first), date.fromisoformat(last), name


# Calendars with closures that the institution entered: the calendar, and the closures.
CLOSED = {
    "HK+move": ("HK", [closed("2026-07-02", "2026-07-03", "The registry moves house")]),
    "plain+winter": ("plain", [closed("2026-12-24", "2027-01-01", "Winter recess")]),
    "US+thursday": ("US", [closed("2026-12-10", "2026-12-10", "A day of mourning")]),
    "US+monday": ("US", [closed("2026-12-14", "2026-12-14", "A day of mourning")]),
    "plain+long": ("plain", [closed("2026-03-02", "2026-04-17", "The building is unsafe")]),
}

WORKED = [
    # UNCITRAL: thirty days from the day on which the invitation is sent; no rule of rolling.
    Worked("2026-03-02", "30 days", NONE, "", "2026-04-01", "29 days are left of March, and one of April"),
    Worked("2026-01-30", "30 days", NONE, "", "2026-03-01", "1 + 28 days to the end of February; a Sunday stays"),
    Worked("2028-01-30", "30 days", NONE, "", "2028-02-29", "the leap day is the thirtieth"),
    Worked("2026-12-15", "30 days", NONE, "", "2027-01-14", "16 days are left of the year"),
    Worked("2026-11-25", "30 days", NONE, "", "2026-12-25", "Christmas Day stays where nothing rolls"),
    Worked("2026-02-28", "30 days", NONE, "", "2026-03-30", "the last of February does not count itself"),
    Worked("2026-11-25", "30 days", NEXT, "HK", "2026-12-28", "Friday 25 and Saturday 26 are holidays, 27 a Sunday"),
    Worked("2026-07-16", "30 days", NEXT, "IN", "2026-08-17", "Independence Day on a Saturday, then a Sunday"),
    # ICC: fifteen days from the receipt of the request; not less than seven to pay.
    Worked("2026-03-02", "15 days", NONE, "", "2026-03-17", "within one month"),
    Worked("2026-12-18", "15 days", NONE, "", "2027-01-02", "13 days are left of the year; a Saturday stays"),
    Worked("2026-04-16", "15 days", NEXT, "FR", "2026-05-04", "1 May rests in Paris, and is a Friday"),
    Worked("2026-06-29", "15 days", NEXT, "FR", "2026-07-15", "14 July rests in Paris"),
    Worked("2026-02-14", "7 days", NONE, "", "2026-02-21", "a Saturday stays"),
    Worked("2026-02-14", "7 days", NEXT, "FR", "2026-02-23", "the Saturday moves to Monday"),
    # ICSID, Rule 8: by the seat of the Centre; only a Saturday or Sunday moves, and then to a business day.
    Worked("2026-06-04", "30 days", WEEKEND, "US", "2026-07-06", "Saturday 4 July moves to Monday"),
    Worked("2026-06-03", "30 days", WEEKEND, "US", "2026-07-03", "a holiday on a Friday does not move"),
    Worked("2026-06-03", "30 days", NEXT, "US", "2026-07-06", "with the wider rule the same Friday would"),
    Worked("2027-03-30", "60 days", WEEKEND, "US", "2027-06-01", "Saturday 29 May; Monday is Memorial Day"),
    Worked("2027-03-31", "60 days", WEEKEND, "US", "2027-06-01", "Sunday 30 May; Monday is Memorial Day"),
    Worked("2027-04-01", "60 days", WEEKEND, "US", "2027-05-31", "Memorial Day itself is a Monday and stays"),
    Worked("2026-05-08", "120 days", WEEKEND, "US", "2026-09-08", "Saturday 5 September; Monday is Labor Day"),
    Worked("2026-05-05", "120 days", WEEKEND, "US", "2026-09-02", "26 + 30 + 31 + 31 + 2; a Wednesday"),
    Worked("2027-11-15", "120 days", WEEKEND, "US", "2028-03-14", "15 + 31 + 31 + 29 + 14; a Tuesday"),
    Worked("2026-11-06", "20 days", WEEKEND, "US", "2026-11-26", "Thanksgiving is a Thursday and stays"),
    Worked("2026-11-08", "20 days", WEEKEND, "US", "2026-11-30", "Saturday 28 November moves to Monday"),
    Worked("2026-12-11", "15 days", WEEKEND, "US", "2026-12-28", "Saturday 26 December moves to Monday"),
    Worked("2027-01-30", "15 days", WEEKEND, "US", "2027-02-16", "Sunday; Monday is Washington's Birthday"),
    Worked("2026-12-18", "30 days", WEEKEND, "US", "2027-01-19", "Sunday 17 January; Monday is Martin Luther King Day"),
    Worked("2026-11-20", "20 days", WEEKEND, "US+thursday", "2026-12-10", "a closure on a Thursday does not move it"),
    Worked("2026-11-27", "15 days", WEEKEND, "US+monday", "2026-12-15", "Saturday; the Monday after is closed"),
    Worked("2026-09-03", "15 days", WEEKEND, "SA", "2026-09-18", "a Friday stays, though Riyadh rests on it"),
    Worked("2026-09-04", "15 days", WEEKEND, "SA", "2026-09-21", "a Saturday moves over the Sunday that Riyadh works"),
    Worked("2026-01-08", "1 working-day", WEEKEND, "SA", "2026-01-12", "Sunday 11 works there, and the rule moves it"),
    # HKIAC: fourteen days to reply, forty-two to conclude; in Hong Kong a Saturday is no general holiday.
    Worked("2026-09-12", "14 days", NEXT, "HK", "2026-09-28", "Saturday after Mid-Autumn Festival, and a Sunday"),
    Worked("2026-09-12", "2 weeks", NEXT, "HK", "2026-09-28", "two weeks are fourteen days"),
    Worked("2026-03-20", "14 days", NEXT, "HK", "2026-04-08", "Good Friday to the day after Easter Monday"),
    Worked("2026-03-20", "14 days", NEXT, "US", "2026-04-03", "Good Friday works in the United States"),
    Worked("2026-01-06", "42 days", NEXT, "HK", "2026-02-20", "the three days of the new year, 17 to 19 February"),
    Worked("2026-03-07", "7 days", NEXT, "HK", "2026-03-14", "a Saturday stays"),
    Worked("2026-06-30", "1 working-day", NONE, "HK+move", "2026-07-04", "1 July, two days of closure; a Saturday"),
    Worked("2026-06-30", "1 working-day", NONE, "HK", "2026-07-02", "1 July is Establishment Day"),
    # Watercourses, Article 33: six months, and three; nothing rolls.
    Worked("2026-08-31", "6 months", NONE, "", "2027-02-28", "February has no 31st"),
    Worked("2027-08-31", "6 months", NONE, "", "2028-02-29", "nor in a leap year"),
    Worked("2026-12-31", "6 months", NONE, "", "2027-06-30", "nor has June"),
    Worked("2026-02-28", "6 months", NONE, "", "2026-08-28", "the number of the day counts, not the end of the month"),
    Worked("2026-11-30", "3 months", NONE, "", "2027-02-28", "over the end of the year"),
    Worked("2027-11-29", "3 months", NONE, "", "2028-02-29", "a leap year has a 29th"),
    Worked("2026-11-29", "3 months", NONE, "", "2027-02-28", "another has none"),
    Worked("2026-03-31", "3 months", NONE, "", "2026-06-30", "June has no 31st"),
    Worked("2026-09-30", "3 months", NONE, "", "2026-12-30", "not the last day of December"),
    # The worked examples of PCT Rule 80.2, and years as twelve months: the same number, or the month's last day.
    Worked("2012-02-29", "1 month", NONE, "", "2012-03-29", "the same number after a leap day"),
    Worked("2012-02-29", "12 months", NONE, "", "2013-02-28", "the next February has no 29th"),
    Worked("2027-02-28", "1 month", NONE, "", "2027-03-28", "not the 31st, though the month began on its last day"),
    Worked("2027-02-28", "4 months", NONE, "", "2027-06-28", "nor the 30th of June"),
    Worked("2026-12-31", "2 months", NONE, "", "2027-02-28", "over the end of the year to a short month"),
    Worked("2027-07-31", "2 months", NONE, "", "2027-09-30", "September has no 31st"),
    # Indus waters: one month, two weeks, thirty and sixty days.
    Worked("2026-01-31", "1 month", NONE, "", "2026-02-28", "the last day of a month that is too short"),
    Worked("2028-01-31", "1 month", NONE, "", "2028-02-29", "in a leap year"),
    Worked("2028-02-29", "1 month", NONE, "", "2028-03-29", "and on"),
    Worked("2026-02-28", "1 month", NONE, "", "2026-03-28", "the same number"),
    Worked("2026-12-31", "1 month", NONE, "", "2027-01-31", "over the end of the year"),
    Worked("2028-02-29", "12 months", NONE, "", "2029-02-28", "a year after a leap day"),
    Worked("2026-12-24", "2 weeks", NONE, "", "2027-01-07", "a Thursday again"),
    Worked("2026-02-13", "30 days", NONE, "", "2026-03-15", "15 + 15"),
    Worked("2027-12-31", "60 days", NONE, "", "2028-02-29", "31 + 29"),
    Worked("2026-07-15", "30 days", NEXT, "IN PK", "2026-08-17", "14 August in Pakistan, 15 in India, a Sunday"),
    Worked("2026-07-15", "30 days", NEXT, "IN", "2026-08-14", "14 August works in India"),
    Worked("2026-07-15", "30 days", NEXT, "PK", "2026-08-17", "14 August rests in Pakistan, and is a Friday"),
    Worked("2026-09-02", "30 days", NEXT, "IN PK", "2026-10-05", "2 October rests in India, and is a Friday"),
    Worked("2026-09-02", "30 days", NEXT, "PK", "2026-10-02", "2 October works in Pakistan"),
    Worked("2026-11-25", "30 days", NEXT, "IN PK", "2026-12-28", "25 December rests in both, and is a Friday"),
    Worked("2026-12-05", "1 month", NEXT, "IN PK", "2027-01-05", "a Tuesday that both work"),
    # Cases reported elsewhere: two calendars of one country, and working days that are no multiple of five.
    Worked("2026-12-31", "1 working-day", NONE, "GB-ENG", "2027-01-04", "New Year's Day, and a weekend"),
    Worked("2026-12-31", "1 working-day", NONE, "GB-SCT", "2027-01-05", "and the substitute for 2 January"),
    Worked("2026-12-31", "1 working-day", NONE, "GB-ENG GB-SCT", "2027-01-05", "the later of the two: both must work"),
    Worked("2027-07-09", "1 working-day", NONE, "GB-ENG", "2027-07-12", "a weekend"),
    Worked("2027-07-09", "1 working-day", NONE, "GB-NIR", "2027-07-13", "and the Battle of the Boyne"),
    Worked("2027-07-09", "1 working-day", NONE, "GB-ENG GB-NIR", "2027-07-13", "the later of the two"),
    Worked("2019-11-06", "40 working-days", NONE, "GB-ENG", "2020-01-06", "Christmas, Boxing and New Year's Day"),
    Worked("2019-11-06", "56 days", NONE, "", "2020-01-01", "what seven fifths of forty would give"),
    Worked("2026-11-09", "20 working-days", NONE, "US", "2026-12-09", "Veterans Day and Thanksgiving"),
    Worked("2026-11-09", "28 days", NONE, "", "2026-12-07", "what seven fifths of twenty would give"),
    Worked("2027-11-08", "20 working-days", NONE, "US", "2027-12-08", "Veterans Day and Thanksgiving"),
    Worked("2027-05-26", "3 working-days", NONE, "GB-ENG", "2027-06-01", "sitting on 27 and 28 May, then on 1 June"),
    Worked("2026-01-03", "3 months", NEXT, "GB-ENG", "2026-04-07", "Good Friday to Easter Monday"),
    Worked("2026-01-03", "3 months", NEXT, "GB-SCT", "2026-04-06", "Easter Monday works in Scotland"),
    Worked("2026-11-16", "2 weeks", NEXT, "GB-SCT", "2026-12-01", "30 November is Saint Andrew's Day"),
    Worked("2026-11-16", "2 weeks", NEXT, "GB-ENG", "2026-11-30", "and works in England"),
    Worked("2026-12-14", "2 weeks", NEXT, "GB-ENG", "2026-12-29", "Monday 28 stands for Boxing Day"),
    Worked("2026-12-25", "1 week", NEXT, "GB-SCT", "2027-01-05", "Friday 1 January to Monday 4"),
    # Weekends that are not Saturday and Sunday.
    Worked("2026-01-04", "5 working-days", NONE, "SA", "2026-01-11", "Monday to Thursday, and the Sunday after"),
    Worked("2026-01-01", "1 working-day", NONE, "EG", "2026-01-04", "Friday and Saturday rest, Sunday works"),
    Worked("2026-01-02", "5 days", NEXT, "EG", "2026-01-08", "7 January is Coptic Christmas"),
    Worked("2026-01-08", "1 working-day", NONE, "SA US", "2026-01-12", "Friday to Sunday: one or the other rests"),
    Worked("2026-01-08", "1 working-day", NONE, "MY-02", "2026-01-11", "Kedah rests on Friday and Saturday"),
    Worked("2026-01-08", "1 working-day", NONE, "MY", "2026-01-09", "the rest of Malaysia does not"),
    Worked("2026-01-08", "1 working-day", NONE, "BN", "2026-01-10", "Brunei rests on Friday and Sunday only"),
    Worked("2026-01-02", "1 working-day", NONE, "AE", "2026-01-05", "the Emirates rest on Saturday and Sunday"),
    # China works on some days of its weekend in exchange for longer holidays.
    Worked("2026-02-13", "1 working-day", NONE, "CN", "2026-02-14", "a Saturday that is worked"),
    Worked("2026-02-14", "1 working-day", NONE, "CN", "2026-02-24", "Sunday 15, the new year to Monday 23"),
    Worked("2026-02-13", "1 working-day", NONE, "CN US", "2026-02-24", "the Saturday rests in the United States"),
    Worked("2026-02-13", "15 days", NEXT, "CN", "2026-02-28", "a Saturday that is worked stays"),
    Worked("2026-02-13", "15 days", WEEKEND, "CN", "2026-03-02", "that rule moves from a Saturday all the same"),
    Worked("2026-09-19", "15 days", NEXT, "CN", "2026-10-08", "a Sunday, then the national days to 7 October"),
    # Places without a known calendar, and closures.
    Worked("2026-03-02", "10 days", NEXT, "plain", "2026-03-12", "a Thursday stays"),
    Worked("2026-03-02", "10 working-days", NONE, "plain", "2026-03-16", "two weeks, Monday to Monday"),
    Worked("2026-03-07", "1 day", NEXT, "plain", "2026-03-09", "started on a Saturday; Sunday moves to Monday"),
    Worked("2026-03-06", "1 working-day", NEXT, "plain", "2026-03-09", "a working day does not move again"),
    Worked("2026-01-31", "1 month", NEXT, "plain", "2026-03-02", "Saturday 28 February moves into March"),
    Worked("2026-12-18", "10 days", NEXT, "plain+winter", "2027-01-04", "Monday 28 is closed until the new year"),
    Worked("2026-12-18", "5 working-days", NONE, "plain+winter", "2027-01-05", "21, 22, 23 December; 4, 5 January"),
    Worked("2026-02-27", "1 working-day", NONE, "plain+long", "2026-04-20", "seven weeks of closure"),
    # Seat, parties and institution combined.
    Worked("2026-06-29", "15 days", NEXT, "FR US HK", "2026-07-15", "14 July rests in one of three"),
    Worked("2026-06-16", "15 days", NEXT, "FR US HK", "2026-07-02", "1 July rests in another"),
    Worked("2026-06-18", "15 days", NEXT, "FR US HK", "2026-07-06", "Friday 3 July in the third, and a weekend"),
]  # fmt: skip


def calendars_of(codes: str) -> list[Calendar]:
    """The calendars that a row names, made by the service's code."""
    calendars = []
    for country in codes.split():
        code, closures = CLOSED.get(country, (country, []))
        calendars.append(plain("the seat", closures) if code == "plain" else calendar_of(code, closures))
    return calendars


def off_in(codes: str, trigger_on: date) -> frozenset[date]:
    """The days off of all the calendars that a row names, as plain data."""
    last = trigger_on + timedelta(days=400)
    off: frozenset[date] = frozenset()
    for country in codes.split():
        code, closures = CLOSED.get(country, (country, []))
        off |= days_off(code, trigger_on, last, closures)
    return off


def term(period: str, roll: str, codes: str) -> Term:
    """A term of that period and roll."""
    article = Citation("Article 1", "text", None)
    return Term("reply", "to answer", period, "day-after", roll, article, calendars=("seat",) if codes else ())


@pytest.mark.parametrize("row", WORKED, ids=lambda row: f"{row.trigger} {row.period} {row.roll} {row.calendars}")
def test_a_term_ends_on_the_day_worked_out_by_hand(row: Worked) -> None:
    trigger_on = date.fromisoformat(row.trigger)
    deadline = due(term(row.period, row.roll, row.calendars), "serve", trigger_on, None, calendars_of(row.calendars))
    assert deadline.due_on == date.fromisoformat(row.due), row.why
    assert f"Due: {deadline.due_on:%A} {row.due}, until the end of that day at the seat." in deadline.explanation


@pytest.mark.parametrize("row", WORKED, ids=lambda row: f"{row.trigger} {row.period} {row.roll} {row.calendars}")
def test_an_independent_counter_finds_the_same_day(row: Worked) -> None:
    trigger_on = date.fromisoformat(row.trigger)
    last_day = counted(trigger_on, row.period, row.roll, off_in(row.calendars, trigger_on))
    assert last_day == date.fromisoformat(row.due), row.why


def test_the_table_covers_every_rule_of_counting() -> None:
    assert len(WORKED) >= 100
    assert len({row[:4] for row in WORKED}) == len(WORKED)
    units = {row.period.split()[1].removesuffix("s") for row in WORKED}
    assert units == {"day", "week", "month", "working-day"}
    assert {row.roll for row in WORKED} == {NONE, NEXT, WEEKEND}


@pytest.mark.parametrize(
    ("codes", "day", "reason"),
    [
        ("HK", "2026-04-03", "Good Friday (HK)"),
        ("HK", "2026-04-04", "The day following Good Friday (HK)"),
        ("HK", "2026-03-15", "a Sunday (HK)"),
        ("GB-SCT", "2027-01-04", "New Year Holiday (observed) (GB-SCT)"),
        ("SA", "2026-01-09", "a Friday (SA)"),
        ("MY-02", "2026-01-09", "a Friday (MY-02)"),
        ("CN", "2026-02-23", "Day off (substituted from 02/28/2026) (CN)"),
        ("HK+move", "2026-07-02", "The registry moves house (HK)"),
        ("plain", "2026-03-07", "a Saturday (the seat)"),
    ],
)
def test_a_calendar_states_why_a_day_is_not_a_working_day(codes: str, day: str, reason: str) -> None:
    (calendar,) = calendars_of(codes)
    assert calendar.off(date.fromisoformat(day)) == reason


@pytest.mark.parametrize(
    ("code", "day"),
    [("HK", "2026-03-14"), ("CN", "2026-02-14"), ("MY-02", "2026-01-11"), ("SA", "2026-01-11"), ("US", "2026-04-03")],
)
def test_a_calendar_states_no_reason_for_a_working_day(code: str, day: str) -> None:
    assert calendar_of(code).off(date.fromisoformat(day)) is None


# The day, the seat, the instant (UTC) at which the day ends there, and why.
MIDNIGHTS = [
    ("2026-07-10", "Asia/Hong_Kong", "2026-07-10T16:00:00", "eight hours ahead, all year"),
    ("2026-12-31", "Asia/Hong_Kong", "2026-12-31T16:00:00", "the year ends there first"),
    ("2027-01-15", "America/Chicago", "2027-01-16T06:00:00", "the case that was reported: winter"),
    ("2027-07-15", "America/Chicago", "2027-07-16T05:00:00", "summer"),
    ("2027-03-27", "Europe/London", "2027-03-28T00:00:00", "the last day of winter time"),
    ("2027-03-28", "Europe/London", "2027-03-28T23:00:00", "clocks went forward at one"),
    ("2027-10-30", "Europe/London", "2027-10-30T23:00:00", "the last day of summer time"),
    ("2027-10-31", "Europe/London", "2027-11-01T00:00:00", "clocks went back at two"),
    ("2027-03-13", "America/New_York", "2027-03-14T05:00:00", "the last day of winter time"),
    ("2027-03-14", "America/New_York", "2027-03-15T04:00:00", "clocks went forward at two"),
    ("2027-11-06", "America/New_York", "2027-11-07T04:00:00", "the last day of summer time"),
    ("2027-11-07", "America/New_York", "2027-11-08T05:00:00", "clocks went back at two"),
    ("2027-01-15", "Pacific/Apia", "2027-01-15T11:00:00", "thirteen hours ahead"),
    ("2027-01-15", "Pacific/Kiritimati", "2027-01-15T10:00:00", "fourteen hours ahead"),
    ("2027-01-15", "Pacific/Pago_Pago", "2027-01-16T11:00:00", "eleven hours behind, a day after its neighbour"),
    ("2027-01-15", "Asia/Kathmandu", "2027-01-15T18:15:00", "five hours and three quarters ahead"),
]


@pytest.mark.parametrize(("day", "zone", "over", "why"), MIDNIGHTS)
def test_an_act_just_before_midnight_at_the_seat_is_in_time_and_at_midnight_is_late(
    day: str, zone: str, over: str, why: str
) -> None:
    seat, due_on = ZoneInfo(zone), date.fromisoformat(day)
    end = datetime.fromisoformat(over).replace(tzinfo=UTC)
    assert end_of_day(due_on, seat) == end, why
    for before in (timedelta(microseconds=1), timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=22)):
        assert day_at(end - before, seat) == due_on
    for after in (timedelta(0), timedelta(microseconds=1), timedelta(minutes=1), timedelta(hours=22)):
        assert day_at(end + after, seat) == due_on + timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2027-03-13", "America/New_York", 24),
        ("2027-03-14", "America/New_York", 23),
        ("2027-11-07", "America/New_York", 25),
        ("2027-03-28", "Europe/London", 23),
        ("2027-10-31", "Europe/London", 25),
        ("2027-03-28", "Asia/Hong_Kong", 24),
    ],
)
def test_a_day_on_which_clocks_change_is_an_hour_shorter_or_longer(day: str, zone: str, hours: int) -> None:
    seat, on = ZoneInfo(zone), date.fromisoformat(day)
    assert end_of_day(on, seat) - end_of_day(on - timedelta(days=1), seat) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("trigger", "period", "zone", "due_on", "over"),
    [
        # Across the changes of clocks in spring and autumn, days are counted and not hours.
        ("2027-02-20", "30 days", "America/New_York", "2027-03-22", "2027-03-23T04:00:00"),
        ("2027-10-20", "30 days", "America/New_York", "2027-11-19", "2027-11-20T05:00:00"),
        ("2027-03-27", "1 day", "Europe/London", "2027-03-28", "2027-03-28T23:00:00"),
        ("2027-10-17", "2 weeks", "Europe/London", "2027-10-31", "2027-11-01T00:00:00"),
        ("2027-01-31", "1 month", "Asia/Hong_Kong", "2027-02-28", "2027-02-28T16:00:00"),
    ],
)
def test_summer_time_moves_no_deadline(trigger: str, period: str, zone: str, due_on: str, over: str) -> None:
    deadline = due(term(period, NONE, ""), "serve", date.fromisoformat(trigger), None)
    assert deadline.due_on == date.fromisoformat(due_on)
    assert end_of_day(deadline.due_on, ZoneInfo(zone)) == datetime.fromisoformat(over).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "received_on"),
    [
        ("2027-01-16T05:59:59+00:00", "2027-01-15"),
        ("2027-01-15T21:59:59-08:00", "2027-01-15"),
        ("2027-01-16T05:59:59.999999+00:00", "2027-01-15"),
        ("2027-01-16T13:59:59+08:00", "2027-01-15"),
        ("2027-01-16T06:00:00+00:00", "2027-01-16"),
        ("2027-01-15T22:00:00-08:00", "2027-01-16"),
        ("2027-01-16T14:00:00+08:00", "2027-01-16"),
    ],
)
def test_lateness_is_judged_by_midnight_at_the_seat_alone(sent: str, received_on: str) -> None:
    seat, instant = ZoneInfo("America/Chicago"), datetime.fromisoformat(sent)
    assert day_at(instant, seat) == date.fromisoformat(received_on)
    assert (instant < end_of_day(date(2027, 1, 15), seat)) == (received_on == "2027-01-15")
