"""Deadlines: set and ended by the steps of a case, and explained."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.core.tables.parties import Party
from app.core.tables.service_of_process import Service
from app.institution.calendars.service import calendars_for
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.locking import require_case
from app.proceedings.cases.paper_acts import zone_of
from app.proceedings.cases.reading import of_own_cases
from app.proceedings.deadlines.schemas import (
    CaseDeadlineList,
    CaseDeadlineOut,
    DeadlineCase,
    DeadlineList,
    DeadlineOut,
    Trigger,
)
from app.rules.engine import took_effect
from app.rules.loader import library
from app.rules.model import SET_PER_CASE, Step, Term
from app.rules.terms import TermFault, due, end_of_day

# A running term has passed when its day is over at the seat: that is told from the clock, and not kept.
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


def start(
    db: GatedSession,
    now: datetime,
    case: Case,
    subject: Subject,
    by: Author,
    step: Step,
    terms: Iterable[Term],
    trigger_on: date,
    due_on: date | None,
) -> None:
    """Start the terms of a step; one that is set per case starts only if its day is given.

    What counts from receipt starts here for the parties that are served already, and for the others once they are.
    """
    for term in terms:
        if term.runs_from == "receipt":
            for row in db.execute(_SERVED, {"case_id": case.id}).all():
                _set(db, now, case, subject, by, step.name, term, row.served_on, None, row)
        elif term.period != SET_PER_CASE or due_on is not None:
            set_on = due_on if term.settable or term.period == SET_PER_CASE else None
            _set(db, now, case, subject, by, step.name, term, trigger_on, set_on, None)


_SERVED = (
    select(Service.party_id, Service.served_on, Party.name)
    .join(Party, Party.id == Service.party_id)
    .where(Service.case_id == bindparam("case_id"), Service.served_on.is_not(None))
    .order_by(Party.number)
)


def start_on_receipt(db: GatedSession, now: datetime, case: Case, subject: Subject, by: Author, party_id: UUID) -> None:
    """Start, for a party that was served, what counts from receipt of a step that was taken and is not over since."""
    rules, facts = library()[case.procedure], read_facts(db, case)
    taken = {step.name for step in rules.steps if took_effect(step, facts)}
    row = next(row for row in db.execute(_SERVED, {"case_id": case.id}).all() if row.party_id == party_id)
    for step in rules.steps:
        for term in map(rules.term, step.starts if step.name in taken else ()):
            over = any(term.name in other.ends and other.name in taken for other in rules.steps)
            if term.runs_from == "receipt" and not over:
                _set(db, now, case, subject, by, step.name, term, row.served_on, None, row)


def _set(
    db: GatedSession,
    now: datetime,
    case: Case,
    subject: Subject,
    by: Author,
    step: str,
    term: Term,
    trigger_on: date,
    due_on: date | None,
    receiver: AnyRow | None,
) -> None:
    calendars = calendars_for(db, case, term)
    try:
        worked = due(term, step, trigger_on, due_on, calendars, receiver.name if receiver else None)
    except TermFault as fault:
        raise Conflict(
            f"No day can be found for the term: {fault}.", "no-day", article=term.citation.article
        ) from fault
    deadline = Deadline(
        id=new_id(db),
        case_id=case.id,
        audience_id=subject.audience_id,
        term=term.name,
        article=term.citation.article,
        standing=term.citation.standing,
        source=term.citation.source,
        trigger_step=step,
        trigger_on=trigger_on,
        period=term.period,
        due_on=worked.due_on,
        due_at=end_of_day(worked.due_on, zone_of(case)),
        state="running",
        explanation=list(worked.explanation),
        set_at=now,
        party_id=receiver.party_id if receiver else None,
        first_due_on=worked.due_on,
    )
    db.add(deadline)
    payload = {"deadline_id": str(deadline.id), "term": term.name, "due_on": worked.due_on.isoformat()}
    if receiver is not None:
        payload["party_id"] = str(receiver.party_id)
    ledger.record(db, Act(step, now, by, subject), "deadline-set", payload, term.citation.article)


def end(
    db: GatedSession,
    now: datetime,
    case_id: UUID,
    subject: Subject,
    by: Author,
    step: str,
    terms: Iterable[str] | None,
) -> None:
    """End the running terms of those names, or all of them (None)."""
    running = select(Deadline).where(Deadline.case_id == case_id, Deadline.state == "running")
    if terms is not None:
        running = running.where(Deadline.term.in_(list(terms)))
    for deadline in db.execute(running.order_by(Deadline.due_on, Deadline.id)).scalars():
        deadline.state, deadline.ended_at, deadline.suspended_on = "ended", now, None
        payload = {"deadline_id": str(deadline.id), "term": deadline.term}
        ledger.record(db, Act(step, now, by, subject), "deadline-ended", payload, deadline.article)


def list_deadlines(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> DeadlineList:
    """The deadlines of a case, the earliest first; NotFound if the case is not the actor's to see."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).join(Case, Case.id == Deadline.case_id).where(Deadline.case_id == case_id)
    found = listed(db, statement, page, Sort(Deadline.due_on, Deadline.id, date))
    return DeadlineList(items=[_out(row, now) for row in found.rows], next=found.next, count=found.count)


