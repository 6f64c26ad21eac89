"""Converts between days and times at the seat of a case and instants in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MICROSECOND = timedelta(microseconds=1)


class LocalTimeFault(ValueError):
    """A local time that does not exist at the seat, or that occurs twice there."""


def day_at(instant: datetime, zone: ZoneInfo) -> date:
    """The day on which an instant falls at the seat; raises ValueError for a time without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return instant.astimezone(zone).date()


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the day is over at the seat: the next midnight.

    Where clocks skip that midnight, the day ends when they do; where midnight occurs twice, it ends at the second.
    """
    midnight = datetime.combine(day + timedelta(days=1), time())
    for fold in (1, 0):
        instant = midnight.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        exists = instant.astimezone(zone).replace(tzinfo=None) == midnight
        if exists and day_at(instant - _MICROSECOND, zone) <= day:
            return instant
    return _jump_over(day, midnight, zone)


def _jump_over(day: date, midnight: datetime, zone: ZoneInfo) -> datetime:
    """The second at which clocks skip from that day into a later one."""
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

    Raises LocalTimeFault for a time that summer time skips or repeats, that has a zone, or that is beyond the calendar.
    """
    if local.tzinfo is not None:
        raise LocalTimeFault("a local time at the seat carries no zone of its own")
    try:
        first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        back = first.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError as error:
        raise LocalTimeFault(f"{local.isoformat()} is beyond the calendar") from error
    if back != local.replace(fold=0):
        raise LocalTimeFault(f"{local.isoformat()} does not exist in {zone.key}: clocks skip it")
    if first != second:
        raise LocalTimeFault(f"{local.isoformat()} comes twice in {zone.key}: clocks go back over it")
    return first
