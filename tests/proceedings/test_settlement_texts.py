"""A settlement in several authentic texts, in clauses and in documents: frozen, signed and certified as one."""

import hashlib
import io
import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pypdf
import pytest
import rfc8785

from app.core.ledger import service as ledger
from app.institution.signing.files import NotGenuine
from app.proceedings.certificates.verification import verify
from app.proceedings.documents import virus_scan
from tests.installation import Answer, House, Json, Person
from tests.pdfs import pdf
from tests.proofs import signed_by_another_key
from tests.sql_statements import recorded_statements
from tests.story import CLAUSES, Dispute
from tests.uploads import content_of, digest_of, fault

FRENCH: Json = {
    "title": "Accord sur la Serin",
    "language": "fr",
    "clauses": [{"number": "1", "text": "Le débit est partagé par tiers."}],
}


def sha(document: Any) -> str:
    """The SHA-256 of a canonical form, calculated independently."""
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def send(
    dispute: Dispute,
    draft: Json,
    query: str = "?language=zh&relation=authentic-text",
    *,
    person: Person | None = None,
    content: bytes | None = None,
    name: str = "协议.pdf",
    media_type: str = "application/pdf",
    **headers: str,
) -> Answer:
    """Upload a text to a draft."""
    sent = {
        "content-type": media_type,
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    path = f"{dispute.path}/settlement/drafts/{draft['id']}/documents{query}"
    return (person or dispute.mediator).send("POST", path, content=content or pdf(900), headers=sent)


def uploaded(dispute: Dispute, draft: Json, query: str, **more: Any) -> Json:
    """A text that was uploaded to a draft."""
    return dict(send(dispute, draft, query, **more).expect(201))


def read(dispute: Dispute, draft: Json, person: Person | None = None) -> Json:
    """A draft as a person reads it now."""
    path = f"{dispute.path}/settlement/drafts/{draft['id']}"
    return dict((person or dispute.mediator).get(path).expect(200))


def freeze(dispute: Dispute, draft: Json) -> Answer:
    """Freeze a draft as it stands now."""
    return dispute.freeze(read(dispute, draft))


def lacking(answer: Answer) -> str:
    """The code of the reason why a text cannot be frozen."""
    return str(answer.expect(409, "need-not-met")["reasons"][0]["code"])


def without_clauses(dispute: Dispute, person: Person | None = None, **more: Any) -> Json:
    """A draft whose text is to be a document."""
    body = {"title": "Agreement", "language": "zh", "audience": "participants", **more}
    return dict((person or dispute.mediator).post(f"{dispute.path}/settlement/drafts", body).expect(201))


def certificate(dispute: Dispute) -> tuple[str, Any]:
    """The certificate of a settled case: its path, and the signed file."""
    (issued,) = dispute.requesting.get(f"{dispute.path}/settlement/certificates").expect(200)["items"]
    path = f"{dispute.path}/settlement/certificates/{issued['id']}"
    return path, dispute.requesting.get(path).response.content


def test_a_text_in_clauses_alone_keeps_its_hash(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft()
    assert draft["sha256"] == sha({"title": draft["title"], "language": "en", "clauses": CLAUSES})
    assert (draft["texts"], draft["documents"], draft["prevailing_language"]) == ([], [], None)
    frozen = freeze(dispute, draft).expect(200)
    dispute.sign(dispute.requesting, "requesting", frozen).expect(201)
    dispute.sign(dispute.responding, "responding", frozen).expect(201)
    text = dispute.requesting.get(certificate(dispute)[0]).json["body"]["text"]
    own = {"form": "clauses", "language": "en", "relation": "authentic-text", "sha256": draft["sha256"]}
    assert (text["sha256"], text["texts"], text["prevailing_language"]) == (draft["sha256"], [own], None)
    lines = verify(certificate(dispute)[1]).lines
    assert f"Text in 'en', SHA-256 {draft['sha256']}." in lines


def test_several_texts_are_hashed_frozen_signed_and_certified_as_one(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft(texts=[FRENCH], prevailing_language="en")
    content = pdf(70_000)
    chinese = uploaded(dispute, draft, "?language=zh&relation=original", content=content)
    of = f"?language=ar&relation=translation-of&related_id={chinese['id']}"
    arabic = uploaded(dispute, draft, of, content=pdf(901), name="اتفاق.pdf")
    assert (chinese["draft_id"], chinese["filing_id"], chinese["number"]) == (draft["id"], None, 1)
    own = {"title": draft["title"], "language": "en", "clauses": CLAUSES}
    texts = [
        {"form": "clauses", "language": "en", "relation": "authentic-text", "sha256": sha(own)},
        {"form": "clauses", "language": "fr", "relation": "authentic-text", "sha256": sha(FRENCH)},
        {"form": "document", "language": "zh", "relation": "original", "sha256": hashlib.sha256(content).hexdigest()},
        {
            "form": "document",
            "language": "ar",
            "relation": "translation-of",
            "sha256": arabic["sha256"],
            "of": chinese["sha256"],
        },
    ]
    whole = read(dispute, draft, dispute.responding)
    assert whole["sha256"] == sha({"prevailing_language": "en", "texts": texts})
    assert whole["texts"] == [{**FRENCH, "sha256": sha(FRENCH)}]
    assert [
        (document["id"], document["name"], document["language"], document["state"]) for document in whole["documents"]
    ] == [
        (chinese["id"], "协议.pdf", "zh", "stored"),
        (arabic["id"], "اتفاق.pdf", "ar", "stored"),
    ]
    assert lacking(dispute.freeze(draft)) == "text-differs"
    frozen = freeze(dispute, draft).expect(200)
    assert frozen["sha256"] == whole["sha256"]
    dispute.sign(dispute.requesting, "requesting", {**frozen, "sha256": sha(own)}).expect(409, "need-not-met")
    dispute.sign(dispute.requesting, "requesting", frozen).expect(201)
    dispute.sign(dispute.responding, "responding", frozen).expect(201)
    place, file = certificate(dispute)
    text = dispute.responding.get(place).json["body"]["text"]
    assert (text["sha256"], text["texts"], text["prevailing_language"]) == (whole["sha256"], texts, "en")
    report = "\n".join(verify(file, accompanying=content).lines)
    for word in (whole["sha256"], chinese["sha256"], "'en' prevails", "Text in 'ar', document (translation-of)"):
        assert word in report
    assert "The document given is the text in 'zh' (original)." in report
    with pytest.raises(NotGenuine, match="not one that the file names"):
        verify(file, accompanying=pdf(902))
    drawn = dispute.requesting.get(f"{place}.pdf").response.content
    shown = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(drawn)).pages))
    for word in (whole["sha256"], *(text["sha256"] for text in texts), "Translation, a document", "Prevailing"):
        assert word in shown
    assert verify(drawn).kind == "settlement"


