"""The docket: numbers that reveal nothing hidden, decisions, corrected filings, redacted versions, joint filings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.installation import House, Json, Person
from tests.own_rules import own_rules, rewritten
from tests.pdfs import pdf
from tests.story import UNCITRAL, Dispute
from tests.uploads import Desk

NOTICE = {"kind": "notice", "title": "Notice", "text": "x"}
RETURN = {"reasons": ["unsigned"], "note": "The last page has no signature."}


def filed(person: Person, dispute: Dispute, audience: str = "participants", *sides: str, **more: object) -> Json:
    """A filing drafted and submitted."""
    body = {**NOTICE, "audience": audience, "party_ids": [dispute.party(side) for side in sides], **more}
    draft = person.post(f"{dispute.path}/filings", body).expect(201)
    return dict(person.post(f"{dispute.path}/filings/{draft['id']}/submit").expect(200))


def decide(dispute: Dispute, filing: Json, act: str, body: Json | None = None, person: Person | None = None) -> Json:
    """The registry's decision on a filing."""
    asked = (person or dispute.registrar).post(f"{dispute.path}/filings/{filing['id']}/{act}", body)
    return dict(asked.expect(200))


def test_docket_numbers_count_only_filings_that_everyone_sees(dispute: Dispute) -> None:
    dispute.mediating()
    assert filed(dispute.requesting, dispute)["docket_number"] == 1
    hidden = filed(dispute.requesting, dispute, "caucus", "requesting")
    assert (hidden["docket_number"], hidden["docketing"]) == (None, None)
    filed(dispute.responding, dispute, "party", "responding")
    second = filed(dispute.responding, dispute, "court")
    assert (second["docket_number"], second["docketing"]) == (2, "pending")
    third = filed(dispute.mediator, dispute)
    assert (third["docket_number"], third["docketing"]) == (3, "accepted")


def test_the_registry_accepts_or_returns_with_coded_reasons_and_once(dispute: Dispute) -> None:
    dispute.mediating()
    accepted_filing, other = filed(dispute.requesting, dispute), filed(dispute.requesting, dispute)
    accepted = decide(dispute, accepted_filing, "acceptance")
    assert (accepted["docketing"], accepted["reasons"], accepted["note"]) == ("accepted", [], None)
    path = f"{dispute.path}/filings/{other['id']}"
    dispute.responding.post(f"{path}/return", RETURN).expect(403, "not-your-capacity")
    dispute.registrar.post(f"{path}/return", {"reasons": [], "note": "x"}).expect(422)
    returned = decide(dispute, other, "return", RETURN)
    assert (returned["docketing"], returned["reasons"]) == ("returned", ["unsigned"])
    assert dispute.responding.get(path).expect(200)["note"] == RETURN["note"]
    dispute.registrar.post(f"{path}/acceptance").expect(409, "docketing-state")
    (event,) = dispute.events(dispute.responding, "filing-returned")
    assert event["payload"]["docket_number"] == 2


def test_the_registry_cannot_decide_on_a_hidden_filing(dispute: Dispute) -> None:
    dispute.mediating()
    hidden = filed(dispute.requesting, dispute, "caucus", "requesting")
    dispute.registrar.post(f"{dispute.path}/filings/{hidden['id']}/acceptance").expect(404)


# Days within which a returned filing keeps its first receipt, days until it is corrected, and whether it keeps it.
KEPT = [(None, 1, False), ("5 days", 5, True), ("5 days", 6, False)]


@pytest.mark.parametrize(("period", "days", "kept"), KEPT)
def test_a_filing_corrected_in_time_keeps_the_instant_of_the_first(
    house: House, tmp_path: Path, period: str | None, days: int, kept: bool
) -> None:
    house.clock.now = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
    line = f'zone = "seat"\nresubmission = "{period}"' if period else 'zone = "seat"'
    with own_rules(tmp_path / "rules", ours_2026=rewritten("uncitral-2021", "ours-2026", ('zone = "seat"', line))):
        dispute = Dispute(house)
        dispute.invited(procedure="ours-2026", category="state-state")
        first = filed(dispute.requesting, dispute)
        returned = decide(dispute, first, "return", RETURN)
        house.clock.pass_by(days=days)
        mended = filed(dispute.requesting, dispute, resubmits_id=returned["id"])
    assert mended["resubmits_id"] == first["id"]
    assert (mended["received_at"] == first["received_at"]) is kept
    assert (mended["effective_on"] == first["effective_on"]) is kept
    assert mended["docket_number"] == 2


