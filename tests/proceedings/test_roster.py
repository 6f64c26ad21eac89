"""The roster of mediators: corrected, suspended, and what that means for nominations and appointments."""

from tests.installation import House, Json, Person
from tests.story import EARLIER, Dispute


def change(person: Person, mediator_id: str, fields: Json, status: int = 200) -> Json:
    """The answer to a change of an entry."""
    path = f"/v1/mediators/{mediator_id}"
    return dict(person.patch(path, fields, if_match=person.get(path).headers["etag"]).expect(status))


def test_an_entry_is_corrected_and_the_event_keeps_what_it_said(house: House, dispute: Dispute) -> None:
    path = f"/v1/mediators/{dispute.mediator_id}"
    before = house.registrar.get(path).expect(200)
    fields = {"nationalities": ["KE", "FR"], "languages": ["fr"], "expertise": ["rivers"]}
    assert change(house.registrar, dispute.mediator_id, fields) == {**before, **fields}
    # A change that alters nothing is not recorded.
    change(house.registrar, dispute.mediator_id, {"languages": ["fr"]})
    events = house.registrar.get("/v1/events?type=mediator-changed").expect(200)["items"]
    assert [event["data"]["about"] for event in events] == [
        {"mediator_id": dispute.mediator_id, "user_id": dispute.mediator.id}
    ]
    for person in (house.admin, dispute.mediator, dispute.requesting):
        change(person, dispute.mediator_id, {"languages": ["en"]}, 403)
    for wrong, pointer in (
        ({}, ""),
        ({"languages": None}, ""),
        ({"nationalities": []}, "/nationalities"),
        ({"user_id": dispute.mediator.id}, "/user_id"),
    ):
        (fault,) = change(house.registrar, dispute.mediator_id, dict(wrong), 422)["errors"]
        assert fault["pointer"] == pointer
    house.registrar.patch(path, fields).expect(428)
    house.registrar.patch(path, fields, if_match='"x"').expect(412)


def test_a_suspended_mediator_is_no_candidate_and_keeps_the_appointments_in_course(
    house: House, dispute: Dispute
) -> None:
    dispute.mediating()
    other = Dispute(house, "2")
    other.registered()
    nominated = other.nominate(other.requesting, dispute.mediator_id)
    dispute.mediator.post(f"/v1/appointments/{nominated['id']}/declare", {"independent": True}).expect(200)
    third = Dispute(house, "3")
    third.registered()
    house.clock.pass_by(days=1)
    change(house.registrar, dispute.mediator_id, {"active": False})
    # The nomination that was pending is closed, and that case waits for another one.
    (closed,) = other.appointments()
    assert (closed["state"], closed["ended_at"]) == ("closed", "2026-03-03T09:00:00Z")
    (event,) = other.events(kind="appointment-closed")
    assert event["payload"]["cause"] == "suspended"
    waits = {entry["capacity"] for entry in other.read()["waiting_for"]}
    assert waits == {"requesting-party", "responding-party", "registry"}
    dispute.mediator.get(f"/v1/appointments/{nominated['id']}").expect(404)
    house.registrar.post(f"/v1/appointments/{nominated['id']}/confirm").expect(409)
    body = {"mediator_id": dispute.mediator_id}
    fault = third.requesting.post(f"{third.path}/appointments", body).expect(422, "invalid")["errors"][0]
    assert fault["code"] == "unknown-mediator"
    # The mediation goes on.
    (running,) = dispute.appointments()
    assert running["state"] == "confirmed"
    dispute.hold(dispute.session(**EARLIER))
    # Back on the roster, the person is nominated again.
    change(house.registrar, dispute.mediator_id, {"active": True})
    other.nominate(other.requesting, dispute.mediator_id)


def test_a_suspension_twice_closes_nothing_twice(house: House, dispute: Dispute) -> None:
    dispute.nominated()
    for _time in range(2):
        change(house.registrar, dispute.mediator_id, {"active": False})
    assert len(dispute.events(kind="appointment-closed")) == 1
    assert house.registrar.get(f"/v1/mediators/{dispute.mediator_id}").expect(200)["active"] is False
