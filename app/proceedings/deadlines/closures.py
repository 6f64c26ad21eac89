"""Closures that the registry enters and withdraws: each moves the open terms that end on its days, or count them out.

A term that has passed, was met or is suspended stays; a suspended one is counted by the closures of the day on which it
is resumed. A day that was given stays too, because no rule has counted it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, Forbidden, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, author_of, installation_subject
from app.core.paging import Page, Sort, listed, listed_in_memory
from app.core.tables.cases import Case
from app.core.tables.closures import Closure
from app.core.tables.deadlines import Deadline, DeadlineChange
from app.core.tables.institution import Institution
from app.institution.calendars.schemas import POSSIBLE_DAYS, ClosureIn, has_possible_days
from app.institution.calendars.service import read_closure
from app.proceedings.cases.filters import of_own_cases
from app.proceedings.cases.lock import lock_case
from app.proceedings.cases.paper_acts import today_at
from app.proceedings.deadlines.case_terms import CaseTerm, add_change, add_lines, move, move_limit, record_change
from app.proceedings.deadlines.moved_terms import ClosureEffect, PlannedClosure
from app.proceedings.deadlines.schemas import (
    ClosureDeadlineList,
    ClosureDeadlineOut,
    ClosurePreview,
    ClosurePreviewItem,
    DeadlineCase,
)
from app.proceedings.deadlines.service import state_of
from app.rules.loader import library
from app.rules.terms import Due, written

MOVED, KEPT = "moved", "kept"


def enter_closure(db: GatedSession, actor: Actor, now: datetime, closure_in: ClosureIn) -> tuple[UUID]:
    """Enter a closure, and move the open terms that it makes longer.

    Raises Forbidden unless by the registry, and Conflict if a closure of the same calendar and days is in force.
    """
    _only_registry(actor)
    _check_new(db, closure_in)
    open_terms = _lock_open_terms(db, actor, now)
    closure = Closure(id=new_id(db), entered_at=now, **closure_in.model_dump())
    db.add(closure)
    payload = {"closure_id": str(closure.id), **closure_in.model_dump(mode="json")}
    subject, author = installation_subject(db, "public"), author_of(actor, "registry")
    ledger.record(db, Act("enter", now, author, subject), "closure-entered", payload)
    db.flush()
    _follow(db, now, author, closure, open_terms)
    return (closure.id,)


def _check_new(db: GatedSession, closure_in: ClosureIn) -> None:
    """Raise Conflict, with its id, if a closure of the same calendar and days is in force."""
    # Closures are entered one at a time: of two equal ones, the second finds the first.
    db.execute(select(Institution.id).with_for_update(key_share=True))
    same_days = (Closure.from_on == closure_in.from_on, Closure.until_on == closure_in.until_on)
    same = (Closure.calendar.is_not_distinct_from(closure_in.calendar), *same_days, Closure.withdrawn_at.is_(None))
    if (entered_id := db.execute(select(Closure.id).where(*same).limit(1)).scalar()) is not None:
        detail = "A closure of the same calendar and days is in force. Withdraw it first if its reason is wrong."
        raise Conflict(detail, "closure-entered", href=f"/v1/closures/{entered_id}")


def preview_closure(
    db: GatedSession, actor: Actor, now: datetime, planned: PlannedClosure, page: Page
) -> ClosurePreview:
    """The open deadlines that a closure would move, or whose last day it would contain; nothing is changed.

    Raises Forbidden unless for the registry, Invalid for days that a closure cannot have, and Conflict if no day can be
    found for a term.
    """
    _only_registry(actor)
    if not has_possible_days(planned.from_on, planned.until_on):
        raise invalid("query/until_on", "order", POSSIBLE_DAYS)
    effect = ClosureEffect(db, now, planned, None, withdraws=False)
    running = (Deadline.state == "running", Deadline.suspended_on.is_(None), Deadline.due_at > now)
    # A closure concerns no term that ends before it.
    statement = select(*_PREVIEWED).join(Case, Case.id == Deadline.case_id)
    rows = db.execute(
        statement.where(*running, Deadline.due_on >= planned.from_on).order_by(Deadline.due_on, Deadline.id)
    )
    items = [item for row in rows if row.procedure in library() and (item := _previewed(effect, row)) is not None]
    shown, following, count = listed_in_memory(db, items, page, lambda item: str(item.deadline_id))
    return ClosurePreview(items=shown, next=following, count=count)


_PREVIEWED = (
    Deadline.id.label("deadline_id"),
    Deadline.term,
    Deadline.party_id,
    Deadline.article,
    Deadline.due_on,
    Deadline.counted_from,
    Deadline.days_counted,
    Deadline.explanation,
    Case.id,
    Case.procedure,
    Case.reference,
    Case.title,
    Case.seat_calendar,
    Case.seat_time_zone,
    Case.day_time_zone,
)


def _previewed(effect: ClosureEffect, row: AnyRow) -> ClosurePreviewItem | None:
    due = effect.due(row, row)
    if due is None and not effect.covers_last_day(row, row.due_on):
        return None
    return ClosurePreviewItem(
        case=DeadlineCase(id=row.id, reference=row.reference, title=row.title),
        deadline_id=row.deadline_id,
        term=row.term,
        party_id=row.party_id,
        article=row.article,
        moved=due is not None,
        due_before=row.due_on,
        due_after=row.due_on if due is None else due.due_on,
    )


def withdraw_closure(db: GatedSession, actor: Actor, now: datetime, closure_id: UUID) -> tuple[UUID]:
    """Withdraw a closure, and move back the open terms that it made longer, but to no day before tomorrow.

    Raises NotFound, Forbidden unless by the registry, and Conflict for a closure that is withdrawn already.
    """
    closure = lock_closure(db, actor, closure_id)
    _only_registry(actor)
    if closure.withdrawn_at is not None:
        raise Conflict(
            "The closure is withdrawn already. Enter another one if the days are closed after all.", "closure-withdrawn"
        )
    open_terms = _lock_open_terms(db, actor, now)
    closure.withdrawn_at = now
    payload = {"closure_id": str(closure.id)}
    subject, author = installation_subject(db, "public"), author_of(actor, "registry")
    ledger.record(db, Act("withdraw", now, author, subject), "closure-withdrawn", payload)
    db.flush()
    _follow(db, now, author, closure, open_terms)
    return (closure.id,)


def lock_closure(db: GatedSession, actor: Actor, closure_id: UUID) -> Closure:
    """The closure, its row locked; raises NotFound if there is none."""
    statement = select(Closure).where(Closure.id == closure_id).with_for_update()
    closure = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if closure is None:
        raise NotFound
    return closure


def list_closure_deadlines(
    db: GatedSession, actor: Actor, now: datetime, closure_id: UUID, page: Page
) -> ClosureDeadlineList:
    """The deadlines of the actor's cases that a closure has moved, or whose last day it contains.

    Raises NotFound if there is no such closure.
    """
    read_closure(db, actor, now, closure_id)
    columns = (
        DeadlineChange.id,
        DeadlineChange.deadline_id,
        DeadlineChange.kind,
        DeadlineChange.due_before,
        DeadlineChange.due_after,
        DeadlineChange.changed_at,
        Deadline.term,
        Deadline.party_id,
        Deadline.article,
        Case.id.label("case_id"),
        Case.reference,
        Case.title,
    )
    joined = select(*columns).join(Deadline, Deadline.id == DeadlineChange.deadline_id)
    joined = joined.join(Case, Case.id == DeadlineChange.case_id).where(DeadlineChange.closure_id == closure_id)
    changes = listed(
        db, of_own_cases(joined, actor), page, Sort(DeadlineChange.changed_at, DeadlineChange.id, datetime)
    )
    return ClosureDeadlineList(items=[_out(row) for row in changes.rows], next=changes.next, count=changes.count)


def _out(row: AnyRow) -> ClosureDeadlineOut:
    return ClosureDeadlineOut(
        case=DeadlineCase(id=row.case_id, reference=row.reference, title=row.title),
        deadline_id=row.deadline_id,
        term=row.term,
        party_id=row.party_id,
        article=row.article,
        moved=row.kind == MOVED,
        due_before=row.due_before,
        due_after=row.due_after or row.due_before,
        changed_at=row.changed_at,
    )


def _only_registry(actor: Actor) -> None:
    if not actor.is_staff:
        raise Forbidden("Only the registry may enter and withdraw closures.")


def _lock_open_terms(db: GatedSession, actor: Actor, now: datetime) -> list[CaseTerm]:
    """The terms that run in all cases, each with its case locked, in an order that no two acts lock differently.

    Raises CaseBehind where a step that time brings comes first, so that it makes no difference when that is recorded.
    """
    columns = (Case.id, Case.procedure, Case.stage, Case.seat_time_zone, Case.day_time_zone, Case.next_due_on)
    for row in db.execute(select(*columns).where(Case.next_due_on.is_not(None)).order_by(Case.id)).all():
        db.before_act(row)
    running = (Deadline.state == "running", Deadline.suspended_on.is_(None), Deadline.due_at > now)
    ids = db.execute(select(Deadline.case_id).where(*running).distinct().order_by(Deadline.case_id)).scalars().all()
    return [term for case_id in ids for term in _running_terms(db, now, lock_case(db, actor, case_id))]


def _running_terms(db: GatedSession, now: datetime, case: Case) -> Iterator[CaseTerm]:
    procedure = library().get(case.procedure)
    if procedure is None:
        return
    statement = select(Deadline).where(Deadline.case_id == case.id).order_by(Deadline.due_on, Deadline.id)
    for deadline in db.execute(statement, execution_options={"populate_existing": True}).scalars():
        if state_of(deadline, now) == "running":
            yield CaseTerm(case, deadline, procedure.term(deadline.term))


def _follow(db: GatedSession, now: datetime, author: Author, closure: Closure, open_terms: Sequence[CaseTerm]) -> None:
    """Count each term again, and move it where its day is another one; keep also which terms stay on a day of rest."""
    effect = ClosureEffect(db, now, closure, closure.id, withdraws=closure.withdrawn_at is not None)
    for open_term in open_terms:
        due = effect.due(open_term.case, open_term.deadline)
        if due is not None:
            _move(db, now, author, closure, open_term, due)
        elif effect.covers_last_day(open_term.case, open_term.deadline.due_on):
            add_change(db, now, open_term, KEPT, None).closure_id = closure.id


def _move(db: GatedSession, now: datetime, author: Author, closure: Closure, moved: CaseTerm, due: Due) -> None:
    deadline, verb = moved.deadline, "entered" if closure.withdrawn_at is None else "withdrawn"
    payload: dict[str, Any] = {
        "closure_id": str(closure.id),
        "due_before": deadline.due_on.isoformat(),
        "due_on": due.due_on.isoformat(),
    }
    days = f"{closure.from_on.isoformat()} to {closure.until_on.isoformat()}"
    cause = f"Closure '{closure.name}' ({days}) {verb} on {written(today_at(moved.case, now))}."
    add_lines(deadline, (cause,))
    move_limit(deadline, due.due_on)
    move(db, now, moved, MOVED, due).closure_id = closure.id
    record_change(db, Act("moved", now, author, moved.subject), deadline, payload, None)
