"""A closure moves the open terms whose rules roll over its days, and its withdrawal moves them back."""

from datetime import date, timedelta
from typing import Any

import pytest

from app.institution.calendars.countries import plain
from app.rules.loader import library
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars
from app.rules.simulation.machine import simulate
from tests.background import worker
from tests.installation import House, Json
from tests.own_rules import OURS, OwnTerm
from tests.registries import EmptyRegistry
from tests.story import GIVES, UNCITRAL, Dispute

ROLLS = {"period": '"30 days"', "roll": '"next-working-day"', "calendars": '["institution"]'}
WORKING = {"period": '"22 working-days"', "calendars": '["institution"]'}
MOVE = {"from_on": "2026-03-30", "until_on": "2026-04-02", "name": "The registry moves house"}


def entered(house: House, **more: Any) -> str:
    """The path of a closure that the registry enters: by default from Monday 30 March to Thursday 2 April."""
    return f"/v1/closures/{house.registrar.post('/v1/closures', {**MOVE, **more}).expect(201)['id']}"


def due(dispute: Dispute) -> str | None:
    """The last day of the only deadline of a case."""
    (deadline,) = dispute.deadlines()
    return None if deadline["due_on"] is None else str(deadline["due_on"])


def withdrawn(house: House, path: str) -> Json:
    """The closure, once the registry has withdrawn it."""
    return dict(house.registrar.post(f"{path}/withdraw").expect(200))


def test_a_closure_moves_an_open_term_by_one_recorded_act_and_counts_for_what_starts_later(
    house: House, dispute: Dispute, ours: OwnTerm
) -> None:
    dispute.invited(**ours(**ROLLS))
    (before,) = dispute.deadlines()
    assert before["due_on"] == "2026-04-01"
    dispute.requesting.post("/v1/closures", MOVE).expect(403)
    path = entered(house)
    (after,) = dispute.deadlines()
    assert (after["due_on"], after["due_at"]) == ("2026-04-03", "2026-04-03T16:00:00Z")
    assert after["explanation"][: len(before["explanation"])] == before["explanation"]
    assert after["explanation"][len(before["explanation"]) :] == [
        "Closure 'The registry moves house' (2026-03-30 to 2026-04-02) entered on Monday 2026-03-02.",
        "Moved: from Wednesday 2026-04-01 to Friday 2026-04-03.",
        "Not counted: Wednesday 2026-04-01, The registry moves house (the institution).",
        "Not counted: Thursday 2026-04-02, The registry moves house (the institution).",
        "Roll: from Wednesday 2026-04-01 to the next working day, Friday 2026-04-03.",
        "Due: Friday 2026-04-03, until the end of that day at the seat.",
    ]
    (event,) = dispute.events(kind="deadline-moved")
    assert event["payload"] == {
        "deadline_id": before["id"],
        "term": "reply",
        "closure_id": path.rpartition("/")[2],
        "due_before": "2026-04-01",
        "due_on": "2026-04-03",
    }
    assert dispute.read()["next_due_on"] == "2026-04-03"
    second = Dispute(house, " II")
    second.invited(**OURS)
    assert due(second) == "2026-04-03"


def test_a_closure_lists_the_deadlines_that_it_concerns_to_those_who_see_their_cases(
    house: House, dispute: Dispute, ours: OwnTerm
) -> None:
    dispute.invited(**ours(**ROLLS))
    second = Dispute(house, " II")
    # The term of UNCITRAL's rules ends on any day.
    second.invited(**UNCITRAL)
    path = entered(house, calendar=None)
    listed = house.registrar.get(f"{path}/deadlines").expect(200)["items"]
    assert {(item["case"]["id"], item["moved"], item["due_before"], item["due_after"]) for item in listed} == {
        (dispute.case["id"], True, "2026-04-01", "2026-04-03"),
        (second.case["id"], False, "2026-04-01", "2026-04-01"),
    }
    for person, case in ((dispute.requesting, dispute), (second.responding, second)):
        (item,) = person.get(f"{path}/deadlines").expect(200)["items"]
        assert item["case"]["id"] == case.case["id"]
        assert item["deadline_id"] == case.deadlines()[0]["id"]
    assert house.person("Stan Ranger").get(f"{path}/deadlines").expect(200)["items"] == []
    assert house.registrar.get(f"{entered(house, calendar='FR')}/deadlines").expect(200)["items"] == []


