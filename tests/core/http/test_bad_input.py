"""Malformed bodies and texts: every operation refuses each class of them cleanly."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from app.core.tables.events import Event
from tests.core.http.operations import ACTS, NOBODYS, OPERATIONS, Operation, query_parameters
from tests.installation import Answer, House, Json, straight_to
from tests.story import Dispute, request

CANARY = "zebrafinch"
JSON = {"content-type": "application/json"}
BAD_JSON = {
    "not JSON": b"{",
    "not UTF-8": b'{"title": "\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "NaN": b'{"title": NaN}',
    "infinity": b'{"title": -Infinity}',
    "a key twice": b'{"title": "zebrafinch", "title": "b"}',
    "endless digits": b'{"title": ' + b"9" * 5000 + b"}",
    "endless depth": b"[" * 100_000 + b"]" * 100_000,
    "an array": b'["zebrafinch"]',
    "a number": b"7",
    "a text": b'"zebrafinch"',
    "an unknown field": b'{"unknown": "zebrafinch"}',
    "an unknown field whose name is a text": b'{"a zebrafinch": "zebrafinch"}',
}
BAD_TEXT = {
    "NUL": "zebrafinch\\u0000b",
    "a lone surrogate": "zebrafinch\\ud800b",
    "half a pair, the other way round": "zebrafinch\\udc00\\ud800",
    "a bidi override": "zebrafinch\\u202eb",
    "a bidi isolate": "zebrafinch\\u2066b",
    "a control character": "zebrafinch\\u0007b",
    "only blanks": "   ",
    "nothing": "",
    "too much": "x" * 100_001,
    "too much once composed": "\\ufb2c" * 50_001,
    "a number": 7,
    "an object": {"zebrafinch": 1},
}


def events(house: House) -> int:
    """The number of all events."""
    engine = straight_to(house.settings)
    with engine.connect() as connection:
        count = int(connection.execute(select(func.count()).select_from(Event.__table__)).scalar_one())
    engine.dispose()
    return count


def refused(answer: Answer, what: str) -> None:
    """A clean refusal that echoes nothing of the request."""
    body = answer.expect(422, "invalid")
    assert body["errors"], what
    assert CANARY not in answer.response.text, what
    assert len(answer.response.text) < 20_000, what


@pytest.mark.parametrize("kind", BAD_JSON)
def test_every_operation_refuses_a_body_that_is_not_a_clean_json_object(house: House, kind: str) -> None:
    person = house.person("Stan Ranger")
    before = events(house)
    for operation in ACTS.values():
        refused(operation.send(person, content=BAD_JSON[kind], headers=JSON), operation.id)
    assert events(house) == before


def test_an_act_that_needs_a_body_refuses_a_missing_body_and_null(house: House) -> None:
    person = house.person("Stan Ranger")
    needing = [operation for operation in ACTS.values() if operation.needs_body]
    assert len(needing) > 20
    for operation in needing:
        refused(operation.send(person, content=b"", headers=JSON), operation.id)
        refused(operation.send(person, content=b"null", headers=JSON), operation.id)
        refused(operation.send(person), operation.id)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xml", "application/json; charset=latin-1"])
def test_every_operation_refuses_a_body_without_the_media_type_of_json(house: House, content_type: str | None) -> None:
    person = house.person("Stan Ranger")
    before = events(house)
    for operation in ACTS.values():
        headers = {"content-type": content_type} if content_type else {}
        answer = operation.send(person, content=json.dumps(operation.example or {}).encode(), headers=headers)
        answer.expect(415, "unsupported-media-type")
    assert events(house) == before


def texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of the texts in an example."""
    if isinstance(value, str):
        yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from texts(one, (*path, key))


def with_text(operation: Operation, path: tuple[Any, ...], text: Any) -> bytes:
    """The example as JSON with another value at that place; the value is inserted verbatim."""
    body: Any = copy.deepcopy(operation.example)
    *way, last = path
    place = body
    for key in way:
        place = place[key]
    place[last] = "PLACE" if isinstance(text, str) else text
    written = json.dumps(body)
    return (written.replace("PLACE", text) if isinstance(text, str) else written).encode()


@pytest.mark.parametrize("kind", BAD_TEXT)
def test_every_field_of_every_operation_refuses_text_that_databases_cannot_store(house: House, kind: str) -> None:
    person = house.person("Stan Ranger")
    before, places = events(house), 0
    for operation in ACTS.values():
        for path in texts(operation.example):
            body = with_text(operation, path, BAD_TEXT[kind])
            refused(operation.send(person, content=body, headers=JSON), f"{operation.id} {path}")
            places += 1
    assert places > 60
    assert events(house) == before


@pytest.mark.parametrize("text", ["\x00", "\u202e", "\x07"])
def test_queries_and_paths_refuse_such_text_too(house: House, dispute: Dispute, text: str) -> None:
    dispute.lodged()
    escaped = quote(text)
    for path in (f"/v1/cases?q={escaped}", f"/v1/cases?stage={escaped}", f"/v1/cases?after={escaped}"):
        refused(dispute.registrar.get(path), path)
    for operation in OPERATIONS.values():
        if operation.has_ids:
            answer = operation.send(dispute.registrar, operation.at(escaped), json=operation.example)
            assert answer.status in (404, 428), operation.id
    dispute.step(dispute.registrar, escaped).expect(404, "not-found")


