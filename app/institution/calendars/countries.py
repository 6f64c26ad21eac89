"""Calendars of countries and their parts, by code (`HK`, `GB-SCT`), from the `holidays` library."""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any, Protocol

import holidays

from app.rules.terms import Calendar

# The language of holiday names in explanations.
_LANGUAGE = "en_US"
# Here the library's category `public` lacks holidays on which offices are closed; `optional` contains them.
_CATEGORIES = {"HK": ("public", "optional"), "MO": ("public", "optional")}
# Any week in which no country changes its weekend.
_A_WEEK = tuple(date(2030, 1, 7) + timedelta(days=day) for day in range(7))
SATURDAY_AND_SUNDAY = frozenset({5, 6})
# The place whose calendar closures without a code belong to.
INSTITUTION = "the institution"


def is_known(code: str) -> bool:
    """Whether there is a calendar with this code."""
    country, _hyphen, part = code.partition("-")
    supported = holidays.list_supported_countries(include_aliases=False)
    return country in supported and (not part or part in supported[country])


def calendar_of(code: str, closures: Iterable[tuple[date, date, str]] = ()) -> Calendar:
    """The calendar of a country or a part of one: its holidays and closures (first day, last day, name).

    Raises KeyError for an unknown code.
    """
    if not is_known(code):
        raise KeyError(code)
    country, _hyphen, part = code.partition("-")
    # A new object each time: it is filled year by year, which is not safe in several threads.
    categories = _CATEGORIES.get(country)
    days_off: Any = holidays.country_holidays(country, subdiv=part or None, categories=categories)
    if _LANGUAGE in days_off.supported_languages:
        days_off = holidays.country_holidays(country, subdiv=part or None, categories=categories, language=_LANGUAGE)
    return Calendar(
        code,
        f"holidays {version('holidays')}",
        # Checked day by day: the weekend of a part may differ from its country's (Kedah, `MY-02`).
        frozenset(day.weekday() for day in _A_WEEK if days_off.is_weekend(day)),
        _over(days_off, closures),
        days_off.weekend_workdays,
    )


def plain(name: str, closures: Iterable[tuple[date, date, str]] = ()) -> Calendar:
    """A calendar of weekends (Saturday and Sunday) and closures only, for a place without a calendar of its own."""
    return Calendar(name, "no calendar is named", SATURDAY_AND_SUNDAY, _over({}, closures))


class CalendarClosure(Protocol):
    """A closure of one calendar, or of the institution's where `calendar` is None."""

    @property
    def calendar(self) -> str | None:
        """Code of the calendar."""

    @property
    def from_on(self) -> date:
        """First day."""

    @property
    def until_on(self) -> date:
        """Last day."""

    @property
    def name(self) -> str:
        """Reason of the closure."""


def calendar_with_closures(place: str, code: str | None, closures: Iterable[CalendarClosure]) -> Calendar:
    """The calendar of a place, by its code or a plain one, with those of the closures that apply to it."""
    applicable = [
        (closure.from_on, closure.until_on, closure.name) for closure in closures if applies(closure, place, code)
    ]
    return plain(place, applicable) if code is None else calendar_of(code, applicable)


def applies(closure: CalendarClosure, place: str, code: str | None) -> bool:
    """Whether a closure applies to a place with that calendar: one without a code applies to the institution."""
    return place == INSTITUTION if closure.calendar is None else closure.calendar == code


def _over(days_off: Mapping[date, str], closures: Iterable[tuple[date, date, str]]) -> Mapping[date, str]:
    closed = {
        first + timedelta(days=day): name for first, last, name in closures for day in range((last - first).days + 1)
    }
    return ChainMap(closed, days_off) if closed else days_off  # type: ignore[arg-type]
