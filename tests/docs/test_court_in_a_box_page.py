"""The simulated court is run by the commands of its page, and prints what the page says."""

from pathlib import Path

import pytest

from app.integration.court_in_a_box.simulated_court import ORDERS
from app.operations.migrating import ROOT
from tests.docs.consoles import commands, followed

PAGE = ROOT / "docs" / "court-in-a-box.md"


@pytest.mark.slow
def test_the_court_runs_by_the_commands_of_its_page(tmp_path: Path) -> None:
    written = commands(PAGE)
    faults = followed(written, tmp_path, port="8125")
    assert not faults, "\n\n".join(faults)


def test_the_page_lists_every_order() -> None:
    page = PAGE.read_text(encoding="utf-8")
    words = [line.split()[0] for line in ORDERS.splitlines()]
    assert [word for word in words if f"`{word}" not in page] == []
