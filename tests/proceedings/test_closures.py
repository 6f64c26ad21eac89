"""A closure moves the open terms whose rules roll over its days, and its withdrawal moves them back."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app.institution.calendars import countries
from app.institution.calendars.countries import plain
from app.operations.migrating import configuration
from app.rules.loader import library
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars
from app.rules.simulation.machine import simulate
from app.rules.terms import Calendar
from tests.background import worker
from tests.installation import House, Json, straight_to
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


def previewed(house: House, **more: Any) -> list[Json]:
    """What the closure would do that `entered` enters, page by page."""
    query = {name: value for name, value in {**MOVE, **more}.items() if name != "name" and value is not None}
    path: str | None = f"/v1/closures/preview?{urlencode({**query, 'limit': 1})}"
    items: list[Json] = []
    while path:
        answer = house.registrar.get(path)
        items += answer.expect(200)["items"]
        following = answer.json["next"]
        path = f"/v1/closures/preview?{urlencode({**query, 'limit': 1, 'after': following})}" if following else None
    return items


def test_a_preview_lists_what_a_closure_would_move_and_changes_nothing(
    house: House, dispute: Dispute, ours: OwnTerm
) -> None:
    dispute.invited(**ours(**ROLLS))
    second, third = Dispute(house, " II"), Dispute(house, " III")
    second.invited(**UNCITRAL)
    house.clock.pass_by(days=7)
    third.invited(**OURS)
    before = [case.read() for case in (dispute, second, third)]
    listed = previewed(house)
    assert [(item["case"]["id"], item["moved"], item["due_before"], item["due_after"]) for item in listed] == [
        (case.case["id"], moved, "2026-04-01", after)
        for case, moved, after in sorted(
            ((dispute, True, "2026-04-03"), (second, False, "2026-04-01")),
            key=lambda entry: entry[0].deadlines()[0]["id"],
        )
    ]
    assert [case.read() for case in (dispute, second, third)] == before
    assert dispute.events(kind="deadline-moved") == []
    assert house.registrar.get("/v1/closures").expect(200)["items"] == []
    entered(house)
    assert previewed(house, from_on="2026-04-03", until_on="2026-04-03")[0]["due_after"] == "2026-04-06"
    days = "from_on=2026-03-30&until_on=2026-04-02"
    dispute.requesting.get(f"/v1/closures/preview?{days}").expect(403)
    dispute.mediator.get(f"/v1/closures/preview?{days}").expect(403)
    body = house.registrar.get("/v1/closures/preview?from_on=2026-04-02&until_on=2026-03-30").expect(422, "invalid")
    assert [(fault["pointer"], fault["code"]) for fault in body["errors"]] == [("query/until_on", "order")]
    house.registrar.get(f"/v1/closures/preview?{days}&calendar=XX").expect(422, "invalid")


@pytest.mark.parametrize("term", [ROLLS, WORKING])
def test_the_preview_says_what_the_closure_then_does(
    house: House, dispute: Dispute, ours: OwnTerm, term: dict[str, str]
) -> None:
    dispute.invited(**ours(**term))
    second = Dispute(house, " II")
    house.clock.pass_by(days=3)
    second.invited(**OURS)
    for days in (
        {},
        {"from_on": "2026-03-05", "until_on": "2026-03-06"},
        {"from_on": "2026-04-03", "until_on": "2026-04-20"},
    ):
        foreseen = previewed(house, **days)
        happened = house.registrar.get(f"{entered(house, **days)}/deadlines").expect(200)["items"]
        for item in happened:
            del item["changed_at"]
        assert sorted(foreseen, key=str) == sorted(happened, key=str)


def test_the_same_closure_is_entered_once_and_again_after_its_withdrawal(house: House) -> None:
    for calendar in (None, "FR"):
        first = entered(house, calendar=calendar)
        again = {**MOVE, "calendar": calendar, "name": "In other words"}
        body = house.registrar.post("/v1/closures", again).expect(409, "closure-entered")
        assert body["href"] == first
        entered(house, calendar=calendar, until_on="2026-04-01")
        withdrawn(house, first)
        entered(house, calendar=calendar)


def test_new_data_of_holidays_move_no_term_until_a_closure_that_concerns_it_and_are_then_named(
    house: House, dispute: Dispute, ours: OwnTerm, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = {"place": "Vienna", "time_zone": "Europe/Vienna", "calendar": "AT"}
    dispute.invited(**ours(period='"30 days"', roll='"next-working-day"', calendars='["seat"]'), seat=seat)
    assert due(dispute) == "2026-04-01"
    release = countries.calendar_of

    def later_release(code: str, closures: Any = ()) -> Calendar:
        days = [*closures, (date(2026, 4, 1), date(2026, 4, 1), "A new holiday")]
        return replace(release(code, days), version="holidays 999")

    monkeypatch.setattr(countries, "calendar_of", later_release)
    worker(house).round()
    entered(house, calendar="AT", from_on="2026-04-02", until_on="2026-04-02")
    entered(house, calendar="FR", from_on="2026-04-01", until_on="2026-04-01")
    assert previewed(house, calendar="FR") == []
    assert due(dispute) == "2026-04-01"
    entered(house, calendar="AT", from_on="2026-03-30", until_on="2026-04-03")
    assert due(dispute) == "2026-04-07"
    lines = dispute.deadlines()[0]["explanation"]
    assert "Calendar: AT (holidays 999); it rests on Saturdays and Sundays." in lines
    assert "Not counted: Wednesday 2026-04-01, A new holiday (AT)." in lines


def test_terms_that_began_before_closures_moved_any_are_moved_after_the_upgrade(
    house: House, dispute: Dispute, ours: OwnTerm
) -> None:
    own = ours(**WORKING, extend_by='["registry"]', suspend_by='["registry"]', settable="true")
    dispute.invited(**own)
    extended, resumed, given = (Dispute(house, number) for number in (" II", " III", " IV"))
    extended.invited(**own)
    resumed.invited(**own)
    given.lodged(**own)
    given.step(house.registrar, "invite", {"due_on": "2026-05-05"}).expect(200)
    paths = [f"{case.path}/deadlines/{case.deadlines()[0]['id']}" for case in (extended, resumed)]
    house.registrar.post(f"{paths[0]}/extend", {"until_on": "2026-05-04", "reason": "More time."}).expect(200)
    house.registrar.post(f"{paths[1]}/suspend", {"reason": "Elections."}).expect(200)
    house.clock.pass_by(days=7)
    house.registrar.post(f"{paths[1]}/resume").expect(200)
    engine = straight_to(house.settings)
    kept = text("SELECT id, counted_from, days_counted FROM deadlines ORDER BY id")
    with engine.begin() as connection:
        noted = connection.execute(kept).all()
        assert sorted((row.counted_from is None, row.days_counted) for row in noted if row.days_counted != 22) == [
            (False, None),
            (True, None),
            (True, None),
        ]
        connection.execute(text("UPDATE deadlines SET counted_from = NULL, days_counted = NULL"))
        migration: Any = ScriptDirectory.from_config(configuration()).get_revision("20261130m")
        migration.module.note_from_when_terms_count(connection)
        assert connection.execute(kept).all() == noted
    engine.dispose()
    house.leave_moment()
    entered(house)
    cases = (dispute, extended, resumed, given)
    assert [due(case) for case in cases] == ["2026-04-07", "2026-05-04", "2026-04-14", "2026-05-05"]
