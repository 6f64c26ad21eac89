"""The names of files and folders, and the rules that every test file follows."""

import ast
from pathlib import PurePosixPath

from tests.house.source import TESTS, listed, project_files

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


def test_the_top_level_holds_only_what_belongs_there() -> None:
    top = {PurePosixPath(path).parts[0] for path in project_files()}
    faults = sorted(top - TOP_LEVEL - HIDDEN)
    assert not faults, listed(faults)


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    faults = [
        path
        for path in project_files()
        if SAYS_NOTHING.intersection(part.split(".")[0].strip("_").lower() for part in PurePosixPath(path).parts)
    ]
    assert not faults, listed(faults)


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    banned = {"pytest.skip", "pytest.xfail", "pytest.importorskip", "unittest.skip", "unittest.skipIf"}
    banned |= {f"pytest.mark.{mark}" for mark in ("skip", "skipif", "xfail")}
    faults = [
        f"{file.path}:{line} {name}"
        for file in TESTS
        for line, name in [*file.mentions(), *((each.line, each.name) for each in file.imports)]
        if name in banned
    ]
    assert not faults, listed(faults)


def test_no_assertion_is_true_whatever_happens() -> None:
    faults = [
        f"{file.path}:{node.lineno}"
        for file in TESTS
        for node in file.nodes
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant | ast.Tuple)
    ]
    assert not faults, listed(faults)
