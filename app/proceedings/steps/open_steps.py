"""The steps of a case's rule set, and whether the actor can take each of them now."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.errors import NotFound, reason_out
from app.core.paging import Page, listed_in_memory
from app.core.tables.cases import Case
from app.institution.procedures.schemas import ReasonOut
from app.proceedings.cases import paper_acts
from app.proceedings.cases.circle import VIEWED, circle_of, view_of
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.refusals import HAS_LEFT, NO_AGENT
from app.proceedings.steps.schemas import StepList, StepOut, TakenFieldOut
from app.rules import engine
from app.rules.fields import fields_of
from app.rules.loader import library
from app.rules.model import OpenStep, Procedure

_COLUMNS = (
    *VIEWED,
    Case.procedure,
    Case.stage,
    Case.subjects,
    Case.seat_time_zone,
    Case.day_time_zone,
    Case.tracks,
)


def list_steps(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> StepList:
    """Every step of the case's rule set: open to the actor, or why not; NotFound if the actor may not see the case."""
    case = db.execute(select(*_COLUMNS).where(Case.id == case_id)).one_or_none()
    if case is None:
        raise NotFound
    procedure, facts = library()[case.procedure], read_facts(db, case)
    circle, on = circle_of(db, view_of(case)), paper_acts.today_at(case, now)
    holdings = circle.holdings(actor)
    open_steps = engine.open_steps(procedure, facts, holdings, on)
    binding = [each for each in holdings if each.party_id is None or not circle.has_lost_agents(each.party_id)]
    if len(binding) < len(holdings):
        bound = engine.open_steps(procedure, facts, binding, on)
        open_steps = tuple(
            OpenStep(step.step, False, (NO_AGENT,)) if step.available and not way.available else step
            for step, way in zip(open_steps, bound, strict=True)
        )
    if any(party.left_at for party in circle.parties) and (case.audience_id, actor.id) in circle.limits():
        open_steps = tuple(OpenStep(step.step, False, (HAS_LEFT,)) for step in open_steps)
    shown, following, count = listed_in_memory(db, list(open_steps), page, lambda open_step: open_step.step.name)
    items = [_step_out(case.id, procedure, open_step) for open_step in shown]
    return StepList(items=items, next=following, count=count)


def _step_out(case_id: UUID, procedure: Procedure, open_step: OpenStep) -> StepOut:
    step = open_step.step
    return StepOut(
        step=step.name,
        title=step.title,
        available=open_step.available,
        by=list(step.by),
        article=step.citation.article,
        source=step.citation.source,
        standing=step.citation.standing,
        taken_through=step.taken_through,
        takes=[TakenFieldOut.model_validate(field) for field in fields_of(procedure, step)],
        href=f"/v1/cases/{case_id}/{step.taken_through or f'steps/{step.name}'}",
        reasons=[ReasonOut(**reason_out(reason)) for reason in open_step.reasons],
    )
