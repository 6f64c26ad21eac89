"""A hidden item is answered like an unknown one."""

from typing import Any
from uuid import uuid4

import pytest

from tests.installation import Answer, House, Json, Person
<<<<<<< HEAD
from tests.registries import EmptyRegistry
from tests.story import EARLIER, Dispute
=======
from tests.story import Dispute
>>>>>>> a5

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
<<<<<<< HEAD


# ── Two worlds: with and without confidential acts ──────────────────────────────────────────────────────────────────


def crawl(person: Person, dispute: Dispute) -> list[object]:
    """Everything that a person receives about the case: each list page by page, each item, filters and counts."""
    received: list[object] = []

    def read(path: str) -> Any:
        answer = person.get(path)
        received.append((path, whole_answer(answer)))
        return answer.json

    for path in ("/v1/me", "/v1/cases", "/v1/cases?q=serin", "/v1/cases?phase=sessions&limit=1"):
        read(path)
    read(dispute.path)
    read(f"{dispute.path}/steps")
    after, more = "", True
    while more:
        told_of = read(f"/v1/events?limit=3{after}")
        after, more = f"&after={told_of['next']}", told_of["more"]
    read("/v1/events?latest=true")
    for name in (
        "parties",
        "third-states",
        "consents",
        "appointments",
        "sessions",
        "filings",
        "settlement/drafts",
        "settlement/signatures",
        "deadlines",
        "events",
    ):
        following: str | None = f"{dispute.path}/{name}?limit=2"
        while following is not None:
            page = read(following)
            for item in page["items"]:
                prefix = "/v1" if name == "appointments" else dispute.path
                read(f"{prefix}/{name}/{item['id']}")
            following = f"{dispute.path}/{name}?limit=2&after={page['next']}" if page["next"] else None
    return received


def open_story(dispute: Dispute, confide: Callable[[str], None]) -> list[object]:
    """The visible story, which calls `confide` where hidden acts may happen; gives all that two outsiders received."""
    outsiders: list[object] = []

    def look() -> None:
        outsiders.extend(crawl(dispute.responding, dispute) + crawl(dispute.registrar, dispute))

    def does(person: Person, method: str, path: str, body: Json | None = None) -> Any:
        answer = person.send(method, dispute.path + path, json=body)
        outsiders.append((method, path, whole_answer(answer)))
        return answer.json

    dispute.mediating()
    confide("first")
    look()
    joint = does(
        dispute.registrar,
        "POST",
        "/sessions",
        {
            "kind": "joint",
            "title": "Together",
            **EARLIER,
            "audience": "participants",
        },
    )
    confide("second")
    statement = {"kind": "statement", "title": "Ours", "text": "Our words.", "audience": "participants"}
    filing = does(dispute.responding, "POST", "/filings", statement)
    does(dispute.responding, "POST", f"/filings/{filing['id']}/submit")
    dispute.hold(joint, "All", "all")
    confide("third")
    text = dispute.frozen()
    look()
    # The case ends while hidden sessions are still open.
    does(dispute.responding, "POST", "/steps/withdraw", {"reason": "No."})
    look()
    assert text["version"] == 1
    return outsiders


def nothing(_place: str) -> None:
    """No hidden act happens."""


def confidences(dispute: Dispute) -> Callable[[str], None]:
    """At each point one side and the mediator take every confidential act."""

    def confide(place: str) -> None:
        with dispute.house.apart(f"hidden-{place}"):
            dispute.filing(dispute.requesting, "caucus", "requesting", text=f"Between us, {place}.")
            dispute.filing(dispute.mediator, "caucus", "requesting")
            dispute.filing(dispute.mediator, "mediators")
            dispute.filing(dispute.requesting, "party", "requesting")
            left_open = {"kind": "statement", "title": "x", "text": "x", "audience": "participants"}
            dispute.requesting.post(f"{dispute.path}/filings", left_open).expect(201)
            held = dispute.session("caucus", "requesting", **EARLIER)
            dispute.hold(held, "Olga", "agent")
            dispute.session("caucus", "requesting", starts_at="2026-05-30T10:00")
            side = [dispute.party("requesting")]
            dispute.draft(dispute.requesting, audience="caucus", party_ids=side)
            dispute.draft(dispute.mediator, audience="mediators", party_ids=[])

    return confide


def world(settings: Settings, with_confidences: bool) -> list[object]:
    """One of the two worlds: the same requests with the same ids, with or without hidden requests among them."""
    with House.open(settings, predictable=True) as house:
        dispute = Dispute(house)
        return open_story(dispute, confidences(dispute) if with_confidences else nothing)


def test_confidential_acts_change_no_byte_that_others_receive(
    empty_registry: EmptyRegistry,
) -> None:
    plain, confided = world(empty_registry(), with_confidences=False), world(empty_registry(), with_confidences=True)
    assert len(plain) == len(confided) > 100
    for without, with_ in zip(plain, confided, strict=True):
        assert without == with_
=======
>>>>>>> a5
