"""The one door through which a case moves: its steps, and the columns that follow from them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.contents import service as contents
from app.core.db import AnyRow, is_postgresql, new_id
from app.core.errors import Conflict, FieldError, Invalid, NotFound, invalid, reason_out, refusal
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject
from app.core.tables.cases import Case, ReferenceNumber, StepTaken
from app.core.tables.institution import Institution
from app.core.tables.parties import Party
from app.institution.procedures.schemas import ReasonOut
from app.proceedings.cases import paper_acts
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.locking import act_subject, circle_of, lock_case, view_of
from app.proceedings.cases.paper_acts import Counted
from app.proceedings.deadlines import changes
from app.proceedings.deadlines import service as deadlines
from app.proceedings.steps import consequences
from app.proceedings.steps.schemas import StepIn, StepList, StepOut
from app.rules import engine
from app.rules.fields import StepInput, faults_in_fields
from app.rules.loader import library
from app.rules.model import (
    CLOSED,
    FIELD_BLOCKS,
    OPEN,
    PAUSED,
    Decision,
    Holding,
    OpenStep,
    Procedure,
    Refused,
    Step,
    Waiting,
)
from app.rules.terms import day_at


def take_step(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, step: str, given: StepIn) -> tuple[UUID]:
    """Take a step of the case's procedure.

    Raises NotFound for a case or step that is not there, Forbidden for somebody else's step, Invalid for fields that
    the step does not take or lacks, and Conflict with the rule's reasons where the rules refuse it now.
    """
    case = lock_case(db, actor, case_id)
    procedure, facts = library()[case.procedure], read_facts(db, case)
    try:
        if given.on_behalf_of is None or not actor.is_staff:
            engine.entry_for(procedure, facts, step, _holdings(db, actor, case))
        counted = paper_acts.judge(db, actor, now, case, given)
        holdings = _holdings(db, actor, case, counted)
        entry = engine.entry_for(procedure, facts, step, holdings)
        _check_fields(procedure, entry, given, counted.on)
        decision = engine.decide(procedure, facts, step, holdings, counted.on)
    except Refused as refused:
        raise refusal(refused, procedure.id) from refused
    if decision.step.taken_through is not None:
        href = f"/v1/cases/{case.id}/{decision.step.taken_through}"
        detail = f"'{step}' is taken by the act of its own resource, in the same transaction: see 'href'."
        raise Conflict(detail, "taken-through", href=href, stage=case.stage, rule_set=procedure.id)
    _apply(db, actor, now, case, procedure, holdings, decision, given, counted)
    return (case.id,)


@dataclass(frozen=True, slots=True)
class Through:
    """A step that the act of another noun takes: what the act is about, and on which day it counts."""

    step: str
    subject: UUID | None = None
    counted: Counted | None = None


def take_step_through(db: GatedSession, actor: Actor, now: datetime, case: Case, through: Through) -> Decision:
    """Take a step by the act of another noun, which has locked the case; Forbidden or Conflict as the rules say."""
    counted = through.counted or Counted(paper_acts.today_at(case, now))
    decision, holdings = _decide(db, actor, case, through, counted)
    _apply(db, actor, now, case, library()[case.procedure], holdings, decision, StepIn(), counted)
    return decision


def check_step(db: GatedSession, actor: Actor, now: datetime, case: Case, through: Through) -> None:
    """Refuse, before anything is written, what `take_step_through` would refuse."""
    _decide(db, actor, case, through, through.counted or Counted(paper_acts.today_at(case, now)))


def _decide(
    db: GatedSession, actor: Actor, case: Case, through: Through, counted: Counted
) -> tuple[Decision, tuple[Holding, ...]]:
    procedure, facts = library()[case.procedure], read_facts(db, case, through.subject)
    holdings = _holdings(db, actor, case, counted)
    try:
        return engine.decide(procedure, facts, through.step, holdings, counted.on), holdings
    except Refused as refused:
        raise refusal(refused, procedure.id) from refused


def _holdings(db: GatedSession, actor: Actor, case: Case, counted: Counted | None = None) -> tuple[Holding, ...]:
    """In which capacities the actor acts: for the party alone whose act the registry enters."""
    if counted is not None and counted.party_id is not None:
        return (paper_acts.holding_of(db, case, counted.party_id),)
    return circle_of(db, view_of(case)).holdings(actor)


def _check_fields(procedure: Procedure, entry: Step, given: StepIn, on: date) -> None:
    fields = StepInput(
        due_on=given.due_on,
        has_reason=given.reason is not None,
        ground=given.fields.ground,
        position=given.fields.position,
        names_party=given.fields.party_id is not None,
        blocks=frozenset(name for name in FIELD_BLOCKS if getattr(given.fields, name) is not None),
    )
    faults = [
        FieldError(fault.pointer, fault.code, fault.message) for fault in faults_in_fields(procedure, entry, fields, on)
    ]
    if faults:
        raise Invalid(*faults)


def _apply(
    db: GatedSession,
    actor: Actor,
    now: datetime,
    case: Case,
    procedure: Procedure,
    holdings: tuple[Holding, ...],
    decision: Decision,
    given: StepIn,
    counted: Counted,
) -> None:
    """Write what a decision means: the act, the case, its terms, and what follows for other nouns."""
    step, before = decision.step, case.stage
    by = paper_acts.author(db, actor, case, counted, Holding(_capacity(step, holdings), decision.party_id))
    _move(db, now, case, procedure, decision, given.fields.ground)
    if decision.completes:
        _follow_tracks(case, step)
        _change_participation(db, case, step, decision.party_id or given.fields.party_id)
    subject = act_subject(db, case)
    _void(db, now, case, step)
    _note(db, now, case, procedure, subject, decision, before, given, counted, by)
    _consents(db, actor, now, case, decision, given, by)
    if not decision.completes:
        return
    started = [procedure.term(name) for name in step.starts]
    deadlines.start(db, now, case, subject, by, step, started, counted.on, given.due_on)
    if step.suspends or step.resumes:
        changes.follow_step(db, now, case, by, step, counted.on)
    final = procedure.stage(case.stage).final
    if step.ends or final:
        deadlines.end(db, now, case.id, subject, by, step.name, None if final else step.ends)
    if final:
        consequences.close(db, now, case, by, step.name)


def _move(
    db: GatedSession, now: datetime, case: Case, procedure: Procedure, decision: Decision, ground: str | None
) -> None:
    """Bring the case, and those who may see it, to where the decision leads."""
    step = decision.step
    if step.lodges:
        case.lodged_at = case.opened_at = now
    if step.serves:
        case.served_at = now
    if decision.completes:
        # A ground that was given earlier stays: the step that ends the case may only report it.
        case.stage, case.outcome, case.ground = decision.stage, decision.outcome, ground or case.ground
        case.phase = procedure.stage(decision.stage).phase
        if procedure.stage(decision.stage).final:
            case.closed_at = now
        if step.numbers:
            case.reference = _next_reference(db, now)
    if step.lodges or step.serves:
        access.bring_into_line(db, view_of(case))
    if step.lodges:
        access.date_readers(db, view_of(case))


def _follow_tracks(case: Case, step: Step) -> None:
    """Bring the tracks that run beside the stages to where the step leaves them; a closed case has none open."""
    states = {
        **dict.fromkeys((*step.opens, *step.reopens), OPEN),
        **dict.fromkeys(step.pauses, PAUSED),
        **dict.fromkeys(step.closes, CLOSED),
    }
    if case.closed_at is not None:
        states = dict.fromkeys({**case.tracks, **states}, CLOSED)
    if states:
        case.tracks = {**case.tracks, **states}


def _change_participation(db: GatedSession, case: Case, step: Step, party_id: UUID | None) -> None:
    if step.participation is None or party_id is None:
        return
    changed = update(Party).where(Party.case_id == case.id, Party.id == party_id)
    row = changed.values(participation=step.participation).returning(Party.id)
    if db.execute(row.execution_options(synchronize_session=False)).first() is None:
        raise invalid("/fields/party_id", "unknown-party", "Name a party of this case by its id.")


def _note(
    db: GatedSession,
    now: datetime,
    case: Case,
    procedure: Procedure,
    subject: Subject,
    decision: Decision,
    before: str,
    given: StepIn,
    counted: Counted,
    by: Author,
) -> None:
    """Keep the step as it was taken, and tell it under the article that it rests on: its ground's, if it has one."""
    step, ground = decision.step, given.fields.ground
    db.add(
        StepTaken(
            id=new_id(db),
            case_id=case.id,
            audience_id=subject.audience_id,
            step=step.name,
            party_id=decision.party_id,
            stage=before,
            ground=ground,
            position=given.fields.position,
            received_at=counted.received_at,
            received_via=counted.received_via,
            on=counted.on,
            taken_at=now,
        )
    )
    reason = contents.write(db, case.id, subject.audience_id, {"reason": given.reason}) if given.reason else None
    payload = {
        "step": step.name,
        "from": before,
        "to": case.stage,
        "phase": case.phase,
        "outcome": case.outcome,
        "ground": ground,
        "reference": case.reference,
        "on": counted.on.isoformat(),
        "rule_set": procedure.id,
        **_more(case, step, given),
        **counted.payload(),
    }
    citation = procedure.ground(ground).citation if ground is not None else step.citation
    ledger.record(db, Act(step.name, now, by, subject), "step-taken", payload, citation.article, reason)


