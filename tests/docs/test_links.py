"""Every link of the documents leads to a page and a section that is there, and every path that they name exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import ROOT, project_files

PAGES = [ROOT / name for name in project_files() if name.endswith(".md")]
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A path of the project, as the documents write it: from the root, with a file or a folder at its end.
NAMED = re.compile(r"(?<![\w/.:-])(?:app|benchmarks|docs|migrations|tests)/[\w./-]*[\w/]")
# Leads through a change that nobody has made: its paths are those of the example.
OF_AN_EXAMPLE = ("CONTRIBUTING.md",)
MODULE = re.compile(r"^(?:from|import) (app[\w.]*)", re.MULTILINE)


def prose(page: Path) -> str:
    """The text of a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> Iterator[str]:
    """The anchors that a page's headings have."""
    for heading in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def faults_of(page: Path) -> Iterator[str]:
    """The links of a page that lead nowhere, and the paths and modules that it names and that do not exist."""
    for link in LINK.findall(prose(page)):
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        found = page.parent / target if target else page
        if not found.exists():
            yield f"{link}: there is no such page"
        elif anchor and anchor not in anchors(found):
            yield f"{link}: the page has no such section"
    if page.name in OF_AN_EXAMPLE:
        return
    for path in NAMED.findall(page.read_text(encoding="utf-8")):
        if not (ROOT / path).exists():
            yield f"{path}: there is no such file"
    for module in MODULE.findall(page.read_text(encoding="utf-8")):
        path = ROOT / module.replace(".", "/")
        if not (path.is_dir() or path.with_suffix(".py").exists()):
            yield f"{module}: there is no such module"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_and_every_path_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(faults_of(page)) == []


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A title\n\n[well](#a-title) [gone](gone.md) [no](#none) `app/cli.py` `app/gone/`\n\n"
        "```python\nfrom app.gone import x\nfrom app.settings import Settings\n```\n\n[web](https://example.org/x)\n"
    )
    assert list(faults_of(page)) == [
        "gone.md: there is no such page",
        "#none: the page has no such section",
        "app/gone/: there is no such file",
        "app.gone: there is no such module",
    ]
