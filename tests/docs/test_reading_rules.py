"""docs/rules.md shows how a rule set is read; its commands print what it says."""

from pathlib import Path

from app.operations.migrating import ROOT
from tests.docs.consoles import commands, fenced, followed

PAGE = ROOT / "docs" / "rules.md"
READING = "Read a rule set"


def test_the_rule_sets_print_as_the_page_shows(tmp_path: Path) -> None:
    faults = followed(commands(PAGE, READING), tmp_path, port="8000")
    assert not faults, "\n\n".join(faults)


def test_no_command_of_the_page_is_left_unrun() -> None:
    assert {block.heading for block in fenced(PAGE) if block.language in ("sh", "console")} == {READING}