def _more(case: Case, step: Step, given: StepIn) -> dict[str, Any]:
    """What an event tells of particular steps only: a position that was stated, tracks, a party's participation."""
    told: dict[str, Any] = {}
    if given.fields.position is not None:
        told["position"] = given.fields.position
    touched = (*step.opens, *step.pauses, *step.reopens, *step.closes)
    if touched:
        told["tracks"] = {name: case.tracks[name] for name in touched if name in case.tracks}
    if step.participation is not None:
        told["participation"] = step.participation
    if given.fields.party_id is not None:
        told["party_id"] = str(given.fields.party_id)
    return told


def _capacity(step: Step, holdings: tuple[Holding, ...]) -> str:
    """In which of the actor's capacities the step was taken."""
    takers = set(step.by) | ({"requesting-party", "responding-party"} if "any-party" in step.by else set())
    return next((held.capacity for held in holdings if held.capacity in takers), holdings[0].capacity)


def _void(db: GatedSession, now: datetime, case: Case, step: Step) -> None:
    if step.voids:
        undone = update(StepTaken).where(
            StepTaken.case_id == case.id, StepTaken.step.in_(step.voids), StepTaken.voided_at.is_(None)
        )
        db.execute(undone.values(voided_at=now).execution_options(synchronize_session=False))


