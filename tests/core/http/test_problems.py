"""Every failure is a problem document that says how to correct the request and never echoes it."""

import json
from typing import Any

import pytest

from tests.installation import Answer, House
from tests.story import Dispute, request

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
CANARY = "zebrafinch"


def problem(answer: Answer, status: int, code: str) -> Any:
    """The problem document, after the checks that hold for every problem."""
    body = answer.expect(status, code)
    assert set(body) >= MEMBERS
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] == "en"
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert CANARY not in answer.response.text
    return body


def test_each_status_is_a_problem_document(house: House, dispute: Dispute) -> None:
    case = dispute.opened()
    path = dispute.path
    me = dispute.requesting
    problem(me.get("/no/such/route"), 404, "not-found")
    problem(me.get(f"/v1/cases/{CANARY}"), 404, "not-found")
    problem(me.send("PUT", path), 405, "method-not-allowed")
    assert "GET" in me.send("PUT", path).headers["allow"]
    problem(me.patch(path, {"title": "x"}), 428, "precondition-required")
    problem(me.patch(path, {"title": "x"}, if_match='"old"'), 412, "precondition-failed")
    problem(
        me.send("POST", "/v1/cases", content=b"{}", headers={"content-type": "text/plain"}),
        415,
        "unsupported-media-type",
    )
    problem(me.send("POST", "/v1/cases", content=b"{}"), 415, "unsupported-media-type")
    for name in ("unknown", f"the {CANARY}"):
        problem(me.post("/v1/cases", {name: CANARY}), 422, "invalid")
    problem(me.get(f"/v1/cases?{CANARY}=1"), 422, "invalid")
    problem(me.get("/v1/cases?limit=0"), 422, "invalid")
    problem(me.get(f"/v1/cases?phase={CANARY}"), 422, "invalid")
    problem(me.get("/v1/users"), 403, "forbidden")
    refused = problem(dispute.step(me, "withdraw", {}), 422, "invalid")
    assert refused["errors"][0]["pointer"] == "/reason"
    refused = problem(dispute.step(me, "sign"), 409, "step-not-open")
    assert (refused["stage"], refused["rule_set"]) == (case["stage"], case["procedure"])
    huge = b'{"title": "' + b"x" * 1_048_576 + b'"}'
    json_type = {"content-type": "application/json"}
    problem(me.send("POST", "/v1/cases", content=huge, headers=json_type), 413, "too-large")
    problem(me.send("POST", "/v1/cases", content=iter([huge]), headers=json_type), 413, "too-large")


def test_a_missing_token_is_refused_before_faults_of_the_request(house: House, dispute: Dispute) -> None:
    dispute.opened()
    nobody = house.person("Token Less")
    for token in ("", "x", "accord_" + "A" * 43, "é", nobody.token[:-1]):
        nobody.token = token
        for answer in (
            nobody.get("/v1/me"),
            nobody.get(f"{dispute.path}?unknown=1"),
            nobody.post("/v1/cases", {"nonsense": True}),
            nobody.send("POST", "/v1/cases", content=b"<xml/>", headers={"content-type": "text/xml"}),
            nobody.post(f"{dispute.path}/steps/lodge", {"on": "never"}),
            nobody.patch(dispute.path, {}),
        ):
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_is_refused_once_it_is_revoked_or_has_expired(house: House) -> None:
    person = house.person("Rea Voked")
    tokens = person.get("/v1/tokens").expect(200)["items"]
    second = person.post("/v1/tokens", {"label": "second"}).expect(201)
    assert len(second["token"]) > 43
    assert "token" not in person.get(f"/v1/tokens/{second['id']}").expect(200)
    person.post(f"/v1/tokens/{second['id']}/revoke").expect(200)
    kept, person.token = person.token, second["token"]
    person.get("/v1/me").expect(401)
    person.token = kept
    house.clock.pass_by(days=400)
    person.get("/v1/me").expect(401)
    assert tokens[0]["expires_at"] < house.clock.now.isoformat()


