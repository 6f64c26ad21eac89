"""When an appointment ends, so does everything that depends on it, and each event stays within its own audience."""

from typing import Any

import pytest

from tests.installation import House, Json, Person
from tests.story import EARLIER, GIVES, Dispute

WHY = {"reason": "The mediator has left."}


def by_resignation(dispute: Dispute) -> None:
    """The mediator resigns."""
    dispute.resign()


def by_replacement(dispute: Dispute) -> None:
    """The registry ends the appointment."""
    path = f"/v1/appointments/{dispute.appointments()[0]['id']}/replace"
    dispute.registrar.post(path, {"reason": "Fallen ill."}).expect(200)


def sessions(dispute: Dispute, person: Person) -> dict[str, str]:
    """The state of each session that somebody sees, by its id."""
    return {item["id"]: item["state"] for item in person.get(f"{dispute.path}/sessions").expect(200)["items"]}


def cancelled(dispute: Dispute, person: Person) -> list[tuple[str, str]]:
    """The sessions of whose cancellation somebody hears, each with the audience of the event."""
    events = dispute.events(person, "session-cancelled")
    return [(event["payload"]["session_id"], event["audience"]) for event in events]


def by_account(dispute: Dispute) -> None:
    """The administrator ends the mediator's account."""
    dispute.house.admin.post(f"/v1/users/{dispute.mediator.id}/disable").expect(200)


LEAVE: list[Any] = [by_resignation, by_replacement, by_account]


def waits(case: Json) -> list[tuple[str, str | None, str, str]]:
    """For whom a case waits: capacity, party, step, and since when."""
    return [(entry["capacity"], entry["party_id"], entry["for"], entry["since"]) for entry in case["waiting_for"]]


@pytest.mark.parametrize("leave", LEAVE)
def test_no_session_outlives_the_appointment_and_the_caucus_is_seen_by_its_side_alone(
    dispute: Dispute, leave: Any
) -> None:
    dispute.mediating()
    joint, caucus = dispute.session()["id"], dispute.session("caucus", "responding")["id"]
    held = dispute.session(title="Opening", **EARLIER)
    dispute.hold(held)
    leave(dispute)
    assert sessions(dispute, dispute.responding) == {held["id"]: "held", joint: "cancelled", caucus: "cancelled"}
    assert cancelled(dispute, dispute.responding) == [(joint, "participants"), (caucus, "caucus")]
    successor, path = dispute.succeeded()
    dispute.registrar.post(f"{path}/confirm").expect(200)
    for outsider in (dispute.requesting, dispute.registrar):
        assert sessions(dispute, outsider) == {held["id"]: "held", joint: "cancelled"}
        assert cancelled(dispute, outsider) == [(joint, "participants")]
        outsider.get(f"{dispute.path}/sessions/{caucus}").expect(404)
    successor.get(f"{dispute.path}/sessions/{caucus}").expect(404)
    for person in (dispute.requesting, dispute.responding, dispute.registrar):
        assert person.get("/v1/me/desk").expect(200)["sessions"] == []
    dispute.registrar.post(f"{dispute.path}/sessions/{joint}/cancel", WHY).expect(409, "session-state")
    dispute.mediator = successor
    assert dispute.hold(dispute.session(**EARLIER))["state"] == "held"


@pytest.mark.parametrize("leave", LEAVE)
def test_a_caucus_that_ends_with_the_appointment_changes_nothing_for_outsiders(dispute: Dispute, leave: Any) -> None:
    dispute.mediating()
    dispute.session("caucus", "responding")
    before = dispute.read()["seq"]
    seen = [event["seq"] for event in dispute.events()]
    leave(dispute)
    news = dispute.events()[len(seen) :]
    types = ["step-taken", f"appointment-{dispute.appointments()[0]['state']}"]
    assert [event["type"] for event in news] == types + ["capacity-ended"] * (leave is by_account)
    assert dispute.read()["seq"] == before + len(news)


def test_a_closed_case_has_no_session_no_running_term_and_no_nomination(dispute: Dispute) -> None:
    dispute.mediating()
    joint, caucus = dispute.session()["id"], dispute.session("caucus", "responding")["id"]
    dispute.step(dispute.requesting, "withdraw", {"reason": "Settled elsewhere."}).expect(200)
    assert sessions(dispute, dispute.requesting) == {joint: "cancelled"}
    assert sessions(dispute, dispute.responding) == {joint: "cancelled", caucus: "cancelled"}
    assert cancelled(dispute, dispute.registrar) == [(joint, "participants")]
    for person in (dispute.requesting, dispute.responding, dispute.registrar):
        desk = person.get("/v1/me/desk").expect(200)
        assert (desk["sessions"], desk["due"], desk["waiting"]) == ([], [], [])
        assert {deadline["state"] for deadline in dispute.deadlines(person)} <= {"ended"}


