"""The capacity in which somebody signs is one of the party's kind, and is borne out by what is on record."""

import itertools

import pytest

from app.core.errors import Conflict, Invalid
from app.core.tables.cases import Case
from app.proceedings.settlements.signers import CLAIMS, OnRecord, capacities_for, powers_for
from tests.installation import Answer, House, Json, Person
from tests.story import POWERS, UNCITRAL, Dispute

KINDS = ("state", "organisation", "company", "public-body", "person")
ROLES = ("agent", "co-agent", "counsel")
OFFICES_OF_STATES = ("head-of-state", "head-of-government", "foreign-minister")
EX_OFFICIO = {**POWERS, "kind": "ex-officio"}


def sign(dispute: Dispute, person: Person, text: Json, capacity: str, **more: object) -> Answer:
    """The request of somebody to sign for the responding party in a capacity."""
    body = {"draft_id": text["id"], "sha256": text["sha256"], "party_id": dispute.party("responding")}
    return person.post(f"{dispute.path}/settlement/signatures", {**body, "capacity": capacity, **more})


def of_kind(dispute: Dispute, kind: str) -> Json:
    """The frozen text of a dispute whose responding party is of that kind."""
    parties = [
        {"side": "requesting", "kind": "state", "name": "Republic of Ostrava"},
        {"side": "responding", "kind": kind, "name": "Serin Hydro"},
    ]
    category = "investor-state" if kind == "company" else "commercial"
    dispute.mediating(**{**UNCITRAL, "category": category, "parties": parties})
    return dispute.frozen()


def record(dispute: Dispute, person: Person, powers: Json) -> None:
    """Record the powers of a representative of the responding party."""
    path = dispute.representatives("responding")
    (own,) = [item for item in person.get(path).expect(200)["items"] if item["user_id"] == person.id]
    recorded = dispute.registrar.post(f"{path}/{own['id']}/powers", powers).expect(200)
    assert recorded["office"] == powers.get("office")


def test_no_agent_with_full_powers_signs_as_the_head_of_state(dispute: Dispute) -> None:
    text = dispute.frozen()
    for capacity in OFFICES_OF_STATES:
        refused = sign(dispute, dispute.responding, text, capacity).expect(409, "need-not-met")
        assert [reason["code"] for reason in refused["reasons"]] == ["powers-on-record"]
        assert f"'{capacity}'" in refused["reasons"][0]["cure"]
    refused = sign(dispute, dispute.responding, text, "co-agent").expect(409, "need-not-met")
    assert [reason["code"] for reason in refused["reasons"]] == ["capacity-on-record"]
    for capacity in ("director", "authorised-signatory", "attorney", "in-person", "executive-head"):
        sign(dispute, dispute.responding, text, capacity).expect(422, "invalid")
    assert dispute.registrar.get(f"{dispute.path}/settlement/signatures").expect(200)["items"] == []
    assert sign(dispute, dispute.responding, text, "agent").expect(201)["capacity"] == "agent"


def test_an_office_signs_where_it_is_recorded_and_no_other(dispute: Dispute) -> None:
    text = dispute.frozen()
    record(dispute, dispute.responding, {**EX_OFFICIO, "office": "foreign-minister"})
    sign(dispute, dispute.responding, text, "head-of-state").expect(409, "need-not-met")
    sign(dispute, dispute.responding, text, "agent").expect(409, "need-not-met")
    sign(dispute, dispute.responding, text, "foreign-minister").expect(201)
    listed = dispute.requesting.get(dispute.representatives("responding")).expect(200)["items"]
    assert [(item["powers"], item["office"]) for item in listed] == [(None, None)]


def test_an_office_goes_with_powers_ex_officio_alone(dispute: Dispute) -> None:
    dispute.mediating()
    (own,) = dispute.responding.get(dispute.representatives("responding")).expect(200)["items"]
    path = f"{dispute.representatives('responding')}/{own['id']}/powers"
    refused = dispute.responding.post(path, {**POWERS, "office": "head-of-state"}).expect(422, "invalid")
    assert [fault["code"] for fault in refused["errors"]] == ["office"]


def test_counsel_with_a_mandate_signs_for_a_company_as_its_attorney_alone(house: House, dispute: Dispute) -> None:
    text = of_kind(dispute, "company")
    counsel = house.person("Cora Unsel")
    dispute.admit_counsel(counsel, "responding")
    for capacity in (*OFFICES_OF_STATES, "plenipotentiary", "in-person", "executive-head"):
        refused = sign(dispute, counsel, text, capacity).expect(422, "invalid")
        assert [(fault["pointer"], fault["code"]) for fault in refused["errors"]] == [("/capacity", "capacity")]
        assert "'attorney'" in refused["errors"][0]["message"]
    for capacity, code in (("agent", "capacity-on-record"), ("director", "powers-on-record")):
        refused = sign(dispute, counsel, text, capacity).expect(409, "need-not-met")
        assert [reason["code"] for reason in refused["reasons"]] == [code]
    assert sign(dispute, counsel, text, "attorney").expect(201)["capacity"] == "attorney"


def test_a_signature_on_paper_records_the_office_by_which_it_was_given(dispute: Dispute) -> None:
    text = dispute.frozen()
    paper = {"on_behalf_of": dispute.party("responding"), "received_via": "courier"}
    minister = {"name": "Vera Tal", "powers": {**EX_OFFICIO, "office": "foreign-minister"}}
    sign(dispute, dispute.registrar, text, "head-of-state", signer=minister, **paper).expect(409, "need-not-met")
    queen = {"name": "Queen Vera II", "powers": EX_OFFICIO}
    sign(dispute, dispute.registrar, text, "head-of-state", signer=queen, **paper).expect(201)
    recorded = dispute.events(dispute.responding, "powers-recorded")[-1]
    assert recorded["content"]["office"] == "head-of-state"


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_signature_claims_is_on_record(kind: str) -> None:
    case = Case(stage="settling", procedure="iomed-state-2025")
    taken = set()
    for capacity, role, powers in itertools.product(CLAIMS, (*ROLES, None), ("full-powers", "mandate", "ex-officio")):
        for office in ("head-of-state", "director", None) if powers == "ex-officio" else (None,):
            record = OnRecord(role, powers, office)
            try:
                rests_on = powers_for(case, kind, capacity, [record])
            except (Conflict, Invalid):
                continue
            taken.add(capacity)
            assert rests_on == powers
            assert capacity in capacities_for(kind)
            if capacity in ("agent", "co-agent"):
                assert role in (capacity, None)
            if capacity in (*OFFICES_OF_STATES, "director", "executive-head"):
                assert (powers, office in (None, capacity)) == ("ex-officio", True)
            if kind in ("state", "organisation") and powers != "full-powers":
                assert capacity in (*OFFICES_OF_STATES, "executive-head")
    assert taken == set(capacities_for(kind))
    assert ("head-of-state" in taken) == (kind == "state")


def test_an_agent_who_signs_for_another_party_learns_for_whom_they_may_sign(dispute: Dispute) -> None:
    text = dispute.frozen()
    refused = sign(dispute, dispute.requesting, text, "agent").expect(403, "not-your-capacity")
    assert refused["detail"] == (
        "You do not act for the party that 'party_id' names: you sign for Republic of Ostrava."
    )
