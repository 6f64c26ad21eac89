"""The document's webhooks: what is sent to subscribers, for each type of event."""

from typing import Any

from app.core.ledger.catalogue import TYPES, EventType
from app.integration.description.examples import recorded
from app.integration.webhooks.schemas import TEST_TYPE, TestEventOut
from app.integration.webhooks.transport import CONTENT_TYPE

Json = dict[str, Any]

_SCHEMA = "#/components/schemas/{model}"
_ID = {"type": "string", "format": "uuid"}
_TEXT = {"type": "string"}
_HEADERS = {
    "webhook-id": ("The event's id, the same in every attempt.", _ID),
    "webhook-timestamp": ("When this attempt was signed, in seconds since 1970.", _TEXT),
    "webhook-signature": (
        "For each valid secret, `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64 (Standard Webhooks).",
        _TEXT,
    ),
}
_RESPONSES = {
    "2XX": ("EventTaken", "You have the event. It is not sent again, and the next event of the case follows."),
    "410": ("EventsUnwanted", "You want no more events. The subscription ends."),
    "default": (
        "EventNotTaken",
        "Any other answer, and none within 15 seconds: the event is sent again later. Redirects are not followed.",
    ),
}


def described() -> tuple[Json, Json]:
    """The document's `webhooks`, by type, and the `components` to which they refer besides those of the feed."""
    webhooks = {kind.name: _webhook(kind.name, kind.says, _narrowed(kind)) for kind in TYPES.values()}
    says = "The owner of the subscription asked for a test. The event is not in the ledger or in any feed."
    webhooks[TEST_TYPE] = _webhook(TEST_TYPE, says, {"$ref": _SCHEMA.format(model="TestEventOut")})
    schema = TestEventOut.model_json_schema(ref_template=_SCHEMA)
    schemas = {**schema.pop("$defs"), "TestEventOut": schema}
    headers = {
        name: {"name": name, "in": "header", "required": True, "description": says, "schema": schema}
        for name, (says, schema) in _HEADERS.items()
    }
    responses = {name: {"description": says} for name, says in _RESPONSES.values()}
    return webhooks, {"schemas": schemas, "parameters": headers, "responses": responses}


def _webhook(name: str, says: str, schema: Json) -> Json:
    operation = {
        "operationId": "on" + "".join(word.capitalize() for word in name.split("-")),
        "summary": says,
        "tags": ["webhooks"],
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{header}"} for header in _HEADERS],
        "requestBody": {
            "required": True,
            "content": {CONTENT_TYPE: {"schema": schema, "example": recorded()["events"].get(name)}},
        },
        "responses": {
            status: {"$ref": f"#/components/responses/{name}"} for status, (name, _says) in _RESPONSES.items()
        },
    }
    return {"post": operation}


def _narrowed(kind: EventType) -> Json:
    """The schema of one type of event, with the ids that its payload may carry; without a case, `case_id` is null."""
    data: Json = {
        "about": {"type": "object", "properties": dict.fromkeys(kind.ids, _ID), "additionalProperties": False}
    }
    if not kind.of_a_case:
        data["case_id"] = {"type": "null"}
    properties = {"type": {"const": kind.name}, "data": {"type": "object", "properties": data}}
    return {"allOf": [{"$ref": _SCHEMA.format(model="FeedEventOut")}, {"type": "object", "properties": properties}]}
