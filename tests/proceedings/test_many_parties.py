"""A case of some hundred parties: requested, referred, represented as a group, settled, and shown page by page."""

import io
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from uuid import UUID

import pypdf
import pytest

from app.core.access.policy import AudienceView, CapacityView, CaseView, PartyView, readers_of
from app.rules import engine
from app.rules.loader import library
from app.rules.model import Facts, Holding, PartyFact
from tests.courts import court, program, referral
from tests.installation import START, House, Json, Person
from tests.lists import walk_pages
from tests.story import CONSENT, GIVES, MANDATE, POWERS, UNCITRAL, Dispute

COMPANY = {"side": "responding", "kind": "company", "name": "Serin Works Ltd"}
BY_MANDATE = {"fields": {"consent": CONSENT, "powers": MANDATE}}


def claimants(number: int) -> list[Json]:
    """So many claimants, and the company against which they claim."""
    return [{"side": "requesting", "kind": "person", "name": f"Claimant {n:03}"} for n in range(number)] + [COMPANY]


def party_ids(person: Person, case: str, condition: str = "") -> list[str]:
    """The ids of the parties on every page of the list with this condition."""
    ids: list[str] = []
    query = f"limit=200&{condition}".removesuffix("&")
    page = person.get(f"{case}/parties?{query}").expect(200)
    while page["next"]:
        ids += [party["id"] for party in page["items"]]
        page = person.get(f"{case}/parties?{query}&after={page['next']}").expect(200)
    return ids + [party["id"] for party in page["items"]]


class GroupAction:
    """A matter that a court referred, with the claimants' common representative admitted in one act."""

    def __init__(self, house: House, number: int) -> None:
        self.house, self.registrar = house, house.registrar
        self.court = program(house, court(house))
        self.sent = self.court.post("/v1/referrals", referral(parties=claimants(number))).expect(201)
        path = f"/v1/referrals/{self.sent['id']}"
        self.registrar.post(f"{path}/accept", {"procedure": "court-referred"}).expect(200)
        self.case = f"/v1/cases/{self.court.get(path).expect(200)['case_id']}"
        self.claimants = party_ids(self.registrar, self.case, "side=requesting")
        (self.company,) = party_ids(self.registrar, self.case, "side=responding")
        self.representative, self.agent = house.person("Rita Groop"), house.person("Carl Pany")
        group = {"user_id": self.representative.id, "role": "agent", "powers": MANDATE, "party_ids": self.claimants}
        self.admitted = self.registrar.post(f"{self.case}/representatives", group).expect(201)
        own = {"user_id": self.agent.id, "role": "agent", "powers": MANDATE}
        self.registrar.post(f"{self.case}/parties/{self.company}/representatives", own).expect(201)
        self.mediator, self.entry = house.mediator("Mina Datar")

    def mediating(self) -> None:
        """Bring the case to mediation: every claimant joins and accepts the mediator."""
        self.registrar.post(f"{self.case}/steps/invite").expect(200)
        self.agent.post(f"{self.case}/steps/accept-invitation", BY_MANDATE).expect(200)
        # The acceptance of the referral counts as the lodging of the first of them.
        for party_id in self.claimants[1:]:
            self.representative.post(f"{self.case}/steps/join", {**BY_MANDATE, "acting_for": party_id}).expect(200)
        self.registrar.post(f"{self.case}/steps/register", {"due_on": "2026-06-30"}).expect(200)
        made = self.agent.post(f"{self.case}/appointments", {"mediator_id": self.entry}).expect(201)
        appointment = f"/v1/appointments/{made['id']}"
        self.mediator.post(f"{appointment}/declare", {"independent": True}).expect(200)
        for party_id in self.claimants:
            self.representative.post(f"{appointment}/accept", {"acting_for": party_id}).expect(200)
        self.registrar.post(f"{appointment}/confirm").expect(200)

    def frozen(self) -> Json:
        """A text that is frozen for signature."""
        clauses = [{"number": "1", "text": "The company pays each claimant the same sum."}]
        body = {"title": "Settlement", "language": "en", "clauses": clauses, "audience": "participants"}
        draft = self.mediator.post(f"{self.case}/settlement/drafts", body).expect(201)
        path = f"{self.case}/settlement/drafts/{draft['id']}/freeze"
        return dict(self.mediator.post(path, {"sha256": draft["sha256"]}).expect(200))

    def sign(self, person: Person, party_id: str, text: Json) -> Json:
        """A signature for a party."""
        body = {"draft_id": text["id"], "sha256": text["sha256"], "party_id": party_id, "capacity": "agent"}
        return dict(person.post(f"{self.case}/settlement/signatures", body).expect(201))


