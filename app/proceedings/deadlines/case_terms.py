"""A deadline in its case, and how a change of it is written: its new day, its explanation, and the event."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Subject
from app.core.tables.cases import Case
from app.core.tables.deadlines import Deadline, DeadlineChange
from app.proceedings.cases.paper_acts import today_at, zone_of
from app.rules.days import end_of_day
from app.rules.model import Term
from app.rules.terms import Calendar, Due, calendar_lines, written


@dataclass(frozen=True, slots=True)
class CaseTerm:
    """A deadline in its case, which is locked, and the term of the rule set that it counts."""

    case: Case
    deadline: Deadline
    term: Term

    @property
    def subject(self) -> Subject:
        """The stream in which changes of the deadline are recorded."""
        return Subject(self.case.id, self.deadline.audience_id, "participants")


def move_limit(deadline: Deadline, due_on: date) -> None:
    """Move the limit of all extensions with the term: a suspension or a closure is no extension."""
    if deadline.first_due_on is not None:
        deadline.first_due_on += due_on - deadline.due_on


def move(db: GatedSession, now: datetime, moved: CaseTerm, kind: str, due: Due) -> DeadlineChange:
    """Give the deadline its new day, and add why to its explanation."""
    deadline = moved.deadline
    change = add_change(db, now, moved, kind, due.due_on)
    deadline.due_on, deadline.due_at = due.due_on, end_of_day(due.due_on, zone_of(moved.case))
    deadline.reminded_at = None
    add_lines(deadline, due.explanation)
    return change


def new_calendars(deadline: Deadline | AnyRow, calendars: Iterable[Calendar]) -> list[str]:
    """The lines of those calendars that the explanation of the deadline does not name in their present version."""
    return [line for line in calendar_lines(calendars) if line not in deadline.explanation]


def add_lines(deadline: Deadline, lines: Iterable[str]) -> None:
    """Add lines to the explanation of a deadline, which loses none."""
    deadline.explanation = [*deadline.explanation, *lines]


def today_in_words(case: Case, now: datetime) -> str:
    """The present day where the days of the case are counted: `on Monday 2026-03-02`."""
    return f"on {written(today_at(case, now))}"


def add_change(db: GatedSession, now: datetime, changed: CaseTerm, kind: str, due_after: date | None) -> DeadlineChange:
    """Keep a change of a deadline: its day before, and after (None if the change gives no day)."""
    case, deadline = changed.case, changed.deadline
    change = DeadlineChange(
        id=new_id(db),
        case_id=case.id,
        audience_id=deadline.audience_id,
        deadline_id=deadline.id,
        kind=kind,
        due_before=deadline.due_on,
        due_after=due_after,
        agreed_by=[],
        on=today_at(case, now),
        changed_at=now,
    )
    db.add(change)
    return change


def record_change(db: GatedSession, act: Act, deadline: Deadline, more: dict[str, Any], reason: str | None) -> None:
    """Record the change under the name of its act, such as `deadline-extended`."""
    content = contents.write(db, deadline.case_id, deadline.audience_id, {"reason": reason}) if reason else None
    payload = {"deadline_id": str(deadline.id), "term": deadline.term, **more}
    ledger.record(db, act, f"deadline-{act.name}", payload, deadline.article, content)
