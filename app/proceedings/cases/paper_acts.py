"""How an act counts: on which day, and for which party where the registry enters an act that came on paper."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from app.core.access.actors import Actor
from app.core.access.service import known_circle
from app.core.access.session import GatedSession
from app.core.db import AnyRow
from app.core.errors import Conflict, FieldError, Forbidden, Invalid, invalid
from app.core.ledger.acts import Act, Author, author_of
from app.core.tables.cases import Case, StepTaken
from app.institution.calendars.service import calendars_named
from app.proceedings.cases.facts import read_facts
from app.proceedings.cases.schemas import OnPaper
from app.rules.days import day_at
from app.rules.loader import library
from app.rules.model import Holding
from app.rules.office_hours import CountedReceipt, hours_of, receipt
from app.rules.terms import TermFault


@dataclass(frozen=True, slots=True)
class Counted:
    """How an act counts: on which day at the seat, for which party it was entered, and when and how it was received.

    `effective_at` is the instant from which a step of the clock has effect, however late it is recorded. `why` says why
    the day is not that of the receipt, if it came outside office hours.
    """

    on: date
    party_id: UUID | None = None
    received_at: datetime | None = None
    received_via: str | None = None
    effective_at: datetime | None = None
    why: str | None = None

    def payload(self) -> dict[str, Any]:
        """The members that an event has for it: none for an act in person and today."""
        members: dict[str, Any] = {}
        if self.party_id is not None:
            members["on_behalf_of"] = str(self.party_id)
        if self.received_via is not None:
            members["received_via"] = self.received_via
        if self.received_at is not None:
            members["received_at"] = self.received_at.isoformat()
        return members


def zone_of(case: Case | AnyRow) -> ZoneInfo:
    """The zone in which the days of a case are counted: the seat's, or the institution's where its rules say so."""
    return ZoneInfo(case.day_time_zone or case.seat_time_zone)


def today_at(case: Case | AnyRow, now: datetime) -> date:
    """The present day, where the days of the case are counted."""
    return day_at(now, zone_of(case))


def day_of(case: Case | AnyRow, act: Act) -> date:
    """The day on which an act counts in a case: the present one, unless the act counts on another."""
    return act.on or today_at(case, act.at)


def judge(
    db: GatedSession, actor: Actor, now: datetime, case: Case | AnyRow, request: OnPaper, since: date | None = None
) -> Counted:
    """How the act counts: not before the step that brought the case to its stage, or before the day `since`.

    Raises Forbidden for anybody but the registry who enters the act of another, and Invalid for a party that the case
    does not know, or for a day or an instant that the act cannot have.
    """
    today = today_at(case, now)
    if request.on_behalf_of is not None and not actor.is_staff:
        detail = "Only the registry may enter what a party sends on paper: leave 'on_behalf_of' out to act yourself."
        raise Forbidden(detail, "not-your-capacity")
    parties = {party.id for party in known_circle(db, case.id).parties}
    if request.on_behalf_of is not None and request.on_behalf_of not in parties:
        raise invalid("/on_behalf_of", "unknown-party", "Name a party of this case by its id.")
    received = counted_receipt(db, case, request.received_at or now, request.received_via)
    first_day = today if since else present_day(db, now, case)
    on = request.on or (received.on if received.on < today else max(received.on, first_day))
    days = _Days(today, first_day, received.on)
    faults = _registry_faults(now, days, on, request) if actor.is_staff else _own_faults(days, on, request)
    if not faults:
        faults = _too_early(since or _arrived_on(db, case) if on < today else first_day, on)
    if faults:
        raise Invalid(*faults)
    if on > today:
        _require_no_clock_before(db, case, on)
    why = received.why if on == received.on else None
    return Counted(on, request.on_behalf_of, request.received_at, request.received_via, why=why)


@dataclass(frozen=True, slots=True)
class _Days:
    """The present day, the first on which an act can count, and the one on which a paper counts as received."""

    today: date
    first: date
    received: date


def present_day(db: GatedSession, now: datetime, case: Case | AnyRow) -> date:
    """The day on which an act counts that is done now: today, or the later day of the act that it follows.

    An act counts on a later day only if it came outside office hours.
    """
    today = today_at(case, now)
    if not library()[case.procedure].office_hours:
        return today
    return max(today, _arrived_on(db, case) or today)


def counted_receipt(
    db: GatedSession, case: Case | AnyRow, received_at: datetime, channel: str | None
) -> CountedReceipt:
    """The day on which what was sent counts as received: by the office hours of its channel, if it has any.

    Raises Conflict if the calendars of the hours have no working day.
    """
    hours = hours_of(library()[case.procedure], channel)
    if hours is None or channel is None:
        return CountedReceipt(today_at(case, received_at))
    calendars = calendars_named(db, case, hours.calendars)
    try:
        return receipt(hours, channel, received_at.astimezone(zone_of(case)), calendars)
    except TermFault as fault:
        detail = f"No day can be found on which the act counts: {fault}."
        raise Conflict(detail, "no-day", article=hours.citation.article) from fault


def _require_no_clock_before(db: GatedSession, case: Case | AnyRow, on: date) -> None:
    """Raise Conflict if time brings a step before the later day on which an act counts: the step comes first."""
    procedure, facts = library()[case.procedure], read_facts(db, case)
    passing = {term.name for term in facts.terms if not term.ended and not term.suspended and term.due_on < on}
    for step in procedure.steps:
        if "clock" in step.by and case.stage in step.origin and step.after in passing:
            detail = (
                f"The act counts on {on.isoformat()}, and the term '{step.after}' passes before: enter it on that day."
            )
            raise Conflict(detail, "term-passes-first", article=step.citation.article, rule_set=procedure.id)


def _own_faults(days: _Days, on: date, request: OnPaper) -> list[FieldError]:
    """The faults of an act in person, which counts today and is received only from the actor."""
    faults = [
        FieldError(f"/{name}", "registry-only", f"Only the registry may send '{name}': leave it out.")
        for name in ("received_at", "received_via")
        if getattr(request, name) is not None
    ]
    if on != days.first and not faults:
        faults.append(FieldError("/on", "not-today", "The act counts today, at the seat; leave 'on' out."))
    return faults


def _registry_faults(now: datetime, days: _Days, on: date, request: OnPaper) -> list[FieldError]:
    """The faults of an act that the registry takes itself, or enters for a party."""
    # A later day is one on which the act counts; an earlier one than that of the receipt needs a reason.
    is_later = days.today < on in (days.received, days.first)
    latest = days.today if on > days.today else max(days.today, days.received)
    faults = [] if is_later else day_faults(latest, on, request.reason)
    if request.received_at is not None and request.received_at > now:
        faults = [FieldError("/received_at", "in-the-future", "The time of receipt must not be after now.")]
    if request.on_behalf_of is not None and request.received_via is None:
        faults.append(FieldError("/received_via", "missing", "Say by which means the party's act was received."))
    if request.on_behalf_of is None and request.received_via is not None:
        faults.append(FieldError("/on_behalf_of", "missing", "Name the party whose act was received."))
    return faults


def check_given(case: Case | AnyRow, given_on: date, now: datetime, pointer: str) -> None:
    """Check that what a party states was given by today at the seat; raises Invalid otherwise."""
    if given_on > today_at(case, now):
        raise invalid(pointer, "in-the-future", "The day must not be after today, at the seat.")


def day_faults(today: date, on: date, reason: str | None) -> list[FieldError]:
    """The faults of a day on which an act is to count: it must not be in the future, and a past one needs a reason."""
    if on > today:
        return [FieldError("/on", "in-the-future", "The day must not be after today, at the seat.")]
    if on < today and reason is None:
        return [FieldError("/reason", "missing", "Say why the act counts on an earlier day.")]
    return []


def _arrived_on(db: GatedSession, case: Case | AnyRow) -> date | None:
    """The day on which the step counts that brought the case to its stage."""
    moved = (StepTaken.case_id == case.id, StepTaken.stage != case.stage)
    return db.execute(select(func.max(StepTaken.on)).where(*moved)).scalar()


def _too_early(since: date | None, on: date) -> list[FieldError]:
    if since is None or on >= since:
        return []
    detail = f"The act must not count before {since.isoformat()}, the day of the act that it follows."
    return [FieldError("/on", "before-preceding-step", detail)]


def holding_of(db: GatedSession, case: Case | AnyRow, party_id: UUID) -> Holding:
    """The capacity in which a party acts, also where the registry enters its act."""
    side = next(party.side for party in known_circle(db, case.id).parties if party.id == party_id)
    return Holding("requesting-party" if side == "requesting" else "responding-party", party_id)


def author(actor: Actor, counted: Counted, holding: Holding) -> Author:
    """The author of an act, as events name them: the registry, for the party, where it entered the act of a party."""
    if counted.party_id is not None:
        return author_of(actor, "registry", counted.party_id)
    return author_of(actor, holding.capacity, holding.party_id)