@pytest.mark.slow
def test_forty_claimants_are_referred_mediated_and_certified(house: House) -> None:
    group = GroupAction(house, 40)
    case = group.registrar.get(group.case).expect(200)
    assert (case["party_count"], [party["name"] for party in case["parties"]]) == (
        41,
        [f"Claimant {n:03}" for n in range(20)],
    )
    (item,) = group.court.get("/v1/referrals").expect(200)["items"]
    assert (len(item["parties"]), item["party_count"], len(group.sent["parties"])) == (20, 41, 41)
    group.mediating()
    body = {"kind": "caucus", "title": "All claimants", "audience": "caucus", "party_ids": group.claimants}
    when = {"starts_at": "2026-06-01T10:00", "ends_at": "2026-06-01T12:00"}
    caucus = group.mediator.post(f"{group.case}/sessions", {**body, **when}).expect(201)
    assert group.representative.get(f"{group.case}/sessions/{caucus['id']}").expect(200)["title"] == "All claimants"
    group.agent.get(f"{group.case}/sessions/{caucus['id']}").expect(404)
    text = group.frozen()
    waits = group.registrar.get(group.case).expect(200)
    assert (len(waits["waiting_for"]), waits["waiting_count"]) == (20, 41)
    assert len(party_ids(group.registrar, group.case, "awaited=true")) == 41
    first = group.sign(group.representative, group.claimants[0], text)
    assert (first["remaining"], first["remaining_count"]) == (group.claimants[1:21], 40)
    assert party_ids(group.agent, group.case, "signed=true") == group.claimants[:1]
    assert party_ids(group.agent, group.case, "signed=false") == [*group.claimants[1:], group.company]
    for party_id in group.claimants[1:]:
        group.sign(group.representative, party_id, text)
    last = group.sign(group.agent, group.company, text)
    assert (last["remaining"], last["remaining_count"]) == ([], 0)
    group.mediator.post(f"{group.case}/steps/report").expect(200)
    (certificate,) = group.agent.get(f"{group.case}/settlement/certificates").expect(200)["items"]
    drawn = group.agent.send("GET", f"{group.case}/settlement/certificates/{certificate['id']}.pdf")
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(drawn.response.content)).pages]
    assert len(pages) > 3
    names = {f"Claimant {n:03}" for n in range(40)}
    # As a party, as a party that signed, and as one that took a step.
    assert all(sum(page.count(name) for page in pages) >= 3 for name in names)
    assert sum("Signed by" in page for page in pages) > 1, "each page of a long table repeats its head"


