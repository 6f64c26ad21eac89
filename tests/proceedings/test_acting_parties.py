"""People who act for several parties of a case: they say for which, and nothing reaches another side."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.policy import REPRESENTATIVES, CapacityView, CaseView, PartyView
from app.core.errors import PartyNotNamed
from tests.installation import Json, Person
from tests.mixtures import AUDIENCES_OF_PARTIES, Attempted, statement
from tests.story import GIVES, MANDATE, Dispute
from tests.uploads import Desk


@dataclass
class Sides:
    """A case with two responding parties: `both` is agent of both, `other` co-agent of the party `second` alone.

    `chosen` is the party for which `both` wants to act.
    """

    dispute: Dispute
    both: Person
    other: Person
    chosen: str
    second: str

    @property
    def path(self) -> str:
        """The path of the case."""
        return self.dispute.path


@pytest.fixture(params=["first", "last"])
def sides(request: pytest.FixtureRequest, dispute: Dispute) -> Sides:
    """The case once served; the party that is not chosen has the first or the last id of the two."""
    second = dispute.lodged_with_third_state("responding")
    both = dispute.responding
    dispute.admit(dispute.registrar, both, second)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    ordered = sorted([dispute.party("responding"), second])
    second, chosen = ordered if request.param == "first" else reversed(ordered)
    other = dispute.house.person("Sela Vane")
    dispute.admit(both, other, second, "co-agent", MANDATE)
    return Sides(dispute, both, other, chosen, second)


def authors(dispute: Dispute, person: Person, kind: str) -> list[str | None]:
    """The parties for which the events of a type were done, as somebody reads them."""
    return [event["actor"]["party_id"] for event in dispute.events(person, kind)]


def test_a_draft_for_the_caucus_of_one_party_is_seen_by_that_side_alone(sides: Sides) -> None:
    draft = sides.both.post(f"{sides.path}/filings", statement("caucus", sides.chosen)).expect(201)
    assert draft["author_party_id"] == sides.chosen
    desk = Desk(sides.dispute, draft)
    document = desk.document(person=sides.both)
    path = f"{sides.path}/filings/{draft['id']}"
    for _moment in ("draft", "submitted"):
        sides.other.get(path).expect(404)
        assert sides.other.get(f"{sides.path}/filings").expect(200)["items"] == []
        sides.other.get(f"/v1/documents/{document['id']}/content").expect(404)
        assert not [event for event in sides.dispute.events(sides.other) if "filing" in event["type"]]
        sides.both.post(f"{path}/submit")
    receipt = sides.both.get(f"{path}/receipt").expect(200)["body"]
    assert receipt["by"]["party"]["id"] == sides.chosen
    assert authors(sides.dispute, sides.both, "filing-submitted") == [sides.chosen]
    assert authors(sides.dispute, sides.both, "document-stored") == [sides.chosen]


def test_who_acts_for_two_parties_learns_which_they_are(sides: Sides) -> None:
    refused = sides.both.post(f"{sides.path}/filings", statement()).expect(422, "acting-for")
    assert [party["id"] for party in refused["parties"]] == [
        party["id"] for party in sides.dispute.case["parties"] if party["id"] in (sides.chosen, sides.second)
    ]
    assert {party["name"] for party in refused["parties"]} == {"Kingdom of Vedria", "Soli"}
    assert [(fault["pointer"], fault["code"]) for fault in refused["errors"]] == [("/acting_for", "acting-for")]


@pytest.mark.parametrize("acting_for", ["second", "requesting", "unknown"])
def test_nobody_acts_for_a_party_that_is_not_theirs_or_that_the_act_leaves_out(sides: Sides, acting_for: str) -> None:
    named = {
        "second": sides.second,
        "requesting": sides.dispute.party("requesting"),
        "unknown": "6b1f0c52-8d1e-4c57-9a63-000000000001",
    }[acting_for]
    body = statement("caucus", sides.chosen, acting_for=named)
    sides.both.post(f"{sides.path}/filings", body).expect(422, "acting-for")
    sides.other.post(f"{sides.path}/filings", statement(acting_for=sides.chosen)).expect(422, "acting-for")
    registrar = sides.dispute.registrar
    registrar.post(f"{sides.path}/filings", statement(acting_for=sides.chosen)).expect(422, "acting-for")


ACTS: dict[str, tuple[str, Json, str, int]] = {
    "filing": ("filings", statement(), "filing-drafted", 201),
    "third State": ("third-states", {"name": "Lumea"}, "third-state-named", 201),
    "step": ("steps/accept-invitation", GIVES, "step-taken", 200),
}


@pytest.mark.parametrize("name", ACTS)
def test_each_act_is_done_for_the_party_that_is_named(sides: Sides, name: str) -> None:
    path, body, kind, status = ACTS[name]
    sides.both.post(f"{sides.path}/{path}", body).expect(422, "acting-for")
    for party_id in (sides.chosen, sides.second):
        sides.both.post(f"{sides.path}/{path}", {**body, "acting_for": party_id}).expect(status)
    assert authors(sides.dispute, sides.both, kind)[-2:] == [sides.chosen, sides.second]


def test_the_consent_of_one_party_is_not_that_of_the_other(sides: Sides) -> None:
    sides.dispute.step(sides.both, "accept-invitation", {**GIVES, "acting_for": sides.chosen}).expect(200)
    consents = sides.both.get(f"{sides.path}/consents").expect(200)["items"]
    assert {consent["party_id"] for consent in consents} == {sides.dispute.party("requesting"), sides.chosen}
    again = sides.dispute.step(sides.both, "accept-invitation", {**GIVES, "acting_for": sides.chosen})
    again.expect(409, "step-not-open")
    assert sides.both.get(sides.path).expect(200)["stage"] == "invited"
    steps = sides.both.get(f"{sides.path}/steps").expect(200)["items"]
    assert any(step["available"] for step in steps if step["step"] == "accept-invitation")


def test_an_agent_of_two_parties_nominates_and_accepts_for_one_at_a_time(sides: Sides) -> None:
    dispute = sides.dispute
    for party_id in (sides.chosen, sides.second):
        dispute.step(sides.both, "accept-invitation", {**GIVES, "acting_for": party_id}).expect(200)
    for step in ("screen", "register"):
        dispute.step(dispute.registrar, step).expect(200)
    nomination = {"mediator_id": dispute.mediator_id}
    sides.both.post(f"{sides.path}/appointments", nomination).expect(422, "acting-for")
    nominated = sides.both.post(f"{sides.path}/appointments", {**nomination, "acting_for": sides.chosen}).expect(201)
    assert nominated["accepted_by"] == [sides.chosen]
    path = f"/v1/appointments/{nominated['id']}"
    dispute.mediator.post(f"{path}/declare", {"independent": True}).expect(200)
    sides.both.post(f"{path}/accept").expect(422, "acting-for")
    sides.both.post(f"{path}/accept", {"acting_for": sides.chosen}).expect(409, "already-accepted")
    accepted = sides.both.post(f"{path}/accept", {"acting_for": sides.second}).expect(200)
    assert set(accepted["accepted_by"]) == {sides.chosen, sides.second}
    assert authors(dispute, sides.both, "appointment-accepted") == [sides.second]


@st.composite
def attempts(draw: st.DrawFn) -> Attempted:
    """Filings by people who represent some of the parties of one side, the first two or the other three."""
    represented = draw(st.frozensets(st.sampled_from(draw(st.sampled_from([(0, 1), (2, 3, 4)]))), min_size=1))
    audience = draw(st.sampled_from(["public", "participants", *AUDIENCES_OF_PARTIES]))
    named = draw(st.frozensets(st.integers(0, 4), min_size=1)) if audience in AUDIENCES_OF_PARTIES else frozenset()
    return Attempted(represented, audience, named, draw(st.none() | st.integers(0, 4)))


@given(attempt=attempts(), ids=st.permutations(range(5)), role=st.sampled_from(REPRESENTATIVES))
def test_the_acting_party_is_the_only_party_or_the_named_party(attempt: Attempted, ids: list[int], role: str) -> None:
    party_ids = [UUID(int=id) for id in ids]
    person, case = UUID(int=100), CaseView(UUID(int=101), UUID(int=102), datetime.now(UTC), True, True, 0)
    parties = tuple(
        PartyView(id, "requesting" if number < 2 else "responding", 0) for number, id in enumerate(party_ids)
    )
    held = [CapacityView(UUID(int=200), person, "observer", None, 0)]
    held += [CapacityView(UUID(int=201 + number), person, role, party_ids[number], 0) for number in attempt.represented]
    circle = Circle(case, parties, tuple(held), ())
    acting_for = None if attempt.acting_for is None else party_ids[attempt.acting_for]
    named = [party_ids[number] for number in attempt.party_ids]
    if attempt.party is not None:
        assert circle.acting_party(Actor(person, "user", "x"), acting_for, named) == party_ids[attempt.party]
        return
    with pytest.raises(PartyNotNamed) as refused:
        circle.acting_party(Actor(person, "user", "x"), acting_for, named)
    offered = {UUID(party["id"]) for party in refused.value.members["parties"]}
    assert offered <= {party_ids[number] for number in attempt.represented}