@pytest.mark.parametrize("stage", ["mediating", "settling"])
def test_an_ended_account_ends_the_appointment_and_the_case_waits_for_the_registry(
    house: House, dispute: Dispute, stage: str
) -> None:
    dispute.brought_to(stage)
    house.clock.pass_by(days=3)
    by_account(dispute)
    (appointment,) = dispute.appointments()
    assert (appointment["state"], appointment["ended_at"]) == ("replaced", "2026-03-05T09:00:00Z")
    (ended,) = dispute.events(kind="appointment-replaced")
    assert (ended["act"], ended["payload"]["cause"]) == ("disable", "account-disabled")
    assert ended["actor"] == {"id": house.admin.id, "capacity": "admin", "party_id": None}
    case = dispute.read()
    assert case["stage"] == ("registered" if stage == "mediating" else "settling")
    assert case["mediators"] == []
    assert "mediator" not in {entry["capacity"] for entry in case["waiting_for"]}
    path = f"/v1/appointments/{appointment['id']}/replace"
    dispute.registrar.post(path, {"reason": "x"}).expect(409)
    successor, path = dispute.succeeded()
    dispute.registrar.post(f"{path}/confirm").expect(200)
    assert [mediator["user_id"] for mediator in dispute.read()["mediators"]] == [successor.id]


@pytest.mark.usefixtures("watched")
def test_an_appointment_ends_with_the_account_only_in_open_cases(house: House, dispute: Dispute) -> None:
    dispute.settled()
    by_account(dispute)
    assert [appointment["state"] for appointment in dispute.appointments()] == ["confirmed"]
    assert dispute.events(kind="appointment-replaced") == []


def test_a_nomination_that_ends_with_an_account_says_why(house: House, dispute: Dispute) -> None:
    path = f"/v1/appointments/{dispute.nominated()['id']}"
    by_account(dispute)
    assert dispute.requesting.get(path).expect(200)["state"] == "closed"
    (closed,) = dispute.events(kind="appointment-closed")
    assert (closed["payload"]["state"], closed["payload"]["cause"]) == ("closed", "account-disabled")


def test_the_case_waits_for_the_registry_instead_of_a_party_that_nobody_represents(
    house: House, dispute: Dispute
) -> None:
    dispute.invited()
    party = dispute.party("responding")
    before = dispute.read()
    assert waits(before) == [("responding-party", party, "accept-invitation", "2026-03-02T09:00:00Z")]
    assert [each["represented"] for each in before["parties"]] == [True, True]
    house.clock.pass_by(days=3)
    house.admin.post(f"/v1/users/{dispute.responding.id}/disable").expect(200)
    case = dispute.read()
    assert waits(case) == [("registry", party, "accept-invitation", "2026-03-05T09:00:00Z")]
    assert [each["represented"] for each in case["parties"]] == [True, False]
    assert dispute.requesting.get(f"{dispute.path}/parties/{party}").expect(200)["represented"] is False
    (waiting,) = dispute.registrar.get("/v1/me/desk").expect(200)["waiting"]
    assert (waiting["party_id"], waiting["step"]) == (party, "accept-invitation")
    for wanted in ("registry", "me"):
        (listed,) = dispute.registrar.get(f"/v1/cases?waiting_for={wanted}").expect(200)["items"]
        assert listed["id"] == dispute.case["id"]
    house.clock.pass_by(days=1)
    agent = house.person("Nova Gent")
    dispute.admit(dispute.registrar, agent, party)
    case = dispute.read()
    assert waits(case) == [("responding-party", party, "accept-invitation", "2026-03-06T09:00:00Z")]
    assert [each["represented"] for each in case["parties"]] == [True, True]


def test_a_party_whose_only_representative_leaves_is_unrepresented_and_its_act_is_entered(dispute: Dispute) -> None:
    dispute.invited()
    party, path = dispute.party("responding"), dispute.representatives("responding")
    (agent,) = dispute.responding.get(path).expect(200)["items"]
    dispute.responding.post(f"{path}/{agent['id']}/end", {"reason": "Recalled."}).expect(204)
    assert [entry[:3] for entry in waits(dispute.read())] == [("registry", party, "accept-invitation")]
    on_paper = {"on_behalf_of": party, "received_via": "courier", **GIVES}
    dispute.step(dispute.registrar, "accept-invitation", on_paper).expect(200)