def test_a_common_representative_is_admitted_in_one_act(house: House) -> None:
    group = GroupAction(house, 25)
    admitted, listed = group.admitted, f"{group.case}/representatives"
    assert (admitted["user_id"], admitted["role"], admitted["pending"]) == (group.representative.id, "agent", False)
    assert set(admitted["party_ids"]) == set(group.claimants)
    events = group.registrar.get(f"{group.case}/events?limit=200").expect(200)["items"]
    (event,) = [event for event in events if event["type"] == "common-representative-admitted"]
    assert event["payload"]["party_ids"] == group.claimants
    assert sum(event["type"] == "powers-recorded" for event in events) == 2
    ids = walk_pages(group.registrar, listed, 7)
    assert len(ids) == 26
    assert group.registrar.get(f"{listed}/{ids[0]}").expect(200)["name"] == "Rita Groop"
    group.registrar.post(f"{group.case}/steps/invite").expect(200)
    assert party_ids(group.agent, group.case, "mine=true") == [group.company]
    assert party_ids(group.representative, group.case, "mine=true") == group.claimants
    # The powers are for the group and the registry to read.
    path = f"{group.case}/parties/{group.claimants[3]}/representatives"
    powers = {**MANDATE}
    assert group.representative.get(path).expect(200)["items"][0]["powers"] == powers
    assert group.agent.get(path).expect(200)["items"][0]["powers"] is None
    # Which party is meant is asked, with the first of them by name.
    refused = group.representative.post(f"{group.case}/steps/join", BY_MANDATE).expect(422, "acting-for")
    assert len(refused["parties"]) == 20
    assert "or one of 5 more that you represent" in refused["errors"][0]["message"]


def test_common_powers_keep_the_office_that_they_name(house: House) -> None:
    group, director = GroupAction(house, 2), house.person("Dee Rector")
    powers = {**POWERS, "kind": "ex-officio", "office": "director"}
    body = {"user_id": director.id, "role": "co-agent", "powers": powers, "party_ids": group.claimants}
    group.representative.post(f"{group.case}/representatives", body).expect(201)
    listed = group.representative.get(f"{group.case}/representatives").expect(200)["items"]
    assert [item["office"] for item in listed if item["user_id"] == director.id] == ["director"] * 2


@pytest.mark.usefixtures("watched")
def test_a_common_representative_is_admitted_by_those_who_may_admit_one_for_each(house: House) -> None:
    group = GroupAction(house, 3)
    counsel = house.person("Corvin Unsel")
    path = f"{group.case}/representatives"
    body: Json = {"user_id": counsel.id, "role": "counsel", "powers": MANDATE, "party_ids": group.claimants}
    group.registrar.post(f"{group.case}/steps/invite").expect(200)
    for person in (group.registrar, group.agent):
        person.post(path, body).expect(403, "forbidden")
    group.mediator.post(path, body).expect(404)
    wrong: list[tuple[Json, str, str]] = [
        ({"party_ids": [*group.claimants, group.company]}, "/party_ids", "sides"),
        ({"party_ids": ["00000000-0000-4000-8000-00000000dead"]}, "/party_ids", "unknown-party"),
        ({"party_ids": []}, "/party_ids", "too-short"),
        ({"party_ids": group.claimants[:1] * 2}, "/party_ids", "repeated"),
        ({"user_id": group.registrar.id}, "/user_id", "unknown-user"),
    ]
    for change, pointer, code in wrong:
        (fault,) = group.representative.post(path, {**body, **change}).expect(422, "invalid")["errors"]
        assert (fault["pointer"], fault["code"]) == (pointer, code)
    key = {"idempotency-key": "once"}
    first = group.representative.post(path, {**body, "party_ids": group.claimants[:2]}, **key).expect(201)
    assert group.representative.post(path, {**body, "party_ids": group.claimants[:2]}, **key).expect(201) == first
    # Already counsel of two of them, and so not of all in one act.
    group.representative.post(path, body).expect(409, "already-in-case")
    invited = {"email": "late@example.org", "name": "Late Comer", "role": "counsel", "powers": MANDATE}
    late = group.representative.post(path, {**invited, "party_ids": group.claimants}).expect(201)
    assert (late["pending"], late["admitted_at"], len(late["party_ids"])) == (True, None, 3)


def test_counsel_opens_a_request_of_five_hundred_parties(house: House, dispute: Dispute) -> None:
    opened = dispute.opened(parties=claimants(499), **UNCITRAL | {"category": "commercial"})
    assert (opened["party_count"], len(opened["parties"])) == (500, 20)
    assert len(party_ids(dispute.requesting, dispute.path)) == 500
    assert party_ids(dispute.requesting, dispute.path, "mine=true") == [opened["parties"][0]["id"]]
    further = {"side": "requesting", "kind": "person", "name": "One More"}
    dispute.requesting.post(f"{dispute.path}/parties", further).expect(409, "too-many-parties")
    lodged = dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    assert lodged["party_count"] == 500
    (item,) = dispute.registrar.get("/v1/cases").expect(200)["items"]
    assert (len(item["parties"]), item["party_count"]) == (20, 500)


