"""The desk, the timeline and the diagram of a case: each person sees their own view and nothing of others'."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.installation import House, Json, Person
from tests.own_rules import own_rules, rewritten
from tests.story import GIVES, UNCITRAL, Dispute


def desk(person: Person) -> Json:
    """The desk of a person."""
    return dict(person.get("/v1/me/desk").expect(200))


def test_the_desk_lists_awaited_steps_with_their_people_due_dates_and_articles(house: House, dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    waiting = desk(dispute.responding)["waiting"]
    assert [(entry["step"], entry["due_on"], entry["article"]) for entry in waiting] == [
        ("accept-invitation", "2026-04-01", "article 2")
    ]
    assert waiting[0]["case"]["id"] == dispute.case["id"]
    assert waiting[0]["party_id"] == dispute.party("responding")
    assert desk(dispute.requesting)["waiting"] == []
    assert desk(house.registrar)["waiting"] == []
    assert desk(house.person("Stan Ranger")) == {
        "looked_at": None,
        "waiting": [],
        "due": [],
        "sessions": [],
        "nominations": [],
        "news": [],
        "more": [],
    }
    for person in (dispute.requesting, dispute.responding, house.registrar):
        assert [entry["term"] for entry in desk(person)["due"]] == ["reply"]


def test_a_candidates_desk_shows_the_nomination_and_not_the_case(house: House, dispute: Dispute) -> None:
    appointment = dispute.nominated()
    shown = desk(dispute.mediator)
    assert [nomination["id"] for nomination in shown["nominations"]] == [appointment["id"]]
    assert shown["waiting"] == shown["news"] == shown["due"] == []


def test_the_registrars_desk_shows_the_cases_that_wait_for_the_registry(house: House, dispute: Dispute) -> None:
    dispute.consented()
    assert [(entry["step"], entry["capacity"]) for entry in desk(house.registrar)["waiting"]] == [
        ("screen", "registry")
    ]


def test_news_is_what_others_did_since_the_last_visit(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    house.clock.pass_by(hours=1)
    looked = dispute.requesting.post("/v1/me/desk/looked").expect(200)
    assert looked["news"] == []
    assert looked["looked_at"] is not None
    house.clock.pass_by(hours=1)
    dispute.filing(dispute.responding, "participants")
    dispute.filing(dispute.requesting, "participants")
    dispute.filing(dispute.responding, "caucus", "responding")
    assert [event["type"] for event in desk(dispute.requesting)["news"]] == ["filing-submitted"]
    assert [event["type"] for event in desk(dispute.mediator)["news"]][:2] == ["filing-submitted", "filing-submitted"]


def test_many_own_acts_do_not_hide_the_acts_of_others(dispute: Dispute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.proceedings.desk.service.MOST", 2)
    dispute.mediating()
    dispute.requesting.post("/v1/me/desk/looked").expect(200)
    dispute.house.clock.pass_by(hours=1)
    dispute.filing(dispute.responding, "participants")
    for _filing in range(6):
        dispute.filing(dispute.requesting, "participants")
    assert [event["type"] for event in desk(dispute.requesting)["news"]] == ["filing-submitted"]


def test_the_desk_shows_only_upcoming_sessions_that_the_reader_may_see(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    joint = dispute.session()
    caucus = dispute.session("caucus", "requesting", starts_at="2026-06-02T10:00", ends_at="2026-06-02T11:00")
    assert [session["id"] for session in desk(dispute.requesting)["sessions"]] == [joint["id"], caucus["id"]]
    assert [session["id"] for session in desk(dispute.responding)["sessions"]] == [joint["id"]]


def test_the_timeline_lists_past_acts_and_then_due_dates(house: House, dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    items, path = [], f"{dispute.path}/timeline?limit=2"
    while path:
        page = dispute.responding.get(path).expect(200)
        items += page["items"]
        path = f"{dispute.path}/timeline?limit=2&after={page['next']}" if page["next"] else ""
    events = dispute.events(dispute.responding)
    assert [item["id"] for item in items[:-1]] == [event["id"] for event in events]
    last = items[-1]
    assert (last["kind"], last["what"], last["on"], last["state"]) == ("deadline", "reply", "2026-04-01", "running")
    assert last["explanation"][0] == "Trigger: 'invite' on Monday 2026-03-02."
    house.person("Stan Ranger").get(f"{dispute.path}/timeline").expect(404)


def test_the_diagram_of_a_case_marks_where_it_stands(house: House, dispute: Dispute) -> None:
    dispute.consented()
    answer = dispute.requesting.get(f"{dispute.path}/diagram.svg")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    text = " ".join(ElementTree.fromstring(answer.response.text).itertext())  # noqa: S314 - our own drawing
    assert "here" in text
    again = dispute.requesting.get(f"{dispute.path}/diagram.svg", if_none_match=answer.headers["etag"])
    assert again.status == 304
    house.person("Stan Ranger").get(f"{dispute.path}/diagram.svg").expect(404)
    whole = dispute.requesting.get("/v1/procedures/iomed-state-2025/diagram.svg")
    assert whole.status == 200
    assert whole.response.content != answer.response.content
    dispute.requesting.get("/v1/procedures/no-such/diagram.svg").expect(404)


def test_a_rule_set_of_the_institutions_own_is_served_and_its_cases_run(tmp_path: Path, house: House) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "subjects.toml").write_text('[subjects]\nice = "Ice on a river"\n', encoding="utf-8")
    with own_rules(tmp_path / "rules", ours_2026=rewritten("uncitral-2021", "ours-2026")):
        dispute = Dispute(house)
        dispute.invited(procedure="ours-2026", category="state-state", subjects=["ice"])
        dispute.step(dispute.responding, "accept-invitation", GIVES).expect(200)
        assert dispute.read()["procedure"] == "ours-2026"
        subjects = dispute.requesting.get("/v1/subjects").expect(200)["items"]
        assert subjects[-1] == {"code": "ice", "title": "Ice on a river"}
