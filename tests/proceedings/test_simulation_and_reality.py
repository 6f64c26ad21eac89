"""The simulation agrees with the service: the same random acts are taken in both."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from app.institution.calendars.countries import calendar_of, plain
from app.rules import engine
from app.rules.days import day_at
from app.rules.fields import names_a_party
from app.rules.loader import LIBRARY, library
from app.rules.model import Procedure, Step
from app.rules.simulation.assumed import AssumedAct, AssumedParty, Calendars
from app.rules.simulation.machine import simulate
from app.rules.simulation.timeline import Entry, Simulation
from tests.background import worker
from tests.installation import Answer, House, Json, Person
from tests.registries import EmptyRegistry
from tests.story import CLAUSES, CONSENT, GIVES, POWERS, deadlines_of, request

WALKS = int(os.environ.get("ACCORD_TEST_WALKS", "1"))
ACTS = int(os.environ.get("ACCORD_TEST_ACTS", "12"))
SEAT = ZoneInfo("Asia/Hong_Kong")
BESIDE = ("extend", "waive", "suspend", "resume")
CLOSURE = (date(2026, 3, 30), date(2026, 4, 2), "The registry moves")
PAUSES = (0, 0, 0, 0, 1, 1, 2, 5, 9, 33)
NOBODY = "00000000-0000-0000-0000-000000000000"
# The side of each party, and the calendar of its days off.
CASTS = (
    (("Ostrava", "requesting", None), ("Vedria", "responding", "FR")),
    (("Ostrava", "requesting", "HK"), ("Vedria", "responding", None), ("Lumea", "side-3", "SG")),
    (("Ostrava", "requesting", None), ("Marrow", "requesting", None), ("Vedria", "responding", "HK")),
)


@dataclass
class Case:
    """A case in the service, its people, and its acts so far as the simulation takes them."""

    house: House
    procedure: Procedure
    cast: tuple[tuple[str, str, str | None], ...]
    agents: dict[str, Person]
    mediators: list[tuple[Person, str]]
    random: Random
    id: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    acts: list[AssumedAct] = field(default_factory=list)
    nominated: list[tuple[str, Person]] = field(default_factory=list)
    text: Json = field(default_factory=lambda: {"id": NOBODY, "sha256": "0" * 64})
    lodged: bool = False

    @property
    def path(self) -> str:
        """The path of the case."""
        return f"/v1/cases/{self.id}"

    @property
    def today(self) -> date:
        """The present day at the seat."""
        return day_at(self.house.clock.now, SEAT)

    @property
    def filer(self) -> Person:
        """The agent of the party that opened the case."""
        return self.agents[self.cast[0][0]]

    def deadlines(self) -> list[Json]:
        """The deadlines of the case, the earliest first."""
        return deadlines_of(self.filer, self.path)

    def simulated(self) -> Simulation:
        """The simulation of the acts so far."""
        parties = [AssumedParty(name, side) for name, side, _calendar in self.cast]
        resting = tuple(calendar_of(code) if code else plain(name) for name, _side, code in self.cast)
        calendars = Calendars(calendar_of("HK"), plain("the institution", [CLOSURE]), resting)
        return simulate(self.procedure, parties, self.acts, calendars, self.today)


@contextmanager
def opened(empty_registry: EmptyRegistry, procedure: Procedure, random: Random) -> Iterator[Case]:
    """A case opened by a party, in its own institution."""
    with House.open(empty_registry()) as house:
        first, last, name = CLOSURE
        closure = {"from_on": first.isoformat(), "until_on": last.isoformat(), "name": name}
        house.registrar.post("/v1/closures", closure).expect(201)
        cast = random.choice(CASTS)
        parties = [
            {"side": side, "kind": "state", "name": name, "member_id": house.member(name), "calendar": calendar}
            for name, side, calendar in cast
        ]
        agents = {name: house.person(f"Agent of {name}") for name, _side, _calendar in cast}
        case = Case(house, procedure, cast, agents, [], random)
        seat = {"place": "Hong Kong", "time_zone": "Asia/Hong_Kong", "calendar": "HK"}
        body = request(procedure=procedure.id, category=procedure.categories[0], parties=parties, seat=seat)
        made = case.filer.post("/v1/cases", body).expect(201)
        case.id, case.ids = made["id"], {party["name"]: party["id"] for party in made["parties"]}
        yield case


# How time passes.


def let_pass(case: Case, days: int) -> None:
    """Let so many days pass; the worker runs on the day after each due day."""
    until = case.today + timedelta(days=days)
    while case.today < until:
        running = [
            date.fromisoformat(deadline["due_on"]) for deadline in case.deadlines() if deadline["state"] == "running"
        ]
        day = min([until, *(due_on + timedelta(days=1) for due_on in running if due_on >= case.today)])
        case.house.clock.pass_by(days=(day - case.today).days)
        work(case)


def work(case: Case) -> None:
    """Run the worker until it has nothing left to do."""
    while worker(case.house).round()["clock-step"]:
        continue


# The next act.


def next_act(case: Case, standing: Simulation) -> AssumedAct:
    """A random act: usually an open step, sometimes a closed step or an act that is not a step."""
    draw = case.random.random()
    if not case.lodged:
        # Only the requesting side sees the case yet, so only its lodging is interesting.
        return _filled(case, case.procedure.steps[0], "requesting-party", case.cast[0][0], standing)
    if draw < 0.1 and any(term.runs_from == "receipt" for term in case.procedure.terms):
        return AssumedAct("serve", case.today, "registry", case.random.choice(_on_side(case, requesting=False)))
    over = all(deadline.state in ("ended", "waived") for deadline in standing.deadlines)
    if draw < (0.12 if over else 0.3) and standing.deadlines:
        return _beside(case, standing)
    open_acts = [(step, holder.capacity, holder.party) for holder in standing.open_steps for step in holder.steps]
    if draw < 0.85 and open_acts:
        weights = [_weight(step, standing.stage.name) for step, _capacity, _party in open_acts]
        step, capacity, party = case.random.choices(open_acts, weights)[0]
    else:
        step, capacity, party = _any(case)
    return _filled(case, step, capacity, party, standing)


def _weight(step: Step, stage: str) -> float:
    """The weight of an open step: steps that lead on are more likely than others, steps that end the case less."""
    if step.outcome is not None and stage not in step.expected:
        return 0.1
    return 6 if stage in step.expected else 2


def _on_side(case: Case, *, requesting: bool) -> list[str]:
    return [name for name, side, _calendar in case.cast if (side == "requesting") is requesting]


def _any(case: Case) -> tuple[Step, str, str | None]:
    """A random step, by a capacity that may take it at some stage, and sometimes by another."""
    step = case.random.choice([step for step in case.procedure.steps if step.by != ("clock",)])
    takers = [capacity for capacity in step.by if capacity != "clock"]
    if step.taken_through is None and case.random.random() < 0.3:
        takers = ["registry", "any-party", "mediator"]
    capacity = case.random.choice(takers)
    if engine.is_party(capacity):
        able = [name for side in (True, False) for name in _on_side(case, requesting=side)]
        if capacity != "any-party":
            able = _on_side(case, requesting=capacity == "requesting-party")
        party = case.random.choice(able)
        return step, _capacity_of(case, party), party
    if capacity == "mediator" and mediator_of(case) is None:
        return step, "registry" if step.taken_through is None else "mediator", None
    return step, capacity, None


def _capacity_of(case: Case, party: str) -> str:
    return "requesting-party" if party in _on_side(case, requesting=True) else "responding-party"


def _filled(case: Case, step: Step, capacity: str, party: str | None, standing: Simulation) -> AssumedAct:
    """The act with the fields that it needs."""
    entry = picked(case.procedure, standing.stage.name, step.name, capacity)
    if entry is None:
        return AssumedAct(step.name, case.today, capacity, party)
    due_on = None
    if engine.takes_day(case.procedure, entry) and case.random.random() < 0.7:
        due_on = case.today + timedelta(days=case.random.randint(1, 30))
    if party is None and entry.each is not None and not engine.is_party(capacity):
        party = case.random.choice([name for name, _side, _calendar in case.cast])
    if party is None and names_a_party(entry):
        party = case.random.choice([name for name, _side, _calendar in case.cast])
    ground = case.random.choice(entry.grounds) if entry.grounds else None
    settles = case.random.choice(["whole", "whole", "part"])
    return AssumedAct(step.name, case.today, capacity, party, due_on, ground, settles)


def picked(procedure: Procedure, stage: str, step: str, capacity: str) -> Step | None:
    """The entry of that name for the capacity, or else for the stage."""
    held = ("registry", "appointing-authority") if capacity == "registry" else (capacity,)
    allowed = [entry for entry in procedure.entries(step) if any(engine.acts_as(entry.by, each) for each in held)]
    return next((entry for entry in allowed if stage in entry.origin), allowed[0] if allowed else None)


def _beside(case: Case, standing: Simulation) -> AssumedAct:
    """A change of a term, by a capacity that its rule may or may not authorise."""
    deadline = case.random.choice(standing.deadlines)
    kind = case.random.choice(BESIDE)
    allowed = {"extend": deadline.term.extend_by, "waive": deadline.term.waive_by}.get(kind, deadline.term.suspend_by)
    capacity = case.random.choice([*allowed, *allowed, "registry", "any-party"])
    party = deadline.party.name if deadline.party else None
    if engine.is_party(capacity):
        able = _on_side(case, requesting=False) if capacity == "responding-party" else _on_side(case, requesting=True)
        party = party if party in able else able[0]
        capacity = _capacity_of(case, party)
    if capacity == "mediator" and mediator_of(case) is None:
        capacity = "registry"
    until_on = case.today + timedelta(days=case.random.randint(1, 60)) if kind == "extend" else None
    return AssumedAct(kind, case.today, capacity, party, term=deadline.term.name, until_on=until_on)


# Acts in the service.


def mediator_of(case: Case) -> tuple[str, Person] | None:
    """The appointment and the person of the mediator in office."""
    return _appointment(case, "confirmed")


def _appointment(case: Case, *states: str) -> tuple[str, Person] | None:
    for id, person in reversed(case.nominated):
        if case.filer.get(f"/v1/appointments/{id}").expect(200)["state"] in states:
            return id, person
    return None


def person_of(case: Case, act: AssumedAct) -> Person | None:
    """The person who acts; None where no mediator is in office."""
    if act.by in ("requesting-party", "responding-party"):
        assert act.party is not None
        return case.agents[act.party]
    if act.by == "mediator":
        in_office = mediator_of(case)
        return in_office[1] if in_office else None
    return case.house.registrar


def done(case: Case, act: AssumedAct, standing: Simulation) -> str | None:
    """Take the act; gives the code of the refusal, or None."""
    person = person_of(case, act)
    if person is None:
        return "not-your-capacity"
    if act.step == "serve":
        return code_of(_serve(case, act))
    if act.step in BESIDE:
        return _change(case, act, person)
    entry = picked(case.procedure, standing.stage.name, act.step, str(act.by))
    if entry is None or entry.taken_through is None:
        return code_of(_step(case, act, entry, person))
    return _THROUGH[entry.taken_through](case, act, person)


def code_of(answer: Answer) -> str | None:
    """The code of a refusal; for an invalid request the code of its first fault."""
    assert answer.status < 500, answer.json
    if answer.status < 400:
        return None
    return str(answer.json["errors"][0]["code"]) if answer.status == 422 else answer.code


def _step(case: Case, act: AssumedAct, entry: Step | None, person: Person) -> Answer:
    fields: Json = {}
    body: Json = {"fields": fields}
    if entry is not None:
        fields |= {name: GIVES["fields"][name] for name in entry.fields}
        if act.ground is not None:
            fields["ground"] = act.ground
        if names_a_party(entry) and act.party is not None:
            fields["party_id"] = case.ids[act.party]
        if entry.reason:
            body["reason"] = "As the rules allow."
        if act.due_on is not None:
            body["due_on"] = act.due_on.isoformat()
    return person.post(f"{case.path}/steps/{act.step}", body)


def _serve(case: Case, act: AssumedAct) -> Answer:
    body = {
        "party_id": case.ids[str(act.party)],
        "method": "courier",
        "attempted_on": case.today.isoformat(),
        "served_at": case.house.clock.now.isoformat(),
        "proof": "Receipt no. 4471.",
    }
    return case.house.registrar.post(f"{case.path}/service", body)


def _change(case: Case, act: AssumedAct, person: Person) -> str | None:
    """A change of the last running deadline of that term, as the simulation picks it; all agree where all must."""
    running = case.deadlines()
    mine = [deadline for deadline in running if deadline["term"] == act.term]
    if act.party is not None:
        mine = [deadline for deadline in mine if deadline["party_id"] in (None, case.ids[act.party])]
    if not mine:
        return "deadline-not-set"
    over = ("ended", "waived")
    chosen = max(mine, key=lambda shown: (shown["state"] not in over, running.index(shown)))
    body: Json | None = {"reason": "Agreed.", "until_on": act.until_on.isoformat()} if act.until_on else {"reason": "!"}
    path = f"{case.path}/deadlines/{chosen['id']}/{act.step}"
    answer = person.post(path, None if act.step == "resume" else body)
    if act.step == "extend" and answer.status < 400 and case.procedure.term(str(act.term)).extend_with_all:
        for name in [party.name for party in case.simulated().parties if party.participation != "withdrawn"]:
            if case.agents[name] is not person and deadline(case, chosen["id"])["due_on"] != str(act.until_on):
                case.agents[name].post(path, body).expect(200)
    return code_of(answer)


def deadline(case: Case, id: str) -> Json:
    """A deadline."""
    return next(deadline for deadline in case.deadlines() if deadline["id"] == id)


def _consent(case: Case, act: AssumedAct, person: Person) -> str | None:
    filed = person.post(f"{case.path}/consents", {**CONSENT, "party_id": case.ids[str(act.party)]})
    if filed.status != 201:
        return code_of(filed)
    return code_of(person.post(f"{case.path}/consents/{filed.json['id']}/confirm"))


def _appoint(case: Case, act: AssumedAct, person: Person) -> str | None:
    if act.step == "nominate":
        return _nominate(case, person)
    wanted = ("declared",) if act.step == "confirm-mediator" else ("confirmed",)
    appointment = _appointment(case, *wanted) or (case.nominated[-1] if case.nominated else None)
    if appointment is None:
        return "not-found"
    word = {"confirm-mediator": "confirm", "resign": "resign", "replace-mediator": "replace"}[act.step]
    body = {"reason": "Called to office."} if word != "confirm" else {}
    return code_of(person.post(f"/v1/appointments/{appointment[0]}/{word}", body))


def _nominate(case: Case, person: Person) -> str | None:
    place = len(case.nominated)
    if place == len(case.mediators):
        case.mediators.append(case.house.mediator(f"Mediator {place}"))
    mediator, mediator_id = case.mediators[place]
    answer = person.post(f"{case.path}/appointments", {"mediator_id": mediator_id})
    if answer.status != 201:
        return code_of(answer)
    id = answer.json["id"]
    case.nominated.append((id, mediator))
    mediator.post(f"/v1/appointments/{id}/declare", {"independent": True}).expect(200)
    for party in case.simulated().parties:
        accepted = case.filer.get(f"/v1/appointments/{id}").expect(200)["accepted_by"]
        if case.ids[party.name] not in accepted and party.participation != "withdrawn":
            case.agents[party.name].post(f"/v1/appointments/{id}/accept").expect(200)
    return None


def _hold(case: Case, act: AssumedAct, person: Person) -> str | None:
    day = case.today.isoformat()
    body = {
        "kind": "joint",
        "title": "Meeting",
        "starts_at": f"{day}T10:00",
        "ends_at": f"{day}T12:00",
        "audience": "participants",
        "party_ids": [],
        "despite_overlap": True,
    }
    meeting = person.post(f"{case.path}/sessions", body)
    if meeting.status != 201:
        return code_of(meeting)
    return code_of(
        person.post(
            f"{case.path}/sessions/{meeting.json['id']}/hold", {"attendance": [{"name": "M", "capacity": "mediator"}]}
        )
    )


def _freeze(case: Case, act: AssumedAct, person: Person) -> str | None:
    body = {
        "title": "Agreement",
        "language": "en",
        "clauses": CLAUSES,
        "audience": "participants",
        "settles": act.settles,
    }
    draft = person.post(f"{case.path}/settlement/drafts", body)
    if draft.status != 201:
        return code_of(draft)
    path = f"{case.path}/settlement/drafts/{draft.json['id']}/freeze"
    answer = person.post(path, {"sha256": draft.json["sha256"]})
    if answer.status == 200:
        case.text = answer.json
    return code_of(answer)


def _sign(case: Case, act: AssumedAct, person: Person) -> str | None:
    body = {
        "draft_id": case.text["id"],
        "sha256": case.text["sha256"],
        "party_id": case.ids[str(act.party)],
        "capacity": "agent",
    }
    return code_of(person.post(f"{case.path}/settlement/signatures", body))


_THROUGH = {
    "consents": _consent,
    "appointments": _appoint,
    "sessions": _hold,
    "settlement/drafts": _freeze,
    "settlement/signatures": _sign,
}


def admit(case: Case) -> None:
    """Let the registry admit the agents of the other parties once the request is lodged."""
    if case.house.registrar.get(case.path).status != 200:
        return
    case.lodged = True
    for name, person in list(case.agents.items())[1:]:
        agent = {"user_id": person.id, "role": "agent", "powers": POWERS}
        case.house.registrar.post(f"{case.path}/parties/{case.ids[name]}/representatives", agent).expect(201)


# The comparison.


def lines(explanation: Iterable[str]) -> tuple[str, ...]:
    """The explanation of a deadline, without the name of the last party to agree to an extension."""
    return tuple(re.sub("^Extended by the [a-z ]+, on the agreement", "On the agreement", line) for line in explanation)


def as_it_is(case: Case, read: Json) -> Json:
    """The state of the case in the service, as its filer has read it."""
    names: dict[str | None, str | None] = {None: None, **{id: name for name, id in case.ids.items()}}
    return {
        "stage": read["stage"],
        "phase": read["phase"],
        "outcome": read["outcome"],
        "tracks": {track["name"]: track["state"] for track in read["tracks"]},
        "participation": {party["name"]: party["participation"] for party in read["parties"]},
        "deadlines": sorted(
            (
                (
                    deadline["term"],
                    str(names[deadline["party_id"]]),
                    deadline["due_on"],
                    deadline["state"],
                    lines(deadline["explanation"]),
                )
                for deadline in case.deadlines()
            ),
            key=str,
        ),
        "waiting": {
            (entry["capacity"], names[entry["party_id"]], entry["for"], entry["due_on"])
            for entry in read["waiting_for"]
        },
    }


def as_simulated(simulation: Simulation, *, has_mediator: bool) -> Json:
    """The state of the case in the simulation.

    The simulation assumes a mediator; where there is none, the service waits for the registry to appoint one.
    """
    names = {party.id: party.name for party in simulation.parties}
    return {
        "stage": simulation.stage.name,
        "phase": simulation.stage.phase,
        "outcome": simulation.outcome,
        "tracks": {track.name: track.state for track in simulation.tracks},
        "participation": {party.name: party.participation for party in simulation.parties},
        "deadlines": sorted(
            (
                (
                    deadline.term.name,
                    str(deadline.party.name if deadline.party else None),
                    None if deadline.state == "suspended" else deadline.due_on.isoformat(),
                    deadline.state,
                    lines(deadline.explanation),
                )
                for deadline in simulation.deadlines
            ),
            key=str,
        ),
        "waiting": {
            (
                "registry" if entry.capacity == "mediator" and not has_mediator else entry.capacity,
                names[entry.party_id] if entry.party_id else None,
                entry.step,
                entry.due_on.isoformat() if entry.due_on else None,
            )
            for entry in simulation.waiting
        },
    }


def refusal_of(simulation: Simulation, act: int) -> str | None:
    """The code with which the simulation refuses that act."""
    entries: list[Entry] = [entry for entry in simulation.entries if entry.act == act and entry.refused is not None]
    return entries[0].refused.code if entries and entries[0].refused else None


def both(case: Case, act: AssumedAct, standing: Simulation) -> Simulation:
    """Take the act in both, and compare them."""
    answered = done(case, act, standing)
    case.acts.append(act)
    work(case)
    if not case.lodged:
        admit(case)
    simulation = case.simulated()
    context = (act, simulation.stage.name, case.cast, case.acts)
    refused = refusal_of(simulation, len(case.acts) - 1)
    # Nobody can act on what they cannot see, whatever the rules say.
    assert answered == refused or (answered == "not-found" and refused is not None), (answered, refused, context)
    read = case.filer.get(case.path).expect(200)
    assert as_simulated(simulation, has_mediator=bool(read["mediators"])) == as_it_is(case, read), context
    return simulation


def walk(case: Case) -> None:
    """Take act after act until the case is closed; both agree after each."""
    for _number in range(ACTS):
        let_pass(case, case.random.choice(PAUSES))
        standing = case.simulated()
        result = both(case, next_act(case, standing), standing)
        if result.stage.final and case.random.random() < 0.7:
            return


# A combination that no shipped rule set uses: receipt, waivers, suspensions, working days and a series of clocks.
REPLY = """[[terms]]
name = "reply"
title = "for the invited side to answer"
period = "30 days"
counting = "day-after"
roll = "next-working-day"
runs_from = "receipt"
calendars = ["addressee"]
extend_by = ["registry"]
extend_at_most = "20 days"
waive_by = ["requesting-party"]
suspend_by = ["any-party"]
standing = "institution"
"""
LAPSE = """[[steps]]
name = "lapse"
title = "Nobody has answered"
by = ["clock"]
from = ["invited"]
to = "closed"
after = "reply"
needs = ["all-parties-served"]
outcome = "lapsed"
standing = "institution"
"""
MORE = """
[[tracks]]
name = "survey"
title = "A survey of the river"
standing = "institution"

