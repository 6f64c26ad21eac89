"""The calendars of countries and their parts, by code (`HK`, `GB-SCT`), out of the library of holidays."""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from importlib.metadata import version
from typing import Any

import holidays

from app.rules.terms import Calendar

# Of names in several languages, the one that the lines of an explanation are written in.
_LANGUAGE = "en_US"
# Where the library calls public only what binds employers, the general holidays of offices are among its others.
_CATEGORIES = {"HK": ("public", "optional"), "MO": ("public", "optional")}
# Any week would do in which no country is about to change its weekend.
_A_WEEK = tuple(date(2030, 1, 7) + timedelta(days=day) for day in range(7))
SATURDAY_AND_SUNDAY = frozenset({5, 6})


def is_known(code: str) -> bool:
    """Whether there is a calendar of that code."""
    country, _hyphen, part = code.partition("-")
    known = holidays.list_supported_countries(include_aliases=False)
    return country in known and (not part or part in known[country])


def calendar_of(code: str, closures: Iterable[tuple[date, date, str]] = ()) -> Calendar:
    """The calendar of a country or a part of one, with closures (first day, last day, name) on top of its holidays.

    KeyError for a code that is not known.
    """
    if not is_known(code):
        raise KeyError(code)
    country, _hyphen, part = code.partition("-")
    # Made anew each time: it fills itself in year by year, which two threads must not do at once.
    categories = _CATEGORIES.get(country)
    found: Any = holidays.country_holidays(country, subdiv=part or None, categories=categories)
    if _LANGUAGE in found.supported_languages:
        found = holidays.country_holidays(country, subdiv=part or None, categories=categories, language=_LANGUAGE)
    return Calendar(
        code,
        f"holidays {version('holidays')}",
        # Asked day by day: parts of a country may rest on other days than the whole (Kedah, `MY-02`).
        frozenset(day.weekday() for day in _A_WEEK if found.is_weekend(day)),
        _over(found, closures),
        found.weekend_workdays,
    )


def plain(name: str, closures: Iterable[tuple[date, date, str]] = ()) -> Calendar:
    """A place of which no calendar is known: it rests on Saturdays and Sundays, and on its closures."""
    return Calendar(name, "no calendar is named", SATURDAY_AND_SUNDAY, _over({}, closures))


def _over(found: Mapping[date, str], closures: Iterable[tuple[date, date, str]]) -> Mapping[date, str]:
    closed = {
        first + timedelta(days=day): name for first, last, name in closures for day in range((last - first).days + 1)
    }
    return ChainMap(closed, found) if closed else found  # type: ignore[arg-type]
