"""The registry enters what a party sends on paper: for the party, as received, effective on its day."""

from typing import Any

import pytest

from tests.installation import Json
from tests.story import CONSENT, POWERS, Dispute

GIVES = {"fields": {"consent": CONSENT, "powers": POWERS}}
LATE = "The diplomatic bag was opened two days later."


def on_paper(dispute: Dispute, side: str = "responding", **more: Any) -> Json:
    """An act of a party that arrived by courier."""
    return {"on_behalf_of": dispute.party(side), "received_via": "courier", **more}


def test_a_party_that_does_not_use_the_service_accepts_by_a_letter(dispute: Dispute) -> None:
    dispute.lodged()
    case = dispute.step(dispute.registrar, "invite", {"due_on": "2026-03-20"}).expect(200)
    dispute.house.clock.pass_by(days=2)
    dispute.step(dispute.requesting, "accept-invitation", {**on_paper(dispute), **GIVES}).expect(403)
    letter = on_paper(dispute, received_at="2026-03-03T08:00:00Z", reason=LATE)
    dispute.step(dispute.registrar, "accept-invitation", letter).expect(422)
    case = dispute.step(dispute.registrar, "accept-invitation", {**letter, **GIVES}).expect(200)
    assert case["stage"] == "consented"
    events = dispute.events(dispute.responding)
    (taken,) = [event for event in events if event["type"] == "step-taken" and event["act"] == "accept-invitation"]
    assert taken["actor"] == {
        "id": dispute.registrar.id,
        "capacity": "registry",
        "party_id": dispute.party("responding"),
    }
    recorded = {name: taken["payload"][name] for name in ("on", "on_behalf_of", "received_via", "received_at")}
    assert recorded == {
        "on": "2026-03-03",
        "on_behalf_of": dispute.party("responding"),
        "received_via": "courier",
        "received_at": "2026-03-03T08:00:00+00:00",
    }
    assert taken["content"] == {"reason": LATE}
    (powers,) = [event for event in events if event["type"] == "powers-recorded" and event["act"] == "record-powers"][
        -1:
    ]
    assert powers["payload"]["representative_id"] is None


DAYS: list[tuple[Json, str, str]] = [
    ({"on": "2026-03-06"}, "/on", "in-the-future"),
    ({"on": "2026-03-03"}, "/reason", "missing"),
    ({"on": "2026-03-01", "reason": LATE}, "/on", "before-preceding-step"),
    ({"received_at": "2026-03-05T09:00:01Z"}, "/received_at", "in-the-future"),
    ({"received_at": "2026-03-04T08:00:00Z"}, "/reason", "missing"),
]


@pytest.mark.parametrize(("body", "pointer", "code"), DAYS)
def test_an_act_counts_neither_in_the_future_nor_before_what_it_follows_nor_without_a_reason(
    dispute: Dispute, body: Json, pointer: str, code: str
) -> None:
    dispute.consented()
    dispute.house.clock.pass_by(days=3)
    refused = dispute.step(dispute.registrar, "screen", body).expect(422)
    assert [(fault["pointer"], fault["code"]) for fault in refused["errors"]] == [(pointer, code)]
    assert dispute.read()["stage"] == "consented"


def test_only_the_registry_states_when_an_act_was_received(dispute: Dispute) -> None:
    dispute.invited()
    dispute.house.clock.pass_by(days=3)
    for body, pointer in (
        ({"on": "2026-03-03", "reason": LATE}, "/on"),
        ({"received_at": "2026-03-03T08:00:00Z", "reason": LATE}, "/received_at"),
        ({"received_via": "post"}, "/received_via"),
    ):
        refused = dispute.step(dispute.responding, "accept-invitation", {**GIVES, **body}).expect(422)
        assert refused["errors"][0]["pointer"] == pointer
    own = {"on_behalf_of": dispute.party("responding"), **GIVES}
    dispute.step(dispute.responding, "accept-invitation", own).expect(403, "not-your-capacity")


