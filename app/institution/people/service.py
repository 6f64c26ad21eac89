"""Users, and the account of the actor."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update

from app.core.access.actors import Actor
from app.core.access.authentication import only_admin
from app.core.access.session import GatedSession, as_system
from app.core.db import new_id
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import AudienceReader
from app.core.tables.capacities import Capacity
from app.core.tables.people import User
from app.core.values import email_key
from app.institution.people.schemas import (
    CapacityOut,
    MeOut,
    UserIn,
    UserList,
    UserOut,
)
from app.institution.people.staff import needs_second_person

MOST_CAPACITIES = 200
_USER = (
    User.id,
    User.name,
    User.email,
    User.role,
    User.active,
    User.awaits_approval,
    User.proposed_by_id,
    User.created_at,
    User.disabled_at,
    User.undeliverable_since,
)


def list_users(
    db: GatedSession, actor: Actor, now: datetime, page: Page, awaits_approval: bool | None = None
) -> UserList:
    """List users, all or those awaiting approval; Forbidden unless the actor works for the institution."""
    if actor.role == "user":
        raise Forbidden("Only administrators and registrars may list users.")
    statement = select(*_USER)
    if awaits_approval is not None:
        statement = statement.where(User.awaits_approval.is_(awaits_approval))
    listing = listed(db, statement, page, Sort(User.created_at, User.id, datetime))
    return UserList(items=[UserOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count)


def read_user(db: GatedSession, actor: Actor, now: datetime, user_id: UUID) -> UserOut:
    """Read a user: the actor's own account, or any account for administrators and registrars; NotFound otherwise."""
    row = db.execute(select(*_USER).where(User.id == user_id)).one_or_none()
    if row is None or (actor.role == "user" and actor.id != user_id):
        raise NotFound
    return UserOut.model_validate(row)


def locked_user(db: GatedSession, actor: Actor, user_id: UUID) -> User:
    """Lock an account, so that nobody gives it a capacity meanwhile; NotFound if the actor may not read it."""
    statement = select(User).where(User.id == user_id).with_for_update()
    user = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if user is None or (actor.role == "user" and actor.id != user_id):
        raise NotFound
    return user


def add_user(db: GatedSession, actor: Actor, now: datetime, user_in: UserIn) -> tuple[UUID]:
    """Add a user; a new administrator or registrar waits for a second person's approval, if there is a second person.

    Raises Forbidden unless the actor is an administrator, and Conflict for an address already in use.
    """
    only_admin(actor)
    proposed = needs_second_person(db, actor, user_in.role)
    return (write_user(db, now, user_in, author_of(actor, "admin"), "user-proposed" if proposed else "user-added"),)


def write_user(db: GatedSession, now: datetime, user_in: UserIn, author: Author, kind: str = "user-added") -> UUID:
    """Write a user; those of the kinds `user-invited` and `user-proposed` await approval.

    Raises Conflict for an e-mail address already in use.
    """
    claim_address(db, user_in.email)
    user = User(
        id=new_id(db),
        email_key=email_key(user_in.email),
        active=kind == "user-added",
        awaits_approval=kind != "user-added",
        proposed_by_id=author.id if kind == "user-proposed" else None,
        invited=kind == "user-invited",
        created_at=now,
        **user_in.model_dump(),
    )
    db.add(user)
    subject = installation_subject(db, "registry")
    if user.role == "admin":
        with as_system(db):
            db.execute(insert(AudienceReader).values(audience_id=subject.audience_id, principal_id=user.id))
    ledger.record(db, Act("add", now, author, subject), kind, {"user_id": str(user.id), "role": user.role})
    return user.id


def claim_address(db: GatedSession, email: str, user_id: UUID | None = None) -> None:
    """Take an address for this account, or for a new one, from a disabled account; Conflict if it is in use."""
    holder = select(User.id, User.disabled_at).where(User.email_key == email_key(email))
    if user_id is not None:
        holder = holder.where(User.id != user_id)
    row = db.execute(holder.with_for_update()).one_or_none()
    if row is None:
        return
    if row.disabled_at is None:
        raise Conflict(
            "An account with this e-mail address already exists. Use that account, or another address.", "exists"
        )
    # No address looks like this. The disabled account gets its key back when it is enabled again.
    given_up = update(User).where(User.id == row.id).values(email_key=f"disabled {row.id}")
    db.execute(given_up.execution_options(synchronize_session=False))


def read_me(db: GatedSession, actor: Actor, now: datetime) -> MeOut:
    """Read the actor's account and present capacities; a candidate is not shown the case."""
    user = db.execute(select(User.email).where(User.id == actor.id)).one()
    rows = db.execute(
        select(
            Capacity.role.label("capacity"),
            Capacity.case_id,
            Capacity.party_id,
            Capacity.appointment_id,
            Capacity.admitted_at.label("since"),
        )
        .where(Capacity.user_id == actor.id, Capacity.ended_at.is_(None), Capacity.pending.is_(False))
        .order_by(Capacity.admitted_at.desc(), Capacity.id)
        .limit(MOST_CAPACITIES + 1)
    ).all()
    capacities = [CapacityOut.model_validate(row) for row in rows[:MOST_CAPACITIES]]
    for capacity in capacities:
        if capacity.capacity == "candidate":
            capacity.case_id = None
    return MeOut(
        id=actor.id,
        name=actor.name,
        email=user.email,
        role=actor.role,
        capacities=capacities,
        more=len(rows) > MOST_CAPACITIES,
    )
