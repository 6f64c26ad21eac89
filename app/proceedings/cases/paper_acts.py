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
from app.core.errors import FieldError, Forbidden, Invalid, invalid
from app.core.ledger.acts import Act, Author, author_of
from app.core.tables.cases import Case, StepTaken
from app.proceedings.cases.schemas import OnPaper
from app.rules.days import day_at
from app.rules.model import Holding


@dataclass(frozen=True, slots=True)
class Counted:
    """How an act counts: on which day at the seat, for which party it was entered, and when and how it was received.

    `effective_at` is the instant from which a step of the clock has effect, however late it is recorded.
    """

    on: date
    party_id: UUID | None = None
    received_at: datetime | None = None
    received_via: str | None = None
    effective_at: datetime | None = None

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
    on = request.on or (today_at(case, request.received_at) if request.received_at else today)
    faults = _registry_faults(now, today, on, request) if actor.is_staff else _own_faults(today, on, request)
    if not faults and on < today:
        faults = _too_early(since or _arrived_on(db, case), on)
    if faults:
        raise Invalid(*faults)
    return Counted(on, request.on_behalf_of, request.received_at, request.received_via)


def _own_faults(today: date, on: date, request: OnPaper) -> list[FieldError]:
    """The faults of an act in person, which counts today and is received only from the actor."""
    faults = [
        FieldError(f"/{name}", "registry-only", f"Only the registry may send '{name}': leave it out.")
        for name in ("received_at", "received_via")
        if getattr(request, name) is not None
    ]
    if on != today and not faults:
        faults.append(FieldError("/on", "not-today", "The act counts today, at the seat; leave 'on' out."))
    return faults


def _registry_faults(now: datetime, today: date, on: date, request: OnPaper) -> list[FieldError]:
    """The faults of an act that the registry takes itself, or enters for a party."""
    faults = day_faults(today, on, request.reason)
    if request.received_at is not None and request.received_at > now:
        faults = [FieldError("/received_at", "in-the-future", "The time of receipt must not be after now.")]
    if request.on_behalf_of is not None and request.received_via is None:
        faults.append(FieldError("/received_via", "missing", "Say by which means the party's act was received."))
    if request.on_behalf_of is None and request.received_via is not None:
        faults.append(FieldError("/on_behalf_of", "missing", "Name the party whose act was received."))
    return faults


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
