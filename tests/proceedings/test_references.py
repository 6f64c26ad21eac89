"""No answer names a filing or a document that its reader cannot read, and no version tells of a hidden one."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import update

from app.core.access.session import as_system
from app.core.tables.documents import Document
from tests.installation import Json, Person
from tests.pdfs import pdf
from tests.story import Dispute
from tests.uploads import Desk, desk_of, fault

NOTICE = {"kind": "notice", "title": "Notice", "text": "x"}
REFERENCES = ("document_id", "filing_id", "redacts_id", "related_id", "replaces_id", "resubmits_id", "twin_id")


def references_in(answer: Any) -> Iterator[tuple[str, str]]:
    """Every reference to a filing or a document in an answer, with its field."""
    if isinstance(answer, dict):
        yield from ((name, answer[name]) for name in REFERENCES if answer.get(name) is not None)
    for part in answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ():
        yield from references_in(part)


def unreadable_references(dispute: Dispute, person: Person) -> list[tuple[str, str]]:
    """What filings, documents and events name to a person who cannot read it."""
    filings = person.get(f"{dispute.path}/filings?limit=200").expect(200)["items"]
    paths = [f"{dispute.path}/filings/{filing['id']}/documents" for filing in filings]
    answers = [filings, *(person.get(path).expect(200) for path in paths), dispute.events(person)]

    def is_readable(id: str) -> bool:
        ways = (f"{dispute.path}/filings/{id}", f"/v1/documents/{id}")
        return any(person.get(way).status == 200 for way in ways)

    return [(name, id) for name, id in references_in(answers) if not is_readable(id)]


def readers_of(dispute: Dispute) -> list[Person]:
    """The people of a case."""
    return [dispute.requesting, dispute.responding, dispute.registrar, dispute.mediator]


def test_a_document_refers_to_documents_of_its_own_audience_alone(dispute: Dispute) -> None:
    dispute.mediating()
    secret_desk = desk_of(dispute, "caucus", "requesting")
    secret = secret_desk.document()
    secret_desk.submit()
    open_desk = desk_of(dispute)
    for query in (f"replaces_id={secret['id']}", f"relation=annex-to&related_id={secret['id']}"):
        assert fault(open_desk.send(pdf(900), query=f"?{query}")) == "unknown-document"
    assert fault(open_desk.send(query=f"?relation=redaction-of&related_id={secret['id']}")) == "unknown-document"
    first = open_desk.document()
    open_desk.submit()
    assert fault(desk_of(dispute, "caucus", "requesting").send(query=f"?replaces_id={first['id']}")) == (
        "unknown-document"
    )
    second = desk_of(dispute).document(pdf(900), query=f"?replaces_id={first['id']}")
    assert (second["version"], second["replaces_id"]) == (2, first["id"])
    third = desk_of(dispute, "caucus", "requesting").document(pdf(901), query=f"?replaces_id={secret['id']}")
    assert (third["version"], third["replaces_id"]) == (2, secret["id"])


def test_a_redacted_document_names_the_complete_one_only_to_its_readers(dispute: Dispute) -> None:
    dispute.mediating()
    sealed_desk = desk_of(dispute, "party-registry", "requesting")
    sealed = sealed_desk.document()
    sealed_desk.submit()
    body = {**NOTICE, "audience": "participants", "redacts_id": sealed_desk.draft["id"]}
    twin_desk = Desk(dispute, dispute.requesting.post(f"{dispute.path}/filings", body).expect(201))
    twin = twin_desk.document(pdf(900), query=f"?relation=redaction-of&related_id={sealed['id']}")
    twin_desk.submit()

    def seen_by(person: Person) -> list[Any]:
        filing = person.get(f"{dispute.path}/filings/{twin_desk.draft['id']}").expect(200)
        listed = person.get(twin_desk.path).expect(200)["items"]
        document = person.get(f"/v1/documents/{twin['id']}").expect(200)
        return [shown["related_id"] for shown in (*filing["documents"], *listed, document)]

    assert seen_by(dispute.requesting) == seen_by(dispute.registrar) == [sealed["id"]] * 3
    assert seen_by(dispute.responding) == seen_by(dispute.mediator) == [None] * 3
    assert [unreadable_references(dispute, person) for person in readers_of(dispute)] == [[]] * 4


def test_a_reference_from_before_the_rule_shows_neither_id_nor_version(dispute: Dispute) -> None:
    dispute.mediating()
    dispute.house.has_planted_rows = True
    secret_desk, open_desk = desk_of(dispute, "caucus", "requesting"), desk_of(dispute)
    secret = secret_desk.document()
    secret_desk.submit()
    first = open_desk.document()
    second = open_desk.document(pdf(900), query=f"?replaces_id={first['id']}")
    open_desk.submit()
    plant(dispute, first, related_id=UUID(secret["id"]), replaces_id=UUID(secret["id"]), version=2)
    plant(dispute, second, version=3)

    def seen_by(person: Person) -> list[tuple[int, str | None, str | None]]:
        documents = person.get(open_desk.path).expect(200)["items"]
        return [(shown["version"], shown["replaces_id"], shown["related_id"]) for shown in documents]

    assert seen_by(dispute.requesting) == [(2, secret["id"], secret["id"]), (3, first["id"], None)]
    assert seen_by(dispute.responding) == [(1, None, None), (2, first["id"], None)]
    assert [unreadable_references(dispute, person) for person in readers_of(dispute)] == [[]] * 4


def test_a_removed_document_is_named_by_no_other(desk: Desk) -> None:
    person = desk.dispute.requesting
    first = desk.document()
    second = desk.document(pdf(900), query=f"?replaces_id={first['id']}")
    person.post(f"/v1/documents/{first['id']}/remove").expect(204)
    shown = person.get(f"/v1/documents/{second['id']}").expect(200)
    assert (shown["version"], shown["replaces_id"]) == (1, None)


def test_a_corrected_filing_names_the_returned_one_only_to_its_readers(dispute: Dispute) -> None:
    dispute.mediating()
    path, body = f"{dispute.path}/filings", {**NOTICE, "audience": "participants"}

    def filed(**more: Any) -> str:
        id = str(dispute.requesting.post(path, {**body, **more}).expect(201)["id"])
        dispute.requesting.post(f"{path}/{id}/submit").expect(200)
        return id

    def resubmitted_as_seen_by(person: Person, id: str) -> list[str | None]:
        receipt = person.get(f"{path}/{id}/receipt").expect(200)["body"]["filing"]
        return [person.get(f"{path}/{id}").expect(200)["resubmits_id"], receipt["resubmits_id"]]

    returned = filed()
    dispute.registrar.post(f"{path}/{returned}/return", {"reasons": ["unsigned"], "note": "Sign it."}).expect(200)
    before = filed(resubmits_id=returned)
    assert resubmitted_as_seen_by(dispute.responding, before) == [returned, returned]
    court = filed(audience="court")
    dispute.registrar.post(f"{path}/{court}/return", {"reasons": ["unsigned"], "note": "Sign it."}).expect(200)
    to_court = filed(audience="court", resubmits_id=court)
    assert resubmitted_as_seen_by(dispute.responding, to_court) == [court, court]
    newcomer, _ = dispute.third_party_joined()
    after = filed(resubmits_id=returned)
    newcomer.get(f"{path}/{returned}").expect(404)
    assert resubmitted_as_seen_by(newcomer, after) == [None, None]
    assert resubmitted_as_seen_by(dispute.requesting, after) == [returned, None]
    assert [unreadable_references(dispute, person) for person in (newcomer, *readers_of(dispute))] == [[]] * 5


def plant(dispute: Dispute, document: Json, **values: Any) -> None:
    """Write into the row of a document what a former release could write."""
    seams = dispute.house.app.state.seams
    with dispute.house.database.write(seams.entropy("plant")) as db, as_system(db):
        planted = update(Document).where(Document.id == UUID(document["id"])).values(**values)
        db.execute(planted.execution_options(synchronize_session=False))
