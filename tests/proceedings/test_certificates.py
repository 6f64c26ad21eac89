"""Receipts of filings and certificates at the end of a case: their contents, their readers, and their PDFs."""

import hashlib
import io
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2  # type: ignore[import-untyped]
import pytest

from app.core.access.session import GatedSession
from app.core.ledger import service as ledger
from app.core.ledger.acts import OPERATOR
from app.institution.signing import service as signing
from app.institution.signing.files import NotGenuine, decoded
from app.proceedings.certificates.pdf import render
from app.proceedings.certificates.verification import verify
from tests.installation import House, Json, Person
from tests.own_rules import own_rules, rewritten
from tests.proofs import signed_by_another_key
from tests.story import MANDATE, UNCITRAL, Dispute
from tests.uploads import desk_of

COMPANIES = [
    {"side": "requesting", "kind": "company", "name": "Serin Hydropower AG", "member_id": None},
    {"side": "responding", "kind": "company", "name": "Vedria Irrigation Ltd", "member_id": None},
]
COMMERCIAL = {"procedure": "uncitral-2021", "category": "commercial", "parties": COMPANIES}
SECOND = timedelta(seconds=1)


def receipt_of(person: Person, dispute: Dispute, filing: Json) -> Any:
    """The receipt of a filing, as a person reads it."""
    return person.get(f"{dispute.path}/filings/{filing['id']}/receipt").expect(200)


def response(dispute: Dispute) -> Json:
    """A response of the side that has to answer the invitation."""
    return dispute.filing(dispute.responding, "participants", kind="response")


def certificate_of(dispute: Dispute, person: Person | None = None) -> Any:
    """The only certificate of a case."""
    reader = person or dispute.requesting
    (listed,) = reader.get(f"{dispute.path}/settlement/certificates").expect(200)["items"]
    read = reader.get(f"{dispute.path}/settlement/certificates/{listed['id']}").expect(200)
    assert (listed["id"], listed["kind"], listed["key_id"]) == (
        read["body"]["id"],
        read["body"]["kind"],
        read["key"]["id"],
    )
    return read