[[terms]]
name = "talks"
title = "to talk"
period = "4 working-days"
counting = "day-after"
roll = "next-working-day"
calendars = ["seat", "parties", "institution"]
suspend_by = ["mediator"]
extend_by = ["mediator"]
extend_with_all = true
standing = "institution"

[[terms]]
name = "rest"
title = "to rest"
period = "1 week"
counting = "day-after"
roll = "from-saturday-sunday"
calendars = ["parties"]
settable = true
standing = "institution"

[[checks]]
name = "all-parties-served"
title = "All are served"
standing = "institution"

[[steps]]
name = "pause-talks"
title = "Pause the talks"
by = ["mediator", "any-party"]
from = ["mediating"]
suspends = ["talks"]
opens = ["survey"]
standing = "institution"

[[steps]]
name = "resume-talks"
title = "Resume the talks"
by = ["mediator"]
from = ["mediating"]
within = "survey"
resumes = ["talks"]
closes = ["survey"]
standing = "institution"

[[steps]]
name = "rest-from-talks"
title = "The talks rest"
by = ["clock"]
from = ["mediating"]
after = "talks"
starts = ["rest"]
ends = ["talks"]
standing = "institution"

[[steps]]
name = "talk-again"
title = "The talks go on"
by = ["clock", "registry"]
from = ["mediating"]
after = "rest"
starts = ["talks"]
ends = ["rest"]
standing = "institution"

