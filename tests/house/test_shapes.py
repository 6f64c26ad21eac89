"""Functions take few parameters, a class name stands for one thing, and sessions carry typed attributes."""

import ast
from collections import defaultdict
from collections.abc import Iterable

import pytest

from tests.house.source import APP, Source, listed

MOST_PARAMETERS = 6
# Wiring, and functions whose parameters are the options of a command or of a query.
MANY_PARAMETERS = ("app/main.py", "app/cli.py")


def crowded_functions(files: Iterable[Source]) -> list[str]:
    """The functions that take more than six parameters besides `self`, other than commands and wiring."""
    return [
        f"{file.path}:{node.lineno} {node.name} takes {count} parameters"
        for file in files
        if file.path not in MANY_PARAMETERS
        for node in file.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (count := len(_parameters(node))) > MOST_PARAMETERS
    ]


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    taken = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    return [each.arg for each in taken if each.arg not in ("self", "cls") and not _is_option(each)]


def _is_option(parameter: ast.arg) -> bool:
    """Whether typer or FastAPI fills the parameter in: it is declared as an option or as part of a query."""
    declared = ast.unparse(parameter.annotation) if parameter.annotation is not None else ""
    return any(mark in declared for mark in ("typer.", "Query(", "_word("))


def repeated_classes(files: Iterable[Source]) -> list[str]:
    """The class names that are defined more than once."""
    places = defaultdict(list)
    for file in files:
        for node in file.nodes:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{file.path}:{node.lineno}")
    return [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


def untyped_state(files: Iterable[Source]) -> list[str]:
    """Where a session is asked for something by a string key."""
    return [
        f"{file.path}:{node.lineno}"
        for file in files
        for node in file.nodes
        if isinstance(node, ast.Attribute) and node.attr == "info" and ast.unparse(node.value) in ("db", "session")
    ]


def test_no_function_takes_more_than_six_parameters() -> None:
    faults = crowded_functions(APP)
    assert not faults, listed(faults)


def test_a_class_name_stands_for_one_thing() -> None:
    faults = repeated_classes(APP)
    assert not faults, listed(faults)


def test_no_session_carries_state_under_a_string() -> None:
    faults = untyped_state(APP)
    assert not faults, listed(faults)


@pytest.mark.parametrize(
    ("text", "is_fault"),
    [
        ("def f(a, b, c, d, e, f): ...", False),
        ("def f(a, b, c, d, e, f, g): ...", True),
        ("def f(a, b, c, *, d, e, f, g): ...", True),
        ("async def f(a, b, /, c, d, e, f, g): ...", True),
        ("class C:\n    def f(self, a, b, c, d, e, f): ...", False),
        ("class C:\n    def f(self, a, b, c, d, e, f, g): ...", True),
        ("def f(a: Annotated[str, typer.Option()], b, c, d, e, f, g): ...", False),
        ("def f(a: Annotated[str, typer.Option()], b, c, d, e, f, g, h): ...", True),
        ("def f(a: Annotated[str, Query()], b, c, d, e, f, g, h): ...", True),
    ],
)
def test_crowded_functions_are_found(text: str, is_fault: bool) -> None:
    assert bool(crowded_functions([Source("app/x.py", text)])) is is_fault


def test_a_class_that_is_defined_twice_is_found_with_its_places() -> None:
    files = [Source("app/x.py", "class A: ...\nclass B: ..."), Source("app/y.py", "if x:\n    class A: ...")]
    assert repeated_classes(files) == ["A: app/x.py:1, app/y.py:2"]


@pytest.mark.parametrize("text", ["db.info['a'] = 1", "x = db.info.get('a')", "session.info.setdefault('a', {})"])
def test_state_under_a_string_is_found(text: str) -> None:
    assert untyped_state([Source("app/x.py", text)])


@pytest.mark.parametrize("text", ["log.info('a')", "db.walk", "info = 1"])
def test_what_is_no_state_of_a_session_passes(text: str) -> None:
    assert not untyped_state([Source("app/x.py", text)])
