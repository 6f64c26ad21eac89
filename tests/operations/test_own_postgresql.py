"""The tests start their own PostgreSQL server if the machine has none, and remove it afterwards."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEST = "tests/proceedings/test_steps.py::test_a_day_can_be_set_only_by_a_step_that_starts_a_term"


def servers() -> set[str]:
    """The folders of embedded servers."""
    return {path.name for path in Path(tempfile.gettempdir()).glob("accord-postgresql-*")}


@pytest.mark.slow
def test_a_run_starts_one_server_for_all_workers_and_removes_it_afterwards() -> None:
    before = servers()
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", TEST]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**surroundings, "TEST_DATABASE_URL": "embedded"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert servers() == before