[[steps]]
name = "absent"
title = "Note that a party is absent"
by = ["registry"]
from = ["agreed", "mediating"]
participation = "not-appearing"
standing = "institution"

[[steps]]
name = "leave"
title = "Leave"
by = ["any-party"]
each = true
from = ["mediating"]
starts = ["rest"]
participation = "withdrawn"
voids = ["terminate"]
standing = "institution"
"""


@pytest.fixture
def clockwork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The id of a rule set that uses every feature of terms."""
    text = (LIBRARY / "uncitral-2021.toml").read_text(encoding="utf-8").replace("uncitral-2021", "clockwork-2026")
    for ours in (REPLY, LAPSE):
        table, name = ours.split("\n")[:2]
        text, count = re.subn(rf"{re.escape(table)}\n{name}\n.*?(?=\n\[\[)", ours, text, flags=re.DOTALL)
        assert count == 1
    text = text.replace('to = "mediating"\n', 'to = "mediating"\nstarts = ["talks"]\n')
    left = 'from = ["mediating"]\nto = "agreed"\n'
    text = text.replace(left, left + 'ends = ["talks", "rest"]\n')
    for path in LIBRARY.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "clockwork-2026.toml").write_text(text + MORE, encoding="utf-8")
    monkeypatch.setattr("app.rules.loader.LIBRARY", tmp_path)
    library.cache_clear()
    yield "clockwork-2026"
    monkeypatch.undo()
    library.cache_clear()


