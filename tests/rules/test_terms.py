"""How terms are counted, and told in lines that a person can read."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules.model import Citation, Term
from app.rules.terms import LAST_DAY, Period, TermFault, due, last_day, parse_period

ARTICLE = Citation("Article 2(4)", "text", "uncitral.un.org")
PRACTICE = Citation(None, "institution", None)


def term(period: str, citation: Citation = ARTICLE) -> Term:
    """A term of that period."""
    return Term("reply", "to answer", period, "day-after", "none", citation)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("30 days", Period(30, "day")),
        ("1 day", Period(1, "day")),
        ("2 weeks", Period(2, "week")),
        ("1 month", Period(1, "month")),
        ("6 months", Period(6, "month")),
        ("9999 days", Period(9999, "day")),
        ("set-per-case", None),
    ],
)
def test_a_period_is_a_number_of_days_weeks_or_months_or_is_set_for_each_case(text: str, period: Period | None) -> None:
    assert parse_period(text) == period


@pytest.mark.parametrize(
    "text",
    ["", "30", "days", "0 days", "-1 days", "030 days", "10000 days", "1.5 months", "30  days", " 30 days", "30 days ",
     "30 days\n", "30 Days", "1 year", "10 working-days", "٣٠ days", "set per case"],
)  # fmt: skip
def test_any_other_period_is_refused(text: str) -> None:
    with pytest.raises(TermFault, match="unknown period"):
        parse_period(text)


@pytest.mark.parametrize(
    ("period", "trigger_on", "expected"),
    [
        ("1 day", "2026-03-02", "2026-03-03"),
        ("30 days", "2026-03-02", "2026-04-01"),
        ("30 days", "2026-12-15", "2027-01-14"),
        ("1 day", "2028-02-28", "2028-02-29"),
        ("1 day", "2026-02-28", "2026-03-01"),
        ("365 days", "2027-03-01", "2028-02-29"),
        ("1 week", "2026-12-28", "2027-01-04"),
        ("2 weeks", "2026-03-02", "2026-03-16"),
        ("1 month", "2026-03-02", "2026-04-02"),
        ("1 month", "2026-01-31", "2026-02-28"),
        ("1 month", "2028-01-31", "2028-02-29"),
        ("1 month", "2026-02-28", "2026-03-28"),
        ("2 months", "2026-01-31", "2026-03-31"),
        ("3 months", "2026-01-31", "2026-04-30"),
        ("11 months", "2026-01-31", "2026-12-31"),
        ("12 months", "2028-02-29", "2029-02-28"),
        ("1 month", "2026-12-31", "2027-01-31"),
        ("13 months", "2026-12-31", "2028-01-31"),
    ],
)
def test_the_last_day_is_counted_from_the_day_after_the_trigger(period: str, trigger_on: str, expected: str) -> None:
    parsed = parse_period(period)
    assert parsed is not None
    assert last_day(parsed, date.fromisoformat(trigger_on)) == date.fromisoformat(expected)


@pytest.mark.parametrize("period", [Period(1, "day"), Period(1, "week"), Period(1, "month")])
def test_a_period_beyond_the_calendar_is_refused(period: Period) -> None:
    with pytest.raises(TermFault, match="ends beyond the calendar"):
        last_day(period, date.max)


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(1, 9999), st.sampled_from(["day", "week", "month"]))
def test_a_longer_period_or_a_later_trigger_never_ends_earlier(trigger_on: date, count: int, unit: str) -> None:
    starts = [trigger_on, *([trigger_on.replace(day=28)] if trigger_on.day > 28 else [])]
    for start in starts:
        ends = [last_day(Period(number, unit), start) for number in (count, count + 1)]
        assert all(one < other for one, other in pairwise([start, *ends]))
    assert last_day(Period(count, unit), starts[-1]) <= last_day(Period(count, unit), trigger_on)


def test_a_counted_term_is_explained_line_by_line() -> None:
    found = due(term("30 days"), "invite", date(2026, 3, 2), None)
    assert found.due_on == date(2026, 4, 1)
    assert found.explanation == (
        "Trigger: 'invite' on Monday 2026-03-02.",
        "Period: 30 days.",
        "Counting: the day of the trigger does not count, so the first day is Tuesday 2026-03-03.",
        "Roll: none; the day stays where it falls.",
        "Due: Wednesday 2026-04-01, until the end of that day at the seat.",
        "Rule: Article 2(4), uncitral.un.org (standing: text).",
    )


def test_a_term_that_the_registry_sets_says_that_the_rules_give_no_number() -> None:
    found = due(term("set-per-case", PRACTICE), "register", date(2026, 3, 2), date(2026, 3, 29))
    assert found.due_on == date(2026, 3, 29)
    assert found.explanation == (
        "Trigger: 'register' on Monday 2026-03-02.",
        "Period: set for this case by the registry; the rules give no number.",
        "Counting: none, since the registry gave the day itself.",
        "Roll: none; the day stays where it falls.",
        "Due: Sunday 2026-03-29, until the end of that day at the seat.",
        "Rule: no article; the registry's own practice (standing: institution).",
    )


@pytest.mark.parametrize(
    ("citation", "line"),
    [
        (Citation("Article 9", "text", None), "Rule: Article 9 (standing: text)."),
        (Citation(None, "unverified", "sources.md"), "Rule: sources.md (standing: unverified)."),
        (Citation("Article 9", "secondary", "a journal"), "Rule: Article 9, a journal (standing: secondary)."),
    ],
)
def test_the_last_line_says_where_the_rule_is_written_and_how_well_that_is_known(citation: Citation, line: str) -> None:
    assert due(term("1 week", citation), "invite", date(2026, 3, 2), None).explanation[-1] == line


@pytest.mark.parametrize(
    ("period", "trigger_on", "set_on", "words"),
    [
        ("set-per-case", date(2026, 3, 2), None, "'reply' needs a day, which is set for each case"),
        ("set-per-case", date(2026, 3, 2), date(2026, 3, 2), "cannot be due on 2026-03-02, which is not after"),
        ("set-per-case", date(2026, 3, 2), date(2026, 3, 1), "cannot be due on 2026-03-01, which is not after"),
        ("set-per-case", date(2026, 3, 2), date(9999, 1, 1), "cannot be due after 9998-12-31"),
        ("30 days", date(2026, 3, 2), date(2026, 4, 1), "the period of 'reply' is 30 days; no day is set for it"),
        ("1 day", LAST_DAY, None, "cannot be due after 9998-12-31"),
        ("1 month", date.max, None, "ends beyond the calendar"),
    ],
)
def test_a_day_that_a_term_cannot_have_is_refused(
    period: str, trigger_on: date, set_on: date | None, words: str
) -> None:
    with pytest.raises(TermFault) as caught:
        due(term(period), "invite", trigger_on, set_on)
    assert words in str(caught.value)


def test_the_day_after_the_trigger_and_the_last_day_of_all_can_be_set() -> None:
    assert due(term("set-per-case"), "invite", date(2026, 3, 2), date(2026, 3, 3)).due_on == date(2026, 3, 3)
    assert due(term("set-per-case"), "invite", date(2026, 3, 2), LAST_DAY).due_on == LAST_DAY