def test_all_faults_of_a_body_come_in_one_answer_in_the_order_of_its_fields(dispute: Dispute) -> None:
    sent = request(title="", languages=["english"], seat={"place": "Here", "time_zone": "Mars/Olympus"})
    del sent["summary"]
    body = problem(dispute.requesting.post("/v1/cases", sent), 422, "invalid")
    pointers = [fault["pointer"] for fault in body["errors"]]
    assert pointers == ["/title", "/summary", "/languages/0", "/seat/time_zone"]
    assert all(fault["code"] and fault["message"] for fault in body["errors"])
    body = problem(
        dispute.requesting.post("/v1/cases", request(subjects=["witchcraft"], category="commercial")), 422, "invalid"
    )
    assert [fault["pointer"] for fault in body["errors"]] == ["/category", "/subjects/0"]


def test_a_fault_says_what_to_send_instead(dispute: Dispute) -> None:
    body = request(title="", parties=[], languages=["en"] * 51, instruments=[{"kind": "feud", "title": "x"}])
    faults = dispute.requesting.post("/v1/cases", body).expect(422, "invalid")["errors"]
    assert {fault["pointer"]: fault["message"] for fault in faults} == {
        "/title": "Give at least 1 character.",
        "/parties": "Give at least 2 items.",
        "/languages": "Give at most 20 items.",
        "/instruments/0/kind": "Choose one of: treaty, resolution, contract, judgment, order, other.",
    }
    dispute.mediating()
    letter = {"title": "x", "kind": "statement", "text": "x", "audience": "participants", "on": "2030-02-30"}
    fault = dispute.requesting.post(f"{dispute.path}/filings", letter).expect(422, "invalid")["errors"][0]
    assert (fault["pointer"], fault["message"]) == ("/on", "Give a day of the calendar, such as 2027-03-08.")
    pages = {0: "Give 1 or more.", 1000: "Give 200 or less."}
    for limit, message in pages.items():
        answer = dispute.requesting.get(f"/v1/cases?limit={limit}").expect(422, "invalid")
        assert [fault["message"] for fault in answer["errors"]] == [message]


def test_codes_do_not_depend_on_the_requested_language(dispute: Dispute) -> None:
    for language in ("en", "fr", "ar", "no-such-language"):
        answer = dispute.requesting.send("GET", "/v1/cases?limit=x", headers={"accept-language": language})
        body = problem(answer, 422, "invalid")
        assert [(fault["pointer"], fault["code"]) for fault in body["errors"]] == [("query/limit", "integer")]


NAMES = ["Suharto", "O’Neill-Ní Dhomhnaill", "A" * 300, "王小明", "X", "Ame\u0301lie", "=1+1", "@home", "00042"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_stored_as_it_was_written(dispute: Dispute, name: str) -> None:
    dispute.opened(
        parties=[
            {"side": "requesting", "kind": "state", "name": name},
            {"side": "responding", "kind": "state", "name": "Vedria"},
        ]
    )
    composed = name.replace("e\u0301", "é")
    assert dispute.read()["parties"][0]["name"] == composed
    assert dispute.requesting.get("/v1/cases").expect(200)["items"][0]["parties"][0]["name"] == composed
    listed = dispute.requesting.get("/v1/cases").expect(200)["items"]
    assert len(listed) == 1


def test_a_plain_request_id_is_kept_and_any_other_is_replaced(house: House) -> None:
    plain = house.admin.send("GET", "/v1/me", headers={"x-request-id": "plain-1"})
    assert plain.headers["x-request-id"] == "plain-1"
    answer = house.admin.send("GET", "/v1/me", headers={"x-request-id": "no <plain> one"})
    assert answer.headers["x-request-id"] not in ("", "no <plain> one")


def test_the_service_reports_that_it_is_live_and_ready(house: House) -> None:
    assert house.client.get("/livez").json() == {"status": "alive"}
    assert house.client.get("/readyz").json()["status"] == "ready"


def test_an_internal_error_is_reported_without_its_details(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.institution.members.service.MemberList", None)
    body = problem(house.admin.get("/v1/members"), 500, "internal")
    assert "NoneType" not in json.dumps(body)
