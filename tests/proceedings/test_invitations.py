"""An invitation by e-mail names nobody until the registry approves it, and gives no more than an admission then."""

import pytest

from tests.courts import court, program, referral
from tests.installation import House, Json, Person
from tests.story import GIVES, MANDATE, POWERS, Dispute


def invite(by: Person, path: str, address: str, role: str = "counsel", **more: object) -> Json:
    """Somebody invited by e-mail."""
    body = {"email": address, "role": role, "powers": MANDATE, **more}
    return dict(by.post(path, body).expect(201))


def approved(house: House, address: str) -> Person:
    """The holder of an account, approved by the registry."""
    users = house.registrar.get("/v1/users?limit=200").expect(200)["items"]
    user = next(each for each in users if each["email"] == address)
    house.registrar.post(f"/v1/users/{user['id']}/approve").expect(200)
    return house.holder(user["name"], user["id"])


def test_a_common_representative_who_is_invited_is_named_to_nobody(house: House, dispute: Dispute) -> None:
    soli, dana = dispute.lodged_with_third_state("requesting"), house.person("Dana Ruiz")
    dispute.admit(dispute.registrar, dispute.requesting, soli)
    parties = [dispute.party("requesting"), soli]
    answer = dispute.requesting.post(
        f"{dispute.path}/representatives",
        {"email": "dana.ruiz@example.org", "role": "counsel", "powers": MANDATE, "party_ids": parties},
    )
    invited = answer.expect(201)
    assert (invited["user_id"], invited["name"], invited["pending"]) == (None, None, True)
    assert set(invited["party_ids"]) == set(parties)
    assert dana.id not in answer.response.text + str(answer.headers)
    for reader in (dispute.requesting, dispute.registrar):
        (event,) = dispute.events(reader, "common-representative-admitted")
        assert event["payload"]["user_id"] is None
        feed = reader.get("/v1/events?limit=200").expect(200)["items"]
        assert not [each for each in feed if each["type"].startswith("common") and dana.id in str(each)]
    approved(house, "dana.ruiz@example.org")
    assert {party["party_id"] for party in dana.get("/v1/me").expect(200)["capacities"]} == set(parties)


def test_an_invitation_is_not_known_by_whom_its_holder_admitted_before(house: House, dispute: Dispute) -> None:
    dispute.invited()
    path, dana, counsel = dispute.representatives(), house.person("Dana Ruiz"), house.person("Carl Ounsel")
    former = dispute.admit(dispute.requesting, dana, dispute.party("requesting"))
    admitted = dispute.admit(dana, counsel, dispute.party("requesting"), "counsel", MANDATE)
    dispute.requesting.post(f"{path}/{former['id']}/end").expect(200)
    invited = invite(dispute.requesting, path, "dana.ruiz@example.org")
    for reader in (dispute.requesting, dispute.responding, dispute.registrar):
        assert reader.get(f"{path}/{invited['id']}").expect(200)["admitted"] == []
    end = dispute.requesting.post(f"{path}/{invited['id']}/end", {"also": [admitted["id"]]})
    assert end.expect(422)["errors"][0]["code"] == "not-admitted"


def test_the_end_of_an_account_does_not_tell_whom_an_invitation_named(house: House, dispute: Dispute) -> None:
    dispute.invited()
    dana = house.person("Dana Ruiz")
    invited = invite(dispute.requesting, dispute.representatives(), "dana.ruiz@example.org")
    house.admin.post(f"/v1/users/{dana.id}/disable").expect(200)
    (event,) = dispute.events(dispute.responding, "capacity-ended")
    assert event["payload"]["representative_id"] == invited["id"]
    assert dana.id not in str(event)


def test_somebody_of_another_side_who_is_invited_learns_nothing_by_it(dispute: Dispute) -> None:
    dispute.invited()
    path = dispute.representatives()
    invite(dispute.requesting, path, "viktor.drian@example.org")
    invite(dispute.requesting, path, "cora.unsel@example.org")
    shown = dispute.responding.get(path).expect(200)["items"]
    assert [(one["email"], one["name"]) for one in shown if one["pending"]] == [(None, None), (None, None)]
    held = dispute.responding.get("/v1/me").expect(200)["capacities"]
    assert [one["party_id"] for one in held] == [dispute.party("responding")]


def test_nobody_who_was_invited_into_a_discarded_request_reads_it(house: House, dispute: Dispute) -> None:
    dispute.opened()
    invite(dispute.requesting, dispute.representatives(), "cora.unsel@example.org", name="Cora Unsel")
    tag = dispute.requesting.get(dispute.path).headers["etag"]
    dispute.requesting.send("DELETE", dispute.path, headers={"if-match": tag}).expect(204)
    cora = approved(house, "cora.unsel@example.org")
    cora.get(dispute.path).expect(404)
    assert cora.get("/v1/cases").expect(200)["items"] == []
    assert cora.get("/v1/me").expect(200)["capacities"] == []


