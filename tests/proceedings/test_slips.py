"""Slips can be corrected: drafts are changed or discarded, and what was filed by mistake is withdrawn."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.installation import Answer, House, Json, Person
from tests.own_rules import own_rules, rewritten
from tests.proofs import verify_ledger
from tests.story import GIVES, Dispute
from tests.uploads import desk_of

DRAFT = {"kind": "notice", "title": "Notice", "text": "The gauge is brocken.", "audience": "participants"}


def changed(person: Person, method: str, path: str, body: Any = None) -> Answer:
    """A change of an item, as the person sees it now."""
    tag = person.get(path).headers["etag"]
    return person.send(method, path, json=body, headers={"if-match": tag})


def test_a_draft_filing_is_changed_until_it_is_submitted(dispute: Dispute) -> None:
    dispute.mediating()
    draft = dispute.requesting.post(f"{dispute.path}/filings", DRAFT).expect(201)
    path = f"{dispute.path}/filings/{draft['id']}"
    caucus = {"audience": "caucus", "party_ids": [dispute.party("requesting")], "text": "The gauge is broken."}
    now = changed(dispute.requesting, "PATCH", path, caucus).expect(200)
    assert now == {**draft, **caucus}
    dispute.requesting.patch(path, {"title": "x"}, if_match='"stale"').expect(412)
    changed(dispute.requesting, "PATCH", path, {"audience": "registry", "party_ids": []}).expect(403)
    dispute.mediator.patch(path, {"title": "x"}, if_match="*").expect(404)
    dispute.requesting.post(f"{path}/submit").expect(200)
    assert dispute.mediator.get(path).expect(200)["text"] == "The gauge is broken."
    assert "brocken" not in json.dumps(dispute.events(dispute.mediator))
    dispute.responding.get(path).expect(404)
    changed(dispute.requesting, "PATCH", path, {"title": "x"}).expect(409, "filing-state")


def test_a_changed_draft_is_joined_again(dispute: Dispute) -> None:
    dispute.mediating()
    other = dispute.party("responding")
    draft = dispute.requesting.post(f"{dispute.path}/filings", {**DRAFT, "joint_with": [other]}).expect(201)
    path = f"{dispute.path}/filings/{draft['id']}"
    dispute.responding.post(f"{path}/join").expect(200)
    changed(dispute.requesting, "PATCH", path, {"text": "Other words."}).expect(200)
    dispute.requesting.post(f"{path}/submit").expect(409, "joint-lacking")
    changed(dispute.responding, "PATCH", path, {"text": "Mine."}).expect(403, "not-your-capacity")


def test_a_discarded_draft_exists_for_nobody_and_takes_its_documents_along(dispute: Dispute) -> None:
    dispute.mediating()
    desk = desk_of(dispute)
    document = desk.document()
    path = desk.path.removesuffix("/documents")
    changed(dispute.requesting, "DELETE", path).expect(204)
    dispute.requesting.get(path).expect(404)
    dispute.requesting.get(f"/v1/documents/{document['id']}").expect(404)
    assert dispute.requesting.get(f"{dispute.path}/filings").expect(200)["items"] == []
    desk.send(b"%PDF-").expect(404)
    for act in ("submit", "join"):
        dispute.requesting.post(f"{path}/{act}").expect(404)
    submitted = dispute.filing(dispute.requesting, "participants")
    changed(dispute.requesting, "DELETE", f"{dispute.path}/filings/{submitted['id']}").expect(409, "filing-state")


def test_a_draft_case_is_discarded_with_what_was_written_in_it(house: House, dispute: Dispute) -> None:
    dispute.opened(title="Kingfisher")
    changed(dispute.requesting, "DELETE", dispute.path).expect(204)
    for path in (dispute.path, f"{dispute.path}/events"):
        dispute.requesting.get(path).expect(404)
    assert dispute.requesting.get("/v1/cases?q=Kingfisher").expect(200)["items"] == []
    dispute.requesting.post(f"{dispute.path}/steps/lodge", GIVES).expect(404)
    assert list(verify_ledger(house).faults) == []
    dispute.lodged()
    changed(dispute.requesting, "DELETE", dispute.path).expect(409, "not-amendable")


def test_parties_of_a_draft_case_are_changed_and_removed(dispute: Dispute) -> None:
    dispute.opened()
    soli = {"side": "side-3", "kind": "state", "name": "Soly"}
    added = dispute.requesting.post(f"{dispute.path}/parties", soli).expect(201)
    path = f"{dispute.path}/parties/{added['id']}"
    now = changed(dispute.requesting, "PATCH", path, {"name": "Soli", "side": "requesting"}).expect(200)
    assert (now["name"], now["side"]) == ("Soli", "requesting")
    assert dispute.requesting.get("/v1/cases?q=Soli").expect(200)["items"] != []
    changed(dispute.requesting, "PATCH", path, {"name": None}).expect(422, "invalid")
    changed(dispute.requesting, "DELETE", path).expect(204)
    dispute.requesting.get(path).expect(404)
    assert [party["side"] for party in dispute.read()["parties"]] == ["requesting", "responding"]
    only = f"{dispute.path}/parties/{dispute.party('responding')}"
    changed(dispute.requesting, "DELETE", only).expect(409, "last-party")
    changed(dispute.requesting, "PATCH", only, {"side": "side-3"}).expect(422, "invalid")
    own = f"{dispute.path}/parties/{dispute.party('requesting')}"
    changed(dispute.requesting, "DELETE", own).expect(409, "in-use")
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    changed(dispute.requesting, "DELETE", only).expect(409, "not-amendable")


@pytest.mark.parametrize("audience", ["participants", "caucus"])
def test_a_document_filed_by_mistake_is_sealed_at_once_with_the_list_of_its_readers(
    dispute: Dispute, audience: str
) -> None:
    dispute.mediating()
    desk = desk_of(dispute, audience, *(["requesting"] if audience == "caucus" else []))
    document = desk.document()
    desk.submit()
    path = f"/v1/documents/{document['id']}"
    assert dispute.mediator.get(f"{path}/content").status == 200
    dispute.mediator.post(f"{path}/withdraw").expect(403, "not-your-capacity")
    now = dispute.requesting.post(f"{path}/withdraw", {"reason": "Privileged."}).expect(200)
    assert now["withdrawn_at"] is not None
    assert now["withdrawal"]["reason"] == "Privileged."
    readers = now["withdrawal"]["read_by"]
    assert readers is None if audience == "participants" else [each["name"] for each in readers] == ["Mina Datar"]
    assert dispute.requesting.get(path).expect(200) == now
    assert dispute.requesting.get(f"{path}/content").status == 200
    filing = desk.path.removesuffix("/documents")
    others = [dispute.mediator] + ([dispute.responding, dispute.registrar] if audience == "participants" else [])
    for person in others:
        person.get(path).expect(404)
        assert person.get(f"{path}/content").status == 404
        assert person.get(filing).expect(200)["documents"] == []
        (event,) = dispute.events(person, "document-withdrawn")
        assert event["payload"]["document_id"] == document["id"]
        assert event["audience"] == audience
        assert event["content"] is None
    if audience == "caucus":
        assert dispute.events(dispute.responding, "document-withdrawn") == []
    dispute.requesting.post(f"{path}/withdraw").expect(409, "document-state")


def test_a_draft_of_a_settlement_that_another_one_replaces_is_superseded(dispute: Dispute) -> None:
    dispute.mediating()
    first = dispute.draft()
    second = dispute.draft(replaces=first["id"])
    path = f"{dispute.path}/settlement/drafts"
    states = {draft["id"]: draft["state"] for draft in dispute.requesting.get(path).expect(200)["items"]}
    assert states == {first["id"]: "superseded", second["id"]: "draft"}
    (event,) = dispute.events(dispute.requesting, "text-superseded")
    assert event["payload"]["draft_id"] == first["id"]
    assert event["payload"]["replacement_id"] == second["id"]


def test_what_was_written_by_mistake_can_be_named_in_a_withdrawal_of_one_side_only(dispute: Dispute) -> None:
    dispute.mediating()
    desk = desk_of(dispute, "participants")
    document: Json = desk.document()
    dispute.requesting.post(f"/v1/documents/{document['id']}/withdraw").expect(409, "document-state")
    desk.submit()
    dispute.responding.post(f"/v1/documents/{document['id']}/withdraw").expect(403, "not-your-capacity")


@pytest.mark.parametrize("audience", ["participants", "caucus"])
def test_a_filing_made_by_mistake_is_sealed_at_once_and_what_remains_is_that_it_was_filed(
    dispute: Dispute, audience: str
) -> None:
    dispute.mediating()
    desk = desk_of(dispute, audience, *(["requesting"] if audience == "caucus" else []))
    document = desk.document(name="kingfisher.pdf")
    path = desk.path.removesuffix("/documents")
    dispute.requesting.post(f"{path}/withdraw").expect(409, "filing-state")
    desk.submit()
    before = dispute.requesting.get(path).expect(200)
    others = [dispute.mediator] + ([dispute.responding, dispute.registrar] if audience == "participants" else [])
    known = [person.get(path).expect(200) for person in others]
    receipt = dispute.requesting.get(f"{path}/receipt").expect(200)
    dispute.mediator.post(f"{path}/withdraw").expect(403, "not-your-capacity")
    if audience == "caucus":
        dispute.responding.post(f"{path}/withdraw").expect(404)
    dispute.house.clock.pass_by(seconds=1)
    now = dispute.requesting.post(f"{path}/withdraw", {"reason": "Privileged."}).expect(200)
    assert {**now, "withdrawn_at": None, "withdrawal": None} == before
    assert now["withdrawal"]["reason"] == "Privileged."
    could_read = now["withdrawal"]["could_read"]
    if audience == "participants":
        assert could_read is None
    else:
        assert could_read == [{"user_id": dispute.mediator.id, "name": "Mina Datar", "capacity": "mediator"}]
    assert dispute.requesting.get(path).expect(200) == now
    assert dispute.requesting.get(f"{path}/receipt").expect(200) == receipt
    withdrawn_document = dispute.requesting.get(f"/v1/documents/{document['id']}").expect(200)
    assert withdrawn_document["withdrawn_at"] == now["withdrawn_at"]
    for person, seen in zip(others, known, strict=True):
        sealed = {"title": None, "text": None, "documents": [], "withdrawn_at": now["withdrawn_at"]}
        assert person.get(path).expect(200) == {**seen, **sealed}
        for hidden in (f"{path}/receipt", f"{path}/receipt.pdf", f"/v1/documents/{document['id']}"):
            person.get(hidden).expect(404)
        assert dispute.events(person, "document-withdrawn") == []
        (event,) = dispute.events(person, "filing-withdrawn")
        assert (event["payload"]["filing_id"], event["audience"], event["content"]) == (now["id"], audience, None)
        everything = json.dumps(
            [
                dispute.events(person),
                person.get(f"{dispute.path}/filings").expect(200),
                person.get("/v1/events?limit=200").expect(200),
            ]
        )
        assert not any(word in everything for word in ("Memorial", "kingfisher", "Privileged"))
    if audience == "caucus":
        for person in (dispute.responding, dispute.registrar):
            assert dispute.events(person, "filing-withdrawn") == []
    else:
        dispute.registrar.post(f"{path}/acceptance").expect(409, "filing-state")
        # Its number stays taken.
        assert dispute.filing(dispute.requesting, "participants")["docket_number"] == 2
    dispute.requesting.post(f"{path}/withdraw").expect(409, "filing-state")
    dispute.requesting.post(f"/v1/documents/{document['id']}/withdraw").expect(409, "document-state")
    assert list(verify_ledger(dispute.house).faults) == []


def test_a_withdrawal_names_those_who_could_read_the_filing_and_have_left_since(dispute: Dispute) -> None:
    dispute.mediating()
    counsel = dispute.house.person("Corvin Unsel")
    admitted = dispute.admit_counsel(counsel, "responding")
    dispute.house.clock.pass_by(seconds=1)
    first = dispute.filing(dispute.requesting, "caucus", "requesting", "responding")
    dispute.house.clock.pass_by(seconds=1)
    dispute.responding.post(f"{dispute.representatives('responding')}/{admitted['id']}/end").expect(200)
    dispute.resign()
    successor, path = dispute.succeeded()
    dispute.registrar.post(f"{path}/confirm").expect(200)
    withdrawn = dispute.requesting.post(f"{dispute.path}/filings/{first['id']}/withdraw").expect(200)
    assert [(reader["name"], reader["capacity"]) for reader in withdrawn["withdrawal"]["could_read"]] == [
        ("Corvin Unsel", "counsel"),
        ("Mina Datar", "mediator"),
        ("Viktor Drian", "agent"),
    ]
    successor.get(f"{dispute.path}/filings/{first['id']}").expect(404)
    own = dispute.filing(dispute.requesting, "party-registry", "requesting")
    withdrawn = dispute.requesting.post(f"{dispute.path}/filings/{own['id']}/withdraw").expect(200)
    assert withdrawn["withdrawal"]["could_read"] == [{"user_id": None, "name": None, "capacity": "registry"}]
    assert dispute.registrar.get(f"{dispute.path}/filings/{own['id']}").expect(200)["text"] is None


def test_a_filing_of_the_mediator_or_the_registry_is_withdrawn_by_its_author_alone(dispute: Dispute) -> None:
    dispute.mediating()
    for author, other in ((dispute.mediator, dispute.registrar), (dispute.registrar, dispute.mediator)):
        filing = dispute.filing(author, "mediators-registry", text="Kingfisher")
        path = f"{dispute.path}/filings/{filing['id']}"
        other.post(f"{path}/withdraw").expect(403, "not-your-capacity")
        author.post(f"{path}/withdraw").expect(200)
        assert author.get(path).expect(200)["text"] == "Kingfisher"
        assert other.get(path).expect(200)["text"] is None


def test_a_withdrawn_filing_carries_its_correction_back_no_longer(house: House, tmp_path: Path) -> None:
    line = 'zone = "seat"\nresubmission = "5 days"'
    with own_rules(tmp_path / "rules", ours_2026=rewritten("uncitral-2021", "ours-2026", ('zone = "seat"', line))):
        dispute = Dispute(house)
        dispute.invited(procedure="ours-2026", category="state-state")
        first = dispute.filing(dispute.requesting, "participants")
        path = f"{dispute.path}/filings/{first['id']}"
        dispute.registrar.post(f"{path}/return", {"reasons": ["unsigned"], "note": "No signature."}).expect(200)
        dispute.requesting.post(f"{path}/withdraw").expect(200)
        house.clock.pass_by(days=1)
        second = dispute.filing(dispute.requesting, "participants", resubmits_id=first["id"])
    assert second["received_at"] == second["listed_at"] == "2026-03-03T09:00:00Z"


DISCLOSES = {"independent": True, "disclosures": "In 2019 I taught at the university of Vedria."}


def test_a_candidate_corrects_a_declaration_and_every_party_accepts_again(dispute: Dispute) -> None:
    path = f"/v1/appointments/{dispute.nominated()['id']}"
    dispute.mediator.post(f"{path}/declare", {"independent": False}).expect(200)
    dispute.responding.post(f"{path}/accept").expect(200)
    dispute.house.clock.pass_by(hours=1)
    now = dispute.mediator.post(f"{path}/declare", DISCLOSES).expect(200)
    assert (now["state"], now["independent"], now["disclosures"], now["accepted_by"], now["declared_at"]) == (
        "declared",
        True,
        DISCLOSES["disclosures"],
        [],
        "2026-03-02T10:00:00Z",
    )
    earlier = {"independent": False, "disclosures": None, "declared_at": "2026-03-02T09:00:00Z"}
    assert now["earlier_declarations"] == [earlier]
    # A request that is sent again changes nothing.
    dispute.mediator.post(f"{path}/declare", DISCLOSES).expect(409, "declaration-unchanged")
    dispute.registrar.post(f"{path}/confirm").expect(409, "need-not-met")
    for person in (dispute.requesting, dispute.responding, dispute.registrar):
        assert person.get(path).expect(200) == now
        assert [event["content"]["disclosures"] for event in dispute.events(person, "appointment-declared")] == [
            None,
            DISCLOSES["disclosures"],
        ]
    awaited = [entry["capacity"] for entry in dispute.read()["waiting_for"] if entry["act"]["name"] == "accept"]
    assert awaited == ["requesting-party", "responding-party"]
    for person in (dispute.requesting, dispute.responding):
        dispute.registrar.post(f"{path}/confirm").expect(409, "need-not-met")
        person.post(f"{path}/accept").expect(200)
    dispute.registrar.post(f"{path}/confirm").expect(200)


def test_a_mediator_goes_on_disclosing_and_each_party_may_object_once_after_each_declaration(
    dispute: Dispute,
) -> None:
    dispute.mediating()
    path = f"/v1/appointments/{dispute.appointments()[0]['id']}"
    accepted = dispute.appointments()[0]["accepted_by"]
    dispute.house.clock.pass_by(days=3)
    dispute.requesting.post(f"{path}/declare", DISCLOSES).expect(403, "not-your-capacity")
    now = dispute.mediator.post(f"{path}/declare", DISCLOSES).expect(200)
    assert (now["state"], now["accepted_by"], len(now["earlier_declarations"])) == ("confirmed", accepted, 1)
    (*_first, second) = dispute.events(dispute.responding, "appointment-declared")
    assert (second["content"]["disclosures"], second["actor"]["capacity"]) == (DISCLOSES["disclosures"], "mediator")
    for person in (dispute.mediator, dispute.registrar):
        person.post(f"{path}/object", {"reason": "No."}).expect(403, "not-your-capacity")
    objected = dispute.responding.post(f"{path}/object", {"reason": "He taught there."}).expect(200)
    at = now["declared_at"]
    objection = {"party_id": dispute.party("responding"), "reason": "He taught there.", "objected_at": at}
    assert objected["objections"] == [objection]
    dispute.responding.post(f"{path}/object", {"reason": "Again."}).expect(409, "already-objected")
    dispute.mediator.post(f"{path}/declare", {"independent": False}).expect(200)
    for person in (dispute.requesting, dispute.responding):
        person.post(f"{path}/object", {"reason": "Not independent."}).expect(200)
    assert len(dispute.events(dispute.mediator, "appointment-objected")) == 3
    assert len(dispute.registrar.get(path).expect(200)["objections"]) == 3
    dispute.registrar.post(f"{path}/replace", {"reason": "The objections are upheld."}).expect(200)
    dispute.responding.post(f"{path}/object", {"reason": "Late."}).expect(409, "appointment-state")
    dispute.mediator.post(f"{path}/declare", DISCLOSES).expect(404)
