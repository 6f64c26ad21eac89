"""Which open terms a closure moves, and to which day; nothing is changed here."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.errors import Conflict
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline
from app.institution.calendars.countries import CalendarClosure
from app.institution.calendars.service import CalendarBook, closures_in_force, concerns
from app.proceedings.cases.paper_acts import today_at
from app.proceedings.deadlines.case_terms import new_calendars
from app.rules.loader import library
from app.rules.model import Term
from app.rules.terms import Due, TermFault, counted_again, counts_working_days


@dataclass(frozen=True, slots=True)
class PlannedClosure:
    """A closure that is not entered."""

    calendar: str | None
    from_on: date
    until_on: date
    name: str = "The planned closure"


class ClosureEffect:
    """What becomes of an open term if a closure is entered, or withdrawn.

    A term moves only where the closure itself makes the difference. Calendars that have changed since the term was
    counted, for example by a new release of the data of holidays, move no term by themselves.
    """

    def __init__(
        self, db: GatedSession, now: datetime, closure: CalendarClosure, entered_id: UUID | None, *, withdraws: bool
    ) -> None:
        self._db, self._now, self._closure, self._withdraws = db, now, closure, withdraws
        others = [other for other in closures_in_force(db) if other.id != entered_id]
        self._without = CalendarBook(db, others)
        self._with = CalendarBook(db, [*others, closure])

    def due(self, case: Case | AnyRow, deadline: Deadline | AnyRow) -> Due | None:
        """The other day to which the term moves, with the lines that explain it; None if it stays.

        Raises Conflict if the calendars have no such day.
        """
        term = library()[case.procedure].term(deadline.term)
        since = deadline.counted_from
        if since is None or not term.calendars or not self._covers(term, deadline):
            return None

        def counted(book: CalendarBook) -> Due:
            calendars = book.of(case, term.calendars, deadline.party_id)
            due = counted_again(term, since, deadline.days_counted, deadline.due_on, calendars)
            return Due(due.due_on, (*new_calendars(deadline, calendars), *due.explanation))

        try:
            longer, shorter = counted(self._with), counted(self._without)
        except TermFault as fault:
            detail = f"No day can be found for the term '{term.name}' of a case: {fault}. Enter a shorter closure."
            raise Conflict(detail, "no-day", article=term.citation.article) from fault
        if longer.due_on == shorter.due_on:
            return None
        if self._withdraws:
            # The withdrawal takes from nobody the day on which it comes.
            return shorter if today_at(case, self._now) < shorter.due_on < deadline.due_on else None
        return longer if longer.due_on > deadline.due_on else None

    def covers_last_day(self, case: Case | AnyRow, due_on: date) -> bool:
        """Whether the closure contains the last day of a term of the case, which it concerns."""
        return self._closure.from_on <= due_on <= self._closure.until_on and concerns(self._db, case, self._closure)

    def _covers(self, term: Term, deadline: Deadline | AnyRow) -> bool:
        """Whether the closure can make the term longer, which ends on a working day unless its rule says otherwise."""
        if self._withdraws or counts_working_days(term):
            return True
        return self._closure.from_on <= deadline.due_on <= self._closure.until_on
