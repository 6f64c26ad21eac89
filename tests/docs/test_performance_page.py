"""docs/performance.md has its results first, and they are those of the figures below; `make bench` writes both."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.report import BEGIN, END, ENGINES, RESULTS, RESULTS_END, Figure, Filtered, Results, write
from benchmarks.requests import COMPARED, PLAIN, READERS
from tests.house.source import ROOT

PAGE = ROOT / "docs" / "performance.md"
Table = list[list[str]]


def tables(text: str) -> list[Table]:
    """Every table: the cells of its head, and those of each row."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    cells = [[[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()] for table in found]
    return [[head, *rows] for head, _ruler, *rows in cells]


def between(page: str, begin: str, end: str) -> str:
    """What is between two markers."""
    return page.partition(begin)[2].partition(end)[0]


def made_page(folder: Path) -> str:
    """The page as `make bench` would write it after a run whose figures tell each other apart."""
    results = Results(4, "2 cores")
    for engine in ENGINES:
        for cases in (1_000, 100_000):
            for operation, how in (each for compared in COMPARED for each in compared):
                for clients in (1, 16):
                    unlike = float(len(results.figures))
                    of_database = unlike / 7 if engine == "PostgreSQL" else None
                    name = f"{operation}{how}"
                    times = (unlike + 100, unlike + 0.3, unlike + 0.7, unlike / 3, of_database)
                    results.figures.append(Figure(engine, cases, name, clients, *times))
            for reader in READERS:
                for name, milliseconds in ((PLAIN.name, 8.0), ("`phase`", 6.0), ("`q`, no case", 20.0)):
                    results.filtered.append(Filtered(engine, cases, reader, name, milliseconds))
    page = folder / "performance.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    write(results, str(page))
    return page.read_text(encoding="utf-8")


@pytest.fixture(params=["as it is", "as it would be made"])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The page, and one that was just made."""
    return PAGE.read_text(encoding="utf-8") if request.param == "as it is" else made_page(tmp_path)


def test_the_results_are_those_of_the_figures(page: str) -> None:
    (_head, *rows), *_others = tables(between(page, BEGIN, END))
    figures = {tuple(row[:4]): row[4:7] for row in rows}
    most = {engine: max((row[1] for row in rows if row[0] == engine), key=as_number) for engine in ENGINES}
    busy, alone = tables(between(page, RESULTS, RESULTS_END))[:2]
    assert [row[0] for row in busy[1:]] == [row[0] for row in alone[1:]] != []
    for request, *shown in busy[1:]:
        found = [figures[engine, most[engine], request, "16"][:2] for engine in ENGINES]
        assert shown == [*found[0], *found[1]]
    for request, *shown in alone[1:]:
        assert shown == [figures[engine, most[engine], request, "1"][1] for engine in ENGINES]


def as_number(cases: str) -> int:
    """The number of cases."""
    return int(cases.replace(",", ""))


def test_the_results_come_first_and_the_markers_once(page: str) -> None:
    order = ["## Results", RESULTS, RESULTS_END, "### What a case needs", "## How it was measured", BEGIN, END]
    assert [page.count(each) for each in order] == [1] * len(order)
    places = [page.index(each) for each in order]
    assert all(earlier < later for earlier, later in pairwise(places))


def test_the_day_of_the_results_is_that_of_the_figures(page: str) -> None:
    (measured,) = re.findall(r"^(\d{4}-\d\d-\d\d),", between(page, BEGIN, END), re.MULTILINE)
    assert f"Measured on {measured}; the" in " ".join(page.split())


def test_the_page_tells_ratios_with_their_aims_and_the_slowest_filter_of_each_reader(tmp_path: Path) -> None:
    _busy, _alone, ratios, slowest = tables(between(made_page(tmp_path), RESULTS, RESULTS_END))
    told = {(engine, what): (aim, alone, busy) for engine, what, aim, alone, busy in ratios[1:]}
    figures = {tuple(row[:4]): float(row[4]) for row in tables(between(made_page(tmp_path), BEGIN, END))[0][1:]}
    expected = [
        figures["PostgreSQL", "100,000", "read a case", clients]
        / figures["PostgreSQL", "100,000", "bare read", clients]
        for clients in ("1", "16")
    ]
    bare = told["PostgreSQL", "reads, of those of a bare route"]
    assert bare == ("≥ 0.8", *(f"{ratio:.2f}" for ratio in expected))
    assert ["SQLite", "mediator", "8.0", "`q`, no case", "2.5"] in slowest
