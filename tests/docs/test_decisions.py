"""Every decision has a date under its title, and a line in the index."""

import re
from datetime import date
from pathlib import Path

import pytest

from tests.house.source import ROOT

FOLDER = ROOT / "docs" / "decisions"
INDEX = FOLDER / "README.md"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path != INDEX)
ROW = re.compile(r"^\| (\d{4}-\d\d-\d\d) \| \[(.+)\]\((.+)\) \| (.+) \|$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_decision_has_its_date_under_its_title_and_a_line_in_the_index(page: Path) -> None:
    title, empty, dated, *_text = page.read_text(encoding="utf-8").splitlines()
    day = re.fullmatch(r"Date: (\d{4}-\d\d-\d\d)", dated)
    assert title.startswith("# ")
    assert not empty
    assert day is not None, "the third line should be 'Date: YYYY-MM-DD'"
    assert date.fromisoformat(day[1]).isoformat() == day[1]
    rows = [row[:2] for row in ROW.findall(INDEX.read_text(encoding="utf-8")) if row[2] == page.name]
    assert rows == [(day[1], title.removeprefix("# "))], f"{page.name} needs a line in docs/decisions/README.md"


def test_the_index_lists_no_other_pages_and_is_in_order() -> None:
    rows = ROW.findall(INDEX.read_text(encoding="utf-8"))
    assert {row[2] for row in rows} == {page.name for page in PAGES}
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
