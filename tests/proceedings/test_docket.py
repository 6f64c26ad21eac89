"""The docket: numbers that reveal nothing hidden, decisions, corrected filings, redacted versions, joint filings."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import courts
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


def test_docket_numbers_count_the_filings_of_one_stream(dispute: Dispute) -> None:
    dispute.mediating()
    first = filed(dispute.requesting, dispute)
    assert first["docket_number"] == 1
    hidden = filed(dispute.requesting, dispute, "caucus", "requesting")
    assert (hidden["docket_number"], hidden["docketing"]) == (None, None)
    filed(dispute.responding, dispute, "party", "responding")
    to_court = filed(dispute.responding, dispute, "court")
    assert (to_court["docket_number"], to_court["docketing"]) == (1, "pending")
    second = filed(dispute.mediator, dispute)
    assert (second["docket_number"], second["docketing"]) == (2, "accepted")
    assert filed(dispute.requesting, dispute, "court")["docket_number"] == 2
    (event, _later) = dispute.events(dispute.responding, "filing-submitted")[:2]
    assert first["stream"] == second["stream"] == event["stream"] != to_court["stream"]


def test_a_newcomers_docket_begins_with_one(dispute: Dispute) -> None:
    dispute.mediating()
    for audience in ("participants", "participants", "court"):
        filed(dispute.requesting, dispute, audience)
    newcomer, _party = dispute.third_party_joined()
    own = [filed(newcomer, dispute)["docket_number"]]
    dispute.house.clock.pass_by(minutes=1)
    own.append(filed(dispute.requesting, dispute)["docket_number"])
    listed = newcomer.get(f"{dispute.path}/filings").expect(200)["items"]
    assert own == [filing["docket_number"] for filing in listed] == [1, 2]
    seen = dispute.responding.get(f"{dispute.path}/filings").expect(200)["items"]
    assert len({(filing["stream"], filing["docket_number"]) for filing in seen}) == len(seen) == 5


def test_the_court_sees_numbers_without_a_gap(house: House) -> None:
    court = courts.program(house, courts.court(house))
    dispute = courts.referred_dispute(house, court)
    for audience in ("public", "participants", "participants", "court", "public", "participants", "court"):
        house.clock.pass_by(minutes=1)
        filed(dispute.requesting, dispute, audience)
    (referral,) = court.get("/v1/referrals").expect(200)["items"]
    seen = court.get(f"/v1/referrals/{referral['id']}/filings").expect(200)["items"]
    numbers = [(filing["audience"], filing["docket_number"]) for filing in seen]
    assert numbers == [("public", 1), ("court", 1), ("public", 2), ("court", 2)]


def test_a_filing_tells_nothing_of_its_drafting(dispute: Dispute) -> None:
    dispute.mediating()
    counsel = house_counsel(dispute)
    body = {**NOTICE, "audience": "participants", "joint_with": [dispute.party("responding")]}
    desk = Desk(dispute, counsel.post(f"{dispute.path}/filings", body).expect(201))
    path = f"{dispute.path}/filings/{desk.draft['id']}"
    uploaded = desk.document(person=counsel)
    drafted_at = uploaded["stored_at"]
    assert (uploaded["author_id"], desk.draft["author_id"]) == (counsel.id, counsel.id)
    dispute.house.clock.pass_by(days=1)
    dispute.responding.post(f"{path}/join").expect(200)
    joined_at = counsel.get(path).expect(200)["joint"][0]["joined_at"]
    dispute.house.clock.pass_by(days=5)
    submitted = dispute.requesting.post(f"{path}/submit").expect(200)
    for person in (dispute.requesting, dispute.responding, dispute.mediator, dispute.registrar):
        answers = [person.get(each) for each in (path, f"{path}/documents", f"/v1/documents/{uploaded['id']}")]
        (listed,) = answers[1].expect(200)["items"]
        assert listed["stored_at"] == submitted["received_at"] == submitted["listed_at"]
        assert listed["author_party_id"] == dispute.party("requesting")
        assert listed["author_id"] == submitted["author_id"] == dispute.requesting.id
        text = "".join(answer.response.text for answer in answers)
        assert [word for word in (counsel.id, drafted_at, joined_at) if word in text] == []
    # The drafting side keeps who did what, and when, in its own events.
    (stored,) = dispute.events(dispute.requesting, "document-stored")
    assert (stored["at"], stored["actor"]["id"]) == (drafted_at, counsel.id)


def house_counsel(dispute: Dispute) -> Person:
    """A counsel of the requesting side."""
    counsel = dispute.house.person("Corvin Unsel")
    dispute.admit_counsel(counsel)
    return counsel


@contextmanager
def returned_yesterday(house: House, folder: Path) -> Iterator[tuple[Dispute, Json]]:
    """A case under rules that carry a corrected filing back for five days, with one that was returned a day ago."""
    line = 'zone = "seat"\nresubmission = "5 days"'
    with own_rules(folder / "rules", ours_2026=rewritten("uncitral-2021", "ours-2026", ('zone = "seat"', line))):
        dispute = Dispute(house)
        dispute.invited(procedure="ours-2026", category="state-state")
        first = filed(dispute.requesting, dispute)
        decide(dispute, first, "return", RETURN)
        house.clock.pass_by(days=1)
        yield dispute, first


@pytest.mark.parametrize("other", [{}, {"kind": "application"}, {"audience": "court"}])
def test_a_returned_filing_carries_one_filing_of_its_kind_and_audience_back(
    house: House, tmp_path: Path, other: Json
) -> None:
    with returned_yesterday(house, tmp_path) as (dispute, first):
        corrected = [filed(dispute.requesting, dispute, **{"resubmits_id": first["id"], **other})]
        house.clock.pass_by(days=1)
        corrected.append(filed(dispute.requesting, dispute, resubmits_id=first["id"]))
        house.clock.pass_by(days=1)
        corrected.append(filed(dispute.requesting, dispute, resubmits_id=first["id"]))
    carried = [filing["received_at"] == first["received_at"] for filing in corrected]
    assert carried == ([False, True, False] if other else [True, False, False])
    real = ["2026-03-03T09:00:00Z", "2026-03-04T09:00:00Z", "2026-03-05T09:00:00Z"]
    assert [filing["listed_at"] for filing in corrected] == real
    assert [filing["received_at"] for filing in corrected] == [
        first["received_at"] if back else at for back, at in zip(carried, real, strict=True)
    ]
    events = dispute.events(dispute.responding, "filing-submitted")
    deemed = {event["payload"]["filing_id"]: event["payload"].get("received_at") for event in events}
    assert [deemed[filing["id"]] == first["received_at"] for filing in corrected if filing["audience"] != "court"] == [
        back for back, filing in zip(carried, corrected, strict=True) if filing["audience"] != "court"
    ]


def test_a_filing_that_was_carried_back_carries_no_other_back(house: House, tmp_path: Path) -> None:
    with returned_yesterday(house, tmp_path) as (dispute, first):
        second = filed(dispute.requesting, dispute, resubmits_id=first["id"])
        decide(dispute, second, "return", RETURN)
        house.clock.pass_by(days=1)
        third = filed(dispute.requesting, dispute, resubmits_id=second["id"])
    assert second["received_at"] == first["received_at"]
    assert third["received_at"] == third["listed_at"] == "2026-03-04T09:00:00Z"


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
