"""The results at the top of docs/performance.md are those of the figures below, which `make bench` writes."""

import re
from itertools import pairwise

from benchmarks.report import BEGIN, END
from tests.house.source import ROOT

PAGE = ROOT / "docs" / "performance.md"
MOST_CASES = "100,000"
RENEW = "the results at the top differ from the figures below: correct them"


def rows(text: str) -> list[list[str]]:
    """The cells of every table, without its head."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ") and "---" not in line]


def test_the_results_are_those_of_the_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    figures = {tuple(row[:4]): row[4:] for row in rows(page.partition(BEGIN)[2].partition(END)[0]) if len(row) == 7}
    results = page.partition("## Results")[2].partition("### What a case needs")[0]
    busy = [row for row in rows(results) if len(row) == 5][1:]
    alone = [row for row in rows(results) if len(row) == 3][1:]
    assert [row[0] for row in busy] == [row[0] for row in alone] != []
    for request, *shown in busy:
        found = [figures[engine, MOST_CASES, request, "16"][:2] for engine in ("PostgreSQL", "SQLite")]
        assert shown == [*found[0], *found[1]], RENEW
    for request, *shown in alone:
        found = [figures[engine, MOST_CASES, request, "1"][1:2] for engine in ("PostgreSQL", "SQLite")]
        assert shown == [*found[0], *found[1]], RENEW


def test_the_results_come_first_and_the_markers_once() -> None:
    page = PAGE.read_text(encoding="utf-8")
    order = ["## Results", "### What a case needs", "### Which machine", "## How it was measured", BEGIN, END]
    places = [page.index(each) for each in order]
    assert all(earlier < later for earlier, later in pairwise(places))
    assert [page.count(each) for each in (BEGIN, END)] == [1, 1]


def test_the_day_of_the_results_is_that_of_the_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    (measured,) = re.findall(rf"{re.escape(BEGIN)}\s+(\d{{4}}-\d\d-\d\d)", page)
    assert f"Measured on {measured}; the" in " ".join(page.split()), RENEW
