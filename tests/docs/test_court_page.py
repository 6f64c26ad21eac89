"""The commands that connect a court are run, and print what the page says."""

from pathlib import Path

import pytest

from app.operations.migrating import ROOT
from tests.docs.consoles import commands, followed

PAGE = ROOT / "docs" / "wire-in-a-court.md"


@pytest.mark.slow
def test_a_court_is_connected_by_the_commands_of_the_page(tmp_path: Path) -> None:
    written = commands(PAGE)
    faults = followed(written, tmp_path, port="8000")
    assert not faults, "\n\n".join(faults)
