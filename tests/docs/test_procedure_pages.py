"""The page and the drawing of every rule set that ships are those that its file gives now."""

from itertools import zip_longest
from pathlib import Path

import pytest

from app.institution.procedures.diagram.svg import draw
from app.institution.procedures.page import page
from app.operations.migrating import ROOT
from app.rules.loader import LIBRARY, load

PAGES = ROOT / "docs" / "procedures"
SHIPPED = sorted(path.stem for path in LIBRARY.glob("*.toml"))
RENEW = "run `accord procedures page` without a rules folder"


def difference(path: Path, made: str) -> str | None:
    """What is wrong with a file that should have that text, and how it is renewed; None if it has it."""
    place = f"docs/procedures/{path.name}"
    if not path.exists():
        return f"{place} is not there: {RENEW}"
    kept = path.read_text(encoding="utf-8")
    if kept == made:
        return None
    pairs = enumerate(zip_longest(kept.split("\n"), made.split("\n")), 1)
    line = next(number for number, (old, new) in pairs if old != new)
    return f"{place} differs from line {line} on: {RENEW}"


@pytest.mark.parametrize("id", SHIPPED)
def test_the_page_and_the_drawing_are_those_of_the_file(id: str) -> None:
    rules = load(LIBRARY / f"{id}.toml")
    faults = [difference(PAGES / f"{id}.md", page(rules)), difference(PAGES / f"{id}.svg", draw(rules))]
    assert faults == [None, None], "\n".join(fault for fault in faults if fault)


def test_every_page_is_of_a_rule_set_that_ships() -> None:
    kept = {path.name for path in PAGES.glob("*") if path.suffix in (".md", ".svg")}
    other = sorted(kept - {f"{id}{ending}" for id in SHIPPED for ending in (".md", ".svg")} - {"README.md"})
    assert other == [], f"pages of rule sets that do not ship: {', '.join(other)}"


def test_a_page_that_differs_is_named_with_its_line_and_how_to_renew_it(tmp_path: Path) -> None:
    path = tmp_path / "some-rules.md"
    assert difference(path, "one\n") == f"docs/procedures/some-rules.md is not there: {RENEW}"
    path.write_text("one\ntwo\n")
    assert difference(path, "one\ntwo\n") is None
    assert difference(path, "one\nthree\n") == f"docs/procedures/some-rules.md differs from line 2 on: {RENEW}"
    assert difference(path, "one\ntwo\nthree\n") is not None
