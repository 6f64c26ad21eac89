"""The OpenAPI document says what the service does."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from sqlalchemy import CheckConstraint

from app.cli import _document
from app.core.db import Base
from app.core.http.routing import Route
from app.core.ledger.catalogue import TYPES
from app.integration.description.document import TAGS, WITHOUT_TOKEN
from app.integration.description.examples import RECORDED, recorded
from app.integration.webhooks.schemas import TEST_TYPE
from app.main import ROUTERS
from tests.compatibility import schemas_of
from tests.courts import court, program
from tests.installation import House, Json
from tests.lists import read_feed
from tests.receivers import guarded_by, letting
from tests.recording import PRESENT, record
from tests.request_bodies import REQUESTS
from tests.story import Dispute


@pytest.fixture(scope="module")
def document() -> Json:
    """The document."""
    return _document()


def operations(document: Json) -> list[tuple[str, str, Json]]:
    """Path, method and operation."""
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def resolved(part: Json, document: Json) -> Json:
    """What a reference refers to, or the part itself."""
    if "$ref" not in part:
        return part
    _root, components, kind, name = part["$ref"].split("/")
    return dict(document[components][kind][name])


def parameters(operation: Json, document: Json) -> list[Json]:
    """The parameters of an operation."""
    return [resolved(parameter, document) for parameter in operation.get("parameters", ())]


def test_every_operation_has_an_id_of_its_own_a_sentence_and_a_described_tag(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    found = operations(document)
    ids = [operation["operationId"] for _path, _method, operation in found]
    assert len(ids) == len(set(ids)) > 50
    for path, method, operation in found:
        assert re.fullmatch(r"[A-Z][a-z]+,? .*\.", operation["summary"]), (path, method, operation["summary"])
        assert set(operation["tags"]) <= set(TAGS), (path, method)


def undescribed(document: Json) -> list[str]:
    """The schemas, fields, parameters and responses of which the document does not say what they are."""
    found = [f"schema {name}" for name, one in document["components"]["schemas"].items() if not one.get("description")]
    for schema in schemas_of({**document, "webhooks": {}}):
        named = schema.get("properties", {})
        found += [f"field {name} of {sorted(named)}" for name, one in named.items() if not one.get("description")]
    for path, method, operation in operations(document):
        said = [(one["name"], one) for one in parameters(operation, document)]
        said += [(status, resolved(one, document)) for status, one in operation["responses"].items()]
        found += [f"{name} of {method} {path}" for name, one in said if not one.get("description")]
    return found


def test_every_schema_field_parameter_and_response_is_described(document: Json) -> None:
    assert undescribed(document) == []


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("schemas SessionOut", "schema SessionOut"),
        ("schemas SessionOut properties kind", "field kind of "),
        ("schemas PartyIn properties side", "field side of "),
        ("parameters Limit", "limit of get /v1/cases"),
        ("responses NotFound", "404 of get /v1/cases/{case_id}"),
    ],
)
def test_what_is_not_described_is_found(document: Json, place: str, name: str) -> None:
    planted = copy.deepcopy(document)
    part = planted["components"]
    for step in place.split():
        part = part[step]
    del part["description"]
    assert any(fault.startswith(name) for fault in undescribed(planted)), undescribed(planted)


CLOSED = {
    "AppointmentState": ("appointments", "state"),
    "AudienceName": ("audiences", "name"),
    "DocumentState": ("documents", "state"),
    "DraftState": ("settlement_drafts", "state"),
    "FilingState": ("filings", "state"),
    "MemberKind": ("members", "kind"),
    "MemberStatus": ("members", "status"),
    "PaperKind": ("court_papers", "kind"),
    "Participation": ("parties", "participation"),
    "Role": ("users", "role"),
    "SessionKind": ("meetings", "kind"),
    "SessionState": ("meetings", "state"),
}


@pytest.mark.parametrize("name", CLOSED)
def test_the_values_of_a_closed_set_are_those_that_the_database_takes(document: Json, name: str) -> None:
    table, column = CLOSED[name]
    checks = [one for one in Base.metadata.tables[table].constraints if isinstance(one, CheckConstraint)]
    (taken,) = [str(one.sqltext) for one in checks if str(one.sqltext).startswith(f"{column} IN ")]
    assert document["components"]["schemas"][name]["enum"] == re.findall(r"'([\w-]+)'", taken)


def test_failures_and_repeated_parameters_stand_once_among_the_components(document: Json) -> None:
    inline = [
        (path, method, status)
        for path, method, operation in operations(document)
        for status, response in operation["responses"].items()
        if status >= "400" and "$ref" not in response
    ]
    # OAuth answers in words of its own, and readiness with its checks.
    assert set(inline) == {("/oauth/token", "post", "400"), ("/oauth/token", "post", "401"), ("/readyz", "get", "503")}
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert "$ref" in parameter or parameter["in"] != "path", (path, method)


def test_the_head_of_the_document_tells_the_conventions(document: Json) -> None:
    told = document["info"]["description"]
    for word in (
        "Bearer",
        "ETag",
        "If-Match",
        "Idempotency-Key",
        "Accord-Receipt",
        "next",
        "code",
        "429",
        "seven days",
    ):
        assert word in told


def test_every_collection_has_a_list_and_an_item(document: Json) -> None:
    paths = {path for path, method, _operation in operations(document) if method == "get"}
    created = [
        path for path, method, operation in operations(document) if "201" in operation["responses"] and method == "post"
    ]
    for path in created:
        assert path in paths, path
        items = [other for other in paths if other.startswith(path + "/{") and other.count("/") == path.count("/") + 1]
        # Appointments and documents have paths of their own, outside of the case.
        assert items or path.endswith(("/appointments", "/documents")), path


def test_an_operation_that_takes_a_key_or_a_version_says_what_it_answers_to_a_wrong_one(document: Json) -> None:
    for path, method, operation in operations(document):
        takes = {parameter["name"].lower() for parameter in parameters(operation, document)}
        statuses = set(operation["responses"])
        assert "409" in statuses or "idempotency-key" not in takes, (path, method)
        item = method == "patch" or "if-match" in takes
        assert "412" in statuses or not item, (path, method)


def test_operations_on_cases_and_with_cursors_describe_the_answer_410(document: Json) -> None:
    for path, method, operation in operations(document):
        gone = resolved(operation["responses"].get("410", {}), document).get("description", "")
        of_a_case = path.startswith(("/v1/cases/{case_id}", "/v1/appointments/{", "/v1/documents/{"))
        has_cursor = any(one["name"] == "after" for one in parameters(operation, document))
        assert ("`destroyed`" in gone, "`gone`" in gone) == (of_a_case, has_cursor), (path, method)


def bodies(operation: Json) -> list[tuple[str, Json]]:
    """The bodies of an operation that have examples: that of the request and those of its successes."""
    found = [("request", operation.get("requestBody", {}))]
    found += [(status, response) for status, response in operation["responses"].items() if status < "300"]
    return [
        (what, media)
        for what, body in found
        for kind, media in body.get("content", {}).items()
        if kind in ("application/json", "application/x-www-form-urlencoded") and (media["schema"] or "example" in media)
    ]


def test_every_operation_has_recorded_examples_that_validate(document: Json) -> None:
    for path, method, operation in operations(document):
        found = bodies(operation)
        assert found or operation["operationId"].startswith(("discard", "download", "draw", "remove")), (path, method)
        for what, body in found:
            if "204" in operation["responses"] and what == "200" and "example" not in body:
                # Those who act here see it no longer.
                continue
            schema = {**body["schema"], "components": document["components"]}
            validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
            faults = [error.message for error in validator.iter_errors(body["example"])]
            assert not faults, (path, method, what, faults)


def test_every_recorded_list_has_an_item(document: Json) -> None:
    empty = [id for id, one in recorded()["operations"].items() if one.get("answer", {}).get("items") == []]
    assert not empty


def test_the_recorded_examples_are_those_that_the_service_gives_now(tmp_path: Path) -> None:
    told = "Renew the examples by `python -m tests.recording`, and look at what changed."
    assert record(tmp_path) == RECORDED.read_text(encoding="utf-8"), told


ADMINS = {"addUser", "enterMember", "enterCourt", "addClient"}
STAFFS = {"enterClosure", "issueToken"}


def has_ids(value: Any) -> bool:
    """Whether a request names something by an id, which is another one in each registry."""
    if isinstance(value, dict):
        return any(map(has_ids, value.values()))
    if isinstance(value, list):
        return any(map(has_ids, value))
    try:
        return bool(UUID(value))
    except (ValueError, AttributeError, TypeError):
        return False


def sendable(document: Json) -> Iterator[tuple[str, str, str, Any]]:
    """Operation, method, path and body of each example of a request that names nothing by an id."""
    for path, method, operation in operations(document):
        id, place = operation["operationId"], path.replace("{procedure_id}", "iomed-state-2025")
        example = recorded()["operations"].get(id, {})
        # A one-time link cannot be sent again.
        if "request" in example and "{" not in place and not has_ids(example["request"]) and id not in WITHOUT_TOKEN:
            yield id, method.upper(), place, example["request"]


def test_an_example_of_a_request_that_names_nothing_by_an_id_can_be_sent_as_it_is(house: House, document: Json) -> None:
    house.clock.now = PRESENT
    user, referring = house.person("Any Body"), program(house, court(house))
    requests = list(sendable(document))
    assert {"openCase", "referCase", "createWebhook", "simulateProcedure", *ADMINS, *STAFFS} <= {
        id for id, _method, _path, _body in requests
    }
    with guarded_by(house, letting(names={"cms.high-court.example.org": ["93.184.215.14"]})):
        for id, method, path, body in requests:
            who = house.admin if id in ADMINS else house.registrar if id in STAFFS else user
            who = referring if id == "referCase" else who
            headers = {"if-match": "*"} if method == "PATCH" else {}
            answer = who.send(method, path, json=body, headers=headers)
            assert answer.status in (200, 201), (id, answer.response.text)


def test_every_body_for_tests_is_one_that_the_service_takes() -> None:
    models: set[Any] = {route.body_field.field_info.annotation for route in create_routes() if route.body_field}
    for model in models:
        name = next(one for one in REQUESTS if one in str(model))
        TypeAdapter(model).validate_python(REQUESTS[name])
    assert len(REQUESTS) == len(models)


def create_routes() -> list[Route]:
    """The routes of the API."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, Route)]