def test_terms_run_from_the_effective_day_of_the_step(dispute: Dispute) -> None:
    dispute.consented()
    dispute.house.clock.pass_by(days=5)
    dispute.step(dispute.registrar, "screen", {"on": "2026-03-04", "reason": LATE}).expect(200)
    late = {"on": "2026-03-05", "reason": LATE, "due_on": "2026-04-05"}
    dispute.step(dispute.registrar, "register", {**late, "due_on": "2026-03-05"}).expect(422)
    dispute.step(dispute.registrar, "register", late).expect(200)
    (deadline,) = dispute.deadlines()
    assert deadline["trigger"] == {"step": "register", "on": "2026-03-05"}


def test_a_letter_is_filed_for_its_party_with_the_instant_of_its_receipt(dispute: Dispute) -> None:
    dispute.invited()
    dispute.house.clock.pass_by(days=2)
    letter = {
        "kind": "correspondence",
        "title": "Letter of Vedria",
        "text": "We shall answer within the month.",
        "audience": "participants",
        **on_paper(dispute, received_at="2026-03-02T22:00:00Z", reason=LATE),
    }
    path = f"{dispute.path}/filings"
    dispute.responding.post(path, letter).expect(403)
    dispute.registrar.post(path, {**letter, "received_at": "2026-03-01T08:00:00Z"}).expect(422)
    dispute.registrar.post(path, {**letter, "on_behalf_of": dispute.case["id"]}).expect(422)
    hidden = {"audience": "caucus", "party_ids": [dispute.party("responding")]}
    dispute.registrar.post(path, {**letter, **hidden}).expect(403)
    draft = dispute.registrar.post(path, letter).expect(201)
    assert dispute.responding.get(path).expect(200)["items"] == []
    dispute.house.clock.pass_by(hours=1)
    filed = dispute.registrar.post(f"{path}/{draft['id']}/submit").expect(200)
    expected = {
        "author_party_id": dispute.party("responding"),
        "received_at": "2026-03-02T22:00:00Z",
        "received_via": "courier",
        "effective_on": "2026-03-03",
        "entered_at": "2026-03-04T09:00:00Z",
        "reason": LATE,
    }
    assert {name: filed[name] for name in expected} == expected
    assert dispute.requesting.get(f"{path}/{draft['id']}").expect(200) == filed


def test_a_party_accepts_a_candidate_by_a_letter_and_only_once(dispute: Dispute) -> None:
    path = f"/v1/appointments/{dispute.nominated()['id']}"
    dispute.mediator.post(f"{path}/declare", {"independent": True}).expect(200)
    dispute.registrar.post(f"{path}/accept").expect(403, "not-your-capacity")
    dispute.requesting.post(f"{path}/accept", on_paper(dispute)).expect(403)
    accepted = dispute.registrar.post(f"{path}/accept", on_paper(dispute)).expect(200)
    assert dispute.party("responding") in accepted["accepted_by"]
    dispute.registrar.post(f"{path}/accept", on_paper(dispute)).expect(409, "already-accepted")
    dispute.responding.post(f"{path}/accept").expect(409, "already-accepted")
    dispute.registrar.post(f"{path}/confirm", on_paper(dispute)).expect(422)
    dispute.registrar.post(f"{path}/confirm", {"on": "2026-03-03"}).expect(422)
    dispute.registrar.post(f"{path}/confirm").expect(200)


