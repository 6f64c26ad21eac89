"""What people read in the repository: docstrings, comments, strings, names of tests, and pages in Markdown."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.house.source import ROOT, Source, project_files


@dataclass(frozen=True)
class Passage:
    """A piece of prose with the line on which it begins."""

    path: str
    line: int
    text: str


def passages_under(*places: str) -> Iterator[Passage]:
    """The prose of these files, and of the Python and Markdown files in these folders (`docs/`)."""
    prose = [path for path in project_files() if path.endswith((".py", ".md"))]
    for place in places:
        for path in [path for path in prose if path.startswith(place)] if place.endswith("/") else [place]:
            yield from passages_of(path, (ROOT / path).read_text(encoding="utf-8"))


def passages_of(path: str, text: str) -> Iterator[Passage]:
    """The prose of one file."""
    if not path.endswith(".py"):
        yield Passage(path, 1, text)
        return
    yield from _comments(path, text)
    for node in Source(path, text).nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Passage(path, node.lineno, node.value)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield Passage(path, node.lineno, node.name.replace("_", " "))


def _comments(path: str, text: str) -> Iterator[Passage]:
    """Each comment; one of several lines is one passage, because a phrase may be broken between them."""
    first, lines = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != first + len(lines):
            if lines:
                yield Passage(path, first, "\n".join(lines))
            first, lines = token.start[0], []
        lines.append(token.string.lstrip("# "))
    if lines:
        yield Passage(path, first, "\n".join(lines))


def hits(passages: Iterable[Passage], phrases: Iterable[str]) -> Iterator[tuple[Passage, str]]:
    """Where passages use one of the phrases: the words as they are written, with their line, and the phrase."""
    # A phrase may be broken between lines, and letters may be capitals.
    pattern = re.compile(rf"\b(?:{'|'.join(phrases)})\b".replace(" ", r"\s+"), re.IGNORECASE)
    for passage in passages:
        for match in pattern.finditer(passage.text):
            line = passage.line + passage.text.count("\n", 0, match.start())
            yield Passage(passage.path, line, match.group()), " ".join(match.group().lower().split())
