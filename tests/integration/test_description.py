"""The OpenAPI document says what the service does."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from app.cli import _document
from app.core.http.routing import Route
from app.core.ledger.catalogue import TYPES
from app.integration.description.document import TAGS
from app.integration.description.examples import REQUESTS
from app.integration.webhooks.schemas import TEST_TYPE
from app.main import ROUTERS
from tests.courts import court, program
from tests.installation import House
from tests.lists import read_feed
from tests.story import Dispute


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
        # Appointments and documents are items of their own, beside the case.
        assert items or path.endswith(("/appointments", "/documents")), path


def test_an_operation_that_takes_a_key_or_a_version_says_what_it_answers_to_a_wrong_one(
    document: dict[str, Any],
) -> None:
    for path, method, operation in operations(document):
        takes = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
        statuses = set(operation["responses"])
        assert "409" in statuses or "idempotency-key" not in takes, (path, method)
        item = method == "patch" or "if-match" in takes
        assert "412" in statuses or not item, (path, method)


def test_what_lies_in_a_case_may_be_destroyed_and_a_cursor_may_be_of_another_time(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        told = operation["responses"].get("410", {}).get("description", "")
        of_a_case = path.startswith(("/v1/cases/{case_id}", "/v1/appointments/{", "/v1/documents/{"))
        has_cursor = any(one["name"] == "after" for one in operation.get("parameters", ()))
        assert ("`destroyed`" in told, "`gone`" in told) == (of_a_case, has_cursor), (path, method)


def bodies(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The JSON bodies of an operation, that of the request and those of its successes."""
    found = [("request", operation.get("requestBody", {}))]
    found += [(status, response) for status, response in operation["responses"].items() if status < "300"]
    return [
        (what, body["content"]["application/json"])
        for what, body in found
        if "application/json" in body.get("content", {})
    ]


def test_every_operation_has_examples_that_validate(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        found = bodies(operation)
        assert found or operation["operationId"].startswith(("download", "remove")), (path, method)
        for what, body in found:
            schema = {**body["schema"], "components": document["components"]}
            faults = [error.message for error in Draft202012Validator(schema).iter_errors(body["example"])]
            assert not faults, (path, method, what, faults)


def test_every_example_of_a_request_is_one_that_the_service_takes(document: dict[str, Any]) -> None:
    models: set[Any] = {route.body_field.field_info.annotation for route in create_routes() if route.body_field}
    for model in models:
        name = next(one for one in REQUESTS if one in str(model))
        TypeAdapter(model).validate_python(REQUESTS[name])
    assert len(REQUESTS) == len(models)


def create_routes() -> list[Route]:
    """The routes of the API."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, Route)]


def test_failures_are_described_as_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if not path.startswith("/v1/"):
            continue
        assert {"401", "500", "503"} <= set(operation["responses"]), (path, method)
        for status, response in operation["responses"].items():
            if status >= "400":
                assert set(response["content"]) == {"application/problem+json"}, (path, method, status)


def webhook_body(document: dict[str, Any], name: str) -> tuple[Draft202012Validator, Any]:
    """What judges an event of this type, and the example of one."""
    (media,) = document["webhooks"][name]["post"]["requestBody"]["content"].values()
    schema = {**media["schema"], "components": document["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER), media["example"]


def test_each_type_of_event_is_described_with_an_example_that_validates_and_fits_no_other(
    document: dict[str, Any],
) -> None:
    webhooks = document["webhooks"]
    assert set(webhooks) == {*TYPES, TEST_TYPE}
    ids = {webhook["post"]["operationId"] for webhook in webhooks.values()}
    ids |= {operation["operationId"] for _path, _method, operation in operations(document)}
    assert len(ids) == len(webhooks) + len(operations(document))
    other = webhook_body(document, "step-taken")[0]
    for name, webhook in webhooks.items():
        assert webhook["post"]["summary"], name
        assert set(webhook["post"]["tags"]) == {"webhooks"} <= set(TAGS)
        validator, example = webhook_body(document, name)
        assert not [error.message for error in validator.iter_errors(example)], name
        assert example["type"] == name
        assert other.is_valid(example) == (name == "step-taken"), name
        misread = {**example, "data": {**example["data"], "about": {"reason_id": example["id"]}}}
        assert validator.is_valid(misread) == (name == TEST_TYPE), name


def test_every_event_that_people_and_courts_are_told_of_is_as_described(
    house: House, dispute: Dispute, document: dict[str, Any]
) -> None:
    dispute.settled()
    referring = program(house, court(house))
    given = {**REQUESTS["ReferralIn"], "return_on": "2026-06-30"}
    sent = referring.post("/v1/referrals", given).expect(201)
    house.registrar.post(f"/v1/referrals/{sent['id']}/accept").expect(200)
    everybody = (dispute.requesting, dispute.responding, dispute.mediator, house.registrar, house.admin, referring)
    told = [one for person in everybody for one in read_feed(person)[0]]
    for one in told:
        faults = [error.message for error in webhook_body(document, one["type"])[0].iter_errors(one)]
        assert not faults, (one, faults)
    assert len({one["type"] for one in told}) > 20
