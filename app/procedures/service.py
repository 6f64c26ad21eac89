"""The rule sets, for everybody with an account."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.access.service import Actor
from app.errors import NotFound
from app.procedures.schemas import (
    CheckOut,
    GroundOut,
    ProcedureItem,
    ProcedureList,
    ProcedureOut,
    ProcedureStepOut,
    StageOut,
    TermOut,
)
from app.rules.loader import library
from app.rules.model import Check, Citation, Ground, Procedure, Step, Term


def list_procedures(db: Session, actor: Actor, now: datetime) -> ProcedureList:
    """Every rule set."""
    return ProcedureList(items=[ProcedureItem.model_validate(one) for one in library().values()])


def read_procedure(db: Session, actor: Actor, now: datetime, procedure_id: str) -> ProcedureOut:
    """One rule set, whole; NotFound if there is none of that id."""
    procedure = library().get(procedure_id)
    if procedure is None:
        raise NotFound
    return _out(procedure)


def _out(procedure: Procedure) -> ProcedureOut:
    return ProcedureOut(
        **dict(ProcedureItem.model_validate(procedure)),
        commences=procedure.commences,
        fact_of_mediation=procedure.fact_of_mediation,
        caucus=procedure.caucus,
        zone=procedure.zone,
        note=procedure.note,
        stages=[StageOut.model_validate(stage) for stage in procedure.stages],
        steps=[_step(step) for step in procedure.steps],
        terms=[TermOut(**_members(term, TermOut), **_cited(term.citation)) for term in procedure.terms],
        checks=[CheckOut(**_members(check, CheckOut), **_cited(check.citation)) for check in procedure.checks],
        grounds=[GroundOut(**_members(one, GroundOut), **_cited(one.citation)) for one in procedure.grounds],
    )


def _step(step: Step) -> ProcedureStepOut:
    members = _members(step, ProcedureStepOut)
    return ProcedureStepOut(from_stages=list(step.origin), **members, **_cited(step.citation))


def _members(rule: Step | Term | Check | Ground, shape: Any) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in shape.model_fields if hasattr(rule, name)}


def _cited(citation: Citation) -> dict[str, Any]:
    return {"article": citation.article, "standing": citation.standing, "source": citation.source}
