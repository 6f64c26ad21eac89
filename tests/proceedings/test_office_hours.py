"""An e-mail after office hours counts on the next working day; what people do in the registry counts until midnight."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from app.institution.calendars.countries import plain
from app.rules.loader import library
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars
from app.rules.simulation.machine import simulate
from tests.background import worker
from tests.courts import court, program, referral
from tests.installation import Answer, House, Json
from tests.own_rules import OURS, own_rules, rewritten
from tests.registries import EmptyRegistry
from tests.story import GIVES, Dispute

HOURS = """[[office_hours]]
name = "correspondence"
channels = ["e-mail", "fax"]
until = "16:00"
calendars = ["institution"]
standing = "institution"

[[grounds]]
name = "mediation-completed"
"""
GROUND = """[[grounds]]
name = "mediation-completed"
"""
# The registry sends the request on, and the fifteen days of the reply count from there.
INVITED = datetime(2026, 3, 3, 3, tzinfo=UTC)
# In Hong Kong it is 16:00.
AT_FOUR = datetime(2026, 3, 6, 8, tzinfo=UTC)


@pytest.fixture
def hours(tmp_path: Path) -> Iterator[Json]:
    """The ICC's rules with office hours for e-mail until 16:00; the request lapses by itself without a reply."""
    text = rewritten("icc-2014", "ours-2026", (GROUND, HOURS))
    with own_rules(tmp_path / "rules", ours_2026=text):
        yield {**OURS, "category": "commercial"}


def by_mail(dispute: Dispute, received_at: datetime | None = None, **more: str) -> Answer:
    """The responding side's acceptance, which came by e-mail, as the registry enters it."""
    body: Json = {**GIVES, "on_behalf_of": dispute.party("responding"), "received_via": "e-mail", **more}
    if received_at is not None:
        body["received_at"] = received_at.isoformat()
    return dispute.step(dispute.registrar, "accept-invitation", body)


def counted(dispute: Dispute, step: str) -> str:
    """The day on which the last step of that name counts."""
    return str([event["payload"]["on"] for event in dispute.events(kind="step-taken") if event["act"] == step][-1])


def invited(house: House, dispute: Dispute, hours: Json) -> None:
    """Invited on Tuesday 3 March, so that the reply is due on Wednesday the 18th."""
    dispute.lodged(**hours)
    house.clock.now = INVITED
    dispute.step(dispute.registrar, "invite", {}).expect(200)
    assert [item["due_on"] for item in dispute.deadlines()] == ["2026-03-18"]


@pytest.mark.parametrize(("seconds", "on"), [(-1, "2026-03-06"), (0, "2026-03-09")])
def test_an_email_at_the_hour_counts_on_the_next_working_day_and_is_entered_the_same_evening(
    house: House, dispute: Dispute, hours: Json, seconds: int, on: str
) -> None:
    invited(house, dispute, hours)
    house.clock.now = AT_FOUR
    house.clock.pass_by(seconds=seconds)
    received_at = house.clock.now
    # The registry enters it before midnight.
    house.clock.now = datetime(2026, 3, 6, 12, tzinfo=UTC)
    by_mail(dispute, received_at).expect(200)
    assert counted(dispute, "accept-invitation") == on
    # What follows counts on no earlier day.
    dispute.step(dispute.registrar, "register", {}).expect(200)
    assert counted(dispute, "register") == on


def test_the_day_on_which_an_email_counts_may_be_named_and_no_other_day_to_come(
    house: House, dispute: Dispute, hours: Json
) -> None:
    invited(house, dispute, hours)
    house.clock.now = AT_FOUR
    for on in ("2026-03-07", "2026-03-10"):
        body = by_mail(dispute, on=on).expect(422, "invalid")
        assert [fault["code"] for fault in body["errors"]] == ["in-the-future"]
    body = by_mail(dispute, on="2026-03-06").expect(422, "invalid")
    assert [(fault["pointer"], fault["code"]) for fault in body["errors"]] == [("/reason", "missing")]
    by_mail(dispute, on="2026-03-09").expect(200)
    assert counted(dispute, "accept-invitation") == "2026-03-09"


