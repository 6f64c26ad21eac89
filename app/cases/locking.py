"""A case as an act finds it: seen through the gate, locked, and read again once the lock is held."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import service as access
from app.access.gate import as_system
from app.access.policy import CaseView, PartyView
from app.access.service import Actor, Circle
from app.cases.models import Case
from app.db import AnyRow
from app.errors import NotFound
from app.parties.models import Party


def require_case(db: Session, case_id: UUID) -> None:
    """NotFound unless the actor may see that the case exists."""
    if db.execute(select(Case.id).where(Case.id == case_id)).first() is None:
        raise NotFound


def lock_case(db: Session, actor: Actor, case_id: UUID, *_item: UUID) -> Case:
    """The case, locked against other acts until the transaction ends; NotFound if it is not the actor's to see."""
    # NO KEY UPDATE: plain FOR UPDATE would deadlock with the share lock that another act's rows take on the case.
    statement = select(Case).where(Case.id == case_id).with_for_update(key_share=True, of=Case)
    case = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if case is None:
        raise NotFound
    circle_of(db, view_of(case))
    # While this waited for the lock, its holder may have ended the actor's access.
    if not access.reads(db, actor, case.id, case.audience_id):
        raise NotFound
    return case


def lock_case_as_system(db: Session, case_id: UUID) -> AnyRow:
    """The case's columns, locked, for somebody who acts on an item of a case that they do not see."""
    with as_system(db):
        columns = select(
            Case.id,
            Case.audience_id,
            Case.procedure,
            Case.stage,
            Case.phase,
            Case.title,
            Case.opened_at,
            Case.lodged_at,
            Case.served_at,
            Case.generation,
            Case.seat_time_zone,
        )
        case = db.execute(columns.where(Case.id == case_id).with_for_update(key_share=True, of=Case)).one()
    circle_of(db, view_of(case))
    return case


def view_of(case: Case | AnyRow) -> CaseView:
    """The case as the policy sees it."""
    return CaseView(
        case.id,
        case.audience_id,
        case.opened_at,
        case.lodged_at is not None,
        case.served_at is not None,
        case.generation,
    )


def circle_of(db: Session, case: CaseView) -> Circle:
    """The case's circle, read once in a transaction."""
    if case.id in db.info.get("circles", {}):
        return access.known_circle(db, case.id)
    with as_system(db):
        rows = db.execute(
            select(Party.id, Party.side, Party.generation).where(Party.case_id == case.id).order_by(Party.number)
        ).all()
    return access.circle(db, case, [PartyView(*row) for row in rows])
