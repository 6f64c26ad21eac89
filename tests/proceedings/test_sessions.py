"""Sessions are scheduled by the mediator in the local time of the seat, and held with an attendance list."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.installation import House
from tests.story import EARLIER, Dispute

NEW_YORK = {"place": "New York", "time_zone": "America/New_York"}


def test_a_weekly_series_keeps_its_hour_at_the_seat_when_the_clocks_change(dispute: Dispute) -> None:
    dispute.mediating(seat=NEW_YORK)
    days = ["2027-03-08", "2027-03-15", "2027-03-22", "2027-03-29"]
    series = [dispute.session(starts_at=f"{day}T10:00", ends_at=f"{day}T11:00", title=f"Week of {day}") for day in days]
    assert [session["starts_at"] for session in series] == [
        "2027-03-08T15:00:00Z",
        "2027-03-15T14:00:00Z",
        "2027-03-22T14:00:00Z",
        "2027-03-29T14:00:00Z",
    ]
    assert [session["starts_local"] for session in series] == [
        "2027-03-08T10:00:00-05:00",
        "2027-03-15T10:00:00-04:00",
        "2027-03-22T10:00:00-04:00",
        "2027-03-29T10:00:00-04:00",
    ]
    london = [
        datetime.fromisoformat(meeting["starts_at"]).astimezone(ZoneInfo("Europe/London")).hour for meeting in series
    ]
    assert london == [15, 14, 14, 15]
    assert {session["time_zone"] for session in series} == {"America/New_York"}


TIMES: list[tuple[Any, Any, int, str]] = [
    ("2027-03-08T10:00-05:00", "2027-03-08T16:00:00Z", 201, ""),
    ("2027-03-14T02:30", "2027-03-14T04:00", 422, "/starts_at"),
    ("2027-11-07T01:30", "2027-11-07T04:00", 422, "/starts_at"),
    ("2027-11-07T01:30:00-05:00", "2027-11-07T04:00", 201, ""),
    ("2027-03-08T10:00", "2027-03-08T10:00", 422, "/ends_at"),
    ("2027-03-08T10:00", "2027-03-08T09:00", 422, "/ends_at"),
    ("2027-02-29T10:00", "2027-03-01T10:00", 422, "/starts_at"),
    ("2027-03-08", "2027-03-08T10:00", 422, "/starts_at"),
    ("2020-03-08T10:00", "2020-03-08T12:00", 422, "/starts_at"),
    # The day before the mediator was confirmed.
    ("2026-03-01T10:00", "2026-03-01T12:00", 422, "/starts_at"),
    ("2206-03-08T10:00", "2206-03-08T12:00", 422, "/starts_at"),
    ("2027-03-08T10:00", "2029-03-08T10:00", 422, "/ends_at"),
    ("2027-03-08T10:00", "2027-03-28T18:00", 201, ""),
    ("2026-03-02T01:00", "2026-03-02T03:00", 201, ""),
    (1772960400, "2027-03-08T10:00", 422, "/starts_at"),
]


@pytest.mark.parametrize(("starts_at", "ends_at", "status", "pointer"), TIMES)
def test_times_that_do_not_exist_at_the_seat_or_run_backwards_are_refused(
    dispute: Dispute, starts_at: Any, ends_at: Any, status: int, pointer: str
) -> None:
    dispute.mediating(seat=NEW_YORK)
    session = {"kind": "joint", "title": "x", "starts_at": starts_at, "ends_at": ends_at, "audience": "participants"}
    body = dispute.mediator.post(f"{dispute.path}/sessions", session).expect(status)
    if status == 422:
        assert [fault["pointer"] for fault in body["errors"]] == [pointer]


def test_the_mediator_schedules_any_session_the_registry_joint_sessions_and_parties_none(dispute: Dispute) -> None:
    dispute.mediating()
    joint = {
        "kind": "joint",
        "title": "x",
        "starts_at": "2026-06-01T10:00",
        "ends_at": "2026-06-01T11:00",
        "audience": "participants",
    }
    side = [dispute.party("requesting")]
    caucus = {**joint, "kind": "caucus", "audience": "caucus", "party_ids": side, "despite_overlap": True}
    path = f"{dispute.path}/sessions"
    dispute.registrar.post(path, joint).expect(201)
    dispute.registrar.post(path, caucus).expect(403, "not-your-capacity")
    dispute.requesting.post(path, joint).expect(403, "not-your-capacity")
    dispute.mediator.post(path, caucus).expect(201)
    for bad in (
        {**joint, "audience": "caucus", "party_ids": side},
        {**caucus, "audience": "participants", "party_ids": []},
        {**caucus, "party_ids": []},
        {**joint, "audience": "case"},
        {**joint, "audience": "appointment"},
        {**joint, "audience": "everybody"},
        {**caucus, "party_ids": ["00000000-0000-4000-8000-000000000000"]},
        {**caucus, "party_ids": side * 2},
    ):
        dispute.mediator.post(path, bad).expect(422, "invalid")


def test_sessions_wait_for_a_mediator_and_end_with_the_case(dispute: Dispute) -> None:
    dispute.registered()
    body = {
        "kind": "joint",
        "title": "x",
        "starts_at": "2026-06-01T10:00",
        "ends_at": "2026-06-01T11:00",
        "audience": "participants",
    }
    dispute.registrar.post(f"{dispute.path}/sessions", body).expect(409, "step-not-open")
    dispute.case = {}
    dispute.mediating()
    session = dispute.session()
    dispute.step(dispute.requesting, "withdraw", {"reason": "x"}).expect(200)
    path = f"{dispute.path}/sessions/{session['id']}"
    assert dispute.responding.get(path).expect(200)["state"] == "cancelled"
    attendance = {"attendance": [{"name": "x", "capacity": "x"}]}
    refused = dispute.mediator.post(f"{path}/hold", attendance).expect(409, "session-state")
    assert refused["detail"].startswith("The session is cancelled, and only a scheduled session can be held")
    assert refused["detail"].endswith("To meet again, schedule another one.")


def test_the_mediator_records_a_session_as_held_once_on_its_day(dispute: Dispute) -> None:
    dispute.mediating()
    path = f"{dispute.path}/sessions/{dispute.session(**EARLIER)['id']}/hold"
    attendance = [{"name": "Olga Strand", "capacity": "agent", "party_id": dispute.party("requesting")}]
    dispute.mediator.post(path, {"attendance": attendance, "on": "2026-01-01"}).expect(422)
    dispute.mediator.post(path, {"attendance": []}).expect(422)
    dispute.registrar.post(path, {"attendance": attendance}).expect(403)
    held = dispute.mediator.post(path, {"attendance": attendance, "on": "2026-03-02"}).expect(200)
    assert (held["state"], held["held_on"], held["attendance"]) == ("held", "2026-03-02", attendance)
    dispute.mediator.post(path, {"attendance": attendance}).expect(409, "session-state")


def test_a_session_recorded_days_later_needs_a_reason(dispute: Dispute) -> None:
    dispute.mediating()
    session = dispute.session(starts_at="2026-03-04T10:00", ends_at="2026-03-04T12:00")
    dispute.house.clock.pass_by(days=4)
    path = f"{dispute.path}/sessions/{session['id']}/hold"
    held = {"attendance": [{"name": "Mina Datar", "capacity": "mediator"}]}
    late = {"reason": "The line was down."}
    for on, more, pointer in (
        ("2026-03-07", late, "/on"),
        ("2026-03-03", late, "/on"),
        ("2026-03-04", {}, "/reason"),
    ):
        refused = dispute.mediator.post(path, {**held, "on": on, **more}).expect(422)
        assert [fault["pointer"] for fault in refused["errors"]] == [pointer]
    recorded = dispute.mediator.post(path, {**held, "on": "2026-03-04", **late}).expect(200)
    assert (recorded["state"], recorded["held_on"]) == ("held", "2026-03-04")


@pytest.mark.parametrize(("act", "state"), [("adjourn", "adjourned"), ("cancel", "cancelled")])
def test_a_session_is_adjourned_with_a_reason_that_its_readers_see(dispute: Dispute, act: str, state: str) -> None:
    dispute.mediating()
    joint, caucus = dispute.session(), dispute.session("caucus", "requesting")
    why = {"reason": "The delegation is delayed."}
    path = f"{dispute.path}/sessions"
    dispute.requesting.post(f"{path}/{joint['id']}/{act}", why).expect(403, "not-your-capacity")
    dispute.mediator.post(f"{path}/{joint['id']}/{act}").expect(422)
    put_off = dispute.registrar.post(f"{path}/{joint['id']}/{act}", why).expect(200)
    assert (put_off["state"], put_off["reason"]) == (state, "The delegation is delayed.")
    dispute.registrar.post(f"{path}/{joint['id']}/{act}", why).expect(409, "session-state")
    dispute.registrar.post(f"{path}/{caucus['id']}/{act}", why).expect(404)
    dispute.responding.post(f"{path}/{caucus['id']}/{act}", why).expect(404)
    dispute.mediator.post(f"{path}/{caucus['id']}/{act}", why).expect(200)
    seen = dispute.requesting.get(f"{path}/{caucus['id']}").expect(200)
    assert (seen["state"], seen["reason"]) == (state, "The delegation is delayed.")
    held = {"attendance": [{"name": "Mina Datar", "capacity": "mediator"}]}
    dispute.mediator.post(f"{path}/{joint['id']}/hold", held).expect(409, "session-state")


def test_a_session_is_not_held_before_it_has_begun(dispute: Dispute) -> None:
    dispute.mediating()
    session = dispute.session(starts_at="2026-03-04T10:00", ends_at="2026-03-04T12:00")
    path = f"{dispute.path}/sessions/{session['id']}"
    held = {"attendance": [{"name": "Mina Datar", "capacity": "mediator"}]}
    dispute.mediator.post(f"{path}/hold", held).expect(409, "session-not-begun")
    dispute.mediator.post(f"{path}/hold", {**held, "on": "2026-03-02"}).expect(422, "invalid")
    assert dispute.mediator.get(path).expect(200)["state"] == "scheduled"
    # 10:00 in Hong Kong, to the second.
    dispute.house.clock.now = datetime(2026, 3, 4, 1, 59, 59, tzinfo=UTC)
    dispute.mediator.post(f"{path}/hold", held).expect(409, "session-not-begun")
    dispute.house.clock.pass_by(seconds=1)
    assert dispute.mediator.post(f"{path}/hold", held).expect(200)["held_on"] == "2026-03-04"


def test_a_session_that_took_place_unannounced_is_entered_afterwards(dispute: Dispute) -> None:
    dispute.mediating()
    dispute.house.clock.pass_by(days=3)
    session = dispute.session(**EARLIER)
    path = f"{dispute.path}/sessions/{session['id']}/hold"
    late = {"attendance": [{"name": "Mina Datar", "capacity": "mediator"}], "reason": "Held at short notice."}
    assert dispute.mediator.post(path, {**late, "on": "2026-03-02"}).expect(200)["held_on"] == "2026-03-02"


def test_a_mediator_is_warned_of_their_own_sessions_at_the_same_time_in_every_case(
    house: House, dispute: Dispute
) -> None:
    dispute.mediating()
    other = Dispute(house, " II")
    other.mediator, other.mediator_id = dispute.mediator, dispute.mediator_id
    other.mediating(procedure="uncitral-2021")
    caucus = dispute.session("caucus", "requesting")
    times = {"starts_at": "2026-06-01T11:59", "ends_at": "2026-06-01T13:00"}
    body = {"kind": "joint", "title": "Meeting", "audience": "participants", **times}
    path = f"{other.path}/sessions"
    refused = dispute.mediator.post(path, body).expect(409, "sessions-overlap")
    assert refused["sessions"] == [{"id": caucus["id"], "case_id": dispute.case["id"]}]
    # What ends when another begins does not overlap it.
    after = dispute.mediator.post(path, {**body, "starts_at": "2026-06-01T12:00"}).expect(201)
    assert after["overlaps"] == []
    dispute.mediator.post(f"{path}/{after['id']}/cancel", {"reason": "Called too early."}).expect(200)
    made = dispute.mediator.post(path, {**body, "despite_overlap": True}).expect(201)
    assert made["overlaps"] == [{"case_id": dispute.case["id"], "session_id": caucus["id"]}]
    (warned,) = dispute.mediator.get(f"{dispute.path}/sessions").expect(200)["items"]
    assert warned["overlaps"] == [{"case_id": other.case["id"], "session_id": made["id"]}]
    # An adjourned session takes up no time.
    why = {"reason": "The delegation is delayed."}
    dispute.mediator.post(f"{dispute.path}/sessions/{caucus['id']}/adjourn", why).expect(200)
    assert dispute.mediator.get(f"{path}/{made['id']}").expect(200)["overlaps"] == []


def test_only_the_mediator_learns_that_they_have_a_caucus_at_that_time(house: House, dispute: Dispute) -> None:
    dispute.mediating()
    other = Dispute(house, " II")
    other.mediator, other.mediator_id = dispute.mediator, dispute.mediator_id
    other.mediating(procedure="uncitral-2021")
    body = {"kind": "joint", "title": "Meeting", "audience": "participants"}
    body |= {"starts_at": "2026-06-01T10:30", "ends_at": "2026-06-01T11:00"}
    path = f"{dispute.path}/sessions"
    alone = dispute.registrar.post(path, body).expect(201)
    assert alone["overlaps"] == []
    seen = [person.get(f"{path}/{alone['id']}") for person in (dispute.registrar, dispute.requesting)]
    for case, side in ((dispute, "responding"), (other, "requesting")):
        case.session("caucus", side)
    for person, before in zip((dispute.registrar, dispute.requesting), seen, strict=True):
        now = person.get(f"{path}/{alone['id']}")
        assert (now.json, now.headers["etag"]) == (before.json, before.headers["etag"])
    assert len(dispute.mediator.get(f"{path}/{alone['id']}").expect(200)["overlaps"]) == 2
    again = dispute.registrar.post(path, {**body, "despite_overlap": False}).expect(201)
    assert [overlap["session_id"] for overlap in again["overlaps"]] == [alone["id"]]
    assert [item["overlaps"] for item in dispute.requesting.get(path).expect(200)["items"]] == [[], []]


@pytest.mark.parametrize("shared", ["mediator", "representative", "member", None])
def test_the_registry_is_warned_of_joint_sessions_at_one_time_with_the_same_people(
    house: House, dispute: Dispute, shared: str | None
) -> None:
    dispute.mediating()
    other = Dispute(house, " II")
    if shared == "mediator":
        other.mediator, other.mediator_id = dispute.mediator, dispute.mediator_id
    elif shared == "representative":
        other.responding = dispute.responding
    elif shared == "member":
        other.members[0] = dispute.members[1]
    other.mediating(procedure="uncitral-2021")
    body = {"kind": "joint", "title": "Meeting", "audience": "participants"}
    body |= {"starts_at": "2026-06-01T10:30", "ends_at": "2026-06-01T11:00"}
    first = dispute.registrar.post(f"{dispute.path}/sessions", body).expect(201)
    second = other.registrar.post(f"{other.path}/sessions", {**body, "starts_at": "2026-06-01T10:59"}).expect(201)
    warning = [{"case_id": dispute.case["id"], "session_id": first["id"]}] if shared else []
    assert second["overlaps"] == warning
    path = f"{dispute.path}/sessions/{first['id']}"
    seen = dispute.registrar.get(path).expect(200)["overlaps"]
    assert [overlap["session_id"] for overlap in seen] == ([second["id"]] if shared else [])
    for person in (dispute.requesting, dispute.responding):
        assert person.get(path).expect(200)["overlaps"] == []
    # What only touches the other does not overlap it, and a cancelled session takes up no time.
    after = other.registrar.post(
        f"{other.path}/sessions", {**body, "starts_at": "2026-06-01T11:00", "ends_at": "2026-06-01T12:00"}
    )
    assert all(overlap["session_id"] != first["id"] for overlap in after.expect(201)["overlaps"])
    other.registrar.post(f"{other.path}/sessions/{second['id']}/cancel", {"reason": "Called too early."}).expect(200)
    assert dispute.registrar.get(path).expect(200)["overlaps"] == []