def test_only_the_author_corrects_a_filing_and_only_a_returned_one(dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    mine, theirs = filed(dispute.requesting, dispute), filed(dispute.responding, dispute)
    decide(dispute, theirs, "return", RETURN)
    for id in (mine["id"], theirs["id"], dispute.case["id"]):
        body = {**NOTICE, "audience": "participants", "resubmits_id": id}
        refused = dispute.requesting.post(f"{dispute.path}/filings", body).expect(422)
        assert refused["errors"][0]["pointer"] == "/resubmits_id"


def test_a_redacted_twin_names_the_sealed_filing_only_to_its_readers(dispute: Dispute) -> None:
    dispute.mediating()
    sealed = filed(dispute.requesting, dispute, "party-registry", "requesting")
    twin = filed(dispute.requesting, dispute, redacts_id=sealed["id"])
    assert (twin["redacts_id"], twin["docket_number"]) == (sealed["id"], 1)
    path = f"{dispute.path}/filings"
    assert dispute.requesting.get(f"{path}/{sealed['id']}").expect(200)["docket_number"] == 1
    assert dispute.registrar.get(f"{path}/{twin['id']}").expect(200)["redacts_id"] == sealed["id"]
    seen = dispute.responding.get(f"{path}/{twin['id']}").expect(200)
    assert (seen["redacts_id"], seen["docket_number"]) == (None, 1)
    feed = dispute.responding.get(f"{dispute.path}/events?limit=200").expect(200)
    assert sealed["id"] not in str(feed)
    filed(dispute.responding, dispute)
    wide = {**NOTICE, "audience": "participants", "redacts_id": twin["id"]}
    dispute.requesting.post(path, wide).expect(422)
    narrow = {**NOTICE, "audience": "party", "party_ids": [dispute.party("requesting")], "redacts_id": sealed["id"]}
    dispute.requesting.post(path, narrow).expect(422)
    dispute.responding.post(path, {**NOTICE, "audience": "participants", "redacts_id": sealed["id"]}).expect(422)


def test_a_joint_filing_is_submitted_once_every_named_party_has_joined(dispute: Dispute) -> None:
    dispute.mediating()
    other = dispute.party("responding")
    body = {**NOTICE, "kind": "application", "audience": "participants", "joint_with": [other]}
    draft = dispute.requesting.post(f"{dispute.path}/filings", body).expect(201)
    path = f"{dispute.path}/filings/{draft['id']}"
    assert draft["joint"] == [{"party_id": other, "joined_at": None}]
    dispute.mediator.get(path).expect(404)
    dispute.registrar.get(path).expect(404)
    refused = dispute.requesting.post(f"{path}/submit").expect(409, "joint-lacking")
    assert refused["lacking"] == [other]
    dispute.requesting.post(f"{path}/join").expect(403, "not-your-capacity")
    assert dispute.responding.post(f"{path}/join").expect(200)["joint"][0]["joined_at"] is not None
    dispute.responding.post(f"{path}/join").expect(409, "already-joined")
    dispute.responding.post(f"{path}/submit").expect(403)
    assert dispute.requesting.post(f"{path}/submit").expect(200)["docket_number"] == 1
    dispute.mediator.get(path).expect(200)


@pytest.mark.parametrize(
    ("joint", "audience"), [("requesting", "participants"), ("responding", "party-registry"), (None, "participants")]
)
def test_a_joint_filing_names_other_parties_and_an_audience_of_all_of_them(
    dispute: Dispute, joint: str | None, audience: str
) -> None:
    dispute.mediating()
    named = dispute.party(joint) if joint else dispute.case["id"]
    parties = [dispute.party("requesting")] if audience == "party-registry" else []
    body = {**NOTICE, "audience": audience, "party_ids": parties, "joint_with": [named]}
    refused = dispute.requesting.post(f"{dispute.path}/filings", body).expect(422)
    assert refused["errors"][0]["pointer"] == "/joint_with"


def test_a_joined_party_uploads_documents_until_it_withdraws_its_joinder(dispute: Dispute) -> None:
    dispute.mediating()
    joint = {**NOTICE, "audience": "participants", "joint_with": [dispute.party("responding")]}
    draft = dispute.requesting.post(f"{dispute.path}/filings", joint).expect(201)
    desk, path = Desk(dispute, draft), f"{dispute.path}/filings/{draft['id']}"
    first, other = desk.document(), dispute.responding
    refused = desk.send(pdf(900), person=other).expect(403, "not-your-capacity")
    assert "Join it first" in refused["detail"]
    other.post(f"{path}/withdraw-joinder").expect(409, "not-joined")
    other.post(f"{path}/join").expect(200)
    second = desk.document(pdf(900), person=other)
    assert (second["author_party_id"], second["number"]) == (dispute.party("responding"), 2)
    assert first["author_party_id"] == dispute.party("requesting")
    tag = other.get(path).headers["etag"]
    dispute.requesting.post(f"{path}/withdraw-joinder").expect(403, "not-your-capacity")
    other.post(f"{path}/withdraw-joinder", if_match='"old"').expect(412)
    withdrawn = other.post(f"{path}/withdraw-joinder", if_match=tag).expect(200)
    assert withdrawn["joint"] == [{"party_id": dispute.party("responding"), "joined_at": None}]
    desk.send(pdf(901), person=other).expect(403, "not-your-capacity")
    other.post(f"/v1/documents/{second['id']}/remove").expect(403, "not-your-capacity")
    dispute.requesting.post(f"{path}/submit").expect(409, "joint-lacking")
    (event,) = dispute.events(kind="filing-joinder-withdrawn")
    assert event["payload"] == {"filing_id": draft["id"], "party_id": dispute.party("responding")}
    other.post(f"{path}/join").expect(200)
    third = desk.document(pdf(901), name="third.pdf", person=other)
    desk.submit()
    for act in ("join", "withdraw-joinder"):
        other.post(f"{path}/{act}").expect(409, "filing-state")
    desk.send(pdf(902), person=other).expect(409, "filing-state")
    receipt = dispute.mediator.get(f"{path}/receipt").expect(200)["body"]
    assert [document["sha256"] for document in receipt["documents"]] == [
        document["sha256"] for document in (first, second, third)
    ]
