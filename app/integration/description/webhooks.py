"""What is sent to subscribers, as OpenAPI tells it: a webhook for each type of event, with schema and example."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core.ledger.catalogue import TYPES, EventType
from app.core.ledger.schemas import FeedActorOut, FeedDataOut, FeedEventOut
from app.integration.webhooks.schemas import TEST_TYPE, TestDataOut, TestEventOut
from app.integration.webhooks.transport import CONTENT_TYPE

Json = dict[str, Any]

_SCHEMA = "#/components/schemas/{model}"
_ID = {"type": "string", "format": "uuid"}
_TEXT = {"type": "string"}
_HEADERS = {
    "webhook-id": ("The event's id, the same in every attempt", _ID),
    "webhook-timestamp": ("When this attempt was signed, in seconds since 1970", _TEXT),
    "webhook-signature": (
        "For each secret that is valid, `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64 (Standard Webhooks)",
        _TEXT,
    ),
}
_RESPONSES = {
    "2XX": {"description": "You have it: it is not sent again, and the next event of the case follows"},
    "410": {"description": "You want no more: the subscription ends"},
    "default": {
        "description": "Anything else, and none in 15 seconds: it is sent again later. Redirects are not followed"
    },
}


def described() -> tuple[Json, Json]:
    """The document's `webhooks`, by type, and the `components` that they refer to beside those of the feed."""
    webhooks = {one.name: _webhook(one.name, one.says, _narrowed(one), _example(one)) for one in TYPES.values()}
    says = "The subscription's owner asked for a test: it stands in no ledger and in no feed."
    webhooks[TEST_TYPE] = _webhook(TEST_TYPE, says, {"$ref": _SCHEMA.format(model="TestEventOut")}, _tested())
    schema = TestEventOut.model_json_schema(ref_template=_SCHEMA)
    schemas = {**schema.pop("$defs"), "TestEventOut": schema}
    headers = {
        name: {"name": name, "in": "header", "required": True, "description": says, "schema": schema}
        for name, (says, schema) in _HEADERS.items()
    }
    return webhooks, {"schemas": schemas, "parameters": headers}


def _webhook(name: str, says: str, schema: Json, example: BaseModel) -> Json:
    body = {"schema": schema, "example": example.model_dump(mode="json")}
    operation = {
        "operationId": "on" + "".join(word.capitalize() for word in name.split("-")),
        "summary": says,
        "tags": ["webhooks"],
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{header}"} for header in _HEADERS],
        "requestBody": {"required": True, "content": {CONTENT_TYPE: body}},
        "responses": _RESPONSES,
    }
    return {"post": operation}


def _narrowed(one: EventType) -> Json:
    """An event of the feed, of one type and about no more than its ids; no case is named where there is none."""
    data: Json = {"about": {"type": "object", "properties": dict.fromkeys(one.ids, _ID), "additionalProperties": False}}
    if not one.of_a_case:
        data["case_id"] = {"type": "null"}
    properties = {"type": {"const": one.name}, "data": {"type": "object", "properties": data}}
    return {"allOf": [{"$ref": _SCHEMA.format(model="FeedEventOut")}, {"type": "object", "properties": properties}]}


def _id(number: int) -> UUID:
    return UUID(f"6b1f0c52-8d1e-4c57-9a63-{number:012x}")


_CASE, _PERSON, _EVENT, _STREAM, _WEBHOOK = (_id(number) for number in range(1, 6))
_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _example(one: EventType) -> FeedEventOut:
    """An event of this type with every id that it may carry; by which act it came about depends on the case."""
    case_id, audience, act = (_CASE, "case", "register") if one.of_a_case else (None, "registry", "enter")
    data = FeedDataOut(
        case_id=case_id,
        audience=audience,
        stream=_STREAM,
        seq=7,
        act=act,
        article=None,
        actor=FeedActorOut(id=_PERSON, capacity="registry", party_id=None),
        about={name: _id(number) for number, name in enumerate(one.ids, 10)},
    )
    source = f"/v1/cases/{case_id}" if case_id else "/v1"
    return FeedEventOut(id=_EVENT, source=source, type=one.name, time=_AT, data=data)


def _tested() -> TestEventOut:
    data = TestDataOut(webhook_id=_WEBHOOK)
    return TestEventOut(id=_EVENT, source=f"/v1/webhooks/{_WEBHOOK}", time=_AT, data=data)
