"""Closures, and the calendars by which a term of a case is counted."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select

from app.core.access.actors import Actor
from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.errors import NotFound
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.closures import Closure
from app.core.tables.institution import Institution
from app.core.tables.members import Member
from app.core.tables.parties import Party
from app.institution.calendars.countries import INSTITUTION, CalendarClosure, applies, calendar_with_closures
from app.institution.calendars.schemas import ClosureList, ClosureOut
from app.rules.model import Term
from app.rules.terms import CALENDARS, Calendar

_COLUMNS = (
    Closure.id,
    Closure.calendar,
    Closure.from_on,
    Closure.until_on,
    Closure.name,
    Closure.entered_at,
    Closure.withdrawn_at,
)


def list_closures(db: GatedSession, actor: Actor, now: datetime, page: Page) -> ClosureList:
    """List the closures, earliest first."""
    listing = listed(db, select(*_COLUMNS), page, Sort(Closure.from_on, Closure.id, date))
    return ClosureList(
        items=[ClosureOut.model_validate(row) for row in listing.rows], next=listing.next, count=listing.count
    )


def read_closure(db: GatedSession, actor: Actor, now: datetime, closure_id: UUID) -> ClosureOut:
    """Read one closure; NotFound if there is none."""
    row = db.execute(select(*_COLUMNS).where(Closure.id == closure_id)).one_or_none()
    if row is None:
        raise NotFound
    return ClosureOut.model_validate(row)


def calendars_for(
    db: GatedSession, case: Case | AnyRow, term: Term, addressee: UUID | None = None
) -> tuple[Calendar, ...]:
    """Calendars of a term, each with its closures; none if days off do not matter to the term.

    The addressee is the party for which alone the term runs.
    """
    return calendars_named(db, case, term.calendars, addressee)


def calendars_named(
    db: GatedSession, case: Case | AnyRow, names: Collection[str], addressee: UUID | None = None
) -> tuple[Calendar, ...]:
    """Calendars as rule sets name them, each with its closures."""
    return CalendarBook(db, closures_in_force(db)).of(case, names, addressee) if names else ()


def closures_in_force(db: GatedSession) -> Sequence[AnyRow]:
    """The closures that are not withdrawn."""
    columns = (Closure.id, Closure.calendar, Closure.from_on, Closure.until_on, Closure.name)
    return db.execute(select(*columns).where(Closure.withdrawn_at.is_(None))).all()


class CalendarBook:
    """The calendars of places with some closures, each made once for one transaction."""

    def __init__(self, db: GatedSession, closures: Iterable[CalendarClosure]) -> None:
        self._db, self._closures = db, tuple(closures)
        self._made: dict[tuple[str | None, str], Calendar] = {}

    def of(self, case: Case | AnyRow, names: Collection[str], addressee: UUID | None = None) -> tuple[Calendar, ...]:
        """Calendars of a case as rule sets name them."""
        places = _codes(self._db, case, names, addressee)
        return tuple(self._calendar(code, place) for code, place in places)

    def _calendar(self, code: str | None, place: str) -> Calendar:
        if (code, place) not in self._made:
            self._made[code, place] = calendar_with_closures(place, code, self._closures)
        return self._made[code, place]


def concerns(db: GatedSession, case: Case | AnyRow, closure: CalendarClosure) -> bool:
    """Whether the closure is of a place of the case: its seat, a party's place, or the institution."""
    return any(applies(closure, place, code) for code, place in _codes(db, case, CALENDARS))


def _codes(
    db: GatedSession, case: Case | AnyRow, calendars: Collection[str], addressee: UUID | None = None
) -> list[tuple[str | None, str]]:
    """The calendars without repetition: each code, None for a place without a calendar, and its place."""
    places: dict[str, tuple[str | None, str]] = {}
    if "seat" in calendars:
        places[case.seat_calendar or "the seat"] = case.seat_calendar, "the seat"
    if "parties" in calendars or (addressee is not None and "addressee" in calendars):
        # A party may name a calendar; otherwise that of the member it is applies.
        code = func.coalesce(Party.calendar, Member.calendar).label("calendar")
        parties = select(code, Party.name).outerjoin(Member, Member.id == Party.member_id)
        concerned = parties.where(Party.case_id == case.id).order_by(Party.number)
        if "parties" not in calendars:
            concerned = concerned.where(Party.id == addressee)
        for row in db.execute(concerned):
            places.setdefault(row.calendar or row.name, (row.calendar, row.name))
    if "institution" in calendars:
        institution = db.execute(select(Institution.calendar)).scalar()
        # Replaces an equal calendar of another place: closures without a code belong to the institution's.
        places[institution or INSTITUTION] = institution, INSTITUTION
    return list(places.values())