def _consents(
    db: GatedSession, actor: Actor, now: datetime, case: Case, decision: Decision, given: StepIn, by: Author
) -> None:
    if decision.party_id is None:
        return
    if given.fields.consent is not None:
        consequences.give_consent(db, now, case, decision.party_id, given.fields.consent, by)
    if given.fields.powers is not None:
        consequences.record_powers(db, actor, now, case, decision.party_id, given.fields.powers, by)


def _next_reference(db: GatedSession, now: datetime) -> str:
    """The next number of the year at the institution; its row stays locked to the end of the transaction."""
    zone = db.execute(select(Institution.time_zone)).scalar_one()
    year = day_at(now, ZoneInfo(zone)).year
    dialect = postgresql if is_postgresql(db) else sqlite
    first = dialect.insert(ReferenceNumber).values(year=year, last=1)
    counted = first.on_conflict_do_update(index_elements=["year"], set_={"last": ReferenceNumber.last + 1})
    number = db.execute(counted.returning(ReferenceNumber.last)).scalar_one()
    return f"{year}-{number:04d}"


def list_steps(db: GatedSession, actor: Actor, now: datetime, case_id: UUID) -> StepList:
    """Every step of the case's rule set: whether it is open to the actor, and if not, why."""
    columns = (
        Case.id,
        Case.audience_id,
        Case.procedure,
        Case.stage,
        Case.subjects,
        Case.opened_at,
        Case.lodged_at,
        Case.served_at,
        Case.generation,
        Case.court_id,
        Case.seat_time_zone,
        Case.day_time_zone,
        Case.tracks,
    )
    case = db.execute(select(*columns).where(Case.id == case_id)).one_or_none()
    if case is None:
        raise NotFound
    procedure, facts = library()[case.procedure], read_facts(db, case)
    holdings = circle_of(db, view_of(case)).holdings(actor)
    today = paper_acts.today_at(case, now)
    found = engine.open_steps(procedure, facts, holdings, today)
    return StepList(items=[_step_out(case.id, item) for item in found])


