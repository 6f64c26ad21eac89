"""The lock files pin everything by hash, and name no index."""

import re
import tomllib
from collections.abc import Mapping

import pytest

from tests.house.source import ROOT, listed

LOCKS = ("requirements.lock", "requirements-dev.lock")
HASH = f"--hash=sha256:{'0' * 64}"

Pins = Mapping[str, tuple[str, frozenset[str]]]


def text_of(lock: str) -> str:
    """The text of a lock file."""
    return (ROOT / lock).read_text(encoding="utf-8")


def pins(text: str) -> Pins:
    """Each requirement of a lock: its name, its version with its marker, and its hashes."""
    requirements = {}
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            name, _, version = requirement.partition("==")
            requirements[name.strip()] = (version.strip(), frozenset(hashes))
    return requirements


def loose_requirements(text: str) -> list[str]:
    """The requirements that have no version, or no hash, or something else as their hash."""
    return [
        f"{name} {version}"
        for name, (version, hashes) in pins(text).items()
        if not version or not hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes)
    ]


def addresses(text: str) -> list[str]:
    """The lines that name an index or a path: these contain a slash, or an option other than --hash."""
    pattern = re.compile(r"(^|\s)-{1,2}(?!hash=|c requirements\.lock)\w")
    return [line for line in text.splitlines() if "/" in line or pattern.search(line)]


def other_versions(running: Pins, developing: Pins) -> list[str]:
    """The requirements of the first lock that the second lacks or pins otherwise."""
    return [name for name in running if running[name] != developing.get(name)]


def missing(declared: list[str], locked: Pins) -> list[str]:
    """The declared dependencies that a lock does not pin."""
    names = {re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for each in declared}
    return sorted(names - locked.keys())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_one_version_and_its_hashes(lock: str) -> None:
    faults = loose_requirements(text_of(lock))
    assert not faults, listed(faults)
    assert len(pins(text_of(lock))) > 20


@pytest.mark.parametrize(
    "text", ["a==1", "a", f"a {HASH}", f"a==1 {HASH[:-1]}", f"a>=1 {HASH}", f"a==1 {HASH.replace('256', '1')}"]
)
def test_a_loose_requirement_is_found(text: str) -> None:
    assert loose_requirements(f"b==2 \\\n    {HASH}\n{text}\n")
    assert not loose_requirements(f"b==2 \\\n    {HASH}\n")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_path(lock: str) -> None:
    faults = addresses(text_of(lock))
    assert not faults, listed(faults)


@pytest.mark.parametrize(
    "line", ["--index-url example", "-i example", "# via https://example.org", "-e .", "a @ file:///a", "# from /a"]
)
def test_an_index_or_a_path_is_found(line: str) -> None:
    assert addresses(f"a==1 \\\n    {HASH}\n{line}\n") == [line]


def test_the_development_lock_pins_the_same_versions_as_the_runtime_lock() -> None:
    faults = other_versions(*(pins(text_of(lock)) for lock in LOCKS))
    assert not faults, listed(faults)


@pytest.mark.parametrize("text", ["", f"a==2 {HASH}", "a==1"])
def test_another_version_in_the_development_lock_is_found(text: str) -> None:
    assert other_versions(pins(f"a==1 {HASH}"), pins(text)) == ["a"]


@pytest.mark.parametrize(
    ("lock", "groups"), [("requirements.lock", ["build"]), ("requirements-dev.lock", ["build", "dev"])]
)
def test_a_lock_pins_every_dependency_that_the_project_declares(lock: str, groups: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["dependencies"] + [each for group in groups for each in project["optional-dependencies"][group]]
    faults = missing(declared, pins(text_of(lock)))
    assert not faults, listed(faults)


def test_a_dependency_that_no_lock_pins_is_found() -> None:
    assert missing(["a-b>=1", "c_d[extra]>=2; marker"], pins(f"a-b==1 {HASH}")) == ["c-d"]
