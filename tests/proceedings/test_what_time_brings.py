"""What time brings by itself comes first and is dated by its term, whether the worker ran or not."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.institution.calendars.countries import plain
from app.rules.loader import library
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars
from app.rules.simulation.machine import simulate
from tests.background import worker
from tests.installation import House, Json
from tests.own_rules import own_rules, rewritten
from tests.registries import EmptyRegistry
from tests.story import GIVES, Dispute

ICC = {"procedure": "icc-2014", "category": "commercial"}
OURS = {"procedure": "ours-2026", "category": "state-state"}
# Midnight in Hong Kong, at the end of 17 March.
PASSED = datetime(2026, 3, 17, 16, tzinfo=UTC)
LATER = datetime(2026, 3, 23, 8, tzinfo=UTC)
STAGE = """[[stages]]
name = "agreed"
"""
RECONSIDERED = """[[stages]]
name = "reconsidering"
phase = "intake"
title = "The inviting side may reconsider"
amendable = "strike"

"""
GRACE = """[[terms]]
name = "grace"
title = "for the inviting side to reconsider"
period = "3 days"
counting = "day-after"
roll = "none"
standing = "institution"

"""
LAPSE = """by = ["requesting-party"]
from = ["invited"]
to = "closed"
after = "reply"
reason = true
outcome = "lapsed"
"""
# Silence starts a second term; when that passes too, the case ends.
CASCADE = """by = ["clock"]
from = ["reconsidering"]
to = "closed"
after = "grace"
outcome = "lapsed"
"""
WAIT = """[[steps]]
name = "wait-longer"
title = "Leave the inviting side time to reconsider"
by = ["clock"]
from = ["invited"]
to = "reconsidering"
after = "reply"
starts = ["grace"]
ends = ["reply"]
standing = "institution"

[[steps]]
name = "ask-again"
title = "Ask the other side again"
by = ["requesting-party"]
from = ["reconsidering"]
to = "lodged"
ends = ["grace"]
expected = ["reconsidering"]
standing = "institution"

[[steps]]
name = "lapse"
"""


FIFTEEN_DAYS = """period = "15 days"
counting = "day-after"
roll = "none"
extend_by = ["registry"]
article = "article 3(4)"
"""
TEN_WORKING_DAYS = """period = "10 working-days"
counting = "day-after"
roll = "none"
calendars = ["institution"]
suspend_by = ["registry"]
article = "article 3(4)"
"""


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Json]:
    """A rule set of the institution's own, in which the passing of one term starts another."""
    text = rewritten(
        "uncitral-2021",
        "ours-2026",
        (STAGE, RECONSIDERED + STAGE),
        ("[[checks]]\n", GRACE + "[[checks]]\n"),
        (LAPSE, CASCADE),
        ('[[steps]]\nname = "lapse"\n', WAIT),
    )
    # The first check alone stands behind the terms.
    text = text.replace(GRACE, "", text.count(GRACE) - 1)
    with own_rules(tmp_path / "rules", ours_2026=text):
        yield OURS


def silent(dispute: Dispute) -> None:
    """A case under the ICC's rules, invited on 2 March with fifteen days for the reply, which does not come."""
    dispute.invited(**ICC)
    (reply,) = dispute.deadlines()
    assert reply["due_on"] == "2026-03-17"


def steps(dispute: Dispute, name: str) -> list[tuple[str, str]]:
    """The day on which the step of that name counts, and the instant at which it was recorded."""
    events = dispute.events(kind="step-taken")
    return [(event["payload"]["on"], event["at"]) for event in events if event["act"] == name]


def certificate(dispute: Dispute) -> Json:
    """The body of the only certificate of the case."""
    path = f"{dispute.path}/settlement/certificates"
    (listed,) = dispute.requesting.get(path).expect(200)["items"]
    return dict(dispute.requesting.get(f"{path}/{listed['id']}").expect(200)["body"])


def let_pass(house: House, until: datetime, *, is_away: bool) -> None:
    """Let the days go by, with a round of the worker twice a day unless it is away, each time at another hour."""
    while house.clock.now < until:
        house.clock.now = min(until, house.clock.now + timedelta(hours=13))
        if not is_away:
            worker(house).round()


