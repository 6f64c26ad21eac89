"""The lock files pin everything by hash, and name no index."""

import re
import tomllib

import pytest

from tests.house.source import ROOT, listed

LOCKS = ("requirements.lock", "requirements-dev.lock")


def pinned(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Each requirement of a lock: its name, its version with its marker, and its hashes."""
    lines = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    requirements = {}
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            name, _, version = requirement.partition("==")
            requirements[name.strip()] = (version.strip(), frozenset(hashes))
    return requirements


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_one_version_and_its_hashes(lock: str) -> None:
    faults = [
        f"{name} {version}"
        for name, (version, hashes) in pinned(lock).items()
        if not version or not hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes)
    ]
    assert not faults, listed(faults)
    assert len(pinned(lock)) > 20


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_path(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    # Every address and path contains a slash, and --hash is the only option.
    faults = [line for line in lines if "/" in line or re.search(r"(^|\s)-{1,2}(?!hash=|c requirements\.lock)\w", line)]
    assert not faults, listed(faults)


def test_the_development_lock_pins_the_same_versions_as_the_runtime_lock() -> None:
    running, developing = (pinned(lock) for lock in LOCKS)
    faults = [name for name in running if running[name] != developing.get(name)]
    assert not faults, listed(faults)


@pytest.mark.parametrize(
    ("lock", "groups"), [("requirements.lock", ["build"]), ("requirements-dev.lock", ["build", "dev"])]
)
def test_a_lock_pins_every_dependency_that_the_project_declares(lock: str, groups: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["dependencies"] + [each for group in groups for each in project["optional-dependencies"][group]]
    names = {re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for each in declared}
    faults = sorted(names - pinned(lock).keys())
    assert not faults, listed(faults)
