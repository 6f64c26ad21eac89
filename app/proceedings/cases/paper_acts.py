"""Acts that reach the registry on paper: for whom it enters them, when they came, and on which day they count."""

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
from app.core.errors import FieldError, Forbidden, Invalid, invalid
from app.core.ledger.acts import Author, author_of
from app.core.tables.cases import Case, StepTaken
from app.proceedings.cases.schemas import OnPaper
from app.rules.model import Holding
from app.rules.terms import day_at


@dataclass(frozen=True, slots=True)
class Counted:
    """How an act counts: on which day at the seat, for whom it was entered, and how and when it came in."""

    on: date
    party_id: UUID | None = None
    received_at: datetime | None = None
    received_via: str | None = None

    def payload(self) -> dict[str, Any]:
        """What an event tells of it: nothing, where somebody acted in person and today."""
        told: dict[str, Any] = {}
        if self.party_id is not None:
            told["on_behalf_of"] = str(self.party_id)
        if self.received_via is not None:
            told["received_via"] = self.received_via
        if self.received_at is not None:
            told["received_at"] = self.received_at.isoformat()
        return told


def zone_of(case: Case | AnyRow) -> ZoneInfo:
    """The zone in which the days of a case are counted: the seat's, or the institution's where its rules say so."""
    return ZoneInfo(case.day_time_zone or case.seat_time_zone)


def today_at(case: Case | AnyRow, now: datetime) -> date:
    """The present day, where the days of the case are counted."""
    return day_at(now, zone_of(case))


def judge(
    db: GatedSession, actor: Actor, now: datetime, case: Case | AnyRow, given: OnPaper, since: date | None = None
) -> Counted:
    """How the act counts: not before the step that brought the case to where it stands, or before the day `since`.

    Raises Forbidden for somebody who is not of the registry and enters another's act, and Invalid for a party that the
    case does not know, or for a day or an instant that the act cannot have.
    """
    today = today_at(case, now)
    if given.on_behalf_of is not None and not actor.is_staff:
        raise Forbidden("The registry enters what a party sends on paper; act in your own name.", "not-your-capacity")
    known = known_circle(db, case.id)
    if given.on_behalf_of is not None and given.on_behalf_of not in {party.id for party in known.parties}:
        raise invalid("/on_behalf_of", "unknown-party", "Name a party of this case by its id.")
    on = given.on or (today_at(case, given.received_at) if given.received_at else today)
    faults = _faults(actor, now, today, on, given)
    if not faults and on < today:
        faults = _too_early(since or _arrived_on(db, case), on)
    if faults:
        raise Invalid(*faults)
    return Counted(on, given.on_behalf_of, given.received_at, given.received_via)


def _faults(actor: Actor, now: datetime, today: date, on: date, given: OnPaper) -> list[FieldError]:
    if not actor.is_staff:
        faults = [
            FieldError(f"/{name}", "registry-only", "Only the registry says how and when something came in.")
            for name in ("received_at", "received_via")
            if getattr(given, name) is not None
        ]
        if on != today and not faults:
            faults.append(FieldError("/on", "not-today", "The act counts today, at the seat; leave 'on' out."))
        return faults
    faults = day_faults(today, on, given.reason)
    if given.received_at is not None and given.received_at > now:
        faults = [FieldError("/received_at", "in-the-future", "It cannot have come in after now.")]
    if given.on_behalf_of is not None and given.received_via is None:
        faults.append(FieldError("/received_via", "missing", "Say how the party's act came in."))
    if given.on_behalf_of is None and given.received_via is not None:
        faults.append(FieldError("/on_behalf_of", "missing", "Name the party whose act came in."))
    return faults


def day_faults(today: date, on: date, reason: str | None) -> list[FieldError]:
    """What is wrong with a day on which an act is to count: none lies in the future, and a past one has its reason."""
    if on > today:
        return [FieldError("/on", "in-the-future", "The day cannot lie after today, at the seat.")]
    if on < today and reason is None:
        return [FieldError("/reason", "missing", "Say why the act counts on an earlier day.")]
    return []


def _arrived_on(db: GatedSession, case: Case | AnyRow) -> date | None:
    """The day of the step that brought the case to where it stands."""
    moved = (StepTaken.case_id == case.id, StepTaken.stage != case.stage)
    return db.execute(select(func.max(StepTaken.on)).where(*moved)).scalar()


def _too_early(since: date | None, on: date) -> list[FieldError]:
    if since is None or on >= since:
        return []
    detail = f"What this act follows was done on {since.isoformat()}; no earlier day can count."
    return [FieldError("/on", "before-preceding-step", detail)]


def holding_of(db: GatedSession, case: Case | AnyRow, party_id: UUID) -> Holding:
    """The capacity in which a party acts, whoever enters its act."""
    side = next(party.side for party in known_circle(db, case.id).parties if party.id == party_id)
    return Holding("requesting-party" if side == "requesting" else "responding-party", party_id)


def author(db: GatedSession, actor: Actor, case: Case | AnyRow, counted: Counted, held: Holding) -> Author:
    """Who did it, as an event names them: the registry, for the party, where it entered the act."""
    if counted.party_id is not None:
        return author_of(actor, "registry", counted.party_id)
    return author_of(actor, held.capacity, held.party_id)
