"""Agents and counsel are invited by e-mail, leave, and act on recorded powers; accounts are approved and disabled."""

from tests.installation import House, Json
from tests.story import GIVES, MANDATE, POWERS, Dispute


def counsel(**more: object) -> Json:
    """The body that admits counsel."""
    return {"role": "counsel", "powers": MANDATE, **more}


def test_a_person_without_an_account_is_invited_and_acts_once_the_account_is_approved(
    house: House, dispute: Dispute
) -> None:
    dispute.registered()
    body = counsel(email="Cora.Unsel@example.org", name="Cora Unsel")
    invited = dispute.requesting.post(dispute.representatives(), body).expect(201)
    shown = (invited["user_id"], invited["name"], invited["email"], invited["pending"], invited["admitted_at"])
    assert shown == (None, None, "Cora.Unsel@example.org", True, None)
    of_others = dispute.responding.get(f"{dispute.representatives()}/{invited['id']}").expect(200)
    assert of_others == {**invited, "email": None, "powers": None}
    dispute.requesting.post(dispute.representatives(), body).expect(409, "already-in-case")
    (waiting,) = dispute.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"]
    assert (waiting["name"], waiting["active"]) == ("Cora Unsel", False)
    approve = f"/v1/users/{waiting['id']}/approve"
    dispute.requesting.post(approve).expect(404)
    house.clock.pass_by(hours=3)
    assert dispute.registrar.post(approve).expect(200)["active"] is True
    dispute.registrar.post(approve).expect(409, "not-waiting")
    assert dispute.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"] == []
    cora = house.activated("Cora Unsel", "Cora.Unsel@example.org")
    admitted = cora.get(f"{dispute.representatives()}/{invited['id']}").expect(200)
    assert (admitted["pending"], admitted["admitted_at"]) == (False, "2026-03-02T12:00:00Z")
    assert (admitted["user_id"], admitted["name"], admitted["email"]) == (waiting["id"], "Cora Unsel", None)
    assert cora.get("/v1/cases").expect(200)["items"][0]["id"] == dispute.case["id"]
    dispute.filing(cora, "caucus", "requesting")


def test_an_address_tells_its_inviter_nothing_of_an_account(house: House, dispute: Dispute) -> None:
    dispute.registered()
    dana = house.person("Dana Ruiz")
    addresses = ("DANA.RUIZ@example.org", "no.body@example.org", "admin@example.org", "viktor.drian@example.org")
    path, answers = dispute.representatives(), []
    for address in addresses:
        answer = dispute.requesting.post(path, counsel(email=address, name="D. Ruiz"))
        assert answer.expect(201)["email"] == address
        answers.append({**answer.json, "id": "", "email": ""})
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["pending"]
    for person in house.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"]:
        house.registrar.post(f"/v1/users/{person['id']}/approve").expect(200)
    listed = dispute.requesting.get(path).expect(200)["items"]
    # The agent of the other side cannot be admitted, and nobody who works for the institution ever is.
    states = {item["email"] or item["name"]: (item["pending"], item["ended_at"] is None) for item in listed}
    assert states["Dana Ruiz"] == states["D. Ruiz"] == (False, True)
    assert states["admin@example.org"] == (True, True)
    assert states["viktor.drian@example.org"] == (True, False)
    assert dana.get("/v1/cases").expect(200)["items"][0]["id"] == dispute.case["id"]


def test_an_invitation_tells_the_registry_nothing_of_a_request_before_it_is_lodged(
    house: House, dispute: Dispute
) -> None:
    dispute.opened()
    house.person("Dana Ruiz")
    for address in ("dana.ruiz@example.org", "no.body@example.org"):
        dispute.requesting.post(dispute.representatives(), counsel(email=address)).expect(201)

    def actors() -> list[Json]:
        events = dispute.registrar.get("/v1/events?limit=200").expect(200)["items"]
        return [event["data"]["actor"] for event in events if event["type"] == "user-invited"]

    assert actors() == [{"id": None, "capacity": "user", "party_id": None}] * 2
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    dispute.requesting.post(dispute.representatives(), counsel(email="late@example.org")).expect(201)
    assert actors()[-1] == {
        "id": dispute.requesting.id,
        "capacity": "requesting-party",
        "party_id": dispute.party("requesting"),
    }


