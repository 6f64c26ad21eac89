"""The day of an instant at the seat of a case: midnights that come late, twice or never, and local times."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.rules.terms import LAST_DAY, LocalTimeFault, at_seat, day_at, end_of_day

MICROSECOND = timedelta(microseconds=1)
# Seats of every kind: fixed, with summer time, with clocks that change at midnight, by half an hour, or by a day.
SEATS = [
    "UTC",
    "Asia/Hong_Kong",
    "Asia/Kolkata",
    "Europe/London",
    "Europe/Paris",
    "America/New_York",
    "America/Chicago",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Asuncion",
    "America/Goose_Bay",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Monrovia",
    "Asia/Beirut",
    "Asia/Amman",
    "Asia/Tehran",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
    "Pacific/Chatham",
    "Antarctica/Troll",
]
REPEATED_FIRST_MINUTE = {"America/St_Johns", "America/Goose_Bay"}


def utc(text: str) -> datetime:
    """The instant that is written with a Z."""
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("instant", "zone", "expected"),
    [
        ("2027-01-16T05:59:59Z", "America/Chicago", date(2027, 1, 15)),
        ("2027-01-16T05:59:59.999999Z", "America/Chicago", date(2027, 1, 15)),
        ("2027-01-16T06:00:00Z", "America/Chicago", date(2027, 1, 16)),
        ("2027-01-15T21:59:59-08:00", "America/Chicago", date(2027, 1, 15)),
        ("2027-01-15T22:00:00-08:00", "America/Chicago", date(2027, 1, 16)),
        ("2027-01-16T05:59:59+00:00", "America/Los_Angeles", date(2027, 1, 15)),
        ("2027-01-16T05:59:59Z", "Europe/London", date(2027, 1, 16)),
        ("2026-03-02T16:00:00Z", "Asia/Hong_Kong", date(2026, 3, 3)),
        ("2026-03-02T15:59:59Z", "Asia/Hong_Kong", date(2026, 3, 2)),
        ("2011-12-30T09:59:59Z", "Pacific/Apia", date(2011, 12, 29)),
        ("2011-12-30T10:00:00Z", "Pacific/Apia", date(2011, 12, 31)),
        ("2026-01-01T00:00:00Z", "Pacific/Kiritimati", date(2026, 1, 1)),
    ],
)
def test_an_instant_falls_on_the_day_of_the_seat_whatever_the_senders_zone(
    instant: str, zone: str, expected: date
) -> None:
    assert day_at(utc(instant), ZoneInfo(zone)) == expected


def test_a_time_without_a_zone_falls_on_no_day() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        day_at(datetime(2027, 1, 16), ZoneInfo("UTC"))  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2027-01-15", "America/Chicago", "2027-01-16T06:00:00Z"),
        ("2027-07-15", "America/Chicago", "2027-07-16T05:00:00Z"),
        ("2025-03-29", "Europe/London", "2025-03-30T00:00:00Z"),
        ("2025-03-30", "Europe/London", "2025-03-30T23:00:00Z"),
        ("2026-03-02", "Asia/Hong_Kong", "2026-03-02T16:00:00Z"),
        # Clocks jump from midnight to one o'clock: the day ends when they jump.
        ("2025-09-06", "America/Santiago", "2025-09-07T04:00:00Z"),
        ("2025-04-24", "Africa/Cairo", "2025-04-24T22:00:00Z"),
        ("2025-03-08", "America/Havana", "2025-03-09T05:00:00Z"),
        ("2025-03-29", "Asia/Beirut", "2025-03-29T22:00:00Z"),
        # Clocks go back from midnight to eleven: the day has one more hour.
        ("2025-04-05", "America/Santiago", "2025-04-06T04:00:00Z"),
        ("2025-10-30", "Africa/Cairo", "2025-10-30T22:00:00Z"),
        # Clocks go back from one o'clock to midnight: the first midnight ends the day.
        ("2025-11-01", "America/Havana", "2025-11-02T04:00:00Z"),
        # Clocks go back from one minute past midnight: the day comes back for an hour, and ends then.
        ("2010-11-06", "America/Goose_Bay", "2010-11-07T04:00:00Z"),
        # A day that the calendar of the seat skipped is over when the day before is.
        ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("9998-12-31", "America/New_York", "9999-01-01T05:00:00Z"),
    ],
)
def test_a_day_ends_at_the_midnight_of_the_seat(day: str, zone: str, expected: str) -> None:
    instant = end_of_day(date.fromisoformat(day), ZoneInfo(zone))
    assert (instant, instant.tzinfo) == (utc(expected), UTC)


@settings(max_examples=400, deadline=None)
@given(
    day=st.dates(date(1950, 1, 1), date(2037, 12, 30)) | st.dates(max_value=LAST_DAY, min_value=date(1, 1, 6)),
    seat=st.sampled_from(SEATS),
    away=st.timedeltas(timedelta(0), timedelta(days=3)),
)
@example(date(2025, 9, 6), "America/Santiago", timedelta(minutes=30))
@example(date(2025, 4, 5), "America/Santiago", timedelta(minutes=30))
@example(date(2025, 4, 24), "Africa/Cairo", timedelta(minutes=30))
@example(date(2025, 11, 1), "America/Havana", timedelta(minutes=30))
@example(date(1972, 1, 6), "Africa/Monrovia", timedelta(minutes=30))
@example(date(1993, 8, 20), "Pacific/Kwajalein", timedelta(minutes=30))
def test_the_end_of_a_day_is_the_first_instant_after_it(day: date, seat: str, away: timedelta) -> None:
    zone = ZoneInfo(seat)
    end = end_of_day(day, zone)
    assert day_at(end, zone) > day
    assert day_at(end + away, zone) > day
    assert day_at(end - MICROSECOND, zone) <= day
    if seat not in REPEATED_FIRST_MINUTE:
        assert day_at(end - MICROSECOND - away, zone) <= day


def test_a_weekly_series_keeps_its_local_hour_when_clocks_change() -> None:
    seat, elsewhere = ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
    first = datetime(2027, 3, 8, 10)  # noqa: DTZ001 - a local time at the seat
    instants = [at_seat(first + timedelta(weeks=week), seat) for week in range(4)]
    assert instants == [
        utc("2027-03-08T15:00:00Z"),
        utc("2027-03-15T14:00:00Z"),
        utc("2027-03-22T14:00:00Z"),
        utc("2027-03-29T14:00:00Z"),
    ]
    assert [instant.astimezone(elsewhere).hour for instant in instants] == [15, 14, 14, 15]
    assert [instant.astimezone(seat).hour for instant in instants] == [10, 10, 10, 10]


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        ("2025-03-09T01:59:59", "America/New_York", "2025-03-09T06:59:59Z"),
        ("2025-03-09T03:00:00", "America/New_York", "2025-03-09T07:00:00Z"),
        ("2025-11-02T00:59:59", "America/New_York", "2025-11-02T04:59:59Z"),
        ("2025-11-02T02:00:00", "America/New_York", "2025-11-02T07:00:00Z"),
        ("2025-09-07T01:00:00", "America/Santiago", "2025-09-07T04:00:00Z"),
        ("2025-04-06T00:00:00", "America/Santiago", "2025-04-06T04:00:00Z"),
        ("2025-10-05T02:30:00", "Australia/Lord_Howe", "2025-10-04T15:30:00Z"),
        ("2026-07-01T10:00:00", "Asia/Hong_Kong", "2026-07-01T02:00:00Z"),
    ],
)
@pytest.mark.parametrize("fold", [0, 1])
def test_a_local_time_that_occurs_once_is_a_single_instant(local: str, zone: str, expected: str, fold: int) -> None:
    assert at_seat(datetime.fromisoformat(local).replace(fold=fold), ZoneInfo(zone)) == utc(expected)


SKIPPED, TWICE = "does not exist in", "comes twice in"


@pytest.mark.parametrize(
    ("local", "zone", "words"),
    [
        ("2025-03-09T02:00:00", "America/New_York", SKIPPED),
        ("2025-03-09T02:59:59", "America/New_York", SKIPPED),
        ("2025-11-02T01:00:00", "America/New_York", TWICE),
        ("2025-11-02T01:59:59", "America/New_York", TWICE),
        ("2025-09-07T00:00:00", "America/Santiago", SKIPPED),
        ("2025-04-05T23:30:00", "America/Santiago", TWICE),
        ("2025-04-25T00:30:00", "Africa/Cairo", SKIPPED),
        ("2025-11-02T00:30:00", "America/Havana", TWICE),
        ("2025-10-05T02:15:00", "Australia/Lord_Howe", SKIPPED),
        ("2025-04-06T01:45:00", "Australia/Lord_Howe", TWICE),
        ("2011-12-30T12:00:00", "Pacific/Apia", SKIPPED),
        ("9999-12-31T23:59:59", "America/New_York", "beyond the calendar"),
        ("0001-01-01T00:00:00", "Asia/Hong_Kong", "beyond the calendar"),
        ("2026-07-01T10:00:00Z", "Asia/Hong_Kong", "carries no zone of its own"),
        ("2026-07-01T10:00:00+08:00", "Asia/Hong_Kong", "carries no zone of its own"),
    ],
)
@pytest.mark.parametrize("fold", [0, 1])
def test_a_local_time_that_occurs_never_or_twice_is_refused(local: str, zone: str, words: str, fold: int) -> None:
    with pytest.raises(LocalTimeFault, match=words):
        at_seat(datetime.fromisoformat(local).replace(fold=fold), ZoneInfo(zone))


@settings(max_examples=300, deadline=None)
@given(local=st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), seat=st.sampled_from(SEATS))  # noqa: DTZ001
def test_a_local_time_that_is_accepted_reads_the_same_at_the_seat(local: datetime, seat: str) -> None:
    zone = ZoneInfo(seat)
    try:
        instant = at_seat(local, zone)
    except LocalTimeFault:
        readings = {local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
        assert len(readings) == 2
    else:
        assert instant.astimezone(zone).replace(tzinfo=None) == local
        assert day_at(instant, zone) == local.date()
