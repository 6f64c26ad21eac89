"""The recipes of docs/recipes.md are followed, all in their order, and each by itself after the start."""

from pathlib import Path

import pytest

from app.operations.migrating import ROOT
from tests.docs.consoles import commands, fenced, followed

PAGE = ROOT / "docs" / "recipes.md"
START = "Start"
RECIPES = list(dict.fromkeys(block.heading for block in fenced(PAGE) if block.heading != START))


@pytest.mark.slow
def test_the_recipes_work_in_their_order(tmp_path: Path) -> None:
    faults = followed(commands(PAGE), tmp_path, port="8000")
    assert not faults, "\n\n".join(faults)


# Each starts a demo of its own. The tour of README.md, which starts one too, runs with the fast tests.
@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_works_by_itself(recipe: str, tmp_path: Path) -> None:
    faults = followed([*commands(PAGE, START), *commands(PAGE, recipe)], tmp_path, port="8000")
    assert not faults, "\n\n".join(faults)


def test_there_is_a_recipe_for_each_kind_of_user() -> None:
    assert RECIPES == [
        "Registrar",
        "Counsel of a party",
        "Mediator",
        "Administrator",
        "Operator",
        "Court",
        "Developer of an integration",
        "Author of rules",
    ]