BAD_QUERIES = {
    "NUL": "%00",
    "a bidi override": "a%E2%80%AEb",
    "a lone surrogate": "%ED%A0%80",
    "no UTF-8": "%ff",
}


@pytest.mark.parametrize("kind", BAD_QUERIES)
def test_every_query_parameter_refuses_text_that_databases_cannot_store(house: House, kind: str) -> None:
    seen = 0
    for operation, name, _schema in query_parameters():
        path = f"{operation.at(NOBODYS)}?{name}={BAD_QUERIES[kind]}"
        refused(operation.send(house.registrar, path, json=operation.example), f"{operation.id} {name}")
        seen += 1
    assert seen > 100


def test_only_lists_are_taken_twice_in_a_query(house: House) -> None:
    lists = set()
    for operation, name, schema in query_parameters():
        if "array" in json.dumps(schema):
            lists.add(name)
            continue
        answer = operation.send(house.registrar, f"{operation.at(NOBODYS)}?{name}=1&{name}=1", json=operation.example)
        (fault,) = answer.expect(422, "invalid")["errors"]
        assert (fault["pointer"], fault["code"]) == (f"query/{name}", "repeated-parameter"), operation.id
    assert lists == {"type"}


INVISIBLE = ("\\u200b", "\\ufeff", "\\u2060", "\\u00ad", "\\udb40\\udc41", "\\u180e")


@pytest.mark.parametrize("letter", INVISIBLE)
def test_titles_and_names_have_no_invisible_characters(house: House, dispute: Dispute, letter: str) -> None:
    operation = OPERATIONS["openCase"]
    for path in (("title",), ("parties", 0, "name"), ("seat", "place"), ("instruments", 0, "title")):
        sent = with_text(operation, path, f"Wa{letter}ters")
        (fault,) = operation.send(dispute.requesting, content=sent, headers=JSON).expect(422, "invalid")["errors"]
        assert (fault["pointer"], fault["code"]) == ("/" + "/".join(map(str, path)), "text-invisible")
    account = with_text(OPERATIONS["addUser"], ("email",), f"a{letter}@example.org")
    OPERATIONS["addUser"].send(house.admin, content=account, headers=JSON).expect(422, "invalid")


def test_titles_keep_the_joiners_that_spell_words_in_some_scripts(dispute: Dispute) -> None:
    for title in ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"):
        opened = dispute.requesting.post("/v1/cases", request(title=title)).expect(201)
        assert opened["title"] == title


LINES = ("line\\nbreak", "a\\ttab", "x" * 301, "\\ufb2c" * 150)


@pytest.mark.parametrize("text", LINES)
def test_a_title_is_one_line_of_at_most_300_characters(dispute: Dispute, text: str) -> None:
    operation = OPERATIONS["openCase"]
    answer = operation.send(dispute.requesting, content=with_text(operation, ("title",), text), headers=JSON)
    assert [fault["pointer"] for fault in answer.expect(422)["errors"]] == ["/title"]


@pytest.mark.parametrize(
    ("wrong", "pointer", "code", "says"),
    [
        ({"seat": {"place": "x", "time_zone": "Asia/Hong_Kong", "city": "y"}}, "/seat/city", "unknown-field", "Remove"),
        ({"titel": "x"}, "/titel", "unknown-field", "Remove"),
        ({"a name that is a text": 1}, "", "unknown-field", "Remove"),
        ({"x" * 65: 1}, "", "unknown-field", "Remove"),
        ({"languages": ["English"]}, "/languages/0", "language", "such as en"),
        ({"subjects": ["Water"]}, "/subjects/0", "code", "small letters"),
        ({"subjects": ["no-such-subject"]}, "/subjects/0", "unknown-subject", "GET /v1/subjects"),
        ({"parties": [{"side": "left", "kind": "state", "name": "x"}] * 2}, "/parties/0/side", "side", "requesting"),
    ],
)
def test_a_refusal_names_the_field_and_says_in_words_what_it_takes(
    house: House, wrong: Json, pointer: str, code: str, says: str
) -> None:
    answer = house.person("Stan Ranger").post("/v1/cases", request(**wrong)).expect(422, "invalid")
    fault = answer["errors"][0]
    assert (fault["pointer"], fault["code"]) == (pointer, code)
    assert says in fault["message"]
    assert "^" not in fault["message"]


def test_a_form_in_place_of_a_file_is_refused_as_what_it_is(dispute: Dispute) -> None:
    dispute.mediating()
    draft = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    path = f"{dispute.path}/filings/{dispute.requesting.post(f'{dispute.path}/filings', draft).expect(201)['id']}"
    head = {"content-type": "multipart/form-data; boundary=b"}
    answer = dispute.requesting.send("POST", f"{path}/documents", content=b"--b--", headers=head)
    assert "not a form" in answer.expect(415, "unsupported-media-type")["detail"]
