"""Test modules import helpers only from helper modules, and load nothing heavy that they do not need."""

import subprocess
import sys
from collections.abc import Iterable

import pytest

from tests.house.source import ROOT, TESTS, Source, listed

# Each takes a second or more to import. Only the files that use one import it, where only slow tests do, inside them.
HEAVY = {"boto3", "hypothesis", "moto", "pypdf", "schemathesis"}


def imports_of_tests(file: Source) -> list[str]:
    """The imports of a test file that name a test module or a conftest, each with its line."""
    return [
        f"{file.path}:{each.line} {each.name}"
        for each in file.imports
        if each.is_within("tests")
        and any(part == "conftest" or part.startswith("test_") for part in each.name.split("."))
    ]


def test_no_test_module_is_imported_by_another() -> None:
    faults = [fault for file in TESTS for fault in imports_of_tests(file)]
    assert not faults, listed(faults)


@pytest.mark.parametrize(
    "text",
    [
        "from tests.core.access.test_gate import database",
        "from tests.core.access import test_gate",
        "import tests.core.access.test_gate",
        "from tests.conftest import registry",
        "from .test_hidden_items import crawl",
        "def helper():\n    from tests.rules.test_engine import with_lapse",
    ],
)
def test_an_import_of_a_test_module_is_caught(text: str) -> None:
    assert len(imports_of_tests(Source("tests/core/access/test_policy.py", text))) == 1


def test_an_import_of_a_helper_module_passes() -> None:
    text = "from tests.story import Dispute\nfrom tests.installation import TEST_SETTINGS\nfrom app.rules import engine"
    assert imports_of_tests(Source("tests/core/access/test_policy.py", text)) == []


def stray_tests(files: Iterable[Source]) -> list[str]:
    """The tests that pytest does not collect, because their module is a helper."""
    return [
        f"{file.path}:{line} {name}"
        for file in files
        if not file.layer.startswith("test_")
        for line, name in file.functions()
        if name.startswith("test_")
    ]


def test_tests_stand_only_in_test_modules() -> None:
    faults = stray_tests(TESTS)
    assert not faults, listed(faults)


def test_a_test_in_a_helper_is_found() -> None:
    text = "class TestX:\n    async def test_x(self): ...\ndef text(): ..."
    assert stray_tests([Source("tests/planted.py", text)]) == ["tests/planted.py:2 test_x"]
    assert stray_tests([Source("tests/test_planted.py", text)]) == []


def heavy_packages(*command: str) -> tuple[set[str], str]:
    """The heavy packages that a command imports, and what it prints."""
    started = subprocess.run(
        [sys.executable, "-X", "importtime", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert started.returncode == 0, started.stdout
    lines = [line for line in started.stderr.splitlines() if line.startswith("import time:")]
    packages = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}
    return packages & HEAVY, started.stdout


def test_a_single_file_starts_without_the_heavy_packages_that_it_does_not_use() -> None:
    one = "tests/proceedings/test_steps.py::test_an_unknown_step_is_not_found[sqlite]"
    found, said = heavy_packages("-m", "pytest", "-n0", "-q", "-s", "-p", "no:cacheprovider", one)
    assert "1 passed" in said
    assert found == set()


def test_a_heavy_package_is_found_wherever_it_is_imported() -> None:
    assert heavy_packages("-c", "def f():\n    import pypdf.errors\nf()") == ({"pypdf"}, "")
