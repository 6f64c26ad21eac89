"""What representatives who replace others read, and parties that have withdrawn."""

from dataclasses import dataclass

import pytest

from tests.installation import House, Json, Person
from tests.story import MANDATE, Dispute
from tests.walks import Walker, among_three


@dataclass
class Succession:
    """The responding side's agent has ended; a stranger replaces them."""

    dispute: Dispute
    agent: Person
    item: Json
    earlier: list[str]

    @property
    def path(self) -> str:
        """The path of the new agent, as a representative."""
        return f"{self.dispute.representatives('responding')}/{self.item['id']}"

    def reads(self, person: Person | None = None) -> list[bool]:
        """Whether somebody reads each of the earlier filings."""
        agent = person or self.agent
        statuses = [agent.get(f"{self.dispute.path}/filings/{id}").status for id in self.earlier]
        told = {event["payload"].get("filing_id") for event in self.dispute.events(agent)}
        assert [status == 200 for status in statuses] == [id in told for id in self.earlier]
        return [status == 200 for status in statuses]


def own_item(dispute: Dispute, person: Person) -> Json:
    """The item of a representative of the responding party."""
    listed = dispute.registrar.get(dispute.representatives("responding")).expect(200)["items"]
    return next(dict(item) for item in listed if item["user_id"] == person.id and item["ended_at"] is None)


def end(dispute: Dispute, by: Person, person: Person) -> None:
    """End a representative of the responding party."""
    by.post(f"{dispute.representatives('responding')}/{own_item(dispute, person)['id']}/end", {}).expect(200)


def filed(dispute: Dispute) -> list[str]:
    """The ids of filings of the responding side, to everybody who may know of them."""
    party = dispute.responding
    wide = dispute.filing(party, "participants")
    narrow = [dispute.filing(party, audience, "responding") for audience in ("caucus", "party-registry", "party")]
    return [filing["id"] for filing in (wide, *narrow)]


@pytest.fixture
def succession(house: House, dispute: Dispute) -> Succession:
    """The succession, in a case that is being mediated."""
    dispute.mediating()
    earlier = filed(dispute)
    end(dispute, dispute.registrar, dispute.responding)
    stranger = house.person("Stran Ger")
    item = dispute.admit(dispute.registrar, stranger, dispute.party("responding"))
    return Succession(dispute, stranger, item, earlier)


def test_an_agent_whom_the_registry_admits_after_others_reads_from_then_on(succession: Succession) -> None:
    dispute, agent = succession.dispute, succession.agent
    assert succession.item["reads_from_admission"] is True
    assert succession.reads() == [False] * 4
    assert agent.get(f"{dispute.path}/filings").expect(200)["items"] == []
    later = dispute.filing(dispute.mediator, "caucus", "responding")
    assert agent.get(f"{dispute.path}/filings").expect(200)["items"] == [later]
    counsel = dispute.house.person("Cora Unsel")
    admitted = dispute.admit(agent, counsel, dispute.party("responding"), "counsel", MANDATE)
    assert admitted["reads_from_admission"] is True
    assert succession.reads(counsel) == [False] * 4
    agent.post(f"{succession.path}/open-earlier").expect(409, "nothing-to-open")
    path = f"{dispute.representatives('responding')}/{admitted['id']}/open-earlier"
    agent.post(path).expect(409, "nothing-to-open")
    counsel.post(f"{succession.path}/open-earlier").expect(403, "not-your-capacity")
    dispute.requesting.post(f"{succession.path}/open-earlier").expect(403, "not-your-capacity")