def test_another_party_joins_a_case_of_twenty(dispute: Dispute) -> None:
    dispute.lodged(parties=claimants(19), **UNCITRAL | {"category": "commercial"})
    body = {"side": "requesting", "kind": "person", "name": "Claimant 019"}
    added = dispute.registrar.post(f"{dispute.path}/parties", body).expect(201)
    agent = {"user_id": dispute.requesting.id, "role": "agent", "powers": POWERS}
    dispute.registrar.post(f"{dispute.path}/parties/{added['id']}/representatives", agent).expect(201)
    dispute.step(dispute.requesting, "join", {**GIVES, "acting_for": added["id"]}).expect(200)
    assert dispute.read()["party_count"] == 21


def test_a_refusal_names_the_first_parties_and_how_many_more_there_are(house: House) -> None:
    group = GroupAction(house, 30)
    group.registrar.post(f"{group.case}/steps/invite").expect(200)
    group.agent.post(f"{group.case}/steps/accept-invitation", BY_MANDATE).expect(200)
    refused = group.registrar.post(f"{group.case}/steps/register", {"due_on": "2026-06-30"}).expect(409)
    assert [reason["detail"] for reason in refused["reasons"][-2:]] == [
        "Claimant 020 has not consented to mediation.",
        "The same is so in 9 more cases, which are not listed.",
    ]
    assert len(refused["reasons"]) == 21


def calls_of(act: Callable[[], object]) -> int:
    """How many calls of Python functions an act makes: a measure of work that no other process can disturb."""
    made = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event == "call"

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return made


def grows_linearly(act_with: Callable[[int], Callable[[], object]]) -> bool:
    """Whether four times the parties take about four times the work: sixteen times would be quadratic."""
    few, many = (calls_of(act_with(number)) for number in (60, 240))
    return many < 6 * few


def facts_with(number: int) -> Facts:
    """A case of so many claimants against a company, all of which have still to sign or to accept."""
    parties = [
        PartyFact(UUID(int=n), "requesting" if n else "responding", "state", f"Party {n}", consented=n % 2 == 0)
        for n in range(number)
    ]
    parties[1] = replace(parties[1], participation="withdrawn")
    return Facts("invited", frozenset({"water-allocation"}), date(2026, 3, 2), parties=tuple(parties))


def test_the_rules_do_no_work_that_is_quadratic_in_the_parties() -> None:
    procedure = library()["court-referred"]

    def steps_of_a_common_representative(number: int) -> Callable[[], object]:
        facts = facts_with(number)
        holdings = [Holding("requesting-party", party.id) for party in facts.parties[1:]]
        return lambda: engine.open_steps(procedure, facts, holdings, date(2026, 3, 3))

    def awaited(number: int) -> Callable[[], object]:
        facts = replace(facts_with(number), stage="settling")
        return lambda: engine.waiting(procedure, facts, date(2026, 3, 3))

    assert grows_linearly(steps_of_a_common_representative)
    assert grows_linearly(awaited)


def test_the_readers_of_a_case_are_found_without_work_that_is_quadratic_in_the_parties() -> None:
    def readers(number: int) -> Callable[[], object]:
        case = CaseView(UUID(int=1), UUID(int=2), START, lodged=True, served=True, generation=0)
        ids = [UUID(int=10 + n) for n in range(number)]
        parties = [PartyView(id, "requesting", 0) for id in ids]
        agents = [CapacityView(id, UUID(int=10_000 + n), "agent", id, 0) for n, id in enumerate(ids)]
        audiences = [AudienceView(id, "party-registry", frozenset({id}), None, 0) for id in ids]
        return lambda: readers_of(case, parties, agents, audiences)

    assert grows_linearly(readers)
