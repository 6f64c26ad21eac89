"""Rule sets of the institution's own for the tests of cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.rules.loader import use_folder
from tests.own_rules import OwnTerm


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[OwnTerm]:
    """A function that makes a rule set of the institution's own with a term of these keys for the reply."""
    yield OwnTerm(tmp_path / "rules")
    use_folder(None)
