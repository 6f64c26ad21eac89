"""A filing is received at an instant, on a day of the seat, by the audience that its author named."""

from datetime import UTC, datetime

import pytest

from tests.installation import House
from tests.pdfs import pdf
from tests.sql_statements import recorded_statements
from tests.story import Dispute
from tests.uploads import desk_of

CHICAGO = {"place": "Chicago", "time_zone": "America/Chicago"}


def test_the_day_of_a_filing_ends_at_midnight_at_the_seat(house: House, dispute: Dispute) -> None:
    house.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    dispute.mediating(seat=CHICAGO)
    for instant, day in (("05:59:59", "2027-01-15"), ("06:00:00", "2027-01-16")):
        house.clock.now = datetime.fromisoformat(f"2027-01-16T{instant}Z")
        filing = dispute.filing(dispute.responding, "participants")
        assert filing["received_at"] == f"2027-01-16T{instant}Z"
        assert filing["effective_on"] == day


def test_a_deadline_passes_with_the_last_instant_of_its_day_at_the_seat(house: House, dispute: Dispute) -> None:
    house.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    dispute.lodged(seat=CHICAGO)
    dispute.step(dispute.registrar, "invite", {"due_on": "2027-01-15"}).expect(200)
    for instant, state in (("05:59:59", "running"), ("06:00:00", "passed")):
        house.clock.now = datetime.fromisoformat(f"2027-01-16T{instant}Z")
        (deadline,) = dispute.deadlines()
        assert (deadline["due_on"], deadline["due_at"]) == ("2027-01-15", "2027-01-16T06:00:00Z")
        assert deadline["state"] == state


@pytest.mark.parametrize("who", ["requesting", "mediator", "registrar"])
def test_only_the_authors_side_sees_a_draft_which_names_its_future_audience(dispute: Dispute, who: str) -> None:
    dispute.mediating()
    author = getattr(dispute, who)
    body = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    draft = author.post(f"{dispute.path}/filings", body).expect(201)
    assert (draft["state"], draft["audience"], draft["received_at"]) == ("draft", "participants", None)
    dispute.responding.get(f"{dispute.path}/filings/{draft['id']}").expect(404)
    author.post(f"{dispute.path}/filings/{draft['id']}/submit").expect(200)
    dispute.responding.get(f"{dispute.path}/filings/{draft['id']}").expect(200)
    author.post(f"{dispute.path}/filings/{draft['id']}/submit").expect(409, "filing-state")


def test_people_file_only_to_audiences_that_they_belong_to(dispute: Dispute) -> None:
    dispute.mediating()
    requesting, responding = dispute.party("requesting"), dispute.party("responding")
    notice = {"kind": "notice", "title": "x", "text": "x"}
    path = f"{dispute.path}/filings"
    table = [
        (dispute.requesting, "caucus", [responding], 403),
        (dispute.requesting, "caucus", [requesting, responding], 201),
        (dispute.requesting, "party", [responding], 403),
        (dispute.requesting, "registry", [], 403),
        (dispute.requesting, "mediators", [], 403),
        (dispute.requesting, "party-registry", [requesting], 201),
        (dispute.requesting, "court", [], 201),
        (dispute.requesting, "public", [], 201),
        (dispute.registrar, "caucus", [requesting], 403),
        (dispute.registrar, "mediators", [], 403),
        (dispute.registrar, "mediators-registry", [], 201),
        (dispute.registrar, "party-registry", [responding], 201),
        (dispute.mediator, "registry", [], 403),
        (dispute.mediator, "caucus", [responding], 201),
        (dispute.mediator, "party", [responding], 403),
        (dispute.requesting, "case", [], 422),
        (dispute.requesting, "appointment", [], 422),
        (dispute.requesting, "participants", [requesting], 422),
        (dispute.requesting, "caucus", [], 422),
    ]
    for person, audience, party_ids, status in table:
        body = {**notice, "audience": audience, "party_ids": party_ids}
        answer = person.post(path, body)
        assert answer.status == status, (person.name, audience, answer.response.text)
    dispute.requesting.post(path, notice).expect(422)


def test_filings_are_accepted_from_lodging_until_the_case_closes(dispute: Dispute) -> None:
    body = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    dispute.opened()
    dispute.requesting.post(f"{dispute.path}/filings", body).expect(409, "step-not-open")
    dispute.lodged()
    draft = dispute.requesting.post(f"{dispute.path}/filings", body).expect(201)
    dispute.step(dispute.requesting, "withdraw", {"reason": "x"}).expect(200)
    dispute.requesting.post(f"{dispute.path}/filings", body).expect(409)
    dispute.requesting.post(f"{dispute.path}/filings/{draft['id']}/submit").expect(409)


def test_a_filing_made_before_the_invitation_reaches_the_other_side_with_the_invitation(dispute: Dispute) -> None:
    dispute.lodged()
    filing = dispute.filing(dispute.requesting, "participants")
    dispute.responding.get(f"{dispute.path}/filings/{filing['id']}").expect(404)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    assert dispute.responding.get(f"{dispute.path}/filings/{filing['id']}").expect(200) == filing


def test_a_filing_lists_its_documents_to_its_readers(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    desk = desk_of(dispute)
    path = desk.path.removesuffix("/documents")
    before = dispute.requesting.get(path)
    assert before.json["documents"] == []
    first = desk.document(query="?language=fr")
    dispute.requesting.post(f"{path}/submit", if_match=before.headers["etag"]).expect(412)
    second = desk.document(pdf(900), name="annex.pdf", query=f"?relation=annex-to&related_id={first['id']}")
    removed = desk.document(pdf(901), name="removed.pdf")
    dispute.requesting.post(f"/v1/documents/{removed['id']}/remove").expect(204)
    tag = dispute.requesting.get(path).headers["etag"]
    filed = dispute.requesting.post(f"{path}/submit", if_match=tag).expect(200)
    shown = ("id", "number", "name", "media_type", "size", "sha256", "language", "relation", "related_id", "state")
    assert filed["documents"] == [{name: document[name] for name in shown} for document in (first, second)]
    counts = []
    for _round in range(2):
        with recorded_statements(house.database.engine) as seen:
            items = dispute.responding.get(f"{dispute.path}/filings").expect(200)["items"]
        counts.append(len(seen))
        assert filed in items
        assert all(item["documents"] for item in items)
        for _more in range(2):
            other = desk_of(dispute)
            other.document()
            other.submit()
    assert counts[0] == counts[1] <= 5
    confided = desk_of(dispute, "caucus", "requesting")
    confided.document(name="confided.pdf")
    confided.submit()
    assert "confided.pdf" not in dispute.responding.get(f"{dispute.path}/filings").response.text