def _step_out(case_id: UUID, item: OpenStep) -> StepOut:
    step = item.step
    return StepOut(
        step=step.name,
        title=step.title,
        available=item.available,
        by=list(step.by),
        article=step.citation.article,
        source=step.citation.source,
        standing=step.citation.standing,
        taken_through=step.taken_through,
        href=f"/v1/cases/{case_id}/{step.taken_through or f'steps/{step.name}'}",
        reasons=[ReasonOut(**reason_out(reason)) for reason in item.reasons],
    )


def keep_columns(db: GatedSession, now: datetime) -> None:
    """After every act: bring the columns that follow from it into line, in each case of which something was noted."""
    moved: dict[UUID, int] = {}
    for note in db.notes:
        if note.case_id is not None and (note.audience in ledger.WIDE or note.type in _BEFORE_LODGING):
            moved[note.case_id] = moved.get(note.case_id, 0) + (note.audience in ledger.WIDE)
    for case_id, wide in moved.items():
        _keep_columns(db, now, case_id, wide)


_BEFORE_LODGING = ("case-opened", "case-amended", "step-taken")


def _keep_columns(db: GatedSession, now: datetime, case_id: UUID, wide: int) -> None:
    columns = (
        Case.id,
        Case.procedure,
        Case.stage,
        Case.subjects,
        Case.lodged_at,
        Case.seat_time_zone,
        Case.day_time_zone,
        Case.waiting_for,
        Case.tracks,
    )
    case: Case | AnyRow | None = db.locked.get(case_id)
    if case is None:
        with as_system(db):
            case = db.execute(select(*columns).where(Case.id == case_id)).one()
    found, running = _awaited(db, now, case)
    values: dict[str, Any] = {
        "waiting_for": _since(found, case.waiting_for, now),
        "awaits": _awaits(found),
        "next_due_on": min(running, default=None),
    }
    if wide:
        values |= {"seq": Case.seq + wide, "updated_at": now}
    with as_system(db):
        row = update(Case).where(Case.id == case_id).values(values)
        db.execute(row.execution_options(synchronize_session=False))


def _awaited(db: GatedSession, now: datetime, case: Case | AnyRow) -> tuple[tuple[Waiting, ...], list[date]]:
    """For whom a case waits, and the days that are due in it; a closed one waits for nobody, so nothing is read."""
    rules = library()[case.procedure]
    if rules.stage(case.stage).final:
        return (), []
    facts = read_facts(db, case)
    running = [term.due_on for term in facts.terms if not term.ended and not term.suspended]
    return engine.waiting(rules, facts, paper_acts.today_at(case, now)), running


def _awaits(found: tuple[Waiting, ...]) -> str:
    """The capacities and parties (in hexadecimal) that a case waits for, as words that lists can search."""
    words = {waiting.capacity for waiting in found} | {waiting.party_id.hex for waiting in found if waiting.party_id}
    return "".join(f" {word}" for word in sorted(words)) + " "


def _since(found: tuple[Waiting, ...], kept: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """The entries as they are kept, each with the instant at which it first appeared."""
    appeared = {(one["capacity"], one["party_id"], one["for"]): one["since"] for one in kept}
    entries = []
    for waiting in found:
        party_id = str(waiting.party_id) if waiting.party_id else None
        entries.append(
            {
                "capacity": waiting.capacity,
                "party_id": party_id,
                "for": waiting.step,
                "since": appeared.get((waiting.capacity, party_id, waiting.step), now.isoformat()),
                "due_on": waiting.due_on.isoformat() if waiting.due_on else None,
                "article": waiting.citation.article,
            }
        )
    return entries
