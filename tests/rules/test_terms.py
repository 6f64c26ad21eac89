"""How terms are counted, and explained in lines that people can read."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.rules.model import Citation, Term
from app.rules.terms import (
    LAST_DAY,
    ROLLS,
    WEEKDAYS,
    Calendar,
    Due,
    Period,
    TermFault,
    due,
    extended,
    last_day,
    parse_period,
    remaining,
    resumed,
)
from tests.rules.counter import counted

ARTICLE = Citation("Article 2(4)", "text", "uncitral.un.org")
PRACTICE = Citation(None, "institution", None)


def term(
    period: str, citation: Citation = ARTICLE, roll: str = "none", at_most: str | None = None, settable: bool = False
) -> Term:
    """A term of that period, counted at the seat."""
    return Term(
        "reply",
        "to answer",
        period,
        "day-after",
        roll,
        citation,
        settable=settable,
        calendars=("seat",),
        extend_by=("registry",),
        extend_at_most=at_most,
    )


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("30 days", Period(30, "day")),
        ("1 day", Period(1, "day")),
        ("2 weeks", Period(2, "week")),
        ("1 month", Period(1, "month")),
        ("6 months", Period(6, "month")),
        ("9999 days", Period(9999, "day")),
        ("1 working-day", Period(1, "working-day")),
        ("10 working-days", Period(10, "working-day")),
        ("set-per-case", None),
    ],
)
def test_a_period_is_a_number_of_days_weeks_months_or_working_days_or_is_set_for_each_case(
    text: str, period: Period | None
) -> None:
    assert parse_period(text) == period


@pytest.mark.parametrize(
    "text",
    ["", "30", "days", "0 days", "-1 days", "030 days", "10000 days", "1.5 months", "30  days", " 30 days", "30 days ",
     "30 days\n", "30 Days", "1 year", "10 working days", "10 workingdays", "working-days", "٣٠ days", "set per case"],
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
        assert all(earlier < other for earlier, other in pairwise([start, *ends]))
    assert last_day(Period(count, unit), starts[-1]) <= last_day(Period(count, unit), trigger_on)


def test_a_counted_term_is_explained_line_by_line() -> None:
    deadline = due(term("30 days"), "invite", date(2026, 3, 2), None)
    assert deadline.due_on == date(2026, 4, 1)
    assert deadline.explanation == (
        "Trigger: 'invite' on Monday 2026-03-02.",
        "Period: 30 days.",
        "Counting: the day of the trigger does not count, so the first day is Tuesday 2026-03-03.",
        "Roll: none; the day stays where it falls.",
        "Due: Wednesday 2026-04-01, until the end of that day at the seat.",
        "Rule: Article 2(4), uncitral.un.org (standing: text).",
    )


def test_a_term_that_the_registry_sets_says_that_the_rules_give_no_number() -> None:
    deadline = due(term("set-per-case", PRACTICE), "register", date(2026, 3, 2), date(2026, 3, 29))
    assert deadline.due_on == date(2026, 3, 29)
    assert deadline.explanation == (
        "Trigger: 'register' on Monday 2026-03-02.",
        "Period: set for this case by the registry; the rules give no number.",
        "Counting: none, since the registry gave the day itself.",
        "Roll: none, since the day itself was given.",
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
def test_the_last_line_cites_the_rule_and_how_well_it_is_established(citation: Citation, line: str) -> None:
    assert due(term("1 week", citation), "invite", date(2026, 3, 2), None).explanation[-1] == line


@pytest.mark.parametrize(
    ("period", "trigger_on", "set_on", "words"),
    [
        ("set-per-case", date(2026, 3, 2), None, "'reply' needs a day, which is set for each case"),
        ("set-per-case", date(2026, 3, 2), date(2026, 3, 2), "cannot be due on 2026-03-02, which is not after"),
        ("set-per-case", date(2026, 3, 2), date(2026, 3, 1), "cannot be due on 2026-03-01, which is not after"),
        ("set-per-case", date(2026, 3, 2), date(9999, 1, 1), "cannot be due after 9998-12-31"),
        (
            "30 days",
            date(2026, 3, 2),
            date(2026, 4, 1),
            "the period of 'reply' is 30 days, so no day can be set for it",
        ),
        ("1 day", LAST_DAY, None, "cannot be due after 9998-12-31"),
        ("1 month", date.max, None, "ends beyond the calendar"),
    ],
)
def test_an_impossible_day_of_a_term_is_refused(period: str, trigger_on: date, set_on: date | None, words: str) -> None:
    with pytest.raises(TermFault) as caught:
        due(term(period), "invite", trigger_on, set_on)
    assert words in str(caught.value)


def test_the_day_after_the_trigger_and_the_last_day_of_the_calendar_can_be_set() -> None:
    assert due(term("set-per-case"), "invite", date(2026, 3, 2), date(2026, 3, 3)).due_on == date(2026, 3, 3)
    assert due(term("set-per-case"), "invite", date(2026, 3, 2), LAST_DAY).due_on == LAST_DAY


def test_a_stated_day_replaces_the_period_where_the_rule_allows_it() -> None:
    deadline = due(
        term("30 days", roll="next-working-day", settable=True), "invite", date(2026, 3, 2), date(2026, 3, 8)
    )
    assert deadline.due_on == date(2026, 3, 8)
    assert deadline.explanation[1:5] == (
        "Period: 30 days, unless another is stated; the day was stated for this case.",
        "Counting: none, since the day itself was stated.",
        "Roll: none, since the day itself was given.",
        "Due: Sunday 2026-03-08, until the end of that day at the seat.",
    )


ENGLAND = Calendar(
    "GB-ENG",
    "made for this test",
    frozenset({5, 6}),
    {
        date(2026, 4, 3): "Good Friday",
        date(2026, 4, 6): "Easter Monday",
        date(2026, 5, 4): "May Day",
        date(2026, 5, 25): "Spring Bank Holiday",
    },
)
RIYADH = Calendar("SA", "made for this test", frozenset({4, 5}), {})


def test_each_day_that_is_not_counted_is_listed_with_its_reason_in_every_calendar() -> None:
    deadline = due(term("2 working-days"), "invite", date(2026, 4, 2), None, [ENGLAND, RIYADH], "Vedria")
    assert deadline.due_on == date(2026, 4, 8)
    assert deadline.explanation == (
        "Trigger: 'invite', received by Vedria, on Thursday 2026-04-02.",
        "Period: 2 working-days.",
        "Counting: the day of the trigger does not count, so the first day is Friday 2026-04-03.",
        "Calendar: GB-ENG (made for this test); it rests on Saturdays and Sundays.",
        "Calendar: SA (made for this test); it rests on Fridays and Saturdays.",
        "Not counted: Friday 2026-04-03, Good Friday (GB-ENG) and a Friday (SA).",
        "Not counted: Saturday 2026-04-04, a Saturday (GB-ENG) and a Saturday (SA).",
        "Not counted: Sunday 2026-04-05, a Sunday (GB-ENG).",
        "Not counted: Monday 2026-04-06, Easter Monday (GB-ENG).",
        "Roll: none; the day stays where it falls.",
        "Due: Wednesday 2026-04-08, until the end of that day at the seat.",
        "Rule: Article 2(4), uncitral.un.org (standing: text).",
    )


@pytest.mark.parametrize(
    ("roll", "trigger_on", "lines"),
    [
        ("next-working-day", date(2026, 3, 10),
         ["Roll: to the next working day; Friday 2026-03-20 is one, so the day stays."]),
        ("next-working-day", date(2026, 3, 24),
         ["Not counted: Friday 2026-04-03, Good Friday (GB-ENG).",
          "Not counted: Saturday 2026-04-04, a Saturday (GB-ENG).",
          "Not counted: Sunday 2026-04-05, a Sunday (GB-ENG).",
          "Not counted: Monday 2026-04-06, Easter Monday (GB-ENG).",
          "Roll: from Friday 2026-04-03 to the next working day, Tuesday 2026-04-07."]),
        ("from-saturday-sunday", date(2026, 3, 24),
         ["Roll: only from a Saturday or Sunday; Friday 2026-04-03 is neither, so the day stays."]),
        ("from-saturday-sunday", date(2026, 3, 26),
         ["Not counted: Sunday 2026-04-05, a Sunday (GB-ENG) and a Sunday (the rule itself).",
          "Not counted: Monday 2026-04-06, Easter Monday (GB-ENG).",
          "Roll: from Sunday 2026-04-05 to the next working day, Tuesday 2026-04-07."]),
    ],
)  # fmt: skip
def test_the_explanation_states_whether_and_why_the_last_day_moved(
    roll: str, trigger_on: date, lines: list[str]
) -> None:
    deadline = due(term("10 days", roll=roll), "invite", trigger_on, None, [ENGLAND])
    assert list(deadline.explanation[4:-2]) == lines


def test_an_extension_states_the_old_and_the_new_day() -> None:
    extension = extended(term("30 days"), date(2026, 4, 1), date(2026, 4, 1), date(2026, 4, 11))
    assert extension.due_on == date(2026, 4, 11)
    assert extension.explanation == (
        "Extended: from Wednesday 2026-04-01 to Saturday 2026-04-11.",
        "Due: Saturday 2026-04-11, until the end of that day at the seat.",
    )


@pytest.mark.parametrize(
    ("at_most", "until_on", "words"),
    [
        (None, date(2026, 4, 10), "an extension must end after 2026-04-10, the present day of the term"),
        (None, date(2026, 4, 9), "an extension must end after 2026-04-10"),
        (None, date(9999, 1, 1), "'reply' cannot be due after 9998-12-31"),
        ("30 days", date(2026, 5, 2), "extensions of 'reply' must end by 2026-05-01: at most 30 days in all"),
        ("1 month", date(2026, 5, 2), "extensions of 'reply' must end by 2026-05-01: at most 1 month in all"),
        # Good Friday, Easter Monday and two weekends: not the tenth day, which is its present day.
        ("10 working-days", date(2026, 4, 18), "extensions of 'reply' must end by 2026-04-17: at most 10 working"),
    ],
)
def test_an_extension_that_the_rule_does_not_allow_is_refused(at_most: str | None, until_on: date, words: str) -> None:
    with pytest.raises(TermFault) as caught:
        extended(term("30 days", at_most=at_most), date(2026, 4, 1), date(2026, 4, 10), until_on, [ENGLAND])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("at_most", "until_on"),
    [("30 days", date(2026, 5, 1)), ("10 working-days", date(2026, 4, 17)), (None, LAST_DAY)],
)
def test_an_extension_may_reach_the_last_day_that_its_rule_allows(at_most: str | None, until_on: date) -> None:
    extension = extended(term("30 days", at_most=at_most), date(2026, 4, 1), date(2026, 4, 10), until_on, [ENGLAND])
    assert extension.due_on == until_on


def test_a_suspended_term_continues_with_its_remaining_working_days() -> None:
    counts = term("5 working-days")
    # Suspended on Wednesday: Thursday, Friday, Monday and Tuesday of that week and the next remain.
    assert remaining(counts, date(2026, 3, 4), date(2026, 3, 10), [ENGLAND]) == 4
    resumption = resumed(counts, date(2026, 4, 1), 4, [ENGLAND])
    assert resumption.due_on == date(2026, 4, 9)
    assert resumption.explanation == (
        "Resumed: on Wednesday 2026-04-01, with 4 working days left.",
        "Not counted: Friday 2026-04-03, Good Friday (GB-ENG).",
        "Not counted: Saturday 2026-04-04, a Saturday (GB-ENG).",
        "Not counted: Sunday 2026-04-05, a Sunday (GB-ENG).",
        "Not counted: Monday 2026-04-06, Easter Monday (GB-ENG).",
        "Roll: none; the day stays where it falls.",
        "Due: Thursday 2026-04-09, until the end of that day at the seat.",
    )


def test_a_suspended_term_of_calendar_days_rolls_again_when_it_resumes() -> None:
    counts = term("1 month", roll="next-working-day")
    assert remaining(counts, date(2026, 3, 10), date(2026, 3, 13), [ENGLAND]) == 3
    resumption = resumed(counts, date(2026, 4, 1), 3, [ENGLAND])
    assert resumption.due_on == date(2026, 4, 7)
    assert resumption.explanation[0] == "Resumed: on Wednesday 2026-04-01, with 3 days left."
    assert resumption.explanation[-2] == "Roll: from Saturday 2026-04-04 to the next working day, Tuesday 2026-04-07."


def test_a_term_suspended_on_its_last_day_is_due_on_the_day_on_which_it_resumes() -> None:
    assert remaining(term("5 days"), date(2026, 3, 10), date(2026, 3, 10)) == 0
    assert resumed(term("5 days"), date(2026, 3, 20), 0).due_on == date(2026, 3, 20)
    assert resumed(term("5 days"), date(2026, 3, 20), 1).explanation[0].endswith("with 1 day left.")


def test_a_calendar_without_working_days_is_refused_without_an_endless_count() -> None:
    never = Calendar("nowhere", "", frozenset(range(7)), {})
    with pytest.raises(TermFault, match="no working day for 400 days"):
        due(term("1 working-day"), "invite", date(2026, 3, 2), None, [never])
    with pytest.raises(TermFault, match="no working day for 400 days"):
        due(term("1 day", roll="next-working-day"), "invite", date(2026, 3, 2), None, [never])


@pytest.mark.parametrize("roll", ["next-working-day", "from-saturday-sunday"])
def test_a_term_that_would_roll_beyond_the_calendar_is_refused(roll: str) -> None:
    rests = Calendar("nowhere", "", frozenset({5, 6}), {date.max: "The end", date(9998, 12, 31): "The eve"})
    with pytest.raises(TermFault, match="cannot be due after 9998-12-31"):
        due(term("1 day", roll=roll), "invite", date.max - timedelta(days=1), None, [rests])
    with pytest.raises(TermFault, match="cannot be due after 9998-12-31"):
        resumed(term("1 day", roll=roll), date.max - timedelta(days=1), 1, [rests])


FIRST = date(2026, 1, 1)
DAYS = st.dates(FIRST, date(2027, 12, 31))
UNITS = {"day": 90, "week": 13, "month": 6, "working-day": 30}
few = settings(max_examples=80, derandomize=True, deadline=None)


@st.composite
def calendars(draw: st.DrawFn) -> list[Calendar]:
    """One to three places with odd weekends, scattered holidays, and working days at weekends."""
    drawn = []
    for number in range(draw(st.integers(1, 3))):
        weekend = draw(st.frozensets(st.sampled_from([4, 5, 6]), max_size=2))
        off = draw(st.sets(st.integers(0, 1100), max_size=40))
        worked = draw(st.sets(st.integers(0, 1100), max_size=10))
        holidays = {FIRST + timedelta(days=day): f"Holiday {day}" for day in off}
        drawn.append(
            Calendar(f"place {number}", "made up", weekend, holidays, {FIRST + timedelta(days=day) for day in worked})
        )
    return drawn


@st.composite
def periods(draw: st.DrawFn) -> str:
    """A period of any unit."""
    unit = draw(st.sampled_from(sorted(UNITS)))
    return f"{draw(st.integers(1, UNITS[unit]))} {unit}s"


def rests(day: date, places: Sequence[Calendar]) -> bool:
    """Whether the day is a day off in one of the places."""
    return any(place.off(day) is not None for place in places)


def days_off(places: Sequence[Calendar]) -> frozenset[date]:
    """The days off in one of the places, as plain data."""
    return frozenset(day for number in range(1100) if rests(day := FIRST + timedelta(days=number), places))


def between(first: date, last: date) -> list[date]:
    """The days after one day and before another."""
    return [first + timedelta(days=number) for number in range(1, (last - first).days)]


def uncounted_days(deadline: Due) -> list[date]:
    """The days that the lines report as not counted, in order; each line gives its reason."""
    pattern = r"Not counted: (?:%s) (\S+), \S.* \(.+\)\." % "|".join(WEEKDAYS)  # noqa: UP031 - braces are the pattern's
    lines = [line for line in deadline.explanation if line.startswith("Not counted")]
    return [date.fromisoformat(match[1]) for line in lines if (match := re.fullmatch(pattern, line))]


@few
@given(DAYS, periods(), st.sampled_from(ROLLS), calendars())
def test_an_independent_counter_finds_the_same_day_in_any_calendar(
    trigger_on: date, period: str, roll: str, places: list[Calendar]
) -> None:
    deadline = due(term(period, roll=roll), "invite", trigger_on, None, places)
    assert deadline.due_on == counted(trigger_on, period, roll, days_off(places))


@few
@given(DAYS, periods(), st.sampled_from(ROLLS), calendars())
def test_a_deadline_never_falls_on_a_day_that_its_rule_excludes(
    trigger_on: date, period: str, roll: str, places: list[Calendar]
) -> None:
    due_on = due(term(period, roll=roll), "invite", trigger_on, None, places).due_on
    assert due_on > trigger_on
    if roll == "next-working-day" or ("working-day" in period and roll == "none"):
        assert not rests(due_on, places)
    if roll == "from-saturday-sunday":
        assert due_on.weekday() < 5
        unrolled = due(term(period), "invite", trigger_on, None, places).due_on
        assert due_on == unrolled or not rests(due_on, places)


@few
@given(DAYS, periods(), st.sampled_from(ROLLS), calendars())
def test_a_longer_period_is_never_due_earlier(trigger_on: date, period: str, roll: str, places: list[Calendar]) -> None:
    number, unit = period.split()
    longer = f"{int(number) + 1} {unit}"
    ends = [
        due(term(period_days, roll=roll), "invite", trigger_on, None, places).due_on for period_days in (period, longer)
    ]
    assert ends == sorted(ends)


@few
@given(DAYS, periods(), st.sampled_from(ROLLS), calendars())
def test_each_skipped_day_is_listed_once_and_the_last_line_of_the_count_names_the_day(
    trigger_on: date, period: str, roll: str, places: list[Calendar]
) -> None:
    deadline = due(term(period, roll=roll), "invite", trigger_on, None, places)
    unrolled = due(term(period), "invite", trigger_on, None, places).due_on
    skipped = [day for day in between(trigger_on, unrolled) if rests(day, places)] if "working" in period else []
    if deadline.due_on != unrolled:
        skipped += [unrolled, *between(unrolled, deadline.due_on)]
    assert uncounted_days(deadline) == skipped
    assert sum(line.startswith("Not counted") for line in deadline.explanation) == len(set(skipped))
    day = f"{WEEKDAYS[deadline.due_on.weekday()]} {deadline.due_on.isoformat()}"
    lines = [line for line in deadline.explanation if line.startswith("Due:")]
    assert lines == [f"Due: {day}, until the end of that day at the seat."]


@few
@given(DAYS, st.integers(-5, 60), st.none() | periods(), calendars())
def test_an_extension_never_shortens_and_never_goes_beyond_its_limit(
    first_due_on: date, longer: int, at_most: str | None, places: list[Calendar]
) -> None:
    until_on = first_due_on + timedelta(days=longer)
    limit = counted(first_due_on, at_most, "none", days_off(places)) if at_most else LAST_DAY
    allowed = first_due_on < until_on <= limit
    try:
        extension = extended(term("30 days", at_most=at_most), first_due_on, first_due_on, until_on, places)
    except TermFault:
        assert not allowed
    else:
        assert allowed
        assert extension.due_on == until_on


@few
@given(DAYS, periods(), st.sampled_from(ROLLS), calendars(), st.integers(0, 40), st.integers(0, 200))
def test_suspension_and_resumption_preserve_the_remaining_days(
    trigger_on: date, period: str, roll: str, places: list[Calendar], run: int, paused: int
) -> None:
    counts = term(period, roll=roll)
    due_on = due(counts, "invite", trigger_on, None, places).due_on
    suspended_on = trigger_on + timedelta(days=run)
    assume(suspended_on <= due_on)
    left = remaining(counts, suspended_on, due_on, places)
    # Resumed at once, nothing has moved.
    if suspended_on < due_on:
        assert resumed(counts, suspended_on, left, places).due_on == due_on
    resumed_on = suspended_on + timedelta(days=paused)
    resumption = resumed(counts, resumed_on, left, places)
    if left:
        assert resumption.due_on == counted(
            resumed_on, f"{left} {'working-days' if 'working' in period else 'days'}", roll, days_off(places)
        )
    unrolled = resumed(term(period), resumed_on, left, places).due_on
    assert remaining(counts, resumed_on, unrolled, places) == left
    assert resumption.due_on >= unrolled


def test_a_sunday_on_which_a_country_works_is_a_working_day() -> None:
    worked = Calendar("Cathay", "", frozenset({5, 6}), {}, {date(2026, 3, 8)})
    assert due(term("5 working-days"), "invite", date(2026, 3, 2), None, [worked]).due_on == date(2026, 3, 8)
    assert worked.off(date(2026, 3, 7)) == "a Saturday (Cathay)"
