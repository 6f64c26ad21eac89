"""docs/api.md is followed on the demo's registry, and prints what the page says."""

import re
from pathlib import Path

import pytest

from app.core.access.policy import MADE_BY_THE_SERVICE, NAMED_BY_PEOPLE
from app.operations.migrating import ROOT
from app.settings import PREFIX, Settings
from tests.docs.consoles import commands, followed

PAGE = ROOT / "docs" / "api.md"


@pytest.mark.slow
@pytest.mark.parametrize("_engine", ["sqlite"])
def test_the_conventions_hold_as_the_page_shows_them(_engine: str, tmp_path: Path) -> None:
    faults = followed(commands(PAGE), tmp_path, port="8000")
    assert not faults, "\n\n".join(faults)


def test_the_page_names_every_audience() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \| ", PAGE.read_text(encoding="utf-8").partition("## Audiences")[2], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    assert {*NAMED_BY_PEOPLE, *MADE_BY_THE_SERVICE} <= named


def test_every_setting_that_the_page_names_is_one_of_the_service() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(rf"\b{PREFIX}\w+", PAGE.read_text(encoding="utf-8"))) <= known
