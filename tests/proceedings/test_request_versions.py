"""The text of a request: what its history keeps from the other sides, and what everybody can prove of it."""

import hashlib
import json
from typing import Any

import rfc8785

from tests.installation import Json, Person
from tests.story import GIVES, Dispute

STRUCK = "Our source in the ministry of Vedria confirms it."


def change(dispute: Dispute, person: Person, path: str = "", **fields: Any) -> Json:
    """Change the request, or a party, as the person sees it now."""
    path = f"{dispute.path}{path}"
    return dict(person.patch(path, fields, if_match=person.get(path).headers["etag"]).expect(200))


def versions(dispute: Dispute, person: Person) -> list[Json]:
    """The versions of the request that a person reads."""
    return list(person.get(f"{dispute.path}/request-versions").expect(200)["items"])


def everything(dispute: Dispute, person: Person) -> str:
    """All that a person reads of the case and of its events, as one text."""
    paths = ["", "/events?limit=200", "/request-versions", "/steps", "/parties", "/appointments"]
    pages = [person.get(f"{dispute.path}{path}").expect(200) for path in paths]
    return json.dumps([*pages, person.get("/v1/events?limit=200").expect(200), person.get("/v1/cases").expect(200)])


def amended_before_service(dispute: Dispute) -> None:
    """Lodged with a text that is struck out before service; the other side's agent is admitted."""
    dispute.opened(title="A dispute over stolen water", summary=STRUCK)
    change(dispute, dispute.requesting, summary=f"{STRUCK} We sue.")
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    change(dispute, dispute.requesting, subjects=["water-allocation", "fisheries"], summary=f"{STRUCK} We may sue.")
    change(dispute, dispute.requesting, subjects=["water-allocation"], summary="The flow has fallen.")
    change(dispute, dispute.registrar, title="Sharing of the waters of the Serin")
    dispute.admit(dispute.registrar, dispute.responding, dispute.party("responding"))
    dispute.read()


def test_the_other_side_never_reads_what_was_struck_out_before_service(dispute: Dispute) -> None:
    amended_before_service(dispute)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    seen = everything(dispute, dispute.responding)
    for text in (STRUCK, "We may sue", "stolen", "fisheries"):
        assert text not in seen
        assert text in everything(dispute, dispute.requesting)
    assert dispute.events(dispute.responding, "case-amended") == []
    assert dispute.events(dispute.responding, "request-lodged") == []
    assert len(dispute.events(dispute.registrar, "case-amended")) == 3


def test_what_is_served_is_one_text_that_everybody_can_prove(dispute: Dispute) -> None:
    amended_before_service(dispute)
    invited = dispute.step(dispute.registrar, "invite", {})
    invited.expect(200)
    (served,) = versions(dispute, dispute.responding)
    assert served["kind"] == "served"
    assert served["request"]["summary"] == dispute.responding.get(dispute.path).expect(200)["summary"]
    assert served["sha256"] == hashlib.sha256(rfc8785.dumps(served["request"])).hexdigest()
    for person in (dispute.requesting, dispute.registrar):
        own = [version for version in versions(dispute, person) if version["sha256"] == served["sha256"]]
        assert own[-1] == served
    (event,) = dispute.events(dispute.responding, "request-served")
    assert event["payload"]["sha256"] == served["sha256"]
    assert f"hash={event['hash']}" in invited.headers["accord-receipt"]
    (step,) = [event for event in dispute.events(dispute.responding, "step-taken") if event["act"] == "invite"]
    assert step["payload"]["request_commitment"] == event["commitment"]


def test_the_receipt_of_lodging_commits_to_the_text_that_was_lodged(dispute: Dispute) -> None:
    dispute.opened()
    lodged = dispute.step(dispute.requesting, "lodge", GIVES)
    lodged.expect(200)
    (event,) = dispute.events(dispute.requesting, "request-lodged")
    assert f"hash={event['hash']}" in lodged.headers["accord-receipt"]
    (version,) = versions(dispute, dispute.requesting)
    assert (version["kind"], version["id"]) == ("lodged", event["id"])
    assert (
        version["sha256"] == event["payload"]["sha256"] == hashlib.sha256(rfc8785.dumps(version["request"])).hexdigest()
    )
    path = f"{dispute.path}/request-versions/{version['id']}"
    assert dispute.registrar.get(path).expect(200) == version
    dispute.responding.get(path).expect(404)


def test_a_correction_follows_what_was_served_with_old_and_new_values(dispute: Dispute) -> None:
    dispute.invited()
    party = f"/parties/{dispute.party('responding')}"
    change(dispute, dispute.registrar, title="The Serin")
    change(dispute, dispute.registrar, party, name="Kingdom of Vedria and Soli")
    for person in (dispute.requesting, dispute.responding):
        served, titled, named = versions(dispute, person)[-3:]
        assert [version["kind"] for version in (served, titled, named)] == ["served", "corrected", "corrected"]
        assert served["request"]["title"] == "Sharing of the waters of the Serin"
        assert titled["request"] == {**served["request"], "title": "The Serin"}
        assert named["request"]["parties"][1]["name"] == "Kingdom of Vedria and Soli"
        by_title, by_name = dispute.events(person, "case-amended")
        assert by_title["content"]["before"] == {"title": "Sharing of the waters of the Serin"}
        assert by_title["content"]["after"] == {"title": "The Serin"}
        assert by_name["payload"]["party_id"] == dispute.party("responding")
        assert by_name["content"]["before"]["parties"][0]["name"] == "Kingdom of Vedria"
        assert "Serin" not in json.dumps(by_title["payload"])
    assert dispute.responding.get("/v1/cases?q=Soli").expect(200)["items"][0]["id"] == dispute.case["id"]


def test_the_registry_rewrites_nothing_but_the_form_of_a_request(dispute: Dispute) -> None:
    dispute.lodged()
    tag = dispute.registrar.get(dispute.path).headers["etag"]
    rewritten: list[Json] = [{"summary": "x"}, {"instruments": []}, {"subjects": ["fisheries"]}]
    for fields in rewritten:
        dispute.registrar.patch(dispute.path, fields, if_match=tag).expect(403, "forbidden")
    path = f"{dispute.path}/parties/{dispute.party('responding')}"
    tag = dispute.registrar.get(path).headers["etag"]
    dispute.registrar.patch(path, {"side": "side-3"}, if_match=tag).expect(403, "forbidden")
    dispute.requesting.patch(path, {"name": "x"}, if_match=tag).expect(403, "forbidden")


def test_an_amendment_before_service_dates_the_case_and_is_not_counted(dispute: Dispute) -> None:
    dispute.lodged()
    before = dispute.read()
    dispute.house.clock.pass_by(minutes=5)
    after = change(dispute, dispute.requesting, summary="Other words.")
    assert after["updated_at"] > before["updated_at"]
    assert after["seq"] == before["seq"]
