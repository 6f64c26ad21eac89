"""The files that people who join rely on: hooks, templates, the workflow, the Makefile's help and the wheel."""

import ast
import builtins
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.source import APP, ROOT, TESTS, Source, listed, python_files

FORMS = ("bug.yml", "feature.yml", "rule-set-correction.yml")
FORM_FIELDS = {"textarea", "input", "dropdown", "checkboxes"}
# What developers follow word for word.
PAGES = ("CONTRIBUTING.md", "docs/architecture.md")
# The noun that the page for contributors adds.
EXAMPLE = "reminders"
# Words in quotes that are no names of ours.
NOT_OF_THE_CODE = {"CONCURRENTLY", "TEST_DATABASE_URL"}
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


def faults_in_hooks(configuration: Any) -> list[str]:
    """How the hooks differ from `make lint`."""
    faults: list[str] = []
    entries: list[str] = []
    for repository in configuration["repos"]:
        if repository["repo"] != "local":
            faults.append(f"{repository['repo']} is not local")
        for hook in repository["hooks"]:
            # They check the whole project, as `make lint` does, and not the changed files alone.
            if (hook["language"], hook["pass_filenames"]) != ("system", "false"):
                faults.append(f"{hook['id']} needs more than this system, or checks single files")
            target = re.fullmatch(r"make ([\w-]+)", hook["entry"])
            entries += commands_of(target[1]) if target else [hook["entry"]]
    wanted = commands_of("lint")
    faults += [f"make lint does not run {entry}" for entry in entries if entry not in wanted]
    return faults + [f"no hook runs {each}" for each in wanted if each not in (*entries, *NOT_A_HOOK)]


def test_the_hooks_run_what_make_lint_runs() -> None:
    faults = faults_in_hooks(read_yaml(".pre-commit-config.yaml"))
    assert not faults, listed(faults)
    assert set(NOT_A_HOOK) <= set(commands_of("lint"))


@pytest.mark.parametrize(
    ("member", "value", "fault"),
    [
        ("entry", ".venv/bin/ruff check app", "make lint does not run .venv/bin/ruff check app"),
        ("entry", "make format", "make lint does not run .venv/bin/ruff check --fix-only --quiet ."),
        ("language", "python", "mypy needs more than this system, or checks single files"),
        ("pass_filenames", "true", "mypy needs more than this system, or checks single files"),
    ],
)
def test_a_hook_that_differs_is_found(member: str, value: str, fault: str) -> None:
    configuration = read_yaml(".pre-commit-config.yaml")
    (hook,) = [hook for hook in configuration["repos"][0]["hooks"] if hook["id"] == "mypy"]
    hook[member] = value
    assert fault in faults_in_hooks(configuration)
    configuration["repos"][0]["hooks"].remove(hook)
    assert faults_in_hooks(configuration) == ["no hook runs .venv/bin/mypy"]


def faults_in_workflow(workflow: Any) -> list[str]:
    """What the workflow does otherwise than the script that everybody can run."""
    (job,) = workflow["jobs"].values()
    steps = job["steps"]
    uploads = [step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    kept = {"path": ".reports", "include-hidden-files": "true"}
    checks = {
        "it runs at pushes and pull requests": set(workflow["on"]) == {"push", "pull_request"},
        "it may only read": workflow["permissions"] == {"contents": "read"},
        "it runs .ci/run and no other command": [step["run"] for step in steps if "run" in step] == [".ci/run"],
        "it has the PostgreSQL of the tests": job["services"]["postgresql"]["image"] == "postgres:15",
        "the tests find PostgreSQL": "@127.0.0.1:5432/" in job["env"]["TEST_DATABASE_URL"],
        "it keeps the reports whatever happens": len(uploads) == 1
        and uploads[0].get("if") == "always()"
        and kept.items() <= uploads[0]["with"].items(),
        "it tries the oldest Python": oldest_python() in job["strategy"]["matrix"]["python"],
    }
    return [f"not true of the workflow: {check}" for check, holds in checks.items() if not holds]


def oldest_python() -> str:
    """The oldest version of Python that the project supports."""
    (oldest,) = re.findall(r'^requires-python = ">=([\d.]+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    return str(oldest)


def test_the_workflow_runs_the_script_that_everybody_can_run() -> None:
    faults = faults_in_workflow(read_yaml(".github/workflows/ci.yml"))
    assert not faults, listed(faults)
    assert os.access(ROOT / ".ci/run", os.X_OK)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("pull_request:", "schedule:", "it runs at pushes and pull requests"),
        ("contents: read", "contents: write", "it may only read"),
        ("run: .ci/run", "run: make test", "it runs .ci/run and no other command"),
        ("postgres:15", "postgres:9", "it has the PostgreSQL of the tests"),
        ("@127.0.0.1:5432", "@db:5432", "the tests find PostgreSQL"),
        ("if: always()", "if: success()", "it keeps the reports whatever happens"),
        ("path: .reports", "path: reports", "it keeps the reports whatever happens"),
        ('"3.11"', '"3.12"', "it tries the oldest Python"),
    ],
)
def test_a_workflow_that_does_otherwise_is_found(old: str, new: str, fault: str) -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert old in text
    planted = yaml.load(text.replace(old, new), yaml.BaseLoader)  # noqa: S506 - makes only text
    assert faults_in_workflow(planted) == [f"not true of the workflow: {fault}"]