def test_a_walk_under_every_kind_of_term_goes_as_simulated(empty_registry: EmptyRegistry, clockwork: str) -> None:
    for number in range(WALKS):
        with opened(empty_registry, library()[clockwork], Random(f"{clockwork}/{number}")) as case:  # noqa: S311
            walk(case)


SIMULATE = "/v1/procedures/uncitral-2021/simulations"
GIVEN: Json = {
    "parties": [{"side": "requesting", "name": "Ostrava"}, {"side": "responding", "name": "Vedria"}],
    "acts": [{"step": "lodge", "on": "2026-03-02"}, {"step": "invite", "on": "2026-03-04"}],
    "until": "2026-04-04",
}


def test_every_account_may_simulate_a_case_and_nothing_of_it_is_stored(house: House) -> None:
    person = house.person("Curia Oso")
    simulation = person.post(SIMULATE, GIVEN).expect(200)
    assert [entry["kind"] for entry in simulation["timeline"]] == ["step", "step", "deadline-set", "deadline-passed"]
    assert (simulation["procedure"], simulation["stage"], simulation["outcome"]) == ("uncitral-2021", "invited", None)
    assert simulation["timeline"][2]["deadline"]["silence"] == simulation["deadlines"][0]["silence"]
    assert [
        (deadline["effect"], deadline["step"], deadline["article"])
        for deadline in simulation["deadlines"][0]["silence"]
    ] == [("at-election", "lapse", "article 2")]
    assert [(entry["capacity"], entry["party"], entry["step"]) for entry in simulation["waiting_for"]] == [
        ("responding-party", "Vedria", "accept-invitation")
    ]
    assert [step["name"] for step in simulation["open_steps"][0]["steps"]] == ["lapse", "withdraw"]
    assert person.get("/v1/cases").expect(200)["items"] == []
    again = person.post(SIMULATE, {**GIVEN, "acts": [{"step": "invite", "on": "2026-03-04"}]}).expect(200)
    (refused,) = again["timeline"]
    assert (refused["kind"], refused["act"], refused["refused"]["code"]) == ("refused", 0, "step-not-open")
    assert "POST /v1/cases/{case}/steps/lodge" in refused["refused"]["reasons"][0]["cure"]


