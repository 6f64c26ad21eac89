"""The recipe for wiring in a court is run, and prints what it says."""

from pathlib import Path

from app.operations.migrating import ROOT
from tests.docs.consoles import commands, compared, run

PAGE = ROOT / "docs" / "wire-in-a-court.md"


def test_a_court_is_wired_in_by_the_commands_of_the_page(tmp_path: Path) -> None:
    written = commands(PAGE)
    faults = compared(written, run(written, tmp_path, port="8124"))
    assert not faults, "\n\n".join(faults)
