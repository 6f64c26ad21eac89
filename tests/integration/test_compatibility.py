"""The API takes nothing from clients of the last release, unless the changelog says so.

tests/releases/openapi.json is the document of the last release. Until there is one, it is that of the state from which
the first release goes on. Each release renews it with `make release-document`, in the commit of the release.
"""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from app.cli import _document
from tests.compatibility import KEYWORDS, LAST_RELEASE, Break, breaks, kept, schemas_of, unnamed

Json = dict[str, Any]

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
GONE = object()

BEFORE: Json = {
    "info": {"version": "1"},
    "paths": {
        "/things": {
            "post": {
                "operationId": "createThing",
                "security": [{"token": []}, {"client": ["things.write"]}],
                "parameters": [
                    {"name": "key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 9}},
                    {"name": "state", "in": "query", "required": False, "schema": {"enum": ["open", "shut"]}},
                ],
                "requestBody": {"required": True, "content": {"json": {"schema": {"$ref": "#/components/schemas/In"}}}},
                "responses": {
                    "201": {
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"json": {"schema": {"$ref": "#/components/schemas/Out"}}},
                    },
                    "409": {"content": {"json": {"schema": {"type": "object"}}}},
                },
            },
            "get": {"operationId": "listThings", "security": [], "responses": {"200": {}}},
        },
    },
    "webhooks": {
        "thing-made": {
            "post": {
                "operationId": "onThingMade",
                "requestBody": {
                    "content": {
                        "json": {
                            "schema": {
                                "allOf": [
                                    {"$ref": "#/components/schemas/Out"},
                                    {"type": "object", "properties": {"kind": {"const": "wood"}}},
                                ]
                            }
                        }
                    }
                },
                "responses": {"2XX": {}},
            }
        }
    },
    "components": {
        "schemas": {
            "In": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 300},
                    "kind": {"type": "string", "enum": ["wood", "iron"]},
                    "count": {"anyOf": [{"type": "integer", "maximum": 5}, {"type": "null"}]},
                    "parts": {"type": "array", "maxItems": 5, "items": {"$ref": "#/components/schemas/In"}},
                    "notes": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "Out": {
                "type": "object",
                "required": ["id", "kind", "parts"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "kind": {"type": "string", "enum": ["wood", "iron"]},
                    "ended": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Out"}},
                    "about": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
        }
    },
}
POST = "paths /things post"
IN, OUT = "components schemas In", "components schemas Out"
FIELDS_IN, FIELDS_OUT = f"{IN} properties", f"{OUT} properties"
FIRST, SECOND = f"{POST} parameters 0", f"{POST} parameters 1"

CREATE = "createThing"
BREAKING: list[tuple[str, object, str, str]] = [
    ("paths /things", GONE, "listThings", "it is not there any more"),
    (POST, GONE, CREATE, "it is not there any more"),
    ("webhooks thing-made", GONE, "onThingMade", "it is not there any more"),
    (f"{POST} operationId", "makeThing", CREATE, "its operationId is 'makeThing' now"),
    (f"{POST} security 0", GONE, CREATE, 'who shows {"token": []} is not let in any more'),
    (f"{POST} security 1 client", ["all"], CREATE, 'who shows {"client": ["things.write"]} is not let in any more'),
    ("paths /things get security", [{"token": []}], "listThings", "a token is needed now"),
    (FIRST, GONE, CREATE, "the header parameter 'key' is gone"),
    (f"{FIRST} required", True, CREATE, "the header parameter 'key' is needed now"),
    (f"{FIRST} in", "query", CREATE, "the header parameter 'key' is gone"),
    (f"{FIRST} schema maxLength", 8, CREATE, "header parameter 'key': maxLength is 8 now"),
    (f"{FIRST} schema type", "integer", CREATE, "header parameter 'key': string is refused now"),
    (f"{SECOND} schema enum", ["open"], CREATE, "query parameter 'state': the value \"shut\" is gone"),
    (
        f"{POST} parameters 2",
        {"name": "by", "in": "query", "required": True, "schema": {}},
        CREATE,
        "the query parameter 'by' is needed now",
    ),
    (f"{POST} requestBody", GONE, CREATE, "it takes no body any more"),
    (f"{POST} requestBody content", {"xml": {}}, CREATE, "request: json is gone"),
    ("paths /things get requestBody", {"required": True, "content": {}}, "listThings", "a body is needed now"),
    (f"{IN} required", ["name", "kind"], CREATE, "request: the field 'kind' is needed now"),
    (f"{FIELDS_IN} kind", GONE, CREATE, "request: the field 'kind' is gone"),
    (f"{FIELDS_IN} kind enum", ["wood"], CREATE, 'request.kind: the value "iron" is gone'),
    (f"{FIELDS_IN} name enum", ["A"], CREATE, 'request.name: only ["A"] is taken now'),
    (f"{FIELDS_IN} name minLength", 2, CREATE, "request.name: minLength is 2 now"),
    (f"{FIELDS_IN} name pattern", "^a", CREATE, "request.name: the pattern is ^a now"),
    (f"{FIELDS_IN} name format", "uuid", CREATE, "request.name: the format is uuid now"),
    (f"{FIELDS_IN} count anyOf 1", GONE, CREATE, "request.count: null is refused now"),
    (f"{FIELDS_IN} count anyOf 0 maximum", 4, CREATE, "request.count: maximum is 4 now"),
    (f"{FIELDS_IN} parts maxItems", 4, CREATE, "request.parts: maxItems is 4 now"),
    (f"{FIELDS_IN} parts items", {"type": "string"}, CREATE, "request.parts[]: object is refused now"),
    (f"{FIELDS_IN} notes additionalProperties", False, CREATE, "request.notes: it has no other fields any more"),
    (f"{FIELDS_IN} notes additionalProperties type", "null", CREATE, "request.notes.*: string is refused now"),
    (f"{POST} responses 201", GONE, CREATE, "the answer 201 is gone"),
    (f"{POST} responses 409", GONE, CREATE, "the answer 409 is gone"),
    (f"{POST} responses 201 headers ETag", GONE, CREATE, "answer 201: the header ETag is gone"),
    (f"{POST} responses 201 content", {"xml": {}}, CREATE, "answer 201: json is gone"),
    (f"{OUT} required", ["id", "kind"], CREATE, "answer 201: the field 'parts' may be missing now"),
    (f"{FIELDS_OUT} ended", GONE, CREATE, "answer 201: the field 'ended' is gone"),
    (f"{FIELDS_OUT} ended anyOf 0 format", "date", CREATE, "answer 201.ended: its format is not date-time any more"),
    (f"{FIELDS_OUT} id", {"type": "integer"}, CREATE, "answer 201.id: it may be integer now"),
    (f"{FIELDS_OUT} id", {}, CREATE, "answer 201.id: it may be anything now"),
    (f"{FIELDS_OUT} id type", ["string", "null"], CREATE, "answer 201.id: it may be null now"),
    (f"{FIELDS_OUT} kind enum", ["wood"], CREATE, 'answer 201.kind: the value "iron" is gone'),
    (f"{FIELDS_OUT} parts items", {"type": "null"}, CREATE, "answer 201.parts[]: it may be null now"),
    (f"{FIELDS_OUT} about additionalProperties type", "object", CREATE, "answer 201.about.*: it may be object now"),
    (f"{FIELDS_OUT} about additionalProperties", False, CREATE, "answer 201.about: it has no other fields any more"),
    (f"{FIELDS_OUT} id", GONE, "onThingMade", "request: the field 'id' is gone"),
    (
        "webhooks thing-made post requestBody content json schema allOf 1 properties kind const",
        "tin",
        "onThingMade",
        'request.kind: the value "wood" is gone',
    ),
]
# Where an answer's or a request's part stands among the components, as documents grow.
COMPONENTS: Json = {
    "schemas": {"Kind": {"type": "string", "enum": ["wood", "iron"], "description": "What it is made of."}},
    "responses": {
        "Conflict": {"description": "Not now.", "content": {"json": {"schema": {"type": "object"}}}},
        "Silence": {"description": "Not now."},
    },
    "parameters": {
        "Key": {"name": "key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 9}},
        "NeededKey": {"name": "key", "in": "header", "required": True, "schema": {"type": "string", "maxLength": 9}},
    },
}


def reference(kind: str, name: str) -> Json:
    """A reference to one of these components."""
    return {"$ref": f"#/components/{kind}/{name}"}


MOVED: list[tuple[str, object, list[str]]] = [
    (f"{POST} responses 409", reference("responses", "Conflict"), []),
    (f"{POST} responses 409", reference("responses", "Silence"), ["answer 409: json is gone"]),
    (FIRST, reference("parameters", "Key"), []),
    (FIRST, reference("parameters", "NeededKey"), ["the header parameter 'key' is needed now"]),
    (f"{FIELDS_IN} kind", reference("schemas", "Kind"), []),
    (f"{FIELDS_OUT} kind", reference("schemas", "Kind"), []),
    (f"{FIELDS_OUT} name", reference("schemas", "Kind"), []),
    (f"{FIELDS_IN} name", reference("schemas", "Kind"), ['request.name: only ["wood", "iron"] is taken now']),
]
HARMLESS: list[tuple[str, object]] = [
    (f"{FIELDS_OUT} name enum", ["oak", "pine"]),
    (f"{FIELDS_OUT} name description", "What it is called."),
    (f"{FIELDS_IN} name description", "What it is called."),
    (f"{POST} description", "It is made at once."),
    (f"{POST} responses 409 description", "Not now."),
    ("paths /others", {"post": {"operationId": "createOther", "responses": {}}}),
    ("webhooks thing-lost", {"post": {"operationId": "onThingLost", "responses": {}}}),
    (f"{POST} summary", "Make a thing."),
    (f"{POST} security 2", {"other": []}),
    (f"{POST} security 1 client", []),
    (f"{POST} parameters 2", {"name": "by", "in": "query", "required": False, "schema": {}}),
    (f"{FIRST} schema maxLength", 10),
    (f"{SECOND} schema enum", ["open", "shut", "lost"]),
    (f"{POST} requestBody required", False),
    (f"{POST} requestBody content xml", {}),
    ("paths /things get requestBody", {"required": False, "content": {}}),
    (f"{FIELDS_IN} colour", {"type": "string"}),
    (f"{FIELDS_IN} name title", "Name"),
    (f"{FIELDS_IN} name maxLength", GONE),
    (f"{FIELDS_IN} name type", ["string", "null"]),
    (f"{FIELDS_IN} count anyOf 0 type", "number"),
    (f"{FIELDS_IN} notes additionalProperties", {}),
    (f"{IN} required", []),
    (f"{POST} responses 200", {}),
    (f"{POST} responses 201 headers Link", {}),
    (f"{FIELDS_OUT} colour", {"type": "string"}),
    (f"{FIELDS_OUT} kind enum", ["wood", "iron", "tin"]),
    (f"{FIELDS_OUT} ended anyOf 1", GONE),
    (f"{OUT} required", ["id", "kind", "parts", "ended"]),
]


def changed(place: str, value: object, before: Json = BEFORE) -> Json:
    """The document with something else, or nothing, in one place."""
    document: Any = deepcopy(before)
    *way, last = place.split()
    part = document
    for step in way:
        part = part[int(step)] if isinstance(part, list) else part[step]
    if not isinstance(part, list):
        if value is GONE:
            del part[last]
        else:
            part[last] = value
    elif value is GONE:
        del part[int(last)]
    else:
        part.insert(int(last), value)
    return dict(document)


@pytest.mark.parametrize(("place", "value", "operation", "says"), BREAKING)
def test_what_clients_rely_on_is_missed(place: str, value: object, operation: str, says: str) -> None:
    assert Break(operation, says) in breaks(BEFORE, changed(place, value))


@pytest.mark.parametrize(("place", "value"), HARMLESS)
def test_what_is_added_or_allowed_breaks_nothing(place: str, value: object) -> None:
    document = changed(place, value)
    assert document != BEFORE
    assert breaks(BEFORE, document) == []


@pytest.mark.parametrize(("place", "value", "says"), MOVED)
def test_what_moves_among_the_components_breaks_only_what_it_narrows(
    place: str, value: object, says: list[str]
) -> None:
    document = changed(place, GONE) if place == FIRST else BEFORE
    document = changed(place, value, document)
    for kind, named in COMPONENTS.items():
        document["components"].setdefault(kind, {}).update(named)
    assert [one.says for one in breaks(BEFORE, document) if one.operation == CREATE] == says


@pytest.mark.parametrize(
    ("changelog", "found"),
    [
        ("## Unreleased\n\n### Breaking\n\n- `createThing` takes no key.\n\n## 1.0\n", []),
        ("## Unreleased\n\n### Breaking\n\n- `createThing` takes no key.", []),
        ("## Unreleased\n\n### Breaking\n\n- `createThings` takes no key.\n", ["createThing"]),
        ("## Unreleased\n\n### Added\n\n- `createThing` takes no key.\n", ["createThing"]),
        ("## Unreleased\n\n### Breaking\n\n### Added\n\n- `createThing` takes a key.\n", ["createThing"]),
        ("## Unreleased\n\n## 1.0\n\n### Breaking\n\n- `createThing` takes no key.\n", ["createThing"]),
    ],
)
def test_a_break_is_named_under_breaking_in_the_unreleased_part(changelog: str, found: list[str]) -> None:
    assert [one.operation for one in unnamed([Break("createThing", "the key is gone")], changelog)] == found


def test_what_is_kept_of_a_document_is_all_that_is_compared() -> None:
    for place, value, operation, says in BREAKING:
        now = changed(place, value)
        assert Break(operation, says) in breaks(json.loads(kept(BEFORE)), json.loads(kept(now)))
    present = _document()
    assert json.loads(kept(json.loads(kept(present)))) == json.loads(kept(present))
    assert breaks(present, json.loads(kept(present))) == breaks(json.loads(kept(present)), present) == []


def test_the_comparison_knows_every_keyword_of_the_schemas() -> None:
    documents = (_document(), json.loads(LAST_RELEASE.read_text()))
    assert {word for document in documents for schema in schemas_of(document) for word in schema} <= KEYWORDS


def test_nothing_of_the_last_release_is_broken_but_what_the_changelog_names() -> None:
    last, present = json.loads(LAST_RELEASE.read_text()), _document()
    assert last["paths"].keys() & present["paths"].keys()
    found = unnamed(breaks(last, present), CHANGELOG.read_text())
    named = (
        'Restore it, or name the operation in backticks under "### Breaking" in the unreleased part of CHANGELOG.md:'
    )
    assert not found, "\n".join([named, *(f"{one.operation}: {one.says}" for one in found)])