def list_all_deadlines(
    db: GatedSession, actor: Actor, now: datetime, page: Page, due_before: date | None = None, state: str | None = None
) -> CaseDeadlineList:
    """The deadlines in all cases that the actor may see, the earliest first; Invalid for a state that there is not."""
    if state not in (None, *STATES):
        raise invalid("query/state", "unknown-state", f"Choose one of: {', '.join(STATES)}.")
    columns = (*_COLUMNS, Case.id.label("case_id"), Case.reference, Case.title)
    statement = of_own_cases(select(*columns).join(Case, Case.id == Deadline.case_id), actor)
    if due_before is not None:
        statement = statement.where(Deadline.due_on < due_before)
    if state == "ended":
        statement = statement.where(Deadline.state == "ended")
    elif state == "suspended":
        statement = statement.where(Deadline.suspended_on.is_not(None))
    elif state is not None:
        over = Deadline.due_at <= now
        runs = (Deadline.state == "running", Deadline.suspended_on.is_(None))
        statement = statement.where(*runs, over if state == "passed" else ~over)
    found = listed(db, statement, page, Sort(Deadline.due_on, Deadline.id, date))
    items = [CaseDeadlineOut(**dict(_out(row, now)), case=_case(row)) for row in found.rows]
    return CaseDeadlineList(items=items, next=found.next, count=found.count)


def next_deadlines(db: GatedSession, actor: Actor, now: datetime, limit: int) -> list[CaseDeadlineOut]:
    """The deadlines that run in all cases that the actor may see, those that have passed unanswered first."""
    columns = (*_COLUMNS, Case.id.label("case_id"), Case.reference, Case.title)
    runs = (Deadline.state == "running", Deadline.suspended_on.is_(None))
    statement = of_own_cases(select(*columns).join(Case, Case.id == Deadline.case_id).where(*runs), actor)
    rows = db.execute(statement.order_by(Deadline.due_at, Deadline.id).limit(limit)).all()
    return [CaseDeadlineOut(**dict(_out(row, now)), case=_case(row)) for row in rows]


def _case(row: AnyRow) -> DeadlineCase:
    return DeadlineCase(id=row.case_id, reference=row.reference, title=row.title)


def read_deadline(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, deadline_id: UUID) -> DeadlineOut:
    """One deadline of a case; NotFound if there is none that the actor may see."""
    statement = select(*_COLUMNS).join(Case, Case.id == Deadline.case_id)
    row = db.execute(statement.where(Deadline.case_id == case_id, Deadline.id == deadline_id)).one_or_none()
    if row is None:
        raise NotFound
    return _out(row, now)


def state_of(deadline: AnyRow | Deadline, now: datetime) -> str:
    """Whether it runs, has passed, is suspended, was waived or has ended."""
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
        due_on=row.due_on,
        due_at=row.due_at,
        time_zone=row.day_time_zone or row.seat_time_zone,
        state=state_of(row, now),
        explanation=row.explanation,
    )
