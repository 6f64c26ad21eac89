"""A draft is its author's alone until they share it with their side, or submit it."""

from typing import Any

import pytest

from tests.installation import House, Json, Person
from tests.pdfs import pdf
from tests.story import MANDATE, Dispute

STATEMENT: dict[str, Any] = {"kind": "statement", "title": "Notes", "text": "Ours alone.", "audience": "participants"}
HEAD = {"content-type": "application/pdf", "content-disposition": "attachment; filename=levels.pdf"}


def drafted(dispute: Dispute, person: Person, **more: Any) -> tuple[str, Json]:
    """A draft of a filing, by its path."""
    draft = person.post(f"{dispute.path}/filings", {**STATEMENT, "party_ids": [], **more}).expect(201)
    return f"{dispute.path}/filings/{draft['id']}", draft


def ended(dispute: Dispute, by: Person, person: Person, side: str = "responding") -> None:
    """End a representative of a side."""
    path = dispute.representatives(side)
    items = dispute.registrar.get(path).expect(200)["items"]
    (own,) = [item for item in items if item["user_id"] == person.id and item["ended_at"] is None]
    by.post(f"{path}/{own['id']}/end", {}).expect(200)


@pytest.fixture
def deputy(dispute: Dispute) -> Person:
    """A co-agent of the responding party, whom its agent admitted, in a case that is being mediated."""
    dispute.mediating()
    deputy = dispute.house.person("Dee Puty")
    dispute.admit(dispute.responding, deputy, dispute.party("responding"), "co-agent", MANDATE)
    return deputy


def test_a_draft_is_its_authors_alone_until_it_is_shared_with_its_side(dispute: Dispute, deputy: Person) -> None:
    author = dispute.responding
    path, draft = drafted(dispute, author)
    assert draft["shared_at"] is None
    file = author.send("POST", f"{path}/documents", content=pdf(900), headers=HEAD).expect(201)
    gone = author.send("POST", f"{path}/documents", content=pdf(901), headers=HEAD).expect(201)
    author.post(f"/v1/documents/{gone['id']}/remove").expect(204)
    everybody_else = (deputy, dispute.requesting, dispute.mediator, dispute.registrar)
    for person in everybody_else:
        assert person.get(f"{dispute.path}/filings?count=true").expect(200)["count"]["total"] == 0
        for answer in (person.get(path), person.post(f"{path}/share"), person.post(f"{path}/submit")):
            answer.expect(404)
        person.get(f"/v1/documents/{file['id']}").expect(404)
        assert draft["id"] not in str(dispute.events(person))
    shared = author.post(f"{path}/share").expect(200)
    assert (shared["state"], shared["shared_at"]) == ("draft", "2026-03-02T09:00:00Z")
    assert deputy.get(path).expect(200)["documents"] == shared["documents"]
    assert deputy.get(f"/v1/documents/{file['id']}/content").status == 200
    deputy.get(f"/v1/documents/{gone['id']}").expect(404)
    told = [event for event in dispute.events(deputy) if draft["id"] in str(event)]
    assert [(event["type"], event["audience"]) for event in told] == [("filing-shared", "party")]
    assert told[0]["content"] == {"title": "Notes", "text": "Ours alone."}
    for person in everybody_else[1:]:
        person.get(path).expect(404)
        assert draft["id"] not in str(dispute.events(person))
    author.post(f"{path}/share").expect(409, "already-shared")
    tag = deputy.get(path).headers["etag"]
    deputy.patch(path, {"text": "Better."}, if_match=tag).expect(200)
    submitted = deputy.post(f"{path}/submit").expect(200)
    assert (submitted["text"], submitted["shared_at"]) == ("Better.", None)
    deputy.post(f"{path}/share").expect(409, "filing-state")
    assert dispute.house.wrong_readers() == []


def test_a_private_draft_stays_closed_when_its_author_leaves_and_a_shared_one_to_who_comes_later(
    house: House, dispute: Dispute, deputy: Person
) -> None:
    author, party, later = dispute.responding, dispute.party("responding"), house.person("Lata Comer")
    private, _draft = drafted(dispute, author)
    shared, _draft = drafted(dispute, author)
    author.post(f"{shared}/share").expect(200)
    beside = house.person("Bess Ide")
    dispute.admit(author, beside, party)
    ended(dispute, beside, author)
    dispute.admit(beside, later, party)
    for person in (deputy, beside, later):
        person.get(private).expect(404)
    assert [person.get(shared).status for person in (deputy, beside, later)] == [200, 200, 404]
    dispute.admit(beside, author, party)
    author.get(private).expect(200)
    author.post(f"{private}/share").expect(200)
    assert [person.get(private).status for person in (deputy, beside, later)] == [200, 200, 200]
    author.get(shared).expect(200)
    assert house.wrong_readers() == []


