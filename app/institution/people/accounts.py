"""Accounts that begin and end: of people who were invited into a case, and of people who are to act no more."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from app.core.access import capacities
from app.core.access.actors import Actor
from app.core.access.authentication import only_admin
from app.core.access.session import GatedSession, as_system
from app.core.db import AnyRow
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of, installation_subject
from app.core.tables.capacities import Capacity
from app.core.tables.mediators import Appointment, Mediator
from app.core.tables.people import Token, User

# Cases stand above people, so their lock is handed in.
LockCase = Callable[[GatedSession, UUID], AnyRow]


def approve(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, lock_case: LockCase) -> tuple[UUID]:
    """Approve the account of somebody who was invited: from now on they act where they were admitted.

    Raises Forbidden for people who do not work for the institution, NotFound, and Conflict if nothing waits.
    """
    user = _locked(db, actor, user_id)
    if actor.role == "user":
        raise Forbidden("The registry approves accounts.")
    if not user.awaits_approval:
        raise Conflict("This account does not wait for approval.", "not-waiting")
    user.active, user.awaits_approval = True, False
    db.flush()
    by = author_of(actor, actor.role)
    ledger.record(db, Act("approve", now, by, installation_subject(db, "registry")), "user-approved", _payload(user))
    for held in _held(db, user_id):
        case = lock_case(db, held.case_id)
        capacities.confirm_pending(db, case.id, user_id, now)
        payload = {"representative_id": str(held.id), "party_id": str(held.party_id), "role": held.role}
        subject = Subject(case.id, case.audience_id, "case")
        ledger.record(db, Act("approve", now, by, subject), "representative-admitted", payload)
    return (user_id,)


def disable(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, lock_case: LockCase) -> tuple[UUID]:
    """End an account in one act: its tokens and every capacity of its holder, from the next request on.

    Raises Forbidden for others than administrators, NotFound, and Conflict for oneself or an account that has ended.
    """
    user = _locked(db, actor, user_id)
    only_admin(actor)
    if user_id == actor.id:
        raise Conflict("Another administrator ends your account.", "own-account")
    if user.disabled_at is not None:
        raise Conflict("This account has ended already.", "already-disabled")
    user.active, user.awaits_approval, user.disabled_at = False, False, now
    db.flush()
    living = (Token.user_id == user_id, Token.revoked_at.is_(None))
    for statement in (
        update(Token).where(*living).values(revoked_at=now),
        update(Mediator).where(Mediator.user_id == user_id).values(active=False),
    ):
        db.execute(statement.execution_options(synchronize_session=False))
    by = author_of(actor, "admin")
    ledger.record(db, Act("disable", now, by, installation_subject(db, "registry")), "user-disabled", _payload(user))
    _end_capacities(db, now, user_id, by, lock_case)
    return (user_id,)


def _locked(db: GatedSession, actor: Actor, user_id: UUID) -> User:
    """The account, locked: nobody is given a capacity meanwhile. NotFound if there is none that the actor sees."""
    statement = select(User).where(User.id == user_id).with_for_update()
    user = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if user is None or (actor.role == "user" and actor.id != user_id):
        raise NotFound
    return user


def _payload(user: User) -> dict[str, str]:
    return {"user_id": str(user.id), "role": user.role}


def _held(db: GatedSession, user_id: UUID) -> Sequence[AnyRow]:
    """What somebody holds or is to hold, in the order in which cases are locked."""
    columns = (
        Capacity.id,
        Capacity.case_id,
        Capacity.audience_id,
        Capacity.role,
        Capacity.party_id,
        Capacity.appointment_id,
    )
    with as_system(db):
        mine = select(*columns).where(Capacity.user_id == user_id, Capacity.ended_at.is_(None))
        return db.execute(mine.order_by(Capacity.case_id, Capacity.id)).all()


def _end_capacities(db: GatedSession, now: datetime, user_id: UUID, by: Author, lock_case: LockCase) -> None:
    for held in _held(db, user_id):
        case = lock_case(db, held.case_id)
        capacities.end_capacities(db, case.id, [held.id], now)
        candidate = held.role == "candidate"
        if candidate:
            row = update(Appointment).where(Appointment.id == held.appointment_id)
            with as_system(db):
                db.execute(row.values(state="closed", ended_at=now).execution_options(synchronize_session=False))
        subject = Subject(case.id, held.audience_id, "appointment" if candidate else "case")
        payload = {"capacity_id": str(held.id), "role": held.role, "user_id": str(user_id)}
        payload["party_id" if held.party_id else "appointment_id"] = str(held.party_id or held.appointment_id)
        ledger.record(db, Act("disable", now, by, subject), "capacity-ended", payload)
