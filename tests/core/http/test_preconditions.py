"""Preconditions are judged inside the transaction, and an idempotency key makes a repeated request have one effect."""

from uuid import uuid4

import pytest

from tests.installation import House
from tests.story import CONSENT, POWERS, Dispute, request


def test_a_stale_form_does_not_overwrite_what_somebody_else_saved(dispute: Dispute) -> None:
    dispute.lodged()
    author, other = dispute.requesting, dispute.registrar
    read = author.get(dispute.path)
    old = other.get(dispute.path).headers["etag"]
    seat = {"place": "Geneva", "time_zone": "Europe/Zurich", "calendar": "CH"}
    author.patch(dispute.path, {"seat": seat}, if_match=read.headers["etag"]).expect(200)
    other.patch(dispute.path, {"languages": ["fr"]}, if_match=old).expect(412, "precondition-failed")
    other.patch(dispute.path, {"languages": ["fr"]}).expect(428)
    assert dispute.read()["languages"] == ["en"]
    fresh = other.get(dispute.path).headers["etag"]
    saved = other.patch(dispute.path, {"languages": ["fr"]}, if_match=fresh).expect(200)
    assert (saved["languages"], saved["seat"]) == (["fr"], seat)


def test_an_act_answers_with_what_the_next_read_returns(dispute: Dispute) -> None:
    dispute.lodged()
    answer = dispute.step(dispute.registrar, "invite", {})
    read = dispute.registrar.get(dispute.path)
    assert (answer.json, answer.headers["etag"]) == (read.json, read.headers["etag"])
    assert read.headers["etag"].startswith('"')
    dispute.registrar.send("GET", dispute.path, headers={"if-none-match": read.headers["etag"]}).expect(304)
    unchanged = dispute.registrar.send("GET", dispute.path, headers={"if-none-match": f'"x", {read.headers["etag"]}'})
    unchanged.expect(304)
    assert unchanged.response.content == b""


def test_a_stale_act_is_refused_after_a_forbidden_act(dispute: Dispute) -> None:
    dispute.lodged()
    old = dispute.registrar.get(dispute.path).headers["etag"]
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    path = f"{dispute.path}/steps/screen"
    dispute.registrar.post(path, {}, if_match=old).expect(412)
    dispute.responding.post(path, {}, if_match=old).expect(403)
    assert dispute.read()["stage"] == "invited"
    current = dispute.registrar.get(dispute.path).headers["etag"]
    dispute.registrar.post(path, {}, if_match=current).expect(409, "need-not-met")


@pytest.mark.parametrize("form", ["W/{0}", "{bare}", '"x", W/{0}', "", "{0} {0}"])
def test_a_weak_or_unquoted_tag_is_refused_for_what_it_is(dispute: Dispute, form: str) -> None:
    dispute.lodged()
    tag = dispute.registrar.get(dispute.path).headers["etag"]
    sent = form.format(tag, bare=tag.strip('"'))
    problem = dispute.registrar.patch(dispute.path, {"languages": ["fr"]}, if_match=sent).expect(400, "weak-tag")
    assert "changed since" not in problem["detail"]
    dispute.registrar.post(f"{dispute.path}/steps/invite", {}, if_match=sent).expect(400, "weak-tag")
    assert (dispute.read()["stage"], dispute.read()["languages"]) == ("lodged", ["en"])
    listed = f'"x", {tag}'
    assert dispute.registrar.patch(dispute.path, {"languages": ["fr"]}, if_match=listed).expect(200)


def test_a_receipt_names_the_position_of_the_act_in_the_ledger(dispute: Dispute) -> None:
    dispute.lodged()
    receipt = dispute.step(dispute.registrar, "invite", {}).headers["accord-receipt"]
    parts = dict(part.split("=") for part in receipt.split(", "))
    events = dispute.events(dispute.registrar)
    positions = [event for event in events if event["stream"] == parts["stream"] and str(event["seq"]) == parts["seq"]]
    assert [event["hash"] for event in positions] == [parts["hash"]]