def test_the_withdrawal_of_a_closure_moves_its_terms_back(house: House, dispute: Dispute, ours: OwnTerm) -> None:
    dispute.invited(**ours(**WORKING))
    assert due(dispute) == "2026-04-01"
    path = entered(house)
    assert due(dispute) == "2026-04-07"
    dispute.requesting.post(f"{path}/withdraw").expect(403)
    house.clock.pass_by(seconds=1)
    assert withdrawn(house, path)["withdrawn_at"] == "2026-03-02T09:00:01Z"
    assert due(dispute) == "2026-04-01"
    assert (
        "Closure 'The registry moves house' (2026-03-30 to 2026-04-02) withdrawn on Monday 2026-03-02."
        in (dispute.deadlines()[0]["explanation"])
    )
    days = [(item["due_before"], item["due_after"]) for item in house.registrar.get(f"{path}/deadlines").json["items"]]
    assert days == [("2026-04-01", "2026-04-07"), ("2026-04-07", "2026-04-01")]
    house.registrar.post(f"{path}/withdraw").expect(409, "closure-withdrawn")
    second = Dispute(house, " II")
    second.invited(**OURS)
    assert due(second) == "2026-04-01"


@pytest.mark.parametrize(("days", "due_on"), [(29, "2026-04-01"), (30, "2026-04-03")])
def test_a_withdrawal_takes_from_nobody_the_day_on_which_it_comes(
    house: House, dispute: Dispute, ours: OwnTerm, days: int, due_on: str
) -> None:
    dispute.invited(**ours(**ROLLS))
    path = entered(house)
    house.clock.pass_by(days=days)
    withdrawn(house, path)
    assert due(dispute) == due_on


def test_terms_that_were_met_have_passed_or_whose_day_was_given_stay(
    house: House, dispute: Dispute, ours: OwnTerm
) -> None:
    own = ours(**ROLLS, extend_by='["registry"]', settable="true")
    dispute.invited(**own)
    extended, met, given = (Dispute(house, number) for number in (" II", " III", " IV"))
    extended.invited(**own)
    path = f"{extended.path}/deadlines/{extended.deadlines()[0]['id']}/extend"
    house.registrar.post(path, {"until_on": "2026-05-04", "reason": "More time."}).expect(200)
    met.consented(**own)
    given.lodged(**own)
    given.step(house.registrar, "invite", {"due_on": "2026-05-05"}).expect(200)
    house.clock.pass_by(days=31)
    concerned = entered(house, from_on="2026-03-30", until_on="2026-05-08")
    states = [(case.deadlines()[0]["state"], due(case)) for case in (dispute, extended, met, given)]
    assert states == [
        ("passed", "2026-04-01"),
        ("running", "2026-05-04"),
        ("ended", "2026-04-01"),
        ("running", "2026-05-05"),
    ]
    items = house.registrar.get(f"{concerned}/deadlines").expect(200)["items"]
    assert {(item["case"]["id"], item["moved"]) for item in items} == {
        (extended.case["id"], False),
        (given.case["id"], False),
    }
    # What the rule lets the registry do, it does.
    house.registrar.post(path, {"until_on": "2026-05-11", "reason": "The registry is closed."}).expect(200)


