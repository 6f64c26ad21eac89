"""Deadlines: set and ended by the steps of a case, and explained."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.service import Actor
from app.cases.locking import require_case
from app.cases.models import Case
from app.db import AnyRow, new_id
from app.deadlines.models import Deadline
from app.deadlines.schemas import CaseDeadlineList, CaseDeadlineOut, DeadlineCase, DeadlineList, DeadlineOut, Trigger
from app.errors import NotFound, invalid
from app.ledger import service as ledger
from app.paging import Page, listed
from app.rules.model import SET_PER_CASE, Step, Term
from app.rules.terms import due, end_of_day

# A running term has passed when its day is over at the seat: that is told from the clock, and not kept.
STATES = ("running", "passed", "ended")
_COLUMNS = (
    Deadline.id,
    Deadline.term,
    Deadline.article,
    Deadline.source,
    Deadline.standing,
    Deadline.trigger_step,
    Deadline.trigger_on,
    Deadline.period,
    Deadline.due_on,
    Deadline.due_at,
    Deadline.state,
    Deadline.explanation,
    Case.seat_time_zone,
)


def start(
    db: Session,
    now: datetime,
    case: Case,
    subject: ledger.Subject,
    actor: dict[str, Any],
    step: Step,
    terms: Iterable[Term],
    trigger_on: date,
    due_on: date | None,
) -> None:
    """Start the terms of a step; one that is set per case starts only if its day is given."""
    for term in terms:
        if term.period == SET_PER_CASE and due_on is None:
            continue
        worked = due(term, step.name, trigger_on, due_on)
        deadline = Deadline(
            id=new_id(db),
            case_id=case.id,
            audience_id=subject.audience_id,
            term=term.name,
            article=term.citation.article,
            standing=term.citation.standing,
            source=term.citation.source,
            trigger_step=step.name,
            trigger_on=trigger_on,
            period=term.period,
            due_on=worked.due_on,
            due_at=end_of_day(worked.due_on, ZoneInfo(case.seat_time_zone)),
            state="running",
            explanation=list(worked.explanation),
            set_at=now,
        )
        db.add(deadline)
        payload = {"deadline_id": str(deadline.id), "term": term.name, "due_on": worked.due_on.isoformat()}
        ledger.record(db, now, subject, "deadline-set", step.name, actor, payload, term.citation.article)


def end(
    db: Session,
    now: datetime,
    case_id: UUID,
    subject: ledger.Subject,
    actor: dict[str, Any],
    step: str,
    terms: Iterable[str] | None,
) -> None:
    """End the running terms of those names, or all of them (None)."""
    running = select(Deadline).where(Deadline.case_id == case_id, Deadline.state == "running")
    if terms is not None:
        running = running.where(Deadline.term.in_(list(terms)))
    for deadline in db.execute(running.order_by(Deadline.due_on, Deadline.id)).scalars():
        deadline.state, deadline.ended_at = "ended", now
        payload = {"deadline_id": str(deadline.id), "term": deadline.term}
        ledger.record(db, now, subject, "deadline-ended", step, actor, payload, deadline.article)


def list_deadlines(db: Session, actor: Actor, now: datetime, case_id: UUID, page: Page) -> DeadlineList:
    """The deadlines of a case, the earliest first; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).join(Case, Case.id == Deadline.case_id).where(Deadline.case_id == case_id)
    found = listed(db, statement, page, Deadline.due_on, Deadline.id, date)
    return DeadlineList(items=[_out(row, now) for row in found.rows], next=found.next, count=found.count)


def list_all_deadlines(
    db: Session, actor: Actor, now: datetime, page: Page, due_before: date | None = None, state: str | None = None
) -> CaseDeadlineList:
    """The deadlines in all cases that the actor may see, the earliest first; Invalid for a state that there is not."""
    if state not in (None, *STATES):
        raise invalid("query/state", "unknown-state", f"Choose one of: {', '.join(STATES)}.")
    columns = (*_COLUMNS, Case.id.label("case_id"), Case.reference, Case.title)
    statement = select(*columns).join(Case, Case.id == Deadline.case_id)
    if due_before is not None:
        statement = statement.where(Deadline.due_on < due_before)
    if state == "ended":
        statement = statement.where(Deadline.state == "ended")
    elif state is not None:
        over = Deadline.due_at <= now
        statement = statement.where(Deadline.state == "running", over if state == "passed" else ~over)
    found = listed(db, statement, page, Deadline.due_on, Deadline.id, date)
    items = [CaseDeadlineOut(**dict(_out(row, now)), case=_case(row)) for row in found.rows]
    return CaseDeadlineList(items=items, next=found.next, count=found.count)


def _case(row: AnyRow) -> DeadlineCase:
    return DeadlineCase(id=row.case_id, reference=row.reference, title=row.title)


def read_deadline(db: Session, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID) -> DeadlineOut:
    """One deadline of a case; NotFound if there is none that the actor may see."""
    statement = select(*_COLUMNS).join(Case, Case.id == Deadline.case_id)
    row = db.execute(statement.where(Deadline.case_id == case_id, Deadline.id == deadline_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(row, now)


def _out(row: AnyRow, now: datetime) -> DeadlineOut:
    passed = row.state == "running" and now >= row.due_at
    return DeadlineOut(
        id=row.id,
        term=row.term,
        article=row.article,
        source=row.source,
        standing=row.standing,
        trigger=Trigger(step=row.trigger_step, on=row.trigger_on),
        period=row.period,
        due_on=row.due_on,
        due_at=row.due_at,
        time_zone=row.seat_time_zone,
        state="passed" if passed else row.state,
        explanation=row.explanation,
    )