@pytest.mark.parametrize("has_successor", [False, True])
def test_an_agent_approved_after_another_has_left_reads_from_then_on(
    house: House, dispute: Dispute, has_successor: bool
) -> None:
    dispute.opened()
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    path = dispute.representatives("responding")
    late = invite(dispute.registrar, path, "late@example.org", "agent", name="Lata Gent")
    agent = dispute.admit(dispute.registrar, dispute.responding, dispute.party("responding"))
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    secret = dispute.filing(dispute.responding, "party", "responding", title="What we can give up")
    dispute.registrar.post(f"{path}/{agent['id']}/end").expect(200)
    if has_successor:
        dispute.admit(dispute.registrar, house.person("Suki Cessor"), dispute.party("responding"))
    lata = approved(house, "late@example.org")
    lata.get(f"{dispute.path}/filings/{secret['id']}").expect(404)
    assert lata.get(f"{path}/{late['id']}").expect(200)["reads_from_admission"]
    assert house.wrong_readers() == []


@pytest.mark.parametrize("others_stay", [False, True])
def test_who_is_approved_after_their_inviter_has_left_reads_from_then_on(
    house: House, dispute: Dispute, others_stay: bool
) -> None:
    dispute.mediating()
    path, party = dispute.representatives("responding"), dispute.party("responding")
    second = house.person("Second Agent")
    agent = dispute.admit(dispute.responding, second, party)
    secret = dispute.filing(dispute.responding, "caucus", "responding")
    invited = invite(second, path, "cora.unsel@example.org", name="Cora Unsel")
    kept = invite(dispute.responding, path, "kept@example.org", name="Kep Tin")
    dispute.responding.post(f"{path}/{agent['id']}/end").expect(200)
    if not others_stay:
        listed = dispute.registrar.get(path).expect(200)["items"]
        (own,) = [each for each in listed if each["user_id"] == dispute.responding.id]
        dispute.registrar.post(f"{path}/{own['id']}/end").expect(200)
        dispute.admit(dispute.registrar, house.person("Nova Gent"), party)
    cora, kep = approved(house, "cora.unsel@example.org"), approved(house, "kept@example.org")
    cora.get(f"{dispute.path}/filings/{secret['id']}").expect(404)
    assert cora.get(f"{path}/{invited['id']}").expect(200)["reads_from_admission"]
    assert kep.get(f"{dispute.path}/filings/{secret['id']}").status == (200 if others_stay else 404)
    assert kep.get(f"{path}/{kept['id']}").expect(200)["reads_from_admission"] is not others_stay
    later = dispute.filing(dispute.mediator, "caucus", "responding")
    for person in (cora, kep):
        person.get(f"{dispute.path}/filings/{later['id']}").expect(200)
    if others_stay:
        dispute.responding.post(f"{path}/{invited['id']}/open-earlier").expect(200)
        cora.get(f"{dispute.path}/filings/{secret['id']}").expect(200)
    assert house.wrong_readers() == []


def test_an_invitation_into_a_case_that_has_closed_ends_with_the_approval(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    invited = invite(dispute.requesting, dispute.representatives(), "cora.unsel@example.org", name="Cora Unsel")
    dispute.step(dispute.requesting, "withdraw", {"reason": "Settled elsewhere."}).expect(200)
    cora = approved(house, "cora.unsel@example.org")
    cora.get(dispute.path).expect(404)
    assert cora.get("/v1/me").expect(200)["capacities"] == []
    shown = dispute.requesting.get(f"{dispute.representatives()}/{invited['id']}").expect(200)
    assert shown["ended_at"] is not None
    ended = dispute.events(kind="representative-ended")
    assert [event["payload"]["representative_id"] for event in ended] == [invited["id"]]
    assert house.wrong_readers() == []


def test_a_list_of_whom_a_court_named_does_not_show_whom_a_party_invited(house: House) -> None:
    holder = program(house, court(house))
    sent = referral()
    named = {"name": "Dana Ruiz", "role": "agent", "email": None}
    sent["parties"] = [{**party, "representatives": []} for party in sent["parties"]]
    sent["parties"][0]["representatives"] = [named]
    case_id = holder.post("/v1/referrals", sent).expect(201)["id"]
    case_id = house.registrar.post(f"/v1/referrals/{case_id}/accept").expect(200)["case_id"]
    dispute = Dispute(house, "r")
    dispute.case = house.registrar.get(f"/v1/cases/{case_id}").expect(200)
    house.person("Dana Ruiz")
    side = sent["parties"][0]["side"]
    agent, other = (
        (dispute.requesting, dispute.responding) if side == "requesting" else (dispute.responding, dispute.requesting)
    )
    dispute.admit(house.registrar, agent, dispute.party(side), powers={**POWERS, "kind": "mandate"})
    opposite = "responding" if side == "requesting" else "requesting"
    dispute.admit(house.registrar, other, dispute.party(opposite), powers={**POWERS, "kind": "mandate"})
    dispute.step(house.registrar, "invite", None).expect(200)
    invited = invite(agent, dispute.representatives(side), "dana.ruiz@example.org")
    shown = {}
    for reader in (agent, other, house.registrar):
        (person,) = reader.get(f"{dispute.path}/referral").expect(200)["proposed_representatives"]
        shown[reader.name] = person["representative_id"]
    assert shown == {agent.name: None, other.name: None, "Reggie Strar": invited["id"]}
