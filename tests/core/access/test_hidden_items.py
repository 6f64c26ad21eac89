"""A hidden item is answered like an unknown one."""

from typing import Any
from uuid import uuid4

import pytest

from tests.installation import Answer, House, Json, Person
from tests.story import Dispute

VARYING = {"x-request-id"}


def whole_answer(answer: Answer) -> tuple[int, dict[str, str], Any]:
    """Everything that the caller receives, except the id of the request."""
    headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
    body = answer.json if answer.response.content else None
    if isinstance(body, dict):
        body.pop("request_id", None)
    return answer.status, headers, body


@pytest.fixture
def hidden(dispute: Dispute) -> dict[str, str]:
    """The paths of a case with one item of each kind, hidden from strangers; each with the path of an unknown id."""
    text = dispute.frozen()
    meeting = dispute.session()
    caucus = dispute.session("caucus", "requesting")
    filing = dispute.filing(dispute.requesting, "participants")
    signature = dispute.sign(dispute.requesting, "requesting", text).expect(201)
    state = dispute.requesting.post(f"{dispute.path}/third-states", {"name": "Soli"}).expect(201)
    party = dispute.party("requesting")
    representatives = f"{dispute.path}/parties/{party}/representatives"
    return {
        "case": dispute.path,
        "steps": f"{dispute.path}/steps",
        "parties": f"{dispute.path}/parties",
        "party": f"{dispute.path}/parties/{party}",
        "representatives": representatives,
        "representative": f"{representatives}/{first_id(dispute.requesting, representatives)}",
        "third states": f"{dispute.path}/third-states",
        "third state": f"{dispute.path}/third-states/{state['id']}",
        "consents": f"{dispute.path}/consents",
        "consent": f"{dispute.path}/consents/{first_id(dispute.requesting, dispute.path + '/consents')}",
        "appointments": f"{dispute.path}/appointments",
        "appointment": f"/v1/appointments/{first_id(dispute.requesting, dispute.path + '/appointments')}",
        "sessions": f"{dispute.path}/sessions",
        "session": f"{dispute.path}/sessions/{meeting['id']}",
        "caucus": f"{dispute.path}/sessions/{caucus['id']}",
        "filings": f"{dispute.path}/filings",
        "filing": f"{dispute.path}/filings/{filing['id']}",
        "drafts": f"{dispute.path}/settlement/drafts",
        "draft": f"{dispute.path}/settlement/drafts/{text['id']}",
        "signatures": f"{dispute.path}/settlement/signatures",
        "signature": f"{dispute.path}/settlement/signatures/{signature['id']}",
        "deadlines": f"{dispute.path}/deadlines",
        "events": f"{dispute.path}/events",
        "event": f"{dispute.path}/events/{first_id(dispute.requesting, dispute.path + '/events')}",
    }


def first_id(person: Person, path: str) -> str:
    """The id of the first item of a list."""
    return str(person.get(path).expect(200)["items"][0]["id"])


def test_a_stranger_gets_the_same_answer_for_a_hidden_case_an_unknown_id_and_a_malformed_id(
    house: House, dispute: Dispute, hidden: dict[str, str]
) -> None:
    stranger = house.person("Stan Ranger")
    for what, path in hidden.items():
        *above, last = path.split("/")
        unknown = (
            "/".join([*above, str(uuid4())]) if len(last) == 36 else path.replace(dispute.case["id"], str(uuid4()))
        )
        malformed = path.replace(last, "no-such-id") if len(last) == 36 else path.replace(dispute.case["id"], "x")
        received = whole_answer(stranger.get(path))
        assert received[0] == 404, what
        assert received == whole_answer(stranger.get(unknown)) == whole_answer(stranger.get(malformed)), what
        assert dispute.requesting.get(path).status == 200, what