@pytest.mark.parametrize(
    ("changed", "pointer", "code"),
    [
        ({"acts": [{"step": "sing", "on": "2026-03-02"}]}, "/acts/0/step", "unknown-step"),
        (
            {"acts": [*GIVEN["acts"], {"step": "join", "on": "2026-03-05", "party": "X"}]},
            "/acts/2/party",
            "unknown-party",
        ),
        ({"acts": [{"step": "lodge", "on": "2026-03-02", "by": "king"}]}, "/acts/0/by", "unknown-capacity"),
        ({"acts": [{"step": "lodge", "on": "2026-03-02"}] * 101}, "/acts", "too-long"),
        ({"until": "2026-03-01"}, "/until", "not-in-order"),
        ({"until": "tomorrow"}, "/until", "day"),
        ({"parties": GIVEN["parties"][:1]}, "/parties", "too-short"),
        ({"parties": [GIVEN["parties"][0]] * 2}, "/parties", "repeated"),
        ({"parties": [{**GIVEN["parties"][0], "name": name} for name in "AB"]}, "/parties", "sides"),
        ({"seat_calendar": "XX"}, "/seat_calendar", "calendar"),
        ({"king": 1}, "/king", "unknown-field"),
    ],
)
def test_an_invalid_simulation_is_refused_with_the_place_of_the_fault(
    house: House, changed: Json, pointer: str, code: str
) -> None:
    answer = house.registrar.post(SIMULATE, {**GIVEN, **changed})
    answer.expect(422, "invalid")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]][:1] == [(pointer, code)]