def test_a_step_of_the_clock_counts_on_the_day_after_its_term_and_is_recorded_later(
    house: House, dispute: Dispute
) -> None:
    silent(dispute)
    house.clock.now = LATER
    assert worker(house).round()["clock-step"] == 1
    case = dispute.read()
    assert (case["stage"], case["outcome"], case["closed_at"]) == ("closed", "lapsed", "2026-03-17T16:00:00Z")
    assert steps(dispute, "lapse") == [("2026-03-18", "2026-03-23T08:00:00Z")]
    paper = certificate(dispute)
    assert paper["ended"]["on"] == "2026-03-18"
    assert paper["closed_at"] == "2026-03-17T16:00:00Z"
    assert paper["issued_at"] == "2026-03-23T08:00:00Z"
    assert [step["on"] for step in paper["procedure"]] == ["2026-03-02", "2026-03-02", "2026-03-18"]
    timeline = dispute.requesting.get(f"{dispute.path}/timeline?limit=200").expect(200)["items"]
    (lapsed,) = [item for item in timeline if item["what"] == "step-taken" and item["act"] == "lapse"]
    assert (lapsed["on"], lapsed["at"]) == ("2026-03-18", "2026-03-23T08:00:00Z")


def test_the_simulation_gives_a_step_of_the_clock_the_same_day(house: House, dispute: Dispute) -> None:
    silent(dispute)
    house.clock.now = LATER
    worker(house).round()
    parties = [AssumedParty("Ostrava", "requesting"), AssumedParty("Vedria", "responding")]
    acts = [AssumedAct(name, date(2026, 3, 2)) for name in ("lodge", "invite")]
    calendars = Calendars(plain("the seat"), plain("the institution"), (plain("Ostrava"), plain("Vedria")))
    simulated = simulate(library()["icc-2014"], parties, acts, calendars, date(2026, 3, 23))
    (lapsed,) = [entry for entry in simulated.entries if entry.kind == "clock-step"]
    assert [(lapsed.on.isoformat(), "2026-03-23T08:00:00Z")] == steps(dispute, "lapse")


def test_a_late_act_is_refused_before_the_worker_has_run_and_the_step_that_was_due_stays(
    house: House, dispute: Dispute
) -> None:
    silent(dispute)
    # The first second after the term, before any round of a worker.
    house.clock.now = PASSED
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(409, "step-not-open")
    case = dispute.read()
    assert (case["stage"], case["outcome"], case["closed_at"]) == ("closed", "lapsed", "2026-03-17T16:00:00Z")
    assert steps(dispute, "lapse") == [("2026-03-18", "2026-03-17T16:00:00Z")]
    assert worker(house).round()["clock-step"] == 0


def test_in_the_last_second_of_the_term_an_act_is_taken(house: House, dispute: Dispute) -> None:
    silent(dispute)
    house.clock.now = PASSED - timedelta(seconds=1)
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(200)
    assert steps(dispute, "lapse") == []


def test_other_acts_than_steps_find_the_case_as_time_has_left_it(house: House, dispute: Dispute) -> None:
    silent(dispute)
    house.clock.now = LATER
    filing = {"kind": "statement", "title": "Reply", "text": "We agree.", "audience": "participants"}
    dispute.responding.post(f"{dispute.path}/filings", filing).expect(409, "step-not-open")
    assert dispute.read()["stage"] == "closed"


def test_a_change_by_what_was_read_before_the_term_passed_is_refused_as_stale(house: House, dispute: Dispute) -> None:
    silent(dispute)
    tag = dispute.requesting.get(dispute.path).headers["etag"]
    house.clock.now = LATER
    body = {"title": "Sharing of the Serin"}
    dispute.requesting.patch(dispute.path, body, if_match=tag).expect(412)
    assert dispute.read()["stage"] == "closed"


def test_a_stranger_cannot_make_a_case_catch_up(house: House, dispute: Dispute) -> None:
    silent(dispute)
    house.clock.now = LATER
    dispute.step(house.person("Nobody"), "accept-invitation", GIVES).expect(404)
    assert dispute.read()["stage"] == "invited"
    assert worker(house).round()["clock-step"] == 1


def test_steps_that_follow_one_another_each_count_from_their_own_term(
    house: House, dispute: Dispute, ours: Json
) -> None:
    dispute.lodged(**ours)
    dispute.step(dispute.registrar, "invite", {"due_on": "2026-03-17"}).expect(200)
    house.clock.now = LATER
    assert worker(house).round()["clock-step"] == 2
    assert steps(dispute, "wait-longer") == [("2026-03-18", "2026-03-23T08:00:00Z")]
    # Three days that count from 18 March: until the 21st.
    assert steps(dispute, "lapse") == [("2026-03-22", "2026-03-23T08:00:00Z")]
    case = dispute.read()
    assert (case["stage"], case["closed_at"]) == ("closed", "2026-03-21T16:00:00Z")