def test_a_stranger_who_acts_gets_the_same_answer_for_a_hidden_and_an_unknown_case(
    house: House, dispute: Dispute, hidden: dict[str, str]
) -> None:
    stranger = house.person("Stan Ranger")
    acts: list[tuple[str, Json | None]] = [
        ("/steps/withdraw", {"reason": "x"}),
        ("/steps/no-such-step", {}),
        ("/third-states", {"name": "x"}),
        ("/appointments", {"mediator_id": dispute.mediator_id}),
        ("/filings", {"kind": "notice", "title": "x", "text": "x", "audience": "participants"}),
        (hidden["filing"].removeprefix(dispute.path) + "/submit", None),
        (hidden["caucus"].removeprefix(dispute.path) + "/hold", {"attendance": [{"name": "x", "capacity": "x"}]}),
        (hidden["draft"].removeprefix(dispute.path) + "/freeze", {"sha256": "0" * 64}),
        (hidden["consent"].removeprefix(dispute.path) + "/confirm", None),
    ]
    before = dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200)
    for path, body in acts:
        answer = whole_answer(stranger.post(dispute.path + path, body))
        assert answer[0] == 404, path
        assert answer == whole_answer(stranger.post(f"/v1/cases/{uuid4()}{path}", body)), path
    assert whole_answer(stranger.patch(dispute.path, {"title": "x"}, if_match="*"))[0] == 404
    assert dispute.requesting.get(f"{dispute.path}/events?limit=200").expect(200) == before


def test_items_of_one_case_are_not_found_under_another(house: House) -> None:
    first, other = Dispute(house, "a"), Dispute(house, "b")
    first.mediating()
    filing = first.filing(first.requesting, "participants")
    other.opened()
    first.requesting.get(f"{other.path}/filings/{filing['id']}").expect(404)
    other.requesting.get(f"{other.path}/filings/{filing['id']}").expect(404)


def test_a_caucus_is_hidden_from_the_other_side_and_from_the_registry(dispute: Dispute) -> None:
    dispute.mediating()
    caucus = dispute.session("caucus", "requesting")
    filing = dispute.filing(dispute.requesting, "caucus", "requesting")
    for person, status in (
        (dispute.requesting, 200),
        (dispute.mediator, 200),
        (dispute.responding, 404),
        (dispute.registrar, 404),
        (dispute.house.admin, 404),
    ):
        person.get(f"{dispute.path}/sessions/{caucus['id']}").expect(status)
        person.get(f"{dispute.path}/filings/{filing['id']}").expect(status)


def test_only_the_authors_side_sees_a_draft_filing_until_it_is_submitted(dispute: Dispute) -> None:
    dispute.mediating()
    body = {"kind": "statement", "title": "x", "text": "x", "audience": "participants"}
    draft = dispute.responding.post(f"{dispute.path}/filings", body).expect(201)
    path = f"{dispute.path}/filings/{draft['id']}"
    for person in (dispute.requesting, dispute.mediator, dispute.registrar):
        person.get(path).expect(404)
        person.post(f"{path}/submit").expect(404)
    dispute.responding.post(f"{path}/submit").expect(200)
    dispute.requesting.get(path).expect(200)
    dispute.requesting.post(f"{path}/submit").expect(403)


def test_a_candidate_reads_only_the_appointment_and_not_the_case(dispute: Dispute) -> None:
    appointment = dispute.nominated()
    dispute.mediator.get(f"/v1/appointments/{appointment['id']}").expect(200)
    for path in ("", "/steps", "/parties", "/appointments", "/events", "/filings"):
        dispute.mediator.get(dispute.path + path).expect(404)
    assert dispute.mediator.get("/v1/cases").expect(200)["items"] == []
    (held,) = dispute.mediator.get("/v1/me").expect(200)["capacities"]
    assert (held["capacity"], held["appointment_id"], held["case_id"]) == ("candidate", appointment["id"], None)


def test_the_responding_agent_sees_nothing_before_the_invitation(dispute: Dispute) -> None:
    dispute.lodged()
    dispute.responding.get(dispute.path).expect(404)
    assert dispute.responding.get("/v1/me").expect(200)["capacities"] == []
    assert dispute.responding.get("/v1/cases").expect(200)["items"] == []
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    dispute.responding.get(dispute.path).expect(200)
    assert [held["capacity"] for held in dispute.responding.get("/v1/me").expect(200)["capacities"]] == ["agent"]


def test_an_administrator_reads_no_case(dispute: Dispute) -> None:
    dispute.mediating()
    dispute.house.admin.get(dispute.path).expect(404)
    assert dispute.house.admin.get("/v1/cases").expect(200)["items"] == []
