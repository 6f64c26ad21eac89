"""When a session can take place, and which other sessions it overlaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from app.core.access.actors import Actor
from app.core.access.policy import REPRESENTATIVES
from app.core.access.session import GatedSession
from app.core.db import AnyRow, AnySelect
from app.core.errors import Conflict, FieldError, Invalid
from app.core.tables.capacities import Capacity
from app.core.tables.cases import Case, StepTaken
from app.core.tables.parties import Party
from app.core.tables.sessions import Meeting
from app.proceedings.cases.paper_acts import day_faults, today_at, zone_of
from app.proceedings.sessions.schemas import HoldIn, OverlapOut, SessionIn
from app.rules.days import LocalTimeFault, at_seat, day_at

# A longer session is a slip of the pen, or a round of several sessions.
LONGEST = timedelta(days=31)
FURTHEST = timedelta(days=3653)
# A session that was adjourned or cancelled takes up no time.
_TAKES_PLACE = ("scheduled", "held")


@dataclass(frozen=True, slots=True)
class Span:
    """The beginning and the end of a session, as instants."""

    starts_at: datetime
    ends_at: datetime


def judge_times(db: GatedSession, now: datetime, case: Case, body: SessionIn) -> Span:
    """The beginning and the end of a session that is to be scheduled.

    Raises Invalid for a time that does not exist at the seat, for a beginning before the mediator was confirmed or too
    far ahead, and for an end that does not follow the beginning or follows it too late.
    """
    span = _instants(case, body)
    first_day = _first_day(db, now, case)
    if day_at(span.starts_at, zone_of(case)) < first_day:
        detail = f"Give a beginning on {first_day.isoformat()} or later: until then there was no mediator to meet."
        raise Invalid(FieldError("/starts_at", "before-mediator", detail))
    if span.starts_at > now + FURTHEST:
        raise Invalid(FieldError("/starts_at", "too-far-ahead", "Give a beginning within the next ten years."))
    if span.ends_at <= span.starts_at:
        raise Invalid(FieldError("/ends_at", "order", "A session must end after it begins."))
    if span.ends_at - span.starts_at > LONGEST:
        detail = f"A session lasts at most {LONGEST.days} days: schedule several sessions instead."
        raise Invalid(FieldError("/ends_at", "too-long", detail))
    return span


def _instants(case: Case, body: SessionIn) -> Span:
    zone, instants, faults = ZoneInfo(case.seat_time_zone), [], []
    for name in ("starts_at", "ends_at"):
        time: datetime = getattr(body, name)
        try:
            instants.append(time.astimezone(UTC) if time.tzinfo else at_seat(time, zone))
        except LocalTimeFault as fault:
            faults.append(FieldError(f"/{name}", "local-time", str(fault)))
    if faults:
        raise Invalid(*faults)
    return Span(*instants)


def _first_day(db: GatedSession, now: datetime, case: Case) -> date:
    """The first day on which a session can have been held: a session may be entered after it took place."""
    confirmed = (StepTaken.case_id == case.id, StepTaken.step == "confirm-mediator")
    confirmed_on = db.execute(select(func.max(StepTaken.on)).where(*confirmed)).scalar()
    return confirmed_on or today_at(case, now)


def held_on(case: Case, meeting: Meeting, now: datetime, body: HoldIn) -> date:
    """The day at the seat on which a session was held: today, or an earlier day on or after its scheduled beginning.

    Raises Invalid for another day.
    """
    today, begins_on = today_at(case, now), day_at(meeting.starts_at, zone_of(case))
    if body.on is None:
        return today
    faults = day_faults(today, body.on, body.reason)
    if not faults and body.on < begins_on:
        detail = f"Give {begins_on.isoformat()} or a later day: the session cannot have been held before it began."
        faults = [FieldError("/on", "before-session", detail)]
    if faults:
        raise Invalid(*faults)
    return body.on


def require_begun(meeting: Meeting, now: datetime) -> None:
    """Raise Conflict for a session that has not begun: it cannot have been held."""
    if now < meeting.starts_at:
        raise Conflict(
            f"The session begins on {meeting.starts_at.isoformat()}. Record it once it has begun; if it took place at "
            "another time, adjourn it and schedule one at that time.",
            "session-not-begun",
            starts_at=meeting.starts_at.isoformat(),
        )


def require_free(db: GatedSession, actor: Actor, span: Span) -> None:
    """Raise Conflict if the actor, a mediator, takes part in another session at that time, in any case.

    Only the mediator is refused: to others the refusal would tell of a session that they may not know of.
    """
    overlaps = [row for row in _sessions_of(db, actor, span) if _overlap(row, span)]
    if overlaps:
        raise Conflict(
            "You have another session at that time. Choose another time, or send 'despite_overlap' as true.",
            "sessions-overlap",
            sessions=[{"id": str(row.id), "case_id": str(row.case_id)} for row in overlaps],
        )


def overlaps_of(db: GatedSession, actor: Actor, rows: Sequence[AnyRow]) -> dict[UUID, list[OverlapOut]]:
    """For each session of a case, the others at the same time of which the actor is warned.

    A mediator is warned of all their own, and the staff of joint sessions with somebody who takes part in both. Others
    are not warned.
    """
    if not rows:
        return {}
    around = Span(min(row.starts_at for row in rows), max(row.ends_at for row in rows))
    found = _joint_sessions_around(db, rows[0].case_id, around) if actor.is_staff else _sessions_of(db, actor, around)
    sessions = {row.id: row for row in found}
    return {
        row.id: [
            OverlapOut(case_id=other.case_id, session_id=other.id)
            for other in sessions.values()
            if other.id != row.id and _overlap(other, row)
        ]
        for row in rows
        if row.id in sessions
    }


def _overlap(one: AnyRow, other: AnyRow | Span) -> bool:
    return bool(one.starts_at < other.ends_at and other.starts_at < one.ends_at)


def _sessions_of(db: GatedSession, actor: Actor, span: Span) -> Sequence[AnyRow]:
    """The sessions within a time of the cases in which the actor is the mediator, the earliest first."""
    mine = (Capacity.user_id == actor.id, Capacity.role == "mediator", Capacity.ended_at.is_(None))
    joined = _sessions_within(span).join(Capacity, Capacity.case_id == Meeting.case_id).where(*mine)
    return db.execute(joined).all()


def _joint_sessions_around(db: GatedSession, case_id: UUID, span: Span) -> Sequence[AnyRow]:
    """The joint sessions within a time of this case and of those that share somebody with it, the earliest first.

    They share a mediator, a representative, or a member of the institution that is a party.
    """
    held = (Capacity.role.in_(("mediator", *REPRESENTATIVES)), Capacity.ended_at.is_(None), Capacity.pending.is_(False))
    people = select(Capacity.user_id).where(Capacity.case_id == case_id, *held)
    members = select(Party.member_id).where(Party.case_id == case_id, Party.member_id.is_not(None))
    shared = or_(
        Meeting.case_id == case_id,
        Meeting.case_id.in_(select(Capacity.case_id).where(Capacity.user_id.in_(people), *held)),
        Meeting.case_id.in_(select(Party.case_id).where(Party.member_id.in_(members))),
    )
    # The staff must not know of a caucus.
    return db.execute(_sessions_within(span).where(Meeting.kind == "joint", shared)).all()


def _sessions_within(span: Span) -> AnySelect:
    within = (Meeting.starts_at < span.ends_at, Meeting.ends_at > span.starts_at, Meeting.state.in_(_TAKES_PLACE))
    sessions = select(Meeting.id, Meeting.case_id, Meeting.starts_at, Meeting.ends_at).where(*within)
    return sessions.order_by(Meeting.starts_at, Meeting.id)