def test_what_a_case_waits_for_since_a_term_passed_dates_from_the_term(
    house: House, dispute: Dispute, ours: Json
) -> None:
    dispute.lodged(**ours)
    dispute.step(dispute.registrar, "invite", {"due_on": "2026-03-17"}).expect(200)
    house.clock.now = LATER - timedelta(days=3)
    dispute.step(dispute.responding, "accept-invitation", GIVES).expect(409, "step-not-open")
    case = dispute.read()
    assert (case["stage"], case["next_due_on"]) == ("reconsidering", "2026-03-21")
    assert [(entry["for"], entry["since"]) for entry in case["waiting_for"]] == [("ask-again", "2026-03-17T16:00:00Z")]


@pytest.mark.parametrize("rules", ["icc-2014", "ours-2026"])
def test_two_worlds_with_and_without_a_worker_show_the_same_states_dates_and_papers(
    empty_registry: EmptyRegistry, ours: Json, rules: str
) -> None:
    worlds = [_world(empty_registry, rules, is_away=is_away) for is_away in (False, True)]
    assert worlds[0] == worlds[1]
    assert worlds[0]["stage"] == "closed"


def _world(empty_registry: EmptyRegistry, rules: str, *, is_away: bool) -> Json:
    """What a party sees of a case in which nobody answered, once somebody has tried to act late."""
    with House.open(empty_registry()) as house:
        dispute = Dispute(house)
        dispute.lodged(**(ICC if rules == "icc-2014" else OURS))
        body = {} if rules == "icc-2014" else {"due_on": "2026-03-17"}
        dispute.step(dispute.registrar, "invite", body).expect(200)
        let_pass(house, LATER, is_away=is_away)
        dispute.step(dispute.responding, "accept-invitation", GIVES).expect(409, "step-not-open")
        case, paper = dispute.read(), certificate(dispute)
        return {
            **{name: case[name] for name in ("stage", "phase", "outcome", "closed_at", "waiting_for", "next_due_on")},
            "steps": [
                (event["act"], event["payload"]["on"], event["payload"]["to"])
                for event in dispute.events(kind="step-taken")
            ],
            "deadlines": [(item["term"], item["due_on"], item["state"]) for item in dispute.deadlines()],
            "ended": paper["ended"],
            "closed": paper["closed_at"],
            "procedure": [(step["step"], step["on"], step["article"]) for step in paper["procedure"]],
        }


def test_two_worlds_with_and_without_a_worker_count_suspensions_and_closures_alike(
    empty_registry: EmptyRegistry, tmp_path: Path
) -> None:
    """A term is suspended and resumed, and a closure moves it, before time brings its step."""
    text = rewritten("icc-2014", "ours-2026", (FIFTEEN_DAYS, TEN_WORKING_DAYS))
    with own_rules(tmp_path / "rules", ours_2026=text):
        worlds = [_stopped_and_moved(empty_registry, is_away=is_away) for is_away in (False, True)]
    assert worlds[0] == worlds[1]
    # Of ten working days one was used before the suspension; the closure takes two.
    assert worlds[0]["deadlines"] == [("reply", "2026-03-23", "ended")]
    assert (worlds[0]["stage"], worlds[0]["closed_at"]) == ("closed", "2026-03-23T16:00:00Z")


def _stopped_and_moved(empty_registry: EmptyRegistry, *, is_away: bool) -> Json:
    """What a party sees of a case whose term stopped for three days and met a closure, and then passed."""
    with House.open(empty_registry()) as house:
        dispute = Dispute(house)
        dispute.invited(procedure="ours-2026", category="commercial")
        path = f"{dispute.path}/deadlines/{dispute.deadlines()[0]['id']}"
        let_pass(house, datetime(2026, 3, 3, 9, tzinfo=UTC), is_away=is_away)
        house.registrar.post(f"{path}/suspend", {"reason": "Elections."}).expect(200)
        let_pass(house, datetime(2026, 3, 6, 9, tzinfo=UTC), is_away=is_away)
        house.registrar.post(f"{path}/resume").expect(200)
        closure = {"from_on": "2026-03-11", "until_on": "2026-03-12", "name": "The registry moves house"}
        house.registrar.post("/v1/closures", closure).expect(201)
        let_pass(house, datetime(2026, 3, 25, 8, tzinfo=UTC), is_away=is_away)
        late = {"from_on": "2026-03-24", "until_on": "2026-03-24", "name": "A storm"}
        house.registrar.post("/v1/closures", late).expect(201)
        case = dispute.read()
        return {
            **{name: case[name] for name in ("stage", "outcome", "closed_at", "next_due_on")},
            "deadlines": [(item["term"], item["due_on"], item["state"]) for item in dispute.deadlines()],
            "explained": [item["explanation"] for item in dispute.deadlines()],
            "steps": [(event["act"], event["payload"]["on"]) for event in dispute.events(kind="step-taken")],
        }