def test_a_draft_of_who_acts_for_two_parties_is_shared_with_the_party_named_alone(
    house: House, dispute: Dispute
) -> None:
    second = dispute.lodged_with_third_state("responding")
    first, both = dispute.party("responding"), dispute.responding
    dispute.admit(dispute.registrar, both, second)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    people = {party: house.person(f"Co Agent {party[:4]}") for party in (first, second)}
    for party, person in people.items():
        dispute.admit(both, person, party, "co-agent", MANDATE)
    for party, other in ((first, second), (second, first)):
        path, _draft = drafted(dispute, both, acting_for=party)
        for person in people.values():
            person.get(path).expect(404)
        both.post(f"{path}/share", {"acting_for": other}).expect(422)
        both.post(f"{path}/share").expect(200)
        people[party].get(path).expect(200)
        people[other].get(path).expect(404)
    kept, _draft = drafted(dispute, both, acting_for=first)
    ended(dispute, dispute.registrar, both)
    both.get(dispute.path).expect(200)
    both.get(kept).expect(404)
    people[first].get(kept).expect(404)
    assert house.wrong_readers() == []


def test_a_joint_draft_is_read_by_the_parties_that_it_names_and_closed_to_who_comes_after_its_author(
    house: House, dispute: Dispute, deputy: Person
) -> None:
    author, party = dispute.responding, dispute.party("responding")
    path, draft = drafted(dispute, author, joint_with=[dispute.party("requesting")])
    assert draft["shared_at"] == "2026-03-02T09:00:00Z"
    for person in (deputy, dispute.requesting):
        person.get(path).expect(200)
    author.post(f"{path}/share").expect(409, "already-shared")
    beside, later, across = (house.person(name) for name in ("Bess Ide", "Lata Comer", "Ada Cross"))
    dispute.admit(author, beside, party)
    ended(dispute, beside, author)
    dispute.admit(beside, later, party)
    dispute.admit(dispute.requesting, across, dispute.party("requesting"))
    readers = (deputy, beside, dispute.requesting, later, across)
    assert [person.get(path).status for person in readers] == [200, 200, 200, 404, 404]
    assert house.wrong_readers() == []


def test_a_text_for_one_side_is_its_authors_alone_until_it_is_shared(dispute: Dispute, deputy: Person) -> None:
    author, side = dispute.responding, [dispute.party("responding")]
    own: dict[str, Any] = {"audience": "party", "party_ids": side}
    first = dispute.draft(author, **own)
    second = dispute.draft(author, replaces=first["id"], **own)
    path = f"{dispute.path}/settlement/drafts"
    file = author.send("POST", f"{path}/{second['id']}/documents?language=en", content=pdf(900), headers=HEAD)
    deputy.get(f"{path}/{second['id']}").expect(404)
    deputy.post(f"{path}/{second['id']}/share").expect(404)
    author.post(f"{path}/{first['id']}/share").expect(409, "draft-state")
    shared = author.post(f"{path}/{second['id']}/share").expect(200)
    # Nothing tells of the version that was not shared.
    assert (shared["version"], shared["replaces"]) == (1, None)
    assert shared["shared_at"] == "2026-03-02T09:00:00Z"
    assert first["id"] not in str([deputy.get(f"{path}/{second['id']}").expect(200), dispute.events(deputy)])
    deputy.get(f"{path}/{second['id']}").expect(200)
    deputy.get(f"/v1/documents/{file.expect(201)['id']}").expect(200)
    deputy.get(f"{path}/{first['id']}").expect(404)
    (told,) = dispute.events(deputy, "text-shared")
    assert told["payload"]["draft_id"] == second["id"]
    author.post(f"{path}/{second['id']}/share").expect(409, "already-shared")
    third = dispute.draft(deputy, replaces=second["id"], **own)
    assert (third["version"], author.get(f"{path}/{third['id']}").expect(200)["shared_at"]) == (2, third["drafted_at"])
    for person in (dispute.requesting, dispute.mediator, dispute.registrar):
        assert person.get(path).expect(200)["items"] == []
    wide = dispute.draft(author)
    author.post(f"{path}/{wide['id']}/share").expect(409, "already-shared")
    assert dispute.house.wrong_readers() == []


def test_the_mediators_and_the_registry_have_their_drafts_in_common(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    second = house.person("Second Registrar", "registrar")
    path, _draft = drafted(dispute, dispute.registrar)
    second.get(path).expect(200)
    second.post(f"{path}/share").expect(409, "already-shared")
    path, _draft = drafted(dispute, dispute.mediator)
    dispute.mediator.post(f"{path}/share").expect(409, "already-shared")


def test_a_draft_that_the_registry_enters_from_paper_is_not_shared_with_the_party(
    dispute: Dispute, deputy: Person
) -> None:
    sent = {"on_behalf_of": dispute.party("responding"), "received_via": "post", "received_at": "2026-03-02T08:00:00Z"}
    path, _draft = drafted(dispute, dispute.registrar, **sent)
    dispute.registrar.post(f"{path}/share").expect(409, "already-shared")
    for person in (deputy, dispute.responding):
        person.get(path).expect(404)
    dispute.registrar.post(f"{path}/submit").expect(200)