def test_what_a_party_does_itself_counts_until_midnight(house: House, dispute: Dispute, hours: Json) -> None:
    invited(house, dispute, hours)
    # 23:59:59 in Hong Kong on the last day.
    house.clock.now = datetime(2026, 3, 18, 15, 59, 59, tzinfo=UTC)
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(200)
    assert counted(dispute, "accept-invitation") == "2026-03-18"


def test_by_a_channel_without_office_hours_a_day_is_whole(house: House, dispute: Dispute, hours: Json) -> None:
    invited(house, dispute, hours)
    house.clock.now = datetime(2026, 3, 7, 12, tzinfo=UTC)
    body = {**GIVES, "on_behalf_of": dispute.party("responding"), "received_via": "courier"}
    dispute.step(dispute.registrar, "accept-invitation", body).expect(200)
    assert counted(dispute, "accept-invitation") == "2026-03-07"


def test_a_filing_by_email_after_hours_takes_effect_on_the_next_working_day(
    house: House, dispute: Dispute, hours: Json
) -> None:
    invited(house, dispute, hours)
    house.clock.now = datetime(2026, 3, 6, 12, tzinfo=UTC)
    filing = {"kind": "statement", "title": "Reply", "text": "We agree.", "audience": "case"}
    paper = {**filing, "audience": "participants", "on_behalf_of": dispute.party("responding"),
             "received_via": "e-mail", "received_at": AT_FOUR.isoformat()}  # fmt: skip
    made = dispute.registrar.post(f"{dispute.path}/filings", paper).expect(201)
    assert (made["effective_on"], made["received_at"]) == ("2026-03-09", "2026-03-06T08:00:00Z")


def test_an_email_after_hours_on_the_last_day_is_late_whenever_it_is_entered(
    empty_registry: EmptyRegistry, hours: Json
) -> None:
    """Whether the registry enters it the same evening or the next day, and whether the worker ran."""
    received_at = datetime(2026, 3, 18, 9, tzinfo=UTC)
    worlds = []
    for evening, is_away in ((True, False), (False, False), (False, True)):
        with House.open(empty_registry()) as house:
            dispute = Dispute(house)
            invited(house, dispute, hours)
            house.clock.now = datetime(2026, 3, 18, 13, tzinfo=UTC)
            if evening:
                by_mail(dispute, received_at).expect(409, "term-passes-first")
            house.clock.now = datetime(2026, 3, 19, 1, tzinfo=UTC)
            if not is_away:
                worker(house).round()
            by_mail(dispute, received_at, reason="It came last night.").expect(409, "step-not-open")
            case = dispute.read()
            worlds.append((case["stage"], case["outcome"], case["closed_at"], counted(dispute, "lapse")))
    assert worlds == [("closed", "lapsed", "2026-03-18T16:00:00Z", "2026-03-19")] * 3


def test_a_term_that_starts_with_an_email_counts_from_its_day_as_simulated_and_says_why(
    house: House, dispute: Dispute, tmp_path: Path
) -> None:
    accept = 'from = ["invited"]\nto = "agreed"\n'
    starts = f'{accept}starts = ["payment"]\n'
    text = rewritten("icc-2014", "ours-2026", (GROUND, HOURS), (accept, starts))
    with own_rules(tmp_path / "rules", ours_2026=text):
        invited(house, dispute, {**OURS, "category": "commercial"})
        house.clock.now = datetime(2026, 3, 6, 12, tzinfo=UTC)
        by_mail(dispute).expect(200)
        simulated = simulate(
            library()["ours-2026"],
            [AssumedParty("Ostrava", "requesting"), AssumedParty("Vedria", "responding")],
            [
                AssumedAct("lodge", date(2026, 3, 2)),
                AssumedAct("invite", date(2026, 3, 3)),
                AssumedAct("accept-invitation", date(2026, 3, 6), received_via="e-mail", received_time=time(20)),
            ],
            Calendars(plain("the seat"), plain("the institution"), (plain("Ostrava"), plain("Vedria"))),
            date(2026, 3, 9),
        )
    (payment,) = [item for item in dispute.deadlines() if item["term"] == "payment"]
    assert payment["due_on"] == "2026-03-16"
    assert payment["explanation"][1].endswith("after office hours, which end at 16:00: it counts on Monday 2026-03-09.")
    as_simulated = [(deadline.due_on.isoformat(), list(deadline.explanation)) for deadline in simulated.deadlines]
    assert sorted(as_simulated) == [(item["due_on"], item["explanation"]) for item in dispute.deadlines()]


