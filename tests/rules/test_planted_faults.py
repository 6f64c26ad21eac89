"""Faults are planted in the engine, the checks and the counting, one at a time; the tests of the rules catch each."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# File, original text, planted text, and the tests that catch it.
FAULTS = {
    "a step is open from every stage": (
        "engine",
        "if facts.stage not in entry.origin:",
        "if facts.stage not in entry.origin and entry.to is None:",
        "test_expectations",
    ),
    "one party's act completes what each must do": (
        "engine",
        "completes = entry.each is None or all(",
        "completes = entry.each is None or any(",
        "test_each",
    ),
    "a term has passed on its last day": ("engine", "or on <= last:", "or on < last:", "test_engine"),
    "the first of several terms lets the step through": (
        "engine",
        "last = max((term.due_on for term in running), default=None)",
        "last = min((term.due_on for term in running), default=None)",
        "test_tracks",
    ),
    "a suspended term passes": ("engine", "if last is None or suspended or on", "if last is None or on", "test_tracks"),
    "a case is inadmissible while every gate holds": (
        "engine",
        "if entry.fails and not checks.unmet(",
        "if entry.fails and checks.unmet(",
        "test_needs",
    ),
    "a text that settles a part settles the whole": (
        "engine",
        'facts.settles == "part"',
        'facts.settles == "none"',
        "test_tracks",
    ),
    "a closed track cannot be opened again": (
        "engine",
        "(entry.opens, (None, CLOSED)),",
        "(entry.opens, (None,)),",
        "test_tracks",
    ),
    "a step is taken in a track that is paused": (
        "engine",
        "((entry.within,) if entry.within else (), (OPEN,)),",
        "((entry.within,) if entry.within else (), (OPEN, PAUSED)),",
        "test_tracks",
    ),
    "an act for two parties at once is taken for one of them": (
        "engine",
        "if len(own) > 1:",
        "if len(own) > 9:",
        "test_each",
    ),
    "a party that has withdrawn still acts": (
        "engine",
        "and holding.party_id not in withdrawn",
        "and holding is not None",
        "test_tracks",
    ),
    "a case waits until a day that is over": (
        "engine",
        "running = [term for term in facts.terms if not term.ended and not term.suspended]",
        "running = [term for term in facts.terms if not term.suspended]",
        "test_waiting",
    ),
    "a declaration begins a day late": (
        "checks",
        "declaration.from_on <= day",
        "declaration.from_on < day",
        "test_needs",
    ),
    "a third State that consented is missing": ("checks", "if not state.consented", "if state.consented", "test_needs"),
    "the day of the trigger counts": (
        "terms",
        "trigger_on + period.count * (7 if",
        "trigger_on - _DAY + period.count * (7 if",
        "test_terms",
    ),
    "a month is four weeks": (
        "terms",
        "min(trigger_on.day, monthrange(year, month + 1)[1])",
        "min(trigger_on.day, 28)",
        "test_terms",
    ),
    "Friday is of the weekend": ("terms", "SATURDAY = 5", "SATURDAY = 4", "test_terms"),
    "one calendar is enough": (
        "terms",
        "why for calendar in calendars if (why := calendar.off(day)) is not None",
        "why for calendar in calendars[:1] if (why := calendar.off(day)) is not None",
        "test_terms",
    ),
    "a suspension gives a day": (
        "terms",
        "return Period(count, unit) if count > 0",
        "return Period(count + 1, unit) if count > 0",
        "test_terms",
    ),
    "an extension may end on the day that is": (
        "terms",
        "if until_on <= due_on:",
        "if until_on < due_on:",
        "test_terms",
    ),
    "the last working day is not left": ("terms", "left += day <= due_on", "left += day < due_on", "test_terms"),
    "a worked Sunday rests": ("terms", "and day not in self.worked", "and self.worked is not None", "test_terms"),
    "the day ends at the first of two midnights": ("days", "for fold in (1, 0):", "for fold in (0, 1):", "test_days"),
}
TESTS = sorted({tests for _file, _there, _planted, tests in FAULTS.values()})


def verdict(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """The result of these tests of the rules on the code in a folder."""
    files = [f"tests/rules/{name}.py" for name in tests]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", *files]
    surroundings = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and its tests, to plant faults in."""
    folder = tmp_path_factory.mktemp("planted")
    # Rules need no service, and the tests' fixtures would load it every time.
    left_out = shutil.ignore_patterns("__pycache__", "upgrades", "conftest.py")
    for name in ("app", "tests", "migrations"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for name in ("pyproject.toml", "alembic.ini"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.slow
def test_the_unchanged_code_passes(copy: Path) -> None:
    result = verdict(copy, *TESTS)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_every_planted_fault_is_caught(copy: Path, fault: str) -> None:
    file, there, planted, tests = FAULTS[fault]
    path = copy / "app" / "rules" / f"{file}.py"
    sound = path.read_text(encoding="utf-8")
    assert sound.count(there) == 1, "the passage to be changed is not there once"
    path.write_text(sound.replace(there, planted), encoding="utf-8")
    try:
        result = verdict(copy, tests)
    finally:
        path.write_text(sound, encoding="utf-8")
    assert result.returncode == 1, result.stdout[-2000:]
    assert " failed" in result.stdout