def test_two_people_of_the_registry_open_what_is_earlier_and_all_sides_see_why(
    house: House, succession: Succession
) -> None:
    dispute = succession.dispute
    second = house.person("Second Registrar", "registrar")
    path = f"{succession.path}/open-earlier"
    why = {"reason": "The former agent has died."}
    dispute.registrar.post(path).expect(422, "invalid")
    proposed = dispute.registrar.post(path, why).expect(200)
    assert (proposed["opening_proposed_by"], proposed["reads_from_admission"]) == (dispute.registrar.id, True)
    dispute.registrar.post(path, why).expect(409, "second-person")
    assert succession.reads() == [False] * 4
    opened = second.post(path).expect(200)
    assert (opened["opening_proposed_by"], opened["reads_from_admission"]) == (None, False)
    assert succession.reads() == [True] * 4
    second.post(path, why).expect(409, "nothing-to-open")
    for person in (dispute.requesting, dispute.mediator, succession.agent):
        (proposal,) = dispute.events(person, "earlier-items-proposed")
        assert proposal["content"] == why
        assert proposal["payload"]["representative_id"] == succession.item["id"]
        assert len(dispute.events(person, "earlier-items-opened")) == 1


def test_an_agent_who_was_there_opens_what_is_earlier_alone(house: House, succession: Succession) -> None:
    dispute, party = succession.dispute, succession.dispute.party("responding")
    second = house.person("Second Registrar", "registrar")
    counsel = house.person("Cora Unsel")
    admitted = dispute.admit(succession.agent, counsel, party, "counsel", MANDATE)
    why = {"reason": "The former agent has died."}
    for registrar in (dispute.registrar, second):
        registrar.post(f"{succession.path}/open-earlier", why).expect(200)
    path = f"{dispute.representatives('responding')}/{admitted['id']}/open-earlier"
    assert succession.reads(counsel) == [False] * 4
    dispute.registrar.post(path, why).expect(409, "party-represented")
    assert succession.agent.post(path).expect(200)["reads_from_admission"] is False
    assert succession.reads(counsel) == [True] * 4
    end(dispute, dispute.registrar, succession.agent)
    dispute.admit(dispute.registrar, dispute.responding, party)
    assert succession.reads(dispute.responding) == [False] * 4


