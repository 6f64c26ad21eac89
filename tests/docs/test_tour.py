"""The README's commands are run and print what it says, and its table of settings is the one of the service."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.operations.migrating import ROOT
from app.settings import Settings
from tests.docs.consoles import agrees, blocks, commands, compared, plain, run
from tests.postgresql_server import new_database

README = ROOT / "README.md"
TOUR, RULES = "Five minutes with curl", "Rules of procedure"
COURT, FOR_REAL = "Wire in a court", "Running it for real, so far"


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An address at which there is no registry yet; on PostgreSQL a database that is dropped afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/registry.db"
        return
    with new_database("accord_docs") as url:
        yield url.render_as_string(hide_password=False)


@pytest.mark.parametrize("_engine", ["sqlite"])
def test_the_tour_prints_what_the_readme_says(_engine: str, tmp_path: Path) -> None:
    written = commands(README, TOUR)
    faults = compared(written, run(written, tmp_path, port="8123"))
    assert not faults, "\n\n".join(faults)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_registry_is_set_up_by_the_commands_of_the_readme(database_url: str, tmp_path: Path) -> None:
    written = commands(README, FOR_REAL)
    faults = compared(written, run(written, tmp_path, port="8000", ACCORD_DATABASE_URL=database_url))
    assert not faults, "\n\n".join(faults)


def test_the_rule_sets_print_as_the_readme_shows() -> None:
    written = commands(README, RULES)
    printed = [CliRunner().invoke(cli, shlex.split(command.text)[1:]).output for command in written]
    faults = compared(written, printed)
    assert not faults, "\n\n".join(faults)


@pytest.mark.parametrize("_engine", ["sqlite"])
def test_the_demo_runs_with_a_court_as_the_readme_says(_engine: str, tmp_path: Path) -> None:
    written = commands(README, COURT)
    faults = compared(written, run(written, tmp_path, port="8126"))
    assert not faults, "\n\n".join(faults)


def test_no_console_block_of_the_readme_is_left_unrun() -> None:
    every = [start for start, _lines in blocks(README)]
    assert every == [start for heading in (TOUR, RULES, COURT, FOR_REAL) for start, _lines in blocks(README, heading)]


def test_the_table_of_settings_is_the_one_of_the_service() -> None:
    rows = re.findall(r"^\| `(ACCORD_\w+)` \| (\S+) \| (.+) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [
        (f"ACCORD_{name.upper()}", _shown(field.default), field.description)
        for name, field in Settings.model_fields.items()
    ]


def _shown(default: object) -> str:
    if default is None:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_page_that_the_documents_point_to_is_there() -> None:
    pages = [README, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    faults = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not faults, faults


def test_an_output_that_differs_in_a_word_does_not_agree() -> None:
    said = ('stage: "draft"', "…", "2026-01-05  lodged")
    assert agrees(said, 'stage: "draft"\n2027-02-06  lodged\n')
    assert agrees(said, 'stage: "draft"\none\ntwo\n2027-02-06  lodged\n')
    assert not agrees(said, 'stage: "lodged"\n2027-02-06  lodged\n')
    assert not agrees(said, 'stage: "draft"\n2027-02-06  lodged\nmore\n')
    assert plain("id 0f07b07f-3ce8-47fa-a2f0-bf99cd9a381a") == ["id <id>"]
