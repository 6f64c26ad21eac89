"""Approval of invited people's accounts, and the end of accounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from app.core.ledger.acts import Act, Subject, author_of, installation_subject
from app.core.tables.capacities import Capacity
from app.core.tables.mediators import Mediator
from app.core.tables.people import Token, User

# What touches a case is passed in: this wing must not import cases, which are above it.
LockCase = Callable[[GatedSession, UUID], AnyRow]
EndAppointment = Callable[[GatedSession, Act, UUID, UUID], None]


@dataclass(frozen=True, slots=True)
class InCases:
    """How the end of an account reaches the cases of its holder: it locks them, and ends the appointments there."""

    lock_case: LockCase
    end_appointment: EndAppointment


def approve(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, lock_case: LockCase) -> tuple[UUID]:
    """Approve the account of an invited person, who may then act where they were admitted.

    Raises Forbidden unless the actor works for the institution, NotFound, and Conflict if no approval is pending.
    """
    user = _locked(db, actor, user_id)
    if actor.role == "user":
        raise Forbidden("Only administrators and registrars may approve accounts.")
    if not user.awaits_approval:
        raise Conflict("This account needs no approval: it was approved before, or it is disabled.", "not-waiting")
    user.active, user.awaits_approval = True, False
    db.flush()
    approval = Act("approve", now, author_of(actor, actor.role), installation_subject(db, "registry"))
    ledger.record(db, approval, "user-approved", _payload(user))
    for capacity in _capacities_of(db, user_id):
        case = lock_case(db, capacity.case_id)
        capacities.confirm_pending(db, case.id, user_id, now)
        payload = {
            "representative_id": str(capacity.id),
            "party_id": str(capacity.party_id),
            "role": capacity.role,
        }
        in_case = approval.within(Subject(case.id, case.audience_id, "case"))
        ledger.record(db, in_case, "representative-admitted", payload)
    return (user_id,)


def disable(db: GatedSession, actor: Actor, now: datetime, user_id: UUID, in_cases: InCases) -> tuple[UUID]:
    """End an account with its tokens, and all capacities and appointments of its holder, from the next request on.

    Raises Forbidden unless the actor is an administrator, NotFound, and Conflict for the actor's own account or one
    that has ended.
    """
    user = _locked(db, actor, user_id)
    only_admin(actor)
    if user_id == actor.id:
        raise Conflict("You cannot end your own account: ask another administrator.", "own-account")
    if user.disabled_at is not None:
        raise Conflict("This account is already disabled.", "already-disabled")
    user.active, user.awaits_approval, user.disabled_at = False, False, now
    db.flush()
    left_the_roster = update(Mediator).where(Mediator.user_id == user_id).values(active=False)
    db.execute(left_the_roster.execution_options(synchronize_session=False))
    act = Act("disable", now, author_of(actor, "admin"), installation_subject(db, "registry"))
    ledger.record(db, act, "user-disabled", _payload(user))
    _revoke_tokens(db, act, user_id)
    _end_capacities(db, act, user_id, in_cases)
    return (user_id,)


def _locked(db: GatedSession, actor: Actor, user_id: UUID) -> User:
    """Lock the account, so that nobody gives it a capacity meanwhile; NotFound if the actor may not read it."""
    statement = select(User).where(User.id == user_id).with_for_update()
    user = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if user is None or (actor.role == "user" and actor.id != user_id):
        raise NotFound
    return user


def _revoke_tokens(db: GatedSession, act: Act, user_id: UUID) -> None:
    valid = select(Token).where(Token.user_id == user_id, Token.revoked_at.is_(None)).with_for_update()
    for token in db.execute(valid.order_by(Token.created_at, Token.id)).scalars():
        token.revoked_at = act.at
        ledger.record(db, act, "token-revoked", {"token_id": str(token.id), "user_id": str(user_id)})
    db.flush()


def _payload(user: User) -> dict[str, str]:
    return {"user_id": str(user.id), "role": user.role}


def _capacities_of(db: GatedSession, user_id: UUID) -> Sequence[AnyRow]:
    """Present and pending capacities of a person, in the order in which cases are locked."""
    columns = (
        Capacity.id,
        Capacity.case_id,
        Capacity.audience_id,
        Capacity.role,
        Capacity.party_id,
        Capacity.appointment_id,
    )
    with as_system(db):
        held = select(*columns).where(Capacity.user_id == user_id, Capacity.ended_at.is_(None))
        return db.execute(held.order_by(Capacity.case_id, Capacity.id)).all()


def _end_capacities(db: GatedSession, act: Act, user_id: UUID, in_cases: InCases) -> None:
    for capacity in _capacities_of(db, user_id):
        case = in_cases.lock_case(db, capacity.case_id)
        if capacity.appointment_id is not None:
            in_cases.end_appointment(db, act, case.id, capacity.appointment_id)
        capacities.end_capacities(db, case.id, [capacity.id], act.at)
        subject = Subject(case.id, capacity.audience_id, "appointment" if capacity.role == "candidate" else "case")
        payload = {"capacity_id": str(capacity.id), "role": capacity.role, "user_id": str(user_id)}
        reference = "party_id" if capacity.party_id else "appointment_id"
        payload[reference] = str(capacity.party_id or capacity.appointment_id)
        if capacity.party_id:
            payload["representative_id"] = str(capacity.id)
        ledger.record(db, act.within(subject), "capacity-ended", payload)
