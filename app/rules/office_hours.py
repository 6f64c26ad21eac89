"""Office hours: on which day something counts that reaches the institution by a channel with a cut-off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.rules.model import OfficeHours, Procedure
from app.rules.terms import Calendar, next_working_day, written

# A court sends its referral to the registry by a program.
COURT = "court"
# How papers reach the registry. What people do themselves in the registry counts until midnight.
CHANNELS = ("post", "courier", "by-hand", "e-mail", "fax", "other", COURT)
# A term can count only by an addressee's calendar; a receipt has none.
PLACES = ("seat", "parties", "institution")
_SPOKEN = {"by-hand": "hand", "other": "another way", COURT: "referral of a court"}


@dataclass(frozen=True, slots=True)
class CountedReceipt:
    """The day on which something received counts, and why it is not the day of its receipt (None if it is)."""

    on: date
    why: str | None = None


def hours_of(procedure: Procedure, channel: str | None) -> OfficeHours | None:
    """The office hours of a channel; None if it has none, so that it counts until midnight on every day."""
    return next((hours for hours in procedure.office_hours if channel in hours.channels), None)


def receipt(hours: OfficeHours, channel: str, local: datetime, calendars: Sequence[Calendar]) -> CountedReceipt:
    """The day on which something counts that arrives at a local time: the next working day after hours or on a day off.

    Raises TermFault if the calendars have no working day.
    """
    day = local.date()
    rests = [why for calendar in calendars if (why := calendar.off(day)) is not None]
    is_late = local.time() >= hours.until
    if not rests and not is_late:
        return CountedReceipt(day)
    on, _skipped = next_working_day(day + timedelta(days=1) if is_late else day, calendars)
    because = f"on {' and '.join(rests)}" if rests else f"after office hours, which end at {hours.until:%H:%M}"
    arrived = f"Received by {_SPOKEN.get(channel, channel)} on {written(day)} at {local:%H:%M}, {because}"
    return CountedReceipt(on, f"{arrived}: it counts on {written(on)}.")