def test_the_limit_of_extensions_moves_with_a_term_that_a_closure_moves(
    house: House, dispute: Dispute, ours: OwnTerm
) -> None:
    dispute.invited(**ours(**ROLLS, extend_by='["registry"]', extend_at_most='"10 days"'))
    entered(house)
    path = f"{dispute.path}/deadlines/{dispute.deadlines()[0]['id']}/extend"
    house.registrar.post(path, {"until_on": "2026-04-14", "reason": "More time."}).expect(422, "invalid")
    house.registrar.post(path, {"until_on": "2026-04-13", "reason": "More time."}).expect(200)


def test_a_resumed_term_counts_the_days_that_it_had_left_without_the_closure(
    house: House, dispute: Dispute, ours: OwnTerm
) -> None:
    dispute.invited(**ours(**WORKING, suspend_by='["registry"]'))
    path = f"{dispute.path}/deadlines/{dispute.deadlines()[0]['id']}"
    house.registrar.post(f"{path}/suspend", {"reason": "Elections."}).expect(200)
    suspended = entered(house, from_on="2026-03-09", until_on="2026-03-10")
    assert due(dispute) is None
    house.clock.pass_by(days=14)
    house.registrar.post(f"{path}/resume").expect(200)
    assert due(dispute) == "2026-04-15"
    entered(house)
    assert due(dispute) == "2026-04-21"
    withdrawn(house, suspended)
    assert due(dispute) == "2026-04-21"


@pytest.mark.parametrize("term", [ROLLS, WORKING, {**ROLLS, "roll": '"from-saturday-sunday"', "period": '"27 days"'}])
def test_a_term_ends_as_if_the_closures_had_been_known_when_it_began(
    house: House, dispute: Dispute, ours: OwnTerm, term: dict[str, str]
) -> None:
    dispute.invited(**ours(**term))
    entered(house)
    house.clock.pass_by(days=10)
    entered(house, from_on="2026-04-03", until_on="2026-04-07", name="A storm")
    gone = entered(house, from_on="2026-04-08", until_on="2026-04-20", name="An error")
    withdrawn(house, gone)
    known = [(date(2026, 3, 30), date(2026, 4, 2), "A move"), (date(2026, 4, 3), date(2026, 4, 7), "A storm")]
    parties = [AssumedParty("Ostrava", "requesting"), AssumedParty("Vedria", "responding")]
    calendars = Calendars(plain("the seat"), plain("the institution", known), (plain("Ostrava"), plain("Vedria")))
    on = date(2026, 3, 2)
    acts = [AssumedAct(name, on) for name in ("lodge", "invite")]
    simulated = simulate(library()["ours-2026"], parties, acts, calendars, on)
    assert [deadline.due_on.isoformat() for deadline in simulated.deadlines] == [due(dispute)]


def test_a_closure_comes_after_what_time_has_brought_whether_the_worker_ran_or_not(
    empty_registry: EmptyRegistry,
) -> None:
    """Under the ICC's rules the request lapses by itself; a closure of the day after finds the case closed."""
    worlds = []
    for is_away in (False, True):
        with House.open(empty_registry()) as house:
            dispute = Dispute(house)
            dispute.invited(procedure="icc-2014", category="commercial")
            house.clock.pass_by(days=20)
            if not is_away:
                worker(house).round()
            entered(house, from_on="2026-03-10", until_on="2026-03-31")
            case = dispute.read()
            worlds.append((case["stage"], case["closed_at"], [item["state"] for item in dispute.deadlines()]))
            assert [event["act"] for event in dispute.events(kind="step-taken")][-1] == "lapse"
    assert worlds[0] == worlds[1] == ("closed", "2026-03-17T16:00:00Z", ["ended"])


def test_a_term_that_a_closure_moved_passes_on_its_new_day(house: House, dispute: Dispute, ours: OwnTerm) -> None:
    dispute.invited(**ours(**ROLLS))
    entered(house)
    house.clock.now += timedelta(days=32)
    dispute.step(dispute.requesting, "lapse", {"reason": "No answer."}).expect(409, "term-not-passed")
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(200)
