"""What reaches the institution outside office hours counts on the next working day."""

from datetime import date, datetime, time
from typing import get_args

import pytest

from app.proceedings.cases.schemas import RECEIVED_VIA
from app.rules.model import Citation, OfficeHours
from app.rules.office_hours import CHANNELS, COURT, receipt
from app.rules.terms import Calendar, TermFault

WEEKEND = frozenset({5, 6})
SEAT = Calendar("the seat", "", WEEKEND, {date(2026, 3, 9): "Commonwealth Day"})
FRIDAY_OFF = Calendar("SA", "", frozenset({4, 5}), {})


def hours(until: time = time(16)) -> OfficeHours:
    """Office hours for e-mail, at the seat."""
    return OfficeHours("correspondence", ("e-mail",), until, ("seat",), Citation("Article 3(4)", "text", None))


# 6 March 2026 is a Friday.
RECEIVED = [
    ("2026-03-05T00:00", "2026-03-05"),
    ("2026-03-05T15:59:59.999999", "2026-03-05"),
    ("2026-03-05T16:00", "2026-03-06"),
    ("2026-03-05T23:59", "2026-03-06"),
    ("2026-03-06T15:59", "2026-03-06"),
    ("2026-03-06T16:00", "2026-03-10"),
    ("2026-03-07T10:00", "2026-03-10"),
    ("2026-03-08T22:00", "2026-03-10"),
    ("2026-03-09T09:00", "2026-03-10"),
]


@pytest.mark.parametrize(("local", "on"), RECEIVED)
def test_what_arrives_before_the_hour_on_a_working_day_counts_on_that_day_and_else_on_the_next(
    local: str, on: str
) -> None:
    received = receipt(hours(), "e-mail", datetime.fromisoformat(local), [SEAT])
    assert received.on.isoformat() == on
    assert (received.why is None) == (local[:10] == on)


def test_a_working_day_is_one_in_every_calendar_and_the_reason_is_given() -> None:
    late = receipt(hours(), "e-mail", datetime(2026, 3, 5, 16, 5), [SEAT, FRIDAY_OFF])  # noqa: DTZ001
    assert late.on == date(2026, 3, 10)
    assert late.why == (
        "Received by e-mail on Thursday 2026-03-05 at 16:05, after office hours, which end at 16:00: "
        "it counts on Tuesday 2026-03-10."
    )
    resting = receipt(hours(), "by-hand", datetime(2026, 3, 6, 9), [SEAT, FRIDAY_OFF])  # noqa: DTZ001
    assert resting.why == (
        "Received by hand on Friday 2026-03-06 at 09:00, on a Friday (SA): it counts on Tuesday 2026-03-10."
    )


def test_calendars_without_a_working_day_end_the_search() -> None:
    never = Calendar("nowhere", "", frozenset(range(7)), {})
    with pytest.raises(TermFault, match="no working day"):
        receipt(hours(), "e-mail", datetime(2026, 3, 5, 9), [never])  # noqa: DTZ001


def test_the_channels_of_rule_sets_are_those_by_which_the_registry_receives_and_that_of_courts() -> None:
    assert (*get_args(RECEIVED_VIA), COURT) == CHANNELS
