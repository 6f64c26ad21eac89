"""Deadlines as they are read: those of a case, and those of all cases that the reader may see."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.errors import NotFound, invalid
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.proceedings.cases.filters import of_own_cases
from app.proceedings.cases.lock import require_case
from app.proceedings.deadlines.schemas import (
    CaseDeadlineList,
    CaseDeadlineOut,
    DeadlineCase,
    DeadlineList,
    DeadlineOut,
    Trigger,
)

# A running term has passed when its day is over at the seat: the clock says so, no column does.
STATES = ("running", "passed", "suspended", "ended")
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
    Deadline.party_id,
    Deadline.suspended_on,
    Deadline.ended_as,
    Deadline.explanation,
    Case.seat_time_zone,
    Case.day_time_zone,
)


def list_deadlines(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> DeadlineList:
    """The deadlines of a case, the earliest first; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).join(Case, Case.id == Deadline.case_id).where(Deadline.case_id == case_id)
    deadlines = listed(db, statement, page, Sort(Deadline.due_on, Deadline.id, date))
    return DeadlineList(items=[_out(row, now) for row in deadlines.rows], next=deadlines.next, count=deadlines.count)


def list_all_deadlines(
    db: GatedSession, actor: Actor, now: datetime, page: Page, due_before: date | None = None, state: str | None = None
) -> CaseDeadlineList:
    """The deadlines in all cases that the actor may see, the earliest first; Invalid for an unknown state."""
    if state not in (None, *STATES):
        raise invalid("query/state", "unknown-state", f"Choose one of: {', '.join(STATES)}.")
    columns = (*_COLUMNS, Case.id.label("case_id"), Case.reference, Case.title)
    statement = of_own_cases(select(*columns).join(Case, Case.id == Deadline.case_id), actor)
    if due_before is not None:
        statement = statement.where(Deadline.due_on < due_before, Deadline.suspended_on.is_(None))
        if state is None:
            # What was met or waived is not due.
            statement = statement.where(Deadline.state == "running")
    if state == "ended":
        statement = statement.where(Deadline.state == "ended")
    elif state == "suspended":
        statement = statement.where(Deadline.suspended_on.is_not(None))
    elif state is not None:
        is_over = Deadline.due_at <= now
        runs = (Deadline.state == "running", Deadline.suspended_on.is_(None))
        statement = statement.where(*runs, is_over if state == "passed" else ~is_over)
    deadlines = listed(db, statement, page, Sort(Deadline.due_on, Deadline.id, date))
    items = [CaseDeadlineOut(**dict(_out(row, now)), case=_case(row)) for row in deadlines.rows]
    return CaseDeadlineList(items=items, next=deadlines.next, count=deadlines.count)


def next_deadlines(db: GatedSession, actor: Actor, now: datetime, limit: int) -> list[CaseDeadlineOut]:
    """The deadlines that run in all cases that the actor may see, the earliest first: those overdue lead."""
    columns = (*_COLUMNS, Case.id.label("case_id"), Case.reference, Case.title)
    runs = (Deadline.state == "running", Deadline.suspended_on.is_(None))
    statement = of_own_cases(select(*columns).join(Case, Case.id == Deadline.case_id).where(*runs), actor)
    rows = db.execute(statement.order_by(Deadline.due_at, Deadline.id).limit(limit)).all()
    return [CaseDeadlineOut(**dict(_out(row, now)), case=_case(row)) for row in rows]


def _case(row: AnyRow) -> DeadlineCase:
    return DeadlineCase(id=row.case_id, reference=row.reference, title=row.title)


def read_deadline(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID) -> DeadlineOut:
    """One deadline of a case; NotFound if the actor may not see it."""
    statement = select(*_COLUMNS).join(Case, Case.id == Deadline.case_id)
    row = db.execute(statement.where(Deadline.case_id == case_id, Deadline.id == deadline_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(row, now)


def state_of(deadline: AnyRow | Deadline, now: datetime) -> str:
    """Whether a deadline is running, passed, suspended, waived or ended."""
    if deadline.state == "ended":
        return deadline.ended_as or "ended"
    if deadline.suspended_on is not None:
        return "suspended"
    return "passed" if now >= deadline.due_at else "running"


def _out(row: AnyRow, now: datetime) -> DeadlineOut:
    return DeadlineOut(
        id=row.id,
        term=row.term,
        party_id=row.party_id,
        article=row.article,
        source=row.source,
        standing=row.standing,
        trigger=Trigger(step=row.trigger_step, on=row.trigger_on),
        period=row.period,
        # Where a suspended term will end is not known before it is resumed.
        due_on=None if row.suspended_on else row.due_on,
        due_at=None if row.suspended_on else row.due_at,
        time_zone=row.day_time_zone or row.seat_time_zone,
        state=state_of(row, now),
        explanation=row.explanation,
    )