def test_whom_an_agent_admits_reads_what_that_agent_reads(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    party = dispute.party("responding")
    earlier = filed(dispute)
    heir = house.person("Hei Rapparent")
    item = dispute.admit(dispute.responding, heir, party)
    assert item["reads_from_admission"] is False
    assert Succession(dispute, heir, item, earlier).reads() == [True] * 4


def test_a_removed_agents_draft_is_not_read_by_who_comes_later(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    party = dispute.party("responding")
    beside, later = house.person("Bess Ide"), house.person("Lata Comer")
    dispute.admit(dispute.responding, beside, party)
    body = {"kind": "statement", "title": "Notes", "text": "Ours alone.", "audience": "participants", "party_ids": []}
    draft = dispute.responding.post(f"{dispute.path}/filings", body).expect(201)
    path = f"{dispute.path}/filings/{draft['id']}"
    beside.get(path).expect(200)
    end(dispute, beside, dispute.responding)
    dispute.admit(beside, later, party)
    later.get(path).expect(404)
    later.post(f"{path}/submit").expect(404)
    assert draft["id"] not in str(dispute.events(later))
    own = later.post(f"{dispute.path}/filings", body).expect(201)
    beside.get(f"{dispute.path}/filings/{own['id']}").expect(200)
    beside.post(f"{path}/submit").expect(200)
    later.get(path).expect(200)


def test_who_comes_back_reads_their_own_draft_and_drafts_for_the_whole_side(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    party = dispute.party("responding")
    beside, later = house.person("Bess Ide"), house.person("Lata Comer")
    dispute.admit(dispute.responding, beside, party)
    body = {"kind": "statement", "title": "Notes", "text": "Ours alone.", "audience": "participants", "party_ids": []}
    path = f"{dispute.path}/filings"
    draft = dispute.responding.post(path, body).expect(201)
    end(dispute, beside, dispute.responding)
    dispute.admit(beside, later, party)
    dispute.admit(beside, dispute.responding, party)
    dispute.responding.get(f"{path}/{draft['id']}").expect(200)
    again = dispute.responding.post(path, body).expect(201)
    later.get(f"{path}/{again['id']}").expect(200)
    later.get(f"{path}/{draft['id']}").expect(404)


def test_the_new_agent_signs_a_text_that_is_put_before_them(house: House, dispute: Dispute) -> None:
    text = dispute.frozen()
    end(dispute, dispute.registrar, dispute.responding)
    agent = house.person("Nova Gent")
    dispute.admit(dispute.registrar, agent, dispute.party("responding"))
    dispute.sign(agent, "responding", text).expect(422)
    again = dispute.freeze(dispute.draft()).expect(200)
    dispute.sign(agent, "responding", again).expect(201)
    dispute.sign(dispute.requesting, "requesting", again).expect(201)
    assert dispute.read()["outcome"] == "settled"


@pytest.fixture
def left(dispute: Dispute) -> tuple[Walker, Person, dict[str, str]]:
    """Three parties of which one has withdrawn: with its agent, and the filings that it had read or made until then."""
    walker = Walker(dispute, "icsid-2022")
    among_three(walker, "settling")
    gone = walker.sides.pop("side-3")
    party_id = dispute.party("side-3")
    before = {
        "all": dispute.filing(dispute.requesting, "participants")["id"],
        "caucus": dispute.filing(gone, "caucus", "side-3")["id"],
    }
    dispute.step(gone, "withdraw", {"reason": "We leave."}).expect(200)
    dispute.read()
    assert gone.get(f"{dispute.path}/parties/{party_id}").expect(200)["participation"] == "withdrawn"
    return walker, gone, before


def test_a_party_that_withdraws_reads_what_was_written_until_then_and_nothing_later(
    left: tuple[Walker, Person, dict[str, str]],
) -> None:
    walker, gone, before = left
    dispute = walker.dispute
    (withdrawn,) = [event for event in dispute.events(gone, "step-taken") if event["act"] == "withdraw"]
    last = len(dispute.events(gone))
    for audience, side in (("participants", ()), ("caucus", ("side-3",))):
        dispute.filing(dispute.mediator, audience, *side)
    dispute.session(starts_at="2029-07-01T10:00", ends_at="2029-07-01T12:00")
    walker.go("requesting sign", "responding sign")
    assert (dispute.case["stage"], dispute.case["outcome"]) == ("closed", "settled")
    listed = gone.get(f"{dispute.path}/filings").expect(200)["items"]
    assert {filing["id"] for filing in listed} == set(before.values())
    assert gone.get(f"{dispute.path}/settlement/signatures").expect(200)["items"] == []
    assert withdrawn["payload"]["participation"] == "withdrawn"
    # Only what becomes of an item that the party knows: of the session to which it was invited.
    assert [event["type"] for event in dispute.events(gone)[last:]] == ["session-cancelled"]


def test_a_party_that_withdrew_writes_to_itself_and_the_registry_alone(
    house: House, left: tuple[Walker, Person, dict[str, str]]
) -> None:
    walker, gone, _before = left
    dispute = walker.dispute
    statement = {"kind": "statement", "title": "Costs", "text": "To be shared.", "party_ids": []}
    gone.post(f"{dispute.path}/filings", {**statement, "audience": "participants"}).expect(403)
    own = {**statement, "party_ids": [dispute.party("side-3")]}
    gone.post(f"{dispute.path}/filings", {**own, "audience": "caucus"}).expect(403)
    letter = dispute.filing(gone, "party-registry", "side-3")
    dispute.registrar.get(f"{dispute.path}/filings/{letter['id']}").expect(200)
    counsel = house.person("Cora Unsel")
    dispute.admit(gone, counsel, dispute.party("side-3"), "counsel", MANDATE)
    counsel.get(f"{dispute.path}/filings/{letter['id']}").expect(200)


def test_the_others_freeze_a_text_that_the_party_that_withdrew_does_not_read(
    left: tuple[Walker, Person, dict[str, str]],
) -> None:
    walker, gone, _before = left
    dispute = walker.dispute
    draft = dispute.draft()
    gone.get(f"{dispute.path}/settlement/drafts/{draft['id']}").expect(404)
    dispute.freeze(draft).expect(200)
