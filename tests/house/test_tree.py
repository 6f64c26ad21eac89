"""The names of files and folders, and the rules that every test file follows."""

import ast
from collections.abc import Iterable
from pathlib import PurePosixPath

import pytest

from tests.house.source import TESTS, Source, listed, project_files

TOP_LEVEL = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "alembic.ini",
    "app",
    "benchmarks",
    "compose.yaml",
    "docs",
    "migrations",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements.lock",
    "tests",
}
HIDDEN = {
    ".ci",
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".pre-commit-config.yaml",
}
SAYS_NOTHING = {
    "utils",
    "util",
    "helpers",
    "helper",
    "base",
    "constants",
    "manager",
    "managers",
    "crud",
    "common",
    "misc",
}


def strangers_at_the_top(paths: Iterable[str]) -> list[str]:
    """The files and folders at the top of the repository that do not belong there."""
    return sorted({PurePosixPath(path).parts[0] for path in paths} - TOP_LEVEL - HIDDEN)


def names_that_say_nothing(paths: Iterable[str]) -> list[str]:
    """The files whose name, or a folder's name, does not say what is inside."""
    return [
        path
        for path in paths
        if SAYS_NOTHING.intersection(part.split(".")[0].strip("_").lower() for part in PurePosixPath(path).parts)
    ]


def skipped_tests(files: Iterable[Source]) -> list[str]:
    """Where a test is skipped or expected to fail."""
    banned = {"pytest.skip", "pytest.xfail", "pytest.importorskip", "unittest.skip", "unittest.skipIf"}
    banned |= {f"pytest.mark.{mark}" for mark in ("skip", "skipif", "xfail")}
    return [
        f"{file.path}:{line} {name}"
        for file in files
        for line, name in [*file.mentions(), *((each.line, each.name) for each in file.imports)]
        if name in banned
    ]


def empty_assertions(files: Iterable[Source]) -> list[str]:
    """Where an assertion is true whatever happens."""
    return [
        f"{file.path}:{node.lineno}"
        for file in files
        for node in file.nodes
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant | ast.Tuple)
    ]


def test_the_top_level_holds_only_what_belongs_there() -> None:
    faults = strangers_at_the_top(project_files())
    assert not faults, listed(faults)


def test_another_file_at_the_top_level_is_found() -> None:
    assert strangers_at_the_top(["app/main.py", "NOTES.txt", ".ci/run", "scripts/x.sh"]) == ["NOTES.txt", "scripts"]


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    faults = names_that_say_nothing(project_files())
    assert not faults, listed(faults)


@pytest.mark.parametrize("path", ["app/core/utils.py", "tests/helpers/cases.py", "app/proceedings/_common.py"])
def test_a_name_that_says_nothing_is_found(path: str) -> None:
    assert names_that_say_nothing(["app/core/values.py", path]) == [path]


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    faults = skipped_tests(TESTS)
    assert not faults, listed(faults)


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\n@pytest.mark.skip\ndef test_x(): ...",
        "import pytest\n@pytest.mark.skipif(True, reason='')\ndef test_x(): ...",
        "import pytest as p\ndef test_x():\n    p.xfail('later')",
        "from pytest import importorskip",
        "from unittest import skip as later",
    ],
)
def test_a_skipped_test_is_found(text: str) -> None:
    assert skipped_tests([Source("tests/test_x.py", text)])


def test_no_assertion_is_true_whatever_happens() -> None:
    faults = empty_assertions(TESTS)
    assert not faults, listed(faults)


@pytest.mark.parametrize("text", ["assert True", "assert 'x'", "assert (1 == 2, 'never')"])
def test_an_assertion_that_is_always_true_is_found(text: str) -> None:
    assert empty_assertions([Source("tests/test_x.py", text)]) == ["tests/test_x.py:1"]