def test_unknown_rules_and_strangers_are_refused_as_everywhere(house: House) -> None:
    house.registrar.post("/v1/procedures/none-1900/simulations", GIVEN).expect(404, "not-found")
    stranger = replace(house.registrar, token="accord_" + "x" * 43)
    stranger.post(SIMULATE, GIVEN).expect(401, "unauthenticated")
    stranger.post(SIMULATE, {}).expect(401, "unauthenticated")


def test_a_rule_set_lists_the_effect_of_silence_after_each_term(house: House) -> None:
    rule_set = house.registrar.get("/v1/procedures/icsid-2022").expect(200)
    terms = {term["name"]: term for term in rule_set["terms"]}
    assert [(effect["effect"], effect["by"]) for effect in terms["no-step"]["silence"]] == [("by-notice", ["registry"])]
    assert (terms["reply"]["runs_from"], terms["reply"]["calendars"]) == ("receipt", ["institution"])
    steps = {step["name"]: step for step in rule_set["steps"]}
    assert (steps["lodge"]["lodges"], steps["agree-number"]["positions"]) == (True, ["one", "more-than-one"])
    indus = house.registrar.get("/v1/procedures/indus-waters-1960").expect(200)
    assert [track["name"] for track in indus["tracks"]] == ["neutral-expert", "court-of-arbitration"]


