"""The source tree, parsed once, for the tests that read it."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Import:
    """An imported module or name, with its full dotted name."""

    line: int
    name: str

    def is_within(self, *packages: str) -> bool:
        """Whether it is one of these packages or inside one."""
        return any(self.name == package or self.name.startswith(package + ".") for package in packages)

    def is_of_standard_library(self) -> bool:
        """Whether it belongs to the standard library."""
        return self.name.split(".")[0] in sys.stdlib_module_names


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: str
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of its syntax tree."""
        return list(ast.walk(ast.parse(self.text, self.path)))

    @cached_property
    def layer(self) -> str:
        """The file's name without its ending: `models`, `service`, …"""
        return Path(self.path).stem

    def is_under(self, *places: str) -> bool:
        """Whether it is one of these files, or is inside one of these folders (written with a closing slash)."""
        return any(self.path == place or (place.endswith("/") and self.path.startswith(place)) for place in places)

    @cached_property
    def imports(self) -> list[Import]:
        """Its imports, wherever in the file; `from a import b` is `a.b`, whether b is a module or a name in one."""
        modules = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                modules += [Import(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                start = ".".join(filter(None, [self._package(node.level), node.module]))
                modules += [Import(node.lineno, f"{start}.{alias.name}") for alias in node.names]
        return modules

    def _package(self, level: int) -> str:
        return ".".join(Path(self.path).parts[:-level]) if level else ""

    @cached_property
    def _meanings(self) -> dict[str, str]:
        meanings = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.split(".")[0]
                    meanings[name] = alias.name if alias.asname else name
            elif isinstance(node, ast.ImportFrom):
                start = ".".join(filter(None, [self._package(node.level), node.module]))
                meanings |= {alias.asname or alias.name: f"{start}.{alias.name}" for alias in node.names}
        return meanings

    def full_name(self, node: ast.expr) -> str | None:
        """The full name of a dotted name, by the file's imports: `dt.now` may be `datetime.datetime.now`."""
        if isinstance(node, ast.Name):
            return self._meanings.get(node.id)
        if isinstance(node, ast.Attribute) and (owner := self.full_name(node.value)):
            return f"{owner}.{node.attr}"
        return None

    def mentions(self) -> Iterator[tuple[int, str]]:
        """Every imported name that is used, in full, with its line."""
        for node in self.nodes:
            if isinstance(node, ast.Name | ast.Attribute) and (name := self.full_name(node)):
                yield node.lineno, name

    def functions(self) -> Iterator[tuple[int, str]]:
        """The name of every function and method that it defines, with its line."""
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.lineno, node.name

    def words(self) -> Iterator[tuple[int, str]]:
        """Every identifier that it uses or defines, and every string of one word, with its line."""
        for node in self.nodes:
            match node:
                case ast.Name(id=word) | ast.Attribute(attr=word) | ast.Constant(value=str(word)):
                    yield node.lineno, word
                case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word) | ast.ClassDef(name=word):
                    yield node.lineno, word
                case ast.arg(arg=word):
                    yield node.lineno, word
                case ast.keyword(arg=str(word)):
                    yield node.value.lineno, word
                case ast.alias(name=name, asname=other):
                    yield node.lineno, other or name.split(".")[-1]


def python_files(*folders: str) -> list[Source]:
    """The Python files under these folders, in order."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


APP = python_files("app")
TESTS = python_files("tests")


def project_files() -> list[str]:
    """Every file of the project, relative to its root: tracked by git, or untracked and not ignored."""
    if not (ROOT / ".git").exists():
        return _unpacked_files()
    # The checkout may belong to another user than the one who runs the tests.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return sorted(path for path in listed if path and (ROOT / path).exists())


def _unpacked_files() -> list[str]:
    """The same for sources unpacked from an archive, without git: all files except hidden folders and caches."""
    paths = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        paths += [(Path(folder) / name).relative_to(ROOT).as_posix() for name in files]
    return sorted(paths)


def listed(faults: list[str]) -> str:
    """The faults, one a line, for an assertion's message."""
    return "\n" + "\n".join(faults)
