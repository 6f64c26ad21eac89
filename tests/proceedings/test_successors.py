"""What representatives who replace others read, and parties that have withdrawn."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.installation import House, Json, Person
from tests.own_rules import own_rules, rewritten
from tests.pdfs import pdf
from tests.story import EARLIER, MANDATE, Dispute
from tests.walks import MAPS, Walker, among_three

RETURNED: Json = {"reasons": ["unsigned"], "note": "Sign it."}
COMES_BACK = """
[[steps]]
name = "come-back"
title = "Take part again"
by = ["registry"]
from = ["mediating", "vacant", "settling"]
participation = "appearing"
standing = "institution"
"""


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
    dispute.responding.post(f"{path}/share").expect(200)
    beside.get(path).expect(200)
    end(dispute, beside, dispute.responding)
    dispute.admit(beside, later, party)
    later.get(path).expect(404)
    later.post(f"{path}/submit").expect(404)
    assert draft["id"] not in str(dispute.events(later))
    own = later.post(f"{dispute.path}/filings", body).expect(201)
    later.post(f"{dispute.path}/filings/{own['id']}/share").expect(200)
    beside.get(f"{dispute.path}/filings/{own['id']}").expect(200)
    beside.post(f"{path}/submit").expect(200)
    later.get(path).expect(200)


def test_who_comes_back_reads_their_own_draft_and_shares_with_the_whole_side(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    party = dispute.party("responding")
    beside, later = house.person("Bess Ide"), house.person("Lata Comer")
    dispute.admit(dispute.responding, beside, party)
    body = {"kind": "statement", "title": "Notes", "text": "Ours alone.", "audience": "participants", "party_ids": []}
    path = f"{dispute.path}/filings"
    draft = dispute.responding.post(path, body).expect(201)
    dispute.responding.post(f"{path}/{draft['id']}/share").expect(200)
    end(dispute, beside, dispute.responding)
    dispute.admit(beside, later, party)
    dispute.admit(beside, dispute.responding, party)
    dispute.responding.get(f"{path}/{draft['id']}").expect(200)
    again = dispute.responding.post(path, body).expect(201)
    dispute.responding.post(f"{path}/{again['id']}/share").expect(200)
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


@dataclass
class Left:
    """Three parties of which one has withdrawn: its agent, and what it had read or made until then, as it was."""

    walker: Walker
    gone: Person
    filings: list[str]
    texts: list[Json]
    joint: str
    own_text: str
    known: dict[str, Json]

    @property
    def dispute(self) -> Dispute:
        """The case."""
        return self.walker.dispute

    def sees(self) -> dict[str, Json]:
        """What the party reads of what it knew."""
        return {path: self.gone.get(path).expect(200) for path in self.known}

    def seen_by_others(self) -> dict[str, Json]:
        """What another party reads of it: all but the caucus."""
        answers = {path: self.dispute.requesting.get(path) for path in self.known}
        return {path: answer.expect(200) for path, answer in answers.items() if answer.status != 404}


def leave(walker: Walker) -> Left:
    """Let the third party withdraw after it has come to know of things that change later."""
    among_three(walker, "settling")
    dispute, gone = walker.dispute, walker.sides.pop("side-3")
    ours = [dispute.filing(gone, "caucus", "side-3"), dispute.filing(gone, "participants")]
    filed = [dispute.filing(dispute.requesting, "participants"), *ours]
    texts = dispute.mediator.get(f"{dispute.path}/settlement/drafts").expect(200)["items"]
    texts.append(dispute.draft())
    own_text = f"{dispute.path}/settlement/drafts/{dispute.draft(gone)['id']}"
    body: Json = {"kind": "statement", "title": "Joint", "text": "x", "audience": "participants", "party_ids": []}
    body["joint_with"] = [dispute.party("side-3")]
    draft = dispute.requesting.post(f"{dispute.path}/filings", body).expect(201)
    joint = f"{dispute.path}/filings/{draft['id']}"
    session = dispute.session(**EARLIER)
    (appointment,) = dispute.appointments()
    paths = [f"{dispute.path}/filings/{filing['id']}" for filing in filed]
    paths += [f"{dispute.path}/settlement/drafts/{text['id']}" for text in texts]
    paths += [f"{dispute.path}/sessions/{session['id']}", f"/v1/appointments/{appointment['id']}"]
    known = {path: gone.get(path).expect(200) for path in paths}
    dispute.step(gone, "withdraw", {"reason": "We leave."}).expect(200)
    dispute.read()
    dispute.house.clock.pass_by(seconds=1)
    return Left(walker, gone, [filing["id"] for filing in filed], texts, joint, own_text, known)


def change_everything(left: Left) -> None:
    """Let everything change that the party knew when it left."""
    dispute = left.dispute
    for decision, body, id in (("return", RETURNED, left.filings[0]), ("acceptance", {}, left.filings[2])):
        dispute.registrar.post(f"{dispute.path}/filings/{id}/{decision}", body).expect(200)
    (session,) = (path for path in left.known if "/sessions/" in path)
    body = {"attendance": [{"name": "Mina Datar", "capacity": "mediator"}]}
    dispute.mediator.post(f"{session}/hold", body).expect(200)
    dispute.freeze(dispute.draft()).expect(200)
    dispute.resign()


def filed_jointly(dispute: Dispute, gone: Person) -> tuple[str, str]:
    """A filing with a document that another party and the one that will leave make together: both by their paths."""
    party = next(party["id"] for party in dispute.read()["parties"] if party["side"] == "side-3")
    body: Json = {"kind": "statement", "title": "Ours", "text": "x", "audience": "participants", "party_ids": []}
    draft = dispute.requesting.post(f"{dispute.path}/filings", {**body, "joint_with": [party]}).expect(201)
    path = f"{dispute.path}/filings/{draft['id']}"
    head = {"content-type": "application/pdf", "content-disposition": "attachment; filename=x.pdf"}
    file = dispute.requesting.send("POST", f"{path}/documents", content=pdf(900), headers=head).expect(201)
    gone.post(f"{path}/join").expect(200)
    dispute.requesting.post(f"{path}/submit").expect(200)
    return path, f"/v1/documents/{file['id']}"


@pytest.fixture
def left(dispute: Dispute) -> Left:
    """A party that has withdrawn while the others go on, under rules by which it does not come back."""
    return leave(Walker(dispute, "icsid-2022"))


def test_a_party_that_left_sees_what_it_knew_as_it_was_then(left: Left) -> None:
    dispute, events = left.dispute, left.dispute.events(left.gone)
    assert left.sees() == left.known
    change_everything(left)
    others = left.seen_by_others()
    same = {path for path, item in others.items() if item == left.known[path]}
    # Nothing but the draft that no other one replaced is as it was.
    assert same == {f"{dispute.path}/settlement/drafts/{left.texts[-1]['id']}"}
    assert left.sees() == left.known
    assert left.dispute.events(left.gone) == events


def test_a_party_that_left_learns_how_the_case_goes_and_not_what_it_waits_for(left: Left) -> None:
    dispute, gone = left.dispute, left.gone
    case, whole = gone.get(dispute.path).expect(200), dispute.read()
    assert (whole["waiting_for"], whole["seq"]) != ([], None)
    hidden = ("waiting_for", "waiting_count", "next_due_on", "updated_at", "seq")
    assert [case[name] for name in hidden] == [[], 0, None, None, None]
    assert {name: case[name] for name in case if name not in hidden} == {
        name: whole[name] for name in whole if name not in hidden
    }
    for query in ("waiting_for=requesting-party", "due_before=2099-01-01", "updated_since=2020-01-01T00:00:00Z"):
        assert gone.get(f"/v1/cases?{query}").expect(200)["items"] == [], query
    assert [item["id"] for item in gone.get("/v1/cases").expect(200)["items"]] == [dispute.case["id"]]
    for query in ("awaited=true", "awaited=false", "signed=true", "signed=false"):
        assert gone.get(f"{dispute.path}/parties?{query}").expect(200)["items"] == [], query
    steps = gone.get(f"{dispute.path}/steps").expect(200)["items"]
    assert {reason["code"] for step in steps for reason in step["reasons"]} == {"withdrawn"}
    assert not any(step["available"] for step in steps)
    assert [each for each in dispute.deadlines(gone) if each["state"] == "running"] == []
    desk = gone.get("/v1/me/desk").expect(200)
    assert (desk["waiting"], desk["due"], desk["sessions"]) == ([], [], [])
    left.walker.go("requesting sign", "responding sign")
    closed = gone.get(dispute.path).expect(200)
    assert (closed["stage"], closed["outcome"]) == ("closed", "settled")


def test_who_acts_for_a_party_that_left_and_one_that_stays_reads_everything(house: House, left: Left) -> None:
    dispute, both = left.dispute, house.person("Bo Thwise")
    second = {"side": "side-3", "kind": "state", "name": "Soli's Neighbour", "member_id": None}
    joined = dispute.registrar.post(f"{dispute.path}/parties", second).expect(201)
    dispute.admit(dispute.registrar, both, joined["id"])
    dispute.admit(left.gone, both, dispute.party("side-3"), "counsel", MANDATE)
    both.get(f"{dispute.path}/filings/{left.filings[0]}").expect(200)
    dispute.registrar.post(f"{dispute.path}/filings/{left.filings[2]}/acceptance", {}).expect(200)
    # The earlier filing reaches this person through the party that left alone, and a later one through the other.
    assert both.get(f"{dispute.path}/filings/{left.filings[2]}").expect(200)["docketing"] == "pending"
    later = dispute.filing(dispute.requesting, "participants")
    dispute.registrar.post(f"{dispute.path}/filings/{later['id']}/acceptance", {}).expect(200)
    assert both.get(f"{dispute.path}/filings/{later['id']}").expect(200)["docketing"] == "accepted"
    assert both.get(dispute.path).expect(200)["waiting_for"] == dispute.read()["waiting_for"]
    assert house.wrong_readers() == []


def test_the_caucus_and_the_drafts_of_a_party_that_left_stay_its_own(house: House, left: Left) -> None:
    dispute, gone = left.dispute, left.gone
    counsel, party = house.person("Cora Unsel"), dispute.party("side-3")
    dispute.admit(gone, counsel, party, "counsel", MANDATE)
    caucus = f"{dispute.path}/filings/{left.filings[1]}"
    for person in (gone, counsel, dispute.mediator):
        person.get(caucus).expect(200)
    for person in (dispute.requesting, dispute.responding, dispute.registrar):
        person.get(caucus).expect(404)
    own = {"kind": "statement", "title": "Costs", "text": "x", "audience": "party", "party_ids": [party]}
    draft = gone.post(f"{dispute.path}/filings", own).expect(201)
    counsel.get(f"{dispute.path}/filings/{draft['id']}").expect(404)
    gone.post(f"{dispute.path}/filings/{draft['id']}/share").expect(200)
    counsel.get(f"{dispute.path}/filings/{draft['id']}").expect(200)
    # It is still asked before anybody else reads what it protects.
    stream = next(each["stream"] for each in dispute.events(gone, "filing-submitted") if left.filings[1] in str(each))
    body = {"side": "side-4", "kind": "state", "name": "Lately", "member_id": None}
    dispute.registrar.post(f"{dispute.path}/parties", body).expect(201)
    opened = gone.post(f"{dispute.path}/disclosures", {"stream": stream}).expect(201)
    assert (opened["state"], opened["remaining"]) == ("opened", [])
    assert dispute.events(gone, "disclosure-opened") != []


def test_a_party_that_comes_back_reads_again_what_it_read_and_what_is_written_from_then_on(
    house: House, dispute: Dispute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MAPS, "ours-2026", MAPS["icsid-2022"])
    with own_rules(tmp_path / "rules", ours_2026=rewritten("icsid-2022", "ours-2026") + COMES_BACK):
        left = leave(Walker(dispute, "ours-2026"))
        gone, away = left.gone, dispute.filing(dispute.requesting, "participants")
        letter = dispute.filing(gone, "party-registry", "side-3")
        change_everything(left)
        back_again = {"fields": {"party_id": dispute.party("side-3")}}
        for _time in range(2):
            dispute.step(dispute.registrar, "come-back", back_again).expect(200)
            assert left.sees() == left.known | left.seen_by_others()
            gone.get(f"{dispute.path}/filings/{away['id']}").expect(404)
            gone.get(f"{dispute.path}/filings/{letter['id']}").expect(200)
            back = dispute.filing(dispute.requesting, "participants")
            gone.get(f"{dispute.path}/filings/{back['id']}").expect(200)
            assert gone.get(dispute.path).expect(200) == dispute.requesting.get(dispute.path).expect(200)
            assert dispute.events(gone, "step-taken")[-1]["act"] == "come-back"
            assert house.wrong_readers() == []
            dispute.step(gone, "withdraw", {"reason": "We leave again."}).expect(200)
            house.clock.pass_by(seconds=1)
            gone.get(f"{dispute.path}/filings/{back['id']}").expect(200)


def test_a_party_that_withdraws_reads_what_was_written_until_then_and_nothing_later(
    left: Left,
) -> None:
    walker, gone, dispute = left.walker, left.gone, left.dispute
    (withdrawn,) = [event for event in dispute.events(gone, "step-taken") if event["act"] == "withdraw"]
    last = len(dispute.events(gone))
    for audience, side in (("participants", ()), ("caucus", ("side-3",))):
        dispute.filing(dispute.mediator, audience, *side)
    walker.go("requesting sign", "responding sign")
    assert (dispute.case["stage"], dispute.case["outcome"]) == ("closed", "settled")
    listed = gone.get(f"{dispute.path}/filings").expect(200)["items"]
    assert {filing["id"] for filing in listed} == {*left.filings, left.joint.rpartition("/")[2]}
    assert gone.get(f"{dispute.path}/settlement/signatures").expect(200)["items"] == []
    assert withdrawn["payload"]["participation"] == "withdrawn"
    assert len(dispute.events(gone)) == last


def test_a_party_that_withdrew_writes_to_itself_and_the_registry_alone(house: House, left: Left) -> None:
    gone, dispute = left.gone, left.dispute
    statement = {"kind": "statement", "title": "Costs", "text": "To be shared.", "party_ids": []}
    gone.post(f"{dispute.path}/filings", {**statement, "audience": "participants"}).expect(403)
    text = next(path for path in left.known if "/drafts/" in path)
    gone.post(f"{left.joint}/join").expect(403)
    head = {"content-type": "application/pdf", "content-disposition": "attachment; filename=x.pdf"}
    gone.send("POST", f"{left.own_text}/documents?language=en", content=pdf(900), headers=head).expect(403)
    gone.get(text).expect(200)
    own = {**statement, "party_ids": [dispute.party("side-3")]}
    gone.post(f"{dispute.path}/filings", {**own, "audience": "caucus"}).expect(403)
    letter = dispute.filing(gone, "party-registry", "side-3")
    dispute.registrar.get(f"{dispute.path}/filings/{letter['id']}").expect(200)
    counsel = house.person("Cora Unsel")
    dispute.admit(gone, counsel, dispute.party("side-3"), "counsel", MANDATE)
    counsel.get(f"{dispute.path}/filings/{letter['id']}").expect(200)


def test_the_others_freeze_a_text_that_the_party_that_withdrew_does_not_read(
    left: Left,
) -> None:
    gone, dispute = left.gone, left.dispute
    draft = dispute.draft()
    gone.get(f"{dispute.path}/settlement/drafts/{draft['id']}").expect(404)
    text = dispute.freeze(draft).expect(200)
    signature = dispute.sign(dispute.requesting, "requesting", text).expect(201)
    assert (signature["remaining"], signature["remaining_count"]) == ([dispute.party("responding")], 1)


def test_a_joint_draft_stays_as_it_was_when_one_of_its_parties_withdrew(left: Left) -> None:
    dispute, gone, path = left.dispute, left.gone, left.joint
    before = [gone.get(path).expect(200), gone.get(f"{dispute.path}/filings?count=true").expect(200)]
    head = {"content-type": "application/pdf", "content-disposition": "attachment; filename=x.pdf"}
    tag = dispute.requesting.get(path).headers["etag"]
    for act in (
        dispute.requesting.patch(path, {"text": "We offer half."}, if_match=tag),
        dispute.requesting.send("POST", f"{path}/documents", content=pdf(900), headers=head),
        dispute.requesting.post(f"{path}/submit"),
    ):
        act.expect(409, "party-withdrawn")
    assert [gone.get(path).expect(200), gone.get(f"{dispute.path}/filings?count=true").expect(200)] == before
    dispute.requesting.send("DELETE", path, headers={"if-match": tag}).expect(204)


def test_a_text_that_a_party_that_withdrew_reads_keeps_its_documents(dispute: Dispute) -> None:
    walker = Walker(dispute, "icsid-2022")
    among_three(walker, "settling")
    gone, path = walker.sides["side-3"], f"{dispute.path}/settlement/drafts/{dispute.draft()['id']}"
    head = {"content-type": "application/pdf", "content-disposition": "attachment; filename=x.pdf"}
    upload = f"{path}/documents?language=en&relation=authentic-text"
    file = dispute.mediator.send("POST", upload, content=pdf(900), headers=head).expect(201)
    text = gone.get(path).expect(200)
    dispute.step(gone, "withdraw", {"reason": "We leave."}).expect(200)
    dispute.mediator.post(f"/v1/documents/{file['id']}/remove").expect(409, "party-withdrawn")
    dispute.mediator.send("POST", upload, content=pdf(901), headers=head).expect(409, "party-withdrawn")
    assert gone.get(path).expect(200) == text


def test_a_party_that_withdrew_does_not_learn_why_the_others_withdraw_what_it_had_joined(dispute: Dispute) -> None:
    walker = Walker(dispute, "icsid-2022")
    among_three(walker, "settling")
    gone = walker.sides["side-3"]
    paths = filed_jointly(dispute, gone)
    before = [gone.get(path).expect(200) for path in paths]
    dispute.step(gone, "withdraw", {"reason": "We leave."}).expect(200)
    dispute.house.clock.pass_by(seconds=1)
    why = {"reason": "It named our source."}
    for path in reversed(paths):
        withdrawn = dispute.requesting.post(f"{path}/withdraw", why).expect(200)
        assert withdrawn["withdrawal"]["reason"] == why["reason"]
    assert [gone.get(path).expect(200) for path in paths] == before
    dispute.responding.get(paths[1]).expect(404)


def test_a_party_that_withdrew_still_withdraws_what_it_filed_by_mistake(house: House, left: Left) -> None:
    dispute, gone = left.dispute, left.gone
    path = f"{dispute.path}/filings/{left.filings[2]}"
    withdrawn = gone.post(f"{path}/withdraw", {"reason": "Sent in haste."}).expect(200)
    assert (withdrawn["text"], withdrawn["withdrawal"]["reason"]) == ("As set out.", "Sent in haste.")
    others = dispute.requesting.get(path).expect(200)
    assert (others["text"], others["withdrawal"]) == (None, None)
    assert others["withdrawn_at"] is not None
    gone.post(f"{dispute.path}/filings/{left.filings[0]}/withdraw").expect(403)


def test_a_party_that_withdrew_does_not_learn_that_a_signature_became_void(dispute: Dispute) -> None:
    walker = Walker(dispute, "icsid-2022")
    among_three(walker, "settling")
    gone, text = walker.sides["side-3"], dispute.freeze(dispute.draft()).expect(200)
    signature = dispute.sign(dispute.requesting, "requesting", text).expect(201)
    path = f"{dispute.path}/settlement/signatures/{signature['id']}"
    dispute.step(gone, "withdraw", {"reason": "We leave."}).expect(200)
    dispute.house.clock.pass_by(seconds=1)
    before = gone.get(path).expect(200)
    dispute.freeze(dispute.draft()).expect(200)
    assert dispute.requesting.get(path).expect(200)["voided_at"] is not None
    assert gone.get(path).expect(200) == before


def test_a_party_that_withdrew_does_not_learn_who_became_the_mediator_later(left: Left) -> None:
    dispute, gone = left.dispute, left.gone
    first = f"/v1/cases?mediator={dispute.mediator.id}"
    assert [item["id"] for item in gone.get(first).expect(200)["items"]] == [dispute.case["id"]]
    dispute.resign()
    successor, path = dispute.succeeded()
    dispute.registrar.post(f"{path}/confirm").expect(200)
    assert [each["name"] for each in dispute.read()["mediators"]] == [successor.name]
    assert gone.get(dispute.path).expect(200)["mediators"] == []
    entry = dispute.registrar.get(path).expect(200)["mediator_id"]
    for query in (f"mediator={successor.id}", f"mediator={entry}"):
        assert gone.get(f"/v1/cases?{query}").expect(200)["items"] == [], query
        assert len(dispute.requesting.get(f"/v1/cases?{query}").expect(200)["items"]) == 1, query