def test_a_rule_set_shows_its_office_hours(house: House, hours: Json) -> None:
    shown = house.registrar.get("/v1/procedures/ours-2026").expect(200)["office_hours"]
    assert [(item["channels"], item["until"], item["calendars"]) for item in shown] == [
        (["e-mail", "fax"], "16:00", ["institution"])
    ]


COURT_HOURS = HOURS.partition("[[grounds]]")[0].replace('"e-mail", "fax"', '"court"').replace('institution"]', 'seat"]')
TELLING = """[[terms]]
name = "telling"
title = "to tell the other side"
period = "3 working-days"
counting = "day-after"
roll = "none"
calendars = ["seat"]
standing = "institution"

"""


@pytest.mark.parametrize(
    ("sent_at", "accepted_after", "on", "due_on", "is_late"),
    [
        # At the seat it is an hour later. The 6th is a Friday.
        (datetime(2026, 3, 6, 14, 59, 59, tzinfo=UTC), 0, "2026-03-06", "2026-03-11", False),
        (datetime(2026, 3, 6, 15, tzinfo=UTC), 0, "2026-03-09", "2026-03-12", True),
        (datetime(2026, 3, 7, 9, tzinfo=UTC), 1, "2026-03-09", "2026-03-12", True),
        # The registry takes its time: what counts is the day on which it accepts.
        (datetime(2026, 3, 6, 15, tzinfo=UTC), 4, "2026-03-10", "2026-03-13", False),
    ],
)
def test_a_courts_referral_after_hours_is_lodged_on_the_next_working_day_and_its_term_says_why(
    house: House, tmp_path: Path, sent_at: datetime, accepted_after: int, on: str, due_on: str, is_late: bool
) -> None:
    lodge, invite = 'lodges = true\nexpected = ["draft"]\n', 'serves = true\nexpected = ["lodged"]\n'
    checks = '[[checks]]\nname = "all-parties-consented"\n'
    text = rewritten(
        "court-referred",
        "ours-2026",
        (lodge, f'{lodge}starts = ["telling"]\n'),
        (invite, f'{invite}ends = ["telling"]\n'),
        (checks, TELLING + COURT_HOURS + checks),
    )
    with own_rules(tmp_path / "rules", ours_2026=text):
        sender = program(house, court(house))
        house.clock.now = sent_at
        path = f"/v1/referrals/{sender.post('/v1/referrals', referral()).expect(201)['id']}"
        house.clock.pass_by(days=accepted_after)
        case_id = house.registrar.post(f"{path}/accept", {"procedure": "ours-2026"}).expect(200)["case_id"]
        path = f"/v1/cases/{case_id}"
        (term,) = house.registrar.get(f"{path}/deadlines").expect(200)["items"]
        events = house.registrar.get(f"{path}/events").expect(200)["items"]
        (lodged,) = [event["payload"] for event in events if event["type"] == "step-taken"]
        # What follows counts on no earlier day.
        house.registrar.post(f"{path}/steps/invite", {}).expect(200)
    assert (lodged["on"], lodged["received_via"], term["due_on"]) == (on, "court", due_on)
    reasons = [line for line in term["explanation"] if line.startswith("Received by referral of a court on ")]
    assert len(reasons) == is_late
    assert all(line.endswith(f"it counts on Monday {on}.") for line in reasons)
