"""When an appointment ends, so does everything that depends on it, and each event stays within its own audience."""

from typing import Any

import pytest

from tests.installation import Person
from tests.story import Dispute

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


LEAVE: list[Any] = [by_resignation, by_replacement]


@pytest.mark.parametrize("leave", LEAVE)
def test_no_session_outlives_the_appointment_and_the_caucus_is_seen_by_its_side_alone(
    dispute: Dispute, leave: Any
) -> None:
    dispute.mediating()
    joint, caucus = dispute.session()["id"], dispute.session("caucus", "responding")["id"]
    held = dispute.session(title="Opening", starts_at="2026-03-02T10:00", ends_at="2026-03-02T11:00")
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
    assert dispute.hold(dispute.session())["state"] == "held"


@pytest.mark.parametrize("leave", LEAVE)
def test_a_caucus_that_ends_with_the_appointment_changes_nothing_for_outsiders(dispute: Dispute, leave: Any) -> None:
    dispute.mediating()
    dispute.session("caucus", "responding")
    before = dispute.read()["seq"]
    seen = [event["seq"] for event in dispute.events()]
    leave(dispute)
    news = dispute.events()[len(seen) :]
    assert [event["type"] for event in news] == ["step-taken", f"appointment-{dispute.appointments()[0]['state']}"]
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
