"""A boolean is `true` or `false`, in every body and every query; nothing else is taken for one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.cli import _document
from tests.core.http.operations import NEEDED_QUERY, NOBODYS, OPERATIONS, Operation, query_parameters
from tests.installation import House

DOCUMENT = _document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def booleans(schema: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The places of booleans below a schema."""
    if isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            yield from (f"{name}/{place}" for place in booleans(SCHEMAS[name], seen | {name}))
        if schema.get("type") == "boolean":
            yield "boolean"
        for key, part in schema.items():
            yield from (f"{key}/{place}" for place in booleans(part, seen))
    if isinstance(schema, list):
        for part in schema:
            yield from booleans(part, seen)


def boolean_fields() -> Iterator[tuple[Operation, str]]:
    """Every boolean field of every body."""
    for operation in OPERATIONS.values():
        for place in booleans(SCHEMAS[operation.body]) if operation.body else ():
            _properties, field, *deeper = place.split("/")
            assert set(deeper) <= {"anyOf", "boolean"}, f"{operation.id}: look into {place} as well"
            yield operation, field


@pytest.mark.parametrize("value", [0, 1, 1.0, "off", "t", "true", "", [True]])
def test_every_boolean_of_a_body_is_true_or_false(house: House, value: Any) -> None:
    fields = list(boolean_fields())
    assert len(fields) >= 4
    for operation, field in fields:
        assert operation.example is not None
        answer = operation.send(house.registrar, json={**operation.example, field: value})
        faults = answer.expect(422, "invalid")["errors"]
        assert f"/{field}" in [fault["pointer"] for fault in faults], operation.id


def test_every_boolean_of_a_query_is_true_or_false(house: House) -> None:
    flags = {
        (operation.id, name): operation.at(NOBODYS)
        for operation, name, schema in query_parameters()
        if "boolean" in json.dumps(schema)
    }
    assert len({name for _operation, name in flags}) >= 4
    for (id, name), path in flags.items():
        needed = NEEDED_QUERY.get(id, "")
        (fault,) = house.registrar.get(f"{path}?{name}=1&{needed}").expect(422, "invalid")["errors"]
        assert (fault["pointer"], fault["code"]) == (f"query/{name}", "boolean"), id
    for value in ("0", "1.0", "off", "t", "True", "yes", ""):
        house.registrar.get(f"/v1/members?founding={value}").expect(422, "invalid")
    for word in ("true", "false"):
        house.registrar.get(f"/v1/members?founding={word}&count={word}").expect(200)