def pdf(person: Person, path: str) -> bytes:
    """A PDF."""
    answer = person.get(path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf"), answer.response.text
    assert answer.headers["content-disposition"].startswith("inline; filename=")
    return answer.response.content


def text_of(document: bytes) -> str:
    """The text of a PDF, lines joined."""
    pages = pypdf.PdfReader(io.BytesIO(document)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_a_receipt_states_the_filing_its_time_and_its_author(dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    filing = dispute.filing(dispute.responding, "participants", kind="response", title="Reply of Vedria")
    file = receipt_of(dispute.requesting, dispute, filing)
    body = file["body"]
    assert body["kind"] == "receipt"
    assert body["institution"] == "Organisation for Mediation"
    assert body["case"]["id"] == dispute.case["id"]
    assert body["filing"]["id"] == filing["id"]
    assert body["filing"]["title"] == "Reply of Vedria"
    assert body["by"]["name"] == "Viktor Drian"
    assert body["by"]["capacity"] == "responding-party"
    assert body["by"]["party"] == {"id": dispute.party("responding"), "name": "Kingdom of Vedria"}
    assert body["received_at"] == filing["received_at"] == "2026-03-02T09:00:00Z"
    assert body["seat"] == {
        "place": "Hong Kong",
        "time_zone": "Asia/Hong_Kong",
        "received_local": "2026-03-02T17:00:00+08:00",
        "submitted_local": "2026-03-02T17:00:00+08:00",
    }
    assert body["submitted_at"] == filing["listed_at"]
    assert body["effective_on"] == filing["effective_on"]
    assert [(term["term"], term["due_on"], term["in_time"]) for term in body["terms"]] == [
        ("reply", "2026-04-01", True)
    ]
    assert body["in_time"] is True
    assert body["documents"] == []


def test_a_receipt_names_the_head_of_its_stream(dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    filing = dispute.filing(dispute.requesting, "participants")
    head = receipt_of(dispute.requesting, dispute, filing)["body"]["ledger"]
    events = dispute.events()
    at_head = [(event["stream"], event["seq"], event["hash"]) for event in events if event["stream"] == head["stream"]]
    assert (head["stream"], head["seq"], head["hash"]) in at_head
    (submitted,) = [event for event in events if event["type"] == "filing-submitted"]
    assert submitted["seq"] > head["seq"]


def test_without_a_running_term_a_receipt_says_neither_in_time_nor_late(dispute: Dispute) -> None:
    dispute.lodged(**UNCITRAL)
    filing = dispute.filing(dispute.requesting, "party-registry", "requesting")
    body = receipt_of(dispute.requesting, dispute, filing)["body"]
    assert (body["in_time"], body["terms"]) == (None, [])


@pytest.mark.parametrize(
    ("side", "kind"), [("requesting", "response"), ("requesting", "statement"), ("responding", "evidence")]
)
def test_a_filing_that_answers_no_term_is_neither_in_time_nor_late(
    house: House, dispute: Dispute, side: str, kind: str
) -> None:
    dispute.invited(**UNCITRAL)
    house.clock.pass_by(days=60)
    person = dispute.requesting if side == "requesting" else dispute.responding
    body = receipt_of(person, dispute, dispute.filing(person, "participants", kind=kind))["body"]
    assert (body["in_time"], body["terms"]) == (None, [])


def test_the_filing_of_a_mediator_is_neither_in_time_nor_late(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    house.clock.pass_by(days=60)
    filing = dispute.filing(dispute.mediator, "participants", kind="response")
    body = receipt_of(dispute.requesting, dispute, filing)["body"]
    assert (body["in_time"], body["terms"]) == (None, [])


MIDNIGHTS = [
    ("Asia/Hong_Kong", "2026-04-10", "2026-04-10T16:00:00+00:00"),
    ("America/Chicago", "2026-04-10", "2026-04-11T05:00:00+00:00"),
    # Across the change to summer time, on its day, and on the day of the change back.
    ("Europe/Vienna", "2026-03-28", "2026-03-28T23:00:00+00:00"),
    ("Europe/Vienna", "2026-03-29", "2026-03-29T22:00:00+00:00"),
    ("Europe/Vienna", "2026-10-24", "2026-10-24T22:00:00+00:00"),
    ("Europe/Vienna", "2026-10-25", "2026-10-25T23:00:00+00:00"),
]


@pytest.mark.parametrize(("zone", "due_on", "midnight"), MIDNIGHTS)
def test_the_last_second_of_the_day_at_the_seat_is_in_time_and_the_next_is_late(
    house: House, dispute: Dispute, zone: str, due_on: str, midnight: str
) -> None:
    dispute.lodged(**UNCITRAL, seat={"place": "The seat", "time_zone": zone})
    dispute.step(dispute.registrar, "invite", {"due_on": due_on}).expect(200)
    over = datetime.fromisoformat(midnight)
    house.clock.now = over - SECOND
    last = receipt_of(dispute.requesting, dispute, response(dispute))["body"]
    house.clock.now = over
    late = receipt_of(dispute.requesting, dispute, response(dispute))["body"]
    assert (last["effective_on"], last["in_time"]) == (due_on, True)
    assert last["seat"]["received_local"].startswith(f"{due_on}T23:59:59")
    assert late["in_time"] is False
    assert late["terms"][0]["in_time"] is False
    assert late["effective_on"] > due_on
    assert "T00:00:00" in late["seat"]["received_local"]
    assert datetime.fromisoformat(late["seat"]["received_local"]) == over


def test_the_receipt_of_a_paper_filing_states_the_channel_and_counts_from_its_receipt(
    house: House, dispute: Dispute
) -> None:
    dispute.invited(**UNCITRAL)
    house.clock.pass_by(days=31)
    letter = {
        "on_behalf_of": dispute.party("responding"),
        "received_via": "courier",
        "received_at": "2026-04-01T15:59:00Z",
        "reason": "The diplomatic bag was opened two days later.",
        "kind": "response",
    }
    filing = dispute.filing(dispute.registrar, "participants", **letter)
    body = receipt_of(dispute.responding, dispute, filing)["body"]
    assert (body["received_via"], body["received_at"]) == ("courier", "2026-04-01T15:59:00Z")
    assert body["issued_at"] == "2026-04-02T09:00:00Z"
    assert (body["by"]["name"], body["by"]["capacity"]) == ("Reggie Strar", "registry")
    assert body["by"]["party"]["name"] == "Kingdom of Vedria"
    assert (body["effective_on"], body["in_time"]) == ("2026-04-01", True)


def test_the_other_side_cannot_find_the_receipt_of_a_confidential_filing(dispute: Dispute) -> None:
    dispute.mediating()
    filing = dispute.filing(dispute.requesting, "caucus", "requesting", text="Our last offer.")
    path = f"{dispute.path}/filings/{filing['id']}/receipt"
    for person in (dispute.requesting, dispute.mediator):
        person.get(path).expect(200)
        pdf(person, f"{path}.pdf")
    for person in (dispute.responding, dispute.registrar, dispute.house.person("Stra Nger")):
        person.get(path).expect(404, "not-found")
        person.get(f"{path}.pdf").expect(404, "not-found")


@pytest.mark.parametrize(
    ("audience", "side", "readers"),
    [
        ("participants", None, "Everybody in the case"),
        ("party-registry", "requesting", "The registry and the parties that it names"),
        ("caucus", "requesting", "The mediators and the parties that it names"),
    ],
)
def test_a_receipt_says_in_words_whom_the_filing_is_for(
    dispute: Dispute, audience: str, side: str | None, readers: str
) -> None:
    dispute.mediating()
    filing = dispute.filing(dispute.requesting, audience, *([side] if side else []))
    page = text_of(pdf(dispute.requesting, f"{dispute.path}/filings/{filing['id']}/receipt.pdf"))
    assert f"For {readers} From" in page


def test_a_draft_has_no_receipt_and_a_receipt_is_not_listed_as_a_certificate(dispute: Dispute) -> None:
    dispute.invited()
    filing = {"kind": "statement", "title": "T", "text": "T", "audience": "participants"}
    draft = dispute.requesting.post(f"{dispute.path}/filings", filing).expect(201)
    dispute.requesting.get(f"{dispute.path}/filings/{draft['id']}/receipt").expect(404)
    body = receipt_of(dispute.requesting, dispute, dispute.filing(dispute.requesting, "participants"))["body"]
    assert dispute.requesting.get(f"{dispute.path}/settlement/certificates").expect(200)["items"] == []
    for ending in ("", ".pdf"):
        dispute.requesting.get(f"{dispute.path}/settlement/certificates/{body['id']}{ending}").expect(404)


def test_a_settlement_between_states_is_certified_without_the_singapore_convention(dispute: Dispute) -> None:
    case = dispute.settled()
    file = certificate_of(dispute)
    body = file["body"]
    assert (body["kind"], body["outcome"]) == ("settlement", "settled")
    assert body["case"]["reference"] == case["reference"]
    assert [party["name"] for party in body["parties"]] == ["Republic of Ostrava", "Kingdom of Vedria"]
    (frozen,) = [
        draft
        for draft in dispute.requesting.get(f"{dispute.path}/settlement/drafts").expect(200)["items"]
        if draft["state"] == "frozen"
    ]
    assert body["text"]["sha256"] == frozen["sha256"]
    assert [
        (signature["party"], signature["signer"], signature["capacity"], signature["powers"])
        for signature in body["signatures"]
    ] == [
        ("Republic of Ostrava", "Olga Strand", "agent", "full-powers"),
        ("Kingdom of Vedria", "Viktor Drian", "agent", "full-powers"),
    ]
    mediator, institution = body["attestations"]
    assert (mediator["by"], mediator["name"]) == ("mediator", "Mina Datar")
    assert (institution["by"], institution["article"]) == ("institution", None)
    assert "Singapore" not in str(body)
    assert "International Settlement Agreements" not in str(body)
    assert [step["step"] for step in body["procedure"]] == [
        "lodge",
        "invite",
        "accept-invitation",
        "screen",
        "register",
        "nominate",
        "confirm-mediator",
        "freeze-text",
        "sign",
        "sign",
    ]
    for person in (dispute.responding, dispute.mediator, dispute.registrar):
        assert certificate_of(dispute, person) == file


def test_a_certificate_states_the_signers_powers_at_the_time_of_signing(dispute: Dispute) -> None:
    text = dispute.frozen()
    dispute.sign(dispute.requesting, "requesting", text).expect(201)
    path = dispute.representatives()
    second = dispute.house.person("Second Agent")
    dispute.admit(dispute.requesting, second, dispute.party("requesting"), powers=MANDATE)
    (first,) = [item for item in second.get(path).expect(200)["items"] if item["user_id"] == dispute.requesting.id]
    second.post(f"{path}/{first['id']}/end").expect(200)
    dispute.sign(dispute.responding, "responding", text).expect(201)
    signatures = certificate_of(dispute, dispute.responding)["body"]["signatures"]
    assert [(signature["signer"], signature["powers"]) for signature in signatures] == [
        ("Olga Strand", "full-powers"),
        ("Viktor Drian", "full-powers"),
    ]


def test_a_commercial_settlement_is_attested_under_the_singapore_convention(dispute: Dispute) -> None:
    dispute.mediating(**COMMERCIAL)
    dispute.settled()
    institution = certificate_of(dispute)["body"]["attestations"][-1]
    assert institution["article"] == "article 4(1)(b)(iii)"
    assert "resulted from mediation" in institution["statement"]


@pytest.mark.parametrize("more", [{}, COMMERCIAL], ids=["state", "commercial"])
def test_an_end_without_settlement_is_certified_with_its_ground_and_no_contents(dispute: Dispute, more: Json) -> None:
    dispute.mediating(**more)
    dispute.filing(dispute.requesting, "participants", text="A secret of ours.", title="A secret title.")
    case = dispute.read()
    rules = dispute.mediator.get(f"/v1/procedures/{case['procedure']}").expect(200)
    (entry, *_) = [step for step in rules["steps"] if step["name"] == "terminate" and "mediator" in step["by"]]
    body: Json = {"reason": "Neither side moves: a secret reason."}
    if entry["grounds"]:
        body["fields"] = {"ground": entry["grounds"][0]}
    dispute.step(dispute.mediator, "terminate", body).expect(200)
    certified = certificate_of(dispute)["body"]
    assert (certified["kind"], certified["outcome"], certified["ended"]["step"]) == (
        "non-settlement",
        "not-settled",
        "terminate",
    )
    assert certified["ended"]["ground"] == dispute.read()["ground"]
    assert certified["ended"]["title"]
    assert certified["ended"]["on"] == "2026-03-02"
    assert certified["procedure"][-1]["step"] == "terminate"
    assert "secret" not in str(certified)
    assert "attestations" not in certified


def test_a_case_that_was_never_lodged_has_no_certificate(dispute: Dispute) -> None:
    dispute.opened()
    answer = dispute.step(dispute.requesting, "withdraw", {"reason": "Sent by mistake."})
    assert answer.status in (200, 409)
    assert dispute.requesting.get(f"{dispute.path}/settlement/certificates").expect(200)["items"] == []


def test_the_ledger_records_the_certificate_and_proves_it(dispute: Dispute) -> None:
    dispute.settled()
    body = certificate_of(dispute)["body"]
    (event,) = dispute.events(kind="certificate-issued")
    assert event["payload"] == {"certificate_id": body["id"], "kind": "settlement", "key_id": body["key_id"]}
    assert event["content"] == body
    assert event["stream"] == body["ledger"]["stream"]
    assert event["seq"] > body["ledger"]["seq"]


@pytest.mark.usefixtures("watched")
def test_a_signing_key_is_created_once_and_old_certificates_stay_valid_after_a_renewal(
    house: House, dispute: Dispute
) -> None:
    dispute.invited(**UNCITRAL)
    first, two = (dispute.filing(dispute.requesting, "participants") for _ in range(2))
    path = f"{dispute.path}/filings/{first['id']}/receipt"
    before = dispute.requesting.get(path)
    (key,) = house.person("Any Body").get("/v1/signing-keys").expect(200)["items"]
    assert key["retired_at"] is None
    old = decoded(key["public_key"], 32, "public key")
    for filing in (first, two):
        answer = dispute.requesting.get(f"{dispute.path}/filings/{filing['id']}/receipt")
        assert verify(answer.response.content, old).trusted

    def renew(db: GatedSession) -> None:
        db.sealer = house.app.state.seams.sealer
        signing.renew(db, house.clock.now, OPERATOR)
        ledger.seal(db)

    house.database.in_transaction(renew, house.app.state.seams.entropy("renew"))
    three = dispute.filing(dispute.requesting, "participants")
    after = dispute.requesting.get(path)
    assert after.response.content == before.response.content
    assert verify(after.response.content, old).trusted
    keys = house.registrar.get("/v1/signing-keys").expect(200)["items"]
    assert sorted(key["retired_at"] is None for key in keys) == [False, True]
    (new,) = [decoded(key["public_key"], 32, "public key") for key in keys if key["retired_at"] is None]
    newest = dispute.requesting.get(f"{dispute.path}/filings/{three['id']}/receipt").response.content
    assert verify(newest, new).trusted
    with pytest.raises(NotGenuine, match="not with the key that you trust"):
        verify(newest, old)


def test_the_pdf_states_the_contents_of_the_file_and_is_reproducible(dispute: Dispute) -> None:
    title = "Memorial *bold* #raw $x$ – Мемориал – مذكرة – 备忘录"
    dispute.invited(**UNCITRAL)
    filing = dispute.filing(dispute.requesting, "participants", title=title)
    path = f"{dispute.path}/filings/{filing['id']}/receipt"
    first, again = pdf(dispute.requesting, f"{path}.pdf"), pdf(dispute.responding, f"{path}.pdf")
    assert first == again
    twin = dispute.requesting.get(path).response.content
    reader = pypdf.PdfReader(io.BytesIO(first))
    ((name, (attached,)),) = reader.attachments.items()
    assert (name, attached) == (f"receipt-{dispute.requesting.get(path).json['body']['id']}.json", twin)
    text = text_of(first)
    for word in ("Receipt of a filing", "Memorial *bold* #raw $x$", "Мемориал", "备忘录", "Republic of Ostrava"):
        assert word in text
    for word in ("17:00:00", "2 March 2026, 09:00:00 UTC", hashlib.sha256(twin).hexdigest()):
        assert word in text
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert str(reader.metadata and reader.metadata.title).startswith("Receipt of a filing")
    assert "pdfuaid" in root["/Metadata"].get_object().get_data().decode()


def test_the_pdf_of_a_certificate_names_parties_signers_and_attestations(dispute: Dispute) -> None:
    dispute.mediating(**COMMERCIAL)
    dispute.settled()
    body = certificate_of(dispute)["body"]
    text = text_of(pdf(dispute.requesting, f"{dispute.path}/settlement/certificates/{body['id']}.pdf"))
    for word in (
        "Certificate of settlement",
        "Serin Hydropower AG",
        "Viktor Drian",
        "Mina Datar",
        body["text"]["sha256"],
        "article 4(1)(b)(iii)",
        "International Settlement Agreements Resulting from Mediation",
    ):
        assert word in text


def test_characters_without_a_glyph_are_printed_as_their_code_point(dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    filing = dispute.filing(dispute.requesting, "participants", title="ᠮᠣᠩᠭᠣᠯ 🜚 Memorial")
    path = f"{dispute.path}/filings/{filing['id']}/receipt"
    document = pdf(dispute.requesting, f"{path}.pdf")
    assert "[U+1F71A] Memorial" in text_of(document)
    assert dispute.requesting.get(path).json["body"]["filing"]["title"] == "ᠮᠣᠩᠭᠣᠯ 🜚 Memorial"
    assert verify(document).kind == "receipt"


def test_long_names_and_many_steps_stay_on_the_page(dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL, title="Serin" * 50)
    filing = dispute.filing(dispute.requesting, "participants", title="x" * 300)
    content = pdf(dispute.requesting, f"{dispute.path}/filings/{filing['id']}/receipt.pdf")
    page = pypdfium2.PdfDocument(content)[0]
    text = page.get_textpage()
    ends = [text.get_charbox(place)[2] for place in range(text.count_chars()) if text.get_text_range(place, 1) == "x"]
    assert len(ends) >= 300
    assert max(ends) < page.get_width()


def test_only_account_holders_list_the_signing_keys(house: House) -> None:
    assert house.client.get("/v1/signing-keys").status_code == 401


def test_a_receipt_of_a_filing_that_is_deemed_received_earlier_says_when_it_was_submitted(
    house: House, tmp_path: Path
) -> None:
    line = 'zone = "seat"\nresubmission = "5 days"'
    with own_rules(tmp_path / "rules", ours_2026=rewritten("uncitral-2021", "ours-2026", ('zone = "seat"', line))):
        dispute = Dispute(house)
        dispute.invited(procedure="ours-2026", category="state-state")
        first = dispute.filing(dispute.requesting, "participants")
        returned = {"reasons": ["unsigned"], "note": "The last page has no signature."}
        dispute.registrar.post(f"{dispute.path}/filings/{first['id']}/return", returned).expect(200)
        house.clock.pass_by(days=1, minutes=5)
        second = dispute.filing(dispute.requesting, "participants", resubmits_id=first["id"])
        file = receipt_of(dispute.responding, dispute, second)
        pages = pdf(dispute.responding, f"{dispute.path}/filings/{second['id']}/receipt.pdf")
    assert (file["body"]["received_at"], file["body"]["submitted_at"]) == (
        "2026-03-02T09:00:00Z",
        "2026-03-03T09:05:00Z",
    )
    page = text_of(pages)
    assert "Submitted 3 March 2026, 17:05:00 at Hong Kong" in page
    assert "Deemed received 2 March 2026, 17:00:00 at Hong Kong" in page
    lines = verify(pages).lines
    assert "Submitted at 2026-03-03T09:05:00Z, 2026-03-03T17:05:00+08:00 at Hong Kong." in lines
    assert any(
        line.startswith("Deemed received with the filing that it corrects at 2026-03-02T09:00:00Z") for line in lines
    )


def test_a_receipt_of_paper_says_when_the_registry_entered_it(dispute: Dispute) -> None:
    dispute.mediating()
    paper = {
        "on_behalf_of": dispute.party("requesting"),
        "received_via": "courier",
        "received_at": "2026-03-02T08:00:00Z",
    }
    filing = dispute.filing(dispute.registrar, "participants", **paper)
    page = text_of(pdf(dispute.requesting, f"{dispute.path}/filings/{filing['id']}/receipt.pdf"))
    assert "Received 2 March 2026, 16:00:00 at Hong Kong" in page
    assert "Entered 2 March 2026, 17:00:00 at Hong Kong" in page


def test_an_ordinary_receipt_has_one_page_and_a_longer_one_keeps_its_signature_together(dispute: Dispute) -> None:
    dispute.mediating()
    lengths = []
    for count in (1, 6):
        desk = desk_of(dispute)
        for number in range(count):
            desk.send(name=f"annex-{number}.pdf").expect(201)
        desk.submit()
        content = pdf(dispute.requesting, f"{desk.path.removesuffix('/documents')}/receipt.pdf")
        pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
        lengths.append(len(pages))
        assert all(words in pages[-1] for words in ("Signed by", "Issued", "Ledger before the act", "Rendered by"))
    assert lengths == [1, 2]


def test_a_receipt_of_an_earlier_release_is_still_verified_and_drawn(dispute: Dispute) -> None:
    """Such a receipt does not say when its filing was submitted; any key shows that, since the members are signed."""
    dispute.mediating()
    file = receipt_of(dispute.requesting, dispute, dispute.filing(dispute.requesting, "participants"))
    del file["body"]["submitted_at"], file["body"]["seat"]["submitted_local"]
    earlier = signed_by_another_key(file)
    lines = verify(earlier).lines
    assert any(line.startswith("Received at 2026-03-02T09:00:00Z, 2026-03-02T17:00:00+08:00") for line in lines)
    assert not any("ubmitted" in line or "Entered" in line for line in lines)
    page = text_of(render(earlier))
    assert "Received 2 March 2026, 17:00:00 at Hong Kong" in page
    assert "Submitted" not in page
