"""Rule sets, which every user may read."""

from datetime import datetime
from typing import Any

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import NotFound
from app.core.paging import Page, listed_in_memory
from app.core.values import Picture
from app.institution.procedures.diagram.svg import draw
from app.institution.procedures.schemas import (
    CheckOut,
    GroundOut,
    OfficeHoursOut,
    ProcedureItem,
    ProcedureList,
    ProcedureOut,
    ProcedureStepOut,
    ProcedureTrackOut,
    SilenceOut,
    StageOut,
    SubjectList,
    SubjectOut,
    TermOut,
)
from app.rules.loader import library, subjects
from app.rules.model import Check, Citation, Ground, Procedure, Step, Term, Track
from app.rules.silence import Silence, effects


def list_procedures(db: GatedSession, actor: Actor, now: datetime, page: Page) -> ProcedureList:
    """List the rule sets."""
    rule_sets, following, count = listed_in_memory(db, list(library().values()), page, lambda procedure: procedure.id)
    items = [ProcedureItem.model_validate(procedure) for procedure in rule_sets]
    return ProcedureList(items=items, next=following, count=count)


def list_subjects(db: GatedSession, actor: Actor, now: datetime, page: Page) -> SubjectList:
    """List the controlled vocabulary of subjects."""
    every = [SubjectOut(code=code, title=title) for code, title in subjects().items()]
    items, following, count = listed_in_memory(db, every, page, lambda subject: subject.code)
    return SubjectList(items=items, next=following, count=count)


def read_procedure(db: GatedSession, actor: Actor, now: datetime, procedure_id: str) -> ProcedureOut:
    """Read one rule set; NotFound if there is none with this id."""
    procedure = library().get(procedure_id)
    if procedure is None:
        raise NotFound
    return _out(procedure)


def draw_procedure(db: GatedSession, actor: Actor, now: datetime, procedure_id: str) -> Picture:
    """Draw one rule set; NotFound if there is none with this id."""
    procedure = library().get(procedure_id)
    if procedure is None:
        raise NotFound
    return Picture(svg=draw(procedure))


def _out(procedure: Procedure) -> ProcedureOut:
    return ProcedureOut(
        **dict(ProcedureItem.model_validate(procedure)),
        commences=procedure.commences,
        fact_of_mediation=procedure.fact_of_mediation,
        caucus=procedure.caucus,
        zone=procedure.zone,
        resubmission=procedure.resubmission,
        note=procedure.note,
        stages=[StageOut.model_validate(stage) for stage in procedure.stages],
        tracks=[
            ProcedureTrackOut(**_members(track, ProcedureTrackOut), **cited(track.citation))
            for track in procedure.tracks
        ],
        steps=[_step(step) for step in procedure.steps],
        terms=[_term(procedure, term) for term in procedure.terms],
        office_hours=[
            OfficeHoursOut(
                name=hours.name,
                channels=list(hours.channels),
                until=f"{hours.until:%H:%M}",
                calendars=list(hours.calendars),
                **cited(hours.citation),
            )
            for hours in procedure.office_hours
        ],
        checks=[CheckOut(**_members(check, CheckOut), **cited(check.citation)) for check in procedure.checks],
        grounds=[GroundOut(**_members(ground, GroundOut), **cited(ground.citation)) for ground in procedure.grounds],
    )


def _step(step: Step) -> ProcedureStepOut:
    members = _members(step, ProcedureStepOut)
    return ProcedureStepOut(from_stages=list(step.origin), **members, **cited(step.citation))


def _term(procedure: Procedure, term: Term) -> TermOut:
    silence = [silence_out(effect) for effect in effects(procedure, term.name)]
    return TermOut(silence=silence, **_members(term, TermOut), **cited(term.citation))


def silence_out(silence: Silence) -> SilenceOut:
    """The effect of silence as a schema."""
    return SilenceOut(**_members(silence, SilenceOut), **cited(silence.citation))


def _members(rule: Step | Term | Check | Ground | Track | Silence, shape: Any) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in shape.model_fields if hasattr(rule, name)}


def cited(citation: Citation) -> dict[str, Any]:
    """Fields of a citation, for schemas that extend CitedOut."""
    return {"article": citation.article, "standing": citation.standing, "source": citation.source}
