"""HEAD works wherever GET does, and `Allow` names every method of a resource."""

import socket

import pytest

from app.cli import _document
from app.settings import Settings
from tests.core.http.operations import EVERY, NOBODYS
from tests.installation import House
from tests.pdfs import PDF, pdf
from tests.processes import served
from tests.story import Dispute
from tests.uploads import content_of, desk_of

SAME_HEADERS = ("content-type", "content-length", "content-security-policy", "etag", "cache-control")
GETS = {id: operation for id, operation in EVERY.items() if operation.method == "GET"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/docs", "/v1/openapi.json", "/v1/members", "/v1/me"])
def test_head_answers_as_get_without_the_body(house: House, path: str) -> None:
    person = house.person("Olga Strand")
    got, head = person.get(path), person.send("HEAD", path)
    assert (head.status, head.response.content) == (got.status, b"") == (200, b"")
    assert {name: head.headers.get(name) for name in SAME_HEADERS} == {
        name: got.headers.get(name) for name in SAME_HEADERS
    }


def test_head_has_the_status_of_get_on_every_operation(house: House) -> None:
    person = house.person("Olga Strand")
    for id, operation in GETS.items():
        path = operation.at(NOBODYS)
        got, head = person.get(path), person.send("HEAD", path)
        assert (head.status, head.response.content) == (got.status, b""), id
        assert head.headers["content-length"] == got.headers["content-length"], id
    tag = person.get("/v1/members").headers["etag"]
    person.send("HEAD", "/v1/members", headers={"if-none-match": tag}).expect(304)
    nobody = house.person_with_token("No Body", "", "accord_" + "A" * 43)
    assert nobody.send("HEAD", "/v1/members").status == 401


def test_head_of_a_document_is_not_a_reading_of_it(dispute: Dispute) -> None:
    dispute.mediating()
    desk = desk_of(dispute, "caucus", "requesting")
    document = desk.document(pdf(100_000))
    desk.submit()
    path = f"/v1/documents/{document['id']}/content"
    for _attempt in range(2):
        head = dispute.mediator.send("HEAD", path, headers={"range": "bytes=0-9"})
        assert (head.status, head.response.content) == (200, b"")
        assert head.headers["content-length"] == str(document["size"])
        assert head.headers["etag"] == f'"{document["sha256"]}"'
    assert dispute.responding.send("HEAD", path).status == 404
    assert dispute.requesting.get(f"{dispute.path}/accesses").expect(200)["items"] == []
    content_of(dispute.mediator, document)
    assert len(dispute.requesting.get(f"{dispute.path}/accesses").expect(200)["items"]) == 1


def test_a_feed_answers_head_without_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    person = house.person("Olga Strand")
    last = person.get("/v1/events").expect(200)["next"]
    monkeypatch.setattr("app.core.http.waiting_room.WaitingRoom.until_news", None)
    assert person.send("HEAD", f"/v1/events?wait=30&after={last}").status == 200


def test_allow_names_every_method_of_a_resource(house: House) -> None:
    for path, operations in _document()["paths"].items():
        methods = {method.upper() for method in operations} | ({"HEAD"} if "get" in operations else set())
        concrete = next((operation.at(NOBODYS) for operation in EVERY.values() if operation.path == path), path)
        refused = house.admin.send("PURGE", concrete)
        refused.expect(405, "method-not-allowed")
        assert set(refused.headers["allow"].split(", ")) == methods, path
    only_post = house.admin.send("HEAD", "/oauth/token")
    assert (only_post.status, only_post.headers["allow"]) == (405, "POST")


@pytest.mark.slow
def test_head_over_a_connection_leaves_it_usable(durable: Settings) -> None:
    with House.open_today(durable) as house:
        dispute = Dispute(house)
        dispute.mediating()
        desk = desk_of(dispute, "participants")
        document = desk.document(PDF)
        token = dispute.requesting.token
    ask = f"HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"
    with served(durable) as service, socket.create_connection(("127.0.0.1", service.port), 30) as client:
        for path in ("/livez", f"/v1/documents/{document['id']}/content", "/v1/nowhere"):
            client.sendall(f"HEAD {path} {ask}".encode())
        client.sendall(f"GET /livez {ask}".encode())
        received = b""
        while b"alive" not in received:
            received += client.recv(65536)
    assert received.count(b"HTTP/1.1 ") == 4
    assert b"%PDF" not in received
