"""What a step changes: the stage of the case, its record, its terms, and who reads what comes later."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import is_postgresql, new_id
from app.core.errors import invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author
from app.core.tables.cases import Case, ReferenceNumber, StepTaken
from app.core.tables.institution import Institution
from app.core.tables.parties import Party
from app.proceedings.cases import request_versions
from app.proceedings.cases.circle import act_subject, begin_generation, circle_of, view_of
from app.proceedings.cases.paper_acts import Counted
from app.proceedings.deadlines import changes
from app.proceedings.deadlines.start_and_end import TermInput, end_deadlines, start_deadlines
from app.proceedings.steps import consents_and_powers, consequences
from app.proceedings.steps.schemas import StepIn
from app.rules.days import day_at
from app.rules.model import CLOSED, OPEN, PAUSED, WITHDRAWN, Decision, Procedure, Step


@dataclass(frozen=True, slots=True)
class Judged:
    """A step that the rules allow: who takes it, how it counts, and the decision that is still to be applied."""

    actor: Actor
    author: Author
    procedure: Procedure
    decision: Decision
    counted: Counted
    request: StepIn


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What an event says of a step besides its decision.

    That is the stage from which it was taken, what it commits to, and the earlier steps that it made void.
    """

    stage: str
    commits_to: dict[str, str]
    voids: tuple[str, ...]


def apply_step(db: GatedSession, now: datetime, case: Case, judged: Judged) -> Act:
    """Write what a step does to the case, its record, its terms and other nouns; return the act that records it.

    The caller has locked the case. Raises Invalid for a party that the case does not know.
    """
    decision, stage_before = judged.decision, case.stage
    _move(db, now, case, judged)
    if decision.completes:
        _follow_tracks(case, decision.step)
        party_id = decision.party_id or judged.request.fields.party_id
        _change_participation(db, case, decision.step, party_id)
        if decision.step.participation != WITHDRAWN and not judged.procedure.stage(case.stage).final:
            # Before the act is recorded: a party that comes back reads that it does.
            _change_reading(db, now, case, decision.step, party_id)
    act = Act(decision.step.name, now, judged.author, act_subject(db, case), judged.counted.on)
    voided = _void_earlier_steps(db, now, case, decision.step)
    versions = request_versions.seal_versions(db, case, decision.step)
    _record(db, act, case, judged, StepRecord(stage_before, request_versions.commitments(versions), voided))
    _write_consent_and_powers(db, act, case, judged)
    if decision.completes:
        _change_terms(db, act, case, judged)
        if judged.procedure.stage(case.stage).final:
            consequences.close(db, act, case)
        elif decision.step.participation == WITHDRAWN:
            _change_reading(db, now, case, decision.step, decision.party_id or judged.request.fields.party_id)
    request_versions.record_versions(db, act, versions)
    return act


def _change_reading(db: GatedSession, now: datetime, case: Case, step: Step, party_id: UUID | None) -> None:
    """Let a party that withdraws while the others go on read nothing later.

    One that comes back reads again what it read before, and what is written from then on.
    """
    view = next((party for party in circle_of(db, view_of(case)).parties if party.id == party_id), None)
    if view is None or step.participation is None or (step.participation == WITHDRAWN) != (view.reads_until is None):
        return
    # What the act has written so far is written before a party leaves.
    db.flush()
    last = case.generation
    first = begin_generation(db, case)
    if step.participation == WITHDRAWN:
        changed = replace(view, reads_until=last, left_at=now)
    else:
        earlier = (*view.earlier, (view.generation, view.reads_until or view.generation))
        changed = replace(view, generation=first, reads_until=None, left_at=None, earlier=earlier)
    row = update(Party).where(Party.case_id == case.id, Party.id == party_id)
    row = row.values(
        generation=changed.generation,
        reads_until=changed.reads_until,
        left_at=changed.left_at,
        earlier=[list(time) for time in changed.earlier],
    )
    db.execute(row.execution_options(synchronize_session=False))
    parties = [changed if party.id == party_id else party for party in access.known_circle(db, case.id).parties]
    access.bring_into_line(db, view_of(case), parties=parties)


def _move(db: GatedSession, now: datetime, case: Case, judged: Judged) -> None:
    """Move the case to the stage of the decision, and update who may see the case."""
    step, decision = judged.decision.step, judged.decision
    if step.lodges:
        case.lodged_at = case.opened_at = now
    if step.serves:
        case.served_at = now
    if decision.completes:
        case.stage, case.outcome = decision.stage, decision.outcome
        # An earlier ground stays: the step that ends the case may only report it.
        case.ground = judged.request.fields.ground or case.ground
        stage = judged.procedure.stage(decision.stage)
        case.phase = stage.phase
        if stage.final:
            case.closed_at = judged.counted.effective_at or now
        if step.numbers:
            case.reference = _next_reference(db, now)
    if step.lodges or step.serves:
        access.bring_into_line(db, view_of(case))
    if step.lodges:
        access.date_readers(db, view_of(case))


