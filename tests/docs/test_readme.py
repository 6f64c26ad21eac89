"""The README is short, begins with its two commands, and its commands print what it says."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.operations.migrating import ROOT
from tests.docs.consoles import Command, commands, fenced, followed
from tests.postgresql_server import new_database
from tests.processes import forget_settings

README, OPERATE = ROOT / "README.md", ROOT / "docs" / "operate.md"
TOUR, FOR_REAL = "A tour in five requests", "Install it for real"
MOST_BYTES = 10_000


@pytest.fixture
def empty_postgresql() -> Iterator[str]:
    """The address of a PostgreSQL database in which there is nothing yet, dropped afterwards."""
    with new_database("accord_docs") as url:
        yield url.render_as_string(hide_password=False)


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    assert len(README.read_bytes()) <= MOST_BYTES
    first = next(fenced(README))
    assert first.line < 10
    assert [line.partition("#")[0].strip() for line in first.lines] == ["make demo", "make test"]


@pytest.mark.parametrize("_engine", ["sqlite"])
def test_the_tour_is_pasted_as_it_stands_after_make_demo(_engine: str, tmp_path: Path) -> None:
    written = [Command(0, "make demo", ("…",)), *commands(README, TOUR)]
    faults = followed(written, tmp_path, port="8000")
    assert not faults, "\n\n".join(faults)


def test_the_tour_has_five_requests_and_no_prompts() -> None:
    blocks = [block for block in fenced(README) if block.heading == TOUR]
    assert {block.language for block in blocks} == {"sh", "json", "text"}
    assert sum(line.startswith("ask ") for block in blocks for line in block.lines) == 5


@pytest.mark.slow
def test_a_registry_is_installed_by_the_commands_of_the_readme(empty_postgresql: str, tmp_path: Path) -> None:
    written = commands(README, FOR_REAL)
    faults = followed(written, tmp_path, port="8000", ACCORD_DATABASE_URL=empty_postgresql)
    assert not faults, "\n\n".join(faults)


def test_a_registry_of_the_same_terminal_does_not_reach_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in commands(README, FOR_REAL):
        for name, value in re.findall(r"\b(ACCORD_\w+)=(\S+)", command.text):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("ACCORD_TEST_ROUNDS", "1")
    forget_settings()
    assert [name for name in os.environ if name.startswith("ACCORD_")] == ["ACCORD_TEST_ROUNDS"]


def test_the_readme_installs_as_the_guide_for_operators_does() -> None:
    guide = OPERATE.read_text(encoding="utf-8")
    of_accord = [each.text for each in commands(README, FOR_REAL) if each.text.startswith((".venv/bin/accord", "make"))]
    # There, the token has a label and a number of days.
    assert [text for text in of_accord if f"$ {text}" not in guide] == []


def test_every_block_of_the_readme_is_run() -> None:
    run = {block.line for block in fenced(README) if block.heading in (TOUR, FOR_REAL)}
    assert [block.line for block in fenced(README) if block.line not in run] == [next(fenced(README)).line]