def test_the_registry_admits_an_account_by_its_address_and_staff_represent_no_party(
    house: House, dispute: Dispute
) -> None:
    dispute.opened()
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    house.person("Dana Ruiz")
    path = dispute.representatives("responding")
    for address in ("admin@example.org", "reggie.strar@example.org"):
        body = {**counsel(email=address), "role": "agent"}
        dispute.registrar.post(path, body).expect(422)
    admitted = dispute.registrar.post(path, {**counsel(email="DANA.RUIZ@example.org"), "role": "agent"}).expect(201)
    assert (admitted["name"], admitted["pending"]) == ("Dana Ruiz", False)
    for bad in (counsel(), counsel(email="x@example.org", user_id=house.admin.id), counsel(email="nobody")):
        dispute.requesting.post(dispute.representatives(), bad).expect(422)
    dispute.requesting.post(dispute.representatives(), counsel(user_id=house.admin.id, name="X")).expect(422)


def test_an_agent_ends_other_representations_and_every_representative_may_leave(house: House, dispute: Dispute) -> None:
    dispute.registered()
    first, two = house.person("Cora Unsel"), house.person("Dana Ruiz")
    ids = {}
    for person in (first, two):
        ids[person.id] = dispute.requesting.post(dispute.representatives(), counsel(user_id=person.id)).expect(201)[
            "id"
        ]
    end = f"{dispute.representatives()}/{ids[first.id]}/end"
    dispute.responding.post(end).expect(403, "not-your-capacity")
    two.post(end).expect(403, "not-your-capacity")
    ended = dispute.requesting.post(end, {"reason": "Called to the bench."}).expect(200)
    assert ended["ended_at"] == "2026-03-02T09:00:00Z"
    dispute.requesting.post(end).expect(409, "already-ended")
    first.get(dispute.path).expect(404)
    two.post(f"{dispute.representatives()}/{ids[two.id]}/end").expect(204)
    two.get(dispute.path).expect(404)
    events = dispute.events(dispute.responding)
    assert [event["type"] for event in events].count("representative-ended") == 2
    assert "powers-ended" not in {event["type"] for event in events}
    dispute.responding.post(dispute.representatives("responding"), counsel(user_id=first.id)).expect(
        409, "already-in-case"
    )
    entry_in = {"user_id": first.id, "nationalities": ["KE"], "languages": ["en"]}
    entry = house.registrar.post("/v1/mediators", entry_in).expect(201)["id"]
    dispute.responding.post(f"{dispute.path}/appointments", {"mediator_id": entry}).expect(409, "already-in-case")
    dispute.requesting.post(dispute.representatives(), counsel(user_id=first.id)).expect(201)
    first.get(dispute.path).expect(200)


def test_the_registry_admits_a_new_agent_for_a_party_that_lost_its_agent(house: House, dispute: Dispute) -> None:
    dispute.registered()
    other = house.person("Dana Ruiz")
    (agent,) = dispute.responding.get(dispute.representatives("responding")).expect(200)["items"]
    body = {"user_id": other.id, "role": "agent", "powers": POWERS}
    dispute.registrar.post(dispute.representatives("responding"), body).expect(403)
    dispute.responding.post(f"{dispute.representatives('responding')}/{agent['id']}/end").expect(204)
    dispute.responding.get(dispute.path).expect(404)
    dispute.registrar.post(dispute.representatives("responding"), {**body, "role": "counsel"}).expect(422)
    dispute.registrar.post(dispute.representatives("responding"), body).expect(201)
    other.get(dispute.path).expect(200)


