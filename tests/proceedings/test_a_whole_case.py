"""A case from the request to the signed settlement, and its other endings, as its people take the steps over HTTP."""

from datetime import timedelta

from tests.installation import House
from tests.story import CONSENT, EARLIER, GIVES, Dispute


def stages(dispute: Dispute) -> list[tuple[str, str]]:
    """Every step that was taken, with the stage to which it led, as the ledger records it."""
    return [(event["act"], event["payload"]["to"]) for event in dispute.events(kind="step-taken")]


def test_a_dispute_runs_from_request_to_signed_settlement(dispute: Dispute) -> None:
    dispute.mediating()
    joint = dispute.session("joint", **EARLIER)
    for side in ("requesting", "responding"):
        dispute.hold(dispute.session("caucus", side, **EARLIER))
    dispute.filing(dispute.requesting, "caucus", "requesting")
    dispute.hold(joint, "Olga Strand", "agent", party_id=dispute.party("requesting"))
    case = dispute.settled()
    assert (case["stage"], case["phase"], case["outcome"]) == ("closed", "closed", "settled")
    assert case["reference"] == "2026-0001"
    assert case["waiting_for"] == []
    assert case["closed_at"] is not None
    assert [mediator["name"] for mediator in case["mediators"]] == ["Mina Datar"]
    assert stages(dispute) == [
        ("lodge", "lodged"),
        ("invite", "invited"),
        ("accept-invitation", "consented"),
        ("screen", "screened"),
        ("register", "registered"),
        ("nominate", "registered"),
        ("confirm-mediator", "mediating"),
        ("hold-session", "mediating"),
        ("freeze-text", "settling"),
        ("sign", "settling"),
        ("sign", "closed"),
    ]


def test_the_other_side_may_decline_and_the_case_ends_as_declined(dispute: Dispute) -> None:
    dispute.invited()
    dispute.step(dispute.responding, "decline-invitation").expect(422, "invalid")
    dispute.step(dispute.responding, "decline-invitation", {"reason": "We negotiate already."}).expect(200)
    assert dispute.read()["outcome"] == "declined"
    assert dispute.read()["stage"] == "closed"


def test_a_case_that_fails_a_gate_ends_as_inadmissible(house: House, dispute: Dispute) -> None:
    dispute.members[1] = house.member("Vedria as declared", excludes=["water-allocation"])
    dispute.consented()
    refused = dispute.step(dispute.registrar, "screen").expect(409, "need-not-met")
    assert [reason["code"] for reason in refused["reasons"]] == ["no-excluded-subject"]
    assert dispute.read()["stage"] == "consented"
    dispute.step(dispute.registrar, "declare-inadmissible", {"reason": "An excluded subject."}).expect(200)
    assert dispute.read()["outcome"] == "inadmissible"


def test_a_case_that_passes_every_gate_is_not_declared_inadmissible(dispute: Dispute) -> None:
    dispute.invited()
    refused = dispute.step(dispute.registrar, "declare-inadmissible", {"reason": "No."}).expect(409, "need-not-met")
    assert [reason["code"] for reason in refused["reasons"]] == ["a-gate-fails"]
    assert dispute.read()["stage"] == "invited"


def test_the_requesting_side_withdraws_before_consent_and_any_party_after(house: House) -> None:
    early = Dispute(house, "a")
    early.invited()
    early.step(early.responding, "withdraw", {"reason": "Not ours to withdraw."}).expect(409, "step-not-open")
    early.step(early.requesting, "withdraw", {"reason": "Settled between us."}).expect(200)
    assert early.read()["outcome"] == "withdrawn"
    late = Dispute(house, "b")
    late.mediating()
    session = late.session("caucus", "requesting")
    late.step(late.responding, "withdraw", {"reason": "We see no way."}).expect(200)
    assert late.read()["outcome"] == "withdrawn"
    assert late.mediator.get(f"{late.path}/sessions/{session['id']}").expect(200)["state"] == "cancelled"


def test_the_registry_never_sees_a_draft_withdrawn_before_lodging(dispute: Dispute) -> None:
    dispute.opened()
    dispute.step(dispute.requesting, "withdraw", {"reason": "Too early."}).expect(200)
    assert dispute.read()["outcome"] == "withdrawn"
    dispute.registrar.get(dispute.path).expect(404)


