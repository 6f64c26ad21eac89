"""The register of members; everybody with an account may read it, administrators write it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access.people import installation_subject, only_admin
from app.access.service import Actor
from app.db import new_id
from app.errors import Conflict, FieldError, Invalid, NotFound
from app.ledger import service as ledger
from app.members.models import Member
from app.members.schemas import MemberChange, MemberIn, MemberList, MemberOut
from app.paging import Page, listed

_COLUMNS = (
    Member.id,
    Member.name,
    Member.kind,
    Member.status,
    Member.signed_on,
    Member.ratified_on,
    Member.in_force_on,
    Member.founding,
    Member.declarations,
    Member.created_at,
)


def list_members(db: Session, actor: Actor, now: datetime, page: Page) -> MemberList:
    """The institution's members."""
    found = listed(db, select(*_COLUMNS), page, Member.created_at, Member.id, datetime)
    return MemberList(items=[MemberOut.model_validate(row) for row in found.rows], next=found.next, count=found.count)


def read_member(db: Session, actor: Actor, now: datetime, member_id: UUID) -> MemberOut:
    """One member; NotFound if there is none."""
    row = db.execute(select(*_COLUMNS).where(Member.id == member_id)).one_or_none()
    if row is None:
        raise NotFound
    return MemberOut.model_validate(row)


def enter_member(db: Session, actor: Actor, now: datetime, given: MemberIn) -> tuple[UUID]:
    """Enter a member; Forbidden for others than administrators, Conflict for a name that is entered already."""
    only_admin(actor)
    if db.execute(select(Member.id).where(Member.name == given.name)).first() is not None:
        raise Conflict("A member of this name is entered already.", "exists")
    columns = given.model_dump(exclude={"declarations"})
    declarations = given.model_dump(mode="json")["declarations"]
    member = Member(id=new_id(db), created_at=now, declarations=declarations, **columns)
    db.add(member)
    payload = {"member_id": str(member.id), "status": member.status, "declarations": declarations}
    subject = installation_subject(db, "public")
    ledger.record(db, now, subject, "member-entered", "enter", ledger.actor_of(actor, "admin"), payload)
    return (member.id,)


def lock_member(db: Session, actor: Actor, member_id: UUID) -> Member:
    """The member's row, locked; NotFound if there is none."""
    statement = select(Member).where(Member.id == member_id).with_for_update()
    member = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if member is None:
        raise NotFound
    return member


def change_member(db: Session, actor: Actor, now: datetime, member_id: UUID, given: MemberChange) -> tuple[UUID]:
    """Change a member's entry, for an administrator; the event keeps what it was.

    Raises NotFound, Forbidden for others, Conflict for a name that is taken, and Invalid if what would stand does not
    hold together.
    """
    member = lock_member(db, actor, member_id)
    only_admin(actor)
    before = MemberOut.model_validate(member).model_dump(mode="json", exclude={"id"})
    changes = given.model_dump(mode="json", exclude_unset=True)
    after = _whole(before | changes)
    if after.name != member.name and db.execute(select(Member.id).where(Member.name == after.name)).first():
        raise Conflict("A member of this name is entered already.", "exists")
    for name, value in after.model_dump(exclude={"declarations"}).items():
        setattr(member, name, value)
    member.declarations = after.model_dump(mode="json")["declarations"]
    # Names and dates of States are public facts; only what changed is told, as it was and as it is.
    payload = {"member_id": str(member.id), "before": {name: before[name] for name in changes}, "after": changes}
    subject = installation_subject(db, "public")
    ledger.record(db, now, subject, "member-changed", "change", ledger.actor_of(actor, "admin"), payload)
    return (member.id,)


def _whole(fields: dict[str, Any]) -> MemberIn:
    """The entry as it would stand; Invalid if it does not hold together."""
    try:
        return MemberIn.model_validate(fields)
    except ValidationError as problem:
        faults = [FieldError("/" + "/".join(map(str, one["loc"])), one["type"], one["msg"]) for one in problem.errors()]
        raise Invalid(*faults) from problem
