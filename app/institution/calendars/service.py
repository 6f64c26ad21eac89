"""Closures, and the calendars that matter to a term of a case."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import AnyRow, new_id
from app.core.errors import Forbidden, NotFound
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, author_of, installation_subject
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.closures import Closure
from app.core.tables.institution import Institution
from app.core.tables.members import Member
from app.core.tables.parties import Party
from app.institution.calendars.countries import calendar_of, plain
from app.institution.calendars.schemas import ClosureIn, ClosureList, ClosureOut
from app.rules.model import Term
from app.rules.terms import Calendar

_COLUMNS = (Closure.id, Closure.calendar, Closure.from_on, Closure.until_on, Closure.name, Closure.entered_at)


def list_closures(db: GatedSession, actor: Actor, now: datetime, page: Page) -> ClosureList:
    """The closures that were entered, the earliest first."""
    found = listed(db, select(*_COLUMNS), page, Sort(Closure.from_on, Closure.id, date))
    return ClosureList(items=[ClosureOut.model_validate(row) for row in found.rows], next=found.next, count=found.count)


def read_closure(db: GatedSession, actor: Actor, now: datetime, closure_id: UUID) -> ClosureOut:
    """One closure; NotFound if there is none."""
    row = db.execute(select(*_COLUMNS).where(Closure.id == closure_id)).one_or_none()
    if row is None:
        raise NotFound
    return ClosureOut.model_validate(row)


def enter_closure(db: GatedSession, actor: Actor, now: datetime, given: ClosureIn) -> tuple[UUID]:
    """Enter a closure, for the registry: terms that start from now on heed it, those that run are not moved.

    Raises Forbidden for others.
    """
    if not actor.is_staff:
        raise Forbidden("The registry enters closures.")
    closure = Closure(id=new_id(db), entered_at=now, **given.model_dump())
    db.add(closure)
    payload = {"closure_id": str(closure.id), **given.model_dump(mode="json")}
    subject = installation_subject(db, "public")
    ledger.record(db, Act("enter", now, author_of(actor, "registry"), subject), "closure-entered", payload)
    return (closure.id,)


def calendars_for(db: GatedSession, case: Case | AnyRow, term: Term) -> tuple[Calendar, ...]:
    """The calendars that the term names, each with its closures; none for a term to which days off do not matter."""
    if not term.calendars:
        return ()
    codes = _codes(db, case, term)
    closures = db.execute(select(Closure.calendar, Closure.from_on, Closure.until_on, Closure.name)).all()
    return tuple(_calendar(code, told, closures) for code, told in codes.items())


def _codes(db: GatedSession, case: Case | AnyRow, term: Term) -> dict[str | None, str]:
    """The codes of the calendars, each with what it is called where there is none of that code."""
    codes: dict[str | None, str] = {}
    if "seat" in term.calendars:
        codes[case.seat_calendar or "the seat"] = "the seat"
    if "parties" in term.calendars:
        # A member's calendar is its own; a party that is none, or that works by another, names one.
        mine = func.coalesce(Party.calendar, Member.calendar).label("calendar")
        parties = select(mine, Party.name).outerjoin(Member, Member.id == Party.member_id)
        for row in db.execute(parties.where(Party.case_id == case.id).order_by(Party.number)):
            codes.setdefault(row.calendar or row.name, row.name)
    if "institution" in term.calendars:
        code = db.execute(select(Institution.calendar)).scalar()
        codes[code or "the institution"] = "the institution"
    return codes


def _calendar(code: str | None, told: str, closures: Sequence[AnyRow]) -> Calendar:
    mine = [(one.from_on, one.until_on, one.name) for one in closures if _rests(one.calendar, code, told)]
    return plain(told, mine) if code == told else calendar_of(str(code), mine)


def _rests(calendar: str | None, code: str | None, told: str) -> bool:
    """Whether a closure is one of that calendar; those without a code are the institution's."""
    return calendar == code if calendar is not None else told == "the institution"
