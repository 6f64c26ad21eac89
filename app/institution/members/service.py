"""The register of members and its history; everybody with an account may read them, administrators write."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import ColumnElement, select

from app.core.access.actors import Actor
from app.core.access.authentication import only_admin
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, FieldError, Invalid, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.audiences import Audience
from app.core.tables.events import Event
from app.core.tables.members import Member
from app.core.values import folded
from app.institution.members.schemas import (
    FieldHistoryOut,
    MemberChange,
    MemberEventOut,
    MemberFilters,
    MemberHistory,
    MemberIn,
    MemberList,
    MemberOut,
)

_COLUMNS = (
    Member.id,
    Member.name,
    Member.kind,
    Member.status,
    Member.signed_on,
    Member.ratified_on,
    Member.acceded_on,
    Member.in_force_on,
    Member.founding,
    Member.declarations,
    Member.designations,
    Member.calendar,
    Member.standing,
    Member.source,
    Member.created_at,
)
_ENTERED, _CHANGED = "member-entered", "member-changed"


def list_members(db: GatedSession, actor: Actor, now: datetime, page: Page, filters: MemberFilters) -> MemberList:
    """The institution's members, or those for which all filters hold."""
    statement = select(*_COLUMNS).where(*_conditions(db, filters))
    found = listed(db, statement, page, Sort(Member.created_at, Member.id, datetime))
    return MemberList(items=[MemberOut.model_validate(row) for row in found.rows], next=found.next, count=found.count)


def _conditions(db: GatedSession, filters: MemberFilters) -> Iterable[ColumnElement[bool]]:
    for name in ("status", "founding", "kind"):
        if (value := getattr(filters, name)) is not None:
            yield getattr(Member, name) == value
    if filters.bound_on is not None:
        yield Member.in_force_on <= filters.bound_on
    if filters.q is not None:
        yield Member.id.in_(_called(db, filters.q))


def _called(db: GatedSession, q: str) -> list[UUID]:
    """The members whose name holds these words."""
    # Compared here: SQLite knows upper and lower case of ASCII alone, and there are no more members than States.
    wanted = folded(q)
    return [row.id for row in db.execute(select(Member.id, Member.name)) if wanted in folded(row.name)]


def read_member(db: GatedSession, actor: Actor, now: datetime, member_id: UUID) -> MemberOut:
    """One member; NotFound if there is none."""
    row = db.execute(select(*_COLUMNS).where(Member.id == member_id)).one_or_none()
    if row is None:
        raise NotFound
    return MemberOut.model_validate(row)


# The installation's public stream holds little else, and is read along its own numbers.
_PUBLIC = select(Audience.id).where(Audience.case_id.is_(None), Audience.key == "public").scalar_subquery()
_HISTORY = select(Event.id, Event.seq, Event.type, Event.at, Event.act, Event.article, Event.payload).where(
    Event.audience_id == _PUBLIC, Event.type.in_((_ENTERED, _CHANGED))
)


def read_history(db: GatedSession, actor: Actor, now: datetime, member_id: UUID, page: Page) -> MemberHistory:
    """What a member's entry said, change by change, the oldest first; NotFound if there is no such member."""
    read_member(db, actor, now, member_id)
    statement = _HISTORY.where(Event.payload["member_id"].as_string() == str(member_id))
    found = listed(db, statement, page, Sort(Event.seq, Event.id, int))
    return MemberHistory(items=[_told(row) for row in found.rows], next=found.next, count=found.count)


def _told(row: AnyRow) -> MemberEventOut:
    payload: dict[str, Any] = row.payload
    if row.type == _ENTERED:
        # Entries of earlier releases tell of less than the whole; what they do not name is not made up.
        before, after = {}, {name: value for name, value in payload.items() if name != "member_id"}
    else:
        before, after = payload["before"], payload["after"]
    changes = {
        name: FieldHistoryOut(before=before.get(name), after=value)
        for name, value in after.items()
        if name not in before or before[name] != value
    }
    return MemberEventOut(at=row.at, act=row.act, changes=changes, article=row.article)


def enter_member(db: GatedSession, actor: Actor, now: datetime, given: MemberIn) -> tuple[UUID]:
    """Enter a member; Forbidden for others than administrators, Conflict for a name that is entered already."""
    only_admin(actor)
    return (write_member(db, now, given, author_of(actor, "admin")),)


def write_member(db: GatedSession, now: datetime, given: MemberIn, by: Author) -> UUID:
    """Write the entry, whoever makes it; Conflict for a name that is entered already."""
    if db.execute(select(Member.id).where(Member.name == given.name)).first() is not None:
        raise _taken()
    member = Member(id=new_id(db), created_at=now, **_columns(given))
    db.add(member)
    # Names and dates of States are public facts: the event tells the entry whole.
    payload = {"member_id": str(member.id), **given.model_dump(mode="json")}
    ledger.record(db, Act("enter", now, by, installation_subject(db, "public")), _ENTERED, payload)
    return member.id


def lock_member(db: GatedSession, actor: Actor, member_id: UUID) -> Member:
    """The member's row, locked; NotFound if there is none."""
    statement = select(Member).where(Member.id == member_id).with_for_update()
    member = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if member is None:
        raise NotFound
    return member


def change_member(db: GatedSession, actor: Actor, now: datetime, member_id: UUID, given: MemberChange) -> tuple[UUID]:
    """Change a member's entry, for an administrator; the event keeps what it was.

    Raises NotFound, Forbidden for others, Conflict for a name that is taken, and Invalid if what would stand does not
    hold together.
    """
    member = lock_member(db, actor, member_id)
    only_admin(actor)
    before = MemberOut.model_validate(member).model_dump(mode="json", exclude={"id"})
    after = _whole(before | given.model_dump(mode="json", exclude_unset=True))
    if after.name != member.name and db.execute(select(Member.id).where(Member.name == after.name)).first():
        raise _taken()
    changes = {name: value for name, value in after.model_dump(mode="json").items() if value != before[name]}
    if not changes:
        return (member.id,)
    for name, value in _columns(after).items():
        setattr(member, name, value)
    # Only what changed is told, as it was and as it is.
    payload = {"member_id": str(member.id), "before": {name: before[name] for name in changes}, "after": changes}
    by = author_of(actor, "admin")
    ledger.record(db, Act("change", now, by, installation_subject(db, "public")), _CHANGED, payload)
    return (member.id,)


def _columns(given: MemberIn) -> dict[str, Any]:
    """The entry as its row keeps it: days inside of lists as text."""
    lists = {"declarations", "designations"}
    return given.model_dump(exclude=lists) | given.model_dump(mode="json", include=lists)


def _taken() -> Conflict:
    return Conflict("A member of this name is entered already.", "exists")


def _whole(fields: dict[str, Any]) -> MemberIn:
    """The entry as it would stand; Invalid if it does not hold together."""
    try:
        return MemberIn.model_validate(fields)
    except ValidationError as problem:
        faults = [
            FieldError("".join(f"/{part}" for part in one["loc"]), one["type"].replace("_", "-"), one["msg"])
            for one in problem.errors()
        ]
        raise Invalid(*faults) from problem