def test_a_certificate_with_other_texts_than_the_signed_ones_is_refused(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft(texts=[FRENCH])
    frozen = freeze(dispute, draft).expect(200)
    dispute.sign(dispute.requesting, "requesting", frozen).expect(201)
    dispute.sign(dispute.responding, "responding", frozen).expect(201)
    file = dispute.requesting.get(certificate(dispute)[0]).json
    assert verify(signed_by_another_key(file)).kind == "settlement"
    file["body"]["text"]["texts"][1]["sha256"] = "0" * 64
    with pytest.raises(NotGenuine, match="not that of the texts"):
        verify(signed_by_another_key(file))


def test_a_settlement_may_consist_of_a_document_and_needs_at_least_one_text(dispute: Dispute) -> None:
    dispute.mediating()
    draft = without_clauses(dispute)
    assert draft["clauses"] == []
    assert lacking(freeze(dispute, draft)) == "text-lacking"
    annex = uploaded(dispute, draft, "?language=zh&relation=annex-to", content=pdf(901))
    assert lacking(freeze(dispute, draft)) == "text-lacking"
    text = uploaded(dispute, draft, "?language=zh&relation=original")
    frozen = freeze(dispute, draft).expect(200)
    rows = [(annex, "annex-to"), (text, "original")]
    texts = [
        {"form": "document", "language": "zh", "relation": what, "sha256": fault["sha256"]} for fault, what in rows
    ]
    assert frozen["sha256"] == sha({"prevailing_language": None, "texts": texts})
    dispute.sign(dispute.requesting, "requesting", frozen).expect(201)
    dispute.sign(dispute.responding, "responding", frozen).expect(201)
    assert dispute.read()["outcome"] == "settled"


def test_the_prevailing_language_is_an_authentic_one(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft(prevailing_language="fr")
    uploaded(dispute, draft, "?language=fr&relation=translation-of", content=pdf(901))
    assert lacking(freeze(dispute, draft)) == "text-lacking"
    uploaded(dispute, draft, "?language=fr&relation=authentic-text")
    assert freeze(dispute, draft).expect(200)["prevailing_language"] == "fr"


def test_a_frozen_text_accepts_and_loses_no_document(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft()
    kept = uploaded(dispute, draft, "?language=fr")
    frozen = freeze(dispute, draft).expect(200)

    def nothing_changes(state: str) -> None:
        refused = send(dispute, draft, content=pdf(901)).expect(409, "draft-state")
        assert refused["state"] == state
        dispute.mediator.post(f"/v1/documents/{kept['id']}/remove").expect(409, "draft-state")
        assert read(dispute, draft)["sha256"] == frozen["sha256"]

    nothing_changes("frozen")
    freeze(dispute, dispute.draft(replaces=draft["id"])).expect(200)
    nothing_changes("superseded")
    assert content_of(dispute.responding, kept).response.content == pdf(900)


@pytest.mark.usefixtures("watched")
def test_a_text_is_frozen_only_once_its_documents_are_found_clean(
    house: House, dispute: Dispute, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = house.database.settings.model_copy(update={"clamd": "tcp://127.0.0.1:1"})
    monkeypatch.setattr(house.database, "settings", settings)
    dispute.mediating()
    draft = dispute.draft()
    clean, infected = (uploaded(dispute, draft, "?language=fr", content=pdf(size)) for size in (900, 901))
    before = read(dispute, draft)
    assert {document["state"] for document in before["documents"]} == {"quarantined"}

    def judge(document: Json, verdict: virus_scan.Verdict) -> None:
        with house.database.write(house.app.state.seams.entropy(document["id"])) as db:
            assert virus_scan.judge(db, house.clock.now, UUID(document["id"]), verdict) == 1
            ledger.seal(db)

    assert lacking(freeze(dispute, draft)) == "document-quarantined"
    judge(clean, "clean")
    assert lacking(freeze(dispute, draft)) == "document-quarantined"
    judge(infected, "infected")
    (refused,) = [event["payload"] for event in dispute.events(dispute.responding, "document-refused")]
    assert refused == {"document_id": infected["id"], "draft_id": draft["id"], "number": 2}
    assert lacking(dispute.freeze(before)) == "text-differs"
    assert [document["id"] for document in freeze(dispute, draft).expect(200)["documents"]] == [clean["id"]]


def test_only_the_drafting_side_uploads_documents(dispute: Dispute) -> None:
    dispute.mediating()
    counsel = dispute.house.person("Corvin Unsel")
    dispute.admit_counsel(counsel)
    by_party, by_mediator = dispute.draft(dispute.requesting), dispute.draft()
    for person, draft, status in (
        (dispute.requesting, by_party, 201),
        (counsel, by_party, 201),
        (dispute.responding, by_party, 403),
        (dispute.mediator, by_party, 403),
        (dispute.registrar, by_party, 403),
        (dispute.mediator, by_mediator, 201),
        (dispute.requesting, by_mediator, 403),
        (dispute.house.person("Stra Nger"), by_mediator, 404),
    ):
        answer = send(dispute, draft, person=person, content=pdf(900 + len(person.name)))
        assert answer.status == status, (person.name, answer.response.text)
    (first, _second) = read(dispute, by_party)["documents"]
    document = dispute.mediator.get(f"/v1/documents/{first['id']}").expect(200)
    assert document["author_party_id"] == dispute.party("requesting")
    for person, status in ((dispute.responding, 403), (dispute.mediator, 403), (counsel, 204)):
        person.post(f"/v1/documents/{first['id']}/remove").expect(status)


def test_only_the_readers_of_a_draft_see_its_confidential_documents(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft(dispute.requesting, audience="caucus", party_ids=[dispute.party("requesting")])
    document = uploaded(dispute, draft, "?language=zh", person=dispute.requesting)
    path = f"{dispute.path}/settlement/drafts/{draft['id']}/documents"
    for person in (dispute.responding, dispute.registrar, dispute.house.admin):
        person.get(path).expect(404)
        person.get(f"/v1/documents/{document['id']}").expect(404)
        content_of(person, document).expect(404)
        send(dispute, draft, person=person).expect(404)
    assert dispute.mediator.get(path).expect(200)["items"] == [document]
    assert content_of(dispute.mediator, document).response.content == pdf(900)
    (access,) = dispute.requesting.get(f"{dispute.path}/accesses").expect(200)["items"]
    assert (access["document_id"], access["user_id"]) == (document["id"], dispute.mediator.id)
    (event,) = dispute.events(kind="document-stored")
    assert event["payload"] == {"document_id": document["id"], "draft_id": draft["id"], "number": 1}
    assert document["id"] not in dispute.responding.get(f"{dispute.path}/events?limit=200").response.text


def test_an_invalid_text_is_refused_and_leaves_nothing(dispute: Dispute) -> None:
    dispute.mediating()
    draft, other = dispute.draft(), dispute.draft()
    document, elsewhere = uploaded(dispute, draft, "?language=fr"), uploaded(dispute, other, "?language=fr")
    for query, code in (
        ("", "language"),
        ("?relation=authentic-text", "language"),
        ("?language=fr&relation=redaction-of", "text-relation"),
        (f"?language=fr&related_id={document['id']}", "related-document"),
        (f"?language=fr&relation=translation-of&related_id={elsewhere['id']}", "unknown-document"),
        (f"?language=fr&replaces_id={document['id']}", "same-draft"),
    ):
        assert fault(send(dispute, draft, query, content=pdf(901))) == code, query
    plain = send(dispute, draft, name="text.txt", media_type="text/plain", content=b"x")
    assert "application/pdf" in plain.expect(415, "unsupported-media-type")["detail"]
    assert fault(send(dispute, draft, repr_digest=digest_of(b"other"))) == "digest-mismatch"
    assert fault(send(dispute, draft, content=b"<html></html>")) == "type-content"
    assert [document["id"] for document in read(dispute, draft)["documents"]] == [document["id"]]


def test_a_document_with_a_translation_cannot_be_removed_and_a_file_may_serve_two_languages(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.draft()
    french, again, german = (uploaded(dispute, draft, f"?language={code}") for code in ("fr", "fr", "de"))
    assert french == again
    assert (german["number"], german["sha256"]) == (2, french["sha256"])
    of = f"?language=es&relation=translation-of&related_id={french['id']}"
    spanish = uploaded(dispute, draft, of, content=pdf(901))
    dispute.mediator.post(f"/v1/documents/{french['id']}/remove").expect(409, "document-related")
    for document in (spanish, french):
        dispute.mediator.post(f"/v1/documents/{document['id']}/remove").expect(204)
    assert [document["id"] for document in read(dispute, draft)["documents"]] == [german["id"]]
    later = dispute.draft(replaces=draft["id"])
    revised = uploaded(dispute, later, f"?language=de&replaces_id={german['id']}", content=pdf(902))
    assert (revised["version"], revised["replaces_id"]) == (2, german["id"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"clauses": []},
        {"texts": [{**FRENCH, "language": "en"}]},
        {"texts": [FRENCH, FRENCH]},
        {"texts": [{**FRENCH, "clauses": []}]},
        {"prevailing_language": "French"},
    ],
)
def test_each_language_has_its_clauses_once(dispute: Dispute, wrong: Json) -> None:
    dispute.mediating()
    body = {"title": "x", "language": "en", "clauses": CLAUSES, "audience": "participants", **wrong}
    dispute.mediator.post(f"{dispute.path}/settlement/drafts", body).expect(422, "invalid")


def test_listing_drafts_takes_the_same_number_of_statements_however_many_documents_exist(
    house: House, dispute: Dispute
) -> None:
    dispute.mediating()
    path = f"{dispute.path}/settlement/drafts"
    counts: list[int] = []
    listed: list[Json] = []
    for _round in range(2):
        for number in range(2):
            uploaded(dispute, dispute.draft(), "?language=fr", content=pdf(900 + number))
        with recorded_statements(house.database.engine) as seen:
            listed = dispute.responding.get(path).expect(200)["items"]
        counts.append(len(seen))
    assert [len(item["documents"]) for item in listed] == [1] * 4
    assert counts[0] == counts[1] <= 5
