"""The OpenAPI document says what the service does."""

from typing import Any

import pytest

from app.cases.schemas import CaseIn
from app.cli import _document
from app.main import TAGS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document."""
    return _document()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation."""
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_has_an_id_of_its_own_a_summary_and_a_described_tag(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    found = operations(document)
    ids = [operation["operationId"] for _path, _method, operation in found]
    assert len(ids) == len(set(ids)) > 50
    for path, method, operation in found:
        assert operation["summary"], (path, method)
        assert set(operation["tags"]) <= set(TAGS), (path, method)


def test_every_collection_has_a_list_and_an_item(document: dict[str, Any]) -> None:
    paths = {path for path, method, _operation in operations(document) if method == "get"}
    created = [
        path for path, method, operation in operations(document) if "201" in operation["responses"] and method == "post"
    ]
    for path in created:
        assert path in paths, path
        items = [other for other in paths if other.startswith(path + "/{") and other.count("/") == path.count("/") + 1]
        assert items or path.endswith("/appointments"), path


def test_a_request_has_an_example_that_validates(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/cases"]["post"]["requestBody"]["content"]["application/json"]
    examples = body["schema"].get("examples") or [one["value"] for one in body["examples"].values()]
    assert CaseIn.model_validate(examples[0]).procedure == "iomed-state-2025"


def test_failures_are_described_as_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if not path.startswith("/v1/"):
            continue
        assert {"401", "500", "503"} <= set(operation["responses"]), (path, method)
        for status, response in operation["responses"].items():
            if status >= "400":
                assert set(response["content"]) == {"application/problem+json"}, (path, method, status)
