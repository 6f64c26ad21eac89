"""Deadlines over HTTP: how they are calculated, and how the people whom the rules authorise change them."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.background import worker
from tests.installation import Answer, House, Json, Person
from tests.own_rules import OURS, OwnTerm, own_rules, rewritten
from tests.story import GIVES, UNCITRAL, Dispute


def reply(dispute: Dispute, person: Person | None = None) -> Json:
    """The only deadline of the case."""
    items = (person or dispute.requesting).get(f"{dispute.path}/deadlines").expect(200)["items"]
    assert len(items) == 1
    return dict(items[0])


def act(person: Person, dispute: Dispute, act: str, body: Json | None = None) -> Answer:
    """Act on the only deadline of the case."""
    return person.post(f"{dispute.path}/deadlines/{reply(dispute)['id']}/{act}", body)


def served(dispute: Dispute, party_id: str, at: str) -> Answer:
    """The registry's record that the request reached a party."""
    body = {"party_id": party_id, "method": "courier", "attempted_on": at[:10], "served_at": at, "proof": "No. 4471"}
    return dispute.registrar.post(f"{dispute.path}/service", body)


def test_an_extension_adds_lines_and_takes_none_away(house: House, dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    before = reply(dispute)
    assert before["due_on"] == "2026-04-01"
    body = {"until_on": "2026-04-15", "reason": "The delegation changes."}
    after = act(dispute.requesting, dispute, "extend", body).expect(200)
    assert after["explanation"][: len(before["explanation"])] == before["explanation"]
    assert after["explanation"][len(before["explanation"]) :] == [
        "Extended by the requesting party, on Monday 2026-03-02.",
        "Extended: from Wednesday 2026-04-01 to Wednesday 2026-04-15.",
        "Due: Wednesday 2026-04-15, until the end of that day at the seat.",
    ]
    assert (after["due_on"], after["due_at"]) == ("2026-04-15", "2026-04-15T16:00:00Z")
    assert dispute.read()["next_due_on"] == "2026-04-15"
    (extended,) = [event["payload"] for event in dispute.events(kind="deadline-extended")]
    assert (extended["due_before"], extended["until_on"]) == ("2026-04-01", "2026-04-15")
    house.clock.pass_by(days=35)
    dispute.step(dispute.requesting, "lapse", {"reason": "No answer."}).expect(409, "term-not-passed")
    house.clock.pass_by(days=10)
    dispute.step(dispute.requesting, "lapse", {"reason": "No answer."}).expect(200)


def test_a_refused_extension_names_who_may_extend_and_the_article(dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    body = {"until_on": "2026-04-15", "reason": "More time."}
    refused = act(dispute.responding, dispute, "extend", body).expect(403, "not-your-capacity")
    assert refused["article"] == "article 2"
    assert "requesting party" in refused["detail"]


@pytest.mark.parametrize(("until_on", "words"), [("2026-04-01", "after 2026-04-01"), ("2026-05-17", "2026-05-16")])
def test_an_extension_ends_later_and_within_the_limit_of_the_rule(
    dispute: Dispute, ours: Any, until_on: str, words: str
) -> None:
    dispute.invited(**ours(period='"30 days"', extend_by='["registry"]', extend_at_most='"45 days"'))
    body = {"until_on": until_on, "reason": "More time."}
    refused = act(dispute.registrar, dispute, "extend", body).expect(422, "invalid")
    assert words in refused["errors"][0]["message"]
    body["until_on"] = "2026-05-16"
    act(dispute.registrar, dispute, "extend", body).expect(200)


def test_an_extension_that_needs_every_party_takes_effect_with_the_last(dispute: Dispute, ours: Any) -> None:
    dispute.invited(**ours(period='"30 days"', extend_by='["registry"]', extend_with_all="true"))
    body = {"until_on": "2026-04-15", "reason": "Agreed between counsel."}
    assert act(dispute.registrar, dispute, "extend", body).expect(200)["due_on"] == "2026-04-01"
    assert act(dispute.requesting, dispute, "extend", body).expect(200)["due_on"] == "2026-04-01"
    other = {**body, "until_on": "2026-04-20"}
    assert act(dispute.responding, dispute, "extend", other).expect(200)["due_on"] == "2026-04-01"
    last = act(dispute.responding, dispute, "extend", body).expect(200)
    assert last["due_on"] == "2026-04-15"
    assert any("on the agreement of every party" in line for line in last["explanation"])


def test_a_suspended_term_keeps_the_days_that_it_has_left(house: House, dispute: Dispute, ours: Any) -> None:
    dispute.invited(**ours(period='"30 days"', suspend_by='["registry"]'))
    house.clock.pass_by(days=10)
    stopped = act(dispute.registrar, dispute, "suspend", {"reason": "Elections."}).expect(200)
    assert (stopped["state"], stopped["explanation"][-1]) == (
        "suspended",
        "Suspended: on Thursday 2026-03-12, with 20 days left.",
    )
    assert dispute.read()["next_due_on"] is None
    assert (stopped["due_on"], stopped["due_at"]) == (None, None)
    assert (reply(dispute)["due_on"], reply(dispute)["due_at"]) == (None, None)
    timeline = dispute.requesting.get(f"{dispute.path}/timeline?limit=200").expect(200)["items"]
    (item,) = [item for item in timeline if item["kind"] == "deadline"]
    assert (item["state"], item["at"], item["on"]) == ("suspended", None, None)
    assert dispute.requesting.get("/v1/deadlines?due_before=2027-01-01").expect(200)["items"] == []
    (listed,) = dispute.requesting.get("/v1/deadlines?state=suspended").expect(200)["items"]
    assert listed["due_on"] is None
    house.clock.pass_by(days=60)
    worker(house).round()
    refused = dispute.step(dispute.requesting, "lapse", {"reason": "No answer."}).expect(409, "term-not-passed")
    assert "suspended" in refused["detail"]
    act(dispute.registrar, dispute, "suspend", {"reason": "Again."}).expect(409, "deadline-suspended")
    again = act(dispute.registrar, dispute, "resume").expect(200)
    resumed_on = date(2026, 3, 12).toordinal() + 60
    assert date.fromisoformat(again["due_on"]).toordinal() - resumed_on == 20
    assert again["state"] == "running"


def test_a_waived_term_has_no_effect(house: House, dispute: Dispute) -> None:
    dispute.invited(**UNCITRAL)
    act(dispute.responding, dispute, "waive", {"reason": "We wait."}).expect(403)
    assert act(dispute.requesting, dispute, "waive", {"reason": "We wait."}).expect(200)["state"] == "waived"
    house.clock.pass_by(days=40)
    dispute.step(dispute.requesting, "lapse", {"reason": "No answer."}).expect(409, "term-not-passed")
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(200)


def test_what_is_due_includes_no_deadline_that_was_met_or_waived(house: House, dispute: Dispute) -> None:
    dispute.consented(**UNCITRAL)
    waived, running = Dispute(house, " II"), Dispute(house, " III")
    waived.invited(**UNCITRAL)
    act(waived.requesting, waived, "waive", {"reason": "We wait."}).expect(200)
    running.invited(**UNCITRAL)
    house.clock.pass_by(days=40)

    def cases(query: str) -> set[str]:
        return {item["case"]["id"] for item in house.registrar.get(f"/v1/deadlines?{query}").expect(200)["items"]}

    assert cases("due_before=2027-01-01") == {running.case["id"]}
    assert cases("due_before=2027-01-01&state=ended") == {dispute.case["id"], waived.case["id"]}
    assert cases("due_before=2027-01-01&state=passed") == {running.case["id"]}
    assert len(cases("")) == 3


# Trigger on Monday 2 March 2026; the days off were looked up in calendars.
ROLLED = [
    # 3 April 2026 is Good Friday, 6 April Easter Monday in England; in Scotland only Good Friday is a bank holiday.
    ({"period": '"32 days"', "roll": '"next-working-day"', "calendars": '["seat"]'}, "GB-ENG", None, "2026-04-07"),
    ({"period": '"32 days"', "roll": '"next-working-day"', "calendars": '["seat"]'}, "GB-SCT", None, "2026-04-06"),
    ({"period": '"32 days"', "roll": '"next-working-day"', "calendars": '["seat", "parties"]'}, "GB-SCT", "GB-ENG",
     "2026-04-07"),
    # A holiday on a Friday is no Saturday or Sunday.
    ({"period": '"32 days"', "roll": '"from-saturday-sunday"', "calendars": '["seat"]'}, "GB-ENG", None, "2026-04-03"),
    # In Saudi Arabia Friday and Saturday are off: four working days after Monday are Tuesday to Thursday, and Sunday.
    ({"period": '"4 working-days"', "calendars": '["seat"]'}, "SA", None, "2026-03-08"),
    ({"period": '"32 days"', "roll": '"next-working-day"', "calendars": '["seat"]'}, None, None, "2026-04-03"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "seat", "party", "due_on"), ROLLED)
def test_days_off_at_the_seat_and_of_the_parties_move_the_day_and_are_named(
    dispute: Dispute, ours: Any, keys: dict[str, str], seat: str | None, party: str | None, due_on: str
) -> None:
    changes = {"seat": {"place": "London", "time_zone": "Europe/London", "calendar": seat}}
    dispute.lodged(**ours(**keys), **changes)
    if party is not None:
        more = {"side": "side-3", "kind": "company", "name": "Northern Dams", "calendar": party}
        dispute.registrar.post(f"{dispute.path}/parties", more).expect(201)
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    deadline = reply(dispute)
    assert deadline["due_on"] == due_on, deadline["explanation"]
    if due_on == "2026-04-07":
        assert sum(line.startswith("Not counted:") for line in deadline["explanation"]) == 4
        assert any("Good Friday" in line for line in deadline["explanation"])


def test_a_term_that_runs_from_receipt_starts_for_each_party_separately(
    house: House, dispute: Dispute, ours: Any
) -> None:
    dispute.lodged(**ours(period='"30 days"', runs_from='"receipt"'))
    third = {"side": "side-3", "kind": "company", "name": "Northern Dams"}
    third_id = dispute.registrar.post(f"{dispute.path}/parties", third).expect(201)["id"]
    served(dispute, dispute.party("responding"), "2026-03-02T09:00:00Z").expect(409, "step-not-open")
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    assert dispute.deadlines() == []
    house.clock.pass_by(days=3)
    served(dispute, dispute.party("requesting"), "2026-03-03T09:00:00Z").expect(422)
    served(dispute, dispute.party("responding"), "2026-03-03T17:00:00Z").expect(201)
    served(dispute, dispute.party("responding"), "2026-03-04T09:00:00Z").expect(409, "already-served")
    attempt = {"party_id": third_id, "method": "post", "attempted_on": "2026-03-03", "proof": "Came back."}
    made = dispute.registrar.post(f"{dispute.path}/service", attempt).expect(201)
    assert made["served_on"] is None
    served(dispute, third_id, "2026-03-05T09:00:00Z").expect(201)
    items = dispute.deadlines()
    # 17:00 in Greenwich is past midnight in Hong Kong: the first was received on 4 March there.
    assert [(item["party_id"], item["due_on"]) for item in items] == [
        (dispute.party("responding"), "2026-04-03"),
        (third_id, "2026-04-04"),
    ]
    assert items[0]["explanation"][0] == "Trigger: 'invite', received by Kingdom of Vedria, on Wednesday 2026-03-04."
    house.clock.pass_by(days=30)
    dispute.step(dispute.requesting, "lapse", {"reason": "No answer."}).expect(409, "term-not-passed")
    house.clock.pass_by(days=1)
    dispute.step(dispute.requesting, "lapse", {"reason": "No answer."}).expect(200)


def test_a_term_counts_by_the_calendar_of_its_addressee_alone(house: House, dispute: Dispute, ours: OwnTerm) -> None:
    """3 April 2026 is Good Friday for the addressee; the other addressee and the seat work on that day."""
    keys = {"period": '"30 days"', "runs_from": '"receipt"', "roll": '"next-working-day"'}
    own = ours(**keys, calendars='["addressee"]', suspend_by='["registry"]')
    dispute.lodged(**own, seat={"place": "Paris", "time_zone": "Europe/Paris", "calendar": "FR"})
    ids = []
    for side, calendar in (("side-3", "GB-ENG"), ("side-4", "FR")):
        party = {"side": side, "kind": "company", "name": f"Dams of {side}", "calendar": calendar}
        ids.append(dispute.registrar.post(f"{dispute.path}/parties", party).expect(201)["id"])
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    house.clock.pass_by(days=3)
    for party_id in ids:
        served(dispute, party_id, "2026-03-04T09:00:00Z").expect(201)
    days = {item["party_id"]: (item["id"], item["due_on"]) for item in dispute.deadlines()}
    assert [days[id][1] for id in ids] == ["2026-04-07", "2026-04-03"]
    # A change of the term counts by the same calendar.
    path = f"{dispute.path}/deadlines/{days[ids[0]][0]}"
    dispute.registrar.post(f"{path}/suspend", {"reason": "Elections."}).expect(200)
    assert dispute.registrar.post(f"{path}/resume").expect(200)["due_on"] == "2026-04-07"
    house.registrar.post("/v1/closures", {"calendar": "GB-ENG", "from_on": "2026-04-07", "until_on": "2026-04-07",
                                          "name": "A storm"}).expect(201)  # fmt: skip
    assert {item["due_on"] for item in dispute.deadlines()} == {"2026-04-08", "2026-04-03"}


COUNTED = [("seat", "2026-03-02", "2026-04-02T04:00:00Z"), ("institution", "2026-03-03", "2026-04-02T16:00:00Z")]


@pytest.mark.parametrize(("zone", "day", "due_at"), COUNTED)
def test_days_are_counted_in_the_time_zone_that_the_rule_set_names(
    house: House, dispute: Dispute, tmp_path: Path, zone: str, day: str, due_at: str
) -> None:
    """The institution is in Hong Kong, where the next day has begun before it is noon in New York."""
    text = rewritten("uncitral-2021", "ours-2026", ('zone = "seat"', f'zone = "{zone}"'))
    with own_rules(tmp_path / "rules", ours_2026=text):
        dispute.lodged(**OURS, seat={"place": "New York", "time_zone": "America/New_York"})
        house.clock.pass_by(hours=7.5)
        dispute.step(dispute.registrar, "invite", {}).expect(200)
        deadline = reply(dispute)
    assert (deadline["trigger"]["on"], deadline["due_at"]) == (day, due_at)
