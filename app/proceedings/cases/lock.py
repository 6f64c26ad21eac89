"""The lock of a case: the actor sees it through the gate, before the lock is held and after."""

from uuid import UUID

from sqlalchemy import select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow
from app.core.errors import NotFound
from app.core.tables.cases import Case
from app.proceedings.cases.circle import circle_of, view_of


def require_case(db: GatedSession, case_id: UUID) -> None:
    """Check that the actor may see that the case exists; raises NotFound otherwise."""
    if db.execute(select(Case.id).where(Case.id == case_id)).first() is None:
        raise NotFound


def lock_case(db: GatedSession, actor: Actor, case_id: UUID, *_item: UUID) -> Case:
    """The case, locked against other acts until the transaction ends.

    Raises NotFound if the actor may not see it, and CaseBehind if a step that time brings comes first.
    """
    # NO KEY UPDATE: plain FOR UPDATE would deadlock with the share lock that another act's rows take on the case.
    statement = select(Case).where(Case.id == case_id).with_for_update(key_share=True, of=Case)
    case = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if case is None:
        raise NotFound
    circle_of(db, view_of(case))
    keep_locked(db, case)
    # While this waited for the lock, its holder may have ended the actor's access.
    if not access.reads(db, actor, case.id, case.audience_id):
        raise NotFound
    db.before_act(case)
    return case


def keep_locked(db: GatedSession, case: Case) -> None:
    """Keep a case that no other act can change before this transaction ends: it is locked, or was made in it."""
    db.locked[case.id] = case


def lock_case_as_system(db: GatedSession, case_id: UUID) -> AnyRow:
    """The case's columns, locked, for an actor who acts on an item of a case that they may not see.

    Raises CaseBehind if a step that time brings comes first.
    """
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
            Case.court_id,
            Case.referral_id,
            Case.seat_time_zone,
            Case.day_time_zone,
            Case.next_due_on,
            Case.closed_at,
        )
        case = db.execute(columns.where(Case.id == case_id).with_for_update(key_share=True, of=Case)).one()
    circle_of(db, view_of(case))
    db.before_act(case)
    return case
