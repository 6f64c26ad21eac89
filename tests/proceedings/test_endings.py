"""Every ending of a case, under both rule sets, and its effect on open items."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.installation import House, Json, Person
from tests.story import GIVES, Dispute

WHY = {"reason": "As the rules allow."}
IOMED, UNCITRAL = "iomed-state-2025", "uncitral-2021"


@dataclass(frozen=True)
class Ending:
    """The stage and the steps from which an ending is reached, with its outcome and ground."""

    rule_set: str
    stage: str
    step: str
    by: tuple[str, ...]
    outcome: str
    ground: str | None = None
    article: str | None = None
    body: Json = field(default_factory=lambda: WHY)


def terminated(rule_set: str, by: str, ground: str, article: str | None = None) -> Ending:
    """The mediation ended without a settlement."""
    people = ("requesting", "responding") if by == "parties" else (by,)
    body = {"fields": {"ground": ground}} | ({} if by == "parties" else WHY)
    return Ending(rule_set, "mediating", "terminate", people, "not-settled", ground, article, body)


def withdrawn(rule_set: str, stage: str, by: str, article: str | None = None) -> Ending:
    """The case withdrawn by one party."""
    return Ending(rule_set, stage, "withdraw", (by,), "withdrawn", article=article)


ENDINGS = [
    Ending(IOMED, "invited", "decline-invitation", ("responding",), "declined"),
    Ending(UNCITRAL, "invited", "decline-invitation", ("responding",), "declined", article="article 2"),
    Ending(IOMED, "invited", "lapse", ("registrar",), "lapsed"),
    Ending(UNCITRAL, "invited", "lapse", ("requesting",), "lapsed", article="article 2"),
    Ending(
        IOMED, "consented", "declare-inadmissible", ("registrar",), "inadmissible", article="Convention, article 24"
    ),
    *(withdrawn(IOMED, stage, "requesting") for stage in ("draft", "lodged", "invited")),
    *(withdrawn(UNCITRAL, stage, "requesting") for stage in ("draft", "lodged", "invited")),
    *(withdrawn(IOMED, "mediating", side) for side in ("requesting", "responding")),
    *(withdrawn(UNCITRAL, "mediating", side, "article 9") for side in ("requesting", "responding")),
    withdrawn(IOMED, "settling", "responding"),
    terminated(IOMED, "mediator", "no-prospect-of-settlement"),
    terminated(IOMED, "registrar", "no-prospect-of-settlement"),
    terminated(IOMED, "mediator", "party-does-not-take-part"),
    terminated(IOMED, "registrar", "party-does-not-take-part"),
    terminated(IOMED, "parties", "agreement-of-the-parties"),
    terminated(UNCITRAL, "mediator", "declaration-of-the-mediator", "article 9"),
    terminated(UNCITRAL, "mediator", "deposit-unpaid", "articles 9 and 11"),
    terminated(UNCITRAL, "registrar", "deposit-unpaid", "articles 9 and 11"),
    terminated(UNCITRAL, "registrar", "mandatory-period-expired", "article 9"),
    terminated(UNCITRAL, "parties", "declaration-of-the-parties", "article 9"),
]


def named(ending: Ending) -> str:
    """The name of the ending in the report."""
    return f"{ending.rule_set} {ending.step} {ending.ground or ''} by {'+'.join(ending.by)} from {ending.stage}"


def brought_to(dispute: Dispute, ending: Ending) -> None:
    """The case at the stage from which it can end so."""
    if ending.outcome == "inadmissible":
        dispute.members[1] = dispute.house.member("Vedria as declared", excludes=["water-allocation"])
    if ending.outcome != "lapsed":
        dispute.brought_to(ending.stage, procedure=ending.rule_set)
        return
    dispute.lodged(procedure=ending.rule_set)
    dispute.step(dispute.registrar, "invite", {"due_on": "2026-03-20"}).expect(200)
    dispute.house.clock.pass_by(days=18)
    for person in (dispute.registrar, dispute.requesting):
        assert dispute.step(person, "lapse", WHY).status in (403, 409)
    dispute.house.clock.pass_by(days=1)
    dispute.read()


@pytest.mark.parametrize("ending", ENDINGS, ids=named)
def test_a_case_ends_with_this_outcome(dispute: Dispute, ending: Ending) -> None:
    brought_to(dispute, ending)
    people: dict[str, Person] = {
        "requesting": dispute.requesting,
        "responding": dispute.responding,
        "registrar": dispute.registrar,
        "mediator": dispute.mediator,
    }
    *others, last = ending.by
    for who in others:
        assert dispute.step(people[who], ending.step, ending.body).expect(200)["stage"] == ending.stage
    dispute.step(people[last], ending.step, ending.body).expect(200)
    case = dispute.read()
    expected = {"stage": "closed", "phase": "closed", "outcome": ending.outcome, "ground": ending.ground}
    assert {name: case[name] for name in expected} == expected
    assert (case["waiting_for"], case["next_due_on"]) == ([], None)
    assert case["closed_at"] == dispute.house.clock.now.isoformat().replace("+00:00", "Z")
    ended = [event for event in dispute.events(kind="step-taken") if event["act"] == ending.step][-1]
    assert (ended["payload"]["outcome"], ended["payload"]["ground"]) == (ending.outcome, ending.ground)
    assert ended["article"] == ending.article
    deadlines = dispute.deadlines()
    assert {deadline["state"] for deadline in deadlines} <= {"ended"}
    for person in people.values():
        steps = person.get(f"{dispute.path}/steps")
        assert steps.status == 404 or not any(step["available"] for step in steps.json["items"])


def test_the_table_covers_every_ending_of_the_rule_sets(house: House) -> None:
    for id in (IOMED, UNCITRAL):
        rules = house.admin.get(f"/v1/procedures/{id}").expect(200)
        shown = [ending for ending in ENDINGS if ending.rule_set == id]
        outcomes = {step["outcome"] for step in rules["steps"]} - {None, "settled"}
        assert {ending.outcome for ending in shown} == outcomes
        assert {ending.ground for ending in shown} - {None} == {ground["name"] for ground in rules["grounds"]}


@pytest.mark.parametrize("rule_set", [IOMED, UNCITRAL])
@pytest.mark.parametrize(("settles", "outcome"), [("whole", "settled"), ("part", "partly-settled")])
def test_a_signed_text_settles_the_whole_dispute_or_a_part_of_it(
    dispute: Dispute, rule_set: str, settles: str, outcome: str
) -> None:
    dispute.mediating(procedure=rule_set)
    text = dispute.frozen(settles=settles)
    assert text["settles"] == settles
    dispute.sign(dispute.requesting, "requesting", text).expect(201)
    assert dispute.read()["outcome"] is None
    dispute.sign(dispute.responding, "responding", text).expect(201)
    assert dispute.read()["outcome"] == outcome


def test_a_ground_of_another_capacity_is_refused_with_the_allowed_grounds(dispute: Dispute) -> None:
    dispute.mediating()
    for body in (WHY, {**WHY, "fields": {"ground": "agreement-of-the-parties"}}):
        refused = dispute.step(dispute.mediator, "terminate", body).expect(422)
        (fault,) = refused["errors"]
        assert (fault["pointer"], fault["code"]) == ("/fields/ground", "ground")
        assert "no-prospect-of-settlement" in fault["message"]
    stray = {**WHY, "fields": {"ground": "no-prospect-of-settlement"}}
    dispute.step(dispute.requesting, "withdraw", stray).expect(422)


@pytest.mark.parametrize("rule_set", [IOMED, UNCITRAL])
def test_the_end_of_a_case_closes_open_items_with_an_event_in_each_stream(
    house: House, dispute: Dispute, rule_set: str
) -> None:
    dispute.mediating(procedure=rule_set)
    joint, caucus = dispute.session(), dispute.session("caucus", "requesting")
    dispute.step(dispute.responding, "withdraw", WHY).expect(200)
    path = f"{dispute.path}/sessions"
    assert dispute.responding.get(f"{path}/{joint['id']}").expect(200)["state"] == "cancelled"
    assert dispute.mediator.get(f"{path}/{caucus['id']}").expect(200)["state"] == "cancelled"
    dispute.responding.get(f"{path}/{caucus['id']}").expect(404)

    def cancelled(person: Person) -> dict[str, Any]:
        cancelled_sessions = dispute.events(person, "session-cancelled")
        return {event["payload"]["session_id"]: event["audience"] for event in cancelled_sessions}

    assert cancelled(dispute.responding) == {joint["id"]: "participants"}
    assert cancelled(dispute.requesting) == {joint["id"]: "participants", caucus["id"]: "caucus"}
    assert cancelled(dispute.registrar) == cancelled(dispute.responding)
    assert dispute.mediator.get(dispute.path).expect(200)["mediators"][0]["name"] == "Mina Datar"


@pytest.mark.parametrize("rule_set", [IOMED, UNCITRAL])
def test_the_end_of_a_case_ends_the_candidates_access(dispute: Dispute, rule_set: str) -> None:
    appointment = dispute.nominated(procedure=rule_set)
    path = f"/v1/appointments/{appointment['id']}"
    dispute.mediator.get(path).expect(200)
    dispute.step(dispute.requesting, "withdraw", WHY).expect(200)
    dispute.mediator.get(path).expect(404)
    assert dispute.mediator.get("/v1/me").expect(200)["capacities"] == []
    assert dispute.requesting.get(path).expect(200)["state"] == "closed"


def test_a_request_lodged_again_names_the_earlier_case(house: House, dispute: Dispute) -> None:
    dispute.invited()
    earlier = dispute.case["id"]
    body = {**_again(dispute), "earlier_case_id": earlier}
    dispute.requesting.post("/v1/cases", body).expect(422)
    dispute.step(dispute.responding, "decline-invitation", WHY).expect(200)
    dispute.mediator.post("/v1/cases", body).expect(422)
    made = dispute.requesting.post("/v1/cases", body).expect(201)
    assert made["earlier_case_id"] == earlier
    stranger = house.person("Nova Agent")
    dispute.case = made
    dispute.step(dispute.requesting, "lodge", GIVES).expect(200)
    dispute.admit(dispute.registrar, stranger, dispute.party("responding"))
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    assert stranger.get(dispute.path).expect(200)["earlier_case_id"] is None
    assert dispute.registrar.get(dispute.path).expect(200)["earlier_case_id"] == earlier


def _again(dispute: Dispute) -> Json:
    """The same request again."""
    kept = ("procedure", "category", "title", "summary", "instruments", "subjects", "languages", "seat")
    parties = [
        {name: party[name] for name in ("side", "kind", "name", "member_id")} for party in dispute.case["parties"]
    ]
    return {**{name: dispute.case[name] for name in kept}, "parties": parties}