@pytest.mark.slow
@pytest.mark.parametrize("rule_set", list(library()))
def test_a_walk_through_the_service_goes_as_the_simulation_says(empty_registry: EmptyRegistry, rule_set: str) -> None:
    for number in range(WALKS):
        with opened(empty_registry, library()[rule_set], Random(f"{rule_set}/{number}")) as case:  # noqa: S311
            walk(case)


def follow(case: Case, *acts: tuple[str, str, str | None]) -> None:
    """Take these steps, by these people and for these parties, all on one day."""
    for step, by, party in acts:
        both(case, AssumedAct(step, case.today, by, party), case.simulated())


THREE = (("Ostrava", "requesting", None), ("Vedria", "responding", None), ("Lumea", "side-3", None))
INVITED = (("lodge", "requesting-party", "Ostrava"), ("invite", "registry", None))
ACCEPTED = tuple(("accept-invitation", "responding-party", party) for party in ("Vedria", "Lumea"))


def test_a_party_served_after_another_has_answered_has_its_own_term(
    empty_registry: EmptyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.proceedings.test_simulation_and_reality.CASTS", (THREE,))
    with opened(empty_registry, library()["icsid-2022"], Random(1)) as case:  # noqa: S311
        follow(case, *INVITED, ACCEPTED[0], ("serve", "registry", "Lumea"))
        assert [deadline["party_id"] for deadline in case.deadlines()] == [case.ids["Lumea"]]


def test_a_party_that_withdrew_extends_no_term(empty_registry: EmptyRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.proceedings.test_simulation_and_reality.CASTS", (THREE,))
    with opened(empty_registry, library()["icsid-2022"], Random(1)) as case:  # noqa: S311
        follow(case, *INVITED, *ACCEPTED, ("register", "registry", None), ("withdraw", "responding-party", "Lumea"))
        later = case.today + timedelta(days=200)
        extended = AssumedAct("extend", case.today, "responding-party", "Lumea", term="no-step", until_on=later)
        both(case, extended, case.simulated())
        both(case, replace(extended, party="Vedria"), case.simulated())