def test_the_only_agent_of_an_unlodged_request_cannot_leave(dispute: Dispute) -> None:
    dispute.opened()
    (agent,) = dispute.requesting.get(dispute.representatives()).expect(200)["items"]
    dispute.requesting.post(f"{dispute.representatives()}/{agent['id']}/end").expect(409, "only-agent")


def test_new_powers_are_recorded_and_read_only_by_their_side_and_the_registry(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    deputy = house.person("Dana Ruiz")
    body = {"user_id": deputy.id, "role": "co-agent", "powers": MANDATE}
    admitted = dispute.responding.post(dispute.representatives("responding"), body).expect(201)
    text = dispute.frozen()
    dispute.sign(deputy, "responding", text).expect(409, "need-not-met")
    item = f"{dispute.representatives('responding')}/{admitted['id']}"
    dispute.requesting.post(f"{item}/powers", POWERS).expect(403, "not-your-capacity")
    deputy.post(f"{item}/powers", POWERS).expect(403, "not-your-capacity")
    recorded = dispute.registrar.post(f"{item}/powers", POWERS).expect(200)
    assert recorded["powers"] == POWERS
    assert dispute.requesting.get(item).expect(200)["powers"] is None
    assert dispute.mediator.get(item).expect(200)["powers"] is None
    assert deputy.get(item).expect(200)["powers"] == POWERS
    dispute.sign(deputy, "responding", text, "co-agent").expect(201)


def test_one_counsel_acts_for_two_parties_of_one_side(dispute: Dispute) -> None:
    soli = dispute.lodged_with_third_state("requesting")
    agent = {"user_id": dispute.requesting.id, "role": "agent", "powers": POWERS}
    dispute.admit(dispute.registrar, dispute.requesting, soli)
    dispute.registrar.post(f"{dispute.path}/parties/{soli}/representatives", agent).expect(403)
    held = dispute.requesting.get("/v1/me").expect(200)["capacities"]
    assert {capacity["party_id"] for capacity in held} == {dispute.party("requesting"), soli}


def test_disabling_ends_tokens_and_every_capacity_in_one_act(house: House) -> None:
    mediated, other = Dispute(house, "a"), Dispute(house, "b")
    mediated.mediating()
    other.registered()
    person = mediated.mediator
    other.admit_counsel(person)
    path = f"/v1/users/{person.id}/disable"
    house.registrar.post(path).expect(403)
    person.post(path).expect(403)
    mediated.requesting.post(path).expect(404)
    house.admin.post(f"/v1/users/{house.admin.id}/disable").expect(409, "own-account")
    ended = house.admin.post(path).expect(200)
    assert (ended["active"], ended["disabled_at"]) == (False, "2026-03-02T09:00:00Z")
    person.get("/v1/me").expect(401)
    house.admin.post(path).expect(409, "already-disabled")
    assert mediated.read()["mediators"] == []
    for case, side in ((mediated, mediated.requesting), (other, other.responding)):
        (ended_event,) = case.events(side, "capacity-ended")
        assert ended_event["payload"]["user_id"] == person.id
    other.requesting.post(f"{other.path}/appointments", {"mediator_id": mediated.mediator_id}).expect(422)
    (ended_event,) = other.events(kind="capacity-ended")
    assert ended_event["payload"]["representative_id"] == ended_event["payload"]["capacity_id"]
    feed = house.admin.get("/v1/events?limit=200").expect(200)["items"]
    revoked = [event["data"] for event in feed if event["type"] == "token-revoked"]
    assert [(data["act"], data["about"]["user_id"]) for data in revoked] == [("disable", person.id)]
    (appointment,) = mediated.appointments()
    assert (appointment["state"], appointment["ended_at"]) == ("replaced", "2026-03-02T09:00:00Z")


def test_a_candidate_whose_account_is_disabled_is_no_longer_a_candidate(house: House, dispute: Dispute) -> None:
    path = f"/v1/appointments/{dispute.nominated()['id']}"
    dispute.mediator.post(f"{path}/declare", {"independent": True}).expect(200)
    house.admin.post(f"/v1/users/{dispute.mediator.id}/disable").expect(200)
    assert dispute.requesting.get(path).expect(200)["state"] == "closed"
    refused = dispute.responding.post(f"{path}/accept").expect(409, "appointment-state")
    assert refused["state"] == "closed"
    assert refused["detail"].startswith("The appointment is closed;")
    assert refused["detail"].endswith("It has ended: nominate another candidate.")


def test_only_its_owner_rotates_a_token_and_the_old_token_ends(house: House) -> None:
    owner, other = house.person("One Person"), house.person("Other Person")
    (token,) = owner.get("/v1/tokens").expect(200)["items"]
    path = f"/v1/tokens/{token['id']}/rotate"
    other.post(path).expect(404)
    house.admin.post(path).expect(404)
    owner.post(path, {"expires_at": "2025-01-01T00:00:00Z"}).expect(422)
    owner.post(path, Idempotency_Key="k").expect(422)
    made = owner.post(path).expect(200)
    assert made["label"] == token["label"]
    owner.get("/v1/me").expect(401)
    again = house.person_with_token(owner.name, owner.id, made["token"])
    again.get("/v1/me").expect(200)
    again.post(path).expect(409, "token-ended")


def test_an_address_is_invited_once_however_it_is_spelled(dispute: Dispute) -> None:
    dispute.registered()
    dispute.requesting.post(dispute.representatives(), counsel(email="Dana.Ruiz@Example.org")).expect(201)
    for same in ("dana.ruiz@example.org", "DANA.RUIZ@EXAMPLE.ORG", " Dana.Ruiz@Example.org "):
        dispute.requesting.post(dispute.representatives(), counsel(email=same)).expect(409, "already-in-case")
    dispute.requesting.post(dispute.representatives(), counsel(email="dana.ruız@example.org")).expect(201)
    waiting = dispute.registrar.get("/v1/users?awaits_approval=true").expect(200)["items"]
    assert {entry["email"] for entry in waiting} == {"Dana.Ruiz@Example.org", "dana.ruız@example.org"}
    assert len(waiting) == 2


def test_powers_of_a_day_to_come_are_refused(house: House, dispute: Dispute) -> None:
    text = dispute.frozen()
    late = {**MANDATE, "issued_on": "2026-03-03"}
    path, counsel = dispute.representatives(), house.person("Cora Unsel")
    (agent,) = dispute.requesting.get(path).expect(200)["items"]
    admitted = {"user_id": counsel.id, "role": "counsel", "powers": late}
    signed = {"draft_id": text["id"], "sha256": text["sha256"], "capacity": "plenipotentiary"}
    party = dispute.party("responding")
    signer = {"name": "Sig Ner", "powers": {**POWERS, "issued_on": "2026-03-03"}}
    on_paper = {"party_id": party, "on_behalf_of": party, "received_via": "courier", "signer": signer}
    several = {**admitted, "party_ids": [dispute.party("requesting")]}
    tried = {
        "/issued_on": dispute.requesting.post(f"{path}/{agent['id']}/powers", late),
        "/powers/issued_on": dispute.requesting.post(path, admitted),
        "/signer/powers/issued_on": dispute.registrar.post(
            f"{dispute.path}/settlement/signatures", {**signed, **on_paper}
        ),
    }
    for pointer, answer in tried.items():
        (fault,) = answer.expect(422, "invalid")["errors"]
        assert (fault["pointer"], fault["code"]) == (pointer, "in-the-future")
    dispute.requesting.post(f"{dispute.path}/representatives", several).expect(422, "invalid")
    other = Dispute(house, "b")
    other.opened()
    fields = {**GIVES["fields"], "powers": {**POWERS, "issued_on": "2026-03-03"}}
    (fault,) = other.step(other.requesting, "lodge", {"fields": fields}).expect(422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/fields/powers/issued_on", "in-the-future")
    dispute.requesting.post(path, {**admitted, "powers": {**late, "issued_on": "2026-03-02"}}).expect(201)