def test_a_prior_instrument_confirmed_by_the_registry_counts_as_acceptance(dispute: Dispute) -> None:
    dispute.invited()
    body = {**CONSENT, "party_id": dispute.party("responding")}
    consent = dispute.requesting.post(f"{dispute.path}/consents", body).expect(201)
    assert consent["confirmed_at"] is None
    assert dispute.read()["stage"] == "invited"
    confirm = f"{dispute.path}/consents/{consent['id']}/confirm"
    dispute.requesting.post(confirm).expect(403)
    dispute.registrar.post(confirm).expect(200)
    assert dispute.read()["stage"] == "consented"
    dispute.registrar.post(confirm).expect(409, "already-confirmed")


def test_a_third_state_must_have_consented_before_screening(dispute: Dispute) -> None:
    dispute.consented()
    state = dispute.responding.post(f"{dispute.path}/third-states", {"name": "Soli"}).expect(201)
    refused = dispute.step(dispute.registrar, "screen").expect(409, "need-not-met")
    assert [reason["code"] for reason in refused["reasons"]] == ["third-states-consented"]
    assert refused["rule_set"] == "iomed-state-2025"
    assert all(reason["cure"] for reason in refused["reasons"])
    body = {"third_state_id": state["id"], "basis": "ad-hoc", "given_on": "2026-03-01"}
    consent = dispute.registrar.post(f"{dispute.path}/consents", body).expect(201)
    dispute.registrar.post(f"{dispute.path}/consents/{consent['id']}/confirm").expect(200)
    dispute.step(dispute.registrar, "screen").expect(200)
    assert dispute.read()["third_states"][0]["consented"] is True


