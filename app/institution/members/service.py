"""The register of members with its history: every user may read it, administrators may change it."""

from collections.abc import Iterable
from datetime import date, datetime
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
from app.institution.members.periods import continued, memberships_of
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
from app.rules.model import Membership

_COLUMNS = (
    Member.id,
    Member.name,
    Member.kind,
    Member.status,
    Member.signed_on,
    Member.ratified_on,
    Member.acceded_on,
    Member.in_force_on,
    Member.withdrawal_notified_on,
    Member.ceases_on,
    Member.earlier_periods,
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
    """List the institution's members that match all filters."""
    statement = select(*_COLUMNS).where(*_conditions(db, filters))
    listing = listed(db, statement, page, Sort(Member.created_at, Member.id, datetime))
    return MemberList(
        items=[MemberOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count
    )


def _conditions(db: GatedSession, filters: MemberFilters) -> Iterable[ColumnElement[bool]]:
    for name in ("status", "founding", "kind"):
        if (value := getattr(filters, name)) is not None:
            yield getattr(Member, name) == value
    if filters.bound_on is not None:
        yield Member.id.in_(_bound_on(db, filters.bound_on))
    if filters.q is not None:
        yield Member.id.in_(_named_like(db, filters.q))


def _bound_on(db: GatedSession, day: date) -> list[UUID]:
    """Ids of the members for which the convention is in force on this day."""
    # Judged in Python: earlier periods are a list in one column, and there are few members.
    begun = select(Member.id, Member.in_force_on, Member.ceases_on, Member.earlier_periods).where(
        Member.in_force_on.is_not(None)
    )
    return [
        row.id
        for row in db.execute(begun)
        if any(
            membership.covers(day)
            for membership in (*memberships_of(row.earlier_periods), Membership(row.in_force_on, row.ceases_on))
        )
    ]


def _named_like(db: GatedSession, q: str) -> list[UUID]:
    """Ids of the members whose name contains this text."""
    # Compared in Python: SQLite folds the case of ASCII only, and there are few members.
    text = folded(q)
    return [row.id for row in db.execute(select(Member.id, Member.name)) if text in folded(row.name)]


def read_member(db: GatedSession, actor: Actor, now: datetime, member_id: UUID) -> MemberOut:
    """Read one member; NotFound if there is none."""
    row = db.execute(select(*_COLUMNS).where(Member.id == member_id)).one_or_none()
    if row is None:
        raise NotFound
    return MemberOut.model_validate(row)


# The public stream contains little else, and its numbers are indexed.
_PUBLIC = select(Audience.id).where(Audience.case_id.is_(None), Audience.key == "public").scalar_subquery()
_HISTORY = select(Event.id, Event.seq, Event.type, Event.at, Event.act, Event.article, Event.payload).where(
    Event.audience_id == _PUBLIC, Event.type.in_((_ENTERED, _CHANGED))
)


def read_history(db: GatedSession, actor: Actor, now: datetime, member_id: UUID, page: Page) -> MemberHistory:
    """List the changes of a member's entry, oldest first; NotFound if there is no such member."""
    read_member(db, actor, now, member_id)
    statement = _HISTORY.where(Event.payload["member_id"].as_string() == str(member_id))
    listing = listed(db, statement, page, Sort(Event.seq, Event.id, int))
    return MemberHistory(items=[_out(row) for row in listing.rows], next=listing.next, count=listing.count)


def _out(row: AnyRow) -> MemberEventOut:
    payload: dict[str, Any] = row.payload
    if row.type == _ENTERED:
        # Events of earlier releases do not contain all fields: report only those that they contain.
        before, after = {}, {name: value for name, value in payload.items() if name != "member_id"}
    else:
        before, after = payload["before"], payload["after"]
    changes = {
        name: FieldHistoryOut(before=before.get(name), after=value)
        for name, value in after.items()
        if name not in before or before[name] != value
    }
    return MemberEventOut(at=row.at, act=row.act, changes=changes, article=row.article)


def enter_member(db: GatedSession, actor: Actor, now: datetime, entry: MemberIn) -> tuple[UUID]:
    """Enter a member; Forbidden unless the actor is an administrator, Conflict for a name already entered."""
    only_admin(actor)
    return (write_member(db, now, entry, author_of(actor, "admin")),)


def write_member(db: GatedSession, now: datetime, entry: MemberIn, author: Author) -> UUID:
    """Write a member's entry; Conflict for a name already entered."""
    if db.execute(select(Member.id).where(Member.name == entry.name)).first() is not None:
        raise _name_taken()
    member = Member(id=new_id(db), created_at=now, **_columns(entry))
    db.add(member)
    # Names and dates of States are public facts: the event contains the whole entry.
    payload = {"member_id": str(member.id), **entry.model_dump(mode="json")}
    ledger.record(db, Act("enter", now, author, installation_subject(db, "public")), _ENTERED, payload)
    return member.id


def lock_member(db: GatedSession, actor: Actor, member_id: UUID) -> Member:
    """Lock a member's row; NotFound if there is none."""
    statement = select(Member).where(Member.id == member_id).with_for_update()
    member = db.execute(statement, execution_options={"populate_existing": True}).scalar_one_or_none()
    if member is None:
        raise NotFound
    return member


def change_member(db: GatedSession, actor: Actor, now: datetime, member_id: UUID, change: MemberChange) -> tuple[UUID]:
    """Change a member's entry; the event records the earlier values.

    Raises NotFound, Forbidden unless the actor is an administrator, Conflict for a name already entered, and Invalid if
    the changed entry is inconsistent.
    """
    member = lock_member(db, actor, member_id)
    only_admin(actor)
    before = MemberOut.model_validate(member).model_dump(mode="json", exclude={"id"})
    sent = change.model_dump(mode="json", exclude_unset=True)
    after = _whole(before | sent | continued(before, sent))
    if after.name != member.name and db.execute(select(Member.id).where(Member.name == after.name)).first():
        raise _name_taken()
    changes = {name: value for name, value in after.model_dump(mode="json").items() if value != before[name]}
    if not changes:
        return (member.id,)
    for name, value in _columns(after).items():
        setattr(member, name, value)
    # The event contains the changed fields only, before and after.
    payload = {"member_id": str(member.id), "before": {name: before[name] for name in changes}, "after": changes}
    author = author_of(actor, "admin")
    ledger.record(db, Act("change", now, author, installation_subject(db, "public")), _CHANGED, payload)
    return (member.id,)


def _columns(entry: MemberIn) -> dict[str, Any]:
    """The entry as columns of its row; dates inside lists become text."""
    lists = {"declarations", "designations", "earlier_periods"}
    return entry.model_dump(exclude=lists) | entry.model_dump(mode="json", include=lists)


def _name_taken() -> Conflict:
    return Conflict("A member with this name already exists. Change that entry, or enter another name.", "exists")


def _whole(fields: dict[str, Any]) -> MemberIn:
    """The complete entry after a change; Invalid if it is inconsistent."""
    try:
        return MemberIn.model_validate(fields)
    except ValidationError as problem:
        faults = [
            FieldError("".join(f"/{part}" for part in error["loc"]), error["type"].replace("_", "-"), error["msg"])
            for error in problem.errors()
        ]
        raise Invalid(*faults) from problem