def test_a_request_repeated_with_its_key_has_one_effect_and_the_same_answer(dispute: Dispute) -> None:
    body = request()
    first = dispute.requesting.post("/v1/cases", body, idempotency_key="one")
    again = dispute.requesting.post("/v1/cases", body, idempotency_key="one")
    assert again.expect(201) == first.expect(201)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert "accord-receipt" not in again.headers
    assert len(dispute.requesting.get("/v1/cases").expect(200)["items"]) == 1


def test_a_key_belongs_to_one_request_of_one_person(dispute: Dispute) -> None:
    body = request()
    dispute.requesting.post("/v1/cases", body, idempotency_key="one").expect(201)
    dispute.requesting.post("/v1/cases", request(title="Another"), idempotency_key="one").expect(422, "key-reused")
    dispute.responding.post("/v1/cases", body, idempotency_key="one").expect(201)
    for bad in ("", "x" * 256, "é", "a b"):
        dispute.requesting.send("POST", "/v1/cases", json=body, headers={"idempotency-key": bad.encode()}).expect(422)


def test_a_failure_is_not_remembered(dispute: Dispute) -> None:
    dispute.lodged()
    path = f"{dispute.path}/steps/invite"
    dispute.requesting.post(path, {}, idempotency_key="k").expect(403)
    dispute.registrar.post(f"{dispute.path}/steps/register", {}, idempotency_key="k").expect(409)
    dispute.registrar.post(path, {}, idempotency_key="k").expect(200)


def test_a_replay_answers_with_what_its_author_may_see_now(house: House, dispute: Dispute) -> None:
    appointment = f"/v1/appointments/{dispute.nominated()['id']}/decline"
    dispute.mediator.post(appointment, {}, idempotency_key="no").expect(204)
    dispute.mediator.post(appointment, {}, idempotency_key="no").expect(404)
    dispute.lodged()
    key = {"idempotency_key": "filing"}
    body = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    draft = dispute.requesting.post(f"{dispute.path}/filings", body, **key).expect(201)
    dispute.requesting.post(f"{dispute.path}/filings/{draft['id']}/submit").expect(200)
    replayed = dispute.requesting.post(f"{dispute.path}/filings", body, **key).expect(201)
    assert (replayed["id"], replayed["state"]) == (draft["id"], "submitted")


def test_a_key_replayed_after_access_ended_finds_nothing(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    counsel = house.person("Cora Unsel")
    path = dispute.representatives()
    held = dispute.admit_counsel(counsel)["id"]
    body = {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}
    counsel.post(f"{dispute.path}/filings", body, idempotency_key="filing").expect(201)
    dispute.requesting.post(f"{path}/{held}/end").expect(200)
    counsel.post(f"{dispute.path}/filings", body, idempotency_key="filing").expect(404, "not-found")
    counsel.post(f"{dispute.path}/filings", body, idempotency_key="another").expect(404, "not-found")


def test_a_key_is_kept_for_seven_days(house: House, dispute: Dispute) -> None:
    dispute.requesting.post("/v1/cases", request(), idempotency_key="one").expect(201)
    house.clock.pass_by(days=7, seconds=1)
    answer = dispute.requesting.post("/v1/cases", request(title="Another"), idempotency_key="one")
    answer.expect(201)
    assert "idempotency-replayed" not in answer.headers


def test_operations_that_create_secrets_refuse_a_key(house: House) -> None:
    house.admin.post("/v1/tokens", {"label": "x"}, idempotency_key="k").expect(422, "invalid")


def test_a_refused_act_leaves_no_event_and_no_trace(dispute: Dispute) -> None:
    text = dispute.frozen()
    dispute.sign(dispute.requesting, "requesting", text).expect(201)
    before = dispute.mediator.get(f"{dispute.path}/events?limit=200").expect(200)
    case = dispute.mediator.get(dispute.path)
    wrong = {**text, "sha256": "0" * 64}
    dispute.sign(dispute.responding, "responding", wrong).expect(409)
    dispute.sign(dispute.responding, "responding", {**text, "id": str(uuid4())}).expect(422)
    dispute.step(dispute.registrar, "invite", {"fields": {"consent": CONSENT, "powers": POWERS}}).expect(422)
    assert dispute.mediator.get(f"{dispute.path}/events?limit=200").expect(200) == before
    assert dispute.mediator.get(dispute.path).headers["etag"] == case.headers["etag"]