def test_every_template_is_checked_here() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    assert {path.name for path in folder.iterdir()} == {*FORMS, "config.yml"}
    assert read_yaml(".github/ISSUE_TEMPLATE/config.yml") == {"blank_issues_enabled": "false"}
    assert "CONTRIBUTING.md" in (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")


def faults_in_form(form: Any) -> list[str]:
    """What GitHub would refuse of an issue form, and a form without a field that must be filled in."""
    fields = [element for element in form["body"] if element["type"] != "markdown"]
    checks = {
        "its members": set(form) == {"name", "description", "labels", "body"},
        "its kinds of fields": {element["type"] for element in fields} <= FORM_FIELDS,
        "an id is used twice": len({element["id"] for element in fields}) == len(fields),
        "nothing is required": any(element.get("validations") == {"required": "true"} for element in fields),
    }
    faults = [check for check, holds in checks.items() if not holds]
    for element in form["body"]:
        attributes = element["attributes"]
        if not attributes.get("value" if element["type"] == "markdown" else "label"):
            faults.append(f"a field of the kind {element['type']} says nothing")
        if element["type"] in ("dropdown", "checkboxes"):
            options = [option if isinstance(option, str) else option["label"] for option in attributes["options"]]
            if not len(set(options)) == len(options) > 0:
                faults.append(f"{element['id']} has no options, or one twice")
    return faults


@pytest.mark.parametrize("name", FORMS)
def test_an_issue_form_has_what_github_requires(name: str) -> None:
    assert faults_in_form(read_yaml(f".github/ISSUE_TEMPLATE/{name}")) == []


@pytest.mark.parametrize(
    ("element", "fault"),
    [
        ({"type": "slider", "id": "x", "attributes": {"label": "x"}}, "its kinds of fields"),
        ({"type": "input", "id": "article", "attributes": {"label": "x"}}, "an id is used twice"),
        ({"type": "markdown", "attributes": {}}, "a field of the kind markdown says nothing"),
        ({"type": "input", "id": "x", "attributes": {}}, "a field of the kind input says nothing"),
        (
            {"type": "dropdown", "id": "x", "attributes": {"label": "x", "options": ["a", "a"]}},
            "x has no options, or one twice",
        ),
    ],
)
def test_a_form_that_github_would_refuse_is_found(element: Any, fault: str) -> None:
    form = read_yaml(".github/ISSUE_TEMPLATE/rule-set-correction.yml")
    form["body"].append(element)
    assert faults_in_form(form) == [fault]
    form["body"] = [{"type": "input", "id": "x", "attributes": {"label": "x"}}]
    assert faults_in_form({**form, "title": "x"}) == ["its members", "nothing is required"]


def test_a_correction_of_a_rule_set_names_its_source() -> None:
    body = read_yaml(".github/ISSUE_TEMPLATE/rule-set-correction.yml")["body"]
    required = {element["id"] for element in body if element.get("validations") == {"required": "true"}}
    assert {"rule-set", "article", "source", "quotation", "standing"} <= required


def faults_in_help(makefile: str, help_text: str) -> list[str]:
    """The targets that `make help` or .PHONY leaves out, and what they name that is no target."""
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    helped = set(re.findall(r"^make ([\w-]+) +\S", help_text, re.MULTILINE))
    return sorted((targets ^ helped) | (targets ^ set(phony.split())))


def test_make_help_lists_every_target() -> None:
    assert faults_in_help((ROOT / "Makefile").read_text(encoding="utf-8"), make("help")) == []


def test_a_target_that_the_help_leaves_out_is_found() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert faults_in_help(makefile + "\nplanted: lint\n", make("help")) == ["planted"]
    assert faults_in_help(makefile, make("help") + "make planted    nothing\n") == ["planted"]
    assert faults_in_help(makefile.replace(".PHONY: help", ".PHONY:"), make("help")) == ["help"]


def test_the_wheel_says_that_the_package_is_typed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert "app/py.typed" in archive.namelist()


def missing_links(text: str) -> list[str]:
    """The links of a page at the top to files that do not exist."""
    links = re.findall(r"\]\(([^)#\s]+)", text)
    return [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md"])
def test_every_page_that_they_link_to_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "](" in text
    assert missing_links(text) == []
    assert missing_links(f"{text}\n[planted](docs/planted.md#heading)") == ["docs/planted.md"]


def missing_places(text: str) -> list[str]:
    """The files and folders that a page names and that do not exist, but for those of the example."""
    places = set(re.findall(r"(?:app|tests|migrations|docs)/[\w./-]*[\w/]", text))
    return sorted(place for place in places if not (ROOT / place).exists() and EXAMPLE not in place)


def missing_names(text: str) -> list[str]:
    """The names of the code that a page quotes or that its snippets use, and that the code does not have."""
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    snippets = [Source("page", block) for block in blocks]
    made = {word for snippet in snippets for word in _made(snippet)}
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    quoted = {name for span in re.findall(r"`([^`]+)`", prose) for name in re.findall(r"^_?\w+(?:\.\w+)*$", span)}
    # Other words in quotes are commands, codes and names of the example.
    names = {
        part for name in quoted for part in name.split(".") if re.search(r"[a-z]_[a-z]|[a-z][A-Z]|^[A-Z_]{3,}$", part)
    }
    names |= {word for snippet in snippets for word in _used(snippet)}
    return sorted(
        name for name in names - names_of_the_code() - made - NOT_OF_THE_CODE if EXAMPLE[:-1] not in name.lower()
    )


@cache
def names_of_the_code() -> set[str]:
    """Every name that the code uses or makes; words within strings do not count."""
    names = set(dir(builtins))
    for file in (*APP, *TESTS, *python_files("migrations")):
        names.update(_made(file), _used(file), *(each.name.split(".") for each in file.imports))
    return names


def _used(snippet: Source) -> Iterator[str]:
    for node in snippet.nodes:
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg is not None:
            yield node.arg


def _made(snippet: Source) -> Iterator[str]:
    for node in snippet.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg


@pytest.mark.parametrize("page", PAGES)
def test_everything_that_the_pages_for_developers_name_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    faults = missing_places(text) + missing_names(text)
    assert not faults, listed(faults)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("`app/zinnia.py`", "app/zinnia.py"),
        ("Call `lock_zinnia` first.", "lock_zinnia"),
        ("Enter it in `ZINNIA`.", "ZINNIA"),
        ("A `ZinniaOut` is read.", "ZinniaOut"),
        ("`contents.write_zinnia` seals it.", "write_zinnia"),
        ("```python\nwritten = contents.zinnia(db)\n```", "zinnia"),
        ("```python\nact = Act(zinnia=now)\n```", "zinnia"),
    ],
)
def test_a_place_or_a_name_that_does_not_exist_is_found(line: str, fault: str) -> None:
    for page in PAGES:
        text = f"{(ROOT / page).read_text(encoding='utf-8')}\n{line}\n"
        assert missing_places(text) + missing_names(text) == [fault]