def _next_reference(db: GatedSession, now: datetime) -> str:
    """The institution's next case number of the year, whose counter stays locked until the transaction ends."""
    zone = db.execute(select(Institution.time_zone)).scalar_one()
    year = day_at(now, ZoneInfo(zone)).year
    dialect = postgresql if is_postgresql(db) else sqlite
    first = dialect.insert(ReferenceNumber).values(year=year, last=1)
    next_number = first.on_conflict_do_update(index_elements=["year"], set_={"last": ReferenceNumber.last + 1})
    number = db.execute(next_number.returning(ReferenceNumber.last)).scalar_one()
    return f"{year}-{number:04d}"


def _follow_tracks(case: Case, step: Step) -> None:
    """Open, pause and close the tracks that run parallel to the stages; a closed case has none open."""
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


def _void_earlier_steps(db: GatedSession, now: datetime, case: Case, step: Step) -> tuple[str, ...]:
    """Void the earlier steps that the rules name, and return the names of those that had been taken."""
    if not step.voids:
        return ()
    taken = (StepTaken.case_id == case.id, StepTaken.step.in_(step.voids), StepTaken.voided_at.is_(None))
    undone = update(StepTaken).where(*taken).values(voided_at=now).returning(StepTaken.step)
    return tuple(sorted(set(db.execute(undone.execution_options(synchronize_session=False)).scalars())))


def _record(db: GatedSession, act: Act, case: Case, judged: Judged, taken: StepRecord) -> None:
    """Keep the step as it was taken, and record its event under the article of its ground, or else of the step."""
    step, request, counted = judged.decision.step, judged.request, judged.counted
    ground, audience_id = request.fields.ground, act.subject.audience_id
    db.add(
        StepTaken(
            id=new_id(db),
            case_id=case.id,
            audience_id=audience_id,
            step=step.name,
            party_id=judged.decision.party_id,
            stage=taken.stage,
            ground=ground,
            position=request.fields.position,
            received_at=counted.received_at,
            received_via=counted.received_via,
            on=counted.on,
            taken_at=act.at,
        )
    )
    reason = contents.write(db, case.id, audience_id, {"reason": request.reason}) if request.reason else None
    payload = {
        "step": step.name,
        "from": taken.stage,
        "to": case.stage,
        "phase": case.phase,
        "outcome": case.outcome,
        "ground": ground,
        "reference": case.reference,
        "on": counted.on.isoformat(),
        "rule_set": judged.procedure.id,
        **_own_members(case, judged),
        **counted.payload(),
        **taken.commits_to,
        **({"voids": list(taken.voids)} if taken.voids else {}),
    }
    citation = judged.procedure.ground(ground).citation if ground is not None else step.citation
    ledger.record(db, act, "step-taken", payload, citation.article, reason)


def _own_members(case: Case, judged: Judged) -> dict[str, Any]:
    """The members that an event has for particular steps only: position, tracks, participation, party."""
    step, request = judged.decision.step, judged.request
    members: dict[str, Any] = {}
    if step.participation is not None and judged.decision.party_id is not None:
        members["party_id"] = str(judged.decision.party_id)
    if request.fields.position is not None:
        members["position"] = request.fields.position
    touched = (*step.opens, *step.pauses, *step.reopens, *step.closes)
    if touched:
        members["tracks"] = {name: case.tracks[name] for name in touched if name in case.tracks}
    if step.participation is not None:
        members["participation"] = step.participation
    if request.fields.party_id is not None:
        members["party_id"] = str(request.fields.party_id)
    return members


def _write_consent_and_powers(db: GatedSession, act: Act, case: Case, judged: Judged) -> None:
    party_id, fields = judged.decision.party_id, judged.request.fields
    if party_id is None:
        return
    if fields.consent is not None:
        consents_and_powers.give_consent(db, act, case, party_id, fields.consent)
    if fields.powers is not None:
        consents_and_powers.record_powers(db, judged.actor, act, case, party_id, fields.powers)


def _change_terms(db: GatedSession, act: Act, case: Case, judged: Judged) -> None:
    """Start, suspend, resume and end the terms that the step names; the end of a case ends them all."""
    step = judged.decision.step
    start_deadlines(db, act, case, step, TermInput(judged.request.due_on, judged.counted.why))
    if step.suspends or step.resumes:
        changes.follow_step(db, act, case, step)
    if judged.procedure.stage(case.stage).final:
        end_deadlines(db, act, case)
    elif step.ends:
        end_deadlines(db, act, case, step.ends)