def test_a_signature_given_on_paper_is_entered_with_its_signer_and_powers(dispute: Dispute) -> None:
    text = dispute.frozen()
    path = f"{dispute.path}/settlement/signatures"
    signature = {
        "draft_id": text["id"],
        "sha256": text["sha256"],
        "party_id": dispute.party("responding"),
        "capacity": "head-of-state",
        **on_paper(dispute),
    }
    signer = {"name": "Queen Vera II", "powers": {**POWERS, "kind": "ex-officio"}}
    dispute.registrar.post(path, signature).expect(422)
    dispute.registrar.post(path, {**signature, "signer": signer, "party_id": dispute.party("requesting")}).expect(422)
    dispute.requesting.post(path, {**signature, "signer": signer}).expect(403)
    unable = {**signer, "powers": {**POWERS, "kind": "mandate"}}
    refused = dispute.registrar.post(path, {**signature, "signer": unable}).expect(409, "need-not-met")
    assert refused["reasons"][0]["code"] == "powers-on-record"
    signed = dispute.registrar.post(path, {**signature, "signer": signer}).expect(201)
    assert (signed["signer_name"], signed["signer_id"], signed["received_via"]) == ("Queen Vera II", None, "courier")
    assert signed["remaining"] == [dispute.party("requesting")]
    dispute.sign(dispute.responding, "responding", text).expect(409)
    dispute.sign(dispute.requesting, "requesting", text).expect(201)
    assert dispute.read()["outcome"] == "settled"
    listed = dispute.mediator.get(path).expect(200)["items"]
    assert {item["signer_name"] for item in listed} == {"Queen Vera II", "Olga Strand"}
    (certificate,) = dispute.mediator.get(f"{dispute.path}/settlement/certificates").expect(200)["items"]
    certified = dispute.mediator.get(f"{dispute.path}/settlement/certificates/{certificate['id']}").expect(200)["body"]
    assert {
        (signature["signer"], signature["capacity"], signature["powers"]) for signature in certified["signatures"]
    } == {
        ("Queen Vera II", "head-of-state", "ex-officio"),
        ("Olga Strand", "agent", "full-powers"),
    }
    assert POWERS["issued_by"] not in str(certified)


def test_a_slip_of_the_registry_is_rectified_by_an_act_that_names_it(dispute: Dispute) -> None:
    dispute.registered()
    path = f"{dispute.path}/rectifications"
    events = dispute.events(dispute.registrar)
    (slip,) = [event for event in events if event["act"] == "register" and event["type"] == "step-taken"]
    (theirs,) = [event for event in events if event["act"] == "accept-invitation" and event["type"] == "step-taken"]
    mended = {"event_id": slip["id"], "correction": "Registered on 1 March.", "reason": "A slip of the pen."}
    dispute.requesting.post(path, mended).expect(403, "not-your-capacity")
    dispute.registrar.post(path, {**mended, "event_id": dispute.case["id"]}).expect(422)
    dispute.registrar.post(path, {**mended, "event_id": theirs["id"]}).expect(409, "not-of-the-registry")
    made = dispute.registrar.post(path, mended).expect(201)
    assert made["correction"] == "Registered on 1 March."
    assert dispute.responding.get(path).expect(200)["items"] == [made]
    assert dispute.responding.get(f"{path}/{made['id']}").expect(200) == made
    again = dispute.responding.get(f"{dispute.path}/events/{slip['id']}").expect(200)
    assert again == slip
    (event,) = dispute.events(kind="event-rectified")
    assert (event["payload"]["event_id"], event["stream"]) == (slip["id"], slip["stream"])


def test_the_readers_of_an_event_read_its_rectification(dispute: Dispute) -> None:
    dispute.registered()
    path = f"{dispute.path}/rectifications"
    note = dispute.filing(dispute.registrar, "registry", text="A note for ourselves.")
    events = dispute.events(dispute.registrar)
    slip = next(event for event in events if event["payload"].get("filing_id") == note["id"])
    body = {"event_id": slip["id"], "correction": "Another filing was meant.", "reason": "The wrong line."}
    made = dispute.registrar.post(path, body).expect(201)
    for person in (dispute.requesting, dispute.responding):
        assert person.get(path).expect(200)["items"] == []
        person.get(f"{path}/{made['id']}").expect(404)