def test_a_consent_cannot_have_been_given_on_a_day_to_come(dispute: Dispute) -> None:
    dispute.opened()
    tomorrow = (dispute.house.clock.now + timedelta(days=1)).date().isoformat()
    gives = {"fields": {**GIVES["fields"], "consent": {**CONSENT, "given_on": tomorrow}}}
    (fault,) = dispute.step(dispute.requesting, "lodge", gives).expect(422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/fields/consent/given_on", "in-the-future")
    assert dispute.requesting.get(dispute.path).expect(200)["stage"] == "draft"
    state = dispute.requesting.post(f"{dispute.path}/third-states", {"name": "Soli"}).expect(201)
    body = {"third_state_id": state["id"], "basis": "ad-hoc", "given_on": tomorrow}
    (fault,) = dispute.requesting.post(f"{dispute.path}/consents", body).expect(422, "invalid")["errors"]
    assert (fault["pointer"], fault["code"]) == ("/given_on", "in-the-future")


def test_a_member_that_is_not_bound_cannot_be_a_party(house: House, dispute: Dispute) -> None:
    dispute.members[0] = house.member("Ostrava unbound", status="signatory", in_force_on=None)
    dispute.consented()
    refused = dispute.step(dispute.registrar, "screen").expect(409, "need-not-met")
    assert [reason["code"] for reason in refused["reasons"]] == ["contracting-states"]


def test_a_candidate_who_declines_loses_access_to_the_appointment(house: House, dispute: Dispute) -> None:
    dispute.nominated()
    other, other_id = house.mediator("Nino Tane")
    second = dispute.nominate(dispute.responding, other_id)
    path = f"/v1/appointments/{second['id']}"
    assert other.get(path).expect(200)["case"]["title"] == dispute.case["title"]
    answer = other.post(f"{path}/decline", {"reason": "No time."})
    answer.expect(204)
    assert answer.response.content == b""
    other.get(path).expect(404)
    assert dispute.registrar.get(path).expect(200)["state"] == "declined"


def test_a_confirmation_waits_for_declaration_and_for_every_party(dispute: Dispute) -> None:
    appointment = f"/v1/appointments/{dispute.nominated()['id']}"
    refused = dispute.registrar.post(f"{appointment}/confirm").expect(409, "need-not-met")
    assert {reason["code"] for reason in refused["reasons"]} == {"declarations-made", "accepted-by-all-parties"}
    early = dispute.responding.post(f"{appointment}/accept").expect(409, "appointment-state")
    assert "while it is declared. Now the candidate can declare or decline." in early["detail"]
    dispute.mediator.post(f"{appointment}/declare", {"independent": False}).expect(200)
    dispute.responding.post(f"{appointment}/accept").expect(200)
    refused = dispute.registrar.post(f"{appointment}/confirm").expect(409, "need-not-met")
    assert {reason["code"] for reason in refused["reasons"]} == {"declarations-made"}
    dispute.responding.post(f"{appointment}/confirm").expect(403)


def test_freezing_another_text_voids_the_signatures_given(dispute: Dispute) -> None:
    first = dispute.frozen()
    signature = dispute.sign(dispute.requesting, "requesting", first).expect(201)
    assert signature["remaining"] == [dispute.party("responding")]
    second = dispute.frozen(title="Agreement, as corrected")
    assert dispute.requesting.get(f"{dispute.path}/settlement/signatures").expect(200)["items"][0]["voided_at"]
    for person in (dispute.requesting, dispute.responding, dispute.mediator, dispute.registrar):
        (superseded,) = dispute.events(person, "text-superseded")
        (voided,) = dispute.events(person, "signature-voided")
        assert (superseded["act"], superseded["payload"]["draft_id"]) == ("freeze", first["id"])
        assert voided["payload"] == {
            "signature_id": signature["id"],
            "draft_id": first["id"],
            "party_id": dispute.party("requesting"),
        }
    dispute.sign(dispute.responding, "responding", first).expect(409, "need-not-met")
    dispute.sign(dispute.responding, "responding", second).expect(201)
    assert dispute.read()["stage"] == "settling"
    dispute.sign(dispute.requesting, "requesting", second).expect(201)
    assert dispute.read()["outcome"] == "settled"


def test_a_successor_supersedes_a_text_and_voids_signatures_that_they_do_not_see(dispute: Dispute) -> None:
    first = dispute.frozen()
    signature = dispute.sign(dispute.requesting, "requesting", first).expect(201)
    dispute.resign()
    successor, path = dispute.succeeded()
    dispute.registrar.post(f"{path}/confirm").expect(200)
    dispute.mediator = successor
    second = dispute.frozen(title="Agreement, as corrected")
    drafts = dispute.requesting.get(f"{dispute.path}/settlement/drafts").expect(200)["items"]
    assert {draft["id"]: draft["state"] for draft in drafts} == {first["id"]: "superseded", second["id"]: "frozen"}
    (voided,) = dispute.events(kind="signature-voided")
    assert voided["payload"]["signature_id"] == signature["id"]
    assert dispute.events(successor, "signature-voided") == []


def test_a_signature_twice_for_another_or_without_powers_is_refused(house: House, dispute: Dispute) -> None:
    text = dispute.frozen()
    dispute.sign(dispute.mediator, "requesting", text).expect(403, "not-your-capacity")
    dispute.sign(dispute.requesting, "responding", text).expect(403, "not-your-capacity")
    counsel = house.person("Cora Unsel")
    dispute.admit_counsel(counsel)
    refused = dispute.sign(counsel, "requesting", text).expect(409, "need-not-met")
    assert refused["reasons"][0]["code"] == "powers-on-record"
    dispute.sign(dispute.requesting, "requesting", text).expect(201)
    dispute.sign(dispute.requesting, "requesting", text).expect(409, "step-not-open")


def test_the_case_says_whom_it_waits_for_at_each_stage(dispute: Dispute) -> None:
    def waits() -> list[tuple[str, str]]:
        return [(entry["capacity"], entry["for"]) for entry in dispute.read()["waiting_for"]]

    dispute.opened()
    assert waits() == [("requesting-party", "lodge")]
    dispute.case = {}
    appointment = f"/v1/appointments/{dispute.nominated()['id']}"
    assert waits() == [("candidate", "confirm-mediator")]
    dispute.mediator.post(f"{appointment}/declare", {"independent": True}).expect(200)
    assert waits() == [("responding-party", "confirm-mediator")]
    dispute.responding.post(f"{appointment}/accept").expect(200)
    assert waits() == [("registry", "confirm-mediator")]
    dispute.registrar.post(f"{appointment}/confirm").expect(200)
    assert waits() == [("mediator", "freeze-text")]
    text = dispute.frozen()
    assert waits() == [("requesting-party", "sign"), ("responding-party", "sign")]
    dispute.sign(dispute.requesting, "requesting", text).expect(201)
    assert waits() == [("responding-party", "sign")]
