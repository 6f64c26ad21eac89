"""Answers that are made without validation are, byte by byte, those that validation would have made."""

import sys
from typing import Any

import pytest

from tests.core.http.operations import OPERATIONS
from tests.core.http.world import build
from tests.installation import House


def makers() -> dict[tuple[Any, str], Any]:
    """Every constructor without validation that the service uses, by the module and the name that hold it."""
    return {
        (module, name): maker
        for module in list(sys.modules.values())
        if module.__name__.startswith("app.")
        for name, maker in vars(module).items()
        if isinstance(getattr(maker, "model", None), type)
    }


def test_an_answer_made_without_validation_is_the_one_that_validation_makes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(house)
    made: dict[str, int] = {}

    def compared(maker: Any) -> Any:
        def make(**fields: Any) -> Any:
            answer = maker(**fields)
            by_alias = {maker.model.model_fields[name].validation_alias or name: fields[name] for name in fields}
            assert answer.model_dump_json(by_alias=True) == maker.model(**by_alias).model_dump_json(by_alias=True)
            made[maker.model.__name__] = made.get(maker.model.__name__, 0) + 1
            return answer

        return make

    held = makers()
    for (module, name), maker in held.items():
        monkeypatch.setattr(module, name, compared(maker))
    for dispute in (world.open, world.settled):
        for person in (dispute.requesting, dispute.mediator, house.registrar):
            for operation in OPERATIONS.values():
                if operation.method == "GET":
                    person.get(operation.path.replace("{case_id}", dispute.case["id"]))
    assert made.keys() == {maker.model.__name__ for maker in held.values()}


def test_a_field_that_is_missing_or_unknown_is_refused() -> None:
    maker = next(iter(makers().values()))
    with pytest.raises(TypeError):
        maker(unknown=1)