def test_failures_are_described_as_problems(document: Json) -> None:
    for path, method, operation in operations(document):
        if not path.startswith("/v1/"):
            continue
        needed = {"500", "503"} if operation["operationId"] in WITHOUT_TOKEN else {"401", "500", "503"}
        assert needed <= set(operation["responses"]), (path, method)
        for status, response in operation["responses"].items():
            if status >= "400":
                content = resolved(response, document)["content"]
                assert set(content) == {"application/problem+json"}, (path, method, status)


def test_uploads_take_a_file_whose_kind_its_name_says(document: Json) -> None:
    uploads = [one for _path, _method, one in operations(document) if one["operationId"].startswith("upload")]
    assert len(uploads) == 3
    for operation in uploads:
        content = operation["requestBody"]["content"]
        assert next(iter(content)) == "application/octet-stream"
        assert {media["schema"]["format"] for media in content.values()} == {"binary"}


def test_the_pages_and_all_their_assets_come_from_this_service(house: House) -> None:
    page = house.client.get("/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy + page.text
    named = [one for one in re.findall(r'(?:src|href)="([^"]*)"', page.text) if not one.startswith("data:")]
    assert len(named) == 3
    for name in named:
        asset = house.client.get(f"/{name}")
        assert (asset.status_code, len(asset.content) > 100) == (200, True), name
        assert asset.headers["content-type"].startswith(("text/css", "text/javascript"))
    start = house.client.get("/docs/start.js").text
    assert 'url: "v1/openapi.json"' in start
    assert "validatorUrl: null" in start
    assert "http" not in start
    style = house.client.get("/docs/swagger-ui.css").text
    assert all(one.startswith("data:") for one in re.findall(r"url\([\"']?([^)\"']*)", style))
    assert "@import" not in style


def webhook_body(document: Json, name: str) -> tuple[Draft202012Validator, Any]:
    """What judges an event of this type, and the example of one."""
    (media,) = document["webhooks"][name]["post"]["requestBody"]["content"].values()
    schema = {**media["schema"], "components": document["components"]}
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER), media["example"]


def test_each_type_of_event_is_described_with_an_example_that_validates_and_fits_no_other(document: Json) -> None:
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


def test_every_event_in_the_feeds_of_people_and_courts_is_as_described(
    house: House, dispute: Dispute, document: Json
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
