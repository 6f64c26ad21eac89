"""Sessions, which are scheduled in the time zone of the seat: joint ones, and caucuses with one side."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core.access import service as access
from app.core.access.actors import Actor
from app.core.access.circle import Circle
from app.core.access.criteria import left_at
from app.core.access.session import GatedSession
from app.core.contents import service as contents
from app.core.db import AnyRow, new_id
from app.core.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, invalid
from app.core.ledger import service as ledger
from app.core.ledger.acts import Act, Author, Subject, author_of
from app.core.paging import Page, Sort, listed
from app.core.tables.cases import Case
from app.core.tables.sessions import Meeting
from app.proceedings.cases.circle import circle_of, view_of
from app.proceedings.cases.lock import lock_case, require_case
from app.proceedings.cases.paper_acts import Counted
from app.proceedings.sessions.possible_times import (
    held_on,
    judge_times,
    overlaps_of,
    require_begun,
    require_free,
)
from app.proceedings.sessions.schemas import HoldIn, PutOffIn, SessionIn, SessionList, SessionOut
from app.proceedings.steps.service import Attempt, take_step_through

# The phases of a case in which sessions can be scheduled.
PHASES = ("sessions", "settlement")
# The audience that each kind of session has.
_AUDIENCES = {"joint": "participants", "caucus": "caucus"}
_COLUMNS = (
    Meeting.id,
    Meeting.case_id,
    Meeting.kind,
    Meeting.state,
    Meeting.audience_name.label("audience"),
    Meeting.party_ids,
    Meeting.content_id,
    Meeting.attendance_id,
    Meeting.reason_id,
    Meeting.starts_at,
    Meeting.ends_at,
    Meeting.time_zone,
    Meeting.held_on,
    Meeting.settled_at,
    left_at(Meeting),
)


def list_sessions(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, page: Page) -> SessionList:
    """Return a page of the sessions that the actor may know of; raises NotFound if the actor may not see the case."""
    require_case(db, case_id)
    statement = select(*_COLUMNS).where(Meeting.case_id == case_id)
    listing = listed(db, statement, page, Sort(Meeting.starts_at, Meeting.id, datetime))
    return SessionList(items=_out(db, actor, listing.rows), next=listing.next, count=listing.count)


def read_session(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, session_id: UUID) -> SessionOut:
    """Return one session; raises NotFound if the actor may not know of it."""
    wanted = (Meeting.case_id == case_id, Meeting.id == session_id)
    row = db.execute(select(*_COLUMNS).where(*wanted)).one_or_none()
    if row is None:
        raise NotFound
    return _out(db, actor, [row])[0]


def _out(db: GatedSession, actor: Actor, rows: Sequence[AnyRow]) -> list[SessionOut]:
    ids = [id for row in rows for id in (row.content_id, row.attendance_id, row.reason_id) if id is not None]
    bodies, overlaps = contents.read_many(db, ids), overlaps_of(db, actor, rows)
    # To a party that left before, such a session is still to come.
    unseen = {row.id for row in rows if row.left_at and row.settled_at and row.settled_at > row.left_at}
    return [
        SessionOut(
            id=row.id,
            kind=row.kind,
            title=bodies[row.content_id]["title"],
            state="scheduled" if row.id in unseen else row.state,
            audience=row.audience,
            party_ids=row.party_ids,
            place=bodies[row.content_id]["place"],
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            time_zone=row.time_zone,
            starts_local=_local(row.starts_at, row.time_zone),
            ends_local=_local(row.ends_at, row.time_zone),
            held_on=None if row.id in unseen else row.held_on,
            attendance=bodies[row.attendance_id]["attendance"] if row.attendance_id and row.id not in unseen else None,
            reason=bodies[row.reason_id]["reason"] if row.reason_id and row.id not in unseen else None,
            overlaps=overlaps.get(row.id, []),
        )
        for row in rows
    ]


def _local(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).isoformat()


def schedule(db: GatedSession, actor: Actor, now: datetime, case_id: UUID, body: SessionIn) -> tuple[UUID, UUID]:
    """Schedule a session: the mediator joint sessions and caucuses, the registry joint sessions only.

    Raises Forbidden for others, Conflict outside the phases of sessions and settlement and for a mediator who has
    another session at that time, and Invalid for an audience that does not fit the kind of session, or for times at
    which it cannot take place.
    """
    case = lock_case(db, actor, case_id)
    author = _scheduler(db, actor, case, body.kind)
    span = judge_times(db, now, case, body)
    if body.audience != _AUDIENCES[body.kind]:
        detail = "A joint session has the audience 'participants', a caucus the audience 'caucus'."
        raise invalid("/audience", "audience-kind", detail)
    parties = frozenset(body.party_ids)
    access.check_audience(db, actor, case_id, body.audience, parties)
    if case.phase not in PHASES:
        raise Conflict(
            "A session can be scheduled from the confirmation of the mediator until the case closes.",
            "step-not-open",
            stage=case.stage,
            rule_set=case.procedure,
            article=None,
            reasons=[],
        )
    if author.capacity == "mediator" and not body.despite_overlap:
        require_free(db, actor, span)
    audience_id = access.audience(db, case_id, body.audience, parties)
    content = contents.write(db, case_id, audience_id, {"title": body.title, "place": body.place})
    meeting = Meeting(
        id=new_id(db),
        case_id=case_id,
        audience_id=audience_id,
        kind=body.kind,
        state="scheduled",
        audience_name=body.audience,
        party_ids=sorted(str(party) for party in parties),
        content_id=content.id,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        time_zone=case.seat_time_zone,
        scheduled_at=now,
    )
    db.add(meeting)
    _record(db, _act_on(meeting, "schedule", now, author), meeting, content)
    return (case_id, meeting.id)


def _scheduler(db: GatedSession, actor: Actor, case: Case, kind: str) -> Author:
    """The actor as somebody who may schedule a session of this kind; raises Forbidden for others."""
    if circle_of(db, view_of(case)).is_mediator(actor):
        return author_of(actor, "mediator")
    if actor.is_staff and kind == "joint":
        return author_of(actor, "registry")
    detail = "Only the mediator may do this; for a joint session the registry may as well."
    raise Forbidden(detail, "not-your-capacity")


def _act_on(meeting: Meeting, name: str, now: datetime, author: Author) -> Act:
    return Act(name, now, author, Subject(meeting.case_id, meeting.audience_id, meeting.audience_name))


def _record(db: GatedSession, act: Act, meeting: Meeting, content: contents.Written) -> None:
    """Record the event `session-STATE`, of the state in which the act leaves the session."""
    payload = {
        "session_id": str(meeting.id),
        "kind": meeting.kind,
        "state": meeting.state,
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
    }
    ledger.record(db, act, f"session-{meeting.state}", payload, content=content)


def hold(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, session_id: UUID, body: HoldIn
) -> tuple[UUID, UUID]:
    """Record, as the mediator, that a session was held and who attended; a joint one takes the step `hold-session`.

    Raises NotFound, Forbidden for others, Invalid for a day on which it cannot have been held or for parties that the
    case does not have, and Conflict for a session that is not scheduled or has not begun.
    """
    case = lock_case(db, actor, case_id)
    meeting = _meeting(db, case_id, session_id)
    circle = circle_of(db, view_of(case))
    if not circle.is_mediator(actor):
        raise Forbidden("Only the mediator may record that a session was held.", "not-your-capacity")
    day = held_on(case, meeting, now, body)
    _check_attendance(circle, body)
    _expect_scheduled(meeting)
    require_begun(meeting, now)
    attendance: dict[str, Any] = {"attendance": [attendee.model_dump(mode="json") for attendee in body.attendance]}
    if body.reason is not None:
        attendance["reason"] = body.reason
    content = contents.write(db, case_id, meeting.audience_id, attendance)
    meeting.state, meeting.held_on, meeting.attendance_id, meeting.settled_at = "held", day, content.id, now
    if meeting.kind == "joint":
        take_step_through(db, actor, now, case, Attempt("hold-session", meeting.id, Counted(day)))
    _record(db, _act_on(meeting, "hold", now, author_of(actor, "mediator")), meeting, content)
    return (case_id, meeting.id)


def _check_attendance(circle: Circle, body: HoldIn) -> None:
    parties = {party.id for party in circle.parties}
    faults = [
        FieldError(f"/attendance/{number}/party_id", "unknown-party", "Name a party of this case by its id.")
        for number, attendee in enumerate(body.attendance)
        if attendee.party_id is not None and attendee.party_id not in parties
    ]
    if faults:
        raise Invalid(*faults)


def _meeting(db: GatedSession, case_id: UUID, session_id: UUID) -> Meeting:
    statement = select(Meeting).where(Meeting.case_id == case_id, Meeting.id == session_id)
    meeting = db.execute(statement).scalar_one_or_none()
    if meeting is None:
        raise NotFound
    return meeting


def _expect_scheduled(meeting: Meeting) -> None:
    if meeting.state != "scheduled":
        raise Conflict(
            f"The session is {meeting.state}, and only a scheduled session can be held, adjourned or cancelled. "
            "To meet again, schedule another one.",
            "session-state",
            state=meeting.state,
        )


def adjourn(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, session_id: UUID, body: PutOffIn
) -> tuple[UUID, UUID]:
    """Adjourn a session; the session that continues it is scheduled as a new one.

    Raises NotFound, Forbidden for anybody who may not schedule such a session, and Conflict for a session that is not
    scheduled.
    """
    meeting, author = _scheduled(db, actor, case_id, session_id)
    _put_off(db, _act_on(meeting, "adjourn", now, author), meeting, "adjourned", body)
    return (case_id, session_id)


def cancel(
    db: GatedSession, actor: Actor, now: datetime, case_id: UUID, session_id: UUID, body: PutOffIn
) -> tuple[UUID, UUID]:
    """Cancel a session that will not take place.

    Raises NotFound, Forbidden for anybody who may not schedule such a session, and Conflict for a session that is not
    scheduled.
    """
    meeting, author = _scheduled(db, actor, case_id, session_id)
    _put_off(db, _act_on(meeting, "cancel", now, author), meeting, "cancelled", body)
    return (case_id, session_id)


def _scheduled(db: GatedSession, actor: Actor, case_id: UUID, session_id: UUID) -> tuple[Meeting, Author]:
    """Lock the case and return its scheduled session, with the actor as somebody who may schedule such a session."""
    case = lock_case(db, actor, case_id)
    meeting = _meeting(db, case_id, session_id)
    author = _scheduler(db, actor, case, meeting.kind)
    _expect_scheduled(meeting)
    return meeting, author


def _put_off(db: GatedSession, act: Act, meeting: Meeting, state: str, body: PutOffIn) -> None:
    content = contents.write(db, meeting.case_id, meeting.audience_id, {"reason": body.reason})
    meeting.state, meeting.reason_id, meeting.settled_at = state, content.id, act.at
    _record(db, act, meeting, content)
