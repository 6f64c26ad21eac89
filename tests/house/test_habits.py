"""The files that people who join rely on: hooks, templates, the workflow, the Makefile's help and the wheel."""

import ast
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.source import ROOT, listed

FORMS = ("bug.yml", "feature.yml", "rule-set-correction.yml")
FORM_FIELDS = {"textarea", "input", "dropdown", "checkboxes"}
# The noun that the page for contributors adds.
EXAMPLE = "reminders"
# What `make lint` runs and no hook does.
NOT_A_HOOK = {".venv/bin/hadolint Dockerfile": "hadolint is installed on Linux on x86-64 only"}


def read_yaml(path: str) -> Any:
    """A YAML file with every scalar as its text, so that the key `on` stays a word."""
    return yaml.load((ROOT / path).read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - makes only text


def make(*words: str) -> str:
    """What `make` prints, without the settings of a `make` that may run this test."""
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(
        command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, check=True, text=True
    ).stdout


def commands_of(target: str) -> list[str]:
    """The programs of the virtual environment that a target runs, those of targets that it calls included."""
    programs = re.findall(r"(?:^|; )(\.venv/bin/[^;\n]+)", make("--dry-run", "VENV=.venv", target), re.MULTILINE)
    return [program for program in programs if "-m pip" not in program]


def test_the_hooks_run_what_make_lint_runs() -> None:
    (repository,) = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    entries: list[str] = []
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        # They check the whole project, as `make lint` does, and not the changed files alone.
        assert hook["pass_filenames"] == "false"
        target = re.fullmatch(r"make ([\w-]+)", hook["entry"])
        entries += commands_of(target[1]) if target else [hook["entry"]]
    assert [*entries, *NOT_A_HOOK] == commands_of("lint")


def test_the_workflow_runs_the_script_that_everybody_can_run() -> None:
    workflow = read_yaml(".github/workflows/ci.yml")
    assert set(workflow["on"]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert job["services"]["postgresql"]["image"] == "postgres:15"
    assert "@127.0.0.1:5432/" in job["env"]["TEST_DATABASE_URL"]
    (upload,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert upload["if"] == "always()"
    assert upload["with"]["path"] == ".reports"
    assert upload["with"]["include-hidden-files"] == "true"


def test_the_workflow_tries_the_oldest_python_that_the_project_supports() -> None:
    (job,) = read_yaml(".github/workflows/ci.yml")["jobs"].values()
    oldest = re.search(r'^requires-python = ">=([\d.]+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert oldest is not None
    assert oldest[1] in job["strategy"]["matrix"]["python"]


def test_every_template_is_checked_here() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    assert {path.name for path in folder.iterdir()} == {*FORMS, "config.yml"}
    assert read_yaml(".github/ISSUE_TEMPLATE/config.yml") == {"blank_issues_enabled": "false"}
    assert "CONTRIBUTING.md" in (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FORMS)
def test_an_issue_form_has_what_github_requires(name: str) -> None:
    form = read_yaml(f".github/ISSUE_TEMPLATE/{name}")
    assert set(form) == {"name", "description", "labels", "body"}
    fields = [element for element in form["body"] if element["type"] != "markdown"]
    assert {element["type"] for element in fields} <= FORM_FIELDS
    assert len({element["id"] for element in fields}) == len(fields)
    assert any(element.get("validations") == {"required": "true"} for element in fields)
    for element in form["body"]:
        attributes = element["attributes"]
        assert attributes["value"] if element["type"] == "markdown" else attributes["label"]
        if element["type"] in ("dropdown", "checkboxes"):
            options = [option if isinstance(option, str) else option["label"] for option in attributes["options"]]
            assert len(set(options)) == len(options) > 0


def test_a_correction_of_a_rule_set_names_its_source() -> None:
    body = read_yaml(".github/ISSUE_TEMPLATE/rule-set-correction.yml")["body"]
    required = {element["id"] for element in body if element.get("validations") == {"required": "true"}}
    assert {"rule-set", "article", "source", "quotation", "standing"} <= required


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE)
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert sorted(phony.split()) == sorted(targets)
    listed = re.findall(r"^make ([\w-]+) +\S", make("help"), re.MULTILINE)
    assert sorted(listed) == sorted(targets)


def test_the_wheel_says_that_the_package_is_typed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert "app/py.typed" in archive.namelist()


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_every_page_that_they_link_to_exists(page: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text(encoding="utf-8"))
    faults = [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]
    assert links
    assert not faults, listed(faults)


def test_every_place_that_the_page_for_contributors_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = set(re.findall(r"(?:app|tests|migrations|docs)/[\w./-]*[\w/]", text))
    faults = sorted(place for place in places if not (ROOT / place).exists() and EXAMPLE not in place)
    assert len(places) > 20
    assert not faults, listed(faults)


def test_the_snippets_for_contributors_are_python() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(snippets) > 5
    for snippet in snippets:
        ast.parse(snippet)
